"""Weights that are stored as whole numbers, and what these stand for.

Those with one scale for all, or for each filter, are drawn as stored and run by it; others are the numbers
that they stand for, so that a zero of 128 is drawn as one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.operations import Convolution, Dense, Normalisation, Operation, Untold
from filtviz.parameter import Parameter
from filtviz.reading.arrays import number_by_number
from filtviz.text import names_of_file

__all__ = ["Meant", "Scale", "meant_by", "meant_in", "said_of_meant", "scaled"]

MOST_NAMED = 5


def meant_by(
    stored: NDArray[np.float64], scale: NDArray[np.float64], zero: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what whole numbers stand for, all three of one length."""
    return (stored - zero) * scale


@dataclass(frozen=True, kw_only=True, eq=False)
class Meant(Parameter):
    """The numbers that those of an array stand for, which the file keeps as ``stored``."""

    stored: Parameter


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What whole numbers stand for: ``(q - zeros) * numbers``, for all or for each place of a stored axis."""

    numbers: NDArray[np.float64]
    zeros: NDArray[np.float64]
    axis: int

    def fits(self, shape: Sequence[int]) -> bool:
        """Tell whether there is one for all, or one for each place of the axis."""
        lengths = {1, shape[self.axis] if 0 <= self.axis < len(shape) else 1}
        return self.numbers.size in lengths and self.zeros.size in lengths

    def real(self, stored: Parameter) -> Meant:
        """Return the numbers that those of an array, which it fits, stand for."""

        def along(held: NDArray[np.float64]) -> NDArray[np.float64]:
            if held.size == 1:
                return held.reshape(())
            return held.reshape([-1 if axis == self.axis else 1 for axis in range(len(stored.shape))])

        def read() -> NDArray[Any]:
            zeros, numbers = along(self.zeros), along(self.numbers)
            return number_by_number(meant_by, np.dtype(np.float32), stored.value, numbers, zeros)

        return Meant(
            name=stored.name,
            shape=stored.shape,
            dtype=np.dtype(np.float32),
            read=read,
            source=stored.source,
            stored=stored,
        )

    def by_filter(self, operation: Convolution | Dense, stored: Parameter) -> Parameter | None:
        """Return the scale of each filter; None where zeros are shifted, or it is not one for each filter."""
        grouped = isinstance(operation, Convolution) and operation.transposed and operation.groups != 1
        if self.zeros.any() or grouped or operation.axes is None or not self.fits(stored.shape):
            return None
        place = operation.axes.index("o")
        if self.numbers.size > 1 and self.axis != place:
            return None
        numbers = np.broadcast_to(self.numbers.ravel().astype(np.float32), (stored.shape[place],))
        return Parameter.of("gamma", np.array(numbers), stored.source)


def meant_in(operations: Sequence[Operation]) -> list[Meant]:
    """Return the weights of operations that are the numbers that stored ones stand for.

    Args:
        operations: What a layer does.
    """
    weights = [one.weights for one in operations if isinstance(one, Convolution | Dense)]
    return [one for one in weights if isinstance(one, Meant)]


def said_of_meant(names: Sequence[str]) -> str:
    """Say of which weights the numbers are shown that the stored ones stand for.

    Args:
        names: What the weights are called.
    """
    return (
        "weights are stored as whole numbers with a zero, or a scale that is not one for each filter, and "
        f"shown as the numbers that they stand for: {names_of_file(list(names), MOST_NAMED)}"
    )


def scaled(
    operations: Sequence[Operation], scale_of: Callable[[Parameter], Scale | None]
) -> tuple[Operation, ...]:
    """Put the scale of weights that are stored as whole numbers behind what weighs with them.

    Args:
        operations: What a layer does.
        scale_of: Returns what the file says that the numbers of an array stand for, or None.
    """
    found: list[Operation] = []
    for one in operations:
        weights = one.weights if isinstance(one, Convolution | Dense) else None
        if not isinstance(one, Convolution | Dense) or weights is None or weights.dtype.kind not in "iu":
            found.append(one)
            continue
        scale = scale_of(weights)
        gamma = None if scale is None else scale.by_filter(one, weights)
        if gamma is None and scale is not None and scale.fits(weights.shape):
            found.append(replace(one, weights=scale.real(weights)))
            continue
        if gamma is None:
            reason = "its weights are whole numbers, and not how they are scaled in a way that is followed"
            found += [one, Untold(reason=reason, keeps_places=True)]
            continue
        found += [replace(one, bias=None), Normalisation(gamma=gamma, beta=one.bias, is_batch=False)]
    return tuple(found)
