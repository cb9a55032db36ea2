"""Whole pages and the smallest functions of drawing, over inputs that are drawn by chance or vary one fact.

``python -m tests.telling`` writes ``tests/told/drawn_whole.txt`` anew.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any
from unittest.mock import patch

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap

from filtviz.drawing import DrawingOptions, draw
from filtviz.drawing.curves import _bars
from filtviz.drawing.figures import sheet_figure
from filtviz.drawing.grid import KernelGrid, _numbered_kernels, channel_part, find_pixel_map, lay_out_cells
from filtviz.drawing.layout import TileSpec, least_zoom
from filtviz.drawing.lettering import _framed_axis, design_page, writable
from filtviz.drawing.options import SheetOptions
from filtviz.drawing.pages import SheetPage, _paste, sheet_pages
from filtviz.drawing.pattern_sheets import pattern_sheet, rms_sheet
from filtviz.drawing.pixelmap import Grid, compute_pixel_map, place_boxes
from filtviz.drawing.png import Raster, _filtered, encode_page
from filtviz.drawing.selection import select_filters
from filtviz.drawing.sheet import Legend, Sheet, SheetTexts, number, span, spec_of
from filtviz.network import ConvLayer

from .direct_parts import direct
from .figures_told import figure_lines
from .making import layer_of, numbers, random_weights, said, short, summed

__all__ = ["all_lines"]


LEGEND = Legend(ticks=("0", "1"), meaning="m")


def _sheet(pick: random.Random) -> Sheet:
    """Return a sheet of which everything is chosen by chance."""
    group, n_columns = pick.choice((1, 1, 1, 2, 3)), pick.choice((1, 2, 3, 9, 25))
    n_strips, rows, cols = group * pick.choice((1, 2, 5, 14)), pick.randint(1, 6), pick.randint(1, 6)
    is_coloured = pick.random() < 0.3
    shape = (n_strips, n_columns, rows, cols, *([3] * is_coloured))
    values = np.random.default_rng(pick.randrange(99)).uniform(-1, 1, shape)
    values.reshape(-1)[:: pick.choice((7, 10**6))] = np.nan
    wide, high = pick.choice((1, 3, 12)), pick.choice((0, 1, 2, 9))
    captions = ((*(f"c{j}" for j in range(n_columns)),),) * n_strips
    return Sheet(
        name="name", values=values, cmap=None if is_coloured else "gray",
        labels=tuple(f"{i:0{wide}d}" for i in range(n_strips)) if pick.random() < 0.8 else ("",) * n_strips,
        headings=tuple(f"{i:0{high}d}" for i in range(n_columns)) if high else (),
        captions=captions if pick.random() < 0.4 else (), title=pick.choice(("", "a title " * 12, "t")),
        facts=pick.choice(((), ("a fact",), ("", "long " * 30))),
        notes=("a note " * 15,) * pick.choice((0, 1, 2)),
        legend=Legend(ticks=pick.choice((("0", "1"), ("-1", "0", "1"))), meaning="m " * pick.choice((1, 60))),
        group=group,
    )  # fmt: skip


def _pages() -> Iterator[str]:
    """Yield each page of many sheets, with all that is written on it and the pixels of its tiles."""
    for seed in range(30):
        pick = random.Random(seed)
        sheet = _sheet(pick)
        figsize = pick.choice((None, None, (4.004, 3.006), (2.997, 5.0), (7.345, 2.568)))
        dpi = pick.choice((100.0, 33.3, 72.0, 144.5, 10.0))
        pages = list(sheet_pages(sheet, DrawingOptions(dpi=dpi, sheet=SheetOptions(figsize=figsize))))
        yield f"== {seed} {sheet.values.shape} {sheet.cmap} {figsize} {dpi:g}: {spec_of(sheet)}"
        for page in (pages[0], *pages[1:][-1:]):
            design = design_page(page)
            texts = "\n".join(f"{[_plain(one) for one in vars(each).values()]}" for each in design.writings)
            boxes = [f"{numbers(one.box)} {_sum(one.pixels)}" for one in design.mosaics]
            header = [one.text[:30] for one in design.writings if one.size > 7][-1:]
            told = (
                f"{page.part} {design.size} {boxes} {len(design.writings)} {zlib.crc32(texts.encode()):08x}"
            )
            yield f"  {told} {header}"
    small = Sheet(
        name="s", values=np.zeros((1, 1, 2, 2)), cmap="gray", labels=("",), legend=LEGEND, title="t"
    )
    for dpi in (10.0, 11.1, 33.3, 47.9):
        (page,) = sheet_pages(small, DrawingOptions(dpi=dpi))
        yield f"pixels of {design_page(page).size} at {dpi}: {page.image().size}"


def _sum(pixels: Any) -> str:
    return f"{pixels.shape} {zlib.crc32(np.ascontiguousarray(pixels).tobytes()):08x}"


def _plain(value: Any) -> Any:
    return f"{value:.5g}" if isinstance(value, float) else value


def _figures() -> Iterator[str]:
    """Yield sheets and pages of nolearn's as figures of matplotlib's."""
    weights = random_weights(4, 12, 2, 3)
    texts = SheetTexts(source="m.pkl", notes=("a note",), remarks=("r", "", "s", "t"))
    for how in ({"figsize": (4.0, 3.0)}, {"primaries": "bgr", "scale": "filter"}):
        own = layer_of(weights if "figsize" in how else weights[:, :3], name="c", flip_filters=True)
        options = DrawingOptions(view="sheet", dpi=50.0, sheet=SheetOptions(**how))  # type: ignore[arg-type]
        (page, *_) = draw(own, range(own.n_channels), options, texts)
        assert isinstance(page, SheetPage)
        figure = page.figure()
        yield f"== figure of {page!r} at {figure.dpi:g}"
        yield from figure_lines(figure)
        turned = [text.get_rotation() for text in figure.texts]
        fonts = {(text.get_fontfamily()[0], text.get_style(), text.get_variant()) for text in figure.texts}
        yield f"  turned {turned[:9]} in {sorted(fonts)}, {len(sheet_figure(design_page(page), 50.0).axes)}"
    clear = ListedColormap([(1, 0, 0, 0.5), (0, 0, 1, 1)], name="clear")
    colormaps.register(clear)
    try:
        for cmap, figsize, dpi in (
            ("gray", (3.0, 2.0), 40.0),
            ("clear", (3.0, 2.0), 40.0),
        ):
            options = DrawingOptions(cmap=cmap, figsize=figsize, dpi=dpi)
            for page in draw(layer_of(weights), [11], options):
                assert isinstance(page, KernelGrid)
                figure = page.figure()
                places = [numbers(axes.get_position().bounds) for axes in figure.axes]
                cells = [
                    summed(np.round(np.asarray(image.get_array(), float), 5) * 1e5)
                    for image in figure.axes[0].images
                ]
                size = numbers(figure.get_size_inches())
                yield f"{page!r} {page.part} in {cmap}: {figure.dpi:g} {size} {places} {cells}"
                yield f"  {page.grid} {page.image().size} {page.image().mode}"
    finally:
        colormaps.unregister("clear")


def _grids() -> Iterator[str]:
    """Yield where the kernels of nolearn's pages lie, and which cell each pixel shows."""
    for seed in range(40):
        pick = random.Random(seed)
        grid = Grid.of(
            pick.choice((1, 2, 5, 16, 17, 64)), (pick.randint(1, 9), pick.randint(1, 9)),
            (pick.choice((1.0, 2.5, 6.0)), pick.choice((1.5, 3.0, 8.0))), pick.choice((33.0, 50.0, 72.5)),
        )  # fmt: skip
        boxes = place_boxes(grid)
        spots = [numbers(one[[0, -1]]) for one in (boxes.left, boxes.right, boxes.bottom, boxes.top)]
        found = compute_pixel_map(grid)
        maps = [
            f"{one.size} {(one < 0).sum()} {(one[one >= 0] % 7).sum() + one.max()}"
            for one in (found.rows, found.cols)
        ]
        yield f"{grid}: {spots} {maps}"
    for n in (1, 2, 3, 5):
        index = np.arange(n * 6).reshape(n, 2, 3) + 1
        yield f"{n} laid out: {lay_out_cells(index, Grid.of(n, (2, 3), (1.0, 1.0), 9.0), 0).tolist()}"
    for n in (1, 2, 10, 11, 100, 101):
        yield f"part of {n}: {[channel_part(c, n) for c in {0, min(9, n - 1), n - 1}]}"
    grid = Grid(2, 250, 200, (1.0, 1.0), 10.0)
    asked = np.array([[False, True], [True, True]])
    for place, colours in _numbered_kernels(grid, asked):
        digits = np.round(colours * 255 - 0.5, 6).astype(int)
        told = [digits[0, 0].tolist(), digits[-1, -1].tolist(), digits[249, 60].tolist()]
        yield f"numbered {place}: {colours.shape} {told} {digits.sum(axis=(0, 1)).tolist()}"
    first = find_pixel_map(Grid.of(3, (2, 2), (1.0, 1.0), 20.0))
    yield f"found once: {find_pixel_map(Grid.of(3, (2, 2), (1.0, 1.0), 20.0)) is first}"


