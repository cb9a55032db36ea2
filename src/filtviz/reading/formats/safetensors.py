"""safetensors files: a JSON header that says where each tensor lies, and the tensors; or an index of several.

The format is that of https://github.com/huggingface/safetensors: the header's length in 8 bytes (little
endian), the header ``{name: {dtype, shape, data_offsets}}``, and the bytes of the tensors without gaps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from filtviz.errors import MalformedFileError, UnsupportedFileError
from filtviz.network import Network
from filtviz.reading.arrays import (
    AnyArray,
    ComputedArray,
    ElementType,
    StoredArray,
    narrow_dtype,
    shape_of,
    stored,
)
from filtviz.reading.formats.keras.weights import layers_without_graph
from filtviz.reading.formats.tensorflow import Variables
from filtviz.reading.formats.torch.effective import effective_tensors, without_prefixes
from filtviz.reading.formats.trees import without_collections
from filtviz.reading.limits import Limits
from filtviz.reading.opened import Objects, Opened, origin_of
from filtviz.reading.sharded import index_of, parsed_object
from filtviz.reading.stretch import Data, View, view_of
from filtviz.reading.tensor_names import FLAX, MLX, PYTORCH, Convention, Tensor, first_things_first
from filtviz.reading.tensors import layers_of
from filtviz.text import natural_key, plural, printable, quoted

__all__ = ["ENTRIES", "open"]

ENTRIES = ("model.safetensors.index.json", "model.safetensors", "diffusion_pytorch_model.safetensors")

LONGEST_HEADER = 100_000_000
"""Bytes, as in the format's own library."""

_LENGTH = 8
_DTYPES: Mapping[str, ElementType] = {
    **{f"F{8 * size}": np.dtype(f"<f{size}") for size in (2, 4, 8)},
    **{f"I{8 * size}": np.dtype(f"<i{size}") for size in (1, 2, 4, 8)},
    **{f"U{8 * size}": np.dtype(f"<u{size}") for size in (1, 2, 4, 8)},
    "BOOL": np.dtype("?"),
    "C64": np.dtype("<c8"),
}
_NARROW = {
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
}
_CONVENTIONS: Mapping[str, tuple[str, Convention]] = {
    "pt": ("PyTorch", PYTORCH),
    "flax": ("Flax", FLAX),
    "mlx": ("MLX", MLX),
}
"""What the metadata says of the format → the framework, and how it stores kernels."""


@dataclass(frozen=True, kw_only=True)
class _File:
    """The tensors of one file, by name, and what its header says of them all."""

    tensors: Mapping[str, AnyArray]
    metadata: Mapping[str, Any]


def open(opened: Opened) -> Network | None:
    """Read a file of tensors, or all files that an index names.

    Raises:
        MalformedFileError: the header is damaged, or says what cannot be.
        LimitError: it names too many tensors.
    """
    if is_safetensors(opened.start, len(opened.data)):
        found = _read(opened.data, opened.limits)
        return _network(opened, found, "a safetensors file", ())
    weight_map = index_of(opened, ".safetensors")
    if weight_map is None:
        return None
    files = sorted(set(weight_map.values()), key=natural_key)
    parts = {name: _part(opened, name) for name in files}
    tensors = {name: _tensor_of(parts[file], name, file) for name, file in weight_map.items()}
    whole = _File(tensors=tensors, metadata=next(iter(parts.values())).metadata)
    return _network(opened, whole, f"an index of {plural(len(files), 'safetensors file')}", files)


def is_safetensors(start: bytes, size: int) -> bool:
    """Tell by the first nine bytes: a length that the file has room for, and the brace of the header.

    Args:
        start: The first bytes of the file.
        size: The length of the file in bytes.
    """
    length = int.from_bytes(start[:_LENGTH], "little")
    return start[_LENGTH : _LENGTH + 1] == b"{" and 2 <= length <= max(size - _LENGTH, LONGEST_HEADER)


