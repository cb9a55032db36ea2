"""Whole graphs of ONNX's, made by chance: nodes that prepare kernels, that compute with shapes, functions.

Each case is a number, as in `arrays`; which weights a graph has, and how they are prepared, differs.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from filtviz.reading.formats import onnx
from filtviz.reading.limits import Limits
from tests.reading.operators.asking import Told, part
from tests.reading.operators.wholes import drawn, opened, read_of

__all__ = ["graphs_of_onnx"]

N_GRAPHS = 130
_CODES = {"f4": 1, "u1": 2, "i1": 3, "i4": 6, "i8": 7, "?": 9, "f2": 10, "f8": 11}
_ENDINGS = (
    "", ".weight", "_W", "/kernel", "_weight_quantized", ".parametrizations.weight.original0", ".w_0",
    "::x_W",
)  # fmt: skip


def attribute(name: str, value: Any) -> bytes:
    """An attribute of a node: a number, a text, several numbers, or bytes of a field."""
    head = part(1, name)
    if isinstance(value, bytes):
        return head + value
    if isinstance(value, list):
        return head + b"".join(part(7 if isinstance(one, float) else 8, one) for one in value)
    return head + part({float: 2, int: 3, str: 4}[type(value)], value)


def tensor(name: str, values: np.ndarray, way: str = "raw") -> bytes:
    """A tensor: its bytes, or its numbers one by one."""
    code = _CODES[values.dtype.str[1:].replace("b1", "?")]
    head = b"".join(part(1, n) for n in values.shape) + part(2, code) + part(8, name)
    if way == "raw":
        return head + part(9, values.tobytes())
    if code in (1, 11):
        return head + part(4 if code == 1 else 10, values.tobytes())
    numbers = values.view("u2") if code == 10 else values
    return head + b"".join(part(7 if code == 7 else 5, int(one)) for one in numbers.ravel())


def info(name: str, shape: Any) -> bytes:
    """What is said of a value: a length each, None for an open one, a word for one that has a name."""
    if shape == "nothing":
        return part(1, name)
    dims = b"".join(
        part(1, b"" if n is None else part(2, n) if isinstance(n, str) else part(1, n)) for n in shape
    )
    return part(1, name) + part(2, part(1, part(1, 1) + part(2, dims)))


class Graph:
    """A graph that is being made: its nodes, what it holds, and what its last layer gives."""

    def __init__(self, chance: random.Random, prefix: str = "") -> None:
        self.chance, self.prefix = chance, prefix
        self.parts: list[bytes] = []
        self.words: list[str] = []
        self.n = 0
        self.given: list[str] = []
        self.last = ""
        self.arrays: list[str] = []
        self.numbers: list[str] = []

    def name(self, word: str) -> str:
        self.n += 1
        return f"{self.prefix}{word}{self.n}"

    def node(
        self, operator: str, inputs: list[str], outputs: int | list[str] = 1, domain: str = "", **facts: Any
    ) -> str:
        """Add a node, and return what its first output is called."""
        gives = outputs if isinstance(outputs, list) else [self.name("v") for _ in range(outputs)]
        data = b"".join([*(part(1, one) for one in inputs), *(part(2, one) for one in gives)])
        data += part(3, self.name("n")) if self.chance.random() < 0.5 else b""
        data += part(4, operator) + (part(7, domain) if domain else b"")
        self.parts.append(part(1, data + b"".join(part(5, attribute(k, v)) for k, v in facts.items())))
        self.words.append(operator)
        return gives[0] if gives else ""

    def held(self, values: np.ndarray, word: str = "w") -> str:
        """Add an array: of the file, of a node, seldom a sparse one or with its numbers one by one."""
        name, way = self.name(word), self.chance.random()
        if way < 0.2:
            kind = self.chance.choice(("value", "value", "sparse", "numbers"))
            if kind == "sparse" and values.ndim and values.size:
                return self.node("Constant", [], [name], sparse_value=part(22, self._sparse("", values)))
            if kind == "numbers" and values.ndim < 2 and values.dtype.kind in "fi":
                one = [float(n) if values.dtype.kind == "f" else int(n) for n in values.ravel()]
                word = "value_float" if values.dtype.kind == "f" else "value_int"
                facts = {word + "s": one} if values.ndim else {word: one[0]}
                return self.node("Constant", [], [name], **facts)
            return self.node("Constant", [], [name], value=part(5, tensor("", values)))
        if way < 0.27 and values.ndim and values.size:
            self.parts.append(part(15, self._sparse(name, values)))
            return name
        self.parts.append(part(5, tensor(name, values, "raw" if way < 0.9 else "numbers")))
        if way > 0.95:
            self.parts.append(part(11, info(name, values.shape)))
        return name

    def _sparse(self, name: str, values: np.ndarray) -> bytes:
        where = np.argwhere(values) if self.chance.random() < 0.5 else np.flatnonzero(values)
        dims = b"".join(part(3, n) for n in values.shape)
        kept = values.ravel()[np.flatnonzero(values)]
        return part(1, tensor(name, kept)) + part(2, tensor("", where.astype("i8"))) + dims

    def weights(self, *shape: int, kind: str = "f4") -> np.ndarray:
        return drawn(self.chance, *shape, kind=kind)

    def numbers_of(self, values: list[int]) -> str:
        """Some whole numbers: held, or computed of a shape."""
        if self.chance.random() < 0.6 or not self.last:
            return self.held(np.array(values, "i8"), "k")
        shape = self.node("Shape", [self.last], **self.chance.choice(({}, {}, {"start": 1}, {"end": -1})))
        one = self.node("Gather", [shape, self.held(np.array(0, "i8"), "k")], axis=0)
        up = self.node("Unsqueeze", [one, self.held(np.array([0], "i8"), "k")])
        self.numbers += [shape, one, up]
        rest = self.held(np.array(values[1:], "i8"), "k")
        return self.node("Concat", [up, rest], axis=0)


def _prepared(g: Graph, name: str, shape: tuple[int, ...], kind: str) -> str:
    """Put up to three nodes between an array and where it is used, which leave its shape or turn it twice."""
    chance = g.chance
    for _ in range(chance.choice((0, 0, 1, 1, 2, 3))):
        way = chance.choice(
            ("pass", "cast", "like", "scale", "turn", "shape", "axes", "times", "plus", "half", "cut", "to")
        )
        n = shape[0] if shape else 1
        if way == "pass":
            name = g.node(chance.choice(("Identity", "Dropout", "QuantizeLinear")), [name])
        elif way == "cast":
            name = g.node("Cast", [name], to=chance.choice((1, 10, 6, 11, 8)))
        elif way == "like":
            name = g.node("CastLike", [name, g.held(g.weights(2, kind=chance.choice(("f4", "f8"))), "l")])
        elif way == "scale":
            axis = chance.choice((0, -len(shape), -len(shape), 1, 7))
            size = chance.choice(((), (n,), (n,), (1,), (n + 1,), (2, 2)))
            scale = g.held(np.abs(g.weights(*size)) + 0.5, "s")
            zero = [g.held(g.weights(*size, kind="i1"), "z")] if chance.random() < 0.6 else []
            if chance.random() < 0.1:
                scale = g.last
            facts = {"axis": axis} if chance.random() < 0.8 else {}
            name = g.node("DequantizeLinear", [name, scale, *zero], **facts)
        elif way == "turn" and len(shape) > 1:
            order = list(range(len(shape)))
            chance.shuffle(order)
            back = [order.index(place) for place in range(len(order))]
            name = g.node("Transpose", [g.node("Transpose", [name], perm=order)], perm=back)
        elif way == "shape":
            wanted = chance.choice(([-1, *shape[1:]], [0] * len(shape), list(shape), [*shape, 1]))
            said = chance.random() < 0.4
            name = g.node(
                "Reshape",
                [name] if said else [name, g.numbers_of(wanted)],
                **{"shape": wanted} if said else {},
            )
            name = g.node("Reshape", [name], shape=list(shape)) if shape else name
        elif way == "axes":
            axes = chance.choice(([0], [-1], [1, 0], [0, 0]))
            name = g.node("Unsqueeze", [name, g.held(np.array(axes, "i8"), "k")])
            name = g.node("Squeeze", [name], **chance.choice(({"axes": axes}, {"axes": axes}, {})))
        elif way in ("times", "plus"):
            other = g.held(g.weights(*((n, *(1,) * (len(shape) - 1)) if shape else ()), kind=kind), "m")
            name = g.node("Mul" if way == "times" else "Add", chance.sample([name, other], 2))
        elif way == "half" and n % 2 == 0:
            both = [g.name("v"), g.name("v")]
            g.node("Split", [name], both, axis=0)
            name = g.node("Concat", chance.sample(both, 2), axis=0)
        elif way == "cut":
            ends = [g.held(np.array([one], "i8"), "k") for one in (0, n)]
            name = g.node("Slice", [name, *ends])
        elif way == "to":
            name = g.node("Expand", [name, g.numbers_of(list(shape))])
    return name


def _kernel(g: Graph, *shape: int) -> str:
    """What a node has as weights: prepared, filled by one number, of a layer, or another node's."""
    chance, way = g.chance, g.chance.random()
    if way < 0.1 and g.arrays:
        return chance.choice(g.arrays)
    if way < 0.16:
        filled = tensor("", g.weights(*chance.choice(((1,), (1,), (), (2,)))))
        value = {} if chance.random() < 0.3 else {"value": part(5, filled)}
        return g.node("ConstantOfShape", [g.numbers_of(list(shape))], **value)
    if way < 0.22:
        return g.last
    kind = chance.choice(("f4", "f4", "f4", "f2", "i1", "u1", "f8"))
    name = g.held(g.weights(*shape, kind=kind), f"w{chance.choice(_ENDINGS)}")
    found = _prepared(g, name, shape, kind)
    g.arrays.append(found)
    return found


