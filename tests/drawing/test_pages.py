"""The pages that views make: every weight at its place in its colour, every word that is promised."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import matplotlib
import numpy as np
import pytest
from matplotlib.image import AxesImage

from filtviz.drawing import DrawingOptions
from filtviz.drawing.colours import NOT_FINITE, by_colour_map, by_primaries
from filtviz.drawing.lettering import design_page, writable
from filtviz.drawing.pages import SheetPage
from filtviz.drawing.saving import write_pages
from filtviz.drawing.sheet import SheetTexts
from filtviz.errors import DrawingError

from .making import as_proven, layer_of, pages_of, random_weights


def texts_of(page: SheetPage) -> list[str]:
    return [text.get_text() for text in page.figure().texts]


def all_text(page: SheetPage) -> str:
    return " ".join(texts_of(page))


def pixels_of(page: SheetPage) -> np.ndarray:
    return np.asarray(page.image().convert("RGB"))


def tile_pixels(page: SheetPage) -> dict[tuple[int, int], np.ndarray]:
    """Return the colour in the middle of every weight of every tile, read off the finished picture."""
    picture = pixels_of(page)
    figure = page.figure()
    box = figure.axes[0].get_position()
    top = round((1 - box.y1) * picture.shape[0]) + 1
    left = round(box.x0 * picture.shape[1]) + 1
    zoom, found = page.page.plan.zoom, {}
    for strip, column, at in page.page.tiles():
        part = picture[top + at.top :, left + at.left :][: at.height, : at.width]
        blocks = part.reshape(at.height // zoom, zoom, at.width // zoom, zoom, 3)
        assert (blocks == blocks[:, :1, :, :1]).all(), "every weight is a square of one colour"
        found[strip, column] = blocks[:, 0, :, 0]
    return found


def test_nobodys_settings_turn_a_sheet_over_or_hide_its_words() -> None:
    layer = layer_of(random_weights(3, 2, 3, 3))
    (page,) = pages_of(layer)
    expected = pixels_of(page)
    ours = {
        "image.origin": "lower",
        "text.color": "white",
        "font.weight": "bold",
        "font.style": "italic",
        "font.size": 30,
    }
    with matplotlib.rc_context(ours):
        (page,) = pages_of(layer)
        assert np.array_equal(pixels_of(page), expected)


@pytest.mark.cases("all")
@as_proven
@pytest.mark.parametrize(
    "shape",
    [
        (2, 20, 3, 3),
        (20, 1, 3, 3),
        (6, 4, 5, 2),
        (4, 3, 7, 7),
        pytest.param((130, 110, 1, 1), marks=pytest.mark.slow),
        (2, 2, 1, 9),
    ],
)
def test_every_weight_is_drawn_in_its_colour(shape: tuple[int, ...]) -> None:
    weights = random_weights(*shape)
    expected = by_colour_map(weights / np.abs(weights).max(), "RdBu_r")
    seen = 0
    for page in pages_of(layer_of(weights)):
        for (strip, column), colours in tile_pixels(page).items():
            assert np.array_equal(colours, expected[strip, column])
            seen += 1
    assert seen == shape[0] * shape[1]


def test_the_channels_of_a_lone_filter_are_set_side_by_side() -> None:
    weights = random_weights(1, 50, 3, 3)
    (page,) = pages_of(layer_of(weights))
    expected = by_colour_map(weights / np.abs(weights).max(), "RdBu_r")
    for (strip, _), colours in tile_pixels(page).items():
        assert np.array_equal(colours, expected[0, strip])
    assert page.sheet.labels == tuple(map(str, range(50)))
    assert page.page.plan.blocks > 4
    assert "a tile is an input channel of filter 0" in all_text(page)


def test_one_strong_filter_among_weak_ones_is_pointed_out() -> None:
    weights = random_weights(5, 1, 3, 3)
    weights[2] *= 40
    advice = "a few filters are far stronger than the others"
    assert advice in all_text(pages_of(layer_of(weights))[0])
    assert advice not in all_text(pages_of(layer_of(weights), scale="filter")[0])
    assert advice not in all_text(pages_of(layer_of(random_weights(5, 1, 3, 3)))[0])


@pytest.mark.slow
def test_filters_of_three_channels_are_drawn_in_their_own_colours() -> None:
    weights = random_weights(5, 3, 7, 7)
    scaled = np.moveaxis(weights / np.abs(weights).max(), 1, -1).astype("f8")
    for primaries, expected in (("rgb", scaled), ("bgr", scaled[..., ::-1])):
        (page,) = pages_of(layer_of(weights), primaries=primaries)
        for (strip, _), colours in tile_pixels(page).items():
            assert np.array_equal(colours, by_primaries(expected[strip]))
        assert page.part == primaries
        order = {"rgb": "red, green and blue", "bgr": "blue, green and red"}[primaries]
        assert f"its three channels are {order}, mid grey is zero" in all_text(page)


def test_other_numbers_of_channels_have_no_colour_of_their_own() -> None:
    with pytest.raises(DrawingError, match="have 4 channels, and rgb colours need 3"):
        pages_of(layer_of(random_weights(2, 4, 3, 3)), primaries="rgb")


def test_all_tiles_are_one_image_and_the_bar_another() -> None:
    (page,) = pages_of(layer_of(random_weights(20, 20, 3, 3)))
    images = [
        image for axes in page.figure().axes for image in axes.get_children() if isinstance(image, AxesImage)
    ]
    assert len(images) == 2


def test_indices_and_numbers_are_written() -> None:
    weights = np.array([0.25, -0.5, 0.125, 0.0625]).reshape(2, 2, 1, 1)
    (page,) = pages_of(
        layer_of(weights, name="first", flip_filters=True), texts=SheetTexts(source="model.pkl")
    )
    texts = texts_of(page)
    assert texts[:4] == [
        "model.pkl · first (convolution 0, Conv2DLayer)",
        "2 filters x 2 channels of 1x1 weights, -0.5 to 0.25",
        "as stored: turned by 180° against what they match in the image (--flip)",
        "rows are filters, columns are input channels",
    ]
    assert texts[4:8] == ["0", "1", "0", "1"]
    assert texts[8:11] == ["-0.5", "0", "0.5"]


def test_labels_can_be_left_out() -> None:
    weights = random_weights(3, 2, 3, 3)
    (page,) = pages_of(layer_of(weights), labels=False)
    assert page.page.plan.label == page.page.plan.heading == 0
    assert not {"1", "2"} & set(texts_of(page))


@pytest.mark.parametrize(("sort", "expected"), [("norm", ["2", "0"]), ("index", ["0", "2"])])
def test_a_tile_keeps_its_original_index(sort: str, expected: list[str]) -> None:
    weights = np.array([2.0, 1.0, 3.0]).reshape(3, 1, 1, 1)
    (page,) = pages_of(layer_of(weights), sort=sort, top=2)
    assert page.sheet.labels == tuple(expected)
    assert "1 weaker filter of 3 not drawn (--top)" in texts_of(page)
    values = [float(page.sheet.values[i, 0, 0, 0]) for i in range(2)]
    assert values == [{"2": 1.0, "0": 2 / 3}[label] for label in expected]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("flips", "flip", "turned", "words"),
    [
        (True, False, False, "as stored: turned by 180° against what they match"),
        (True, True, True, "turned by 180°: as they match in the image"),
        (False, True, False, "as they match in the image, which is as stored"),
        (None, True, False, "cannot be shown, the file does not say"),
        (None, False, False, "as stored (the file does not say whether"),
    ],
)
def test_which_way_filters_are_turned(flips: bool | None, flip: bool, turned: bool, words: str) -> None:
    weights = random_weights(2, 1, 3, 3)
    (page,) = pages_of(layer_of(weights, flip_filters=flips), flip=flip)
    expected = weights[..., ::-1, ::-1] if turned else weights
    np.testing.assert_allclose(page.sheet.values * np.abs(weights).max(), expected, rtol=1e-6)
    assert words in all_text(page)


@pytest.mark.parametrize(
    ("scale", "ticks", "labels"),
    [
        ("layer", ("-4", "0", "4"), ("0", "1")),
        ("filter", ("-1", "0", "1"), ("0 ±2", "1 ±4")),
        ("kernel", ("-1", "0", "1"), ("0", "1")),
    ],
)
def test_each_scale_says_what_its_numbers_are(scale: str, ticks: tuple, labels: tuple) -> None:
    weights = np.array([[1.0, -2.0], [4.0, 3.0]]).reshape(2, 2, 1, 1)
    (page,) = pages_of(layer_of(weights), scale=scale)
    assert page.sheet.legend.ticks == ticks
    assert page.sheet.labels == labels
    expected = {"layer": [0.25, -0.5, 1, 0.75], "filter": [0.5, -1, 1, 0.75], "kernel": [1, -1, 1, 1]}
    assert page.sheet.values.ravel().tolist() == expected[scale]
    if scale != "layer":
        assert f"how strong a {scale} is cannot be seen" in page.sheet.legend.meaning


def test_weights_that_are_not_finite_are_drawn_and_counted() -> None:
    weights = np.array([1.0, np.nan, np.inf, -2.0]).reshape(1, 1, 2, 2)
    (page,) = pages_of(layer_of(weights))
    colours = tile_pixels(page)[0, 0]
    assert tuple(colours[0, 1]) == tuple(colours[1, 0]) == NOT_FINITE
    assert "2 weights of 4 not finite (NaN or infinite), drawn green" in texts_of(page)


@pytest.mark.parametrize("weights", [np.zeros((2, 1, 3, 3)), np.full((1, 1, 2, 2), np.nan)])
def test_a_layer_without_contrast_is_drawn(weights: np.ndarray) -> None:
    (page,) = pages_of(layer_of(weights))
    assert page.image().size[0] > 0


@pytest.mark.slow
def test_many_kernels_take_pages_that_say_what_they_show() -> None:
    pages = pages_of(layer_of(random_weights(130, 110, 3, 3)))
    assert len(pages) == 4
    assert [page.part for page in pages] == ["sheet-p1", "sheet-p2", "sheet-p3", "sheet-p4"]
    assert "page 2 of 4, rows 0 to 64, columns 55 to 109" in texts_of(pages[1])


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("total", "first", "last"),
    [(1, "", ""), (9, "-p1", "-p9"), (10, "-p01", "-p10"), (100, "-p001", "-p100")],
)
def test_numbers_of_pages_are_as_wide_as_the_last_and_sort(total: int, first: str, last: str) -> None:
    (page,) = pages_of(layer_of(random_weights(2, 1, 3, 3)))
    parts = [replace(page, number=number, total=total).part for number in range(1, total + 1)]
    assert (parts[0], parts[-1]) == (f"sheet{first}", f"sheet{last}")
    assert sorted(parts) == parts


def test_rms_is_one_tile_for_each_filter() -> None:
    weights = random_weights(4, 9, 3, 3)
    (page,) = pages_of(layer_of(weights), view="rms")
    rms = np.sqrt((weights.astype("f8") ** 2).mean(axis=1))
    expected = by_colour_map(2 * rms / rms.max() - 1, "magma")
    for (strip, _), colours in tile_pixels(page).items():
        assert np.array_equal(colours, expected[strip])
    assert page.sheet.legend.ticks[0] == "0"


@pytest.mark.parametrize("view", ["components", pytest.param("nmf", marks=pytest.mark.slow)])
def test_components_say_how_much_they_show(view: str) -> None:
    if view == "nmf":
        pytest.importorskip("sklearn", reason="needs the extra nmf")
    (page,) = pages_of(layer_of(random_weights(4, 9, 3, 3)), view=view, components=2)
    assert page.sheet.values.shape == (4, 2, 3, 3)
    assert all(caption.endswith("%") for row in page.sheet.captions for caption in row)
    assert "all tiles of a filter together show" in all_text(page)


HOSTILE = "$x^2$\x1b[2J強_{\\frac"


def test_what_a_file_says_is_text_and_nothing_else() -> None:
    (page,) = pages_of(layer_of(random_weights(1, 1, 2, 2), name=HOSTILE), texts=SheetTexts(source=HOSTILE))
    page.image()  # a formula or a missing glyph would warn, and warnings are errors here
    title = texts_of(page)[0]
    assert "$x^2$\\x1b[2J\\u5f37_{\\frac" in title
    assert all(not text.get_parse_math() for text in page.figure().texts)


def test_writable_keeps_what_the_font_has() -> None:
    assert writable("é → ±") == "é → ±"
    assert writable("\N{CJK UNIFIED IDEOGRAPH-5F37}") == "\\u5f37"


@pytest.mark.slow
@pytest.mark.parametrize("size", [(6, 4), (12, 12), (3, 3)])
def test_a_given_figure_size_is_kept(size: tuple[float, float]) -> None:
    for page in pages_of(layer_of(random_weights(20, 4, 3, 3)), figsize=size, dpi=50):
        assert page.image().size == (size[0] * 50, size[1] * 50)


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_every_format_gives_the_same_bytes_twice(suffix: str, start: bytes) -> None:
    written = []
    for _ in range(2):
        stream = BytesIO()
        write_pages(pages_of(layer_of(random_weights(3, 2, 3, 3))), suffix, DrawingOptions(), stream)
        written.append(stream.getvalue())
    assert written[0].startswith(start)
    assert written[0] == written[1]


@pytest.mark.parametrize("scale", ["layer", "filter"])
@pytest.mark.parametrize("figsize", [(2.0, 9.0), (3.2, 5.0), (4.0, 4.0), (7.0, 3.0)])
def test_all_of_a_small_page_lies_on_it(figsize: tuple[float, float], scale: str) -> None:
    (page,) = pages_of(layer_of(random_weights(6, 1, 3, 2)), figsize=figsize, scale=scale)
    design = design_page(page)
    width, height = design.size
    for mosaic in design.mosaics:
        left, top, across, down = mosaic.box
        assert min(left, top) >= 0
        assert (left + across <= width, top + down <= height) == (True, True)
    for writing in design.writings:
        if writing.across == "left":
            assert (writing.left + 4 * len(writing.text) <= width, writing.top + 9 <= height) == (True, True)
    written = " ".join(writing.text for writing in design.writings)
    assert page.sheet.legend.meaning in written
