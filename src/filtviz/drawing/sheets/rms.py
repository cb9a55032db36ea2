"""The view ``rms``: where in its window each filter looks, over all of its channels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from filtviz.drawing.colours import SEQUENTIAL
from filtviz.drawing.sheets.scales import normalise, symmetric_limits
from filtviz.drawing.sheets.selection import Selection, number, select_filters, span
from filtviz.drawing.sheets.sheet import Legend, Sheet, SheetPage, sheet_pages
from filtviz.measures.components import rms_over_channels
from filtviz.network import ConvLayer

if TYPE_CHECKING:
    from filtviz.drawing.options import DrawingOptions

__all__ = ["pictures", "rms_sheet"]


def pictures(layer: ConvLayer, channels: Sequence[int], options: DrawingOptions) -> Iterator[SheetPage]:
    """Yield the pages with one tile for each filter: the root mean square over its channels."""
    return sheet_pages(rms_sheet(select_filters(layer, channels, options.sheet)), options)


def rms_sheet(subject: Selection) -> Sheet:
    """Return the sheet of root mean squares."""
    options = subject.options
    strengths = rms_over_channels(subject.filters)
    limits = symmetric_limits(strengths, options.scale)
    if options.scale == "layer":
        ticks = ("0", number(float(limits.max())))
        meaning = "root mean square of the weights; one scale for all"
    else:
        ticks = ("0", "1")
        meaning = f"root mean square over the largest of its filter ({span(limits)})"
    return Sheet(
        name="rms",
        # From 0 to 1 is the whole of a colour map for what has no sign.
        values=2.0 * normalise(strengths, limits) - 1.0,
        signed=False,
        cmap=options.cmap or SEQUENTIAL,
        labels=subject.labels,
        captions=subject.captions(1),
        title=subject.title,
        facts=(*subject.facts, "a tile is a filter: the root mean square of its weights over the channels"),
        notes=subject.notes,
        legend=Legend(ticks=ticks, meaning=meaning),
    )
