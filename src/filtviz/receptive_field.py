"""How much of the network's input one unit of each layer sees.

The arithmetic is that of Dumoulin & Visin, "A guide to convolution arithmetic for deep learning" (2016), and
Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks" (Distill, 2019), per axis:
a window of k taps with dilation d and stride s over units that lie ``jump`` input pixels apart adds
``(k - 1) * d * jump`` pixels to the field and multiplies ``jump`` by s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import assert_never

from filtviz.network import Layer, Network
from filtviz.operations import (
    LONGEST,
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
from filtviz.parameter import Shape
from filtviz.shapes import output_shape
from filtviz.windows import Window, known_lengths

__all__ = ["ReceptiveField", "receptive_fields"]


@dataclass(frozen=True, kw_only=True)
class ReceptiveField:
    """What one unit of a layer sees of the input, one entry per spatial axis, in input pixels.

    ``size`` is the field's length, padding included. ``jump`` is the distance between the fields of two
    neighbouring units and ``start`` where the first unit's field begins (negative: in the padding).
    ``input_size`` is the input's length, None where the file does not tell it.
    """

    size: tuple[int, ...]
    jump: tuple[Fraction, ...]
    start: tuple[Fraction, ...]
    input_size: tuple[int | None, ...]

    @property
    def coverage(self) -> tuple[float | None, ...]:
        """The share of the input's length that the field covers, at most 1; None if not known, or of 0."""
        return tuple(
            min(1.0, size / whole) if whole else None
            for size, whole in zip(self.size, self.input_size, strict=True)
        )


def receptive_fields(network: Network) -> tuple[ReceptiveField | None, ...]:
    """Return each layer's receptive field, in the order of ``network.layers``.

    None stands where it cannot be known: what the layer does, or one below it, is not in the file, or the
    layer has no place in the image (after one that looks at the whole of an input whose size is not known).
    """
    found: list[_Seen] = []
    met: dict[ReceptiveField | None, ReceptiveField | None] = {}
    for layer in network.layers:
        seen = _seen_by(layer, network, [found[i] for i in layer.inputs])
        # Equal fields become one object, so that thousands of inputs are told apart at a glance.
        found.append(_Seen(met.setdefault(seen.unit, seen.unit), met.setdefault(seen.all, seen.all)))
    return tuple(seen.unit for seen in found)


@dataclass(frozen=True)
class _Seen:
    """What each unit of a layer sees and, where units have no places any more, what all see together."""

    unit: ReceptiveField | None
    all: ReceptiveField | None = None


def _seen_by(layer: Layer, network: Network, below: Sequence[_Seen]) -> _Seen:
    """Return what the units of a layer see whose inputs' units see this."""
    if not layer.operations:
        return _Seen(_union([each.unit for each in below]), _union([each.all for each in below]))
    shapes = [network.layers[i].output_shape for i in layer.inputs]
    for operation in layer.operations:
        unit = _seen(operation, [each.unit for each in below], shapes)
        if unit is not None and not _is_sane(unit):
            return _Seen(None)
        seen = _Seen(unit) if unit is not None else _seen_without_places(operation, below, shapes)
        if seen == _Seen(None):
            return seen
        below = [seen]
        shapes = [output_shape(operation, shapes)]
    return below[0]


def _seen_without_places(
    operation: Operation, below: Sequence[_Seen], shapes: Sequence[Shape | None]
) -> _Seen:
    """Return what units see behind an operation that flattens, or that follows one which does."""
    together = _union([each.all for each in below])
    match operation:
        case Flatten(keep=1) | Reshape():
            if together is None and _makes_one_row(operation, shapes[0] if shapes else None):
                together = _union(
                    [_whole(each.unit, shape) for each, shape in zip(below, shapes, strict=True)]
                )
            return _Seen(None, together)
        case Activation() | Normalisation() | Standardisation() | Identity() | Softmax() | Merge():
            return _Seen(None, together)
        case Dense(per_position=False):
            return _Seen(together)
        case _:
            return _Seen(None)


