"""What ``torch.save`` wrote before 0.1.10: a tar of storages, tensors and a pickle that refers to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from filtviz.errors import MalformedFileError
from filtviz.reading.formats.torch.storages import (
    CUT_SHORT,
    OldTensor,
    Saved,
    Storage,
    stretch_of,
    type_of_storage,
)
from filtviz.reading.limits import Spending
from filtviz.reading.pickle.machine import read_pickles
from filtviz.reading.pickle.opcodes import PERSISTENT
from filtviz.reading.pickle.records import Global, Record, elements, text
from filtviz.reading.stretch import Data, unpack, view_of
from filtviz.reading.tars import TarMember

__all__ = ["read_tar"]

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
        start = reader.move(nbytes) if nbytes else reader.position
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
