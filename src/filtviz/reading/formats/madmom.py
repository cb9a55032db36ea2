"""madmom's neural networks: Lasagne networks that were converted, with the axes of W swapped.

``madmom.ml.nn.NeuralNetwork`` holds ``layers``, each with ``weights`` and ``bias``; its convolution loops
over ``weights[channel][filter]`` and convolves, so the kernels are flipped (``madmom/ml/nn/layers.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from filtviz.activations import Activation, ActivationKind
from filtviz.network import ConvLayer, Layer, Network
from filtviz.operations import Convolution, Normalisation, Operation, Pad, Pooling, PoolingKind, Untold
from filtviz.parameter import Parameter
from filtviz.reading.arrays import parameter_of
from filtviz.reading.opened import Opened, origin_of
from filtviz.reading.pickle.attributes import Attributes
from filtviz.reading.pickle.records import Record, class_name, elements
from filtviz.reading.pickle.records import attributes as attributes_of
from filtviz.shapes import same_lengths
from filtviz.text import names_of_file

__all__ = ["open"]

_NAMES = {"weights": "W", "bias": "b"}
_PARAMETERS = ("weights", "bias", "recurrent_weights", "beta", "gamma", "mean", "inv_std")
_ACTIVATIONS: Mapping[str, ActivationKind] = {
    "linear": "linear", "relu": "rectify", "sigmoid": "sigmoid", "tanh": "tanh", "elu": "elu"
}  # fmt: skip
_POOLING: Mapping[str, PoolingKind] = {"MaxPoolLayer": "max", "AverageLayer": "mean"}


def open(opened: Opened) -> Network | None:
    """Read the first network of the file; its layers feed each other in order."""
    network = _network(opened)
    if network is None:
        return None
    records = [
        record for record in elements(attributes_of(network).get("layers")) or [] if type(record) is Record
    ]
    found = list(_with_parts(records, opened))
    opened.limits.check("layers", len(found), f"its network has {len(found):,} layers")
    layers: list[Layer] = []
    for record, depth in found:
        layer = _layer(Attributes(record, opened.effort), len(layers))
        layers.append(replace(layer, inputs=()) if depth else layer)
    blocks = sorted({class_name(record) for record, _ in found if any(_parts(record))})
    named = names_of_file(blocks, 8)
    notes = (f"the parts of {named} are listed behind it; how they feed each other is not told",)
    return Network.of(layers, origin_of(opened, "a madmom NeuralNetwork", notes=notes if blocks else ()))


_DEEPEST = 16
"""Layers in one another."""


def _with_parts(records: Sequence[Record], opened: Opened) -> Iterator[tuple[Record, int]]:
    """Yield each layer and how deep it lies; behind a block the layers that it holds."""
    stack, seen = [(record, 0) for record in reversed(records)], set[int]()
    while stack:
        record, depth = stack.pop()
        opened.effort.spend(1)
        if id(record) in seen and depth:
            continue
        seen.add(id(record))
        yield record, depth
        if depth < _DEEPEST:
            stack.extend((part, depth + 1) for part in reversed(list(_parts(record))))


def _parts(record: Record) -> Iterator[Record]:
    """Yield the layers of madmom's that a layer holds, by themselves or in lists."""
    for value in attributes_of(record).values():
        for one in elements(value) or [value]:
            if type(one) is Record and one.cls is not None and one.cls.module.startswith(_LAYERS):
                yield one


_LAYERS = "madmom.ml.nn.layers"


def _network(opened: Opened) -> Record | None:
    for record in opened.records():
        found = record.cls
        if (
            found is not None
            and found.module.startswith("madmom.")
            and class_name(record).startswith("NeuralNetwork")
        ):
            return record
    return None


def _layer(attributes: Attributes, place: int) -> Layer:
    parameters = _parameters(attributes)
    operations = _operations(attributes, {p.name: p for p in parameters})
    common: dict[str, Any] = {
        "type": attributes.type,
        "inputs": (place - 1,) if place else (),
        "parameters": parameters,
        "operations": operations,
    }
    is_conv = any(isinstance(each, Convolution) for each in operations)
    return ConvLayer(**common) if is_conv else Layer(**common)


def _operations(attributes: Attributes, parameters: Mapping[str, Parameter]) -> tuple[Operation, ...]:
    """Return what a layer does; madmom's data is (time, frequency)."""
    weights = parameters.get("W")
    if attributes.type.startswith("Convolutional") and weights is not None and len(weights.shape) == 4:
        convolution = _convolution(attributes, weights, parameters.get("b"))
        return (convolution, *_activation(attributes))
    match attributes.type:
        case "BatchNormLayer":
            normalisation = Normalisation(
                mean=parameters.get("mean"),
                spread=parameters.get("inv_std"),
                gamma=parameters.get("gamma"),
                beta=parameters.get("beta"),
            )
            return (normalisation, *(_activation(attributes) if attributes.has("activation_fn") else ()))
        case "ActivationLayer":
            return _activation(attributes)
        case "PadLayer":
            return (_pad(attributes),)
    size = attributes.wholes("size", axes=2)
    if size is not None:
        return (_pooling(attributes, size),)
    return (Untold(reason="it is a layer of madmom's that is not followed"),)


def _convolution(attributes: Attributes, weights: Parameter, bias: Parameter | None) -> Convolution:
    size = weights.shape[2:]
    same = attributes.word("pad") == "same"
    stride = attributes.wholes("stride", axes=2)
    return Convolution(
        weights=weights,
        axes="iorc",
        flip_filters=True,
        bias=bias,
        stride=stride if same_lengths(size, stride) else None,
        pad=tuple((k // 2, (k - 1) // 2) if same else (0, 0) for k in size),
    )


def _activation(attributes: Attributes) -> tuple[Operation, ...]:
    function = attributes.function("activation_fn")
    if function is None:
        return (Activation(kind="untold"),)
    own = function.told and function.module.startswith("madmom.")
    kind = _ACTIVATIONS.get(function.name, "untold") if own else "untold"
    return () if kind == "linear" else (Activation(kind=kind, name=function.name),)


def _pooling(attributes: Attributes, size: tuple[int, ...]) -> Operation:
    stride = attributes.wholes("stride", axes=2) or size
    if not same_lengths(size, stride):
        return Untold(reason="the file does not tell the window that it pools over")
    kind = _POOLING.get(attributes.type, "untold")
    return Pooling(kind=kind, name=attributes.type, size=size, stride=stride, pad=((0, 0), (0, 0)))


def _pad(attributes: Attributes) -> Operation:
    width, axes = attributes.whole("width"), attributes.wholes("axes") or ()
    if width is None:
        return Untold(reason="the file does not tell how much it pads")
    pads = tuple((width, width) if axis in axes else (0, 0) for axis in (0, 1))
    value = attributes.plain(attributes.raw("value"))
    return Pad(pad=pads, value=float(value) if type(value) in (int, float) else 0.0)


def _parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    found = []
    for name in _PARAMETERS:
        array = attributes.array(name)
        if array is not None:
            found.append(parameter_of(_NAMES.get(name, name), array, name))
    return tuple(found)
