"""The state of the pickle machine, and the opcodes that only move things in it: marks, stack and memo."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

from filtviz.errors import UnsupportedFileError
from filtviz.reading.limits import Spending
from filtviz.reading.pickle.records import Global, Record
from filtviz.reading.stretch import Data, Stretch, View, view_of

__all__ = ["I32", "LONG_STRING", "U16", "U32", "Hook", "MachineState", "Stop"]

Hook = Callable[[Record, "MachineState", int], int]
"""Called where BUILD has set the state of an object of some class; returns where the next opcode is."""

NEWEST_PROTOCOL = 5

LONG_STRING = 1024
"""Bytes from which on a string stays in the file as a `Blob`: names are shorter, arrays are longer."""

FIRST_WINDOW, LARGEST_WINDOW = 1 << 14, 1 << 20
MARGIN = 2 * LONG_STRING
"""More bytes than any opcode needs that leaves long strings in the file."""

U16, U32, I32 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<i")


class Stop(Exception):
    """How the STOP opcode leaves the loop: ``root`` is what the pickle holds, ``position`` where it ends."""

    def __init__(self, root: Any, position: int) -> None:
        super().__init__()
        self.root = root
        self.position = position


class MachineState:
    """The bytes, a stack, a stack of marks, a memo, and what shows who wrote the pickle.

    Each method for an opcode gets the position after it and returns that of the next one. Positions count
    from ``base``: of a file on disk only a window, ``data``, is in memory, and past ``edge`` it is moved on.
    """

    def __init__(self, source: Data, steps: Spending, hooks: Mapping[str, Hook]) -> None:
        self.source = source
        self.data = bytes(source[:FIRST_WINDOW]) if isinstance(source, Stretch) else source
        self.view = memoryview(self.data)
        self.base = 0
        self.edge = len(self.data) - (MARGIN if len(self.data) < len(source) else 0)
        self.limits = steps.limits
        self.hooks = hooks
        self.steps = steps
        self.declared = 0
        self.python2 = False
        self.text_memo = False
        self.hooked: dict[int, Hook] = {}
        self.globals: dict[tuple[str, str], Global] = {}
        self.memo: dict[int, Any] = {}
        self.most_kept = self.limits.memo
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []

    def move_to(self, place: int) -> int:
        """Have what is at ``place`` of the source, and what follows, in ``data``; return its position."""
        if isinstance(self.source, Stretch) and not 0 <= place - self.base <= self.edge:
            goes_on = 0 <= place - self.base <= len(self.data)
            length = min(2 * len(self.data), LARGEST_WINDOW) if goes_on else FIRST_WINDOW
            self.data, self.base = bytes(self.source[place : place + length]), place
            self.view = memoryview(self.data)
            is_last = place + length >= len(self.source)
            self.edge = len(self.data) - (0 if is_last else MARGIN)
        return place - self.base

    def part(self, start: int, stop: int) -> View:
        """Return what is between two positions, which may lie behind the window."""
        if isinstance(self.source, Stretch):
            return self.source[self.base + start : self.base + stop]
        return self.view[start:stop]

    def rest(self, start: int) -> View:
        """Return all that follows a position."""
        return view_of(self.source)[self.base + start :]

    def read_nested(self, position: int) -> tuple[Any, int]:
        """Read a whole pickle that lies within this one; return its object and where it ends."""
        raise NotImplementedError

    def _line(self, start: int) -> View:
        stop = self.data.find(b"\n", start)
        if stop < 0 and isinstance(self.source, Stretch):
            stop = self.source.find(b"\n", self.base + max(start, len(self.data))) - self.base
        if stop < start:
            raise EOFError
        if stop > len(self.data) or stop - start > LONG_STRING:
            return self.part(start, stop)
        return self.view[start:stop]

    def _items_since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.marks.pop()
        return items

    def _intern(self, module: str, name: str) -> Global:
        key = (module, name)
        found = self.globals.get(key)
        if found is None:
            found = self.globals[key] = Global(module, name)
            n_found = len(self.globals)
            self.limits.check("classes", n_found, f"its pickles name {n_found:,} classes or more")
            if hook := self.hooks.get(found.path):
                self.hooked[id(found)] = hook
        return found

    # What a pickle is made of

    def _proto(self, position: int) -> int:
        protocol = self.data[position]
        if protocol > NEWEST_PROTOCOL:
            raise UnsupportedFileError(
                f"it declares pickle protocol {protocol}; the newest is {NEWEST_PROTOCOL}"
            )
        self.declared = max(self.declared, protocol)
        return position + 1

    def _frame(self, position: int) -> int:
        return position + 8

    def _stop(self, position: int) -> int:
        raise Stop(self.stack.pop(), position)

    def _mark(self, position: int) -> int:
        self.marks.append(self.stack)
        self.stack = []
        return position

    def _pop(self, position: int) -> int:
        if self.stack:
            self.stack.pop()
        else:
            self.stack = self.marks.pop()
        return position

    def _pop_mark(self, position: int) -> int:
        self._items_since_mark()
        return position

    def _dup(self, position: int) -> int:
        self.stack.append(self.stack[-1])
        return position

    # The memo

    def _put(self, position: int) -> int:
        line = self._line(position)
        self.text_memo = True
        self._keep(_number(line))
        return position + len(line) + 1

    def _binput(self, position: int) -> int:
        self.memo[self.data[position]] = self.stack[-1]
        return position + 1

    def _long_binput(self, position: int) -> int:
        self._keep(U32.unpack_from(self.data, position)[0])
        return position + 4

    def _memoize(self, position: int) -> int:
        self._keep(len(self.memo))
        return position

    def _keep(self, number: int) -> None:
        """Keep the top of the stack under a number: picklers count, and chosen numbers can hash alike."""
        if number > self.most_kept:
            raise self.limits.exceeded("memo", f"a pickle in it keeps an object as number {number:,}")
        self.memo[number] = self.stack[-1]

    def _get(self, position: int) -> int:
        line = self._line(position)
        self.stack.append(self.memo[_number(line)])
        return position + len(line) + 1

    def _binget(self, position: int) -> int:
        self.stack.append(self.memo[self.data[position]])
        return position + 1

    def _long_binget(self, position: int) -> int:
        self.stack.append(self.memo[U32.unpack_from(self.data, position)[0]])
        return position + 4


LONGEST_NUMBER = 20
"""Digits that no number of the memo has."""


def _number(line: View) -> int:
    """Read a number of the memo as text."""
    number = int(bytes(line)) if len(line) <= LONGEST_NUMBER else -1
    if number < 0:
        raise ValueError("a number that no pickler counts to")
    return number
