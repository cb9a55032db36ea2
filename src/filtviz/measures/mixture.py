"""Likelihoods of an initial draw plus a change, for many layers at once.

The model of a weight is w = λu + d: u is what an initialiser drew, λ by how much it was scaled since, and d
the change, whose law is a mixture found by expectation-maximisation (EM). Normal laws about 0 are of a few
weights or of all; beside them stand steps up or down of about one size, as Adam and its kin take them (Kingma
& Ba 2015, "Adam", section 2.1). Everything is in units of the draw's standard deviation.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from filtviz.measures.initialiser_catalogue import CUT_STD, Family
from filtviz.measures.kernels import Floats, Kernels

__all__ = ["SCALES", "BinnedMagnitudes", "ChangeFits", "bin_magnitudes", "fit_changes", "fit_smooth"]

_FINE = 4096
_USUAL, _TAIL = 8.0, 64
"""Magnitudes in units of the rms are counted in even bins up to 8, and in ever wider ones beyond."""

_EDGES = np.concatenate([np.linspace(0, 2.6, 93), np.geomspace(2.6, 40, 20)[1:]])
"""Of the bins that likelihoods are computed on, in standard deviations of the draw."""

_CHANGES = np.geomspace(0.01, 60, 24)
_STEPS = np.geomspace(0.05, 4, 12)
_STEPS_VARY = 0.4
"""What a change is mixed of: standard deviations of normal laws, and sizes of steps up or down, each a pair
of normal laws about ± its size whose standard deviation is .4 of it."""

_VARIANCES = np.concatenate([_CHANGES**2, (1 + _STEPS_VARY**2) * _STEPS**2])

_SMOOTH = np.geomspace(0.2, 60, 26)
"""Those of the smooth law against which a draw has to show."""

SCALES: Floats = np.exp(np.arange(-0.24, 0.25, 0.03))
"""The λ that are tried."""

_CYCLES = 30
_ENOUGH = 0.01
_LEAST = 1e-12


class BinnedMagnitudes(NamedTuple):
    """How many magnitudes lie below each of ``edges``, both in units of the weights' rms."""

    edges: Floats
    below: Floats


class ChangeFits(NamedTuple):
    """For each layer and λ of `SCALES`, ``(layers, scales)``: the log likelihood, and Var d/Var u."""

    likelihoods: Floats
    variances: Floats


def bin_magnitudes(kernels: Kernels) -> BinnedMagnitudes:
    """Count the magnitudes of a layer's weights, which must not all be 0."""
    largest = kernels.largest / kernels.rms * (1 + 1e-9)
    edges = np.linspace(0.0, min(_USUAL, largest), _FINE + 1)
    if largest > _USUAL:
        edges = np.append(edges, np.geomspace(_USUAL, largest, _TAIL + 1)[1:])
    return BinnedMagnitudes(edges, kernels.count_below(edges * kernels.rms))


def _counts(layers: list[BinnedMagnitudes], units: list[float]) -> Floats:
    """Return the counts in the bins of likelihoods, ``(layers, bins)``, each in its draw's unit."""
    rows = [
        np.interp(_EDGES * unit, each.edges, each.below) for each, unit in zip(layers, units, strict=True)
    ]
    below = np.array(rows)
    below[:, -1] = [each.below[-1] for each in layers]
    return np.diff(below, axis=1)


def fit_changes(
    family: Family, layers: list[BinnedMagnitudes], units: list[float], *, scaled: bool, stepped: bool
) -> ChangeFits:
    """Fit the change of each layer, at each λ, or at λ = 1 alone.

    Args:
        family: Of the draws: uniform or cut normal.
        layers: The layers' magnitudes.
        units: The draws' standard deviation, in units of each layer's rms.
        scaled: Whether all `SCALES` are tried.
        stepped: Whether steps of about one size are among the changes. They serve draws of several laws:
            without them it is clearer which of these was drawn.
    """
    scales = SCALES if scaled else np.ones(1)
    n_laws = len(_VARIANCES) if stepped else len(_CHANGES)
    tables = np.stack([_table(family, float(scale), n_laws) for scale in scales])
    shares, likelihoods = _mix(_counts(layers, units), tables)
    variances = shares @ _VARIANCES[:n_laws] / scales[:, np.newaxis] ** 2
    return ChangeFits(likelihoods.T, variances.T)


def fit_smooth(layers: list[BinnedMagnitudes], units: list[float]) -> Floats:
    """Return the log likelihood of each layer, ``(layers,)``, under normal laws without any draw."""
    return np.asarray(_mix(_counts(layers, units), _smooth_table()[np.newaxis])[1][0])


