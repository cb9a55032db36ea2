"""Small files of graphs (ONNX, TensorFlow, Keras, Caffe, Darknet) whose nodes share what is long.

A function is written once and stands wherever it is called; the name of a model stands before the names of
all that is in it; a layer is looked for among all others. `TO_FOLLOW` are under 1 MB:
``benchmarks/attacks.py`` shows what each command makes of them.
"""

from __future__ import annotations

import json
import math
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from tests.attacks.containers import zipped
from tests.attacks.formats import hdf5, message, onnx, onnx_node, onnx_tensor, packed

__all__ = ["TO_FOLLOW", "answers", "keras", "keras_layer", "keras_model", "onnx_function", "tensorflow"]

Files = bytes | Mapping[str, bytes]

GRIN = "\U0001f600".encode()
"""A character that makes each other one of its text take four bytes."""


# ONNX


def onnx_function(name: bytes, *nodes: bytes, inputs: Sequence[bytes] = (b"x",)) -> bytes:
    """A function of the model: a field of the outermost message."""
    held = [(4, one) for one in inputs] + [(7, one) for one in nodes]
    return message((25, message((1, name), *held, (5, b"y"), (10, b"d"))))


def calls(function: bytes, n: int) -> bytes:
    """A graph that calls a function so many times."""
    call = message((1, message((1, b"x"), (2, b"y"), (4, function), (7, b"d"))))
    return onnx(call * n + message((11, message((1, b"x")))))


def long_named(n: int, length: int) -> list[bytes]:
    """Nodes with long names."""
    name = GRIN + b"n" * length
    return [message((1, b"x"), (2, b"y"), (3, b"%d" % i + name), (4, b"Relu")) for i in range(n)]


def passed_on(n: int) -> bytes:
    """A constant that goes through so many nodes which change nothing."""
    kernel = message((5, onnx_tensor(b"w0", 1, 1, 3, 3, data=bytes(36))))
    nodes = b"".join(message((1, onnx_node(b"Identity", [b"w%d" % i], b"w%d" % (i + 1)))) for i in range(n))
    return onnx(kernel + nodes + message((1, onnx_node(b"Conv", [b"x", b"w%d" % n], b"y"))))


def branches(n_names: int, n_branches: int) -> bytes:
    """A node of many branches beside many constants that each of them knows."""
    held = b"".join(message((5, onnx_tensor(b"%d" % i, 0))) for i in range(n_names))
    branch = message((5, message((1, b"b"), (6, b""))))
    return onnx(held + message((1, message((2, b"y"), (4, b"If")) + branch * n_branches)))


def filled(n: int, size: int) -> bytes:
    """A function that fills an array with a long constant, which is none, called so many times."""
    value = message((1, b"value"), (5, onnx_tensor(b"", 2 * size, data=bytes(size), kind=22)))
    fill = message((1, b"s"), (2, b"z"), (4, b"ConstantOfShape"), (5, value))
    told = message((1, b"value"), (5, onnx_tensor(b"", 1, data=bytes(8), kind=7)))
    lengths = message((2, b"s"), (4, b"Constant"), (5, told))
    return calls(b"f", n) + onnx_function(b"f", lengths, fill)


def reshaped(n: int, size: int) -> bytes:
    """Nodes that are given one long constant as the shape to give."""
    lengths = message((5, onnx_tensor(b"s", size, data=bytes(8 * size), kind=7)))
    nodes = b"".join(
        message((1, onnx_node(operator, [b"x", b"s", b"s"], b"x")))
        for operator in OPERATORS
        for _ in range(n)
    )
    return onnx(lengths + nodes + message((11, message((1, b"x")))))


def floats(name: bytes, *lengths: int) -> bytes:
    return onnx_tensor(name, *lengths, data=bytes(4 * math.prod(lengths)))


def attributed(node: bytes, name: bytes, number: int) -> bytes:
    return node + message((5, message((1, name), (3, number), (20, 2))))


def of_images(*messages: bytes) -> bytes:
    """A graph of nodes and constants that takes images of one channel."""
    sizes = message(*[(1, message((1, length))) for length in (1, 1, 64, 64)])
    return onnx(
        b"".join(messages) + message((11, message((1, b"x"), (2, message((1, message((1, 1), (2, sizes))))))))
    )


