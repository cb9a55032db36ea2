"""TensorFlow's checkpoints of the first generation: one table, whose values are the arrays themselves.

The table is that of the second generation's index; its values are ``SavedTensorSlices`` of
``saved_tensor_slice.proto``, the first of which says what all are called and how long they are. Slim's
checkpoints are of this kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from filtviz.errors import MalformedFileError
from filtviz.reading.arrays import AnyArray, dtype_of_code, shape_of, stored
from filtviz.reading.formats.tensorflow.leveldb import damaged, places_of_blocks, varint
from filtviz.reading.opened import Opened
from filtviz.reading.protobuf import Message
from filtviz.reading.stretch import View, in_memory, view_of

__all__ = ["arrays_of_table", "is_of_first_generation"]

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
            if (found := _array(data, shape, code)) is not None:
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


def _array(data: Message, shape: tuple[int, ...], code: int) -> AnyArray | None:
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
    for start, size in places_of_blocks(opened.data, opened):
        if start + size + 5 > len(whole) or size < 4:
            raise damaged()
        if bytes(whole[start + size : start + size + 1]) != b"\0":
            raise MalformedFileError("it is a checkpoint whose table is compressed, as none is")
        n_restarts = int.from_bytes(bytes(whole[start + size - 4 : start + size]), "little")
        position, stop, key = start, start + size - 4 - 4 * n_restarts, b""
        while position < stop:
            opened.effort.spend(1)
            head = bytes(in_memory(whole[position : min(position + _HEAD, stop)]))
            shared, at = varint(head, 0)
            own, at = varint(head, at)
            length, at = varint(head, at)
            position += at
            if shared > len(key) or position + own + length > stop:
                raise damaged()
            key = key[:shared] + bytes(whole[position : position + own])
            opened.effort.spend_text(len(key))
            position += own + length
            yield key, whole[position - length : position]
