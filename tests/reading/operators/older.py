"""What ``torch.save`` wrote before PyTorch 1.6, streams, and its zips, each with one fact changed."""

from __future__ import annotations

import pickle
import struct
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

from filtviz.errors import FiltvizError
from filtviz.reading.formats.torch import older_files
from filtviz.reading.formats.torch.rebuilding import Rebuilder
from filtviz.reading.formats.torch.storages import (
    OldTensor,
    Saved,
    Storage,
    element_type,
    id_of,
    type_of_storage,
)
from filtviz.reading.formats.torch.zipped import is_torch_zip, read_zip
from filtviz.reading.limits import Inflation, Limits, effort, pickle_steps
from filtviz.reading.pickle.opcodes import PERSISTENT
from filtviz.reading.pickle.records import Blob, Global, Record, pairs
from filtviz.reading.zips import read_members
from tests.reading import torch_making
from tests.reading.making import Named
from tests.reading.operators.asking import Told
from tests.reading.operators.torch_tensors import ONES, shown
from tests.reading.torch_making import MAGIC, Stored, stream_of, tensor, zip_of
from tests.telling import refused

__all__ = ["older", "told_of"]

FLOAT = Named("torch.FloatStorage")


def _saved(saved: Saved) -> str:
    """All tensors of what is saved: a mapping of them, or one."""
    rebuilder = Rebuilder(saved.memory, pickle_steps(Limits()), effort(Limits()))
    held = pairs(saved.root, effort(Limits())) or [("", saved.root)]
    told = []
    for name, value in held:
        try:
            told.append(f"{name} {shown(rebuilder.tensor(value))}")
        except FiltvizError as error:
            told.append(f"{name} {refused(error)}")
    return f"{saved.form}: {'; '.join(told)}"


def told_of(read: Any, *given: Any) -> str:
    steps = pickle_steps(Limits())
    try:
        return f"{_saved(read(*given, steps))} ({steps.used} steps)"
    except FiltvizError as error:
        return refused(error)


# Streams


def _stream(pickles: Sequence[bytes], *memory: tuple[int, bytes]) -> bytes:
    return b"".join([*pickles, *(struct.pack("<q", n) + held for n, held in memory)])


def _parts(value: Any, protocol: int = 2) -> list[bytes]:
    pickled, storages = torch_making._pickled(value, protocol, is_stream=True)
    keys = pickle.dumps([key for key, _ in storages], protocol)
    return [*(pickle.dumps(one, protocol) for one in (MAGIC, 1001, {"little_endian": True})), pickled, keys]


