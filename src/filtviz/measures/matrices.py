"""Is the layer a matrix that an initialiser makes as a whole: orthogonal, or one that passes images on?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from filtviz.measures.initialiser_catalogue import Fit
from filtviz.measures.kernels import Floats, Kernels
from filtviz.measures.measure import Finding, Measure
from filtviz.measures.verdicts import DIRAC, INDISTINGUISHABLE

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = ["Orthogonal", "fit_matrix", "gram_deviation"]

_MOST_DEVIATION = 1e-3


class Orthogonal(Measure):
    """How far the layer is from an orthogonal matrix."""

    key = "orthogonal"
    title = "Orthogonal matrix"
    meaning = (
        "Some initialisers make filters exactly perpendicular to one another. Training does not keep "
        "that, so a layer that still is so was hardly trained."
    )
    formula = (
        "max|G/ḡ − I|, G the Gram matrix on the smaller side of the filters x rest matrix, ḡ its mean "
        "diagonal"
    )
    null = "training does not keep a matrix orthogonal to that precision"
    short_null = "–"
    counts_if = "< .001, or the rounding of a type of fewer bits"
    counts_below = True
    supports = f'"{INDISTINGUISHABLE} Orthogonal()"'
    cannot_say = "Nothing for a layer of one filter or one weight a filter."
    source = "Saxe et al. 2013; lasagne/init.py; torch/nn/init.py"

    def take(self, subject: Subject) -> Finding | None:
        """Measure the Gram matrix."""
        deviation = gram_deviation(subject.kernels)
        if np.isnan(deviation):
            return None
        found = deviation < _tolerance(subject.kernels)
        text = "orthogonal, as an initialiser makes it" if found else "not orthogonal"
        return self.finding(value=deviation, threshold=_tolerance(subject.kernels), found=found, text=text)


def gram_deviation(kernels: Kernels) -> float:
    """Return max|G/ḡ - I| of the Gram matrix on the smaller side, ḡ being its mean diagonal.

    0 for an orthogonal matrix of any gain; NaN where the smaller side is 1 (nothing to be orthogonal to).
    """
    diagonal = float(np.trace(kernels.gram)) / len(kernels.gram)
    if len(kernels.gram) < 2 or diagonal == 0:
        return float("nan")
    return float(np.abs(kernels.gram / diagonal - np.eye(len(kernels.gram))).max())


def fit_matrix(kernels: Kernels) -> Fit | None:
    """Return the initialiser that makes such a matrix as a whole, or None where none does.

    An orthogonal matrix on the smaller side of ``filters x rest``; a kernel of one 1 in its middle for each
    filter (Dirac, an identity); and an orthogonal matrix in the middle of kernels that are 0 elsewhere
    (delta-orthogonal, Xiao et al. 2018).
    """
    fit = _fit_middle(kernels)
    if fit is not None or _sides_differ(kernels) or not gram_deviation(kernels) < _tolerance(kernels):
        return fit
    return Fit((_orthogonal(kernels),), "matrix", kernels.rms, 1.0)


def _orthogonal(kernels: Kernels) -> str:
    gain = float(np.sqrt(np.trace(kernels.gram) / len(kernels.gram)))
    known = {1.0: "Orthogonal()", float(np.sqrt(2)): "Orthogonal(gain='relu')"}
    name = next((name for value, name in known.items() if abs(gain - value) < _tolerance(kernels)), None)
    return name or f"Orthogonal(gain={gain:.3g})"


def _fit_middle(kernels: Kernels) -> Fit | None:
    """Recognise kernels that are 0 but for their middle."""
    filters, channels, rows, cols = kernels.shape
    middle = kernels.weights[:, :, rows // 2, cols // 2]
    if rows * cols == 1 or np.count_nonzero(kernels.weights[0]) != np.count_nonzero(middle[0]):
        return None  # the first filter nearly always tells
    if kernels.size - kernels.n_zeros != np.count_nonzero(middle):
        return None
    if _is_dirac(middle):
        return Fit((DIRAC,), "matrix", kernels.rms, 1.0)
    matrix = Kernels(middle[:, :, np.newaxis, np.newaxis], kernels.mantissa, kernels.tiny)
    is_single = min(filters, channels) == 1 < max(filters, channels)  # orthogonal whatever it holds
    if is_single or gram_deviation(matrix) < _tolerance(kernels):
        return Fit(("delta-orthogonal",), "matrix", kernels.rms, 1.0)
    return None


def _is_dirac(middle: Floats) -> bool:
    """Tell whether each filter passes one channel on, or nothing, as ``dirac_`` leaves them."""
    return bool(np.isin(middle, (0.0, 1.0)).all() and (middle.sum(axis=1) <= 1).all() and middle.any())


def _tolerance(kernels: Kernels) -> float:
    return max(_MOST_DEVIATION, kernels.rounding)


def _sides_differ(kernels: Kernels) -> bool:
    """Tell by the norms alone, which are cheaper than the Gram matrix, that a matrix is not orthogonal."""
    rows = kernels.rows
    squares = kernels.norms**2 if rows.shape[0] <= rows.shape[1] else np.einsum("ij,ij->j", rows, rows)
    return bool(np.ptp(squares) > 2 * _tolerance(kernels) * squares.mean())
