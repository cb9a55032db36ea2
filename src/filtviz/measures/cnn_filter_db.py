"""CNN Filter DB's numbers (Gavrikov & Keuper, CVPR 2022), to compare a network with those collected there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from filtviz.measures.kernels import Kernels
from filtviz.measures.measure import Finding, ShownMeasure
from filtviz.text import percent

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = [
    "FilterOrthogonality",
    "Sparsity",
    "VarianceEntropy",
    "filter_orthogonality",
    "sparsity",
    "variance_entropy",
]

_LEVEL, _MIDDLE, _SLOPE, _BASE = 1.2618047, 2.30436435, 0.88767525, -0.31050834
"""L, x₀, k and b of the published threshold for randomness."""


_ROUNDING = 1e-12
"""Of the largest variance: what is below is what rounding leaves."""


class _OfFilterDb(ShownMeasure):
    """What the three have in common."""

    supports = "a number to compare with CNN Filter DB"
    source = "Gavrikov & Keuper, CVPR 2022"


class Sparsity(_OfFilterDb):
    """How many kernels are next to nothing beside the largest weight."""

    key = "sparsity"
    title = "Sparsity"
    meaning = "How many kernels are empty, or nearly so, beside the largest."
    formula = "share of kernels whose weights are all under 1 % of the layer's largest"
    cannot_say = "Whether the empty kernels matter."

    def take(self, subject: Subject) -> Finding:
        """Count the empty kernels."""
        value = sparsity(subject.kernels)
        text = f"{percent(value)} of the kernels are under 1% of the largest weight"
        return self.finding(value=value, text=text)


class VarianceEntropy(_OfFilterDb):
    """How evenly the kernels spread over their principal components."""

    key = "variance-entropy"
    title = "Variance entropy"
    meaning = (
        "How many basic patterns it takes to build all kernels of the layer. Noise needs all of them, "
        "trained 3x3 kernels often need few."
    )
    formula = (
        "entropy (base 10) of the normalised variances of the kernels' principal components, over T_H(n) = "
        "L/(1 + exp(−k(log₂ n − x₀))) + b; L 1.2618047, x₀ 2.30436435, k .88767525, b −.31050834"
    )
    null = "none used: a ratio of 1 or more looks random at many kernels; shown, does not judge"
    counts_if = "3x3 only"
    cannot_say = "Anything at few kernels or at other sizes."

    def take(self, subject: Subject) -> Finding | None:
        """Compare the entropy with the threshold."""
        result = variance_entropy(subject.kernels)
        if result is None:
            return None
        value, ratio = result
        return self.finding(value=value, text=f"{ratio:.2f} of CNN Filter DB's threshold for randomness")


class FilterOrthogonality(_OfFilterDb):
    """How far the filters are from being parallel."""

    key = "filter-orthogonality"
    title = "Orthogonality of the filters"
    meaning = "How different the filters are from one another: 1 means that no two have anything in common."
    formula = "1 − mean |cos| over all pairs of filters"
    cannot_say = "Much at many channels, where random filters are nearly orthogonal."

    def take(self, subject: Subject) -> Finding | None:
        """Measure all pairs."""
        value = filter_orthogonality(subject.kernels)
        return None if value is None else self.finding(value=value, text="1 for filters at right angles")


def sparsity(kernels: Kernels, share_of_maximum: float = 0.01) -> float:
    """Return the share of kernels with no weight of 1 % of the layer's largest."""
    largest = kernels.largest
    if largest == 0:
        return 1.0
    limit = share_of_maximum * largest
    quiet = kernels.weights[kernels.energy <= 2 * kernels.n_positions * limit**2]  # no other can be so small
    return float((np.abs(quiet) < limit).all(axis=(1, 2)).sum() / kernels.n_kernels)


def variance_entropy(kernels: Kernels) -> tuple[float, float] | None:
    """Return the variance entropy and its ratio to the published threshold T_H(n).

    The entropy is -Σ v log₁₀ v over the kernels' centred, squared singular values brought to a sum of 1;
    T_H(n) = L/(1 + e^(-k(log₂ n - x₀))) + b is a lower bound for noise, for n kernels of 3x3, so that
    a ratio of 1 and more looks random. Not for other sizes, where it has no threshold, and not for one or
    two kernels, where it is below 0 (None); it needs many kernels.
    """
    if kernels.shape[2:] != (3, 3) or kernels.n_kernels < 3:
        return None
    mean, spread = kernels.weights.reshape(-1, 9).mean(axis=0), np.zeros((9, 9))
    for block in kernels.blocks():
        centred = kernels.weights[block].reshape(-1, 9) - mean
        spread += centred.T @ centred
    variances = np.linalg.eigvalsh(spread)
    variances = variances[variances > _ROUNDING * variances[-1]]
    if variances.size == 0:
        return None
    shares = variances / variances.sum()
    entropy = abs(float((shares * np.log10(shares)).sum()))
    threshold = _LEVEL / (1 + np.exp(-_SLOPE * (np.log2(kernels.n_kernels) - _MIDDLE))) + _BASE
    return entropy, float(entropy / threshold)


def filter_orthogonality(kernels: Kernels) -> float | None:
    """Return 1 - mean |cos| of all pairs of filters; None for a single filter."""
    n = kernels.n_filters
    if n < 2:
        return None
    return 1 - 2 * kernels.pairs.total / (n * (n - 1))
