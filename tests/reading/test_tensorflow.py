"""TensorFlow: checkpoints, the variables of SavedModels, frozen graphs, and tables that lie."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import filtviz
from filtviz import live
from filtviz.errors import FileAccessError, LimitError, ReadError, SelectionError
from filtviz.operations import Convolution, Input, Normalisation, Untold
from filtviz.parameter import Parameter
from filtviz.reading.arrays import stored
from filtviz.reading.formats.tensorflow import _averaged, _optimised, checkpoint, graphdef
from filtviz.reading.formats.tensorflow.folding import folded
from filtviz.reading.limits import Computing, Hints, Limits, effort
from tests.reading.operators.asking import numbers, part
from tests.reading.operators.tensorflow import _tf

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "modern" / "tensorflow"
KERNELS = json.loads((FIXTURES / "kernels.json").read_text(encoding="utf-8"))
CHECKPOINT = FIXTURES / "tf_ckpt" / "ckpt.index"


def named(name: str) -> Path:
    return CHECKPOINT if name == "tf_ckpt" else FIXTURES / name


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_are_the_frameworks_own(name):
    network = filtviz.load(named(name))
    wanted = {one["sha256_c_order"]: one for one in KERNELS[name]}
    assert len(network.conv_layers) == len(wanted)
    for layer in network.conv_layers:
        told = wanted[hashlib.sha256(np.ascontiguousarray(layer.W).tobytes()).hexdigest()]
        assert (list(layer.W.shape), str(layer.W.dtype)) == (told["shape"], told["dtype"])
        assert layer.axes == {"hwio": "rcio", "hwim": "rcgo", "hwoi": "rcoi"}[told["axes"]]
        assert layer.flip_filters is False
    assert network.origin.framework == "TensorFlow"


def test_layers_stand_in_the_order_of_their_keys_and_have_the_variables_names():
    network = filtviz.load(CHECKPOINT)
    names = [layer.name for layer in network.layers]
    assert names[:6] == ["first", "dw", "sep/depthwise", "sep/pointwise", "grp", "up"]
    types = [layer.type for layer in network.layers[:6]]
    assert types[:2] == ["Conv2D", "DepthwiseConv2D"]
    assert types[-1] == "Conv2DTranspose"
    assert isinstance(network.layers[6].operations[0], Normalisation)


def test_a_frozen_graph_tells_how_layers_move():
    network = filtviz.load(FIXTURES / "tf_frozen.pb")
    first = next(layer for layer in network.layers if isinstance(layer.operations[0], Input))
    assert first.output_shape == (1, 3, 16, 16)
    convs = [layer.convolution for layer in network.conv_layers]
    assert isinstance(convs[0], Convolution)
    assert (convs[0].stride, convs[0].pad) == ((1, 1), ((1, 1), (2, 2)))
    assert (convs[1].stride, convs[1].pad, convs[1].groups) == ((1, 1), ((0, 0), (0, 0)), 8)
    assert network.conv_layers[1].output_shape == (1, 16, 14, 14)
    assert convs[-1].transposed
    assert [one.shape for one in network.conv_layers[0].parameters] == [(3, 5, 3, 8), (8,)]
    assert [layer.name.rpartition("/")[2] for layer in network.layers[:3]] == ["x", "convolution", "Relu"]


def test_a_checkpoint_without_its_data_says_which_file_is_missing(tmp_path):
    shutil.copy(CHECKPOINT, tmp_path / "ckpt.index")
    with pytest.raises(FileAccessError, match=r"ckpt\.data-00000-of-00001"):
        filtviz.load(tmp_path / "ckpt.index")


def test_data_that_is_a_link_or_too_short_is_refused(tmp_path):
    shutil.copy(CHECKPOINT, tmp_path / "ckpt.index")
    data = tmp_path / "ckpt.data-00000-of-00001"
    data.symlink_to(FIXTURES / "tf_ckpt" / data.name)
    with pytest.raises(FileAccessError, match="link"):
        filtviz.load(tmp_path / "ckpt.index")
    data.unlink()
    data.write_bytes((FIXTURES / "tf_ckpt" / data.name).read_bytes()[:3000])
    with pytest.raises(ReadError, match="beyond the end"):
        filtviz.load(tmp_path / "ckpt.index")


@pytest.mark.cases("all")
@pytest.mark.parametrize("place", range(0, 1400, 37))
def test_an_index_that_was_changed_is_a_network_or_one_sentence(tmp_path, place):
    shutil.copytree(FIXTURES / "tf_ckpt", tmp_path / "m")
    path = tmp_path / "m" / "ckpt.index"
    data = bytearray(path.read_bytes())
    data[place % (len(data) - 8)] ^= 0xFF
    path.write_bytes(data)
    try:
        network = filtviz.load(path)
        assert all(one.W.nbytes < 100_000 for one in network.conv_layers)
    except ReadError:
        pass


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.99])
def test_a_graph_that_was_cut_short_is_one_sentence(tmp_path, kept):
    data = (FIXTURES / "tf_frozen.pb").read_bytes()
    path = tmp_path / "m.pb"
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(ReadError):
        filtviz.load(path)


def test_more_arrays_or_nodes_than_allowed_are_refused():
    with pytest.raises(LimitError, match="arrays"):
        filtviz.load(CHECKPOINT, limits=Limits(layers=10))
    with pytest.raises(LimitError, match="nodes"):
        filtviz.load(FIXTURES / "tf_frozen.pb", limits=Limits(layers=10))


def test_moving_averages_are_chosen_by_weights_and_stand_in_for_what_is_not_there():
    plain, average = (stored((2,), np.dtype("<f4"), False, 8, lambda: memoryview(bytes(8))) for _ in range(2))
    ema = Hints(weights="ema")
    both = {"a/kernel": plain, "a/kernel/ExponentialMovingAverage": average}
    kept, said = _averaged(both, {"a/kernel": plain}, Hints())
    assert (kept["a/kernel"], len(said)) == (plain, 1)
    assert "--weights ema" in said[0]
    assert _averaged(both, {"a/kernel": plain}, ema) == ({"a/kernel": average}, [])
    assert _averaged({"a/kernel/ExponentialMovingAverage": average}, {}, Hints()) == (
        {"a/kernel": average},
        [],
    )
    # Of one variable there is the average alone, but others are there as they are.
    more = {**both, "b/kernel/ExponentialMovingAverage": average}
    kept, said = _averaged(more, {"a/kernel": plain}, Hints())
    assert (kept, len(said)) == ({"a/kernel": plain}, 2)
    assert _averaged(both, {"a/kernel": plain}, Hints(weights="EMA")) == ({"a/kernel": average}, [])
    with pytest.raises(SelectionError, match="there are: ema"):
        _averaged(both, {"a/kernel": plain}, Hints(weights="swa"))
    with pytest.raises(SelectionError, match="one set"):
        _averaged({"a/kernel": plain}, {"a/kernel": plain}, ema)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("ending", "scale", "expected"),
    [
        ("Adam", 1.0, ("b", "a")),
        ("Momentum_1", 1.0, ("b", "a")),
        ("Adam", 0.0, ("", "")),  # before the first step
        ("ExponentialMovingAverage", 1.0, ("", "")),
    ],
)
def test_moments_beside_the_weights_tell_which_layers_were_moved(ending, scale, expected):
    values = {
        f"{name}/{part}": np.arange(36.0).reshape(3, 3, 2, 2) for name in "ab" for part in ("kernel", "x")
    }
    values |= {f"b/kernel/{ending}": scale * values["b/kernel"], "b/kernel/beta1_power": np.array(0.9)}
    arrays = {
        name: stored(one.shape, one.dtype, False, one.nbytes, one.tobytes) for name, one in values.items()
    }
    found = _optimised(arrays, {"a", "b"}, live._Allowed())  # type: ignore[arg-type]
    assert ("".join(found.moved), "".join(found.resting)) == expected


@pytest.mark.parametrize(
    ("operator", "n", "is_computed"), [("Mul", 1, False), ("Mul", 2, True), ("Sqrt", 2, False)]
)
def test_a_node_computes_of_as_many_arrays_as_it_takes(operator, n, is_computed):
    held = [Parameter.of("n", np.array([4.0, 9.0], "f4"), str(place)) for place in range(n)]
    found = folded(operator, {}, held, [None] * n, {}, Computing(0))
    assert (found is not None) == is_computed


def test_a_single_number_is_given_two_axes_and_a_line_is_flattened():
    assert _tf("Reshape", numbers(1, 1), shape=())[1] == "Reshape lengths=(1, 1)"
    assert _tf("Reshape", numbers(1, -1), shape=(1, 6))[1] == "Flatten"
    assert _tf("Squeeze", shape=(), squeeze_dims=[0])[1] == "nothing"


def test_of_a_node_that_is_not_followed_the_arrays_are_listed_and_no_single_numbers() -> None:
    alone, two = Parameter.of("alone", np.ones(1)), Parameter.of("two", np.ones(2))
    wholes = Parameter.of("wholes", np.arange(4))
    case = SimpleNamespace(constants=[None, alone, two, wholes])
    assert graphdef._held_by_untold((Untold(reason="odd"),), case) == (two,)
    assert graphdef._held_by_untold((Input(),), case) == ()


def test_a_variable_keeps_its_key_whatever_else_is_said_of_its_object() -> None:
    value = part(2, part(1, "VARIABLE_VALUE") + part(2, "kernel") + part(3, "key"))
    other = part(2, part(1, "OBJECT_CONFIG_JSON") + part(2, "config") + part(3, "another"))
    graph = part(1, value + other) + part(1, other + value) + part(1, other)
    names, objects = checkpoint._objects(graph, SimpleNamespace(effort=effort(Limits())))
    assert names == {"key": "kernel", "another": "config"}
    assert [one.key for one in objects] == ["key", "key", ""]


def test_a_reference_names_the_output_by_its_number_in_a_graph_and_in_a_function() -> None:
    said = ("node", "node:0", "node:1", "node:output", "node:output:0", "node:output:1")
    assert [graphdef._reference(one) for one in said] == ["node", "node", "node:1", "node", "node", "node:1"]


@pytest.mark.parametrize("kinds", [("f4", "f8"), ("f8", "f4"), ("f4", "f4")])
def test_what_a_graph_computes_is_of_the_type_that_it_says(kinds):
    held = [Parameter.of("", np.ones(3, kind), f"{place}") for place, kind in enumerate(kinds)]
    found = folded("Add", {}, held, [None, None], {}, Computing(10_000)).parameter
    assert found.value.dtype == found.dtype == np.dtype(kinds[0])
