"""Functions of each unit as the converters write them down: in PyTorch's words, or as nodes of ONNX.

What is not named here is written as `filtviz.activations.activate` has it, out of the functions that PyTorch
and ONNX have too. A shorter word of theirs for a kind is one line of `_WORDS` or of `_NODES`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from filtviz.activations import Activation, ActivationKind, Elementary, activate
from filtviz.parameter import Parameter, Shape
from filtviz.running.fitting import spread_over

__all__ = ["nodes_of_activation", "number", "words_of_activation"]

_WORDS: Mapping[ActivationKind, str] = {
    "leaky_rectify": "F.leaky_relu({x}, {alpha})",
    "elu": "{scale}F.elu({x}, {alpha})",
    "selu": "{scale}F.elu({x}, {alpha})",
    "softsign": "F.softsign({x})",
    "swish": "F.silu({x})",
    "mish": "F.mish({x})",
    "hard_swish": "F.hardswish({x})",
    "gelu": "F.gelu({x})",
    "gelu_tanh": "F.gelu({x}, approximate='tanh')",
}
"""Kind → PyTorch's own word for it."""

_NODES: Mapping[ActivationKind, tuple[str, Mapping[str, str]]] = {
    "leaky_rectify": ("LeakyRelu", {"alpha": "alpha"}),
    "elu": ("Selu", {"alpha": "alpha", "gamma": "scale"}),
    "selu": ("Selu", {"alpha": "alpha", "gamma": "scale"}),
    "softsign": ("Softsign", {}),
    "mish": ("Mish", {}),
    "hard_swish": ("HardSwish", {}),
}
"""Kind → ONNX's operator for it, and its attributes with the numbers of the activation that they are."""

_SYMBOLS = {"+": "Add", "*": "Mul", "/": "Div"}


def number(value: float) -> str:
    """Write a number as Python does, whatever it is."""
    plain = float(value)
    return repr(plain) if math.isfinite(plain) else f"float('{plain}')"


def words_of_activation(
    activation: Activation, x: str, shape: Shape, parameter: Callable[[Parameter], str]
) -> str:
    """Write an activation as an expression of PyTorch.

    Args:
        activation: The function.
        x: The expression that it is applied to.
        shape: That of what it gives, with None for what is open.
        parameter: Keeps an array in the module, and says what it is called there.

    Raises:
        UnknownActivationError: it is not known what it does.
        ValueError: PyTorch has no word for it.
    """
    if activation.kind in _WORDS:
        scale = "" if activation.scale == 1 else f"{number(activation.scale)} * "
        return _WORDS[activation.kind].format(x=x, alpha=number(activation.alpha), scale=scale)
    words = _TorchWords(shape, parameter)
    return str(activate(activation, _Written(x, words.combine), words))


class NodeMaker(Protocol):
    """Adds a node of ONNX and returns the name of what it gives."""

    def __call__(self, kind: str, inputs: Sequence[str], /, **attributes: Any) -> str:
        """Add it."""


def nodes_of_activation(
    activation: Activation, x: str, shape: Shape, node: NodeMaker, constant: Callable[[Any, str], str]
) -> str:
    """Write an activation as nodes of ONNX, and return the name of what they give.

    Args:
        activation: The function.
        x: The name of what it is applied to.
        shape: That of it, with None for what is open.
        node: Adds a node.
        constant: Adds an array and returns its name.

    Raises:
        UnknownActivationError: it is not known what it does.
        ValueError: ONNX has no operator for it.
    """
    nodes = _OnnxNodes(shape, node, constant)
    if activation.kind in _NODES:
        operator, attributes = _NODES[activation.kind]
        return node(operator, [x], **{name: getattr(activation, field) for name, field in attributes.items()})
    if activation.kind == "parametric_rectify" and activation.slopes is not None:
        return node("PRelu", [x, nodes.slopes(activation, activation.slopes, None).text])
    return str(activate(activation, _Written(x, nodes.combine), nodes))


@dataclass(frozen=True)
class _Written:
    """Something written down, which can be added, multiplied and divided."""

    text: str
    combine: Callable[[str, _Written | float, _Written | float], _Written]

    def __str__(self) -> str:
        return self.text

    def __add__(self, other: _Written | float) -> _Written:
        return self.combine("+", self, other)

    def __radd__(self, other: float) -> _Written:
        return self.combine("+", other, self)

    def __mul__(self, other: _Written | float) -> _Written:
        return self.combine("*", self, other)

    def __rmul__(self, other: float) -> _Written:
        return self if other == 1 else self.combine("*", other, self)

    def __truediv__(self, other: _Written | float) -> _Written:
        return self.combine("/", self, other)


