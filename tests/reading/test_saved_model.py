"""TensorFlow's graphs: SavedModels with their variables, functions, and what constants alone come to."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz import Network
from filtviz.errors import FiltvizError, MalformedFileError
from filtviz.operations import (
    Convolution,
    Dense,
    Embedding,
    Flatten,
    Merge,
    Normalisation,
    Resize,
    Untold,
    Upscale,
)
from filtviz.reading.formats.tensorflow.saved_model import _Finder
from tests.reading.test_onnx import part

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "modern" / "tensorflow"
SAVED = FIXTURES / "tf_savedmodel"

CONVS = ["first", "dw", "sep/depthwise", "sep/pointwise", "grp", "up"]


def test_a_saved_model_has_the_graph_of_its_signature():
    network = filtviz.load(SAVED)
    assert [layer.name for layer in network.conv_layers] == CONVS
    assert not network.origin.inferred
    assert "serving_default" in network.origin.order
    assert network.layers[0].output_shape == (None, 3, 16, 16)
    assert network.layers[-1].output_shape == (None, 3)
    convs = {layer.name: layer.convolution for layer in network.conv_layers}
    assert all(isinstance(each, Convolution) for each in convs.values())
    assert convs["first"].pad == ((1, 1), (2, 2))
    assert convs["sep/depthwise"].stride == (2, 2)
    assert [convs["dw"].groups, convs["grp"].groups] == [8, 2]
    assert convs["up"].transposed
    assert convs["up"].output_size is not None


def test_each_variable_is_the_one_that_the_checkpoint_keeps_under_the_same_path():
    network, checkpoint = filtviz.load(SAVED), filtviz.load(FIXTURES / "tf_ckpt" / "ckpt.index")
    for layer, other in zip(network.conv_layers, checkpoint.conv_layers, strict=True):
        np.testing.assert_array_equal(layer.W, other.W)
        assert (layer.b is None) == (other.b is None)
        if layer.b is not None and other.b is not None:
            np.testing.assert_array_equal(layer.b, other.b)


@pytest.mark.slow
def test_the_graph_is_that_of_the_same_network_frozen():
    saved, frozen = filtviz.load(SAVED), filtviz.load(FIXTURES / "tf_frozen.pb")
    assert [layer.type for layer in saved.layers] == [layer.type for layer in frozen.layers]
    for layer, other in zip(saved.layers, frozen.layers, strict=True):
        assert layer.output_shape is not None
        assert layer.output_shape[1:] == other.output_shape[1:]


def test_a_normalisation_that_is_written_as_what_it_comes_to_is_computed(tmp_path):
    network = filtviz.load(SAVED)
    scale, shift = (layer for layer in network.layers if layer.type in ("Mul", "AddV2") and layer.parameters)
    by_name = {one.source.rpartition("/")[2]: one.value for one in (*scale.parameters, *shift.parameters)}
    assert set(by_name) == {"gamma", "moving_variance", "beta", "moving_mean"}
    gamma = by_name["gamma"] / np.sqrt(by_name["moving_variance"] + np.float32(1e-3))
    np.testing.assert_allclose(scale.operations[0].gamma.value, gamma, rtol=1e-6)
    beta = by_name["beta"] - by_name["moving_mean"] * gamma
    np.testing.assert_allclose(shift.operations[0].beta.value, beta, rtol=1e-6, atol=1e-7)


def changed(tmp_path: Path, change: Any) -> Path:
    """A SavedModel whose description is changed, with the variables of the fixture."""
    shutil.copytree(SAVED, tmp_path / "m")
    path = tmp_path / "m" / "saved_model.pb"
    path.write_bytes(change(path.read_bytes()))
    return tmp_path / "m"


def meta_without(data: bytes, field: int) -> bytes:
    """Leave out a field of the only ``MetaGraphDef``."""
    from filtviz.reading.limits import Limits, Spending
    from filtviz.reading.protobuf import Message

    budget = Spending(Limits(), "opcodes", "{:,}")
    meta = Message(memoryview(data), budget).message(2)
    kept = [(number, one) for number, held in meta.fields.items() if number != field for one in held]
    return part(1, 1) + part(2, b"".join(part(number, one) for number, one in kept))


def test_without_its_objects_the_weights_are_listed_and_that_is_said(tmp_path):
    network = filtviz.load(changed(tmp_path, lambda data: meta_without(data, 7)))
    assert [layer.name for layer in network.conv_layers] == CONVS
    assert "its graph is not followed, only its weights are listed" in network.origin.inferred[0]
    assert not any("not followed" in one for one in filtviz.load(SAVED).origin.inferred)


def test_without_a_signature_the_largest_function_counts(tmp_path):
    network = filtviz.load(changed(tmp_path, lambda data: meta_without(data, 5)))
    assert [layer.name for layer in network.conv_layers] == CONVS
    assert "its largest function" in network.origin.order
    assert not network.origin.inferred


@pytest.mark.parametrize("place", range(0, 40_000, 2999))
def test_a_saved_model_that_was_changed_is_a_network_or_one_sentence(tmp_path, place):
    def change(data: bytes) -> bytes:
        held = bytearray(data)
        held[place % len(held)] ^= 0xFF
        return bytes(held)

    try:
        network = filtviz.load(changed(tmp_path, change))
        assert all(one.W.nbytes < 100_000 for one in network.conv_layers)
    except FiltvizError:
        pass


# Graphs that are put together here


def shape_proto(*lengths: int) -> bytes:
    return b"".join(part(2, part(1, n)) for n in lengths)


def text(value: str) -> bytes:
    return part(2, value)


def wholes(*values: int) -> bytes:
    return part(1, b"".join(part(3, one) for one in values))


def called(function: str) -> bytes:
    return part(10, part(1, function))


def node(operator: str, name: str, *inputs: str, **attributes: bytes) -> bytes:
    held = b"".join(part(5, part(1, key) + part(2, value)) for key, value in attributes.items())
    return part(1, name) + part(2, operator) + b"".join(part(3, one) for one in inputs) + held


def const(name: str, array: Any) -> bytes:
    held = np.asarray(array)
    code = {"float32": 1, "int32": 3}[str(held.dtype)]
    tensor = part(1, code) + part(2, shape_proto(*held.shape)) + part(4, held.tobytes())
    return node("Const", name, value=part(8, tensor))


def image(*lengths: int) -> bytes:
    return node("Placeholder", "x", shape=part(7, shape_proto(*lengths)))


def function(name: str, given: list[str], nodes: list[bytes], results: dict[str, str]) -> bytes:
    signature = part(1, name) + b"".join(part(2, part(1, one)) for one in given)
    signature += b"".join(part(3, part(1, one)) for one in results)
    held = b"".join(part(3, one) for one in nodes)
    ends = b"".join(part(4, part(1, key) + part(2, value)) for key, value in results.items())
    return part(1, signature) + held + ends


def load(tmp_path: Path, nodes: list[bytes], functions: list[bytes] | None = None) -> Network:
    library = b"".join(part(1, one) for one in functions or [])
    path = tmp_path / "m.pb"
    path.write_bytes(b"".join(part(1, one) for one in nodes) + (part(2, library) if functions else b""))
    return filtviz.load(path)


def floats(*shape: int) -> np.ndarray:
    return np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


KERNEL = const("k/kernel", floats(3, 3, 3, 4))


def conv(name: str, below: str, kernel: str = "k/kernel", **more: bytes) -> bytes:
    facts = {"strides": wholes(1, 1, 1, 1), "padding": text("SAME")} | more
    return node("Conv2D", name, below, kernel, **facts)


def test_a_bias_of_its_own_node_is_the_convolutions_unless_something_else_reads_it(tmp_path):
    nodes = [image(1, 8, 8, 3), KERNEL, const("b", floats(4)), conv("c", "x"), node("BiasAdd", "y", "c", "b")]
    network = load(tmp_path, nodes)
    assert [layer.type for layer in network.layers] == ["Placeholder", "Conv2D"]
    np.testing.assert_array_equal(network.conv_layers[0].b, floats(4))
    twin = load(tmp_path, [*nodes, node("Relu", "z", "c")])
    assert [layer.type for layer in twin.layers] == ["Placeholder", "Conv2D", "BiasAdd", "Relu"]
    assert twin.layers[3].inputs == (1,)
    assert twin.conv_layers[0].b is None


def test_a_function_of_several_results_gives_each_to_whom_it_is_for(tmp_path):
    inner = function(
        "two",
        ["a"],
        [node("Relu", "r", "a"), node("Tanh", "t", "a")],
        {"one": "r:activations:0", "other": "t:y:0"},
    )
    nodes = [
        image(1, 8, 8, 3),
        node("PartitionedCall", "f", "x", f=called("two")),
        node("Sigmoid", "first", "f"),
        node("Exp", "second", "f:1"),
    ]
    network = load(tmp_path, [*nodes, KERNEL, conv("c", "first")], [inner])
    by_name = {layer.name: layer for layer in network.layers}
    readers = {name: network.layers[by_name[name].inputs[0]].type for name in ("first", "second")}
    assert readers == {"first": "Relu", "second": "Tanh"}


def test_what_is_computed_outside_of_a_function_is_named_after_what_is_stored(tmp_path):
    inner = function("f", ["a", "w"], [conv("c", "a", "w")], {"r": "c:output:0"})
    nodes = [
        image(1, 8, 8, 3), KERNEL, const("s", floats(3, 3, 3, 4)), node("Mul", "w", "k/kernel", "s"),
        node("PartitionedCall", "f", "x", "w", f=called("f")),
    ]  # fmt: skip
    inside = load(tmp_path, nodes, [inner]).conv_layers[0]
    plain = load(tmp_path, [*nodes[:-1], conv("c", "x", "w")]).conv_layers[0]
    for found in (inside, plain):
        assert (found.name, [one.source for one in found.parameters]) == ("k", ["k/kernel", "s"])
        np.testing.assert_array_equal(found.W, floats(3, 3, 3, 4) ** 2)


def test_functions_that_call_themselves_are_refused(tmp_path):
    inner = function("f", ["a"], [node("PartitionedCall", "g", "a", f=called("f"))], {"r": "g:output:0"})
    nodes = [image(1, 8, 8, 3), KERNEL, conv("c", "x"), node("PartitionedCall", "h", "c", f=called("f"))]
    with pytest.raises(MalformedFileError, match="call each other"):
        load(tmp_path, nodes, [inner])


def test_both_branches_of_an_if_are_there_and_what_follows_is_untold(tmp_path):
    branches = [
        function("yes", ["a", "w"], [conv("c", "a", "w")], {"r": "c:output:0"}),
        function("no", ["a", "w"], [node("Relu", "t", "a")], {"r": "t:activations:0"}),
    ]
    nodes = [
        image(1, 8, 8, 3),
        const("k/kernel", floats(3, 3, 3, 3)),
        node("If", "i", "x", "x", "k/kernel", then_branch=called("yes"), else_branch=called("no")),
    ]
    network = load(tmp_path, nodes, branches)
    last = network.layers[-1]
    assert isinstance(last.operations[0], Untold)
    assert [network.layers[place].type for place in last.inputs] == ["Conv2D", "Relu"]
    assert len(network.conv_layers) == 1


def back(size: list[bytes], given: str) -> list[bytes]:
    """A transposed convolution whose size is computed, as Keras does."""
    facts = {"strides": wholes(1, 2, 2, 1), "padding": text("SAME")}
    return [
        const("k/kernel", floats(3, 3, 5, 3)),
        *size,
        node("Conv2DBackpropInput", "t", given, "k/kernel", "x", **facts),
    ]


def test_the_size_of_a_transposed_convolution_is_computed_and_its_input_is_the_image(tmp_path):
    cut = {"shrink_axis_mask": part(3, 1)}
    size = [
        node("Shape", "s", "x"),
        const("one", ints(1)),
        const("two", ints(2)),
        const("five", np.int32(5)),
        const("times", np.int32(2)),
        const("zero", ints(0)),
        node("StridedSlice", "n", "s", "zero", "one", "one", **cut),
        node("StridedSlice", "h", "s", "one", "two", "one", **cut),
        node("Mul", "hh", "h", "times"),
        node("Pack", "all", "n", "hh", "hh", "five"),
    ]
    network = load(tmp_path, [image(1, 7, 9, 3), *back(size, "all")])
    assert [layer.type for layer in network.layers] == ["Placeholder", "Conv2DBackpropInput"]
    assert network.layers[-1].inputs == (0,)
    assert network.layers[-1].output_shape == (1, 5, 14, 14)


def test_a_size_that_cannot_be_computed_leaves_the_image_in_its_place(tmp_path):
    network = load(tmp_path, [image(1, 7, 9, 3), *back([node("Strange", "all", "x")], "all")])
    assert network.layers[network.layers[-1].inputs[0]].type == "Placeholder"


def test_a_convolution_over_one_axis_is_one_though_it_is_computed_as_an_image_of_one_row(tmp_path):
    nodes = [
        image(1, 20, 8),
        const("line/kernel", floats(3, 8, 6)),
        const("axis", np.int32(-3)),
        const("front", np.int32(0)),
        node("ExpandDims", "wide", "x", "axis"),
        node("ExpandDims", "kernel", "line/kernel", "front"),
        conv("c", "wide", "kernel", strides=wholes(1, 1, 2, 1), padding=text("VALID")),
        node("Squeeze", "y", "c", squeeze_dims=wholes(-3)),
    ]
    network = load(tmp_path, nodes)
    layer = network.conv_layers[0]
    assert (layer.name, layer.W.shape, layer.axes) == ("line", (3, 8, 6), "cio")
    assert layer.convolution.stride == (2,)
    assert layer.output_shape == (1, 6, 9)
    assert network.layers[-1].output_shape == (1, 9, 6)
    assert "one axis" in layer.why_not_drawn


@pytest.mark.parametrize(
    ("pads", "pad", "size"),
    [
        ((2, 2, 2, 2), ((2, 2), (2, 2)), (8, 8)),
        ((0, 0, 0, 0), ((0, 0), (0, 0)), (4, 4)),
        (None, None, (None, None)),
    ],
)
def test_a_convolution_with_gaps_is_one_though_its_input_is_cut_into_pieces(tmp_path, pads, pad, size):
    given = const("pads", ints(*pads).reshape(2, 2)) if pads else node("Strange", "pads", "x")
    nodes = [
        image(1, 8, 8, 3),
        KERNEL,
        const("gaps", ints(2, 2)),
        given,
        const("crops", np.zeros((2, 2), np.int32)),
        node("SpaceToBatchND", "apart", "x", "gaps", "pads"),
        conv("c", "apart", padding=text("VALID")),
        node("BatchToSpaceND", "together", "c", "gaps", "crops"),
        node("Relu", "y", "together"),
    ]
    network = load(tmp_path, nodes)
    convolution = network.conv_layers[0].convolution
    assert (convolution.dilation, convolution.pad) == ((2, 2), pad)
    assert network.layers[-1].output_shape == (1, 4, *size)
    assert [layer.type for layer in network.layers if layer.type.startswith(("Space", "Batch"))] == []


def test_an_image_that_is_cut_into_pieces_of_no_size_is_untold(tmp_path):
    nodes = [image(1, 8, 8, 3), KERNEL, const("gaps", ints(0, 2)), const("pads", ints(0, 0, 0, 0))]
    network = load(
        tmp_path, [*nodes, node("SpaceToBatchND", "apart", "x", "gaps", "pads"), conv("c", "apart")]
    )
    assert isinstance(network.layers[1].operations[0], Untold)
    assert network.conv_layers[0].convolution.dilation == ()


def test_an_embedding_is_told_with_its_width(tmp_path):
    nodes = [image(1, 20), KERNEL, const("axis", np.int32(0)), const("emb/embeddings", floats(50, 8))]
    network = load(tmp_path, [*nodes, node("GatherV2", "y", "emb/embeddings", "x", "axis"), conv("c", "y")])
    layer = network.layers[1]
    assert isinstance(layer.operations[0], Embedding)
    assert layer.output_shape == (1, 20, 8)


def test_an_axis_more_in_front_of_an_image_of_one_row_stays_an_image(tmp_path):
    nodes = [image(1, 1, 20, 8), const("k/kernel", floats(1, 3, 8, 6)), conv("c", "x")]
    layer = load(tmp_path, nodes).conv_layers[0]
    assert (layer.axes, layer.output_shape) == ("rcio", (1, 6, 1, 20))
    assert layer.why_not_drawn is None


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("wanted", "kind", "shape"),
    [
        ((-1, 192), Flatten, (1, 192)),
        ((1, -1), Flatten, (1, 192)),
        ((-1, 3), None, (64, 3)),
        ((1, 64, 3), None, (1, 64, 3)),
    ],
)
def test_what_reshapes_an_image_has_its_channels_last_as_the_graph_has(tmp_path, wanted, kind, shape):
    nodes = [
        image(1, 8, 8, 3),
        const("to", ints(*wanted)),
        KERNEL,
        conv("c", "x"),
        node("Reshape", "y", "x", "to"),
    ]
    layer = next(one for one in load(tmp_path, nodes).layers if one.type == "Reshape")
    assert layer.operations[0].order == (0, 2, 3, 1)
    assert kind is None or isinstance(layer.operations[1], kind)
    assert layer.output_shape == shape


def test_a_graph_with_the_channels_in_front_keeps_them_there(tmp_path):
    nchw = {"data_format": text("NCHW"), "padding": text("VALID"), "strides": wholes(1, 1, 2, 1)}
    network = load(tmp_path, [image(1, 3, 8, 9), KERNEL, conv("c", "x", **nchw)])
    assert [layer.output_shape for layer in network.layers] == [(1, 3, 8, 9), (1, 4, 3, 7)]


@pytest.mark.parametrize(
    ("operator", "size", "kind", "shape"),
    [
        ("ResizeNearestNeighbor", (16, 24), Upscale, (1, 3, 16, 24)),
        ("ResizeNearestNeighbor", (12, 12), Untold, (1, 3, 12, 12)),
        ("ResizeBilinear", (16, 24), Resize, (1, 3, 16, 24)),
    ],
)
def test_an_image_that_is_resized_has_the_size_that_is_asked_for(tmp_path, operator, size, kind, shape):
    nodes = [
        image(1, 8, 8, 3),
        const("size", ints(*size)),
        KERNEL,
        node(operator, "y", "x", "size"),
        conv("c", "y"),
    ]
    network = load(tmp_path, nodes)
    assert isinstance(network.layers[1].operations[0], kind)
    assert network.layers[1].output_shape == shape


@pytest.mark.parametrize("corners", [False, True])
def test_numbers_are_repeated_unless_corners_are_put_on_each_other(tmp_path, corners):
    facts = {"align_corners": bytes([0x28, corners])}
    nodes = [image(1, 8, 8, 3), const("size", ints(16, 24)), KERNEL, conv("c", "y")]
    network = load(tmp_path, [*nodes, node("ResizeNearestNeighbor", "y", "x", "size", **facts)])
    found = next(layer for layer in network.layers if layer.name == "y").operations[0]
    assert isinstance(found, Untold if corners else Upscale)


def test_an_array_that_an_unknown_operator_works_with_is_listed(tmp_path):
    nodes = [
        image(1, 8, 8, 3),
        KERNEL,
        conv("c", "x"),
        const("w", floats(4, 4)),
        node("Strange", "y", "c", "w"),
    ]
    assert [one.shape for one in load(tmp_path, nodes).layers[-1].parameters] == [(4, 4)]


@pytest.mark.slow
def test_constants_that_are_computed_from_one_another_are_followed_only_so_deep(tmp_path):
    chain = [const("c0", floats(4))] + [node("Mul", f"c{i + 1}", f"c{i}", f"c{i}") for i in range(2000)]
    nodes = [image(1, 8, 8, 3), KERNEL, conv("c", "x"), *chain, node("AddV2", "y", "c", "c2000")]
    network = load(tmp_path, nodes)
    for layer in network.layers:
        for parameter in layer.parameters:
            assert parameter.value is not None
    assert len(network.conv_layers) == 1


def test_arithmetic_of_constants_that_would_grow_is_none(tmp_path):
    outer = [const("a", floats(200, 1)), const("b", floats(1, 200)), node("Mul", "ab", "a", "b")]
    nodes = [image(1, 8, 8, 3), KERNEL, conv("c", "x"), *outer, node("AddV2", "y", "c", "ab")]
    network = load(tmp_path, nodes)
    assert all(one.size <= 200 for layer in network.layers for one in layer.parameters)


def test_a_merge_and_a_dense_layer_with_its_bias(tmp_path):
    nodes = [
        image(1, 8, 8, 3), KERNEL, conv("c", "x"), conv("d", "x"), node("AddV2", "s", "c", "d"),
        const("to", ints(-1, 256)), node("Reshape", "flat", "s", "to"), const("fc/kernel", floats(256, 2)),
        const("b", floats(2)), node("MatMul", "m", "flat", "fc/kernel"), node("AddV2", "y", "m", "b"),
    ]  # fmt: skip
    network = load(tmp_path, nodes)
    kinds = [type(layer.operations[0]) for layer in network.layers]
    assert Merge in kinds
    assert Normalisation not in kinds
    dense = network.layers[-1].operations[0]
    assert isinstance(dense, Dense)
    assert dense.bias is not None
    assert network.layers[-1].n_parameters == 514


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_only_real_numbers_are_computed_with_as_weights(tmp_path, dtype):
    other = const("s", np.full((3, 3, 3, 4), 2, dtype))
    nodes = [image(1, 8, 8, 3), KERNEL, other, node("Mul", "w", "k/kernel", "s"), conv("c", "x", "w")]
    found = load(tmp_path, nodes).conv_layers
    assert len(found) == (dtype == "float32")


def test_functions_that_save_and_restore_are_not_the_network() -> None:
    bound = {
        "call": [1, 2],
        "__inference__traced_save_3": [1, 2, 3],
        "__inference__traced_restore_4": [1, 2, 3],
    }
    assert _Finder._largest(bound) == "call"
    assert _Finder._largest({"__inference__traced_restore_4": [1]}) == ""
