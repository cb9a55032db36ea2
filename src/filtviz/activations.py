"""The functions of each unit by itself: their kinds, their numbers, what they give, and which are monotone.

To add one: its kind in `ActivationKind`, its row in `KINDS`, its arithmetic in `activate` and, where it
saturates, its `Activation.ends`, all in this file. Both engines run that arithmetic and both converters write
it down, each with `Functions` of its own; a converter may have a shorter word for a kind
(`filtviz.converting.formulas`). Composition takes any kind as if it were linear, and bounds go by whether it
is monotone. A Lasagne file may call it by its name here; what other files call it is a row in the table of
their format.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Protocol, assert_never

import numpy as np
from numpy.typing import NDArray

from filtviz.parameter import Parameter, spread_out
from filtviz.text import printable

__all__ = [
    "KINDS",
    "RECTIFIERS",
    "UNTOLD_ACTIVATION",
    "Activation",
    "ActivationKind",
    "Elementary",
    "Functions",
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


class Kind(NamedTuple):
    """What is known of a kind of activation.

    Attributes:
        is_monotone: Whether a larger input never gives a smaller output, as long as its numbers are not
            negative.
        work: What a number takes, of functions that are more than a comparison; huge numbers take longest.
        needs: Fields of an `Activation` that have no usual value.
        rectifies: Whether a unit that is never above zero gives 0 for ever, and so is dead.
        is_signed: Whether zero is in the middle of what it gives.
    """

    is_monotone: bool
    work: int = 0
    needs: tuple[str, ...] = ()
    rectifies: bool = False
    is_signed: bool = False


KINDS: Mapping[ActivationKind, Kind] = {
    "linear": Kind(True, is_signed=True),
    "rectify": Kind(True, rectifies=True),
    "leaky_rectify": Kind(True, needs=("alpha",)),
    "parametric_rectify": Kind(False, needs=("slopes",)),  # its slopes are weights, of either sign
    "clipped_rectify": Kind(True, needs=("alpha",), rectifies=True),
    "elu": Kind(True, work=240),
    "selu": Kind(True, work=240),
    "sigmoid": Kind(True, work=240),
    "hard_sigmoid": Kind(True),
    "tanh": Kind(True, work=240, is_signed=True),
    "softplus": Kind(True, work=240),
    "softsign": Kind(True, is_signed=True),
    "exp": Kind(True, work=240),
    "swish": Kind(False, work=240),
    "hard_swish": Kind(False),
    "mish": Kind(False, work=450),
    "gelu": Kind(False, work=450),
    "gelu_tanh": Kind(False, work=450),
    "clip": Kind(True, needs=("low", "high")),
    "power": Kind(False, work=450, needs=("alpha",)),
    "absolute": Kind(False),
    "log": Kind(False, work=240),  # of numbers below 0 there is none
    "erf": Kind(True, work=240),
    "sin": Kind(False, work=600),
    "cos": Kind(False, work=600),
    "untold": Kind(False),
}
"""Every kind."""

RECTIFIERS = frozenset(kind for kind, facts in KINDS.items() if facts.rectifies)
"""Kinds behind which units can be dead."""

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
        return KINDS[self.kind].is_monotone and min(self.alpha, self.scale, self.scale_in) >= 0

    @property
    def ends(self) -> tuple[float | None, float | None]:
        """The lowest and the highest that it gives, at which a unit is saturated; None for none."""
        match self.kind:
            case "sigmoid" | "hard_sigmoid":
                return 0.0, 1.0
            case "tanh":
                return -abs(self.scale), abs(self.scale)
            case "softsign":
                return -1.0, 1.0
            case "clipped_rectify":
                return None, self.alpha
        return None, None

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


Elementary = Literal[
    "sigmoid", "tanh", "exp", "expm1", "log", "softplus", "absolute", "erf", "sin", "cos"
]  # fmt: skip
"""The functions of one number that every interpreter has, by the names that they have here."""


class Functions(Protocol):
    """What activations are made of, as an engine runs it or a converter writes it down.

    What goes in and comes out is the interpreter's own: arrays, tensors, the words of a program. They are
    added, multiplied and divided with each other and with plain numbers.
    """

    def rectify(self, x: Any, /) -> Any:
        """Return x, and 0 where it is below."""

    def where_positive(self, x: Any, below: Any, /) -> Any:
        """Return x where it is above 0, and ``below`` where it is not."""

    def clip(self, x: Any, low: float, high: float, /) -> Any:
        """Return x within both ends, either of which may be infinite."""

    def power(self, x: Any, exponent: float, /) -> Any:
        """Return x to an exponent."""

    def elementary(self, name: Elementary, x: Any, /) -> Any:
        """Return what one of the elementary functions gives."""

    def slopes(self, activation: Activation, slopes: Parameter, x: Any, /) -> Any:
        """Return the slopes of a parametric rectifier, spread along the axes of x."""


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # as in the network, infinities are meant
def activate(activation: Activation, x: Any, functions: Functions | None = None) -> Any:
    """Apply an activation to each unit.

    Args:
        activation: The function.
        x: Units of any shape; a parametric rectifier's slopes run along some of its axes.
        functions: What works on the units; None for numpy, whose arrays keep their precision.

    Raises:
        UnknownActivationError: it is not one that is known here.
    """
    f = functions or NumpyFunctions()
    alpha, scale, scale_in = activation.alpha, activation.scale, activation.scale_in
    match activation.kind:
        case "linear":
            return x
        case "rectify":
            return f.rectify(x)
        case "leaky_rectify":
            return f.where_positive(x, alpha * x)
        case "parametric_rectify":
            if activation.slopes is None:
                raise UnknownActivationError("the file does not tell its slopes")
            return f.where_positive(x, f.slopes(activation, activation.slopes, x) * x)
        case "clipped_rectify":
            return f.clip(x, 0.0, alpha)
        case "elu" | "selu":
            return scale * f.where_positive(x, alpha * f.elementary("expm1", f.clip(x, -math.inf, 0.0)))
        case "hard_sigmoid":
            return f.clip(0.2 * scale_in * x + 0.5, 0.0, 1.0)
        case "tanh":
            return scale * f.elementary("tanh", scale_in * x)
        case "softsign":
            return x / (1.0 + f.elementary("absolute", x))
        case "swish":
            return x * f.elementary("sigmoid", x)
        case "hard_swish":
            return x * f.clip(x + 3.0, 0.0, 6.0) / 6.0
        case "mish":
            return x * f.elementary("tanh", f.elementary("softplus", x))
        case "gelu":
            return 0.5 * x * (1.0 + f.elementary("erf", 0.5**0.5 * x))
        case "gelu_tanh":
            cubed = 0.044715 * (x * x * x)
            return 0.5 * x * (1.0 + f.elementary("tanh", (2 / math.pi) ** 0.5 * (x + cubed)))
        case "clip":
            return f.clip(x, activation.low, activation.high)
        case "power":
            return f.power(x, alpha)
        case "sigmoid" | "softplus" | "exp" | "log" | "absolute" | "erf" | "sin" | "cos":
            return f.elementary(activation.kind, x)
        case "untold":
            raise UnknownActivationError(why_unknown(activation))
    assert_never(activation.kind)


class NumpyFunctions:
    """Those of arrays, of single or double precision, which is that of the result too."""

    def rectify(self, x: Floats, /) -> Floats:
        """Return x, and 0 where it is below."""
        return np.maximum(x, 0.0)

    def where_positive(self, x: Floats, below: Floats, /) -> Floats:
        """Return x where it is above 0, and ``below`` where it is not."""
        return np.where(x > 0, x, below)

    def clip(self, x: Floats, low: float, high: float, /) -> Floats:
        """Return x within both ends, the upper one where they are the wrong way round."""
        return np.minimum(np.maximum(x, low), high)

    def power(self, x: Floats, exponent: float, /) -> Floats:
        """Return x to an exponent; what has no power is no number, as in the network."""
        return np.asarray(np.power(x, np.asarray(exponent, x.dtype)))

    def elementary(self, name: Elementary, x: Floats, /) -> Floats:
        """Return what one of the elementary functions gives."""
        return np.asarray(_ELEMENTARY[name](x))

    def slopes(self, activation: Activation, slopes: Parameter, x: Floats, /) -> Floats:
        """Return the slopes of a parametric rectifier, spread along the axes of x."""
        return spread_out(np.asarray(slopes.value).astype(x.dtype), x.ndim, activation.along)


def _sigmoid(x: Floats) -> Floats:
    from filtviz.special_functions import expit

    return np.asarray(expit(x))


def _error_function(x: Floats) -> Floats:
    from filtviz.special_functions import erf

    return np.asarray(erf(x))


_ELEMENTARY: Mapping[Elementary, Callable[[Floats], Floats]] = {
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "softplus": lambda x: np.logaddexp(0.0, x),
    "absolute": np.abs,
    "erf": _error_function,
    "sin": np.sin,
    "cos": np.cos,
}
