"""Pictures become files: where they go, their names and formats; the same pictures give the same bytes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image

from filtviz.drawing.display import MOST_WINDOWS, show_pictures
from filtviz.drawing.png import encode_page
from filtviz.errors import ArgumentError
from filtviz.files import is_folder, is_there, make_folder, write_whole
from filtviz.naming import picture_name
from filtviz.sources import Sources
from filtviz.text import printable

if TYPE_CHECKING:
    from filtviz.drawing import DrawingOptions, Picture

__all__ = [
    "FORMATS",
    "MOST_WINDOWS",
    "Destination",
    "PlannedFile",
    "find_destination",
    "holds_many_pages",
    "looks_like_pictures",
    "plan_files",
    "refuse_files",
    "show_pictures",
    "write_animation",
    "write_files",
    "write_pages",
]


def write_pages(
    pictures: Iterable[Picture], suffix: str, options: DrawingOptions, stream: BinaryIO, mark: str = ""
) -> None:
    """Write pictures in the format that ``suffix`` names: one, or several where `holds_many_pages`.

    Args:
        pictures: What to write.
        suffix: The format.
        options: How the pictures are drawn.
        stream: Where they go.
        mark: What tells which models they show, see `filtviz.sources.Sources`; empty writes none.
    """
    (FORMATS | NUMBERS)[suffix](pictures, options, stream, mark)


def holds_many_pages(suffix: str) -> bool:
    """Say whether a file of this format holds several pictures."""
    return suffix == "pdf"


def _write_png(pictures: Iterable[Picture], options: DrawingOptions, stream: BinaryIO, mark: str) -> None:
    from PIL.PngImagePlugin import PngInfo

    (picture,) = pictures
    # Of few colours: a `KernelGrid`, whose module is not imported for other pictures.
    page = picture.raster() if hasattr(picture, "raster") else None
    if page is not None:
        stream.write(encode_page(page, options.dpi, mark))
        return
    texts = PngInfo()
    if mark:
        texts.add_text("Source", mark)
    picture.image().save(stream, "PNG", dpi=(options.dpi, options.dpi), pnginfo=texts)


PAGES_AT_ONCE = 16
"""matplotlib holds a PDF in memory, as pixels, until its end: so a long one is put together of short ones."""


def _write_pdf(pictures: Iterable[Picture], options: DrawingOptions, stream: BinaryIO, mark: str) -> None:  # noqa: ARG001
    pictures = iter(pictures)
    batch = list(islice(pictures, PAGES_AT_ONCE))
    following = list(islice(pictures, PAGES_AT_ONCE))
    if not following:
        _write_short_pdf(batch, stream, mark)
        return
    from pypdf import PdfWriter

    writer = PdfWriter()
    while batch:
        part = BytesIO()
        _write_short_pdf(batch, part, mark)
        writer.append(part)
        batch, following = following, list(islice(pictures, PAGES_AT_ONCE))
    if mark:
        writer.add_metadata({"/Keywords": mark})
    writer.write(stream)


def _write_short_pdf(pictures: Iterable[Picture], stream: BinaryIO, mark: str) -> None:
    from matplotlib.backends.backend_pdf import FigureCanvasPdf, PdfPages

    from filtviz.drawing.showing import shipped_settings

    metadata = {"CreationDate": None, "Keywords": mark or None}
    with shipped_settings(), PdfPages(stream, metadata=metadata) as pages:
        for picture in pictures:
            FigureCanvasPdf(picture.figure()).print_pdf(pages)


def _write_svg(pictures: Iterable[Picture], options: DrawingOptions, stream: BinaryIO, mark: str) -> None:  # noqa: ARG001
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    from filtviz.drawing.showing import shipped_settings

    (picture,) = pictures
    drawn = BytesIO()
    with shipped_settings():
        FigureCanvasSVG(picture.figure()).print_svg(drawn, metadata={"Date": None, "Keywords": mark or None})
    stream.write(_number_ids(drawn.getvalue()))


FORMATS: dict[str, Callable[[Iterable[Picture], DrawingOptions, BinaryIO, str], None]] = {
    "png": _write_png,
    "pdf": _write_pdf,
    "svg": _write_svg,
}
"""Suffix → the function that writes such a file."""


def _write_npz(pictures: Iterable[Picture], options: DrawingOptions, stream: BinaryIO, mark: str) -> None:  # noqa: ARG001
    """Write arrays as numpy's ``savez_compressed`` does; the mark stands in the comment of the archive."""
    import zipfile

    import numpy as np

    (picture,) = pictures
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = mark.encode()
        for name, array in picture.arrays.items():  # type: ignore[attr-defined]
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


