"""Tables of LevelDB's, of which TensorFlow's checkpoints of both generations are made.

The layout is that of ``tensorflow/core/lib/io/format.cc``: blocks of keys and values, and a last one that
says where the others are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from filtviz.errors import MalformedFileError
from filtviz.reading.opened import Opened
from filtviz.reading.stretch import Data

__all__ = ["damaged", "entries_of_table", "is_table", "places_of_blocks", "varint"]

_MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
_FOOTER = 48
_LARGEST_BLOCK = 1 << 26


def is_table(data: Data) -> bool:
    """Tell a table by its last bytes.

    Args:
        data: The bytes of a file.
    """
    return len(data) >= _FOOTER and bytes(data[-8:]) == _MAGIC


def varint(data: bytes, position: int) -> tuple[int, int]:
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
            raise damaged()
        byte = data[position]
        number |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return number, position


def damaged() -> MalformedFileError:
    """Return the error about a table that is none."""
    return MalformedFileError("it is the index of a checkpoint that is damaged; copy or download it again")


def entries_of_table(data: Data, opened: Opened) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a table, in order.

    Args:
        data: The bytes of the table.
        opened: The file that was opened, for its limits.

    Raises:
        MalformedFileError: it is damaged.
    """
    for place in places_of_blocks(data, opened):
        yield from _block(data, place, opened)


def places_of_blocks(data: Data, opened: Opened) -> Iterator[tuple[int, int]]:
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
    offset, position = varint(data, position)
    size, position = varint(data, position)
    return (offset, size), position


def _block(data: Data, place: tuple[int, int], opened: Opened) -> Iterator[tuple[bytes, bytes]]:
    """Yield the entries of a block, whose keys leave out what they share with the one before."""
    start, size = place
    if start + size + 5 > len(data) or size < 4 or size > _LARGEST_BLOCK:
        raise damaged()
    opened.effort.spend(size >> 10)  # many handles can lead to one block
    block = bytes(data[start : start + size + 1])
    if block[size]:
        raise MalformedFileError("it is the index of a checkpoint that is compressed, as none is")
    (n_restarts,) = struct.unpack_from("<I", block, size - 4)
    stop = size - 4 - 4 * n_restarts
    position, key = 0, b""
    while position < stop:
        opened.effort.spend(1)
        shared, position = varint(block, position)
        own, position = varint(block, position)
        length, position = varint(block, position)
        if shared > len(key) or position + own + length > stop:
            raise damaged()
        key = key[:shared] + block[position : position + own]
        position += own + length
        opened.effort.spend_text(len(key))
        yield key, block[position - length : position]
