"""The members of a tar lie where Python's ``tarfile`` says, and each damage of a header is told."""

from __future__ import annotations

import io
import tarfile
from typing import Any

import pytest

from filtviz.errors import LimitError, MalformedFileError
from filtviz.reading.formats.torch.older_files import TarMember, is_tar, read_tar_members
from filtviz.reading.limits import Limits

SIZES = (0, 1, 511, 512, 513, 5000)
DAMAGED = "it is a tar that is damaged; copy or download it again"
CUT = "it is a tar that was cut short; copy or download it again"


def packed(**kinds: bytes) -> bytes:
    """Files of each size; of one that is named, of another kind."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for size in SIZES:
            info = tarfile.TarInfo(f"./n{size}" if size % 2 else f"n{size}")
            info.size, info.type = size, kinds.get(f"n{size}", tarfile.REGTYPE)
            archive.addfile(info, io.BytesIO(bytes(size)))
    return stream.getvalue()


def members(data: bytes, **limits: Any) -> tuple[TarMember, ...]:
    return read_tar_members(memoryview(data), Limits(**limits))


def test_members_lie_where_tarfile_says() -> None:
    data = packed()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        wanted = [(one.name.removeprefix("./"), one.offset_data, one.size) for one in archive.getmembers()]
    assert [(one.name, one.start, one.size) for one in members(data)] == wanted
    assert is_tar(data)
    assert not is_tar(b"x" * 257 + b"ustax" + b"x" * 300)


@pytest.mark.parametrize("kind", [b"0", b"\0", b"7"])
def test_plain_files_of_every_kind_are_members(kind) -> None:
    assert [one.name for one in members(packed(n512=kind))] == [f"n{size}" for size in SIZES]


@pytest.mark.cases("all")
@pytest.mark.parametrize("kind", [b"1", b"2", b"5", b"x"])
def test_links_and_folders_are_no_members(kind) -> None:
    data = bytearray(packed())
    data[512 + 156 : 512 + 157] = kind  # of the second, which has one byte
    assert [one.name for one in members(bytes(data))] == [f"n{size}" for size in SIZES if size != 1]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("at", "put"),
    [
        (257, b"u5tar"),
        (124, b"00000000018\0"),
        (124, b"00000000091\0"),
        (124, b"0000000001a\0"),
        (124, b"-0000000001\0"),
        (124, b"\0" * 12),
        (124, b" " * 12),
    ],
)
def test_a_damaged_header_is_told(at, put) -> None:
    data = bytearray(packed())
    data[512 + at : 512 + at + len(put)] = put
    with pytest.raises(MalformedFileError) as caught:
        members(bytes(data))
    assert str(caught.value) == DAMAGED


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "put", [b"00000000001\0", b"00000000001 ", b" 1 \0\0\0\0\0\0\0\0\0", b"1" + b"\0" * 11]
)
def test_a_size_stands_between_blanks_and_zeros(put) -> None:
    data = bytearray(packed())
    data[512 + 124 : 512 + 136] = put
    assert members(bytes(data)) == members(packed())


def test_a_tar_that_was_cut_short_is_told() -> None:
    data = packed()
    last = members(data)[-1]
    assert members(data[: last.start + last.size]) == members(data)
    with pytest.raises(MalformedFileError) as caught:
        members(data[: last.start + last.size - 1])
    assert str(caught.value) == CUT
    assert members(data[: last.start - 1]) == members(data)[:-1]  # less than a header is none


def test_behind_a_block_of_zeros_nothing_is_looked_for() -> None:
    assert members(bytes(512) + packed()) == ()
    assert members(b"") == ()


def test_members_are_counted() -> None:
    n = len(SIZES)
    assert len(members(packed(), members=n)) == n
    with pytest.raises(LimitError, match=f"it is a tar of {n} members or more"):
        members(packed(), members=n - 1)
