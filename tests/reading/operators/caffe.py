"""Caffe's types of both generations, each with its fields."""

from __future__ import annotations

from typing import Any

from filtviz.reading.formats import caffe as layers
from tests.reading.operators.asking import IMAGE, Told, array, asked, message, numbers, part
from tests.telling import told

__all__ = ["caffe"]


def _caffe(kind: str, *blobs: Any, inside: str = "", shape: Any = IMAGE, old: bool = False, **facts: Any):
    """A layer whose message ``inside`` has the fields ``f1=…``."""
    fields = layers._OLD if old else layers._NEW
    several = {name: value if isinstance(value, list) else [value] for name, value in facts.items()}
    data = b"".join(part(int(name[1:]), one) for name, values in several.items() for one in values)
    held = message(part(getattr(fields, inside), data) if inside else b"")
    found = layers._operations(kind, held, fields, blobs, [shape])
    more = ({"of": "old"} if old else {}) | ({"shape": shape} if shape != IMAGE else {})
    return asked(kind, facts | more, *blobs), told(*found)


def caffe() -> Told:
    """Every type, and each of its fields."""
    kernel, bias = array(4, 3, 3, 2), array(4)
    for old in (False, True):
        yield _caffe("Convolution", kernel, bias, inside="convolution", f3=1, f6=2, f5=2, f18=2, old=old)
        yield _caffe("Pooling", inside="pooling", f1=1, f2=3, f3=2, f4=1, old=old)
        yield _caffe("LRN", inside="lrn", f1=4, f2=0.5, f3=0.25, f5=2.0, old=old)
        yield _caffe("Concat", inside="concat", f2=2, old=old)
        yield _caffe("Eltwise", inside="eltwise", f1=2, old=old)
        yield _caffe("ReLU", inside="relu", f1=0.25, old=old)
    yield _caffe("Convolution", kernel, array(1, 1, 1, 4), inside="convolution", f9=1, f10=2, f13=3, f14=4)
    yield _caffe("Convolution", kernel, inside="convolution", f1=4)
    yield _caffe("Convolution", kernel, inside="convolution", f3=[1, 2], f6=[3, 4], f18=[1, 2])
    yield _caffe("Pooling", inside="pooling", f1=0, f2=[3], f3=[2], f4=[1])
    yield _caffe("Convolution", kernel, inside="convolution", f6=0)
    yield _caffe("Convolution", kernel)
    yield _caffe("Convolution", inside="convolution", f1=4)
    yield _caffe("Convolution", array(4, 3), inside="convolution", f1=4)
    yield _caffe("Deconvolution", kernel, inside="convolution", f6=2)
    yield _caffe("InnerProduct", array(5, 432), array(5))
    yield _caffe("InnerProduct", array(1, 1, 5, 6), array(1, 1, 1, 5), shape=(1, 6))
    yield _caffe("InnerProduct", array(1, 1, 5, 6, dtype="float64"), array(1, 1, 1, 5, dtype="float64"))
    yield _caffe("InnerProduct", array(2, 1, 5, 6))
    yield _caffe("Pooling", inside="pooling", f1=0, f5=3, f6=2, f7=2, f8=1, f9=1, f10=0, f13=1)
    yield _caffe("Pooling", inside="pooling", f12=1)
    yield _caffe("Pooling", inside="pooling", f1=1, f12=1)
    yield _caffe("Pooling", inside="pooling", f1=2, f2=3)
    yield _caffe("Pooling", inside="pooling", f2=3, f3=0)
    yield _caffe("LRN", inside="lrn", f4=1)
    yield _caffe("LRN", inside="lrn", f1=0)
    yield _caffe("Concat", inside="concat", f1=2)
    yield _caffe("Concat", inside="concat", f7=1)
    yield _caffe("Concat")
    yield _caffe("Concat", inside="concat", f2=-1)
    yield _caffe("Concat", inside="concat", f2=0)
    blobs = [array(1, 1, 5, 6), array(1, 5)]
    (dense,) = layers._operations("InnerProduct", message(b""), layers._NEW, blobs, [])
    (norm,) = layers._operations("BatchNorm", message(b""), layers._NEW, [array(6)] * 3, [])
    yield "BatchNorm's sources", f"{norm.mean.source} {norm.spread.source}"
    yield "InnerProduct of no input", f"{told(dense)} of {dense.weights.source} and {dense.bias.source}"
    for number in (0, 1, 3):
        yield _caffe("Eltwise", inside="eltwise", f1=number, f2=0.5)
    yield _caffe("BatchNorm", array(6), array(6), numbers(4, dtype="float32"))
    yield _caffe(
        "BatchNorm", array(1, 6), array(6), numbers(0, dtype="float32"), inside="batch_norm", f3=0.25
    )
    yield _caffe("BatchNorm", array(6), array(6))
    yield _caffe("Scale", array(6), array(6))
    yield _caffe("Scale", array(6))
    yield _caffe("Scale", array(6, 1))
    yield from _with_one_that_is_wrong(kernel)
    yield _caffe("PReLU", array(6))
    yield _caffe("PReLU", array(6, 1))
    for kind in layers._BY_TYPE:
        yield _caffe(kind)
    yield _caffe("Dream")
    yield _caffe("Dream", kernel, inside="convolution", f3=1)
    yield _caffe("DepthwiseConvolution", array(4, 1, 3, 3), inside="convolution", f5=2)
    yield _caffe("DepthwiseConvolution", array(4, 2, 3, 3), inside="convolution", f5=1)
    yield from ((f"the old number {number}", kind) for number, kind in layers._OLD_TYPES.items())


def _with_one_that_is_wrong(kernel: Any) -> Told:
    """Of several numbers or arrays one is none that the type may have; the others are."""
    for wrong in ({"f6": [1, 0]}, {"f6": [0, 1]}, {"f18": [1, 0]}, {"f18": 0}, {"f3": [1, -1]}, {"f3": -1}):
        yield _caffe("Convolution", kernel, inside="convolution", **wrong)
    for wrong in ({"f5": 0}, {"f6": 0}, {"f7": 0}, {"f8": 0}, {"f9": -1}, {"f10": -1}):
        usual = {"f5": 3, "f6": 3, "f7": 2, "f8": 2, "f9": 1, "f10": 1}
        yield _caffe("Pooling", inside="pooling", **{**usual, **wrong})
    yield _caffe("Scale", array(6), array(6, 1))
    yield _caffe("Scale", array(6, 1), array(6))
    yield _caffe("BatchNorm", array(6), array(6), numbers(4, dtype="float32"), array(6))
    yield _caffe("PReLU", array(6), array(5))
    yield _caffe("InnerProduct", array(5, 6), shape=(1, 6, 1))
    yield _caffe("InnerProduct", array(5, 6), shape=(6,))
    yield _caffe("InnerProduct", array(5, 6), shape=None)
