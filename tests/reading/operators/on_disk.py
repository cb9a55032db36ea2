"""Pickles of files on disk, of which only a window is in memory: each opcode at each border of a window.

Told is what is noted of it where the pickle is in memory, and where what is on disk is read otherwise.
"""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterator
from typing import Any

from filtviz.errors import FiltvizError
from filtviz.reading.limits import Limits, pickle_steps
from filtviz.reading.pickle.machine import Machine, read_pickle, read_pickles
from filtviz.reading.pickle.records import Blob, Global, Items, Record, raw_bytes, text
from filtviz.reading.pickle.state import FIRST_WINDOW, LARGEST_WINDOW, LONG_STRING, MARGIN
from filtviz.reading.stretch import Data, Stretch
from tests.reading.operators.asking import Told
from tests.telling import refused

__all__ = ["on_disk"]

EDGE = FIRST_WINDOW - MARGIN
PLACES = (8, EDGE - 1, EDGE, FIRST_WINDOW - 2, FIRST_WINDOW, 3 * FIRST_WINDOW)
LENGTHS = (
    0,
    1,
    255,
    LONG_STRING - 1,
    LONG_STRING,
    LONG_STRING + 1,
    LONG_STRING + 2,
    FIRST_WINDOW,
    3 * FIRST_WINDOW,
)


