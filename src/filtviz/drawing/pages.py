"""The pages of a sheet: pixels at once, a figure for PDF and SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filtviz.drawing.layout import Page
from filtviz.drawing.lettering import design_page, plan_sheet
from filtviz.drawing.painting import page_image
from filtviz.drawing.sheet import Sheet

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
        if self.total == 1:
            return self.sheet.name
        return f"{self.sheet.name}-p{self.number:0{len(str(self.total))}d}"

    def figure(self) -> Figure:
        """Return the page as a figure; at 100 dpi every weight is a square of whole pixels."""
        from filtviz.drawing.figures import sheet_figure

        return sheet_figure(design_page(self), self.options.dpi)

    def image(self) -> Image:
        """Return the pixels of `figure`, with a palette where their colours fit into one."""
        return page_image(design_page(self), self.options.dpi)


def sheet_pages(sheet: Sheet, options: DrawingOptions) -> Iterator[SheetPage]:
    """Yield the pages of a sheet."""
    pages = plan_sheet(sheet, options.sheet.figsize)
    for number, page in enumerate(pages, start=1):
        yield SheetPage(sheet=sheet, page=page, number=number, total=len(pages), options=options)
