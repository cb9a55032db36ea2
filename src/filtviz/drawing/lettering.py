"""What is on a page of a sheet and where: header, tiles, what is written at them, the bar of colours.

Everything is settled here, in pixels at 100 dpi from the upper left corner; `filtviz.drawing.pages` makes
pixels of it and `filtviz.drawing.figures` a matplotlib figure.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.colours import Colours, by_primaries, colour_bar, index_steps, sheet_colours
from filtviz.drawing.glyphs import RGB, Side, Writing, has_glyph
from filtviz.drawing.layout import CHARACTER, DPI, MARGIN, Page, plan_pages
from filtviz.drawing.options import SheetOptions
from filtviz.drawing.sheet import Sheet, spec_of
from filtviz.text import printable

if TYPE_CHECKING:
    from filtviz.drawing.pages import SheetPage

__all__ = ["LEAST_WIDTH", "Mosaic", "PageDesign", "design_page", "plan_sheet", "writable"]

TITLE_LINE, TEXT_LINE = 18, 14
TEXT_CHARACTER = 6.2
"""Of the font in which facts and notes are written, in pixels."""

NOTE_COLOUR = (122, 59, 0)

BAND, BAR_WIDTH, TICK_LINE, MEANING_LINE = 10, 220, 14, 12
LEAST_LETTERS = 20
"""A line of text has at least so many, however narrow a page is."""

LEAST_WIDTH = 500

BETWEEN, FRAME = (255, 255, 255), (160, 160, 160)
"""The colour of the page, and of the frame of a tile, in which a white weight does not run into the page."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Mosaic:
    """Pictures that lie on the page in rows and columns, with what is between them.

    Attributes:
        cells: ``(cell rows, cell columns)``: indices into ``colours``.
        colours: ``(colours, 3)``.
        rows: ``(height,)``: which row of the cells each row of pixels shows.
        cols: ``(width,)``: likewise.
        box: ``(left, top, width, height)`` on the page; the pixels fill it.
    """

    cells: NDArray[np.intp]
    colours: Colours
    rows: NDArray[np.intp]
    cols: NDArray[np.intp]
    box: tuple[float, float, float, float]

    @property
    def pixels(self) -> Colours:
        """The pixels before they are brought to the size of the box, ``(height, width, 3)``."""
        return self.colours[self.cells[self.rows][:, self.cols]]


@dataclass(frozen=True, kw_only=True, eq=False)
class PageDesign:
    """A page of ``size`` ``(width, height)``, its pictures and its lines of text, in the order of drawing."""

    size: tuple[int, int]
    mosaics: tuple[Mosaic, ...]
    writings: tuple[Writing, ...]


def plan_sheet(sheet: Sheet, options: SheetOptions) -> list[Page]:
    """Lay a sheet out on as many pages as it needs, each as large as was chosen, or as it needs."""
    taken = 0
    if options.figsize is not None:
        width = int(options.figsize[0] * DPI) - 2 * MARGIN
        taken = _header_height(_header(sheet, "", width)) + _bar_height(sheet, width)
    return plan_pages(spec_of(sheet), options, taken)


def design_page(drawn: SheetPage) -> PageDesign:
    """Settle what is where on one page; the sheet's figsize is kept."""
    sheet, page, figsize = drawn.sheet, drawn.page, drawn.options.sheet.figsize
    tiles_height, tiles_width = page.size
    width = max(tiles_width, LEAST_WIDTH) if figsize is None else int(figsize[0] * DPI) - 2 * MARGIN
    lines = _header(sheet, _whereabouts(sheet, page, drawn.number, drawn.total), width)
    top = MARGIN + _header_height(lines)
    size = width + 2 * MARGIN, top + tiles_height + _bar_height(sheet, width) + MARGIN
    if figsize is not None:
        size = round(figsize[0] * DPI), round(figsize[1] * DPI)
    bar_top = top + tiles_height + MARGIN
    return PageDesign(
        size=size,
        mosaics=(_lay_tiles(sheet, page, top), _bar(sheet, bar_top, width)),
        writings=(
            *_write_header(lines),
            *_write_labels(sheet, page, top),
            *_write_headings(sheet, page, top),
            *_write_captions(sheet, page, top),
            *_write_bar(sheet, bar_top, width),
        ),
    )


