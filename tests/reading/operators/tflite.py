"""TensorFlow Lite's operators, each with its options and in the cases where it is another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from filtviz.parameter import Parameter
from filtviz.reading.formats.tflite import tflite_operators
from tests.reading.operators.asking import IMAGE, Told, array, asked, numbers
from tests.telling import told

__all__ = ["tflite"]


class Fields:
    """A table of a FlatBuffer with these fields."""

    def __init__(self, fields: Mapping[int, Any]) -> None:
        self.fields = fields

    def scalar(self, field: int, _: str, default: Any = 0) -> Any:
        return self.fields.get(field, default)


def _tflite(
    operator: str,
    *given: Any,
    shape: Any = IMAGE,
    made: Any = None,
    beside: Any = None,
    first: Any = None,
    **facts: int,
):
    """An operator with options ``o0=…`` that is given an image and arrays, and gives ``made``."""
    held: dict[int, Parameter] = {1 + place: one for place, one in enumerate(given) if one is not None}
    held |= {} if first is None else {60: first}
    shapes = {number: one.shape for number, one in held.items()} | {0: shape, 50: beside, 99: made}

    def parameter(number: int, name: str) -> Parameter | None:
        return held.get(number)

    def constant(number: int) -> list[float] | None:
        return None if number not in held else [float(one) for one in held[number].value.ravel()]

    case = tflite_operators.Case(
        operator=operator,
        options=Fields({int(name[1:]): value for name, value in facts.items()}) if facts else None,
        inputs=[
            *([60] if first is not None else []),
            0,
            *([50] if beside is not None else []),
            *(1 + place if one is not None else -1 for place, one in enumerate(given)),
        ],
        constant=constant,
        parameter=parameter,
        shape=shapes.get,
        output=99,
    )
    more = {"beside": beside} if beside is not None else {}
    more |= {"behind": first.shape} if first is not None else {}
    more |= ({"shape": shape} if shape != IMAGE else {}) | ({"made": made} if made is not None else {})
    return asked(operator, facts | more, *given), told(*tflite_operators.operations_of(case))


def tflite() -> Told:
    yield from ((f"number {number}", name) for number, name in tflite_operators.OPERATORS.items())
    for tanh in (0, 1):
        yield _tflite("GELU", o0=tanh)
    kernel, bias = array(4, 3, 2, 6), array(4, name="b")
    for fused in range(6):
        yield _tflite("CONV_2D", kernel, bias, o0=1, o1=3, o2=2, o3=fused, o4=1, o5=2)
    yield _tflite("CONV_2D", kernel, o0=0, o1=2, o2=2, o4=2)
    yield _tflite("CONV_2D", array(4, 3, 2, 3), o1=1, o2=1)
    yield _tflite("CONV_2D", kernel, o1=2, o2=2, shape=None)
    yield _tflite("CONV_2D", kernel, o1=0, o2=1)
    yield _tflite("CONV_2D", kernel, o1=1, o2=1, o4=0)
    yield _tflite("CONV_2D", None)
    yield _tflite("CONV_2D", array(3))
    yield _tflite("DEPTHWISE_CONV_2D", array(1, 3, 2, 12), bias, o0=1, o1=2, o2=1, o3=2, o4=1, o5=2, o6=1)
    yield _tflite("DEPTHWISE_CONV_2D", array(1, 3, 2, 6), o1=1, o2=1)
    for padding in (0, 1):
        yield _tflite("TRANSPOSE_CONV", array(4, 3, 5, 6), None, bias, o0=padding, o1=3, o2=2, o3=1)
    yield _tflite("TRANSPOSE_CONV", array(4, 3, 5, 6), o1=2, o2=2, made=(1, 4, 16, 18))
    yield _tflite("TRANSPOSE_CONV", array(4, 3, 5, 6), o1=2, o2=2, made=(1, 4, None, 18))
    yield _tflite("TRANSPOSE_CONV", array(4, 3, 5, 6), o1=0, o2=2)
    yield _tflite("CONV_3D", array(2, 3, 4, 6, 5), bias, o0=1, o1=1, o2=2, o3=3, o4=1)
    yield _tflite("CONV_3D", array(2, 3, 4, 6, 5), o0=0, o1=1, o2=1, o3=1)
    yield _tflite("CONV_3D", array(2, 3, 4, 6, 5), o1=1, o2=0, o3=1)
    yield _tflite("CONV_3D", kernel)
    yield _tflite("FULLY_CONNECTED", array(5, 432), array(5), o0=1)
    yield _tflite("FULLY_CONNECTED", array(5, 6), shape=(1, 6), o0=3)
    yield _tflite("FULLY_CONNECTED", array(5))
    for operator in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
        yield _tflite(operator, o0=1, o1=2, o2=1, o3=3, o4=2, o5=1)
        yield _tflite(operator, o0=0, o1=2, o2=2, o3=3, o4=3)
    yield _tflite("MAX_POOL_2D", o0=0, o1=2, o2=2, o3=3, o4=3, shape=None)
    yield _tflite("MAX_POOL_2D", o1=0, o2=2, o3=3, o4=3)
    for operator in ("MEAN", "SUM", "REDUCE_MAX"):
        yield _tflite(operator, numbers(1, 2))
        yield _tflite(operator, numbers(-2, -3), o0=1)
    yield _tflite("MEAN", numbers(1, 3))
    yield _tflite("MEAN", numbers(1, 2), shape=(1, 6))
    yield _tflite("MEAN", numbers(1, 2), shape=None)
    for operator in tflite_operators._MERGES:
        yield _tflite(operator, o0=1)
        yield _tflite(operator, array(6), o0=1)
    for operator in (*tflite_operators._MERGES, "POW"):
        yield _tflite(operator, first=array(6), o0=1)
    yield _tflite("ADD", array(1, 6))
    for axis in (0, 1, 2, 3, -1):
        yield _tflite("CONCATENATION", o0=axis, o1=1)
    yield _tflite("CONCATENATION", o0=-1, shape=(1, 6))
    yield _tflite("RESHAPE", made=(1, 432))
    yield _tflite("RESHAPE", made=(1, 2, 3))
    yield _tflite("RESHAPE", made=(1, 6), shape=(1, 6))
    yield _tflite("PAD", numbers(0, 0, 1, 2, 3, 4, 0, 0))
    for pads in ((0, 1, 0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, 0, 0, 1), (0, 0, -1, 0, 0, 0, 0, 0), (0, 0, 1, 1)):
        yield _tflite("PAD", numbers(*pads))
    yield _tflite("RESIZE_NEAREST_NEIGHBOR", made=(1, 6, 16, 27))
    yield _tflite("RESIZE_NEAREST_NEIGHBOR", made=(1, 6, 12, 27))
    yield _tflite("RESIZE_NEAREST_NEIGHBOR", made=(1, 6, None, 27))
    for options in ({}, {"o2": 1}, {"o3": 1}):
        yield _tflite("RESIZE_BILINEAR", made=(1, 6, 5, 27), **options)
    yield _tflite("RESIZE_NEAREST_NEIGHBOR", made=(1, 6, 16, 27), o0=1)
    yield _tflite("MEAN", numbers(3), made=(1, 8, 9))
    yield _tflite("REDUCE_MAX", numbers(1), made=(1, 9, 6))
    yield _tflite("SUM", numbers(-1), shape=(1, 5, 6), o0=1)
    yield _tflite("RESHAPE", made=(1, 3, 4, 36))
    yield _tflite("RESHAPE", made=(1, 6, 4, 3), shape=(1, 72))
    yield _tflite("TRANSPOSE", numbers(0, 3, 1, 2))
    yield _tflite("TRANSPOSE", numbers(0, 2, 1), shape=(1, 5, 6))
    yield _tflite("TRANSPOSE", numbers(0, 2, 2), shape=(1, 5, 6))
    yield _tflite("SLICE", numbers(0, 1, 0, 2), numbers(1, 3, -1, 4), made=(1, 4, 3, 9))
    strided = numbers(0, 1, 2, 0), numbers(1, 5, -1, 3), numbers(1, 2, 1, 1)
    yield _tflite("STRIDED_SLICE", *strided, made=(1, 3, 2, 6))
    yield _tflite("STRIDED_SLICE", *strided, made=(1, 6, 8, 6), o0=4, o1=9)
    yield _tflite("STRIDED_SLICE", *strided, made=(1, 2, 6), o4=8)
    yield _tflite("STRIDED_SLICE", *strided, made=(1, 2, 6), o3=8)
    yield _tflite("PADV2", numbers(0, 0, 1, 2, 3, 4, 0, 0), numbers(-3))
    yield _tflite("MIRROR_PAD", numbers(0, 0, 1, 2, 3, 4, 0, 0))
    yield _tflite("MIRROR_PAD", numbers(0, 0, 1, 2, 3, 4, 0, 0), o0=1)
    for operator in ("SUB", "DIV", "MAXIMUM", "POW"):
        yield _tflite(operator, array(1))
    yield _tflite("PRELU", array(1, 1, 6))
    yield _tflite("PRELU", array(2, 1, 6))
    yield _tflite("LEAKY_RELU", o0=0.25)
    for turns in ({"o0": 0, "o1": 0}, {"o0": 1, "o1": 0}, {"o0": 0, "o1": 1}):
        yield _tflite("BATCH_MATMUL", shape=(1, 4, 5), beside=(1, 5, 6), **turns)
        yield _tflite("BATCH_MATMUL", array(1, 5, 6), shape=(1, 4, 5), **turns)
    for operator in tflite_operators._MERGES:
        yield _tflite(operator, beside=IMAGE, o0=1)
    yield _tflite("CONCATENATION", beside=IMAGE, o0=-1)
    yield _tflite("DEPTH_TO_SPACE", o0=2, shape=(1, 8, 5, 4))
    yield _tflite("DEPTH_TO_SPACE", o0=3, shape=(1, 8, 5, 4))
    for operator in ("SQUEEZE", "EXPAND_DIMS"):
        for before, after in (((1, 6, 1, 1), (1, 6)), ((1, 6), (1, 6, 1, 1)), ((1, 6, 8), (1, 6, 1, 8))):
            yield _tflite(operator, shape=before, made=after)
    for axes in ((1,), (-1,), (1, 2)):
        yield _tflite("REDUCE_MIN", numbers(*axes), o0=1)
    for operator in tflite_operators._BY_OPERATOR:
        yield _tflite(operator)
    yield _tflite("DREAM")
