"""madmom's networks: layers, and the layers within its blocks."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import filtviz


@pytest.fixture
def madmom() -> Iterator[dict[str, type]]:
    """Let classes be pickled as madmom's are: only their names reach the file."""
    names = ["madmom", "madmom.ml", "madmom.ml.nn", "madmom.ml.nn.layers"]
    modules = {name: ModuleType(name) for name in names}
    classes = {}
    for name, home in [("NeuralNetwork", "madmom.ml.nn")] + [
        (name, "madmom.ml.nn.layers")
        for name in ("ConvolutionalLayer", "TCNBlock", "TCNLayer", "FeedForwardLayer")
    ]:
        classes[name] = type(name, (), {"__module__": home})
        setattr(modules[home], name, classes[name])
    sys.modules.update(modules)
    yield classes
    for name in names:
        del sys.modules[name]


def made(cls: type, **facts: Any) -> Any:
    one = cls()
    one.__dict__.update(facts)
    return one


def load(tmp_path: Path, madmom: dict[str, type], layers: list[Any]) -> filtviz.Network:
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps(made(madmom["NeuralNetwork"], layers=layers), 2))
    return filtviz.load(path)


def conv(madmom: dict[str, type], *shape: int) -> Any:
    weights = np.ones(shape, np.float32)
    return made(
        madmom["ConvolutionalLayer"],
        weights=weights,
        bias=np.ones(shape[1], np.float32),
        stride=(1, 1),
        pad="same",
    )


def test_layers_within_blocks_are_listed_behind_them_and_said_to_be(tmp_path, madmom):
    blocks = [
        made(
            madmom["TCNBlock"], dilated_conv=conv(madmom, 20, 20, 1, 5), skip_conv=conv(madmom, 20, 20, 1, 1)
        )
    ]
    tcn = made(
        madmom["TCNLayer"],
        tcn_blocks=blocks * 1 + [made(madmom["TCNBlock"], dilated_conv=conv(madmom, 20, 20, 1, 5))],
    )
    network = load(tmp_path, madmom, [conv(madmom, 1, 20, 3, 3), tcn])
    assert [layer.type for layer in network.layers] == [
        "ConvolutionalLayer", "TCNLayer", "TCNBlock", "ConvolutionalLayer", "ConvolutionalLayer", "TCNBlock",
        "ConvolutionalLayer",
    ]  # fmt: skip
    assert [layer.weights.shape[2:] for layer in network.conv_layers] == [(3, 3), (1, 5), (1, 1), (1, 5)]
    assert [layer.inputs for layer in network.layers[:4]] == [(), (0,), (), ()]
    assert [note for note in network.origin.notes if "TCN" in note] == [
        "the parts of TCNBlock, TCNLayer are listed behind it; how they feed each other is not told"
    ]


def test_a_network_without_blocks_has_nothing_to_note(tmp_path, madmom):
    network = load(tmp_path, madmom, [conv(madmom, 1, 20, 3, 3), conv(madmom, 20, 20, 3, 3)])
    assert [layer.inputs for layer in network.layers] == [(), (0,)]
    assert not network.origin.notes


def test_a_block_that_holds_itself_ends(tmp_path, madmom):
    block = made(madmom["TCNBlock"])
    block.inner = block
    assert len(load(tmp_path, madmom, [conv(madmom, 1, 2, 3, 3), block]).layers) == 2
