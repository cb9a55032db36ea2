"""How each kind of layer looks at its input, and the shape of what it gives: Lasagne's own rules.

Each rule takes the layer's `Facts`, the shapes of its inputs ``(batch, channels, rows, cols)`` and the shape of
its ``W``, and returns a `Geometry`. What the file does not tell stays None; nothing is guessed. The formulas are
those of ``get_output_shape_for`` in ``lasagne/layers/{conv,pool,shape,merge,dense}.py`` (0.1 and 0.2.dev1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from filtviz.network import Shape, Window
from filtviz.reading.arrays import count
from filtviz.reading.lasagne.facts import Facts

__all__ = ["Geometry", "geometry_of", "is_convolution", "sane_window"]

Shapes = Sequence[Shape | None]
Pads = tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """A layer's ``window`` on its input, the ``shape`` that it gives, and whether the window is ``known``."""

    window: Window | None = None
    shape: Shape | None = None
    known: bool = True


Rule = Callable[[Facts, Shapes, tuple[int, ...]], Geometry]

UNKNOWN = Geometry(known=False)


def is_convolution(facts: Facts, weights: tuple[int, ...] | None) -> bool:
    """Tell a convolution or a kin of it by its state, so that a user's own subclass is one too."""
    return (
        weights is not None and len(weights) >= 3 and (facts.has("filter_size") or facts.has("num_filters"))
    )


def geometry_of(facts: Facts, inputs: Shapes, weights: tuple[int, ...] | None) -> Geometry:
    """Return the geometry of a layer by the rule for its class, or for what its attributes make it."""
    if is_convolution(facts, weights):
        transposed = facts.has("crop") or facts.type.startswith(("Transposed", "Deconv"))
        rule: Rule | None = _transposed_convolution if transposed else _convolution
    else:
        rule = _RULES.get(facts.type) or next((r for names, r in _BY_ATTRIBUTES if facts.has(*names)), None)
    return UNKNOWN if rule is None else rule(facts, inputs, weights or ())


def _first(inputs: Shapes) -> Shape | None:
    return inputs[0] if inputs else None


def _spatial(shape: Shape | None, axes: int) -> Shape:
    """Return the last lengths of a shape, all open where the shape is not known or has not as many."""
    return shape[2:] if shape is not None and len(shape) == axes + 2 else (None,) * axes


def sane_window(
    size: tuple[int, ...] | None,
    stride: tuple[int, ...] | None,
    pad: Pads | None,
    dilation: tuple[int, ...] = (),
    *,
    transposed: bool = False,
) -> Window | None:
    """Make a window if its numbers can be one: as many of each, all above zero."""
    if (
        size is None
        or stride is None
        or len(size) != len(stride)
        or (dilation and len(dilation) != len(size))
    ):
        return None
    if min(*size, *stride, *dilation, 1) < 1 or (pad is not None and len(pad) != len(size)):
        return None
    return Window(size=size, stride=stride, pad=pad, dilation=dilation, transposed=transposed)


