"""Images out of a file, to show to a network."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import CompositionError
from filtviz.text import printable

__all__ = ["read_images"]


def read_images(path: str | PathLike[str]) -> NDArray[Any]:
    """Read a ``.npy`` file of images, ``(images, channels, rows, cols)``, or without channels, or a lone one.

    Nothing in the file is executed: an array of objects is refused.

    Raises:
        CompositionError: the file is missing, or holds no images.
    """
    name = printable(path, 200)
    try:
        array = np.load(path, allow_pickle=False)
    except OSError as error:
        raise CompositionError(f"cannot read {name}: {printable(error.strerror or error).lower()}") from None
    except ValueError:
        array = None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub" or array.ndim not in (2, 3, 4):
        raise CompositionError(
            f"{name} holds no images: give a .npy file of numbers, (images, channels, rows, columns)"
        )
    if not array.size or not np.isfinite(array).all():
        raise CompositionError(f"{name} holds no image, or numbers that are not finite")
    return array if array.ndim == 4 else np.reshape(array, (-1, 1, *array.shape[-2:]))
