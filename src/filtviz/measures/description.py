"""What a kernel looks like, in numbers that are shown and do not judge."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage, stats

from filtviz.measures.kernels import Floats, Kernels

__all__ = [
    "CLASSICAL",
    "Likeness",
    "Orientation",
    "classical_kernels",
    "effective_rank",
    "filter_orientation",
    "filter_orthogonality",
    "likeness_threshold",
    "nearest_classical",
    "sparsity",
    "variance_entropy",
]


class Orientation(NamedTuple):
    """Coherence (0 none, 1 one direction) and the angle of the gradient in degrees, both ``(filters,)``."""

    coherence: Floats
    angle: Floats


class Likeness(NamedTuple):
    """The classical kernel that each kernel is nearest to, and the cosine of their angle."""

    names: tuple[str, ...]
    cosine: Floats


def _gaussian(size: int, sigma: float, order: tuple[int, int]) -> Floats:
    """Return a derivative of a Gaussian, sampled by filtering an impulse."""
    impulse = np.zeros((4 * size + 1, 4 * size + 1))
    impulse[2 * size, 2 * size] = 1.0
    wide = ndimage.gaussian_filter(impulse, sigma, order=order, truncate=2 * size / sigma)
    start = 2 * size - (size - 1) // 2
    return np.asarray(wide[start : start + size, start : start + size])


_THREE = {
    "box": [[1, 1, 1], [1, 1, 1], [1, 1, 1]],
    "Gaussian": [[1, 2, 1], [2, 4, 2], [1, 2, 1]],
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "Laplacian (4 neighbours)": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "Laplacian (8 neighbours)": [[1, 1, 1], [1, -8, 1], [1, 1, 1]],
    "Sobel, horizontal edge": [[1, 2, 1], [0, 0, 0], [-1, -2, -1]],
    "Sobel, vertical edge": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    "Sobel, falling edge": [[0, 1, 2], [-1, 0, 1], [-2, -1, 0]],
    "Sobel, rising edge": [[2, 1, 0], [1, 0, -1], [0, -1, -2]],
    "Prewitt, horizontal edge": [[1, 1, 1], [0, 0, 0], [-1, -1, -1]],
    "Prewitt, vertical edge": [[1, 0, -1], [1, 0, -1], [1, 0, -1]],
    "horizontal line": [[-1, -1, -1], [2, 2, 2], [-1, -1, -1]],
    "vertical line": [[-1, 2, -1], [-1, 2, -1], [-1, 2, -1]],
    "falling line": [[2, -1, -1], [-1, 2, -1], [-1, -1, 2]],
    "rising line": [[-1, -1, 2], [-1, 2, -1], [2, -1, -1]],
    "checkerboard": [[1, -1, 1], [-1, 1, -1], [1, -1, 1]],
}

CLASSICAL = tuple(_THREE)
"""The names of the 17 classical 3x3 kernels."""


def classical_kernels(rows: int, cols: int) -> dict[str, Floats]:
    """Return the classical kernels of a size by name, each of norm 1; none for even or 1-D kernels.

    3x3 are the textbooks' masks; larger squares a box, an impulse, a checkerboard, and Gaussian derivatives
    up to the second order with σ a sixth of the side.
    """
    if (rows, cols) == (3, 3):
        found = {name: np.array(mask, dtype=float) for name, mask in _THREE.items()}
    elif rows == cols and rows % 2 == 1 and rows > 3:
        found = _larger(rows)
    else:
        return {}
    return {name: kernel / np.linalg.norm(kernel) for name, kernel in found.items()}


def _larger(size: int) -> dict[str, Floats]:
    sigma = size / 6
    d = {order: _gaussian(size, sigma, order) for order in ((0, 0), (0, 1), (1, 0), (0, 2), (2, 0), (1, 1))}
    impulse = np.zeros((size, size))
    impulse[size // 2, size // 2] = 1.0
    return {
        "box": np.ones((size, size)),
        "Gaussian": d[0, 0],
        "identity": impulse,
        "Laplacian of Gaussian": d[0, 2] + d[2, 0],
        "horizontal edge": d[1, 0],
        "vertical edge": d[0, 1],
        "falling edge": d[1, 0] - d[0, 1],
        "rising edge": d[1, 0] + d[0, 1],
        "horizontal line": d[2, 0],
        "vertical line": d[0, 2],
        "falling line": d[0, 2] + d[2, 0] - 2 * d[1, 1],
        "rising line": d[0, 2] + d[2, 0] + 2 * d[1, 1],
        "checkerboard": (-1.0) ** np.add.outer(np.arange(size), np.arange(size)),
    }


def nearest_classical(kernels: Floats) -> Likeness | None:
    """Return for each kernel of ``(kernels, rows, cols)`` the classical one of the greatest |cos|.

    None where there is no classical kernel of that size.
    """
    known = classical_kernels(*kernels.shape[1:])
    if not known:
        return None
    flat = kernels.reshape(len(kernels), -1)
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    directions = np.divide(flat, norms, where=norms > 0, out=np.zeros(flat.shape))
    cosines = directions @ np.stack([kernel.reshape(-1) for kernel in known.values()]).T
    best = np.abs(cosines).argmax(axis=1)
    names = tuple(known)
    return Likeness(tuple(names[i] for i in best), cosines[np.arange(len(flat)), best])


def likeness_threshold(n_kernels: int, rows: int, cols: int, alpha: float = 0.01) -> float:
    """Return the |cos| above which the nearest classical kernel may be named.

    The cos² of a random kernel with a fixed one is Beta(½, (p-1)/2); Šidák's correction runs over all
    kernels and all classical ones: .93 for 20 kernels of 3x3.
    """
    n_classical = len(classical_kernels(rows, cols))
    if n_classical == 0 or n_kernels == 0:
        return 1.0
    level = -np.expm1(np.log1p(-alpha) / (n_kernels * n_classical))
    return float(np.sqrt(stats.beta.isf(level, 0.5, (rows * cols - 1) / 2)))


def filter_orientation(weights: Floats) -> Orientation:
    """Return coherence and angle of each filter's structure tensor, of ``(filters, channels, rows, cols)``.

    The tensor sums the products of the gradients, which are differences within each 2x2 cell, over the
    kernels of a filter; coherence is (λ₁ - λ₂)/(λ₁ + λ₂), .56 on average for noise at 3x3 and one
    channel. NaN for filters without a gradient and for kernels of one row or column.
    """
    if min(weights.shape[2:]) < 2:
        nothing = np.full(len(weights), np.nan)
        return Orientation(nothing, nothing)
    below, right = np.diff(weights, axis=2), np.diff(weights, axis=3)
    down, across = below[..., 1:] + below[..., :-1], right[..., 1:, :] + right[..., :-1, :]
    xx, yy, xy = (
        np.einsum("ocij,ocij->o", a, b) for a, b in ((across, across), (down, down), (across, down))
    )
    with np.errstate(invalid="ignore"):
        coherence = np.hypot(xx - yy, 2 * xy) / (xx + yy)
    angle = np.degrees(0.5 * np.arctan2(2 * xy, xx - yy)) % 180
    return Orientation(coherence, np.where(np.isnan(coherence), np.nan, angle))


def sparsity(kernels: Kernels, share_of_maximum: float = 0.01) -> float:
    """Return the share of kernels with no weight of 1 % of the layer's largest (Gavrikov & Keuper 2022)."""
    largest = np.abs(kernels.weights).max(axis=(2, 3))
    return float((largest < share_of_maximum * largest.max()).mean()) if largest.max() > 0 else 1.0


