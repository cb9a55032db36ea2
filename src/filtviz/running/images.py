"""Images out of a file, to show to a network: read as a stranger's, as model files are.

Pillow counts the pixels that a picture has. Some formats let a few bytes ask for more than these, so that
what it takes to decode one is counted before it is decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import (
    CompositionError,
    FileAccessError,
    MalformedFileError,
    ReadError,
    RunningError,
    UnsupportedFileError,
)
from filtviz.reading.arrays import StoredArray
from filtviz.reading.containers import open_file
from filtviz.reading.limits import Hints, Limits
from filtviz.reading.opened import Opened
from filtviz.reading.pickle.records import Items
from filtviz.text import printable

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "FORMATS",
    "MOST_NUMBERS",
    "TIMES",
    "arrays_in",
    "check_effort",
    "check_numbers",
    "contents",
    "read_images",
    "reason_of",
]

MOST_NUMBERS = 1 << 24
"""Numbers that a file of images may hold whatever its size; a network computes with eight bytes for each."""

TIMES = 16
"""Numbers that it may hold for each of its bytes, where it is large: pictures and archives are compressed."""


def arrays_in(path: str | PathLike[str]) -> Mapping[str, StoredArray]:
    """Return the arrays of an npz by their names, or the one of an npy by ``""``; none is read yet.

    There are none in anything else.

    Raises:
        ReadError: the file is missing, or asks for too much.
    """
    try:
        roots = Opened.of(Path(path), Limits(), Hints()).roots
    except (MalformedFileError, UnsupportedFileError):
        return {}
    root = roots[0] if len(roots) == 1 else None
    held = root.by_name() if type(root) is Items else {"": root}
    return {name: array for name, array in held.items() if type(array) is StoredArray}


def check_numbers(name: str, n_numbers: int, n_bytes: int) -> None:
    """Pass silently where a file of so many bytes may hold so many numbers.

    Args:
        name: The file, as it is shown.
        n_numbers: How many it holds.
        n_bytes: Its size.

    Raises:
        RunningError: it may not.
    """
    if n_numbers > max(MOST_NUMBERS, TIMES * n_bytes):
        raise RunningError(
            f"{name} has {n_bytes:,} bytes and holds {n_numbers:,} numbers, too many for its size: give a "
            "smaller picture, fewer images, or arrays that are not compressed"
        )


def contents(path: str | PathLike[str], most: int) -> bytes:
    """Return the bytes of a regular file.

    Args:
        path: The file.
        most: How many there may be.

    Raises:
        ReadError: it is missing, is none, is too large, or may not be read.
    """
    if Path(path).is_dir():
        raise FileAccessError("it is a folder; name a file in it")
    data = open_file(Path(path))
    if len(data) > most:
        raise MalformedFileError(f"it has {len(data):,} bytes, and {most:,} are read at the most")
    return bytes(data)


def reason_of(error: ReadError) -> str:
    """Return why a file could not be read: what the system says, where it said something.

    Args:
        error: What reading it has raised.
    """
    return printable(getattr(error.__cause__, "strerror", None) or str(error)).lower()


def read_images(path: str | PathLike[str]) -> NDArray[Any]:
    """Read a ``.npy`` file of images, ``(images, channels, rows, cols)``, or without channels, or a lone one.

    Nothing in the file is executed: an array of objects is refused.

    Raises:
        CompositionError: the file is missing, or holds no images.
    """
    name = printable(path, 200)
    try:
        stored = arrays_in(path).get("")
    except ReadError as error:
        raise CompositionError(f"cannot read {name}: {reason_of(error)}") from None
    if stored is None or stored.dtype.kind not in "fiub" or len(stored.shape) not in (2, 3, 4):
        raise CompositionError(
            f"{name} holds no images: give a .npy file of numbers, (images, channels, rows, columns)"
        )
    array = stored.read()
    if not array.size or not np.isfinite(array).all():
        raise CompositionError(f"{name} holds no image, or numbers that are not finite")
    return array if array.ndim == 4 else np.reshape(array, (-1, 1, *array.shape[-2:]))


FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""Pillow's formats that are read: others start programs, as PostScript does."""

