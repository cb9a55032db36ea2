"""ONNX: what its own library and PyTorch's exporter write, read back to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from filtviz import load
from filtviz.operations import Convolution

from .comparing import assert_holds, bits

onnx = pytest.importorskip("onnx", reason="onnx is not installed (the extra frameworks)")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # the frameworks warn of each other

ONNX_TYPES = ["FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16", "FLOAT8E4M3FN", "FLOAT8E5M2", "INT8"]


def kernel(*shape: int, seed: int = 0, dtype: Any = np.float32) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def model_of(nodes: list[Any], initialisers: list[Any], opset: int = 21, **more: Any) -> Any:
    """A model from an image of three channels, whose last node gives ``y``."""
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3, 32, 32])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        initialisers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], **more)


def conv(weight: str, source: str = "x", target: str = "y", **attributes: Any) -> Any:
    return onnx.helper.make_node("Conv", [source, weight], [target], **attributes)


def saved(model: Any, path: Path, **how: Any) -> Path:
    onnx.save(model, path, **how)
    return path


def as_stored(name: str, array: np.ndarray) -> Any:
    return onnx.numpy_helper.from_array(array, name)


@pytest.mark.parametrize("opset", [7, 9, 11, 13, 15, 18, 21, onnx.defs.onnx_opset_version()])
def test_an_initialiser_is_itself_in_every_operator_set(tmp_path, opset) -> None:
    first, second = kernel(8, 3, 5, 5), kernel(6, 4, 3, 3, seed=1)
    nodes = [conv("a.weight", target="h", strides=[2, 2], pads=[2, 2, 2, 2]), conv("b.weight", "h", group=2)]
    model = model_of(nodes, [as_stored("a.weight", first), as_stored("b.weight", second)], opset)
    network = assert_holds(saved(model, tmp_path / "m.onnx"), {"a": bits(first), "b": bits(second)})
    a, b = (layer.convolution for layer in network.conv_layers)
    assert isinstance(a, Convolution)
    assert (a.stride, a.pad, b.groups) == ((2, 2), ((2, 2), (2, 2)), 2)
    assert [layer.output_shape for layer in network.conv_layers] == [(None, 8, 16, 16), (None, 6, 14, 14)]


@pytest.mark.parametrize("raw", [True, False], ids=["raw", "typed"])
@pytest.mark.parametrize("name", ONNX_TYPES)
def test_numbers_of_every_type_are_themselves(tmp_path, name, raw) -> None:
    if not hasattr(onnx.TensorProto, name):
        pytest.skip(f"this onnx has no {name}")
    dtype = onnx.helper.tensor_dtype_to_np_dtype(getattr(onnx.TensorProto, name))
    array = (4 * kernel(5, 3, 3, 3)).astype(dtype)
    given = array.tobytes() if raw else array.ravel().tolist()
    tensor = onnx.helper.make_tensor("c.weight", getattr(onnx.TensorProto, name), array.shape, given, raw=raw)
    assert_holds(saved(model_of([conv("c.weight")], [tensor]), tmp_path / "m.onnx"), {"c": bits(array)})


def through(kind: str) -> Callable[[np.ndarray], tuple[list[Any], list[Any]]]:
    """Return what makes nodes and initialisers that lead from an array to the weight ``w``."""
    helper = onnx.helper

    def made(array: np.ndarray) -> tuple[list[Any], list[Any]]:
        stored = as_stored("stored", array)
        match kind:
            case "constant":
                return [helper.make_node("Constant", [], ["w"], value=stored)], []
            case "identity":
                return [helper.make_node("Identity", ["stored"], ["w"])], [stored]
            case "cast":
                return [helper.make_node("Cast", ["stored"], ["w"], to=onnx.TensorProto.FLOAT)], [stored]
        raise AssertionError(kind)

    return made


@pytest.mark.parametrize("kind", ["constant", "identity", "cast"])
def test_what_stands_between_a_weight_and_its_convolution_is_seen_through(tmp_path, kind) -> None:
    array = kernel(5, 3, 3, 3, dtype=np.float16 if kind == "cast" else np.float32)
    nodes, initialisers = through(kind)(array)
    path = saved(model_of([*nodes, conv("w")], initialisers), tmp_path / "m.onnx")
    (layer,) = load(path).conv_layers
    assert bits(layer.W) == bits(array)


def test_a_quantised_weight_is_what_is_stored(tmp_path) -> None:
    array = np.random.default_rng(0).integers(-128, 128, (5, 3, 3, 3)).astype(np.int8)
    nodes = [onnx.helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["w"], axis=0), conv("w")]
    initialisers = [
        as_stored("q", array),
        as_stored("scale", np.full(5, 0.02, np.float32)),
        as_stored("zero", np.zeros(5, np.int8)),
    ]
    (layer,) = load(saved(model_of(nodes, initialisers), tmp_path / "m.onnx")).conv_layers
    assert bits(layer.W) == bits(array)


@pytest.mark.parametrize("scale", [np.array(0.02, np.float32), np.linspace(0.01, 0.03, 5, dtype=np.float32)])
def test_a_quantised_weight_runs_as_in_onnx_runtime(tmp_path, scale) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    random = np.random.default_rng(0)
    array = random.integers(-128, 128, (5, 3, 3, 3)).astype(np.int8)
    nodes = [onnx.helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["w"], axis=0), conv("w")]
    zero = np.zeros(scale.shape, np.int8)
    initialisers = [as_stored("q", array), as_stored("scale", scale), as_stored("zero", zero)]
    path = saved(model_of(nodes, initialisers), tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    image = random.random((1, 3, 32, 32)).astype(np.float32)
    (wanted,) = session.run(None, {session.get_inputs()[0].name: image})
    np.testing.assert_allclose(load(path).run(image), wanted, atol=1e-5)


@pytest.mark.parametrize("together", [True, False], ids=["one file", "a file each"])
def test_weights_beside_the_model_are_itself(tmp_path, together) -> None:
    first, second = kernel(64, 3, 5, 5), kernel(8, 64, 3, 3, seed=1)
    model = model_of(
        [conv("a.weight", target="h"), conv("b.weight", "h")],
        [as_stored("a.weight", first), as_stored("b.weight", second)],
    )
    path = saved(
        model,
        tmp_path / "m.onnx",
        save_as_external_data=True,
        all_tensors_to_one_file=together,
        location="m.onnx.data" if together else None,
        size_threshold=16,
    )
    assert path.stat().st_size < 4_000
    network = assert_holds(path, {"a": bits(first), "b": bits(second)})
    assert len(network.origin.siblings) == (1 if together else 2)


def test_pytorchs_exporter_writes_what_the_module_holds(tmp_path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (the extra frameworks)")
    from .test_torch_files import Small, assert_has_geometry, kernels

    torch.manual_seed(0)
    model = Small().eval()
    del model.line
    model.norm = torch.nn.Identity()  # the exporter would fold it into the first kernel
    path = tmp_path / "m.onnx"
    torch.onnx.export(model, (torch.zeros(1, 3, 32, 32),), path, dynamo=False)
    assert_has_geometry(assert_holds(path, kernels(model)), model)


def test_the_new_exporter_writes_what_the_module_holds(tmp_path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (the extra frameworks)")
    pytest.importorskip("onnxscript", reason="onnxscript, which the new exporter needs, is not installed")
    from .test_torch_files import Small, kernels

    torch.manual_seed(0)
    model = Small().eval()
    del model.line
    model.norm = torch.nn.Identity()
    path = tmp_path / "m.onnx"
    torch.onnx.export(model, (torch.zeros(1, 3, 32, 32),), path, dynamo=True)
    assert {bits(layer.W) for layer in load(path).conv_layers} == set(kernels(model).values())
