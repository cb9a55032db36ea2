"""What the state of a Keras optimiser tells: how many steps it took, and which layers it has moved.

It keeps one to three moments of each weight that was to be trained when the training began: all those of a
weight side by side, or all weights' first ones before their second ones. Shapes tell of which weights.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from filtviz.errors import FiltvizError, LimitError
from filtviz.network import Layer, Network
from filtviz.reading.arrays import StoredArray
from filtviz.reading.formats.keras.stores import listed_in
from filtviz.reading.hdf5 import Dataset, Group
from filtviz.reading.limits import Spending
from filtviz.reading.optimised import Held, Moved, is_one_number, moved_among, moved_by_shape
from filtviz.text import natural_key, plural

__all__ = ["with_optimiser"]

_MOST_MOMENTS, _MOST = 3, 20_000
"""Moments of a weight, and what an optimiser keeps in all."""


def with_optimiser(network: Network, root: Group, effort: Spending) -> Network:
    """Return a network with what the optimiser beside its weights tells of its training.

    Args:
        network: The network.
        root: The file.
        effort: What comparing may take.
    """
    try:
        kept = [each.array() for each in _kept(root)]
        effort.spend(len(kept))
        steps = next((int(each.read()) for each in kept if _counts(each)), 0)
    except LimitError:
        raise
    except FiltvizError:  # one that is damaged tells nothing
        return network
    if steps < 1:
        return network
    found = _moved([each for each in kept if each.shape], network.layers, effort)
    took = f"its optimiser took {plural(steps, 'step')}"
    origin = replace(network.origin, training=(took,), moved=found.moved, resting=found.resting)
    return replace(network, origin=origin)


def _kept(root: Group) -> list[Dataset]:
    """Return what an optimiser keeps, in its order."""
    numbered, named = root.group("optimizer/vars"), root.group("optimizer_weights")
    if numbered is not None:
        held = numbered.datasets() if sum(1 for _ in numbered) <= _MOST else {}
        return [held[name] for name in sorted(held, key=natural_key)]
    found = [] if named is None else [named.get(name) for name in listed_in(named, "weight_names")[:_MOST]]
    return [each for each in found if isinstance(each, Dataset)]


def _counts(array: StoredArray) -> bool:
    return array.shape == () and array.dtype.kind in "iu"


def _moved(moments: Sequence[StoredArray], layers: Sequence[Layer], effort: Spending) -> Moved:
    """Return the layers that have moved, where the moments are those of their weights in one way only."""
    held = list(_held(layers))
    resting = {id(each) for each in moments if is_one_number(each)}
    groups = [_group(kept, resting) for kept in _by_weight(moments)]
    found = {moved_among([held], [(group,)], effort) for group in groups if any(group)} - {Moved()}
    # Weights without a configuration stand in the order of their classes, which is no optimiser's.
    found = found or {moved_by_shape(held, group) for group in groups} - {Moved()}
    return _of_kernels(found.pop()) if len(found) == 1 else Moved()


def _held(layers: Sequence[Layer]) -> Iterator[Held]:
    seen: set[int] = set()
    for layer in layers:
        for each in layer.parameters:
            if id(each) not in seen:
                seen.add(id(each))
                yield f"{layer.name}.{each.name}", tuple(each.shape)


def _by_weight(moments: Sequence[StoredArray]) -> Iterator[Sequence[Sequence[StoredArray]]]:
    """Yield the ways in which moments may be those of one weight after another."""
    n_all = len(moments)
    for n in range(1, _MOST_MOMENTS + 1):
        if n_all and n_all % n == 0:
            yield from {
                tuple(map(tuple, ways))
                for ways in (
                    [moments[i : i + n] for i in range(0, n_all, n)],
                    [moments[i :: n_all // n] for i in range(n_all // n)],
                )
                if all(each.shape == way[0].shape for way in ways for each in way)
            }


def _group(
    kept: Sequence[Sequence[StoredArray]], resting: Collection[int]
) -> tuple[tuple[int, ...] | None, ...]:
    """Return the shape of each weight that has moved, None of one whose moments are as at the start."""
    return tuple(None if all(id(one) in resting for one in each) else tuple(each[0].shape) for each in kept)


def _of_kernels(found: Moved) -> Moved:
    """Return the layers whose kernels have moved, or not."""
    moved, resting = (
        frozenset(name.rpartition(".")[0] for name in names if name.endswith("kernel"))
        for names in (found.moved, found.resting)
    )
    return Moved(moved, resting - moved)
