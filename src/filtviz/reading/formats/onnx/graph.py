"""ONNX's graph → layers: each node is one, in the file's order, which is one of execution.

What only prepares weights (constants, casts, scales of quantised numbers) is no layer but followed back to
the array that the file stores. Both branches of an If are there, and functions of the model stand where they
are used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import MalformedFileError, UnsupportedFileError
from filtviz.network import Layer
from filtviz.operations import Input, Operation, Untold, parameters_of
from filtviz.parameter import Parameter, Shape
from filtviz.reading.arrays import AnyArray, ComputedArray, count, parameter_of, shape_of
from filtviz.reading.formats.onnx.cases import (
    DEEPEST,
    FEW,
    Case,
    Constant,
    Made,
    NodeAttributes,
    other_shape,
    scale_of,
)
from filtviz.reading.formats.onnx.constant_folding import folded
from filtviz.reading.formats.onnx.initialisers import array_of, dtype_of, name_of, sparse_array_of
from filtviz.reading.formats.onnx.operators import operations_of
from filtviz.reading.formats.onnx.shape_nodes import computed
from filtviz.reading.formats.onnx.sizes import known_shape
from filtviz.reading.layering import add_layer, make_layer, shapes_of
from filtviz.reading.opened import Opened
from filtviz.reading.protobuf import Message
from filtviz.reading.quantised import Meant, meant_in
from filtviz.reading.shape_arithmetic import MOST, Lengths, of_parameter, of_shape
from filtviz.shapes import sane_shape
from filtviz.text import printable

__all__ = ["GraphReader"]

_NODE, _INITIALISER, _INPUT, _OUTPUT, _BETWEEN, _SPARSE = 1, 5, 11, 12, 13, 15
_DEEPEST_CALL = 16
"""Functions and branches in one another."""

_PASSES_CONSTANTS = frozenset(
    {"Identity", "Cast", "CastLike", "DequantizeLinear", "QuantizeLinear", "Dropout"}
)
_RESHAPES = frozenset({"Reshape", "Unsqueeze", "Squeeze"})
_REFERS_TO, _DEFAULT = 21, 11
"""Fields: of an attribute, the function's attribute that it stands for; of a function, its defaults."""

_BLOCKED = "com.microsoft.nchwc"
_FOLLOWED = ("", "ai.onnx", "com.microsoft")
"""The domains whose operators do what their names say: ONNX's own, and ONNX Runtime's beside them."""

Value = Constant | int | Lengths
"""What a name stands for: an array of the file, the place of the layer that gives it, or some numbers."""


_COSTLY = "what its weights are computed of takes more work than a model of its size may ask for"

_ARRAYS = 4
"""Arrays that count as a layer, for those with weights have a few."""


