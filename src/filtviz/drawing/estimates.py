"""What pictures take, in pixels and in work, before anything of them is drawn; see `filtviz.budget`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

from filtviz.drawing.colours import DEFAULT_CMAP
from filtviz.drawing.curves import LEVELS
from filtviz.drawing.grid import KernelGrid
from filtviz.drawing.layout import DPI, MARGIN
from filtviz.drawing.lettering import LEAST_WIDTH
from filtviz.drawing.options import LONGEST_SIDE
from filtviz.drawing.pages import SheetPage
from filtviz.drawing.pixelmap import Grid, kernels_in_doubt
from filtviz.drawing.planar import is_drawn, view_for
from filtviz.drawing.views import VIEWS
from filtviz.errors import DrawingError

if TYPE_CHECKING:
    from filtviz.budget import Account, Share
    from filtviz.drawing.options import DrawingOptions
    from filtviz.drawing.views import Picture
    from filtviz.network import ConvLayer

__all__ = ["pay_for_pages", "pay_for_terminal", "pay_for_view"]

_WEIGHT, _NAME = 500, 5_000
"""To scale a weight and to colour it; to find a place for a filter or a channel, and to name it."""

_PAGE, _VECTOR_PAGE, _VECTOR_CELL = 800_000, 20_000_000, 2_500
"""To write a page of pixels; to write one of shapes, and each weight on it, a square of some pixels."""

_GREYS = 500_000
"""To write a page of nolearn's whose kernels have more than one weight, and are not all black."""

_VECTOR_BYTES = 1_700
"""Of memory for each weight on a page of shapes."""

_ASKED, _AXES = 300_000, 20_000_000
"""To ask matplotlib where a kernel lies; to let it draw the kernel."""

_TEXT, _VECTOR_TEXT, _TEXT_AGAIN = 700_000, 1_200_000, 60_000
"""To draw a text at a tile, and to draw it again on another page."""

_SIMILAR_PAIR, _SIMILAR_BYTES = 1_500, 40
_SINGULAR, _SINGULAR_FILTER, _FACTORISED = 10, 100_000, 1_500
_PIXEL_BYTES = 12
"""Of memory for a pixel of a sheet."""

_SHEET_PIXEL = 60
"""To draw and to write a pixel of a sheet, which has more colours than one of nolearn's."""

_HEADER = 300
"""Of a sheet's page, pixels that its header and its legend may take."""

_CHARACTERS = 10_000
"""To write a weight as characters of a terminal."""


def pay_for_view(
    layer: ConvLayer, channels: Sequence[int], options: DrawingOptions, suffix: str, account: Account
) -> None:
    """Spend what it takes to make pictures of a layer, and for nolearn's layout to draw them.

    Args:
        layer: The layer, of which nothing has been read yet.
        channels: The input channels to draw.
        options: How it is drawn.
        suffix: The format of the files.
        account: What may be spent.

    Raises:
        BudgetError: it is more than may be spent.
    """
    if not is_drawn(layer):
        return  # `draw` says so
    n, what = len(channels), f"drawing {layer.title}"
    view = view_for(layer, n, options.view)
    drawn = (LEVELS if view == "curves" else 1, *layer.kernel_size) if layer.is_curve else layer.kernel_size
    *slices, rows, cols = drawn
    n *= math.prod(slices)
    weights = layer.n_filters * n * rows * cols
    if not VIEWS[view].is_sheet:
        _pay_for_grids(layer.n_filters, (rows, cols), n, options, suffix, account, what)
        return
    work = weights * _WEIGHT + (layer.n_filters + n) * _NAME
    if options.sheet.sort == "similarity":
        account.hold(layer.n_filters**2 * _SIMILAR_BYTES, what)
        work += layer.n_filters**2 * _SIMILAR_PAIR
    if options.view == "components":
        work += layer.n_filters * _SINGULAR_FILTER + weights * _SINGULAR * min(n, rows * cols)
    elif options.view == "nmf":
        work += weights * _FACTORISED * options.sheet.components
    account.spend("work", work, what)


