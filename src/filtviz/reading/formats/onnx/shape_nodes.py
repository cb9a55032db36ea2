"""ONNX's nodes that compute with shapes → the numbers that they give; what is none of them gives nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from filtviz.reading.formats.onnx.cases import NodeAttributes
from filtviz.reading.shape_arithmetic import MOST, MOST_AXES, Lengths, chosen, combined, joined, lengths_of

__all__ = ["computed"]

_REAL_TYPES = frozenset({1, 10, 11, 16})
_WHOLE_TYPES = frozenset({2, 3, 4, 5, 6, 7, 9, 12, 13})


@dataclass(frozen=True, kw_only=True)
class _Asked:
    operator: str
    attributes: NodeAttributes
    given: Sequence[Lengths | None]

    @property
    def first(self) -> Lengths:
        found = self.given[0]
        assert found is not None, "the caller has looked"
        return found

    def second(self) -> Lengths | None:
        return self.given[1] if len(self.given) > 1 else None

    def wholes(self, name: str, place: int) -> list[int] | None:
        """Return whole numbers that older versions have as an attribute, newer ones as an input."""
        held = self.given[place] if place < len(self.given) else None
        return held.wholes if held is not None else self.attributes.integers(name)


def computed(operator: str, attributes: NodeAttributes, given: Sequence[Lengths | None]) -> Lengths | None:
    """Return what a node makes of numbers, None where it is not followed.

    Args:
        operator: The node's operator.
        attributes: Its attributes.
        given: Its inputs, None for those that are left out.
    """
    row = _BY_OPERATOR.get(operator)
    if row is None or not given or given[0] is None:
        return None
    return row(_Asked(operator=operator, attributes=attributes, given=given))


def _gather(asked: _Asked) -> Lengths | None:
    places = asked.second()
    wanted = None if places is None else places.wholes
    if places is None or wanted is None:
        return None
    shape = places.array.shape
    return asked.first.taken(np.array(wanted, np.int64).reshape(shape), asked.attributes.integer("axis"))


def _slice(asked: _Asked) -> Lengths | None:
    starts, stops = asked.wholes("starts", 1), asked.wholes("ends", 2)
    if starts is None or stops is None or len(starts) != len(stops):
        return None
    axes, steps = asked.wholes("axes", 3), asked.wholes("steps", 4) or [1] * len(starts)
    axes = list(range(len(starts))) if axes is None else axes
    if not len(axes) == len(steps) == len(starts) <= MOST_AXES:
        return None
    found: Lengths | None = asked.first
    for axis, start, stop, step in zip(axes, starts, stops, steps, strict=True):
        found = found and found.cut(axis, start, stop, step)
    return found


def _concat(asked: _Asked) -> Lengths | None:
    parts = [one for one in asked.given if one is not None]
    return joined(parts, asked.attributes.integer("axis")) if len(parts) == len(asked.given) else None


def _unsqueeze(asked: _Asked) -> Lengths | None:
    axes = asked.wholes("axes", 1)
    rank = asked.first.array.ndim + len(axes or ())
    if not axes or rank > MOST_AXES or any(not -rank <= axis < rank for axis in axes):
        return None
    places = {axis % rank for axis in axes}
    return (
        asked.first.placed(np.expand_dims(asked.first.array, tuple(places)))
        if len(places) == len(axes)
        else None
    )


def _squeeze(asked: _Asked) -> Lengths | None:
    array, axes = asked.first.array, asked.wholes("axes", 1)
    gone = [axis for axis, n in enumerate(array.shape) if n == 1] if axes is None else axes
    if any(not -array.ndim <= axis < array.ndim or array.shape[axis] != 1 for axis in gone):
        return None
    return asked.first.placed(np.squeeze(array, tuple({axis % array.ndim for axis in gone})))


def _reshape(asked: _Asked) -> Lengths | None:
    wanted = asked.wholes("shape", 1)
    return None if wanted is None or 0 in wanted else asked.first.reshaped(wanted)


def _transpose(asked: _Asked) -> Lengths | None:
    rank = asked.first.array.ndim
    order = asked.attributes.integers("perm") or list(reversed(range(rank)))
    return (
        asked.first.placed(asked.first.array.transpose(order)) if sorted(order) == list(range(rank)) else None
    )


def _cast(asked: _Asked) -> Lengths | None:
    code = asked.attributes.integer("to")
    return asked.first.as_real(is_real=code in _REAL_TYPES) if code in _REAL_TYPES | _WHOLE_TYPES else None


def _product(asked: _Asked) -> Lengths | None:
    axes, keeps = asked.wholes("axes", 1), asked.attributes.integer("keepdims", 1)
    if asked.first.array.ndim != 1 or axes not in (None, [0], [-1]):
        return None
    return asked.first.product().reshaped([1] if keeps else [])


def _filled(asked: _Asked) -> Lengths | None:
    """Read ConstantOfShape of whole numbers: zeros where it says no value."""
    lengths = asked.first.wholes
    attribute = asked.attributes.by_name.get("value")
    tensor = attribute.message(5) if attribute is not None else None
    if (
        lengths is None
        or len(lengths) > MOST_AXES
        or min(lengths, default=0) < 0
        or math.prod(lengths) > MOST
    ):
        return None
    raw = tensor.bytes(9) if tensor is not None and tensor.integer(2) == 7 else None
    if raw is None or len(raw) != 8:
        return None
    value = int.from_bytes(bytes(raw), "little", signed=True)
    return lengths_of([value] * math.prod(lengths)).reshaped(lengths)


_ROUNDS: Mapping[str, Callable[[float], int]] = {"Floor": math.floor, "Ceil": math.ceil}


def _rounded(asked: _Asked) -> Lengths | None:
    return asked.first.rounded(_ROUNDS[asked.operator])


_KINDS = {
    "Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide", "Max": "maximum", "Min": "minimum",
    "Mod": "remainder", "Equal": "equal",
}  # fmt: skip


def _arithmetic(asked: _Asked) -> Lengths | None:
    other = asked.second() if len(asked.given) == 2 else None
    return None if other is None else combined(_KINDS[asked.operator], asked.first, other)


def _where(asked: _Asked) -> Lengths | None:
    left, right = asked.given[1:] if len(asked.given) == 3 else (None, None)
    return None if left is None or right is None else chosen(asked.first, left, right)


_BY_OPERATOR: Mapping[str, Callable[[_Asked], Lengths | None]] = {
    "Gather": _gather,
    "Slice": _slice,
    "Concat": _concat,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Cast": _cast,
    "Identity": lambda asked: asked.first,
    "ReduceProd": _product,
    "ConstantOfShape": _filled,
    "Where": _where,
    **dict.fromkeys(_ROUNDS, _rounded),
    **dict.fromkeys(_KINDS, _arithmetic),
}
