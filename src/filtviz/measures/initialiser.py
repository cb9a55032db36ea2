"""Could an initialiser of the catalogue have drawn these weights, and do any lie beyond its bound?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from filtviz.measures.initialiser_catalogue import CUT_STD, Draws, Family, Fans, Fit, Rule, possible_draws
from filtviz.measures.kernels import Floats, Kernels
from filtviz.measures.laws import gamma_tails, kolmogorov_p, normality_p
from filtviz.measures.matrices import fit_matrix
from filtviz.measures.measure import Finding, Measure
from filtviz.measures.stored import clipping, quantisation
from filtviz.measures.verdicts import INDISTINGUISHABLE, WAS_UPDATED
from filtviz.text import percent

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = [
    "Bound",
    "Initialiser",
    "beyond_bound",
    "count_ahead",
    "fit_catalogue",
    "fit_draws",
    "fit_free_scale",
]

_RMS_TOLERANCE = 6.0
"""Standard errors by which a layer's rms may differ from a rule's before it is not even tried."""

_MOST_VALUES = 2**20
"""So many weights, evenly spread over the layer, are enough to tell laws apart; more are not sorted."""

_MIN_FOR_NORMALITY = 20

_SQUARES: dict[Family, float] = {"uniform": 0.8, "cut normal": 1.3656, "normal": 2.0}
"""Var w²/σ⁴ of each family: its kurtosis less 1."""


class Bound(Measure):
    """Weights that the initialiser cannot have drawn."""

    key = "bound"
    title = "Weights beyond the initialiser's bound"
    meaning = (
        "Many initialisers draw no weight beyond a certain size. A weight beyond it was moved there by "
        "training."
    )
    formula = (
        "share of |w| > a, up to the rounding of the stored type; a = √3·std of a uniform initialiser, "
        "2.27·std of a normal one that is cut at two of its standard deviations"
    )
    null = "impossible at the start"
    short_null = "impossible"
    counts_if = "any, where the initialiser was identified"
    supports = f'"{WAS_UPDATED}", given that initialiser'
    cannot_say = (
        "A normal or orthogonal initialiser has no bound. Where the initialiser is not identified, the "
        "default's bound is shown and nothing follows from it."
    )
    source = "Glorot & Bengio 2010; He et al. 2015; the frameworks' initialisers"

    def take(self, subject: Subject) -> Finding | None:
        """Count the weights beyond."""
        limit = subject.draws.bound
        if not np.isfinite(limit):
            return None
        share = beyond_bound(subject.kernels, limit)
        text = f"{percent(share)} of the weights lie beyond the ±{limit:.3g} of {subject.rule.spoken}"
        if not subject.rule.known:
            text += "; the initialiser is not known"
        return self.finding(value=share, threshold=0.0, found=subject.rule.known and share > 0, text=text)


class Initialiser(Measure):
    """How well the weights fit the best rule of the catalogue."""

    key = "initialiser"
    title = "Fit to a catalogued initialiser"
    meaning = (
        "Could fresh random numbers look like this? The weights are held against what every known "
        "framework draws for a new layer. A good fit means that the layer still looks untouched."
    )
    formula = (
        "Kolmogorov-Smirnov distance from each catalogued law with its known parameters, and how far the "
        "mean square is from the law's; p is twice the smaller of the two. The laws are those of the file's "
        "framework, and all where it does not tell or none of them fits; the best fit counts"
    )
    null = "the parameters are known, not fitted"
    short_null = "KS, known law"
    counts_if = "p < {level} for each of them"
    supports = f'"{INDISTINGUISHABLE} GlorotUniform()"'
    cannot_say = (
        "Weak for few weights: conv1 of a network of 99.3 % accuracy, 180 weights, has p = .995. A fit is "
        "no proof that nothing was trained. Draws of a scale that is not in the catalogue are tried with "
        "their own, and named so."
    )
    source = "Kolmogorov 1933; the frameworks' initialisers"
    decides = "origin"

    def take(self, subject: Subject) -> Finding:
        """Say which rule is closest."""
        p = subject.origin.p
        misfits = "" if p >= self.level else ", which does not fit"
        fits = subject.origin.fits
        closest = f"closest in the catalogue: {subject.called(fits[0])}{misfits}" if fits else ""
        text = closest or "none in the catalogue draws this size and range"
        return self.finding(value=None, p=p, level=self.level, found=p < self.level, text=text)


def fit_catalogue(
    kernels: Kernels, rules: Sequence[Rule] = (), fans: Fans | None = None, seed: int = 0
) -> tuple[Fit, ...]:
    """Return what the weights could come from, the best first.

    A matrix that an initialiser makes as a whole (orthogonal, Dirac) is one whatever its distribution. Else
    each rule is tested against its known parameters (see `fit_draws`). Rules that coincide at this shape are
    one fit that names both. A rule whose bound a weight passes, or whose rms is more than six standard errors
    off, is left out.

    Args:
        kernels: The layer.
        rules: Those to try; all of the catalogue where there are none.
        fans: The inputs and outputs of a unit; those of an ordinary convolution where there are none.
        seed: Of the numbers that spread values of half precision within their rounding.
    """
    matrix = fit_matrix(kernels)
    if matrix is not None:
        return (matrix,)
    ordered = None
    fits = []
    for draws in possible_draws(fans or Fans.of(kernels.shape), rules):
        if _rms_is_off(kernels, draws) or beyond_bound(kernels, draws.bound) > 0:
            continue
        if ordered is None:
            ordered = _in_order(kernels, seed)
        names = tuple(rule.name for rule in draws.rules)
        fits.append(Fit(names, draws.family, draws.std, fit_draws(kernels, ordered, draws), draws.rules))
    return tuple(sorted(fits, key=lambda fit: -fit.p))


def fit_draws(kernels: Kernels, ordered: Floats, draws: Draws) -> float:
    """Return the p-value of weights under draws of a known law: of their shape, and of their size.

    Kolmogorov and Smirnov's test sees little of a change in scale, so that the mean square is tested as
    well: n·mean(w²)/σ² is about a gamma law of mean n and variance n Var w²/σ⁴. The smaller of the two
    p-values is doubled.

    Args:
        kernels: The layer.
        ordered: Its values in order.
        draws: What may have drawn them.
    """
    shape = kolmogorov_p(_cumulative(ordered, draws.family, draws.std))
    excess = _SQUARES[draws.family] / kernels.size
    size = gamma_tails((kernels.rms / draws.std) ** 2 / excess, 1 / excess)
    return min(1.0, 2 * min(shape, size))


def _cumulative(values: Floats, family: Family, std: float) -> Floats:
    """Return the distribution function of draws about 0 at ``values``."""
    if family == "uniform":
        bound = np.sqrt(3) * std
        return np.asarray(np.clip((values + bound) / (2 * bound), 0.0, 1.0))
    from filtviz.special_functions import ndtr

    if family == "normal":
        return np.asarray(ndtr(values / std))
    below, all_ = ndtr(-2.0), ndtr(2.0) - ndtr(-2.0)
    return np.asarray(np.clip((ndtr(values * CUT_STD / std) - below) / all_, 0.0, 1.0))


def fit_free_scale(kernels: Kernels, seed: int = 0) -> tuple[Fit, ...]:
    """Return how well uniform and normal draws of the layer's own scale agree with it, the better first.

    Given the largest of n uniform magnitudes, the others are uniform below it: a Kolmogorov-Smirnov test of
    n-1 values that is exact though the scale is unknown. For normal draws D'Agostino and Pearson's test of
    skewness and kurtosis, which needs no scale; it is not tried below 20 weights.

    Args:
        kernels: The layer.
        seed: Of the numbers that spread values of half precision within their rounding.
    """
    values = _dithered(kernels, seed)
    ordered = np.sort(np.abs(values))
    largest = float(ordered[-1])
    if len(ordered) < 2:
        return ()
    uniform = kolmogorov_p(ordered[:-1] / largest)
    fits = [Fit((f"uniform draws within ±{largest:.3g}",), "uniform", largest / float(np.sqrt(3)), uniform)]
    if len(values) >= _MIN_FOR_NORMALITY:
        name = f"normal draws of std {kernels.rms:.3g}"
        fits.append(Fit((name,), "normal", kernels.rms, normality_p(values)))
    return tuple(sorted(fits, key=lambda fit: -fit.p))


def beyond_bound(kernels: Kernels, bound: float) -> float:
    """Return the share of weights whose magnitude passes ``bound``, but for the stored type's rounding."""
    return float(_beyond_bounds(kernels, np.array([bound]))[0])


