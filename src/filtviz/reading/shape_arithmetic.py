"""Numbers that a graph computes of shapes: what nodes such as Shape, Gather and Concat give, a few at a time.

Exporters write ``x.view(x.size(0), -1)`` as half a dozen nodes. They are followed here by a handful of
functions of our own, each over at most `MOST` numbers: whole ones, or of single precision where a graph casts
them. A number that is not known, is beyond reason, or that we will not compute, is open and stays open. One
that is the length of an axis remembers of which, so that an open batch is still known for what it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.parameter import Parameter, Shape

__all__ = [
    "MOST",
    "MOST_AXES",
    "Lengths",
    "Number",
    "Wanted",
    "chosen",
    "combined",
    "joined",
    "lengths_of",
    "of_parameter",
    "of_shape",
]

MOST = 64
"""Numbers that are followed together: no array has half as many axes."""

MOST_AXES = 4
"""Axes in which they stand: pads, for one, are turned in a table of two."""

LARGEST = 1 << 31

Wanted = tuple[int | tuple[int, ...], ...]
"""Lengths as `filtviz.operations.Reshape` has them."""


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number, None where it is open; ``axis`` is ``(layer, axis)`` where it is the length of one."""

    value: float | None = None
    axis: tuple[int, int] | None = None

    @property
    def whole(self) -> int | None:
        """The number as a whole one, None where it is open or none."""
        return int(self.value) if self.value is not None and self.value == int(self.value) else None


@dataclass(frozen=True, kw_only=True, eq=False)
class Lengths:
    """Some numbers in their places: an array of `Number`; ``is_real`` marks those of single precision."""

    array: NDArray[Any]
    is_real: bool = False

    @property
    def numbers(self) -> list[Number]:
        """All of them, in their order."""
        return list(self.array.ravel())

    @property
    def wholes(self) -> list[int] | None:
        """All of them as whole numbers, None where one is open."""
        found = [one.whole for one in self.numbers]
        known = [one for one in found if one is not None]
        return known if len(known) == len(found) else None

    @property
    def reals(self) -> list[float] | None:
        """All of them, None where one is open."""
        known = [float(one.value) for one in self.numbers if one.value is not None]
        return known if len(known) == self.array.size else None

    def placed(self, array: NDArray[Any]) -> Lengths | None:
        """Return those of another array in the place of these; None for more than are followed.

        Args:
            array: The numbers.
        """
        if isinstance(array, Number):  # numpy gives one by itself as what it is
            array = _array([array], ())
        sane = array.size <= MOST and array.ndim <= MOST_AXES
        return replace(self, array=array) if sane else None

    def reshaped(self, shape: Sequence[int]) -> Lengths | None:
        """Return them in another shape, None where they do not fit it."""
        if len(shape) > MOST_AXES:
            return None
        known = math.prod(one for one in shape if one != -1)
        size = self.array.size
        fits = known > 0 and size % known == 0 if -1 in shape else known == size
        sane = fits and min(shape, default=0) >= -1 and list(shape).count(-1) < 2
        return self.placed(self.array.reshape(tuple(shape))) if sane else None

    def taken(self, places: NDArray[Any], axis: int) -> Lengths | None:
        """Return those at some places along an axis; None where one is beyond its end.

        Args:
            places: Which, counted from the end where below zero.
            axis: The axis.
        """
        if not -self.array.ndim <= axis < self.array.ndim:
            return None
        n = self.array.shape[axis]
        inside = all(-n <= place < n for place in places.ravel().tolist())
        return self.placed(np.take(self.array, places, axis)) if inside else None

    def cut(self, axis: int, start: int | None, stop: int | None, step: int | None) -> Lengths | None:
        """Return those from ``start`` to ``stop`` along an axis, as a slice of Python's."""
        if step == 0 or not -self.array.ndim <= axis < self.array.ndim:
            return None
        places = range(*slice(start, stop, step).indices(self.array.shape[axis]))
        return self.placed(np.take(self.array, np.array(places, np.int64), axis))

    def product(self) -> Lengths:
        """Return the product of them all, by itself."""
        values = self.reals
        found = None if values is None else _sane(math.prod(values))
        return replace(self, array=_array([Number(value=found)], ()))

    def rounded(self, how: Callable[[float], int]) -> Lengths:
        """Return each made whole in some way."""
        made = [one if one.value is None else replace(one, value=how(one.value)) for one in self.numbers]
        return replace(self, array=_array(made, self.array.shape))

    def as_real(self, *, is_real: bool) -> Lengths:
        """Return them as numbers of another type; what becomes whole loses its fraction."""
        return replace(self if is_real else self.rounded(math.trunc), is_real=is_real)

    def as_reshape(self, below: Shape | None, layer: int | None) -> Wanted | None:
        """Return them as the lengths that an array is to get; None where more than one is open.

        The batch, and what else is open and stays in its place, stay whatever they are; one length more that
        is open follows from the others.

        Args:
            below: The shape of the array.
            layer: The place of the layer that gives it.
        """
        found = [_wanted(place, one, below or (), layer) for place, one in enumerate(self.numbers)]
        if found.count(None) > 1 or (None in found and -1 in found) or self.array.ndim != 1:
            return None
        lengths = tuple(-1 if one is None else one for one in found)
        return None if any(isinstance(one, int) and one < -1 for one in lengths) else lengths


