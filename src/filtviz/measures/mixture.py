"""Maximum-likelihood fits of a uniform draw plus a change, many at once.

The model of a weight is w = u + d with u ~ U(-A, A) and d ~ πN(0, s₁²) + (1-π)N(0, s₂²). All searches of a
network are one batch of arrays: what takes time is the number of steps in Python, not the arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filtviz.measures.kernels import Floats, Kernels

__all__ = ["USUAL", "BinnedMagnitudes", "MixtureFit", "Search", "bin_magnitudes", "fit_mixtures"]

_BINS = 192
_TAIL_BINS = 8
USUAL = 4.0
"""Magnitudes in units of the rms beyond which bins grow wider; few weights are so far out."""

_LOWEST = np.array([np.log(1e-3), np.log(1e-3), -6.0, np.log(0.05)])
_HIGHEST = np.array([np.log(20), np.log(20), 6.0, np.log(5.0)])
"""Limits of log s₁, log s₂, logit π and log A."""

_MOST_STEPS = 200
_FARTHEST = 2.0
_FLATTEST = 1e-9
_CLOSE = 1e-6
"""Of the log likelihood: what a step must promise to be worth taking."""

_LEAST_MASS = 1e-100
"""What a bin is taken to hold at least, so that its slope's square is a number too."""

_ROOT_TAU = float(np.sqrt(2 * np.pi))


class BinnedMagnitudes(NamedTuple):
    """Magnitudes counted in bins, in units of the weights' rms: ``edges`` from 0, and ``counts``."""

    edges: Floats
    counts: Floats


class Search(NamedTuple):
    """A fit to look for: the data, and where log s₁, log s₂, logit π and the bound A start.

    The bound is in units of the rms, and 0 for no uniform part; it stays what it is unless it is ``free``.
    """

    counted: BinnedMagnitudes
    start: tuple[float, float, float]
    bound: float
    free: bool = False


class MixtureFit(NamedTuple):
    """What a search ended with: minus the log likelihood, A, Var d, and log s₁, log s₂ and logit π.

    All are in units of the rms.
    """

    cost: float
    bound: float
    variance: float
    shape: tuple[float, float, float]

    @property
    def residue(self) -> float:
        """R², the share of the variance that is the uniform part's."""
        noise = self.bound**2 / 3
        return noise / (noise + self.variance)


def bin_magnitudes(kernels: Kernels) -> BinnedMagnitudes:
    """Count the magnitudes in units of the rms: even bins up to 4, and ever wider ones beyond."""
    magnitudes = np.abs(kernels.flat)
    magnitudes /= kernels.rms
    largest = float(magnitudes.max()) * (1 + 1e-9)
    usual = min(largest, USUAL)
    counts, edges = np.histogram(magnitudes, _BINS, (0.0, usual))
    if largest > USUAL:
        tail = np.geomspace(USUAL, largest, _TAIL_BINS + 1)
        beyond = np.histogram(magnitudes[magnitudes > USUAL], tail)[0]
        edges, counts = np.append(edges, tail[1:]), np.append(counts, beyond)
    return BinnedMagnitudes(edges, counts.astype(np.float64))


def fit_mixtures(searches: Sequence[Search]) -> list[MixtureFit]:
    """Follow each search to its end, and return the fits in the same order."""
    fits: list[MixtureFit | None] = [None] * len(searches)
    for has_bound in (False, True):
        places = [i for i, search in enumerate(searches) if (search.bound > 0) == has_bound]
        for place, fit in zip(places, _fit([searches[i] for i in places]), strict=True):
            fits[place] = fit
    return [fit for fit in fits if fit is not None]


