"""Are the kernels smoother or rougher than white noise?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft, stats

from filtviz.measures.kernels import Floats, Kernels

__all__ = ["FilterShares", "LayerShare", "band_energies", "filter_shares", "layer_share", "low_band"]


class LayerShare(NamedTuple):
    """The mean share F of a layer, its z score against white noise, and the two-sided p-value."""

    mean: float
    z: float
    p: float


class FilterShares(NamedTuple):
    """Share and two-sided p-value of each filter, ``(filters,)``; NaN where a filter is zero."""

    share: Floats
    p: Floats


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
    band = low_band(*kernels.shape[2:])
    low = np.empty(kernels.shape[:2])
    for block in kernels.blocks():
        coefficients = fft.dctn(kernels.weights[block], axes=(2, 3), norm="ortho")
        low[block] = (coefficients[:, :, band] ** 2).sum(axis=-1)
    return low


def layer_share(kernels: Kernels, low: Floats) -> LayerShare | None:
    """Compare the mean of the kernels' shares with its expectation m/p for white noise.

    A white kernel's share is Beta(m/2, (p-m)/2), whose variance is 2m(p-m)/(p²(p+2)); the mean of N of
    them is close to normal. Kernels that are all zero have no share and do not count.

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
    return LayerShare(mean, float(z), float(2 * stats.norm.sf(abs(z))))


def filter_shares(kernels: Kernels, low: Floats) -> FilterShares:
    """Compare each filter's share, its channels' energies pooled, with Beta(mC/2, (p-m)C/2)."""
    p = kernels.n_positions
    m = int(low_band(*kernels.shape[2:]).sum())
    channels = (kernels.energy > 0).sum(axis=1)
    total = kernels.energy.sum(axis=1)
    with np.errstate(invalid="ignore"):
        share = np.where(total > 0, low.sum(axis=1) / total, np.nan)
    if m == p:
        return FilterShares(share, np.full(kernels.n_filters, np.nan))
    null = stats.beta(np.maximum(m * channels, 1) / 2, np.maximum((p - m) * channels, 1) / 2)
    inside = np.clip(share, 0.0, 1.0)
    return FilterShares(share, np.minimum(1.0, 2 * np.minimum(null.cdf(inside), null.sf(inside))))
