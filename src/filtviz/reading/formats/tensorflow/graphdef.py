"""TensorFlow's graphs → layers: the nodes of a ``GraphDef``, those of its functions where they are called.

Their weights are constants (a frozen graph) or variables, which the caller knows. Units have the channels in
front here, whatever the graph's data format: what a layer does to an image is the same. What computes with
shapes, and what only prepares weights, is no layer but followed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import numpy as np

from filtviz.activations import Activation, ActivationKind
from filtviz.errors import MalformedFileError
from filtviz.network import Layer
from filtviz.operations import (
    Concatenate,
    Convolution,
    Coordinates,
    Dense,
    Embedding,
    Flatten,
    GlobalPooling,
    Identity,
    Input,
    Merge,
    MergeKind,
    Normalisation,
    Operation,
    PadMode,
    Pads,
    Pooling,
    PoolingKind,
    Reshape,
    Resize,
    Softmax,
    Transpose,
    Untold,
    Upscale,
)
from filtviz.parameter import Parameter, Shape
from filtviz.reading.arithmetic import Arithmetic, negated, padded, with_constant
from filtviz.reading.arrays import AnyArray, ComputedArray, parameter_of, shape_of, stored
from filtviz.reading.formats.tensorflow.checkpoint import dtype_of
from filtviz.reading.formats.tensorflow.folding import Folded, folded, numbers_of
from filtviz.reading.layering import add_layer, make_layer, shapes_of, with_biases
from filtviz.reading.opened import Opened
from filtviz.reading.protobuf import Message
from filtviz.reading.shape_arithmetic import Lengths, of_shape
from filtviz.shapes import same_padding, sane_shape

__all__ = ["Call", "constant_of", "layers_of_call", "layers_of_graph"]

Operations = tuple[Operation, ...]

_PASSES = frozenset(
    {
        "Identity", "Enter", "Switch", "ReadVariableOp", "Cast", "StopGradient", "Snapshot", "EnsureShape",
        "PlaceholderWithDefault", "CheckNumerics",
    }
)  # fmt: skip
_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
_BRANCHES = frozenset({"If", "StatelessIf", "Case", "StatelessCase"})
_BACKWARDS = frozenset({"Conv2DBackpropInput", "Conv3DBackpropInputV2"})
_HOLDS_NOTHING = frozenset(
    {
        "NoOp",
        "Assert",
        "VarHandleOp",
        "VariableV2",
        "Variable",
        "HashTableV2",
        "MutableHashTableV2",
        "LoopCond",
    }
)
_INNER = "/:"
_DEEPEST_CALL = 16
"""Functions in one another."""

_FEW = 64


def layers_of_graph(
    graph: Message,
    opened: Opened,
    *,
    variables: Mapping[str, Parameter] | None = None,
    wanted: Sequence[str] | None = None,
) -> list[Layer]:
    """Return a layer for each node that does something to what the network is given.

    Args:
        graph: A ``GraphDef``.
        opened: The file.
        variables: The values of nodes that are variables, by their names.
        wanted: The nodes that give the result: only what leads to them counts. None for all.

    Raises:
        MalformedFileError: a constant says of itself what cannot be.
        LimitError: it has too many nodes.
    """
    nodes = {node.text(1): node for node in graph.messages(1)}
    reader = _reader(graph, opened, nodes.values())
    reader.constants.update(variables or {})
    order = _in_order(nodes, opened, wanted)
    opened.limits.check("layers", len(order), f"its graph has {len(order):,} nodes")
    for name in order:
        reader.node(name, nodes[name])
    return with_biases(reader.layers)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A function of a graph's library that is the network: its name, and its last arguments, if known."""

    function: str
    captured: Sequence[Parameter | None]


def layers_of_call(graph: Message, opened: Opened, call: Call) -> list[Layer] | None:
    """Return the layers of a function, whose other arguments are what the network is given.

    Args:
        graph: A ``GraphDef``.
        opened: The file.
        call: The function.

    Raises:
        MalformedFileError: a constant says of itself what cannot be, or the functions call each other.
        LimitError: it has too many nodes.
    """
    reader = _reader(graph, opened, ())
    function = reader.functions.get(call.function)
    if function is None:
        return None
    reader.root(function, call.captured)
    return with_biases(reader.layers)


def constant_of(graph: Message, name: str, opened: Opened) -> Parameter | None:
    """Return a constant of a graph by its name, None where it is none.

    Args:
        graph: A ``GraphDef``.
        name: The name of the node.
        opened: The file.
    """
    node = next((one for one in graph.messages(1) if one.text(1) == name and one.text(2) == "Const"), None)
    held = [one.message(2) for one in node.messages(5) if one.text(1) == "value"] if node is not None else []
    tensor = held[0].message(8) if held and held[0] is not None else None
    array = None if tensor is None else _array(tensor, opened)
    return None if array is None else parameter_of("", array, name)


def _reader(graph: Message, opened: Opened, nodes: Iterable[Message]) -> _Reader:
    library = graph.message(2)
    functions = {
        signature.text(1): one
        for one in (library.messages(1) if library is not None else [])
        if (signature := one.message(1)) is not None
    }
    inner = (node for one in functions.values() for node in one.messages(3))
    formats = {_data_format(node) for node in chain(nodes, inner) if "Conv" in node.text(2)}
    first = any(one.startswith("NC") for one in formats) and not any(one.endswith("C") for one in formats)
    return _Reader(opened=opened, functions=functions, channels_first=first)


def _data_format(node: Message) -> str:
    found = [value for one in node.messages(5) if one.text(1) == "data_format" and (value := one.message(2))]
    return found[0].text(2) if found else ""


