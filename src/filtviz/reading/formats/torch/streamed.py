"""What ``torch.save`` wrote from 0.1.10 to 1.5: five pickles and then the storages, alone or in a string."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from filtviz.errors import MalformedFileError, UnsupportedFileError
from filtviz.reading.formats.torch.storages import (
    CUT_SHORT,
    Ident,
    Saved,
    Storage,
    id_of,
    stretch_of,
    type_of_storage,
)
from filtviz.reading.limits import Spending
from filtviz.reading.pickle.machine import Pickles, read_pickles
from filtviz.reading.pickle.records import Blob, Record, elements, raw_bytes, string_of, text, walk
from filtviz.reading.stretch import Buffer, Data, in_memory, unpack, view_of
from filtviz.text import printable

__all__ = ["LEGACY_MAGIC", "load_from_bytes", "read_stream"]

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
            raise MalformedFileError(f"no tensor lies in the storage {printable(key, 40)!r} of it")
        start, nbytes = position + _COUNT_BYTES, ident.nbytes
        if nbytes is None:
            raise UnsupportedFileError(
                f"it has numbers of the type {printable(ident.kind, 40)}, which filtviz does not read; load "
                "it with torch.load and save the weights as float32"
            )
        if start + nbytes > len(data):
            raise MalformedFileError(CUT_SHORT)
        if unpack(_COUNT, view_of(data), position)[0] != ident.n:
            raise MalformedFileError(f"the storage {printable(key, 40)!r} of it says two different lengths")
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
                f"a tensor in it lies in the storage {printable(ident.key, 40)!r}, which is not there"
            )
        start, present = self._places[ident.key]
        if nbytes != present:
            raise MalformedFileError(
                f"the storage {printable(ident.key, 40)!r} of it says two different lengths"
            )
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
