"""safetensors: one file, several with an index, and headers that lie."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz.errors import FileAccessError, LimitError, MalformedFileError, UnsupportedFileError
from filtviz.reading.formats.safetensors import LONGEST_HEADER, is_safetensors
from filtviz.reading.limits import Limits

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "modern"
TRUTH = FIXTURES / "sd.safetensors.truth.npz"


def write(path: Path, header: Any, data: bytes = b"", length: int | None = None) -> Path:
    """Write a file of a header, which may lie, and bytes."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


NORM = ("bias", "running_mean", "running_var", "weight")


def entry(shape: list[Any], start: int, stop: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


@pytest.mark.parametrize("name", ["sd.safetensors", "sharded", "sharded/model.safetensors.index.json"])
def test_kernels_are_the_frameworks_own(name):
    network = filtviz.load(FIXTURES / name)
    with np.load(TRUTH) as truth:
        found = {f"{layer.name}.weight": layer.W for layer in network.conv_layers}
        assert found.keys() == set(truth.files)
        for key, array in found.items():
            assert array.dtype == truth[key].dtype
            assert np.array_equal(array, truth[key])
    assert network.origin.framework == "PyTorch"
    assert all(layer.flip_filters is False for layer in network.conv_layers)


def test_the_layer_that_sees_the_image_stands_first(tmp_path):
    header = {
        "blocks.10.conv.weight": entry([1, 2, 1, 1], 0, 8),
        "blocks.2.conv.weight": entry([2, 4, 1, 1], 8, 40),
        "stem.weight": entry([1, 3, 2, 2], 40, 88),
    }
    network = filtviz.load(write(tmp_path / "m.safetensors", header, bytes(88)))
    assert [layer.name for layer in network.layers] == ["stem", "blocks.2.conv", "blocks.10.conv"]


def test_the_last_layer_of_a_generator_gives_an_image_and_stays_last(tmp_path):
    norm = {f"main.1.{name}": entry([4], 64 + 16 * n, 80 + 16 * n) for n, name in enumerate(NORM)}
    header = {
        "main.0.weight": entry([1, 4, 2, 2], 0, 64),
        **norm,
        "main.3.weight": entry([4, 3, 2, 2], 128, 320),
    }
    network = filtviz.load(write(tmp_path / "m.safetensors", header, bytes(320)))
    assert [layer.name for layer in network.layers] == ["main.0", "main.1", "main.3"]
    assert [layer.axes for layer in network.conv_layers] == ["iorc", "iorc"]


def test_weights_that_are_kept_in_parts_are_computed_as_of_torch_files(tmp_path):
    gain, direction = np.float32([[[[3]]]]), np.float32([[[[4, 0]]]])
    header = {"module.c.weight_g": entry([1, 1, 1, 1], 0, 4), "module.c.weight_v": entry([1, 1, 1, 2], 4, 12)}
    path = write(tmp_path / "m.safetensors", header, gain.tobytes() + direction.tobytes())
    network = filtviz.load(path)
    assert [layer.name for layer in network.layers] == ["c"]
    assert network.conv_layers[0].W.tolist() == [[[[3, 0]]]]
    assert any("weight normalisation" in sentence for sentence in network.origin.inferred)


def test_a_length_that_looks_like_a_compression_is_a_length(tmp_path):
    # 0x8b1f: the first bytes are those of gzip.
    header = json.dumps({"a.weight": entry([1, 1, 1, 1], 0, 4)}).encode().ljust(0x8B1F)
    path = write(tmp_path / "m", header, np.float32(7).tobytes())
    assert filtviz.load(path).conv_layers[0].W.item() == 7


@pytest.mark.cases("all")
@pytest.mark.parametrize("length", [128, 384, 640, 896, 1152, 1408])
def test_a_length_that_looks_like_a_pickle_is_a_length(tmp_path, length):
    """Its first byte is the opcode of a pickle's protocol; as protocols 2 to 5 go the next."""
    assert length % 256 == 0x80
    text = json.dumps({"conv.weight": entry([4, 3, 2, 2], 0, 192)}).encode()
    path = write(tmp_path / "model.safetensors", text.ljust(length), np.ones(48, "<f4").tobytes())
    assert filtviz.load(path)[0].filters.shape == (4, 3, 2, 2)


@pytest.mark.parametrize(("said", "axes"), [("pt", "oirc"), ("mlx", "orci"), (None, "oirc")])
def test_the_metadata_tell_the_order_of_axes(tmp_path, said, axes):
    header = {"__metadata__": {"format": said}} if said else {}
    header["a.weight"] = entry([2, 3, 4, 5], 0, 480)
    network = filtviz.load(write(tmp_path / "m", header, bytes(480)))
    assert network.conv_layers[0].axes == axes
    assert any("taken to be PyTorch's" in one for one in network.origin.inferred) is (said is None)


@pytest.mark.parametrize(("said", "name"), [("flax", "a.conv.kernel"), (None, "a/conv/kernel")])
def test_flaxs_words_have_their_filters_last(tmp_path, said, name):
    header = {"__metadata__": {"format": said}} if said else {}
    header[name] = entry([2, 3, 4, 5], 0, 480)
    network = filtviz.load(write(tmp_path / "m", header, bytes(480)))
    (conv,) = network.conv_layers
    assert (conv.axes, conv.name, network.origin.framework) == ("rcio", name[:6], "Flax")
    assert any("taken to be Flax's (hwio)" in one for one in network.origin.inferred) is (said is None)


@pytest.mark.parametrize("said", ["tf", None])
def test_names_of_tensorflows_variables_tell_layers_as_in_a_checkpoint(tmp_path, said):
    header = {"__metadata__": {"format": said}} if said else {}
    header["net/dw/depthwise_kernel:0"] = entry([2, 3, 4, 1], 0, 96)
    header["net/stem/bias:0"] = entry([4], 96, 112)
    header["net/stem/kernel:0"] = entry([2, 3, 1, 4], 112, 208)
    network = filtviz.load(write(tmp_path / "m", header, bytes(208)))
    found = {one.name: (one.n_filters, one.convolution.groups) for one in network.conv_layers}
    assert found == {"dw": (4, 4), "stem": (4, None)}
    assert network.origin.framework == "TensorFlow"


LYING = {
    "a key twice": b'{"a.weight": {}, "a.weight": {}}',
    "a shape that is no list": {"a.weight": {"dtype": "F32", "shape": 4, "data_offsets": [0, 16]}},
    "a negative length": {"a.weight": entry([-4], 0, 16)},
    "a length that is no number": {"a.weight": entry(["4"], 0, 16)},
    "more than lies there": {"a.weight": entry([5], 0, 16)},
    "less than lies there": {"a.weight": entry([3], 0, 16)},
    "beyond the end": {"a.weight": entry([4], 16, 32)},
    "backwards": {"a.weight": entry([0], 16, 0)},
    "an overlap": {"a.weight": entry([4], 0, 16), "b.weight": entry([2], 8, 16)},
    "a gap": {"a.weight": entry([3], 4, 16)},
    "bytes behind the last": {"a.weight": entry([3], 0, 12)},
    "an enormous shape": {"a.weight": entry([1 << 40, 1 << 40], 0, 16)},
    "three edges": {"a.weight": entry([4], 0, 16) | {"data_offsets": [0, 16, 16]}},
    "no edges": {"a.weight": {"dtype": "F32", "shape": [4]}},
    "one edge": {"a.weight": entry([0], 0, 0) | {"data_offsets": 0}},
    "a tensor that is no object": {"a.weight": [4]},
    "brackets without end": b'{"a": ' + b"[" * 100_000 + b"}",
    "a number of many digits": b'{"a": ' + b"1" * 100_000 + b"}",
}


def test_what_all_names_begin_with_is_left_out_but_where_one_is_no_more_than_that(tmp_path):
    def labels(*layers):
        told = {f"{one}/kernel:0": entry([2, 2, 1, 4], 64 * i, 64 * i + 64) for i, one in enumerate(layers)}
        header = {"__metadata__": {"format": "tf"}, **told}
        network = filtviz.load(write(tmp_path / "a.safetensors", header, bytes(64 * len(told))))
        return sorted(layer.label for layer in network.conv_layers)

    assert labels("net/a", "net/b") == ["a", "b"]
    assert labels("net/a", "nets/b") == ["net/a", "nets/b"]
    assert labels("net", "net/a", "net/b") == ["net", "net/a", "net/b"]


@pytest.mark.cases("all")
@pytest.mark.parametrize("header", LYING.values(), ids=LYING)
def test_a_header_that_lies_is_one_sentence(tmp_path, header):
    path = write(tmp_path / "m.safetensors", header, bytes(16))
    with pytest.raises(MalformedFileError, match=r"m\.safetensors"):
        filtviz.load(path)


def test_a_header_longer_than_the_file_was_cut_short(tmp_path):
    path = write(tmp_path / "m.safetensors", b'{"a": 1}', length=5000)
    with pytest.raises(MalformedFileError, match="header has 5,000 bytes"):
        filtviz.load(path)


def test_too_many_tensors_are_refused(tmp_path):
    header = {f"a{i}.weight": entry([0, 1], 0, 0) for i in range(20)}
    path = write(tmp_path / "m.safetensors", header)
    with pytest.raises(LimitError, match="20 tensors"):
        filtviz.load(path, limits=Limits(layers=19))
    assert len(filtviz.load(path, limits=Limits(layers=20)).layers) == 20


def test_a_type_that_numpy_has_not_spoils_only_its_own_tensor(tmp_path):
    header = {"a.weight": entry([1, 1, 1, 1], 0, 4), "b.weight": entry([1, 1, 2, 2], 4, 6, "F4")}
    network = filtviz.load(write(tmp_path / "m", header, bytes(6)))
    assert network.conv_layers[0].W.shape == (1, 1, 1, 1)
    with pytest.raises(UnsupportedFileError, match="of type F4"):
        _ = network.conv_layers[1].W


INDEX = {"weight_map": {"a.weight": "one.safetensors"}}


def index(folder: Path, weight_map: dict[str, Any]) -> Path:
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return path


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "file", ["../one.safetensors", "/etc/one.safetensors", "a/one.safetensors", "..\\one.safetensors"]
)
def test_an_index_names_nothing_outside_its_folder(tmp_path, file):
    write(tmp_path / "one.safetensors", {"a.weight": entry([1], 0, 4)}, bytes(4))
    folder = tmp_path / "inner"
    folder.mkdir()
    with pytest.raises(MalformedFileError, match="no plain file name"):
        filtviz.load(index(folder, {"a.weight": file}))


