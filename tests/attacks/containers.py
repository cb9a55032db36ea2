"""Files around the pickle: compressions, zips, npy headers, files beside, and what is no file at all."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import socket
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from tests.attacks.assembling import (
    KERNELS,
    beside_weights,
    dtype,
    listed,
    named,
    pickled,
    shape,
    text,
    thing,
    weights,
)
from tests.attacks.attack import Attack

__all__ = ["ATTACKS"]

LARGE = 1 << 25
"""Bytes that bombs inflate to; the test allows 16 MiB."""


def npy(
    header: str, data: bytes = KERNELS.tobytes(), *, version: int = 1, length: int | None = None
) -> bytes:
    """An ``.npy`` file with any header, whose length may be a lie."""
    encoded = header.encode("latin-1")
    size = struct.pack("<H" if version == 1 else "<I", len(encoded) if length is None else length)
    return b"\x93NUMPY" + bytes([version, 0]) + size + encoded + data


def header(shape: str = "(2, 1, 3, 3)", descr: str = "'<f4'", more: str = "") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, {more}}}\n"


HONEST = npy(header())


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return buffer.getvalue()


def deflated(n_bytes: int) -> bytes:
    """A raw stream of zeros, made without keeping them."""
    stream = zlib.compressobj(wbits=-15)
    return b"".join(stream.compress(bytes(1 << 20)) for _ in range(n_bytes >> 20)) + stream.flush()


def patched(archive: bytes, place: Callable[[bytes], int], number: bytes) -> bytes:
    """Overwrite bytes of a zip."""
    at = place(archive)
    return archive[:at] + number + archive[at + len(number) :]


def directory(field: int) -> Callable[[bytes], int]:
    """The place of a field of the first entry in a zip's directory (APPNOTE 4.3.12)."""
    return lambda archive: archive.index(b"PK\x01\x02") + field


def own(field: int) -> Callable[[bytes], int]:
    """The place of a field of the first member's own header (APPNOTE 4.3.7)."""
    return lambda archive: archive.index(b"PK\x03\x04") + field


def within() -> bytes:
    """A zip whose second member lies within its first one, with headers that agree."""
    inner = zipped(("b.npy", HONEST))
    archive = zipped(("a.npy", inner), ("b.npy", HONEST))
    second = archive.index(b"PK\x01\x02", archive.rindex(inner) + len(inner))
    place = archive.index(b"PK\x01\x02", second + 4) + 42
    return archive[:place] + struct.pack("<I", archive.index(inner)) + archive[place + 4 :]


def overlapping(n: int, member: bytes) -> bytes:
    """A zip all of whose members are one and the same."""
    once = zipped(("a.npy", member))
    start = once.index(b"PK\x01\x02")
    end = once.index(b"PK\x05\x06")
    entries = once[start:end] * n
    return once[:start] + entries + ending(n, len(entries), start)


def ending(n: int, size: int, start: int) -> bytes:
    """The record at the end of a zip of ``n`` members (APPNOTE 4.3.16)."""
    return struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, n & 0xFFFF, n & 0xFFFF, size, start, 0)


def many(n: int, member: bytes) -> bytes:
    """A zip of members that hold the same, each in a place of its own."""
    stream = zlib.compressobj(wbits=-15)
    packed = stream.compress(member) + stream.flush()
    sizes = zlib.crc32(member), len(packed), len(member)
    body, entries = bytearray(), bytearray()
    for name in (b"%05d.npy" % number for number in range(n)):
        entries += struct.pack(
            "<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, *sizes, 9, 0, 0, 0, 0, 0, len(body)
        )
        entries += name
        body += struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 0, *sizes, 9, 0) + name + packed
    return bytes(body + entries) + ending(n, len(entries), len(body))


def quoted(n: int) -> bytes:
    """A zip bomb of overlapping members (https://www.bamsoftware.com/hacks/zipbomb/)."""
    kernel = deflated(LARGE)
    local = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, len(kernel), LARGE, 1, 0) + b"a"
    entry = struct.pack(
        "<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, 0, len(kernel), LARGE, 1, 0, 0, 0, 0, 0, 0
    )
    entries = (entry + b"a") * n
    start = len(local) + len(kernel)
    return local + kernel + entries + ending(n, len(entries), start)


