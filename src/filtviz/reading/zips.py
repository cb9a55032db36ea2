"""The members of a zip, without unpacking it to disk.

A stored member is a view of the file; a deflated one is inflated when it is asked for, within the budget.
Names of members are only names: nothing is written anywhere. The format is APPNOTE.TXT of PKWARE, sections
4.3 to 4.5.

Python's ``zipfile`` is not used: it lists all members before anyone can count them, cuts names at a zero and
passes over what stands before the zip (so that it reads another file than the next program), never compares
the two headers that a member has, and gives streams where arrays must stay views of the file. A member's own
header must therefore be read here anyway; the directory takes thirty lines more, and no more time.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from filtviz.errors import MalformedFileError, UnsupportedFileError
from filtviz.reading.containers import Compression, inflate
from filtviz.reading.limits import Inflation, Limits
from filtviz.reading.stretch import Data, View, in_memory, view_of

__all__ = ["ZIP_MAGIC", "Member", "read_members"]

ZIP_MAGIC = b"PK\x03\x04"

HEAD = 1 << 17

_END = struct.Struct("<4sHHHHIIH")
_END64_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_ENTRY = struct.Struct("<4sHHHHHHIIIHHHHHII")
_LOCAL = struct.Struct("<4sHHHHHIIIHH")

_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _SIZES_FOLLOW, _UTF8 = 1, 8, 0x800
_MOST_INFLATION = 1032  # of deflate, https://zlib.net/zlib_tech.html
_IN_ZIP64 = 0xFFFFFFFF
_LONGEST_COMMENT = 0xFFFF
_RAW_DEFLATE = Compression("deflate", lambda _: False, lambda: zlib.decompressobj(wbits=-15))


@dataclass(frozen=True, kw_only=True)
class Member:
    """One member: its ``name``, how it is compressed, its ``size`` when inflated, and its bytes as stored.

    ``again`` tells that the zip came out of another container, so that its members are inflated once more.
    """

    name: str
    method: int
    size: int
    stored: View
    budget: Inflation
    again: bool

    @property
    def deflated(self) -> bool:
        """Whether the member must be inflated."""
        return self.method == _DEFLATED

    @property
    def most_bytes(self) -> int:
        """The most bytes that the member can hold, whatever the zip says of its size."""
        return min(self.size, len(self.stored) * _MOST_INFLATION) if self.deflated else len(self.stored)

    def head(self, length: int = HEAD) -> bytes:
        """Return the first bytes of the member: by default as many as the header of an array may have."""
        if not self.deflated:
            return bytes(self.stored[:length])
        start = self.stored[: 2 * HEAD]
        self.budget.begin_stream()
        self.budget.read_again(len(start) * self.again)
        try:
            head = zlib.decompressobj(wbits=-15).decompress(in_memory(start), length)
        except zlib.error as error:
            raise MalformedFileError(f"a member of the zip is damaged ({error})") from error
        self.budget.spend(len(head))
        return head

    def open(self) -> View:
        """Return what the member holds.

        Raises:
            MalformedFileError: its stream is damaged.
            UnsupportedFileError: it is compressed in a way that numpy never uses.
        """
        if self.method == _STORED:
            return self.stored
        if not self.deflated:
            raise UnsupportedFileError(
                f"a member of the zip is compressed by method {self.method}, which numpy never uses; "
                "unpack it and name the file in it"
            )
        return memoryview(inflate(_RAW_DEFLATE, self.stored, self.budget, again=self.again))

    def copy(self, limits: Limits, start: int = 0) -> bytes:
        """Return what the member holds from ``start`` on, as bytes of its own.

        Raises:
            LimitError: that is more than may be copied.
        """
        view = self.open()[start:]
        limits.check(
            "allocation", len(view), f"a member of the zip has {len(view):,} bytes that must be copied"
        )
        return bytes(view)


def read_members(data: Data, budget: Inflation, *, again: bool = False) -> tuple[Member, ...]:
    """List the members of a zip in the order of its directory; folders are none.

    Args:
        data: The zip.
        budget: What its members may inflate to.
        again: Whether the zip came out of another container.

    Raises:
        MalformedFileError: it is damaged or cut short, its members overlap, or what a member's own header
            says is not what the directory says: two programs would see two different files.
        UnsupportedFileError: a member is encrypted.
        LimitError: it has too many members.
    """
    try:
        start, size = _directory(data)
        budget.limits.check(
            "members", size // _ENTRY.size, f"it is a zip of {size // _ENTRY.size:,} members or so"
        )
        found = list(_entries(data, start, start + size, budget, again=again))
    except struct.error as error:
        raise MalformedFileError(
            "it is a zip that is damaged or cut short; copy or download it again"
        ) from error
    stretches = [*sorted(stretch for stretch, _ in found), (start, start)]
    if any(one[1] > other[0] for one, other in pairwise(stretches)):
        raise _overlap()
    return tuple(member for _, member in found if not member.name.endswith("/"))


def _overlap() -> MalformedFileError:
    return MalformedFileError("it is a zip whose members overlap, as no program writes them")


def _directory(data: Data) -> tuple[int, int]:
    """Return where the directory of the zip begins and how many bytes it has."""
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - _LONGEST_COMMENT - _END.size))
    if end < 0:
        raise struct.error
    *_, size, start, _ = _unpack(_END, data, end)
    if _IN_ZIP64 in (size, start):
        _, _, place, _ = _unpack(_END64_LOCATOR, data, end - _END64_LOCATOR.size)
        *_, size, start = _unpack(_END64, data, place)
    if start + size > end:
        raise struct.error
    return start, size


def _unpack(record: struct.Struct, data: Data, place: int) -> tuple[Any, ...]:
    return record.unpack(bytes(data[place : place + record.size]))


class _Header(NamedTuple):
    """What is said of a member twice: in the directory, and before the member itself."""

    name: bytes
    method: int
    packed: int
    size: int


def _entries(
    data: Data, position: int, stop: int, budget: Inflation, *, again: bool
) -> Iterator[tuple[tuple[int, int], Member]]:
    """Yield each member with the stretch of the file that it takes, its own header included."""
    left = len(data)
    while position < stop:
        entry = _unpack(_ENTRY, data, position)
        flags, packed, size, place = entry[3], entry[8], entry[9], entry[16]
        name = position + _ENTRY.size
        extra = name + entry[10]
        comment = extra + entry[11]
        position = comment + entry[12]
        if entry[0] != b"PK\x01\x02" or position > stop:
            raise struct.error
        size, packed, place = _zip64(bytes(data[extra:comment]), size, packed, place)
        if flags & _ENCRYPTED:
            raise UnsupportedFileError("it is a zip with a password; unpack it and name the file inside")
        said = _Header(bytes(data[name:extra]), entry[4], packed, size)
        left -= _own_length(data, place)
        if left < 0:
            raise _overlap()  # before each of a thousand entries has gone through one long header
        start = _agreeing_start(data, place, said)
        member = Member(
            name=str(said.name, "utf-8" if flags & _UTF8 else "cp437", "replace"),
            method=said.method,
            size=size,
            stored=view_of(data)[start : start + packed],
            budget=budget,
            again=again,
        )
        yield (place, start + packed), member


def _zip64(extra: bytes, *numbers: int) -> Sequence[int]:
    """Replace the numbers that do not fit in 32 bits by those of the extra field 1, in order."""
    if _IN_ZIP64 not in numbers:
        return numbers
    found = list(numbers)
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        position += 4
        if kind == 1:
            for i, number in enumerate(numbers):
                if number == _IN_ZIP64:
                    found[i] = struct.unpack_from("<Q", extra, position)[0]
                    position += 8
            break
        position += length
    return found


def _own_length(data: Data, place: int) -> int:
    """Return how many bytes a member's own header takes."""
    header = _unpack(_LOCAL, data, place)
    length: int = _LOCAL.size + header[9] + header[10]
    return length


def _agreeing_start(data: Data, place: int, said: _Header) -> int:
    """Return where a member's bytes begin, behind its own header at ``place``, which must say the same."""
    header = _unpack(_LOCAL, data, place)
    name = place + _LOCAL.size
    extra = name + header[9]
    start: int = extra + header[10]
    if header[0] != ZIP_MAGIC or start + said.packed > len(data):
        raise struct.error
    size, packed = _zip64(bytes(data[extra:start]), header[8], header[7])
    if header[2] & _SIZES_FOLLOW:
        size, packed = said.size, said.packed
    own = _Header(bytes(data[name:extra]), header[3], packed, size)
    if own != said or header[2] & _ENCRYPTED or (said.method == _STORED and packed != size):
        raise MalformedFileError("it is a zip that says two different things of a member")
    return start
