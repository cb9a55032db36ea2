"""Layers with a window on their input: convolutions, pooling, upscaling, padding.

The formulas are those of ``get_output_shape_for`` in ``lasagne/layers/{conv,pool,shape}.py`` (0.1, 0.2.dev1).
"""

from __future__ import annotations

from collections.abc import Sequence

from filtviz.network import Shape, Window
from filtviz.reading.formats.lasagne.rules import UNKNOWN, Case, Geometry, Pads, sane_window
from filtviz.reading.pickle.attributes import Attributes

__all__ = ["convolution", "pad_layer", "pool", "transposed_convolution", "upscale"]


def _spatial(shape: Shape | None, axes: int) -> Shape:
    """Return the last lengths of a shape, all open where the shape is not known or has not as many."""
    return shape[2:] if shape is not None and len(shape) == axes + 2 else (None,) * axes


def _kernel(case: Case) -> tuple[int, ...] | None:
    """Return a convolution's kernel size; cuda-convnet's layers store one number for both axes."""
    return case.facts.wholes("filter_size", axes=2 if len(case.weights) != 3 else 1)


def _pads(facts: Attributes, size: tuple[int, ...] | None) -> Pads | None:
    """Return the padding before and after each axis, None where the file does not tell.

    ``same`` pads with half the filter on both sides, one less behind for an even size (Lasagne's
    documentation).
    """
    if size is None:
        return None
    name = next((name for name in ("crop", "pad", "border_mode") if facts.has(name)), "pad")
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


def convolution(case: Case) -> Geometry:
    """Convolve: ``stride``, ``dilation`` and ``pad`` (in old files ``border_mode``, ``strides``)."""
    size = _kernel(case)
    n = len(size or ())
    dilation = case.facts.wholes("dilation", axes=n) or ()
    stride = case.facts.wholes("stride", "strides", axes=n) or ((1,) * n if dilation else None)
    window = sane_window(size, stride, _pads(case.facts, size), dilation)
    first = case.first
    lengths = [None] * n if window is None else _shrunk(_spatial(first, n), window)
    return Geometry(
        window=window,
        shape=(first[0] if first else None, case.facts.whole("num_filters"), *lengths) if n else None,
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


def transposed_convolution(case: Case) -> Geometry:
    """Convolve backwards: ``crop`` is what the padding was."""
    size = _kernel(case)
    n = len(size or ())
    pads = _pads(case.facts, size)
    if pads is not None and case.facts.word("crop") == "same":
        pads = tuple((k // 2, k // 2) for k in size or ())
    window = sane_window(size, case.facts.wholes("stride", axes=n), pads, transposed=True)
    first = case.first
    lengths: Sequence[int | None] = [None] * n
    if given := case.facts.wholes("output_size", axes=n):
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
        shape=(first[0] if first else None, case.facts.whole("num_filters"), *lengths) if n else None,
        known=window is not None,
    )


def pool(case: Case) -> Geometry:
    """Pool; with ``ignore_border`` off the last window may stand over the border."""
    first = case.first
    n = 2 if first is None else max(1, len(first) - 2)
    size = case.facts.wholes("pool_size", "ds", axes=n)
    stride = case.facts.wholes("stride", "strides", "st", axes=n) or size
    pads = tuple((p, p) for p in case.facts.wholes("pad", axes=n) or (0,) * len(size or ()))
    window = sane_window(size, stride, pads)
    if window is None or first is None or len(first) != len(window.size) + 2:
        return Geometry(window=window, known=window is not None)
    ignores = (
        case.facts.raw("ignore_border") if case.facts.has("ignore_border") else "CC" not in case.facts.type
    )
    lengths = _shrunk(first[2:], window) if ignores else _pooled_to_the_border(first[2:], window)
    return Geometry(window=window, shape=(*first[:2], *lengths))


def _pooled_to_the_border(lengths: Shape, window: Window) -> list[int | None]:
    """Return the lengths after pooling in which the last window may stand over the border."""
    return [
        None if length is None else -(-length // s) if s >= k else max(0, -(-(length - k) // s)) + 1
        for length, k, s in zip(lengths, window.size, window.stride, strict=True)
    ]


def upscale(case: Case) -> Geometry:
    """Repeat each number ``scale_factor`` times."""
    first = case.first
    scale = case.facts.wholes("scale_factor", axes=2 if first is None else max(1, len(first) - 2))
    window = sane_window(scale, scale, tuple((0, 0) for _ in scale or ()), transposed=True)
    if window is None or first is None or len(first) != len(window.size) + 2:
        return Geometry(window=window, known=window is not None)
    lengths = [
        None if length is None else length * s for length, s in zip(first[2:], window.stride, strict=True)
    ]
    return Geometry(window=window, shape=(*first[:2], *lengths))


def pad_layer(case: Case) -> Geometry:
    """Put ``width`` numbers around the axes from ``batch_ndim`` on."""
    first = case.first
    width, batch = case.facts.plain(case.facts.raw("width")), case.facts.whole("batch_ndim")
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
