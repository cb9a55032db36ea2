"""Functions of each unit as they are written down: a kind that only `activations.py` knows is written too."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from filtviz.activations import Activation, ActivationKind, UnknownActivationError, activate
from filtviz.converting import formulas
from filtviz.converting.formulas import nodes_of_activation, words_of_activation
from filtviz.parameter import Parameter
from filtviz.special_functions import erf, expit
from tests.converting import test_module, test_onnx
from tests.converting.test_onnx import ACTIVATIONS, needs_onnx

KINDS = [kind for kind in get_args(ActivationKind) if kind != "untold"]
SLOPES = Parameter.of("slopes", np.array([0.5, -0.25, 2.0]))
X = np.linspace(0.1, 3, 24).reshape(2, 3, 4) * np.array([1, -1, 1, -1])


def activation_of(kind: ActivationKind) -> Activation:
    facts = {**ACTIVATIONS, "clip": {"low": -0.5, "high": 1.0}, "power": {"alpha": 3.0}}.get(kind, {})
    return Activation(kind=kind, slopes=SLOPES if kind == "parametric_rectify" else None, **facts)


class Tensor(np.ndarray):
    """An array with the one method of tensors that the words of a function call."""

    def clamp(self, low: float, high: float) -> Tensor:
        return np.clip(self, low, high).view(Tensor)


class Torch:
    """PyTorch's functions by numpy, for where PyTorch is not."""

    tanh, exp, expm1, log, sin, cos, abs = np.tanh, np.exp, np.expm1, np.log, np.sin, np.cos, np.abs
    sigmoid, erf, where = staticmethod(expit), staticmethod(erf), staticmethod(np.where)


class F:
    """The functions of a layer that are named without a word of their own."""

    @staticmethod
    def relu(x: np.ndarray) -> np.ndarray:
        return np.maximum(x, 0)

    @staticmethod
    def softplus(x: np.ndarray) -> np.ndarray:
        return np.logaddexp(0, x)


@pytest.mark.cases("all")
@pytest.mark.parametrize("kind", KINDS)
def test_without_a_word_of_its_own_a_kind_is_written_out_of_its_arithmetic(kind: str, monkeypatch) -> None:
    monkeypatch.setattr(formulas, "_WORDS", {})
    activation = activation_of(kind)
    held: list[np.ndarray] = []

    def parameter(array: Parameter) -> str:
        held.append(np.asarray(array.value))
        return "held"

    words = words_of_activation(activation, "x + 0", X.shape, parameter)
    with np.errstate(all="ignore"):
        facts = {"torch": Torch, "F": F, "x": X.view(Tensor), "held": held[0] if held else None}
        found = eval(words, {"__builtins__": {"float": float}}, facts)  # our own words, of no file
        np.testing.assert_allclose(found, activate(activation, X), rtol=1e-12, atol=1e-15)


def test_without_an_operator_of_its_own_a_kind_is_written_as_nodes_of_its_arithmetic(monkeypatch) -> None:
    monkeypatch.setattr(formulas, "_NODES", {})
    written: list[tuple[str, tuple[str, ...]]] = []

    def node(kind: str, inputs, /, **attributes) -> str:
        written.append((kind, tuple(inputs)))
        return f"n{len(written)}"

    made = nodes_of_activation(
        activation_of("hard_swish"), "x", X.shape, node, lambda value, name: f"{value:g}"
    )
    assert written == [
        ("Add", ("x", "3")),
        ("Clip", ("n1", "0", "6")),
        ("Mul", ("x", "n2")),
        ("Div", ("n3", "6")),
    ]
    assert made == "n4"


def test_a_kind_with_a_word_of_its_own_is_one_word_and_one_node() -> None:
    for kind in formulas._WORDS:
        assert words_of_activation(Activation(kind=kind), "x", X.shape, str).startswith("F."), kind
    nodes: list[str] = []
    for kind, (operator, _) in formulas._NODES.items():
        nodes_of_activation(
            Activation(kind=kind), "x", X.shape, lambda k, i, /, **a: nodes.append(k) or "", lambda *_: ""
        )
        assert nodes.pop() == operator, kind
        assert not nodes


def test_a_scale_stands_before_the_word_and_no_factor_of_one_is_written() -> None:
    assert (
        words_of_activation(Activation(kind="selu", alpha=2, scale=3), "x", X.shape, str)
        == "3.0 * F.elu(x, 2.0)"
    )
    assert words_of_activation(Activation(kind="elu", alpha=2), "x", X.shape, str) == "F.elu(x, 2.0)"
    assert words_of_activation(Activation(kind="tanh"), "x", X.shape, str) == "torch.tanh(x)"
    assert words_of_activation(Activation(kind="tanh", scale=2), "x", X.shape, str) == "2.0 * torch.tanh(x)"


@pytest.mark.cases("all")
@pytest.mark.parametrize("write", [words_of_activation, nodes_of_activation])
def test_what_is_not_known_and_ends_the_wrong_way_round_are_refused(write) -> None:
    rest = (
        ("x", X.shape, str)
        if write is words_of_activation
        else ("x", X.shape, lambda *_, **__: "", lambda *_: "")
    )
    with pytest.raises(UnknownActivationError, match="does not tell"):
        write(Activation(kind="untold"), *rest)
    with pytest.raises(UnknownActivationError, match="slopes"):
        write(Activation(kind="parametric_rectify"), *rest)
    with pytest.raises(ValueError, match="wrong way round"):
        write(Activation(kind="clip", low=1, high=0), *rest)


@needs_onnx
@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_onnx_runtime_gives_the_same_by_arithmetic_alone(kind: str, monkeypatch) -> None:
    monkeypatch.setattr(formulas, "_NODES", {})
    assert test_onnx.apart(test_onnx.network_of(*test_onnx.CASES[kind])) <= 2e-6


@test_module.needs_torch
@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_pytorch_gives_the_same_by_arithmetic_alone(kind: str, monkeypatch) -> None:
    monkeypatch.setattr(formulas, "_WORDS", {})
    assert test_module.apart(test_onnx.network_of(*test_onnx.CASES[kind])) <= 2e-6
