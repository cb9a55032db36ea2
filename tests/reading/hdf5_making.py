"""Small HDF5 files, written as Keras's are: groups, attributes, and arrays that lie in their headers."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Folder", "Held", "hdf5"]

_FLOATS = {2: (10, 5, 0, 10), 4: (23, 8, 0, 23), 8: (52, 11, 0, 52)}


@dataclass
class Held:
    """An array with attributes of its own."""

    array: np.ndarray
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Folder:
    """A group: what lies in it by name, None for a link that leads elsewhere, and its attributes."""

    entries: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)


def hdf5(root: Folder) -> bytes:
    """The bytes of a file."""
    body = bytearray(96)
    struct.pack_into("<8sB4xBB", body, 0, b"\x89HDF\r\n\x1a\n", 0, 8, 8)
    struct.pack_into("<Q", body, 64, _object(body, root))
    return bytes(body)


def _object(body: bytearray, one: Any) -> int:
    if isinstance(one, Folder):
        messages = [(0x11, _table(body, one.entries))]
    else:
        one = one if isinstance(one, Held) else Held(one)
        kind, space = _type_of(one.array.dtype), _space(one.array.shape)
        layout = struct.pack("<BBH", 3, 0, one.array.nbytes) + one.array.tobytes()
        messages = [(0x01, space), (0x03, kind), (0x08, layout)]
    messages += [(0x0C, _attribute(name, value)) for name, value in one.attributes.items()]
    held = b"".join(struct.pack("<HHB3x", kind, len(_even(data)), 0) + _even(data) for kind, data in messages)
    return _put(body, struct.pack("<BxHII4x", 1, len(messages), 1, len(held)) + held)


def _put(body: bytearray, data: bytes) -> int:
    body += bytes(-len(body) % 8)
    body += data
    return len(body) - len(data)


def _even(data: bytes) -> bytes:
    return data + bytes(-len(data) % 8)


def _table(body: bytearray, entries: Mapping[str, Any]) -> bytes:
    """Write what a group holds, and return where its tree and its names are."""
    names, rows = bytearray(8), b""
    for name in sorted(entries):
        held = entries[name]
        address = 0 if held is None else _object(body, held)
        rows += struct.pack("<QQI4x16x", len(names), address, 2 if held is None else 1)
        names += _even(name.encode() + b"\0")
    tree = _put(body, struct.pack("<4sBxH", b"SNOD", 1, len(entries)) + rows)
    place = _put(body, bytes(names))
    return struct.pack("<QQ", tree, _put(body, struct.pack("<4s4xQQQ", b"HEAP", len(names), 0, place)))


def _space(shape: Sequence[int]) -> bytes:
    return struct.pack(f"<BBB5x{len(shape)}Q", 1, len(shape), 0, *shape)


def _type_of(dtype: np.dtype[Any]) -> bytes:
    size = dtype.itemsize
    if dtype.kind == "f":
        facts = struct.pack("<BBBBIHH", 0x11, 32, 0, 0, size, 0, 8 * size)
        return facts + struct.pack("<BBBBI", *_FLOATS[size], 0)
    if dtype.kind == "V":
        return struct.pack("<BBBBI", 0x15, 0, 0, 0, size)
    return struct.pack("<BBBBIHH", 0x10, 8 if dtype.kind == "i" else 0, 0, 0, size, 0, 8 * size)


def _attribute(name: str, value: Any) -> bytes:
    """A text, texts, or an array."""
    texts = [value] if isinstance(value, str) else value if isinstance(value, list) else None
    if texts is not None:
        encoded = [one.encode() for one in texts]
        size = max(map(len, encoded), default=0) + 1
        kind, data = (
            struct.pack("<BBBBI", 0x13, 0, 0, 0, size),
            b"".join(one.ljust(size, b"\0") for one in encoded),
        )
        space = _space(() if isinstance(value, str) else (len(texts),))
    else:
        array = np.asarray(value)
        kind, space, data = _type_of(array.dtype), _space(array.shape), array.tobytes()
    named = name.encode() + b"\0"
    head = struct.pack("<BxHHH", 1, len(named), len(kind), len(space))
    return head + _even(named) + _even(kind) + _even(space) + data
