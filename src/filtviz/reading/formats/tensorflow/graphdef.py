"""TensorFlow's frozen graphs → layers: nodes whose weights are constants, as ``GraphDef`` has them.

Units have the channels in front here, whatever the graph's data format: what a layer does to an image is the
same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from filtviz.activations import Activation, ActivationKind
from filtviz.errors import MalformedFileError
from filtviz.network import Layer
from filtviz.operations import (
    Concatenate,
    Convolution,
    Dense,
    Flatten,
    GlobalPooling,
    Identity,
    Input,
    Merge,
    MergeKind,
    Normalisation,
    Operation,
    Pad,
    Pads,
    Pooling,
    PoolingKind,
    Reshape,
    Softmax,
    Transpose,
    Untold,
)
from filtviz.parameter import Parameter, Shape
from filtviz.reading.arrays import AnyArray, ComputedArray, parameter_of, shape_of, stored
from filtviz.reading.formats.tensorflow.checkpoint import dtype_of
from filtviz.reading.layering import add_layer, make_layer, shapes_of
from filtviz.reading.opened import Opened
from filtviz.reading.protobuf import Message
from filtviz.shapes import same_padding

__all__ = ["layers_of_graph"]

Operations = tuple[Operation, ...]

_PASSES = frozenset({"Identity", "Enter", "Switch", "ReadVariableOp", "Cast", "StopGradient", "Snapshot"})
_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
_INNER = "/:"
_DEEPEST_CALL = 16
"""Functions in one another."""

_FEW = 64


def layers_of_graph(graph: Message, opened: Opened) -> list[Layer]:
    """Return a layer for each node that does something to what the network is given.

    Args:
        graph: A ``GraphDef``.
        opened: The file.

    Raises:
        MalformedFileError: a constant says of itself what cannot be.
        LimitError: it has too many nodes.
    """
    library = graph.message(2)
    functions = {
        signature.text(1): one
        for one in (library.messages(1) if library is not None else [])
        if (signature := one.message(1)) is not None
    }
    reader = _Reader(opened=opened, functions=functions)
    nodes = {node.text(1): node for node in graph.messages(1)}
    opened.limits.check("layers", len(nodes), f"its graph has {len(nodes):,} nodes")
    for name in _in_order(nodes, opened):
        reader.node(name, nodes[name])
    return reader.layers


def _in_order(nodes: Mapping[str, Message], opened: Opened) -> list[str]:
    """Return the names of nodes, each behind those that feed it; those in loops come as they stand."""
    order: dict[str, None] = {}
    for start in nodes:
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


@dataclass(frozen=True, kw_only=True)
class _Node:
    """A node, its attributes and its inputs: a parameter for each constant, None for the others."""

    operator: str
    attributes: Mapping[str, Message]
    constants: Sequence[Parameter | None]
    shapes: Sequence[Shape | None]

    def numbers(self, name: str) -> list[int]:
        """Return whole numbers of an attribute."""
        found = self.attributes.get(name)
        inner = found.message(1) if found is not None else None
        return inner.integers(3) if inner is not None else []

    def text(self, name: str) -> str:
        """Return a text of an attribute."""
        found = self.attributes.get(name)
        return found.text(2) if found is not None else ""

    def planes(self, name: str) -> tuple[int, int]:
        """Return the two numbers of four that are for rows and columns."""
        found = self.numbers(name)
        first = 2 if self.text("data_format") == "NCHW" else 1
        pair = (found[first], found[first + 1]) if len(found) == 4 else (1, 1)
        return pair if min(pair) > 0 else (1, 1)

    @property
    def first(self) -> Shape | None:
        """The shape of the first input that is no constant."""
        return self.shapes[0] if self.shapes else None

    def few(self, place: int) -> list[int] | None:
        """Return the numbers of a small constant."""
        held = self.constants[place] if place < len(self.constants) else None
        if held is None or held.size > _FEW or held.dtype.kind not in "iu":
            return None
        return [int(one) for one in np.asarray(held.value).ravel()]


@dataclass(kw_only=True, eq=False)
class _Reader:
    opened: Opened
    functions: Mapping[str, Message]
    layers: list[Layer] = field(default_factory=list)
    constants: dict[str, Parameter] = field(default_factory=dict)
    giver: dict[str, int] = field(default_factory=dict)

    def node(self, name: str, node: Message, prefix: str = "") -> None:
        """Add the layer of a node, or take note of a constant; ``prefix`` is that of names in a function."""
        operator, bare = node.text(2), _inputs(node)
        self.opened.effort.spend_text(len(name) + len(prefix) * len(bare))
        inputs = [prefix + one for one in bare]
        attributes = {one.text(1): value for one in node.messages(5) if (value := one.message(2)) is not None}
        if operator == "Const":
            tensor = attributes["value"].message(8) if "value" in attributes else None
            if tensor is not None and (array := _array(tensor, self.opened)) is not None:
                self.constants[name] = parameter_of("", array, name)
            return
        if operator in _PASSES and inputs:
            if inputs[0] in self.constants:
                self.constants[name] = self.constants[inputs[0]]
                return
            if inputs[0] in self.giver and operator != "Cast":
                self.giver[name] = self.giver[inputs[0]]
                return
        held = self.constants.get(inputs[0]) if inputs else None
        if operator in ("Reshape", "Squeeze", "ExpandDims") and held is not None and len(held.shape) == 1:
            self.constants[name] = held  # a bias, given more axes
            return
        called = attributes["f"].message(10) if operator in _CALLS and "f" in attributes else None
        function = None if called is None else self.functions.get(called.text(1))
        if function is not None:
            self._call(name, function, inputs)
            return
        if operator in ("NoOp", "Assert"):
            return
        given = tuple(self.giver[one] for one in inputs if one in self.giver)
        case = _Node(
            operator=operator,
            attributes=attributes,
            constants=[self.constants.get(one) for one in inputs],
            shapes=shapes_of(self.layers, given),
        )
        self.giver[name] = self._add(name, case, given)

    def _call(self, name: str, function: Message, inputs: Sequence[str]) -> None:
        """Put the nodes of a function where it is called, with names of their own."""
        if name.count(_INNER) >= _DEEPEST_CALL:
            raise MalformedFileError(f"its functions call each other more than {_DEEPEST_CALL} deep")
        signature, prefix = function.message(1), f"{name}{_INNER}"
        formal = [one.text(1) for one in signature.messages(2)] if signature is not None else []
        self.opened.effort.spend_text(len(prefix) * min(len(formal), len(inputs)))
        for argument, actual in zip(formal, inputs, strict=False):
            if actual in self.constants:
                self.constants[prefix + argument] = self.constants[actual]
            elif actual in self.giver:
                self.giver[prefix + argument] = self.giver[actual]
        nodes = {node.text(1): node for node in function.messages(3)}
        for inner in _in_order(nodes, self.opened):
            self.node(prefix + inner, nodes[inner], prefix)
        for pair in function.messages(4):
            result = prefix + pair.text(2).partition(":")[0]
            if result in self.giver:
                self.giver.setdefault(name, self.giver[result])

    def _add(self, name: str, node: _Node, given: tuple[int, ...]) -> int:
        row = _BY_OPERATOR.get(node.operator)
        found = row(node) if row is not None else None
        operations = found or (Untold(reason=f"filtviz does not follow the operator {node.operator}"),)
        used = _used(operations)
        weights = next((one for one in used if one.name == "kernel"), None)
        layer = make_layer(
            operations,
            name=_title(weights.source) if weights is not None else name,
            type=node.operator,
            inputs=given,
            parameters=used,
        )
        return add_layer(self.layers, layer, self.opened.effort, "its graph has {:,} nodes or more")


def _title(weights: str) -> str:
    """Return a layer's name out of that of its weights: ``conv1/kernel/read`` → ``conv1``."""
    for ending in ("/ReadVariableOp", "/read", "/resource"):
        weights = weights.removesuffix(ending)
    head, _, last = weights.rpartition("/")
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


