"""How much of what is seen still is the initial noise?

Uniform initial weights leave a mark that training only blurs: w = u + d with u ~ U(-A, A) and the change
d ~ πN(0, s₁²) + (1-π)N(0, s₂²). The residue R² = (A²/3)/(A²/3 + Var d) estimates cos²(w, u).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import optimize, special

from filtviz.measures.initialisers import CATALOGUE, Rule
from filtviz.measures.kernels import Floats, Kernels

__all__ = [
    "BinnedMagnitudes",
    "NoiseFit",
    "Residue",
    "bin_magnitudes",
    "fit_noise",
    "likeliest_uniform_rule",
    "noise_residue",
]

_MIN_EVIDENCE = 12.0
_MAX_MISFIT = 6.6
_MIN_RMS = 0.97
_MAX_DISAGREEMENT = 0.12

_BINS = 192
_USUAL = 4.0
_SMALLEST_BOUND, _LARGEST_BOUND = 0.05, 5.0
_ROOT_TAU = float(np.sqrt(2 * np.pi))
_STARTS = ((0.2, 0.8, 0.5), (0.05, 0.4, 0.7))
"""Where the search begins: s₁, s₂ and π."""


class BinnedMagnitudes(NamedTuple):
    """Magnitudes counted in bins, in units of the weights' rms: ``edges`` from 0, and ``counts``."""

    edges: Floats
    counts: Floats


class NoiseFit(NamedTuple):
    """A maximum-likelihood fit: minus the log likelihood, A, Var d, and the search's own parameters.

    All are in units of the histogram.
    """

    cost: float
    bound: float
    variance: float
    parameters: tuple[float, ...]

    @property
    def residue(self) -> float:
        """R², the share of the variance that is the uniform part's."""
        noise = self.bound**2 / 3
        return noise / (noise + self.variance)


@dataclass(frozen=True)
class Residue:
    """The share of initial noise, or why it cannot be told.

    ``share`` is None where the gate stays shut; ``reason`` then completes "cannot tell, because …".
    """

    share: float | None
    reason: str
    evidence: float
    misfit: float


def noise_residue(kernels: Kernels, rule: Rule) -> Residue:
    """Estimate R² with the bound of ``rule``, and report it only where four conditions hold.

    The likelihood ratio against no uniform part is over 12; that of a free bound against the rule's is under
    6.6 (1 % of χ² with one degree); the rms is at least .97 of the initial one (weight decay shrinks the
    initial weights, which the model does not know); the two estimates differ by less than .12.
    """
    if rule.family != "uniform":
        reason = f"{rule.name} draws normal numbers, which leave no such trace"
        return Residue(None, reason, float("nan"), float("inf"))
    if kernels.rms < _MIN_RMS * rule.std(kernels.shape):
        reason = "the weights have shrunk, as under weight decay"
        return Residue(None, reason, float("nan"), float("inf"))
    bound = rule.bound(kernels.shape) / kernels.rms
    if bound < _SMALLEST_BOUND:
        return Residue(None, "the weights have outgrown the initial ones", float("nan"), float("inf"))
    counted = bin_magnitudes(kernels)
    fixed = fit_noise(counted, bound=bound)
    free = fit_noise(counted, near=fixed)
    without = fit_noise(counted, bound=0.0)
    evidence, misfit = 2 * (without.cost - free.cost), 2 * (fixed.cost - free.cost)
    reason = ""
    if evidence <= _MIN_EVIDENCE:
        reason = "the values show no trace of uniform draws"
    elif misfit >= _MAX_MISFIT:
        reason = f"the trace of uniform draws does not end at {rule.name}'s bound"
    elif abs(free.residue - fixed.residue) >= _MAX_DISAGREEMENT:
        reason = "two ways to estimate it disagree"
    return Residue(None if reason else fixed.residue, reason, evidence, misfit)


def likeliest_uniform_rule(layers: Sequence[Kernels]) -> Rule | None:
    """Return the uniform rule whose trace most of the layers bear, or None where none bears any.

    Of rules that serve as many layers, the one under which these are likelier.
    """
    best: tuple[int, float] = (0, 0.0)
    chosen = None
    for rule in (rule for rule in CATALOGUE if rule.family == "uniform"):
        residues = [noise_residue(kernels, rule) for kernels in layers]
        score = sum(each.share is not None for each in residues), -sum(each.misfit for each in residues)
        if score[0] > 0 and (chosen is None or score > best):
            best, chosen = score, rule
    return chosen


