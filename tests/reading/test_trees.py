"""Named arrays in the words of Flax, PyTorch and Paddle, and bare ones whose axes must be concluded."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import filtviz
from filtviz.cli import main
from filtviz.errors import LimitError, MalformedFileError, ReadError
from filtviz.network import Network
from filtviz.reading import optimised
from filtviz.reading.arrays import stored
from filtviz.reading.formats.trees import _of_moment
from filtviz.reading.limits import Hints, Limits, effort
from tests.reading.making import Thing, write

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "modern" / "trees"


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", ["flax_model.msgpack", "jax_params.npz", "jax_params.pkl", "jax_tree.npy"])
def test_trees_of_jax_have_their_filters_last(name):
    network = filtviz.load(FIXTURES / name)
    planar = [layer for layer in network.conv_layers if len(layer.kernel_size) == 2]
    with np.load(FIXTURES / "flax_model.msgpack.truth.npz") as truth:
        for layer in planar:
            assert np.array_equal(layer.W, truth[f"params|{layer.name}|kernel"])
    assert {layer.name: layer.axes for layer in planar} == dict.fromkeys(("dw", "first", "up"), "rcio")
    assert all(layer.flip_filters is False for layer in planar)
    assert network.origin.framework == "Flax"
    norm = next(layer for layer in network.layers if layer.name == "BatchNorm_0")
    assert {one.name for one in norm.parameters} == {"scale", "bias", "mean", "var"}


def test_a_checkpoint_of_paddles_keeps_pairs_of_names_and_arrays(tmp_path):
    norm = {f"bn.{name}": np.ones(4, "f4") for name in ("weight", "bias", "_mean", "_variance")}
    held = {"conv.weight": np.ones((4, 3, 3, 3), "f4"), **norm, "fc.weight": np.ones((4, 9), "f4")}
    pairs = {name: (f"parameter_{number}", array) for number, (name, array) in enumerate(held.items())}
    (tmp_path / "net.pdparams").write_bytes(pickle.dumps({"epoch": 1, "model": pairs}, 4))
    network = filtviz.load(tmp_path / "net.pdparams")
    assert network.origin.framework == "Paddle"
    assert [(layer.name, layer.type) for layer in network.layers] == [
        ("conv", "Conv2d"), ("bn", "BatchNorm"), ("fc", "Linear"),
    ]  # fmt: skip
    assert network.layers[2].operations[0].units == 9


def test_the_states_of_nnx_are_read_by_the_names_in_them(tmp_path):
    kernels = {name: np.ones(shape, "f4") for name, shape in (("b", (3, 3, 3, 8)), ("a", (3, 3, 1, 8)))}
    kept = {name: {"kernel": {"_raw_value": kernel}} for name, kernel in kernels.items()}
    network = filtviz.load(write(tmp_path / "state.pkl", Thing("flax.nnx.statelib.State", _mapping=kept)))
    assert network.origin.framework == "Flax"
    assert [layer.name for layer in network.conv_layers] == ["b", "a"]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("moments", "moved", "resting"),
    [
        ({"mu": {"a": 0.0, "b": 1.0, "fc": 1.0}}, "b fc", "a"),
        ({"mu": {"a": 0.0, "b": 0.0, "fc": 0.0}, "nu": {"a": 0.0, "b": 1.0, "fc": 1.0}}, "b fc", "a"),
        ({"mu": {"fc": 1.0}}, "fc", "a b"),  # the others were masked
        ({"mu": {"a": 0.0, "b": 0.0, "fc": 0.0}}, "", ""),  # before the first step
        ({"ema": {"a": 1.0, "b": 1.0, "fc": 1.0}}, "", ""),  # no moments
    ],
)
def test_the_state_of_optax_tells_which_layers_it_has_moved(tmp_path, moments, moved, resting):
    shapes = {"a": (3, 3, 1, 8), "b": (3, 3, 8, 8), "fc": (9, 4)}
    random = np.random.default_rng(0)

    def tree(scales: dict[str, float]) -> dict[str, dict[str, np.ndarray]]:
        return {
            name: {"kernel": scale * random.normal(size=shapes[name]).astype("f4")}
            for name, scale in scales.items()
        }

    state = {"0": {"count": np.array(3), **{name: {"params": tree(one)} for name, one in moments.items()}}}
    inner = {"inner_states": {"train": {"inner_state": state}}}
    held = {"step": 3, "params": {"params": tree(dict.fromkeys(shapes, 1.0))}, "opt_state": inner}
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(held, 4))
    origin = filtviz.load(tmp_path / "m.pkl").origin
    found = [" ".join(sorted(each)) for each in (origin.moved, origin.resting)]
    assert found == [moved, resting]
    assert origin.training == (("its optimiser has moved weights",) if moved else ())


def test_moments_of_zeros_are_looked_through_as_far_as_a_budget_goes(monkeypatch):
    monkeypatch.setattr(optimised, "_MOST", 10_000)
    values = {name: np.zeros(5_000, "f4") for name in "abcd"}
    values["a"][4_900] = values["d"][0] = 1.0
    moments = [
        (name, stored((5_000,), one.dtype, False, one.nbytes, one.tobytes)) for name, one in values.items()
    ]
    found = optimised.moved_by_name(dict.fromkeys("abcde", (5_000,)), moments, effort(Limits()))
    assert (found.moved, found.resting) == ({"a", "d"}, {"b", "e"})  # c was not looked through


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("opt_state/0/mu/params/a/kernel", "a/kernel"),
        ("x/opt/0/nu/a/mu/kernel", "a/mu/kernel"),
        ("mu/a/kernel", ""),
        ("opt_state/0/ema/a/kernel", ""),
        ("/opt" * 5_000, ""),
    ],
    ids=["adam", "deep", "no state", "average", "long"],
)
def test_what_a_moment_is_of_stands_behind_its_name(name, expected):
    assert _of_moment(name) == expected


def test_all_variables_of_flaxs_may_lie_under_the_name_of_its_parameters(tmp_path):
    vectors = [np.full(8, value, "f4") for value in range(4)]
    held = {
        "params": {
            "c": {"kernel": np.ones((3, 3, 1, 8), "f4")},
            "n": {"scale": vectors[0], "bias": vectors[1]},
        },
        "batch_stats": {"n": {"mean": vectors[2], "var": vectors[3]}},
    }
    (tmp_path / "m.pkl").write_bytes(pickle.dumps({"params": held, "step": 3}, 4))
    layers = filtviz.load(tmp_path / "m.pkl").layers
    assert [(each.name, len(each.parameters)) for each in layers] == [("c", 1), ("n", 4)]


HAIKUS = {
    "net/~/stem": {"w": (3, 3, 3, 8), "b": (8,)},
    "batch_norm": {"scale": (1, 1, 1, 8), "offset": (1, 1, 1, 8)},
    "conv2_d_transpose": {"w": (2, 2, 6, 8), "b": (6,)},
    "linear": {"w": (6, 5), "b": (5,)},
}


def test_haikus_kernels_have_their_filters_last_and_no_scale_is_one(tmp_path):
    tree = {name: {key: arrays(one)[0] for key, one in own.items()} for name, own in HAIKUS.items()}
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(tree))
    flat = {f"{name}/{key}": one for name, own in tree.items() for key, one in own.items()}
    np.savez(tmp_path / "m.npz", **flat)
    for name in ("m.pkl", "m.npz"):
        network = filtviz.load(tmp_path / name)
        assert network.origin.framework == "Haiku"
        stem, up = sorted(network.conv_layers, key=lambda one: one.name or "", reverse=True)
        assert (stem.name, stem.axes, stem.convolution.transposed) == ("net/~/stem", "rcio", False)
        assert (up.axes, up.convolution.transposed, up.n_filters) == ("rcoi", True, 6)
        assert all(one.flip_filters is False for one in network.conv_layers)


def test_a_name_tells_flaxs_transposed_convolutions_and_no_other(tmp_path):
    shapes = {"Conv_0": (3, 3, 3, 8), "ConvTranspose_0": (2, 2, 8, 6)}
    tree = {"params": {name: {"kernel": arrays(one)[0]} for name, one in shapes.items()}}
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(tree))
    network = filtviz.load(tmp_path / "m.pkl")
    found = {one.name: (one.type, one.convolution.transposed, one.axes) for one in network.conv_layers}
    assert found == {
        "Conv_0": ("Conv", False, "rcio"),
        "ConvTranspose_0": ("ConvTranspose", True, "rcio"),
    }
    assert any("NAME=hwio" in one for one in network.origin.inferred)


def test_paddles_dictionaries_have_their_filters_first():
    network = filtviz.load(FIXTURES / "net.pdparams")
    with np.load(FIXTURES / "net.pdparams.truth.npz") as truth:
        assert [np.array_equal(one.W, truth[f"{one.name}.weight"]) for one in network.conv_layers] == [
            True
        ] * 3
    assert [(one.name, one.axes) for one in network.conv_layers] == [
        ("0", "oirc"),
        ("2", "oirc"),
        ("4", "iorc"),
    ]
    assert network.origin.framework == "Paddle"


def arrays(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


def saved(tmp_path: Path, *shapes: tuple[int, ...], **named: tuple[int, ...]) -> Path:
    path = tmp_path / "values.npz"
    np.savez(path, *arrays(*shapes), **{key.replace("__", "/"): arrays(one)[0] for key, one in named.items()})
    return path


def load(tmp_path: Path, *shapes: tuple[int, ...], **named: tuple[int, ...]) -> Network:
    return filtviz.load(saved(tmp_path, *shapes, **named))


def test_arrays_called_weight_are_pytorchs(tmp_path):
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps({"conv1.weight": arrays((8, 3, 3, 3))[0], "conv1.bias": arrays((8,))[0]}))
    network = filtviz.load(path)
    assert (network.layers[0].type, network.layers[0].name) == ("Conv2d", "conv1")
    assert network.conv_layers[0].flip_filters is False
    path.write_bytes(pickle.dumps({"conv1.W": arrays((8, 3, 3, 3))[0], "conv1.b": arrays((8,))[0]}))
    assert filtviz.load(path).conv_layers[0].flip_filters is None


def test_an_optimisers_copies_are_left_out(tmp_path):
    named = {"params__a__kernel": (3, 3, 1, 4), "opt_state__mu__a__kernel": (3, 3, 1, 4)}
    network = load(tmp_path, **named)
    assert [layer.name for layer in network.conv_layers] == ["a"]
    assert "optimiser" in network.origin.left_out[0]


def test_names_of_pytorchs_below_a_key_are_pytorchs(tmp_path):
    """Detectron2 keeps its arrays so."""
    weights = {"stem.conv1.weight": arrays((8, 3, 3, 3))[0], "stem.conv1.norm.weight": arrays((8,))[0]}
    (tmp_path / "m.pkl").write_bytes(pickle.dumps({"model": weights, "__author__": "someone"}))
    network = filtviz.load(tmp_path / "m.pkl")
    assert [(one.axes, one.flip_filters) for one in network.conv_layers] == [("oirc", False)]
    assert network.origin.framework == "PyTorch"


# Bare arrays


@pytest.mark.parametrize("before", [b"", b'{"width": 8}\n'])
def test_arrays_in_a_row_are_all_there(tmp_path, before):
    """As Equinox writes its leaves, behind a line of JSON in its own example."""
    path = tmp_path / "m.eqx"
    written = arrays((8, 3, 3, 3), (8, 1, 1), (4, 8, 3, 3), (4, 1, 1))
    with path.open("wb") as file:
        file.write(before)
        for one in written:
            np.save(file, one)
    first, last = filtviz.load(path).conv_layers
    assert np.array_equal(first.W, written[0])
    assert np.array_equal(last.W, written[2])
    assert [(one.axes, one.flip_filters, len(one.parameters)) for one in (first, last)] == [
        ("oirc", False, 2)
    ] * 2
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ReadError):
        filtviz.load(path)


def test_what_lies_behind_an_array_and_is_none_is_not_looked_at(tmp_path):
    path = tmp_path / "m.npy"
    np.save(path, arrays((8, 3, 3, 3))[0])
    path.write_bytes(path.read_bytes() + b"\x93NUMP? and more")
    assert [one.W.shape for one in filtviz.load(path).conv_layers] == [(8, 3, 3, 3)]


def test_biases_with_axes_of_length_one_are_no_kernels(tmp_path):
    """As JAX's stax has them."""
    network = load(tmp_path, (5, 5, 3, 16), (1, 1, 1, 16), (3, 3, 16, 32), (1, 1, 1, 32))
    assert [(one.W.shape, one.axes) for one in network.conv_layers] == [
        ((5, 5, 3, 16), "rcio"),
        ((3, 3, 16, 32), "rcio"),
    ]
    alone = load(tmp_path, (5, 5, 3, 16), (1, 1, 16, 8))
    assert len(alone.conv_layers) == 2


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("shapes", "axes"),
    [
        ([(3, 3, 3, 64), (64,), (3, 3, 64, 32), (32,)], ["rcio", "rcio"]),
        ([(5, 5, 1, 20), (20,)], ["rcio"]),
        ([(3, 3, 16, 16), (16,)], ["rcio"]),
        ([(4, 4, 5, 12), (5,)], ["rcoi"]),
        ([(64, 3, 3, 3), (64,), (32, 64, 3, 3), (32,)], ["oirc", "oirc"]),
        ([(16, 16, 3, 3), (16,)], ["oirc"]),
        ([(16, 1, 28, 28), (16,)], ["oirc"]),
        ([(3, 3, 3, 3), (3,)], ["oirc"]),
        ([(8, 4, 5, 5), (4,)], ["iorc"]),
    ],
)
def test_biases_channels_and_sizes_tell_the_axes(tmp_path, shapes, axes):
    assert [layer.axes for layer in load(tmp_path, *shapes).conv_layers] == axes


