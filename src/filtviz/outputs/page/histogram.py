"""The weights of a layer as a histogram, and what its initialiser would draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.measures.findings import LayerDiagnosis
from filtviz.measures.initialisers import CATALOGUE, Rule

__all__ = ["Histogram", "draw_histogram"]

BINS = 64
CURVE_POINTS = 129

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Histogram:
    """How the weights are distributed.

    ``edges`` ``(bins + 1,)`` and ``counts`` ``(bins,)`` are of the finite weights. ``null`` is ``(points, 2)``, the
    weight and the number of weights that ``initialiser`` would put into a bin there, or None where the
    initialiser has no distribution that is known beforehand.
    """

    edges: Floats
    counts: NDArray[np.intp]
    initialiser: str
    null: Floats | None

    @property
    def highest(self) -> float:
        """The greatest count, of weights or of the null."""
        expected = 0.0 if self.null is None else float(self.null[:, 1].max())
        return max(float(self.counts.max()), expected)

    @property
    def limit(self) -> float:
        """The end of the axis, which is symmetric about zero."""
        return float(self.edges[-1])


def draw_histogram(filters: NDArray[Any], diagnosis: LayerDiagnosis) -> Histogram | None:
    """Count the finite weights ``(filters, channels, rows, cols)`` in bins that are symmetric about zero.

    None where there is nothing to count, or all weights are zero.
    """
    weights = filters[np.isfinite(filters)].astype(np.float64)
    largest = float(np.abs(weights).max()) if weights.size else 0.0
    if largest == 0:
        return None
    rule = _rule_named(diagnosis.initialiser)
    limit = 1.05 * max(largest, _reach(rule, diagnosis.shape))
    counts, edges = np.histogram(weights, bins=BINS, range=(-limit, limit))
    null = None if rule is None else _expected(rule, diagnosis.shape, edges, weights.size)
    return Histogram(edges=edges, counts=counts, initialiser=diagnosis.initialiser, null=null)


def _rule_named(name: str) -> Rule | None:
    """Return the catalogue's rule; of several that coincide ("… or …") the first."""
    first = name.split(" or ")[0]
    return next((rule for rule in CATALOGUE if rule.name == first), None)


def _reach(rule: Rule | None, shape: tuple[int, int, int, int]) -> float:
    """Return how far from zero the null is worth drawing."""
    if rule is None:
        return 0.0
    return rule.bound(shape) if rule.family == "uniform" else 3 * rule.std(shape)


def _expected(rule: Rule, shape: tuple[int, int, int, int], edges: Floats, n: int) -> Floats:
    """Return the curve of the expected counts; a box for a uniform initialiser, a bell for a normal one."""
    width = float(edges[1] - edges[0])
    if rule.family == "uniform":
        bound = rule.bound(shape)
        height = n * width / (2 * bound)
        return np.array([[-bound, 0], [-bound, height], [bound, height], [bound, 0]])
    std = rule.std(shape)
    x = np.linspace(edges[0], edges[-1], CURVE_POINTS)
    density = np.exp(-0.5 * (x / std) ** 2) / (std * np.sqrt(2 * np.pi))
    return np.column_stack([x, n * width * density])
