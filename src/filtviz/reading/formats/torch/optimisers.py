"""Which weights an optimiser has moved: it keeps moments of each parameter that ever had a gradient.

Its state knows parameters by their places alone. They are those of the weights beside it, in the same order,
or some of them, as where frozen ones were not given to it; then shapes tell which.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from filtviz.errors import FiltvizError
from filtviz.reading.arrays import AnyArray, StoredArray
from filtviz.reading.formats.torch.rebuilding import Lost, Rebuilder
from filtviz.reading.pickle.records import elements, pairs
from filtviz.reading.tensors import Tensor

__all__ = ["Moments", "Moved", "moments_in", "moved_among"]

_MOST_OPTIMISERS, _MOST_PARAMETERS, _MOST_COMPARED = 8, 20_000, 1_000_000
_FIRST = 4096
"""Elements that are looked at."""

_BUFFERS = frozenset({"running_mean", "running_var", "num_batches_tracked"})

Moments = tuple[tuple[int, ...] | None, ...]
"""The shape of each parameter's moments, in the optimiser's order; None for one that it never moved."""


@dataclass(frozen=True)
class Moved:
    """The names of the weights that an optimiser has moved, and of those that it has not: ``resting``."""

    moved: frozenset[str] = frozenset()
    resting: frozenset[str] = frozenset()


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
    places = [place for group in groups for place in _places(group, rebuilder)]
    if not state or len(places) > _MOST_PARAMETERS or len(set(places)) < len(places):
        return
    kept = {place: _moment(state[place], rebuilder) for place in places if place in state}
    if all(each is not None for each in kept.values()):
        yield tuple(_shape(kept.get(place)) for place in places)


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
    if moment is None or (moment[0] and _is_one_number(moment[1])):
        return None
    return tuple(moment[1].shape)


def _is_one_number(array: AnyArray) -> bool:
    """Tell by its first elements whether an array holds one number only, as Adagrad's sums at the start."""
    if not isinstance(array, StoredArray):
        return False
    try:
        some = array.read().flat[:_FIRST]
    except FiltvizError:  # whoever asks for it is told
        return False
    return bool((some == some[0]).all()) if some.size else False


def moved_among(tensors: Sequence[Tensor], optimisers: Sequence[Moments], rebuilder: Rebuilder) -> Moved:
    """Return which of some weights the optimisers have moved; nothing where it does not fit, or not only one.

    Args:
        tensors: The weights, in order.
        optimisers: Moments of each.
        rebuilder: Whose budget the comparing takes of.
    """
    own = [each for each in tensors if each.name.rpartition(".")[2] not in _BUFFERS and each.array.shape]
    shapes = [tuple(each.array.shape) for each in own]
    rebuilder.effort.spend(len(own) * len(optimisers))
    fitting = [found for one in optimisers if (found := _fit(one, shapes)) is not None]
    if len(fitting) != 1 or len(optimisers) > 1:
        return Moved()
    ((moved, resting),) = fitting
    return Moved(frozenset(own[i].name for i in moved), frozenset(own[i].name for i in resting))


def _fit(moments: Moments, shapes: Sequence[tuple[int, ...]]) -> tuple[list[int], list[int]] | None:
    """Return the places that have surely moved and those that surely have not, None where nothing fits."""
    if len(moments) == len(shapes):
        if any(one is not None and one != shape for one, shape in zip(moments, shapes, strict=True)):
            return None
        moved = [i for i, one in enumerate(moments) if one is not None]
        return moved, [i for i, one in enumerate(moments) if one is None]
    if len(moments) * (len(shapes) - len(moments)) > _MOST_COMPARED:
        return None
    first = _earliest(moments, shapes)
    last = _earliest(moments[::-1], shapes[::-1])
    if first is None or last is None:
        return None
    latest = [len(shapes) - 1 - place for place in last[::-1]]
    may_move = [False] * len(shapes)
    for one, low, high in zip(moments, first, latest, strict=True):
        for place in range(low, high + 1):
            may_move[place] = may_move[place] or (one is not None and one == shapes[place])
    sure = [a for one, a, b in zip(moments, first, latest, strict=True) if a == b and one is not None]
    return sure, [place for place, may in enumerate(may_move) if not may]


def _earliest(
    moments: Sequence[tuple[int, ...] | None], shapes: Sequence[tuple[int, ...]]
) -> list[int] | None:
    """Return the first places in which all shapes can be found in their order, or None."""
    places: list[int] = []
    place = 0
    for one in moments:
        while place < len(shapes) and one is not None and shapes[place] != one:
            place += 1
        if place >= len(shapes):
            return None
        places.append(place)
        place += 1
    return places
