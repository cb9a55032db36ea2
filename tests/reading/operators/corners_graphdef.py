"""Whole graphs of TensorFlow's, each with what decides at a boundary, and their constants."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from filtviz.parameter import Parameter
from filtviz.reading.formats.tensorflow import graphdef, saved_model
from filtviz.reading.formats.tensorflow.graphdef import Call, layers_of_call, layers_of_graph
from tests.reading.operators.asking import Told, message, numbers_of, part
from tests.reading.operators.odd_tensorflow import graph
from tests.reading.operators.small_parts import together
from tests.reading.operators.steps import Step, steps_of
from tests.reading.operators.whole_tensorflow import _told, node, shape_of, tensor
from tests.reading.operators.wholes import opened, outcome

__all__ = ["corners_of_graphdef"]

Rows = list[tuple[str, str]]

_SHAPES: Mapping[str, Any] = {
    "space": (1, 4, 6, 6, 3),
    "open": (-1, 6, -1, 3),
    "flat": (2, 6),
    "unknown": None,
}
_CONSTANTS: Mapping[str, np.ndarray] = {
    "cube": np.ones((2, 2, 2, 3, 4), "f4"),
    "wide": np.array([1, 1, 1, 1, 1], "i4"),
    "back": np.array([1, 1, 1, 3, 1], "i4"),
    "three": np.array(3, "i4"),
    "sixteen": np.array([1, 6, 18, 3], "i4"),
    "empty": np.zeros(0, "i4"),
    "long": np.arange(8, dtype="f4"),
    "below": np.array([[1, -1], [0, 0]], "i4"),
    "half": np.array([2, 0], "i4"),
    "thin": np.zeros((1, 6, 18), "f4"),
}
_GRAPHS = (
    "Shape thin > s\nReshape x s > y",
    "Shape space > s\nReshape space s > y\nConv3D y cube > z | padding=VALID",
    "Shape open > s\nReshape open s > y\nConv2D y k > z | padding=SAME",
    "Shape flat > s\nReshape flat s > y",
    "Shape unknown > s\nReshape x s > y",
    "Shape k > s\nReshape x s > y",
    "Shape l > s\nReshape l s > y",
    "ExpandDims l one > e\nShape e > s\nReshape e s > y",
    "Conv2D x k > c | data_format=NCHW padding=VALID\nShape c > s\nReshape c s > y",
    "ExpandDims x axis > e\nTile e times > t\nReshape t image > y\nConv2D y k > z",
    "ExpandDims x three > e\nTile e back > t\nReshape t sixteen > y\nConv2D y k > z",
    "ExpandDims x three > e\nTile e times > t\nReshape t sixteen > y\nConv2D y k > z",
    "ExpandDims x axis > e\nTile e wide > t\nReshape t image > y",
    "ExpandDims x axis > e\nTile e one > t\nReshape t image > y",
    "ExpandDims x axis > e\nTile e times > t\nTile t times > u\nReshape u image > y",
    "ExpandDims x axis > e\nTile e times > t\nRelu t > r\nReshape t image > y",
    "ExpandDims x axis > e\nRelu e > r\nTile e times > t\nReshape t image > y",
    "ExpandDims x axis > e\nTile e times > t\nReshape t image > y\nReshape t image > z\nRelu e > r",
    "ExpandDims x one > e\nTile e times > t\nReshape t image > y",
    "ExpandDims x empty > e\nTile e times > t\nReshape t image > y",
    "ExpandDims flat axis > e\nTile e times > t\nReshape t image > y",
    "ExpandDims unknown axis > e\nTile e times > t\nReshape t image > y",
    "SpaceToBatchND x gaps pads > s\nConv2D s k > c | padding=VALID\n"
    "BatchToSpaceND c gaps pads > y\nConv2D y k > z",
    "SpaceToBatchND x gaps below > s\nConv2D s k > c | padding=VALID\nBatchToSpaceND c gaps pads > y",
    "SpaceToBatchND x half pads > s\nConv2D s k > c | padding=VALID\nBatchToSpaceND c gaps pads > y",
    "SpaceToBatchND x gaps > s\nConv2D s k > c | padding=VALID\nBatchToSpaceND c gaps > y",
    "SpaceToBatchND x gaps one > s\nConv2D s k > c | padding=VALID\nRelu c > r\n"
    "BatchToSpaceND r gaps one > y",
    "SpaceToBatchND k gaps pads > s\nConv2D x s > y",
    "BatchToSpaceND x gaps pads > y\nConv2D y k > z",
    "Identity x > i\nSwitch i flag > j\nEnter j > e\nConv2D e k > y",
    "Cast k > j\nCast x > c\nConv2D c j > y",
    "Cast sh > c\nShape x > sh\nReshape x c > y",
    "Identity > i\nConv2D i k > y",
    "IdentityN x k sh b > i\nShape x > sh\nConv2D i i:1 > c\nBiasAdd c i:3 > d\nReshape d i:2 > y",
    "IdentityN nowhere > i\nConv2D x k > y",
    "Enter k > e\nReadVariableOp e > r\nConv2D x r > y",
    "NoOp > n\nAssert x > a\nVarHandleOp > v\nConv2D x v > c\nConv2D c k > y",
    "Conv2D x k ^a > y\nRelu x > a",
    "Conv2D x:0 k:0 > y",
    "Split x > s\nConv2D s:1 k > y",
    "Relu y > x2\nRelu x2 > y\nConv2D y k > z",
    "PartitionedCall x k > f | f=block\nRelu f > g",
    "PartitionedCall x > f | f=block\nRelu f > g",
    "PartitionedCall x k b > f | f=block\nRelu f:2 > g",
    "PartitionedCall x k > f\nRelu f > g",
    "PartitionedCall x k > a/StatefulPartitionedCall_1 | f=block\nRelu a/StatefulPartitionedCall_1 > g",
    "If flag x k > h | then_branch=block else_branch=block\nRelu h > g",
    "StatelessIf flag x k > h | then_branch=other\nRelu h > g",
    "Case flag x k > h\nRelu h > g",
    "Add v small > a\nRsqrt a > r\nMul r b > s\nMul x s > m\nMul m s > n",
    "Rsqrt v > r\nMul x r > m\nMul x r > n\nDream x r > o",
    "Dream x k long small none > y",
    "L2Normalize x k > y\nConv2D y k > z",
    "ExpandDims w zero > f\nConv2D x f > y | padding=VALID",
    "ExpandDims l one > e\nExpandDims w zero > f\nConv2D e f > c | padding=VALID\nRelu c > r\n"
    "MaxPool r > m | ksize=[1,1,2,1]\nReshape m image > y",
    "ExpandDims l one > e\nConv2D e k > c | padding=SAME\nSqueeze c > y | squeeze_dims=[1]",
    "ExpandDims l one > e\nDream e > d\nSqueeze d > y | squeeze_dims=[1]",
    "ExpandDims l one > e\nLRN e > d\nSqueeze d > y | squeeze_dims=[1]",
    "MatMul flat square > y | transpose_a=True",
    "Gather table ids > y\nGatherV2 table ids axis > z",
)


def _placed(name: str, shape: Any) -> Step:
    facts = (("shape", part(7, shape_of(shape))),)
    return Step(operator="Placeholder", outputs=(name,), facts=facts)


def _constant(name: str, values: np.ndarray) -> Step:
    return Step(operator="Const", outputs=(name,), facts=(("value", part(8, tensor(values, "bytes"))),))


def _of_tensorflow(text: str) -> str:
    steps = steps_of(text)
    named = {one for step in steps for one in step.inputs}
    inputs = [_placed(name, shape) for name, shape in _SHAPES.items() if name in named]
    held = [_constant(name, values) for name, values in _CONSTANTS.items() if name in named]
    file = opened(graph([*inputs, *held, *steps]))
    return _told(file, lambda read: layers_of_graph(read, file))


def _graphs() -> Told:
    for text in _GRAPHS:
        yield text.replace("\n", "; "), _of_tensorflow(text)
    names = ("x", "w", "b")
    for n_formal, n_captured, results, shapes in itertools.product(
        (0, 1, 3), (0, 1, 2, 4), ("y", ""), (False, True)
    ):
        signature = part(1, "net") + b"".join(part(2, part(1, one)) for one in names[:n_formal])
        body = part(3, node("y", "Conv2D", ["x", "w"], padding="SAME")) + part(
            3, node("z", "BiasAdd", ["y", "b"])
        )
        ends = part(4, part(1, "out") + part(2, f"{results}:0")) if results else b""
        said = part(
            2, part(1, part(1, "_output_shapes") + part(2, part(1, part(7, shape_of((-1, 6, 6, 2))))))
        )
        function = part(1, signature) + body + ends + (part(7, part(1, 0) + said) if shapes else b"")
        file = opened(part(2, part(1, function)))
        kernel = Parameter.of("kernel", np.ones((3, 3, 2, 4), "f4"), "k")
        captured = [kernel, Parameter.of("bias", np.ones(4, "f4"), "b"), None, kernel][:n_captured]
        call = Call(function="net", captured=captured)
        found = _told(file, lambda read, f=file, c=call: layers_of_call(read, f, c))  # type: ignore[misc]
        yield f"{n_formal} arguments, {n_captured} captured, to {results or 'all'}, {shapes}", found
    rows: Rows = []
    for text in ("a", "a:0", "a:1", "a:b:0", "a:b:1", "a:b", ":1", "a:1:b", ""):
        rows.append((f"reference {text}", graphdef._reference(text)))
    for text in (
        "c/kernel",
        "c/kernel/read",
        "c/kernel/ReadVariableOp",
        "c/kernel/ReadVariableOp_2/resource",
        "kernel",
        "c/pointwise_kernel",
        "c/depthwise_weights",
        "pointwise_weights",
        "a/b/weights/read",
        "c/other",
        "c/kernel_1",
        "/kernel",
        "",
    ):
        rows.append((f"title of {text}", graphdef._title(text)))
    for text in (
        "a",
        "a/:b",
        "PartitionedCall/:b",
        "x/StatefulPartitionedCall_12/:b/:c",
        "x/PartitionedCall_a/:c",
        "PartitionedCallx/:c",
        "/:",
    ):
        rows.append((f"shown of {text}", graphdef._shown(text)))
        rows.append((f"without its place {text}:1", graphdef._without_place(f"{text}:1")))
    for last, others in itertools.product(
        ("depthwise_kernel", "kernel"), (set(), {"c/pointwise_kernel"}, {"pointwise_kernel"})
    ):
        rows += [
            (f"called {name}, beside {sorted(others)}", saved_model._name_of(name, others))
            for name in (f"c/{last}", last)
        ]
    yield from together(rows, "names")
    yield from together(_tensors(), "constants")


def _tensors() -> Told:
    numbers = {
        5: np.array([1.5, 2], "f4").tobytes(),
        6: np.array([1.5, 1e-300]).tobytes() + b"odd",
        7: b"\x02\x03",
        10: b"\x02\x03",
        13: b"\x80\x78\x80\x7c",
    }
    for code, field, shape in itertools.product(
        (0, 1, 2, 3, 6, 9, 10, 14, 19), (4, 5, 6, 7, 10, 13, 0), ((), (3,), (0,))
    ):
        data = part(1, code) + part(2, shape_of(shape))
        data += part(4, np.ones(3, "f8").tobytes()[: int(np.prod(shape)) * 4]) if field == 4 else b""
        data += part(field, numbers[field]) if field > 4 else b""
        file = opened(data)

        def read(data: bytes = data, file: Any = file) -> str:
            found = graphdef._array(message(data), file)
            return "none" if found is None else numbers_of(found.read())

        yield f"{code} in {field} {shape}", outcome(read, str)


def corners_of_graphdef() -> Told:
    """All of it."""
    yield from _graphs()
