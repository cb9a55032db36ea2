"""Windows: how an operation looks at its input, and at how many places.

Each operation that has one says itself how its window lies (``window`` in `filtviz.operations`); shapes,
receptive fields, the engine that runs a network and the composition of filters all go by it.
"""

from __future__ import annotations

from dataclasses import dataclass

from filtviz.parameter import Shape

__all__ = ["Pads", "Window", "known_lengths", "positions"]

Pads = tuple[tuple[int, int], ...]
"""``(before, after)`` for each spatial axis."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """How an operation looks at its input: one number per spatial axis in each field.

    ``pad`` is ``(before, after)`` per axis, None where the file does not tell. ``transposed`` marks what
    enlarges its input by ``stride`` (a transposed convolution, an upscaling). ``whole`` is False where one
    window more counts, which hangs over the end, if it begins before that and something is left over.
    """

    size: tuple[int, ...]
    stride: tuple[int, ...]
    pad: Pads | None = None
    dilation: tuple[int, ...] = ()
    transposed: bool = False
    whole: bool = True

    def __post_init__(self) -> None:
        if not self.dilation:
            object.__setattr__(self, "dilation", (1,) * len(self.size))

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
    count = _enlarged if window.transposed else _shrunk if window.whole else _shrunk_over_the_end
    return tuple(
        None if length is None else count(length, span, stride, pad)
        for length, span, stride, pad in zip(lengths, window.spans, window.stride, window.pad, strict=True)
    )


def _shrunk(length: int, span: int, stride: int, pad: tuple[int, int]) -> int:
    return max(0, (length + sum(pad) - span) // stride + 1)


def _shrunk_over_the_end(length: int, span: int, stride: int, pad: tuple[int, int]) -> int:
    """Count the window too that hangs over the end, where it begins before that."""
    places = max(0, -(-(length + sum(pad) - span) // stride)) + 1
    return places if (places - 1) * stride < length + pad[0] else places - 1


def _enlarged(length: int, span: int, stride: int, pad: tuple[int, int]) -> int:
    return max(0, (length - 1) * stride - sum(pad) + span)


def known_lengths(lengths: Shape) -> tuple[int, ...]:
    """Return the lengths where all are known and none is 0, else the empty tuple."""
    known = tuple(length for length in lengths if length)
    return known if len(known) == len(lengths) else ()
