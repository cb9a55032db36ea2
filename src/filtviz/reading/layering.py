"""The layers of a file that has a graph: made of what they do, and added with the shape of what they give."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from filtviz.network import ConvLayer, Layer
from filtviz.operations import Convolution, Operation
from filtviz.parameter import Shape
from filtviz.reading.limits import Budget
from filtviz.shapes import output_shape

__all__ = ["add_layer", "make_layer", "shapes_of"]


def make_layer(operations: tuple[Operation, ...], **facts: Any) -> Layer:
    """Make a layer, a `ConvLayer` where it begins with a convolution.

    Args:
        operations: What it does.
        facts: Its other fields: ``name``, ``type``, ``inputs``, ``parameters``.
    """
    if operations and isinstance(operations[0], Convolution):
        return ConvLayer(operations=operations, **facts)
    return Layer(operations=operations, **facts)


def add_layer(layers: list[Layer], layer: Layer, effort: Budget, what: str) -> int:
    """Add a layer behind those that feed it, with the shape of what it gives; return its place.

    Args:
        layers: The layers so far.
        layer: The one to add; its ``inputs`` are places among them. A shape that it has is kept.
        effort: What reading the file may take.
        what: What has so many of them, for a limit: "its graph has {:,} nodes or more".

    Raises:
        LimitError: there are too many.
    """
    n = len(layers) + 1
    effort.limits.check("layers", n, what.format(n))
    effort.spend(1 + len(layer.inputs))
    effort.spend_text(len(layer.name or ""))
    if layer.output_shape is None:
        shapes = shapes_of(layers, layer.inputs)
        for operation in layer.operations:
            shapes = [output_shape(operation, shapes)]
        layer = replace(layer, output_shape=shapes[0] if shapes else None)
    layers.append(layer)
    return n - 1


def shapes_of(layers: list[Layer], places: tuple[int, ...]) -> list[Shape | None]:
    """Return the shapes of what some layers give.

    Args:
        layers: The layers.
        places: Which of them.
    """
    return [layers[place].output_shape for place in places]
