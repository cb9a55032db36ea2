"""nolearn's layout: a page for each input channel, its kernels in a square grid, each with its own contrast.

``n = ceil(sqrt(filters))``; the n x n grid is filled row by row; empty places stay empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.authority import find_pixel_map
from filtviz.drawing.colours import Palette, find_palette, index_colours, scale_kernels
from filtviz.drawing.pixelmap import DOUBT, Grid, place_boxes
from filtviz.text import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

    from filtviz.drawing.options import DrawingOptions
    from filtviz.drawing.pixelmap import PixelMap
    from filtviz.drawing.sheet import SheetTexts
    from filtviz.network import ConvLayer

__all__ = ["KernelGrid", "cautions", "channel_part", "lay_out_cells", "page_image", "pictures"]

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


def page_image(cells: NDArray[np.intp], palette: Palette, geometry: PixelMap) -> Image:
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

    def image(self) -> Image:
        """Return the page's pixels, those of `filtviz.drawing.figures.draw_kernels` under Agg."""
        palette = find_palette(self.options.cmap)
        if palette is None:
            from filtviz.drawing.figures import render

            return render(self._figure_of_axes())
        return page_image(self._cells(palette), palette, find_pixel_map(self.grid))

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
    if width > cols - DOUBT and height > rows - DOUBT:  # rounding may take a little of a whole pixel
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
