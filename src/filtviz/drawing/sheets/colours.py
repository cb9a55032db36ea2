"""From numbers in [-1, 1] to colours, zero always at the middle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import DrawingError

__all__ = [
    "DIVERGING",
    "DIVERGING_OF_256",
    "NOT_FINITE",
    "SEQUENTIAL",
    "Colours",
    "by_colour_map",
    "by_primaries",
    "colour_bar",
]

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
    table = np.vstack([_colour_table(name), np.array(NOT_FINITE, np.uint8)])
    half = _STEPS // 2
    steps = np.where(np.isnan(values), _STEPS, np.rint(np.nan_to_num(values) * half) + half)
    return table[steps.astype(np.intp)]


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
