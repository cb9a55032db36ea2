"""Lasagne's layers, and the functions that they apply → operations: one row a class, one row a function.

To add a class: one row in `_BY_CLASS`; one that passes its input on is a line, as those of dropout. A class
is looked up by its bare name, or by attributes that make a layer what it is, whatever its class is called; a
user's own subclass of a convolution is one by its state. A class that is not here is `Untold`.

A function that is called as its kind in `filtviz.activations`, and needs no numbers, is known by its name. To
let another one be known: one row in `_ACTIVATIONS`, or in `_SCALAR_OPS` for an operator of Theano's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from filtviz.activations import KINDS, Activation, ActivationKind
from filtviz.operations import (
    ChannelPooling,
    Concatenate,
    Dense,
    Flatten,
    GlobalPooling,
    Identity,
    Input,
    LocalResponse,
    Merge,
    MergeKind,
    Normalisation,
    Operation,
    Pad,
    Pooling,
    PoolingKind,
    Recurrent,
    Reshape,
    Slice,
    Softmax,
    Transpose,
    Untold,
    Upscale,
)
from filtviz.parameter import Parameter, Shape
from filtviz.reading.formats.lasagne.convolutions import convolution_of, is_convolution
from filtviz.reading.pickle.attributes import Attributes, Function
from filtviz.shapes import same_lengths

__all__ = ["Case", "operations_of"]

Operations = tuple[Operation, ...]

_NOT_TOLD = Untold(reason="the file does not tell what it does")
_TO_BC01 = Transpose(order=(3, 0, 1, 2), is_layout=True)
_TO_C01B = Transpose(order=(1, 2, 3, 0), is_layout=True)
"""From the order of cuda-convnet's layers without dimshuffle, (channels, rows, cols, batch), and back."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a row works on: a layer's ``attributes``, its inputs' shapes, its ``parameters`` by name."""

    attributes: Attributes
    inputs: Sequence[Shape | None]
    parameters: Mapping[str, Parameter]

    @property
    def first(self) -> Shape | None:
        """The shape of the first input, which for most layers is the only one."""
        return self.inputs[0] if self.inputs else None

    @property
    def n_spatial(self) -> int:
        """The number of spatial axes of the input, two where its shape is not known."""
        return 2 if self.first is None else max(1, len(self.first) - 2)

    def number(self, name: str, default: float) -> float:
        """Return an attribute that is a number, else ``default``."""
        value = self.attributes.plain(self.attributes.raw(name))
        return float(value) if type(value) in (int, float) else default


def operations_of(case: Case) -> Operations:
    """Return what a layer does, one operation after another."""
    found = _translate(case)
    if case.attributes.raw("dimshuffle") is False:
        return (_TO_BC01, *found, _TO_C01B)
    return found


def _translate(case: Case) -> Operations:
    attributes, weights = case.attributes, case.parameters.get("W")
    if weights is not None and is_convolution(attributes, weights):
        bias = case.parameters.get("b")
        return (convolution_of(attributes, weights, bias), *_activation_of(attributes))
    row = _BY_CLASS.get(attributes.type) or next(
        (row for names, row in _BY_ATTRIBUTES if attributes.has(*names)), None
    )
    return (_NOT_TOLD,) if row is None else row(case)


def _input(case: Case) -> Operations:
    return (Input(shape=case.attributes.shape("shape")),)


def _dense(case: Case) -> Operations:
    weights, units = case.parameters.get("W"), case.attributes.whole("num_units")
    if units is None and weights is not None and len(weights.shape) == 2:
        units = weights.shape[1]
    dense = Dense(
        weights=weights,
        bias=case.parameters.get("b"),
        units=units,
        leading_axes=case.attributes.whole("num_leading_axes") or 1,
    )
    return (dense, *_activation_of(case.attributes))


def _network_in_network(case: Case) -> Operations:
    dense = Dense(
        weights=case.parameters.get("W"),
        bias=case.parameters.get("b"),
        units=case.attributes.whole("num_units"),
        per_position=True,
    )
    return (dense, *_activation_of(case.attributes))


def _pool(case: Case) -> Operations:
    attributes, n = case.attributes, case.n_spatial
    size = attributes.wholes("pool_size", "ds", axes=n)
    stride = attributes.wholes("stride", "strides", "st", axes=n) or size
    pad = tuple((p, p) for p in attributes.wholes("pad", axes=n) or (0,) * len(size or ()))
    if size is None or stride is None or not same_lengths(size, stride) or len(pad) != len(size):
        return (Untold(reason="the file does not tell the window that it pools over"),)
    mode = attributes.word("mode") or "max"
    kind = {"max": "max", "average_inc_pad": "mean", "average_exc_pad": "mean"}.get(mode, "untold")
    ignores = (
        attributes.raw("ignore_border") if attributes.has("ignore_border") else "CC" not in attributes.type
    )
    return (
        Pooling(
            kind=kind,  # type: ignore[arg-type]  # one of the table's
            name=mode,
            size=size,
            stride=stride,
            pad=pad,
            whole_windows=bool(ignores),
            counts_pad=mode == "average_inc_pad",
        ),
    )