def scaled(n: int, length: int) -> bytes:
    """Whole numbers that are scaled so many times by as many numbers."""
    nodes = (onnx_node(b"DequantizeLinear", [b"w", b"s", b"z"], b"v%d" % i) for i in range(n))
    zeros = onnx_tensor(b"z", length, data=bytes(length), kind=3)
    kernel = onnx_tensor(b"w", length, 1, 1, 1, data=bytes(length), kind=3)
    return of_images(
        *(message((1, attributed(one, b"axis", 0))) for one in nodes),
        message((1, onnx_node(b"Conv", [b"x", b"v0"], b"y"))),
        message(*[(5, one) for one in (zeros, kernel, floats(b"s", length))]),
    )


def cut_out(n_steps: int, n: int, size: int, operator: bytes = b"Softplus") -> bytes:
    """Small kernels, each a part of what many steps make of a large array."""
    steps = [onnx_node(operator, [b"p%d" % i], b"p%d" % (i + 1)) for i in range(n_steps)]
    last = b"p%d" % n_steps
    cuts = [onnx_node(b"Slice", [last, b"from%d" % i, b"to%d" % i], b"w%d" % i) for i in range(n)]
    convs = [onnx_node(b"Conv", [b"x", b"w%d" % i], b"y%d" % i) for i in range(n)]
    ends = [integers(b"%s%d" % (name, i), i + k) for i in range(n) for name, k in ((b"from", 0), (b"to", 4))]
    held = [floats(b"p0", size, 1, 3, 3), *ends]
    return of_images(message(*[(1, one) for one in (*steps, *cuts, *convs)], *[(5, one) for one in held]))


def looked_up(n_steps: int, n: int, size: int) -> bytes:
    """Shapes, each a part of what many steps make of a large array."""
    steps = [onnx_node(b"Abs", [b"p%d" % i], b"p%d" % (i + 1)) for i in range(n_steps)]
    last = b"p%d" % n_steps
    cuts = [onnx_node(b"Slice", [last, b"from%d" % i, b"to%d" % i], b"s%d" % i) for i in range(n)]
    uses = [onnx_node(b"Reshape", [b"x", b"s%d" % i], b"y%d" % i) for i in range(n)]
    ends = [integers(b"%s%d" % (name, i), i + k) for i in range(n) for name, k in ((b"from", 0), (b"to", 4))]
    held = [onnx_tensor(b"p0", size, data=bytes(8 * size), kind=7), *ends]
    return of_images(message(*[(1, one) for one in (*steps, *cuts, *uses)], *[(5, one) for one in held]))


OPERATORS = (b"Reshape", b"Expand", b"Pad", b"Slice", b"Tile", b"Resize", b"Upsample", b"Squeeze", b"Split")


def split(n_outputs: int, n_inputs: int) -> bytes:
    """A node that gives many results out of many constants."""
    names = [(1, b"c")] * n_inputs + [(2, b"%d" % i) for i in range(n_outputs)]
    node = message((1, b"x"), *names, (4, b"Split"))
    return onnx(message((5, onnx_tensor(b"c", 0))) + message((1, node), (11, message((1, b"x")))))


def integers(name: bytes, *numbers: int) -> bytes:
    return onnx_tensor(name, len(numbers), data=struct.pack(f"<{len(numbers)}q", *numbers), kind=7)


def answering(side: int, nodes: Sequence[bytes], *constants: bytes) -> bytes:
    """A network of five classes for images of one channel, with nodes between ``x`` and ``last``."""
    sizes = message(*[(1, message((1, length))) for length in (1, 1, side, side)])
    entrance = message((1, b"x"), (2, message((1, message((1, 1), (2, sizes))))))
    held = [
        onnx_tensor(b"w", 1, 1, 1, 1, data=struct.pack("<f", 1e30)),
        onnx_tensor(b"d", 1, 5, data=struct.pack("<5f", 1, 2, 3, 4, 5)),
        *constants,
    ]
    ends = [
        onnx_node(b"GlobalAveragePool", [b"last"], b"mean"),
        onnx_node(b"Flatten", [b"mean"], b"flat"),
        onnx_node(b"Gemm", [b"flat", b"d"], b"sums"),
        onnx_node(b"Softmax", [b"sums"], b"y"),
    ]
    every = [onnx_node(b"Conv", [b"x", b"w"], b"0"), *nodes, *ends]
    return onnx(message(*[(1, one) for one in every], *[(5, one) for one in held], (11, entrance)))