def _in_order(nodes: Mapping[str, Message], opened: Opened, wanted: Sequence[str] | None = None) -> list[str]:
    """Return the names of nodes, each behind those that feed it; those in loops come as they stand."""
    order: dict[str, None] = {}
    for start in nodes if wanted is None else [one for one in wanted if one in nodes]:
        stack = [(start, iter(_inputs(nodes[start])))]
        entered = {start}
        while stack:
            opened.effort.spend(1)
            name, inputs = stack[-1]
            following = next(
                (one for one in inputs if one in nodes and one not in order and one not in entered), None
            )
            if following is not None:
                entered.add(following)
                stack.append((following, iter(_inputs(nodes[following]))))
            else:
                order.setdefault(name)
                stack.pop()
    return list(order)


def _inputs(node: Message) -> list[str]:
    """Return the names of the nodes that feed one; those that only order execution are left out."""
    return [text.partition(":")[0] for text in node.texts(3) if not text.startswith("^")]


def _references(node: Message, prefix: str) -> list[str]:
    """Return what feeds a node: names, with ``:1`` and so on where it is not the first output."""
    return [prefix + _reference(text) for text in node.texts(3) if not text.startswith("^")]


def _reference(text: str) -> str:
    """Return ``node:1`` for ``node:1`` and, as in functions, for ``node:output:1``."""
    name, *rest = text.split(":")
    place = rest[-1] if rest else ""
    return f"{name}:{place}" if place.isdecimal() and place != "0" else name


@dataclass(frozen=True, kw_only=True)
class Spread:
    """What TensorFlow does around a dilated convolution: ``gaps`` between taps, and ``before`` each axis."""

    gaps: tuple[int, ...]
    before: tuple[int, ...] | None


@dataclass(frozen=True, kw_only=True)
class _Postponed:
    """A ``node`` that may begin a repetition of ``source``, so many ``times`` along the new ``axis``."""

    node: tuple[str, str, Mapping[str, Message], Sequence[str]]
    source: str
    axis: int
    times: int = 0
    before: str = ""


def _tiles(multiples: Sequence[int], axis: int) -> bool:
    """Tell whether an image with an axis more is tiled along that one alone."""
    others = [times for place, times in enumerate(multiples) if place != axis]
    return len(others) == 4 and set(others) == {1} and multiples[axis] > 0


@dataclass(frozen=True, kw_only=True)
class _Node:
    """A node, its attributes and its inputs: a parameter for each constant, None for the others.

    ``lengths`` are the inputs that were computed of shapes; ``is_line`` tells that TensorFlow gave its input
    an axis more, to treat a line as an image of one row.
    """

    operator: str
    attributes: Mapping[str, Message]
    constants: Sequence[Parameter | None]
    shapes: Sequence[Shape | None]
    lengths: Sequence[Lengths | None] = ()
    channels_first: bool = False
    is_line: bool = False
    spread: Spread | None = None

    def numbers(self, name: str) -> list[int]:
        """Return whole numbers of an attribute."""
        found = self.attributes.get(name)
        inner = found.message(1) if found is not None else None
        return inner.integers(3) if inner is not None else []

    def text(self, name: str) -> str:
        """Return a text of an attribute."""
        found = self.attributes.get(name)
        return found.text(2) if found is not None else ""

    def planes(self, name: str, n: int = 2) -> tuple[int, ...]:
        """Return the numbers that are for the axes of an image, two of four as a rule."""
        found = self.numbers(name)
        first = 2 if self.text("data_format").startswith("NC") else 1
        held = tuple(found[first : first + n]) if len(found) == n + 2 else (1,) * n
        return held if min(held) > 0 else (1,) * n

    @property
    def first(self) -> Shape | None:
        """The shape of the first input that is no constant."""
        return self.shapes[0] if self.shapes else None

    def few(self, place: int) -> list[int] | None:
        """Return the numbers of a small constant."""
        held = self.constants[place] if place < len(self.constants) else None
        if held is None:
            computed = self.computed(place)
            return None if computed is None else computed.wholes
        if held.size > _FEW or held.dtype.kind not in "iu":
            return None
        return [int(one) for one in np.asarray(held.value).ravel()]

    def computed(self, place: int) -> Lengths | None:
        """Return an input that was computed of shapes, or is a small constant."""
        held = self.constants[place] if place < len(self.constants) else None
        if held is not None:
            return numbers_of(held)
        return self.lengths[place] if place < len(self.lengths) else None

    def flag(self, name: str) -> bool:
        """Return a truth value of an attribute."""
        return name in self.attributes and bool(self.attributes[name].integer(5))

    def axis(self, axis: int) -> int:
        """Return the place among our units' axes of an axis that the graph names."""
        rank = len(self.first) if self.first is not None else 4
        axis %= rank
        if self.channels_first or rank not in (4, 5):
            return axis
        return 0 if axis == 0 else 1 if axis == rank - 1 else axis + 1


