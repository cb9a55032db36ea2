"""Keras: every layout of weights, the graph of a configuration, and HDF5 that leads elsewhere."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz import live
from filtviz.errors import LimitError, MalformedFileError, ReadError, UnsupportedFileError
from filtviz.network import ConvLayer, Layer, Network
from filtviz.operations import (
    Concatenate,
    Convolution,
    Dense,
    Flatten,
    GlobalPooling,
    Merge,
    Normalisation,
    Pooling,
    Resize,
    Transpose,
    Untold,
)
from filtviz.parameter import Parameter
from filtviz.reading import hdf5
from filtviz.reading.arrays import StoredArray, stored
from filtviz.reading.formats.keras import _moved
from filtviz.reading.formats.keras.config import Builder, _Entry, _first_calls
from filtviz.reading.formats.keras.config import _policy as policy_of
from filtviz.reading.formats.keras.stores import class_in_path, listed_in
from filtviz.reading.limits import BYTES_OF_JSON, Limits, effort
from filtviz.running.preparing import read_pictures

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "modern" / "keras"
ATTACKS = FIXTURES / "attacks"
KERNELS = json.loads((FIXTURES / "kernels.json").read_text(encoding="utf-8"))


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", KERNELS)
def test_kernels_and_what_is_said_of_them_are_the_frameworks_own(name):
    network = filtviz.load(FIXTURES / name)
    wanted = {one["sha256_c_order"]: one for one in KERNELS[name]}
    assert len(network.conv_layers) == len(wanted)
    for layer in network.conv_layers:
        told = wanted[hashlib.sha256(np.ascontiguousarray(layer.W).tobytes()).hexdigest()]
        assert list(layer.W.shape) == told["shape"]
        assert str(layer.W.dtype) == told["dtype"]
        axes = "rcgo" if told["axes"] == "hwim" else told["axes"].translate(str.maketrans("hw", "rc"))
        assert layer.axes == ("rcoi" if told["transposed"] else axes)
        assert layer.flip_filters is False
        assert layer.convolution.groups in (told["groups"], told["groups"] if layer.is_told else None)
        if told["strides"] and layer.is_told and told["shape"][:2] != [1, 1]:
            assert layer.convolution.stride == tuple(told["strides"])
        filters = layer.filters
        assert filters.shape[0] == layer.n_filters
        assert filters.shape[1] == layer.n_channels
    assert network.origin.framework == "Keras"


def test_a_depthwise_kernel_is_one_picture_for_each_filter():
    layer = next(one for one in filtviz.load(FIXTURES / "seq.keras").conv_layers if one.name == "dw")
    assert (layer.n_filters, layer.n_channels, layer.kernel_size) == (16, 1, (3, 3))
    assert np.array_equal(layer.filters[5, 0], layer.W[:, :, 2, 1])  # channel 2, the second of its two
    assert layer.why_not_drawn is None


def test_a_sequence_is_whole():
    network = filtviz.load(FIXTURES / "seq.keras")
    assert [layer.name for layer in network.layers] == [
        "input_layer", "first", "dw", "sep/depthwise", "sep/pointwise", "grp", "up", "batch_normalization",
        "global_average_pooling2d", "dense",
    ]  # fmt: skip
    assert [layer.inputs for layer in network.layers] == [(), *((place,) for place in range(9))]
    assert network.layers[1].output_shape == (None, 8, 16, 16)
    assert network.layers[6].output_shape == (None, 5, 14, 14)
    assert network.layers[-1].output_shape == (None, 3)
    found = network.layers[7].operations[0]
    assert isinstance(found, Normalisation)
    assert (found.spread_is, found.epsilon) == ("variance", 1e-3)
    assert found.gamma is not None
    assert network.origin.left_out == ("the optimiser's state",)
    assert network.origin.versions["keras"].startswith("3.")
    assert not network.origin.inferred


@pytest.mark.parametrize("name", ["nested.keras", "tf_nested_legacy.h5"])
def test_a_model_within_a_model_is_taken_apart(name):
    network = filtviz.load(FIXTURES / name)
    assert [layer.name for layer in network.layers][1:] == [
        "encoder/e1", "encoder/e2", "skip", network.layers[4].name, network.layers[5].name, "head",
    ]  # fmt: skip
    assert isinstance(network.layers[4].operations[0], Merge)
    assert network.layers[4].inputs == (2, 3)


def test_weights_alone_say_what_they_leave_open():
    network = filtviz.load(FIXTURES / "seq.weights.h5")
    assert {layer.convolution.stride for layer in network.conv_layers} == {None}
    assert "natural order" in network.origin.order
    assert len(network.origin.inferred) == 2


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("conv2d_transpose_1", "Conv2DTranspose"),
        ("p_re_lu", "PReLU"),
        ("p_re_lu_3", "PReLU"),
        ("mine", "Mine"),
        ("my_conv3d_2", "MyConv3D"),
    ],
)
def test_a_path_names_a_class_as_keras_writes_it(path, name):
    assert class_in_path(path) == name


@pytest.mark.parametrize("name", ["of_its_own.keras", "of_its_own.weights.h5"])
def test_a_model_of_a_class_of_its_own_has_the_layers_that_are_its_attributes(name):
    network = filtviz.load(FIXTURES / name)
    assert [(layer.label, layer.type, layer.W.shape) for layer in network.conv_layers] == [
        ("conv1d", "Conv1D", (3, 3, 2)),
        ("first", "Conv2D", (3, 3, 3, 4)),
        ("block/layers/conv2d", "Conv2D", (3, 3, 4, 5)),
    ]
    assert network.origin.framework == "Keras"


def test_groups_of_attributes_that_hold_each_other_end():
    network = filtviz.load(ATTACKS / "loop_of_attributes.h5")
    assert [layer.label for layer in network.conv_layers] == ["a", "b"]


def test_a_configuration_beside_the_weights_tells_the_graph(tmp_path):
    with zipfile.ZipFile(FIXTURES / "seq.keras") as archive:
        config = archive.read("config.json")
    shutil.copy(FIXTURES / "seq.weights.h5", tmp_path / "model.weights.h5")
    (tmp_path / "model.json").write_bytes(config)
    network = filtviz.load(tmp_path)
    assert len(network.layers) == 10
    assert any("'model.json' beside" in note for note in network.origin.notes)
    (tmp_path / "model.json").write_bytes(config.replace(b'"name": "dw"', b'"name": "another"'))
    assert any("no graph" in one for one in filtviz.load(tmp_path).origin.inferred)
    (tmp_path / "model.json").write_text("[" * 100_000)
    assert any("no graph" in one for one in filtviz.load(tmp_path).origin.inferred)


# Configurations that are put together here, around the weights of one convolution


def keras(tmp_path: Path, layers: list[dict[str, Any]], *, functional: bool = False, **more: Any) -> Network:
    config: dict[str, Any] = {"name": "m", "layers": layers, **more}
    model = {"class_name": "Functional" if functional else "Sequential", "config": config}
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.5.0"}')
        archive.writestr("config.json", json.dumps(model))
        archive.write(ATTACKS / "secret.h5", "model.weights.h5")
    return filtviz.load(path)


def layer(class_name: str, name: str = "", calls: list[Any] | None = None, **config: Any) -> dict[str, Any]:
    found = {"class_name": class_name, "config": {"name": name or class_name.lower(), **config}}
    return found if calls is None else {**found, "inbound_nodes": calls}


INPUT = layer("InputLayer", "in", batch_shape=[None, 9, 11, 1])
CONV = layer("Conv2D", "conv", filters=4, kernel_size=[3, 3], strides=[1, 1], padding="valid", groups=1)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("config", "pad", "shape"),
    [
        ({}, ((0, 0), (0, 0)), (None, 4, 7, 9)),
        ({"padding": "same"}, ((1, 1), (1, 1)), (None, 4, 9, 11)),
        ({"padding": "same", "strides": [2, 2]}, ((1, 1), (1, 1)), (None, 4, 5, 6)),
        ({"padding": "same", "strides": 4}, ((1, 1), (0, 0)), (None, 4, 3, 3)),
        ({"padding": "same", "dilation_rate": [2, 1]}, ((2, 2), (1, 1)), (None, 4, 9, 11)),
    ],
)
def test_padding_to_the_same_size_has_the_longer_part_behind(tmp_path, config, pad, shape):
    conv = {**CONV, "config": {**CONV["config"], **config}}
    found = keras(tmp_path, [INPUT, conv]).conv_layers[0]
    assert found.convolution.pad == pad
    assert found.output_shape == shape


CLASSES = {
    "MaxPooling2D": (layer("MaxPooling2D", pool_size=[2, 2], strides=None), Pooling, (None, 4, 3, 4)),
    "pooling to the same size": (
        layer("AveragePooling2D", pool_size=2, padding="same"),
        Pooling,
        (None, 4, 4, 5),
    ),
    "GlobalMaxPooling2D": (layer("GlobalMaxPooling2D"), GlobalPooling, (None, 4)),
    "Flatten": (layer("Flatten"), Transpose, (None, 252)),
    "a class of its own": (layer("MyLayer", module="os", function="system"), Untold, None),
    "a Lambda": (layer("Lambda", function=["4wEAAAA=", None, None]), Untold, None),
    "ZeroPadding2D": (layer("ZeroPadding2D", padding=[[1, 2], [0, 3]]), None, (None, 4, 10, 12)),
    "Cropping2D": (layer("Cropping2D", cropping=[[1, 2], [0, 3]]), None, (None, 4, 4, 6)),
    "UpSampling2D": (layer("UpSampling2D", size=[2, 3]), None, (None, 4, 14, 27)),
    "UpSampling2D, linear": (layer("UpSampling2D", interpolation="bilinear"), Resize, (None, 4, 14, 18)),
    "Reshape": (layer("Reshape", target_shape=[7, 36]), Transpose, (None, 36, 7)),
    "Dropout": (layer("Dropout", rate=0.5), None, (None, 4, 7, 9)),
    "Rescaling": (layer("Rescaling", scale=0.5, offset=[-1, 0, 1, 2]), Normalisation, (None, 4, 7, 9)),
    "Rescaling by no number": (layer("Rescaling", scale="x"), Untold, (None, 4, 7, 9)),
    "Normalization without statistics": (layer("Normalization"), Untold, (None, 4, 7, 9)),
}  # fmt: skip


@pytest.mark.cases("all")
@pytest.mark.parametrize(("given", "kind", "shape"), CLASSES.values(), ids=CLASSES)
def test_classes_are_operations_and_no_name_is_imported(tmp_path, given, kind, shape):
    """CVE-2025-1550, CVE-2025-8747 and CVE-2025-9906: modules and functions in a configuration are names."""
    found = keras(tmp_path, [INPUT, CONV, given]).layers[-1]
    assert kind is None or isinstance(found.operations[0], kind)
    assert found.output_shape == shape


def test_a_rescaling_at_the_beginning_is_done_and_said(tmp_path):
    found = keras(tmp_path, [INPUT, layer("Rescaling", scale=0.5, offset=-1), CONV])
    images = np.random.default_rng(0).random((2, 9, 11, 1))
    plain = keras(tmp_path, [INPUT, CONV])
    np.testing.assert_allclose(found.run(images), plain.run(images * 0.5 - 1))
    np.save(tmp_path / "images.npy", images)
    said = read_pictures([tmp_path / "images.npy"], found).sentences
    assert said[0].startswith("the network itself begins with a normalisation (rescaling)")
    assert len(read_pictures([tmp_path / "images.npy"], plain).sentences) == 1


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("activation", "kind"),
    [
        ("relu", "rectify"), ("relu6", "clipped_rectify"), ("swish", "swish"), ("mine", "untold"),
        ({"class_name": "function", "config": "tanh"}, "tanh"), ("hard_sigmoid", "hard_sigmoid"),
    ],
)  # fmt: skip
def test_functions_behind_weights_are_told(tmp_path, activation, kind):
    conv = {**CONV, "config": {**CONV["config"], "activation": activation}}
    assert keras(tmp_path, [INPUT, conv]).layers[1].operations[1].kind == kind
    assert len(keras(tmp_path, [INPUT, CONV]).layers[1].operations) == 1


def test_a_graph_may_be_listed_in_any_order_and_in_both_ways_of_writing(tmp_path):
    tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": ["conv", 0, 0]}}
    layers = [
        layer("Concatenate", "cat", [{"args": [[tensor, tensor]], "kwargs": {}}], axis=-1),
        {**CONV, "inbound_nodes": [[["in", 0, 0, {}]]]},
        {**INPUT, "inbound_nodes": []},
    ]
    network = keras(
        tmp_path, layers, functional=True, input_layers=[["in", 0, 0]], output_layers=["cat", 0, 0]
    )
    assert [one.name for one in network.layers] == ["in", "conv", "cat"]
    assert isinstance(network.layers[2].operations[0], Concatenate)
    assert network.layers[2].inputs == (1, 1)
    assert network.layers[2].output_shape == (None, 8, 7, 9)


def test_a_layer_that_is_called_twice_stands_twice_and_is_said_to_be_tied(tmp_path):
    layers = [
        {**INPUT, "inbound_nodes": []},
        {**CONV, "inbound_nodes": [[["in", 0, 0, {}]], [["in", 0, 0, {}]]]},
        layer("Add", "add", [[["conv", 0, 0, {}], ["conv", 1, 0, {}]]]),
    ]
    network = keras(tmp_path, layers, functional=True)
    assert [one.inputs for one in network.layers] == [(), (0,), (0,), (1, 2)]
    assert any("they are tied" in note for note in network.origin.notes)


def test_a_circle_ends(tmp_path):
    layers = [
        {**INPUT, "inbound_nodes": []},
        {**CONV, "inbound_nodes": [[["in", 0, 0, {}]]]},
        layer("Dropout", "a", [[["b", 0, 0, {}]]]),
        layer("Dropout", "b", [[["a", 0, 0, {}]]]),
    ]
    network = keras(tmp_path, layers, functional=True)
    assert [one.name for one in network.layers] == ["in", "conv", "a", "b"]
    (note,) = (note for note in network.origin.notes if "can be followed" in note)
    assert "what a, b are given" in note or "a and b" in note


@pytest.mark.parametrize("first", [0, 1])
def test_calls_of_a_model_within_are_counted_as_either_keras_counts_them(tmp_path, first):
    """Keras 2 counts the model's own input as its first call, which it does not list."""
    part = {"class_name": "Sequential", "config": {"name": "part", "layers": [CONV]}}
    layers = [
        {**INPUT, "inbound_nodes": []},
        {**part, "name": "part", "inbound_nodes": [[["in", 0, 0, {}]], [["part", first, 0, {}]]]},
        layer("Conv2D", "last", [[["part", first + 1, 0, {}]]], filters=4),
    ]
    network = keras(tmp_path, layers, functional=True)
    assert [one.name for one in network.layers] == ["in", "part/conv", "part/conv", "last"]
    assert [one.inputs for one in network.layers] == [(), (0,), (1,), (2,)]
    assert not any("can be followed" in note for note in network.origin.notes)


