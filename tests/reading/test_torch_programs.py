"""TorchScript and ``torch.export``: weights and graphs beside code that is never looked at."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz import Hints
from filtviz.errors import LimitError, MalformedFileError, ReadError, UnsupportedFileError
from filtviz.operations import GlobalPooling, Untold
from filtviz.reading.formats import torchscript
from filtviz.reading.limits import Limits
from filtviz.reading.opened import Opened
from tests.reading.making import Thing
from tests.reading.torch_making import dumps, tensor, zip_of

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "modern" / "torch"


@pytest.mark.parametrize("name", ["traced.pt", "scripted.pt", "exported.pt2"])
def test_kernels_are_the_frameworks_own(name):
    network = filtviz.load(FIXTURES / name)
    with np.load(FIXTURES / f"{name}.truth.npz") as truth:
        assert len(network.conv_layers) == len(truth.files)
        for layer in network.conv_layers:
            assert np.array_equal(layer.W, truth[f"{layer.name}.weight"])
            assert layer.axes == ("iorc" if layer.name == "up" else "oirc")
            assert layer.flip_filters is False
    assert network.origin.framework == "PyTorch"


def test_torchscript_tells_classes_and_no_geometry():
    network = filtviz.load(FIXTURES / "traced.pt")
    assert network.conv_layers[0].type == "Conv2d"
    assert network.conv_layers[4].type == "ConvTranspose2d"
    assert {layer.convolution.stride for layer in network.conv_layers} == {None}
    assert any("code, which filtviz never reads" in one for one in network.origin.inferred)


def test_storages_among_constants_are_read_by_the_steps_of_pickles(tmp_path):
    constants = dumps((tensor(np.ones((2, 1, 3, 3), "f4")),))
    more = {"archive/code/__torch__.py": b"", "archive/constants.pkl": constants}
    path = tmp_path / "net.pt"
    path.write_bytes(zip_of(Thing("__torch__.Net"), more=more))
    opened = Opened.of(path, Limits(), Hints())
    _, (held,) = torchscript._constants(opened)
    assert (held.name, opened.steps.used, opened.effort.used) == ("c0.weight", 474, 0)


def test_an_exported_program_has_its_whole_graph():
    network = filtviz.load(FIXTURES / "exported.pt2")
    assert network.layers[0].output_shape == (1, 3, 24, 24)
    assert network.layers[-1].output_shape == (1, 10)
    convs = [layer.convolution for layer in network.conv_layers]
    assert [one.stride for one in convs] == [(1, 1), (1, 1), (1, 1), (2, 2), (2, 2), (1, 1)]
    assert [one.groups for one in convs] == [1, 8, 1, 4, 1, 1]
    assert convs[-1].dilation == (2, 2)
    assert isinstance(network.layers[-2].operations[0], GlobalPooling)
    assert not network.origin.inferred


def changed(tmp_path: Path, name: str, **members: Any) -> Path:
    """Write a file again with other bytes for the members that end so."""
    path = tmp_path / name
    with zipfile.ZipFile(FIXTURES / name) as old, zipfile.ZipFile(path, "w") as new:
        for member in old.infolist():
            wanted = next((one for one in members if member.filename.endswith(one.replace("__", "/"))), None)
            data = old.read(member)
            new.writestr(member.filename, members[wanted](data) if wanted else data)
    return path


def edit(change: Any) -> Any:
    """Return what changes a JSON text."""

    def run(data: bytes) -> bytes:
        found = json.loads(data)
        change(found)
        return json.dumps(found).encode()

    return run


def test_code_is_never_looked_at(tmp_path):
    """Code in TorchScript is a program: it may say anything."""
    path = changed(
        tmp_path, "traced.pt", **{"madenet.py": lambda _: b"import os; os.system('false')\xff\0" * 99}
    )
    assert len(filtviz.load(path).conv_layers) == 6


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "change",
    [
        lambda found: found["config"]["conv1.weight"]["tensor_meta"]["sizes"][0].update(as_int=1 << 40),
        lambda found: found["config"]["conv1.weight"]["tensor_meta"]["strides"][0].update(as_int=1 << 40),
        lambda found: found["config"]["conv1.weight"]["tensor_meta"]["storage_offset"].update(as_int=599),
        lambda found: found["config"]["conv1.weight"]["tensor_meta"]["storage_offset"].update(as_int=-1),
        lambda found: found["config"]["conv1.weight"].update(path_name="../../../models/model.json/x"),
        lambda found: found["config"]["conv1.weight"]["tensor_meta"].pop("sizes"),
    ],
)
def test_a_tensor_that_cannot_be_is_refused(tmp_path, change):
    path = changed(tmp_path, "exported.pt2", **{"model_weights_config.json": edit(change)})
    with pytest.raises(MalformedFileError):
        filtviz.load(path)


@pytest.mark.parametrize(
    "change",
    [lambda f: f.clear(), lambda f: f.update(graph_module=[]), lambda f: f["graph_module"].pop("graph")],
)
def test_a_graph_that_is_none_is_one_sentence(tmp_path, change):
    path = changed(tmp_path, "exported.pt2", **{"models__model.json": edit(change)})
    with pytest.raises(MalformedFileError, match="graph"):
        filtviz.load(path)


def program_with_weights(tmp_path: Path, root: str) -> Path:
    path = tmp_path / "model.pt2"
    node = {"target": "torch.ops.aten.relu.default", "inputs": [], "outputs": []}
    graph = {"graph": {"nodes": [node], "tensor_values": {}}, "signature": {"input_specs": []}}
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("models/model.json", json.dumps({"graph_module": graph}))
        file.writestr(f"{root}data/weights/model_weights_config.json", "{}")
    return path


def test_a_graph_is_read_with_the_weights_of_its_own_folder(tmp_path):
    assert filtviz.load(program_with_weights(tmp_path, "")).layers[0].type == "relu"
    with pytest.raises(UnsupportedFileError, match="without arrays of numpy's"):
        filtviz.load(program_with_weights(tmp_path, "elsewhere/"))


@pytest.mark.cases("all")
@pytest.mark.parametrize("data", [b"[" * 100_000, b"{", b"[]", b"\xff"])
def test_json_that_is_none_is_one_sentence(tmp_path, data):
    path = changed(tmp_path, "exported.pt2", **{"models__model.json": lambda _: data})
    with pytest.raises(MalformedFileError, match="JSON"):
        filtviz.load(path)


def test_weights_that_are_a_pickle_are_left_out_and_said_to_be(tmp_path):
    change = edit(lambda found: found["config"]["conv1.weight"].update(use_pickle=True))
    network = filtviz.load(changed(tmp_path, "exported.pt2", **{"model_weights_config.json": change}))
    assert len(network.conv_layers) == 5
    assert isinstance(network.layers[1].operations[0], Untold)


def test_more_nodes_or_tensors_than_allowed_are_refused():
    with pytest.raises(LimitError):
        filtviz.load(FIXTURES / "exported.pt2", limits=Limits(layers=14))
    with pytest.raises(LimitError):
        filtviz.load(FIXTURES / "traced.pt", limits=Limits(layers=10))


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", ["traced.pt", "exported.pt2"])
@pytest.mark.parametrize("kept", [0.4, 0.8, 0.99])
def test_a_file_that_was_cut_short_is_one_sentence(tmp_path, name, kept):
    data = (FIXTURES / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(ReadError):
        filtviz.load(path)


@pytest.mark.parametrize("version", ["2.5.1", "<=2.4", 3, None])
def test_the_version_is_told_where_the_program_has_one(tmp_path, version):
    def change(found: dict[str, Any]) -> None:
        found["torch_version"] = version

    path = changed(tmp_path, "exported.pt2", **{"models__model.json": edit(change)})
    assert filtviz.load(path).origin.versions == ({"torch": version} if version == "2.5.1" else {})
