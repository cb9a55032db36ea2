"""ONNX's tensors → arrays: raw bytes, typed fields, sparse ones, and files beside the model.

Field numbers and types are those of ``onnx/onnx.proto``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import MalformedFileError, UnsupportedFileError
from filtviz.reading.arrays import (
    AnyArray,
    ComputedArray,
    ElementType,
    count,
    narrow_dtype,
    shape_of,
    stored,
    strided,
)
from filtviz.reading.opened import Opened
from filtviz.reading.protobuf import Message
from filtviz.reading.stretch import View, in_memory, view_of
from filtviz.text import plural, quoted

__all__ = ["array_of", "dtype_of", "name_of", "sparse_array_of"]

_DIMS, _TYPE, _FLOATS, _INT32S, _INT64S, _NAME, _RAW = 1, 2, 4, 5, 7, 8, 9
_DOUBLES, _UINT64S, _EXTERNAL, _LOCATION = 10, 11, 13, 14

_TYPES: Mapping[int, str] = {
    1: "<f4", 2: "u1", 3: "i1", 4: "<u2", 5: "<i2", 6: "<i4", 7: "<i8", 9: "?", 10: "<f2", 11: "<f8",
    12: "<u4", 13: "<u8",
}  # fmt: skip
_NARROW: Mapping[int, str] = {
    16: "bfloat16", 17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz",
    21: "uint4", 22: "int4",
}  # fmt: skip
_HALF_BYTES = frozenset({21, 22})


def dtype_of(code: int) -> ElementType | None:
    """Return the type that a number of ``TensorProto.DataType`` stands for, None where numpy has none."""
    if code in _NARROW:
        return narrow_dtype(_NARROW[code])
    return np.dtype(_TYPES[code]) if code in _TYPES else None


def name_of(tensor: Message) -> str:
    """Return a tensor's name."""
    return tensor.text(_NAME)


def array_of(tensor: Message, opened: Opened) -> AnyArray:
    """Return a tensor as an array that is read when it is asked for.

    Raises:
        MalformedFileError: it says of itself what cannot be.
        UnsupportedFileError: its elements are no numbers that filtviz reads.
    """
    shape = shape_of(tensor.integers(_DIMS))
    code = tensor.integer(_TYPE)
    dtype = dtype_of(code)
    if shape is None:
        raise MalformedFileError(f"the tensor {quoted(name_of(tensor), 60)} has a shape that is none")
    if dtype is None:
        return _unreadable(tensor, shape, code)
    if tensor.integer(_LOCATION) == 1:
        view, offset = _external(tensor, opened)
    else:
        raw = tensor.bytes(_RAW)
        if raw is None:
            return _of_numbers(tensor, shape, dtype, code, opened)
        view, offset = raw, 0
    if code in _HALF_BYTES:
        return _unpacked(view[offset:], shape, dtype)
    if offset % dtype.itemsize:
        view, offset = view[offset:], 0
    packed = stored(shape, dtype, False, len(view) - offset, lambda: view)
    if not offset:
        return packed
    place = offset // dtype.itemsize
    return strided(shape, dtype, packed.strides, place, len(view), lambda: view, opened.limits)


def _unreadable(tensor: Message, shape: tuple[int, ...], code: int) -> ComputedArray:
    def refuse() -> NDArray[Any]:
        raise UnsupportedFileError(
            f"the tensor {quoted(name_of(tensor), 60)} is of ONNX's type {code}, which filtviz does not read"
        )

    return ComputedArray(shape=shape, dtype=np.dtype("V1"), read=refuse)


def _external(tensor: Message, opened: Opened) -> tuple[View, int]:
    """Return the bytes of the file beside the model that holds a tensor, and where the tensor begins."""
    facts = {entry.text(1): entry.text(2) for entry in tensor.messages(_EXTERNAL)}
    name = facts.get("location", "")
    try:
        offset, length = int(facts.get("offset", "0")), int(facts.get("length", "-1"))
    except ValueError as error:
        raise MalformedFileError(
            f"the tensor {quoted(name_of(tensor), 60)} lies in another file at a place that is no number"
        ) from error
    view = view_of(opened.siblings.open(name, as_it_is=True))
    stop = len(view) if length < 0 else offset + length
    if not 0 <= offset <= stop <= len(view):
        raise MalformedFileError(
            f"the tensor {quoted(name_of(tensor), 60)} lies beyond the end of {quoted(name, 60)}"
        )
    return view[:stop], offset