def _small() -> Iterator[str]:
    """Yield what the smallest functions give."""
    for length in (1, 2, 3, 20, 21, 39, 40, 41):
        values = np.resize([0.0, 1.0, -1.0, 0.03, 0.05, -0.5, np.nan, 0.999], (1, 2, length))
        held = np.nan_to_num(_bars(values), nan=7.0)
        places = held.ravel() @ (np.arange(held.size) % 101 + 1.0)
        yield f"bars of {length}: {held.shape} {numbers([held.sum(), places])} {numbers(held[0, 0, ::6, 0])}"
    for rows, cols, label, caption in product((1, 3, 11, 15, 16), (1, 5, 16), (0, 2), (0, 3, 9)):
        spec = TileSpec(
            n_strips=1, n_columns=1, rows=rows, cols=cols, label_width=label, caption_width=caption
        )
        yield f"least zoom of {rows}x{cols} {label} {caption}: {least_zoom(spec)}"
    for starts, n_cells, zoom, length in (((0,), 2, 3, 9), ((1, 8), 1, 4, 16), ((0, 5), 3, 1, 10)):
        yield f"framed {starts} {n_cells} {zoom}: {_framed_axis(starts, n_cells, zoom, length).tolist()}"
    cells = np.arange(6, dtype=np.uint8).reshape(2, 3) + 1
    for top, left in product((-1, 0, 1, 3, 9), (-2, 0, 2, 4, 9)):
        page = np.zeros((4, 5), np.uint8)
        _paste(page, cells, (top, np.array([0, 1, 1])), (left, np.array([2, 0, 1])))
        yield f"pasted at {top} {left}: {page.tolist()}"
    for text in (
        "a–é",
        "\U0001f600",
        "a\tb\nc",
        "‮x",
        "日本",
        "\x00",
        "µ±°×→",
        "x" * 1200,
        "\ud800",
        "\u0301",
        "½ ℝ",
    ):
        yield f"writable {short(text)!a}: {short(writable(text))!a}"
    for value in (0.0, -0.0, 1.0, 999.5, 1234.5, 0.00012345, -1e-9, float("inf"), float("nan"), 5e-324):
        yield f"number {value}: {number(value)} {span(np.array([value, 1.0]))}"
    rows = np.array([[1, 2], [1, 2], [3, 2], [3, 2], [0, 0], [0, 0], [0, 1]], np.uint8)
    yield f"filtered: {list(_filtered(rows))} {list(_filtered(rows[:1]))}"
    for mode, shape in (("1", (2, 2)), ("L", (2, 9)), ("P", (2, 9)), ("RGB", (2, 27))):
        held = (np.arange(np.prod(shape)).reshape(shape) % 3).astype(np.uint8)
        page = Raster(mode=mode, size=(9, 2), rows=held, palette=b"abcdefghi" if mode == "P" else b"")
        for dpi, mark in ((100.0, ""), (33.3, "a mark"), (0.4, "é")):
            kinds = [(chunk[4:8], chunk[8:-4]) for chunk in _chunks(encode_page(page, dpi, mark))]
            told = [(kind, b"" if kind == b"IDAT" else held) for kind, held in kinds]
            yield f"png {mode} {dpi} {mark!a}: {told}"
        seen = page.image()
        yield f"  {seen.mode} {seen.getpixel((8, 1))} {seen.convert('RGB').getpixel((1, 0))}"


