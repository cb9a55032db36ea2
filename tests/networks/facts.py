"""What a network says of itself: names, labels, choices by them, and what it holds in a sentence.

``python -m tests.telling`` writes ``tests/told/networks/facts.txt`` anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from filtviz.errors import SelectionError
from filtviz.network import ConvLayer, Layer, Network, Origin
from filtviz.operations import (
    Activation,
    Convolution,
    Dense,
    Flatten,
    GlobalPooling,
    Identity,
    LocallyConnected,
    Recurrent,
    Reshape,
    Slice,
    Transpose,
    Untold,
    parameters_of,
    with_parameters,
)
from filtviz.parameter import Parameter
from filtviz.shapes import layer_window, output_shape
from tests import telling
from tests.building import as_layer, conv, image, pool
from tests.interpreters.cases import CASES, drawn
from tests.interpreters.tables import told
from tests.networks.composed import CHAINS
from tests.networks.walks import NETWORKS

__all__ = ["facts"]


def facts() -> Iterator[tuple[str, str]]:
    yield from _described()
    yield from _labels()
    yield from _choices()
    yield from _layers()
    yield from _wiring()
    yield from _windows()
    yield from _parameters()


def _small(**how: Any) -> ConvLayer:
    return conv(np.zeros((1, 1, 2, 2), "f4"), below=0, **how)


def _described() -> Iterator[tuple[str, str]]:
    dense, each = as_layer(Dense()), as_layer(Dense(per_position=True))
    recurrent = as_layer(Recurrent(kind="GRU"))
    curve = conv(np.zeros((1, 1, 2), "f4"), axes="oic", stride=(1,), pad=((0, 0),))
    for n_convs in (0, 1, 2, 3):
        for n_dense in (0, 1, 2):
            for n_recurrent in (0, 1, 2):
                layers = [
                    image(1),
                    *[_small()] * n_convs,
                    *[dense] * n_dense,
                    each,
                    *[recurrent] * n_recurrent,
                ]
                network = Network.of(layers, Origin(kind="a test"))
                said = (
                    f"{network.describe()} | {network.why_nothing_to_draw} | {len(network)} {bool(network)}"
                )
                yield f"{n_convs} convolutions, {n_dense} dense, {n_recurrent} recurrent", said
    losses = [{"loss": 3.0}, {"loss": 2.0}]
    yield "the losses of a network", f"{Network.of([], history=losses).history} {Network.of([]).history}"
    for thin in ((), ("w",), ("w", "v\x1b"), ("x" * 90,)):
        for layers in ([curve], [dense], []):
            network = Network.of(layers, Origin(thin=thin))
            yield f"nothing to draw of {len(layers)} with {thin}", network.why_nothing_to_draw
    for path in (None, Path("/there/a.pkl"), Path("/there/" + "b" * 90), Path("/there/\x1b.pkl")):
        network = Network.of([image(1), _small()], Origin(path=path))
        yield f"shown of {path and path.name!r}", repr(network)
        for graph in ("", "g.json"):
            for inferred in ((), ("it is so",)):
                one = Network.of([], Origin(graph=graph, inferred=inferred, guess="perhaps", path=path))
                yield (
                    f"has no graph, with {graph!r} and {inferred}",
                    f"{one.has_no_graph} {bool(one)} {one!r}",
                )


def _labels() -> Iterator[tuple[str, str]]:
    for names in (
        ["a", "b"],
        ["a", "a"],
        [None, None],
        ["", "a"],
        ["1", "2"],
        ["0", "conv1"],
        [None, "conv1"],
        [None, "conv1", "conv1_"],
        ["a", "a", "a-1"],
        ["a-2", "a", "a"],
        ["layer3", "3"],
        ["x" * 300, "x" * 300],
        ["x" * 300],
        ["²", "٣"],
        [" ", "é"],
        ["conv2", None, None],
        ["conv2", "conv2_", None],
    ):
        network = Network.of([image(1), *(_small(name=name) for name in names)])
        shown = [[name and name[:12] for name in names], [one.label[-12:] for one in network]]
        titles = [
            f"{one.title[:30]} {one.shown_name and one.shown_name[:12]} {len(one.label)}" for one in network
        ]
        yield f"labels of {shown[0]}", f"{shown[1]} {titles}"


def _said(function: Any, *given: Any) -> str:
    try:
        found = function(*given)
    except SelectionError as error:
        return f"{error} [{str(error.wanted)!r} of {error.available}]"
    return str([repr(one) for one in found] if isinstance(found, tuple) else found)


def _choices() -> Iterator[tuple[str, str]]:
    many = Network.of(
        [image(1), *(_small(name=f"c{n}") for n in range(32))], Origin(path=Path("/there/a.pkl"))
    )
    some = Network.of(
        [
            image(1, name="in"),
            _small(name="conv"),
            _small(name="3"),
            pool(2, below=2, name="pool"),
            pool(2, below=3, name="pool"),
            _small(name="same"),
            _small(name="same"),
            as_layer(Identity(), below=1, name="in2"),
            _small(name="a very long name of a layer that nobody reads"),
            as_layer(Identity(), below=1, name="a very long name of a layer that nobody reads, and \x1b"),
        ]
    )
    none = Network.of([image(1, name="in")], Origin(path=Path("/there/a\x1b.pkl")))
    nowhere = Network.of([image(1, name="in")])
    wanted: list[Any] = [
        0,
        1,
        -1,
        3,
        4,
        -4,
        -5,
        99,
        "0",
        "-1",
        "3",
        "9",
        "conv",
        "conv1",
        "convv",
        "layer3",
        "pool",
        "same",
        "same-3",
        "same-4",
        "a very long name of a layer that nobody rea",
        "in",
        "in2",
        "",
        "x" * 99,
        True,
        np.int64(1),
        1.0,
        None,
        "c31",
        "c40",
        31,
        32,
        "\x1b",
        (1,),
        5,
        7,
        8,
        -8,
        -9,
        -6,
        9,
        10,
        -10,
        -11,
    ]
    for name, network in (("some", some), ("many", many), ("none", none), ("nowhere", nowhere)):
        for one in wanted:
            shown = (repr(one) if not isinstance(one, np.generic) else f"numpy's {one}")[:30]
            yield f"{name}, selected {shown}", _said(network.select, one)[:400]
            yield f"{name}, the layer {shown}", _said(network.layer, one)[:400]
            try:
                yield f"{name}, holds {shown}", str(one in network)
            except TypeError:
                yield f"{name}, holds {shown}", "TypeError"
    yield "some, sliced", str([one.label for one in some[1:3]])
    yield "some, one after another", str([one.label for one in some])
    for layer in (*some.layers, many.layers[1], none.layers[0]):
        yield f"some, its own {layer.title}", _said(some.select, layer)


def _layers() -> Iterator[tuple[str, str]]:
    several: dict[str, Layer] = {
        "convolution": _small(),
        "with a bias": ConvLayer.of(np.zeros((2, 1, 2, 2)), np.ones(2)),
        "of parameters": ConvLayer.of(drawn(2, 1, 2, 2), drawn(2)),
        "with a bias for each place": ConvLayer.of(np.zeros((2, 1, 2, 2)), np.ones((2, 3, 4))),
        "of all that is told": ConvLayer.of(
            np.zeros((1, 2, 2, 2)),
            axes="iorc",
            flip_filters=True,
            stride=(1, 2),
            pad=((0, 1), (2, 3)),
            dilation=(2, 1),
            followed_by=(Identity(), Activation(kind="tanh")),
            label="called",
            trainable=False,
        ),
        "curves": conv(np.zeros((2, 1, 3)), axes="oic", stride=(1,), pad=((0, 0),)),
        "volumes": conv(np.zeros((2, 1, 2, 2, 2)), axes="oidrc"),
        "empty": conv(np.zeros((0, 1, 2, 2))),
        "texts": conv(np.array([[[["a"]]]])),
        "complex": conv(np.zeros((1, 1, 1, 1), "c8")),
        "bfloat16": conv(np.zeros((1, 1, 1, 1), ml_dtypes.bfloat16)),
        "truths": conv(np.zeros((1, 1, 1, 1), "?")),
        "whole numbers": conv(np.zeros((1, 1, 1, 1), "i4")),
        "local": ConvLayer(operations=(LocallyConnected(weights=drawn(2, 1, 2, 2, 3, 3), axes="oircyx"),)),
        "local, of curves": ConvLayer(operations=(LocallyConnected(weights=drawn(2, 1, 2, 3), axes="oicx"),)),
        "backwards": ConvLayer(
            operations=(Convolution(weights=drawn(3, 2, 2, 2), axes="iorc", transposed=True),)
        ),
        "depthwise": conv(np.zeros((2, 2, 3, 2)), axes="rcgo", flip_filters=False),
        "behind another operation": ConvLayer(operations=(Identity(), *_small().operations)),
        "pool": pool(2),
        "untold": Layer(),
        "untold in its place": as_layer(Untold(reason="x", keeps_places=True)),
        "nothing": as_layer(),
        "untold stride": conv(np.zeros((1, 1, 2, 2)), stride=None),
        "untold function": as_layer(Activation(kind="untold")),
        "a number for a name": as_layer(Identity(), name="7"),
        "no name": as_layer(Identity(), type="\x1bOdd"),
        "a long name": as_layer(Identity(), name="n" * 60),
        "a long type": as_layer(Identity(), type="t" * 60),
    }
    for name, layer in several.items():
        found = [
            repr(layer),
            layer.title,
            layer.shown_name,
            layer.is_told,
            layer.n_parameters,
            layer.parameter("W") and layer.parameter("W").shape,
        ]  # type: ignore[union-attr]
        if isinstance(layer, ConvLayer):
            found += [
                layer.axes,
                layer.flip_filters,
                layer.W.shape,
                layer.b is not None and told(layer.b),
                layer.filters.shape,
                layer.filters.dtype,
            ]
            found += [
                layer.n_filters,
                layer.n_channels,
                layer.kernel_size,
                layer.is_curve,
                layer.is_volume,
                layer.why_not_drawn,
            ]
            found += [layer.convolution.is_planar, str(layer.convolution.weights is layer.weights)]
            found += [[one.name for one in layer.parameters], telling.told(*layer.operations)]
        yield f"layer {name}", " | ".join(map(str, found))


def _wiring() -> Iterator[tuple[str, str]]:
    for name, network in {
        **NETWORKS,
        "branches below": CHAINS["branches"],
        "joined": CHAINS["joined"],
    }.items():
        feeds = [[one.index for one in network.ancestors(layer)] for layer in network.layers]
        reads = [[one.index for one in network.readers(layer)] for layer in network.layers]
        yield f"wiring of {name}", f"{network.n_links} links; {feeds}; {reads}"
    for name, other in CHAINS.items():
        if name in (
            "two",
            "three",
            "in steps",
            "joined",
            "two colours",
            "grouped",
            "read twice",
            "turned",
            "local",
        ):
            twins = [
                found and found.conv_index
                for found in (CHAINS["read twice"].counterpart(one) for one in other)
            ]
            yield f"counterparts of {name}", str(twins)
    labelled = Network.of([_small(name="b"), conv(np.zeros((2, 1, 2, 2)), name="a")])
    other = Network.of(
        [
            _small(name="a"),
            conv(np.zeros((2, 1, 2, 2)), name="b"),
            conv(np.zeros((1, 1, 2, 2)), name="c", axes="iorc"),
        ]
    )
    for layer in labelled:
        yield (
            f"counterpart of {layer.label}",
            str([None if (one := other.counterpart(layer)) is None else one.label]),
        )
    for layer in other:
        yield (
            f"counterpart back of {layer.label}",
            str([None if (one := labelled.counterpart(layer)) is None else one.label]),
        )


def _windows() -> Iterator[tuple[str, str]]:
    """Yield through which window a layer looks whose operations change the shape before it, and reshapes."""
    whole, cut = GlobalPooling(kind="max"), Slice(axis=2, start=1, stop=4)
    for name, operations in {
        "the whole of it": (whole,),
        "the whole of a part": (cut, whole),
        "the whole of rows that are columns": (Transpose(order=(0, 1, 3, 2)), whole),
        "numbers in a row": (Flatten(), whole),
        "nothing": (cut, Identity()),
    }.items():
        network = Network.of([image(1, 5, 7), as_layer(*operations, below=0)])
        window = layer_window(network.layers[1], network)
        yield f"the window on {name}", str(window and (window.size, window.stride, window.pad))
    for lengths in (
        ((-1,), 4),
        ((0,), -1),
        ((1,), (0,)),
        ((3,), 2),
        ((), 24),
        ((0, 1), 12),
        (-1, (2,)),
        (-1, -1),
    ):
        found = [output_shape(Reshape(lengths=lengths), [shape]) for shape in ((2, 3, 4), (None, 3, 4), None)]
        yield f"reshaped to {lengths}", str(found)


def _parameters() -> Iterator[tuple[str, str]]:
    for name, operation in CASES.items():
        held = list(parameters_of(operation))
        if held and "=" not in name:
            new = Parameter.of("new", np.zeros(3))
            changed = with_parameters(operation, {id(held[0]): new})
            same = with_parameters(operation, {1: new})
            shapes = [one.shape for one in parameters_of(changed)]
            yield (
                f"parameters of {name}",
                f"{[one.shape for one in held]} {shapes} {same is operation} {changed is operation}",
            )
