"""Which filters are drawn, in which order, and how strong a weight is drawn."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["ORDERS", "SCALES", "Order", "Scale", "arrange", "filter_norms", "normalise", "symmetric_limits"]

Order = Literal["index", "norm", "similarity"]
ORDERS: tuple[Order, ...] = ("index", "norm", "similarity")


def filter_norms(filters: NDArray[Any]) -> NDArray[np.float64]:
    """Return each filter's Euclidean norm; weights that are not finite count as 0."""
    flat = np.nan_to_num(_flat(filters), nan=0.0, posinf=0.0, neginf=0.0)
    return np.asarray(np.linalg.norm(flat, axis=1))


def arrange(filters: NDArray[Any], order: Order = "index", top: int | None = None) -> NDArray[np.intp]:
    """Return the indices of the filters to draw, in the order to draw them.

    Args:
        filters: ``(filters, channels, rows, cols)``.
        order: ``index`` as stored; ``norm`` the strongest first; ``similarity`` such that neighbours look
            alike: average linkage of the filters as unit vectors, leaves in the order that minimises the
            distances of neighbours (Bar-Joseph, Gifford & Jaakkola, "Fast optimal leaf ordering for
            hierarchical clustering", 2001; `scipy.cluster.hierarchy.optimal_leaf_ordering`).
        top: Keep only so many, those of the largest norm; None keeps all.
    """
    norms = filter_norms(filters)
    strongest = np.argsort(-norms, kind="stable")
    kept = np.sort(strongest[:top])
    if order == "norm":
        return strongest[:top]
    if order == "similarity" and len(kept) > 2:
        return np.asarray(kept[_leaves(filters[kept])])
    return kept


def _leaves(filters: NDArray[Any]) -> NDArray[np.intp]:
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import pdist

    flat = np.nan_to_num(_flat(filters), nan=0.0, posinf=0.0, neginf=0.0)
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    distances = pdist(flat / np.where(norms > 0, norms, 1.0))
    tree = hierarchy.linkage(distances, method="average")
    return np.asarray(hierarchy.leaves_list(hierarchy.optimal_leaf_ordering(tree, distances)), np.intp)


def _flat(filters: NDArray[Any]) -> NDArray[np.float64]:
    return filters.reshape(len(filters), -1).astype(np.float64)


Scale = Literal["kernel", "filter", "layer"]
SCALES: tuple[Scale, ...] = ("kernel", "filter", "layer")

_SHARING = {"kernel": (2, 3), "filter": (1, 2, 3), "layer": (0, 1, 2, 3)}


def symmetric_limits(weights: NDArray[Any], scale: Scale) -> NDArray[np.float64]:
    """Return the largest finite magnitude of each kernel, each filter or the whole layer.

    Args:
        weights: ``(filters, channels, rows, cols)``.
        scale: What shares a limit.

    Returns:
        The limits in float64, of a shape that broadcasts against ``weights``; 0 where all weights are 0 or
        none is finite.
    """
    magnitudes = np.abs(np.where(np.isfinite(weights), weights, 0.0).astype(np.float64))
    return np.asarray(magnitudes.max(axis=_SHARING[scale], keepdims=True, initial=0.0))


def normalise(weights: NDArray[Any], limits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights over their limits, in [-1, 1]; 0 where the limit is 0, NaN where not finite."""
    finite = np.where(np.isfinite(weights), weights, np.nan).astype(np.float64)
    return np.asarray(np.clip(finite / np.where(limits > 0, limits, 1.0), -1.0, 1.0))
