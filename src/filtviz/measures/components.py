"""What a filter of many channels has in common: one picture, or a few, instead of hundreds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import DrawingError, MissingExtraError
from filtviz.scaling import in_double, scale_of

__all__ = ["Components", "rms_over_channels", "shared_components", "singular_components"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Components:
    """``pictures`` is ``(filters, components, rows, cols)``.

    ``shares`` is ``(filters, components)``: the part of each filter's energy (the sum of its squared
    weights) that each of its pictures shows. ``total`` is ``(filters,)``: the part that they show together.
    """

    pictures: NDArray[np.float64]
    shares: NDArray[np.float64]
    total: NDArray[np.float64]


def rms_over_channels(filters: NDArray[Any]) -> NDArray[np.float64]:
    """Return the root mean square over the channels, ``(filters, 1, rows, cols)``: where a filter looks."""
    scale = scale_of(filters)
    return np.asarray(np.sqrt(np.mean(np.square(in_double(filters) / scale), axis=1, keepdims=True)) * scale)


def singular_components(filters: NDArray[Any], n: int) -> Components:
    """Return each filter's leading spatial patterns, by the singular values of its channels.

    A filter as a matrix of channels by positions is a sum of patterns, each with its weight in every channel
    (its singular value decomposition; principal components without centring, because a weight's zero
    means something). By Eckart & Young (1936) no other n pictures show more of the energy. The same
    decomposition speeds up networks: Denton et al., "Exploiting linear structure within convolutional
    networks" (2014).

    Args:
        filters: ``(filters, channels, rows, cols)``, all finite.
        n: Pictures per filter; fewer where there are fewer channels or positions.

    Returns:
        Pictures times their singular values over sqrt(channels): the strength in an average channel. A
        picture's sign is its weight's in the channels, by majority of energy.
    """
    matrices = _matrices(filters)
    scale = scale_of(matrices, (1, 2))
    left, values, patterns = np.linalg.svd(matrices / scale, full_matrices=False)
    n = min(n, values.shape[1])
    signs = np.sign((left * np.abs(left)).sum(axis=1)[:, :n])
    signs[signs == 0] = 1.0
    strengths = values[:, :n] / np.sqrt(filters.shape[1])
    with np.errstate(over="ignore"):  # rounded up from the largest number
        pictures = patterns[:, :n] * (signs * strengths)[..., None] * scale
    energy = np.square(values).sum(axis=1, keepdims=True)
    shares = np.square(values[:, :n]) / np.where(energy > 0, energy, 1.0)
    shape = (len(filters), n, *filters.shape[2:])
    return Components(pictures=pictures.reshape(shape), shares=shares, total=shares.sum(axis=1))


def shared_components(filters: NDArray[Any], n: int, seed: int = 0) -> Components:
    """Return pictures for n groups of channels that are the same for all filters of the layer.

    One-sided non-negative matrix factorisation, as Voss et al. use it for weights ("Visualizing Weights",
    Distill 2021, https://distill.pub/2020/circuits/visualizing-weights): the channels' parts in a group are
    not negative, the pictures may have either sign. scikit-learn's NMF gives it when the positive and the
    negative parts of the weights are set side by side.

    Args:
        filters: ``(filters, channels, rows, cols)``, all finite.
        n: Groups; fewer where there are fewer channels.
        seed: Of the solver's start.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    n = min(n, filters.shape[1])
    matrices = _matrices(filters)
    scale = scale_of(matrices)
    matrices = matrices / scale
    positions = np.moveaxis(matrices, 1, 0).reshape(filters.shape[1], -1)  # (channels, filters * positions)
    halves = np.concatenate([np.maximum(positions, 0), np.maximum(-positions, 0)], axis=1)
    groups, parts = _factorise(halves, n, seed)
    signed = parts[:, : positions.shape[1]] - parts[:, positions.shape[1] :]
    shown = (groups @ signed).reshape(filters.shape[1], len(filters), -1).swapaxes(0, 1)
    energy = np.square(matrices).sum(axis=(1, 2))
    safe = np.where(energy > 0, energy, 1.0)
    total = 1.0 - np.square(matrices - shown).sum(axis=(1, 2)) / safe
    lengths = np.linalg.norm(groups, axis=0)
    pictures = (signed * (lengths / np.sqrt(filters.shape[1]))[:, None]).reshape(n, len(filters), -1)
    pictures = pictures.swapaxes(0, 1)
    shares = np.square(pictures).sum(axis=2) * filters.shape[1] / safe[:, None]
    shape = (len(filters), n, *filters.shape[2:])
    with np.errstate(over="ignore"):  # a group may be stronger than any of its weights
        pictures = pictures * scale
    return Components(pictures=pictures.reshape(shape), shares=shares, total=np.where(energy > 0, total, 0.0))


def _matrices(filters: NDArray[Any]) -> NDArray[np.float64]:
    """Return ``(filters, channels, positions)``."""
    if not np.isfinite(filters).all():
        raise DrawingError("some weights are not finite, and have no components: draw the kernels themselves")
    return filters.reshape(*filters.shape[:2], -1).astype(np.float64)


def _factorise(
    matrix: NDArray[np.float64], n: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    try:
        from sklearn.decomposition import NMF
    except ImportError:
        raise MissingExtraError(
            "the non-negative components need scikit-learn: install it with `pip install scikit-learn`, "
            "or draw `--view components`"
        ) from None
    import warnings

    model = NMF(n, init="nndsvda", max_iter=1000, tol=1e-4, random_state=seed)
    with warnings.catch_warnings():
        # That it stops before the last decimal is no news: the share of energy says how good it is.
        warnings.simplefilter("ignore")
        groups = model.fit_transform(matrix)
    return np.asarray(groups), np.asarray(model.components_)
