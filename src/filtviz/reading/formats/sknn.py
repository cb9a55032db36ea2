"""scikit-neuralnetwork's models (``sknn.mlp``), which ran on Lasagne: specifications of layers, and weights.

A model pickles its constructor's arguments, and ``weights``: ``(W, b)`` for each layer (``sknn/mlp.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from filtviz.errors import UnsupportedFileError
from filtviz.network import ConvLayer, Layer, Network
from filtviz.reading.formats.bare_arrays.grouping import default_axes
from filtviz.reading.formats.lasagne.building import parameter_of
from filtviz.reading.formats.lasagne.rules import sane_window
from filtviz.reading.opened import Opened, origin_of
from filtviz.reading.pickle.attributes import Attributes
from filtviz.reading.pickle.records import Record, attributes, class_name, elements
from filtviz.reading.pickle.theano_variables import value_of
from filtviz.text import printable

__all__ = ["open"]


def open(opened: Opened) -> Network | None:
    """Read the first model of the file; its layers feed each other in order.

    Raises:
        UnsupportedFileError: it was never fitted and has no weights.
    """
    model = _model(opened)
    if model is None:
        return None
    facts = attributes(model)
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
    return Network.of(layers, origin_of(opened, f"an sknn {printable(class_name(model), 40)}"))


def _model(opened: Opened) -> Record | None:
    for record in opened.records():
        found, facts = record.cls, attributes(record)
        if (
            found is not None
            and found.module.startswith("sknn.")
            and "layers" in facts
            and "weights" in facts
        ):
            return record
    return None


def _layer(facts: Attributes, arrays: Sequence[Any], place: int) -> Layer:
    found = [value_of(array, facts.effort.limits) for array in arrays[:2]]
    parameters = tuple(
        parameter_of(name, array, name)
        for name, array in zip(("W", "b"), found, strict=False)
        if array is not None
    )
    common: dict[str, Any] = {
        "name": facts.word("name"),
        "inputs": (place - 1,) if place else (),
        "parameters": parameters,
        "nonlinearity": facts.word("type"),
    }
    weights = next((parameter.shape for parameter in parameters if parameter.name == "W"), ())
    axes = default_axes(len(weights))
    if axes is not None:
        size = weights[2:]
        same = facts.word("border_mode") == "same"
        pads = tuple((k // 2, (k - 1) // 2) if same else (0, 0) for k in size)
        window = sane_window(size, facts.wholes("kernel_stride", axes=len(size)) or (1,) * len(size), pads)
        # Where the convolution pools, sknn adds a pooling layer of its own, which the file does not list.
        return ConvLayer(
            **common, type="Convolution", axes=axes, window=window, geometry_known=not _pools(facts)
        )
    return Layer(
        **common, type="DenseLayer", geometry_known=False, options={"num_units": facts.whole("units")}
    )


def _pools(facts: Attributes) -> bool:
    return any(length != 1 for length in facts.wholes("pool_shape") or ())
