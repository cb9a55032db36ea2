"""Images out of a file, to show to a network: read as a stranger's, as model files are."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import CompositionError, MalformedFileError, ReadError, RunningError, UnsupportedFileError
from filtviz.reading.arrays import StoredArray
from filtviz.reading.containers import open_file
from filtviz.reading.limits import Hints, Limits
from filtviz.reading.opened import Opened
from filtviz.reading.pickle.records import Items
from filtviz.text import printable

__all__ = ["MOST_NUMBERS", "TIMES", "arrays_in", "check_numbers", "contents", "read_images", "reason_of"]

MOST_NUMBERS = 1 << 24
"""Numbers that a file of images may hold whatever its size; a network computes with eight bytes for each."""

TIMES = 16
"""Numbers that it may hold for each of its bytes, where it is large: pictures and archives are compressed."""


def arrays_in(path: str | PathLike[str]) -> Mapping[str, StoredArray]:
    """Return the arrays of an npz by their names, or the one of an npy by ``""``; none is read yet.

    There are none in anything else.

    Raises:
        ReadError: the file is missing, or asks for too much.
    """
    try:
        roots = Opened.of(Path(path), Limits(), Hints()).roots
    except (MalformedFileError, UnsupportedFileError):
        return {}
    root = roots[0] if len(roots) == 1 else None
    held = root.by_name() if type(root) is Items else {"": root}
    return {name: array for name, array in held.items() if type(array) is StoredArray}


def check_numbers(name: str, n_numbers: int, n_bytes: int) -> None:
    """Pass silently where a file of so many bytes may hold so many numbers.

    Args:
        name: The file, as it is shown.
        n_numbers: How many it holds.
        n_bytes: Its size.

    Raises:
        RunningError: it may not.
    """
    if n_numbers > max(MOST_NUMBERS, TIMES * n_bytes):
        raise RunningError(
            f"{name} has {n_bytes:,} bytes and holds {n_numbers:,} numbers, too many for its size: give a "
            "smaller picture, fewer images, or arrays that are not compressed"
        )


def contents(path: str | PathLike[str], most: int) -> bytes:
    """Return the bytes of a regular file.

    Args:
        path: The file.
        most: How many there may be.

    Raises:
        ReadError: it is missing, is none, is too large, or may not be read.
    """
    data = open_file(Path(path))
    if len(data) > most:
        raise MalformedFileError(f"it has {len(data):,} bytes, and {most:,} are read at the most")
    return bytes(data)


def reason_of(error: ReadError) -> str:
    """Return why a file could not be read: what the system says, where it said something.

    Args:
        error: What reading it has raised.
    """
    return printable(getattr(error.__cause__, "strerror", None) or str(error)).lower()


def read_images(path: str | PathLike[str]) -> NDArray[Any]:
    """Read a ``.npy`` file of images, ``(images, channels, rows, cols)``, or without channels, or a lone one.

    Nothing in the file is executed: an array of objects is refused.

    Raises:
        CompositionError: the file is missing, or holds no images.
    """
    name = printable(path, 200)
    try:
        stored = arrays_in(path).get("")
    except ReadError as error:
        raise CompositionError(f"cannot read {name}: {reason_of(error)}") from None
    if stored is None or stored.dtype.kind not in "fiub" or len(stored.shape) not in (2, 3, 4):
        raise CompositionError(
            f"{name} holds no images: give a .npy file of numbers, (images, channels, rows, columns)"
        )
    array = stored.read()
    if not array.size or not np.isfinite(array).all():
        raise CompositionError(f"{name} holds no image, or numbers that are not finite")
    return array if array.ndim == 4 else np.reshape(array, (-1, 1, *array.shape[-2:]))
