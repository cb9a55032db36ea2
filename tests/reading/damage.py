"""Files of every format that are cut short, or changed in a few bytes: what is told of each, a line for each.

``python -m tests.telling`` writes ``tests/told/damaged/`` anew.
"""

from __future__ import annotations

import random
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import filtviz
from tests import telling
from tests.building import put

__all__ = ["DAMAGED", "damaged"]

DAMAGED = (
    "keras/attacks/secret.h5", "keras/tf_nested_legacy.h5", "onnx/raw.onnx", "onnx/constants.onnx",
    "onnx/sparse_init.onnx", "onnx/subgraphs.onnx", "onnx/qdq.onnx", "others/cnn_f32.gguf",
    "others/gluon.params", "others/nd_list.params", "tensorflow/tf_frozen.pb", "tflite/tf_f32.tflite",
    "trees/flax_model.msgpack", "trees/jax_tree.npy", "trees/net.pdparams", "sd.safetensors",
    "sd_legacy.pth", "plain_pickle_sd.pkl", "whole_legacy.pt",
)  # fmt: skip
"""Formats in which nothing tells of itself that it was changed, as the members of a zip do."""

CUTS, CHANGES, HEAD = 8, 24, 1500


def damaged(name: str) -> Iterator[str]:
    """Yield what is told of a file's damaged copies."""
    path = telling.FIXTURES / "modern" / name
    whole = path.read_bytes()
    chance = random.Random(name)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        for _ in range(CUTS):
            kept = _place(chance, len(whole))
            put(copy, whole[:kept])
            yield f"{kept} bytes => {_words(copy)}"
        for _ in range(CHANGES):
            place, n = _place(chance, len(whole)), chance.choice((1, 2, 4, 8))
            while not whole[place]:  # much of what is zero is never looked at
                place = _place(chance, len(whole))
            bad = chance.choice((b"\xff" * n, bytes(n), chance.randbytes(n)))
            put(copy, whole[:place] + bad + whole[place + n :])
            yield f"{bad.hex()} at {place} => {_words(copy)}"


def _place(chance: random.Random, size: int) -> int:
    """Most places lie where a file says what it is."""
    return chance.randrange(min(size, HEAD)) if chance.random() < 0.7 else chance.randrange(size)


def _words(path: Path) -> str:
    try:
        told = telling.layers_of(filtviz.load(path))
    except filtviz.FiltvizError as error:
        sentence = f"{type(error).__name__}: {error}".replace(f"{path.parent}/", "")
        return sentence if sentence.isascii() else ascii(sentence)
    return f"a network of {told.count('->')} layers ({zlib.crc32(told.encode(errors='replace')):08x})"
