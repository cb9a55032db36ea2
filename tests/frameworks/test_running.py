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
    "instance norm": ("InstanceNormalization", {"epsilon": 1e-3}, ((3,), (3,))),
    "layer norm": ("LayerNormalization", {"axis": -1}, ((11,), (11,))),
    "layer norm of all": ("LayerNormalization", {"axis": 1, "epsilon": 1e-2}, ((3, 12, 11), (3, 12, 11))),
    "layer norm without a shift": ("LayerNormalization", {"axis": 2}, ((12, 11),)),
    "group norm": ("GroupNormalization", {"num_groups": 3}, ((3,), (3,))),
    "group norm of one": ("GroupNormalization", {"num_groups": 1}, ((3,), (3,))),
    "hard sigmoid": ("HardSigmoid", {"alpha": 0.1666667}, ()),
    "hard sigmoid by default": ("HardSigmoid", {}, ()),
    "mish": ("Mish", {}, ()),
    "prelu": ("PRelu", {}, ((3, 1, 1),)),
    "prelu of one": ("PRelu", {}, ((1,),)),
    "transposed to an odd size": (
        "ConvTranspose",
        {"strides": [2, 3], "pads": [1, 0, 0, 1], "output_padding": [1, 2]},
        ((3, 4, 3, 3), (4,)),
    ),
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
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(model, path)
    images = rng.standard_normal((2, 3, 12, 11)).astype(np.float32)
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    expected = session.run(None, {"x": images})[0]
    assert_same(filtviz.load(path).run(images, engine="numpy"), expected)


def run_with_onnx_runtime(nodes: list[Any], held: list[Any], images: np.ndarray, path: Path) -> np.ndarray:
    """Save a graph from ``x`` to ``y``, and return what onnxruntime makes of images."""
    import onnx
    import onnxruntime as runtime
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "g",
        [value("x", TensorProto.FLOAT, [None, *images.shape[1:]])],
        [value("y", TensorProto.FLOAT, None)],
        held,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": images})[0])


WITH_CONSTANTS: dict[str, tuple[str, dict[str, Any], list[Any]]] = {
    **{
        f"{operator} {place}": (operator, {}, ["x", value])
        for operator in ("Add", "Sub", "Mul", "Div")
        for place, value in (
            ("scalar", np.float32(1.7)), ("one", np.full((1, 1), 1.7, np.float32)),
            ("channels", np.array([[[0.5]], [[1.5]], [[-2.0]]], np.float32)),
            ("columns", np.linspace(1, 2, 11, dtype=np.float32)),
            ("plane", np.linspace(1, 2, 132, dtype=np.float32).reshape(12, 11)),
            ("all", np.linspace(1, 2, 396, dtype=np.float32).reshape(1, 3, 12, 11)),
        )
    },
    "constant first, Sub": ("Sub", {}, [np.float32(1.7), "x"]),
    "constant first, Div": ("Div", {}, [np.full((3, 1, 1), 1.7, np.float32), "x"]),
    "Max": ("Max", {}, ["x", np.float32(0.3)]),
    "Min": ("Min", {}, [np.float32(0.3), "x"]),
    "Pow 2": ("Pow", {}, ["x", np.float32(2)]),
    "Pow 3": ("Pow", {}, ["x", np.float32(3)]),
    "Clip": ("Clip", {}, ["x", np.float32(-0.3), np.float32(0.9)]),
    "Clip above": ("Clip", {}, ["x", "", np.float32(0.9)]),
    "Clip below": ("Clip", {}, ["x", np.float32(0.1)]),
    "Neg": ("Neg", {}, ["x"]),
    **{
        f"Resize {how} {sizes}": (
            "Resize", {"mode": "linear", "coordinate_transformation_mode": how},
            ["x", "", "", np.array(sizes)] if sizes[0] == 2 else ["x", "", np.array(sizes, np.float32)],
        )
        for how in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
        for sizes in ((2, 3, 24, 7), (2, 3, 12, 33), (1.0, 1.0, 2.0, 1.5), (1.0, 1.0, 0.5, 3.0))
    },
    **{
        f"{operator} {keeps}": (operator, {"keepdims": keeps}, ["x", np.array(axes)])
        for operator in ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum", "ReduceL2")
        for keeps, axes in ((0, [1]), (1, [-1, 1]), (1, [2, 3]), (0, [3]))
    },
    "Abs": ("Abs", {}, ["x"]),
    "Erf": ("Erf", {}, ["x"]),
    "Pad": ("Pad", {}, ["x", np.array([0, 0, 1, 2, 0, 0, 3, 0]), np.float32(0.7)]),
    "Pad channels": ("Pad", {}, ["x", np.array([0, 1, 1, 2, 0, 2, 3, 0])]),
    "Pad reflect": ("Pad", {"mode": "reflect"}, ["x", np.array([0, 0, 1, 2, 0, 0, 3, 0])]),
    "Pad edge": ("Pad", {"mode": "edge"}, ["x", np.array([0, 0, 14, 2, 0, 0, 3, 0])]),
    "Pad away": ("Pad", {}, ["x", np.array([0, 0, -1, 2, 0, 0, 3, -2])]),
    "Pad of axes": ("Pad", {}, ["x", np.array([1, 2, 3, 4]), np.float32(0), np.array([-1, 1])]),
}  # fmt: skip


