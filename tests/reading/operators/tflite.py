"""TensorFlow Lite's operators, each with its options and in the cases where it is another."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.parameter import Parameter
from filtviz.reading.formats.tflite import tflite_operators
from filtviz.reading.formats.tflite.sparsity import densified
from filtviz.reading.limits import Limits
from tests.reading.operators.asking import IMAGE, Told, array, asked, numbers, numbers_of
from tests.telling import refused, told

__all__ = ["sparse", "tflite"]


class Fields:
    """A table of a FlatBuffer with these fields."""

    def __init__(self, fields: Mapping[int, Any]) -> None:
        self.fields = fields

    def scalar(self, field: int, _: str, default: Any = 0) -> Any:
        return self.fields.get(field, default)

    def numbers(self, field: int, _: str) -> Sequence[int]:
        return self.fields.get(field, [])

    def table(self, field: int) -> Fields | None:
        return self.fields.get(field)

    def tables(self, field: int) -> Sequence[Fields]:
        return self.fields.get(field, [])


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
        outputs=(99,),
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


def a_sparse(n: int) -> tuple[str, str]:
    """A sparse tensor made by chance, some with a number that lies, and the dense one that it stands for."""
    chance = random.Random(f"sparse {n}")
    shape = tuple(chance.choice((1, 2, 2, 3, 4)) for _ in range(chance.choice((1, 2, 2, 3))))
    rng = np.random.default_rng(chance.randrange(1 << 30))
    dense = (rng.integers(1, 9, shape) * (rng.random(shape) < 0.5)).astype("f4")
    even = [axis for axis, length in enumerate(shape) if length % 2 == 0]
    blocks = [chance.choice(even)] if even and chance.random() < 0.4 else []
    split = dense.reshape(
        [part for axis, m in enumerate(shape) for part in ([m // 2, 2] if axis in blocks else [m])]
    )
    places = [axis + sum(block < axis for block in blocks) for axis in range(len(shape))] + [
        one + 1 for one in blocks
    ]
    order = chance.sample(range(len(shape)), len(shape)) + [len(shape) + i for i in range(len(blocks))]
    turned = split.transpose([places[axis] for axis in order])
    kinds = [chance.choice((0, 1, 1)) for _ in range(len(order) - len(blocks))] + [0] * len(blocks)
    dimensions, rows = [], [()]
    for kind, length in zip(kinds, turned.shape, strict=True):
        if not kind:
            dimensions.append({0: 0, 1: length})
            rows = [(*row, place) for row in rows for place in range(length)]
            continue
        there = [[place for place in range(length) if turned[(*row, place)].any()] for row in rows]
        segments = [0, *np.cumsum([len(one) for one in there]).tolist()]
        dimensions.append({0: 1, 2: segments, 4: [place for one in there for place in one]})
        rows = [(*row, place) for row, one in zip(rows, there, strict=True) for place in one]
    values = np.array([turned[row] for row in rows], "f4")
    lie = chance.random() < 0.6
    said = _lied(chance, dimensions, order, blocks) if lie else ""
    values = values[:-1] if lie and chance.random() < 0.1 else values
    letter = chance.choice((1, 2, 3))
    tables = [_table(chance, one, letter) for one in dimensions]
    sparsity = Fields({0: order, 1: blocks, 2: tables})
    told = (
        f"{n} {'x'.join(map(str, shape))} order {order} blocks {blocks} {dimensions} of {values.size} {said}"
    )
    try:
        found = densified(
            shape, values.dtype, memoryview(values.tobytes()), sparsity, Limits(ratio=chance.choice((64, 2)))
        ).read()  # type: ignore[arg-type]
    except FiltvizError as error:
        return told, refused(error)
    return told, f"{numbers_of(found)} {'as it was' if np.array_equal(found, dense) else 'other numbers'}"


def _table(chance: random.Random, dimension: Mapping[int, Any], letter: int) -> Fields:
    """A dimension as the file has it, seldom with a part that is missing."""
    if not dimension[0]:
        return Fields(dimension)
    kind = letter if chance.random() < 0.97 else 0
    places = Fields({0: dimension[4]}) if chance.random() < 0.97 else None
    return Fields({0: 1, 2: kind, 3: Fields({0: dimension[2]}), 4: letter, 5: places})


def _lied(
    chance: random.Random, dimensions: list[dict[int, Any]], order: list[int], blocks: list[int]
) -> str:
    """Change a number, and say which."""
    way, one = (
        chance.choice(("order", "blocks", "size", "segments", "places", "fewer")),
        chance.choice(dimensions),
    )
    by = chance.choice((-1, 1, 1, 40))
    if way == "order":
        order[chance.randrange(len(order))] += by
    elif way == "blocks" and blocks:
        blocks[0] += by
    elif way == "size" and not one[0]:
        one[1] += by
    elif way == "segments" and one[0]:
        one[2][chance.randrange(len(one[2]))] += by
    elif way == "places" and one[0] and one[4]:
        one[4][chance.randrange(len(one[4]))] += by
    elif way == "fewer":
        part = one[chance.choice((2, 4))] if one[0] else dimensions
        if len(part):
            part.pop()
    else:
        return ""
    return f"({way} {by})"


SPARSE: tuple[int, ...] = (
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 222, 395, 974, 1124, 1332, 1984,
)  # fmt: skip


def sparse() -> Told:
    yield from map(a_sparse, (*SPARSE, *range(2000, 2120)))
