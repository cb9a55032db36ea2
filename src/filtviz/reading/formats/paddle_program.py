"""The program of Paddle 3 (PIR, as JSON) → layers: what runs, on what, and of which shape the result is.

``#`` is what an operation does, ``I`` the numbers of the values that it takes, ``O`` what it gives, each with
its number and shape, ``A`` its attributes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from filtviz.activations import Activation, ActivationKind
from filtviz.network import ConvLayer, Layer
from filtviz.operations import (
    Concatenate,
    Convolution,
    Dense,
    Flatten,
    GlobalPooling,
    Identity,
    Input,
    Merge,
    MergeKind,
    Normalisation,
    Operation,
    Pooling,
    PoolingKind,
    Softmax,
    Untold,
    parameters_of,
)
from filtviz.parameter import Parameter, Shape
from filtviz.reading.layering import add_layer, make_layer, with_biases
from filtviz.reading.opened import Opened
from filtviz.text import printable

__all__ = ["layers_of_program"]

Facts = Callable[[Mapping[str, Any]], dict[str, Any]]

_ACTIVATIONS: Mapping[str, ActivationKind] = {
    "relu": "rectify", "relu_": "rectify", "sigmoid": "sigmoid", "tanh": "tanh", "hardswish": "hard_swish",
    "elu": "elu", "gelu": "gelu", "exp": "exp",
}  # fmt: skip
_MERGES: Mapping[str, MergeKind] = {"add": "add", "multiply": "multiply", "subtract": "subtract"}
_PASSED_ON = frozenset({"assign", "assign_", "dropout", "share_data", "memcpy"})
_NO_LAYERS = frozenset({"fetch", "full", "full_int_array", "combine", "shadow_output"})
_LONGEST_RANK = 5
_LARGEST = 1 << 31


def layers_of_program(
    operations: Sequence[Mapping[str, Any]], held: Mapping[str, Parameter], opened: Opened, facts: Facts
) -> list[Layer] | None:
    """Return the layers of a program; None where not all its kernels are met in convolutions.

    Args:
        operations: What the program does, in order.
        held: Its parameters by their names.
        opened: The file, for its limits.
        facts: What reads strides and the like of an operation.
    """
    reader = _Reader(held=held, opened=opened, facts=facts)
    for one in operations:
        reader.operation(one)
    layers = with_biases(reader.layers)
    used = {id(layer.weights) for layer in layers if isinstance(layer, ConvLayer)}
    kernels = [one for one in held.values() if len(one.shape) == 4]
    return layers if all(id(one) in used for one in kernels) else None


@dataclass(kw_only=True, eq=False)
class _Reader:
    """Makes a layer of each operation that works on what the network is given.

    Attributes:
        held: The parameters by name.
        opened: The file.
        facts: What reads strides and the like.
        layers: The layers so far.
        giver: Number of a value → the layer that gives it.
        constants: Number of a value → the parameter that it is.
        numbers: Number of a value → the numbers that the program says.
        lists: Number of a value → the values that it joins.
    """

    held: Mapping[str, Parameter]
    opened: Opened
    facts: Facts
    layers: list[Layer] = field(default_factory=list)
    giver: dict[int, int] = field(default_factory=dict)
    constants: dict[int, Parameter] = field(default_factory=dict)
    numbers: dict[int, list[int]] = field(default_factory=dict)
    lists: dict[int, list[int]] = field(default_factory=dict)

    def operation(self, one: Mapping[str, Any]) -> None:
        """Add the layer of an operation, or take note of what it prepares."""
        self.opened.effort.spend(1)
        if one["#"] == "p":
            if (found := self.held.get(one["A"][3])) is not None:
                self.constants[one["O"]["%"]] = found
            return
        kind = one["#"].rpartition(".")[2]
        inputs = [given["%"] for given in one["I"]]
        outputs = one["O"] if isinstance(one["O"], list) else [one["O"]]
        said = {each["N"]: each["AT"].get("D") for each in one["A"]}
        if not outputs:
            return
        result = outputs[0]["%"]
        joined = sum(len(held.get(one, ())) for held in (self.lists, self.numbers) for one in inputs)
        self.opened.effort.spend(len(inputs) + len(outputs) + joined)
        if self._is_prepared(kind, inputs, result, said):
            return
        wide = [each for number in inputs for each in self.lists.get(number, [number])]
        given = tuple(self.giver[number] for number in wide if number in self.giver)
        operations = self._operations(kind, one, inputs, said, len(given))
        parameters = tuple(p for each in operations for p in parameters_of(each))
        weights = next((p for p in parameters if p.name == "w_0"), None)
        name = weights.source.rpartition(".")[0] if weights is not None else f"{printable(kind, 40)}_{result}"
        layer = make_layer(
            operations,
            name=name,
            type=printable(kind, 40),
            inputs=given,
            parameters=parameters,
            output_shape=_shape(outputs[0]),
        )
        place = add_layer(self.layers, layer, self.opened.effort, "its program has {:,} operations or more")
        for output in outputs:
            self.giver[output["%"]] = place

    def _is_prepared(self, kind: str, inputs: Sequence[int], result: int, said: Mapping[str, Any]) -> bool:
        """Take note of numbers, lists and parameters in another shape; tell whether it is one of these."""
        if kind in ("full", "full_int_array"):
            value = said.get("value")
            values = [each["D"] for each in value] if isinstance(value, list) else [value]
            real = [each for each in values if isinstance(each, int | float) and abs(each) < _LARGEST]
            self.numbers[result] = [int(each) for each in real]
        elif kind == "combine":
            self.lists[result] = list(inputs)
        elif kind == "reshape" and inputs and inputs[0] in self.constants:
            self.constants[result] = self.constants[inputs[0]]
            return True
        return kind in _NO_LAYERS

    def _operations(
        self, kind: str, one: Mapping[str, Any], inputs: Sequence[int], said: Mapping[str, Any], n_given: int
    ) -> tuple[Operation, ...]:
        """Return what an operation does."""
        constant = [self.constants.get(number) for number in inputs]
        second = constant[1] if len(constant) > 1 else None
        if kind == "data":
            return (Input(shape=_shape(one["O"][0])),)
        if "conv2d" in kind and second is not None and len(second.shape) == 4:
            transposed = "transpose" in kind
            axes = "iorc" if transposed else "oirc"
            found = self.facts(one)
            return (
                Convolution(weights=second, axes=axes, flip_filters=False, transposed=transposed, **found),
            )
        if kind == "matmul" and second is not None and len(second.shape) == 2:
            axes = "oi" if said.get("transpose_y") is True else "io"
            return (Dense(weights=second, axes=axes, units=second.shape[axes.index("o")], leading_axes=-1),)
        if kind in ("batch_norm", "batch_norm_") and all(each is not None for each in constant[1:5]):
            mean, variance, gamma, beta = constant[1:5]
            epsilon = said.get("epsilon")
            return (
                Normalisation(
                    mean=mean, spread=variance, spread_is="variance", gamma=gamma, beta=beta,
                    epsilon=epsilon if _is_finite(epsilon) else 1e-5,
                ),
            )  # fmt: skip
        if kind == "add" and second is not None and len(second.shape) == 1:
            return (Normalisation(beta=second, is_batch=False),)
        if kind in _MERGES and n_given > 1:
            return (Merge(kind=_MERGES[kind]),)
        return self._plain(kind, one, inputs, said)

    def _plain(
        self, kind: str, one: Mapping[str, Any], inputs: Sequence[int], said: Mapping[str, Any]
    ) -> tuple[Operation, ...]:
        """Return what an operation without parameters does."""
        if kind == "pool2d":
            return self._pooling(one, inputs, said)
        if kind == "concat" and len(inputs) > 1 and len(self.numbers.get(inputs[1], ())) == 1:
            axis = self.numbers[inputs[1]][0]
            return (Concatenate(axis=axis),) if abs(axis) < _LONGEST_RANK else _not_followed(kind)
        if kind == "flatten" and said.get("start_axis") == 1:
            return (Flatten(),)
        if kind == "softmax":
            where = said.get("axis")
            if type(where) is int and abs(where) < _LONGEST_RANK:
                return (Softmax(axis=where),)
            return _not_followed(kind)
        if kind in ("leaky_relu", "leaky_relu_") and _is_finite(said.get("negative_slope")):
            return (Activation(kind="leaky_rectify", name=kind, alpha=said["negative_slope"]),)
        if kind == "elu" and _is_finite(said.get("alpha")):
            return (Activation(kind="elu", name=kind, alpha=said["alpha"]),)
        if kind == "gelu" and said.get("approximate") is True:
            return (Activation(kind="gelu_tanh", name=kind),)
        if kind == "relu6":
            return (Activation(kind="clipped_rectify", name=kind, alpha=6.0),)
        if kind in _ACTIVATIONS:
            return (Activation(kind=_ACTIVATIONS[kind], name=kind),)
        if kind in _PASSED_ON:
            return (Identity(what=kind),)
        return _not_followed(kind)

    def _pooling(
        self, one: Mapping[str, Any], inputs: Sequence[int], said: Mapping[str, Any]
    ) -> tuple[Operation, ...]:
        kind: PoolingKind = "max" if said.get("pooling_type") == "max" else "mean"
        size = tuple(self.numbers.get(inputs[1] if len(inputs) > 1 else -1, ()))
        if said.get("global_pooling") is True or (said.get("adaptive") is True and size == (1, 1)):
            return (GlobalPooling(kind=kind),)
        found = self.facts(one)
        if (
            said.get("adaptive") is True
            or len(size) != 2
            or min(size) < 1
            or not {"stride", "pad"} <= found.keys()
        ):
            return (Untold(reason="how its windows lie is not told"),)
        return (
            Pooling(
                kind=kind, size=size, stride=found["stride"], pad=found["pad"],
                whole_windows=said.get("ceil_mode") is not True, counts_pad=said.get("exclusive") is False,
            ),
        )  # fmt: skip


def _is_finite(value: Any) -> TypeGuard[float]:
    return isinstance(value, float) and math.isfinite(value)


def _not_followed(kind: str) -> tuple[Operation, ...]:
    return (Untold(reason=f"filtviz does not follow the operation {printable(kind, 40)}"),)


def _shape(output: Mapping[str, Any]) -> Shape | None:
    """Return the shape of a value, None where the program tells none; a length below 0 is open."""
    told = output["TT"]
    lengths = told["D"][1] if told.get("#") == "0.t_dtensor" else None
    if not isinstance(lengths, list) or not all(type(one) is int and one < _LARGEST for one in lengths):
        return None
    return tuple(one if one > 0 else None for one in lengths) if len(lengths) <= _LONGEST_RANK else None
