"""The kinds of model files, each in a module or folder of its own with one function, ``open``.

A kind that keeps a model in a folder has ``ENTRIES``, the names of the files in it that are opened first.

A new kind is one module here and one entry in `FORMATS`. The first that answers counts, so those that are
told by their first bytes or by the names in a zip stand first, and the more special before the more general.
"""

from __future__ import annotations

from typing import Protocol

from filtviz.network import Network
from filtviz.reading.formats import (
    bare_arrays,
    caffe,
    chainer,
    darknet,
    exported,
    gguf,
    keras,
    lasagne,
    madmom,
    mxnet,
    named,
    nolearn,
    onnx,
    paddle,
    safetensors,
    sknn,
    tensorflow,
    tflite,
    torch,
    torchscript,
    trees,
)
from filtviz.reading.opened import Opened

__all__ = ["FORMATS", "Format"]


class Format(Protocol):
    """What a module of a kind of file has."""

    def open(self, opened: Opened) -> Network | None:
        """Return the network of a file of this kind, or None, after a cheap look, where it is of another.

        Raises:
            ReadError: it is of this kind and cannot be read; the sentence says why.
        """


FORMATS: tuple[Format, ...] = (
    torch,
    torchscript,
    exported,
    safetensors,
    onnx,
    keras,
    tflite,
    tensorflow,
    caffe,
    mxnet,
    gguf,
    paddle,
    darknet,
    nolearn,
    lasagne,
    madmom,
    sknn,
    chainer,
    trees,
    bare_arrays,
    named,
)
