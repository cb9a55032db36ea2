"""Run a network's operations with numpy: what the units really give, as at test time.

An interpreter of `filtviz.operations`, in double or in single precision; what it does not follow raises a
sentence. Units are ``(images, channels, rows, cols)``, with any other number of spatial axes behind the
channels. How windows lie, the operations say themselves; what an activation gives is in
`filtviz.activations`. `filtviz.running.inference` takes it through a network.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from itertools import product
from typing import Any, assert_never

import numpy as np
from numpy.typing import DTypeLike, NDArray

from filtviz.activations import Activation, activate
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
    MatrixProduct,
    Merge,
    Normalisation,
    Operation,
    Pad,
    Pads,
    Pooling,
    PoolingKind,
    Recurrent,
    Reduction,
    Reshape,
    Resize,
    Slice,
    Softmax,
    Standardisation,
    Transpose,
    Untold,
    Upscale,
)
from filtviz.running.costs import MOST_COLUMNS
from filtviz.running.fitting import (
    MisfitError,
    check_fits,
    check_input,
    check_lengths,
    check_pads,
    check_places,
    check_slopes,
    check_units,
    coefficients_of,
    counts_of,
    cropped_alike,
    groups_of,
    groups_of_transposed,
    interpolated,
    looks_of,
    mirrored,
    overhang,
    own_parts,
    places_of,
    places_of_pooling,
    shape_of_merged,
    spread_over,
    taps_of,
    transposed_lengths,
    two_matrices,
    why_not_pooled,
    window_of,
)
from filtviz.text import plural, printable
from filtviz.windows import Window

__all__ = ["NumpyEngine", "correlate", "one_thread"]

Units = NDArray[Any]
"""``(images, channels, rows, cols)``, or what an operation made of them, of single or double precision."""


@cache
def _threads() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()  # which looks for numpy's library, and that takes a millisecond


def one_thread() -> AbstractContextManager[object]:
    """Return what lets numpy multiply with one thread: of small matrices, several wait for one another."""
    limited: AbstractContextManager[object] = _threads().limit(limits=1, user_api="blas")
    return limited


class NumpyEngine:
    """Runs operations with numpy.

    Args:
        dtype: ``float64`` or ``float32``.
        keeps: Whether weights are kept as they are needed, for more images to come.
    """

    name = "numpy"
    memory = 1 << 24

    def __init__(self, dtype: DTypeLike = "float64", *, keeps: bool = False) -> None:
        self.dtype = np.dtype(dtype)
        self.keeps, self.is_small = keeps, False
        self._held: dict[tuple[int, str], Units] = {}

    def calm(self) -> AbstractContextManager[object]:
        """Return what keeps the engine from starting threads that do not pay."""
        return one_thread() if self.is_small else nullcontext()

    def take(self, images: NDArray[Any]) -> Units:
        """Return images as the engine has them."""
        return np.asarray(images, self.dtype)

    def give(self, units: Units) -> NDArray[Any]:
        """Return units as an array."""
        return np.ascontiguousarray(units)

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # as in the network, infinities are meant
    def apply(self, operation: Operation, below: Sequence[Units]) -> Units:
        """Return what an operation makes of its inputs.

        Args:
            operation: What is run.
            below: Its inputs.

        Raises:
            MisfitError: they do not fit it, or it is not followed.
            ValueError: they do not fit it, in numpy's words.
        """
        return self._apply(operation, below)

    def _apply(self, operation: Operation, below: Sequence[Units]) -> Units:
        units = below[0]
        match operation:
            case Input():
                check_input(operation, units.shape)
                return units
            case Convolution():
                return self._convolve(operation, units)
            case LocallyConnected():
                return self._connect_locally(operation, units)
            case Dense():
                return self._weigh(operation, units)
            case Normalisation():
                return self._normalise(operation, units)
            case Standardisation():
                return self._standardise(operation, units)
            case Activation():
                check_slopes(operation, units.shape)
                return np.asarray(activate(operation, units))
            case Pooling():
                return _pool(operation, units)
            case GlobalPooling():
                flat = units.reshape(*units.shape[:2], -1)
                return _reduce(operation.kind, flat, 2, operation.name)
            case ChannelPooling():
                return _pool_channels(operation, units)
            case LocalResponse():
                return _respond_locally(operation, units)
            case Pad():
                if operation.mode != "constant":
                    for axis, places in mirrored(operation, units.shape):
                        units = units.take(places, axis=axis)
                    return units
                return _padded(units, operation.pad, operation.value, operation.first_axis)
            case Crop():
                check_lengths(units.shape, len(operation.crop))
                ends = [
                    slice(a, max(n - b, a)) for n, (a, b) in zip(units.shape[2:], operation.crop, strict=True)
                ]
                return units[(slice(None), slice(None), *ends)]
            case Slice():
                return _slice(operation, units)
            case Merge():
                return _merge(operation, below)
            case Concatenate():
                parts = [
                    units[kept]
                    for units, kept in zip(below, cropped_alike(operation.cropping, below), strict=True)
                ]
                return np.concatenate(parts, axis=operation.axis)
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
            case Resize():
                return _resize(operation, units)
            case Reduction():
                return _reduce_axes(operation, units)
            case MatrixProduct():
                left, right = two_matrices(operation, below)
                return np.asarray(left @ right)
            case Softmax():
                large = np.exp(units - units.max(axis=operation.axis, keepdims=True))
                return np.asarray(large / large.sum(axis=operation.axis, keepdims=True))
            case Identity():
                return units
            case Embedding():
                raise MisfitError("it looks words up in a table, which is not followed here")
            case Recurrent():
                raise MisfitError("it is recurrent, which is not followed here")
            case Untold():
                raise MisfitError(operation.reason)
        assert_never(operation)

    def _hold(self, operation: Operation, what: str, make: Callable[[], Any]) -> Units:
        """Return an array of weights, made once where more images are to come."""
        key = id(operation), what
        if key in self._held:
            return self._held[key]
        made = np.ascontiguousarray(make(), self.dtype)
        if self.keeps:
            self._held[key] = made
        return made

    # Layers with weights

    def _convolve(self, operation: Convolution, units: Units) -> Units:
        if operation.stride is None or operation.pad is None:
            raise MisfitError("the file does not tell its stride and padding")
        templates = self._hold(operation, "templates", lambda: operation.templates)
        bias = self._bias(operation)
        if operation.transposed:
            return _spread(operation, units, templates, bias)
        return correlate(units, templates, operation.stride, operation.spacing, operation.pad, bias=bias)

    def _bias(self, operation: Convolution | LocallyConnected | Dense) -> Units | None:
        held = operation.bias
        return None if held is None else self._hold(operation, "bias", lambda: held.value)

    def _connect_locally(self, operation: LocallyConnected, units: Units) -> Units:
        if operation.stride is None or operation.pad is None:
            raise MisfitError("the file does not tell its stride and padding")
        templates = self._hold(operation, "templates", lambda: operation.templates)
        groups = groups_of(units.shape, templates.shape)
        window = Window(size=operation.kernel_size, stride=operation.stride)
        padded = _padded(units, operation.pad)
        places = places_of(padded.shape, window)
        check_places(operation, places)
        given = np.zeros((len(units), templates.shape[0], *places), units.dtype)
        shape = len(units), groups, templates.shape[1], *places
        for tap, (row, col) in taps_of(window, places):
            seen = padded[:, :, row, col].reshape(shape)
            own = templates[:, :, tap[0], tap[1]].reshape(groups, -1, *templates.shape[1:2], *places)
            given += np.einsum("bgcyx,gocyx->bgoyx", seen, own).reshape(given.shape)
        return _with_bias(given, self._bias(operation))

    def _weigh(self, operation: Dense, units: Units) -> Units:
        held = operation.weights
        if held is None:
            raise MisfitError("the file does not tell its weights")
        weights = self._hold(operation, "weights", lambda: held.value)
        weights = weights.T if operation.axes == "oi" else weights
        bias = self._bias(operation)
        if operation.per_position:
            check_units(len(weights), units.shape[1])
            return _with_bias(np.moveaxis(np.moveaxis(units, 1, -1) @ weights, -1, 1), bias)
        flat = units.reshape(*units.shape[: operation.leading_axes], -1)
        check_units(len(weights), flat.shape[-1])
        return np.asarray(flat @ weights if bias is None else flat @ weights + bias)

    def _normalise(self, operation: Normalisation, units: Units) -> Units:
        if not operation.is_told:
            raise MisfitError("the file does not tell the scale that it applies")
        if operation.is_batch and operation.spread is None:
            raise MisfitError("the file does not tell the deviation that it divides by")
        scale = self._hold(operation, "scale", lambda: operation.scale_and_shift()[0])
        shift = self._hold(operation, "shift", lambda: operation.scale_and_shift()[1])
        return np.asarray(
            units * spread_over(scale, units.shape, operation.along)
            + spread_over(shift, units.shape, operation.along)
        )

    def _standardise(self, operation: Standardisation, units: Units) -> Units:
        seen, axes = own_parts(operation, units)
        centred = seen - seen.mean(axis=axes, keepdims=True)
        variance = (centred**2).mean(axis=axes, keepdims=True)
        found = (centred / np.sqrt(variance + operation.epsilon)).reshape(units.shape)
        if (gamma := operation.gamma) is not None:
            found *= spread_over(
                self._hold(operation, "gamma", lambda: gamma.value), units.shape, operation.along
            )
        if (beta := operation.beta) is not None:
            found += spread_over(
                self._hold(operation, "beta", lambda: beta.value), units.shape, operation.along
            )
        return np.asarray(found)


def _with_bias(units: Units, bias: Units | None) -> Units:
    """Add a number to each channel, or to each unit."""
    if bias is None:
        return units
    return np.asarray(units + _spread_bias(bias, units))


def _spread_bias(bias: Units, units: Units) -> Units:
    return bias if bias.ndim > 1 else bias.reshape(-1, *[1] * (units.ndim - 2))


# Convolutions


def correlate(
    units: Units,
    templates: Units,
    stride: Sequence[int],
    spacing: Sequence[int] = (),
    pad: Pads = (),
    *,
    bias: Units | None = None,
) -> Units:
    """Slide templates over the padded units.

    Windows are copied out, a part of them at a time, and weighed by all filters together.

    Args:
        units: ``(images, channels, rows, cols)``; g times as many channels as a template has make g groups.
        templates: ``(filters, channels, rows, cols)``, as they match.
        stride: Units from one position to the next, for each axis.
        spacing: Units from one tap to the next, for each axis; empty for neighbours.
        pad: Zeros before and after, for each axis; empty for none.
        bias: ``(filters,)``, ``(filters, rows, cols)``, or None.

    Raises:
        ValueError: the units' channels do not fit, or the units are smaller than a template.
    """
    size, n_images = templates.shape[2:], len(units)
    window = Window(size=size, stride=tuple(stride), dilation=tuple(spacing))
    check_lengths(units.shape, len(size))
    groups = groups_of(units.shape, templates.shape)
    padded = _padded(units, pad) if pad else units
    places = places_of(padded.shape, window)
    rows = np.ascontiguousarray(templates, units.dtype).reshape(groups, len(templates) // groups, -1)
    given = np.empty((n_images, len(templates), *places), units.dtype)
    for images, first in _parts(n_images, units.shape[1] * math.prod(size), places):
        part = padded[images]
        some = (len(range(*first.indices(places[0]))), *places[1:])
        columns = np.empty((len(part), units.shape[1], math.prod(size), *some), units.dtype)
        for number, (_, looks) in enumerate(taps_of(window, places, first)):
            columns[:, :, number] = part[(slice(None), slice(None), *looks)]
        weighed = rows @ columns.reshape(len(part), groups, rows.shape[2], math.prod(some))
        given[images, :, first] = weighed.reshape(len(part), len(templates), *some)
    return given if bias is None else np.add(given, _spread_bias(bias, given), out=given)


def _parts(n_images: int, taps: int, places: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    """Yield parts of the images, and of the places on the first axis, that are copied together."""
    of_a_row = max(1, taps * math.prod(places[1:]))
    rows = max(1, min(places[0], MOST_COLUMNS // of_a_row))
    images = max(1, MOST_COLUMNS // (of_a_row * rows)) if rows == places[0] else 1
    for start in range(0, n_images, images):
        for first in range(0, places[0], rows):
            yield slice(start, start + images), slice(first, first + rows)


def _spread(operation: Convolution, units: Units, templates: Units, bias: Units | None) -> Units:
    """Paint each template, times each unit, on what comes out: a convolution run backwards."""
    stride = operation.stride or ()
    check_lengths(units.shape, len(stride))
    groups, apart = groups_of_transposed(operation, units.shape[1], templates.shape)
    n_filters, n_channels, *size = templates.shape
    if apart:  # each group has all filters, for its own part of the channels
        filters = np.moveaxis(templates.reshape(n_filters, groups, n_channels // groups, *size), 1, 0)
    else:
        filters = templates.reshape(groups, n_filters // groups, n_channels, *size)
    lengths, kept = transposed_lengths(operation, units.shape[2:])
    check_fits([len(units), groups * filters.shape[1], *lengths])
    large = np.zeros((len(units), groups * filters.shape[1], *lengths), units.dtype)
    below = units.reshape(len(units), groups, -1, math.prod(units.shape[2:]))
    for tap in product(*map(range, operation.kernel_size)):
        own: tuple[Any, ...] = (..., *tap)
        painted = filters[own] @ below
        where = [
            slice(t * gap, t * gap + (n - 1) * step + 1, step)
            for t, gap, n, step in zip(tap, operation.spacing, units.shape[2:], stride, strict=True)
        ]
        large[(slice(None), slice(None), *where)] += painted.reshape(*large.shape[:2], *units.shape[2:])
    return _with_bias(large[(slice(None), slice(None), *kept)], bias)


def _padded(units: Units, pad: Pads, value: float = 0.0, first_axis: int = 2) -> Units:
    if not any(any(margin) for margin in pad):
        return units
    check_pads(units.shape, pad, first_axis)
    return np.pad(units, [(0, 0)] * first_axis + list(pad), constant_values=value)


# Pooling


def _pool(operation: Pooling, units: Units) -> Units:
    """Pool one axis after another, which gives the same as all together."""
    window = window_of(operation, units.shape)
    over = overhang(window, units.shape[2:])
    why_not_pooled(operation.kind, operation.name)
    outside = -np.inf if operation.kind == "max" else 0.0
    seen = _padded(_padded(units, window.pad or (), outside), tuple((0, n) for n in over), outside)
    places = places_of_pooling(units.shape, window, over)
    for axis, looks in enumerate(looks_of(window, places), start=2):
        parts = (seen[(*(slice(None),) * axis, look)] for look in looks)
        pooled = next(parts).copy()
        for part in parts:
            if operation.kind == "max":
                np.maximum(pooled, part, out=pooled)
            else:
                pooled += part
        seen = pooled
    if operation.kind == "mean":
        for axis, counted in enumerate(counts_of(operation, window, units.shape[2:], places), start=2):
            seen /= counted.astype(seen.dtype).reshape(-1, *[1] * (seen.ndim - axis - 1))
    return seen


def _reduce(kind: PoolingKind, units: Units, axis: int, name: str) -> Units:
    why_not_pooled(kind, name)
    if kind == "max":
        return np.asarray(units.max(axis=axis))
    return np.asarray(units.mean(axis=axis) if kind == "mean" else units.sum(axis=axis))


def _pool_channels(operation: ChannelPooling, units: Units) -> Units:
    axis = operation.axis % units.ndim
    if not -units.ndim <= operation.axis < units.ndim:
        raise MisfitError(f"it pools along axis {operation.axis} and is given {plural(units.ndim, 'axis')}")
    if operation.size < 1 or units.shape[axis] % operation.size:
        raise MisfitError(f"it pools groups of {operation.size} and is given {units.shape[axis]}")
    shape = (*units.shape[:axis], -1, operation.size, *units.shape[axis + 1 :])
    return _reduce(operation.kind, units.reshape(shape), axis + 1, operation.name)


def _respond_locally(operation: LocalResponse, units: Units) -> Units:
    n = units.shape[1]
    width = min(operation.n, 2 * n + 1)  # more neighbours there are not
    half = width // 2
    squares = np.pad(units**2, [(0, 0), (half, half), *[(0, 0)] * (units.ndim - 2)])
    total = sum(squares[:, i : i + n] for i in range(width))
    return np.asarray(units / (operation.k + operation.alpha * total) ** operation.beta)


# Shapes


def _slice(operation: Slice, units: Units) -> Units:
    if not operation.is_told:
        raise MisfitError("the file does not tell which part it keeps")
    if operation.index is not None:
        return np.asarray(units.take(operation.index, axis=operation.axis))
    kept = [slice(None)] * units.ndim
    kept[operation.axis] = slice(operation.start, operation.stop, operation.step)
    return units[tuple(kept)]


def _merge(operation: Merge, below: Sequence[Units]) -> Units:
    below = [units[kept] for units, kept in zip(below, cropped_alike(operation.cropping, below), strict=True)]
    check_fits(shape_of_merged([units.shape for units in below]))
    coefficients = coefficients_of(operation, len(below))
    terms = (units if c == 1.0 else c * units for c, units in zip(coefficients, below, strict=True))
    total = next(terms)
    for term in terms:
        match operation.kind:
            case "add" | "mean":
                total = total + term
            case "subtract":
                total = total - term
            case "multiply":
                total = total * term
            case "divide":
                total = total / term
            case "maximum":
                total = np.maximum(total, term)
            case "minimum":
                total = np.minimum(total, term)
            case "untold":
                raise MisfitError(f"it merges by {printable(operation.word, 40)}, which is not known here")
            case _:
                assert_never(operation.kind)
    return np.asarray(total / len(below)) if operation.kind == "mean" else np.asarray(total)


def _transpose(operation: Transpose, units: Units) -> Units:
    kept = [axis for axis in operation.order if axis is not None]
    turned = units.transpose(kept)
    places = [place for place, axis in enumerate(operation.order) if axis is None]
    return np.expand_dims(turned, tuple(places)) if places else turned


def _resize(operation: Resize, units: Units) -> Units:
    for axis, first, second, share in interpolated(operation, units.shape):
        near = share.astype(units.dtype).reshape(-1, *[1] * (units.ndim - axis - 1))
        units = units.take(first, axis=axis) * (1 - near) + units.take(second, axis=axis) * near
    return units


def _reduce_axes(operation: Reduction, units: Units) -> Units:
    if operation.kind == "euclidean":
        return np.asarray(np.sqrt((units**2).sum(axis=operation.axes, keepdims=operation.keeps)))
    how: Any = {"max": np.max, "min": np.min, "mean": np.mean, "sum": np.sum}[operation.kind]
    return np.asarray(how(units, axis=operation.axes, keepdims=operation.keeps))


def _upscale(operation: Upscale, units: Units) -> Units:
    check_lengths(units.shape, len(operation.scale))
    shape = [*units.shape[:2], *(n * s for n, s in zip(units.shape[2:], operation.scale, strict=True))]
    check_fits(shape)
    if operation.dilates:
        large = np.zeros(shape, units.dtype)
        large[(slice(None), slice(None), *(slice(None, None, s) for s in operation.scale))] = units
        return large
    for axis, times in enumerate(operation.scale, start=2):
        units = units.repeat(times, axis=axis)
    return units