def test_paths_that_count_the_layers_of_a_class_are_no_names():
    stem, last = filtviz.load(FIXTURES / "counted.keras").conv_layers
    assert (stem.name, stem.W.shape) == ("stem", (3, 3, 1, 4))
    assert (last.name, last.W.shape) == ("conv2d", (3, 3, 4, 2))
    assert last.W[0, 0, 0, 1] == 1


def test_keras_1_tells_its_axes_strides_and_padding_in_words_of_its_own():
    network = filtviz.load(FIXTURES / "keras_1.h5")
    first, last = network.conv_layers
    assert [one.axes for one in (first, last)] == ["oirc", "oirc"]
    assert (first.W.shape, last.W.shape) == ((4, 1, 3, 3), (2, 4, 3, 3))
    assert (first.output_shape, last.output_shape) == ((None, 4, 5, 5), (None, 2, 3, 3))
    assert [one.convolution.stride for one in (first, last)] == [(2, 2), (2, 2)]
    assert [one.flip_filters for one in (first, last)] == [None, None]
    assert network.origin.notes == (
        "the file does not tell its backend: Theano turns kernels before they are used, others do not",
    )


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("backend", "order", "flips"),
    [("theano", "tf", True), ("theano", "th", True), ("tensorflow", "th", False), (None, "tf", False)],
)
def test_kernels_are_turned_where_keras_ran_on_theano(backend, order, flips):
    class Convolution2D:
        name = "conv"

        def get_weights(self) -> list[np.ndarray]:
            return [np.ones((3, 3, 3, 3), "f4")]

    layer = {"class_name": "Convolution2D", "config": {"name": "conv", "dim_ordering": order}}
    builder = Builder(
        opened=live._Allowed(), store=live._LiveStore(Convolution2D()), is_keras_3=False, backend=backend
    )
    found = builder.build({"class_name": "Sequential", "config": [layer]})
    assert [one.flip_filters for one in found if isinstance(one, ConvLayer)] == [flips]
    assert builder.notes == ()


