"""The opcodes of pickle protocols 0 to 5, as methods of a machine that only notes what the file says."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Mapping
from typing import Any

from filtviz.errors import UnsupportedFileError
from filtviz.reading.limits import Limits
from filtviz.reading.literals import (
    LONG_STRING,
    binary_long,
    protocol_0_string,
    protocol_0_unicode,
    text_float,
    text_int,
)
from filtviz.reading.records import Blob, Global, Items, Record

__all__ = ["OPCODES", "Data", "Hook", "Opcodes", "Stop"]

Data = bytes | bytearray | mmap.mmap

Hook = Callable[[Record, "Opcodes", int], int]
"""Called where BUILD has set the state of an object of some class; returns where the next opcode is."""

NEWEST_PROTOCOL = 5
EXTENSIONS = "copyreg extension"
PERSISTENT = Global("pickle", "persistent_load")
OUT_OF_BAND = Global("pickle", "next_buffer")

_U16, _U32, _U64 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<Q")
_I32, _DOUBLE = struct.Struct("<i"), struct.Struct(">d")


class Stop(Exception):  # noqa: N818  (no error: how the STOP opcode leaves the loop)
    """The STOP opcode: ``root`` is what the pickle holds, ``position`` where the next one may begin."""

    def __init__(self, root: Any, position: int) -> None:
        super().__init__()
        self.root = root
        self.position = position


class Opcodes:
    """A stack, a stack of marks, a memo, and a method for each opcode.

    Each method gets the position after its opcode and returns that of the next one. What a method cannot carry
    out raises one of Python's own errors, which `filtviz.reading.pickles` translates.
    """

    def __init__(self, data: Data, limits: Limits, hooks: Mapping[str, Hook]) -> None:
        self.data = data
        self.view = memoryview(data)
        self.limits = limits
        self.hooks = hooks
        self.steps = 0
        self.declared = 0
        self.python2 = False
        self.text_memo = False
        self.hooked: dict[int, Hook] = {}
        self.globals: dict[tuple[str, str], Global] = {}
        self.memo: dict[int, Any] = {}
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.methods = [self._method(code) for code in range(256)]

    def _method(self, code: int) -> Callable[[int], int]:
        name = OPCODES.get(code, "unknown")
        method: Callable[[int], int] = getattr(self, f"_{_SAME_AS.get(name, name)}")
        return method

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
            if hook := self.hooks.get(found.path):
                self.hooked[id(found)] = hook
        return found

    def _unknown(self, position: int) -> int:
        raise ValueError(self.data[position - 1])

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
        self.memo[_U32.unpack_from(self.data, position)[0]] = self.stack[-1]
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
        self.stack.append(self.memo[_U32.unpack_from(self.data, position)[0]])
        return position + 4

    # Constants and numbers

    def _none(self, position: int) -> int:
        self.stack.append(None)
        return position

    def _newtrue(self, position: int) -> int:
        self.stack.append(True)
        return position

    def _newfalse(self, position: int) -> int:
        self.stack.append(False)
        return position

    def _int(self, position: int) -> int:
        line = self._line(position)
        self.stack.append(text_int(line))
        return position + len(line) + 1

    def _float(self, position: int) -> int:
        line = self._line(position)
        self.stack.append(text_float(line))
        return position + len(line) + 1

    def _binint(self, position: int) -> int:
        self.stack.append(_I32.unpack_from(self.data, position)[0])
        return position + 4

    def _binint1(self, position: int) -> int:
        self.stack.append(self.data[position])
        return position + 1

    def _binint2(self, position: int) -> int:
        self.stack.append(_U16.unpack_from(self.data, position)[0])
        return position + 2

    def _long1(self, position: int) -> int:
        stop = position + 1 + self.data[position]
        self.stack.append(binary_long(self.view[position + 1 : stop]))
        return stop

    def _long4(self, position: int) -> int:
        stop = position + 4 + _length(self.data, position)
        self.stack.append(binary_long(self.view[position + 4 : stop]))
        return stop

    def _binfloat(self, position: int) -> int:
        self.stack.append(_DOUBLE.unpack_from(self.data, position)[0])
        return position + 8

    # Strings and bytes: a long one stays where it is

    def _string(self, position: int) -> int:
        line = self._line(position)
        self.python2 = True
        self.stack.append(protocol_0_string(line))
        return position + len(line) + 1

    def _binstring(self, position: int) -> int:
        self.python2 = True
        return self._push_bytes(position + 4, _length(self.data, position), "latin-1")

    def _short_binstring(self, position: int) -> int:
        self.python2 = True
        stop = position + 1 + self.data[position]
        self.stack.append(self.data[position + 1 : stop].decode("latin-1"))
        return stop

    def _binbytes(self, position: int) -> int:
        return self._push_bytes(position + 4, _U32.unpack_from(self.data, position)[0], "bytes")

    def _short_binbytes(self, position: int) -> int:
        return self._push_bytes(position + 1, self.data[position], "bytes")

    def _binbytes8(self, position: int) -> int:
        return self._push_bytes(position + 8, _U64.unpack_from(self.data, position)[0], "bytes")

    def _unicode(self, position: int) -> int:
        line = self._line(position)
        self.stack.append(protocol_0_unicode(line))
        return position + len(line) + 1

    def _binunicode(self, position: int) -> int:
        return self._push_bytes(position + 4, _U32.unpack_from(self.data, position)[0], "utf-8")

    def _short_binunicode(self, position: int) -> int:
        stop = position + 1 + self.data[position]
        self.stack.append(str(self.data[position + 1 : stop], "utf-8", "surrogatepass"))
        return stop

    def _binunicode8(self, position: int) -> int:
        return self._push_bytes(position + 8, _U64.unpack_from(self.data, position)[0], "utf-8")

    def _push_bytes(self, start: int, length: int, coding: str) -> int:
        stop = start + length
        if length > LONG_STRING:
            self.stack.append(Blob(self.view[start:stop], coding))
        elif coding == "bytes":
            self.stack.append(bytes(self.data[start:stop]))
        else:
            errors = "surrogatepass" if coding == "utf-8" else "strict"
            self.stack.append(str(self.data[start:stop], coding, errors))
        return stop

    def _next_buffer(self, position: int) -> int:
        self.stack.append(Record(OUT_OF_BAND, ()))
        return position

    def _readonly_buffer(self, position: int) -> int:
        return position

    # Lists, tuples, sets and dictionaries

    def _empty_list(self, position: int) -> int:
        self.stack.append([])
        return position

    def _empty_tuple(self, position: int) -> int:
        self.stack.append(())
        return position

    def _empty_dict(self, position: int) -> int:
        self.stack.append(Items([]))
        return position

    def _list(self, position: int) -> int:
        items = self._items_since_mark()
        self.stack.append(items)
        return position

    def _tuple(self, position: int) -> int:
        items = self._items_since_mark()
        self.stack.append(tuple(items))
        return position

    def _dict(self, position: int) -> int:
        items = _in_pairs(self._items_since_mark())
        self.stack.append(Items(items))
        return position

    def _tuple1(self, position: int) -> int:
        self.stack[-1] = (self.stack[-1],)
        return position

    def _tuple2(self, position: int) -> int:
        second = self.stack.pop()
        self.stack[-1] = (self.stack[-1], second)
        return position

    def _tuple3(self, position: int) -> int:
        third, second = self.stack.pop(), self.stack.pop()
        self.stack[-1] = (self.stack[-1], second, third)
        return position

    def _append(self, position: int) -> int:
        item = self.stack.pop()
        self.stack[-1].append(item)
        return position

    def _appends(self, position: int) -> int:
        items = self._items_since_mark()
        self.stack[-1].extend(items)
        return position

    def _setitem(self, position: int) -> int:
        value, key = self.stack.pop(), self.stack.pop()
        self.stack[-1].update([key, value])
        return position

    def _setitems(self, position: int) -> int:
        items = _in_pairs(self._items_since_mark())
        self.stack[-1].update(items)
        return position

    # Classes, functions and objects: noted, never looked up

    def _global(self, position: int) -> int:
        module = self._line(position)
        name = self._line(position + len(module) + 1)
        self.stack.append(self._intern(str(module, "utf-8"), str(name, "utf-8")))
        return position + len(module) + len(name) + 2

    def _stack_global(self, position: int) -> int:
        name, module = self.stack.pop(), self.stack.pop()
        if type(name) is not str or type(module) is not str:
            raise TypeError("a class without a name")
        self.stack.append(self._intern(module, name))
        return position

    def _ext1(self, position: int) -> int:
        return self._push_extension(self.data[position], position + 1)

    def _ext2(self, position: int) -> int:
        return self._push_extension(_U16.unpack_from(self.data, position)[0], position + 2)

    def _ext4(self, position: int) -> int:
        return self._push_extension(_I32.unpack_from(self.data, position)[0], position + 4)

    def _push_extension(self, code: int, position: int) -> int:
        self.stack.append(self._intern(EXTENSIONS, str(code)))
        return position

    def _persid(self, position: int) -> int:
        line = self._line(position)
        self.stack.append(Record(PERSISTENT, (str(line, "utf-8"),)))
        return position + len(line) + 1

    def _binpersid(self, position: int) -> int:
        self.stack[-1] = Record(PERSISTENT, (self.stack[-1],))
        return position

    def _reduce(self, position: int) -> int:
        args = self.stack.pop()
        self.stack[-1] = Record(self.stack[-1], args)
        return position

    def _newobj_ex(self, position: int) -> int:
        keywords, args = self.stack.pop(), self.stack.pop()
        self.stack[-1] = Record(self.stack[-1], args, keywords)
        return position

    def _inst(self, position: int) -> int:
        position = self._global(position)
        maker = self.stack.pop()
        args = self._items_since_mark()
        self.stack.append(Record(maker, tuple(args)))
        return position

    def _obj(self, position: int) -> int:
        maker, *args = self._items_since_mark()
        self.stack.append(Record(maker, tuple(args)))
        return position

    def _build(self, position: int) -> int:
        state = self.stack.pop()
        record = self.stack[-1]
        record.build(state)
        if self.hooked and record.cls is not None:
            hook = self.hooked.get(id(record.cls))
            return position if hook is None else hook(record, self, position)
        return position


def _length(data: Data, position: int) -> int:
    """Read a length of four bytes that pickles hold with a sign."""
    length: int = _I32.unpack_from(data, position)[0]
    if length < 0:
        raise ValueError("a negative length")
    return length


def _in_pairs(items: list[Any]) -> list[Any]:
    if len(items) % 2:
        raise ValueError("a key without a value")
    return items


OPCODES = {
    ord(code): name
    for code, name in {
        "(": "mark", ".": "stop", "0": "pop", "1": "pop_mark", "2": "dup",
        "F": "float", "I": "int", "J": "binint", "K": "binint1", "L": "long", "M": "binint2",
        "N": "none", "P": "persid", "Q": "binpersid", "R": "reduce",
        "S": "string", "T": "binstring", "U": "short_binstring", "V": "unicode", "X": "binunicode",
        "a": "append", "b": "build", "c": "global", "d": "dict", "}": "empty_dict", "e": "appends",
        "g": "get", "h": "binget", "i": "inst", "j": "long_binget", "l": "list", "]": "empty_list",
        "o": "obj", "p": "put", "q": "binput", "r": "long_binput", "s": "setitem", "t": "tuple",
        ")": "empty_tuple", "u": "setitems", "G": "binfloat",
        "\x80": "proto", "\x81": "newobj", "\x82": "ext1", "\x83": "ext2", "\x84": "ext4",
        "\x85": "tuple1", "\x86": "tuple2", "\x87": "tuple3", "\x88": "newtrue", "\x89": "newfalse",
        "\x8a": "long1", "\x8b": "long4",
        "B": "binbytes", "C": "short_binbytes",
        "\x8c": "short_binunicode", "\x8d": "binunicode8", "\x8e": "binbytes8", "\x8f": "empty_set",
        "\x90": "additems", "\x91": "frozenset", "\x92": "newobj_ex", "\x93": "stack_global",
        "\x94": "memoize", "\x95": "frame",
        "\x96": "bytearray8", "\x97": "next_buffer", "\x98": "readonly_buffer",
    }.items()
}  # fmt: skip
"""Opcode → its name in `pickletools`, in small letters."""

_SAME_AS = {
    "long": "int",
    "empty_set": "empty_list",
    "additems": "appends",
    "frozenset": "tuple",
    "newobj": "reduce",
    "bytearray8": "binbytes8",
}
"""Opcodes that note the same facts as another one: the machine makes no difference between them."""
