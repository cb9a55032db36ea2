"""ONNX: every place where a weight can stand, the graph, and models that lie."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz.activations import Activation
from filtviz.errors import FileAccessError, LimitError, MalformedFileError, ReadError, UnsupportedFileError
from filtviz.operations import (
    Convolution,
    Dense,
    GlobalPooling,
    Merge,
    Normalisation,
    Pooling,
    Reduction,
    Slice,
    Untold,
)
from filtviz.reading.limits import Limits

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "modern" / "onnx"
KERNELS = json.loads((FIXTURES / "kernels.json").read_text(encoding="utf-8"))


def named(name: str) -> Path:
    path = FIXTURES / name
    return path / "model.onnx" if path.is_dir() else path


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", KERNELS)
def test_kernels_and_what_is_said_of_them_are_the_frameworks_own(name):
    convs = filtviz.load(named(name)).conv_layers
    wanted = {one["sha256_c_order"]: one for one in KERNELS[name]}
    assert len(convs) == len(KERNELS[name])
    for layer in convs:
        told = wanted[hashlib.sha256(np.ascontiguousarray(layer.W).tobytes()).hexdigest()]
        assert list(layer.W.shape) == told["shape"]
        assert str(layer.W.dtype) == told["dtype"]
        assert layer.axes == told["axes"].translate(str.maketrans("hw", "rc"))
        assert layer.convolution.groups == told["groups"]
        assert layer.flip_filters is False
        if told["strides"]:
            assert layer.convolution.stride == tuple(told["strides"])
        if told["dilations"] and max(told["dilations"]) > 1:
            assert layer.convolution.dilation == tuple(told["dilations"])
        if told["pads"]:
            n = len(told["pads"]) // 2
            assert layer.convolution.pad == tuple(zip(told["pads"][:n], told["pads"][n:], strict=True))


def test_the_graph_is_whole():
    network = filtviz.load(FIXTURES / "torch_legacy_train.onnx")
    assert [layer.type for layer in network.layers][:5] == [
        "Input", "Conv", "Relu", "Conv", "BatchNormalization",
    ]  # fmt: skip
    assert network.layers[-1].output_shape == (1, 10)
    assert all(layer.inputs == (place - 1,) for place, layer in enumerate(network.layers) if place)
    kinds = [type(layer.operations[0]) for layer in network.layers[-2:]]
    assert kinds == [GlobalPooling, Dense]
    assert network.origin.framework == "ONNX"
    assert network.origin.producer.startswith("pytorch")
    assert network.origin.versions["opset"] == "13"
    assert not network.origin.inferred


def test_whole_numbers_that_are_scaled_are_drawn_as_stored_and_said_to_be():
    network = filtviz.load(FIXTURES / "qdq.onnx")
    assert [str(layer.W.dtype) for layer in network.conv_layers[:4]] == ["int8"] * 4
    assert any("stored as whole numbers that are scaled" in note for note in network.origin.notes)
    assert not any("scaled" in note for note in filtviz.load(FIXTURES / "raw.onnx").origin.notes)


def test_a_model_that_tells_one_of_its_versions_is_one(tmp_path) -> None:
    whole, of_whole = (FIXTURES / "raw.onnx").read_bytes(), filtviz.load(FIXTURES / "raw.onnx")
    assert (whole[:9], whole[-6:]) == (b"\x08\x08\x12\x04made:", b"B\x04\n\x00\x10\x11")
    for part in (whole[8:], whole[:-6]):
        (tmp_path / "part.onnx").write_bytes(part)
        read = filtviz.load(tmp_path / "part.onnx")
        assert [each.type for each in read.layers] == [each.type for each in of_whole.layers]
        assert [conv.W.shape for conv in read.conv_layers] == [conv.W.shape for conv in of_whole.conv_layers]


def test_both_branches_of_an_if_are_there_and_what_follows_is_untold():
    network = filtviz.load(FIXTURES / "subgraphs.onnx")
    last = network.layers[-1]
    assert last.type == "If"
    assert [network.layers[place].type for place in last.inputs[-2:]] == ["Conv", "Conv"]
    assert isinstance(last.operations[0], Untold)


def test_a_convolution_whose_weights_are_computed_is_told_and_not_drawn():
    network = filtviz.load(FIXTURES / "weight_is_input.onnx")
    assert network.conv_layers == ()
    conv = next(layer for layer in network.layers if layer.type == "Conv")
    assert "no constant" in conv.operations[0].reason


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ort_all.onnx", "reorders kernels into blocks"),
        ("model.ort", "ONNX Runtime's own format"),
        ("text.onnx", "written as text"),
    ],
)
def test_forms_that_cannot_be_read_are_named(name, says):
    with pytest.raises(UnsupportedFileError, match=says):
        filtviz.load(FIXTURES / name)


# Models that are put together here


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def part(number: int, value: bytes | str | int) -> bytes:
    """Return a field of a message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name: str, array: np.ndarray, **other: bytes) -> bytes:
    code = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "bool": 9}[str(array.dtype)]
    dims = b"".join(part(1, n) for n in array.shape)
    return dims + part(2, code) + part(8, name) + (other.get("data") or part(9, array.tobytes()))


