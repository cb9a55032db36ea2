"""Pages painted without a figure: every pixel is the one that Agg draws for the figure of the same page."""

from __future__ import annotations

import itertools
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from matplotlib.ft2font import FT2Font

from filtviz.drawing import figures, pixelmap
from filtviz.drawing import pages as pages_module
from filtviz.drawing.figures import render, sheet_figure
from filtviz.drawing.glyphs import Writing, font_path, has_glyph
from filtviz.drawing.lettering import Mosaic, PageDesign
from filtviz.drawing.pages import SheetPage, page_image
from filtviz.drawing.sheet import SheetTexts

from .making import as_proven, layer_of, pages_of, random_weights

NAME = "größe ±→é ffi Wäsche AVAT.To 'x' $y$"
TEXTS = SheetTexts(
    source="model.pkl",
    notes=("a note that is long enough to need more than one line, with 12 fi AV " * 2,),
    remarks=tuple(f"r .{i}" for i in range(12)),
)


def assert_as_agg(page: SheetPage) -> None:
    painted = np.asarray(page.image().convert("RGB"))
    assert np.array_equal(painted, np.asarray(render(page.figure())))


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be painted by way of a figure."""
    monkeypatch.setattr(pages_module, "_image_of_agg", lambda *_: pytest.fail("Agg was asked"))


@pytest.mark.slow
@as_proven
@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((12, 128, 3, 3), {}),  # headings stand upright
        ((12, 4, 5, 2), {"scale": "filter"}),
        ((12, 3, 7, 7), {"primaries": "bgr"}),
        ((12, 9, 3, 3), {"view": "components", "cmap": "viridis"}),
        ((12, 2, 3, 3), {"dpi": 200}),
        ((12, 2, 3, 3), {"figsize": (3.37, 3.01)}),  # less than a whole number of pixels
        ((12, 2, 3, 3), {"figsize": (1, 1)}),  # most of it does not fit
    ],
)
def test_a_page_is_agg_s(no_figures: None, shape: tuple[int, ...], options: dict[str, Any]) -> None:
    weights = random_weights(*shape)
    weights[0, 0, 0, 0] = 0.0 if options.get("view") else np.nan
    layer = layer_of(weights, name=NAME, flip_filters=True)
    assert_as_agg(pages_of(layer, texts=TEXTS, **options)[0])


@as_proven
@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "dpi"),
    [
        *(((2, 2, 1, 9), dpi) for dpi in (50, 72, 96, 100, 110, 120, 150, 250, 300)),
        *(((2, 20, 3, 3), dpi) for dpi in (72, 110, 250)),
        *(((20, 1, 3, 3), dpi) for dpi in (50, 120, 300)),
        *(((1, 1, 40, 40), dpi) for dpi in (96, 150, 300)),
        *(((130, 110, 1, 1), dpi) for dpi in (50, 72, 100)),
    ],
)
def test_pages_of_many_sizes_are_agg_s(shape: tuple[int, ...], dpi: float) -> None:
    for page in pages_of(layer_of(random_weights(*shape)), dpi=dpi)[:3]:
        assert_as_agg(page)


@as_proven
@pytest.mark.slow
@pytest.mark.parametrize("n", range(1, 64, 3))
def test_sizes_that_inches_do_not_hold_exactly_are_agg_s(no_figures: None, n: int) -> None:
    assert_as_agg(pages_of(layer_of(random_weights(n, 1, 3, 3)))[0])


@as_proven
def test_lines_of_text_are_agg_s_wherever_they_stand(no_figures: None) -> None:
    places = itertools.product(("left", "center", "right"), ("top", "center", "bottom"), (False, True))
    words = "Ag|12 ±0.5|ffi fl AV|q|→ é|j_y|,|0|10|Tj|..|(x)|m|W W|k|1e-05|To|−3"
    texts = words.split("|")
    writings = [
        Writing(
            text=text,
            left=30.3 + 53.37 * (i % 6),
            top=25.2 + 41.13 * (i // 6),
            across=across,
            down=down,
            upright=upright,
            bold=i % 2 == 0,
            size=(7, 8, 10)[i % 3],
            colour=((0, 0, 0), (122, 59, 0), (250, 9, 130))[i // 6],
        )
        for i, (text, (across, down, upright)) in enumerate(zip(texts, places, strict=True))
    ]
    assert_design_as_agg(PageDesign(size=(340, 130), mosaics=(), writings=tuple(writings)))


def mosaic(*box: float) -> Mosaic:
    return Mosaic(
        cells=np.arange(12).reshape(3, 4),
        colours=np.random.default_rng(0).integers(0, 256, (12, 3)).astype(np.uint8),
        rows=np.arange(3),
        cols=np.arange(4),
        box=box,
    )


def assert_design_as_agg(design: PageDesign, dpi: float = 100.0) -> None:
    painted = np.asarray(page_image(design, dpi).convert("RGB"))
    assert np.array_equal(painted, np.asarray(render(sheet_figure(design, dpi))))


@pytest.mark.slow
@as_proven
def test_text_over_colours_over_text_and_over_the_edges_is_agg_s(no_figures: None) -> None:
    writings = [
        Writing(text="over the tiles", left=5, top=12, size=10, bold=True),
        Writing(text="and over text", left=7.5, top=13.5, colour=(122, 59, 0)),
        Writing(text="out at the left", left=-20, top=40),
        Writing(text="out at the right", left=70, top=30),
        Writing(text="above", left=40, top=-3.5),
        Writing(text="below", left=20, top=55, upright=True),
        Writing(text="nowhere", left=400, top=-90),
        Writing(text="   ", left=50, top=50),
        Writing(text="", left=50, top=50),
    ]
    for box in [(0, 0, 80, 60), (10, 10, 80, 30), (-8, -6, 40, 30), (60, 45, 40, 30)]:
        assert_design_as_agg(PageDesign(size=(90, 61), mosaics=(mosaic(*box),), writings=tuple(writings)))


@as_proven
def test_where_a_border_is_in_doubt_agg_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(figures, "render", lambda figure: asked.append(figure) or render(figure))
    design = PageDesign(size=(90, 61), mosaics=(mosaic(10, 10, 4, 3),), writings=())
    for dpi in (100.0, 200.0, 300.0):
        assert_design_as_agg(design, dpi)
    assert not asked
    assert_design_as_agg(design, 150.0)
    assert len(asked) == 1


def test_another_version_of_matplotlib_draws_the_page_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    (page,) = pages_of(layer_of(random_weights(2, 2, 3, 3)))
    expected, asked = np.asarray(page.image().convert("RGB")), []
    monkeypatch.setattr(figures, "render", lambda figure: asked.append(figure) or render(figure))
    monkeypatch.setattr(pages_module, "is_proven_version", lambda: False)
    assert np.array_equal(np.asarray(page.image().convert("RGB")), expected)
    assert len(asked) == 1


@as_proven
def test_the_installed_matplotlib_is_proven() -> None:
    assert pixelmap.is_proven_version()


def test_a_page_of_few_colours_has_a_palette() -> None:
    weights = random_weights(4, 2, 3, 3)
    (grey,) = pages_of(layer_of(weights), cmap="gray")
    (coloured,) = pages_of(layer_of(weights))
    assert (grey.image().mode, coloured.image().mode) == ("P", "RGB")
    assert_as_agg(grey)
    palette = grey.image().getpalette()
    assert len(set(zip(*[iter(palette)] * 3, strict=True))) == len(palette) // 3 <= 256


@pytest.mark.parametrize(("n", "mode"), [(255, "P"), (256, "RGB")])
def test_a_palette_holds_256_colours_the_page_s_among_them(n: int, mode: str) -> None:
    colours = np.stack([np.arange(n), np.full(n, 7), np.full(n, 9)], axis=1).astype(np.uint8)
    tiles = Mosaic(
        cells=np.arange(n)[None], colours=colours, rows=np.arange(1), cols=np.arange(n), box=(0, 0, n, 4)
    )
    image = page_image(PageDesign(size=(300, 10), mosaics=(tiles,), writings=()), 100.0)
    assert image.mode == mode
    assert np.array_equal(np.asarray(image.convert("RGB"))[0, :n], colours)


def test_colours_of_text_count_for_the_palette() -> None:
    colours = np.stack([np.arange(250), np.full(250, 7), np.full(250, 9)], axis=1).astype(np.uint8)
    tiles = Mosaic(
        cells=np.arange(250)[None],
        colours=colours,
        rows=np.arange(1),
        cols=np.arange(250),
        box=(0, 0, 250, 4),
    )
    writing = Writing(text="many greys", left=10, top=20)
    design = PageDesign(size=(300, 40), mosaics=(tiles,), writings=(writing,))
    assert page_image(design, 100.0).mode == "RGB"
    assert_design_as_agg(design)


@pytest.mark.slow
@as_proven
def test_painting_imports_no_figure_and_looks_for_no_fonts() -> None:
    check = """
