"""scikit-neuralnetwork's models (``sknn.mlp``), which ran on Lasagne: specifications of layers, and weights.

A model pickles its constructor's arguments, and ``weights``: ``(W, b)`` for each layer (``sknn/mlp.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from filtviz.activations import Activation, ActivationKind
from filtviz.errors import UnsupportedFileError
from filtviz.network import ConvLayer, Layer, Network
from filtviz.operations import USUAL_AXES, Convolution, Dense, Operation, Softmax, Untold
from filtviz.parameter import Parameter
from filtviz.reading.arrays import parameter_of, value_of
from filtviz.reading.opened import Opened, origin_of
from filtviz.reading.pickle.attributes import Attributes
from filtviz.reading.pickle.records import Record, class_name, elements
from filtviz.reading.pickle.records import attributes as attributes_of
from filtviz.shapes import same_lengths
from filtviz.text import printable

__all__ = ["open"]

_ACTIVATIONS: Mapping[str, ActivationKind] = {
    "Linear": "linear",
    "Rectifier": "rectify",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "ExpLin": "elu",
}


def open(opened: Opened) -> Network | None:
    """Read the first model of the file; its layers feed each other in order.

    Raises:
        UnsupportedFileError: it was never fitted and has no weights.
    """
    model = _model(opened)
    if model is None:
        return None
    facts = attributes_of(model)
    specs = [spec for spec in elements(facts.get("layers")) or [] if type(spec) is Record]
    weights = [elements(pair) or [] for pair in elements(facts.get("weights")) or []]
    if not weights:
        raise UnsupportedFileError(
            "it holds an sknn model without weights; call its fit() before it is pickled"
        )
    opened.limits.check("layers", len(specs), f"its network has {len(specs):,} layers")
    layers = [
        _layer(Attributes(spec, opened.effort), pair, place)
        for place, (spec, pair) in enumerate(zip(specs, weights, strict=False))
    ]
    return Network.of(
        layers, origin_of(opened, f"an sknn {printable(class_name(model), 40)}", framework="Lasagne")
    )


def _model(opened: Opened) -> Record | None:
    for record in opened.records():
        found, facts = record.cls, attributes_of(record)
        if (
            found is not None
            and found.module.startswith("sknn.")
            and "layers" in facts
            and "weights" in facts
        ):
            return record
    return None


def _layer(attributes: Attributes, arrays: Sequence[Any], place: int) -> Layer:
    found = [value_of(array, attributes.effort.limits) for array in arrays[:2]]
    parameters = {
        name: parameter_of(name, array, name)
        for name, array in zip(("W", "b"), found, strict=False)
        if array is not None
    }
    weights, bias = parameters.get("W"), parameters.get("b")
    common: dict[str, Any] = {
        "name": attributes.word("name"),
        "inputs": (place - 1,) if place else (),
        "parameters": tuple(parameters.values()),
    }
    activation = _activation(attributes)
    if weights is not None and len(weights.shape) in USUAL_AXES:
        convolution = _convolution(attributes, weights, bias)
        # Where the convolution pools, sknn adds a pooling layer of its own, which the file does not list.
        pooling = (
            (Untold(reason="a pooling follows that the file does not list"),) if _pools(attributes) else ()
        )
        return ConvLayer(**common, type="Convolution", operations=(convolution, *activation, *pooling))
    dense = Dense(weights=weights, bias=bias, units=attributes.whole("units"))
    return Layer(**common, type="DenseLayer", operations=(dense, *activation))


def _convolution(attributes: Attributes, weights: Parameter, bias: Parameter | None) -> Convolution:
    size = weights.shape[2:]
    same = attributes.word("border_mode") == "same"
    stride = attributes.wholes("kernel_stride", axes=len(size)) or (1,) * len(size)
    return Convolution(
        weights=weights,
        axes=USUAL_AXES[len(weights.shape)],
        bias=bias,
        stride=stride if same_lengths(size, stride) else None,
        pad=tuple((k // 2, (k - 1) // 2) if same else (0, 0) for k in size),
    )


def _activation(attributes: Attributes) -> tuple[Operation, ...]:
    word = attributes.word("type") or ""
    if word == "Softmax":
        return (Softmax(),)
    kind = _ACTIVATIONS.get(word, "untold")
    return () if kind == "linear" else (Activation(kind=kind, name=word),)


def _pools(attributes: Attributes) -> bool:
    return any(length != 1 for length in attributes.wholes("pool_shape") or ())
