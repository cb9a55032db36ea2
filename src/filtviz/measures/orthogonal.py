"""Is the layer an orthogonal matrix, as an initialiser makes it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from filtviz.measures.catalogue import Fit
from filtviz.measures.kernels import Kernels
from filtviz.measures.measure import Finding, Measure
from filtviz.measures.verdicts import INDISTINGUISHABLE

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = ["Orthogonal", "fit_orthogonal", "gram_deviation"]

_MOST_DEVIATION = 1e-3


class Orthogonal(Measure):
    """How far the layer is from an orthogonal matrix."""

    key = "orthogonal"
    title = "Orthogonal matrix"
    formula = (
        "max|G/ḡ − I|, G the Gram matrix on the smaller side of the filters x rest matrix, ḡ its mean "
        "diagonal"
    )
    null = "training does not keep a matrix orthogonal to that precision"
    short_null = "–"
    counts_if = "< .001"
    counts_below = True
    supports = f'"{INDISTINGUISHABLE} Orthogonal()"'
    cannot_say = "Nothing for a layer of one filter or one weight a filter."
    source = "Saxe et al. 2013; lasagne/init.py"

    def take(self, subject: Subject) -> Finding | None:
        """Measure the Gram matrix."""
        deviation = gram_deviation(subject.kernels)
        if np.isnan(deviation):
            return None
        found = deviation < _MOST_DEVIATION
        text = "orthogonal, as an initialiser makes it" if found else "not orthogonal"
        return self.finding(value=deviation, threshold=_MOST_DEVIATION, found=found, text=text)


def gram_deviation(kernels: Kernels) -> float:
    """Return max|G/ḡ - I| of the Gram matrix on the smaller side, ḡ being its mean diagonal.

    0 for an orthogonal matrix of any gain; NaN where the smaller side is 1 (nothing to be orthogonal to).
    """
    diagonal = float(np.trace(kernels.gram)) / len(kernels.gram)
    if len(kernels.gram) < 2 or diagonal == 0:
        return float("nan")
    return float(np.abs(kernels.gram / diagonal - np.eye(len(kernels.gram))).max())


def fit_orthogonal(kernels: Kernels) -> Fit | None:
    """Return the orthogonal initialiser that the weights could come from, or None where they are no such."""
    if _sides_differ(kernels) or not gram_deviation(kernels) < _MOST_DEVIATION:
        return None
    gain = float(np.sqrt(np.trace(kernels.gram) / len(kernels.gram)))
    known = {1.0: "Orthogonal()", float(np.sqrt(2)): "Orthogonal(gain='relu')"}
    name = next((name for value, name in known.items() if abs(gain - value) < 1e-3), None)
    return Fit((name or f"Orthogonal(gain={gain:.3g})",), "orthogonal", kernels.rms, 1.0)


def _sides_differ(kernels: Kernels) -> bool:
    """Tell by the norms alone, which are cheaper than the Gram matrix, that a matrix is not orthogonal."""
    rows = kernels.rows
    squares = np.einsum("ij,ij->i" if rows.shape[0] <= rows.shape[1] else "ij,ij->j", rows, rows)
    return bool(np.ptp(squares) > 2 * _MOST_DEVIATION * squares.mean())
