"""From weights to colours.

nolearn's grid has matplotlib's own arithmetic: ``Normalize`` for each kernel, then ``Colormap``. Sheets
have limits that are symmetric about zero and shared, and a colour map of 255 steps, the middle one zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import DrawingError

__all__ = [
    "DEFAULT_CMAP",
    "DIVERGING",
    "DIVERGING_OF_256",
    "NOT_FINITE",
    "SCALES",
    "SEQUENTIAL",
    "Colours",
    "Palette",
    "Scale",
    "by_colour_map",
    "by_primaries",
    "colour_bar",
    "find_palette",
    "index_colours",
    "index_steps",
    "normalise",
    "scale_kernels",
    "sheet_colours",
    "symmetric_limits",
]

Scale = Literal["kernel", "filter", "layer"]
SCALES: tuple[Scale, ...] = ("kernel", "filter", "layer")

DEFAULT_CMAP = "gray"
WHITE = (255, 255, 255)


@dataclass(frozen=True, eq=False)
class Palette:
    """A colour map as bytes.

    ``colours`` is ``(n + 2, 3)``: the map's ``n`` colours, then the one of weights that are no finite numbers
    (white: matplotlib leaves them transparent), then the page's background.
    """

    colours: NDArray[np.uint8]

    @property
    def n(self) -> int:
        """The number of the map's own colours."""
        return len(self.colours) - 2

    @property
    def bad(self) -> int:
        """The index for weights that are no finite numbers."""
        return self.n

    @property
    def background(self) -> int:
        """The index of the page's background."""
        return self.n + 1


@lru_cache(maxsize=8)
def find_palette(cmap: str) -> Palette | None:
    """Return the colour map called ``cmap``; None where it is translucent, so that only Agg can blend it."""
    if cmap == DEFAULT_CMAP:
        own = np.repeat((np.linspace(0, 1, 256) * 255).astype(np.uint8)[:, None], 3, axis=1)
        return Palette(np.vstack([own, [WHITE, WHITE]]).astype(np.uint8))
    from matplotlib import colormaps

    chosen = colormaps[cmap]
    own = np.asarray(chosen(np.arange(chosen.N), bytes=True), np.uint8)
    bad = (np.asarray(chosen.get_bad()) * 255).astype(np.uint8)
    if (own[:, 3] != 255).any() or bad[3] not in (0, 255):
        return None
    return Palette(np.vstack([own[:, :3], bad[:3] if bad[3] else WHITE, WHITE]).astype(np.uint8))


def scale_kernels(kernels: NDArray[Any]) -> NDArray[Any]:
    """Scale each kernel of ``kernels`` ``(filters, rows, cols)`` by its own least and greatest weight.

    As ``imshow`` does: the least finite weight becomes 0 and the greatest 1, a constant kernel all 0. What is
    not finite becomes NaN. Single precision stays single, since rounding decides between two grey levels.
    """
    values = kernels.astype(_working_dtype(kernels))
    finite = np.isfinite(values)
    low = np.min(values, axis=(1, 2), keepdims=True, where=finite, initial=np.inf).astype(np.float64)
    high = np.max(values, axis=(1, 2), keepdims=True, where=finite, initial=-np.inf).astype(np.float64)
    with np.errstate(all="ignore"):
        np.subtract(values, low, out=values, casting="same_kind")
        np.divide(values, high - low, out=values, casting="same_kind")
    values[np.broadcast_to(high <= low, values.shape)] = 0
    values[~finite] = np.nan
    return values


def _working_dtype(kernels: NDArray[Any]) -> type[np.floating[Any]]:
    """Return the precision in which ``imshow`` works on these weights."""
    if kernels.dtype.kind == "f":
        return np.float32 if kernels.dtype.itemsize <= 4 else np.float64
    spread = float(kernels.max()) - float(kernels.min()) if kernels.size else 0.0
    return np.float32 if spread <= 1e8 else np.float64


def index_colours(scaled: NDArray[Any], palette: Palette) -> NDArray[np.intp]:
    """Return the palette's index for each scaled weight, ``palette.bad`` for NaN."""
    levels = scaled * scaled.dtype.type(palette.n)
    bad = np.isnan(levels)
    levels[bad] = 0
    index: NDArray[np.intp] = np.minimum(levels, palette.n - 1).astype(np.intp)
    index[bad] = palette.bad
    return index


_SHARING = {"kernel": (2, 3), "filter": (1, 2, 3), "layer": (0, 1, 2, 3)}


