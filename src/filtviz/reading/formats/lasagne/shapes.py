"""Layers that see all of their input, or change its shape, or leave it alone.

The formulas are those of ``get_output_shape_for`` in ``lasagne/layers/{dense,shape,merge,pool}.py`` (0.1 and
0.2.dev1).
"""

from __future__ import annotations

from collections.abc import Sequence

from filtviz.network import Shape, Window
from filtviz.reading.arrays import count
from filtviz.reading.formats.lasagne.rules import UNKNOWN, Case, Geometry

__all__ = [
    "concat",
    "dense",
    "dimshuffle",
    "elementwise",
    "feature_pool",
    "flatten",
    "global_pool",
    "input_layer",
    "network_in_network",
    "reshape",
    "slice_layer",
    "unchanged",
]


def _sees_all(case: Case) -> Geometry:
    """Return the geometry of a layer each of whose units sees the whole image."""
    spatial = (case.first or ())[2:]
    size = tuple(length for length in spatial if length)
    if not spatial or len(size) != len(spatial):
        return Geometry(known=False)
    return Geometry(window=Window(size=size, stride=size, pad=tuple((0, 0) for _ in size)))


def dense(case: Case) -> Geometry:
    """Each unit sees all of its input."""
    first = case.first
    leading = case.facts.whole("num_leading_axes") or 1
    units = case.facts.whole("num_units")
    if units is None and len(case.weights) == 2:
        units = case.weights[1]
    seen = _sees_all(case)
    return Geometry(
        window=seen.window,
        shape=(*(first[:leading] if first else (None,)), units),
        known=seen.known or (first is not None and len(first) == 2),
    )


def global_pool(case: Case) -> Geometry:
    """Each channel becomes one number."""
    first = case.first
    seen = _sees_all(case)
    return Geometry(window=seen.window, shape=None if first is None else first[:2], known=seen.known)


def unchanged(case: Case) -> Geometry:
    """The input's shape stays."""
    return Geometry(shape=case.first)


def input_layer(case: Case) -> Geometry:
    """The file states the shape."""
    return Geometry(shape=case.facts.shape("shape"))


def network_in_network(case: Case) -> Geometry:
    """A dense layer at each position: only the channels change."""
    first = case.first
    return Geometry(shape=None if first is None else (first[0], case.facts.whole("num_units"), *first[2:]))


def feature_pool(case: Case) -> Geometry:
    """Channels are pooled in groups of ``pool_size``."""
    first, size = case.first, case.facts.whole("pool_size")
    axis = case.facts.whole("axis")
    if first is None or not size or axis is None or not -len(first) <= axis < len(first):
        return Geometry(known=axis == 1)
    shape = list(first)
    length = shape[axis]
    shape[axis] = None if length is None else length // size
    return Geometry(shape=tuple(shape), known=axis == 1)


def flatten(case: Case) -> Geometry:
    """The axes from ``outdim`` on become one."""
    first, keep = case.first, (case.facts.whole("outdim") or 2) - 1
    if first is None or not 0 <= keep < len(first):
        return UNKNOWN
    rest = [length for length in first[keep:] if length is not None]
    total = count(rest) if len(rest) == len(first) - keep else None
    return Geometry(shape=(*first[:keep], total), known=False)


def reshape(case: Case) -> Geometry:
    """``shape`` holds lengths, ``[i]`` for the length of the input's axis i, and -1 for what remains."""
    first, wanted = case.first, case.facts.plain(case.facts.raw("shape"))
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


def dimshuffle(case: Case) -> Geometry:
    """The axes are put in another order, and new ones of length 1 put in."""
    first, pattern = case.first, case.facts.plain(case.facts.raw("pattern"))
    if first is None or type(pattern) is not tuple:
        return UNKNOWN
    shape = [first[p] if type(p) is int and 0 <= p < len(first) else 1 if p == "x" else None for p in pattern]
    return Geometry(shape=tuple(shape), known=pattern == tuple(range(len(first))))


def slice_layer(case: Case) -> Geometry:
    """A part of one axis, or one place of it."""
    first, axis, index = case.first, case.facts.whole("axis"), case.facts.whole("slice")
    if first is None or axis is None or not -len(first) <= axis < len(first):
        return UNKNOWN
    axis %= len(first)
    if index is not None:
        return Geometry(shape=(*first[:axis], *first[axis + 1 :]), known=False)
    return Geometry(shape=(*first[:axis], None, *first[axis + 1 :]), known=axis < 2)


def concat(case: Case) -> Geometry:
    """The inputs are joined along one axis."""
    shapes = [shape for shape in case.inputs if shape is not None]
    axis = case.facts.whole("axis") if case.facts.has("axis") else 1
    merged = _merged(shapes) if len(shapes) == len(case.inputs) else None
    if merged is None or axis is None or not -len(merged) <= axis < len(merged):
        return Geometry(known=axis == 1)
    lengths = [length for shape in shapes if (length := shape[axis]) is not None]
    shape = list(merged)
    shape[axis] = sum(lengths) if len(lengths) == len(shapes) else None
    return Geometry(shape=tuple(shape), known=axis % len(merged) == 1)


def elementwise(case: Case) -> Geometry:
    """The inputs are added or merged number by number."""
    return Geometry(shape=_merged([shape for shape in case.inputs if shape is not None]))


def _merged(shapes: Sequence[Shape]) -> Shape | None:
    """Return what shapes have in common; the shortest where they are cropped to each other."""
    if not shapes or len({len(shape) for shape in shapes}) != 1:
        return None
    sizes = ([n for n in lengths if n is not None] for lengths in zip(*shapes, strict=True))
    return tuple(min(lengths) if lengths else None for lengths in sizes)
