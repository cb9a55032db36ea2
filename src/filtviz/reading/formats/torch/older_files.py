"""What ``torch.save`` wrote before PyTorch 1.6.

- From 0.1.10 on: five pickles and then the storages, alone or in a string.
- Before that: a tar of storages, tensors and a pickle that refers to them. It is POSIX's ``ustar``, as
  Python's ``tarfile`` writes it: a header of 512 bytes, the file, zeros up to the next multiple of 512.
  Nothing is unpacked, and a member that is no plain file is no member: ``tarfile`` itself follows links
  between members, and its names may be paths.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from filtviz.errors import MalformedFileError, UnsupportedFileError
from filtviz.reading.formats.torch.storages import (
    CUT_SHORT,
    Ident,
    OldTensor,
    Saved,
    Storage,
    id_of,
    stretch_of,
    type_of_storage,
)
from filtviz.reading.limits import Limits, Spending
from filtviz.reading.pickle.machine import Pickles, read_pickles
from filtviz.reading.pickle.opcodes import PERSISTENT
from filtviz.reading.pickle.records import Blob, Global, Record, elements, raw_bytes, string_of, text, walk
from filtviz.reading.stretch import Buffer, Data, in_memory, unpack, view_of
from filtviz.text import printable, quoted

__all__ = [
    "LEGACY_MAGIC",
    "TarMember",
    "is_tar",
    "load_from_bytes",
    "read_stream",
    "read_tar",
    "read_tar_members",
]

LEGACY_MAGIC = re.compile(
    rb"(\x80[\x02-\x05](\x95.{8})?\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19|L119547037146038801333356L\r?\n)\.",
    re.DOTALL,
)
"""The first pickle of a stream, a number, at each protocol that a person may have chosen."""

_PICKLES = 5
_COUNT = "<q"
_COUNT_BYTES = 8


def read_stream(data: Data, steps: Spending) -> Saved:
    """Read what begins with `LEGACY_MAGIC`: five pickles, and storages behind them.

    Raises:
        MalformedFileError: it is damaged or cut short.
        UnsupportedFileError: a storage is of a class that is not known, so that nobody can tell its end.
    """
    pickles, keys = _read_five(data, steps)
    root = pickles.roots[3]
    named: dict[str, Ident] = {}
    for value in walk([root], steps):
        if type(value) is Record and (ident := id_of(value)) is not None:
            named.setdefault(ident.key, ident)
    places = dict(_places(data, pickles.stop, keys, named))
    return Saved(root=root, pickles=pickles, memory=_StreamMemory(data, places), form="stream of torch.save")


def _read_five(data: Data, steps: Spending) -> tuple[Pickles, list[str]]:
    """Return the pickles, and what the last one holds: the keys of the storages, in order."""
    pickles = read_pickles(data, steps, most=_PICKLES)
    if len(pickles.roots) < _PICKLES:
        raise MalformedFileError(CUT_SHORT) from pickles.rest
    keys = [text(key) for key in elements(pickles.roots[4]) or ()]
    known = [key for key in keys if key is not None]
    if len(set(known)) != len(keys):
        raise MalformedFileError("the list of storages in it is damaged")
    return pickles, known


def _places(
    data: Data, position: int, keys: Sequence[str], named: Mapping[str, Ident]
) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the key of each storage with where its bytes begin and how many they are."""
    for key in keys:
        ident = named.get(key)
        if ident is None:
            raise MalformedFileError(f"no tensor lies in the storage {quoted(key, 40)} of it")
        start, nbytes = position + _COUNT_BYTES, ident.nbytes
        if nbytes is None:
            raise UnsupportedFileError(
                f"it has numbers of the type {printable(ident.kind, 40)}, which filtviz does not read; load "
                "it with torch.load and save the weights as float32"
            )
        if start + nbytes > len(data):
            raise MalformedFileError(CUT_SHORT)
        if unpack(_COUNT, view_of(data), position)[0] != ident.n:
            raise MalformedFileError(f"the storage {quoted(key, 40)} of it says two different lengths")
        yield key, (start, nbytes)
        position = start + nbytes


