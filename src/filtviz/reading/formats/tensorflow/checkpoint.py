"""TensorFlow's checkpoints: an index, which is a table of LevelDB's, and the arrays in files beside it.

The table is that of ``tensorflow/core/lib/io/format.cc``, its values ``BundleEntryProto`` of
``tensor_bundle.proto``. An object-based checkpoint says what its variables are called in its object graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from filtviz.errors import MalformedFileError
from filtviz.reading.arrays import AnyArray, ElementType, narrow_dtype, shape_of, stored
from filtviz.reading.formats.tensorflow.leveldb import entries_of_table, varint
from filtviz.reading.opened import Opened
from filtviz.reading.protobuf import Message
from filtviz.reading.stretch import Data, View, view_of

__all__ = ["Checkpoint", "Trackable", "dtype_of", "parts_of", "read_checkpoint"]

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
    for key, value in entries_of_table(data, opened):
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
    length, position = varint(data, 0)
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
