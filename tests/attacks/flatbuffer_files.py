"""FlatBuffers written table by table, any of which may be shared, and small files of TensorFlow Lite.

`TO_LEAD` are under 1 MB: ``benchmarks/attacks.py`` shows what each command makes of them.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.attacks.formats import packed

__all__ = ["TO_LEAD", "Number", "Table", "Vector", "written"]


@dataclass(frozen=True, eq=False)
class Number:
    """A number in a table, as a letter of `struct` says it."""

    letter: str
    value: int

    @property
    def size(self) -> int:
        return struct.calcsize(self.letter)


@dataclass(frozen=True, eq=False)
class Vector:
    """Numbers of one letter, or objects where that is ``o``."""

    letter: str
    items: Sequence[object]


@dataclass(frozen=True, eq=False)
class Table:
    """A table: number of a field → what it holds."""

    fields: Mapping[int, object]


def held_by(one: object) -> Iterator[object]:
    if isinstance(one, Table):
        yield from (value for value in one.fields.values() if not isinstance(value, Number))
    elif isinstance(one, Vector) and one.letter == "o":
        yield from one.items


def in_order(root: object) -> list[object]:
    """Each object before what it holds: offsets lead forwards."""
    found: list[object] = []
    seen, waiting = set[int](), [(root, False)]
    while waiting:
        one, is_done = waiting.pop()
        if is_done:
            found.append(one)
        elif id(one) not in seen:
            seen.add(id(one))
            waiting += [(one, True), *((part, False) for part in held_by(one))]
    return found[::-1]


def written(root: Table, magic: bytes) -> bytes:
    """The bytes of a buffer."""
    body, places = bytearray(8), dict[int, int]()
    links: list[tuple[int, object]] = []
    for one in in_order(root):
        body += bytes(-len(body) % 8)
        if isinstance(one, Table):
            write_table(one, body, places, links)
        elif isinstance(one, Vector) and one.letter == "o":
            places[id(one)] = len(body)
            links += [(len(body) + 4 + 4 * i, part) for i, part in enumerate(one.items)]
            body += struct.pack("<I", len(one.items)) + bytes(4 * len(one.items))
        else:
            data = one if isinstance(one, bytes) else numbers_of(one)
            n = len(data) if isinstance(one, bytes) else len(one.items)  # type: ignore[attr-defined]
            body += bytes(4)  # so that numbers of eight bytes are aligned
            places[id(one)] = len(body)
            body += struct.pack("<I", n) + data + b"\0"
    for at, part in links:
        struct.pack_into("<I", body, at, places[id(part)] - at)
    struct.pack_into("<I4s", body, 0, places[id(root)], magic)
    return bytes(body)


def numbers_of(one: object) -> bytes:
    assert isinstance(one, Vector)
    return struct.pack(f"<{len(one.items)}{one.letter}", *one.items)


def write_table(one: Table, body: bytearray, places: dict[int, int], links: list[tuple[int, object]]) -> None:
    """Write where the fields are, and then these, each at a multiple of eight."""
    n = max(one.fields, default=-1) + 1
    own = {number: 8 + 8 * place for place, number in enumerate(one.fields)}
    start = len(body)
    body += struct.pack(f"<{n + 2}H", 4 + 2 * n, 8 + 8 * len(own), *(own.get(i, 0) for i in range(n)))
    body += bytes(-len(body) % 8)
    here = places[id(one)] = len(body)
    body += struct.pack("<i4x", here - start) + bytes(8 * len(own))
    for number, value in one.fields.items():
        if isinstance(value, Number):
            struct.pack_into(f"<{value.letter}", body, here + own[number], value.value)
        else:
            links.append((here + own[number], value))


# TensorFlow Lite


def integers(*numbers: int) -> Vector:
    return Vector("i", numbers)


def tensor(shape: Sequence[int], kind: int = 0, buffer: int = 0, more: Mapping[int, object] = {}) -> Table:
    return Table({0: integers(*shape), 1: Number("b", kind), 2: Number("I", buffer), 3: b"t", **more})


def operator(inputs: Sequence[int], output: int, options: Table | None = None) -> Table:
    told = {} if options is None else {4: options}
    return Table({0: Number("I", 0), 1: integers(*inputs), 2: integers(output), **told})


def model(code: int, tensors: Sequence[Table], operators: Sequence[Table], data: bytes = b"") -> bytes:
    """A model of operators of one kind, from the first tensor to the last."""
    ends = integers(0), integers(len(tensors) - 1)
    graph = {0: Vector("o", tensors), 1: ends[0], 2: ends[1], 3: Vector("o", operators)}
    buffers = Vector("o", [Table({}), Table({0: data})])
    codes = Vector("o", [Table({0: Number("b", code), 3: Number("i", code)})])
    parts = {0: Number("I", 3), 1: codes, 2: Vector("o", [Table(graph)]), 3: b"attack", 4: buffers}
    return written(Table(parts), b"TFL3")


CONVOLUTION, CONCATENATION = 3, 2
FLOAT, BYTE = 0, 9


def convolutions(n: int, shape: tuple[int, ...], kind: int, data: bytes, more: Mapping[int, object]) -> bytes:
    """Convolutions one upon the other that share their weights."""
    options = Table({place: Number("i", 1) for place in (1, 2, 4, 5)})
    given = [tensor((1, 64, 64, shape[3])), tensor(shape, kind, 1, more)]
    made = [tensor((1, 64, 64, shape[0])) for _ in range(n)]
    steps = [operator([0 if not i else i + 1, 1], i + 2, options) for i in range(n)]
    return model(CONVOLUTION, [*given, *made], steps, data)


def of_bytes(n: int, *shape: int) -> bytes:
    """Kernels of whole numbers that have a zero of their own."""
    scale = Table({2: Vector("f", [0.1]), 3: Vector("q", [3]), 6: Number("i", 0)})
    return convolutions(n, shape, BYTE, bytes(math.prod(shape)), {4: scale})


def sparse(*shape: int) -> bytes:
    """A kernel of one number, and of as many lists of places as it has rows of zeros."""
    n_rows = math.prod(shape[:-1])
    whole = [Table({0: Number("b", 0), 1: Number("i", length)}) for length in shape[:-1]]
    segments, places = Table({0: integers(*[0] * n_rows, 1)}), Table({0: Vector("B", [0])})
    listed = {0: Number("b", 1), 2: Number("B", 1), 3: segments, 4: Number("B", 3), 5: places}
    told = Table({0: integers(0, 1, 2, 3), 1: integers(), 2: Vector("o", [*whole, Table(listed)])})
    return convolutions(1, shape, FLOAT, bytes(4), {6: told})


def doubled(n: int) -> bytes:
    """What each concatenation gives is given to the next one twice."""
    options = Table({0: Number("i", 3)})
    tensors = [tensor((1, 8, 8, 1 << min(i, 30))) for i in range(n + 1)]
    return model(CONCATENATION, tensors, [operator([i, i], i + 1, options) for i in range(n)])


TO_LEAD: Mapping[str, Callable[[], bytes]] = {
    "TFLite: convolutions by the thousand": lambda: packed(
        convolutions(9_000, (64, 3, 3, 64), FLOAT, bytes(4 * 64 * 9 * 64), {})
    ),
    "TFLite: a kernel of bytes with a zero": lambda: packed(of_bytes(1, 60_000, 8, 8, 16)),
    "TFLite: kernels of bytes with a zero": lambda: packed(of_bytes(3_000, 64, 3, 3, 64)),
    "TFLite: a sparse kernel of zeros": lambda: packed(sparse(9_000, 8, 8, 24)),
    "TFLite: concatenations of what is given twice": lambda: packed(doubled(60)),
}
"""Attacks on TensorFlow Lite: name → what makes the file."""
