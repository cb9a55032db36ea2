"""The opcodes that make values and put them together: noted, never looked up or called."""

from __future__ import annotations

import struct
from typing import Any

from filtviz.errors import MalformedFileError
from filtviz.reading.pickle.records import MAY_WARN, Blob, Global, Items, Record, unescape
from filtviz.reading.pickle.state import I32, LONG_STRING, U16, U32, MachineState
from filtviz.reading.stretch import View, in_memory

__all__ = [
    "PERSISTENT",
    "ObjectOpcodes",
    "ValueOpcodes",
    "binary_long",
    "protocol_0_string",
    "protocol_0_unicode",
    "text_float",
    "text_int",
]

STEPS_OF_A_WARNING = 16
"""Steps that a string counts as of whose escapes Python would warn, which is to be kept from it."""

LONG_NUMBER = 300
"""Digits, or bytes, from which on a number stays in the file: reading digits takes quadratic time."""


def text_int(line: View) -> Any:
    """Read ``INT`` or ``LONG``: ``5``, ``5L``, and the ``00`` and ``01`` that are False and True."""
    if len(line) > LONG_NUMBER:
        return Blob(line, "int")
    digits = bytes(line).strip()
    if digits in (b"00", b"01"):
        return digits == b"01"
    return int(digits.removesuffix(b"L"))


def text_float(line: View) -> float:
    """Read ``FLOAT``: ``0.5``, ``nan``, ``-inf``."""
    if len(line) > LONG_NUMBER:
        raise MalformedFileError("a floating-point number in it has more than 300 characters")
    return float(bytes(line))


def binary_long(view: View) -> Any:
    """Read ``LONG1`` or ``LONG4``: little-endian, two's complement."""
    if len(view) > LONG_NUMBER:
        return Blob(view, "int")
    return int.from_bytes(in_memory(view), "little", signed=True)


def protocol_0_string(line: View) -> Any:
    """Read ``STRING``: a Python 2 string with its quotes and escapes, which may hold an array's bytes."""
    stop = _stripped_length(line)
    if stop < 2 or line[0] != line[stop - 1] or line[0] not in b"'\"":
        raise MalformedFileError("a string in it has no closing quote")
    quoted = line[1 : stop - 1]
    if len(quoted) > LONG_STRING:
        return Blob(quoted, "escape")
    return unescape(bytes(quoted)).decode("latin-1")


def _stripped_length(line: View) -> int:
    """Return the length of a line without the blanks and carriage returns at its end."""
    start = len(line)
    while start > 0:
        stop, start = start, max(0, start - LONG_STRING)
        kept = bytes(line[start:stop]).rstrip(b" \r")
        if kept:
            return start + len(kept)
    return 0


def protocol_0_unicode(line: View) -> Any:
    """Read ``UNICODE``: text with ``\\u`` escapes, which may stand for an array's bytes."""
    if len(line) > LONG_STRING:
        return Blob(line, "raw-unicode-escape")
    return str(in_memory(line), "raw-unicode-escape")


_QUOTES = (b"'", b'"')
OUT_OF_BAND = Global("pickle", "next_buffer")

_U64, _DOUBLE = struct.Struct("<Q"), struct.Struct(">d")


