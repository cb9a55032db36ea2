"""What matplotlib itself draws where, for kernels whose pixels cannot be computed beyond doubt.

One axes is moved over their places in the grid and its image drawn at each, with a colour for every cell that
tells which it is: what the page shows then is read off the pixels, those of a figure with n x n axes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.pixelmap import Grid, PixelMap, compute_pixel_map, kernels_in_doubt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.backends.backend_agg import RendererAgg

__all__ = ["ask_matplotlib", "find_pixel_map"]

BASE = 255
"""Cells are numbered in colours by three digits 0…254; 255 never occurs, so that no cell is white."""


@lru_cache(maxsize=64)
def find_pixel_map(grid: Grid) -> PixelMap:
    """Return which cell each pixel of a page shows; matplotlib is asked about kernels in doubt."""
    doubtful = kernels_in_doubt(grid)
    return ask_matplotlib(grid, doubtful) if doubtful.any() else compute_pixel_map(grid)


def ask_matplotlib(grid: Grid, asked: NDArray[np.bool_] | None = None) -> PixelMap:
    """Return the geometry of a page as the installed matplotlib draws it.

    Only the kernels at the places ``asked`` ``(n, n)`` of the grid are drawn, all where it is None; the
    others are taken as computed.
    """
    if asked is None:
        asked = np.ones((grid.n, grid.n), bool)
    drawn = _draw_numbered(grid, asked)
    rows, cols = _nearest_maps(grid, drawn.shape)
    computed = _sources(grid, rows, cols)
    in_asked = asked[rows // grid.rows][:, cols // grid.cols] & (rows >= 0)[:, None] & (cols >= 0)[None, :]
    sources = np.where(in_asked, _background(grid), computed)
    sources[drawn >= 0] = drawn[drawn >= 0]
    corrected = np.flatnonzero(sources != computed)
    return PixelMap(rows, cols, corrected, sources.ravel()[corrected])


def _nearest_maps(grid: Grid, shape: tuple[int, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the computed maps, all but right for every grid; blank ones where the page has another size."""
    computed = compute_pixel_map(grid)
    if (computed.rows.size, computed.cols.size) == shape:
        return computed.rows, computed.cols
    return np.full(shape[0], -1, np.intp), np.full(shape[1], -1, np.intp)


def _background(grid: Grid) -> int:
    """Return the flat index of the cell that holds the background: the last one."""
    return int(np.prod(grid.cells_shape)) - 1


def _sources(grid: Grid, rows: NDArray[np.intp], cols: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the flat index of the cell that each pixel of a page shows by two maps, ``(height, width)``."""
    sources: NDArray[np.intp] = rows[:, None] * grid.cells_shape[1] + cols[None, :]
    sources[(rows < 0)[:, None] | (cols < 0)[None, :]] = _background(grid)
    return sources


def _draw_numbered(grid: Grid, asked: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the flat index of the cell that each pixel of matplotlib's page shows, -1 for none."""
    page = np.asarray(_render_numbered(grid, asked).buffer_rgba()).astype(np.intp)
    number = page[..., 0] + BASE * page[..., 1] + BASE**2 * page[..., 2]
    cell_row, cell_col = np.divmod(number, grid.n * grid.cols)
    sources: NDArray[np.intp] = cell_row * grid.cells_shape[1] + cell_col
    sources[page[..., 3] == 0] = -1
    return sources


def _render_numbered(grid: Grid, asked: NDArray[np.bool_]) -> RendererAgg:
    """Draw the kernels that are asked for, with every cell in its own colour."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from filtviz.drawing.figures import blank_figure, show_kernel

    figure = blank_figure(grid.figsize, grid.dpi)
    renderer: RendererAgg = FigureCanvasAgg(figure).get_renderer()
    spec = figure.add_gridspec(grid.n, grid.n)
    axes = figure.add_subplot(spec[0, 0])
    image = None
    for place, colours in _numbered_kernels(grid, asked):
        axes.set_subplotspec(spec[place])
        if image is None:
            image = show_kernel(axes, colours)
        image.set_data(colours)
        axes.apply_aspect()
        image.draw(renderer)
    return renderer


def _numbered_kernels(grid: Grid, asked: NDArray[np.bool_]) -> Iterator[tuple[tuple[int, int], NDArray[Any]]]:
    """Yield the place of each kernel and its colours ``(rows, cols, 3)``, floats that become exact bytes."""
    numbers = np.arange(grid.n * grid.rows * grid.n * grid.cols)
    digits = np.stack([numbers % BASE, numbers // BASE % BASE, numbers // BASE**2], axis=-1)
    colours = ((digits + 0.5) / BASE).reshape(grid.n, grid.rows, grid.n, grid.cols, 3)
    for row, col in np.argwhere(asked).tolist():
        yield (row, col), colours[row, :, col]
