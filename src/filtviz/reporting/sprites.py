"""Weights as small grey pictures: a layer's kernels in one PNG, which a browser enlarges and reads back.

A grey level is a weight: ``value = (level - zero) * unit``. With 16 bits a browser shows the upper byte and
the page's script reads both, so that one image is the picture and the numbers. Levels are multiples of 257
where it matters, because 257 k is k in 8 bits however a browser rounds.
"""

from __future__ import annotations

import io
import math
from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Layout", "Sprite", "encode_sprite", "lay_out", "palette"]

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
    scaled = finite * (span / limit) if limit > 0 else np.zeros_like(finite)
    return np.clip(np.rint(scaled), -span, span).astype(np.int64)


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