import sys
import numpy as np
from filtviz.drawing import DrawingOptions, draw
from filtviz.network import ConvLayer, Network
layer = ConvLayer.of(np.ones((2, 1, 3, 3), 'f4'), type='Conv2DLayer')
(page,) = draw(Network.of([layer]).conv_layers[0], [0], DrawingOptions(view='sheet'))
page.image()
heavy = {'matplotlib.figure', 'matplotlib.font_manager', 'matplotlib.pyplot', 'scipy'}
print(sorted(heavy & set(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_what_the_bold_font_lacks_is_not_written() -> None:
    assert all(map(has_glyph, "aé→±~ "))
    upright, bold = (FT2Font(str(font_path(bold=bold))).get_charmap() for bold in (False, True))
    lacking = [chr(code) for code in upright.keys() - bold.keys()]
    assert lacking
    assert not any(map(has_glyph, lacking))


@as_proven
@pytest.mark.parametrize("place", [(-9, 4), (70, 40), (30, -4), (30, 57)], ids=str)
def test_letters_are_cut_at_each_edge_of_a_page(place: tuple[int, int]) -> None:
    left, top = place
    design = PageDesign(size=(90, 61), mosaics=(mosaic(10, 10, 40, 30),), writings=(
        Writing(text="over the edge", left=left, top=top),
    ))  # fmt: skip
    assert_design_as_agg(design)
