"""The views ``components`` and ``nmf``: the few patterns that a filter's many channels are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from filtviz.drawing.colours import DIVERGING
from filtviz.drawing.sheets.kernels import signed_legend
from filtviz.drawing.sheets.scales import normalise, symmetric_limits
from filtviz.drawing.sheets.selection import Selection, select_filters
from filtviz.drawing.sheets.sheet import Sheet, SheetPage, sheet_pages
from filtviz.measures.components import Components, shared_components, singular_components
from filtviz.network import ConvLayer

if TYPE_CHECKING:
    from filtviz.drawing.options import DrawingOptions

__all__ = ["pattern_sheet", "pictures"]

_MEANINGS = {
    "components": "columns are a filter's strongest patterns over its channels (singular components)",
    "nmf": "columns are groups of channels, the same for all filters (non-negative factorisation)",
}


def pictures(layer: ConvLayer, channels: Sequence[int], options: DrawingOptions) -> Iterator[SheetPage]:
    """Yield the pages with a filter's components in a row, each with its share of the filter's energy."""
    subject = select_filters(layer, channels, options.sheet)
    return sheet_pages(pattern_sheet(subject, options.view), options)


def pattern_sheet(subject: Selection, view: str) -> Sheet:
    """Return the sheet of components, by the way that ``view`` names."""
    options = subject.options
    take = singular_components if view == "components" else shared_components
    found = take(subject.filters, options.components)
    limits = symmetric_limits(found.pictures, options.scale)
    n = found.pictures.shape[1]
    return Sheet(
        name=view,
        values=normalise(found.pictures, limits),
        cmap=options.cmap or DIVERGING,
        labels=subject.labels,
        headings=tuple(str(i + 1) for i in range(n)) if options.labels else (),
        captions=_percentages(found) if options.labels else (),
        title=subject.title,
        facts=(*subject.facts, _MEANINGS[view], _together(found)),
        notes=subject.notes,
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
