"""TensorFlow Lite's operators → operations: one row an operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from filtviz.activations import Activation, ActivationKind
from filtviz.operations import (
    Concatenate,
    Convolution,
    Coordinates,
    Dense,
    Flatten,
    GlobalPooling,
    Identity,
    MatrixProduct,
    Merge,
    MergeKind,
    Operation,
    PadMode,
    Pads,
    Pooling,
    PoolingKind,
    Recurrent,
    Reduction,
    ReductionKind,
    Reshape,
    Resize,
    Slice,
    Softmax,
    Transpose,
    Untold,
    Upscale,
)
from filtviz.parameter import Parameter, Shape
from filtviz.reading.arithmetic import Arithmetic, clipped, negated, padded, with_constant
from filtviz.reading.flatbuffers import Table
from filtviz.reading.layering import from_depth
from filtviz.shapes import output_shape, same_padding

__all__ = ["OPERATORS", "Case", "operations_of"]

Operations = tuple[Operation, ...]

OPERATORS: Mapping[int, str] = {
    0: "ADD", 1: "AVERAGE_POOL_2D", 2: "CONCATENATION", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D",
    5: "DEPTH_TO_SPACE", 6: "DEQUANTIZE", 7: "EMBEDDING_LOOKUP", 8: "FLOOR", 9: "FULLY_CONNECTED",
    11: "L2_NORMALIZATION", 12: "L2_POOL_2D", 13: "LOCAL_RESPONSE_NORMALIZATION", 14: "LOGISTIC",
    16: "LSTM", 17: "MAX_POOL_2D", 18: "MUL", 19: "RELU", 20: "RELU_N1_TO_1", 21: "RELU6",
    22: "RESHAPE", 23: "RESIZE_BILINEAR", 24: "RNN", 25: "SOFTMAX", 26: "SPACE_TO_DEPTH", 28: "TANH",
    34: "PAD", 36: "GATHER", 37: "BATCH_TO_SPACE_ND", 38: "SPACE_TO_BATCH_ND", 39: "TRANSPOSE",
    40: "MEAN", 41: "SUB", 42: "DIV", 43: "SQUEEZE", 44: "UNIDIRECTIONAL_SEQUENCE_LSTM",
    45: "STRIDED_SLICE", 47: "EXP", 49: "SPLIT", 50: "LOG_SOFTMAX", 52: "BIDIRECTIONAL_SEQUENCE_LSTM",
    53: "CAST", 54: "PRELU", 55: "MAXIMUM", 56: "ARG_MAX", 57: "MINIMUM", 59: "NEG", 60: "PADV2",
    65: "SLICE", 66: "SIN", 67: "TRANSPOSE_CONV", 69: "TILE", 70: "EXPAND_DIMS", 73: "LOG", 74: "SUM",
    75: "SQRT", 76: "RSQRT", 77: "SHAPE", 78: "POW", 82: "REDUCE_MAX", 83: "PACK", 88: "UNPACK",
    89: "REDUCE_MIN", 92: "SQUARE", 97: "RESIZE_NEAREST_NEIGHBOR", 98: "LEAKY_RELU",
    99: "SQUARED_DIFFERENCE", 100: "MIRROR_PAD", 101: "ABS", 102: "SPLIT_V", 108: "COS", 111: "ELU",
    114: "QUANTIZE", 117: "HARD_SWISH", 118: "IF", 119: "WHILE", 124: "DENSIFY", 126: "BATCH_MATMUL",
    132: "CONV_3D", 141: "CONV_3D_TRANSPOSE", 150: "GELU",
}  # fmt: skip
"""The numbers of ``BuiltinOperator`` in the schema, of those that networks of images have."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a row works on: an operator, its options, and its inputs by the numbers of their tensors.

    ``constant`` gives the numbers of a small constant, ``parameter`` a constant under a name, ``shape`` what
    is known of a tensor's shape, the channels in front; of the ``outputs`` the one at ``place`` is asked for.
    """

    operator: str
    options: Table | None
    inputs: Sequence[int]
    constant: Callable[[int], list[float] | None]
    parameter: Callable[[int, str], Parameter | None]
    shape: Callable[[int], Shape | None]
    outputs: Sequence[int]
    place: int = 0

    def option(self, field: int, letter: str = "b", default: Any = 0) -> Any:
        """Return a number of the options."""
        return default if self.options is None else self.options.scalar(field, letter, default)

    def input(self, place: int) -> int:
        """Return the number of an input's tensor, -1 for one that is left out."""
        return self.inputs[place] if place < len(self.inputs) else -1

    def wholes(self, place: int) -> list[int] | None:
        """Return the numbers of an input that is a small constant of whole numbers."""
        found = self.constant(self.input(place))
        return None if found is None or not all(map(float.is_integer, found)) else [int(one) for one in found]

    @property
    def output(self) -> int:
        """The number of the output's tensor."""
        return self.outputs[self.place]

    @property
    def first(self) -> Shape | None:
        """The shape of the first input."""
        return self.shape(self.input(0))


