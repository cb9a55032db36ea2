"""PyTorch's modules → operations: one row a class of ``torch.nn``.

A class is looked up by its bare name and only where it is PyTorch's own, or one of torchvision's that are
here; a convolution is one by its attributes, whatever its class is called. A class that is not here is
`Untold`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from filtviz.activations import Activation, ActivationKind
from filtviz.operations import (
    LONGEST,
    USUAL_AXES,
    Convolution,
    Dense,
    Embedding,
    Flatten,
    GlobalPooling,
    Identity,
    LocalResponse,
    Normalisation,
    Operation,
    Pad,
    PadMode,
    Pads,
    Pooling,
    PoolingKind,
    Recurrent,
    Reshape,
    Resize,
    Softmax,
    Standardisation,
    Untold,
    Upscale,
)
from filtviz.parameter import Parameter
from filtviz.shapes import same_lengths
from filtviz.text import printable

__all__ = ["CHAINS", "Module", "is_loss", "operations_of_module"]

Operations = tuple[Operation, ...]

_OWN = ("torch.nn.", "torchvision.ops.", "torch.ao.nn.", "torch.nn.quantized.")
_SELU = {"alpha": 1.6732632423543772, "scale": 1.0507009873554805}

CHAINS = frozenset(
    {
        "torch.nn.modules.container.Sequential", "torchvision.ops.misc.Conv2dNormActivation",
        "torchvision.ops.misc.Conv3dNormActivation", "torchvision.ops.misc.ConvNormActivation",
        "torchvision.ops.misc.MLP", "torchvision.models.mobilenet.ConvBNReLU",
        "torchvision.models.mobilenetv2.ConvBNReLU", "torchvision.models.mobilenetv2.ConvBNActivation",
    }
)  # fmt: skip
"""Classes whose parts feed each other in order."""


@dataclass(frozen=True, kw_only=True)
class Module:
    """What a row works on: a module's class, its attributes that are plain values, its parameters by name."""

    path: str
    facts: Mapping[str, Any]
    parameters: Mapping[str, Parameter]

    @property
    def type(self) -> str:
        """The bare name of the class."""
        return self.path.rpartition(".")[2] or "Module"

    @property
    def is_torchs(self) -> bool:
        """Whether the class is PyTorch's own, so that its attributes are all that there is to it."""
        return self.path.startswith(_OWN)

    def wholes(self, name: str, n: int) -> tuple[int, ...] | None:
        """Return an attribute that is n whole numbers, or one for each axis."""
        value = self.facts.get(name)
        if type(value) is int:
            return (value,) * n
        if type(value) is tuple and len(value) == n and all(type(part) is int for part in value):
            return value
        return None

    def whole(self, name: str) -> int | None:
        """Return an attribute that is a whole number above zero."""
        value = self.facts.get(name)
        return value if type(value) is int and value > 0 else None

    def number(self, name: str, default: float) -> float:
        """Return an attribute that is a number, else ``default``."""
        value = self.facts.get(name)
        return float(value) if isinstance(value, int | float) and type(value) is not bool else default


def is_loss(path: str) -> bool:
    """Tell a class that is no part of a network."""
    return path.startswith("torch.nn.modules.loss.")


def operations_of_module(module: Module) -> Operations:
    """Return what a module does, one operation after another."""
    weight = module.parameters.get("weight")
    if weight is not None and _is_convolution(module, weight):
        return _convolution(module, weight, len(weight.shape) - 2)
    row = _BY_CLASS.get(module.type) if module.is_torchs else None
    if row is not None:
        return row(module)
    return (Untold(reason=f"nothing is known of its class {printable(module.type, 40)}"),)


# Convolutions

_AXES_IN_NAME = re.compile(r"([123])d", re.IGNORECASE)


def _is_convolution(module: Module, weight: Parameter) -> bool:
    """Tell a convolution by its attributes or by what its class is called, whoever wrote that."""
    n = len(weight.shape) - 2
    of_axes = _AXES_IN_NAME.search(module.type)
    called = "conv" in module.type.lower() or "stride" in module.facts
    called = called or _is_a_kernel_of_ones_own(module, weight)
    return called and n in (1, 2, 3) and (of_axes is None or int(of_axes[1]) == n)


_LARGEST_OF_ONES_OWN = 32
"""Rows and columns up to which four axes of a class that is not PyTorch's are kernels."""


def _is_a_kernel_of_ones_own(module: Module, weight: Parameter) -> bool:
    """Tell weights of four axes that end in those of a window, in a class that somebody has written."""
    return not module.is_torchs and len(weight.shape) == 4 and max(weight.shape[2:]) <= _LARGEST_OF_ONES_OWN


