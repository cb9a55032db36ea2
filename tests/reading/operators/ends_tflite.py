"""Models of TensorFlow Lite's whose parts are missing, of nobody's, or at the end of a rule."""

from __future__ import annotations

import numpy as np

from filtviz.reading.formats.tflite import sparsity
from tests.attacks.flatbuffer_files import Number, integers
from tests.reading.operators.asking import Told
from tests.reading.operators.corners_tflite import _conv, _file
from tests.reading.operators.tflite_parts import _case
from tests.reading.operators.whole_tflite import IMAGE, Model
from tests.reading.operators.wholes import outcome

__all__ = ["ends_of_tflite"]

BEYOND = 99
"""The number of a tensor that is not there."""


def _to(m: Model, end: int, shape: tuple[int, ...] | None) -> int:
    """Let the last operator give a tensor that is not there, where it has no shape."""
    if shape is not None:
        return end
    m.operators[-1].fields[2] = integers(BEYOND)  # type: ignore[index]
    return BEYOND


def _within(m: Model, below: int, own: tuple[int, ...] | None, shape: tuple[int, ...] | None) -> int:
    """Give a convolution within gaps its own shape, and the whole its."""
    spread = m.add("SPACE_TO_BATCH_ND", [below, m.held(2, 2), m.held(2, 2, 2, 4)], (4, 5, 5, 4))
    made = _to(m, _conv(m, spread, own or (), valid=1), own)
    made = m.add("RELU", [made], (4, 3, 3, 4))
    closed = m.add("BATCH_TO_SPACE_ND", [made, m.held(2, 2), m.held(2, 0, 0, 0)], shape or ())
    return m.add("RELU", [_to(m, closed, shape)], IMAGE)


def _repeats(m: Model, words: str, below: int | None = None, times: int | None = None) -> int:
    """Begin a repetition, and end it in some way."""
    last = m.last if below is None else below
    for word in words.split():
        if word == "EXPAND_DIMS":
            last = m.add(word, [last, m.held(2)], (1, 6, 1, 6, 4), is_layer=False)
        elif word == "RESHAPE":
            last = m.add(word, [last], (1, 12, 6, 4), is_layer=False)
        else:
            held = m.held(1, 1, 2, 1, 1) if times is None else times
            last = m.add(word, [last, held], (1, 6, 2, 6, 4), is_layer=False)
    return last


def _ends() -> Told:
    """What has no result, no shape, no number, or is given by nobody."""

    def nothing(m: Model) -> int:
        for word in ("DEQUANTIZE", "RELU"):
            m.add(word, [m.tensor(4, values=np.ones(4, "f4"))])
        return _within(m, m.tensor(*IMAGE), (4, 3, 3, 4), IMAGE)

    yield "nothing made, and gaps of what nobody gives", _file(nothing)
    whole = (4, 3, 3, 4)
    for own, shape in (
        (whole, (1, 36)),
        (whole, None),
        ((4, 9, 4), IMAGE),
        ((4, 9, 4), (1, 36, 4)),
        (None, IMAGE),
    ):
        found = _file(lambda m, o=own, s=shape: _within(m, m.last, o, s))  # type: ignore[misc]
        yield f"{own} within {shape}", found

    def beyond(m: Model) -> int:
        last = _to(m, _conv(m, m.last), None)
        for word in ("SPACE_TO_BATCH_ND", "EXPAND_DIMS", "RESHAPE"):
            m.add(word, [last, m.held(2), m.held(0, 0, 0, 0)], IMAGE)
        return m.last

    yield "of a tensor that is not there", _file(beyond)
    usual = "EXPAND_DIMS TILE RESHAPE"

    def repeats(m: Model) -> int:
        begun = "EXPAND_DIMS RESHAPE", "EXPAND_DIMS ADD RESHAPE", "EXPAND_DIMS TILE TILE RESHAPE", usual
        ends = [_repeats(m, words) for words in begun]
        ends += [_repeats(m, usual, times=one) for one in (m.tensor(5), m.held(1, 1, -1, 1, 1))]
        return m.add("CONCATENATION", [*ends, _repeats(m, usual, m.tensor(*IMAGE))], (1, 12, 6, 28), o0=3)

    yield "repeated and not", _file(repeats)

    def nowhere(m: Model) -> int:
        return _to(m, _repeats(m, usual), None)

    yield "repeated into what is not there", _file(nowhere)

    def lengths(m: Model) -> int:
        for shape in ((0, 6, 6, 4), (1, 1, 0, 4), (-1, 6)):
            held = m.tensor(4, values=np.ones(4, "i4"))
            m.tensors[held].fields[0] = integers(*shape)  # type: ignore[index]
            m.add("ADD", [m.add("RELU", [m.last], shape), held], shape)
        return m.last

    yield "lengths of none", _file(lengths)

    def short(m: Model, size: int) -> int:
        end = _conv(m, m.last)
        m.buffers[1] = {1: Number("Q", 16), 2: Number("Q", size)}
        return end

    for size in (575, 577):
        yield f"a buffer of {size} bytes", _file(lambda m, n=size: short(m, n))  # type: ignore[misc]


def _operators() -> Told:
    """Slices, products and parts where a number ends what is followed."""
    for shape, made in (((2, 6), (6,)), ((2, 6), None), (None, (6,)), ((2, 6), (1, 6))):
        for starts, sizes in (([1, 0], [1, -1]), ([1, 0], [1, 0]), ([1], [1, -1]), ([1, 0, 0], [1, 1, 1])):
            given = {1: starts, 2: sizes}
            yield f"SLICE {shape} {starts} {sizes} {made}", _case("SLICE", given, {0: shape, 50: made})
    for start, options in ((-1, {4: 1}), (1, {4: 1}), (2, {0: 1, 4: 1}), (2, {1: 1}), (2, {0: 1})):
        for more in ([], [0], [0, 0]):
            given = {1: [start, *more], 2: [4, *more], 3: [1, *[1 for _ in more]]}
            found = _case("STRIDED_SLICE", given, {0: (5, 6), 50: (6,)}, options)
            yield f"STRIDED_SLICE from {[start, *more]} {options}", found
    for inputs in ((0,), (0, 0), (0, 0, 0)):
        yield f"BATCH_MATMUL of {inputs}", _case("BATCH_MATMUL", {}, {0: (2, 6, 6)}, inputs=inputs)
    for axis in ({}, {0: [1]}):
        found = _case("SPLIT", axis, {1: (2, 6), 50: (2, 3), 51: (2, 3)}, None, (50, 51), (0, 1), 1)
        yield f"SPLIT along {axis}", found


def _sparse() -> Told:
    """Places within segments that rise from zero, and others."""
    for segments, places, n in (
        ([0, 2], [0, 2], 2),
        ([0, 2], [0, 2, 1], 2),
        ([0, 3], [0, 2], 3),
        ([1, 3], [0, 1, 2], 2),
        ([1, 2], [0, 1], 1),
        ([-1, 2], [0, 1], 3),
        ([2, 1], [0, 1], 1),
        ([0, 2, 1], [0, 1], 2),
        ([0], [0, 1], 0),
        ([], [], 0),
    ):
        held = sparsity._Dimension(size=0, segments=np.array(segments, "i8"), places=np.array(places, "i8"))
        found = outcome(
            lambda d=held, m=n: sparsity._spread((3,), np.arange(1.0, m + 1), (0,), (), [d]),  # type: ignore[misc]
            lambda made: str(made.tolist()),
        )
        yield f"{n} in {segments} at {places}", found


def ends_of_tflite() -> Told:
    """All of it."""
    yield from _ends()
    yield from _operators()
    yield from _sparse()
