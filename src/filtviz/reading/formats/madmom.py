"""madmom's neural networks: Lasagne networks that were converted, with the axes of W swapped.

``madmom.ml.nn.NeuralNetwork`` holds ``layers``, each with ``weights`` and ``bias``; its convolution loops
over ``weights[channel][filter]`` and convolves, so the kernels are flipped (``madmom/ml/nn/layers.py``).
"""

from __future__ import annotations

from typing import Any

from filtviz.network import ConvLayer, Layer, Network, Parameter, Window
from filtviz.reading.formats.lasagne.building import parameter_of
from filtviz.reading.formats.lasagne.rules import sane_window
from filtviz.reading.opened import Opened, origin_of
from filtviz.reading.pickle.attributes import NOT_PLAIN, Attributes
from filtviz.reading.pickle.records import Record, attributes, class_name, elements

__all__ = ["open"]

_NAMES = {"weights": "W", "bias": "b"}
_PARAMETERS = ("weights", "bias", "recurrent_weights", "beta", "gamma", "mean", "inv_std")
_OPTIONS = ("axis", "axes", "value", "keepdims", "newshape", "order")
_UNCHANGED = ("BatchNormLayer", "ActivationLayer")


def open(opened: Opened) -> Network | None:
    """Read the first network of the file; its layers feed each other in order."""
    network = _network(opened)
    if network is None:
        return None
    records = [
        record for record in elements(attributes(network).get("layers")) or [] if type(record) is Record
    ]
    opened.limits.check("layers", len(records), f"its network has {len(records):,} layers")
    layers = [_layer(Attributes(record, opened.effort), place) for place, record in enumerate(records)]
    return Network.of(layers, origin_of(opened, "a madmom NeuralNetwork"))


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


def _layer(facts: Attributes, place: int) -> Layer:
    parameters = _parameters(facts)
    weights = next((p.shape for p in parameters if p.name == "W"), ())
    options = {name: facts.plain(facts.raw(name)) for name in _OPTIONS if facts.has(name)}
    window = _window(facts, weights)
    common: dict[str, Any] = {
        "type": facts.type,
        "inputs": (place - 1,) if place else (),
        "parameters": parameters,
        "window": window,
        "geometry_known": window is not None or facts.type in _UNCHANGED,
        "nonlinearity": facts.function_name("activation_fn"),
        "options": {name: value for name, value in options.items() if value is not NOT_PLAIN},
    }
    if facts.type.startswith("Convolutional") and len(weights) == 4:
        return ConvLayer(**common, axes="iorc", flip_filters=True)
    return Layer(**common)


def _parameters(facts: Attributes) -> tuple[Parameter, ...]:
    found = []
    for name in _PARAMETERS:
        array = facts.array(name)
        if array is not None:
            found.append(parameter_of(_NAMES.get(name, name), array, name))
    return tuple(found)


def _window(facts: Attributes, weights: tuple[int, ...]) -> Window | None:
    """Return the geometry of a convolution, a pooling or a padding; madmom's data is (time, frequency)."""
    if len(weights) == 4:
        size: tuple[int, ...] | None = weights[2:]
        same = facts.word("pad") == "same"
        pad = tuple((k // 2, (k - 1) // 2) if same else (0, 0) for k in weights[2:])
        stride = facts.wholes("stride", axes=2)
    elif facts.type == "PadLayer":
        size = stride = (1, 1)
        width, axes = facts.whole("width"), facts.wholes("axes") or ()
        pad = (
            tuple((width, width) if axis in axes else (0, 0) for axis in (0, 1)) if width is not None else ()
        )
    else:
        size = facts.wholes("size", axes=2)
        stride = facts.wholes("stride", axes=2) or size
        pad = ((0, 0), (0, 0))
    return sane_window(size, stride, pad)
