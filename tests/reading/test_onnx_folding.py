"""Kernels that an ONNX graph computes of constants, held against numpy; what would take too much is named."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from filtviz import Network
from filtviz.parameter import Parameter
from filtviz.reading.formats.onnx import constant_folding, graph
from filtviz.reading.formats.onnx.cases import Constant
from filtviz.reading.quantised import Scale
from tests.reading.making import weights
from tests.reading.test_onnx import load, node

S = weights(4, 3, 2, 5)
ONE, OTHER = weights(4, 1, 1, 1, seed=1), weights(1, 3, 1, 5, seed=2)
OTHERS = {"s": S, "one": ONE, "other": OTHER, "two": np.array(2, np.float32), "same": S[::-1].copy()}


def network_of(tmp_path: Any, nodes: list[bytes], **arrays: Any) -> Network:
    held = {name: np.asarray(array) for name, array in (OTHERS | arrays).items()}
    return load(tmp_path, [*nodes, node("Conv", ["x", "w"], ["y"])], held)


def kernel(tmp_path: Any, nodes: list[bytes], **arrays: Any) -> np.ndarray | None:
    """The kernel ``w`` that nodes make, None where none is found."""
    convs = network_of(tmp_path, nodes, **arrays).conv_layers
    return convs[0].W if convs else None


def wholes(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


NUMBER_BY_NUMBER = {
    "Add": (["s", "other"], {}, S + OTHER),
    "Sub": (["s", "one"], {}, S - ONE),
    "Mul": (["s", "two"], {}, S * 2),
    "Div": (["s", "one"], {}, S / ONE),
    "Pow": (["s", "two"], {}, S**2),
    "Max": (["s", "one", "other"], {}, np.maximum(np.maximum(S, ONE), OTHER)),
    "Min": (["s", "one"], {}, np.minimum(S, ONE)),
    "Sum": (["s", "same", "other"], {}, S + S[::-1] + OTHER),
    "Mean": (["s", "same"], {}, (S + S[::-1]) / 2),
    "Neg": (["s"], {}, -S),
    "Abs": (["s"], {}, np.abs(S)),
    "Exp": (["s"], {}, np.exp(S)),
    "Reciprocal": (["s"], {}, 1 / S),
    "Tanh": (["s"], {}, np.tanh(S)),
    "Sign": (["s"], {}, np.sign(S)),
    "Floor": (["s"], {}, np.floor(S)),
    "Ceil": (["s"], {}, np.ceil(S)),
    "Round": (["s"], {}, np.round(S)),
    "Relu": (["s"], {}, np.maximum(S, 0)),
    "Sigmoid": (["s"], {}, 1 / (1 + np.exp(-S))),
    "Softplus": (["s"], {}, np.log1p(np.exp(S))),
    "Clip": (["s"], {"min": -0.5, "max": 0.25}, np.clip(S, -0.5, 0.25)),
    "LpNormalization": (["s"], {"axis": 2}, S / np.linalg.norm(S, axis=2, keepdims=True)),
    "Trilu": (["s"], {}, np.triu(S)),
    "Transpose": (["turned"], {"perm": [3, 2, 1, 0]}, S),
    "Concat": (["front", "back"], {"axis": 1}, S),
    "Slice": (["s", "from", "to", "at", "by"], {}, S[-1:1:-1, :, :, 1::2]),
    "Gather": (["s", "places"], {"axis": 0}, S[[2, 0, -1]]),
    "Reshape": (["flat", "lengths"], {}, S),
    "Unsqueeze": (["flat3", "second"], {}, S[:, :1]),
    "Expand": (["one", "lengths"], {}, np.broadcast_to(ONE, S.shape)),
    "Tile": (["one", "lengths"], {}, np.tile(ONE, S.shape)),
    "Where": (["mask", "s", "two"], {}, np.where(S > 0, S, 2)),
}
ARRAYS = {
    "turned": S.transpose(3, 2, 1, 0).copy(),
    "front": S[:, :2].copy(), "back": S[:, 2:].copy(),
    "from": wholes(-1, 1), "to": wholes(1, 99), "at": wholes(0, -1), "by": wholes(-1, 2),
    "places": wholes(2, 0, -1),
    "flat": S.ravel(), "lengths": wholes(4, 3, 2, 5),
    "flat3": S[:, 0].copy(), "second": wholes(1),
    "mask": S > 0,
}  # fmt: skip


@pytest.mark.cases("all")
@pytest.mark.parametrize("operator", NUMBER_BY_NUMBER)
def test_what_a_node_makes_of_constants_is_the_kernel(tmp_path, operator) -> None:
    inputs, attributes, wanted = NUMBER_BY_NUMBER[operator]
    found = kernel(tmp_path, [node(operator, inputs, ["w"], **attributes)], **ARRAYS)
    assert found is not None
    if found.shape != wanted.shape:  # a Transpose keeps what is stored, and tells it by its axes
        found = found.transpose(3, 2, 1, 0)
    assert np.allclose(found, wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_numbers_over_their_length_are_nothing_where_that_is_nothing(tmp_path, power, axis) -> None:
    holed = S.copy()
    holed[:, 0] = holed[..., 0] = 0
    length = (np.abs(holed.astype("f8")) ** power).sum(axis=axis, keepdims=True) ** (1 / power)
    wanted = holed / np.where(length > 0, length, 1)
    found = kernel(tmp_path, [node("LpNormalization", ["h"], ["w"], axis=axis, p=power)], h=holed)
    assert np.allclose(found, wanted, rtol=1e-5)


REDUCED = {
    "ReduceSum": lambda one, axes: one.sum(axes, keepdims=True),
    "ReduceMean": lambda one, axes: one.mean(axes, keepdims=True),
    "ReduceMax": lambda one, axes: one.max(axes, keepdims=True),
    "ReduceMin": lambda one, axes: one.min(axes, keepdims=True),
    "ReduceProd": lambda one, axes: one.prod(axes, keepdims=True),
    "ReduceL1": lambda one, axes: np.abs(one).sum(axes, keepdims=True),
    "ReduceL2": lambda one, axes: np.sqrt((one**2).sum(axes, keepdims=True)),
    "ReduceSumSquare": lambda one, axes: (one**2).sum(axes, keepdims=True),
}


@pytest.mark.cases("all")
@pytest.mark.parametrize("operator", REDUCED)
def test_what_is_taken_together_along_axes_weighs_the_kernel(tmp_path, operator) -> None:
    wanted = S * REDUCED[operator](S.astype("f8"), (1, 3))
    said = [node(operator, ["s"], ["n"], axes=[1, -1]), node("Mul", ["s", "n"], ["w"])]
    given = [node(operator, ["s", "axes"], ["n"]), node("Mul", ["s", "n"], ["w"])]
    for nodes in (said, given):
        assert np.allclose(kernel(tmp_path, nodes, axes=wholes(1, 3)), wanted, rtol=1e-5)
    gone = [
        node(operator, ["s"], ["n"], axes=[1, 2, 3], keepdims=0),
        node("Reshape", ["n", "c"], ["m"]),
        node("Mul", ["s", "m"], ["w"]),
    ]
    wanted = S * REDUCED[operator](S.astype("f8"), (1, 2, 3))
    assert np.allclose(kernel(tmp_path, gone, c=wholes(-1, 1, 1, 1)), wanted, rtol=1e-5)


def test_a_weight_normalisation_is_carried_out_and_said(tmp_path) -> None:
    nodes = [
        node("ReduceL2", ["a.weight_v"], ["norm"], axes=[1, 2, 3]),
        node("Div", ["a.weight_v", "norm"], ["direction"]),
        node("Mul", ["direction", "a.weight_g"], ["w"]),
    ]
    network = network_of(tmp_path, nodes, **{"a.weight_v": S, "a.weight_g": ONE})
    (layer,) = network.conv_layers
    assert layer.name == "a"
    assert np.allclose(layer.W, ONE * S / np.sqrt((S**2).sum((1, 2, 3), keepdims=True)), rtol=1e-6)
    assert [one.name for one in layer.parameters] == ["a.weight_v", "a.weight_g"]
    assert np.array_equal(layer.parameters[0].value, S)
    assert network.origin.notes == (
        "the kernels of a are computed from what is stored, as the graph says (ReduceL2, Div, Mul)",
    )
    assert [each.type for each in network.layers] == ["Input", "Conv"]


def test_a_kernel_that_the_file_stores_is_not_said_to_be_computed(tmp_path) -> None:
    network = network_of(tmp_path, [node("Identity", ["s"], ["w"])])
    assert network.origin.notes == ()
    assert network.conv_layers[0].parameters[0].name == "W"


def test_a_spectral_normalisation_is_carried_out(tmp_path) -> None:
    left, sigmas, right = np.linalg.svd(S.reshape(4, -1).astype("f8"), full_matrices=False)
    nodes = [
        node("Flatten", ["s"], ["matrix"]),
        node("MatMul", ["matrix", "v"], ["product"]),
        node("MatMul", ["u", "product"], ["sigma"]),
        node("Div", ["s", "sigma"], ["w"]),
    ]
    found = kernel(tmp_path, nodes, u=left[:, 0].astype("f4"), v=right[0].astype("f4"))
    assert np.allclose(found, S / sigmas[0], rtol=1e-5)


def test_whole_numbers_that_are_cast_are_real_where_they_are_scaled(tmp_path) -> None:
    stored = np.arange(120, dtype=np.uint8).reshape(4, 3, 2, 5)
    nodes = [
        node("Cast", ["q"], ["real"], to=1),
        node("Sub", ["real", "zero"], ["shifted"]),
        node("Mul", ["shifted", "one"], ["w"]),
    ]
    found = kernel(tmp_path, nodes, q=stored, zero=np.float32(60))
    assert np.allclose(found, (stored.astype("f4") - 60) * ONE, rtol=1e-6)


def test_parts_of_a_split_are_kernels_of_their_own(tmp_path) -> None:
    nodes = [
        node("Split", ["s", "lengths"], ["w", "rest"], axis=0),
        node("Conv", ["x", "rest"], ["z"]),
    ]
    found = network_of(tmp_path, nodes, lengths=wholes(1, 3)).conv_layers
    assert np.array_equal(found[0].W, S[1:])
    assert np.array_equal(found[1].W, S[:1])


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "nodes",
    [
        [node("ReduceMean", ["x"], ["n"]), node("Mul", ["s", "n"], ["w"])],
        [node("Mul", ["s", "unfit"], ["w"])],
        [node("Unheard", ["s"], ["w"])],
        [node("Mul", ["s", "two"], ["w"], domain="some.one")],
    ],
    ids=["of the image", "shapes that do not fit", "unknown", "another domain"],
)
def test_what_is_computed_otherwise_is_no_kernel_and_named(tmp_path, nodes) -> None:
    network = network_of(tmp_path, nodes, unfit=np.zeros((7, 1), np.float32))
    assert network.conv_layers == ()
    (note,) = network.origin.notes
    assert note.endswith("gives when the network runs, and are not shown")
    assert note.startswith("the kernels of node of y are no constants but what ")


def test_arrays_that_grow_beyond_what_is_stored_are_not_made(tmp_path) -> None:
    small = np.ones((1, 1, 1, 1), np.float32)
    few = [node("Expand", ["small", "lengths"], ["w"])]
    assert kernel(tmp_path, few, small=small, lengths=wholes(8, 3, 3, 3)).shape == (8, 3, 3, 3)
    network = network_of(tmp_path, few, small=small, lengths=wholes(4096, 4096, 3, 3))
    assert network.conv_layers == ()
    (note,) = network.origin.notes
    assert "Expand gives" in note


def test_work_that_doubles_with_each_node_is_not_done(tmp_path) -> None:
    def twice(n: int) -> list[bytes]:
        names = ["s", *(f"n{place}" for place in range(n - 1)), "w"]
        return [node("Add", [one, one], [other]) for one, other in pairwise(names)]

    assert np.allclose(kernel(tmp_path, twice(5)), S * 32)
    assert kernel(tmp_path, twice(40)) is None


@pytest.mark.parametrize("operator", ["Reshape", "Neg"])
def test_a_chain_is_followed_so_far_and_no_further(tmp_path, operator) -> None:
    def chain(n: int) -> list[bytes]:
        names = ["s", *(f"n{place}" for place in range(n - 1)), "w"]
        more = ["lengths"] if operator == "Reshape" else []
        return [node(operator, [one, *more], [other]) for one, other in pairwise(names)]

    lengths = wholes(4, 3, 2, 5)
    assert np.array_equal(kernel(tmp_path, chain(64), lengths=lengths), S)
    assert kernel(tmp_path, chain(65), lengths=lengths) is None


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("allowzero", "shape"), [(0, (4, 3, 5, 2)), (1, None)])
def test_a_length_of_zero_is_that_of_the_axis_unless_zeros_are_allowed(
    tmp_path, allowzero, shape, turned
) -> None:
    nodes = [node("Transpose", ["s"], ["t"], perm=[0, 1, 3, 2])] if turned else []
    nodes.append(node("Reshape", ["t" if turned else "s", "lengths"], ["w"], allowzero=allowzero))
    found = kernel(tmp_path, nodes, lengths=wholes(0, 3, 5, -1))
    assert (None if found is None else found.shape) == shape


def test_whole_numbers_that_stand_for_others_are_no_lengths() -> None:
    plain = Constant(parameter=Parameter.of("n", wholes(4, 2)))
    scaled = replace(plain, scale=Scale(numbers=np.array([0.5]), zeros=np.zeros(1), axis=0))
    found = graph._as_numbers(plain)
    assert found is not None
    assert list(found.wholes or ()) == [4, 2]
    assert graph._as_numbers(scaled) is None


@pytest.mark.parametrize("n", [32, 33])
def test_an_array_has_so_many_axes_and_no_more(tmp_path, n) -> None:
    lengths = wholes(*(1,) * (n - 4), 4, 3, 2, 5)
    nodes = [node("Expand", ["s", "lengths"], ["e"]), node("Squeeze", ["e"], ["w"])]
    assert (kernel(tmp_path, nodes, lengths=lengths) is not None) is (n == 32)


@pytest.mark.parametrize("axes", ["first", "nowhere", "x", "-"])
def test_axes_that_are_not_known_are_not_all_axes_of_length_one(tmp_path, axes) -> None:
    nodes = [node("Squeeze", ["deep", *([axes] if axes != "-" else [])], ["w"])]
    found = kernel(tmp_path, nodes, deep=S[None], first=wholes(0))
    assert (found is not None) is (axes in ("first", "-"))


@pytest.mark.parametrize("kind", ["i1", "u1", "i8", "u8"])
def test_whole_numbers_are_divided_by_cutting_off_with_and_without_a_sign(kind: str) -> None:
    seven, two = np.array([7], kind), np.array([2], kind)
    assert constant_folding._divided(seven, two).tolist() == [3]
    largest = np.iinfo(kind).max
    assert constant_folding._divided(np.array([largest], kind), two).tolist() == [largest // 2]
    if kind[0] == "i":
        assert constant_folding._divided(-seven, two).tolist() == [-3]
    assert constant_folding._divided(seven.astype("f4"), two).tolist() == [3.5]