def operations_of(case: Case) -> Operations:
    """Return what an operator does."""
    row = _BY_OPERATOR.get(case.operator)
    found = row(case) if row is not None else None
    return found or (Untold(reason=f"filtviz does not follow the operator {case.operator}"),)


_FUSED: Mapping[int, Operations] = {
    0: (),
    1: (Activation(kind="rectify", name="RELU"),),
    2: (Activation(kind="clip", name="RELU_N1_TO_1", low=-1.0, high=1.0),),
    3: (Activation(kind="clipped_rectify", name="RELU6", alpha=6.0),),
    4: (Activation(kind="tanh", name="TANH"),),
}


def _fused(case: Case, field: int) -> Operations:
    """Return the function that an operator applies to its result."""
    return _FUSED.get(case.option(field), (Activation(kind="untold"),))


def _pads(
    case: Case, field: int, first: Shape | None, spread: Sequence[int], stride: Sequence[int]
) -> Pads | None:
    if case.option(field) == 1:
        return ((0, 0),) * len(spread)
    lengths = first[2:] if first is not None and len(first) == len(spread) + 2 else (None,) * len(spread)
    sides = [same_padding(*facts) for facts in zip(lengths, spread, stride, strict=True)]
    found = [side for side in sides if side is not None]
    return tuple(found) if len(found) == len(spread) else None


def _spread(size: Sequence[int], dilation: Sequence[int]) -> list[int]:
    return [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]


def _convolution(case: Case) -> Operations | None:
    depthwise = case.operator == "DEPTHWISE_CONV_2D"
    weights = case.parameter(case.input(1), "filter")
    if weights is None or len(weights.shape) != 4:
        return None
    fused, dilations = (4, (6, 5)) if depthwise else (3, (5, 4))
    stride = (case.option(2, "i"), case.option(1, "i"))
    dilation = tuple(case.option(place, "i", 1) for place in dilations)
    if min(*stride, *dilation) < 1:
        return None
    size = weights.shape[1:3]
    channels = case.first[1] if case.first is not None and len(case.first) == 4 else None
    if depthwise:
        multiplier = case.option(3, "i")
        groups = weights.shape[3] // multiplier if multiplier > 0 else channels
    else:
        groups = channels // weights.shape[3] if channels and weights.shape[3] else None
    convolution = Convolution(
        weights=weights,
        axes="irco" if depthwise else "orci",
        flip_filters=False,
        bias=case.parameter(case.input(2), "bias"),
        stride=stride,
        pad=_pads(case, 0, case.first, _spread(size, dilation), stride),
        dilation=dilation if dilation != (1, 1) else (),
        groups=groups or None,
    )
    return (convolution, *_fused(case, fused))


