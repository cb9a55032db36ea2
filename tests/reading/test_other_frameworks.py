"""Caffe, Darknet, GGUF, MXNet, Paddle: kernels, what lies beside the file, and files that lie."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

import filtviz
from filtviz.errors import LimitError, MalformedFileError, ReadError, UnsupportedFileError
from filtviz.operations import (
    Activation,
    Concatenate,
    Convolution,
    Dense,
    Input,
    Normalisation,
    Pooling,
    Untold,
)
from filtviz.reading.formats import caffe as caffes
from filtviz.reading.limits import Limits
from tests.reading.operators.asking import message

from .test_onnx import part, varint

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "modern" / "others"
KERNELS = json.loads((FIXTURES / "kernels.json").read_text(encoding="utf-8"))
FRAMEWORKS = {"darknet_new": "Darknet", "cnn_f32.gguf": "ggml", "cnn_q8.gguf": "ggml", "pd_infer": "Paddle"}


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", KERNELS)
def test_kernels_are_the_frameworks_own(name):
    network = filtviz.load(FIXTURES / name)
    planar = [layer for layer in network.conv_layers if len(layer.weights.shape) == 4]
    wanted = {one["sha256_c_order"]: one for one in KERNELS[name]}
    assert len(planar) == len(wanted)
    for layer in planar:
        told = wanted[hashlib.sha256(np.ascontiguousarray(layer.W).tobytes()).hexdigest()]
        assert (list(layer.W.shape), str(layer.W.dtype)) == (told["shape"], told["dtype"])
        assert layer.axes == told["axes"].translate(str.maketrans("hw", "rc"))
        assert told["groups"] is None or layer.convolution.groups in (None, told["groups"])
        assert layer.flip_filters is False
    assert network.origin.framework == FRAMEWORKS.get(name.partition("/")[0], "MXNet")


def changed(tmp_path: Path, name: str, place: int, data: bytes) -> Path:
    whole = bytearray((FIXTURES / name).read_bytes())
    whole[place : place + len(data)] = data
    path = tmp_path / Path(name).name
    path.write_bytes(whole)
    return path


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "name", ["gluon.params", "cnn_f32.gguf", "pd_infer/model.pdiparams", "darknet_new/net.weights"]
)
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.97])
def test_a_file_that_was_cut_short_is_one_sentence(tmp_path, name, kept):
    source = FIXTURES / name
    shutil.copytree(source.parent, tmp_path / "m")
    path = tmp_path / "m" / source.name
    data = source.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(ReadError):
        filtviz.load(path)


@pytest.mark.cases(27)
@pytest.mark.parametrize("name", ["gluon.params", "cnn_f32.gguf"])
@pytest.mark.parametrize("place", range(8, 300, 11))
def test_a_header_that_was_changed_is_a_network_or_one_sentence(tmp_path, name, place):
    try:
        network = filtviz.load(changed(tmp_path, name, place, b"\xff\xff\xff\x7f"))
        assert all(layer.weights.size < 1 << 20 for layer in network.conv_layers)
    except ReadError:
        pass


def test_tensors_packed_into_blocks_are_refused_only_where_they_are_read():
    """GHSA-vgg9-87g3-85w8 and its kin: counts and offsets of tensors that overflow."""
    network = filtviz.load(FIXTURES / "cnn_q8.gguf")
    packed = [one for layer in network.layers for one in layer.parameters if one.dtype.kind == "V"]
    assert packed
    with pytest.raises(UnsupportedFileError, match="packed into blocks"):
        _ = packed[0].value
    assert network.conv_layers[0].W.shape == (8, 3, 5, 5)


def test_more_tensors_than_allowed_are_refused():
    for name, n in (("cnn_f32.gguf", 2), ("gluon.params", 3), ("pd_infer/model.pdiparams", 3)):
        with pytest.raises(LimitError):
            filtviz.load(FIXTURES / name, limits=Limits(layers=n))


def test_what_belongs_to_a_file_must_lie_beside_it(tmp_path):
    with pytest.raises(UnsupportedFileError, match=r"put lone\.cfg beside them"):
        filtviz.load(FIXTURES / "lone.weights")
    shutil.copy(FIXTURES / "pd_infer" / "model.pdiparams", tmp_path)
    with pytest.raises(UnsupportedFileError, match=r"model\.pdmodel or model\.json"):
        filtviz.load(tmp_path / "model.pdiparams")
    (tmp_path / "model.json").write_text('{"program": {"regions": []}}')
    with pytest.raises(MalformedFileError, match="none of Paddle's"):
        filtviz.load(tmp_path / "model.pdiparams")
    (tmp_path / "model.json").write_text('{"program": {"regions": [{"blocks": [{"ops": []}]}]}}')
    with pytest.raises(MalformedFileError, match="names 0"):
        filtviz.load(tmp_path / "model.pdiparams")


def darknet(tmp_path: Path, text: str, n: int = 4000) -> filtviz.Network:
    numbers = np.arange(n, dtype="<f4")
    (tmp_path / "net.weights").write_bytes(struct.pack("<iiiq", 0, 2, 5, 0) + numbers.tobytes())
    (tmp_path / "net.cfg").write_text(text)
    return filtviz.load(tmp_path / "net.weights")


NET = "[net]\nwidth=8\nheight=8\nchannels=3\n"
CONV = "[convolutional]\nfilters=4\nsize=3\nstride=1\npad=1\nactivation=leaky\n"


@pytest.mark.cases("all")
@pytest.mark.parametrize(("version", "header"), [((0, 1), 16), ((0, 2), 20), ((0, 3), 20), ((0, 0), 16)])
def test_from_version_0_2_on_darknet_counts_its_images_in_eight_bytes(tmp_path, version, header):
    numbers = np.arange(4 + 4 * 27, dtype="<f4")
    start = struct.pack("<iii", *version, 5) + bytes(header - 12)
    (tmp_path / "net.weights").write_bytes(start + numbers.tobytes())
    (tmp_path / "net.cfg").write_text(NET + CONV)
    network = filtviz.load(tmp_path / "net.weights")
    assert network.layers[1].parameters[1].value.tolist() == [0, 1, 2, 3]
    assert network.origin.notes == ()


def test_a_configuration_tells_darknets_layers(tmp_path):
    text = NET + CONV + CONV + "batch_normalize=1\n[route]\nlayers=-1,0\n[maxpool]\nsize=2\nstride=2\n"
    network = darknet(tmp_path, text)
    assert [layer.name for layer in network.layers][1:] == [
        "0.convolutional",
        "1.convolutional",
        "2.route",
        "3.maxpool",
    ]
    assert network.layers[1].parameters[1].value.tolist() == [0, 1, 2, 3]
    assert network.layers[1].parameters[0].value.ravel()[0] == 4
    first = 4 + 4 * 27
    assert network.layers[2].parameters[1].value[0] == first
    assert [one.value.ravel()[0] - first for one in network.layers[2].parameters[2:]] == [4, 8, 12]
    assert network.layers[2].parameters[0].value.ravel()[0] == first + 16
    kinds = [type(one) for one in network.layers[2].operations]
    assert kinds == [Convolution, Normalisation, Activation]
    assert isinstance(network.layers[3].operations[0], Concatenate)
    assert network.layers[3].inputs == (2, 1)
    assert network.layers[4].output_shape == (None, 8, 4, 4)
    assert isinstance(network.layers[4].operations[0], Pooling)
    assert any("are not told" in note for note in network.origin.notes)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "text",
    [
        "", CONV, NET + "[route]\nlayers=5\n", NET + "[route]\nlayers=-3\n", NET + "[shortcut]\n",
        NET + CONV.replace("filters=4", "filters=-4"), NET + CONV.replace("filters=4", "filters=99999999"),
        NET + CONV.replace("stride=1", "stride=0"), NET + CONV.replace("size=3", "size=900000"),
        NET + CONV + "groups=2\n", NET + "[connected]\noutput=100000\n",
    ],
)  # fmt: skip
def test_a_configuration_that_cannot_be_is_one_sentence(tmp_path, text):
    with pytest.raises(MalformedFileError):
        darknet(tmp_path, text)


# Caffe, put together here


def blob(array: np.ndarray, *, old: bool = False) -> bytes:
    data = part(5, array.astype("<f4").tobytes())
    if old:
        lengths = (1,) * (4 - array.ndim) + array.shape
        return b"".join(part(field, n) for field, n in zip((1, 2, 3, 4), lengths, strict=True)) + data
    packed = b"".join(varint(n) for n in array.shape)
    return part(7, part(1, packed)) + data


KERNEL = np.arange(4 * 3 * 3 * 3, dtype=np.float32).reshape(4, 3, 3, 3)


def caffe_layer(name: str, kind: str, bottom: str, top: str, *blobs: bytes, more: bytes = b"") -> bytes:
    ends = (part(3, bottom) if bottom else b"") + part(4, top)
    return part(100, part(1, name) + part(2, kind) + ends + b"".join(part(7, one) for one in blobs) + more)


def caffe(tmp_path: Path, *layers: bytes) -> filtviz.Network:
    inputs = part(3, "data") + b"".join(part(4, n) for n in (1, 3, 8, 8))
    path = tmp_path / "m.caffemodel"
    path.write_bytes(part(1, "net") + inputs + b"".join(layers))
    return filtviz.load(path)


def test_caffes_layers_feed_each_other_by_the_names_of_their_results(tmp_path):
    numbers = part(1, 4) + part(3, 1) + part(4, 3) + part(5, 1) + part(6, 2)
    network = caffe(
        tmp_path,
        caffe_layer(
            "conv1", "Convolution", "data", "a", blob(KERNEL), blob(np.ones(4)), more=part(106, numbers)
        ),
        caffe_layer("relu1", "ReLU", "a", "a"),
        caffe_layer("pool1", "Pooling", "a", "b", more=part(121, part(1, 0) + part(2, 3) + part(3, 2))),
        caffe_layer("fc", "InnerProduct", "b", "c", blob(np.ones((10, 16)))),
    )
    assert [layer.name for layer in network.layers] == ["data", "conv1", "relu1", "pool1", "fc"]
    assert [layer.inputs for layer in network.layers] == [(), (0,), (1,), (2,), (3,)]
    found = network.conv_layers[0].convolution
    assert (found.axes, found.stride, found.pad, found.groups) == ("oirc", (2, 2), ((1, 1), (1, 1)), 1)
    assert np.array_equal(network.conv_layers[0].W, KERNEL)
    assert isinstance(network.layers[0].operations[0], Input)
    assert network.layers[3].output_shape == (1, 4, 2, 2)
    assert isinstance(network.layers[4].operations[-1], Dense)
    assert network.layers[4].output_shape == (1, 10)


@pytest.mark.parametrize("shape", [(), (10,)])
def test_weights_of_a_dense_layer_have_two_axes(tmp_path, shape):
    network = caffe(tmp_path, caffe_layer("fc", "InnerProduct", "data", "c", blob(np.ones(shape))))
    assert isinstance(network.layers[1].operations[0], Untold)


def test_caffes_first_generation_has_other_numbers_for_the_same(tmp_path):
    numbers = part(1, 4) + part(4, 3) + part(5, 1)
    layer = part(4, "conv1") + part(5, 4) + part(2, "data") + part(3, "a") + part(10, numbers)
    layer += part(6, blob(KERNEL, old=True)) + part(6, blob(np.ones(4), old=True))
    path = tmp_path / "m.caffemodel"
    path.write_bytes(part(1, "net") + part(2, layer) + part(3, "data"))
    found = filtviz.load(path).conv_layers[0]
    assert np.array_equal(found.W, KERNEL)
    assert (found.name, found.type, found.b.shape) == ("conv1", "Convolution", (4,))


def test_a_blob_without_its_numbers_is_refused(tmp_path):
    huge = part(7, part(1, varint(1 << 30) + varint(1 << 30) + varint(9) + varint(9))) + part(5, b"\0" * 64)
    with pytest.raises(MalformedFileError, match=r"needs|says"):
        caffe(tmp_path, caffe_layer("c", "Convolution", "data", "a", huge, more=part(106, part(1, 4))))


def test_a_model_without_weights_says_which_file_has_them(tmp_path):
    with pytest.raises(UnsupportedFileError, match="caffemodel"):
        caffe(tmp_path, caffe_layer("relu1", "ReLU", "data", "a"))


@pytest.mark.parametrize(
    ("mark", "says"),
    [("manifest.ocdbt", "Orbax"), ("Data/com.apple.CoreML", "Core ML"), ("readme.md", "folder")],
)
def test_a_folder_that_is_no_model_is_named(tmp_path, mark, says):
    (tmp_path / mark).parent.mkdir(exist_ok=True)
    (tmp_path / mark).write_text("")
    with pytest.raises(ReadError, match=says):
        filtviz.load(tmp_path)


# Paddle's programs


def field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def paddle(tmp_path: Path, kernels: dict[str, tuple[int, ...]], operations: list[bytes]) -> filtviz.Network:
    """Paddle's parameters, all zero, and the program that works with them."""
    held = b""
    for name in sorted(kernels):
        told = field(1, 5) + b"".join(field(2, n) for n in kernels[name])
        held += bytes(16) + struct.pack("<i", len(told)) + told + bytes(4 * int(np.prod(kernels[name])))
    variables = b"".join(field(3, field(1, name) + field(3, 1)) for name in kernels)
    block = field(1, 0) + field(2, -1) + variables + b"".join(field(4, one) for one in operations)
    (tmp_path / "m.pdiparams").write_bytes(held)
    (tmp_path / "m.pdmodel").write_bytes(field(1, block))
    return filtviz.load(tmp_path / "m.pdiparams")


