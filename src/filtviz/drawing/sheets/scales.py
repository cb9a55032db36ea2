"""How strong a weight is drawn: scales that are symmetric about zero, because a weight has a sign."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["SCALES", "Scale", "normalise", "symmetric_limits"]

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
