"""nolearn's ``NeuralNet``, of nolearn 0.5 to 0.6.1, wherever in the file it lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, islice
from typing import Any

from filtviz.errors import UnsupportedFileError
from filtviz.network import Network
from filtviz.reading.formats.lasagne import build_layers, is_layer, names_of, network_order, outputs_among
from filtviz.reading.limits import Spending
from filtviz.reading.opened import Opened, origin_of
from filtviz.reading.pickle.attributes import NOT_PLAIN, Attributes
from filtviz.reading.pickle.records import Record, attributes, class_name, elements, pairs, text

__all__ = ["open"]

MOST_NETS = 100
"""NeuralNets of a file that are looked at until one has layers."""


def open(opened: Opened) -> Network | None:
    """Read the first NeuralNet of the file that has layers, with the losses of its training.

    Raises:
        UnsupportedFileError: it was never initialised and has no layers yet.
    """
    nets = islice((record for record in opened.records() if _is_neural_net(record)), MOST_NETS)
    first = next(nets, None)
    if first is None:
        return None
    net = next((net for net in chain([first], nets) if _held_layers(net, opened.effort)), None)
    if net is None:
        raise UnsupportedFileError(
            "it holds a nolearn NeuralNet that was never initialised and has no weights; call its fit() or "
            "initialize() before it is pickled"
        )
    outputs = outputs_among(_held_layers(net, opened.effort), opened.effort)
    layers = build_layers(outputs, _names(net, outputs, opened.effort), opened.effort)
    return Network.of(
        layers, origin_of(opened, "a nolearn NeuralNet", framework="Lasagne"), _history(net, opened.effort)
    )


def _is_neural_net(record: Record) -> bool:
    """Tell a NeuralNet, or a user's subclass of it, by its class or by what its constructor sets."""
    if class_name(record) == "NeuralNet":
        return True
    facts = attributes(record)
    return "layers" in facts and "update" in facts and "batch_iterator_train" in facts


def _held_layers(net: Record, effort: Spending) -> list[Record]:
    """Return the layers of ``layers_`` (a dictionary, early a list), or else the output layers."""
    facts = attributes(net)
    for name in ("layers_", "_output_layers", "_output_layer"):
        held = facts.get(name)
        values = [held, *(elements(held) or []), *(value for _, value in pairs(held, effort) or [])]
        effort.spend(len(values))
        if layers := [value for value in values if is_layer(value)]:
            return layers
    return []


def _names(net: Record, outputs: Sequence[Record], effort: Spending) -> Mapping[int, str]:
    """Return the layers' names: the keys of ``layers_``, or, before nolearn 0.6, those beside the classes."""
    facts = attributes(net)
    if names := names_of(facts.get("layers_"), effort):
        return names
    listed = [
        text(parts[0]) if (parts := elements(entry)) else None
        for entry in elements(facts.get("layers")) or []
    ]
    order = network_order(outputs, effort)
    if len(listed) != len(order):
        return {}
    return {id(layer): name for layer, name in zip(order, listed, strict=True) if name}


def _history(net: Record, effort: Spending) -> list[Mapping[str, Any]]:
    """Return ``train_history_``: for each epoch its plain values (losses, seconds, accuracy)."""
    facts = Attributes(net, effort)
    epochs = elements(facts.raw("train_history_")) or []
    history: list[Mapping[str, Any]] = []
    for epoch in epochs:
        entries = pairs(epoch, effort) or []
        effort.spend(1)
        history.append(_epoch(entries, facts))
    return history


def _epoch(entries: Sequence[tuple[Any, Any]], facts: Attributes) -> dict[str, Any]:
    named = {name: value for key, value in entries if (name := text(key))}
    known = {name: value if type(value) is float else facts.plain(value) for name, value in named.items()}
    return {name: value for name, value in known.items() if value is not NOT_PLAIN}
