"""Lasagne's layer objects: a bare output layer, or anything that holds layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from filtviz.network import Network
from filtviz.reading.formats.lasagne.building import build_layers, is_layer, outputs_among
from filtviz.reading.limits import Spending
from filtviz.reading.opened import Opened, origin_of
from filtviz.reading.pickle.records import Items, Record, class_name, elements, name_of, pairs, walk
from filtviz.text import printable

__all__ = ["names_of", "open"]


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
    if type(root) is Items or (type(root) is Record and pairs(root, opened.effort) is not None):
        return "a dict of Lasagne layers"
    if elements(root) is not None:
        return "a list of Lasagne layers"
    return f"an object of class {printable(class_name(root), 40)} that holds Lasagne layers"
