"""Parts of the readers that all formats share, asked by themselves, at their ends and one step beyond."""

from __future__ import annotations

import gzip
import io
import itertools
import math
import struct
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.network import Layer
from filtviz.operations import Normalisation
from filtviz.parameter import Parameter
from filtviz.reading import flatbuffers
from filtviz.reading.arithmetic import with_constant
from filtviz.reading.layering import add_layer, make_layer, with_biases
from filtviz.reading.limits import Hints, Limits, effort, pickle_steps
from filtviz.reading.opened import Opened, origin_of
from filtviz.reading.pickle import records
from filtviz.reading.pickle.machine import read_pickles
from filtviz.reading.pickle.records import Blob, Global, Items, Record
from filtviz.reading.shape_arithmetic import (
    LARGEST,
    MOST,
    Lengths,
    Number,
    combined,
    joined,
    lengths_of,
    of_parameter,
    of_shape,
)
from filtviz.reading.stretch import View
from tests.reading.making import dumps
from tests.reading.operators.asking import Told, array
from tests.reading.operators.grammars import _on_disk
from tests.reading.operators.lengths import _brief
from tests.reading.operators.wholes import opened
from tests.telling import refused

__all__ = ["reading_parts"]


def _said(ask: Callable[[], Any]) -> str:
    try:
        return str(ask())
    except FiltvizError as error:
        return refused(error)


# FlatBuffers


def _tables() -> Told:
    """A table whose offsets end with the file, begin before it, or are behind it."""
    whole = struct.pack("<IiiHHH", 4, -8, 5, 6, 8, 4)
    around = struct.pack("<IiiHHHH", 4, 8, 5, 6, 8, 8, 0)
    for words, data in (
        ("whole", whole), ("a byte less", whole[:-1]), ("none", whole[:12] + b"\4\0\4\0"),
        ("three bytes", whole[:12] + b"\3\0\4\0"), ("offsets before it", around),
    ):  # fmt: skip
        views: dict[str, View] = {"in memory": memoryview(data), "on disk": _on_disk(data)}
        for where, view in views.items():
            table = flatbuffers.root_table(view, effort(Limits()))
            told = f"{_said(lambda t=table: t.scalar(0, 'i'))}, {_said(lambda t=table: t.numbers(1, 'i'))}"
            yield f"a table, {words}, {where}", told


# Numbers that are computed of shapes


def _number(value: Any, dtype: str, shape: tuple[int, ...]) -> Lengths | None:
    return of_parameter(Parameter.of("n", np.full(shape, value, dtype), "there"))


def _lengths() -> Told:
    four = lengths_of([1, 2, 3, 4])
    for shape in (
        (-2, -2, 1), (-2, -2), (2, -1), (-1, -1), (4, 1, 1, 1), (4, 1, 1, 1, 1), (4, *(1,) * 70), (0, -1), (),
    ):  # fmt: skip
        yield f"four as {shape}"[:40], _brief(four.reshaped(shape))
    square = four.reshaped((1, 2, 1, 2))
    assert square is not None
    for places in ([0], [[0]], 0, [1], [-2], [-3]):
        yield f"places {places} of four axes", _brief(square.taken(np.array(places), 1))
    for n in (MOST - 1, MOST, MOST + 1):
        yield f"{n} times the first", str(four.taken(np.zeros(n, int), 0) is None)
        yield f"{n} parts of none", _brief(joined([lengths_of([])] * n))
    yield "no parts", _brief(joined([]))
    for words, value, dtype in (
        ("a whole number", (1 << 63) - 1, "u8"), ("one more", 1 << 63, "u8"), ("the least", -(1 << 63), "i8"),
        ("as a real", 2.0**62, "f8"), ("half", 0.5, "f2"), ("none", math.nan, "f4"),
        ("no end", math.inf, "f4"), ("true", True, "?"), ("complex", 1, "c8"),
    ):  # fmt: skip
        yield f"{words} {value}", _brief(_number(value, dtype, (1,)))
    for shape in ((1, 1, 1, 1), (1, 1, 1, 1, 1)):
        yield f"one of {len(shape)} axes", _brief(_number(2, "i8", shape))
    for kind, dtype in itertools.product(("divide", "remainder"), ("i8", "f4")):
        for left, right in ((7, 2), (7, 0), (-7, 2), (7, -2), (0, 0), (LARGEST - 1, 1)):
            pair = [_number(one, dtype, ()) for one in (left, right)]
            yield f"{kind} {left} by {right}, {dtype}", _brief(combined(kind, *pair))  # type: ignore[arg-type]
    for giver, axis, place, value in itertools.product((0, 1), (0, 2, 3), (0, 1, 2), (None, 5)):
        numbers = [Number(value=9.0)] * 3
        numbers[place] = Number(value=value, axis=(giver, axis))
        array_ = np.empty(3, object)
        array_[:] = numbers
        answers = [Lengths(array=array_).as_reshape(below, 0) for below in ((None, 5, None), (5, None, 5))]
        yield f"axis {axis} of {giver} at {place}, {value}", str(answers)
    for cut in ((None, None), (1, None), (0, 1)):
        yield f"lengths of {cut}", _brief(of_shape((2, None, 3), 1, *cut))


