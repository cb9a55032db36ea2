"""Which weights an optimiser has moved: it keeps moments of each parameter that ever had a gradient.

Where its state knows parameters by their places alone, they are those of the weights beside it, in the same
order, or some of them, as where frozen ones were not given to it; then shapes tell which. Groups of
parameters, and several optimisers, may each have some of them: those with decay and those without, or the
last layers first. Where it has names, they tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from filtviz.errors import FiltvizError
from filtviz.reading.arrays import AnyArray, StoredArray, count
from filtviz.reading.limits import Spending

__all__ = ["Held", "Moments", "Moved", "is_one_number", "moved_among", "moved_by_name", "moved_by_shape"]

_MOST_OPTIMISERS, _MOST_COMPARED = 8, 1_000_000
"""Optimisers that are compared, and steps that comparing with the weights may take for each of them."""

_FIRST, _MOST = 2**12, 2**24
"""Elements of an array that are looked at, and those of all arrays whose first ones are one number."""

_BUFFERS = frozenset({"running_mean", "running_var", "num_batches_tracked", "moving_mean", "moving_variance"})

Group = tuple[tuple[int, ...] | None, ...]
"""The shape of each parameter's moments, in the optimiser's order; None for one that it never moved."""

Moments = tuple[Group, ...]
"""Those of an optimiser, for each of its groups of parameters."""


@dataclass(frozen=True)
class Moved:
    """The names of the weights that an optimiser has moved, and of those that it has not: ``resting``."""

    moved: frozenset[str] = frozenset()
    resting: frozenset[str] = frozenset()


def is_one_number(array: AnyArray, most: int = _FIRST) -> bool:
    """Tell whether an array holds one number only by its first elements, as moments do before the first step.

    Args:
        array: Some moments: zeros, or what Adagrad's sums begin with.
        most: How many elements are looked at.
    """
    if not isinstance(array, StoredArray):
        return False
    try:
        some = _first_of(array, most).read().flat[:most]
    except FiltvizError:  # whoever asks for it is told
        return False
    return bool((some == some[0]).all()) if some.size else False


def _first_of(array: StoredArray, n: int) -> StoredArray:
    """Return the first elements of an array, so that no others are read; all, if they lie otherwise."""
    size = count(array.shape)
    steps = tuple(count(array.shape[axis + 1 :]) for axis in range(len(array.shape)))
    if size <= n or array.strides != steps:
        return array
    return replace(array, shape=(n,), strides=(1,))


def moved_by_name(
    weights: Mapping[str, tuple[int, ...]], moments: Iterable[tuple[str, AnyArray]], effort: Spending
) -> Moved:
    """Return which weights an optimiser has moved that keeps its moments under their names.

    Weights without moments were masked, where others have some; zeros alone tell that no gradient came.

    Args:
        weights: The shape of each, by its name.
        moments: The name of what they are of, and they: more than one of each.
        effort: What comparing may take.
    """
    moved: set[str] = set()
    untold: set[str] = set()
    left = _MOST
    for name, array in moments:
        effort.spend(1)
        if tuple(array.shape) != weights.get(name) or name in moved:
            continue
        if not is_one_number(array):
            moved.add(name)
            continue
        left -= count(array.shape)
        if left < 0:
            untold.add(name)
        elif not is_one_number(array, _MOST):
            moved.add(name)
    return Moved(frozenset(moved), frozenset(weights.keys() - moved - untold) if moved else frozenset())


Held = tuple[str, tuple[int, ...]]
"""The name and the shape of an array."""


def moved_among(sets: Sequence[Sequence[Held]], optimisers: Sequence[Moments], effort: Spending) -> Moved:
    """Return which weights the optimisers have moved; nothing where it does not fit, or two do.

    Args:
        sets: The arrays of each network, in order.
        optimisers: Moments of each.
        effort: What the comparing may take.
    """
    if len(optimisers) > _MOST_OPTIMISERS:
        return Moved()
    own = [[each for each in one if _is_for_optimisers(*each)] for one in sets]
    shapes = [[shape for _, shape in one] for one in own]
    effort.spend(sum(map(len, shapes)) * sum(map(len, optimisers)))
    found = [_of_one(optimisers, shapes[0])] if len(sets) == 1 else _of_several(optimisers, shapes)
    told = [(one, names) for one, names in zip(found, own, strict=True) if one is not None]
    moved, resting = (frozenset(names[i][0] for one, names in told for i in one[which]) for which in (0, 1))
    return Moved(moved, resting)


def moved_by_shape(held: Sequence[Held], group: Group) -> Moved:
    """Return which of some arrays an optimiser has moved whose order is not theirs: shapes alone tell.

    Those of a shape of which it has moments of all, or of none.

    Args:
        held: The arrays.
        group: The optimiser's moments.
    """
    own = [(name, shape) for name, shape in held if _is_for_optimisers(name, shape)]
    kept = Counter(shape for shape in group if shape is not None)
    all_ = Counter(shape for _, shape in own)
    if kept - all_:
        return Moved()
    moved = frozenset(name for name, shape in own if kept[shape] == all_[shape])
    return Moved(moved, frozenset(name for name, shape in own if not kept[shape]) if moved else frozenset())


def _is_for_optimisers(name: str, shape: tuple[int, ...]) -> bool:
    return name.rpartition(".")[2] not in _BUFFERS and bool(shape)


Shapes = Sequence[tuple[int, ...]]

Places = tuple[list[int], list[int]]
"""Which of some weights have surely moved, and which surely have not."""


def _of_one(optimisers: Sequence[Moments], shapes: Shapes) -> Places | None:
    """Tell of the only weights that there are: by the one optimiser that may be theirs, or by their parts."""
    fitting = [found for one in optimisers if (found := _fit(_joined(one), shapes)) is not None]
    return fitting[0] if len(fitting) == 1 else _by_group(optimisers, shapes)


def _joined(moments: Moments) -> Group:
    return tuple(each for group in moments for each in group)


def _of_several(optimisers: Sequence[Moments], sets: Sequence[Shapes]) -> list[Places | None]:
    """Tell of weights by the one optimiser that has all of them in their order, and of no others."""
    found: list[Places | None] = [None] * len(sets)
    doubtful: set[int] = set()
    for one in map(_joined, optimisers):
        fits = [(i, _fit(one, shapes)) for i, shapes in enumerate(sets) if len(shapes) == len(one)]
        fits = [(i, told) for i, told in fits if told is not None]
        doubtful.update(i for i, _ in fits if len(fits) > 1 or found[i] is not None)
        for i, told in fits:
            found[i] = told
    return [None if i in doubtful else told for i, told in enumerate(found)]


def _by_group(optimisers: Sequence[Moments], shapes: Shapes) -> Places | None:
    """Tell by groups of parameters of which each has some of the weights, in their order."""
    groups = [group for one in optimisers for group in one]
    n = sum(map(len, groups))
    kept = Counter(each for group in groups for each in group if each is not None)
    if (
        not n
        or n > len(shapes)
        or kept - Counter(shapes)
        or (n + 2 * len(groups)) * len(shapes) > _MOST_COMPARED
    ):
        return None
    found = [_fit_some(group, shapes) for group in groups]
    known = [told for told in found if told is not None]
    if len(known) < len(found):
        return None
    moved = {place for places, _ in known for place in places}
    resting = set.intersection(*(set(places) for _, places in known))
    return sorted(moved), sorted(resting)


def _fit(moments: Group, shapes: Shapes) -> Places | None:
    """Return which of the weights have moved, None where nothing fits."""
    if len(moments) != len(shapes):
        return _fit_some(moments, shapes)
    if any(one is not None and one != shape for one, shape in zip(moments, shapes, strict=True)):
        return None
    moved = [i for i, one in enumerate(moments) if one is not None]
    return moved, [i for i, one in enumerate(moments) if one is None]


def _fit_some(moments: Group, shapes: Shapes) -> Places | None:
    """Return the same by the moments of some of the weights, in their order: shapes tell of which."""
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
            may_move[place] = may_move[place] or one == shapes[place]
    sure = [a for one, a, b in zip(moments, first, latest, strict=True) if a == b and one is not None]
    return sure, [place for place, may in enumerate(may_move) if not may]


def _earliest(moments: Sequence[tuple[int, ...] | None], shapes: Shapes) -> list[int] | None:
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
