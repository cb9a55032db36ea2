"""Small zips with each byte another one, and stretches of files that are read in each way.

Told are the members with what they hold, or why it is refused; of a stretch, which bytes are read for it.
"""

from __future__ import annotations

import os
import random
import re
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from filtviz.errors import FiltvizError
from filtviz.reading.limits import Inflation, Limits
from filtviz.reading.stretch import CHUNK, PAGE, File, Stretch, in_memory, unpack, view_of
from filtviz.reading.zips import Member, read_members
from tests.reading.operators.asking import Told
from tests.telling import refused

__all__ = ["zips"]

FULL = 0xFFFFFFFF
TEXT = b"what it holds"


def _deflated(data: bytes) -> bytes:
    """A stream of deflate that compresses nothing, which every library writes alike."""
    return b"\x01" + struct.pack("<HH", len(data), len(data) ^ 0xFFFF) + data


def _zip(
    *,
    names: tuple[bytes, ...] = (b"a", b"dir/b"),
    methods: tuple[int, ...] = (0, 8),
    big: bool = False,
    later: bool = False,
    comment: bytes = b"",
    before: bytes = b"",
    flags: int = 0,
    extra: bytes = b"",
    between: bytes = b"",
    note: bytes = b"",
    end64: bool = False,
    said: Any = None,
    both: Any = None,
) -> bytes:
    """A zip of members that hold `TEXT`, with what is unusual."""
    body, directory = before, b""
    for name, method in zip(names, methods, strict=True):
        data = TEXT if method != 8 else _deflated(TEXT)
        place, checked = len(body), zlib.crc32(TEXT)
        marks = flags | 8 * later
        sizes = (FULL, FULL) if big else (0, 0) if later else both or (len(data), len(TEXT))
        own = struct.pack("<HHQQ", 1, 16, len(TEXT), len(data)) if big else b""
        body += struct.pack(
            "<4sHHHHHIIIHH", b"PK\3\4", 20, marks, method, 0, 0, checked, *sizes, len(name), len(own + extra)
        )
        body += (
            name
            + extra
            + own
            + data
            + (struct.pack("<4sIII", b"PK\7\x08", checked, len(data), len(TEXT)) if later else b"")
            + between
        )
        sizes = (FULL, FULL) if big else said or both or (len(data), len(TEXT))
        more = struct.pack("<HHQQQ", 1, 24, len(TEXT), len(data), place) if big else b""
        directory += struct.pack(
            "<4sHHHHHHIIIHHHHHII",
            b"PK\1\2",
            20,
            20,
            marks,
            method,
            0,
            0,
            checked,
            *sizes,
            len(name),
            len(extra + more),
            len(note),
            0,
            0,
            0,
            FULL if big else place,
        )
        directory += name + extra + more + note
    start, size = len(body), len(directory)
    body += directory
    if end64:
        body += struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, len(names), len(names), size, start)
        body += struct.pack("<4sIQI", b"PK\6\7", 0, start + size, 1)
        start = size = FULL
    return (
        body
        + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, len(names), len(names), size, start, len(comment))
        + comment
    )


def _told(data: bytes, *, again: bool = False, members: int = 100) -> str:
    budget = Inflation(Limits(members=members, allocation=12))
    budget.present = len(data)
    try:
        told = "; ".join(_member(one) for one in read_members(data, budget, again=again))
    except FiltvizError as error:
        told = refused(error)
    return f"{_plain(told)} ({budget.used} inflated)"


def _plain(text: str) -> str:
    return re.sub(
        r"(damaged|cut short) \((?!it ends early).*?\)", r"\1 (...)", text
    )  # each zlib says it in its own words


def _member(one: Member) -> str:
    told = [
        f"{one.name!r} {one.method} {one.size} {len(one.stored)} {one.most_bytes} {one.deflated} {one.again}"
    ]
    for ask in (
        lambda: one.head(4),
        lambda: one.open(),
        lambda: one.copy(Limits()),
        lambda: one.copy(one.budget.limits, 2),
        lambda: one.head(),
    ):
        try:
            held = bytes(in_memory(ask()))
            told.append(held.decode("latin-1") if len(held) < 20 else f"{held[:9]!r}~{len(held)}")
        except FiltvizError as error:
            told.append(_plain(refused(error))[:120])
    return " ".join(dict.fromkeys(told))


