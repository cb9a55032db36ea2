"""Run a network's operations with PyTorch (the extra ``torch``): fast, on a GPU too, and with gradients.

An interpreter of `filtviz.operations`, as `filtviz.running.numpy_engine` is, with the same numbers. Weights
of a file become tensors here; PyTorch reads nothing of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from filtviz.activations import Activation, Elementary, activate
from filtviz.errors import MissingExtraError
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
from filtviz.parameter import Parameter, spread_out
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

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    raise MissingExtraError("this needs PyTorch, which is not installed: pip install torch") from None

__all__ = ["TorchEngine", "few_threads"]

Units = Any
"""A tensor, ``(images, channels, rows, cols)`` or what an operation made of it."""

Rectify = Callable[[Units], Units]


@contextmanager
def few_threads(is_small: bool) -> Iterator[None]:
    """Let PyTorch use one thread where there is so little to do that several hinder each other."""
    before = torch.get_num_threads()
    if is_small:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class TorchEngine:
    """Runs operations with PyTorch.

    Args:
        dtype: ``float64`` or ``float32``.
        device: Where to compute, such as ``cuda``; None for the processor.
        keeps: Whether weights are kept as they are needed, for more images to come.
        rectify: What stands for rectifiers, where their gradient is to be another; None for PyTorch's own.

    Raises:
        RuntimeError: there is no such device.
    """

    name = "torch"
    memory = 1 << 26

    def __init__(
        self,
        dtype: np.dtype[Any],
        device: str | None = None,
        *,
        keeps: bool = False,
        rectify: Rectify | None = None,
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.device = torch.device(device or "cpu")
        self.keeps, self.is_small = keeps, False
        self.rectify = rectify or F.relu
        self._held: dict[tuple[int, str], Units] = {}
        torch.zeros(1, device=self.device)  # tells at once where there is no such device

    @contextmanager
    def calm(self) -> Iterator[None]:
        """Note down nothing that only gradients need, and start no threads that do not pay."""
        with torch.inference_mode(), few_threads(self.is_small):
            yield

    def take(self, images: NDArray[Any]) -> Units:
        """Return images as the engine has them."""
        with np.errstate(over="ignore"):  # what is too large for single precision is infinite
            array = np.array(images, self.dtype)
        return torch.from_numpy(array).to(self.device)

    def give(self, units: Units) -> NDArray[Any]:
        """Return units as an array."""
        return np.ascontiguousarray(units.detach().cpu().numpy())

    def apply(self, operation: Operation, below: Sequence[Units]) -> Units:
        """Return what an operation makes of its inputs.

        Args:
            operation: What is run.
            below: Its inputs.

        Raises:
            MisfitError: they do not fit it, or it is not followed.
            RuntimeError: they do not fit it, in PyTorch's words.
        """
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
                check_slopes(operation, tuple(units.shape))
                return activate(operation, units, self)
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
                return _put_around(operation, units)
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
                kept = cropped_alike(operation.cropping, below)
                return torch.cat(
                    [units[part] if part else units for units, part in zip(below, kept, strict=True)],
                    dim=operation.axis,
                )
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
                return left @ right
            case Softmax():
                return torch.softmax(units, dim=operation.axis)
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
        """Return a tensor of weights, made once where more images are to come."""
        key = id(operation), what
        if key in self._held:
            return self._held[key]
        made = self.take(make())
        if self.keeps:
            self._held[key] = made
        return made

    # Layers with weights

    def _convolve(self, operation: Convolution, units: Units) -> Units:
        if operation.stride is None or operation.pad is None:
            raise MisfitError("the file does not tell its stride and padding")
        templates = self._hold(operation, "templates", lambda: operation.templates)
        bias = self._bias(operation)
        check_lengths(units.shape, len(operation.kernel_size))
        if operation.transposed:
            return _spread(operation, units, templates, bias)
        groups = groups_of(units.shape, templates.shape)
        padded = _padded(units, operation.pad)
        places_of(
            padded.shape,
            Window(size=operation.kernel_size, stride=operation.stride, dilation=operation.spacing),
        )
        convolve = _of_axes((F.conv1d, F.conv2d, F.conv3d), operation.kernel_size)
        # Added on the way where it is one number a filter: going through all units once more takes a while.
        along = bias if bias is not None and bias.shape == (len(templates),) else None
        given = convolve(
            padded, templates, along, stride=operation.stride, dilation=operation.spacing, groups=groups
        )
        return _with_bias(given, None if along is not None else bias)

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
        given = 0
        for tap, (row, col) in taps_of(window, places):
            seen = padded[:, :, row, col].reshape(len(units), groups, templates.shape[1], *places)
            own = templates[:, :, tap[0], tap[1]].reshape(groups, -1, templates.shape[1], *places)
            given = given + torch.einsum("bgcyx,gocyx->bgoyx", seen, own)
        flat: Units = given
        return _with_bias(flat.reshape(len(units), -1, *places), self._bias(operation))

    def _weigh(self, operation: Dense, units: Units) -> Units:
        held = operation.weights
        if held is None:
            raise MisfitError("the file does not tell its weights")
        weights = self._hold(operation, "weights", lambda: held.value)
        weights = weights.T if operation.axes == "oi" else weights
        bias = self._bias(operation)
        if operation.per_position:
            check_units(len(weights), units.shape[1])
            return _with_bias((units.movedim(1, -1) @ weights).movedim(-1, 1), bias)
        flat = units.reshape(*units.shape[: operation.leading_axes], -1)
        check_units(len(weights), flat.shape[-1])
        return flat @ weights if bias is None else flat @ weights + bias

    def _normalise(self, operation: Normalisation, units: Units) -> Units:
        if not operation.is_told:
            raise MisfitError("the file does not tell the scale that it applies")
        if operation.is_batch and operation.spread is None:
            raise MisfitError("the file does not tell the deviation that it divides by")
        scale = self._hold(operation, "scale", lambda: operation.scale_and_shift()[0])
        shift = self._hold(operation, "shift", lambda: operation.scale_and_shift()[1])
        return units * spread_over(scale, tuple(units.shape), operation.along) + spread_over(
            shift, tuple(units.shape), operation.along
        )

    def _standardise(self, operation: Standardisation, units: Units) -> Units:
        seen, axes = own_parts(operation, units)
        centred = seen - seen.mean(dim=axes, keepdim=True)
        variance = (centred**2).mean(dim=axes, keepdim=True)
        found = (centred / torch.sqrt(variance + operation.epsilon)).reshape(units.shape)
        if (gamma := operation.gamma) is not None:
            found = found * spread_over(
                self._hold(operation, "gamma", lambda: gamma.value), tuple(units.shape), operation.along
            )
        if (beta := operation.beta) is not None:
            found = found + spread_over(
                self._hold(operation, "beta", lambda: beta.value), tuple(units.shape), operation.along
            )
        return found

    # The functions of `filtviz.activations`

    def where_positive(self, x: Units, below: Units, /) -> Units:
        """Return x where it is above 0, and ``below`` where it is not."""
        return torch.where(x > 0, x, below)

    def clip(self, x: Units, low: float, high: float, /) -> Units:
        """Return x within both ends."""
        return torch.clamp(x, low, high)

    def power(self, x: Units, exponent: float, /) -> Units:
        """Return x to an exponent."""
        return x**exponent

    def elementary(self, name: Elementary, x: Units, /) -> Units:
        """Return what one of the elementary functions gives."""
        if name == "softplus":
            return torch.logaddexp(torch.zeros_like(x), x)
        return getattr(torch, name)(x)

    def slopes(self, activation: Activation, slopes: Parameter, x: Units, /) -> Units:
        """Return the slopes of a parametric rectifier, spread along the axes of x."""
        return spread_out(self._hold(activation, "slopes", lambda: slopes.value), x.ndim, activation.along)


def _with_bias(units: Units, bias: Units | None) -> Units:
    """Add a number to each channel, or to each unit."""
    if bias is None:
        return units
    return units + (bias if bias.ndim > 1 else bias.reshape(-1, *[1] * (units.ndim - 2)))


def _of_axes(functions: Sequence[Any], lengths: Sequence[int]) -> Any:
    """Return PyTorch's function for so many spatial axes."""
    if not 1 <= len(lengths) <= len(functions):
        raise MisfitError(f"it looks along {plural(len(lengths), 'axis')}, which PyTorch has nothing for")
    return functions[len(lengths) - 1]


