"""A sheet: the numbers of all its tiles and what is written about them, before anything has a place.

::

    layer ─ selection ─► kernel_sheets, pattern_sheets ─► Sheet ─ layout ─► pages ─ lettering ─► SheetPage
           (which, in     (numbers → values in [-1, 1])          (where        (what is written
            what order)                                           tiles go)     where)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.colours import Colours, by_colour_map, by_primaries
from filtviz.drawing.layout import TileSpec

if TYPE_CHECKING:
    from filtviz.composition import ComposedLayer
    from filtviz.measures.measure import LayerDiagnosis

__all__ = [
    "NOTHING_FOUND",
    "Legend",
    "Sheet",
    "SheetTexts",
    "number",
    "span",
    "spec_of",
    "with_badges",
    "with_composition",
]


@dataclass(frozen=True, kw_only=True)
class Legend:
    """What the colours mean: ``ticks`` from the lowest to the highest, and ``meaning`` in a few words."""

    ticks: tuple[str, ...]
    meaning: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Sheet:
    """A table of pictures.

    ``values`` is ``(strips, columns, rows, cols)``, in [-1, 1] with zero at the colour map's middle, or
    ``(strips, columns, rows, cols, 3)`` where ``cmap`` is None: red, green and blue. NaN stands for what is
    not finite. ``signed`` is False where -1 means zero: numbers without a sign use a colour map from its
    beginning.

    ``labels`` stand left of the strips, ``headings`` above the columns (or there are none), ``captions``
    below the tiles, one for each (or there are none). ``title`` and ``facts`` make the header, ``notes`` the
    sentences below it. ``name`` is the pictures' part of a file name. ``group`` strips belong together.
    """

    name: str
    values: NDArray[np.float64]
    cmap: str | None
    labels: tuple[str, ...]
    headings: tuple[str, ...] = ()
    captions: tuple[tuple[str, ...], ...] = ()
    title: str = ""
    facts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    legend: Legend
    signed: bool = True
    group: int = 1

    def colours(self, strip: int, columns: slice = slice(None)) -> Colours:
        """Return the colours of a strip's tiles, ``(columns, rows, cols, 3)``."""
        values = self.values[strip, columns]
        return by_primaries(values) if self.cmap is None else by_colour_map(values, self.cmap)


def spec_of(sheet: Sheet) -> TileSpec:
    """Return what the tiles need."""
    n_strips, n_columns, rows, cols = sheet.values.shape[:4]
    return TileSpec(
        n_strips=n_strips,
        n_columns=n_columns,
        rows=rows,
        cols=cols,
        group=sheet.group,
        label_width=max(map(len, sheet.labels), default=0),
        heading_width=max(map(len, sheet.headings), default=0),
        caption_width=max((len(text) for row in sheet.captions for text in row), default=0),
    )


NOTHING_FOUND = "badges: nothing was found at any filter beyond chance"


@dataclass(frozen=True, kw_only=True)
class SheetTexts:
    """What is to be written on a sheet, and on the name of its file.

    Attributes:
        source: Where the layer comes from, for the header: the file's name.
        orientation: What the header says of which way the filters are turned; empty: what the layer tells.
        notes: Sentences to put below the header.
        remarks: A few characters for each filter of the layer, written below its first tile.
        part: What the pictures are called in the names of files; empty: after the view.
        extent: The size of a filter, where the picture shows one over one axis or three as one over two.
        n_channels: How many channels a filter has then.
        rows: What the rows, columns and tiles of the sheet are then.
    """

    source: str = ""
    orientation: str = ""
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    part: str = ""
    extent: str = ""
    n_channels: int = 0
    rows: str = ""


def with_composition(composed: ComposedLayer, texts: SheetTexts) -> SheetTexts:
    """Add what there is to say of filters that were composed down to the image."""
    return replace(
        texts,
        orientation="composed down to the image, as they match in it",
        notes=(*texts.notes, *composed.sentences),
        remarks=composed.remarks,
        part=texts.part or "through",
    )


def with_badges(layer: LayerDiagnosis, n_filters: int, texts: SheetTexts) -> SheetTexts:
    """Add each filter's badges to its remark, and a note that explains them.

    Args:
        layer: What was found at the layer.
        n_filters: The number of the layer's filters.
        texts: What is written already; badges follow the remarks that are there.
    """
    from filtviz.measures.badges import ALL_BADGES, badges_of  # most pictures have none

    found = badges_of(layer)
    remarks = texts.remarks or ("",) * n_filters
    symbols = ["".join(badge.symbol for badge in found.get(i, ())) for i in range(n_filters)]
    marked = tuple(" ".join(filter(None, pair)) for pair in zip(remarks, symbols, strict=True))
    used = {badge for badges in found.values() for badge in badges}
    legend = "; ".join(f"{badge.symbol} {badge.meaning}" for badge in ALL_BADGES if badge in used)
    note = f"badges: {legend}; without one nothing was found beyond chance" if legend else NOTHING_FOUND
    return replace(texts, remarks=marked, notes=(*texts.notes, note))


def number(value: float) -> str:
    """Write a number with three digits that count; nothing has no sign."""
    return f"{value + 0.0:.3g}"


def span(values: NDArray[Any]) -> str:
    """Write the range of the finite values: "0.12 to 0.4"; "0.12" where all are equal."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "no finite value"
    low, high = number(finite.min()), number(finite.max())
    return low if low == high else f"{low} to {high}"
