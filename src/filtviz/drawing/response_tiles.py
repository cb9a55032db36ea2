"""What pictures of a network's answers are made of: tiles in rows on one scale, and their sheet."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.colours import NOT_FINITE
from filtviz.drawing.showing import render, shipped_settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL.Image import Image

    from filtviz.drawing.sheet import Sheet

__all__ = [
    "DPI",
    "GREY",
    "INK",
    "ResponsePicture",
    "Tiles",
    "between",
    "coloured",
    "largest",
    "response_sheet",
    "tiles_figure",
    "visible",
]

DPI = 100
GREY, RED, INK = "#777777", "#c1272d", "#222222"


@dataclass(frozen=True, kw_only=True, eq=False)
class ResponsePicture:
    """A picture that is a figure of its own, a `filtviz.drawing.views.Picture`.

    ``tell`` makes the sheet that a terminal shows, ``arrays`` are the numbers for ``.npz`` files.
    """

    part: str
    make: Callable[[], Figure]
    channel: int | None = None
    tell: Callable[[], Sheet] | None = None
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @property
    def sheet(self) -> Sheet:
        """What a terminal shows."""
        assert self.tell is not None, "each picture that a command draws has one"
        return self.tell()

    def figure(self) -> Figure:
        """Return the figure."""
        with shipped_settings():
            return self.make()

    def image(self) -> Image:
        """Return the figure's pixels."""
        with shipped_settings():
            return render(self.make())


def response_sheet(
    values: NDArray[Any], *, part: str, title: str, notes: Sequence[str], meaning: str,
    signed: bool, least: float = 0.0, cmap: str, labels: Sequence[str],
    captions: Sequence[Sequence[str]] = (),
) -> Sheet:  # fmt: skip
    """Return numbers ``(strips, columns, rows, cols)`` as a sheet for the terminal, all on one scale.

    Args:
        values: The numbers.
        part: What tells the picture from others.
        title: Its heading.
        notes: Sentences below it.
        meaning: What the numbers are.
        signed: Whether zero has the colour in the middle.
        least: To what the colours reach at the least, then.
        cmap: The name of matplotlib's colour map.
        labels: A word for each strip.
        captions: A word for each tile of a strip.
    """
    from filtviz.drawing.sheet import Legend, Sheet

    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if signed:
        high = max(abs(low), abs(high), least) or 1.0
        low = -high
    else:
        low = min(low, 0.0)
    scaled = np.where(np.isfinite(values), 2 * between(values, low, high) - 1, np.nan)
    return Sheet(
        name=part,
        values=scaled,
        cmap=cmap,
        labels=tuple(labels),
        captions=tuple(map(tuple, captions)),
        title=title,
        notes=tuple(notes),
        legend=Legend(ticks=(f"{low:.3g}", f"{high:.3g}"), meaning=meaning),
        signed=signed,
    )


def between(values: NDArray[Any], low: float, high: float) -> NDArray[np.float64]:
    """Return how far values are from ``low`` to ``high``, 0 to 1; their halves cannot overflow.

    Args:
        values: The numbers.
        low: What gives 0.
        high: What gives 1.
    """
    span = high / 2 - low / 2
    return np.asarray((np.asarray(values, np.float64) / 2 - low / 2) / (span or 1.0), np.float64)


def largest(values: NDArray[Any]) -> float:
    """Return the largest absolute value of those that are finite, 1 where there is none but zero.

    Args:
        values: The numbers.
    """
    return float(np.max(np.abs(values), initial=0.0, where=np.isfinite(values))) or 1.0