def attribute(name: str, value: Any) -> bytes:
    if isinstance(value, float):
        return part(1, name) + varint(2 << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return part(1, name) + part(3, value)
    if isinstance(value, str):
        return part(1, name) + part(4, value)
    if isinstance(value, bytes):
        return part(1, name) + value
    return part(1, name) + b"".join(part(8, one) for one in value)


def node(operator: str, inputs: list[str], outputs: list[str], domain: str = "", **attributes: Any) -> bytes:
    return (
        b"".join(part(1, name) for name in inputs)
        + b"".join(part(2, name) for name in outputs)
        + part(3, f"node of {outputs[0]}")
        + part(4, operator)
        + b"".join(part(5, attribute(*one)) for one in attributes.items())
        + (part(7, domain) if domain else b"")
    )


def value_info(name: str, shape: list[int]) -> bytes:
    dims = b"".join(part(1, part(1, n)) for n in shape)
    return part(1, name) + part(2, part(1, part(1, 1) + part(2, dims)))


def model(
    nodes: list[bytes],
    weights: dict[str, np.ndarray] | None = None,
    shape: tuple[int, ...] = (1, 3, 8, 8),
    *,
    opset: int = 17,
    more: bytes = b"",
    in_graph: bytes = b"",
) -> bytes:
    graph = b"".join(part(1, one) for one in nodes) + part(2, "g")
    graph += b"".join(part(5, tensor(name, array)) for name, array in (weights or {}).items())
    graph += part(11, value_info("x", list(shape))) + in_graph
    return part(1, 8) + part(2, "made here") + part(7, graph) + part(8, part(1, "") + part(2, opset)) + more


def load(tmp_path: Path, *args: Any, **more: Any) -> filtviz.Network:
    limits = more.pop("limits", None)
    path = tmp_path / "m.onnx"
    path.write_bytes(model(*args, **more))
    return filtviz.load(path, limits=limits)


KERNEL = np.arange(4 * 3 * 3 * 3, dtype=np.float32).reshape(4, 3, 3, 3)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("attributes", "pad", "shape"),
    [
        ({}, ((0, 0), (0, 0)), (1, 4, 6, 6)),
        ({"auto_pad": "SAME_UPPER"}, ((1, 1), (1, 1)), (1, 4, 8, 8)),
        ({"auto_pad": "SAME_UPPER", "strides": [2, 2]}, ((0, 1), (0, 1)), (1, 4, 4, 4)),
        ({"auto_pad": "SAME_LOWER", "strides": [2, 2]}, ((1, 0), (1, 0)), (1, 4, 4, 4)),
        ({"auto_pad": "VALID", "pads": [1, 1, 1, 1]}, ((0, 0), (0, 0)), (1, 4, 6, 6)),
        ({"pads": [0, 1, 2, 3]}, ((0, 2), (1, 3)), (1, 4, 8, 10)),
        ({"dilations": [2, 1], "auto_pad": "SAME_UPPER"}, ((2, 2), (1, 1)), (1, 4, 8, 8)),
    ],
)
def test_padding_is_as_it_is_said_or_as_the_input_makes_it(tmp_path, attributes, pad, shape):
    network = load(tmp_path, [node("Conv", ["x", "w"], ["y"], **attributes)], {"w": KERNEL})
    assert network.conv_layers[0].convolution.pad == pad
    assert network.layers[-1].output_shape == shape