def _makes_one_row(operation: Flatten | Reshape, below: Shape | None) -> bool:
    """Tell whether all that the units of an image's layers hold comes to stand in one row."""
    lengths = known_lengths((below or ())[2:])
    if isinstance(operation, Flatten) or operation.lengths == ((0,), -1) or not lengths or below is None:
        return bool(lengths)
    shape = output_shape(operation, [below])
    return (
        shape is not None
        and len(shape) == 2
        and below[1] is not None
        and shape[1] == math.prod((below[1], *lengths))
    )


def _is_sane(field: ReceptiveField) -> bool:
    numbers = [*field.size, *(n for f in (*field.jump, *field.start) for n in f.as_integer_ratio())]
    return all(-LONGEST < number < LONGEST for number in numbers)


def _seen(
    operation: Operation, below: Sequence[ReceptiveField | None], shapes: Sequence[Shape | None]
) -> ReceptiveField | None:
    """Return what a unit behind an operation sees, whose inputs have these fields and shapes."""
    first = shapes[0] if shapes else None
    match operation:
        case Input():
            return _of_input(operation)
        case Convolution() | LocallyConnected() | Pooling() | Upscale() | Pad():
            window, field = operation.window(first), _union(below)
            if window is None or field is None or len(window.size) != len(field.size):
                return None
            return _through(window, field)
        case Crop():
            return _behind_crop(operation, _union(below))
        case GlobalPooling() | Dense(per_position=False):
            if not _is_seen_whole(operation, first):
                return None
            inputs = {(id(field), shape): field for field, shape in zip(below, shapes, strict=True)}
            return _union([_whole(field, shape) for (_, shape), field in inputs.items()])
        case Dense() | Normalisation() | Activation() | LocalResponse() | Softmax() | Identity() | Merge():
            return _union(below)
        case Standardisation():  # mean and deviation are of all it is given, and the same for all its units
            return _union(below)
        case ChannelPooling() | Concatenate():
            is_channels = operation.axis == 1 or (first is not None and operation.axis % len(first) == 1)
            return _union(below) if is_channels else None
        case Transpose():
            keeps = operation.is_layout or operation.order == tuple(range(len(operation.order)))
            return _union(below) if keeps else None
        case Slice():
            axis = operation.axis if first is None else operation.axis % len(first)
            return _union(below) if operation.index is None and axis in (0, 1) else None
        case Untold():
            return _union(below) if operation.keeps_places else None
        case Resize():
            return _resized(operation, _union(below), first)
        case Reduction():
            axes = {axis % len(first) for axis in operation.axes} if first else set(operation.axes)
            return _union(below) if axes == {1} and operation.keeps else None
        case Flatten() | Reshape() | Embedding() | Recurrent() | MatrixProduct():
            return None
    assert_never(operation)


def _of_input(operation: Input) -> ReceptiveField | None:
    """Return the field of an input's unit: itself. An input that is no image has none."""
    shape = operation.shape
    if shape is None or len(shape) < 3:
        return None
    n = len(shape) - 2
    return ReceptiveField(
        size=(1,) * n, jump=(Fraction(1),) * n, start=(Fraction(0),) * n, input_size=tuple(shape[2:])
    )


def _is_seen_whole(operation: GlobalPooling | Dense, below: Shape | None) -> bool:
    """Tell whether it is known how much there is to see for what looks at everything."""
    if below is not None and len(below) == 2:
        return isinstance(operation, Dense)
    if isinstance(operation, Dense) and operation.leading_axes != 1:
        return False
    return bool(known_lengths((below or ())[2:]))


