"""MXNet's and Gluon's ``.params``: a list of arrays, and behind them their names.

The layout is that of ``NDArray::Save`` in ``src/ndarray/ndarray.cc``, of which there have been four.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from filtviz.errors import MalformedFileError, UnsupportedFileError
from filtviz.network import Network
from filtviz.reading.arrays import StoredArray, narrow_dtype, shape_of, stored
from filtviz.reading.formats.torch.ordering import named_by_order
from filtviz.reading.opened import Objects, Opened, origin_of
from filtviz.reading.stretch import View, unpack, view_of
from filtviz.reading.tensors import MXNET, Tensor, first_things_first, layers_of
from filtviz.text import natural_key, plural

__all__ = ["open"]

_MAGIC = b"\x12\x01\0\0\0\0\0\0"
_V1, _V2, _V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
_TYPES = {0: "<f4", 1: "<f8", 2: "<f2", 3: "u1", 4: "<i4", 5: "i1", 6: "<i8", 7: "?"}
_BFLOAT16 = 12
_MOST_AXES = 32
_WORDS = re.compile(r"[._](weight|bias|gamma|beta|moving_mean|moving_var|running_mean|running_var)\Z")


def open(opened: Opened) -> Network | None:
    """Read the arrays by their names.

    Raises:
        UnsupportedFileError: it holds sparse arrays, or none.
        MalformedFileError: it is damaged or cut short.
        LimitError: it has too many arrays.
    """
    if not opened.start.startswith(_MAGIC):
        return None
    reader = _Reader(view_of(opened.data), 16)
    n = reader.number("<Q")
    opened.limits.check("layers", n, f"it holds {n:,} arrays")
    arrays = [reader.array() for _ in range(n)]
    n_names = reader.number("<Q") if n else 0
    if n_names not in (0, n):
        raise MalformedFileError(f"it holds {plural(n, 'array')} and {plural(n_names, 'name')}")
    names = [reader.text() for _ in range(n_names)]
    if names:
        pairs = sorted(zip(names, arrays, strict=True), key=lambda pair: natural_key(pair[0]))
        tensors = [Tensor(name=_named(name), array=array) for name, array in pairs if array is not None]
        tensors = first_things_first(tensors, MXNET)
        order = "the names, in their natural order: the file does not keep that of the layers"
    else:
        plain = [Tensor(name=str(i), array=one) for i, one in enumerate(arrays) if one is not None]
        tensors, order = list(named_by_order(plain)), "the order of the list"
    if not any(len(one.array.shape) > 1 for one in tensors):
        raise UnsupportedFileError("it is an MXNet parameter file without weights")
    made = layers_of(tensors, MXNET, opened.hints)
    origin = origin_of(
        opened,
        "an MXNet parameter file",
        objects=Objects(form="MXNet's NDArrays"),
        framework="MXNet",
        order=order,
        inferred=made.inferred,
        notes=made.notes,
    )
    return Network.of(made.layers, origin)


def _named(name: str) -> str:
    """Return ``arg:conv1_weight`` as ``conv1.weight``."""
    bare = name.partition(":")[2] if name.startswith(("arg:", "aux:")) else name
    return _WORDS.sub(r".\1", bare)


@dataclass
class _Reader:
    """Goes through the file from front to back."""

    view: View
    position: int

    def number(self, layout: str) -> int:
        """Read a number."""
        try:
            (found,) = unpack(layout, self.view, self.position)
        except struct.error as error:
            raise _damaged() from error
        self.position += struct.calcsize(layout)
        return int(found)

    def piece(self, length: int) -> View:
        """Return a stretch of bytes."""
        if length < 0 or self.position + length > len(self.view):
            raise _damaged()
        self.position += length
        return self.view[self.position - length : self.position]

    def text(self) -> str:
        """Read a text with its length."""
        return str(bytes(self.piece(self.number("<Q")))[:4096], "utf-8", "replace")

    def array(self) -> StoredArray | None:
        """Read an array, None for one that is empty."""
        first = self.number("<I")
        if first in (_V2, _V3) and self.number("<i") != 0:
            raise UnsupportedFileError(
                "it is an MXNet parameter file with sparse arrays, which filtviz does not read"
            )
        n_axes = self.number("<I") if first in (_V1, _V2, _V3) else first
        if n_axes > _MOST_AXES:
            raise _damaged()
        layout = "<q" if first in (_V1, _V2, _V3) else "<I"
        shape = shape_of([self.number(layout) for _ in range(n_axes)])
        if shape is None:
            raise _damaged()
        if not shape and first != _V3:
            return None
        self.number("<i")
        self.number("<i")
        code = self.number("<i")
        dtype: Any = narrow_dtype("bfloat16") if code == _BFLOAT16 else _TYPES.get(code)
        if dtype is None:
            raise _damaged()
        empty = stored(shape, np.dtype(dtype), False, 1 << 62, bytes)
        view = self.piece(empty.nbytes)
        return stored(shape, np.dtype(dtype), False, len(view), lambda: view)


def _damaged() -> MalformedFileError:
    return MalformedFileError("it is an MXNet parameter file that is damaged or cut short; copy it again")
