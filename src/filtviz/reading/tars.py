"""The members of a tar, where they lie: nothing is unpacked, and a member that is no plain file is no member.

The format is POSIX's ``ustar``, as Python's ``tarfile`` writes it: a header of 512 bytes, the file, zeros up
to the next multiple of 512. ``tarfile`` itself follows links between members, and its names may be paths.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from filtviz.errors import MalformedFileError
from filtviz.reading.limits import Limits
from filtviz.reading.stretch import Data

__all__ = ["TarMember", "is_tar", "read_tar_members"]

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
