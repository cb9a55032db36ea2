"""MXNet's and Gluon's ``.params``: a list of arrays, and behind them their names.

The layout is that of ``NDArray::Save`` in ``src/ndarray/ndarray.cc``, of which there have been four.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from filtviz.errors import FileAccessError, MalformedFileError, UnsupportedFileError
from filtviz.network import Network
from filtviz.reading.arrays import StoredArray, narrow_dtype, shape_of, stored
from filtviz.reading.opened import Objects, Opened, origin_of
from filtviz.reading.stretch import View, unpack, view_of
from filtviz.reading.tensor_names import MXNET, Tensor, first_things_first, named_by_order
from filtviz.reading.tensors import layers_of
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
    uses = _uses(opened) if names else {}
    if names:
        pairs = sorted(zip(names, arrays, strict=True), key=lambda pair: natural_key(pair[0]))
        tensors = [Tensor(name=_named(name), array=array) for name, array in pairs if array is not None]
        tensors = first_things_first(tensors, MXNET)
        order = "the names, in their natural order: the file does not keep that of the layers"
    if uses:
        place = {layer: number for number, layer in enumerate(uses)}
        tensors.sort(key=lambda one: place.get(one.name.rpartition(".")[0], len(place)))
        order = "the symbol beside the file, as it runs"
    if not names:
        plain = [Tensor(name=str(i), array=one) for i, one in enumerate(arrays) if one is not None]
        tensors, order = list(named_by_order(plain)), "the order of the list"
    if not any(len(one.array.shape) > 1 for one in tensors):
        raise UnsupportedFileError("it is an MXNet parameter file without weights")
    known = _fitting(uses, tensors)
    made = layers_of(tensors, MXNET, opened.hints, known=known, as_they_run=True if uses else None)
    origin = origin_of(
        opened,
        "an MXNet parameter file",
        objects=Objects(form="MXNet's NDArrays"),
        framework="MXNet",
        order=order,
        inferred=made.inferred,
    )
    return Network.of(made.layers, origin)


_STEM = re.compile(r"(?P<stem>.+?)(-\d{4})?\.params")
_CONVOLUTIONS = {"Convolution": False, "Deconvolution": True}
_PLANES = 2
_CHANNELS_LAST = "NHWC"


def _uses(opened: Opened) -> dict[str, dict[str, Any]]:
    """Return the layers as the symbol beside the file runs them, with the facts of convolutions."""
    match = _STEM.fullmatch(opened.path.name)
    data = None
    if match is not None:
        with suppress(FileAccessError):
            data = opened.siblings.open(f"{match['stem']}-symbol.json", as_it_is=True)
    if data is None:
        return {}
    opened.limits.check_json(len(data), "the symbol beside it")
    try:
        nodes = json.loads(bytes(data))["nodes"]
        names = [str(node["name"]) for node in nodes]
        uses: dict[str, dict[str, Any]] = {}
        for node in nodes:
            opened.effort.spend(1 + len(node["inputs"]))
            of_weights = _facts(node)
            for given in node["inputs"]:
                name = names[given[0]]
                opened.effort.spend_text(len(name))
                layer, dot, word = _named(name).rpartition(".")
                if dot and nodes[given[0]]["op"] == "null":
                    uses[layer] = uses.get(layer) or (of_weights if word == "weight" else {})
        return uses
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return {}  # of a form that is not known: the names remain


def _fitting(
    uses: Mapping[str, Mapping[str, Any]], tensors: Sequence[Tensor]
) -> dict[str, Mapping[str, Any]]:
    """Return the facts of those convolutions whose kernels are as large as the symbol says."""
    shapes = {one.name: one.array.shape for one in tensors}
    fitting: dict[str, Mapping[str, Any]] = {}
    for layer, facts in uses.items():
        shape = shapes.get(f"{layer}.weight", ())
        places = shape[1:-1] if "axes" in facts else shape[2:]
        if facts and facts["kernel"] == places:
            fitting[layer] = {key: value for key, value in facts.items() if key != "kernel"}
    return fitting


def _facts(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a symbol says of a convolution; MXNet writes all of it as text."""
    said: Mapping[str, Any] = next((node[key] for key in ("attrs", "attr", "param") if key in node), {})
    if node["op"] not in _CONVOLUTIONS:
        return {}
    kernel = _wholes(said.get("kernel", ""))
    facts: dict[str, Any] = {"transposed": _CONVOLUTIONS[node["op"]], "kernel": tuple(kernel)}
    rank = len(kernel)
    if said.get("layout") == _CHANNELS_LAST and not facts["transposed"]:
        facts["axes"] = "orci"
    for key, fact, default in (("stride", "stride", 1), ("dilate", "dilation", 1), ("pad", "pad", 0)):
        found = _wholes(said.get(key, "")) or [default] * rank
        if rank == _PLANES and len(found) == rank and min(found) >= default:
            facts[fact] = tuple((one, one) for one in found) if fact == "pad" else tuple(found)
    if facts.get("dilation") == (1,) * rank:
        del facts["dilation"]
    groups = _wholes(said.get("num_group", "1"))
    return facts | ({"groups": groups[0]} if groups and groups[0] > 0 else {})


def _wholes(text: Any) -> list[int]:
    """Return the numbers of a text such as "(3, 3)"."""
    return [int(one) for one in re.findall(r"\d{1,6}", str(text)[:100])]


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
        if self.position + length > len(self.view):
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
