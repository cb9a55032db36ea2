"""Every opcode of pickle protocols 0 to 5, and the method that notes what it says."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from filtviz.reading.machine.objects import ObjectOpcodes
from filtviz.reading.machine.values import ValueOpcodes

__all__ = ["OPCODES", "Opcodes"]


class Opcodes(ValueOpcodes, ObjectOpcodes):
    """A method for each opcode.

    Each method gets the position after its opcode and returns that of the next one. What a method cannot
    carry out raises one of Python's own errors, which `filtviz.reading.pickles` translates.
    """

    @cached_property
    def methods(self) -> list[Callable[[int], int]]:
        """The method for each byte that may be an opcode."""
        return [self._method(code) for code in range(256)]

    def _method(self, code: int) -> Callable[[int], int]:
        name = OPCODES.get(code, "unknown")
        method: Callable[[int], int] = getattr(self, f"_{_SAME_AS.get(name, name)}")
        return method

    def _unknown(self, position: int) -> int:
        raise ValueError(self.data[position - 1])


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
