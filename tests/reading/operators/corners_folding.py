"""What ONNX's nodes make of constants at each boundary: what is told alike stands together."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.parameter import Parameter
from filtviz.reading.arrays import ComputedArray, narrow_dtype, parameter_of
from filtviz.reading.formats.onnx import cases
from filtviz.reading.formats.onnx.constant_folding import ALWAYS, folded
from filtviz.reading.quantised import Scale
from tests.reading.operators.asking import Told, message, numbers_of
from tests.reading.operators.onnx import _onnx_attribute
from tests.reading.operators.small_parts import together
from tests.telling import refused

__all__ = ["attributes", "constants", "corners_of_folding", "fold", "held", "ramp"]

Given = Any
Rows = list[tuple[str, str]]


def held(values: Any, kind: str = "f4", source: str = "w", **facts: Any) -> cases.Constant:
    """An array that a node is given."""
    return cases.Constant(parameter=Parameter.of("n", np.asarray(values, kind), source), **facts)


def ramp(*shape: int, kind: str = "f4", **facts: Any) -> cases.Constant:
    """One of this shape, whose numbers all differ."""
    return held(np.arange(1, 1 + int(np.prod(shape))).reshape(shape), kind, **facts)


def constants(given: Sequence[Given]) -> list[cases.Constant | None]:
    """Constants as they are, and whole numbers for lists."""
    return [held(one, "i8", "") if isinstance(one, list | int) else one for one in given]


def attributes(facts: dict[str, Any]) -> cases.NodeAttributes:
    return cases.NodeAttributes({name: message(_onnx_attribute(value)) for name, value in facts.items()})


def fold(operator: str, *given: Given, output: int = 0, n_outputs: int = 1, **facts: Any) -> str:
    """What a node makes of constants: a list stands for small whole numbers."""
    case = cases.Case(
        operator=operator,
        attributes=attributes(facts),
        given=constants(given),
        shapes=(),
        opset=13,
        output=output,
        n_outputs=n_outputs,
    )
    with np.errstate(all="ignore"):
        found = folded(case)
        if found is None or found.made is None:
            return "nothing"
        made, one = found.made, found.parameter
        try:
            read = numbers_of(one.value) if one.size < ALWAYS else f"[{one.size}]"
        except FiltvizError as error:
            read = refused(error)
    parts = " ".join(part_.source for part_ in made.parts)
    facts_ = f"{'-'.join(made.operators)} {made.depth} {made.work} {made.cost} {made.peak}"
    return f"{read} {one.source} of ({parts}) {facts_}"


def _along_axes() -> Told:
    for operator in ("ReduceSum", "ReduceMax", "LpNormalization", "Squeeze", "Unsqueeze"):
        rows: Rows = []
        for axis in (-4, -3, -2, -1, 0, 1, 2, 3, 4):
            for shape in ((2, 3), (1, 3, 1), ()):
                if operator == "LpNormalization":
                    rows += [
                        (f"{shape} {axis} p={p}", fold(operator, ramp(*shape), axis=axis, p=p))
                        for p in (1, 2)
                    ]
                    continue
                rows.append((f"{shape} {axis}", fold(operator, ramp(*shape), [axis])))
                rows.append((f"{shape} {axis} said", fold(operator, ramp(*shape), axes=[axis])))
        for axes in ([], [0, 1], [1, 0], [0, 0], [0, -2], [0, 5]):
            for facts in ({}, {"keepdims": 0}, {"keepdims": 2}, {"noop_with_empty_axes": 1}):
                rows.append((f"{axes} {facts}", fold(operator, ramp(1, 3), axes, **facts)))
        for facts in ({}, {"keepdims": 0}, {"noop_with_empty_axes": 1}, {"axes": [0]}, {"axis": 0, "p": 3}):
            rows.append((f"none {facts}", fold(operator, ramp(1, 3), **facts)))
            rows.append((f"unread {facts}", fold(operator, ramp(1, 3), held([np.inf]), **facts)))
            rows.append((f"of nothing {facts}", fold(operator, held(np.zeros((1, 0))), [0], **facts)))
        yield from together(rows, operator)
    for operator, values in itertools.product(
        (
            "ReduceSum",
            "ReduceMean",
            "ReduceMax",
            "ReduceMin",
            "ReduceProd",
            "ReduceL1",
            "ReduceL2",
            "ReduceSumSquare",
        ),
        (held([[-1.5, 2], [3, 0.5]]), held([[-1, 2], [3, 4]], "i4"), held([[-1.5, 2], [3, 0.5]], "f2")),
    ):
        yield f"{operator} {values.parameter.dtype}", fold(operator, values, [1])
    for values in ([[0.0, 0], [3, 4]], [[-1.0, 1], [2, 2]]):
        for p in (0, 1, 2, 3):
            yield f"LpNormalization {values} {p}", fold("LpNormalization", held(values), p=p)


def _of_other_shapes() -> Told:
    rows: Rows = []
    for shape, wanted in itertools.product(
        ((2, 3), (6,), (1,), (), (0, 3)),
        (
            [6],
            [3, 2],
            [-1],
            [0, -1],
            [-1, 3],
            [-1, -1],
            [0, 0],
            [0, 3],
            [-2, 3],
            [-2, -3],
            [0],
            [],
            [4],
            [0, 0, 0],
            [-1, 4],
            [1] * 32,
            [1] * 33,
            [2, 3, 1],
        ),
    ):
        for empty in (0, 1):
            facts = {"allowzero": 1} if empty else {}
            asked = f"{shape} to {wanted if len(wanted) < 9 else len(wanted)} {empty}"
            rows.append((asked, fold("Reshape", ramp(*shape), wanted, **facts)))
    rows += [("to nothing", fold("Reshape", ramp(2, 3))), ("said", fold("Reshape", ramp(2, 3), shape=[3, 2]))]
    yield from together(rows, "Reshape")
    for operator in ("Flatten", "Transpose", "Concat", "Gather", "Split"):
        rows = []
        for shape, axis in itertools.product(((2, 3), (2, 3, 4), (4,), ()), (-4, -3, -2, -1, 0, 1, 2, 3)):
            one = ramp(*shape)
            more: tuple[Given, ...] = {"Concat": (one,), "Gather": ([1, 0, -1],)}.get(operator, ())
            rows.append((f"{shape} {axis}", fold(operator, one, *more, axis=axis, n_outputs=2)))
        rows += [("of none", fold(operator)), ("left out", fold(operator, None))]
        rows.append(("as usual", fold(operator, ramp(2, 3), *([[1, 0]] * (operator == "Gather")))))
        yield from together(rows, operator)
    rows = [
        (f"{order}", fold("Transpose", ramp(2, 3, 4), perm=order))
        for order in ([2, 0, 1], [0, 1], [0, 1, 1], [0, 1, 3], [-1, 0, 1])
    ]
    rows += [
        (f"{n} {upper} {shape}", fold("Trilu", ramp(*shape), *n, upper=upper))
        for n in ((), ([0],), ([1],), ([-1],), ([9],), ([-9],), ([0, 1],), (held([np.inf]),), (None,))
        for upper in (0, 1)
        for shape in ((3, 3), (2, 4), (3,), (2, 2, 2))
        if n in ((), ([1],), ([-1],)) or shape == (2, 4)
    ]
    rows += [("by default", fold("Trilu", ramp(3, 3)))]
    yield from together(rows, "Transpose and Trilu")
    rows = []
    for operator, (shape, wanted) in itertools.product(
        ("Expand", "Tile"),
        (
            ((2, 1), [2, 3]),
            ((2, 1), [3]),
            ((2, 1), [2, 0]),
            ((2, 1), [0, 1]),
            ((2, 1), [-1, 2]),
            ((3,), [2]),
            ((2, 1), [1, 1]),
            ((), []),
            ((2,), [3, 2]),
            ((2, 1), [3, 1]),
            ((1,), [1] * 32),
            ((1,), [1] * 33),
            ((0, 1), [0, 3]),
        ),
    ):
        rows.append(
            (f"{operator} {shape} by {len(wanted)} {wanted[:3]}", fold(operator, ramp(*shape), wanted))
        )
    rows += [
        (f"{word} by {len(more)}", fold(word, ramp(2), *more))
        for word in ("Expand", "Tile")
        for more in ((), (held([np.nan]),))
    ]
    for n in (ALWAYS, ALWAYS + 1, ALWAYS + 128, ALWAYS + 129):
        rows += [
            (f"to {n} of {k}", fold("Expand", held(np.zeros(k), source="s" * (k - 1)), [n, *[1] * (k - 1)]))
            for k in (1,)
        ]
        rows.append((f"to {n} of two", fold("Expand", ramp(2, 1), [2, n // 2])))
    yield from together(rows, "Expand and Tile")


def _of_pieces() -> Told:
    ends = (-6, -5, -4, -3, -1, 0, 1, 3, 4, 5)
    for step in (1, 2, 3, -1, -2, -4):
        rows: Rows = []
        for start, end in itertools.product(ends, ends):
            found = fold("Slice", ramp(4), [start], [end], [0], [step]).partition("]")[0]
            rows.append((f"{start}:{end}", found))
        yield from together(rows, f"Slice by {step}")
    rows = []
    for starts, stops, axes, steps in (
        ([0], [1], None, None),
        ([0, 1], [1, 3], None, None),
        ([0], [1], [1], None),
        ([0], [1], [-2], None),
        ([0], [1], [2], None),
        ([0], [1], [-3], None),
        ([0], [1], [1], [0]),
        ([0], [1, 2], None, None),
        ([0], [1], [0, 1], None),
        ([0], [1], None, [1, 1]),
        ([], [], None, None),
        ([0, 0, 0], [1, 1, 1], None, None),
        ([0], [1], [1], [-1]),
        ([0, 2], [1, 0], [0, 1], [1, -1]),
    ):
        rows.append(
            (f"{starts} {stops} {axes} {steps}", fold("Slice", ramp(2, 3), starts, stops, axes, steps))
        )
    rows += [
        ("said", fold("Slice", ramp(2, 3), starts=[1], ends=[3], axes=[1])),
        ("without an end", fold("Slice", ramp(2, 3), [0])),
        ("of nothing", fold("Slice", ramp(2, 3))),
    ]
    yield from together(rows, "Slice")
    rows = []
    for places in ([0], [2], [3], [-3], [-4], [], 1, -1, 3, [[0, 1], [2, 0]]):
        for axis in (0, 1):
            rows.append(
                (
                    f"{places} {axis}",
                    fold("Gather", ramp(3, 2) if not axis else ramp(2, 3), places, axis=axis),
                )
            )
    rows += [("nowhere", fold("Gather", ramp(3))), ("at infinity", fold("Gather", ramp(3), held([np.inf])))]
    yield from together(rows, "Gather")
    rows = []
    for n_outputs, output in itertools.product((1, 2, 3, 4), (0, 1, 2, 3)):
        if output < n_outputs:
            rows.append(
                (f"{output} of {n_outputs}", fold("Split", ramp(5, 2), output=output, n_outputs=n_outputs))
            )
            rows.append(
                (
                    f"{output} of {n_outputs} of three",
                    fold("Split", ramp(5, 2), output=output, n_outputs=n_outputs, num_outputs=3),
                )
            )
    for lengths in ([2, 3], [3, 2], [5], [0, 5], [5, 0], [2, 2], [6, -1], [-1, 6], [2, 3, 0], []):
        for output in (0, 1):
            rows.append(
                (f"{lengths} {output}", fold("Split", ramp(5, 2), lengths, output=output, n_outputs=2))
            )
    rows += [
        ("said", fold("Split", ramp(5, 2), split=[1, 4], n_outputs=2, output=1)),
        ("behind", fold("Split", ramp(2, 5), axis=-1, n_outputs=2, output=1)),
        ("below none", fold("Split", ramp(5), num_outputs=-1)),
        ("of more than can be counted", fold("Split", ramp(5), num_outputs=1 << 62)),
        ("behind all of them", fold("Split", ramp(5), output=3, num_outputs=3)),
    ]
    yield from together(rows, "Split")
    rows = []
    for one, other, axis in (
        ((2, 3), (2, 3), 0),
        ((2, 3), (2, 3), 1),
        ((2, 3), (1, 3), 0),
        ((2, 3), (1, 3), 1),
        ((2, 3), (2, 1), -1),
        ((2, 3), (2, 1), 0),
        ((2, 3), (3,), 0),
        ((3,), (2, 3), 0),
        ((2, 3), (2, 3), 2),
        ((2, 3), (2, 3), -3),
        ((), (), 0),
        ((2, 3, 4), (2, 1, 4), 1),
        ((2, 3, 4), (2, 1, 5), 1),
        ((2, 3, 4), (1, 1, 4), 1),
    ):
        rows.append(
            (f"{one} {other} {axis}", fold("Concat", ramp(*one), ramp(*other, source="v"), axis=axis))
        )
    rows.append(("and nothing", fold("Concat", ramp(2), None)))
    yield from together(rows, "Concat")


def _of_two() -> Told:
    rows: Rows = []
    shapes = ((), (3,), (2,), (2, 3), (3, 2), (1, 3), (4, 2, 3), (1, 3, 2), (4, 3, 2), (2, 3, 2), (0, 3))
    for one, other in itertools.product(shapes, shapes):
        rows.append((f"{one} {other}", fold("MatMul", ramp(*one), ramp(*other, source="v"))))
    rows.append(("one alone", fold("MatMul", ramp(2, 2))))
    yield from together(((asked, told_) for asked, told_ in rows), "MatMul")
    rows = []
    for turns in itertools.product((0, 1), (0, 1)):
        for left, right in (
            ((2, 3), (3, 4)),
            ((3, 2), (3, 4)),
            ((2, 3), (4, 3)),
            ((3, 2), (4, 3)),
            ((2, 2), (2, 2)),
        ):
            facts = dict(zip(("transA", "transB"), turns, strict=True))
            rows.append(
                (f"{left} {right} {turns}", fold("Gemm", ramp(*left), ramp(*right, source="v"), **facts))
            )
    for more in ((4,), (2, 1), (), (2, 4), (1, 2, 4), (3,), (1, 4), (4, 1)):
        for facts in ({}, {"alpha": 0.5, "beta": 2.0}):
            found = fold("Gemm", ramp(2, 3), ramp(3, 4, source="v"), ramp(*more, source="u"), **facts)
            rows.append((f"and {more} {facts}", found))
    rows += [
        ("one", fold("Gemm", ramp(2, 3))),
        ("a hole", fold("Gemm", ramp(2, 3), ramp(3, 4), None)),
        ("a vector", fold("Gemm", ramp(3), ramp(3, 4))),
        ("a vector behind", fold("Gemm", ramp(2, 3), ramp(3))),
    ]
    yield from together(rows, "Gemm")
    rows = []
    kinds: dict[str, cases.Constant] = {
        "whole": held([-7, 7, 4], "i4"),
        "byte": held([7, 250, 4], "u1"),
        "half": held([-2.5, 1.5, 3], "f2"),
        "real": held([-2.5, 1.5, 3]),
        "double": held([-2.5, 1.5, 3], "f8"),
        "flag": held([1, 0, 1], "?"),
        "scaled": held([-7, 7, 4], "i1", scale=Scale(numbers=np.array([0.5]), zeros=np.array([1.0]), axis=0)),
        "cast": held([-7.6, 7.6, 4.2], cast=np.dtype("i4")),
        "turned": held([[1, 2, 3]], order=(1, 0)),
        "few bits": cases.Constant(parameter=_few_bits()),
        "none": cases.Constant(parameter=_unread()),
        "two": held([2, 2], "i4"),
        "number": held(2, source=""),
    }
    for operator in ("Add", "Div", "Pow", "Equal", "Less", "Max", "Mean"):
        for (name, one), other in itertools.product(
            kinds.items(), ("whole", "real", "half", "two", "number")
        ):
            rows.append((f"{operator} {name} {other}", fold(operator, one, kinds[other])))
    words = ("Neg", "Not", "Abs", "Sqrt", "Reciprocal", "Sign", "Floor", "Round", "Relu", "Sigmoid", "Clip")
    for operator in words:
        some = {
            name: one for name, one in kinds.items() if operator != "Sqrt" or one.parameter.dtype.kind == "f"
        }
        rows += [(f"{operator} {name}", fold(operator, one)) for name, one in some.items() if name != "cast"]
    for name, one in kinds.items():
        rows.append((f"Where {name}", fold("Where", kinds["flag"], one, kinds["whole"])))
        rows.append((f"Where of {name}", fold("Where", one, kinds["half"], kinds["real"])))
    rows += [
        ("Where of two", fold("Where", kinds["flag"], kinds["real"])),
        ("Where of shapes", fold("Where", kinds["flag"], kinds["real"], kinds["two"])),
        ("Equal of shapes", fold("Equal", kinds["two"], kinds["real"])),
    ]
    yield from together(rows, "kinds")
    rows = []
    for low, high in itertools.product(
        (None, held(0.5), held([-1.0]), held([0, 1]), held([np.nan])), repeat=2
    ):
        ends = ["-" if one is None else str(one.parameter.value) for one in (low, high)]
        rows.append((" ".join(ends), fold("Clip", held([-2, 0, 2]), low, high)))
        rows.append((f"{' '.join(ends)} said", fold("Clip", held([-2, 0, 2]), low, high, min=-0.5, max=0.25)))
    rows.append(("said", fold("Clip", held([-2, 0, 2]), min=-0.5, max=0.25)))
    yield from together(rows, "Clip")


def _few_bits() -> Parameter:
    dtype = narrow_dtype("bfloat16")
    read = lambda: np.array([1, 2.5, -3], np.float32).astype(dtype)  # noqa: E731
    return parameter_of("n", ComputedArray(shape=(3,), dtype=dtype, read=read), "w")


def _unread() -> Parameter:
    read = lambda: np.zeros(3, "V1")  # noqa: E731
    return parameter_of("n", ComputedArray(shape=(3,), dtype=np.dtype("V1"), read=read), "w")


def corners_of_folding() -> Told:
    """All of it."""
    for rows in (_along_axes, _of_other_shapes, _of_pieces, _of_two):
        yield from rows()
