"""`filtviz.plot_conv_weights`: nolearn's function for whoever has a layer in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.options import DrawingOptions
from filtviz.errors import DrawingError
from filtviz.network import ConvLayer
from filtviz.text import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["filters_of", "plot_conv_weights"]


def plot_conv_weights(layer: Any, figsize: tuple[float, float] = (6, 6)) -> list[Figure]:
    """Draw the filters of a convolution: one figure for each input channel, an axes for each kernel.

    ``layer`` is a `filtviz.ConvLayer`, a live Lasagne layer (anything with ``layer.W.get_value()``), or an
    array ``(filters, channels, rows, cols)``. A live ``TransposedConv2DLayer`` stores ``(channels, filters,
    rows, cols)`` and a ``Conv2DCCLayer`` without dimshuffle ``(channels, rows, cols, filters)``; both are
    turned. Weights are drawn as stored, each kernel scaled by its own least and greatest.

    The figures are plain `matplotlib.figure.Figure`s, unknown to pyplot: ``figure.savefig("conv1.png")``.
    For files, `filtviz.export` draws the same pages several hundred times faster.

    Raises:
        DrawingError: the weights are no pictures of filters.
        ValueError: ``figsize`` is not two positive numbers.
    """
    options = DrawingOptions(figsize=figsize)
    filters = filters_of(layer)
    from filtviz.drawing.figures import blank_figure, draw_kernels

    return [
        draw_kernels(blank_figure(options.figsize, options.dpi), filters[:, channel], options.cmap)
        for channel in range(filters.shape[1])
    ]


def filters_of(layer: Any) -> NDArray[Any]:
    """Return the weights as ``(filters, channels, rows, cols)``."""
    if isinstance(layer, ConvLayer):
        if reason := layer.why_not_drawn:
            raise DrawingError(f"{printable(layer.label, 40)} is not drawn: {reason}")
        return layer.filters
    if isinstance(layer, np.ndarray):
        return _checked(layer, "the array")
    if not hasattr(getattr(layer, "W", None), "get_value"):
        raise DrawingError(
            f"{printable(type(layer).__name__, 40)} has no weights to draw: give a filtviz layer,"
            " a Lasagne layer with W.get_value(), or a 4-D array"
        )
    weights = _checked(np.asarray(layer.W.get_value()), f"the W of {printable(type(layer).__name__, 40)}")
    return weights.transpose(_stored_order(layer))


def _stored_order(layer: Any) -> tuple[int, int, int, int]:
    """Return the axes that make a live layer's ``W`` ``(filters, channels, rows, cols)``."""
    kind = type(layer).__name__
    if kind.startswith(("TransposedConv2D", "Deconv2D")):
        return 1, 0, 2, 3
    if kind == "Conv2DCCLayer" and not getattr(layer, "dimshuffle", True):
        return 3, 0, 1, 2
    return 0, 1, 2, 3


def _checked(weights: NDArray[Any], what: str) -> NDArray[Any]:
    if weights.ndim != 4:
        raise DrawingError(
            f"{what} has {weights.ndim} axes, not 4 (filters, channels, rows, cols), so that it is no picture"
        )
    if weights.size == 0 or weights.dtype.kind not in "fiub":
        raise DrawingError(f"{what} holds no real numbers to draw: {weights.dtype} {weights.shape}")
    return weights