NUMBERS = {"npz": _write_npz}
"""The same for pictures that have arrays, which are written instead."""

_STARTS = {"png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-", "svg": b"<?xml"}


def looks_like_pictures(path: Path, suffix: str) -> bool:
    """Say whether a file begins as one of this format does, or is empty, as a broken disk leaves it.

    Args:
        path: A regular file.
        suffix: The format.
    """
    with path.open("rb") as stream:
        start = stream.read(len(_STARTS[suffix]))
    return start in (b"", _STARTS[suffix])


_DEFINED_ID = re.compile(rb'\bid="([^"]+)"')
_NAMED_ID = re.compile(rb'(?<=\bid=")[^"]+(?=")|(?<=href="#)[^"]+(?=")|(?<=url\(#)[^)]+(?=\))')


def _number_ids(svg: bytes) -> bytes:
    """Replace matplotlib's random ids by numbers in the order of their definition.

    The setting ``svg.hashsalt`` would fix them, but for the whole process and all of its threads.
    """
    numbers = {old: b"id%d" % i for i, old in enumerate(_DEFINED_ID.findall(svg))}
    return _NAMED_ID.sub(lambda match: numbers.get(match[0], match[0]), svg)


MILLISECONDS = 900
"""How long a frame is shown."""


def write_animation(frames: Iterable[Image.Image], stream: BinaryIO, mark: str = "") -> None:
    """Write frames as a GIF that repeats for ever; smaller ones get a white margin at the right and below.

    A GIF has 256 colours for a frame: those that a frame needs are chosen frame by frame, without dithering,
    so that equal weights keep equal colours within a frame.
    """
    given = [frame.convert("RGB") for frame in frames]
    size = max(frame.width for frame in given), max(frame.height for frame in given)
    first, *others = [_on_white(frame, size).quantize(256) for frame in given]
    first.save(
        stream,
        "GIF",
        save_all=True,
        append_images=others,
        duration=MILLISECONDS,
        loop=0,
        disposal=2,
        comment=mark.encode(),
    )


def _on_white(frame: Image.Image, size: tuple[int, int]) -> Image.Image:
    page = Image.new("RGB", size, "white")
    page.paste(frame, (0, 0))
    return page


@dataclass(frozen=True)
class Destination:
    """Where pictures go: into ``folder``, named after the model or, where it is given, after ``stem``.

    ``suffix`` is the format, ``typed`` how the person wrote it, who will look for ``out.PDF``.
    """

    folder: Path
    stem: str | None
    suffix: str
    typed: str | None = None

    @property
    def names_a_file(self) -> bool:
        """Whether the person chose the name, and not only the folder."""
        return self.stem is not None

    @property
    def ending(self) -> str:
        """What the names of files end in, without the dot."""
        return self.typed or self.suffix


@dataclass(frozen=True, eq=False)
class PlannedFile:
    """One file to write and the pictures that it holds: one, or the pages of a PDF."""

    path: Path
    pictures: tuple[Picture, ...]