def _whole() -> Told:
    for words, how in {
        "usual": {},
        "with 64 bits": {"big": True},
        "with 64 bits at the end": {"end64": True},
        "with sizes behind": {"later": True},
        "with a comment": {"comment": b"c" * 9},
        "behind others": {"before": b"x" * 9},
        "with a password": {"flags": 1},
        "with a password, in UTF-8": {"flags": 0x801},
        "with other marks": {"flags": 0x806},
        "in UTF-8": {"flags": 0x800, "names": (b"\xc3\xa9", b"\xff")},
        "in other letters": {"names": (b"\x82", b"\xff")},
        "with more fields": {"extra": b"\7\0\2\0xy"},
        "with half a field": {"extra": b"\7\0\2"},
        "with bytes between": {"between": b"zz"},
        "with notes of its members": {"note": b"PK\1\2 a note"},
        "with notes and more fields": {"note": b"n", "extra": b"\7\0\2\0xy"},
        "of a folder": {"names": (b"a/", b"b")},
        "of one name": {"names": (b"a", b"a")},
        "of other methods": {"methods": (1, 12)},
        "with other sizes": {"said": (5, 5)},
        "with more packed than there is": {"both": (9, 5), "methods": (0, 0)},
        "with less packed than there is": {"both": (5, 9), "methods": (0, 0)},
        "whose last member goes on in the directory": {"both": (30, 30), "names": (b"a",), "methods": (0,)},
        "whose last member ends with the file": {"both": (82, 82), "names": (b"a",), "methods": (0,)},
        "whose last member goes on behind it": {"both": (83, 83), "names": (b"a",), "methods": (0,)},
        "with a password, of none": {"flags": 1, "both": (0, 0)},
        "of none": {"names": (), "methods": ()},
        "with 64 bits and more": {"big": True, "extra": b"\7\0\2\0xy"},
        "with a field of 64 bits that is not needed": {"extra": b"\1\0\0\0"},
        "all of it": {"big": True, "later": True, "end64": True, "comment": b"PK\5\6"},
    }.items():
        yield f"zip {words}", _told(_zip(**how))
        yield f"zip {words}, again", _told(_zip(**how), again=True)
    size, start = struct.unpack("<II", _zip()[-10:-2])
    for words, ends in {"size": (FULL, start), "start": (size, FULL), "neither": (size, start)}.items():
        data = _zip(end64=True)[:-10] + struct.pack("<IIH", *ends, 0)
        yield f"zip whose {words} stands in 64 bits", _told(data)
    for n in (2, 3):
        data = _zip(names=tuple(bytes([97 + i]) for i in range(n)), methods=(0,) * n)
        yield f"zip of {n} of 2 members", _told(data, members=2)
    for n in (0xFFFF - 1, 0xFFFF, 0xFFFF + 1):
        yield (
            f"zip with a comment of {n}",
            _told(_zip(comment=b"c" * (n & 0xFFFF)) + b"c" * (n - (n & 0xFFFF))),
        )
    yield "zip twice", _told(_zip() + _zip())
    yield "zip over zips", _overlapping()


def _overlapping() -> str:
    """Two entries that are one member."""
    data = bytearray(_zip(names=(b"a", b"a"), methods=(0, 0)))
    second = data.find(b"PK\1\2", data.find(b"PK\1\2") + 1)
    data[second + 42 : second + 46] = struct.pack("<I", 0)
    return _told(bytes(data))


def _each_byte() -> Told:
    for words, data in (
        ("", _zip()),
        (" with 64 bits", _zip(big=True, end64=True, names=(b"n",), methods=(8,))),
        (" with sizes behind", _zip(later=True, names=(b"n",), methods=(8,))),
    ):
        answers: dict[str, list[str]] = {}
        held = {at for one in re.finditer(TEXT, data) for at in range(one.start() + 1, one.end() - 1)}
        for at in sorted({*range(len(data))} - held):
            for change in (1, 0x80):
                made = data[:at] + bytes([data[at] ^ change]) + data[at + 1 :]
                answers.setdefault(_told(made), []).append(f"{at}{'+' * (change > 1)}")
        for at in range(len(data)):
            answers.setdefault(_told(data[:at]), []).append(f"to {at}")
            answers.setdefault(_told(data[at:]), []).append(f"from {at}")
        yield from ((f"zip{words} {' '.join(places)}", answer) for answer, places in answers.items())


# Stretches