def visible(image: NDArray[Any]) -> NDArray[np.float64]:
    """Return an image ``(channels, rows, cols)`` as grey or in colours, in [0, 1].

    Args:
        image: Its numbers.
    """
    pixels = np.asarray(image, np.float64)
    finite = pixels[np.isfinite(pixels)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if low < 0 or high > 1:
        pixels = between(pixels, low, high)
    if len(pixels) == 3:
        return np.moveaxis(pixels, 0, -1)
    return np.repeat(pixels.mean(axis=0)[..., None], 3, axis=2)


@dataclass(frozen=True, kw_only=True, eq=False)
class Tiles:
    """Tiles in rows, each ``(rows, cols, 3)`` in [0, 1], with a few words below each."""

    tiles: Sequence[NDArray[np.float64]]
    captions: Sequence[str]
    across: int
    title: str
    notes: Sequence[str]
    red: frozenset[int] = frozenset()
    scale: tuple[float, float, str, str] | None = None
    """The lowest and highest value, the colour map, and what they are."""


def tiles_figure(spec: Tiles) -> Figure:
    """Return a figure of tiles in rows.

    Args:
        spec: The tiles, and what stands around them.
    """
    from matplotlib.figure import Figure

    n, (rows, cols) = len(spec.tiles), spec.tiles[0].shape[:2]
    across = min(spec.across, n)
    down = -(-n // across)
    width = min(max(across * 0.95, 6.5), 16.0)
    cell = width / across
    tall = cell * (rows / cols) * 0.86 + 0.26
    notes = [line for note in spec.notes for line in textwrap.wrap(note, int(width * 13.5))]
    head = 0.42 + 0.2 * len(notes) + (0.5 if spec.scale else 0.12)
    height = head + down * tall + 0.1
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    figure.text(
        0.12 / width,
        1 - 0.12 / height,
        spec.title,
        size=12,
        weight="bold",
        va="top",
        color=INK,
        parse_math=False,
    )
    for place, line in enumerate(notes):
        y = 1 - (0.42 + 0.2 * place) / height
        figure.text(0.12 / width, y, line, size=9, va="top", color=INK, parse_math=False)
    page = _page(figure)
    side = 0.86 * cell
    lefts = (np.arange(across) + 0.07) * cell
    tops = height - head - np.arange(down) * tall
    _draw_tiles(page, spec.tiles, lefts, tops, (side * rows / cols, side))
    for number, caption in enumerate(spec.captions):
        row, col = divmod(number, across)
        below, colour = tops[row] - side * rows / cols - 0.03, RED if number in spec.red else GREY
        page.text(lefts[col] + side / 2, below, caption, size=7.5, ha="center", va="top", color=colour,
                  parse_math=False)  # fmt: skip
    if spec.scale is not None:
        _scale_bar(page, spec.scale, (0.12, height - head + 0.16, 2.4, 0.11))
    _show_whole(page)
    return figure


def _draw_tiles(
    page: Axes,
    tiles: Sequence[NDArray[np.float64]],
    lefts: NDArray[Any],
    tops: NDArray[Any],
    size: tuple[float, float],
) -> None:
    """Draw tiles, row by row, those of one shape as one image, for matplotlib takes long for each image.

    Args:
        page: Where to.
        tiles: Each ``(rows, cols, 3)``.
        lefts: Where the columns of tiles begin, in inches.
        tops: Where the rows of tiles begin, from the top down.
        size: The height and the width of a tile.
    """
    for rows, cols in {tile.shape[:2]: None for tile in tiles}:
        wide, tall = len(lefts) * (cols + 1) - 1, len(tops) * (rows + 1) - 1  # one is left out between tiles
        pixels = np.zeros((tall, wide, 4))
        for number, tile in enumerate(tiles):
            if tile.shape[:2] == (rows, cols):
                row, col = divmod(number, len(lefts))
                top, left = row * (rows + 1), col * (cols + 1)
                pixels[top : top + rows, left : left + cols, :3] = tile
                pixels[top : top + rows, left : left + cols, 3] = 1
        across = (lefts[:, None] + np.linspace(0, size[1], cols + 1)).ravel()
        down = (tops[:, None] - np.linspace(0, size[0], rows + 1)).ravel()
        page.pcolorfast(across, down[::-1], pixels[::-1])


def _page(figure: Figure) -> Axes:
    """Return axes as large as a figure, in inches: one for all tiles, for axes take long to make."""
    page = figure.add_axes((0, 0, 1, 1))
    page.set_axis_off()
    return page


def _show_whole(page: Axes) -> None:
    width, height = page.get_figure().get_size_inches()  # type: ignore[union-attr]
    page.set_xlim(0, width)
    page.set_ylim(0, height)


def _scale_bar(page: Axes, scale: tuple[float, float, str, str], box: tuple[float, ...]) -> None:
    low, high, cmap, meaning = scale
    left, bottom, width, height = box
    extent = (left, left + width, bottom, bottom + height)
    page.imshow(np.linspace(0, 1, 256)[None], cmap=cmap, aspect="auto", extent=extent)
    above, middle = bottom + 1.3 * height, bottom + height / 2
    page.text(left, above, f"{low:.3g}", size=8, va="bottom", color=INK)
    page.text(left + width, above, f"{high:.3g}", size=8, va="bottom", ha="right", color=INK)
    page.text(left + width + 0.08, middle, meaning, size=8, va="center", color=INK, parse_math=False)


def coloured(values: NDArray[Any], low: float, high: float, cmap: str) -> NDArray[np.float64]:
    """Return values in the colours of a map, ``(…, 3)``; what is no finite number has a colour of its own.

    Args:
        values: The numbers.
        low: What has the first colour.
        high: What has the last.
        cmap: The name of matplotlib's colour map.
    """
    from matplotlib import colormaps

    shares = np.clip(between(values, low, high), 0, 1)
    colours = colormaps[cmap](np.nan_to_num(shares))[..., :3]
    return np.asarray(np.where(np.isfinite(values)[..., None], colours, np.array(NOT_FINITE) / 255))
