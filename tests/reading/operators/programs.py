"""Programs of the pickle machine that are sound, made by chance of every opcode,
and objects asked all there is.

A program keeps and gets under few numbers,
so that one is kept over another; sets and appends stand in any order.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

from filtviz.errors import FiltvizError
from filtviz.reading.limits import Limits, effort, pickle_steps
from filtviz.reading.pickle import records
from filtviz.reading.pickle.attributes import NOT_PLAIN, Attributes
from filtviz.reading.pickle.machine import read_pickles
from filtviz.reading.pickle.records import Blob, Global, Items, Record
from tests.reading.operators.asking import Told
from tests.reading.operators.pickled import _noted, _questions, _shown, _tried

__all__ = ["pickle_programs"]

VALUES = (
    b"N", b"\x88", b"\x89", b"I7\n", b"I01\n", b"L12L\n", b"F2.5\n", b"J\xfe\xff\xff\xff", b"K\x05",
    b"M\x01\x02", b"\x8a\x02\x00\xff", b"\x8b\x02\x00\x00\x00\x01\x02", b"G@\x04\0\0\0\0\0\0",
    b"S'a\\x41'\n", b"S\"b\"\n", b"T\x02\x00\x00\x00cd", b"U\x03abc", b"B\x02\x00\x00\x00ab", b"C\x01z",
    b"Vtext\n", b"X\x02\x00\x00\x00\xc3\xa9", b"\x8c\x02xy", b"\x8d\x01\x00\x00\x00\x00\x00\x00\x00w",
    b"\x8e\x01\x00\x00\x00\x00\x00\x00\x00v", b"\x96\x02\x00\x00\x00\x00\x00\x00\x00ab", b"]", b")", b"}",
    b"\x8f", b"Pname\n", b"\x97", b"cmine\nNet\n", b"\x8c\x04mine\x8c\x03Net\x93", b"\x82\x01",
    b"\x83\x01\x02", b"\x84\xff\xff\xff\xff", b"\x80\x03", b"\x80\x01N", b"\x95\0\0\0\0\0\0\0\0",
)  # fmt: skip
"""What pushes one value, or none."""
CLASSES = (
    b"cmine\nNet\n",
    b"ccollections\nOrderedDict\n",
    b"cbuiltins\nset\n",
    b"ccopyreg\n_reconstructor\n",
)
N_PROGRAMS = 260


def _program(chance: random.Random, depth: int = 0) -> bytes:
    """Opcodes that leave one value."""

    def inner() -> bytes:
        return _program(chance, depth + 1)

    def several(n: int) -> bytes:
        return b"".join(inner() for _ in range(n))

    way = chance.randrange(22 if depth < 3 else 7)
    n = chance.choice((0, 1, 2, 3))
    number = chance.randrange(3)
    if way < 5:
        value = chance.choice(VALUES)
        return value if value[:1] not in b"\x80\x95" or value[-1:] == b"N" else value + b"K\x09"
    made = {
        5: lambda: b"N" + _kept(chance, number),
        6: lambda: b"K\x02" + _kept(chance, number) + b"0" + b"K\x03" + _kept(chance, number) + _got(chance,
        number) + b"\x86",
        7: lambda: inner() + _kept(chance, number) + inner() + _kept(chance, 0) + _got(chance,
        number) + b"\x87",
        8: lambda: inner() + b"2\x86", 9: lambda: inner() + b"\x85", 10: lambda: several(3) + b"\x87",
        11: lambda: b"(" + several(n) + b"l", 12: lambda: b"(" + several(n) + b"t",
        13: lambda: b"(" + several(2 * n) + b"d", 14: lambda: b"(" + several(n) + b"\x91",
        15: lambda: b"](" + several(n) + b"e" + inner() + b"a" + b"(" + several(1) + b"e",
        16: lambda: b"}(" + several(2 * n) + b"u" + several(2) + b"s",
        17: lambda: b"(" + chance.choice(CLASSES) + several(n) + b"o",
        18: lambda: b"(" + several(n) + b"i" + chance.choice(CLASSES)[1:],
        19: lambda: chance.choice(CLASSES) + b"(" + several(n) + b"t" + chance.choice((b"R", b"\x81")),
        20: lambda: chance.choice(CLASSES) + b"(" + several(n) + b"t}" + several(2) + b"s\x92",
        21: lambda: chance.choice(CLASSES) + b")R" + _held(chance, several),
    }  # fmt: skip
    return made[way]() + chance.choice((b"", b"", b"Q", b"K\x010", b"(K\x011", b"(0"))


def _held(chance: random.Random, several: Callable[[int], bytes]) -> bytes:
    parts = [
                 b"}" + several(2) + b"sb", b"N}" + several(2) + b"s\x86b", several(1) + b"a",
                 b"(" + several(2) + b"e", several(2) + b"s", b"(" + several(4) + b"u", several(1) + b"b",
             ]  # fmt: skip
    return b"".join(chance.sample(parts, chance.choice((1, 2, 3, 4))))


def _kept(chance: random.Random, number: int) -> bytes:
    made = (b"p%d\n" % number, b"q" + bytes([number]), b"r" + struct.pack("<I", number), b"\x94")
    return chance.choice(made[:3] if number else made)


def _got(chance: random.Random, number: int) -> bytes:
    return chance.choice((b"g%d\n" % number, b"h" + bytes([number]), b"j" + struct.pack("<I", number)))


def _programs() -> Told:
    for n in range(N_PROGRAMS):
        chance = random.Random(f"program {n}")
        data = chance.choice((b"", b"", b"\x80\x02", b"\x80\x04")) + _program(chance) + b"."
        data += chance.choice((b"", b"", b"", b"K\x01.", b"\x80\x06.", b"j"))
        yield f"{n} {ascii(data)[2:-1][:70]}", _noted(data)


# Objects


def _made_of(chance: random.Random, depth: int = 0) -> Any:
    """A value as the machine notes it, of any kind."""
    plain = (
        None,
        True,
        3,
        -1,
        2**31 - 1,
        2**31,
        -(2**31),
        1 - 2**31,
        2.5,
        float("inf"),
        float("nan"),
        "word",
        b"\xe9b",
        "",
        0,
    )
    way = chance.randrange(10 if depth < 3 else 4)
    inner = [_made_of(chance, depth + 1) for _ in range(chance.choice((0, 1, 2, 3)) if depth < 3 else 0)]
    if way < 4:
        return chance.choice(plain)
    if way == 4:
        coding = chance.choice(("bytes", "latin-1", "utf-8", "raw-unicode-escape", "escape", "int"))
        return Blob(memoryview(chance.choice((b"name", b"\\x41\\n", b"\xff", b"\\u00e9", b"\\x4"))), coding)
    if way == 5:
        return inner
    if way == 6:
        return tuple(inner)
    if way == 7:
        return Items([one for each in inner for one in (chance.choice(("W", "b", 3, b"k")), each)])
    if way == 8:
        return Global(
            chance.choice(("mine", "builtins", "theano.tensor")), chance.choice(("Net", "A.list", "set"))
        )
    return _record(chance, depth)


def _record(chance: random.Random, depth: int) -> Record:
    maker = chance.choice((
        Global("mine", "Net"), Global("builtins", "list"), Global("collections", "deque"),
        Global("mine", "MyDict"), Global("copyreg", "_reconstructor"), Global("copy_reg", "__newobj__"),
        Global("_codecs", "encode"), Global("builtins", "bytearray"), Global("functools", "partial"),
        Global("builtins", "slice"), None, Global("__builtin__", "bytes"), Global("mine", "Layers"),
        Global("builtins", "frozenset"),
    ))  # fmt: skip
    args = tuple(
        _made_of(chance, depth + 1) for _ in range(chance.choice((0, 1, 2, 3, 3, 4)) if depth < 3 else 0)
    )
    if chance.random() < 0.4 and args:
        args = (chance.choice((Global("mine", "Other"), Global("functools", "partial"), "latin")), *args[1:])
    found = Record(maker, args, chance.choice((None, None, Items(["a", 1.5]), Items(["a", "b"]))))
    if chance.random() < 0.5:
        found.build(
            chance.choice((Items(["W", 1, "name", "n", "W", 2]), (Items(["W", 1]), Items(["W", 2])), None, 3))
        )
    if chance.random() < 0.2:
        found.extend([1])
        found.append("x")
    if chance.random() < 0.2:
        found.update(["k", 1])
        found.update(["k", 2, b"l", None])
    return found


def _objects() -> Told:
    for n in range(240):
        chance = random.Random(f"object {n}")
        value = _record(chance, 0) if n % 3 else _made_of(chance)
        asked = "; ".join(_questions(value))
        yield f"object {n} {_shown(value)[:90]!a}", asked.encode("unicode_escape", errors="replace").decode()


def _facts() -> Told:
    """What is answered of an attribute that is a value of any kind, and what it takes."""
    for n in range(240):
        chance = random.Random(f"fact {n}")
        value = _record(chance, 1) if n % 2 else _made_of(chance)
        record = Record(Global("mine", "Layer"), ())
        record.build(Items(["a", value, "b", (2, 3)]))
        told = []
        spending = effort(Limits())
        facts = Attributes(record, spending)
        asked: Mapping[str, Callable[[], Any]] = {
            "plain": lambda facts=facts: facts.plain(facts.raw("a")),
            "word": lambda facts=facts: facts.word("a"),
            "whole": lambda facts=facts: facts.whole("a"), "wholes": lambda facts=facts: facts.wholes("a",
            "b"),
            "of two": lambda facts=facts: facts.wholes("a", "b", axes=2),
            "shape": lambda facts=facts: facts.shape("a"),
            "slice": lambda facts=facts: facts.as_slice("a"),
            "function": lambda facts=facts: facts.function("a"),
            "number": lambda facts=facts: facts.number(facts.raw("a")),
        }  # fmt: skip
        for name, ask in asked.items():
            try:
                found = ask()
            except (FiltvizError, UnicodeError) as error:
                found = type(error).__name__
            if found is not None and found is not NOT_PLAIN:
                told.append(f"{name} {found!r}")
        yield f"fact {n} {_shown(value)[:80]!a}", ascii(f"{'; '.join(told)} {spending.used}")


def _sequences() -> Told:
    """By what an object is taken for a list, where its arguments hold several."""
    makers = (Global("mine", "Net"), Global("builtins", "list"), Global("builtins", "my.set"),
    Global("copyreg",
    "_reconstructor"), Global("copyreg", "__newobj__"), None)  # fmt: skip
    first = (Global("mine", "Other"), [1], (2, 3), "x")
    for maker, one, other, third in product(
        makers, first, ([4], None, ("y",)), ((), ([5],), (None,), ([6], [7]))
    ):
        record = Record(maker, (one, other, *third))
        found = records.elements(record)
        if found is not None:
            yield f"elements {_shown(record)}", _shown(found)
    for n in (300, 299):
        for maker in ("A.B", "B"):
            yield (
                f"class of {maker} {n}",
                _tried(lambda maker=maker: records.class_name(Record(Global("m", maker), ()))),
            )


def _limits() -> Told:
    many = b"(" + b"".join(b"cm\nC%d\n" % n for n in range(4)) + b"t."
    for made, allowed in (
        (many, Limits(classes=3)), (many, Limits(classes=4)), (many + many, Limits(classes=4)),
        (b"]p3\n.", Limits(memo=2)), (b"]p3\n.", Limits(memo=3)), (b"]r\4\0\0\0.", Limits(memo=3)),
        (b"]\x94]\x94]\x94.", Limits(memo=2)), (b"]\x94]\x94.", Limits(memo=2)),
        (b"]q\0]q\1]q\2.", Limits(memo=2)),
        *((many, Limits(opcodes=n)) for n in (1, 8, 9, 10, 11, 64, 73, 74, 75)),
        *((b"N" * n + b"." + b"N.", Limits(opcodes=3)) for n in (1, 150, 200)),
    ):  # fmt: skip
        steps = pickle_steps(allowed)
        try:
            found = f"{len(read_pickles(made, steps).globals)} classes"
        except FiltvizError as error:
            found = str(error)
        within = f"{allowed.classes}, {allowed.memo}, {allowed.opcodes}"
        yield f"{ascii(made[:30])[2:-1]} {len(made)} within {within}", f"{found} {steps.used}"


def pickle_programs() -> Told:
    yield from _programs()
    yield from _objects()
    yield from _facts()
    yield from _sequences()
    yield from _limits()