def test_padding_to_the_same_size_is_open_where_the_size_is_and_the_stride_is_not_1(tmp_path):
    def pad(**attributes: Any) -> Any:
        nodes = [node("Conv", ["x", "w"], ["y"], auto_pad="SAME_UPPER", **attributes)]
        return load(tmp_path, nodes, {"w": KERNEL}, (1, 3, 0, 0)).conv_layers[0].convolution.pad

    assert pad() == ((1, 1), (1, 1))
    assert pad(strides=[2, 2]) is None


def test_weights_behind_a_transpose_keep_the_axes_in_which_they_are_stored(tmp_path):
    stored = np.arange(2 * 5 * 3 * 4, dtype=np.float32).reshape(2, 5, 3, 4)  # H, W, I, O
    nodes = [node("Transpose", ["k"], ["w"], perm=[3, 2, 0, 1]), node("Conv", ["x", "w"], ["y"])]
    layer = load(tmp_path, nodes, {"k": stored}).conv_layers[0]
    assert layer.axes == "rcio"
    assert np.array_equal(layer.W, stored)
    assert np.array_equal(layer.filters, stored.transpose(3, 2, 0, 1))


OPERATORS = {
    "Relu": (node("Relu", ["x"], ["y"]), Activation, {"kind": "rectify"}),
    "LeakyRelu": (node("LeakyRelu", ["x"], ["y"], alpha=0.25), Activation, {"alpha": 0.25}),
    "LeakyRelu's usual slope": (node("LeakyRelu", ["x"], ["y"]), Activation, {"alpha": 0.01}),
    "Clip before 11": (node("Clip", ["x"], ["y"], min=0.0, max=6.0), Activation, {"kind": "clipped_rectify"}),
    "Clip below 0": (node("Clip", ["x"], ["y"], min=-1.0, max=6.0), Activation, {"kind": "clip", "low": -1}),
    "Clip without an upper end": (node("Clip", ["x"], ["y"], min=0.0), Activation, {"kind": "rectify"}),
    "MaxPool": (
        node("MaxPool", ["x"], ["y"], kernel_shape=[2, 3], strides=[2, 1], pads=[0, 1, 0, 1]),
        Pooling,
        {"kind": "max", "size": (2, 3), "stride": (2, 1), "pad": ((0, 0), (1, 1)), "whole_windows": True},
    ),
    "AveragePool": (
        node("AveragePool", ["x"], ["y"], kernel_shape=[2, 2], ceil_mode=1, count_include_pad=1),
        Pooling,
        {"kind": "mean", "stride": (1, 1), "whole_windows": False, "counts_pad": True},
    ),
    "a pooling with dilated windows": (
        node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], dilations=[2, 1]), Pooling, {"dilation": (2, 1)},
    ),
    "a pooling with dilation 1": (
        node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], dilations=[1, 1]), Pooling, {"dilation": ()},
    ),
    "GlobalMaxPool": (node("GlobalMaxPool", ["x"], ["y"]), GlobalPooling, {"kind": "max"}),
    "a mean over the image": (node("ReduceMean", ["x"], ["y"], axes=[-1, -2]), GlobalPooling, {}),
    "a mean over channels": (node("ReduceMean", ["x"], ["y"], axes=[1]), Reduction, {"axes": (1,)}),
    "Add": (node("Add", ["x", "x"], ["y"]), Merge, {"kind": "add"}),
    "a number for each channel": (node("Add", ["x", "channels"], ["y"]), Normalisation, {"is_batch": False}),
    "a constant image": (node("Add", ["x", "image"], ["y"]), Normalisation, {"along": (1, 2, 3)}),
    "constant images": (node("Add", ["x", "images"], ["y"]), Untold, {"keeps_places": False}),
    "an operator of tomorrow": (node("Dream", ["x"], ["y"]), Untold, {"keeps_places": False}),
    "a part of Split": (
        node("Split", ["x"], ["y", "z"], axis=1, split=[1, 2]), Slice, {"start": 1, "stop": 3},
    ),
}  # fmt: skip


