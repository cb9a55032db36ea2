"""What PyTorch's reparametrisations compute, as ``torch/nn/utils`` does for a network that is not trained.

All of it in double precision, and rounded to the type that is asked for: some numbers at a time, so that a
large array takes little memory beside the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.reading.arrays import AnyArray, ComputedArray, ElementType, number_by_number

__all__ = [
    "MOST_ROWS",
    "Array",
    "Floats",
    "base_fits",
    "computed_like",
    "floats",
    "gain_fits",
    "is_square",
    "is_unmoved",
    "may_be_reflections",
    "orthogonal",
    "orthogonal_work",
    "reflections_alone",
    "spectral_norm",
    "vectors_fit",
    "weight_norm",
]

Array = NDArray[Any]
Floats = NDArray[np.float64]

MOST_ROWS = 1024
"""Rows or columns of a matrix that is made orthogonal: the work grows with the third power."""

AT_A_TIME = 1 << 17
"""Numbers of the matrices that are made orthogonal at a time, which takes many times their memory."""

_DOUBLE = np.dtype(np.float64)


def floats(array: AnyArray) -> Floats:
    """Return an array's numbers in double precision.

    Args:
        array: The array.
    """
    return np.asarray(array.read(), np.float64)


def computed_like(main: AnyArray, compute: Callable[[ElementType], Array]) -> ComputedArray:
    """Return an array of the shape and type of another, single precision where that has fewer bits.

    Args:
        main: The other one.
        compute: Returns its numbers in a type.
    """
    few = main.dtype.kind != "f" or main.dtype.itemsize < 4
    dtype = np.dtype(np.float32) if few else main.dtype.newbyteorder("=")

    def read() -> Array:
        return np.asarray(compute(dtype), dtype)

    return ComputedArray(shape=main.shape, dtype=dtype, read=read)


def weight_norm(gain: Array, direction: Array, *, dtype: ElementType = _DOUBLE) -> Array:
    """Return g · v / ‖v‖, the norm over the axes along which g has one number (``weight_norm.py``).

    Args:
        gain: What is g there.
        direction: What is v.
        dtype: The type to round to.
    """
    axes = list(range(direction.ndim))
    along = [axis for axis, length in enumerate(gain.shape) if length != 1]
    squares = np.einsum(direction, axes, direction, axes, along, dtype=_DOUBLE)
    norm = np.sqrt(np.expand_dims(squares, [axis for axis in axes if axis not in along]))
    return number_by_number(_scaled, dtype, gain, direction, norm)


def _scaled(gain: Floats, direction: Floats, norm: Floats) -> Floats:
    return gain * np.divide(direction, norm, out=np.zeros_like(direction), where=norm > 0)


def gain_fits(shapes: Sequence[tuple[int, ...]]) -> bool:
    """Tell g and v of a weight normalisation by their shapes: g has one number for all, or along one axis.

    Args:
        shapes: Those of both.
    """
    gain, direction = shapes[0], shapes[1]
    if not gain:
        return True
    fits = len(gain) == len(direction) and all(g in (1, v) for g, v in zip(gain, direction, strict=True))
    return fits and sum(length > 1 for length in gain) <= 1


def spectral_norm(weights: Array, u: Array, v: Array | None, *, dtype: ElementType = _DOUBLE) -> Array:
    """Return W / σ, with σ = uᵀ W v for W as a matrix (``spectral_norm.py``).

    Its rows are the axis that has the length of u: the first one, the second of a transposed convolution.
    Where both have it, the larger σ counts, since u and v were made to make it large.

    Args:
        weights: What is W.
        u: The vector of as many numbers as the matrix has rows.
        v: That of as many as it has columns, None where it is computed.
        dtype: The type to round to.
    """
    axes, sigmas = list(range(weights.ndim)), []
    for row in (axis for axis in axes[:2] if weights.shape[axis] == len(u)):
        others = [axis for axis in axes if axis != row]
        lengths = [weights.shape[axis] for axis in others]
        if v is not None and v.shape == (math.prod(lengths),):
            right = v.reshape(lengths)
        else:  # as it was before version 1.1 of PyTorch
            right = np.einsum(u, [row], weights, axes, others, dtype=_DOUBLE)
            right = right / (np.linalg.norm(right) or 1.0)
        sigmas.append(float(np.einsum(u, [row], weights, axes, right, others, [], dtype=_DOUBLE)))
    sigma = max(sigmas, key=abs, default=1.0)
    return number_by_number(np.divide, dtype, weights, np.asarray(sigma or 1.0))


def vectors_fit(shapes: Sequence[tuple[int, ...]]) -> bool:
    """Tell W and u of a spectral normalisation by their shapes.

    Args:
        shapes: Those of both.
    """
    weights, u = shapes[0], shapes[1]
    return len(u) == 1 and len(weights) > 1 and u[0] in weights[:2]


def is_square(shape: Sequence[int]) -> bool:
    """Tell whether the last two axes are as long as each other.

    Args:
        shape: A shape.
    """
    return shape[-2] == shape[-1]


def base_fits(shape: Sequence[int], base: Sequence[int]) -> bool:
    """Tell the base of an orthogonal parametrisation by its shape: a square as long as the longer last axis.

    Args:
        shape: The shape of the weights.
        base: That of what may be it.
    """
    return len(shape) > 1 and tuple(base) == (*shape[:-2], max(shape[-2:]), max(shape[-2:]))


def _tall(matrices: Floats) -> Floats:
    """Return matrices of at least as many rows as columns."""
    return matrices.swapaxes(-1, -2) if matrices.shape[-2] < matrices.shape[-1] else matrices


def may_be_reflections(stored: Floats) -> bool:
    """Tell whether the diagonals are signs, as Householder's reflections need: others leave columns of zeros.

    Args:
        stored: What is kept of the weights.
    """
    return bool((np.abs(np.trunc(np.diagonal(stored, axis1=-2, axis2=-1))) == 1).all())


def is_unmoved(stored: Floats) -> bool:
    """Tell what PyTorch begins with, of which every map makes the same.

    Args:
        stored: What is kept of the weights.
    """
    tall = _tall(stored)
    return not np.tril(tall, -1).any() and bool((np.diagonal(tall, axis1=-2, axis2=-1) == -1).all())


def reflections_alone(stored: Floats) -> bool:
    """Tell reflections that no base turns: PyTorch stores signs on the diagonals, and other numbers below.

    Args:
        stored: What is kept of the weights.
    """
    tall = _tall(stored)
    below = np.tril(tall, -1)
    signs = np.diagonal(tall, axis1=-2, axis2=-1)
    has_diagonals = min(stored.shape[-2:]) > 1 and bool((np.abs(signs) == 1).all())
    return has_diagonals and bool((below != np.trunc(below)).any())


def orthogonal_work(shape: Sequence[int]) -> int:
    """Return about how many operations `orthogonal` takes.

    Args:
        shape: The shape of the weights.
    """
    longer = max(shape[-2:])
    return math.prod(shape[:-2]) * longer**2 * (250 + longer)


def orthogonal(
    stored: Array, base: Array | None = None, *, reflects: bool, dtype: ElementType = _DOUBLE
) -> Array:
    """Return the matrices of orthonormal columns, or rows, that the last two axes stand for.

    The maps are those of ``parametrizations.py``.

    Args:
        stored: What is kept of the weights.
        base: What turns the result, None where nothing does.
        reflects: Whether the map is Householder's reflections, else the exponential of a matrix.
        dtype: The type to round to.
    """
    size = stored.shape[-2:]
    if not stored.size:
        return np.zeros(stored.shape, dtype)
    matrices = stored.reshape(-1, *size)
    bases = None if base is None else base.reshape(-1, *base.shape[-2:])
    found, n = np.empty(matrices.shape, dtype), max(1, AT_A_TIME // max(1, max(size) ** 2))
    for start in range(0, len(matrices), n):
        few = slice(start, start + n)
        tall = _tall(matrices[few].astype(_DOUBLE))
        made = _reflections(tall) if reflects else _exponential(tall)
        turned = made if bases is None else bases[few].astype(_DOUBLE) @ made
        found[few] = turned if turned.shape[-2:] == size else turned.swapaxes(-1, -2)
    return found.reshape(stored.shape)


def _exponential(tall: Floats) -> Floats:
    """Return the first columns of exp(A), of the skew A that the lower triangle tells.

    By the eigenvalues of the Hermitian i·A.
    """
    n, k = tall.shape[-2:]
    lower = np.zeros((*tall.shape[:-1], n))
    lower[..., :k] = np.tril(tall)
    values, vectors = np.linalg.eigh(1j * (lower - lower.swapaxes(-1, -2)))
    turned = vectors * np.exp(-1j * values)[..., None, :]
    return np.asarray((turned @ vectors.conj().swapaxes(-1, -2)).real[..., :k])


def _reflections(tall: Floats) -> Floats:
    """Return the first columns of the product of the reflections that the lower triangle tells."""
    n, k = tall.shape[-2:]
    vectors = np.tril(tall, -1) + np.eye(n, k)
    factors = 2 / np.sum(vectors**2, axis=-2)
    found = np.broadcast_to(np.eye(n, k), tall.shape).copy()
    for column in reversed(range(k)):
        vector = vectors[..., column][..., None]
        share = factors[..., column][..., None, None] * (vector.swapaxes(-1, -2) @ found)
        found -= vector * share
    signs = np.trunc(np.diagonal(tall, axis1=-2, axis2=-1))
    return np.asarray(found * signs[..., None, :])
