"""How sheets of any size are laid out, and what terminals show of them: a part of `parts_told`."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from filtviz.drawing.layout import TileSpec, _even_ranges, least_zoom, plan_pages
from filtviz.drawing.options import SheetOptions
from filtviz.drawing.sheet import Legend, Sheet
from filtviz.drawing.terminal import sheet_lines

__all__ = ["layouts", "terminals"]


def layouts() -> Iterator[str]:
    """Yield the pages of sheets that are drawn by chance, and of some that just fit."""
    for seed in range(64):
        draw = random.Random(seed)
        spec = TileSpec(
            n_strips=draw.choice((1, 2, 3, 5, 8, 16, 30, 64, 100, 300)),
            n_columns=draw.choice((1, 1, 2, 3, 9, 40)),
            rows=draw.choice((1, 2, 3, 5, 7, 15, 16, 40)), cols=draw.choice((1, 2, 3, 3, 5, 16, 33)),
            group=draw.choice((1, 1, 1, 2, 3)), label_width=draw.choice((0, 1, 3, 9)),
            heading_width=draw.choice((0, 1, 4, 12)), caption_width=draw.choice((0, 0, 3, 7)),
        )  # fmt: skip
        size = draw.choice((None, None, (4.0, 3.0), (2.0, 9.0), (0.3, 0.3), (11.0, 7.5)))
        taken = draw.choice((0, 40))
        pages = plan_pages(spec, SheetOptions(figsize=size), taken)
        plan, last = pages[-1].plan, pages[-1]
        asked, facts = (" ".join(map(str, vars(one).values())) for one in (spec, plan))
        corner, tile = last.strip_corner(len(last.strips) - 1), list(last.tiles())[-1]
        yield f"{asked} in {size} {taken}: {len(pages)} pages, {least_zoom(spec)} | {facts}"
        lie = f"{last.strips} {last.columns} {corner} {tile} {plan.gaps_above(5)}"
        yield f"  {pages[0].size} {last.size} {lie}"
    for n, most, group in (
        (10, 10, 1), (11, 10, 1), (20, 10, 1), (7, 3, 2), (9, 2, 3), (9, 7, 3), (1, 1, 1), (5, 0, 1),
    ):  # fmt: skip
        yield f"{n} in parts of {most} by {group}: {_even_ranges(n, most, group)}"


def _sheet(draw: random.Random) -> Sheet:
    n, channels = draw.choice((1, 2, 5, 12)), draw.choice((1, 1, 2, 3))
    rows, cols = draw.choice((1, 2, 3, 8)), draw.choice((1, 3, 4, 20))
    is_colour = channels == 1 and draw.random() < 0.3
    shape = (n, channels, rows, cols, 3) if is_colour else (n, channels, rows, cols)
    numbers = np.arange(np.prod(shape)) * 7 % 23 / 11 - 1
    values = np.where(numbers > 0.99, np.nan, numbers).reshape(shape)
    return Sheet(
        name="s", values=values, cmap=None if is_colour else "two", title="a title of some words",
        labels=tuple(map(str, range(n))) if draw.random() < 0.7 else ("",) * n,
        headings=tuple(f"h{i}" * draw.choice((1, 4)) for i in range(channels * draw.choice((0, 1)))),
        captions=tuple(("c" * draw.choice((0, 6)),) * channels for _ in range(n * draw.choice((0, 0, 1)))),
        facts=("a fact", "another fact that is longer"), notes=("a note",) * draw.choice((0, 3)),
        legend=Legend(ticks=("-1", "0", "1")[draw.randrange(2) :], meaning="what is shown"),
        signed=draw.random() < 0.6,
    )  # fmt: skip


def terminals() -> Iterator[str]:
    """Yield what is shown of sheets that are drawn by chance, in windows of any size."""
    for seed in range(50):
        draw = random.Random(seed)
        sheet = _sheet(draw)
        width, height = draw.choice((6, 12, 25, 40, 80)), draw.choice((None, None, 5, 12, 18, 30))
        depth: Any = draw.choice(("plain", "plain", "256", "truecolor"))
        lines = list(sheet_lines(sheet, width, depth, height))
        total = zlib.crc32("\n".join(lines).encode())
        shown = [line for line in lines if "\x1b" not in line]
        told = f"{len(lines)} {total:08x} {shown[:2]} {shown[-5:]}"
        yield f"{sheet.values.shape} in {width} x {height}, {depth}: {told}"
    colours = np.linspace(-1, 1, 300).reshape(1, 1, 5, 20, 3)
    legend = Legend(ticks=("-1", "1"), meaning="what is shown")
    wide = Sheet(name="s", values=colours, cmap=None, labels=("0",), legend=legend)
    for width, depth in ((6, "truecolor"), (19, "truecolor"), (22, "256"), (12, "plain"), (70, "plain")):
        lines = list(sheet_lines(wide, width, depth))
        total = zlib.crc32("\n".join(lines).encode())
        yield f"colours in {width}, {depth}: {len(lines)} {total:08x}"
