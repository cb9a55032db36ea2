"""What else decides in files of ONNX's: first bytes, fields, and constants at the ends of rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from filtviz.reading.arrays import ComputedArray, narrow_dtype, parameter_of
from filtviz.reading.formats import onnx
from filtviz.reading.formats.onnx import cases
from filtviz.reading.formats.onnx.shape_nodes import computed
from filtviz.reading.formats.onnx.sizes import known_shape, upscale
from filtviz.reading.limits import Limits
from filtviz.reading.shape_arithmetic import lengths_of
from tests.reading.operators import odd_onnx
from tests.reading.operators.asking import Told, numbers_of, part
from tests.reading.operators.corners_folding import attributes, fold, held, ramp
from tests.reading.operators.steps import steps_of
from tests.reading.operators.whole_onnx import info, tensor
from tests.reading.operators.wholes import opened, read_of
from tests.telling import told

__all__ = ["corners_of_onnx"]


def _graph(text: str) -> str:
    return read_of(onnx.open, opened(odd_onnx.model(steps_of(text))))


def _files() -> Told:
    """What makes a file a model, and what a graph must have."""
    cut = b"\x3a\x7fai.onnx"
    opset, image = part(8, part(2, 12)), part(11, info("x", (1, 3, 6, 6)))
    odd = part(1, part(4, "\1"))
    model_fields, graph_fields = (1, 2, 3, 4, 5, 6, 14, 20, 25, 26), (2, 5, 10, 12, 13, 14, 15, 16)
    every = b"".join(part(n, 1 if n in (1, 5) else b"") for n in model_fields)
    whole = part(1, part(4, "Relu")) + image + b"".join(part(n, b"") for n in graph_fields)
    for words, data in {
        "a maker, and a graph that is cut": b"\x08\x08\x12\x01a" + cut,
        "a maker, and a graph of others that is cut": b"\x08\x08\x12\x01a" + cut[:-1],
        "no maker, and a graph that is cut": b"\x08\x08" + cut,
        "only a graph that is cut": b"\x3a\x7f\x12ai.onnx",
        "an empty graph": opset + part(7, b""),
        "no graph": opset + part(2, "maker"),
        "an image alone": opset + part(7, image),
        "a graph of no version": part(7, image),
        "a graph of a version": part(1, 8) + part(7, image),
        "a graph of operators of a version": part(7, image) + opset,
        "an operator that is no word": opset + part(7, image + odd),
        "every field of a model": every + opset + part(7, image),
        "every field of a graph": opset + part(7, whole),
        **{f"{n} fields": opset + part(7, image) + part(14, b"") * (n - 2) for n in (4096, 4097)},
    }.items():
        yield f"a file with {words}", read_of(onnx.open, opened(data))
    quantised = "DequantizeLinear q slope > d\nConv x d > y\n"
    yield "with a scale", _graph(quantised)
    yield "with one zero for four scales", _graph("DequantizeLinear q s zero > d | axis=0\nConv x d > y")
    yield "with turned numbers", _graph("Transpose sq > t\nConv x k t > y\nBatchNormalization y t b b b > n")
    yield "with zeros", _graph(quantised + "DequantizeLinear q s z > e | axis=0\nConv x e > v")


_GRAPHS = (
    "If flags > z | then_branch=left\nDream x q s z b l line sq one > y",
    "Ours:Block x nowhere > y",
    "Ours:Block nowhere k > y",
    "Relu x",
    "Dream > y",
    "Identity k",
    "Exp k",
    "Split k | axis=0",
    "Ours:Exp k > e\nConv x e > y",
    "ai.onnx:Exp k > e\nConv x e > y",
    "Constant > c | value=real\nMul x c > y",
    "Constant > c | value_ints=[0,-1]\nReshape x c > y",
    "Constant > c | value_int=3\nGather x c > y",
    "Transpose x > t | perm=[0,2,3,1]\nReshape t kernel > y",
    "Transpose kernel > t\nReshape x t > y",
    "Reshape kernel one > t\nReshape x kernel > y",
    "Reshape two minus > t\nReshape x t > y",
    "Unsqueeze two zero > t\nReshape x t > y",
    "ConstantOfShape x > f\nConv x f > y",
    "Relu kind > f\nConv x f > y",
    "Cast q > f | to=1\nCast f > g | to=99\nMul g one > w\nConv x w > y",
    "Cast s > h | to=10\nCastLike q h > f\nMul f one > w\nConv x w > y",
    "QLinearConv x s z x s z s z > y",
    "Mean x b > y",
    "Sub low x > y",
    "Div high x > y",
    "Pow high x > y",
    "Dream x > d\nAdd d b > y",
    "Dream x > d\nAdd d high > y",
    "Shape x > sh\nDream sh > y",
    "CastLike q x > f\nConv x f > y",
    "CastLike q > f\nConv x f > y",
    "Clip k - high > c\nConv x c > y",
    "Clip k nowhere high > c\nConv x c > y",
    "Exp k > e f\nConv x f > y",
    "DequantizeLinear q slope - > d\nConv x d > y",
    "DequantizeLinear q x > d\nConv x d > y",
    "DequantizeLinear k slope > d\nConv x d > y",
    "DequantizeLinear q slope > d\nDequantizeLinear d s > e | axis=0\nConv x e > y",
    "DequantizeLinear q s z > d | axis=-4\nConv x d > y",
    "DequantizeLinear q s z > d | axis=1\nConv x d > y",
    "Transpose q > t | perm=[3,1,2,0]\nDequantizeLinear t s z > d | axis=3\nConv x d > y",
    "QuantizeLinear k slope > q2\nConv x q2 > y",
    "Shape x > sh | start=1 end=3\nReshape x sh > y",
    "Shape k > sh\nReshape x sh > y",
    "Shape x > sh\nShape sh > n\nReshape x n > y",
    "Shape nowhere > sh\nReshape x sh > y",
    "Dream x > d\nShape d > sh\nReshape x sh > y",
    "Squeeze k one > r\nUnsqueeze r one > u\nConv x u > y",
    "Squeeze k x > r\nConv x r > y",
    "Reshape l x > r\nConv x r > y",
    "Reshape l kernel > r | allowzero=1\nConv x r > y",
    "ConstantOfShape kind > f | value=number\nConv x f > y",
    "ConstantOfShape minus > f\nConv x f > y",
    "Exp k > e\nConv x e > y\nConv y e > z",
    "Relu x > k2\nConv x k2 > y\nDream x k > z",
    "Split x one > s - u | axis=3\nAdd s u > y",
)
"""What prepares constants, what is a layer, and what is neither."""


def _graphs() -> Told:
    yield from ((text.replace("\n", "; "), _graph(text)) for text in _GRAPHS)
    image, opset = part(11, info("x", (1, 3, 6, 6))), part(8, part(2, 12))
    arrays = [part(5, tensor(f"w{n}", np.ones(1, "f4"))) for n in range(12)]
    for n in (11, 12):
        file = opened(opset + part(7, image + b"".join(arrays[:n])), limits=Limits(layers=2))
        yield f"{n} arrays where 2 layers are allowed", read_of(onnx.open, file)
    for n in (16, 17):
        within = [
            part(4, "a") + part(5, "g") + part(10, "Ours") + part(1, f"F{depth}")
            + part(7, odd_onnx._node(steps_of(f"Ours:F{depth + 1} a > g" if depth < n else "Relu a > g")[0]))
            for depth in range(1, n + 1)
        ]  # fmt: skip
        graph = part(7, part(1, odd_onnx._node(steps_of("Ours:F1 x > y")[0])) + image)
        data = opset + graph + b"".join(part(25, one) for one in within)
        yield f"{n} functions in one another", read_of(onnx.open, opened(data))


def _folded() -> Told:
    """Constants where a rule ends."""
    dtype = narrow_dtype("bfloat16")
    many = ComputedArray(shape=(512,), dtype=dtype, read=lambda: np.ones(512, np.float32).astype(dtype))
    parts = [ramp(2, source=f"p{n}").parameter for n in range(64)]
    wide = replace(ramp(2), made=cases.Made(parts=tuple(parts)))
    grown = replace(ramp(2), made=cases.Made(parts=tuple(parts[1:])))
    long = held(np.arange(65))
    yield from {
        "more axes than there are": fold("Gather", ramp(*[1] * 20), held(np.zeros((1,) * 14), "i8")),
        "as many axes as there are": fold("Gather", ramp(*[1] * 20), held(np.zeros((1,) * 13), "i8")),
        "a mean of few bits": fold("ReduceMean", cases.Constant(parameter=parameter_of("n", many, "w"))),
        "of 64 arrays": fold("Add", grown, ramp(2, source="q")),
        "of 65 arrays": fold("Add", wide, ramp(2, source="q")),
        "long ends": fold("Clip", ramp(3), long),
        "a long end above": fold("Clip", ramp(3), None, long),
        "long axes": fold("ReduceSum", ramp(3), long),
        "a sum of many": fold("ReduceSum", held([1 << 53, 1, -(1 << 53)], "i8")),
        "a sum of real ones": fold("ReduceSum", held([1 << 24, 1, -(1 << 24)])),
        "a length of large ones": fold("ReduceL2", held([3e30, 4e30])),
        "a length of wholes": fold("ReduceL2", held([60000, 80000], "i4")),
        "high on the right": fold("Trilu", ramp(4, 2), [-3], upper=0),
        "high and above": fold("Trilu", ramp(4, 2), [-3]),
        "wide and far": fold("Trilu", ramp(2, 4), [3]),
        "joined with a line": fold("Concat", ramp(2, 3), ramp(2, source="v"), axis=1),
        "cut from nowhere": fold("Slice", ramp(2, 3), None, [1]),
        "cut along more": fold("Slice", ramp(2, 3), [0], [1], [0, 1], [1, 1]),
        "squeezed along none": fold("Squeeze", ramp(1, 3), long),
        "spread by less than none": fold("Expand", ramp(2, 1), [2, -3]),
        "one for each of many": fold("Gather", ramp(3), long),
        "one for each of as many as are looked at": fold("Gather", ramp(3), held(np.ones(64), "i8")),
        "places that take too much": fold("Gather", ramp(3), held([0], "i8", is_costly=True)),
    }.items()


def _of_lengths() -> Told:
    """Numbers of shapes: what is cut, and with axes more."""
    six, open_ = [4, 5, 6, 7, 8, 9], 1 << 30
    for operator, *given in (
        ("Slice", six, None, [2]),
        ("Slice", six, [1], None),
        ("Slice", six, [0, 1, 1, 0], [9, 9, 9, 9], [0, 0, 0, 0]),
        ("Slice", six, [0] * 5, [9] * 5, [0] * 5),
        ("Slice", six, [0, 0], [9, 9], [5, 0]),
        ("Slice", six, [1], [open_], [0], [2]),
        ("Slice", six, [4], [-open_], [0], [-1]),
        ("Slice", six, [4], [open_ - 1], [0], [-1]),
        ("Slice", six, [4], [open_], [0], [-1]),
        ("Unsqueeze", [4], [0, 9]),
        ("Unsqueeze", [4], [0, 2]),
        ("Unsqueeze", [4], [0, 1, 2, 3]),
        ("Gather", six, None),
    ):
        found = computed(
            operator, attributes({}), [None if one is None else lengths_of(one) for one in given]
        )
        yield f"lengths {operator} {given}", f"{found and (found.array.shape, found.wholes)}"
    fields = cases.Case.__dataclass_fields__
    for operator, facts in (
        ("Expand", {"given": [ramp(2, 1), held([1, 5], "i8")]}),
        ("Expand", {"given": [None, held([1, 5], "i8")], "shapes": [(2, 1)]}),
        ("MatMul", {"shapes": [(2, 3, 4), None]}),
        ("MatMul", {"shapes": [(3, 4), (2, 4, 5)]}),
        ("MatMul", {"shapes": [(3, 4), (4, 5)]}),
        ("MatMul", {"shapes": [(3, 4), (5, 4)]}),
        ("MatMul", {"shapes": [(3, None), (4, 5)]}),
        ("MatMul", {"shapes": [(4,), (4,)]}),
        ("MatMul", {"shapes": [(3, 4)]}),
        *(("DepthToSpace", {"shapes": [(1, None, 3, 3)], "blocksize": n}) for n in (0, 2, open_ - 1, open_)),
        *(
            ("Resize", {"shapes": [shape], "given": [None, None, held(scales)], "mode": "linear"})
            for shape, scales in (
                ((1, 3, 8), [1, 1, 2]),
                ((3, 8), [1, 2]),
                ((1, 3, 8, 8), [1, 1, 2, 2]),
                ((1, 3, 8, 8), [2, 2, 2, 2]),
                ((1, 3, 8, 8), [1, 1, 2]),
            )
        ),
        *(
            ("Resize", {"shapes": [shape], "given": [None, None, None, held(sizes, "i8")], "mode": "linear"})
            for shape, sizes in (
                ((1, 3, 8, 8), [1, 3, 9, 9]),
                ((1, 3, 8, 8), [1, 4, 9, 9]),
                ((1, 3, 8, 8), [1, 3, 0, 9]),
                ((1, 3, 8, 8), [1, 3, 9]),
            )
        ),
    ):
        said = {name: value for name, value in facts.items() if name not in fields}
        usual = {"given": (), "shapes": (), "opset": 13} | {k: v for k, v in facts.items() if k in fields}
        case = cases.Case(operator=operator, attributes=attributes(said), **usual)  # type: ignore[arg-type]
        does = told(*(upscale(case) or ())) if operator == "Resize" else ""
        shown = [one and numbers_of(one.parameter.value) for one in usual["given"]]  # type: ignore[attr-defined]
        yield f"{operator} of {usual['shapes']} {shown} {said}", f"{known_shape(case)} {does}"


def corners_of_onnx() -> Told:
    """All of it."""
    yield from _files()
    yield from _graphs()
    yield from _folded()
    yield from _of_lengths()