def find_destination(
    output: str | None, suffix: str | None, formats: Collection[str] = ("png", "pdf", "svg")
) -> Destination:
    """Understand ``--output`` and ``--format``.

    An existing folder, or a path that ends in a slash or has no suffix, is a folder; any other path is a file
    whose suffix names the format.

    Args:
        output: What ``--output`` says.
        suffix: What ``--format`` says.
        formats: Which there are; the first is taken where nothing says.

    Raises:
        ArgumentError: the suffix is no format, or contradicts ``suffix``.
        OutputError: the path cannot be looked at.
    """
    path = Path(output or ".")
    if is_folder(path) or str(output).endswith(("/", os.sep)) or not path.suffix:
        return Destination(path, None, suffix or next(iter(formats)))
    named = path.suffix[1:].lower()
    if named not in formats:
        raise ArgumentError(
            f"{printable(path.suffix, 20)} is no format of {'pictures' if 'png' in formats else 'numbers'}: "
            f"end the name in .{', .'.join(formats)}"
        )
    if suffix not in (None, named):
        raise ArgumentError(f"--format {suffix} contradicts the name {printable(path.name, 80)}")
    return Destination(path.parent, path.name[: -len(path.suffix)], named, path.suffix[1:])


def plan_files(
    pictures: Mapping[str, Sequence[Picture]], model: str, destination: Destination
) -> list[PlannedFile]:
    """Decide which file holds which pictures; ``pictures`` are those of each layer, by its part of a name.

    In a folder a file is named ``model-layer-part``. A file that was named holds the picture if there is but
    one, and all pages where its format holds many; else the layer (where there are several) and the picture's
    part are added to its name: ``out-conv2-ch07.png``.
    """
    stem = destination.stem
    if stem is not None and (holds_many_pages(destination.suffix) or sum(map(len, pictures.values())) == 1):
        all_pictures = tuple(picture for each in pictures.values() for picture in each)
        return [PlannedFile(destination.folder / f"{stem}.{destination.ending}", all_pictures)]
    planned = []
    for layer, each in pictures.items():
        named_layer = "" if stem is not None and len(pictures) == 1 else layer
        for part, held in _files_of_layer(each, destination.suffix):
            name = picture_name(model if stem is None else stem, named_layer, part, destination.ending)
            planned.append(PlannedFile(destination.folder / name, held))
    return planned


def _files_of_layer(pictures: Sequence[Picture], suffix: str) -> list[tuple[str, tuple[Picture, ...]]]:
    """Return the part of the name and the pictures of each file of one layer."""
    if holds_many_pages(suffix):
        return [("", tuple(pictures))]
    return [(picture.part, (picture,)) for picture in pictures]


def refuse_files(paths: Iterable[Path], destination: Destination, sources: Sources) -> None:
    """Let none of several files be written if one of them is a source, or the result of another model.

    Args:
        paths: Where files are to be written.
        destination: It says whether the person chose their names.
        sources: The files that are read.

    Raises:
        OutputError: one of them may not be written.
    """
    for path in paths:
        sources.refuse(path)
        if not destination.names_a_file:
            sources.refuse_others(path)


def write_files(
    planned: Sequence[PlannedFile],
    destination: Destination,
    options: DrawingOptions,
    sources: Sources,
    *,
    clobber: bool = True,
) -> Iterator[tuple[Path, bool]]:
    """Write files one after another; yield each path and whether it was written.

    Args:
        planned: The files and their pictures.
        destination: Where they go, from which they were planned.
        options: How the pictures are drawn.
        sources: The files that are read, which are never overwritten.
        clobber: Whether files that exist are replaced, or kept.

    Raises:
        OutputError: a file cannot be written; if one of them may not be, none is.
    """
    kept = set() if clobber else {file.path for file in planned if is_there(file.path)}
    refuse_files((file.path for file in planned if file.path not in kept), destination, sources)
    if planned:
        make_folder(destination.folder)
    for file in planned:
        if file.path not in kept:
            draw = partial(write_pages, file.pictures, destination.suffix, options, mark=sources.mark)
            write_whole(file.path, draw, sources)
        yield file.path, file.path not in kept
