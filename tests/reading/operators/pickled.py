"""Pickles made by chance of lists, dictionaries and objects of classes, some with one place changed.

Each case is a number, as in `arrays`: `PICKLED` notice what no other does, and some more. Told is all that
the machine notes down, and what the questions to objects answer.
"""

from __future__ import annotations

import random
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from filtviz.errors import FiltvizError
from filtviz.reading.limits import Limits, effort, pickle_steps
from filtviz.reading.pickle import records
from filtviz.reading.pickle.machine import read_pickles
from filtviz.reading.pickle.records import Blob, Global, Items, Record
from tests.reading.making import Named, Thing, dumps
from tests.reading.operators.asking import Told
from tests.reading.variations import _of_pickle, _operations
from tests.telling import refused

__all__ = ["pickled"]

CLASSES = (
    "mine.Net",
    "copy_reg._reconstructor",
    "copyreg.__newobj__",
    "builtins.set",
    "collections.deque",
    "collections.OrderedDict",
    "_codecs.encode",
    "__builtin__.bytearray",
    "mine.Outer.Inner",
    "mine.Layers",
    "numpy.ndarray",
    "builtins.frozenset",
)
OLD = (
    b"S'a\\x41\\n\\'b'\n",
    b'S"double"\n',
    b"S'odd\\q'\n",
    b"S'end\\'\n",
    b"S'\n",
    b"I01\n",
    b"I00\n",
    b"I-7\n",
    b"I7L\n",
    b"L12L\n",
    b"L-3\n",
    b"F2.5\n",
    b"Fnan\n",
    b"F1_0\n",
    b"I1_0\n",
    b"Vtext \\u00e9\n",
    b"V\xe9\n",
    b"U\x03abc",
    b"T\x04\x00\x00\x00abcd",
    b"T\xff\xff\xff\xff",
    b"Pname\n",
    b"(lp0\n",
    b"(I1\nI2\nl",
    b"(S'k'\nI1\nd",
    b"(t",
    b"(I1\nS'x'\nt",
    b"(I1\nS'x'\n.",
    b"cmine\nNet\n",
    b"(I1\nimine\nNet\n",
    b"(cmine\nNet\nI1\no",
    b"(cmine\nNet\no",
    b"]I1\na",
    b"]2",
    b"I1\n0]",
    b"(I1\n1]",
    b"}I1\nI2\ns",
    b"\x82\x01",
    b"\x80\x02N",
    b"\x80\x07N",
    b"\x8a\x01\x05",
    b"\x8a\x00",
    b"\x8a\x02\x00\xff",
    b"\x8b\x02\x00\x00\x00\x01\x02",
    b"\x8b\xff\xff\xff\xff",
    b"]p5\ng5\n\x86",
    b"]q\x01h\x01\x86",
    b"]r\x01\x00\x00\x00j\x01\x00\x00\x00\x86",
    b"h\x09",
    b"g9\n",
    b"gx\n",
    b"px\n",
    b"]\x94h\x00\x86",
    b"\x95\x02\x00\x00\x00\x00\x00\x00\x00]",
    b"\x96\x02\x00\x00\x00\x00\x00\x00\x00ab",
    b"\x97",
    b"\x98",
    b"\x8c\x02ab\x8c\x02cd\x93",
    b"N\x8c\x02cd\x93",
    b"\x8f(K\x01K\x02\x90",
    b"(K\x01K\x02\x91",
    b"cmine\nNet\n)}\x92",
    b"cmine\nNet\n)\x81",
    b"K\x01\x85R",
    b"K\x01K\x02R",
    b"]}b",
    b"cmine\nNet\n)R}b",
    b"cmine\nNet\n)RNb",
    b"G@\x04\x00\x00",
    b"G@\x04\x00\x00\x00\x00\x00\x00",
    b"\x88\x89\x86",
    b"",
    b"a",
    b"(a",
    b"u",
    b"\xff",
    b"\x8d\x01\x00\x00\x00\x00\x00\x00\x00a",
    b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x8e\x01\x00\x00\x00\x00\x00\x00\x00a",
    b"J\xff\xff\xff\xff",
    b"M\x01\x02",
    b"B\x02\x00\x00\x00ab",
    b"C\x01a",
    b"X\x02\x00\x00\x00\xc3\xa9",
    b"X\x01\x00\x00\x00\xff",
    b"cmine\nNet\n)RK\x01a",
    b"cmine\nNet\n)R(K\x01K\x02e",
    b"cmine\nNet\n)RK\x01K\x02s",
    b"cmine\nNet\n)R(K\x01K\x02u",
    b"cmine\nNet\nK\x01R",
    b"cmi\xffne\nNet\n",
    b"cmine\n\n",
    b"c" + b"m" * 600 + b"\nNet\n",
    b"X\x00\x08\x00\x00" + b"x" * 2048,
    b"K\x01.K\x02",
)
"""Single opcodes and a few together, of protocols that nobody writes any more, too."""


