"""Lasagne's nonlinearities and Theano's functions → operations: one row a function.

A function that is called as its kind in `filtviz.activations`, and needs no numbers, is known by its name. To
let another one be known: one row in `_ACTIVATIONS`, or in `_SCALAR_OPS` for an operator of Theano's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from filtviz.activations import KINDS, Activation, ActivationKind
from filtviz.operations import MergeKind, Operation, PoolingKind, Softmax
from filtviz.reading.pickle.attributes import Attributes, Function

__all__ = ["activation_of", "merge_kind_of", "pooling_kind_of"]

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
"""Klambauer et al. 2017, as in ``lasagne.nonlinearities.selu``."""

_KNOWN_HOMES = frozenset({"lasagne", "theano", "nolearn", "numpy"})
"""Packages whose functions do what their names say; a person's own ``elu`` may do anything."""

Numbers = Mapping[str, float]
Found = tuple[ActivationKind, Numbers]

_UNTOLD: Found = ("untold", {})

_ACTIVATIONS: Mapping[str, Callable[[Numbers], Found]] = {
    "identity": lambda _: ("linear", {}),
    "relu": lambda n: ("leaky_rectify", {"alpha": n["alpha"]}) if n.get("alpha") else ("rectify", {}),
    "LeakyRectify": lambda n: _needing(n, "leaky_rectify", alpha="leakiness"),
    "ScaledTanH": lambda n: _needing(n, "tanh", scale_in="scale_in", scale="scale_out"),
    "ScaledTanh": lambda n: _needing(n, "tanh", scale_in="scale_in", scale="scale_out"),
    "elu": lambda n: ("elu", {"alpha": n.get("alpha", 1.0)}),
    "SELU": lambda n: _needing(n, "selu", scale="scale", alpha="scale_neg"),
    "selu": lambda _: ("selu", {"scale": SELU_SCALE, "alpha": SELU_ALPHA}),
}
"""Name of a function, or of the class of an object that is called like one → kind and numbers."""

_SCALAR_OPS: Mapping[str, ActivationKind] = {
    "Identity": "linear",
    "Tanh": "tanh",
    "ScalarSigmoid": "sigmoid",
    "HardSigmoid": "hard_sigmoid",
    "ScalarSoftplus": "softplus",
    "ScalarSoftsign": "softsign",
    "Exp": "exp",
}
"""What an operator of Theano's does with one number → kind."""

_POOLING: Mapping[str, PoolingKind] = {"max": "max", "mean": "mean", "sum": "sum"}
_MERGING: Mapping[str, MergeKind] = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "maximum": "maximum",
    "minimum": "minimum",
}
"""Names of functions of two numbers, and of operators of Theano's in small letters."""


def _needing(numbers: Numbers, kind: ActivationKind, **fields: str) -> Found:
    """Return a kind with its numbers, which the file must tell."""
    if not all(name in numbers for name in fields.values()):
        return _UNTOLD
    return kind, {field: numbers[name] for field, name in fields.items()}


def activation_of(attributes: Attributes, name: str = "nonlinearity") -> tuple[Operation, ...]:
    """Return a layer's nonlinearity: nothing for the linear one, an untold activation where none is told."""
    function = attributes.function(name)
    if function is None:
        return (Activation(kind="untold"),)
    word = _word(function)
    if not _is_known(function):
        return (Activation(kind="untold", name=word),)
    if word == "softmax":
        return (Softmax(),)
    kind, numbers = _activation(function, word)
    return () if kind == "linear" else (Activation.with_numbers(kind, word, numbers),)


def _activation(function: Function, word: str) -> Found:
    if function.scalar_op is not None:
        return _SCALAR_OPS.get(function.scalar_op, "untold"), {}
    if word in _ACTIVATIONS:
        return _ACTIVATIONS[word](function.parameters)
    return next(((kind, {}) for kind, facts in KINDS.items() if kind == word and not facts.needs), _UNTOLD)


def _word(function: Function) -> str:
    """Return the bare name of a function, or of what an operator does with each number."""
    return function.scalar_op or function.name.rpartition(".")[2]


def _is_known(function: Function) -> bool:
    return function.told and function.module.partition(".")[0] in _KNOWN_HOMES


def pooling_kind_of(function: Function | None) -> tuple[PoolingKind, str]:
    """Return what a function makes of many numbers, and its name."""
    if function is None:
        return "untold", ""
    word = _word(function)
    return (_POOLING.get(word, "untold") if _is_known(function) else "untold"), word


def merge_kind_of(function: Function | None) -> tuple[MergeKind, str]:
    """Return what a function makes of two numbers, and its name."""
    if function is None:
        return "untold", ""
    word = _word(function)
    return (_MERGING.get(word.lower(), "untold") if _is_known(function) else "untold"), word
