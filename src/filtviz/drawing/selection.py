"""What a sheet is about: the filters of a layer as they are to be drawn, and what is to be said of them."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.options import Order, SheetOptions
from filtviz.drawing.sheet import SheetTexts, span
from filtviz.errors import ArgumentError, SelectionError
from filtviz.network import ConvLayer
from filtviz.scaling import in_double, scale_of
from filtviz.text import described, plural, printable, quoted

__all__ = [
    "ALL_CHANNELS",
    "ChannelRanges",
    "Channels",
    "Selection",
    "arrange",
    "as_ranges",
    "choose_channels",
    "parse_channels",
    "select_filters",
]

ChannelRanges = Sequence[tuple[int, int]] | None
"""Pairs of a first and a last channel; None for all that there are."""

Channels: TypeAlias = str | int | Iterable[int | tuple[int, int]] | None
"""As in a shell (``"0,2-5"``, ``"rgb"``), or numbers and pairs of a first and a last one; None for all."""

ALL_CHANNELS = "all"

_RANGE = re.compile(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?\Z", re.ASCII)


def parse_channels(text: str) -> ChannelRanges:
    """Read ``all`` or ``0,2-5``.

    Raises:
        ArgumentError: it is neither; the text is one sentence.
    """
    if text.strip().lower() == ALL_CHANNELS:
        return None
    ranges = []
    for part in text.split(","):
        match = _RANGE.match(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise ArgumentError(
                f"channels are `all`, or numbers and ranges such as 0,2-5, not {quoted(text, 40)}"
            )
        ranges.append((first, last))
    return ranges


def as_ranges(channels: Channels) -> ChannelRanges:
    """Return pairs of a first and a last channel: of text, of numbers, numpy's as well, and of pairs.

    Raises:
        ArgumentError: these are no channels; the text is one sentence.
    """
    if channels is None or isinstance(channels, str):
        return None if channels is None else parse_channels(channels)
    try:
        given = channels if isinstance(channels, Iterable) else [channels]
        pairs = [each if isinstance(each, Sequence) else (each, each) for each in given]
        ranges = [(operator.index(first), operator.index(last)) for first, last in pairs]
    except (TypeError, ValueError):
        raise ArgumentError(
            f"channels are 'all', 'rgb', text such as '0,2-5', numbers or pairs, not {described(channels)}"
        ) from None
    for first, last in ranges:
        if first > last:
            raise ArgumentError(f"channels go from a first to a last one, not from {first} to {last}")
    if not ranges:
        raise ArgumentError("no channel is chosen: give at least one, or None for all")
    return ranges


def choose_channels(layer: ConvLayer, ranges: ChannelRanges) -> Sequence[int]:
    """Return the channels in ``ranges`` in rising order, each once.

    Raises:
        SelectionError: the layer has no such channel.
    """
    available = range(layer.n_channels)
    if ranges is None:
        return available
    for last in (place for pair in ranges for place in pair):
        if last not in available:
            raise SelectionError(
                f"{printable(layer.label, 40)} has no channel {last}: it has {len(available)}, from 0 on",
                wanted=last,
            )
    return sorted({channel for first, last in ranges for channel in range(first, last + 1)})


@dataclass(frozen=True, kw_only=True, eq=False)
class Selection:
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
    texts: SheetTexts

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
        remarks = self.texts.remarks
        if not self.options.labels or not remarks:
            return ()
        return tuple((remarks[i], *[""] * (n_columns - 1)) for i in self.indices)


def select_filters(
    layer: ConvLayer, channels: Sequence[int], options: SheetOptions, texts: SheetTexts
) -> Selection:
    """Choose, order and turn the filters of a layer as the options ask for."""
    filters = layer.filters[:, list(channels)]
    indices = arrange(filters, options.sort, options.top)
    chosen = filters[indices]
    if options.flip and layer.flip_filters:
        chosen = chosen[..., ::-1, ::-1]
    return Selection(
        filters=chosen,
        indices=tuple(indices.tolist()),
        channels=tuple(channels),
        title=_title_of(layer, texts.source),
        facts=(_extent(chosen, texts), _manner(layer, options, texts)),
        notes=(*texts.notes, *_omissions(layer, channels, indices), *_oddities(chosen)),
        options=options,
        texts=texts,
    )


def _title_of(layer: ConvLayer, source: str) -> str:
    """Return "model.pkl · conv3 (convolution 2, Conv2DLayer)"."""
    name = printable(layer.label, 60)
    what = f"{name} (convolution {layer.conv_index}, {printable(layer.type, 40)})"
    return " · ".join(filter(None, [printable(source, 80), what if layer.conv_index >= 0 else name]))


def _extent(filters: NDArray[Any], texts: SheetTexts) -> str:
    n, channels, rows, cols = filters.shape
    size, channels = texts.extent or f"{rows}x{cols}", texts.n_channels or channels
    return f"{plural(n, 'filter')} x {plural(channels, 'channel')} of {size} weights, {span(filters)}"


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


def _manner(layer: ConvLayer, options: SheetOptions, texts: SheetTexts) -> str:
    """Say how the filters are turned and ordered."""
    parts = [texts.orientation or _ORIENTATIONS[options.flip, layer.flip_filters]]
    if options.sort == "norm":
        parts.append("strongest first")
    elif options.sort == "similarity":
        parts.append("ordered so that neighbours look alike")
    return "; ".join(parts)


def _omissions(layer: ConvLayer, channels: Sequence[int], indices: NDArray[np.intp]) -> list[str]:
    """Say what of the layer is not on the sheet."""
    sentences = []
    if len(indices) < layer.n_filters:
        weaker = plural(layer.n_filters - len(indices), "weaker filter")
        sentences.append(f"{weaker} of {layer.n_filters:,} not drawn (--top)")
    if len(channels) < layer.n_channels:
        left = plural(layer.n_channels - len(channels), "channel")
        sentences.append(f"{left} of {layer.n_channels:,} not drawn (--channels)")
    return sentences


def _oddities(filters: NDArray[Any]) -> list[str]:
    bad = int((~np.isfinite(filters)).sum())
    if not bad:
        return []
    return [f"{plural(bad, 'weight')} of {filters.size:,} not finite (NaN or infinite), drawn green"]


def _strongest_first(filters: NDArray[Any]) -> NDArray[np.intp]:
    """Return the indices by falling norms, even where the square of none is a number.

    Weights that are not finite count as 0.
    """
    flat = np.nan_to_num(_flat(filters), nan=0.0, posinf=0.0, neginf=0.0)
    scales = scale_of(flat, 1)
    norms = np.linalg.norm(flat / scales, axis=1)
    mantissas, exponents = np.frexp(norms)
    order = np.where(norms > 0, exponents + np.frexp(scales[:, 0])[1], np.iinfo(np.int32).min)
    return np.lexsort((-mantissas, -order.astype(np.int64)))


def arrange(filters: NDArray[Any], order: Order = "index", top: int | None = None) -> NDArray[np.intp]:
    """Return the indices of the filters to draw, in the order to draw them.

    Args:
        filters: ``(filters, channels, rows, cols)``.
        order: ``index`` as stored; ``norm`` the strongest first; ``similarity`` such that neighbours look
            alike: average linkage of the filters as unit vectors, leaves in the order that minimises the
            distances of neighbours (Bar-Joseph, Gifford & Jaakkola, "Fast optimal leaf ordering for
            hierarchical clustering", 2001; `scipy.cluster.hierarchy.optimal_leaf_ordering`).
        top: Keep only so many, those of the largest norm; None keeps all.
    """
    strongest = _strongest_first(filters)
    kept = np.sort(strongest[:top])
    if order == "norm":
        return strongest[:top]
    if order == "similarity" and len(kept) > 2:
        return np.asarray(kept[_leaves(filters[kept])])
    return kept


def _leaves(filters: NDArray[Any]) -> NDArray[np.intp]:
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import pdist

    flat = np.nan_to_num(_flat(filters), nan=0.0, posinf=0.0, neginf=0.0)
    flat = flat / scale_of(flat, 1)
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    distances = pdist(flat / np.where(norms > 0, norms, 1.0))
    tree = hierarchy.linkage(distances, method="average")
    return np.asarray(hierarchy.leaves_list(hierarchy.optimal_leaf_ordering(tree, distances)), np.intp)


def _flat(filters: NDArray[Any]) -> NDArray[np.float64]:
    return in_double(filters.reshape(len(filters), -1))
