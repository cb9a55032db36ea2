"""Do the values pile up at a limit, or take few distinct ones?"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
from scipy import stats

from filtviz.measures.kernels import Kernels

__all__ = ["Clipping", "Quantisation", "clipping", "quantisation"]

_NEAR_MAXIMUM = 0.98


class Clipping(NamedTuple):
    """The share of weights within 2 % of the largest magnitude, and the p-value (greater)."""

    share: float
    p: float


class Quantisation(NamedTuple):
    """How many distinct values there are, and how many random draws of that precision would give."""

    distinct: int
    expected: float


def clipping(kernels: Kernels) -> Clipping | None:
    """Test whether more weights than chance lie at 98 % of the largest magnitude or beyond.

    The one that is the largest does so always; of the n-1 others, Bin(n-1, .02) do for uniform draws, whose
    bulk reaches furthest out among the initialisers, fewer for all others.

    Returns:
        None where all weights are zero, or there is one only.
    """
    magnitudes = np.abs(kernels.flat)
    largest = float(magnitudes.max())
    n = len(magnitudes)
    if largest == 0 or n < 2:
        return None
    near = int((magnitudes >= _NEAR_MAXIMUM * largest).sum())
    return Clipping(near / n, float(stats.binom.sf(near - 2, n - 1, 1 - _NEAR_MAXIMUM)))


def quantisation(kernels: Kernels) -> Quantisation:
    """Count the distinct values, and how many are expected of draws that were only rounded.

    Draws in one binade fall on its 2^m representable magnitudes, of each sign, m being the bits of the
    mantissa: n of them hit about 2^(m+1) (1 - exp(-n/2^(m+1))) different ones. Without that, millions of
    float32 weights, and any in half precision, would look quantised.
    """
    in_binade: Counter[int] = Counter()
    for block in kernels.blocks():
        exponents, counts = np.unique(np.frexp(kernels.weights[block])[1], return_counts=True)
        in_binade.update(dict(zip(exponents.tolist(), counts.tolist(), strict=True)))
    mantissa, top = np.frexp(np.abs(kernels.flat).max())
    everywhere = 2.0 ** (np.finfo(kernels.precision).nmant + 1)
    expected = 0.0
    for exponent, count in in_binade.items():
        # The draws end within the top binade, where only the places up to the largest can be hit.
        places = everywhere * (2 * float(mantissa) - 1) if exponent == top else everywhere
        expected -= max(places, 1.0) * float(np.expm1(-count / max(places, 1.0)))
    return Quantisation(_count_distinct(kernels), expected)


def _count_distinct(kernels: Kernels) -> int:
    ordered = np.sort(kernels.flat.astype(kernels.precision))
    return int(1 + (ordered[1:] != ordered[:-1]).sum())