def _chunks(png: bytes) -> Iterator[bytes]:
    place = 8
    while place < len(png):
        end = place + 12 + int.from_bytes(png[place : place + 4], "big")
        yield png[place:end]
        assert int.from_bytes(png[end - 4 : end], "big") == zlib.crc32(png[place + 4 : end - 4])
        place = end


def _patterns() -> Iterator[str]:
    """Yield the sheets of patterns, of filters whose patterns are known: each channel a multiple of one."""
    shape = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0]])
    other = np.array([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    one = np.stack([n * shape for n in (1, 2, -2, 0, 4, 1, 1, 1, 1, 1, 1, 1)])
    two = np.stack([*[3 * shape, other] * 6])
    weights = np.stack([one, two, 0 * one, np.abs(one)])
    for view, components, scale in product(("components", "rms"), (1, 2, 12), ("layer", "filter", "kernel")):
        if view == "rms" and components > 1:
            continue
        for how in ({}, {"labels": False}, {"cmap": "viridis"}) if scale == "layer" else ({},):
            options = SheetOptions(components=components, scale=scale, **how)  # type: ignore[arg-type]
            own = select_filters(
                layer_of(weights, name="c"), range(12), options, SheetTexts(remarks=tuple("abcd"))
            )
            sheet = said(lambda v=view, s=own: _pattern(rms_sheet(s) if v == "rms" else pattern_sheet(s, v)))
            yield f"{view} {components} by {scale} {how}: {sheet}"
    wide = layer_of(random_weights(1, 12, 3, 4))
    chosen = select_filters(wide, range(12), SheetOptions(components=12), SheetTexts())
    yield f"of many components: {pattern_sheet(chosen, 'components').values.shape}"
    with patch.dict("sys.modules", {"sklearn": None, "sklearn.decomposition": None}):
        options = DrawingOptions(view="nmf")
        told = said(lambda: len(list(draw(layer_of(weights), range(12), options))))
        yield f"nmf without what it needs: {told}"


def _pattern(sheet: Sheet) -> str:
    size = np.round(np.nansum(np.abs(sheet.values[:, :1]), axis=(1, 2, 3)) + 0.0, 2).tolist()
    words = f"{sheet.labels} {sheet.headings} {sheet.captions[:2]} {sheet.facts[2:4]} {sheet.legend}"
    return f"{sheet.name} {sheet.values.shape} {size} {sheet.cmap} {sheet.signed} {words}"


def _layers() -> Iterator[str]:
    """Yield how layers over one axis, two and three are drawn in each view, some channels of them."""
    made = {
        "plane": layer_of(random_weights(3, 6, 2, 3), name="p"),
        "curve": layer_of(random_weights(3, 6, 5), axes="oir", name="c"),
        "volume": layer_of(random_weights(3, 2, 4, 2, 3), axes="oidrc", name="v"),
    }
    for (name, own), view, channels in product(
        made.items(), ("grid", "sheet", "curves", "rms", "components"), ([0], [1, 0], [0, 1, 2, 5], range(6))
    ):
        if max(channels) >= own.n_channels:
            continue
        for labels in (True, False) if view == "sheet" else (True,):
            options = DrawingOptions(view=view, sheet=SheetOptions(labels=labels))
            texts = SheetTexts(source="s", notes=("n",))
            told = said(lambda o=own, c=channels, s=options, t=texts: _drawn(o, c, s, t))
            yield f"{name} {list(channels)} as {view} {labels}: {told}"
    turned = layer_of(random_weights(3, 6, 5), axes="oir", name="t", flip_filters=True)
    named = replace(turned, label="l", index=4, conv_index=2, type="T")
    yield f"named: {_drawn(named, [0], DrawingOptions(view='sheet'), SheetTexts())}"


def _drawn(layer: ConvLayer, channels: Any, options: DrawingOptions, texts: SheetTexts) -> str:
    pictures = list(draw(layer, channels, options, texts))
    if not isinstance(pictures[0], SheetPage):
        return (
            f"{pictures} {[one.part for one in pictures]} {[summed(one.kernels * 1e4) for one in pictures]}"  # type: ignore[attr-defined]
        )
    sheet = pictures[0].sheet
    values = "" if options.view == "components" else summed(np.round(sheet.values * 1e4))
    facts = " | ".join(sheet.facts[:1] + sheet.facts[2:4])
    words = f"{sheet.title} {sheet.labels[:3]} {sheet.headings[:7]} {facts}"
    words = words if options.view != "components" else sheet.title
    return f"{len(pictures)} {sheet.name} {sheet.values.shape} {values} {words} {sheet.notes}"


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/drawn_whole.txt`` holds."""
    for each in (_pages, _figures, _grids, _small, _patterns, _layers, direct):
        yield from each()