def _streams() -> Iterator[tuple[str, bytes]]:
    whole = OrderedDict(a=tensor(ONES), b=tensor(ONES + 1))
    for protocol in range(6):
        yield f"protocol {protocol}", stream_of(whole, protocol=protocol)
    parts, held = _parts(whole), (6, ONES.tobytes())
    more = (6, (ONES + 1).tobytes())
    for n in range(5):
        yield f"{n} pickles", _stream(parts[:n])
    yield "no memory", _stream(parts)
    yield "half the memory", _stream(parts, held)
    yield "a byte less", _stream(parts, held, more)[:-1]
    yield "a byte more", _stream(parts, held, more) + b"x"
    for n in (5, 7, -1):
        yield f"{n} elements", _stream(parts, (n, held[1]), more)
    for keys in (
        ["0"],
        ["1", "0"],
        ["0", "0"],
        ["0", "1", "2"],
        ["0", 1],
        [0, "1"],
        [None, "1"],
        "01",
        5,
        ("0", "1"),
    ):
        yield f"keys {keys!r}", _stream([*parts[:4], pickle.dumps(keys, 2)], held, more)
    for kind in ("DreamStorage", "BFloat16Storage", "UntypedStorage"):
        odd = Stored(ONES, f"torch.{kind}")
        yield kind, stream_of({"a": tensor(odd, (6,)), "b": tensor(ONES)})
    for view in (
        None,
        ("v", 0, 6),
        ("v", 2, 4),
        ("v", 2, 5),
        ("v", 6, 0),
        ("v", 0, -1),
        ("v", -1, 2),
        ("v", 1),
        ("v", 1, 2, 3),
        5,
        ("v", True, 2),
    ):
        yield f"view {view}", stream_of({"a": tensor(Stored(ONES, view=view), (2,))})
    for words, kind, n, view in (
        ("of another length", "FloatStorage", 3, None),
        ("of another type", "IntStorage", 6, None),
        ("of another size", "DoubleStorage", 6, None),
        ("of another size and length", "DoubleStorage", 3, None),
        ("of no type", "DreamStorage", 6, None),
        ("as a part", "FloatStorage", 6, ("v", 2, 3)),
    ):
        for key in ("k" * 40, "k" * 41):
            other = Stored(ONES, f"torch.{kind}", n, view, key)
            two = {"a": tensor(Stored(ONES, key=key), (6,)), "b": tensor(other, (2,))}
            yield (
                f"one of {len(key)} letters twice, {words}",
                _stream([*_parts(two)[:4], pickle.dumps([key])], held),
            )
    for length in (33, 34):
        yield (
            f"a class of {length + 7} letters",
            stream_of(tensor(Stored(ONES, f"torch.{'x' * length}Storage"), (6,))),
        )
    for length in (40, 41):
        long = [*_parts({"a": tensor(Stored(ONES, key="k" * length), (6,))})[:4]]
        yield f"a key of {length} letters", _stream([*long, pickle.dumps(["k" * length])], held)
        yield (
            f"a key of {length} letters, another length",
            _stream([*long, pickle.dumps(["k" * length])], (5, held[1])),
        )
        yield f"a key of {length} letters that is not there", _stream([*long, pickle.dumps([])])
        yield (
            f"a key of {length} letters in no tensor",
            _stream([*parts[:4], pickle.dumps(["k" * length])], held),
        )
    yield "a number", stream_of(5)
    yield "a list with a storage in it", stream_of([Stored(ONES)])
    big = OrderedDict((f"t{i}", tensor(ONES + i)) for i in range(12))
    yield "twelve", stream_of(big)


# Persistent ids, and types


def _idents() -> Iterator[tuple[str, Any]]:
    usual = ("storage", Global("torch", "FloatStorage"), "0", "cpu", 6)
    for n in range(7):
        yield f"{n} parts", (*usual, None, None)[:n]
        yield f"{n} parts without a word", (*usual[1:], None, None)[:n]
    for place, values in (
        (0, ("store", b"storage", 5)),
        (1, ("FloatStorage", None)),
        (2, (0, None, b"0", "")),
        (4, (-1, 0, (1 << 60) - 1, 1 << 60, True, "6")),
    ):
        for value in values:
            yield f"part {place} is {value!r}", (*usual[:place], value, *usual[place + 1 :])
    for view in (
        None,
        (),
        ("v", 0, 6),
        ["v", 0, 6],
        ("v", 0, 1 << 60),
        ("v", 1 << 60, 0),
        ("v", 0, True),
        "v06",
    ):
        yield f"view {view!r}", (*usual, view)
    text = "('storage', <class 'torch.FloatStorage'>, '{}', '{}', {})"
    for key, place, n in (
        ("0", "cpu", "6"),
        ("0", "", "6, None"),
        ("", "cpu", "6"),
        ("k" * 80, "cpu", "6"),
        ("k" * 81, "cpu", "6"),
        ("0", "c" * 80, "6"),
        ("0", "c" * 81, "6"),
        ("0", "cpu", "1" * 18),
        ("0", "cpu", "1" * 19),
        ("0", "cpu", "-6"),
        ("0", "cpu", "6) "),
    ):
        yield f"text {len(key)} {len(place)} {n}", text.format(key, place, n)
    yield "bytes", text.format("0", "cpu", 6).encode()
    yield "no text", 5
    yield "other text", "storage"


def _ident_told(given: Any) -> str:
    try:
        found = id_of(Record(PERSISTENT, (given,)))
    except FiltvizError as error:
        return refused(error)
    return (
        "none" if found is None else f"{found.kind} {found.key[:9]!r} {found.n} {found.view} {found.nbytes}"
    )