def _fit(searches: Sequence[Search]) -> list[MixtureFit]:
    """Fit a batch whose searches all have a uniform part, or all none."""
    if not searches:
        return []
    data = _Batch.of(searches)
    x = np.array([(*each.start, np.log(each.bound) if each.bound > 0 else 0.0) for each in searches])
    x, cost = _descend(data, x)
    share = 1 / (1 + np.exp(-x[:, 2]))
    variances = share * np.exp(2 * x[:, 0]) + (1 - share) * np.exp(2 * x[:, 1])
    bounds = [
        float(np.exp(row[3])) if search.free else search.bound
        for row, search in zip(x, searches, strict=True)
    ]
    return [
        MixtureFit(float(c), bound, float(variance), (float(row[0]), float(row[1]), float(row[2])))
        for c, bound, variance, row in zip(cost, bounds, variances, x, strict=True)
    ]


class _Batch(NamedTuple):
    """Data of B searches: edges ``(B, E)``, counts ``(B, E-1)``, and which parameters move, ``(B, 4)``.

    Histograms of fewer bins are filled up with empty ones. ``has_bound`` tells that all have a uniform part.
    """

    edges: Floats
    counts: Floats
    moving: NDArray[np.bool_]
    has_bound: bool

    @classmethod
    def of(cls, searches: Sequence[Search]) -> _Batch:
        most = max(len(each.counted.edges) for each in searches)
        edges = np.empty((len(searches), most))
        counts = np.zeros((len(searches), most - 1))
        for row, (own, counted) in enumerate(search.counted for search in searches):
            edges[row, : len(own)], edges[row, len(own) :] = own, own[-1]
            counts[row, : len(counted)] = counted
        moving = np.array([(True, True, True, search.free) for search in searches])
        return cls(edges, counts, moving, searches[0].bound > 0)

    def part(self, rows: NDArray[np.intp]) -> _Batch:
        return _Batch(self.edges[rows], self.counts[rows], self.moving[rows], self.has_bound)


def _descend(data: _Batch, x: Floats) -> tuple[Floats, Floats]:
    """Take Newton's steps until none promises anything; return parameters and costs.

    No step is longer than its search's reach, which shrinks when a step does not lower the cost, and such
    a step is not taken. A parameter at its limit stays there as long as the slope points beyond.
    """
    x = np.where(data.moving, np.clip(x, _LOWEST, _HIGHEST), x)
    cost, slope, bend = _cost(data, x)
    reach = np.ones(len(x))
    going = np.arange(len(x))
    for _ in range(_MOST_STEPS):
        some = data.part(going)
        step, promise = _step(some, x[going], slope[going], bend[going], reach[going])
        worth = np.flatnonzero(promise > _CLOSE)
        if not len(worth):
            break
        going, some, step = going[worth], some.part(worth), step[worth]
        new = np.where(some.moving, np.clip(x[going] + step, _LOWEST, _HIGHEST), x[going])
        new_cost, new_slope, new_bend = _cost(some, new)
        better = new_cost < cost[going]
        length = np.abs(step).max(axis=1)
        reach[going] = np.where(
            better, np.minimum(np.maximum(reach[going], 2 * length), _FARTHEST), length / 4
        )
        taken = going[better]
        x[taken], cost[taken] = new[better], new_cost[better]
        slope[taken], bend[taken] = new_slope[better], new_bend[better]
    return x, cost


def _step(data: _Batch, x: Floats, slope: Floats, bend: Floats, reach: Floats) -> tuple[Floats, Floats]:
    """Return Newton's step, ``(B, 4)``, and by how much it should lower the cost, ``(B,)``.

    Where the cost bends down, the step goes downhill all the same, as far as if it bent up as much.
    """
    stuck = ((x <= _LOWEST) & (slope > 0)) | ((x >= _HIGHEST) & (slope < 0)) | ~data.moving
    slope = np.where(stuck, 0.0, slope)
    bend = np.where(stuck[:, :, np.newaxis] | stuck[:, np.newaxis, :], 0.0, bend)
    curvature, directions = np.linalg.eigh(bend)
    along = np.einsum("bij,bi->bj", directions, slope)
    along /= np.maximum(np.abs(curvature), _FLATTEST)
    step = -np.einsum("bij,bj->bi", directions, along)
    step *= (reach / np.maximum(np.abs(step).max(axis=1), reach))[:, np.newaxis]
    return step, -0.5 * (slope * step).sum(axis=1)