def _beyond_bounds(kernels: Kernels, bounds: Floats) -> Floats:
    tolerance = max(1e-6, kernels.rounding)
    below = kernels.count_below(np.nextafter(bounds * (1 + tolerance), np.inf))
    return np.asarray((kernels.size - below) / kernels.size)


def count_ahead(kernels: Kernels, fans: Fans, rules: Sequence[Rule]) -> None:
    """Count what measures will ask for while the weights are in order.

    Args:
        kernels: The layer; what is counted stays in its ``counted``.
        fans: The inputs and outputs of a unit.
        rules: What may be taken to have drawn the weights.
    """
    bounds = [draws.bound for draws in possible_draws(fans, rules)]
    _beyond_bounds(kernels, np.array(bounds))
    clipping(kernels)
    quantisation(kernels)


def _rms_is_off(kernels: Kernels, draws: Draws) -> bool:
    """Tell whether the mean square differs from std² by more than six of its standard errors."""
    error = float(np.sqrt(_SQUARES[draws.family] / kernels.size))
    return abs(kernels.rms**2 / draws.std**2 - 1) > _RMS_TOLERANCE * error + 1e-3


def _in_order(kernels: Kernels, seed: int) -> Floats:
    """Return the values to test in order; those of all weights have been sorted already."""
    if kernels.is_half or kernels.size > _MOST_VALUES:
        return np.sort(_dithered(kernels, seed))
    return kernels.ordered.astype(np.float64)


def _dithered(kernels: Kernels, seed: int) -> NDArray[np.float64]:
    """Return the values to test, those of few bits spread within their rounding: ties would misfit."""
    values: Floats = kernels.flat[:: -(-kernels.size // _MOST_VALUES)]
    if not kernels.is_half:
        return values
    steps = kernels.steps(values)
    return np.asarray(values + steps * np.random.default_rng(seed).uniform(-0.5, 0.5, len(values)))
