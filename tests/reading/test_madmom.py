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
from tests.reading.making import Named, Thing, dumps
from tests.telling import told


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


def told_of(tmp_path: Path, home: str, cls: str, **state: Any) -> str:
    """What is told of a layer behind a convolution."""
    path = tmp_path / "m.pkl"
    first = Thing(f"{LAYERS}.ConvolutionalLayer", weights=np.ones((1, 2, 3, 3), "f4"))
    layers = [first, Thing(f"{home}.{cls}", **state)]
    path.write_bytes(dumps(Thing("madmom.ml.nn.NeuralNetwork", layers=layers)))
    layer = filtviz.load(path).layers[1]
    assert layer.inputs == (0,)
    return told(*layer.operations)


LAYERS = "madmom.ml.nn.layers"
ONES = np.ones(2, "f4")
RELU = Named("madmom.ml.nn.activations.relu")


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("cls", "state", "expected"),
    [
        ("MaxPoolLayer", {"size": (1, 3), "stride": (1, 2)},
         "Pooling kind=max size=(1, 3) stride=(1, 2) pad=((0, 0), (0, 0)) name=MaxPoolLayer"),
        ("AverageLayer", {"size": (2, 2)},
         "Pooling kind=mean size=(2, 2) stride=(2, 2) pad=((0, 0), (0, 0)) name=AverageLayer"),
        ("OwnPoolLayer", {"size": (2, 2)},
         "Pooling kind=untold size=(2, 2) stride=(2, 2) pad=((0, 0), (0, 0)) name=OwnPoolLayer"),
        ("MaxPoolLayer", {"size": (2, 2), "stride": (0, 2)},
         "Untold reason=the file does not tell the window that it pools over"),
        ("PadLayer", {"width": 2, "axes": (0, 1), "value": 0.5}, "Pad pad=((2, 2), (2, 2)) value=0.5"),
        ("PadLayer", {"width": 1, "axes": (1,)}, "Pad pad=((0, 0), (1, 1))"),
        ("PadLayer", {"axes": (1,)}, "Untold reason=the file does not tell how much it pads"),
        ("ActivationLayer", {"activation_fn": RELU}, "Activation kind=rectify name=relu"),
        ("ActivationLayer", {"activation_fn": Named("madmom.ml.nn.activations.linear")}, ""),
        ("ActivationLayer", {"activation_fn": Named("mine.relu")}, "Activation kind=untold name=relu"),
        ("ActivationLayer", {}, "Activation kind=untold"),
        ("BatchNormLayer", {"mean": ONES, "inv_std": ONES, "gamma": ONES, "beta": ONES},
         "Normalisation mean=mean[2 float32 d5065190] spread=inv_std[2 float32 d5065190] "
         "gamma=gamma[2 float32 d5065190] beta=beta[2 float32 d5065190]"),
        ("BatchNormLayer", {"mean": ONES, "activation_fn": RELU},
         "Normalisation mean=mean[2 float32 d5065190]; Activation kind=rectify name=relu"),
        ("FeedForwardLayer", {}, "Untold reason=it is a layer of madmom's that is not followed"),
        ("ConvolutionalLayer", {"weights": np.ones((2, 3, 4), "f4")},
         "Untold reason=it is a layer of madmom's that is not followed"),
    ],
)  # fmt: skip
def test_layers_by_their_classes(tmp_path, cls, state, expected):
    assert told_of(tmp_path, LAYERS, cls, **state) == expected


@pytest.mark.parametrize("word", ["sigmoid", "tanh", "elu"])
def test_functions_by_their_names(tmp_path, word):
    function = Named(f"madmom.ml.nn.activations.{word}")
    expected = f"Activation kind={word} name={word}"
    assert told_of(tmp_path, LAYERS, "ActivationLayer", activation_fn=function) == expected


@pytest.mark.parametrize(
    ("pad", "stride", "expected"),
    [("same", (1, 2), "stride=(1, 2) pad=((1, 0), (1, 1))"), ("valid", (2,), "pad=((0, 0), (0, 0))")],
)
def test_a_convolution_is_turned_and_has_its_channels_first(tmp_path, pad, stride, expected):
    weights = np.zeros((2, 1, 2, 3), "f4")
    found = told_of(tmp_path, LAYERS, "ConvolutionalLayer", weights=weights, pad=pad, stride=stride)
    words = "Convolution weights=W[2x1x2x3 float32 16ec7c7d] axes=iorc flip_filters=True"
    assert found.split(";")[0].replace(found.split("]")[0], words.split("]")[0]) == f"{words} {expected}"
