"""Names for the tensors of a list, by their order: weights, their bias, a normalisation's four vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from filtviz.reading.tensors import Tensor

__all__ = ["named_by_order"]

_NORM = ("weight", "bias", "running_mean", "running_var")


def named_by_order(tensors: Sequence[Tensor]) -> Iterator[Tensor]:
    """Yield the tensors as a state_dict would name them, each layer called by the place of its first one.

    PyTorch lists a layer's weights, then its bias; of a normalisation scale, shift, mean, variance, and a
    counter, or only the first two where only parameters are listed.

    Args:
        tensors: The tensors of a list, named by their places.
    """
    place = 0
    while place < len(tensors):
        vectors = _vectors_behind(tensors, place)
        first, shape = tensors[place], tensors[place].array.shape
        if len(shape) > 1 and _is_real(first):
            n_bias = len(vectors) % 2 if len(vectors) in (1, 3, 5) else 0
            names = ("weight", "bias")[: 1 + n_bias]
        elif len(vectors) + 1 in (2, 4) and len(shape) == 1:
            names = _NORM[: len(vectors) + 1]
        else:
            names = ("value",)
        for name, each in zip(names, tensors[place : place + len(names)], strict=True):
            yield replace(each, name=f"{first.name}.{name}" if first.name else name)
        place += len(names)


def _is_real(tensor: Tensor) -> bool:
    """Tell what may be weights from whole numbers, such as the pictures and labels of a data set."""
    return tensor.array.dtype.kind in "fcV"


def _vectors_behind(tensors: Sequence[Tensor], place: int) -> list[Tensor]:
    """Return the vectors of one length that follow a tensor, one that fits it."""
    shape = tensors[place].array.shape
    found: list[Tensor] = []
    for each in tensors[place + 1 : place + len(_NORM) + 3]:
        own = each.array.shape
        if len(own) != 1 or own[0] not in shape[:2] or (found and own != found[0].array.shape):
            break
        found.append(each)
        if len(found) > len(_NORM) + 1:
            break
    return found
