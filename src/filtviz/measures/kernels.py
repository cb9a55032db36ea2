"""The weights of one layer, made ready once for all measures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz.scaling import in_double

if TYPE_CHECKING:
    from filtviz.network import ConvLayer

__all__ = ["Floats", "Kernels", "nonfinite_filters"]

Floats = NDArray[np.float64]

_CHUNK_ELEMENTS = 1_000_000
"""How many weights a transform looks at in one go, so that its memory stays small beside the layer's own."""


@dataclass(frozen=True, eq=False)
class Kernels:
    """Finite weights as ``(filters, channels, rows, cols)`` in double precision.

    ``precision`` is the floating type in which the numbers were stored: half precision is also recognised
    when the array has a wider type, since rounding is all that the measures need to know of it.
    """

    weights: Floats
    precision: np.dtype[Any]

    @classmethod
    def of(cls, filters: NDArray[Any]) -> Kernels:
        """Take the weights of a layer as they are; they must be finite and 4-D."""
        weights = np.ascontiguousarray(filters, dtype=np.float64)
        return cls(weights=weights, precision=_precision(filters))

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """``(filters, channels, rows, cols)``."""
        filters, channels, rows, cols = self.weights.shape
        return filters, channels, rows, cols

    @property
    def n_filters(self) -> int:
        """O, the number of filters."""
        return self.shape[0]

    @property
    def n_channels(self) -> int:
        """C, the number of input channels."""
        return self.shape[1]

    @property
    def n_positions(self) -> int:
        """p, the number of weights of one kernel."""
        return self.shape[2] * self.shape[3]

    @property
    def n_kernels(self) -> int:
        """N = O x C."""
        return self.n_filters * self.n_channels

    @property
    def size(self) -> int:
        """The number of weights."""
        return self.weights.size

    @property
    def flat(self) -> Floats:
        """All weights, ``(weights,)``."""
        return self.weights.reshape(-1)

    @property
    def rows(self) -> Floats:
        """One row for each filter, ``(filters, channels * positions)``."""
        return self.weights.reshape(self.n_filters, -1)

    @cached_property
    def energy(self) -> Floats:
        """The sum of squares of each kernel, ``(filters, channels)``."""
        return np.asarray(np.einsum("ocij,ocij->oc", self.weights, self.weights))

    @cached_property
    def rms(self) -> float:
        """The root of the mean square of all weights."""
        return float(np.sqrt(self.energy.sum() / self.size))

    @cached_property
    def norms(self) -> Floats:
        """The Euclidean norm of each filter over all its channels, ``(filters,)``."""
        return np.asarray(np.sqrt(self.energy.sum(axis=1)))

    @cached_property
    def raw_moments(self) -> tuple[float, float, float, float]:
        """The means of w, w², w³ and w⁴."""
        sums = np.zeros(4)
        for block in self.blocks():
            values = self.weights[block]
            squares = values**2
            sums += values.sum(), squares.sum(), np.vdot(values, squares), np.vdot(squares, squares)
        first, second, third, fourth = (sums / self.size).tolist()
        return first, second, third, fourth

    @cached_property
    def gram(self) -> Floats:
        """Inner products along the smaller side of the ``filters x rest`` matrix, ``(smaller, smaller)``."""
        rows = self.rows
        return np.asarray(rows @ rows.T if rows.shape[0] <= rows.shape[1] else rows.T @ rows)

    @cached_property
    def cosines(self) -> Floats:
        """The cosine of each pair of filters, ``(filters, filters)``; 0 where one of them is zero."""
        on_filters = len(self.gram) == self.n_filters and self.rows.shape[0] <= self.rows.shape[1]
        products = self.gram if on_filters else self.rows @ self.rows.T
        norms = np.where(self.norms > 0, self.norms, 1.0)
        return np.asarray(np.clip(products / norms[:, np.newaxis] / norms, -1.0, 1.0))

    @cached_property
    def eigenvalues(self) -> Floats:
        """Squared singular values of the ``filters x rest`` matrix, largest first."""
        return np.asarray(np.maximum(np.linalg.eigvalsh(self.gram)[::-1], 0.0))

    def blocks(self) -> Iterator[slice]:
        """Slices over the filters, each of a size that a transform may copy."""
        step = max(1, _CHUNK_ELEMENTS // max(1, self.size // self.n_filters))
        for start in range(0, self.n_filters, step):
            yield slice(start, start + step)


def _precision(filters: NDArray[Any]) -> np.dtype[Any]:
    """Return the stored type, or half precision where every number survives it."""
    if filters.dtype.kind != "f":
        return np.dtype(np.float64)
    with np.errstate(over="ignore"):
        half = filters.astype(np.float16)
    return np.dtype(np.float16) if np.array_equal(half, filters) else filters.dtype


def nonfinite_filters(layer: ConvLayer) -> NDArray[np.intp]:
    """Return the indices of the filters that hold a NaN or an infinity, in their weights or biases."""
    finite = np.isfinite(layer.filters).all(axis=(1, 2, 3))
    bias = layer.b
    if bias is not None and bias.size % layer.n_filters == 0:
        finite &= np.isfinite(in_double(bias).reshape(layer.n_filters, -1)).all(axis=1)
    return np.flatnonzero(~finite)
