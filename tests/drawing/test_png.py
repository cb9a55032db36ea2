"""Pages of few colours as PNG: what Pillow reads is what was drawn."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from filtviz.drawing.png import Raster, encode_page


def page(mode: str, width: int, height: int) -> Raster:
    """Rows that repeat and rows that do not."""
    n_bytes = {"1": -(-width // 8), "RGB": 3 * width}.get(mode, width)
    rows = np.random.default_rng(0).integers(0, 256, (-(-height // 3), n_bytes), np.uint8).repeat(3, axis=0)
    rows[height // 2 :] = 7
    palette = np.random.default_rng(1).integers(0, 256, 768, np.uint8).tobytes() if mode == "P" else b""
    return Raster(mode=mode, size=(width, height), rows=rows[:height], palette=palette)


@pytest.mark.cases("all")
@pytest.mark.parametrize("size", [(1, 1), (13, 1), (1, 40), (77, 50)])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_pillow_reads_the_same_pixels_in_the_same_mode(mode, size):
    drawn = page(mode, *size)
    read = Image.open(io.BytesIO(encode_page(drawn, 100.0, "")))
    assert (read.mode, read.size) == (mode, size)
    assert read.convert("RGB").tobytes() == drawn.image().convert("RGB").tobytes()


def test_resolution_and_mark_are_noted():
    read = Image.open(io.BytesIO(encode_page(page("L", 4, 4), 150.0, "filtviz 12ab")))
    assert read.info["dpi"] == pytest.approx((150, 150), abs=0.02)
    for dpi, per_metre in ((72.0, 2835), (100.0, 3937), (150.0, 5906), (300.0, 11811)):
        assert struct.pack(">IIB", per_metre, per_metre, 1) in encode_page(page("L", 4, 4), dpi, "")
    assert read.text == {"Source": "filtviz 12ab"}
    assert Image.open(io.BytesIO(encode_page(page("L", 4, 4), 150.0, ""))).text == {}


def test_a_page_of_few_colours_is_smaller_than_pillows():
    cells = np.random.default_rng(0).integers(0, 256, (12, 12), np.uint8)
    drawn = Raster(mode="L", size=(600, 600), rows=cells.repeat(50, axis=0).repeat(50, axis=1))
    stream = io.BytesIO()
    drawn.image().save(stream, "PNG")
    assert len(encode_page(drawn, 100.0, "")) < len(stream.getvalue())
