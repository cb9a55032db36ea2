"""Does one direction stand out of the noise?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special

from filtviz.measures.kernels import Kernels

__all__ = ["Spike", "largest_eigenvalue", "tracy_widom_sf"]

_MIN_SIDE = 5
"""Johnstone (2001) finds the approximation "informative for n and p as small as 5"."""

_GAMMA_SHAPE, _GAMMA_SCALE, _GAMMA_SHIFT = 46.446, 0.186054, 9.84801


class Spike(NamedTuple):
    """The largest eigenvalue, centred and scaled as Johnstone does, and its p-value."""

    s: float
    p: float


def tracy_widom_sf(s: float) -> float:
    """Return the upper tail of the Tracy-Widom law of order 1.

    A shifted gamma law with the same three moments (Chiani 2014, "Distribution of the largest eigenvalue for
    real Wishart and Gaussian random matrices and a simple approximation for the Tracy-Widom distribution"),
    since scipy has none: .0500 at .979 and .0098 at 2.023, where the law has .05 and .01.
    """
    return float(special.gammaincc(_GAMMA_SHAPE, max(s + _GAMMA_SHIFT, 0.0) / _GAMMA_SCALE))


def largest_eigenvalue(kernels: Kernels) -> Spike | None:
    """Compare the largest eigenvalue of the ``filters x rest`` matrix with that of noise of its own variance.

    With n and p the longer and the shorter side, μ = (√(n-1) + √p)² and
    σ = (√(n-1) + √p)(1/√(n-1) + 1/√p)^⅓; (λ₁ - μ)/σ follows the Tracy-Widom law of order 1 (Johnstone 2001).
    The variance being estimated from the same weights, the test is conservative.

    Returns:
        None for a matrix with a side under 5, or without any energy.
    """
    sides = kernels.rows.shape
    n, p = max(sides), min(sides)
    if p < _MIN_SIDE or kernels.rms == 0:
        return None
    root = np.sqrt(n - 1) + np.sqrt(p)
    sigma = root * (1 / np.sqrt(n - 1) + 1 / np.sqrt(p)) ** (1 / 3)
    s = float((kernels.eigenvalues[0] / kernels.rms**2 - root**2) / sigma)
    return Spike(s, tracy_widom_sf(s))