def _kernel(facts: Facts, weights: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return a convolution's kernel size; cuda-convnet's layers of Lasagne 0.1 store one number for both axes."""
    return facts.wholes("filter_size", axes=2 if len(weights) != 3 else 1)


def _pads(facts: Facts, size: tuple[int, ...] | None) -> Pads | None:
    """Return the padding before and after each axis, None where the file does not tell.

    ``same`` pads with half the filter on both sides, one less behind for an even size (Lasagne's documentation).
    """
    if size is None:
        return None
    name = next((name for name in ("pad", "crop", "border_mode") if facts.has(name)), "pad")
    match facts.word(name):
        case "valid":
            return tuple((0, 0) for _ in size)
        case "full":
            return tuple((k - 1, k - 1) for k in size)
        case "same" | "half":
            return tuple((k // 2, (k - 1) // 2) for k in size)
    lengths = facts.wholes(name, axes=len(size))
    if lengths is None and not facts.has(name):
        lengths = (0,) * len(size)
    return None if lengths is None or len(lengths) != len(size) else tuple((p, p) for p in lengths)


def _convolution(facts: Facts, inputs: Shapes, weights: tuple[int, ...]) -> Geometry:
    size = _kernel(facts, weights)
    n = len(size or ())
    dilation = facts.wholes("dilation", axes=n) or ()
    stride = facts.wholes("stride", "strides", axes=n) or ((1,) * n if dilation else None)
    window = sane_window(size, stride, _pads(facts, size), dilation)
    first = _first(inputs)
    lengths = [None] * n if window is None else _shrunk(_spatial(first, n), window)
    return Geometry(
        window=window,
        shape=(first[0] if first else None, facts.whole("num_filters"), *lengths) if n else None,
        known=window is not None,
    )


def _shrunk(lengths: Shape, window: Window) -> list[int | None]:
    """Return the lengths after a window has gone over them: only whole windows count."""
    if window.pad is None:
        return [None] * len(lengths)
    return [
        None if length is None else max(0, (length + before + after - (k - 1) * d - 1) // s + 1)
        for length, k, s, d, (before, after) in zip(
            lengths, window.size, window.stride, window.dilation, window.pad, strict=True
        )
    ]


def _transposed_convolution(facts: Facts, inputs: Shapes, weights: tuple[int, ...]) -> Geometry:
    size = _kernel(facts, weights)
    n = len(size or ())
    pads = _pads(facts, size)
    if pads is not None and facts.word("crop") == "same":
        pads = tuple((k // 2, k // 2) for k in size or ())
    window = sane_window(size, facts.wholes("stride", axes=n), pads, transposed=True)
    first = _first(inputs)
    lengths: Sequence[int | None] = [None] * n
    if given := facts.wholes("output_size", axes=n):
        lengths = given
    elif window is not None and window.pad is not None:
        lengths = [
            None if length is None else max(0, (length - 1) * s - before - after + k)
            for length, k, s, (before, after) in zip(
                _spatial(first, n), window.size, window.stride, window.pad, strict=True
            )
        ]
    return Geometry(
        window=window,
        shape=(first[0] if first else None, facts.whole("num_filters"), *lengths) if n else None,
        known=window is not None,
    )


def _pool(facts: Facts, inputs: Shapes, weights: tuple[int, ...]) -> Geometry:  # noqa: ARG001
    first = _first(inputs)
    n = 2 if first is None else max(1, len(first) - 2)
    size = facts.wholes("pool_size", "ds", axes=n)
    stride = facts.wholes("stride", "strides", "st", axes=n) or size
    pads = tuple((p, p) for p in facts.wholes("pad", axes=n) or (0,) * len(size or ()))
    window = sane_window(size, stride, pads)
    if window is None or first is None or len(first) != len(window.size) + 2:
        return Geometry(window=window, known=window is not None)
    ignores = facts.raw("ignore_border") if facts.has("ignore_border") else "CC" not in facts.type
    lengths = _shrunk(first[2:], window) if ignores else _pooled_to_the_border(first[2:], window)
    return Geometry(window=window, shape=(*first[:2], *lengths))


def _pooled_to_the_border(lengths: Shape, window: Window) -> list[int | None]:
    """Return the lengths after pooling in which the last window may stand over the border."""
    return [
        None if length is None else -(-length // s) if s >= k else max(0, -(-(length - k) // s)) + 1
        for length, k, s in zip(lengths, window.size, window.stride, strict=True)
    ]


def _upscale(facts: Facts, inputs: Shapes, weights: tuple[int, ...]) -> Geometry:  # noqa: ARG001
    first = _first(inputs)
    scale = facts.wholes("scale_factor", axes=2 if first is None else max(1, len(first) - 2))
    window = sane_window(scale, scale, tuple((0, 0) for _ in scale or ()), transposed=True)
    if window is None or first is None or len(first) != len(window.size) + 2:
        return Geometry(window=window, known=window is not None)
    lengths = [
        None if length is None else length * s for length, s in zip(first[2:], window.stride, strict=True)
    ]
    return Geometry(window=window, shape=(*first[:2], *lengths))


def _sees_all(inputs: Shapes) -> Geometry:
    """Return the geometry of a layer each of whose units sees the whole image."""
    spatial = (_first(inputs) or ())[2:]
    size = tuple(length for length in spatial if length)
    if not spatial or len(size) != len(spatial):
        return Geometry(known=False)
    return Geometry(window=Window(size=size, stride=size, pad=tuple((0, 0) for _ in size)))


def _dense(facts: Facts, inputs: Shapes, weights: tuple[int, ...]) -> Geometry:
    first = _first(inputs)
    leading = facts.whole("num_leading_axes") or 1
    units = facts.whole("num_units")
    if units is None and len(weights) == 2:
        units = weights[1]
    seen = _sees_all(inputs)
    return Geometry(
        window=seen.window,
        shape=(*(first[:leading] if first else (None,)), units),
        known=seen.known or (first is not None and len(first) == 2),
    )


def _global_pool(facts: Facts, inputs: Shapes, weights: tuple[int, ...]) -> Geometry:  # noqa: ARG001
    first = _first(inputs)
    seen = _sees_all(inputs)
    return Geometry(window=seen.window, shape=None if first is None else first[:2], known=seen.known)


def _pad(facts: Facts, inputs: Shapes, weights: tuple[int, ...]) -> Geometry:  # noqa: ARG001
    first = _first(inputs)
    width, batch = facts.plain(facts.raw("width")), facts.whole("batch_ndim")
    if first is None or batch is None or not 0 <= batch <= len(first):
        return UNKNOWN
    widths = (width,) * (len(first) - batch) if type(width) is int else width
    if type(widths) is not tuple or len(widths) != len(first) - batch:
        return UNKNOWN
    pads = tuple(w if type(w) is tuple else (w, w) for w in widths)
    if not all(len(pad) == 2 and all(type(p) is int for p in pad) for pad in pads):
        return UNKNOWN
    lengths = [None if n is None else n + sum(pad) for n, pad in zip(first[batch:], pads, strict=True)]
    ones = (1,) * len(pads)
    window = sane_window(ones, ones, pads) if batch == 2 else None
    return Geometry(window=window, shape=(*first[:batch], *lengths), known=window is not None)


def _unchanged(facts: Facts, inputs: Shapes, weights: tuple[int, ...]) -> Geometry:  # noqa: ARG001
    return Geometry(shape=_first(inputs))


def _input(facts: Facts, inputs: Shapes, weights: tuple[int, ...]) -> Geometry:  # noqa: ARG001
    return Geometry(shape=facts.shape("shape"))


def _network_in_network(facts: Facts, inputs: Shapes, weights: tuple[int, ...]) -> Geometry:  # noqa: ARG001
    first = _first(inputs)
    return Geometry(shape=None if first is None else (first[0], facts.whole("num_units"), *first[2:]))


def _feature_pool(facts: Facts, inputs: Shapes, weights: tuple[int, ...]) -> Geometry:  # noqa: ARG001
    first, size = _first(inputs), facts.whole("pool_size")
    axis = facts.whole("axis")
    if first is None or not size or axis is None or not -len(first) <= axis < len(first):
        return Geometry(known=axis == 1)
    shape = list(first)
    length = shape[axis]
    shape[axis] = None if length is None else length // size
    return Geometry(shape=tuple(shape), known=axis == 1)


def _flatten(facts: Facts, inputs: Shapes, weights: tuple[int, ...]) -> Geometry:  # noqa: ARG001
    first, keep = _first(inputs), (facts.whole("outdim") or 2) - 1
    if first is None or not 0 <= keep < len(first):
        return UNKNOWN
    rest = [length for length in first[keep:] if length is not None]
    total = count(rest) if len(rest) == len(first) - keep else None
    return Geometry(shape=(*first[:keep], total), known=False)


def _reshape(facts: Facts, inputs: Shapes, weights: tuple[int, ...]) -> Geometry:  # noqa: ARG001
    first, wanted = _first(inputs), facts.plain(facts.raw("shape"))
    if type(wanted) is not tuple:
        return UNKNOWN
    shape: list[int | None] = []
    for length in wanted:
        if type(length) is tuple:  # [i]: as long as axis i of the input
            known = first is not None and len(length) == 1 and 0 <= length[0] < len(first)
            shape.append(first[length[0]] if first is not None and known else None)
        else:
            shape.append(length if type(length) is int and length >= 0 else None)
    if first is not None and wanted.count(-1) == 1:
        have = [n for n in first if n is not None]
        others = [n for i, n in enumerate(shape) if n is not None and wanted[i] != -1]
        if len(have) == len(first) and len(others) == len(shape) - 1 and count(others):
            shape[wanted.index(-1)] = count(have) // count(others)
    return Geometry(shape=tuple(shape), known=False)


def _dimshuffle(facts: Facts, inputs: Shapes, weights: tuple[int, ...]) -> Geometry:  # noqa: ARG001
    first, pattern = _first(inputs), facts.plain(facts.raw("pattern"))
    if first is None or type(pattern) is not tuple:
        return UNKNOWN
    shape = [first[p] if type(p) is int and 0 <= p < len(first) else 1 if p == "x" else None for p in pattern]
    return Geometry(shape=tuple(shape), known=pattern == tuple(range(len(first))))


def _slice(facts: Facts, inputs: Shapes, weights: tuple[int, ...]) -> Geometry:  # noqa: ARG001
    first, axis, index = _first(inputs), facts.whole("axis"), facts.whole("slice")
    if first is None or axis is None or not -len(first) <= axis < len(first):
        return UNKNOWN
    axis %= len(first)
    if index is not None:
        return Geometry(shape=(*first[:axis], *first[axis + 1 :]), known=False)
    return Geometry(shape=(*first[:axis], None, *first[axis + 1 :]), known=axis < 2)


def _concat(facts: Facts, inputs: Shapes, weights: tuple[int, ...]) -> Geometry:  # noqa: ARG001
    shapes = [shape for shape in inputs if shape is not None]
    axis = facts.whole("axis") if facts.has("axis") else 1
    merged = _merged(shapes) if len(shapes) == len(inputs) else None
    if merged is None or axis is None or not -len(merged) <= axis < len(merged):
        return Geometry(known=axis == 1)
    lengths = [length for shape in shapes if (length := shape[axis]) is not None]
    shape = list(merged)
    shape[axis] = sum(lengths) if len(lengths) == len(shapes) else None
    return Geometry(shape=tuple(shape), known=axis % len(merged) == 1)


def _elementwise(facts: Facts, inputs: Shapes, weights: tuple[int, ...]) -> Geometry:  # noqa: ARG001
    return Geometry(shape=_merged([shape for shape in inputs if shape is not None]))


def _merged(shapes: Sequence[Shape]) -> Shape | None:
    """Return what shapes have in common; the shortest where they are cropped to each other."""
    if not shapes or len({len(shape) for shape in shapes}) != 1:
        return None
    sizes = ([n for n in lengths if n is not None] for lengths in zip(*shapes, strict=True))
    return tuple(min(lengths) if lengths else None for lengths in sizes)


_RULES: dict[str, Rule] = {
    "InputLayer": _input,
    "DenseLayer": _dense,
    "NINLayer": _network_in_network,
    "GlobalPoolLayer": _global_pool,
    "FeaturePoolLayer": _feature_pool,
    "PadLayer": _pad,
    "FlattenLayer": _flatten,
    "ReshapeLayer": _reshape,
    "DimshuffleLayer": _dimshuffle,
    "SliceLayer": _slice,
    "ConcatLayer": _concat,
    "ElemwiseSumLayer": _elementwise,
    "ElemwiseMergeLayer": _elementwise,
    **dict.fromkeys(
        (
            "DropoutLayer", "GaussianNoiseLayer", "BatchNormLayer", "BatchNormDNNLayer", "NonlinearityLayer",
            "BiasLayer", "ScaleLayer", "ParametricRectifierLayer", "RandomizedRectifierLayer",
            "LocalResponseNormalization2DLayer", "StandardizationLayer", "FeatureWTALayer",
        ),
        _unchanged,
    ),
}  # fmt: skip
"""Lasagne's class → its rule."""

_BY_ATTRIBUTES: tuple[tuple[tuple[str, ...], Rule], ...] = (
    (("pool_size", "stride"), _pool),
    (("ds",), _pool),
    (("scale_factor",), _upscale),
    (("num_units", "W"), _dense),
)
"""Attributes that make a layer what it is, whatever its class is called → its rule."""
