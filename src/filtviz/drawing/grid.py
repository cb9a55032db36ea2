"""nolearn's layout: a page for each input channel, its kernels in a square grid, each with its own contrast.

``n = ceil(sqrt(filters))``; the n x n grid is filled row by row; empty places stay empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.colours import Palette, find_palette, index_colours, scale_kernels
from filtviz.drawing.geometry import Grid, find_geometry
from filtviz.drawing.pixels import lay_out_cells, page_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

    from filtviz.drawing.options import DrawingOptions
    from filtviz.network import ConvLayer

__all__ = ["KernelGrid", "channel_part", "pictures"]


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
        return page_image(self._cells(palette), palette, find_geometry(self.grid))

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


def pictures(layer: ConvLayer, channels: Sequence[int], options: DrawingOptions) -> Iterator[KernelGrid]:
    """Yield one page for each of ``channels``."""
    filters = layer.filters
    for channel in channels:
        yield KernelGrid(filters[:, channel], channel, channel_part(channel, layer.n_channels), options)


def channel_part(channel: int, n_channels: int) -> str:
    """Return the channel's part of a file name: ``ch007``, as wide for each; empty for a lone channel."""
    if n_channels == 1:
        return ""
    return f"ch{channel:0{len(str(n_channels - 1))}d}"