def test_no_reading_contradicts_the_biases(tmp_path):
    for shapes in (
        [(3, 3, 3, 64), (64,)],
        [(64, 3, 3, 3), (64,)],
        [(7, 9, 11, 13), (13,)],
        [(7, 9, 11, 13), (7,)],
    ):
        layer = load(tmp_path, *shapes).conv_layers[0]
        assert layer.n_filters == shapes[1][0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shapes", "says"),
    [
        (
            [(3, 3, 3, 64), (64,)],
            "concluded hwio, as Keras saves kernels (arr_0 is 3x3x3x64); --axes oihw if not",
        ),
        ([(3, 3, 3, 16), (3, 3, 16, 16)], "guessed hwio, as Keras saves kernels"),
        (
            [(3, 3, 3, 3)],
            "guessed oihw, filters first (arr_0 is 3x3x3x3), since hwio fits as well; --axes hwio if not",
        ),
        ([(64, 3, 3, 3), (64,)], ""),
    ],
)
def test_every_command_says_what_it_concluded_once_unless_it_is_certain(tmp_path, shapes, says):
    path = saved(tmp_path, *shapes)
    commands = {
        "layers": [], "plot": ["-o", str(tmp_path / "a.png")], "diagnose": [],
        "export": ["-o", str(tmp_path / "out")], "report": ["-o", str(tmp_path / "a.html")],
    }  # fmt: skip
    for command, options in commands.items():
        result = CliRunner().invoke(main, [command, str(path), *options])
        assert result.exit_code == 0, result.output
        assert result.stderr.count("as Keras saves") + result.stderr.count("fits as well") == bool(says)
        assert says in result.stderr
    result = CliRunner().invoke(main, ["layers", str(path), "--axes", "hwio"])
    assert not result.stderr


