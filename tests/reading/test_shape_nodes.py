"""Numbers that ONNX's nodes compute of shapes, held against numpy; what is no such node gives nothing."""

from __future__ import annotations

import itertools
import struct
from typing import Any

import numpy as np
import pytest

from filtviz.parameter import Parameter
from filtviz.reading.formats.onnx.cases import NodeAttributes
from filtviz.reading.formats.onnx.shape_nodes import computed
from filtviz.reading.shape_arithmetic import Lengths, Number, of_parameter
from tests.reading.operators.asking import message, part

END = (1 << 63) - 1


def attributes(**named: Any) -> NodeAttributes:
    def written(value: Any) -> bytes:
        if isinstance(value, list):
            return b"".join(part(8, one) for one in value)
        return part(5, value) if isinstance(value, bytes) else part(3, value)

    return NodeAttributes({name: message(written(value)) for name, value in named.items()})


def held(value: Any) -> Lengths | None:
    return of_parameter(Parameter.of("n", np.asarray(value)))


def made(operator: str, *given: Any, **named: Any) -> Any:
    """What a node gives, as numpy has it; None where it gives nothing."""
    found = computed(operator, attributes(**named), [None if one is None else held(one) for one in given])
    if found is None:
        return None
    assert found.wholes is not None
    return np.array(found.wholes, np.int64).reshape(found.array.shape)


def same(found: Any, wanted: Any) -> bool:
    if wanted is None or found is None:
        return found is wanted
    return np.shape(found) == np.shape(wanted) and bool(np.array_equal(found, wanted))


SIX = np.array([[7, 3, 5], [2, 9, 4]])
ROW = np.array([4, 6, 8, 9])


@pytest.mark.cases("all")
@pytest.mark.parametrize("axis", [0, 1, -1, -2, 2, -3])
def test_gather_takes_places_along_an_axis(axis) -> None:
    for places in (0, 1, -1, -2, 2, 3, -4, [0, 1], [1, 1, 0], [[0, -1]], [0, 5]):
        try:
            wanted = np.take(SIX, places, axis) if -2 <= axis < 2 else None
            n = SIX.shape[axis] if -2 <= axis < 2 else 0
            wanted = wanted if all(-n <= one < n for one in np.ravel(places)) else None
        except IndexError:
            wanted = None
        assert same(made("Gather", SIX, places, axis=axis), wanted), places
    assert made("Gather", SIX) is None
    assert made("Gather", SIX, None) is None


def test_slice_cuts_as_python_does() -> None:
    bounds = (-9, -2, -1, 0, 1, 3, 4, 9)
    for start, stop, step in itertools.product(bounds, (*bounds, END, -END), (1, 2, -1, -2)):
        ends = abs(stop) == END and (stop > 0) == (step > 0)
        wanted = ROW[start : None if ends else stop : step] if abs(stop) != END or ends else None
        found = made("Slice", ROW, [start], [stop], [0], [step])
        if wanted is not None:
            assert same(found, wanted), (start, stop, step)
    assert same(made("Slice", ROW, [1], [3]), ROW[1:3])
    assert same(made("Slice", ROW, starts=[1], ends=[END]), ROW[1:])
    assert same(made("Slice", ROW, starts=[-3], ends=[-1], axes=[0]), ROW[-3:-1])
    assert same(made("Slice", SIX, [0, 1], [1, 3]), SIX[:1, 1:])
    assert same(made("Slice", SIX, [1], [3], [1]), SIX[:, 1:])
    assert same(made("Slice", SIX, [1], [3], [-1]), SIX[:, 1:])
    for given in (
        ([1],),
        ([1], None),
        ([1], [2, 3]),
        ([1], [2], [0, 1]),
        ([1], [2], [0], [1, 1]),
        ([1], [2], [0], [0]),
    ):
        assert made("Slice", ROW, *given) is None, given
    assert made("Slice", SIX, [1], [2], [2]) is None
    assert made("Slice", SIX, [0] * 5, [1] * 5) is None


def test_concat_joins_what_is_known() -> None:
    for axis in (0, -1):
        assert same(made("Concat", ROW, ROW[:1], axis=axis), np.concatenate([ROW, ROW[:1]]))
    for axis in (0, 1, -1, -2):
        assert same(made("Concat", SIX, SIX, axis=axis), np.concatenate([SIX, SIX], axis))
    assert made("Concat", ROW, None, axis=0) is None
    assert made("Concat", ROW, SIX, axis=0) is None
    assert made("Concat", ROW, ROW, axis=1) is None


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "axes", [[0], [1], [-1], [-2], [0, 2], [0, -1], [0, 1, 2], [0, 0], [2], [-3], [0, -3], [5], []]
)
def test_unsqueeze_and_squeeze_undo_each_other(axes) -> None:
    try:
        wanted = np.expand_dims(ROW, tuple(axes)) if axes else None
    except ValueError:
        wanted = None
    for found in (made("Unsqueeze", ROW, axes), made("Unsqueeze", ROW, axes=axes)):
        assert same(found, wanted)
    if wanted is not None:
        assert same(made("Squeeze", wanted, axes), ROW)
        assert same(made("Squeeze", wanted, axes=axes), ROW)
        assert same(made("Squeeze", wanted), ROW)


