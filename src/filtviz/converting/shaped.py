"""A network as steps for another program: each operation with the shapes of what it is given.

What stands in the way of saying a whole network in another format is said here: a file that holds no graph,
a layer of which it is not known what it does or what feeds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import ConversionError
from filtviz.network import Layer, Network
from filtviz.operations import Embedding, Identity, Input, Operation, Recurrent, Untold
from filtviz.parameter import Shape
from filtviz.running.fitting import spread_over
from filtviz.running.inference import fixed_batch
from filtviz.shapes import output_shape
from filtviz.text import plural, printable

__all__ = ["Step", "axis_of", "outputs", "refusal", "said_lengths", "steps"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """One operation of a layer.

    Attributes:
        layer: Whose it is.
        operation: What it does.
        number: Its place among the operations of the layer that do anything.
        is_last: Whether what it gives is what the layer gives.
        shapes: Those of its inputs, with None for what is open.
        shape: That of what it gives.
    """

    layer: Layer
    operation: Operation
    number: int
    is_last: bool
    shapes: tuple[Shape, ...]
    shape: Shape

    @property
    def lengths(self) -> Shape:
        """The spatial lengths of its first input."""
        return self.shapes[0][2:]

    @property
    def channels(self) -> int:
        """The number of channels of its first input.

        Raises:
            ValueError: it is not known; the text completes "conv2 cannot be converted: …".
        """
        channels = self.shapes[0][1] if self.rank > 1 else None
        if channels is None:
            raise ValueError("the file does not tell how many channels it is given")
        return channels

    @property
    def rank(self) -> int:
        """The number of axes of its first input."""
        return len(self.shapes[0])

    def spread(self, values: Any, along: Sequence[int]) -> NDArray[Any]:
        """Return values that run along some axes as they broadcast against its first input.

        Raises:
            ValueError: they do not fit it; the text completes "conv2 cannot be converted: …".
        """
        return np.asarray(spread_over(np.asarray(values), self.shapes[0], along))


def refusal(layer: Layer, reason: str) -> ConversionError:
    """Return the error that names a layer and why it cannot be said."""
    return ConversionError(f"{layer.title} cannot be converted: {reason}", layer=layer.index)


def steps(network: Network) -> Iterator[Step]:
    """Yield what a network does, step by step; those that pass everything on are left out.

    Args:
        network: The network.

    Raises:
        ConversionError: it is not told what it does; the sentence names the first layer in the way.
    """
    if not any(isinstance(each, Input) for layer in network.layers for each in layer.operations):
        kind = printable(network.origin.kind, 60)
        raise ConversionError(
            f"the file holds {kind} and no graph, so that it is not known what is done with its arrays: give "
            "a file of the same network that has one with --like, or write .npz, .safetensors or .pt"
        )
    shapes: dict[int, Shape] = {}
    batch = fixed_batch(network, network.layers)
    for layer in network.layers:
        below: list[Shape] = [shapes[i] for i in layer.inputs]
        if not below and not any(isinstance(each, Input) for each in layer.operations):
            untold = next((each.reason for each in layer.operations if isinstance(each, Untold)), None)
            raise refusal(layer, untold or "the file does not tell what feeds it")
        used: list[Operation] = [each for each in layer.operations if not isinstance(each, Identity)]
        used = used or [Identity()]
        for number, operation in enumerate(used):
            if isinstance(operation, Untold):
                raise refusal(layer, operation.reason)
            if isinstance(operation, Recurrent):
                raise refusal(layer, "it is recurrent, which is not followed here")
            if isinstance(operation, Embedding):
                raise refusal(layer, "it looks words up in a table, which is not followed here")
            shape = output_shape(operation, below)
            if isinstance(operation, Input):
                shape = shape or layer.output_shape
                shape = None if shape is None else (batch, *shape[1:])
            if shape is None:
                raise refusal(layer, "it is not known what shape it is given and gives")
            yield Step(
                layer=layer,
                operation=operation,
                number=number,
                is_last=number == len(used) - 1,
                shapes=tuple(below),
                shape=shape,
            )
            below = [shape]
        shapes[layer.index] = below[0]


def outputs(network: Network) -> list[Layer]:
    """Return the layers that feed no other."""
    return [layer for layer in network.layers if not network.readers(layer)]


def said_lengths(lengths: Shape, what: str) -> tuple[int, ...]:
    """Return lengths that must be known.

    Raises:
        ValueError: one of them is not.
    """
    known = tuple(length for length in lengths if length is not None)
    if len(known) != len(lengths):
        raise ValueError(f"the file does not tell the size of its images, by which {what} lie")
    return known


def axis_of(length: tuple[int, ...], step: Step) -> int:
    """Return the axis of what is reshaped whose length one of the new axes gets.

    Raises:
        ValueError: there is no such axis.
    """
    if not length or not 0 <= length[0] < step.rank:
        raise ValueError(
            f"it takes the length of an axis that units of {plural(step.rank, 'axis')} do not have"
        )
    return int(length[0])
