"""matplotlib figures, made without pyplot and without a look at anybody's ``matplotlibrc``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.glyphs import FONT
from filtviz.drawing.layout import DPI
from filtviz.drawing.pixelmap import BOTTOM, LEFT, RIGHT, SPACE, TOP, Grid, place_boxes
from filtviz.drawing.showing import ShownFigure, render

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

    from filtviz.drawing.glyphs import Writing
    from filtviz.drawing.lettering import PageDesign

__all__ = [
    "PLAIN_TEXT",
    "blank_figure",
    "draw_kernels",
    "page_figure",
    "render",
    "sheet_figure",
    "show_kernel",
]


def blank_figure(figsize: tuple[float, float], dpi: float) -> Figure:
    """Return an empty white figure with matplotlib's own margins, whatever the rcParams say."""
    plain: dict[str, Any] = {"facecolor": "white", "edgecolor": "white", "linewidth": 0, "layout": "none"}
    figure = ShownFigure(figsize=figsize, dpi=dpi, **plain)
    adjust_margins(figure)
    return figure


def adjust_margins(figure: Figure) -> None:
    """Give a figure the margins and gaps that matplotlib ships with."""
    figure.subplots_adjust(left=LEFT, right=RIGHT, bottom=BOTTOM, top=TOP, wspace=SPACE, hspace=SPACE)


def show_kernel(axes: Axes, kernel: NDArray[Any], cmap: str | Colormap | None = None) -> AxesImage:
    """Draw one kernel ``(rows, cols)`` as nolearn does: no frame, no ticks, nearest neighbour."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.axis("off")
    return axes.imshow(kernel, cmap=cmap, interpolation="none", aspect="equal", origin="upper")


def draw_kernels(figure: Figure, kernels: NDArray[Any], cmap: str) -> Figure:
    """Fill a figure with n x n axes and a kernel of ``kernels`` ``(filters, rows, cols)`` in each.

    This is nolearn's ``plot_conv_weights``, for one channel: slow, and the authority on what a page shows.
    """
    n = math.isqrt(len(kernels) - 1) + 1
    places = figure.subplots(n, n, squeeze=False).ravel()
    for axes, kernel in zip(places, kernels, strict=False):
        show_kernel(axes, kernel, cmap)
    for axes in places[len(kernels) :]:
        axes.axis("off")
    return figure


def page_figure(cells: NDArray[np.uint8], grid: Grid) -> Figure:
    """Return the page of ``cells`` ``(n rows + 1, n cols + 1, 3)`` for PDF and SVG: one image artist.

    The image has a few pixels for a cell, of which the gaps between kernels have a whole number as well: each
    kernel has its true size, and lies within a twentieth of a cell of its true place.
    """
    boxes = place_boxes(grid)
    height, width = (length * grid.dpi for length in reversed(grid.figsize))
    cell = (boxes.right[0] - boxes.left[0]) / grid.cols
    rows, n_rows = _spread_axis((boxes.top[0] - boxes.top) / cell, grid.rows)
    cols, n_cols = _spread_axis((boxes.left - boxes.left[0]) / cell, grid.cols)
    image_height, image_width = n_rows * cell / height, n_cols * cell / width
    figure = blank_figure(grid.figsize, grid.dpi)
    axes = figure.add_axes(
        (boxes.left[0] / width, boxes.top[0] / height - image_height, image_width, image_height)
    )
    axes.axis("off")
    axes.imshow(cells[rows][:, cols], interpolation="none", aspect="auto", origin="upper")
    return figure


COARSE, FINE = 5, 10
"""Pixels for a cell. Gaps are a fifth of an axes, so that 5 often are exact; 10 are near enough anywhere."""

NEAR = 0.05
"""How far from its true place a kernel may lie, in cells."""


def _spread_axis(offsets: NDArray[np.float64], n_cells: int) -> tuple[NDArray[np.intp], float]:
    """Return the cell of each pixel along one axis, -1 in gaps, and the length of them all in cells.

    Kernels of ``n_cells`` start at ``offsets`` (in cells).
    """
    errors = np.abs(offsets * COARSE - np.round(offsets * COARSE)) / COARSE
    resolution = COARSE if errors.max() <= NEAR else FINE
    starts = np.round(offsets * resolution).astype(np.intp)
    index = np.full(starts[-1] + n_cells * resolution, -1, np.intp)
    for i, start in enumerate(starts):
        cells = i * n_cells + np.arange(n_cells)
        index[start : start + n_cells * resolution] = np.repeat(cells, resolution)
    return index, index.size / resolution


PLAIN_TEXT: dict[str, Any] = {
    "fontstyle": "normal",
    "fontvariant": "normal",
    "fontstretch": "normal",
    "parse_math": False,  # nothing that a file says is taken for a formula
    "usetex": False,
    "antialiased": True,
}
"""What text is like, whatever the rcParams say."""


def sheet_figure(design: PageDesign, dpi: float) -> Figure:
    """Return a page of a sheet as a figure."""
    width, height = design.size
    figure = blank_figure((width / DPI, height / DPI), dpi)
    for mosaic in design.mosaics:
        left, top, across, down = mosaic.box
        axes = figure.add_axes((left / width, 1.0 - (top + down) / height, across / width, down / height))
        axes.set_axis_off()
        axes.imshow(mosaic.pixels, interpolation="none", aspect="auto", origin="upper")
    for writing in design.writings:
        if writing.text:
            _write(figure, writing, design.size)
    return figure


def _write(figure: Figure, writing: Writing, size: tuple[int, int]) -> None:
    figure.text(
        writing.left / size[0],
        1.0 - writing.top / size[1],
        writing.text,
        fontfamily=FONT,
        fontsize=writing.size,
        fontweight="bold" if writing.bold else "normal",
        color=tuple(level / 255 for level in writing.colour),
        ha=writing.across,
        va=writing.down,
        rotation=90 if writing.upright else 0,
        **PLAIN_TEXT,
    )
