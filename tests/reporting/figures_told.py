"""What a page shows of images, figure by figure, of networks and images of many kinds, as lines of text.

``python -m tests.telling`` writes ``tests/told/page_figures.txt`` anew.
"""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tests.building import as_layer, conv, image
from tests.cli.newer_commands import numpys

from filtviz.activations import Activation
from filtviz.budget import Budget
from filtviz.errors import FiltvizError
from filtviz.measures.measure import Diagnosis
from filtviz.network import Layer, Network, Origin
from filtviz.operations import Dense, Flatten, Softmax
from filtviz.parameter import Parameter
from filtviz.reporting import ReportOptions, gather
from filtviz.reporting import shown as shown_of
from filtviz.reporting.gathering import _show_to_each
from filtviz.reporting.shown import ImageFigure
from filtviz.responses.asking import pictures_of

__all__ = ["all_lines"]


def drawn(seed: int, *shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 0.3, shape).astype("f4")


def head(n: int, classes: int = 4) -> Layer:
    weights = Parameter.of("W", drawn(9, n, classes))
    return as_layer(
        Flatten(), Dense(weights=weights), Softmax(), type="Dense", name="end", parameters=(weights,)
    )


def network(*layers: Layer, channels: int = 1, rows: int | None = 10, cols: int | None = 10) -> Network:
    wired = [replace(each, inputs=(i,)) for i, each in enumerate(layers)]
    return Network.of([image(channels, rows, cols), *wired])


def images(n: int, channels: int = 1, rows: int = 10, cols: int = 10, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).uniform(0, 1, (n, channels, rows, cols))


def cases() -> Iterator[tuple[str, Network, dict[str, Any]]]:
    """Yield networks and what is shown to them."""
    one = conv(drawn(0, 4, 1, 3, 3), np.array([0, 0, -1e3, 0.1], "f4"), name="one")
    two = conv(drawn(1, 3, 4, 3, 3), np.zeros(3, "f4"), name="two")
    plain = network(one, two, head(108))
    yield "two layers and classes", plain, {"images": images(2)}
    yield "five images with labels", plain, {"images": images(5), "labels": [0, 1, 2, 3, 0]}
    yield "images beyond 0 and 1", plain, {"images": 3 * images(2) - 1}
    yield "no classes", network(one, two), {"images": images(2)}
    tanh = conv(drawn(2, 4, 3, 3, 3), np.zeros(4, "f4"), name="t", nonlinearity="tanh")
    yield "negative maps of colours", network(tanh, head(256), channels=3), {"images": images(3, 3)}
    many = conv(drawn(3, 22, 1, 3, 3), None, name="many")
    yield "many maps", network(many), {"images": images(2)}
    large = conv(drawn(4, 2, 1, 3, 3), None, name="large")
    yield "large images", network(large, head(544, 2), rows=70, cols=6), {"images": images(1, 1, 70, 6)}
    tall = conv(drawn(4, 2, 1, 66, 2), None, name="tall")
    yield "large kernels", network(tall, rows=70, cols=6), {"images": images(1, 1, 70, 6)}
    yield (
        "two channels",
        network(conv(drawn(5, 12, 2, 3, 3), None, name="c"), channels=2),
        {"images": images(2, 2)},
    )
    silent = conv(drawn(6, 2, 1, 3, 3), np.full(2, -1e3, "f4"), name="silent")
    yield "silent", network(silent), {"images": images(2)}
    huge = conv(drawn(6, 2, 1, 3, 3) * np.float32(1e30), None, name="huge", nonlinearity="linear")
    above = conv(drawn(7, 2, 2, 3, 3) * np.float32(1e30), None, name="above", nonlinearity="linear")
    yield "beyond all numbers", network(huge, above), {"images": images(1)}
    untold = conv(drawn(0, 4, 1, 3, 3), None, name="untold", stride=None)
    yield "stride is not told", network(one, replace(untold, name="x")), {"images": images(1)}
    yield "its first stride is not told", network(untold), {"images": images(2)}
    yield "other images", plain, {"images": images(2, 3)}
    yield "no convolution", network(head(100)), {"images": images(2)}
    odd = as_layer(Activation(kind="untold", name="odd"), type="Odd")
    yield "what is not told behind", network(one, odd, two), {"images": images(2)}


def figures(drawn_of: Sequence[Sequence[ImageFigure]], left_out: Sequence[str]) -> Iterator[str]:
    """Yield the figures of a page, of each tile its words, its size and what colour it is."""
    for shown in drawn_of:
        for figure in shown:
            yield f"  {figure.title}: {figure.note}"
            for tile in figure.tiles:
                with Image.open(io.BytesIO(base64.b64decode(tile.url.partition(",")[2]))) as opened:
                    pixels = np.asarray(opened.convert("RGB")).astype(float)
                mark = " !" if tile.marked else ""
                corner = pixels[0, 0].round(-1).astype(int).tolist()
                means = np.round(pixels.mean(axis=(0, 1))).astype(int).tolist()
                size = f"{tile.width}x{tile.height} of {pixels.shape[:2]}"
                yield f"    {tile.caption}{mark} {size} {means} {corner}"
    yield from (f"  left_out: {sentence}" for sentence in left_out)