def objects(pickle: bytes) -> bytes:
    """An object array as ``.npy``."""
    return npy(header(shape="(1,)", descr="'|O'"), pickle)


def nested(data: bytes, *wraps: Callable[[bytes], bytes]) -> bytes:
    for wrap in wraps:
        data = wrap(data)
    return data


def joblib_beside(name: str) -> Callable[[Path], Path]:
    """A file of old joblib's that names another file as its array."""

    def place(folder: Path) -> Path:
        wrapper = thing(
            "joblib.numpy_pickle", "NDArrayWrapper", filename=text(name), subclass=named("numpy", "ndarray")
        )
        path = folder / "model.pkl"
        path.write_bytes(pickled(listed(wrapper, weights())))
        return path

    return place


def with_link(folder: Path) -> Path:
    (folder / "array.npy").symlink_to("/etc/passwd")
    return joblib_beside("array.npy")(folder)


def with_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "array.npy")
    return joblib_beside("array.npy")(folder)


def with_folder(folder: Path) -> Path:
    (folder / "array.npy").mkdir()
    return joblib_beside("array.npy")(folder)


def with_bomb(folder: Path) -> Path:
    (folder / "array.npy").write_bytes(gzip.compress(bytes(LARGE), 1))
    return joblib_beside("array.npy")(folder)


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "model.pkl")
    return folder / "model.pkl"


def unix_socket(folder: Path) -> Path:
    path = folder / "s"
    here = Path.cwd()
    os.chdir(folder)  # the path of a socket may have a hundred bytes
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind("s")
    finally:
        os.chdir(here)
    assert stat.S_ISSOCK(path.stat().st_mode)
    return path


def circle(folder: Path) -> Path:
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")
    return folder / "a"


def many_streams(n: int) -> bytes:
    """A gzip of many empty members and a full one."""
    return gzip.compress(b"") * n + gzip.compress(beside_weights())


BOMBS = (
    # https://en.wikipedia.org/wiki/Zip_bomb, one for each compression that is undone
    ("a gzip bomb", lambda: gzip.compress(bytes(LARGE), 6), "LimitError"),
    ("a bz2 bomb", lambda: bz2.compress(bytes(LARGE)), "LimitError"),
    ("an xz bomb", lambda: lzma.compress(bytes(LARGE), preset=0), "LimitError"),
    ("an lzma bomb", lambda: lzma.compress(bytes(LARGE), lzma.FORMAT_ALONE, preset=0), "LimitError"),
    ("a zlib bomb", lambda: zlib.compress(bytes(LARGE)), "LimitError"),
    ("a bomb in a bomb", lambda: gzip.compress(gzip.compress(bytes(LARGE))), "LimitError"),
    (
        "an old joblib bomb",
        lambda: b"ZF" + b"0x10000000".ljust(20) + zlib.compress(bytes(LARGE)),
        "LimitError",
    ),
    ("many bombs in one gzip", lambda: gzip.compress(bytes(1 << 24)) * 20, "LimitError"),
    # https://research.swtch.com/zip
    (
        "compressions in one another",
        lambda: nested(
            beside_weights(), gzip.compress, bz2.compress, lzma.compress, gzip.compress, bz2.compress
        ),
        "LimitError",
    ),
    (
        "zips in one another",
        lambda: nested(beside_weights(), *[lambda data: zipped(("model.pkl", data))] * 9),
        "LimitError",
    ),
    (
        "a deflate bomb in a zip",
        lambda: zipped(("a", bytes(LARGE)), method=zipfile.ZIP_DEFLATED),
        "LimitError",
    ),
    # https://www.bamsoftware.com/hacks/zipbomb/
    ("overlapping members", lambda: quoted(2000), "MalformedFileError"),
    ("members that are one and the same", lambda: overlapping(20_000, HONEST), "MalformedFileError"),
    ("members by the thousand", lambda: many(20_000, HONEST), "LimitError"),
    ("members whose headers are long", lambda: many(2_000, npy(header(more=" " * 65_000))), "LimitError"),
    (
        "an npz bomb",
        lambda: zipped(
            ("a.npy", npy(header("(2048, 1, 64, 64)"), bytes(1 << 25))), method=zipfile.ZIP_DEFLATED
        ),
        "LimitError",
    ),
    ("more members than are allowed", lambda: overlapping(120_000, HONEST), "LimitError"),
    (
        "object arrays that take all steps together",
        lambda: zipped(
            *[(f"{n}.npy", objects(pickled(b"N0" * 60_000, b"N"))) for n in range(9)],
            method=zipfile.ZIP_DEFLATED,
        ),
        "LimitError",
    ),
    # https://xz.tukaani.org/xz-utils/ (LZMA_MEMLIMIT: a header may ask for gigabytes)
    (
        "an lzma header that asks for four gigabytes",
        lambda: b"]\0\0" + struct.pack("<H", 0xFFFF) + b"\xff" * 8 + bytes(100),
        "MalformedFileError",
    ),
    ("empty streams before a full one", lambda: many_streams(2_000), "kernels"),
    ("more empty streams before a full one", lambda: many_streams(50_000), "LimitError"),
)
"""Files that are small and become large."""

