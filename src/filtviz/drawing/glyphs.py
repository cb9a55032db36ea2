"""Words as pixels: bit for bit what matplotlib's Agg back end makes of its `Text`, without figures.

Each glyph is drawn by matplotlib's own FreeType at its place in 64ths of a pixel and blended by Agg's integer
arithmetic; what is done here is to find the places, as ``Text.draw`` and ``RendererAgg.draw_text`` do, and to
remember glyphs that were drawn before.
"""

from __future__ import annotations

import math
import os
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

__all__ = ["FONT", "RGB", "Canvas", "Side", "Writing", "font_path", "has_glyph", "write"]

RGB = tuple[int, int, int]
Side = Literal["left", "center", "right"]

BLACK = (0, 0, 0)

FONT = "DejaVu Sans"
"""It comes with matplotlib: the same picture everywhere."""


@dataclass(frozen=True, kw_only=True)
class Writing:
    """A line of text and where it stands.

    ``left`` and ``top`` are pixels of the page at 100 dpi from its upper left corner; ``across`` and ``down``
    tell which edge of the text, or its middle, is there. ``size`` is in points. ``upright`` text reads from
    below to above.
    """

    text: str
    left: float
    top: float
    across: Side = "left"
    down: Literal["top", "center", "bottom"] = "top"
    size: float = 7.0
    bold: bool = False
    upright: bool = False
    colour: RGB = BLACK


@dataclass(frozen=True, kw_only=True, eq=False)
class Canvas:
    """A page that is written on.

    Attributes:
        pixels: ``(height, width, 3)``, opaque red, green and blue.
        touched: ``(height, width)``: where there may be text.
        plan: ``(width, height)`` of the page at 100 dpi, which `Writing.left` and ``top`` count in.
        size: ``(width, height)`` in pixels, not yet cut to whole ones: places are parts of it.
        dpi: Pixels per inch.
    """

    pixels: NDArray[np.uint8]
    touched: NDArray[np.bool_]
    plan: tuple[int, int]
    size: tuple[float, float]
    dpi: float


def font_path(*, bold: bool = False) -> Path:
    """Return the file of the font."""
    import matplotlib

    return Path(matplotlib.get_data_path(), "fonts", "ttf", f"DejaVuSans{'-Bold' * bold}.ttf")


def has_glyph(character: str) -> bool:
    """Say whether the font has a glyph for a character, both upright and bold."""
    if " " <= character <= "~":
        return True
    return all(_font(bold, threading.get_ident()).get_char_index(ord(character)) for bold in (False, True))


@lru_cache(maxsize=16)
def _font(bold: bool, thread: int) -> FT2Font:  # noqa: ARG001  # a font belongs to one thread
    from matplotlib.ft2font import FT2Font

    return FT2Font(str(font_path(bold=bold)))


if hasattr(os, "register_at_fork"):  # and to one process
    os.register_at_fork(after_in_child=_font.cache_clear)


def write(canvas: Canvas, writing: Writing) -> None:
    """Write one line of text onto a canvas."""
    if not writing.text:
        return
    style = _Style(writing.bold, writing.size, canvas.dpi, writing.upright)
    places = _place_glyphs(canvas, writing, style)
    x, y = places[0][1] >> 6, places[0][2] >> 6
    line = tuple((glyph, right - (x << 6), up - (y << 6)) for glyph, right, up in places)
    block, left, above = _line_on_white(style, line, writing.colour, threading.get_ident())
    top, left = len(canvas.pixels) - y - above, x + left
    rows, cols = slice(top, top + block.shape[0]), slice(left, left + block.shape[1])
    if (
        top >= 0 <= left
        and (part := canvas.pixels[rows, cols]).shape == block.shape
        and part.min(initial=255) == 255
    ):
        part[...] = block
        canvas.touched[rows, cols] = True
        return
    for glyph, right, up in places:
        drawn = _draw_glyph(style, glyph, right & 63, up & 63, threading.get_ident())
        _blend(canvas, drawn, right >> 6, len(canvas.pixels) - (up >> 6), writing.colour)