def test_a_shard_that_is_a_link_is_refused(tmp_path):
    write(tmp_path / "real", {"a.weight": entry([1], 0, 4)}, bytes(4))
    (tmp_path / "one.safetensors").symlink_to(tmp_path / "real")
    with pytest.raises(FileAccessError, match="is a link"):
        filtviz.load(index(tmp_path, {"a.weight": "one.safetensors"}))


def test_an_index_of_one_file_says_so(tmp_path):
    write(tmp_path / "one.safetensors", {"a.weight": entry([1, 1], 0, 4)}, bytes(4))
    network = filtviz.load(index(tmp_path, {"a.weight": "one.safetensors"}))
    assert network.origin.kind.endswith("an index of 1 safetensors file")


@pytest.mark.parametrize(
    ("length", "size", "wanted"),
    [
        (1, 10, False),
        (2, 10, True),
        (LONGEST_HEADER, 10, True),
        (LONGEST_HEADER + 1, 10, False),
        (LONGEST_HEADER + 1, LONGEST_HEADER + 9, True),
        (LONGEST_HEADER + 2, LONGEST_HEADER + 9, False),
    ],
)
@pytest.mark.cases("all")
def test_a_length_is_one_of_a_header_up_to_the_longest_or_what_is_there(length, size, wanted):
    start = struct.pack("<Q", length)
    assert is_safetensors(start + b"{", size) is wanted
    assert not is_safetensors(start + b" {", size)


