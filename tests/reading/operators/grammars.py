"""The grammars that several kinds of files share, in memory and on disk: bytes made by hand and by chance."""

from __future__ import annotations

import os
import random
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from filtviz.errors import FiltvizError
from filtviz.reading import flatbuffers, msgpack, npy, protobuf
from filtviz.reading.limits import Limits, Spending, effort
from filtviz.reading.stretch import Stretch, View, in_memory
from tests.reading.operators.asking import Told, numbers_of, part
from tests.reading.variations import varint
from tests.telling import refused

__all__ = ["grammars"]


def _on_disk(data: bytes) -> Stretch:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return Stretch.of(os.dup(file.fileno()))


def _asked(ask: Callable[[View, Spending], str], view: View) -> str:
    """What is answered, and what it took."""
    spent = effort(Limits())
    try:
        answer = ask(view, spent)
    except FiltvizError as error:
        answer = refused(error)
    told = f"{answer} ({spent.used} steps)".encode("unicode_escape", "replace").decode()
    return told if len(told) < 200 else f"{told[:120]}~{len(told)}~{zlib.crc32(told.encode()):08x}"


def _both(ask: Callable[[View, Spending], str], data: bytes) -> str:
    """What is answered, in memory, and on disk where that is something else."""
    told, there = _asked(ask, memoryview(data)), _asked(ask, _on_disk(data))
    return told if told == there else f"{told} but on disk {there}"


def _bytes(view: View | None) -> str:
    held = b"" if view is None else bytes(in_memory(view))
    return "none" if view is None else repr(held) if len(held) < 12 else f"{held[:6]!r}~{len(held)}"


# Protocol buffers

OF_MESSAGES: Mapping[str, Callable[[protobuf.Message, int], Any]] = {
    "has": lambda one, n: one.has(n) or None,
    "integer": lambda one, n: one.integer(n, -7) if one.integer(n, -7) != -7 else None,
    "integers": lambda one, n: one.integers(n) or None,
    "real": lambda one, n: None if one.real(n, 0.5) == 0.5 else f"{one.real(n):.4g}",
    "reals": lambda one, n: [f"{value:.3g}" for value in one.reals(n)] or None,
    "bytes": lambda one, n: None if one.bytes(n) is None else _bytes(one.bytes(n)),
    "pieces": lambda one, n: [_bytes(value) for value in one.pieces(n)] or None,
    "text": lambda one, n: _cut(one.text(n)) or None,
    "texts": lambda one, n: [_cut(value) for value in one.texts(n)] or None,
    "message": lambda one, n: (
        None if (found := one.message(n)) is None else f"{sorted(found.fields)} {found.depth}"
    ),
    "messages": lambda one, n: [sorted(found.fields) for found in one.messages(n)] or None,
}


def _cut(text: str) -> str:
    return text if len(text) < 12 else f"{text[:6]}~{len(text)}"


def _of_message(view: View, spent: Spending, depth: int = 0) -> str:
    message = protobuf.Message(view, spent, depth)
    told = []
    for number in (1, 2, 3):
        for words, ask in OF_MESSAGES.items():
            try:
                found = ask(message, number)
            except FiltvizError as error:
                if words == "has":
                    raise
                found = refused(error)[:60]
            told += [f"{words} {number} {found}"] if found is not None else []
    return "; ".join(told) or "nothing"