def test_weights_of_keras_1_tell_theanos_axes_by_their_biases():
    first, last = filtviz.load(FIXTURES / "keras_1_weights.h5").conv_layers
    assert [(one.axes, one.n_filters) for one in (first, last)] == [("oirc", 4), ("oirc", 2)]
    assert first.convolution.bias is not None
    assert first.convolution.stride is None
    assert first.flip_filters is None
    inferred = filtviz.load(FIXTURES / "keras_1_weights.h5").origin.inferred
    assert inferred[1:] == ("kernels have the axes in which Keras 1 stored them for Theano (oihw)",)


def test_groups_on_the_way_to_weights_are_read_once(tmp_path, monkeypatch):
    """A path begins at the root, whose list of layers is as long as the network."""
    read: list[int] = []
    usual = hdf5.Group._entries
    monkeypatch.setattr(hdf5.Group, "_entries", lambda *given: read.append(given[1]) or usual(*given))
    filtviz.load(FIXTURES / "seq.weights.h5")
    assert len(read) == len(set(read)) > 3


def test_models_in_one_another_end(tmp_path):
    inner = layer("Conv2D", "conv")
    for _ in range(50):
        inner = {"class_name": "Sequential", "config": {"name": "s", "layers": [inner]}}
    with pytest.raises(MalformedFileError, match="in one another"):
        keras(tmp_path, [inner])