class _StreamMemory:
    """The storages of a stream."""

    def __init__(self, data: Data, places: Mapping[str, tuple[int, int]]) -> None:
        self._view = view_of(data)
        self._places = places
        self._found: dict[Ident, Storage] = {}

    def __call__(self, record: Record) -> Storage | None:
        """Return the storage that a persistent id stands for."""
        ident = id_of(record)
        if ident is None:
            return None
        if ident not in self._found:
            self._found[ident] = self._find(ident)
        return self._found[ident]

    def _find(self, ident: Ident) -> Storage:
        nbytes, dtype = ident.nbytes, type_of_storage(ident.kind)
        if ident.key not in self._places or dtype is None:
            raise MalformedFileError(
                f"a tensor in it lies in the storage {quoted(ident.key, 40)}, which is not there"
            )
        start, present = self._places[ident.key]
        if nbytes != present:
            raise MalformedFileError(f"the storage {quoted(ident.key, 40)} of it says two different lengths")
        read = partial(stretch_of, self._view, start, present)
        whole = Storage(kind=ident.kind, nbytes=present, read=read)
        if ident.view is None:
            return whole
        return whole.part(ident.view[0] * dtype.itemsize, ident.view[1] * dtype.itemsize)


# A stream in a string

_HEAD = 1 << 12
"""Bytes of a string that hold the pickles of a stream with one storage."""


def load_from_bytes(value: Any, steps: Spending) -> Storage:
    """Return the storage that ``torch.storage._load_from_bytes`` would load from a string of the file.

    Raises:
        MalformedFileError: the string holds something else.
    """
    return _storage_in(value, _head(value), steps)


def _head(value: Any) -> bytes:
    """Return the first bytes that a string stands for, without decoding all of it."""
    held = string_of(value)
    try:
        if type(held) is Blob and held.coding == "utf-8":
            return str(in_memory(held.view[: 2 * _HEAD]), "utf-8", "ignore").encode("latin-1")
    except UnicodeError as error:
        raise MalformedFileError("text stands for a tensor in it, but is none") from error
    whole = raw_bytes(held)
    if whole is None:
        raise MalformedFileError("a tensor in it is to be loaded from what is no string")
    return bytes(whole[:_HEAD])


def _storage_in(value: Any, head: bytes, steps: Spending) -> Storage:
    if not LEGACY_MAGIC.match(head):
        raise MalformedFileError("a tensor in it is to be loaded from a string that holds none")
    pickles, keys = _read_five(head, steps)
    ident = id_of(pickles.roots[3]) if type(pickles.roots[3]) is Record else None
    nbytes = None if ident is None else ident.nbytes
    if ident is None or nbytes is None or keys != [ident.key] or ident.view is not None:
        raise MalformedFileError("a tensor in it is to be loaded from a string that holds something else")
    start = pickles.stop + _COUNT_BYTES

    def read() -> Buffer:
        whole = raw_bytes(value)
        assert whole is not None, "its head has been read"
        return memoryview(whole)[start : start + nbytes]

    return Storage(kind=ident.kind, nbytes=min(nbytes, _most(value)), read=read)


def _most(value: Any) -> int:
    """Return the most bytes that a string can stand for."""
    held = string_of(value)
    return len(held.view if type(held) is Blob else held)


_DIMENSIONS, _DIMENSIONS_BYTES = "<i4x", 8


def read_tar(data: Data, members: Mapping[str, TarMember], steps: Spending) -> Saved:
    """Read the oldest form: ``storages``, ``tensors`` and ``pickle`` in a tar.

    Raises:
        MalformedFileError: it is damaged or cut short.
    """
    storages = _tar_storages(data, members["storages"], steps)
    tensors = _tar_tensors(data, members["tensors"], storages, steps)
    pickles = read_pickles(data, steps, start=members["pickle"].start, most=1)

    def memory(record: Record) -> OldTensor | None:
        if record.maker is not PERSISTENT:
            return None
        return tensors.get(_number(record.args[0]))

    if not pickles.roots:
        raise MalformedFileError(CUT_SHORT)
    return Saved(root=pickles.roots[0], pickles=pickles, memory=memory, form="tar of torch.save")


def _number(value: Any) -> int:
    """Return an identity of a tensor or a storage, which was its address; -1 for what is none."""
    if type(value) is int:
        return value
    digits = text(value) or ""
    return int(digits) if digits.isdecimal() and digits.isascii() and len(digits) < 20 else -1


class _Reader:
    """Pickles and numbers, one after another."""

    def __init__(self, data: Data, member: TarMember, steps: Spending) -> None:
        self.data = data
        self.position = member.start
        self.stop = member.start + member.size
        self.steps = steps

    def pickle(self) -> Any:
        """Read a pickle."""
        found = read_pickles(self.data, self.steps, start=self.position, most=1)
        self.move(found.stop - self.position)
        return found.roots[0]

    def fields(self, n: int) -> tuple[Any, ...]:
        """Read a pickle of a tuple of n fields."""
        found = self.pickle()
        if type(found) is not tuple or len(found) != n:
            raise MalformedFileError("the list of its tensors or storages is damaged")
        return found

    def numbers(self, n: int) -> tuple[int, ...]:
        """Read n numbers of eight bytes."""
        start = self.position
        self.move(8 * n)
        return unpack(f"<{n}q", view_of(self.data), start)

    def move(self, n: int) -> int:
        """Go over n bytes; return where they began."""
        start = self.position
        self.position += n
        if n < 0 or self.position > self.stop or start >= self.stop:
            raise MalformedFileError(CUT_SHORT)
        return start


