"""Sheets of the same layer in several files: every state of every filter, and what changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.colours import DIVERGING, normalise, symmetric_limits
from filtviz.drawing.kernel_sheets import signed_legend
from filtviz.drawing.pages import SheetPage, sheet_pages
from filtviz.drawing.sheet import Sheet, span
from filtviz.errors import DrawingError
from filtviz.text import plural

if TYPE_CHECKING:
    from filtviz.drawing.options import DrawingOptions
    from filtviz.measures.comparison import LayerComparison

__all__ = ["ComparisonOrder", "comparison_pages", "frame_pages"]

ComparisonOrder = Literal["index", "change"]


def comparison_pages(
    comparison: LayerComparison, options: DrawingOptions, order: ComparisonOrder = "index"
) -> Iterator[SheetPage]:
    """Yield the pages that show every state of every filter, and the difference of last and first.

    One channel: a strip of states for each filter. Several: a strip of channels for each state of it.
    """
    return sheet_pages(_sheet(comparison, options, _arrange(comparison, options.sheet.top, order)), options)


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
        facts=(_extent(comparison, n_filters), comparison.sentence, _reading(n_channels)),
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


def _extent(comparison: LayerComparison, n_drawn: int) -> str:
    channels, rows, cols = comparison.filters.shape[2:]
    return (
        f"{plural(n_drawn, 'filter')} x {plural(channels, 'channel')} of {rows}x{cols} weights, "
        f"{span(comparison.filters)}, as stored"
    )


def _reading(n_channels: int) -> str:
    if n_channels > 1:
        return "rows are the states of a filter and last minus first, columns are input channels"
    return "below a filter: cosine of first and last; norm of the difference over the norm of the first"


def _omitted(comparison: LayerComparison, n_drawn: int) -> tuple[str, ...]:
    left = len(comparison.cosine) - n_drawn
    return (f"{plural(left, 'filter')} that changed less not drawn (--top)",) if left else ()
