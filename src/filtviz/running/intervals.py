"""Between what bounds the units of each layer must lie, whatever the image is: an interpreter on intervals.

Interval arithmetic (Moore 1966) from the image up. It rests on facts that stand on the operations: an
activation says whether it is monotone. What is not known is None, and nothing follows from it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from filtviz.activations import Activation, activate
from filtviz.budget import Account
from filtviz.errors import BudgetError
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

__all__ = ["Interval", "preactivation_bounds"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Interval:
    """What the units of each channel can be at the least and the most, both ``(channels,)``."""

    low: Floats
    high: Floats

    def with_zero(self) -> Interval:
        """Return the interval that also holds the zeros of a padding."""
        return Interval(np.minimum(self.low, 0.0), np.maximum(self.high, 0.0))


_NUMBER, _WEIGHT, _LINK = 300, 400, 2_000
"""The work for a number of an interval, for one of a layer's parameters, and for a link between layers."""


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # an infinite bound proves nothing
def preactivation_bounds(
    network: Network,
    input_range: tuple[float, float] | None,
    account: Account | None = None,
    paid: Collection[int] | None = None,
) -> Mapping[int, Interval]:
    """Return, by ``conv_index``, between what bounds each filter's input to its rectifier must lie.

    Only convolutions that a rectifier follows are in the result, directly or after batch normalisation.

    Args:
        network: The network.
        input_range: The lowest and the highest value of an input pixel; None for anything: after a rectifier
            units are positive whatever comes in.
        account: What it may take; a layer that would take more, and what rests on it, is taken as not known,
            and said to be. None for as much as it takes.
        paid: The numbers of the convolutions whose work is paid for; of all others nothing is known. None
            asks the account for each.
    """
    account = account or Account.unlimited()
    reach: dict[int, Interval | None] = {}
    fed_by: dict[int, int | None] = {}
    found: dict[int, Interval] = {}
    for layer in network.layers:
        units = [reach[i] for i in layer.inputs]
        if not _is_affordable(layer, units, account, paid):
            units = [None]
        source = fed_by[layer.inputs[0]] if len(layer.inputs) == 1 else None
        for operation in layer.operations:
            if isinstance(operation, Convolution):
                source = layer.conv_index if isinstance(layer, ConvLayer) else None
            elif isinstance(operation, Activation) and operation.kind != "linear":
                if operation.kind == "rectify" and source is not None and units[0] is not None:
                    found[source] = units[0]
                source = None
            elif not isinstance(operation, Normalisation | Identity | Activation):
                source = None
            units = [_after(operation, units, input_range)]
        reach[layer.index], fed_by[layer.index] = (units[0] if len(units) == 1 else None), source
    return found


def _is_affordable(
    layer: Layer, units: Sequence[Interval | None], account: Account, paid: Collection[int] | None
) -> bool:
    """Spend what a layer takes; say once that from here on not all is known."""
    if isinstance(layer, ConvLayer) and paid is not None:
        return layer.conv_index in paid
    channels = sum(len(unit.low) for unit in units if unit is not None)
    channels += sum(each.channels or 0 for each in layer.operations if isinstance(each, Input))
    links = 1 + len(layer.inputs)
    work = links * _LINK + len(layer.operations) * channels * _NUMBER
    if any(unit is not None for unit in units):
        work += layer.n_parameters * _WEIGHT
    try:
        account.spend("work", work, f"bounding what {layer.title} can give")
    except BudgetError as error:
        account.tell_once(
            preactivation_bounds,
            f"not all filters could be examined for being dead, from {layer.title} on: {error}",
        )
        return False
    return True


def _after(
    operation: Operation, units: Sequence[Interval | None], input_range: tuple[float, float] | None
) -> Interval | None:
    """Return what can come out of an operation; None where that is not known."""
    if isinstance(operation, Input):
        low, high = input_range or (-np.inf, np.inf)
        n = operation.channels
        if None in units:
            return None
        return None if n is None else Interval(np.full(n, low), np.full(n, high))
    known = [unit for unit in units if unit is not None]
    if len(known) < len(units) or not known:
        return None
    match operation:
        case Merge(kind="add", crops=False):
            return _added(operation, known)
        case Concatenate(axis=1 | -3):
            return Interval(
                np.concatenate([unit.low for unit in known]), np.concatenate([unit.high for unit in known])
            )
    return _after_one(operation, known[0])