def _pay_for_grids(
    n_filters: int,
    size: tuple[int, int],
    n: int,
    options: DrawingOptions,
    suffix: str,
    account: Account,
    what: str,
) -> None:
    width, height = (int(length * options.dpi) for length in options.figsize)
    cells = n_filters * math.prod(size)
    in_axes = options.cmap != DEFAULT_CMAP and _is_translucent(options.cmap)
    if in_axes:
        work = n_filters * _AXES
    elif suffix == "png":
        work = _PAGE + (_GREYS if math.prod(size) > 1 else 0) + cells * _WEIGHT
    else:
        account.hold(cells * _VECTOR_BYTES, what)
        work = _VECTOR_PAGE + cells * _VECTOR_CELL
    account.spend_all({"pixels": n * width * height, "work": n * work}, what)
    if suffix == "png" and not in_axes:
        grid = Grid.of(n_filters, size, options.figsize, options.dpi)
        asked = int(kernels_in_doubt(grid).sum())
        account.spend_once(grid, n_filters * 100 + asked * _ASKED, what)


def _is_translucent(cmap: str) -> bool:
    from filtviz.drawing.colours import find_palette

    return find_palette(cmap) is None


def pay_for_pages(pictures: Sequence[Picture], suffix: str, account: Account, what: str) -> None:
    """Spend what it takes to draw the pages of sheets; nolearn's pages are paid for with their view.

    Args:
        pictures: Pages, of which nothing has been drawn yet.
        suffix: The format of the files.
        account: What may be spent.
        what: What they show, as the beginning of a sentence.

    Raises:
        BudgetError: it is more than may be spent.
        DrawingError: a page is too long for a picture.
    """
    pages = [each for each in pictures if isinstance(each, SheetPage)]
    if not pages:
        assert all(isinstance(each, KernelGrid) for each in pictures)
        return
    sizes = [_size_of(page) for page in pages]
    longest = max(max(size) for size in sizes)
    if longest >= LONGEST_SIDE:
        raise DrawingError(
            f"{what} on a sheet takes a page of {longest:,} pixels, and a side must be under "
            f"{LONGEST_SIDE:,}: nolearn's layout, which `filtviz plot` draws without --view, shows any kernel"
        )
    sheet = pages[0].sheet
    # The same text is laid out once; an empty one, as most captions are, is nothing.
    texts = len({*sheet.labels, *sheet.headings, *chain.from_iterable(sheet.captions)} - {""})
    again = sum(_texts_on(page) for page in pages)
    is_pixels = suffix in ("png", "gif")
    text, page_work = (_TEXT, _PAGE) if is_pixels else (_VECTOR_TEXT, _VECTOR_PAGE)
    account.hold(max(width * height for width, height in sizes) * _PIXEL_BYTES, what)
    pixels = sum(width * height for width, height in sizes)
    work = len(pages) * page_work + pixels * _SHEET_PIXEL + texts * text + again * _TEXT_AGAIN
    amounts: dict[Share, int] = {"pixels": pixels, "work": work}
    account.spend_all(amounts, what)


def _size_of(page: SheetPage) -> tuple[int, int]:
    """Return about how wide and high a page will be, header and legend included."""
    scale, figsize = page.options.dpi / DPI, page.options.sheet.figsize
    if figsize is not None:
        return math.ceil(figsize[0] * page.options.dpi), math.ceil(figsize[1] * page.options.dpi)
    height, width = page.page.size
    whole = max(width, LEAST_WIDTH) + 2 * MARGIN, height + _HEADER
    return math.ceil(whole[0] * scale), math.ceil(whole[1] * scale)


def _texts_on(page: SheetPage) -> int:
    strips, columns = len(page.page.strips), len(page.page.columns)
    return strips + columns * page.page.plan.blocks + (strips * columns if page.sheet.captions else 0)


def pay_for_terminal(page: SheetPage, account: Account, what: str) -> None:
    """Spend what it takes to write all of a sheet as characters.

    Args:
        page: The first of its pages.
        account: What may be spent.
        what: What it shows, as the beginning of a sentence.

    Raises:
        BudgetError: it is more than may be spent.
    """
    account.spend("work", math.prod(page.sheet.values.shape[:4]) * _CHARACTERS, f"{what} in a terminal")
