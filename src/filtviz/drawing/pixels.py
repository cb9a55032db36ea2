"""From indices of colours to a Pillow image in the smallest PNG mode that holds the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

    from filtviz.drawing.colours import Palette
    from filtviz.drawing.geometry import Geometry, Grid

__all__ = ["lay_out_cells", "page_image"]

FEW = 16
"""Up to this many colours Pillow packs two pixels or more into a byte."""


def lay_out_cells(index: NDArray[np.intp], grid: Grid, background: int) -> NDArray[np.intp]:
    """Lay kernels ``(filters, rows, cols)`` out row by row in the grid's array of cells.

    Empty places, and the last row and column, hold ``background``.
    """
    kernels = np.full((grid.n**2, grid.rows, grid.cols), background, np.intp)
    kernels[: len(index)] = index
    cells = np.full(grid.cells_shape, background, np.intp)
    by_row = kernels.reshape(grid.n, grid.n, grid.rows, grid.cols).transpose(0, 2, 1, 3)
    cells[:-1, :-1] = by_row.reshape(grid.n * grid.rows, grid.n * grid.cols)
    return cells


def page_image(cells: NDArray[np.intp], palette: Palette, geometry: Geometry) -> Image:
    """Return the page of ``cells`` (indices into the palette) as an image.

    The modes from the smallest: ``1`` (black and white), ``P`` with at most 16 colours, ``L`` (greys), ``P``
    with at most 256, ``RGB``. Only cells are looked at, not pixels: they are fewer by hundreds.
    """
    used, ranks = _used_colours(cells, palette)
    is_grey = bool((used[:, 0] == used[:, 1]).all() and (used[:, 1] == used[:, 2]).all())
    if is_grey and set(used[:, 0].tolist()) <= {0, 255}:
        return _bilevel(geometry.spread(used[:, 0][ranks]))
    if is_grey and len(used) > FEW:
        return _image(geometry.spread(used[:, 0][ranks]), "L")
    if len(used) <= 256:
        image = _image(geometry.spread(ranks.astype(np.uint8)), "P")
        image.putpalette(used.tobytes())
        return image
    return _image(geometry.spread(used[ranks]), "RGB")


def _used_colours(cells: NDArray[np.intp], palette: Palette) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """Return the colours that occur, each once ``(k, 3)``, and for each cell which of them it has."""
    occurs = np.bincount(cells.ravel(), minlength=len(palette.colours)) > 0
    colours, rank_of_used = np.unique(palette.colours[occurs], axis=0, return_inverse=True)
    rank = np.zeros(len(palette.colours), np.intp)
    rank[occurs] = rank_of_used.reshape(-1)
    return colours, rank[cells]


def _bilevel(page: NDArray[np.uint8]) -> Image:
    from PIL import Image

    height, width = page.shape
    return Image.frombytes("1", (width, height), np.packbits(page > 0, axis=1).tobytes())


def _image(page: NDArray[np.uint8], mode: str) -> Image:
    from PIL import Image

    return Image.frombytes(mode, (page.shape[1], page.shape[0]), page.tobytes())