def _global_pool(case: Case) -> Operations:
    kind, name = _pooling_kind_of(case.attributes.function("pool_function"))
    return (GlobalPooling(kind=kind, name=name),)


def _channel_pool(case: Case) -> Operations:
    size, axis = case.attributes.whole("pool_size"), case.attributes.whole("axis")
    if not size or axis is None:
        return (Untold(reason="the file does not tell which channels it pools", keeps_places=axis == 1),)
    kind, name = _pooling_kind_of(case.attributes.function("pool_function"))
    return (ChannelPooling(kind=kind, name=name, size=size, axis=axis),)


def _upscale(case: Case) -> Operations:
    scale = case.attributes.wholes("scale_factor", axes=case.n_spatial)
    if scale is None or not same_lengths(scale):
        return (Untold(reason="the file does not tell by how much it enlarges"),)
    return (Upscale(scale=scale, dilates=case.attributes.word("mode") == "dilate"),)


def _pad(case: Case) -> Operations:
    first, attributes = case.first, case.attributes
    width, batch = attributes.plain(attributes.raw("width")), attributes.whole("batch_ndim")
    unknown = (Untold(reason="the file does not tell how much it pads"),)
    if first is None or batch is None or batch < 0:
        return unknown
    widths = (width,) * (len(first) - batch) if type(width) is int else width
    if type(widths) is not tuple or len(widths) != len(first) - batch:
        return unknown
    pads = tuple(w if type(w) is tuple else (w, w) for w in widths)
    if not all(len(pad) == 2 and all(type(p) is int for p in pad) for pad in pads):
        return unknown
    return (Pad(pad=pads, value=case.number("val", 0.0), first_axis=batch),)


def _flatten(case: Case) -> Operations:
    return (Flatten(keep=(case.attributes.whole("outdim") or 2) - 1),)


def _reshape(case: Case) -> Operations:
    wanted = case.attributes.plain(case.attributes.raw("shape"))
    if type(wanted) is not tuple:
        return (Untold(reason="the file does not tell the shape that it gives"),)
    known = (type(n) is int or (type(n) is tuple and len(n) == 1) for n in wanted)
    return (Reshape(lengths=tuple(n if is_told else -2 for n, is_told in zip(wanted, known, strict=True))),)


def _dimshuffle(case: Case) -> Operations:
    pattern = case.attributes.plain(case.attributes.raw("pattern"))
    if type(pattern) is not tuple or not all(type(p) is int or p == "x" for p in pattern):
        return (Untold(reason="the file does not tell the order of axes that it gives"),)
    return (Transpose(order=tuple(None if p == "x" else p for p in pattern)),)


def _slice(case: Case) -> Operations:
    axis = case.attributes.whole("axis")
    if axis is None:
        return (Untold(reason="the file does not tell which axis it cuts"),)
    index, part = case.attributes.whole("slice"), case.attributes.as_slice("slice")
    if index is not None:
        return (Slice(axis=axis, index=index),)
    if part is None:
        return (Slice(axis=axis, is_told=False),)
    return (Slice(axis=axis, start=part.start, stop=part.stop, step=part.step),)


def _concatenate(case: Case) -> Operations:
    axis = case.attributes.whole("axis") if case.attributes.has("axis") else 1
    if axis is None:
        return (Untold(reason="the file does not tell the axis along which it joins its inputs"),)
    return (Concatenate(axis=axis, cropping=_cropping(case)),)


def _sum(case: Case) -> Operations:
    given = case.attributes.plain(case.attributes.raw("coeffs"))
    values = given if type(given) is tuple else (given,) * len(case.inputs)
    known = all(type(value) in (int, float) for value in values)
    coefficients = tuple(float(value) for value in values) if known else ()
    return (Merge(kind="add", coefficients=coefficients, cropping=_cropping(case)),)


def _merge(case: Case) -> Operations:
    kind, name = _merge_kind_of(case.attributes.function("merge_function"))
    return (Merge(kind=kind, name=name, cropping=_cropping(case)),)


def _cropping(case: Case) -> tuple[str | None, ...]:
    given = case.attributes.plain(case.attributes.raw("cropping"))
    return tuple(None if how is None else str(how) for how in given) if type(given) is tuple else ()


