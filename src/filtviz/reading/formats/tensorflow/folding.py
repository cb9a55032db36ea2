"""What TensorFlow's nodes make of constants alone: arrays that are prepared for use, and numbers of shapes.

A normalisation is often written as what it comes to, ``x * scale + shift`` with ``scale = gamma /
sqrt(variance + epsilon)``: such a scale is computed when it is asked for, and its parts are what the file
stores.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.parameter import Parameter
from filtviz.reading.arrays import ComputedArray, count, parameter_of
from filtviz.reading.limits import Computing
from filtviz.reading.protobuf import Message
from filtviz.reading.shape_arithmetic import Lengths, combined, joined, of_parameter

__all__ = ["Folded", "folded", "numbers_of"]

_DEEPEST = 16
"""Nodes between an array that is computed and those that the file stores."""

_A_BYTE = 10
"""What a byte of an array that is computed takes: it is kept for what else is computed of it."""


@dataclass(frozen=True, kw_only=True)
class Folded:
    """An array that a graph computes of constants: its ``parts`` are what the file stores.

    ``is_line`` marks the kernel of a convolution over one axis, which TensorFlow gives one axis more.
    """

    parameter: Parameter
    parts: tuple[Parameter, ...]
    depth: int = 1
    is_line: bool = False


def numbers_of(held: Parameter) -> Lengths | None:
    """Return a small constant of whole numbers.

    Args:
        held: A constant.
    """
    return of_parameter(held) if held.dtype.kind in "iu" else None


def folded(
    operator: str,
    attributes: Mapping[str, Message],
    constants: Sequence[Parameter | None],
    lengths: Sequence[Lengths | None],
    known: Mapping[str, Folded],
    computing: Computing,
) -> Folded | Lengths | Parameter | None:
    """Return what a node makes of constants and of numbers computed of shapes, None for other nodes.

    Args:
        operator: The node's operator.
        attributes: Its attributes.
        constants: Its inputs that are constants.
        lengths: Those that are such numbers.
        known: The arrays that were computed so far, by their sources.
        computing: What it may take to compute arrays.
    """
    if not constants:
        return None
    pairs = list(zip(constants, lengths, strict=True))
    if all(one is not None or other is not None for one, other in pairs):
        numbers = [of_parameter(one) if one is not None else other for one, other in pairs]
        given = [one for one in numbers if one is not None]
        whole = any(one is not None for one in lengths) or all(
            one is not None and one.dtype.kind in "iu" for one in constants
        )
        row = _NUMBERS.get(operator)
        if whole and row is not None and len(given) == len(pairs):
            return row(_Asked(operator=operator, attributes=attributes, given=given))
    held = [one for one in constants if one is not None]
    return _array(operator, held, known, computing) if len(held) == len(constants) else None


def _array(
    operator: str, held: Sequence[Parameter], known: Mapping[str, Folded], computing: Computing
) -> Folded | Parameter | None:
    first = held[0]
    if operator in ("Reshape", "Squeeze", "ExpandDims") and first.dtype.kind == "f":
        return _of_other_axes(operator, held, known)
    compute = _ARITHMETIC.get(operator)
    n_inputs = 1 if operator in _OF_ONE else 2
    if compute is None or any(one.dtype.kind != "f" for one in held) or len(held) != n_inputs:
        return None
    shapes = {one.shape for one in held if one.shape}
    depth = 1 + max((known[one.source].depth for one in held if one.source in known), default=0)
    if len(shapes) > 1 or depth > _DEEPEST:
        return None
    shape = next(iter(shapes), ())
    if not computing.affords(_A_BYTE * count(shape) * first.dtype.itemsize):
        return None

    def read() -> NDArray[Any]:
        return np.asarray(compute(*(one.value for one in held)), first.dtype)

    array = ComputedArray(shape=shape, dtype=first.dtype, read=read)
    parts = _parts(held, known)
    return Folded(parameter=parameter_of("", array, ""), parts=parts, depth=depth)


def _parts(held: Sequence[Parameter], known: Mapping[str, Folded]) -> tuple[Parameter, ...]:
    """Return what the file stores of which arrays are computed; single numbers are none."""
    found: dict[int, Parameter] = {}
    for one in held:
        for part in known[one.source].parts if one.source in known else (one,):
            if part.shape:
                found[id(part)] = part
    return tuple(found.values())


def _of_other_axes(
    operator: str, held: Sequence[Parameter], known: Mapping[str, Folded]
) -> Folded | Parameter | None:
    """Return an array that only gets other axes: a bias that is made to fit, or the kernel of a line."""
    first = held[0]
    if len(first.shape) == 1:
        return first
    parts = _parts(held[:1], known)
    if len([n for n in first.shape if n != 1]) <= 1:  # a vector, whatever its axes
        array = ComputedArray(shape=(first.size,), dtype=first.dtype, read=lambda: first.value.reshape(-1))
        return Folded(parameter=parameter_of("", array, ""), parts=parts)
    where = numbers_of(held[1]) if operator == "ExpandDims" and len(held) > 1 else None
    if len(first.shape) != 3 or where is None or where.wholes not in ([0], [-4]):
        return None
    shape = (1, *first.shape)
    array = ComputedArray(shape=shape, dtype=first.dtype, read=lambda: first.value.reshape(shape))
    return Folded(parameter=parameter_of("", array, ""), parts=parts, is_line=True)


_ARITHMETIC: Mapping[str, Callable[..., Any]] = {
    "Add": np.add,
    "AddV2": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "RealDiv": np.divide,
    "Rsqrt": lambda one: 1 / np.sqrt(one),
    "Sqrt": np.sqrt,
    "Square": np.square,
    "Neg": np.negative,
}
_OF_ONE = frozenset({"Rsqrt", "Sqrt", "Square", "Neg"})


# Numbers of shapes


@dataclass(frozen=True, kw_only=True)
class _Asked:
    operator: str
    attributes: Mapping[str, Message]
    given: Sequence[Lengths]

    def number(self, name: str) -> int:
        """Return a whole number of an attribute."""
        return self.attributes[name].integer(3) if name in self.attributes else 0

    def only(self, place: int) -> int | None:
        """Return the one whole number of an input."""
        held = self.given[place].wholes if place < len(self.given) else None
        return held[0] if held and len(held) == 1 else None


def _sliced(asked: _Asked) -> Lengths | None:
    first = asked.given[0]
    start, stop, step = (asked.only(place) for place in (1, 2, 3))
    masks = {name: asked.number(name) for name in ("begin_mask", "end_mask", "shrink_axis_mask")}
    others = asked.number("ellipsis_mask") or asked.number("new_axis_mask")
    if others or first.array.ndim != 1 or start is None or stop is None or step is None:
        return None
    if masks["shrink_axis_mask"] & 1:
        return first.taken(np.array(start, np.int64), 0)
    return first.cut(
        0, None if masks["begin_mask"] & 1 else start, None if masks["end_mask"] & 1 else stop, step
    )


def _packed(asked: _Asked) -> Lengths | None:
    rows = [one.reshaped([1]) for one in asked.given if one.array.ndim == 0]
    known = [one for one in rows if one is not None]
    return joined(known) if len(known) == len(asked.given) and not asked.number("axis") else None


def _joined(asked: _Asked) -> Lengths | None:
    axis = asked.only(len(asked.given) - 1)
    return joined(asked.given[:-1], axis) if axis is not None and len(asked.given) > 1 else None


def _gathered(asked: _Asked) -> Lengths | None:
    places, axis = (
        asked.given[1] if len(asked.given) > 1 else None,
        asked.only(2) if len(asked.given) > 2 else 0,
    )
    wanted = None if places is None else places.wholes
    if places is None or wanted is None or axis is None:
        return None
    return asked.given[0].taken(np.array(wanted, np.int64).reshape(places.array.shape), axis)


def _product(asked: _Asked) -> Lengths | None:
    return (
        asked.given[0].product() if asked.given[0].array.ndim == 1 and not asked.number("keep_dims") else None
    )


_KINDS = {
    "Add": "add", "AddV2": "add", "Sub": "subtract", "Mul": "multiply", "FloorDiv": "divide",
    "RealDiv": "divide", "Maximum": "maximum", "Minimum": "minimum", "FloorMod": "remainder",
}  # fmt: skip


def _arithmetic(asked: _Asked) -> Lengths | None:
    return combined(_KINDS[asked.operator], *asked.given) if len(asked.given) == 2 else None


def _cast(asked: _Asked) -> Lengths | None:
    code = asked.attributes["DstT"].integer(6) if "DstT" in asked.attributes else 0
    return asked.given[0].as_real(is_real=code in (1, 2, 14, 19)) if code else None


def _expanded(asked: _Asked) -> Lengths | None:
    return asked.given[0].reshaped([1]) if asked.given[0].array.ndim == 0 else None


def _squeezed(asked: _Asked) -> Lengths | None:
    return asked.given[0].reshaped([])


def _reshaped(asked: _Asked) -> Lengths | None:
    wanted = asked.given[1].wholes if len(asked.given) > 1 else None
    return None if wanted is None else asked.given[0].reshaped(wanted)


_ROUNDS: Mapping[str, Callable[[float], int]] = {"Floor": math.floor, "Ceil": math.ceil}

_NUMBERS: Mapping[str, Callable[[_Asked], Lengths | None]] = {
    "StridedSlice": _sliced,
    "Pack": _packed,
    "ConcatV2": _joined,
    "GatherV2": _gathered,
    "Prod": _product,
    "Cast": _cast,
    "ExpandDims": _expanded,
    "Squeeze": _squeezed,
    "Reshape": _reshaped,
    "Identity": lambda asked: asked.given[0],
    **dict.fromkeys(_ROUNDS, lambda asked: asked.given[0].rounded(_ROUNDS[asked.operator])),
    **dict.fromkeys(_KINDS, _arithmetic),
}
