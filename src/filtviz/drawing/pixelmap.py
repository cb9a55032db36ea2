"""Where each pixel of a page of kernels comes from.

A page is what matplotlib draws for ``figure.subplots(n, n)`` with an ``imshow(kernel, interpolation="none")``
in each: rows and columns are independent of each other, so that two one-dimensional maps say it all. They are
computed here without matplotlib, and only where the computation is beyond doubt: where a border falls between
two pixels so evenly that rounding errors decide, or where another version of matplotlib is installed than the
ones this was proven against, matplotlib itself is asked (`filtviz.drawing.grid`).
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BOTTOM",
    "DOUBT",
    "LEFT",
    "RIGHT",
    "SPACE",
    "TOP",
    "Boxes",
    "Grid",
    "PixelMap",
    "compute_pixel_map",
    "is_proven_version",
    "kernels_in_doubt",
    "place_boxes",
]

LEFT, RIGHT, BOTTOM, TOP = 0.125, 0.9, 0.11, 0.88
"""The margins of a figure: matplotlib's ``figure.subplot.*`` as shipped, in fractions of the figure."""

SPACE = 0.2
"""The gap between two axes, in axes: ``figure.subplot.wspace`` and ``hspace`` as shipped."""

PROVEN_VERSIONS = ("3.11.",)
"""The versions of matplotlib whose pixels the tests compare with the ones computed here."""

DOUBT = 1e-6
"""A border this near to the middle of a pixel, in pixels, may fall to either side by rounding errors."""


@dataclass(frozen=True)
class Grid:
    """A page's plan: ``n`` x ``n`` kernels of ``rows`` x ``cols`` cells on ``figsize`` inches at ``dpi``."""

    n: int
    rows: int
    cols: int
    figsize: tuple[float, float]
    dpi: float

    @classmethod
    def of(
        cls, n_filters: int, kernel_size: tuple[int, int], figsize: tuple[float, float], dpi: float
    ) -> Grid:
        """Plan the smallest square grid that holds ``n_filters`` kernels, as nolearn does."""
        n = math.isqrt(max(n_filters, 1) - 1) + 1
        return cls(n, *kernel_size, figsize, dpi)

    @property
    def cells_shape(self) -> tuple[int, int]:
        """The shape of the array of cells: one row and column more than kernels fill, for the background."""
        return self.n * self.rows + 1, self.n * self.cols + 1