# Layers of graphs


def _layers() -> Told:
    shift = Normalisation(beta=array(4, name="b"), is_batch=False)
    for words, inputs in (("none", ()), ("two", (0, 0)), ("one", (0,))):
        layers = [Layer(output_shape=(1, 4)), make_layer((shift,), name="b", inputs=inputs)]
        yield f"a bias of {words}", str([(one.name, one.inputs) for one in with_biases(layers)])
    for inputs in ((), (0,)):
        layers = [Layer(output_shape=(1, 4))]
        add_layer(layers, make_layer((), inputs=inputs), effort(Limits()), "{}")
        yield f"nothing of {inputs}", str(layers[1].output_shape)


# Pickles, and what is around them


def _pickles() -> Told:
    two = dumps([1]) + dumps([2])
    for most in (0, 1, 2, 3):
        found = read_pickles(two, pickle_steps(Limits()), most=most)
        yield f"{most} pickles", f"{found.roots} to {found.stop}, {found.rest}"
    for data in (b"I5\n.", b"(lp0\n.", b"]q\x00.", b"K\x05.", b"\x80\x02K\x05.", b"\x80\x03]q\x00."):
        found = read_pickles(data, pickle_steps(Limits()))
        yield f"a pickle {data!r}", f"protocol {found.protocol}, Python {found.python}"
    for n in (3, 4):
        data = b"\x80\x02" + b"".join(b"Nq" + bytes([place]) for place in range(n)) + b"."
        yield f"{n} kept of 3", _said(lambda d=data: read_pickles(d, pickle_steps(Limits(memo=3))).roots)
    data = b"](" + b"K\x01" * 9000 + b"e."
    yield "many on disk", _said(lambda: len(read_pickles(_on_disk(data), pickle_steps(Limits())).roots[0]))


def _records() -> Told:
    """Objects that may be dictionaries, texts at the length of the longest, and calls that make bytes."""
    entries = Items(["k", 1])
    for module, name in (
        ("collections", "OrderedDict"), ("mine", "Layers"), ("mine", "_dict"), ("builtins", "dict"),
        ("mine", "Net"), ("mine", "Own.Dict"),
    ):  # fmt: skip
        for args in ((), (entries,), ([("k", 1)],), ([("k", 1, 2)],), (1, entries), (1, 2, entries)):
            spent = effort(Limits())
            found = records.pairs(Record(Global(module, name), args), spent)
            shown = " ".join(str(one) for one in args)
            yield f"pairs of {name} of {shown}".replace(str(entries), "entries"), f"{found} {spent.used}"
    for module, name in (
        ("_codecs", "encode"),
        ("_codecs", "decode"),
        ("mine", "encode"),
        ("builtins", "bytes"),
    ):
        for args in (("é",), ()):
            yield f"{module}.{name} of {args}", str(records.raw_bytes(Record(Global(module, name), args)))
    for n in (records.LONGEST_TEXT, records.LONGEST_TEXT + 1):
        for coding in ("latin-1", "int"):
            blob = Blob(memoryview(b"x" * n), coding)
            name = records.name_of(blob)
            yield f"a text of {n}, {coding}", f"{records.text(blob) is None} {name and len(name)}"
    for n in (records.WALKED_AT_ONCE - 1, records.WALKED_AT_ONCE):
        spent = effort(Limits())
        yield f"a walk through {n}", f"{len(list(records.walk([[] for _ in range(n)], spent)))} {spent.used}"
    for data in (b"Sxax\n.", b"S'a'\n.", b"S''\n.", b"S'a\n.", b"S'\n.", b"cmine\nNet\n)R)b.", b"K\x05)R)b."):
        root = _said(lambda d=data: read_pickles(d, pickle_steps(Limits()), {"mine.Net": _hooked}).roots)
        yield f"a pickle {data!r} with a hook", root


