"""Folders of models: which files in them may be models, and which certainly are none.

What a file is, only its bytes tell: so each file is a candidate, and `is_no_model` tells, from the error that
reading it gave, a file that is none from a model that is damaged. A folder is a stranger's, like what is in
it: no link in it is followed, and so many entries are looked at and no more.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filtviz.errors import FileAccessError, ReadError, UnknownFileError, UnsupportedFileError
from filtviz.text import natural_key, printable

__all__ = ["MOST_ENTRIES", "Candidate", "candidates", "files_in", "is_no_model"]

SAVED_MODEL = "saved_model.pb"
"""The file that makes a folder a model: what lies below it belongs to it."""

MOST_ENTRIES = 100_000
"""Files and folders that are looked at in one folder that was given."""

_INDEXES = (".json", ".index")
"""How the names of files end that tell of others beside them: these come first, and then their parts."""


@dataclass(frozen=True)
class Candidate:
    """A file that may be a model; ``is_found`` where it was found in a folder, and not named."""

    path: Path
    is_found: bool = False


def candidates(given: Iterable[Path], leave_out: Path | None = None) -> list[Candidate]:
    """Return the files to read: those given, and for each folder that is no model itself those in it.

    Args:
        given: Paths of files and folders.
        leave_out: A folder that is not looked into: that of the results.

    Raises:
        FileAccessError: a folder cannot be looked into, or holds too much.
    """
    found: list[Candidate] = []
    for path in given:
        if is_folder_of_models(path):
            found += [Candidate(file, is_found=True) for file in files_in(path, leave_out)]
        else:
            found.append(Candidate(path))
    return found


def is_folder_of_models(path: Path) -> bool:
    """Say whether a path is a folder that is not one model as a whole, as TensorFlow's SavedModel is.

    Args:
        path: What a person gave.
    """
    return os.path.isdir(path) and not os.path.isfile(path / SAVED_MODEL)  # noqa: PTH112, PTH113  (these never raise)


def is_no_model(error: ReadError) -> bool:
    """Say whether a file that could not be read is no model at all, as far as its bytes tell.

    Args:
        error: What reading it has raised.
    """
    return isinstance(error, UnsupportedFileError | UnknownFileError)


def files_in(folder: Path, leave_out: Path | None = None) -> list[Path]:
    """Return the regular files in a folder and in those in it: each folder's own first, in natural order.

    A folder in it that is one model as a whole stands for what is in it.

    Links are not followed, what is hidden is not looked at, and a folder in it that may not be
    opened is passed over, for somebody else may own it.

    Args:
        folder: The folder.
        leave_out: A folder in it that is not looked into.

    Raises:
        FileAccessError: it cannot be looked into, or holds more than `MOST_ENTRIES`.
    """
    left_out = None if leave_out is None else os.path.realpath(leave_out)
    files: list[Path] = []
    open_folders, n_entries = [folder], 0
    while open_folders:
        here = open_folders.pop()
        inner: list[tuple[str, bool]] = []
        for entry in _entries(here, must_open=here is folder):
            n_entries += 1
            if n_entries > MOST_ENTRIES:
                raise FileAccessError(
                    f"{printable(folder, 200)} holds more than {MOST_ENTRIES:,} files and folders: "
                    "name those in it that you mean",
                    path=folder,
                )
            if entry.is_file(follow_symlinks=False):
                inner.append((entry.name, True))
            elif entry.is_dir(follow_symlinks=False):
                inner.append((entry.name, False))
        if (SAVED_MODEL, True) in inner:
            files.append(here)
            continue
        inner.sort(key=lambda each: (not each[0].endswith(_INDEXES), natural_key(each[0])))
        files += [here / name for name, is_file in inner if is_file]
        below = [here / name for name, is_file in reversed(inner) if not is_file]
        open_folders += [path for path in below if left_out is None or os.path.realpath(path) != left_out]
    return files


def _entries(folder: Path, *, must_open: bool) -> Iterator[os.DirEntry[str]]:
    """Yield what is in a folder, but for what is hidden."""
    try:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        if must_open:
            reason = os.strerror(error.errno or 0).lower()
            raise FileAccessError(
                f"{printable(folder, 200)}: it cannot be looked into ({reason})", path=folder
            ) from error
