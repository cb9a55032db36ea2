"""The view ``sheet``: every kernel of a layer, a row for each filter and a column for each channel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.colours import DIVERGING, Scale, normalise, symmetric_limits
from filtviz.drawing.pages import SheetPage, sheet_pages
from filtviz.drawing.selection import Selection, select_filters
from filtviz.drawing.sheet import Legend, Sheet, SheetTexts, number, span
from filtviz.errors import DrawingError
from filtviz.network import ConvLayer

if TYPE_CHECKING:
    from filtviz.drawing.options import DrawingOptions

__all__ = ["colour_sheet", "kernel_sheet", "pictures", "signed_legend"]


PALE = 0.2
"""A filter whose largest weight is under this share of the layer's is hard to see on the layer's scale."""


def pictures(
    layer: ConvLayer, channels: Sequence[int], options: DrawingOptions, texts: SheetTexts
) -> Iterator[SheetPage]:
    """Yield the pages that show all kernels of the chosen channels, in colour where that is asked for."""
    subject = select_filters(layer, channels, options.sheet, texts)
    sheet = kernel_sheet(subject) if options.sheet.primaries is None else colour_sheet(subject)
    return sheet_pages(sheet, options)


def kernel_sheet(subject: Selection) -> Sheet:
    """Return the sheet of all kernels, in a colour map with zero at its middle."""
    options = subject.options
    limits = symmetric_limits(subject.filters, options.scale)
    sheet = Sheet(
        name=subject.texts.part or "sheet",
        values=normalise(subject.filters, limits),
        cmap=options.cmap or DIVERGING,
        labels=_with_limits(subject, limits),
        headings=subject.headings,
        captions=subject.captions(len(subject.channels)),
        title=subject.title,
        facts=(*subject.facts, _axes_of(subject)),
        notes=(*subject.notes, *_advice(subject, limits)),
        legend=signed_legend(limits, options.scale),
    )
    return _turned(sheet, subject) if len(subject.indices) == 1 < len(subject.channels) else sheet


def _turned(sheet: Sheet, subject: Selection) -> Sheet:
    """Return the sheet of one filter with a strip for each channel: these can be set side by side."""
    facts = (
        *subject.facts,
        f"a tile is an input channel of filter {subject.indices[0]}, with its index at its left",
    )
    labels = subject.headings or ("",) * len(subject.channels)
    remark = tuple(zip(*sheet.captions, strict=True))
    return replace(
        sheet, values=sheet.values.swapaxes(0, 1), labels=labels, headings=(), captions=remark, facts=facts
    )


def _advice(subject: Selection, limits: NDArray[np.float64]) -> list[str]:
    """Say where one scale leaves most filters pale."""
    if subject.options.scale != "layer":
        return []
    own = symmetric_limits(subject.filters, "filter").ravel()
    if np.median(own) >= PALE * limits.max():
        return []
    return ["a few filters are far stronger than the others: --scale filter shows each on its own scale"]


def colour_sheet(subject: Selection) -> Sheet:
    """Return the sheet of filters of three channels in their own colours: zero is mid grey.

    Raises:
        DrawingError: there are not three channels.
    """
    options = subject.options
    n = len(subject.channels)
    if n != 3:
        raise DrawingError(
            f"the filters have {n} channel{'s'[: n != 1]}, and {options.primaries} colours need 3: "
            "leave out --channels rgb, or draw --view rms or --view components"
        )
    filters = subject.filters if options.primaries == "rgb" else subject.filters[:, ::-1]
    order = "red, green and blue" if options.primaries == "rgb" else "blue, green and red"
    # One scale for the three primaries of a pixel, or else its hue would mean nothing.
    scale: Scale = "layer" if options.scale == "layer" else "filter"
    limits = symmetric_limits(filters, scale)
    return Sheet(
        name=subject.texts.part or options.primaries or "",
        values=np.moveaxis(normalise(filters, limits), 1, -1)[:, None],
        cmap=None,
        labels=_with_limits(subject, limits),
        captions=subject.captions(1),
        title=subject.title,
        facts=(
            *subject.facts,
            f"a tile is a filter: its three channels are {order}, mid grey is zero",
        ),
        notes=subject.notes,
        legend=signed_legend(limits, scale),
    )


def signed_legend(limits: NDArray[np.float64], scale: Scale, what: str = "weight") -> Legend:
    """Return the legend for what has a sign, with the numbers that the scale gives it."""
    if scale == "layer":
        top = float(limits.max())
        return Legend(
            ticks=(number(-top), "0", number(top)),
            meaning=f"{what}; one scale for all, so that strong and weak can be compared",
        )
    return Legend(
        ticks=("-1", "0", "1"),
        meaning=f"{what} over the largest of its {scale} ({span(limits)}): "
        f"how strong a {scale} is cannot be seen (--scale layer)",
    )


def _with_limits(subject: Selection, limits: NDArray[np.float64]) -> tuple[str, ...]:
    """Return the labels, with each filter's own scale where it has one."""
    if subject.options.scale != "filter" or not subject.options.labels:
        return subject.labels
    return tuple(f"{label} ±{limit:.2g}" for label, limit in zip(subject.labels, limits.ravel(), strict=True))


def _axes_of(subject: Selection) -> str:
    if len(subject.channels) == 1:
        return "a tile is a filter, with its index at its left"
    return "rows are filters, columns are input channels"
