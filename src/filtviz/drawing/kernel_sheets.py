"""Sheets of kernels: a layer's own, every kernel of it, and those of the same layer in several files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.colours import DIVERGING, Scale, normalise, symmetric_limits
from filtviz.drawing.pages import SheetPage, sheet_pages
from filtviz.drawing.selection import Selection, select_filters
from filtviz.drawing.sheet import Legend, Sheet, SheetTexts, number, span
from filtviz.errors import DrawingError
from filtviz.network import ConvLayer
from filtviz.scaling import scale_of
from filtviz.text import plural

if TYPE_CHECKING:
    from filtviz.drawing.options import DrawingOptions
    from filtviz.measures.comparison import LayerComparison

__all__ = [
    "ComparisonOrder",
    "colour_sheet",
    "comparison_pages",
    "frame_pages",
    "kernel_sheet",
    "pictures",
    "signed_legend",
]

PALE = 0.2
"""A filter whose largest weight is under this share of the layer's is hard to see on the layer's scale."""


def pictures(
    layer: ConvLayer, channels: Sequence[int], options: DrawingOptions, texts: SheetTexts
) -> Iterator[SheetPage]:
    """Yield the pages that show all kernels of the chosen channels, in colour where that is asked for."""
    selection = select_filters(layer, channels, options.sheet, texts)
    sheet = kernel_sheet(selection) if options.sheet.primaries is None else colour_sheet(selection)
    return sheet_pages(sheet, options)


def kernel_sheet(selection: Selection) -> Sheet:
    """Return the sheet of all kernels, in a colour map with zero at its middle."""
    options = selection.options
    limits = symmetric_limits(selection.filters, options.scale)
    sheet = Sheet(
        name=selection.texts.part or "sheet",
        values=normalise(selection.filters, limits),
        cmap=options.cmap or DIVERGING,
        labels=_with_limits(selection, limits),
        headings=selection.headings,
        captions=selection.captions(len(selection.channels)),
        title=selection.title,
        facts=(*selection.facts, _axes_of(selection)),
        notes=(*selection.notes, *_advice(selection, limits)),
        legend=signed_legend(limits, options.scale),
    )
    return _turned(sheet, selection) if len(selection.indices) == 1 < len(selection.channels) else sheet


def _turned(sheet: Sheet, selection: Selection) -> Sheet:
    """Return the sheet of one filter with a strip for each channel: these can be set side by side."""
    facts = (
        *selection.facts,
        f"a tile is an input channel of filter {selection.indices[0]}, with its index at its left",
    )
    labels = selection.headings or ("",) * len(selection.channels)
    remark = tuple(zip(*sheet.captions, strict=True))
    return replace(
        sheet, values=sheet.values.swapaxes(0, 1), labels=labels, headings=(), captions=remark, facts=facts
    )


def _advice(selection: Selection, limits: NDArray[np.float64]) -> list[str]:
    """Say where one scale leaves most filters pale."""
    if selection.options.scale != "layer":
        return []
    own = symmetric_limits(selection.filters, "filter").ravel()
    scale = scale_of(limits)
    if np.median(own / scale) >= PALE * (limits / scale).max():
        return []
    return ["a few filters are far stronger than the others: --scale filter shows each on its own scale"]


def colour_sheet(selection: Selection) -> Sheet:
    """Return the sheet of filters of three channels in their own colours: zero is mid grey.

    Raises:
        DrawingError: there are not three channels.
    """
    options = selection.options
    n = len(selection.channels)
    if n != 3:
        raise DrawingError(
            f"the filters have {n} channel{'s'[: n != 1]}, and {options.primaries} colours need 3: "
            f"leave out --channels {options.primaries}, or draw --view rms or --view components"
        )
    filters = selection.filters if options.primaries == "rgb" else selection.filters[:, ::-1]
    order = "red, green and blue" if options.primaries == "rgb" else "blue, green and red"
    # One scale for the three primaries of a pixel, or else its hue would mean nothing.
    scale: Scale = "layer" if options.scale == "layer" else "filter"
    limits = symmetric_limits(filters, scale)
    return Sheet(
        name=selection.texts.part or options.primaries or "",
        values=np.moveaxis(normalise(filters, limits), 1, -1)[:, None],
        cmap=None,
        labels=_with_limits(selection, limits),
        captions=selection.captions(1),
        title=selection.title,
        facts=(
            *selection.facts,
            f"a tile is a filter: its three channels are {order}, mid grey is zero",
        ),
        notes=selection.notes,
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


def _with_limits(selection: Selection, limits: NDArray[np.float64]) -> tuple[str, ...]:
    """Return the labels, with each filter's own scale where it has one."""
    if selection.options.scale != "filter" or not selection.options.labels:
        return selection.labels
    return tuple(
        f"{label} ±{limit:.2g}" for label, limit in zip(selection.labels, limits.ravel(), strict=True)
    )


def _axes_of(selection: Selection) -> str:
    if selection.texts.rows:
        return selection.texts.rows
    if len(selection.channels) == 1:
        return "a tile is a filter, with its index at its left"
    return "rows are filters, columns are input channels"


ComparisonOrder = Literal["index", "change"]


