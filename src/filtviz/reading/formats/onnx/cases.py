"""A node of an ONNX graph as a row of operators sees it: its attributes, constants, the shapes below."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from filtviz.operations import Operation
from filtviz.parameter import Parameter, Shape
from filtviz.reading.arrays import MOST_AXES
from filtviz.reading.protobuf import Message
from filtviz.reading.quantised import Scale
from filtviz.reading.shape_arithmetic import Lengths

__all__ = [
    "DEEPEST",
    "FEW",
    "Case",
    "Constant",
    "Made",
    "NodeAttributes",
    "Operations",
    "other_shape",
    "scale_of",
]

Operations = tuple[Operation, ...]
"""What a node does, one operation after another."""

FEW = 64
"""Elements up to which a constant's numbers are read to know what an operator does."""

DEEPEST = 64
"""Nodes between an array that is computed and those that the file stores."""

_MOST_SCALES = 1 << 16
"""Numbers of a scale; filters are fewer."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """How the graph computes an array: of which ``parts`` of the file, and by which ``operators``.

    ``depth`` is the number of nodes in between, ``work`` that of operations, roughly. ``cost`` is what these
    take, of which some are slow, and ``peak`` the bytes that are filled meanwhile.
    """

    parts: tuple[Parameter, ...] = ()
    operators: tuple[str, ...] = ()
    depth: int = 0
    work: int = 0
    cost: int = 0
    peak: int = 0

    @classmethod
    def stored(cls, parameter: Parameter) -> Made:
        """Return what there is to say of an array that the file stores.

        Args:
            parameter: The array; single numbers are no parts.
        """
        return cls(parts=(parameter,) if parameter.size > 1 and parameter.source else ())


@dataclass(frozen=True, kw_only=True)
class Constant:
    """An array that an operator is given: ``parameter``, turned by ``order`` if a Transpose lies between.

    ``scale`` is what its whole numbers stand for, where the file says it; ``cast`` the type in which it is
    used, where that is another; ``made`` how it is computed, where the file does not store it. One that
    ``is_costly`` would take more work than the file may ask for.
    """

    parameter: Parameter
    order: tuple[int, ...] | None = None
    scale: Scale | None = None
    cast: np.dtype[Any] | None = None
    made: Made | None = None
    is_costly: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape where it is used."""
        shape = self.parameter.shape
        return shape if self.order is None else tuple(shape[axis] for axis in self.order)

    def numbers(self) -> list[float] | None:
        """Return its elements, None where they are many."""
        if self.parameter.size > FEW or self.order is not None or self.is_costly:
            return None
        return [float(one) for one in self.real.value.ravel().tolist()]

    @property
    def real(self) -> Parameter:
        """The numbers that are meant, where those that are stored only stand for them."""
        return self.parameter if self.scale is None else self.scale.real(self.parameter)

    def integers(self) -> list[int] | None:
        """Return its elements as whole numbers, None where they are many or no numbers."""
        found = self.numbers()
        return (
            None
            if found is None or any(one != one or abs(one) == float("inf") for one in found)
            else [int(one) for one in found]
        )


