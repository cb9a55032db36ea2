"""A sheet as lines of text: coloured half blocks, or signed digits where there are no colours.

The character ``▀`` is two square pixels, one above the other: its own colour and that of its background.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import zip_longest
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.colours import DIVERGING, DIVERGING_OF_256, Colours, colour_bar
from filtviz.drawing.sheet import Sheet, spec_of
from filtviz.text import plural, printable

__all__ = ["HALF_BLOCK", "Depth", "nearest_of_256", "sheet_lines"]

Depth = Literal["truecolor", "256", "plain"]

HALF_BLOCK = "▀"
RESET = "\x1b[0m"
LARGEST_ZOOM = 4
MOST_LINES = 50
"""Tiles are made larger as long as all of them take no more lines than this."""

BETWEEN_STRIPS = 2

Tile = list[str]
"""The lines of a tile, with the codes that colour them."""


def sheet_lines(sheet: Sheet, width: int, depth: Depth, height: int | None = None) -> Iterator[str]:
    """Yield the lines of a sheet.

    Args:
        sheet: What to show.
        width: Characters of a line. Strips that are longer are continued below.
        depth: What the terminal can show: 24-bit colours, 256 colours, or none.
        height: Lines of the window; the first strips are shown that there is room for, and at the end it is
            said how to see the others. None shows all.
    """
    said = [textwrap.wrap(printable(text, 1000), width) for text in (sheet.title, *sheet.facts, *sheet.notes)]
    plain = depth == "plain"
    if plain and sheet.cmap is None:
        sheet = _primaries_apart(sheet)
    sheet = _fitting(sheet, width // (3 if plain else 1))
    if depth == "256" and sheet.cmap == DIVERGING:
        sheet = replace(sheet, cmap=DIVERGING_OF_256)
    legend = list(_legend(sheet, width, depth))
    n_strips = len(sheet.values)
    below = [*legend, *_missing(n_strips, n_strips, width)]
    n_said = len(said)
    if height is not None:
        left = height - len(below) - PROMPT - _least_lines(sheet, plain=plain)
        while len(said) > 1 and sum(map(len, said)) > left:
            said.pop()
    head = [line for lines in said for line in lines]
    yield from head
    yield ""
    room = None if height is None else max(1, height - len(head) - len(below) - PROMPT)
    zoom = _choose_zoom(sheet, width, MOST_LINES if room is None else min(room, MOST_LINES))

    def draw(strip: int, column: int) -> Tile:
        return _digits(sheet, strip, column) if plain else _half_blocks(sheet, strip, column, zoom, depth)

    groups = _groups_of_tiles(sheet, width, _Measures.of(sheet, 3 if plain else zoom), draw)
    shown, is_first = 0, True
    for complete, lines in groups:
        if room is not None and not is_first and len(lines) > room:
            break
        is_first = False
        room = None if room is None else room - len(lines)
        shown = complete
        yield from lines
    yield from legend
    if shown < n_strips or len(said) < n_said:
        yield from _missing(shown, n_strips, width, n_said - len(said))


def _least_lines(sheet: Sheet, *, plain: bool) -> int:
    """Return how many lines the first strip takes at least."""
    spec = spec_of(sheet)
    rows = sheet.values.shape[2]
    written = bool(spec.heading_width) + bool(spec.caption_width)
    return int(rows if plain else -(-rows // 2)) + written + 1


def _fitting(sheet: Sheet, width: int) -> Sheet:
    """Return a sheet whose tiles are no wider than a line: where they are, each pixel is a block's mean."""
    cols = sheet.values.shape[3]
    block = -(-cols // max(width - max(map(len, sheet.labels), default=0) - 1, 1))
    if block <= 1:
        return sheet
    values = sheet.values
    high, wide = -values.shape[2] % block, -cols % block
    beyond = [(0, 0), (0, 0), (0, high), (0, wide), *[(0, 0)] * (values.ndim - 4)]
    padded = np.pad(values, beyond, mode="edge")
    strips, columns, rows, cols, *more = padded.shape
    blocks = padded.reshape(strips, columns, rows // block, block, cols // block, block, *more)
    return replace(sheet, values=blocks.mean(axis=(3, 5)))


def _missing(shown: int, all_strips: int, width: int, unsaid: int = 0) -> list[str]:
    """Say in lines how to see what there was no room for, ``unsaid`` lines about the sheet among it."""
    parts = [f"{shown} of {all_strips} are shown"] if shown < all_strips or not unsaid else []
    parts += [f"{plural(unsaid, 'remark')} {'is' if unsaid == 1 else 'are'} left out"] if unsaid else []
    more = f"{' and '.join(parts)}, for lack of room: LINES=999 before the command shows all"
    return textwrap.wrap(more, width)


PROMPT = 4
"""Lines around what is shown of a sheet: an empty one above, a message of two lines, and the next prompt."""


@dataclass(frozen=True)
class _Measures:
    """How wide things are, in characters: a strip's label, a tile, and a tile with what is written at it."""

    label: int
    tile: int
    cell: int

    @classmethod
    def of(cls, sheet: Sheet, weight: int) -> _Measures:
        """Measure a sheet whose weights are ``weight`` characters wide."""
        spec = spec_of(sheet)
        tile = spec.cols * weight
        return cls(
            label=spec.label_width + 1 if spec.label_width else 0,
            tile=tile,
            cell=max(tile, spec.heading_width, spec.caption_width) + 1,
        )

    def strip(self, n_columns: int) -> int:
        """Return the width of a strip of so many tiles, with the gap to the next."""
        return self.label + n_columns * self.cell + BETWEEN_STRIPS

    def room(self, width: int) -> int:
        """Return how many tiles of one strip fit on a line."""
        return max(1, (width - self.label) // self.cell)


def _half_blocks(sheet: Sheet, strip: int, column: int, zoom: int, depth: Depth) -> Tile:
    """Draw a tile as half blocks, each weight ``zoom`` pixels wide and high."""
    colours = sheet.colours(strip, slice(column, column + 1))[0]
    return list(_blocks(colours.repeat(zoom, axis=0).repeat(zoom, axis=1), depth))


def _blocks(pixels: Colours, depth: Depth) -> Iterator[str]:
    """Yield a line of half blocks for every two rows of ``(rows, cols, 3)``."""
    rows = [[tuple(colour) for colour in row] for row in pixels.tolist()]
    for upper, lower in zip_longest(rows[::2], rows[1::2]):
        behind = ["\x1b[49m"] * len(upper) if lower is None else [_escape(one, 48, depth) for one in lower]
        marks = (
            f"{_escape(one, 38, depth)}{other}{HALF_BLOCK}" for one, other in zip(upper, behind, strict=True)
        )
        yield "".join(marks) + RESET


@lru_cache(maxsize=4096)
def _escape(colour: tuple[int, ...], ground: int, depth: Depth) -> str:
    """Return the code that sets a colour; ``ground`` is 38 for the character, 48 for what is behind it."""
    if depth == "256":
        return f"\x1b[{ground};5;{nearest_of_256(np.array(colour))}m"
    red, green, blue = colour
    return f"\x1b[{ground};2;{red};{green};{blue}m"


_CUBE = (0, 95, 135, 175, 215, 255)
_PALETTE = np.array(
    [(r, g, b) for r in _CUBE for g in _CUBE for b in _CUBE] + [(8 + 10 * i,) * 3 for i in range(24)]
)
"""xterm's colours 16 to 255: a cube of 6x6x6 colours, then 24 greys."""


def nearest_of_256(colour: NDArray[np.integer]) -> int:
    """Return the number of xterm's colour that is nearest to red, green and blue of 0 to 255."""
    return 16 + int(np.square(_PALETTE - colour.astype(int)).sum(axis=1).argmin())


def _digits(sheet: Sheet, strip: int, column: int) -> Tile:
    """Draw a tile as numbers: tenths of the scale's end, ``+9`` for the end itself."""
    values = sheet.values[strip, column]
    values = values if sheet.signed else (values + 1) / 2
    return ["".join(_digit(v) for v in row) for row in values]


def _digit(value: float) -> str:
    if np.isnan(value):
        return "  ?"
    tenths = round(9 * float(value))
    return f"{tenths:+3d}" if tenths else "  ."


def _primaries_apart(sheet: Sheet) -> Sheet:
    """Return a sheet in which red, green and blue are columns, for where there are no colours."""
    apart = np.moveaxis(sheet.values[:, 0], -1, 1)
    captions = tuple((*row, "", "") for row in sheet.captions)
    return replace(sheet, values=apart, cmap="gray", headings=("red", "green", "blue"), captions=captions)


def _choose_zoom(sheet: Sheet, width: int, most_lines: int) -> int:
    """Return the largest zoom at which strips fit on lines, and all of them on a screen or two."""
    n_strips, n_columns, rows = sheet.values.shape[:3]
    for zoom in range(LARGEST_ZOOM, 1, -1):
        strip = _Measures.of(sheet, zoom).strip(n_columns)
        lines = -(-n_strips // max(1, width // strip)) * (-(-rows * zoom // 2) + 1)
        if strip <= width and lines <= most_lines:
            return zoom
    return 1


def _groups_of_tiles(
    sheet: Sheet, width: int, measures: _Measures, draw: Callable[[int, int], Tile]
) -> Iterator[tuple[int, list[str]]]:
    """Yield lines of strips side by side, or of some columns of one, and how many strips are complete."""
    n_strips, n_columns = sheet.values.shape[:2]
    beside = max(1, (width + BETWEEN_STRIPS) // measures.strip(n_columns))
    held = n_columns if beside > 1 else measures.room(width)
    for first in range(0, n_strips, beside):
        strips = range(first, min(first + beside, n_strips))
        for start in range(0, n_columns, held):
            columns = range(start, min(start + held, n_columns))
            complete = strips.stop if columns.stop == n_columns else strips.start
            yield complete, list(_row(sheet, strips, columns, measures, draw))


def _row(
    sheet: Sheet, strips: range, columns: range, measures: _Measures, draw: Callable[[int, int], Tile]
) -> Iterator[str]:
    """Yield the lines of strips side by side: headings, the tiles, captions, and an empty line."""
    if sheet.headings:
        yield _side_by_side(
            [("", [f"{sheet.headings[c]:<{measures.cell}}" for c in columns])] * len(strips), measures
        )
    tiles = [[draw(s, c) for c in columns] for s in strips]
    gap = " " * (measures.cell - measures.tile)
    for y in range(len(tiles[0][0])):
        parts = [
            (sheet.labels[s] if y == 0 else "", [tile[y] + gap for tile in strip])
            for s, strip in zip(strips, tiles, strict=True)
        ]
        yield _side_by_side(parts, measures)
    if sheet.captions:
        captions = [("", [f"{sheet.captions[s][c]:<{measures.cell}}" for c in columns]) for s in strips]
        yield _side_by_side(captions, measures)
    yield ""


def _side_by_side(parts: Sequence[tuple[str, Sequence[str]]], measures: _Measures) -> str:
    """Join the labels and the tiles' texts of strips to one line."""
    width = max(measures.label - 1, 0)
    margin = " " * min(measures.label, 1)
    between = " " * BETWEEN_STRIPS
    return between.join(f"{label:>{width}}{margin}{''.join(texts)}" for label, texts in parts).rstrip()


def _legend(sheet: Sheet, width: int, depth: Depth) -> Iterator[str]:
    ticks, meaning = sheet.legend.ticks, sheet.legend.meaning
    if depth == "plain":
        low = f"-9 is {ticks[0]}, " if sheet.signed else ""
        scale = f"{low}. is nearly 0, +9 is {ticks[-1]}, ? is not finite: "
        yield from textwrap.wrap(scale + meaning, width)
        return
    for band in colour_bar(sheet.cmap, 24):
        yield next(_blocks(np.stack([band, band]), depth))
    yield f"{ticks[0]:<12}{ticks[-1]:>12}"
    yield from textwrap.wrap(meaning, width)