@pytest.mark.cases("all")
@pytest.mark.parametrize(("given", "kind", "facts"), OPERATORS.values(), ids=OPERATORS)
def test_operators_are_operations(tmp_path, given, kind, facts):
    weights = {"channels": np.ones((3, 1, 1), np.float32), "image": np.ones((3, 8, 8), np.float32)}
    weights["images"] = np.ones((2, 3, 8, 8), np.float32)
    found = load(tmp_path, [given], weights, opset=10).layers[-1].operations[0]
    assert type(found) is kind
    for name, value in facts.items():
        assert getattr(found, name) == (pytest.approx(value) if isinstance(value, float) else value)


def test_dense_layers_tell_the_order_of_their_axes(tmp_path):
    weights = {"w": np.ones((10, 3), np.float32), "b": np.ones(10, np.float32)}
    found = load(tmp_path, [node("Gemm", ["x", "w", "b"], ["y"], transB=1)], weights, (1, 3)).layers[-1]
    assert (found.operations[0].axes, found.operations[0].units, found.output_shape) == ("oi", 10, (1, 10))
    weights = {"w": np.ones((3, 10), np.float32)}
    found = load(tmp_path, [node("MatMul", ["x", "w"], ["y"])], weights, (1, 3)).layers[-1]
    assert (found.operations[0].axes, found.operations[0].units) == ("io", 10)


# Attacks


def external(location: str, **facts: int) -> bytes:
    entries = {"location": location, **{name: str(value) for name, value in facts.items()}}
    data = b"".join(part(13, part(1, key) + part(2, value)) for key, value in entries.items())
    return part(5, tensor("w", KERNEL, data=data + part(14, 1)))


def load_external(tmp_path: Path, location: str, **facts: int) -> np.ndarray:
    folder = tmp_path / "inner"
    folder.mkdir(exist_ok=True)
    graph = external(location, **facts)
    (folder / "m.onnx").write_bytes(model([node("Conv", ["x", "w"], ["y"])], in_graph=graph))
    return filtviz.load(folder / "m.onnx").conv_layers[0].W


def test_weights_beside_the_model_are_read_from_where_they_lie(tmp_path):
    (tmp_path / "inner").mkdir()
    # What compressions begin with is no sign of one here.
    (tmp_path / "inner" / "data").write_bytes(b"\x1f\x8b\x08" + bytes(13) + KERNEL.tobytes())
    assert np.array_equal(load_external(tmp_path, "data", offset=16, length=KERNEL.nbytes), KERNEL)
    with pytest.raises(MalformedFileError, match="beyond the end"):
        load_external(tmp_path, "data", offset=16, length=KERNEL.nbytes + 1)
    with pytest.raises(MalformedFileError, match="needs"):
        load_external(tmp_path, "data", offset=20)
    with pytest.raises(MalformedFileError):
        load_external(tmp_path, "data", offset=-4)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "location", ["../data", "/etc/passwd", "a/../../data", "..", "", "a\\b", "C:data", "x\0y"]
)
def test_no_path_leads_out_of_the_folder(tmp_path, location):
    """CVE-2022-25882, CVE-2024-5187 and CVE-2024-27318: weights that lie in "../../etc/passwd"."""
    (tmp_path / "data").write_bytes(KERNEL.tobytes())
    with pytest.raises(MalformedFileError, match="no plain file name"):
        load_external(tmp_path, location)