def _scaled(g: Graph, below: str) -> str:
    """Add a convolution whose kernel and bias are computed of one and the same array, among others."""
    times = g.held(g.weights(3), "m")
    kernel = g.node("Mul", [g.held(g.weights(3, 3, 1, 1)), g.node("Reshape", [times], shape=[3, 1, 1, 1])])
    return g.node("Conv", [below, kernel, g.node("Add", [times, g.held(g.weights(3))])])


def _layer(g: Graph, depth: int) -> None:
    """Add something that a network does, behind the last layer or one of those before."""
    chance = g.chance
    below = g.last if chance.random() < 0.8 else chance.choice(g.given)
    way = chance.choice(_WAYS)
    if way == "Conv":
        bias = [_kernel(g, 3)] if chance.random() < 0.4 else []
        if chance.random() < 0.08:
            g.last = _scaled(g, below)
            g.given.append(g.last)
            return
        shape = chance.choice(((3, 3, 1, 1), (3, 3, 3, 3), (3, 1, 3, 3), (3, 3, 3)))
        pads = {"pads": [1, 1, 1, 1]} if shape[-1] == 3 else {}
        g.last = g.node(
            chance.choice(("Conv", "Conv", "ConvTranspose", "FusedConv", "ConvInteger", "DeformConv")),
            [below, _kernel(g, *shape), *bias], **pads,
        )  # fmt: skip
    elif way == "QLinearConv":
        scale, zero = g.held(np.array(0.5, "f4"), "s"), g.held(np.array(1, "u1"), "z")
        kernel = _kernel(g, 3, 3, 1, 1)
        g.last = g.node("QLinearConv", [below, scale, zero, kernel, scale, zero, scale, zero])
    elif way == "Add":
        other = chance.choice((*g.given, _kernel(g, 3, 1, 1), *g.numbers[:1]))
        g.last = g.node(chance.choice(("Add", "Mul", "Sub", "Max")), chance.sample([below, other], 2))
    elif way == "BatchNormalization":
        g.last = g.node(way, [below, *(_kernel(g, 3) for _ in range(4))], chance.choice((1, 1, 2, 3)))
    elif way == "Split":
        gives = [g.name("v") for _ in range(chance.choice((1, 2, 3)))]
        gives = [one if chance.random() < 0.85 else "" for one in gives]
        word = chance.choice(("Split", "Split", "TopK", "Unique", "LSTM", "Dropout"))
        g.node(word, [below], gives, axis=1)
        g.given += [one for one in gives if one]
        g.last = chance.choice([one for one in gives if one] or [g.last])
    elif way == "Reshape":
        wanted = g.numbers_of(chance.choice(([1, -1], [1, 3, -1], [0, 0, 0, 0], [1, 108])))
        g.last = g.node(chance.choice(("Reshape", "Reshape", "Expand")), [below, wanted])
    elif way == "Resize":
        sizes = g.numbers_of([1, 3, *chance.choice(((12, 12), (9, 6), (2, 6)))])
        g.last = g.node("Resize", [below, "", "", sizes], mode=chance.choice(("nearest", "linear")))
    elif way == "If":
        _branches(g, below, depth)
    elif way == "call":
        kernel = _kernel(g, 3, 3, 1, 1)
        facts = {"slope": 0.25} if chance.random() < 0.5 else {}
        extra = chance.choice(([], [], [g.name("v")]))
        word = chance.choice(("Block", "Block", "Kernel", "Odd"))
        g.last = g.node(word, [below, kernel], [g.name("v"), *extra], domain="ours", **facts)
    elif way == "shapes":
        shape = g.node("Shape", [below])
        word = chance.choice(("Mul", "Cast", "Floor", "Dream", "ReduceProd", "ConstantOfShape"))
        other = [shape] if word == "Mul" else []
        facts = {"to": 7} if word == "Cast" else {}
        g.numbers.append(g.node(word, [shape, *other], **facts))
        if chance.random() < 0.4:
            g.last = g.node("Relu", [g.numbers[-1]])
    else:
        g.last = g.node(way, [below], **({"kernel_shape": [2, 2]} if way == "MaxPool" else {}))
        if chance.random() < 0.1:
            g.node(chance.choice(("Constant", "Relu", "Shape", "Cast")), [below], [], value_int=1)
    g.given.append(g.last)
    if g.last and chance.random() < 0.25:
        shape = chance.choice(((1, 3, 6, 6), (None, 3, None, 6), (1, "c", 3, 3), (1, 3), (1, 0, -1, 5)))
        g.parts.append(part(chance.choice((12, 13)), info(g.last, shape)))


