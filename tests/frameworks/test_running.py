"""Networks run by filtviz beside the framework that made them: the same numbers, but for rounding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # the frameworks warn of each other

ROUNDING = 5e-6


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= ROUNDING * np.abs(expected).max()


# ONNX

NODES: dict[str, tuple[str, dict[str, Any], tuple[tuple[int, ...], ...]]] = {
    "conv": ("Conv", {"strides": [2, 1], "pads": [1, 0, 2, 1]}, ((4, 3, 3, 3), (4,))),
    "conv auto": ("Conv", {"strides": [2, 2], "auto_pad": "SAME_UPPER"}, ((4, 3, 3, 3),)),
    "conv lower": ("Conv", {"strides": [2, 2], "auto_pad": "SAME_LOWER"}, ((4, 3, 4, 4),)),
    "conv dilated": ("Conv", {"dilations": [2, 3]}, ((4, 3, 3, 3),)),
    "conv depthwise": ("Conv", {"group": 3}, ((6, 1, 3, 3),)),
    "transposed": ("ConvTranspose", {"strides": [2, 3], "pads": [1, 0, 0, 1]}, ((3, 4, 3, 3), (4,))),
    "transposed dilated": ("ConvTranspose", {"dilations": [2, 2]}, ((3, 4, 3, 3),)),
    "max": ("MaxPool", {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 1]}, ()),
    "max ceil": ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}, ()),
    "max dilated": ("MaxPool", {"kernel_shape": [2, 2], "dilations": [2, 2]}, ()),
    "mean": ("AveragePool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}, ()),
    "mean counting": (
        "AveragePool",
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "count_include_pad": 1},
        (),
    ),
    "global": ("GlobalAveragePool", {}, ()),
    "lrn": ("LRN", {"size": 3, "alpha": 0.3, "beta": 0.7, "bias": 1.5}, ()),
    "softmax": ("Softmax", {"axis": 1}, ()),
    "leaky": ("LeakyRelu", {"alpha": 0.2}, ()),
    "elu": ("Elu", {"alpha": 1.3}, ()),
    "selu": ("Selu", {}, ()),
    "gelu": ("Gelu", {}, ()),
    "gelu tanh": ("Gelu", {"approximate": "tanh"}, ()),
    "hard swish": ("HardSwish", {}, ()),
    "transpose": ("Transpose", {"perm": [0, 1, 3, 2]}, ()),
    "flatten": ("Flatten", {"axis": 1}, ()),
    "batch norm": ("BatchNormalization", {"epsilon": 1e-3}, ((3,), (3,), (3,), (3,))),
}


@pytest.mark.parametrize("name", NODES)
def test_an_operator_of_onnx_gives_what_onnx_runtime_gives(name: str, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed (the extra frameworks)")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    from onnx import TensorProto, helper

    operator, attributes, shapes = NODES[name]
    rng = np.random.default_rng(0)
    arrays = [rng.random(shape, np.float32) + 0.1 for shape in shapes]
    held = [onnx.numpy_helper.from_array(array, f"p{place}") for place, array in enumerate(arrays)]
    node = helper.make_node(operator, ["x", *(one.name for one in held)], ["y"], **attributes)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node],
        "g",
        [value("x", TensorProto.FLOAT, [None, 3, 12, 11])],
        [value("y", TensorProto.FLOAT, None)],
        held,
    )
    path = tmp_path / "net.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.save(model, path)
    images = rng.standard_normal((2, 3, 12, 11)).astype(np.float32)
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    expected = session.run(None, {"x": images})[0]
    assert_same(filtviz.load(path).run(images, engine="numpy"), expected)


ONNX_FILES = (
    "made/function.onnx", "made/ort_extended.onnx", "real/onnx__light_squeezenet.onnx",
    "real/onnx__test_Conv1d.onnx", "real/onnx__test_Conv2d.onnx", "real/onnx__test_Conv2d_depthwise.onnx",
    "real/onnx__test_Conv2d_groups.onnx", "real/onnx__test_Conv3d.onnx",
)  # fmt: skip


@pytest.mark.parametrize("name", ONNX_FILES)
def test_a_file_of_onnx_gives_what_onnx_runtime_gives(name: str, shared: Path) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    path = shared / "modern" / name
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    images = np.random.default_rng(0).random(given.shape).astype(np.float32)
    expected = session.run(None, {given.name: images})[0]
    assert_same(filtviz.load(path).run(images, engine="numpy"), expected)


# Keras


def keras_layers(keras: Any) -> dict[str, list[Any]]:
    layers = keras.layers
    return {
        "conv same": [layers.Conv2D(4, 3, padding="same", strides=2, activation="relu")],
        "conv dilated": [layers.Conv2D(4, 3, dilation_rate=2, activation="swish")],
        "depthwise": [layers.DepthwiseConv2D(3, depth_multiplier=2)],
        "separable": [layers.SeparableConv2D(5, 3, activation="elu")],
        "transposed": [layers.Conv2DTranspose(4, 3, strides=2, padding="same")],
        "transposed valid": [layers.Conv2DTranspose(4, 4, strides=3)],
        "transposed far": [layers.Conv2DTranspose(4, 2, strides=3, padding="same")],
        "pools": [layers.MaxPooling2D(3, 2, padding="same"), layers.AveragePooling2D(2, padding="same")],
        "normalised": [layers.Conv2D(4, 1), layers.BatchNormalization(), layers.LeakyReLU()],
        "flattened": [layers.Conv2D(4, 3, activation="gelu"), layers.Flatten(), layers.Dense(3)],
        "dense on images": [layers.Dense(5, activation="tanh"), layers.GlobalMaxPooling2D()],
        "reshaped": [layers.Reshape((11, 12, 3)), layers.Conv2D(2, 3), layers.ReLU(6.0)],
        "padded": [layers.ZeroPadding2D(((1, 2), (0, 3))), layers.Cropping2D(((0, 1), (2, 0)))],
        "enlarged": [layers.UpSampling2D((2, 3)), layers.Softmax()],
    }


CASES = (
    "conv same", "conv dilated", "depthwise", "separable", "transposed", "transposed valid", "transposed far",
    "pools", "normalised", "flattened", "dense on images", "reshaped", "padded", "enlarged",
)  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_layers_of_keras_give_what_keras_gives(name: str, tmp_path: Path) -> None:
    keras = pytest.importorskip("keras", reason="keras is not installed (the extra frameworks)")
    model = keras.Sequential([keras.Input((12, 11, 3)), *keras_layers(keras)[name]])
    for weight in model.weights:
        shape = tuple(weight.shape)
        weight.assign(np.random.default_rng(len(shape)).random(shape).astype(np.float32) + 0.1)
    path = tmp_path / "net.keras"
    model.save(path)
    images = np.random.default_rng(0).standard_normal((2, 12, 11, 3)).astype(np.float32)
    expected = np.asarray(model.predict(images, verbose=0))
    found = filtviz.load(path).run(images, engine="numpy")
    assert_same(np.moveaxis(found, 1, -1) if found.ndim > 2 else found, expected)


KERAS_FILES = (
    "made/channels_first.keras", "made/conv1d.keras", "made/dense.h5", "made/seq.keras", "made/seq_legacy.h5",
    "made/nested.keras",
    "real/AbdoJohanen__Number-Recognizer__mnist_cnn.keras", "real/fer__emotion_model.hdf5",
    "real/oarriaga__face_classification__fer2013_big_XCEPTION.54-0.66.hdf5",
)  # fmt: skip


@pytest.mark.parametrize("name", KERAS_FILES)
def test_a_file_of_keras_gives_what_keras_gives(name: str, shared: Path) -> None:
    keras = pytest.importorskip("keras", reason="keras is not installed (the extra frameworks)")
    path = shared / "modern" / name
    model = keras.models.load_model(path, compile=False)
    images = np.random.default_rng(0).random((2, *model.input_shape[1:])).astype(np.float32)
    expected = np.asarray(model.predict(images, verbose=0))
    found = filtviz.load(path).run(images, engine="numpy")
    behind = "channels_first" not in name and found.ndim > 2
    assert_same(np.moveaxis(found, 1, -1) if behind else found, expected)
