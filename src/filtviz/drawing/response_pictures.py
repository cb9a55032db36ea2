"""Pictures of what a network's units answer: tiles on one scale, heat maps over the image, images in a plane.

Numbers in, one figure out; each picture carries its sentences, so that it is understood alone.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz.drawing.response_tiles import (
    DPI,
    GREY,
    INK,
    ResponsePicture,
    Tiles,
    between,
    coloured,
    largest,
    response_sheet,
    tiles_figure,
    visible,
)
from filtviz.text import plural

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from filtviz.drawing.sheet import Sheet
    from filtviz.responses import Activity, Codes, Maximised, Patches

__all__ = [
    "activity_picture",
    "codes_picture",
    "heat_picture",
    "loss_picture",
    "maximised_picture",
    "nolearn_activity_picture",
    "patches_picture",
]


MOST_TILES = 144


def activity_picture(found: Activity, image: NDArray[Any], name: str) -> ResponsePicture:
    """Draw a layer's maps for an image, all on one scale, with the units that never fire marked."""
    return ResponsePicture(
        part="activity",
        make=lambda: _activity_figure(found, image, name),
        tell=lambda: _activity_sheet(found, name),
    )


def _activity_sheet(found: Activity, name: str) -> Sheet:
    maps = _as_maps(found)[:MOST_TILES]
    return response_sheet(
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
    tiles = coloured(shown, low, high, cmap)
    captions = [_caption(found, unit) for unit in range(len(shown))]
    dead = {*found.dead.tolist(), *np.flatnonzero(~np.isfinite(found.strongest)).tolist()}
    red = {unit for unit in range(len(shown)) if unit in dead or _is_saturated(found, unit)}
    notes = [_over_images(found)]
    if len(maps) > len(shown):
        notes.append(f"the first {len(shown)} of {len(maps)} units are drawn")
    notes.append("below each map: the unit, and at how much of all places and images it fires")
    return tiles_figure(
        Tiles(
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
    n, units = plural(found.n_images, "image"), plural(len(found.fires), "unit")
    said = []
    broken = int((~np.isfinite(found.strongest)).sum())
    if broken:
        answer = "answers" if broken == 1 else "answer"
        said.append(f"{broken} of {units} {answer} NaN or infinity, drawn green")
    if found.rectifies:
        dead = len(found.dead)
        said.append(
            f"{dead} of {units} never fired: dead, as far as these tell"
            if dead
            else f"each of {units} fired somewhere"
        )
    if found.saturated is not None:
        count = int((found.saturated > 0.95).sum())
        are = "is" if count == 1 else "are"
        said.append(f"{count or 'none'} of {units} {are} saturated at more than 95% of all places")
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
            high = max(abs(low), abs(high), least) or 1.0
            low = -high
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
        how = {"signed": symmetric, "least": least, "cmap": cmap, "labels": [""]}
        return response_sheet(heat[None, None], **how, **texts)  # type: ignore[arg-type]

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
                top = largest(own)
                tiles.append(coloured(own, -top, top, "RdBu_r"))
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
        return tiles_figure(
            Tiles(
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
        return response_sheet(
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
    scaled = np.clip(between(piece, low, high), 0, 1)
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
                top = largest(difference)
                tiles += [visible(found.start), coloured(difference, -top, top, "RdBu_r")]
                captions += [f"unit {unit} before: {before}", "the difference"]
            tiles.append(visible(image))
            captions.append(f"after: {after}" if changed else f"{unit}: {before} → {after}")
        across = 3 if changed else min(8, max(4, math.ceil(math.sqrt(len(tiles)))))
        spec = Tiles(tiles=tiles, captions=captions, across=across, title=title, notes=notes)
        return tiles_figure(spec)

    def tell() -> Sheet:
        shown = found.images.mean(axis=1)
        pixels = np.stack([found.start.mean(axis=0)[None].repeat(len(shown), 0), shown], axis=1)
        last = [f"{answers[0]:.3g} → {answers[-1]:.3g}" for answers in found.answers.T]
        return response_sheet(
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
        return response_sheet(
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
        return response_sheet(
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
