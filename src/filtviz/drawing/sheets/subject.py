"""What a sheet is about: the filters of a layer as they are to be drawn, and what is to be said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.sheets.options import SheetOptions
from filtviz.drawing.sheets.ordering import arrange
from filtviz.network import ConvLayer
from filtviz.text import printable

__all__ = ["Subject", "number", "span", "take_subject"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """The filters to draw, in the order to draw them.

    ``filters`` is ``(filters, channels, rows, cols)``; ``indices`` and ``channels`` are their places in the
    layer. ``title``, ``facts`` and ``notes`` are for the header.
    """

    filters: NDArray[Any]
    indices: tuple[int, ...]
    channels: tuple[int, ...]
    title: str
    facts: tuple[str, ...]
    notes: tuple[str, ...]
    options: SheetOptions

    @property
    def labels(self) -> tuple[str, ...]:
        """The filters' indices as text, empty where the person wants none."""
        return tuple(str(i) if self.options.labels else "" for i in self.indices)

    @property
    def headings(self) -> tuple[str, ...]:
        """The channels' indices as text; none for a lone channel."""
        if not self.options.labels or len(self.channels) == 1:
            return ()
        return tuple(map(str, self.channels))

    def captions(self, n_columns: int) -> tuple[tuple[str, ...], ...]:
        """Return the remarks as captions of each filter's first tile; none where there are no remarks."""
        remarks = self.options.remarks
        if not self.options.labels or not remarks:
            return ()
        return tuple((remarks[i], *[""] * (n_columns - 1)) for i in self.indices)


def take_subject(layer: ConvLayer, channels: Sequence[int], options: SheetOptions) -> Subject:
    """Choose, order and turn the filters of a layer as the options ask for."""
    filters = layer.filters[:, list(channels)]
    indices = arrange(filters, options.sort, options.top)
    chosen = filters[indices]
    if options.flip and layer.flip_filters:
        chosen = chosen[..., ::-1, ::-1]
    return Subject(
        filters=chosen,
        indices=tuple(indices.tolist()),
        channels=tuple(channels),
        title=title_of(layer, options),
        facts=(_extent(chosen), _manner(layer, options)),
        notes=(*options.notes, *_omissions(layer, channels, indices), *_oddities(chosen)),
        options=options,
    )


def title_of(layer: ConvLayer, options: SheetOptions) -> str:
    """Return "model.pkl · conv3 (convolution 2, Conv2DLayer)"."""
    name = printable(layer.label, 60)
    what = f"{name} (convolution {layer.conv_index}, {printable(layer.type, 40)})"
    return " · ".join(filter(None, [printable(options.source, 80), what if layer.conv_index >= 0 else name]))


def number(value: float) -> str:
    """Write a number with three digits that count."""
    return f"{value:.3g}"


def span(values: NDArray[Any]) -> str:
    """Write the range of the finite values: "0.12 to 0.4"; "0.12" where all are equal."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "no finite value"
    low, high = number(finite.min()), number(finite.max())
    return low if low == high else f"{low} to {high}"


def counted(n: int, what: str) -> str:
    """Write "1 filter" or "20 filters"."""
    return f"{n:,} {what}{'s'[: n != 1]}"


def _extent(filters: NDArray[Any]) -> str:
    n, channels, rows, cols = filters.shape
    return (
        f"{counted(n, 'filter')} x {counted(channels, 'channel')} of {rows}x{cols} weights, {span(filters)}"
    )


_ORIENTATIONS = {
    (
        False,
        True,
    ): "as stored: turned by 180° against what they match in the image (--flip)",
    (False, False): "as stored, which is as they match in the image",
    (False, None): "as stored (the file does not say whether that is how they match in the image)",
    (True, True): "turned by 180°: as they match in the image",
    (True, False): "as they match in the image, which is as stored",
    (True, None): "as stored: how they match in the image cannot be shown, the file does not say "
    "whether the layer turns them",
}
"""(flip asked for, layer's flip_filters) → what is drawn."""


def _manner(layer: ConvLayer, options: SheetOptions) -> str:
    """Say how the filters are turned and ordered."""
    parts = [options.orientation or _ORIENTATIONS[options.flip, layer.flip_filters]]
    if options.sort == "norm":
        parts.append("strongest first")
    elif options.sort == "similarity":
        parts.append("ordered so that neighbours look alike")
    return "; ".join(parts)


def _omissions(layer: ConvLayer, channels: Sequence[int], indices: NDArray[np.intp]) -> list[str]:
    """Say what of the layer is not on the sheet."""
    sentences = []
    if len(indices) < layer.n_filters:
        weaker = counted(layer.n_filters - len(indices), "weaker filter")
        sentences.append(f"{weaker} of {layer.n_filters:,} not drawn (--top)")
    if len(channels) < layer.n_channels:
        left = counted(layer.n_channels - len(channels), "channel")
        sentences.append(f"{left} of {layer.n_channels:,} not drawn (--channels)")
    return sentences


def _oddities(filters: NDArray[Any]) -> list[str]:
    bad = int((~np.isfinite(filters)).sum())
    if not bad:
        return []
    return [f"{counted(bad, 'weight')} of {filters.size:,} not finite (NaN or infinite), drawn green"]
