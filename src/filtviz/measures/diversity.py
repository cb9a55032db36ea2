"""Do the filters look in different directions, or in few?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from filtviz.measures.kernels import Floats, Kernels

__all__ = [
    "FirstComponent",
    "SimilarPair",
    "closest_pair",
    "first_component",
    "pair_threshold",
    "significant_component",
    "similar_pairs",
]

_DRAWS = 199
_LARGEST_SIDE = 200
"""Random directions are drawn in no larger number or dimension: with fewer the share is only the greater."""


class FirstComponent(NamedTuple):
    """The share of the first principal component, and the p-value where it was asked for."""

    share: float
    p: float | None


class SimilarPair(NamedTuple):
    """Two filters and the cosine of their angle; -1 is the same filter with its sign turned."""

    first: int
    second: int
    cosine: float


def first_component(rows: Floats) -> float:
    """Return the share of the first principal component of rows that are brought to unit length.

    ``rows`` is ``(filters, weights of a filter)``; rows of zeros do not count. NaN where there is no other.
    """
    return _first_share(Kernels.of(rows[:, :, np.newaxis, np.newaxis]))


def significant_component(kernels: Kernels, over: float, seed: int = 0) -> FirstComponent:
    """Compare the share with that of as many random directions of the same dimension (199 seeded draws).

    A few filters always share a direction: two of them give .5 or more. The draws are made only where the
    share passes ``over``; below, p is None.
    """
    share = _first_share(kernels)
    if not share > over:
        return FirstComponent(share, None)
    random = np.random.default_rng(seed)
    shape = [min(side, _LARGEST_SIDE) for side in kernels.rows.shape]
    draws = [first_component(random.standard_normal(shape)) for _ in range(_DRAWS)]
    return FirstComponent(share, float((1 + sum(draw >= share for draw in draws)) / (1 + _DRAWS)))


def _first_share(kernels: Kernels) -> float:
    """Return the largest eigenvalue of the matrix of cosines over its trace."""
    alive = int((kernels.norms > 0).sum())
    return float(np.linalg.eigvalsh(kernels.cosines)[-1] / alive) if alive else float("nan")


def pair_threshold(n_filters: int, dimension: int, alpha: float = 0.01) -> float:
    """Return the |cos| that the closest pair of random filters passes with probability ``alpha``.

    cos² of a pair is Beta(½, (d-1)/2); Šidák's correction runs over the n(n-1)/2 pairs. d = 9, n = 20: .940;
    d = 180, n = 20: .296. It is 1 where every two filters are parallel (d = 1).
    """
    pairs = max(1, n_filters * (n_filters - 1) // 2)
    if dimension < 2:
        return 1.0
    level = -np.expm1(np.log1p(-alpha) / pairs)
    return float(np.sqrt(stats.beta.isf(level, 0.5, (dimension - 1) / 2)))


def closest_pair(kernels: Kernels) -> SimilarPair:
    """Return the two filters of the greatest |cos|; there must be two."""
    above = np.triu(np.abs(kernels.cosines), k=1)
    first, second = np.unravel_index(int(above.argmax()), above.shape)
    if above[first, second] == 0:
        return SimilarPair(0, 1, 0.0)
    return SimilarPair(int(first), int(second), float(kernels.cosines[first, second]))


def similar_pairs(kernels: Kernels, threshold: float) -> tuple[SimilarPair, ...]:
    """Return the pairs of filters whose |cos| reaches ``threshold``, the closest first."""
    above = np.triu(np.abs(kernels.cosines), k=1)
    pairs = [
        SimilarPair(int(a), int(b), float(kernels.cosines[a, b]))
        for a, b in zip(*np.nonzero(above >= threshold - 1e-12), strict=True)
    ]
    return tuple(sorted(pairs, key=lambda pair: (-abs(pair.cosine), pair.first, pair.second)))