@pytest.mark.parametrize("make", [os.symlink, os.link])
def test_no_link_leads_out_of_the_folder(tmp_path, make):
    """CVE-2026-27489 and CVE-2026-34446: the file beside the model is a link to another one."""
    (tmp_path / "secret").write_bytes(KERNEL.tobytes())
    (tmp_path / "inner").mkdir()
    make(tmp_path / "secret", tmp_path / "inner" / "data")
    with pytest.raises(FileAccessError, match="is a link"):
        load_external(tmp_path, "data")


def nested(depth: int) -> bytes:
    inner = part(1, node("Identity", ["x"], ["y"]))
    for _ in range(depth):
        inner = part(1, node("If", ["x"], ["y"], then_branch=part(6, inner)))
    return inner


def test_branches_in_branches_without_end_are_refused(tmp_path):
    """CVE-2025-4565: messages in one another that exhaust the stack."""
    path = tmp_path / "m.onnx"
    path.write_bytes(part(1, 8) + part(2, "p") + part(7, nested(2000)) + part(8, part(2, 17)))
    with pytest.raises(ReadError):
        filtviz.load(path)
    path.write_bytes(part(1, 8) + part(2, "p") + part(7, nested(5)) + part(8, part(2, 17)))
    assert len(filtviz.load(path).layers) == 6


def function(name: str, nodes: list[bytes]) -> bytes:
    body = b"".join(part(7, one) for one in nodes)
    return part(25, part(1, name) + part(4, "a") + part(5, "y") + body + part(10, "own"))


def test_functions_that_call_each_other_grow_within_a_limit(tmp_path):
    def functions(depth: int) -> bytes:
        calls = [
            function(f"f{n}", [node(f"f{n + 1}", ["a"], [f"t{k}"], domain="own") for k in range(10)])
            for n in range(depth)
        ]
        return b"".join(calls) + function(f"f{depth}", [node("Relu", ["a"], ["y"])])

    nodes = [node("f0", ["x"], ["y"], domain="own")]
    with pytest.raises(LimitError):
        load(tmp_path, nodes, more=functions(12), limits=Limits(opcodes=4_000))
    assert sum(layer.type == "Relu" for layer in load(tmp_path, nodes, more=functions(2)).layers) == 100
    itself = function("f0", [node("f0", ["a"], ["y"], domain="own")])
    with pytest.raises(MalformedFileError, match="deep"):
        load(tmp_path, nodes, more=itself)


def test_attributes_of_a_function_are_those_of_its_call_or_its_defaults(tmp_path):
    """PyTorch writes modules as functions, and their strides and groups as attributes of these."""
    kernel = {"W": np.zeros((4, 1, 3, 3), np.float32)}
    conv = node("Conv", ["a", "b"], ["y"], strides=part(21, "s"), group=part(21, "g"), pads=part(21, "p"))
    body = part(1, "f") + part(4, "a") + part(4, "b") + part(5, "y") + part(7, conv) + part(10, "own")
    held = part(25, body + part(11, part(1, "g") + part(3, 4) + part(20, 2)))
    nodes = [node("f", ["x", "W"], ["y"], domain="own", s=[2, 2])]
    (layer,) = load(tmp_path, nodes, kernel, more=held).conv_layers
    assert layer.convolution.stride == (2, 2)
    assert layer.convolution.groups == 4
    assert layer.convolution.pad == ((0, 0), (0, 0))
    nodes = [node("f", ["x", "W"], ["y"], domain="own", g=2)]
    (layer,) = load(tmp_path, nodes, kernel, more=held).conv_layers
    assert (layer.convolution.stride, layer.convolution.groups) == ((1, 1), 2)


def test_a_functions_attributes_are_its_own_again_behind_a_call_within_it(tmp_path):
    inner = function("g", [node("Relu", ["a"], ["y"])])
    conv = node("Conv", ["h", "b"], ["y"], strides=part(21, "s"))
    body = part(1, "f") + part(4, "a") + part(4, "b") + part(5, "y") + part(10, "own")
    body += part(7, node("g", ["a"], ["h"], domain="own", s=[3, 3])) + part(7, conv)
    nodes = [node("f", ["x", "W"], ["y"], domain="own", s=[2, 1])]
    kernel = {"W": np.zeros((4, 1, 3, 3), np.float32)}
    (layer,) = load(tmp_path, nodes, kernel, more=inner + part(25, body)).conv_layers
    assert layer.convolution.stride == (2, 1)


