"""The convolutions from the image up to a layer as one stack, and the layer that follows.

Without its nonlinearities a stack of convolutions is one convolution with a larger kernel: three layers of
3x3 look at the image through kernels of 7x7. `filtviz.measures.composed` composes thousands of shuffled
stacks; `filtviz.composition.compose` composes a network's own, for pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from filtviz.activations import Activation
from filtviz.budget import Account
from filtviz.composition.linear_map import kernels_on_image, scale_of_channels
from filtviz.errors import BudgetError, CompositionError
from filtviz.network import ConvLayer, Layer, Network
from filtviz.operations import (
    ChannelPooling,
    Concatenate,
    Convolution,
    Crop,
    Dense,
    Embedding,
    Flatten,
    GlobalPooling,
    Identity,
    Input,
    LocallyConnected,
    LocalResponse,
    MatrixProduct,
    Merge,
    Normalisation,
    Operation,
    Pad,
    Pooling,
    Recurrent,
    Reduction,
    Reshape,
    Resize,
    Slice,
    Softmax,
    Standardisation,
    Transpose,
    Untold,
    Upscale,
)
from filtviz.text import printable

__all__ = [
    "Stack",
    "Stage",
    "composed_size",
    "following_layer",
    "linear_stack",
]

MOST_WEIGHTS = 2**18
"""Of a stack; with 199 draws that takes about a quarter of a minute."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stage:
    """A layer's templates, ``(filters, channels, rows, cols)``, and their taps' spacing in input pixels.

    The spacing of a layer is its dilation times the strides of all layers below it.
    """

    templates: Floats
    spacing: tuple[int, int] = (1, 1)


@dataclass(frozen=True, eq=False)
class Stack:
    """The convolutions from the image up to a layer.

    ``reason`` says why there are none to compose; ``is_left_out`` that it is the work that it would take.
    """

    stages: tuple[Stage, ...] = ()
    reason: str = ""
    is_left_out: bool = False


_LAYER = 30_000
"""The work of making a stage of a layer."""


@np.errstate(over="ignore", invalid="ignore")  # what is not finite is not composed
def linear_stack(network: Network, layer: ConvLayer, account: Account | None = None) -> Stack:
    """Return the convolutions from the image up to ``layer`` where no pooling lies between.

    Batch normalisation scales the filters below it; nonlinearities and biases are left out.

    Args:
        network: The network.
        layer: A convolution of it.
        account: What it may take; None for as much as it takes.
    """
    chain = network.ancestors(layer)
    if not all(each.is_told for each in chain):
        return Stack(reason="the file does not tell what lies between the convolutions")
    if sum(each.weights.size for each in chain if isinstance(each, ConvLayer)) > MOST_WEIGHTS:
        return Stack(reason="shuffling so large a stack would take minutes")
    if any(len(each.inputs) > 1 for each in chain):
        return Stack(reason="several layers feed it")
    if any(isinstance(operation, Pooling) for each in chain for operation in each.operations):
        return Stack(reason="a pooling lies between it and the image")
    try:
        (account or Account.unlimited()).spend("work", _LAYER * len(chain), f"looking below {layer.title}")
        stages = _stages(chain, layer)
    except (BudgetError, CompositionError) as error:
        return Stack(reason=str(error), is_left_out=isinstance(error, BudgetError))
    if len(stages) < 2:
        return Stack(reason="it is the first convolution")
    if any(a.templates.shape[0] != b.templates.shape[1] for a, b in pairwise(stages)):
        return Stack(reason="its channels are not the filters of the layer below")
    return Stack(tuple(stages))


def _stages(chain: Sequence[Layer], layer: ConvLayer) -> list[Stage]:
    stages: list[Stage] = []
    jump = (1, 1)
    for current in chain:
        for operation in current.operations:
            match operation:
                case Convolution() | LocallyConnected():
                    found = kernels_on_image(operation, current)
                    stages.append(Stage(found.templates, _times(found.spacing, jump)))
                    jump = _times(found.stride or (1, 1), jump)
                    if current is layer:
                        return stages
                case Normalisation() if stages:
                    scale, below = scale_of_channels(operation, current)[0], len(stages[-1].templates)
                    if len(scale) not in (1, below):
                        raise CompositionError(
                            f"{current.title} scales {len(scale)} channels, and the layer below gives {below}"
                        )
                    templates = stages[-1].templates * scale[:, np.newaxis, np.newaxis, np.newaxis]
                    stages[-1] = Stage(templates, stages[-1].spacing)
                case _:
                    _check_passes(operation, current)
    return stages


def _check_passes(operation: Operation, layer: Layer) -> None:
    if not isinstance(
        operation, Input | Identity | Activation | LocalResponse | Softmax | Pad | Normalisation
    ):
        raise CompositionError(
            f"{layer.title} ({printable(layer.type, 40)}) lies below it, which is no filter on the image"
        )


def _times(a: Sequence[int], b: tuple[int, int]) -> tuple[int, int]:
    rows, cols = a
    return rows * b[0], cols * b[1]


def following_layer(network: Network, layer: ConvLayer) -> ConvLayer | None:
    """Return the one convolution that reads this layer's channels as they are, past pooling and the like.

    None where several layers read them, where something in between mixes them or is not known, or where the
    file does not tell what follows.
    """
    current: Layer = layer
    own = layer.operations.index(layer.convolution)
    if not all(map(_keeps_channels, layer.operations[own + 1 :])):
        return None
    while True:
        readers = network.readers(current)
        if len(readers) != 1 or not readers[0].is_told:
            return None
        current = readers[0]
        if isinstance(current, ConvLayer):
            before = current.operations[: current.operations.index(current.convolution)]
            fits = current.why_not_drawn is None and current.n_channels == layer.n_filters
            return current if fits and all(map(_keeps_channels, before)) else None
        if not all(map(_keeps_channels, current.operations)):
            return None


def _keeps_channels(operation: Operation) -> bool:
    """Tell whether what comes out in a channel is made of that channel, in the same number of channels."""
    match operation:
        case (
            Normalisation()
            | Activation()
            | Pooling()
            | Pad(first_axis=2)
            | Crop()
            | Resize()
            | Identity()
            | LocalResponse()
            | Softmax()
        ):
            return True
        case (
            Input()
            | Convolution()
            | LocallyConnected()
            | Dense()
            | Embedding()
            | Recurrent()
            | Standardisation()
            | GlobalPooling()
            | ChannelPooling()
            | Pad()
            | Slice()
            | Merge()
            | Concatenate()
            | Reshape()
            | Flatten()
            | Transpose()
            | Reduction()
            | MatrixProduct()
            | Upscale()
            | Untold()
        ):
            return False
    assert_never(operation)


def composed_size(stages: Sequence[Stage]) -> tuple[int, int]:
    """Return rows and columns of the composed kernels, which are the stack's receptive field."""
    rows = 1 + sum((stage.templates.shape[2] - 1) * stage.spacing[0] for stage in stages)
    cols = 1 + sum((stage.templates.shape[3] - 1) * stage.spacing[1] for stage in stages)
    return rows, cols
