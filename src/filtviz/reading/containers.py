"""A path → the bytes inside, by what they begin with and never by the file's name."""

from __future__ import annotations

import bz2
import lzma
import os
import stat
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filtviz.errors import FileAccessError, MalformedFileError
from filtviz.reading.limits import Inflation
from filtviz.reading.stretch import Data, Stretch, View, in_memory, view_of

__all__ = ["Compression", "Siblings", "inflate", "open_file", "unwrap"]

READ_BELOW = 1 << 22
"""Bytes up to which a file is read at once; a larger one stays open, and what is looked at is read."""

CHUNK = 1 << 20
FIRST_CHUNK = 1 << 10
"""Bytes that a stream is given at first: what lies behind its end is copied, once for each short stream."""

LZMA_MEMORY = 1 << 28
LONGEST_FILE_NAME = 255


@dataclass(frozen=True)
class Compression:
    """A way to compress: its ``name``, the bytes that it begins with, and what undoes one stream of it."""

    name: str
    starts: Callable[[bytes], bool]
    new: Callable[[], Any]


def _is_zlib(start: bytes) -> bool:
    """Tell a zlib header: deflate, a window of 32 kB, a check of the first two bytes (RFC 1950).

    Smaller windows are not looked for: ``(S``, the start of many a pickle, would be one.
    """
    return len(start) > 2 and start[0] == 0x78 and int.from_bytes(start[:2], "big") % 31 == 0


COMPRESSIONS = (
    Compression("gzip", lambda start: start[:2] == b"\x1f\x8b", lambda: zlib.decompressobj(wbits=31)),
    Compression("bz2", lambda start: start[:3] == b"BZh", bz2.BZ2Decompressor),
    Compression(
        "xz", lambda start: start[:6] == b"\xfd7zXZ\x00", lambda: lzma.LZMADecompressor(memlimit=LZMA_MEMORY)
    ),
    Compression(
        "lzma", lambda start: start[:3] == b"]\x00\x00", lambda: lzma.LZMADecompressor(memlimit=LZMA_MEMORY)
    ),
    Compression("zlib", _is_zlib, zlib.decompressobj),
)

OLD_JOBLIB = b"ZF0x"
OLD_JOBLIB_HEADER = 2 + len(f"{1 << 64:#x}")


def open_file(path: Path) -> Data:
    """Return the bytes of a file: read where they are few, left on disk where they are many.

    Raises:
        FileAccessError: it is missing, is no file, may not be read, or is written to meanwhile.
    """
    return _open(path, os.O_RDONLY)


