"""What was found at the filters of a layer, as badges on a sheet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from filtviz.measures.badges import ALL_BADGES, badges_of

if TYPE_CHECKING:
    from filtviz.drawing.options import DrawingOptions
    from filtviz.measures.findings import LayerDiagnosis

__all__ = ["with_badges"]

NOTHING = "badges: nothing was found at any filter beyond chance"


def with_badges(layer: LayerDiagnosis, n_filters: int, options: DrawingOptions) -> DrawingOptions:
    """Return options that write each filter's badges below its first tile, and explain them in a note.

    Badges follow the remarks that are there already. ``n_filters`` is the number of the layer's filters.
    """
    found = badges_of(layer)
    sheet = options.sheet
    remarks = sheet.remarks or ("",) * n_filters
    symbols = ["".join(badge.symbol for badge in found.get(i, ())) for i in range(n_filters)]
    marked = tuple(" ".join(filter(None, pair)) for pair in zip(remarks, symbols, strict=True))
    used = {badge for badges in found.values() for badge in badges}
    legend = "; ".join(f"{badge.symbol} {badge.meaning}" for badge in ALL_BADGES if badge in used)
    note = f"badges: {legend}; without one nothing was found beyond chance" if legend else NOTHING
    return replace(options, sheet=replace(sheet, remarks=marked, notes=(*sheet.notes, note)))