@pytest.mark.cases("all")
@pytest.mark.parametrize("config", [b"[" * 200_000, b"{", b'"text"', b'{"class_name": 3}', b"\xff\xfe"])
def test_a_configuration_that_is_none_is_one_sentence(tmp_path, config):
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", config)
        archive.write(ATTACKS / "secret.h5", "model.weights.h5")
    with pytest.raises(MalformedFileError, match="configuration"):
        filtviz.load(path)


# HDF5


def test_the_kernel_that_the_attacks_are_after_is_read_where_it_lies():
    kernel = filtviz.load(ATTACKS / "secret.h5").conv_layers[0].W
    assert np.array_equal(kernel, np.arange(36, dtype=np.float32).reshape(3, 3, 1, 4))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("external_link.h5", "groups that Keras does not write"),
        ("soft_link.h5", "links in HDF5 files are not followed"),
        ("virtual.h5", "superblock of version"),
        ("external_storage.h5", "lies in another file"),
        ("compressed.h5", "is compressed"),
        ("chunked.h5", "does not lie in one piece"),
        ("latest.h5", "superblock of version"),
    ],
)
def test_nothing_leads_out_of_the_file(name, says):
    """CVE-2026-1669 and h5py's silence: links, virtual datasets and external storage read other files."""
    with pytest.raises(UnsupportedFileError, match=says):
        filtviz.load(ATTACKS / name)


