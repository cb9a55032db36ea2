"""Where a layer stands in its network: the stack below it, the layer that reads it, what can reach it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from filtviz.composition.steps import (
    Affine,
    Concatenate,
    Correlate,
    Enter,
    Pad,
    Pointwise,
    Pool,
    Step,
    Sum,
    ancestors,
    steps_of,
)
from filtviz.errors import CompositionError
from filtviz.measures.kernels import Floats
from filtviz.measures.stacks import Stage
from filtviz.network import ConvLayer, Network

__all__ = [
    "Interval",
    "Stack",
    "following_layer",
    "linear_stack",
    "normalisation_moved",
    "preactivation_bounds",
]

_MOST_WEIGHTS = 2**18
"""Of a stack; with 199 draws that takes about a quarter of a minute."""

_KEEPS_CHANNELS = (Affine, Pointwise, Pool, Pad)


@dataclass(frozen=True, eq=False)
class Stack:
    """The convolutions from the image up to a layer; ``reason`` says why there are none to compose."""

    stages: tuple[Stage, ...] = ()
    reason: str = ""


def linear_stack(network: Network, layer: ConvLayer) -> Stack:
    """Return the convolutions from the image up to ``layer`` where no pooling lies between.

    Batch normalisation scales the filters below it; nonlinearities and biases are left out.
    """
    stages: list[Stage] = []
    jump = (1, 1)
    chain = ancestors(network, layer)
    if not all(each.geometry_known for each in chain):
        return Stack(reason="the file does not tell what lies between the convolutions")
    if sum(each.weights.size for each in chain if isinstance(each, ConvLayer)) > _MOST_WEIGHTS:
        return Stack(reason="shuffling so large a stack would take minutes")
    try:
        for current in chain:
            if len(current.inputs) > 1:
                return Stack(reason="several layers feed it")
            for step in steps_of(current):
                if isinstance(step, Pool):
                    return Stack(reason="a pooling lies between it and the image")
                if isinstance(step, Affine) and stages:
                    stages[-1] = _scaled(stages[-1], step.scale)
                elif isinstance(step, Correlate):
                    stages.append(Stage(step.templates, _times(step.dilation, jump)))
                    jump = _times(step.stride, jump)
                if isinstance(step, Correlate) and current is layer:
                    break
    except CompositionError as error:
        return Stack(reason=str(error))
    if len(stages) < 2:
        return Stack(reason="it is the first convolution")
    if any(a.templates.shape[0] != b.templates.shape[1] for a, b in pairwise(stages)):
        return Stack(reason="its channels are not the filters of the layer below")
    return Stack(tuple(stages))


def _scaled(stage: Stage, scale: Floats) -> Stage:
    return Stage(stage.templates * scale[:, np.newaxis, np.newaxis, np.newaxis], stage.spacing)


def _times(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return a[0] * b[0], a[1] * b[1]


def following_layer(network: Network, layer: ConvLayer) -> ConvLayer | None:
    """Return the one convolution that reads this layer's channels as they are, past pooling and the like.

    None where several layers read them, where something in between mixes them or is not known, or where the
    file does not tell what follows.
    """
    current = layer.index
    while True:
        readers = [each for each in network.layers if current in each.inputs]
        if len(readers) != 1 or not readers[0].geometry_known:
            return None
        reader = readers[0]
        if isinstance(reader, ConvLayer):
            fits = reader.why_not_drawn is None and reader.n_channels == layer.n_filters
            return reader if fits else None
        try:
            steps = steps_of(reader)
        except CompositionError:
            return None
        if not all(isinstance(step, _KEEPS_CHANNELS) for step in steps):
            return None
        current = reader.index


def normalisation_moved(network: Network, layer: ConvLayer) -> bool:
    """Tell whether a batch normalisation directly after ``layer`` has left its start.

    Lasagne starts it at beta 0, gamma 1, mean 0; any of them that is no constant has moved.
    """
    readers = [each for each in network.layers if layer.index in each.inputs]
    if len(readers) != 1 or not readers[0].type.startswith("BatchNorm"):
        return False
    stored = [readers[0].parameter(name) for name in ("beta", "gamma", "mean")]
    return any(each is not None and each.size > 1 and bool(np.ptp(each.value) != 0) for each in stored)


@dataclass(frozen=True, eq=False)
class Interval:
    """What the units of each channel can be at the least and the most, both ``(channels,)``."""

    low: Floats
    high: Floats

    def with_zero(self) -> Interval:
        """Return the interval that also holds the zeros of a padding."""
        return Interval(np.minimum(self.low, 0.0), np.maximum(self.high, 0.0))


def preactivation_bounds(network: Network, input_range: tuple[float, float] | None) -> Mapping[int, Interval]:
    """Return, by ``conv_index``, between what bounds each filter's input to its rectifier must lie.

    Interval arithmetic from the image up, whose values are in ``input_range``, or anything where that is
    None: after a rectifier units are positive whatever comes in. Only convolutions that a rectifier follows
    are in the result, directly or after batch normalisation.
    """
    reach: dict[int, Interval | None] = {}
    fed_by: dict[int, int | None] = {}
    found: dict[int, Interval] = {}
    for layer in network.layers:
        units = [reach[i] for i in layer.inputs]
        source = fed_by[layer.inputs[0]] if len(layer.inputs) == 1 else None
        try:
            steps = steps_of(layer)
        except CompositionError:
            reach[layer.index] = fed_by[layer.index] = None
            continue
        for step in steps:
            if isinstance(step, Correlate):
                source = layer.conv_index if isinstance(layer, ConvLayer) else None
            elif isinstance(step, Pointwise):
                if step.name == "rectify" and source is not None and units[0] is not None:
                    found[source] = units[0]
                source = None
            elif not isinstance(step, Affine):
                source = None
            units = [_after(step, units, input_range)]
        reach[layer.index], fed_by[layer.index] = (units[0] if len(units) == 1 else None), source
    return found


def _after(
    step: Step, units: list[Interval | None], input_range: tuple[float, float] | None
) -> Interval | None:
    """Return what can come out of a step; None where that is not known."""
    known = [unit for unit in units if unit is not None]
    if isinstance(step, Enter):
        low, high = input_range or (-np.inf, np.inf)
        n = step.channels
        return None if n is None else Interval(np.full(n, low), np.full(n, high))
    if len(known) < len(units) or not known:
        return None
    if isinstance(step, Sum):
        terms = [
            _times_weights(np.eye(len(u.low)) * c, u) for c, u in zip(step.coefficients, known, strict=True)
        ]
        if len({len(term.low) for term in terms}) > 1:
            return None
        return Interval(sum(t.low for t in terms), sum(t.high for t in terms))  # type: ignore[arg-type]
    if isinstance(step, Concatenate):
        return Interval(np.concatenate([u.low for u in known]), np.concatenate([u.high for u in known]))
    return _after_one(step, known[0])


def _after_one(step: Step, unit: Interval) -> Interval | None:
    if isinstance(step, Correlate):
        return _after_correlation(step, unit)
    if isinstance(step, Affine):
        scaled = _times_weights(np.diag(step.scale), unit)
        return Interval(scaled.low + step.shift, scaled.high + step.shift)
    if isinstance(step, Pointwise):
        # Those that have a function are monotone.
        return None if step.function is None else Interval(step.function(unit.low), step.function(unit.high))
    if isinstance(step, Pool):
        return unit.with_zero() if step.pad != ((0, 0), (0, 0)) else unit
    if isinstance(step, Pad):
        return Interval(np.minimum(unit.low, step.value), np.maximum(unit.high, step.value))
    return None


def _after_correlation(step: Correlate, unit: Interval) -> Interval | None:
    filters, channels = step.templates.shape[:2]
    if len(unit.low) != channels:
        return None
    seen = unit.with_zero() if step.pad != ((0, 0), (0, 0)) else unit
    positive = np.maximum(step.templates, 0.0).sum(axis=(2, 3))
    negative = np.minimum(step.templates, 0.0).sum(axis=(2, 3))
    low = _dot(positive, seen.low) + _dot(negative, seen.high)
    high = _dot(positive, seen.high) + _dot(negative, seen.low)
    if step.bias is None:
        return Interval(low, high)
    bias = step.bias.reshape(filters, -1)
    return Interval(low + bias.min(axis=1), high + bias.max(axis=1))


def _times_weights(weights: Floats, unit: Interval) -> Interval:
    """Return the interval of ``weights @ unit``."""
    positive, negative = np.maximum(weights, 0.0), np.minimum(weights, 0.0)
    return Interval(
        _dot(positive, unit.low) + _dot(negative, unit.high),
        _dot(positive, unit.high) + _dot(negative, unit.low),
    )


def _dot(weights: Floats, values: Floats) -> Floats:
    """Return ``weights @ values`` where zero times infinity is zero."""
    with np.errstate(invalid="ignore"):
        products = weights * values
    return np.asarray(np.where(weights == 0, 0.0, products).sum(axis=1))
