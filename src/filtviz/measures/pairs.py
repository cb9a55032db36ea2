"""How alike the filters of a layer are, pair by pair, without keeping a matrix of all pairs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["DUPLICATE_COSINE", "Pairs", "compare_pairs"]

Floats = NDArray[np.float64]

DUPLICATE_COSINE = 0.95
"""The ``|cos|`` from which two filters are near-duplicates."""

_TILE = 256
"""Filters that are compared with all behind them at a time."""

_SURE = 1e-5
"""Wider than a cosine is off that was computed in single precision, which is far quicker."""

_EQUAL = 1e-12
"""Cosines this near are one to the last digits that differ by the order of a sum."""

_CHUNK_ELEMENTS = 1_000_000
"""Weights that are looked at again in double precision in one go."""


class Pairs(NamedTuple):
    """What all pairs of filters of a layer say together.

    Attributes:
        closest: The two of the greatest ``|cos|``, the lower index first; of equal ones the first.
        cosine: Theirs.
        total: The sum of ``|cos|`` over all pairs, each counted once.
        alike: The pairs that reach the limit, ``(pairs, 2)``, in order.
        cosines: Theirs, ``(pairs,)``.
    """

    closest: tuple[int, int]
    cosine: float
    total: float
    alike: NDArray[np.intp]
    cosines: Floats


def compare_pairs(units: Floats, limit: float, known: NDArray[np.float32] | None = None) -> Pairs:
    """Compare each filter with every other; there must be two.

    All pairs are compared in single precision, and those that may be the closest or reach the limit once
    more in double.

    Args:
        units: The filters, each of norm 1 or of zeros, ``(filters, weights of a filter)``.
        limit: The ``|cos|`` from which a pair is kept.
        known: The cosines in single precision, ``(filters, filters)``, where they are known.
    """
    closest, cosine, total = (0, 1), 0.0, 0.0
    ones = np.ones(len(units), np.float32)
    kept: list[tuple[NDArray[np.intp], Floats]] = []
    for first, sizes in _tiles(units, known):
        total += float((sizes @ ones[first:]).sum(dtype=np.float64))
        most = sizes.max(axis=1)
        near = min(limit, float(most.max())) - _SURE
        some = np.flatnonzero(most >= near)
        pairs = np.argwhere(sizes[some] >= near)
        pairs[:, 0] = some[pairs[:, 0]]
        pairs += first
        pairs = pairs[pairs[:, 0] < pairs[:, 1]]
        exact = _exact(units, pairs)
        own = np.abs(exact)
        best = int((own >= own.max(initial=0.0) - _EQUAL).argmax()) if len(own) else 0
        if len(own) and own[best] > abs(cosine) + _EQUAL:
            closest, cosine = (int(pairs[best, 0]), int(pairs[best, 1])), float(exact[best])
        reach = own >= limit - _EQUAL
        kept.append((pairs[reach], exact[reach]))
    alike, cosines = (np.concatenate(each) for each in zip(*kept, strict=True))
    return Pairs(closest, cosine, total, alike, cosines)


def _tiles(units: Floats, known: NDArray[np.float32] | None) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield ``|cos|`` of some filters with themselves and all behind, 0 where a pair would come twice."""
    singles = units.astype(np.float32) if known is None else known
    for first in range(0, len(units), _TILE):
        some = singles[first : first + _TILE]
        sizes = some @ singles[first:].T if known is None else some[:, first:].copy()
        np.abs(sizes, out=sizes)
        sizes[:, : len(some)] = np.triu(sizes[:, : len(some)], 1)
        yield first, sizes


def _exact(units: Floats, pairs: NDArray[np.intp]) -> Floats:
    """Return the cosines of pairs in double precision."""
    step = max(1, _CHUNK_ELEMENTS // units.shape[1])
    parts = [
        np.einsum("ij,ij->i", units[pairs[place : place + step, 0]], units[pairs[place : place + step, 1]])
        for place in range(0, len(pairs), step)
    ]
    return np.asarray(np.clip(np.concatenate([np.zeros(0), *parts]), -1.0, 1.0))