def _spread(operation: Convolution, units: Units, templates: Units, bias: Units | None) -> Units:
    """Paint each template, times each unit, on what comes out: a convolution run backwards."""
    groups, apart = groups_of_transposed(operation, units.shape[1], templates.shape)
    sizes, kept = transposed_lengths(operation, tuple(units.shape[2:]))
    n_filters, n_channels, *size = templates.shape
    if apart:  # each group has all filters, for its own part of the channels
        filters = templates.reshape(n_filters, groups, n_channels // groups, *size).movedim(1, 0)
    else:
        filters = templates.reshape(groups, n_filters // groups, n_channels, *size)
    weights = filters.transpose(1, 2).flatten(0, 1)
    check_fits([len(units), groups * weights.shape[1], *sizes])
    spread = _of_axes((F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d), size)
    large = spread(units, weights, stride=operation.stride, dilation=operation.spacing, groups=groups)
    missing = [wanted - length for wanted, length in zip(sizes, large.shape[2:], strict=True)]
    large = _padded(large, tuple((0, n) for n in missing))
    return _with_bias(large[(slice(None), slice(None), *kept)], bias)


def _padded(units: Units, pad: Pads, value: float = 0.0, first_axis: int = 2) -> Units:
    if not any(any(margin) for margin in pad):
        return units
    check_pads(units.shape, pad, first_axis)
    return F.pad(units, [n for margin in reversed(pad) for n in margin], value=value)


def _put_around(operation: Pad, units: Units) -> Units:
    if operation.mode == "constant":
        return _padded(units, operation.pad, operation.value, operation.first_axis)
    for axis, places in mirrored(operation, tuple(units.shape)):
        units = units.index_select(axis, torch.from_numpy(places).to(units.device))
    return units


# Pooling


def _pool(operation: Pooling, units: Units) -> Units:
    """Pool one axis after another, or with PyTorch's own functions for maxima, whose gradient is theirs."""
    window = window_of(operation, tuple(units.shape))
    over = overhang(window, tuple(units.shape[2:]))
    why_not_pooled(operation.kind, operation.name)
    outside = -math.inf if operation.kind == "max" else 0.0
    seen = _padded(_padded(units, window.pad or (), outside), tuple((0, n) for n in over), outside)
    places = places_of_pooling(tuple(units.shape), window, over)
    if operation.kind == "max":
        pool = _of_axes((F.max_pool1d, F.max_pool2d, F.max_pool3d), window.size)
        return pool(seen, window.size, stride=window.stride, dilation=window.dilation)
    for axis, looks in enumerate(looks_of(window, places), start=2):
        seen = sum(seen[(*(slice(None),) * axis, look)] for look in looks)
    if operation.kind == "mean":
        for axis, counted in enumerate(counts_of(operation, window, tuple(units.shape[2:]), places), start=2):
            number = torch.from_numpy(counted).to(seen)
            seen = seen / number.reshape(-1, *[1] * (seen.ndim - axis - 1))
    return seen


def _reduce(kind: PoolingKind, units: Units, axis: int, name: str) -> Units:
    why_not_pooled(kind, name)
    if kind == "max":
        return units.max(dim=axis).values
    return units.mean(dim=axis) if kind == "mean" else units.sum(dim=axis)


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
    squares = F.pad(units**2, [*[0, 0] * (units.ndim - 2), half, half])
    total: Units = sum(squares[:, i : i + n] for i in range(width))
    return units / (operation.k + operation.alpha * total) ** operation.beta


# Shapes


def _slice(operation: Slice, units: Units) -> Units:
    if not operation.is_told:
        raise MisfitError("the file does not tell which part it keeps")
    if operation.index is not None:
        return units.select(operation.axis, operation.index)
    places = range(units.shape[operation.axis])[slice(operation.start, operation.stop, operation.step)]
    chosen = torch.tensor(list(places), dtype=torch.long, device=units.device)
    return units.index_select(operation.axis, chosen)


def _merge(operation: Merge, below: Sequence[Units]) -> Units:
    kept = cropped_alike(operation.cropping, below)
    below = [units[part] if part else units for units, part in zip(below, kept, strict=True)]
    check_fits(shape_of_merged([tuple(units.shape) for units in below]))
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
                total = torch.maximum(total, term)
            case "minimum":
                total = torch.minimum(total, term)
            case "untold":
                raise MisfitError(f"it merges by {printable(operation.word, 40)}, which is not known here")
            case _:
                assert_never(operation.kind)
    return total / len(below) if operation.kind == "mean" else total


def _transpose(operation: Transpose, units: Units) -> Units:
    turned = units.permute([axis for axis in operation.order if axis is not None])
    for place, axis in enumerate(operation.order):
        if axis is None:
            turned = turned.unsqueeze(place)
    return turned


def _resize(operation: Resize, units: Units) -> Units:
    for axis, first, second, share in interpolated(operation, tuple(units.shape)):
        near = torch.from_numpy(share).to(units).reshape(-1, *[1] * (units.ndim - axis - 1))
        both = [units.index_select(axis, torch.from_numpy(each).to(units.device)) for each in (first, second)]
        units = both[0] * (1 - near) + both[1] * near
    return units


def _reduce_axes(operation: Reduction, units: Units) -> Units:
    axes, keeps = operation.axes, operation.keeps
    if not axes:  # which PyTorch takes for all
        return units.abs() if operation.kind == "euclidean" else units
    match operation.kind:
        case "max":
            return units.amax(dim=axes, keepdim=keeps)
        case "min":
            return units.amin(dim=axes, keepdim=keeps)
        case "mean":
            return units.mean(dim=axes, keepdim=keeps)
        case "sum":
            return units.sum(dim=axes, keepdim=keeps)
        case "euclidean":
            return (units**2).sum(dim=axes, keepdim=keeps).sqrt()
    assert_never(operation.kind)


def _upscale(operation: Upscale, units: Units) -> Units:
    check_lengths(units.shape, len(operation.scale))
    shape = [*units.shape[:2], *(n * s for n, s in zip(units.shape[2:], operation.scale, strict=True))]
    check_fits(shape)
    if operation.dilates:
        large = units.new_zeros(shape)
        large[(slice(None), slice(None), *(slice(None, None, s) for s in operation.scale))] = units
        return large
    for axis, times in enumerate(operation.scale, start=2):
        units = units.repeat_interleave(times, dim=axis)
    return units
