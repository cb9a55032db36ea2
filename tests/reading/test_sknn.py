"""scikit-neuralnetwork's models: specifications, and weights beside them."""

from __future__ import annotations

import numpy as np
import pytest

import filtviz
from filtviz.errors import LimitError, UnsupportedFileError
from filtviz.reading.limits import Limits
from tests.reading.making import Thing, dumps, weights
from tests.telling import told


def sknn(tmp_path, *layers, home="sknn.mlp", limits=None, **state):
    """Read a model of layers that are ``(class, specification, arrays)``."""
    specs = [Thing(f"sknn.mlp.{cls}", **facts) for cls, facts, _ in layers]
    arrays = [tuple(held) for _, _, held in layers]
    path = tmp_path / "m.pkl"
    path.write_bytes(dumps(Thing(f"{home}.Classifier", **{"layers": specs, "weights": arrays} | state)))
    return filtviz.load(path, limits=limits)


CONV = {"name": "c", "type": "Rectifier", "kernel_shape": (3, 4), "border_mode": "valid"}


def test_layers_feed_each_other_and_have_their_weights(tmp_path):
    kernel = np.arange(72, dtype="f4").reshape(2, 3, 3, 4)
    network = sknn(
        tmp_path,
        ("Convolution", CONV, (kernel, weights(2))),
        ("Convolution", {**CONV, "kernel_stride": (2, 1), "border_mode": "same"}, (weights(4, 2, 4, 3),)),
        ("Layer", {"type": "Softmax", "units": 5}, (weights(8, 5), weights(5))),
    )
    assert network.origin.kind == "an sknn Classifier"
    assert [(layer.type, layer.name, layer.inputs) for layer in network.layers] == [
        ("Convolution", "c", ()),
        ("Convolution", "c", (0,)),
        ("DenseLayer", None, (1,)),
    ]
    first, second = (layer.convolution for layer in network.conv_layers)
    assert np.array_equal(first.weights.value, kernel)
    assert (first.axes, first.stride, first.pad) == ("oirc", (1, 1), ((0, 0), (0, 0)))
    assert first.bias.shape == (2,)
    assert (second.stride, second.pad, second.bias) == ((2, 1), ((2, 1), (1, 1)), None)
    assert told(*network.layers[0].operations[1:]) == "Activation kind=rectify name=Rectifier"
    dense, softmax = network.layers[2].operations
    assert (dense.units, dense.weights.shape, dense.bias.shape) == (5, (8, 5), (5,))
    assert told(softmax) == "Softmax"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Linear", ""),
        ("Rectifier", "Activation kind=rectify name=Rectifier"),
        ("Sigmoid", "Activation kind=sigmoid name=Sigmoid"),
        ("Tanh", "Activation kind=tanh name=Tanh"),
        ("ExpLin", "Activation kind=elu name=ExpLin"),
        ("Softmax", "Softmax"),
        ("Mine", "Activation kind=untold name=Mine"),
    ],
)
def test_functions_by_their_names(tmp_path, word, expected):
    network = sknn(tmp_path, ("Convolution", {**CONV, "type": word}, (weights(2, 1, 3, 3),)))
    assert told(*network.layers[0].operations[1:]) == expected


@pytest.mark.cases("all")
@pytest.mark.parametrize(("shape", "pools"), [((2, 2), True), ((1, 2), True), ((1, 1), False), (None, False)])
def test_a_pooling_that_the_file_does_not_list_is_said(tmp_path, shape, pools):
    spec = {**CONV, "type": "Linear", **({"pool_shape": shape} if shape else {})}
    network = sknn(tmp_path, ("Convolution", spec, (weights(2, 1, 3, 3),)))
    reason = "Untold reason=a pooling follows that the file does not list"
    assert told(*network.layers[0].operations[1:]) == (reason if pools else "")


def test_a_stride_of_other_axes_is_not_known(tmp_path):
    spec = {**CONV, "kernel_stride": (2, 1, 1)}
    network = sknn(tmp_path, ("Convolution", spec, (weights(2, 1, 3, 3),)))
    assert network.conv_layers[0].convolution.stride is None


def test_a_model_that_was_never_fitted_and_one_of_others(tmp_path):
    layer = ("Convolution", CONV, (weights(2, 1, 3, 3),))
    with pytest.raises(UnsupportedFileError, match=r"an sknn model without weights; call its fit\(\)"):
        sknn(tmp_path, layer, weights=[])
    assert not sknn(tmp_path, layer, home="mysknn.mlp").origin.kind.startswith("an sknn")


def test_more_layers_than_allowed_are_refused(tmp_path):
    layers = [("Convolution", CONV, (weights(2, 1, 3, 3),))] * 3
    with pytest.raises(LimitError, match="its network has 3 layers"):
        sknn(tmp_path, *layers, limits=Limits(layers=2))
    assert len(sknn(tmp_path, *layers, limits=Limits(layers=3)).layers) == 3
