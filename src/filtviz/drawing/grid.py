"""nolearn's layout: a page for each input channel, its kernels in a square grid, each with its own contrast.

``n = ceil(sqrt(filters))``; the n x n grid is filled row by row; empty places stay empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.colours import Palette, find_palette, index_colours, scale_kernels
from filtviz.drawing.pixelmap import DOUBT, Grid, PixelMap, compute_pixel_map, kernels_in_doubt, place_boxes
from filtviz.drawing.png import Raster
from filtviz.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.figure import Figure
    from PIL.Image import Image

    from filtviz.drawing.options import DrawingOptions
    from filtviz.drawing.pixelmap import PixelMap
    from filtviz.drawing.sheet import SheetTexts
    from filtviz.network import ConvLayer

__all__ = [
    "KernelGrid",
    "ask_matplotlib",
    "cautions",
    "channel_part",
    "find_pixel_map",
    "lay_out_cells",
    "page_raster",
    "pictures",
]

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


def page_raster(cells: NDArray[np.intp], palette: Palette, geometry: PixelMap) -> Raster:
    """Return the pixels of the page of ``cells``, which are indices into the palette.

    The modes from the smallest: ``1`` (black and white), ``P`` with at most 16 colours, ``L`` (greys), ``P``
    with at most 256, ``RGB``. Only cells are looked at, not pixels: they are fewer by hundreds.
    """
    used, ranks = _used_colours(cells, palette)
    is_grey = bool((used[:, 0] == used[:, 1]).all() and (used[:, 1] == used[:, 2]).all())
    if is_grey and set(used[:, 0].tolist()) <= {0, 255}:
        page = geometry.spread(used[:, 0][ranks])
        return Raster(mode="1", size=page.shape[::-1], rows=np.packbits(page > 0, axis=1))
    if is_grey and len(used) > FEW:
        return _raster(geometry.spread(used[:, 0][ranks]), "L")
    if len(used) <= 256:
        return _raster(geometry.spread(ranks.astype(np.uint8)), "P", used.tobytes())
    return _raster(geometry.spread(used[ranks]), "RGB")


def _used_colours(cells: NDArray[np.intp], palette: Palette) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """Return the colours that occur, each once ``(k, 3)``, and for each cell which of them it has."""
    occurs = np.bincount(cells.ravel(), minlength=len(palette.colours)) > 0
    colours, rank_of_used = np.unique(palette.colours[occurs], axis=0, return_inverse=True)
    rank = np.zeros(len(palette.colours), np.intp)
    rank[occurs] = rank_of_used.reshape(-1)
    return colours, rank[cells]


def _raster(page: NDArray[np.uint8], mode: str, palette: bytes = b"") -> Raster:
    height, width = page.shape[:2]
    return Raster(mode=mode, size=(width, height), rows=page.reshape(height, -1), palette=palette)


@dataclass(frozen=True, eq=False)
class KernelGrid:
    """The page of one channel: ``kernels`` is ``(filters, rows, cols)``."""

    kernels: NDArray[Any]
    channel: int
    part: str
    options: DrawingOptions

    @property
    def grid(self) -> Grid:
        """The plan of the page."""
        n_filters, rows, cols = self.kernels.shape
        return Grid.of(n_filters, (rows, cols), self.options.figsize, self.options.dpi)

    def __repr__(self) -> str:
        n_filters, rows, cols = self.kernels.shape
        return f"<KernelGrid of channel {self.channel}: {n_filters} kernels of {rows}x{cols}>"

    def _repr_png_(self) -> bytes:
        from filtviz.drawing.showing import picture_png

        return picture_png(self)

    def image(self) -> Image:
        """Return the page's pixels, those of `filtviz.drawing.figures.draw_kernels` under Agg."""
        page = self.raster()
        if page is None:
            from filtviz.drawing.figures import render

            return render(self._figure_of_axes())
        return page.image()

    def raster(self) -> Raster | None:
        """Return the page's pixels, None where matplotlib has to draw them: its colours are translucent."""
        palette = find_palette(self.options.cmap)
        if palette is None:
            return None
        return page_raster(self._cells(palette), palette, find_pixel_map(self.grid))

    def figure(self) -> Figure:
        """Return the page as a figure with few artists, for PDF and SVG."""
        palette = find_palette(self.options.cmap)
        if palette is None:
            return self._figure_of_axes()
        from filtviz.drawing.figures import page_figure

        return page_figure(palette.colours[self._cells(palette)], self.grid)

    def _cells(self, palette: Palette) -> NDArray[np.intp]:
        index = index_colours(scale_kernels(self.kernels), palette)
        return lay_out_cells(index, self.grid, palette.background)

    def _figure_of_axes(self) -> Figure:
        from filtviz.drawing.figures import blank_figure, draw_kernels

        figure = blank_figure(self.options.figsize, self.options.dpi)
        return draw_kernels(figure, self.kernels, self.options.cmap)