@dataclass(frozen=True)
class Boxes:
    """Where the kernels lie, in pixels from the figure's lower left corner; each field is ``(n,)``.

    ``left`` and ``right`` belong to the grid's columns, ``bottom`` and ``top`` to its rows, top row first.
    """

    left: NDArray[np.float64]
    right: NDArray[np.float64]
    bottom: NDArray[np.float64]
    top: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PixelMap:
    """Which cell each pixel of a page shows.

    ``rows`` ``(height,)`` and ``cols`` ``(width,)`` index the rows and columns of the array of cells; -1 is
    its last row or column, which holds the background. ``corrected`` ``(k,)`` are the flat indices of the few
    pixels that do not follow the two maps, ``sources`` ``(k,)`` the flat indices of the cells they show.
    """

    rows: NDArray[np.intp]
    cols: NDArray[np.intp]
    corrected: NDArray[np.intp]
    sources: NDArray[np.intp]

    def spread(self, cells: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the page ``(height, width, …)`` of ``cells`` ``(n rows + 1, n cols + 1, …)``."""
        page = cells.take(self.cols, axis=1).take(self.rows, axis=0)
        if self.corrected.size:
            flat = cells.reshape(-1, *cells.shape[2:])
            page.reshape(-1, *cells.shape[2:])[self.corrected] = flat[self.sources]
        return page

    @classmethod
    def separable(cls, rows: NDArray[np.intp], cols: NDArray[np.intp]) -> PixelMap:
        """Return the geometry that two maps describe without exception."""
        none = np.empty(0, np.intp)
        return cls(rows, cols, none, none)


def place_boxes(grid: Grid) -> Boxes:
    """Place the kernels as ``GridSpec`` and ``Axes.apply_aspect`` do: each as large as its axes, centred."""
    width, height = (length * grid.dpi for length in grid.figsize)
    starts, ends = _divide(grid.n, RIGHT - LEFT)
    left, right = LEFT + starts, LEFT + ends
    starts, ends = _divide(grid.n, TOP - BOTTOM)
    top, bottom = TOP - starts, TOP - ends
    w, h = right - left, top - bottom
    aspect = (grid.rows / grid.cols) / (height / width)  # of a kernel, in fractions of the figure
    fits = w * aspect <= h
    kernel_w, kernel_h = np.where(fits, w, h / aspect), np.where(fits, w * aspect, h)
    left, bottom = left + (w - kernel_w) / 2, bottom + (h - kernel_h) / 2
    return Boxes(left * width, (left + kernel_w) * width, bottom * height, (bottom + kernel_h) * height)


def _divide(n: int, length: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the starts and ends of ``n`` axes and the gaps between them, which fill ``length``."""
    axes = length / (n + SPACE * (n - 1))
    starts = np.arange(n, dtype=np.float64) * (axes * (1 + SPACE))
    return starts, starts + axes


def compute_pixel_map(grid: Grid) -> PixelMap:
    """Round the boxes to pixels and find the cell under the middle of each pixel, as Agg does.

    The rounding is that of ``matplotlib.image._ImageBase._make_image`` of 3.11.
    """
    boxes = place_boxes(grid)
    width, height = (int(length * grid.dpi) for length in grid.figsize)
    cols = np.full(width, -1, np.intp)
    rows = np.full(height, -1, np.intp)
    for i in range(grid.n):
        x = np.arange(math.floor(boxes.left[i] + 0.5), math.floor(boxes.right[i] + 0.5))
        y = np.arange(math.ceil(boxes.bottom[i] - 0.5), math.ceil(boxes.top[i] - 0.5))
        in_cols = _cells_under(x + 0.5 - boxes.left[i], boxes.right[i] - boxes.left[i], grid.cols)
        in_rows = _cells_under(boxes.top[i] - (y + 0.5), boxes.top[i] - boxes.bottom[i], grid.rows)
        _fill(cols, x, i * grid.cols + in_cols)
        _fill(rows, height - 1 - y, i * grid.rows + in_rows)  # matplotlib counts y upwards
    return PixelMap.separable(rows, cols)


def _cells_under(distances: NDArray[np.float64], length: float, n_cells: int) -> NDArray[np.intp]:
    """Return the cells at these distances from the start of ``length``, which has ``n_cells`` of one size."""
    return np.clip(distances * (n_cells / length), 0, n_cells - 1).astype(np.intp)


def _fill(index: NDArray[np.intp], places: NDArray[np.intp], values: NDArray[np.intp]) -> None:
    inside = (places >= 0) & (places < index.size)
    index[places[inside]] = values[inside]


def kernels_in_doubt(grid: Grid) -> NDArray[np.bool_]:
    """Return for which places ``(n, n)`` of the grid rounding errors could move a border to another pixel.

    All are in doubt with a matplotlib whose pixels have not been compared with the computed ones.
    """
    sizes = np.array(grid.figsize) * grid.dpi
    if not is_proven_version() or np.any((sizes != np.round(sizes)) & _near_integer(sizes)):
        return np.ones((grid.n, grid.n), bool)
    boxes = place_boxes(grid)
    cols = _near_integer(_borders(boxes.left, boxes.right, grid.cols) + 0.5)
    rows = _near_integer(_borders(boxes.bottom, boxes.top, grid.rows) + 0.5)
    doubtful: NDArray[np.bool_] = np.any(rows, axis=1)[:, None] | np.any(cols, axis=1)[None, :]
    return doubtful


def _borders(starts: NDArray[np.float64], ends: NDArray[np.float64], n_cells: int) -> NDArray[np.float64]:
    """Return the borders ``(n, n_cells + 1)`` of the cells of each box."""
    return starts[:, None] + (ends - starts)[:, None] * (np.arange(n_cells + 1) / n_cells)


def _near_integer(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    near: NDArray[np.bool_] = np.abs(values - np.round(values)) < DOUBT
    return near


@lru_cache(maxsize=1)
def is_proven_version() -> bool:
    """Say whether the installed matplotlib is one whose pixels the tests compare with the computed ones."""
    if (matplotlib := sys.modules.get("matplotlib")) is not None:
        return str(matplotlib.__version__).startswith(PROVEN_VERSIONS)
    from importlib.metadata import version  # cheap, where importing matplotlib is not

    return version("matplotlib").startswith(PROVEN_VERSIONS)