def test_what_a_person_says_stands(tmp_path):
    path = saved(tmp_path, (3, 3, 3, 3))
    assert filtviz.load(path, hints=Hints(axes={"": "hwio"})).conv_layers[0].axes == "rcio"
    assert filtviz.load(path, hints=Hints(axes={"": "oihw"})).conv_layers[0].axes == "oirc"


def test_chainers_layers_stand_by_their_numbers_and_one_neighbour_turns_nothing_around(tmp_path):
    shapes = {"conv1": (50, 1, 3, 3), "conv2": (50, 50, 3, 3), "conv10": (20, 50, 3, 3)}
    named = {f"predictor__{name}__W": shape for name, shape in sorted(shapes.items())}
    named |= {f"predictor__{name}__b": shape[:1] for name, shape in shapes.items() if name != "conv1"}
    network = load(tmp_path, **named)
    assert [layer.name.rpartition("/")[2] for layer in network.conv_layers] == ["conv1", "conv2", "conv10"]
    assert [layer.axes for layer in network.conv_layers] == ["oirc"] * 3


# MessagePack


@pytest.mark.cases("all")
@pytest.mark.parametrize("kept", [1, 10, 100, 0.5, 0.9])
def test_messagepack_that_was_cut_short_is_one_sentence(tmp_path, kept):
    data = (FIXTURES / "flax_model.msgpack").read_bytes()
    path = tmp_path / "m"
    path.write_bytes(data[: kept if isinstance(kept, int) else int(len(data) * kept)])
    with pytest.raises(ReadError):
        filtviz.load(path)


