"""Arrays in other formats: the same numbers under the same names, and nothing that leads elsewhere."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import filtviz
from filtviz.cli import main
from filtviz.converting.archives import write_npz
from filtviz.converting.collected import (
    Names,
    attribute,
    identifier,
    member,
    plain,
    stored,
    torch_layout,
    turned_kernel,
)
from filtviz.network import Layer, Network
from filtviz.operations import Activation, Convolution, Dense, LocallyConnected, Normalisation, Recurrent
from filtviz.parameter import Parameter
from tests.building import chain, conv, image
from tests.conftest import FIXTURES

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "mission-trained.pkl"
TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip


NO_NETWORK = (
    "/checkpoint", "/kernels.json", "/manifest.json", "/fingerprint.pb", ".data-00000-of-00001",
    ".onnx.data", ".ort", "/ort_all.onnx", "/text.onnx", "/net.cfg", "/lone.weights",
    "/pd_graph/model.json", "/pd_infer/model.json", "/lines/variables/variables.index",
)  # fmt: skip
"""How files beside the models end that are no network by themselves."""
FILES = [
    path
    for path in sorted(FIXTURES.rglob("*"))
    if path.is_file() and not {"make", "py36", "attacks", "made"} & set(path.parts)
]
READABLE = [path for path in FILES if not path.as_posix().endswith(NO_NETWORK)]


def is_readable(path: Path) -> bool:
    try:
        filtviz.load(path)
    except filtviz.FiltvizError:
        return False
    return True


@pytest.mark.slow
def test_every_file_that_is_a_network_is_converted_below() -> None:
    assert [path for path in FILES if is_readable(path)] == READABLE


def called(path: Path) -> str:
    return str(path.relative_to(FIXTURES))


def safetensors_of(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """A reader of a dozen lines: what the format says, and nothing of ours."""
    import ml_dtypes

    own = {"BF16": ml_dtypes.bfloat16, "F8_E4M3": ml_dtypes.float8_e4m3fn, "F8_E5M2": ml_dtypes.float8_e5m2}
    raw = path.read_bytes()
    (n,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + n])
    metadata = header.pop("__metadata__")
    arrays, last = {}, 0
    for name, facts in header.items():
        begin, end = facts["data_offsets"]
        assert begin == last
        last = end
        dtype = np.dtype(own.get(facts["dtype"]) or TYPES[facts["dtype"]])
        arrays[name] = np.frombuffer(raw[8 + n + begin : 8 + n + end], dtype).reshape(facts["shape"])
    assert 8 + n + last == len(raw)
    return metadata, arrays


def same(one: np.ndarray, other: np.ndarray) -> bool:
    little = other.astype(other.dtype.newbyteorder("=")) if other.dtype.kind in "fiub" else other
    return one.shape == other.shape and one.dtype == little.dtype and one.tobytes() == little.tobytes()


def wanted(network: Network) -> list[Parameter]:
    return list({id(one): one for layer in network.layers for one in layer.parameters}.values())


@pytest.mark.parametrize("path", READABLE, ids=called)
def test_safetensors_holds_exactly_the_arrays_of_the_file_in_their_order_and_types(path, tmp_path) -> None:
    network = filtviz.load(path)
    if any(one.dtype.kind == "V" and "ml_dtypes" not in one.dtype.type.__module__ for one in wanted(network)):
        with pytest.raises(filtviz.ConversionError, match="no number to convert"):
            filtviz.convert(network, tmp_path / "out.safetensors")
        return
    result = filtviz.convert(path, tmp_path / "out.safetensors")
    metadata, arrays = safetensors_of(tmp_path / "out.safetensors")
    assert list(arrays) == list(result.arrays)
    assert all(same(ours, one.value) for ours, one in zip(arrays.values(), wanted(network), strict=True))
    if path.is_file():
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert json.loads(metadata["files"])[path.name] == f"sha256:{digest}"
    assert str(path.parent) not in json.dumps(metadata)


@pytest.mark.parametrize("path", READABLE, ids=called)
def test_npz_is_read_back_with_the_same_arrays_and_what_numpy_has_not_is_refused(path, tmp_path) -> None:
    network = filtviz.load(path)
    if any(one.dtype.kind == "V" for one in wanted(network)):
        with pytest.raises(filtviz.ConversionError, match="type"):
            filtviz.convert(network, tmp_path / "out.npz")
        assert list(tmp_path.iterdir()) == []
        return
    result = filtviz.convert(network, tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz", allow_pickle=False) as held:
        assert held.files == list(result.arrays)
        assert all(same(held[name], one.value) for name, one in zip(held.files, wanted(network), strict=True))


def test_what_is_read_back_from_an_npz_is_the_network_again(tmp_path) -> None:
    filtviz.convert(EXAMPLE, tmp_path / "out.npz")
    before, after = filtviz.load(EXAMPLE), filtviz.load(tmp_path / "out.npz", like=EXAMPLE)
    for one, other in zip(before.conv_layers, after.conv_layers, strict=True):
        assert np.array_equal(one.W, other.W)
    images = np.random.default_rng(0).random((2, 1, 31, 31))
    assert np.array_equal(before.run(images), after.run(images))


def test_names_of_lasagnes_are_those_of_layer_and_parameter(tmp_path) -> None:
    result = filtviz.convert(EXAMPLE, tmp_path / "out.npz")
    assert result.arrays[:4] == ("conv1.W", "conv1.b", "conv2.W", "conv2.b")
    facts = json.loads(zipfile.ZipFile(tmp_path / "out.npz").comment)
    assert facts["layout"] == "stored"
    assert facts["kind"] == "a Lasagne network"


@pytest.mark.slow
def test_the_same_network_gives_the_same_file_each_time(tmp_path) -> None:
    for suffix in (".npz", ".safetensors", ".pt"):
        for name in ("a", "b"):
            filtviz.convert(EXAMPLE, tmp_path / f"{name}{suffix}")
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


# PyTorch's layout


def torch_arrays(network: Network, tmp_path: Path, **how: object) -> dict[str, np.ndarray]:
    filtviz.convert(network, tmp_path / "t.safetensors", layout="torch", **how)
    return safetensors_of(tmp_path / "t.safetensors")[1]


@pytest.mark.slow
@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "axes",
    ["oirc", "rcio", "iorc", "rcgo", "ocri"],
    ids=["lasagne", "keras", "io", "depthwise", "odd"],
)
@pytest.mark.parametrize("flips", [True, False])
def test_kernels_are_as_pytorch_correlates_whatever_their_axes(axes, flips, tmp_path) -> None:
    lengths = {"o": 4, "i": 3, "r": 3, "c": 2, "g": 5}
    weights = np.random.default_rng(0).normal(size=[lengths[a] for a in axes]).astype("float32")
    layer = conv(weights, axes=axes, flip_filters=flips, name="conv")
    network = Network.of([image(None), layer])
    found = torch_arrays(network, tmp_path)["conv.weight"]
    filters = network[0].filters
    assert np.array_equal(found, filters[:, :, ::-1, ::-1] if flips else filters)
    assert found.dtype == weights.dtype


def test_kernels_of_which_nobody_knows_whether_they_are_turned_are_refused_until_it_is_said(tmp_path) -> None:
    weights = np.arange(18, dtype="float32").reshape(2, 1, 3, 3)
    network = chain(conv(weights, flip_filters=None, name="c"))
    with pytest.raises(filtviz.ConversionError, match="--turned") as caught:
        torch_arrays(network, tmp_path)
    assert caught.value.layer == network[0].index
    assert np.array_equal(torch_arrays(network, tmp_path, turned=False)["c.weight"], weights)
    assert np.array_equal(torch_arrays(network, tmp_path, turned=True)["c.weight"], weights[:, :, ::-1, ::-1])
    for told in (False, True):
        known = chain(conv(weights, flip_filters=told, name="c"))
        for said in (False, True):  # what the file tells is not overruled
            wanted = weights[:, :, ::-1, ::-1] if told else weights
            assert np.array_equal(torch_arrays(known, tmp_path, turned=said)["c.weight"], wanted)
    one = chain(conv(weights[:, :, :1, :1], flip_filters=None, name="c"))
    assert torch_arrays(one, tmp_path)["c.weight"].shape == (2, 1, 1, 1)


def normalised(inv_std: np.ndarray, **facts: object) -> Network:
    made = {
        name: Parameter.of(name, values.astype("float32"))
        for name, values in {
            "mean": np.arange(3.0),
            "inv_std": inv_std,
            "gamma": np.ones(3),
            "beta": np.zeros(3),
        }.items()
    }
    one = Normalisation(
        mean=made["mean"], spread=made["inv_std"], gamma=made["gamma"], beta=made["beta"], **facts
    )
    layer = Layer(name="bn", inputs=(0,), parameters=tuple(made.values()), operations=(one,))
    return Network.of([image(3), layer])


def test_the_running_variance_comes_out_of_inv_std_with_its_epsilon(tmp_path) -> None:
    inv_std = np.array([0.5, 1.0, 99.0])
    found = torch_arrays(normalised(inv_std), tmp_path)
    assert list(found) == ["bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"]
    assert np.allclose(1 / np.sqrt(found["bn.running_var"].astype("float64") + 1e-4), inv_std, rtol=1e-5)
    metadata, _ = safetensors_of(tmp_path / "t.safetensors")
    assert json.loads(metadata["epsilon"]) == {"bn": 1e-4}


@pytest.mark.cases("all")
@pytest.mark.parametrize("bad", [101.0, np.inf, -1.0, np.nan])
def test_a_variance_that_cannot_be_is_refused_and_nothing_is_left(bad, tmp_path) -> None:
    with pytest.raises(filtviz.ConversionError, match="bn divides by less") as caught:
        filtviz.convert(normalised(np.array([1.0, bad, 1.0])), tmp_path / "t.pt")
    assert caught.value.layer == 1
    assert list(tmp_path.iterdir()) == []


def test_matrices_are_turned_round_for_pytorch_where_they_are_stored_the_other_way(tmp_path) -> None:
    matrix = np.arange(6, dtype="float64").reshape(2, 3)
    for axes, expected in (("io", matrix.T), ("oi", matrix)):
        dense = Dense(weights=Parameter.of("W", matrix), axes=axes, units=expected.shape[0])
        layer = Layer(name="d", inputs=(0,), parameters=(dense.weights,), operations=(dense,))
        assert np.array_equal(
            torch_arrays(Network.of([image(2, 1, 1), layer]), tmp_path)["d.weight"], expected
        )


def test_transposed_kernels_have_their_channels_first(tmp_path) -> None:
    weights = Parameter.of("W", np.random.default_rng(0).normal(size=(3, 5, 2, 2)))
    own = Convolution(
        weights=weights, axes="iorc", flip_filters=False, stride=(1, 1), pad=((0, 0), (0, 0)), transposed=True
    )
    layer = Layer(name="up", inputs=(0,), parameters=(weights,), operations=(own,))
    assert np.array_equal(torch_arrays(Network.of([image(3), layer]), tmp_path)["up.weight"], weights.value)


def test_a_file_of_pytorchs_keeps_its_names_and_arrays(tmp_path) -> None:
    path = FIXTURES / "modern" / "sd_zip.pth"
    network = filtviz.load(path)
    found = torch_arrays(network, tmp_path)
    before = {one.source: one.value for one in wanted(network)}
    assert set(found) == set(before)
    assert all(same(found[name], before[name]) for name in found)


def test_what_pytorch_has_no_layer_for_is_refused_by_name(tmp_path) -> None:
    untied = conv(np.ones((2, 1, 3, 3)), np.ones((2, 4, 4)), flip_filters=False, name="untied")
    with pytest.raises(filtviz.ConversionError, match="untied has a bias for each position"):
        torch_arrays(chain(untied), tmp_path)
    gates = Parameter.of("W_in_to_ingate", np.ones((2, 2)))
    memory = Layer(name="lstm", parameters=(gates,), operations=(Recurrent(kind="LSTM", units=2),))
    with pytest.raises(filtviz.ConversionError, match="lstm has no counterpart"):
        torch_arrays(Network.of([memory]), tmp_path)
    assert filtviz.convert(Network.of([memory]), tmp_path / "t.npz").arrays == ("lstm.W_in_to_ingate",)


# PyTorch's own reader, where it is


@pytest.mark.slow
@pytest.mark.parametrize("path", READABLE, ids=called)
def test_pytorch_loads_what_is_written_with_weights_only(path, tmp_path) -> None:
    torch = pytest.importorskip("torch")
    network = filtviz.load(path)
    try:
        result = filtviz.convert(network, tmp_path / "out.pt", layout="stored")
    except filtviz.ConversionError:
        assert any(one.dtype.kind == "V" for one in wanted(network))
        return
    for mapped in (False, True):
        held = torch.load(tmp_path / "out.pt", weights_only=True, mmap=mapped)
        assert list(held) == list(result.arrays)
        for tensor, one in zip(held.values(), wanted(network), strict=True):
            assert tuple(tensor.shape) == one.shape
            assert (
                tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes()
                == (
                    one.value.astype(one.dtype.newbyteorder("=")) if one.dtype.kind in "fiub" else one.value
                ).tobytes()
            )


@pytest.mark.slow
def test_the_real_safetensors_library_opens_what_is_written(tmp_path) -> None:
    numpy_of = pytest.importorskip("safetensors.numpy")
    filtviz.convert(EXAMPLE, tmp_path / "out.safetensors")
    held = numpy_of.load_file(tmp_path / "out.safetensors")
    assert all(np.array_equal(held[f"{one.label}.W"], one.W) for one in filtviz.load(EXAMPLE))


def test_what_is_written_for_pytorch_is_read_back_here(tmp_path) -> None:
    filtviz.convert(EXAMPLE, tmp_path / "out.pt")
    before, after = filtviz.load(EXAMPLE), filtviz.load(tmp_path / "out.pt")
    for one, other in zip(before, after, strict=True):
        assert np.array_equal(one.filters[:, :, ::-1, ::-1], other.filters)


# Names

HOSTILE = [
    "../../etc/passwd", "/root", "..", ".", "", "a/../b", "a//b", "C:\\x", "a\0b", "new\nline", "con.npy",
    "x" * 5000,
    "x" * 5000 + "y", "\u202eevil", "\ud800", "é", "e\u0301", "A", "a", "__metadata__", "file", "arr",
    "class",
    "x'); import os; os.system('touch /tmp/x')#", '"""', "\\", "a\tb", "tab", "日本",
]  # fmt: skip