def bin_magnitudes(kernels: Kernels) -> BinnedMagnitudes:
    """Count the magnitudes in units of the rms: even bins up to 4, and ever wider ones beyond."""
    magnitudes = np.abs(kernels.flat)
    magnitudes /= kernels.rms
    largest = float(magnitudes.max()) * (1 + 1e-9)
    edges = np.linspace(0, min(largest, _USUAL), _BINS + 1)
    if largest > _USUAL:
        edges = np.append(edges, np.geomspace(_USUAL, largest, 9)[1:])
    return BinnedMagnitudes(edges, np.histogram(magnitudes, edges)[0].astype(np.float64))


def fit_noise(
    counted: BinnedMagnitudes, *, bound: float | None = None, near: NoiseFit | None = None
) -> NoiseFit:
    """Fit the mixture by maximum likelihood.

    ``bound`` fixes A in units of the rms (0 for no uniform part); None fits it too, and then ``near``, a
    fit with a fixed one, is where one search begins, so that the free fit is never the worse of the two.
    """
    limits = [(np.log(1e-3), np.log(20))] * 2 + [(-6.0, 6.0)]
    starts: list[tuple[float, ...]] = [
        (np.log(a), np.log(b), special.logit(share)) for a, b, share in _STARTS
    ]
    if bound is None:
        limits.append((np.log(_SMALLEST_BOUND), np.log(_LARGEST_BOUND)))
        starts = [(*start, np.log(1.6)) for start in starts[:1]]
        if near is not None:
            starts.append((*near.parameters[:3], np.log(near.bound)))
    elif bound == 0:
        starts = [(np.log(0.7), np.log(1.1), 0.0), (np.log(0.5), np.log(1.5), 1.0)]
    cost = _cost(counted, bound)
    fits = [optimize.minimize(cost, start, jac=True, bounds=limits, method="L-BFGS-B") for start in starts]
    best = min(fits, key=lambda fit: float(fit.fun))
    log_s1, log_s2, log_odds = best.x[:3]
    share = float(special.expit(log_odds))
    variance = share * float(np.exp(2 * log_s1)) + (1 - share) * float(np.exp(2 * log_s2))
    fitted = float(np.exp(best.x[3])) if bound is None else bound
    return NoiseFit(float(best.fun), fitted, variance, tuple(float(x) for x in best.x))


def _cost(counted: BinnedMagnitudes, bound: float | None) -> Callable[[Floats], tuple[float, Floats]]:
    """Return minus the log likelihood and its gradient in (log s₁, log s₂, logit π[, log A])."""

    def cost(x: Floats) -> tuple[float, Floats]:
        s1, s2, share = np.exp(x[0]), np.exp(x[1]), special.expit(x[2])
        a = float(np.exp(x[3])) if bound is None else bound
        first, second = _distribution(counted.edges, a, s1), _distribution(counted.edges, a, s2)
        weights = np.array([share, 1 - share])
        mass = np.diff(weights[0] * first[0] + weights[1] * second[0])
        mass = np.maximum(mass, 1e-300)
        slopes = [share * first[1], (1 - share) * second[1], share * (1 - share) * (first[0] - second[0])]
        if bound is None:
            slopes.append(share * first[2] + (1 - share) * second[2])
        ratio = counted.counts / mass
        gradient = -np.array([(ratio * np.diff(slope)).sum() for slope in slopes])
        return -float((counted.counts * np.log(2 * mass)).sum()), gradient

    return cost


def _distribution(x: Floats, a: float, s: float) -> tuple[Floats, Floats, Floats]:
    """Return the distribution function of U(-a, a) + N(0, s²) at ``x``, and its slopes in log s and log a.

    Its density is [Φ((x+a)/s) - Φ((x-a)/s)]/2a, whose integral is [q(x+a) - q(x-a)]/2a with
    q(t) = tΦ(t/s) + sφ(t/s); dq/dt = Φ(t/s) and dq/ds = φ(t/s).
    """
    if a == 0:
        density = np.exp(-0.5 * (x / s) ** 2) / _ROOT_TAU
        return special.ndtr(x / s), -x / s * density, np.zeros_like(x)
    upper, lower = (x + a) / s, (x - a) / s
    big, small = special.ndtr(upper), special.ndtr(lower)
    peak, foot = np.exp(-0.5 * upper**2) / _ROOT_TAU, np.exp(-0.5 * lower**2) / _ROOT_TAU
    value = s * (upper * big + peak - lower * small - foot) / (2 * a)
    return value, s * (peak - foot) / (2 * a), (big + small) / 2 - value