class ValueOpcodes(MachineState):
    """Each method pushes one value."""

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
        self.stack.append(I32.unpack_from(self.data, position)[0])
        return position + 4

    def _binint1(self, position: int) -> int:
        self.stack.append(self.data[position])
        return position + 1

    def _binint2(self, position: int) -> int:
        self.stack.append(U16.unpack_from(self.data, position)[0])
        return position + 2

    def _long1(self, position: int) -> int:
        stop = position + 1 + self.data[position]
        self.stack.append(binary_long(self.part(position + 1, stop)))
        return stop

    def _long4(self, position: int) -> int:
        stop = position + 4 + _length(self.data, position)
        self.stack.append(binary_long(self.part(position + 4, stop)))
        return stop

    def _binfloat(self, position: int) -> int:
        self.stack.append(_DOUBLE.unpack_from(self.data, position)[0])
        return position + 8

    # Strings and bytes: a long one stays where it is

    def _string(self, position: int) -> int:
        line = self._line(position)
        length = len(line)
        self.python2 = True
        plain = bytes(line) if length <= LONG_STRING else b""
        if length > 2 and plain[:1] in _QUOTES and plain[:1] == plain[-1:] and b"\\" not in plain:
            self.stack.append(plain[1:-1].decode("latin-1"))  # most are names, and many
            return position + length + 1
        if MAY_WARN.search(plain):
            self.steps.spend(STEPS_OF_A_WARNING)
        self.stack.append(protocol_0_string(line))
        return position + length + 1

    def _binstring(self, position: int) -> int:
        self.python2 = True
        return self._push_bytes(position + 4, _length(self.data, position), "latin-1")

    def _short_binstring(self, position: int) -> int:
        self.python2 = True
        stop = position + 1 + self.data[position]
        self.stack.append(self.data[position + 1 : stop].decode("latin-1"))
        return stop

    def _binbytes(self, position: int) -> int:
        return self._push_bytes(position + 4, U32.unpack_from(self.data, position)[0], "bytes")

    def _short_binbytes(self, position: int) -> int:
        return self._push_bytes(position + 1, self.data[position], "bytes")

    def _binbytes8(self, position: int) -> int:
        return self._push_bytes(position + 8, _U64.unpack_from(self.data, position)[0], "bytes")

    def _unicode(self, position: int) -> int:
        line = self._line(position)
        self.stack.append(protocol_0_unicode(line))
        return position + len(line) + 1

    def _binunicode(self, position: int) -> int:
        return self._push_bytes(position + 4, U32.unpack_from(self.data, position)[0], "utf-8")

    def _short_binunicode(self, position: int) -> int:
        stop = position + 1 + self.data[position]
        self.stack.append(str(self.data[position + 1 : stop], "utf-8", "surrogatepass"))
        return stop

    def _binunicode8(self, position: int) -> int:
        return self._push_bytes(position + 8, _U64.unpack_from(self.data, position)[0], "utf-8")

    def _push_bytes(self, start: int, length: int, coding: str) -> int:
        stop = start + length
        if length > LONG_STRING:
            self.stack.append(Blob(self.part(start, stop), coding))
        elif coding == "bytes":
            self.stack.append(bytes(self.data[start:stop]))
        else:
            self.stack.append(str(self.data[start:stop], coding, "surrogatepass"))
        return stop

    def _next_buffer(self, position: int) -> int:
        self.stack.append(Record(OUT_OF_BAND, ()))
        return position

    def _readonly_buffer(self, position: int) -> int:
        return position


def _length(data: bytes | bytearray, position: int) -> int:
    """Read a length of four bytes that pickles hold with a sign."""
    length: int = I32.unpack_from(data, position)[0]
    if length < 0:
        raise ValueError("a negative length")
    return length


EXTENSIONS = "copyreg extension"
PERSISTENT = Global("pickle", "persistent_load")


class ObjectOpcodes(MachineState):
    """Each method puts values together, or notes what the file would have called."""

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
        self.steps.spend(1)  # two lines are looked for, which takes as long as two steps of others
        module = self._line(position)
        name = self._line(position + len(module) + 1)
        self.stack.append(self._intern(_class_text(module), _class_text(name)))
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
        return self._push_extension(U16.unpack_from(self.data, position)[0], position + 2)

    def _ext4(self, position: int) -> int:
        return self._push_extension(I32.unpack_from(self.data, position)[0], position + 4)

    def _push_extension(self, code: int, position: int) -> int:
        self.stack.append(self._intern(EXTENSIONS, str(code)))
        return position

    def _persid(self, position: int) -> int:
        line = self._line(position)
        self.stack.append(Record(PERSISTENT, (_class_text(line),)))
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
        if self.hooked:
            hook = self.hooked.get(id(record.cls))
            return position if hook is None else hook(record, self, position)
        return position


def _class_text(line: View) -> str:
    """Read a name as text, and no more of it than any class has: it is looked at for each object."""
    return str(in_memory(line), "utf-8")[:LONG_STRING]


def _in_pairs(items: list[Any]) -> list[Any]:
    if len(items) % 2:
        raise ValueError("a key without a value")
    return items
