"""Small files of images that stand for very many pixels, and pictures that are none.

Each is a folder ``images`` beside a network of one convolution. `TO_SHOW` are under 1 MB:
``benchmarks/attacks.py`` shows what each command that runs a network makes of them.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image

from tests.attacks.graph_files import answers
from tests.attacks.working import alone

__all__ = ["POSTSCRIPT", "TO_SHOW", "header", "png"]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(cols: int, rows: int, *more: bytes) -> bytes:
    """A black picture of one bit a pixel, with more chunks before its pixels."""
    packer, rest = zlib.compressobj(9), rows
    pixels = []
    while rest > 0:
        pixels.append(packer.compress(bytes(1 + -(-cols // 8)) * min(rest, 1000)))
        rest -= 1000
    pixels.append(packer.flush())
    first = chunk(b"IHDR", struct.pack(">IIBBBBB", cols, rows, 1, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + first + b"".join(more) + chunk(b"IDAT", b"".join(pixels)) + chunk(b"IEND", b"")
    )


def header(shape: tuple[int, ...], code: str = "|u1") -> bytes:
    """The beginning of an npy file of this shape."""
    text = f"{{'descr': '{code}', 'fortran_order': False, 'shape': {shape}, }}"
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def npz(**members: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return held.getvalue()


def array(*shape: int, value: float = 0.5) -> bytes:
    return header(shape, "<f4") + np.full(shape, value, "<f4").tobytes()


def frames(n: int) -> bytes:
    """A GIF that moves, of so many pictures."""
    held, two = io.BytesIO(), [Image.effect_noise((8, 8), spread) for spread in (10, 90)]
    two[0].save(held, "GIF", save_all=True, append_images=(two * n)[1:n])
    return held.getvalue()


def tiff(cols: int, rows: int) -> bytes:
    """A picture of one bit a pixel in one compressed strip."""
    strip = zlib.compress(bytes(-(-cols // 8) * rows), 9)
    facts = ((256, cols), (257, rows), (258, 1), (259, 8), (262, 1), (273, 8), (277, 1), (278, rows))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in (*facts, (279, len(strip))))
    directory = struct.pack("<H", len(facts) + 1) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip + directory


def tile(side: int) -> bytes:
    """A picture of sixteen by sixteen greys in one compressed tile that is much larger."""
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(side * 1000)) for _ in range(side // 1000)) + packer.flush()
    facts = ((256, 16), (257, 16), (258, 8), (259, 8), (262, 1), (277, 1), (322, side), (323, side), (324, 8))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in (*facts, (325, len(data))))
    directory = struct.pack("<H", len(facts) + 1) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"


def text() -> bytes:
    return chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(60_000_000), 9))


_SHOWN: Mapping[str, tuple[str, Callable[[], bytes]]] = {
    "a picture of eighty million pixels": ("a.png", lambda: png(9_000, 9_000)),
    "a picture of sixteen million pixels": ("a.png", lambda: png(4_000, 4_000)),
    "a picture of two billion pixels": ("a.png", lambda: png(46_000, 46_000)),
    "a picture of one row": ("a.png", lambda: png(1_000_000, 1)),
    "a picture with a long text": ("a.png", lambda: png(64, 64, text())),
    "a picture that moves": ("a.gif", lambda: frames(4_000)),
    "a picture in one strip": ("a.tif", lambda: tiff(9_000, 9_000)),
    "a picture in a tile of its own size": ("a.tif", lambda: tile(28_000)),
    "a picture of numbers and comments": ("a.pgm", lambda: b"P2 3 3 255\n" + b"#\n" * 450_000 + b"1 " * 9),
    "a program in PostScript": (
        "a.png",
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n{} loop\n",
    ),
    "an npz of five hundred million numbers": (
        "a.npz",
        lambda: npz(images=header((1, 1, 22_000, 22_000)) + bytes(22_000 * 22_000)),
    ),
    "an npz of sixteen million numbers": (
        "a.npz",
        lambda: npz(images=header((1, 1, 4_000, 4_000)) + bytes(16_000_000)),
    ),
    "an npz of four thousand images": (
        "a.npz",
        lambda: npz(images=header((4_000, 1, 64, 64)) + bytes(4_000 * 64 * 64)),
    ),
    "an npz of sixty thousand images": (
        "a.npz",
        lambda: npz(images=header((60_000, 1, 16, 16)) + bytes(60_000 * 16 * 16)),
    ),
    "an npz of images by the million": (
        "a.npz",
        lambda: npz(images=header((16_000_000, 1, 1, 1)) + bytes(16_000_000)),
    ),
    "an npz of very many members": ("a.npz", lambda: npz(**{f"a{n}": array(1, 1) for n in range(5_000)})),
    "an npy that is not there": ("a.npy", lambda: header((1 << 20, 1, 1 << 10, 1 << 10), "<f8")),
    "a JPEG of thousands of passes": ("a.jpg", lambda: scans(25_000)),
    "an npy of one row": ("a.npy", lambda: array(1, 1, 1, 100_000)),
    "an npy of no numbers": ("a.npy", lambda: array(1, 1, 64, 64, value=float("nan"))),
}


def scans(n: int) -> bytes:
    """A JPEG that goes through sixteen million pixels again and again."""
    held = io.BytesIO()
    Image.new("L", (4_000, 4_000)).save(held, "JPEG", progressive=True, quality=10)
    data = held.getvalue()
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * n + data[-2:]


def _beside_a_model(name: str, make: Callable[[], bytes]) -> dict[str, bytes]:
    return {"model.pkl": alone(8, 1, 3, 3), f"images/{name}": make()}


def many(n: int, kind: str, data: bytes) -> dict[str, bytes]:
    return {"model.pkl": alone(8, 1, 3, 3), **{f"images/{i}.{kind}": data for i in range(n)}}


TO_SHOW: Mapping[str, Callable[[], Mapping[str, bytes]]] = {
    **{
        what: (lambda name=name, make=make: _beside_a_model(name, make))
        for what, (name, make) in _SHOWN.items()
    },
    "pictures of sixteen million pixels by the hundred": lambda: many(100, "png", png(4_000, 4_000)),
    "an npz of sixty thousand images, a thousand answers to each": lambda: {
        "model.onnx": answers(2, 1_000),
        "images/a.npz": npz(images=header((60_000, 1, 1, 1)) + bytes(range(250)) * 240),
    },
    "an npz of sixty thousand images, a thousand hidden units": lambda: {
        "model.onnx": answers(1_000, 2),
        "images/a.npz": npz(images=header((60_000, 1, 1, 1)) + bytes(range(250)) * 240),
    },
    "npz of sixteen million numbers by the dozen": lambda: many(
        12, "npz", npz(images=header((1, 1, 4_000, 4_000)) + bytes(16_000_000))
    ),
}
