"""The kinds of model files, each in a module or folder of its own with one function, ``open``.

A kind that keeps a model in a folder has ``ENTRIES``, the names of the files in it that are opened first.

A new kind is one module here and one entry in `FORMATS`. The first that answers counts, so those that are
told by their first bytes or by the names in a zip stand first, and the more special before the more general.
Each is imported when it is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Protocol, cast

from filtviz.network import Network
from filtviz.reading.opened import Opened

__all__ = ["FORMATS", "MODEL_SUFFIXES", "Format", "all_formats", "formats_for"]


class Format(Protocol):
    """What a module of a kind of file has."""

    def open(self, opened: Opened) -> Network | None:
        """Return the network of a file of this kind, or None, after a cheap look, where it is of another.

        Raises:
            ReadError: it is of this kind and cannot be read; the sentence says why.
        """


FORMATS: Mapping[str, tuple[str, ...]] = {
    "torch": (".pt", ".pth", ".bin", ".ckpt", ".tar", ".th"),
    "torchscript": (".pt", ".jit", ".ptl"),
    "exported": (".pt2",),
    "safetensors": (".safetensors",),
    "onnx": (".onnx",),
    "keras": (".keras", ".h5", ".hdf5"),
    "tflite": (".tflite",),
    "tensorflow": (".pb", ".ckpt"),
    "caffe": (".caffemodel",),
    "mxnet": (".params",),
    "gguf": (".gguf",),
    "paddle": (".pdparams", ".pdiparams"),
    "darknet": (".weights",),
    "nolearn": (".pkl", ".pickle"),
    "lasagne": (".pkl", ".pickle", ".model", ".joblib"),
    "madmom": (".pkl",),
    "sknn": (".pkl",),
    "tflib": (".pkl",),
    "chainer": (".npz", ".h5"),
    "caffe2": (".pb", ".pkl"),
    "trees": (".msgpack", ".pkl"),
    "bare_arrays": (".npy", ".npz", ".pkl"),
    "named": (".t7",),
}
"""Modules, in the order in which they are asked, and how the names of such files end."""

MODEL_SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)
"""How the names of model files end: by these a model is found in a folder."""

_TOLD_BY_CLASSES = ("nolearn", "lasagne", "madmom", "sknn")
"""Those that know a pickle by the classes of its objects, and so cannot take another's file for theirs."""

_PICKLE = b"\x80"
"""The first byte of a pickle, from protocol 2 on."""


def formats_for(opened: Opened) -> Iterator[Format]:
    """Yield the kinds that a file may be of, the likeliest first, each imported when it is its turn."""
    first = _TOLD_BY_CLASSES if opened.start.startswith(_PICKLE) else ()
    for name in (*first, *(name for name in FORMATS if name not in first)):
        yield _format(name)


def all_formats() -> Iterator[Format]:
    """Yield every kind."""
    return map(_format, FORMATS)


def _format(name: str) -> Format:
    return cast("Format", import_module(f"{__name__}.{name}"))