def answers(hidden: int, classes: int) -> bytes:
    """A network for images of one pixel with so many units in its hidden layer, and so many classes."""
    sizes = message(*[(1, message((1, 1)))] * 4)
    entrance = message((1, b"x"), (2, message((1, message((1, 1), (2, sizes))))))
    steps = ((b"Conv", b"x", b"w", b"0"), (b"Flatten", b"0", b"1"), (b"Gemm", b"1", b"a", b"2"),
             (b"Relu", b"2", b"3"), (b"Gemm", b"3", b"b", b"y"))  # fmt: skip
    held = [
        onnx_tensor(name, *lengths, data=struct.pack(f"<{n}f", *(1 + k % 7 for k in range(n))))
        for name, *lengths in ((b"w", 1, 1, 1, 1), (b"a", 1, hidden), (b"b", hidden, classes))
        for n in (math.prod(lengths),)
    ]
    nodes = [(1, onnx_node(operator, given, output)) for operator, *given, output in steps]
    return onnx(message(*nodes, *[(5, one) for one in held], (11, entrance)))


def functions(operator: bytes, n: int, side: int) -> bytes:
    """Functions of each unit by itself, one upon the other."""
    nodes = [onnx_node(operator, [b"%d" % i], b"%d" % (i + 1)) for i in range(n)]
    return answering(side, [*nodes, onnx_node(b"Identity", [b"%d" % n], b"last")])


def products(n: int, length: int) -> bytes:
    """Products of large matrices, which a small image makes."""
    nodes = [
        onnx_node(b"Reshape", [b"0", b"tall"], b"left"),
        onnx_node(b"Reshape", [b"0", b"wide"], b"right"),
        onnx_node(b"MatMul", [b"left", b"right"], b"m0"),
        *(onnx_node(b"MatMul", [b"m%d" % i] * 2, b"m%d" % (i + 1)) for i in range(n)),
        onnx_node(b"Identity", [b"m%d" % n], b"last"),
    ]
    tall, wide = integers(b"tall", 1, 1, length, 1), integers(b"wide", 1, 1, 1, length)
    return answering(math.isqrt(length), nodes, tall, wide)


def enlarged(side: int) -> bytes:
    """An image that is resized to so many rows and columns, which lie between those that are there."""
    how = (5, message((1, b"mode"), (4, b"linear"), (20, 3)))
    nodes = [
        onnx_node(b"Resize", [b"0", b"", b"", b"size"], b"1") + message(how),
        onnx_node(b"Relu", [b"1"], b"last"),
    ]
    return answering(32, nodes, integers(b"size", 1, 1, side, side))


# TensorFlow


def tensorflow(nodes: bytes, *functions: bytes) -> bytes:
    """A frozen graph with a library of functions."""
    return nodes + message((2, message(*[(1, one) for one in functions])))


def tf_node(name: bytes, operator: bytes, *inputs: bytes, function: bytes = b"") -> bytes:
    called = message((1, b"f"), (2, message((10, message((1, function))))))
    held = [(3, one) for one in inputs] + ([(5, called)] if function else [])
    return message((1, name), (2, operator), *held)


def tf_functions(depth: int, width: int, name: bytes, n: int) -> bytes:
    """Functions that call the next one, whose nodes have long names; the last one has the nodes."""
    functions = []
    for level in range(depth):
        inner = [tf_node(name, b"PartitionedCall", function=b"f%d" % (level + 1))]
        if level + 1 == depth:
            inner = [tf_node(b"%d" % i + name, b"Relu") for i in range(width)]
        functions.append(message((1, message((1, b"f%d" % level))), *[(3, one) for one in inner]))
    calling = b"".join(
        message((1, tf_node(b"c%d" % i, b"PartitionedCall", function=b"f0"))) for i in range(n)
    )
    return tensorflow(calling, *functions)


def tf_attribute(name: bytes, *value: tuple[int, bytes | int]) -> tuple[int, bytes]:
    return 5, message((1, name), (2, message(*value)))


