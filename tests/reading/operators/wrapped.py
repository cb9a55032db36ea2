"""Files in containers, as they are opened: what is around them, in them, and beside them."""

from __future__ import annotations

import bz2
import lzma
import os
import pickle
import re
import struct
import tempfile
import zlib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.reading.arrays import StoredArray
from filtviz.reading.containers import READ_BELOW, Siblings, open_file
from filtviz.reading.limits import Hints, Inflation, Limits
from filtviz.reading.npy import NPY_MAGIC
from filtviz.reading.opened import Opened, origin_of
from filtviz.reading.pickle.records import Items, Record
from filtviz.reading.stretch import Stretch, in_memory
from tests.reading.making import Named, Thing, dumps
from tests.reading.operators.asking import Told, numbers_of
from tests.reading.operators.zips import _deflated
from tests.telling import refused

__all__ = ["wrapped"]

VALUES = np.arange(6, dtype="<f4").reshape(2, 3)
PLAIN = pickle.dumps([1, "a"], 2)


def _npy(descr: str = "<f4", shape: str = "(2, 3)", data: bytes = VALUES.tobytes()) -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return NPY_MAGIC + b"\1\0" + struct.pack("<H", len(header)) + header + data


def _gzip(data: bytes) -> bytes:
    end = struct.pack("<II", zlib.crc32(data), len(data))
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + _deflated(data) + end


def _zlib(data: bytes) -> bytes:
    return b"\x78\x01" + _deflated(data) + struct.pack(">I", zlib.adler32(data))


def _zip(*deflated: str, **members: bytes) -> bytes:
    """A zip whose members are stored as they are, but for some."""
    body = directory = b""
    for name, data in members.items():
        held, method = (_deflated(data), 8) if name in deflated else (data, 0)
        called, place, facts = name.encode(), len(body), (zlib.crc32(data), len(held), len(data), len(name))
        body += struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, method, 0, 0, *facts, 0) + called + held
        directory += (
            struct.pack(
                "<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, method, 0, 0, *facts, 0, 0, 0, 0, 0, place
            )
            + called
        )
    n = len(members)
    return body + directory + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, n, n, len(directory), len(body), 0)


def _old_joblib(data: bytes, space: bytes = b" ") -> bytes:
    return b"ZF" + f"{len(data):#x}".ljust(20).encode()[: 2 + 19 - 2] + space + _zlib(data)


def _shown(value: Any) -> str:
    if isinstance(value, StoredArray):
        return numbers_of(value.read())
    if isinstance(value, Items):
        return f"{{{', '.join(f'{key}: {_shown(one)}' for key, one in value.pairs())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, Record):
        return f"{value!r}{_shown(value.args)}"
    return repr(value)


def _told(path: Path, *, counts: bool = True, **limits: int) -> str:
    try:
        opened = Opened.of(path, Limits(**limits), Hints())
    except FiltvizError as error:
        return _plain(refused(error), path)
    told = [" > ".join(opened.around) or "as it is", f"{opened.start[:4]!r}", f"{opened.is_npz}"]
    if opened.members is not None:
        told.append(f"members {[one.name for one in opened.members]}")
    try:
        held = opened.objects
        told += [held.form or "nothing", *map(_shown, held.roots), *held.notes]
        told += [f"damaged: {refused(held.damage)}"] if held.damage is not None else []
        told += [repr(one) for one in opened.records()]
        told += [f"Python {opened.python}", str([one.path for one in opened.globals])]
        told.append(str(origin_of(opened, "it").container))
    except FiltvizError as error:
        told.append(refused(error))
    told += [f"{opened.inflation.used} inflated"] if counts else []
    return _plain(f"{'; '.join(told)} ({opened.steps.used}, {opened.effort.used} steps)", path)


def _plain(text: str, path: Path) -> str:
    text = re.sub(r"(damaged|cut short) \((?!it ends early).*?\)", r"\1 (...)", text)
    return text.replace(f"{path.parent}/", "").encode("unicode_escape", "replace").decode()


