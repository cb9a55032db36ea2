"""Null distributions: the tails that p-values are read from, tests of fit, and the false-discovery rate.

scipy's special functions give the same numbers as `scipy.stats`, whose import takes longer than a whole
diagnosis. They are imported where a tail is computed, so that the measures' texts can be read without them.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from filtviz.measures.kernels import Floats

__all__ = [
    "beta_tails",
    "beta_upper_quantile",
    "binomial_tail",
    "chi_squared_tail",
    "gamma_tail",
    "gamma_tails",
    "is_significant",
    "kolmogorov_p",
    "kolmogorov_tail",
    "normal_tails",
    "normality_p",
    "random_cosine",
    "rank_correlation",
    "tracy_widom_tail",
]

_GAMMA_SHAPE, _GAMMA_SCALE, _GAMMA_SHIFT = 46.446, 0.186054, 9.84801


def normal_tails(z: float) -> float:
    """Return how often a standard normal number is at least as far from 0 as ``z``, on either side."""
    from filtviz.special_functions import ndtr

    return float(2 * ndtr(-abs(z)))


def chi_squared_tail(statistic: float, degrees: int) -> float:
    """Return the upper tail of the chi-squared law."""
    from filtviz.special_functions import chdtrc

    return float(chdtrc(degrees, statistic))


def gamma_tail(x: float, shape: float) -> float:
    """Return the upper tail of the gamma law of that shape and scale 1 at ``x``."""
    from filtviz.special_functions import gammaincc

    return float(gammaincc(shape, x))


def gamma_tails(x: float, shape: float) -> float:
    """Return twice the smaller tail of the gamma law of that shape and scale 1 at ``x``, 1 at most."""
    from filtviz.special_functions import gammainc, gammaincc

    return float(min(1.0, 2 * min(gammainc(shape, x), gammaincc(shape, x))))


def binomial_tail(least: int, n: int, p: float) -> float:
    """Return how often ``n`` tries of probability ``p`` succeed ``least`` times or more."""
    from filtviz.special_functions import bdtrc

    return 1.0 if least <= 0 else float(bdtrc(least - 1, n, p))


def beta_tails(x: Floats, a: Floats, b: Floats) -> Floats:
    """Return twice the smaller tail of the beta law at each ``x``, 1 at most."""
    from filtviz.special_functions import betainc, betaincc

    return np.asarray(np.minimum(1.0, 2 * np.minimum(betainc(a, b, x), betaincc(a, b, x))))


def beta_upper_quantile(tail: float, a: float, b: float) -> float:
    """Return what the beta law passes with probability ``tail``."""
    from filtviz.special_functions import betainccinv

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
    from filtviz.special_functions import gammaincc

    return float(gammaincc(_GAMMA_SHAPE, max(s + _GAMMA_SHIFT, 0.0) / _GAMMA_SCALE))


def rank_correlation(a: Floats, b: Floats) -> tuple[float, float]:
    """Return Spearman's rank correlation and its one-sided p-value (greater), by the t approximation.

    Equal values share the mean of their ranks. Both must have more than two values, not all equal.
    """
    from filtviz.special_functions import stdtr

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


_FEW, _MANY, _SUMMED = 140, 100_000, 100_000
"""Up to so many values the exact distribution is used, from so many on never."""

_SCALE = 2.0**128


def kolmogorov_p(cumulative: Floats) -> float:
    """Return the p-value of Kolmogorov and Smirnov's two-sided test.

    ``cumulative`` is the law's distribution function at the sorted values, ``(values,)``.
    """
    n = len(cumulative)
    steps = np.arange(0.0, n)
    steps /= n
    steps -= cumulative
    return kolmogorov_tail(n, max(float(steps.max()) + 1 / n, -float(steps.min())))


def kolmogorov_tail(n: int, d: float) -> float:
    """Return how often the distribution of ``n`` draws is ``d`` or more off the law's.

    The formulas are chosen as Simard & L'Ecuyer do ("Computing the two-sided Kolmogorov-Smirnov
    distribution", Journal of Statistical Software 39, 2011): exact where n or n·d is small, twice the
    one-sided tail where d is so large that both sides hardly ever pass it, else Pelz & Good's series.
    """
    t, spread = n * d, n * d * d
    if d >= 1:
        return 0.0
    if t <= 0.5:
        return 1.0
    if t >= n - 1:
        return 2 * (1 - d) ** n
    if d >= 0.5 or spread >= (4.0 if n <= _FEW else 2.2):
        return 0.0 if spread >= 370 else min(1.0, 2 * _one_sided(n, d))
    is_cheap = n <= _FEW or (n <= _MANY and n * d**1.5 <= 1.4)
    below = _exact(n, d) if is_cheap else _series(n, d)
    return min(1.0, max(0.0, 1 - below))


def _one_sided(n: int, d: float) -> float:
    """Return P(D+ > d); of very many draws by what the sum over all comes to (Maag & Dicaire 1971)."""
    if n > _SUMMED:
        return math.exp(-((6 * n * d + 1) ** 2) / (18 * n))
    from filtviz.special_functions import smirnov

    return float(smirnov(n, d))


def _exact(n: int, d: float) -> float:
    """Return P(D < d), by Durbin's matrix.

    It is n!/n^n times the middle of the n-th power of a matrix of 2k-1 rows, where n·d = k - h with
    0 <= h < 1 (Marsaglia, Tsang & Wang, "Evaluating Kolmogorov's distribution", Journal of Statistical
    Software 8, 2003).
    """
    k = int(np.ceil(n * d))
    h = k - n * d
    side = 2 * k - 1
    factorials = np.cumprod(np.concatenate([[1.0], np.arange(1.0, side + 1)]))
    steps = np.subtract.outer(np.arange(side), np.arange(side)) + 1
    matrix = np.where(steps >= 0, 1 / factorials[np.maximum(steps, 0)], 0.0)
    edge = (1 - h ** np.arange(1, side + 1)) / factorials[1:]
    edge[-1] = (1 - 2 * h**side + max(2 * h - 1, 0) ** side) / factorials[side]
    matrix[:, 0], matrix[-1] = edge, edge[::-1]
    middle, exponent = _power(matrix, n, k - 1)
    for i in range(1, n + 1):
        middle *= i / n
        if middle < 1 / _SCALE:
            middle, exponent = middle * _SCALE, exponent - 1
    return float(np.ldexp(middle, 128 * exponent))


def _power(matrix: Floats, n: int, place: int) -> tuple[float, int]:
    """Return the ``place`` on the diagonal of the n-th power, as a number and how often 2^128 is in it."""
    result, exponent, scale = np.eye(len(matrix)), 0, 0
    while n:
        if n % 2:
            result, exponent = result @ matrix, exponent + scale
        matrix, scale, n = matrix @ matrix, 2 * scale, n // 2
        if matrix[place, place] > _SCALE:
            matrix, scale = matrix / _SCALE, scale + 1
    return float(result[place, place]), exponent


def _series(n: int, d: float) -> float:
    """Return P(D < d) for many draws: Kolmogorov's limit and three corrections in powers of 1/√n.

    The series is Pelz & Good's (Journal of the Royal Statistical Society B 38, 1976).
    """
    z = np.sqrt(n) * d
    square = np.pi**2 / z**2
    if square / 8 > 708:
        return 0.0
    m2 = (2 * np.arange(1, int(np.ceil(16 * z / np.pi)) + 1) - 1.0) ** 2  # squares of the odd numbers
    odd = np.exp(-square / 8 * m2)
    every = np.arange(1.0, len(m2) + 1) ** 2
    all_ = np.exp(-square / 2 * every)
    pi2, pi4, pi6 = np.pi**2, np.pi**4, np.pi**6
    limit = odd.sum() / z
    first = (odd * (pi2 / 4 * m2 - z**2)).sum() / (6 * z**4)
    second = (
        odd * (6 * z**6 + 2 * z**4 + (2 * z**4 - 5 * z**2) * pi2 / 4 * m2 + pi4 * (1 - 2 * z**2) / 16 * m2**2)
    ).sum() / (72 * z**7) - pi2 * (every * all_).sum() / (36 * z**3)
    third = (
        odd
        * (
            -30 * z**6
            - 90 * z**8
            + pi2 * (135 * z**4 - 96 * z**6) / 4 * m2
            + pi4 * (212 * z**4 - 60 * z**2) / 16 * m2**2
            + pi6 * (5 - 30 * z**2) / 64 * m2**3
        )
    ).sum() / (6480 * z**10) + pi2 * ((3 * z**2 - pi2 * every) * every * all_).sum() / (216 * z**6)
    terms = np.array([limit, first, second, third]) * np.sqrt(2 * np.pi)
    return float((terms / n ** np.array([0.0, 0.5, 1.0, 1.5])).sum())


def normality_p(values: Floats) -> float:
    """Return the p-value of D'Agostino and Pearson's test, which needs neither mean nor scale.

    It looks at skewness and kurtosis, each brought to a standard normal law; from 20 values on.
    """
    n = float(len(values))
    centred = values - values.mean()
    squares = centred * centred
    second = float(squares.mean())
    z1 = _skewness_score(float(np.vdot(squares, centred)) / n / second**1.5, n)
    z2 = _kurtosis_score(float(np.vdot(squares, squares)) / n / second**2, n)
    return float(np.exp(-(z1**2 + z2**2) / 2))  # the chi-squared tail of two degrees


def _skewness_score(skewness: float, n: float) -> float:
    """Return D'Agostino's score of a sample's skewness (Biometrika 57, 1970)."""
    y = skewness * np.sqrt((n + 1) * (n + 3) / (6 * (n - 2)))
    kurtosis = 3 * (n**2 + 27 * n - 70) * (n + 1) * (n + 3) / ((n - 2) * (n + 5) * (n + 7) * (n + 9))
    w2 = np.sqrt(2 * (kurtosis - 1)) - 1
    return float(np.arcsinh(y / np.sqrt(2 / (w2 - 1))) / np.sqrt(0.5 * np.log(w2)))


def _kurtosis_score(kurtosis: float, n: float) -> float:
    """Return Anscombe & Glynn's score of a sample's kurtosis (Biometrika 70, 1983)."""
    mean = 3 * (n - 1) / (n + 1)
    variance = 24 * n * (n - 2) * (n - 3) / ((n + 1) ** 2 * (n + 3) * (n + 5))
    x = (kurtosis - mean) / np.sqrt(variance)
    skewness = 6 * (n**2 - 5 * n + 2) / ((n + 7) * (n + 9))
    skewness *= np.sqrt(6 * (n + 3) * (n + 5) / (n * (n - 2) * (n - 3)))
    a = 6 + 8 / skewness * (2 / skewness + np.sqrt(1 + 4 / skewness**2))
    spread = 1 + x * np.sqrt(2 / (a - 4))
    return float((1 - 2 / (9 * a) - np.cbrt((1 - 2 / a) / spread)) / np.sqrt(2 / (9 * a)))