def tf_constant(name: bytes, *lengths: int) -> bytes:
    """A node of zeros."""
    axes = message(*[(2, message((1, length))) for length in lengths])
    tensor = message((1, 1), (2, axes), (4, bytes(4 * math.prod(lengths))))
    return tf_node(name, b"Const") + message(
        tf_attribute(b"dtype", (6, 1)), tf_attribute(b"value", (8, tensor))
    )


def tf_scales(channels: int, depth: int, n: int) -> bytes:
    """Convolutions, each behind a scale that is computed in many steps of one that the file holds."""
    nodes = [tf_node(b"x", b"Placeholder"), tf_constant(b"w", 1, 1, 1, channels), tf_constant(b"g", channels)]
    strides = tf_attribute(b"strides", (1, message(*[(3, 1)] * 4)))
    for i in range(n):
        scales = [b"g", *(b"g%d_%d" % (i, step) for step in range(depth))]
        nodes.append(tf_node(b"c%d" % i, b"Conv2D", b"x", b"w") + message(strides))
        nodes += [tf_node(to, b"Square", given) for given, to in pairwise(scales)]
        nodes.append(tf_node(b"m%d" % i, b"Mul", b"c%d" % i, scales[-1]))
    return tensorflow(message(*[(1, one) for one in nodes]))


def tf_called(n: int, depth: int) -> bytes:
    """Calls of a function that computes with a constant of its own."""
    names = [b"g", *(b"g%d" % i for i in range(depth))]
    nodes = [tf_constant(b"g", 2), *(tf_node(to, b"Square", given) for given, to in pairwise(names))]
    function = message((1, message((1, b"f"))), *[(3, one) for one in nodes])
    calls = (tf_node(b"c%d" % i, b"PartitionedCall", function=b"f") for i in range(n))
    return tensorflow(message(*[(1, one) for one in calls]), function)


# Keras


def keras_layer(name: str, *inputs: str, cls: str = "Activation", **config: Any) -> dict[str, Any]:
    calls = [[[one, 0, 0, {}] for one in inputs]] if inputs else []
    return {"class_name": cls, "config": {"name": name, **config}, "name": name, "inbound_nodes": calls}


def keras_model(*layers: Any, cls: str = "Functional", name: str = "m") -> dict[str, Any]:
    return {"class_name": cls, "config": {"name": name, "layers": list(layers)}, "name": name}


def keras(config: Mapping[str, Any], weights: bytes | None = None) -> bytes:
    """A ``.keras`` of a configuration."""
    return zipped(
        ("metadata.json", b'{"keras_version":"3.0"}'),
        ("config.json", json.dumps(config, separators=(",", ":")).encode()),
        ("model.weights.h5", hdf5(1, 1) if weights is None else weights),
        method=zipfile.ZIP_DEFLATED,
    )


def sequential(n: int, name: str = "m", cls: str = "Dense") -> dict[str, Any]:
    """A model of layers one behind another."""
    return keras_model(*(keras_layer(f"{i}", cls=cls) for i in range(n)), cls="Sequential", name=name)


def wrong_order(n: int, n_references: int) -> bytes:
    """Layers each of which stands before the one that feeds it, and one that is fed again and again."""
    layers = [keras_layer("sum", *[f"{n}"] * n_references)]
    layers += [keras_layer(f"{i}", f"{i - 1}") for i in range(n, 0, -1)]
    return keras(keras_model(*layers, keras_layer("0", cls="InputLayer")))


# Groups of HDF5 for Keras


