"""The header of numpy's ``.npy`` format, versions 1 to 3, without evaluating it.

The header is a Python dictionary as text, ``{'descr': '<f4', 'fortran_order': False, 'shape': (20, 1, 3, 3),
}``; Python 2 may write its numbers as ``20L``.
https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

numpy's own reader (`numpy.lib.format`) is not used: it gives the header to Python's compiler, which takes
four times as long and runs out of memory or recursion in one of some thousand signs, and it makes whatever
type the header describes.
"""

from __future__ import annotations

import re
import struct

from filtviz.errors import MalformedFileError
from filtviz.reading.arrays import OBJECT, StoredArray, dtype_of_code, shape_of, stored
from filtviz.reading.stretch import View

__all__ = ["NPY_MAGIC", "NpyHeader", "read_npy", "read_npy_header"]

NPY_MAGIC = b"\x93NUMPY"
LONGEST_HEADER = 1 << 16

_DESCR = re.compile(rb"'descr'\s*:\s*'([^']{1,16})'")
_FORTRAN = re.compile(rb"'fortran_order'\s*:\s*(True|False)")
_SHAPE = re.compile(rb"'shape'\s*:\s*\(([\d\sL,]*)\)")


class NpyHeader:
    """What a header says: ``shape``, ``fortran`` order, ``dtype`` (None where it is of no use), ``stop``."""

    __slots__ = ("dtype", "fortran", "shape", "stop")

    def __init__(self, shape: tuple[int, ...], fortran: bool, descr: str, stop: int) -> None:
        self.shape = shape
        self.fortran = fortran
        self.dtype = dtype_of_code(descr)
        self.stop = stop

    @property
    def holds_objects(self) -> bool:
        """Whether a pickle follows in the place of the elements."""
        return self.dtype is OBJECT


def read_npy_header(start: bytes) -> NpyHeader:
    """Read a header from the first bytes of a file.

    Raises:
        MalformedFileError: it is damaged.
    """
    version = start[6] if len(start) > 12 else 0
    if not start.startswith(NPY_MAGIC) or version not in (1, 2, 3):
        raise MalformedFileError("the header of an array (.npy) is damaged")
    first, size = (
        (10, struct.unpack_from("<H", start, 8)) if version == 1 else (12, struct.unpack_from("<I", start, 8))
    )
    stop = first + size[0]
    if size[0] > LONGEST_HEADER or stop > len(start):
        raise MalformedFileError("the header of an array (.npy) is cut short")
    header = start[first:stop]
    descr, fortran, shape = (pattern.search(header) for pattern in (_DESCR, _FORTRAN, _SHAPE))
    lengths = None if shape is None else _lengths(shape[1])
    if fortran is None or lengths is None:
        raise MalformedFileError("the header of an array (.npy) is damaged")
    return NpyHeader(
        lengths, fortran[1] == b"True", "" if descr is None else descr[1].decode("latin-1"), stop
    )


def _lengths(written: bytes) -> tuple[int, ...] | None:
    parts = [part.strip().removesuffix(b"L") for part in written.split(b",") if part.strip()]
    if not all(part.isdigit() and len(part) < 20 for part in parts):
        return None
    return shape_of([int(part) for part in parts])


def read_npy(header: NpyHeader, view: View) -> StoredArray | None:
    """Describe the array whose ``.npy`` file is ``view``, or return None where its type is of no use here."""
    if header.dtype is None or header.dtype is OBJECT:
        return None
    data = view[header.stop :]
    return stored(header.shape, header.dtype, header.fortran, len(data), lambda: data)