def _file(data: bytes) -> Stretch:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return Stretch.of(os.dup(file.fileno()))


class _Read:
    """What is read of files, as pairs of a place and a length."""

    def __enter__(self) -> list[tuple[int, int]]:
        self.real = real = File._read_once
        found: list[tuple[int, int]] = []

        def noted(file: File, start: int, length: int) -> bytes:
            found.append((start, length))
            return real(file, start, length)

        File._read_once = noted  # type: ignore[method-assign]
        return found

    def __exit__(self, *_: object) -> None:
        File._read_once = self.real  # type: ignore[method-assign]


def _stretches() -> Told:
    data = bytes(random.Random("stretch").randbytes(3 * PAGE + 100))
    numbers = (
        0,
        1,
        5,
        PAGE - 1,
        PAGE,
        PAGE + 1,
        2 * PAGE,
        3 * PAGE + 99,
        3 * PAGE + 100,
        3 * PAGE + 101,
        1 << 40,
        -1,
        -100,
        -PAGE,
    )
    asked: list[tuple[str, Callable[[Stretch], Any]]] = []
    for n in numbers:
        asked += [
            (f"from {n}", lambda one, n=n: one[n:]),
            (f"to {n}", lambda one, n=n: one[:n]),
            (f"at {n}", lambda one, n=n: one[n]),
            (f"at {n} to 3 more", lambda one, n=n: one[n : n + 3]),
        ]
        asked += [
            (f"unpacked at {n}", lambda one, n=n: unpack("<HB", one, n)),
            (f"behind 7, from {n}", lambda one, n=n: one[7:][n : n + 2]),
            (f"held {n} to 9 more", lambda one, n=n: one.held(n, n + 9) if n >= 0 else b""),
        ]
        asked += [
            (f"found from {n}", lambda one, n=n: one.find(data[PAGE : PAGE + 4], n)),
            (f"found last from {n}", lambda one, n=n: one.rfind(data[PAGE : PAGE + 4], max(n, 0))),
        ]
    asked += [
        ("whole", lambda one: one),
        ("nowhere", lambda one: one.find(b"nobody is here")),
        ("the same", lambda one: one[:] is one),
        ("backwards", lambda one: one[9:3]),
        ("length", len),
        ("view", lambda one: view_of(one) is one),
    ]
    for words, ask in asked:
        one = _file(data)
        with _Read() as found:
            told = _answer(ask, one)
        memory = (
            _answer(ask, memoryview(data))
            if not words.startswith(("held", "found", "the same", "view", "nowhere"))
            else told
        )
        differs = "" if memory == told else f", in memory {memory}"
        yield f"stretch {words}", f"{told} {found}{differs}"
    for size in (PAGE, CHUNK - 1, CHUNK, CHUNK + 2):
        one = _file(bytes(size) + b"wanted" + bytes(9))
        with _Read() as found:
            place = one.find(b"wanted"), one.find(b"wanted", size + 1), one.rfind(b"wanted", size)
        yield f"stretch searched for {size}", f"{place} {found}"
    one = _file(data)
    with _Read() as found:
        for start in (0, PAGE, 5, PAGE + 5, 2 * PAGE, 3 * PAGE + 99):
            bytes(one[start : start + 1])
        for _ in range(4):
            one[:PAGE].held(0, PAGE)
        part = one[5:9]
        kept = part.held(0, 4), part.held(1, 3)
    yield "stretch asked again", f"{[bytes(each).hex() for each in kept]} {found}"
    yield from _pages()


def _answer(ask: Callable[[Any], Any], one: Any) -> str:
    try:
        found = ask(one)
        held = bytes(found) if isinstance(found, Stretch | memoryview | bytes) else None
        return repr(found) if held is None else f"{len(held)} {zlib.crc32(held):08x}"
    except (FiltvizError, IndexError, struct.error, OverflowError) as error:
        return type(error).__name__


def _pages() -> Iterator[tuple[str, str]]:
    """How many pages of a file are kept."""
    one = _file(bytes(70 * PAGE))
    with _Read() as found:
        for page in (*range(65), 0, 1, 64, 2):
            one[page * PAGE + 3]
    yield "stretch of many pages", f"{len(found)} {found[-4:]} {len(one.file._pages)}"


def zips() -> Told:
    """Zips, each byte of them, and stretches."""
    yield from _whole()
    yield from _each_byte()
    yield from _stretches()