def test_messagepack_ends_where_its_file_does(tmp_path):
    (tmp_path / "m.msgpack").write_bytes((FIXTURES / "flax_model.msgpack").read_bytes() + b"\0")
    with pytest.raises(ReadError):
        filtviz.load(tmp_path / "m.msgpack")


def test_lists_in_lists_end(tmp_path):
    path = tmp_path / "m"
    path.write_bytes(b"\x81\xa6params" + b"\x91" * 100_000 + b"\x01")
    with pytest.raises(MalformedFileError, match="in one another"):
        filtviz.load(path)


@pytest.mark.parametrize("what", [b"\xdd", b"\xdf"])
def test_a_length_that_is_a_lie_costs_nothing(tmp_path, what):
    path = tmp_path / "m"
    path.write_bytes(b"\x81\xa6params" + what + struct.pack(">I", 0xFFFFFFFF) + b"\xc0" * 1000)
    with pytest.raises(MalformedFileError, match="cut short"):
        filtviz.load(path)


def test_more_objects_than_allowed_are_refused(tmp_path):
    path = tmp_path / "m"
    path.write_bytes(b"\x81\xa6params\xdd" + struct.pack(">I", 5000) + b"\xc0" * 5000)
    with pytest.raises(LimitError):
        filtviz.load(path, limits=Limits(opcodes=4000))