def _files() -> Iterator[tuple[str, bytes]]:
    yield "nothing", b""
    yield "text", b"hello"
    yield "a pickle", PLAIN
    yield "two pickles", PLAIN * 2
    yield "a pickle and more", PLAIN + b"more"
    yield "a pickle that is cut short", PLAIN[:-2]
    yield "an old pickle", pickle.dumps([1, "a"], 0)
    yield "an old pickle without lines", pickle.dumps([1, "a"], 1)
    yield "an old pickle with other line ends", pickle.dumps([1, "a"], 0).replace(b"\n", b"\r\n")
    yield "an old pickle with some other line ends", pickle.dumps([1, "a"], 0).replace(b"\n", b"\r\n", 1)
    yield "an old pickle that is damaged", b"(lp0\nI1\nq"
    for n, protocol in product((1, 2, 3), (0, 2)):
        for rest in (b"more", PLAIN[:-2]):
            data = pickle.dumps([n], protocol) * n + rest
            yield f"{n} of protocol {protocol} and {rest[:4]!r}", data
            if not protocol:
                yield f"{n} with other line ends and {rest[:4]!r}", data.replace(b"\n", b"\r\n")
    yield "an object", dumps(Thing("mine.Net", 1, Named("numpy.core.x")), 2)
    yield "a length that begins like a pickle", b"\x80\x02\0\0\0\0\0\0{"
    yield "a longer one that begins so", b"\x80\x02\x01\0\0\0\0\0{"
    for n in (4, 5, 6):  # as long as 640 and 2^48 bytes
        yield f"{n} zeros behind a protocol", b"\x80\x02" + (bytes(n) + b"\x01" * 6)[:6] + b"{"
    yield "an array", _npy()
    yield "an array and a byte", _npy() + b"x"
    for n in (2, 3):
        yield f"{n} arrays", _npy() * n
    yield "two arrays, the last one short", _npy() + _npy()[:-1]
    yield "two arrays, the last one of objects", _npy() + _npy("|O", "(1,)", pickle.dumps([1], 2))
    yield "two arrays, the last one of texts", _npy() + _npy("<U3")
    yield "an empty array between two", _npy() + _npy(shape="(0, 3)", data=b"") + _npy()
    yield "a number, then an array", _npy(shape="()", data=VALUES.tobytes()[:4]) + _npy()
    yield "an array and half a header", _npy() + NPY_MAGIC
    yield "an array of texts", _npy("<U3")
    yield "one object in an array", _npy("|O", "()", PLAIN)
    yield "an npz of one object", _zip(**{"a.npy": _npy(), "o.npy": _npy("|O", "()", PLAIN)})
    yield "an array of objects", _npy("|O", "(1,)", PLAIN)
    yield "an array behind a line", b'{"a": 1}\n' + _npy()
    yield "arrays behind a line", b'{"a": 1}\n' + _npy() * 2
    yield "an array behind two lines", b'{"a":\n1}\n' + _npy()
    yield "an array behind a line of no braces", b"a: 1\n" + _npy()
    yield "a line", b'{"a": 1}\n'
    for n in ((1 << 16) - 7, (1 << 16) - 6):
        yield f"an array behind a line of {n}", b"{" + b" " * (n - 1) + b"\n" + _npy()
    yield "an npz", _zip(**{"a.npy": _npy(), "b.npy": _npy(shape="(6,)")})
    for names in (("a.npy",), ("b.npy",), ("a.npy", "b.npy")):
        yield f"an npz, {' and '.join(names)} deflated", _zip(*names, **{"a.npy": _npy(), "b.npy": _npy()})
    yield (
        "an npz of dotted names",
        _zip(**{"a.b.npy": _npy(), "c.npy.npy": _npy(), ".npy": _npy(), "d": _npy()}),
    )
    yield "an npz of one", _zip(**{"a.npy": _npy()})
    yield "an npz of objects", _zip(**{"a.npy": _npy(), "o.npy": _npy("|O", "(1,)", PLAIN)})
    yield (
        "an npz with others",
        _zip(**{"a.npy": _npy(), "t.npy": _npy("<U3"), "readme": b"text", "x.npy": b"no"}),
    )
    long = _npy(shape="(2, 3)" + " " * 300)
    yield "an npz with a long header", _zip(**{"a.npy": long, "b.npy": long})
    for rows in (1, 4, 9999):
        packed = _npy(shape=f"({rows}, 999)")
        said = (len(packed) + 3996 * rows).to_bytes(4, "little")
        data = _zip("a.npy", **{"a.npy": packed}).replace(len(packed).to_bytes(4, "little"), said)
        yield f"an npz of {rows} rows of which few are there", data
    yield "an npz with one of texts", _zip(**{"a.npy": _npy(), "\x1b" + "t" * 300 + ".npy": _npy("<U3")})
    yield "an npz with another", _zip(**{"a.npy": _npy(), "readme": b"text"})
    yield "an npz with a short one", _zip(**{"a.npy": _npy()[:-1], "b.npy": _npy()})
    yield "a zip of one pickle", _zip(p=PLAIN)
    yield "a zip of two pickles", _zip(p=PLAIN, q=PLAIN)
    yield "a zip of nothing", _zip()
    yield "a zip of a folder", _zip(**{"d/": b""})
    yield "a zip of a folder and a pickle", _zip(**{"d/": b"", "d/p": PLAIN})
    yield "a zip in a zip", _zip(z=_zip(p=PLAIN))