class _Style(NamedTuple):
    """How glyphs look, beside their places."""

    bold: bool
    size: float
    dpi: float
    upright: bool

    @property
    def turn(self) -> tuple[float, float]:
        """Cosine and sine of the angle."""
        return _UPRIGHT if self.upright else (1.0, 0.0)


_UPRIGHT = math.cos(math.radians(90.0)), math.sin(math.radians(90.0))


_Place = tuple[int, int, int]
"""A glyph, and where its origin is, to the right and upwards, in 64ths of a pixel."""


def _place_glyphs(canvas: Canvas, writing: Writing, style: _Style) -> tuple[_Place, ...]:
    """Return where on the page each glyph stands, from the lower left corner."""
    x, y = _start(canvas, writing, style)
    cos, sin = style.turn
    # The order of the operations is matplotlib's: a last bit decides to which 64th of a pixel a place rounds.
    height = len(canvas.pixels)
    y = height - y
    return tuple(
        (glyph, round(0x40 * (x + dx * cos - dy * sin)), round(0x40 * (height - y + dx * sin + dy * cos)))
        for glyph, dx, dy in _laid_out(writing.text, style)
    )


def _start(canvas: Canvas, writing: Writing, style: _Style) -> tuple[float, float]:
    """Return where the text's baseline begins, in pixels from the lower left corner of the page."""
    width, ascent, descent = _extent(writing.text, style)
    cos, sin = style.turn
    low = -ascent - descent
    corners = [(0.0, low), (0.0, 0.0), (width, 0.0), (width, low)]
    base = (0.0, -ascent)
    if style.upright:
        corners = [(cos * x - sin * y, sin * x + cos * y) for x, y in corners]
        base = cos * base[0] - sin * base[1], sin * base[0] + cos * base[1]
    xs, ys = zip(*corners, strict=True)
    offset_x = {"left": min(xs), "right": max(xs), "center": (min(xs) + max(xs)) / 2}[writing.across]
    offset_y = {"bottom": min(ys), "top": max(ys), "center": (min(ys) + max(ys)) / 2}[writing.down]
    x = writing.left / canvas.plan[0] * canvas.size[0]
    y = (1.0 - writing.top / canvas.plan[1]) * canvas.size[1]
    return base[0] - offset_x + x, base[1] - offset_y + y


def _sized_font(style: _Style) -> FT2Font:
    font = _font(style.bold, threading.get_ident())
    font.clear()
    font.set_size(style.size, style.dpi)
    return font


@lru_cache(maxsize=4096)
def _extent(text: str, style: _Style) -> tuple[float, float, float]:
    """Return the width of a text in pixels, and how far it reaches above and below its baseline.

    These are at least what the font's tallest and deepest letters take.
    """
    from matplotlib.ft2font import LoadFlags

    font = _sized_font(style)
    font.set_text(text, 0.0, flags=LoadFlags.DEFAULT)
    width, height = (length / 64.0 for length in font.get_width_height())
    descent = font.get_descent() / 64.0
    head, table = font.get_sfnt_table("head"), font.get_sfnt_table("OS/2")
    assert head is not None
    assert table is not None
    scale = 1 / head["unitsPerEm"] * style.size * style.dpi / 72
    ascent = max(height - descent, table["sTypoAscender"] * scale)
    return width, ascent, max(descent, -table["sTypoDescender"] * scale)


@lru_cache(maxsize=4096)
def _laid_out(text: str, style: _Style) -> tuple[tuple[int, float, float], ...]:
    """Return the glyphs of a text and where each stands, in pixels from the baseline's beginning."""
    from matplotlib.ft2font import LoadFlags

    items = _sized_font(style)._layout(text, flags=LoadFlags.DEFAULT)
    return tuple((item.glyph_index, item.x, item.y) for item in items)


