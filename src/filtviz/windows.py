"""Windows: how an operation looks at its input, and at how many places.

Each operation that has one says itself how its window lies (``window`` in `filtviz.operations`); shapes,
receptive fields, the engine that runs a network and the composition of filters all go by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from filtviz.parameter import Shape

__all__ = ["Count", "Pads", "Window", "known_lengths", "positions", "whole_windows"]

Pads = tuple[tuple[int, int], ...]
"""``(before, after)`` for each spatial axis."""

Count = Callable[[int, int, int, tuple[int, int]], int]
"""An axis's length, a window's span and stride, and the padding before and after → how many windows count."""


def whole_windows(length: int, span: int, stride: int, pad: tuple[int, int]) -> int:
    """Count the windows that lie on the padded axis from their first to their last number."""
    return max(0, (length + sum(pad) - span) // stride + 1)


@dataclass(frozen=True, kw_only=True)
class Window:
    """How an operation looks at its input: one number per spatial axis in each field.

    ``pad`` is ``(before, after)`` per axis, None where the file does not tell. ``transposed`` marks what
    enlarges its input by ``stride`` (a transposed convolution, an upscaling). ``count`` tells how many
    windows count: all whole ones at the least; the last may hang over the end.
    """

    size: tuple[int, ...]
    stride: tuple[int, ...]
    pad: Pads | None = None
    dilation: tuple[int, ...] = ()
    transposed: bool = False
    count: Count = whole_windows

    def __post_init__(self) -> None:
        if not self.dilation:
            object.__setattr__(self, "dilation", (1,) * len(self.size))

    @property
    def has_whole_ones_only(self) -> bool:
        """Whether no window that counts hangs over the end, whatever the axes' lengths."""
        return self.count is whole_windows

    @property
    def spans(self) -> tuple[int, ...]:
        """From the first tap to the last, both included."""
        return tuple((taps - 1) * gap + 1 for taps, gap in zip(self.size, self.dilation, strict=True))


def positions(lengths: Shape, window: Window) -> Shape:
    """Return at how many places a window stands along axes of these lengths; None where that is not known.

    Args:
        lengths: Those of the input's spatial axes, as many as the window has.
        window: What moves over them.
    """
    if window.pad is None:
        return (None,) * len(lengths)
    count = _enlarged if window.transposed else window.count
    return tuple(
        None if length is None else count(length, span, stride, pad)
        for length, span, stride, pad in zip(lengths, window.spans, window.stride, window.pad, strict=True)
    )


def _enlarged(length: int, span: int, stride: int, pad: tuple[int, int]) -> int:
    return max(0, (length - 1) * stride - sum(pad) + span)


def known_lengths(lengths: Shape) -> tuple[int, ...]:
    """Return the lengths where all are known and none is 0, else the empty tuple."""
    known = tuple(length for length in lengths if length)
    return known if len(known) == len(lengths) else ()