def test_a_dataset_that_was_never_written_is_not_made_up():
    with pytest.raises(MalformedFileError, match="there are 0"):
        filtviz.load(ATTACKS / "never_written.h5")


def test_groups_that_hold_each_other_end():
    with pytest.raises(ReadError):
        filtviz.load(ATTACKS / "loop.h5")


@pytest.mark.cases("all")
@pytest.mark.parametrize("kept", [9, 50, 96, 500, 2048, 0.5, 0.9])
def test_a_file_that_was_cut_short_is_one_sentence(tmp_path, kept):
    data = (FIXTURES / "tf_nested_legacy.h5").read_bytes()
    path = tmp_path / "m.h5"
    path.write_bytes(data[: kept if isinstance(kept, int) else int(len(data) * kept)])
    with pytest.raises(ReadError):
        [one.W for one in filtviz.load(path).conv_layers]


@pytest.mark.cases("all")
@pytest.mark.parametrize("place", range(0, 2400, 60))
def test_a_file_that_was_changed_is_a_network_or_one_sentence(tmp_path, place):
    data = bytearray((ATTACKS / "secret.h5").read_bytes())
    data[place : place + 8] = b"\xff" * 8
    path = tmp_path / "m.h5"
    path.write_bytes(data)
    try:
        network = filtviz.load(path)
    except ReadError:
        return
    assert all(one.W.size < 1000 for one in network.conv_layers)


def test_more_layers_than_allowed_are_refused():
    path = FIXTURES / "seq.keras"
    with pytest.raises(LimitError, match="layers or more"):
        filtviz.load(path, limits=Limits(layers=9))
    assert len(filtviz.load(path, limits=Limits(layers=10)).layers) == 10


