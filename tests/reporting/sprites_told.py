"""The pictures of a page, of layers of many shapes: their pixels, places, scales and words, as lines of text.

``python -m tests.telling`` writes ``tests/told/sprites.txt`` anew.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tests.building import chain, conv, image, pool

from filtviz.budget import Account
from filtviz.network import ConvLayer, Network
from filtviz.reporting import pictures
from filtviz.reporting.pictures import Glance, PictureSet, Sprite

__all__ = ["all_lines"]


def drawn(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, 0.5, shape)


def layer_of(weights: NDArray[np.float64], index: int = 0) -> ConvLayer:
    layer = chain(conv(weights, name="a name")).conv_layers[0]
    return replace(layer, conv_index=index)


def sprite(one: Sprite, *, exact: bool = True) -> str:
    layout = one.layout
    with Image.open(io.BytesIO(one.png)) as opened:
        pixels = np.asarray(opened).astype("<i4")  # older versions of Pillow's have 16 bits in 32
        mode = "I;16" if opened.mode == "I" else opened.mode
    lies = f"{layout.across} across, {layout.gap} apart, {layout.size}"
    place = f"{layout.n} of {layout.rows}x{layout.cols}, {lies}"
    summed = f"{zlib.crc32(np.ascontiguousarray(pixels).tobytes()):08x}" if exact else ""
    return f"{mode} {pixels.shape} {summed} {place}, zero {one.zero}, unit {one.unit:.5g}"


def glance(found: Glance | None, *, exact: bool = True) -> Iterator[str]:
    if found is None:
        yield "  none"
        return
    yield f"  {found.conv_index} {found.title}: {found.note} {found.weights}"
    yield f"    {sprite(found.sprite, exact=exact)}"


def set_of(found: PictureSet | None, *, exact: bool = True) -> Iterator[str]:
    if found is None:
        yield "  none"
        return
    limits = [f"{one:.4g}" for one in found.limits]
    told = f"{found.columns[:3]} of {len(found.columns)} {limits} {found.notes} {found.coloured}"
    yield f"  {found.key} {found.title}: {told}"
    shares = [
        [None if one is None else round(one, 3) for one in row] for file in found.shares for row in file[:2]
    ]
    yield f"    {shares}"
    yield from (f"    {sprite(one, exact=exact)}" for one in found.sprites)


def layers() -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield weights of all kinds."""
    for shape in (
        (1, 1, 3, 3),
        (5, 1, 3, 3),
        (4, 3, 3, 3),
        (3, 2, 1, 1),
        (7, 5, 2, 6),
        (2, 1, 7, 7),
        (101, 1, 3, 3),
        (3, 8, 3, 3),
        (2, 1, 300, 300),
    ):
        yield f"{shape}", drawn(*shape)
    yield "zeros", 0 * drawn(2, 1, 3, 3)
    yield "one of NaN", np.concatenate([drawn(2, 1, 3, 3), np.full((1, 1, 3, 3), np.nan)])
    yield "huge", drawn(102, 1, 2, 2) * 1e200
    yield "positive", np.abs(drawn(3, 3, 3, 3))


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/sprites.txt`` holds."""
    for name, weights in layers():
        for index in (0, 1):
            layer = layer_of(weights, index)
            exact = weights.shape[1] in (1, 3)
            yield f"== {name}, {index}"
            yield from glance(pictures.glance_usual(layer, " of f" if index else ""))
            yield from glance(
                pictures.glance_stored(layer), exact=exact and not (index and weights.shape[1] == 3)
            )
            if weights.size > 10_000:
                continue
            for depth in (0, 8, 16) if not index else (8,):
                yield from set_of(pictures.draw_kernels([layer, layer], depth))
            yield from set_of(pictures.sum_up([layer], 0), exact=False)
    known: list[Network] = []
    for shape in ((4, 1, 3, 3), (4, 3, 3, 3), (4, 4, 3, 3)):
        first = conv(drawn(*shape), below=0, name="one")
        second = conv(drawn(3, 4, 3, 3), below=2, name="two")
        far = conv(drawn(2, 3, 40, 40), below=3, name="far")
        network = Network.of([image(shape[1], 200, 200), first, pool(2, below=1), second, far])
        for layer in network.conv_layers:
            yield f"== through {shape} {layer.label}"
            yield from glance(pictures.glance_composed(network, layer), exact=False)
            for size in (None, (8, 8), (65, 8)):
                found, why = pictures.draw_through([network], [layer], size)
                yield f"  {size}: {why}"
                yield from set_of(found, exact=False)
        poor = Account({"work": 10, "pixels": 10})
        found, why = pictures.draw_through([network], [network.conv_layers[1]], (8, 8), poor)
        yield f"  poor: {found} {why} {poor.left_out}"
        yield from glance(pictures.glance_composed(network, network.conv_layers[1], poor))
        pair = [network.conv_layers[1], network.conv_layers[2]]
        yield f"  unlike: {pictures.draw_through([network, network], pair, (8, 8))[1]}"
        pair = [network.conv_layers[0], network.conv_layers[1]]
        found, why = pictures.draw_through([network, network], pair, (8, 8))
        other = pictures.draw_through([network, network], pair[::-1], (8, 8))
        yield f"  the first of all, and unlike: {found} {why} {other}"
        known.append(network)
        for some in ([*known], known[::-1]):
            why = pictures.draw_through(some, [one.conv_layers[1] for one in some], (8, 8))[1]
            yield f"  of images of {[one.conv_layers[0].n_channels for one in some]} channels: {why}"
    for sizes, megabytes in (
        ((10, 20), 1.0),
        ((375_000,), 1.0),
        ((375_001,), 1.0),
        ((700_000, 50_000), 1.0),
        ((700_001, 50_000), 1.0),
        ((9, 9, 9), 0.0),
        ((), 1.0),
        ((5, 900_000, 800_000), 1.2),
    ):
        yield f"depths of {sizes} in {megabytes}: {pictures.plan_depths(sizes, megabytes)}"
    for n, columns, rows, cols in (
        (1, 1, 1, 1),
        (10, 3, 1, 1),
        (10, 3, 3, 3),
        (7, 2, 2, 9),
        (3, 40, 3, 3),
        (200, 1, 5, 5),
    ):
        layout = pictures.lay_out(n, columns, rows, cols)
        yield f"laid out {n}x{columns}x{rows}x{cols}: {layout.across} {layout.gap} {layout.size}"
    for shape in ((3, 1, 3, 9), (3, 1, 9, 3), (3, 1, 1, 7), (3, 1, 7, 6)):
        yield f"== {shape}"
        yield from glance(pictures.glance_stored(layer_of(drawn(*shape), 1)))
    yield from glance(pictures.glance_stored(layer_of(drawn(1200, 1, 1, 1), 1)))
    for shape in ((2, 2, 1, 3), (2, 2, 3, 1), (2, 2, 1, 1)):  # of one weight alone they touch
        yield from set_of(pictures.draw_kernels([layer_of(drawn(*shape), 1)], 8))
    colours = pictures.palette()
    yield f"palette: {len(colours)} {colours[:4]} {colours[129]} {colours[-1]}"