def _through(window: Window, field: ReceptiveField) -> ReceptiveField:
    """Return the field of a unit that looks through ``window`` at units with ``field``."""
    size, jump, start = [], [], []
    for axis, (taps, stride, dilation) in enumerate(
        zip(window.size, window.stride, window.dilation, strict=True)
    ):
        step, before = field.jump[axis], (window.pad or ((0, 0),) * len(window.size))[axis][0]
        if window.transposed:
            # The unit in the middle of an enlarged row is fed by every stride-th place of the kernel.
            common = math.gcd(stride, dilation)
            reach: int | Fraction = (-(-taps * common // stride) - 1) * (dilation // common) * step
            jump.append(step / stride)
            start.append(field.start[axis] + Fraction(before, stride) * step - reach)
        else:
            reach = (taps - 1) * dilation * step
            jump.append(step * stride)
            start.append(field.start[axis] - before * step)
        size.append(int(-(-(field.size[axis] + reach) // 1)))
    return ReceptiveField(size=tuple(size), jump=tuple(jump), start=tuple(start), input_size=field.input_size)


def _behind_crop(operation: Crop, field: ReceptiveField | None) -> ReceptiveField | None:
    if field is None or len(operation.crop) != len(field.size):
        return None
    start = tuple(
        first + before * step
        for first, step, (before, _) in zip(field.start, field.jump, operation.crop, strict=True)
    )
    return ReceptiveField(size=field.size, jump=field.jump, start=start, input_size=field.input_size)


def _resized(operation: Resize, field: ReceptiveField | None, below: Shape | None) -> ReceptiveField | None:
    """Return what units see that lie between two neighbours: both, around the place where they lie."""
    if field is None or below is None or len(below) != len(field.size) + 2:
        return None
    if len(operation.size or operation.scale) != len(field.size):
        return None
    jump, size, start = [], [], []
    for axis, (had, made) in enumerate(zip(below[2:], operation.lengths(below[2:]), strict=True)):
        by, first = _places(operation, axis, had, made)
        if by is None:
            return None
        step = field.jump[axis]
        jump.append(step * by)
        size.append(int(-(-(field.size[axis] + (step if by != 1 else 0)) // 1)))
        start.append(field.start[axis] + (first * step if by != 1 else 0))
    return ReceptiveField(size=tuple(size), jump=tuple(jump), start=tuple(start), input_size=field.input_size)


def _places(
    operation: Resize, axis: int, had: int | None, made: int | None
) -> tuple[Fraction | None, Fraction]:
    """Return how far new places lie apart among the old ones, and where what the first one sees begins."""
    half = Fraction(1, 2)
    if operation.coordinates == "align_corners":
        by = Fraction(had - 1, made - 1) if had and made and made > 1 else None
    elif operation.size:
        by = Fraction(had, made) if had and made else None
    else:
        scale = Fraction(operation.scale[axis]).limit_denominator(1 << 16)
        by = 1 / scale if scale else None  # a scale next to nothing leaves nothing
    if by is None or by <= 0:
        return None, half
    first = by / 2 - 1 if operation.coordinates.endswith("half_pixel") else min(by / 2, half) - half
    return by, first


def _whole(field: ReceptiveField | None, shape: Shape | None) -> ReceptiveField | None:
    """Return the part of the input that all units of a layer see together, clipped to the input.

    Strides and pools that do not divide their input leave a margin that no unit sees.
    """
    if field is None or not any(field.jump):  # each unit sees all that the others see already
        return field
    if None in field.input_size:
        return None
    size, start = [], []
    lengths: Shape = (None,) * len(field.size)
    if shape is not None and len(shape) == len(field.size) + 2:
        lengths = shape[2:]
    for axis, whole in enumerate(field.input_size):
        assert whole is not None
        first, end = Fraction(0), Fraction(whole)
        if (length := lengths[axis]) is not None:
            first = min(max(first, field.start[axis]), end)
            last = field.start[axis] + (length - 1) * field.jump[axis] + field.size[axis]
            end = max(first, min(end, last))  # what lies in the padding alone sees nothing
        start.append(first)
        size.append(int(end - first))
    return ReceptiveField(
        size=tuple(size), jump=(Fraction(0),) * len(size), start=tuple(start), input_size=field.input_size
    )


def _union(fields: Sequence[ReceptiveField | None]) -> ReceptiveField | None:
    """Return what a layer sees that adds, multiplies or concatenates units with these fields."""
    distinct = list({id(field): field for field in fields}.values())
    known = [field for field in distinct if field is not None]
    if not known or len(known) < len(distinct):
        return None
    first = known[0]
    if any(f.jump != first.jump or f.input_size != first.input_size for f in known):
        return None
    start = tuple(min(f.start[a] for f in known) for a in range(len(first.size)))
    end = tuple(max(f.start[a] + f.size[a] for f in known) for a in range(len(first.size)))
    size = tuple(int(e - s) for s, e in zip(start, end, strict=True))
    return ReceptiveField(size=size, jump=first.jump, start=start, input_size=first.input_size)
