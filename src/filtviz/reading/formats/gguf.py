"""GGUF: named tensors of ggml's, as https://github.com/ggml-org/ggml/blob/master/docs/gguf.md has them.

ggml lists the axes from the innermost to the outermost: turned round, those of a kernel are ``oihw``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import MalformedFileError, UnsupportedFileError
from filtviz.network import Network
from filtviz.reading.arrays import AnyArray, ComputedArray, ElementType, narrow_dtype, shape_of, stored
from filtviz.reading.limits import Spending
from filtviz.reading.opened import Objects, Opened, origin_of
from filtviz.reading.stretch import View, unpack, view_of
from filtviz.reading.tensor_names import PYTORCH, Tensor
from filtviz.reading.tensors import layers_of
from filtviz.text import printable, quoted

__all__ = ["open"]

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_TYPES = {0: "<f4", 1: "<f2", 24: "i1", 25: "<i2", 26: "<i4", 27: "<i8", 28: "<f8"}
_BFLOAT16 = 30
_MOST_AXES = 4
_ALIGNMENT = 32
_VALUES = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _LIST = 8, 9
_LONGEST_KEY = 65_535


def open(opened: Opened) -> Network | None:
    """Read the tensors that are no packed blocks.

    Raises:
        UnsupportedFileError: it is of a version that is not read, or has no kernels.
        MalformedFileError: it is damaged or cut short.
        LimitError: it has too many tensors.
    """
    if not opened.start.startswith(_MAGIC):
        return None
    reader = _Reader(view_of(opened.data), opened.effort, 4)
    version = reader.number("I")
    if version not in _VERSIONS:
        raise UnsupportedFileError(f"it is a GGUF file of version {version}, which filtviz does not read")
    n, n_facts = reader.number("Q"), reader.number("Q")
    opened.limits.check("layers", n, f"it holds {n:,} tensors")
    facts: dict[str, Any] = {}
    for _ in range(n_facts):
        key = reader.text()
        facts[key] = reader.value(reader.number("I"), 0)
    entries = [reader.entry() for _ in range(n)]
    alignment = facts.get("general.alignment", _ALIGNMENT)
    if type(alignment) is not int or not 0 < alignment <= 1 << 16 or alignment % 8:
        raise MalformedFileError("it says that its tensors are aligned as they cannot be")
    data = reader.view[-(-reader.position // alignment) * alignment :]
    tensors = [Tensor(name=entry.name, array=entry.array(data)) for entry in entries]
    made = layers_of(tensors, PYTORCH, opened.hints)
    name = facts.get("general.architecture")
    origin = origin_of(
        opened,
        "a GGUF file",
        objects=Objects(form=f"GGUF {version}"),
        framework="ggml",
        producer=printable(name, 60) if isinstance(name, str) else "",
        order="the order of the tensors in the file",
        inferred=made.inferred,
    )
    return Network.of(made.layers, origin)


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """What the file says of one tensor."""

    name: str
    shape: tuple[int, ...]
    code: int
    offset: int

    def array(self, data: View) -> AnyArray:
        """Return the tensor; one of packed blocks is refused when it is read."""
        dtype: ElementType | None = narrow_dtype("bfloat16") if self.code == _BFLOAT16 else None
        if self.code in _TYPES:
            dtype = np.dtype(_TYPES[self.code])
        if dtype is None:
            return self._packed()
        if self.offset > len(data):
            raise MalformedFileError(f"{quoted(self.name, 60)} lies beyond the end of the file")
        view = data[self.offset :]
        return stored(self.shape, dtype, False, len(view), lambda: view)

    def _packed(self) -> ComputedArray:
        def refuse() -> NDArray[Any]:
            raise UnsupportedFileError(
                f"the tensor {quoted(self.name, 60)} is packed into blocks (ggml's type {self.code}), "
                "which filtviz does not read"
            )

        return ComputedArray(shape=self.shape, dtype=np.dtype("V1"), read=refuse)


@dataclass
class _Reader:
    """Goes through the header from front to back."""

    view: View
    effort: Spending
    position: int

    def number(self, letter: str) -> Any:
        """Read a number."""
        self.effort.spend(1)
        try:
            (found,) = unpack(f"<{letter}", self.view, self.position)
        except struct.error as error:
            raise _damaged() from error
        self.position += struct.calcsize(f"<{letter}")
        return found

    def text(self) -> str:
        """Read a text with its length."""
        length = self.number("Q")
        if self.position + length > len(self.view):
            raise _damaged()
        self.effort.spend(length >> 10)
        found = bytes(self.view[self.position : self.position + min(length, _LONGEST_KEY)])
        self.position += length
        return str(found, "utf-8", "replace")

    def value(self, kind: int, depth: int) -> Any:
        """Read a value; of a list only its end is looked for."""
        if kind == _TEXT:
            return self.text()
        if kind in _VALUES:
            return self.number(_VALUES[kind])
        if kind != _LIST or depth > 4:
            raise _damaged()
        inner, n = self.number("I"), self.number("Q")
        if inner in _VALUES:
            size = n * struct.calcsize(_VALUES[inner])
            if self.position + size > len(self.view):
                raise _damaged()
            self.position += size
            return None
        for _ in range(n):
            self.value(inner, depth + 1)
        return None

    def entry(self) -> _Entry:
        """Read what is said of a tensor."""
        name, n_axes = self.text(), self.number("I")
        if n_axes > _MOST_AXES:
            raise _damaged()
        shape = shape_of([self.number("Q") for _ in range(n_axes)][::-1])
        if shape is None:
            raise _damaged()
        return _Entry(name=name, shape=shape, code=self.number("I"), offset=self.number("Q"))


def _damaged() -> MalformedFileError:
    return MalformedFileError("it is a GGUF file that is damaged or cut short; copy or download it again")
