"""What a page shows of images: the maps of some layers, the pieces that excite filters, where it looks.

Each tile is a small PNG of its own with a few words below, so that a page lays them out as wide as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from filtviz.budget import Budget
from filtviz.drawing.colours import by_colour_map
from filtviz.errors import BudgetError, CompositionError, MissingExtraError, RunningError
from filtviz.network import ConvLayer, Network
from filtviz.reporting.pictures import png_url
from filtviz.responses.activities import activity
from filtviz.responses.examining import Examination
from filtviz.responses.looking import occlusion, saliency
from filtviz.responses.patching import patches
from filtviz.responses.predicting import classes_of
from filtviz.running.preparing import Pictures
from filtviz.text import printable

__all__ = ["ImageFigure", "ImageTile", "draw_images"]

MOST_MAPS, MOST_FILTERS, PIECES, MOST_LOOKS = 19, 12, 4, 3
"""Maps of a layer, filters with their pieces, pieces of a filter, and images that are looked at."""

LARGEST = 64
"""Pixels of a tile's side; what is larger is shown in the means of blocks."""

MAPS, CHANGES = "viridis", "RdBu_r"
EMPTY = (217, 224, 242)
"""Of what lies outside of an image."""


@dataclass(frozen=True, kw_only=True)
class ImageTile:
    """A picture of some pixels: ``url`` is a PNG, ``caption`` a few words, ``marked`` that they are grave."""

    url: str
    caption: str
    width: int
    height: int
    marked: bool = False


@dataclass(frozen=True, kw_only=True)
class ImageFigure:
    """Tiles that belong together: ``title``, ``note`` on what they are, ``size`` of a tile in pixels."""

    title: str
    note: str
    tiles: tuple[ImageTile, ...]


def draw_images(
    network: Network, found: Examination, pictures: Pictures, look_at: int | None, budget: Budget | None
) -> tuple[tuple[ImageFigure, ...], tuple[str, ...]]:
    """Draw what a network makes of images, and say what could not be drawn.

    Args:
        network: The network.
        found: What was counted of all its layers.
        pictures: The images.
        look_at: The convolution that the diagnosis says to look at; None for the last.
        budget: How much work an image may be.
    """
    figures: list[ImageFigure] = []
    left_out: list[str] = []
    convs = [each.conv_index for each in found.layers if each.conv_index is not None]
    deepest = look_at if look_at in convs else next(reversed(convs), None)
    of_layers = [] if deepest is None else sorted({convs[0], deepest})
    makers: list[Callable[[], ImageFigure]] = [
        partial(_maps, network, pictures, index, budget) for index in of_layers
    ]
    if deepest is not None:
        makers.append(partial(_pieces, network, pictures, deepest, budget))
    if not found.reason:
        makers.append(partial(_looks, network, pictures, budget))
    for make in makers:
        try:
            figures.append(make())
        except (RunningError, BudgetError) as error:
            left_out.append(str(error))
    return tuple(figures), tuple(dict.fromkeys(left_out))


def _maps(network: Network, pictures: Pictures, index: int, budget: Budget | None) -> ImageFigure:
    """Draw a layer's maps for the first image on one scale."""
    found = activity(network, pictures.images, index, budget=budget)
    maps = found.maps[:MOST_MAPS] if found.maps.ndim == 3 else found.maps[:MOST_MAPS, None, None]
    top = float(np.abs(maps[np.isfinite(maps)]).max(initial=0.0)) or 1.0
    dead = set(found.dead.tolist())
    tiles = [_tile(_grey(pictures.seen[0]), "the image")]
    for unit, values in enumerate(maps):
        part = np.clip(values / top, -1, 1)  # what is infinite is at the end
        scaled, colour_map = (part, CHANGES) if (maps < 0).any() else (2 * part - 1, MAPS)
        colours = by_colour_map(_shrunk(scaled[None])[0], colour_map)
        words = f"{unit} never fires" if unit in dead else f"{unit}"
        tiles.append(_tile(colours, words, marked=unit in dead))
    n = len(found.maps)
    more = f"; the first {MOST_MAPS} of {n}" if n > MOST_MAPS else ""
    note = (
        f"what its units answer to {printable(pictures.names[0], 60)}, all on one scale, bright is much{more}"
    )
    return ImageFigure(title=f"{found.layer}: maps", note=note, tiles=tuple(tiles))


def _pieces(network: Network, pictures: Pictures, index: int, budget: Budget | None) -> ImageFigure:
    """Draw for each filter the pieces of images that excite it most, side by side in one tile."""
    found = patches(network, pictures.images, index, PIECES, budget=budget)
    beside = _templates(network, network.conv_layers[index], budget)
    low, high = float(pictures.seen.min()), float(pictures.seen.max())
    shown = replace(found, shown=pictures.seen)
    tiles = []
    for number in range(min(MOST_FILTERS, len(found.responses))):
        strip = [] if beside is None else [_weights(beside[number])]
        for place, piece in enumerate(shown.of(number)):
            answer = found.responses[number, place]
            if np.isfinite(answer) and (answer > 0 or not found.rectifies):
                strip.append(_grey((piece - low) / ((high - low) or 1.0)))
        is_silent = len(strip) == (beside is not None)
        words = f"{number}: no answer" if is_silent else f"{number}"
        tiles.append(_tile(_in_a_row(strip, found.size), words, marked=is_silent))
    n = len(found.responses)
    more = f"; the first {MOST_FILTERS} of {n} filters" if n > MOST_FILTERS else ""
    first = "the filter as it matches in the image, then " if beside is not None else ""
    rows, cols = found.size
    note = f"for each filter {first}the {rows}×{cols} pixels that excite it most, the strongest first{more}"
    title = f"{found.layer}: what excites its filters"
    return ImageFigure(title=title, note=note, tiles=tuple(tiles))


