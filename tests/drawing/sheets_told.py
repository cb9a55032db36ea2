"""All that lies on sheets of many kinds, as lines of text: sizes, pictures, words, and the terminal's lines.

``python -m tests.telling`` writes ``tests/told/sheets.txt`` anew.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import product
from typing import Any

import numpy as np

from filtviz.drawing.layout import TileSpec, plan_pages
from filtviz.drawing.lettering import PageDesign, design_page
from filtviz.drawing.options import SheetOptions
from filtviz.drawing.sheet import SheetTexts
from filtviz.drawing.terminal import Depth, sheet_lines

from .making import layer_of, pages_of, random_weights

__all__ = ["all_lines"]

TEXTS = SheetTexts(
    source="model.pkl",
    notes=("a note that is long enough to need more than one line, whatever the width of the page is " * 2,),
    remarks=tuple(f"r .{i}" for i in range(6)),
)
SHEETS: tuple[tuple[tuple[int, ...], dict[str, Any]], ...] = (
    ((6, 2, 3, 3), {}),
    ((6, 2, 3, 3), {"scale": "filter", "sort": "norm", "top": 4}),
    ((6, 3, 5, 4), {"primaries": "bgr", "labels": False}),
    ((6, 3, 3, 3), {"primaries": "rgb", "scale": "layer", "flip": True}),
    ((6, 1, 3, 3), {"scale": "kernel"}),
    ((6, 9, 3, 3), {"view": "rms", "cmap": "viridis"}),
    ((6, 9, 3, 3), {"view": "components", "components": 3}),
    ((6, 130, 1, 1), {"figsize": (6, 4)}),
    ((1, 1, 1, 1), {}),
)


def sheets() -> Iterator[str]:
    """Yield the lines of each page."""
    for shape, options in SHEETS:
        weights = random_weights(*shape)
        weights[0, 0, 0, 0] = 0
        pages = pages_of(layer_of(weights, name="conv", flip_filters=True), texts=TEXTS, **options)
        for i, page in enumerate(pages[:2]):
            yield f"== {shape} {options}, page {i + 1} of {len(pages)}"
            yield from _design(design_page(page), exact=options.get("view") != "components")


def _design(design: PageDesign, *, exact: bool) -> Iterator[str]:
    """Yield what lies on a page; pixels that libraries may compute otherwise are not ``exact``."""
    yield f"size {design.size}"
    for mosaic in design.mosaics:
        shown = np.ascontiguousarray(mosaic.pixels)
        told = f" ({zlib.crc32(shown.tobytes()):08x})" if exact else ""
        yield f"picture at {_numbers(mosaic.box)} of {shown.shape} pixels{told}"
    for writing in design.writings:
        told = (getattr(writing, each.name) for each in fields(writing))
        yield "  " + " ".join(_numbers(one) for one in told)


def _numbers(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_numbers, value))})"
    return repr(value)


def layouts() -> Iterator[str]:
    """Yield how sheets of many sizes are laid out."""
    shapes = ((1, 1, 3, 3), (1, 70, 3, 3), (20, 1, 3, 3), (40, 40, 5, 3), (300, 7, 1, 1), (9, 200, 11, 11))
    words: tuple[dict[str, int], ...] = (
        {},
        {"label_width": 3, "heading_width": 2, "caption_width": 4},
        {"heading_width": 9, "group": 3},
    )
    for (n, channels, rows, cols), widths, room in product(shapes, words, (None, (500, 800))):
        spec = TileSpec(n_strips=n, n_columns=channels, rows=rows, cols=cols, **widths)
        options = SheetOptions(figsize=(8.24, 5.24) if room else None)
        pages = plan_pages(spec, options)
        last = list(pages[-1].tiles())[-1]
        plan = ", ".join(f"{each.name} {getattr(pages[0].plan, each.name)}" for each in fields(pages[0].plan))
        yield f"{n}x{channels}x{rows}x{cols} {widths} in {room}: {len(pages)} pages, {plan}"
        yield f"    sizes {pages[0].size} to {pages[-1].size}, last tile {last}"


def terminals() -> Iterator[str]:
    """Yield what a terminal shows of sheets, in each depth of colours."""
    depths: tuple[Depth, ...] = ("plain", "256", "truecolor")
    for (shape, options), depth in product(SHEETS[:3], depths):
        weights = random_weights(*shape)
        (page, *_) = pages_of(layer_of(weights, name="conv"), texts=TEXTS, **options)
        yield f"== {shape} {options}, {depth}"
        lines = list(sheet_lines(page.sheet, 80, depth))
        if depth == "plain":
            yield from map(ascii, lines)
        else:
            yield f"{len(lines)} lines of {[len(line) for line in lines]} characters ({_sum(lines)})"


def _sum(lines: Sequence[str]) -> str:
    return f"{zlib.crc32(chr(10).join(lines).encode()):08x}"


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/sheets.txt`` holds."""
    yield from sheets()
    yield from layouts()
    yield from terminals()
