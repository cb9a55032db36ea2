"""Do the values pile up at a limit, or take few distinct ones?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from filtviz.measures.kernels import Kernels
from filtviz.measures.laws import binomial_tail
from filtviz.measures.measure import Finding, Measure
from filtviz.text import percent

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = ["Clipped", "Clipping", "Quantisation", "Quantised", "clipping", "is_rounded", "quantisation"]

_NEAR_MAXIMUM = 0.98
_CLIPPED_LEVEL = 0.001
_DISTINCT_SHARE = 0.95
_CHANCE = 5.0
"""Standard errors by which more numbers coincide than draws would."""


class Clipped(Measure):
    """How many values lie next to the largest."""

    key = "clipped"
    title = "Values that pile up at ±max"
    meaning = (
        "Do weights pile up at the largest value? That is the saturation that people fear when they see a "
        "heap of 0s and 1s; it comes from clipping or from rounding to a few levels."
    )
    formula = "share of |w| ≥ .98 max|w|"
    null = "Bin(n−1, .02) for uniform draws; all others have less"
    short_null = "binomial"
    counts_if = "p < .001"
    supports = '"values pile up at ±max"'
    cannot_say = "Weights cannot show that anything else saturates."
    source = "the binomial law"
    check = "the values of a layer pile up at ±max"

    def take(self, subject: Subject) -> Finding | None:
        """Count the values near ±max."""
        test = clipping(subject.kernels)
        if test is None:
            return None
        found = test.p < _CLIPPED_LEVEL
        largest = subject.kernels.largest
        piled = f"{percent(test.share)} of the values pile up at ±{largest:.3g}"
        text = piled if found else f"no pile-up at ±{largest:.3g}"
        return self.finding(value=test.share, p=test.p, level=_CLIPPED_LEVEL, found=found, text=text)


class Quantised(Measure):
    """How many distinct values there are."""

    key = "quantised"
    title = "Few distinct values"
    meaning = (
        "Are there fewer different values than the number format allows? Then the weights were rounded or "
        "shared after training."
    )
    formula = (
        "number of distinct weights against what draws rounded to that precision give; copies of kernels "
        "count once"
    )
    null = "Σ over binades of 2^(m+1)(1 − exp(−n_b/2^(m+1))), m the mantissa's bits"
    short_null = "occupancy"
    counts_if = "under .95 of it, and more coincide than five standard errors of chance"
    counts_below = True
    supports = '"only k distinct values"'
    cannot_say = "Whether it was meant. Half precision is recognised and allowed for."
    source = "the occupancy problem"
    check = "a layer has fewer distinct values than its precision allows"

    def take(self, subject: Subject) -> Finding:
        """Count the distinct values."""
        kernels, copies = subject.kernels, ""
        count = quantisation(kernels)
        found = _are_few(kernels.size, count)
        if found:  # filters or channels that were copied are no rounding
            others = _without_copies(kernels)
            once = quantisation(others)
            if not _are_few(others.size, once):
                kernels, count, found, copies = others, once, False, ", copies of kernels left out"
        ratio = count.distinct / max(count.expected, 1.0)
        half = f" in {kernels.stored_as}" if kernels.is_half else ""
        text = f"{count.distinct:,} distinct values in {kernels.size:,} weights{half}{copies}"
        return self.finding(
            value=ratio, threshold=_DISTINCT_SHARE, found=found, text=f"only {text}" if found else text
        )


def _without_copies(kernels: Kernels) -> Kernels:
    """Return a layer's kernels, each once; of kernels of one weight its filters."""
    rows = kernels.rows if kernels.n_positions == 1 else kernels.weights.reshape(kernels.n_kernels, -1)
    if rows.shape[1] == 1:
        return kernels
    kept = np.unique(rows, axis=0)
    return Kernels(kept[:, :, np.newaxis, np.newaxis], kernels.mantissa, kernels.tiny)


def _are_few(n: int, count: Quantisation) -> bool:
    return count.distinct < _DISTINCT_SHARE * max(count.expected, 1.0) and not _is_chance(n, count)


def _is_chance(n: int, count: Quantisation) -> bool:
    """Tell whether so few distinct values may be chance: the numbers that coincide are about Poisson's."""
    usual = n - count.expected
    return bool(n - count.distinct <= usual + _CHANCE * np.sqrt(usual) + 1)


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
    largest = kernels.largest
    n = kernels.size
    if largest == 0 or n < 2:
        return None
    near = n - int(kernels.count_below(np.array([_NEAR_MAXIMUM * largest]))[0])
    return Clipping(near / n, binomial_tail(near - 1, n - 1, 1 - _NEAR_MAXIMUM))


def is_rounded(kernels: Kernels) -> bool:
    """Tell whether the weights that are not 0 take few values: rounding leaves zeros, as pruning does."""
    count = quantisation(kernels, without_zeros=True)
    return _are_few(kernels.size - kernels.n_zeros, count)


def quantisation(kernels: Kernels, *, without_zeros: bool = False) -> Quantisation:
    """Count the distinct values, and how many are expected of draws that were only rounded.

    Draws in one binade fall on its 2^m representable magnitudes, of each sign, m being the bits of the
    mantissa: n of them hit about 2^(m+1) (1 - exp(-n/2^(m+1))) different ones. Without that, millions of
    float32 weights, and any in half precision, would look quantised.
    """
    mantissa, top = np.frexp(kernels.largest)
    expected = 0.0
    zeros = kernels.n_zeros if without_zeros else 0
    for exponent, count in _in_binades(kernels, with_zeros=not without_zeros):
        places = 2.0 ** (kernels.mantissa + 1)
        if kernels.tiny > 0:  # the least numbers of a type are as far apart as its tiniest
            places = min(places, 2.0**exponent / kernels.tiny)
        if exponent == top and mantissa != 0.5:  # the draws end within it, at the largest: no others are hit
            places *= 2 * float(mantissa) - 1
        expected -= max(places, 1.0) * float(np.expm1(-count / max(places, 1.0)))
    return Quantisation(kernels.n_distinct - (zeros > 0), expected)


def _in_binades(kernels: Kernels, *, with_zeros: bool) -> Iterator[tuple[int, int]]:
    """Yield the exponent of each binade that holds weights, and how many; 0 lies in that of exponent 0."""
    zeros, *_ = kernels.count_below(np.array([np.nextafter(0.0, 1.0)])).astype(int).tolist()
    if zeros and with_zeros:
        yield 0, zeros
    if zeros == kernels.size:
        return
    lowest, top = (int(np.frexp(each)[1]) for each in (kernels.smallest, kernels.largest))
    edges = np.ldexp(1.0, np.arange(lowest - 1, top + 1))
    counts = np.diff(kernels.count_below(edges)).astype(int).tolist()
    yield from ((lowest + place, count) for place, count in enumerate(counts) if count)
