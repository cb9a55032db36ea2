"""The state of the pickle machine, and the opcodes that only move things in it: marks, stack and memo."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Mapping
from typing import Any

from filtviz.errors import UnsupportedFileError
from filtviz.reading.limits import Budget
from filtviz.reading.pickle.records import Global, Record

__all__ = ["I32", "U16", "U32", "Data", "Hook", "MachineState", "Stop"]

Data = bytes | bytearray | mmap.mmap

Hook = Callable[[Record, "MachineState", int], int]
"""Called where BUILD has set the state of an object of some class; returns where the next opcode is."""

NEWEST_PROTOCOL = 5

U16, U32, I32 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<i")


class Stop(Exception):
    """How the STOP opcode leaves the loop: ``root`` is what the pickle holds, ``position`` where it ends."""

    def __init__(self, root: Any, position: int) -> None:
        super().__init__()
        self.root = root
        self.position = position


class MachineState:
    """The bytes, a stack, a stack of marks, a memo, and what shows who wrote the pickle.

    Each method for an opcode gets the position after it and returns that of the next one.
    """

    def __init__(self, data: Data, steps: Budget, hooks: Mapping[str, Hook]) -> None:
        self.data = data
        self.view = memoryview(data)
        self.limits = steps.limits
        self.hooks = hooks
        self.steps = steps
        self.declared = 0
        self.python2 = False
        self.text_memo = False
        self.hooked: dict[int, Hook] = {}
        self.globals: dict[tuple[str, str], Global] = {}
        self.memo: dict[int, Any] = {}
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []

    def read_nested(self, position: int) -> tuple[Any, int]:
        """Read a whole pickle that lies within this one; return its object and where it ends."""
        raise NotImplementedError

    def _line(self, start: int) -> memoryview:
        stop = self.data.find(b"\n", start)
        if stop < 0:
            raise EOFError
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
        self.memo[int(bytes(line))] = self.stack[-1]
        return position + len(line) + 1

    def _binput(self, position: int) -> int:
        self.memo[self.data[position]] = self.stack[-1]
        return position + 1

    def _long_binput(self, position: int) -> int:
        self.memo[U32.unpack_from(self.data, position)[0]] = self.stack[-1]
        return position + 4

    def _memoize(self, position: int) -> int:
        self.memo[len(self.memo)] = self.stack[-1]
        return position

    def _get(self, position: int) -> int:
        line = self._line(position)
        self.stack.append(self.memo[int(bytes(line))])
        return position + len(line) + 1

    def _binget(self, position: int) -> int:
        self.stack.append(self.memo[self.data[position]])
        return position + 1

    def _long_binget(self, position: int) -> int:
        self.stack.append(self.memo[U32.unpack_from(self.data, position)[0]])
        return position + 4