def _convolution(node: _Node) -> Operations | None:
    backwards = node.operator == "Conv2DBackpropInput"
    depthwise = node.operator.startswith("DepthwiseConv2d")
    weights = _named(node.constants[1] if len(node.constants) > 1 else None, "kernel")
    if weights is None or len(weights.shape) != 4:
        return (Untold(reason="its weights are no constant of the graph"),)
    stride, dilation = node.planes("strides"), node.planes("dilations")
    size = weights.shape[:2]
    spread = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    pad = None if backwards else _pads(node, spread, stride)
    if backwards:
        same = node.text("padding") == "SAME"
        spare = [max(k - s, 0) if same else 0 for k, s in zip(size, stride, strict=True)]
        pad = tuple((one // 2, one - one // 2) for one in spare)
    channels = node.first[1] if node.first is not None and len(node.first) == 4 else None
    groups = 1 if backwards else weights.shape[2] if depthwise else None
    if groups is None and channels is not None and weights.shape[2]:
        groups = channels // weights.shape[2] or None
    return (
        Convolution(
            weights=weights,
            axes="rcoi" if backwards else "rcgo" if depthwise else "rcio",
            flip_filters=False,
            stride=stride,
            pad=pad,
            dilation=dilation if dilation != (1, 1) else (),
            groups=groups,
            transposed=backwards,
        ),
    )


def _bias(node: _Node) -> Operations | None:
    beta = _named(next((one for one in node.constants if one is not None), None), "bias")
    return None if beta is None or len(beta.shape) != 1 else (Normalisation(beta=beta, is_batch=False),)


_MERGES: Mapping[str, MergeKind] = {
    "Add": "add", "AddV2": "add", "AddN": "add", "Sub": "subtract", "Mul": "multiply", "Maximum": "maximum",
    "Minimum": "minimum",
}  # fmt: skip


def _arithmetic(node: _Node) -> Operations | None:
    held = [one for one in node.constants if one is not None]
    if not held:
        return (Merge(kind=_MERGES[node.operator]),)
    if len(held[0].shape) == 1 and node.operator in ("Add", "AddV2", "Mul"):
        role = "gamma" if node.operator == "Mul" else "beta"
        vector = replace(held[0], name=role)
        return (Normalisation(is_batch=False, **{role: vector}),)  # type: ignore[arg-type]
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
    size, stride = node.planes("ksize"), node.planes("strides")
    pad = _pads(node, size, stride)
    if pad is None:
        return (Untold(reason="how its windows are padded depends on a size that the graph leaves open"),)
    return (Pooling(kind=kind, size=size, stride=stride, pad=pad),)


def _mean(node: _Node) -> Operations | None:
    axes = node.few(1)
    rank = len(node.first) if node.first is not None else 4
    wanted = [2, 3] if node.text("data_format") == "NCHW" else [1, 2]
    if axes is None or rank != 4 or sorted(axis % 4 for axis in axes) != wanted:
        return None
    keeps = "keep_dims" in node.attributes and bool(node.attributes["keep_dims"].integer(5))
    pooled = GlobalPooling(kind="max" if node.operator == "Max" else "mean")
    return (pooled, Reshape(lengths=((0,), (1,), 1, 1))) if keeps else (pooled,)


def _dense(node: _Node) -> Operations | None:
    weights = _named(node.constants[1] if len(node.constants) > 1 else None, "kernel")
    if weights is None or len(weights.shape) != 2:
        return None
    turned = "transpose_b" in node.attributes and bool(node.attributes["transpose_b"].integer(5))
    return (Dense(weights=weights, axes="oi" if turned else "io", units=weights.shape[0 if turned else 1]),)


def _concat(node: _Node) -> Operations | None:
    place = 0 if node.operator == "Concat" else len(node.constants) - 1
    axis = node.few(place)
    rank = len(node.first) if node.first is not None else 4
    if not axis:
        return None
    return (Concatenate(axis={0: 0, 1: 2, 2: 3, 3: 1}[axis[0] % 4] if rank == 4 else axis[0] % rank),)


def _pad(node: _Node) -> Operations | None:
    pads = node.few(1)
    if pads is None or len(pads) != 8 or any(pads[:2]) or any(pads[6:]) or min(pads) < 0:
        return None
    return (Pad(pad=((pads[2], pads[3]), (pads[4], pads[5]))),)


def _reshape(node: _Node) -> Operations | None:
    lengths = node.few(1)
    if lengths is None or len(lengths) != 2 or node.first is None or len(node.first) != 4:
        return None
    return (Transpose(order=(0, 2, 3, 1)), Flatten())


def _placeholder(node: _Node) -> Operations | None:
    shape = node.attributes["shape"].message(7) if "shape" in node.attributes else None
    if shape is None or shape.integer(3):
        return (Input(shape=None),)
    sizes = [one.integer(1, -1) for one in shape.messages(2)]
    lengths: Shape = tuple(n if n > 0 else None for n in sizes)
    if len(lengths) == 4:
        lengths = (lengths[0], lengths[3], *lengths[1:3])
    return (Input(shape=lengths, channels_last=len(lengths) == 4),)


_PLAIN: Mapping[str, ActivationKind] = {
    "Relu": "rectify", "Elu": "elu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Softplus": "softplus",
    "Softsign": "softsign", "Exp": "exp",
}  # fmt: skip


def _activation(node: _Node) -> Operations | None:
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
    **dict.fromkeys(("Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput", "_FusedConv2D"), _convolution),
    "BiasAdd": _bias,
    **dict.fromkeys(_MERGES, _arithmetic),
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), _normalisation),
    **dict.fromkeys(("MaxPool", "AvgPool"), _pooling),
    **dict.fromkeys(("Mean", "Max"), _mean),
    "MatMul": _dense,
    **dict.fromkeys(("Concat", "ConcatV2"), _concat),
    "Pad": _pad,
    "Reshape": _reshape,
    "Placeholder": _placeholder,
    **dict.fromkeys((*_PLAIN, "Relu6", "LeakyRelu", "Selu"), _activation),
    "Softmax": _softmax,
    **dict.fromkeys(("Identity", "Cast", "PreventGradient"), _identity),
    **dict.fromkeys(("Rsqrt", "Sqrt", "Square", "Neg", "Abs", "LRN", "L2Normalize"), _keeps_places),
}
"""Operator → what reads a node of it; one that gives None, or is not here, is `Untold`."""
