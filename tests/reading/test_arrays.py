"""Arrays: every way in which they are written gives numpy's own, bit for bit, and no shape is believed."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from filtviz.errors import LimitError, MalformedFileError
from filtviz.reading.arrays import MOST_AXES, OBJECT, as_array, dtype_of_code, object_items, shape_of, stored
from filtviz.reading.limits import Limits, pickle_steps
from filtviz.reading.pickle.machine import read_pickles
from tests.reading.making import Thing, dumps, weights


def read(data: bytes, **limits: int) -> np.ndarray:
    (root,) = read_pickles(data, pickle_steps(Limits())).roots
    array = as_array(root, Limits(**limits))
    assert array is not None
    return array.read()


def same(found: np.ndarray, wanted: np.ndarray) -> bool:
    return found.dtype == wanted.dtype and found.shape == wanted.shape and found.tobytes() == wanted.tobytes()


@pytest.mark.cases("all")
@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "array",
    [
        weights(3, 2, 5, 4),
        weights(20, 3, 9, 9),
        np.asfortranarray(weights(3, 4, 5)),
        weights(4, 5, dtype=">f4"),
        weights(4, 5, dtype="f2"),
        weights(40, 50, dtype="f8"),
        np.arange(300, dtype="i8"),
        np.arange(3, dtype="u1"),
        np.array([True, False]),
        np.zeros((0, 3), "f4"),
        np.float32(2.5).reshape(()),
        weights(4, 3, 5).transpose(2, 0, 1),
    ],
    ids=lambda a: f"{a.shape}{a.dtype.str}{'F' if a.flags.f_contiguous else 'C'}",
)
def test_an_array_survives_every_protocol(array, protocol):
    assert same(read(pickle.dumps(array, protocol)), array)


@pytest.mark.cases("all")
@pytest.mark.parametrize("protocol", range(6))
def test_numbers_of_numpy_are_arrays_without_axes(protocol):
    assert read(pickle.dumps(np.float64(0.1), protocol)) == 0.1


def python_2(array: np.ndarray, shape: bytes) -> bytes:
    """Write an array as cPickle of Python 2 does at protocol 2."""
    head = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01" + shape
    )
    kind = b"cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    data = array.tobytes()
    return head + kind + b"\x89T" + len(data).to_bytes(4, "little") + data + b"tb."


def test_python_2_bytes_are_a_view_of_the_file():
    array = weights(16, 3, 5, 5)
    data = python_2(array, b"(K\x10K\x03K\x05K\x05t")
    found = read(data)
    assert same(found, array)
    assert np.shares_memory(found, np.frombuffer(data, np.uint8))


@pytest.mark.parametrize(
    "shape",
    [
        b"(K\x10K\x03K\x05K\x06t",
        b"(J\xff\xff\xff\x7fJ\xff\xff\xff\x7ft",
        b"(K\x00J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7ft",
    ],
)
def test_a_shape_that_cannot_be_is_not_believed(shape):
    (root,) = read_pickles(python_2(weights(16, 3, 5, 5), shape), pickle_steps(Limits())).roots
    with pytest.raises(MalformedFileError, match="an array"):
        as_array(root, Limits())


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "shape",
    [
        b"(J\xff\xff\xff\xfft",
        b"(\x8a\x0c" + b"\xff" * 11 + b"\x00K\x00t",
        b"(Nt",
        b"(U\x01at",
        b"N",
        b"(" + b"K\x01" * 40 + b"t",
    ],
)
def test_what_is_no_shape_makes_no_array(shape):
    (root,) = read_pickles(python_2(weights(4), shape), pickle_steps(Limits())).roots
    assert as_array(root, Limits()) is None


def test_no_array_has_more_axes_than_numpy_has():
    single = np.dtype("f4")
    assert stored((1,) * MOST_AXES, single, False, 4, lambda: bytes(4)).read().ndim == MOST_AXES
    with pytest.raises(MalformedFileError, match="it has 33 axes; none has more than 32"):
        stored((1,) * (MOST_AXES + 1), single, False, 4, lambda: bytes(4))


def test_arrays_of_a_graphics_card_are_what_they_wrap():
    array = weights(3, 1, 2, 2)
    old = Thing("theano.sandbox.cuda.type.CudaNdarray_unpickler", array)
    new = Thing("theano.gpuarray.type.GpuArray_unpickler", array, "dev0")
    assert same(read(dumps(old)), array)
    assert same(read(dumps(new)), array)
    deep = Thing("x.GpuArray_unpickler", Thing("x.GpuArray_unpickler", Thing("x.GpuArray_unpickler", old)))
    (root,) = read_pickles(dumps(Thing("x.GpuArray_unpickler", deep)), pickle_steps(Limits())).roots
    assert as_array(root, Limits()) is None


@pytest.mark.cases("all")
@pytest.mark.parametrize("protocol", range(6))
def test_an_array_of_objects_is_a_list_of_items(protocol):
    array = np.empty(2, object)
    array[:] = [weights(2, 2), weights(3)]
    (root,) = read_pickles(pickle.dumps(array, protocol), pickle_steps(Limits())).roots
    assert as_array(root, Limits()) is None
    items = [as_array(item, Limits()).read() for item in object_items(root)]
    assert [same(a, b) for a, b in zip(items, array, strict=True)] == [True, True]


def test_text_that_is_decoded_into_an_array_is_limited():
    data = pickle.dumps(weights(100, 100), 2)
    assert read(data).shape == (100, 100)
    with pytest.raises(LimitError, match="--max-allocation"):
        read(data, allocation=1000)


def test_the_table_of_types_is_closed():
    assert dtype_of_code("<f4") == np.dtype("<f4")
    assert dtype_of_code(">i2") == np.dtype(">i2")
    assert dtype_of_code("|b1") == np.dtype(bool)
    assert dtype_of_code("|O") is OBJECT
    for code in ("U4", "<U4", "S3", "V8", "M8", "<f16", "c8", "f44", "f", "(2,)f4", "", "object", "f4,f4"):
        found = dtype_of_code(code)
        assert found is None or (code == "f" and found == np.dtype("f4"))


def test_an_array_with_a_type_outside_the_table_is_none():
    for array in (np.array(["a"]), np.zeros(2, "M8[s]"), np.zeros(2, [("a", "f4")]), np.zeros(2, "c8")):
        (root,) = read_pickles(pickle.dumps(array, 2), pickle_steps(Limits())).roots
        assert as_array(root, Limits()) is None


def test_bytes_kept_outside_of_the_pickle_are_missed():
    array = np.arange(4000, dtype="f4")
    data = pickle.dumps(array, 5, buffer_callback=lambda _: False)
    (root,) = read_pickles(data, pickle_steps(Limits())).roots
    with pytest.raises(MalformedFileError):
        as_array(root, Limits())


def test_a_shape_of_as_many_axes_as_numpy_has_is_one_and_of_more_is_none():
    assert shape_of([1] * 32) == (1,) * 32
    for wrong in ([1] * 33, [-1], [1 << 49], [1.0], [True], None, "ab"):
        assert shape_of(wrong) is None
    assert shape_of(7) == (7,)
