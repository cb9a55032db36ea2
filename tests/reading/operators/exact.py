"""Bounds of ONNX, TensorFlow, PyTorch and ``--architecture``: each met exactly, and passed by one."""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.parameter import Parameter
from filtviz.reading.architecture.tables import ALL_DOTS, LONGEST, MOST_BYTES, MOST_DOTS, read_tables
from filtviz.reading.formats import onnx, torch
from filtviz.reading.formats.onnx import cases
from filtviz.reading.formats.tensorflow import _paths
from filtviz.reading.formats.tensorflow.checkpoint import Trackable
from filtviz.reading.formats.tensorflow.graphdef import layers_of_graph
from filtviz.reading.formats.torch.storages import Saved
from filtviz.reading.formats.torch.weight_sets import find_sets
from filtviz.reading.limits import Limits
from tests.building import put
from tests.reading.making import Thing
from tests.reading.operators import odd_onnx
from tests.reading.operators.asking import Told, array, part
from tests.reading.operators.onnx import _onnx
from tests.reading.operators.steps import steps_of
from tests.reading.operators.torch_objects import NO_PICKLES, _object
from tests.reading.operators.torch_tensors import KERNEL, called, unpickled
from tests.reading.operators.whole_onnx import tensor
from tests.reading.operators.whole_tensorflow import _told, node, shape_of
from tests.reading.operators.whole_tensorflow import tensor as tensor_of
from tests.reading.operators.wholes import opened, read_of
from tests.reading.torch_making import tensor as torchs
from tests.telling import refused

__all__ = ["exact"]


def _wholes(n: int) -> Parameter:
    return Parameter.of("n", np.arange(n, dtype="i8"), "there")


def _in_onnx() -> Told:
    for n in (16, 17):
        functions = b""
        for place in range(n):
            inner = f"Ours:F{place + 1} a > b" if place + 1 < n else "Relu a > b"
            block = part(1, f"F{place}") + part(4, "a") + part(5, "b") + part(10, "Ours")
            functions += part(25, block + b"".join(part(7, odd_onnx._node(one)) for one in steps_of(inner)))
        data = odd_onnx.model(steps_of("Ours:F0 x > y\nConv y k > z")) + functions
        yield f"ONNX, {n} functions in one another", read_of(onnx.open, opened(data))
        graph = odd_onnx._inner(steps_of("Relu x > l"), "l")
        for _ in range(n):
            branch = odd_onnx._node(steps_of("If flags > l")[0]) + part(
                5, part(1, "then_branch") + part(6, graph)
            )
            graph = part(1, branch) + part(12, part(1, "l"))
        data = part(8, part(2, 12)) + part(7, graph + part(5, tensor("k", np.ones((1, 3, 3, 3), "f4"))))
        yield f"ONNX, {n} branches in one another", read_of(onnx.open, opened(data))
    for n in (64, 65):
        held = cases.Constant(parameter=_wholes(n))
        yield f"ONNX, {n} numbers", f"{held.numbers() is None} {held.integers() is None}"
        more = " ".join(["b"] * n)
        for operator in ("Max", "Concat"):
            shape = "k2" if operator == "Max" else "b"
            data = odd_onnx.model(steps_of(f"{operator} {more} > c\nConv x k c > y\nAdd y {shape} > z"))
            yield f"ONNX, {operator} of {n}", read_of(onnx.open, opened(data))
        yield _onnx("LayerNormalization", array(6), axis=-n)
        yield _onnx("Unsqueeze", _wholes(n))
    for n in (1 << 16, (1 << 16) + 1):
        numbers = cases.Constant(parameter=Parameter.of("s", np.ones(n, "f4"), "there"))
        yield f"ONNX, a scale of {n}", f"{cases.scale_of(numbers, None) is None}"
    for n in (2.0**30, 2.0**30 - 64, 0.0, 2.0**-20):
        scales = Parameter.of("n", np.array([1, 1, n, 2], "f4"), "there")
        yield _onnx("Resize", None, scales, opset=13)
        yield _onnx("Upsample", scales, opset=9)
    for n in (2, 3, 4, 5, 6):
        steps = [f"DequantizeLinear q s z > d{at}\nConv x d{at} > y{at}" for at in range(n)]
        yield (
            f"ONNX, {n} kernels of whole numbers",
            read_of(onnx.open, opened(odd_onnx.model(steps_of("\n".join(steps))))),
        )
        fields = odd_onnx.model(steps_of("Conv x k > y")) + part(2, "maker") * (4096 - n)
        yield f"ONNX, {4096 - n} fields more", read_of(onnx.open, opened(fields))