def hostile() -> Network:
    layers = [image(1)]
    for number, name in enumerate(HOSTILE):
        weights = np.full((1, 1, 2, 2), number, "float32")
        layers.append(conv(weights, name=name, below=number, flip_filters=False))
    return Network.of(layers)


@pytest.mark.cases("all")
@pytest.mark.parametrize("make", [plain, member, identifier, attribute])
def test_no_two_things_get_one_name_whatever_they_are_called(make) -> None:
    names = Names(make)
    given = [names.give(name) for name in [*HOSTILE, *HOSTILE]]
    assert len({name.lower() for name in given}) == len(given)
    assert all(0 < len(name) <= 210 and name.isprintable() for name in given)
    if make is identifier:
        assert all(name.isidentifier() and name.isascii() for name in given)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".pt"])
def test_hostile_names_do_no_harm_and_every_array_is_there(suffix, tmp_path) -> None:
    network, target = hostile(), tmp_path / "in" / f"out{suffix}"
    target.parent.mkdir()
    result = filtviz.convert(network, target, layout="stored")
    assert len(set(result.arrays)) == len(HOSTILE)
    assert "changed" in result.remarks[0]
    if suffix == ".npz":
        with zipfile.ZipFile(target) as archive:
            for name in archive.namelist():
                assert not name.startswith("/")
                assert not {"..", ".", ""} & set(name.split("/"))
                assert "\\" not in name
        with np.load(target) as held:
            assert [held[name].ravel()[0] for name in held.files] == list(range(len(HOSTILE)))
    elif suffix == ".safetensors":
        values = [one.ravel()[0] for one in safetensors_of(target)[1].values()]
        assert values == list(range(len(HOSTILE)))
    else:
        after = filtviz.load(target)
        found = [one.value.ravel()[0] for layer in after.layers for one in layer.parameters]
        assert sorted(found) == list(range(len(HOSTILE)))
        if torch := pytest.importorskip("torch") if _has("torch") else None:
            held = torch.load(target, weights_only=True)
            assert [float(one.ravel()[0]) for one in held.values()] == list(range(len(HOSTILE)))
    assert [path.name for path in tmp_path.rglob("*")] == ["in", f"out{suffix}"]


