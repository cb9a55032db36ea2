"""The files that old stacks wrote, committed with their true arrays: each reads, and tells the truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz

FIXTURES = Path(__file__).resolve().parent / "fixtures"


def listed_files() -> list[tuple[Path, dict[str, Any], list[dict[str, Any]]]]:
    """Return (path, its entry in the manifest, the layers of its network) for each file."""
    files = []
    for manifest_path in sorted(FIXTURES.glob("*/manifest.json")):
        manifest = json.loads(manifest_path.read_text())
        files += [
            (manifest_path.parent / f["file"], f, manifest["nets"][f["net"]]) for f in manifest["files"]
        ]
    return files


FILES = listed_files()
IDS = [path.relative_to(FIXTURES).as_posix() for path, _, _ in FILES]
WHOLE = {"output layer", "list of layers", "dict of layers", "nolearn NeuralNet"}


def true_convolutions(path: Path, net: str) -> list[np.ndarray]:
    with np.load(path.parent / "truth" / f"{net}.npz") as truth:
        return [truth[name] for name in sorted(n for n in truth.files if n.startswith("W"))]


def test_every_file_is_listed() -> None:
    stored = {p for p in FIXTURES.glob("*/*") if p.is_file() and p.parent.name not in ("make", "modern")}
    assert stored == {path for path, _, _ in FILES} | set(FIXTURES.glob("*/manifest.json"))
    assert len(FILES) > 60


@pytest.mark.parametrize(("path", "entry", "layers"), FILES, ids=IDS)
def test_the_filters_are_the_true_ones(path: Path, entry: dict[str, Any], layers: list[Any]) -> None:
    expected = true_convolutions(path, entry["net"])
    found = [conv.W for conv in filtviz.load(path).conv_layers]
    if entry["holds"] not in WHOLE:  # without layers, only four axes are sure to be a convolution's
        expected, found = ([w for w in arrays if w.ndim == 4] for arrays in (expected, found))
    assert len(found) == len(expected) > 0
    for weights, truth in zip(found, expected, strict=True):
        assert weights.dtype == truth.dtype
        np.testing.assert_array_equal(weights, truth)


@pytest.mark.cases(2)
@pytest.mark.parametrize(
    ("path", "entry", "layers"),
    [file for file in FILES if file[1]["holds"] in WHOLE],
    ids=[name for name, file in zip(IDS, FILES, strict=True) if file[1]["holds"] in WHOLE],
)
def test_whole_networks_tell_their_layers(path: Path, entry: dict[str, Any], layers: list[Any]) -> None:
    network = filtviz.load(path)
    assert [layer.type for layer in network.layers] == [layer["type"] for layer in layers]
    assert [list(layer.inputs) for layer in network.layers] == [layer["inputs"] for layer in layers]
    assert [layer.output_shape for layer in network.layers] == [tuple(la["output_shape"]) for la in layers]
    own = [layer["name"] for layer in layers]
    assert [layer.name for layer in network.layers if own[layer.index]] == [name for name in own if name]
    if entry["holds"] == "nolearn NeuralNet":
        assert len(network.history) == 2
