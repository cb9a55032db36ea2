"""MessagePack → numbers, texts, lists and dictionaries; bytes stay where they are in the file.

The format is https://github.com/msgpack/msgpack/blob/master/spec.md. All that is built is charged to the
effort that a file may ask for, and nothing lies deeper than `DEEPEST`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from filtviz.errors import MalformedFileError
from filtviz.reading.limits import Spending
from filtviz.reading.stretch import View
from filtviz.reading.stretch import unpack as unpack_from

__all__ = ["DEEPEST", "Extension", "unpack"]

DEEPEST = 64


@dataclass(frozen=True)
class Extension:
    """Bytes with a number that tells their kind."""

    kind: int
    data: View


def unpack(view: View, effort: Spending) -> tuple[Any, int]:
    """Return the object that the bytes begin with, and where it ends; the keys of a dictionary are texts.

    Args:
        view: The bytes.
        effort: What understanding the file may still take.

    Raises:
        MalformedFileError: it is cut short, too deep, or none.
    """
    return _Unpacker(view, effort).value(0, 0)


_NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h",
    0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_BYTES = {0xC4: ">B", 0xC5: ">H", 0xC6: ">I"}
_TEXTS = {0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}
_LISTS = {0xDC: ">H", 0xDD: ">I"}
_MAPS = {0xDE: ">H", 0xDF: ">I"}
_EXTENSIONS = {0xC7: ">B", 0xC8: ">H", 0xC9: ">I"}
_FIXED_EXTENSIONS = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}


@dataclass(frozen=True)
class _Unpacker:
    view: View
    effort: Spending

    def value(self, position: int, depth: int) -> tuple[Any, int]:
        """Read an object, return the position behind it."""
        self.effort.spend(1)
        if depth > DEEPEST:
            raise MalformedFileError(f"its lists lie more than {DEEPEST} in one another")
        first, position = self.number(">B", position)
        if first < 0x80 or first >= 0xE0:
            return (first if first < 0x80 else first - 0x100), position
        if first < 0x90:
            return self.pairs(first & 15, position, depth)
        if first < 0xA0:
            return self.items(first & 15, position, depth)
        if first < 0xC0:
            return self.text(first & 31, position)
        if first in _CONSTANTS:
            return _CONSTANTS[first], position
        if first in _NUMBERS:
            return self.number(_NUMBERS[first], position)
        return self.sized(first, position, depth)

    def sized(self, first: int, position: int, depth: int) -> tuple[Any, int]:
        """Read an object whose length stands before it."""
        if first in _FIXED_EXTENSIONS:
            return self.extension(_FIXED_EXTENSIONS[first], position)
        for table in (_BYTES, _TEXTS, _LISTS, _MAPS, _EXTENSIONS):
            if first in table:
                n, position = self.number(table[first], position)
                if table is _BYTES:
                    return self.piece(n, position)
                if table is _TEXTS:
                    return self.text(n, position)
                if table is _EXTENSIONS:
                    return self.extension(n, position)
                return (self.items if table is _LISTS else self.pairs)(n, position, depth)
        raise _damaged()

    def number(self, layout: str, position: int) -> tuple[Any, int]:
        """Read a number."""
        try:
            return unpack_from(layout, self.view, position)[0], position + struct.calcsize(layout)
        except struct.error as error:
            raise _damaged() from error

    def piece(self, length: int, position: int) -> tuple[View, int]:
        """Return bytes where they lie."""
        if position + length > len(self.view):
            raise _damaged()
        return self.view[position : position + length], position + length

    def text(self, length: int, position: int) -> tuple[str, int]:
        """Read a text; what is no UTF-8 is replaced."""
        held, position = self.piece(length, position)
        self.effort.spend(length >> 10)
        return str(bytes(held), "utf-8", "replace"), position

    def extension(self, length: int, position: int) -> tuple[Extension, int]:
        """Read an extension."""
        kind, position = self.number(">b", position)
        held, position = self.piece(length, position)
        return Extension(kind, held), position

    def items(self, n: int, position: int, depth: int) -> tuple[list[Any], int]:
        """Read a list."""
        found = []
        for _ in range(n):
            item, position = self.value(position, depth + 1)
            found.append(item)
        return found, position

    def pairs(self, n: int, position: int, depth: int) -> tuple[dict[Any, Any], int]:
        """Read a dictionary whose keys are texts or numbers; of a key that comes twice the last counts."""
        found: dict[Any, Any] = {}
        for _ in range(n):
            key, position = self.value(position, depth + 1)
            value, position = self.value(position, depth + 1)
            if not isinstance(key, str | int):
                raise _damaged()
            found[str(key)] = value
        return found, position


def _damaged() -> MalformedFileError:
    return MalformedFileError("it is MessagePack that is damaged or cut short; copy or download it again")
