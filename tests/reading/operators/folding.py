"""What ONNX's nodes make of constants alone: small arrays made by chance, and what comes of them.

Each case is a number, as in `arrays`: `FOLDED` are those that notice a change which the others do not.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.parameter import Parameter
from filtviz.reading.formats.onnx import cases, constant_folding
from filtviz.reading.quantised import Scale
from tests.reading.operators.asking import Told, message, numbers_of
from tests.reading.operators.onnx import _onnx_attribute
from tests.telling import refused

__all__ = ["folded"]

_AXES = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
         "ReduceSumSquare", "Unsqueeze", "Squeeze")  # fmt: skip
_SEVERAL = ("Add", "Sub", "Mul", "Div", "Pow", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")
_ANY = ("Max", "Min", "Sum", "Mean", "Where", "Concat")
OPERATORS = tuple(constant_folding._BY_OPERATOR)

Facts = dict[str, Any]
Numbers = list[Any]


def _shape(chance: random.Random, least: int = 0) -> tuple[int, ...]:
    return tuple(chance.choice((1, 2, 2, 3, 3, 0)) for _ in range(chance.randrange(least, 4)))


def _array(chance: random.Random, shape: tuple[int, ...], kind: str = "") -> np.ndarray:
    dtype = kind or chance.choice(("f4", "f4", "f4", "f8", "f2", "i4", "i8", "?"))
    values = np.random.default_rng(chance.randrange(1 << 30)).integers(-3, 7, shape)
    return np.asarray(values / (2 if dtype[0] == "f" else 1)).astype(dtype)


def _constant(chance: random.Random, values: np.ndarray) -> cases.Constant:
    source = "" if chance.random() < 0.1 else f"w{values.size}"
    found = cases.Constant(parameter=Parameter.of("n", values, source))
    way = chance.random()
    if way < 0.06 and values.ndim > 1:
        return replace(found, order=tuple(reversed(range(values.ndim))))
    if way < 0.12 and values.dtype.kind == "i":
        return replace(found, scale=Scale(numbers=np.array([0.5]), zeros=np.array([1.0]), axis=0))
    if way < 0.18:
        return replace(found, cast=np.dtype(chance.choice(("f4", "f2", "i4"))))
    if way < 0.24:
        part = Parameter.of("p", np.zeros(4), "part")
        made = cases.Made(
            parts=(part,), operators=("Exp",), depth=chance.choice((1, 62, 63, 64)), work=9, cost=99, peak=50
        )
        return replace(found, made=made)
    return found


def _small(chance: random.Random, n: int, low: int, high: int) -> Numbers:
    return [chance.randrange(low, high) for _ in range(n)]


def _axes_of(chance: random.Random, shape: tuple[int, ...], facts: Facts) -> Numbers | None:
    if chance.random() < 0.3:
        facts["keepdims"] = chance.choice((0, 1))
    if chance.random() < 0.15:
        facts["noop_with_empty_axes"] = 1
    rank = len(shape)
    return None if chance.random() < 0.2 else _small(chance, chance.choice((0, 1, 1, 2)), -rank - 1, rank + 2)


def _more(chance: random.Random, word: str, shape: tuple[int, ...], facts: Facts) -> list[Numbers | None]:
    """The small inputs of a node of some operators, and its attributes."""
    rank = len(shape)
    if word in _AXES:
        return [_axes_of(chance, shape, facts)]
    if word == "Reshape":
        facts |= {"allowzero": 1} if chance.random() < 0.2 else {}
        wanted = list(
            chance.choice((shape[::-1], (*shape, 1), (-1,), (0, -1), (-1, *shape[1:]), (-1, -1), (-2, 1)))
        )
        return [wanted if chance.random() < 0.9 else [0, *wanted]]
    if word == "Clip":
        if chance.random() < 0.3:
            facts |= {
                name: chance.choice((-1.0, 0.5, 2.0)) for name in ("min", "max") if chance.random() < 0.7
            }
            return []
        ends: list[Numbers | None] = [[chance.choice((-1.5, 0.0))], [chance.choice((0.5, 2.0))], [0.0, 1.0]]
        return [chance.choice((ends[0], ends[0], None, ends[2])), chance.choice((ends[1], ends[1], None))]
    if word == "Trilu":
        facts |= {"upper": chance.choice((0, 1))} if chance.random() < 0.6 else {}
        return [] if chance.random() < 0.3 else [_small(chance, chance.choice((1, 1, 1, 2)), -4, 5)]
    if word in ("Expand", "Tile"):
        n = rank if chance.random() < 0.7 else chance.randrange(4)
        return [_small(chance, n, 0 if chance.random() < 0.9 else -1, 4)]
    if word == "Slice":
        n = chance.choice((1, 1, 2, max(rank, 1)))
        starts, ends = _small(chance, n, -5, 4), _small(chance, n if chance.random() < 0.95 else n + 1, -6, 6)
        axes = None if chance.random() < 0.3 else _small(chance, n, -rank - 1, rank + 1)
        steps = None if chance.random() < 0.4 else [chance.choice((1, 2, -1, -2, -1, 0)) for _ in range(n)]
        return [starts, ends, axes, steps]
    if word == "Gather":
        facts |= {"axis": chance.randrange(-rank - 1, rank + 1)} if chance.random() < 0.7 else {}
        return [_small(chance, chance.choice((1, 2, 3, 4)), -3, 3)]
    if word == "Split":
        facts |= {"axis": chance.randrange(-rank - 1, rank + 1)} if chance.random() < 0.7 else {}
        facts |= {"num_outputs": chance.choice((1, 2, 3))} if chance.random() < 0.3 else {}
        return [] if chance.random() < 0.5 else [_small(chance, chance.choice((1, 2, 3)), 0, 3)]
    if word == "Flatten":
        facts |= {"axis": chance.randrange(-rank - 1, rank + 2)} if chance.random() < 0.8 else {}
    if word == "Transpose":
        order = chance.sample(range(rank), rank)
        facts |= {"perm": order if chance.random() < 0.85 else [0, *order]} if chance.random() < 0.7 else {}
    if word == "LpNormalization":
        facts |= {"axis": chance.randrange(-rank - 1, rank + 1)} if chance.random() < 0.7 else {}
        facts |= {"p": chance.choice((0, 1, 2, 3))} if chance.random() < 0.6 else {}
    return []


def _arrays(chance: random.Random, word: str, shape: tuple[int, ...], facts: Facts) -> list[np.ndarray]:
    """The arrays that a node computes with."""
    kind = chance.choice(("f4", "f4", "f8", "i4"))
    first = _array(chance, shape)
    if word in _SEVERAL or word in _ANY:
        n = 2 if word in _SEVERAL else 3 if word == "Where" else chance.choice((1, 2, 3, 3, 64, 65))
        facts |= {"axis": chance.randrange(-3, 3)} if word == "Concat" and chance.random() < 0.8 else {}
        kinds = ["?", kind, kind] if word == "Where" else [kind] * n
        shapes = [tuple(m if chance.random() < 0.8 else 1 for m in shape) for _ in range(n)]
        shapes = [one[chance.choice((0, 0, 0, 1)) :] for one in shapes]
        return [_array(chance, one, which) for one, which in zip(shapes, kinds, strict=True)]
    if word == "MatMul":
        one, other = _shape(chance, 1), _shape(chance, 1)
        if one and chance.random() < 0.85:
            place = -2 if len(other) > 1 else -1
            other = (*other[:place], one[-1], *(other[-1:] if len(other) > 1 else ()))
        return [_array(chance, one, kind), _array(chance, other, kind)]
    if word == "Gemm":
        rows, inner, columns = _small(chance, 3, 1, 4)
        facts |= {name: 1 for name in ("transA", "transB") if chance.random() < 0.4}
        facts |= {name: chance.choice((0.5, 2.0)) for name in ("alpha", "beta") if chance.random() < 0.4}
        left, right = (rows, inner), (inner if chance.random() < 0.9 else inner + 1, columns)
        turned = [
            one[::-1] if facts.get(name) else one for name, one in (("transA", left), ("transB", right))
        ]
        more = chance.choice(((columns,), (rows, 1), (), (rows, columns), (2, rows, columns)))
        given = [*turned, more] if chance.random() < 0.7 else turned
        return [_array(chance, one, kind) for one in given[: chance.choice((3, 3, 3, 1))]]
    return [first]


def a_folded(n: int) -> tuple[str, str]:
    """A node of constants made by chance, and the array that it gives."""
    chance = random.Random(f"folded {n}")
    word = chance.choice(OPERATORS)
    shape, facts = _shape(chance), {}
    values = _arrays(chance, word, shape, facts)
    small = _more(chance, word, shape, facts)
    given: list[cases.Constant | None] = [_constant(chance, one) for one in values]
    for numbers in small:
        if numbers is None:
            given.append(None)
            continue
        held = np.array(numbers, "f4" if word == "Clip" else "i8")
        if word == "Gather" and len(numbers) == 4:
            held = held.reshape(2, 2)
        if len(numbers) == 1 and chance.random() < 0.3:
            held = held.reshape(())
        if chance.random() < 0.02:
            held = np.array([np.inf, np.nan], "f4")
        given.append(cases.Constant(parameter=Parameter.of("n", held, "s")))
    if chance.random() < 0.03:
        given[chance.randrange(len(given))] = None
    n_outputs = chance.choice((1, 2, 2, 3)) if word == "Split" else 1
    output = chance.randrange(n_outputs + (chance.random() < 0.05))
    case = cases.Case(
        operator=word if chance.random() < 0.98 else "Dream",
        attributes=cases.NodeAttributes(
            {name: message(_onnx_attribute(value)) for name, value in facts.items()}
        ),
        given=given,
        shapes=[None] * len(given),
        opset=17,
        output=output,
        n_outputs=n_outputs,
    )
    told = [case.operator, *map(_brief, given), *(f"{name}={value}" for name, value in facts.items())]
    told += [f"output {output} of {n_outputs}"] * (n_outputs > 1)
    with np.errstate(all="ignore"):
        found = constant_folding.folded(case)
        try:
            return f"{n} {' '.join(told)}", "None" if found is None else _outcome(found)
        except FiltvizError as error:
            return f"{n} {' '.join(told)}", refused(error)


def _brief(one: cases.Constant | None) -> str:
    if one is None:
        return "-"
    words = [numbers_of(one.parameter.value)]
    words += [f"turned {one.order}"] if one.order else []
    words += ["scaled"] if one.scale else []
    words += [f"as {one.cast}"] if one.cast is not None else []
    words += [f"made at {one.made.depth}"] if one.made else []
    words += ["without a name"] if not one.parameter.source else []
    return " ".join(words)


def _outcome(found: cases.Constant) -> str:
    made, held = found.made, found.parameter
    assert made is not None
    facts = (
        f"{len(made.parts)} parts {'-'.join(made.operators)} {made.depth} {made.work} {made.cost} {made.peak}"
    )
    return f"{numbers_of(held.value)} {held.source} {facts}"


FOLDED: tuple[int, ...] = (
    113, 196, 212, 261, 262, 287, 296, 320, 359, 434, 446, 454, 461, 530, 544, 548, 553, 568, 600, 638,
    678, 734, 771, 860, 952, 1189, 1198, 1214, 1232, 1251, 1274, 1311, 1336, 1367, 1419, 1428, 1510,
    1655, 1660, 1709, 1742, 1844, 1921, 1936, 1942, 1970, 2043, 2175, 2228, 2270, 2315, 2441, 2443,
    2475, 2628, 2651, 2690, 2693, 2699, 2716, 2724, 2753, 2757, 2759, 2801, 2825, 2896, 2922, 2930,
    2943, 2957, 2967, 2995, 3020, 3039, 3048, 3297, 3325, 3346, 3490, 3494, 3554, 3776, 3781, 3809,
    3831, 3834, 3885, 3921, 3989,
)  # fmt: skip


def folded() -> Told:
    yield from map(a_folded, (*FOLDED, *range(4000, 4220)))
