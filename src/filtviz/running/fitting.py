"""Whether what an operation is given fits it, and how: what all engines ask before they run it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from filtviz.activations import Activation
from filtviz.operations import (
    UNTOLD_FUNCTION,
    Convolution,
    Input,
    LocallyConnected,
    MatrixProduct,
    Merge,
    Pad,
    Pads,
    Pooling,
    PoolingKind,
    Resize,
    Standardisation,
)
from filtviz.parameter import spread_out
from filtviz.text import plural, printable
from filtviz.windows import Window, positions, whole_windows

__all__ = [
    "MisfitError",
    "check_fits",
    "check_input",
    "check_lengths",
    "check_pads",
    "check_places",
    "check_slopes",
    "check_units",
    "coefficients_of",
    "counted_in_mean",
    "counts_of",
    "cropped_alike",
    "groups_of",
    "groups_of_transposed",
    "interpolated",
    "looks_of",
    "mirrored",
    "overhang",
    "own_parts",
    "places_of",
    "places_of_pooling",
    "shape_of_merged",
    "spread_over",
    "taps_of",
    "transposed_lengths",
    "two_matrices",
    "why_not_pooled",
    "window_of",
]

MOST_UNITS = 1 << 27
"""Units that padding or enlarging may make, which are a gigabyte."""


class MisfitError(ValueError):
    """What an operation is given does not fit it; the text completes "conv2 cannot be run: …"."""


class Shaped(Protocol):
    """What has a shape: an array, a tensor."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of its axes."""


def check_input(operation: Input, shape: Sequence[int]) -> None:
    """Pass silently where images have the channels that the network expects."""
    if operation.channels not in (None, shape[1]):
        raise MisfitError(
            f"they have {plural(shape[1], 'channel')}, the network expects {operation.channels}"
        )


def check_fits(shape: Sequence[int]) -> None:
    """Pass silently where units of a shape fit in memory, which an attribute of a file may not care for."""
    if math.prod(shape) > MOST_UNITS:
        raise MisfitError(
            f"it makes {math.prod(shape):,} units of its input, which is too much to follow here"
        )


def check_lengths(shape: Sequence[int], n_spatial: int) -> None:
    """Pass silently where units have as many spatial axes as what looks at them."""
    if len(shape) - 2 != n_spatial:
        raise MisfitError(
            f"it looks along {plural(n_spatial, 'axis')}, and is given units with {max(len(shape) - 2, 0)}"
        )


def check_pads(shape: Sequence[int], pad: Pads, first_axis: int = 2) -> None:
    """Pass silently where the axes from the first on can be padded so."""
    if len(pad) != len(shape) - first_axis:
        raise MisfitError(
            f"it pads {plural(len(pad), 'axis')} and is given {max(len(shape) - first_axis, 0)}"
        )
    if any(n < 0 for margin in pad for n in margin):
        raise MisfitError("its padding takes away from its input")
    lengths = zip(shape[first_axis:], pad, strict=True)
    check_fits([*shape[:first_axis], *(length + sum(margin) for length, margin in lengths)])


def check_units(wanted: int, given: int) -> None:
    """Pass silently where as many units are given as there are weights for."""
    if wanted != given:
        raise MisfitError(f"it looks at {plural(wanted, 'unit')} and is given {given:,}")


def check_places(operation: LocallyConnected, places: tuple[int, ...]) -> None:
    """Pass silently where there are filters for each place, and for no others."""
    if "y" not in operation.axes or "x" not in operation.axes:
        raise MisfitError("the file does not tell where each of its filters is")
    wanted = operation.length("y"), operation.length("x")
    if places != wanted:
        raise MisfitError(f"it has filters for {_by(wanted)} places and is given {_by(places)}")


def _by(lengths: Sequence[int | None]) -> str:
    return "x".join("?" if n is None else str(n) for n in lengths)


def groups_of(units: Sequence[int], templates: Sequence[int]) -> int:
    """Return into how many groups the channels of units fall, by the shapes of both."""
    n_filters, n_channels = templates[:2]
    groups, rest = divmod(units[1], n_channels) if n_channels else (0, 0)
    if rest or not groups or n_filters % groups:
        raise MisfitError(f"it looks at {plural(n_channels, 'channel')} and is given {units[1]:,}")
    return groups