def test_json_longer_than_allowed_is_not_parsed(tmp_path):
    index = FIXTURES / "keras_sharded" / "model.weights.json"
    with zipfile.ZipFile(FIXTURES / "seq.keras") as held:
        size = held.getinfo("metadata.json").file_size
    for path, n, what in (
        (index, index.stat().st_size, "its JSON"),
        (FIXTURES / "seq.keras", size, "its metadata"),
    ):
        with pytest.raises(LimitError) as caught:
            filtviz.load(path, limits=Limits(allocation=n * BYTES_OF_JSON - 1))
        assert f"{what} has {n:,} bytes" in str(caught.value)


def test_an_index_names_nothing_outside_its_folder(tmp_path):
    shutil.copytree(FIXTURES / "keras_sharded", tmp_path / "inner")
    path = tmp_path / "inner" / "model.weights.json"
    assert len(filtviz.load(path).conv_layers) == 4
    shutil.move(tmp_path / "inner" / "model_00001.weights.h5", tmp_path / "model_00001.weights.h5")
    path.write_text(path.read_text().replace("model_00001", "../model_00001"))
    with pytest.raises(MalformedFileError, match="no plain file name"):
        filtviz.load(path)


def test_dense_layers_are_dense_and_flatten_keeps_kerass_order(tmp_path):
    found = keras(tmp_path, [INPUT, CONV, layer("Flatten")]).layers[-1].operations
    assert [type(one) for one in found] == [Transpose, Flatten]
    assert found[0].order == (0, 2, 3, 1)
    network = filtviz.load(FIXTURES / "seq.keras")
    dense = network.layers[-1].operations[0]
    assert isinstance(dense, Dense)
    assert (dense.axes, dense.units, dense.per_position) == ("io", 3, False)
    assert isinstance(network.layers[1].operations[0], Convolution)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("said", "policy"),
    [
        ({"dtype": "bfloat16"}, "bfloat16"),
        ({"dtype": {"class_name": "DTypePolicy", "config": {"name": "bfloat16"}}}, "bfloat16"),
        ({"dtype": {"config": {}}}, ""),
        ({"dtype": {"config": ["bfloat16"]}}, ""),
        ({"dtype": {}}, ""),
        ({"dtype": 16}, ""),
        ({"dtype": None}, ""),
        ({}, ""),
    ],
)
def test_a_policy_of_types_is_a_word_or_nothing(said, policy):
    assert policy_of(said) == policy


class Told:
    """An object of an HDF5 file that has these messages, of which the file itself is never asked."""

    def __init__(self, kind: type, shape: tuple[int, ...] | None, data: bytes, **messages: bytes) -> None:
        self.found = object.__new__(kind)
        self.found.path, self.found.file = "/kernel", None
        told = {hdf5._LAYOUT: b"\x03\x00" + len(data).to_bytes(2, "little") + data}
        if shape is not None:
            lengths = b"".join(n.to_bytes(8, "little") for n in shape)
            told[hdf5._DATASPACE] = bytes([1, len(shape), 0, 0, 0, 0, 0, 0]) + lengths
        told |= {getattr(hdf5, name): value for name, value in messages.items()}
        self.found.message = lambda number: None if number not in told else memoryview(told[number])


def opaque(size: int) -> bytes:
    return bytes([0x15, 0, 0, 0]) + size.to_bytes(4, "little")


FLOATS = bytes([0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0])
TWO = np.array([1.5, -2], "<f4").tobytes()


