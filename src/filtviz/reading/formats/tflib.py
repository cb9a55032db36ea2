"""Pickles of NVIDIA's networks in TensorFlow (Progressive GAN, StyleGAN 1 and 2): variables by their names.

Such a network keeps the source that builds it, which nobody runs, and ``variables``, a list of names and
arrays. Several lie in one pickle: a generator, a discriminator, and the generator's moving average.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from filtviz.errors import UnsupportedFileError
from filtviz.network import Layer, Network
from filtviz.reading.arrays import AnyArray, as_array
from filtviz.reading.opened import Opened, origin_of
from filtviz.reading.pickle.records import attributes, class_name, elements, text
from filtviz.reading.tensor_names import FLAX, Tensor
from filtviz.reading.tensors import layers_of
from filtviz.text import printable

__all__ = ["open"]

HAS_WEIGHT_SETS = True

_MODULES = ("dnnlib.tflib.network", "tfutil")
_AVERAGED = "Gs"
_MOST_NETWORKS = 64
_TFLIB = replace(
    FLAX,
    roles={"weight": "weight", "bias": "bias"},
    called_transposed={},
    conv_type="Conv{n}D",
)


@dataclass(frozen=True, kw_only=True)
class _Held:
    name: str
    variables: tuple[tuple[str, AnyArray], ...]


def open(opened: Opened) -> Network | None:
    """Read the variables of each network.

    Raises:
        SelectionError: there is none of the name that a person asks for.
        UnsupportedFileError: they hold no variables.
        LimitError: there are too many.
    """
    if not any(one.module in _MODULES for one in opened.globals):
        return None
    held = list(_networks(opened))
    if not held:
        return None
    wanted = opened.hints.weights
    chosen = [one for one in held if one.name == wanted]
    if wanted and not chosen:
        raise opened.hints.no_such_weights(one.name for one in held)
    chosen = chosen or [one for one in held if one.name != _AVERAGED] or held
    parts, inferred = [], list[str]()
    for one in chosen:
        prefix = f"{one.name}/" if len(chosen) > 1 else ""
        tensors = [Tensor(name=prefix + name, array=array) for name, array in one.variables]
        made = layers_of(tensors, _TFLIB, opened.hints)
        parts.append(made.layers)
        inferred += made.inferred
    if not any(layer.parameters for layers in parts for layer in layers):
        raise UnsupportedFileError("it holds networks of NVIDIA's tflib without variables")
    others = [printable(one.name, 40) for one in held if one not in chosen]
    origin = origin_of(
        opened,
        "networks of NVIDIA's tflib",
        framework="TensorFlow",
        order="the order of the variables",
        left_out=tuple(f"the weights of {name} (--weights {name} shows them)" for name in others),
        inferred=(*dict.fromkeys(inferred), "kernels have the axes in which TensorFlow stores them (hwio)"),
    )
    return Network.of(_joined(parts), origin)


def _joined(parts: list[tuple[Layer, ...]]) -> list[Layer]:
    """Return networks one behind the other; none feeds the next."""
    layers: list[Layer] = []
    for part in parts:
        first = len(layers)
        layers += [replace(each, inputs=tuple(place + first for place in each.inputs)) for each in part]
    return layers


def _networks(opened: Opened) -> Iterator[_Held]:
    """Yield the networks of a pickle, which are its object, or lie side by side in it."""
    for root in opened.roots:
        found = elements(root) or [root]
        opened.effort.spend(len(found))
        for one in found[:_MOST_NETWORKS]:
            state = attributes(one) if class_name(one) == "Network" else {}
            variables = elements(state.get("variables"))
            if variables is not None:
                name = text(state.get("name")) or "network"
                yield _Held(name=name, variables=tuple(_variables(variables, opened)))


def _variables(variables: Sequence[Any], opened: Opened) -> Iterator[tuple[str, AnyArray]]:
    opened.limits.check("layers", len(variables), f"it holds {len(variables):,} variables")
    for pair in variables:
        name, value = [*(elements(pair) or ()), None, None][:2]
        array = as_array(value, opened.limits)
        if (said := text(name)) and array is not None:
            opened.effort.spend_text(len(said))
            yield said, array