def pictures(
    layer: ConvLayer,
    channels: Sequence[int],
    options: DrawingOptions,
    texts: SheetTexts,  # noqa: ARG001
) -> Iterator[KernelGrid]:
    """Yield one page for each of ``channels``."""
    filters = layer.filters
    for channel in channels:
        yield KernelGrid(filters[:, channel], channel, channel_part(channel, layer.n_channels), options)


def channel_part(channel: int, n_channels: int) -> str:
    """Return the channel's part of a file name: ``ch007``, as wide for each; empty for a lone channel."""
    if n_channels == 1:
        return ""
    return f"ch{channel:0{len(str(n_channels - 1))}d}"


NAMED = 8
"""So many kernels are named; how many more there are is said."""


def cautions(layer: ConvLayer, channels: Sequence[int], options: DrawingOptions) -> list[str]:
    """Return a sentence for each thing in which the layer's pictures would mislead."""
    label = printable(layer.label, 40)
    found = [_about_size(layer, options), *_about_values(layer, channels)]
    return [f"{label}{sentence}" for sentence in found if sentence]


def _about_size(layer: ConvLayer, options: DrawingOptions) -> str | None:
    """Say whether a page has fewer pixels than weights, so that some are not on it."""
    rows, cols = layer.kernel_size
    boxes = place_boxes(Grid.of(layer.n_filters, (rows, cols), options.figsize, options.dpi))
    width, height = boxes.right[0] - boxes.left[0], boxes.top[0] - boxes.bottom[0]
    if width > cols - DOUBT:  # a kernel keeps its shape; rounding may take a little of a whole pixel
        return None
    return (
        f": a kernel of {rows}x{cols} weights gets about {height:.1f} x {width:.1f} pixels,"
        " so that some weights are left out; raise --figsize or --dpi"
    )


def _about_values(layer: ConvLayer, channels: Sequence[int]) -> list[str]:
    """Say which kernels are black or hold white holes whatever their weights are."""
    kernels = layer.filters[:, list(channels)]
    finite = np.isfinite(kernels)
    holes = ~finite.all(axis=(2, 3))
    sentences = []
    if layer.kernel_size == (1, 1):
        sentences.append(
            " is 1x1: each kernel is one weight, drawn black whatever it is; this picture says nothing"
        )
    else:
        # A kernel with holes is named as such; if its other weights are equal it is no news.
        flat = (kernels.max(axis=(2, 3)) == kernels.min(axis=(2, 3))) & ~holes
        if flat.any():
            sentences.append(f": {_named(flat, channels)} constant, drawn black whatever the value is")
    if holes.any():
        sentences.append(
            f": {_named(holes, channels)} not finite (NaN or infinite weights), drawn as white holes"
        )
    return sentences


def _named(flags: NDArray[np.bool_], channels: Sequence[int]) -> str:
    """Return "2 of 60 kernels (filter 3 channel 0, …) are"; flags are ``(filters, channels)``."""
    places = np.argwhere(flags)
    names = [f"filter {f} channel {channels[c]}" for f, c in places[:NAMED].tolist()]
    if len(places) > NAMED:
        names.append(f"and {len(places) - NAMED} more")
    verb = "is" if len(places) == 1 else "are"
    return f"{len(places)} of {flags.size} kernels ({', '.join(names)}) {verb}"


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
    sources = np.where(asked[rows // grid.rows][:, cols // grid.cols], _background(grid), computed)
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