def test_a_dataset_is_read_as_its_messages_say():
    found = Told(hdf5.Dataset, (2,), TWO, _DATATYPE=FLOATS).found.array()
    assert found.read().tolist() == [1.5, -2]
    few = Told(hdf5.Dataset, (2,), b"\x80\x3f\x00\x40", _DATATYPE=opaque(2)).found.array("bfloat16")
    assert few.read().astype(float).tolist() == [1, 2]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("shape", "messages", "word", "sentence"),
    [
        (None, {"_DATATYPE": FLOATS}, "", "has no shape"),
        ((2,), {}, "", "damaged or cut short"),
        ((2,), {"_DATATYPE": opaque(2)}, "", "holds no numbers"),
        ((2,), {"_DATATYPE": opaque(2)}, "none_such", "holds no numbers"),
        ((2,), {"_DATATYPE": opaque(1)}, "bfloat16", "holds no numbers"),
        ((2,), {"_DATATYPE": FLOATS, "_EXTERNAL": b"\x01"}, "", "lies in another file"),
        ((2,), {"_DATATYPE": FLOATS, "_FILTERS": b"\x01\x01"}, "", "is compressed"),
    ],
)
def test_a_dataset_that_is_none_for_keras_is_refused(shape, messages, word, sentence):
    with pytest.raises(ReadError, match=sentence):
        Told(hdf5.Dataset, shape, TWO, **messages).found.array(word)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_a_header_has_as_many_messages_as_it_says(n):
    block = b"".join(kind.to_bytes(2, "little") + b"\x08\0\0\0\0\0" + bytes(8) for kind in (1, 3, 5))
    file = SimpleNamespace(
        effort=SimpleNamespace(spend=lambda _: None),
        unpack=lambda *_: (1, n, len(block)),
        piece=lambda start, length: memoryview(block)[start - 16 : start - 16 + length],
    )
    found = hdf5.Group(file, 0, "/")
    assert [kind for kind, _ in found.messages] == [1, 3, 5][:n]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("space", "shape"),
    [
        (bytes([1, 2, 0, 0, 0, 0, 0, 0, *[3, *[0] * 7], *[4, *[0] * 7]]), (3, 4)),
        (bytes([1, 0, 0, 0, 0, 0, 0, 0]), ()),
        (bytes([2, 1, 0, 1, *[5, *[0] * 7]]), (5,)),
        (bytes([2, 0, 0, 0]), ()),
        (bytes([2, 0, 0, 2]), None),
        (bytes([3, 0, 0, 0]), None),
    ],
)
def test_a_dataspace_is_a_scalar_an_array_or_nothing(space, shape):
    assert hdf5._dataspace(memoryview(space)) == shape


def test_the_first_call_of_a_model_within_is_the_second_where_keras_2_counts_its_own_input():
    def entry(name: str, *calls: list[tuple[str, int]], layers: Any = None) -> _Entry:
        return _Entry(name=name, class_name="Any", config={"layers": layers}, calls=calls)

    within = entry("part", layers=[])
    assert _first_calls([within], []) == {}
    assert _first_calls([within], [("part", 1)]) == {"part": 1}
    assert _first_calls([within], [("part", 0)]) == {}
    assert _first_calls([within, entry("last", [("part", 1), ("part", 2)])], [("last", 0)]) == {"part": 1}
    assert _first_calls([within, entry("last", [("part", 1)])], [("part", 0)]) == {}
    assert _first_calls([entry("layer"), entry("last", [("layer", 1)])], []) == {}


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("attributes", "listed"),
    [
        ({"names": ["a", "b"]}, ["a", "b"]),
        ({"names": []}, []),
        ({"names": "a"}, []),
        ({"names0": ["a"], "names1": ["b", "c"]}, ["a", "b", "c"]),
        ({"names": ["a"], "names0": ["b"]}, ["a"]),
        ({"names0": ["a", 3], "names2": ["b"], "other": ["c"]}, ["a", "b"]),
        ({"other0": ["a"]}, []),
    ],
)
def test_a_list_of_texts_may_lie_in_pieces_that_are_counted_from_zero(attributes, listed):
    assert listed_in(SimpleNamespace(attributes=attributes), "names") == listed
    assert [type(one) for one in listed] == [str] * len(listed)


def test_a_list_of_no_filters_compresses_nothing():
    found = Told(hdf5.Dataset, (2,), TWO, _DATATYPE=FLOATS, _FILTERS=b"\x01\x00").found.array()
    assert found.read().tolist() == [1.5, -2]


def test_a_group_of_another_kind_is_refused_and_an_empty_one_is_empty():
    for name in ("_LINK_INFO", "_LINK"):
        with pytest.raises(UnsupportedFileError, match="groups that Keras does not write"):
            list(Told(hdf5.Group, None, b"", **{name: b"\0"}).found)
    assert list(Told(hdf5.Group, None, b"").found) == []


