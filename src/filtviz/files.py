"""Files that appear whole or not at all, and their names."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from filtviz.errors import OutputError
from filtviz.network import Network
from filtviz.text import file_stem, printable

__all__ = [
    "PART_SUFFIX",
    "is_folder",
    "is_there",
    "layer_stems",
    "make_folder",
    "model_stem",
    "picture_name",
    "remove_file",
    "remove_parts",
    "unique_stems",
    "write_whole",
]

PART_SUFFIX = ".filtviz-part"
"""How the names of files that are being written end; one that is left over belongs to a killed run."""


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill a file beside ``path``, then rename it to ``path``.

    What was at ``path`` is replaced; whoever looks sees the old file or the new one, never a part. Something
    at ``path`` that is no regular file (``/dev/null``, a pipe) is written to, not replaced.

    Raises:
        OutputError: the file cannot be written; nothing is left behind.
    """
    with _one_sentence(path):
        if path.exists() and not path.is_file():
            with path.open("wb") as stream:
                write(stream)
            return
        part = path.with_name(f".{secrets.token_hex(8)}{PART_SUFFIX}")
        try:
            with part.open("xb") as stream:
                write(stream)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def is_folder(path: Path) -> bool:
    """Say whether there is a folder at ``path``.

    Raises:
        OutputError: the system does not tell: a folder above may not be searched, the name is too long.
    """
    with _one_sentence(path):
        return path.is_dir()


def is_there(path: Path) -> bool:
    """Say whether there is anything at ``path``.

    Raises:
        OutputError: the system does not tell.
    """
    with _one_sentence(path):
        return path.exists()


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are missing.

    Raises:
        OutputError: it cannot be made.
    """
    with _one_sentence(path):
        try:
            path.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:  # "file exists" would not say what is wrong with it
            raise NotADirectoryError(errno.ENOTDIR, "it is a file") from error


def remove_file(path: Path) -> None:
    """Remove a file, if it is there.

    Raises:
        OutputError: it cannot be removed.
    """
    with _one_sentence(path):
        path.unlink(missing_ok=True)


def remove_parts(folder: Path) -> None:
    """Remove what a killed run left in ``folder``.

    Raises:
        OutputError: something there cannot be removed.
    """
    with _one_sentence(folder):
        for part in folder.glob(f".*{PART_SUFFIX}"):
            part.unlink(missing_ok=True)


@contextmanager
def _one_sentence(path: Path) -> Iterator[None]:
    """Turn the system's errors into one sentence that names the path and the reason."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else printable(error)
        raise OutputError(f"cannot write {printable(path, 200)}: {reason}", path=path) from error


MODEL_SUFFIXES = {".gz", ".bz2", ".xz"}
"""Suffixes of packed files, which hide the one that matters (``model.pkl.gz``)."""


def model_stem(path: Path) -> str:
    """Return the model file's name without its suffixes, as a part of a file name."""
    inner = Path(path.stem) if path.suffix.lower() in MODEL_SUFFIXES else path
    return file_stem(inner.stem)


def layer_stems(network: Network) -> dict[int, str]:
    """Return each convolution's part of a file name by its conv index."""
    layers = network.conv_layers
    stems = unique_stems([file_stem(layer.label) for layer in layers])
    return {layer.conv_index: stem for layer, stem in zip(layers, stems, strict=True)}


def picture_name(model: str, layer: str, part: str, suffix: str) -> str:
    """Return ``model-conv2-ch007.png``; parts that are empty are left out."""
    return "-".join(filter(None, [model, layer, part])) + f".{suffix}"


def unique_stems(stems: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Number the stems that occur already, so that no two are one file where case does not count.

    The first of several keeps its name; the others become ``name-2``, ``name-3``, …
    """
    used = {stem.lower() for stem in taken}
    own = {stem.lower() for stem in stems}
    last: dict[str, int] = {}
    unique = []
    for stem in stems:
        # Of thousands with one stem each goes on counting where the one before has ended.
        number = last.get(stem.lower(), 1)
        name = stem if number == 1 else f"{stem}-{number}"
        while name.lower() in used or (number > 1 and name.lower() in own):
            number += 1
            name = f"{stem}-{number}"
        last[stem.lower()] = number
        used.add(name.lower())
        unique.append(name)
    return unique