def _value(chance: random.Random, depth: int = 0) -> Any:
    way = chance.randrange(16 if depth < 3 else 9)
    words = ("W", "name", "é", "a" * chance.choice((3, 40, 300)), "", b"by\x80tes", b"z" * 300)
    if way < 4:
        return chance.choice(words)
    if way < 9:
        return chance.choice(
            (None, True, False, 0, 1, -1, 300, 70000, -70000, 1 << 40, -(1 << 70), 2.5, float("nan"))
        )
    inner = [_value(chance, depth + 1) for _ in range(chance.choice((0, 1, 2, 3)))]
    if way == 9:
        return inner
    if way == 10:
        return tuple(inner)
    if way == 11:
        return {chance.choice(("W", "b", "input_layer", 3)): one for one in inner}
    if way == 12:
        return OrderedDict((str(i), one) for i, one in enumerate(inner))
    if way == 13:
        return {one for one in inner if isinstance(one, int)}
    if way == 14:
        return Named(chance.choice(CLASSES))
    first = (
        Named(chance.choice(CLASSES))
        if chance.random() < 0.3
        else chance.choice(("text", [["a", 1], ("b", 2)], {"k": 1}))
    )
    state = {"W": 1, "name": "n"} if chance.random() < 0.5 else {}
    return Thing(chance.choice(CLASSES), *[first, *inner][: chance.choice((0, 1, 2, 3))], **state)


def a_pickled(n: int) -> tuple[str, str]:
    """A pickle made by chance, and all that is noted of it."""
    chance = random.Random(f"pickled {n}")
    if chance.random() < 0.45:
        parts = [chance.choice(OLD) for _ in range(chance.choice((1, 1, 1, 2)))]
        data = (
            chance.choice((b"", b"", b"\x80\x02", b"\x80\x04"))
            + b"".join(parts)
            + chance.choice((b".", b".", b".", b""))
        )
        told = ascii(data[:60])[2:-1]
    else:
        protocol = chance.choice((0, 1, 2, 2, 3, 4, 4, 5))
        data = dumps(_value(chance), protocol)
        told = f"protocol {protocol}, {len(data)} bytes {zlib.crc32(data):08x}"
        operations = _operations(data)
        if operations is not None and chance.random() < 0.6:
            words, make = chance.choice(list(_of_pickle(data, operations)))
            data, told = make(), f"{told}: {words}"
    if chance.random() < 0.1:
        data += chance.choice((b"\x80\x02K\x01.", b"junk", b"\x00" * 9, b"N."))
        told += " and more"
    return f"{n} {told.encode('unicode_escape').decode()}", _noted(data)


def _noted(data: bytes) -> str:
    """All that is noted of a stream of pickles, and what is answered of what they hold."""
    try:
        found = read_pickles(data, pickle_steps(Limits()))
    except FiltvizError as error:
        return refused(error)
    facts = [
        f"protocol {found.protocol} python {found.python} to {found.stop}",
        *(one.path[:60] for one in found.globals),
    ]
    facts += [refused(found.rest)] if found.rest is not None else []
    questions = "; ".join(line for root in found.roots for line in _questions(root))
    text = f"{' | '.join(map(_shown, found.roots))} ({', '.join(facts)}) {questions}"
    return text.encode("unicode_escape", errors="replace").decode()


