"""ONNX's operators → operations: one row an operator, as https://onnx.ai/onnx/operators describes them.

To add one: one row in `_BY_OPERATOR`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from filtviz.activations import Activation, ActivationKind
from filtviz.operations import (
    Concatenate,
    Convolution,
    Dense,
    Embedding,
    Flatten,
    GlobalPooling,
    Identity,
    LocalResponse,
    MatrixProduct,
    Merge,
    MergeKind,
    Normalisation,
    PadMode,
    Pads,
    Pooling,
    PoolingKind,
    Recurrent,
    Reduction,
    ReductionKind,
    Reshape,
    Slice,
    Softmax,
    Standardisation,
    Transpose,
    Untold,
)
from filtviz.parameter import Parameter, Shape
from filtviz.reading.arithmetic import Arithmetic, clipped, negated, padded, with_constant
from filtviz.reading.formats.onnx.cases import FEW, Case, Constant, Operations, scale_of
from filtviz.reading.formats.onnx.sizes import known_shape, upscale
from filtviz.reading.layering import from_depth
from filtviz.reading.quantised import Scale, scaled
from filtviz.shapes import same_padding

__all__ = ["operations_of"]

_AXES = {3: "oic", 4: "oirc", 5: "oidrc"}
_FEWEST_AXES = 2


def operations_of(case: Case) -> Operations:
    """Return what a node does."""
    row = _BY_OPERATOR.get(case.operator)
    if case.computed(0) is not None:
        word = case.operator or "an operator without a name"
        return (Untold(reason=f"it computes with shapes in a way that filtviz does not follow ({word})"),)
    if case.operator == "QLinearConv":
        case = _before_rounding(case)
    found = (row(case) if row is not None else None) or ()
    scales = {id(one.parameter): one.scale for one in case.given if one is not None}
    found = scaled(found, lambda weights: scales.get(id(weights)))
    return found or (Untold(reason=f"filtviz does not follow the operator {case.operator}"),)


# What has weights


def _convolution(case: Case, weights: int = 1, bias: int = 2) -> Operations | None:
    kernel = case.constant(weights)
    if kernel is None or len(kernel.shape) not in _AXES:
        return (Untold(reason="its weights are no constant of the file"),)
    transposed = case.operator == "ConvTranspose"
    usual = _AXES[len(kernel.shape)]
    if transposed:
        usual = usual.replace("oi", "io")
    size = kernel.shape[2:]
    stride = _lengths(case, "strides", len(size))
    dilation = _lengths(case, "dilations", len(size))
    spread = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    pad = _cropped(case, spread, stride) if transposed else _pads(case, spread, stride)
    convolution = Convolution(
        weights=kernel.parameter,
        axes=_stored_axes(usual, kernel.order),
        flip_filters=False,
        bias=case.parameter(bias),
        stride=stride,
        pad=pad,
        dilation=dilation if any(d != 1 for d in dilation) else (),
        groups=case.attributes.integer("group", 1),
        transposed=transposed,
        output_size=_asked_size(case, spread, stride) if transposed else None,
    )
    fused = case.attributes.text("activation")
    return (convolution, *(_named_activation(fused, case) if fused else ()))


def _stored_axes(usual: str, order: tuple[int, ...] | None) -> str:
    """Return the axes of an array as stored, whose transposed has the ``usual`` ones."""
    if order is None:
        return usual
    letters = dict(zip(order, usual, strict=True))
    return "".join(letters[place] for place in range(len(usual)))


def _lengths(case: Case, name: str, n: int) -> tuple[int, ...]:
    found = tuple(case.attributes.integers(name) or ())
    return found if len(found) == n and min(found) > 0 else (1,) * n


def _pads(case: Case, spread: Sequence[int], stride: Sequence[int]) -> Pads | None:
    """Return the padding: as it is said, or as ``auto_pad`` makes it for the input's size."""
    n, how = len(spread), case.attributes.text("auto_pad", "NOTSET")
    if how == "VALID":
        return ((0, 0),) * n
    if how in ("SAME_UPPER", "SAME_LOWER"):
        lengths = case.first[2:] if case.first is not None and len(case.first) == n + 2 else (None,) * n
        sides = [same_padding(*facts) for facts in zip(lengths, spread, stride, strict=True)]
        if any(side is None for side in sides):
            return None
        found = [side for side in sides if side is not None]
        return tuple((b, a) if how == "SAME_UPPER" else (a, b) for b, a in found)
    said = case.attributes.integers("pads") or [0] * (2 * n)
    return tuple(zip(said[:n], said[n:], strict=True)) if len(said) == 2 * n and min(said) >= 0 else None


