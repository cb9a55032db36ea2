"""TensorFlow's checkpoints of both generations, and the tables of LevelDB's of which they are made.

A table has blocks of keys and values, and a last one that says where the others are, as
``tensorflow/core/lib/io/format.cc`` has it.

- Second generation: the table is an index of ``BundleEntryProto`` (``tensor_bundle.proto``), and the arrays
  are in files beside it. An object-based checkpoint says what its variables are called in its object graph.
- First generation, such as Slim's: the values are the arrays themselves, ``SavedTensorSlices`` of
  ``saved_tensor_slice.proto``, the first of which says what all are called and how long they are.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from filtviz.errors import MalformedFileError
from filtviz.reading.arrays import AnyArray, ElementType, dtype_of_code, narrow_dtype, shape_of, stored
from filtviz.reading.opened import Opened
from filtviz.reading.protobuf import Message
from filtviz.reading.stretch import Data, View, in_memory, view_of

__all__ = [
    "Checkpoint",
    "Trackable",
    "arrays_of_table",
    "dtype_of",
    "is_of_first_generation",
    "is_table",
    "parts_of",
    "read_checkpoint",
]

_MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
_FOOTER = 48
_LARGEST_BLOCK = 1 << 26


def is_table(data: Data) -> bool:
    """Tell a table by its last bytes.

    Args:
        data: The bytes of a file.
    """
    return len(data) >= _FOOTER and bytes(data[-8:]) == _MAGIC


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Return a number and the position behind it.

    Args:
        data: Bytes.
        position: Where the number begins.

    Raises:
        MalformedFileError: it is cut short, or too long.
    """
    number = shift = 0
    while True:
        if position >= len(data) or shift > 63:
            raise _damaged()
        byte = data[position]
        number |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return number, position


def _damaged() -> MalformedFileError:
    """Return the error about a table that is none."""
    return MalformedFileError("it is the index of a checkpoint that is damaged; copy or download it again")


