"""A sheet's pages as pictures that can be written to files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filtviz.drawing.sheets.layout import Page
from filtviz.drawing.sheets.sheet import Sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

    from filtviz.drawing.options import DrawingOptions

__all__ = ["SheetPage", "sheet_pages"]


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
        from filtviz.drawing.sheets.figures import page_figure

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
    from filtviz.drawing.sheets.figures import plan_sheet

    pages = plan_sheet(sheet, options.sheet.figsize)
    for number, page in enumerate(pages, start=1):
        yield SheetPage(sheet=sheet, page=page, number=number, total=len(pages), options=options)