def _tar_storages(data: Data, member: TarMember, steps: Spending) -> dict[int, Storage]:
    reader = _Reader(data, member, steps)
    found: dict[int, Storage] = {}
    for _ in range(_sane(reader.pickle())):
        key, _location, kind = reader.fields(3)
        name = kind.name if type(kind) is Global else ""
        dtype = type_of_storage(name)
        (count,) = reader.numbers(1)
        if dtype is None or count < 0:
            raise MalformedFileError("a storage in it is of a class that is not known")
        nbytes = count * dtype.itemsize
        start = reader.move(nbytes)
        read = partial(stretch_of, view_of(data), start, nbytes)
        found[_number(key)] = Storage(kind=name, nbytes=nbytes, read=read)
    for view in elements(reader.pickle()) or ():
        target, root, offset, count = (_number(part) for part in _four(view))
        whole = found.get(root)
        if whole is None or whole.dtype is None:
            raise MalformedFileError("a storage in it says that it is a part of another one, and is none")
        size = whole.dtype.itemsize
        found[target] = whole.part(offset * size, count * size)
    return found


def _four(value: Any) -> Sequence[Any]:
    parts = elements(value) or ()
    if len(parts) != 4:
        raise MalformedFileError("a storage in it says that it is a part of another one, and is none")
    return parts


def _sane(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise MalformedFileError("the list of its tensors or storages is damaged")
    return value


def _tar_tensors(
    data: Data, member: TarMember, storages: Mapping[int, Storage], steps: Spending
) -> dict[int, OldTensor]:
    reader = _Reader(data, member, steps)
    found: dict[int, OldTensor] = {}
    for _ in range(_sane(reader.pickle())):
        key, storage_key, _kind = reader.fields(3)
        (n,) = unpack(_DIMENSIONS, view_of(data), reader.move(_DIMENSIONS_BYTES))
        storage = storages.get(_number(storage_key))
        if not 0 <= n <= 32 or storage is None:
            raise MalformedFileError("the list of its tensors or storages is damaged")
        numbers = reader.numbers(2 * n + 1)
        found[_number(key)] = OldTensor(
            storage=storage, shape=numbers[:n], strides=numbers[n : 2 * n], offset=numbers[-1]
        )
    return found


_BLOCK = 512
_MAGIC = slice(257, 262)
_NAME, _SIZE, _KIND = slice(0, 100), slice(124, 136), slice(156, 157)
_PLAIN = (b"0", b"\0", b"7")


@dataclass(frozen=True, kw_only=True)
class TarMember:
    """A plain file of the tar: its ``name``, where its bytes ``start``, and their ``size``."""

    name: str
    start: int
    size: int


def is_tar(start: bytes) -> bool:
    """Tell a tar by its first bytes."""
    return start[_MAGIC] == b"ustar"


def read_tar_members(data: Data, limits: Limits) -> tuple[TarMember, ...]:
    """List the plain files of a tar in order.

    Raises:
        MalformedFileError: it is damaged or cut short.
        LimitError: it has too many members.
    """
    found = []
    for member in _members(data):
        found.append(member)
        limits.check("members", len(found), f"it is a tar of {len(found):,} members or more")
    return tuple(found)


def _members(data: Data) -> Iterator[TarMember]:
    position = 0
    while position + _BLOCK <= len(data):
        header = bytes(data[position : position + _BLOCK])
        if not any(header):
            return
        digits = header[_SIZE].strip(b" \0")
        if not is_tar(header) or not digits.isdigit() or b"8" in digits or b"9" in digits:
            raise MalformedFileError("it is a tar that is damaged; copy or download it again")
        size, start = int(digits, 8), position + _BLOCK
        if start + size > len(data):
            raise MalformedFileError("it is a tar that was cut short; copy or download it again")
        if header[_KIND] in _PLAIN:
            name = header[_NAME].partition(b"\0")[0].decode("utf-8", "replace").removeprefix("./")
            yield TarMember(name=name, start=start, size=size)
        position = start + -(-size // _BLOCK) * _BLOCK