def convolution(kernel: str, **attributes: list[int] | int) -> bytes:
    held = b""
    for name, value in attributes.items():
        said = (
            field(3, value) if isinstance(value, int) else field(5, value) if isinstance(value, str) else b""
        )
        said += b"".join(field(6, one) for one in value) if isinstance(value, list) else b""
        held += field(4, field(1, name) + said)
    return field(1, field(1, "Filter") + field(2, kernel)) + field(3, "conv2d") + held


def test_the_program_tells_in_which_order_and_how_convolutions_run(tmp_path):
    first = convolution("conv2d_9.w_0", strides=[2, 1], paddings=[1, 2], dilations=[1, 3], groups=1)
    second = convolution("conv2d_2.w_0", strides=[1, 1], paddings=[0, 1, 2, 3], dilations=[1, 1], groups=2)
    kernels = {"conv2d_2.w_0": (4, 4, 3, 3), "conv2d_9.w_0": (8, 3, 3, 3)}
    network = paddle(tmp_path, kernels, [first, second])
    assert [layer.name for layer in network.conv_layers] == ["conv2d_9", "conv2d_2"]
    one, other = (layer.convolution for layer in network.conv_layers)
    assert (one.stride, one.pad, one.dilation, one.groups) == ((2, 1), ((1, 1), (2, 2)), (1, 3), 1)
    assert (other.stride, other.pad, other.dilation, other.groups) == ((1, 1), ((0, 1), (2, 3)), (), 2)
    assert "as it runs" in network.origin.order
    assert "each layer feeds the next one that fits it" in network.origin.inferred[0]