def _transposed(case: Case) -> Operations | None:
    """Read TRANSPOSE_CONV, whose inputs are a shape, the kernel, the image and perhaps a bias."""
    weights = case.parameter(case.input(1), "filter")
    stride = (case.option(2, "i"), case.option(1, "i"))
    if weights is None or len(weights.shape) != 4 or min(stride) < 1:
        return None
    size, made = weights.shape[1:3], case.shape(case.output) or ()
    same = case.option(0) == 0
    spare = [max(k - s, 0) if same else 0 for k, s in zip(size, stride, strict=True)]
    lengths = tuple(n for n in made[2:] if n is not None)
    convolution = Convolution(
        weights=weights,
        axes="orci",
        flip_filters=False,
        bias=case.parameter(case.input(3), "bias"),
        stride=stride,
        pad=tuple((one // 2, one - one // 2) for one in spare),
        groups=1,
        transposed=True,
        output_size=lengths if len(lengths) == 2 else None,
    )
    return (convolution, *_fused(case, 3))


def _from_depth(case: Case) -> Operations | None:
    return from_depth(case.first, case.option(0, "i"), channels_first=False)


def _convolution_3d(case: Case) -> Operations | None:
    weights = case.parameter(case.input(1), "filter")
    stride = (case.option(1, "i"), case.option(3, "i"), case.option(2, "i"))
    if weights is None or len(weights.shape) != 5 or min(stride) < 1:
        return None
    pad = ((0, 0),) * 3 if case.option(0) == 1 else None
    bias = case.parameter(case.input(2), "bias")
    return (
        Convolution(weights=weights, axes="drcio", flip_filters=False, bias=bias, stride=stride, pad=pad),
        *_fused(case, 4),
    )


def _dense(case: Case) -> Operations | None:
    weights = case.parameter(case.input(1), "filter")
    if weights is None or len(weights.shape) != 2:
        return None
    flat: Operations = ()
    if case.first is not None and len(case.first) == 4:
        flat = (Transpose(order=(0, 2, 3, 1)), Flatten())
    bias = case.parameter(case.input(2), "bias")
    dense = Dense(weights=weights, axes="oi", bias=bias, units=weights.shape[0])
    return (*flat, dense, *_fused(case, 0))


def _pooling(case: Case) -> Operations | None:
    kind: PoolingKind = "max" if case.operator == "MAX_POOL_2D" else "mean"
    stride = (case.option(2, "i"), case.option(1, "i"))
    size = (case.option(4, "i"), case.option(3, "i"))
    if min(*stride, *size) < 1:
        return None
    pad = _pads(case, 0, case.first, size, stride)
    if pad is None:
        return (Untold(reason="how its windows are padded depends on a size that the file leaves open"),)
    return (Pooling(kind=kind, size=size, stride=stride, pad=pad), *_fused(case, 5))


_REDUCTIONS: Mapping[str, ReductionKind] = {
    "MEAN": "mean", "SUM": "sum", "REDUCE_MAX": "max", "REDUCE_MIN": "min",
}  # fmt: skip


def _reduction(case: Case) -> Operations | None:
    kind, axes = _REDUCTIONS[case.operator], case.wholes(1)
    rank, keeps = len(case.first) if case.first is not None else 4, bool(case.option(0))
    if not axes or any(not -rank <= axis < rank for axis in axes):
        return None
    found = sorted(_axis(axis % rank, rank) for axis in axes)
    if found == [2, 3] and rank == 4 and kind != "min":
        pooled = GlobalPooling(kind=kind)  # type: ignore[arg-type]
        return (pooled, Reshape(lengths=((0,), (1,), 1, 1))) if keeps else (pooled,)
    if 0 in found or case.first is None:
        return None
    reduced = Reduction(kind=kind, axes=tuple(found), keeps=keeps)
    if keeps or rank != 4:
        return (reduced,)
    left = [axis for axis in range(4) if axis not in found]
    order = tuple(left.index(axis) for axis in _BEHIND if axis in left)
    return (reduced,) if order == tuple(range(len(order))) else (reduced, Transpose(order=order))


_BEHIND, _IN_FRONT = (0, 2, 3, 1), (0, 3, 1, 2)
"""What brings the channels of an image behind, as the file has them, and to the front again."""


_MERGES: Mapping[str, MergeKind] = {
    "ADD": "add", "SUB": "subtract", "MUL": "multiply", "DIV": "divide", "MAXIMUM": "maximum",
    "MINIMUM": "minimum",
}  # fmt: skip
_KINDS: Mapping[str, Arithmetic] = {
    "ADD": "add", "SUB": "subtract", "MUL": "multiply", "DIV": "divide", "MAXIMUM": "maximum",
    "MINIMUM": "minimum", "POW": "power",
}  # fmt: skip


def _arithmetic(case: Case) -> Operations | None:
    pairs = [(place, case.parameter(one, "constant")) for place, one in enumerate(case.inputs)]
    constants = [(place, held) for place, held in pairs if held is not None]
    fused = _fused(case, 0) if case.operator in ("ADD", "SUB", "MUL", "DIV") else ()
    if not constants:
        merge = _MERGES.get(case.operator)
        return None if merge is None else (Merge(kind=merge), *fused)
    place, held = constants[0]
    if len(constants) == 1 and len(pairs) == 2 and held.dtype.kind == "f":
        below = case.shape(case.input(1 - place))
        rank = len(held.shape) if below is None else len(below)
        axes = range(rank - len(held.shape), rank)
        along = [_axis(axis, rank) for axis in axes]
        vector = replace(held, name="beta" if case.operator in ("ADD", "SUB") else "gamma")
        found = with_constant(
            _KINDS[case.operator], vector, along, below, is_first=place == 0, name=case.operator
        )
        if found is not None and rank >= len(held.shape):
            return (*found, *fused)
    return (Untold(reason="it combines its input with a constant", keeps_places=True),)


def _axis(axis: int, rank: int) -> int:
    """Return the place among our units' axes of an axis of the file's."""
    return _BEHIND[axis] if rank == 4 and axis >= 0 else axis


def _concatenation(case: Case) -> Operations | None:
    axis, rank = case.option(0, "i"), len(case.first) if case.first is not None else 4
    if not rank:
        return None
    axis %= rank
    return (Concatenate(axis={0: 0, 1: 2, 2: 3, 3: 1}[axis] if rank == 4 else axis), *_fused(case, 1))


def _reshape(case: Case) -> Operations | None:
    made, below = case.shape(case.output), case.first
    if made is None or below is None:
        return (Untold(reason="it gives its input another shape"),)
    return _as_shape(below, made)


def _as_shape(below: Shape, made: Shape) -> Operations:
    """Return what gives units another shape, in the order in which the file has their numbers."""
    turned = (Transpose(order=_BEHIND),) if len(below) == 4 else ()
    if len(made) == 2 and (len(below) == 4 or made[:1] == below[:1]):
        return (*turned, Flatten())
    wanted = [made[place] for place in _BEHIND] if len(made) == 4 else list(made)
    lengths: list[int | tuple[int, ...]] = [-1 if one is None else one for one in wanted]
    if lengths and below and wanted[0] == below[0]:
        lengths[0] = (0,)
    if lengths.count(-1) > 1:
        return (Untold(reason="it gives its input another shape"),)
    behind = (Transpose(order=_IN_FRONT),) if len(made) == 4 else ()
    return (*turned, Reshape(lengths=tuple(lengths)), *behind)


def _transpose(case: Case) -> Operations | None:
    order, rank = case.wholes(1) or [], len(case.first) if case.first is not None else 0
    if not rank or sorted(order) != list(range(rank)):
        return None
    if rank == 4:
        order = [_BEHIND[order[place]] for place in _IN_FRONT]
    return (Transpose(order=tuple(order)),)


def _strided_slice(case: Case) -> Operations | None:
    below, made = case.first, case.shape(case.output)
    starts, stops, steps = (case.wholes(place) for place in (1, 2, 3))
    if below is None or made is None or not starts or not stops or not steps:
        return None
    if (
        not len(starts) == len(stops) == len(steps) <= len(below)
        or case.option(2, "i")
        or case.option(3, "i")
    ):
        return None
    no_start, no_stop, single = (case.option(field, "i") for field in (0, 1, 4))
    found: list[Slice] = []
    for axis, (start, stop, step) in enumerate(zip(starts, stops, steps, strict=True)):
        bit = 1 << axis
        first = None if no_start & bit else start
        last = None if no_stop & bit else stop
        if single & bit:
            first, last, step = start, (start + 1) or None, 1
        found.append(_sliced(axis, first, last, step, len(below)))
    return _cut_to(below, made, found)


def _sliced(axis: int, start: int | None, stop: int | None, step: int, rank: int) -> Slice:
    return Slice(axis=_axis(axis, rank), start=start, stop=stop, step=step)


def _cut_to(below: Shape, made: Shape, slices: Sequence[Slice]) -> Operations:
    """Return slices that keep something less, and what takes away the axes that are single."""
    shape: Shape | None = below
    kept: list[Operation] = []
    for one in slices:
        after = output_shape(one, [shape])
        if after != shape or one.step != 1:
            kept.append(one)
        shape = after
    if shape is not None and len(shape) != len(made):
        kept += _as_shape(shape, made)
    return tuple(kept) or (Identity(),)


def _slice(case: Case) -> Operations | None:
    below, made = case.first, case.shape(case.output)
    starts, sizes = case.wholes(1), case.wholes(2)
    if (
        below is None
        or made is None
        or not starts
        or not sizes
        or len(starts) != len(sizes)
        or (len(sizes) != len(below))
    ):
        return None
    ends = [None if size < 0 else start + size for start, size in zip(starts, sizes, strict=True)]
    pairs = enumerate(zip(starts, ends, strict=True))
    return _cut_to(below, made, [_sliced(axis, a, b, 1, len(below)) for axis, (a, b) in pairs])


def _split(case: Case) -> Operations | None:
    data, held = (1, case.wholes(0)) if case.operator == "SPLIT" else (0, case.wholes(2))
    below = case.shape(case.input(data))
    shapes = [case.shape(one) for one in case.outputs]
    if not below or not held or any(one is None or len(one) != len(below) for one in shapes):
        return None
    rank = len(below)
    axis = _axis(held[0] % rank, rank)
    lengths = [one[axis] for one in shapes if one is not None]
    before = lengths[: case.place]
    if None in before or lengths[case.place] is None:
        return None
    start = sum(one for one in before if one is not None)
    return (Slice(axis=axis, start=start, stop=start + (lengths[case.place] or 0)),)


def _product(case: Case) -> Operations | None:
    shapes = [case.shape(one) for one in case.inputs]
    if len(shapes) != 2 or any(one is None or len(one) != 3 for one in shapes):
        return None
    if any(case.parameter(one, "constant") is not None for one in case.inputs):
        return None
    return (MatrixProduct(turned=(bool(case.option(0)), bool(case.option(1)))),)


def _pad(case: Case) -> Operations | None:
    pads, rank = case.wholes(1), len(case.first) if case.first is not None else 4
    value: float | None = 0.0
    if case.operator == "PADV2":
        held = case.constant(case.input(2))
        value = held[0] if held else None
    if pads is None or value is None or len(pads) != 2 * rank:
        return None
    if case.operator == "MIRROR_PAD" and case.option(0):
        return None
    pairs = {_axis(axis, rank): (pads[2 * axis], pads[2 * axis + 1]) for axis in range(rank)}
    mode: PadMode = "reflect" if case.operator == "MIRROR_PAD" else "constant"
    return padded([pairs[axis] for axis in range(rank)], value, mode)


def _resize(case: Case) -> Operations | None:
    before, after = case.first, case.shape(case.output)
    if before is None or after is None or len(before) != 4 or len(after) != 4:
        return None
    pairs = [(n, m) for n, m in zip(before[2:], after[2:], strict=True) if n and m]
    if len(pairs) < 2:
        return None
    if case.operator == "RESIZE_BILINEAR":
        middles, ends = bool(case.option(3)), bool(case.option(2))
        how: Coordinates = "align_corners" if ends else "half_pixel" if middles else "asymmetric"
        return (Resize(size=tuple(m for _, m in pairs), coordinates=how),)
    if any(m % n for n, m in pairs) or case.option(0):
        return None
    return (Upscale(scale=tuple(m // n for n, m in pairs)),)


def _identity(case: Case) -> Operations | None:
    return (Identity(what=case.operator),)


def _keeps_places(case: Case) -> Operations | None:
    return (Untold(reason=f"filtviz does not follow the operator {case.operator}", keeps_places=True),)


def _recurrent(case: Case) -> Operations | None:
    return (Recurrent(kind=case.operator),)


_PLAIN: Mapping[str, ActivationKind] = {
    "RELU": "rectify", "LOGISTIC": "sigmoid", "TANH": "tanh", "HARD_SWISH": "hard_swish", "GELU": "gelu",
    "EXP": "exp", "ELU": "elu", "ABS": "absolute", "LOG": "log", "SIN": "sin", "COS": "cos",
}  # fmt: skip


_POWERS = {"SQRT": 0.5, "RSQRT": -0.5, "SQUARE": 2.0}


def _activation(case: Case) -> Operations | None:
    if case.operator == "RELU_N1_TO_1":
        return clipped(-1.0, 1.0, case.operator)
    if case.operator in _POWERS:
        return (Activation(kind="power", name=case.operator, alpha=_POWERS[case.operator]),)
    if case.operator == "RELU6":
        return _FUSED[3]
    if case.operator == "GELU" and case.option(0):
        return (Activation(kind="gelu_tanh", name=case.operator),)
    if case.operator == "LEAKY_RELU":
        return (Activation(kind="leaky_rectify", name=case.operator, alpha=case.option(0, "f", 0.0)),)
    if case.operator == "PRELU":
        slopes = case.parameter(case.input(1), "alpha")
        if slopes is None or slopes.shape[-1:] != (slopes.size,):
            return (Activation(kind="untold", name=case.operator),)
        vector = Parameter(
            name="alpha",
            shape=(slopes.size,),
            dtype=slopes.dtype,
            read=lambda: slopes.value.reshape(-1),
            source=slopes.source,
        )
        return (Activation(kind="parametric_rectify", name=case.operator, slopes=vector),)
    return (Activation(kind=_PLAIN[case.operator], name=case.operator),)


def _softmax(case: Case) -> Operations | None:
    del case
    return (Softmax(),)


_BY_OPERATOR: Mapping[str, Callable[[Case], Operations | None]] = {
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D"), _convolution),
    "TRANSPOSE_CONV": _transposed,
    "DEPTH_TO_SPACE": _from_depth,
    "CONV_3D": _convolution_3d,
    "FULLY_CONNECTED": _dense,
    **dict.fromkeys(("MAX_POOL_2D", "AVERAGE_POOL_2D"), _pooling),
    **dict.fromkeys(_REDUCTIONS, _reduction),
    **dict.fromkeys(_KINDS, _arithmetic),
    "CONCATENATION": _concatenation,
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS"), _reshape),
    "TRANSPOSE": _transpose,
    "STRIDED_SLICE": _strided_slice,
    "SLICE": _slice,
    **dict.fromkeys(("SPLIT", "SPLIT_V"), _split),
    "BATCH_MATMUL": _product,
    **dict.fromkeys(("PAD", "PADV2", "MIRROR_PAD"), _pad),
    **dict.fromkeys(("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"), _resize),
    **dict.fromkeys(("DEQUANTIZE", "QUANTIZE", "CAST"), _identity),
    **dict.fromkeys((*_PLAIN, *_POWERS, "RELU6", "RELU_N1_TO_1", "LEAKY_RELU", "PRELU"), _activation),
    "NEG": lambda _: negated(),
    "SOFTMAX": _softmax,
    **dict.fromkeys(
        ("LSTM", "RNN", "UNIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_LSTM"), _recurrent
    ),
    **dict.fromkeys(("L2_NORMALIZATION", "LOG_SOFTMAX"), _keeps_places),
}
"""Operator → what reads a node of it; one that gives None, or is not here, is `Untold`."""