def symmetric_limits(weights: NDArray[Any], scale: Scale) -> NDArray[np.float64]:
    """Return the largest finite magnitude of each kernel, each filter or the whole layer.

    Args:
        weights: ``(filters, channels, rows, cols)``.
        scale: What shares a limit.

    Returns:
        The limits in float64, of a shape that broadcasts against ``weights``; 0 where all weights are 0 or
        none is finite.
    """
    magnitudes = np.abs(np.where(np.isfinite(weights), weights, 0.0).astype(np.float64))
    return np.asarray(magnitudes.max(axis=_SHARING[scale], keepdims=True, initial=0.0))


def normalise(weights: NDArray[Any], limits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights over their limits, in [-1, 1]; 0 where the limit is 0, NaN where not finite."""
    finite = np.where(np.isfinite(weights), weights, np.nan).astype(np.float64)
    return np.asarray(np.clip(finite / np.where(limits > 0, limits, 1.0), -1.0, 1.0))


DIVERGING = "RdBu_r"
"""Blue below zero, white at zero, red above: readable with the common forms of colour blindness."""

DIVERGING_OF_256 = "RdBu_r in xterm's colours"
"""The same for terminals of 256 colours, whose nearest colours to `DIVERGING` would change their hue."""

SEQUENTIAL = "magma"
"""For what has no sign; evenly spaced to the eye and in grey."""

NOT_FINITE = (0, 160, 60)
"""The colour of weights that are NaN or infinite; no colour of the two maps above comes near it."""

_STEPS = 255  # odd, so that one step is exactly zero

Colours = NDArray[np.uint8]


def by_colour_map(values: NDArray[np.float64], name: str) -> Colours:
    """Return ``(..., 3)`` colours of values in [-1, 1]; NaN gets `NOT_FINITE`.

    Raises:
        DrawingError: matplotlib has no colour map of that name.
    """
    return sheet_colours(name)[index_steps(values)]


def index_steps(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the step of values in [-1, 1], 0 to 254, and 255 for NaN: indices into `sheet_colours`."""
    half = _STEPS // 2
    steps = np.where(np.isnan(values), _STEPS, np.rint(np.nan_to_num(values) * half) + half)
    return steps.astype(np.uint8)


@lru_cache(maxsize=16)
def sheet_colours(name: str) -> Colours:
    """Return the 255 colours of a colour map and `NOT_FINITE`, ``(256, 3)``.

    Raises:
        DrawingError: matplotlib has no colour map of that name.
    """
    return np.vstack([_colour_table(name), np.array(NOT_FINITE, np.uint8)])


def _colour_table(name: str) -> Colours:
    if name == DIVERGING_OF_256:
        ladder = _ladder()
        return ladder[np.rint(np.linspace(0, len(ladder) - 1, _STEPS)).astype(np.intp)]
    from matplotlib import colormaps

    try:
        colour_map = colormaps[name]
    except KeyError:
        raise DrawingError(
            f"there is no colour map {name!r}; matplotlib's names are listed in its documentation"
        ) from None
    rgba = colour_map(np.linspace(0.0, 1.0, _STEPS), bytes=True)
    return np.asarray(rgba[:, :3], np.uint8)


def _ladder() -> Colours:
    """Return 19 steps from dark blue over white to dark red, all of them on xterm's cube of 6x6x6."""
    paler, darker = (215, 175, 135, 95, 0), (215, 175, 135, 95)
    red = [(255, c, c) for c in paler] + [(c, 0, 0) for c in darker]
    blue = [(b, g, r) for r, g, b in reversed(red)]
    return np.array([*blue, (255, 255, 255), *red], np.uint8)


def by_primaries(values: NDArray[np.float64]) -> Colours:
    """Return the colours of ``(..., 3)`` red, green and blue values in [-1, 1]: zero is mid grey.

    A pixel with a NaN gets `NOT_FINITE`.
    """
    colours = np.rint(127.5 + 127.5 * np.nan_to_num(values)).astype(np.uint8)
    colours[np.isnan(values).any(axis=-1)] = NOT_FINITE
    return colours


def colour_bar(name: str | None, steps: int = 255) -> Colours:
    """Return the bar that explains the colours, ``(bands, steps, 3)``, from lowest to highest.

    One band of the colour map ``name``; for None the three primaries, each alone on mid grey.
    """
    if name is not None:
        return by_colour_map(np.linspace(-1.0, 1.0, steps), name)[None]
    values = np.zeros((3, steps, 3))
    for primary in range(3):
        values[primary, :, primary] = np.linspace(-1.0, 1.0, steps)
    return by_primaries(values)
