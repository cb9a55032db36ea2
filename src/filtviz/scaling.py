"""Numbers of any magnitude, brought to where they can be squared and summed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["in_double", "scale_of"]


def in_double(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return numbers in double precision; any bits of a file are numbers, also a NaN that signals."""
    with np.errstate(invalid="ignore"):
        found = values.astype(np.float64)
        return np.multiply(found, 1.0, out=found)  # a NaN signals once


def scale_of(values: NDArray[Any], axis: int | tuple[int, ...] | None = None) -> NDArray[np.float64]:
    """Return the power of two below the largest finite magnitude; 1 where there is none but 0.

    What is divided by it is at most 2, and no digit of it changes.

    Args:
        values: Numbers of any kind.
        axis: What one scale is for, kept with length 1; None is all of ``values``.
    """
    magnitudes = np.abs(in_double(values))
    largest = np.maximum.reduce(
        magnitudes, axis=axis, keepdims=True, where=np.isfinite(magnitudes), initial=0.0
    )
    return np.where(largest > 0, np.ldexp(1.0, np.frexp(largest)[1] - 1), 1.0)
