"""From a sheet to matplotlib's figures: header, tiles as one image, what is written about them, bar."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from matplotlib.font_manager import FontProperties, findfont, get_font

from filtviz.drawing.colours import colour_bar
from filtviz.drawing.figures import blank_figure
from filtviz.drawing.sheets.layout import CHARACTER, Page, plan_pages
from filtviz.drawing.sheets.sheet import Sheet, paint, spec_of
from filtviz.text import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from filtviz.drawing.options import DrawingOptions

__all__ = ["page_figure", "plan_sheet", "writable"]

FONT = "DejaVu Sans"
"""It comes with matplotlib: the same picture everywhere."""

PLAIN_TEXT = {
    "fontfamily": FONT,
    "fontsize": 7,
    "fontstyle": "normal",
    "fontvariant": "normal",
    "fontweight": "normal",
    "fontstretch": "normal",
    "color": "black",
    "parse_math": False,
    "usetex": False,
}
"""What text is like unless a line says otherwise, whatever the rcParams say."""

DPI = 100
MARGIN = 12
TITLE_LINE, TEXT_LINE = 18, 14
TEXT_CHARACTER = 6.2
"""Of the font in which facts and notes are written, in pixels."""

BAND, BAR_WIDTH, TICK_LINE = 10, 220, 14
LEAST_WIDTH = 500


def plan_sheet(sheet: Sheet, figsize: tuple[float, float] | None = None) -> list[Page]:
    """Lay a sheet out on as many pages as it needs, each of ``figsize`` inches, or of what it needs."""
    return plan_pages(spec_of(sheet), None if figsize is None else _room(sheet, figsize))


def page_figure(sheet: Sheet, page: Page, number: tuple[int, int], options: DrawingOptions) -> Figure:
    """Draw one page.

    Args:
        sheet: The whole sheet.
        page: The page of it.
        number: Which page of how many, counted from 1.
        options: The sheet's figsize, and dpi; at 100 dpi every weight is a square of whole pixels.
    """
    beside = _whereabouts(sheet, page, *number)
    return _PageDrawing(sheet, page, beside, options.sheet.figsize, options.dpi).figure()


def _room(sheet: Sheet, figsize: tuple[float, float]) -> tuple[int, int]:
    """Return the pixels that header and bar leave for the tiles."""
    width, height = (int(length * DPI) - 2 * MARGIN for length in figsize)
    taken = _header_height(_header(sheet, "", width)) + _bar_height(sheet)
    return max(height - taken, 1), max(width, 1)


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
    weight: str = "normal"
    colour: str = "black"


def _header(sheet: Sheet, beside: str, width: int) -> list[_Line]:
    lines = [
        _Line(text, TITLE_LINE, 10, "bold")
        for text in _wrapped(sheet.title, int(width / (TEXT_CHARACTER * 1.35)))
    ]
    n = int(width / TEXT_CHARACTER)
    for fact in (*sheet.facts, beside):
        lines += [_Line(text, TEXT_LINE, 8) for text in _wrapped(fact, n)]
    for note in sheet.notes:
        lines += [_Line(text, TEXT_LINE, 8, colour="#7a3b00") for text in _wrapped(note, n)]
    return lines


def _wrapped(text: str, n: int) -> list[str]:
    return textwrap.wrap(writable(text), max(n, 20))


def _header_height(lines: Sequence[_Line]) -> int:
    return sum(line.height for line in lines) + (MARGIN // 2 if lines else 0)


def _bar_height(sheet: Sheet) -> int:
    return MARGIN + BAND * (3 if sheet.cmap is None else 1) + TICK_LINE


class _PageDrawing:
    """One page on its way to a figure; positions are pixels from the upper left corner."""

    def __init__(
        self, sheet: Sheet, page: Page, beside: str, figsize: tuple[float, float] | None, dpi: float
    ) -> None:
        self.sheet, self.page = sheet, page
        tiles_height, tiles_width = page.size
        width = max(tiles_width, LEAST_WIDTH) if figsize is None else int(figsize[0] * DPI) - 2 * MARGIN
        self.lines = _header(sheet, beside, width)
        self.top = MARGIN + _header_height(self.lines)
        natural = (width + 2 * MARGIN, self.top + tiles_height + _bar_height(sheet) + MARGIN)
        wanted = natural if figsize is None else tuple(round(length * DPI) for length in figsize)
        self.width, self.height = wanted
        self.drawn = blank_figure((self.width / DPI, self.height / DPI), dpi)

    def figure(self) -> Figure:
        """Draw everything, from top to bottom."""
        self._write_header()
        self._put_image(paint(self.sheet, self.page), MARGIN - 1, self.top - 1)
        self._write_labels()
        self._write_headings()
        self._write_captions()
        self._put_bar(self.top + self.page.size[0] + MARGIN)
        return self.drawn

    def _write(self, text: str, left: float, top: float, **how: Any) -> None:
        # Nothing that a file says is taken for a formula.
        self.drawn.text(
            left / self.width,
            1.0 - top / self.height,
            writable(text),
            **{**PLAIN_TEXT, **how},
        )

    def _put_image(
        self, colours: Any, left: float, top: float, width: float | None = None, height: float | None = None
    ) -> None:
        height = colours.shape[0] if height is None else height
        width = colours.shape[1] if width is None else width
        box = (
            left / self.width,
            1.0 - (top + height) / self.height,
            width / self.width,
            height / self.height,
        )
        axes = self.drawn.add_axes(box)
        axes.set_axis_off()
        axes.imshow(colours, interpolation="none", aspect="auto", origin="upper")

    def _write_header(self) -> None:
        top = float(MARGIN)
        for line in self.lines:
            self._write(
                line.text,
                MARGIN,
                top,
                va="top",
                fontsize=line.size,
                fontweight=line.weight,
                color=line.colour,
            )
            top += line.height

    def _write_labels(self) -> None:
        if not self.page.plan.label:
            return
        for place, strip in enumerate(self.page.strips):
            top, left = self.page.strip_corner(place)
            middle = self.top + top + self.page.plan.tile[0] / 2
            self._write(self.sheet.labels[strip], MARGIN + left - 4, middle, ha="right", va="center")

    def _write_headings(self) -> None:
        plan = self.page.plan
        if not plan.heading:
            return
        turned = {"rotation": 90} if plan.upright else {}
        for place in range(min(plan.blocks, len(self.page.strips))):
            top, left = self.page.strip_corner(place)
            for i, column in enumerate(self.page.columns):
                middle = MARGIN + left + i * plan.pitch[1] + plan.tile[1] / 2
                self._write(
                    self.sheet.headings[column],
                    middle,
                    self.top + top - 3,
                    ha="center",
                    va="bottom",
                    **turned,
                )

    def _write_captions(self) -> None:
        if not self.page.plan.caption:
            return
        for strip, column, box in self.page.tiles():
            middle = MARGIN + box.left + box.width / 2
            text = self.sheet.captions[strip][column]
            if text:
                self._write(text, middle, self.top + box.top + box.height + 2, ha="center", va="top")

    def _put_bar(self, top: float) -> None:
        colours, legend = colour_bar(self.sheet.cmap), self.sheet.legend
        height = BAND * len(colours)
        self._put_image(colours, MARGIN, top, BAR_WIDTH, height)
        last = len(legend.ticks) - 1
        for place, tick in enumerate(legend.ticks):
            anchor = "left" if place == 0 else "right" if place == last else "center"
            self._write(tick, MARGIN + BAR_WIDTH * place / last, top + height + 3, ha=anchor, va="top")
        room = int((self.width - 2 * MARGIN - BAR_WIDTH - 10) / CHARACTER)
        for i, line in enumerate(textwrap.wrap(legend.meaning, max(room, 20))):
            self._write(line, MARGIN + BAR_WIDTH + 10, top - 1 + 12 * i, va="top")


def writable(text: str) -> str:
    """Return text on one line, with escapes in place of what the font has no glyph for."""
    glyphs = _glyphs()
    shown = printable(text, 1000)
    return "".join(
        c if ord(c) in glyphs else c.encode("unicode_escape", "backslashreplace").decode("ascii")
        for c in shown
    )


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family=FONT))).get_charmap())