def _strings(n: int) -> Iterator[tuple[str, bytes]]:
    """Every opcode of a string, of so many bytes."""
    body = (b"ab\xe9" + b"xyz" * (n // 3))[:n] if n else b""
    plain = body.replace(b"\xe9", b"c")
    sizes = {"T": "<i", "B": "<I", "X": "<I", "\x8b": "<i", "\x8d": "<Q", "\x8e": "<Q", "\x96": "<Q"}
    for code, layout in sizes.items():
        held = plain if code in "X\x8d" else body
        yield code, code.encode("latin-1") + struct.pack(layout, n) + held
    if n < 256:
        for code in "UC\x8c\x8a":
            yield code, code.encode("latin-1") + bytes([n]) + (plain if code == "\x8c" else body)
    yield "S", b"S'" + plain + b"'\n"
    yield "S with blanks", b'S"' + plain + b'" \r \n'
    yield "S with an escape", b"S'" + plain + b"\\n'\n"
    yield "S with many blanks", b"S'a'" + b" " * n + b"\n"
    yield "V", b"V" + plain + b"\n"
    yield "V with an escape", b"V" + plain + b"\\u00e9\n"
    yield "I", b"I" + b"1" * n + b"\n"
    yield "L", b"L" + b"1" * n + b"L\n"
    yield "F", b"F" + b"1" * n + b"\n"
    yield "c", b"cm" + plain + b"\nNet\n"
    yield "g", b"g" + b"0" * n + b"\n"


SMALL = (
    b"N",
    b"\x88",
    b"\x89",
    b"K\x07",
    b"M\x07\x01",
    b"J\x07\0\0\1",
    b"G?\xf8\0\0\0\0\0\0",
    b"]",
    b"}",
    b")",
    b"\x8f",
    b"]K\1a",
    b"](K\1K\2e",
    b"}K\1K\2s",
    b"}(K\1K\2K\3K\4u",
    b"(K\1K\2l",
    b"(K\1K\2d",
    b"(K\1K\2t",
    b"K\1\x85",
    b"K\1K\2\x86",
    b"K\1K\2K\3\x87",
    b"K\1p5\n0g5\n",
    b"K\1q\5h\5\x86",
    b"K\1r\5\0\0\0j\5\0\0\0\x86",
    b"K\1\x94",
    b"cm\nN\n)R",
    b"cm\nN\n)\x81",
    b"cm\nN\n)}\x92",
    b"cm\nN\n)R}b",
    b"(im\nN\n",
    b"(cm\nN\no",
    b"X\1\0\0\0mX\1\0\0\0N\x93",
    b"\x95\0\0\0\0\0\0\0\0N",
    b"PS\n",
    b"K\1Q",
    b"(K\1\x91",
    b"\x8f(K\1\x90",
    b"K\x0021",
    b"0",
    b"a",
    b"\xff",
    b"j\7\0\0\0",
    b"h\7",
)


def _shown(value: Any) -> str:
    if isinstance(value, Blob):
        try:
            held = bytes(raw_bytes(value) or b"")
        except FiltvizError as error:
            return refused(error)
        found = text(value)
        return f"<{value.coding} {len(held)} {held[-3:]!r} text {'none' if found is None else len(found)}>"
    if isinstance(value, str | bytes):
        return f"{type(value).__name__} {len(value)} {value[-3:]!r}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}({', '.join(map(_shown, value))})"
    if isinstance(value, Items):
        return f"{{{', '.join(f'{_shown(k)}: {_shown(v)}' for k, v in value.pairs())}}}"
    if isinstance(value, Global):
        return f"{len(value.module)} {value.module[-3:]} {value.name}"
    if isinstance(value, Record):
        return f"{_shown(value.maker)}{_shown(value.args)}{_shown(value.items)}{_shown(value.state)}"
    return (
        repr(value) if not isinstance(value, int) or value.bit_length() < 64 else f"{value.bit_length()} bits"
    )


def _read(data: Data) -> str:
    steps = pickle_steps(Limits())
    try:
        found = read_pickles(data, steps)
    except FiltvizError as error:
        return refused(error)
    rest = "" if found.rest is None else f" then {refused(found.rest)}"
    who = f"{found.python} {found.protocol}"
    return f"{_shown(found.roots)}{rest} to {found.stop - len(data)} of {who} ({steps.used} steps)"


def _on_disk(data: bytes) -> Stretch:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return Stretch.of(os.dup(file.fileno()))


def _before(place: int) -> bytes:
    """So many bytes of a pickle: a string that is left again, and the mark of a tuple."""
    length = place - 1 - 6
    return (
        b"B" + struct.pack("<I", length) + bytes(length) + b"0("
        if length >= 0
        else b"N0" * (place // 2) + b"("
    )


def _told(words: str, made: bytes, places: tuple[int, ...]) -> Told:
    answers: dict[str, list[str]] = {}
    for place in places:
        data = _before(place) + made + b"t."
        told, there = _read(data), _read(_on_disk(data))
        told = told if there == told else f"{told}, but on disk {there}"
        told = told.replace(f"byte {place:,} ", "byte HERE ")
        answers.setdefault(told, []).append(str(place))
    yield from ((f"{words} at {', '.join(at)}", answer) for answer, at in answers.items())


def _windows() -> Told:
    """Strings of all sizes after one another, so that windows grow, and places that are gone back to."""
    for sizes in (
        (100,) * 400,
        (1000,) * 300,
        (2000, 5) * 60,
        (FIRST_WINDOW, 5, LARGEST_WINDOW, 7, LARGEST_WINDOW + 1, 9),
    ):
        made = b"".join(b"X" + struct.pack("<I", n) + b"x" * n for n in sizes)
        data = b"(" + made + b"t."
        same = _read(data) == _read(_on_disk(data))
        yield (
            f"strings of {sizes[:2]}",
            f"{len(data)} bytes, {'as in memory' if same else 'otherwise than in memory'}",
        )
        again = data * 2 + b"N."
        same = _read(again) == _read(_on_disk(again))
        yield f"pickles of strings of {sizes[:2]}", "as in memory" if same else "otherwise than in memory"
    source = _on_disk(bytes(6 * FIRST_WINDOW))
    for first in (
        0,
        EDGE,
        EDGE + 1,
        FIRST_WINDOW,
        FIRST_WINDOW + 1,
        6 * FIRST_WINDOW - 1,
        6 * FIRST_WINDOW + 1,
    ):
        for then in (0, 2 * FIRST_WINDOW, 2 * FIRST_WINDOW + EDGE + 1, 4 * FIRST_WINDOW):
            machine = Machine(source, pickle_steps(Limits()), {})
            told = []
            for place in (first, first + then):
                at = machine.move_to(place)
                told.append(f"{at} of {len(machine.data)} from {machine.base} to {machine.edge}")
            yield f"moved to {first}, and {then} on", "; ".join(told)
    machine, place, lengths = Machine(_on_disk(bytes(5 * LARGEST_WINDOW)), pickle_steps(Limits()), {}), 0, []
    while place < 5 * LARGEST_WINDOW:
        machine.move_to(place)
        place += len(machine.data)
        lengths.append(len(machine.data))
    yield "windows one after another", str(lengths)
    for start in (0, 1, EDGE, FIRST_WINDOW, FIRST_WINDOW + 1):
        data = bytes(start) + b"(" + b"K\x01" * 40 + b"t." + bytes(FIRST_WINDOW)
        found = read_pickle(_on_disk(data), start, pickle_steps(Limits()))
        yield f"from {start}", f"{len(found.roots[0])} to {found.stop - start}"


def on_disk() -> Told:
    """Each opcode, before and behind each border, and strings of each length."""
    for made in SMALL:
        yield from _told(ascii(made)[2:-1], made, PLACES)
    for n in LENGTHS:
        for words, made in _strings(n):
            yield from _told(
                f"{ascii(words)[1:-1]} of {n}",
                made,
                (EDGE - n, EDGE + 1, FIRST_WINDOW - 2) if n < EDGE - 8 else (8, EDGE),
            )
    yield from _windows()
