"""The same layer in several files: what changed, in numbers and as a sheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.colours import DIVERGING
from filtviz.drawing.sheets.kernels import signed_legend
from filtviz.drawing.sheets.scales import normalise, symmetric_limits
from filtviz.drawing.sheets.selection import counted, span
from filtviz.drawing.sheets.sheet import Sheet, SheetPage, sheet_pages
from filtviz.errors import DrawingError
from filtviz.network import ConvLayer
from filtviz.text import printable

if TYPE_CHECKING:
    from filtviz.drawing.options import DrawingOptions

__all__ = ["ComparisonOrder", "LayerComparison", "compare_layers", "comparison_pages", "frame_pages"]

ComparisonOrder = Literal["index", "change"]


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerComparison:
    """One layer at several stages, such as before and after training.

    Attributes:
        label: The layer's name.
        stages: What each stage is called.
        filters: ``(stages, filters, channels, rows, cols)``, float64.
        relative_change: ``(filters,)``: the norm of last minus first over the norm of the first; infinite
            for a filter that was zero, 0 where nothing changed.
        cosine: ``(filters,)``: of the angle between first and last; NaN where one of them is zero.
    """

    label: str
    stages: tuple[str, ...]
    filters: NDArray[np.float64]
    relative_change: NDArray[np.float64]
    cosine: NDArray[np.float64]

    @property
    def total_change(self) -> float:
        """The relative change of the layer as a whole."""
        first, last = self.filters[0].ravel()[None], self.filters[-1].ravel()[None]
        return float(_relative_changes(first, last)[0])

    @property
    def total_cosine(self) -> float:
        """The cosine of the layer as a whole."""
        first, last = self.filters[0].ravel()[None], self.filters[-1].ravel()[None]
        return float(_cosines(first, last)[0])

    @property
    def sentence(self) -> str:
        """Say what changed, for a person."""
        changed = int((self.filters[0] != self.filters[-1]).sum())
        between = f"from {self.stages[0]} to {self.stages[-1]}"
        if not changed:
            return f"nothing changed {between}: all {self.filters[0].size:,} weights are the same"
        known = self.relative_change[np.isfinite(self.relative_change)]
        if not np.isfinite(self.total_change) or not known.size:
            return f"{between} all weights changed: they were all zero"
        low, middle, high = np.percentile(known, [0, 50, 100])
        new = self.relative_change.size - known.size
        beside = f"; {counted(new, 'filter')} had been zero" if new else ""
        return (
            f"{between} the weights changed by {self.total_change:.0%} of their norm "
            f"(filters: median {middle:.0%}, {low:.0%} to {high:.0%}{beside}); the cosine of first and last "
            f"is {self.total_cosine:.3f}"
        )


def compare_layers(layers: Sequence[ConvLayer], stages: Sequence[str]) -> LayerComparison:
    """Compare the same layer of several networks, in the order given.

    Raises:
        DrawingError: there are fewer than two, their weights have different shapes, or are not finite.
    """
    if len(layers) < 2:
        raise DrawingError("there is only one file: give two or more to compare")
    for layer in layers:
        if layer.why_not_drawn is not None:
            raise DrawingError(f"{printable(layer.label, 40)} cannot be compared: {layer.why_not_drawn}")
    shapes = [layer.filters.shape for layer in layers]
    for stage, shape in zip(stages, shapes, strict=True):
        if shape != shapes[0]:
            raise DrawingError(
                f"{printable(layers[0].label, 40)} is {'x'.join(map(str, shapes[0]))} in {stages[0]} and "
                f"{'x'.join(map(str, shape))} in {stage}: only layers of one shape can be compared"
            )
    filters = np.stack([layer.filters.astype(np.float64) for layer in layers])
    if not np.isfinite(filters).all():
        raise DrawingError(
            f"{printable(layers[0].label, 40)} cannot be compared: some weights are not finite"
        )
    first, last = (stage.reshape(len(stage), -1) for stage in (filters[0], filters[-1]))
    return LayerComparison(
        label=printable(layers[0].label, 60),
        stages=tuple(stages),
        filters=filters,
        relative_change=_relative_changes(first, last),
        cosine=_cosines(first, last),
    )


def _relative_changes(first: NDArray[np.float64], last: NDArray[np.float64]) -> NDArray[np.float64]:
    moved, before = np.linalg.norm(last - first, axis=1), np.linalg.norm(first, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(moved == 0, 0.0, moved / before)


def _cosines(first: NDArray[np.float64], last: NDArray[np.float64]) -> NDArray[np.float64]:
    product = np.linalg.norm(first, axis=1) * np.linalg.norm(last, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosines = (first * last).sum(axis=1) / product
    return np.asarray(np.clip(cosines, -1.0, 1.0))


def comparison_pages(
    comparison: LayerComparison, options: DrawingOptions, order: ComparisonOrder = "index"
) -> Iterator[SheetPage]:
    """Yield the pages that show every stage of every filter, and the difference of last and first.

    One channel: a strip of stages for each filter. Several: a strip of channels for each stage of it.
    """
    return sheet_pages(_sheet(comparison, options, _arrange(comparison, options.sheet.top, order)), options)


def frame_pages(
    comparison: LayerComparison, options: DrawingOptions, order: ComparisonOrder = "index"
) -> Iterator[SheetPage]:
    """Yield one page for each stage, all with the same scale and layout: the frames of an animation.

    Raises:
        DrawingError: a stage does not fit on one page.
    """
    indices = _arrange(comparison, options.sheet.top, order)
    shown = comparison.filters[:, indices]
    limits = symmetric_limits(shown.reshape(-1, *shown.shape[2:]), "layer")
    for place, stage in enumerate(comparison.stages):
        sheet = Sheet(
            name="frame",
            values=normalise(shown[place], limits),
            cmap=options.sheet.cmap or DIVERGING,
            labels=tuple(str(i) for i in indices),
            headings=_channel_headings(shown.shape[2]),
            title=f"{comparison.label} · {stage}",
            facts=(f"{place + 1} of {len(comparison.stages)}; one scale for all files",),
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
    stages = np.stack([*comparison.filters, difference])[:, indices].swapaxes(0, 1)
    n_filters, n_stages, n_channels, rows, cols = stages.shape
    # What shares a scale shares it over all stages.
    together = stages.swapaxes(1, 2).reshape(n_filters, n_channels, n_stages * rows, cols)
    limits = symmetric_limits(together, options.sheet.scale)
    values = normalise(stages, limits[:, None])
    return Sheet(
        name="compare",
        values=values[:, :, 0] if n_channels == 1 else values.reshape(-1, n_channels, rows, cols),
        group=1 if n_channels == 1 else n_stages,
        cmap=options.sheet.cmap or DIVERGING,
        **_texts(comparison, indices, n_channels),
        title=f"{comparison.label} · {' → '.join(comparison.stages)}",
        facts=(_extent(comparison, n_filters), comparison.sentence, _reading(n_channels)),
        notes=_omitted(comparison, n_filters),
        legend=signed_legend(limits, options.sheet.scale),
    )


def _texts(comparison: LayerComparison, indices: NDArray[np.intp], n_channels: int) -> dict[str, Any]:
    """Return labels, headings and captions: a strip is a filter where there is one channel, else a stage."""
    names = [*_short(comparison.stages), "difference"]
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


def _short(stages: Sequence[str]) -> list[str]:
    """Return what to call the stages at tiles: two are before and after, more are numbered."""
    return ["before", "after"] if len(stages) == 2 else [str(i) for i in range(1, len(stages) + 1)]


def _remark(comparison: LayerComparison, index: int) -> tuple[str, str]:
    """Return what is written below a filter's last stage, and below its difference."""
    cosine, change = comparison.cosine[index], comparison.relative_change[index]
    return f"cos {cosine:.2f}" if np.isfinite(cosine) else "", f"{change:.0%}" if np.isfinite(
        change
    ) else "new"


def _channel_headings(n_channels: int) -> tuple[str, ...]:
    return tuple(map(str, range(n_channels))) if n_channels > 1 else ()


def _extent(comparison: LayerComparison, n_drawn: int) -> str:
    channels, rows, cols = comparison.filters.shape[2:]
    return (
        f"{counted(n_drawn, 'filter')} x {counted(channels, 'channel')} of {rows}x{cols} weights, "
        f"{span(comparison.filters)}, as stored"
    )


def _reading(n_channels: int) -> str:
    if n_channels > 1:
        return "rows are the stages of a filter and last minus first, columns are input channels"
    return "below a filter: cosine of first and last; norm of the difference over the norm of the first"


def _omitted(comparison: LayerComparison, n_drawn: int) -> tuple[str, ...]:
    left = len(comparison.cosine) - n_drawn
    return (f"{counted(left, 'filter')} that changed less not drawn (--top)",) if left else ()
