"""Whole networks as tables, as fields on the image, and as boxes in their places.

``python -m tests.telling`` writes ``tests/told/networks/placed.txt`` anew.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from filtviz.drawing.graphs import as_dot, as_lines, as_mermaid, graph_of
from filtviz.drawing.graphs.boxes import Box, Graph
from filtviz.drawing.graphs.placing import place
from filtviz.errors import DrawingError
from filtviz.network import Layer, Network
from filtviz.operations import (
    Activation,
    Concatenate,
    Convolution,
    Crop,
    Dense,
    Flatten,
    GlobalPooling,
    Identity,
    Input,
    Merge,
    Pad,
    Reshape,
    Resize,
    Untold,
)
from filtviz.parameter import Parameter
from filtviz.receptive_field import receptive_fields
from filtviz.shapes import same_lengths, same_padding
from filtviz.summary import NOTEBOOK, PAGE, TERMINAL, Table, summarize
from tests.building import as_layer, conv, image, pool
from tests.interpreters.tables import field_text, number, shaped_network
from tests.networks.bounded import networks as bounded_networks
from tests.networks.composed import CHAINS
from tests.networks.walks import NETWORKS, entrance

__all__ = ["placed"]


def _links(n: int, links: list[tuple[int, int]], height: int = 2) -> Graph:
    boxes = tuple(
        Box(
            kind="convolution",
            title=f"b{i}",
            lines=("line",) * (1 + i % height),
            shape=(i, 2),
            layers=(i,),
            parameters=i,
        )
        for i in range(n)
    )
    return Graph(name="drawn", summary="of numbers", boxes=boxes, links=tuple(links), is_told=True)


def _graphs() -> Iterator[tuple[str, Graph]]:
    chain = [(i, i + 1) for i in range(59)]
    for n in (1, 2, 15, 16, 17, 33, 60):
        yield f"a chain of {n}", _links(n, [link for link in chain if link[1] < n])
    yield "a chain of high boxes", _links(20, [link for link in chain if link[1] < 20], 7)
    yield "a chain and a link past it", _links(20, [*chain[:19], (0, 19)])
    yield "a chain and links past it", _links(30, [*chain[:29], (3, 7), (10, 14), (10, 20), (22, 25)])
    yield "ten abreast", _links(12, [(0, i) for i in range(1, 11)] + [(i, 11) for i in range(1, 11)])
    yield (
        "ten abreast, thrice",
        _links(
            33,
            [(11 * k, 11 * k + i) for k in range(3) for i in range(1, 10)]
            + [(11 * k + i, 11 * k + 10) for k in range(3) for i in range(1, 10)]
            + [(10, 11), (21, 22)],
        ),
    )
    yield "two chains", _links(8, [(0, 1), (1, 2), (3, 4), (4, 5), (5, 6)])
    yield "crossed", _links(6, [(0, 5), (1, 4), (2, 3)])
    yield "fed late", _links(6, [(0, 1), (1, 2), (2, 3), (4, 3), (5, 1)])
    yield "no links", _links(5, [])
    for seed in range(8):
        random = np.random.default_rng(seed)
        n = int(random.integers(5, 40))
        links = sorted(
            {
                (int(a), int(b))
                for a, b in zip(random.integers(0, n, 2 * n), random.integers(0, n, 2 * n), strict=True)
                if a < b
            }
        )
        yield f"drawn {seed}", _links(n, links, 4)
    for n in (40, 501):
        yield f"{n} boxes", _links(n, [])
    for n in (60, 141):
        far = [(0, i) for i in range(1, n)]
        yield f"a chain of {n} and links past it", _links(n, [*((i, i + 1) for i in range(n - 1)), *far[1:]])


def _place(graph: Graph) -> str:
    try:
        found = place(graph)
    except DrawingError as error:
        return str(error)
    if len(graph.boxes) > 100:
        return f"{number(round(found.width, 3))} x {number(round(found.height, 3))}"

    def points(several: list[list[tuple[float, float]]]) -> str:
        return " / ".join(
            " ".join(f"{number(round(x, 3))},{number(round(y, 3))}" for x, y in one) for one in several
        )

    boxes = " ".join(
        f"{i}:{number(round(one.x, 3))},{number(round(one.y, 3))},{number(round(one.height, 3))}"
        for i, one in found.boxes.items()
    )
    size = f"{number(round(found.width, 3))} x {number(round(found.height, 3))}"
    told = f"{size}; {boxes}; {points(found.curves)}; {points(found.turns)}"
    return told if len(told) < 2500 else f"{told[:1500]}… {zlib.crc32(told.encode()):08x}"


SHAPES: tuple[tuple[int | tuple[int, ...], ...], ...] = (
    ((0,), -1),
    ((0,), 32),
    ((0,), 2, 16),
    (-1, 16),
    (-1, 32),
    ((0,), 2, -1),
    ((0,), 32, -1),
    (-1,),
)


def _networks() -> Mapping[str, Network]:
    """Networks whose layers tell their shapes, where these follow."""
    up = Convolution(
        weights=Parameter.of("W", np.ones((2, 2, 4, 4))),
        axes="iorc",
        stride=(2, 2),
        pad=((1, 1), (1, 1)),
        transposed=True,
    )
    wide = Convolution(
        weights=Parameter.of("W", np.ones((1, 1, 3, 3))),
        stride=(1, 1),
        pad=((0, 0), (0, 0)),
        dilation=(1 << 30, 1 << 30),
    )
    far = Convolution(
        weights=Parameter.of("W", np.ones((1, 1, 2, 2))),
        stride=(1, 1),
        pad=((0, 0), (0, 0)),
        dilation=((1 << 31) - 2, 1),
    )
    found = {**NETWORKS, **CHAINS, **bounded_networks()}
    found |= {
        "up and down": Network.of(
            [
                image(2, 16, 16),
                conv(np.ones((2, 2, 3, 3)), below=0, stride=(2, 2)),
                as_layer(up, below=1),
                conv(np.ones((2, 2, 3, 3)), below=2),
            ]
        ),
        "out of sight": Network.of([image(1, 9, 9), as_layer(wide, below=0), as_layer(Identity(), below=1)]),
        "just in sight": Network.of([image(1, 9, 9), as_layer(far, below=0), as_layer(Identity(), below=1)]),
        "no operations": Network.of(
            [
                image(1, 9, 9),
                conv(np.ones((1, 1, 3, 3)), below=0),
                as_layer(below=1),
                as_layer(Flatten(), below=2),
                as_layer(below=3),
                as_layer(below=(4, 4)),
            ]
        ),
        "curves of three": Network.of([entrance(None, 2, 9), as_layer(Identity(), below=0)]),
        "numbers alone": Network.of([entrance(None, 2), as_layer(Identity(), below=0)]),
        "all in the padding": Network.of(
            [
                image(1, 9, 9),
                as_layer(Pad(pad=((5, 0), (0, 0))), below=0),
                as_layer(Crop(crop=((0, 9), (0, 0))), below=1),
                as_layer(Dense(units=2), below=2),
            ]
        ),
        "shapes unknown": Network.of(
            [
                image(1, 9, 9),
                as_layer(Untold(reason="x", keeps_places=True), below=0),
                as_layer(Concatenate(axis=-3), below=1),
                as_layer(Concatenate(), below=1),
            ]
        ),
        "reshaped": Network.of(
            [
                image(2, 4, 4),
                *(as_layer(Reshape(lengths=lengths), below=0) for lengths in SHAPES),
                *(as_layer(Dense(units=2), below=place + 1) for place in range(len(SHAPES))),
            ]
        ),
        "open channels, flattened": Network.of(
            [image(None, 4, 4), as_layer(Flatten(), below=0), as_layer(Dense(units=2), below=1)]
        ),
        "open channels, reshaped": Network.of(
            [
                image(None, 4, 4),
                as_layer(Reshape(lengths=((0,), 32)), below=0),
                as_layer(Dense(units=2), below=1),
            ]
        ),
        "of one row, resized": Network.of(
            [
                image(1, 1, 5),
                as_layer(Resize(size=(3, 9), coordinates="align_corners"), below=0),
                as_layer(Resize(size=(3, 9)), below=0),
            ]
        ),
        "added without places": Network.of(
            [
                image(2, 4, 4),
                as_layer(GlobalPooling(kind="mean"), below=0),
                as_layer(Flatten(), below=0),
                as_layer(Merge(kind="add"), below=(1, 2)),
                as_layer(Merge(kind="add"), below=(2, 2)),
            ]
        ),
        "many inputs": Network.of(
            [
                image(1, 4, 4),
                *(conv(np.ones((1, 1, 1, 1)), below=0) for _ in range(14)),
                as_layer(Concatenate(), below=tuple(range(1, 15))),
                as_layer(Concatenate(), below=tuple(range(1, 14))),
                as_layer(Concatenate(), below=tuple(range(1, 13))),
            ]
        ),
        "inputs in the middle": Network.of(
            [
                image(1, 4, 4, name="a"),
                as_layer(Activation(kind="tanh"), below=0),
                Layer(operations=(Input(shape=(None, 1, 4, 4)),)),
                as_layer(Merge(kind="add"), below=(1, 2)),
            ]
        ),
        "named oddly": Network.of(
            [
                image(1, 4, 4, name='q"\\<b>'),
                conv(np.ones((1, 1, 1, 1)), below=0, name="é×" * 30),
                pool(2, below=1, name="\x1b"),
            ]
        ),
    }
    return found


def placed() -> Iterator[tuple[str, str]]:
    for name, network in _networks().items():
        try:
            known = shaped_network(*network.layers)
        except (IndexError, ValueError):
            continue
        known = replace(known, origin=network.origin)
        fields, told = (
            "; ".join(field_text(one) for one in receptive_fields(one)) for one in (known, network)
        )
        yield f"{name}, fields", fields
        if told != fields:
            yield f"{name}, fields by the shapes that it tells", told
        summary = summarize(known)
        sums = f"{summary.parameters} {summary.conv_parameters} {summary.convolutions}"
        for style in (
            (TERMINAL, PAGE, NOTEBOOK)
            if name in ("plain", "many inputs", "up and down", "curves of three")
            else (TERMINAL,)
        ):
            table = Table.of(summary, style)
            rows = " // ".join(" | ".join(row) for row in table.rows)
            if name == "plain":
                yield (
                    f"headings of {style.place}",
                    f"{table.headings} {table.numbers} {table.yields} {len(table.layers)}",
                )
            yield f"{name}, rows for a {style.place}", f"{sums}; {rows}"
        for whole in (False, True):
            graph = graph_of(known, whole=whole)
            lines = " // ".join(" | ".join(row) for row in as_lines(graph))
            if not whole or len(graph.boxes) != len(graph_of(known).boxes):
                yield f"{name}, boxes {whole}", f"{graph.name}; {graph.summary}; {graph.is_told}; {lines}"
        if name in ("plain", "branches", "named oddly", "arrays alone", "joined"):
            for write in (as_dot, as_mermaid):
                yield f"{name}, {write.__name__}", repr(write(graph_of(known)))
        if name in ("plain", "branches", "many inputs", "read twice", "inputs in the middle"):
            yield f"{name}, placed", _place(graph_of(known))
    for name, graph in _graphs():
        yield f"{name}, placed", _place(graph)
    for length in (None, 0, 1, 5, 6, 7):
        for spread in (1, 2, 3, 4):
            yield (
                f"same padding of {length} by {spread}",
                str([same_padding(length, spread, stride) for stride in (1, 2, 3, 5)]),
            )
    for several in (
        ((1,), (2,)),
        ((1, 2), (2,)),
        ((1, 2), (2, 3)),
        ((0, 2), (2, 3)),
        ((1, 2), None),
        ((1, 2), ()),
        (),
        ((),),
        ((-1,),),
        ((1, 2), (2, 3), (4, 5)),
        ((1, 2), (2, 0)),
    ):
        yield f"same lengths {several}", str(same_lengths(*several)) if any(several) else _empty(several)


def _empty(several: tuple[tuple[int, ...], ...]) -> str:
    try:
        return str(same_lengths(*several))
    except ValueError:
        return "ValueError"