def _messages() -> Iterator[tuple[str, bytes]]:
    yield "nothing", b""
    for number in (0, 1, 127, 128, 300, (1 << 62) - 1, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1):
        yield f"number {number}", part(1, number)
    for n in range(1, 12):
        yield f"a number of {n} bytes", b"\x08" + b"\x81" * (n - 1) + b"\x01"
        yield f"a packed number of {n} bytes", part(1, b"\x81" * (n - 1) + b"\x01" + b"\x05")
    yield "a number of more than 64 bits", b"\x08" + b"\xff" * 9 + b"\x7f"
    yield "a number without an end", b"\x08\x81\x81"
    yield "a packed number without an end", part(1, b"\x01\x81")
    for kind in range(8):
        yield f"kind {kind}", varint(1 << 3 | kind) + b"\x08" + b"abcdefgh"
    for field in (0, 1, (1 << 29) - 1, 1 << 29):
        yield f"field {field}", varint(field << 3) + b"\x05" + part(1, 2)
    for length in (0, 7, 8, 9):
        yield f"eight bytes that say {length}", b"\x0a" + bytes([length]) + b"abcdefgh"
        yield f"{length} of eight", (b"\x09" + b"abcdefghi")[: 1 + length]
        yield f"{length} of four", (b"\x0d" + b"\0\0\x80?" + b"\x08\x01xyz")[: 1 + length]
    for n in (3, 4, 5, 7, 8):
        yield f"reals of {n} bytes", part(2, struct.pack("<2f", 1.5, -2)[:n])
    yield "reals one by one and packed", part(2, 1.5) + part(2, struct.pack("<2f", 3, 4)) + part(2, 7)
    yield "two numbers", part(1, 5) + part(1, -6 & (1 << 64) - 1)
    yield "two texts", part(1, "one") + part(1, "two") + part(1, 3)
    yield "odd text", part(3, b"\xff\xc3\xa9")
    yield "a message", part(1, part(1, 5) + part(2, part(3, "x")))
    yield "messages", part(2, part(1, 5)) + part(2, b"") + part(2, part(3, b"x"))
    for n in (4095, 4096, 4097):
        yield f"{n} bytes", part(1, b"x" * n)
        yield f"{n} bytes in a message", part(1, part(1, b"x" * n) + part(2, 3))
    yield "a long text", part(3, b"\xff" * ((1 << 16) + 1))
    yield "a long message", part(1, b"a" * 5000) + part(2, b"b" * 5000) + part(3, 9)
    for n in range(100):
        chance = random.Random(f"message {n}")
        made = b"".join(
            part(chance.choice((1, 1, 2, 3)), _value(chance)) for _ in range(chance.choice((1, 2, 3, 20)))
        )
        cut = chance.randrange(len(made) + 1) if chance.random() < 0.2 else len(made)
        if chance.random() < 0.2 and made:
            at = chance.randrange(len(made))
            made = made[:at] + bytes([chance.randrange(256)]) + made[at + 1 :]
        yield f"by chance {n}", made[:cut]


def _value(chance: random.Random) -> Any:
    way = chance.random()
    if way < 0.3:
        return chance.choice((0, 1, 5, 127, 128, 1 << 31, 1 << 62, (1 << 64) - 1))
    if way < 0.45:
        return chance.choice((1.5, -2.0, 0.0))
    if way < 0.6:
        return chance.choice(("name", "", "é", b"\xff\xfe", b"\x01\x02\x80\x01"))
    if way < 0.7:
        return struct.pack("<2f", 1, 2)
    return part(chance.choice((1, 2, 3)), _value(chance)) if way < 0.95 else b""


# FlatBuffers


def _buffer(fields: Mapping[int, bytes], n: int = 6) -> bytes:
    """A table of n fields: a number where there are up to 8 bytes of it, else what is followed."""
    places, inline, behind = [0] * n, b"", b""
    size = 4 + sum(8 for _ in fields)
    for field, data in fields.items():
        places[field] = 4 + len(inline)
        if len(data) <= 8:
            inline += data.ljust(8, b"\0")
        else:
            inline += struct.pack("<I4x", size - places[field] + len(behind))
            behind += data
    names = struct.pack(f"<HH{n}H", 4 + 2 * n, size, *places)
    start = 4 + len(names) + -len(names) % 4
    head = struct.pack("<I", start) + bytes(-len(names) % 4) + names
    return head + struct.pack("<i", len(names)) + inline + behind


def _vector(layout: str, *values: Any) -> bytes:
    return struct.pack(f"<I{len(values)}{layout}", len(values), *values).ljust(9, b"\0")


def _of_table(view: View, spent: Spending) -> str:
    table = flatbuffers.root_table(view, spent)
    told = []
    for field in range(7):
        for words, ask in (
            ("b", lambda field=field: table.scalar(field, "b", -1)),
            ("f", lambda field=field: f"{table.scalar(field, 'f', 0.5):.3g}"),
            ("i", lambda field=field: table.scalar(field, "i")),
            ("numbers", lambda field=field: table.numbers(field, "i")),
            ("doubles", lambda field=field: [f"{one:.3g}" for one in table.numbers(field, "d")]),
            ("bytes", lambda field=field: _bytes(table.bytes(field))),
            ("text", lambda field=field: _cut(table.text(field))),
            (
                "table",
                lambda field=field: None if (one := table.table(field)) is None else one.scalar(0, "B", 9),
            ),
            ("tables", lambda field=field: [one.scalar(0, "B", 9) for one in table.tables(field)]),
        ):
            try:
                found = ask()
            except FiltvizError as error:
                found = type(error).__name__[:4]
            if found not in (None, -1, 0, "0.5", (), [], "", "b''"):
                told.append(f"{words} {field} {found}")
    return "; ".join(told) or "nothing"


