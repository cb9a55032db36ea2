"""The files that a command reads: nothing is written over them, and results are marked with what they show.

Every file that filtviz writes, replaces or removes goes through `Sources.refuse`. What is no input may be the
result of another model of the same name: results carry a mark, and where filtviz chooses their names, and not
the person, `Sources.refuse_others` keeps those of one model from replacing those of another.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from os import PathLike
from pathlib import Path
from typing import Any

from filtviz.errors import OutputError
from filtviz.network import Network
from filtviz.text import digest, printable

__all__ = ["Sources", "is_result", "paths_among"]


@dataclass(frozen=True)
class Sources:
    """The files that a command was given, and those that it reads for them.

    Attributes:
        identities: Device and inode of each, which are one for all names of a file.
        names: The real path of each, for file systems that number no files.
        mark: What to write into a result; it tells by digits the models' paths and their content.
    """

    identities: frozenset[tuple[int, int]] = frozenset()
    names: frozenset[str] = frozenset()
    mark: str = ""

    @classmethod
    def of(cls, networks: Iterable[Network], *others: Path) -> Sources:
        """Return the files of networks that were read, and others that a command was given.

        Args:
            networks: The models that results are made of.
            others: Further files, such as images, and folders of them.
        """
        origins = [network.origin for network in networks]
        models = [(origin.path, *origin.siblings) for origin in origins if origin.path is not None]
        mark = _mark(models) if models and len(models) == len(origins) else ""
        beside = chain(*(_parts_of(folder) for folder, *_ in models))
        read = chain(*(origin.also_read for origin in origins))
        images = chain(*map(_files_in, others))
        return replace(cls().including(*chain(*models), *beside, *read, *others, *images), mark=mark)

    def including(self, *paths: Path) -> Sources:
        """Return these and more files; what is not there is known by its name.

        Args:
            paths: Files, or where they may appear.
        """
        seen = [found for path in paths if (found := _identity(path))]
        return replace(
            self,
            identities=self.identities.union(seen),
            names=self.names.union(map(_real_name, paths)),
        )

    def hold(self, path: Path) -> bool:
        """Say whether what is at ``path`` is one of these files, by whatever name.

        Args:
            path: Where something may be, also through folders that have yet to be made.
        """
        if ".." not in path.parts and not os.path.lexists(path):  # nor what its links lead to
            return False  # behind a folder that is yet to be made, two dots lead to what is there
        real = Path(os.path.realpath(path))
        if not os.path.lexists(real):
            return False
        return _identity(real) in self.identities or os.path.normcase(real) in self.names

    def refuse(self, path: Path) -> None:
        """Let nothing be written to ``path``, and nothing removed there, if it is one of these files.

        Args:
            path: Where something is to be written.

        Raises:
            OutputError: it is one of them.
        """
        if self.hold(path):
            raise OutputError(
                f"cannot write {printable(path, 200)}: it is one of the files given; "
                "choose another name or folder",
                path=path,
            )

    def are_not_in(self, path: Path) -> bool:
        """Say whether what is at ``path`` is a result that shows other models.

        The same models are those of the same paths, or of the same content: a model that was trained on or
        moved replaces its own results.

        Args:
            path: Where a result may be.
        """
        own, theirs = _MARK.match(self.mark.encode()), _read_mark(path)
        return bool(own and theirs and own[1] != theirs[1] and own[2] != theirs[2])

    def refuse_others(self, path: Path) -> None:
        """Let no result replace one that is marked with other models.

        Args:
            path: Where a result is to be written under a name that the person did not choose.

        Raises:
            OutputError: what is there shows other models.
        """
        if self.are_not_in(path):
            raise OutputError(
                f"cannot write {printable(path, 200)}: it shows another model whose name is the same; "
                "choose another folder, or name the file itself",
                path=path,
            )


_PLACES = ("", "variables", "assets", "assets.extra")
"""Where in a folder that is a model its parts lie, those too that are not read; results are marked."""

_MOST_PARTS = 10_000
_MANIFEST = "manifest.json"


def _parts_of(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that is a model, but for results that were put beside them."""
    for place in _PLACES:
        with suppress(OSError), os.scandir(folder / place) as entries:
            for entry in islice(entries, _MOST_PARTS):
                if entry.name != _MANIFEST and entry.is_file() and _read_mark(Path(entry.path)) is None:
                    yield Path(entry.path)


def _files_in(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder of images, but for results of filtviz's, which are none of its images."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in islice(entries, _MOST_FILES):
            if entry.is_file() and not is_result(Path(entry.path)):
                yield Path(entry.path)


_MOST_FILES = 100_000


def paths_among(*given: Any) -> Iterator[Path]:
    """Yield what is a path of what a person gave: one, several, or arrays, which are none.

    Args:
        given: Paths, lists of them, and anything else.
    """
    for one in given:
        for each in one if isinstance(one, list | tuple) else (one,):
            if isinstance(each, str | PathLike):
                yield Path(each)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return device and inode of what is at ``path``, links followed; None where there is nothing to see."""
    try:
        seen = path.stat()
    except (OSError, ValueError):
        return None
    return (seen.st_dev, seen.st_ino) if seen.st_ino else None


def _real_name(path: Path) -> str:
    return os.path.normcase(os.path.realpath(path))


ENDS = 1 << 16
"""Bytes at both ends of a file: those of a model tell it from others, those of a result hold its mark."""

_MARK = re.compile(rb"filtviz-models ([0-9a-f]{10}):([0-9a-f]{10})")


def _mark(models: Sequence[Sequence[Path]]) -> str:
    """Make a mark of the models' paths, and of their sizes and what they begin and end with."""
    files = [path for path in chain(*models) if path.is_file()]
    contents = [hashlib.blake2b(_read_ends(path)).hexdigest() for path in files]
    paths = os.pathsep.join(_real_name(path) for path, *_ in models)
    return f"filtviz-models {digest(paths)}:{digest(' '.join(contents))}"


def is_result(path: Path) -> bool:
    """Say whether a file is a result that filtviz has marked with the models that it shows.

    Args:
        path: A file.
    """
    return _read_mark(path) is not None


def _read_mark(path: Path) -> re.Match[bytes] | None:
    """Find the mark of a result; None for a file that has none, or that cannot be looked at."""
    try:
        return _MARK.search(_read_ends(path)) if path.is_file() else None
    except OSError:
        return None


def _read_ends(path: Path) -> bytes:
    """Return the file's size and its first and last bytes."""
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        head = stream.read(ENDS)
        stream.seek(max(len(head), size - ENDS))
        return b"%d %b%b" % (size, head, stream.read(ENDS))