def _type(found: Any) -> str:
    return "none" if found is None else f"{found.name}{' turned' * (found.byteorder == '>')}"


def _types() -> Told:
    for name in (
        "float32",
        "float",
        "double",
        "half",
        "bfloat16",
        "bool",
        "cfloat",
        "qint8",
        "quint8",
        "qint32",
        "uint16",
        "int4",
        "dream",
        "",
    ):
        yield f"type {name}", " ".join(_type(element_type(name, big_endian=big)) for big in (False, True))
    for name in (
        "FloatStorage",
        "ShortStorage",
        "_UntypedStorage",
        "ComplexDoubleStorage",
        "QUInt4x2Storage",
        "",
    ):
        yield f"class {name}", " ".join(_type(type_of_storage(name, big_endian=big)) for big in (False, True))
    for start, n in ((0, 8), (2, 6), (2, 7), (8, 0), (9, 0), (0, 0), (-1, 2), (3, -1), (0, -1)):
        whole = Storage(kind="FloatStorage", nbytes=8, read=lambda: b"01234567", big_endian=True)
        try:
            part = whole.part(start, n)
            told = f"{part.nbytes} {bytes(part.read())!r} {part.kind} {part.big_endian} {_type(part.dtype)}"
        except FiltvizError as error:
            told = refused(error)
        yield f"part {start} {n}", told


# Strings


def _strings() -> Iterator[tuple[str, Any]]:
    data = stream_of(Stored(ONES))
    yield "bytes", data
    yield "a blob", Blob(memoryview(data), "bytes")
    yield "text", data.decode("latin-1")
    yield "a blob of text", Blob(memoryview(data.decode("latin-1").encode()), "utf-8")
    yield "a long blob of text", Blob(memoryview((data.decode("latin-1") + "\xff" * 6000).encode()), "utf-8")
    yield "odd text", Blob(memoryview("\u1234".encode() * 30), "utf-8")
    yield "a call", Record(Global("_codecs", "encode"), (data.decode("latin-1"), "latin1"))
    yield from (
        ("nothing", b""),
        ("no stream", b"x" * 60),
        ("a number", 5),
        ("none", None),
        ("a list", [data]),
    )
    parts = _parts(Stored(ONES))
    for n in range(5):
        yield f"{n} pickles", _stream(parts[:n])
    yield "no memory", _stream(parts)
    yield "half the memory", _stream(parts, (6, ONES.tobytes()[:12]))
    yield "another length", _stream(parts, (5, ONES.tobytes()))
    for keys in (["1"], [], ["0", "0"], ["0", "1"]):
        yield f"keys {keys}", _stream([*parts[:4], pickle.dumps(keys, 2)], (6, ONES.tobytes()))
    yield "a tensor in it", stream_of(tensor(ONES))
    yield "a list in it", stream_of([Stored(ONES)])
    yield "an unknown class", stream_of(Stored(ONES, "torch.DreamStorage"))
    yield "a view", stream_of(Stored(ONES, view=("v", 0, 6)))
    yield "no view", stream_of(Stored(ONES, view=None))
    for n in (3700, 4000):
        yield f"{n} characters of a class", stream_of(Stored(ONES, f"torch.{'x' * n}Storage"))


def _string_told(value: Any) -> str:
    steps = pickle_steps(Limits())
    try:
        found = older_files.load_from_bytes(value, steps)
    except FiltvizError as error:
        return refused(error)
    held = bytes(found.read())
    return f"{found.kind[-20:]} {found.nbytes} {len(held)} {held[4:6]!r} ({steps.used} steps)"


def _persistent() -> Told:
    data = stream_of({"a": tensor(ONES)})
    saved = older_files.read_stream(data, pickle_steps(Limits()))
    for words, record in (
        ("another call", Record(Global("mine", "f"), ("0",))),
        ("no storage", Record(PERSISTENT, ("module",))),
    ):
        found = saved.memory(record)
        yield (
            f"memory of {words}",
            "none" if found is None else "an old tensor" if isinstance(found, OldTensor) else "a storage",
        )