def _hooked(record: Record, _: Any, position: int) -> int:
    record.state = "met"
    return position


def _constants() -> Told:
    """Constants of graphs along axes of units: how they lie, and whether they are the file's own."""
    for shape, along in (
        ((3,), (1,)),
        ((1, 1), (2, 3)),
        ((2, 3), (3, 1)),
        ((3, 2), (1, 3)),
        ((3, 3), (3, 1)),
        ((0,), (1,)),
    ):
        for below in (None, (1, 3, 4, 2), (1, 3, None, 3), (1, 3)):
            held = array(*shape)
            (norm,) = with_constant("multiply", held, along, below) or (None,)
            gamma = norm.gamma if isinstance(norm, Normalisation) else None
            told = f"{norm.along} {gamma.shape} {gamma is held}" if gamma is not None else "-"
            yield f"a constant of {shape} along {along} of {below}", told


def _zipped(held: Mapping[str, bytes], methods: tuple[int, ...] = (zipfile.ZIP_STORED,)) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for (name, data), method in zip(held.items(), itertools.cycle(methods), strict=False):
            file.writestr(zipfile.ZipInfo(name), data, method)
    return made.getvalue()


def _npy(value: Any) -> bytes:
    made = io.BytesIO()
    np.save(made, value)
    return made.getvalue()


def _objects(data: bytes, path: Path) -> str:
    path.write_bytes(data)
    file = Opened.of(path, Limits(), Hints())
    found = file.objects
    roots = [list(one.by_name()) if hasattr(one, "by_name") else type(one).__name__ for one in found.roots]
    told = f"{file.around} {found.form} {roots} {found.notes} {found.damage}"
    return f"{told}, {file.inflation.used} inflated, starts with {len(file.start)}"


def _containers() -> Told:
    real, own = _npy(np.ones(2, "f4")), _npy(np.array([None, {}], object))
    both = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        for words, data in (
            ("arrays", _zipped({"a.npy": real, "b.npy": real})),
            ("both ways", _zipped({"a.npy": real, "b.npy": real}, both)),
            ("deflated", _zipped({"a.npy": real, "b.npy": real}, both[1:])),
            ("objects", _zipped({"a.npy": real, "o.npy": own})),
            ("words", _zipped({"a.npy": real, "s.npy": _npy(np.array(["x"]))})),
            ("one array", _zipped({"a.npy": real})), ("one text", _zipped({"a.txt": b"N."})),
            ("two texts", _zipped({"a.txt": b"N.", "b.txt": b"N."})),
            ("a gzip", _zipped({"g": gzip.compress(b"N.", mtime=0)})),
            ("a zip in a zip", _zipped({"z": _zipped({"a.txt": b"N."}, both[1:])}, both[1:])),
        ):  # fmt: skip
            yield f"a zip of {words}", _objects(data, path)
        path.write_bytes(_zipped({"z": _zipped({"a.txt": b"N."})}))
        for n in (1, 2):
            yield f"{n} in one another", _said(lambda n=n: Opened.of(path, Limits(nesting=n), Hints()).around)
    for facts in ({}, {"versions": {"theano": "9"}}, {"inferred": ["x"], "notes": ["y"]}):
        found = origin_of(opened(b"N."), "a kind", **facts)
        yield f"origin {facts}", f"{found.kind} {found.versions} {found.inferred} {found.notes}"


def reading_parts() -> Told:
    """All of it."""
    yield from _tables()
    yield from _lengths()
    yield from _layers()
    yield from _pickles()
    yield from _records()
    yield from _constants()
    yield from _containers()
