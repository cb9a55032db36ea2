"""Filters over one axis or three as pictures over two: curves or channels by places, and slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from filtviz.errors import DrawingError
from filtviz.network import ConvLayer
from filtviz.text import printable

if TYPE_CHECKING:
    from filtviz.drawing.options import DrawingOptions
    from filtviz.drawing.sheet import SheetTexts

__all__ = ["as_planar", "is_drawn", "view_for"]

_FEW = 4
"""Up to so many channels a filter over one axis is drawn as curves, unless a view is chosen."""

_ROWS = "a row of a tile is an input channel, a column is a place along the axis"
_SLICES = "rows are filters, columns are the {n} slices of each"
_OF_CHANNELS = ", one behind the other, for each input channel in turn"


def is_drawn(layer: ConvLayer) -> bool:
    """Tell whether a layer can be drawn: as it is, or as something over two axes."""
    return layer.why_not_drawn is None or layer.is_curve or layer.is_volume


def view_for(layer: ConvLayer, n_channels: int, view: str) -> str:
    """Return the view that a layer is drawn in: nolearn's layout has a place for two axes only.

    Args:
        layer: The layer, of which nothing needs to be read.
        n_channels: How many of its channels are drawn.
        view: The view that was asked for, or the default.

    Raises:
        DrawingError: curves are asked for of filters over two axes or three.
    """
    if layer.is_curve:
        return view if view != "grid" else "curves" if n_channels <= _FEW else "sheet"
    if view == "curves" and is_drawn(layer):
        size = "x".join(map(str, layer.kernel_size))
        raise DrawingError(
            f"{printable(layer.label, 40)} has filters of {size}, which are no curves over one axis: "
            "leave out --view curves"
        )
    return "sheet" if view == "grid" and layer.is_volume else view


def as_planar(
    layer: ConvLayer, channels: Sequence[int], options: DrawingOptions, texts: SheetTexts
) -> tuple[ConvLayer, Sequence[int], DrawingOptions, SheetTexts]:
    """Return a layer over one axis or three as one over two, with what draws it; others as they are.

    Args:
        layer: Any convolution.
        channels: The channels to draw.
        options: How it is drawn.
        texts: What a sheet says beside what the layer tells itself.

    Raises:
        DrawingError: curves are asked for of filters over two axes or three.
    """
    options = replace(options, view=view_for(layer, len(channels), options.view))
    if not (layer.is_curve or layer.is_volume):
        return layer, channels, options, texts
    filters = layer.filters[:, list(channels)]
    texts = replace(texts, extent="x".join(map(str, layer.kernel_size)), n_channels=len(channels))
    if layer.is_volume:
        planar = filters.reshape(len(filters), -1, *filters.shape[3:])
        rows = _SLICES.format(n=filters.shape[2]) + (_OF_CHANNELS if len(channels) > 1 else "")
        texts = _saying(texts, options, rows)
        channels = range(planar.shape[1])
    elif options.view == "curves":
        planar = layer.filters[:, :, np.newaxis]
    else:
        planar, channels = filters[:, np.newaxis], [0]
        texts = _saying(texts, options, f"a tile is a filter, with its index at its left; {_ROWS}")
    drawn = ConvLayer.of(
        planar,
        flip_filters=layer.flip_filters,
        type=layer.type,
        name=layer.name,
        label=layer.label,
        index=layer.index,
        conv_index=layer.conv_index,
    )
    return drawn, channels, options, texts


def _saying(texts: SheetTexts, options: DrawingOptions, rows: str) -> SheetTexts:
    """Say what rows and columns are: instead of what a sheet says, or beside it in other views."""
    if options.view == "sheet":
        return replace(texts, rows=rows)
    return replace(texts, notes=(*texts.notes, rows))