@pytest.mark.cases("all")
@pytest.mark.parametrize("wrong", [{"strides": [0, 1]}, {"paddings": [-1, 0]}, {"paddings": [1]}, {}])
def test_what_a_program_does_not_say_or_cannot_mean_stays_open(tmp_path, wrong):
    network = paddle(tmp_path, {"conv2d_0.w_0": (8, 3, 3, 3)}, [convolution("conv2d_0.w_0", **wrong)])
    found = network.conv_layers[0].convolution
    assert (found.stride, found.pad, found.groups) == (None, None, None)


def test_a_program_by_itself_says_which_file_to_name(tmp_path):
    paddle(tmp_path, {"conv2d_0.w_0": (8, 3, 3, 3)}, [])
    with pytest.raises(UnsupportedFileError, match=r"name the \.pdiparams file"):
        filtviz.load(tmp_path / "m.pdmodel")
    (tmp_path / "net.cfg").write_text(NET)
    with pytest.raises(UnsupportedFileError, match=r"name the \.weights file"):
        filtviz.load(tmp_path / "net.cfg")


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("number", "kind", "feeds", "is_layer"),
    [
        (1, "ReLU", part(3, "a"), True),
        (1, "ReLU", part(4, "a"), True),
        (1, "ReLU", b"", False),
        (1, "", part(3, "a"), False),
        (1, "Re LU", part(3, "a"), False),
        (1, "1", part(3, "a"), False),
    ],
)
def test_a_layer_of_caffes_has_a_type_and_something_that_it_takes_or_gives(number, kind, feeds, is_layer):
    told = message(part(number, "relu1") + (part(2, kind) if kind else b"") + feeds)
    assert caffes._is_layer(told, new=True) is is_layer


