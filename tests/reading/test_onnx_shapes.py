"""ONNX: shapes that a graph computes, as exporters write them, and graphs that compute nonsense."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from filtviz import Network
from filtviz.errors import FiltvizError
from filtviz.operations import Concatenate, Dense, Normalisation, Reshape, Resize, Untold, Upscale
from filtviz.parameter import Parameter
from filtviz.reading.shape_arithmetic import (
    MOST,
    Lengths,
    chosen,
    combined,
    joined,
    lengths_of,
    of_parameter,
    of_shape,
)
from tests.reading.test_onnx import KERNEL, load, node, part, tensor, value_info

WHOLE = np.int64


def numbers(*values: float, dtype: Any = WHOLE) -> np.ndarray:
    return np.array(values, dtype)


def number(value: float) -> np.ndarray:
    return np.array(value, WHOLE)


FLATTENS = [
    node("Shape", ["x"], ["s"]),
    node("Gather", ["s", "zero"], ["n"], axis=0),
    node("Unsqueeze", ["n"], ["n1"], axes=[0]),
    node("Concat", ["n1", "rest"], ["to"], axis=0),
    node("Reshape", ["x", "to"], ["flat"]),
    node("Gemm", ["flat", "w"], ["y"]),
]
"""``x.view(x.size(0), -1)`` as PyTorch wrote it for years, and a dense layer."""


def flattened(tmp_path, **more: Any) -> Network:
    weights = {"zero": number(0), "rest": numbers(-1), "w": np.zeros((192, 5), np.float32)}
    return load(tmp_path, FLATTENS, weights, **({"opset": 11} | more))


def test_what_computes_a_shape_is_no_layer_and_the_shape_is_known(tmp_path):
    network = flattened(tmp_path)
    assert [layer.type for layer in network.layers] == ["Input", "Reshape", "Gemm"]
    assert network.layers[1].operations[0].lengths == ((0,), -1)
    assert [layer.output_shape for layer in network.layers[1:]] == [(1, 192), (1, 5)]


def test_a_batch_that_is_open_stays_open_and_the_rest_is_known(tmp_path):
    network = flattened(tmp_path, shape=(0, 3, 8, 8))
    assert [layer.output_shape for layer in network.layers[1:]] == [(None, 192), (None, 5)]


def test_two_lengths_that_are_open_leave_the_shape_untold(tmp_path):
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Shape", ["other"], ["t"]),
        node("Gather", ["t", "two"], ["n"], axis=0),
        node("Unsqueeze", ["n"], ["n1"], axes=[0]),
        node("Concat", ["n1", "rest"], ["to"], axis=0),
        node("Reshape", ["x", "to"], ["y"]),
    ]
    weights = {"two": numbers(2).reshape(()), "rest": numbers(-1)}
    other = part(11, value_info("other", [0, 3, 0, 0]))
    network = load(tmp_path, nodes, weights, shape=(0, 3, 0, 0), opset=11, in_graph=other)
    assert isinstance(network.layers[-1].operations[0], Untold)
    assert network.layers[-1].output_shape is None


def resized(tmp_path, *, mode: str = "nearest", scale: float = 2.0, shape=(1, 3, 8, 8), **attributes: Any):
    """Height and width times a number, cast there and back, as PyTorch exports ``interpolate``."""
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Slice", ["s", "two", "four", "zero"], ["hw"]),
        node("Cast", ["hw"], ["real"], to=1),
        node("Mul", ["real", "scale"], ["wide"]),
        node("Floor", ["wide"], ["floor"]),
        node("Cast", ["floor"], ["whole"], to=7),
        node("Slice", ["s", "zero", "two", "zero"], ["nc"]),
        node("Concat", ["nc", "whole"], ["sizes"], axis=0),
        node("Resize", ["x", "", "", "sizes"], ["y"], mode=mode, **attributes),
        node("Conv", ["y", "w"], ["z"]),
    ]
    weights = {
        "zero": numbers(0), "two": numbers(2), "four": numbers(4), "scale": np.array(scale, np.float32),
        "w": KERNEL,
    }  # fmt: skip
    return load(tmp_path, nodes, weights, shape=shape)


def test_a_size_that_is_computed_is_that_by_which_an_image_grows(tmp_path):
    network = resized(tmp_path)
    assert isinstance(network.layers[1].operations[0], Upscale)
    assert network.layers[1].operations[0].scale == (2, 2)
    assert network.conv_layers[0].output_shape == (1, 4, 14, 14)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("facts", "size"),
    [
        ({"mode": "cubic"}, 16),
        ({"scale": 1.5}, 12),
        ({"scale": 0.3}, 2),
        ({"coordinate_transformation_mode": "align_corners"}, 16),
        ({"coordinate_transformation_mode": "asymmetric", "nearest_mode": "ceil"}, 16),
        ({"coordinate_transformation_mode": "asymmetric", "scale": 3.0}, 24),
    ],
)
def test_what_is_resized_in_another_way_is_untold_and_its_size_is_known(tmp_path, facts, size):
    network = resized(tmp_path, **facts)
    assert isinstance(network.layers[1].operations[0], Untold)
    assert network.layers[1].output_shape == (1, 3, size, size)


def test_what_is_resized_linearly_is_followed(tmp_path):
    network = resized(tmp_path, mode="linear")
    assert isinstance(network.layers[1].operations[0], Resize)
    assert network.layers[1].output_shape == (1, 3, 16, 16)


def test_a_size_of_an_open_image_stays_open(tmp_path):
    network = resized(tmp_path, shape=(1, 3, 0, 8))
    assert network.layers[1].output_shape == (1, 3, None, 16)
    assert network.conv_layers[0].output_shape == (1, 4, None, 14)


def test_pads_that_are_turned_in_a_table_are_followed(tmp_path):
    """PyTorch's ``pad``: its numbers from the last axis on, reversed and transposed into ONNX's order."""
    nodes = [
        node("ConstantOfShape", ["four"], ["zeros"], value=part(5, tensor("", numbers(0)))),
        node("Concat", ["given", "zeros"], ["all"], axis=0),
        node("Reshape", ["all", "pairs"], ["table"]),
        node("Slice", ["table", "end", "start", "zero", "back"], ["turned"]),
        node("Transpose", ["turned"], ["columns"], perm=[1, 0]),
        node("Reshape", ["columns", "row"], ["pads"]),
        node("Cast", ["pads"], ["whole"], to=7),
        node("Pad", ["x", "whole"], ["y"], mode="constant"),
    ]
    weights = {
        "four": numbers(4), "given": numbers(1, 2, 3, 4), "pairs": numbers(-1, 2), "end": numbers(-1),
        "start": numbers(-(2**63) + 1), "zero": numbers(0), "back": numbers(-1), "row": numbers(-1),
    }  # fmt: skip
    network = load(tmp_path, nodes, weights)
    assert [layer.type for layer in network.layers] == ["Input", "Pad"]
    assert network.layers[-1].operations[0].pad == ((3, 4), (1, 2))
    assert network.layers[-1].output_shape == (1, 3, 15, 11)


TRANSPOSED = np.zeros((3, 5, 3, 3), np.float32)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("attributes", "pad", "size"),
    [
        ({"auto_pad": "SAME_UPPER", "strides": [2, 2]}, ((0, 1), (0, 1)), (14, 18)),
        ({"auto_pad": "SAME_LOWER", "strides": [2, 2]}, ((1, 0), (1, 0)), (14, 18)),
        ({"auto_pad": "SAME_UPPER", "strides": [4, 1]}, ((0, 0), (1, 1)), (28, 9)),
        ({"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 0]}, ((1, 1), (1, 1)), (14, 17)),
        ({"strides": [2, 2], "output_shape": [20, 21]}, None, (20, 21)),
        ({"strides": [2, 2]}, ((0, 0), (0, 0)), (15, 19)),
    ],
)
def test_a_transposed_convolution_gives_the_size_that_is_asked_for(tmp_path, attributes, pad, size):
    nodes = [node("ConvTranspose", ["x", "w"], ["y"], **attributes)]
    network = load(tmp_path, nodes, {"w": TRANSPOSED}, shape=(1, 3, 7, 9))
    assert network.conv_layers[0].convolution.pad == pad
    assert network.conv_layers[0].output_shape == (1, 5, *size)


def test_what_the_file_says_of_a_shape_fills_what_is_open_and_nothing_else(tmp_path):
    said = part(13, value_info("y", [1, 7, 7])) + part(13, value_info("z", [1, 9, 6, 6]))
    nodes = [node("Strange", ["x"], ["y"]), node("Conv", ["x", "w"], ["z"]), node("Odd", ["x"], ["u"])]
    network = load(tmp_path, nodes, {"w": KERNEL}, in_graph=said)
    assert [layer.output_shape for layer in network.layers[1:]] == [(1, 7, 7), (1, 4, 6, 6), None]


def test_a_shape_that_is_said_beyond_reason_is_none(tmp_path):
    said = part(13, value_info("y", [1, 1 << 40, 7])) + part(13, value_info("z", [2] * 40))
    network = load(tmp_path, [node("Strange", ["x"], ["y"]), node("Odd", ["x"], ["z"])], in_graph=said)
    assert [layer.output_shape for layer in network.layers[1:]] == [(1, None, 7), None]


def test_an_array_joined_to_the_units_counts_in_their_length(tmp_path):
    weights = {"token": np.zeros((1, 1, 8, 8), np.float32)}
    nodes = [node("Concat", ["token", "x"], ["y"], axis=1), node("Concat", ["x", "x"], ["z"], axis=1)]
    network = load(tmp_path, nodes, weights)
    assert isinstance(network.layers[1].operations[0], Untold)
    assert isinstance(network.layers[2].operations[0], Concatenate)
    assert [layer.output_shape for layer in network.layers[1:]] == [(1, 4, 8, 8), (1, 6, 8, 8)]


def test_a_product_with_a_matrix_weighs_along_the_last_axis(tmp_path):
    weights = {"w": np.zeros((8, 5), np.float32)}
    network = load(tmp_path, [node("MatMul", ["x", "w"], ["y"])], weights)
    dense = network.layers[-1].operations[0]
    assert isinstance(dense, Dense)
    assert network.layers[-1].output_shape == (1, 3, 8, 5)
    unknown = load(tmp_path, [node("Odd", ["x"], ["u"]), node("MatMul", ["u", "w"], ["y"])], weights)
    assert unknown.layers[-1].output_shape is None


def test_an_array_that_is_larger_than_the_units_spreads_them(tmp_path):
    weights = {"large": np.zeros((1, 3, 8, 8), np.float32), "w": np.ones((3, 1, 1), np.float32)}
    nodes = [node("Add", ["x", "large"], ["y"]), node("Add", ["x", "w"], ["z"])]
    network = load(tmp_path, nodes, weights, shape=(1, 3, 1, 1))
    assert [layer.output_shape for layer in network.layers[1:]] == [None, (1, 3, 1, 1)]


def test_an_array_along_an_axis_that_the_node_names_is_of_the_channels(tmp_path):
    nodes = [node("Add", ["x", "b"], ["y"], axis=1, broadcast=1), node("Add", ["y", "b"], ["z"], broadcast=1)]
    network = load(tmp_path, nodes, {"b": np.zeros(3, np.float32)}, opset=6)
    kinds = [type(layer.operations[0]) for layer in network.layers[1:]]
    assert kinds == [Normalisation, Untold]
    assert network.layers[-1].output_shape == (1, 3, 8, 8)


# Graphs that compute nonsense


def test_numbers_that_double_with_each_node_are_followed_only_a_few_at_a_time(tmp_path):
    nodes = [node("Shape", ["x"], ["s0"])]
    nodes += [node("Concat", [f"s{i}", f"s{i}"], [f"s{i + 1}"], axis=0) for i in range(200)]
    network = load(tmp_path, [*nodes, node("Reshape", ["x", "s200"], ["y"])])
    assert isinstance(network.layers[-1].operations[0], Untold)
    assert network.layers[-1].output_shape is None


def test_numbers_that_square_with_each_node_become_open(tmp_path):
    nodes = [node("Shape", ["x"], ["s0"])]
    nodes += [node("Mul", [f"s{i}", f"s{i}"], [f"s{i + 1}"]) for i in range(300)]
    network = load(tmp_path, [*nodes, node("Reshape", ["x", "s300"], ["y"])])
    assert network.layers[-1].output_shape in (None, (1, None, None, None))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operator", "given", "facts"),
    [
        ("Gather", ["s", "far"], {"axis": 0}),
        ("Gather", ["s", "far"], {"axis": 1 << 40}),
        ("Slice", ["s", "far", "far", "far", "zero"], {}),
        ("Slice", ["s", "zero", "far", "far"], {}),
        ("Concat", ["s", "s"], {"axis": -(1 << 62)}),
        ("Concat", ["s", "nowhere"], {"axis": 0}),
        ("Unsqueeze", ["s", "far"], {}),
        ("Squeeze", ["s", "zero"], {}),
        ("Reshape", ["s", "far"], {}),
        ("Reshape", ["s", "negative"], {}),
        ("Transpose", ["s"], {"perm": [3, 3]}),
        ("Cast", ["s"], {"to": 8}),
        ("Div", ["s", "zero"], {}),
        ("Mod", ["s", "zero"], {}),
        ("Div", ["s", "negative"], {}),
        ("Add", ["s", "three"], {}),
        ("Where", ["s", "s", "three"], {}),
        ("ConstantOfShape", ["far"], {}),
        ("ConstantOfShape", ["negative"], {}),
        ("ReduceProd", ["s"], {"axes": [5]}),
    ],
)
def test_what_cannot_be_computed_is_one_sentence_or_open(tmp_path, operator, given, facts):
    weights = {
        "far": numbers(1 << 40),
        "zero": numbers(0),
        "negative": numbers(-3),
        "three": numbers(1, 2, 3),
    }
    nodes = [node("Shape", ["x"], ["s"]), node(operator, given, ["t"], **facts)]
    try:
        network = load(
            tmp_path, [*nodes, node("Reshape", ["x", "t"], ["y"]), node("Relu", ["x"], ["z"])], weights
        )
    except FiltvizError:
        return
    shape = network.layers[-2].output_shape
    assert network.layers[-1].output_shape == (1, 3, 8, 8)
    assert shape is None or all(n is None or 0 <= n < 1 << 31 for n in shape)


# The arithmetic by itself


def values(lengths: Lengths | None) -> list[float | None] | None:
    return None if lengths is None else [one.value for one in lengths.numbers]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("kind", "left", "right", "found"),
    [
        ("add", [1, None], [2, 3], [3, None]),
        ("add", [None], [0], [None]),
        ("multiply", [None, 4], [1], [None, 4]),
        ("divide", [7, -7, 7], [2], [3, None, 3]),
        ("divide", [7], [0], [None]),
        ("remainder", [7, -7], [4], [3, None]),
        ("maximum", [1, 5], [3], [3, 5]),
        ("minimum", [1, 5], [3], [1, 3]),
        ("equal", [1, None], [1], [1, None]),
        ("multiply", [1 << 20], [1 << 20], [None]),
        ("add", [1, 2, 3], [1, 2], None),
    ],
)
def test_numbers_are_combined_one_by_one(kind, left, right, found):
    assert values(combined(kind, lengths_of(left), lengths_of(right))) == found


def test_numbers_of_single_precision_are_computed_in_it():
    ten, part_of = lengths_of([10]), of_parameter(Parameter.of("n", np.array([0.7], np.float32)))
    exact = combined("multiply", ten.as_real(is_real=True), part_of)
    assert values(exact.rounded(math.floor)) == [7]  # in double precision it is 6.99999988
    assert values(combined("divide", lengths_of([3]).as_real(is_real=True), lengths_of([2]))) == [1.5]


def test_the_length_of_an_axis_is_known_for_what_it_is():
    lengths = of_shape((None, 3, 5), 7)
    assert lengths.as_reshape((None, 15), 9) is not None
    assert lengths.as_reshape((None, 15), 9)[0] == (0,)
    assert of_shape((None, None), 7).as_reshape((2, 3), 9) is None
    assert of_shape((None, None), 7).as_reshape((None, None, 4), 7) == ((0,), (1,))
    assert lengths_of([2, -1]).as_reshape((6,), 0) == (2, -1)
    assert lengths_of([2, -5]).as_reshape((6,), 0) is None


def test_more_numbers_than_are_followed_are_none():
    many = lengths_of([1] * MOST)
    assert joined([many, lengths_of([1])]) is None
    assert joined([lengths_of([1]), lengths_of([2], is_scalar=True)]) is None
    column = many.reshaped([MOST, 1])
    assert combined("add", column, many) is None
    assert chosen(many, column, many) is None
    assert many.taken(np.zeros((MOST, 2), np.int64), 0) is None
    assert of_parameter(Parameter.of("n", np.zeros(MOST + 1, np.int64))) is None
    assert of_parameter(Parameter.of("n", np.zeros(MOST, np.int64))) is not None


def test_a_choice_between_numbers_is_open_where_the_condition_is():
    found = chosen(lengths_of([1, 0, None]), lengths_of([5, 6, 7]), lengths_of([8]))
    assert values(found) == [5, 8, None]


def test_reshape_cancels_what_stays_as_it_is(tmp_path):
    from filtviz.shapes import output_shape

    assert output_shape(Reshape(lengths=((0,), -1)), [(None, 3, 4)]) == (None, 12)
    assert output_shape(Reshape(lengths=((0,), -1)), [(None, None, 4)]) == (None, None)
    assert output_shape(Reshape(lengths=((0,), (0,), -1)), [(2, 6)]) == (2, 2, 3)
    assert output_shape(Reshape(lengths=(2, -1)), [(None, 3, 4)]) == (2, None)
