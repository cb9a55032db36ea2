"""Caffe's first form of layers and the types that others added to it; MXNet's symbol beside its arrays."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz.network import Network
from filtviz.operations import LocalResponse, Pooling
from filtviz.reading.formats import mxnet as mxnets
from filtviz.reading.tensor_names import Tensor
from tests.reading.making import weights
from tests.reading.test_onnx import part
from tests.reading.test_other_frameworks import blob, caffe, caffe_layer

FIRST, SECOND = weights(16, 3, 5, 5), weights(32, 8, 3, 3, seed=1)


# Caffe


def first_form(name: str, kind: str, bottom: str, top: str, *blobs: np.ndarray, **numbers: int) -> bytes:
    """A layer of the first generation around a ``V0LayerParameter``."""
    fields = {"pad": 7, "size": 8, "group": 9, "stride": 10, "pool": 11, "local_size": 13}
    inner = part(1, name) + part(2, kind)
    inner += b"".join(part(fields[key], value) for key, value in numbers.items())
    inner += b"".join(part(50, blob(one, old=True)) for one in blobs)
    return part(2, part(1, inner) + part(2, bottom) + part(3, top))


def test_caffes_first_form_has_its_kernels_with_their_geometry(tmp_path):
    data = part(1, "net") + part(3, "data") + b"".join(part(4, n) for n in (1, 3, 32, 32))
    data += first_form("conv1", "conv", "data", "a", FIRST, weights(16), size=5, stride=2)
    data += first_form("relu1", "relu", "a", "a")
    data += first_form("norm1", "lrn", "a", "n", local_size=3)
    data += first_form("pool1", "pool", "n", "b", size=3, stride=2, pool=1)
    data += first_form("conv2", "conv", "b", "c", SECOND, weights(32), size=3, group=2, pad=1)
    path = tmp_path / "old.caffemodel"
    path.write_bytes(data)
    network = filtviz.load(path)
    first, second = (layer.convolution for layer in network.conv_layers)
    assert np.array_equal(network.conv_layers[0].W, FIRST)
    assert np.array_equal(network.conv_layers[1].W, SECOND)
    assert (first.stride, first.pad, first.groups) == ((2, 2), ((0, 0), (0, 0)), 1)
    assert (second.stride, second.pad, second.groups) == ((1, 1), ((1, 1), (1, 1)), 2)
    assert [layer.type for layer in network.layers[1:]] == [
        "Convolution",
        "ReLU",
        "LRN",
        "Pooling",
        "Convolution",
    ]
    norm, pooling = network.layers[3].operations[0], network.layers[4].operations[0]
    assert isinstance(norm, LocalResponse)
    assert (norm.n, norm.alpha) == (3, pytest.approx(1 / 3))
    assert isinstance(pooling, Pooling)
    assert (pooling.kind, pooling.size, pooling.stride) == ("mean", (3, 3), (2, 2))
    assert network.layers[-1].output_shape == (1, 32, 7, 7)


def test_what_only_begins_like_the_first_form_is_not_caffes(tmp_path):
    path = tmp_path / "m.caffemodel"
    path.write_bytes(part(1, "net") + first_form("conv1", "unheard", "data", "a", FIRST))
    with pytest.raises(filtviz.FiltvizError, match="protocol buffer"):
        filtviz.load(path)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("kind", "kernel", "group", "groups"),
    [
        ("DepthwiseConvolution", weights(16, 1, 3, 3), 16, 16),
        ("ConvolutionDepthwise", weights(16, 1, 3, 3), 1, 16),
        ("MyConvolution", weights(16, 1, 3, 3), 1, 1),
        ("Convolution", weights(16, 1, 3, 3), 1, 1),
    ],
)
def test_convolutions_of_types_that_others_added_have_kernels(tmp_path, kind, kernel, group, groups):
    network = caffe(
        tmp_path,
        caffe_layer("dw", kind, "data", "a", blob(kernel), more=part(106, part(4, 3) + part(5, group))),
    )
    (layer,) = network.conv_layers
    assert np.array_equal(layer.W, kernel)
    assert layer.convolution.groups == groups


def test_a_layer_of_another_type_with_four_axes_is_no_convolution(tmp_path):
    network = caffe(tmp_path, caffe_layer("t", "Table", "data", "a", blob(FIRST), more=part(106, part(4, 3))))
    assert network.conv_layers == ()
    assert "does not follow layers of type Table" in str(network.layers[1].operations[0])


# MXNet

UP = weights(16, 4, 4, 4, seed=2)
ARRAYS = {
    "arg:up_weight": UP,
    "arg:conv0_weight": FIRST,
    "arg:b_conv_weight": SECOND,
    "arg:b_conv_bias": weights(32),
}
NODES: list[dict[str, Any]] = [
    {"op": "null", "name": "data", "inputs": []},
    {"op": "null", "name": "conv0_weight", "inputs": []},
    {"op": "Convolution", "name": "conv0", "attrs": {"kernel": "(5, 5)", "stride": "(2, 2)"},
     "inputs": [[0, 0, 0], [1, 0, 0]]},
    {"op": "null", "name": "b_conv_weight", "inputs": []},
    {"op": "null", "name": "b_conv_bias", "inputs": []},
    {"op": "Convolution", "name": "b_conv", "param": {"kernel": "(3,3)", "num_group": "2", "pad": "(1,0)"},
     "inputs": [[2, 0], [3, 0], [4, 0]]},
    {"op": "null", "name": "up_weight", "inputs": []},
    {"op": "Deconvolution", "name": "up", "attr": {"kernel": "(4, 4)", "num_group": "2", "dilate": "(2, 2)"},
     "inputs": [[5, 0], [6, 0]]},
]  # fmt: skip


def mxnet(tmp_path: Path, symbol: Any, name: str = "net-symbol.json") -> Network:
    def array(held: np.ndarray) -> bytes:
        shape = struct.pack(f"<I{held.ndim}I", held.ndim, *held.shape)  # the oldest layout
        return shape + struct.pack("<iii", 1, 0, 0) + held.tobytes()

    data = struct.pack("<QQQ", 0x112, 0, len(ARRAYS)) + b"".join(map(array, ARRAYS.values()))
    data += struct.pack("<Q", len(ARRAYS))
    data += b"".join(struct.pack("<Q", len(one)) + one.encode() for one in ARRAYS)
    (tmp_path / "net-0007.params").write_bytes(data)
    (tmp_path / name).write_text(symbol if isinstance(symbol, str) else json.dumps(symbol), encoding="utf-8")
    return filtviz.load(tmp_path / "net-0007.params")


def test_the_symbol_beside_mxnets_arrays_tells_order_and_geometry(tmp_path):
    network = mxnet(tmp_path, {"nodes": NODES})
    assert [one.name for one in network.conv_layers] == ["conv0", "b_conv", "up"]
    first, second, last = (one.convolution for one in network.conv_layers)
    assert [one.groups for one in (first, second, last)] == [1, 2, 2]
    assert (first.stride, second.stride) == ((2, 2), (1, 1))
    assert (second.pad, second.dilation) == (((1, 1), (0, 0)), ())
    assert (last.transposed, last.axes, last.dilation) == (True, "iorc", (2, 2))
    assert np.array_equal(network.conv_layers[2].W, UP)
    assert network.origin.order == "the symbol beside the file, as it runs"


@pytest.mark.parametrize(
    ("layout", "kernel", "axes"),
    [
        ("NHWC", "(3, 3)", "orci"),
        ("NCHW", "(3, 3)", "oirc"),
        ("NHWC", "(5, 3)", "oirc"),  # of another kernel than the file's
    ],
)
def test_mxnets_symbol_tells_where_a_kernels_channels_stand(tmp_path, monkeypatch, layout, kernel, axes):
    held = weights(6, 3, 3, 3, seed=5)
    monkeypatch.setattr("tests.reading.test_older_forms.ARRAYS", {"arg:c_weight": held})
    said = {"kernel": kernel, "layout": layout}
    nodes = [
        {"op": "null", "name": "data", "inputs": []},
        {"op": "null", "name": "c_weight", "inputs": []},
        {"op": "Convolution", "name": "c", "attrs": said, "inputs": [[0, 0, 0], [1, 0, 0]]},
    ]
    (layer,) = mxnet(tmp_path, {"nodes": nodes}).conv_layers
    assert layer.convolution.axes == axes
    assert np.array_equal(layer.filters, held.transpose(0, 3, 1, 2) if axes == "orci" else held)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ({"nodes": NODES}, "other-symbol.json"),
        ("{no json", "net-symbol.json"),
        (
            {"nodes": [*NODES[:-1], {"op": "Deconvolution", "name": "up", "inputs": [[99, 0]]}]},
            "net-symbol.json",
        ),
        ({"nodes": [{"op": [], "name": "x", "inputs": 3}]}, "net-symbol.json"),
    ],
    ids=["of another file", "damaged", "of nodes that are not there", "of another form"],
)
def test_without_such_a_symbol_names_and_shapes_tell_what_they_tell(tmp_path, symbol, name):
    network = mxnet(tmp_path, symbol, name)
    assert [one.name for one in network.conv_layers] == ["conv0", "b_conv", "up"]
    assert [one.convolution.groups for one in network.conv_layers] == [None, None, None]
    assert "names" in network.origin.order


def test_what_a_symbol_says_of_kernels_of_another_size_does_not_count(tmp_path):
    wrong = [*NODES[:5], NODES[5] | {"param": {"kernel": "(5,5)", "num_group": "2"}}, *NODES[6:]]
    network = mxnet(tmp_path, {"nodes": wrong})
    assert [one.convolution.groups for one in network.conv_layers] == [1, None, 2]


@pytest.mark.parametrize("magic", [0xF993FAC8, 0xF993FAC9, 0xF993FACA])
def test_every_layout_of_mxnets_arrays_is_read(tmp_path, magic):
    held = weights(2, 3, 3, 3)
    kind = b"" if magic == 0xF993FAC8 else struct.pack("<i", 0)
    array = struct.pack("<I", magic) + kind + struct.pack("<I4q", 4, *held.shape)
    array += struct.pack("<iii", 1, 0, 0) + held.tobytes()
    data = struct.pack("<QQQ", 0x112, 0, 1) + array + struct.pack("<QQ", 1, 12) + b"aux:c_weight"
    (tmp_path / "net.params").write_bytes(data)
    network = filtviz.load(tmp_path / "net.params")
    assert [one.name for one in network.conv_layers] == ["c"]
    assert np.array_equal(network.conv_layers[0].W, held)


@pytest.mark.parametrize(
    ("magic", "is_number"), [(0xF993FAC8, False), (0xF993FAC9, False), (0xF993FACA, True)]
)
def test_an_array_of_mxnets_without_axes_is_none_but_in_the_newest_layout(tmp_path, magic, is_number):
    kernel = weights(2, 3, 3, 3)
    kind = b"" if magic == 0xF993FAC8 else struct.pack("<i", 0)
    number = struct.pack("<I", magic) + kind + struct.pack("<I", 0)
    number += struct.pack("<iii", 1, 0, 0) + np.float32(3).tobytes() if is_number else b""
    array = struct.pack("<I", magic) + kind + struct.pack("<I4q", 4, *kernel.shape)
    array += struct.pack("<iii", 1, 0, 0) + kernel.tobytes()
    names = (b"arg:c_beta", b"arg:c_weight")
    data = struct.pack("<QQQ", 0x112, 0, 2) + number + array + struct.pack("<Q", 2)
    (tmp_path / "net.params").write_bytes(
        data + b"".join(struct.pack("<Q", len(name)) + name for name in names)
    )
    network = filtviz.load(tmp_path / "net.params")
    assert np.array_equal(network.conv_layers[0].W, kernel)
    held = [one for layer in network.layers for one in layer.parameters if one.shape == ()]
    assert [float(one.value) for one in held] == ([3.0] if is_number else [])


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("op", "said", "facts"),
    [
        ("Pooling", {"kernel": "(3, 3)"}, {}),
        ("Convolution", {"kernel": "(3, 2)"}, {"stride": (1, 1), "pad": ((0, 0), (0, 0)), "groups": 1}),
        ("Convolution", {"kernel": "(3, 2)", "stride": "(2, 3)", "dilate": "(1, 2)", "pad": "(1, 0)"},
         {"stride": (2, 3), "dilation": (1, 2), "pad": ((1, 1), (0, 0)), "groups": 1}),
        ("Convolution", {"kernel": "(3, 2)", "stride": "(0, 1)", "dilate": "(1, 1)", "num_group": "4"},
         {"pad": ((0, 0), (0, 0)), "groups": 4}),
        ("Convolution", {"kernel": "(3, 2)", "layout": "NHWC", "num_group": "0"},
         {"stride": (1, 1), "pad": ((0, 0), (0, 0)), "axes": "orci"}),
        ("Convolution", {"kernel": "(3,)", "stride": "(2,)"}, {"groups": 1}),
        ("Deconvolution", {"kernel": "(3, 2)", "layout": "NHWC"},
         {"stride": (1, 1), "pad": ((0, 0), (0, 0)), "groups": 1}),
        ("Convolution", {"kernel": "(3, 2)", "layout": "NCHW"},
         {"stride": (1, 1), "pad": ((0, 0), (0, 0)), "groups": 1}),
    ],
)  # fmt: skip
def test_what_a_symbol_says_of_a_convolution(op, said, facts):
    kernel = tuple(int(one) for one in said["kernel"] if one.isdigit())
    own = {"transposed": op == "Deconvolution", "kernel": kernel} if op != "Pooling" else {}
    for key in ("attrs", "attr", "param"):
        assert mxnets._facts({"op": op, key: said}) == own | facts


def test_only_kernels_as_large_as_the_symbol_says_have_its_geometry():
    plain, last = {"kernel": (3, 2), "stride": (2, 2)}, {"kernel": (3, 2), "axes": "orci"}
    held = [Tensor(name=f"{name}.weight", array=np.zeros(shape)) for name, shape in (
        ("a", (4, 5, 3, 2)), ("b", (4, 5, 2, 3)), ("c", (4, 3, 2, 5)), ("d", (4, 5, 3, 2)),
    )]  # fmt: skip
    uses = {"a": plain, "b": plain, "c": last, "d": last, "e": plain, "f": {}}
    assert mxnets._fitting(uses, held) == {"a": {"stride": (2, 2)}, "c": {"axes": "orci"}}


def mxnet_arrays(names: list[str], n_arrays: int) -> bytes:
    """Kernels of one number, each its place."""
    data = struct.pack("<QQQ", 0x112, 0, n_arrays)
    for place in range(n_arrays):
        data += (
            struct.pack("<I4I", 4, 1, 1, 1, 1) + struct.pack("<iii", 1, 0, 0) + np.float32(place).tobytes()
        )
    named = b"".join(struct.pack("<Q", len(one)) + one.encode() for one in names)
    return data + struct.pack("<Q", len(names)) + named


@pytest.mark.parametrize("axes", [1, 2])
def test_arrays_of_mxnets_are_weights_from_two_axes_on(tmp_path, axes):
    """A matrix alone is a dense layer, a row of numbers alone nothing."""
    path = tmp_path / "net.params"
    array = struct.pack(f"<I{axes}I", axes, *[3] * axes) + struct.pack("<iii", 1, 0, 0)
    array += np.zeros(3**axes, "<f4").tobytes()
    path.write_bytes(struct.pack("<QQQ", 0x112, 0, 1) + array + struct.pack("<QQ", 1, 7) + b"a_gamma")
    if axes == 1:
        with pytest.raises(filtviz.UnsupportedFileError, match="parameter file without weights"):
            filtviz.load(path)
    else:
        assert [one.shape for layer in filtviz.load(path).layers for one in layer.parameters] == [(3, 3)]


def test_names_of_mxnets_are_in_their_natural_order_and_as_many_as_arrays(tmp_path):
    path = tmp_path / "net.params"
    path.write_bytes(mxnet_arrays([f"arg:c{n}_weight" for n in (10, 2, 1)], 3))
    assert [(one.name, int(one.W[0, 0, 0, 0])) for one in filtviz.load(path).conv_layers] == [
        ("c1", 2), ("c2", 1), ("c10", 0),
    ]  # fmt: skip
    path.write_bytes(mxnet_arrays([], 3))
    assert len(filtviz.load(path).conv_layers) == 3
    for n in (1, 2, 4):
        path.write_bytes(mxnet_arrays([f"c{i}" for i in range(n)], 3))
        with pytest.raises(filtviz.ReadError, match=f"it holds 3 arrays and {n} name"):
            filtviz.load(path)
