"""Pictures of what units answer, as facts: which tile is where, what stands below it, on which scale."""

from __future__ import annotations

import io
import warnings
from dataclasses import replace
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from filtviz.drawing import DrawingOptions, response_tiles
from filtviz.drawing import response_pictures as drawn
from filtviz.drawing.colours import NOT_FINITE
from filtviz.drawing.saving import write_pages
from filtviz.responses import Activity, Codes, Maximised, Patches

GREEN = np.array(NOT_FINITE) / 255
IMAGE = np.linspace(0, 1, 12).reshape(1, 3, 4)


@pytest.fixture
def tiles(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The tiles of each figure that is made."""
    made: list[Any] = []
    monkeypatch.setattr(drawn, "tiles_figure", made.append)
    return made


# Scales


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("values", "signed", "ticks", "scaled"),
    [
        ([1.0, 3.0], False, ("0", "3"), [-1 / 3, 1.0]), ([-1.0, 3.0], False, ("-1", "3"), [-1.0, 1.0]),
        ([-1.0, 3.0], True, ("-3", "3"), [-1 / 3, 1.0]), ([-4.0, 2.0], True, ("-4", "4"), [-1.0, 0.5]),
        ([0.0, 0.0], False, ("0", "0"), [-1.0, -1.0]), ([2.0, np.nan], False, ("0", "2"), [1.0, np.nan]),
        ([np.nan, np.inf], False, ("0", "1"), [np.nan, np.nan]),
    ],
)  # fmt: skip
def test_the_scale_of_a_sheet_begins_at_zero_or_has_it_in_the_middle(values, signed, ticks, scaled) -> None:
    array = np.array(values).reshape(1, 1, 1, -1)
    sheet = drawn.response_sheet(
        array, part="p", title="t", notes=["n"], meaning="m", signed=signed, cmap="gray", labels=["l"]
    )
    assert sheet.legend.ticks == ticks
    assert np.allclose(sheet.values.ravel(), scaled, equal_nan=True)
    assert (sheet.signed, sheet.title, sheet.notes, sheet.labels) == (signed, "t", ("n",), ("l",))


def test_an_image_is_grey_or_in_colours_and_only_what_is_no_picture_is_stretched() -> None:
    for channels in (1, 2, 4):
        pixels = np.random.default_rng(0).random((channels, 2, 2))
        assert np.allclose(drawn.visible(pixels), pixels.mean(axis=0)[..., None].repeat(3, 2))
    colours = np.random.default_rng(1).random((3, 2, 2))
    assert np.array_equal(drawn.visible(colours), np.moveaxis(colours, 0, -1))
    assert drawn.visible(np.array([[[0.25, 0.75]]]))[0, :, 0].tolist() == [0.25, 0.75]
    assert drawn.visible(np.array([[[0.0, 2.0]]]))[0, :, 0].tolist() == [0, 1]
    assert drawn.visible(np.array([[[-1.0, 0.0]]]))[0, :, 0].tolist() == [0, 1]
    assert drawn.visible(np.array([[[5.0, 5.0]]]))[0, :, 0].tolist() == [0, 0]


def test_values_have_the_colours_of_the_map_and_what_is_not_finite_one_of_its_own() -> None:
    found = drawn.coloured(np.array([[-1.0, 0.0, 2.0, 9.0, np.nan, np.inf]]), 0.0, 2.0, "gray")[0]
    assert np.allclose(found[:4], [[0] * 3, [0] * 3, [1] * 3, [1] * 3])
    assert np.allclose(found[4:], [GREEN, GREEN])


def test_a_piece_that_is_not_there_is_bluish_grey() -> None:
    grey = drawn._piece(np.array([[[1.0, 3.0, np.nan]]]), 1.0, 3.0)[0]
    assert np.allclose(grey, [[0] * 3, [1] * 3, [0.85, 0.88, 0.95]])
    colours = drawn._piece(np.array([[[1.0]], [[2.0]], [[3.0]]]), 1.0, 3.0)[0, 0]
    assert np.allclose(colours, [0, 0.5, 1])
    assert np.allclose(drawn._piece(np.ones((2, 1, 1)), 1.0, 1.0), 0)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("share", "told"), [(0, "0%"), (0.009, "<1%"), (0.01, "1%"), (0.5, "50%"), (0.999, "100%"), (1, "100%")]
)
def test_a_share_of_nothing_is_none_and_a_small_one_is_not(share, told) -> None:
    assert drawn._share(share) == told


# Activity


def activity(
    n: int = 4, *, low: float = 0.0, saturated: Any = None, function: str = "rectify", **given: Any
) -> Activity:
    maps = given.pop("maps", np.linspace(low, 2.0, n * 6).reshape(n, 2, 3))
    fires = np.array([0.5, 0.0, 0.004, 1.0, *[0.5] * n])[:n]
    usual = {"image": 0, "n_images": 3, "strongest": np.where(fires > 0, 2.0, 0.0), "function": function}
    shares = None if saturated is None else np.array(saturated)
    return Activity(layer="conv1", maps=maps, fires=fires, saturated=shares, **{**usual, **given})


def test_below_each_map_stand_its_unit_and_its_share_and_the_dead_are_red(tiles) -> None:
    drawn.activity_picture(activity(), IMAGE, "a.png").figure()
    (spec,) = tiles
    assert spec.captions == ["the image", "0  50%", "1  dead", "2  <1%", "3  100%"]
    assert spec.red == {2}
    assert np.array_equal(spec.tiles[0], drawn.visible(IMAGE))
    assert spec.title == "conv1: what 4 units answer to a.png"
    assert spec.scale == (0.0, 2.0, "viridis", "answer, one scale for all maps")
    assert spec.notes == [
        "over 3 images: 1 of 4 units never fired: dead, as far as these tell",
        "below each map: the unit, and at how much of all places and images it fires",
    ]


def test_saturated_units_and_lost_numbers_are_marked_where_they_are(tiles) -> None:
    found = activity(
        saturated=[0.95, 0.951, 0.0, 1.0], function="tanh", low=-1.0, strongest=np.array([1, 1, np.nan, 1])
    )
    drawn.activity_picture(found, IMAGE, "a.png").figure()
    (spec,) = tiles
    assert spec.captions[1:] == ["0  50%", "1  saturated 95%", "2  not finite", "3  saturated 100%"]
    assert spec.red == {2, 3, 4}
    assert spec.scale[:3] == (-2.0, 2.0, "RdBu_r")
    assert spec.notes[0] == (
        "over 3 images: 1 of 4 units answers NaN or infinity, drawn green; "
        "2 of 4 units are saturated at more than 95% of all places"
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (activity(1), "each of 1 unit fired somewhere"),
        (activity(1, function=""), "its units have no function that could die or saturate"),
        (
            activity(1, function="tanh", saturated=[0.0]),
            "none of 1 unit are saturated at more than 95% of all places",
        ),
    ],
)
def test_of_units_of_which_nothing_is_wrong_that_is_said(found, said) -> None:
    assert drawn._over_images(found) == f"over 3 images: {said}"


@pytest.mark.parametrize(("n", "more"), [(144, []), (145, ["the first 144 of 145 units are drawn"])])
def test_more_units_than_can_be_looked_at_are_counted(tiles, n: int, more: list[str]) -> None:
    picture = drawn.activity_picture(activity(n), IMAGE, "a.png")
    picture.figure()
    (spec,) = tiles
    assert len(spec.tiles) == len(spec.captions) == 145
    assert spec.notes[1:-1] == more
    assert len(picture.sheet.values) == 144


@pytest.mark.cases("all")
@pytest.mark.parametrize(("n", "across"), [(1, 6), (24, 6), (35, 6), (36, 7), (143, 12)])
def test_tiles_stand_in_a_square_but_for_few_and_many(tiles, n: int, across: int) -> None:
    drawn.activity_picture(activity(n), IMAGE, "a.png").figure()
    assert tiles[0].across == across


def test_a_unit_of_a_dense_layer_is_one_pixel() -> None:
    found = activity(2, maps=np.array([1.0, 2.0]))
    assert drawn._as_maps(found).tolist() == [[[1.0]], [[2.0]]]


# Patches


def patches(n: int = 2, top: int = 3, *, rectifies: bool = True) -> Patches:
    shown = np.linspace(0, 1, 4 * 25).reshape(4, 1, 5, 5)
    responses = np.linspace(3, 0.5, n * top).reshape(n, top)
    responses[0, -1], responses[-1, -1] = -np.inf, 0.0
    return Patches(
        layer="conv1", responses=responses, images=np.arange(n * top).reshape(n, top) % 4,
        corners=np.zeros((n, top, 2), int), size=(2, 2), shown=shown, rectifies=rectifies,
    )  # fmt: skip


def test_pieces_stand_in_their_order_behind_their_filter(tiles) -> None:
    found, beside = patches(), np.array([[[[1.0, -2.0]]], [[[0.0, 0.0]]]])
    drawn.patches_picture(found, [1, 0], beside, ["n"]).figure()
    (spec,) = tiles
    assert spec.across == 4
    assert spec.captions == ["filter 1", "1.5", "1", "no answer", "filter 0", "3", "2.5", "no answer"]
    assert np.allclose(spec.tiles[4], drawn.coloured(np.array([[1.0, -2.0]]), -2.0, 2.0, "RdBu_r"))
    assert np.allclose(spec.tiles[1], drawn._piece(found.of(1)[0], 0, 1))
    assert np.allclose(spec.tiles[3], [0.85, 0.88, 0.95])


def test_without_filters_beside_them_the_first_piece_names_its_filter(tiles) -> None:
    drawn.patches_picture(patches(rectifies=False), [0, 1], None, []).figure()
    (spec,) = tiles
    assert spec.across == 3
    assert spec.captions == ["filter 0: 3", "2.5", "no answer", "filter 1: 1.5", "1", "0"]


@pytest.mark.parametrize("n", [10, 11, 12])
def test_of_many_filters_two_share_a_row_with_a_gap_between(tiles, n: int) -> None:
    drawn.patches_picture(patches(n, 2), range(n), None, []).figure()
    (spec,) = tiles
    if n == 10:
        assert (spec.across, len(spec.tiles)) == (2, 20)
        return
    assert spec.across == 5
    for place, caption in enumerate(spec.captions):
        row, col = divmod(place, 5)
        assert (caption == "") == (col == 2)
        if col in (0, 3):
            assert caption.startswith(f"filter {2 * row + (col == 3)}: ")
        if col == 2:
            assert (np.asarray(spec.tiles[place]) == 1).all()


# What units want to see, planes, losses


@pytest.mark.parametrize("changed", [False, True])
def test_images_are_told_with_the_answers_before_and_after(tiles, changed: bool) -> None:
    start = np.full((1, 2, 2), 0.5)
    images = np.stack([start + 0.25, start - 0.5])
    found = Maximised(
        images=images,
        start=start,
        answers=np.array([[1.0, 2.0], [9.0, 9.0], [3.0, 4.5]]),
        layer="l",
        units=(7, 3),
    )
    picture = drawn.maximised_picture(found, "t", [], changed=changed)
    picture.figure()
    (spec,) = tiles
    if changed:
        assert spec.captions == [
            "unit 7 before: 1", "the difference", "after: 3", "unit 3 before: 2", "the difference",
            "after: 4.5",
        ]  # fmt: skip
        assert spec.across == 3
        assert np.allclose(spec.tiles[1], drawn.coloured(np.full((2, 2), 0.25), -0.25, 0.25, "RdBu_r"))
        assert picture.sheet.captions == (("before", "1 → 3"), ("before", "2 → 4.5"))
    else:
        assert spec.captions == ["7: 1 → 3", "3: 2 → 4.5"]
        assert picture.sheet.captions == (("1 → 3",), ("2 → 4.5",))
    assert picture.sheet.labels == ("unit 7", "unit 3")


def test_places_fill_the_unit_square_along_each_axis() -> None:
    assert drawn._within(np.array([[1.0, 5.0], [3.0, 5.0], [2.0, 5.0]])).tolist() == [
        [0, 0],
        [1, 0],
        [0.5, 0],
    ]
    assert drawn._within(np.array([[0.0, -1.0], [4.0, 1.0]])).tolist() == [[0, 0], [1, 1]]


def test_a_plane_in_a_terminal_has_right_at_the_right_and_high_at_the_top() -> None:
    found = Codes(layer="l", codes=np.zeros((2, 1)), places=np.array([[0.0, 0.0], [9.0, 9.0]]), plane="pca")
    seen = np.stack([np.full((1, 4, 4), 0.5), np.ones((1, 4, 4))])
    plane = (drawn.codes_picture(found, seen, []).sheet.values[0, 0] + 1) / 2
    assert plane[0, -1] == 1
    assert plane[-1, 0] == 0.5
    assert plane[0, 0] == plane[-1, -1] == 0


def test_losses_go_from_left_to_right_and_the_largest_is_at_the_top() -> None:
    series = {"training": np.array([4.0, 2.0, 0.0]), "validation": np.array([np.nan, 3.0])}
    sheet = drawn.loss_picture(series, "t", ["n"]).sheet
    chart = sheet.values[0, 0]
    assert np.argwhere(chart == 1).tolist() == [[0, 0], [8, 12], [15, 23]]
    assert np.argwhere(chart == -1).tolist() == [[4, 23]]
    assert sheet.legend.meaning == "training is +9, red; validation is -9, blue"
    assert sheet.notes == ("n", "from 4 at the top to 0 at the bottom")
    one = drawn.loss_picture({"training": np.array([2.0])}, "t", []).sheet
    assert np.argwhere(one.values[0, 0] == 1).tolist() == [[0, 0]]
    assert one.legend.meaning == "training is +9, red"


# Figures: what stands where on them


def texts_of(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.texts]


def test_losses_are_drawn_from_the_first_epoch_on_with_a_line_and_a_name_for_each_list() -> None:
    series = {"training": np.array([3.0, 2.0, np.nan, 1.0]), "validation": np.array([4.0, 2e300])}
    picture = drawn.loss_picture(series, "the title", ["a note"])
    figure = picture.figure()
    (axes,) = figure.axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert [x for x, _ in lines["training"]] == [1, 2, 3, 4]
    assert lines["validation"][0] == [1, 4]
    assert np.isnan(lines["validation"][1][1])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "loss")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["training", "validation"]
    assert texts_of(figure) == ["the title", "a note", "what lies beyond 1e+300 is not drawn"]
    assert len({line.get_color() for line in axes.lines}) == 2
    plain = drawn.loss_picture({"training": np.array([1.0])}, "t", []).figure()
    assert texts_of(plain) == ["t"]


@pytest.mark.cases("all")
@pytest.mark.parametrize("symmetric", [True, False])
def test_a_heat_map_stands_between_the_image_and_both_with_a_scale_of_its_own_colours(symmetric) -> None:
    heat = np.array([[-1.0, 0.0, 2.0]])
    picture = drawn.heat_picture(
        IMAGE,
        heat,
        part="p",
        title="t",
        notes=["n"],
        meaning="m",
        cmap="RdBu",
        symmetric=symmetric,
        legend="l",
    )
    figure = picture.figure()
    image, middle, both, bar = figure.axes
    assert [each.get_title() for each in (image, middle, both)] == ["the image", "m", "both"]
    assert [len(each.images) for each in (image, middle, both)] == [1, 1, 2]
    (alone,), over = middle.images, both.images[1]
    low, high = (-2, 2) if symmetric else (-1, 2)
    for shown in (alone, over):
        assert np.array_equal(shown.get_array(), heat)
        assert (shown.get_clim(), shown.get_cmap().name) == ((low, high), "RdBu")
    assert (alone.get_alpha(), over.get_alpha()) == (None, 0.6)
    ticks = [
        (each.get_text(), place) for each, place in zip(bar.get_xticklabels(), bar.get_xticks(), strict=True)
    ]
    assert ticks == [(f"{low}", low), (f"{high}", high)]
    assert texts_of(figure) == ["t", "n", "l"]
    assert bar.get_xlim() == (low, high)
    assert 0.6 not in [colours.get_alpha() for colours in bar.collections]  # no paler than the map
    sheet = picture.sheet
    assert (sheet.signed, sheet.legend.meaning, sheet.cmap) == (symmetric, "m; l", "RdBu")


@pytest.mark.slow
def test_colours_reach_at_the_least_as_far_as_what_counts_as_a_change() -> None:
    how = {"part": "p", "title": "t", "notes": [], "meaning": "m", "cmap": "RdBu"}
    still = np.full((1, 3), 1e-9)
    wide = drawn.heat_picture(IMAGE, still, **how, symmetric=True, least=0.5).figure()
    assert wide.axes[1].images[0].get_clim() == (-0.5, 0.5)
    flat = drawn.heat_picture(IMAGE, np.full((1, 3), 2.0), **how).figure()
    assert flat.axes[1].images[0].get_clim() == (2.0, 3.0)


def test_tiles_have_their_words_their_scale_and_red_where_it_is_grave() -> None:
    spec = drawn.Tiles(
        tiles=[np.zeros((2, 2, 3))] * 3, captions=["a", "b", "c"], across=2, title="t", notes=["n"],
        red=frozenset({1}), scale=(-1.0, 2.0, "RdBu_r", "what they are"),
    )  # fmt: skip
    figure = drawn.tiles_figure(spec)
    (page,) = figure.axes
    words = {text.get_text(): text for text in page.texts}
    assert list(words) == ["a", "b", "c", "-1", "2", "what they are"]
    assert [words[each].get_color() for each in "abc"] == [drawn.GREY, response_tiles.RED, drawn.GREY]
    assert words["-1"].get_position()[0] < words["2"].get_position()[0]
    assert words["a"].get_position()[0] == words["c"].get_position()[0] < words["b"].get_position()[0]
    assert words["a"].get_position()[1] == words["b"].get_position()[1] > words["c"].get_position()[1]
    bar = page.images[-1]
    assert (bar.get_cmap().name, bar.get_array()[0, 0], bar.get_array()[0, -1]) == ("RdBu_r", 0, 1)
    width, height = figure.get_size_inches()
    assert all(0 <= x <= width and 0 <= y <= height for x, y in (text.get_position() for text in page.texts))
    assert texts_of(figure) == ["t", "n"]


def test_images_lie_in_the_plane_where_their_codes_are() -> None:
    places = np.array([[0.0, 0.0], [10.0, 5.0]])
    found = Codes(layer="dense", codes=np.zeros((2, 4)), places=places, plane="pca")
    seen = np.stack([np.zeros((1, 2, 2)), np.ones((1, 2, 2))])
    figure = drawn.codes_picture(found, seen, ["n"]).figure()
    (axes,) = figure.axes
    middles = [tuple(np.mean(np.reshape(each.get_extent(), (2, 2)), axis=1).round(6)) for each in axes.images]
    assert middles == [(0, 0), (1, 1)]
    assert axes.get_xlim()[0] < 0 < 1 < axes.get_xlim()[1]
    assert axes.get_ylim()[0] < 0 < 1 < axes.get_ylim()[1]
    assert texts_of(figure)[0] == "dense: 2 images where their codes are"


def test_of_very_many_images_a_part_is_drawn_and_that_is_said(monkeypatch) -> None:
    monkeypatch.setattr(drawn, "MOST_DRAWN", 3)
    places = np.arange(10.0).reshape(5, 2)
    found = Codes(layer="dense", codes=np.zeros((5, 4)), places=places, plane="pca")
    figure = drawn.codes_picture(found, np.zeros((5, 1, 2, 2)), ["n"]).figure()
    assert len(figure.axes[0].images) == 3
    assert texts_of(figure)[2] == "drawn are 3 of them, evenly chosen"
    few = drawn.codes_picture(replace(found, places=places[:3]), np.zeros((3, 1, 2, 2)), ["n"]).figure()
    assert (len(few.axes[0].images), texts_of(few)[1:]) == (3, ["n"])


ODD_SETTINGS = {"text.usetex": True, "axes.facecolor": "black", "font.size": 30.0, "svg.fonttype": "none"}


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_nobodys_settings_change_a_picture_of_answers_or_have_tex_run(suffix: str) -> None:
    picture = drawn.loss_picture({"training": np.array([3.0, 2.0, 1.0])}, "t", ["n"])

    def written() -> bytes:
        stream = io.BytesIO()
        write_pages([picture], suffix, DrawingOptions(), stream)
        return stream.getvalue()

    expected = written()
    with matplotlib.rc_context(ODD_SETTINGS):
        assert written() == expected
        assert {name: matplotlib.rcParams[name] for name in ODD_SETTINGS} == ODD_SETTINGS
        figure = Figure()
        figure.text(0.5, 0.5, "a person's own figure keeps them")
        assert figure.texts[0].get_usetex()


@pytest.mark.cases(1)
@pytest.mark.parametrize("suffix", [pytest.param("png", marks=pytest.mark.slow), "svg", "pdf"])
def test_letters_that_the_font_does_not_have_are_no_reason_to_warn(suffix: str) -> None:
    picture = drawn.loss_picture({"training": np.array([2.0, 1.0])}, "漢字", ["n"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_pages([picture], suffix, DrawingOptions(), io.BytesIO())
    with pytest.warns(UserWarning, match="Glyph"):
        FigureCanvasAgg(picture.figure()).draw()