def _containers() -> Iterator[tuple[str, bytes, bool]]:
    for words, data in _files():
        yield words, data, True
        if words in ("a pickle", "an array", "an npz", "nothing", "a zip of one pickle"):
            yield f"{words} in gzip", _gzip(data), True
            yield f"{words} in zlib", _zlib(data), True
            yield f"{words} in bz2", bz2.compress(data), False
            yield f"{words} in xz", lzma.compress(data), False
            yield f"{words} in lzma", lzma.compress(data, format=lzma.FORMAT_ALONE), False
    yield "a zip of two deflated pickles in gzip", _gzip(_zip("p", "q", p=PLAIN, q=PLAIN)), True
    yield "an npz of a deflated array in gzip", _gzip(_zip("a.npy", **{"a.npy": _npy()})), True
    yield "two streams", _gzip(PLAIN[:5]) + _gzip(PLAIN[5:]), True
    yield "a stream and zeros", _gzip(PLAIN) + bytes(9), True
    yield "a stream and text", _gzip(PLAIN) + b"text", True
    yield "a stream that is cut short", _gzip(PLAIN)[:-9], True
    yield "a stream without its sum", _gzip(PLAIN)[:-8], True
    yield "a stream with another sum", _gzip(PLAIN)[:-5] + b"xxxxx", True
    yield "a stream of nothing", _gzip(b""), True
    yield "a stream of nothing and zeros", _gzip(b"") + bytes(9), True
    yield "two streams of nothing", _gzip(b"") * 2, True
    yield "the head of a stream", b"\x1f\x8b", True
    for start in (
        b"BZ",
        b"BZx",
        b"BZh",
        b"\x1f\x8c",
        b"\xfd7z",
        b"\xfd7zXZ\x01",
        b"]\0",
        b"]\0\x01",
        b"ZF0",
        b"PK\x03",
    ):
        yield f"nearly a start, {start!r}", start + b"text" * 9, True
    for start in (b"\x78\x01", b"\x78\x9c", b"\x78\xda", b"\x78\x02", b"\x58\x85", b"\x78"):
        yield f"a start of {start!r}", start + _zlib(PLAIN)[2:], True
    yield "a length that begins like gzip", b"\x1f\x8b\0\0\0\0\0\0{", True
    yield "a length that begins like zlib", b"\x78\x01\0\0\0\0\0\0{", True
    for space in (b" ", b"", b"  "):
        yield f"joblib's old zlib, {len(space)} spaces", _old_joblib(PLAIN, space), True
    yield "joblib's old zlib in a zip", _zip(z=_old_joblib(PLAIN)), True
    yield "joblib's old zlib in gzip", _gzip(_old_joblib(PLAIN)), True
    value: bytes = PLAIN
    for depth in range(1, 7):
        value = _gzip(value) if depth % 2 else _zlib(value)
        yield f"{depth} in one another", value, True
    value = PLAIN
    for depth in range(1, 7):
        value = _zip(z=value) if depth % 2 else _gzip(value)
        yield f"{depth} of both in one another", value, True


# Beside


