"""The layers of a file that has a graph: made of what they do, and added with the shape of what they give."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from filtviz.network import ConvLayer, Layer
from filtviz.operations import Convolution, Dense, Normalisation, Operation, Reshape, Transpose
from filtviz.parameter import Parameter, Shape
from filtviz.reading.limits import Spending
from filtviz.shapes import output_shape

__all__ = ["add_layer", "from_depth", "make_layer", "shapes_of", "with_biases"]


def make_layer(operations: tuple[Operation, ...], **facts: Any) -> Layer:
    """Make a layer, a `ConvLayer` where it begins with a convolution.

    Args:
        operations: What it does.
        facts: Its other fields: ``name``, ``type``, ``inputs``, ``parameters``.
    """
    if operations and isinstance(operations[0], Convolution):
        return ConvLayer(operations=operations, **facts)
    return Layer(operations=operations, **facts)


def add_layer(layers: list[Layer], layer: Layer, effort: Spending, what: str) -> int:
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


def with_biases(layers: list[Layer]) -> list[Layer]:
    """Return layers in which a bias that a graph adds in a node of its own is that of the layer before.

    Args:
        layers: The layers; only what nothing else reads gets the bias of the layer behind it.
    """
    n_readers = [0] * len(layers)
    for layer in layers:
        for place in layer.inputs:
            n_readers[place] += 1
    places: list[int] = []  # where each layer comes to stand
    kept: list[Layer] = []
    for layer in layers:
        bias = _added(layer) if len(layer.inputs) == 1 else None
        if bias is not None and n_readers[below := layer.inputs[0]] == 1:
            weighing = kept[places[below]]
            if (merged := _with_bias(weighing, bias, layer)) is not None:
                kept[places[below]] = merged
                places.append(places[below])
                continue
        places.append(len(kept))
        kept.append(replace(layer, inputs=tuple(places[place] for place in layer.inputs)))
    return kept


def _added(layer: Layer) -> Parameter | None:
    """Return what a layer that does nothing else adds to each channel."""
    first = layer.operations[0] if len(layer.operations) == 1 else None
    if not isinstance(first, Normalisation) or first.is_batch or first.along != (1,):
        return None
    return first.beta if first.gamma is None and first.mean is None and first.spread is None else None


def _with_bias(layer: Layer, bias: Parameter, behind: Layer) -> Layer | None:
    """Return a layer with its bias; None where it has one, or is of another kind."""
    first = layer.operations[0] if len(layer.operations) == 1 else None
    if not isinstance(first, Convolution | Dense) or first.bias is not None or len(behind.parameters) != 1:
        return None
    n_units = first.n_filters if isinstance(first, Convolution) else first.units
    if bias.shape != (n_units,):
        return None
    named = replace(bias, name="bias")
    operations: tuple[Operation, ...] = (replace(first, bias=named),)
    return replace(layer, operations=operations, parameters=(*layer.parameters, named))


def from_depth(shape: Shape | None, size: int, *, channels_first: bool) -> tuple[Operation, ...] | None:
    """Return what makes blocks of pixels of channels, None where the shape that it works on is not known.

    Args:
        shape: ``(batch, channels, rows, cols)`` below.
        size: The blocks' sides.
        channels_first: Whether the blocks of a channel are neighbours (PyTorch's ``PixelShuffle``), or the
            channels at a place of the blocks (TensorFlow).
    """
    if shape is None or len(shape) != 4 or size < 1 or None in shape[1:] or (shape[1] or 0) % size**2:
        return None
    channels, rows, cols = (n or 0 for n in shape[1:])
    made = channels // size**2
    apart = (made, size, size) if channels_first else (size, size, made)
    order = (0, 1, 4, 2, 5, 3) if channels_first else (0, 3, 4, 1, 5, 2)
    return (
        Reshape(lengths=((0,), *apart, rows, cols)),
        Transpose(order=order),
        Reshape(lengths=((0,), made, rows * size, cols * size)),
    )
