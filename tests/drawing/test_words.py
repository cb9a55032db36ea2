"""What pages say, word for word, and what they do not say where there is nothing to say."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from filtviz.composition import ComposedLayer
from filtviz.drawing import VIEWS, DrawingOptions, SheetOptions, draw
from filtviz.drawing.kernel_sheets import comparison_pages, frame_pages
from filtviz.drawing.lettering import NOTE_COLOUR, design_page
from filtviz.drawing.pages import SheetPage
from filtviz.drawing.sheet import SheetTexts, number, span, with_badges, with_composition
from filtviz.drawing.views import DEFAULT_VIEW
from filtviz.measures.comparison import compare_layers
from filtviz.measures.measure import FilterDiagnosis, LayerDiagnosis

from .making import layer_of, pages_of, random_weights


def words(page: SheetPage) -> list[str]:
    return [writing.text for writing in design_page(page).writings]


def weights_of(*values: float, shape: tuple[int, ...]) -> np.ndarray:
    return np.array(values, "f4").reshape(shape)


def test_a_sheet_word_for_word() -> None:
    weights = weights_of(1, -2, 0.5, 4, 0, 1, shape=(3, 2, 1, 1))
    layer, texts = layer_of(weights, name="first"), SheetTexts(source="m.pkl", notes=("a note",))
    (page,) = pages_of(layer, texts=texts)
    assert words(page) == [
        "m.pkl · first (convolution 0, Conv2DLayer)",
        "3 filters x 2 channels of 1x1 weights, -2 to 4",
        "as stored (the file does not say whether that is how they match in the image)",
        "rows are filters, columns are input channels",
        "a note",
        *("0", "1", "2"),  # the filters
        *("0", "1") * 2,  # the channels, above two blocks of filters
        *("-4", "0", "4"),
        "weight; one scale for all, so that strong and weak",
        "can be compared",
    ]
    written = design_page(page).writings
    assert [w.size for w in written[:6]] == [10, 8, 8, 8, 8, 7]
    assert [w.bold for w in written[:6]] == [True, False, False, False, False, False]
    assert [w.colour for w in written[:6]] == [(0, 0, 0)] * 4 + [NOTE_COLOUR, (0, 0, 0)]


def test_a_page_of_many_says_which_rows_and_which_columns_it_shows() -> None:
    pages = pages_of(layer_of(random_weights(30, 40, 3, 3)), figsize=(4, 4))
    (first, *_, last) = (" ".join(words(page)) for page in pages)
    assert re.search(r"page 1 of \d+, rows 0 to \d+, columns 0 to \d+", first)
    assert re.search(r"rows \d+ to 29, columns \d+ to 39", last)


def test_a_lone_channel_has_no_heading_and_two_have() -> None:
    one, two = (pages_of(layer_of(random_weights(4, n, 3, 3)))[0] for n in (1, 2))
    assert (one.sheet.headings, two.sheet.headings) == ((), ("0", "1"))
    assert one.sheet.facts[-1] == "a tile is a filter, with its index at its left"
    assert two.sheet.facts[-1] == "rows are filters, columns are input channels"


@pytest.mark.parametrize(("n", "turned"), [(1, True), (2, False)])
def test_only_a_lone_filter_lays_its_channels_side_by_side(n: int, turned: bool) -> None:
    (page,) = pages_of(layer_of(random_weights(n, 5, 3, 3)), texts=SheetTexts(remarks=("r",) * n))
    assert (page.sheet.values.shape[0] == 5) is turned
    if turned:
        assert page.sheet.captions == (("r",), ("",), ("",), ("",), ("",))
        assert page.sheet.facts[-1] == "a tile is an input channel of filter 0, with its index at its left"


def test_a_lone_channel_of_a_lone_filter_is_a_filter() -> None:
    (page,) = pages_of(layer_of(random_weights(1, 1, 3, 3)))
    assert page.sheet.facts[0].startswith("1 filter x 1 channel of 3x3 weights, ")
    assert page.sheet.facts[-1] == "a tile is a filter, with its index at its left"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("top", "channels", "notes"),
    [
        (None, [0, 1, 2], ()),
        (5, [0, 1, 2], ()),
        (4, [0, 1, 2], ("1 weaker filter of 5 not drawn (--top)",)),
        (2, [0, 1, 2], ("3 weaker filters of 5 not drawn (--top)",)),
        (None, [0, 1], ("1 channel of 3 not drawn (--channels)",)),
        (4, [1], ("1 weaker filter of 5 not drawn (--top)", "2 channels of 3 not drawn (--channels)")),
    ],
)
def test_what_is_left_out_is_said_and_nothing_else(
    top: int | None, channels: list[int], notes: tuple[str, ...]
) -> None:
    options = DrawingOptions(view="sheet", sheet=SheetOptions(top=top))
    (page,) = draw(layer_of(random_weights(5, 3, 3, 3)), channels, options)
    assert page.sheet.notes == notes
    assert "Conv2DLayer" in page.sheet.title


@pytest.mark.parametrize(
    ("sort", "words_of_order"),
    [
        ("index", ""),
        ("norm", "; strongest first"),
        ("similarity", "; ordered so that neighbours look alike"),
    ],
)
def test_the_order_is_said_where_it_is_not_the_file_s(sort: str, words_of_order: str) -> None:
    (page,) = pages_of(layer_of(random_weights(4, 1, 3, 3), flip_filters=False), sort=sort)
    assert page.sheet.facts[1] == "as stored, which is as they match in the image" + words_of_order


@pytest.mark.parametrize("flips", [False, None])
def test_what_is_not_turned_in_the_file_is_never_turned(flips: bool | None) -> None:
    weights = random_weights(2, 1, 3, 3)
    (page,) = pages_of(layer_of(weights, flip_filters=flips), flip=True)
    np.testing.assert_allclose(page.sheet.values * np.abs(weights).max(), weights, rtol=1e-6)


def test_a_layer_that_is_none_of_a_network_s_has_its_name_only() -> None:
    layer = replace(layer_of(random_weights(1, 1, 3, 3), name="mine"), conv_index=-1)
    assert pages_of(layer)[0].sheet.title == "mine"
    assert pages_of(layer_of(random_weights(1, 1, 3, 3)))[0].sheet.title == (
        "conv1 (convolution 0, Conv2DLayer)"
    )


@pytest.mark.parametrize(("weak", "said"), [(0.19, True), (0.2, False), (0.21, False)])
def test_pale_filters_are_spoken_of_from_a_fifth_of_the_strongest_down(weak: float, said: bool) -> None:
    weights = np.array([weak, weak, 1.0]).reshape(3, 1, 1, 1)
    advice = "a few filters are far stronger than the others: --scale filter shows each on its own scale"
    assert pages_of(layer_of(weights))[0].sheet.notes == ((advice,) if said else ())


def test_three_primaries_share_a_scale_even_where_kernels_do_not() -> None:
    weights = weights_of(1, 2, 4, 8, 4, 2, shape=(2, 3, 1, 1))
    (page,) = pages_of(layer_of(weights), primaries="rgb", scale="kernel")
    assert page.sheet.values.ravel().tolist() == [0.25, 0.5, 1.0, 1.0, 0.5, 0.25]
    assert page.sheet.legend.meaning == (
        "weight over the largest of its filter (4 to 8): "
        "how strong a filter is cannot be seen (--scale layer)"
    )
    assert page.sheet.headings == ()


@pytest.mark.parametrize(
    ("scale", "ticks", "meaning", "values"),
    [
        ("layer", ("0", "4"), "root mean square of the weights; one scale for all", [-0.5, 1.0]),
        ("filter", ("0", "1"), "root mean square over the largest of its filter (1 to 4)", [1.0, 1.0]),
    ],
)
def test_root_mean_squares_run_from_zero(
    scale: str, ticks: tuple[str, str], meaning: str, values: list[float]
) -> None:
    weights = weights_of(1, -1, 4, -4, shape=(2, 2, 1, 1))
    (page,) = pages_of(layer_of(weights), view="rms", scale=scale)
    assert page.sheet.legend.ticks == ticks
    assert page.sheet.legend.meaning == meaning
    assert page.sheet.values.ravel().tolist() == values
    assert not page.sheet.signed
    assert page.sheet.facts[-1] == (
        "a tile is a filter: the root mean square of its weights over the channels"
    )


def test_components_word_for_word() -> None:
    # The first filter is one pattern in both channels, the second two that share nothing.
    weights = weights_of(3, 0, 4, 0, 2, 0, 0, 1, shape=(2, 2, 1, 2))
    (page,) = pages_of(layer_of(weights), view="components", components=2)
    assert page.sheet.captions == (("100%", "0%"), ("80%", "20%"))
    assert page.sheet.headings == ("1", "2")
    assert page.sheet.facts[2:] == (
        "columns are a filter's strongest patterns over its channels (singular components)",
        "below a tile: its share of the filter's energy; all tiles of a filter together show 100% "
        "(median; 100% to 100%)",
    )
    (page,) = pages_of(layer_of(weights), view="components", components=1)
    assert page.sheet.facts[3].endswith("together show 90% (median; 80% to 100%)")
    (page,) = pages_of(layer_of(weights), view="components", labels=False)
    assert (page.sheet.captions, page.sheet.headings) == ((), ())


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1.0, 1.0], "1"),
        ([0.5, -2.0], "-2 to 0.5"),
        ([np.nan, 0.1234], "0.123"),
        ([np.nan, np.inf], "no finite value"),
    ],
)
def test_a_range_is_two_numbers_one_or_none(values: list[float], said: str) -> None:
    assert span(np.array(values)) == said


def test_nothing_has_no_sign() -> None:
    assert [number(each) for each in (-0.0, 0.0, np.float32(-0.0), -1e-9)] == ["0", "0", "0", "-1e-09"]


@pytest.mark.parametrize(
    ("n_rows", "n_columns", "said"),
    [(4, 4, None), (2000, 2, "page 1 of 2, rows 0 to 999"), (2, 400, "page 1 of 5, columns 0 to 79")],
)
def test_a_part_of_a_sheet_says_which(n_rows: int, n_columns: int, said: str | None) -> None:
    pages = pages_of(layer_of(random_weights(n_rows, n_columns, 3, 3)))
    found = [text for text in words(pages[0]) if text.startswith("page ")]
    assert found == ([] if said is None else [said]), words(pages[0])[:6]


def comparison_of(*states: np.ndarray):
    return compare_layers([layer_of(weights) for weights in states], [f"{i}.pkl" for i in range(len(states))])


def test_a_comparison_word_for_word() -> None:
    first = weights_of(3, 4, 1, 0, 0, 0, 2, 2, shape=(4, 1, 1, 2))
    last = weights_of(6, 8, 0, 1, 1, 1, 2, 2, shape=(4, 1, 1, 2))
    (page,) = comparison_pages(comparison_of(first, last), DrawingOptions(view="sheet"))
    assert page.sheet.title == "conv1 · 0.pkl → 1.pkl"
    assert page.sheet.facts == (
        "4 filters x 1 channel of 1x2 weights, 0 to 8, as stored",
        "from 0.pkl to 1.pkl the weights changed by 92% of their norm (filters: median 100%, 0% to 141%; "
        "1 filter had been zero); the cosine of first and last is 0.944",
        "below a filter: cosine of first and last; norm of the difference over the norm of the first",
    )
    assert page.sheet.headings == ("before", "after", "difference")
    assert page.sheet.captions == (
        ("", "cos 1.00", "100%"),
        ("", "cos 0.00", "141%"),
        ("", "", "new"),
        ("", "cos 1.00", "0%"),
    )
    assert page.sheet.notes == ()


def test_an_opposite_filter_has_a_negative_cosine() -> None:
    found = comparison_of(np.ones((1, 1, 2, 2)), np.full((1, 1, 2, 2), -1.0))
    assert found.cosine.tolist() == [-1.0]
    assert found.total_cosine == -1.0
    assert found.total_change == 2.0


@pytest.mark.parametrize(("top", "notes"), [(3, ()), (2, ("1 filter that changed less not drawn (--top)",))])
def test_a_comparison_says_what_it_leaves_out(top: int, notes: tuple[str, ...]) -> None:
    found = comparison_of(random_weights(3, 1, 2, 2), random_weights(3, 1, 2, 2, seed=1))
    (page,) = comparison_pages(found, DrawingOptions(view="sheet", sheet=SheetOptions(top=top)))
    assert page.sheet.notes == notes


def test_three_states_are_numbered_and_several_channels_explained() -> None:
    (page,) = comparison_pages(comparison_of(*[random_weights(2, 2, 2, 2, seed=s) for s in range(3)]),
                               DrawingOptions(view="sheet"))  # fmt: skip
    assert [label.split(" ")[1] for label in page.sheet.labels] == ["1", "2", "3", "difference"] * 2
    assert (
        page.sheet.facts[2]
        == "rows are the states of a filter and last minus first, columns are input channels"
    )


def test_frames_count_from_one() -> None:
    frames = list(frame_pages(comparison_of(*[random_weights(2, 1, 2, 2, seed=s) for s in range(2)]),
                              DrawingOptions(view="sheet")))  # fmt: skip
    assert [page.sheet.facts for page in frames] == [
        ("1 of 2; one scale for all files",),
        ("2 of 2; one scale for all files",),
    ]
    assert [page.sheet.title for page in frames] == ["conv1 · 0.pkl", "conv1 · 1.pkl"]
    assert frames[0].part == "frame"


def test_what_is_composed_keeps_what_was_said_before_and_a_name_that_was_given() -> None:
    layer = layer_of(random_weights(2, 1, 3, 3))
    composed = ComposedLayer(layer=layer, sentences=("left out",), remarks=("r .9", "silent"))
    before = SheetTexts(source="m.pkl", notes=("earlier",), part="mine")
    assert with_composition(composed, before) == SheetTexts(
        source="m.pkl",
        orientation="composed down to the image, as they match in it",
        notes=("earlier", "left out"),
        remarks=("r .9", "silent"),
        part="mine",
    )
    assert with_composition(composed, SheetTexts()).part == "through"
    (page,) = pages_of(layer, texts=with_composition(composed, before))
    assert page.part == "mine"
    assert page.sheet.captions == (("r .9",), ("silent",))


def test_only_the_badges_that_occur_are_explained() -> None:
    layer = LayerDiagnosis(
        conv_index=0,
        name="conv1",
        type="Conv2DLayer",
        shape=(3, 1, 3, 3),
        dtype="float32",
        verdict="trained",
        sentence="",
        initialiser="",
        filters=(
            FilterDiagnosis(index=1, norm=1.0, decayed=True),
            FilterDiagnosis(index=2, norm=1.0, nonfinite=True),
        ),
    )
    texts = with_badges(layer, 3, SheetTexts(notes=("earlier",)))
    assert texts.remarks == ("", "-", "!")
    assert texts.notes == (
        "earlier",
        "badges: ! holds NaN or infinite numbers; - decayed to almost nothing; without one nothing was "
        "found beyond chance",
    )


def test_the_table_of_views_says_what_each_is() -> None:
    assert list(VIEWS) == ["grid", "sheet", "curves", "rms", "components", "nmf"]
    assert [view.name for view in VIEWS.values() if not view.is_sheet] == [DEFAULT_VIEW] == ["grid"]
    assert [view.name for view in VIEWS.values() if view.has_primaries] == ["sheet"]
    assert DrawingOptions().view == DEFAULT_VIEW


@pytest.mark.parametrize(
    "view", [view.name for view in VIEWS.values() if view.is_sheet and view.name not in ("nmf", "curves")]
)
def test_a_sheet_is_a_sheet(view: str) -> None:
    (page,) = pages_of(layer_of(random_weights(4, 5, 3, 3)), view=view)
    assert isinstance(page, SheetPage)
    assert page.part == view


def test_words_stand_at_what_they_name() -> None:
    (page,) = pages_of(layer_of(random_weights(4, 2, 3, 3)), texts=SheetTexts(remarks=("a", "b", "c", "d")))
    design, tiles = design_page(page), page.page
    across, above = 12, design.mosaics[0].box[1] + 1
    placed = {(w.text, w.left, w.top, w.across, w.down, w.upright) for w in design.writings}
    for strip, column, box in tiles.tiles():
        middle = across + box.left + box.width / 2, above + box.top + box.height / 2
        if column == 0:
            label = str(strip), across + box.left - 4, middle[1], "right", "center", False
            remark = "abcd"[strip], middle[0], above + box.top + box.height + 2, "center", "top", False
            assert {label, remark} <= placed
        if strip < tiles.plan.blocks:
            assert (str(column), middle[0], above + box.top - 3, "center", "bottom", False) in placed
    low, zero, high = design.writings[-5:-2]
    bar_left, bar_top, bar_width, bar_height = design.mosaics[1].box
    assert [(w.left, w.across) for w in (low, zero, high)] == [
        (bar_left, "left"),
        (bar_left + bar_width / 2, "center"),
        (bar_left + bar_width, "right"),
    ]
    assert {w.top for w in (low, zero, high)} == {bar_top + bar_height + 3}
    assert bar_top >= above + tiles.size[0], "the bar lies below the tiles"
    assert design.size[1] > bar_top + bar_height + 10


def test_lines_of_the_header_follow_each_other() -> None:
    (page,) = pages_of(layer_of(random_weights(2, 1, 3, 3)), texts=SheetTexts(notes=("a note",)))
    header = [w for w in design_page(page).writings if w.size > 7]
    assert [w.top for w in header] == [12, 30, 44, 58, 72]
    assert {w.left for w in header} == {12}
    assert design_page(page).mosaics[0].box[1] + 1 == 72 + 14 + 6


def test_pages_without_indices_say_which_they_are_and_no_more() -> None:
    pages = pages_of(layer_of(random_weights(2, 400, 3, 3)), labels=False)
    assert [page for page in words(pages[0]) if page.startswith("page ")] == [f"page 1 of {len(pages)}"]


@pytest.mark.parametrize("figsize", [(6, 3.9), (6, 4.5), (9, 9)])
def test_all_of_a_page_is_on_a_page_of_a_given_size(figsize: tuple[float, float]) -> None:
    for page in pages_of(layer_of(random_weights(40, 12, 3, 3)), figsize=figsize):
        design = design_page(page)
        assert design.size == (round(figsize[0] * 100), round(figsize[1] * 100))
        for left, top, width, height in (mosaic.box for mosaic in design.mosaics):
            assert left + width <= design.size[0]
            assert top + height <= design.size[1]
        assert max(w.top for w in design.writings) + 8 <= design.size[1]


def test_without_labels_nothing_is_said_of_the_scale_of_each_filter() -> None:
    layer = layer_of(random_weights(4, 2, 3, 3))
    for labels, said in ((True, 4), (False, 0)):
        (page,) = pages_of(layer, labels=labels, scale="filter")
        assert sum("±" in word for word in words(page)) == said


def test_each_block_has_its_headings_and_places_without_one_have_none() -> None:
    pages = pages_of(layer_of(random_weights(25, 2, 7, 7)), figsize=(3, 2.2))
    assert any(len(page.page.strips) < page.page.plan.blocks for page in pages)
    for page in pages:
        n = min(page.page.plan.blocks, len(page.page.strips))
        headings = [each for each in design_page(page).writings if each.down == "bottom"]
        assert len(headings) == 2 * n
