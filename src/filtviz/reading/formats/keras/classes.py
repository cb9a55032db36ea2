"""Keras's layers → operations: one row a class, as https://keras.io/api/layers describes them.

Units have the channels in front here, whatever the model's data format: what a layer does to an image is the
same, and where the order of numbers counts (before a Flatten), the axes are put back first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from filtviz.activations import Activation, ActivationKind
from filtviz.operations import (
    Concatenate,
    Convolution,
    Crop,
    Dense,
    Embedding,
    Flatten,
    GlobalPooling,
    Identity,
    Merge,
    MergeKind,
    Normalisation,
    Operation,
    Pad,
    Pads,
    Pooling,
    PoolingKind,
    Recurrent,
    Reshape,
    Resize,
    Softmax,
    Standardisation,
    Transpose,
    Untold,
    Upscale,
)
from filtviz.parameter import Parameter, Shape
from filtviz.shapes import same_padding

__all__ = ["Case", "is_known", "known_classes", "name_of_today", "operations_of", "roles_of"]

Operations = tuple[Operation, ...]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a row works on: a layer's class, its configuration, its parameters, and its inputs' shapes.

    ``filters_first`` tells a kernel of Keras 1 as Theano has it: filters, channels, rows, columns. ``flips``
    is whether kernels are turned before they are used, which Theano does and no other of Keras's backends;
    None where the file does not tell which one it was.
    """

    class_name: str
    config: Mapping[str, Any]
    parameters: Mapping[str, Parameter]
    inputs: Sequence[Shape | None]
    is_keras_3: bool = True
    filters_first: bool = False
    flips: bool | None = False

    @property
    def first(self) -> Shape | None:
        """The shape of the first input, as far as it is known."""
        return self.inputs[0] if self.inputs else None

    @property
    def channels_last(self) -> bool:
        """Whether the model has the channels behind."""
        return bool(self.config.get("data_format", "channels_last") != "channels_first")

    def number(self, name: str, default: float) -> float:
        """Return a number of the configuration."""
        found = self.config.get(name)
        return found if isinstance(found, int | float) and not isinstance(found, bool) else default

    def whole(self, name: str, default: int) -> int:
        """Return a whole number of the configuration."""
        found = self.config.get(name)
        return found if type(found) is int else default

    def lengths(self, name: str, n: int, default: int = 1) -> tuple[int, ...]:
        """Return a number for each of ``n`` axes."""
        found = self.config.get(name)
        if type(found) is int:
            found = [found] * n
        if isinstance(found, list) and len(found) == n and all(type(one) is int and one > 0 for one in found):
            return tuple(found)
        return (default,) * n


_BIASED = ("kernel", "bias")
_ROLES: Mapping[str, tuple[str, ...]] = {
    "SeparableConv1D": ("depthwise_kernel", "pointwise_kernel", "bias"),
    "SeparableConv2D": ("depthwise_kernel", "pointwise_kernel", "bias"),
    "DepthwiseConv1D": _BIASED,
    "DepthwiseConv2D": _BIASED,
    "Embedding": ("embeddings",),
    "Normalization": ("mean", "variance", "count"),
    "PReLU": ("alpha",),
}


def roles_of(class_name: str, config: Mapping[str, Any], n: int) -> tuple[str, ...]:
    """Return Keras's names for the parameters of a layer, in the order in which it stores them.

    Args:
        class_name: The layer's class.
        config: Its configuration, empty where the file has none.
        n: The number of parameters that there are.
    """
    if class_name in ("BatchNormalization", "LayerNormalization", "GroupNormalization"):
        names = [name for name, has in (("gamma", "scale"), ("beta", "center")) if config.get(has, True)]
        names += ["moving_mean", "moving_variance"] if class_name == "BatchNormalization" else []
        return tuple(names[-n:])
    return _ROLES.get(class_name, _BIASED)


_OLD_NAMES = {
    "W": "kernel", "b": "bias", "gamma": "gamma", "beta": "beta", "running_mean": "moving_mean",
    "running_std": "moving_variance",
}  # fmt: skip
"""Keras 1's ends of names, such as ``convolution2d_1_W``, and today's names."""


def name_of_today(name: str) -> str:
    """Return a parameter's name as Keras calls it since its second version.

    Args:
        name: What the file calls it.
    """
    ends = (new for old, new in _OLD_NAMES.items() if name.endswith(f"_{old}") or name == old)
    return next(ends, name)


def known_classes() -> frozenset[str]:
    """Return the names of Keras's classes that filtviz knows."""
    return frozenset({*_BY_CLASS, *_ROLES})