def comparison_pages(
    comparison: LayerComparison,
    options: DrawingOptions,
    order: ComparisonOrder = "index",
    *,
    cautions: Sequence[str] = (),
    as_stored: bool = True,
) -> Iterator[SheetPage]:
    """Yield the pages that show every state of every filter, and the difference of last and first.

    One channel: a strip of states for each filter. Several: a strip of channels for each state of it.
    """
    indices = _arrange(comparison, options.sheet.top, order)
    sheet = _sheet(comparison, options, indices)
    facts = (_extent(comparison, len(indices), as_stored), *sheet.facts)
    return sheet_pages(replace(sheet, facts=facts, notes=(*cautions, *sheet.notes)), options)


def frame_pages(
    comparison: LayerComparison, options: DrawingOptions, order: ComparisonOrder = "index"
) -> Iterator[SheetPage]:
    """Yield one page for each state, all with the same scale and layout: the frames of an animation.

    Raises:
        DrawingError: a state does not fit on one page.
    """
    indices = _arrange(comparison, options.sheet.top, order)
    shown = comparison.filters[:, indices]
    limits = symmetric_limits(shown.reshape(-1, *shown.shape[2:]), "layer")
    for place, state in enumerate(comparison.states):
        sheet = Sheet(
            name="frame",
            values=normalise(shown[place], limits),
            cmap=options.sheet.cmap or DIVERGING,
            labels=tuple(str(i) for i in indices),
            headings=_channel_headings(shown.shape[2]),
            title=f"{comparison.label} · {state}",
            facts=(f"{place + 1} of {len(comparison.states)}; one scale for all files",),
            legend=signed_legend(limits, "layer"),
        )
        pages = list(sheet_pages(sheet, options))
        if len(pages) > 1:
            raise DrawingError(
                f"a frame of {comparison.label} needs {len(pages)} pages: animate fewer filters with --top"
            )
        yield pages[0]


def _arrange(comparison: LayerComparison, top: int | None, order: ComparisonOrder) -> NDArray[np.intp]:
    """Return the filters to draw: with ``top`` those that changed most, in the order asked for."""
    most = np.argsort(-comparison.relative_change, kind="stable")[:top]
    return most if order == "change" else np.sort(most)


def _sheet(comparison: LayerComparison, options: DrawingOptions, indices: NDArray[np.intp]) -> Sheet:
    difference = comparison.filters[-1] - comparison.filters[0]
    states = np.stack([*comparison.filters, difference])[:, indices].swapaxes(0, 1)
    n_filters, n_states, n_channels, rows, cols = states.shape
    # What shares a scale shares it over all states.
    together = states.swapaxes(1, 2).reshape(n_filters, n_channels, n_states * rows, cols)
    limits = symmetric_limits(together, options.sheet.scale)
    values = normalise(states, limits[:, None])
    return Sheet(
        name="compare",
        values=values[:, :, 0] if n_channels == 1 else values.reshape(-1, n_channels, rows, cols),
        group=1 if n_channels == 1 else n_states,
        cmap=options.sheet.cmap or DIVERGING,
        **_texts(comparison, indices, n_channels),
        title=f"{comparison.label} · {' → '.join(comparison.states)}",
        facts=(comparison.sentence, _reading(n_channels)),
        notes=_omitted(comparison, n_filters),
        legend=signed_legend(limits, options.sheet.scale),
    )


def _texts(comparison: LayerComparison, indices: NDArray[np.intp], n_channels: int) -> dict[str, Any]:
    """Return labels, headings and captions: a strip is a filter where there is one channel, else a state."""
    names = [*_short(comparison.states), "difference"]
    remarks = [("",) * (len(names) - 2) + _remark(comparison, i) for i in indices]
    if n_channels == 1:
        return {
            "labels": tuple(str(i) for i in indices),
            "headings": tuple(names),
            "captions": tuple(remarks),
        }
    labels = (
        " ".join(filter(None, [str(i), name, beside]))
        for i, remark in zip(indices, remarks, strict=True)
        for name, beside in zip(names, remark, strict=True)
    )
    return {"labels": tuple(labels), "headings": _channel_headings(n_channels)}


def _short(states: Sequence[str]) -> list[str]:
    """Return what to call the states at tiles: two are before and after, more are numbered."""
    return ["before", "after"] if len(states) == 2 else [str(i) for i in range(1, len(states) + 1)]


def _remark(comparison: LayerComparison, index: int) -> tuple[str, str]:
    """Return what is written below a filter's last state, and below its difference."""
    cosine, change = comparison.cosine[index], comparison.relative_change[index]
    return f"cos {cosine:.2f}" if np.isfinite(cosine) else "", f"{change:.0%}" if np.isfinite(
        change
    ) else "new"


def _channel_headings(n_channels: int) -> tuple[str, ...]:
    return tuple(map(str, range(n_channels))) if n_channels > 1 else ()


def _extent(comparison: LayerComparison, n_drawn: int, as_stored: bool) -> str:
    channels, rows, cols = comparison.filters.shape[2:]
    return (
        f"{plural(n_drawn, 'filter')} x {plural(channels, 'channel')} of {rows}x{cols} weights, "
        f"{span(comparison.filters)}, {'as stored' if as_stored else 'as they match in the image'}"
    )


def _reading(n_channels: int) -> str:
    if n_channels > 1:
        return "rows are the states of a filter and last minus first, columns are input channels"
    return "below a filter: cosine of first and last; norm of the difference over the norm of the first"


def _omitted(comparison: LayerComparison, n_drawn: int) -> tuple[str, ...]:
    left = len(comparison.cosine) - n_drawn
    return (f"{plural(left, 'filter')} that changed less not drawn (--top)",) if left else ()