def _read(data: Data, limits: Limits) -> _File:
    length = int.from_bytes(bytes(data[:_LENGTH]), "little")
    if length > len(data) - _LENGTH:
        raise MalformedFileError(
            f"it is a safetensors file whose header has {plural(length, 'byte')}, and only "
            f"{len(data) - _LENGTH:,} are there; copy or download it again"
        )
    limits.check_json(length, "its header")
    header = parsed_object(bytes(data[_LENGTH : _LENGTH + length]))
    metadata = header.pop("__metadata__", {})
    limits.check("layers", len(header), f"it holds {plural(len(header), 'tensor')}")
    view = view_of(data)[_LENGTH + length :]
    entries = {name: _Entry.of(name, value) for name, value in header.items()}
    _check_no_overlap(entries, len(view))
    tensors = {name: entry.array(name, view) for name, entry in entries.items()}
    return _File(tensors=tensors, metadata=metadata if isinstance(metadata, dict) else {})


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """What the header says of one tensor."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int

    @classmethod
    def of(cls, name: str, value: Any) -> _Entry:
        """Check an entry of the header."""
        facts = value if isinstance(value, dict) else {}
        shape, place = facts.get("shape"), facts.get("data_offsets")
        lengths = shape_of(shape) if isinstance(shape, list) else None
        stretch = shape_of(place)
        if lengths is None or stretch is None or len(stretch) != 2 or stretch[0] > stretch[1]:
            raise MalformedFileError(f"its header says of {quoted(name, 60)} what no tensor can be")
        return cls(dtype=str(facts.get("dtype")), shape=lengths, start=stretch[0], stop=stretch[1])

    def array(self, name: str, view: View) -> AnyArray:
        """Return the tensor, read when it is asked for."""
        read: Callable[[], View] = lambda: view[self.start : self.stop]  # noqa: E731
        dtype = _DTYPES.get(self.dtype)
        if self.dtype in _NARROW:
            dtype = narrow_dtype(_NARROW[self.dtype])
        if dtype is None:
            return _unreadable(name, self.dtype, self.shape)
        found: StoredArray = stored(self.shape, dtype, False, self.stop - self.start, read)
        if found.nbytes != self.stop - self.start:
            raise MalformedFileError(
                f"the tensor {quoted(name, 60)} of shape {self.shape} and type {self.dtype} takes "
                f"{plural(found.nbytes, 'byte')}, not the {self.stop - self.start:,} of the header"
            )
        return found


def _unreadable(name: str, dtype: str, shape: tuple[int, ...]) -> ComputedArray:
    """Stand in for a tensor of a type that numpy has not, so that the others can be read."""

    def refuse() -> Any:
        raise UnsupportedFileError(
            f"the tensor {quoted(name, 60)} is of type {printable(dtype, 20)}, which filtviz does not read"
        )

    return ComputedArray(shape=shape, dtype=np.dtype("V1"), read=refuse)


def _check_no_overlap(entries: Mapping[str, _Entry], size: int) -> None:
    """Pass silently where tensors follow each other without gaps or overlaps, to the end of the file."""
    stretches = sorted((entry.start, entry.stop) for entry in entries.values())
    edges = [(0, 0), *stretches, (size, size)]
    if any(one[1] != other[0] for one, other in pairwise(edges)):
        raise MalformedFileError(
            "its tensors do not fill the file: they overlap, leave gaps, or end elsewhere; copy or download "
            "it again"
        )


def _part(opened: Opened, name: str) -> _File:
    data = opened.siblings.open(name)
    if not is_safetensors(bytes(data[: _LENGTH + 1]), len(data)):
        raise MalformedFileError(
            f"the file {quoted(name, 60)} beside it is no safetensors file; copy or download it again"
        )
    return _read(data, opened.limits)


def _tensor_of(part: _File, name: str, file: str) -> AnyArray:
    if name not in part.tensors:
        raise MalformedFileError(
            f"the index says that {quoted(name, 60)} lies in {quoted(file, 60)}, which has no such tensor"
        )
    return part.tensors[name]


def _network(opened: Opened, found: _File, kind: str, files: Sequence[str]) -> Network:
    said = str(found.metadata.get("format"))
    if _are_variables(found.tensors) or (said == "tf" and any("/" in name for name in found.tensors)):
        return _of_variables(opened, found, kind, files)
    framework, convention = _CONVENTIONS.get(said, ("PyTorch", PYTORCH))
    if said not in _CONVENTIONS and _are_kernels(found.tensors):
        framework, convention = _CONVENTIONS["flax"]
    if convention is FLAX and not any("/" in name for name in found.tensors):
        convention = replace(FLAX, separator=".")
    tensors = [
        Tensor(name=name, array=found.tensors[name]) for name in sorted(found.tensors, key=natural_key)
    ]
    if framework == "Flax":
        tensors = without_collections(tensors, convention.separator)
        tensors.sort(key=lambda one: natural_key(one.name))
    sentences: tuple[str, ...] = ()
    guess = ""
    if convention is PYTORCH:
        tensors, words = without_prefixes(tensors)
        effective = effective_tensors(tensors, opened.computing, opened.effort)
        guess = effective.guess
        tensors = list(effective.tensors)
        sentences = (
            *effective.sentences,
            *(f"every name began with {word!r}, which was left out" for word in words),
        )
    ordered = first_things_first(tensors, convention)
    made = layers_of(ordered, convention, opened.hints, as_they_run=False)
    axes = f"{framework}'s ({'oihw' if convention is PYTORCH else 'hwio'})"
    assumed = () if said in _CONVENTIONS else (f"the axes of kernels are taken to be {axes}",)
    origin = origin_of(
        opened,
        kind,
        objects=Objects(form="safetensors"),
        framework=framework,
        order="the names, in their natural order: the file does not keep that of the layers",
        inferred=(*made.inferred, *sentences, *assumed),
        guess=guess,
        notes=_where(files),
    )
    return Network.of(made.layers, origin)


def _where(files: Sequence[str]) -> tuple[str, ...]:
    return (f"its tensors lie in {', '.join(map(printable, files))}",) if files else ()


def _are_kernels(tensors: Mapping[str, AnyArray]) -> bool:
    """Tell the words of Flax and Keras by kernels that are called so, and none that is called a weight."""
    large = [_LAST.split(name)[-1] for name, array in tensors.items() if len(array.shape) == 4]
    return "kernel" in large and "weight" not in large


def _are_variables(tensors: Mapping[str, AnyArray]) -> bool:
    """Tell TensorFlow's names of variables: ``conv/kernel:0``."""
    return bool(tensors) and all(name.endswith(":0") for name in tensors)


_LAST = re.compile(r"[./]")


def _of_variables(opened: Opened, found: _File, kind: str, files: Sequence[str]) -> Network:
    """Read variables of TensorFlow's, whose layers are told as those of a checkpoint."""
    arrays = {
        name.removesuffix(":0"): array
        for name, array in found.tensors.items()
        if isinstance(array, StoredArray)
    }
    made = layers_without_graph(Variables(arrays, {}, {}), opened)
    origin = origin_of(
        opened,
        kind,
        objects=Objects(form="safetensors"),
        framework="TensorFlow",
        order="the names, in their natural order: the file does not keep that of the layers",
        inferred=made.inferred,
        notes=_where(files),
    )
    return Network.of(made.layers, origin)
