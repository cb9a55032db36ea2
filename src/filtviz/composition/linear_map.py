"""What one operation does to a linear map from the image to units: an interpreter of `filtviz.operations`.

A convolution shifts the templates below to where its taps look and sums them with its weights; a stride or a
pooling spreads the taps of all that comes above; what no fixed filter on the image can do raises a sentence.
An activation of any kind passes as if it were linear, so that a new one needs nothing here;
`approximation_of` says what was passed over or replaced.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import CompositionError
from filtviz.network import ConvLayer, Layer
from filtviz.operations import (
    UNTOLD_FUNCTION,
    Activation,
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
    Pads,
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
    parameters_of,
)
from filtviz.text import plural, printable
from filtviz.windows import Window

__all__ = [
    "Approximation",
    "LinearMap",
    "MapError",
    "Pair",
    "approximation_of",
    "identity",
    "kernels_on_image",
    "push",
    "scale_of_channels",
    "work_of_push",
]

MAX_ELEMENTS = 2**28
"""Of one layer's templates: 2 GiB; a deep network's filters on a large image can ask for far more."""

Pair = tuple[int, int]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearMap:
    """From the image to units: unit (y, x) of channel o is the sum of ``templates[o]`` times the image.

    The template's corner lies at ``start + jump * (y, x)``.
    """

    templates: Floats
    jump: Pair
    start: Pair


class MapError(ValueError):
    """The maps below do not fit an operation; the text completes "at conv2, …"."""


def identity(channels: int) -> LinearMap:
    """Return the map of an image of so many channels to itself."""
    return LinearMap(templates=np.eye(channels)[:, :, None, None], jump=(1, 1), start=(0, 0))


def kernels_on_image(operation: Convolution | LocallyConnected, layer: Layer) -> Convolution:
    """Return a convolution whose templates can be laid on what is below it.

    Raises:
        CompositionError: it has no filter that is the same everywhere, or the file does not tell how it
        moves.
    """
    if isinstance(operation, LocallyConnected) or len(operation.kernel_size) != 2:
        reason = (
            layer.why_not_drawn if isinstance(layer, ConvLayer) else "it has no kernels of two dimensions"
        )
        raise CompositionError(f"at {layer.title}, {reason}")
    if operation.stride is None:
        raise CompositionError(
            f"the file does not tell the geometry of {layer.title}; --like and --architecture tell it, "
            "--assume-stacked takes stride 1 and no pooling for granted"
        )
    if isinstance(layer, ConvLayer) and layer.why_not_drawn is not None:
        raise CompositionError(f"at {layer.title}, {layer.why_not_drawn}")
    if operation.pad is None:
        raise CompositionError(f"the file does not tell the stride and padding of {layer.title}")
    if operation.transposed:
        raise CompositionError(
            f"{layer.title} enlarges its input: its filters on the image differ from position to position"
        )
    return operation


def scale_of_channels(operation: Normalisation, layer: Layer) -> tuple[Floats, Floats]:
    """Return a number to multiply each channel by and one to add, both ``(channels,)``, or ``(1,)`` for all.

    Raises:
        CompositionError: the file does not tell them, or there is one for each position.
    """
    if not operation.is_told or (operation.is_batch and operation.spread is None):
        raise CompositionError(f"the file does not tell the scale that {layer.title} applies")
    try:
        scale, shift = operation.scale_and_shift()
    except ValueError as error:
        raise CompositionError(f"at {layer.title}, {error}") from None
    shape = layer.output_shape or ()
    channels = shape[1] if len(shape) > 1 else None
    of_channels = operation.along == (1,) and scale.size == max(scale.shape, default=1)
    if scale.size != 1 and (not of_channels or channels not in (None, scale.size)):
        raise CompositionError(f"{layer.title} has a scale for each position, not for each channel")
    return scale.ravel(), shift.ravel()


_STEP, _NUMBER, _TERM, _PARAMETER = 5_000, 60, 0.08, 30
"""The work of a step, of a number of a template that is made, of a term that is summed into one, and of a
number that is read."""


def work_of_push(operation: Operation, below: Sequence[LinearMap]) -> int:
    """Return the work of `push`, see `filtviz.budget`; of what it refuses, that of a step.

    Args:
        operation: What to follow.
        below: The maps of its inputs.
    """
    numbers = sum(parameter.size for parameter in parameters_of(operation))
    return _PARAMETER * numbers + _work_on_templates(operation, below)


def _work_on_templates(operation: Operation, below: Sequence[LinearMap]) -> int:
    held = sum(each.templates.size for each in below)
    match operation:
        case Convolution() if len(operation.kernel_size) == 2:
            return _work_of_convolution(operation, below[0])
        case Pooling():
            return _work_of_pooling(operation, below[0])
        case Dense(per_position=True):
            units = 0 if operation.weights is None else max(operation.weights.shape, default=0)
            made = units * (1 + held // max(len(below[0].templates), 1))
            return _STEP + int(_NUMBER * made + _TERM * units * held)
        case Normalisation():
            return _STEP + _NUMBER * held
        case Merge() | Concatenate():
            return _STEP * len(below) + _NUMBER * len(below) * math.prod(_canvas(below)) * _most_maps(below)
    return _STEP


def _work_of_convolution(operation: Convolution, source: LinearMap) -> int:
    filters, channels = operation.n_filters, operation.n_channels
    image, rows, cols = source.templates.shape[1:]
    taps = math.prod(operation.kernel_size)
    gaps = zip(operation.kernel_size, operation.spacing, source.jump, (rows, cols), strict=True)
    grown = math.prod(length + (k - 1) * gap * jump for k, gap, jump, length in gaps)
    shifted = taps * filters * image * rows * cols
    made = _NUMBER * (filters * image * grown + operation.weights.size // 2)
    return int(made + taps * _STEP + shifted * (2.5 + channels * _TERM))


def _work_of_pooling(operation: Pooling, source: LinearMap) -> int:
    window = operation.window(None)
    if len(window.size) != 2:
        return _STEP
    size, work = source.templates.size, 0
    for taps, jump, length in zip(window.size, source.jump, source.templates.shape[2:], strict=True):
        work += taps * (_STEP + size)
        size = size // max(length, 1) * (length + (taps - 1) * jump)
    return int(work + _NUMBER * size)


def _canvas(maps: Sequence[LinearMap]) -> tuple[int, ...]:
    """Return rows and columns of the least canvas that holds templates wherever they begin."""
    start = [min(each.start[a] for each in maps) for a in (0, 1)]
    end = [max(each.start[a] + each.templates.shape[2 + a] for each in maps) for a in (0, 1)]
    return end[0] - start[0], end[1] - start[1]


def _most_maps(maps: Sequence[LinearMap]) -> int:
    return int(max(each.templates.shape[0] * each.templates.shape[1] for each in maps))


def push(operation: Operation, below: Sequence[LinearMap], layer: Layer) -> LinearMap:
    """Return the map behind an operation of ``layer`` on units with the maps ``below``.

    Args:
        operation: What to follow.
        below: The maps of its inputs.
        layer: The layer that it is part of, to name in sentences.

    Raises:
        MapError: the maps do not fit.
        CompositionError: it does what no fixed filter on the image can do, or the file does not tell.
    """
    source = below[0]
    match operation:
        case Input():
            _check_image(operation)
            return source
        case Activation() | LocalResponse() | Softmax() | Identity() | Transpose(is_layout=True):
            return source
        case Convolution() | LocallyConnected():
            return _push_convolution(kernels_on_image(operation, layer), source, layer)
        case Dense(per_position=True):
            return _push_per_position(operation, source, layer)
        case Pooling():
            return _push_pooling(operation, source, layer)
        case Normalisation():
            return _push_scale(scale_of_channels(operation, layer)[0], source)
        case Pad(first_axis=2):
            return _moved(source, operation.pad, -1)
        case Crop():
            return _moved(source, operation.crop, +1)
        case Merge():
            return _push_merge(operation, below, layer)
        case Concatenate(axis=1 | -3):
            fitted = _on_one_canvas(below)
            if len({m.templates.shape[1] for m in fitted}) > 1:
                raise MapError("inputs meet that see images of different channels")
            return replace(fitted[0], templates=np.concatenate([m.templates for m in fitted]))
        case Concatenate():
            raise CompositionError(f"{layer.title} joins its inputs along an axis that is not the channels'")
        case Pad(first_axis=1) if len(operation.pad) == 3:
            return _with_channels(operation, source)
        case Pad():
            raise CompositionError(f"the file does not tell how much {layer.title} pads")
        case Upscale() | Resize():
            raise CompositionError(
                f"{layer.title} {'enlarges' if isinstance(operation, Upscale) else 'resizes'} its input: its "
                "filters on the image differ from position to position"
            )
        case Standardisation():
            raise CompositionError(f"{layer.title} divides by the deviation of its own input")
        case Untold():
            raise CompositionError(_untold(operation, layer))
        case (
            Dense()
            | GlobalPooling()
            | ChannelPooling()
            | Slice()
            | Reshape()
            | Flatten()
            | Transpose()
            | Reduction()
            | MatrixProduct()
            | Embedding()
            | Recurrent()
        ):
            raise CompositionError(_no_filter(layer))
    assert_never(operation)


@dataclass(frozen=True)
class Approximation:
    """What a linear map has in place of an operation: nothing, or the mean over its window.

    ``word`` names what is missing.
    """

    word: str
    is_left_out: bool = True

    def sentence(self, layers: str) -> str:
        """Say it of the layers where it was done."""
        if self.is_left_out:
            return f"{self.word} after {layers} was left out, as if every unit were active"
        return f"the {self.word} of {layers} was taken as the mean over its window"


def approximation_of(operation: Operation) -> Approximation | None:
    """Return how the map that `push` gives differs from what an operation does; None where it is exact."""
    match operation:
        case Activation():
            return None if operation.kind == "linear" else Approximation(operation.word)
        case LocalResponse():
            return Approximation("local response normalisation")
        case Softmax():
            return Approximation("softmax")
        case Pooling(kind="max"):
            return None if max(operation.size) == 1 else Approximation("maximum", is_left_out=False)
        case (
            Pooling()
            | Input()
            | Convolution()
            | LocallyConnected()
            | Dense()
            | Embedding()
            | Recurrent()
            | Normalisation()
            | Standardisation()
            | GlobalPooling()
            | ChannelPooling()
            | Pad()
            | Crop()
            | Slice()
            | Merge()
            | Concatenate()
            | Reshape()
            | Flatten()
            | Transpose()
            | Resize()
            | Reduction()
            | MatrixProduct()
            | Upscale()
            | Identity()
            | Untold()
        ):
            return None  # exact, or refused by `push`
    assert_never(operation)


def _no_filter(layer: Layer) -> str:
    return f"{layer.title} ({printable(layer.type, 40)}) lies below it, which is no filter on the image"


def _untold(operation: Untold, layer: Layer) -> str:
    if operation.keeps_places:
        return _no_filter(layer)
    return (
        f"the file does not tell the geometry of {layer.title}; --assume-stacked takes stride 1 and "
        "no pooling for granted"
    )


def _check_image(operation: Input) -> None:
    shape = operation.shape
    if shape is not None and len(shape) != 4:
        raise CompositionError(f"the network's input has {len(shape) - 1} axes, not an image's three")


def _push_convolution(operation: Convolution, source: LinearMap, layer: Layer) -> LinearMap:
    templates = operation.templates
    n_filters, n_channels, *size = templates.shape
    n_below, n_image = source.templates.shape[:2]
    groups, rest = divmod(n_below, n_channels)
    if rest or n_filters % max(groups, 1):
        raise MapError(f"it looks at {n_channels} channels, and the layer below gives {n_below}")
    spread = _times(_pair(operation.spacing), source.jump)
    grown = [(taps - 1) * gap for taps, gap in zip(size, spread, strict=True)]
    lengths = [a + b for a, b in zip(source.templates.shape[2:], grown, strict=True)]
    _check_size(n_filters, n_image, *lengths)
    composed = np.zeros((n_filters, n_image, *lengths))
    for group in range(groups):
        filters = slice(group * n_filters // groups, (group + 1) * n_filters // groups)
        channels = slice(group * n_channels, (group + 1) * n_channels)
        _add_shifted(composed[filters], templates[filters], source.templates[channels], spread)
    return _looking_through(_window(operation, layer), replace(source, templates=composed))


def _add_shifted(total: Floats, taps: Floats, below: Floats, spread: Pair) -> None:
    """Add to ``total`` what lies below, at each tap's place and with its weights."""
    rows, cols = below.shape[2:]
    for i in range(taps.shape[2]):
        for j in range(taps.shape[3]):
            y, x = i * spread[0], j * spread[1]
            total[:, :, y : y + rows, x : x + cols] += np.tensordot(taps[:, :, i, j], below, axes=1)


