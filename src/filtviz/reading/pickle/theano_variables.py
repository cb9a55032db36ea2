"""Theano's variables, as their pickles describe them."""

from __future__ import annotations

from typing import Any

from filtviz.reading.arrays import StoredArray, as_array
from filtviz.reading.limits import Limits
from filtviz.reading.pickle.records import Record, attributes, class_name, elements, text

__all__ = ["is_variable", "value_of", "variable_name"]


def is_variable(value: Any) -> bool:
    """Tell a variable of Theano's (shared, constant or symbolic) by its class."""
    return type(value) is Record and class_name(value).endswith(("Variable", "Constant"))


def variable_name(value: Any) -> str | None:
    """Return the name that a variable has in its program (``conv1.W``)."""
    return text(attributes(value).get("name")) if is_variable(value) else None


def value_of(value: Any, limits: Limits) -> StoredArray | None:
    """Return the array that a variable holds, or that ``value`` is itself, or None where there is none.

    A shared variable keeps it as ``container.storage[0]``, a constant as ``data``; on a graphics card it is
    wrapped once more.
    """
    array = as_array(value, limits)
    if array is not None or not is_variable(value):
        return array
    facts = attributes(value)
    storage = elements(attributes(facts.get("container")).get("storage"))
    return as_array(storage[0] if storage else facts.get("data"), limits)
