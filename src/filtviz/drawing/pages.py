"""From a page's design to pixels, without a figure: bit for bit what Agg draws for the same page's figure.

The colours of tiles are looked up once for each weight, not for each pixel. Where a border between two
weights falls so near the middle of a pixel that rounding errors decide (at some numbers of dots an inch), or
where another version of matplotlib is installed than the ones this was proven against, Agg draws the page.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.glyphs import Canvas, write
from filtviz.drawing.layout import DPI, Page
from filtviz.drawing.lettering import Mosaic, PageDesign, design_page, plan_sheet
from filtviz.drawing.pixelmap import is_proven_version
from filtviz.drawing.sheet import Sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

    from filtviz.drawing.options import DrawingOptions

__all__ = ["SheetPage", "page_image", "sheet_pages"]


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

    def __repr__(self) -> str:
        return f"<SheetPage {self.part}: page {self.number} of {self.total}>"

    def _repr_png_(self) -> bytes:
        from filtviz.drawing.showing import picture_png

        return picture_png(self)

    def image(self) -> Image:
        """Return the pixels of `figure`, with a palette where their colours fit into one."""
        return page_image(design_page(self), self.options.dpi)


def sheet_pages(sheet: Sheet, options: DrawingOptions) -> Iterator[SheetPage]:
    """Yield the pages of a sheet."""
    pages = plan_sheet(sheet, options.sheet)
    for number, page in enumerate(pages, start=1):
        yield SheetPage(sheet=sheet, page=page, number=number, total=len(pages), options=options)


MOST_COLOURS = 256
DOUBT = 1 / 200
"""A border this near to the middle of a pixel, in cells, may fall to either side: Agg counts in 256ths."""

PAGE = 255


def page_image(design: PageDesign, dpi: float) -> Image:
    """Return a page's pixels, with a palette where their colours fit into one."""
    placed = [_place(mosaic, design, dpi) for mosaic in design.mosaics] if is_proven_version() else [None]
    if any(each is None for each in placed):
        return _image_of_agg(design, dpi)
    maps = [each for each in placed if each is not None]
    size = _size(design, dpi)
    page = _whole(size[1]), _whole(size[0])
    canvas = Canvas(
        pixels=np.full((*page, 3), PAGE, np.uint8),
        touched=np.zeros(page, bool),
        plan=design.size,
        size=size,
        dpi=dpi,
    )
    for mosaic, (rows, cols) in zip(design.mosaics, maps, strict=True):
        _paste(canvas.pixels, mosaic.colours.take(mosaic.cells, axis=0), rows, cols)
    for writing in design.writings:
        write(canvas, writing)
    return _with_palette(design, canvas, maps) or _image(canvas.pixels, "RGB")


def _image_of_agg(design: PageDesign, dpi: float) -> Image:
    from filtviz.drawing.figures import render, sheet_figure

    drawn = render(sheet_figure(design, dpi))
    few = drawn.getcolors(MOST_COLOURS)
    return drawn if few is None else drawn.quantize(len(few))


def _size(design: PageDesign, dpi: float) -> tuple[float, float]:
    """Return width and height in pixels, not rounded: as matplotlib computes them from inches."""
    return design.size[0] / DPI * dpi, design.size[1] / DPI * dpi


def _whole(length: float) -> int:
    """Return the whole pixels in a length; matplotlib forgives it that much less than one."""
    return int(length + 1e-8)


_Maps = tuple[tuple[int, NDArray[np.intp]], tuple[int, NDArray[np.intp]]]
"""For rows and columns: the first pixel on the page, and the row or column of cells that each pixel shows."""