def test_a_constant_of_one_number_is_as_large_as_the_limit_allows(tmp_path):
    nodes = [
        node("ConstantOfShape", ["s"], ["w"], value=part(5, tensor("", np.ones(1, np.float32)))),
        node("Conv", ["x", "w"], ["y"]),
    ]
    network = load(tmp_path, nodes, {"s": np.array([4, 3, 3, 3])})
    assert np.array_equal(network.conv_layers[0].W, np.ones((4, 3, 3, 3), np.float32))
    with pytest.raises(LimitError):
        load(tmp_path, nodes, {"s": np.array([1 << 20, 1 << 10, 30, 30])})


@pytest.mark.parametrize("shape", [(1 << 40, 1 << 40, 1, 1), (4, 3, 3, 4)])
def test_a_tensor_larger_than_its_bytes_is_refused(tmp_path, shape):
    dims = b"".join(part(1, n) for n in shape)
    graph = part(5, dims + part(2, 1) + part(8, "w") + part(9, KERNEL.tobytes()))
    with pytest.raises(MalformedFileError):
        load(tmp_path, [node("Conv", ["x", "w"], ["y"])], in_graph=graph)


def test_more_arrays_than_so_many_layers_have_are_refused_however_small(tmp_path):
    held = {f"w{n}": np.zeros(0, np.float32) for n in range(43)}
    nodes = [node("Relu", ["x"], ["y"])]
    assert len(load(tmp_path, nodes, held, limits=Limits(layers=10)).layers) == 2
    with pytest.raises(LimitError, match="44 arrays, as 11 layers have, more than the 10 that"):
        load(tmp_path, nodes, held | {"w": np.zeros(0, np.float32)}, limits=Limits(layers=10))


def test_more_nodes_than_allowed_are_refused(tmp_path):
    nodes = [node("Relu", ["x"], [f"y{n}"]) for n in range(30)]
    with pytest.raises(LimitError, match="nodes or more"):
        load(tmp_path, nodes, limits=Limits(layers=30))
    assert len(load(tmp_path, nodes, limits=Limits(layers=31)).layers) == 31


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_a_model_that_was_cut_short_is_no_network(tmp_path, kept):
    data = (FIXTURES / "torch_legacy_train.onnx").read_bytes()
    path = tmp_path / "m.onnx"
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(ReadError):
        filtviz.load(path)


def test_what_a_convolution_is_given_and_does_is_all_there(tmp_path):
    found = load(tmp_path, [node("Conv", ["x", "w"], ["y"])], {"w": KERNEL}).conv_layers[0]
    assert isinstance(found.operations[0], Convolution)
    assert [parameter.name for parameter in found.parameters] == ["W"]
    assert found.name == "node of y"


@pytest.mark.parametrize(("domain", "opset"), [("", "17"), ("ai.onnx", "17"), ("com.other", "1")])
def test_the_version_of_onnxs_own_operators_is_told_under_both_of_its_names(tmp_path, domain, opset):
    data = model([node("Conv", ["x", "w"], ["y"])], {"w": KERNEL})
    own = part(8, part(1, "") + part(2, 17))
    assert own in data
    (tmp_path / "m.onnx").write_bytes(data.replace(own, part(8, part(1, domain) + part(2, 17))))
    assert filtviz.load(tmp_path / "m.onnx").origin.versions["opset"] == opset


def test_weights_may_lie_at_any_byte_of_another_file_and_to_its_end(tmp_path):
    for offset in (1, 4, 6):
        (tmp_path / "inner").mkdir(exist_ok=True)
        (tmp_path / "inner" / "data").write_bytes(bytes(offset) + KERNEL.tobytes())
        assert np.array_equal(load_external(tmp_path, "data", offset=offset), KERNEL)
    with pytest.raises(MalformedFileError, match="needs"):
        load_external(tmp_path, "data", offset=6, length=0)
