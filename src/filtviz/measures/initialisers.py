"""Lasagne's initialisers, and which of them a layer's weights look like.

Formulas as in ``lasagne/init.py`` (0.1): Glorot, std = gain·√(2/((n_out + n_in)k²)) (Glorot & Bengio
2010); He, std = gain/√(n_in k²) (He et al. 2015); Uniform(.01) and Normal(.01); Orthogonal (Saxe et al.
2013). A gain of 'relu' is √2. A uniform draw of a given std has the bound √3·std.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from filtviz.measures.kernels import Floats, Kernels

__all__ = [
    "CATALOGUE",
    "DEFAULT",
    "Fit",
    "Rule",
    "beyond_bound",
    "fit_catalogue",
    "fit_free_scale",
    "gram_deviation",
]

_RMS_TOLERANCE = 6.0
"""Standard errors by which a layer's rms may differ from a rule's before it is not even tried."""

_ORTHOGONAL_DEVIATION = 1e-3

_MOST_VALUES = 2**20
"""So many weights, evenly spread over the layer, are enough to tell laws apart; more are not sorted."""


@dataclass(frozen=True)
class Rule:
    """One way to draw first weights: ``name`` as one writes it, the family of draws, and how they scale."""

    name: str
    family: Literal["uniform", "normal"]
    scheme: Literal["glorot", "he", "fixed"]
    gain: float

    def std(self, shape: Sequence[int]) -> float:
        """Return the standard deviation for weights of shape ``(filters, channels, rows, cols)``."""
        filters, channels, *kernel = shape
        area = int(np.prod(kernel))
        if self.scheme == "glorot":
            return self.gain * float(np.sqrt(2 / ((filters + channels) * area)))
        if self.scheme == "he":
            return self.gain / float(np.sqrt(channels * area))
        return self.gain

    def bound(self, shape: Sequence[int]) -> float:
        """Return the largest magnitude that it can draw, infinite for a normal one."""
        return float(np.sqrt(3)) * self.std(shape) if self.family == "uniform" else float("inf")


@dataclass(frozen=True)
class Fit:
    """How well draws of some kind agree with a layer: ``name``, its std there, and the p-value.

    ``rules`` are the catalogue's, several where they coincide at the layer's shape; empty for draws of a
    scale that no rule has.
    """

    name: str
    std: float
    p: float
    rules: tuple[Rule, ...] = ()


def _catalogue() -> tuple[Rule, ...]:
    root = float(np.sqrt(2))
    rules = []
    for label, gain in (("", 1.0), ("gain='relu'", root)):
        rules += [
            Rule(f"GlorotUniform({label})", "uniform", "glorot", gain),
            Rule(f"HeUniform({label or 'gain=1'})", "uniform", "he", gain),
            Rule(f"GlorotNormal({label})", "normal", "glorot", gain),
            Rule(f"HeNormal({label or 'gain=1'})", "normal", "he", gain),
        ]
    fixed_uniform = Rule("Uniform(0.01)", "uniform", "fixed", 0.01 / float(np.sqrt(3)))
    return (*rules, fixed_uniform, Rule("Normal(0.01)", "normal", "fixed", 0.01))


CATALOGUE = _catalogue()
"""The rules whose weights are independent draws; the first, GlorotUniform(), is a conv layer's default."""

DEFAULT = CATALOGUE[0]


def fit_catalogue(kernels: Kernels, seed: int = 0) -> tuple[Fit, ...]:
    """Return the rules of the catalogue that the weights could come from, the best first.

    Each is tested by Kolmogorov-Smirnov against its known parameters, which makes the p-value exact.
    Rules that coincide at this shape are one fit that names both. A rule whose bound a weight passes, or
    whose rms is more than six standard errors off, is left out. An orthogonal matrix is one whatever its
    distribution.
    """
    orthogonal = _fit_orthogonal(kernels)
    if orthogonal is not None:
        return (orthogonal,)
    values = np.sort(_dithered(kernels, seed))
    fits = []
    for std, family, rules in _coinciding(kernels):
        if _rms_is_off(kernels, std, family):
            continue
        bound = float(np.sqrt(3)) * std if family == "uniform" else np.inf
        if beyond_bound(kernels, bound) > 0:
            continue
        law = stats.uniform(-bound, 2 * bound) if family == "uniform" else stats.norm(0, std)
        p = float(stats.ks_1samp(values, law.cdf).pvalue)
        fits.append(Fit(" or ".join(rule.name for rule in rules), std, p, tuple(rules)))
    return tuple(sorted(fits, key=lambda fit: -fit.p))


