"""What each layer does to its input, as a few elementary steps.

This is the one place that knows Lasagne's layers by their class names for this purpose; composing filters and
running the network both follow the steps. All of them are two-dimensional: units are ``(channels, rows,
cols)``, pairs of numbers are ``(rows, cols)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import CompositionError
from filtviz.network import ConvLayer, Layer, Network
from filtviz.text import printable

__all__ = [
    "UNTOLD",
    "Affine",
    "Concatenate",
    "Correlate",
    "Enter",
    "Margin",
    "Pad",
    "Pointwise",
    "Pool",
    "Step",
    "Sum",
    "ancestors",
    "naming",
    "steps_of",
]

Floats = NDArray[np.float64]
Pair = tuple[int, int]
Margin = tuple[Pair, Pair]
"""``(before, after)`` of the rows and of the columns."""

UNTOLD = "a nonlinearity that the file does not tell"

NO_PAD: Margin = ((0, 0), (0, 0))


@dataclass(frozen=True, kw_only=True, eq=False)
class Enter:
    """The image comes in; ``channels`` is None where the file does not tell how many."""

    channels: int | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Correlate:
    """Slide ``templates`` (filters, channels, rows, cols), as they match the image, over the padded input.

    With ``g`` times as many channels below as ``templates`` has, the input is split into g groups.
    ``bias`` is ``(filters,)``, or ``(filters, rows, cols)`` where every position has its own.
    """

    templates: Floats
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    pad: Margin = NO_PAD
    bias: Floats | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool:
    """Take the maximum or the mean over windows.

    ``whole_windows`` leaves out the windows that hang over the end (Lasagne's ``ignore_border``);
    ``count_pad`` lets the padding's zeros count in a mean.
    """

    size: Pair
    stride: Pair
    pad: Margin = NO_PAD
    maximum: bool = True
    count_pad: bool = False
    whole_windows: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class Affine:
    """Multiply each channel by ``scale`` and add ``shift``, both ``(channels,)``."""

    scale: Floats
    shift: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Pointwise:
    """Apply a nonlinearity to each unit; ``function`` is None where it is not one that is known here."""

    name: str
    function: Callable[[Floats], Floats] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Pad:
    """Put ``value`` around the input."""

    pad: Margin
    value: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Sum:
    """Add the inputs, each times its coefficient."""

    coefficients: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Concatenate:
    """Join the inputs along the channels."""


Step = Enter | Correlate | Pool | Affine | Pointwise | Pad | Sum | Concatenate


def naming(layer: Layer) -> str:
    """Return what to call a layer in a sentence."""
    name = layer.label if isinstance(layer, ConvLayer) else layer.name
    return printable(name or f"{layer.type} (layer {layer.index})", 40)


def ancestors(network: Network, layer: Layer) -> list[Layer]:
    """Return ``layer`` and all that feed it, in network order."""
    wanted = {layer.index}
    for candidate in reversed(network.layers[: layer.index + 1]):
        if candidate.index in wanted:
            wanted.update(candidate.inputs)
    return [network.layers[i] for i in sorted(wanted)]


def steps_of(layer: Layer) -> tuple[Step, ...]:
    """Return what a layer does, in order; the empty tuple for one that passes its input on.

    Raises:
        CompositionError: it does what no fixed filter on the image can do, or the file does not tell.
    """
    if not layer.geometry_known:
        raise CompositionError(
            f"the file does not tell the geometry of {naming(layer)}; --assume-stacked takes stride 1 and "
            "no pooling for granted"
        )
    if isinstance(layer, ConvLayer):
        return (correlation_of(layer), *_nonlinearity(layer))
    for prefixes, read in _READERS:
        if layer.type.startswith(prefixes):
            return read(layer)
    raise CompositionError(
        f"{naming(layer)} ({printable(layer.type, 40)}) lies below it, which is no filter on the image"
    )


def correlation_of(layer: ConvLayer) -> Correlate:
    """Return a convolution as its templates: turned where it convolves, or where the file does not tell."""
    if layer.why_not_drawn is not None:
        raise CompositionError(f"{naming(layer)} cannot be composed: {layer.why_not_drawn}")
    window = layer.window
    if window is None or window.pad is None:
        raise CompositionError(f"the file does not tell the stride and padding of {naming(layer)}")
    if window.transposed:
        raise CompositionError(
            f"{naming(layer)} enlarges its input: its filters on the image differ from position to position"
        )
    templates = layer.filters.astype(np.float64)
    if layer.flip_filters is not False:
        templates = templates[..., ::-1, ::-1]
    return Correlate(
        templates=templates,
        stride=_pair(window.stride),
        dilation=_pair(window.dilation),
        pad=_margin(window.pad),
        bias=None if layer.b is None else np.asarray(layer.b, np.float64),
    )


def _pair(values: Sequence[int]) -> Pair:
    rows, cols = values
    return int(rows), int(cols)


def _margin(pads: Sequence[Sequence[int]]) -> Margin:
    rows, cols = pads
    return _pair(rows), _pair(cols)


def _nonlinearity(layer: Layer) -> tuple[Step, ...]:
    if layer.nonlinearity is None:
        return (Pointwise(name=UNTOLD, function=None),)
    name = layer.nonlinearity
    key = name.lower().replace("_", "")
    if key in ("linear", "identity"):
        return ()
    if key == "leakyrectify" and (leak := layer.options.get("leakiness")) is not None:
        return (Pointwise(name=name, function=lambda x: np.where(x > 0, x, leak * x)),)
    return (Pointwise(name=name, function=_FUNCTIONS.get(key)),)


def _expit(x: Floats) -> Floats:
    # 1 / (1 + exp(-x)) overflows far below 0; this is the same function.
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


_FUNCTIONS: dict[str, Callable[[Floats], Floats]] = {
    "rectify": lambda x: np.maximum(x, 0.0),
    "sigmoid": _expit,
    "tanh": np.tanh,
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0.0))),
    "softplus": lambda x: np.logaddexp(0.0, x),
}


def _read_input(layer: Layer) -> tuple[Step, ...]:
    shape = layer.output_shape
    if shape is not None and len(shape) != 4:
        raise CompositionError(f"the network's input has {len(shape) - 1} axes, not an image's three")
    return (Enter(channels=None if shape is None else shape[1]),)


def _read_pool(layer: Layer) -> tuple[Step, ...]:
    window = layer.window
    if window is None or window.pad is None or len(window.size) != 2:
        raise CompositionError(f"the file does not tell the window of {naming(layer)}")
    mode = str(layer.options.get("mode", "max"))
    if mode not in ("max", "average_inc_pad", "average_exc_pad"):
        raise CompositionError(f"{naming(layer)} pools by {printable(mode, 20)!r}, which is not known")
    return (
        Pool(
            size=_pair(window.size),
            stride=_pair(window.stride),
            pad=_margin(window.pad),
            maximum=mode == "max",
            count_pad=mode == "average_inc_pad",
            whole_windows=bool(layer.options.get("ignore_border", True)),
        ),
    )


def _read_batch_norm(layer: Layer) -> tuple[Step, ...]:
    values = {p.name: np.asarray(p.value, np.float64) for p in layer.parameters}
    if "inv_std" in values:
        inverse = values["inv_std"]
    elif "std" in values:  # as in the recipe from before Lasagne had the layer
        inverse = 1.0 / values["std"]
    else:
        raise CompositionError(f"the file does not tell the scale that {naming(layer)} applies")
    mean = values.get("mean", np.zeros(inverse.shape))
    scale = _per_channel(layer, values.get("gamma", np.ones(inverse.shape)) * inverse)
    beta = _per_channel(layer, values.get("beta", np.zeros(inverse.shape)))
    return (Affine(scale=scale, shift=beta - _per_channel(layer, mean) * scale),)


def _per_channel(layer: Layer, values: Floats) -> Floats:
    """Return one number for each channel, from ``(channels,)`` or ``(1, channels, 1, 1)``."""
    channels = None if layer.output_shape is None else layer.output_shape[1]
    if values.size != max(values.shape, default=1) or channels not in (None, values.size):
        raise CompositionError(f"{naming(layer)} has a scale for each position, not for each channel")
    return values.ravel()


def _read_scale(layer: Layer) -> tuple[Step, ...]:
    scales = layer.parameter("scales")
    if scales is None:
        raise CompositionError(f"the file does not tell the scale that {naming(layer)} applies")
    scale = _per_channel(layer, np.asarray(scales.value, np.float64))
    return (Affine(scale=scale, shift=np.zeros(scale.shape)),)


def _read_bias(layer: Layer) -> tuple[Step, ...]:
    bias = layer.parameter("b")
    if bias is None:
        return ()
    shift = _per_channel(layer, np.asarray(bias.value, np.float64))
    return (Affine(scale=np.ones(shift.shape), shift=shift),)


def _read_network_in_network(layer: Layer) -> tuple[Step, ...]:
    weights, bias = layer.parameter("W"), layer.parameter("b")
    if weights is None or len(weights.shape) != 2:
        raise CompositionError(f"the file does not tell the weights of {naming(layer)}")
    templates = np.asarray(weights.value, np.float64).T[:, :, None, None]
    shift = None if bias is None else np.asarray(bias.value, np.float64)
    return (Correlate(templates=templates, bias=shift), *_nonlinearity(layer))


def _read_pad(layer: Layer) -> tuple[Step, ...]:
    if layer.window is None or layer.window.pad is None:
        raise CompositionError(f"the file does not tell how much {naming(layer)} pads")
    return (Pad(pad=_margin(layer.window.pad), value=float(layer.options.get("val", 0.0))),)


def _read_sum(layer: Layer) -> tuple[Step, ...]:
    if any(how not in (None, "None") for how in layer.options.get("cropping") or ()):
        raise CompositionError(f"{naming(layer)} crops what it adds, which is not followed")
    function = layer.options.get("merge_function", "add")
    if not layer.type.startswith("ElemwiseSum") and str(function).rpartition(".")[2] != "add":
        raise CompositionError(f"{naming(layer)} merges by {printable(function, 40)}, which is not linear")
    given = layer.options.get("coeffs", 1.0)
    n = len(layer.inputs)
    values = [float(c) for c in given] if isinstance(given, Sequence) else [float(given)] * n
    if len(values) != n:
        raise CompositionError(f"{naming(layer)} has {len(values)} coefficients for {n} inputs")
    return (Sum(coefficients=tuple(values)),)


def _read_concat(layer: Layer) -> tuple[Step, ...]:
    if layer.options.get("axis", 1) not in (1, -3):
        raise CompositionError(f"{naming(layer)} joins its inputs along an axis that is not the channels'")
    return (Concatenate(),)


def _read_pointwise(layer: Layer) -> tuple[Step, ...]:
    return (Pointwise(name=layer.type.removesuffix("Layer"), function=None),)


def _pass_on(layer: Layer) -> tuple[Step, ...]:  # noqa: ARG001
    return ()


_READERS: tuple[tuple[tuple[str, ...], Callable[[Layer], tuple[Step, ...]]], ...] = (
    (("InputLayer",), _read_input),
    (("MaxPool2D", "Pool2D"), _read_pool),
    (("BatchNorm",), _read_batch_norm),
    (("ScaleLayer",), _read_scale),
    (("BiasLayer",), _read_bias),
    (("NINLayer", "NIN2DLayer"), _read_network_in_network),
    (("PadLayer",), _read_pad),
    (("ElemwiseSum", "ElemwiseMerge"), _read_sum),
    (("Concat",), _read_concat),
    (("NonlinearityLayer",), _nonlinearity),
    (("LocalResponseNormalization", "ParametricRectifier", "RandomizedRectifier"), _read_pointwise),
    (("Dropout", "SpatialDropout", "GaussianNoise", "IdentityLayer"), _pass_on),
)
"""Beginnings of class names → what the class does; the first that fits is taken."""
