"""Pictures of what a network's units answer: tiles on one scale, heat maps over the image, images in a plane.

Numbers in, one figure out; each picture carries its sentences, so that it is understood alone.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.colours import NOT_FINITE
from filtviz.drawing.showing import render, shipped_settings
from filtviz.text import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL.Image import Image

    from filtviz.drawing.sheet import Sheet
    from filtviz.responses import Activity, Codes, Maximised, Patches

__all__ = [
    "ResponsePicture",
    "activity_picture",
    "codes_picture",
    "heat_picture",
    "loss_picture",
    "maximised_picture",
    "nolearn_activity_picture",
    "patches_picture",
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


def _sheet(
    values: NDArray[Any], *, part: str, title: str, notes: Sequence[str], meaning: str,
    signed: bool, cmap: str, labels: Sequence[str], captions: Sequence[Sequence[str]] = (),
) -> Sheet:  # fmt: skip
    """Return numbers ``(strips, columns, rows, cols)`` as a sheet for the terminal, all on one scale."""
    from filtviz.drawing.sheet import Legend, Sheet

    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if signed:
        low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
    else:
        low = min(low, 0.0)
    scaled = np.where(np.isfinite(values), 2 * _between(values, low, high) - 1, np.nan)
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


def _between(values: NDArray[Any], low: float, high: float) -> NDArray[np.float64]:
    """Return how far values are from ``low`` to ``high``, 0 to 1; their halves cannot overflow."""
    span = high / 2 - low / 2
    return np.asarray((np.asarray(values, np.float64) / 2 - low / 2) / (span or 1.0), np.float64)


def _largest(values: NDArray[Any]) -> float:
    """Return the largest absolute value of those that are finite, 1 where there is none but zero."""
    return float(np.max(np.abs(values), initial=0.0, where=np.isfinite(values))) or 1.0


def visible(image: NDArray[Any]) -> NDArray[np.float64]:
    """Return an image ``(channels, rows, cols)`` as grey or in colours, in [0, 1]."""
    pixels = np.asarray(image, np.float64)
    finite = pixels[np.isfinite(pixels)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if low < 0 or high > 1:
        pixels = _between(pixels, low, high)
    if len(pixels) == 3:
        return np.moveaxis(pixels, 0, -1)
    return np.repeat(pixels.mean(axis=0)[..., None], 3, axis=2)


# Tiles


@dataclass(frozen=True, kw_only=True, eq=False)
class _Tiles:
    """Tiles in rows, each ``(rows, cols, 3)`` in [0, 1], with a few words below each."""

    tiles: Sequence[NDArray[np.float64]]
    captions: Sequence[str]
    across: int
    title: str
    notes: Sequence[str]
    red: frozenset[int] = frozenset()
    scale: tuple[float, float, str, str] | None = None
    """The lowest and highest value, the colour map, and what they are."""


def _tiles_figure(spec: _Tiles) -> Figure:
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
    for number, caption in enumerate(spec.captions[:n]):
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


MOST_TILES = 144


def _coloured(values: NDArray[Any], low: float, high: float, cmap: str) -> NDArray[np.float64]:
    from matplotlib import colormaps

    shares = np.clip(_between(values, low, high), 0, 1)
    colours = colormaps[cmap](np.nan_to_num(shares))[..., :3]
    return np.asarray(np.where(np.isfinite(values)[..., None], colours, np.array(NOT_FINITE) / 255))


def activity_picture(found: Activity, image: NDArray[Any], name: str) -> ResponsePicture:
    """Draw a layer's maps for an image, all on one scale, with the units that never fire marked."""
    return ResponsePicture(
        part="activity",
        make=lambda: _activity_figure(found, image, name),
        tell=lambda: _activity_sheet(found, name),
    )


def _activity_sheet(found: Activity, name: str) -> Sheet:
    maps = _as_maps(found)[:MOST_TILES]
    return _sheet(
        maps[:, None],
        part="activity",
        title=f"{found.layer}: what {plural(len(found.maps), 'unit')} answer to {name}",
        notes=[_over_images(found)],
        meaning="answer, one scale for all maps",
        signed=bool((maps < 0).any()),
        cmap="RdBu_r" if (maps < 0).any() else "viridis",
        labels=[""] * len(maps),
        captions=[[_caption(found, unit)] for unit in range(len(maps))],
    )


def _as_maps(found: Activity) -> NDArray[np.float64]:
    """Return ``(units, rows, cols)``; a unit of a dense layer is one pixel."""
    return found.maps if found.maps.ndim == 3 else found.maps.reshape(len(found.maps), 1, -1)[:, :, :1]


