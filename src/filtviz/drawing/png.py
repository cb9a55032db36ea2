"""PNG of pages of few colours, in a quarter of Pillow's time: what a page repeats is looked for nowhere else.

A weight is a run of equal pixels in a row, and most rows repeat the one above. So of PNG's filters two are
enough (none, and the difference to the row above), and of deflate's matches those that run on.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Raster", "encode_page"]

_MODES = {"1": (1, 0), "L": (8, 0), "P": (8, 3), "RGB": (8, 2)}
"""Pillow's mode → PNG's depth in bits and type of colour."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Raster:
    """Pixels as both Pillow and PNG have them.

    Attributes:
        mode: Pillow's: ``1``, ``L``, ``P`` or ``RGB``.
        size: Width and height.
        rows: ``(height, bytes of a row)``.
        palette: Red, green and blue of each colour, for mode ``P``.
    """

    mode: str
    size: tuple[int, int]
    rows: NDArray[np.uint8]
    palette: bytes = b""

    def image(self) -> Image:
        """Return the pixels for Pillow."""
        from PIL import Image

        image = Image.frombytes(self.mode, self.size, self.rows.tobytes())
        if self.mode == "P":
            image.putpalette(self.palette)
        return image


SIGNATURE = b"\x89PNG\r\n\x1a\n"
UP = 2
INCH = 0.0254


def encode_page(page: Raster, dpi: float, mark: str) -> bytes:
    """Return a page as PNG.

    Args:
        page: Its pixels.
        dpi: The resolution to note.
        mark: What to note as the picture's source; empty for nothing.
    """
    per_metre = int(dpi / INCH + 0.5)
    chunks = [_chunk(b"IHDR", struct.pack(">IIBBBBB", *page.size, *_MODES[page.mode], 0, 0, 0))]
    if page.palette:
        chunks.append(_chunk(b"PLTE", page.palette))
    if mark:
        chunks.append(_chunk(b"tEXt", b"Source\0" + mark.encode("latin-1")))
    chunks.append(_chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1)))
    chunks.append(_chunk(b"IDAT", _deflated(_filtered(page.rows))))
    return b"".join([SIGNATURE, *chunks, _chunk(b"IEND", b"")])


def _filtered(rows: NDArray[np.uint8]) -> bytes:
    """Return the rows, each behind the number of its filter."""
    is_new = np.ones(len(rows), bool)
    is_new[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    filtered = np.zeros((len(rows), rows.shape[1] + 1), np.uint8)
    filtered[is_new, 1:] = rows[is_new]
    filtered[~is_new, 0] = UP
    return filtered.tobytes()


def _deflated(data: bytes) -> bytes:
    engine = zlib.compressobj(level=6, strategy=zlib.Z_RLE)
    return engine.compress(data) + engine.flush()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