_Glyph = tuple[NDArray[np.intp], int, int]
"""A glyph as pixels: how much of each it covers, ``(rows, cols, 3)`` as indices into `_blending` for a black
page, and where its upper left corner lies: to the right of and above the origin."""


@lru_cache(maxsize=8192)
def _draw_glyph(style: _Style, glyph: int, right: int, up: int, thread: int) -> _Glyph:
    """Draw a glyph whose origin is moved by 64ths of a pixel."""
    from matplotlib.ft2font import LoadFlags, RenderMode

    font = _font(style.bold, thread)
    font.set_size(style.size, style.dpi)
    cos, sin = style.turn
    turn = (0x10000 * np.array([[cos, -sin], [sin, cos]])).round().astype(int)
    font._set_transform(turn, [right, up])  # type: ignore[attr-defined]  # the stubs leave both out
    drawn = font._render_glyph(glyph, LoadFlags.DEFAULT, RenderMode.NORMAL)  # type: ignore[attr-defined]
    cover = np.array(drawn.buffer, np.intp)
    return (cover << 8)[..., None] + _CHANNELS, drawn.left, drawn.top


@lru_cache(maxsize=4096)
def _line_on_white(
    style: _Style, places: tuple[_Place, ...], colour: RGB, thread: int
) -> tuple[NDArray[np.uint8], int, int]:
    """Write a whole line onto white; labels recur on all pages of a sheet.

    Returns:
        The pixels ``(rows, cols, 3)``, and where their upper left corner lies: to the right of and above the
        page's corner from which the places count.
    """
    drawn = [
        (_draw_glyph(style, glyph, right & 63, up & 63, thread), right >> 6, up >> 6)
        for glyph, right, up in places
    ]
    boxes = [(x + left, -y - above, *cover.shape[:2]) for (cover, left, above), x, y in drawn]
    x0, y0 = min(box[0] for box in boxes), min(box[1] for box in boxes)
    x1, y1 = max(box[0] + box[3] for box in boxes), max(box[1] + box[2] for box in boxes)
    block = np.full((y1 - y0, x1 - x0, 3), 255, np.uint8)
    for (cover, _, _), (left, top, *_) in zip((glyph for glyph, _, _ in drawn), boxes, strict=True):
        part = block[top - y0 : top - y0 + cover.shape[0], left - x0 : left - x0 + cover.shape[1]]
        part[...] = _blending(colour).take(cover + part)
    return block, x0, -y0


def _blend(canvas: Canvas, glyph: _Glyph, x: int, bottom: int, colour: RGB) -> None:
    """Blend a glyph into the page; what lies outside is cut."""
    cover, left, above = glyph
    top, left = bottom - above, x + left
    height, width = canvas.touched.shape
    if top < 0 or left < 0 or top + cover.shape[0] > height or left + cover.shape[1] > width:
        cover = cover[max(-top, 0) : max(height - top, 0), max(-left, 0) : max(width - left, 0)]
        top, left = max(top, 0), max(left, 0)
    rows, cols = slice(top, top + cover.shape[0]), slice(left, left + cover.shape[1])
    part = canvas.pixels[rows, cols]
    part[...] = _blending(colour).take(cover + part)
    canvas.touched[rows, cols] = True


@lru_cache(maxsize=16)
def _blending(colour: RGB) -> NDArray[np.uint8]:
    """Return what Agg makes of a colour over each level of an opaque page, by channel, coverage and level.

    The arithmetic is that of ``fixed_blender_rgba_plain`` in matplotlib's ``_backend_agg``.
    """
    levels = np.array(colour)[:, None, None]
    cover, below = np.mgrid[:256, :256]
    blended = (((levels << 8) - below * 255) * cover + (below * 255 << 8)) // ((255 << 8) + cover)
    blended[:, 0] = np.arange(256)
    blended[:, 255] = levels[:, 0]
    return np.asarray(blended, np.uint8).ravel()


_CHANNELS = np.arange(3) << 16
"""Where in `_blending` each channel begins."""
