"""Are the kernels smoother or rougher than white noise?"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from filtviz.measures.kernels import Floats, Kernels
from filtviz.measures.laws import beta_tails, is_significant, normal_tails
from filtviz.measures.measure import Columns, Finding, Measure, Texture

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = [
    "FILTER_LEVEL",
    "FilterShares",
    "LayerShare",
    "LowFrequency",
    "band_energies",
    "filter_shares",
    "layer_share",
    "looks_like_noise",
    "low_band",
    "textures",
]

FILTER_LEVEL = 0.05
"""The false-discovery rate at which a filter is marked, within its layer."""

_SEEN = 3.0
"""The z score from which a layer is no longer called noise at a glance."""

_LARGEST_MATRIX = 400
"""Up to so many weights of a kernel its transform is a product with a matrix."""


class LowFrequency(Measure):
    """The share of a kernel's energy in the low frequencies."""

    key = "low-frequency"
    title = "Low-frequency share F"
    meaning = (
        "Are neighbouring weights alike? Noise has as much fine as coarse variation; an edge or a blob is "
        "mostly coarse. A high share means smooth filters, a low one fine-grained ones."
    )
    scope = ("layer", "filter")
    formula = (
        "F = Σ_L D² / Σ D², D the orthonormal 2-D DCT-II of a kernel, L = {u/(rows−1) + v/(cols−1) ≤ ½}: m "
        "= 3 of p = 9 coefficients, 6 of 25, 10 of 49"
    )
    null = (
        "filter, energies pooled over its C channels: Beta(mC/2, (p−m)C/2); layer: z = (mean F − "
        "m/p)/√(2m(p−m)/(p²(p+2)N)), two-sided"
    )
    short_null = "normal"
    counts_if = "layer p < {level}; filters Benjamini-Hochberg at .05"
    supports = '"smoother (rougher) than white noise"'
    cannot_say = (
        "Smooth is not structured, and rough is not unstructured: a Laplacian has F = 0. Textures make "
        "filters rougher than noise. One 3x3 kernel needs F > .77 at a two-sided 5 % (.70 one-sided). No "
        "mark of quality."
    )
    source = "the distribution of a ratio of chi-squared sums; Benjamini & Hochberg 1995"
    decides = "structure"

    def take(self, subject: Subject) -> Finding | None:
        """Test the mean of the kernels' shares."""
        test = layer_share(subject.kernels, subject.low_energy)
        if test is None:
            return None
        return self.tested(
            test.p,
            value=test.mean,
            z=test.z,
            found=_smoother_or_rougher(test.z),
            nothing="the kernels are no smoother or rougher than noise",
            detail=f" (z = {test.z:.1f})",
        )

    def evidence(self, finding: Finding) -> str:
        """Say what was found, without the z of the table."""
        return _smoother_or_rougher(finding.z or 0.0)

    def each(self, subject: Subject) -> Columns:
        """Test the share of each filter."""
        kernels = subject.kernels
        shares = filter_shares(kernels, subject.low_energy)
        expected = float(low_band(*kernels.shape[2:]).mean())
        return {
            "share": shares.share,
            "share_p": shares.p,
            "texture": textures(shares.p, shares.share > expected),
        }


def _smoother_or_rougher(z: float) -> str:
    return f"the kernels are {'smoother' if z > 0 else 'rougher'} than white noise"


class LayerShare(NamedTuple):
    """The mean share F of a layer, and its z score against white noise."""

    mean: float
    z: float

    @property
    def p(self) -> float:
        """The two-sided p-value."""
        return normal_tails(self.z)


class FilterShares(NamedTuple):
    """Share and two-sided p-value of each filter, ``(filters,)``; NaN where a filter is zero."""

    share: Floats
    p: Floats


@lru_cache(maxsize=64)
def low_band(rows: int, cols: int) -> NDArray[np.bool_]:
    """Return which DCT coefficients are low: ``u/(rows-1) + v/(cols-1) <= 1/2``, ``(rows, cols)``.

    3 of 9 coefficients for 3x3, 6 of 25 for 5x5, 10 of 49 for 7x7. An axis of length 1 counts nothing.
    """
    u = np.arange(rows)[:, np.newaxis] * max(cols - 1, 1)
    v = np.arange(cols)[np.newaxis, :] * max(rows - 1, 1)
    return np.asarray(2 * (u + v) <= max(rows - 1, 1) * max(cols - 1, 1))


