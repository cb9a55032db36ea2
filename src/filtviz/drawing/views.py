"""The table of pictures, and what each of them is.

A view is a module of `filtviz.drawing` with a function ``pictures(layer, channels, options)`` that yields
`Picture`s. It is imported when it is asked for, so that one view does not pay for what another one imports.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from filtviz.errors import DrawingError
from filtviz.text import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

    from filtviz.drawing.options import DrawingOptions
    from filtviz.network import ConvLayer

__all__ = ["VIEWS", "Picture", "View", "draw"]

VIEWS = {
    "grid": "filtviz.drawing.grid",
    "sheet": "filtviz.drawing.sheets.kernels",
    "rms": "filtviz.drawing.sheets.rms",
    "components": "filtviz.drawing.sheets.patterns",
    "nmf": "filtviz.drawing.sheets.patterns",
}
"""View → the module whose ``pictures`` draws it. The first is the default: nolearn's layout."""


class Picture(Protocol):
    """One page that is ready to be drawn, as pixels or as a matplotlib figure.

    ``channel`` is the input channel that it shows, None where it shows them all. ``part`` tells it from the
    layer's other pictures in a file name (``ch07``; empty where there is only one).
    """

    @property
    def channel(self) -> int | None:
        """The input channel that the picture shows, or None."""

    @property
    def part(self) -> str:
        """What tells the picture from the layer's others."""

    def image(self) -> Image:
        """Return the picture's pixels in the smallest PNG mode that holds them."""

    def figure(self) -> Figure:
        """Return a figure for PDF and SVG that shows the same."""


class View(Protocol):
    """What a view's module offers as ``pictures``."""

    def __call__(
        self, layer: ConvLayer, channels: Sequence[int], options: DrawingOptions
    ) -> Iterator[Picture]:
        """Yield the pictures of ``channels`` one after another, so that no two need be in memory."""


def draw(layer: ConvLayer, channels: Sequence[int], options: DrawingOptions) -> Iterator[Picture]:
    """Yield the pictures of a layer's channels in the view that ``options`` names.

    Raises:
        DrawingError: the layer's weights are no pictures of filters.
    """
    if reason := layer.why_not_drawn:
        raise DrawingError(
            f"{printable(layer.label, 40)} ({printable(layer.type, 40)}) is not drawn: {reason}"
        )
    view: View = import_module(VIEWS[options.view]).pictures
    return view(layer, channels, options)
