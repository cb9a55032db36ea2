"""TensorFlow Lite's sparse tensors → dense arrays: dimensions that list their places, blocks included.

The form is that of TACO, as ``tensorflow/lite/schema/schema.fbs`` describes it at ``SparsityParameters``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import MalformedFileError
from filtviz.reading.arrays import ComputedArray, ElementType, count, stored
from filtviz.reading.flatbuffers import Table
from filtviz.reading.limits import Limits
from filtviz.reading.stretch import View

__all__ = ["densified"]

_LETTERS = {1: "i", 2: "H", 3: "B"}
"""Kind of a vector of places → how its numbers are stored; each is a table with one field, ``values``."""


@dataclass(frozen=True, kw_only=True)
class _Dimension:
    """One dimension: of a fixed ``size``, or with the places that are there, in ``segments``."""

    size: int
    segments: NDArray[np.int64] | None = None
    places: NDArray[np.int64] | None = None


def densified(
    shape: tuple[int, ...], dtype: ElementType, view: View, sparsity: Table, limits: Limits
) -> ComputedArray:
    """Return the dense array that a sparse tensor stands for.

    Args:
        shape: Its shape.
        dtype: The type of its elements.
        view: The bytes of the elements that are not zero.
        sparsity: Where these stand.
        limits: How large the dense array may be.

    Raises:
        LimitError: it is too large.
    """
    size = count(shape) * dtype.itemsize
    limits.check_growth(size, len(view), "a sparse tensor in it")

    def read() -> NDArray[Any]:
        values = stored((len(view) // dtype.itemsize,), dtype, False, len(view), lambda: view).read()
        order = sparsity.numbers(0, "i")
        blocks = sparsity.numbers(1, "i")
        dimensions = [_dimension(table) for table in sparsity.tables(2)]
        if sorted(order) != list(range(len(shape) + len(blocks))) or len(dimensions) != len(order):
            raise _lies()
        if any(not 0 <= axis < len(shape) for axis in blocks):
            raise _lies()
        return _spread(shape, values, order, blocks, dimensions)

    return ComputedArray(shape=shape, dtype=dtype, read=read)


def _lies() -> MalformedFileError:
    return MalformedFileError("a sparse tensor in it says that its elements are where they cannot be")


def _dimension(table: Table) -> _Dimension:
    if table.scalar(0, "b") == 0:
        return _Dimension(size=table.scalar(1, "i"))
    return _Dimension(size=0, segments=_vector(table, 2), places=_vector(table, 4))


def _vector(table: Table, field: int) -> NDArray[np.int64]:
    letter, held = _LETTERS.get(table.scalar(field, "B")), table.table(field + 1)
    if letter is None or held is None:
        raise _lies()
    return np.array(held.numbers(0, letter), np.int64)


def _spread(
    shape: tuple[int, ...],
    values: NDArray[Any],
    order: Sequence[int],
    blocks: Sequence[int],
    dimensions: Sequence[_Dimension],
) -> NDArray[Any]:
    """Go from the outermost dimension in, keeping for each stored element where it stands in each axis."""
    most = len(values)
    parents = np.zeros(1, np.int64)
    found: list[NDArray[np.int64]] = []
    for dimension in dimensions:
        if dimension.segments is None or dimension.places is None:
            if not 0 < dimension.size <= max(most, 1) * max(count(shape), 1):
                raise _lies()
            n, places = np.full(len(parents), dimension.size), None
            if int(n.sum()) > max(count(shape), most):
                raise _lies()
        else:
            segments = dimension.segments
            if (
                (np.diff(segments, prepend=0) < 0).any()
                or len(segments) <= int(parents.max(initial=0)) + 1
                or segments.max() > len(dimension.places)
            ):
                raise _lies()
            n, places = np.diff(segments)[parents], dimension.places
        starts = parents * dimension.size if places is None else dimension.segments[parents]  # type: ignore[index]
        inner = np.arange(int(n.sum())) - np.repeat(np.cumsum(n) - n, n)
        nodes = np.repeat(starts, n) + inner
        found = [np.repeat(one, n) for one in found]
        found.append(inner if places is None else places[nodes])
        parents = nodes
    if len(parents) != len(values) or (len(parents) and int(parents.max()) >= len(values)):
        raise _lies()
    return _placed(shape, values[parents], order, blocks, dimensions, found)


def _placed(
    shape: tuple[int, ...],
    values: NDArray[Any],
    order: Sequence[int],
    blocks: Sequence[int],
    dimensions: Sequence[_Dimension],
    found: Sequence[NDArray[np.int64]],
) -> NDArray[Any]:
    """Put each element where its places along the axes and within its block say."""
    by_axis = dict(zip(order, found, strict=True))
    sizes = dict(zip(order, dimensions, strict=True))
    index = [by_axis[axis] for axis in range(len(shape))]
    for number, axis in enumerate(blocks):
        index[axis] = index[axis] * sizes[len(shape) + number].size + by_axis[len(shape) + number]
    if any(len(one) and not (one.min() >= 0 and one.max() < n) for one, n in zip(index, shape, strict=True)):
        raise _lies()
    dense = np.zeros(shape, values.dtype)
    dense[tuple(index)] = values
    return dense