def _whereabouts(sheet: Sheet, page: Page, number: int, total: int) -> str:
    """Say which part of the sheet a page shows, where it is not all."""
    if total == 1:
        return ""
    parts = [f"page {number} of {total}"]
    if len(page.strips) < len(sheet.labels):
        parts.append(f"rows {sheet.labels[page.strips[0]]} to {sheet.labels[page.strips[-1]]}")
    if len(page.columns) < sheet.values.shape[1] and sheet.headings:
        first, last = sheet.headings[page.columns[0]], sheet.headings[page.columns[-1]]
        parts.append(f"columns {first} to {last}")
    return ", ".join(parts)


@dataclass(frozen=True)
class _Line:
    """One line of the header."""

    text: str
    height: int
    size: float
    bold: bool = False
    colour: RGB = (0, 0, 0)


def _header(sheet: Sheet, beside: str, width: int) -> list[_Line]:
    lines = [
        _Line(text, TITLE_LINE, 10, bold=True)
        for text in _wrapped(sheet.title, int(width / (TEXT_CHARACTER * 1.35)))
    ]
    n = int(width / TEXT_CHARACTER)
    for fact in (*sheet.facts, beside):
        lines += [_Line(text, TEXT_LINE, 8) for text in _wrapped(fact, n)]
    for note in sheet.notes:
        lines += [_Line(text, TEXT_LINE, 8, colour=NOTE_COLOUR) for text in _wrapped(note, n)]
    return lines


def _wrapped(text: str, n: int) -> list[str]:
    return textwrap.wrap(writable(text), max(n, LEAST_LETTERS))