def is_known(class_name: str) -> bool:
    """Tell whether a class is one of Keras's that filtviz knows."""
    return class_name in _BY_CLASS or class_name in _ROLES


def operations_of(case: Case) -> Operations:
    """Return what a layer does."""
    row = _BY_CLASS.get(case.class_name)
    if row is None:
        known = f"filtviz does not know the class {case.class_name}"
        return (Untold(reason=known if case.class_name else "the file does not tell its class"),)
    reason = f"filtviz does not follow {case.class_name} with these weights and settings"
    return row(case) or (Untold(reason=reason),)


# What has weights

_SPATIAL = {1: "c", 2: "rc", 3: "drc"}


def _convolution(case: Case) -> Operations | None:
    kernel = case.parameters.get("kernel") or case.parameters.get("depthwise_kernel")
    n = 0 if kernel is None else len(kernel.shape) - 2
    if kernel is None or n not in _SPATIAL:
        return None
    places = kernel.shape[2:] if case.filters_first else kernel.shape[:n]
    transposed = case.class_name.endswith("Transpose") or case.class_name.startswith("Deconvolution")
    depthwise = case.class_name.startswith("Depthwise")
    axes = _SPATIAL[n] + ("oi" if transposed else "go" if depthwise else "io")
    if case.filters_first:
        axes = ("io" if transposed else "oi") + _SPATIAL[n]
    stride, dilation = case.lengths("strides", n), case.lengths("dilation_rate", n)
    known = bool(case.config)
    groups = kernel.shape[n] if depthwise else case.lengths("groups", 1)[0] if known else None
    spread = [(k - 1) * d + 1 for k, d in zip(places, dilation, strict=True)]
    convolution = Convolution(
        weights=kernel,
        axes=axes,
        flip_filters=case.flips,
        bias=case.parameters.get("bias"),
        stride=stride if known else None,
        pad=_crop(case, spread, stride) if transposed else _pads(case, spread, stride) if known else None,
        dilation=dilation if any(one != 1 for one in dilation) else (),
        groups=groups,
        transposed=transposed,
        output_size=_transposed_size(case, spread, stride) if transposed else None,
    )
    return (convolution, *_function(case))


def _pads(case: Case, spread: Sequence[int], stride: Sequence[int]) -> Pads | None:
    how, n = case.config.get("padding", "valid"), len(spread)
    if how == "valid":
        return ((0, 0),) * n
    if how == "causal":
        return ((spread[0] - 1, 0),) if n == 1 else None
    if how != "same":
        return None
    lengths = case.first[2:] if case.first is not None and len(case.first) == n + 2 else (None,) * n
    sides = [same_padding(*facts) for facts in zip(lengths, spread, stride, strict=True)]
    found = [side for side in sides if side is not None]
    return tuple(found) if len(found) == n else None