MOST_SCANS = 16
"""How often a JPEG may go through all its pixels: a few bytes ask for that; one of several passes has ten."""

MOST_COMMENTS = 1_000
"""Comments of a picture in numbers as text, for each of which a reader goes through all that follows."""


def check_effort(name: str, data: bytes, opened: Image) -> int:
    """Return how many pixels it takes to decode a picture, at least those that it has.

    Args:
        name: The picture, as it is shown.
        data: Its file.
        opened: The picture, of which no pixel is decoded yet.

    Raises:
        RunningError: they are too many for the size of the file.
    """
    n_pixels = opened.width * opened.height
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        n_pixels = max(n_pixels, _pixels_of_tiles(name, data, opened))
    check_numbers(name, n_pixels, len(data))
    if data[:2] == b"\xff\xd8":
        _check_scans(name, data, n_pixels)
    if data[:2] in (b"P1", b"P2", b"P3") and (n_comments := data.count(b"#")) > MOST_COMMENTS:
        raise RunningError(f"{name} is a picture of numbers with {n_comments:,} comments: save it anew")
    return n_pixels


def _check_scans(name: str, data: bytes, n_pixels: int) -> None:
    """Pass silently where a JPEG does not go through its pixels again and again."""
    n_scans = data.count(b"\xff\xda")
    if n_scans * n_pixels > MOST_SCANS * max(MOST_NUMBERS, TIMES * len(data)):
        raise RunningError(f"{name} goes through its {n_pixels:,} pixels {n_scans:,} times: save it anew")


_TILE_WIDTH, _TILE_LENGTH = 322, 323
_LENGTHS = {1: "B", 3: "H", 4: "I", 6: "B", 8: "H", 9: "I", 13: "I", 16: "Q", 17: "Q", 18: "Q"}
"""Whole numbers in a TIFF: the type of an entry → how it is stored, a negative one as a huge one."""


def _pixels_of_tiles(name: str, data: bytes, opened: Image) -> int:
    """Return how many pixels the tiles of a TIFF have, which may be many more than its own; 0 without."""
    lengths: dict[int, int] = {}
    for tag, length in _tile_lengths(data):
        if tag in lengths or not length:
            raise RunningError(f"{name} says twice, or wrongly, how large its tiles are: save it anew")
        lengths[tag] = length
    if len(lengths) < 2:
        return 0
    across, down = -(-opened.width // lengths[_TILE_WIDTH]), -(-opened.height // lengths[_TILE_LENGTH])
    return across * lengths[_TILE_WIDTH] * down * lengths[_TILE_LENGTH]


def _tile_lengths(data: bytes) -> list[tuple[int, int]]:
    """Return what the first directory of a TIFF says of tiles; 0 for what is no whole number."""
    order, is_big = "<" if data[:2] == b"II" else ">", data[2:4] in (b"+\0", b"\0+")
    count, entry, place, at = ("Q", 20, 8, 12) if is_big else ("H", 12, 4, 8)
    found = []
    try:
        (start,) = struct.unpack_from(order + ("Q" if is_big else "I"), data, place)
        (n_entries,) = struct.unpack_from(order + count, data, start)
        start += struct.calcsize(order + count)
        for begin in range(start, min(start + entry * n_entries, len(data) - entry + 1), entry):
            tag, kind = struct.unpack_from(order + "HH", data, begin)
            if tag in (_TILE_WIDTH, _TILE_LENGTH):
                code = _LENGTHS.get(kind)
                found.append((tag, struct.unpack_from(order + code, data, begin + at)[0] if code else 0))
    except (struct.error, OverflowError):
        return found  # what is cut short is no picture either
    return found
