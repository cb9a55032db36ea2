"""Null distributions: the tails that p-values are read from, and the false-discovery rate.

scipy is imported where a tail is computed, so that the texts of the measures can be read without it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from filtviz.measures.kernels import Floats

__all__ = [
    "beta_tails",
    "beta_upper_quantile",
    "binomial_tail",
    "chi_squared_tail",
    "is_significant",
    "normal_tails",
    "random_cosine",
    "rank_correlation",
    "tracy_widom_tail",
]

_GAMMA_SHAPE, _GAMMA_SCALE, _GAMMA_SHIFT = 46.446, 0.186054, 9.84801


def normal_tails(z: float) -> float:
    """Return how often a standard normal number is at least as far from 0 as ``z``, on either side."""
    from scipy.special import ndtr

    return float(2 * ndtr(-abs(z)))


def chi_squared_tail(statistic: float, degrees: int) -> float:
    """Return the upper tail of the chi-squared law."""
    from scipy.special import chdtrc

    return float(chdtrc(degrees, statistic))


def binomial_tail(least: int, n: int, p: float) -> float:
    """Return how often ``n`` tries of probability ``p`` succeed ``least`` times or more."""
    from scipy.special import bdtrc

    return 1.0 if least <= 0 else float(bdtrc(least - 1, n, p))


def beta_tails(x: Floats, a: Floats, b: Floats) -> Floats:
    """Return twice the smaller tail of the beta law at each ``x``, 1 at most."""
    from scipy.special import betainc, betaincc

    return np.asarray(np.minimum(1.0, 2 * np.minimum(betainc(a, b, x), betaincc(a, b, x))))


def beta_upper_quantile(tail: float, a: float, b: float) -> float:
    """Return what the beta law passes with probability ``tail``."""
    from scipy.special import betainccinv

    return float(betainccinv(a, b, tail))


def random_cosine(tries: int, dimension: int, alpha: float) -> float:
    """Return the |cos| that one of ``tries`` pairs of random directions passes with probability ``alpha``.

    cos² of a pair is Beta(½, (d-1)/2); Šidák's correction runs over the tries. It is 1 where every two
    directions are parallel (d = 1).
    """
    if dimension < 2:
        return 1.0
    level = float(-np.expm1(np.log1p(-alpha) / max(1, tries)))
    return float(np.sqrt(beta_upper_quantile(level, 0.5, (dimension - 1) / 2)))


def tracy_widom_tail(s: float) -> float:
    """Return the upper tail of the Tracy-Widom law of order 1.

    A shifted gamma law with the same three moments (Chiani 2014, "Distribution of the largest eigenvalue for
    real Wishart and Gaussian random matrices and a simple approximation for the Tracy-Widom distribution"),
    since scipy has none: .0500 at .979 and .0098 at 2.023, where the law has .05 and .01.
    """
    from scipy.special import gammaincc

    return float(gammaincc(_GAMMA_SHAPE, max(s + _GAMMA_SHIFT, 0.0) / _GAMMA_SCALE))


def rank_correlation(a: Floats, b: Floats) -> tuple[float, float]:
    """Return Spearman's rank correlation and its one-sided p-value (greater), by the t approximation.

    Equal values share the mean of their ranks. Both must have more than two values, not all equal.
    """
    from scipy.special import stdtr

    rho = float(np.corrcoef(_ranks(a), _ranks(b))[0, 1])
    degrees = len(a) - 2
    with np.errstate(divide="ignore"):
        t = rho * np.sqrt(np.clip(np.float64(degrees) / ((rho + 1.0) * (1.0 - rho)), 0.0, None))
    return rho, float(stdtr(degrees, -t))


def _ranks(values: Floats) -> Floats:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2)[place])


def is_significant(p: Floats, level: float) -> NDArray[np.bool_]:
    """Return which p-values Benjamini and Hochberg's procedure lets through; NaN never."""
    found = np.zeros(len(p), dtype=bool)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known])]
    passing = np.flatnonzero(p[order] * (len(order) / np.arange(1, len(order) + 1)) <= level)
    if len(passing):
        found[order[: passing[-1] + 1]] = True
    return found
