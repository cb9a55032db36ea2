"""Caffe2's blobs in a pickle, as the first Detectron keeps them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz.errors import LimitError
from filtviz.network import Network
from filtviz.reading.limits import Limits
from tests.reading.making import weights

STEM, BRANCH = weights(16, 3, 7, 7), weights(8, 16, 3, 3, seed=1)
BLOBS = {
    "conv1_w": STEM,
    "conv1_b": weights(16),
    "res_conv1_bn_s": weights(16),
    "res_conv1_bn_b": weights(16),
    "res2_0_branch2a_w": BRANCH,
    "res2_0_branch2a_bn_s": weights(8),
    "res2_0_branch2a_bn_b": weights(8),
    "conv1_w_momentum": weights(16, 3, 7, 7, seed=2),
    "fc1000_w": weights(10, 8),
    "fc1000_b": weights(10),
    "lr": np.float32(0.1),
}


def load(tmp_path: Path, held: Any, **more: Any) -> Network:
    path = tmp_path / "model_final.pkl"
    path.write_bytes(pickle.dumps(held, protocol=2))
    return filtviz.load(path, **more)


@pytest.mark.parametrize("wrapped", [True, False])
def test_blobs_are_kernels_by_caffe2s_words_and_moments_are_none(tmp_path, wrapped):
    blobs = {name: one for name, one in BLOBS.items() if wrapped or name != "lr"}
    network = load(tmp_path, {"blobs": blobs, "cfg": "TRAIN: 1"} if wrapped else blobs)
    first, second = network.conv_layers
    assert [(one.name, one.axes, one.flip_filters) for one in (first, second)] == [
        ("conv1", "oirc", False),
        ("res2_0_branch2a", "oirc", False),
    ]
    assert np.array_equal(first.W, STEM)
    assert np.array_equal(second.W, BRANCH)
    assert np.array_equal(first.b, BLOBS["conv1_b"])
    assert network.origin.framework == "Caffe2"
    assert network.origin.left_out == ("the optimiser's state (_momentum)",)
    assert network.origin.order == "the order of the dictionary"


def test_a_dictionary_in_no_order_is_put_in_that_of_names_with_the_first_layer_first(tmp_path):
    blobs = dict(sorted(BLOBS.items(), key=lambda one: hash(one[0][::-1] + "x") % 997))
    blobs = {
        "fc1000_b": blobs["fc1000_b"],
        "conv1_b": blobs["conv1_b"],
        **blobs,
        "cls_w": weights(2, 16, 3, 3),
    }
    network = load(tmp_path, {"blobs": {**blobs, "fc1000_w": blobs.pop("fc1000_w")}})
    assert [one.name for one in network.conv_layers] == ["conv1", "cls", "res2_0_branch2a"]
    assert "does not keep the order" in network.origin.order


@pytest.mark.parametrize(
    "held",
    [
        {"conv1_w": STEM, "conv1_b": weights(16)},
        {"blobs": {"a": STEM, "b": weights(16), "c_w": BRANCH}},
    ],
)
def test_arrays_that_only_end_like_blobs_are_not_caffe2s(tmp_path, held):
    network = load(tmp_path, held)
    assert network.origin.framework != "Caffe2"
    assert np.array_equal(network.conv_layers[0].W, STEM)


def test_no_more_blobs_are_read_than_layers_are_allowed(tmp_path):
    with pytest.raises(LimitError, match="it holds 11 arrays"):
        load(tmp_path, {"blobs": BLOBS}, limits=Limits(layers=10))
    flat = {name: one for name, one in BLOBS.items() if name != "lr"}
    assert load(tmp_path, flat, limits=Limits(layers=10)).origin.framework == "Caffe2"
    assert load(tmp_path, {**flat, "others": "x"}, limits=Limits(layers=10)).origin.framework != "Caffe2"
