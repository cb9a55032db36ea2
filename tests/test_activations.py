"""Each function of a unit against a formula of its own: its numbers, its ends, its type."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest

from filtviz.activations import (
    KINDS,
    UNTOLD_ACTIVATION,
    Activation,
    ActivationKind,
    UnknownActivationError,
    activate,
    why_unknown,
)
from filtviz.parameter import Parameter

X = np.array([-1e3, -2.5, -1.0, -0.25, 0.0, 0.25, 1.0, 2.5, 7.0])


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


FORMULAS: dict[str, tuple[dict[str, float], Callable[[float], float]]] = {
    "linear": ({}, lambda x: x),
    "rectify": ({}, lambda x: max(x, 0)),
    "leaky_rectify": ({"alpha": 0.3}, lambda x: x if x > 0 else 0.3 * x),
    "clipped_rectify": ({"alpha": 2.0}, lambda x: min(max(x, 0), 2)),
    "elu": ({"alpha": 1.5}, lambda x: x if x > 0 else 1.5 * (math.exp(x) - 1)),
    "selu": ({"alpha": 1.5, "scale": 2.0}, lambda x: 2 * (x if x > 0 else 1.5 * (math.exp(x) - 1))),
    "sigmoid": ({}, sigmoid),
    "hard_sigmoid": ({"scale_in": 2.0}, lambda x: min(max(0.4 * x + 0.5, 0), 1)),
    "tanh": ({"scale": 1.7, "scale_in": 0.5}, lambda x: 1.7 * math.tanh(0.5 * x)),
    "softplus": ({}, lambda x: math.log1p(math.exp(x))),
    "softsign": ({}, lambda x: x / (1 + abs(x))),
    "exp": ({}, math.exp),
    "swish": ({}, lambda x: x * sigmoid(x)),
    "hard_swish": ({}, lambda x: x * min(max(x + 3, 0), 6) / 6),
    "mish": ({}, lambda x: x * math.tanh(math.log1p(math.exp(x)))),
    "gelu": ({}, lambda x: x / 2 * (1 + math.erf(x / math.sqrt(2)))),
    "gelu_tanh": ({}, lambda x: x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))),
    "clip": ({"low": -0.5, "high": 2.0}, lambda x: min(max(x, -0.5), 2)),
    "power": ({"alpha": 2.0}, lambda x: x * x),
    "absolute": ({}, abs),
    "erf": ({}, math.erf),
    "sin": ({}, math.sin),
    "cos": ({}, math.cos),
}  # fmt: skip


@pytest.mark.cases("all")
@pytest.mark.parametrize("kind", FORMULAS)
def test_a_function_gives_what_its_formula_says_in_the_precision_that_it_is_given(kind: Any) -> None:
    """Far below zero, too, where an exponential of the other side would overflow; no warning is raised."""
    numbers, formula = FORMULAS[kind]
    function = Activation.with_numbers(kind, "", numbers)
    for x in (X, X[::-1].copy()) if kind in ("exp", "softplus", "mish") else (X, np.append(X, 1e3)):
        wanted = [formula(one) for one in x.tolist()]
        np.testing.assert_allclose(activate(function, x), wanted, rtol=1e-12, atol=1e-15)
    single = activate(function, X.astype("float32"))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, [formula(one) for one in X.tolist()], rtol=2e-5, atol=1e-6)


def test_every_function_has_a_formula_here() -> None:
    others = {"parametric_rectify", "log", "untold"}
    assert FORMULAS.keys() | others == set(get_args(ActivationKind)) == KINDS.keys()


@pytest.mark.parametrize("along", [(1,), (2,), (1, 2)])
def test_slopes_run_along_the_axes_that_are_told(along: tuple[int, ...]) -> None:
    x = -np.arange(1.0, 19).reshape(2, 3, 3)
    slopes = np.arange(1.0, 1 + 3 ** len(along)).reshape((3,) * len(along))
    held = Parameter.of("alpha", slopes)
    found = activate(Activation(kind="parametric_rectify", slopes=held, along=along), x.astype("float32"))
    assert found.dtype == np.float32
    for place in np.ndindex(x.shape):
        assert found[place] == slopes[tuple(place[axis] for axis in along)] * x[place]
    assert (activate(Activation(kind="parametric_rectify", slopes=held, along=along), -x) == -x).all()


def test_what_has_no_value_is_no_warning() -> None:
    assert np.isnan(activate(Activation(kind="log"), np.array([-1.0]))).all()
    assert activate(Activation(kind="log"), np.array([0.0, 1.0])).tolist() == [-math.inf, 0.0]
    assert activate(Activation(kind="power", alpha=-1.0), np.array([0.0])).tolist() == [math.inf]


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (Activation(kind="parametric_rectify"), "the file does not tell its slopes"),
        (Activation(kind="untold"), f"it applies {UNTOLD_ACTIVATION}"),
        (Activation(kind="untold", name="Maxi"), "it applies Maxi, which is not known here"),
    ],
)
def test_what_is_not_known_is_said_and_why(function: Activation, sentence: str) -> None:
    with pytest.raises(UnknownActivationError) as caught:
        activate(function, X)
    assert str(caught.value) == sentence
    if function.kind == "untold":
        assert why_unknown(function) == sentence