@dataclass(frozen=True)
class NodeAttributes:
    """The attributes of a node, by name."""

    by_name: Mapping[str, Message]

    def integer(self, name: str, default: int = 0) -> int:
        """Return a whole number."""
        return self.by_name[name].integer(3, default) if name in self.by_name else default

    def integers(self, name: str) -> list[int] | None:
        """Return whole numbers, None where there are none."""
        return self.by_name[name].integers(8) if name in self.by_name else None

    def real(self, name: str, default: float) -> float:
        """Return a number."""
        return self.by_name[name].real(2, default) if name in self.by_name else default

    def reals(self, name: str) -> list[float] | None:
        """Return numbers, None where there are none."""
        return self.by_name[name].reals(7) if name in self.by_name else None

    def text(self, name: str, default: str = "") -> str:
        """Return a text."""
        return self.by_name[name].text(4) if name in self.by_name else default


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a row works on: a node's operator, attributes and inputs, and what is known of their shapes.

    ``given`` has a `Constant` for each constant input and None for the others and for those left out;
    ``shapes`` are those of the inputs that are no constants; ``output`` is the number of the output.
    ``lengths`` has the numbers that were computed of shapes for each input that is such, ``layer`` is the
    place of the first layer that feeds the node, ``n_outputs`` how many outputs it has.
    """

    operator: str
    attributes: NodeAttributes
    given: Sequence[Constant | None]
    shapes: Sequence[Shape | None]
    opset: int
    output: int = 0
    lengths: Sequence[Lengths | None] = ()
    layer: int | None = None
    n_outputs: int = 1

    @property
    def first(self) -> Shape | None:
        """The shape of the first input, as far as it is known."""
        return self.shapes[0] if self.shapes else None

    def constant(self, place: int) -> Constant | None:
        """Return a constant input."""
        return self.given[place] if place < len(self.given) else None

    def computed(self, place: int) -> Lengths | None:
        """Return an input that was computed of shapes."""
        return self.lengths[place] if place < len(self.lengths) else None

    def reals(self, place: int) -> list[float] | None:
        """Return the numbers of an input that is a small constant or was computed of shapes."""
        if (constant := self.constant(place)) is not None:
            return constant.numbers()
        held = self.computed(place)
        return None if held is None else held.reals

    def parameter(self, place: int) -> Parameter | None:
        """Return a constant input that is not turned."""
        found = self.constant(place)
        return None if found is None or found.order is not None else found.real

    def axis(self, default: int) -> int:
        """Return the attribute ``axis``, counted from the front where the number of axes is known."""
        axis = self.attributes.integer("axis", default)
        return axis % len(self.first) if axis < 0 and self.first else axis

    def integers(self, name: str, place: int) -> list[int] | None:
        """Return whole numbers that older versions have as an attribute, newer ones as an input."""
        found = self.attributes.integers(name)
        return self.wholes(place) if found is None else found

    def wholes(self, place: int) -> list[int] | None:
        """Return the whole numbers of an input that is a small constant or was computed of shapes."""
        if (constant := self.constant(place)) is not None:
            return constant.integers()
        held = self.computed(place)
        return None if held is None else held.wholes


def other_shape(
    operator: str, below: Sequence[int], said: Sequence[int], *, empties: bool = False
) -> tuple[int, ...] | None:
    """Return the shape that a Reshape, a Squeeze or an Unsqueeze gives an array; None where it does not fit.

    Args:
        operator: Which of them.
        below: The array's shape.
        said: The lengths or axes that the node is given; a Squeeze without them takes out each length of 1.
        empties: Whether a length of zero is one, and not that of the axis at its place.
    """
    rank = len(below) + (len(said) if operator == "Unsqueeze" else 0)
    if max(rank, len(said)) > MOST_AXES:
        return None
    if operator == "Reshape":
        kept = () if empties else below
        wanted = [kept[axis] if n == 0 and axis < len(kept) else n for axis, n in enumerate(said)]
        rest = math.prod(n for n in wanted if n != -1)
        if wanted.count(-1) == 1 and rest:
            wanted[wanted.index(-1)] = math.prod(below) // rest
    elif any(not -rank <= axis < rank for axis in said):
        return None
    elif operator == "Squeeze":
        gone = {axis % rank for axis in said} or {axis for axis, n in enumerate(below) if n == 1}
        wanted = [n for axis, n in enumerate(below) if axis not in gone]
    else:
        new, left = {axis % rank for axis in said}, iter(below)
        wanted = [1 if axis in new else next(left, 0) for axis in range(rank)]
        if len(new) != len(said):
            return None
    fits = min(wanted, default=0) >= 0 and math.prod(wanted) == math.prod(below)
    return tuple(wanted) if fits else None


def scale_of(numbers: Constant | None, zeros: Constant | None, axis: int = 1) -> Scale | None:
    """Return what a scale and a zero point say; None where they are no constants, or many.

    Args:
        numbers: The scale.
        zeros: What stands for zero; None for 0.
        axis: That along which both go, where they are more than one number.
    """
    if numbers is None or numbers.parameter.size > _MOST_SCALES or len(numbers.shape) > 1:
        return None
    if zeros is not None and zeros.parameter.size != numbers.parameter.size:
        return None
    found = np.ravel(numbers.parameter.value).astype(np.float64)
    nothing = np.zeros(1) if zeros is None else np.ravel(zeros.parameter.value).astype(np.float64)
    return Scale(numbers=found, zeros=nothing, axis=axis)
