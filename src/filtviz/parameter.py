"""`Parameter`: one array of a file, known by its shape and read when somebody asks for its value."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Parameter", "Shape", "has_few_bits", "holds_numbers", "spread_out"]

Values = TypeVar("Values", bound=Any)

Shape = tuple[int | None, ...]
"""Lengths of axes; None for one that is open or that the file does not tell."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Parameter:
    """One array of a layer, known by its shape and read when its `value` is first asked for.

    ``name`` is the framework's own (``W``, ``b``, ``beta``, ``gamma``, ``mean``, ``inv_std``), ``source``
    tells where in the file it lies (``arr_3``, ``/conv1/0``), for messages.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[], NDArray[Any]] = field(repr=False)
    source: str = ""

    @cached_property
    def value(self) -> NDArray[Any]:
        """The array as stored, read-only; a view of the file where the file allows it."""
        array = self.read().view()
        array.flags.writeable = False
        return array

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @classmethod
    def of(cls, name: str, array: NDArray[Any], source: str = "") -> Parameter:
        """Wrap an array that is in memory already.

        Args:
            name: What to call it.
            array: Its value.
            source: Where it comes from, for messages.
        """
        return cls(name=name, shape=array.shape, dtype=array.dtype, read=lambda: array, source=source)


def has_few_bits(dtype: np.dtype[Any]) -> bool:
    """Tell a type of the package ml_dtypes, such as bfloat16: single precision holds all its values.

    Args:
        dtype: A type of numpy's.
    """
    return dtype.type.__module__ == "ml_dtypes"


def holds_numbers(dtype: np.dtype[Any]) -> bool:
    """Tell a type of real numbers.

    Args:
        dtype: A type of numpy's.
    """
    return dtype.kind in "fiub" or has_few_bits(dtype)


def spread_out(values: Values, rank: int, along: Sequence[int]) -> Values:
    """Return values that run along some axes in a shape that broadcasts against units of so many axes.

    Args:
        values: Those of a parameter, as numpy has them or as PyTorch does.
        rank: How many axes the units have that they are to be multiplied with, or added to.
        along: The axes of the units, one for each of the values'; one number alone stands for all.

    Raises:
        ValueError: the units have no such axes; the text completes "conv2 cannot be converted: …".
    """
    if len(values.shape) == rank:
        return values
    shape = [1] * rank
    if tuple(values.shape) not in ((), (1,)):
        if len(along) != len(values.shape) or any(not -rank <= axis < rank for axis in along):
            raise ValueError(f"its numbers run along axes that units of {rank} axes do not have")
        for axis, length in zip(along, values.shape, strict=True):
            shape[axis] = length
    return values.reshape(shape)  # type: ignore[no-any-return]
