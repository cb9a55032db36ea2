"""Losses that a checkpoint keeps beside its weights: lists under the names that people give them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from filtviz.reading.pickle.records import elements

__all__ = ["as_history", "losses_in", "which_loss"]

MOST_LOSSES = 1_000_000

_WORD = re.compile(
    r"(?:(?P<before>tr|train|training|va|val|valid|validation|dev|eval|test)_?)?"
    r"loss(?:es)?(?:_?(?P<behind>tr|train|training|va|val|valid|validation|dev|eval|test))?"
    r"(?:es)?(?:_?(?:history|hist|list|curve|log|per_epoch|epoch|epochs|values))?"
)
_SPLITS: Mapping[str, tuple[str, ...]] = {
    "train_loss": ("tr", "train", "training"),
    "valid_loss": ("va", "val", "valid", "validation", "dev", "eval"),
    "test_loss": ("test",),
}
"""nolearn's name of a series, with what people call that part of their data."""


def which_loss(path: Sequence[str]) -> str:
    """Return which series of losses is kept under some keys, by nolearn's name; empty for none.

    Args:
        path: The keys that lead there, such as ``("history", "val_loss")`` or ``("val", "loss")``.
    """
    *above, key = [re.sub(r"[^a-z]+", "_", one.lower()).strip("_") for one in path]
    found = _WORD.fullmatch(key)
    if found is None:
        return ""
    word = found["before"] or found["behind"] or (above[-1] if above else "train")
    return next((name for name, words in _SPLITS.items() if word in words), "train_loss")


def losses_in(value: Any) -> list[float] | None:
    """Return a list of numbers, two or more; None for anything else.

    Args:
        value: What lies under the keys.
    """
    items = elements(value) if type(value) is not str else None
    if items is None or not 2 <= len(items) <= MOST_LOSSES:
        return None
    return [float(one) for one in items] if all(type(one) in (int, float) for one in items) else None


def as_history(series: Mapping[str, Sequence[float]]) -> list[Mapping[str, Any]]:
    """Return series as nolearn keeps them: a mapping for each epoch, without those that ended before.

    Args:
        series: The losses by nolearn's names.
    """
    longest = max(map(len, series.values()), default=0)
    return [
        {name: values[place] for name, values in series.items() if place < len(values)}
        for place in range(longest)
    ]
