"""nolearn's ``NeuralNet``, of nolearn 0.5 to 0.6.1, wherever in the file it lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from filtviz.errors import UnsupportedFileError
from filtviz.network import Network
from filtviz.reading.contents import Contents
from filtviz.reading.formats.layers import names_of
from filtviz.reading.formats.origin import origin_of
from filtviz.reading.lasagne.building import build_layers
from filtviz.reading.lasagne.facts import NOT_PLAIN, Facts
from filtviz.reading.lasagne.graph import is_layer, outputs_among
from filtviz.reading.limits import Limits
from filtviz.reading.records import Record, attributes, class_name, elements, pairs, text
from filtviz.reading.structure import Structure

__all__ = ["matches", "read"]


def matches(contents: Contents) -> bool:
    """Tell whether a NeuralNet is in the file."""
    return any(_is_neural_net(record) for record in contents.records)


def read(contents: Contents, structure: Structure) -> Network:  # noqa: ARG001  (the file tells the structure)
    """Read the first NeuralNet of the file that has layers, with the losses of its training.

    Raises:
        UnsupportedFileError: it was never initialised and has no layers yet.
    """
    nets = [record for record in contents.records if _is_neural_net(record)]
    net = next((net for net in nets if _held_layers(net)), None)
    if net is None:
        raise UnsupportedFileError(
            "it holds a nolearn NeuralNet that was never initialised and has no weights; call its fit() or "
            "initialize() before it is pickled"
        )
    names = names_of(attributes(net).get("layers_"))
    layers = build_layers(outputs_among(_held_layers(net)), names, contents.limits)
    origin = origin_of(contents, "a nolearn NeuralNet", notes=_notes(nets))
    return Network.of(layers, origin, _history(net, contents.limits))


def _is_neural_net(record: Record) -> bool:
    """Tell a NeuralNet, or a user's subclass of it, by its class or by what its constructor sets."""
    if class_name(record) == "NeuralNet":
        return True
    facts = attributes(record)
    return "layers" in facts and "update" in facts and "batch_iterator_train" in facts


def _held_layers(net: Record) -> list[Record]:
    """Return the layers in ``layers_``: a dictionary of names, or in early versions a list."""
    held = attributes(net).get("layers_")
    values = elements(held)
    if values is None or not any(is_layer(value) for value in values):
        values = [value for _, value in pairs(held) or []]
    return [value for value in values if is_layer(value)]


def _notes(nets: Sequence[Record]) -> list[str]:
    return [f"{len(nets)} NeuralNets are in the file; this is the first"] if len(nets) > 1 else []


def _history(net: Record, limits: Limits) -> list[Mapping[str, Any]]:
    """Return ``train_history_``: for each epoch its plain values (losses, seconds, accuracy)."""
    facts = Facts(net, limits)
    epochs = elements(facts.raw("train_history_")) or []
    return [_epoch(pairs(epoch) or [], facts) for epoch in epochs]


def _epoch(entries: Sequence[tuple[Any, Any]], facts: Facts) -> dict[str, Any]:
    named = {name: value for key, value in entries if (name := text(key))}
    known = {name: value if type(value) is float else facts.plain(value) for name, value in named.items()}
    return {name: value for name, value in known.items() if value is not NOT_PLAIN}
