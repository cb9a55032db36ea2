"""Are the positions of a kernel exchangeable, or do some go together?"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from filtviz.measures.kernels import Kernels
from filtviz.measures.laws import chi_squared_tail
from filtviz.measures.measure import Finding, Measure

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = ["SignTest", "Sphericity", "sign_sphericity"]

MOST_POSITIONS = 4096
"""Weights of a kernel that are tested: the matrix has their square, and the test says nothing of so many."""


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
    scatter = np.zeros((p, p))
    for block in kernels.blocks():
        vectors = kernels.weights[block].reshape(-1, p)
        energies = kernels.energy[block].reshape(-1)
        alive = energies > 0
        directions = vectors[alive] / np.sqrt(energies[alive])[:, np.newaxis]
        scatter += directions.T @ directions
    deviation = scatter / n - np.eye(p) / p
    q = n * p * (p + 2) / 2 * float((deviation**2).sum())
    degrees = (p - 1) * (p + 2) // 2
    return SignTest(q, degrees, chi_squared_tail(q, degrees))
