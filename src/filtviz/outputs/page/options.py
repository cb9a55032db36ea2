"""What a person can choose about a report: one frozen, self-checking object."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["ReportOptions"]


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """How much goes into a page.

    Attributes:
        layers: Convolutions by number, label or name; empty takes them all.
        megabytes: Of pictures that the page may hold. Where they would be more, they are sent with 8 bits a
            weight instead of 16, and then without the kernels of the largest layers; the page says so.
        input_range: The lowest and the highest value of an input pixel, for the proof of dead filters.
        stacked: Where a file does not tell what lies between its convolutions, take them for a plain stack
            (`filtviz.composition.assume_stacked`); the page says so.

    Raises:
        ValueError: an option is out of its range; the text is one sentence.
    """

    layers: tuple[int | str, ...] = ()
    megabytes: float = 4.0
    input_range: tuple[float, float] | None = None
    stacked: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.megabytes) and self.megabytes > 0):
            raise ValueError(f"megabytes must be a positive number, not {self.megabytes:g}")
