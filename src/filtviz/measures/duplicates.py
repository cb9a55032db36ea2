"""Are two filters the same but for their size or sign?"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from filtviz.measures.kernels import Kernels
from filtviz.measures.laws import random_cosine
from filtviz.measures.measure import Columns, Finding, Measure
from filtviz.measures.pairs import DUPLICATE_COSINE
from filtviz.text import plural

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = ["DUPLICATE_COSINE", "Duplicates", "SimilarPair", "closest_pair", "pair_threshold"]

_WORK = 1_000
"""To name a filter as one's duplicate, wherever that is printed."""


class Duplicates(Measure):
    """How close the two closest filters are."""

    key = "duplicates"
    title = "Closest pair of filters"
    meaning = "Which two filters are most alike? Two that differ in size or sign only do the same work twice."
    scope = ("pair",)
    formula = "max |cos| over all pairs of filters"
    null = (
        "cos² ~ Beta(½, (d−1)/2), Šidák over the pairs, at 1 %: .940 for 20 filters of 9 weights, .296 for "
        "20 of 180"
    )
    short_null = "Beta, Šidák"
    counts_if = '"correlated" from the null\'s; "near-duplicates" from |cos| .95 as well'
    supports = '"near-duplicates"; "correlated"'
    cannot_say = "In a deep layer significance starts at cos .3, which the eye does not see."
    source = "the distribution of a random cosine; Šidák 1967"
    check = "two filters are near-duplicates (|cos| of .95 or more)"

    def take(self, subject: Subject) -> Finding | None:
        """Look at the closest pair."""
        kernels = subject.kernels
        if kernels.n_filters < 2:
            return None
        chance = _chance(kernels)
        limit = max(chance, DUPLICATE_COSINE)
        closest = closest_pair(kernels)
        cosine = abs(closest.cosine)
        found = chance < 1 and cosine >= limit
        pair = f"{closest.first} and {closest.second} (cos {closest.cosine:.2f})"
        if found:
            n = len(_alike(kernels, limit))
            text = f"{plural(n, 'pair')} of near-duplicates, first {pair}"
        else:
            how = "correlated" if chance < 1 and cosine >= chance else "no more than chance"
            text = f"filters {pair} are closest: {how}"
        return self.finding(value=closest.cosine, threshold=limit, found=found, text=text)

    def each(self, subject: Subject) -> Columns:
        """List for each filter those that are the same but for size and sign, beyond chance."""
        kernels = subject.kernels
        chance = _chance(kernels)
        if kernels.n_filters < 2 or chance >= 1:
            return {"duplicates": [()] * kernels.n_filters}
        alike = _alike(kernels, max(chance, DUPLICATE_COSINE))
        n = 2 * len(alike)
        subject.account.spend("work", _WORK * n, f"naming {n:,} pairs of near-duplicates")
        found: list[list[int]] = [[] for _ in range(kernels.n_filters)]
        for first, second in alike.tolist():  # in order, so that each list is
            found[second].append(first)
        for first, second in alike.tolist():
            found[first].append(second)
        return {"duplicates": [tuple(each) for each in found]}


class SimilarPair(NamedTuple):
    """Two filters and the cosine of their angle; -1 is the same filter with its sign turned."""

    first: int
    second: int
    cosine: float


def _chance(kernels: Kernels) -> float:
    return pair_threshold(kernels.n_filters, kernels.size // kernels.n_filters)


def pair_threshold(n_filters: int, dimension: int, alpha: float = 0.01) -> float:
    """Return the |cos| that the closest pair of random filters passes with probability ``alpha``.

    .940 for 20 filters of 9 weights, .296 for 20 of 180. It is 1 where every two filters are parallel (of
    one weight).
    """
    return random_cosine(n_filters * (n_filters - 1) // 2, dimension, alpha)


def closest_pair(kernels: Kernels) -> SimilarPair:
    """Return the two filters of the greatest |cos|, the lower index first; there must be two."""
    (first, second), cosine = kernels.pairs.closest, kernels.pairs.cosine
    return SimilarPair(first, second, cosine)


def _alike(kernels: Kernels, threshold: float) -> NDArray[np.intp]:
    """Return the pairs whose |cos| reaches ``threshold``, .95 or more: ``(pairs, 2)``, in order."""
    return kernels.pairs.alike[np.abs(kernels.pairs.cosines) >= threshold]
