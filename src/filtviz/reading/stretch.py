"""`Stretch`: bytes of a file on disk, read piece by piece as somebody asks for them.

A file is never mapped. Where another program cuts a mapped file short, as a training does that writes its
model anew, the operating system ends whoever looks at what is gone (SIGBUS), and no program can answer to
that. What is read with ``pread`` is there or it is not; where it is not, or where the file is no longer as it
was when it was opened, that is one sentence.
"""

from __future__ import annotations

import os
import struct
import sys
import weakref
from threading import Lock
from typing import Any, overload

from filtviz.errors import FileAccessError

__all__ = ["Buffer", "Data", "Stretch", "View", "in_memory", "unpack", "view_of"]

Buffer = bytes | memoryview
"""Bytes in memory."""

PAGE, MOST_PAGES = 1 << 14, 64
"""What is read of a file at once where a few bytes are asked for, and how many of these are kept."""

CHUNK = 1 << 20
"""Bytes that are looked through at once."""

MOST_AT_ONCE = 1 << 30
"""Bytes that no operating system refuses to read at once."""


class File:
    """An open file, and the size and time of change that it had when it was opened.

    It is closed when nobody can ask for its bytes any more. ``subject`` is what sentences call it.
    """

    subject = "it"

    def __init__(self, descriptor: int) -> None:
        """Take over an open file, which nobody else may close."""
        self.descriptor = descriptor
        self.size, self.changed = self._state()
        self._asked = 0
        self._whole: bytes | None = None
        self._pages: dict[int, bytes] = {}
        self._seeking = Lock()
        weakref.finalize(self, os.close, descriptor)

    def read(self, start: int, stop: int) -> bytes:
        """Return its bytes from ``start`` to ``stop``, which are there if it is as it was.

        Raises:
            FileAccessError: it became shorter or was written to since it was opened, or it cannot be read.
        """
        try:
            found = self._read(start, stop - start)
            size, changed = self._state()
        except OSError as error:
            raise FileAccessError(f"{self.subject} cannot be read ({error.strerror or error})") from error
        if size < self.size:
            raise FileAccessError(
                f"{self.subject} was cut short while it was read, from {self.size:,} bytes to {size:,}; "
                f"{_WHAT_NEXT}"
            )
        if (size, changed) != (self.size, self.changed) or len(found) < stop - start:
            raise FileAccessError(f"{self.subject} was changed while it was read; {_WHAT_NEXT}")
        return found

    def look(self, start: int, stop: int) -> bytes:
        """Return bytes as `read` does, the few of a structure out of pages that are kept."""
        first = start // PAGE
        if stop > (first + 1) * PAGE:
            return self.read(start, stop)
        if first not in self._pages:
            if len(self._pages) == MOST_PAGES:
                del self._pages[next(iter(self._pages))]
            self._pages[first] = self.read(first * PAGE, min((first + 1) * PAGE, self.size))
        return self._pages[first][start - first * PAGE : stop - first * PAGE]

    def held(self, start: int, stop: int) -> Buffer:
        """Return bytes for an array that holds them.

        Many arrays may lie on the same bytes. Once they have asked for more than the file has, it is read as
        a whole, and what they get are views of that: together they take at most twice as much as the file.
        """
        self._asked += stop - start
        if self._whole is None and self._asked > self.size:
            self._whole = self.read(0, self.size)
        return self.read(start, stop) if self._whole is None else memoryview(self._whole)[start:stop]

    def _state(self) -> tuple[int, int]:
        status = os.fstat(self.descriptor)
        return status.st_size, status.st_mtime_ns

    def _read(self, start: int, length: int) -> bytes:
        pieces = []
        while length > 0:
            piece = self._read_once(start, min(length, MOST_AT_ONCE))
            if not piece:
                break
            pieces.append(piece)
            start, length = start + len(piece), length - len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    if sys.platform == "win32":  # where a file has one place at which it is read, for all threads

        def _read_once(self, start: int, length: int) -> bytes:
            with self._seeking:
                os.lseek(self.descriptor, start, os.SEEK_SET)
                return os.read(self.descriptor, length)

    else:

        def _read_once(self, start: int, length: int) -> bytes:
            return os.pread(self.descriptor, length, start)


_WHAT_NEXT = "wait until the program that writes it is done, or read a copy of it"


class Stretch:
    """The bytes of a file from ``start`` to ``stop``, which are somewhere in it.

    It is sliced as bytes are, and a slice of it is another stretch; ``bytes(stretch)`` reads them.
    """

    __slots__ = ("_kept", "file", "start", "stop")

    def __init__(self, file: File, start: int, stop: int) -> None:
        self.file = file
        self.start = start
        self.stop = stop
        self._kept: Buffer | None = None

    @classmethod
    def of(cls, descriptor: int) -> Stretch:
        """Return all bytes of an open file, which is taken over."""
        file = File(descriptor)
        return cls(file, 0, file.size)

    def __len__(self) -> int:
        return self.stop - self.start

    @overload
    def __getitem__(self, place: int) -> int: ...

    @overload
    def __getitem__(self, place: slice) -> Stretch: ...

    def __getitem__(self, place: int | slice) -> int | Stretch:
        if isinstance(place, int):
            at = range(self.start, self.stop)[place]
            return self.file.look(at, at + 1)[0]
        first, last, _ = place.indices(len(self))
        if (first, last) == (0, len(self)):
            return self
        return Stretch(self.file, self.start + first, self.start + max(first, last))

    def __bytes__(self) -> bytes:
        return self.file.look(self.start, self.stop)

    def held(self, start: int, stop: int) -> Buffer:
        """Return the bytes between two places for an array that holds them; all of them are kept."""
        if self._kept is None and stop - start == len(self):
            self._kept = self.file.held(self.start, self.stop)
        if self._kept is None:
            return self.file.held(self.start + start, self.start + stop)
        return memoryview(self._kept)[start:stop]

    def find(self, wanted: bytes, start: int = 0) -> int:
        """Return where ``wanted`` is first, from ``start`` on; -1 where it is not."""
        while start < len(self):
            piece = bytes(self[start : start + CHUNK + len(wanted) - 1])
            place = piece.find(wanted)
            if place >= 0:
                return start + place
            start += CHUNK
        return -1

    def rfind(self, wanted: bytes, start: int = 0) -> int:
        """Return where ``wanted`` is last, from ``start`` on, all of which is read; -1 where it is not."""
        place = bytes(self[start:]).rfind(wanted)
        return place if place < 0 else start + place


Data = bytes | bytearray | Stretch
"""All bytes of a file, or of what was inflated: in memory, or still on disk."""

View = memoryview | Stretch
"""Some of the bytes, which take no memory beside those."""


def view_of(data: Data) -> View:
    """Return all bytes of ``data`` such that a slice of it copies nothing."""
    return data if isinstance(data, Stretch) else memoryview(data)


def in_memory(view: View) -> Buffer:
    """Return the bytes of ``view``, which are read where they are on disk."""
    return bytes(view) if isinstance(view, Stretch) else view


def unpack(layout: str, view: View, position: int) -> tuple[Any, ...]:
    """Do what `struct.unpack_from` does, on disk too.

    Raises:
        struct.error: not so many bytes are there.
        OverflowError: the position is none.
    """
    if not isinstance(view, Stretch):
        return struct.unpack_from(layout, view, position)
    return struct.unpack(layout, bytes(view[position : position + struct.calcsize(layout)]))
