"""Bytes → `Record`s: a pickle machine that executes nothing.

Every opcode of protocols 0 to 5 is here, and each only notes what the file says. Python's own ``pickle`` is
not used: it imports what a file names before anyone can object, and ``pickletools.genops`` fails on strings
of protocol 0 that hold array bytes. The opcodes are described in CPython's ``Lib/pickletools.py``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from filtviz.errors import MalformedFileError, ReadError, UnsupportedFileError
from filtviz.reading.limits import Spending
from filtviz.reading.pickle.opcodes import ObjectOpcodes, ValueOpcodes
from filtviz.reading.pickle.records import Global
from filtviz.reading.pickle.state import Hook, Stop
from filtviz.reading.stretch import Data
from filtviz.text import plural

__all__ = ["OPCODES", "Opcodes", "Pickles", "read_pickle", "read_pickles"]


class Opcodes(ValueOpcodes, ObjectOpcodes):
    """A method for each opcode.

    Each method gets the position after its opcode and returns that of the next one. What a method cannot
    carry out raises one of Python's own errors, which `filtviz.reading.pickle.machine` translates.
    """

    @cached_property
    def methods(self) -> list[Callable[[int], int]]:
        """The method for each byte that may be an opcode."""
        methods: list[Callable[[int], int]] = [self._unknown] * 256
        for code, name in _METHODS.items():
            methods[code] = getattr(self, name)
        return methods

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

_METHODS = {code: f"_{_SAME_AS.get(name, name)}" for code, name in OPCODES.items()}


STEPS_BETWEEN_CHECKS = 1 << 16

STEPS_OF_A_PICKLE = 64
"""Steps that a pickle counts as beside its own: what is made anew for each, and looked at one by one."""


@dataclass(frozen=True, kw_only=True)
class Pickles:
    """The pickles of one stream, in order, and what shows who wrote them.

    ``stop`` is where the last one ends. ``rest`` is why the bytes after it could not be read as another one,
    None where there are none, or where nobody wanted to know.
    """

    roots: tuple[Any, ...]
    protocol: int
    python2: bool
    globals: tuple[Global, ...]
    stop: int = 0
    rest: ReadError | None = field(default=None, repr=False)

    @property
    def python(self) -> str | None:
        """The Python that wrote them, as it shows in strings that only 2 writes and in what only 3 does."""
        if self.python2:
            return "2"
        encodes = any(found.module == "_codecs" for found in self.globals)
        return "3" if self.protocol >= 3 or encodes else None


def read_pickles(
    data: Data,
    steps: Spending,
    hooks: Mapping[str, Hook] | None = None,
    *,
    start: int = 0,
    most: int = 1 << 62,
) -> Pickles:
    """Read the pickles of ``data``, one after another.

    Args:
        data: the bytes of the stream, from its first pickle on.
        steps: what is left of the steps that the file's pickles may take (`Opened.steps`).
        hooks: full name of a class → what to do when an object of it has its state.
        start: where the first one begins.
        most: how many are wanted, where what follows is something else.

    Raises:
        MalformedFileError: the first pickle is damaged or cut short.
        LimitError: the stream asks for too much.
    """
    machine = Machine(data, steps, hooks or {})
    roots: list[Any] = []
    position, rest = start, None
    while position < len(data) and len(roots) < most:
        try:
            root, position = machine.run(position)
        except (MalformedFileError, UnsupportedFileError) as error:
            if not roots:
                raise
            rest = error
            break
        roots.append(root)
    return machine.result(roots, position, rest)


def read_pickle(data: Data, start: int, steps: Spending) -> Pickles:
    """Read the one pickle of ``data`` that begins at ``start``, as in an array of objects (``.npy``).

    ``steps`` are what is left for it and for those like it (`Opened.steps`).
    """
    machine = Machine(data, steps, {})
    root, stop = machine.run(start)
    return machine.result([root], stop)


class Machine(Opcodes):
    """The pickle machine: it runs `Opcodes` within the limits and says what is wrong with a pickle."""

    def result(self, roots: list[Any], stop: int, rest: ReadError | None = None) -> Pickles:
        """Put together what has been read."""
        return Pickles(
            roots=tuple(roots),
            protocol=self.protocol,
            python2=self.python2,
            globals=(*self.globals.values(), *self._inner.globals.values()),
            stop=stop,
            rest=rest,
        )

    @property
    def protocol(self) -> int:
        """The highest protocol that the pickles declare; protocols 0 and 1 do not, but write differently."""
        return self.declared or (0 if self.text_memo or not self.memo else 1)

    def run(self, start: int) -> tuple[Any, int]:
        """Read one pickle; return its object and where the next one may begin."""
        self.stack, self.marks, self.memo = [], [], {}
        self.steps.spend(STEPS_OF_A_PICKLE)
        methods = self.methods
        position, step = start - self.base, 0
        try:
            while True:
                position = self.move_to(self.base + position)
                data, edge = self.data, self.edge
                for step in range(min(STEPS_BETWEEN_CHECKS, self.steps.left + 1)):  # noqa: B007  (for STOP)
                    position = methods[data[position]](position + 1)
                    if position > edge:
                        break
                self._count(step + 1)
        except Stop as stop:
            self._count(step + 1)
            return stop.root, self.base + stop.position
        except (EOFError, struct.error) as error:
            raise self._cut_short() from error
        except IndexError as error:
            # The text tells a list that is empty, which is damage, from bytes that have come to an end.
            raise (self._damaged(position) if "list" in str(error) else self._cut_short()) from error
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise self._damaged(position) from error

    def read_nested(self, position: int) -> tuple[Any, int]:
        """Read a whole pickle that lies within this one; return its object and where it ends."""
        root, stop = self._inner.run(self.base + position)
        return root, stop - self.base

    @cached_property
    def _inner(self) -> Machine:
        """A machine without hooks, so that no pickle lies deeper than this one's."""
        return Machine(self.source, self.steps, {})

    def _count(self, steps: int) -> None:
        self.steps.spend(steps)
        self.limits.check("memo", len(self.memo), f"a pickle in it keeps {len(self.memo):,} objects or more")

    def _cut_short(self) -> MalformedFileError:
        n = len(self.source)
        return MalformedFileError(
            f"it is a pickle that was cut short: its {plural(n, 'byte')} end{'s'[: n == 1]} before the "
            "pickle does; copy or download it again"
        )

    def _damaged(self, position: int) -> MalformedFileError:
        what, place = OPCODES.get(self.data[position], "unknown").upper(), self.base + position
        return MalformedFileError(
            f"it is a damaged pickle: the opcode at byte {place:,} ({what}) cannot be carried out"
        )