def _open(path: Path, flags: int, *, may_be_link: bool = True) -> Data:
    flags |= 0 if may_be_link else getattr(os, "O_NOFOLLOW", 0)
    flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        data = Stretch.of(os.open(path, flags))
        status = os.fstat(data.file.descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise FileAccessError("it is a folder; name the model file in it")
        if not stat.S_ISREG(status.st_mode):
            raise FileAccessError("it is not a regular file")
        if not may_be_link and status.st_nlink > 1:
            raise FileAccessError("it is a link: the file has another name elsewhere; copy it there")
        return bytes(data) if len(data) <= READ_BELOW else data
    except FileNotFoundError as error:
        raise FileAccessError("there is no such file") from error
    except (OSError, ValueError) as error:
        raise FileAccessError(f"it cannot be read ({getattr(error, 'strerror', None) or error})") from error


def unwrap(data: Data, budget: Inflation, *, again: bool = False) -> tuple[Data, tuple[str, ...]]:
    """Undo every compression around ``data``; return what is inside and the names of what was undone.

    Args:
        data: The bytes of a file, or of what was in a container.
        budget: What may be inflated.
        again: Whether they came out of a container.

    Raises:
        MalformedFileError: a compressed stream is damaged or cut short.
        LimitError: too much is inflated, or too many compressions lie in one another.
    """
    names: list[str] = []
    while True:
        start = bytes(data[:16])
        known = () if _is_a_length(start) else COMPRESSIONS
        compression = next((c for c in known if c.starts(start)), None)
        if start.startswith(OLD_JOBLIB):
            view, compression = _after_old_joblib_header(data), COMPRESSIONS[-1]
            data = inflate(compression, view, budget, again=again or bool(names))
            names.append("joblib's old zlib")
        elif compression is not None:
            data = inflate(compression, view_of(data), budget, again=again or bool(names))
            names.append(compression.name)
        else:
            return data, tuple(names)
        budget.limits.check("nesting", len(names), f"{len(names)} compressions lie in one another in it")


def _is_a_length(start: bytes) -> bool:
    """Tell the length that a safetensors file begins with, which can look like the start of a compression."""
    return start[4:9] == b"\0\0\0\0{"


def _after_old_joblib_header(data: Data) -> View:
    """Skip ``ZF``, the length, and the space that joblib 0.8.4 and older write there under Python 2."""
    view = view_of(data)
    skip = OLD_JOBLIB_HEADER + (bytes(data[OLD_JOBLIB_HEADER : OLD_JOBLIB_HEADER + 1]) == b" ")
    return view[skip:]


def inflate(compression: Compression, view: View, budget: Inflation, *, again: bool) -> bytearray:
    """Undo one compression, stream after stream, within the budget.

    Args:
        compression: What undoes a stream.
        view: The streams.
        budget: What may be inflated.
        again: Whether the streams came out of others.

    Raises:
        MalformedFileError: a stream is damaged or cut short.
        LimitError: they inflate to too much, or are too many.
    """
    inflated = bytearray()
    position = 0
    budget.read_again(len(view) * again)
    while position < len(view):
        budget.begin_stream()
        try:
            position = _inflate_stream(compression.new(), view, position, inflated, budget)
        except (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError) as error:
            if inflated and position:
                break  # zeros and other padding after the last stream
            raise MalformedFileError(
                f"its {compression.name} stream is damaged or cut short ({error})"
            ) from error
    return inflated


def _inflate_stream(stream: Any, view: View, position: int, inflated: bytearray, budget: Inflation) -> int:
    """Inflate one stream into ``inflated``; return the position after it."""
    rest: bytes | memoryview = b""
    length = FIRST_CHUNK
    while not stream.eof:
        if not rest and getattr(stream, "needs_input", True):
            rest = in_memory(view[position : position + length])
            position += len(rest)
            length = min(2 * length, CHUNK)
            if not rest:
                raise EOFError("it ends early")
        piece = stream.decompress(rest, CHUNK)
        rest = getattr(stream, "unconsumed_tail", b"")
        budget.spend(len(piece))
        inflated += piece
    return position - len(stream.unused_data)


class Siblings:
    """The files beside a model file, for the old joblib format, which keeps each array in a file of its own.

    Only a plain file in the same folder is opened, by its bare name: no path, no link.
    """

    def __init__(self, path: Path | None, budget: Inflation) -> None:
        self.path = path
        self.budget = budget
        self.opened: dict[str, Data] = {}

    def open(self, name: str, *, as_it_is: bool = False) -> Data:
        """Return what the file ``name`` beside the model file holds.

        Every compression is undone, unless its bytes are asked for ``as_it_is``.

        Raises:
            MalformedFileError: ``name`` is no bare file name.
            FileAccessError: there is no such file, or it is a link or no regular file.
        """
        if name not in self.opened:
            n = len(self.opened) + 1
            self.budget.limits.check("members", n, f"it names {n:,} files beside it")
            self.opened[name] = self._open(name, as_it_is)
        return self.opened[name]

    def _open(self, name: str, as_it_is: bool) -> Data:
        bare = (
            name and name not in (".", "..") and not any(c in name for c in "/\\:\0") and name.isprintable()
        )
        if self.path is None or not bare or len(name) > LONGEST_FILE_NAME:
            raise MalformedFileError(
                "it keeps arrays in other files, and a name of one is no plain file name"
            )
        beside = self.path.parent / name
        if beside.is_symlink():
            raise FileAccessError(
                f"the file {name!r} beside it, which holds an array, is a link; put the file there"
            )
        try:
            data = _open(beside, os.O_RDONLY, may_be_link=False)
            self.budget.add_file(beside, len(data))
            if not as_it_is:
                data, _ = unwrap(data, self.budget)
        except FileAccessError as error:
            raise FileAccessError(f"the file {name!r} beside it, which holds an array: {error}") from error
        if isinstance(data, Stretch):
            data.file.subject = f"the file {name!r} beside it"
        return data