def _mix(counts: Floats, tables: Floats) -> tuple[Floats, Floats]:
    """Find the shares of laws that make each row of counts likeliest, for several tables of laws at once.

    Steps of EM are extrapolated where that raises the likelihood (Varadhan & Roland 2008, Scandinavian
    Journal of Statistics 35, "SQUAREM"), until no likelihood grows by more than `_ENOUGH` in a cycle.

    Args:
        counts: In each bin, ``(layers, bins)``.
        tables: The probability of each bin under each law, ``(tables, laws, bins)``.

    Returns:
        The shares, ``(tables, layers, laws)``, and log likelihoods, ``(tables, layers)``.
    """
    total = np.maximum(counts.sum(axis=1), 1.0)[:, np.newaxis]
    turned = np.ascontiguousarray(tables.transpose(0, 2, 1))
    shares = np.full((len(tables), len(counts), tables.shape[1]), 1 / tables.shape[1])

    def step(p: Floats, expected: Floats) -> Floats:
        return np.asarray(p * ((counts / expected) @ turned) / total)

    def likelihood(expected: Floats) -> Floats:
        return np.asarray((counts * np.log(expected)).sum(axis=2))

    expected = shares @ tables
    reached = likelihood(expected)
    for _ in range(_CYCLES):
        first = step(shares, expected)
        second = step(first, first @ tables)
        move = first - shares
        bend = second - first - move
        length = np.sqrt((move**2).sum(axis=2) / np.maximum((bend**2).sum(axis=2), 1e-300))
        reach = np.clip(length, 1.0, 64.0)[:, :, np.newaxis]
        further = np.maximum(shares + 2 * reach * move + reach**2 * bend, _LEAST)
        further /= further.sum(axis=2, keepdims=True)
        further = step(further, further @ tables)
        candidates = np.stack([further, second])
        expectations = candidates @ tables
        likelihoods = np.stack([likelihood(each) for each in expectations])
        better = likelihoods[0] >= likelihoods[1]
        chosen = better[:, :, np.newaxis]
        shares = np.where(chosen, candidates[0], candidates[1])
        expected = np.where(chosen, expectations[0], expectations[1])
        before, reached = reached, np.where(better, likelihoods[0], likelihoods[1])
        if (reached - before).max() < _ENOUGH:
            break
    return shares, reached


@cache
def _table(family: Family, scale: float, n_laws: int = len(_VARIANCES)) -> Floats:
    """Return the probability of each bin under a draw scaled by λ plus each change, ``(changes, bins)``."""
    steps = np.concatenate([np.zeros(len(_CHANGES)), _STEPS])[:n_laws, np.newaxis]
    spreads = np.concatenate([_CHANGES, _STEPS_VARY * _STEPS])[:n_laws, np.newaxis]
    below = (_below_uniform if family == "uniform" else _below_cut)(steps, spreads, scale)
    return np.asarray(np.maximum(np.diff(below, axis=1), _LEAST))


def _below_uniform(steps: Floats, spreads: Floats, scale: float) -> Floats:
    """Return P(|λu + d| < edge), ``(changes, edges)``, u uniform of variance 1 and d ~ N(± step, spread²).

    With A the bound of λu it is ∫ [Φ((x+A)/s) - Φ((x-A)/s)]/2A dx, and ∫ Φ(z) dz = zΦ(z) + φ(z).
    """
    from filtviz.special_functions import ndtr

    def integral(x: Floats) -> Floats:
        z = (x - steps) / spreads
        return np.asarray(spreads * (z * ndtr(z) + np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)))

    bound = np.sqrt(3) * scale
    ends = (_EDGES + bound, bound - _EDGES, _EDGES - bound, -_EDGES - bound)
    first, second, third, fourth = map(integral, ends)
    return np.asarray((first - third - second + fourth) / (2 * bound))


def _below_cut(steps: Floats, spreads: Floats, scale: float) -> Floats:
    """Return the same of normal draws that are cut at ± 2σ, by the trapezoidal rule."""
    points = np.concatenate([np.linspace(0, 3.4, 1361), np.geomspace(3.4, 400, 160)[1:]])
    density = _density(points - steps, spreads, scale) + _density(points + steps, spreads, scale)
    areas = np.diff(points) * (density[:, 1:] + density[:, :-1]) / 2
    below = np.concatenate([np.zeros((len(areas), 1)), np.cumsum(areas, axis=1)], axis=1)
    return np.array([np.interp(_EDGES, points, each) for each in below])


def _density(x: Floats, change: Floats, scale: float) -> Floats:
    """Return the density of λu + d at ``x``, u a normal draw of variance 1 that is cut, d ~ N(0, change²).

    It is the normal density of variance σ² + s², times the probability that u lies within ±2σ given x, over
    that of ±2σ.
    """
    from filtviz.special_functions import ndtr

    sigma = scale / CUT_STD
    spread = np.hypot(sigma, change)
    centre, width = x * (sigma / spread) ** 2, sigma * change / spread
    inside = ndtr((2 * sigma - centre) / width) - ndtr((-2 * sigma - centre) / width)
    normal = np.exp(-0.5 * (x / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
    return np.asarray(normal * inside / (ndtr(2.0) - ndtr(-2.0)))


@cache
def _smooth_table() -> Floats:
    from filtviz.special_functions import ndtr

    below = 2 * ndtr(_EDGES / _SMOOTH[:, np.newaxis]) - 1
    return np.asarray(np.maximum(np.diff(below, axis=1), _LEAST))