def _buffers() -> Iterator[tuple[str, bytes]]:
    inner = _buffer({0: b"\x05"})[4:]
    inner = inner[-(len(inner) - struct.unpack("<I", _buffer({0: b"\x05"})[:4])[0] + 4) :]
    usual = {
        0: b"\x05\0\0\0",
        1: struct.pack("<f", 1.5),
        2: _vector("i", 1, -2, 3),
        3: _vector("B", *b"a text"),
        5: _vector("d", 0.5, 2),
    }
    whole = _buffer(usual)
    yield "usual", whole
    yield "nothing", b""
    yield "no fields", _buffer({}, 0)
    yield "one field", _buffer({0: b"\x05"}, 1)
    for length in range(0, len(whole), 3):
        yield f"{length} bytes", whole[:length]
    start = struct.unpack("<I", whole[:4])[0]
    for at, layout, values in (
        (0, "<I", (0, 1, len(whole) - 4, len(whole), (1 << 32) - 1)),
        (start, "<i", (0, start - 1, start, start + 1, -4, -len(whole), 1 << 30, -(1 << 31))),
        (start - 16, "<H", (0, 2, 3, 4, 6, 15, 16, 17, 200)),
        (start - 12, "<H", (0, 1, 4, 40, 60000)),
        (start + 4 + 16, "<I", (0, 4, 60, 1 << 31)),
    ):
        for value in values:
            made = bytearray(whole)
            made[at : at + struct.calcsize(layout)] = struct.pack(layout, value)
            yield f"{value} at {at}", bytes(made)
    for n in (0, 1, 2, 3, 4, 1 << 20, 1 << 31):
        made = whole.replace(
            struct.pack("<I", 3) + struct.pack("<i", 1), struct.pack("<I", n) + struct.pack("<i", 1)
        )
        yield f"a vector of {n}", made
    for n in (1 << 16, (1 << 16) + 1):
        yield f"a text of {n}", _buffer({1: _vector("B", *b"x" * n)})
    yield "odd text", _buffer({1: _vector("B", *b"\xff\xc3\xa9 and more")})
    yield "two with tables", _tables()


def _tables() -> bytes:
    """A table with a table, and with a vector of two that are one and the same."""
    one = struct.pack("<HHHxx", 6, 8, 4) + struct.pack("<iB3x", 8, 7)
    vector = struct.pack("<3I", 2, 12 + 8 - 4 - 4 + 4, 8 + 8 - 4 - 4 + 4)
    return _buffer({0: one[:8].ljust(9, b"\0"), 1: vector + one, 2: b"\x01"})


# MessagePack


def _packs() -> Iterator[tuple[str, bytes]]:
    for first in (0, 1, 127, *range(128, 256, 3), *range(0xC0, 0xE1), 255):
        yield f"{first:#04x}", bytes([first, 0, 0, 0, 2]) + b"\xa1a" * 40
    for code, layout in (
        (0xC4, ">B"),
        (0xC5, ">H"),
        (0xC6, ">I"),
        (0xD9, ">B"),
        (0xDA, ">H"),
        (0xDB, ">I"),
        (0xDC, ">H"),
        (0xDD, ">I"),
        (0xDE, ">H"),
        (0xDF, ">I"),
        (0xC7, ">B"),
        (0xC8, ">H"),
        (0xC9, ">I"),
    ):
        for n in (0, 1, 2, 5):
            for given in (0, 2, 5, 6):
                yield (
                    f"{code:#04x} of {n} with {given}",
                    bytes([code]) + struct.pack(layout, n) + b"\xa0" * given,
                )
    for code, value in (
        (0xCA, struct.pack(">f", 1.5)),
        (0xCB, struct.pack(">d", -2.5)),
        (0xCC, b"\xff"),
        (0xCD, b"\xff\1"),
        (0xCE, b"\xff\0\0\1"),
        (0xCF, b"\xff" * 8),
        (0xD0, b"\xff"),
        (0xD1, b"\xff\1"),
        (0xD2, b"\xff\0\0\1"),
        (0xD3, b"\xff" * 8),
    ):
        yield f"number {code:#04x}", bytes([code]) + value
        yield f"number {code:#04x}, a byte less", bytes([code]) + value[:-1]
    for depth in (1, 63, 64, 65):
        yield f"lists {depth} deep", b"\x91" * depth + b"\x05"
        yield f"maps {depth} deep", b"\x81\xa1k" * depth + b"\x05"
        yield f"long lists {depth} deep", b"\xdc\0\1" * depth + b"\x05"
        yield f"long maps {depth} deep", b"\xdf\0\0\0\1\xa1k" * depth + b"\x05"
    for key in (b"\xa1k", b"\x05", b"\xff", b"\xc0", b"\xc3", b"\x90", b"\xca\0\0\0\0"):
        yield f"key {key!r}", b"\x82" + key + b"\x01" + b"\xa1k\x02"
    for n in (1023, 1024, 2048):
        yield f"a text of {n}", b"\xda" + struct.pack(">H", n) + b"x" * n
    yield "odd text", b"\xa2\xff\xe9"


def _of_pack(view: View, spent: Spending) -> str:
    found, stop = msgpack.unpack(view, spent)
    return f"{_packed(found)} to {stop}"


