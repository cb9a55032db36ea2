"""What a person can choose about a sheet: one frozen, self-checking object."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from filtviz.drawing.sheets.ordering import ORDERS, Order
from filtviz.drawing.sheets.scales import SCALES, Scale

__all__ = ["PRIMARIES", "Primaries", "SheetOptions"]

Primaries = Literal["rgb", "bgr"]
PRIMARIES: tuple[Primaries, ...] = ("rgb", "bgr")


@dataclass(frozen=True, kw_only=True)
class SheetOptions:
    """How a sheet is drawn.

    Attributes:
        scale: What shares a scale: each ``kernel``, each ``filter``, or the whole ``layer``, which alone lets
            strong be told from weak.
        sort: The order of the filters, see `filtviz.drawing.sheets.ordering.arrange`.
        top: Draw only so many filters, those of the largest norm; None draws all.
        primaries: Draw a filter of three channels in colour, its channels being ``rgb`` or ``bgr``; None
            draws each channel by itself.
        flip: Draw what a filter matches in the image, not what is stored.
        components: How many pictures the views of components draw of each filter.
        labels: Write indices, headings and captions at the tiles.
        cmap: The name of a colour map of matplotlib's; None takes the view's own.
        figsize: Inches, ``(width, height)``; None takes what the sheet needs.
        source: Where the layer comes from, for the header: the file's name.
        orientation: What the header says of which way the filters are turned; empty: what the layer tells.
        notes: Sentences to put below the header.
        remarks: A few characters for each filter of the layer, written below its first tile.
        part: What the pictures are called in the names of files; empty: after the view.
    """

    scale: Scale = "layer"
    sort: Order = "index"
    top: int | None = None
    primaries: Primaries | None = None
    flip: bool = False
    components: int = 4
    labels: bool = True
    cmap: str | None = None
    figsize: tuple[float, float] | None = None
    source: str = ""
    orientation: str = ""
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    part: str = ""

    def __post_init__(self) -> None:
        _check_choice("scale", self.scale, SCALES)
        _check_choice("sort", self.sort, ORDERS)
        _check_choice("primaries", self.primaries, (None, *PRIMARIES))
        for name in ("top", "components"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be 1 or more, not {value}")
        if not all(math.isfinite(x) and x > 0 for x in self.figsize or ()):
            raise ValueError(f"figsize must be two positive numbers of inches, not {self.figsize}")


def _check_choice(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(str, choices))}, not {value!r}")
