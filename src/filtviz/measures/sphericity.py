"""Are the positions of a kernel exchangeable, or do some go together?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from filtviz.measures.kernels import Floats, Kernels
from filtviz.measures.laws import chi_squared_tail
from filtviz.measures.measure import Finding, Measure

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = ["FEW_POSITIONS", "MOST_POSITIONS", "SignTest", "Sphericity", "sign_sphericity"]

MOST_POSITIONS = 4096
"""Weights of a kernel that are tested: the matrix has their square, and the test says nothing of so many."""

FEW_POSITIONS = 512
"""Up to so many the matrix is small, however few kernels there are."""


class Sphericity(Measure):
    """Whether the directions of the kernels are spread evenly over the sphere."""

    key = "sphericity"
    title = "Sign sphericity"
    formula = "S = mean(ww'/‖w‖²) over the N kernels; Q = N p(p+2)/2 · tr (S − I/p)²"
    null = "χ² with (p−1)(p+2)/2 degrees of freedom"
    short_null = "χ²"
    counts_if = "p < {level}"
    supports = '"the positions of a kernel are (not) exchangeable"'
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
            found="the positions of a kernel are not exchangeable",
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
    return SignTest(q, degrees, chi_squared_tail(q, degrees))


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
