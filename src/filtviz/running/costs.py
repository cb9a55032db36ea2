"""What an operation takes to run: work and memory, by the shapes of what it is given, for any engine."""

from __future__ import annotations

import math
from collections.abc import Sequence

from filtviz.operations import (
    Convolution,
    Dense,
    LocallyConnected,
    LocalResponse,
    Operation,
    Pooling,
    Reshape,
    parameters_of,
)
from filtviz.shapes import output_shape

__all__ = ["MOST_COLUMNS", "cost_of"]

MOST_COLUMNS = 1 << 17
"""Numbers of windows that an engine copies out at a time: with more, a processor's caches are of no use."""

_STEP, _NUMBER, _PARAMETER = 20_000, 20, 300
"""The work of an operation; of a number that it takes or gives; of one of its weights. What they fill is for
`filtviz.budget.Account.hold`: it is given back."""

_COPIED, _TERM = 15, 0.5
"""The work of a number that is copied into a window, and of weighing it by one filter."""


def cost_of(operation: Operation, below: Sequence[tuple[int, ...]]) -> tuple[int, int]:
    """Return the work of running an operation, see `filtviz.budget`, and the numbers that it makes or copies.

    Args:
        operation: What is run.
        below: The shapes of its inputs.
    """
    taken = sum(math.prod(shape) for shape in below)
    made = _made(operation, below, taken)
    weights = sum(parameter.size for parameter in parameters_of(operation))
    work: float = _STEP * len(below) + _NUMBER * (taken + made) + _PARAMETER * weights
    held = made
    if isinstance(operation, Convolution | LocallyConnected):
        own, copied = _cost_of_kernels(operation, below[0], made)
        work, held = work + own, held + copied
    elif isinstance(operation, Dense) and operation.weights is not None:
        work += made * operation.weights.shape[0]
    elif isinstance(operation, Pooling):
        window = operation.window(below[0])
        taps = sum(window.size) if window is not None else 1
        work += _STEP / 10 * taps + 2 * _COPIED * (taken + made) * taps
        held += 2 * _padded(operation.pad or (), below[0])
    elif isinstance(operation, LocalResponse):
        work *= max(1, min(operation.n, 2 * taken))
    return int(work), held


def _made(operation: Operation, below: Sequence[tuple[int, ...]], taken: int) -> int:
    if isinstance(operation, Reshape):
        return taken
    shape = output_shape(operation, below)
    return taken if shape is None else math.prod(length or 1 for length in shape)


def _padded(pad: Sequence[tuple[int, int]], shape: tuple[int, ...]) -> int:
    lengths = zip(shape[2:], pad, strict=False)
    return math.prod(shape[:2]) * math.prod(length + sum(margin) for length, margin in lengths)


def _cost_of_kernels(
    operation: Convolution | LocallyConnected, shape: tuple[int, ...], made: int
) -> tuple[float, int]:
    """Return what it takes to pad, to copy windows, and to weigh them; and the numbers of both copies."""
    taps, channels = math.prod(operation.kernel_size), operation.n_channels
    padded = _padded(operation.pad or (), shape)
    if isinstance(operation, Convolution) and operation.transposed:
        copied = math.prod(shape) // max(channels, 1) * operation.n_filters
        return _STEP / 10 * taps + copied * taps * (channels * _TERM + 2 * _COPIED), 2 * copied
    below = shape[1] if len(shape) > 1 else 1
    windows = made // max(operation.n_filters, 1) * below * taps
    weighed = _STEP * (below // max(channels, 1)) + windows * _COPIED + made * channels * taps * _TERM
    return weighed + _NUMBER * padded + _STEP / 10 * taps, padded + min(windows, MOST_COLUMNS)
