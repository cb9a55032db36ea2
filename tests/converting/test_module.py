"""The printed ``nn.Module``: what it answers, what may stand in its source, and what never does."""

from __future__ import annotations

import ast
import importlib.util
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import filtviz
from filtviz.budget import Budget
from filtviz.cli import main
from filtviz.converting import verifying
from filtviz.converting.archives import write_pt
from filtviz.converting.module_source import printed_module
from filtviz.network import Layer, Network
from filtviz.operations import (
    Activation,
    Convolution,
    Flatten,
    Identity,
    Normalisation,
    Pooling,
    Standardisation,
)
from filtviz.parameter import Parameter
from tests.converting.test_arrays import EXAMPLE, HOSTILE, READABLE, called
from tests.converting.test_onnx import CASES, MERGES, REFUSED, SINGLE, WRITTEN, network_of, numbers, pads
from tests.converting.test_verifying import with_three_inputs

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch")

NOT_THERE = {"dilated mean"}
"""Operations that are refused in a module, and said in ONNX."""
NOT_THERE = {*NOT_THERE, *(name for name in CASES if name.startswith(("resize asymmetric", "resize to one")))}


def answers(network: Network, noise: list[np.ndarray]) -> list[np.ndarray]:
    """What the module gives, run in this process: hundreds of them take too long one by one."""
    import io

    import torch

    source, collected = printed_module(network, "net.pt")
    names: dict[str, object] = {}
    check(source)
    exec(compile(source, "net.py", "exec"), names)  # of our own making, and just checked
    made = names["Net"]()
    stream = io.BytesIO()
    write_pt(stream, collected.arrays, {})
    stream.seek(0)
    made.load_state_dict(torch.load(stream, weights_only=True))
    made.eval()
    with torch.no_grad():
        found = made(*map(torch.from_numpy, noise))
    return [one.numpy() for one in (found if isinstance(found, tuple) else (found,))]


