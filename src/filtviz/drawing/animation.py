"""Pictures one after another, as an animated GIF."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from PIL import Image

__all__ = ["write_animation"]

MILLISECONDS = 900
"""How long a frame is shown."""


def write_animation(frames: Iterable[Image.Image], stream: BinaryIO) -> None:
    """Write frames as a GIF that repeats for ever; smaller ones get a white margin at the right and below.

    A GIF has 256 colours for a frame: those that a frame needs are chosen frame by frame, without dithering,
    so that equal weights keep equal colours within a frame.
    """
    given = [frame.convert("RGB") for frame in frames]
    size = max(frame.width for frame in given), max(frame.height for frame in given)
    first, *others = [_on_white(frame, size).quantize(256, dither=Image.Dither.NONE) for frame in given]
    first.save(stream, "GIF", save_all=True, append_images=others, duration=MILLISECONDS, loop=0, disposal=2)


def _on_white(frame: Image.Image, size: tuple[int, int]) -> Image.Image:
    page = Image.new("RGB", size, "white")
    page.paste(frame, (0, 0))
    return page