def _convolution(module: Module, weight: Parameter, n: int) -> Operations:
    """Return a convolution; one of a class that is not PyTorch's may pad in a way of its own."""
    stride, dilation = module.wholes("stride", n), module.wholes("dilation", n) or (1,) * n
    groups, transposed = module.facts.get("groups"), module.facts.get("transposed") is True
    known = same_lengths(weight.shape[2:], stride, dilation)
    found = Convolution(
        weights=weight,
        axes=_axes(weight, groups if transposed else None),
        flip_filters=False,
        bias=module.parameters.get("bias"),
        stride=stride if known else None,
        pad=_pads(module, weight.shape[2:], dilation) if known and module.is_torchs else None,
        dilation=dilation if known and max(dilation) > 1 else (),
        groups=module.whole("groups"),
        transposed=transposed,
    )
    mode = module.facts.get("padding_mode", "zeros")
    if mode != "zeros" and any(any(pad) for pad in found.pad or ()):
        return (_in_place(f"it pads its input by the rule {printable(mode, 20)}"), found)
    return (found,)


def _axes(weight: Parameter, groups: Any) -> str:
    """Return the axes of a kernel; ``groups`` are those of a transposed convolution, None of another one.

    A transposed one has channels first, except where each channel has one filter of its own.
    """
    usual = USUAL_AXES[len(weight.shape)]
    is_depthwise = weight.shape[1] == 1 and groups == weight.shape[0] > 1
    return usual if groups is None or is_depthwise else f"io{usual[2:]}"


