"""What a checkpoint keeps of its training beside the weights: an optimiser's moments, and losses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from filtviz.reading.arrays import AnyArray
from filtviz.reading.formats.torch.rebuilding import Lost, Rebuilder
from filtviz.reading.optimised import Moments, is_one_number
from filtviz.reading.pickle.records import elements, pairs

__all__ = ["as_history", "losses_in", "moments_in", "which_loss"]

_MOST_OPTIMISERS, _MOST_PARAMETERS = 8, 20_000


def moments_in(value: Any, rebuilder: Rebuilder) -> Iterator[Moments]:
    """Yield the moments of an optimiser's state, or of each in a list of them; of none that keeps none.

    Args:
        value: What a checkpoint keeps of it.
        rebuilder: What reads its tensors.
    """
    entries = pairs(value, rebuilder.effort)
    if entries is None:
        for each in (elements(value) or ())[:_MOST_OPTIMISERS]:
            if pairs(each, rebuilder.effort) is not None:
                yield from moments_in(each, rebuilder)
        return
    parts = {key: part for key, part in entries if type(key) is str}
    state = dict(_of_numbers(parts.get("state"), rebuilder))
    groups = elements(parts.get("param_groups")) or ()
    by_group = [_places(group, rebuilder) for group in groups]
    places = [place for group in by_group for place in group]
    if not state or not places or len(places) > _MOST_PARAMETERS or len(set(places)) < len(places):
        return
    kept = {place: _moment(state[place], rebuilder) for place in places if place in state}
    if all(each is not None for each in kept.values()):
        yield tuple(tuple(_shape(kept.get(place)) for place in group) for group in by_group)


def _of_numbers(state: Any, rebuilder: Rebuilder) -> list[tuple[int, Any]]:
    entries = pairs(state, rebuilder.effort) or []
    return [(key, part) for key, part in entries if type(key) is int]


def _places(group: Any, rebuilder: Rebuilder) -> list[int]:
    entries = pairs(group, rebuilder.effort) or []
    found = next((part for key, part in entries if type(key) is str and key == "params"), None)
    places = elements(found) or ()
    rebuilder.effort.spend(len(places))
    return [each for each in places if type(each) is int]


def _moment(entry: Any, rebuilder: Rebuilder) -> tuple[bool, AnyArray] | None:
    """Return the first moment of a parameter, and whether it is Adagrad's, which is there from the start.

    One number alone counts steps.
    """
    for key, part in pairs(entry, rebuilder.effort) or ():
        found = rebuilder.tensor(part)
        if found is not None and not isinstance(found, Lost) and len(found.shape) > 0:
            return key == "sum", found
    return None


def _shape(moment: tuple[bool, AnyArray] | None) -> tuple[int, ...] | None:
    if moment is None or (moment[0] and is_one_number(moment[1])):
        return None
    return tuple(moment[1].shape)


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
    are_numbers = all(type(one) is float or (type(one) is int and abs(one) < 1e300) for one in items)
    return [float(one) for one in items] if are_numbers else None


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
