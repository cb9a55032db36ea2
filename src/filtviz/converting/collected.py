"""The arrays of a network under names of their own, as the file stores them or as PyTorch does.

Each is a `filtviz.parameter.Parameter` that is read when it is written, so that one array is in memory at a
time. Its name is that of the file where this can do no harm, and none is there twice: a name of a model
file may hold anything. In an archive it must be no path that leads out of it, in a graph a text that every
program prints, in Python an identifier and never a piece of code.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import ConversionError
from filtviz.network import Layer, Network
from filtviz.operations import (
    Activation,
    Convolution,
    Dense,
    Embedding,
    LocallyConnected,
    Normalisation,
    Operation,
    Standardisation,
    parameters_of,
)
from filtviz.parameter import Parameter, holds_numbers
from filtviz.text import digest, names_of_file

__all__ = [
    "EPSILON",
    "Collected",
    "Layout",
    "Names",
    "attribute",
    "epsilon_of",
    "identifier",
    "layer_names",
    "member",
    "of_layer",
    "plain",
    "stored",
    "torch_layout",
    "turned_kernel",
]

LONGEST = 200
"""Characters of a name; one that is longer ends in digits that tell it from others of the same beginning."""

_UNPRINTABLE = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}


def plain(name: str) -> str:
    """Return a name without what a terminal or a parser would obey: controls, overrides, lone surrogates."""
    kept = "".join("_" if unicodedata.category(c) in _UNPRINTABLE else c for c in name[: 4 * LONGEST])
    return _cut(kept or "_", name)


def member(name: str) -> str:
    """Return a name as that of a member of an archive: no path that leads out of where it is unpacked.

    Slashes inside are kept, as many programs write them, and nothing stands for a folder above, a drive or a
    root. None ends as files of arrays do, which readers take off.
    """
    kept = re.sub(r'[\\:*?"<>|]', "_", plain(name))
    parts = ["_" * max(1, len(part)) if part.strip(". ") == "" else part for part in kept.split("/")]
    joined = "/".join(parts)
    return f"{joined}_" if joined.lower().endswith(".npy") else joined


def identifier(name: str) -> str:
    """Return a name as one of Python's, of letters, digits and ``_``."""
    kept = re.sub(r"[^A-Za-z0-9_]+", "_", name[: 4 * LONGEST]).strip("_") or "_"
    kept = f"layer{kept}" if kept[0].isdigit() or kept == "_" else kept
    return _cut(f"{kept}_" if keyword.iskeyword(kept) or keyword.issoftkeyword(kept) else kept, name)


def attribute(name: str) -> str:
    """Return a name as that of a module in a ``state_dict``: identifiers and numbers, with dots between."""
    parts = re.split(r"[./]+", name[: 4 * LONGEST])
    kept = [re.sub(r"[^A-Za-z0-9_]+", "_", part).strip("_") for part in parts]
    return _cut(".".join(part for part in kept if part) or "layer", name)


def _cut(kept: str, name: str) -> str:
    if len(kept) <= LONGEST and len(name) <= 4 * LONGEST:
        return kept
    return f"{kept[: LONGEST - 11]}_{digest(name)}"


class Names:
    """Gives each thing a name of its own.

    Args:
        make: What makes any text harmless.
        taken: Names that nothing may have.
    """

    def __init__(self, make: Callable[[str], str], taken: frozenset[str] = frozenset()) -> None:
        self.make = make
        self.changed: list[str] = []
        self._taken = {name.lower() for name in taken}
        self._counts: dict[str, int] = {}

    def give(self, wanted: str) -> str:
        """Return a name that nothing else has, not even in other letters' case.

        Args:
            wanted: What it should be.
        """
        kept = self.make(wanted)
        found = kept
        while found.lower() in self._taken:
            self._counts[kept] = self._counts.get(kept, 1) + 1
            found = f"{kept}_{self._counts[kept]}"
        self._taken.add(found.lower())
        if found != wanted:
            self.changed.append(wanted)
        return found


Layout: TypeAlias = Literal["stored", "torch"]
"""How arrays are laid out: as the file stores them, or as PyTorch does."""

Arrays: TypeAlias = NDArray[Any]