def _activity_figure(found: Activity, image: NDArray[Any], name: str) -> Figure:
    maps = _as_maps(found)
    shown = maps[:MOST_TILES]
    finite = shown[np.isfinite(shown)]
    top = float(np.abs(finite).max()) if finite.size else 1.0
    signed = bool(finite.size and finite.min() < 0)
    low, high, cmap = (-top, top, "RdBu_r") if signed else (0.0, top, "viridis")
    tiles = _coloured(shown, low, high, cmap)
    captions = [_caption(found, unit) for unit in range(len(shown))]
    dead = {*found.dead.tolist(), *np.flatnonzero(~np.isfinite(found.strongest)).tolist()}
    red = {unit for unit in range(len(shown)) if unit in dead or _is_saturated(found, unit)}
    notes = [_over_images(found)]
    if len(maps) > len(shown):
        notes.append(f"the first {len(shown)} of {len(maps)} units are drawn")
    notes.append("below each map: the unit, and at how much of all places and images it fires")
    return _tiles_figure(
        _Tiles(
            tiles=[visible(image), *tiles],
            captions=["the image", *captions],
            across=min(12, max(6, math.ceil(math.sqrt(len(tiles) + 1)))),
            title=f"{found.layer}: what {plural(len(maps), 'unit')} answer to {name}",
            notes=notes,
            red=frozenset(unit + 1 for unit in red),
            scale=(low, high, cmap, "answer, one scale for all maps"),
        )
    )


def _is_saturated(found: Activity, unit: int) -> bool:
    return found.saturated is not None and bool(found.saturated[unit] > 0.95)


def _caption(found: Activity, unit: int) -> str:
    if not np.isfinite(found.strongest[unit]) or not np.isfinite(found.maps[unit]).all():
        return f"{unit}  not finite"
    if unit in found.dead:
        return f"{unit}  dead"
    if _is_saturated(found, unit):
        return f"{unit}  saturated {_share(found.saturated[unit])}"  # type: ignore[index]
    return f"{unit}  {_share(found.fires[unit])}"


def _share(share: float) -> str:
    return "<1%" if 0 < share < 0.01 else f"{100 * share:.0f}%"


def _over_images(found: Activity) -> str:
    n = plural(found.n_images, "image")
    said = []
    broken = int((~np.isfinite(found.strongest)).sum())
    if broken:
        said.append(f"{broken} of {len(found.fires)} units answer NaN or infinity, drawn green")
    if found.rectifies:
        dead = len(found.dead)
        said.append(
            f"{dead} of {len(found.fires)} units never fired: dead, as far as these tell"
            if dead
            else f"each of {len(found.fires)} units fired somewhere"
        )
    if found.saturated is not None:
        count = int((found.saturated > 0.95).sum())
        said.append(f"{count or 'none'} of {len(found.fires)} are saturated at more than 95% of all places")
    return f"over {n}: {'; '.join(said) or 'its units have no function that could die or saturate'}"


def nolearn_activity_picture(found: Activity, image: NDArray[Any]) -> ResponsePicture:
    """Draw what nolearn's ``plot_conv_activity`` draws: each map on its own range, inverted grey."""
    return ResponsePicture(
        part="activity",
        make=lambda: _nolearn_figure(found, image),
        tell=lambda: _activity_sheet(found, "the image"),
    )