@pytest.mark.parametrize("save", [lambda held: held, lambda held: {"model": held, "__author__": "someone"}])
def test_pytorchs_names_keep_their_dots_in_pickles_and_in_numpys_own(tmp_path, save):
    held = {"stem.conv1.weight": arrays((8, 3, 3, 3))[0], "head.weight": arrays((4, 8, 3, 3))[0]}
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(save(held)))
    np.save(tmp_path / "m.npy", save(held), allow_pickle=True)
    for name in ("m.pkl", "m.npy"):
        assert [one.name for one in filtviz.load(tmp_path / name).conv_layers] == ["stem.conv1", "head"]


def test_a_part_that_is_called_model_keeps_its_name_beside_others(tmp_path):
    held = {"model.conv1.weight": arrays((8, 3, 3, 3))[0], "head.weight": arrays((4, 8, 3, 3))[0]}
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(held))
    assert [one.name for one in filtviz.load(tmp_path / "m.pkl").conv_layers] == ["model.conv1", "head"]


def test_the_number_of_a_tensor_behind_a_name_is_no_part_of_it(tmp_path):
    shapes = {"stem/kernel": (3, 3, 1, 4), "stem/bias": (4,), "top/kernel": (3, 3, 4, 2), "top/bias": (2,)}
    kept = {name: np.zeros(shape, "f4") for name, shape in shapes.items()}
    np.savez(tmp_path / "plain.npz", **kept)
    np.savez(tmp_path / "numbered.npz", **{f"{name}:0": array for name, array in kept.items()})
    plain, numbered = (filtviz.load(tmp_path / f"{name}.npz") for name in ("plain", "numbered"))
    assert [layer.label for layer in numbered.conv_layers] == ["stem", "top"]
    for one, other in zip(plain.layers, numbered.layers, strict=True):
        assert [each.name for each in one.parameters] == [each.name for each in other.parameters]
    assert all(layer.b is not None for layer in numbered.conv_layers)


@pytest.mark.parametrize("turned", [False, True])
def test_of_arrays_below_one_name_a_person_means_the_kernels(tmp_path, turned):
    kernels, bias = arrays((4, 2, 3, 3), (4,))
    path = tmp_path / "net.pkl"
    path.write_bytes(pickle.dumps({"stem": [bias, kernels] if turned else [kernels, bias]}))
    (found,) = filtviz.load(path, hints=Hints(convs=("stem",), axes={"": "oihw"})).conv_layers
    assert np.array_equal(found.W, kernels)


def test_statistics_before_parameters_do_not_hide_that_names_are_sorted(tmp_path):
    """As ``jax.tree`` sorts them: ``batch_stats`` comes before ``params``."""
    norm = {"mean": arrays((8,))[0], "var": arrays((8,))[0]}
    held = {"BatchNorm_0": {"bias": arrays((8,))[0], "scale": arrays((8,))[0]}}
    held |= {"Conv_0": {"bias": arrays((8,))[0], "kernel": arrays((3, 3, 3, 8))[0]}}
    (tmp_path / "m.pkl").write_bytes(pickle.dumps({"batch_stats": {"BatchNorm_0": norm}, "params": held}))
    assert "are sorted" in filtviz.load(tmp_path / "m.pkl").origin.order
    run = {"params": {name: held[name] for name in reversed(held)}, "batch_stats": {"BatchNorm_0": norm}}
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(run))
    assert filtviz.load(tmp_path / "m.pkl").origin.order == "the order of the tree"