def _has(module: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(module) is not None


def test_stored_names_that_the_file_gives_are_kept_with_their_slashes() -> None:
    network = filtviz.load(FIXTURES / "modern" / "trees" / "jax_params.npz")
    assert "BatchNorm_0/mean" in [one.name for one in stored(network, member).arrays]


@pytest.mark.slow
def test_no_header_of_safetensors_begins_as_a_pickle_does(tmp_path) -> None:
    lengths = set()
    for n in range(260):
        network = Network.of([image(1), conv(np.ones((1, 1, 1, 1)), name="x" * (1 + n % 190), below=0)])
        if n >= 190:
            network = Network.of(
                [*network.layers, conv(np.ones((1, 1, 1, 1)), name="y" * (n - 100), below=1)]
            )
        filtviz.convert(network, tmp_path / "out.safetensors")
        raw = (tmp_path / "out.safetensors").read_bytes()
        assert raw[0] != 0x80
        assert len(safetensors_of(tmp_path / "out.safetensors")[1]) == 1 + (n >= 190)
        lengths.add(raw[0])
    assert len(lengths) > 20


# What is refused, and the command


def test_nothing_is_written_over_the_file_that_is_read(tmp_path) -> None:
    own = tmp_path / "net.npz"
    filtviz.convert(EXAMPLE, own)
    before = own.read_bytes()
    with pytest.raises(filtviz.OutputError, match="one of the files given"):
        filtviz.convert(own, own)
    (tmp_path / "link.npz").symlink_to(own)
    with pytest.raises(filtviz.OutputError, match="one of the files given"):
        filtviz.convert(own, tmp_path / "link.npz")
    assert own.read_bytes() == before


def test_formats_and_layouts_that_are_none_are_one_sentence(tmp_path) -> None:
    with pytest.raises(filtviz.ArgumentError, match=r"\.npz"):
        filtviz.convert(EXAMPLE, tmp_path / "out.tar")
    with pytest.raises(filtviz.ArgumentError, match="stored"):
        filtviz.convert(EXAMPLE, tmp_path / "out.npz", layout="keras")
    with pytest.raises(filtviz.ArgumentError):
        filtviz.convert(EXAMPLE, "")


def test_a_small_file_cannot_ask_for_much_to_be_written(tmp_path) -> None:
    with pytest.raises(filtviz.BudgetError, match="--max-work"):
        filtviz.convert(EXAMPLE, tmp_path / "out.npz", budget=filtviz.Budget(work=1))
    assert list(tmp_path.iterdir()) == []


def test_the_command_prints_the_path_alone_and_json_for_scripts(tmp_path) -> None:
    target = str(tmp_path / "out.npz")
    result = CliRunner().invoke(main, ["convert", str(EXAMPLE), target])
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{target}\n", "")
    result = CliRunner().invoke(main, ["convert", str(EXAMPLE), target, "--json"])
    assert json.loads(result.stdout)["arrays"][0] == "conv1.W"
    result = CliRunner().invoke(main, ["convert", str(EXAMPLE), str(tmp_path / "out.zip")])
    assert result.exit_code == 2


# Real files, where they are


@pytest.mark.shared
@pytest.mark.slow
def test_every_real_file_is_converted_and_read_back_alike(shared, tmp_path) -> None:
    n = 0
    for path in sorted([*(shared / "models").rglob("*"), *(shared / "modern").rglob("*")]):
        try:
            network = filtviz.load(path) if path.is_file() and "truth" not in path.name else None
        except filtviz.FiltvizError:
            continue
        if network is None or any(one.dtype.kind == "V" for one in wanted(network)):
            continue
        try:
            filtviz.convert(network, tmp_path / "out.safetensors")
        except filtviz.LimitError:  # an array that is made of few bytes
            continue
        held = safetensors_of(tmp_path / "out.safetensors")[1]
        assert all(same(ours, one.value) for ours, one in zip(held.values(), wanted(network), strict=True)), (
            path
        )
        n += 1
    assert n > 60


def test_an_array_by_a_name_that_a_format_keeps_for_itself_gets_another() -> None:
    held = replace(Parameter.of("W", np.ones(3)), source="__metadata__")
    found = stored(Network.of([Layer(name="a", parameters=(held,))]), plain)
    assert [one.name for one in found.arrays] == ["__metadata___2"]
    assert found.remarks == (
        "one name was changed, since names must be unique and can hold no controls and no paths",
    )


def test_arrays_of_one_name_are_called_by_their_layers_and_these_by_their_place() -> None:
    same_name = [replace(Parameter.of("W", np.ones(3)), source="W") for _ in range(3)]
    layers = [Layer(name="a", parameters=same_name[:1]), *(Layer(parameters=(one,)) for one in same_name[1:])]
    assert [one.name for one in stored(Network.of(layers), plain).arrays] == ["a.W", "layer1.W", "layer2.W"]


def test_what_pytorchs_layers_have_no_place_for_is_left_out_and_said(tmp_path) -> None:
    more = Parameter.of("momentum", np.ones(2))
    layer = conv(np.ones((2, 1, 3, 3), "f4"), name="c", flip_filters=False)
    layer = replace(layer, parameters=(*layer.parameters, more))
    result = filtviz.convert(chain(layer), tmp_path / "t.pt")
    assert result.arrays == ("c.weight",)
    assert result.remarks == ("left out, since PyTorch's layers have no place for it: c.momentum",)


def test_two_operations_with_arrays_have_them_under_two_names(tmp_path) -> None:
    slopes = Activation(kind="parametric_rectify", slopes=Parameter.of("alpha", np.ones(2, "f4")))
    layer = conv(np.ones((2, 1, 3, 3), "f4"), name="c", flip_filters=False)
    found = torch_layout(chain(replace(layer, operations=(layer.convolution, slopes))), plain)
    assert [one.name for one in found.arrays] == ["c.weight", "c.weight_1"]


def test_a_folder_that_is_a_model_is_told_by_the_files_that_have_bytes(tmp_path) -> None:
    folder = FIXTURES / "modern" / "tensorflow" / "tf_savedmodel"
    filtviz.convert(folder, tmp_path / "t.safetensors")
    told = json.loads(safetensors_of(tmp_path / "t.safetensors")[0]["files"])
    assert told
    assert all("/" not in name and digest.startswith("sha256:") for name, digest in told.items())


def test_a_module_goes_with_pytorchs_layout_alone(tmp_path) -> None:
    for target, layout in (("m.pt", "stored"), ("m.npz", None)):
        with pytest.raises(filtviz.ArgumentError, match=r"beside a \.pt file in the layout of PyTorch"):
            filtviz.convert(EXAMPLE, tmp_path / target, layout=layout, module=tmp_path / "m.py")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "dtype", ["float8_e4m3fn", "float8_e5m2", "uint16", "uint32", "bfloat16", "<f4", ">f8"]
)
def test_arrays_of_every_type_are_read_back_from_pytorchs_zip(dtype, tmp_path) -> None:
    import ml_dtypes

    own = getattr(ml_dtypes, dtype, None)
    values = np.arange(6).reshape(2, 1, 3, 1).astype(own if own is not None else dtype)
    layers = [Layer(name=name, parameters=(Parameter.of("W", values + n),)) for n, name in enumerate("ab")]
    filtviz.convert(Network.of(layers), tmp_path / "t.pt", layout="stored")
    read = filtviz.load(tmp_path / "t.pt")
    found = [one.value for layer in read.layers for one in layer.parameters]
    for n, one in enumerate(found):
        assert one.tolist() == (values + n).tolist()
        assert one.dtype == values.dtype.newbyteorder("=")