def _added(operation: Merge, known: Sequence[Interval]) -> Interval | None:
    coefficients = operation.coefficients or (1.0,) * len(known)
    if len(coefficients) != len(known) or len({len(unit.low) for unit in known}) > 1:
        return None
    total = Interval(np.zeros(len(known[0].low)), np.zeros(len(known[0].low)))
    for c, unit in zip(coefficients, known, strict=True):
        term = _scaled(unit, np.full(len(unit.low), c))
        total = Interval(total.low + term.low, total.high + term.high)
    return total


def _after_one(operation: Operation, unit: Interval) -> Interval | None:
    match operation:
        case Convolution():
            return _after_convolution(operation, unit)
        case Normalisation():
            return _after_normalisation(operation, unit)
        case Activation():
            if not operation.is_monotone:
                return None
            return Interval(activate(operation, unit.low), activate(operation, unit.high))
        case Pooling(kind="max" | "mean"):
            return unit.with_zero() if any(map(any, operation.pad)) else unit
        case Pad(first_axis=2, mode="reflect" | "edge"):
            return unit
        case Pad(first_axis=2):
            return Interval(np.minimum(unit.low, operation.value), np.maximum(unit.high, operation.value))
        case Identity() | Resize():  # interpolation gives nothing beyond both of its neighbours
            return unit
        case (
            Input()
            | LocallyConnected()
            | Dense()
            | Embedding()
            | Recurrent()
            | Pooling()
            | GlobalPooling()
            | Standardisation()
            | ChannelPooling()
            | LocalResponse()
            | Pad()
            | Crop()
            | Slice()
            | Merge()
            | Concatenate()
            | Reshape()
            | Flatten()
            | Transpose()
            | Upscale()
            | Reduction()
            | MatrixProduct()
            | Softmax()
            | Untold()
        ):
            return None  # not known, and nothing is proved with it
    assert_never(operation)


def _after_convolution(operation: Convolution, unit: Interval) -> Interval | None:
    if operation.transposed or operation.stride is None or operation.pad is None:
        return None
    if len(operation.kernel_size) != 2 or len(unit.low) != operation.n_channels:
        return None
    templates = operation.templates
    seen = unit.with_zero() if any(any(margin) for margin in operation.pad) else unit
    positive = np.maximum(templates, 0.0).sum(axis=(2, 3))
    negative = np.minimum(templates, 0.0).sum(axis=(2, 3))
    low = _dot(positive, seen.low) + _dot(negative, seen.high)
    high = _dot(positive, seen.high) + _dot(negative, seen.low)
    if operation.bias is None:
        return Interval(low, high)
    bias = np.asarray(operation.bias.value, np.float64).reshape(operation.n_filters, -1)
    return Interval(low + bias.min(axis=1), high + bias.max(axis=1))


def _after_normalisation(operation: Normalisation, unit: Interval) -> Interval | None:
    if not operation.is_told or (operation.is_batch and operation.spread is None):
        return None
    try:
        scale, shift = (np.ravel(one) for one in operation.scale_and_shift())
    except ValueError:
        return None
    of_channels = operation.along == (1,) and scale.size == len(unit.low)
    if not of_channels and scale.size != 1:
        return None
    scaled = _scaled(unit, np.broadcast_to(scale, unit.low.shape))
    return Interval(scaled.low + shift, scaled.high + shift)


def _scaled(unit: Interval, scale: Floats) -> Interval:
    """Return the interval of each channel times its factor."""
    ends = _times(scale, unit.low), _times(scale, unit.high)
    return Interval(np.minimum(*ends), np.maximum(*ends))


def _dot(weights: Floats, values: Floats) -> Floats:
    """Return ``weights @ values`` where zero times infinity is zero."""
    return np.asarray(_times(weights, values).sum(axis=1))


def _times(weights: Floats, values: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.where(weights == 0, 0.0, weights * values)