def _templates(network: Network, layer: ConvLayer, budget: Budget | None) -> NDArray[np.float64] | None:
    from filtviz.composition import compose

    try:
        return np.asarray(compose(network, layer, (budget or Budget()).account(network)).templates)
    except (CompositionError, BudgetError):
        return None


def _looks(network: Network, pictures: Pictures, budget: Budget | None) -> ImageFigure:
    """Draw where the network looks in a few images: by gradients, without PyTorch by covering parts."""
    tiles, by_gradients = [], True
    chosen = np.unique(np.linspace(0, len(pictures) - 1, min(MOST_LOOKS, len(pictures))).astype(int))
    for place in chosen.tolist():
        image = pictures.images[place]
        name = printable(pictures.names[place], 40)
        try:
            heat = saliency(network, image, signed=False, budget=budget) if by_gradients else None
        except MissingExtraError:
            heat, by_gradients = None, False
        rows, cols = pictures.seen.shape[2:]
        if heat is not None:
            heat = heat if heat.shape[1:] == (rows, cols) else np.moveaxis(heat, -1, 0)
            colours = _sequential(heat.max(axis=0))
        else:
            colours = _covered(network, image, min(rows, cols), budget)
        tiles += [_tile(_grey(pictures.seen[place]), name), _tile(colours, "where it looks")]
    how = (
        "bright: a small change there changes the answer most (the gradient of its logarithm)"
        if by_gradients
        else "red: the answer rests on this part, for it falls where a square covers it; blue: it rises"
    )
    return ImageFigure(title="Where it looks", note=how, tiles=tuple(tiles))


def _covered(
    network: Network, image: NDArray[np.float64], side: int, budget: Budget | None
) -> NDArray[np.uint8]:
    answer = classes_of(network.run(image[None], budget=budget))[0]
    target = int(answer.argmax())
    square = max(3, side // 5)
    heat = occlusion(network, image, target, square, stride=max(1, side // 32), budget=budget)
    change = float(answer[target]) - heat
    return by_colour_map(_by_largest(_shrunk(change[None])[0]), CHANGES)


def _sequential(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return by_colour_map(2 * _by_largest(_shrunk(values[None])[0]) - 1, "magma")


def _weights(kernel: NDArray[np.float64]) -> NDArray[np.uint8]:
    with np.errstate(over="ignore", invalid="ignore"):  # what is beyond all numbers is drawn as such
        return by_colour_map(_by_largest(kernel.sum(axis=0)), CHANGES)


def _by_largest(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values over the largest finite one, from -1 to 1; infinite ones are at the ends, NaN is kept."""
    largest = float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) or 1.0
    return np.clip(values, -largest, largest) / largest


def _grey(image: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return an image in [0, 1] as colours; what lies outside of it is bluish."""
    shown = _shrunk(image)
    low, high = float(np.nanmin(shown, initial=0.0)), float(np.nanmax(shown, initial=1.0))
    pixels = np.moveaxis((shown - low) / (high - low), 0, -1)
    if pixels.shape[2] != 3:
        pixels = np.repeat(pixels.mean(axis=2, keepdims=True), 3, axis=2)
    colours = np.rint(255 * np.clip(np.nan_to_num(pixels), 0, 1)).astype(np.uint8)
    return np.where(np.isnan(pixels), np.array(EMPTY, np.uint8), colours)


def _in_a_row(parts: Sequence[NDArray[np.uint8]], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return pictures side by side with a white line between."""
    parts = [_fitted(part) for part in parts]
    if not parts:
        return np.full((*np.minimum(size, LARGEST), 3), EMPTY, np.uint8)
    line = np.full((parts[0].shape[0], max(1, parts[0].shape[1] // 10), 3), 255, np.uint8)
    return np.concatenate([each for part in parts for each in (part, line)][:-1], axis=1)


def _fitted(part: NDArray[np.uint8]) -> NDArray[np.uint8]:
    block = -(-max(part.shape[:2]) // LARGEST)
    return part[::block, ::block]


def _shrunk(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``(channels, rows, cols)`` no larger than a tile, each pixel the mean of a block."""
    rows, cols = values.shape[1:]
    block = -(-max(rows, cols) // LARGEST)
    padded = np.pad(values, ((0, 0), (0, -rows % block), (0, -cols % block)), mode="edge")
    channels, high, wide = padded.shape
    return np.asarray(padded.reshape(channels, high // block, block, wide // block, block).mean(axis=(2, 4)))


def _tile(pixels: NDArray[np.uint8], caption: str, *, marked: bool = False) -> ImageTile:
    rows, cols = pixels.shape[:2]
    times = max(1, round(LARGEST / max(rows, 1)))
    return ImageTile(
        url=png_url(pixels), caption=caption, width=cols * times, height=rows * times, marked=marked
    )
