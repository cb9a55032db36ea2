"""Run a network's own layers on images with numpy, up to a convolution: what the units really answer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from filtviz.composition.steps import (
    UNTOLD,
    Affine,
    Concatenate,
    Correlate,
    Enter,
    Margin,
    Pad,
    Pointwise,
    Pool,
    Step,
    Sum,
    ancestors,
    naming,
    steps_of,
)
from filtviz.errors import CompositionError
from filtviz.network import ConvLayer, Network

__all__ = ["correlate", "respond"]

Units = NDArray[np.float64]
"""``(images, channels, rows, cols)``."""


def respond(network: Network, layer: ConvLayer, images: NDArray[np.floating]) -> Units:
    """Return what ``layer`` answers to images before its own nonlinearity, as at test time.

    Args:
        network: The network that the layer is part of.
        layer: The convolution; what it feeds does not matter.
        images: ``(images, channels, rows, cols)``, for a network with one input.

    Raises:
        CompositionError: a layer below does something that is not followed here, or the images do not fit.
    """
    answers: dict[int, Units] = {}
    for current in ancestors(network, layer):
        found: Sequence[Units] = [answers[i] for i in current.inputs] or [np.asarray(images, np.float64)]
        for step in steps_of(current):
            if current is layer and isinstance(step, Pointwise):
                break
            try:
                found = [_apply(step, found)]
            except ValueError as error:
                raise CompositionError(f"{naming(current)} cannot be run on these images: {error}") from None
        answers[current.index] = found[0]
    return answers[layer.index]


def correlate(units: Units, step: Correlate) -> Units:
    """Slide the step's templates over the padded units.

    Raises:
        ValueError: the units' channels do not fit, or the units are smaller than a template.
    """
    n_filters, n_channels = step.templates.shape[:2]
    groups, rest = divmod(units.shape[1], n_channels)
    if rest or not groups or n_filters % groups:
        raise ValueError(f"it looks at {n_channels} channels and is given {units.shape[1]}")
    windows = _windows(_padded(units, step.pad), step.templates.shape[2:], step.stride, step.dilation)
    parts = [
        np.tensordot(part, taps, axes=((1, 4, 5), (1, 2, 3)))
        for part, taps in zip(
            np.split(windows, groups, axis=1), np.split(step.templates, groups), strict=True
        )
    ]
    answer = np.moveaxis(np.concatenate(parts, axis=-1), -1, 1)
    if step.bias is None:
        return answer
    bias = step.bias if step.bias.ndim == 3 else step.bias[:, None, None]
    return np.asarray(answer + bias)


def _padded(units: Units, pad: Margin, value: float = 0.0) -> Units:
    if not any(any(margin) for margin in pad):
        return units
    return np.pad(units, [(0, 0), (0, 0), *pad], constant_values=value)


def _windows(units: Units, size: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Units:
    """Return a view ``(images, channels, rows, cols, window rows, window cols)``."""
    spans = [(taps - 1) * gap + 1 for taps, gap in zip(size, dilation, strict=True)]
    if any(length < span for length, span in zip(units.shape[2:], spans, strict=True)):
        raise ValueError(
            f"they are {units.shape[2]}x{units.shape[3]} there, its window {spans[0]}x{spans[1]}"
        )
    view = sliding_window_view(units, spans, axis=(2, 3))
    return view[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


@singledispatch
def _apply(step: Step, below: Sequence[Units]) -> Units:
    raise NotImplementedError(type(step))


@_apply.register
def _(step: Enter, below: Sequence[Units]) -> Units:
    if step.channels not in (None, below[0].shape[1]):
        raise ValueError(f"they have {below[0].shape[1]} channels, the network expects {step.channels}")
    return below[0]


@_apply.register
def _(step: Correlate, below: Sequence[Units]) -> Units:
    return correlate(below[0], step)


@_apply.register
def _(step: Pool, below: Sequence[Units]) -> Units:
    # What hangs over the end is NaN, so that it counts neither in a maximum nor in a mean.
    outside = 0.0 if step.count_pad and not step.maximum else np.nan
    units = _padded(below[0], step.pad, outside)
    if not step.whole_windows:
        ends = [(0, -(length - taps) % stride) for length, taps, stride in
                zip(units.shape[2:], step.size, step.stride, strict=True)]  # fmt: skip
        units = _padded(units, (ends[0], ends[1]), np.nan)
    windows = _windows(units, step.size, step.stride, (1, 1))
    pool = np.nanmax if step.maximum else np.nanmean
    return np.asarray(pool(windows, axis=(4, 5)))


@_apply.register
def _(step: Affine, below: Sequence[Units]) -> Units:
    return np.asarray(below[0] * step.scale[:, None, None] + step.shift[:, None, None])


@_apply.register
def _(step: Pointwise, below: Sequence[Units]) -> Units:
    if step.function is None:
        unknown = "" if step.name == UNTOLD else ", which is not known here"
        raise ValueError(f"it applies {step.name}{unknown}")
    return step.function(below[0])


@_apply.register
def _(step: Pad, below: Sequence[Units]) -> Units:
    return _padded(below[0], step.pad, step.value)


@_apply.register
def _(step: Sum, below: Sequence[Units]) -> Units:
    terms = [c * units for c, units in zip(step.coefficients, below, strict=True)]
    return np.asarray(sum(terms[1:], start=terms[0]))


@_apply.register
def _(step: Concatenate, below: Sequence[Units]) -> Units:  # noqa: ARG001
    return np.concatenate(below, axis=1)
