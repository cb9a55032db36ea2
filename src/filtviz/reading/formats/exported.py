"""``torch.export``'s ``.pt2``: the whole graph as JSON, and the weights as raw members of a zip.

The JSON is that of ``torch/_export/serde/schema.py``; operators are those of ATen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from filtviz.activations import Activation, ActivationKind
from filtviz.errors import MalformedFileError
from filtviz.network import Layer, Network
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
    Pooling,
    PoolingKind,
    Reshape,
    Softmax,
    Standardisation,
    Untold,
)
from filtviz.parameter import Parameter, Shape
from filtviz.reading.arrays import AnyArray, ElementType, narrow_dtype, parameter_of, shape_of, strided
from filtviz.reading.layering import add_layer, from_depth, make_layer, shapes_of
from filtviz.reading.opened import Objects, Opened, origin_of
from filtviz.reading.sharded import parsed_object
from filtviz.reading.zips import Member
from filtviz.text import quoted

__all__ = ["open"]

_WEIGHTS = "data/weights/model_weights_config.json"
_MODEL = "models/model.json"
_TYPES: Mapping[int, str] = {
    1: "u1", 2: "i1", 3: "<i2", 4: "<i4", 5: "<i8", 6: "<f2", 7: "<f4", 8: "<f8", 12: "?",
}  # fmt: skip
_NARROW = {13: "bfloat16", 29: "float8_e4m3fn", 30: "float8_e5m2"}


def open(opened: Opened) -> Network | None:
    """Read the graph.

    Raises:
        MalformedFileError: it is damaged, or says of itself what cannot be.
        LimitError: it has too many nodes.
    """
    members = {member.name: member for member in opened.members or ()}
    roots = (name.removesuffix(_MODEL) for name in members if name.endswith(_MODEL))
    root = next((root for root in roots if root + _WEIGHTS in members), None)
    if root is None:
        return None
    graph = _json(members[root + _MODEL], opened)
    config = _json(members[root + _WEIGHTS], opened).get("config")
    weights = _weights(config if isinstance(config, dict) else {}, members, root, opened)
    reader = _Reader(opened=opened, weights=weights)
    layers = reader.read(graph)
    origin = origin_of(
        opened,
        "a program of torch.export",
        objects=Objects(form="zip of torch.export"),
        framework="PyTorch",
        order="the graph of the file, which is sorted as it runs",
    )
    version = graph.get("torch_version")
    versions = {"torch": version} if isinstance(version, str) and version != "<=2.4" else {}
    return Network.of(layers, replace(origin, versions=versions))


def _json(member: Member, opened: Opened) -> dict[str, Any]:
    opened.limits.check_json(member.size, "its JSON")
    return parsed_object(member.copy(opened.limits))


def _weights(
    config: Mapping[str, Any], members: Mapping[str, Member], root: str, opened: Opened
) -> dict[str, AnyArray]:
    """Return the arrays by the names of parameters; one that is a pickle is left out."""
    opened.limits.check("layers", len(config), f"it holds {len(config):,} tensors")
    found: dict[str, AnyArray] = {}
    for name, entry in config.items():
        facts = entry if isinstance(entry, dict) else {}
        meta, path = facts.get("tensor_meta"), facts.get("path_name")
        if facts.get("use_pickle") or not isinstance(meta, dict) or not isinstance(path, str):
            continue
        member = members.get(f"{root}data/weights/{path}")
        dtype = _dtype(meta.get("dtype"))
        shape, strides = shape_of(_whole(meta.get("sizes"))), shape_of(_whole(meta.get("strides")))
        offset = _whole([meta.get("storage_offset")])
        if member is None or shape is None or strides is None or None in offset:
            raise MalformedFileError(f"it says of the tensor {quoted(name, 60)} what cannot be")
        if dtype is None:
            continue
        size, first = member.most_bytes, offset[0]
        assert first is not None, "that was looked at"
        found[name] = strided(shape, dtype, strides, first, size, member.open, opened.limits)
    return found


def _dtype(code: Any) -> ElementType | None:
    if type(code) is not int:
        return None
    if code in _NARROW:
        return narrow_dtype(_NARROW[code])
    return np.dtype(_TYPES[code]) if code in _TYPES else None


def _whole(values: Any) -> list[int | None]:
    """Return whole numbers out of ``[{"as_int": 8}, …]``."""
    held = values if isinstance(values, list) else []
    found = [one.get("as_int") if isinstance(one, dict) else one for one in held]
    return [one if type(one) is int and one >= 0 else None for one in found]


@dataclass(frozen=True, kw_only=True)
class _Node:
    """A call: its operator, arguments by name, those that are parameters, and the inputs' shapes.

    ``is_turned`` tells that a matrix among the parameters is used with its rows as columns.
    """

    operator: str
    arguments: Mapping[str, Any]
    parameters: Mapping[str, Parameter]
    shapes: Sequence[Shape | None]
    is_turned: bool = False

    def numbers(self, name: str, n: int, default: int) -> tuple[int, ...]:
        """Return a number for each of ``n`` axes; one stands for all."""
        found = self.arguments.get(name)
        values: list[Any] = found if isinstance(found, list) else [found]
        values = values * n if len(values) == 1 else values
        return (
            tuple(values) if len(values) == n and all(type(one) is int for one in values) else (default,) * n
        )

    def number(self, name: str, default: float) -> float:
        """Return a number."""
        found = self.arguments.get(name)
        return found if isinstance(found, int | float) else default

    def whole(self, name: str, default: int) -> int:
        """Return a whole number."""
        found = self.arguments.get(name)
        return found if type(found) is int else default

    def axis(self, default: int, rank: int) -> int | None:
        """Return ``dim`` counted from the front, None where the input has no axes.

        Args:
            default: Which it is where the call does not say it.
            rank: How many axes the input is taken to have where that is not told.
        """
        rank = len(self.first) if self.first is not None else rank
        return self.whole("dim", default) % rank if rank else None

    @property
    def first(self) -> Shape | None:
        """The shape of the first input."""
        return self.shapes[0] if self.shapes else None


@dataclass(kw_only=True, eq=False)
class _Reader:
    """Makes a layer of each call."""

    opened: Opened
    weights: Mapping[str, AnyArray]
    layers: list[Layer] = field(default_factory=list)
    giver: dict[str, int] = field(default_factory=dict)
    held: dict[str, Parameter] = field(default_factory=dict)
    turned: set[str] = field(default_factory=set)
    batches: set[str] = field(default_factory=set)

    def read(self, model: Mapping[str, Any]) -> list[Layer]:
        """Return the layers of the graph."""
        try:
            module = model["graph_module"]
            graph, inputs = module["graph"], module["signature"]["input_specs"]
            for one in inputs:
                self._input(one, graph["tensor_values"])
            for node in graph["nodes"]:
                self._node(node)
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise MalformedFileError("its graph is none of torch.export's; save the program again") from error
        return self.layers

    def _input(self, spec: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        kind, facts = _one(spec)
        if kind == "user_input":
            name = facts["arg"].get("as_tensor", {}).get("name")
            if name is not None:
                sizes = values[name]["sizes"] if name in values else []
                self.opened.effort.spend(len(sizes))
                shape: Shape = tuple(_whole(sizes))
                self.giver[name] = self._add(Layer(name=name, type="input", operations=(Input(shape=shape),)))
            return
        known = facts.get("parameter_name") or facts.get("buffer_name") or facts.get("tensor_constant_name")
        if known in self.weights:
            name = facts["arg"]["name"]
            self.held[name] = parameter_of(known.rpartition(".")[2], self.weights[known], known)

    def _node(self, node: Mapping[str, Any]) -> None:
        arguments: dict[str, Any] = {}
        parameters: dict[str, Parameter] = {}
        given: list[int] = []
        for one in node["inputs"]:
            value = _plain(one["arg"])
            names = [value] if isinstance(value, _Name) else value if isinstance(value, list) else []
            for name in names:
                if isinstance(name, _Name) and name.text in self.giver:
                    given.append(self.giver[name.text])
            if isinstance(value, _Name) and value.text in self.held:
                parameters[one["name"]] = self.held[value.text]
            else:
                arguments[one["name"]] = self._with_batch(value)
        operator = str(node["target"]).removeprefix("torch.ops.aten.").partition(".")[0]
        if operator == "sym_size":
            self._take_length(node, arguments.get("dim"))
            return
        if parameters and not given and self._passes_on(operator, node, next(iter(parameters.values()))):
            return
        case = _Node(
            operator=operator,
            arguments=arguments,
            parameters=parameters,
            shapes=shapes_of(self.layers, tuple(given)),
            is_turned=any(_text(one["arg"]) in self.turned for one in node["inputs"]),
        )
        row = _BY_OPERATOR.get(operator)
        found = row(case) if row is not None else None
        operations = found or (Untold(reason=f"filtviz does not follow the operator {operator}"),)
        place = self._add(_layer(node, operator, operations, parameters, tuple(given)))
        for output in node["outputs"]:
            for name in _names(output):
                self.giver[name] = place

    def _with_batch(self, value: Any) -> Any:
        """Return an argument with the mark `_BATCH` where the number of images stands."""
        if not isinstance(value, list):
            return value
        return [_BATCH if isinstance(one, _Name) and one.text in self.batches else one for one in value]

    def _take_length(self, node: Mapping[str, Any], axis: Any) -> None:
        """Take note of what the number of images is called."""
        for output in node["outputs"]:
            kind, value = _one(output)
            if kind == "as_sym_int" and axis == 0 and isinstance(name := _length(value), _Name):
                self.batches.add(name.text)

    def _passes_on(self, operator: str, node: Mapping[str, Any], parameter: Parameter) -> bool:
        """Follow a parameter through what does not change it, and a matrix through being turned."""
        is_turned = operator in _TURNS and len(parameter.shape) == 2
        if not is_turned and operator not in _PASSES_PARAMETER:
            return False
        given = [_text(one["arg"]) for one in node["inputs"]]
        for name in (name for output in node["outputs"] for name in _names(output)):
            self.held[name] = parameter
            if is_turned != any(one in self.turned for one in given):
                self.turned.add(name)
        return True

    def _add(self, layer: Layer) -> int:
        return add_layer(self.layers, layer, self.opened.effort, "its graph has {:,} nodes or more")


_BATCH = object()
"""Stands for the number of images."""

_TURNS = frozenset({"permute", "t", "transpose", "numpy_T"})
_PASSES_PARAMETER = frozenset({"alias", "clone", "contiguous", "detach", "_to_copy", "to", "lift_fresh_copy"})


@dataclass(frozen=True)
class _Name:
    """The name of a tensor."""

    text: str


def _one(union: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the kind and the value of what may be of several kinds.

    Raises:
        KeyError: it is of none.
    """
    for kind, value in union.items():
        return kind, value
    raise KeyError("none")


