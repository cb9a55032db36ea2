"""Lasagne's convolutions and their kin → operations: their axes, which way they are turned, how they move.

The class tells the order of the axes; where the number of filters contradicts it, as in a user's own class,
the order that has it in its place is taken. The rules of padding are those of ``lasagne/layers/conv.py``
(0.1, 0.2.dev1).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from filtviz.operations import USUAL_AXES, Convolution, LocallyConnected, Operation, Pads, Untold
from filtviz.parameter import Parameter
from filtviz.reading.pickle.attributes import Attributes
from filtviz.shapes import same_lengths

__all__ = ["convolution_of", "in_memory", "is_convolution", "pads_of"]

_TRANSPOSED = ("Transposed", "Deconv")
_INPUT_FIRST = (*_TRANSPOSED, "Dilated")
"""Classes whose W is ``(channels, filters, …)``: they run a convolution's gradient."""

_FLIPPING = ("Conv1DLayer", "Conv2DLayer", "Conv3DLayer", "LocallyConnected2DLayer")
_NEVER_FLIPPING = (
    "Conv2DDNNLayer", "Conv3DDNNLayer", "Conv2DMMLayer", "Conv2DCCLayer", "DilatedConv2DLayer",
    "TransposedConv2DLayer", "TransposedConv3DLayer", "Deconv2DLayer", "Deconv3DLayer",
)  # fmt: skip
"""What a class does by default, for files that are older than the attribute ``flip_filters``."""


def is_convolution(attributes: Attributes, weights: Parameter) -> bool:
    """Tell a convolution or a kin of it by its state, so that a user's own subclass is one too."""
    return len(weights.shape) >= 3 and (attributes.has("filter_size") or attributes.has("num_filters"))


def convolution_of(attributes: Attributes, weights: Parameter, bias: Parameter | None) -> Operation:
    """Return what a convolution does; `Untold` where its weights have a shape that no convolution's has."""
    axes = _axes_of(attributes, weights.shape)
    if axes is None:
        return Untold(reason=f"its weights have the shape {weights.shape}, as no convolution's have")
    if "y" in axes:
        local = LocallyConnected(
            weights=weights, axes=axes, bias=bias, flip_filters=_flips_filters(attributes)
        )
        stride, pad, _ = _movement(attributes, local.kernel_size)
        return replace(local, stride=stride, pad=pad)
    n_axes, groups = len(axes) - 2, attributes.whole("num_groups")
    transposed = attributes.has("crop") or attributes.type.startswith(_TRANSPOSED)
    size = tuple(weights.shape[axes.index(axis)] for axis in "drc" if axis in axes)
    stride, pad, dilation = _movement(attributes, size)
    return Convolution(
        weights=weights,
        axes=axes,
        flip_filters=_turned(_flips_filters(attributes)) if transposed else _flips_filters(attributes),
        bias=bias,
        stride=stride,
        pad=pad,
        dilation=dilation,
        groups=groups if groups is not None and groups > 0 else None,
        transposed=transposed,
        output_size=attributes.wholes("output_size", axes=n_axes) if transposed else None,
    )


def _axes_of(attributes: Attributes, shape: tuple[int, ...]) -> str | None:
    """Name the axes of W as stored, or return None where W has a shape that no convolution's has."""
    if attributes.raw("channelwise") is True and len(shape) == 5:
        return "orcyx"
    if attributes.raw("dimshuffle") is False and len(shape) == 4:
        return "irco"
    axes = USUAL_AXES.get(len(shape))
    if axes is None:
        return None
    input_first = axes.replace("oi", "io")
    first = attributes.type.startswith(_INPUT_FIRST) or attributes.has("crop")
    orders = (input_first, axes) if first else (axes, input_first)
    n_filters = attributes.whole("num_filters")
    return next((order for order in orders if shape[order.index("o")] == n_filters), orders[0])


def in_memory(layer: Any) -> tuple[tuple[int, int, int, int], bool | None]:
    """Return how a live convolution over two axes keeps its ``W``, which is an array there, and no record.

    Args:
        layer: One of Lasagne's, or of a class that is called as one of them.

    Returns:
        The axes that make its ``W`` ``(filters, channels, rows, cols)``, and whether it convolves (True) or
        correlates (False), None where nothing tells.
    """
    kind = type(layer).__name__
    flips = _flips(getattr(layer, "flip_filters", None), kind)
    if kind == "Conv2DCCLayer" and not getattr(layer, "dimshuffle", True):
        return (3, 0, 1, 2), flips
    order = (1, 0, 2, 3) if kind.startswith(_INPUT_FIRST) else (0, 1, 2, 3)
    return order, _turned(flips) if kind.startswith(_TRANSPOSED) else flips


def _flips_filters(attributes: Attributes) -> bool | None:
    """Tell whether the layer convolves (True) or correlates (False), None where nothing tells."""
    return _flips(attributes.plain(attributes.raw("flip_filters")), attributes.type)


def _flips(stated: Any, kind: str) -> bool | None:
    if type(stated) is bool:
        return stated
    if kind in _FLIPPING:
        return True
    return False if kind in _NEVER_FLIPPING else None


def _turned(flips: bool | None) -> bool | None:
    """Tell whether a transposed convolution paints its stored kernels turned.

    It runs the gradient of a convolution, which turns them, unless that one has turned them already.
    """
    return None if flips is None else not flips


def _movement(
    attributes: Attributes, size: tuple[int, ...]
) -> tuple[tuple[int, ...] | None, Pads | None, tuple[int, ...]]:
    """Return stride, padding and dilation; the stride None where their numbers cannot be right together."""
    n = len(size)
    if attributes.wholes("filter_size", axes=n) != size:
        return None, None, ()
    dilation = attributes.wholes("dilation", axes=n) or ()
    stride = attributes.wholes("stride", "strides", axes=n) or ((1,) * n if dilation else None)
    if not same_lengths(size, stride, dilation or size):
        return None, None, ()
    pad = pads_of(attributes, size)
    if attributes.word("crop") == "same":
        pad = tuple((k // 2, k // 2) for k in size)
    return stride, pad, dilation


def pads_of(attributes: Attributes, size: tuple[int, ...]) -> Pads | None:
    """Return the padding before and after each axis, None where the file does not tell.

    ``same`` pads with half the filter on both sides, one less behind for an even size (Lasagne's
    documentation).
    """
    name = next((name for name in ("crop", "pad", "border_mode") if attributes.has(name)), "pad")
    match attributes.word(name):
        case "valid":
            return tuple((0, 0) for _ in size)
        case "full":
            return tuple((k - 1, k - 1) for k in size)
        case "same" | "half":
            return tuple((k // 2, (k - 1) // 2) for k in size)
    lengths = attributes.wholes(name, axes=len(size))
    if not attributes.has(name):
        lengths = (0,) * len(size)
    if lengths is None or len(lengths) != len(size) or min(lengths) < 0:
        return None
    return tuple((p, p) for p in lengths)
