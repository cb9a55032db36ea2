"""PyTorch's pickles, and the storages beside them: the memory in which tensors lie.

A pickle of PyTorch's describes its tensors and leaves their bytes out. Each names a storage, by a persistent
id: class, key, location, number of elements. There are four places where that storage can be:

- a zip (since 1.6): ``ROOT/data.pkl``, and the storages as members ``ROOT/data/KEY``. TorchScript's zips have
  ``constants.pkl`` and ``constants/KEY`` beside them.
- a stream (0.1.10 to 1.5): five pickles, a magic number, a version, facts about the machine, the object, the
  storages' keys; then for each key the number of its elements and its bytes.
- a tar (before): ``storages``, ``tensors`` and ``pickle``, which refers to tensors.
- a string in a plain pickle: ``torch.storage._load_from_bytes(b"…")``, a whole stream for each storage.

See ``torch/serialization.py``. Where a storage was (``cuda:0``) is only a tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from filtviz.errors import MalformedFileError, UnsupportedFileError
from filtviz.reading.arrays import ElementType, StoredArray, narrow_dtype, strided
from filtviz.reading.limits import Budget, Limits
from filtviz.reading.pickle.machine import Pickles, read_pickles
from filtviz.reading.pickle.opcodes import PERSISTENT
from filtviz.reading.pickle.records import (
    Blob,
    Global,
    Record,
    elements,
    raw_bytes,
    string_of,
    text,
    walk,
)
from filtviz.reading.stretch import Buffer, Data, View, in_memory, unpack, view_of
from filtviz.reading.tars import TarMember
from filtviz.reading.zips import Member
from filtviz.text import printable

__all__ = [
    "LEGACY_MAGIC",
    "OldTensor",
    "Saved",
    "Storage",
    "element_type",
    "is_torch_zip",
    "load_from_bytes",
    "read_stream",
    "read_tar",
    "read_zip",
]

_CUT_SHORT = "it is a file of torch.save that was cut short; copy or download it again"

_CODES: Mapping[str, str] = {
    "float32": "f4", "float": "f4", "float64": "f8", "double": "f8", "float16": "f2", "half": "f2",
    "int8": "i1", "uint8": "u1", "int16": "i2", "short": "i2", "int32": "i4", "int": "i4", "int64": "i8",
    "long": "i8", "uint16": "u2", "uint32": "u4", "uint64": "u8", "bool": "b1",
    "complex64": "c8", "cfloat": "c8", "complex128": "c16", "cdouble": "c16",
    "qint8": "i1", "quint8": "u1", "qint32": "i4",
}  # fmt: skip
"""PyTorch's type → numpy's; those of few bits have the same name in the package ml_dtypes."""

_STORAGES: Mapping[str, str] = {
    "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16", "CharStorage": "int8", "ByteStorage": "uint8", "ShortStorage": "int16",
    "IntStorage": "int32", "LongStorage": "int64", "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64", "ComplexDoubleStorage": "complex128",
    "QInt8Storage": "qint8", "QUInt8Storage": "quint8", "QInt32Storage": "qint32",
    "UntypedStorage": "uint8", "_UntypedStorage": "uint8",
}  # fmt: skip
"""Class of a storage → PyTorch's type; an untyped one counts bytes."""


@cache
def element_type(name: str, *, big_endian: bool = False) -> ElementType | None:
    """Return the type that PyTorch calls ``name`` (``float32``, ``bfloat16``), or None."""
    code = _CODES.get(name)
    found = narrow_dtype(name) if code is None else np.dtype(code)
    return None if found is None else found.newbyteorder(">" if big_endian else "<")


@dataclass(frozen=True, kw_only=True, eq=False)
class Storage:
    """Memory of the file: the type of its elements (None for one that is not known), and its bytes."""

    kind: str
    nbytes: int
    read: Callable[[], Buffer | View]
    big_endian: bool = False

    @property
    def dtype(self) -> ElementType | None:
        """The type of its elements."""
        return element_type(_STORAGES.get(self.kind, ""), big_endian=self.big_endian)

    def part(self, start: int, nbytes: int) -> Storage:
        """Return a stretch of it.

        Raises:
            MalformedFileError: it lies beyond its end.
        """
        if not 0 <= start <= start + nbytes <= self.nbytes:
            raise MalformedFileError("a storage in it says that it is a part of another one, and is none")
        read = self.read

        def read_part() -> Buffer | View:
            return read()[start : start + nbytes]

        return Storage(kind=self.kind, nbytes=nbytes, read=read_part, big_endian=self.big_endian)

    def array(
        self,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        offset: int,
        limits: Limits,
        dtype: ElementType | None,
    ) -> StoredArray:
        """Return a tensor that lies in it.

        Raises:
            MalformedFileError: it reaches beyond the storage.
        """
        assert dtype is not None, "the caller has looked"
        return strided(shape, dtype, strides, offset, self.nbytes, self.read, limits)