ZIPS = (
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-w8jq-xcqf-f792
    (
        "a flag that says encrypted",
        lambda: patched(zipped(("a.npy", HONEST)), directory(8), b"\x01"),
        "UnsupportedFileError",
    ),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-7q5r-7gvp-wc82
    (
        "another name in the local header",
        lambda: zipped(("a.npy", HONEST)).replace(b"a.npy", b"b.exe", 1),
        "MalformedFileError",
    ),
    (
        "a local header that says encrypted",
        lambda: patched(zipped(("a.npy", HONEST)), own(6), b"\x01"),
        "MalformedFileError",
    ),
    (
        "another method in the local header",
        lambda: patched(zipped(("a.npy", HONEST)), own(8), b"\x08"),
        "MalformedFileError",
    ),
    (
        "another size in the local header",
        lambda: patched(zipped(("a.npy", HONEST)), own(18), b"\x10\0\0\0"),
        "MalformedFileError",
    ),
    (
        "a stored member of two sizes",
        lambda: patched(
            patched(zipped(("a.npy", HONEST)), directory(24), b"\x10\0\0\0"), own(22), b"\x10\0\0\0"
        ),
        "MalformedFileError",
    ),
    (
        "a member within another one",
        within,
        "MalformedFileError",
    ),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-mjqp-26hc-grxg
    (
        "a checksum that is wrong",
        lambda: patched(zipped(("a.npy", HONEST)), directory(16), b"\0\0\0\0"),
        "kernels",
    ),
    (
        "a size that is a lie",
        lambda: patched(zipped(("a.npy", HONEST)), directory(24), b"\xfe\xff\xff\xff"),
        "MalformedFileError",
    ),
    (
        "a packed size beyond the file",
        lambda: patched(zipped(("a.npy", HONEST)), directory(20), b"\xfe\xff\xff\xff"),
        "MalformedFileError",
    ),
    (
        "a place beyond the file",
        lambda: patched(zipped(("a.npy", HONEST)), directory(42), b"\xfe\xff\xff\xff"),
        "MalformedFileError",
    ),
    (
        "numbers in a zip64 field that is not there",
        lambda: patched(zipped(("a.npy", HONEST)), directory(24), b"\xff" * 4),
        "MalformedFileError",
    ),
    (
        "a name longer than the directory",
        lambda: patched(zipped(("a.npy", HONEST)), directory(28), b"\xff\xff"),
        "MalformedFileError",
    ),
    (
        "an entry that is none",
        lambda: patched(zipped(("a.npy", HONEST)), directory(0), b"XXXX"),
        "MalformedFileError",
    ),
    ("a directory that is not there", lambda: zipped(("a.npy", HONEST))[:-30], "MalformedFileError"),
    (
        "a zip64 directory beyond the file",
        lambda: (
            b"PK\x03\x04"
            + struct.pack("<4sIQI", b"PK\x06\x07", 0, 1 << 63, 1)
            + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, 0xFFFFFFFF, 0xFFFFFFFF, 0)
        ),
        "MalformedFileError",
    ),
    (
        "a method that numpy never uses",
        lambda: zipped(("a.npy", HONEST), method=zipfile.ZIP_LZMA),
        "UnsupportedFileError",
    ),
    # https://security.snyk.io/research/zip-slip-vulnerability
    ("a name with ..", lambda: zipped(("../../../tmp/PWNED.npy", HONEST)), "kernels"),
    ("an absolute name", lambda: zipped(("/tmp/PWNED.npy", HONEST)), "kernels"),
    ("a name of Windows", lambda: zipped(("C:\\PWNED.npy", HONEST)), "kernels"),
    (
        "a name twice",
        lambda: zipped(("a.npy", HONEST), ("b.npy", HONEST)).replace(b"b.npy", b"a.npy"),
        "network",
    ),
    ("a name with a zero in it", lambda: zipped(("aXb.npy", HONEST)).replace(b"aXb", b"a\0b"), "kernels"),
    ("no name", lambda: zipped(("", HONEST)), "kernels"),
    ("a name of escapes", lambda: zipped(("\x1b]0;PWNED\x07\x1b[2J.npy", HONEST)), "kernels"),
    ("a name of text files", lambda: zipped(("/etc/passwd", HONEST), ("notes.txt", b"hello")), "kernels"),
    # https://github.com/trailofbits/fickling/blob/master/test/test_polyglot.py
    ("a pickle before a zip", lambda: beside_weights() + zipped(("a.npy", HONEST)), "kernels"),
    (
        "a file of torch's",
        lambda: zipped(("m/data.pkl", beside_weights()), ("m/version", b"3")),
        "kernels",
    ),
)
"""Zips that lie, and names that would be written elsewhere if anything were written."""