def _wanted(place: int, one: Number, below: Shape, layer: int | None) -> int | tuple[int, ...] | None:
    """Return a length that is asked for: ``(i,)`` where it is that of axis i of the array below."""
    if one.axis is None or place >= len(below):
        return one.whole
    giver, axis = one.axis
    stays = axis == place and (place == 0 or below[place] is None)
    if giver == layer and axis < len(below):
        return (axis,)
    return (place,) if stays and one.value == below[place] else one.whole


def _array(numbers: Iterable[Number], shape: tuple[int, ...]) -> NDArray[Any]:
    made = list(numbers)
    array = np.empty(len(made), object)
    array[:] = made
    return array.reshape(shape)


def _sane(value: float) -> float | None:
    return value if abs(value) < LARGEST else None  # which no NaN is


def _held(value: float) -> float | None:
    """Return a number of the file: a whole one as it is, since the largest stand for "to the end"."""
    return value if isinstance(value, int) and -(1 << 63) <= value < 1 << 63 else _sane(value)


def lengths_of(numbers: Sequence[float | None], *, is_scalar: bool = False) -> Lengths:
    """Return some numbers as they are.

    Args:
        numbers: The numbers, None for one that is open.
        is_scalar: Whether it is one by itself.
    """
    made = [Number(value=None if value is None else _sane(value)) for value in numbers]
    return Lengths(array=_array(made, () if is_scalar else (len(made),)))


def of_shape(shape: Shape, layer: int | None, start: int | None = None, stop: int | None = None) -> Lengths:
    """Return the lengths of a layer's axes, or of some of them.

    Args:
        shape: The shape of what the layer gives.
        layer: Its place.
        start: The first axis, as in a slice.
        stop: The one behind the last.
    """
    axes = range(len(shape))[start:stop]
    made = [Number(value=shape[axis], axis=None if layer is None else (layer, axis)) for axis in axes]
    return Lengths(array=_array(made, (len(made),)))


def of_parameter(held: Parameter) -> Lengths | None:
    """Return a small constant as numbers, None for any other.

    Args:
        held: A constant of the file.
    """
    if len(held.shape) > MOST_AXES or held.size > MOST or held.dtype.kind not in "iufb":
        return None
    values = np.asarray(held.value).ravel().tolist()
    array = _array((Number(value=_held(value)) for value in values), held.shape)
    return Lengths(array=array, is_real=held.dtype.kind == "f")


