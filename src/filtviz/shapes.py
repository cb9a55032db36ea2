"""What operations do to shapes: windows on their input, and the shape of what they give.

`window_of` is the one place that knows how an operation's windows lie, and `positions` how many there are:
shapes, receptive fields, the engine that runs a network and the composition of filters all ask these. A new
rule of windows, or a new field of an operation that changes them, is obeyed here and nowhere else.

Shapes follow ``get_output_shape_for`` in ``lasagne/layers/*.py`` (0.1, 0.2.dev1). What the file does not tell
stays None; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from filtviz.network import Layer, Network
from filtviz.operations import (
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
    Merge,
    Normalisation,
    Operation,
    Pad,
    Pads,
    Pooling,
    Recurrent,
    Reshape,
    Slice,
    Softmax,
    Transpose,
    Untold,
    Upscale,
)
from filtviz.parameter import Shape

__all__ = [
    "LONGEST",
    "Window",
    "known_lengths",
    "layer_window",
    "output_shape",
    "positions",
    "same_lengths",
    "window_of",
]

LONGEST = 1 << 31
"""No axis is as long: such a length is nonsense, and it would grow with each layer."""

MOST_AXES = 32
"""No array has more; a shape of more is nonsense, and each layer would go through it."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """How an operation looks at its input: one number per spatial axis in each field.

    ``pad`` is ``(before, after)`` per axis, None where the file does not tell. ``transposed`` marks what
    enlarges its input by ``stride`` (a transposed convolution, an upscaling). ``whole`` is False where one
    window more counts, which hangs over the end, if it begins before that and something is left over.
    """

    size: tuple[int, ...]
    stride: tuple[int, ...]
    pad: Pads | None = None
    dilation: tuple[int, ...] = ()
    transposed: bool = False
    whole: bool = True

    def __post_init__(self) -> None:
        if not self.dilation:
            object.__setattr__(self, "dilation", (1,) * len(self.size))

    @property
    def spans(self) -> tuple[int, ...]:
        """From the first tap to the last, both included."""
        return tuple((taps - 1) * gap + 1 for taps, gap in zip(self.size, self.dilation, strict=True))


def window_of(operation: Operation, below: Shape | None) -> Window | None:
    """Return how an operation looks at its input of shape ``below``, or None where no window is told."""
    match operation:
        case Convolution() | LocallyConnected():
            if operation.stride is None:
                return None
            spacing = operation.spacing if isinstance(operation, Convolution) else ()
            transposed = isinstance(operation, Convolution) and operation.transposed
            return Window(
                size=operation.kernel_size,
                stride=operation.stride,
                pad=operation.pad,
                dilation=spacing,
                transposed=transposed,
            )
        case Pooling():
            return Window(
                size=operation.size,
                stride=operation.stride,
                pad=operation.pad,
                dilation=operation.dilation,
                whole=operation.whole_windows,
            )
        case GlobalPooling():
            lengths = known_lengths((below or ())[2:])
            return Window(size=lengths, stride=lengths, pad=_no_pads(lengths)) if lengths else None
        case Pad(first_axis=2):
            ones = (1,) * len(operation.pad)
            return Window(size=ones, stride=ones, pad=operation.pad)
        case Upscale():
            scale = operation.scale
            return Window(size=scale, stride=scale, pad=_no_pads(scale), transposed=True)
        case (
            Input()
            | Dense()
            | Embedding()
            | Recurrent()
            | Normalisation()
            | Activation()
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
            | Softmax()
            | Identity()
            | Untold()
        ):
            return None
    assert_never(operation)


def positions(lengths: Shape, window: Window) -> Shape:
    """Return at how many places a window stands along axes of these lengths; None where that is not known.

    Args:
        lengths: Those of the input's spatial axes, as many as the window has.
        window: What moves over them.
    """
    if window.pad is None:
        return (None,) * len(lengths)
    count = _enlarged if window.transposed else _shrunk if window.whole else _shrunk_over_the_end
    return tuple(
        None if length is None else count(length, span, stride, pad)
        for length, span, stride, pad in zip(lengths, window.spans, window.stride, window.pad, strict=True)
    )


def _shrunk(length: int, span: int, stride: int, pad: tuple[int, int]) -> int:
    return max(0, (length + sum(pad) - span) // stride + 1)


def _shrunk_over_the_end(length: int, span: int, stride: int, pad: tuple[int, int]) -> int:
    """Count the window too that hangs over the end, where it begins before that."""
    places = max(0, -(-(length + sum(pad) - span) // stride)) + 1
    return places if (places - 1) * stride < length + pad[0] else places - 1


def _enlarged(length: int, span: int, stride: int, pad: tuple[int, int]) -> int:
    return max(0, (length - 1) * stride - sum(pad) + span)


def layer_window(layer: Layer, network: Network) -> Window | None:
    """Return the window of the first of a layer's operations that has one, or None."""
    shapes = [network.layers[i].output_shape for i in layer.inputs]
    for place, operation in enumerate(layer.operations, start=1):
        window = window_of(operation, shapes[0] if shapes else None)
        if window is not None:
            return window
        if place < len(layer.operations):
            shapes = [output_shape(operation, shapes)]
    return None