HEADERS = (
    # https://github.com/numpy/numpy/security/advisories, numpy/lib/format.py: headers are evaluated there
    (
        "an expression for a shape",
        npy(header("__import__('os').system('touch PWNED')")),
        "MalformedFileError",
    ),
    ("an expression for a type", npy(header(descr="__import__('os')")), "UnsupportedFileError"),
    ("brackets a thousand deep", npy(header("(" * 5000 + ")" * 5000)), "MalformedFileError"),
    ("a header longer than the file", npy(header(), version=2, length=0xFFFFFFF0), "MalformedFileError"),
    ("a header of nothing", npy(""), "MalformedFileError"),
    ("a version that is none", npy(header(), version=9), "MalformedFileError"),
    ("a giant shape", npy(header("(99999999999999999999999, 1, 3, 3)")), "MalformedFileError"),
    ("a shape that overflows", npy(header("(4294967296, 4294967296, 1, 1)")), "MalformedFileError"),
    ("a shape below zero", npy(header("(-2, 1, 3, 3)")), "MalformedFileError"),
    ("a shape with more than the bytes", npy(header("(2000, 1, 3, 3)")), "MalformedFileError"),
    ("a type with fields", npy(header(descr="[('x', '<f4'), ('y', '|O')]")), "UnsupportedFileError"),
    ("half a shape", npy("{'shape': (2, 1, 3"), "MalformedFileError"),
    ("many shapes without end", npy("'shape': (" * 6000, version=2), "MalformedFileError"),
)
"""Headers of ``.npy`` files."""

BESIDE = (
    # https://github.com/joblib/joblib/blob/main/joblib/numpy_pickle_compat.py (NDArrayWrapper.read)
    ("../../etc/passwd", joblib_beside("../../../../../../etc/passwd"), "MalformedFileError"),
    ("/etc/passwd", joblib_beside("/etc/passwd"), "MalformedFileError"),
    ("..", joblib_beside(".."), "MalformedFileError"),
    ("the folder", joblib_beside("."), "MalformedFileError"),
    ("no name", joblib_beside(""), "MalformedFileError"),
    ("a name with a zero", joblib_beside("array.npy\0.png"), "MalformedFileError"),
    ("a name of Windows", joblib_beside("C:array.npy"), "MalformedFileError"),
    ("a name with an escape", joblib_beside("\x1b[2Jarray.npy"), "MalformedFileError"),
    ("a name of a thousand letters", joblib_beside("a" * 1000), "MalformedFileError"),
    ("a file that is not there", joblib_beside("array.npy"), "FileAccessError"),
    ("the model itself", joblib_beside("model.pkl"), "MalformedFileError"),
    ("a link", with_link, "FileAccessError"),
    ("a pipe", with_pipe, "FileAccessError"),
    ("a folder", with_folder, "FileAccessError"),
    ("a bomb", with_bomb, "LimitError"),
)
"""What an old joblib file may name as the file of its array."""

