"""Lasagne's nonlinearities and Theano's functions → operations: one row a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from filtviz.activations import Activation, ActivationKind
from filtviz.operations import Merge, Operation, PoolingKind, Softmax
from filtviz.reading.pickle.attributes import Attributes, Function

__all__ = ["activation_of", "merge_of", "pooling_kind_of"]

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
"""Klambauer et al. 2017, as in ``lasagne.nonlinearities.selu``."""

_KNOWN_HOMES = ("lasagne", "theano", "nolearn", "numpy")
"""Packages whose functions do what their names say; a person's own ``elu`` may do anything."""

Numbers = Mapping[str, float]

_ACTIVATIONS: Mapping[str, Callable[[Numbers], tuple[ActivationKind, Numbers]]] = {
    "linear": lambda _: ("linear", {}),
    "identity": lambda _: ("linear", {}),
    "rectify": lambda _: ("rectify", {}),
    "relu": lambda n: ("leaky_rectify", {"alpha": n["alpha"]}) if n.get("alpha") else ("rectify", {}),
    "LeakyRectify": lambda n: _needing(n, "leaky_rectify", alpha="leakiness"),
    "sigmoid": lambda _: ("sigmoid", {}),
    "hard_sigmoid": lambda _: ("hard_sigmoid", {}),
    "ultra_fast_sigmoid": lambda _: ("sigmoid", {}),
    "tanh": lambda _: ("tanh", {}),
    "ScaledTanH": lambda n: _needing(n, "tanh", scale_in="scale_in", scale="scale_out"),
    "ScaledTanh": lambda n: _needing(n, "tanh", scale_in="scale_in", scale="scale_out"),
    "elu": lambda n: ("elu", {"alpha": n.get("alpha", 1.0)}),
    "SELU": lambda n: _needing(n, "selu", scale="scale", alpha="scale_neg"),
    "selu": lambda _: ("selu", {"scale": SELU_SCALE, "alpha": SELU_ALPHA}),
    "softplus": lambda _: ("softplus", {}),
    "softsign": lambda _: ("softsign", {}),
    "exp": lambda _: ("exp", {}),
}
"""Name → kind and numbers. Theano's operators go by the name of their function on one number."""

_POOLING: Mapping[str, PoolingKind] = {
    "max": "max", "mean": "mean", "sum": "sum", "amax": "max",
    "average_inc_pad": "mean", "average_exc_pad": "mean",
}  # fmt: skip
_MERGING: Mapping[str, Callable[[], Merge]] = {
    "add": lambda: Merge(kind="add"),
    "sub": lambda: Merge(kind="subtract"),
    "mul": lambda: Merge(kind="multiply"),
    "maximum": lambda: Merge(kind="maximum"),
    "minimum": lambda: Merge(kind="minimum"),
}


def _needing(numbers: Numbers, kind: ActivationKind, **fields: str) -> tuple[ActivationKind, Numbers]:
    """Return a kind with its numbers, which the file must tell."""
    if not all(name in numbers for name in fields.values()):
        return "untold", {}
    return kind, {field: numbers[name] for field, name in fields.items()}


def activation_of(attributes: Attributes) -> tuple[Operation, ...]:
    """Return a layer's nonlinearity: nothing for the linear one, an untold activation where none is told."""
    function = attributes.function("nonlinearity")
    if function is None:
        return (Activation(kind="untold"),)
    if _is_known(function) and function.name == "softmax":
        return (Softmax(),)
    if not _is_known(function) or function.name not in _ACTIVATIONS:
        return (Activation(kind="untold", name=function.name),)
    kind, numbers = _ACTIVATIONS[function.name](function.numbers)
    return () if kind == "linear" else (Activation.with_numbers(kind, function.name, numbers),)


def _is_known(function: Function) -> bool:
    return function.module.partition(".")[0] in _KNOWN_HOMES


def pooling_kind_of(function: Function | None) -> tuple[PoolingKind, str]:
    """Return what a function makes of many numbers, and its name; Lasagne's default is the maximum."""
    if function is None:
        return "untold", ""
    known = _is_known(function) and function.name in _POOLING
    return (_POOLING[function.name] if known else "untold"), function.name


def merge_of(function: Function | None) -> Merge:
    """Return what a function makes of two numbers."""
    if function is not None and _is_known(function) and function.name in _MERGING:
        return _MERGING[function.name]()
    return Merge(kind="untold", name="" if function is None else function.name)