_WAYS = (
    "Conv", "Conv", "Conv", "Conv", "QLinearConv", "Add", "BatchNormalization", "Split", "Reshape", "Resize",
    "If", "call", "shapes", "Relu", "MaxPool", "GlobalAveragePool", "Flatten",
)  # fmt: skip


def _branches(g: Graph, below: str, depth: int) -> None:
    """Add an If, with graphs that know what is around them; the results of some are no layers."""
    chance, facts = g.chance, {}
    for word in chance.sample(("then_branch", "else_branch"), chance.choice((1, 2, 2))):
        inner = Graph(chance, g.name("b"))
        inner.last, inner.given, inner.arrays = below, [below], g.arrays[:1]
        for _ in range(chance.choice((0, 1, 1, 2)) if depth < 2 else 0):
            _layer(inner, depth + 1)
        end = inner.last if chance.random() < 0.9 else "nowhere"
        inner.parts.append(part(12, info(end, "nothing")))
        facts[word] = part(chance.choice((6, 6, 11)), b"".join(inner.parts))
    g.last = g.node("If", [below], **facts)


def _functions(chance: random.Random) -> list[bytes]:
    """A block with an attribute that may have a default, a kernel that is turned, one that calls itself."""
    block = Graph(chance, "f")
    refers = part(21, "slope")
    one = block.node("Conv", ["x", "k"])
    block.node("LeakyRelu", [one], ["y"], alpha=refers)
    kernel = Graph(chance, "k")
    kernel.node("Transpose", ["k"], ["t"], perm=[1, 0, 2, 3])
    kernel.node("Conv", ["x", "t"], ["y"])
    odd = Graph(chance, "o")
    odd.node(chance.choice(("Block", "Block", "Odd")), ["x", "k"], ["y"], domain="ours")

    def function(name: str, inner: Graph, outputs: str, more: bytes = b"") -> bytes:
        formal = b"".join(part(4, one) for one in "xk") + b"".join(part(5, one) for one in outputs)
        data = part(1, name) + formal + part(10, "ours")
        for one in inner.parts:
            data += bytes([7 << 3 | 2]) + one[1:]
        return data + more

    default = part(11, attribute("slope", 0.5)) if chance.random() < 0.6 else b""
    return [
        function("Block", block, chance.choice(("y", "yz", "y")), default),
        function("Kernel", kernel, "y"),
        function("Odd", odd, "y"),
    ]