def _cropped(case: Case, spread: Sequence[int], stride: Sequence[int]) -> Pads | None:
    """Return what is cropped from what a transposed convolution gives."""
    if case.attributes.integers("output_shape"):
        return None  # what is cropped differs from side to side, and the operation has no word for it
    if any(case.attributes.integers("output_padding") or ()) and None in (case.first or (None,) * 3)[2:]:
        return None  # a size is to be asked for, which is not known
    how = case.attributes.text("auto_pad", "NOTSET")
    if how not in ("SAME_UPPER", "SAME_LOWER"):
        return _pads(case, spread, stride)
    sides = [max(taps - step, 0) for taps, step in zip(spread, stride, strict=True)]
    less = [(one // 2, one - one // 2) for one in sides]
    return tuple(less if how == "SAME_UPPER" else ((b, a) for a, b in less))


def _asked_size(case: Case, spread: Sequence[int], stride: Sequence[int]) -> tuple[int, ...] | None:
    """Return the size that a transposed convolution is to give, where it does not follow from its windows."""
    n = len(spread)
    asked = case.attributes.integers("output_shape")
    if asked:
        return tuple(asked[-n:]) if len(asked) >= n and min(asked) > 0 else None
    below = case.first[2:] if case.first is not None and len(case.first) == n + 2 else ()
    lengths = [length for length in below if length is not None]
    if len(lengths) < n:
        return None
    if case.attributes.text("auto_pad", "NOTSET").startswith("SAME"):
        return tuple(length * step for length, step in zip(lengths, stride, strict=True))
    added, said = case.attributes.integers("output_padding"), _pads(case, spread, stride)
    if said is None or added is None or len(added) != n or min(added) < 0 or not any(added):
        return None
    facts = zip(lengths, stride, spread, said, added, strict=True)
    return tuple((length - 1) * step - sum(ends) + taps + more for length, step, taps, ends, more in facts)


def _quantised_convolution(case: Case) -> Operations | None:
    return _convolution(case, weights=3, bias=8)


def _before_rounding(case: Case) -> Case:
    """Return QLinearConv with the scales of its arrays; its bias has those of input and weights."""
    given = [*case.given, *(None,) * (9 - len(case.given))]
    entering, scale = scale_of(given[1], given[2]), scale_of(given[4], given[5], axis=0)
    kernel, bias = given[3], given[8]
    if kernel is None or entering is None or scale is None or entering.numbers.size != 1:
        return case
    given[3] = replace(kernel, scale=scale)
    unit = Scale(numbers=scale.numbers * entering.numbers, zeros=np.zeros(1), axis=0)
    if bias is not None and unit.fits(bias.shape):
        given[8] = replace(bias, scale=unit)
    return replace(case, given=given)


def _integer_convolution(case: Case) -> Operations | None:
    return _convolution(case, weights=1, bias=99)


def _gemm(case: Case) -> Operations | None:
    weights = case.constant(1)
    if weights is None or len(weights.shape) != 2 or case.attributes.integer("transA"):
        return None
    if case.constant(0) is not None:
        return None  # of two constants, which do not fit, or take too much
    usual = "oi" if case.attributes.integer("transB") else "io"
    units, share = weights.shape[usual.index("o")], case.attributes.real("beta", 1.0)
    adds = share != 0.0 and (case.constant(2) is not None or len(case.shapes) > 1)
    bias = _added(case.constant(2), units) if adds and share == 1.0 else None
    dense = Dense(weights=weights.parameter, axes=_stored_axes(usual, weights.order), bias=bias, units=units)
    if case.attributes.real("alpha", 1.0) == 1.0 and adds == (bias is not None):
        return (dense,)
    reason = "it scales its product, or what it adds to it, in a way that is not followed"
    return (replace(dense, bias=None), Untold(reason=reason, keeps_places=True))


def _added(constant: Constant | None, units: int) -> Parameter | None:
    """Return a constant that a product gets as one number for each unit, None where it is another."""
    found = None if constant is None else _per_channel(constant, 2)
    if found is None or found.size != 1 or units == 1:
        return found
    return replace(found, shape=(units,), read=lambda: np.repeat(found.value, units))


def _matmul(case: Case) -> Operations | None:
    weights = case.constant(1)
    if weights is None and known_shape(case) is not None:
        return (MatrixProduct(),)
    if weights is None or len(weights.shape) != 2 or case.constant(0) is not None:
        return None
    axes = _stored_axes("io", weights.order)
    leading = 1 if case.first is not None and len(case.first) == 2 else -1
    return (Dense(weights=weights.parameter, axes=axes, units=weights.shape[1], leading_axes=leading),)


def _batch_normalisation(case: Case) -> Operations | None:
    gamma, beta, mean, variance = (case.parameter(place) for place in (1, 2, 3, 4))
    if variance is None:
        return (Untold(reason="its statistics are no constants of the file", keeps_places=True),)
    epsilon = case.attributes.real("epsilon", 1e-5)
    return (
        Normalisation(
            mean=mean, spread=variance, spread_is="variance", epsilon=epsilon, gamma=gamma, beta=beta
        ),
    )


def _per_channel(constant: Constant, rank: int | None) -> Parameter | None:
    """Return a constant that holds one number for each channel as a vector, None where it is another."""
    shape = constant.shape
    if constant.order is not None or rank is None:
        return None
    full = (1,) * (rank - len(shape)) + shape
    if len(full) != rank or rank < 2 or any(n != 1 for axis, n in enumerate(full) if axis != 1):
        return None
    held = constant.real
    if len(shape) == 1:
        return held
    return Parameter(
        name=held.name,
        shape=(full[1],),
        dtype=held.dtype,
        read=lambda: held.value.reshape(-1),
        source=held.source,
    )


def _arithmetic(case: Case) -> Operations | None:
    constants = [one for one in case.given if one is not None]
    kind, merge = _KINDS.get(case.operator), _MERGES.get(case.operator)
    if any(one is not None for one in case.lengths):
        return (Untold(reason="it combines its input with the size of something", keeps_places=True),)
    if len(constants) + len(case.shapes) < len(case.given):
        return (Untold(reason="it combines its input with something that is not followed"),)
    if not constants and merge is not None:
        return (Merge(kind=merge),)
    if len(constants) == 1 and len(case.given) == 2 and kind is not None:
        is_first = case.given[0] is not None
        if (found := _with_constant(case, kind, constants[0], is_first=is_first)) is not None:
            return found
    what = (
        "it combines its input with a constant" if constants else f"filtviz does not follow {case.operator}"
    )
    keeps = case.opset < _SPREADS or _spreads_into(constants, case.first)
    return (Untold(reason=what, keeps_places=keeps),)


_MERGES: Mapping[str, MergeKind] = {
    "Add": "add", "Sum": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide", "Max": "maximum",
    "Min": "minimum", "Mean": "mean",
}  # fmt: skip
_KINDS: Mapping[str, Arithmetic] = {
    "Add": "add", "Sum": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide", "Max": "maximum",
    "Min": "minimum", "Pow": "power",
}  # fmt: skip


def _with_constant(case: Case, kind: Arithmetic, constant: Constant, *, is_first: bool) -> Operations | None:
    rank, held = None if case.first is None else len(case.first), constant.real
    n = len(constant.shape)
    if rank is None and held.size != 1:
        return None
    first = (n if rank is None else rank) - n
    if case.opset < _SPREADS and n:
        # Until then a node says along which axis a shorter array stands.
        first = case.axis(first)
    if first < 0:
        return None
    if constant.order is not None:
        order, straight = constant.order, held
        held = replace(held, shape=constant.shape, read=lambda: straight.value.transpose(order))
    along = range(first, first + n)
    return with_constant(kind, held, along, case.first, is_first=is_first, name=case.operator)


_SPREADS = 7
"""The version of the operators since which arrays spread as numpy's do."""


def _spreads_into(constants: Sequence[Constant], below: Shape | None) -> bool:
    """Tell whether an array of this shape stays as large as it is when constants are added to it."""
    if below is None:
        return all(len(one.shape) < _FEWEST_AXES for one in constants)
    return all(
        len(one.shape) <= len(below)
        and all(
            wide in (1, length) for wide, length in zip(reversed(one.shape), reversed(below), strict=False)
        )
        for one in constants
    )


def _gather(case: Case) -> Operations | None:
    table, index = case.constant(0), case.constant(1)
    along = case.attributes.integer("axis")
    if table is not None and len(table.shape) == 2 and table.order is None and along in (0, -2):
        return (Embedding(weights=table.parameter),)
    places = index.integers() if index is not None else None
    if places is not None and index is not None and index.shape == ():
        return (Slice(axis=case.axis(0), index=places[0]),)
    return None


def _recurrent(case: Case) -> Operations | None:
    return (Recurrent(kind=case.operator, units=case.attributes.integer("hidden_size") or None),)


# What has none


def _pooling(case: Case) -> Operations | None:
    kind: PoolingKind = "max" if case.operator == "MaxPool" else "mean"
    size = tuple(case.attributes.integers("kernel_shape") or ())
    if not size or min(size) < 1:
        return None
    stride, dilation = _lengths(case, "strides", len(size)), _lengths(case, "dilations", len(size))
    spread = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    pad = _pads(case, spread, stride)
    if pad is None:
        return (Untold(reason="its windows are padded in a way that the file leaves open"),)
    return (
        Pooling(
            kind=kind,
            size=size,
            stride=stride,
            pad=pad,
            whole_windows=not case.attributes.integer("ceil_mode"),
            counts_pad=bool(case.attributes.integer("count_include_pad")),
            dilation=dilation if any(d != 1 for d in dilation) else (),
        ),
    )


def _global_pooling(case: Case) -> Operations | None:
    kind: PoolingKind = "max" if "Max" in case.operator else "mean"
    return (GlobalPooling(kind=kind), _ones_behind(case))


def _ones_behind(case: Case) -> Reshape:
    """Return what keeps the axes that were pooled, with length 1."""
    n_spatial = len(case.first) - 2 if case.first is not None else 2
    return Reshape(lengths=((0,), (1,), *((1,) * n_spatial)))


def _reduction(case: Case) -> Operations | None:
    axes, rank = case.integers("axes", 1), 4 if case.first is None else len(case.first)
    keeps = bool(case.attributes.integer("keepdims", 1))
    kind = _REDUCTIONS[case.operator]
    if not axes or any(not -rank <= axis < rank for axis in axes):
        return None
    found = sorted(axis % rank for axis in axes)
    if found == list(range(2, rank)) and kind in ("mean", "max", "sum"):
        pooled = GlobalPooling(kind=kind)
        return (pooled, _ones_behind(case)) if keeps else (pooled,)
    if 0 in found or case.first is None:
        return None
    return (Reduction(kind=kind, axes=tuple(found), keeps=keeps),)


_REDUCTIONS: Mapping[str, ReductionKind] = {
    "ReduceMean": "mean", "ReduceMax": "max", "ReduceSum": "sum", "ReduceMin": "min", "ReduceL2": "euclidean",
}  # fmt: skip


def _concat(case: Case) -> Operations | None:
    if any(one is not None for one in (*case.given, *case.lengths)):
        return (Untold(reason="it joins its input with a constant"),)
    return (Concatenate(axis=case.axis(1)),)


def _flatten(case: Case) -> Operations | None:
    return (Flatten(keep=case.axis(1)),)


def _reshape(case: Case) -> Operations | None:
    if (held := case.computed(1)) is not None:
        wanted = held.as_reshape(case.first, case.layer)
        return (
            None
            if wanted is None
            else (Reshape(lengths=tuple(map(_zero_stays, wanted, range(len(wanted))))),)
        )
    lengths = case.integers("shape", 1)
    if lengths is None or any(length < -1 for length in lengths):
        return None
    return (Reshape(lengths=tuple((axis,) if n == 0 else n for axis, n in enumerate(lengths))),)


def _zero_stays(length: int | tuple[int, ...], axis: int) -> int | tuple[int, ...]:
    return (axis,) if length == 0 else length


def _transpose(case: Case) -> Operations | None:
    order = case.attributes.integers("perm")
    return None if not order or sorted(order) != list(range(len(order))) else (Transpose(order=tuple(order)),)


def _unsqueeze(case: Case) -> Operations | None:
    axes = case.integers("axes", 1)
    if axes is None or case.first is None or not axes or len(axes) > FEW:
        return None
    rank = len(case.first) + len(axes)
    new = {axis % rank for axis in axes if -rank <= axis < rank}
    if len(new) != len(axes):
        return None
    rest = iter(range(len(case.first)))
    return (Transpose(order=tuple(None if place in new else next(rest) for place in range(rank))),)


def _squeeze(case: Case) -> Operations | None:
    axes, rank = case.integers("axes", 1), 0 if case.first is None else len(case.first)
    if axes is None or case.first is None or any(not -rank <= axis < rank for axis in axes):
        return None
    gone = {axis % rank for axis in axes}
    return (Reshape(lengths=tuple((place,) for place in range(rank) if place not in gone)),)


def _pad(case: Case) -> Operations | None:
    pads = case.integers("pads", 1) or case.attributes.integers("paddings")
    constant = case.constant(2)
    value = constant.numbers() if constant is not None else [case.attributes.real("value", 0.0)]
    mode = _PAD_MODES.get(case.attributes.text("mode", "constant"))
    if not pads or value is None or mode is None or len(pads) % 2:
        return None
    pairs = list(zip(pads[: len(pads) // 2], pads[len(pads) // 2 :], strict=True))
    if (axes := case.integers("axes", 3)) is not None:
        rank = 0 if case.first is None else len(case.first)
        if len(axes) != len(pairs) or any(not -rank <= axis < rank for axis in axes):
            return None
        said = {axis % rank: pair for axis, pair in zip(axes, pairs, strict=True)}
        pairs = [said.get(axis, (0, 0)) for axis in range(rank)]
    return padded(pairs, value[0] if value else 0.0, mode)


_PAD_MODES: Mapping[str, PadMode] = {"constant": "constant", "reflect": "reflect", "edge": "edge"}


_OPEN = 1 << 30
"""A stop that stands for the end, whatever the length."""


def _slice(case: Case) -> Operations | None:
    starts, stops = case.integers("starts", 1), case.integers("ends", 2)
    if not starts or not stops or len(starts) != len(stops) or case.first is None:
        return None
    rank = len(case.first)
    axes = case.integers("axes", 3) or list(range(len(starts)))
    steps = case.integers("steps", 4) or [1] * len(starts)
    inside = all(-rank <= axis < rank for axis in axes)
    if not len(axes) == len(steps) == len(starts) or not inside:
        return None
    return tuple(
        Slice(axis=axis % rank, start=start, stop=None if abs(stop) >= _OPEN else stop, step=step)
        for axis, start, stop, step in zip(axes, starts, stops, steps, strict=True)
    )


def _split(case: Case) -> Operations | None:
    sizes, axis = case.integers("split", 1), case.axis(0)
    if sizes is None or case.output >= len(sizes) or min(sizes) < 0:
        return (Slice(axis=axis, is_told=False),)
    start = sum(sizes[: case.output])
    return (Slice(axis=axis, start=start, stop=start + sizes[case.output]),)


def _softmax(case: Case) -> Operations | None:
    return (Softmax(axis=case.axis(1 if case.opset < 13 else -1)),)


def _local_response(case: Case) -> Operations | None:
    size = case.attributes.integer("size", 1)
    alpha, beta = case.attributes.real("alpha", 1e-4), case.attributes.real("beta", 0.75)
    return (
        LocalResponse(alpha=alpha / max(size, 1), k=case.attributes.real("bias", 1.0), beta=beta, n=size),
    )


def _instance_normalisation(case: Case) -> Operations | None:
    return _own_norm(case)


def _layer_normalisation(case: Case) -> Operations | None:
    axis, rank = case.attributes.integer("axis", -1), None if case.first is None else len(case.first)
    if axis >= 0:
        axis = 0 if rank is None else axis - rank
    if not -FEW < axis < 0:
        return _keeps_places(case)
    return _own_norm(case, axes=tuple(range(axis, 0)), along=tuple(range(axis, 0)))


def _group_normalisation(case: Case) -> Operations | None:
    groups = case.attributes.integer("num_groups", 1)
    if groups < 1 or case.opset < _OF_CHANNELS:
        return _keeps_places(case)
    return _own_norm(case, groups=groups)


_OF_CHANNELS = 21
"""The opset from which on a group normalisation has a scale for each channel, not for each group."""


def _own_norm(case: Case, **how: Any) -> Operations:
    gamma, beta = case.parameter(1), case.parameter(2)
    told = [place for place in (1, 2) if len(case.given) > place and (case.given[place] is not None)]
    if len(told) != sum(one is not None for one in (gamma, beta)) or gamma is None:
        return _keeps_places(case) or ()
    epsilon = max(0.0, case.attributes.real("epsilon", 1e-5))
    return (Standardisation(epsilon=epsilon, gamma=gamma, beta=beta, **how),)


def _depth_to_space(case: Case) -> Operations | None:
    first = case.attributes.text("mode", "DCR") == "CRD"
    return from_depth(case.first, case.attributes.integer("blocksize"), channels_first=first)


def _identity(case: Case) -> Operations | None:
    ratio = case.attributes.real("ratio", 0.5) if case.operator == "Dropout" else None
    return (Identity(what=case.operator, rate=ratio),)


def _keeps_places(case: Case) -> Operations | None:
    return (Untold(reason=f"filtviz does not follow the operator {case.operator}", keeps_places=True),)


# Functions of a single unit

_SELU = {"alpha": 1.67326319217681884765625, "scale": 1.05070102214813232421875}
_PLAIN: Mapping[str, ActivationKind] = {
    "Relu": "rectify", "Sigmoid": "sigmoid", "Tanh": "tanh", "Softplus": "softplus", "Softsign": "softsign",
    "Exp": "exp", "HardSwish": "hard_swish", "Gelu": "gelu", "Swish": "swish", "QuickGelu": "untold",
    "Mish": "mish", "Abs": "absolute", "Log": "log", "Erf": "erf", "Sin": "sin", "Cos": "cos",
}  # fmt: skip


def _activation(case: Case) -> Operations | None:
    return _named_activation(case.operator, case)


def _power(exponent: float) -> Callable[[Case], Operations | None]:
    return lambda case: (Activation(kind="power", name=case.operator, alpha=exponent),)


def _named_activation(operator: str, case: Case) -> Operations:
    attributes = case.attributes
    if operator == "Gelu" and attributes.text("approximate", "none") == "tanh":
        return (Activation(kind="gelu_tanh", name=operator),)
    if operator in _PLAIN:
        return (Activation(kind=_PLAIN[operator], name=operator),)
    if operator == "LeakyRelu":
        numbers = attributes.reals("activation_params") or [attributes.real("alpha", 0.01)]
        return (Activation(kind="leaky_rectify", name=operator, alpha=numbers[0]),)
    if operator == "Elu":
        return (Activation(kind="elu", name=operator, alpha=attributes.real("alpha", 1.0)),)
    if operator == "Selu":
        alpha, scale = attributes.real("alpha", _SELU["alpha"]), attributes.real("gamma", _SELU["scale"])
        return (Activation(kind="selu", name=operator, alpha=alpha, scale=scale),)
    if operator == "Clip":
        return _clip(case)
    if operator == "HardSigmoid" and attributes.real("beta", 0.5) == 0.5:
        slope = attributes.real("alpha", 0.2)
        usual = abs(slope - 0.2) < 1e-6
        return (Activation(kind="hard_sigmoid", name=operator, scale_in=1.0 if usual else slope / 0.2),)
    if operator == "PRelu" and (slopes := case.constant(1)) is not None:
        vector = _per_channel(slopes, None if case.first is None else len(case.first))
        if vector is not None:
            return (Activation(kind="parametric_rectify", name=operator, slopes=vector),)
    return (Activation(kind="untold", name=operator),)


def _clip(case: Case) -> Operations:
    low, high = (_end(case, place, name) for place, name in ((1, "min"), (2, "max")))
    given = [case.constant(1) is not None and low is None, case.constant(2) is not None and high is None]
    found = clipped(-math.inf if low is None else low, math.inf if high is None else high, "Clip")
    if found is None or any(given) or len(case.shapes) > 1 or any(one is not None for one in case.lengths):
        return (Activation(kind="untold", name="Clip"),)
    return found


def _end(case: Case, place: int, name: str) -> float | None:
    """Return an end of Clip's range: an input since opset 11, an attribute before."""
    constant = case.constant(place)
    if constant is not None:
        found = constant.numbers()
        return found[0] if found else None
    return case.attributes.real(name, 0.0) if name in case.attributes.by_name else None


_BY_OPERATOR: Mapping[str, Callable[[Case], Operations | None]] = {
    **dict.fromkeys(("Conv", "ConvTranspose", "FusedConv"), _convolution),
    "ConvInteger": _integer_convolution,
    "QLinearConv": _quantised_convolution,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "BatchNormalization": _batch_normalisation,
    **dict.fromkeys(("Add", "Sum", "Sub", "Mul", "Div", "Max", "Min", "Mean", "Pow"), _arithmetic),
    "Gather": _gather,
    **dict.fromkeys(("LSTM", "GRU", "RNN"), _recurrent),
    **dict.fromkeys(("MaxPool", "AveragePool"), _pooling),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), _global_pooling),
    **dict.fromkeys(_REDUCTIONS, _reduction),
    "Concat": _concat,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Pad": _pad,
    "Slice": _slice,
    "Split": _split,
    **dict.fromkeys(("Upsample", "Resize"), upscale),
    "Softmax": _softmax,
    "LRN": _local_response,
    "InstanceNormalization": _instance_normalisation,
    "LayerNormalization": _layer_normalisation,
    "GroupNormalization": _group_normalisation,
    "DepthToSpace": _depth_to_space,
    **{name: _power(exponent) for name, exponent in (("Sqrt", 0.5), ("Reciprocal", -1.0))},
    "Neg": lambda _: negated(),
    **dict.fromkeys(
        ("Identity", "Dropout", "Cast", "QuantizeLinear", "DequantizeLinear"), _identity
    ),
    **dict.fromkeys(
        (*_PLAIN, "LeakyRelu", "Elu", "Selu", "Clip", "HardSigmoid", "PRelu", "Celu"),
        _activation,
    ),
    **dict.fromkeys(
        (
            "LogSoftmax", "LpNormalization", "Floor", "Ceil", "Round",
        ),
        _keeps_places,
    ),
}  # fmt: skip
"""Operator → what reads a node of it; one that gives None, or is not here, is `Untold`."""