def test_squeeze_and_unsqueeze_keep_within_what_there_is() -> None:
    for axes in ([0], [1], [-1], [2], [-3]):
        assert made("Squeeze", SIX, axes) is None
    assert same(made("Squeeze", SIX), SIX)
    assert made("Unsqueeze", np.ones((1, 1, 1, 1), int), [0]) is None
    assert made("Unsqueeze", ROW, [0, 1, 2, 3]) is None


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "shape",
    [
        [4],
        [2, 2],
        [-1],
        [2, -1],
        [-1, 4],
        [1, 1, 4, 1],
        [3],
        [3, -1],
        [-1, -1],
        [0, 4],
        [1, 1, 1, 1, 4],
        [-2, 2],
    ],
)
def test_reshape_keeps_the_numbers(shape) -> None:
    try:
        wanted = ROW.reshape(shape) if 0 not in shape and min(shape) >= -1 and len(shape) < 5 else None
    except ValueError:
        wanted = None
    assert same(made("Reshape", ROW, shape), wanted)
    assert same(made("Reshape", ROW, shape=shape), wanted)
    assert made("Reshape", ROW, None) is None


@pytest.mark.cases("all")
@pytest.mark.parametrize("order", [None, [0, 1], [1, 0], [0, 0], [0], [0, 1, 2], [-1, 0]])
def test_transpose_turns(order) -> None:
    named = {} if order is None else {"perm": order}
    wanted = SIX.T if order is None else SIX.transpose(order) if sorted(order) == [0, 1] else None
    assert same(made("Transpose", SIX, **named), wanted)


@pytest.mark.cases("all")
@pytest.mark.parametrize("code", range(18))
def test_cast_tells_real_numbers_from_whole_ones(code) -> None:
    found = computed("Cast", attributes(to=code), [held(ROW)])
    if code in (0, 8, 14, 15, 17):  # nothing, texts and complex numbers
        assert found is None
    else:
        assert found is not None
        assert found.is_real == (code in (1, 10, 11, 16))


def test_products_are_of_one_row() -> None:
    product = int(ROW.prod())
    assert same(made("ReduceProd", ROW), np.array([product]))
    assert same(made("ReduceProd", ROW, keepdims=1), np.array([product]))
    assert same(made("ReduceProd", ROW, keepdims=0), np.array(product))
    for axes in ([0], [-1]):
        assert same(made("ReduceProd", ROW, axes, keepdims=0), np.array(product))
        assert same(made("ReduceProd", ROW, axes=axes, keepdims=0), np.array(product))
    assert made("ReduceProd", ROW, [1]) is None
    assert made("ReduceProd", SIX) is None


def test_arrays_of_one_number_are_as_long_as_is_asked() -> None:
    def value(number: int, kind: int = 7) -> bytes:
        return part(2, kind) + part(9, struct.pack("<q", number))

    for number in (0, 1, 7, -3):
        for shape in ([3], [2, 2], [0], [1, 1, 1, 1], [64]):
            assert same(made("ConstantOfShape", shape, value=value(number)), np.full(shape, number)), shape
    for shape in ([65], [9, 8], [1] * 5, [-1]):
        assert made("ConstantOfShape", shape, value=value(1)) is None
    assert made("ConstantOfShape", [3], value=value(1, 1)) is None
    assert made("ConstantOfShape", [3], value=part(2, 7) + part(9, bytes(4))) is None
    assert made("ConstantOfShape", [3]) is None


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operator", "reference"),
    [
        ("Add", np.add), ("Sub", np.subtract), ("Mul", np.multiply), ("Max", np.maximum), ("Min", np.minimum),
        ("Equal", lambda a, b: (a == b).astype(int)),
    ],
)  # fmt: skip
def test_numbers_are_combined_as_numpy_does(operator, reference) -> None:
    for left, right in ((ROW, ROW[::-1]), (ROW, [2]), (ROW, 2), ([3], ROW), (SIX, SIX[:1])):
        assert same(made(operator, left, right), reference(np.asarray(left), np.asarray(right)))
    assert made(operator, ROW) is None
    assert made(operator, ROW, None) is None
    assert made(operator, ROW, ROW, ROW) is None


def test_a_choice_takes_three_and_what_is_no_such_node_gives_nothing() -> None:
    assert same(made("Where", [1, 0, 1, 0], ROW, ROW[::-1]), np.where([1, 0, 1, 0], ROW, ROW[::-1]))
    for given in (([1], ROW), ([1], ROW, None), ([1], None, ROW)):
        assert made("Where", *given) is None
    assert same(made("Identity", SIX), SIX)
    for operator in ("Relu", "Shape", ""):
        assert made(operator, ROW) is None
    assert computed("Identity", attributes(), []) is None
    assert computed("Identity", attributes(), [None]) is None


def test_real_numbers_are_rounded_down_and_up() -> None:
    real = Lengths(
        array=np.array([Number(value=1.5), Number(value=-1.5), Number(value=2.0), Number()]), is_real=True
    )
    for operator, wanted in (("Floor", [1, -2, 2, None]), ("Ceil", [2, -1, 2, None])):
        found = computed(operator, attributes(), [real])
        assert found is not None
        assert [one.whole for one in found.numbers] == wanted


def test_a_slice_ends_where_numpys_does_whichever_way_it_goes() -> None:
    for start, stop, step in (
        (0, END, 1), (3, -END, -1), (0, -END, 1), (3, END, -1), (-1, -5, -1), (1, 3, 1), (3, 0, -2),
    ):  # fmt: skip
        wanted = ROW[start : stop if abs(stop) < 1 << 30 else stop // (1 << 31) : step]
        found = made("Slice", ROW, [start], [stop], [0], [step])
        whole = ROW[start::step] if (stop > 0) == (step > 0) and abs(stop) == END else wanted
        assert found is not None
        assert found.tolist() == whole.tolist(), (start, stop, step)


@pytest.mark.parametrize(
    ("lengths", "fits"), [([0, 3], True), ([0], True), ([0, -1], False), ([-1, 1, 0], False)]
)
def test_no_numbers_have_no_length_that_follows_from_them(lengths, fits):
    found = held(np.zeros(0, np.int64)).reshaped(lengths)
    assert (found is not None) is fits
