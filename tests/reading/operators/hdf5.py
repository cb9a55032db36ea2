"""Small files of HDF5, each with one fact changed: what is told of all groups, attributes and datasets."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.reading.hdf5 import Dataset, Group, open_hdf5
from filtviz.reading.limits import Limits, effort
from filtviz.reading.stretch import view_of
from tests.attacks.graph_files import Hdf5
from tests.reading.operators.asking import Told, numbers_of
from tests.telling import refused

__all__ = ["hdf5"]

NOWHERE = (1 << 64) - 1
NUMBERS = bytes(range(64))
LIST = struct.pack("<BBxx4xQ", 1, 1, 2)
FLOAT = struct.pack("<B3BIHH4BI", 0x11, 0x20, 31, 0, 4, 0, 32, 23, 8, 0, 23, 127)


def _whole(size: int = 4, *, kind: int = 0x10, bits: int = 8, offset: int = 0, precision: int = -1) -> bytes:
    return struct.pack("<BB2xIHH", kind, bits, size, offset, 8 * size if precision < 0 else precision)


def _real(size: int, *, kind: int = 0x11, bits: int = 0x20, offset: int = 0, parts: Any = None) -> bytes:
    usual = {2: (10, 5, 0, 10), 4: (23, 8, 0, 23), 8: (52, 11, 0, 52)}
    return struct.pack("<BB2xIHH4B", kind, bits, size, offset, 8 * size, *parts or usual.get(size, (0,) * 4))


def _text(size: int, kind: int = 0x13, bits: int = 0) -> bytes:
    return struct.pack("<BB2xI", kind, bits, size)


def _space(*lengths: int, version: int = 1, kind: int = 1) -> bytes:
    head = (
        struct.pack("<BBB5x", 1, len(lengths), 0)
        if version == 1
        else struct.pack("<BBBB", version, len(lengths), 0, kind)
    )
    return head + struct.pack(f"<{len(lengths)}Q", *lengths)


def _attribute(kind: bytes, space: bytes, data: bytes, *, name: bytes = b"a\0", version: int = 1) -> bytes:
    head = struct.pack("<BxHHH", version, len(name), len(kind), len(space)) + bytes(version == 3)
    held = [one + bytes(-len(one) % 8 if version == 1 else 0) for one in (name, kind, space)]
    return head + b"".join(held) + data


def _shown(value: Any) -> str:
    return numbers_of(value) if isinstance(value, np.ndarray) else repr(value)


def _told(data: bytes, opaque: str = "") -> str:
    """All that a file tells, or why it does not, and what that took."""
    spent = effort(Limits())
    try:
        root = open_hdf5(view_of(data), spent)
        told = "; ".join(_of_groups(root, opaque))
    except FiltvizError as error:
        told = refused(error)
    told = re.sub(r"(.)\1{20,}", lambda run: f"{run[1]}*{len(run[0])}", told)
    return f"{told} ({spent.used} steps)"


def _of_groups(root: Group, opaque: str) -> Iterator[str]:
    for group in root.walk():
        held = {name: _shown(value) for name, value in group.attributes.items()}
        yield f"group {group.path!r} {held} of {list(group)}"
        for name, one in group.datasets().items():
            yield f"{name} {'; '.join(_of_dataset(one, opaque))}"


def _of_dataset(one: Dataset, opaque: str) -> Iterator[str]:
    try:
        array = one.array(opaque)
        yield f"{one.path} {one.shape} {one.kind.dtype} of {one.kind.size}"
        yield numbers_of(array.read())
    except FiltvizError as error:
        yield refused(error)
    held = {name: _shown(value) for name, value in one.attributes.items()}
    yield f"with {held}" if held else ""


def _attributes() -> Iterator[tuple[str, bytes]]:
    """Attributes, each alone in a group."""
    for version in range(5):
        yield f"version {version}", _attribute(_whole(), LIST, NUMBERS[:8], version=version)
        yield f"version {version} cut", _attribute(_whole(), LIST, NUMBERS[:8], version=version)[:-9]
    for size in (0, 7, 8, 9, 16):
        yield f"two numbers in {size} bytes", _attribute(_whole(), LIST, NUMBERS[:size])
    for size in (1, 2, 3, 4, 8, 16):
        for bits in (0, 1, 8, 9):
            yield (
                f"whole of {size} with {bits}",
                _attribute(_whole(size, bits=bits), LIST, NUMBERS[: 2 * size]),
            )
        yield f"real of {size}", _attribute(_real(size), LIST, NUMBERS[: 2 * size])
        yield f"real of {size}, big", _attribute(_real(size, bits=1), LIST, NUMBERS[: 2 * size])
    yield "VAX", _attribute(_real(4, bits=0x41), LIST, NUMBERS[:8])
    yield "a zero", _attribute(_whole(0), LIST, NUMBERS[:8])
    yield "alone", _attribute(_whole(), _space(), NUMBERS[:4])
    yield "one in a list", _attribute(_whole(), _space(1), NUMBERS[:4])
    yield "one text in a list", _attribute(_text(3), _space(1), b"abc")
    yield "one in a square", _attribute(_real(4), _space(1, 1), NUMBERS[:4])
    yield "of nothing", _attribute(_whole(), _space(0), b"")
    for version, kind in ((0, 1), (1, 2), (2, 0), (2, 1), (2, 2), (3, 1)):
        space = _space(2, version=version, kind=kind)
        yield f"space {version} {kind}", _attribute(_whole(), space, NUMBERS[:8])
    for length in (0, 1, 7, 8, 9):
        yield f"{length} bytes of it", _attribute(_whole(), LIST, NUMBERS[:8])[:length]
    yield "space cut", _attribute(_whole(), LIST[:12], NUMBERS[:8])
    yield "space of one byte", _attribute(_whole(), LIST[:1], NUMBERS[:8])
    yield "space of three bytes", _attribute(_whole(), b"\2\0\0", NUMBERS[:8])
    yield "square", _attribute(_whole(2), _space(2, 3), NUMBERS[:12])
    yield "square alone short", _attribute(_whole(2), _space(2, 3), NUMBERS[:4])
    for offset, precision in ((0, 31), (1, 32), (1, 31)):
        odd = _whole(offset=offset, precision=precision)
        yield f"bits {offset} {precision}", _attribute(odd, LIST, NUMBERS[:8])
    for parts in ((22, 8, 0, 23), (23, 7, 0, 23), (23, 8, 1, 23), (23, 8, 0, 22)):
        yield f"parts {parts}", _attribute(_real(4, parts=parts), LIST, NUMBERS[:8])
    for length in (7, 8, 11, 12, 15):
        yield f"whole type of {length} bytes", _attribute(_whole()[:length], LIST, NUMBERS[:8])
        yield f"real type of {length} bytes", _attribute(_real(4)[:length], LIST, NUMBERS[:8])
    yield "texts", _attribute(_text(3), LIST, b"abcd\0f")
    yield "text", _attribute(_text(3), _space(), b"\xc3\xa9x")
    yield "no text", _attribute(_text(0), _space(), b"")
    yield "texts short", _attribute(_text(3), LIST, b"abcde")
    yield "odd text", _attribute(_text(3), _space(), b"\xffab")
    yield "odd name", _attribute(_whole(), _space(), NUMBERS[:4], name=b"a\xff\0b")
    yield "name without an end", _attribute(_whole(), _space(), NUMBERS[:4], name=b"abcdefgh")
    for bits in (0, 1, 2, 17):
        for size in (15, 16):
            yield f"variable {bits} {size}", _attribute(_text(size, 0x19, bits), _space(), bytes(16))
    for kind in (0x12, 0x14, 0x15, 0x16, 0x17, 0x1A):
        yield f"kind {kind & 15}", _attribute(_text(4, kind), _space(), NUMBERS[:4])
    for size in (1, 4):
        yield f"enumeration of {size}", _attribute(_text(size, 0x18), LIST, NUMBERS[: 2 * size])
    yield "a long one", _attribute(_text(400), _space(), b"x" * 400)
    for length in (5, 6, 7, 8):
        yield f"a head of {length}", bytes([1, 0, 0, 0, 0, 0, 0, 0])[:length]


def _global_heaps() -> Iterator[tuple[str, bytes]]:
    """Texts of lengths of their own, which lie in a heap."""

    def file(
        index: int,
        length: int,
        *objects: tuple[int, bytes],
        cut: int = 0,
        sign: bytes = b"GCOL",
        more: int = 0,
    ) -> bytes:
        made = Hdf5()
        held = b"".join(
            struct.pack("<HH4xQ", number, 1, len(one) + more) + one + bytes(-len(one) % 8)
            for number, one in objects
        )
        heap = made.add(sign + struct.pack("<B3xQ", 1, 16 + len(held) - cut) + held)
        value = struct.pack("<IQI", length, heap, index)
        return made.whole(made.group({}, (0x0C, _attribute(_text(16, 0x19, 1), _space(), value))))

    objects = ((1, b"one"), (3, b"three\xff--"), (2, b"second text, of more than sixteen letters"))
    for index in range(5):
        for length in (0, 3, 4):
            yield f"text {index} of {length}", file(index, length, *objects)
    yield "all of it", file(2, 41, *objects)
    yield "more than it", file(2, 42, *objects)
    yield "behind an end", file(2, 3, (1, b"one"), (0, b"end"), (2, b"two"))
    yield "behind an empty one", file(2, 3, (1, b""), (2, b"two"))
    yield "the second of a name", file(1, 5, (1, b"one"), (1, b"longer"))
    yield "another sign", file(1, 3, *objects, sign=b"GCOX")
    for cut in (0, 8, 16, 24, 32, 40, 41, 48, -64):
        yield f"cut by {cut}", file(2, 3, (1, b"one"), (2, b"two"), cut=cut)
    for length in (1, 8, 9, 13):  # of eight bytes, and of more that are not there
        yield f"{length} of a last one that says 13", file(1, length, (1, b"the last"), more=5)
        yield f"{length} of a last one of 1", file(2, length, (1, b"one"), (2, b"12345678"), cut=7)


def _datasets() -> Iterator[tuple[str, str, bytes]]:
    """Datasets, each alone in the root."""

    def file(*messages: tuple[int, bytes]) -> bytes:
        made = Hdf5()
        start = made.add(NUMBERS)
        held = [(kind, data.replace(b"HERESIZE", struct.pack("<Q", start))) for kind, data in messages]
        return made.whole(made.group({"d": made.header(*held)}))

    def plain(layout: bytes, kind: bytes = FLOAT, space: bytes = LIST, *more: tuple[int, bytes]) -> bytes:
        return file((1, space), (3, kind), (8, layout), *more)

    here = b"\3\1HERESIZE" + struct.pack("<Q", 8)
    yield "plain", "", plain(here)
    for version in range(6):
        for kind in range(3):
            body = bytes([version, kind])
            yield f"layout {version} {kind}", "", plain(body + b"HERESIZE" + struct.pack("<Q", 8))
            yield f"inside {version} {kind}", "", plain(body + struct.pack("<H", 8) + NUMBERS[:8])
            old = bytes([version, 2, kind, 0, 0, 0, 0, 0]) + b"HERESIZE" + bytes(8)
            yield f"old layout {version} {kind}", "", plain(old)
    for size in (0, 7, 8, 9, 60):
        yield f"of {size} bytes", "", plain(b"\3\1HERESIZE" + struct.pack("<Q", size))
        yield f"of {size} bytes inside", "", plain(b"\3\0" + struct.pack("<H", size) + NUMBERS[:12])
    yield "nowhere", "", plain(b"\3\1" + struct.pack("<QQ", NOWHERE, 8))
    yield "nowhere and nothing", "", plain(b"\3\1" + struct.pack("<QQ", NOWHERE, 0), FLOAT, _space(0))
    yield "beyond the end", "", plain(b"\3\1" + struct.pack("<QQ", 1 << 40, 8))
    yield "layout cut", "", plain(b"\3\1")
    yield "without a shape", "", file((3, FLOAT), (8, here))
    yield "of no shape", "", plain(here, FLOAT, _space(2, version=2, kind=2))
    yield "without a type", "", file((1, LIST), (8, here))
    yield "without a layout", "", file((1, LIST), (3, FLOAT))
    yield "external", "", plain(here, FLOAT, LIST, (7, bytes(8)))
    for filters in (b"\1\1", b"\1\0", b"\1"):
        yield f"filters {filters!r}", "", plain(here, FLOAT, LIST, (0x0B, filters))
    for opaque in ("", "bfloat16", "float8_e4m3fn", "dream"):
        for size in (1, 2, 4):
            yield f"opaque {opaque} of {size}", opaque, plain(here, _text(size, 0x15), _space(8 // size))
        yield f"text {opaque}", opaque, plain(here, _text(2, 0x13), _space(4))
    yield "small numbers", "", plain(here, _text(1, 0x18), _space(8))
    yield "two layouts", "", plain(here, FLOAT, LIST, (8, b"\3\0\0\0"))
    more = (0x0C, _attribute(_whole(), LIST, NUMBERS[:8]))
    yield (
        "attributes",
        "",
        plain(here, FLOAT, LIST, more, (0x0C, _attribute(_real(8), _space(), NUMBERS[:8]))),
    )


def _headers() -> Iterator[tuple[str, bytes]]:
    """Headers of objects: how many messages, of what lengths, and where they go on."""
    message = struct.pack("<HHBxxx", 0x0C, 0, 0)
    one = [
        _attribute(_whole(), _space(), NUMBERS[:4] + bytes(4), name=name) for name in (b"a\0", b"b\0", b"c\0")
    ]
    held = [message[:2] + struct.pack("<HBxxx", len(body), 0) + body for body in one]

    def file(
        version: int, n: int, parts: bytes, size: int = -1, more: bytes = b"", length: int = -1
    ) -> bytes:
        made = Hdf5()
        place = made.add(more)
        parts = parts.replace(b"MOREMORE", struct.pack("<Q", place))
        root = made.add(struct.pack("<BxHII4x", version, n, 1, len(parts) if size < 0 else size) + parts)
        return made.whole(root)

    for version in range(3):
        yield f"version {version}", file(version, 3, b"".join(held))
    for n in range(5):
        yield f"{n} messages", file(1, n, b"".join(held))
    size = len(b"".join(held))
    for cut in (-1, 0, 1, 7, 8, 9, len(held[2]) - 8, len(held[2]), 1 << 30):
        yield f"of {cut} bytes less", file(1, 3, b"".join(held), max(0, size - cut))
    for length in (15, 16, 17, 24):
        goes_on = struct.pack("<HHBxxx", 0x10, length, 0) + b"MOREMORE" + struct.pack("<QQ", len(held[1]), 0)
        for n in (1, 2, 3):
            parts = held[0] + goes_on[: 8 + length] + held[2]
            yield f"{n} messages, goes on {length}", file(1, n, parts, more=held[1])
    far = struct.pack("<HHBxxxQQ", 0x10, 16, 0, 1 << 40, 8)
    yield "goes on nowhere", file(1, 3, held[0] + far)
    round_and_round = struct.pack("<HHBxxx", 0x10, 16, 0) + b"MOREMORE" + struct.pack("<Q", 24)
    made = Hdf5()
    place = 96
    made.add(round_and_round.replace(b"MOREMORE", struct.pack("<Q", place)))
    root = made.add(struct.pack("<BxHII4xHHBxxxQQ", 1, 3, 1, 24, 0x10, 16, 0, place, 24))
    yield "goes on in a circle", made.whole(root)
    for n in (254, 255, 256):
        made = Hdf5()
        inner = made.add(held[0])
        parts = struct.pack("<HHBxxxQQ", 0x10, 16, 0, inner, len(held[0])) * n
        root = made.add(struct.pack("<BxHII4x", 1, 1, 1, len(parts)) + parts)
        yield f"in {n + 1} pieces", made.whole(root)
    for kind in (2, 6):
        yield f"newer links {kind}", file(1, 3, struct.pack("<HHBxxx", kind, 8, 0) + bytes(8))
    for length in (8, 15, 16):
        table = struct.pack("<HHBxxx", 0x11, length, 0) + struct.pack("<QQ", 96, 96)[:length]
        yield f"a table of {length} bytes", file(1, 3, table)


def _groups() -> Iterator[tuple[str, bytes]]:
    """Groups: trees, leaves, heaps of names, and what names lead to."""

    def inner_at() -> int:
        return Hdf5().group({})

    def file(names: bytes, rows: Any, *, heap: bytes = b"HEAP", leaf: bytes = b"SNOD", depth: int = 1,
             tree: bytes = b"TREE", kind: int = 0, n: int = 1) -> bytes:  # fmt: skip
        made = Hdf5()
        inner = made.group({})
        names_at = made.add(names)
        heap_at = made.add(heap + bytes(4) + struct.pack("<QQQ", len(names), NOWHERE, names_at))
        held = b"".join(
            struct.pack("<QQII16x", place, inner + more, cached, 0) for place, more, cached in rows
        )
        at = made.add(leaf + struct.pack("<BxH", 1, len(rows)) + held)
        for _ in range(depth):
            children = struct.pack("<QQ", 0, at) * n + bytes(8)
            at = made.add(tree + struct.pack("<BBHQQ", kind, 0, n, NOWHERE, NOWHERE) + children)
        return made.whole(made.header((0x11, struct.pack("<QQ", at, heap_at))))

    rows = [(8, 0, 0), (10, 0, 1), (12, 0, 0)]
    names = bytes(8) + b"a\0b\0c\xff\0" + bytes(9)
    yield "plain", file(names, rows)
    for cached in (1, 2, 3):
        yield f"cached {cached}", file(names, [(8, 0, cached)])
    for depth in (0, 1, 2, 15, 16, 17, 18):
        yield f"a tree of {depth}", file(names, rows, depth=depth)
    for n in (0, 2):
        yield f"a tree of {n} parts", file(names, rows, n=n)
    yield "a name of the beginning", file(names, [(8, -inner_at(), 0)])
    yield "two for one", file(names, [(8, 0, 0), (8, 8, 0)])
    yield "another heap", file(names, rows, heap=b"HEAX")
    yield "another leaf", file(names, rows, leaf=b"SNOX")
    yield "another tree", file(names, rows, tree=b"TREX")
    yield "a tree of chunks", file(names, rows, kind=1)
    yield "a name from nowhere", file(names, [(1 << 40, 0, 0)])
    yield "a name from very far", file(names, [(NOWHERE, 0, 0)])
    yield "an empty name", file(names, [(0, 0, 0)])
    for length in (15, 16, 4095, 4096):
        yield f"a name of {length}", file(b"n" * length + bytes(1), [(0, 0, 0)])
    made = Hdf5()
    inner = made.group({})
    for _ in range(3):
        inner = made.group({"n" * 1500: inner, "again": inner})
    yield "long names in one another", made.whole(inner)


def _superblocks() -> Iterator[tuple[str, bytes]]:
    made = Hdf5()
    data = made.whole(made.group({"a": made.group({})}))
    for version in (0, 1, 2, 3):
        more = bytes(4) if version == 1 else b""
        head = data[:8] + bytes([version]) + data[9:24] + more + data[24:]
        yield f"version {version}", head
    for sizes in ((8, 4), (4, 8), (8, 8), (4, 4)):
        yield f"sizes {sizes}", data[:13] + bytes(sizes) + data[15:]
    yield "a base", data[:24] + bytes([1]) + data[25:]
    for length in (14, 15, 31, 32, 71, 72, len(data) - 1):
        yield f"{length} bytes", data[:length]
    yield "a root that is far away", data[:64] + struct.pack("<Q", NOWHERE) + data[72:]
    yield "a root at the end", data[:64] + struct.pack("<Q", len(data)) + data[72:]


def hdf5() -> Told:
    """Each place of a file that decides something, with what it says and what it could say."""
    for words, body in _attributes():
        made = Hdf5()
        yield f"attribute {words}", _told(made.whole(made.group({}, (0x0C, body))))
    for words, opaque, data in _datasets():
        yield f"dataset {words}", _told(data, opaque)
    plain = next(data for words, _, data in _datasets() if words == "plain")
    root = open_hdf5(view_of(plain), effort(Limits()))
    for path in ("", "/", "d", "/d", "d/", "//d", "d/more", "e", "e/d"):
        yield f"path {path!r}", str(getattr(root.get(path), "path", None))
    for kind, files in (
        ("heap", _global_heaps()),
        ("header", _headers()),
        ("group", _groups()),
        ("superblock", _superblocks()),
    ):
        for words, data in files:
            yield f"{kind} {words}", _told(data)