def spread_over(values: Any, shape: Sequence[int | None], along: Sequence[int]) -> Any:
    """Return values that run along some axes as they broadcast against units of a shape, none beyond it."""
    spread = spread_out(values, len(shape), along)
    if any(n not in (1, length) for n, length in zip(spread.shape, shape, strict=True) if length is not None):
        raise MisfitError(f"its numbers are for units of {_by(spread.shape)}, and it is given {_by(shape)}")
    return spread


def check_slopes(activation: Activation, shape: tuple[int, ...]) -> None:
    """Pass silently where a parametric rectifier has slopes for units of a shape, or has none."""
    if activation.slopes is not None:
        spread_over(np.asarray(activation.slopes.value), shape, activation.along)


def own_parts(operation: Standardisation, units: Any) -> tuple[Any, tuple[int, ...]]:
    """Return units in a shape in which each of their own means is over whole axes, and these axes."""
    rank = len(units.shape)
    if operation.axes:
        if any(not -rank <= axis < rank for axis in operation.axes):
            raise MisfitError(f"it takes means over axes that units of {plural(rank, 'axis')} do not have")
        return units, tuple(sorted({axis % rank for axis in operation.axes}))
    groups = operation.groups or units.shape[1]
    if groups < 1 or units.shape[1] % groups:
        raise MisfitError(f"it makes {plural(groups, 'group')} of {plural(units.shape[1], 'channel')}")
    return units.reshape(units.shape[0], groups, -1), (2,)


def interpolated(
    operation: Resize, shape: tuple[int, ...]
) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
    """Yield each axis that gets another length, between which two places each new one lies, and how near.

    Args:
        operation: What resizes.
        shape: That of its input.
    """
    check_lengths(shape, len(operation.size or operation.scale))
    lengths = [n or 0 for n in operation.lengths(shape[2:])]
    if min(lengths) < 1:
        raise MisfitError("nothing is left of what it is given")
    check_fits([*shape[:2], *lengths])
    for axis, (had, made) in enumerate(zip(shape[2:], lengths, strict=True)):
        by = made / had if operation.size else operation.scale[axis]
        new = np.arange(made, dtype=np.float64)
        match operation.coordinates:
            case "align_corners":
                place = new * (had - 1) / (made - 1) if made > 1 else np.zeros(1)
            case "asymmetric":
                place = new / by
            case _:
                first = operation.coordinates == "pytorch_half_pixel" and made == 1
                place = np.zeros(1) if first else (new + 0.5) / by - 0.5
        place = np.clip(place, 0, had - 1)
        if made == had and bool((place == new).all()):
            continue
        below = np.floor(place).astype(np.int64)
        yield axis + 2, below, np.minimum(below + 1, had - 1), place - below


