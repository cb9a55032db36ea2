"""Of what ONNX's graphs compute arrays, tensors, and whole graphs, at each boundary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.reading.formats import onnx
from filtviz.reading.formats.onnx import cases
from filtviz.reading.formats.onnx.initialisers import array_of, sparse_array_of
from filtviz.reading.limits import Limits
from tests.reading.operators import odd_onnx
from tests.reading.operators.asking import Told, message, numbers_of, part
from tests.reading.operators.corners_folding import fold, ramp
from tests.reading.operators.steps import steps_of
from tests.reading.operators.whole_onnx import info, tensor
from tests.reading.operators.wholes import opened, read_of
from tests.telling import refused

__all__ = ["corners_of_graphs"]

Rows = list[tuple[str, str]]


def _of_parts() -> Told:
    """Of what an array is computed: its parts, their order, and which gives the name."""
    one, other, few = ramp(3, source="one"), ramp(3, source="other"), ramp(1, source="few")
    deep = [
        replace(
            one,
            made=cases.Made(
                parts=(one.parameter,), operators=("Exp", "Log"), depth=n, work=5, cost=7, peak=m
            ),
        )
        for n, m in ((1, 1000), (62, 3), (63, 3), (64, 3))
    ]
    wide = ramp(4, 1, source="wide")
    for words, given in {
        "one twice": (one, one),
        "one, other": (one, other),
        "other, one": (other, one),
        "few, one": (few, one),
        "one, few": (one, few),
        "wide, one": (wide, one),
        "deep": (deep[0], one),
        "one, deep": (one, deep[0]),
        "deep twice": (deep[0], deep[0]),
        "62": (deep[1], one),
        "63": (deep[2], one),
        "one, 64": (one, deep[3]),
    }.items():
        for operator in ("Add", "Exp", "Pow", "Concat"):
            facts = {"axis": 0} if operator == "Concat" else {}
            yield f"{operator} of {words}", fold(operator, *given, **facts)


def _tensors() -> Told:
    def dense(shape: Sequence[int], code: int, more: bytes) -> str:
        file = opened(b"")
        head = b"".join(part(1, n) for n in shape) + part(2, code) + part(8, "w")
        return _read(lambda: array_of(message(head + more), file).read())

    for code in (21, 22):
        every = bytes(range(0x10, 0x100, 0x22)) + b"\x80\x08"
        yield f"four bits {code}", dense((len(every) * 2,), code, part(9, every))
        yield f"four bits {code}, odd", dense((3,), code, part(9, b"\x98\x07"))
        yield f"four bits {code}, too few", dense((5,), code, part(9, b"\x98\x07"))
        yield f"four bits {code} as numbers", dense((3,), code, part(5, 0x98) + part(5, 7))
    for code in range(25):
        yield f"bytes as {code}", dense((2,), code, part(9, bytes(range(60, 76))))
        yield f"numbers as {code}", dense((2,), code, part(5, 3) + part(5, 1))
    values = part(1, part(1, 0) + part(2, 1) + part(9, b"") + part(8, "s"))
    few = part(1, part(1, 1) + part(2, 1) + part(9, np.ones(1, "f4").tobytes()) + part(8, "s"))
    for shape in ((), (0,), (1,), (0, 3), (2, 3)):
        for places in ((0,), (0, 1), (0, 2), (1, 0), (1,), (1, 2)):
            where = part(
                2,
                b"".join(part(1, n) for n in places) + part(2, 7) + part(9, bytes(8 * int(np.prod(places)))),
            )
            for words, held_ in (("none", values), ("one", few)):
                data = held_ + where + b"".join(part(3, n) for n in shape)
                file = opened(data)
                yield (
                    f"sparse of {shape}, {words} at {places}",
                    _read(lambda d=data, f=file: sparse_array_of(message(d), f)[1].read()),
                )  # type: ignore[misc]


def _read(make: Callable[[], Any]) -> str:
    try:
        return numbers_of(make())
    except FiltvizError as error:
        return refused(error)


_GRAPHS = (
    "DequantizeLinear q slope > d\nConv x d > y",
    "Shape x > sh\nCast high > f | to=7\nMul sh f > m\nReshape x m > y",
    "Gather line x > y | axis=1\nGather line x > z\nGather line x > v | axis=-2",
    "Unique x > u i v\nConv i k > y\nAdd u v > z",
    "TopK x one > v i\nConv i k > y\nAdd v y > z",
    "Split x > s t u | axis=3 num_outputs=3\nConv t k > y",
    "Dream x > s t\nConv t k > y",
    "Dream x > - t\nConv t k > y",
    "Split x > - t | axis=3\nConv t k > y",
    "Shape x > sh\nCast flags > f | to=7\nMul sh f > m\nReshape x m > y",
    "Shape x > sh\nCast two > f | to=9\nGather sh zero > g\nAdd g f > h\nReshape x h > y",
    "Shape x > s\nCast two > f | to=1\nDiv f two > h\nCast h > i | to=7\nConcat i s > j\nReshape x j > y",
    "Cast kernel > c | to=1\nReshape l c > r\nConv x r > y",
    "Shape x > sh | start=-2\nReshape x sh > y",
    "Shape k > sh\nReshape l sh > r\nConv x r > y",
    "Shape two > sh\nReshape x sh > y",
    "Transpose k > t | perm=[0,1,3]\nConv x t > y",
    "Transpose k > t\nTranspose t > u\nConv x u > y",
    "Transpose k > t | perm=[3,2,0,1]\nTranspose t > u | perm=[1,0,3,2]\nConv x u > y",
    "Identity k > i\nDropout i > d m\nQuantizeLinear d s > q\nConv x q > y",
    "DequantizeLinear q s z > d | axis=-4\nConv x d > y",
    "DequantizeLinear q s z > d | axis=1\nConv x d > y",
    "DequantizeLinear q s > d | axis=0\nConv x d > y",
    "DequantizeLinear q s x > d | axis=0\nConv x d > y",
    "DequantizeLinear k s z > d | axis=0\nConv x d > y",
    "DequantizeLinear q low > d\nReshape d kernel > r\nConv x r > y",
    "DequantizeLinear q s > d | axis=0\nReshape d kernel > r\nConv x r > y",
    "Transpose q > t | perm=[1,0,2,3]\nDequantizeLinear t s > d | axis=1\nTranspose d > u\nConv x u > y",
    "DequantizeLinear q s z > d | axis=0\nDequantizeLinear d s z > e | axis=0\nConv x e > y",
    "Reshape k minus > r\nReshape r kernel > s\nConv x s > y",
    "Reshape k none > r\nConv x r > y",
    "Squeeze k > r\nUnsqueeze r > s | axes=[3]\nConv x s > y",
    "Squeeze k > r | axes=[3]\nUnsqueeze r > s | axes=[-1]\nConv x s > y",
    "Squeeze k > r | axes=[0]\nConv x r > y",
    "Squeeze k > r | axes=[7]\nUnsqueeze r > s | axes=[3]\nConv x s > y",
    "Unsqueeze k > s | axes=[0,0]\nConv x s > y",
    "Squeeze k - > r\nUnsqueeze r > s | axes=[3]\nConv x s > y",
    "Unsqueeze k > s\nConv x s > y",
    "Reshape k > s | shape=[4,3,1,3]\nConv x s > y",
    "Reshape k kernel > s | allowzero=1\nConv x s > y",
    "ConstantOfShape kind > f\nConv x f > y",
    "ConstantOfShape none > f | value=real\nAdd x f > y\nConv y k > z",
    "ConstantOfShape minus > f | value=real\nAdd x f > y\nConv y k > z",
    "Constant > c | value_floats=[1.5,2.5]\nConv x k > y\nAdd y c > z",
    "Constant > c | value_float=1.5\nConv x k > y\nAdd y c > z",
    "Constant > c | value_ints=[4,3,1,3]\nReshape k c > r\nConv x r > y",
    "Constant > c | value_int=2\nGather k c > g | axis=0\nConv x k > y",
    "Constant > c | value_string=x\nConv x c > y",
    "Ours:Ref x k > y | axes=[1] mode=linear",
    "Ours:Ref x k > y",
    "Ours:Ref x > y\nConv y k > z",
    "Ours:Ref x k more > y z\nConv z k > v",
    "If flags > z | then_branch=left\nConv z k > y",
    "Gather k first > g | axis=1\nConv x g > y\nConv y g > z",
    "Exp k > e\nLog e > f\nConv x f b > y\nConv y f > z",
    "Relu x > k2\nConv x k2 > y",
    "Dream x k > y\nConv x y > z",
    "Dream x line > y\nConv y k > z",
    "Dream x k > y\nConv y k > z",
    "Split k > p o | axis=0\nConv x o > y\nConv x p > z",
    "Split k > p - | axis=0\nConv x p > z",
    "MatMul sq line > m\nConv x k > y\nAdd y m > z",
    "MatMul line sq > m\nGemm m sq > n\nAdd n one > v\nConv x k > y",
)


def _graphs() -> Told:
    for text in _GRAPHS:
        data = odd_onnx.model(steps_of(text)) + _REF
        yield text.replace("\n", "; "), read_of(onnx.open, opened(data))
    filled = odd_onnx.model(steps_of("ConstantOfShape kind > f\nConv x f > y"))
    for n in (11, 12, 47, 48):
        yield f"filled with {n} bytes", read_of(onnx.open, opened(filled, limits=Limits(allocation=n)))
    steps = steps_of("Conv x k > y\nSoftmax y > z")
    for versions in (
        (("", 12),),
        (("ai.onnx", 13),),
        (("ai.onnx", 13), ("", 12)),
        (("", 12), ("ai.onnx", 13)),
        (("ours", 13),),
        (("ours", 5), ("", 13)),
    ):
        data = odd_onnx.model(steps)
        whole = b"".join(part(8, (part(1, name) if name else b"") + part(2, n)) for name, n in versions)
        yield (
            f"operators of {versions}",
            read_of(onnx.open, opened(whole + data[data.index(part(2, 12)) + 2 :])),
        )
    head = part(1, 8) + part(2, "maker")
    for words, more in {
        "a producer": head,
        "a producer of a version": head + part(3, "1.5"),
        "a version": part(3, "1.5"),
        "properties": head + part(14, b""),
        "training": head + part(20, b""),
        "devices": head + part(26, b""),
        "what no model has": head + part(27, b""),
        "a domain": head + part(4, "d"),
    }.items():
        yield f"a file with {words}", read_of(onnx.open, opened(more + odd_onnx.model(steps)))
    for field in (2, 10, 14, 15, 16, 17):
        graph_ = (
            part(1, odd_onnx._node(steps[0]))
            + part(5, tensor("k", np.ones((1, 3, 3, 3), "f4")))
            + part(11, info("x", (1, 3, 6, 6)))
        )
        yield (
            f"a graph with {field}",
            read_of(onnx.open, opened(part(8, part(2, 12)) + part(7, graph_ + part(field, b"")))),
        )


def _referred() -> bytes:
    """A function whose nodes have attributes of the call: some are given, some not, and one has a default."""

    def refers(name: str, to: str) -> bytes:
        return part(5, part(1, name) + part(21, to))

    nodes = [
        odd_onnx._node(steps_of("Conv a w > c")[0])
        + refers("strides", "strides")
        + refers("auto_pad", "pad"),
        odd_onnx._node(steps_of("Resize c - s > r")[0]) + refers("mode", "mode"),
        odd_onnx._node(steps_of("ReduceMean r > g")[0])
        + refers("axes", "axes")
        + refers("keepdims", "keeps"),
    ]
    facts = part(6, "mode") + part(11, part(1, "strides") + part(8, 2) + part(8, 2))
    formal = part(4, "a") + part(4, "w") + part(5, "g") + part(5, "h")
    return part(
        25, part(1, "Ref") + formal + facts + part(10, "Ours") + b"".join(part(7, one) for one in nodes)
    )


_REF = _referred()


def corners_of_graphs() -> Told:
    """All of it."""
    for rows in (_of_parts, _tensors, _graphs):
        yield from rows()
