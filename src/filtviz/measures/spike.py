"""Does one direction stand out of the noise?"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from filtviz.measures.kernels import Kernels
from filtviz.measures.laws import tracy_widom_tail
from filtviz.measures.measure import Finding, Measure

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = ["LargestEigenvalue", "Spike", "largest_eigenvalue"]

_MIN_SIDE = 5
"""Johnstone (2001) finds the approximation "informative for n and p as small as 5"."""


class Spike(Measure):
    """The largest eigenvalue, against that of noise."""

    key = "spike"
    title = "Low-rank spike"
    meaning = (
        "Do many filters share a direction? Random ones point everywhere; training bends several towards "
        "what matters."
    )
    formula = (
        "λ₁ of the O x Cp matrix, its filters and channels brought to one energy, n and p its longer and "
        "shorter side; μ = (√(n−1) + √p)², σ = (√(n−1) + √p)(1/√(n−1) + 1/√p)^⅓; s = (λ₁ − μ)/σ"
    )
    null = "Tracy-Widom law of order 1 (.979 at 5 %, 2.023 at 1 %), as a shifted gamma law; conservative here"
    short_null = "Tracy-Widom"
    counts_if = "p < {level}; both sides at least 5"
    supports = '"a low-rank component beyond noise"'
    cannot_say = "Silent on first layers trained with Adam."
    source = "Johnstone 2001, Annals of Statistics 29, 295-327; Chiani 2014 for the gamma law"
    decides = "structure"

    def take(self, subject: Subject) -> Finding | None:
        """Test the layer."""
        test = largest_eigenvalue(subject.kernels)
        if test is None:
            return None
        return self.tested(
            test.p,
            value=test.s,
            found="a low-rank component beyond noise",
            nothing="no direction stands out from the noise",
        )


class LargestEigenvalue(NamedTuple):
    """The largest eigenvalue, centred and scaled as Johnstone does, and its p-value."""

    s: float
    p: float


def largest_eigenvalue(kernels: Kernels) -> LargestEigenvalue | None:
    """Compare the largest eigenvalue of the ``filters x rest`` matrix with that of noise of its own variance.

    With n and p the longer and the shorter side, μ = (√(n-1) + √p)² and
    σ = (√(n-1) + √p)(1/√(n-1) + 1/√p)^⅓; (λ₁ - μ)/σ follows the Tracy-Widom law of order 1 (Johnstone 2001).
    Filters and input channels are brought to one energy first, so that strong ones alone are no direction.
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
    s = float((kernels.balanced_eigenvalue - root**2) / sigma)
    return LargestEigenvalue(s, tracy_widom_tail(s))