def _plain(argument: Mapping[str, Any]) -> Any:
    """Return an argument as a number, a list, or the name of a tensor."""
    kind, value = _one(argument)
    if kind == "as_tensor":
        return _Name(value["name"])
    if kind == "as_tensors":
        return [_Name(one["name"]) for one in value]
    if kind == "as_sym_int":
        return _length(value)
    if kind == "as_sym_ints":
        return [_length(one) for one in value]
    return None if kind == "as_none" else value


def _length(union: Mapping[str, Any]) -> Any:
    """Return a length as a number, or the name of one that is open."""
    kind, value = _one(union)
    return _Name(str(value)) if kind == "as_name" else value


def _text(argument: Mapping[str, Any]) -> str:
    """Return the name of an argument that is a tensor."""
    value = _plain(argument)
    return value.text if isinstance(value, _Name) else ""


def _names(output: Mapping[str, Any]) -> list[str]:
    kind, value = _one(output)
    if kind == "as_tensor":
        return [value["name"]]
    return [one["name"] for one in value] if kind == "as_tensors" else []


def _layer(
    node: Mapping[str, Any],
    operator: str,
    operations: tuple[Operation, ...],
    parameters: Mapping[str, Parameter],
    inputs: tuple[int, ...],
) -> Layer:
    """Make a layer, named after its parameters where it has any."""
    first = next(iter(parameters.values()), None)
    name = first.source.rpartition(".")[0] if first is not None else str(node.get("name") or operator)
    held = tuple(parameters.values())
    return make_layer(operations, name=name or None, type=operator, parameters=held, inputs=inputs)