def _cost(data: _Batch, x: Floats) -> tuple[Floats, Floats, Floats]:
    """Return minus the log likelihood ``(B,)``, its slope ``(B, 4)`` and second derivative ``(B, 4, 4)``."""
    one = 1 / (1 + np.exp(-x[:, 2]))[:, np.newaxis]
    other, change = 1 - one, one / (1 + np.exp(x[:, 2]))[:, np.newaxis]
    bound = np.exp(x[:, 3])[:, np.newaxis, np.newaxis] if data.has_bound else None
    law = _distribution(data.edges[:, np.newaxis], bound, np.exp(x[:, :2])[..., np.newaxis])
    value, by_s, by_a, by_ss, by_sa, by_aa = (each.swapaxes(0, 1) for each in law)
    gap = value[0] - value[1]
    slopes = np.stack([one * by_s[0], other * by_s[1], change * gap, one * by_a[0] + other * by_a[1]], axis=1)
    bends = {
        (0, 0): one * by_ss[0],
        (1, 1): other * by_ss[1],
        (2, 2): change * (other - one) * gap,
        (3, 3): one * by_aa[0] + other * by_aa[1],
        (0, 2): change * by_s[0],
        (1, 2): -change * by_s[1],
        (0, 3): one * by_sa[0],
        (1, 3): other * by_sa[1],
        (2, 3): change * (by_a[0] - by_a[1]),
    }
    mass = np.maximum(np.diff(value[1] + one * gap), _LEAST_MASS)
    ratio = data.counts / mass
    relative = np.diff(slopes) / mass[:, np.newaxis]
    weighted = relative * data.counts[:, np.newaxis]
    bend = weighted @ relative.swapaxes(1, 2)
    at_edges = np.diff(ratio, prepend=0.0, append=0.0)  # Σ ratio·(step of f over a bin) is -Σ at_edges·f
    for (i, j), each in bends.items():
        bend[:, i, j] += (at_edges * each).sum(axis=1)
        bend[:, j, i] = bend[:, i, j]
    return -(data.counts * np.log(2 * mass)).sum(axis=1), -weighted.sum(axis=2), bend


def _distribution(x: Floats, a: Floats | None, s: Floats) -> tuple[Floats, ...]:
    """Return the distribution function of U(-a, a) + N(0, s²) at ``x``, and its derivatives.

    They are those in log s, log a, twice log s, log s and log a, twice log a. The density is
    [Φ((x+a)/s) - Φ((x-a)/s)]/2a, whose integral is [q(x+a) - q(x-a)]/2a with q(t) = tΦ(t/s) + sφ(t/s);
    dq/dt = Φ(t/s) and dq/ds = φ(t/s). None for ``a`` is no uniform part.
    """
    from scipy.special import ndtr

    if a is None:
        at = x / s
        steep = at * np.exp(-0.5 * at**2) / _ROOT_TAU
        nothing = np.zeros_like(at)
        return ndtr(at), -steep, nothing, steep * (1 - at**2), nothing, nothing
    upper, lower = (x + a) / s, (x - a) / s
    big, small = ndtr(upper), ndtr(lower)
    peak, foot = np.exp(-0.5 * upper**2) / _ROOT_TAU, np.exp(-0.5 * lower**2) / _ROOT_TAU
    width = s / (2 * a)
    value = width * (upper * big + peak - lower * small - foot)
    by_s, by_a = width * (peak - foot), (big + small) / 2 - value
    by_ss = width * (peak * (1 + upper**2) - foot * (1 + lower**2))
    by_sa = -(upper * peak + lower * foot) / 2 - by_s
    return value, by_s, by_a, by_ss, by_sa, (peak - foot) / (4 * width) - by_a
