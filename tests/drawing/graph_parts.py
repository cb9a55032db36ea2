"""How boxes and links of graphs are drawn, placed and written, as lines of text: a part of `parts_told`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
from tests.building import as_layer, conv, image

from filtviz.activations import Activation
from filtviz.drawing.graphs import picture as graph_picture
from filtviz.drawing.graphs import placing
from filtviz.drawing.graphs import texts as graph_texts
from filtviz.drawing.graphs.boxes import Box, Graph, _heads, _word, graph_of
from filtviz.drawing.graphs.placing import _columns, _in_order, _ranks, place
from filtviz.network import Layer, Network, Origin
from filtviz.operations import (
    Convolution,
    Flatten,
    GlobalPooling,
    Merge,
    Normalisation,
    Pooling,
    Resize,
    Softmax,
    Untold,
    Upscale,
)
from filtviz.parameter import Parameter

from .making import numbers, random_weights, said, short

__all__ = ["boxes"]


def boxes() -> Iterator[str]:
    """Yield how boxes and links are drawn, and where those of long networks stand."""
    most = {size: int((2.35 - 0.12) / (size * 0.0078)) for size in (6.2, 6.6, 7.6)}
    for size, n in most.items():
        for length in (n - 1, n, n + 1, n + 9):
            text = "".join(chr(ord("a") + i % 26) for i in range(length))
            yield f"cut {length} of {size}: {graph_picture._cut(text, size)}"
    yield f"cut in bold: {graph_picture._cut('ab' * 40, 7.6, 0.0099)}"
    for points in (
        [(1, 0), (1, 2)], [(1, 0), (3, 2)], [(0, 0), (1, 2), (1, 3), (2, 5)], [(0, 0), (0, 2), (1, 3),
        (1, 5)],
        [(0, 0), (2, 2), (2, 3), (2, 5), (2, 6), (1, 7)],
    ):  # fmt: skip
        for is_told in (True, False):
            seen: list[Any] = []
            axes: Any = SimpleNamespace(add_artist=seen.append)
            with patch("matplotlib.patches.FancyArrowPatch", lambda **how: how):
                graph_picture._link(axes, points, is_told=is_told)
            path = seen[0].pop("path")
            yield f"link {points}: {path.vertices.tolist()} {path.codes.tolist()} {seen[0]}"
    for wanted, weights in (
        ([1, 2, 3], [1, 1, 1]), ([3, 1, 2], [1, 1, 1]), ([3, 1, 2], [1, 0.02, 1]), ([2, 2], [1, 1]), ([], []),
        ([5, 4, 3, 9, 8], [1, 2, 1, 1, 3]),
    ):  # fmt: skip
        yield f"in order {wanted} {weights}: {numbers(_in_order(wanted, weights))}"
    for n in (1, 15, 16, 17, 18, 40, 100):
        for side in ([], [(0, 5)], [(4, n - 1)], [(3, 9), (3, 10), (8, 12)]):
            links = [(i, i + 1) for i in range(n - 1)] + [link for link in side if link[0] < link[1] < n]
            ranks = _ranks(n, links)
            yield f"columns of {n} and {side}: {_columns(_graph(n, links), ranks)}"
    for n, links in (
        (5, [(3, 4), (0, 4)]),
        (6, [(0, 1), (1, 2), (3, 2), (4, 5)]),
        (4, [(2, 3), (1, 2), (0, 3)]),
    ):
        yield f"ranks of {n} and {links}: {_ranks(n, links)}"
    for n, links in (
        (3, [(0, 2)]), (5, [(0, 1), (0, 2), (2, 3), (1, 4), (3, 4)]), (4, []), (6, [(0, 4), (1, 4),
        (2, 5), (3, 5)]),
        (22, [*((i, i + 1) for i in range(21)), (2, 5), (9, 14)]),
    ):  # fmt: skip
        found = place(_graph(n, links, lines=2))
        spots = "; ".join(f"{numbers([one.x, one.y, one.height])}" for one in found.boxes.values())
        yield f"placed {n} of {links[:4]}: {found.width:.4g} {found.height:.4g} {spots}"
        yield f"  curves {'; '.join(map(numbers, found.curves))} turns {'; '.join(map(numbers, found.turns))}"
    for n in (500, 501):
        yield f"{n} boxes: {said(lambda n=n: len(place(_graph(n, [])).boxes))}"
    for most in (5, 6):
        with patch.object(placing, "MOST_PLACES", most):
            far = [(0, 1), (1, 2), (0, 2), (2, 3), (2, 3)]
            yield f"6 places of {most}: {said(lambda far=far: len(place(_graph(4, far)).boxes))}"
    for size, own in {
        "plain": {}, "name": {"name": "n" * 60}, "summary": {"summary": "s" * 90}, "note": {"is_told": False},
        "longer than a note": {"is_told": False, "summary": "s" * 75},
    }.items():  # fmt: skip
        graph = replace(_graph(1, []), **own)
        inches = graph_picture._draw(graph, place(graph)).get_size_inches()
        yield f"a page as wide as its {size}: {numbers(inches)}"
    joined = [image(1, 8, 8), conv(random_weights(1, 1, 3, 3), nonlinearity=None, below=0)]
    joined += [as_layer(Activation(kind="rectify"), below=1), as_layer(Merge(kind="add"), below=(0, 1))]
    unknown = Layer(type="Own", operations=(Untold(reason="r"), Activation(kind="rectify")), inputs=(1,))
    for own in (joined[:3], joined, [*joined[:2], unknown]):
        yield f"heads of {len(own)} layers: {_heads(Network.of(own), whole=False)}"
    yield from _said()
    yield from _written()


def _said() -> Iterator[str]:
    """Yield what is said of operations over three axes, of which one may differ, and of several together."""
    kernels = Parameter.of("W", np.zeros((2, 1, 2, 2, 2)))
    for lengths in ((1, 1, 1), (2, 2, 2), (2, 1, 2), (1, 2, 2), (1, 1, 2)):
        moving = Convolution(weights=kernels, axes="oidrc", stride=lengths, dilation=lengths[::-1])
        pool = Pooling(kind="max", size=lengths[::-1], stride=lengths, pad=((0, 0),) * 3)
        yield f"said of {lengths}: {_word(moving)} | {_word(pool)}"
    for one in (Upscale(scale=(2, 2)), Resize(size=(4, 4)), Resize(scale=(2.0, 2.0))):
        yield f"said of {type(one).__name__}: {_word(one)}"
    norm, relu, pool = Normalisation(), Activation(kind="rectify"), GlobalPooling(kind="mean")
    for operations in (
        (norm, relu), (relu, pool), (pool, Flatten()), (pool, relu, Flatten(), norm), (norm, pool, relu),
        (relu,), (Flatten(), Untold(reason="r")), (Untold(reason="r"), relu), (Softmax(), Softmax()), (),
    ):  # fmt: skip
        (box,) = graph_of(Network.of([Layer(type="Own", operations=operations)])).boxes
        yield f"said of {' '.join(type(one).__name__ for one in operations)}: {box.kind} {box.lines}"


def _graph(n: int, links: list[tuple[int, int]], lines: int = 1) -> Graph:
    own = tuple(
        Box(
            kind="dense" if i % 3 else "input", title=f"b{i}", lines=("a line",) * (1 + i % lines),
            shape=(i, None),
            layers=(i,), parameters=i,
        )
        for i in range(n)
    )  # fmt: skip
    return Graph(name="g", summary="a summary", boxes=own, links=tuple(links), is_told=True)


def _written() -> Iterator[str]:
    """Yield graphs as texts, and where they are written."""
    odd = Box(
        kind="unknown", title='a "b" <c>\\ \n{d}', lines=("|e|", "f;#"), shape=None, layers=(0,), parameters=0
    )
    graph = _graph(5, [(0, 1), (0, 2), (2, 3), (1, 3)])
    for told in (True, False):
        one = replace(graph, boxes=(*graph.boxes[:4], odd), is_told=told)
        for write in (graph_texts.as_dot, graph_texts.as_mermaid):
            yield from (f"  {line}" for line in write(one).splitlines())
        yield from (f"  {row}" for row in graph_texts.as_lines(one))
    network = Network.of([])
    for output, suffix in (
        ("o.dot", None), ("o.gv", None), ("o.MERMAID", None), ("o.mmd", "dot"), ("n" * 90 + ".dot", "mmd"),
        ("o.dot", "dot"), ("", "dot"), ("sub", "mmd"), ("sub/x", "dot"), ("o.png", None), ("o.gv", "dot"),
        ("made.dot", "dot"), ("made.dot", "mmd"), ("made.dot", None), ("x.y", "dot"), ("x.y", None),
    ):  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "made.dot").mkdir()
            path = Path(folder, output)
            wants = graph_texts.wants_text(path, suffix)
            found = (
                said(lambda p=path, s=suffix: graph_texts.write_text(graph, network, p, s)) if wants else ""
            )
            held = sorted(one for one in Path(folder).rglob("*") if one.is_file())
            shown = [f"{one.relative_to(folder).as_posix()} {one.read_text()[:9]!r}" for one in held]
            yield f"graph to {short(output)} as {suffix}: {wants} {found.replace(folder, 'there')} {shown}"
    yield from _kept_apart(graph)


def _kept_apart(graph: Graph) -> Iterator[str]:
    """Yield what is not written over: a model's own file, and what another gave under a name of ours."""
    with tempfile.TemporaryDirectory() as folder:
        own, other = (Path(folder, name, "m.dot") for name in "ab")
        for path in (own, other):
            path.parent.mkdir()
            path.write_bytes(f"of {path.parent.name}".encode())
        one, two = (Network.of([], Origin(path=path)) for path in (own, other))
        for network, output, suffix in (
            (one, folder, "dot"), (one, folder, "dot"), (two, folder, "dot"),
            (two, f"{folder}/m-graph.dot", None), (one, str(own), None), (two, str(own), None),
            (two, folder, "mmd"), (one, f"{folder}/new/x", "dot"),
        ):  # fmt: skip
            told = said(lambda n=network, o=output, s=suffix: graph_texts.write_text(graph, n, Path(o), s))
            named = "a" if network is one else "b"
            yield f"graph of {named} to {output} as {suffix}: {told}".replace(folder, "there")
        yield f"left {own.read_bytes()[:7]!r} {other.read_bytes()[:7]!r}"