Operations = tuple[Operation, ...]


def _convolution(node: _Node) -> Operations | None:
    weights = node.parameters.get("weight")
    if weights is None or len(weights.shape) not in (3, 4, 5):
        return (Untold(reason="its weights are no parameter of the file"),)
    n = len(weights.shape) - 2
    transposed = node.operator.startswith("conv_transpose") or bool(node.arguments.get("transposed"))
    axes = ("io" if transposed else "oi") + {1: "c", 2: "rc", 3: "drc"}[n]
    dilation = node.numbers("dilation", n, 1)
    pad = node.arguments.get("padding")
    stride, sides = node.numbers("stride", n, 1), node.numbers("padding", n, 0)
    if min(*stride, *dilation) < 1 or min(sides) < 0:
        return (Untold(reason="its stride, dilation or padding is none"),)
    if pad == "same":
        spread = [(k - 1) * d for k, d in zip(weights.shape[2:], dilation, strict=True)]
        pads = tuple((one // 2, one - one // 2) for one in spread)
    else:
        pads = tuple((one, one) for one in sides)
    added = node.numbers("output_padding", n, 0)
    return (
        Convolution(
            weights=weights,
            axes=axes,
            flip_filters=False,
            bias=node.parameters.get("bias"),
            stride=stride,
            pad=None if transposed and any(added) else pads,
            dilation=dilation if any(one != 1 for one in dilation) else (),
            groups=node.whole("groups", 1),
            transposed=transposed,
        ),
    )


def _linear(node: _Node) -> Operations | None:
    weights = node.parameters.get("weight")
    if weights is None or len(weights.shape) != 2 or (node.first is not None and len(node.first) != 2):
        return None
    return (Dense(weights=weights, axes="oi", bias=node.parameters.get("bias"), units=weights.shape[0]),)


def _matrix(node: _Node) -> Operations | None:
    """Read a dense layer that was taken apart: ``addmm(bias, input, weights)``, ``mm(input, weights)``."""
    weights, bias = node.parameters.get("mat2"), node.parameters.get("self")
    scaled = any(node.number(name, 1.0) != 1.0 for name in ("alpha", "beta"))
    if weights is None or len(weights.shape) != 2 or scaled or "mat1" in node.parameters:
        return None
    if node.operator == "mm" and bias is not None:
        return None
    axes = "oi" if node.is_turned else "io"
    return (Dense(weights=weights, axes=axes, bias=bias, units=weights.shape[axes.index("o")]),)


def _batch_norm(node: _Node) -> Operations | None:
    held = node.parameters
    if "running_var" not in held:
        return (Untold(reason="its statistics are no parameters of the file", keeps_places=True),)
    return (
        Normalisation(
            mean=held.get("running_mean"),
            spread=held["running_var"],
            spread_is="variance",
            epsilon=node.number("eps", 1e-5),
            gamma=held.get("weight"),
            beta=held.get("bias"),
        ),
    )


def _pooling(node: _Node) -> Operations | None:
    kind: PoolingKind = "max" if node.operator.startswith("max") else "mean"
    size = node.numbers("kernel_size", 2, 0)
    if min(size) < 1 or any(one != 1 for one in node.numbers("dilation", 2, 1)):
        return None
    stride = node.numbers("stride", 2, 0)
    pad = tuple((one, one) for one in node.numbers("padding", 2, 0))
    return (
        Pooling(
            kind=kind,
            size=size,
            stride=stride if min(stride) > 0 else size,
            pad=pad,
            whole_windows=not node.arguments.get("ceil_mode"),
            counts_pad=node.arguments.get("count_include_pad") is not False,
        ),
    )


def _global_pooling(node: _Node) -> Operations | None:
    kind: PoolingKind = "max" if "max" in node.operator else "mean"
    if node.numbers("output_size", 2, 0) != (1, 1):
        return None
    return (GlobalPooling(kind=kind), Reshape(lengths=((0,), (1,), 1, 1)))


def _mean(node: _Node) -> Operations | None:
    axes, rank = node.arguments.get("dim"), len(node.first) if node.first is not None else 4
    if not isinstance(axes, list) or rank < 3 or sorted(axis % rank for axis in axes) != list(range(2, rank)):
        return None
    pooled = GlobalPooling(kind="mean")
    behind = Reshape(lengths=((0,), (1,), *((1,) * (rank - 2))))
    return (pooled, behind) if node.arguments.get("keepdim") else (pooled,)


_MERGES: Mapping[str, MergeKind] = {
    "add": "add", "add_": "add", "sub": "subtract", "mul": "multiply", "mul_": "multiply",
    "maximum": "maximum", "minimum": "minimum",
}  # fmt: skip


def _merge(node: _Node) -> Operations | None:
    if len(node.shapes) < 2:
        return (Untold(reason="it combines its input with a number or a parameter", keeps_places=True),)
    kind, alpha = _MERGES[node.operator], node.number("alpha", 1.0)
    if alpha != 1.0 and kind in ("add", "subtract"):
        return (Merge(kind="add", coefficients=(1.0, float(alpha if kind == "add" else -alpha))),)
    return (Merge(kind=kind),)


def _cat(node: _Node) -> Operations | None:
    axis = node.axis(0, 4)
    return None if axis is None else (Concatenate(axis=axis),)


def _flatten(node: _Node) -> Operations | None:
    start, end = node.whole("start_dim", 0), node.whole("end_dim", -1)
    return (Flatten(keep=start),) if end == -1 and start >= 0 else None


def _view(node: _Node) -> Operations | None:
    lengths = node.arguments.get("size") or node.arguments.get("shape")
    if not isinstance(lengths, list):
        return None
    told = [(0,) if one is _BATCH and place == 0 else one for place, one in enumerate(lengths)]
    sane = all(one == (0,) or (type(one) is int and one >= -1) for one in told)
    return (Reshape(lengths=tuple(told)),) if sane else None


_PLAIN: Mapping[str, ActivationKind] = {
    "relu": "rectify", "relu_": "rectify", "sigmoid": "sigmoid", "tanh": "tanh", "softplus": "softplus",
    "exp": "exp", "silu": "swish", "silu_": "swish", "hardswish": "hard_swish", "hardswish_": "hard_swish",
    "gelu": "gelu", "mish": "mish",
}  # fmt: skip


def _activation(node: _Node) -> Operations | None:
    if node.operator in ("leaky_relu", "leaky_relu_"):
        alpha = node.number("negative_slope", 0.01)
        return (Activation(kind="leaky_rectify", name=node.operator, alpha=alpha),)
    if node.operator in ("hardsigmoid", "hardsigmoid_"):
        return (Activation(kind="hard_sigmoid", name=node.operator, scale_in=5 / 6),)
    if node.operator in ("relu6", "relu6_"):
        return (Activation(kind="clipped_rectify", name=node.operator, alpha=6.0),)
    if node.operator == "prelu":
        slopes = node.parameters.get("weight")
        return (
            None
            if slopes is None
            else (Activation(kind="parametric_rectify", name=node.operator, slopes=slopes),)
        )
    if node.operator in ("elu", "elu_"):
        return (Activation(kind="elu", name=node.operator, alpha=node.number("alpha", 1.0)),)
    if node.operator in ("hardtanh", "hardtanh_"):
        low, high = node.number("min_val", -1.0), node.number("max_val", 1.0)
        if low == 0 and high > 0:
            return (Activation(kind="clipped_rectify", name=node.operator, alpha=high),)
        return (Activation(kind="untold", name=node.operator),)
    if node.operator == "softplus" and node.number("beta", 1.0) != 1.0:
        return (Activation(kind="untold", name=node.operator),)
    kind = _PLAIN[node.operator]
    if kind == "gelu" and node.arguments.get("approximate", "none") == "tanh":
        kind = "gelu_tanh"
    return (Activation(kind=kind, name=node.operator),)


def _own_norm(node: _Node) -> Operations | None:
    held, epsilon = node.parameters, max(0.0, node.number("eps", 1e-5))
    if "running_var" in held:
        return _batch_norm(node)
    how: dict[str, Any] = {"groups": 0}
    if node.operator == "group_norm":
        how = {"groups": node.whole("num_groups", 1)}
    elif node.operator == "layer_norm":
        shape = node.arguments.get("normalized_shape")
        if not isinstance(shape, list) or not 0 < len(shape) < 8:
            return None
        how = {"axes": tuple(range(-len(shape), 0)), "along": tuple(range(-len(shape), 0))}
    return (Standardisation(epsilon=epsilon, gamma=held.get("weight"), beta=held.get("bias"), **how),)


def _pixel_shuffle(node: _Node) -> Operations | None:
    return from_depth(node.first, node.whole("upscale_factor", 0), channels_first=True)


def _softmax(node: _Node) -> Operations | None:
    axis = node.axis(1, 2)
    return None if axis is None else (Softmax(axis=axis),)


def _identity(node: _Node) -> Operations | None:
    return (Identity(what=node.operator),)


_BY_OPERATOR: Mapping[str, Callable[[_Node], Operations | None]] = {
    **dict.fromkeys(
        (
            "conv1d",
            "conv2d",
            "conv3d",
            "convolution",
            "conv_transpose1d",
            "conv_transpose2d",
            "conv_transpose3d",
        ),
        _convolution,
    ),
    "linear": _linear,
    **dict.fromkeys(("addmm", "mm"), _matrix),
    **dict.fromkeys(("batch_norm", "_native_batch_norm_legit_no_training"), _batch_norm),
    **dict.fromkeys(("max_pool2d", "max_pool2d_with_indices", "avg_pool2d"), _pooling),
    **dict.fromkeys(("adaptive_avg_pool2d", "adaptive_max_pool2d"), _global_pooling),
    **dict.fromkeys(("instance_norm", "group_norm", "layer_norm"), _own_norm),
    "pixel_shuffle": _pixel_shuffle,
    "mean": _mean,
    **dict.fromkeys(_MERGES, _merge),
    "cat": _cat,
    "flatten": _flatten,
    **dict.fromkeys(("view", "reshape"), _view),
    **dict.fromkeys(
        (
            *_PLAIN,
            "leaky_relu",
            "leaky_relu_",
            "elu",
            "elu_",
            "hardtanh",
            "hardtanh_",
            "hardsigmoid",
            "hardsigmoid_",
            "relu6",
            "relu6_",
            "prelu",
        ),
        _activation,
    ),
    **dict.fromkeys(("softmax", "_softmax"), _softmax),
    **dict.fromkeys(
        ("dropout", "dropout_", "feature_dropout", "contiguous", "clone", "detach", "alias"), _identity
    ),
}
"""Operator → what reads a call of it; one that gives None, or is not here, is `Untold`."""
