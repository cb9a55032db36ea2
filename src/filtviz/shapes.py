"""What operations do to shapes: the shape of what they give, and which of them look through a window.

Shapes follow ``get_output_shape_for`` in ``lasagne/layers/*.py`` (0.1, 0.2.dev1). What the file does not tell
stays None; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from filtviz.network import Layer, Network
from filtviz.operations import (
    LONGEST,
    MOST_AXES,
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
from filtviz.windows import Window, positions

__all__ = [
    "layer_window",
    "output_shape",
    "same_lengths",
    "same_padding",
    "sane_shape",
    "window_of",
]


def window_of(operation: Operation, below: Shape | None) -> Window | None:
    """Return how an operation looks at its input of shape ``below``, or None where no window is told."""
    match operation:
        case Convolution() | LocallyConnected() | Pooling() | GlobalPooling() | Pad() | Upscale():
            return operation.window(below)
        case (
            Input()
            | Dense()
            | Embedding()
            | Recurrent()
            | Normalisation()
            | Standardisation()
            | Activation()
            | ChannelPooling()
            | LocalResponse()
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
            | Softmax()
            | Identity()
            | Untold()
        ):
            return None
    assert_never(operation)


def layer_window(layer: Layer, network: Network) -> Window | None:
    """Return the window of the first of a layer's operations that has one, or None."""
    shapes = [network.layers[i].output_shape for i in layer.inputs]
    for operation in layer.operations:
        window = window_of(operation, shapes[0] if shapes else None)
        if window is not None:
            return window
        shapes = [output_shape(operation, shapes)]
    return None


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


def output_shape(operation: Operation, shapes: Sequence[Shape | None]) -> Shape | None:
    """Return what an operation makes of inputs of these shapes; lengths beyond reason are left open."""
    shape = _output_shape(operation, shapes)
    return None if shape is None else sane_shape(shape)


def sane_shape(shape: Shape) -> Shape | None:
    """Return a shape with lengths beyond reason left open, None for one of too many axes."""
    if len(shape) > MOST_AXES:
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
            return None if not first else (first[0], operation.units, *first[2:])
        case Dense():
            if not first and operation.leading_axes != 1:
                return None
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
        case Resize():
            return None if first is None else (*first[:2], *operation.lengths(first[2:]))
        case Reduction():
            return _reduced(operation, first)
        case MatrixProduct():
            return _multiplied(operation, shapes)
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
        case Normalisation() | Standardisation() | Activation() | LocalResponse() | Softmax() | Identity():
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
    return (batch, _units_given(operation, first), *lengths)


def _units_given(operation: Convolution | LocallyConnected, first: Shape | None) -> int:
    """Return the channels that it gives; each group of a transposed one may have all filters for its own."""
    n, groups = operation.n_filters, operation.groups if isinstance(operation, Convolution) else None
    is_spread = isinstance(operation, Convolution) and operation.transposed
    below = first[1] if first is not None and len(first) > 1 else None
    return n * groups if is_spread and groups and below == operation.n_channels else n


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


def _reduced(operation: Reduction, first: Shape | None) -> Shape | None:
    if first is None or any(not -len(first) <= axis < len(first) for axis in operation.axes):
        return None
    gone = {axis % len(first) for axis in operation.axes}
    if operation.keeps:
        return tuple(1 if axis in gone else n for axis, n in enumerate(first))
    return tuple(n for axis, n in enumerate(first) if axis not in gone)


def _multiplied(operation: MatrixProduct, shapes: Sequence[Shape | None]) -> Shape | None:
    left, right = shapes if len(shapes) == 2 else (None, None)
    if left is None or right is None or len(left) != len(right) or len(left) < 3:
        return None
    outer = _merged(Merge(kind="add"), [left[:-2], right[:-2]])
    rows, cols = left[-1 if operation.turned[0] else -2], right[-2 if operation.turned[1] else -1]
    return None if outer is None else (*outer, rows, cols)


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
            known = () if first is None or len(length) != 1 or length[0] < 0 else first[length[0] :]
            shape.append(known[0] if known else None)
        else:
            shape.append(length if length >= 0 else None)
    if first is not None and wanted.count(-1) == 1:
        # What stays as it is counts on both sides, also where it is open.
        stays = [length for length in wanted if isinstance(length, tuple) and len(length) == 1]
        stays = stays if len(set(stays)) == len(stays) else []
        have = [n for axis, n in enumerate(first) if (axis,) not in stays]
        others = [n for length, n in zip(wanted, shape, strict=True) if length != -1 and length not in stays]
        if None not in have and None not in others and _count(others):  # type: ignore[arg-type]
            shape[wanted.index(-1)] = _count(have) // _count(others)  # type: ignore[arg-type]
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
    if length is None or not operation.is_told or operation.step == 0:
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
    if len({len(shape) for shape in known}) != 1:
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
    if len({len(shape) for shape in shapes}) != 1:
        return None
    sizes = ([n for n in lengths if n is not None] for lengths in zip(*dict.fromkeys(shapes), strict=True))
    return tuple(min(lengths) if lengths else None for lengths in sizes)
