"""The attributes of one object of the file, each checked before anyone computes with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from filtviz.parameter import Shape
from filtviz.reading.arrays import StoredArray
from filtviz.reading.limits import Budget
from filtviz.reading.pickle.records import Global, Record, attributes, class_name, elements, text
from filtviz.reading.pickle.theano_variables import value_of

__all__ = ["Attributes", "Function", "NotPlain"]

MOST_PARTS = 64
STEPS_OF_AN_ARRAY = 16
"""What reading one number of numpy's takes, counted in steps of the pickle machine."""

LARGEST = 1 << 31
"""No length, stride or count of a real network reaches this; a number beyond it is taken as not known."""


@dataclass(frozen=True)
class Function:
    """A function that the file names: its ``module`` and ``name``, and ``numbers`` that it is bound to."""

    module: str
    name: str
    numbers: Mapping[str, float]


class NotPlain:
    """The type of the mark for what is no number, word, flag, None or tuple of such."""


NOT_PLAIN = NotPlain()


class Attributes:
    """What the file says of one object, by attribute name; long values take of the ``effort``."""

    def __init__(self, record: Record, effort: Budget) -> None:
        self.type = class_name(record) or "Layer"
        self.effort = effort
        self._attributes = attributes(record)

    def has(self, *names: str) -> bool:
        """Tell whether the object has all these attributes."""
        return all(name in self._attributes for name in names)

    def raw(self, name: str) -> Any:
        """Return an attribute as the file has it, None where there is none."""
        return self._attributes.get(name)

    def word(self, name: str) -> str | None:
        """Return an attribute that is text."""
        return text(self.raw(name))

    def whole(self, name: str) -> int | None:
        """Return an attribute that is a whole number."""
        value = self.plain(self.raw(name))
        return value if type(value) is int else None

    def wholes(self, *names: str, axes: int | None = None) -> tuple[int, ...] | None:
        """Return the first attribute that is a tuple of whole numbers; one number stands for each axis."""
        for name in names:
            value = self.plain(self.raw(name))
            if type(value) is int and axes is not None:
                return (value,) * axes
            if type(value) is tuple and value and all(type(part) is int for part in value):
                return value
        return None

    def array(self, name: str) -> StoredArray | None:
        """Return an attribute that is an array or a variable with one."""
        return value_of(self.raw(name), self.effort.limits)

    def shape(self, name: str) -> Shape | None:
        """Return an attribute that is a shape."""
        return self.as_shape(self.raw(name))

    def as_shape(self, value: Any) -> Shape | None:
        """Return ``value`` as a shape: lengths, and None for what is open or symbolic."""
        lengths = elements(value)
        if lengths is None or not 0 < len(lengths) <= 32:
            return None
        known = [self.plain(length) for length in lengths]
        return tuple(length if type(length) is int and length >= 0 else None for length in known)

    def plain(self, value: Any) -> Any:
        """Return a value that is safe to compute with and to print, or `NOT_PLAIN`."""
        if value is None or type(value) is bool:
            return value
        if type(value) is int:
            return value if -LARGEST < value < LARGEST else NOT_PLAIN
        if type(value) is float:
            return value if math.isfinite(value) else NOT_PLAIN
        if type(value) is Record:
            return self._scalar(value)
        parts = elements(value)
        if parts is not None:
            return self._tuple(parts)
        word = text(value)
        return NOT_PLAIN if word is None else word

    def _tuple(self, parts: Sequence[Any]) -> Any:
        """Return a tuple of plain values and pairs of numbers (the padding of one axis), or `NOT_PLAIN`."""
        if len(parts) > MOST_PARTS:
            return NOT_PLAIN
        self.effort.spend(len(parts))
        known: list[Any] = []
        for part in parts:
            pair = elements(part)
            if pair is None:
                known.append(self.plain(part))
            elif len(pair) <= 2 and all(type(self.plain(number)) is int for number in pair):
                known.append(tuple(pair))
            else:
                return NOT_PLAIN
        return NOT_PLAIN if NOT_PLAIN in known else tuple(known)

    def _scalar(self, value: Record) -> Any:
        """Return a number of numpy's as Python's own."""
        array = value_of(value, self.effort.limits)
        if array is None or array.shape != ():
            return NOT_PLAIN
        self.effort.spend(STEPS_OF_AN_ARRAY)
        return self.plain(array.read().item())

    def function(self, name: str) -> Function | None:
        """Return an attribute that is a function, or an object with a class of its own and numbers."""
        return self.as_function(self.raw(name))

    def as_function(self, value: Any) -> Function | None:
        """Return a function of the file, or an object that is called like one; None where it is neither."""
        if type(value) is Global:
            return Function(value.module, value.name.rpartition(".")[2], {})
        if type(value) is not Record:
            return None
        if class_name(value) == "partial" and value.args:
            inner = self.as_function(value.args[0])
            return None if inner is None else Function(inner.module, inner.name, self._numbers(value))
        found = value.cls
        return None if found is None else Function(found.module, class_name(value), self._numbers(value))

    def _numbers(self, value: Record) -> dict[str, float]:
        known = {key: self.plain(each) for key, each in attributes(value).items()}
        return {key: float(each) for key, each in known.items() if type(each) in (int, float)}

    def slice(self, name: str) -> slice | None:
        """Return an attribute that is a slice of whole numbers."""
        value = self.raw(name)
        if type(value) is not Record or class_name(value) != "slice":
            return None
        parts = [self.plain(part) for part in value.args]
        return slice(*parts) if all(part is None or type(part) is int for part in parts) and parts else None
