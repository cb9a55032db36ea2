"""Lasagne's layers → the `Layer`s of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from filtviz.network import ConvLayer, Layer, Parameter, Shape
from filtviz.reading.arrays import StoredArray
from filtviz.reading.formats.lasagne.axes import axes_of, flips_filters
from filtviz.reading.formats.lasagne.graph import inputs_of, network_order
from filtviz.reading.formats.lasagne.layer_rules import geometry_of, is_convolution
from filtviz.reading.limits import Budget
from filtviz.reading.pickle.attributes import NOT_PLAIN, Attributes
from filtviz.reading.pickle.records import Record, attributes, elements, pairs
from filtviz.reading.pickle.theano_variables import is_variable, value_of, variable_name

__all__ = ["build_layers", "parameter_of"]

OPTIONS = (
    "alpha", "axes", "axis", "batch_ndim", "channelwise", "coeffs", "cropping", "dimshuffle", "epsilon",
    "ignore_border", "k", "mode", "n", "num_filters", "num_groups", "num_leading_axes", "num_units", "outdim",
    "p", "partial_sum", "pattern", "pool_dims", "pool_size", "rescale", "scale_factor", "shape",
    "shared_axes", "sigma", "untie_biases", "val", "width",
)  # fmt: skip
"""Attributes that views and measures use, by Lasagne's names."""

FUNCTIONS = ("pool_function", "merge_function")
"""Attributes that are functions, given by name."""

SLOPES = ("leakiness",)
"""Attributes of a nonlinearity that is an object."""


def build_layers(outputs: Sequence[Record], names: Mapping[int, str], effort: Budget) -> list[Layer]:
    """Build the layers that the outputs depend on, in network order.

    Args:
        outputs: the layers where the network ends.
        names: `id` of a layer's record → its name, for layers that have none of their own.
        effort: what understanding the layers may take.

    Raises:
        MalformedFileError: an array says of itself what cannot be.
        LimitError: the network is larger than the limits allow.
    """
    records = network_order(outputs, effort)
    places = {id(record): place for place, record in enumerate(records)}
    facts = [Attributes(record, effort) for record in records]
    stated = _stated_shapes(records, facts)
    layers: list[Layer] = []
    for place, (record, found) in enumerate(zip(records, facts, strict=True)):
        feeding = inputs_of(record)
        inputs = [places[id(value)] for value in feeding if value is not None and places[id(value)] < place]
        shapes = _input_shapes(found, feeding, {id(records[i]): layers[i].output_shape for i in inputs})
        name = found.word("name") or names.get(id(record))
        parameters = _parameters(record, effort)
        layers.append(_build(found, name, tuple(inputs), shapes, parameters, stated.get(id(record))))
    return layers


def _stated_shapes(records: Sequence[Record], facts: Sequence[Attributes]) -> dict[int, Shape]:
    """Return the shapes that consumers say their inputs have, by the `id` of the layer that gives them."""
    stated: dict[int, Shape] = {}
    for record, found in zip(records, facts, strict=True):
        layers = inputs_of(record)
        for feeding, shape in zip(layers, _given_shapes(found, len(layers)), strict=False):
            if feeding is not None and shape is not None:
                stated.setdefault(id(feeding), shape)
    return stated


def _given_shapes(facts: Attributes, n_inputs: int) -> list[Shape | None]:
    """Return the shapes that a layer has noted of its inputs."""
    several = elements(facts.raw("input_shapes"))
    if several is None:
        return [facts.shape("input_shape")]
    return [facts.as_shape(shape) for shape in several[:n_inputs]]


def _input_shapes(
    facts: Attributes, feeding: Sequence[Any], given: Mapping[int, Shape | None]
) -> list[Shape | None]:
    own = _given_shapes(facts, len(feeding))
    own += [None] * (len(feeding) - len(own))
    return [shape or given.get(id(layer)) for layer, shape in zip(feeding, own, strict=False)]


def _build(
    facts: Attributes,
    name: str | None,
    inputs: tuple[int, ...],
    shapes: list[Shape | None],
    parameters: tuple[Parameter, ...],
    stated: Shape | None,
) -> Layer:
    weights = next((p.shape for p in parameters if p.name == "W"), None)
    geometry = geometry_of(facts, shapes, weights)
    common: dict[str, Any] = {
        "type": facts.type,
        "name": name,
        "inputs": inputs,
        "output_shape": stated or geometry.shape,
        "parameters": parameters,
        "window": geometry.window,
        "geometry_known": geometry.known,
        "nonlinearity": facts.function_name("nonlinearity"),
        "options": _options(facts),
    }
    if weights is not None and is_convolution(facts, weights):
        axes = axes_of(facts, weights)
        if axes is not None:
            return ConvLayer(**common, axes=axes, flip_filters=flips_filters(facts))
    return Layer(**common)


def _options(facts: Attributes) -> dict[str, Any]:
    found = {name: facts.plain(facts.raw(name)) for name in OPTIONS if facts.has(name)}
    found |= {name: facts.function_name(name) for name in FUNCTIONS if facts.has(name)}
    activation = facts.raw("nonlinearity")
    if type(activation) is Record:  # an object, such as a LeakyRectify, whose slope is its own
        inner = Attributes(activation, facts.effort)
        found |= {name: inner.plain(inner.raw(name)) for name in SLOPES if inner.has(name)}
    return {name: value for name, value in found.items() if value is not NOT_PLAIN}


def _parameters(record: Record, effort: Budget) -> tuple[Parameter, ...]:
    """Return a layer's parameters in the order in which it registered them, by the names of its attributes.

    A layer of a Lasagne before 0.1 has no register: there every attribute that is a variable counts, in the
    file's order.
    """
    facts = attributes(record)
    names = {id(value): name for name, value in facts.items() if type(value) is Record}
    candidates = [key for key, _ in pairs(facts.get("params"), effort) or []]
    if not candidates:
        candidates = [value for value in facts.values() if is_variable(value)]
    if "W" in facts:
        candidates.append(facts["W"])  # an array in the place of a variable is no registered parameter
    effort.spend(len(facts) + len(candidates))
    found: dict[str, Parameter] = {}
    for value in candidates:
        array = value_of(value, effort.limits)
        name = (
            names.get(id(value)) or (variable_name(value) or "").rpartition(".")[2] or f"param_{len(found)}"
        )
        if array is not None and name not in found:
            found[name] = parameter_of(name, array, name)
    return tuple(found.values())


def parameter_of(name: str, array: StoredArray, source: str) -> Parameter:
    """Wrap an array of the file as a parameter that is read when it is asked for."""
    return Parameter(name=name, shape=array.shape, dtype=array.dtype, read=array.read, source=source)