def _header_height(lines: Sequence[_Line]) -> int:
    return sum(line.height for line in lines) + (MARGIN // 2 if lines else 0)


def _bar_height(sheet: Sheet, width: int) -> int:
    _, top, lines = _meaning(sheet, width)
    return MARGIN + max(_bands(sheet) + TICK_LINE, top + 1 + MEANING_LINE * len(lines) - MARGIN)


def _bands(sheet: Sheet) -> int:
    """Return how high the bar is."""
    return BAND * (3 if sheet.cmap is None else 1)


def _meaning(sheet: Sheet, width: int) -> tuple[int, int, list[str]]:
    """Return what the colours mean, in lines beside the bar or below it, and where from the bar's corner."""
    beside = int((width - BAR_WIDTH - 10) / CHARACTER)
    if beside >= LEAST_LETTERS:
        return BAR_WIDTH + 10, -1, textwrap.wrap(sheet.legend.meaning, beside)
    return 0, _bands(sheet) + TICK_LINE + 3, _wrapped(sheet.legend.meaning, int(width / CHARACTER))


def _lay_tiles(sheet: Sheet, page: Page, top: int) -> Mosaic:
    """Lay the tiles out, each in a frame one pixel wide that lies in the gap beside it.

    Cells are the weights, and a row and a column for each side of a frame.
    """
    height, width = page.size
    tiles, colours = _tile_cells(sheet, page)
    n_strips, n_columns, rows, cols = tiles.shape
    blocks = min(page.plan.blocks, n_strips)
    lines = -(-n_strips // blocks)
    between, frame = len(colours) - 2, len(colours) - 1
    framed = np.full((lines * blocks, n_columns, rows + 2, cols + 2), between, np.intp)
    framed[:n_strips] = frame
    framed[:n_strips, :, 1:-1, 1:-1] = tiles
    table = framed.reshape(lines, blocks, n_columns, rows + 2, cols + 2).transpose(0, 3, 1, 2, 4)
    cells = np.full((lines * (rows + 2) + 1, blocks * n_columns * (cols + 2) + 1), between, np.intp)
    cells[:-1, :-1] = table.reshape(cells.shape[0] - 1, cells.shape[1] - 1)
    corners = [page.strip_corner(place) for place in range(n_strips)]
    tops = [corner[0] for corner in corners[::blocks]]
    lefts = [corner[1] + i * page.plan.pitch[1] for corner in corners[:blocks] for i in range(n_columns)]
    return Mosaic(
        cells=cells,
        colours=colours,
        # The image begins one pixel before the page's own corner, where the first frame lies.
        rows=_framed_axis(tops, rows, page.plan.zoom, height + 2),
        cols=_framed_axis(lefts, cols, page.plan.zoom, width + 2),
        box=(MARGIN - 1, top - 1, width + 2, height + 2),
    )


def _tile_cells(sheet: Sheet, page: Page) -> tuple[NDArray[np.intp], Colours]:
    """Return tiles ``(strips, columns, rows, cols)`` as indices of colours; the last are page and frame."""
    values = sheet.values[page.strips.start : page.strips.stop, page.columns.start : page.columns.stop]
    if sheet.cmap is not None:
        return index_steps(values).astype(np.intp), np.vstack(
            [sheet_colours(sheet.cmap), BETWEEN, FRAME]
        ).astype(np.uint8)
    coloured = by_primaries(values)
    own, index = np.unique(coloured.reshape(-1, 3), axis=0, return_inverse=True)
    return index.reshape(coloured.shape[:-1]), np.vstack([own, BETWEEN, FRAME]).astype(np.uint8)


def _framed_axis(starts: Sequence[int], n_cells: int, zoom: int, length: int) -> NDArray[np.intp]:
    """Return the cell of each pixel along one axis, -1 between frames, which start at ``starts``."""
    index = np.full(length, -1, np.intp)
    cells = np.concatenate([[0], np.repeat(np.arange(1, n_cells + 1), zoom), [n_cells + 1]])
    for i, start in enumerate(starts):
        index[start : start + len(cells)] = i * (n_cells + 2) + cells
    return index


def _bar(sheet: Sheet, top: int, width: int) -> Mosaic:
    """Return the bar that explains the colours."""
    bar = colour_bar(sheet.cmap)
    bands, steps = bar.shape[:2]
    return Mosaic(
        cells=np.arange(bands * steps).reshape(bands, steps),
        colours=bar.reshape(-1, 3),
        rows=np.arange(bands),
        cols=np.arange(steps),
        box=(MARGIN, top, min(BAR_WIDTH, width), _bands(sheet)),
    )


def _write_header(lines: Sequence[_Line]) -> Iterator[Writing]:
    top = float(MARGIN)
    for line in lines:
        yield Writing(
            text=line.text, left=MARGIN, top=top, size=line.size, bold=line.bold, colour=line.colour
        )
        top += line.height


def _write_labels(sheet: Sheet, page: Page, above: int) -> Iterator[Writing]:
    if not page.plan.label:
        return
    for place, strip in enumerate(page.strips):
        top, left = page.strip_corner(place)
        middle = above + top + page.plan.tile[0] / 2
        text = writable(sheet.labels[strip])
        yield Writing(text=text, left=MARGIN + left - 4, top=middle, across="right", down="center")


def _write_headings(sheet: Sheet, page: Page, above: int) -> Iterator[Writing]:
    plan = page.plan
    if not plan.heading:
        return
    for place in range(min(plan.blocks, len(page.strips))):
        top, left = page.strip_corner(place)
        for i, column in enumerate(page.columns):
            yield Writing(
                text=writable(sheet.headings[column]),
                left=MARGIN + left + i * plan.pitch[1] + plan.tile[1] / 2,
                top=above + top - 3,
                across="center",
                down="bottom",
                upright=plan.upright,
            )


def _write_captions(sheet: Sheet, page: Page, above: int) -> Iterator[Writing]:
    if not page.plan.caption:
        return
    for strip, column, box in page.tiles():
        text = writable(sheet.captions[strip][column])
        middle = MARGIN + box.left + box.width / 2
        yield Writing(text=text, left=middle, top=above + box.top + box.height + 2, across="center")


def _write_bar(sheet: Sheet, top: int, width: int) -> Iterator[Writing]:
    """Write the ticks below the bar, and what it means beside it, or below where there is no room."""
    ticks = sheet.legend.ticks
    below, last = top + _bands(sheet) + 3, len(ticks) - 1
    for place, tick in enumerate(ticks):
        left = MARGIN + min(BAR_WIDTH, width) * place / last
        side: Side = "left" if place == 0 else "right" if place == last else "center"
        yield Writing(text=writable(tick), left=left, top=below, across=side)
    across, down, lines = _meaning(sheet, width)
    for i, line in enumerate(lines):
        yield Writing(text=writable(line), left=MARGIN + across, top=top + down + MEANING_LINE * i)


@lru_cache(maxsize=4096)
def writable(text: str) -> str:
    """Return text on one line, with escapes in place of what the font has no glyph for."""
    return "".join(
        c if has_glyph(c) else c.encode("unicode_escape", "backslashreplace").decode("ascii")
        for c in printable(text, 1000)
    )
