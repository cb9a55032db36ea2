"""Operators of TensorFlow Lite's with every shape and number that decides: what is told alike together."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from filtviz.parameter import Parameter
from filtviz.reading.formats import tflite
from filtviz.reading.formats.tflite import sparsity, tflite_operators
from tests.attacks.flatbuffer_files import Number, Table, Vector, integers, written
from tests.reading.operators.asking import Told, array
from tests.reading.operators.small_parts import together
from tests.reading.operators.tflite import Fields
from tests.reading.operators.whole_tflite import IMAGE, Model
from tests.reading.operators.wholes import opened, outcome, read_of
from tests.telling import told

__all__ = ["tflite_parts"]

Shape = Any
OF_RANK: Mapping[int, tuple[int, ...]] = {
    1: (6,),
    2: (2, 6),
    3: (2, 6, 8),
    4: (2, 6, 8, 9),
    5: (2, 3, 4, 5, 6),
}


def _case(
    operator: str,
    constants: Mapping[int, Any],
    shapes: Mapping[int, Shape],
    options: Mapping[int, int] | None = None,
    outputs: Sequence[int] = (50,),
    inputs: Sequence[int] | None = None,
    place: int = 0,
) -> str:
    """An operator that is given the tensors 0, 1, 2, …: constants by number, and shapes of the others."""
    held = {
        number: one if isinstance(one, Parameter) else Parameter.of("n", np.array(one), "there")
        for number, one in constants.items()
    }
    case = tflite_operators.Case(
        operator=operator,
        options=None if options is None else Fields(options),  # type: ignore[arg-type]
        inputs=inputs if inputs is not None else range(1 + max((0, *held))),
        constant=lambda n: [float(one) for one in held[n].value.ravel()] if n in held else None,
        parameter=lambda n, _: held.get(n),
        shape=lambda n: held[n].shape if n in held else shapes.get(n),
        outputs=outputs,
        place=place,
    )
    return outcome(lambda: tflite_operators.operations_of(case), lambda found: told(*found))


def _reductions() -> Told:
    for operator in tflite_operators._REDUCTIONS:
        rows = []
        for rank, keeps in itertools.product((1, 2, 3, 4, 5), (0, 1)):
            for axes in (
                [0],
                [1],
                [2],
                [3],
                [-1],
                [-2],
                [1, 2],
                [2, 1],
                [-3, -2],
                [1, 3],
                [2, 3],
                [1, 2, 3],
                [0, 1],
                [4],
                [-5],
            ):
                found = _case(operator, {1: axes}, {0: OF_RANK[rank]}, {0: keeps})
                rows.append((f"{rank}{' kept' * keeps} {axes}".replace(", ", ","), found))
        rows += [
            (f"open {axes}", _case(operator, {1: axes}, {}, {0: 1})) for axes in ([1, 2], [1], [3], [-4])
        ]
        rows += [
            ("none", _case(operator, {1: []}, {0: OF_RANK[4]})),
            ("halves", _case(operator, {1: [1.5]}, {0: OF_RANK[4]})),
        ]
        yield from together(rows, operator)


def _pieces() -> Told:
    for operator, (data, axis) in {"SPLIT": (1, 0), "SPLIT_V": (0, 2)}.items():
        rows = []
        for rank, place, number in itertools.product((2, 3, 4), (0, 1, 2), (0, 1, 3, -1)):
            parts: list[Shape] = [tuple(n + of for n in OF_RANK[rank]) for of in range(3)]
            shapes = {data: OF_RANK[rank], 50: parts[0], 51: parts[1], 52: parts[2]}
            found = _case(
                operator, {axis: [number]}, shapes, outputs=(50, 51, 52), inputs=range(axis + 2), place=place
            )
            rows.append((f"{rank} along {number} number {place}", found))
        for words, change in (
            ("an open part", {50: (2, None, None, None)}), ("an open part behind", {52: (None, None, None,
            None)}), ("no shape", {51: None}),
            ("another rank", {51: (2, 6)}), ("nothing below", {data: None}), ("no axes below", {data: ()}),
        ):  # fmt: skip
            shapes = {data: OF_RANK[4], 50: (2, 3, 8, 9), 51: (2, 2, 8, 9), 52: (2, 1, 8, 9), **change}
            for place in (0, 1, 2):
                found = _case(
                    operator, {axis: [3]}, shapes, outputs=(50, 51, 52), inputs=range(axis + 2), place=place
                )
                rows.append((f"{words} number {place}", found))
        yield from together(rows, operator)
    for rank in (2, 3, 4):
        below, rows = OF_RANK[rank], []
        usual = {1: [0] * rank, 2: [2] * rank, 3: [1] * rank}
        for key, values in itertools.product(
            (1, 2, 3), ([1] * rank, [-1] * rank, [2] * rank, [], [1] * (rank - 1), [1] * (rank + 1))
        ):
            rows.append(
                (
                    f"{('starts', 'stops', 'steps')[key - 1]} {values}",
                    _case("STRIDED_SLICE", {**usual, key: values}, {0: below, 50: below}),
                )
            )
        single, ends = (1,) * rank, {1: [0] * rank, 2: [1] * rank}
        for steps in ([1] * rank, [2] + [1] * (rank - 1), [1] * (rank - 1) + [3]):
            found = _case("STRIDED_SLICE", {**ends, 3: steps}, {0: single, 50: single})
            rows.append((f"of single axes by {steps}", found))
        for field, mask in itertools.product(range(5), (1, 2, 1 << (rank - 1))):
            made = below if field != 4 else below[:-1]
            rows.append(
                (
                    f"mask {field} of {mask}",
                    _case("STRIDED_SLICE", usual, {0: below, 50: made}, {field: mask}),
                )
            )
        for gone in usual:
            less = {place: one for place, one in usual.items() if place != gone}
            rows.append(
                (f"without {gone}", _case("STRIDED_SLICE", less, {0: below, 50: below}, inputs=range(4)))
            )
        rows.append(("of nothing", _case("STRIDED_SLICE", usual, {50: below})))
        rows.append(("to nothing", _case("STRIDED_SLICE", usual, {0: below})))
        for starts, sizes in (
            ([1] * rank, [2] * rank),
            ([0] * rank, [-1] * rank),
            ([0] * rank, list(below)),
            ([1], [1]),
            ([0] * rank, [1]),
            ([], []),
        ):
            rows.append(
                (f"from {starts} by {sizes}", _case("SLICE", {1: starts, 2: sizes}, {0: below, 50: below}))
            )
        rows += [
            (
                f"slice without {n}",
                _case("SLICE", {3 - n: [1] * rank}, {0: below, 50: below}, inputs=range(3)),
            )
            for n in (1, 2)
        ]
        yield from together(rows, f"pieces of {rank}".replace(", ", ","))


def _shapes() -> Told:
    rows = []
    for below, made in itertools.product(
        ((2, 6, 8, 9), (2, 6, 8), (2, 6), (None, 6, 8, 9), (6,), ()),
        (
            (2, 432),
            (2, 6, 8, 9),
            (3, 288),
            (None, 432),
            (2, 9, 48),
            (2, None, None),
            (None, 9, 48),
            (2, 3, None, 9),
            (None,) * 4,
            (),
            (6,),
        ),
    ):
        rows.append(
            (
                f"{below} to {made}".replace(", ", ",").replace("None", "-"),
                _case("RESHAPE", {}, {0: below, 50: made}),
            )
        )
    rows += [("nothing", _case("RESHAPE", {}, {50: (2,)})), ("to nothing", _case("RESHAPE", {}, {0: (2,)}))]
    yield from together(rows, "shapes")
    rows = []
    for rank in OF_RANK:
        for order in (
            [*range(rank)],
            [*range(rank)][::-1],
            [0, *range(rank - 1, 0, -1)],
            [0] * rank,
            [*range(1, rank), 0],
            [1, 0],
        ):
            rows.append((f"{rank} by {order}", _case("TRANSPOSE", {1: order}, {0: OF_RANK[rank]})))
        for axis in (*range(rank), -1, -rank):
            rows.append(
                (
                    f"{rank} joined along {axis}",
                    _case("CONCATENATION", {}, {0: OF_RANK[rank]}, {0: axis, 1: 1}),
                )
            )
        for turns in itertools.product((0, 1), (0, 1)):
            shapes = {0: OF_RANK[rank], 1: OF_RANK[3], 50: OF_RANK[3]}
            rows.append(
                (
                    f"{rank} times {turns}",
                    _case("BATCH_MATMUL", {}, shapes, dict(enumerate(turns)), inputs=(0, 1)),
                )
            )
        for operator in ("PAD", "PADV2", "MIRROR_PAD"):
            for pads in (
                [0, 0] * rank,
                [*([0, 0] * (rank - 1)), 1, 2],
                [0, 0, *([1, 2] * (rank - 1))][: 2 * rank],
                [0, 0] * (rank + 1),
            ):
                for value in ([], [2.5]):
                    found = _case(
                        operator,
                        {1: pads, **({2: value} if value else {})},
                        {0: OF_RANK[rank]},
                        inputs=range(3),
                    )
                    rows.append((f"{rank} {operator} {pads} {value}".replace(", ", ","), found))
    rows += [
        ("no axes joined", _case("CONCATENATION", {}, {0: ()})),
        ("joined", _case("CONCATENATION", {}, {}, {0: -1})),
    ]
    yield from together(rows, "orders")
    rows = []
    for operator in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
        for made in (
            (2, 6, 16, 18),
            (2, 6, 8, 9),
            (2, 6, 16, 9),
            (2, 6, 12, 18),
            (2, 6, None, 18),
            (2, 6, 16),
            None,
            (2, 6, 4, 9),
        ):
            for options in ({}, {0: 1}, {2: 1}, {3: 1}, {2: 1, 3: 1}):
                rows.append(
                    (
                        f"{operator} {made} {options}".replace(", ", ","),
                        _case(operator, {}, {0: OF_RANK[4], 50: made}, options),
                    )
                )
        rows.append((f"{operator} of a line", _case(operator, {}, {0: OF_RANK[3], 50: OF_RANK[4]})))
    yield from together(rows, "sizes")


def _windows() -> Told:
    rows = []
    for shape in ((2, 6, 8, 9), (2, 12, 8, 9), (2, None, None, 9), (2, 6, 8), None):
        for kernel, options in itertools.product(
            ((4, 3, 2, 6), (1, 3, 2, 12), (4, 3, 2, 0), (4, 3, 6)),
            ({1: 1, 2: 2}, {0: 1, 1: 2, 2: 1, 3: 2}, {1: 1, 2: 0}),
        ):
            for operator in ("CONV_2D", "DEPTHWISE_CONV_2D"):
                asked = f"{operator} {shape} {kernel} {options}".replace(", ", ",")
                rows.append((asked, _case(operator, {1: array(*kernel)}, {0: shape}, options)))
        for options in (
            {1: 2, 2: 3, 3: 3, 4: 2},
            {0: 1, 1: 2, 2: 3, 3: 3, 4: 2, 5: 1},
            {1: 2, 2: 2, 3: 0, 4: 2},
            {1: 2, 2: 2, 3: 1, 4: 1, 5: 9},
        ):
            rows += [
                (f"{kind} {shape} {options}".replace(", ", ","), _case(kind, {}, {0: shape}, options))
                for kind in ("MAX_POOL_2D", "AVERAGE_POOL_2D")
            ]
    yield from together(rows, "windows")
    rows = []
    for options in (
        {1: 2, 2: 3, 3: 4},
        {0: 1, 1: 2, 2: 3, 3: 4, 4: 1},
        {1: 1, 2: 1, 3: 0},
        {1: 0, 2: 1, 3: 1},
        {1: 1, 2: 0, 3: 1},
        None,
    ):
        rows.append(
            (
                f"in space {options}",
                _case("CONV_3D", {1: array(2, 3, 4, 6, 5), 2: array(5, name="b")}, {0: OF_RANK[5]}, options),
            )
        )
    rows.append(("in a plane", _case("CONV_3D", {1: array(2, 3, 4, 6)}, {0: OF_RANK[5]}, {1: 1, 2: 1, 3: 1})))
    for weights, shape in itertools.product(((5, 432), (5,), (5, 6, 1)), (*OF_RANK.values(), None)):
        rows.append(
            (
                f"units {weights} of {shape}".replace(", ", ","),
                _case("FULLY_CONNECTED", {1: array(*weights), 2: array(5, name="b")}, {0: shape}, {0: 1}),
            )
        )
    for slopes in ((6,), (1, 1, 6), (1, 6, 1), (2, 6), (), (1,), (8, 9, 6)):
        rows.append((f"slopes {slopes}", _case("PRELU", {1: array(*slopes)}, {0: OF_RANK[4]})))
    yield from together(rows, "others")


def _constants() -> Told:
    """Small constants as whole numbers, and kinds of dimensions of what is sparse."""
    for held in (None, [], [1.0], [1.5], [0.0, -2.0], [float(1 << 40)], [2.0, 0.5]):
        case = tflite_operators.Case(
            operator="x", options=None, inputs=(0,), constant=lambda _, one=held: one, parameter=lambda _,
            __: None,
            shape=lambda _: None, outputs=(1,),
        )  # fmt: skip
        yield f"whole numbers of {held}", f"{case.wholes(0)} {case.wholes(1)}"
    for kind, letter in itertools.product((0, 1, 2, -1), (0, 1, 2, 3, 4)):
        held_ = Fields({0: [1, 2]})
        table = Fields({0: kind, 1: 5, 2: letter, 3: held_, 4: 1, 5: held_})
        found = outcome(lambda t=table: sparsity._dimension(t), lambda d: f"{d.size} {d.segments} {d.places}")  # type: ignore[misc]
        yield f"a dimension of kind {kind} in {letter}", found


class _Steady(random.Random):
    """No chance at all."""

    def random(self) -> float:
        return 0.5


def _model(add: Callable[[Model], int]) -> Told:
    """Tell a whole model: what it does with an image, one after another."""
    model = Model(_Steady())
    model.last = model.tensor(*IMAGE)
    end = add(model)
    codes = [Table({0: Number("b", number), 3: Number("i", number)}) for number, _ in model.codes]
    graph = {0: Vector("o", model.tensors), 1: integers(0), 2: integers(end), 3: Vector("o", model.operators)}
    held = [Table(one) if isinstance(one, dict) else one for one in model.buffers]
    parts = {1: Vector("o", codes), 2: Vector("o", [Table(graph)]), 4: Vector("o", held)}
    yield " ".join(model.words), read_of(tflite.open, opened(written(Table(parts), b"TFL3")))


def _spreads() -> Told:
    """What is spread within what is spread, closed twice, and operators without inputs."""

    def conv(
        m: Model, below: int, shape: tuple[int, ...] = (4, 3, 3, 4), pads_by_itself: bool = False
    ) -> int:
        kernel = m.tensor(4, 3, 3, 4, values=np.ones((4, 3, 3, 4), "f4"))
        return m.add("CONV_2D", [below, kernel], shape, o0=int(not pads_by_itself), o1=1, o2=1)

    def spread(m: Model, below: int, *pads: int) -> int:
        return m.add("SPACE_TO_BATCH_ND", [below, m.held(2, 2), m.held(*pads)], (4, 5, 5, 4))

    def closed(m: Model, below: int, *crops: int, shape: tuple[int, ...] = IMAGE) -> int:
        return m.add("BATCH_TO_SPACE_ND", [below, m.held(2, 2), m.held(*crops)], shape)

    def twice(m: Model) -> int:
        made = conv(m, spread(m, m.last, 2, 2, 2, 4))
        first, second = closed(m, made, 0, 0, 0, 0), closed(m, made, 0, 1, 1, 0, shape=(1, 5, 5, 4))
        return m.add("CONCATENATION", [first, second], (1, 6, 6, 8), o0=3)

    def padded(m: Model) -> int:
        made = conv(m, spread(m, m.last, 2, 2, 2, 4), (4, 5, 5, 4), pads_by_itself=True)
        once = closed(m, made, 1, 1, 1, 1, shape=(1, 8, 8, 4))
        return m.add("CONCATENATION", [once, closed(m, made, 0, 1, 1, 2, shape=(1, 9, 7, 4))], IMAGE, o0=3)

    def nested(m: Model) -> int:
        inner = spread(m, spread(m, m.last, 2, 2, 2, 4), 1, 1, 1, 1)
        return closed(m, closed(m, conv(m, inner, (16, 3, 3, 4)), 0, 0, 0, 0), 0, 0, 0, 0)

    def behind(m: Model) -> int:
        start = conv(m, m.last, IMAGE)
        inner = spread(m, spread(m, start, 2, 2, 2, 4), 1, 1, 1, 1)
        return m.add("RELU", [inner], (16, 3, 3, 4))

    def repeated(m: Model, n_axes: int) -> int:
        first = m.add("EXPAND_DIMS", [m.last, m.held(2)], (1, 6, 1, 6, 4))
        second = m.add("TILE", [first, m.held(1, 1, 2, 1, 1)], (1, 6, 2, 6, 4))
        end = m.add("RESHAPE", [second], (1, 12, 6, 4)[:n_axes])
        if not n_axes:
            m.tensors[end].fields.pop(0)  # type: ignore[attr-defined]
        return end

    for n in (0, 1, 3, 4):
        yield from _model(lambda m, n=n: repeated(m, n))  # type: ignore[misc]
    yield from _model(twice)
    yield from _model(padded)
    yield from _model(nested)
    yield from _model(behind)
    for word in ("DEQUANTIZE", "DENSIFY", "CAST", "QUANTIZE", "RELU", "SHAPE"):
        yield from _model(lambda m, word=word: m.add(word, [], IMAGE))  # type: ignore[misc]
        yield from _model(lambda m, word=word: m.add(word, [m.last]))  # type: ignore[misc]
    yield from _model(lambda m: m.add("ADD", [m.last], IMAGE))
    yield from _model(lambda m: m.add("ADD", [m.last, m.last], IMAGE))
    yield from _model(
        lambda m: m.add("ADD", [m.last, m.tensor(*IMAGE)], IMAGE)
    )  # which nothing gives or holds


def _empty() -> Told:
    """Sparse tensors in which next to nothing is stored."""
    for shape in ((0, 3), (2, 3), (1, 1)):
        for sizes in ((0, 3), (2, 3), (1, 1), (2, 0), (6, 1), (7, 1), (-1, 3)):
            for n in (0, 1, 6):
                dense = [sparsity._Dimension(size=size) for size in sizes]
                found = outcome(
                    lambda s=shape, d=dense, m=n: sparsity._spread(s, np.ones(m, "f4"), (0, 1), (), d),
                    lambda made: f"{made.shape} {made.sum():g}",
                )
                yield f"{n} stored of {shape} in {sizes}", found


def tflite_parts() -> Told:
    """All of it."""
    yield from _reductions()
    yield from _pieces()
    yield from _shapes()
    yield from _windows()
    yield from together(_empty(), "sparse")
    yield from _spreads()
    yield from _constants()
