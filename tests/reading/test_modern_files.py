"""Today's model files: each kernel as the frameworks' own readers give it.

The files and what they hold (`manifest.json`) lie beside the checkout, in ``../shared/modern``.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz.errors import ReadError

SHARED = Path(__file__).resolve().parents[3] / "shared" / "modern"

READ = {
    "caffe",
    "darknet",
    "gguf",
    "mxnet",
    "flax-msgpack",
    "npy-pickle",
    "npz-jax",
    "paddle",
    "paddle-pdparams",
    "pickle-jax",
    "keras-h5",
    "keras-json+h5",
    "keras-v3",
    "keras-v3-sharded",
    "keras-v3-weights.h5",
    "onnx",
    "safetensors",
    "safetensors-sharded",
    "tf-checkpoint",
    "tf-frozen",
    "tf-savedmodel",
    "tflite",
    "torch-legacy",
    "torch-plain-pickle",
    "torch-sharded",
    "torch-pt2",
    "torch-zip",
    "torchscript",
}
"""Formats, as the manifests call them, whose files must give every kernel."""

CHOICES = {"ckpt_model_ema.pt": ("", "ema")}
"""Files with several sets of weights: what to ask for to see all of them."""

NAMED = {"coreml-mlpackage", "orbax", "ort", "text", "tf-frozen-text"}
"""Formats whose files must be refused with a sentence that names them."""


def entries() -> list[Any]:
    found = []
    for manifest in sorted(SHARED.glob("*/manifest.json")):
        for entry in json.loads(manifest.read_text(encoding="utf-8")):
            folder = manifest.parent
            found.append(pytest.param(folder, entry, id=f"{folder.name}/{entry['file']}"))
    return found or [pytest.param(None, None, marks=pytest.mark.skip(reason="../shared/modern is not there"))]


def path_of(folder: Path, entry: dict[str, Any]) -> Path:
    """Return the file to name: a folder's entry is given from the folder's own parent, or within it."""
    place, inner = folder / entry["file"], entry.get("entry")
    if not inner:
        return place
    return next((p for p in (folder / inner, place / inner) if p.exists()), place / inner)


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def kernel_of(layer: filtviz.ConvLayer) -> np.ndarray:
    """Return the kernel that the file stores: of weights that are computed, the largest part."""
    is_stored = any(one is layer.weights for one in layer.parameters)
    return layer.W if is_stored else max(layer.parameters, key=lambda one: one.size).value


@pytest.mark.shared
@pytest.mark.parametrize(("folder", "entry"), entries())
def test_every_kernel_is_the_frameworks_own(folder, entry):
    if entry["format"] in NAMED or any(
        "refuse" in oddity or "to be named" in oddity for oddity in entry.get("oddities") or ()
    ):
        with pytest.raises(ReadError):
            filtviz.load(path_of(folder, entry))
        return
    if entry["format"] not in READ:
        pytest.skip(f"{entry['format']} is not read yet")
    expected = entry["expected_conv"]
    kernels = {}  # several layers may share one
    for key in CHOICES.get(entry["file"], ("",)):
        network = filtviz.load(path_of(folder, entry), hints=filtviz.Hints(weights=key))
        convs = [layer for layer in network.conv_layers if len(layer.weights.shape) == 4]
        kernels.update({(key, layer.weights.source): (layer, kernel_of(layer)) for layer in convs})
    found = sorted((digest(one), tuple(one.shape), str(one.dtype)) for _, one in kernels.values())
    sparse = [(tuple(one["shape"]), one["dtype"]) for one in expected if "sha256_c_order" not in one]
    expected = [one for one in expected if "sha256_c_order" in one]
    wanted = [(one["sha256_c_order"], tuple(one["shape"]), one["dtype"]) for one in expected]
    assert [one for one in found if one[1:] not in sparse or one in wanted] == sorted(wanted)
    assert len(found) == len(wanted) + len(sparse)
    axes = {one["sha256_c_order"]: one["axes"].translate(str.maketrans("hw1", "rci")) for one in expected}
    groups = {one["sha256_c_order"]: one.get("groups") for one in expected}
    for layer, array in kernels.values():
        if digest(array) not in axes:
            continue
        if "m" not in axes[digest(array)]:
            assert layer.axes == axes[digest(array)]
        if groups[digest(array)] is not None:
            assert layer.convolution.groups in (None, groups[digest(array)])
        assert layer.flip_filters is False
