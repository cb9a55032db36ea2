"""The memory in which PyTorch's tensors lie: types, storages, and how a pickle names them.

A pickle of PyTorch's describes its tensors and leaves their bytes out. Each names a storage, by a persistent
id: class, key, location, number of elements. There are four places where that storage can be:

- a zip (since 1.6): ``ROOT/data.pkl``, and the storages as members ``ROOT/data/KEY``. TorchScript's zips have
  ``constants.pkl`` and ``constants/KEY`` beside them. `zipped.py` reads it.
- a stream (0.1.10 to 1.5): five pickles, a magic number, a version, facts about the machine, the object, the
  storages' keys; then for each key the number of its elements and its bytes.
- a tar (before): ``storages``, ``tensors`` and ``pickle``, which refers to tensors. `older_files.py` reads it
  and the stream.
- a string in a plain pickle: ``torch.storage._load_from_bytes(b"…")``, a whole stream for each storage.

See ``torch/serialization.py``. Where a storage was (``cuda:0``) is only a tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from filtviz.errors import MalformedFileError
from filtviz.reading.arrays import ElementType, StoredArray, narrow_dtype, strided
from filtviz.reading.limits import Limits
from filtviz.reading.pickle.machine import Pickles
from filtviz.reading.pickle.opcodes import PERSISTENT
from filtviz.reading.pickle.records import (
    Global,
    Record,
    elements,
    text,
)
from filtviz.reading.stretch import Buffer, View

__all__ = [
    "CUT_SHORT",
    "Ident",
    "Memory",
    "OldTensor",
    "Saved",
    "Storage",
    "element_type",
    "id_of",
    "stretch_of",
    "type_of_storage",
]

CUT_SHORT = "it is a file of torch.save that was cut short; copy or download it again"

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


def type_of_storage(kind: str, *, big_endian: bool = False) -> ElementType | None:
    """Return the type of the elements of a class of storages (``FloatStorage``), or None."""
    return element_type(_STORAGES.get(kind, ""), big_endian=big_endian)


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
        return type_of_storage(self.kind, big_endian=self.big_endian)

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


class Ident(NamedTuple):
    """A storage as a pickle names it; ``n`` are its elements, ``view`` is a part (start, elements)."""

    kind: str
    key: str
    n: int
    view: tuple[int, int] | None

    @property
    def nbytes(self) -> int | None:
        """Its bytes, None for a class that is not known."""
        dtype = type_of_storage(self.kind)
        return None if dtype is None else self.n * dtype.itemsize


def id_of(record: Record) -> Ident | None:
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
    return Ident(told[0].name, key, count, _view(told[4]) if len(told) == 5 else None)


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


def stretch_of(view: View, start: int, nbytes: int) -> View:
    """Return the bytes of a storage that lies in a view of the file.

    Args:
        view: The file.
        start: Where they begin.
        nbytes: How many there are.
    """
    return view[start : start + nbytes]
