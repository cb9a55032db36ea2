"""Are the positions of a kernel exchangeable, or do some go together?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from filtviz.measures.kernels import Floats, Kernels
from filtviz.measures.laws import gamma_tail, normal_tails
from filtviz.measures.measure import Finding, Measure

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = ["FEW_POSITIONS", "MOST_POSITIONS", "SignTest", "Sphericity", "sign_sphericity"]

MOST_POSITIONS = 4096
"""Weights of a kernel that are tested: the matrix has their square, and the test says nothing of so many."""

_SYMMETRIC = 1e-6

FEW_POSITIONS = 512
"""Up to so many the matrix is small, however few kernels there are."""


class Sphericity(Measure):
    """Whether the directions of the kernels are spread evenly over the sphere."""

    key = "sphericity"
    title = "Sign sphericity"
    meaning = (
        "Does it matter where in the kernel a weight stands? In noise every place is as good as another; "
        "in trained filters the centre, a row or a side weighs more."
    )
    formula = "S = mean(ww'/‖w‖²) over the N kernels; Q = N p(p+2)/2 · tr (S − I/p)²"
    null = (
        "χ² with (p−1)(p+2)/2 degrees of freedom in the limit of many kernels; Pearson's type III law of the "
        "exact first three moments"
    )
    short_null = "Pearson III"
    counts_if = "p < {level}"
    supports = '"the pixels of its kernels differ, or go together, more than in noise"'
    cannot_say = "No power with few kernels. It does not say which positions go together."
    source = (
        "Hallin & Paindaveine 2006, Annals of Statistics 34 (sign scores); Sirkiä et al. 2009, J. "
        "Nonparametric Statistics 21"
    )
    decides = "structure"

    def take(self, subject: Subject) -> Finding | None:
        """Test the layer."""
        test = sign_sphericity(subject.kernels)
        if test is None:
            return None
        return self.tested(
            test.p,
            value=test.q,
            found="the pixels of its kernels differ, or go together, more than in noise",
            nothing="no position stands out",
        )


class SignTest(NamedTuple):
    """Q of the sign test, its degrees of freedom, and the p-value."""

    q: float
    degrees: int
    p: float


def sign_sphericity(kernels: Kernels) -> SignTest | None:
    """Test whether the directions of the kernels are spread evenly over the sphere.

    S = mean(ww'/‖w‖²) over the N kernels as vectors of p weights, Q = N p(p+2)/2 · tr (S - I/p)², which is
    chi-squared with (p-1)(p+2)/2 degrees of freedom where all directions are equally likely: the sign test of
    sphericity (Hallin & Paindaveine 2006, for sign scores; Sirkiä et al. 2009). At small N it has no power.

    Returns:
        None for kernels of one weight or of very many, or where no kernel has any energy.
    """
    p = kernels.n_positions
    n = int((kernels.energy > 0).sum())
    if p == 1 or p > MOST_POSITIONS or n == 0:
        return None
    q = n * p * (p + 2) / 2 * (_spread_of_few(kernels) if n < p > FEW_POSITIONS else _spread(kernels, n))
    degrees = (p - 1) * (p + 2) // 2
    return SignTest(q, degrees, _tail(q, n, p))


def _tail(q: float, n: int, p: int) -> float:
    """Return the upper tail of Q for ``n`` directions in ``p`` dimensions, under the null.

    Q is the chi-squared law's in the limit; with few kernels its tail is heavier. All of its first three
    moments are known: the n(n-1)/2 squared cosines that it sums up are Beta(½, (p-1)/2), independent in
    pairs, and of three that close a triangle the product of deviations has the mean 2/(p(p+2)) times their
    variance. Pearson's type III law of these moments gives the tail.
    """
    pairs, scale = n * (n - 1) / 2, (p + 2) * p / n  # Q = scale · Σ (cos² - 1/p) + its mean
    variance = 2 * (p - 1) / (p**2 * (p + 2))
    third = 8 * (p - 1) * (p - 2) / (p**3 * (p + 2) * (p + 4))
    triangles = n * (n - 1) * (n - 2) * 2 / (p * (p + 2)) * variance
    centre, spread = (p - 1) * (p + 2) / 2, scale * math.sqrt(pairs * variance)
    if pairs == 0:
        return 1.0
    skewness = (pairs * third + triangles) / (pairs * variance) ** 1.5
    z = (q - centre) / spread
    if skewness < _SYMMETRIC:
        return normal_tails(z) / 2 if z > 0 else 1.0
    shape = 4 / skewness**2
    return gamma_tail(max(0.0, shape + z * math.sqrt(shape)), shape)


def _spread(kernels: Kernels, n: int) -> float:
    """Return tr (S - I/p)² of ``n`` kernels that are not zero."""
    p = kernels.n_positions
    scatter = np.zeros((p, p))
    for directions in _directions(kernels):
        scatter += directions.T @ directions
    deviation = scatter / n - np.eye(p) / p
    return float((deviation**2).sum())


def _spread_of_few(kernels: Kernels) -> float:
    """Return the same by way of the kernels' cosines, which are fewer than their positions: tr S² - 1/p."""
    directions = np.concatenate(list(_directions(kernels)))
    return float(((directions @ directions.T) ** 2).sum()) / len(directions) ** 2 - 1 / kernels.n_positions


def _directions(kernels: Kernels) -> Iterator[Floats]:
    """Yield the kernels that are not zero as vectors of unit length, block by block."""
    for block in kernels.blocks():
        vectors = kernels.weights[block].reshape(-1, kernels.n_positions)
        energies = kernels.energy[block].reshape(-1)
        alive = energies > 0
        yield vectors[alive] / np.sqrt(energies[alive])[:, np.newaxis]