def joined(parts: Sequence[Lengths], axis: int = 0) -> Lengths | None:
    """Return all numbers of several parts along an axis; None where they are many, or do not fit.

    Args:
        parts: The parts, one behind another.
        axis: The axis.
    """
    rank = min((part.array.ndim for part in parts), default=0)
    if not -rank <= axis < rank or len(parts) > MOST:
        return None
    others = {tuple(np.delete(part.array.shape, axis)) for part in parts}
    if len(others) != 1:
        return None
    real = any(part.is_real for part in parts)
    return replace(parts[0], is_real=real).placed(np.concatenate([part.array for part in parts], axis))


def _divided(left: float, right: float) -> float | None:
    if isinstance(left, int):
        return left // right if left >= 0 and right > 0 else None  # below zero, kinds of graphs differ
    return left / right


_ARITHMETIC: Mapping[str, Callable[[float, float], float | None]] = {
    "add": lambda left, right: left + right,
    "subtract": lambda left, right: left - right,
    "multiply": lambda left, right: left * right,
    "divide": _divided,
    "remainder": lambda left, right: left % right if left >= 0 and right > 0 else None,
    "maximum": max,
    "minimum": min,
    "equal": lambda left, right: int(left == right),
}

_NEUTRAL = {"add": 0, "subtract": 0, "multiply": 1, "divide": 1}


def combined(kind: str, left: Lengths, right: Lengths) -> Lengths | None:
    """Return what two arrays of numbers are together, one by one; None where they do not fit each other.

    Args:
        kind: ``add``, ``subtract``, ``multiply``, ``divide``, ``remainder``, ``maximum``, ``minimum`` or
            ``equal``.
        left: The first of each pair.
        right: The second.
    """
    spread = _spread(left, right)
    if spread is None:
        return None
    real = left.is_real or right.is_real
    pairs = zip(spread[0].ravel(), spread[1].ravel(), strict=True)
    numbers = [_computed(kind, one, other, is_real=real) for one, other in pairs]
    return Lengths(array=_array(numbers, spread[0].shape), is_real=real and kind != "equal")


def chosen(where: Lengths, left: Lengths, right: Lengths) -> Lengths | None:
    """Return numbers of one array where a condition holds, else the other's; None where they do not fit.

    Args:
        where: The condition.
        left: The numbers where it holds.
        right: Those where it does not.
    """
    spread = _spread(where, left, right)
    if spread is None:
        return None
    numbers = [
        Number() if holds.value is None else one if holds.value else other
        for holds, one, other in zip(*(array.ravel() for array in spread), strict=True)
    ]
    return Lengths(array=_array(numbers, spread[0].shape), is_real=left.is_real or right.is_real)


def _spread(*parts: Lengths) -> list[NDArray[Any]] | None:
    """Return arrays of one shape, each repeated along its axes of length 1; None where they do not fit."""
    rank = max(part.array.ndim for part in parts)
    shapes = [(1,) * (rank - part.array.ndim) + part.array.shape for part in parts]
    axes = list(zip(*shapes, strict=True))
    if any(len({length for length in axis if length != 1}) > 1 for axis in axes):
        return None
    shape = tuple(next((length for length in axis if length != 1), 1) for axis in axes)
    return [np.broadcast_to(part.array, shape) for part in parts] if math.prod(shape) <= MOST else None


def _computed(kind: str, left: Number, right: Number, *, is_real: bool) -> Number:
    if right.value is not None and right.value == _NEUTRAL.get(kind):
        return left
    if left.value is None or right.value is None:
        return Number()
    if not is_real:
        found = _ARITHMETIC[kind](int(left.value), int(right.value))
        return Number(value=None if found is None else _sane(found))
    with np.errstate(all="ignore"):  # as the graph computes it: in single precision
        exact = _ARITHMETIC[kind](np.float32(left.value), np.float32(right.value))  # type: ignore[arg-type]
        return Number(value=None if exact is None else _sane(float(exact)))
