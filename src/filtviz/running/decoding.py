"""Pictures out of a stranger's files: what it takes to decode them, counted before they are decoded.

Pillow counts the pixels that a picture has. Some formats let a few bytes ask for more than these.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from filtviz.errors import RunningError
from filtviz.running.images import MOST_NUMBERS, TIMES, check_numbers

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["FORMATS", "check_effort"]

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