@dataclass(frozen=True, kw_only=True, eq=False)
class OldTensor:
    """A tensor of the oldest form, which is told outside the pickle that refers to it."""

    storage: Storage
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int


Memory = Callable[[Record], "Storage | OldTensor | None"]
"""What a persistent id of a pickle stands for; None for what is no memory."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Saved:
    """One object that PyTorch saved: ``root`` as the pickle describes it, and what finds its memory."""

    root: Any
    pickles: Pickles
    memory: Memory
    form: str


class _Id(NamedTuple):
    """A storage as a pickle names it; ``n`` are its elements, ``view`` is a part (start, elements)."""

    kind: str
    key: str
    n: int
    view: tuple[int, int] | None

    @property
    def nbytes(self) -> int | None:
        """Its bytes, None for a class that is not known."""
        dtype = element_type(_STORAGES.get(self.kind, ""))
        return None if dtype is None else self.n * dtype.itemsize


def _id_of(record: Record) -> _Id | None:
    """Read a persistent id: ``("storage", class, key, location, count)`` and, in a stream, what is viewed.

    None is one of something else, such as the source text of a module's class.

    Raises:
        MalformedFileError: it is of a storage, and is damaged.
    """
    if record.maker is not PERSISTENT:
        return None
    given = record.args[0]
    told: Sequence[Any] = given if type(given) is tuple else _read_as_text(given)
    if told and text(told[0]) == "storage":
        told = told[1:]
    if len(told) not in (4, 5) or type(told[0]) is not Global:
        return None
    key, count = text(told[1]), told[3]
    if key is None or type(count) is not int or not 0 <= count < 1 << 60:
        raise MalformedFileError("a storage in it has no key, or no number of elements")
    return _Id(told[0].name, key, count, _view(told[4]) if len(told) == 5 else None)


_AS_TEXT = re.compile(
    r"\('storage', <class '(?P<module>[\w.]{1,80})\.(?P<name>\w{1,80})'>, '(?P<key>[^']{1,80})', "
    r"'[^']{0,80}', (?P<n>\d{1,18})(?:, None)?\)\Z"
)


def _read_as_text(given: Any) -> Sequence[Any]:
    """Read a persistent id of protocol 0, which can only be a line of text: PyTorch itself cannot load it."""
    match = _AS_TEXT.match(text(given) or "")
    if match is None:
        return ()
    return Global(match["module"], match["name"]), match["key"], "", int(match["n"])


def _view(told: Any) -> tuple[int, int] | None:
    """Read what is viewed of a storage: the key of the view, its first element and their number."""
    if told is None:
        return None
    parts = elements(told) or ()
    if len(parts) != 3 or any(type(number) is not int or not 0 <= number < 1 << 60 for number in parts[1:]):
        raise MalformedFileError("a storage in it says that it is a part of another one, and is none")
    return parts[1], parts[2]


# The zip


def is_torch_zip(members: Sequence[Member]) -> bool:
    """Tell a zip of ``torch.save``; one of TorchScript or of ``torch.export`` is none."""
    names = {member.name for member in members}
    root = _root(members)
    return f"{root}data.pkl" in names and f"{root}constants.pkl" not in names and _is_complete(names, root)


def _is_complete(names: set[str], root: str) -> bool:
    """Tell by what every version writes beside the pickle: an empty object has no storage."""
    data = f"{root}data/"
    return any(
        name in (f"{root}version", f"{root}byteorder", f"{root}.format_version") or name.startswith(data)
        for name in names
    )


def _root(members: Sequence[Member]) -> str:
    """Return the folder in which all of a zip's members lie, with its stroke: that of the first one.

    Where someone packed the folder's content anew there is none.
    """
    if not members or any(member.name == "data.pkl" for member in members):
        return ""
    first, stroke, _ = members[0].name.partition("/")
    return first + stroke if stroke else ""


def read_zip(
    members: Sequence[Member], steps: Budget, *, pickle: str = "data.pkl", folder: str = "data"
) -> Saved:
    """Read a pickle of a zip of PyTorch's.

    Args:
        members: What is in the zip.
        steps: What is left of the steps that the file's pickles may take.
        pickle: The member that holds the pickle.
        folder: The folder of its storages.

    Raises:
        MalformedFileError: there is no such pickle, it is damaged, or two members have one name.
    """
    root = _root(members)
    by_name: dict[str, Member] = {}
    for member in members:
        if by_name.setdefault(member.name, member) is not member:
            raise MalformedFileError("it is a zip with two members of one name, as no program writes them")
    if f"{root}{pickle}" not in by_name:
        raise MalformedFileError(f"it is a zip of PyTorch's without its {pickle}")
    pickles = read_pickles(by_name[f"{root}{pickle}"].copy(steps.limits), steps, most=1)
    order = by_name.get(f"{root}byteorder")
    big_endian = order is not None and order.head(8).strip() == b"big"
    if not pickles.roots:
        raise MalformedFileError(_CUT_SHORT)
    method = "deflated" if any(member.deflated for member in members) else "stored"
    return Saved(
        root=pickles.roots[0],
        pickles=pickles,
        memory=_ZipMemory(by_name, f"{root}{folder}/", big_endian=big_endian),
        form=f"zip of torch.save ({method})",
    )


class _ZipMemory:
    """The storages of a zip. One that was deflated is inflated once, however many tensors lie in it."""

    def __init__(self, members: Mapping[str, Member], folder: str, *, big_endian: bool) -> None:
        self._members = members
        self._folder = folder
        self._big_endian = big_endian
        self._found: dict[tuple[str, str, int], Storage] = {}

    def __call__(self, record: Record) -> Storage | None:
        """Return the storage that a persistent id stands for."""
        ident = _id_of(record)
        if ident is None:
            return None
        key = (ident.kind, ident.key, ident.n)
        if key not in self._found:
            self._found[key] = self._find(ident)
        return self._found[key]

    def _find(self, ident: _Id) -> Storage:
        wanted, member = ident.nbytes, self._members.get(self._folder + ident.key)
        if wanted == 0:
            return Storage(kind=ident.kind, nbytes=0, read=bytes)
        if member is None or "/" in ident.key or ".." in ident.key:
            raise MalformedFileError(
                f"a tensor in it lies in the storage {printable(ident.key, 40)!r}, which is not in the zip"
            )
        if wanted is not None and wanted > member.most_bytes:
            raise MalformedFileError(
                f"the storage {printable(ident.key, 40)!r} says that it has {wanted:,} bytes, and has "
                f"{member.most_bytes:,}"
            )
        nbytes = member.most_bytes if wanted is None else wanted
        read = cache(member.open) if member.deflated else member.open
        return Storage(kind=ident.kind, nbytes=nbytes, read=read, big_endian=self._big_endian)


# The stream

LEGACY_MAGIC = re.compile(
    rb"(\x80[\x02-\x05](\x95.{8})?\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19|L119547037146038801333356L\r?\n)\.",
    re.DOTALL,
)
"""The first pickle of a stream, a number, at each protocol that a person may have chosen."""

_PICKLES = 5
_COUNT = "<q"
_COUNT_BYTES = 8


def read_stream(data: Data, steps: Budget) -> Saved:
    """Read what begins with `LEGACY_MAGIC`: five pickles, and storages behind them.

    Raises:
        MalformedFileError: it is damaged or cut short.
        UnsupportedFileError: a storage is of a class that is not known, so that nobody can tell its end.
    """
    pickles, keys = _read_five(data, steps)
    root = pickles.roots[3]
    named: dict[str, _Id] = {}
    for value in walk([root], steps):
        if type(value) is Record and (ident := _id_of(value)) is not None:
            named.setdefault(ident.key, ident)
    places = dict(_places(data, pickles.stop, keys, named))
    return Saved(root=root, pickles=pickles, memory=_StreamMemory(data, places), form="stream of torch.save")


def _read_five(data: Data, steps: Budget) -> tuple[Pickles, list[str]]:
    """Return the pickles, and what the last one holds: the keys of the storages, in order."""
    pickles = read_pickles(data, steps, most=_PICKLES)
    if len(pickles.roots) < _PICKLES:
        raise MalformedFileError(_CUT_SHORT) from pickles.rest
    keys = [text(key) for key in elements(pickles.roots[4]) or ()]
    known = [key for key in keys if key is not None]
    if len(set(known)) != len(keys):
        raise MalformedFileError("the list of storages in it is damaged")
    return pickles, known


def _places(
    data: Data, position: int, keys: Sequence[str], named: Mapping[str, _Id]
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
            raise MalformedFileError(_CUT_SHORT)
        if unpack(_COUNT, view_of(data), position)[0] != ident.n:
            raise MalformedFileError(f"the storage {printable(key, 40)!r} of it says two different lengths")
        yield key, (start, nbytes)
        position = start + nbytes


class _StreamMemory:
    """The storages of a stream."""

    def __init__(self, data: Data, places: Mapping[str, tuple[int, int]]) -> None:
        self._view = view_of(data)
        self._places = places
        self._found: dict[_Id, Storage] = {}

    def __call__(self, record: Record) -> Storage | None:
        """Return the storage that a persistent id stands for."""
        ident = _id_of(record)
        if ident is None:
            return None
        if ident not in self._found:
            self._found[ident] = self._find(ident)
        return self._found[ident]

    def _find(self, ident: _Id) -> Storage:
        nbytes, dtype = ident.nbytes, element_type(_STORAGES.get(ident.kind, ""))
        if ident.key not in self._places or dtype is None:
            raise MalformedFileError(
                f"a tensor in it lies in the storage {printable(ident.key, 40)!r}, which is not there"
            )
        start, present = self._places[ident.key]
        if nbytes != present:
            raise MalformedFileError(
                f"the storage {printable(ident.key, 40)!r} of it says two different lengths"
            )
        read = partial(_stretch, self._view, start, present)
        whole = Storage(kind=ident.kind, nbytes=present, read=read)
        if ident.view is None:
            return whole
        return whole.part(ident.view[0] * dtype.itemsize, ident.view[1] * dtype.itemsize)


def _stretch(view: View, start: int, nbytes: int) -> View:
    return view[start : start + nbytes]


# A stream in a string

_HEAD = 1 << 12
"""Bytes of a string that hold the pickles of a stream with one storage."""


def load_from_bytes(value: Any, steps: Budget) -> Storage:
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


def _storage_in(value: Any, head: bytes, steps: Budget) -> Storage:
    if not LEGACY_MAGIC.match(head):
        raise MalformedFileError("a tensor in it is to be loaded from a string that holds none")
    pickles, keys = _read_five(head, steps)
    ident = _id_of(pickles.roots[3]) if type(pickles.roots[3]) is Record else None
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


# The tar

_DIMENSIONS, _DIMENSIONS_BYTES = "<i4x", 8


def read_tar(data: Data, members: Mapping[str, TarMember], steps: Budget) -> Saved:
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
        raise MalformedFileError(_CUT_SHORT)
    return Saved(root=pickles.roots[0], pickles=pickles, memory=memory, form="tar of torch.save")


def _number(value: Any) -> int:
    """Return an identity of a tensor or a storage, which was its address; -1 for what is none."""
    if type(value) is int:
        return value
    digits = text(value) or ""
    return int(digits) if digits.isdecimal() and digits.isascii() and len(digits) < 20 else -1


class _Reader:
    """Pickles and numbers, one after another."""

    def __init__(self, data: Data, member: TarMember, steps: Budget) -> None:
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
            raise MalformedFileError(_CUT_SHORT)
        return start


def _tar_storages(data: Data, member: TarMember, steps: Budget) -> dict[int, Storage]:
    reader = _Reader(data, member, steps)
    found: dict[int, Storage] = {}
    for _ in range(_sane(reader.pickle())):
        key, _location, kind = reader.fields(3)
        name = kind.name if type(kind) is Global else ""
        dtype = element_type(_STORAGES.get(name, ""))
        (count,) = reader.numbers(1)
        if dtype is None or count < 0:
            raise MalformedFileError("a storage in it is of a class that is not known")
        nbytes = count * dtype.itemsize
        start = reader.move(nbytes) if nbytes else reader.position
        read = partial(_stretch, view_of(data), start, nbytes)
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
    data: Data, member: TarMember, storages: Mapping[int, Storage], steps: Budget
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
