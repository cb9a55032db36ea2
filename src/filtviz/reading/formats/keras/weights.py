"""Keras's weights without a configuration → layers: their classes are in their paths or names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from filtviz.network import ConvLayer, Layer
from filtviz.operations import Convolution, Untold
from filtviz.reading.arrays import parameter_of
from filtviz.reading.formats.keras.classes import Case, is_known, operations_of, roles_of
from filtviz.reading.formats.keras.stores import Store, Weights
from filtviz.reading.opened import Opened

__all__ = ["Found", "layers_without_graph"]


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
    for name, class_name, weights in store.layers():
        if weights.arrays:
            layers += _made(name, class_name, weights)
            opened.limits.check("layers", len(layers), f"it has {len(layers):,} layers or more")
    for name, class_name, weights in store.parts():
        if weights.arrays:
            layers += _of_part(name, class_name, weights)
            opened.limits.check("layers", len(layers), f"it has {len(layers):,} layers or more")
    return Found(
        layers=tuple(_connected(layers)),
        inferred=(
            "the file holds weights and no graph: what layers are is concluded from their names and shapes",
            "kernels have the axes in which Keras stores them (hwio)",
        ),
    )


def _of_part(name: str, class_name: str, weights: Weights) -> list[Layer]:
    """Return an attribute's layer; where its class is not known, only kernels of an image count."""
    first = next(iter(weights.arrays.values()))
    if is_known(class_name) or len(first.shape) in (4, 5):
        return _made(name, class_name, weights)
    held = tuple(parameter_of(key, array, f"{name}/{key}") for key, array in weights.arrays.items())
    operations = (Untold(reason="the file does not tell what it does"),)
    return [Layer(name=name, type="weights", operations=operations, parameters=held)]


def _made(name: str, class_name: str, weights: Weights) -> list[Layer]:
    """Return a layer, or the two of a separable convolution."""
    roles = roles_of(class_name, {}, len(weights.arrays))
    held = {}
    for place, (key, array) in enumerate(weights.arrays.items()):
        called = roles[place] if key.isdigit() and place < len(roles) else key
        held[called] = parameter_of(called, array, f"{name}/{called}")
    parts = [class_name]
    if "pointwise_kernel" in held:
        parts = ["separable: depthwise", "separable: pointwise"]
    elif "depthwise_kernel" in held:
        parts = ["DepthwiseConv2D"]
    elif "moving_variance" in held:
        parts = ["BatchNormalization"]
    elif "kernel" in held and "Transpose" not in class_name and "Depthwise" not in class_name:
        shape = held["kernel"].shape
        parts = {2: ["Dense"], 3: ["Conv1D"], 4: ["Conv2D"], 5: ["Conv3D"]}.get(len(shape), parts)
        n_biases = held["bias"].size if "bias" in held else 0
        if len(shape) == 4 and n_biases and n_biases != shape[3]:
            if n_biases == shape[2] * shape[3]:
                parts = ["DepthwiseConv2D"]
            elif n_biases == shape[2]:
                parts = ["Conv2DTranspose"]
        if "recurrent_kernel" in held:
            parts = [class_name]
    layers: list[Layer] = []
    for part in parts:
        operations = operations_of(Case(class_name=part, config={}, parameters=held, inputs=()))
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