class _TorchWords:
    """The functions of an activation, as expressions of PyTorch."""

    def __init__(self, shape: Shape, parameter: Callable[[Parameter], str]) -> None:
        self.shape, self._parameter = shape, parameter

    def combine(self, symbol: str, left: _Written | float, right: _Written | float) -> _Written:
        sides = (_enclosed(one.text) if isinstance(one, _Written) else number(one) for one in (left, right))
        return self._say(f" {symbol} ".join(sides))

    def rectify(self, x: _Written, /) -> _Written:
        return self._say(f"F.relu({x})")

    def where_positive(self, x: _Written, below: _Written, /) -> _Written:
        return self._say(f"torch.where({_enclosed(x.text)} > 0, {x}, {below})")

    def clip(self, x: _Written, low: float, high: float, /) -> _Written:
        check_ends(low, high)
        return self._say(f"{_enclosed(x.text)}.clamp({number(low)}, {number(high)})")

    def power(self, x: _Written, exponent: float, /) -> _Written:
        return self._say(f"{_enclosed(x.text)} ** {number(exponent)}")

    def elementary(self, name: Elementary, x: _Written, /) -> _Written:
        word = {"softplus": "F.softplus", "absolute": "torch.abs"}.get(name, f"torch.{name}")
        return self._say(f"{word}({x})")

    def slopes(self, activation: Activation, slopes: Parameter, _: Any, /) -> _Written:
        return self._say(self._parameter(Parameter.of("slopes", _spread(activation, slopes, self.shape))))

    def _say(self, text: str) -> _Written:
        return _Written(text, self.combine)


class _OnnxNodes:
    """The functions of an activation, as nodes of ONNX."""

    def __init__(self, shape: Shape, node: NodeMaker, constant: Callable[[Any, str], str]) -> None:
        self.shape, self._node, self._constant = shape, node, constant

    def combine(self, symbol: str, left: _Written | float, right: _Written | float) -> _Written:
        return self._make(_SYMBOLS[symbol], left, right)

    def rectify(self, x: _Written, /) -> _Written:
        return self._make("Relu", x)

    def where_positive(self, x: _Written, below: _Written, /) -> _Written:
        return self._make("Where", self._make("Greater", x, 0.0), x, below)

    def clip(self, x: _Written, low: float, high: float, /) -> _Written:
        check_ends(low, high)
        return self._make("Clip", x, *(end if math.isfinite(end) else None for end in (low, high)))

    def power(self, x: _Written, exponent: float, /) -> _Written:
        if exponent in (0.5, -0.5):
            root = self._make("Sqrt", x)
            return root if exponent > 0 else self._make("Reciprocal", root)
        return x * x if exponent == 2 else self._make("Pow", x, exponent)

    def elementary(self, name: Elementary, x: _Written, /) -> _Written:
        if name == "expm1":
            return self._make("Sub", self._make("Exp", x), 1.0)
        return self._make("Abs" if name == "absolute" else name.capitalize(), x)

    def slopes(self, activation: Activation, slopes: Parameter, _: Any, /) -> _Written:
        return _Written(self._constant(_spread(activation, slopes, self.shape), "slopes"), self.combine)

    def _make(self, kind: str, *inputs: _Written | float | None) -> _Written:
        return _Written(self._node(kind, [self._name(one) for one in inputs]), self.combine)

    def _name(self, one: _Written | float | None) -> str:
        if one is None:
            return ""
        return one.text if isinstance(one, _Written) else self._constant(one, "constant")


def check_ends(low: float, high: float) -> None:
    """Refuse ends of a clip that frameworks do not treat alike.

    Raises:
        ValueError: the lower one is above the upper one, or one is no number.
    """
    if not low <= high:
        raise ValueError("the ends of what it clips to are the wrong way round")


def _spread(activation: Activation, slopes: Parameter, shape: Shape) -> NDArray[Any]:
    return np.asarray(spread_over(np.asarray(slopes.value), shape, activation.along))


def _enclosed(text: str) -> str:
    """Put an expression into brackets, where it is a sum, a product or the like."""
    depth = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == " " and depth == 0:
            return f"({text})"
    return text
