"""Tars, as ``torch.save`` wrote them in 2016, each with one fact changed."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

from filtviz.errors import FiltvizError
from filtviz.reading.formats.torch import older_files
from filtviz.reading.limits import Limits
from tests.reading import torch_making
from tests.reading.making import Named
from tests.reading.operators.asking import Told
from tests.reading.operators.older import told_of
from tests.reading.operators.torch_tensors import ONES
from tests.telling import refused

__all__ = ["tars"]

FLOAT = Named("torch.FloatStorage")


def _member(
    name: str, data: bytes, *, kind: bytes = b"0", size: bytes | None = None, magic: bytes = b"ustar"
) -> bytes:
    head = bytearray(512)
    head[: len(name)] = name.encode("latin-1")
    head[124:136] = f"{len(data):011o}\0".encode() if size is None else size.ljust(12, b"\0")
    head[156:157] = kind
    head[257 : 257 + len(magic)] = magic
    return bytes(head) + data + bytes(-len(data) % 512)


def _members() -> Iterator[tuple[str, bytes]]:
    end = bytes(1024)
    yield "nothing", b""
    yield "zeros", end
    yield "half a block", _member("a", b"x")[:511]
    yield "a block", _member("a", b"")
    yield "one", _member("a", b"x") + end
    yield "no end", _member("a", b"x" * 512)
    yield "no zeros behind", _member("a", b"xyz")[:515]
    yield "a byte less", _member("a", b"xyz")[:514]
    yield "behind the end", _member("a", b"x") + end + _member("b", b"y")
    for n in (511, 512, 513, 1024):
        yield f"{n} bytes and one", _member("a", b"x" * n) + _member("b", b"y") + end
    for kind in (b"0", b"\0", b"7", b"1", b"2", b"5", b"x", b"g"):
        yield f"kind {kind!r}", _member("a", b"x", kind=kind) + _member("b", b"y") + end
    for size in (b"1", b"00000000001", b" 1 ", b"8", b"9", b"-1", b"", b"1x", b"777777777777", b"\x80", b"0"):
        yield f"size {size!r}", _member("a", b"x", size=size) + _member("b", b"y") + end
    for name in ("./a", "././a", "dir/a", "a\0b", "\xff", "n" * 100, ""):
        yield f"name {name!r}"[:30], _member(name, b"x") + end
    for magic in (b"ustar", b"ustaR", b"", b"ustar\0", b"ustar  "):
        yield f"magic {magic!r}", _member("a", b"x", magic=magic) + end
        yield f"second magic {magic!r}", _member("a", b"x") + _member("b", b"x", magic=magic) + end
    for n in (3, 4):
        yield f"{n} members", b"".join(_member(str(i), b"x") for i in range(n)) + end


def _members_told(data: bytes) -> str:
    try:
        found = older_files.read_tar_members(data, Limits(members=3))
    except FiltvizError as error:
        return refused(error)
    held = "; ".join(f"{one.name!r:.20} {one.start} {one.size}" for one in found)
    return f"{older_files.is_tar(data[:300])} {held}"


def _named(value: Any) -> bytes:
    return torch_making._named(value)


class _Tar:
    """The parts of a tar, each to be changed."""

    def __init__(self) -> None:
        self.storages = [
            _named(1),
            _named((1000, "cpu", FLOAT)),
            struct.pack("<q", 6),
            ONES.tobytes(),
            _named([]),
        ]
        numbers = struct.pack("<i4x5q", 2, 2, 3, 3, 1, 0)
        self.tensors = [_named(1), _named((5000, 1000, Named("torch.FloatTensor"))), numbers]
        self.root = {"a": torch_making._Persistent(5000)}

    def told(self, pickled: bytes | None = None, *, is_last: bool = False, is_padded: bool = True) -> str:
        buffer = io.BytesIO()
        torch_making._TarSaver(buffer, 2).dump(self.root)
        held = {
            "pickle": buffer.getvalue() if pickled is None else pickled,
            "tensors": b"".join(self.tensors),
            "storages": b"".join(self.storages),
        }
        members = [_member(name, one) for name, one in held.items()]
        if not is_padded:
            members[-1] = members[-1][: 512 + len(held["storages"])]
        data = b"".join(members if not is_padded else members[::-1] if is_last else [*members, bytes(1024)])
        try:
            inside = {one.name: one for one in older_files.read_tar_members(data, Limits())}
        except FiltvizError as error:
            return refused(error)
        return told_of(older_files.read_tar, data, inside)


def _tars() -> Told:
    def changed(part: str, place: int, *values: tuple[str, bytes]) -> Told:
        for words, value in values:
            tar = _Tar()
            getattr(tar, part)[place] = value
            yield f"{part} {place} {words}", tar.told()

    yield "as it is", _Tar().told()
    for n in (0, 2, -1, "1", None):
        yield from changed("storages", 0, (f"{n!r} of them", _named(n)))
        yield from changed("tensors", 0, (f"{n!r} of them", _named(n)))
    for key in (
        1000,
        "1000",
        b"1000",
        1001,
        None,
        "1" * 20,
        "0",
        -1,
        "-1",
        "1000 ",
        "\u0661\u0660\u0660\u0660",
    ):
        yield from changed("storages", 1, (f"key {key!r}", _named((key, "cpu", FLOAT))))
        yield from changed("tensors", 1, (f"in {key!r}", _named((5000, key, FLOAT))))
        yield from changed("tensors", 1, (f"key {key!r}", _named((key, 1000, FLOAT))))
    for kind in (
        Named("torch.DoubleStorage"),
        Named("torch.ByteStorage"),
        Named("torch.DreamStorage"),
        "FloatStorage",
        None,
    ):
        yield from changed(
            "storages", 1, (f"class {getattr(kind, 'path', kind)}", _named((1000, "cpu", kind)))
        )
    for value in ((1000, "cpu"), [1000, "cpu", FLOAT], (1000, "cpu", FLOAT, 1), 5):
        words = f"{type(value).__name__} of {len(value) if isinstance(value, tuple | list) else 0}"
        yield from changed("storages", 1, (words, _named(value)))
        yield from changed("tensors", 1, (words, _named(value)))
    for n in (0, 3, 5, 6, 7, -1, 1 << 40):
        yield from changed("storages", 2, (f"{n} elements", struct.pack("<q", n)))
    for views in (
        [(2000, 1000, 0, 6)],
        [(2000, 1000, 2, 4)],
        [(2000, 1000, 2, 5)],
        [(2000, 1001, 0, 6)],
        [(2000, 1000, 0)],
        [(2000, 1000, 0, 6, 1)],
        [5],
        5,
        None,
        [("2000", "1000", "1", "4")],
        [(2000, 1000, 2, 4), (3000, 2000, 1, 3)],
        [(2000, 1000, -1, 4)],
    ):
        tar = _Tar()
        tar.storages[4] = _named(views)
        yield f"views {views}", tar.told()
        for target in (2000, 3000):
            tar = _Tar()
            tar.storages[4] = _named(views)
            tar.tensors[1:] = [_named((5000, target, FLOAT)), struct.pack("<i4x3q", 1, 2, 1, 1)]
            yield f"views {views} of {target}", tar.told()
    for n in (-1, 0, 1, 2, 3, 32, 33):
        tar = _Tar()
        tar.tensors[2] = struct.pack(f"<i4x{2 * max(n, 0) + 1}q", n, *(1,) * (2 * max(n, 0)), 2)
        yield f"{n} axes", tar.told()
    for numbers in (
        (2, 3, 3, 1, 1),
        (3, 2, 1, 3, 0),
        (2, 3, -3, 1, 0),
        (-2, 3, 3, 1, 0),
        (2, 2, 3, 1, 1),
        (2, 3, 3, 1, -1),
    ):
        yield from changed("tensors", 2, (f"{numbers}", struct.pack("<i4x5q", 2, *numbers)))
    for part in ("storages", "tensors"):
        for cut in range(1, 6):
            tar = _Tar()
            setattr(tar, part, getattr(tar, part)[:-cut])
            yield f"{part} without the last {cut}", tar.told()
        tar = _Tar()
        setattr(tar, part, [b"".join(getattr(tar, part))[:-1]])
        yield f"{part} without the last byte", tar.told()
    for identity in (5000, "5000", "5001", "x", "", "0" * 19, "0" * 16 + "5000"):
        tar = _Tar()
        tar.root = {"a": torch_making._Persistent(identity)}
        yield f"id {identity!r}", tar.told()
    yield "no pickle", _Tar().told(b"")
    yield "no pickle at the end", _Tar().told(b"", is_last=True)
    for cut in range(6):
        tar = _Tar()
        tar.storages = tar.storages[: 5 - cut]
        yield f"storages at the end without the last {cut}", tar.told(is_padded=False)
    yield "a pickle at the end", _Tar().told(is_last=True)
    yield "a pickle that is cut short", _Tar().told(b"\x80\x02")
    yield "two tensors", _two_tensors()


def _two_tensors() -> str:
    tar = _Tar()
    more = [_named((6000, 1001, FLOAT)), struct.pack("<i4x3q", 1, 2, 1, 0)]
    tar.tensors = [_named(2), *tar.tensors[1:], *more]
    second = [
        _named((1001, "cpu", Named("torch.IntStorage"))),
        struct.pack("<q", 2),
        struct.pack("<2i", 7, 9),
    ]
    tar.storages = [_named(2), *tar.storages[1:4], *second, tar.storages[4]]
    tar.root["b"] = torch_making._Persistent(6000)
    return tar.told()


def tars() -> Told:
    """Members of tars, and the three of them that hold tensors."""
    for words, data in _members():
        yield f"members: {words}", _members_told(data)
    yield from ((f"tar: {words}", answer) for words, answer in _tars())