def _nolearn_figure(found: Activity, image: NDArray[Any]) -> Figure:
    from matplotlib.figure import Figure

    side = math.ceil(math.sqrt(len(found.maps)))
    figure = Figure(figsize=(6, 8))
    axes = figure.subplots(side + 1, side, squeeze=False)
    first = axes[0, side // 2]
    first.imshow(1 - image[0], cmap="gray", interpolation="none")
    first.set_title("original")
    for each in axes.flatten():
        each.set_xticks([])
        each.set_yticks([])
        each.axis("off")
    for unit, answers in enumerate(found.maps):
        axes[unit // side + 1, unit % side].imshow(-answers, cmap="gray", interpolation="none")
    return figure


# Heat maps


def heat_picture(
    image: NDArray[Any], heat: NDArray[Any], *, part: str, title: str, notes: Sequence[str], meaning: str,
    cmap: str, symmetric: bool = False, legend: str = "", least: float = 0.0,
) -> ResponsePicture:  # fmt: skip
    """Draw an image, a map of it, and both over each other.

    Args:
        image: ``(channels, rows, cols)``.
        heat: ``(rows, cols)``.
        part: The picture's part of a file name.
        title: What stands above.
        notes: Sentences below the title.
        meaning: What stands above the map.
        cmap: The map's colours.
        symmetric: Whether zero is in the middle of the colours.
        legend: What the colours mean.
        least: With ``symmetric``: to what the colours reach at the least.
    """

    def make() -> Figure:
        from matplotlib.figure import Figure

        lines = [line for note in notes for line in textwrap.wrap(note, 125)]
        rows, cols = heat.shape
        tall = 2.9 * min(max(rows / cols, 0.4), 2.0)
        head = 0.62 + 0.2 * len(lines)
        height = head + tall + 0.75
        figure = Figure(figsize=(9.6, height), dpi=DPI, facecolor="white")
        figure.text(
            0.015, 1 - 0.12 / height, title, size=12, weight="bold", va="top", color=INK, parse_math=False
        )
        for place, line in enumerate(lines):
            y = 1 - (0.42 + 0.2 * place) / height
            figure.text(0.015, y, line, size=9, va="top", color=INK, parse_math=False)
        finite = heat[np.isfinite(heat)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        if symmetric:
            low, high = -max(abs(low), abs(high), least), max(abs(low), abs(high), least)
        if low == high:
            high = low + 1.0
        seen = np.clip(visible(image), 0, 1)
        pale = 0.35 + 0.65 * np.repeat(seen.mean(axis=2)[..., None], 3, axis=2)
        drawn: Any = None
        for place, name in enumerate(("the image", meaning, "both")):
            box = (0.015 + 0.325 * place, 0.55 / height, 0.31, tall / height)
            axes = figure.add_axes(box)
            axes.set_axis_off()
            axes.set_title(name, size=9, color=GREY, parse_math=False)
            span = (-0.5, seen.shape[1] - 0.5, seen.shape[0] - 0.5, -0.5)
            if place != 1:
                axes.imshow(seen if place == 0 else pale, interpolation="nearest", extent=span)
            if place:
                over = axes.imshow(heat, cmap=cmap, vmin=low, vmax=high, alpha=None if place == 1 else 0.6,
                                   interpolation="nearest", extent=span)  # fmt: skip
                drawn = over if place == 1 else drawn  # the scale has its colours, which are not pale
        bar = figure.add_axes((0.37, 0.3 / height, 0.27, 0.12 / height))
        colours = figure.colorbar(drawn, cax=bar, orientation="horizontal", ticks=[low, high])
        colours.ax.set_xticklabels([f"{low:.3g}", f"{high:.3g}"], size=8)
        figure.text(0.665, 0.36 / height, legend, size=8, va="center", color=INK, parse_math=False)
        return figure

    def tell() -> Sheet:
        texts = {"part": part, "title": title, "notes": notes, "meaning": f"{meaning}; {legend}"}
        return _sheet(heat[None, None], signed=symmetric, cmap=cmap, labels=[""], **texts)  # type: ignore[arg-type]

    return ResponsePicture(part=part, make=make, tell=tell)


# Patches


def patches_picture(
    found: Patches, filters: Sequence[int], beside: NDArray[Any] | None, notes: Sequence[str]
) -> ResponsePicture:
    """Draw for each filter the pieces of images that excite it most, the strongest first.

    Args:
        found: The pieces.
        filters: Which filters.
        beside: ``(filters, channels, rows, cols)``: the filters as they match in the image; None for none.
        notes: Sentences below the title.
    """

    def make() -> Figure:
        tiles: list[NDArray[np.float64]] = []
        captions: list[str] = []
        low, high = float(found.shown.min()), float(found.shown.max())
        for number in filters:
            if beside is not None:
                own = beside[number] / len(beside[number])  # before they are summed up: no sum can overflow
                own = own.sum(axis=0)
                top = _largest(own)
                tiles.append(_coloured(own, -top, top, "RdBu_r"))
                captions.append(f"filter {number}")
            for place, piece in enumerate(found.of(number)):
                answer = found.responses[number, place]
                answers = bool(np.isfinite(answer) and (answer > 0 or not found.rectifies))
                tiles.append(_piece(piece if answers else np.full_like(piece, np.nan), low, high))
                words = f"{answer:.3g}" if answers else "no answer"
                captions.append(words if beside is not None or place else f"filter {number}: {words}")
        top = found.responses.shape[1] + (beside is not None)
        blank = np.ones((*found.size, 3))
        if len(filters) > MANY_FILTERS:  # two of them in a row, a gap between
            for place in range(top, len(tiles) * 2, 2 * top + 1):
                tiles[place:place] = [blank] if place < len(tiles) else []
                captions[place:place] = [""] if place < len(captions) else []
            top = 2 * top + 1
        return _tiles_figure(
            _Tiles(
                tiles=tiles,
                captions=captions,
                across=top,
                title=f"{found.layer}: what excites each filter most",
                notes=notes,
            )
        )

    def tell() -> Sheet:
        pieces = np.stack([found.of(number).mean(axis=1) for number in filters])
        answers = found.responses[list(filters)]
        return _sheet(
            pieces,
            part="patches",
            title=f"{found.layer}: what excites each filter most",
            notes=notes,
            meaning="pixels of the pieces",
            signed=False,
            cmap="gray",
            labels=[f"filter {number}" for number in filters],
            captions=[[f"{one:.3g}" if np.isfinite(one) else "" for one in row] for row in answers],
        )

    return ResponsePicture(part="patches", make=make, tell=tell)


MANY_FILTERS = 10
"""Filters of which each has a row to itself; of more two share one."""


def _piece(piece: NDArray[Any], low: float, high: float) -> NDArray[np.float64]:
    """Return a piece of an image as grey or in colours, bluish grey where there is none."""
    scaled = np.clip(_between(piece, low, high), 0, 1)
    pixels = np.moveaxis(scaled, 0, -1)
    if len(scaled) != 3:
        pixels = np.repeat(scaled.mean(axis=0)[..., None], 3, axis=2)
    return np.where(np.isnan(pixels), np.array([0.85, 0.88, 0.95]), pixels)


# What a unit wants to see


def maximised_picture(
    found: Maximised, title: str, notes: Sequence[str], *, changed: bool
) -> ResponsePicture:
    """Draw images that units answer strongly; with ``changed`` each after its start and their difference."""

    def make() -> Figure:
        tiles: list[NDArray[np.float64]] = []
        captions = []
        for unit, image, answers in zip(found.units, found.images, found.answers.T, strict=True):
            before, after = f"{answers[0]:.3g}", f"{answers[-1]:.3g}"
            if changed:
                difference = (image - found.start).sum(axis=0)
                top = _largest(difference)
                tiles += [visible(found.start), _coloured(difference, -top, top, "RdBu_r")]
                captions += [f"unit {unit} before: {before}", "the difference"]
            tiles.append(visible(image))
            captions.append(f"after: {after}" if changed else f"{unit}: {before} → {after}")
        across = 3 if changed else min(8, max(4, math.ceil(math.sqrt(len(tiles)))))
        spec = _Tiles(tiles=tiles, captions=captions, across=across, title=title, notes=notes)
        return _tiles_figure(spec)

    def tell() -> Sheet:
        shown = found.images.mean(axis=1)
        pixels = np.stack([found.start.mean(axis=0)[None].repeat(len(shown), 0), shown], axis=1)
        last = [f"{answers[0]:.3g} → {answers[-1]:.3g}" for answers in found.answers.T]
        return _sheet(
            pixels if changed else shown[:, None],
            part="maximised",
            title=title,
            notes=notes,
            meaning="pixels",
            signed=False,
            cmap="gray",
            labels=[f"unit {unit}" for unit in found.units],
            captions=[["before", words] if changed else [words] for words in last],
        )

    return ResponsePicture(part="maximised", make=make, tell=tell)


# Images in a plane


def codes_picture(found: Codes, seen: NDArray[Any], notes: Sequence[str]) -> ResponsePicture:
    """Draw images where their codes are."""

    def make() -> Figure:
        from matplotlib.figure import Figure

        drawn = np.linspace(0, len(seen) - 1, min(len(seen), MOST_DRAWN)).astype(np.intp)
        but = [f"drawn are {len(drawn):,} of them, evenly chosen"] if len(drawn) < len(seen) else []
        lines = [line for note in (*notes, *but) for line in textwrap.wrap(note, 115)]
        figure = Figure(figsize=(9, 9.4), dpi=DPI, facecolor="white")
        title = f"{found.layer}: {plural(len(seen), 'image')} where their codes are"
        figure.text(0.02, 0.988, title, size=12, weight="bold", va="top", color=INK, parse_math=False)
        for place, line in enumerate(lines):
            figure.text(0.02, 0.957 - 0.021 * place, line, size=9, va="top", color=INK, parse_math=False)
        top = 0.94 - 0.021 * len(lines)
        axes = figure.add_axes((0.02, 0.02, 0.96, top - 0.02))
        places = _within(found.places)
        side = min(0.1, 0.55 / math.sqrt(len(drawn)))
        for (x, y), image in zip(places[drawn], seen[drawn], strict=True):
            pixels = np.clip(visible(image), 0, 1)
            axes.imshow(pixels, extent=(x - side / 2, x + side / 2, y - side / 2, y + side / 2),
                        interpolation="nearest", aspect="auto")  # fmt: skip
        axes.set_xlim(-side, 1 + side)
        axes.set_ylim(-side, 1 + side)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_color("#cccccc")
        return figure

    def tell() -> Sheet:
        rows, cols = PLANE
        canvas = np.zeros(PLANE)
        for (x, y), image in zip(_within(found.places), seen, strict=True):
            pixels = visible(image).mean(axis=2)
            small = pixels[:: -(-pixels.shape[0] // MARK), :: -(-pixels.shape[1] // MARK)]
            top, left = int((1 - y) * (rows - len(small))), int(x * (cols - small.shape[1]))
            part = canvas[top : top + len(small), left : left + small.shape[1]]
            np.maximum(part, small, out=part)
        return _sheet(
            canvas[None, None],
            part="codes",
            title=f"{found.layer}: {plural(len(seen), 'image')} where their codes are",
            notes=notes,
            meaning="pixels of the images",
            signed=False,
            cmap="gray",
            labels=[""],
        )

    return ResponsePicture(part="codes", make=make, tell=tell)


MOST_DRAWN = 2_000
"""Images of a plane that are drawn: of more each would be a few pixels, and hide others."""

PLANE, MARK = (48, 76), 6
"""Rows and columns of a plane in a terminal, and of an image in it at the most."""


def _within(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places ``(images, 2)`` in the unit square."""
    halves = places / 2
    spread = np.ptp(halves, axis=0)
    return np.asarray((halves - halves.min(axis=0)) / np.where(spread > 0, spread, 1.0))


def loss_picture(series: Mapping[str, NDArray[Any]], title: str, notes: Sequence[str]) -> ResponsePicture:
    """Draw losses by epoch."""
    shown = {
        name: np.where(np.abs(values) <= LARGEST_LOSS, values, np.nan) for name, values in series.items()
    }
    if any((np.abs(values) > LARGEST_LOSS).any() for values in series.values()):
        notes = [*notes, f"what lies beyond {LARGEST_LOSS:g} is not drawn"]

    def make() -> Figure:
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator

        figure = Figure(figsize=(7.5, 4.8), dpi=DPI, facecolor="white")
        figure.text(0.02, 0.975, title, size=12, weight="bold", va="top", color=INK, parse_math=False)
        for place, note in enumerate(notes):
            figure.text(0.02, 0.915 - 0.04 * place, note, size=9, va="top", color=INK, parse_math=False)
        axes = figure.add_axes((0.12, 0.12, 0.84, 0.74 - 0.04 * len(notes)))
        for (name, values), colour in zip(
            shown.items(), ("#1f4e79", "#d9772b", "#5a9a5a", GREY), strict=False
        ):
            epochs = np.arange(1, len(values) + 1)
            axes.plot(epochs, values, label=name, color=colour, linewidth=2, marker="o", markersize=3)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("epoch")
        axes.set_ylabel("loss")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        return figure

    def tell() -> Sheet:
        canvas = np.zeros(CHART)
        known = np.concatenate([values[np.isfinite(values)] for values in shown.values()])
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        for level, values in zip((1.0, -1.0), shown.values(), strict=False):
            for epoch in np.flatnonzero(np.isfinite(values)):
                col = round(epoch / max(len(values) - 1, 1) * (CHART[1] - 1))
                row = round((high - float(values[epoch])) / ((high - low) or 1.0) * (CHART[0] - 1))
                canvas[row, col] = level
        names = [f"{name} is {colour}" for name, colour in zip(series, ("+9, red", "-9, blue"), strict=False)]
        return _sheet(
            canvas[None, None],
            part="loss",
            title=title,
            notes=[*notes, f"from {high:.3g} at the top to {low:.3g} at the bottom"],
            meaning="; ".join(names),
            signed=True,
            cmap="RdBu_r",
            labels=[""],
        )

    return ResponsePicture(part="loss", make=make, tell=tell)


LARGEST_LOSS = 1e300
"""Of which matplotlib makes an axis."""

CHART = (16, 24)
"""Rows and columns of a chart in a terminal."""