def band_energies(kernels: Kernels) -> Floats:
    """Return the energy of each kernel in the low band, ``(filters, channels)``.

    The transform is the orthonormal 2-D DCT-II, so that all energies of a kernel sum to its squares' sum.
    """
    low = np.empty(kernels.shape[:2])
    for block in kernels.blocks():
        coefficients = _low_coefficients(kernels.weights[block])
        low[block] = np.einsum("ock,ock->oc", coefficients, coefficients)
    return low


def _low_coefficients(weights: Floats) -> Floats:
    """Return what the orthonormal 2-D DCT-II gives in the low band, ``(filters, channels, coefficients)``."""
    filters, channels, rows, cols = weights.shape
    if rows * cols > _LARGEST_MATRIX:
        from scipy.fft import dctn

        coefficients = dctn(weights, axes=(2, 3), norm="ortho")
        return np.asarray(coefficients[:, :, low_band(rows, cols)])
    low = weights.reshape(-1, rows * cols) @ _low_waves(rows, cols).T
    return np.asarray(low.reshape(filters, channels, -1))


@lru_cache(maxsize=64)
def _low_waves(rows: int, cols: int) -> Floats:
    """Return the waves of the low band over a kernel, ``(coefficients, rows * cols)``."""
    waves = np.einsum("ui,vj->uvij", _cosines(rows), _cosines(cols))
    return np.asarray(waves[low_band(rows, cols)].reshape(-1, rows * cols))


def _cosines(n: int) -> Floats:
    """Return the matrix of the orthonormal DCT-II, ``(frequencies, places)``."""
    waves = np.cos(np.pi * np.outer(np.arange(n), 2 * np.arange(n) + 1) / (2 * n)) * np.sqrt(2 / n)
    waves[0] = np.sqrt(1 / n)
    return np.asarray(waves)


def layer_share(kernels: Kernels, low: Floats) -> LayerShare | None:
    """Compare the mean of the kernels' shares with its expectation m/p for white noise.

    A white kernel's share is Beta(m/2, (p-m)/2), whose variance is 2m(p-m)/(p²(p+2)); the mean of N of
    them is close to normal. Kernels that are all zero have no share and do not count.

    Args:
        kernels: The layer.
        low: What `band_energies` gives for it.

    Returns:
        None where no band can be told apart (1x1 kernels) or no kernel has any energy.
    """
    p = kernels.n_positions
    m = int(low_band(*kernels.shape[2:]).sum())
    alive = kernels.energy > 0
    n = int(alive.sum())
    if m == p or n == 0:
        return None
    mean = float((low[alive] / kernels.energy[alive]).mean())
    z = (mean - m / p) / float(np.sqrt(2 * m * (p - m) / (p * p * (p + 2) * n)))
    return LayerShare(mean, float(z))


def looks_like_noise(filters: NDArray[Any]) -> bool:
    """Tell whether the eye will find nothing in a layer: finite kernels no smoother or rougher than noise.

    Args:
        filters: ``(filters, channels, rows, cols)``; kernels of one weight look like nothing at all.
    """
    largest = float(np.abs(filters).max(initial=0.0)) if np.isfinite(filters).all() else 0.0
    if not largest > 0:
        return False
    kernels = Kernels.of(filters.astype(np.float64) / largest)
    share = layer_share(kernels, band_energies(kernels))
    return share is not None and abs(share.z) < _SEEN


def filter_shares(kernels: Kernels, low: Floats) -> FilterShares:
    """Compare each filter's share, its channels' energies pooled, with Beta(mC/2, (p-m)C/2).

    Args:
        kernels: The layer.
        low: What `band_energies` gives for it.
    """
    p = kernels.n_positions
    m = int(low_band(*kernels.shape[2:]).sum())
    channels = (kernels.energy > 0).sum(axis=1)
    total = kernels.energy.sum(axis=1)
    with np.errstate(invalid="ignore"):
        share = np.where(total > 0, low.sum(axis=1) / total, np.nan)
    if m == p:
        return FilterShares(share, np.full(kernels.n_filters, np.nan))
    a, b = np.maximum(m * channels, 1) / 2, np.maximum((p - m) * channels, 1) / 2
    return FilterShares(share, beta_tails(np.clip(share, 0.0, 1.0), a, b))


def textures(p: Floats, smoother: NDArray[np.bool_]) -> list[Texture | None]:
    """Return what each filter looks like where its p-value survives Benjamini-Hochberg within the layer."""
    found = is_significant(p, FILTER_LEVEL)
    return [("smooth" if low else "rough") if yes else None for yes, low in zip(found, smoother, strict=True)]
