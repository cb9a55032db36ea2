"""Are some filters or channels used more than others, and do the later layers agree?"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from filtviz.measures.kernels import Floats, Kernels

__all__ = ["Coupling", "Heterogeneity", "coupling", "heterogeneity", "reliance"]

_MIN_COUPLED = 10
"""Filters from which the t approximation of the rank correlation's null holds well enough to judge."""


class Heterogeneity(NamedTuple):
    """The statistic, its degrees of freedom, and the p-value."""

    statistic: float
    degrees: int
    p: float


class Coupling(NamedTuple):
    """Spearman's rank correlation and the one-sided p-value (greater)."""

    rho: float
    p: float


def heterogeneity(kernels: Kernels, along: Literal["filters", "channels"]) -> Heterogeneity | None:
    """Test whether the energies of the filters (or of the input channels) differ by more than chance.

    Σ(s_g - s̄)²/(n_g Var w²) is about chi-squared with G-1 degrees of freedom, s_g being the sum of
    squares of the n_g weights of group g and Var w² the variance of a single squared weight, estimated
    from the layer.

    Returns:
        None where there is one group only, or where no squared weight differs from another.
    """
    energies = kernels.energy.sum(axis=1 if along == "filters" else 0)
    _, square, _, fourth = kernels.raw_moments
    variance = fourth - square**2
    if len(energies) < 2 or variance <= 1e-12 * square**2:
        return None
    in_group = kernels.size // len(energies)
    statistic = float(((energies - energies.mean()) ** 2).sum() / (in_group * variance))
    degrees = len(energies) - 1
    return Heterogeneity(statistic, degrees, float(stats.chi2.sf(statistic, degrees)))


def reliance(following: NDArray[Any]) -> Floats:
    """Return how much weight the following layer puts on each filter of this one: ‖W[:, o]‖², ``(filters,)``.

    ``following`` is that layer's weights, ``(its filters, filters, rows, cols)``.
    """
    return np.asarray(np.einsum("oirc,oirc->i", following, following, dtype=np.float64))


def coupling(kernels: Kernels, later: Floats) -> Coupling | None:
    """Correlate the filters' energies with ``later``, the `reliance` of the following layer, by rank.

    Gradient descent keeps the two in step in networks of rectifiers (Du, Hu & Lee 2018); it does so for
    random labels too.

    Returns:
        None where there are too few filters, or where the energies of a layer are all equal.
    """
    own = kernels.energy.sum(axis=1)
    if len(own) < _MIN_COUPLED or np.ptp(own) == 0 or np.ptp(later) == 0:
        return None
    result = stats.spearmanr(own, later, alternative="greater")
    return Coupling(float(result.statistic), float(result.pvalue))