def _crop(case: Case, spread: Sequence[int], stride: Sequence[int]) -> Pads | None:
    """Return what a transposed convolution cuts off what it spreads out."""
    if case.config.get("padding", "valid") == "valid":
        return ((0, 0),) * len(spread) if case.config else None
    spare = [max(k - s, 0) for k, s in zip(spread, stride, strict=True)]
    return tuple((one // 2, one - one // 2) for one in spare)


def _transposed_size(case: Case, spread: Sequence[int], stride: Sequence[int]) -> tuple[int, ...] | None:
    """Return the size of what comes out where a stride longer than the kernel leaves a margin."""
    lengths = case.first[2:] if case.first is not None else ()
    if all(k >= s for k, s in zip(spread, stride, strict=True)) or None in lengths:
        return None
    if len(lengths) != len(stride):
        return None
    return tuple(n * s for n, s in zip(lengths, stride, strict=True) if n is not None)


def _depthwise_part(case: Case) -> Operations | None:
    """Read the first half of a separable convolution, which has no bias and no function of its own."""
    kernel = case.parameters.get("depthwise_kernel")
    part = Case(
        class_name="DepthwiseConv2D",
        config={**case.config, "activation": "linear"} if case.config else {},
        parameters={} if kernel is None else {"kernel": kernel},
        inputs=case.inputs,
    )
    return _convolution(part)


def _pointwise_part(case: Case) -> Operations | None:
    """Read the second half of a separable convolution: 1x1, with the layer's bias and function."""
    config = {key: case.config[key] for key in ("activation", "data_format") if key in case.config}
    own = {"kernel": "pointwise_kernel", "bias": "bias"}
    parameters = {key: case.parameters[name] for key, name in own.items() if name in case.parameters}
    config = config or ({"activation": "linear"} if case.config else {})
    return _convolution(Case(class_name="Conv2D", config=config, parameters=parameters, inputs=case.inputs))


def _dense(case: Case) -> Operations | None:
    kernel = case.parameters.get("kernel")
    if kernel is None or len(kernel.shape) != 2:
        return None
    dense = Dense(
        weights=kernel,
        axes="io",
        bias=case.parameters.get("bias"),
        units=kernel.shape[1],
        per_position=case.first is not None and len(case.first) > 2,
    )
    return (dense, *_function(case))


def _batch_normalisation(case: Case) -> Operations | None:
    held = case.parameters
    if "moving_variance" not in held:
        return None
    return (
        Normalisation(
            mean=held.get("moving_mean"),
            spread=held["moving_variance"],
            spread_is="variance",
            epsilon=case.number("epsilon", 1e-3),
            gamma=held.get("gamma"),
            beta=held.get("beta"),
        ),
    )


def _rescaling(case: Case) -> Operations | None:
    """Multiply by ``scale``, add ``offset``: numbers, or one for each channel."""
    told = [case.config.get(name, default) for name, default in (("scale", 1.0), ("offset", 0.0))]
    if not case.config or not all(map(_are_numbers, told)):
        return _keeps_places(case)
    try:
        arrays = np.broadcast_arrays(*(np.atleast_1d(np.asarray(one, np.float64)) for one in told))
    except (ValueError, OverflowError):  # for different channels, or no numbers of a computer
        return _keeps_places(case)
    gamma, beta = (Parameter.of(name, one) for name, one in zip(("scale", "offset"), arrays, strict=True))
    return (Normalisation(gamma=gamma, beta=beta, is_batch=False),)


def _are_numbers(given: object) -> bool:
    numbers = given if isinstance(given, list) else [given]
    plain = all(isinstance(one, int | float) and not isinstance(one, bool) for one in numbers)
    return 0 < len(numbers) <= MOST_CHANNELS and plain


MOST_CHANNELS = 4096
"""Of images whose channels are rescaled each by itself."""


def _standardisation(case: Case) -> Operations | None:
    """Subtract the mean of each channel and divide by the root of its variance."""
    mean, variance = (case.parameters.get(name) for name in ("mean", "variance"))
    is_last = case.config.get("axis", -1) in (-1, [-1], 3, [3])
    known = mean is not None and variance is not None and len(mean.shape) == 1 == len(variance.shape)
    if not known or not is_last or case.config.get("invert"):
        return _keeps_places(case)
    return (Normalisation(mean=mean, spread=variance, spread_is="variance", is_batch=False),)


def _layer_normalisation(case: Case) -> Operations | None:
    """Standardise each position over its channels; over other axes it is not followed."""
    if not _is_over_channels(case) or case.config.get("rms_scaling"):
        return _keeps_places(case)
    return (_own_norm(case, axes=(1,)),)


def _group_normalisation(case: Case) -> Operations | None:
    groups = case.whole("groups", 32)
    if not _is_over_channels(case) or groups == 0 or groups < -1:
        return _keeps_places(case)
    return (_own_norm(case, groups=max(groups, 0)),)


def _is_over_channels(case: Case) -> bool:
    axis = case.config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    last = -1 if case.first is None else len(case.first) - 1
    return axis in (-1, last)


def _own_norm(case: Case, **how: Any) -> Standardisation:
    epsilon, found = max(0.0, case.number("epsilon", 1e-3)), case.parameters
    return Standardisation(epsilon=epsilon, gamma=found.get("gamma"), beta=found.get("beta"), **how)


def _embedding(case: Case) -> Operations | None:
    return (Embedding(weights=case.parameters.get("embeddings")),)


def _recurrent(case: Case) -> Operations | None:
    return (Recurrent(kind=case.class_name, units=case.whole("units", 0) or None),)


# What has none


def _pooling(case: Case) -> Operations | None:
    kind: PoolingKind = "max" if case.class_name.startswith("Max") else "mean"
    n = int(case.class_name[-2])
    size = case.lengths("pool_size", n, 2)
    stride = size if case.config.get("strides") is None else case.lengths("strides", n)
    pad = _pads(case, size, stride)
    if pad is None:
        return (Untold(reason="how its windows are padded depends on a size that the file leaves open"),)
    return (Pooling(kind=kind, size=size, stride=stride, pad=pad),)


def _global_pooling(case: Case) -> Operations | None:
    pooled = GlobalPooling(kind="max" if "Max" in case.class_name else "mean")
    if not case.config.get("keepdims"):
        return (pooled,)
    n = int(case.class_name[-2])
    return (pooled, Reshape(lengths=((0,), (1,), *((1,) * n))))


def _with_channels_behind(case: Case) -> Operations:
    """Put the channels behind, where the model has them there and the input is an image."""
    rank = len(case.first) if case.first is not None else 0
    if not case.channels_last or rank < 3:
        return ()
    return (Transpose(order=(0, *range(2, rank), 1)),)


def _flatten(case: Case) -> Operations | None:
    return (*_with_channels_behind(case), Flatten(keep=1))


def _reshape(case: Case) -> Operations | None:
    target = case.config.get("target_shape")
    if not isinstance(target, list) or not all(type(one) is int and one >= -1 for one in target):
        return None
    rank = len(target) + 1
    back = (Transpose(order=(0, rank - 1, *range(1, rank - 1))),) if rank > 2 and case.channels_last else ()
    return (*_with_channels_behind(case), Reshape(lengths=((0,), *target)), *back)


def _sides(value: Any, n: int) -> Pads | None:
    """Return ``(before, after)`` for each axis from the three ways in which Keras writes it."""
    if type(value) is int:
        value = [value] * n
    if not isinstance(value, list):
        return None
    if n == 1 and len(value) == 2:
        value = [value]
    pairs = [[one, one] if type(one) is int else one for one in value]
    sane = all(
        isinstance(pair, list) and len(pair) == 2 and all(type(k) is int and k >= 0 for k in pair)
        for pair in pairs
    )
    return tuple((pair[0], pair[1]) for pair in pairs) if sane and len(pairs) == n else None


def _padding(case: Case) -> Operations | None:
    pad = _sides(case.config.get("padding"), int(case.class_name[-2]))
    return None if pad is None else (Pad(pad=pad),)


def _cropping(case: Case) -> Operations | None:
    crop = _sides(case.config.get("cropping"), int(case.class_name[-2]))
    return None if crop is None else (Crop(crop=crop),)


def _upsampling(case: Case) -> Operations | None:
    if case.config.get("interpolation") == "bilinear" and case.class_name == "UpSampling2D":
        return (Resize(scale=tuple(float(one) for one in case.lengths("size", 2, 2))),)
    if case.config.get("interpolation", "nearest") != "nearest":
        return (Untold(reason="it enlarges its input in another way than by repeating numbers"),)
    return (Upscale(scale=case.lengths("size", int(case.class_name[-2]), 2)),)


_MERGES: Mapping[str, MergeKind] = {
    "Add": "add", "Subtract": "subtract", "Multiply": "multiply", "Average": "mean", "Maximum": "maximum",
    "Minimum": "minimum",
}  # fmt: skip


def _merge(case: Case) -> Operations | None:
    return (Merge(kind=_MERGES[case.class_name]),)


def _concatenate(case: Case) -> Operations | None:
    rank = len(case.first) if case.first is not None else 4
    if not rank:
        return None
    axis = case.whole("axis", -1) % rank
    if case.channels_last and rank > 2:
        axis = 1 if axis == rank - 1 else axis + 1 if axis else 0
    return (Concatenate(axis=axis),)


def _identity(case: Case) -> Operations | None:
    rate = case.number("rate", -1.0)
    return (Identity(what=case.class_name, rate=rate if rate >= 0 else None),)


def _keeps_places(case: Case) -> Operations | None:
    return (Untold(reason=f"filtviz does not follow the class {case.class_name}", keeps_places=True),)


# Functions of a single unit

_KINDS: Mapping[str, ActivationKind] = {
    "linear": "linear", "relu": "rectify", "elu": "elu", "sigmoid": "sigmoid", "hard_sigmoid": "hard_sigmoid",
    "tanh": "tanh", "softplus": "softplus", "softsign": "softsign", "exponential": "exp", "swish": "swish",
    "silu": "swish", "hard_silu": "hard_swish", "hard_swish": "hard_swish", "gelu": "gelu",
}  # fmt: skip
_SELU = {"alpha": 1.6732632423543772, "scale": 1.0507009873554805}


def _function(case: Case) -> Operations:
    """Return what a layer does behind its weights."""
    if not case.config:
        return (Activation(kind="untold"),)
    name = case.config.get("activation", "linear")
    if isinstance(name, dict):
        inner = name.get("config")
        name = inner if isinstance(inner, str) else name.get("class_name")
    if name in (None, "linear"):
        return ()
    return _named(str(name), case)


def _named(name: str, case: Case) -> Operations:
    if name == "softmax":
        return (Softmax(),)
    if name == "relu6":
        return (Activation(kind="clipped_rectify", name=name, alpha=6.0),)
    if name == "selu":
        return (Activation.with_numbers("selu", name, _SELU),)
    if name == "leaky_relu":
        return (Activation(kind="leaky_rectify", name=name, alpha=0.2),)
    if name == "hard_sigmoid" and case.is_keras_3:  # relu6(x + 3) / 6 since Keras 3
        return (Activation(kind="hard_sigmoid", name=name, scale_in=5 / 6),)
    return (Activation(kind=_KINDS.get(name, "untold"), name=name),)


def _rectifier(case: Case) -> Operations | None:
    """Read ReLU, with its three numbers."""
    top, slope = case.config.get("max_value"), case.number("negative_slope", 0.0)
    if case.number("threshold", 0.0) or (top is not None and slope):
        return (Activation(kind="untold", name="ReLU"),)
    if top is not None:
        return (Activation(kind="clipped_rectify", name="ReLU", alpha=case.number("max_value", 6.0)),)
    return (
        Activation(kind="leaky_rectify", name="ReLU", alpha=slope)
        if slope
        else Activation(kind="rectify", name="ReLU"),
    )


def _leaky(case: Case) -> Operations | None:
    slope = case.number("negative_slope", case.number("alpha", 0.3))
    return (Activation(kind="leaky_rectify", name="LeakyReLU", alpha=slope),)


def _elu(case: Case) -> Operations | None:
    return (Activation(kind="elu", name="ELU", alpha=case.number("alpha", 1.0)),)


def _activation(case: Case) -> Operations | None:
    return _function(case) or (Identity(what="linear"),)


def _softmax(case: Case) -> Operations | None:
    del case
    return (Softmax(),)


_BY_CLASS: Mapping[str, Callable[[Case], Operations | None]] = {
    **dict.fromkeys(
        (
            "Conv1D", "Conv2D", "Conv3D", "DepthwiseConv1D", "DepthwiseConv2D", "Conv1DTranspose",
            "Conv2DTranspose", "Conv3DTranspose", "Convolution1D", "Convolution2D", "Convolution3D",
            "Deconvolution2D", "Convolution2DTranspose",
        ),
        _convolution,
    ),
    "separable: depthwise": _depthwise_part,
    "separable: pointwise": _pointwise_part,
    "Dense": _dense,
    **dict.fromkeys(("BatchNormalization", "SyncBatchNormalization"), _batch_normalisation),
    "Embedding": _embedding,
    **dict.fromkeys(
        ("LSTM", "GRU", "SimpleRNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "Bidirectional", "RNN"),
        _recurrent,
    ),
    **dict.fromkeys([f"{kind}Pooling{n}D" for kind in ("Max", "Average") for n in (1, 2, 3)], _pooling),
    **dict.fromkeys(
        [f"Global{kind}Pooling{n}D" for kind in ("Max", "Average") for n in (1, 2, 3)], _global_pooling
    ),
    "Flatten": _flatten,
    "Reshape": _reshape,
    **dict.fromkeys([f"ZeroPadding{n}D" for n in (1, 2, 3)], _padding),
    **dict.fromkeys([f"Cropping{n}D" for n in (1, 2, 3)], _cropping),
    **dict.fromkeys([f"UpSampling{n}D" for n in (1, 2, 3)], _upsampling),
    **dict.fromkeys(_MERGES, _merge),
    "Concatenate": _concatenate,
    **dict.fromkeys(
        (
            "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout",
            "GaussianDropout",
            "GaussianNoise", "ActivityRegularization", "Identity",
        ),
        _identity,
    ),
    **dict.fromkeys(
        ("UnitNormalization", "Masking",
         "RandomFlip", "RandomRotation", "RandomZoom", "RandomContrast", "RandomTranslation", "PReLU",
         "ThresholdedReLU"),
        _keeps_places,
    ),
    "Rescaling": _rescaling,
    "Normalization": _standardisation,
    "LayerNormalization": _layer_normalisation,
    "GroupNormalization": _group_normalisation,
    "Activation": _activation,
    "ReLU": _rectifier,
    "LeakyReLU": _leaky,
    "ELU": _elu,
    "Softmax": _softmax,
}  # fmt: skip
"""Class → what reads a layer of it; one that gives None, or is not here, is `Untold`."""