def a_graph(n: int) -> tuple[str, str]:
    """A graph made by chance, and what is read of it."""
    chance = random.Random(f"graph of onnx {n}")
    g = Graph(chance)
    shape = chance.choice(
        ((1, 3, 6, 6), (1, 3, 6, 6), (None, 3, 6, 6), ("n", 3, "h", 6), (1, 3, 6), "nothing", ())
    )
    g.last = "image"
    g.given = ["image"]
    g.parts.append(part(11, info("image", shape)))
    for _ in range(chance.choice((1, 2, 2, 3, 3, 4))):
        _layer(g, 0)
    g.parts.append(part(12, info(g.last, "nothing")))
    opset = chance.choice((6, 9, 10, 13, 17, 21))
    data = part(1, 8) + part(2, "ours") + part(7, b"".join(g.parts)) + part(8, part(2, opset))
    data += b"".join(part(25, one) for one in _functions(chance)) if chance.random() < 0.7 else b""
    limits = Limits(layers=chance.choice((1, 2, 3, 4, 6))) if chance.random() < 0.07 else Limits()
    limits = (
        Limits(allocation=chance.choice((11, 12, 35, 36, 107, 108))) if chance.random() < 0.04 else limits
    )
    less = f" layers {limits.layers} allocation {limits.allocation}" if limits != Limits() else ""
    return f"{n} {shape} {opset} {' '.join(g.words)}{less}", read_of(onnx.open, opened(data, limits=limits))


def graphs_of_onnx() -> Told:
    yield from map(a_graph, range(N_GRAPHS))
