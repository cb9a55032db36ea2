"""ONNX: weights that are stored as whole numbers run by what they stand for, and are drawn as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from filtviz import Network, RunningError
from tests.reading.test_onnx import load, node

IMAGES = np.random.default_rng(9).random((2, 3, 8, 8))
WHOLE = np.random.default_rng(0).integers(-60, 60, (4, 3, 3, 3)).astype(np.int8)
BIAS = np.array([-300, 20, 900, 4], np.int32)
EACH = np.array([0.01, 0.02, 0.03, 0.04], np.float32)


def convolved(kernels: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """A correlation by its definition."""
    taps = np.lib.stride_tricks.sliding_window_view(IMAGES, (3, 3), axis=(2, 3))
    return np.einsum("ncrsij,fcij->nfrs", taps, kernels) + bias[:, None, None]


def dequantised(tmp_path: Any, scale: np.ndarray, zero: int = 0, axis: int = 0, **more: Any) -> Network:
    nodes = [
        node("DequantizeLinear", ["q", "scale", "zero"], ["w"], axis=axis),
        node("DequantizeLinear", ["b", "units", "none"], ["bias"], axis=0),
        node("Conv", ["x", "w", "bias"], ["y"]),
    ]
    arrays = {
        "q": WHOLE,
        "scale": scale,
        "zero": np.full(scale.shape, zero, np.int8),
        "b": BIAS,
        "units": scale * np.float32(0.5),
        "none": np.zeros(scale.shape, np.int32),
    }
    return load(tmp_path, nodes, arrays | more)


@pytest.mark.parametrize("scale", [np.array(0.02, np.float32), EACH], ids=["one for all", "one a filter"])
def test_a_dequantised_convolution_runs_by_the_scale_and_keeps_the_numbers(tmp_path, scale) -> None:
    network = dequantised(tmp_path, scale)
    each = np.broadcast_to(scale, 4).astype(float)
    wanted = convolved(WHOLE * each[:, None, None, None], BIAS * 0.5 * each)
    np.testing.assert_allclose(network.run(IMAGES), wanted, rtol=1e-6, atol=1e-6)
    (layer,) = network.conv_layers
    assert layer.W.dtype == np.int8
    assert np.array_equal(layer.W, WHOLE)


@pytest.mark.parametrize(
    ("scale", "zero", "axis"), [(EACH, 3, 0), (EACH[:3], 0, 1), (EACH[:3], 2, -3)],
    ids=["a zero of its own", "one a channel", "both"],
)  # fmt: skip
def test_numbers_with_a_zero_or_a_scale_of_another_kind_are_those_that_they_stand_for(
    tmp_path, scale, zero, axis
) -> None:
    network = dequantised(
        tmp_path, scale, zero, axis, units=np.array(1, np.float32), none=np.array(0, np.int32)
    )
    (layer,) = network.conv_layers
    each = scale.reshape((-1, 1, 1, 1) if axis == 0 else (-1, 1, 1))
    meant = (WHOLE.astype("f8") - zero) * each
    np.testing.assert_allclose(layer.W, meant, rtol=1e-6)
    assert layer.W.dtype == np.float32
    np.testing.assert_allclose(network.run(IMAGES), convolved(meant, BIAS), rtol=1e-5, atol=1e-5)
    assert np.array_equal(layer.parameters[0].value, WHOLE), "what the file stores stays its parameter"
    assert network.origin.notes[-1].endswith("shown as the numbers that they stand for: q")
    assert not any("how strong filters are" in note and " q" in note for note in network.origin.notes)


def test_a_scale_of_too_few_numbers_is_named_and_nothing_runs(tmp_path) -> None:
    network = dequantised(tmp_path, EACH[:2], units=np.array(1, np.float32), none=np.array(0, np.int32))
    assert np.array_equal(network[0].W, WHOLE)
    with pytest.raises(RunningError, match="its weights are whole numbers, and not how they are scaled"):
        network.run(IMAGES)


def quantised(tmp_path: Any, **more: Any) -> Network:
    given = ["x", "xs", "xz", "q", "scale", "zero", "ys", "yz", "b"]
    arrays = {
        "xs": np.array(0.004, np.float32), "xz": np.array(0, np.uint8), "q": WHOLE, "scale": EACH,
        "zero": np.zeros(4, np.int8), "ys": np.array(0.1, np.float32), "yz": np.array(128, np.uint8),
        "b": BIAS,
    }  # fmt: skip
    return load(tmp_path, [node("QLinearConv", given, ["y"])], arrays | more)


def test_a_quantised_convolution_runs_as_it_is_before_rounding(tmp_path) -> None:
    each = EACH.astype(float)
    wanted = convolved(WHOLE * each[:, None, None, None], BIAS * 0.004 * each)
    np.testing.assert_allclose(quantised(tmp_path).run(IMAGES), wanted, rtol=1e-6, atol=1e-6)


def test_a_quantised_convolution_with_a_zero_of_its_own_runs_by_what_its_numbers_stand_for(tmp_path) -> None:
    stored = (WHOLE.astype(int) + 128).astype(np.uint8)
    network = quantised(tmp_path, q=stored, zero=np.full(4, 128, np.uint8))
    each = EACH.astype(float)
    wanted = convolved(WHOLE * each[:, None, None, None], BIAS * 0.004 * each)
    np.testing.assert_allclose(network.run(IMAGES), wanted, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(network[0].W, WHOLE * each[:, None, None, None], rtol=1e-6)
    assert np.array_equal(network[0].parameters[0].value, stored)


def test_an_integer_convolution_whose_scale_comes_later_does_not_run(tmp_path) -> None:
    network = load(tmp_path, [node("ConvInteger", ["x", "q"], ["y"])], {"q": WHOLE})
    with pytest.raises(RunningError, match="its weights are whole numbers"):
        network.run(IMAGES)


def test_real_numbers_that_pass_through_a_quantisation_stay_what_they_are(tmp_path) -> None:
    real = WHOLE.astype(np.float32) / 50
    nodes = [
        node("QuantizeLinear", ["r", "scale", "zero"], ["q"], axis=0),
        node("DequantizeLinear", ["q", "scale", "zero"], ["w"], axis=0),
        node("Conv", ["x", "w"], ["y"]),
    ]
    network = load(tmp_path, nodes, {"r": real, "scale": EACH, "zero": np.zeros(4, np.int8)})
    np.testing.assert_allclose(network.run(IMAGES), convolved(real, np.zeros(4)), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("operator", ["Transpose", "Reshape"])
def test_few_weights_that_are_turned_still_stand_for_what_they_stood_for(tmp_path, operator) -> None:
    few = WHOLE[:2, :, :1, :2].copy()
    nodes = [
        node("DequantizeLinear", ["few", "scale"], ["d"]),
        node(operator, ["d", "same"][: 1 + (operator == "Reshape")], ["w"], perm=[0, 1, 3, 2]),
        node("Conv", ["x", "w"], ["y"]),
    ]
    arrays = {"few": few, "scale": np.array(0.5, np.float32), "same": np.array(few.shape, np.int64)}
    network = load(tmp_path, nodes, arrays)
    (layer,) = network.conv_layers
    assert np.array_equal(layer.W, few)
    kernels = few * 0.5 if operator == "Reshape" else few.swapaxes(2, 3) * 0.5
    taps = np.lib.stride_tricks.sliding_window_view(IMAGES, kernels.shape[2:], axis=(2, 3))
    wanted = np.einsum("ncrsij,fcij->nfrs", taps, kernels)
    np.testing.assert_allclose(network.run(IMAGES), wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("code", "wanted"), [(1, 3.5), (7, 3)])
def test_few_numbers_are_divided_as_those_of_the_type_that_they_were_given(tmp_path, code, wanted) -> None:
    nodes = [
        node("Cast", ["seven"], ["c"], to=code),
        node("Cast", ["two"], ["d"], to=code),
        node("Div", ["c", "d"], ["scale"]),
        node("Mul", ["kernel", "scale"], ["w"]),
        node("Conv", ["x", "w"], ["y"]),
    ]
    arrays = {"seven": np.array([7]), "two": np.array([2]), "kernel": np.ones((1, 3, 5, 5), np.float32)}
    (layer,) = load(tmp_path, nodes, arrays).conv_layers
    assert layer.W.ravel().tolist() == [wanted] * 75