def _beside(folder: Path) -> Told:
    (folder / "model.pkl").write_bytes(PLAIN)
    for name, data in (
        ("plain.npy", _npy()),
        ("gz.npy", _gzip(_npy())),
        ("e\u0301", b"x"),
        (".hidden", b"x"),
        ("n" * 200, b"x"),
    ):
        (folder / name).write_bytes(data)
    (folder / "inside").mkdir()
    (folder / "link.npy").symlink_to(folder / "plain.npy")
    (folder / "broken.npy").symlink_to(folder / "nobody")
    (folder / "one.npy").write_bytes(_npy())
    (folder / "other.npy").hardlink_to(folder / "one.npy")
    names = (
        "plain.npy",
        "gz.npy",
        "nobody.npy",
        "link.npy",
        "broken.npy",
        "other.npy",
        "inside",
        "",
        ".",
        "..",
        ".hidden",
        "...",
        "a/b",
        "a\\b",
        "a:b",
        "a\0b",
        "a\nb",
        "n" * 200,
        "n" * 255,
        "n" * 256,
        "../model.pkl",
        "model.pkl",
    )
    for name in names:
        for as_it_is in (False, True):
            budget = Inflation(Limits())
            siblings = Siblings(folder / "model.pkl", budget)
            yield f"beside: {name!r:.30} {as_it_is}", _sibling(siblings, name, as_it_is, folder)
    (folder / "large.npy").write_bytes(b"")
    os.truncate(folder / "large.npy", READ_BELOW + 1)
    large = Siblings(folder / "model.pkl", Inflation(Limits())).open("large.npy")
    yield "beside: a large one", large.file.subject if isinstance(large, Stretch) else "in memory"
    siblings = Siblings(folder / "model.pkl", Inflation(Limits(members=2)))
    for name in ("plain.npy", "plain.npy", "gz.npy", "one.npy"):
        yield f"beside, one after another: {name}", _sibling(siblings, name, False, folder)
    yield "beside nothing", _sibling(Siblings(None, Inflation(Limits())), "plain.npy", False, folder)
    for path in (
        folder,
        folder / "nobody",
        folder / "plain.npy",
        folder / "link.npy",
        folder / "broken.npy",
        folder / "a\0b",
        folder / ("n" * 300),
    ):
        try:
            data = open_file(path)
            told = f"{type(data).__name__} {len(data)}"
        except FiltvizError as error:
            told = re.sub(r"\(.*null.*\)", "(...)", refused(error))  # each Python says it in its own words
        yield f"open {path.name[:20]!r}" if path != folder else "open a folder", told.replace(str(folder), "")


def _sibling(siblings: Siblings, name: str, as_it_is: bool, folder: Path) -> str:
    try:
        data = siblings.open(name, as_it_is=as_it_is)
        held = bytes(data) if not isinstance(data, Stretch) else bytes(in_memory(data))
        told = f"{len(held)} {zlib.crc32(held):08x}"
    except FiltvizError as error:
        told = refused(error).replace(str(folder), "").encode("unicode_escape").decode()
    budget = siblings.budget
    return f"{told[:200]} ({budget.present} present, {budget.used} inflated, {len(siblings.opened)} opened)"


def wrapped() -> Told:
    """Files in containers, and files beside one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(os.path.realpath(name))
        path = folder / "model"
        for words, data, counts in _containers():
            path.write_bytes(data)
            yield f"file: {words}", _told(path, counts=counts)
        for words, data in (("3 arrays of 2", _npy() * 3), ("2 arrays of 2", _npy() * 2)):
            path.write_bytes(data)
            yield f"file: {words}", _told(path, layers=2)
        for n in (1, 2):
            path.write_bytes(_zip(z=_gzip(PLAIN)))
            yield f"file: two containers of {n}", _told(path, nesting=n)
        path.write_bytes(_zip(**{"a.npy": _npy(), "o.npy": _npy("|O", "(1,)", PLAIN)}))
        for n in (len(PLAIN) - 1, len(PLAIN)):
            yield f"file: objects of {n} bytes", _told(path, allocation=n)
        for n in (READ_BELOW, READ_BELOW + 1):
            path.write_bytes(bytes(n))
            yield f"file: {n} bytes at once", type(open_file(path)).__name__
        path.write_bytes(pickle.dumps([1, "a"], 0).replace(b"\n", b"\r\n"))
        for n in (len(path.read_bytes()) - 1, len(path.read_bytes())):
            yield f"file: line ends in {n} bytes", _told(path, allocation=n)
        (folder / "beside").mkdir()
        yield from _beside(folder / "beside")