def _batch_norm(case: Case) -> Operations:
    found = case.parameters
    spread: dict[str, Any] = {}
    if "inv_std" in found:
        spread = {"spread": found["inv_std"], "spread_is": "inv_std"}
    elif "std" in found:  # as in the recipe from before Lasagne had the layer
        spread = {"spread": found["std"], "spread_is": "std"}
    normalisation = Normalisation(
        mean=found.get("mean"),
        gamma=found.get("gamma"),
        beta=found.get("beta"),
        along=_along(case, "axes", (1,)),
        **spread,
    )
    return (normalisation, *(_activation_of(case.attributes) if case.attributes.has("nonlinearity") else ()))


def _along(case: Case, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes along which a layer's parameters run: all but those listed under ``name``."""
    shared = case.attributes.wholes(name)
    if shared is None or case.first is None:
        return default
    n = len(case.first)
    return tuple(axis for axis in range(n) if axis not in {s % n for s in shared}) or default


def _scale(case: Case) -> Operations:
    scales = case.parameters.get("scales")
    return (Normalisation(gamma=scales, along=_along(case, "shared_axes", (1,)), is_batch=False),)


def _bias(case: Case) -> Operations:
    bias = case.parameters.get("b")
    if bias is None:
        return ()
    return (Normalisation(beta=bias, along=_along(case, "shared_axes", (1,)), is_batch=False),)


def _parametric_rectifier(case: Case) -> Operations:
    slopes, along = case.parameters.get("alpha"), _along(case, "shared_axes", (1,))
    return (Activation(kind="parametric_rectify", name="ParametricRectifier", slopes=slopes, along=along),)


def _randomized_rectifier(case: Case) -> Operations:
    lower, upper = case.number("lower", -1.0), case.number("upper", -1.0)
    if lower < 0 or upper < 0:
        return (Activation(kind="untold", name="RandomizedRectifier"),)
    return (Activation(kind="leaky_rectify", name="RandomizedRectifier", alpha=(lower + upper) / 2),)


def _local_response(case: Case) -> Operations:
    n = case.attributes.whole("n")
    if n is None or not case.attributes.has("alpha", "k", "beta"):
        return (Untold(reason="the file does not tell its constants", keeps_places=True),)
    alpha, k, beta = (case.number(name, float("nan")) for name in ("alpha", "k", "beta"))
    return (LocalResponse(alpha=alpha, k=k, beta=beta, n=n),)


def _identity(what: str, rate: str) -> Callable[[Case], Operations]:
    return lambda case: (Identity(what=what, rate=case.number(rate, float("nan"))),)


def _in_place(reason: str) -> Callable[[Case], Operations]:
    return lambda _: (Untold(reason=reason, keeps_places=True),)


def _recurrent(case: Case) -> Operations:
    return (Recurrent(kind=case.attributes.type, units=case.attributes.whole("num_units")),)


_BY_CLASS: Mapping[str, Callable[[Case], Operations]] = {
    "InputLayer": _input,
    "DenseLayer": _dense,
    "NINLayer": _network_in_network,
    "NIN2DLayer": _network_in_network,
    "GlobalPoolLayer": _global_pool,
    "FeaturePoolLayer": _channel_pool,
    "FeatureWTALayer": _in_place("it lets only the strongest channel of each group through"),
    "PadLayer": _pad,
    "FlattenLayer": _flatten,
    "ReshapeLayer": _reshape,
    "DimshuffleLayer": _dimshuffle,
    "SliceLayer": _slice,
    "ConcatLayer": _concatenate,
    "ElemwiseSumLayer": _sum,
    "ElemwiseMergeLayer": _merge,
    "BatchNormLayer": _batch_norm,
    "BatchNormDNNLayer": _batch_norm,
    "StandardizationLayer": _in_place("it subtracts a mean and divides by a deviation of its own input"),
    "LocalResponseNormalization2DLayer": _local_response,
    "NonlinearityLayer": lambda case: _activation_of(case.attributes),
    "ParametricRectifierLayer": _parametric_rectifier,
    "RandomizedRectifierLayer": _randomized_rectifier,
    "ScaleLayer": _scale,
    "BiasLayer": _bias,
    "DropoutLayer": _identity("dropout", "p"),
    "SpatialDropoutLayer": _identity("dropout", "p"),
    "SpatialDropout2DLayer": _identity("dropout", "p"),
    "GaussianNoiseLayer": _identity("noise", "sigma"),
    "IdentityLayer": lambda _: (),
    "ShuffleBC01ToC01BLayer": lambda _: (_TO_C01B,),
    "ShuffleC01BToBC01Layer": lambda _: (_TO_BC01,),
    "CustomRecurrentLayer": _recurrent,
    "RecurrentLayer": _recurrent,
    "LSTMLayer": _recurrent,
    "GRULayer": _recurrent,
}
"""Lasagne's class → what it does."""

_BY_ATTRIBUTES: tuple[tuple[tuple[str, ...], Callable[[Case], Operations]], ...] = (
    (("pool_size", "stride"), _pool),
    (("ds",), _pool),
    (("scale_factor",), _upscale),
    (("inv_std", "mean", "gamma"), _batch_norm),
    (("num_units", "W"), _dense),
)
"""Attributes that make a layer what it is, whatever its class is called."""


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
"""Klambauer et al. 2017, as in ``lasagne.nonlinearities.selu``."""

_KNOWN_HOMES = frozenset({"lasagne", "theano", "nolearn", "numpy"})
"""Packages whose functions do what their names say; a person's own ``elu`` may do anything."""

Numbers = Mapping[str, float]
Found = tuple[ActivationKind, Numbers]

_UNTOLD: Found = ("untold", {})

_ACTIVATIONS: Mapping[str, Callable[[Numbers], Found]] = {
    "identity": lambda _: ("linear", {}),
    "relu": lambda n: ("leaky_rectify", {"alpha": n["alpha"]}) if n.get("alpha") else ("rectify", {}),
    "LeakyRectify": lambda n: _needing(n, "leaky_rectify", alpha="leakiness"),
    "ScaledTanH": lambda n: _needing(n, "tanh", scale_in="scale_in", scale="scale_out"),
    "ScaledTanh": lambda n: _needing(n, "tanh", scale_in="scale_in", scale="scale_out"),
    "elu": lambda n: ("elu", {"alpha": n.get("alpha", 1.0)}),
    "SELU": lambda n: _needing(n, "selu", scale="scale", alpha="scale_neg"),
    "selu": lambda _: ("selu", {"scale": SELU_SCALE, "alpha": SELU_ALPHA}),
}
"""Name of a function, or of the class of an object that is called like one → kind and numbers."""

_SCALAR_OPS: Mapping[str, ActivationKind] = {
    "Identity": "linear",
    "Tanh": "tanh",
    "ScalarSigmoid": "sigmoid",
    "HardSigmoid": "hard_sigmoid",
    "ScalarSoftplus": "softplus",
    "ScalarSoftsign": "softsign",
    "Exp": "exp",
}
"""What an operator of Theano's does with one number → kind."""

_POOLING: Mapping[str, PoolingKind] = {"max": "max", "mean": "mean", "sum": "sum"}
_MERGING: Mapping[str, MergeKind] = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "maximum": "maximum",
    "minimum": "minimum",
}
"""Names of functions of two numbers, and of operators of Theano's in small letters."""