@pytest.mark.parametrize("n", [1, 3])
def test_each_array_of_pytorchs_zip_begins_at_a_multiple_of_64_bytes(tmp_path: Path, n: int) -> None:
    layers = [conv(np.ones((k + 1, k or 1, 3, 3), "float32"), flip_filters=False) for k in range(n)]
    filtviz.convert(chain(*layers), tmp_path / "net.pt", verify=False)
    written = (tmp_path / "net.pt").read_bytes()
    with zipfile.ZipFile(tmp_path / "net.pt") as archive:
        data = [one for one in archive.infolist() if "/data/" in one.filename]
    assert len(data) == n
    for one in data:
        lengths = struct.unpack_from("<HH", written, one.header_offset + 26)
        assert (one.header_offset + 30 + sum(lengths)) % 64 == 0


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("axes", "shape", "whole"),
    [
        ("oirc", (4, 3, 2, 5), (4, 3, 2, 5)), ("rcio", (2, 5, 3, 4), (4, 3, 2, 5)),
        ("oircyx", (4, 3, 2, 5, 6, 7), (4, 3, 2, 5, 6, 7)), ("orcyx", (4, 2, 5, 6, 7), (4, 1, 2, 5, 6, 7)),
        ("rcgo", (2, 5, 3, 4), (12, 1, 2, 5)), ("oic", (4, 3, 5), (4, 3, 5)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("flips", [False, True])
def test_kernels_are_turned_along_their_own_axes_alone(axes, shape, whole, flips) -> None:
    weights = np.arange(float(np.prod(shape))).reshape(shape)
    kind = LocallyConnected if "y" in axes else Convolution
    operation = kind(weights=Parameter.of("W", weights), axes=axes)
    found = turned_kernel(operation, weights, flips=flips)
    plain = turned_kernel(operation, weights, flips=False)
    assert found.shape == whole
    n = len(operation.kernel_size)
    turn = (slice(None), slice(None), *[slice(None, None, -1) if flips else slice(None)] * n)
    assert np.array_equal(found, plain[turn])


def test_no_object_is_written_as_an_array() -> None:
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        write_npz(io.BytesIO(), [Parameter.of("W", np.array([None]))], {})