def _packed(found: Any) -> str:
    if isinstance(found, list):
        return f"[{', '.join(map(_packed, found))}]"
    if isinstance(found, dict):
        return f"{{{', '.join(f'{key!r}: {_packed(value)}' for key, value in found.items())}}}"
    if isinstance(found, msgpack.Extension):
        return f"{found.kind} {_bytes(found.data)}"
    if isinstance(found, str):
        return repr(_cut(found))
    return _bytes(found) if isinstance(found, memoryview | Stretch) else repr(found)


# numpy's own


def _npy(header: str, version: int = 1, size: int | None = None, data: bytes = b"") -> bytes:
    held = header.encode("latin-1")
    length = len(held) if size is None else size
    return (
        npy.NPY_MAGIC
        + bytes([version, 0])
        + struct.pack("<H" if version == 1 else "<I", length)
        + held
        + data
    )


def _npys() -> Iterator[tuple[str, bytes]]:
    def usual(descr: str = "'<f4'", fortran: str = "False", shape: str = "(2, 3)") -> str:
        return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n"

    data = struct.pack("<6f", *range(6))
    for version in range(5):
        yield f"version {version}", _npy(usual(), version, data=data)
    for shape in (
        "()",
        "(6,)",
        "(6)",
        "(6L,)",
        "(2L, 3L)",
        "(2,3,)",
        "( 2 , 3 )",
        "(-2, 3)",
        "(2, x)",
        "(,)",
        "(" + "1," * 32 + ")",
        "(" + "1," * 33 + ")",
        "(" + "1" * 19 + ",)",
        "(" + "1" * 20 + ",)",
        "[2, 3]",
        "(2, 3",
        "(7,)",
        "(2 3)",
        "(0, 3)",
    ):
        yield f"shape {shape}"[:40], _npy(usual(shape=shape), data=data)
    for descr in (
        "'<f4'",
        "'>f4'",
        "'|O'",
        "'f4'",
        "[('a', '<f4')]",
        "''",
        "'" + "x" * 16 + "'",
        "'" + "x" * 17 + "'",
        "5",
        "'bfloat16'",
    ):
        yield f"descr {descr}", _npy(usual(descr), data=data)
    for fortran in ("True", "False", "true", "1"):
        yield f"fortran {fortran}", _npy(usual(fortran=fortran), data=data)
    for size in (-1, 0, 1):
        held = usual()
        yield f"a header of {size} more", _npy(held, size=len(held) + size, data=data)
        yield f"a header of {size} more at the end", _npy(held, size=len(held) + size)
    for n in (1 << 16, (1 << 16) + 1):
        yield f"a header of {n}", _npy(usual().ljust(n), 2, data=data)
    for n in (0, 6, 9, 10, 11, 12, 13):
        yield f"{n} bytes", _npy(usual())[:n]
        yield f"{n} bytes of a short one", _npy("", 2)[:n]
    yield "a byte less", _npy(usual(), data=data[:-1])
    yield "no magic", b"x" + _npy(usual(), data=data)
    yield "another magic", b"\x93NUMPX" + _npy(usual(), data=data)[6:]
    yield "a length of thousands of digits", _npy(usual(shape=f"({'1' * 5000},)"), 2, data=data)


def _of_npy(data: bytes) -> str:
    try:
        header = npy.read_npy_header(data)
        told = f"{header.shape} {header.fortran} {header.dtype} {header.stop} {header.holds_objects}"
        found = npy.read_npy(header, memoryview(data))
        return f"{told} {'none' if found is None else numbers_of(found.read())}"
    except FiltvizError as error:
        return refused(error)


def grammars() -> Told:
    """What each grammar makes of bytes."""
    for words, data in _messages():
        yield f"message: {words}", _both(_of_message, data)
    for depth in (99, 100, 101):
        yield (
            f"message {depth} deep",
            _both(lambda view, spent, depth=depth: _of_message(view, spent, depth), part(1, part(1, 1))),
        )
    for n in (protobuf.SHORT, protobuf.SHORT + 1):
        kept = protobuf.Message(_on_disk(part(1, b"x" * n)), effort(Limits())).bytes(1)
        yield f"{n} bytes of a message on disk", type(kept).__name__
    for words, data in _buffers():
        yield f"buffer: {words}", _both(_of_table, data)
    answers: dict[str, list[str]] = {}
    for words, data in _packs():
        answers.setdefault(_asked(_of_pack, memoryview(data)), []).append(words)
    yield from ((f"pack: {', '.join(words)}", answer) for answer, words in answers.items())
    yield "a pack on disk", _both(_of_pack, b"\x82\xa1k\x93\x01\xca\x3f\xc0\0\0\xc4\x02ab\xa1l\xd5\x07xy")
    for words, data in _npys():
        yield f"npy: {words}", _of_npy(data)
