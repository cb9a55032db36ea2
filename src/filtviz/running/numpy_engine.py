"""Run a network's own layers on images with numpy: what the units really give, as at test time.

An interpreter of `filtviz.operations`: `forward` is exact in float64 for everything that it follows; what it
does not follow raises a sentence. Units are ``(images, channels, rows, cols)``. How windows lie, the
operations say themselves; what an activation gives is in `filtviz.activations`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import assert_never

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from filtviz.activations import Activation, activate
from filtviz.budget import BYTE, Account
from filtviz.errors import CompositionError
from filtviz.network import ConvLayer, Network
from filtviz.operations import (
    ChannelPooling,
    Concatenate,
    Convolution,
    Crop,
    Dense,
    Embedding,
    Flatten,
    GlobalPooling,
    Identity,
    Input,
    LocallyConnected,
    LocalResponse,
    Merge,
    Normalisation,
    Operation,
    Pad,
    Pads,
    Pooling,
    PoolingKind,
    Recurrent,
    Reshape,
    Slice,
    Softmax,
    Transpose,
    Untold,
    Upscale,
    parameters_of,
)
from filtviz.parameter import spread_out
from filtviz.shapes import output_shape
from filtviz.text import printable
from filtviz.windows import positions

__all__ = ["correlate", "forward"]

Units = NDArray[np.float64]
"""``(images, channels, rows, cols)``."""

MOST_UNITS = 1 << 27
"""Units that padding or enlarging may make, which are a gigabyte."""


_STEP, _NUMBER, _PARAMETER = 20_000, 8 * BYTE + 20, 300
"""The work of an operation; of a number that it takes or gives, which is kept; of one of its weights."""

_COPIED, _TERM = 15, 0.5
"""The work of a number that is copied into a window, and of weighing it by one filter."""


def _pay(operation: Operation, below: Sequence[Units], account: Account, what: str) -> None:
    """Spend what an operation takes, by the shapes of its inputs and of what it makes of them.

    Raises:
        BudgetError: it is more than may be spent.
    """
    taken = sum(units.size for units in below)
    shape = output_shape(operation, [units.shape for units in below])
    made = taken if shape is None else math.prod(length or 1 for length in shape)
    numbers = sum(parameter.size for parameter in parameters_of(operation))
    work, windows = _STEP * len(below) + _NUMBER * (taken + made) + _PARAMETER * numbers, 0
    if isinstance(operation, Convolution):
        windows, own = _work_of_convolution(operation, below[0], made)
        work += own
    elif isinstance(operation, Dense) and operation.weights is not None:
        work += made * operation.weights.shape[0]
    elif isinstance(operation, Pooling):
        window = operation.window(below[0].shape)
        windows = made * (1 if window is None else math.prod(window.size))
        work += 2 * _COPIED * windows
    elif isinstance(operation, LocalResponse):
        work *= max(1, operation.n)
    account.hold(8 * windows, what)
    account.spend("work", work, what)


def _work_of_convolution(operation: Convolution, units: Units, made: int) -> tuple[int, int]:
    """Return the numbers in all windows, and what it takes to pad, to copy them, and to weigh them."""
    lengths = zip(units.shape[2:], operation.pad or (), strict=False)
    padded = math.prod(units.shape[:2]) * math.prod(length + sum(pad) for length, pad in lengths)
    taps, channels = math.prod(operation.kernel_size), operation.n_channels
    windows = made // max(operation.n_filters, 1) * units.shape[1] * taps
    groups = units.shape[1] // max(channels, 1)
    weighed = _STEP * groups + windows * _COPIED + made * channels * taps * _TERM
    return windows, int(weighed + _NUMBER * padded)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # as in the network, infinities are meant
def forward(
    network: Network, layer: ConvLayer, images: NDArray[np.floating], account: Account | None = None
) -> Units:
    """Return what ``layer`` gives for images before its own nonlinearity, as at test time.

    Args:
        network: The network that the layer is part of.
        layer: The convolution; what it feeds does not matter.
        images: ``(images, channels, rows, cols)``, for a network with one input.
        account: What it may take; None for as much as it takes.

    Raises:
        BudgetError: it would take more.
        CompositionError: a layer below does something that is not followed here, or the images do not fit.
    """
    given: dict[int, Units] = {}
    for current in network.ancestors(layer):
        found: Sequence[Units] = [given[i] for i in current.inputs] or [np.asarray(images, np.float64)]
        for operation in current.operations:
            if current is layer and isinstance(operation, Activation | Softmax):
                break
            try:
                if account is not None:
                    _pay(operation, found, account, f"running {current.title}")
                found = [_apply(operation, found)]
            except ValueError as error:
                raise CompositionError(f"{current.title} cannot be run on these images: {error}") from None
        given[current.index] = found[0]
    return given[layer.index]


def _apply(operation: Operation, below: Sequence[Units]) -> Units:
    """Return what an operation makes of its inputs.

    Raises:
        ValueError: they do not fit it, or it is not followed; the text completes "conv2 cannot be run: …".
    """
    units = below[0]
    match operation:
        case Input():
            if operation.channels not in (None, units.shape[1]):
                raise ValueError(
                    f"they have {units.shape[1]} channels, the network expects {operation.channels}"
                )
            return units
        case Convolution():
            return _convolve(operation, units)
        case Dense():
            return _weigh(operation, units)
        case Normalisation():
            return _normalise(operation, units)
        case Activation():
            return activate(operation, units)
        case Pooling():
            return _pool(operation, units)
        case GlobalPooling():
            flat = units.reshape(*units.shape[:2], -1)
            return np.asarray(_reduce(operation.kind, flat, (2,), operation.name))
        case ChannelPooling():
            return _pool_channels(operation, units)
        case LocalResponse():
            return _respond_locally(operation, units)
        case Pad():
            return _padded(units, operation.pad, operation.value, operation.first_axis)
        case Crop():
            ends = [slice(a, n - b) for n, (a, b) in zip(units.shape[2:], operation.crop, strict=True)]
            return units[(slice(None), slice(None), *ends)]
        case Slice():
            return _slice(operation, units)
        case Merge():
            return _merge(operation, below)
        case Concatenate():
            return np.concatenate(below, axis=operation.axis)
        case Reshape():
            return units.reshape(
                [units.shape[n[0]] if isinstance(n, tuple) else n for n in operation.lengths]
            )
        case Flatten():
            return units.reshape(*units.shape[: operation.keep], -1)
        case Transpose():
            return _transpose(operation, units)
        case Upscale():
            return _upscale(operation, units)
        case Softmax():
            large = np.exp(units - units.max(axis=operation.axis, keepdims=True))
            return np.asarray(large / large.sum(axis=operation.axis, keepdims=True))
        case Identity():
            return units
        case LocallyConnected():
            raise ValueError("its weights are not shared over the image, which is not followed here")
        case Embedding() | Recurrent():
            raise ValueError("it is no layer of images, which is not followed here")
        case Untold():
            raise ValueError(operation.reason)
    assert_never(operation)


# Layers with weights


def _convolve(operation: Convolution, units: Units) -> Units:
    if operation.transposed:
        raise ValueError("it enlarges its input, which is not followed here")
    if operation.stride is None or operation.pad is None:
        raise ValueError("the file does not tell its stride and padding")
    bias = None if operation.bias is None else np.asarray(operation.bias.value, np.float64)
    return correlate(
        units, operation.templates, operation.stride, operation.spacing, operation.pad, bias=bias
    )


def correlate(
    units: Units,
    templates: Units,
    stride: Sequence[int],
    spacing: Sequence[int] = (1, 1),
    pad: Pads = ((0, 0), (0, 0)),
    *,
    bias: Units | None = None,
) -> Units:
    """Slide templates over the padded units.

    Args:
        units: ``(images, channels, rows, cols)``; g times as many channels as a template has make g groups.
        templates: ``(filters, channels, rows, cols)``, as they match.
        stride: Units from one position to the next, for each axis.
        spacing: Units from one tap to the next, for each axis.
        pad: Zeros before and after, for each axis.
        bias: ``(filters,)``, ``(filters, rows, cols)``, or None.

    Raises:
        ValueError: the units' channels do not fit, or the units are smaller than a template.
    """
    if units.ndim != 4:
        raise ValueError("it is no layer of two-dimensional images, which is not followed here")
    n_filters, n_channels = templates.shape[:2]
    groups, rest = divmod(units.shape[1], n_channels)
    if rest or not groups or n_filters % groups:
        raise ValueError(f"it looks at {n_channels} channels and is given {units.shape[1]}")
    windows = _windows(_padded(units, pad), templates.shape[2:], stride, spacing)
    parts = [
        np.tensordot(part, taps, axes=((1, 4, 5), (1, 2, 3)))
        for part, taps in zip(np.split(windows, groups, axis=1), np.split(templates, groups), strict=True)
    ]
    given = np.moveaxis(np.concatenate(parts, axis=-1), -1, 1)
    if bias is None:
        return given
    return np.asarray(given + (bias if bias.ndim == 3 else bias[:, None, None]))


def _padded(units: Units, pad: Pads, value: float = 0.0, first_axis: int = 2) -> Units:
    if not any(any(margin) for margin in pad):
        return units
    longer = (n + sum(margin) for n, margin in zip(units.shape[first_axis:], pad, strict=True))
    _check_fits([*units.shape[:first_axis], *longer])
    return np.pad(units, [(0, 0)] * first_axis + list(pad), constant_values=value)


def _check_fits(shape: Sequence[int]) -> None:
    """Pass silently where units of a shape fit in memory, which an attribute of a file may not care for."""
    if math.prod(shape) > MOST_UNITS:
        raise ValueError(
            f"it makes {math.prod(shape):,} units of its input, which is too much to follow here"
        )


def _windows(units: Units, size: Sequence[int], stride: Sequence[int], spacing: Sequence[int]) -> Units:
    """Return a view ``(images, channels, rows, cols, window rows, window cols)``."""
    spans = [(taps - 1) * gap + 1 for taps, gap in zip(size, spacing, strict=True)]
    if len(spans) != 2 or units.ndim != 4:
        raise ValueError("it is no layer of two-dimensional images, which is not followed here")
    if any(length < span for length, span in zip(units.shape[2:], spans, strict=True)):
        raise ValueError(
            f"they are {units.shape[2]}x{units.shape[3]} there, its window {spans[0]}x{spans[1]}"
        )
    view = sliding_window_view(units, spans, axis=(2, 3))
    return view[:, :, :: stride[0], :: stride[1], :: spacing[0], :: spacing[1]]


def _weigh(operation: Dense, units: Units) -> Units:
    if operation.weights is None:
        raise ValueError("the file does not tell its weights")
    weights = np.asarray(operation.weights.value, np.float64)
    weights = weights.T if operation.axes == "oi" else weights
    bias = 0.0 if operation.bias is None else np.asarray(operation.bias.value, np.float64)
    if operation.per_position:
        return np.moveaxis(np.moveaxis(units, 1, -1) @ weights + bias, -1, 1)
    flat = units.reshape(*units.shape[: operation.leading_axes], -1)
    if flat.shape[-1] != len(weights):
        raise ValueError(f"it looks at {len(weights)} units and is given {flat.shape[-1]}")
    return np.asarray(flat @ weights + bias)


def _normalise(operation: Normalisation, units: Units) -> Units:
    if not operation.is_told:
        raise ValueError("the file does not tell the scale that it applies")
    scale, shift = (spread_out(each, units, operation.along) for each in operation.scale_and_shift())
    return np.asarray(units * scale + shift)


# Pooling


def _pool(operation: Pooling, units: Units) -> Units:
    window = operation.window(units.shape)
    if window is None or window.pad is None:
        raise ValueError("the file does not tell the window that it pools over")
    # What hangs over the end is NaN, so that it counts neither in a maximum nor in a mean.
    outside = 0.0 if operation.counts_pad and operation.kind != "max" else np.nan
    padded = _padded(units, window.pad, outside)
    if not window.whole:
        places = positions(units.shape[2:], window)
        fitted = zip(padded.shape[2:], places, window.spans, window.stride, strict=True)
        ends = [((n or 1) - 1) * stride + span - length for length, n, span, stride in fitted]
        padded = _padded(padded, tuple((0, max(end, 0)) for end in ends), np.nan)
    windows = _windows(padded, window.size, window.stride, window.dilation)
    return np.asarray(_reduce(operation.kind, windows, (4, 5), operation.name))


def _reduce(kind: PoolingKind, units: Units, axes: tuple[int, ...], name: str) -> Units:
    match kind:
        case "max":
            return np.asarray(np.fmax.reduce(units, axis=axes))
        case "mean":
            n = np.count_nonzero(~np.isnan(units), axis=axes)
            with np.errstate(invalid="ignore"):  # of no number at all
                return np.asarray(np.nansum(units, axis=axes) / n)
        case "sum":
            return np.asarray(np.nansum(units, axis=axes))
        case "untold":
            raise ValueError(f"it pools by {printable(name, 20)!r}, which is not known here")
    assert_never(kind)


def _pool_channels(operation: ChannelPooling, units: Units) -> Units:
    axis = operation.axis % units.ndim
    if units.shape[axis] % operation.size:
        raise ValueError(f"it pools groups of {operation.size} and is given {units.shape[axis]}")
    shape = (*units.shape[:axis], -1, operation.size, *units.shape[axis + 1 :])
    return _reduce(operation.kind, units.reshape(shape), (axis + 1,), operation.name)


def _respond_locally(operation: LocalResponse, units: Units) -> Units:
    width = min(operation.n, 2 * units.shape[1] + 1)  # more neighbours there are not
    half = width // 2
    squares = np.pad(units**2, [(0, 0), (half, half), *[(0, 0)] * (units.ndim - 2)])
    n = units.shape[1]
    total = sum(squares[:, i : i + n] for i in range(width))
    return np.asarray(units / (operation.k + operation.alpha * total) ** operation.beta)


# Shapes


def _slice(operation: Slice, units: Units) -> Units:
    if not operation.is_told:
        raise ValueError("the file does not tell which part it keeps")
    if operation.index is not None:
        return np.asarray(units.take(operation.index, axis=operation.axis))
    kept = [slice(None)] * units.ndim
    kept[operation.axis] = slice(operation.start, operation.stop, operation.step)
    return units[tuple(kept)]


def _merge(operation: Merge, below: Sequence[Units]) -> Units:
    if operation.crops:
        raise ValueError("it crops its inputs to each other, which is not followed here")
    coefficients = operation.coefficients or (1.0,) * len(below)
    terms = [c * units for c, units in zip(coefficients, below, strict=True)]
    total = terms[0]
    for term in terms[1:]:
        match operation.kind:
            case "add" | "mean":
                total = total + term
            case "subtract":
                total = total - term
            case "multiply":
                total = total * term
            case "maximum":
                total = np.maximum(total, term)
            case "minimum":
                total = np.minimum(total, term)
            case "untold":
                raise ValueError(f"it merges by {printable(operation.name, 40)}, which is not known here")
            case _:
                assert_never(operation.kind)
    return np.asarray(total / len(terms)) if operation.kind == "mean" else np.asarray(total)


def _transpose(operation: Transpose, units: Units) -> Units:
    kept = [axis for axis in operation.order if axis is not None]
    turned = units.transpose(kept)
    places = [place for place, axis in enumerate(operation.order) if axis is None]
    return np.expand_dims(turned, tuple(places)) if places else turned


def _upscale(operation: Upscale, units: Units) -> Units:
    shape = [*units.shape[:2], *(n * s for n, s in zip(units.shape[2:], operation.scale, strict=True))]
    _check_fits(shape)
    if operation.dilates:
        large = np.zeros(shape)
        large[(slice(None), slice(None), *(slice(None, None, s) for s in operation.scale))] = units
        return large
    for axis, times in enumerate(operation.scale, start=2):
        units = units.repeat(times, axis=axis)
    return units