def _push_per_position(operation: Dense, source: LinearMap, layer: Layer) -> LinearMap:
    weights = operation.weights
    if weights is None or len(weights.shape) != 2:
        raise CompositionError(f"the file does not tell the weights of {layer.title}")
    values = np.asarray(weights.value, np.float64)
    taps = values if operation.axes == "oi" else values.T
    if taps.shape[1] != len(source.templates):
        raise MapError(
            f"it looks at {taps.shape[1]} channels, and the layer below gives {len(source.templates)}"
        )
    return replace(source, templates=np.tensordot(taps, source.templates, axes=1))


def _window(operation: Convolution | Pooling, layer: Layer) -> Window:
    """Return the window of what has one on an image."""
    window = operation.window(None)
    if window is None or window.pad is None or len(window.size) != 2:
        raise CompositionError(f"the file does not tell the window of {layer.title}")
    return window


def _looking_through(window: Window, seen: LinearMap) -> LinearMap:
    """Return the map as seen through a window's stride and padding."""
    moved = _moved(seen, window.pad or (), -1)
    return replace(moved, jump=_times(seen.jump, _pair(window.stride)))


def _moved(seen: LinearMap, pads: Pads, sign: int) -> LinearMap:
    """Return the map of units that begin ``pads`` further before (-1) or behind (+1)."""
    before = _times(_pair([pad[0] for pad in pads]), seen.jump)
    return replace(seen, start=(seen.start[0] + sign * before[0], seen.start[1] + sign * before[1]))