PLACES = (
    ("a pipe", pipe),
    ("a socket", unix_socket),
    ("a link to itself", circle),
    ("a folder", lambda folder: folder),
    ("zeros without end", lambda _: Path("/dev/zero")),
    ("random bytes without end", lambda _: Path("/dev/urandom")),
    ("a terminal", lambda _: Path("/dev/tty")),
    ("a file that is not there", lambda folder: folder / "nothing.pkl"),
    ("a name of escapes", lambda folder: folder / "\x1b[2J\x1b]0;PWNED\x07.pkl"),
    ("a name too long", lambda folder: folder / ("a" * 5000)),
)
"""Paths that are no files."""


def in_stream(**facts: bytes) -> bytes:
    """A file of new joblib's whose array follows in the stream."""
    wrapper = thing("joblib.numpy_pickle", "NumpyArrayWrapper", **facts)
    return pickled(listed(wrapper))


def object_streams(n: int) -> bytes:
    """Many arrays of objects, each a pickle of its own within the pickle."""
    one = thing("joblib.numpy_pickle", "NumpyArrayWrapper", shape=shape(1), dtype=dtype("O8", "|")) + pickled(
        b"N"
    )
    return b"\x80\x04" + (one + b"0") * n + beside_weights()[2:]


STREAMS = (
    # https://github.com/joblib/joblib/blob/main/joblib/numpy_pickle.py (NumpyArrayWrapper.read_array)
    (
        "an array larger than the stream",
        lambda: in_stream(shape=shape(1 << 40), dtype=dtype("f4")),
        "MalformedFileError",
    ),
    ("an array without a type", lambda: in_stream(shape=shape(1)), "MalformedFileError"),
    ("an array of no shape", lambda: in_stream(shape=text("x"), dtype=dtype("f4")), "MalformedFileError"),
    (
        "an array of a hostile type",
        lambda: in_stream(shape=shape(1), dtype=dtype("V9")),
        "MalformedFileError",
    ),
    (
        "an array at the end",
        lambda: in_stream(shape=shape(1), dtype=dtype("f4"), numpy_array_alignment_bytes=b"K\x10")[:-2],
        "MalformedFileError",
    ),
    ("arrays of objects by the thousand", lambda: object_streams(3_000), "kernels"),
    ("more arrays of objects than are allowed", lambda: object_streams(10_000), "LimitError"),
)
"""Arrays that are said to follow in a joblib stream."""

ATTACKS = (
    *(Attack(name=name, data=make, ends=ends) for name, make, ends in BOMBS),
    *(Attack(name=f"zip: {name}", data=make, ends=ends) for name, make, ends in ZIPS),
    *(Attack(name=f"npy: {name}", data=lambda made=made: made, ends=ends) for name, made, ends in HEADERS),
    *(Attack(name=f"beside: {name}", place=place, ends=ends) for name, place, ends in BESIDE),
    *(Attack(name=f"no file: {name}", place=place, ends="FileAccessError") for name, place in PLACES),
    *(Attack(name=f"in a stream: {name}", data=make, ends=ends) for name, make, ends in STREAMS),
    # https://github.com/mmaitre314/picklescan/security/advisories/GHSA-9gvj-pp9x-gcfr
    Attack(
        name="npz: a call in an object array",
        data=lambda: zipped(
            ("a.npy", objects(pickled(b"cos\nsystem\n(S'touch PWNED'\ntR"))), ("b.npy", HONEST)
        ),
    ),
    Attack(
        name="npz: nothing in an object array",
        data=lambda: zipped(("a.npy", objects(b"")), ("b.npy", HONEST)),
        ends="MalformedFileError",
    ),
    Attack(
        name="npy: an object array of itself",
        data=lambda: objects(pickled(b"]q\0h\0a")),
        ends="UnsupportedFileError",
    ),
    Attack(
        name="the memory of the process",
        place=lambda _: Path("/proc/self/mem"),
        ends="UnsupportedFileError",
    ),
    Attack(name="an empty file", ends="UnsupportedFileError"),
    Attack(name="zeros", data=lambda: bytes(1000), ends="UnsupportedFileError"),
    Attack(name="a gzip of nothing", data=lambda: gzip.compress(b""), ends="UnsupportedFileError"),
    Attack(
        name="a gzip cut short", data=lambda: gzip.compress(beside_weights())[:-20], ends="MalformedFileError"
    ),
)
