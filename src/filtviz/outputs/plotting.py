"""What `filtviz plot` writes: pictures of some layers of one model, under the names that it was given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from filtviz.drawing import DrawingOptions, Picture
from filtviz.drawing.formats import FORMATS, holds_many_pages, write_pages
from filtviz.outputs.files import is_folder, is_there, make_folder, write_whole
from filtviz.outputs.names import picture_name
from filtviz.text import printable

__all__ = ["Destination", "PlannedFile", "find_destination", "plan_files", "write_files"]

DEFAULT_FORMAT = "png"


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
    def ending(self) -> str:
        """What the names of files end in, without the dot."""
        return self.typed or self.suffix


@dataclass(frozen=True, eq=False)
class PlannedFile:
    """One file to write and the pictures that it holds: one, or the pages of a PDF."""

    path: Path
    pictures: tuple[Picture, ...]


def find_destination(output: str | None, suffix: str | None) -> Destination:
    """Understand ``--output`` and ``--format``.

    An existing folder, or a path that ends in a slash or has no suffix, is a folder; any other path is a file
    whose suffix names the format.

    Raises:
        ValueError: the suffix is no format, or contradicts ``suffix``.
        OutputError: the path cannot be looked at.
    """
    path = Path(output or ".")
    if is_folder(path) or str(output).endswith("/") or not path.suffix:
        return Destination(path, None, suffix or DEFAULT_FORMAT)
    named = path.suffix[1:].lower()
    if named not in FORMATS:
        raise ValueError(
            f"{printable(path.suffix, 20)} is no format of pictures: end the name in .{', .'.join(FORMATS)}"
        )
    if suffix not in (None, named):
        raise ValueError(f"--format {suffix} contradicts the name {printable(path.name, 80)}")
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


def write_files(
    planned: Sequence[PlannedFile], suffix: str, options: DrawingOptions, *, clobber: bool = True
) -> Iterator[tuple[Path, bool]]:
    """Write files one after another; yield each path and whether it was written.

    Without ``clobber`` a file that exists is kept.

    Raises:
        OutputError: a file cannot be written.
    """
    for folder in sorted({file.path.parent for file in planned}):
        make_folder(folder)
    for file in planned:
        keep = not clobber and is_there(file.path)
        if not keep:
            write_whole(file.path, partial(write_pages, file.pictures, suffix, options))
        yield file.path, not keep
