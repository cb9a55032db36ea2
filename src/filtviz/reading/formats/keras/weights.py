"""Keras's weights without a configuration → layers: their classes are in their paths or names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from filtviz.network import ConvLayer, Layer
from filtviz.operations import Convolution, Untold
from filtviz.parameter import Parameter
from filtviz.reading.arrays import parameter_of
from filtviz.reading.formats.keras.classes import Case, is_known, name_of_today, operations_of, roles_of
from filtviz.reading.formats.keras.stores import Store, Weights
from filtviz.reading.opened import Opened
from filtviz.reading.tensor_names import of_attention

__all__ = ["Found", "layers_of_part", "layers_without_graph"]


@dataclass(frozen=True, kw_only=True)
class Found:
    """Layers, and a sentence for each thing that was concluded."""

    layers: tuple[Layer, ...]
    inferred: tuple[str, ...]


def layers_without_graph(store: Store, opened: Opened) -> Found:
    """Return the layers that have weights, in the file's order; each feeds the next where sizes fit.

    Args:
        store: What has the weights.
        opened: The file.
    """
    layers: list[Layer] = []
    held = [one for one in store.layers() if one[2].arrays]
    attention = of_attention({name for name, _, _ in held}, "/")
    for place, (name, class_name, weights) in enumerate(held):
        if name in attention:
            layers += layers_of_part(name, "Attention", weights)
        else:
            layers += _made(name, class_name, weights, _width_of_norm(held[place + 1 : place + 2]))
            opened.limits.check("layers", len(layers), f"it has {len(layers):,} layers or more")
    for name, class_name, weights in store.parts():
        if weights.arrays:
            layers += layers_of_part(name, class_name, weights)
            opened.limits.check("layers", len(layers), f"it has {len(layers):,} layers or more")
    return Found(
        layers=tuple(_connected(layers)),
        inferred=(
            "the file holds weights and no graph: what layers are is concluded from their names and shapes",
            *_axes_of(layers),
        ),
    )


def _axes_of(layers: Sequence[Layer]) -> Iterator[str]:
    """Say in which order kernels have their axes."""
    firsts = {one.axes.startswith("o") for one in layers if isinstance(one, ConvLayer)}
    if False in firsts or not firsts:
        yield "kernels have the axes in which Keras stores them (hwio)"
    if True in firsts:
        yield "kernels have the axes in which Keras 1 stored them for Theano (oihw)"


def _width_of_norm(following: Sequence[tuple[str, str, Weights]]) -> int | None:
    """Return the number of channels of a batch normalisation that follows, None where none does."""
    variance = following[0][2].arrays.get("moving_variance") if following else None
    return variance.shape[0] if variance is not None and len(variance.shape) == 1 else None


def layers_of_part(name: str, class_name: str, weights: Weights) -> list[Layer]:
    """Return an attribute's layer; where its class is not known, only kernels of an image count.

    Args:
        name: What the file calls it.
        class_name: Its class, as far as that tells.
        weights: Its arrays.
    """
    first = next(iter(weights.arrays.values()))
    if is_known(class_name) or len(first.shape) in (4, 5):
        return _made(name, class_name, weights)
    held = tuple(parameter_of(key, array, f"{name}/{key}") for key, array in weights.arrays.items())
    operations = (Untold(reason="the file does not tell what it does"),)
    return [Layer(name=name, type="weights", operations=operations, parameters=held)]


_IS_TOLD = re.compile("Transpose|Depthwise")
_CALLED_DEPTHWISE = re.compile(r"(?i)depthwise|(\A|[_/])dw(conv)?(\d|[_/]|\Z)")
_CALLED_TRANSPOSED = re.compile(r"(?i)deconv|transpose")


def _kernels_class(name: str, class_name: str, held: Mapping[str, Parameter], width: int | None) -> str:
    """Return the class of a layer by its kernel, its biases, and its name: what they contradict is not made.

    Args:
        name: The layer's name.
        class_name: Its class, as far as its name or path tells.
        held: Its parameters.
        width: The channels of a batch normalisation behind it.
    """
    shape, bias = held["kernel"].shape, held.get("bias")
    if class_name.startswith("EinsumDense") and len(shape) > 2:
        return class_name
    if bias is not None and len(bias.shape) != 1:
        return class_name
    found = {2: "Dense", 3: "Conv1D", 4: "Conv2D", 5: "Conv3D"}.get(len(shape), class_name)
    if len(shape) != 4:
        return found
    gives = width if bias is None else bias.size
    is_depthwise = shape[2] * shape[3] if gives is None else gives
    if is_depthwise == shape[2] * shape[3] != shape[3] and (gives or _CALLED_DEPTHWISE.search(name)):
        return "DepthwiseConv2D"
    if shape[2] != shape[3] and gives == shape[2]:
        return "Conv2DTranspose"
    fits = gives in (None, shape[2])
    return "Conv2DTranspose" if fits and _CALLED_TRANSPOSED.search(name) else found


def _is_theanos(weights: Weights, held: Mapping[str, Parameter]) -> bool:
    """Tell a kernel of Keras 1 with its filters in front, by the number of its biases."""
    kernel, bias = held.get("kernel"), held.get("bias")
    if kernel is None or bias is None or len(kernel.shape) != 4 or "kernel" in weights.arrays:
        return False
    return (
        not any(key.isdigit() for key in weights.arrays) and kernel.shape[0] == bias.size != kernel.shape[3]
    )


def _made(name: str, class_name: str, weights: Weights, width: int | None = None) -> list[Layer]:
    """Return a layer, or the two of a separable convolution.

    ``width`` is the number of channels of a batch normalisation behind it.
    """
    roles = roles_of(class_name, {}, len(weights.arrays))
    held = {}
    for place, (key, array) in enumerate(weights.arrays.items()):
        called = roles[place] if key.isdigit() and place < len(roles) else name_of_today(key)
        called = key if called in held or called in weights.arrays else called
        held[called] = parameter_of(called, array, f"{name}/{called}")
    parts = [class_name]
    if "pointwise_kernel" in held:
        parts = ["separable: depthwise", "separable: pointwise"]
    elif "depthwise_kernel" in held:
        parts = ["DepthwiseConv2D"]
    elif "moving_variance" in held:
        parts = ["BatchNormalization"]
    elif "kernel" in held and not (is_known(class_name) and _IS_TOLD.search(class_name)):
        parts = [_kernels_class(name, class_name, held, width)]
        if "recurrent_kernel" in held:
            parts = [class_name]
    filters_first = _is_theanos(weights, held)
    if filters_first:
        parts = ["Conv2D"]
    layers: list[Layer] = []
    for part in parts:
        operations = operations_of(
            Case(
                class_name=part,
                config={},
                parameters=held,
                inputs=(),
                filters_first=filters_first,
                flips=None if filters_first else False,
            )
        )
        make = ConvLayer if isinstance(operations[0], Convolution) else Layer
        ending = f"/{part.rpartition(' ')[2]}" if len(parts) > 1 else ""
        own = tuple(held.values())
        if len(parts) > 1:
            kept = "depthwise_kernel" if part.endswith("depthwise") else "pointwise_kernel"
            own = tuple(
                one for key, one in held.items() if key == kept or (key == "bias" and part != parts[0])
            )
        kind = class_name if is_known(class_name) else "SeparableConv2D" if ending else part
        if isinstance(operations[0], Untold):
            kind = "weights"
        layers.append(make(name=name + ending, type=kind, operations=operations, parameters=own))
    return layers


def _connected(layers: list[Layer]) -> list[Layer]:
    """Let each convolution follow the one before it where its channels fit."""
    connected = layers[:1]
    for place, (before, layer) in enumerate(pairwise(layers)):
        first, second = before.operations[0], layer.operations[0]
        fits = not isinstance(second, Convolution) or (
            isinstance(first, Convolution)
            and second.n_channels * (second.groups or 1) in (first.n_filters, first.n_filters // 2)
        )
        connected.append(replace(layer, inputs=(place,) if fits else ()))
    return connected