@dataclass(kw_only=True, eq=False)
class GraphReader:
    """Makes the layers of a graph.

    Attributes:
        opened: The file.
        functions: ``(domain, name)`` → a function of the model.
        opset: The version of ONNX's own operators.
        layers: The layers so far.
        quantised: The names of arrays whose numbers are scaled before they are used.
        meant: Those of which the numbers are shown that they stand for.
        computed: What layers are called whose weights the graph computes → the operators that do.
        running: Those whose weights are no constants → the operator that gives them.
        costly: Those whose weights would take too long to compute.
        unfollowed: Layers that are not followed, given arrays that may be kernels → their operators.
        afforded: Arrays that the graph computes, by their identity, and whether they may take what they take.
        said: The shapes that the file says values have, by their names.
        given: The attributes with which the function was called in which it reads, by their names.
    """

    opened: Opened
    functions: Mapping[tuple[str, str], Message]
    opset: int
    layers: list[Layer] = field(default_factory=list)
    quantised: list[str] = field(default_factory=list)
    meant: list[str] = field(default_factory=list)
    computed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    running: dict[str, str] = field(default_factory=dict)
    costly: list[str] = field(default_factory=list)
    unfollowed: dict[str, str] = field(default_factory=dict)
    afforded: dict[int, tuple[Parameter, bool]] = field(default_factory=dict)
    said: dict[str, Shape] = field(default_factory=dict)
    given: Mapping[str, Message] = field(default_factory=dict)
    n_held: int = 0

    def read(
        self, graph: Message, outer: Mapping[str, Value] | None = None, depth: int = 0
    ) -> dict[str, Value]:
        """Add the layers of a graph; return what its names stand for."""
        self.opened.effort.spend(len(outer or ()) >> 3)  # a branch knows all names around it
        values: dict[str, Value] = dict(outer or {})
        initialisers = graph.messages(_INITIALISER)
        self.n_held += len(initialisers)
        held = f"its graph holds {self.n_held:,} arrays, as {self.n_held // _ARRAYS:,} layers have"
        self.opened.limits.check("layers", self.n_held // _ARRAYS, held)
        for tensor in initialisers:
            name = name_of(tensor)
            values[name] = self._constant(name, array_of(tensor, self.opened))
        for sparse in graph.messages(_SPARSE):
            name, array = sparse_array_of(sparse, self.opened)
            values[name] = self._constant(name, array)
        for given in graph.messages(_INPUT):
            if (name := given.text(1)) not in values:
                values[name] = self._add(
                    Layer(name=name, type="Input", operations=(Input(shape=_shape(given)),))
                )
        for between in [*graph.messages(_BETWEEN), *graph.messages(_OUTPUT)]:
            with suppress(MalformedFileError):  # the graph stands without it
                if (shape := _shape(between)) is not None:
                    self.said[between.text(1)] = shape
        self._nodes(graph.messages(_NODE), values, depth)
        return values

    def _nodes(self, nodes: Sequence[Message], values: dict[str, Value], depth: int) -> None:
        if depth > _DEEPEST_CALL:
            raise MalformedFileError(f"its functions and branches lie more than {_DEEPEST_CALL} deep")
        for node in nodes:
            self.opened.effort.spend(1)
            operator, domain = node.text(4), node.text(7)
            function = self.functions.get((domain, operator))
            if function is not None:
                self._call(function, node, values, depth)
            elif domain not in _FOLLOWED or not self._fold(operator, node, values):
                self._node(operator, domain, node, values, depth)

    def _call(self, function: Message, node: Message, values: dict[str, Value], depth: int) -> None:
        """Put a function's nodes where it is used, with names of their own."""
        pairs = zip(function.texts(4), node.texts(1), strict=False)
        inner = {formal: values[actual] for formal, actual in pairs if actual in values}
        outer, defaults = self.given, function.messages(_DEFAULT)
        self.opened.effort.spend(len(defaults))
        self.given = {**{one.text(1): one for one in defaults}, **self._attributes(node).by_name}
        self._nodes(function.messages(7), inner, depth + 1)
        self.given = outer
        for formal, actual in zip(function.texts(5), node.texts(2), strict=False):
            if formal in inner:
                values[actual] = inner[formal]

    def _attributes(self, node: Message) -> NodeAttributes:
        """Return a node's attributes; one that refers to an attribute of the function is that of the call."""
        found: dict[str, Message] = {}
        for one in node.messages(5):
            referred = one.text(_REFERS_TO)
            value = self.given.get(referred) if referred else one
            if value is not None:
                found[one.text(1)] = value
        return NodeAttributes(found)

    def _fold(self, operator: str, node: Message, values: dict[str, Value]) -> bool:
        """Follow what only prepares a constant; tell whether the node was of that kind."""
        outputs, inputs = node.texts(2), node.texts(1)
        name = outputs[0] if outputs else ""
        found: Constant | Lengths | None = None
        held = values.get(inputs[0]) if inputs else None
        if operator == "Constant":
            found = self._literal(node, name)
        elif isinstance(held, Constant) and operator in _PASSES_CONSTANTS:
            found = held
            if operator == "DequantizeLinear":
                self.quantised.append(held.parameter.source)
                found = self._dequantised(held, node, values)
            elif operator in ("Cast", "CastLike"):
                found = replace(held, cast=self._cast_to(node, values) or held.cast)
        elif isinstance(held, Constant) and operator == "Transpose" and not _is_few_wholes(held):
            found = _turned(held, self._attributes(node).integers("perm"))
        elif isinstance(held, Constant) and operator in _RESHAPES and not _is_few_wholes(held):
            numbers = self._said_numbers(node, values)
            may_empty = operator == "Reshape" and 0 in (numbers or ())
            empties = may_empty and bool(self._attributes(node).integer("allowzero"))
            found = _reshaped(held, operator, numbers, empties=empties)
        else:
            found = self._numbers(operator, node, [values.get(name) for name in inputs])
        if found is None and isinstance(held, Constant) and operator == "ConstantOfShape":
            found = self._filled(held, node, name)
        if found is None and inputs and outputs and node.text(7) in ("", "ai.onnx"):
            return self._compute(operator, node, values)
        if found is None or not outputs:
            return False
        values[name] = found
        return True

    def _cast_to(self, node: Message, values: dict[str, Value]) -> np.dtype[Any] | None:
        """Return the type in which a Cast gives its numbers, None where numpy has none."""
        like = values.get((node.texts(1)[1:2] or [""])[0])
        if isinstance(like, Constant):
            return like.cast or like.parameter.dtype
        return dtype_of(self._attributes(node).integer("to"))

    def _compute(self, operator: str, node: Message, values: dict[str, Value]) -> bool:
        """Fold a node that computes with constants alone; tell whether it was one."""
        held = [values.get(name) if name else None for name in node.texts(1)]
        given = [_as_constant(one) for one in held]
        lost = any(name and one is None for name, one in zip(node.texts(1), given, strict=True))
        if lost:
            return False
        self.opened.effort.spend(len(given))
        attributes, outputs = self._attributes(node), node.texts(2)
        found: dict[str, Value] = {}
        for place, output in enumerate(outputs):
            case = Case(
                operator=operator,
                attributes=attributes,
                given=given,
                shapes=(),
                opset=self.opset,
                output=place,
                n_outputs=len(outputs),
            )
            made = folded(case) if not place or operator == "Split" else None
            if made is None:
                return False
            costly = made.parameter.size <= FEW and not self._affords(made)  # few numbers are looked at
            found[output] = replace(made, is_costly=costly)
        values.update(found)
        return True

    def _dequantised(self, held: Constant, node: Message, values: dict[str, Value]) -> Constant:
        """Return a constant with the scale of its whole numbers, where it is told and fits."""
        beside = [values.get(name) for name in node.texts(1)[1:3]]
        given = [one if isinstance(one, Constant) else None for one in (*beside, None, None)]
        axis, n = self._attributes(node).integer("axis", 1), len(held.shape)
        axis = axis % n if n else 0
        is_other = any(one is not None and not isinstance(one, Constant) for one in beside)
        if held.scale is not None or held.parameter.dtype.kind not in "iu" or is_other:
            return held  # real numbers that only pass through a quantisation among others
        if not all(one is None or self._affords(one) for one in given):
            return held
        self.opened.effort.spend(sum(one.parameter.size >> 4 for one in given[:1] if one is not None))
        scale = scale_of(given[0], given[1], held.order[axis] if held.order else axis)
        return held if scale is None or not scale.fits(held.parameter.shape) else replace(held, scale=scale)

    def _affords(self, held: Constant) -> bool:
        """Tell whether an array may take what it takes to compute it, once for all that use it."""
        made, key, computing = held.made, id(held.parameter), self.opened.computing
        if made is None or not made.cost:
            return True
        if key not in self.afforded:
            is_left = made.peak <= computing.room and computing.affords(made.cost)
            self.afforded[key] = held.parameter, is_left
        return self.afforded[key][1]

    def _numbers(self, operator: str, node: Message, given: Sequence[Value | None]) -> Lengths | None:
        """Follow what computes with shapes."""
        if operator == "Shape" and given:
            return self._lengths_of(given[0], self._attributes(node))
        if not any(isinstance(one, Lengths) for one in given) and not all(map(_is_few_wholes, given)):
            return None
        numbers = [_as_numbers(one) for one in given]
        if any(one is not None and number is None for one, number in zip(given, numbers, strict=True)):
            return None
        self.opened.effort.spend(1 + sum(one.array.size for one in numbers if one is not None) // 8)
        return computed(operator, self._attributes(node), numbers)

    def _lengths_of(self, held: Value | None, attributes: NodeAttributes) -> Lengths | None:
        """Return what Shape gives of a layer or an array."""
        layer = held if isinstance(held, int) else None
        shape: Shape | None = held.shape if isinstance(held, Constant) else None
        if isinstance(held, Lengths):
            shape = held.array.shape
        if layer is not None:
            shape = self.layers[layer].output_shape
        ends = (attributes.integer(name) if name in attributes.by_name else None for name in ("start", "end"))
        return None if shape is None else of_shape(shape, layer, *ends)

    def _literal(self, node: Message, name: str) -> Constant | None:
        """Read a node Constant: a tensor, or numbers."""
        for kind, attribute in self._attributes(node).by_name.items():
            tensor = attribute.message(5)
            if kind == "value" and tensor is not None:
                return self._constant(name, array_of(tensor, self.opened))
            if kind == "sparse_value" and (sparse := attribute.message(22)) is not None:
                return self._constant(name, sparse_array_of(sparse, self.opened)[1])
            numbers: Any = {
                "value_float": lambda one: np.float32(one.real(2)),
                "value_floats": lambda one: np.array(one.reals(7), np.float32),
                "value_int": lambda one: np.int64(one.integer(3)),
                "value_ints": lambda one: np.array(one.integers(8), np.int64),
            }.get(kind)
            if numbers is not None:
                return self._constant(name, _held(np.asarray(numbers(attribute))))
        return None

    def _said_numbers(self, node: Message, values: Mapping[str, Value]) -> list[int] | None:
        """Return the lengths or axes that a node is given, as an attribute or as its second input.

        A Squeeze that is given none takes out all axes of length 1, which no numbers stand for.
        """
        attributes, inputs = self._attributes(node), node.texts(1)
        said = attributes.integers("shape") or attributes.integers("axes")
        if said is not None:
            return said
        if not any(inputs[1:2]):
            return [] if node.text(4) == "Squeeze" else None
        second = values.get(inputs[1])
        if isinstance(second, Constant):
            return second.integers()
        return second.wholes if isinstance(second, Lengths) else None

    def _filled(self, shape: Constant, node: Message, name: str) -> Constant | None:
        """Read ConstantOfShape: an array of one value."""
        lengths = shape_of(shape.integers())
        attribute = self._attributes(node).by_name.get("value")
        tensor = attribute.message(5) if attribute is not None else None
        held = _held(np.zeros(1, np.float32)) if tensor is None else array_of(tensor, self.opened)
        if lengths is None or count(held.shape) != 1:
            return None
        value = np.asarray(held.read())
        n_bytes = count(lengths) * value.dtype.itemsize
        limits = self.opened.limits
        limits.check("allocation", n_bytes, f"a constant has {n_bytes:,} bytes")

        def read() -> NDArray[Any]:
            limits.check_growth(n_bytes, value.nbytes, "a constant in it")
            return np.full(lengths, value.ravel()[0], value.dtype)

        array = ComputedArray(shape=lengths, dtype=value.dtype, read=read)
        return replace(self._constant(name, array), made=Made())

    def _constant(self, name: str, array: AnyArray) -> Constant:
        return Constant(parameter=parameter_of("", array, name))

    def _node(self, operator: str, domain: str, node: Message, values: dict[str, Value], depth: int) -> None:
        if domain == _BLOCKED:
            raise UnsupportedFileError(
                "it was optimised by ONNX Runtime at its highest level, which reorders kernels into blocks "
                "for one processor; name the model before that, or save it with the level 'extended'"
            )
        names = node.texts(1)
        given = [values.get(name) for name in names]
        branches = self._branches(node, values, depth)
        inputs = tuple(one for one in given if isinstance(one, int))
        constants = [one if isinstance(one, Constant) else None for one in given]
        for place, output in enumerate(node.texts(2)):
            if not output:
                continue
            case = Case(
                operator=operator if domain in _FOLLOWED else f"{operator} of {printable(domain, 40)}",
                attributes=self._attributes(node),
                given=constants,
                shapes=shapes_of(self.layers, inputs),
                opset=self.opset,
                output=place,
                lengths=[one if isinstance(one, Lengths) else None for one in given],
                layer=inputs[0] if inputs else None,
            )
            operations = operations_of(case)
            if not all(one is None or self._affords(one) for one in constants):
                operations = (Untold(reason=_COSTLY),)
            if branches:
                operations = (Untold(reason="which of its branches runs depends on the input"),)
            made = {id(one.parameter): one.made for one in constants if one is not None and one.made}
            layer = _layer(operator, node, output, operations, (*inputs, *branches), made)
            self._note(layer, given)
            values[output] = self._add_as_said(layer, known_shape(case), output)
            if operator not in ("Split", "Unique", "TopK"):
                for other in node.texts(2)[place + 1 :]:
                    values[other] = values[output]
                break

    def _note(self, layer: Layer, given: Sequence[Value | None]) -> None:
        """Take note of kernels that the graph computes, or that are no constants."""
        self.meant += [one.source for one in meant_in(layer.operations)]
        place = _KERNELS.get(layer.type)
        held = given[place] if place is not None and place < len(given) else None
        name = layer.name or layer.type
        axes = {len(one.parameter.shape) for one in given if isinstance(one, Constant) and one.parameter.size}
        if axes & {4, 5} and all(isinstance(one, Untold) for one in layer.operations) and place is None:
            self.unfollowed[name] = layer.type
        if isinstance(held, Constant) and held.made is not None and held.made.operators:
            if self._affords(held):
                self.computed[name] = held.made.operators
            else:
                self.costly.append(name)
        elif isinstance(held, int):
            gives = self.layers[held]
            self.running[name] = gives.type
            self.unfollowed.pop(gives.name or gives.type, None)  # its kernels are those of this layer

    def _branches(self, node: Message, values: dict[str, Value], depth: int) -> tuple[int, ...]:
        """Add the layers of the graphs that a node holds; return those that give their results."""
        ends: list[int] = []
        for attribute in node.messages(5):
            for inner in [*attribute.messages(6), *attribute.messages(11)]:
                found = self.read(inner, values, depth + 1)
                results = [found.get(output.text(1)) for output in inner.messages(12)]
                ends += [one for one in results if isinstance(one, int)]
        return tuple(ends)

    def _add_as_said(self, layer: Layer, known: Shape | None, output: str) -> int:
        """Add a layer; where its operations leave its shape open, what the file says of it counts."""
        place = self._add(layer)
        found = self.layers[place].output_shape
        for said in (known, self.said.get(output)):
            found = _agreed(found, said)
        if found != self.layers[place].output_shape:
            self.layers[place] = replace(self.layers[place], output_shape=found)
        return place

    def _add(self, layer: Layer) -> int:
        return add_layer(self.layers, layer, self.opened.effort, "its graph has {:,} nodes or more")


def _agreed(found: Shape | None, said: Shape | None) -> Shape | None:
    """Return a shape whose open lengths are as said; what contradicts what is known is left."""
    if found is None or said is None:
        return found if said is None else sane_shape(said)
    known = zip(found, said, strict=False)
    if len(found) != len(said) or any(None not in pair and pair[0] != pair[1] for pair in known):
        return found
    return sane_shape(
        tuple(one if one is not None else other for one, other in zip(found, said, strict=True))
    )


def _is_few_wholes(value: Value | None) -> bool:
    """Tell whether these may be lengths or axes: what has one byte each is a kernel that is scaled."""
    return (
        isinstance(value, Constant)
        and value.order is None
        and value.scale is None
        and not value.is_costly
        and (value.cast or value.parameter.dtype).kind in "iub"
        and value.parameter.dtype not in (np.int8, np.uint8)
        and value.parameter.size <= MOST
    )


def _as_numbers(value: Value | None) -> Lengths | None:
    if isinstance(value, Lengths):
        return value
    if not isinstance(value, Constant) or value.order is not None or value.is_costly:
        return None
    if value.scale is not None:
        return None
    found = of_parameter(value.parameter)
    if found is None or value.cast is None:
        return found
    return found.as_real(is_real=value.cast.kind not in "iub")


def _as_constant(value: Value | None) -> Constant | None:
    """Return a constant, or what was computed of shapes and is known, as one."""
    if isinstance(value, Lengths):
        is_real = value.is_real or value.wholes is None
        numbers = value.reals if is_real else value.wholes
        if numbers is None:
            return None
        array = np.array(numbers, np.float32 if is_real else np.int64).reshape(value.array.shape)
        return Constant(parameter=parameter_of("", _held(array), ""))
    return value if isinstance(value, Constant) else None


def _held(array: NDArray[Any]) -> ComputedArray:
    return ComputedArray(shape=array.shape, dtype=array.dtype, read=lambda: array)


def _turned(held: Constant, order: Sequence[int] | None) -> Constant | None:
    """Return a constant behind a Transpose."""
    n = len(held.shape)
    turned = tuple(order) if order else tuple(reversed(range(n)))
    if sorted(turned) != list(range(n)):
        return None
    before = held.order or tuple(range(n))
    return replace(held, order=tuple(before[axis] for axis in turned))


def _reshaped(
    held: Constant, operator: str, numbers: Sequence[int] | None, *, empties: bool
) -> Constant | None:
    """Return a constant behind what gives it another shape; None where that is not told, or does not fit."""
    along = held.scale is not None and held.scale.numbers.size > 1
    made = held.made or Made.stored(held.parameter)
    is_deep = made.depth >= DEEPEST
    if along or is_deep or held.order is not None or numbers is None:
        return None
    shape, one = other_shape(operator, held.shape, numbers, empties=empties), held.parameter
    if shape is None:
        return None
    reshaped = replace(one, shape=shape, read=lambda: one.read().reshape(shape))
    return replace(held, parameter=reshaped, made=replace(made, depth=made.depth + 1))


def _shape(value: Message) -> Shape | None:
    """Return the shape of a ValueInfoProto, None for lengths that are open."""
    kind = value.message(2)
    tensor = kind.message(1) if kind is not None else None
    shape = tensor.message(2) if tensor is not None else None
    if shape is None:
        return None
    lengths = [one.integer(1, -1) for one in shape.messages(1)]
    return tuple(n if n > 0 else None for n in lengths)


_ROLES = {
    "weights": "W", "bias": "B", "gamma": "scale", "beta": "B", "mean": "mean", "spread": "var",
    "slopes": "slope",
}  # fmt: skip


_KERNELS = {"Conv": 1, "ConvTranspose": 1, "FusedConv": 1, "ConvInteger": 1, "QLinearConv": 3}
"""Operators that have kernels → which of their inputs these are."""


def _layer(
    operator: str,
    node: Message,
    output: str,
    operations: tuple[Operation, ...],
    inputs: tuple[int, ...],
    made: Mapping[int, Made],
) -> Layer:
    """Make a layer of a node, named after its weights where these have a name of their own.

    Of weights that are computed the parts are its parameters: they are what the file stores.
    """
    parameters: dict[int, Parameter] = {}
    named: list[Operation] = []
    for operation in operations:
        changed: dict[str, Any] = {}
        for role, value in _references(operation):
            one = replace(value, name=_ROLES[role])
            changed[role] = parameters.setdefault(id(value), one)
        named.append(replace(operation, **changed) if changed else operation)
    first = next((one for one in parameters.values() if one.name == "W"), None)
    return make_layer(
        tuple(named),
        name=_name(first.source if first is not None else "", node.text(3), output),
        type=operator,
        inputs=inputs,
        parameters=tuple(_stored(parameters, made)),
    )


def _stored(parameters: Mapping[int, Parameter], made: Mapping[int, Made]) -> Iterator[Parameter]:
    """Yield what the file stores of a layer's parameters, which are told by what they were made of."""
    seen: set[int] = set()
    for key, one in parameters.items():
        if isinstance(one, Meant) and one.name == _ROLES["weights"]:
            yield replace(one.stored, name=one.name)
            continue
        parts = made[key].parts if key in made and made[key].operators else ()
        if not parts:
            yield one
        for part in parts:
            if id(part) not in seen:
                seen.add(id(part))
                yield replace(part, name=printable(part.source, 60) or one.name)


def _references(operation: Operation) -> Iterator[tuple[str, Parameter]]:
    held = {id(one) for one in parameters_of(operation)}
    for role in _ROLES:
        value = getattr(operation, role, None)
        if isinstance(value, Parameter) and id(value) in held:
            yield role, value


_ENDINGS = (
    ".parametrizations.weight.original",
    ".parametrizations.weight.original0",
    ".parametrizations.weight.original1",
    ".weight_orig",
    ".weight_v",
    ".weight_quantized",
    ".weight",
    "_weight_quantized",
    "_weight",
    "/kernel",
    "/weights",
    "_W",
    "_w",
    ".w_0",
)


def _name(weights: str, node: str, output: str) -> str | None:
    """Return what to call a layer: its weights' name without the ending, the node's, or the output's."""
    for ending in _ENDINGS:
        if weights.endswith(ending) and len(weights) > len(ending) and "::" not in weights:
            return weights.removesuffix(ending)
    return node or output or None