class Hdf5:
    """Writes objects one behind another: groups with a symbol table, and attributes."""

    def __init__(self) -> None:
        self.body = bytearray(96)

    def add(self, data: bytes) -> int:
        self.body += bytes(-len(self.body) % 8)
        start = len(self.body)
        self.body += data
        return start

    def header(self, *messages: tuple[int, bytes]) -> int:
        parts = b"".join(
            struct.pack("<HHBxxx", kind, len(data) + -len(data) % 8, 0) + data + bytes(-len(data) % 8)
            for kind, data in messages
        )
        return self.add(struct.pack("<BxHII4x", 1, len(messages), 1, len(parts)) + parts)

    def heap(self, data: bytes) -> int:
        names = self.add(data)
        return self.add(b"HEAP" + bytes(4) + struct.pack("<QQQ", len(data), (1 << 64) - 1, names))

    def group(self, names: Mapping[str, int], *attributes: tuple[int, bytes]) -> int:
        """A group of names that lead to headers."""
        held, places = bytearray(8), []
        for name in names:
            places.append(len(held))
            held += name.encode() + b"\0"
        return self.linked(bytes(held), zip(places, names.values(), strict=True), *attributes)

    def linked(self, names: bytes, entries: Any, *attributes: tuple[int, bytes]) -> int:
        """A group of places among the names, and headers."""
        heap = self.heap(names)
        rows = [struct.pack("<QQII16x", place, header, 0, 0) for place, header in entries]
        leaves = [rows[start : start + 30_000] for start in range(0, len(rows), 30_000)]
        at = [self.add(b"SNOD" + struct.pack("<BxH", 1, len(leaf)) + b"".join(leaf)) for leaf in leaves]
        tree = b"TREE" + struct.pack("<BBHQQ", 0, 0, len(at), (1 << 64) - 1, (1 << 64) - 1)
        tree += b"".join(struct.pack("<QQ", 0, one) for one in at) + bytes(8)
        return self.header((0x11, struct.pack("<QQ", self.add(tree), heap)), *attributes)

    def whole(self, root: int) -> bytes:
        head = b"\x89HDF\r\n\x1a\n" + bytes([0, 0, 0, 0, 0, 8, 8, 0]) + struct.pack("<HHI", 4, 16, 0)
        head += struct.pack("<QQQQ", 0, (1 << 64) - 1, len(self.body), (1 << 64) - 1)
        self.body[:96] = head + struct.pack("<QQII16x", 0, root, 0, 0)
        return bytes(self.body)


def texts(name: str, *values: bytes) -> tuple[int, bytes]:
    """An attribute: a list of texts of one length."""
    size = max(map(len, values))
    kind = struct.pack("<BBxxI", 0x13, 0, size)
    space = struct.pack("<BBxx4xQ", 1, 1, len(values))
    called = name.encode() + b"\0"
    padded = called + bytes(-len(called) % 8)
    head = struct.pack("<BxHHH", 1, len(called), len(kind), len(space))
    return 0x0C, head + padded + kind + space + b"".join(one.ljust(size, b"\0") for one in values)


def in_pieces(name: str, values: Sequence[bytes], most: int = 6_000) -> list[tuple[int, bytes]]:
    """A list of texts in numbered attributes, as Keras writes a long one."""
    starts = range(0, len(values), most)
    return [texts(f"{name}{i}", *values[start : start + most]) for i, start in enumerate(starts)]


def long_texts(name: str, n: int, heap: int, length: int) -> tuple[int, bytes]:
    """An attribute: texts that are all the one in a heap."""
    kind = struct.pack("<BBxxI", 0x19, 1, 16) + struct.pack("<BBxxI", 0x13, 0, 1)
    space = struct.pack("<BBxx4xQ", 1, 1, n)
    called = name.encode() + b"\0"
    padded = called + bytes(-len(called) % 8)
    head = struct.pack("<BxHHH", 1, len(called), len(kind), len(space))
    return 0x0C, head + padded + kind + space + struct.pack("<IQI", length, heap, 1) * n


def heap_of(file: Hdf5, data: bytes) -> int:
    """A global heap of one text."""
    head = b"GCOL" + struct.pack("<B3xQ", 1, 16 + 16 + len(data) + 16)
    return file.add(head + struct.pack("<HH4xQ", 1, 1, len(data)) + data + bytes(16))


def many_layers(n: int) -> bytes:
    """A configuration of layers whose weights are looked for among as many groups."""
    file = Hdf5()
    one = file.group({"vars": file.group({}, texts("name", b"nobody"))})
    root = file.group({"layers": file.group({f"dense_{i}": one for i in range(n)})})
    return keras(
        keras_model(*(keras_layer(f"x{i}", cls="Dense") for i in range(n)), cls="Sequential"),
        file.whole(root),
    )


