"""Every real file gives what its manifest or its truth says, bit for bit."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from filtviz import load
from filtviz.errors import UnsupportedFileError
from tests.conftest import HAS_SHARED, SHARED

pytestmark = [pytest.mark.shared, pytest.mark.usefixtures("shared")]

MODELS = SHARED / "models"
ENTRIES = json.loads((MODELS / "manifest.json").read_text()) if HAS_SHARED else []
PICKLES = sorted(path.name for path in (SHARED / "pickles").glob("*") if not path.name.endswith("truth.npz"))

LARGE = 1 << 19
"""Bytes from which on a file takes long; smaller ones of each kind walk the same lines."""

REFUSED = {
    "Theano__Theano__CudaNdarray.pkl": "it holds one array of shape (1,) and type float32",
    "Theano__Theano__GpuArray.pkl": "it holds one array of shape (1,) and type float32",
    "Theano__Theano__old_pool_interface.pkl": "it holds a compiled Theano function and no network",
}
ORDERED_ANEW = {
    # The manifest lists the file's order, and its notes say so: output to input, and conv10 before conv2.
    "ZiweiXU__CAPTCHA_recog__model.dat": [1, 0],
    "Matchlab314__Deep-Othello__model.npz": [0, 2, 3, 4, 5, 6, 7, 8, 9, 1],
}
OF_OTHERS = {
    "NathanYukai__emotion-detection__net.params": "an MXNet parameter file with 2 convolutions",
    "MSC19950601__CNN_for_ChestImage__net1_params.pkl": "a PyTorch state_dict with 4 convolutions",
}
"""Files of which the manifest tells nothing, since no reader of the old stack reads them."""

KINDS = {
    "blazekid__DenoiseDirtyDoc__net2.pickle": "a nolearn NeuralNet with 4 convolutions",
    "iWalkman__LanatChildrenWorks__net.pickle": "a nolearn NeuralNet with 2 dense layers and no convolution",
    "erikperillo__conet__conet_best_model_so_far.pkl": (
        "a Lasagne network with 3 convolutions and 2 dense layers"
    ),
    "ZiweiXU__CAPTCHA_recog__model.dat": "a list of shared variables with 2 convolutions and 2 dense layers",
    "cid2105__dirty-image-classifier__conv_params": (
        "a nolearn parameter dict with 4 convolutions and 3 dense layers"
    ),
    "Lasagne__Recipes__gan_weights.npz": "an npz of parameter values with 7 convolutions and 3 dense layers",
    "CPJKU__madmom_models__key_cnn_1.pkl": "a madmom NeuralNetwork with 5 convolutions",
    "Matchlab314__Deep-Othello__model.npz": "a Chainer npz with 10 convolutions",
    "NhuanTDBK__CPUPrediction__nn.pkl": "an sknn Regressor with 2 dense layers and no convolution",
}


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def marked(name: str, path: Path, value: object) -> object:
    """Return a file as a parameter, the large ones marked slow."""
    large = path.is_file() and path.stat().st_size > LARGE
    return pytest.param(value, marks=pytest.mark.slow if large else (), id=name)


@pytest.mark.parametrize("entry", [marked(entry["file"], MODELS / entry["file"], entry) for entry in ENTRIES])
def test_a_real_file_gives_the_arrays_of_the_manifest(entry):
    name = entry["file"]
    if name in REFUSED:
        assert entry["expected_conv"] == []
        with pytest.raises(UnsupportedFileError) as caught:
            load(MODELS / name)
        assert str(caught.value).startswith(f"{MODELS / name}: {REFUSED[name]}")
        return
    network = load(MODELS / name)
    if name in OF_OTHERS:
        assert network.describe().startswith(OF_OTHERS[name])
        return
    expected = [conv["sha256_c_order"] for conv in entry["expected_conv"]]
    expected = [expected[place] for place in ORDERED_ANEW.get(name, range(len(expected)))]
    drawn = [layer for layer in network.conv_layers if not layer.is_curve]  # the manifest has no others
    assert [digest(layer.W) for layer in drawn] == expected
    assert name not in KINDS or network.describe() == KINDS[name]


@pytest.mark.parametrize("name", [marked(name, SHARED / "pickles" / name, name) for name in PICKLES])
def test_a_pickle_of_the_old_stack_gives_its_truth(name):
    truth = np.load(SHARED / "pickles" / f"{name}.truth.npz")
    network = load(SHARED / "pickles" / name)
    convs = [truth[f"W{i}"] for i in range(len(truth["conv_names"]))]
    assert len(convs) > 0
    assert [digest(layer.W) for layer in network.conv_layers] == [digest(w) for w in convs]
    parameters = [p.value for layer in network.layers for p in layer.parameters]
    wanted = [truth[key] for key in sorted(truth.files) if key.startswith("param_")]
    assert [digest(p) for p in parameters] == [digest(p) for p in wanted]
    assert [layer.name or "" for layer in network.conv_layers] == expected_names(
        name, list(truth["conv_names"])
    )


def expected_names(name: str, true_names: list[str]) -> list[str]:
    if "nolearn05_neuralnet" in name:
        return ["conv1", "conv2"]  # nolearn 0.5 keeps the names to itself, beside the layers' classes
    bare = any(word in name for word in ("net3_params.npz", "net3_paramvalues", "nolearn05_save"))
    return [""] * len(true_names) if bare else true_names


def test_the_layers_of_a_whole_net_are_all_there():
    network = load(SHARED / "pickles" / "py27_th082_net3_outlayer_p2_cPickle.pkl")
    assert [layer.type for layer in network.layers] == [
        "InputLayer",
        "Conv2DLayer",
        "MaxPool2DLayer",
        "Conv2DLayer",
        "Conv2DLayer",
        "DropoutLayer",
        "DenseLayer",
        "DenseLayer",
    ]
    conv1, conv2, conv3 = network.conv_layers
    assert conv1.output_shape == (None, 20, 31, 31)
    assert (conv1.flip_filters, conv1.axes) == (True, "oirc")
    assert conv1.operations[-1].kind == "rectify"
    assert conv2.b is None
    assert conv3.operations[0].stride == (2, 2)
    assert conv3.b.shape == conv3.output_shape[1:]


def test_losses_of_training_are_the_history():
    network = load(SHARED / "pickles" / "py310_np22_th105_nolearn_neuralnet_p5.pkl")
    assert [epoch["epoch"] for epoch in network.history] == list(range(1, len(network.history) + 1))
    assert len(network.history) > 0
    assert all(0 < epoch["train_loss"] < 10 for epoch in network.history)


def test_what_the_file_says_of_its_origin():
    origin = load(
        MODELS / "FlorianMuellerklein__Identity-Mapping-ResNet-Lasagne__resnet164_fullpreactivation.pklz"
    ).origin
    assert (origin.container, origin.protocol, origin.python) == ("gzip > pickle", 0, "2")
    origin = load(SHARED / "pickles" / "py310_np22_th105_net3_params_p5.pkl").origin
    assert (origin.container, origin.protocol, origin.python) == ("pickle", 5, "3")
    assert origin.versions["numpy"] == "2 or later"
    assert "theano.tensor.sharedvar.TensorSharedVariable" in origin.classes


def test_axes_of_convolutions_that_are_stored_otherwise():
    madmom = load(MODELS / "CPJKU__madmom_models__key_cnn_1.pkl")
    assert {layer.axes for layer in madmom.conv_layers} == {"iorc"}
    unet = load(MODELS / "CPJKU__audio_sheet_retrieval__system_params.pkl")
    transposed = [layer.weights.shape for layer in unet.conv_layers if layer.axes == "iorc"]
    assert transposed == [(64, 32, 2, 2), (32, 16, 2, 2), (16, 8, 2, 2)]
    assert any("transposed" in sentence for sentence in unet.origin.inferred)


def test_arrays_of_three_axes_with_a_bias_for_each_filter_are_convolutions_over_one_axis():
    network = load(MODELS / "vanessajurtz__lasagne4bio__CNN_params.npz")
    assert [layer.axes for layer in network.conv_layers] == ["oic"] * 3
    assert network.origin.notes == ()


def test_the_old_joblib_format_needs_its_siblings(tmp_path: Path):
    alone = tmp_path / "dnn"
    alone.write_bytes((MODELS / "judy2k__stupid-python-tricks__dnn_model" / "dnn").read_bytes())
    with pytest.raises(Exception, match=r"dnn_01\.npy.*there is no such file"):
        load(alone)
