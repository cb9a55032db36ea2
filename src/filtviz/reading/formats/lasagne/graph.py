"""The graph of layers: who feeds whom, inputs first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from filtviz.reading.limits import Budget
from filtviz.reading.pickle.records import Record, attributes, class_name, elements

__all__ = ["inputs_of", "is_layer", "network_order", "outputs_among"]


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


def inputs_of(layer: Record) -> list[Any]:
    """Return what feeds a layer, in its order: layers, and None for an input that is only a shape."""
    facts = attributes(layer)
    several = elements(facts.get("input_layers"))
    if several is not None:
        return [value if is_layer(value) else None for value in several]
    return (
        [facts["input_layer"] if is_layer(facts["input_layer"]) else None] if "input_layer" in facts else []
    )


def outputs_among(layers: Iterable[Record], effort: Budget) -> list[Record]:
    """Return the layers that feed no other one of those given, nor any that these depend on."""
    layers = list(layers)
    feeding = {
        id(value)
        for layer in network_order(layers, effort)
        for value in inputs_of(layer)
        if value is not None
    }
    # Layers that feed each other in a circle would leave no output at all.
    return [layer for layer in layers if id(layer) not in feeding] or layers


def network_order(outputs: Iterable[Record], effort: Budget) -> list[Record]:
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
            feeding = inputs_of(layer)
            effort.spend(1 + len(feeding))
            queue.extendleft(value for value in reversed(feeding) if value is not None)
            continue
        queue.popleft()
        if id(layer) not in left:
            left.add(id(layer))
            order.append(layer)
    effort.limits.check("layers", len(order), f"its network has {len(order):,} layers")
    return order