def _pads(module: Module, size: tuple[int, ...], dilation: tuple[int, ...]) -> Pads | None:
    word = module.facts.get("padding")
    if word == "valid":
        return tuple((0, 0) for _ in size)
    if word == "same":
        spans = [d * (k - 1) for k, d in zip(size, dilation, strict=True)]
        return tuple((span // 2, span - span // 2) for span in spans)
    given = module.wholes("padding", len(size))
    more = module.wholes("output_padding", len(size)) or (0,) * len(size)
    if given is None or min(given) < 0:
        return None
    if module.facts.get("transposed") is not True:
        return tuple((p, p) for p in given)
    pads = tuple((p, p - extra) for p, extra in zip(given, more, strict=True))
    return pads if min(after for _, after in pads) >= 0 else None


def _dense(module: Module) -> Operations:
    weight = module.parameters.get("weight")
    units = module.whole("out_features")
    if weight is not None and len(weight.shape) == 2:
        units = weight.shape[0]
    dense = Dense(weights=weight, axes="oi", bias=module.parameters.get("bias"), units=units)
    return (dense,)


def _embedding(module: Module) -> Operations:
    return (Embedding(weights=module.parameters.get("weight")),)


def _recurrent(module: Module) -> Operations:
    return (Recurrent(kind=module.type, units=module.whole("hidden_size")),)


# Normalisation


def _batch_norm(module: Module) -> Operations:
    found = module.parameters
    if "running_mean" not in found or "running_var" not in found:
        return (_in_place("it divides by the deviation of its own input"),)
    normalisation = Normalisation(
        mean=found["running_mean"],
        spread=found["running_var"],
        spread_is="variance",
        epsilon=max(0.0, module.number("eps", 1e-5)),
        gamma=found.get("weight"),
        beta=found.get("bias"),
    )
    return (normalisation,)


def _instance_norm(module: Module) -> Operations:
    if "running_var" in module.parameters:  # with statistics of the training data, as at test time
        return _batch_norm(module)
    return (_standardisation(module, groups=0),)


def _group_norm(module: Module) -> Operations:
    groups = module.whole("num_groups")
    if groups is None:
        return (_in_place("the file does not tell its groups"),)
    return (_standardisation(module, groups=groups),)


def _layer_norm(module: Module) -> Operations:
    shape = module.facts.get("normalized_shape")
    n = len(shape) if isinstance(shape, tuple | list) else 0
    if not 0 < n <= _FEW_AXES:
        return (_in_place("the file does not tell its axes"),)
    axes = tuple(range(-n, 0))
    return (_standardisation(module, axes=axes, along=axes),)


_FEW_AXES = 8


def _standardisation(module: Module, **how: Any) -> Standardisation:
    epsilon, found = max(0.0, module.number("eps", 1e-5)), module.parameters
    return Standardisation(epsilon=epsilon, gamma=found.get("weight"), beta=found.get("bias"), **how)


def _local_response(module: Module) -> Operations:
    size = module.whole("size")
    if size is None:
        return (_in_place("the file does not tell its constants"),)
    alpha, k, beta = module.number("alpha", 1e-4), module.number("k", 1.0), module.number("beta", 0.75)
    return (LocalResponse(alpha=alpha / size, k=k, beta=beta, n=size),)


def _in_place(reason: str) -> Untold:
    return Untold(reason=reason, keeps_places=True)


# Pooling


def _pool(kind: PoolingKind, n: int) -> Callable[[Module], Operations]:
    def row(module: Module) -> Operations:
        size = module.wholes("kernel_size", n)
        stride = module.wholes("stride", n) or size
        pad, dilation = module.wholes("padding", n), module.wholes("dilation", n) or (1,) * n
        if size is None or stride is None or pad is None or min(pad) < 0:
            return (Untold(reason="the file does not tell the window that it pools over"),)
        if not same_lengths(size, stride, dilation):
            return (Untold(reason="the file does not tell the window that it pools over"),)
        if module.facts.get("divisor_override") is not None:
            return (Untold(reason="it divides by a number of its own"),)
        pooling = Pooling(
            kind=kind,
            name=module.type,
            size=size,
            stride=stride,
            pad=tuple((p, p) for p in pad),
            whole_windows=module.facts.get("ceil_mode") is not True,
            counts_pad=kind == "mean" and module.facts.get("count_include_pad") is not False,
            dilation=dilation if set(dilation) != {1} else (),
        )
        return (pooling,)

    return row


def _global_pool(kind: PoolingKind, n: int) -> Callable[[Module], Operations]:
    def row(module: Module) -> Operations:
        if module.wholes("output_size", n) != (1,) * n:
            return (Untold(reason="it pools to a size that is the same for every input"),)
        return (GlobalPooling(kind=kind, name=module.type), Reshape(lengths=((0,), (1,), *(1,) * n)))

    return row


# Functions of each unit


def _function(kind: ActivationKind, **numbers: float) -> Callable[[Module], Operations]:
    return lambda module: (Activation.with_numbers(kind, module.type, numbers),)


def _leaky(module: Module) -> Operations:
    alpha = module.number("negative_slope", 0.01)
    return (Activation(kind="leaky_rectify", name=module.type, alpha=alpha),)


def _parametric(module: Module) -> Operations:
    slopes = module.parameters.get("weight")
    if slopes is None:
        return (Activation(kind="untold", name="PReLU without its slopes"),)
    return (Activation(kind="parametric_rectify", name=module.type, slopes=slopes, along=(1,)),)


def _elu(module: Module) -> Operations:
    return (Activation(kind="elu", name=module.type, alpha=module.number("alpha", 1.0)),)


def _gelu(module: Module) -> Operations:
    kind: ActivationKind = "gelu_tanh" if module.facts.get("approximate") == "tanh" else "gelu"
    return (Activation(kind=kind, name=module.type),)


def _celu(module: Module) -> Operations:
    known = module.number("alpha", 1.0) == 1.0  # else it stretches its input too
    return (Activation(kind="elu" if known else "untold", name=module.type),)


def _softplus(module: Module) -> Operations:
    known = module.number("beta", 1.0) == 1.0
    return (Activation(kind="softplus" if known else "untold", name=module.type),)


def _hard_tanh(module: Module) -> Operations:
    low, high = module.number("min_val", -1.0), module.number("max_val", 1.0)
    if low == 0.0 and high > 0:
        return (Activation(kind="clipped_rectify", name=module.type, alpha=high),)
    return (Activation(kind="untold", name=module.type),)


def _softmax(module: Module) -> Operations:
    axis = module.facts.get("dim")
    return (Softmax(axis=axis),) if type(axis) is int else (_in_place("the file does not tell its axis"),)


# Shapes


def _flatten(module: Module) -> Operations:
    start, end = module.facts.get("start_dim", 1), module.facts.get("end_dim", -1)
    if type(start) is int and start >= 0 and end == -1:
        return (Flatten(keep=start),)
    return (Untold(reason="it makes one axis of some that are not the last"),)


def _upscale(module: Module) -> Operations:
    factor = module.facts.get("scale_factor")
    mode = module.facts.get("mode", "nearest")
    scales = factor if type(factor) is tuple else (factor, factor)
    sane = [each for each in scales if type(each) in (int, float) and 0 < each < LONGEST]
    whole = tuple(int(each) for each in sane if each == int(each))
    if mode == "nearest" and len(whole) == len(scales) == 2:
        return (Upscale(scale=whole),)
    linear = module.type == "UpsamplingBilinear2d" or (type(mode) is str and mode.endswith("linear"))
    real = tuple(map(float, sane))
    n = {"linear": 1, "bilinear": 2, "trilinear": 3}.get(str(mode), 2)
    real = real * n if type(factor) is not tuple and len(real) == 2 else real
    if linear and len(real[:n]) == n == (len(scales) if type(factor) is tuple else n):
        ends = module.facts.get("align_corners") is True
        return (Resize(scale=real[:n], coordinates="align_corners" if ends else "half_pixel"),)
    return (Untold(reason=f"it changes the size of its input ({printable(mode, 20)})"),)


_PAD_MODES: Mapping[str, PadMode] = {
    "Zero": "constant", "Constant": "constant", "Reflection": "reflect", "Replication": "edge",
}  # fmt: skip


def _zero_pad(n: int) -> Callable[[Module], Operations]:
    """Return a row for padding, whose numbers begin with the last axis."""

    def row(module: Module) -> Operations:
        given = module.wholes("padding", 2 * n)
        if given is None or min(given) < 0:
            return (Untold(reason="the file does not tell how much it pads"),)
        pads = tuple((given[place], given[place + 1]) for place in range(2 * n - 2, -1, -2))
        value = module.number("value", 0.0)
        mode = _PAD_MODES.get(module.type.partition("Pad")[0])
        pad = Pad(pad=pads, value=value if mode == "constant" else 0.0, mode=mode or "constant")
        return (pad, _in_place("it pads by a rule")) if mode is None else (pad,)

    return row


def _dropout(module: Module) -> Operations:
    return (Identity(what="dropout", rate=module.number("p", float("nan"))),)


_BY_CLASS: Mapping[str, Callable[[Module], Operations]] = {
    "Linear": _dense,
    "NonDynamicallyQuantizableLinear": _dense,
    "Embedding": _embedding,
    "EmbeddingBag": _embedding,
    **dict.fromkeys(("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"), _recurrent),
    **dict.fromkeys(
        ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm", "FrozenBatchNorm2d"), _batch_norm
    ),
    **dict.fromkeys(("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"), _instance_norm),
    "GroupNorm": _group_norm,
    "LayerNorm": _layer_norm,
    "RMSNorm": lambda _: (_in_place("it divides by the deviation of its own input"),),
    "LocalResponseNorm": _local_response,
    **{f"MaxPool{n}d": _pool("max", n) for n in (1, 2, 3)},
    **{f"AvgPool{n}d": _pool("mean", n) for n in (1, 2, 3)},
    **{f"AdaptiveMaxPool{n}d": _global_pool("max", n) for n in (1, 2, 3)},
    **{f"AdaptiveAvgPool{n}d": _global_pool("mean", n) for n in (1, 2, 3)},
    "ReLU": _function("rectify"),
    "ReLU6": _function("clipped_rectify", alpha=6.0),
    "LeakyReLU": _leaky,
    "PReLU": _parametric,
    "ELU": _elu,
    "CELU": _celu,
    "SELU": _function("selu", **_SELU),
    "GELU": _gelu,
    "SiLU": _function("swish"),
    "Hardswish": _function("hard_swish"),
    "Hardsigmoid": _function("hard_sigmoid", scale_in=5 / 6),
    "Mish": _function("mish"),
    "Sigmoid": _function("sigmoid"),
    "Tanh": _function("tanh"),
    "Softsign": _function("softsign"),
    "Softplus": _softplus,
    "Hardtanh": _hard_tanh,
    **dict.fromkeys(
        ("LogSigmoid", "Softshrink", "Hardshrink", "Tanhshrink", "Threshold", "RReLU"),
        _function("untold"),
    ),
    "Softmax": _softmax,
    "Softmax2d": lambda _: (Softmax(axis=1),),
    "LogSoftmax": lambda _: (_in_place("it takes the logarithm of a softmax"),),
    **dict.fromkeys(
        ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"), _dropout
    ),
    **dict.fromkeys(("Identity", "StochasticDepth"), lambda _: ()),
    "Flatten": _flatten,
    "Upsample": _upscale,
    "UpsamplingNearest2d": _upscale,
    "UpsamplingBilinear2d": _upscale,
    **{
        f"{rule}Pad{n}d": _zero_pad(n)
        for rule in ("Zero", "Constant", "Reflection", "Replication", "Circular")
        for n in (1, 2, 3)
    },
}
"""PyTorch's class → what it does."""
