"""The view ``curves``: filters over one axis, as of sound and text, as bars that rise and fall from zero."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.colours import DIVERGING, normalise, symmetric_limits
from filtviz.drawing.kernel_sheets import signed_legend
from filtviz.drawing.pages import SheetPage, sheet_pages
from filtviz.drawing.selection import Selection, select_filters
from filtviz.drawing.sheet import Sheet, SheetTexts
from filtviz.network import ConvLayer

if TYPE_CHECKING:
    from filtviz.drawing.options import DrawingOptions

__all__ = ["LEVELS", "curve_sheet", "pictures"]

LEVELS = 25
"""The height of a curve in cells, the middle one being zero."""

_WIDE = 40
"""Cells that a curve is wide at least: of a short one each weight takes several."""

_LIGHTEST = 0.3
"""How strong the colour of the smallest bar is; the height tells the weight."""


def pictures(
    layer: ConvLayer, channels: Sequence[int], options: DrawingOptions, texts: SheetTexts
) -> Iterator[SheetPage]:
    """Yield the pages of a layer's curves, ``(filters, channels, 1, length)``."""
    return sheet_pages(curve_sheet(select_filters(layer, channels, options.sheet, texts)), options)


def curve_sheet(selection: Selection) -> Sheet:
    """Return the sheet of all curves, on one scale or each on its own."""
    options = selection.options
    limits = symmetric_limits(selection.filters, options.scale)
    one = len(selection.channels) == 1
    what = (
        "a tile is a filter, with its index at its left"
        if one
        else "rows are filters, columns are input channels"
    )
    return Sheet(
        name=selection.texts.part or "curves",
        values=_bars(normalise(selection.filters, limits)[:, :, 0]),
        cmap=options.cmap or DIVERGING,
        labels=selection.labels,
        headings=selection.headings,
        captions=selection.captions(len(selection.channels)),
        title=selection.title,
        facts=(*selection.facts, f"{what}; bars rise and fall from zero, the height is the weight"),
        notes=selection.notes,
        legend=signed_legend(limits, options.scale),
    )


def _bars(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Draw values in [-1, 1] as cells; a weight that is no number takes its whole column.

    Args:
        values: ``(filters, channels, length)``.

    Returns:
        ``(filters, channels, levels, cells)``.
    """
    repeated = np.repeat(values, max(1, _WIDE // values.shape[2]), axis=2)
    heights = np.rint(repeated * (LEVELS // 2))[:, :, np.newaxis]
    level = (LEVELS // 2 - np.arange(LEVELS))[:, np.newaxis]
    within = (np.sign(heights) * level >= 0) & (np.abs(level) <= np.abs(heights)) & (heights != 0)
    strength = np.sign(repeated) * (_LIGHTEST + (1 - _LIGHTEST) * np.abs(repeated))
    cells = np.where(within, strength[:, :, np.newaxis], 0.0)
    return np.where(np.isnan(heights), np.nan, cells)