def fit_free_scale(kernels: Kernels, seed: int = 0) -> tuple[Fit, ...]:
    """Return how well uniform and normal draws of the layer's own scale agree with it, the better first.

    Given the largest of n uniform magnitudes, the others are uniform below it: a Kolmogorov-Smirnov test of
    n-1 values that is exact though the scale is unknown. For normal draws D'Agostino and Pearson's test of
    skewness and kurtosis, which needs no scale; it is not tried below 20 weights.
    """
    values = _dithered(kernels, seed)
    ordered = np.sort(np.abs(values))
    if ordered[-1] == 0 or len(ordered) < 2:
        return ()
    uniform = float(stats.ks_1samp(ordered[:-1] / ordered[-1], stats.uniform.cdf).pvalue)
    fits = [Fit(f"uniform draws within ±{ordered[-1]:.3g}", float(ordered[-1] / np.sqrt(3)), uniform)]
    if len(values) >= 20:
        normal = float(stats.normaltest(values).pvalue)
        fits.append(Fit(f"normal draws of std {kernels.rms:.3g}", kernels.rms, normal))
    return tuple(sorted(fits, key=lambda fit: -fit.p))


def beyond_bound(kernels: Kernels, bound: float) -> float:
    """Return the share of weights whose magnitude passes ``bound``, but for the stored type's rounding."""
    tolerance = max(1e-6, float(np.finfo(kernels.precision).eps))
    return float((np.abs(kernels.flat) > bound * (1 + tolerance)).mean())


def gram_deviation(kernels: Kernels) -> float:
    """Return max|G/ḡ - I| of the Gram matrix on the smaller side, ḡ being its mean diagonal.

    0 for an orthogonal matrix of any gain; NaN where the smaller side is 1 (nothing to be orthogonal to).
    """
    diagonal = float(np.trace(kernels.gram)) / len(kernels.gram)
    if len(kernels.gram) < 2 or diagonal == 0:
        return float("nan")
    return float(np.abs(kernels.gram / diagonal - np.eye(len(kernels.gram))).max())


def _fit_orthogonal(kernels: Kernels) -> Fit | None:
    if _sides_differ(kernels) or not gram_deviation(kernels) < _ORTHOGONAL_DEVIATION:
        return None
    gain = float(np.sqrt(np.trace(kernels.gram) / len(kernels.gram)))
    name = next(
        (
            text
            for value, text in ((1.0, "Orthogonal()"), (np.sqrt(2), "Orthogonal(gain='relu')"))
            if abs(gain - value) < 1e-3
        ),
        f"Orthogonal(gain={gain:.3g})",
    )
    return Fit(name, kernels.rms, 1.0)


def _sides_differ(kernels: Kernels) -> bool:
    """Tell by the norms alone, which are cheaper than the Gram matrix, that a matrix is not orthogonal."""
    squares = np.einsum(
        "ij,ij->i" if kernels.n_filters <= kernels.rows.shape[1] else "ij,ij->j", *[kernels.rows] * 2
    )
    return bool(np.ptp(squares) > 2 * _ORTHOGONAL_DEVIATION * squares.mean())


def _coinciding(kernels: Kernels) -> list[tuple[float, str, list[Rule]]]:
    """Group the rules that draw alike at this shape."""
    groups: list[tuple[float, str, list[Rule]]] = []
    for rule in CATALOGUE:
        std = rule.std(kernels.shape)
        for other_std, family, rules in groups:
            if family == rule.family and abs(std / other_std - 1) < 1e-9:
                rules.append(rule)
                break
        else:
            groups.append((std, rule.family, [rule]))
    return groups


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
    steps = np.spacing(np.abs(values).astype(np.float16)).astype(np.float64)
    return values + steps * np.random.default_rng(seed).uniform(-0.5, 0.5, len(values))
