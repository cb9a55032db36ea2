"""The attributes of one object of the file, each checked before anyone computes with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from filtviz.parameter import Shape
from filtviz.reading.arrays import StoredArray, value_of
from filtviz.reading.limits import Spending
from filtviz.reading.pickle.records import (
    Global,
    Items,
    Record,
    attributes,
    class_name,
    elements,
    pairs,
    text,
)

__all__ = ["NOT_PLAIN", "Attributes", "Function", "NotPlain"]

MOST_PARTS = 64
STEPS_OF_AN_ARRAY = 16
"""What reading one number of numpy's takes, counted in steps of the pickle machine."""

LARGEST = 1 << 31
"""No length, stride or count of a real network reaches this; a number beyond it is taken as not known."""


_PARTIAL = frozenset({"functools.partial", "_functools.partial"})
MOST_BINDINGS = 8
"""How often a function may be wrapped in `functools.partial`."""


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function that the file names, or an object that is called like one: it is never looked up.

    ``parameters`` are the numbers that it computes with: the keywords that are bound to it, or the attributes
    of the object (``leakiness``). ``scalar_op`` is what an operator of Theano's does with each number
    (``Tanh``). ``told`` is False where more is bound to it than these tell, so that nobody knows its values.
    """

    module: str
    name: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    scalar_op: str | None = None
    told: bool = True


class NotPlain:
    """The type of the mark for what is no number, word, flag, None or tuple of such."""


NOT_PLAIN = NotPlain()


class Attributes:
    """What the file says of one object, by attribute name; long values take of the ``effort``."""

    def __init__(self, record: Record, effort: Spending) -> None:
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
        self.effort.spend(len(lengths))
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

    def number(self, value: Any) -> float | None:
        """Return a value of the file that is a number, whole or not."""
        known = self.plain(value)
        return known if type(known) in (int, float) else None

    def as_slice(self, name: str) -> slice | None:
        """Return an attribute that is a `slice` of whole numbers."""
        value = self.raw(name)
        if class_name(value) != "slice" or len(value.args) != 3:
            return None
        parts = [self.plain(part) for part in value.args]
        known = all(part is None or type(part) is int for part in parts) and parts[2] != 0
        return slice(*parts) if known else None

    def function(self, name: str) -> Function | None:
        """Return an attribute that is a function, or an object that is called like one.

        None is what is neither, and the `None` that stands for the identity: `has` and `raw` tell the two.
        """
        value, bound, told = self._unbound(self.raw(name))
        if type(value) is Global:
            return Function(module=value.module, name=value.name, parameters=bound, told=told)
        if type(value) is not Record or value.cls is None:
            return None
        held = attributes(value)
        made_of = held.get("scalar_op")
        if type(made_of) is Record and made_of.cls is not None:
            own = made_of.cls.module.startswith("theano.")
            scalar_op, parameters, told = made_of.cls.name, bound, told and own
        else:
            self.effort.spend(len(held))
            numbers = {key: self.number(part) for key, part in held.items()}
            parameters = {key: number for key, number in numbers.items() if number is not None}
            more = any(_may_matter(part) for key, part in held.items() if key not in parameters)
            scalar_op, told = None, told and not bound and not more
        return Function(
            module=value.cls.module,
            name=value.cls.name,
            parameters=parameters,
            scalar_op=scalar_op,
            told=told,
        )

    def _unbound(self, value: Any) -> tuple[Any, dict[str, float], bool]:
        """Return what `functools.partial` calls in the end, the numbers bound, and whether that is all."""
        bound: dict[str, float] = {}
        told = True
        for _ in range(MOST_BINDINGS):
            if type(value) is not Record or value.cls is None or value.cls.path not in _PARTIAL:
                return value, bound, told
            # what is called, with what arguments, with what keywords
            state = elements(value.state) or (*value.args[:1], value.args[1:], value.keywords or Items([]))
            if len(state) < 3:
                break
            value, args, keywords = state[0], elements(state[1]), pairs(state[2], self.effort)
            named = {text(key): self.number(given) for key, given in keywords or []}
            told = told and not args and keywords is not None and None not in (*named, *named.values())
            bound = {key: number for key, number in named.items() if key and number is not None} | bound
        return None, {}, False


def _may_matter(value: Any) -> bool:
    """Tell an attribute of a callable object that is neither a number nor text about it."""
    return value is not None and type(value) is not bool and text(value) is None