def test_a_layer_of_caffes_first_generation_has_a_number_for_a_type():
    for data, is_layer in (
        (part(4, "c") + part(5, 4) + part(2, "a"), True),
        (part(4, "c") + part(5, 4) + part(3, "a"), True),
        (part(4, "c") + part(2, "a"), False),
        (part(4, "c") + part(5, 4), False),
        (part(4, "\x07") + part(5, 4) + part(2, "a"), False),
    ):
        assert caffes._is_layer(message(data), new=False) is is_layer


def test_a_layer_of_caffes_without_a_type_is_told_to_be_one_that_is_not_followed(tmp_path):
    path = tmp_path / "m.caffemodel"
    conv = caffe_layer(
        "c", "Convolution", "data", "a", blob(np.ones((4, 3, 3, 3))), more=part(106, part(1, 4))
    )
    path.write_bytes(conv + part(100, part(1, "odd") + part(3, "a")))
    network = filtviz.load(path)
    assert [layer.type for layer in network.layers][-1] == ""
    assert "does not follow layers of type " in network.layers[-1].operations[0].reason


def test_a_shortcut_adds_all_that_it_names_and_comments_say_nothing(tmp_path):
    short = "[shortcut] ; added\nfrom=-3,-2 # both\nactivation=leaky\n"
    network = darknet(tmp_path, NET + CONV + CONV.replace("filters=4", "filters=4") + CONV + short)
    added = network.layers[4]
    assert (added.inputs, type(added.operations[0]).__name__) == ((3, 1, 2), "Merge")
    assert added.operations[1].alpha == 0.1
    route = darknet(tmp_path, NET + CONV + "[route]\nlayers=0\ngroups=2\ngroup_id=1\n" + CONV).layers
    assert route[2].output_shape == (None, 2, 8, 8)
    assert route[3].convolution.n_channels == 2