def _pair(values: Sequence[int]) -> Pair:
    if len(values) != 2:
        raise MapError(f"it works on {plural(len(values), 'axis')}, and an image has two")
    rows, cols = values
    return int(rows), int(cols)


def _times(a: Pair, b: Pair) -> Pair:
    return a[0] * b[0], a[1] * b[1]


def _check_size(*shape: int) -> None:
    if (n := int(np.prod(shape, dtype=object))) > MAX_ELEMENTS:
        sizes = "x".join(map(str, shape))
        raise MapError(
            f"the filters on the image would be {sizes} ({n:,} numbers), more than {MAX_ELEMENTS:,}"
        )


def _push_pooling(operation: Pooling, source: LinearMap, layer: Layer) -> LinearMap:
    if operation.kind == "untold":
        word = repr(printable(operation.name, 20)) if operation.name else UNTOLD_FUNCTION
        raise CompositionError(f"{layer.title} pools by {word}, which is not known")
    window = _window(operation, layer)
    spread = _times(_pair(window.dilation), source.jump)
    grown = [(taps - 1) * gap for taps, gap in zip(window.size, spread, strict=True)]
    lengths = [a + b for a, b in zip(source.templates.shape[2:], grown, strict=True)]
    _check_size(*source.templates.shape[:2], *lengths)
    # The mean is separable: along the rows, then along the columns.
    mean = source.templates
    for axis, (taps, gap) in enumerate(zip(window.size, spread, strict=True), start=2):
        mean = _running_mean(mean, taps, gap, axis)
    if operation.kind == "sum":
        mean = mean * (window.size[0] * window.size[1])
    return _looking_through(window, replace(source, templates=mean))


