"""MessagePack: every kind of object in every width, held against the plainest writer of them."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from filtviz.errors import MalformedFileError
from filtviz.reading import msgpack
from filtviz.reading.limits import Limits, effort

DAMAGED = "it is MessagePack that is damaged or cut short; copy or download it again"
NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h",
    0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
WIDTHS = {"B": 255, "H": 65_535, "I": 70_000}


def reader(data: bytes) -> Any:
    return msgpack._Unpacker(memoryview(data), effort(Limits()))


def read(data: bytes) -> Any:
    value, end = reader(data).value(0, 0)
    assert end == len(data)
    return value


def refusal(data: bytes) -> str:
    with pytest.raises(MalformedFileError) as caught:
        read(data)
    return str(caught.value)


def test_small_numbers_and_constants_are_one_byte() -> None:
    assert [read(bytes([n])) for n in (0, 1, 127)] == [0, 1, 127]
    assert [read(bytes([n])) for n in (0xE0, 0xFF)] == [-32, -1]
    assert [read(bytes([n])) for n in (0xC0, 0xC2, 0xC3)] == [None, False, True]
    assert read(b"\x93\x01\xc0\x02") == [1, None, 2]
    assert refusal(b"\xc1") == DAMAGED


@pytest.mark.cases("all")
@pytest.mark.parametrize("code", NUMBERS)
def test_numbers_of_every_width_have_their_sign(code) -> None:
    layout = NUMBERS[code]
    for number in (1, 100, 0) if layout[1].isupper() else (-2, 100, 0):
        assert read(bytes([code]) + struct.pack(layout, number)) == number
    assert refusal(bytes([code]) + bytes(struct.calcsize(layout) - 1)) == DAMAGED


@pytest.mark.parametrize(
    ("codes", "small"),
    [({"B": 0xC4, "H": 0xC5, "I": 0xC6}, None), ({"B": 0xD9, "H": 0xDA, "I": 0xDB}, (0xA0, 31))],
    ids=["bytes", "texts"],
)
def test_texts_and_bytes_are_as_long_as_is_said(codes, small) -> None:
    made = [
        (bytes([code]) + struct.pack(f">{width}", n), n)
        for width, code in codes.items()
        for n in (0, 5, WIDTHS[width])
    ]
    made += [(bytes([small[0] | n]), n) for n in (0, 1, small[1])] if small else []
    for head, n in made:
        content = (b"ab" * n)[:n]
        found = read(head + content)
        assert found == (content.decode() if small else content)
        if n:
            assert refusal(head + content[:-1]) == DAMAGED
    if small:
        assert read(b"\xa1\xff") == "\N{REPLACEMENT CHARACTER}"


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [0, 1, 15, 16, 300, pytest.param(70_000, marks=pytest.mark.slow)])
def test_lists_and_dictionaries_hold_as_many_as_is_said(n) -> None:
    for letter, small, codes in (("x", 0x90, (0xDC, 0xDD)), ("y", 0x80, (0xDE, 0xDF))):
        heads = [bytes([small | n])] if n < 16 else []
        heads += [bytes([codes[0]]) + struct.pack(">H", n)] if n < 1 << 16 else []
        heads += [bytes([codes[1]]) + struct.pack(">I", n)]
        item = (lambda i: b"\xcd" + struct.pack(">H", i % 5000)) if letter == "x" else (
            lambda i: b"\xa5" + f"{i:05}".encode() + b"\xc3"
        )  # fmt: skip
        body = b"".join(item(i) for i in range(n))
        for head in heads:
            found = read(head + body)
            if letter == "x":
                assert found == [i % 5000 for i in range(n)]
            else:
                assert found == {f"{i:05}": True for i in range(n)}
            if n:
                assert refusal(head + body[:-1]) == DAMAGED


def test_keys_are_texts_or_numbers_and_the_last_of_two_counts() -> None:
    assert read(b"\x83\xa1a\x01\x07\x02\xa1a\x03") == {"a": 3, "7": 2}
    assert refusal(b"\x81\xc0\x01") == DAMAGED
    assert refusal(b"\x81\x90\x01") == DAMAGED


@pytest.mark.cases("all")
@pytest.mark.parametrize(("code", "n"), [(0xD4, 1), (0xD5, 2), (0xD6, 4), (0xD7, 8), (0xD8, 16)])
def test_extensions_have_a_kind_and_bytes(code, n) -> None:
    found = read(bytes([code, 0xFE]) + bytes(range(n)))
    assert found.kind == -2
    assert bytes(found.data) == bytes(range(n))
    assert refusal(bytes([code, 1]) + bytes(n - 1)) == DAMAGED
    for width, code_ in (("B", 0xC7), ("H", 0xC8), ("I", 0xC9)):
        found = read(bytes([code_]) + struct.pack(f">{width}", n) + b"\x05" + bytes(n))
        assert found.kind == 5


def test_lists_within_lists_end_at_a_depth() -> None:
    assert read(b"\x91" * msgpack.DEEPEST + b"\x01")
    assert refusal(b"\x91" * (msgpack.DEEPEST + 1) + b"\x01") == (
        f"its lists lie more than {msgpack.DEEPEST} in one another"
    )