def test_where_variables_lie_is_told_and_of_names_with_slashes_one_is_enough(tmp_path):
    header = {
        "__metadata__": {"format": "tf"},
        "c/kernel": entry([1, 1, 1, 1], 0, 4),
        "bias": entry([0], 4, 4),
    }
    write(tmp_path / "one.safetensors", header, bytes(4))
    network = filtviz.load(index(tmp_path, dict.fromkeys(("c/kernel", "bias"), "one.safetensors")))
    assert (network.origin.framework, network.layers[1].name) == ("TensorFlow", "c")
    assert network.origin.notes == ("its tensors lie in one.safetensors",)
    header["__metadata__"]["format"] = "flax"
    network = filtviz.load(write(tmp_path / "flax.safetensors", header, bytes(4)))
    assert [(layer.name, layer.type) for layer in network.conv_layers] == [("c", "Conv")]


def test_a_guess_at_what_makes_weights_is_told(tmp_path):
    parts = {"original": entry([1, 1, 2, 2], 0, 16), "0.base": entry([1, 1, 2, 2], 16, 32)}
    header = {f"a.parametrizations.weight.{name}": one for name, one in parts.items()}
    stored = np.float32([[-1, 0], [0.5, -1], [1, 0], [0, 1]]).tobytes()
    network = filtviz.load(write(tmp_path / "m.safetensors", header, stored))
    assert "guessed the map that makes a orthogonal" in network.origin.guess


def test_an_index_and_its_files_must_agree(tmp_path):
    path = index(tmp_path, {"a.weight": "one.safetensors", "b.weight": "one.safetensors"})
    with pytest.raises(FileAccessError, match="there is no such file"):
        filtviz.load(path)
    (tmp_path / "one.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(MalformedFileError, match="is no safetensors file"):
        filtviz.load(path)
    write(tmp_path / "one.safetensors", {"a.weight": entry([1], 0, 4)}, bytes(4))
    told = r"the index says that 'b\.weight' lies in 'one\.safetensors', which has no such tensor"
    with pytest.raises(MalformedFileError, match=told):
        filtviz.load(path)


def test_any_other_json_is_no_model(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"weight_map": {"a": "model.h5"}, "other": "x.safetensors"}')
    with pytest.raises(UnsupportedFileError):
        filtviz.load(path)


@pytest.mark.parametrize("weight_map", [{}, [], {"a": 1}, None])
def test_an_index_names_files(tmp_path, weight_map):
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps({"metadata": {"format": ".safetensors"}, "weight_map": weight_map}))
    with pytest.raises(filtviz.MalformedFileError, match="an index of tensors whose map names no files"):
        filtviz.load(path)