def test_channels_in_front_are_told_by_a_layer_of_a_model_within(tmp_path):
    inner = layer("Conv2D", "conv", filters=4, kernel_size=[3, 3], data_format="channels_first")
    model = {"class_name": "Sequential", "config": {"name": "part", "layers": [inner]}}
    plain = {"class_name": "Sequential", "config": {"name": "part", "layers": [CONV]}}
    entrance = layer("InputLayer", "in", batch_shape=[None, 1, 9, 11])
    for part, last, shape in ((model, False, (None, 1, 9, 11)), (plain, True, (None, 11, 1, 9))):
        found = keras(tmp_path, [entrance, part]).layers[0]
        assert (found.operations[0].channels_last, found.output_shape) == (last, shape)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("around", "inner", "own", "expected"),
    [
        ({}, {}, {}, None),
        ({}, {}, {"trainable": True}, True),
        ({}, {}, {"trainable": False}, False),
        ({}, {"trainable": False}, {"trainable": True}, False),
        ({"trainable": False}, {"trainable": True}, {"trainable": True}, False),
        ({}, {}, {"trainable": "no"}, None),
    ],
)
def test_what_lies_in_a_frozen_model_is_frozen(around, inner, own, expected):
    timed = {"class_name": "TimeDistributed", "config": {"name": "t", "layer": {**CONV}, **own}}
    held = [{**CONV, "config": {**CONV["config"], **own}}, timed]
    part = {"class_name": "Sequential", "config": {"name": "part", "layers": held, **inner}}
    model = {"class_name": "Sequential", "config": {"name": "m", "layers": [part, CONV], **around}}
    builder = Builder(opened=live._Allowed(), store=None, is_keras_3=True)  # type: ignore[arg-type]
    told = [each.trainable for each in builder.build(model)]
    assert told[0] is expected
    assert told[2] is (False if expected is False else None)  # the layer that is applied to each moment
    assert told[-1] is (False if around else None)  # the one beside that model


@pytest.mark.parametrize("name", ["frozen.keras", "frozen.h5"])
def test_the_optimiser_beside_the_weights_tells_which_layers_it_moved(name):
    """Keras 3 froze the first layer, and then took three steps of Adam."""
    network = filtviz.load(FIXTURES / name)
    assert {each.name: each.trainable for each in network.layers if each.parameters} == {
        "first": False, "second": True, "norm": True, "fc": True,
    }  # fmt: skip
    assert network.origin.training == ("its optimiser took 3 steps",)
    assert network.origin.moved == {"second", "fc"}
    assert network.origin.resting == {"first"}
    assert filtviz.load(FIXTURES / "counted.keras").origin.training == ()


def moments(*shapes: tuple[int, ...], still: int = -1) -> list[StoredArray]:
    values = [np.zeros(shape) if i == still else np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
              for i, shape in enumerate(shapes)]  # fmt: skip
    return [stored(each.shape, each.dtype, False, each.nbytes, each.tobytes) for each in values]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("kept", "moved", "resting"),
    [
        (moments((3, 3, 8, 4), (4,), (9, 2), (2,)), "b fc", "a"),  # a momentum of each
        (moments((3, 3, 8, 4), (3, 3, 8, 4), (4,), (4,), (9, 2), (9, 2), (2,), (2,)), "b fc", "a"),
        (moments((3, 3, 8, 4), (4,), (9, 2), (2,), (3, 3, 8, 4), (4,), (9, 2), (2,)), "b fc", "a"),
        (moments((3, 3, 1, 8), (8,), (3, 3, 8, 4), (4,), (9, 2), (2,), still=0), "b fc", "a"),
        (moments((5, 5, 1, 8), (8,)), "", ""),  # of another network
        (moments((9, 2), (2,), (3, 3, 8, 4)), "b fc", "a"),  # the weights in the order of their classes
        ([], "", ""),
    ],
    ids=["one", "side by side", "one after another", "no gradient", "another network", "order", "none"],
)
def test_moments_are_those_of_weights_in_any_of_kerass_orders(kept, moved, resting):
    shapes = {"a": (3, 3, 1, 8), "b": (3, 3, 8, 4), "fc": (9, 2)}
    layers = [
        Layer(
            name=name,
            parameters=(
                Parameter.of("kernel", np.ones(shape, "f4")), Parameter.of("bias", np.ones(shape[-1], "f4")),
            ),
        )
        for name, shape in shapes.items()
    ]  # fmt: skip
    found = _moved(kept, layers, effort(Limits()))
    assert (" ".join(sorted(found.moved)), " ".join(sorted(found.resting))) == (moved, resting)