def overlapping(n: int) -> bytes:
    """Names of a group that are the ends of one another."""
    file = Hdf5()
    empty = file.group({})
    names = b"".join(bytes([97 + i % 26]) * 4_000 + b"%d\0" % i for i in range(n // 4_000 + 1))
    inner = file.linked(names, ((place, empty) for place in range(n)))
    return packed(file.whole(file.group({"layers": inner})))


def one_text(n: int, length: int) -> bytes:
    """A list of texts that are one and the same."""
    file = Hdf5()
    listed = long_texts("layer_names", n, heap_of(file, GRIN + b"n" * length), length + 4)
    return packed(file.whole(file.group({}, listed)))


def weight_names(n: int, *, layers: int) -> bytes:
    """A layer, listed again and again, whose weights all lie below names of their own."""
    file = Hdf5()
    listed = [f"{place}/w".encode() for place in range(n)]
    pieces = [
        texts(f"weight_names{i}", *listed[start : start + 6_000])
        for i, start in enumerate(range(0, n, 6_000))
    ]
    one = file.group({}, *pieces)
    return packed(file.whole(file.group({"a": one}, texts("layer_names", *[b"a"] * layers))))


def inner_weights(n_layers: int, n_names: int) -> bytes:
    """A model within a model: its layers look for their weights among the names of all."""
    file = Hdf5()
    listed = [f"{place}/w".encode() for place in range(n_names)]
    pieces = [
        texts(f"weight_names{i}", *listed[start : start + 6_000])
        for i, start in enumerate(range(0, n_names, 6_000))
    ]
    inner = keras_model(
        *(keras_layer(f"l{i}", cls="Dense") for i in range(n_layers)), cls="Sequential", name="a"
    )
    config = json.dumps(keras_model(inner, cls="Sequential"), separators=(",", ":")).encode()
    root = file.group(
        {"a": file.group({}, *pieces)},
        texts("layer_names", b"a"),
        long_texts_one("model_config", heap_of(file, config), len(config)),
    )
    return packed(file.whole(root))


def long_texts_one(name: str, heap: int, length: int) -> tuple[int, bytes]:
    """An attribute: a text in a heap."""
    kind = struct.pack("<BBxxI", 0x19, 1, 16) + struct.pack("<BBxxI", 0x13, 0, 1)
    called = name.encode() + b"\0"
    padded = called + bytes(-len(called) % 8)
    space = struct.pack("<BBxx4x", 1, 0)
    head = struct.pack("<BxHHH", 1, len(called), len(kind), len(space))
    return 0x0C, head + padded + kind + space + struct.pack("<IQI", length, heap, 1)


def models_in_themselves(width: int) -> bytes:
    """A model whose layers are all the model itself."""
    file = Hdf5()
    place = len(file.body)
    names = {f"layer_{i}": 0 for i in range(width)}
    file.group({"layers": file.group(names)})  # to learn where it comes to lie
    root = place  # replaced below
    for _ in range(2):
        file = Hdf5()
        inner = file.group(dict.fromkeys(names, root))
        root = file.group({"layers": inner})
    return packed(file.whole(root))


# Darknet and Caffe


def darknet(*sections: str) -> Files:
    text = "\n".join(("[net]", "channels=4", "height=64", "width=64", *sections))
    return {"m.weights": struct.pack("<iiiq", 0, 2, 0, 0) + bytes(64), "m.cfg": text.encode()}


def caffe(*layers: bytes) -> bytes:
    return message((1, b"m"), *[(100, one) for one in layers])


def caffe_layer(name: bytes, kind: bytes, bottoms: Sequence[bytes], tops: Sequence[bytes]) -> bytes:
    return message((1, name), (2, kind), *[(3, one) for one in bottoms], *[(4, one) for one in tops])


def caffe_blob(*lengths: int) -> bytes:
    """Weights of ones."""
    held = struct.pack("<f", 1) * math.prod(lengths)
    return message((7, message((7, message(*[(1, length) for length in lengths])), (5, held))))


def weighed(n: int, channels: int) -> bytes:
    """A sum of one layer, weighed again and again."""
    kernel = message((106, message((1, channels), (2, 0), (4, 1))))
    weights = b"\x15" + struct.pack("<f", 2)  # field 2, a number in single precision
    return caffe(
        caffe_layer(b"a", b"Input", [], [b"a"]),
        caffe_layer(b"b", b"Convolution", [b"a"], [b"b"]) + caffe_blob(channels, 3, 1, 1) + kernel,
        caffe_layer(b"c", b"Eltwise", [b"b"] * n, [b"c"]) + message((110, weights * n)),
        caffe_layer(b"d", b"Softmax", [b"c"], [b"d"]),
    )


def doubled(n: int, cls: str) -> bytes:
    """What each layer gives is given to the next one twice."""
    first = keras_layer("0", cls="InputLayer", batch_shape=[None, 8, 8, 1])
    return keras(keras_model(first, *(keras_layer(f"{i + 1}", f"{i}", f"{i}", cls=cls) for i in range(n))))


def called_again(n: int, n_layers: int, cls: str = "Activation") -> bytes:
    """A model within a model that is called again and again."""
    inner = sequential(n_layers, cls=cls) | {"inbound_nodes": [[["0", 0, 0, {}]]] * n}
    return keras(keras_model(keras_layer("0", cls="InputLayer", batch_shape=[None, 8, 8, 1]), inner))


def exported(n: int, n_inputs: int) -> bytes:
    """A program of torch.export: convolutions of one number, and one that takes a layer again and again."""

    def argument(name: str, **what: Any) -> dict[str, Any]:
        return {"name": name, "arg": what}

    def call(target: str, output: str, *inputs: dict[str, Any]) -> dict[str, Any]:
        outputs = [{"as_tensor": {"name": output}}]
        return {"target": f"torch.ops.aten.{target}.default", "inputs": inputs, "outputs": outputs}

    def sizes(*lengths: int) -> list[dict[str, int]]:
        return [{"as_int": length} for length in lengths]

    weights = argument("weight", as_tensor={"name": "w"})
    nodes = [
        call("conv2d", f"o{i + 1}", argument("input", as_tensor={"name": f"o{i}"}), weights) for i in range(n)
    ]
    nodes.append(call("cat", "end", argument("tensors", as_tensors=[{"name": "o1"}] * n_inputs)))
    inputs = [
        {"user_input": {"arg": {"as_tensor": {"name": "o0"}}}},
        {"parameter": {"arg": {"name": "w"}, "parameter_name": "w"}},
    ]
    graph = {"nodes": nodes, "tensor_values": {"o0": {"sizes": sizes(1, 4, 8, 8)}}}
    told = {
        "dtype": 7,
        "sizes": sizes(4, 4, 1, 1),
        "strides": sizes(0, 0, 0, 0),
        "storage_offset": sizes(0)[0],
    }
    model = {"graph_module": {"graph": graph, "signature": {"input_specs": inputs}}}
    config = {"config": {"w": {"path_name": "weight_0", "tensor_meta": told}}}
    return zipped(
        ("m/models/model.json", json.dumps(model).encode()),
        ("m/data/weights/model_weights_config.json", json.dumps(config).encode()),
        ("m/data/weights/weight_0", bytes(4)),
        method=zipfile.ZIP_DEFLATED,
    )


def numbered(n: int) -> list[bytes]:
    return [b"%d" % i for i in range(n)]


TO_FOLLOW: Mapping[str, Callable[[], Files]] = {
    "ONNX: functions of units by the hundred": lambda: functions(b"Mish", 80, 32),
    "ONNX: sines of huge numbers": lambda: functions(b"Sin", 60, 32),
    "ONNX: products of large matrices": lambda: products(60, 1024),
    "ONNX: an image that is resized to thousands": lambda: enlarged(6_000),
    "ONNX: a constant that many nodes pass on": lambda: packed(passed_on(49_000)),
    "ONNX: branches beside many names": lambda: packed(branches(60_000, 60_000)),
    "ONNX: a function of many inputs": lambda: packed(
        calls(b"f", 50_000) + onnx_function(b"f", inputs=[b"i"] * 300_000)
    ),
    "ONNX: a function whose nodes have long names": lambda: packed(
        calls(b"f", 990)
        + onnx_function(
            b"f",
            *(
                message((1, b"x"), (2, b"y"), (3, b"%d" % i + GRIN + b"n" * 65_000), (4, b"Relu"))
                for i in range(10)
            ),
        )
    ),
    "ONNX: a long constant that fills nothing": lambda: packed(filled(20_000, 30_000_000)),
    "ONNX: shapes of a million lengths": lambda: packed(reshaped(1_000, 7_000_000)),
    "ONNX: a split into many": lambda: packed(split(9_900, 400_000)),
    "ONNX: scales of many numbers by the thousand": lambda: packed(scaled(3_000, 65_536)),
    "ONNX: kernels cut out of what takes long to compute": lambda: packed(cut_out(40, 4, 650_000)),
    "ONNX: kernels cut out of what is large": lambda: packed(cut_out(30, 4, 1_600_000)),
    "ONNX: shapes cut out of what takes long to compute": lambda: packed(looked_up(30, 500, 2_000_000)),
    "TensorFlow: scales that are computed of one another": lambda: packed(tf_scales(5_000_000, 14, 6)),
    "TensorFlow: functions whose nodes have long names": lambda: packed(
        tf_functions(15, 10, b"n" * 65_000, 990)
    ),
    "TensorFlow: a function that is called again and again": lambda: packed(
        tf_functions(1, 100, b"n", 9_900)
    ),
    "Keras: layers that stand before what feeds them": lambda: wrong_order(1_900, 400_000),
    "Keras: layers of a model with a long name": lambda: keras(
        keras_model(
            keras_model(*(keras_layer(f"{i}") for i in range(9_900)), cls="Sequential", name="n" * 8_000_000)
        )
    ),
    "Keras: layers that are looked for among as many": lambda: many_layers(9_900),
    "Keras: models in one another": lambda: keras(
        json.loads('{"class_name":"Sequential","config":{"layers":[' * 300 + "]}}" * 300)
    ),
    "Keras: weights that lie below names of their own": lambda: weight_names(20_000, layers=9_000),
    "Keras: weights of a model within a model": lambda: inner_weights(9_900, 60_000),
    "HDF5: names that are the ends of one another": lambda: overlapping(400_000),
    "HDF5: texts that are one": lambda: one_text(4_000, 60_000_000),
    "HDF5: models that are their own layers": lambda: models_in_themselves(50),
    "Keras: an image of a million axes": lambda: keras(
        keras_model(
            keras_layer("0", cls="InputLayer", batch_shape=[1] * 1_500_000),
            *(keras_layer(f"{i + 1}", f"{i}", cls="ReLU") for i in range(3_000)),
        )
    ),
    "Keras: sums of what is given twice": lambda: doubled(4_000, "Add"),
    "Keras: concatenations of what is given twice": lambda: doubled(4_000, "Concatenate"),
    "Keras: a model that is called again and again": lambda: called_again(3_000, 3_000),
    "Keras: a class of a long name that is called again and again": lambda: called_again(
        4_000, 1, "Aa" * 1_000_000
    ),
    "torch.export: convolutions by the thousand": lambda: exported(4_000, 3),
    "torch.export: a layer that is taken again and again": lambda: exported(1, 150_000),
    "Darknet: convolutions by the thousand": lambda: {
        **darknet(*["[convolutional]\nfilters=1\nsize=1\nstride=1\nactivation=linear"] * 4_000),
        "m.weights": struct.pack("<iiiq", 0, 2, 0, 0) + bytes(8 * 4_003),
    },
    "Darknet: routes that double": lambda: darknet("[maxpool]", *["[route]\nlayers=-1,-1"] * 2_000),
    "Darknet: routes of many layers": lambda: darknet(
        "[maxpool]", *["[route]\nlayers=" + "-1," * 400 for _ in range(700)]
    ),
    "Darknet: a route of one layer many times": lambda: darknet(
        "[maxpool]", "[route]\nlayers=" + "-1," * 300_000
    ),
    "Caffe: a weighed sum of one layer": lambda: weighed(7_000, 4),
    "Caffe: layers that all feed one": lambda: packed(
        caffe(caffe_layer(b"a", b"Input", [], [b"t"]), caffe_layer(b"b", b"Concat", [b"t"] * 600_000, [b"t"]))
    ),
    "Caffe: layers of long names": lambda: packed(
        caffe(*(caffe_layer(GRIN + b"n" * 6_000, b"ReLU", [b"t"], [b"t"]) for _ in range(9_900)))
    ),
    "Caffe: a layer that gives much": lambda: packed(
        caffe(
            *(
                caffe_layer(b"a", b"ReLU", [b"%d" % i for i in range(600)], [b"%d" % i for i in range(600)])
                for _ in range(900)
            )
        )
    ),
}
"""Attacks on graphs: name → what makes the files."""