def _needing(numbers: Numbers, kind: ActivationKind, **fields: str) -> Found:
    """Return a kind with its numbers, which the file must tell."""
    if not all(name in numbers for name in fields.values()):
        return _UNTOLD
    return kind, {field: numbers[name] for field, name in fields.items()}


def _activation_of(attributes: Attributes, name: str = "nonlinearity") -> tuple[Operation, ...]:
    """Return a layer's nonlinearity: nothing for the linear one, an untold activation where none is told."""
    function = attributes.function(name)
    if function is None:
        return (Activation(kind="untold"),)
    word = _word(function)
    if not _is_known(function):
        return (Activation(kind="untold", name=word),)
    if word == "softmax":
        return (Softmax(),)
    kind, numbers = _activation(function, word)
    return () if kind == "linear" else (Activation.with_numbers(kind, word, numbers),)


def _activation(function: Function, word: str) -> Found:
    if function.scalar_op is not None:
        return _SCALAR_OPS.get(function.scalar_op, "untold"), {}
    if word in _ACTIVATIONS:
        return _ACTIVATIONS[word](function.parameters)
    return next(((kind, {}) for kind, facts in KINDS.items() if kind == word and not facts.needs), _UNTOLD)


def _word(function: Function) -> str:
    """Return the bare name of a function, or of what an operator does with each number."""
    return function.scalar_op or function.name.rpartition(".")[2]


def _is_known(function: Function) -> bool:
    return function.told and function.module.partition(".")[0] in _KNOWN_HOMES


def _pooling_kind_of(function: Function | None) -> tuple[PoolingKind, str]:
    """Return what a function makes of many numbers, and its name."""
    if function is None:
        return "untold", ""
    word = _word(function)
    return (_POOLING.get(word, "untold") if _is_known(function) else "untold"), word


def _merge_kind_of(function: Function | None) -> tuple[MergeKind, str]:
    """Return what a function makes of two numbers, and its name."""
    if function is None:
        return "untold", ""
    word = _word(function)
    return (_MERGING.get(word.lower(), "untold") if _is_known(function) else "untold"), word
