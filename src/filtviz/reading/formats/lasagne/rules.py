"""What the rules of geometry share: their result, and windows that are checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from filtviz.network import Shape, Window
from filtviz.reading.pickle.attributes import LARGEST, Attributes

__all__ = ["UNKNOWN", "Case", "Geometry", "Pads", "Rule", "sane_window"]

Pads = tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """A layer's ``window`` on its input, the ``shape`` that it gives, and whether the window is ``known``.

    Lengths that no layer has are left open: those that follow from nonsense grow from layer to layer.
    """

    window: Window | None = None
    shape: Shape | None = None
    known: bool = True

    def __post_init__(self) -> None:
        if self.shape is not None:
            sane = tuple(n if n is not None and 0 <= n < LARGEST else None for n in self.shape)
            object.__setattr__(self, "shape", sane)


@dataclass(frozen=True)
class Case:
    """What a rule works on: a layer's ``facts``, the shapes of ``inputs``, the shape of ``weights``."""

    facts: Attributes
    inputs: Sequence[Shape | None]
    weights: tuple[int, ...]

    @property
    def first(self) -> Shape | None:
        """The shape of the first input, which for most layers is the only one."""
        return self.inputs[0] if self.inputs else None


Rule = Callable[[Case], Geometry]

UNKNOWN = Geometry(known=False)


def sane_window(
    size: tuple[int, ...] | None,
    stride: tuple[int, ...] | None,
    pad: Pads | None,
    dilation: tuple[int, ...] = (),
    *,
    transposed: bool = False,
) -> Window | None:
    """Make a window if its numbers can be one: as many of each, all above zero."""
    if (
        size is None
        or stride is None
        or len(size) != len(stride)
        or (dilation and len(dilation) != len(size))
    ):
        return None
    if min(*size, *stride, *dilation, 1) < 1 or (pad is not None and len(pad) != len(size)):
        return None
    return Window(size=size, stride=stride, pad=pad, dilation=dilation, transposed=transposed)
