"""Lasagne's layer objects, a bare output layer or anything that holds layers → the layers of a network."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from filtviz.network import ConvLayer, Layer, Network
from filtviz.operations import Convolution, Input, LocallyConnected
from filtviz.parameter import Parameter, Shape
from filtviz.reading.arrays import is_variable, parameter_of, value_of, variable_name
from filtviz.reading.formats.lasagne.translation import Case, operations_of
from filtviz.reading.limits import Spending
from filtviz.reading.opened import Opened, origin_of
from filtviz.reading.pickle.attributes import Attributes
from filtviz.reading.pickle.records import (
    Items,
    Record,
    attributes,
    class_name,
    elements,
    name_of,
    pairs,
    walk,
)
from filtviz.shapes import output_shape
from filtviz.text import printable

__all__ = ["build_layers", "is_layer", "names_of", "network_order", "open", "outputs_among"]


def open(opened: Opened) -> Network | None:
    """Read the network whose output layers the file holds, whatever lies around them."""
    if not any(is_layer(record) for record in opened.records()):
        return None
    held = _nearest_layers(opened)
    outputs = outputs_among(held, opened.effort)
    layers = build_layers(outputs, _names(opened), opened.effort)
    return Network.of(layers, origin_of(opened, _kind(opened), framework="Lasagne"))


def _nearest_layers(opened: Opened) -> list[Record]:
    """Return the layers that can be reached without going through another layer."""
    return [value for value in walk(opened.roots, opened.effort, is_layer) if is_layer(value)]


def names_of(value: Any, effort: Spending) -> Mapping[int, str]:
    """Return the names that a dictionary gives to layers, by the `id` of a layer.

    One layer alone under a key has not its name there, but that of the network.
    """
    entries = pairs(value, effort) or []
    named = {id(layer): name for key, layer in entries if is_layer(layer) and (name := name_of(key))}
    return named if len(named) > 1 else {}


def _names(opened: Opened) -> Mapping[int, str]:
    names: dict[int, str] = {}
    for value in walk(opened.roots, opened.effort, is_layer):
        if not is_layer(value):
            for layer, name in names_of(value, opened.effort).items():
                names.setdefault(layer, name)
    return names


def _kind(opened: Opened) -> str:
    root = next(
        root for root in opened.roots if any(is_layer(value) for value in walk([root], opened.effort))
    )
    if is_layer(root):
        return "a Lasagne network"
    if type(root) is Items or pairs(root, opened.effort) is not None:
        return "a dict of Lasagne layers"
    if elements(root) is not None:
        return "a list of Lasagne layers"
    return f"an object of class {printable(class_name(root), 40)} that holds Lasagne layers"


STEPS_OF_A_LINK = 8
STEPS_OF_AN_ARRAY = 16
"""What following a link between layers takes, and reading an array, in steps of the pickle machine."""


def is_layer(value: Any) -> bool:
    """Tell a layer by what every version of Lasagne sets on one.

    An `Objective` has an ``input_layer`` too, and with it a ``loss_function``.
    """
    if type(value) is not Record:
        return False
    facts = attributes(value)
    if "input_layer" in facts or "input_layers" in facts:
        return "loss_function" not in facts
    return "shape" in facts and class_name(value).endswith("InputLayer")


def _inputs_of(layer: Record) -> list[Any]:
    """Return what feeds a layer, in its order: layers, and None for an input that is only a shape."""
    facts = attributes(layer)
    several = elements(facts.get("input_layers"))
    if several is not None:
        return [value if is_layer(value) else None for value in several]
    return (
        [facts["input_layer"] if is_layer(facts["input_layer"]) else None] if "input_layer" in facts else []
    )


def outputs_among(layers: Iterable[Record], effort: Spending) -> list[Record]:
    """Return the layers that feed no other one of those given, nor any that these depend on."""
    layers = list(layers)
    feeding = {id(value) for layer in network_order(layers, effort) for value in _inputs_of(layer)}
    # Layers that feed each other in a circle would leave no output at all.
    return [layer for layer in layers if id(layer) not in feeding] or layers


def network_order(outputs: Iterable[Record], effort: Spending) -> list[Record]:
    """Return the outputs and all that they depend on, each layer after those that feed it.

    This is the walk of ``lasagne.layers.get_all_layers``, so the order is Lasagne's own.

    Raises:
        LimitError: there are too many layers, or links between them.
    """
    queue = deque(outputs)
    entered: set[int] = set()
    left: set[int] = set()
    order: list[Record] = []
    while queue:
        layer = queue[0]
        if id(layer) not in entered:
            entered.add(id(layer))
            feeding = _inputs_of(layer)
            effort.spend(1 + STEPS_OF_A_LINK * len(feeding))
            queue.extendleft(value for value in reversed(feeding) if value is not None)
            continue
        queue.popleft()
        if id(layer) not in left:
            left.add(id(layer))
            order.append(layer)
    effort.limits.check("layers", len(order), f"its network has {len(order):,} layers")
    return order


def build_layers(outputs: Sequence[Record], names: Mapping[int, str], effort: Spending) -> list[Layer]:
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
    met: dict[int, Parameter] = {}
    for place, (record, found) in enumerate(zip(records, facts, strict=True)):
        feeding = _inputs_of(record)
        inputs = [places[id(value)] for value in feeding if value is not None and places[id(value)] < place]
        shapes = _input_shapes(found, feeding, {id(records[i]): layers[i].output_shape for i in inputs})
        name = found.word("name") or names.get(id(record))
        parameters = _parameters(record, effort, met)
        layers.append(_build(found, name, tuple(inputs), shapes, parameters, stated.get(id(record))))
    return layers


def _stated_shapes(records: Sequence[Record], facts: Sequence[Attributes]) -> dict[int, Shape]:
    """Return the shapes that consumers say their inputs have, by the `id` of the layer that gives them."""
    stated: dict[int, Shape] = {}
    for record, found in zip(records, facts, strict=True):
        layers = _inputs_of(record)
        for feeding, shape in zip(layers, _given_shapes(found, len(layers)), strict=False):
            if shape is not None:
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
    attributes: Attributes,
    name: str | None,
    inputs: tuple[int, ...],
    shapes: list[Shape | None],
    parameters: tuple[Parameter, ...],
    stated: Shape | None,
) -> Layer:
    operations = operations_of(
        Case(attributes=attributes, inputs=shapes, parameters={p.name: p for p in parameters})
    )
    if stated is not None:  # what a consumer says of an input counts more than what the input says
        operations = tuple(Input(shape=stated) if isinstance(each, Input) else each for each in operations)
    for operation in operations:
        shapes = [output_shape(operation, shapes)]
    common: dict[str, Any] = {
        "type": attributes.type,
        "name": name,
        "inputs": inputs,
        "output_shape": stated or next(iter(shapes), None),
        "parameters": parameters,
        "operations": operations,
    }
    has_kernels = any(isinstance(each, Convolution | LocallyConnected) for each in operations)
    return ConvLayer(**common) if has_kernels else Layer(**common)


def _parameters(record: Record, effort: Spending, met: dict[int, Parameter]) -> tuple[Parameter, ...]:
    """Return a layer's parameters in the order in which it registered them, by the names of its attributes.

    A layer of a Lasagne before 0.1 has no register: there every attribute that is a variable counts, in the
    file's order. A variable that another layer has too is the same parameter there: ``met`` has those of the
    layers before, by the `id` of the variable.
    """
    facts = attributes(record)
    names = {id(value): name for name, value in reversed([*facts.items()]) if type(value) is Record}
    candidates = [key for key, _ in pairs(facts.get("params"), effort) or []]
    if not candidates:
        candidates = [value for value in facts.values() if is_variable(value)]
    if "W" in facts:
        candidates.append(facts["W"])  # an array in the place of a variable is no registered parameter
    effort.spend(len(facts) + STEPS_OF_AN_ARRAY * len(candidates))
    found: dict[str, Parameter] = {}
    for value in candidates:
        array = value_of(value, effort.limits)
        name = (
            names.get(id(value)) or (variable_name(value) or "").rpartition(".")[2] or f"param_{len(found)}"
        )
        if array is not None and name not in found:
            tied = met.get(id(value))
            found[name] = tied if tied is not None and tied.name == name else parameter_of(name, array, name)
            met[id(value)] = found[name]
    return tuple(found.values())
