"""Weights of ONNX behind nodes that only give them another shape, held against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from filtviz.errors import MalformedFileError
from filtviz.operations import Dense, Untold
from filtviz.parameter import Parameter
from filtviz.reading.formats.onnx.cases import Case, Constant, NodeAttributes, other_shape
from filtviz.reading.formats.onnx.constant_folding import folded
from filtviz.reading.shape_arithmetic import lengths_of
from tests.reading.making import weights
from tests.reading.test_onnx import load, node, part, tensor

KERNEL = weights(4, 3, 2, 5)


def found(tmp_path, stored: np.ndarray, *nodes: bytes, **constants: list[int]) -> np.ndarray | None:
    """The weights ``w`` of a convolution, that nodes make of the array ``s``."""
    held = part(5, tensor("s", stored))
    held += b"".join(part(5, tensor(name, np.array(one, np.int64))) for name, one in constants.items())
    convs = load(tmp_path, [*nodes, node("Conv", ["x", "w"], ["y"])], in_graph=held).conv_layers
    return convs[0].W if convs else None


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "shape", [[4, 3, 2, 5], [0, 0, 2, 5], [4, -1, 2, 5], [-1, 3, 2, 5], [0, 3, -1, 5]], ids=str
)
def test_reshape_says_its_lengths_as_an_input_or_as_an_attribute(tmp_path, shape) -> None:
    for stored in (KERNEL, KERNEL.reshape(4, 3, 10)):
        given = found(tmp_path, stored, node("Reshape", ["s", "n"], ["w"]), n=shape)
        assert np.array_equal(given, KERNEL), stored.shape
        said = found(tmp_path, stored, node("Reshape", ["s"], ["w"], shape=shape))
        assert np.array_equal(said, KERNEL)


@pytest.mark.parametrize("shape", [[4, 3, 2, 6], [7, -1, 2, 5], [4, 3, -1, -1]], ids=str)
def test_a_shape_that_does_not_fit_makes_no_weights(tmp_path, shape) -> None:
    assert found(tmp_path, KERNEL, node("Reshape", ["s", "n"], ["w"]), n=shape) is None


@pytest.mark.cases("all")
@pytest.mark.parametrize("axes", [[2], [3], [-1], [0], [1], [-2]], ids=str)
def test_unsqueeze_and_squeeze_add_and_take_axes_of_one(tmp_path, axes) -> None:
    flat = weights(4, 3, 5)
    whole = np.expand_dims(flat, tuple(axes))
    for nodes in (
        [node("Unsqueeze", ["s", "n"], ["w"])],
        [node("Unsqueeze", ["s"], ["w"], axes=axes)],
    ):
        assert np.array_equal(found(tmp_path, flat, *nodes, n=axes), whole)
    five = np.expand_dims(KERNEL, tuple(axes))
    for nodes in (
        [node("Squeeze", ["s", "n"], ["w"])],
        [node("Squeeze", ["s"], ["w"], axes=axes)],
        [node("Squeeze", ["s"], ["w"])],
    ):
        assert np.array_equal(found(tmp_path, five, *nodes, n=axes), KERNEL)


def test_an_axis_beyond_the_rank_is_none_of_it_nor_counted_anew() -> None:
    made = {axis: other_shape("Unsqueeze", (2, 1, 3), [axis]) for axis in range(-9, 9)}
    assert {axis: shape for axis, shape in made.items() if shape} == {
        **dict.fromkeys((-4, 0), (1, 2, 1, 3)),
        **dict.fromkeys((-3, 1, -2, 2), (2, 1, 1, 3)),
        **dict.fromkeys((-1, 3), (2, 1, 3, 1)),
    }
    taken = {axis: other_shape("Squeeze", (2, 1, 3), [axis]) for axis in range(-9, 9)}
    assert {axis: shape for axis, shape in taken.items() if shape} == dict.fromkeys((-2, 1), (2, 3))


def test_more_lengths_than_an_array_has_axes_are_not_counted_with() -> None:
    assert other_shape("Reshape", (6,), [1] * 31 + [6]) == (1,) * 31 + (6,)
    assert other_shape("Reshape", (6,), [1] * 32 + [6]) is None
    hours = [1 << 62] * 1_000_000  # it would take some to multiply these
    assert other_shape("Reshape", (6,), hours) is None
    assert lengths_of([1, 2]).reshaped(hours) is None
    assert lengths_of([1, 2]).reshaped([1, 1, 1, 2]) is not None


@pytest.mark.parametrize("operator", ["Unsqueeze", "Squeeze"])
def test_weights_of_which_an_attribute_says_the_axes_are_stored_and_not_computed(tmp_path, operator) -> None:
    stored = KERNEL[0] if operator == "Unsqueeze" else KERNEL[None]
    nodes = [node(operator, ["s"], ["w"], axes=[0]), node("Conv", ["x", "w"], ["y"])]
    network = load(tmp_path, nodes, in_graph=part(5, tensor("s", stored)))
    assert network.conv_layers[0].W.size == stored.size
    assert not any("computed" in note for note in (*network.origin.notes, *network.origin.inferred))


def test_shapes_are_followed_one_behind_the_other(tmp_path) -> None:
    nodes = [
        node("Identity", ["s"], ["a"]),
        node("Reshape", ["a", "row"], ["b"]),
        node("Unsqueeze", ["b", "end"], ["c"]),
        node("Squeeze", ["c"], ["d"]),
        node("Reshape", ["d", "whole"], ["w"]),
    ]
    assert np.array_equal(found(tmp_path, KERNEL, *nodes, row=[-1], end=[1], whole=[4, 3, 2, 5]), KERNEL)


def test_lengths_that_are_computed_are_followed(tmp_path) -> None:
    nodes = [
        node("Shape", ["like"], ["n"]),
        node("Reshape", ["s", "n"], ["w"]),
    ]
    held = part(5, tensor("s", KERNEL.ravel())) + part(5, tensor("like", np.zeros((4, 3, 2, 5), np.float32)))
    network = load(tmp_path, [*nodes, node("Conv", ["x", "w"], ["y"])], in_graph=held)
    assert np.array_equal(network.conv_layers[0].W, KERNEL)


def test_arrays_of_an_operator_that_is_not_followed_are_named(tmp_path) -> None:
    for kernel, n_notes in ((KERNEL, 1), (KERNEL.ravel(), 0)):
        held = part(5, tensor("s", kernel)) + part(5, tensor("w", KERNEL))
        nodes = [node("Conv", ["x", "w"], ["y"]), node("OwnConv", ["y", "s"], ["z"])]
        network = load(tmp_path, nodes, in_graph=held)
        notes = [one for one in network.origin.notes if "may have kernels, which are not shown" in one]
        assert len(notes) == n_notes
        assert all("does not follow OwnConv" in one for one in notes)


@pytest.mark.parametrize("operator", ["Neg", "Sign"])
def test_what_numbers_of_a_type_have_not_is_one_sentence(operator):
    held = Constant(parameter=Parameter.of("", np.array([True, False]), "w"))
    case = Case(operator=operator, attributes=NodeAttributes({}), given=[held], shapes=[None], opset=17)
    made = folded(case)
    assert made is not None
    with pytest.raises(
        MalformedFileError, match=f"its graph computes {operator} of what has none; export it again"
    ):
        made.parameter.read()


@pytest.mark.parametrize("operator", ["MatMul", "Gemm"])
def test_a_product_of_constants_that_do_not_fit_is_no_layer_with_weights(tmp_path, operator) -> None:
    arrays = {"a": weights(2, 3), "b": weights(8, 5)}
    for first, kind in (("a", Untold), ("x", Dense)):
        network = load(tmp_path, [node(operator, [first, "b"], ["y"])], arrays)
        assert [type(one) for one in network.layers[-1].operations] == [kind]
