"""What else decides in files of ONNX's: first bytes, fields, and constants at the ends of rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from filtviz.reading.arrays import ComputedArray, narrow_dtype, parameter_of
from filtviz.reading.formats import onnx
from filtviz.reading.formats.onnx import cases
from tests.reading.operators import odd_onnx
from tests.reading.operators.asking import Told, part
from tests.reading.operators.corners_folding import fold, held, ramp
from tests.reading.operators.steps import steps_of
from tests.reading.operators.whole_onnx import info
from tests.reading.operators.wholes import opened, read_of

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


def corners_of_onnx() -> Told:
    """All of it."""
    yield from _files()
    yield from _folded()
