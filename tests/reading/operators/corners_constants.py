"""What TensorFlow's nodes make of constants and of lengths, at each boundary."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from filtviz.parameter import Parameter
from filtviz.reading.formats.tensorflow import folding
from filtviz.reading.limits import Computing
from filtviz.reading.shape_arithmetic import Lengths, lengths_of
from tests.reading.operators.asking import Told, message, numbers_of, part
from tests.reading.operators.corners_tensorflow import held, ramp
from tests.reading.operators.small_parts import together
from tests.reading.operators.whole_tensorflow import attribute

__all__ = ["corners_of_constants"]

Rows = list[tuple[str, str]]


def made(
    operator: str,
    *given: Any,
    known: dict[str, folding.Folded] | None = None,
    room: int = 1 << 30,
    **facts: Any,
) -> str:
    """What a node makes of constants (arrays), of numbers (lists), and of lengths."""
    whole = [held(one, "i4", "n") if isinstance(one, list | int) else one for one in given]
    computing = Computing(present=0)
    before = computing.left
    computing.left = min(before, room)
    found = folding.folded(
        operator,
        {name: message(attribute(value)) for name, value in facts.items()},
        [one if isinstance(one, Parameter) else None for one in whole],
        [one if isinstance(one, Lengths) else None for one in whole],
        known or {},
        computing,
    )
    spent = min(before, room) - computing.left
    if isinstance(found, Lengths):
        return f"{found.array.shape} {[one.value for one in found.numbers]} {'real' * found.is_real}"
    if isinstance(found, Parameter):
        return f"{numbers_of(found.value)} {found.source}"
    if found is None:
        return "nothing"
    parts = " ".join(one.source for one in found.parts)
    with np.errstate(all="ignore"):
        read = numbers_of(found.parameter.value)
    return f"{read} of ({parts}) {found.depth} {'line' * found.is_line} {spent}"


def _folded() -> Told:
    rows: Rows = []
    three, four, square = (
        lengths_of([2, None, 4]),
        lengths_of([1, 2, 3, 4]),
        lengths_of([1, 2, 3, 4]).reshaped([2, 2]),
    )
    some: dict[str, Any] = {
        "three": three,
        "four": four,
        "square": square,
        "number": lengths_of([5], is_scalar=True),
        "one": lengths_of([5]),
        "half": lengths_of([2.5, -1.5]),
        "held": [2, 3],
        "held number": 3,
        "real": held([2.0, 3.0]),
        "real number": held(2.0),
        "none": None,
    }
    for name, one in some.items():
        for start, stop in ((0, 1), (1, 3), (-1, 5), (2, 0)):
            for facts in (
                {},
                {"begin_mask": 1},
                {"end_mask": 1},
                {"begin_mask": 2, "end_mask": 3},
                {"shrink_axis_mask": 1},
                {"shrink_axis_mask": 2},
                {"ellipsis_mask": 1},
                {"new_axis_mask": 1},
            ):
                rows.append(
                    (
                        f"StridedSlice {name} {start}:{stop} {facts}",
                        made("StridedSlice", one, [start], [stop], [1], **facts),
                    )
                )
        rows += [
            (f"StridedSlice {name} by {step}", made("StridedSlice", one, [2], [0], step))
            for step in ([-1], [0], -1, [1, 1])
        ]
        rows += [(f"StridedSlice {name} of {n}", made("StridedSlice", one, *[[0]] * n)) for n in (0, 1, 2)]
        for word in (
            "Prod",
            "ExpandDims",
            "Squeeze",
            "Identity",
            "Floor",
            "Ceil",
            "Reshape",
            "Pack",
            "Cast",
            "ConcatV2",
            "GatherV2",
            "Add",
            "Dream",
        ):
            rows.append((f"{word} {name}", made(word, one)))
        rows += [
            (f"Prod {name} kept", made("Prod", one, keep_dims=1)),
            (f"Pack {name} behind", made("Pack", one, one, axis=1)),
        ]
        rows += [
            (f"Cast {name} {code}", made("Cast", one, DstT=part(6, code))) for code in (0, 1, 2, 3, 9, 14, 19)
        ]
        rows += [
            (f"Reshape {name} {wanted}", made("Reshape", one, wanted))
            for wanted in ([-1], [2, 2], [1], [2, 1], [], [3])
        ]
        rows += [
            (f"{word} {name} {axis}", made(word, one, axis))
            for word in ("ExpandDims", "Squeeze")
            for axis in ([0], [1])
        ]
        for other, two in some.items():
            rows += [
                (f"{word} {name} {other}", made(word, one, two))
                for word in ("Add", "Sub", "FloorDiv", "RealDiv", "FloorMod", "Maximum", "Pack", "GatherV2")
            ]
            rows += [
                (f"ConcatV2 {name} {other} {axis}", made("ConcatV2", one, two, axis)) for axis in (0, 1, -1)
            ]
        rows += [
            (f"GatherV2 {name} {places} {axis}", made("GatherV2", one, places, axis))
            for places in ([0], [1, 0], 1, -1, 3)
            for axis in (0, 1, [0, 1])
        ]
    yield from together(((asked, answer) for asked, answer in rows if answer != "nothing"), "lengths")
    yield "nothing of lengths", str(sum(answer == "nothing" for _, answer in rows))
    rows = []
    arrays = {
        "three": held([1, 4, 0.25], name="a"),
        "others": held([2, 1, 4], name="b"),
        "number": held(0.5, name="c"),
        "double": held([2, 3, 4], "f8", "d"),
        "square": held([[1, 2, 3]], name="e"),
        "wholes": held([1, 2, 3], "i4", "g"),
        "two": held([1, 2], name="h"),
    }
    for word in (*folding._ARITHMETIC, "Div", "Pow"):
        for name, one in arrays.items():
            rows.append((f"{word} {name}", made(word, one)))
            rows += [(f"{word} {name} {other}", made(word, one, two)) for other, two in arrays.items()]
            rows.append((f"{word} {name} and nothing", made(word, one, None)))
        rows.append((f"{word} of three", made(word, *[arrays["three"]] * 3)))
    yield from together(((asked, answer) for asked, answer in rows if answer != "nothing"), "arrays")
    yield "nothing of arrays", str(sum(answer == "nothing" for _, answer in rows))
    rows = []
    for word, shape in itertools.product(
        ("Reshape", "Squeeze", "ExpandDims", "Identity"),
        ((), (6,), (1, 6), (1, 1, 6, 1), (2, 3), (2, 3, 4), (1, 1, 1), (1, 2, 3), (2, 3, 4, 1)),
    ):
        for more in ((), ([0],), ([-4],), ([1],), ([0, 1],), (held([0.0]),)):
            rows.append(
                (
                    f"{word} {shape} {[one if isinstance(one, list) else 'real' for one in more]}",
                    made(word, ramp(*shape), *more),
                )
            )
    rows += [(f"{word} of nothing", made(word)) for word in ("Reshape", "Add")]
    yield from together(rows, "axes")
    a, b, c = arrays["three"], arrays["others"], arrays["number"]
    for depth in (1, 14, 15, 16):
        known = {"a": folding.Folded(parameter=a, parts=(b, c), depth=depth)}
        for word, given in (
            ("Add", (a, b)),
            ("Add", (b, a)),
            ("Sqrt", (a,)),
            ("Reshape", (held([[1, 4, 0.25]], name="a"), [3])),
            ("Mul", (a, a)),
        ):
            names = " ".join(one.name if isinstance(one, Parameter) else str(one) for one in given)
            yield f"{word} of {names} at {depth}", made(word, *given, known=known)
    for room in (119, 120, 121):
        yield f"with {room} operations left", made("Add", a, c, room=room)


def _ends() -> Told:
    """Numbers of which one is missing, or too many are there, and arrays that were computed before."""
    many = held(np.arange(80), "i4")
    yield from {
        "Pack of nothing": made("Pack"),
        "Neg of nothing": made("Neg"),
        "Pack of many": made("Pack", 3, many),
        "Identity of many": made("Identity", many),
        "Reshape of many": made("Reshape", many, [8, 10]),
        "StridedSlice from two": made("StridedSlice", [4, 5, 6], [0, 1], [2], [1]),
        "StridedSlice to two": made("StridedSlice", [4, 5, 6], [0], [2, 3], [1]),
        "ConcatV2 along two": made("ConcatV2", [4], [5], [0, 1]),
        "ConcatV2 along one of nothing": made("ConcatV2", [0]),
        "Squeeze of two": made("Squeeze", [4, 5]),
    }.items()
    a, b = held([1.0, 2.0], name="a"), held([1.0, 2.0], name="b")
    for depths in ((1, 15), (15, 1), (1, 16), (16, 1)):
        pairs = zip("ab", (a, b), depths, strict=True)
        known = {name: folding.Folded(parameter=one, parts=(one,), depth=depth) for name, one, depth in pairs}
        yield f"Add of what is {depths} deep", made("Add", a, b, known=known)


def corners_of_constants() -> Told:
    """All of it."""
    yield from _folded()
    yield from _ends()
