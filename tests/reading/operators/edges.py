"""Files that go as far as a format follows them, and one step further: nested calls, long lists, names."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from filtviz.parameter import Parameter
from filtviz.reading.formats import gguf, madmom, mxnet, nolearn, onnx, tflib, torchscript
from filtviz.reading.formats.keras.config import Builder
from filtviz.reading.formats.keras.stores import Modern
from filtviz.reading.formats.onnx import cases
from filtviz.reading.formats.tensorflow import _paths, nodes
from filtviz.reading.formats.tensorflow.checkpoint import Trackable
from filtviz.reading.formats.tensorflow.graphdef import layers_of_graph
from filtviz.reading.hdf5 import open_hdf5
from filtviz.reading.protobuf import Message
from filtviz.reading.stretch import view_of
from filtviz.reading.zips import read_members
from tests.reading.hdf5_making import Folder, hdf5
from tests.reading.making import Thing, conv, dumps, image
from tests.reading.operators import whole_tensorflow
from tests.reading.operators.asking import Told, part
from tests.reading.operators.whole_onnx import info, tensor
from tests.reading.operators.wholes import opened, outcome, read_of
from tests.reading.torch_making import tensor as torch_tensor
from tests.reading.torch_making import zip_of
from tests.telling import layers_of

__all__ = ["edges"]


def _onnx_node(operator: str, inputs: list[str], output: str, *more: bytes, domain: str = "") -> bytes:
    data = b"".join(part(1, one) for one in inputs) + part(2, output) + part(4, operator)
    return part(1, data + (part(7, domain) if domain else b"") + b"".join(part(5, one) for one in more))


def _onnx_model(parts: list[bytes], functions: bytes = b"") -> str:
    graph = b"".join([*parts, part(11, info("x", (1, 3, 6, 6)))])
    data = part(1, 8) + part(2, "ours") + part(7, graph) + part(8, part(2, 17)) + functions
    return read_of(onnx.open, opened(data))


def _onnx() -> Told:
    """Functions in functions, branches in branches, arrays of many nodes, and long lists of names."""
    for n in (16, 17):
        functions = b""
        for place in range(n):
            inner = _onnx_node(f"F{place + 1}" if place + 1 < n else "Relu", ["a"], "b", domain="ours")
            body = bytes([7 << 3 | 2]) + inner[1:]
            functions += part(
                25, part(1, f"F{place}") + part(4, "a") + part(5, "b") + part(10, "ours") + body
            )
        yield (
            f"ONNX: {n} functions in one another",
            _onnx_model([_onnx_node("F0", ["x"], "y", domain="ours")], functions),
        )
        graph = _onnx_node("Relu", ["x"], "y") + part(12, info("y", "nothing"))
        for _ in range(n):
            graph = _onnx_node("If", ["x"], "y", part(1, "then_branch") + part(6, graph)) + part(
                12, info("y", "nothing")
            )
        yield f"ONNX: {n} branches in one another", _onnx_model([graph])
    kernel = part(5, tensor("w", np.ones((1, 3, 1, 1), "f4")))
    for n in (63, 64, 65):
        for word, more in (
            ("Neg", ()),
            ("Reshape", (part(1, "shape") + part(8, 1) + part(8, 3) + part(8, 1) + part(8, 1),)),
        ):
            steps = [
                _onnx_node(word, ["w" if not place else f"v{place}"], f"v{place + 1}", *more)
                for place in range(n)
            ]
            yield (
                f"ONNX: {n} times {word}",
                _onnx_model([kernel, *steps, _onnx_node("Conv", ["x", f"v{n}"], "y")]),
            )
    for n in (1, 5, 6):
        parts: list[bytes] = []
        for place in range(n):
            scale, zero = np.full(1, 0.5, "f4"), np.full(1, place % 2, "i1")
            parts += [
                part(5, tensor(f"q{place}", np.ones((3, 3, 1, 1), "i1"))),
                part(5, tensor(f"s{place}", scale)),
                part(5, tensor(f"z{place}", zero)),
                part(5, tensor(f"k{place}", np.ones((3, 3, 1, 1), "f4"))),
                _onnx_node("DequantizeLinear", [f"q{place}", f"s{place}", f"z{place}"], f"d{place}"),
                _onnx_node("Conv", ["x", f"d{place}"], f"a{place}"),
                _onnx_node("Neg", [f"k{place}"], f"n{place}"),
                _onnx_node("Conv", ["x", f"n{place}"], f"b{place}"),
                _onnx_node("Relu", ["x"], f"r{place}"),
                _onnx_node("Conv", ["x", f"r{place}"], f"c{place}"),
                _onnx_node(f"Deform{place}", ["x", f"k{place}"], f"e{place}"),
            ]
        yield f"ONNX: {n} of each kind of kernel", _onnx_notes(parts)
    for axis in (-5, -4, -3, 0, 1, 3, 4, 5):
        for n in (1, 2, 3):
            parts = [
                part(5, tensor("q", np.ones((2, 3, 1, 1), "i1"))),
                part(5, tensor("s", np.arange(1, n + 1).astype("f4"))),
            ]
            parts.append(_onnx_node("DequantizeLinear", ["q", "s"], "d", part(1, "axis") + part(3, axis)))
            parts.append(_onnx_node("Conv", ["x", "d"], "y"))
            yield f"ONNX: {n} numbers of a scale along axis {axis}", _onnx_model(parts)
    words = ("Neg", "Abs", "Sqrt", "Exp", "Sign", "Floor", "Ceil", "Round", "Relu", "Tanh")
    for n in (8, 9):
        steps = [
            _onnx_node(word, ["w" if not place else f"v{place}"], f"v{place + 1}")
            for place, word in enumerate(words[:n])
        ]
        deformed = [_onnx_node(f"Deform{place}", ["x", "w"], f"e{place}") for place in range(n)]
        yield (
            f"ONNX: kernels of {n} operators",
            _onnx_notes([kernel, *steps, _onnx_node("Conv", ["x", f"v{n}"], "y"), *deformed]),
        )


def _onnx_notes(parts: list[bytes]) -> str:
    graph = b"".join([*parts, part(11, info("x", (1, 3, 6, 6)))])
    data = part(1, 8) + part(2, "ours") + part(7, graph) + part(8, part(2, 17))
    network = onnx.open(opened(data))
    assert network is not None
    return " | ".join(network.origin.notes)


def _constants() -> Told:
    """Constants of as many numbers as are looked at, and of one more."""
    for n in (64, 65):
        held = cases.Constant(parameter=Parameter.of("n", np.arange(n, dtype="f4"), "n"))
        for words, one in (
            ("", held),
            (" turned", cases.Constant(parameter=held.parameter, order=(0,))),
            (" costly", cases.Constant(parameter=held.parameter, is_costly=True)),
        ):
            numbers, wholes = one.numbers(), one.integers()
            yield f"ONNX: {n} numbers{words}", f"{numbers and sum(numbers)} {wholes and sum(wholes)}"
        node = nodes.Node(
            operator="Pad",
            attributes={},
            constants=[None, Parameter.of("n", np.zeros(n, "i4"))],
            shapes=[(1,) * (n // 2)],
        )
        yield f"TensorFlow: pads of {n} numbers", str(node.few(1) is not None)
    for odd in (np.nan, np.inf, -np.inf, 2.5):
        one = cases.Constant(parameter=Parameter.of("n", np.array([1, odd], "f4"), "n"))
        yield f"ONNX: the number {odd}", f"{one.numbers()} {one.integers()}"
    for n in (1 << 16, (1 << 16) + 1):
        scale = cases.Constant(parameter=Parameter.of("s", np.ones(n, "f4")))
        yield f"ONNX: a scale of {n} numbers", str(cases.scale_of(scale, None) is not None)


def _tensorflow() -> Told:
    """Functions in functions, arrays that are computed of others, and paths to variables."""
    g = whole_tensorflow
    for n in (16, 17):
        library = b""
        for place in range(n):
            word = "PartitionedCall" if place + 1 < n else "Relu"
            inner = g.node("y", word, ["a"], f=part(10, part(1, f"f{place + 1}")))
            signature = part(1, part(1, f"f{place}") + part(2, part(1, "a")) + part(3, part(1, "y")))
            library += part(1, signature + part(3, inner) + part(4, part(1, "y") + part(2, "y:0")))
        first = part(1, g.node("x", "Placeholder", [])) + part(
            1, g.node("c", "PartitionedCall", ["x"], f=part(10, part(1, "f0")))
        )
        yield f"TensorFlow: {n} functions in one another", _graph(first + part(2, library))
        steps = [
            g.node("x", "Placeholder", []),
            g.node("v0", "Const", [], value=part(8, g.tensor(np.ones(3, "f4"), "bytes"))),
        ]
        steps += [g.node(f"v{place + 1}", "Square", [f"v{place}"]) for place in range(n)]
        steps.append(g.node("y", "BiasAdd", ["x", f"v{n}"]))
        yield f"TensorFlow: {n} times Square", _graph(b"".join(part(1, one) for one in steps))
    for n in (31, 32, 33, 34):
        chain = [Trackable(key="", children={"next": place + 1}) for place in range(n)] + [
            Trackable(key="k", children={})
        ]
        yield (
            f"TensorFlow: a path of {n} steps",
            str({key: path.count("/") for key, path in _paths(chain, opened(b"")).items()}),
        )
    tree = [
        Trackable(
            key="", children={"optimizer": 1, "_Optimiser": 2, "layer": 3, "far": 9, "below": -1, "own": 0}
        ),
        Trackable(key="a", children={}),
        Trackable(key="b", children={}),
        Trackable(key="c", children={"again": 1, "optimizers": 2}),
    ]
    yield "TensorFlow: paths around an optimiser", str(_paths(tree, opened(b"")))
    yield "TensorFlow: no objects", str(_paths([], opened(b"")))


def _graph(data: bytes) -> str:
    file = opened(data)

    def tell(layers: Any) -> str:
        return layers_of(SimpleNamespace(layers=layers))  # type: ignore[arg-type]

    return outcome(lambda: layers_of_graph(Message(view_of(data), file.effort), file), tell)


def _keras() -> Told:
    """Models in models, in a configuration and in the paths to weights."""
    for n in (12, 13):
        config: dict[str, Any] = {"class_name": "Flatten", "config": {"name": "f"}}
        for place in range(n + 1):
            config = {"class_name": "Sequential", "config": {"name": f"m{place}", "layers": [config]}}
        builder = Builder(opened=opened(b""), store=None, is_keras_3=True)
        yield (
            f"Keras: {n} models in a model",
            outcome(
                lambda builder=builder, config=config: builder.build(config),
                lambda layers: str([one.name for one in layers]),
            ),
        )
        folder = Folder({"vars": Folder({"0": np.ones((3, 3, 1, 1), "f4")})})
        for _ in range(n + 1):
            folder = Folder({"layers": Folder({"conv2d": folder})})
        file = opened(hdf5(folder))
        store = Modern([open_hdf5(view_of(file.data), file.effort)])
        yield (
            f"Keras: {n + 1} groups in a group",
            outcome(lambda store=store: list(store.layers()), lambda found: str([one[0] for one in found])),
        )
    for config in (
        {"class_name": "Own", "config": {}},
        {"class_name": "Sequential", "config": {"layers": 3}},
        {},
        {"class_name": 3},
    ):
        builder = Builder(opened=opened(b""), store=None, is_keras_3=True)
        yield (
            f"Keras: {json.dumps(config)}",
            outcome(lambda builder=builder, config=config: builder.build(config), str),
        )


def _others() -> Told:
    """Lists of networks, layers in layers, names and axes of the other formats."""
    end = conv(image(1, 4, 4), np.ones((1, 1, 2, 2), "f4"))
    for n in (99, 100):
        empty = [Thing("nolearn.lasagne.base.NeuralNet", number=place) for place in range(n)]
        held = [*empty, Thing("nolearn.lasagne.base.NeuralNet", layers_=[end])]
        yield f"nolearn: {n} networks without layers", read_of(nolearn.open, opened(dumps(held)))
    for n in (64, 65):
        names = [("a/weight", np.ones((3, 3, 1, 1), "f4"))]
        held = [
            Thing("tfutil.Network", name=f"n{place}", variables=names if place + 1 == n else [])
            for place in range(n)
        ]
        yield f"tflib: {n} networks", read_of(tflib.open, opened(dumps(held)))
    for n in (8, 9):
        layers = [
            Thing(f"madmom.ml.nn.layers.Block{place}", part=Thing("madmom.ml.nn.layers.Layer", a=1))
            for place in range(n)
        ]
        network = madmom.open(opened(dumps(Thing("madmom.ml.nn.NeuralNetwork", layers=layers))))
        assert network is not None
        yield f"madmom: {n} kinds of blocks", " | ".join(network.origin.notes)
    for n in (16, 17, 18):
        held = Thing("madmom.ml.nn.layers.Layer", a=1)
        for _ in range(n):
            held = Thing("madmom.ml.nn.layers.Block", part=held)
        network = madmom.open(opened(dumps(Thing("madmom.ml.nn.NeuralNetwork", layers=[held]))))
        assert network is not None
        yield f"madmom: {n} blocks in one another", f"{len(network.layers)} {network.layers[-1].type}"
    for n in (63, 64, 65):
        held = Thing("__torch__.mine.M", weight=torch_tensor(np.ones((2, 2, 1, 1), "f4")))
        for _ in range(n):
            held = Thing("__torch__.mine.M", a=held)
        yield (
            f"TorchScript: {n} modules in a module",
            _script(zip_of(held, more={"archive/constants.pkl": b"\x80\x02).", "archive/code/m.py": b""})),
        )
    for n in (32, 33):
        array = (
            struct.pack("<II", 0xF993FAC9, 0)[:8] + struct.pack("<I", n) + struct.pack(f"<{n}q", *(1,) * n)
        )
        array += struct.pack("<iii", 1, 0, 0) + bytes(4)
        yield (
            f"MXNet: {n} axes",
            read_of(mxnet.open, opened(struct.pack("<QQQ", 0x112, 0, 1) + array + bytes(8), name="m.params")),
        )
    for n, more in ((4, 0), (5, 0), (4, 1)):
        entry = (
            struct.pack("<Q", 1)
            + b"w"
            + struct.pack("<I", n)
            + struct.pack(f"<{n}Q", *(1,) * n)
            + struct.pack("<IQ", 0, 0)
        )
        head = b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + entry
        yield (
            f"GGUF: {n} axes, {more} bytes less",
            read_of(gguf.open, opened((head + bytes(-len(head) % 32) + bytes(4))[: -more or None])),
        )
    for less in (0, 1, 8):
        head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1) + b"k"
        for words, data in (
            ("text", struct.pack("<IQ", 8, 5) + b"llama"),
            ("list", struct.pack("<IIQ", 9, 4, 2) + bytes(8)),
        ):
            yield (
                f"GGUF: a {words} at its end, {less} bytes less",
                read_of(gguf.open, opened((head + data)[: -less or None])),
            )


def _script(data: bytes) -> str:
    file = opened(data, name="m.pt")
    return read_of(torchscript.open, replace(file, members=read_members(file.data, file.inflation)))


def edges() -> Told:
    tables: tuple[Callable[[], Iterator[tuple[str, str]]], ...] = (
        _onnx,
        _constants,
        _tensorflow,
        _keras,
        _others,
    )
    for table in tables:
        yield from table()
