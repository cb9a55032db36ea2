"""TensorFlow Lite: kernels, the graph, sparse tensors, and FlatBuffers that lie."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz.errors import LimitError, MalformedFileError, ReadError
from filtviz.operations import Convolution, Dense, GlobalPooling
from filtviz.parameter import Parameter
from filtviz.reading.formats import tflite
from filtviz.reading.formats.tflite.sparsity import densified
from filtviz.reading.limits import Limits
from filtviz.reading.quantised import Scale, scaled
from tests.attacks.flatbuffer_files import Number, Table, Vector, written
from tests.reading.operators.asking import array, numbers
from tests.reading.operators.tflite import _tflite
from tests.reading.operators.whole_tflite import Model
from tests.reading.operators.wholes import opened

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "modern" / "tflite"
KERNELS = json.loads((FIXTURES / "kernels.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_are_the_frameworks_own(name):
    network = filtviz.load(FIXTURES / name)
    wanted = {one["sha256_c_order"]: one for one in KERNELS[name]}
    assert len(network.conv_layers) == len(wanted)
    for layer in network.conv_layers:
        told = wanted[hashlib.sha256(np.ascontiguousarray(layer.W).tobytes()).hexdigest()]
        assert (list(layer.W.shape), str(layer.W.dtype)) == (told["shape"], told["dtype"])
        assert (layer.name, layer.type) == (told["name"], told["op"])
        assert layer.axes == told["axes"].translate(str.maketrans("hw1", "rci"))
        assert layer.filters.shape == (layer.n_filters, layer.n_channels, *layer.kernel_size)


def test_the_graph_is_whole():
    network = filtviz.load(FIXTURES / "tf_f32.tflite")
    convs = [layer.convolution for layer in network.conv_layers]
    assert [one.stride for one in convs] == [(1, 1), (1, 1), (2, 2), (1, 1), (1, 1), (2, 2)]
    assert [one.pad for one in convs][:3] == [((1, 1), (2, 2)), ((0, 0), (0, 0)), ((0, 0), (0, 0))]
    assert [one.groups for one in convs] == [1, 8, 16, 1, 2, 1]
    assert [one.transposed for one in convs] == [False] * 5 + [True]
    assert network.layers[0].output_shape == (None, 3, 16, 16)
    assert network.conv_layers[-1].output_shape == (None, 5, 14, 14)
    assert [type(layer.operations[0]) for layer in network.layers[-3:-1]] == [GlobalPooling, Dense]
    assert network.layers[-1].output_shape == (None, 3)
    assert not {layer.type for layer in network.layers} & {"SHAPE", "STRIDED_SLICE", "PACK"}
    assert all(layer.is_told for layer in network.layers)
    assert network.origin.framework == "TensorFlow Lite"
    assert all(layer.flip_filters is False for layer in network.conv_layers)
    assert isinstance(network.conv_layers[0].operations[0], Convolution)


def test_a_size_that_is_computed_of_shapes_does_not_stop_a_network():
    network = filtviz.load(FIXTURES / "tf_f32.tflite")
    found = network.run(np.random.default_rng(0).random((1, 16, 16, 3), np.float32), engine="numpy")
    truth = [[0.3318436, 0.3331670, 0.3349894]]  # of TensorFlow Lite's own interpreter
    np.testing.assert_allclose(found, truth, atol=2e-7)


@pytest.mark.parametrize("zero", [0, 3])
def test_whole_numbers_are_scaled_behind_what_weighs_with_them(zero):
    kernel = Parameter.of("filter", np.arange(6, dtype=np.int8).reshape(2, 1, 1, 3))
    own = Convolution(weights=kernel, axes="orci", bias=Parameter.of("bias", np.ones(2)))
    scale = Scale(numbers=np.array([0.5, 2.0]), zeros=np.array([zero, 0.0]), axis=0)
    found = scaled((own,), lambda weights: scale if weights is kernel else None)
    if zero:
        (only,) = found
        assert only.weights.value.tolist() == [[[[-1.5, -1, -0.5]]], [[[6, 8, 10]]]]
        assert only.weights.stored is kernel
        assert only.bias is own.bias
        return
    assert (found[0].weights, found[0].bias) == (kernel, None)
    assert found[1].gamma.value.tolist() == [0.5, 2.0]
    assert found[1].beta is own.bias
    real = replace(own, weights=Parameter.of("filter", np.ones((2, 1, 1, 3))))
    assert scaled((real,), lambda _: None) == (real,)


@pytest.mark.cases("all")
@pytest.mark.parametrize("kept", [8, 60, 500, 0.5, 0.9, 0.99])
def test_a_file_that_was_cut_short_is_one_sentence(tmp_path, kept):
    data = (FIXTURES / "tf_f32.tflite").read_bytes()
    path = tmp_path / "m.tflite"
    path.write_bytes(data[: kept if isinstance(kept, int) else int(len(data) * kept)])
    with pytest.raises(ReadError):
        [one.W for one in filtviz.load(path).conv_layers]


@pytest.mark.parametrize("place", range(4, 13_300, 331))
def test_a_file_that_was_changed_is_a_network_or_one_sentence(tmp_path, place):
    data = bytearray((FIXTURES / "tf_f32.tflite").read_bytes())
    data[place : place + 4] = b"\xff\xff\xff\x7f"
    path = tmp_path / "m.tflite"
    path.write_bytes(data)
    try:
        network = filtviz.load(path)
        assert all(one.W.nbytes < len(data) for one in network.conv_layers)
    except ReadError:
        pass


def test_more_operators_than_allowed_are_refused():
    with pytest.raises(LimitError, match="operators or more"):
        filtviz.load(FIXTURES / "tf_f32.tflite", limits=Limits(layers=9))
    assert len(filtviz.load(FIXTURES / "tf_f32.tflite", limits=Limits(layers=10)).layers) == 10


# Sparse tensors


class Fields:
    """A table of a FlatBuffer with these fields."""

    def __init__(self, **fields: Any) -> None:
        self.fields = {int(name[1:]): value for name, value in fields.items()}

    def scalar(self, field: int, _: str, default: int = 0) -> int:
        return self.fields.get(field, default)

    def numbers(self, field: int, _: str) -> tuple[int, ...]:
        return tuple(self.fields.get(field, ()))

    def table(self, field: int) -> Fields | None:
        return self.fields.get(field)

    def tables(self, field: int) -> list[Fields]:
        return self.fields.get(field, [])


def dense_axis(size: int) -> Fields:
    return Fields(_0=0, _1=size)


def sparse_axis(segments: list[int], places: list[int]) -> Fields:
    return Fields(_0=1, _2=3, _3=Fields(_0=segments), _4=1, _5=Fields(_0=places))


def spread(shape: tuple[int, ...], values: list[float], sparsity: Fields) -> np.ndarray:
    data = np.array(values, np.float32).tobytes()
    return densified(shape, np.dtype("<f4"), memoryview(data), sparsity, Limits()).read()


def test_rows_that_list_their_columns_are_spread_out():
    rows = Fields(_0=[0, 1], _2=[dense_axis(3), sparse_axis([0, 2, 2, 3], [0, 3, 1])])
    found = spread((3, 4), [1, 2, 3], rows)
    assert found.tolist() == [[1, 0, 0, 2], [0, 0, 0, 0], [0, 3, 0, 0]]


def test_axes_are_gone_through_in_the_order_that_the_tensor_says():
    columns = Fields(_0=[1, 0], _2=[dense_axis(2), sparse_axis([0, 1, 3], [2, 0, 1])])
    assert spread((3, 2), [1, 2, 3], columns).tolist() == [[0, 2], [0, 3], [1, 0]]


def test_blocks_stand_together():
    """The example of the schema: a matrix of 4x4 in blocks of 2x2, three of which hold something."""
    blocks = Fields(
        _0=[0, 1, 2, 3],
        _1=[0, 1],
        _2=[dense_axis(2), sparse_axis([0, 2, 3], [0, 1, 1]), dense_axis(2), dense_axis(2)],
    )
    values = [1, 0, 0, 4, 2, 3, 0, 0, 5, 0, 0, 6]
    assert spread((4, 4), values, blocks).tolist() == [[1, 0, 2, 3], [0, 4, 0, 0], [0, 0, 5, 0], [0, 0, 0, 6]]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "axis",
    [
        sparse_axis([0, 2, 2, 3], [0, 9, 1]),
        sparse_axis([0, 2, 1, 3], [0, 3, 1]),
        sparse_axis([0, 2], [0, 3, 1]),
        sparse_axis([0, 2, 2, 9], [0, 3, 1]),
        sparse_axis([0, 2, 2, 4], [0, 3, 1, 2]),
        dense_axis(0),
        dense_axis(1 << 30),
    ],
)
def test_places_that_cannot_be_are_refused(axis):
    with pytest.raises(MalformedFileError, match="where they cannot be"):
        spread((3, 4), [1, 2, 3], Fields(_0=[0, 1], _2=[dense_axis(3), axis]))


def test_a_sparse_tensor_is_as_large_as_the_limit_allows():
    with pytest.raises(LimitError, match="a sparse tensor in it of 4,398,046,511,104 bytes"):
        densified((1 << 20, 1 << 20), np.dtype("<f4"), memoryview(b""), Fields(), Limits())
    for shape, dtype, size in (((3, 4), "<f4", 48), ((3, 4), "<f2", 24), ((5,), "u1", 5)):
        densified(shape, np.dtype(dtype), memoryview(b""), Fields(), Limits(allocation=size))
        with pytest.raises(LimitError):
            densified(shape, np.dtype(dtype), memoryview(b""), Fields(), Limits(allocation=size - 1))


def test_three_axes_in_a_circle_are_not_taken_the_other_way_round():
    """Of two axes an order is its own inverse; of three it need not be."""
    wanted = np.arange(1, 25, dtype=np.float32).reshape(2, 3, 4)
    order = [2, 0, 1]
    sizes = [dense_axis(wanted.shape[axis]) for axis in order]
    found = spread((2, 3, 4), wanted.transpose(order).ravel().tolist(), Fields(_0=order, _2=sizes))
    assert np.array_equal(found, wanted)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("n_numbers", "n_zeros", "axis", "shape", "fits"),
    [
        (1, 1, 0, (4, 3), True), (4, 4, 0, (4, 3), True), (4, 1, 0, (4, 3), True), (1, 4, 0, (4, 3), True),
        (4, 3, 0, (4, 3), False), (3, 1, 0, (4, 3), False), (3, 3, 1, (4, 3), True), (1, 1, 2, (4, 3), True),
        (3, 3, 2, (4, 3), False), (1, 1, 0, (), True),
    ],
)  # fmt: skip
def test_a_scale_is_for_all_numbers_or_for_each_place_of_its_axis(n_numbers, n_zeros, axis, shape, fits):
    scale = Scale(numbers=np.ones(n_numbers), zeros=np.zeros(n_zeros), axis=axis)
    assert scale.fits(shape) is fits


@pytest.mark.parametrize("odd", [np.inf, -np.inf, np.nan, 0.5])
def test_real_numbers_are_no_axes_and_no_lengths(odd):
    for operator, whole, made in (
        ("TRANSPOSE", [0, 1, 2, 3], None),
        ("SPLIT_V", [2.0, 2.0], None),
        ("PAD", [0, 0, 1, 1, 1, 1, 0, 0], None),
        ("MEAN", [1, 2], None),
        ("SLICE", [0, 1, 0, 0], (1, 6, 7, 9)),
    ):
        sizes = [numbers(1, 7, 9, 6)] if operator == "SLICE" else []
        told = _tflite(operator, numbers(odd, *whole[1:], dtype="float32"), *sizes, made=made)[1]
        assert told == f"Untold reason=filtviz does not follow the operator {operator}"
        if operator != "SPLIT_V":
            assert "Untold" not in _tflite(operator, numbers(*whole), *sizes, made=made)[1]


def test_what_has_no_axes_is_read():
    assert _tflite("CONCATENATION", shape=(), o0=0)[1].startswith("Untold")
    assert _tflite("RESHAPE", shape=(), made=(1, 1))[1] == "Reshape lengths=(1, 1)"
    assert _tflite("RESHAPE", shape=(1, 6), made=(1, 6))[1] == "Flatten"
    assert _tflite("PRELU", array())[1] == "Activation kind=untold name=PRELU"
    assert not Scale(numbers=np.ones(2), zeros=np.zeros(1), axis=-1).fits((3, 2))
    assert Scale(numbers=np.ones(2), zeros=np.zeros(1), axis=1).fits((3, 2))


def test_a_constant_beside_an_image_may_be_infinite():
    m = Model(random.Random(0))
    m.last = m.tensor(1, 6, 6, 4)
    m.add("MAXIMUM", [m.last, m.tensor(1, values=np.array([-np.inf], "f4"))], (1, 6, 6, 4))
    parts = {1: Vector("o", [Table({0: Number("b", 55)})]), 4: Vector("o", [Table({}), Table(m.buffers[1])])}
    graph = {0: Vector("o", m.tensors), 1: Vector("i", [0]), 2: Vector("i", [2]), 3: Vector("o", m.operators)}
    found = tflite.open(opened(written(Table({**parts, 2: Vector("o", [Table(graph)])}), b"TFL3")))
    assert [layer.type for layer in found.layers] == ["INPUT", "MAXIMUM"]