def shown_to(
    own: Network, how: dict[str, Any], look_at: int | None = None, budget: Budget | None = None
) -> Iterator[str]:
    """Yield what a page shows of images, of a network of which nothing else was looked for."""
    diagnosis = Diagnosis(file=None, layers=(), look_at=look_at)
    try:
        told, drawn_of, left_out = _show_to_each([own], [diagnosis], ReportOptions(**how), 0, budget)
    except FiltvizError as error:
        yield f"  {type(error).__name__}: {error}"
        return
    yield from figures(drawn_of, left_out)
    found = told[0].shown
    yield f"  {None if found is None else found.answer}"


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/page_figures.txt`` holds."""
    with patch("filtviz.running.choosing.torch_engine", numpys):
        for name, own, how in cases():
            yield f"== {name}"
            yield from shown_to(own, how)
        one = network(conv(drawn(0, 4, 1, 3, 3), None))
        yield "== little work"
        yield from shown_to(one, {"images": images(2)}, budget=Budget(work=10**6))
        two = network(conv(drawn(0, 4, 1, 3, 3), None), conv(drawn(1, 2, 4, 3, 3), None))
        for look_at in (0, 1, 2):
            yield f"== to look at: {look_at}"
            yield from shown_to(two, {"images": images(1)}, look_at)
        yield from several()


def several() -> Iterator[str]:
    """Yield what is shown of several networks, one of which cannot be run, and of one since two states."""
    small = {"rows": 6, "cols": 6}
    first, last = (
        network(conv(sign * drawn(1, 2, 1, 3, 3), None, name="one"), head(32), **small) for sign in (-1, 1)
    )
    p, q, r = (
        replace(one, origin=Origin(path=Path(f"{name}.pkl")))
        for one, name in ((first, "p"), (last, "q"), (last, "r"))
    )
    untold = network(conv(drawn(0, 2, 1, 3, 3), None, name="untold", stride=None), **small)
    for name, models, before in (
        ("beside one that cannot be run", [untold, p], []),
        ("since two", [r], [p, q]),
    ):
        content = gather(models, ReportOptions(images=images(2, 1, 6, 6)), before=before)
        yield f"== {name}"
        yield f"  {[len(one) for one in content.figures]} {content.left_out}"
        for file, shown in content.shown:
            found = file.diagnosis.shown
            yield f"  {file.label}: {[one.title for one in shown]} {found and found.answer}"
    long = network(conv(drawn(1, 2, 1, 3, 3), None, name="l" * 99), head(32), **small)
    given = replace(pictures_of(long, images(1, 1, 6, 6), None), names=("n" * 99,))
    for made in (
        shown_of._maps(long, given, 0, None), shown_of._pieces(long, given, 0, None),
        shown_of._looks(long, given, None),
    ):  # fmt: skip
        yield f"long names: {made.title} | {made.note} | {[tile.caption for tile in made.tiles]}"
    for values in ([[0.0, 1.0], [2.0, np.inf]], [[np.nan, 0.0]], [[-1.0, 3.0]], np.arange(65.0)[None]):
        pixels = shown_of._sequential(np.array(values))
        ends = pixels[0, 0].tolist(), pixels[-1, -1].tolist()
        yield f"sequential {np.shape(values)}: {pixels.shape} {ends}"
    odd, nan = (
        conv(np.array(weights, "f4").reshape(2, 1, 1, 1), np.array([0, 1], "f4"), name="odd")
        for weights in ((np.inf, 2), (np.nan, np.nan))
    )
    flat = replace(long.conv_layers[0], operations=(*long.conv_layers[0].operations, Flatten()))
    for name, own, shown_pixels in (
        ("not finite", network(odd), np.array([[[[0.0, 1.0, 0.5]]]])),
        ("all alike", network(odd), np.ones((1, 1, 2, 2))),
        ("nothing finite", network(nan), images(1, 1, 2, 2)),
        ("flat", network(flat, rows=5, cols=6), images(1, 1, 5, 6)),
    ):  # fmt: skip
        given = pictures_of(own, shown_pixels, None)
        with np.errstate(invalid="ignore"):
            made_of = [shown_of._maps, shown_of._pieces][: 2 - (name == "flat")]
            drawn_of = [[make(own, given, 0, None) for make in made_of]]
        yield from (f"{name}: {line}" for line in figures(drawn_of, ()))
    given = pictures_of(long, images(1, 1, 6, 6), None)
    given = replace(given, images=given.images - 0.75)
    drawn_of = [[make(long, given, 0, None) for make in (shown_of._maps, shown_of._pieces)]]
    yield from (f"prepared: {line}" for line in figures(drawn_of, ()))
    signs = conv(np.repeat([1, -1], 9).reshape(2, 1, 3, 3), None, name="signs", nonlinearity="linear")
    own = network(signs, **small)
    made = shown_of._maps(own, pictures_of(own, images(1, 1, 6, 6), None), 0, None)
    yield from (f"of both signs: {line}" for line in figures([[made]], ()))
    for make in (shown_of._maps, shown_of._pieces):
        try:
            yield f"little work: {make(long, pictures_of(long, images(1), None), 0, Budget(work=1))}"
        except FiltvizError as error:
            yield f"little work: {error}"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kernel in ([1e308, 1e308, -1], [np.inf, -np.inf], [1, 2, 3], [1, -2]):
            pixels = shown_of._weights(np.array(kernel, float).reshape(-1, 1, 1) * [[1, 0.5]])
            yield f"weights {kernel}: {pixels.tolist()}"
    layer = long.conv_layers[0]
    held = [shown_of._templates(long, layer, budget) is None for budget in (None, Budget(work=1))]
    yield f"without templates: {held}"