@pytest.mark.parametrize("name", WITH_CONSTANTS)
def test_an_operator_with_a_constant_gives_what_onnx_runtime_gives(name: str, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed (the extra frameworks)")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    operator, attributes, inputs = WITH_CONSTANTS[name]
    names = [one if isinstance(one, str) else f"p{place}" for place, one in enumerate(inputs)]
    held = [
        onnx.numpy_helper.from_array(np.asarray(one), f"p{place}")
        for place, one in enumerate(inputs)
        if not isinstance(one, str)
    ]
    nodes = [onnx.helper.make_node(operator, names, ["y"], **attributes)]
    images = np.random.default_rng(0).standard_normal((2, 3, 12, 11)).astype(np.float32)
    expected = run_with_onnx_runtime(nodes, held, images, tmp_path / "net.onnx")
    assert_same(filtviz.load(tmp_path / "net.onnx").run(images, engine="numpy"), expected)


def test_attention_gives_what_onnx_runtime_gives(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed (the extra frameworks)")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    rng, node = np.random.default_rng(0), onnx.helper.make_node
    arrays: dict[str, Any] = {name: rng.standard_normal((8, 8), np.float32) for name in ("q", "k", "v")}
    arrays |= {"scale": np.float32(8**-0.5), "heads": np.array([0, -1, 2, 4]), "back": np.array([0, 12, 8])}
    nodes = []
    for name in ("q", "k", "v"):
        nodes += [
            node("MatMul", ["x", name], [f"{name}1"]),
            node("Reshape", [f"{name}1", "heads"], [f"{name}2"]),
            node("Transpose", [f"{name}2"], [f"{name}3"], perm=[0, 2, 3, 1] if name == "k" else [0, 2, 1, 3]),
        ]
    nodes += [
        node("MatMul", ["q3", "k3"], ["scores"]),
        node("Mul", ["scores", "scale"], ["scaled"]),
        node("Softmax", ["scaled"], ["weights"], axis=-1),
        node("MatMul", ["weights", "v3"], ["heard"]),
        node("Transpose", ["heard"], ["turned"], perm=[0, 2, 1, 3]),
        node("Reshape", ["turned", "back"], ["joined"]),
        node("Add", ["joined", "x"], ["y"]),
    ]
    images = rng.standard_normal((2, 12, 8)).astype(np.float32)
    held = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()]
    expected = run_with_onnx_runtime(nodes, held, images, tmp_path / "net.onnx")
    assert_same(filtviz.load(tmp_path / "net.onnx").run(images, engine="numpy"), expected)


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_channels_become_pixels_in_both_orders(mode: str, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed (the extra frameworks)")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    node = onnx.helper.make_node("DepthToSpace", ["x"], ["y"], blocksize=2, mode=mode)
    images = np.random.default_rng(0).standard_normal((2, 12, 5, 4)).astype(np.float32)
    expected = run_with_onnx_runtime([node], [], images, tmp_path / "net.onnx")
    np.testing.assert_array_equal(filtviz.load(tmp_path / "net.onnx").run(images, dtype="float32"), expected)


def test_a_bias_that_the_graph_reshapes_first_is_a_bias(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed (the extra frameworks)")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    rng, node = np.random.default_rng(0), onnx.helper.make_node
    arrays = {
        "w": rng.standard_normal((4, 3, 3, 3), np.float32), "b": rng.standard_normal(4, np.float32),
        "shape": np.array([1, -1, 1, 1]), "s": rng.standard_normal((1, 4), np.float32),
        "axes": np.array([2, 3]),
    }  # fmt: skip
    nodes = [
        node("Conv", ["x", "w"], ["h"]),
        node("Reshape", ["b", "shape"], ["b4"]),
        node("Add", ["h", "b4"], ["k"]),
        node("Unsqueeze", ["s", "axes"], ["s4"]),
        node("Mul", ["k", "s4"], ["y"]),
    ]
    images = rng.standard_normal((2, 3, 6, 5)).astype(np.float32)
    held = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
    expected = run_with_onnx_runtime(nodes, held, images, tmp_path / "net.onnx")
    network = filtviz.load(tmp_path / "net.onnx")
    assert [layer.type for layer in network.layers] == ["Input", "Conv", "Add", "Mul"]
    assert_same(network.run(images, engine="numpy"), expected)


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
        "layer norm": [layers.LayerNormalization(), layers.Conv2D(4, 3)],
        "layer norm without a scale": [layers.LayerNormalization(scale=False, epsilon=0.1)],
        "group norm": [layers.Conv2D(6, 3), layers.GroupNormalization(3)],
        "instance norm": [layers.GroupNormalization(-1, center=False)],
        "hard sigmoid": [layers.Conv2D(4, 3, activation="hard_sigmoid")],
        "dense on images": [layers.Dense(5, activation="tanh"), layers.GlobalMaxPooling2D()],
        "reshaped": [layers.Reshape((11, 12, 3)), layers.Conv2D(2, 3), layers.ReLU(6.0)],
        "padded": [layers.ZeroPadding2D(((1, 2), (0, 3))), layers.Cropping2D(((0, 1), (2, 0)))],
        "enlarged": [layers.UpSampling2D((2, 3)), layers.Softmax()],
        "interpolated": [layers.UpSampling2D((2, 3), interpolation="bilinear")],
    }


CASES = (
    "conv same", "conv dilated", "depthwise", "separable", "transposed", "transposed valid", "transposed far",
    "pools", "normalised", "flattened", "dense on images", "reshaped", "padded", "enlarged", "interpolated",
    "layer norm", "layer norm without a scale", "group norm", "instance norm", "hard sigmoid",
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


# PyTorch


def torch_layers(nn: Any) -> dict[str, list[Any]]:
    return {
        "group norm": [nn.Conv2d(3, 6, 3), nn.GroupNorm(3, 6), nn.Mish()],
        "instance norm": [nn.InstanceNorm2d(3, affine=True), nn.Hardsigmoid()],
        "instance norm of the training": [nn.InstanceNorm2d(3, affine=True, track_running_stats=True)],
        "layer norm": [nn.LayerNorm([12, 11]), nn.PReLU()],
        "padded and enlarged": [
            nn.ReflectionPad2d(2),
            nn.ReplicationPad2d(3),
            nn.Upsample(None, 2, "bilinear"),
        ],
        "enlarged to the ends": [nn.Upsample(None, (2, 1.5), "bilinear", align_corners=True)],
        "slopes": [nn.Conv2d(3, 4, 3), nn.PReLU(4), nn.ReLU6()],
    }


def test_pytorch_pads_and_enlarges_as_it_is_read(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed (the extra torch)")
    images = torch.randn(2, 3, 12, 11)
    for name in ("padded and enlarged", "enlarged to the ends"):
        module = torch.nn.Sequential(*torch_layers(torch.nn)[name], torch.nn.Conv2d(3, 2, 3)).eval()
        torch.save(module, tmp_path / "net.pt")
        with torch.no_grad():
            expected = module(images).numpy()
        assert_same(filtviz.load(tmp_path / "net.pt").run(images.numpy(), engine="numpy"), expected)


@pytest.mark.parametrize("exported", [False, True], ids=["module", "exported"])
@pytest.mark.parametrize(
    "name", ["group norm", "instance norm", "instance norm of the training", "layer norm", "slopes"]
)
def test_layers_of_pytorch_give_what_pytorch_gives(name: str, exported: bool, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed (the extra torch)")
    torch.manual_seed(0)
    module = torch.nn.Sequential(*torch_layers(torch.nn)[name])
    for parameter in module.parameters():
        parameter.data = torch.rand_like(parameter) + 0.1
    images = torch.randn(2, 3, 12, 11)
    module(3 * images + 1)  # what is learned of the data, where it is
    module.eval()
    path = tmp_path / ("net.pt2" if exported else "net.pt")
    if exported:
        torch.export.save(torch.export.export(module, (images,)), path)
    else:
        torch.save(module, path)
    with torch.no_grad():
        expected = module(images).numpy()
    assert_same(filtviz.load(path).run(images.numpy(), engine="numpy"), expected)


def test_pixels_are_shuffled_as_pytorch_does(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed (the extra torch)")
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.PixelShuffle(2)).eval()
    images = torch.randn(1, 3, 7, 6)
    torch.export.save(torch.export.export(module, (images,)), tmp_path / "net.pt2")
    with torch.no_grad():
        expected = module(images).numpy()
    assert_same(filtviz.load(tmp_path / "net.pt2").run(images.numpy(), engine="numpy"), expected)