def _shown(value: Any, depth: int = 0) -> str:
    """All that is noted of a value."""
    if depth > 6:
        return "..."
    if isinstance(value, Record):
        more = {"args": value.args, "keywords": value.keywords, "state": value.state, "items": value.items}
        held = [f"{name}={_shown(one, depth + 1)}" for name, one in more.items() if one not in (None, ())]
        held += [f"entries={_shown(value.entries, depth + 1)}"] if value.entries is not None else []
        return f"{_shown(value.maker, depth + 1)}[{' '.join(held)}]"
    if isinstance(value, Items):
        return f"{{{', '.join(f'{_shown(k, depth + 1)}: {_shown(v, depth + 1)}' for k, v in value.pairs())}}}"
    if isinstance(value, list | tuple):
        inner = ", ".join(_shown(one, depth + 1) for one in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    if isinstance(value, Blob):
        return f"<{len(value.view)} {value.coding} {'' if value.coding == 'int' else _tried(value.text)[:9]}>"
    if isinstance(value, Global):
        return value.path[:60]
    whole = repr(value)
    return whole if len(whole) < 30 else f"{whole[:20]}~{len(whole)}"


def _tried(ask: Any) -> str:
    try:
        return str(ask())
    except (FiltvizError, UnicodeError) as error:
        return type(error).__name__


def _questions(root: Any) -> Iterator[str]:
    """What is asked of objects, and answered with more than nothing."""
    spending = effort(Limits())
    found = list(records.walk([root], spending))
    if len(found) != len({*map(id, found)}) or len(found) > 1:
        yield f"{len(found)} objects"
    for value in [root, *found[:3]]:
        asked = {
            "class": records.class_name(value),
            "attributes": ", ".join(map(str, records.attributes(value))),
            "pairs": records.pairs(value, spending),
            "elements": records.elements(value),
            "name": records.name_of(value),
            "bytes": _tried(lambda value=value: bytes(records.raw_bytes(value) or b"")[:9].hex()),
        }
        yield " ".join(f"{key} {_shown(one)}" for key, one in asked.items() if one)


PICKLED: tuple[int, ...] = (
    13, 30, 67, 74, 77, 98, 109, 116, 119, 174, 231, 238, 245, 299, 352, 356, 373, 405, 458, 542, 549,
    586, 591, 608, 677, 679, 749, 767, 780, 807, 854, 886, 889, 1190, 1194, 1208, 1253, 1287, 1379,
    1403, 1455, 1519, 1599, 1697, 1792, 1846, 1858, 1920, 1988, 2012, 2241, 2274, 2505, 2534, 2669,
    2709, 2759, 2785, 2991, 3001, 3089, 3177, 3244, 3245, 3250, 3271, 3310, 3418, 3568, 3600, 3679,
    3707, 3819, 3836, 3851, 3905,
)  # fmt: skip


LENGTHS = b"\x8d", b"\x8e", b"\x96", b"\x95", b"\x8b", b"B", b"T", b"X"
"""Opcodes that say how long what follows is, with 8 bytes or with 4."""

MADE = (
    b"\x8c\4mine\x8c\5A.B.C\x93)R.", b"cmine\nNet\n)R(K\1K\2eK\3a(K\4e.",
    b"cmine\nNet\n)RK\1K\2s(K\3K\4uK\1K\5s.",
    b"cmine\nNet\n]K\1aR.", b"cmine\nNet\n)}K\1cmine\nInner\n)Rs\x92.",
    b"Va\\x41\\n\\u0041\n.",
    b"I01\r\n.", b"I 00\n.", b"I1L\n.", b"L5L \n.", b"L \n.", b"L-0x5\n.", b"I" + b"1" * 300 + b"\n.",
    b"I" + b"1" * 301 + b"\n.",     b"L" + b"1" * 299 + b"L\n.", b"L" + b"1" * 300 + b"L\n.",
    b"F" + b"1" * 300 + b"\n.", b"F" + b"1" * 301 + b"\n.",     b"F 1 \n.",
    b"\x8b\x2c\1\0\0" + b"\1" * 300 + b".", b"\x8b\x2d\1\0\0" + b"\1" * 301 + b".",     b"K\1.\x80\x06N.",
    b"K\1.\x80\x05N.", b"K\1.K", b"K\1.N.K\2.",
    b"\x80\x06N.",     b"ccopyreg\nconstructor\n(cmine\nNet\ntR.",
    b"cmine\n_reconstructor\n(cmine\nNet\ntR.",     b"ccopyreg\n__newobj__\n(cmine\nNet\ntR.",
    b"ccopyreg\n__newobj__\n(K\1tR.", b"ccopy_reg\n__newobj_ex__\n)R.",
)  # fmt: skip
"""Numbers at their longest, a second pickle that is odd, and what is not made by copyreg."""


def _at_their_ends() -> Told:
    for made in (*MADE, *(one + b"." for one in OLD)):
        yield f"made {_short(made)}", _noted(made)
    for code in LENGTHS:
        size = 8 if code in LENGTHS[:4] else 4
        for length in (0, 2, 256, 1 << 31, (1 << 32) + 2, 1 << 40, (1 << 63) + 2)[
            : size - 1 if size == 8 else 4
        ]:
            yield (
                f"{code.hex()} of {length}, where 9 are",
                _noted(code + length.to_bytes(size, "little") + b"." * 9),
            )


def _short(made: bytes) -> str:
    return ascii(made)[2:-1] if len(made) < 60 else f"{ascii(made[:20])[2:-1]} {len(made)}"


def pickled() -> Told:
    yield from map(a_pickled, (*PICKLED, *range(4000, 4500)))
    yield from _at_their_ends()
