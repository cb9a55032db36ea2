"""Protocol buffers without a schema: the fields of a message by their numbers, and nothing built from them.

The wire format is https://protobuf.dev/programming-guides/encoding. A message is gone through once, field by
field; what lies inside a field is a view of the file, and is looked at when it is asked for. Each field is
charged to the effort that a file may ask for, and whoever goes into messages within messages counts how deep.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property

from filtviz.errors import MalformedFileError
from filtviz.reading.limits import Spending
from filtviz.reading.stretch import Stretch, View, in_memory

__all__ = ["DEEPEST", "Message", "varints"]

DEEPEST = 100
"""Messages in one another, as protobuf's own readers allow."""

STEPS_OF_A_MESSAGE = 3
"""Steps that a message counts as, however little is in it."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_HIGHEST_FIELD = (1 << 29) - 1

Value = int | View

SHORT = 1 << 12
"""Bytes up to which a field of a file on disk is read with the message that it is in."""


def _varint(view: View, position: int) -> tuple[int, int]:
    """Return a number of 64 bits and the position behind it."""
    if isinstance(view, Stretch):
        number, length = _varint(memoryview(bytes(view[position : position + _LONGEST_VARINT])), 0)
        return number, position + length
    number = view[position]
    if number < 0x80:  # most are: tags, lengths, small numbers
        return number, position + 1
    number = 0
    for place in range(_LONGEST_VARINT):
        byte = view[position + place]
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return number & (1 << 64) - 1, position + place + 1
    raise IndexError


def varints(view: View, effort: Spending) -> list[int]:
    """Return the numbers of a packed field.

    Args:
        view: The bytes of the field.
        effort: What understanding the file may still take.

    Raises:
        MalformedFileError: the last one is cut short, or one is too long.
    """
    effort.spend(len(view))
    numbers, position = [], 0
    octets = memoryview(in_memory(view))
    try:
        while position < len(octets):
            number, position = _varint(octets, position)
            numbers.append(number)
    except IndexError as error:
        raise _damaged() from error
    return numbers


def signed(number: int) -> int:
    """Return what a 64-bit number is as a signed one."""
    return number - (1 << 64) if number >> 63 else number


def _damaged() -> MalformedFileError:
    return MalformedFileError(
        "it is a protocol buffer that is damaged or cut short; copy or download it again"
    )


class Message:
    """A message: field number → what the file has for it, in the file's order."""

    def __init__(self, view: View, effort: Spending, depth: int = 0) -> None:
        """Take note of where a message lies; its fields are read when the first is asked for."""
        if depth > DEEPEST:
            raise MalformedFileError(
                f"it is a protocol buffer with more than {DEEPEST} messages in one another"
            )
        effort.spend(STEPS_OF_A_MESSAGE)
        self.view = view if len(view) > SHORT else memoryview(in_memory(view))
        self.effort = effort
        self.depth = depth

    @cached_property
    def fields(self) -> dict[int, list[Value]]:
        """All fields.

        Raises:
            MalformedFileError: a field reaches beyond the message, or is of a kind that there is not.
        """
        found: dict[int, list[Value]] = {}
        for number, value in self._read():
            found.setdefault(number, []).append(value)
        return found

    def _read(self) -> Iterator[tuple[int, Value]]:
        position, end = 0, len(self.view)
        try:
            while position < end:
                self.effort.spend(1)
                tag, position = _varint(self.view, position)
                number, kind = tag >> 3, tag & 7
                if not 0 < number <= _HIGHEST_FIELD:
                    raise _damaged()
                if kind == _VARINT:
                    value: Value
                    value, position = _varint(self.view, position)
                else:
                    length = {_FIXED64: 8, _FIXED32: 4}.get(kind)
                    if kind == _BYTES:
                        length, position = _varint(self.view, position)
                    if length is None or length > end - position:
                        raise _damaged()
                    self.effort.spend(1)  # it is kept as an object of its own
                    value = self._part(position, position + length)
                    position += length
                yield number, value
        except IndexError as error:
            raise _damaged() from error

    def _part(self, start: int, stop: int) -> View:
        """Return a field's bytes: what is long stays on disk."""
        part = self.view[start:stop]
        return part if stop - start > SHORT else memoryview(in_memory(part))

    def has(self, number: int) -> bool:
        """Tell whether the message has a field."""
        return number in self.fields

    def integer(self, number: int, default: int = 0) -> int:
        """Return a number; the last one counts, as in any reader of the format."""
        found = [value for value in self.fields.get(number, ()) if type(value) is int]
        return signed(found[-1]) if found else default

    def integers(self, number: int) -> list[int]:
        """Return repeated numbers, packed or one by one."""
        found: list[int] = []
        self.effort.spend(len(self.fields.get(number, ())) >> 4)
        for value in self.fields.get(number, ()):
            found += [value] if type(value) is int else varints(self._view(value), self.effort)
        return [signed(value) for value in found]

    def real(self, number: int, default: float = 0.0) -> float:
        """Return a number in single precision."""
        found = [value for value in self.pieces(number) if len(value) == 4]
        return float(struct.unpack("<f", in_memory(found[-1]))[0]) if found else default

    def reals(self, number: int, *, is_double: bool = False) -> list[float]:
        """Return repeated numbers in single precision, or in double precision, packed or one by one."""
        size, form = (8, "<d") if is_double else (4, "<f")
        found = self.pieces(number)
        self.effort.spend(sum(map(len, found)) // size)
        whole = [in_memory(value[: len(value) // size * size]) for value in found]
        return [one for value in whole for (one,) in struct.iter_unpack(form, value)]

    def bytes(self, number: int) -> View | None:
        """Return the bytes of a field, None where there are none."""
        last_first = reversed(self.fields.get(number, ()))
        return next((value for value in last_first if not isinstance(value, int)), None)

    def pieces(self, number: int) -> list[View]:
        """Return the bytes of a repeated field."""
        self.effort.spend(len(self.fields.get(number, ())) >> 4)
        return [value for value in self.fields.get(number, ()) if not isinstance(value, int)]

    def text(self, number: int) -> str:
        """Return text; what is no UTF-8 is replaced."""
        found = self.bytes(number)
        return "" if found is None else self._text(found)

    def texts(self, number: int) -> list[str]:
        """Return repeated texts."""
        found = self.pieces(number)
        self.effort.spend(len(found))  # they may be asked for again and again
        return [self._text(value) for value in found]

    def _text(self, value: View) -> str:
        held = value[:_LONGEST_TEXT]
        self.effort.spend_text(len(held))
        return str(in_memory(held), "utf-8", "replace")

    def message(self, number: int) -> Message | None:
        """Return a message within this one, None where there is none."""
        found = self.bytes(number)
        return None if found is None else Message(found, self.effort, self.depth + 1)

    def messages(self, number: int) -> list[Message]:
        """Return repeated messages."""
        return [Message(value, self.effort, self.depth + 1) for value in self.pieces(number)]

    @staticmethod
    def _view(value: Value) -> View:
        assert not isinstance(value, int), "a field is a number or bytes"
        return value


_LONGEST_TEXT = 1 << 16