def _entries_of_table(data: Data, opened: Opened) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a table, in order.

    Args:
        data: The bytes of the table.
        opened: The file that was opened, for its limits.

    Raises:
        MalformedFileError: it is damaged.
    """
    for place in _places_of_blocks(data, opened):
        yield from _block(data, place, opened)


def _places_of_blocks(data: Data, opened: Opened) -> Iterator[tuple[int, int]]:
    """Yield where each block of a table begins, and how long it is.

    Args:
        data: The bytes of the table.
        opened: The file that was opened, for its limits.

    Raises:
        MalformedFileError: it is damaged.
    """
    footer = bytes(data[-_FOOTER:])
    _, position = _handle(footer, 0)
    index, _ = _handle(footer, position)
    for _, value in _block(data, index, opened):
        yield _handle(value, 0)[0]


def _handle(data: bytes, position: int) -> tuple[tuple[int, int], int]:
    offset, position = _varint(data, position)
    size, position = _varint(data, position)
    return (offset, size), position


def _block(data: Data, place: tuple[int, int], opened: Opened) -> Iterator[tuple[bytes, bytes]]:
    """Yield the entries of a block, whose keys leave out what they share with the one before."""
    start, size = place
    if start + size + 5 > len(data) or size < 4 or size > _LARGEST_BLOCK:
        raise _damaged()
    opened.effort.spend(size >> 10)  # many handles can lead to one block
    block = bytes(data[start : start + size + 1])
    if block[size]:
        raise MalformedFileError("it is the index of a checkpoint that is compressed, as none is")
    (n_restarts,) = struct.unpack_from("<I", block, size - 4)
    stop = size - 4 - 4 * n_restarts
    position, key = 0, b""
    while position < stop:
        opened.effort.spend(1)
        shared, position = _varint(block, position)
        own, position = _varint(block, position)
        length, position = _varint(block, position)
        if shared > len(key) or position + own + length > stop:
            raise _damaged()
        key = key[:shared] + block[position : position + own]
        position += own + length
        opened.effort.spend_text(len(key))
        yield key, block[position - length : position]


_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"

_TYPES: Mapping[int, str] = {
    1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", 10: "?", 17: "<u2", 19: "<f2",
    22: "<u4", 23: "<u8",
}  # fmt: skip
_NARROW = {14: "bfloat16", 24: "float8_e5m2", 25: "float8_e4m3fn"}


def dtype_of(code: int) -> ElementType | None:
    """Return the type that a number of TensorFlow's ``DataType`` stands for, or None."""
    if code in _NARROW:
        return narrow_dtype(_NARROW[code])
    return np.dtype(_TYPES[code]) if code in _TYPES else None


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The arrays of a checkpoint by their keys, what variables are called, and its ``objects``."""

    arrays: Mapping[str, AnyArray]
    names: Mapping[str, str]
    objects: Sequence[Trackable] = ()


@dataclass(frozen=True, kw_only=True)
class Trackable:
    """An object of a program: its parts by their names, and the key of its array in a checkpoint."""

    children: Mapping[str, int]
    key: str = ""


def read_checkpoint(
    data: Data, opened: Opened, prefix: str, sibling: Callable[[str], Data] | None = None
) -> Checkpoint:
    """Read a checkpoint.

    Args:
        data: The bytes of its index.
        opened: The file that was opened, for its limits and the files beside it.
        prefix: What the names of its files begin with.
        sibling: What opens a file beside the index; by default one beside the opened file.

    Raises:
        MalformedFileError: the index is damaged, or says what cannot be.
        FileAccessError: a file beside it is not there.
    """
    entries: dict[bytes, bytes] = {}
    for key, value in _entries_of_table(data, opened):
        entries[key] = value
        n = len(entries) - 1
        opened.limits.check("layers", n, f"it holds {n:,} arrays or more")
    header = Message(memoryview(entries.pop(b"", b"")), opened.effort)
    n_shards = max(header.integer(1, 1), 1)
    opened.limits.check("members", n_shards, f"it lies in {n_shards:,} files")
    open_beside = sibling or (lambda name: opened.siblings.open(name, as_it_is=True))
    shards: dict[int, View] = {}

    def shard(number: int) -> View:
        if not 0 <= number < n_shards:
            raise MalformedFileError("its index names a file that is none of it")
        if number not in shards:
            shards[number] = view_of(open_beside(f"{prefix}.data-{number:05d}-of-{n_shards:05d}"))
        return shards[number]

    arrays: dict[str, AnyArray] = {}
    names: dict[str, str] = {}
    objects: list[Trackable] = []
    for key, value in entries.items():
        entry = Message(memoryview(value), opened.effort)
        name = str(key, "utf-8", "replace")
        if name == _OBJECT_GRAPH:
            names, objects = _objects(_text(entry, shard), opened)
        elif (array := _array(entry, shard)) is not None:
            arrays[name] = array
    return Checkpoint(arrays=arrays, names=names, objects=objects)


def _piece(entry: Message, shard: Callable[[int], View]) -> View:
    view, start, size = shard(entry.integer(3)), entry.integer(4), entry.integer(5)
    if not 0 <= start <= start + size <= len(view):
        raise MalformedFileError("an array of it lies beyond the end of its file; copy the files again")
    return view[start : start + size]


def _array(entry: Message, shard: Callable[[int], View]) -> AnyArray | None:
    dtype, shape = dtype_of(entry.integer(1)), entry.message(2)
    if dtype is None or entry.has(7):
        return None
    lengths = shape_of([one.integer(1) for one in shape.messages(2)] if shape is not None else [])
    if lengths is None:
        raise MalformedFileError("an array of it has a shape that is none")
    view = _piece(entry, shard)
    return stored(lengths, dtype, False, len(view), lambda: view)


def _text(entry: Message, shard: Callable[[int], View]) -> bytes:
    """Return the one text of a tensor of texts: its length, a sum of four bytes, and itself."""
    data = bytes(_piece(entry, shard))
    length, position = _varint(data, 0)
    return data[position + 4 : position + 4 + length]


def _objects(graph: bytes, opened: Opened) -> tuple[dict[str, str], list[Trackable]]:
    """Return key → full name of each variable in a ``TrackableObjectGraph``, and its objects."""
    names: dict[str, str] = {}
    objects: list[Trackable] = []
    for node in Message(memoryview(graph), opened.effort).messages(1):
        key = ""
        for attribute in node.messages(2):
            if attribute.text(2):
                names[attribute.text(3)] = attribute.text(2)
            key = attribute.text(3) if attribute.text(1) == "VARIABLE_VALUE" else key
        objects.append(Trackable(children=parts_of(node), key=key))
    return names, objects


def parts_of(node: Message) -> dict[str, int]:
    """Return the parts of an object by their names, as object graphs have them.

    Args:
        node: A ``TrackableObject`` or a ``SavedObject``.
    """
    return {child.text(2): child.integer(1) for child in node.messages(1)}


_META, _DATA = 1, 2
_HEAD = 40
"""Bytes in which the three lengths lie that an entry begins with."""

_NUMBERS = {1: (5, "<f4"), 2: (6, "<f8")}
"""Type → the field in which a ``TensorProto`` has its numbers, and how they are stored there."""


def is_of_first_generation(opened: Opened) -> bool:
    """Tell such a table by its first value, which describes all tensors.

    Args:
        opened: A file whose end is that of a table.
    """
    for key, value in _entries(opened):
        head = Message(value, opened.effort) if not key else None
        return head is not None and bool(head.pieces(_META))
    return False


def arrays_of_table(opened: Opened) -> tuple[Mapping[str, AnyArray], int]:
    """Return name → array, and how many are left out: those of other types, and parts of partitioned ones.

    Raises:
        MalformedFileError: the table is damaged, or says what cannot be.
        LimitError: it has too many arrays.
    """
    told: dict[str, tuple[tuple[int, ...], int]] = {}
    arrays: dict[str, AnyArray] = {}
    for key, value in _entries(opened):
        opened.limits.check("layers", len(arrays), f"it holds {len(arrays):,} arrays or more")
        message = Message(value, opened.effort)
        if not key:
            told = dict(_told(message))
        elif (data := message.message(_DATA)) is not None and (name := data.text(1)) in told:
            shape, code = told[name]
            if (found := _array_in_table(data, shape, code)) is not None:
                arrays[name] = found
    return arrays, len(told) - len(arrays)


def _told(message: Message) -> Iterator[tuple[str, tuple[tuple[int, ...], int]]]:
    """Yield name, shape and type of each tensor that is kept in one piece."""
    meta = message.message(_META)
    for tensor in meta.messages(1) if meta is not None else ():
        shape = tensor.message(2)
        lengths = shape_of([one.integer(1) for one in shape.messages(2)] if shape is not None else [])
        if lengths is not None and len(tensor.pieces(4)) <= 1:
            yield tensor.text(1), (lengths, tensor.integer(3))


def _array_in_table(data: Message, shape: tuple[int, ...], code: int) -> AnyArray | None:
    tensor = data.message(3)
    if tensor is None or code not in _NUMBERS:
        return None
    field, name = _NUMBERS[code]
    dtype, pieces = dtype_of_code(name), tensor.pieces(field)
    if len(pieces) != 1 or dtype is None:
        return None
    view = pieces[0]
    return stored(shape, dtype, False, len(view), lambda: view)


def _entries(opened: Opened) -> Iterator[tuple[bytes, View]]:
    """Yield keys and values; the values, which may be hundreds of megabytes, stay where they are."""
    whole = view_of(opened.data)
    for start, size in _places_of_blocks(opened.data, opened):
        if start + size + 5 > len(whole) or size < 4:
            raise _damaged()
        if bytes(whole[start + size : start + size + 1]) != b"\0":
            raise MalformedFileError("it is a checkpoint whose table is compressed, as none is")
        n_restarts = int.from_bytes(bytes(whole[start + size - 4 : start + size]), "little")
        position, stop, key = start, start + size - 4 - 4 * n_restarts, b""
        while position < stop:
            opened.effort.spend(1)
            head = bytes(in_memory(whole[position : min(position + _HEAD, stop)]))
            shared, at = _varint(head, 0)
            own, at = _varint(head, at)
            length, at = _varint(head, at)
            position += at
            if shared > len(key) or position + own + length > stop:
                raise _damaged()
            key = key[:shared] + bytes(whole[position : position + own])
            opened.effort.spend_text(len(key))
            position += own + length
            yield key, whole[position - length : position]