EPSILON = 1e-4
"""Lasagne's own, of files that do not tell the ε of a normalisation: they store 1/√(variance + ε)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Collected:
    """Arrays and what is to be known of them.

    Attributes:
        arrays: In network order, each with the name that it is written under.
        facts: What a program needs beside them, such as the ε of normalisations, by layer.
        remarks: A sentence for each thing that a person should know.
    """

    arrays: tuple[Parameter, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def stored(network: Network, make: Callable[[str], str]) -> Collected:
    """Return exactly the arrays of the file, each once, under the names that it gives them.

    Where it gives none that tell them apart, as a pickled network of Lasagne's, they are called after their
    layers: ``conv1.W``.

    Args:
        network: The network.
        make: What makes a name harmless where it goes.
    """
    held = {id(one): (layer, one) for layer in network.layers for one in layer.parameters}
    sources = [one.source for _, one in held.values()]
    own = all(sources) and len(set(sources)) == len(sources)
    names = Names(make, frozenset({"__metadata__"}))
    arrays = tuple(
        _named(names.give(one.source if own else f"{_called(layer)}.{one.name}"), one, one.read)
        for layer, one in held.values()
    )
    for one in arrays:
        if not holds_numbers(one.dtype):
            raise ConversionError(f"{one.name} is of type {one.dtype}, which is no number to convert")
    return Collected(arrays=arrays, remarks=tuple(_renamed(names)))


def _renamed(names: Names) -> Iterator[str]:
    if names.changed:
        n = len(names.changed)
        what = "one name was" if n == 1 else f"{n:,} names were"
        yield f"{what} changed, since names must be unique and can hold no controls and no paths"


def _called(layer: Layer) -> str:
    return layer.name or f"layer{layer.index}"


def _named(
    name: str, of: Parameter, read: Callable[[], Arrays], shape: tuple[int, ...] | None = None
) -> Parameter:
    return Parameter(name=name, shape=of.shape if shape is None else shape, dtype=of.dtype, read=read)


# PyTorch's layout


def torch_layout(network: Network, make: Callable[[str], str]) -> Collected:
    """Return the arrays as PyTorch's layers hold them: ``weight``, ``bias``, ``running_var``, ….

    Args:
        network: The network.
        make: What makes a layer's name harmless.

    Raises:
        ConversionError: PyTorch has nothing to hold a layer's arrays.
    """
    called, names = layer_names(network, make)
    arrays: list[Parameter] = []
    epsilons: dict[str, float] = {}
    left_out: list[str] = []
    for layer in network.layers:
        prefix = called[layer.index]
        roles, rest = _roles(layer, is_torchs=_is_torchs(network))
        arrays += [_named(f"{prefix}.{role}", one, one.read, one.shape) for role, one in roles.items()]
        left_out += [f"{prefix}.{one.name}" for one in rest]
        for operation in layer.operations:
            if isinstance(operation, Normalisation) and operation.spread is not None:
                epsilons[prefix] = epsilon_of(operation)
    remarks = list(_renamed(names))
    if left_out:
        shown = names_of_file(left_out, 5)
        remarks.append(f"left out, since PyTorch's layers have no place for it: {shown}")
    facts = {"epsilon": epsilons} if epsilons else {}
    return Collected(arrays=tuple(arrays), facts=facts, remarks=tuple(remarks))


def _roles(layer: Layer, *, is_torchs: bool) -> tuple[dict[str, Parameter], list[Parameter]]:
    """Return a layer's arrays by PyTorch's words, and those of the file that these have no place for."""
    roles: dict[str, Parameter] = {}
    for number, operation in enumerate(layer.operations):
        for role, one in of_layer(layer, operation).items():
            roles[f"{role}_{number}" if role in roles else role] = one
    used = {id(one) for operation in layer.operations for one in parameters_of(operation)}
    rest = [one for one in layer.parameters if id(one) not in used]
    if is_torchs:
        kept = [one for one in rest if not roles or one.name == COUNTER]
        roles |= {one.name: one for one in kept}
        return roles, [one for one in rest if one not in kept]
    if rest and not roles:
        raise ConversionError(
            f"{layer.title} has no counterpart whose arrays are known: take --layout stored",
            layer=layer.index,
        )
    return roles, rest


COUNTER = "num_batches_tracked"
"""What PyTorch's normalisations count, and compute nothing with."""


def layer_names(network: Network, make: Callable[[str], str]) -> tuple[list[str], Names]:
    """Return what to call each layer, none twice, and what gave the names.

    Args:
        network: The network.
        make: What makes a name harmless.
    """
    names = Names(make)
    return [names.give(layer.name or f"{layer.type}_{layer.index}") for layer in network.layers], names


def _is_torchs(network: Network) -> bool:
    """Tell a file of PyTorch's, whose arrays all are as PyTorch has them."""
    return network.origin.framework == "PyTorch" or "torch" in network.origin.kind.lower()


