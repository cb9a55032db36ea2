"""Could an initialiser of the catalogue have drawn these weights, and do any lie beyond its bound?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from filtviz.measures.catalogue import Fit, coinciding_rules
from filtviz.measures.kernels import Floats, Kernels
from filtviz.measures.laws import kolmogorov_p, normality_p
from filtviz.measures.measure import Finding, Measure
from filtviz.measures.orthogonal import fit_orthogonal
from filtviz.measures.verdicts import INDISTINGUISHABLE, WAS_UPDATED
from filtviz.text import percent

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = ["Bound", "Initialiser", "beyond_bound", "fit_catalogue", "fit_free_scale"]

_RMS_TOLERANCE = 6.0
"""Standard errors by which a layer's rms may differ from a rule's before it is not even tried."""

_MOST_VALUES = 2**20
"""So many weights, evenly spread over the layer, are enough to tell laws apart; more are not sorted."""

_MIN_FOR_NORMALITY = 20


class Bound(Measure):
    """Weights that the initialiser cannot have drawn."""

    key = "bound"
    title = "Weights beyond the initialiser's bound"
    formula = "share of |w| > a(1 + 1e-6), a = √3·std of the uniform initialiser (1e-3 for half precision)"
    null = "impossible at the start"
    short_null = "impossible"
    counts_if = "any, where the initialiser was identified"
    supports = f'"{WAS_UPDATED}", given that initialiser'
    cannot_say = (
        "A normal or orthogonal initialiser has no bound. Where the initialiser is not identified, the "
        "default's bound is shown and nothing follows from it."
    )
    source = "Glorot & Bengio 2010; He et al. 2015; lasagne/init.py"

    def take(self, subject: Subject) -> Finding | None:
        """Count the weights beyond."""
        rule = subject.rule.rule
        if rule.family != "uniform":
            return None
        limit = rule.bound(subject.kernels.shape)
        share = beyond_bound(subject.kernels, limit)
        text = f"{percent(share)} of the weights lie beyond {rule.name}'s ±{limit:.3g}"
        if not subject.rule.known:
            text += " (the default; the initialiser is not known)"
        return self.finding(value=share, threshold=0.0, found=subject.rule.known and share > 0, text=text)


class Initialiser(Measure):
    """How well the weights fit the best rule of the catalogue."""

    key = "initialiser"
    title = "Fit to a catalogued initialiser"
    formula = (
        "Kolmogorov-Smirnov distance from each catalogued law with its known parameters: GlorotUniform, "
        "GlorotNormal, HeUniform, HeNormal with gain 1 and √2, Uniform(.01), Normal(.01); the best fit "
        "counts"
    )
    null = "exact: the parameters are known, not fitted"
    short_null = "KS, exact"
    counts_if = "p < {level} for each of them"
    supports = f'"{INDISTINGUISHABLE} GlorotUniform()"'
    cannot_say = (
        "Weak for few weights: conv1 of a network of 99.3 % accuracy, 180 weights, has p = .995. A fit is "
        "no proof that nothing was trained. Draws of a scale that is not in the catalogue are tried with "
        "their own, and named so."
    )
    source = "Kolmogorov 1933; lasagne/init.py; scipy.stats.ks_1samp"
    decides = "origin"

    def take(self, subject: Subject) -> Finding:
        """Say which rule is closest."""
        p = subject.origin.p
        misfits = "" if p >= self.level else ", which does not fit"
        closest = (
            f"closest in the catalogue: {subject.origin.fits[0].name}{misfits}" if subject.origin.fits else ""
        )
        text = closest or "none in the catalogue draws this size and range"
        return self.finding(value=None, p=p, level=self.level, found=p < self.level, text=text)


def fit_catalogue(kernels: Kernels, seed: int = 0) -> tuple[Fit, ...]:
    """Return the rules of the catalogue that the weights could come from, the best first.

    Each is tested by Kolmogorov-Smirnov against its known parameters, which makes the p-value exact.
    Rules that coincide at this shape are one fit that names both. A rule whose bound a weight passes, or
    whose rms is more than six standard errors off, is left out. An orthogonal matrix is one whatever its
    distribution.

    Args:
        kernels: The layer.
        seed: Of the numbers that spread values of half precision within their rounding.
    """
    orthogonal = fit_orthogonal(kernels)
    if orthogonal is not None:
        return (orthogonal,)
    ordered = None
    fits = []
    for rules in coinciding_rules(kernels.shape):
        first = rules[0]
        std, bound = first.std(kernels.shape), first.bound(kernels.shape)
        if _rms_is_off(kernels, std, first.family) or beyond_bound(kernels, bound) > 0:
            continue
        if ordered is None:
            ordered = np.sort(_dithered(kernels, seed))
        p = kolmogorov_p(_cumulative(ordered, first.family, std))
        fits.append(Fit(tuple(rule.name for rule in rules), first.family, std, p, rules))
    return tuple(sorted(fits, key=lambda fit: -fit.p))


def _cumulative(values: Floats, family: Literal["uniform", "normal"], std: float) -> Floats:
    """Return the distribution function of draws about 0 at ``values``."""
    if family == "uniform":
        bound = np.sqrt(3) * std
        return np.asarray(np.clip((values + bound) / (2 * bound), 0.0, 1.0))
    from scipy.special import ndtr

    return np.asarray(ndtr(values / std))


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
    if largest == 0 or len(ordered) < 2:
        return ()
    uniform = kolmogorov_p(ordered[:-1] / largest)
    fits = [Fit((f"uniform draws within ±{largest:.3g}",), "uniform", largest / float(np.sqrt(3)), uniform)]
    if len(values) >= _MIN_FOR_NORMALITY:
        name = f"normal draws of std {kernels.rms:.3g}"
        fits.append(Fit((name,), "normal", kernels.rms, normality_p(values)))
    return tuple(sorted(fits, key=lambda fit: -fit.p))


def beyond_bound(kernels: Kernels, bound: float) -> float:
    """Return the share of weights whose magnitude passes ``bound``, but for the stored type's rounding."""
    tolerance = max(1e-6, float(np.finfo(kernels.precision).eps))
    return float((np.abs(kernels.flat) > bound * (1 + tolerance)).mean())


def _rms_is_off(kernels: Kernels, std: float, family: str) -> bool:
    """Tell whether the mean square differs from std² by more than six of its standard errors."""
    excess = 0.8 if family == "uniform" else 2.0  # Var w²/σ⁴: 9/5 - 1, and 3 - 1
    error = float(np.sqrt(excess / kernels.size))
    return abs(kernels.rms**2 / std**2 - 1) > _RMS_TOLERANCE * error + 1e-3


def _dithered(kernels: Kernels, seed: int) -> NDArray[np.float64]:
    """Return the values to test, those of half precision spread within their rounding: ties would misfit."""
    values: Floats = kernels.flat[:: -(-kernels.size // _MOST_VALUES)]
    if kernels.precision != np.float16:
        return values
    below = np.nextafter(np.finfo(np.float16).max, np.float16(0))  # the largest number's own step is infinite
    steps = np.spacing(np.minimum(np.abs(values), below).astype(np.float16)).astype(np.float64)
    return values + steps * np.random.default_rng(seed).uniform(-0.5, 0.5, len(values))
