"""Small files that today's frameworks wrote (`tests/fixtures/make/write_todays.py`), to the last bit."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import filtviz
from filtviz.errors import FileAccessError, ReadError

MODERN = Path(__file__).resolve().parents[1] / "fixtures" / "modern"
FILES = {
    "tensorflow/slim": "slim/model.ckpt",
    "tensorflow/subclass": "subclass/ckpt-1.index",
    "tensorflow/listed": "listed",
    "tensorflow/lines": "lines",
    "keras/own_layer": "own_layer.keras",
    "trees/jax_arrays": "jax_arrays.pkl",
    "trees/jax_bfloat16": "jax_bfloat16.pkl",
    "trees/train_state": "train_state/checkpoint_5",
    "torch/quantised_script": "quantised_script.pt",
    "torch/decomposed": "decomposed.pt2",
    "torch/generator": "generator.pth",
    "torch/own_keys": "own_keys.pth",
}


def opened(name: str) -> filtviz.Network:
    return filtviz.load(MODERN / name.partition("/")[0] / FILES[name])


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", FILES)
def test_each_kernel_is_the_frameworks_own(name):
    with np.load(MODERN / f"{name}.truth.npz") as truth:
        expected = dict(truth.items())
    network = opened(name)
    assert [layer.label for layer in network.conv_layers] == list(expected)
    for layer in network.conv_layers:
        assert layer.W.shape == expected[layer.label].shape
        assert np.array_equal(layer.W.astype(np.float32), expected[layer.label])
        assert layer.flip_filters is False


def test_a_checkpoint_of_the_first_generation_has_neither_moments_nor_averages():
    network = opened("tensorflow/slim")
    assert [one.source for layer in network.layers for one in layer.parameters] == [
        "conv1/bias",
        "conv1/kernel",
        "conv2/depthwise_kernel",
    ]
    averages, moments, others = network.origin.left_out
    assert "--weights ema" in averages
    assert "8 arrays of the optimiser's state or of moving averages" in moments
    assert others == "1 array of other types, or in parts"
    averaged = filtviz.load(network.origin.path, hints=filtviz.Hints(weights="ema"))
    shapes, wanted = ([one.weights.shape for one in each.conv_layers] for each in (averaged, network))
    assert shapes == wanted
    assert not any("--weights ema" in one for one in averaged.origin.left_out)


@pytest.mark.slow
def test_a_checkpoint_of_the_first_generation_that_is_cut_or_changed_is_one_sentence(tmp_path):
    whole = (MODERN / "tensorflow" / "slim" / "model.ckpt").read_bytes()
    for place in range(0, len(whole) - 48, 97):
        (tmp_path / "model.ckpt").write_bytes(whole[:place] + b"\xff\xff\xff" + whole[place + 3 :])
        with suppress(filtviz.FiltvizError):
            for layer in filtviz.load(tmp_path / "model.ckpt").layers:
                [one.value for one in layer.parameters]


def test_what_jax_pickles_keeps_its_type():
    assert opened("trees/jax_bfloat16")["stem"].W.dtype.name == "bfloat16"
    assert opened("trees/jax_arrays")["stem"].W.dtype.name == "float32"


def test_quantised_script_tells_strides_and_groups_and_says_that_it_is_quantised():
    network = opened("torch/quantised_script")
    assert [layer.convolution.stride for layer in network.conv_layers] == [(2, 2), (1, 1)]
    assert [layer.convolution.groups for layer in network.conv_layers] == [1, 4]
    assert any("quantised weights are shown as the numbers" in one for one in network.origin.inferred)


def test_a_decomposed_program_is_followed_to_its_end():
    network = opened("torch/decomposed")
    images = np.random.default_rng(0).normal(size=(3, 1, 9, 9))
    assert network.run(images).shape == (3, 3)
    assert [layer.type for layer in network.layers][-1] == "addmm"


def test_the_last_of_a_generators_transposed_convolutions_is_one_too():
    network = opened("torch/generator")
    assert [layer.convolution.transposed for layer in network.conv_layers] == [True, True, True]
    assert [layer.filters.shape[:2] for layer in network.conv_layers] == [(8, 6), (6, 8), (3, 6)]
    assert "as those before them are, since they give as many channels as an image has" in " ".join(
        network.origin.inferred
    )


def test_a_first_convolution_behind_a_generator_is_none_of_it(tmp_path):
    rng = np.random.default_rng(0)
    shapes = {"g.0.weight": (6, 8, 4, 4), "g.1.weight": (8,), "g.1.bias": (8,), "g.3.weight": (8, 6, 4, 4)}
    shapes |= {"g.1.running_mean": (8,), "g.1.running_var": (8,), "g.4.weight": (6,), "g.4.bias": (6,)}
    shapes |= {"g.4.running_mean": (6,), "g.4.running_var": (6,), "d.0.weight": (6, 3, 4, 4)}
    order = sorted(shapes, key=lambda name: (name[0] == "d", name))
    path = tmp_path / "both.pkl"
    path.write_bytes(pickle.dumps({name: rng.normal(size=shapes[name]).astype("f4") for name in order}))
    network = filtviz.load(path)
    assert [layer.convolution.transposed for layer in network.conv_layers] == [True, True, False]


def test_keys_of_ones_own_hold_kernels_too():
    network = opened("torch/own_keys")
    assert [layer.convolution.bias is not None for layer in network.conv_layers] == [True, False]
    assert network.origin.order == "the order of the dictionary"


# Folders that hold one model


def folder_of(tmp_path: Path, *names: str) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    for name in names:
        source = MODERN / name
        shutil.copy(source, folder / source.name)
    return folder


ONE_MODEL = {
    "a checkpoint": ("tensorflow/tf_ckpt/ckpt.index", "tensorflow/tf_ckpt/ckpt.data-00000-of-00001"),
    "ONNX with its data": ("onnx/external_one/model.onnx", "onnx/external_one/model.onnx.data"),
    "Darknet with its configuration": ("others/darknet_new/net.cfg", "others/darknet_new/net.weights"),
    "Paddle with its program": ("others/pd_infer/model.json", "others/pd_infer/model.pdiparams"),
    "a state of Flax's": ("trees/train_state/checkpoint_5",),
    "weights and nothing else": ("sd_zip.pth",),
}


@pytest.mark.cases("all")
@pytest.mark.parametrize("names", ONE_MODEL.values(), ids=ONE_MODEL.keys())
def test_a_folder_of_one_model_opens(tmp_path, names):
    folder = folder_of(tmp_path, *names)
    (folder / "README.md").write_text("a model")
    (folder / "config.json").write_text("{}")
    (folder / "optimizer.pt").write_bytes(b"moments")
    network = filtviz.load(folder)
    assert network.conv_layers
    assert network.origin.path == folder


def test_the_latest_checkpoint_is_the_one_that_tensorflow_says(tmp_path):
    folder = folder_of(tmp_path)
    for stem, kept in (("ckpt-1", "subclass/ckpt-1"), ("ckpt-2", "tf_ckpt/ckpt")):
        for ending in (".index", ".data-00000-of-00001"):
            shutil.copy(MODERN / "tensorflow" / f"{kept}{ending}", folder / f"{stem}{ending}")
    with pytest.raises(
        FileAccessError, match=r"may be models: ckpt-1.index and ckpt-2.index; name one of them"
    ):
        filtviz.load(folder)
    for latest, n_convs in (("ckpt-1", 2), ("/home/somebody/ckpt-2", 6)):
        (folder / "checkpoint").write_text(
            f'model_checkpoint_path: "{latest}"\nall_model_checkpoint_paths: "x"\n'
        )
        assert len(filtviz.load(folder).conv_layers) == n_convs
    (folder / "checkpoint").write_text('model_checkpoint_path: "../ckpt-9"\n')
    with pytest.raises(FileAccessError, match="several files"):
        filtviz.load(folder)


def test_a_folder_of_several_models_names_them(tmp_path):
    folder = folder_of(tmp_path, "sd_zip.pth", "sd.safetensors", "list.pt")
    with pytest.raises(
        FileAccessError, match=r"several files that may be models: list.pt, sd.safetensors and"
    ):
        filtviz.load(folder)


def test_an_index_beside_another_model_is_not_taken_for_all(tmp_path):
    folder = folder_of(tmp_path, *(f"sharded/{one.name}" for one in (MODERN / "sharded").iterdir()))
    assert filtviz.load(folder).conv_layers
    (folder / "model.safetensors.index.json").rename(folder / "net.safetensors.index.json")
    for one in folder.glob("model-*"):
        one.rename(folder / one.name.replace("model", "net", 1))
    text = (folder / "net.safetensors.index.json").read_text().replace("model-", "net-")
    (folder / "net.safetensors.index.json").write_text(text)
    assert filtviz.load(folder).conv_layers
    shutil.copy(MODERN / "sd_zip.pth", folder / "other.pth")
    with pytest.raises(FileAccessError, match="several files that may be models"):
        filtviz.load(folder)


def test_links_in_a_folder_are_no_models(tmp_path):
    folder = folder_of(tmp_path)
    (folder / "model.pth").symlink_to(MODERN / "sd_zip.pth")
    with pytest.raises(FileAccessError, match="without a file that may be a model"):
        filtviz.load(folder)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        (
            "model.json",
            json.dumps({"format": "layers-model", "weightsManifest": []}, indent=1),
            "TensorFlow.js",
        ),
        ("model.json", '{"modelTopology": {}}', "TensorFlow.js"),
        ("model.json", '{\n  "irVersion": "8"', "an ONNX model written as JSON"),
        ("net.json", '{"class_name": "Functional", "config": {}}', "the configuration of a Keras model"),
        ("net.json", '{"base_code": {"magic": "pir", "version": 4}}', "the program of a Paddle model"),
        ("net.json", '{"classes": []}', "it is a JSON file, not a model"),
        ("net.xml", '<?xml version="1.0"?>\n<net name="x" version="11">', "an OpenVINO model"),
        ("net.xml", '<?xml version="1.0"?>\n<svg/>', "it is an XML file, not a model"),
        ("net.mnn", "\x20\0\0\0\x01\x02", "by its name it is a model of MNN"),
        ("net.engine", "ftrt\x01\x02", "by its name it is a model of TensorRT"),
        ("net.unknown", "\x20\0\0\0\x01\x02", "no kind of file that filtviz knows"),
    ],
)
def test_other_kinds_are_named(tmp_path, name, data, said):
    (tmp_path / name).write_text(data)
    with pytest.raises(filtviz.FiltvizError, match=said.replace(".", r"\.")):
        filtviz.load(tmp_path / name)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("name", "beside", "text", "said"),
    [
        (
            "net.bin",
            "net.xml",
            '<?xml version="1.0"?>\n<net name="x">',
            "net.xml beside it .* OpenVINO model",
        ),
        ("net.bin", "net.param", "7767517\n2 2\n", "net.param beside it .* ncnn model"),
        (
            "group1-shard1of2.bin",
            "model.json",
            '{"format": "layers-model"}',
            "model.json beside it .* TensorFlow.js model",
        ),
        ("group1-shard1of2", "model.json", '{"modelTopology": {}}', "TensorFlow.js model"),
        ("net.bin", "net.xml", '<?xml version="1.0"?>\n<svg/>', "no kind of file that filtviz knows"),
        (
            "net.bin",
            "other.xml",
            '<?xml version="1.0"?>\n<net name="x">',
            "no kind of file that filtviz knows",
        ),
    ],
)
def test_numbers_are_named_by_what_describes_them_beside_them(tmp_path, name, beside, text, said):
    (tmp_path / name).write_bytes(b"\x20\0\0\0\x01\x02" * 9)
    (tmp_path / beside).write_text(text)
    for path in (tmp_path / name, tmp_path):
        with pytest.raises(filtviz.FiltvizError, match=said):
            filtviz.load(path)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("inside", "said"),
    [
        (".metadata __0_0.distcp", "distributed checkpoint of PyTorch"),
        ("7/_METADATA", "a checkpoint of Orbax"),
        ("zero_to_fp32.py latest", "a checkpoint of DeepSpeed; join it with"),
        ("model_index.json", "a pipeline of Diffusers, of several models"),
        ("notes.txt", "without a file that may be a model"),
    ],
)
def test_folders_that_are_not_read_are_named(tmp_path, inside, said):
    for name in inside.split():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\x80")
    with pytest.raises(ReadError, match=said):
        filtviz.load(tmp_path)


def test_a_program_of_paddle_3_tells_order_strides_and_groups():
    network = filtviz.load(MODERN / "others" / "pd_infer")
    assert [layer.name for layer in network.layers] == [
        "data_11",
        "conv2d_0",
        "relu_16",
        "conv2d_1",
        "batch_norm2d_0",
        "conv2d_transpose_0",
    ]
    assert [layer.convolution.stride for layer in network.conv_layers] == [(1, 1), (1, 1), (2, 2)]
    assert [layer.convolution.groups for layer in network.conv_layers] == [1, 8, 1]
    assert network.origin.order == "the program beside the file, as it runs"


@pytest.mark.cases("all")
@pytest.mark.parametrize("wrong", ['"D": "x"', '"D": [[]]', '"D": null', '"D": 1e400', '"D": -3', '"D": {}'])
def test_odd_attributes_in_a_program_of_paddle_3_are_left_or_refused(tmp_path, wrong):
    for one in (MODERN / "others" / "pd_infer").iterdir():
        shutil.copy(one, tmp_path)
    program = (tmp_path / "model.json").read_text()
    (tmp_path / "model.json").write_text(re.sub(r'"D": ?(1|8|2)\b', wrong, program))
    with suppress(filtviz.ReadError):
        network = filtviz.load(tmp_path)
        assert len(network.conv_layers) == 3
        assert len(filtviz.layers(network).rows) in (4, 6, 9)


def test_a_dictionary_of_pytorchs_names_keeps_them_and_their_order(tmp_path):
    norm = {f"conv1.1.{name}": np.ones(4, "f4") for name in ("weight", "bias", "running_mean", "running_var")}
    named = {"conv1.0.weight": np.ones((4, 3, 3, 3), "f4"), **norm, "a.weight": np.ones((2, 4, 1, 1), "f4")}
    np.savez(tmp_path / "m.npz", **named)
    network = filtviz.load(tmp_path / "m.npz")
    assert [layer.name for layer in network.layers] == ["conv1.0", "conv1.1", "a"]
    assert network.origin.order == "the order of the dictionary"
    np.savez(tmp_path / "sorted.npz", **{name: named[name] for name in sorted(named)})
    network = filtviz.load(tmp_path / "sorted.npz")
    assert [layer.name for layer in network.layers] == ["a", "conv1.0", "conv1.1"]
    assert network.origin.order.startswith("the names, which are sorted")


def test_an_optimisers_list_of_variables_is_the_model_and_its_state_is_not():
    network = opened("tensorflow/listed")
    assert sum(one.size for layer in network.layers for one in layer.parameters) == 157
    assert network.origin.left_out == ("3 arrays of the optimiser's state or of moving averages",)


def test_attention_is_no_convolution_in_a_line():
    network = opened("tensorflow/listed")
    found = [layer.type for layer in network.layers if layer.name.startswith("attention/")]
    assert found == ["weights"] * 4


def test_a_layer_of_a_class_of_ones_own_shows_what_is_in_it():
    network = filtviz.load(MODERN / "keras" / "own_layer.h5")
    block = ["block/conv2d", "block/depthwise_conv2d"]
    assert [layer.name for layer in network.layers] == ["input_layer", "stem", "block", *block]
    with np.load(MODERN / "keras" / "own_layer.truth.npz") as truth:
        kernels = dict(zip(["stem", *block], truth.values(), strict=True))
    assert all(np.array_equal(layer.W, kernels[layer.name]) for layer in network.conv_layers)
    assert network.layers[2].parameters == (), "they are those of the layers in it"
    assert network.layers[3].inputs == (), "the file does not tell how they run"


@pytest.mark.parametrize(("name", "layers"), [("tensorflow/dilated.pb", 9), ("tflite/dilated.tflite", 8)])
def test_gaps_between_taps_and_repetitions_are_followed_and_give_what_tensorflow_gives(name, layers):
    network = filtviz.load(MODERN / name)
    assert len(network.layers) == layers
    first, second = network.conv_layers[:2]
    assert (first.convolution.dilation, first.convolution.pad) == ((2, 2), ((2, 2), (2, 2)))
    assert (second.convolution.dilation, second.convolution.pad) == ((1, 2), ((0, 0), (0, 0)))
    assert [layer.convolution.groups for layer in network.conv_layers] == [1, 1, 1]
    assert [layer.output_shape[1:] for layer in network.conv_layers[:2]] == [(3, 8, 8), (2, 6, 4)]
    repeated = [layer.operations[0].scale for layer in network.layers if layer.type.lower() == "repeat"]
    assert repeated == [(2, 1), (1, 3)]
    with np.load(MODERN / "tensorflow" / "dilated.truth.npz") as truth:
        found = network.run(truth["image"], engine="numpy")
        assert np.allclose(np.moveaxis(found, 1, -1), truth["result"], rtol=1e-4, atol=1e-5)


def test_a_program_of_paddle_3_is_the_whole_graph_and_gives_what_paddle_gives():
    network = filtviz.load(MODERN / "others" / "pd_graph")
    assert not network.has_no_graph
    assert [layer.type for layer in network.layers if layer.parameters] == [
        "conv2d", "batch_norm_", "depthwise_conv2d", "conv2d", "conv2d", "conv2d_transpose", "matmul",
    ]  # fmt: skip
    convolutions = [layer.convolution for layer in network.conv_layers]
    assert [one.groups for one in convolutions] == [1, 8, 1, 1, 1]
    assert [one.spacing for one in convolutions][3] == (2, 2)
    assert [one.transposed for one in convolutions] == [False] * 4 + [True]
    assert [one.bias is not None for one in convolutions] == [True, False, True, True, True]
    assert network.layers[10].inputs == (7,)
    assert network.conv_layers[-1].output_shape == (None, 4, 8, 8)
    with np.load(MODERN / "others" / "pd_graph.truth.npz") as truth:
        assert np.allclose(network.run(truth["x"], engine="numpy"), truth["y"], rtol=1e-5)


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        ('"I":[{"%":16},{"%":15}]', '"I":[]'),
        ('"1.conv2d_transpose"', '"1.unknown"'),
        ('"#":"1.relu"', '"#":5'),
    ],
)
def test_a_program_of_paddle_3_that_is_not_followed_leaves_its_parameters(tmp_path, said, instead):
    shutil.copytree(MODERN / "others" / "pd_graph", tmp_path / "m")
    program = (tmp_path / "m" / "model.json").read_text(encoding="utf-8")
    assert said in program
    (tmp_path / "m" / "model.json").write_text(program.replace(said, instead, 1), encoding="utf-8")
    network = filtviz.load(tmp_path / "m")
    assert network.has_no_graph
    assert len(network.conv_layers) == 5
