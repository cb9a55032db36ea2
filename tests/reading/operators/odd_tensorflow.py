"""Small graphs of TensorFlow's, each with one fact changed: what is read of it, a line for each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import Any

import numpy as np

from filtviz.parameter import Parameter
from filtviz.reading.formats.tensorflow.graphdef import layers_of_graph
from tests.reading.operators.asking import Told, part
from tests.reading.operators.steps import Step, changed, steps_of
from tests.reading.operators.whole_tensorflow import _told, node, shape_of, tensor
from tests.reading.operators.wholes import opened

__all__ = ["odd_graphs_of_tensorflow"]

GRAPHS = {
    "spread": """
        SpaceToBatchND x gaps pads > s
        Conv2D s k > c | padding=VALID
        BatchToSpaceND c gaps pads > u
        BiasAdd u b > y""",
    "repeated": """
        Mean x plane > q
        ExpandDims x axis > e
        Tile e times > t
        Reshape t image > r
        MatMul x square > f
        ExpandDims f one > g
        Relu g > y""",
    "a line": """
        ExpandDims l one > e
        ExpandDims w zero > f
        Conv2D e f > c | padding=SAME strides=[1,1,2,1]
        BiasAdd c b > d
        Squeeze d > y | squeeze_dims=[1]""",
    "computed": """
        Add v small > a
        Rsqrt a > r
        Mul r b > s
        Mul x s > m
        Mul v s > n
        Sub b n > t
        AddV2 m t > y""",
    "lengths": """
        Shape x > sh
        StridedSlice sh one last one > n | shrink_axis_mask=1 new_axis_mask=0 ellipsis_mask=0
        Cast n > i | DstT=whole
        FloorDiv i two > h
        Pack h neg > p | axis=0
        Reshape x p > y""",
    "of nothing": """
        Const > c | dtype=1
        Conv2D x c > d | padding=SAME
        Conv2D x none > e | padding=SAME
        Conv2DBackpropInput image kt x > t | padding=SAME strides=[1,2,2,1]
        Gather table ids > g
        GatherV2 table ids zero > y""",
    "more lengths": """
        Shape x > sh
        StridedSlice sh one last one > n | begin_mask=0 end_mask=0
        Prod n zero > q | keep_dims=0
        ExpandDims q zero > e
        ConcatV2 e minus zero > j
        GatherV2 j order zero > g
        Reshape x g > y""",
    "passed on": """
        IdentityN x sh k > i
        Identity i:2 > j
        Shape x > sh
        Conv2D i j > c | padding=SAME
        Reshape c i:1 > y""",
    "calls": """
        PartitionedCall x k > f | f=block
        Relu f:1 > g
        If flag f k > h | then_branch=block else_branch=other
        AddV2 h g > y""",
    "layers": """
        FusedBatchNormV3 x b b b v > n | epsilon=0.5 is_training=False
        MirrorPad n sides small > q | mode=REFLECT
        PadV2 q sides small > r
        MaxPool r > p | ksize=[1,2,2,1] strides=[1,2,2,1] padding=VALID
        ConcatV2 p p last > c
        Mean c order > m | keep_dims=False
        MatMul m dense > y""",
    "loop": """
        Merge x z > m
        Conv2D m k > c | padding=SAME
        NextIteration c > z
        Relu c > y""",
}
POOL = ("one", "b", "x", "sh", "nowhere")
_ARRAYS = {
    "k": (np.arange(27) % 7 - 3.0).astype("f4").reshape(3, 1, 3, 3),
    "w": (np.arange(27) % 5 - 2.0).astype("f4").reshape(3, 3, 3),
    "dense": (np.arange(12) % 5 - 2.0).astype("f4").reshape(6, 2),
    "square": np.eye(3, dtype="f4"),
    "b": np.array([1, 2, 3], "f4"),
    "v": np.array([3.5, 0.5, 1.5], "f4"),
    "small": np.array(0.5, "f4"),
    "flag": np.array(1, "i4"),
    "gaps": np.array([2, 1], "i4"),
    "pads": np.array([[1, 2], [0, 0]], "i4"),
    "kt": (np.arange(54) % 5 - 2.0).astype("f4").reshape(3, 3, 2, 3),
    "plane": np.array([1, 2], "i4"),
    "none": np.zeros((3, 3, 0, 4), "f4"),
    "table": np.arange(8, dtype="f4").reshape(4, 2),
    "ids": np.array([1, 3], "i4"),
    "sides": np.array([[0, 0], [1, 2], [0, 1], [0, 0]], "i4"),
    "times": np.array([1, 1, 3, 1, 1], "i4"),
    "image": np.array([1, 18, 6, 3], "i4"),
    "axis": np.array(2, "i4"),
    "zero": np.array([0], "i4"),
    "one": np.array([1], "i4"),
    "two": np.array(2, "i4"),
    "last": np.array(3, "i4"),
    "minus": np.array([-1], "i4"),
    "neg": np.array(-1, "i4"),
    "order": np.array([1, 0], "i4"),
}
_INNER = {
    "block": "Conv2D a:0 w:0 > c\nRelu c:y:0 > r\nBiasAdd r:y:0 w:0 > t",
    "other": "AddV2 a:0 a:0 > r\nIdentity r:y:0 > t",
}


def _node(step: Step) -> bytes:
    name = step.outputs[0] if step.outputs else "unnamed"
    return node(name, step.operator, list(step.inputs), **{key: _said(value) for key, value in step.facts})


def _said(value: Any) -> Any:
    if value in ("block", "other"):
        return part(10, part(1, value))
    return part(6, 3) if value == "whole" else value


def graph(steps: Sequence[Step]) -> bytes:
    """A graph with its inputs, those constants that its nodes name, and functions with two results each."""
    named = {one.partition(":")[0] for step in steps for one in step.inputs}
    nodes = [node("x", "Placeholder", [], shape=part(7, shape_of((1, 6, 6, 3))))]
    if "l" in named:
        nodes.append(node("l", "Placeholder", [], shape=part(7, shape_of((1, 6, 3)))))
    nodes += [data for name, data in _held().items() if name in named]
    calls = any(one.operator in ("PartitionedCall", "If") for one in steps)
    whole = b"".join(part(1, one) for one in (*nodes, *map(_node, steps)))
    return whole + part(2, _library() if calls else b"")


@cache
def _held() -> dict[str, bytes]:
    """The constants as nodes."""
    return {
        name: node(name, "Const", [], value=part(8, tensor(values, "bytes")))
        for name, values in _ARRAYS.items()
    }


@cache
def _library() -> bytes:
    library = b""
    for name, text in _INNER.items():
        formal = b"".join(part(2, part(1, one)) for one in "aw") + b"".join(
            part(3, part(1, one)) for one in "yz"
        )
        lines = b"".join(
            part(4, part(1, key) + part(2, end)) for key, end in (("z", "t:y:0"), ("y", "r:y:0"))
        )
        inner = b"".join(part(3, _node(one)) for one in steps_of(text))
        library += part(1, part(1, part(1, name) + formal) + inner + lines)
    return library


def _read(data: bytes, *wanted: str, **variables: Parameter) -> str:
    file = opened(data)
    return _told(
        file, lambda read: layers_of_graph(read, file, variables=variables, wanted=list(wanted) or None)
    )


def _of_wholes() -> Told:
    """What is asked for, and what stands for nodes."""
    data = graph(steps_of(GRAPHS["computed"]))
    for wanted in (("y",), ("m",), ("t",), ("y", "m"), ("nowhere",), ("nowhere", "m")):
        yield f"computed, wanted {' '.join(wanted)}", _read(data, *wanted)
    for text in (
        "ExpandDims x axis > e\nReshape e image > y",
        "ExpandDims x axis > e\nTile e times > t\nTile t times > y",
        "ExpandDims x axis > e\nExpandDims e axis > y",
        "Tile x times > t\nReshape t image > y",
        "Relu x > r\nConv2DBackpropInput image kt x r > y | padding=SAME strides=[1,2,2,1]",
        "Softmax k > y",
        "SpaceToDepth x gaps pads > s\nConv2D s k > y",
        "Conv2D x k > y | padding=SAME strides=[1,0,2,1]",
        "Conv2D x k > y | padding=SAME strides=[1,2]",
        "If flag x k > y | then_branch=block",
    ):
        yield text.replace("\n", "; "), _read(graph(steps_of(text)))
    formats = ("NCHW", "NHWC", "NCDHW", "odd")
    for first, second in product(formats, formats):
        text = f"Conv2D x k > c | data_format={first} padding=EXPLICIT explicit_paddings=[0,0,1,2,3,4,5,6]"
        steps = steps_of(f"{text}\nConv2D c k > y | data_format={second} strides=[1,1,2,3]")
        yield f"{first}, then {second}", _read(graph(steps))
    for kind in ("f4", "f8", "i4"):
        for n in (3, 1):
            given = Parameter.of("v", np.arange(1, n + 1).astype(kind), "given")
            yield f"computed, v of {n} {kind}", _read(data, v=given)


def odd_graphs_of_tensorflow() -> Told:
    for name, text in GRAPHS.items():
        before = ""
        for words, steps in changed(steps_of(text), POOL):
            told = _read(graph(steps))
            yield f"{name}: {words}", "the same" if told == before else told
            before = before or told
    yield from _of_wholes()