def of_layer(layer: Layer, operation: Operation) -> dict[str, Parameter]:
    """Return the arrays of an operation as PyTorch's layers hold them, by PyTorch's words.

    Args:
        layer: Whose it is, for errors.
        operation: What the arrays are for.

    Raises:
        ConversionError: PyTorch has nothing to hold them.
    """
    match operation:
        case Convolution():
            found = {"weight": _kernel(layer, operation)}
            return found | _bias(layer, operation.bias)
        case Dense():
            found = (
                {} if operation.weights is None else {"weight": _matrix(operation.weights, operation.axes)}
            )
            return found | _bias(layer, operation.bias)
        case Normalisation():
            return _statistics(layer, operation)
        case Standardisation():
            words = {"weight": operation.gamma, "bias": operation.beta}
            return {word: one for word, one in words.items() if one is not None}
        case Activation() if operation.slopes is not None:
            return {"weight": operation.slopes}
        case Embedding() if operation.weights is not None:
            return {"weight": operation.weights}
        case LocallyConnected():
            raise ConversionError(
                f"{layer.title} has filters of its own for each position, which no layer of PyTorch has: "
                "take --layout stored, or .onnx",
                layer=layer.index,
            )
        case _:
            return {}


def _bias(layer: Layer, bias: Parameter | None) -> dict[str, Parameter]:
    if bias is None:
        return {}
    if len(bias.shape) != 1:
        raise ConversionError(
            f"{layer.title} has a bias for each position, which no convolution of PyTorch has: "
            "take --layout stored, or .onnx",
            layer=layer.index,
        )
    return {"bias": bias}


def _matrix(weights: Parameter, axes: str) -> Parameter:
    if axes == "oi":
        return weights
    return _named("weight", weights, lambda: weights.read().T, weights.shape[::-1])


def _kernel(layer: Layer, operation: Convolution) -> Parameter:
    flips = operation.flip_filters
    if flips is None and any(length > 1 for length in operation.kernel_size):
        raise ConversionError(
            f"{layer.title} may be stored turned by 180 degrees or not, and the file does not tell: say "
            "--turned (Lasagne's usual way) or --not-turned (cuDNN layers, and other frameworks), or give a "
            "file that tells it with --like",
            layer=layer.index,
        )
    shape = _kernel_shape(operation)
    own = operation.weights
    return _named("weight", own, lambda: turned_kernel(operation, own.read(), flips=bool(flips)), shape)


def _kernel_shape(operation: Convolution) -> tuple[int, ...]:
    first = operation.n_filters, operation.n_channels
    return (*(first[::-1] if operation.transposed else first), *operation.kernel_size)


def turned_kernel(operation: Convolution | LocallyConnected, weights: Arrays, *, flips: bool) -> Arrays:
    """Return kernels as they match, in the file's own type: ``(filters, channels, …)``.

    Those of a transposed convolution are ``(channels, filters, …)``, as PyTorch has them.

    Args:
        operation: What they are for.
        weights: Its weights as stored.
        flips: Whether they are stored turned.
    """
    order = [a for a in "goidrcyx" if a in operation.axes]
    array = weights.transpose([operation.axes.index(a) for a in order])
    if "i" not in operation.axes:
        array = np.expand_dims(array, order.index("o") + 1)
    if "g" in operation.axes:
        array = array.reshape(-1, *array.shape[2:])
    if flips:
        n = len(operation.kernel_size)
        array = np.flip(array, axis=tuple(range(2, 2 + n)))
    is_spread = isinstance(operation, Convolution) and operation.transposed
    return array.swapaxes(0, 1) if is_spread else array


def _statistics(layer: Layer, operation: Normalisation) -> dict[str, Parameter]:
    """Return what a normalisation learned and measured; of one that has no statistics, scale and shift."""
    words = {"weight": operation.gamma, "bias": operation.beta, "running_mean": operation.mean}
    found = {word: one for word, one in words.items() if one is not None}
    spread = operation.spread
    if spread is not None:
        found["running_var"] = _named("running_var", spread, lambda: _variance(layer, operation, spread))
    return found


def epsilon_of(operation: Normalisation) -> float:
    """Return the ε that PyTorch's layer must have for the variance that `of_layer` gives."""
    if operation.spread_is == "variance":
        return operation.epsilon
    return operation.epsilon or EPSILON


def _variance(layer: Layer, operation: Normalisation, spread: Parameter) -> Arrays:
    """Return the variance to which PyTorch adds ε before it takes the root.

    Raises:
        ConversionError: there is none: 1/inv_std² is less than ε.
    """
    if operation.spread_is == "variance":
        return spread.read()
    epsilon = epsilon_of(operation)
    values = np.asarray(spread.read(), np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        squares = values**-2 if operation.spread_is == "inv_std" else values**2
        variance = squares - epsilon
    if not (variance >= 0).all() or not np.isfinite(variance).all() or (values < 0).any():
        raise ConversionError(
            f"{layer.title} divides by less than the root of its ε of {epsilon:g}, which no running_var of "
            "PyTorch's can say: take --layout stored, or .onnx",
            layer=layer.index,
        )
    return variance.astype(spread.dtype)
