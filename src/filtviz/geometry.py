"""How much of the network's input one unit of each layer sees.

The arithmetic is that of Dumoulin & Visin, "A guide to convolution arithmetic for deep learning" (2016), and
Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks" (Distill, 2019), per axis:
a window of k taps with dilation d and stride s over units that lie ``jump`` input pixels apart adds
``(k - 1) * d * jump`` pixels to the field and multiplies ``jump`` by s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from filtviz.network import Layer, Network, Shape, Window

__all__ = ["ReceptiveField", "receptive_fields"]

MOST_PIXELS = 1 << 31
"""No image is as long: a field of such numbers is nonsense, and they would grow with each layer."""


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
        """The share of the input's length that the field covers, at most 1; None where it is not known."""
        return tuple(
            None if whole is None else min(1.0, size / whole)
            for size, whole in zip(self.size, self.input_size, strict=True)
        )


def receptive_fields(network: Network) -> tuple[ReceptiveField | None, ...]:
    """Return each layer's receptive field, in the order of ``network.layers``.

    None stands where it cannot be known: the geometry of the layer, or of one below it, is not in the file,
    or the layer has no place in the image (after a layer that looks at the whole of an input whose size is
    not known).
    """
    fields: list[ReceptiveField | None] = []
    for layer in network.layers:
        below = [fields[i] for i in layer.inputs]
        known = [field for field in below if field is not None]
        if not layer.inputs:
            fields.append(_of_input(layer))
        elif len(known) < len(below) or not layer.geometry_known:
            fields.append(None)
        else:
            shapes = [network.layers[i].output_shape for i in layer.inputs]
            field = _of_layer(layer, known, shapes)
            fields.append(field if field is not None and _is_sane(field) else None)
    return tuple(fields)


def _is_sane(field: ReceptiveField) -> bool:
    numbers = [*field.size, *(n for f in (*field.jump, *field.start) for n in f.as_integer_ratio())]
    return all(-MOST_PIXELS < number < MOST_PIXELS for number in numbers)


def _of_input(layer: Layer) -> ReceptiveField | None:
    """Return the field of an input's unit: itself. An input that is no image has none."""
    shape = layer.output_shape
    if not layer.type.startswith("Input") or shape is None or len(shape) < 3:
        return None
    n = len(shape) - 2
    return ReceptiveField(
        size=(1,) * n, jump=(Fraction(1),) * n, start=(Fraction(0),) * n, input_size=tuple(shape[2:])
    )


def _of_layer(
    layer: Layer, below: Sequence[ReceptiveField], shapes: Sequence[Shape | None]
) -> ReceptiveField | None:
    if _looks_at_everything(layer):
        return _union([_whole(field, shape) for field, shape in zip(below, shapes, strict=True)])
    field = _union(below)
    if field is None or layer.window is None:
        return field
    if len(layer.window.size) != len(field.size):
        return None
    return _through(layer.window, field)


def _looks_at_everything(layer: Layer) -> bool:
    """Tell whether each unit sees all positions below it: dense and recurrent layers, global pooling."""
    if layer.type.startswith(("GlobalPool", "SpatialPyramid")):
        return True
    return "num_units" in layer.options and not layer.type.startswith("NIN")


def _through(window: Window, field: ReceptiveField) -> ReceptiveField:
    """Return the field of a unit that looks through ``window`` at units with ``field``."""
    size, jump, start = [], [], []
    for axis, (taps, stride, dilation) in enumerate(
        zip(window.size, window.stride, window.dilation, strict=True)
    ):
        step, before = field.jump[axis], (window.pad or ((0, 0),) * len(window.size))[axis][0]
        if window.transposed:
            # The unit in the middle of an enlarged row is fed by every stride-th tap.
            reach: int | Fraction = (-(-taps // stride) - 1) * step
            jump.append(step / stride)
            start.append(field.start[axis])
        else:
            reach = (taps - 1) * dilation * step
            jump.append(step * stride)
            start.append(field.start[axis] - before * step)
        size.append(int(-(-(field.size[axis] + reach) // 1)))
    return ReceptiveField(size=tuple(size), jump=tuple(jump), start=tuple(start), input_size=field.input_size)


def _whole(field: ReceptiveField, shape: Shape | None) -> ReceptiveField | None:
    """Return the part of the input that all units of a layer see together, clipped to the input.

    Strides and pools that do not divide their input leave a margin that no unit sees.
    """
    if not any(field.jump):  # each unit sees all that the others see already
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
            first = max(first, field.start[axis])
            end = min(end, field.start[axis] + (length - 1) * field.jump[axis] + field.size[axis])
        start.append(first)
        size.append(int(end - first))
    return ReceptiveField(
        size=tuple(size), jump=(Fraction(0),) * len(size), start=tuple(start), input_size=field.input_size
    )


def _union(fields: Sequence[ReceptiveField | None]) -> ReceptiveField | None:
    """Return what a layer sees that adds, multiplies or concatenates units with these fields."""
    first = fields[0]
    known = [field for field in fields if field is not None]
    if first is None or len(known) < len(fields) or any(f.jump != first.jump for f in known):
        return None
    if any(f.input_size != first.input_size for f in known):
        return None
    start = tuple(min(f.start[a] for f in known) for a in range(len(first.size)))
    end = tuple(max(f.start[a] + f.size[a] for f in known) for a in range(len(first.size)))
    size = tuple(int(e - s) for s, e in zip(start, end, strict=True))
    return ReceptiveField(size=size, jump=first.jump, start=start, input_size=first.input_size)
