"""The members of a zip, without unpacking it to disk.

A stored member is a view of the file; a deflated one is inflated when it is asked for, within the budget.
Names of members are only names: nothing is written anywhere. The format is APPNOTE.TXT of PKWARE, sections
4.3 to 4.5.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from filtviz.errors import MalformedFileError, UnsupportedFileError
from filtviz.reading.containers import Compression, inflate
from filtviz.reading.limits import Budget, Limits
from filtviz.reading.pickle.state import Data

__all__ = ["ZIP_MAGIC", "Member", "read_members"]

ZIP_MAGIC = b"PK\x03\x04"

HEAD = 1 << 17

_END = struct.Struct("<4sHHHHIIH")
_END64_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_ENTRY = struct.Struct("<4sHHHHHHIIIHHHHHII")
_LOCAL = struct.Struct("<4sHHHHHIIIHH")

_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 1
_UTF8 = 0x800
_MOST_INFLATION = 1032  # of deflate, https://zlib.net/zlib_tech.html
_IN_ZIP64 = 0xFFFFFFFF
_LONGEST_COMMENT = 0xFFFF
_RAW_DEFLATE = Compression("deflate", lambda _: False, lambda: zlib.decompressobj(wbits=-15))


@dataclass(frozen=True, kw_only=True)
class Member:
    """One member: its ``name``, how it is compressed, its ``size`` when inflated, and its bytes as stored."""

    name: str
    method: int
    size: int
    stored: memoryview
    budget: Budget

    @property
    def deflated(self) -> bool:
        """Whether the member must be inflated."""
        return self.method == _DEFLATED

    @property
    def most_bytes(self) -> int:
        """The most bytes that the member can hold, whatever the zip says of its size."""
        return min(self.size, len(self.stored) * _MOST_INFLATION) if self.deflated else len(self.stored)

    def head(self) -> bytes:
        """Return the first bytes of the member, as many as the header of an array may have."""
        if not self.deflated:
            return bytes(self.stored[:HEAD])
        try:
            head = zlib.decompressobj(wbits=-15).decompress(self.stored[: 2 * HEAD], HEAD)
        except zlib.error as error:
            raise MalformedFileError(f"a member of the zip is damaged ({error})") from error
        self.budget.spend(len(head))
        return head

    def open(self) -> memoryview:
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
        return memoryview(inflate(_RAW_DEFLATE, self.stored, self.budget))

    def as_data(self, limits: Limits, start: int) -> tuple[bytes, int]:
        """Return what the member holds from ``start`` on, copied, and the position 0 in it."""
        view = self.open()[start:]
        limits.check(
            "allocation", len(view), f"a member of the zip has {len(view):,} bytes that must be copied"
        )
        return bytes(view), 0


def read_members(data: Data, budget: Budget) -> list[Member]:
    """List the members of a zip in the order of its directory.

    Raises:
        MalformedFileError: it is damaged or cut short.
        LimitError: it has too many members.
    """
    try:
        start, size = _directory(data)
        budget.limits.check(
            "members", size // _ENTRY.size, f"it is a zip of {size // _ENTRY.size:,} members or so"
        )
        return list(_entries(data, start, start + size, budget))
    except struct.error as error:
        raise MalformedFileError(
            "it is a zip that is damaged or cut short; copy or download it again"
        ) from error


def _directory(data: Data) -> tuple[int, int]:
    """Return where the directory of the zip begins and how many bytes it has."""
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - _LONGEST_COMMENT - _END.size))
    if end < 0:
        raise struct.error
    *_, size, start, _ = _END.unpack_from(data, end)
    if _IN_ZIP64 in (size, start) and end >= _END64_LOCATOR.size:
        _, _, place, _ = _END64_LOCATOR.unpack_from(data, end - _END64_LOCATOR.size)
        *_, size, start = _END64.unpack_from(data, place if place < len(data) else len(data))
    if start + size > end:
        raise struct.error
    return start, size


def _entries(data: Data, position: int, stop: int, budget: Budget) -> Iterator[Member]:
    while position < stop:
        entry = _ENTRY.unpack_from(data, position)
        flags, method, packed, size = entry[3], entry[4], entry[8], entry[9]
        n_name, n_extra, n_comment, place = entry[10], entry[11], entry[12], entry[16]
        name = position + _ENTRY.size
        extra = name + n_name
        position = extra + n_extra + n_comment
        if entry[0] != b"PK\x01\x02" or position > stop:
            raise struct.error
        size, packed, place = _zip64(bytes(data[extra : extra + n_extra]), size, packed, place)
        if flags & _ENCRYPTED:
            raise UnsupportedFileError("it is a zip with a password; unpack it and name the file inside")
        encoding = "utf-8" if flags & _UTF8 else "cp437"
        yield Member(
            name=str(data[name:extra], encoding, "replace"),
            method=method,
            size=size,
            stored=_stored(data, place, packed),
            budget=budget,
        )


def _zip64(extra: bytes, *numbers: int) -> list[int]:
    """Replace the numbers that do not fit in 32 bits by those of the extra field 1, in order."""
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


def _stored(data: Data, place: int, packed: int) -> memoryview:
    """Return the bytes of a member, behind its local header at ``place``."""
    if place + _LOCAL.size > len(data):
        raise struct.error
    header = _LOCAL.unpack_from(data, place)
    start = place + _LOCAL.size + header[9] + header[10]
    if header[0] != ZIP_MAGIC or start + packed > len(data):
        raise struct.error
    return memoryview(data)[start : start + packed]
