"""Models and operators of TensorFlow Lite's, each with what decides at a boundary."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from filtviz.reading.formats import tflite
from filtviz.reading.formats.tflite import tflite_operators
from tests.attacks.flatbuffer_files import Number, Table, Vector, integers, written
from tests.reading.operators.asking import Told
from tests.reading.operators.small_parts import together
from tests.reading.operators.tflite_parts import OF_RANK, _case, _Steady
from tests.reading.operators.whole_tflite import IMAGE, Model
from tests.reading.operators.wholes import opened, read_of

__all__ = ["corners_of_tflite"]

Rows = list[tuple[str, str]]


def _file(
    add: Callable[[Model], int],
    codes: Sequence[Table] | None = None,
    *,
    n_graphs: int = 1,
    inputs: int = 0,
    **parts: Any,
) -> str:
    """What is read of a model behind an image; its kinds of operators may be said in another way."""
    return read_of(tflite.open, opened(_bytes(add, codes, n_graphs=n_graphs, inputs=inputs, **parts)))


def _bytes(
    add: Callable[[Model], int],
    codes: Sequence[Table] | None = None,
    *,
    n_graphs: int = 1,
    inputs: int = 0,
    **parts: Any,
) -> bytes:
    model = Model(_Steady())
    model.last = model.tensor(*IMAGE)
    end = add(model)
    said = [Table({0: Number("b", min(number, 127)), 3: Number("i", number)}) for number, _ in model.codes]
    graph_ = {
        0: Vector("o", model.tensors),
        1: integers(inputs),
        2: integers(end),
        3: Vector("o", model.operators),
    }
    held = [Table(one) if isinstance(one, dict) else one for one in model.buffers]
    fields = {1: Vector("o", codes or said), 2: Vector("o", [Table(graph_)] * n_graphs), 4: Vector("o", held)}
    fields |= {int(name[1:]): value for name, value in parts.items()}
    return written(Table(fields), b"TFL3")


def _conv(
    m: Model, below: int, shape: tuple[int, ...] = IMAGE, kind: str = "f4", valid: int = 0, **more: Any
) -> int:
    kernel = m.tensor(4, 3, 3, 4, values=np.ones((4, 3, 3, 4), kind), **more)
    return m.add("CONV_2D", [below, kernel], shape, o0=valid, o1=1, o2=1)


def _kernel_first(m: Model) -> int:
    m.tensors.clear()
    kernel = m.tensor(4, 3, 3, 4, values=np.ones((4, 3, 3, 4), "f4"))
    return m.add("CONV_2D", [m.tensor(*IMAGE), kernel], IMAGE, o0=0, o1=1, o2=1)


def _models() -> Told:
    for once, now in (
        (3, 0),
        (0, 3),
        (3, 3),
        (127, 150),
        (127, 0),
        (-1, 3),
        (19, 3),
        (3, 19),
        (32, 0),
        (0, 32),
        (127, 300),
    ):
        code = Table({0: Number("b", once), 3: Number("i", now), 1: b"mine"})
        yield f"an operator of {once} and {now}", _file(lambda m: _conv(m, m.last), [code])
    yield "an operator of the old kind", _file(lambda m: _conv(m, m.last), [Table({0: Number("b", 3)})])
    yield "a kernel before the image", _file(_kernel_first, inputs=1)
    for n in (0, 1, 2, 3):
        yield f"{n} graphs", _file(lambda m: _conv(m, m.last), n_graphs=n)
    yield "a model with a name", _file(lambda m: _conv(m, m.last), f3=b"ours \x1b")

    def buffer(m: Model, more: int) -> int:
        end = _conv(m, m.last)
        m.tensors[1].fields[2] = Number("I", len(m.buffers) + more)  # type: ignore[index]
        return end

    for more in (-1, 0, 1):
        yield f"a buffer {more:+} of those that are there", _file(lambda m, n=more: buffer(m, n))  # type: ignore[misc]

    def outside(m: Model, place: int, size: int) -> int:
        end = _conv(m, m.last)
        m.buffers[1] = {1: Number("Q", place), 2: Number("Q", size)}
        return end

    length = len(_bytes(lambda m: outside(m, 2, 576)))
    for place in (0, 1, 2, 16, length - 577, length - 576, length - 575):
        found = _file(lambda m, p=place: outside(m, p, 576))  # type: ignore[misc]
        yield f"a buffer at {place - length if place > 99 else place}", found
    for kind in ("f4", "i1", "u1"):
        for scale in (
            None,
            ([0.5], [1], 0),
            ([0.5] * 4, [], 0),
            ([0.5] * 3, [0] * 3, 1),
            ([0.5] * 3, [0] * 3, 0),
            ([], [], 0),
        ):
            yield (
                f"a kernel of {kind} by {scale}",
                _file(lambda m, k=kind, s=scale: _conv(m, m.last, kind=k, scale=s)),
            )  # type: ignore[misc]

    def of_code(m: Model, code: int) -> int:
        end = _conv(m, m.last)
        m.tensors[1].fields[1] = Number("b", code)  # type: ignore[index]
        m.tensors[1].fields[0] = integers(1, 3, 3, 1)  # type: ignore[index]
        return end

    for code in range(20):
        yield f"a kernel of the type {code}", _file(lambda m, c=code: of_code(m, c))  # type: ignore[misc]
    for n in (63, 64, 65):
        axes = np.array([1, 2] * 40, "i4")[:n]
        yield (
            f"{n} axes",
            _file(lambda m, a=axes: m.add("MEAN", [_conv(m, m.last), m.tensor(len(a), values=a)], (1, 4))),
        )  # type: ignore[misc]

    def function(m: Model, number: int) -> int:
        end = m.add("RELU", [m.last], IMAGE)
        m.operators[0].fields[2] = integers(number)  # type: ignore[index]
        return end

    for number in (-1, 1, 3, 4):
        yield f"a graph that is given the tensor {number}", _file(lambda m: _conv(m, m.last), inputs=number)
        yield f"a function to the tensor {number}", _file(lambda m, n=number: function(m, n))  # type: ignore[misc]

    def numbered(m: Model, field: int, number: int) -> int:
        end = _conv(m, m.last)
        m.operators[0].fields[field] = integers(number, 1)  # type: ignore[index]
        return end

    for field, number in itertools.product((1, 2), (-1, 2, 3)):
        found = _file(lambda m, f=field, n=number: numbered(m, f, n))  # type: ignore[misc]
        yield f"an operator {'of' if field == 1 else 'to'} the tensor {number}", found
    for word in ("DEQUANTIZE", "DENSIFY", "CAST", "QUANTIZE"):
        yield f"{word} of a kernel and of an image", _file(lambda m, w=word: _passed(m, w))  # type: ignore[misc]
    for gaps, pads, crops, fused in (
        ((2, 2), (2, 2, 2, 4), (0, 1, 1, 0), 0),
        ((2, 2), (2, 2, 2, 4), (0, 1, 1, 0), 1),
        ((2, 2), (2, 2, 2, 4), (3, 0, 0, 0), 1),
        ((1, 3), (0, 0, 0, 0), (0, 0, 0, 0), 1),
        ((1, 3), (0, 0, 0, 0), (0, 0, 0, 1), 1),
        ((2, 2), (-1, 0, 0, 0), (0, 0, 0, 0), 0),
        ((0, 2), (2, 2, 2, 4), (0, 1, 1, 0), 0),
        ((2,), (2, 2, 2, 4), (0, 1, 1, 0), 0),
        ((2, 2), (2, 2), (0, 1, 1, 0), 0),
        ((2, 2), (2, 2, 2, 4), (0, -1, 1, 0), 0),
        ((2, 2), (2, 2, 2, 4), (0, 1), 0),
    ):
        asked = f"{gaps} {pads} {crops} {fused}"
        yield f"gaps {asked}", _file(lambda m, g=gaps, p=pads, c=crops, f=fused: _gaps(m, g, p, c, f))  # type: ignore[misc]
    for axis, times, ends in (
        (2, (1, 1, 2, 1, 1), 4),
        (3, (1, 1, 1, 2, 1), 4),
        (2, (1, 1, 2, 1, 1), 3),
        (2, (1, 1, 1, 2, 1), 4),
        (3, (1, 1, 2, 1, 1), 4),
        (1, (1, 2, 1, 1, 1), 4),
        (2, (1, 1, 0, 1, 1), 4),
        (2, (1, 1, 1, 1, 1), 4),
        (2, (2, 1, 2, 1, 1), 4),
        (2, (1, 1, 2, 1), 4),
        (-2, (1, 1, 1, 2, 1), 4),
    ):
        yield (
            f"repeated {axis} {times} {ends}",
            _file(lambda m, a=axis, t=times, e=ends: _repeated(m, a, t, e)),
        )  # type: ignore[misc]


def _passed(m: Model, word: str) -> int:
    kernel = m.tensor(4, 3, 3, 4, values=np.ones((4, 3, 3, 4), "f4"))
    twice = m.add(word, [m.add(word, [kernel], (4, 3, 3, 4))], (4, 3, 3, 4))
    below = m.add(word, [0], IMAGE)
    return m.add("CONV_2D", [below, twice], IMAGE, o0=0, o1=1, o2=1)


def _gaps(m: Model, gaps: Sequence[int], pads: Sequence[int], crops: Sequence[int], fused: int) -> int:
    below = m.add("SPACE_TO_BATCH_ND", [m.last, m.held(*gaps), m.held(*pads)], (4, 5, 5, 4))
    kernel = m.tensor(4, 3, 3, 4, values=np.ones((4, 3, 3, 4), "f4"))
    made = m.add("CONV_2D", [below, kernel], (4, 3, 3, 4), o0=1, o1=1, o2=1, o3=fused)
    made = m.add("RELU", [made], (4, 3, 3, 4))
    return m.add("BATCH_TO_SPACE_ND", [made, m.held(*gaps), m.held(*crops)], IMAGE)


def _repeated(m: Model, axis: int, times: Sequence[int], n_axes: int) -> int:
    first = m.add("EXPAND_DIMS", [m.last, m.held(axis)], (1, 6, 1, 6, 4))
    second = m.add("TILE", [first, m.held(*times)], (1, 6, 2, 6, 4))
    return m.add("RESHAPE", [second], (1, 12, 6, 4)[:n_axes])


def _operators() -> Told:
    rows: Rows = []
    for below, order in itertools.product((None, (), (6,), (2, 6, 8, 9)), ([], [0], None)):
        held = {} if order is None else {1: order}
        rows.append((f"TRANSPOSE {below} by {order}", _case("TRANSPOSE", held, {0: below}, inputs=(0, 1))))
    for one, other in itertools.product((None, (), (2, 6), OF_RANK[3], OF_RANK[4]), repeat=2):
        rows.append(
            (
                f"{one} times {other}",
                _case("BATCH_MATMUL", {}, {0: one, 1: other}, {0: 0, 1: 1}, inputs=(0, 1)),
            )
        )
    rows.append(
        (
            "times a constant",
            _case("BATCH_MATMUL", {1: np.ones((2, 8, 3), "f4")}, {0: OF_RANK[3]}, inputs=(0, 1)),
        )
    )
    for operator in tflite_operators._KINDS:
        for fused, place, shape in itertools.product(
            (0, 1, 5), (0, 1), ((6,), (), (1, 1, 6), (9,), (8, 9, 6), (1, 8, 9, 6), (1, 1, 8, 9, 6))
        ):
            below, held = (None, np.ones(shape, "f4"))
            for below in (OF_RANK[4], None):
                inputs = (1, 0) if place else (0, 1)
                asked = f"{operator} {fused} {place} {shape} {below}"
                rows.append((asked, _case(operator, {1: held}, {0: below}, {0: fused}, inputs=inputs)))
        rows += [
            (f"{operator} of wholes", _case(operator, {1: np.ones(6, "i4")}, {0: OF_RANK[4]}, inputs=(0, 1))),
            (
                f"{operator} of three",
                _case(operator, {1: np.ones(6, "f4")}, {0: OF_RANK[4]}, inputs=(0, 1, 0)),
            ),
            (
                f"{operator} of two constants",
                _case(operator, {1: np.ones(6, "f4"), 2: np.ones(6, "f4")}, {}, inputs=(1, 2)),
            ),
            (f"{operator} of layers", _case(operator, {}, {0: OF_RANK[4]}, {0: 1}, inputs=(0, 0))),
        ]
    known = (
        tflite_operators._activation,
        tflite_operators._identity,
        tflite_operators._keeps_places,
        tflite_operators._recurrent,
        tflite_operators._softmax,
    )
    for operator, row in tflite_operators._BY_OPERATOR.items():
        if row in known and operator != "PRELU":
            rows += [
                (f"{operator} {facts}", _case(operator, {}, {0: OF_RANK[4]}, facts))
                for facts in (None, {}, {0: 1}, {0: 0.25})
            ]  # type: ignore[dict-item]
    for sizes, made in itertools.product(([2], [1, 2], [-1]), (OF_RANK[4], (2, 6, 8), None)):
        rows.append(
            (
                f"SLICE by {sizes} to {made}",
                _case("SLICE", {1: [0] * len(sizes), 2: sizes}, {0: OF_RANK[4], 50: made}),
            )
        )
    for shape, block in itertools.product((OF_RANK[4], (2, 8, 3, 3), (2, 8, 3), None), (0, 1, 2, -1)):
        rows.append((f"DEPTH_TO_SPACE {shape} {block}", _case("DEPTH_TO_SPACE", {}, {0: shape}, {0: block})))
    for size, stride, how, made in itertools.product(
        ((4, 3, 2, 6), (4, 3, 2)), ((1, 2), (2, 0), (0, 1)), (0, 1), ((2, 4, 9, 17), (2, 4, None, 17), None)
    ):
        kernel = np.ones(size, "f4")
        found = _case(
            "TRANSPOSE_CONV",
            {1: kernel, 3: np.ones(4, "f4")},
            {2: OF_RANK[4], 50: made},
            {0: how, 1: stride[0], 2: stride[1], 3: 1},
            inputs=(9, 1, 2, 3),
        )
        rows.append((f"TRANSPOSE_CONV {size} {stride} {how} {made}", found))
    for multiplier, shape in itertools.product((-1, 0, 1, 3), (OF_RANK[4], (2, 6, 8), None)):
        found = _case(
            "DEPTHWISE_CONV_2D",
            {1: np.ones((1, 3, 2, 6), "f4")},
            {0: shape},
            {0: 1, 1: 1, 2: 2, 3: multiplier, 4: 2, 5: 2, 6: 3},
        )
        rows.append((f"DEPTHWISE_CONV_2D {multiplier} {shape}", found))
    for options in (
        None,
        {},
        {1: 1, 2: 1},
        {1: 1, 2: 2, 3: 3},
        {3: 2, 4: 3},
        {1: 1, 2: 1, 3: 2, 4: 3},
        {1: 1},
    ):
        kernel = np.ones((4, 3, 2, 6), "f4")
        rows.append((f"CONV_2D {options}", _case("CONV_2D", {1: kernel}, {0: OF_RANK[4]}, options)))
        rows.append((f"MAX_POOL_2D {options}", _case("MAX_POOL_2D", {}, {0: OF_RANK[4]}, options)))
    several = {1: np.ones(6, "f4"), 2: np.ones((2, 6, 8, 9), "f4")}
    rows += [
        (f"MUL of constants {inputs}", _case("MUL", several, {}, inputs=inputs))
        for inputs in ((1, 2), (2, 1))
    ]
    yield from together(rows, "operators")


def corners_of_tflite() -> Told:
    """All of it."""
    yield from _models()
    yield from _operators()