def check(source: str) -> None:
    """Hold that a source is a class with lines of arithmetic, and nothing else, whatever it was made of."""
    assert source.isascii()
    tree = ast.parse(source)
    assert [type(node).__name__ for node in tree.body] == [
        "Expr",
        "Import",
        "Import",
        "ImportFrom",
        "ClassDef",
    ]
    imported = [ast.unparse(node) for node in tree.body[1:4]]
    assert imported == ["import torch", "import torch.nn.functional as F", "from torch import nn"]
    functions = tree.body[-1].body
    assert [node.name for node in functions] == ["__init__", "forward"]
    allowed = (ast.Assign, ast.Return, ast.Expr, ast.Pass)
    assert all(isinstance(line, allowed) for function in functions for line in function.body)
    local = {arg.arg for function in functions for arg in function.args.args}
    local |= {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    for node in ast.walk(tree.body[-1]):
        if isinstance(node, ast.Name):
            assert node.id in local | {"torch", "F", "nn", "super", "float"}, node.id
        if isinstance(node, ast.Attribute):
            assert not node.attr.startswith("_") or node.attr == "__init__", node.attr
        assert not isinstance(node, ast.Import | ast.ImportFrom | ast.Lambda | ast.JoinedStr | ast.Await)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words = {"tanh", "ngtp,gftp->ngfp", "inf", "-inf", "nan"}
            words |= {"reflect", "replicate", "linear", "bilinear", "trilinear"}
            assert node.value in words, node.value
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id in {"super", "float"}


def apart(network: Network) -> float:
    noise, ours = verifying.expected(network, Budget(work=10**12), "float32")
    worst = 0.0
    for one, other in zip(ours, answers(network, noise), strict=True):
        assert one.shape == other.shape
        worst = max(worst, float(np.abs(one - other).max()) / max(float(np.abs(one).max()), 1e-30))
    return worst


@needs_torch
@pytest.mark.parametrize("name", [name for name in CASES if name not in NOT_THERE])
def test_an_operation_gives_in_the_module_what_it_gives_here(name: str) -> None:
    case = CASES[name]
    assert apart(network_of(*(case if isinstance(case, tuple) else (case,)))) <= 1e-6


@pytest.mark.slow
@pytest.mark.cases(40)
@pytest.mark.parametrize("name", CASES)
def test_each_operation_is_said_in_plain_lines_or_refused(name: str) -> None:
    case = CASES[name]
    network = network_of(*(case if isinstance(case, tuple) else (case,)))
    if name in NOT_THERE:
        with pytest.raises(filtviz.ConversionError, match="it cannot be converted"):
            printed_module(network, "net.pt")
    else:
        check(printed_module(network, "net.pt")[0])


@pytest.mark.parametrize(("pad", "may_be_empty"), [(pads(1, 1), False), (pads(1, 2), True)])
def test_a_mean_divides_by_nothing_in_no_window(pad, may_be_empty):
    mean = Pooling(kind="mean", size=(2, 2), stride=(1, 2), pad=(*pad[:1], (0, pad[1][1])))
    assert (".clamp(min=0.125)" in printed_module(network_of(mean), "net.pt")[0]) == may_be_empty


def test_units_without_places_are_not_standardised_over_all_that_there_is():
    flat = network_of(Flatten(), Standardisation())
    with pytest.raises(filtviz.ConversionError, match="it takes the mean of single numbers"):
        printed_module(flat, "net.pt")


@needs_torch
@pytest.mark.parametrize("name", MERGES)
def test_two_inputs_are_merged_alike_in_the_module(name: str) -> None:
    crops = "cropped" in name
    own = Convolution(weights=numbers(4, 4, 3, 3), stride=(1, 1), pad=pads(*([0, 0] if crops else [1, 1])))
    start = network_of(own)
    merged = Layer(name="b", inputs=(0, 1), operations=(MERGES[name],))
    # What is divided by numbers near 0 has its rounding divided, too.
    assert apart(Network.of([*start.layers, merged])) <= (1e-5 if name.startswith("divide") else 1e-6)


@needs_torch
def test_a_module_with_several_inputs_is_verified_like_any_other() -> None:
    assert apart(with_three_inputs()) <= 1e-6


@pytest.mark.cases("all")
@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_said_in_a_module_is_refused_with_the_layer(reason: str) -> None:
    with pytest.raises(filtviz.ConversionError, match="it cannot be converted: ") as caught:
        printed_module(network_of(Identity(), REFUSED[reason]), "net.pt")
    assert caught.value.layer == 1


@needs_torch
@pytest.mark.parametrize("name", SINGLE)
def test_the_module_gives_what_theano_gave(name: str, tmp_path: Path) -> None:
    with np.load(WRITTEN) as held:
        (tmp_path / "layer.pkl").write_bytes(held[f"{name}/pickle"].tobytes())
        truth = held[f"{name}/truth"]
    network = filtviz.load(tmp_path / "layer.pkl")
    shape = network.layers[0].operations[0].shape
    image = np.random.RandomState(0).randn(1, *shape[1:]).astype("float32")
    (found,) = answers(network, [image])
    assert found.shape == truth.shape
    assert np.abs(found - truth).max() <= 1e-6 * np.abs(truth).max()


@pytest.mark.parametrize("path", READABLE, ids=called)
def test_the_source_of_every_whole_file_is_plain_and_answers_alike(path: Path) -> None:
    network = filtviz.load(path)
    try:
        source, _ = printed_module(network, "net.pt")
        verifying.expected(network, Budget(work=10**12))
    except (filtviz.ConversionError, filtviz.RunningError):
        return
    check(source)
    if importlib.util.find_spec("torch") is not None:
        assert apart(network) <= 1e-6


# A layer's name is never code

ATTACKS = [
    *HOSTILE,
    "x'); import os; os.system('touch pwned')#", 'x"); import os; os.system("touch pwned")#',
    '"""\nimport os\nos.system("touch pwned")\n"""', "'''\nraise SystemExit\n'''", "\\", "\\'", "{weights}",
    "{0.__class__}", "%s", "a\rimport os", "a\u2028import os", "ａｂｃ", "ſelf",
    "self", "torch", "F", "nn", "Net",
    "forward", "__init__", "__class__", "training", "load_state_dict", "True", "None", "lambda",
    "match", "type",
    "conv 1", "conv-1", "conv.1", "conv_1", "1", "0x10", "print", "__import__", "exec", "eval", "getattr",
    "\N{KELVIN SIGN}",
]  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS, ids=range(len(ATTACKS)))
def test_no_name_of_a_layer_becomes_code(name: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    network = network_of(Convolution(weights=numbers(2, 4, 2, 2), stride=(1, 1), pad=pads(0, 0)))
    layers = [replace(layer, name=name, type=name) for layer in network.layers]
    source, collected = printed_module(Network.of(layers), "net.pt")
    check(source)
    assert "pwned" not in source or "_pwned" in source
    assert all(one.name.replace(".", "").isidentifier() for one in collected.arrays)
    assert list(tmp_path.iterdir()) == []


@needs_torch
def test_a_network_of_all_such_names_runs(tmp_path: Path) -> None:
    layers = list(network_of().layers[:1])
    for number, name in enumerate(ATTACKS):
        own = Convolution(weights=numbers(4, 4, 1, 1, seed=number), stride=(1, 1), pad=pads(0, 0))
        layers.append(Layer(name=name, type=name, inputs=(number,), operations=(own,)))
    assert apart(Network.of(layers)) <= 1e-5


@pytest.mark.cases("all")
@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan"), 1e300, -0.0])
def test_numbers_of_a_file_are_numbers_whatever_they_are(number: float) -> None:
    check(printed_module(network_of(Activation(kind="leaky_rectify", alpha=number)), "net.pt")[0])


def test_the_name_of_the_file_of_arrays_stands_in_the_source_only_where_it_is_plain() -> None:
    network = network_of()
    assert '"net.pt"' in printed_module(network, "net.pt")[0]
    for name in ('x"""\nimport os\n.pt', "a b.pt", "ünet.pt", "x'.pt"):
        source = printed_module(network, name)[0]
        check(source)
        assert '"weights.pt"' in source


# Files and the command


def test_a_variance_that_cannot_be_becomes_scale_and_shift() -> None:
    spread = Parameter.of("inv_std", np.array([1.0, 500.0, 1.0, 2.0]))
    one = Normalisation(mean=numbers(4), spread=spread, gamma=numbers(4))
    source, collected = printed_module(network_of(one), "net.pt")
    assert [array.name for array in collected.arrays] == ["it_scale", "it_shift"]
    assert "BatchNorm" not in source


def test_the_module_and_its_arrays_are_written_side_by_side(tmp_path: Path) -> None:
    result = filtviz.convert(EXAMPLE, tmp_path / "net.pt", module=tmp_path / "net.py", verify=False)
    assert [path.name for path in result.files] == ["net.pt", "net.py"]
    source = (tmp_path / "net.py").read_text()
    check(source)
    assert "self.conv1 = nn.Conv2d(1, 20, (3, 3))" in source
    assert result.arrays[:2] == ("conv1.weight", "conv1.bias")
    assert np.array_equal(
        filtviz.load(tmp_path / "net.pt")[0].W, filtviz.load(EXAMPLE)[0].W[:, :, ::-1, ::-1]
    )


def test_a_module_goes_with_a_pt_file_and_a_graph(tmp_path: Path) -> None:
    with pytest.raises(filtviz.ArgumentError, match=r"\.py"):
        filtviz.convert(EXAMPLE, tmp_path / "net.pt", module=tmp_path / "net.txt")
    with pytest.raises(filtviz.ArgumentError, match=r"\.pt"):
        filtviz.convert(EXAMPLE, tmp_path / "net.npz", module=tmp_path / "net.py")
    filtviz.convert(EXAMPLE, tmp_path / "net.npz")
    with pytest.raises(filtviz.ConversionError, match="--like"):
        filtviz.convert(tmp_path / "net.npz", tmp_path / "net.pt", module=tmp_path / "net.py")
    assert [path.name for path in tmp_path.iterdir()] == ["net.npz"]


def test_a_person_says_of_a_graph_that_does_not_whether_its_kernels_are_turned(tmp_path: Path) -> None:
    weights = numbers(2, 4, 2, 2)
    network = network_of(Convolution(weights=weights, stride=(1, 1), pad=pads(0, 0)))
    target, module = tmp_path / "net.pt", tmp_path / "net.py"
    how = {"module": module, "verify": False}
    supposed = filtviz.convert(network, target, **how)
    assert "--not-turned" in supposed.remarks[0]
    assert np.array_equal(filtviz.load(target)[0].W, weights.value[:, :, ::-1, ::-1])
    said = filtviz.convert(network, target, turned=False, **how)
    assert said.remarks == ()
    assert np.array_equal(filtviz.load(target)[0].W, weights.value)


@needs_torch
@pytest.mark.slow
def test_the_command_runs_the_module_in_a_process_of_its_own(tmp_path: Path) -> None:
    target, module = str(tmp_path / "net.pt"), str(tmp_path / "net.py")
    result = CliRunner().invoke(main, ["convert", str(EXAMPLE), target, "--module", module])
    assert (result.exit_code, result.stdout) == (0, f"{target}\n{module}\n")
    assert result.stderr.startswith("Verified with PyTorch on 2 images of noise: the largest difference is ")


@needs_torch
@pytest.mark.slow
def test_a_module_that_answers_otherwise_is_an_error_and_nothing_is_left(tmp_path: Path, monkeypatch) -> None:
    from filtviz.converting import formulas

    monkeypatch.setattr(formulas, "number", lambda number: "0.123")
    network = network_of(
        Activation(kind="leaky_rectify", alpha=0.5),
        Normalisation(beta=numbers(4), is_batch=False),
        Activation(kind="tanh", scale=2.0),
    )
    with pytest.raises(filtviz.ConversionError, match="answers otherwise"):
        filtviz.convert(network, tmp_path / "net.pt", module=tmp_path / "net.py", verify=True)
    assert list(tmp_path.iterdir()) == []


@needs_torch
@pytest.mark.slow
def test_a_module_that_pytorch_cannot_run_is_one_sentence() -> None:
    write = partial(write_pt, arrays=[], facts={})
    with pytest.raises(filtviz.ConversionError, match="PyTorch cannot run"):
        verifying.module_outputs("raise ValueError('no')\n", write, [np.zeros((1, 1), "float32")])
