"""Which pictures of a layer a page holds: its kernels, what sums them up, the composed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.composition import compose
from filtviz.drawing.colours import symmetric_limits
from filtviz.errors import CompositionError
from filtviz.measures.components import rms_over_channels, singular_components
from filtviz.network import ConvLayer, Network
from filtviz.reporting.sprites import Sprite, encode_sprite

__all__ = ["Depth", "PictureSet", "draw_kernels", "draw_through", "plan_depths", "sum_up"]

BASE64 = 4 / 3
COMPONENTS = 3
FEW_CHANNELS = 4
"""Up to so many channels are seen at once without a summary."""

LARGEST_THROUGH = 41
"""Pixels of a side up to which composed filters are drawn in the page."""


@dataclass(frozen=True, kw_only=True)
class PictureSet:
    """Pictures of all filters of a layer, in each of the files.

    Each filter has one picture for each of ``columns``. ``sprites`` and ``limits`` have one entry for each
    file. ``shares`` ``[file][filter][column]`` tells, where it is not empty, what part of the filter's energy
    a picture shows, None where that is no part. ``coloured`` marks three channels that are red, green, blue.
    """

    key: str
    title: str
    columns: tuple[str, ...]
    sprites: tuple[Sprite, ...]
    limits: tuple[float, ...]
    shares: tuple[tuple[tuple[float | None, ...], ...], ...] = ()
    notes: tuple[str, ...] = ()
    coloured: bool = False


Depth = int
"""Bits a weight: 16, 8, or 0 where the page has no room for the layer's kernels."""


def plan_depths(sizes: Sequence[int], megabytes: float) -> list[Depth]:
    """Return the bits a weight for layers of so many weights, such that their pictures fit.

    All get 16 bits, or all 8; where that is too much, the largest layers get none.
    """
    room = megabytes * 1e6 / BASE64
    if 2 * sum(sizes) <= room:
        return [16] * len(sizes)
    depths: list[Depth] = [8] * len(sizes)
    excess = sum(sizes) - room
    for place in sorted(range(len(sizes)), key=lambda i: -sizes[i]):
        if excess <= 0:
            break
        depths[place] = 0
        excess -= sizes[place]
    return depths


def draw_kernels(layers: Sequence[ConvLayer], depth: Depth) -> PictureSet | None:
    """Draw each kernel as stored, a column for each channel; None where ``depth`` leaves no room."""
    if depth == 0:
        return None
    n_channels = layers[0].n_channels
    columns = [f"channel {i}" for i in range(n_channels)]
    drawn = _draw("kernels", "Kernels, as stored", columns, [layer.filters for layer in layers], depth)
    return replace(drawn, coloured=n_channels == 3 and layers[0].conv_index == 0)


def sum_up(layers: Sequence[ConvLayer], depth: Depth) -> PictureSet | None:
    """Draw the root mean square over the channels and the strongest patterns of each filter.

    None for few channels, which are seen at once, and where a weight is not finite.
    """
    filters = [layer.filters for layer in layers]
    if filters[0].shape[1] <= FEW_CHANNELS or not all(np.isfinite(f).all() for f in filters):
        return None
    found = [singular_components(f, COMPONENTS) for f in filters]
    pictures = [
        np.concatenate([rms_over_channels(f), components.pictures], axis=1)
        for f, components in zip(filters, found, strict=True)
    ]
    columns = ["root mean square", *(f"component {i + 1}" for i in range(pictures[0].shape[1] - 1))]
    return replace(
        _draw("summary", "All channels summed up", columns, pictures, depth or 8),
        shares=tuple(tuple((None, *row) for row in components.shares.tolist()) for components in found),
        notes=(
            "components are a filter's strongest patterns over its channels (singular value decomposition)",
        ),
    )


def draw_through(
    networks: Sequence[Network], layers: Sequence[ConvLayer], size: tuple[int, int] | None
) -> tuple[PictureSet | None, tuple[str, ...]]:
    """Draw the filters composed with the layers below, and say why where they are not.

    ``size`` is that of the composed filters as the diagnosis has measured them, None where it has not.
    """
    if size is None or layers[0].conv_index == 0:
        return None, ()
    if max(size) > LARGEST_THROUGH:
        return None, (f"composed, the filters are {size[0]}x{size[1]} pixels, too large for tiles",)
    try:
        composed = [compose(network, layer) for network, layer in zip(networks, layers, strict=True)]
    except CompositionError as error:
        return None, (str(error),)
    templates = [each.templates for each in composed]
    if len({each.shape for each in templates}) > 1:
        return None, ("composed, the filters are not of one size in all files",)
    n_channels = templates[0].shape[1]
    title = "Composed with the layers below, as they match in the image"
    columns = [f"image channel {i}" for i in range(n_channels)]
    drawn = _draw("through", title, columns, templates, 8)
    return replace(drawn, notes=composed[0].approximations, coloured=n_channels == 3), ()


def _draw(
    key: str, title: str, columns: Sequence[str], pictures: Sequence[NDArray[Any]], depth: Depth
) -> PictureSet:
    """Encode the pictures of each file by its own limit: the page brings them to one scale."""
    limits = tuple(float(symmetric_limits(each, "layer").max(initial=0.0)) for each in pictures)
    sprites = tuple(encode_sprite(each, limit, depth) for each, limit in zip(pictures, limits, strict=True))
    return PictureSet(key=key, title=title, columns=tuple(columns), sprites=sprites, limits=limits)