def test_strides_of_darknets_have_one_for_each_axis_and_windows_are_longer_behind(tmp_path):
    strided = CONV + "stride_y=2\nstride_x=4\n[maxpool]\nsize=2\nstride=1\n[connected]\noutput=3\n"
    conv, pool, dense = darknet(tmp_path, NET + strided, 20_000).layers[1:]
    assert conv.convolution.stride == (2, 4)
    assert pool.operations[0].pad == ((0, 1), (0, 1))
    assert dense.operations[-1].kind == "sigmoid", "darknet's own default"


@pytest.mark.parametrize(
    ("lengths", "shape"), [((1, 3, 8, 9), (1, 3, 8, 9)), ((0, 3, -1, 9), (None, 3, None, 9))]
)
@pytest.mark.parametrize("as_message", [False, True])
def test_lengths_of_caffes_inputs_that_are_not_above_zero_are_open(tmp_path, lengths, shape, as_message):
    numbers = b"".join(part(1 if as_message else 4, n) for n in lengths)
    head = part(1, "net") + part(3, "data") + (part(8, numbers) if as_message else numbers)
    layer = caffe_layer(
        "c", "Convolution", "data", "a", blob(KERNEL), more=part(106, part(1, 4) + part(4, 3))
    )
    (tmp_path / "m.caffemodel").write_bytes(head + layer)
    assert filtviz.load(tmp_path / "m.caffemodel").layers[0].output_shape == shape


def test_a_layer_of_caffes_gives_all_its_results_to_those_that_name_them(tmp_path):
    network = caffe(
        tmp_path,
        caffe_layer("split", "Split", "data", "a", more=part(4, "b")),
        caffe_layer("c", "Convolution", "b", "c", blob(KERNEL), more=part(106, part(1, 4) + part(4, 3))),
        caffe_layer("r", "ReLU", "a", "r"),
    )
    assert [layer.inputs for layer in network.layers] == [(), (0,), (1,), (1,)]
