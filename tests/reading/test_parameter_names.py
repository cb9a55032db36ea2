"""Names of arrays by which weights find their biases."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

import filtviz


@pytest.mark.cases("all")
@pytest.mark.parametrize("names", ["{}{}", "{}_{}", "f_{}{}", "final/{}_{}"])
def test_numbered_weights_get_the_bias_of_their_number(names: str, tmp_path: Path) -> None:
    weights = {names.format("W", i): np.full((4, 4, 3, 3), i, np.float32) for i in range(1, 12)}
    biases = {names.format("b", i): np.full(4, i, np.float32) for i in range(1, 12)}
    np.savez(tmp_path / "params.npz", **weights, **biases)
    layers = filtviz.load(tmp_path / "params.npz").conv_layers
    assert [int(layer.W[0, 0, 0, 0]) for layer in layers] == list(range(1, 12))
    assert [layer.b is not None and int(layer.b[0]) for layer in layers] == list(range(1, 12))


def test_weights_before_and_after_in_one_file_stay_apart(tmp_path: Path) -> None:
    arrays = {f"{which}_W1": np.full((4, 1, 3, 3), value) for which, value in (("i", 1.0), ("f", 2.0))}
    arrays |= {f"{which}_b1": np.full(4, value) for which, value in (("i", 1.0), ("f", 2.0))}
    np.savez(tmp_path / "params.npz", **arrays)
    layers = filtviz.load(tmp_path / "params.npz").conv_layers
    assert len(layers) == 2
    assert all(layer.b is not None and layer.b[0] == layer.W[0, 0, 0, 0] for layer in layers)


@pytest.mark.parametrize("outer", ["model", "layers", "best"])
def test_of_keys_in_one_another_the_nearest_names_the_layer(outer: str, tmp_path: Path) -> None:
    kernels = {"W": np.ones((4, 1, 3, 3), np.float32), "b": np.ones(4, np.float32)}
    (tmp_path / "m.pkl").write_bytes(pickle.dumps({outer: {"first": kernels}}))
    assert [layer.name for layer in filtviz.load(tmp_path / "m.pkl").layers] == ["first"]


def test_a_bias_for_each_position_is_one_array_and_what_follows_is_none(tmp_path: Path) -> None:
    kernels, bias, other = (np.ones(shape, np.float32) for shape in ((4, 1, 3, 3), (4, 7, 7), (4, 5, 5)))
    (tmp_path / "m.pkl").write_bytes(pickle.dumps([kernels, bias, other]))
    network = filtviz.load(tmp_path / "m.pkl")
    assert [[one.shape for one in layer.parameters] for layer in network.layers] == [
        [(4, 1, 3, 3), (4, 7, 7)],
        [(4, 5, 5)],
    ]


def test_a_normalisation_between_two_layers_passes_on_as_many_channels(tmp_path: Path) -> None:
    first, second = (np.ones(shape, np.float32) for shape in ((8, 1, 3, 3), (4, 8, 3, 3)))
    norm = [np.full(8, value, np.float32) for value in (0.0, 1.0, 0.5, 2.0)]
    (tmp_path / "m.pkl").write_bytes(pickle.dumps([first, *norm, second]))
    layers = filtviz.load(tmp_path / "m.pkl").layers
    assert len(layers) == 3
    assert [layer.inputs for layer in layers] == [(), (0,), (1,)]
    (tmp_path / "m.pkl").write_bytes(pickle.dumps([first, *norm, np.ones((4, 5, 3, 3), np.float32)]))
    assert filtviz.load(tmp_path / "m.pkl").layers[2].inputs == ()


@pytest.mark.parametrize("others", [0, 1])
def test_named_arrays_of_another_pickle_in_the_file_are_said_to_be_left_out(
    others: int, tmp_path: Path
) -> None:
    kernel = np.ones((3, 3, 1, 2), np.float32)
    trees = [{"a/kernel": kernel, "b/kernel": kernel + 1}, *[{"c/kernel": kernel + 2}] * others]
    (tmp_path / "net.pkl").write_bytes(b"".join(pickle.dumps(tree, 4) for tree in trees))
    network = filtviz.load(tmp_path / "net.pkl")
    assert [layer.name for layer in network.conv_layers] == (["#0/a", "#0/b"] if others else ["a", "b"])
    assert network.origin.left_out == (("pickle #1",) if others else ())