def known_lengths(lengths: Shape) -> tuple[int, ...]:
    """Return the lengths where all are known and none is 0, else the empty tuple."""
    known = tuple(length for length in lengths if length)
    return known if len(known) == len(lengths) else ()


def same_lengths(*numbers: tuple[int, ...] | None) -> bool:
    """Tell whether these are as many numbers each, all above zero, as those of one window must be."""
    known = [each for each in numbers if each]
    return (
        len(known) == len(numbers)
        and len({len(each) for each in known}) == 1
        and min(min(each) for each in known) > 0
    )


def same_padding(length: int | None, spread: int, stride: int) -> tuple[int, int] | None:
    """Return the padding before and after that gives ``ceil(length / stride)`` places, the longer behind.

    Args:
        length: The input's length; None where it is open, which only a stride of 1 allows.
        spread: The length of a kernel, its dilation included.
        stride: How far windows lie apart.
    """
    if length is None:
        total = spread - 1 if stride == 1 else None
    else:
        total = max((-(-length // stride) - 1) * stride + spread - length, 0)
    return None if total is None else (total // 2, total - total // 2)


def _no_pads(axes: Sequence[int]) -> Pads:
    return tuple((0, 0) for _ in axes)


def output_shape(operation: Operation, shapes: Sequence[Shape | None]) -> Shape | None:
    """Return what an operation makes of inputs of these shapes; lengths beyond reason are left open."""
    shape = _output_shape(operation, shapes)
    if shape is None or len(shape) > MOST_AXES:
        return None
    return tuple(n if n is not None and 0 <= n < LONGEST else None for n in shape)


def _output_shape(operation: Operation, shapes: Sequence[Shape | None]) -> Shape | None:
    first = shapes[0] if shapes else None
    match operation:
        case Input():
            return operation.shape
        case Convolution() | LocallyConnected():
            return _convolved(operation, first)
        case Dense(per_position=True):
            return None if first is None else (first[0], operation.units, *first[2:])
        case Dense():
            return (*(first[: operation.leading_axes] if first else (None,)), operation.units)
        case Pooling() | Upscale():
            return _pooled(operation, first)
        case GlobalPooling():
            return None if first is None else first[:2]
        case ChannelPooling():
            return _channels_pooled(operation, first)
        case Pad():
            return _padded(operation, first)
        case Crop():
            return None if first is None else (*first[:2], *_cropped(operation, first[2:]))
        case Flatten():
            return _flattened(operation, first)
        case Reshape():
            return _reshaped(operation, first)
        case Transpose():
            return _transposed(operation, first)
        case Slice():
            return _sliced(operation, first)
        case Concatenate():
            return _concatenated(operation, shapes)
        case Merge():
            return _merged(operation, shapes)
        case Normalisation() | Activation() | LocalResponse() | Softmax() | Identity():
            return first
        case Untold():
            return first if operation.keeps_places else None
        case Embedding() | Recurrent():
            return None
    assert_never(operation)


def _convolved(operation: Convolution | LocallyConnected, first: Shape | None) -> Shape | None:
    n = len(operation.kernel_size)
    batch = first[0] if first else None
    lengths: Shape = first[2:] if first is not None and len(first) == n + 2 else (None,) * n
    window = window_of(operation, first)
    if isinstance(operation, Convolution) and operation.output_size is not None:
        lengths = operation.output_size
    else:
        lengths = (None,) * n if window is None else positions(lengths, window)
    return (batch, operation.n_filters, *lengths)


def _pooled(operation: Pooling | Upscale, first: Shape | None) -> Shape | None:
    window = window_of(operation, first)
    if first is None or window is None or len(first) != len(window.size) + 2:
        return None
    return (*first[:2], *positions(first[2:], window))


def _channels_pooled(operation: ChannelPooling, first: Shape | None) -> Shape | None:
    if first is None or not operation.size or not -len(first) <= operation.axis < len(first):
        return None
    shape = list(first)
    length = shape[operation.axis]
    shape[operation.axis] = None if length is None else length // operation.size
    return tuple(shape)


def _padded(operation: Pad, first: Shape | None) -> Shape | None:
    n = operation.first_axis
    if first is None or len(first) - n != len(operation.pad):
        return None
    lengths = (None if k is None else k + sum(pad) for k, pad in zip(first[n:], operation.pad, strict=True))
    return (*first[:n], *lengths)


def _cropped(operation: Crop, lengths: Shape) -> Shape:
    if len(lengths) != len(operation.crop):
        return (None,) * len(lengths)
    return tuple(
        None if n is None else max(0, n - sum(c)) for n, c in zip(lengths, operation.crop, strict=True)
    )


def _flattened(operation: Flatten, first: Shape | None) -> Shape | None:
    if first is None or not 0 <= operation.keep < len(first):
        return None
    rest = [length for length in first[operation.keep :] if length is not None]
    total = _count(rest) if len(rest) == len(first) - operation.keep else None
    return (*first[: operation.keep], total)


def _count(lengths: Sequence[int]) -> int:
    total = 1
    for length in lengths:
        total *= length
    return total


def _reshaped(operation: Reshape, first: Shape | None) -> Shape:
    wanted = operation.lengths
    shape: list[int | None] = []
    for length in wanted:
        if isinstance(length, tuple):  # (i,): as long as axis i of the input
            known = first is not None and len(length) == 1 and 0 <= length[0] < len(first)
            shape.append(first[length[0]] if first is not None and known else None)
        else:
            shape.append(length if length >= 0 else None)
    if first is not None and wanted.count(-1) == 1:
        have = [n for n in first if n is not None]
        others = [n for i, n in enumerate(shape) if n is not None and wanted[i] != -1]
        if len(have) == len(first) and len(others) == len(shape) - 1 and _count(others):
            shape[wanted.index(-1)] = _count(have) // _count(others)
    return tuple(shape)


def _transposed(operation: Transpose, first: Shape | None) -> Shape | None:
    if first is None or (operation.is_layout and len(operation.order) != len(first)):
        return first
    return tuple(
        1 if axis is None else first[axis] if 0 <= axis < len(first) else None for axis in operation.order
    )


def _sliced(operation: Slice, first: Shape | None) -> Shape | None:
    if first is None or not -len(first) <= operation.axis < len(first):
        return None
    axis = operation.axis % len(first)
    if operation.index is not None:
        return (*first[:axis], *first[axis + 1 :])
    length = first[axis]
    if length is None or not operation.is_told:
        return (*first[:axis], None, *first[axis + 1 :])
    kept = len(range(*slice(operation.start, operation.stop, operation.step).indices(length)))
    return (*first[:axis], kept, *first[axis + 1 :])


def _concatenated(operation: Concatenate, given: Sequence[Shape | None]) -> Shape | None:
    shapes = [shape for shape in given if shape is not None]
    merged = _shortest(shapes) if len(shapes) == len(given) else None
    axis = operation.axis
    if merged is None or not -len(merged) <= axis < len(merged):
        return None
    lengths = [length for shape in shapes if (length := shape[axis]) is not None]
    joined = list(merged)
    joined[axis] = sum(lengths) if len(lengths) == len(shapes) else None
    return tuple(joined)


def _merged(operation: Merge, shapes: Sequence[Shape | None]) -> Shape | None:
    """Return the shape of several inputs together: cropped to the shortest, or repeated along axes of 1."""
    known = [shape for shape in shapes if shape is not None]
    if operation.crops:
        return _shortest(known)
    if not known or len({len(shape) for shape in known}) != 1:
        return None
    # A layer may have thousands of inputs of one shape.
    columns = zip(*dict.fromkeys(known), strict=True)
    return tuple(_common(lengths, all_known=len(known) == len(shapes)) for lengths in columns)


def _common(lengths: Sequence[int | None], *, all_known: bool) -> int | None:
    longer = [n for n in lengths if n is not None and n != 1]
    if longer:
        return min(longer)
    return 1 if all_known and None not in lengths else None


def _shortest(shapes: Sequence[Shape]) -> Shape | None:
    """Return what shapes have in common: the shortest length of each axis."""
    if not shapes or len({len(shape) for shape in shapes}) != 1:
        return None
    sizes = ([n for n in lengths if n is not None] for lengths in zip(*dict.fromkeys(shapes), strict=True))
    return tuple(min(lengths) if lengths else None for lengths in sizes)