def variance_entropy(kernels: Kernels) -> tuple[float, float] | None:
    """Return the entropy (base 10) of the kernels' principal variances, and its ratio to the noise threshold.

    Gavrikov & Keuper (2022): the kernels are centred, their squared singular values brought to a sum of
    1; T_H(n) = L/(1 + e^(-k(log₂ n - x₀))) + b is a lower bound for noise, for n kernels of 3x3, so that
    a ratio of 1 and more looks random. Not for other sizes, where it has no threshold (None), and it
    needs many kernels.
    """
    if kernels.shape[2:] != (3, 3) or kernels.n_kernels < 2:
        return None
    vectors = kernels.weights.reshape(-1, 9)
    centred = vectors - vectors.mean(axis=0)
    variances = np.maximum(np.linalg.eigvalsh(centred.T @ centred), 0.0)
    if variances.sum() == 0:
        return None
    entropy = float(stats.entropy(variances, base=10))
    level, middle, slope, base = 1.2618047, 2.30436435, 0.88767525, -0.31050834
    threshold = level / (1 + np.exp(-slope * (np.log2(kernels.n_kernels) - middle))) + base
    return entropy, float(entropy / threshold)


def filter_orthogonality(kernels: Kernels) -> float | None:
    """Return 1 - mean |cos| of all pairs of filters (Gavrikov & Keuper 2022); None for a single filter."""
    n = kernels.n_filters
    if n < 2:
        return None
    off_diagonal = np.abs(kernels.cosines).sum() - float((kernels.norms > 0).sum())
    return 1 - float(off_diagonal) / (n * (n - 1))


def effective_rank(kernels: Kernels) -> float | None:
    """Return the exponential of the entropy of the eigenvalues, in directions (Roy & Vetterli 2007)."""
    total = kernels.eigenvalues.sum()
    return float(np.exp(stats.entropy(np.sqrt(kernels.eigenvalues)))) if total > 0 else None
