"""What a picture of kernels with their own contrast does not show, in sentences for who looks at it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.pixelmap import Grid, place_boxes
from filtviz.text import printable

if TYPE_CHECKING:
    from filtviz.drawing.options import DrawingOptions
    from filtviz.network import ConvLayer

__all__ = ["cautions"]

NAMED = 8
"""So many kernels are named; how many more there are is said."""


def cautions(layer: ConvLayer, channels: Sequence[int], options: DrawingOptions) -> list[str]:
    """Return a sentence for each thing in which the layer's pictures would mislead."""
    label = printable(layer.label, 40)
    found = [_about_size(layer, options), *_about_values(layer, channels)]
    return [f"{label}{sentence}" for sentence in found if sentence]


def _about_size(layer: ConvLayer, options: DrawingOptions) -> str | None:
    """Say whether a page has fewer pixels than weights, so that some are not on it."""
    rows, cols = layer.kernel_size
    boxes = place_boxes(Grid.of(layer.n_filters, (rows, cols), options.figsize, options.dpi))
    width, height = boxes.right[0] - boxes.left[0], boxes.top[0] - boxes.bottom[0]
    if width >= cols and height >= rows:
        return None
    return (
        f": a kernel of {rows}x{cols} weights gets about {height:.1f} x {width:.1f} pixels,"
        " so that some weights are left out; raise --figsize or --dpi"
    )


def _about_values(layer: ConvLayer, channels: Sequence[int]) -> list[str]:
    """Say which kernels are black or hold white holes whatever their weights are."""
    kernels = layer.filters[:, list(channels)]
    finite = np.isfinite(kernels)
    holes = ~finite.all(axis=(2, 3))
    sentences = []
    if layer.kernel_size == (1, 1):
        sentences.append(
            " is 1x1: each kernel is one weight, drawn black whatever it is; this picture says nothing"
        )
    else:
        # A kernel with holes is named as such; if its other weights are equal it is no news.
        flat = (kernels.max(axis=(2, 3)) == kernels.min(axis=(2, 3))) & ~holes
        if flat.any():
            sentences.append(f": {_named(flat, channels)} constant, drawn black whatever the value is")
    if holes.any():
        sentences.append(
            f": {_named(holes, channels)} not finite (NaN or infinite weights), drawn as white holes"
        )
    return sentences


def _named(flags: NDArray[np.bool_], channels: Sequence[int]) -> str:
    """Return "2 of 60 kernels (filter 3 channel 0, …) are"; flags are ``(filters, channels)``."""
    places = np.argwhere(flags)
    names = [f"filter {f} channel {channels[c]}" for f, c in places[:NAMED].tolist()]
    if len(places) > NAMED:
        names.append(f"and {len(places) - NAMED} more")
    verb = "is" if len(places) == 1 else "are"
    return f"{len(places)} of {flags.size} kernels ({', '.join(names)}) {verb}"
