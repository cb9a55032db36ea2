"""What an operation takes to run: work and memory, by the shapes of what it is given, for any engine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from filtviz.activations import KINDS, Activation
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
    Pooling,
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
    parameters_of,
)
from filtviz.shapes import output_shape

__all__ = ["MOST_COLUMNS", "Cost", "cost_of"]

MOST_COLUMNS = 1 << 17
"""Numbers of windows that an engine copies out at a time: with more, a processor's caches are of no use."""

_CALL, _NUMBER, _PARAMETER = 15_000, 5, 75
"""The work of an operation that does little; of a number that it takes or gives; of one of its weights, which
are read once for many images. What they fill is for `filtviz.budget.Account.hold`: it is given back."""

_COPIED, _TERM = 4, 0.125
"""The work of a number that is copied into a window, and of weighing it by one filter."""

_TAP, _PAINTED = 3_000, 32_500
"""The work of looking through a window at one of its places, and of painting with one of a template's."""

_CALLS: Mapping[type, int] = {
    Convolution: 300_000,
    LocallyConnected: 300_000,
    Pooling: 100_000,
    LocalResponse: 125_000,
    Pad: 112_500,
    Resize: 87_500,
    Normalisation: 62_500,
    Standardisation: 50_000,
    Softmax: 15_000,
    Activation: 25_000,
    MatrixProduct: 25_000,
    **dict.fromkeys(
        (
            Input, Dense, Embedding, Recurrent, GlobalPooling, ChannelPooling, Crop, Slice, Merge,
            Concatenate, Reshape, Flatten, Transpose, Upscale, Reduction, Identity, Untold,
        ),
        0,
    ),
}  # fmt: skip
"""The work of each operation's own calls, of those that are made of many; the others are one call."""

_OF_SOFTMAX, _OF_POWER, _OF_RESIZING = 120, 240, 60
"""The work of a number, of exponentials and their sum, of a power, and of weighing two neighbours."""


class Cost(NamedTuple):
    """What running an operation takes.

    Attributes:
        once: The work that is the same for one image and for many together, see `filtviz.budget`.
        each: The work that grows with them.
        held: The numbers that it makes or copies.
    """

    once: int
    each: int
    held: int


def cost_of(operation: Operation, below: Sequence[tuple[int, ...]]) -> Cost:
    """Return what it takes to run an operation.

    Args:
        operation: What is run.
        below: The shapes of its inputs.
    """
    taken = sum(math.prod(shape) for shape in below)
    made = _made(operation, below, taken)
    weights = sum(parameter.size for parameter in parameters_of(operation))
    once = _CALL * len(below) + _CALLS[type(operation)] + _PARAMETER * weights
    each: float = _NUMBER * (taken + made)
    held = made
    if isinstance(operation, Convolution | LocallyConnected):
        fixed, own, copied = _cost_of_kernels(operation, below[0], made)
        once, each, held = once + fixed, each + own, held + copied
    elif isinstance(operation, Dense) and operation.weights is not None:
        each += made * _lengths_of(operation)[0] * _TERM
    elif isinstance(operation, MatrixProduct):
        inner = below[0][-2 if operation.turned[0] else -1] if len(below[0]) > 1 else 1
        each += made * inner * _TERM
    elif isinstance(operation, Pooling):
        taps = sum(operation.size)
        once, each = once + _TAP * taps, each + 2 * _COPIED * (taken + made) * taps
        held += 2 * _padded(operation.pad or (), below[0])
    elif isinstance(operation, Resize):
        held, each = 3 * made, each + _OF_RESIZING * made  # two neighbours are copied, and weighed
    elif isinstance(operation, LocalResponse):
        n = max(1, min(operation.n, 2 * taken))
        once, each = once + _TAP * n, each * n + _OF_POWER * made
    else:
        each += _of_a_number(operation) * made
    return Cost(int(once), int(each), held)


def _of_a_number(operation: Operation) -> int:
    """Return the work of a number beyond taking and giving it."""
    match operation:
        case Activation():
            return KINDS[operation.kind].work
        case Softmax():
            return _OF_SOFTMAX
        case _:
            return 0


def _lengths_of(operation: Dense) -> tuple[int, int]:
    """Return how many numbers each unit of a dense layer weighs, and how many units there are."""
    assert operation.weights is not None
    first, last = (*operation.weights.shape, 1, 1)[:2]
    return (last, first) if operation.axes == "oi" else (first, last)


def _made(operation: Operation, below: Sequence[tuple[int, ...]], taken: int) -> int:
    if isinstance(operation, Reshape):
        return taken
    if isinstance(operation, Dense) and operation.weights is not None:  # its units are those of its weights
        weighed, units = _lengths_of(operation)
        return taken // max(weighed, 1) * units
    shape = output_shape(operation, below)
    return taken if shape is None else math.prod(length or 1 for length in shape)


def _padded(pad: Sequence[tuple[int, int]], shape: tuple[int, ...]) -> int:
    lengths = zip(shape[2:], pad, strict=False)
    return math.prod(shape[:2]) * math.prod(length + sum(margin) for length, margin in lengths)


def _cost_of_kernels(
    operation: Convolution | LocallyConnected, shape: tuple[int, ...], made: int
) -> tuple[int, float, int]:
    """Return what it takes to pad, to copy windows and to weigh them: once, each, and the numbers copied."""
    taps, channels = math.prod(operation.kernel_size), operation.n_channels
    padded = _padded(operation.pad or (), shape)
    if isinstance(operation, Convolution) and operation.transposed:
        copied = math.prod(shape) // max(channels, 1) * operation.n_filters
        return _PAINTED * taps, copied * taps * (channels * _TERM + 2 * _COPIED), 2 * copied
    below = shape[1] if len(shape) > 1 else 1
    windows = made // max(operation.n_filters, 1) * below * taps
    groups = _CALL / 2 * (below // max(channels, 1))
    weighed = groups + windows * _COPIED + made * channels * taps * _TERM
    looks = _TAP / 2 * taps * (windows / MOST_COLUMNS)  # windows are copied part by part, each tap by itself
    once = (_PAINTED if isinstance(operation, LocallyConnected) else _TAP) * taps
    return once, weighed + looks + _NUMBER * padded, padded + min(windows, MOST_COLUMNS)
