"""What a conversion says and decides without any framework: differences, names, turned kernels, ε."""

from __future__ import annotations

import io
import json
import os
import signal
import struct
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import filtviz
from filtviz import converting
from filtviz.cli import main
from filtviz.converting import shaped, verifying
from filtviz.converting.archives import PICKLES, _strides, write_safetensors
from filtviz.converting.collected import (
    EPSILON,
    Names,
    attribute,
    epsilon_of,
    identifier,
    member,
    plain,
    stored,
    torch_layout,
)
from filtviz.converting.shaped import axis_of
from filtviz.network import Layer, Network
from filtviz.operations import (
    Activation,
    Concatenate,
    Convolution,
    Embedding,
    Flatten,
    Identity,
    Input,
    Merge,
    Normalisation,
    Recurrent,
    Reshape,
    Untold,
)
from filtviz.parameter import Parameter
from filtviz.running.inference import fixed_batch
from tests.building import chain, conv, image
from tests.converting.test_arrays import EXAMPLE

ONES = np.ones((2, 3))


def off(*differences: float) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Outputs of ones, and what the other side gives: as far off."""
    return [ONES] * len(differences), [ONES + one for one in differences]


# Differences


@pytest.mark.cases("all")
@pytest.mark.parametrize("differences", [(1e-3, 0), (0, 1e-3), (1e-3, 1e-6), (1e-6, 1e-3)])
def test_the_worst_of_several_outputs_counts(differences) -> None:
    with pytest.raises(filtviz.ConversionError, match=r"it differs by 1\.0e-03 \(1\.0e-03 of the largest"):
        verifying.compared(*off(*differences), 2, "it")


def test_each_output_is_held_against_its_own_largest_number() -> None:
    ours, theirs = [ONES, 1e6 * ONES], [ONES, 1e6 * ONES + 1]
    found = verifying.compared(ours, theirs, 3, "it")
    assert (found.absolute, found.relative, found.images) == (1, pytest.approx(1e-6), 3)
    with pytest.raises(filtviz.ConversionError, match="otherwise"):
        verifying.compared(ours, [ONES + 1, 1e6 * ONES], 3, "it")


@pytest.mark.parametrize(("share", "passes"), [(0.9, True), (1.1, False)])
def test_the_tolerances_have_two_sides(share, passes) -> None:
    for ours, difference, single in (
        (ONES, share * verifying.TOLERANCE, None),
        (ONES * 1e-9, share * verifying.SMALLEST, None),
        (ONES, 1e-2, 1e-2 / verifying.WORSE / share),
    ):
        own = None if single is None else lambda ours=ours, single=single: [ours + single]
        try:
            verifying.compared([ours], [ours + difference], 2, "it", own)
        except filtviz.ConversionError:
            assert not passes
        else:
            assert passes


def test_nan_on_both_sides_is_alike_and_on_one_is_not() -> None:
    lost = np.where(np.eye(2, 3) > 0, np.nan, 1)
    assert verifying.compared([lost], [lost], 2, "it").absolute == 0
    assert verifying.compared([lost * np.nan], [lost * np.nan], 2, "it").relative == 0
    for ours, theirs in ((lost, ONES), (ONES, lost), (lost, lost * np.inf)):
        with pytest.raises(filtviz.ConversionError, match="numbers where here are none"):
            verifying.compared([ours], [theirs], 2, "it")


def test_a_verification_says_what_it_did() -> None:
    found = verifying.Verification(with_what="it", absolute=1e-6, relative=2e-7, images=2)
    assert str(found) == (
        "verified with it on 2 images of noise: the largest difference is 1.0e-06 (2.0e-07 of the largest "
        "output)"
    )


def test_a_verification_that_tells_little_says_so() -> None:
    rounded = verifying.compared([ONES], [ONES + 0.5], 2, "it", lambda: [ONES + 0.25])
    assert str(rounded).endswith(
        "is 5.0e-01 (5.0e-01 of the largest output), where rounding to single precision alone makes 2.5e-01: "
        "noise cannot tell more of this network"
    )
    small = verifying.compared([ONES * 1e-9], [ONES * 3e-9], 2, "it")
    assert str(small).endswith(
        "(2.0e+00 of the largest output); its answers to noise are too small to tell more"
    )
    assert small.rounding is None
    plain = verifying.compared([ONES], [ONES * (1 + verifying.TOLERANCE / 2)], 2, "it")
    assert str(plain).endswith("of the largest output)")
    assert plain.rounding is None


def filters(n: int, seed: int) -> Convolution:
    weights = np.random.default_rng(seed).standard_normal((n, 2, 3, 3)).astype("float32")
    return Convolution(weights=Parameter.of("W", weights), stride=(1, 1), pad=((0, 0), (0, 0)))


def with_three_inputs() -> Network:
    """What has three inputs of different sizes, one of them an image with its channels behind in the file."""
    layers = [
        Layer(name="image", type="Input", operations=(Input(shape=(None, 2, 5, 4), channels_last=True),)),
        Layer(name="more", type="Input", operations=(Input(shape=(None, 2, 3, 3)),)),
        Layer(name="numbers", type="Input", output_shape=(None, 3), operations=(Input(), Flatten(keep=1))),
        Layer(name="a", inputs=(0,), operations=(filters(3, 1), Flatten(keep=1))),
        Layer(name="b", inputs=(1,), operations=(filters(4, 2), Flatten(keep=1))),
        Layer(name="all", inputs=(2, 4, 3), operations=(Concatenate(axis=1),)),
    ]
    return Network.of(layers)


def test_each_input_of_several_is_shown_noise_of_its_own() -> None:
    network = with_three_inputs()
    noise, (found,) = verifying.expected(network, None)
    assert [each.shape for each in noise] == [(2, 2, 5, 4), (2, 2, 3, 3), (2, 3)]
    alone = {}
    for name, place, given in (("a", 0, np.moveaxis(noise[0], 1, -1)), ("b", 1, noise[1])):
        below = replace(network.layers[place]), replace(network.layer(name), inputs=(0,))
        alone[name] = Network.of(below).run(given)
    assert np.array_equal(found, np.concatenate([noise[2], alone["b"], alone["a"]], axis=1))


SMALL = chain(conv(np.arange(54.0).reshape(2, 3, 3, 3), flip_filters=False), channels=3)


def _answering(monkeypatch: pytest.MonkeyPatch, factor: float, network: Network = SMALL) -> None:

    def outputs(_: str, write: Any, noise: list[np.ndarray]) -> list[np.ndarray]:
        write(io.BytesIO())
        return [network.run(*noise) * factor]

    monkeypatch.setattr(converting, "module_outputs", outputs)


@pytest.mark.parametrize("installed", [True, False])
def test_a_module_is_verified_where_that_is_asked_for_or_can_be_done(tmp_path: Path, monkeypatch, installed):
    _answering(monkeypatch, 1 + 1e-6)
    monkeypatch.setattr(converting, "has_torch", lambda: installed)
    for number, verify in enumerate((True, None, False)):
        paths = tmp_path / f"{number}.pt", tmp_path / f"{number}.py"
        found = filtviz.convert(SMALL, paths[0], module=paths[1], verify=verify)
        assert found.files == paths
        done = verify or (verify is None and installed)
        assert (found.verification is not None) == done
        said = "not verified: PyTorch is not installed (pip install torch)"
        assert found.remarks == ((said,) if verify is None and not installed else ())


@pytest.mark.slow
def test_the_command_says_how_far_a_module_is_from_the_network(tmp_path: Path, monkeypatch) -> None:
    _answering(monkeypatch, 1 + 1e-6, filtviz.load(EXAMPLE))
    monkeypatch.chdir(tmp_path)
    line = ["convert", str(EXAMPLE), "m.pt", "--module", "m.py", "--verify"]
    ran = CliRunner().invoke(main, line)
    assert (ran.exit_code, ran.stdout.split()) == (0, ["m.pt", "m.py"])
    assert ran.stderr.startswith("Verified with PyTorch on 2 images of noise: the largest difference is ")
    told = json.loads(CliRunner().invoke(main, [*line, "--json"]).stdout)
    assert told["verification"]["with_what"] == "PyTorch"
    assert told["verification"]["images"] == 2
    quiet = CliRunner().invoke(main, [*line, "--quiet"])
    assert (quiet.stdout.split(), quiet.stderr) == (["m.pt", "m.py"], "")


def test_a_module_that_answers_otherwise_is_not_written(tmp_path: Path, monkeypatch) -> None:
    _answering(monkeypatch, 1.01)
    with pytest.raises(filtviz.ConversionError, match="PyTorch differs by"):
        filtviz.convert(SMALL, tmp_path / "m.pt", module=tmp_path / "m.py", verify=True)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_run_is_not_verified(tmp_path: Path) -> None:
    for name in ("m.npz", "m.pt", "m.safetensors"):
        with pytest.raises(filtviz.ArgumentError, match="verify is for what can be run"):
            filtviz.convert(EXAMPLE, tmp_path / name, verify=True)
        assert filtviz.convert(EXAMPLE, tmp_path / name, verify=False).verification is None


# Kernels


def kernels(rows: int, cols: int, **more: Any) -> Network:
    return chain(conv(np.arange(6.0 * rows * cols).reshape(2, 3, rows, cols), name="c", **more))


@pytest.mark.cases("all")
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3)])
def test_of_kernels_that_may_be_turned_or_not_only_a_pixel_can_be_written(size) -> None:
    network = kernels(*size)
    if size == (1, 1):
        assert converting._supposed(network) == []
        assert torch_layout(network, attribute).arrays[0].name == "c.weight"
    else:
        (said,) = converting._supposed(network)
        assert "does not tell whether kernels are turned" in said
        with pytest.raises(filtviz.ConversionError, match="may be stored turned"):
            torch_layout(network, attribute)
    weights = network.conv_layers[0].W
    for turned, wanted in ((True, weights[..., ::-1, ::-1]), (False, weights)):
        assert np.array_equal(
            torch_layout(converting._settled(network, turned), attribute).arrays[0].read(), wanted
        )
        told = kernels(*size, flip_filters=turned)
        assert converting._supposed(told) == []
        assert np.array_equal(
            torch_layout(converting._settled(told, not turned), attribute).arrays[0].read(), wanted
        )


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("axes", "transposed", "shape"),
    [("oirc", False, (2, 3, 4, 5)), ("iorc", True, (2, 3, 4, 5)), ("rcio", False, (5, 4, 2, 3)),
     ("rcoi", True, (5, 4, 2, 3))],
)  # fmt: skip
def test_a_transposed_kernel_has_its_channels_in_front_and_others_their_filters(axes, transposed, shape):
    weights = np.arange(120.0).reshape(2, 3, 4, 5)
    operation = Convolution(
        weights=Parameter.of("W", weights), axes=axes, flip_filters=False, transposed=transposed
    )
    found = torch_layout(Network.of([Layer(name="c", operations=(operation,))]), attribute).arrays[0]
    order = "iorc" if transposed else "oirc"
    wanted = weights.transpose([axes.index(axis) for axis in order])
    assert found.shape == wanted.shape == shape
    assert np.array_equal(found.read(), wanted)


# Normalisations, names, what is left out


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("spread_is", "epsilon", "wanted"),
    [("inv_std", 0.0, EPSILON), ("std", 0.0, EPSILON), ("inv_std", 0.25, 0.25), ("variance", 0.0, 0.0),
     ("variance", 0.25, 0.25)],
)  # fmt: skip
def test_a_variance_and_its_epsilon_make_the_spread_that_is_stored(spread_is, epsilon, wanted) -> None:
    spread = Parameter.of("s", np.array([1.0, 0.5]))
    operation = Normalisation(mean=spread, spread=spread, spread_is=spread_is, epsilon=epsilon)
    assert epsilon_of(operation) == wanted
    network = Network.of([Layer(name="n", operations=(operation,), parameters=(spread,))])
    found = torch_layout(network, attribute)
    assert found.facts == {"epsilon": {"n": wanted}}
    variance = next(one for one in found.arrays if one.name == "n.running_var").read()
    squares = {"inv_std": np.array([1.0, 4.0]), "std": np.array([1.0, 0.25]), "variance": None}[spread_is]
    if squares is None:
        assert np.array_equal(variance, spread.value)
    else:
        assert np.allclose(variance + wanted, squares)


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [0, 1, 2, 1000])
def test_changed_names_are_counted(n: int) -> None:
    layers = [Layer(name=f"l{i}", parameters=(Parameter.of("p\n", np.zeros(1), ""),)) for i in range(n)]
    other = Layer(name="o", parameters=(Parameter.of("q", np.zeros(1), ""),))
    what = {0: "", 1: "one name was", 2: "2 names were", 1000: "1,000 names were"}[n]
    remarks = stored(Network.of([*layers, other]), plain).remarks
    assert remarks == (
        (f"{what} changed, since names must be unique and can hold no controls and no paths",) if n else ()
    )


def test_names_that_differ_in_case_alone_are_two() -> None:
    names = Names(member, frozenset({"Taken"}))
    wanted = ["a", "A", "a", "taken", "b"]
    given = [names.give(one) for one in wanted]
    assert given == ["a", "A_2", "a_3", "taken_2", "b"]
    assert names.changed == ["A", "a", "taken"]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("name", "as_member", "as_identifier", "as_attribute"),
    [
        ("a.npy", "a.npy_", "a_npy", "a.npy"), ("a.NPY", "a.NPY_", "a_NPY", "a.NPY"),
        ("../a", "__/a", "a", "a"), ("a/./b", "a/_/b", "a_b", "a.b"), ("/a", "_/a", "a", "a"),
        ("C:\\a", "C__a", "C_a", "C_a"), ("1x", "1x", "layer1x", "1x"), ("", "_", "layer_", "layer"),
        ("if", "if", "if_", "if"), ("match", "match", "match_", "match"), ("a..b", "a..b", "a_b", "a.b"),
    ],
)  # fmt: skip
def test_names_are_harmless_where_they_go(name, as_member, as_identifier, as_attribute) -> None:
    assert (member(name), identifier(name), attribute(name)) == (as_member, as_identifier, as_attribute)


@pytest.mark.cases("all")
@pytest.mark.parametrize("make", [plain, member, identifier, attribute])
def test_a_name_of_the_greatest_length_is_whole_and_a_longer_one_is_told_from_others(make) -> None:
    assert make("x" * 200) == "x" * 200
    longer = {make("x" * 200 + end) for end in "ab"}
    assert len(longer) == 2
    assert max(map(len, longer)) <= 200


# Bytes


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("shape", "strides"),
    [
        ((), []),
        ((5,), [1]),
        ((2, 3, 4), [12, 4, 1]),
        ((2, 0, 4), [4, 4, 1]),
        ((0, 3), [3, 1]),
        ((3, 0), [1, 1]),
    ],
)
def test_strides_are_those_of_arrays_in_a_row(shape, strides) -> None:
    assert _strides(shape) == strides


def test_the_header_of_safetensors_ends_at_a_multiple_of_eight_and_is_no_longer_than_it_must() -> None:
    lengths = set()
    for n in range(40):
        stream = io.BytesIO()
        write_safetensors(stream, [Parameter.of("x" * (n + 1), np.zeros(2))], {"a": 1})
        raw = stream.getvalue()
        (length,) = struct.unpack("<Q", raw[:8])
        assert not length % 8
        assert length % 256 != PICKLES
        rest = len(raw[8 : 8 + length]) - len(raw[8 : 8 + length].rstrip(b" "))
        assert rest < 8 or (length - 8) % 256 == PICKLES
        assert json.loads(raw[8 : 8 + length])["__metadata__"] == {"a": "1"}
        lengths.add(length)
    assert len(lengths) > 3


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("batch", "first", "fixed"),
    [
        (1, 1, 1),
        (4, 4, 4),
        (4, 8, None),
        (None, 4, None),
        (0, 0, None),
        (4096,) * 3,
        (4097, 4097, None),
    ],
)
def test_a_batch_is_fixed_where_a_reshape_has_its_length(batch, first, fixed) -> None:
    start = image(2, 3, 3)
    start = Layer(
        type="InputLayer", output_shape=(batch, 2, 3, 3),
        operations=(type(start.operations[0])(shape=(batch, 2, 3, 3)),),
    )  # fmt: skip
    reshaped = Layer(name="r", inputs=(0,), operations=(Reshape(lengths=(first, -1)),))
    alone = Layer(name="one", inputs=(0,), operations=(Reshape(lengths=()),))
    for layers in ([start, reshaped], [start, alone, reshaped]):
        assert fixed_batch(Network.of(layers), layers) == fixed
    assert fixed_batch(Network.of([start, alone]), [start, alone]) is None


def test_an_axis_whose_length_is_taken_is_one_of_those_that_are_there() -> None:
    step: Any = SimpleNamespace(rank=3)
    assert [axis_of((n,), step) for n in range(3)] == [0, 1, 2]
    for length in ((), (-1,), (3,)):
        with pytest.raises(ValueError, match="an axis that units of 3 axes do not have"):
            axis_of(length, step)


def test_what_an_input_does_itself_is_done_where_several_are_shown_as_one() -> None:
    network = with_three_inputs()
    layers = list(network.layers)
    layers[2] = replace(
        layers[2], operations=(Input(shape=(None, 3)), Merge(kind="add", coefficients=(-2.0,)))
    )
    noise, (found,) = verifying.expected(Network.of(layers), None)
    assert np.allclose(found[:, :3], -2 * noise[2])


def test_of_sizes_that_are_tried_the_first_error_is_told(monkeypatch) -> None:
    tried: list[int] = []

    def answered(network: Network, entrances: Any, shapes: Any, *_: Any) -> Any:
        tried.append(shapes[0][-1])
        raise filtviz.RunningError(f"not of {shapes[0][-1]}")

    monkeypatch.setattr(verifying, "_answered", answered)
    for shape, lengths in (((None, 3, None, None), [32, 48, 64, 224]), ((None, 3, 7, 7), [7])):
        tried.clear()
        network = Network.of([Layer(operations=(Input(shape=shape),))])
        with pytest.raises(filtviz.RunningError, match=f"not of {lengths[0]}"):
            verifying.expected(network, None)
        assert tried == lengths
    with pytest.raises(filtviz.ConversionError, match="no input that noise could be shown to"):
        verifying.expected(Network.of([Layer()]), None)


def test_each_layer_that_feeds_no_other_is_an_output() -> None:
    network = Network.of([Layer(name="a"), Layer(name="b", inputs=(0,)), Layer(name="c", inputs=(0,))])
    assert [layer.name for layer in shaped.outputs(network)] == ["b", "c"]


def test_an_input_without_a_shape_has_that_of_its_layer_and_one_with_neither_is_refused() -> None:
    relu = Activation(kind="rectify")
    for stated, batch in (((None, 3, 8, 8), None), ((5, 3, 8, 8), None)):
        network = Network.of(
            [Layer(operations=(Input(),), output_shape=stated), Layer(inputs=(0,), operations=(relu,))]
        )
        assert [step.shape for step in shaped.steps(network)] == [(batch, 3, 8, 8)] * 2
        assert [step.is_last for step in shaped.steps(network)] == [True, True]
    with pytest.raises(filtviz.ConversionError, match="not known what shape it is given"):
        list(shaped.steps(Network.of([Layer(operations=(Input(),))])))
    passing = Network.of(
        [Layer(operations=(Input(shape=(None, 3)),)), Layer(inputs=(0,), operations=(Identity(),))]
    )
    assert [type(step.operation) for step in shaped.steps(passing)] == [Input, Identity]


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (Recurrent(kind="LSTM"), "it is recurrent"), (Embedding(), "it looks words up in a table"),
        (Untold(reason="nobody knows"), "nobody knows"),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_refused_with_its_layer(operation: Any, reason: str) -> None:
    layers = [
        Layer(operations=(Input(shape=(None, 3)),)),
        Layer(name="it", inputs=(0,), operations=(operation,)),
    ]
    with pytest.raises(filtviz.ConversionError, match=f"it cannot be converted: {reason}"):
        list(shaped.steps(Network.of(layers)))
    alone = [layers[0], replace(layers[1], inputs=())]
    with pytest.raises(filtviz.ConversionError, match=f"it cannot be converted: ({reason}|.*what feeds it)"):
        list(shaped.steps(Network.of(alone)))


# Processes of others


OUTLIVING = """
import sys
from pathlib import Path
from filtviz.converting.verifying import run_beside
run_beside("import sys, time; print('up', file=open('up', 'w')); time.sleep(60)", Path(sys.argv[1]))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_what_verifies_a_module_ends_and_leaves_no_folder_where_the_command_is_killed(tmp_path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    with subprocess.Popen([sys.executable, "-c", OUTLIVING, folder]) as process:
        until(lambda: (folder / "up").exists())
        process.send_signal(signal.SIGKILL)
    until(lambda: not folder.exists())


def until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_what_verifies_a_module_is_left_alone_until_it_is_done(tmp_path) -> None:
    done = verifying.run_beside("import sys; print(open(0, closefd=False).fileno()); sys.exit(3)", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"0\n", b"")
    assert tmp_path.is_dir()


@pytest.mark.parametrize(("before", "after"), [(None, "1"), ("0", "0")])
def test_onnx_runtime_is_told_to_send_nothing_but_where_a_person_has_said_otherwise(
    monkeypatch, before, after
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "to be removed")
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY")
    if before is not None:
        monkeypatch.setenv("ORT_DISABLE_TELEMETRY", before)
    with pytest.raises(filtviz.MissingExtraError):
        verifying.onnx_outputs(b"", [])
    assert os.environ["ORT_DISABLE_TELEMETRY"] == after
