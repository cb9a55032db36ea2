"""What pictures of answers are made of, one fact varied at a time: tiles, words and scales.

A part of `figures_told`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any
from unittest.mock import patch

import numpy as np
from matplotlib.figure import Figure

from filtviz.drawing import response_pictures as drawn
from filtviz.drawing.response_tiles import ResponsePicture, Tiles, tiles_figure
from filtviz.responses import Codes, Maximised

from .making import numbers

__all__ = ["answers"]


def _summed(array: Any) -> str:
    """Shape and two sums of numbers, of which each place counts otherwise; what is not finite counts 7."""
    held = np.nan_to_num(np.asarray(array, float), nan=7.0, posinf=8.0, neginf=-8.0)
    places = held.ravel() @ (np.arange(held.size) % 101 + 1.0)
    return f"{'x'.join(map(str, held.shape))} {numbers(np.round([held.sum(), places], 5))}"


def _told(picture: ResponsePicture) -> Iterator[str]:
    """Yield the tiles of a picture, and the sheet that a terminal shows of it."""
    specs: list[Tiles] = []
    with patch.object(drawn, "tiles_figure", lambda spec: specs.append(spec) or Figure()):
        picture.figure()
    for spec in specs:
        tiles = [_summed(one) for one in (*spec.tiles[:3], *spec.tiles[-1:])]
        yield f"  {len(spec.tiles)} tiles, {spec.across} in a row: {'; '.join(tiles)}"
        yield f"  {list(spec.captions[:7])} … {spec.captions[-1]!r}, {len(spec.captions)}; {sorted(spec.red)}"
        yield f"  {spec.title} | {' | '.join(spec.notes)} | {spec.scale}"
    yield from _sheet(picture)


def _sheet(picture: ResponsePicture) -> Iterator[str]:
    sheet = picture.sheet
    yield f"  sheet {_summed(sheet.values)} {sheet.cmap} {sheet.signed} {sheet.legend.ticks}"
    yield f"  {sheet.title} | {' | '.join(sheet.notes)} | {sheet.legend.meaning}"
    yield f"  {sheet.labels[:3]} {sheet.captions[:3]}"


def _activities() -> Iterator[str]:
    from tests.drawing.test_response_pictures import IMAGE, activity

    odd = np.zeros((3, 2, 2))
    odd[0, 0, 0], odd[1, 1, 0], odd[2, 0, 1] = -np.inf, np.nan, np.inf
    for name, found in {
        "one": activity(1), "17": activity(17), "40": activity(40),
        "none fires": activity(4, maps=np.zeros((4, 2, 2))),
        "below zero": activity(4, low=-3.0), "all below zero": activity(2, maps=np.full((2, 1, 1), -2.0)),
        "the second below zero": activity(2, maps=np.array([1.0, -2.0]).reshape(2, 1, 1)),
        "not finite": activity(3, maps=odd), "of no number": activity(2, maps=np.full((2, 1, 2), np.nan)),
        "units": activity(3, maps=np.arange(3.0)),
        "units of more axes": activity(2, maps=np.arange(8.0).reshape(2, 4)),
        "saturated": activity(4, saturated=[0.95, 0.951, 1.0, 0.0], function="tanh"),
        "saturated by less": activity(4, saturated=[0.95, 0.5, 0.2, 0.0], function="sigmoid"),
        "without function": activity(4, function=""), "saturated by none": activity(2, saturated=[0.0, 0.0]),
        "lost": activity(4, strongest=np.array([np.nan, np.inf, -np.inf, 2.0])),
        "dead and saturated": activity(4, saturated=[1.0, 1.0, 0.0, 1.0]),
    }.items():  # fmt: skip
        for most in (144, 3) if name in ("17", "below zero") else (144,):
            with patch.object(drawn, "MOST_TILES", most):
                yield f"== activity, {name}, {most}"
                yield from _told(drawn.activity_picture(found, IMAGE, "a.png"))
    yield f"shares {[drawn._share(share) for share in (0, 0.0001, 0.0099, 0.01, 0.995, 0.996, 1)]}"


def _patches() -> Iterator[str]:
    from tests.drawing.test_response_pictures import patches

    rng = np.random.default_rng(3)
    for n, top, rectifies in ((1, 1, True), (9, 1, True), (10, 2, False), (11, 1, True), (12, 2, False)):
        found = patches(n, top, rectifies=rectifies)
        for beside in (None, rng.normal(0, 1, (n, 3, 2, 2))):
            for filters in (range(n), range(n - 1, -1, -2)):
                yield f"== patches {n} by {top}, {rectifies}, beside {beside is not None}, {filters}"
                yield from _told(drawn.patches_picture(found, filters, beside, ["a note"]))
    bright = patches(2, 1, rectifies=False)
    bright = replace(bright, shown=bright.shown + 1.5)
    yield "== patches of what is bright"
    yield from _told(drawn.patches_picture(bright, range(2), None, []))
    for piece in (
        [[[0.0, 2.0]]],
        [[[np.nan, 1.0]]],
        [[[0.0, 1.0]], [[1.0, 3.0]], [[np.nan, 0.5]]],
        [[[5.0]], [[1.0]]],
    ):
        yield f"piece {piece}: {_summed(drawn._piece(np.array(piece), 0.0, 2.0))}"


def _maximised() -> Iterator[str]:
    rng = np.random.default_rng(5)
    for n, channels, changed in (*product((1, 5, 17), (1, 3), (False, True)), (65, 1, False)):
        start = np.round(rng.random((channels, 2, 3)), 3)
        images = np.round(start + 2 * rng.normal(0, 1, (n, channels, 2, 3)), 3)
        answers = np.round(rng.normal(0, 10, (3, n)), 3)
        found = Maximised(
            images=images, start=start, answers=answers, layer="l", units=tuple(range(5, 5 + n))
        )
        yield f"== made of {n} with {channels} channels, changed {changed}"
        yield from _told(drawn.maximised_picture(found, "t", ["n"], changed=changed))


def _others() -> Iterator[str]:
    """Yield what matplotlib draws itself."""
    from .figures_told import figure_lines

    for n, across, shape in ((1, 6, (2, 3)), (9, 7, (3, 2)), (18, 17, (1, 1)), (41, 41, (1, 2))):
        blank = [np.zeros((*shape, 3))] * n
        spec = Tiles(tiles=blank, captions=[], across=across, title="t", notes=["n " * 60])
        yield f"{n} tiles of {shape}, {across} in a row: {numbers(tiles_figure(spec).get_size_inches())}"

    just = ["n " * 43 + "n", "n " * 43 + "nn"]
    spec = Tiles(
        tiles=blank[:2], captions=["a"], across=6, title="t", notes=just, scale=(-0.12345, 6.789, "gray", "m")
    )
    yield from (line for line in figure_lines(tiles_figure(spec)) if "image" not in line)
    seen = np.round(np.random.default_rng(6).random((5, 3, 7, 4)) * 3 - 1, 3)
    places = np.array([[0.0, 1.0], [3.0, 1.0], [1.0, -2.0], [0.5, 0.0], [3.0, 2.0]])
    for n, most in ((33, 31), (2, 2000)):
        found = Codes(layer="dense", codes=np.zeros((n, 4)), places=np.resize(places, (n, 2)), plane="pca")
        picture = drawn.codes_picture(found, np.resize(seen, (n, 3, 7, 4)), ["a note " * 30])
        with patch.object(drawn, "MOST_DRAWN", most):
            yield f"== codes of {n}, at most {most}"
            lines = list(figure_lines(picture.figure())) if n > most else []
            yield from (*lines[:6], *lines[-2:])
            yield from _sheet(picture)
    series: dict[str, list[list[float]]] = {
        "equal": [[2.0, 2.0]], "far": [[1e301, 2.0, 1.0], [1.0, np.inf]], "none": [[np.nan]],
        "edge": [[1e300, -1e300]], "far below": [[-1e301, 2.0]], "three": [[1, 2, 4], [4.0], [3, 1, 2, 5]],
    }  # fmt: skip
    for name, lists in series.items():
        given = {f"s{i}": np.array(values, float) for i, values in enumerate(lists)}
        picture = drawn.loss_picture(given, "t", ["n"])
        yield f"== losses, {name}"
        if name == "three":
            yield from figure_lines(picture.figure())
        yield from _sheet(picture)
    for name, heat in {
        "none": [[0.0, 0.0]], "below": [[-3.25], [-1.125], [-2.0]], "odd": [[np.nan, np.inf, 2.0]],
        "high": [[1.0]] * 9,
        "wide": [[1.0, 2.0] * 9],
    }.items():  # fmt: skip
        for symmetric, least in ((False, 0.0), (True, 0.0), (True, 3.456)):
            picture = drawn.heat_picture(
                seen[0], np.array(heat), part="p", title="t", notes=["n " * 90], meaning="m", cmap="RdBu",
                symmetric=symmetric, legend="l", least=least,
            )  # fmt: skip
            yield f"== heat, {name}, {symmetric} {least}"
            if (name == "below") != bool(least) and name != "wide" and (symmetric or name != "none"):
                lines = list(figure_lines(picture.figure()))
                yield from (line for line in lines if "figure" in line or "image" in line or "'" in line)
            yield from _sheet(picture)


def answers() -> Iterator[str]:
    """Yield what pictures of answers are made of."""
    for each in (_activities, _patches, _maximised, _others):
        yield from each()
