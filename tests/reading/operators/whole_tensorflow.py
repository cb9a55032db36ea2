"""Whole graphs of TensorFlow's, made by chance: functions, branches, what is repeated, spread and computed.

Each case is a number, as in `arrays`; what a graph is made of, and how it is written, differs.
"""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import numpy as np

from filtviz.parameter import Parameter
from filtviz.reading.formats.tensorflow.graphdef import Call, constant_of, layers_of_call, layers_of_graph
from filtviz.reading.limits import Limits
from filtviz.reading.opened import Opened
from filtviz.reading.protobuf import Message
from filtviz.reading.stretch import view_of
from tests.reading.operators.asking import Told, numbers_of, part
from tests.reading.operators.wholes import drawn, opened, outcome
from tests.telling import layers_of

__all__ = ["graphs_of_tensorflow"]

N_GRAPHS = 125
_CODES = {"f4": 1, "f8": 2, "i4": 3, "u1": 4, "i8": 9, "f2": 19, "b": 14}
_FIELDS = {1: 5, 2: 6, 3: 7, 4: 7, 9: 10, 19: 13, 14: 13}


def shape_of(lengths: Any) -> bytes:
    """A shape; None for one of unknown rank."""
    return part(3, 1) if lengths is None else b"".join(part(2, part(1, n)) for n in lengths)


def tensor(values: np.ndarray, way: str) -> bytes:
    """A constant: its bytes, its numbers, or one number that stands for all."""
    code = _CODES[values.dtype.str[1:]]
    head = part(1, code) + part(2, shape_of(values.shape))
    if way == "bytes" or code == 2:
        return head + part(4, values.tobytes())
    flat = values.ravel()[: {"one": 1, "two": 2}.get(way)]
    if code == 1:
        return head + part(5, flat.tobytes())
    flat = flat.view("u2") if code == 19 else flat
    return head + b"".join(part(_FIELDS[code], int(one)) for one in flat)