def mirrored(operation: Pad, shape: tuple[int, ...]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield each axis that a padding without numbers of its own enlarges, and what stands where behind it.

    Args:
        operation: A padding that mirrors or repeats.
        shape: That of its input.
    """
    first = operation.first_axis
    check_pads(shape, operation.pad, first)
    pairs = list(zip(shape[first:], operation.pad, strict=True))
    if operation.mode == "reflect" and any(max(margin) >= length for length, margin in pairs if any(margin)):
        raise MisfitError(f"it mirrors more than there is: its input is {_by(shape[first:])}")
    for axis, (length, margin) in enumerate(pairs, start=first):
        if any(margin) and operation.mode != "constant":
            yield axis, np.pad(np.arange(length), margin, mode=operation.mode)


def groups_of_transposed(operation: Convolution, channels: int, templates: Sequence[int]) -> tuple[int, bool]:
    """Return its groups, and whether each has all filters, for channels of its own."""
    if templates[1] != channels:
        return groups_of((1, channels), templates), False
    groups = operation.groups or 1
    if groups < 1 or channels % groups:
        raise MisfitError(f"it makes {plural(groups, 'group')} of {plural(channels, 'channel')}")
    return groups, True


def places_of(shape: tuple[int, ...], window: Window) -> tuple[int, ...]:
    """Return at how many places a window stands on padded units, all of it inside."""
    lengths = tuple(shape[2:])
    if any(length < span for length, span in zip(lengths, window.spans, strict=True)):
        raise MisfitError(f"they are {_by(lengths)} there, its window {_by(window.spans)}")
    moving = zip(lengths, window.spans, window.stride, strict=True)
    return tuple(whole_windows(length, span, stride, (0, 0)) for length, span, stride in moving)


def places_of_pooling(shape: tuple[int, ...], window: Window, over: Sequence[int]) -> tuple[int, ...]:
    """Return at how many places a window stands on units as they are given, as it counts them itself.

    Args:
        shape: That of the units, without padding.
        window: What moves over them.
        over: By how much its last place hangs over the padded end of each axis, see `overhang`.
    """
    pads = zip(shape[2:], window.pad or (), over, strict=True)
    places_of((*shape[:2], *(length + sum(pad) + more for length, pad, more in pads)), window)
    return tuple(n or 0 for n in positions(shape[2:], window))


Counting = Literal["all", "inside", "padded"]
"""Which numbers of a window a mean is divided by: all of it, those on the units, or these and the padding."""


def counted_in_mean(operation: Pooling, window: Window, over: Sequence[int]) -> Counting:
    """Tell which numbers of its windows a pooling counts; `counts_of` counts them.

    Args:
        operation: The pooling.
        window: What moves over the units.
        over: By how much its last place hangs over the padded end of each axis, see `overhang`.
    """
    if operation.counts_pad:
        return "padded" if any(over) else "all"
    return "inside" if any(over) or any(map(any, window.pad or ())) else "all"


def looks_of(window: Window, places: tuple[int, ...], first: slice = slice(None)) -> list[list[slice]]:
    """Return for each axis what each tap of a window looks at, from all its places on padded units.

    Args:
        window: The window.
        places: At how many places it stands along each axis.
        first: Which of its places along the first axis.
    """
    found = []
    for axis, n in enumerate(places):
        start, stop, _ = first.indices(n) if axis == 0 else (0, n, 1)
        gap, stride = window.dilation[axis], window.stride[axis]
        found.append(
            [
                slice(tap * gap + start * stride, tap * gap + (stop - 1) * stride + 1, stride)
                for tap in range(window.size[axis])
            ]
        )
    return found


def taps_of(
    window: Window, places: tuple[int, ...], first: slice = slice(None)
) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """Yield each tap of a window by its place in it, and what it looks at along each axis."""
    looks = looks_of(window, places, first)
    return zip(product(*map(range, window.size)), product(*looks), strict=True)


MOST_COUNTED = 1 << 21
"""Taps of all windows along an axis that are counted."""


def counts_of(
    operation: Pooling, window: Window, lengths: tuple[int, ...], places: tuple[int, ...]
) -> Iterator[NDArray[np.int64]]:
    """Yield for each axis how many numbers of each window count in a mean, one where there are none."""
    pads = window.pad or ()
    for axis, (length, n) in enumerate(zip(lengths, places, strict=True)):
        before, after = pads[axis]
        low, high = (-before, length + after) if operation.counts_pad else (0, length)
        if n * window.size[axis] > MOST_COUNTED:
            raise MisfitError(f"its windows of {window.size[axis]} are too long to follow here")
        first = np.arange(n) * window.stride[axis] - before
        where = first[:, None] + np.arange(window.size[axis]) * window.dilation[axis]
        yield ((where >= low) & (where < high)).sum(axis=1).clip(1)


def why_not_pooled(kind: PoolingKind, name: str) -> None:
    """Pass silently where it is known what pooling makes of many numbers."""
    if kind == "untold":
        word = repr(printable(name, 20)) if name else UNTOLD_FUNCTION
        raise MisfitError(f"it pools by {word}, which is not known here")


def window_of(operation: Pooling, shape: tuple[int, ...]) -> Window:
    """Return the window that a pooling moves over units of this shape."""
    window = operation.window(shape)
    if window.pad is None:
        raise MisfitError("the file does not tell the window that it pools over")
    check_lengths(shape, len(window.size))
    return window


def overhang(window: Window, lengths: tuple[int, ...]) -> list[int]:
    """Return by how much the last window hangs over the padded end of each axis."""
    pads = window.pad or ()
    fitted = zip(lengths, pads, positions(lengths, window), window.spans, window.stride, strict=True)
    return [
        max((n - 1) * stride + span - length - sum(pad), 0) if n else 0
        for length, pad, n, span, stride in fitted
    ]


def transposed_lengths(
    operation: Convolution, lengths: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[slice, ...]]:
    """Return the size of what a transposed convolution paints on, and the part of it that is kept."""
    sizes, kept = [], []
    for axis, (length, stride, taps, gap, (before, after)) in enumerate(
        zip(
            lengths,
            operation.stride or (),
            operation.kernel_size,
            operation.spacing,
            operation.pad or (),
            strict=True,
        )
    ):
        whole = (length - 1) * stride + (taps - 1) * gap + 1
        end = whole - after if operation.output_size is None else before + operation.output_size[axis]
        if end <= before:
            raise MisfitError("what it crops is more than what it makes")
        sizes.append(max(whole, end))
        kept.append(slice(before, end))
    return tuple(sizes), tuple(kept)


def two_matrices(operation: MatrixProduct, below: Sequence[Any]) -> tuple[Any, Any]:
    """Return the two stacks of matrices that are multiplied, each turned where it has to be."""
    if len(below) != 2 or min(len(units.shape) for units in below) < 2:
        raise MisfitError("it multiplies two inputs of matrices, and is given others")
    left, right = (
        units.swapaxes(-1, -2) if turned else units
        for units, turned in zip(below, operation.turned, strict=True)
    )
    outer = shape_of_merged([(*left.shape[:-2], 1, 1), (*right.shape[:-2], 1, 1)])
    check_fits([*outer[:-2], left.shape[-2], right.shape[-1]])
    if left.shape[-1] != right.shape[-2]:
        raise MisfitError(f"it multiplies matrices of {_by(left.shape[-2:])} and {_by(right.shape[-2:])}")
    return left, right


def coefficients_of(operation: Merge, n_inputs: int) -> tuple[float, ...]:
    """Return what each of several inputs is multiplied by."""
    found = operation.coefficients or (1.0,) * n_inputs
    if len(found) != n_inputs:
        raise MisfitError(f"it has {plural(len(found), 'coefficient')} for {plural(n_inputs, 'input')}")
    return found


def cropped_alike(cropping: Sequence[str | None], below: Sequence[Shaped]) -> list[tuple[slice, ...]]:
    """Return which part of each of several inputs is kept where they are cut to the shortest (Lasagne)."""
    shapes = [tuple(units.shape) for units in below]
    if not any(how not in (None, "None") for how in cropping):
        return [()] * len(shapes)
    if len({len(shape) for shape in shapes}) != 1:
        raise MisfitError("its inputs have different numbers of axes")
    shortest = [min(lengths) for lengths in zip(*shapes, strict=True)]
    hows = [*cropping, *[None] * len(shortest)][: len(shortest)]
    return [tuple(_cut(*facts) for facts in zip(hows, shape, shortest, strict=True)) for shape in shapes]


def _cut(how: str | None, length: int, wanted: int) -> slice:
    match how:
        case None | "None":
            return slice(None)
        case "lower":
            return slice(0, wanted)
        case "upper":
            return slice(length - wanted, length)
        case "center":
            first = (length - wanted) // 2
            return slice(first, first + wanted)
    raise MisfitError("it crops its inputs by a rule that is not known here")


def shape_of_merged(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the shape of several inputs together, where an axis of 1 stands for any length."""
    rank = max(len(shape) for shape in shapes)
    if min(len(shape) for shape in shapes) != rank:
        raise MisfitError("its inputs have different numbers of axes")
    merged = []
    for lengths in zip(*shapes, strict=True):
        longer = {n for n in lengths if n != 1}
        if len(longer) > 1:
            sizes = " and ".join(_by(shape) for shape in dict.fromkeys(shapes))
            raise MisfitError(f"its inputs are {sizes}, which do not fit each other")
        merged.append(longer.pop() if longer else 1)
    return tuple(merged)