def _running_mean(array: Floats, taps: int, gap: int, axis: int) -> Floats:
    shape = list(array.shape)
    length = shape[axis]
    shape[axis] += (taps - 1) * gap
    total = np.zeros(shape)
    along = np.moveaxis(total, axis, 0)
    for tap in range(taps):
        along[tap * gap : tap * gap + length] += np.moveaxis(array, axis, 0)
    return total / taps


def _push_scale(scale: Floats, source: LinearMap) -> LinearMap:
    if len(scale) not in (1, len(source.templates)):
        raise MapError(f"it scales {len(scale)} channels, and the layer below gives {len(source.templates)}")
    return replace(source, templates=source.templates * scale[:, None, None, None])


def _with_channels(operation: Pad, source: LinearMap) -> LinearMap:
    """Return the map of units with further channels, which see nothing, or what others see."""
    margins = [operation.pad[0], (0, 0), (0, 0), (0, 0)]
    _check_size(len(source.templates) + sum(operation.pad[0]), *source.templates.shape[1:])
    if min(operation.pad[0]) < 0:
        raise MapError("it takes channels away")
    templates = np.pad(source.templates, margins, mode=operation.mode)
    return _moved(replace(source, templates=templates), operation.pad[1:], -1)


def _push_merge(operation: Merge, below: Sequence[LinearMap], layer: Layer) -> LinearMap:
    if operation.crops:
        raise CompositionError(f"{layer.title} crops what it adds, which is not followed")
    if operation.kind != "add":
        word = printable(operation.word, 40)
        raise CompositionError(f"{layer.title} merges by {word}, which is not linear")
    coefficients = operation.coefficients or (1.0,) * len(below)
    if len(coefficients) != len(below):
        raise CompositionError(f"{layer.title} has {len(coefficients)} coefficients for {len(below)} inputs")
    fitted = _on_one_canvas(below)
    if len({m.templates.shape for m in fitted}) > 1:
        raise MapError("inputs with different numbers of channels are added")
    total = sum(c * m.templates for c, m in zip(coefficients, fitted, strict=True))
    return replace(fitted[0], templates=np.asarray(total))


def _on_one_canvas(maps: Sequence[LinearMap]) -> list[LinearMap]:
    """Put zeros around templates until all begin and end at the same place."""
    if len({m.jump for m in maps}) > 1:
        raise MapError("inputs meet whose units lie differently far apart")
    start = (min(m.start[0] for m in maps), min(m.start[1] for m in maps))
    end = [max(m.start[a] + m.templates.shape[2 + a] for m in maps) for a in (0, 1)]
    _check_size(*maps[0].templates.shape[:2], end[0] - start[0], end[1] - start[1])
    fitted = []
    for m in maps:
        margins = [(m.start[a] - start[a], end[a] - m.start[a] - m.templates.shape[2 + a]) for a in (0, 1)]
        padded = np.pad(m.templates, [(0, 0), (0, 0), *margins])
        fitted.append(replace(m, templates=padded, start=start))
    return fitted
