"""The pictures of a command become files, named after its models, and none over another model's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from filtviz.given import check_choice, check_path
from filtviz.naming import layer_stems, models_stems, picture_starts
from filtviz.network import Network
from filtviz.results import WrittenFile
from filtviz.sources import Sources

if TYPE_CHECKING:
    from filtviz.drawing import DrawingOptions, Picture
    from filtviz.drawing.saving import Destination, PlannedFile

__all__ = ["Output", "Progress", "destination_of", "plan_beside", "write_pictures"]

Output: TypeAlias = "str | PathLike[str] | Destination | None"
"""A file or a folder; None for none."""

Progress: TypeAlias = Callable[[WrittenFile], None]


def destination_of(output: Output, suffix: str | None, also: Iterable[str] = ()) -> Destination | None:
    """Understand where pictures go.

    Args:
        output: A file, a folder, or what was understood before; None for none.
        suffix: The format in a folder.
        also: Formats that are no pictures', to name to whoever errs.

    Raises:
        ArgumentError: it is no path, or a suffix is no format, or contradicts the other.
    """
    from filtviz.drawing.saving import Destination, find_destination

    formats = ("png", "pdf", "svg", *also)
    check_choice(suffix, formats, "format")
    if output is None or isinstance(output, Destination):
        return output
    return find_destination(check_path(output, "a picture or a folder"), suffix, formats)


def plan_beside(
    pictures: Mapping[str, Sequence[Picture]],
    networks: Sequence[Network],
    destination: Destination,
    sources: Sources,
) -> tuple[str, list[PlannedFile]]:
    """Plan files called after the models, and after their folders, too, where others' are called so.

    Args:
        pictures: Those of each layer, by its part of a name.
        networks: The models.
        destination: Where the files go.
        sources: The files that are read.

    Returns:
        What the names begin with where it is filtviz that names them, and the files.
    """
    from filtviz.drawing.saving import plan_files
    from filtviz.drawing.views import SHEET_VIEWS

    stems = models_stems([network.origin.path or Path("network") for network in networks])
    plans = [(stem, plan_files(pictures, stem, destination)) for stem in stems]
    if destination.names_a_file:
        return "", plans[0][1]
    names = [name for network in networks for name in layer_stems(network, SHEET_VIEWS).values()]
    free = (
        (stem, files)
        for stem, files in plans
        if not any(sources.are_not_in(file.path) for file in files)
        and not any(map(sources.are_not_in, _called(stem, names, destination.folder)))
    )
    return next(free, plans[0])


_MOST_ENTRIES, _MOST_MARKS = 10_000, 64
"""Files of a folder that are looked at, and of how many it is read what they show."""


def _called(stem: str, layers: Sequence[str], folder: Path) -> Iterator[Path]:
    """Yield files called as pictures of these layers would be, of the layers that are not drawn now, too."""
    starts = picture_starts(stem, layers)
    with suppress(OSError), os.scandir(folder) as entries:
        names = (entry.name for entry in islice(entries, _MOST_ENTRIES) if entry.name.startswith(starts))
        yield from map(folder.joinpath, islice(names, _MOST_MARKS))


def write_pictures(
    planned: Sequence[PlannedFile],
    destination: Destination,
    options: DrawingOptions,
    sources: Sources,
    *,
    clobber: bool = True,
    progress: Progress | None = None,
) -> list[WrittenFile]:
    """Write pictures one after another, and tell of each.

    Args:
        planned: The files and their pictures.
        destination: Where they go, from which they were planned.
        options: How the pictures are drawn.
        sources: The files that are read, which are never overwritten.
        clobber: Whether files that exist are replaced, or kept.
        progress: Called with each file once it is written or kept.

    Raises:
        OutputError: a file cannot be written; if one of them may not be, none is.
    """
    from filtviz.drawing.saving import write_files

    files = []
    for path, written in write_files(planned, destination, options, sources, clobber=clobber):
        files.append(WrittenFile(path, kept=not written))
        if progress:
            progress(files[-1])
    return files
