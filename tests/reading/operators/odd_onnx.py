"""Small graphs of ONNX's, each with one fact changed: what is read of it, a line for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import starmap
from typing import Any

import numpy as np

from filtviz.reading.formats import onnx
from tests.reading.operators.asking import Told, part
from tests.reading.operators.steps import Step, changed, steps_of
from tests.reading.operators.whole_onnx import attribute, info, tensor
from tests.reading.operators.wholes import opened, read_of

__all__ = ["odd_graphs_of_onnx"]

GRAPHS = {
    "scaled": """
        DequantizeLinear q s z > a | axis=0
        Transpose a > t | perm=[0,1,3,2]
        Cast t > c | to=10
        CastLike c k > d
        Conv x d b > y | pads=[1,1,0,0]""",
    "turned": """
        Transpose k > t | perm=[1,2,0,3]
        Mul t low > m
        Transpose m > u | perm=[2,0,1,3]
        Conv x u - > y
        Gemm line line - > g""",
    "with axes": """
        Unsqueeze l one > u
        Squeeze u one > v
        Unsqueeze v > w | axes=[2]
        Squeeze w > p
        Reshape p kernel > r
        Conv x r > y""",
    "lengths": """
        Shape x > sh
        Slice sh zero one > n
        Gather sh at > m | axis=0
        Unsqueeze m zero > u
        Mul u two > h
        Concat n minus h > c | axis=0
        Reshape x c > y""",
    "more lengths": """
        Shape x > sh | start=1
        Cast sh > f | to=1
        Floor f > g
        Cast g > i | to=7
        ReduceProd i > p | keepdims=1
        Equal p all > e
        Where e one p > w
        Expand x w > y""",
    "filled": """
        Shape x > sh | end=1
        ConstantOfShape sh > e | value=number
        ConstantOfShape kind > f | value=real
        Conv x f > y
        Add y e > z""",
    "computed": """
        Split k > p o | axis=0
        Concat o p > j | axis=0
        Slice j zero four zero > c
        Gather c first > g | axis=1
        MatMul g sq > h
        Clip h low high > m
        Conv x m > y""",
    "sums": """
        Gemm line line sq > g | transB=1
        ReduceSum g one > r | keepdims=0
        Where flags r b > w
        Conv x k w > y
        Mul y low > z
        Add z y > v""",
    "layers": """
        Pad x pads low > p | mode=constant
        Conv p k > c
        BatchNormalization c b b b b > n d
        MaxPool n > m i | kernel_shape=[2,2]
        Resize m - scales > r
        PRelu r slope > o""",
    "ends": """
        Split x > s t | axis=3
        Dropout s > d m
        TopK t one > v i
        Mul d v > e
        Add e high > u
        LSTM u > h - c | hidden_size=3""",
    "calls": """
        Ours:Block x k > y
        Ours:Both y k > t s
        Conv x t > c
        Reshape c s > d
        If flags > z | then_branch=left else_branch=right
        Add y z > v""",
}
POOL = ("two", "k", "x", "nowhere")
_ARRAYS = {
    "x": None,
    "k": (np.arange(36) % 7 - 3.0).astype("f4").reshape(4, 3, 3, 1),
    "q": (np.arange(36) % 5 - 1).astype("i1").reshape(4, 3, 3, 1),
    "s": np.array([0.5, 1, 2, 4], "f4"),
    "z": np.array([0, 1, 0, -1], "i1"),
    "b": np.array([1, 2, 3, 4], "f4"),
    "l": (np.arange(36) % 7).astype("f4").reshape(4, 9),
    "line": np.array([[1, 2], [0, 1], [2, 0], [1, 1]], "f4"),
    "sq": np.array([[2]], "f4"),
    "one": np.array([1], "i8"),
    "zero": np.array([0], "i8"),
    "two": np.array([2, 3], "i8"),
    "none": np.array([], "i8"),
    "four": np.array([4], "i8"),
    "at": np.array(1, "i8"),
    "first": np.array([0, 1, 2], "i8"),
    "all": np.array([108], "i8"),
    "kind": np.array([4, 3, 1, 1], "i8"),
    "minus": np.array([-1], "i8"),
    "kernel": np.array([4, 3, 3, -1], "i8"),
    "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1], "i8"),
    "scales": np.array([1, 1, 2, 2], "f4"),
    "low": np.array(-1.5, "f4"),
    "high": np.array([2.5], "f4"),
    "slope": np.array([[[0.25]]], "f4"),
    "flags": np.array([True, False, True, False]),
}
_INNER = {
    "left": steps_of("Relu x > r\nConv r k > l"),
    "right": steps_of("Neg k > i\nConv x i > l"),
}
_FUNCTIONS = (
    ("Block", "g", steps_of("Conv a w > c\nLeakyRelu c > g | alpha=0.5")),
    ("Both", "ts", steps_of("Transpose w > t | perm=[1,0,2,3]\nShape a > s")),
)


def _inner(steps: Sequence[Step], ends: str) -> bytes:
    nodes = b"".join(part(1, _node(one)) for one in steps)
    return nodes + part(12, info(ends, "nothing"))


def _node(step: Step) -> bytes:
    domain, _, operator = step.operator.rpartition(":")
    data = b"".join([*(part(1, one) for one in step.inputs), *(part(2, one) for one in step.outputs)])
    data += part(4, operator) + (part(7, domain) if domain else b"")
    return data + b"".join(part(5, attribute(name, _said(value))) for name, value in step.facts)


def _said(value: Any) -> Any:
    if value in ("number", "real"):
        return part(5, tensor("", np.array([3], "i8") if value == "number" else np.array([0.5], "f4")))
    return part(6, _inner(_INNER[value], "l")) if value in ("left", "right") else value


def model(
    steps: Sequence[Step], said: Sequence[bytes] = (), opset: int = 12, image: Any = (1, 3, 6, 6)
) -> bytes:
    """A file of a graph, which holds those arrays that its nodes name."""
    named = {one for step in steps for one in step.inputs} | {"k"}
    held = b"".join(data for name, data in _held().items() if name in named)
    nodes = b"".join(part(1, _node(one)) for one in steps)
    graph = nodes + held + part(11, info("x", image)) + b"".join(said)
    return part(8, part(2, opset)) + part(7, graph) + _functions()


@cache
def _held() -> dict[str, bytes]:
    """The arrays as a graph holds them."""
    return {name: part(5, tensor(name, values)) for name, values in _ARRAYS.items() if values is not None}


@cache
def _functions() -> bytes:
    return b"".join(starmap(_function, _FUNCTIONS))


def _function(name: str, gives: str, steps: Sequence[Step]) -> bytes:
    formal = b"".join(part(4, one) for one in "aw") + b"".join(part(5, one) for one in gives)
    return part(
        25, part(1, name) + formal + part(10, "Ours") + b"".join(part(7, _node(one)) for one in steps)
    )


def _read(data: bytes) -> str:
    return read_of(onnx.open, opened(data))


def _said_of_values() -> Told:
    """What a file says of the shapes of values: within a graph and of its results, once and twice."""
    steps = steps_of("Dream x > y\nRelu y > z")
    shapes: dict[str, Any] = {"open": (None, 5), "a": (1, 5), "b": (1, 7, 2), "none": "nothing"}
    for first, one in shapes.items():
        for field, other_field in ((12, 13), (13, 12)):
            for second, other in shapes.items():
                said = [part(field, info("y", one)), part(other_field, info("y", other))]
                yield f"y is {first} by {field}, {second} by {other_field}", _read(model(steps, said))


def _open_shapes() -> Told:
    """What is known of a layer's shape, and what the file says of it."""
    steps = steps_of("Relu x > y\nDream y k > z\nDream z k > v\nOther v k > w")
    shapes = (
        (1, 3, 6, 6),
        (None, 3, 6, None),
        (None, 3, 5, None),
        (1, None, None, 5),
        (1, 3, 6),
        (None,) * 4,
    )
    for image in ((None, 3, None, 6), (1, 3, 6, 6), "nothing"):
        for shape in shapes:
            said = [part(13, info("y", shape))]
            yield f"an image of {image}, said {shape}", _read(model(steps, said, image=image))


def _all() -> Iterator[tuple[str, str]]:
    for name, text in GRAPHS.items():
        before = ""
        for words, steps in changed(steps_of(text), POOL):
            told = _read(model(steps))
            yield f"{name}: {words}", "the same" if told == before else told
            before = before or told


def odd_graphs_of_onnx() -> Told:
    yield from _all()
    yield from _said_of_values()
    yield from _open_shapes()
    for text in (
        "Resize x - scales > y | mode=",
        "DepthToSpace x > y | mode= blocksize=1",
        "Pad x pads > y | mode=",
        "Conv x k > y | auto_pad=",
        "com.microsoft:FusedConv x k > y | activation=Relu",
        "com.microsoft.nchwc:Conv x k > y",
        "ours:Conv x k > y",
        "ours:Identity k > k2\nConv x k2 > y",
        "ours:Pow x two > y",
        "ConvInteger x q zero zero zero zero zero zero b > y",
        "ConvInteger x q b > y",
        "MaxPool x > y | kernel_shape=[0,2]",
        "MaxPool x > y | kernel_shape=[-1,2]",
        "Reshape x none > y",
    ):
        yield text.replace("\n", "; "), _read(model(steps_of(text)))
