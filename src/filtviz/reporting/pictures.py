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
from filtviz.drawing.colours import scale_kernels, symmetric_limits
from filtviz.errors import BudgetError, CompositionError
from filtviz.measures.components import rms_over_channels, singular_components
from filtviz.network import ConvLayer, Network
from filtviz.scaling import scale_of
from filtviz.text import printable

__all__ = [
    "FEW_CHANNELS",
    "Depth",
    "Glance",
    "Layout",
    "PictureSet",
    "Sprite",
    "draw_kernels",
    "draw_through",
    "encode_sprite",
    "glance_composed",
    "glance_stored",
    "glance_usual",
    "lay_out",
    "palette",
    "plan_depths",
    "png_url",
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


@dataclass(frozen=True, kw_only=True)
class Glance:
    """A picture beside the answer: all filters of a layer in a square, as they are seen at once.

    ``weights`` tells that the grey levels of ``sprite`` are weights, to be coloured; else it is shown as is.
    """

    conv_index: int
    title: str
    note: str
    sprite: Sprite
    weights: bool = False


def glance_usual(layer: ConvLayer, where: str = "") -> Glance:
    """Draw a layer as nolearn does, each kernel of its first channel from its lowest weight to its highest.

    Args:
        layer: The layer.
        where: What is said after its name, such as the name of its file.
    """
    kernels = scale_kernels(layer.filters[:, 0])
    levels = np.rint(np.where(np.isfinite(kernels), kernels, 1.0).astype(np.float64) * 255).astype(np.int64)
    layout = _square(*levels.shape)
    png = _png(_arrange(levels, layout, WHITE), 8)
    channel = "" if layer.n_channels == 1 else f"; input channel 0 of {layer.n_channels:,}"
    return Glance(
        conv_index=layer.conv_index,
        title=f"{printable(layer.label, 40)}{where}, as usually drawn",
        note=f"each kernel in a contrast of its own, from its lowest weight in black to white{channel}",
        sprite=Sprite(png=png, layout=layout, zero=0, unit=0.0),
    )


def glance_stored(layer: ConvLayer, where: str = "") -> Glance | None:
    """Draw a layer's filters as stored, on one scale; None where a weight is not finite.

    Args:
        layer: The layer.
        where: What is said after its name, such as the name of its file.
    """
    filters = layer.filters
    if not np.isfinite(filters).all():
        return None
    is_colour = layer.n_channels == 3 and layer.conv_index == 0
    if layer.n_channels > 1 and not is_colour:
        note, pictures = "the strongest pattern of each filter over its channels", _strongest(filters)
    else:
        note, pictures = "all filters", filters
    title = f"{printable(layer.label, 40)}{where}, on one scale"
    return _glance(layer, title, f"{note} on one scale, so that weak ones are pale", pictures)


def glance_composed(network: Network, layer: ConvLayer, account: Account | None = None) -> Glance | None:
    """Draw a layer's filters as they match in the image; None where they cannot be composed.

    Args:
        network: The network of the layer.
        layer: The layer.
        account: What it may take.
    """
    try:
        templates = compose(network, layer, account).templates
    except (BudgetError, CompositionError):
        return None
    if not np.isfinite(templates).all():
        return None
    rows, cols = templates.shape[2:]
    title = f"{printable(layer.label, 40)}, seen through the layers below it"
    pictures = templates if templates.shape[1] in (1, 3) else _strongest(templates)
    return _glance(layer, title, f"{rows}×{cols} pixels of the image for each filter", _shrunk(pictures))


MOST_AT_A_GLANCE, MOST_PIXELS, LARGEST_AT_A_GLANCE = 100, 160_000, 64
"""Of a picture beside the answer: its filters, its pixels, and the pixels of a filter's side."""

WHITE = 255


def _glance(layer: ConvLayer, title: str, note: str, pictures: NDArray[Any]) -> Glance:
    """Draw ``(filters, channels, rows, cols)``, of one channel or three, on one scale."""
    n, n_channels, rows, cols = pictures.shape
    is_colour = n_channels == 3
    most = max(1, min(n, MOST_AT_A_GLANCE, MOST_PIXELS // (n_channels * rows * cols)))
    if most < n:
        norms = np.linalg.norm((pictures / scale_of(pictures)).reshape(n, -1), axis=1)
        pictures = pictures[np.sort(np.argsort(-norms, kind="stable")[:most])]
        note = f"{note}; the {most} strongest of {n:,} filters"
    limit = float(symmetric_limits(pictures, "layer").max(initial=0.0))
    apart = is_colour or cols < FEW_PIXELS
    layout = _square(len(pictures), rows, cols, GAPS_BETWEEN_GREYS if apart else GAPS_BETWEEN_WEIGHTS)
    if is_colour:
        rgb = _levels(pictures, limit, 127) + 128
        canvas = np.stack([_arrange(rgb[:, i], layout, WHITE) for i in range(3)], axis=-1)
        note, png, unit = f"{note}; in colour, grey is zero", _png(canvas, 24), 0.0
    else:
        whole = replace(layout, n=layout.across * -(-layout.n // layout.across))
        levels = np.full((whole.n, 1, *pictures.shape[2:]), ZERO, np.int64)
        levels[: layout.n] += _levels(pictures, limit, SPAN)
        canvas = _arrange(levels, whole, ZERO if apart else GAP)
        note, png, unit = f"{note}; blue is negative, red positive", _png(canvas, 8), limit / SPAN
    sprite = Sprite(png=png, layout=layout, zero=ZERO, unit=unit)
    return Glance(conv_index=layer.conv_index, title=title, note=note, sprite=sprite, weights=not is_colour)


def _strongest(filters: NDArray[Any]) -> NDArray[Any]:
    """Return the strongest pattern of each filter over its channels, as one channel."""
    return singular_components(filters, 1).pictures[:, :1]


def _shrunk(pictures: NDArray[Any]) -> NDArray[Any]:
    """Return pictures no larger than can be seen at a glance, each pixel the mean of a block."""
    rows, cols = pictures.shape[2:]
    block = -(-max(rows, cols) // LARGEST_AT_A_GLANCE)
    if block == 1:
        return pictures
    padded = np.pad(pictures, ((0, 0), (0, 0), (0, -rows % block), (0, -cols % block)))
    n, channels, high, wide = padded.shape
    blocks = padded.reshape(n, channels, high // block, block, wide // block, block)
    return np.asarray(blocks.mean(axis=(3, 5)))


GAPS_BETWEEN_GREYS, GAPS_BETWEEN_WEIGHTS, FEW_PIXELS = 1 / 6, 1 / 20, 7
"""In widths of a picture: wide ones on white as nolearn leaves them, and lines between what is white at 0.
Pictures of fewer pixels have wide ones, too: a line of one pixel would be as thick as what it parts."""


def _square(n: int, rows: int, cols: int, gap: float = GAPS_BETWEEN_GREYS) -> Layout:
    """Plan a square of pictures as nolearn does, with gaps of so much of a picture's width."""
    return Layout(n=n, rows=rows, cols=cols, across=math.ceil(math.sqrt(n)), gap=max(1, round(cols * gap)))


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
    """Draw pictures ``(filters, columns, rows, cols)`` in 8 or 16 bits; the largest is ±``limit``."""
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
    return np.rint(finite / limit * span).astype(np.int64)


def _arrange(levels: NDArray[np.int64], layout: Layout, empty: int = GAP) -> NDArray[np.int64]:
    """Return ``(height, width)``, with ``empty`` between the pictures and in places that stay empty."""
    down = -(-layout.n // layout.across)
    pitch = layout.rows + layout.gap, layout.cols + layout.gap
    cells = np.full((down * layout.across, *pitch), empty, np.int64)
    cells[: layout.n, : layout.rows, : layout.cols] = levels.reshape(layout.n, layout.rows, layout.cols)
    grid = cells.reshape(down, layout.across, *pitch).transpose(0, 2, 1, 3)
    height, width = layout.size
    return grid.reshape(down * pitch[0], layout.across * pitch[1])[:height, :width]


def png_url(pixels: NDArray[np.uint8]) -> str:
    """Return colours ``(rows, cols, 3)`` as a ``data:`` URL of a PNG.

    Args:
        pixels: The colours.
    """
    return f"data:image/png;base64,{b64encode(_png(pixels.astype(np.int64), 24)).decode('ascii')}"


def _png(canvas: NDArray[np.int64], bits: int) -> bytes:
    from PIL import Image

    mode, dtype = {8: ("L", "u1"), 16: ("I;16", "<u2"), 24: ("RGB", "u1")}[bits]
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
