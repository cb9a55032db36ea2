"""ONNX's tensors: every type, as bytes and as numbers of a field; sparse tensors; and what cannot be."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from filtviz.errors import MalformedFileError, UnsupportedFileError
from tests.reading.test_onnx import load, node, part, varint

SHAPE = (1, 1, 2, 3)
NUMBERS = np.array([0, 1, 2, 3, 5, 7])
TYPES = {
    1: "f4", 2: "u1", 3: "i1", 4: "u2", 5: "i2", 6: "i4", 7: "i8", 9: "?", 10: "f2", 11: "f8", 12: "u4",
    13: "u8", 16: ml_dtypes.bfloat16, 17: ml_dtypes.float8_e4m3fn, 18: ml_dtypes.float8_e4m3fnuz,
    19: ml_dtypes.float8_e5m2, 20: ml_dtypes.float8_e5m2fnuz,
}  # fmt: skip
BITS = (10, *range(16, 21))
"""Types whose numbers stand as the bits that they are."""

FIELDS = {7: 7, 12: 11, 13: 11}
"""Where a tensor of a type has its numbers; those that are not here have them in the field of 32 bits."""


def weights(tmp_path, code: int, data: bytes, shape=SHAPE) -> np.ndarray:
    """Read a convolution whose weights are a tensor with these fields."""
    dims = b"".join(part(1, n) for n in shape)
    tensor = part(5, dims + part(2, code) + part(8, "w") + data)
    return load(tmp_path, [node("Conv", ["x", "w"], ["y"])], in_graph=tensor).conv_layers[0].W


@pytest.mark.cases("all")
@pytest.mark.parametrize("code", TYPES)
def test_bytes_are_numbers_of_every_type(tmp_path, code):
    expected = NUMBERS.astype(TYPES[code]).reshape(SHAPE)
    found = weights(tmp_path, code, part(9, expected.tobytes()))
    assert found.dtype == expected.dtype
    assert found.tolist() == expected.tolist()


@pytest.mark.cases("all")
@pytest.mark.parametrize("code", TYPES)
@pytest.mark.parametrize("packed", [True, False])
def test_numbers_of_a_field_are_of_every_type(tmp_path, code, packed):
    expected = NUMBERS.astype(TYPES[code])
    if code in (1, 11):
        data = part({1: 4, 11: 10}[code], expected.tobytes())
    else:
        bits = (
            expected.view(f"u{expected.itemsize}").tolist() if code in (10, 16, 17, 18, 19, 20) else NUMBERS
        )
        numbers = [int(one) for one in (expected.astype(int) if code == 9 else bits)]
        field = FIELDS.get(code, 5)
        whole = part(field, b"".join(map(varint, numbers)))
        data = whole if packed else b"".join(part(field, one) for one in numbers)
    found = weights(tmp_path, code, data)
    assert found.dtype == expected.dtype
    assert found.tolist() == expected.reshape(SHAPE).tolist()


@pytest.mark.cases("all")
@pytest.mark.parametrize(("code", "numbers"), [(21, [1, 15, 0, 8, 7]), (22, [1, -1, 0, -8, 7])])
@pytest.mark.parametrize("raw", [True, False])
def test_two_numbers_of_four_bits_lie_in_a_byte_the_first_in_its_lower_half(tmp_path, code, numbers, raw):
    octets = bytes([0xF1, 0x80, 0x07])
    data = part(9, octets) if raw else part(5, b"".join(varint(one) for one in octets))
    found = weights(tmp_path, code, data, (1, 1, 1, 5))
    assert found.astype(int).ravel().tolist() == numbers


def test_a_type_that_is_not_read_is_refused_only_where_it_is_needed(tmp_path):
    with pytest.raises(UnsupportedFileError, match="'w' is of ONNX's type 8, which filtviz does not read"):
        weights(tmp_path, 8, part(9, b"text"))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("code", "data", "says"),
    [
        (1, part(9, bytes(20)), "needs 24 bytes"),
        (1, part(4, bytes(20)), "needs 24 bytes"),
        (6, part(5, bytes(5)), "'w' of shape .* has 5 bytes of numbers"),
        (6, part(5, b"\x80\x00" * 5), "has 5 numbers"),
        (22, part(5, b"\x80\x00" * 2), "has 2 numbers"),
        (22, part(9, bytes(2)), "four bits has 2 bytes"),
        (22, part(5, bytes(2)), "has 2 bytes of numbers"),
    ],
)
def test_a_tensor_with_less_than_it_says_is_refused(tmp_path, code, data, says):
    with pytest.raises(MalformedFileError, match=says):
        weights(tmp_path, code, data)


def sparse(tmp_path, values: np.ndarray, places: np.ndarray, *, without: int = 0) -> np.ndarray:
    def tensor(name: str, array: np.ndarray, code: int) -> bytes:
        dims = b"".join(part(1, n) for n in array.shape)
        return dims + part(2, code) + part(8, name) + part(9, array.tobytes())

    parts = {1: tensor("w", values, 1), 2: tensor("", places, 7)}
    data = b"".join(part(field, one) for field, one in parts.items() if field != without)
    data += b"".join(part(3, n) for n in SHAPE)
    return load(tmp_path, [node("Conv", ["x", "w"], ["y"])], in_graph=part(15, data)).conv_layers[0].W


@pytest.mark.parametrize("places", [[[0, 0, 0, 2], [0, 0, 1, 1]], [2, 4]])
def test_a_sparse_tensor_has_its_numbers_at_their_places_and_zeros_elsewhere(tmp_path, places):
    found = sparse(tmp_path, np.array([5, 6], np.float32), np.array(places))
    assert found.tolist() == [[[[0, 0, 5], [0, 6, 0]]]]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "places", [[2, 6], [-1, 2], [[0, 0, 0, 9], [0, 0, 1, 1]], [[0, 0, -1, 0]], [[0], [1]]]
)
def test_a_sparse_tensor_has_no_places_outside(tmp_path, places):
    values = np.ones(len(places), np.float32)
    with pytest.raises(MalformedFileError, match=r"of shape \(1, 1, 2, 3\) has places outside it"):
        sparse(tmp_path, values, np.array(places))


def test_a_sparse_tensor_without_numbers_is_zero(tmp_path):
    for places in (np.zeros(0, np.int64), np.zeros((0, 4), np.int64)):
        assert not sparse(tmp_path, np.zeros(0, np.float32), places).any()


@pytest.mark.parametrize("without", [1, 2])
def test_a_sparse_tensor_without_a_part_is_refused(tmp_path, without):
    with pytest.raises(MalformedFileError, match="no values, no places or no shape"):
        sparse(tmp_path, np.array([5], np.float32), np.array([1]), without=without)


@pytest.mark.parametrize(("n_values", "n_places"), [(2, 3), (3, 2), (1, 0)])
def test_a_sparse_tensor_has_as_many_numbers_as_places(tmp_path, n_values, n_places):
    says = f"has {n_values:,} values? for {n_places} place"
    with pytest.raises(MalformedFileError, match=says):
        sparse(tmp_path, np.ones(n_values, np.float32), np.arange(n_places))
