"""The part of HDF5 that Keras writes, as views of the file; anything else is refused.

A superblock of version 0 or 1, groups with symbol tables, datasets that lie in one piece without filters, and
attributes: all files of Keras that the project knows are made of these. Links to other files, soft links,
virtual datasets and storage in other files are never followed. The format is that of the HDF5 File Format
Specification (docs.hdfgroup.org), whose sections are named below.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from filtviz.errors import MalformedFileError, UnsupportedFileError
from filtviz.reading.arrays import ElementType, StoredArray, count, narrow_dtype, stored
from filtviz.reading.limits import Spending
from filtviz.reading.stretch import View, in_memory, unpack
from filtviz.text import quoted

__all__ = ["SIGNATURE", "Dataset", "Group", "open_hdf5"]

SIGNATURE = b"\x89HDF\r\n\x1a\n"

_NOWHERE = (1 << 64) - 1
_DEEPEST_TREE = 16
_MOST_BLOCKS = 256
"""Pieces that the header of one object may be in."""

STEPS_OF_AN_OBJECT = 8
"""Steps that an object counts as each time that it is looked at; many names can lead to one."""

_DATASPACE, _DATATYPE, _EXTERNAL, _LAYOUT, _FILTERS, _ATTRIBUTE = 0x01, 0x03, 0x07, 0x08, 0x0B, 0x0C
_CONTINUATION, _SYMBOL_TABLE, _LINK_INFO, _LINK = 0x10, 0x11, 0x02, 0x06


def open_hdf5(view: View, effort: Spending) -> Group:
    """Return the root group of a file.

    Args:
        view: The bytes of the file, from its signature on.
        effort: What understanding the file may still take.

    Raises:
        MalformedFileError: it is damaged or cut short.
        UnsupportedFileError: it uses what Keras does not.
    """
    file = _File(view, effort)
    version, sizes = file.unpack("<8xB4xBB", 0)[0], file.unpack("<13xBB", 0)
    if version > 1:
        raise UnsupportedFileError(
            f"it is an HDF5 file with a superblock of version {version}, as Keras does not write it; save "
            "the weights again with Keras, or with h5py and libver='earliest'"
        )
    if sizes != (8, 8):
        raise UnsupportedFileError(
            "it is an HDF5 file whose addresses have not 8 bytes, as Keras writes them"
        )
    start = 24 + 4 * version
    (base,) = file.unpack("<Q", start)
    if base:
        raise UnsupportedFileError(
            "it is an HDF5 file that begins within another one, which filtviz does not read"
        )
    (root,) = file.unpack("<8xQ", start + 32)
    return Group(file, root, "")


@dataclass(frozen=True, eq=False)
class _File:
    """The bytes of a file, which are never read beyond their end.

    Paths begin at the root: what lies on the way is read once, and kept in ``objects`` by its address.
    """

    view: View
    effort: Spending
    objects: dict[int, Group | Dataset] = field(default_factory=dict)

    def unpack(self, layout: str, position: int) -> tuple[Any, ...]:
        """Read numbers at a position."""
        try:
            return unpack(layout, self.view, position)
        except (struct.error, OverflowError) as error:
            raise _damaged() from error

    def piece(self, start: int, length: int) -> View:
        """Return a stretch of the file."""
        if start + length > len(self.view):
            raise _damaged()
        return self.view[start : start + length]

    def text(self, start: int) -> str:
        """Return the text that ends with a zero."""
        found = bytes(self.view[start : start + _LONGEST_NAME])
        end = found.find(b"\0")
        if end < 0:
            raise _damaged()
        self.effort.spend_text(end)  # names may be the ends of one another
        return str(found[:end], "utf-8", "replace")


_LONGEST_NAME = 4096


def _damaged() -> MalformedFileError:
    return MalformedFileError("it is an HDF5 file that is damaged or cut short; copy or download it again")


class _Object:
    """What a group and a dataset have in common: a header of messages."""

    def __init__(self, file: _File, address: int, path: str) -> None:
        """Take note of where the header lies; it is read when it is asked for."""
        self.file = file
        self.address = address
        self.path = path

    @cached_property
    def messages(self) -> list[tuple[int, View]]:
        """The messages of the header (IV.A.1.a), each with its type."""
        self.file.effort.spend(STEPS_OF_AN_OBJECT)
        version, n, size = self.file.unpack("<BxH4xI", self.address)
        if version != 1:
            raise UnsupportedFileError(
                "it is an HDF5 file with object headers that Keras does not write; save the weights again "
                "with Keras, or with h5py and libver='earliest'"
            )
        blocks = [(self.address + 16, size)]
        found: list[tuple[int, View]] = []
        for start, length in blocks:
            for kind, body in self._block(start, length):
                if kind == _CONTINUATION:
                    blocks.append(unpack("<QQ", body, 0) if len(body) >= 16 else (0, 1 << 63))
                    if len(blocks) > _MOST_BLOCKS:
                        raise _damaged()
                elif len(found) < n:
                    found.append((kind, body))
        return found

    def _block(self, start: int, length: int) -> Iterator[tuple[int, View]]:
        block, position = self.file.piece(start, length), 0
        while position + 8 <= len(block):
            self.file.effort.spend(1)
            kind, size = unpack("<HH", block, position)
            if position + 8 + size > len(block):
                raise _damaged()
            yield kind, block[position + 8 : position + 8 + size]
            position += 8 + size

    def message(self, kind: int) -> memoryview | None:
        """Return the first message of a type."""
        found = next((body for found, body in self.messages if found == kind), None)
        return None if found is None else memoryview(in_memory(found))

    @cached_property
    def attributes(self) -> Mapping[str, Any]:
        """The attributes: text, lists of texts, or arrays; None for one of another kind."""
        found: dict[str, Any] = {}
        for kind, body in self.messages:
            if kind == _ATTRIBUTE:
                self.file.effort.spend_text(len(body))
                name, value = self._attribute(memoryview(in_memory(body)))
                found[name] = value
        return found

    def _attribute(self, body: memoryview) -> tuple[str, Any]:
        """Read an attribute (IV.A.2.m)."""
        try:
            version, *sizes = struct.unpack_from("<BxHHH", body)
        except struct.error as error:
            raise _damaged() from error
        position = 9 if version == 3 else 8
        pieces = []
        for size in sizes:
            pieces.append(body[position : position + size])
            position += -(-size // 8) * 8 if version == 1 else size
        name = str(bytes(pieces[0]).split(b"\0")[0], "utf-8", "replace")
        if version not in (1, 2, 3) or position > len(body) + 7:
            raise _damaged()
        kind, shape = _Datatype.of(pieces[1]), _dataspace(pieces[2])
        return name, self._value(kind, shape, body[position:])

    def _value(self, kind: _Datatype, shape: tuple[int, ...] | None, data: memoryview) -> Any:
        if shape is None:
            return None
        n = count(shape)
        if n * kind.size > len(data) or not kind.size:
            raise _damaged()
        if kind.is_text:
            self.file.effort.spend(n)
            texts = [self._text(kind, data[i * kind.size : (i + 1) * kind.size]) for i in range(n)]
            return texts[0] if shape == () else texts
        if kind.dtype is None:
            return None
        array = stored(shape, kind.dtype, False, len(data), lambda: data).read()
        return array.item() if shape == () else array

    def _text(self, kind: _Datatype, data: memoryview) -> str:
        if not kind.is_variable:
            return str(bytes(data).split(b"\0")[0], "utf-8", "replace")
        length, address, index = struct.unpack_from("<IQI", data)
        return str(self._global_object(address, index, length), "utf-8", "replace")

    def _global_object(self, address: int, index: int, length: int) -> bytes:
        """Return an object of a global heap (III.E)."""
        if not length:
            return b""
        signature, size = self.file.unpack("<4s4xQ", address)
        if signature != b"GCOL":
            raise _damaged()
        heap, position = self.file.piece(address, size), 16
        while position + 16 < len(heap):
            self.file.effort.spend(1)
            number, held = unpack("<H6xQ", heap, position)
            if number == index and length <= min(held, len(heap) - position - 16):
                self.file.effort.spend_text(length)  # many texts can be one
                return bytes(heap[position + 16 : position + 16 + length])
            if not number or not held:
                break
            position += 16 + -(-held // 8) * 8
        raise _damaged()


class Group(_Object):
    """A group: names that lead to groups and datasets."""

    @cached_property
    def _links(self) -> dict[str, int]:
        """Name → address of an object's header; -1 for a link that is not followed."""
        table = self.message(_SYMBOL_TABLE)
        if table is None:
            if self.message(_LINK_INFO) is not None or self.message(_LINK) is not None:
                raise UnsupportedFileError(
                    "it is an HDF5 file with groups that Keras does not write; save the weights again with "
                    "Keras, or with h5py and libver='earliest'"
                )
            return {}
        tree, heap = struct.unpack_from("<QQ", table) if len(table) >= 16 else (_NOWHERE, _NOWHERE)
        signature, _, _, names = self.file.unpack("<4s4xQQQ", heap)
        if signature != b"HEAP":
            raise _damaged()
        found: dict[str, int] = {}
        for entry in self._entries(tree, _DEEPEST_TREE):
            offset, address, cached = entry
            found[self.file.text(names + offset)] = -1 if cached == 2 else address
        return found

    def _entries(self, address: int, depth: int) -> Iterator[tuple[int, int, int]]:
        """Yield the entries below a node of a group's tree (III.A.1 and III.B)."""
        signature, kind, n = self.file.unpack("<4sBxH", address)
        if signature == b"SNOD":
            (n,) = self.file.unpack("<6xH", address)
            for place in range(n):
                self.file.effort.spend(2)
                offset, header, cached = self.file.unpack("<QQI", address + 8 + 40 * place)
                yield offset, header, cached
            return
        if signature != b"TREE" or kind != 0 or not depth:
            raise _damaged()
        for place in range(n):
            self.file.effort.spend(1)
            (child,) = self.file.unpack("<8xQ", address + 24 + 16 * place)
            yield from self._entries(child, depth - 1)

    def __iter__(self) -> Iterator[str]:
        """Go through the names, in the file's order, which is that of the alphabet."""
        return iter(self._links)

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a name."""
        return name in self._links

    def get(self, path: str) -> Group | Dataset | None:
        """Return what lies at a path below the group, None where there is nothing.

        Raises:
            UnsupportedFileError: it is a link, which might lead out of the file.
        """
        self.file.effort.spend_text(len(path))
        here: Group | Dataset = self
        for name in filter(None, path.split("/")):
            if not isinstance(here, Group) or name not in here._links:
                return None
            address = here._links[name]
            full = f"{here.path}/{name}"[:_LONGEST_NAME]  # each of many in one another has all above it in it
            if address < 0:
                raise UnsupportedFileError(
                    f"{quoted(full, 80)} in it is a link, and links in HDF5 files are not followed"
                )
            here = _object_at(self.file, address, full)
        return here

    def group(self, path: str) -> Group | None:
        """Return the group at a path, None where there is none."""
        found = self.get(path)
        return found if isinstance(found, Group) else None

    def datasets(self) -> dict[str, Dataset]:
        """Return the datasets of the group by name.

        Raises:
            UnsupportedFileError: a name is a link, which might lead out of the file.
        """
        held = {name: self.get(name) for name in self._links}
        return {name: one for name, one in held.items() if isinstance(one, Dataset)}

    def walk(self) -> Iterator[Group]:
        """Yield the group and all groups below it, each once, the outer ones first."""
        seen, waiting = {self.address}, [self]
        for group in waiting:
            yield group
            for name, address in group._links.items():
                if address >= 0 and address not in seen:
                    seen.add(address)
                    if isinstance(found := group.get(name), Group):
                        waiting.append(found)


class Dataset(_Object):
    """A dataset that lies in the file in one piece."""

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        body = self.message(_DATASPACE)
        shape = None if body is None else _dataspace(body)
        if shape is None:
            raise self._refused("has no shape")
        return shape

    @cached_property
    def kind(self) -> _Datatype:
        """Its type as the file has it."""
        body = self.message(_DATATYPE)
        if body is None:
            raise _damaged()
        return _Datatype.of(body)

    def array(self, opaque: str = "") -> StoredArray:
        """Return the array, which is read when it is asked for.

        Args:
            opaque: The type of few bits that opaque elements of its size stand for (``bfloat16``).

        Raises:
            UnsupportedFileError: it is compressed, in chunks, in another file, or of no type of numbers.
            MalformedFileError: it reaches beyond the end of the file.
        """
        dtype = self.kind.dtype
        if dtype is None and self.kind.is_opaque and opaque:
            narrow = narrow_dtype(opaque)
            dtype = narrow if narrow is not None and narrow.itemsize == self.kind.size else None
        if dtype is None:
            raise self._refused("holds no numbers of a type that filtviz reads")
        if self.message(_EXTERNAL) is not None:
            raise self._refused("lies in another file, which is not followed")
        filters = self.message(_FILTERS)
        if filters is not None and len(filters) > 1 and filters[1]:
            raise self._refused("is compressed, as Keras does not write it")
        view = self._bytes()
        return stored(self.shape, dtype, False, len(view), lambda: view)

    def _bytes(self) -> View:
        """Return the bytes of the layout (IV.A.2.i)."""
        body = self.message(_LAYOUT)
        assert body is not None, "that is what makes it a dataset"
        try:
            version, kind = struct.unpack_from("<BB", body)
            if version in (3, 4) and kind == 0:
                (size,) = struct.unpack_from("<H", body, 2)
                return body[4 : 4 + size]
            if version in (3, 4) and kind == 1:
                start, size = struct.unpack_from("<QQ", body, 2)
                return self.file.piece(start, size) if start != _NOWHERE else body[:0]
            if version in (1, 2) and body[2] == 1:
                (start,) = struct.unpack_from("<Q", body, 8)
                return self.file.piece(start, count(self.shape) * self.kind.size)
        except struct.error as error:
            raise _damaged() from error
        raise self._refused("does not lie in one piece, as Keras writes it")

    def _refused(self, why: str) -> UnsupportedFileError:
        return UnsupportedFileError(
            f"the dataset {quoted(self.path, 80)} {why}; save the weights again with Keras"
        )


def _object_at(file: _File, address: int, path: str) -> Group | Dataset:
    file.effort.spend(1)
    if address not in file.objects:
        file.objects[address] = _read_object(file, address, path)
    return file.objects[address]


def _read_object(file: _File, address: int, path: str) -> Group | Dataset:
    found = Group(file, address, path)
    if found.message(_LAYOUT) is None:
        return found
    dataset = Dataset(file, address, path)
    dataset.messages = found.messages
    return dataset


def _dataspace(body: memoryview) -> tuple[int, ...] | None:
    """Return the shape that a dataspace says (IV.A.2.b), None where it has no elements at all."""
    try:
        version, rank = struct.unpack_from("<BB", body)
        start = 8 if version == 1 else 4
        if version not in (1, 2) or (version == 2 and body[3] == 2):
            return None
        return struct.unpack_from(f"<{rank}Q", body, start)
    except (struct.error, IndexError) as error:
        raise _damaged() from error


@dataclass(frozen=True, kw_only=True)
class _Datatype:
    """A type (IV.A.2.d): the ``size`` of an element, and what it is."""

    size: int
    dtype: ElementType | None = field(default=None)
    is_text: bool = False
    is_variable: bool = False
    is_opaque: bool = False

    @classmethod
    def of(cls, body: memoryview) -> _Datatype:
        """Read a type."""
        try:
            first, bits, size = struct.unpack_from("<BB2xI", body)
            kind = first & 15
            order = ">" if bits & 1 else "<"
            if kind == 0:
                return cls(
                    size=size, dtype=_number(f"{order}{'i' if bits & 8 else 'u'}{size}", size, body, 8)
                )
            if kind == 1 and not bits & 64:
                return cls(size=size, dtype=_number(f"{order}f{size}", size, body, 8))
            if kind == 8 and size == 1:
                return cls(size=1, dtype=np.dtype("i1"))
        except (struct.error, IndexError) as error:
            raise _damaged() from error
        is_text = kind == 3 or (kind == 9 and bits & 15 == 1 and size == 16)
        return cls(size=size, is_text=is_text, is_variable=kind == 9, is_opaque=kind == 5)


_SIZES = {"f": (2, 4, 8), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8)}


def _number(code: str, size: int, body: memoryview, start: int) -> ElementType | None:
    """Return numpy's type where all bits of an element count, None for any other."""
    offset, precision = struct.unpack_from("<HH", body, start)
    if offset or precision != 8 * size or size not in _SIZES[code[1]]:
        return None
    if code[1] == "f" and struct.unpack_from("<BBBB", body, start + 4) != _FLOATS[size]:
        return None
    return np.dtype(code)


_FLOATS = {2: (10, 5, 0, 10), 4: (23, 8, 0, 23), 8: (52, 11, 0, 52)}
"""Size → place and length of the exponent and of the mantissa in IEEE 754."""
