"""The kinds of file that pictures become; the same pictures give the same bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from filtviz.drawing import DrawingOptions, Picture

__all__ = ["FORMATS", "holds_many_pages", "write_pages"]


def write_pages(pictures: Iterable[Picture], suffix: str, options: DrawingOptions, stream: BinaryIO) -> None:
    """Write pictures in the format that ``suffix`` names: one, or several where `holds_many_pages`."""
    FORMATS[suffix](pictures, options, stream)


def holds_many_pages(suffix: str) -> bool:
    """Say whether a file of this format holds several pictures."""
    return suffix == "pdf"


def _write_png(pictures: Iterable[Picture], options: DrawingOptions, stream: BinaryIO) -> None:
    (picture,) = pictures
    picture.image().save(stream, "PNG", dpi=(options.dpi, options.dpi))


PAGES_AT_ONCE = 16
"""matplotlib holds a PDF in memory, as pixels, until its end: so a long one is put together of short ones."""


def _write_pdf(pictures: Iterable[Picture], options: DrawingOptions, stream: BinaryIO) -> None:  # noqa: ARG001
    pictures = iter(pictures)
    batch = list(islice(pictures, PAGES_AT_ONCE))
    following = list(islice(pictures, PAGES_AT_ONCE))
    if not following:
        _write_short_pdf(batch, stream)
        return
    from pypdf import PdfWriter

    writer = PdfWriter()
    while batch:
        part = BytesIO()
        _write_short_pdf(batch, part)
        writer.append(part)
        batch, following = following, list(islice(pictures, PAGES_AT_ONCE))
    writer.write(stream)


def _write_short_pdf(pictures: Iterable[Picture], stream: BinaryIO) -> None:
    from matplotlib.backends.backend_pdf import FigureCanvasPdf, PdfPages

    with PdfPages(stream, metadata={"CreationDate": None}) as pages:
        for picture in pictures:
            FigureCanvasPdf(picture.figure()).print_pdf(pages)


def _write_svg(pictures: Iterable[Picture], options: DrawingOptions, stream: BinaryIO) -> None:  # noqa: ARG001
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    (picture,) = pictures
    drawn = BytesIO()
    FigureCanvasSVG(picture.figure()).print_svg(drawn, metadata={"Date": None})
    stream.write(_number_ids(drawn.getvalue()))


FORMATS: dict[str, Callable[[Iterable[Picture], DrawingOptions, BinaryIO], None]] = {
    "png": _write_png,
    "pdf": _write_pdf,
    "svg": _write_svg,
}
"""Suffix → the function that writes such a file."""

_DEFINED_ID = re.compile(rb'\bid="([^"]+)"')
_NAMED_ID = re.compile(rb'(?<=\bid=")[^"]+(?=")|(?<=href="#)[^"]+(?=")|(?<=url\(#)[^)]+(?=\))')


def _number_ids(svg: bytes) -> bytes:
    """Replace matplotlib's random ids by numbers in the order of their definition.

    The setting ``svg.hashsalt`` would fix them, but for the whole process and all of its threads.
    """
    numbers = {old: b"id%d" % i for i, old in enumerate(_DEFINED_ID.findall(svg))}
    return _NAMED_ID.sub(lambda match: numbers.get(match[0], match[0]), svg)