@dataclass(kw_only=True, eq=False)
class _Reader:
    opened: Opened
    functions: Mapping[str, Message]
    channels_first: bool = False
    layers: list[Layer] = field(default_factory=list)
    constants: dict[str, Parameter] = field(default_factory=dict)
    lengths: dict[str, Lengths] = field(default_factory=dict)
    giver: dict[str, int] = field(default_factory=dict)
    folded: dict[str, Folded] = field(default_factory=dict)
    lines: set[int] = field(default_factory=set)
    spread: dict[str, Spread] = field(default_factory=dict)
    postponed: dict[str, _Postponed] = field(default_factory=dict)
    owned: set[int] = field(default_factory=set)

    def root(self, function: Message, captured: Sequence[Parameter | None]) -> None:
        """Put the nodes of the function that is the network; what is not captured it is given."""
        signature = function.message(1)
        formal = [one.text(1) for one in signature.messages(2)] if signature is not None else []
        attributes = {one.integer(1): one.message(2) for one in function.messages(7)}
        first = max(len(formal) - len(captured), 0)
        for place, name in enumerate(formal[:first]):
            shape = _shape_of_argument(attributes.get(place), channels_first=self.channels_first)
            operation = _input(shape, channels_first=self.channels_first)
            self.giver[name] = self._add(Layer(name=name, type="Placeholder", operations=(operation,)))
        for name, parameter in zip(formal[first:], captured, strict=False):
            if parameter is not None:
                self.constants[name] = parameter
        nodes = {node.text(1): node for node in function.messages(3)}
        for inner in _in_order(nodes, self.opened, _results(function)):
            self.node(inner, nodes[inner])

    def node(self, name: str, node: Message, prefix: str = "") -> None:
        """Add the layer of a node, or take note of a constant; ``prefix`` is that of names in a function."""
        if name in self.constants:
            return
        operator, n_given = node.text(2), len(node.fields.get(3, ()))
        self.opened.effort.spend_text(len(name) + len(prefix) * n_given)
        inputs = [self._known(one) for one in _references(node, prefix)]
        attributes = {one.text(1): value for one in node.messages(5) if (value := one.message(2)) is not None}
        if operator == "Const":
            tensor = attributes["value"].message(8) if "value" in attributes else None
            if tensor is not None and (array := _array(tensor, self.opened)) is not None:
                self.constants[name] = parameter_of("", array, name)
            return
        if operator in _HOLDS_NOTHING or self._is_passed_on(name, operator, inputs, attributes):
            return
        if self._is_spread(name, operator, inputs) or self._is_repeat(name, operator, attributes, inputs):
            return
        for one in inputs:
            self._add_postponed(one)
        if operator in _BRANCHES:
            self._branch(name, operator, attributes, inputs)
            return
        function = self._function(attributes, "f") if operator in _CALLS else None
        if function is not None:
            self._call(name, function, inputs)
            return
        self._add_node(name, operator, attributes, inputs)

    def _add_node(
        self, name: str, operator: str, attributes: Mapping[str, Message], inputs: Sequence[str]
    ) -> None:
        data = inputs[2:3] if operator in _BACKWARDS else inputs
        given = tuple(self.giver[one] for one in data if one in self.giver)
        case = _Node(
            operator=operator,
            attributes=attributes,
            constants=[self.constants.get(one) for one in inputs],
            shapes=shapes_of(self.layers, given),
            lengths=[self.lengths.get(one) for one in inputs],
            channels_first=self.channels_first,
            is_line=bool(given) and given[0] in self.lines,
            spread=self.spread.get(inputs[0]) if inputs else None,
        )
        case = self._of_a_line(case)
        row = _BY_OPERATOR.get(operator)
        found = row(case) if row is not None else None
        operations = found or (Untold(reason=f"filtviz does not follow the operator {operator}"),)
        place = self._add(self._layer(name, case, operations, given))
        if self._is_line_behind(case, operations):
            self.lines.add(place)
        self.giver[name] = place
        if case.spread is not None:
            self.spread[name] = case.spread

    def _is_spread(self, name: str, operator: str, inputs: Sequence[str]) -> bool:
        """Follow what puts gaps between the taps of a convolution; tell whether the node is that."""
        first = inputs[0] if inputs else ""
        if first not in self.giver:
            return False
        if operator == "BatchToSpaceND" and first in self.spread:
            self.giver[name] = self.giver[first]
            return True
        held = [self.constants.get(one) for one in inputs[1:3]] if operator == "SpaceToBatchND" else []
        gaps, pads = (numbers_of(one) if one is not None else None for one in (*held, None, None)[:2])
        found = gaps.wholes if gaps is not None else None
        if not found or min(found) < 1:
            return False
        said = pads.wholes if pads is not None else None
        before = said[::2] if said and len(said) == 2 * len(found) and min(said) >= 0 else None
        self.spread[name] = Spread(gaps=tuple(found), before=None if before is None else tuple(before))
        self.giver[name] = self.giver[first]
        return True

    def _is_repeat(
        self, name: str, operator: str, attributes: Mapping[str, Message], inputs: Sequence[str]
    ) -> bool:
        """Follow how numbers are repeated: with an axis more, tiled along that, and without it again."""
        first = inputs[0] if inputs else ""
        second = inputs[1] if len(inputs) > 1 else ""
        said = self.constants.get(second)
        numbers = numbers_of(said) if said is not None else self.lengths.get(second)
        wholes = list(numbers.wholes or ()) if numbers is not None else []
        if (
            operator == "ExpandDims"
            and first in self.giver
            and first not in self.postponed
            and len(wholes) == 1
        ):
            shape = self.layers[self.giver[first]].output_shape
            is_image = shape is None or len(shape) == 4
            if not is_image or self.channels_first or wholes[0] not in (2, 3):
                return False
            held = _Postponed(node=(name, operator, attributes, inputs), source=first, axis=wholes[0])
            self.postponed[name] = held
            return True
        held_before = self.postponed.get(first)
        if held_before is None:
            return False
        if operator == "Tile" and not held_before.times and _tiles(wholes, held_before.axis):
            node = (name, operator, attributes, inputs)
            times = wholes[held_before.axis]
            self.postponed[name] = replace(held_before, node=node, times=times, before=first)
            return True
        if operator != "Reshape" or not held_before.times:
            return False
        scale = (held_before.times, 1) if held_before.axis == 2 else (1, held_before.times)
        given = (self.giver[held_before.source],)
        layer = make_layer((Upscale(scale=scale),), name=_shown(name), type="Repeat", inputs=given)
        self.giver[name] = self._add(layer)
        return True

    def _add_postponed(self, name: str) -> None:
        """Add the nodes that were taken for the beginning of a repetition, since something else uses them."""
        held = self.postponed.pop(name, None)
        if held is not None:
            self._add_postponed(held.before)
            self._add_node(*held.node)

    def _known(self, name: str) -> str:
        """Return a name, that of the node's first output where only this is known."""
        has = any(name in one for one in (self.constants, self.giver, self.lengths, self.postponed))
        return name if has else name.partition(":")[0] if _INNER not in name else _without_place(name)

    def _is_passed_on(
        self, name: str, operator: str, inputs: Sequence[str], attributes: Mapping[str, Message]
    ) -> bool:
        """Follow what prepares constants or computes with shapes; tell whether the node is of that kind."""
        if operator in _PASSES and inputs:
            for held in (self.constants, self.giver) if operator != "Cast" else (self.constants,):
                if inputs[0] in held:
                    held[name] = held[inputs[0]]  # type: ignore[assignment]
                    return True
        if operator == "IdentityN" and inputs:
            for place, one in enumerate(inputs):
                self._take_over(one, f"{name}:{place}" if place else name)
            return name in self.constants or name in self.giver or name in self.lengths
        if operator == "Shape" and inputs and (shape := self._shape_in_graph(inputs[0])) is not None:
            self.lengths[name] = shape
            return True
        found = folded(
            operator,
            attributes,
            [self.constants.get(one) for one in inputs],
            [self.lengths.get(one) for one in inputs],
            self.folded,
            self.opened.computing,
        )
        if isinstance(found, Parameter):
            self.constants[name] = found
        elif isinstance(found, Lengths):
            self.opened.effort.spend(1 + found.array.size // 8)
            self.lengths[name] = found
        elif found is not None:
            n = len(self.folded) + 1
            self.opened.limits.check("layers", n, f"its graph computes {n:,} constants or more")
            self.constants[name] = replace(found.parameter, source=name)
            self.folded[name] = found
        return found is not None

    def _shape_in_graph(self, name: str) -> Lengths | None:
        """Return the lengths of a layer's or a constant's axes in the graph's own order."""
        if name in self.constants:
            return of_shape(self.constants[name].shape, None)
        place = self.giver.get(name)
        shape = self.layers[place].output_shape if place is not None and place not in self.lines else None
        if place is None or shape is None:
            return None
        found = of_shape(shape, place)
        if self.channels_first or len(shape) not in (4, 5):
            return found
        order = [0, *range(2, len(shape)), 1]
        return found.taken(np.array(order, np.int64), 0)

    def _function(self, attributes: Mapping[str, Message], name: str) -> Message | None:
        called = attributes[name].message(10) if name in attributes else None
        return None if called is None else self.functions.get(called.text(1))

    def _call(self, name: str, function: Message, inputs: Sequence[str]) -> None:
        """Put the nodes of a function where it is called, with names of their own."""
        if name.count(_INNER) >= _DEEPEST_CALL:
            raise MalformedFileError(f"its functions call each other more than {_DEEPEST_CALL} deep")
        signature, prefix = function.message(1), f"{name}{_INNER}"
        formal = [one.text(1) for one in signature.messages(2)] if signature is not None else []
        self.opened.effort.spend_text(len(prefix) * min(len(formal), len(inputs)))
        for argument, actual in zip(formal, inputs, strict=False):
            self._take_over(actual, prefix + argument)
        nodes = {node.text(1): node for node in function.messages(3)}
        for inner in _in_order(nodes, self.opened):
            self.node(prefix + inner, nodes[inner], prefix)
        results = {
            pair.text(1): self._known(prefix + _reference(pair.text(2))) for pair in function.messages(4)
        }
        told = [one.text(1) for one in signature.messages(3)] if signature is not None else []
        outputs = told or list(results)
        for place, output in enumerate(outputs):
            if output in results:
                self._take_over(results[output], f"{name}:{place}" if place else name)

    def _take_over(self, actual: str, name: str) -> None:
        """Let a name stand for what another one stands for."""
        if actual in self.constants:
            self.constants.setdefault(name, self.constants[actual])
            if actual in self.folded:
                self.folded.setdefault(name, self.folded[actual])
        elif actual in self.giver:
            self.giver.setdefault(name, self.giver[actual])
        elif actual in self.lengths:
            self.lengths.setdefault(name, self.lengths[actual])

    def _branch(
        self, name: str, operator: str, attributes: Mapping[str, Message], inputs: Sequence[str]
    ) -> None:
        """Put the nodes of both branches; which of them runs is not known."""
        ends: list[int] = []
        for key in ("then_branch", "else_branch"):
            function, branch = self._function(attributes, key), f"{name}{_INNER}{key}"
            if function is not None:
                self._call(branch, function, inputs[1:])
                ends += [self.giver[branch]] if branch in self.giver else []
        reason = "which of its branches runs depends on the input"
        layer = Layer(
            name=_shown(name), type=operator, inputs=tuple(ends), operations=(Untold(reason=reason),)
        )
        self.giver[name] = self._add(layer)

    def _of_a_line(self, case: _Node) -> _Node:
        """Give a convolution of a line the kernel that the file stores, before it got an axis more."""
        kernel = case.constants[1] if len(case.constants) > 1 else None
        known = self.folded.get(kernel.source) if kernel is not None else None
        if known is None or not known.is_line:
            return case
        return replace(case, constants=[case.constants[0], known.parts[0], *case.constants[2:]])

    @staticmethod
    def _is_line_behind(case: _Node, operations: Operations) -> bool:
        """Tell whether what a node gives is still a line that TensorFlow holds as an image of one row."""
        first = operations[0]
        if isinstance(first, Untold) and not first.keeps_places:
            return False
        if isinstance(first, Convolution):
            return len(first.kernel_size) == 1
        return case.operator == "ExpandDims" or (case.is_line and case.operator not in ("Squeeze", "Reshape"))

    def _layer(self, name: str, case: _Node, operations: Operations, given: tuple[int, ...]) -> Layer:
        used = _used(operations)
        weights = next((one for one in used if one.name == "kernel"), None)
        return make_layer(
            operations,
            name=self._title(weights) or _shown(name),
            type=case.operator,
            inputs=given,
            parameters=self._stored(used or _held_by_untold(operations, case)),
            output_shape=sane_shape(shape) if (shape := _known_shape(case)) is not None else None,
        )

    def _title(self, weights: Parameter | None) -> str:
        """Return a layer's name after its weights, or after what these are computed of."""
        if weights is None:
            return ""
        known = self.folded.get(weights.source)
        source = known.parts[0].source if known is not None and known.parts else weights.source
        return _title(source)

    def _stored(self, used: Sequence[Parameter]) -> tuple[Parameter, ...]:
        """Return the parameters of a layer that the file stores: the parts of those that are computed."""
        stored_ones: list[Parameter] = []
        for one in used:
            if one.source not in self.folded:
                stored_ones.append(one)
                continue
            parts = [part for part in self.folded[one.source].parts if id(part) not in self.owned]
            self.owned.update(id(part) for part in parts)
            stored_ones += [part if part.name else replace(part, name="constant") for part in parts]
        return tuple(stored_ones)

    def _add(self, layer: Layer) -> int:
        return add_layer(self.layers, layer, self.opened.effort, "its graph has {:,} nodes or more")


def _without_place(name: str) -> str:
    outer, _, inner = name.rpartition(_INNER)
    return f"{outer}{_INNER}{inner.partition(':')[0]}"


def _results(function: Message) -> list[str] | None:
    """Return the nodes that give a function's results, None where it names none."""
    return [pair.text(2).partition(":")[0] for pair in function.messages(4)] or None


def _held_by_untold(operations: Operations, case: _Node) -> tuple[Parameter, ...]:
    """Return the arrays that a node works with which is not followed: they are listed all the same."""
    if not isinstance(operations[0], Untold):
        return ()
    return tuple(one for one in case.constants if one is not None and one.size > 1 and one.dtype.kind == "f")


_CALLED = re.compile(r"(^|/)(Stateful)?PartitionedCall(_\d+)?$")


def _shown(name: str) -> str:
    """Return a node's name without those of the calls in which it lies."""
    pieces = [_CALLED.sub("", piece) for piece in name.split(_INNER)[:-1]]
    return "/".join([*filter(None, pieces), name.rpartition(_INNER)[2]])


def _shape_of_argument(facts: Message | None, *, channels_first: bool) -> Shape | None:
    """Return the shape that a function's argument has, as its attributes say."""
    held = {one.text(1): one.message(2) for one in facts.messages(1)} if facts is not None else {}
    said = held.get("_output_shapes")
    shapes = listed.messages(7) if said is not None and (listed := said.message(1)) is not None else []
    return _shape_of(shapes[0], channels_first=channels_first) if shapes else None


_READ = re.compile(r"(/ReadVariableOp(_\d+)?)?(/read|/resource)?\Z")


def _title(weights: str) -> str:
    """Return a layer's name out of that of its weights: ``conv1/kernel/read`` → ``conv1``."""
    weights = _READ.sub("", weights)
    head, _, last = weights.rpartition("/")
    if head and last in ("pointwise_kernel", "pointwise_weights"):
        return f"{head}/pointwise"
    return (
        head if head and last in ("kernel", "weights", "depthwise_weights", "depthwise_kernel") else weights
    )


def _used(operations: Operations) -> tuple[Parameter, ...]:
    roles = ("weights", "bias", "gamma", "beta", "mean", "spread", "slopes")
    found = (getattr(one, role, None) for one in operations for role in roles)
    return tuple(one for one in found if isinstance(one, Parameter))


_FIELDS = {1: 5, 2: 6, 3: 7, 9: 10, 19: 13, 14: 13, 4: 7, 5: 7, 6: 7, 17: 7}
"""Type → the field in which a ``TensorProto`` has its numbers one by one."""


def _array(tensor: Message, opened: Opened) -> AnyArray | None:
    """Return the value of a constant; None for one of no numbers."""
    dtype, shape = dtype_of(tensor.integer(1)), tensor.message(2)
    lengths = shape_of([one.integer(1) for one in shape.messages(2)] if shape is not None else [])
    if dtype is None:
        return None
    if lengths is None:
        raise MalformedFileError("a constant of it has a shape that is none")
    content = tensor.bytes(4)
    if content is not None and len(content):
        return stored(lengths, dtype, False, len(content), lambda: content)
    place = _FIELDS.get(tensor.integer(1))
    if place is None:
        return None
    floats = tensor.integer(1) == 1
    values: list[Any] = (
        tensor.reals(place) if floats else [] if tensor.integer(1) == 2 else tensor.integers(place)
    )
    count = int(np.prod(lengths, dtype=object))
    opened.limits.check_growth(count * dtype.itemsize, len(values) * dtype.itemsize, "a constant in it")

    def read() -> Any:
        if tensor.integer(1) in (19, 14):
            held = np.array(values or [0], np.uint16).view(dtype)
        else:
            held = np.array(values or [0]).astype(dtype)
        if held.size < count:  # the last number stands for all that follow
            held = np.concatenate([held, np.full(count - held.size, held[-1], dtype)])
        return held[:count].reshape(lengths)

    return ComputedArray(shape=lengths, dtype=dtype, read=read)


# What nodes do


def _named(parameter: Parameter | None, name: str) -> Parameter | None:
    return None if parameter is None else replace(parameter, name=name)


def _pads(node: _Node, spread: Sequence[int], stride: Sequence[int]) -> Pads | None:
    how = node.text("padding")
    if node.spread is not None:
        return _pads_of_spread(node.spread, spread)
    if how == "VALID":
        return ((0, 0),) * len(spread)
    if how == "EXPLICIT":
        said = node.numbers("explicit_paddings")
        first = 4 if node.text("data_format") == "NCHW" else 2
        return (
            ((said[first], said[first + 1]), (said[first + 2], said[first + 3])) if len(said) == 8 else None
        )
    lengths = (
        node.first[2:]
        if node.first is not None and len(node.first) == len(spread) + 2
        else (None,) * len(spread)
    )
    sides = [same_padding(*facts) for facts in zip(lengths, spread, stride, strict=True)]
    found = [side for side in sides if side is not None]
    return tuple(found) if len(found) == len(spread) else None


def _pads_of_spread(found: Spread, spread: Sequence[int]) -> Pads | None:
    """Return the padding of a convolution with gaps: none, or what gives the same size again."""
    if found.before is None or len(found.before) < len(spread):
        return None
    facts = zip(found.before[-len(spread) :], spread, strict=True)
    return tuple((before, max(taps - 1 - before, 0) if before else 0) for before, taps in facts)


_AXES = {1: "cio", 2: "rcio", 3: "drcio"}


def _convolution(node: _Node) -> Operations | None:
    backwards = node.operator in _BACKWARDS
    depthwise = node.operator.startswith("DepthwiseConv2d")
    weights = _named(node.constants[1] if len(node.constants) > 1 else None, "kernel")
    n = len(weights.shape) - 2 if weights is not None else 0
    if weights is None or n not in _AXES:
        return (Untold(reason="its weights are no constant of the graph"),)
    planes = max(n, 2)
    stride, dilation = node.planes("strides", planes)[-n:], node.planes("dilations", planes)[-n:]
    if node.spread is not None and len(node.spread.gaps) >= n:
        dilation = node.spread.gaps[-n:]
    size = weights.shape[:n]
    spread = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    pad = None if backwards else _pads(node, spread, stride)
    if backwards:
        same = node.text("padding") == "SAME"
        spare = [max(k - s, 0) if same else 0 for k, s in zip(size, stride, strict=True)]
        pad = tuple((one // 2, one - one // 2) for one in spare)
    channels = node.first[1] if node.first is not None and len(node.first) == n + 2 else None
    groups = 1 if backwards else weights.shape[n] if depthwise else None
    if groups is None and channels is not None and weights.shape[n]:
        groups = channels // weights.shape[n] or None
    axes = _AXES[n]
    return (
        Convolution(
            weights=weights,
            axes=axes.replace("io", "oi" if backwards else "go" if depthwise else "io"),
            flip_filters=False,
            stride=stride,
            pad=pad,
            dilation=dilation if any(one != 1 for one in dilation) else (),
            groups=groups,
            transposed=backwards,
            output_size=_asked_size(node, n) if backwards else None,
        ),
    )


def _asked_size(node: _Node, n: int) -> tuple[int, ...] | None:
    """Return the size that a transposed convolution is told to give, None where it is open."""
    held = node.computed(0)
    if held is None or len(held.numbers) != n + 2:
        return None
    numbers = held.numbers[2:] if node.text("data_format").startswith("NC") else held.numbers[1:-1]
    found = [one.whole for one in numbers]
    known = [one for one in found if one is not None and one > 0]
    return tuple(known) if len(known) == n else None


def _bias(node: _Node) -> Operations | None:
    beta = _named(next((one for one in node.constants if one is not None), None), "bias")
    return None if beta is None or len(beta.shape) != 1 else (Normalisation(beta=beta, is_batch=False),)


_MERGES: Mapping[str, MergeKind] = {
    "Add": "add", "AddV2": "add", "AddN": "add", "Sub": "subtract", "Mul": "multiply", "RealDiv": "divide",
    "Div": "divide", "Maximum": "maximum", "Minimum": "minimum",
}  # fmt: skip
_KINDS: Mapping[str, Arithmetic] = {
    "Add": "add", "AddV2": "add", "Sub": "subtract", "Mul": "multiply", "RealDiv": "divide", "Div": "divide",
    "Maximum": "maximum", "Minimum": "minimum", "Pow": "power",
}  # fmt: skip


def _arithmetic(node: _Node) -> Operations | None:
    if any(one is not None for one in node.lengths):
        return (Untold(reason="it combines its input with the size of something", keeps_places=True),)
    held = [(place, one) for place, one in enumerate(node.constants) if one is not None]
    if len(held) + len(node.shapes) < len(node.constants):
        return (Untold(reason="it combines its input with something that is not followed"),)
    if not held:
        merge = _MERGES.get(node.operator)
        return None if merge is None else (Merge(kind=merge),)
    place, constant = held[0]
    kind, n = _KINDS.get(node.operator), len(constant.shape)
    rank = n if node.first is None else len(node.first)
    if kind is not None and len(node.constants) == 2 and constant.dtype.kind == "f" and n <= rank:
        along = [node.axis(axis) for axis in range(rank - n, rank)]
        below = node.first
        if below is None and n == 1:  # of what an image's channels are multiplied with
            along, below = [1], (None, None, None, None)
        vector = replace(constant, name="beta" if kind in ("add", "subtract") else "gamma")
        found = with_constant(kind, vector, along, below, is_first=place == 0, name=node.operator)
        if found is not None:
            return found
    return (Untold(reason="it combines its input with a constant", keeps_places=True),)


def _normalisation(node: _Node) -> Operations | None:
    names = ("gamma", "beta", "mean", "variance")
    held = [_named(one, name) for one, name in zip(node.constants[1:5], names, strict=False)]
    if len(held) < 4 or held[3] is None:
        return (Untold(reason="its statistics are no constants of the graph", keeps_places=True),)
    gamma, beta, mean, spread = held
    epsilon = node.attributes["epsilon"].real(4) if "epsilon" in node.attributes else 1e-4
    return (
        Normalisation(
            mean=mean, spread=spread, spread_is="variance", epsilon=epsilon, gamma=gamma, beta=beta
        ),
    )


def _pooling(node: _Node) -> Operations | None:
    kind: PoolingKind = "max" if node.operator.startswith("Max") else "mean"
    n = 3 if node.operator.endswith("3D") else 2
    size, stride = node.planes("ksize", n), node.planes("strides", n)
    pad = _pads(node, size, stride)
    if pad is None:
        return (Untold(reason="how its windows are padded depends on a size that the graph leaves open"),)
    return (Pooling(kind=kind, size=size, stride=stride, pad=pad),)


def _mean(node: _Node) -> Operations | None:
    axes, rank = node.few(1), len(node.first) if node.first is not None else 4
    if axes is None or rank < 3:
        return None
    line = rank == 3  # (batch, length, channels) as it is in the graph
    if line and [axis % rank for axis in axes] != [1]:
        return None
    if not line and sorted(node.axis(axis) for axis in axes) != list(range(2, rank)):
        return None
    keeps = node.flag("keep_dims")
    pooled = GlobalPooling(kind="max" if node.operator == "Max" else "mean")
    if line:
        turned = Transpose(order=(0, 2, 1))
        return (turned, pooled, Reshape(lengths=((0,), 1, (1,)))) if keeps else (turned, pooled)
    return (pooled, Reshape(lengths=((0,), (1,), *(1,) * (rank - 2)))) if keeps else (pooled,)


def _dense(node: _Node) -> Operations | None:
    weights = _named(node.constants[1] if len(node.constants) > 1 else None, "kernel")
    if weights is None or len(weights.shape) != 2:
        return None
    turned = "transpose_b" in node.attributes and bool(node.attributes["transpose_b"].integer(5))
    return (Dense(weights=weights, axes="oi" if turned else "io", units=weights.shape[0 if turned else 1]),)


def _concat(node: _Node) -> Operations | None:
    place = 0 if node.operator == "Concat" else len(node.constants) - 1
    axis = node.few(place)
    joins = [one for other, one in enumerate(node.constants) if other != place and one is not None]
    if not axis or joins:
        return None
    return (Concatenate(axis=node.axis(axis[0])),)


def _gather(node: _Node) -> Operations | None:
    table = node.constants[0] if node.constants else None
    if table is None or len(table.shape) != 2 or table.dtype.kind != "f":
        return None
    return (Embedding(weights=_named(table, "embeddings")),)


def _pad(node: _Node) -> Operations | None:
    pads, rank = node.few(1), len(node.first) if node.first is not None else 4
    held = node.constants[2] if node.operator == "PadV2" and len(node.constants) > 2 else None
    if (
        pads is None
        or len(pads) != 2 * rank
        or (node.operator == "PadV2" and (held is None or held.size != 1))
    ):
        return None
    if node.operator == "MirrorPad" and node.text("mode") != "REFLECT":
        return None
    pairs: dict[int, tuple[int, int]] = {
        node.axis(axis): (pads[2 * axis], pads[2 * axis + 1]) for axis in range(rank)
    }
    value = 0.0 if held is None else float(np.asarray(held.value).reshape(()))
    mode: PadMode = "reflect" if node.operator == "MirrorPad" else "constant"
    return padded([pairs[axis] for axis in range(rank)], value, mode)


def _reshape(node: _Node) -> Operations | None:
    held, below = node.computed(1), node.first
    if held is None or below is None or node.is_line:
        return None
    turns_in = len(below) in (4, 5) and not node.channels_first
    order = (0, *range(2, len(below)), 1)
    inner = tuple(below[axis] for axis in order) if turns_in else below
    wanted = held.as_reshape(inner, None)
    if wanted is None:
        return None
    turned = (Transpose(order=order),) if turns_in else ()
    if len(wanted) == 2 and _flattens(wanted, below):
        return (*turned, Flatten())
    behind = _turned_out(len(wanted)) if not node.channels_first else ()
    return (*turned, Reshape(lengths=wanted), *behind)


def _flattens(wanted: Sequence[int | tuple[int, ...]], below: Shape) -> bool:
    """Tell whether two lengths that are asked for are the batch and all the rest of it."""
    length, rest = wanted
    is_batch = length in ((0,), -1) or length == below[0]
    known = [one for one in below[1:] if one is not None]
    return is_batch and (rest == -1 or len(known) < len(below) - 1 or rest == math.prod(known))


def _turned_out(rank: int) -> Operations:
    """Return what puts the channels in front of an image that the graph has made."""
    return (Transpose(order=(0, rank - 1, *range(1, rank - 1))),) if rank in (4, 5) else ()


def _expand(node: _Node) -> Operations | None:
    """Read the axis more that makes an image of one row of a line: ``(batch, length, channels)``."""
    axis = node.few(1)
    if node.first is None or len(node.first) != 3 or not axis or axis[0] not in (1, -3, 2, -2):
        return None
    return (Transpose(order=(0, 2, 1)),)


def _squeeze(node: _Node) -> Operations | None:
    if node.is_line:
        return (Transpose(order=(0, 2, 1)),)
    gone = node.numbers("squeeze_dims")
    if node.first is None or not gone:
        return None
    rank = len(node.first)
    places = {node.axis(axis) for axis in gone}
    if rank == 4 and not node.channels_first and len(places) == 2 and places == {2, 3}:
        return (Reshape(lengths=((0,), (1,))),)
    return None


def _scaled(node: _Node) -> Operations | None:
    """Read what resizes an image: it repeats numbers, or interpolates between two."""
    sizes, below = _known_shape(node), node.first
    if sizes is not None and node.operator == "ResizeBilinear":
        known = tuple(one for one in sizes[2:] if one is not None and one > 0)
        ends, middles = node.flag("align_corners"), node.flag("half_pixel_centers")
        how: Coordinates = "align_corners" if ends else "half_pixel" if middles else "asymmetric"
        if len(known) == 2:
            return (Resize(size=known, coordinates=how),)
    repeats = node.operator == "ResizeNearestNeighbor" and not node.flag("align_corners")
    if sizes is None or below is None or not repeats:
        return (Untold(reason="it resizes its input in another way than by repeating numbers"),)
    pairs = list(zip(sizes[2:], below[2:], strict=True))
    scale = [wanted // had for wanted, had in pairs if wanted and had and wanted % had == 0]
    if len(scale) < len(pairs):
        return (Untold(reason="it resizes its input by a number that is not whole"),)
    return (Upscale(scale=tuple(scale)),)


_GATHERS = ("ResourceGather", "GatherV2", "Gather")


def _known_shape(node: _Node) -> Shape | None:
    """Return the shape that a node is told to give, whether or not it is known how; None for most."""
    table = node.constants[0] if node.operator in _GATHERS and node.constants else None
    if table is not None and len(table.shape) == 2 and node.first is not None and len(node.first) < 3:
        return (*node.first, table.shape[1])
    held = node.computed(1) if node.operator.startswith("Resize") else None
    if held is None or node.first is None or len(held.numbers) != 2 or len(node.first) != 4:
        return None
    return (*node.first[:2], *(one.whole for one in held.numbers))


def _placeholder(node: _Node) -> Operations | None:
    shape = node.attributes["shape"].message(7) if "shape" in node.attributes else None
    found = None if shape is None else _shape_of(shape, channels_first=node.channels_first)
    return (_input(found, channels_first=node.channels_first),)


def _input(shape: Shape | None, *, channels_first: bool) -> Input:
    turned = not channels_first and shape is not None and len(shape) in (4, 5)
    return Input(shape=shape, channels_last=turned)


def _shape_of(shape: Message, *, channels_first: bool) -> Shape | None:
    """Return a ``TensorShapeProto`` with the channels in front."""
    if shape.integer(3):
        return None
    sizes = [one.integer(1, -1) for one in shape.messages(2)]
    lengths: Shape = tuple(n if n > 0 else None for n in sizes)
    turns = len(lengths) in (4, 5) and not channels_first
    return (lengths[0], lengths[-1], *lengths[1:-1]) if turns else lengths


_PLAIN: Mapping[str, ActivationKind] = {
    "Relu": "rectify", "Elu": "elu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Softplus": "softplus",
    "Softsign": "softsign", "Exp": "exp", "Abs": "absolute", "Log": "log", "Erf": "erf", "Sin": "sin",
    "Cos": "cos",
}  # fmt: skip


_POWERS = {"Sqrt": 0.5, "Rsqrt": -0.5, "Square": 2.0, "Reciprocal": -1.0, "Inv": -1.0}


def _activation(node: _Node) -> Operations | None:
    if node.operator in _POWERS:
        return (Activation(kind="power", name=node.operator, alpha=_POWERS[node.operator]),)
    if node.operator == "Relu6":
        return (Activation(kind="clipped_rectify", name="Relu6", alpha=6.0),)
    if node.operator == "LeakyRelu":
        alpha = node.attributes["alpha"].real(4) if "alpha" in node.attributes else 0.2
        return (Activation(kind="leaky_rectify", name="LeakyRelu", alpha=alpha),)
    if node.operator == "Selu":
        return (Activation.with_numbers("selu", "Selu", {"alpha": 1.6732632, "scale": 1.050701}),)
    return (Activation(kind=_PLAIN[node.operator], name=node.operator),)


def _softmax(node: _Node) -> Operations | None:
    del node
    return (Softmax(),)


def _identity(node: _Node) -> Operations | None:
    return (Identity(what=node.operator),)


def _keeps_places(node: _Node) -> Operations | None:
    return (Untold(reason=f"filtviz does not follow the operator {node.operator}", keeps_places=True),)


_BY_OPERATOR: Mapping[str, Callable[[_Node], Operations | None]] = {
    **dict.fromkeys(
        ("Conv2D", "Conv3D", "DepthwiseConv2dNative", "_FusedConv2D", *sorted(_BACKWARDS)), _convolution
    ),
    "BiasAdd": _bias,
    **dict.fromkeys((*_MERGES, *_KINDS), _arithmetic),
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), _normalisation),
    **dict.fromkeys(("MaxPool", "AvgPool", "MaxPool3D", "AvgPool3D"), _pooling),
    **dict.fromkeys(("Mean", "Max"), _mean),
    "MatMul": _dense,
    **dict.fromkeys(_GATHERS, _gather),
    **dict.fromkeys(("Concat", "ConcatV2"), _concat),
    **dict.fromkeys(("Pad", "PadV2", "MirrorPad"), _pad),
    "Reshape": _reshape,
    "ExpandDims": _expand,
    "Squeeze": _squeeze,
    **dict.fromkeys(("ResizeNearestNeighbor", "ResizeBilinear", "ResizeBicubic"), _scaled),
    "Placeholder": _placeholder,
    **dict.fromkeys((*_PLAIN, *_POWERS, "Relu6", "LeakyRelu", "Selu"), _activation),
    "Neg": lambda _: negated(),
    "Softmax": _softmax,
    **dict.fromkeys(("Identity", "Cast", "PreventGradient"), _identity),
    **dict.fromkeys(("LRN", "L2Normalize"), _keeps_places),
}
"""Operator → what reads a node of it; one that gives None, or is not here, is `Untold`."""
