"""The functions of each unit by itself: their kinds, their numbers, what they give, and which are monotone.

To add one: its kind in `ActivationKind`, whether it is monotone, and its arithmetic in `activate`, all in
this file; what PyTorch calls it in `filtviz.running.torch_engine` and `filtviz.converting.module_source`, as
the type checker says, and its nodes of ONNX in `filtviz.converting.onnx_graph`. Composition takes any kind as
if it were linear, and bounds go by whether it is monotone. Where files name it, a row in the table of their
format.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, assert_never

import numpy as np
from numpy.typing import NDArray

from filtviz.parameter import Parameter, spread_out
from filtviz.text import printable

__all__ = [
    "MONOTONE",
    "UNTOLD_ACTIVATION",
    "Activation",
    "ActivationKind",
    "UnknownActivationError",
    "activate",
    "why_unknown",
]

Floats = NDArray[Any]
"""Of single or double precision, which is that of the result too."""

ActivationKind = Literal[
    "linear",
    "rectify",
    "leaky_rectify",
    "parametric_rectify",
    "clipped_rectify",
    "elu",
    "selu",
    "sigmoid",
    "hard_sigmoid",
    "tanh",
    "softplus",
    "softsign",
    "exp",
    "swish",
    "hard_swish",
    "mish",
    "gelu",
    "gelu_tanh",
    "clip",
    "power",
    "absolute",
    "log",
    "erf",
    "sin",
    "cos",
    "untold",
]

MONOTONE: Mapping[ActivationKind, bool] = {
    "linear": True,
    "rectify": True,
    "leaky_rectify": True,
    "parametric_rectify": False,  # its slopes are weights, of either sign
    "clipped_rectify": True,
    "elu": True,
    "selu": True,
    "sigmoid": True,
    "hard_sigmoid": True,
    "tanh": True,
    "softplus": True,
    "softsign": True,
    "exp": True,
    "swish": False,
    "hard_swish": False,
    "mish": False,
    "gelu": False,
    "gelu_tanh": False,
    "clip": True,
    "power": False,
    "absolute": False,
    "log": False,  # of numbers below 0 there is none
    "erf": True,
    "sin": False,
    "cos": False,
    "untold": False,
}
"""Whether a larger input never gives a smaller output, as long as its numbers are not negative."""

UNTOLD_ACTIVATION = "a nonlinearity that the file does not tell"


@dataclass(frozen=True, kw_only=True, eq=False)
class Activation:
    """A function of each unit by itself: a ``kind`` and its numbers, never a callable.

    ``name`` is the file's own word for it. ``alpha`` is the slope below zero (``leaky_rectify``), the depth
    of an exponential (``elu``, ``selu``), the upper end (``clipped_rectify``), the exponent (``power``);
    ``low`` and ``high`` are the ends of a ``clip``; ``scale`` multiplies the
    output (``selu``, ``tanh``), ``scale_in`` the input (``tanh``, and ``hard_sigmoid``, whose slope is 0.2
    times it). ``slopes`` are those of a parametric rectifier, along the axes ``along`` of the input, or one
    for all. ``gelu`` is exact, ``gelu_tanh`` its approximation.
    """

    kind: ActivationKind
    name: str = ""
    alpha: float = 1.0
    scale: float = 1.0
    scale_in: float = 1.0
    slopes: Parameter | None = None
    along: tuple[int, ...] = (1,)
    low: float = -math.inf
    high: float = math.inf

    @classmethod
    def with_numbers(cls, kind: ActivationKind, name: str, numbers: Mapping[str, float]) -> Activation:
        """Make one whose ``numbers`` are called as its fields are."""
        return replace(cls(kind=kind, name=name), **numbers)  # type: ignore[arg-type]

    @property
    def is_monotone(self) -> bool:
        """Whether a larger input never gives a smaller output: what a proof by intervals rests on."""
        return MONOTONE[self.kind] and min(self.alpha, self.scale, self.scale_in) >= 0

    @property
    def word(self) -> str:
        """What to call it in a sentence."""
        return self.name or (UNTOLD_ACTIVATION if self.kind == "untold" else self.kind)


class UnknownActivationError(ValueError):
    """What an activation does is not known; the text completes "conv2 cannot be run: …"."""


def why_unknown(activation: Activation) -> str:
    """Say what is not known of an untold activation."""
    unknown = "" if activation.word == UNTOLD_ACTIVATION else ", which is not known here"
    return f"it applies {printable(activation.word)}{unknown}"


def activate(activation: Activation, x: Floats) -> Floats:
    """Apply an activation to each unit.

    Args:
        activation: The function.
        x: Units of any shape; a parametric rectifier's slopes run along some of its axes.

    Raises:
        UnknownActivationError: it is not one that is known here.
    """
    match activation.kind:
        case "linear":
            return x
        case "rectify":
            return np.maximum(x, 0.0)
        case "leaky_rectify":
            return np.where(x > 0, x, activation.alpha * x)
        case "parametric_rectify":
            if activation.slopes is None:
                raise UnknownActivationError("the file does not tell its slopes")
            slopes = np.asarray(activation.slopes.value).astype(x.dtype)
            return np.where(x > 0, x, spread_out(slopes, x.ndim, activation.along) * x)
        case "clipped_rectify":
            return np.clip(x, 0.0, activation.alpha)
        case "elu" | "selu":
            below = activation.alpha * np.expm1(np.minimum(x, 0.0))
            return np.asarray(activation.scale * np.where(x > 0, x, below))
        case "sigmoid":
            return _sigmoid(x)
        case "hard_sigmoid":
            return np.clip(0.2 * activation.scale_in * x + 0.5, 0.0, 1.0)
        case "tanh":
            return np.asarray(activation.scale * np.tanh(activation.scale_in * x))
        case "softplus":
            return np.logaddexp(0.0, x)
        case "softsign":
            return np.asarray(x / (1.0 + np.abs(x)))
        case "exp":
            return np.exp(x)
        case "swish":
            return np.asarray(x * _sigmoid(x))
        case "hard_swish":
            return np.asarray(x * np.clip(x + 3.0, 0.0, 6.0) / 6.0)
        case "mish":
            return np.asarray(x * np.tanh(np.logaddexp(0.0, x)))
        case "gelu":
            return np.asarray(0.5 * x * (1.0 + _error_function(x * 0.5**0.5)))
        case "gelu_tanh":
            return np.asarray(0.5 * x * (1.0 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3))))
        case "clip":
            return np.minimum(np.maximum(x, activation.low), activation.high)
        case "power":
            return _power(x, activation.alpha)
        case "absolute":
            return np.abs(x)
        case "log":
            with np.errstate(invalid="ignore", divide="ignore"):  # as in the network, infinities are meant
                return np.log(x)
        case "erf":
            return _error_function(x)
        case "sin":
            return np.sin(x)
        case "cos":
            return np.cos(x)
        case "untold":
            raise UnknownActivationError(why_unknown(activation))
    assert_never(activation.kind)


def _power(x: Floats, exponent: float) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return np.asarray(np.power(x, np.asarray(exponent, x.dtype)))


def _sigmoid(x: Floats) -> Floats:
    from filtviz.special_functions import expit

    return np.asarray(expit(x))


def _error_function(x: Floats) -> Floats:
    from filtviz.special_functions import erf

    return np.asarray(erf(x))
