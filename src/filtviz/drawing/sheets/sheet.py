"""A sheet: the numbers of all its tiles and what is written about them, before anything has a place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.colours import Colours, by_colour_map, by_primaries
from filtviz.drawing.sheets.layout import Page, Plan, TileSpec

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

    from filtviz.drawing.options import DrawingOptions

__all__ = ["Legend", "Sheet", "SheetPage", "paint", "sheet_pages", "spec_of"]

BETWEEN, FRAME = 255, 160
"""Grey levels of the page, and of the frame of a tile, in which a white weight does not run into the page."""


@dataclass(frozen=True, kw_only=True)
class Legend:
    """What the colours mean: ``ticks`` from the lowest to the highest, and ``meaning`` in a few words."""

    ticks: tuple[str, ...]
    meaning: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Sheet:
    """A table of pictures.

    ``values`` is ``(strips, columns, rows, cols)``, in [-1, 1] with zero at the colour map's middle, or
    ``(strips, columns, rows, cols, 3)`` where ``cmap`` is None: red, green and blue. NaN stands for what is
    not finite. ``signed`` is False where -1 means zero: numbers without a sign use a colour map from its
    beginning.

    ``labels`` stand left of the strips, ``headings`` above the columns (or there are none), ``captions``
    below the tiles, one for each (or there are none). ``title`` and ``facts`` make the header, ``notes`` the
    sentences below it. ``name`` is the pictures' part of a file name. ``group`` strips belong together.
    """

    name: str
    values: NDArray[np.float64]
    cmap: str | None
    labels: tuple[str, ...]
    headings: tuple[str, ...] = ()
    captions: tuple[tuple[str, ...], ...] = ()
    title: str = ""
    facts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    legend: Legend
    signed: bool = True
    group: int = 1

    def colours(self, strip: int, columns: slice = slice(None)) -> Colours:
        """Return the colours of a strip's tiles, ``(columns, rows, cols, 3)``."""
        values = self.values[strip, columns]
        return by_primaries(values) if self.cmap is None else by_colour_map(values, self.cmap)


def spec_of(sheet: Sheet) -> TileSpec:
    """Return what the tiles need."""
    n_strips, n_columns, rows, cols = sheet.values.shape[:4]
    return TileSpec(
        n_strips=n_strips,
        n_columns=n_columns,
        rows=rows,
        cols=cols,
        group=sheet.group,
        label_width=max(map(len, sheet.labels), default=0),
        heading_width=max(map(len, sheet.headings), default=0),
        caption_width=max((len(text) for row in sheet.captions for text in row), default=0),
    )


def paint(sheet: Sheet, page: Page) -> Colours:
    """Return the page's tiles as one image, ``(height, width, 3)``, each in a frame one pixel wide.

    The frame lies in the gaps; the image begins one pixel before the page's own corner.
    """
    height, width = page.size
    canvas = np.full((height + 2, width + 2, 3), BETWEEN, np.uint8)
    columns = slice(page.columns.start, page.columns.stop)
    for place, strip in enumerate(page.strips):
        top, left = page.strip_corner(place)
        drawn = _paint_strip(sheet.colours(strip, columns), page.plan)
        canvas[top : top + drawn.shape[0], left : left + drawn.shape[1]] = drawn
    return canvas


def _paint_strip(tiles: Colours, plan: Plan) -> Colours:
    """Return tiles ``(columns, rows, cols, 3)`` side by side, framed: ``(height, width, 3)``."""
    large = tiles.repeat(plan.zoom, axis=1).repeat(plan.zoom, axis=2)
    framed = np.pad(large, [(0, 0), (1, 1), (1, 1), (0, 0)], constant_values=FRAME)
    spaced = np.pad(framed, [(0, 0), (0, 0), (0, plan.gap - 2), (0, 0)], constant_values=BETWEEN)
    strip = spaced.transpose(1, 0, 2, 3).reshape(framed.shape[1], -1, 3)
    return strip[:, : strip.shape[1] - (plan.gap - 2)]


@dataclass(frozen=True, kw_only=True, eq=False)
class SheetPage:
    """One page of a sheet, a `filtviz.drawing.views.Picture`; ``number`` counts from 1 to ``total``."""

    sheet: Sheet
    page: Page
    number: int
    total: int
    options: DrawingOptions
    channel: int | None = None

    @property
    def part(self) -> str:
        """What tells the picture from the layer's others: ``sheet``, or ``sheet-p02`` of several."""
        name = self.options.sheet.part or self.sheet.name
        if self.total == 1:
            return name
        return f"{name}-p{self.number:0{len(str(self.total))}d}"

    def figure(self) -> Figure:
        """Return the page as a figure."""
        from filtviz.drawing.sheets.page_drawing import page_figure

        return page_figure(self.sheet, self.page, (self.number, self.total), self.options)

    def image(self) -> Image:
        """Return the page's pixels, with a palette where their colours fit into one."""
        from PIL.Image import Dither

        from filtviz.drawing.figures import render

        drawn = render(self.figure())
        few = drawn.getcolors(256)
        return drawn if few is None else drawn.quantize(len(few), dither=Dither.NONE)


def sheet_pages(sheet: Sheet, options: DrawingOptions) -> Iterator[SheetPage]:
    """Yield the pages of a sheet."""
    from filtviz.drawing.sheets.page_drawing import plan_sheet

    pages = plan_sheet(sheet, options.sheet.figsize)
    for number, page in enumerate(pages, start=1):
        yield SheetPage(sheet=sheet, page=page, number=number, total=len(pages), options=options)