def _in_tensorflow() -> Told:
    for n in (16, 17):
        library = b""
        for place in range(n):
            f = part(10, part(1, f"f{place + 1}"))
            inner = node("c", "PartitionedCall", ["a"], f=f) if place + 1 < n else node("c", "Relu", ["a"])
            signature = part(1, f"f{place}") + part(2, part(1, "a")) + part(3, part(1, "y"))
            library += part(1, part(1, signature) + part(3, inner) + part(4, part(1, "y") + part(2, "c:0")))
        nodes = [
            node("x", "Placeholder", [], shape=part(7, shape_of((1, 6, 6, 3)))),
            node("y", "PartitionedCall", ["x"], f=part(10, part(1, "f0"))),
        ]
        yield f"TensorFlow, {n} functions in one another", _graph(nodes, library)
        one = node("n0", "Const", [], value=part(8, tensor_of(np.ones(3, "f4"), "bytes")))
        chain = [node(f"n{at + 1}", "Neg", [f"n{at}"]) for at in range(n)]
        yield (
            f"TensorFlow, {n} nodes deep",
            _graph([*nodes[:1], one, *chain, node("y", "BiasAdd", ["x", f"n{n}"])]),
        )
    for n in (32, 33):
        tree = [Trackable(children={"p": at + 1}) for at in range(n)] + [Trackable(children={}, key="k")]
        yield f"TensorFlow, {n} objects deep", str(list(_paths(tree, opened(b"")).values()))
    for n in (64, 65):
        axes = node("a", "Const", [], value=part(8, tensor_of(np.arange(n, dtype="i4") % 2 + 1, "bytes")))
        nodes = [node("x", "Placeholder", [], shape=part(7, shape_of((1, 6, 6, 3)))), axes]
        yield f"TensorFlow, {n} numbers", _graph([*nodes, node("y", "ConcatV2", ["x", "x", "a"])])
    for stop in ((1 << 30) - 1, 1 << 30, -(1 << 30)):
        ends = np.array([stop], "i4")
        held = node("s", "Const", [], value=part(8, tensor_of(ends, "bytes")))
        rest = [
            node(word, "Const", [], value=part(8, tensor_of(np.array([n], "i4"), "bytes")))
            for word, n in (("o", 1), ("m", -1))
        ]
        steps = [
            node("h", "Shape", ["x"]),
            node("c", "StridedSlice", ["h", "o", "s", "o"]),
            node("d", "StridedSlice", ["h", "s", "o", "o"], shrink_axis_mask=1),
            node("y", "Reshape", ["x", "c"]),
            node("z", "Reshape", ["x", "d"]),
        ]
        yield f"TensorFlow, a slice to {stop}", _graph([nodes[0], held, *rest, *steps])


def _graph(nodes: list[bytes], library: bytes = b"") -> str:
    file = opened(b"".join(part(1, one) for one in nodes) + part(2, library))
    return _told(file, lambda graph: layers_of_graph(graph, file))


def _in_torch() -> Told:
    kernel, lost = torchs(KERNEL), called("_rebuild_nested_tensor")
    for n in (1, 2, 3, 4, 5, 6):
        normed = {
            f"c{at}.weight_{one}": torchs(KERNEL if one == "v" else KERNEL[:, :, :1, :1])
            for at in range(n)
            for one in "gv"
        }
        yield f"PyTorch, {n} normed weights", _object(OrderedDict(normed), ())
        holed = {f"l{at}.weight": lost for at in range(n)} | {"c.weight": kernel}
        yield f"PyTorch, {n} lost tensors", _object(OrderedDict(holed), ())
    for n in (32, 33):
        for shape in ((2, 1, n, 3), (2, 1, 3, n)):
            facts = {"_modules": {}, "_parameters": {"weight": torchs(np.ones(shape, "f4"))}, "_buffers": {}}
            yield f"PyTorch, a class of one's own with {shape}", _object(Thing("mine.Own", **facts), ())
    for n in (8, 9):
        facts = {"_modules": {}, "_parameters": {"weight": torchs(np.ones((1,) * n, "f4"))}, "_buffers": {}}
        norm = Thing("torch.nn.modules.normalization.LayerNorm", **facts, normalized_shape=(1,) * n, eps=0.5)
        yield f"PyTorch, a norm of {n} axes", _object(norm, ())
    for n in (35, 55, 75):
        name = f"{'n' * n}.c.parametrizations.weight"
        square = torchs(np.arange(9.0, dtype="f4").reshape(3, 3))
        held = {f"{name}.original": square, f"{name}.0.base": square, "k.weight": kernel}
        yield f"PyTorch, an orthogonal weight of {n} letters", _said(OrderedDict(held))
    for n in (1024, 1025):
        alone = np.tril(np.full((n, 2), 0.5, "f4"), -1)
        alone[0, 0] = alone[1, 1] = 1
        held = {"c.parametrizations.weight.original": torchs(alone), "k.weight": kernel}
        yield f"PyTorch, {n} rows", _said(OrderedDict(held))


def _said(value: Any) -> str:
    """What is said of an object's weights, and not their numbers, in which processors differ."""
    root, rebuilder = unpickled(value)
    saved = Saved(root=root, pickles=NO_PICKLES, memory=rebuilder.memory, form="a test's")
    found = torch._network(opened(b""), saved, find_sets(root, rebuilder), rebuilder)
    return " | ".join([*found.origin.inferred, found.origin.guess])


def _in_texts() -> Told:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.toml"

        def read(text: str) -> str:
            put(path, text)
            try:
                top, tables = read_tables(path, Limits(layers=3))
                length = f", {tables[0].lengths('stride', 2, 1)}"
                return f"{len(top.values)} above, {len(tables)} tables{length}"
            except FiltvizError as error:
                return refused(error).replace(f"{folder}/", "")

        for more in (-1, 0, 1):
            text = "[a]\n"
            yield f"a text of {more:+} bytes", read(text + "#" * (MOST_BYTES + more - len(text)))
            yield f"{more:+} dots in a line", read(f"{text}# {'.' * (MOST_DOTS + more)}\n")
            lines = (
                "".join(f"# {'.' * 8}\n" for _ in range(ALL_DOTS // 8))
                + "#"
                + "." * (ALL_DOTS % 8 + max(more, 0))
            )
            yield f"{more:+} dots", read(text + (lines if more >= 0 else lines[:-10]))
            yield f"{more:+} tables", read("".join(f"[t{n}]\n" for n in range(3 + more)))
            yield f"a length of {more:+}", read(f"{text}stride = {LONGEST + more}")


def exact() -> Told:
    yield from _in_onnx()
    yield from _in_tensorflow()
    yield from _in_torch()
    yield from _in_texts()
