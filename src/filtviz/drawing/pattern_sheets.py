"""The views ``rms``, ``components`` and ``nmf``: what a filter's many channels have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from filtviz.drawing.colours import DIVERGING, SEQUENTIAL, normalise, symmetric_limits
from filtviz.drawing.kernel_sheets import signed_legend
from filtviz.drawing.pages import SheetPage, sheet_pages
from filtviz.drawing.selection import Selection, select_filters
from filtviz.drawing.sheet import Legend, Sheet, SheetTexts, number, span
from filtviz.measures.components import Components, rms_over_channels, shared_components, singular_components
from filtviz.network import ConvLayer

if TYPE_CHECKING:
    from filtviz.drawing.options import DrawingOptions

__all__ = ["pattern_sheet", "pictures", "rms_sheet"]

_MEANINGS = {
    "components": "columns are a filter's strongest patterns over its channels (singular components)",
    "nmf": "columns are groups of channels, the same for all filters (non-negative factorisation)",
}


def pictures(
    layer: ConvLayer, channels: Sequence[int], options: DrawingOptions, texts: SheetTexts
) -> Iterator[SheetPage]:
    """Yield the pages of the view that the options name."""
    selection = select_filters(layer, channels, options.sheet, texts)
    sheet = rms_sheet(selection) if options.view == "rms" else pattern_sheet(selection, options.view)
    return sheet_pages(sheet, options)


def rms_sheet(selection: Selection) -> Sheet:
    """Return the sheet with one tile for each filter: the root mean square over its channels."""
    options = selection.options
    strengths = rms_over_channels(selection.filters)
    limits = symmetric_limits(strengths, options.scale)
    if options.scale == "layer":
        ticks = ("0", number(float(limits.max())))
        meaning = "root mean square of the weights; one scale for all"
    else:
        ticks = ("0", "1")
        meaning = f"root mean square over the largest of its filter ({span(limits)})"
    return Sheet(
        name=selection.texts.part or "rms",
        # From 0 to 1 is the whole of a colour map for what has no sign.
        values=2.0 * normalise(strengths, limits) - 1.0,
        signed=False,
        cmap=options.cmap or SEQUENTIAL,
        labels=selection.labels,
        captions=selection.captions(1),
        title=selection.title,
        facts=(*selection.facts, "a tile is a filter: the root mean square of its weights over the channels"),
        notes=selection.notes,
        legend=Legend(ticks=ticks, meaning=meaning),
    )


def pattern_sheet(selection: Selection, view: str) -> Sheet:
    """Return the sheet with a filter's components in a row, each with its share of the filter's energy."""
    options = selection.options
    take = singular_components if view == "components" else shared_components
    found = take(selection.filters, options.components)
    limits = symmetric_limits(found.pictures, options.scale)
    n = found.pictures.shape[1]
    return Sheet(
        name=selection.texts.part or view,
        values=normalise(found.pictures, limits),
        cmap=options.cmap or DIVERGING,
        labels=selection.labels,
        headings=tuple(str(i + 1) for i in range(n)) if options.labels else (),
        captions=_percentages(found) if options.labels else (),
        title=selection.title,
        facts=(*selection.facts, _MEANINGS[view], _together(found)),
        notes=selection.notes,
        legend=signed_legend(limits, options.scale, "weight in an average channel"),
    )


def _percentages(found: Components) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(f"{share:.0%}" for share in row) for row in found.shares)


def _together(found: Components) -> str:
    low, middle, high = np.percentile(found.total, [0, 50, 100])
    return (
        f"below a tile: its share of the filter's energy; all tiles of a filter together show {middle:.0%} "
        f"(median; {low:.0%} to {high:.0%})"
    )