# Zips


def _zips() -> Iterator[tuple[str, bytes, dict[str, str]]]:
    whole = {"a": tensor(ONES), "b": tensor(ONES[0])}
    yield "usual", zip_of(whole), {}
    for order in (None, "little", "big", "big\n", "bigger", "", "BIG"):
        yield f"byteorder {order!r}", zip_of(whole, byteorder=order), {}
    for root in ("archive/", "a/b/", "", "x"):
        yield f"root {root!r}", zip_of(whole, root=root), {}
    yield "deflated", zip_of(whole, method=8), {}
    for name in (
        "archive/data.pkl",
        "archive/version",
        "archive/byteorder",
        "archive/data/0",
        "archive/data/1",
    ):
        yield f"without {name}", zip_of(whole, without=[name]), {}
    for name in (
        "constants.pkl",
        "archive/constants.pkl",
        "archive/.format_version",
        "data.pkl",
        "other/data.pkl",
        "archive/extra",
    ):
        yield f"with {name}", zip_of(whole, more={name: b"x"}), {}
    for without in (
        ["archive/version", "archive/byteorder"],
        ["archive/version", "archive/byteorder", "archive/data/0", "archive/data/1"],
    ):
        yield f"without {len(without)} parts", zip_of(whole, without=without), {}
        yield (
            f"without {len(without)} parts, a format",
            zip_of(whole, without=without, more={"archive/.format_version": b"1"}),
            {},
        )
    for key in ("../0", "a/b", "a..b", "a.b", "0", "k" * 38 + "/x", "k" * 39 + "/x"):
        yield f"key {key}", zip_of({"a": tensor(Stored(ONES, key=key), (6,))}), {}
    for n in (0, 5, 6, 7):
        yield f"{n} elements", zip_of({"a": tensor(Stored(ONES, n=n), (5,))}), {}
        key = "k" * (36 + n)
        yield (
            f"a key of {36 + n}, {n} elements",
            zip_of({"a": tensor(Stored(ONES, n=n + 1, key=key), (5,))}),
            {},
        )
        yield f"{n} elements, none of them wanted", zip_of({"a": tensor(Stored(ONES, n=n), (0,))}), {}
    yield "an unknown class", zip_of({"a": tensor(Stored(ONES, "torch.DreamStorage"), (6,))}), {}
    yield (
        "one storage as two types",
        zip_of(
            {
                "a": tensor(Stored(ONES, key="k"), (6,)),
                "b": tensor(Stored(ONES, "torch.IntStorage", key="k"), (6,)),
            }
        ),
        {},
    )
    yield (
        "another pickle",
        zip_of(whole, more={"archive/constants.pkl": b"N."}),
        {"pickle": "constants.pkl", "folder": "constants"},
    )
    yield "a pickle that is not there", zip_of(whole), {"pickle": "nobody.pkl"}
    yield "another folder", zip_of(whole), {"folder": "nobody"}
    yield "an empty pickle", zip_of(whole, more={"archive/data.pkl": b""}), {}
    yield "nothing", b"PK\5\6" + bytes(18), {}


def _zip_told(data: bytes, how: dict[str, str]) -> str:
    limits = Limits()
    budget = Inflation(limits)
    budget.present = len(data)
    members = read_members(data, budget)
    steps = pickle_steps(limits)
    try:
        told = _saved(read_zip(members, steps, **how))
    except FiltvizError as error:
        told = refused(error)
    return f"{'of torch' if is_torch_zip(members) else 'of others'}: {told} ({steps.used} steps)"


def older() -> Told:
    """Streams, strings that are streams, and zips."""
    for words, data in _streams():
        yield f"stream: {words}", told_of(older_files.read_stream, data)
    for words, value in _strings():
        yield f"string: {words}", _string_told(value)
    yield from ((f"id: {words}", _ident_told(given)) for words, given in _idents())
    yield from _types()
    yield from _persistent()
    for words, data, how in _zips():
        yield f"zip: {words}", _zip_told(data, how)
