"""Has a filter a direction?"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from filtviz.measures.kernels import Floats
from filtviz.measures.measure import Columns, ShownMeasure

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = ["Orientation", "StructureTensor", "filter_orientation"]


class Orientation(ShownMeasure):
    """How much of a filter's gradient has one direction, and which."""

    key = "orientation"
    title = "Orientation coherence and angle"
    meaning = "Does a filter have a direction, and which? An edge detector has one, a blob has none."
    scope = ("filter",)
    formula = "(λ₁ − λ₂)/(λ₁ + λ₂) of the structure tensor over 2x2 cells, channels summed"
    null = "none: shown, does not judge (mean .56 for noise at 3x3)"
    supports = "a number to sort by"
    cannot_say = "That a filter is oriented: noise looks so at this size."
    source = "Bigün & Granlund 1987"

    def each(self, subject: Subject) -> Columns:
        """Measure each filter."""
        kernels = subject.kernels
        tensors = [filter_orientation(kernels.weights[block]) for block in kernels.blocks()]
        return {
            "coherence": np.concatenate([each.coherence for each in tensors]),
            "angle": np.concatenate([each.angle for each in tensors]),
        }


class StructureTensor(NamedTuple):
    """Coherence (0 none, 1 one direction) and the angle of the gradient in degrees, both ``(filters,)``."""

    coherence: Floats
    angle: Floats


def filter_orientation(weights: Floats) -> StructureTensor:
    """Return coherence and angle of each filter's structure tensor, of ``(filters, channels, rows, cols)``.

    The tensor sums the products of the gradients, which are differences within each 2x2 cell, over the
    kernels of a filter; coherence is (λ₁ - λ₂)/(λ₁ + λ₂), .56 on average for noise at 3x3 and one
    channel. NaN for filters without a gradient and for kernels of one row or column.
    """
    below, right = np.diff(weights, axis=2), np.diff(weights, axis=3)
    down, across = below[..., 1:] + below[..., :-1], right[..., 1:, :] + right[..., :-1, :]
    xx, yy, xy = (
        np.einsum("ocij,ocij->o", a, b) for a, b in ((across, across), (down, down), (across, down))
    )
    with np.errstate(invalid="ignore"):
        coherence = np.hypot(xx - yy, 2 * xy) / (xx + yy)
    angle = np.degrees(0.5 * np.arctan2(2 * xy, xx - yy)) % 180
    return StructureTensor(coherence, np.where(np.isnan(coherence), np.nan, angle))