def attribute(value: Any) -> bytes:
    """A value of an attribute: bytes of it, a text, a number, a truth, or whole numbers."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, list):
        return part(1, b"".join(part(3, one) for one in value))
    if isinstance(value, bool):
        return part(5, int(value))
    return part({str: 2, int: 3, float: 4}[type(value)], value)


def node(name: str, operator: str, inputs: list[str], **facts: Any) -> bytes:
    """A node as it stands in a graph or in a function."""
    data = part(1, name) + part(2, operator) + b"".join(part(3, one) for one in inputs)
    return data + b"".join(part(5, part(1, k) + part(2, attribute(v))) for k, v in facts.items())


class Graph:
    """A graph that is being made: its nodes, the values of its variables, and where its last layer is."""

    def __init__(self, chance: random.Random, *, inside: bool = False) -> None:
        self.chance, self.inside = chance, inside
        self.nodes: list[bytes] = []
        self.words: list[str] = []
        self.variables: dict[str, Parameter] = {}
        self.last, self.n, self.rank = "image", 0, 4
        self.before: list[str] = []
        self.shapes: list[str] = []
        self.formats: tuple[str, ...] = ()

    def name(self, word: str) -> str:
        self.n += 1
        scope = self.chance.choice(("", "", "a/", "a/StatefulPartitionedCall/"))
        return f"{scope}{word}{self.n}"

    def add(self, operator: str, inputs: list[str], name: str = "", **facts: Any) -> str:
        made = name or self.name(operator[:4].lower())
        data = node(made, operator, [self._ref(one) for one in inputs], **facts)
        self.nodes.insert(
            self.chance.randrange(len(self.nodes) + 1) if self.chance.random() < 0.2 else 99, data
        )
        self.words.append(operator)
        return made

    def _ref(self, name: str) -> str:
        if name.startswith("^") or ":" in name or name in ("image", "more"):
            return name
        return name + self.chance.choice(("", "", "", ":0")) + (":0" if self.inside else "")

    def held(self, values: np.ndarray, name: str = "") -> str:
        made, way = (
            name or self.name("c"),
            self.chance.choice(("bytes", "bytes", "bytes", "numbers", "one", "two")),
        )
        if values.size > 64 and way == "numbers":
            way = "bytes"
        return self.add("Const", [], made, value=part(8, tensor(values, way)))

    def drawn(self, *shape: int, kind: str = "f4") -> np.ndarray:
        return drawn(self.chance, *shape, kind=kind)

    def numbers(self, *values: int) -> str:
        """Whole numbers of four or eight bytes; seldom real ones."""
        return self.held(np.array(values, self.chance.choice(("i4", "i4", "i4", "i8"))))

    def weights(self, *shape: int) -> str:
        """A constant or a variable, and what lies between it and where it is used."""
        chance, kind = self.chance, self.chance.choice(("f4", "f4", "f4", "f2", "f8"))
        ending = chance.choice(("", "/kernel", "/weights", "/pointwise_kernel", "/depthwise_weights"))
        if chance.random() < 0.7:
            found = self.held(self.drawn(*shape, kind=kind), self.name("w") + ending)
        else:
            found = self.name("v") + ending
            self.variables[found] = Parameter.of(
                chance.choice(("kernel", "")), self.drawn(*shape, kind=kind), found
            )
            self.add(chance.choice(("VarHandleOp", "VariableV2")), [], found)
        for _ in range(chance.choice((0, 0, 1, 1, 2))):
            word = chance.choice(("Identity", "ReadVariableOp", "Enter", "Switch", "Cast", "IdentityN"))
            ending = {"Identity": "/read", "ReadVariableOp": "/ReadVariableOp"}.get(word, "")
            found = self.add(word, [found], found + ending + ("_1" if ending == "/ReadVariableOp" else "x"))
        return found


def _layer(g: Graph, functions: list[str]) -> None:
    """Add something behind the last layer, or behind one of those before it."""
    chance = g.chance
    below = g.last if chance.random() < 0.85 or not g.before else chance.choice(g.before)
    word = chance.choice(_WAYS)
    facts: dict[str, Any] = {"data_format": chance.choice(g.formats)} if g.formats else {}
    if word == "Conv2D":
        padding = chance.choice(("SAME", "VALID"))
        operator = chance.choice(("Conv2D", "Conv2D", "DepthwiseConv2dNative", "_FusedConv2D"))
        g.last = g.add(operator, [below, g.weights(3, 3, 3, 3)], padding=padding, **facts)
    elif word == "back":
        sizes = g.numbers(1, 6, 6, 3) if chance.random() < 0.5 else g.add("Shape", [below])
        g.last = g.add("Conv2DBackpropInput", [sizes, g.weights(2, 2, 3, 3), below], padding="SAME", **facts)
    elif word == "spread":
        _spread(g, below)
    elif word == "repeat":
        _repeat(g, below)
    elif word == "line":
        _line(g, below)
    elif word == "norm":
        _norm(g, below)
    elif word == "reshape":
        _reshape(g, below)
    elif word == "call" and functions:
        _call(g, below, functions)
    elif word == "IdentityN":
        shape = g.add("Shape", [below])
        kept = g.add("IdentityN", [below, shape, g.weights(3)])
        g.last = g.add("Reshape", [f"{kept}:0" if g.inside else kept, f"{kept}:1"])
        g.last = g.add("BiasAdd", [g.last, f"{kept}:2"]) if chance.random() < 0.5 else g.last
    elif word == "loop":
        begun = g.name("loop")
        g.add("Merge", [below, begun], begun + "m")
        g.last = g.add(chance.choice(("NextIteration", "Switch", "LoopCond")), [begun + "m"], begun)
    elif word in ("Dream", "BiasAdd", "Add", "MatMul"):
        g.last = g.add(word, [below, g.weights(3, 3) if word == "MatMul" else g.weights(3)], **facts)
    elif word == "merge":
        g.last = g.add(chance.choice(("AddV2", "Mul", "ConcatV2")), [below, *g.before[-1:], *g.shapes[:1]])
    else:
        more = [f"^{chance.choice(g.before or [below])}"] if chance.random() < 0.3 else []
        g.last = g.add(
            word, [below, *more], **({"ksize": [1, 2, 2, 1]} if word == "MaxPool" else {}), **facts
        )
    g.before.append(g.last)


_WAYS = (
    "Conv2D", "Conv2D", "Conv2D", "back", "spread", "spread", "repeat", "repeat", "repeat", "line", "norm",
    "norm", "reshape", "reshape", "call", "call", "call", "IdentityN", "loop", "Dream", "BiasAdd", "Add",
    "merge", "MatMul", "Relu", "MaxPool", "StopGradient", "NoOp", "Squeeze", "Cast",
)  # fmt: skip


def _spread(g: Graph, below: str) -> None:
    """Add what puts gaps between taps, with pads that fit, that do not, or that are computed."""
    chance = g.chance
    gaps = g.numbers(*chance.choice(((2, 2), (2, 2), (2, 3), (1, 2), (0, 2), (2,))))
    gaps = g.weights(2) if chance.random() < 0.1 else gaps
    pads = g.numbers(*chance.choice(((1, 2, 0, 3), (1, 2, 0, 3), (0, 0), (-1, 0, 0, 0))))
    pads = g.add("Shape", [below]) if chance.random() < 0.15 else pads
    into = g.add("SpaceToBatchND", [below, gaps, pads][: chance.choice((3, 3, 3, 2))])
    g.last = g.add("Conv2D", [into, g.weights(3, 3, 3, 3)], padding="VALID")
    if chance.random() < 0.3:
        g.last = g.add(chance.choice(("BiasAdd", "Relu")), [g.last, g.weights(3)])
    if chance.random() < 0.8:
        g.last = g.add("BatchToSpaceND", [g.last, gaps, pads])


def _repeat(g: Graph, below: str) -> None:
    """Add an axis, a tile along it, and its end; some are something else, or are used by others, too."""
    chance = g.chance
    axis = chance.choice((2, 2, 3, 3, 1, -1))
    place = g.held(np.array(*chance.choice((([axis], "i4"), (axis, "i4"), (axis, "i8"), ([axis, 1], "i4")))))
    first = g.add(chance.choice(("ExpandDims", "ExpandDims", "ExpandDims", "Relu")), [below, place])
    times = [1] * 5
    times[axis if chance.random() < 0.85 else 0] = chance.choice((2, 3, 3, 0))
    tiled = g.add("Tile", [first, g.numbers(*times[: chance.choice((5, 5, 5, 4))])])
    if chance.random() < 0.2:
        g.before.append(g.add("Relu", [chance.choice((first, tiled))]))
    if chance.random() < 0.15:
        tiled = g.add("Tile", [tiled, g.numbers(*times)])
    g.last = g.add(chance.choice(("Reshape", "Reshape", "Reshape", "Sum")), [tiled, g.numbers(1, 12, 6, 3)])


def _line(g: Graph, below: str) -> None:
    """Add a convolution of a line, which TensorFlow holds as an image of one row."""
    chance = g.chance
    into = g.add("ExpandDims", [below, g.numbers(chance.choice((1, 1, -3, 2)))])
    kernel = g.add("ExpandDims", [g.weights(3, 3, 3), g.numbers(chance.choice((0, 0, -4, 1)))])
    found = g.add("Conv2D", [into, kernel], padding="SAME", strides=[1, 1, 2, 1])
    if chance.random() < 0.4:
        found = g.add(chance.choice(("Relu", "Dream", "BiasAdd")), [found, g.weights(3)])
    g.shapes.append(g.add("Shape", [found]))
    squeezed = {"squeeze_dims": chance.choice(([1], [-3], [2]))} if chance.random() < 0.8 else {}
    g.last = g.add("Squeeze", [found], **squeezed)


def _norm(g: Graph, below: str) -> None:
    """Add a normalisation that is written as what it comes to."""
    chance, kind = g.chance, g.chance.choice(("f4", "f4", "f8"))
    mean, spread, beta = (g.held(g.drawn(3, kind=kind), g.name("bn")) for _ in range(3))
    small = g.held(np.array(0.5, kind))
    over = g.add("Sqrt", [g.add(chance.choice(("Add", "AddV2", "Mul")), [spread, small])])
    scale = g.add("RealDiv", [beta, over]) if chance.random() < 0.5 else g.add("Neg", [over])
    scale = g.add("Reshape", [scale, g.numbers(1, 1, 1, 3)]) if chance.random() < 0.3 else scale
    shift = g.add("Sub", [beta, g.add("Mul", chance.sample([mean, scale], 2))])
    scaled = g.add("Mul", chance.sample([below, scale], 2))
    g.last = g.add(chance.choice(("AddV2", "Sub", "Maximum")), [scaled, shift])


def _reshape(g: Graph, below: str) -> None:
    """Add lengths that are computed of a shape, and what they are used for."""
    chance = g.chance
    shape = g.add("Shape", [g.weights(2, 3) if chance.random() < 0.25 else below])
    ends = [g.numbers(n) for n in chance.choice(((0, 1, 1), (1, 2, 1), (3, 4, 1), (-1, 0, 1)))]
    one = g.add("StridedSlice", [shape, *ends], shrink_axis_mask=1)
    one = g.add("Cast", [one], DstT=part(6, chance.choice((3, 1, 9)))) if chance.random() < 0.3 else one
    rest = g.held(np.array(chance.choice((-1, 3, 108)), "i4"))
    word = chance.choice(("Pack", "Pack", "Mul", "IdentityN"))
    packed = g.add(word, [one, rest])
    g.shapes += [shape, packed]
    g.last = g.add(chance.choice(("Reshape", "Reshape", "Fill", "Dream")), [below, packed])


def _call(g: Graph, below: str, functions: list[str]) -> None:
    """Call a function, or let one of two run."""
    chance, name = g.chance, g.name("call")
    way = chance.random()
    more = g.weights(3) if way < 0.35 else g.add("Shape", [below]) if way < 0.7 else below
    if chance.random() < 0.25:
        branches = {key: part(10, part(1, chance.choice((*functions, "nothing")))) for key in
                    chance.sample(("then_branch", "else_branch"), chance.choice((1, 2, 2)))}  # fmt: skip
        g.last = g.add(
            chance.choice(("If", "StatelessIf", "Case")), [g.weights(1), below, more], name, **branches
        )
        return
    word = chance.choice(("PartitionedCall", "StatefulPartitionedCall"))
    function = chance.choice(functions) if chance.random() < 0.95 else "nothing"
    g.last = g.add(word, [below, more][: chance.choice((1, 2, 2))], name, f=part(10, part(1, function)))
    if chance.random() < 0.4:
        g.before.append(f"{name}:1")
        g.last = g.add("AddV2", [name, f"{name}:1"])


def _function(chance: random.Random, name: str, others: list[str]) -> tuple[bytes, list[str]]:
    """A function of an image and of something more, with one or two results; what it is made of."""
    g = Graph(chance, inside=True)
    for _ in range(chance.choice((1, 1, 2))):
        _layer(g, others)
    if chance.random() < 0.6:
        word = chance.choice(("BiasAdd", "Reshape", "AddV2"))
        g.last = g.add(word, [g.last, "more"])
    told = chance.choice((["y"], ["y"], ["y", "z"], []))
    signature = part(1, name) + b"".join(part(2, part(1, one)) for one in ("image", "more"))
    signature += b"".join(part(3, part(1, one)) for one in told)
    ends = {"y": g.last, "z": chance.choice((*g.before, "more", "image"))}
    lines = b"".join(
        part(4, part(1, key) + part(2, ends[key] + ":0")) for key in chance.choice(("y", "yz", "zy"))
    )
    shapes = part(
        7, part(2, part(1, part(1, "_output_shapes") + part(2, part(1, part(7, shape_of((-1, 6, 6, 3)))))))
    )
    data = part(1, signature) + b"".join(part(3, one) for one in g.nodes) + lines
    return data + (shapes if chance.random() < 0.5 else b""), g.words


def a_graph(n: int) -> tuple[str, str]:
    """A graph made by chance, and the layers that are read of it."""
    chance = random.Random(f"graph of tensorflow {n}")
    names: list[str] = []
    library, words = b"", []
    for name in ("one", "two")[: chance.choice((0, 1, 2, 2))]:
        others = [*names, name] if chance.random() < 0.05 else names
        data, inner = _function(chance, name, list(others))
        library += part(1, data)
        words += [f"{name}({' '.join(inner)})"]
        names.append(name)
    g = Graph(chance)
    g.formats = chance.choice(((), (), ("NCHW",), ("NCHW",), ("NHWC", "NCHW"), ("NCHW", "odd")))
    lengths = chance.choice(
        ((-1, 6, 6, 3), (1, 6, 6, 3), (1, 6, 6, 3), (1, 6, 3), (-1, 6, -1, 3), (1, 3), None, ())
    )
    g.add("Placeholder", [], "image", shape=part(7, shape_of(lengths)))
    for _ in range(chance.choice((1, 2, 2, 3, 3))):
        _layer(g, names)
    data = b"".join(part(1, one) for one in g.nodes) + part(2, library)
    way = chance.random() if names else 1.0
    seldom = 0.3 if way < 0.25 else 0.05
    limits = Limits(layers=chance.choice((1, 2, 3, 5, 7, 9, 12))) if chance.random() < seldom else Limits()
    file = opened(data, limits=limits)
    asked = f"{n} {lengths} {' '.join([*g.words, *words])}" + (
        f" layers {limits.layers}" if limits != Limits() else ""
    )
    if way < 0.25:
        captured = [Parameter.of("kernel", np.ones(3, "f4"), "captured")][: chance.choice((0, 1, 1))]
        call = Call(function=names[-1] if way > 0.02 else "nothing", captured=captured or [None])
        return f"{asked} as {call.function} with {len(captured)}", _told(
            file, lambda graph: layers_of_call(graph, file, call)
        )
    wanted = [g.last, "nothing"] if way > 0.6 else None
    asked += " all" if wanted is None else f" to {g.last}"
    return asked, _told(
        file, lambda graph: layers_of_graph(graph, file, variables=g.variables, wanted=wanted)
    )


def _told(file: Opened, read: Any) -> str:
    def tell(layers: Any) -> str:
        return "nothing" if layers is None else layers_of(SimpleNamespace(layers=layers))  # type: ignore[arg-type]

    told = outcome(lambda: read(Message(view_of(file.data), file.effort)), tell)
    work = 2_000_000_000 + 400 * len(file.data) - file.computing.left
    return f"{told} {file.effort.used} steps{f', {work} operations' if work else ''}"


def _a_constant(name: str) -> tuple[str, str]:
    """What is asked for by its name, which other nodes have, too, or which is no constant."""
    g = Graph(random.Random("constants"))
    for one, values in (("a", np.ones(3, "f4")), ("b", np.arange(4, dtype="i4")), ("a", np.ones(2, "f4"))):
        g.nodes.append(node(one, "Const", [], value=part(8, tensor(values, "bytes"))))
    g.nodes += [
        node("c", "Identity", ["a"], value=part(8, tensor(np.ones(5, "f4"), "bytes"))),
        node("d", "Const", []),
    ]
    g.nodes.append(node("e", "Const", [], other=part(8, b""), value=part(3, 1)))
    empty = part(1, "value")  # an attribute that has a name and no value
    g.nodes.append(node("f", "Const", []) + part(5, empty))
    file = opened(b"".join(part(1, one) for one in g.nodes))
    found = constant_of(Message(view_of(file.data), file.effort), name, file)
    return f"the constant {name}", "none" if found is None else f"{found.source} {numbers_of(found.value)}"


def graphs_of_tensorflow() -> Told:
    yield from map(a_graph, range(N_GRAPHS))
    yield from map(_a_constant, "abcdefg")