def _place(mosaic: Mosaic, design: PageDesign, dpi: float) -> _Maps | None:
    """Return which cell each pixel of a picture's box shows, None where rounding errors decide."""
    width, height = _size(design, dpi)
    left, top, across, down = mosaic.box
    # matplotlib's boxes are fractions of the figure, counted from below.
    bottom = 1.0 - (top + down) / design.size[1]
    x0, x1 = left / design.size[0] * width, (left / design.size[0] + across / design.size[0]) * width
    y0, y1 = bottom * height, (bottom + down / design.size[1]) * height
    first_x, last_x = math.floor(x0 + 0.5), math.floor(x1 + 0.5 + 1e-8)
    first_y, last_y = math.ceil(y0 - 0.5 - 1e-8), math.ceil(y1 - 0.5)
    cols = _sample(np.arange(first_x, last_x) + 0.5 - x0, x1 - x0, mosaic.cols)
    rows = _sample(y1 - (np.arange(first_y, last_y)[::-1] + 0.5), y1 - y0, mosaic.rows)
    if cols is None or rows is None:
        return None
    return (_whole(height) - last_y, rows), (first_x, cols)


def _sample(
    distances: NDArray[np.floating], length: float, cells: NDArray[np.intp]
) -> NDArray[np.intp] | None:
    """Return the cells at distances from the start of ``length``; None where one is too near to a border."""
    at = distances * (cells.size / length)
    if np.any(np.abs(at - np.rint(at)) < DOUBT):
        return None
    return np.asarray(cells[np.clip(at, 0, cells.size - 1).astype(np.intp)])


def _paste(
    page: NDArray[np.uint8],
    cells: NDArray[np.uint8],
    rows: tuple[int, NDArray[np.intp]],
    cols: tuple[int, NDArray[np.intp]],
) -> None:
    """Draw cells ``(cell rows, cell columns, …)`` onto a page ``(height, width, …)``, cut at its edges."""
    (top, down), (left, across) = rows, cols
    down = down[max(-top, 0) : max(page.shape[0] - top, 0)]
    across = across[max(-left, 0) : max(page.shape[1] - left, 0)]
    top, left = max(top, 0), max(left, 0)
    page[top : top + down.size, left : left + across.size] = cells.take(across, axis=1).take(down, axis=0)


def _with_palette(design: PageDesign, canvas: Canvas, maps: list[_Maps]) -> Image | None:
    """Return the page with a palette, None where it has too many colours for one."""
    packed = [_pack(mosaic.colours) for mosaic in design.mosaics]
    occurring = [_occurring(mosaic, keys) for mosaic, keys in zip(design.mosaics, packed, strict=True)]
    page_colour = _pack(np.full((1, 3), PAGE, np.uint8))
    palette = np.unique(np.concatenate([page_colour, *occurring]))
    if palette.size > MOST_COLOURS:
        return None
    touched = _pack(canvas.pixels[canvas.touched])
    palette = np.union1d(palette, touched)
    if palette.size > MOST_COLOURS:
        return None
    index = np.full(canvas.touched.shape, np.searchsorted(palette, page_colour[0]), np.uint8)
    for mosaic, keys, (rows, cols) in zip(design.mosaics, packed, maps, strict=True):
        _paste(index, np.searchsorted(palette, keys).astype(np.uint8)[mosaic.cells], rows, cols)
    index[canvas.touched] = np.searchsorted(palette, touched)
    image = _image(index, "P")
    image.putpalette(
        np.stack([palette >> 16, palette >> 8 & 255, palette & 255], axis=1).astype(np.uint8).tobytes()
    )
    return image


def _pack(colours: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return each colour ``(n, 3)`` as one number."""
    wide = colours.astype(np.int32)
    return wide[:, 0] << 16 | wide[:, 1] << 8 | wide[:, 2]


def _occurring(mosaic: Mosaic, keys: NDArray[np.int32]) -> NDArray[np.int32]:
    return keys[np.bincount(mosaic.cells.ravel(), minlength=keys.size) > 0]


def _image(page: NDArray[np.uint8], mode: str) -> Image:
    from PIL import Image

    return Image.frombytes(mode, (page.shape[1], page.shape[0]), page.tobytes())
