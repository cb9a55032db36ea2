"""TensorFlow's graphs → layers: the nodes of a ``GraphDef``, those of its functions where they are called.

Their weights are constants (a frozen graph) or variables, which the caller knows. Units have the channels in
front here, whatever the graph's data format: what a layer does to an image is the same. What computes with
shapes, and what only prepares weights, is no layer but followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import numpy as np

from filtviz.errors import MalformedFileError
from filtviz.network import Layer
from filtviz.operations import (
    Convolution,
    Untold,
    Upscale,
)
from filtviz.parameter import Parameter, Shape
from filtviz.reading.arrays import AnyArray, ComputedArray, parameter_of, shape_of, stored
from filtviz.reading.formats.tensorflow.checkpoint import dtype_of
from filtviz.reading.formats.tensorflow.folding import Folded, folded, numbers_of
from filtviz.reading.formats.tensorflow.nodes import (
    BACKWARDS,
    BY_OPERATOR,
    Node,
    Operations,
    Spread,
    input_of,
    known_shape,
    shape_of_message,
)
from filtviz.reading.layering import add_layer, make_layer, shapes_of, with_biases
from filtviz.reading.opened import Opened
from filtviz.reading.protobuf import Message
from filtviz.reading.shape_arithmetic import Lengths, of_shape
from filtviz.shapes import sane_shape

__all__ = ["Call", "constant_of", "layers_of_call", "layers_of_graph"]

_PASSES = frozenset(
    {
        "Identity", "Enter", "Switch", "ReadVariableOp", "Cast", "StopGradient", "Snapshot", "EnsureShape",
        "PlaceholderWithDefault", "CheckNumerics",
    }
)  # fmt: skip
_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
_BRANCHES = frozenset({"If", "StatelessIf", "Case", "StatelessCase"})
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
            operation = input_of(shape, channels_first=self.channels_first)
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
        data = inputs[2:3] if operator in BACKWARDS else inputs
        given = tuple(self.giver[one] for one in data if one in self.giver)
        case = Node(
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
        row = BY_OPERATOR.get(operator)
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
        if operator == "ExpandDims" and first in self.giver and len(wholes) == 1:
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
        has = any(name in one for one in (self.constants, self.giver, self.lengths))
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

    def _of_a_line(self, case: Node) -> Node:
        """Give a convolution of a line the kernel that the file stores, before it got an axis more."""
        kernel = case.constants[1] if len(case.constants) > 1 else None
        known = self.folded.get(kernel.source) if kernel is not None else None
        if known is None or not known.is_line:
            return case
        return replace(case, constants=[case.constants[0], known.parts[0], *case.constants[2:]])

    @staticmethod
    def _is_line_behind(case: Node, operations: Operations) -> bool:
        """Tell whether what a node gives is still a line that TensorFlow holds as an image of one row."""
        first = operations[0]
        if isinstance(first, Untold) and not first.keeps_places:
            return False
        if isinstance(first, Convolution):
            return len(first.kernel_size) == 1
        return case.operator == "ExpandDims" or (case.is_line and case.operator != "Squeeze")

    def _layer(self, name: str, case: Node, operations: Operations, given: tuple[int, ...]) -> Layer:
        used = _used(operations)
        weights = next((one for one in used if one.name == "kernel"), None)
        return make_layer(
            operations,
            name=self._title(weights) or _shown(name),
            type=case.operator,
            inputs=given,
            parameters=self._stored(used or _held_by_untold(operations, case)),
            output_shape=sane_shape(shape) if (shape := known_shape(case)) is not None else None,
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


def _held_by_untold(operations: Operations, case: Node) -> tuple[Parameter, ...]:
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
    return shape_of_message(shapes[0], channels_first=channels_first) if shapes else None


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
    code, shape = tensor.integer(1), tensor.message(2)
    dtype, place = dtype_of(code), _FIELDS.get(code)
    lengths = shape_of([one.integer(1) for one in shape.messages(2)] if shape is not None else [])
    if dtype is None:
        return None
    if lengths is None:
        raise MalformedFileError("a constant of it has a shape that is none")
    content = tensor.bytes(4)
    if content is not None and len(content):
        return stored(lengths, dtype, False, len(content), lambda: content)
    if place is None:
        return None
    is_real = code in (1, 2)
    values: list[Any] = tensor.reals(place, is_double=code == 2) if is_real else tensor.integers(place)
    count = int(np.prod(lengths, dtype=object))
    opened.limits.check_growth(count * dtype.itemsize, len(values) * dtype.itemsize, "a constant in it")

    def read() -> Any:
        if code in (19, 14):
            held = np.array(values or [0], np.uint16).view(dtype)
        else:
            held = np.array(values or [0]).astype(dtype)
        if held.size < count:  # the last number stands for all that follow
            held = np.concatenate([held, np.full(count - held.size, held[-1], dtype)])
        return held[:count].reshape(lengths)

    return ComputedArray(shape=lengths, dtype=dtype, read=read)
