"""The pictures of a layer in a page: its kernels, what sums them up, the composed; each a small grey PNG.

A grey level is a weight: ``value = (level - zero) * unit``. With 16 bits a browser shows the upper byte and
the page's script reads both, so that one image is the picture and the numbers. Levels are multiples of 257
where it matters, because 257 k is k in 8 bits however a browser rounds.
"""

from __future__ import annotations

import io
import math
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.budget import Account
from filtviz.composition import compose
from filtviz.drawing.colours import symmetric_limits
from filtviz.errors import BudgetError, CompositionError
from filtviz.measures.components import rms_over_channels, singular_components
from filtviz.network import ConvLayer, Network

__all__ = [
    "Depth",
    "Layout",
    "PictureSet",
    "Sprite",
    "draw_kernels",
    "draw_through",
    "encode_sprite",
    "lay_out",
    "palette",
    "plan_depths",
    "sum_up",
]

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
    networks: Sequence[Network],
    layers: Sequence[ConvLayer],
    size: tuple[int, int] | None,
    account: Account | None = None,
) -> tuple[PictureSet | None, tuple[str, ...]]:
    """Draw the filters composed with the layers below, and say why where they are not.

    ``size`` is that of the composed filters as the diagnosis has measured them, None where it has not.
    """
    if size is None or layers[0].conv_index == 0:
        return None, ()
    if max(size) > LARGEST_THROUGH:
        return None, (f"composed, the filters are {size[0]}x{size[1]} pixels, too large for tiles",)
    try:
        composed = [compose(network, layer, account) for network, layer in zip(networks, layers, strict=True)]
    except BudgetError as error:
        if account is not None:
            account.left_out.append(str(error))
        return None, (str(error),)
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


GAP, NOT_FINITE_LEVEL, ZERO, SPAN = 0, 1, 129, 126
"""Levels of 8 bits: between kernels; of what is not finite; of the weight 0; steps from 0 to the largest."""

LIKED_ASPECT = 1.5


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the pictures of a sprite lie: ``across`` in a row, in reading order, ``gap`` pixels apart."""

    n: int
    rows: int
    cols: int
    across: int
    gap: int

    @property
    def size(self) -> tuple[int, int]:
        """``(height, width)`` in pixels."""
        down = -(-self.n // self.across)
        return down * (self.rows + self.gap) - self.gap, self.across * (self.cols + self.gap) - self.gap


@dataclass(frozen=True, kw_only=True)
class Sprite:
    """One PNG and how to read it: ``value = (level - zero) * unit``; the lowest levels are no weights."""

    png: bytes
    layout: Layout
    zero: int
    unit: float

    @property
    def url(self) -> str:
        """The PNG as a ``data:`` URL."""
        return f"data:image/png;base64,{b64encode(self.png).decode('ascii')}"


def lay_out(n_filters: int, n_columns: int, rows: int, cols: int) -> Layout:
    """Plan a sprite of ``n_columns`` pictures a filter: whole filters in a row, wider than high.

    Kernels of a single weight touch each other, all others are one pixel apart.
    """
    gap = 0 if rows * cols == 1 else 1
    n = n_filters * n_columns
    liked = math.sqrt(LIKED_ASPECT * n * (rows + gap) / (cols + gap))
    filters_in_a_row = min(max(1, round(liked / n_columns)), n_filters)
    return Layout(n=n, rows=rows, cols=cols, across=filters_in_a_row * n_columns, gap=gap)


def encode_sprite(pictures: NDArray[Any], limit: float, bits: int) -> Sprite:
    """Draw pictures ``(filters, columns, rows, cols)`` in 8 or 16 bits, ±``limit`` at the ends."""
    layout = lay_out(*pictures.shape)
    factor = 257 if bits == 16 else 1
    span = SPAN * factor
    levels = _levels(pictures, limit, span) + ZERO * factor
    levels[~np.isfinite(pictures)] = NOT_FINITE_LEVEL * factor
    canvas = _arrange(levels, layout)
    unit = limit / span if limit > 0 else 0.0
    return Sprite(png=_png(canvas, bits), layout=layout, zero=ZERO * factor, unit=unit)


def _levels(pictures: NDArray[Any], limit: float, span: int) -> NDArray[np.int64]:
    finite = np.where(np.isfinite(pictures), pictures, 0).astype(np.float64)
    if limit <= 0:
        return np.zeros(finite.shape, np.int64)
    return np.rint(np.clip(finite, -limit, limit) / limit * span).astype(np.int64)


def _arrange(levels: NDArray[np.int64], layout: Layout) -> NDArray[np.int64]:
    """Return ``(height, width)``, with `GAP` between the pictures and in places that stay empty."""
    down = -(-layout.n // layout.across)
    pitch = layout.rows + layout.gap, layout.cols + layout.gap
    cells = np.full((down * layout.across, *pitch), GAP, np.int64)
    cells[: layout.n, : layout.rows, : layout.cols] = levels.reshape(layout.n, layout.rows, layout.cols)
    grid = cells.reshape(down, layout.across, *pitch).transpose(0, 2, 1, 3)
    height, width = layout.size
    return grid.reshape(down * pitch[0], layout.across * pitch[1])[:height, :width]


def _png(canvas: NDArray[np.int64], bits: int) -> bytes:
    from PIL import Image

    mode, dtype = ("I;16", "<u2") if bits == 16 else ("L", "u1")
    size = (canvas.shape[1], canvas.shape[0])
    image = Image.frombytes(mode, size, np.ascontiguousarray(canvas, dtype).tobytes())
    stream = io.BytesIO()
    image.save(stream, "png", optimize=True)
    return stream.getvalue()


@lru_cache(maxsize=1)
def palette() -> tuple[tuple[int, int, int], ...]:
    """Return the colour of each of the 256 levels: blue below zero, white at zero, red above."""
    from filtviz.drawing.colours import DIVERGING, NOT_FINITE, by_colour_map

    weights = by_colour_map(np.linspace(-1.0, 1.0, 2 * SPAN + 1), DIVERGING)
    background = (190, 190, 190)
    table = [background, NOT_FINITE, background, *map(tuple, weights.tolist())]
    return tuple(table)