def _of_numbers(
    tensor: Message, shape: tuple[int, ...], dtype: ElementType, code: int, opened: Opened
) -> AnyArray:
    """Read a tensor whose elements stand as numbers of a field: halves as the 16 bits that they are."""
    if dtype == np.dtype("<f4") or dtype == np.dtype("<f8"):
        pieces = tensor.pieces(_FLOATS if dtype.itemsize == 4 else _DOUBLES)
        present = sum(map(len, pieces))
        return stored(
            shape,
            dtype,
            False,
            present,
            lambda: pieces[0] if len(pieces) == 1 else b"".join(map(in_memory, pieces)),
        )
    field = {7: _INT64S, 12: _UINT64S, 13: _UINT64S}.get(code, _INT32S)
    n = sum(1 if isinstance(value, int) else len(value) for value in tensor.fields.get(field, ()))
    size = 2 if code in _HALF_BYTES else 1
    if n * size < count(shape):
        raise MalformedFileError(
            f"the tensor {quoted(name_of(tensor), 60)} of shape {shape} has {plural(n, 'byte')} of numbers"
        )
    opened.limits.check(
        "allocation",
        8 * n,
        f"a tensor in it is written as {n:,} bytes of numbers, which take {8 * n:,} in memory",
    )

    def read() -> NDArray[Any]:
        numbers = np.array(tensor.integers(field), np.int64)
        wanted = (count(shape) + 1) // 2 if code in _HALF_BYTES else count(shape)
        if numbers.size != wanted:
            raise MalformedFileError(f"a tensor of shape {shape} has {numbers.size:,} numbers")
        if code in _HALF_BYTES:
            return _nibbles(numbers.astype(np.uint8), shape, dtype)
        if dtype.kind in "iub":
            return numbers.astype(dtype).reshape(shape)
        return numbers.astype(f"<u{dtype.itemsize}").view(dtype).reshape(shape)

    return ComputedArray(shape=shape, dtype=dtype, read=read)


def _unpacked(view: View, shape: tuple[int, ...], dtype: ElementType) -> AnyArray:
    """Read numbers of four bits, two to a byte, the first in the lower half."""
    if 2 * len(view) < count(shape):
        raise MalformedFileError(f"a tensor of shape {shape} and four bits has {plural(len(view), 'byte')}")
    packed = stored(((count(shape) + 1) // 2,), np.dtype("u1"), False, len(view), lambda: view)
    return ComputedArray(shape=shape, dtype=dtype, read=lambda: _nibbles(packed.read(), shape, dtype))


def _nibbles(octets: NDArray[np.uint8], shape: tuple[int, ...], dtype: ElementType) -> NDArray[Any]:
    halves = np.stack([octets & 15, octets >> 4], axis=-1).ravel()[: count(shape)].astype(np.int8)
    if dtype == narrow_dtype("int4"):
        halves = np.where(halves > 7, halves - 16, halves).astype(np.int8)
    return halves.astype(dtype).reshape(shape)


def sparse_array_of(tensor: Message, opened: Opened) -> tuple[str, AnyArray]:
    """Return the name of a sparse tensor and the dense array that it stands for.

    Raises:
        MalformedFileError: its places lie outside its shape.
        LimitError: the dense array is too large.
    """
    values, indices = tensor.message(1), tensor.message(2)
    shape = shape_of(tensor.integers(3))
    if values is None or indices is None or shape is None:
        raise MalformedFileError(
            "a sparse tensor in it has no values, no places or no shape; export it again with dense weights"
        )
    held, places = array_of(values, opened), array_of(indices, opened)
    size = count(shape)
    opened.limits.check_growth(size * held.dtype.itemsize, held.nbytes + places.nbytes, "a sparse tensor")

    def read() -> NDArray[Any]:
        where = np.asarray(places.read())
        ends = np.array(shape if where.ndim == 2 else [size])
        by_axes = where.ndim == 2 and where.shape[1] == len(ends)
        if not (by_axes or where.ndim == 1) or (where < 0).any() or (where >= ends).any():
            raise MalformedFileError(f"a sparse tensor of shape {shape} has places outside it")
        flat = np.ravel_multi_index(tuple(where.T), shape) if by_axes and where.size else where.ravel()
        given, dense = held.read().ravel(), np.zeros(size, held.dtype)
        if given.size != flat.size:
            raise MalformedFileError(
                f"a sparse tensor of shape {shape} has {plural(given.size, 'value')} for "
                f"{plural(flat.size, 'place')}"
            )
        dense[flat] = given
        return dense.reshape(shape)

    return name_of(values), ComputedArray(shape=shape, dtype=held.dtype, read=read)
