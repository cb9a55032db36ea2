"""Folders of models: which files in them may be models, and which certainly are none.

What a file is, only its bytes tell: so each file is a candidate, and `is_no_model` tells, from the error that
reading it gave, a file that is none from a model that is damaged. A folder is a stranger's, like what is in
it: no link in it is followed, and so many entries are looked at and no more.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from filtviz.errors import FileAccessError, ReadError, UnknownFileError, UnsupportedFileError
from filtviz.reading.formats import MODEL_SUFFIXES
from filtviz.text import listed, natural_key, printable

__all__ = [
    "MOST_ENTRIES",
    "Candidate",
    "candidates",
    "files_in",
    "is_folder_of_models",
    "is_no_model",
    "model_in",
]

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


# A folder that holds one model

_INDEX_ENDINGS = (".safetensors.index.json", ".bin.index.json", ".weights.json")
"""How the files end that name all others of a model."""

_BESIDE_ONNX = frozenset({".bin", ".data", ""})
"""What external data of ONNX are called, which are no models themselves."""

_TEXTS = frozenset({
    ".cfg", ".csv", ".data", ".gif", ".html", ".info", ".ini", ".jpeg", ".jpg", ".json", ".jsonl",
    ".lock", ".log", ".md", ".meta", ".names", ".pbtxt", ".pdmodel", ".pdopt", ".png", ".prototxt",
    ".py", ".rst", ".sh", ".toml", ".tsv", ".txt", ".xml", ".yaml", ".yml",
})  # fmt: skip
"""Suffixes of what lies beside models and is none."""

_OF_TRAINING = re.compile(
    r"(?i)(optimi[sz]er|scheduler|scaler|sampler|training_args|trainer_state|random_states?|rng_state)([._-]|\Z)"
    r"|.*_optim_states\.pt\Z"
)
_LATEST = re.compile(rb'\Amodel_checkpoint_path: "(?:[^"\n]*[/\\])?([^"/\\\n]{1,200})"')
"""The latest of several checkpoints, in TensorFlow's file ``checkpoint``."""


def model_in(folder: Path) -> Path | None:
    """Return the file to open of a folder that holds one model, with what lies beside it; None where none is.

    Links are not followed, and folders in it are not looked into.

    Args:
        folder: The folder.

    Raises:
        FileAccessError: it cannot be looked into, or holds more than one model.
    """
    names = []
    for n, entry in enumerate(_entries(folder, must_open=True)):
        if n >= MOST_ENTRIES:
            break
        if entry.is_file(follow_symlinks=False):
            names.append(entry.name)
    found = sorted(_may_be_the_model(folder, names), key=natural_key)
    if len(found) > 1:
        shown = listed([printable(name, 60) for name in found], 4)
        raise FileAccessError(
            f"it is a folder with several files that may be models: {shown}; name one of them"
        )
    return folder / found[0] if found else None


def _may_be_the_model(folder: Path, names: list[str]) -> list[str]:
    """Return the files that may be the model of a folder, without the parts of one and what is beside it."""
    models = [name for name in names if PurePath(name).suffix.lower() in MODEL_SUFFIXES]
    if any(name.lower().endswith(".onnx") for name in models):
        models = [name for name in models if PurePath(name).suffix.lower() not in _BESIDE_ONNX]
    indexes = _indexes(folder, names)
    stems = tuple(_index_stem(name) for name in indexes)
    models = indexes + [name for name in models if not name.startswith(stems)]
    found = [name for name in models if not _OF_TRAINING.match(name)]
    if not found:
        others = [name for name in names if PurePath(name).suffix.lower() not in _TEXTS]
        found = [name for name in others if name not in (*models, "checkpoint")]
    return found or models


def _indexes(folder: Path, names: list[str]) -> list[str]:
    """Return the files that name all others of a model: of TensorFlow's checkpoints the latest."""
    data = {name.partition(".data-")[0] for name in names if ".data-" in name}
    checkpoints = [name for name in names if name.endswith(".index") and name.removesuffix(".index") in data]
    latest = _latest(folder, checkpoints)
    return [name for name in names if name.endswith(_INDEX_ENDINGS)] + ([latest] if latest else checkpoints)


def _index_stem(name: str) -> str:
    ending = next((one for one in _INDEX_ENDINGS if name.endswith(one)), ".index")
    return name.removesuffix(ending)


def _latest(folder: Path, indexes: list[str]) -> str:
    """Return the checkpoint that TensorFlow's file ``checkpoint`` calls the latest, ``""`` where none is."""
    try:
        status = os.lstat(folder / "checkpoint")
        if not stat.S_ISREG(status.st_mode):
            return ""
        with (folder / "checkpoint").open("rb") as file:
            found = _LATEST.match(file.read(1000))
    except OSError:
        return ""
    name = f"{found[1].decode('utf-8', 'replace')}.index" if found else ""
    return name if name in indexes else ""
