"""FlatBuffers without a schema: tables by the numbers of their fields, as views of the file.

The format is https://flatbuffers.dev/internals. Every offset is checked against the bytes that are there, and
every table and element that is gone through is charged to the effort that a file may ask for.
"""

from __future__ import annotations

import struct
from functools import cached_property
from typing import Any

from filtviz.errors import MalformedFileError
from filtviz.reading.limits import Spending
from filtviz.reading.stretch import View, in_memory, unpack

__all__ = ["Table", "root_table"]

STEPS_OF_A_TABLE = 3
"""Steps that a table counts as; many offsets can lead to one."""


def root_table(view: View, effort: Spending) -> Table:
    """Return the outermost table.

    Args:
        view: The bytes of the file.
        effort: What understanding the file may still take.

    Raises:
        MalformedFileError: it is damaged or cut short.
    """
    return Table(view, _number(view, "<I", 0), effort)


def _damaged() -> MalformedFileError:
    return MalformedFileError("it is a FlatBuffer that is damaged or cut short; copy or download it again")


def _number(view: View, layout: str, position: int) -> Any:
    if position < 0:  # which would count from the end
        raise _damaged()
    try:
        return unpack(layout, view, position)[0]
    except struct.error as error:
        raise _damaged() from error


class Table:
    """A table: fields by number, each of which may be left out."""

    def __init__(self, view: View, position: int, effort: Spending) -> None:
        """Take note of where a table lies."""
        effort.spend(STEPS_OF_A_TABLE)
        self.view = view
        self.position = position
        self.effort = effort

    @cached_property
    def _offsets(self) -> tuple[int, ...]:
        start = self.position - _number(self.view, "<i", self.position)
        size = _number(self.view, "<H", start)
        if size < 4 or start + size > len(self.view):
            raise _damaged()
        return unpack(f"<{size // 2 - 2}H", self.view, start + 4)

    def _place(self, field: int) -> int | None:
        offset = self._offsets[field] if field < len(self._offsets) else 0
        return self.position + offset if offset else None

    def scalar(self, field: int, layout: str, default: Any = 0) -> Any:
        """Return a number; ``layout`` is one letter of `struct`."""
        place = self._place(field)
        return default if place is None else _number(self.view, f"<{layout}", place)

    def _followed(self, field: int) -> int | None:
        place = self._place(field)
        return None if place is None else place + _number(self.view, "<I", place)

    def table(self, field: int) -> Table | None:
        """Return a table within this one."""
        place = self._followed(field)
        return None if place is None else Table(self.view, place, self.effort)

    def _vector(self, field: int, size: int) -> tuple[int, int]:
        """Return where the elements of a vector begin, and how many there are."""
        place = self._followed(field)
        if place is None:
            return 0, 0
        n = _number(self.view, "<I", place)
        if place + 4 + n * size > len(self.view):
            raise _damaged()
        return place + 4, n

    def tables(self, field: int) -> list[Table]:
        """Return a vector of tables."""
        start, n = self._vector(field, 4)
        places = range(start, start + 4 * n, 4)
        return [Table(self.view, at + _number(self.view, "<I", at), self.effort) for at in places]

    def numbers(self, field: int, letter: str) -> tuple[Any, ...]:
        """Return a vector of numbers; ``letter`` is one of `struct`'s."""
        size = struct.calcsize(f"<{letter}")
        start, n = self._vector(field, size)
        self.effort.spend(n)
        return unpack(f"<{n}{letter}", self.view, start)

    def bytes(self, field: int) -> View:
        """Return a vector of bytes as it lies in the file."""
        start, n = self._vector(field, 1)
        return self.view[start : start + n]

    def text(self, field: int) -> str:
        """Return a text; what is no UTF-8 is replaced."""
        held = self.bytes(field)[:_LONGEST_TEXT]
        self.effort.spend(len(held) >> 4)  # one text can be that of many tables
        return str(in_memory(held), "utf-8", "replace")


_LONGEST_TEXT = 1 << 16
