"""What a node of TensorFlow's graphs does: an operator, its attributes and its inputs → operations.

A new operator is a function and its entry in `BY_OPERATOR`, or a row of a table here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from filtviz.activations import Activation, ActivationKind
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
from filtviz.reading.formats.tensorflow.folding import numbers_of
from filtviz.reading.protobuf import Message
from filtviz.reading.shape_arithmetic import Lengths
from filtviz.shapes import same_padding

__all__ = [
    "BACKWARDS",
    "BY_OPERATOR",
    "Node",
    "Operations",
    "Spread",
    "input_of",
    "known_shape",
    "shape_of_message",
]

Operations = tuple[Operation, ...]

BACKWARDS = frozenset({"Conv2DBackpropInput", "Conv3DBackpropInputV2"})
_FEW = 64


@dataclass(frozen=True, kw_only=True)
class Spread:
    """What TensorFlow does around a dilated convolution: ``gaps`` between taps, and ``before`` each axis."""

    gaps: tuple[int, ...]
    before: tuple[int, ...] | None


@dataclass(frozen=True, kw_only=True)
class Node:
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
        rank = len(self.first) if self.first else 4
        axis %= rank
        if self.channels_first or rank not in (4, 5):
            return axis
        return 0 if axis == 0 else 1 if axis == rank - 1 else axis + 1


def _named(parameter: Parameter | None, name: str) -> Parameter | None:
    return None if parameter is None else replace(parameter, name=name)


def _pads(node: Node, spread: Sequence[int], stride: Sequence[int]) -> Pads | None:
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


def _convolution(node: Node) -> Operations | None:
    backwards = node.operator in BACKWARDS
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


def _asked_size(node: Node, n: int) -> tuple[int, ...] | None:
    """Return the size that a transposed convolution is told to give, None where it is open."""
    held = node.computed(0)
    if held is None or len(held.numbers) != n + 2:
        return None
    numbers = held.numbers[2:] if node.text("data_format").startswith("NC") else held.numbers[1:-1]
    found = [one.whole for one in numbers]
    known = [one for one in found if one is not None and one > 0]
    return tuple(known) if len(known) == n else None


def _bias(node: Node) -> Operations | None:
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


def _arithmetic(node: Node) -> Operations | None:
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
            along, below = [1], (None, None)
        vector = replace(constant, name="beta" if kind in ("add", "subtract") else "gamma")
        found = with_constant(kind, vector, along, below, is_first=place == 0, name=node.operator)
        if found is not None:
            return found
    return (Untold(reason="it combines its input with a constant", keeps_places=True),)


def _normalisation(node: Node) -> Operations | None:
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


def _pooling(node: Node) -> Operations | None:
    kind: PoolingKind = "max" if node.operator.startswith("Max") else "mean"
    n = 3 if node.operator.endswith("3D") else 2
    size, stride = node.planes("ksize", n), node.planes("strides", n)
    pad = _pads(node, size, stride)
    if pad is None:
        return (Untold(reason="how its windows are padded depends on a size that the graph leaves open"),)
    return (Pooling(kind=kind, size=size, stride=stride, pad=pad),)


def _mean(node: Node) -> Operations | None:
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


def _dense(node: Node) -> Operations | None:
    weights = _named(node.constants[1] if len(node.constants) > 1 else None, "kernel")
    if weights is None or len(weights.shape) != 2 or node.flag("transpose_a"):
        return None
    turned = node.flag("transpose_b")
    return (Dense(weights=weights, axes="oi" if turned else "io", units=weights.shape[0 if turned else 1]),)


def _concat(node: Node) -> Operations | None:
    place = 0 if node.operator == "Concat" else len(node.constants) - 1
    axis = node.few(place)
    joins = [one for other, one in enumerate(node.constants) if other != place and one is not None]
    if not axis or joins:
        return None
    return (Concatenate(axis=node.axis(axis[0])),)


def _gather(node: Node) -> Operations | None:
    table = _table(node)
    if table is None or table.dtype.kind != "f":
        return None
    return (Embedding(weights=_named(table, "embeddings")),)


def _table(node: Node) -> Parameter | None:
    """Return an array whose rows a node looks up."""
    table, axis = node.constants[0] if node.constants else None, node.few(2)
    return table if table is not None and len(table.shape) == 2 and axis in (None, [0], [-2]) else None


def _pad(node: Node) -> Operations | None:
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


def _reshape(node: Node) -> Operations | None:
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
    is_batch = length in ((0,), -1, *below[:1])
    known = [one for one in below[1:] if one is not None]
    return is_batch and (rest == -1 or len(known) < len(below) - 1 or rest == math.prod(known))


def _turned_out(rank: int) -> Operations:
    """Return what puts the channels in front of an image that the graph has made."""
    return (Transpose(order=(0, rank - 1, *range(1, rank - 1))),) if rank in (4, 5) else ()


def _expand(node: Node) -> Operations | None:
    """Read the axis more that makes an image of one row of a line: ``(batch, length, channels)``."""
    axis = node.few(1)
    if node.first is None or len(node.first) != 3 or not axis or axis[0] not in (1, -3, 2, -2):
        return None
    return (Transpose(order=(0, 2, 1)),)


def _squeeze(node: Node) -> Operations | None:
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


def _scaled(node: Node) -> Operations | None:
    """Read what resizes an image: it repeats numbers, or interpolates between two."""
    sizes, below = known_shape(node), node.first
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


def known_shape(node: Node) -> Shape | None:
    """Return the shape that a node is told to give, whether or not it is known how; None for most."""
    table = _table(node) if node.operator in _GATHERS else None
    if table is not None and node.first is not None and len(node.first) < 3:
        return (*node.first, table.shape[1])
    held = node.computed(1) if node.operator.startswith("Resize") else None
    if held is None or node.first is None or len(held.numbers) != 2 or len(node.first) != 4:
        return None
    return (*node.first[:2], *(one.whole for one in held.numbers))


def _placeholder(node: Node) -> Operations | None:
    shape = node.attributes["shape"].message(7) if "shape" in node.attributes else None
    found = None if shape is None else shape_of_message(shape, channels_first=node.channels_first)
    return (input_of(found, channels_first=node.channels_first),)


def input_of(shape: Shape | None, *, channels_first: bool) -> Input:
    """Return the input of a network whose images have this shape, with the channels in front."""
    turned = not channels_first and shape is not None and len(shape) in (4, 5)
    return Input(shape=shape, channels_last=turned)


def shape_of_message(shape: Message, *, channels_first: bool) -> Shape | None:
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


def _activation(node: Node) -> Operations | None:
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


def _softmax(node: Node) -> Operations | None:
    del node
    return (Softmax(),)


def _identity(node: Node) -> Operations | None:
    return (Identity(what=node.operator),)


def _keeps_places(node: Node) -> Operations | None:
    return (Untold(reason=f"filtviz does not follow the operator {node.operator}", keeps_places=True),)


BY_OPERATOR: Mapping[str, Callable[[Node], Operations | None]] = {
    **dict.fromkeys(
        ("Conv2D", "Conv3D", "DepthwiseConv2dNative", "_FusedConv2D", *sorted(BACKWARDS)), _convolution
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
