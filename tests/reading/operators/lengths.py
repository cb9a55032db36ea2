"""What graphs of ONNX and TensorFlow compute of shapes and of small constants: nodes made by chance.

Each case is a number, as in `arrays`: `ONNX` and `TENSORFLOW` are those that notice what no other does.
"""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.parameter import Parameter
from filtviz.reading.formats.onnx import cases, shape_nodes
from filtviz.reading.formats.tensorflow import folding
from filtviz.reading.limits import Computing
from filtviz.reading.shape_arithmetic import (
    LARGEST,
    MOST,
    Lengths,
    chosen,
    combined,
    joined,
    lengths_of,
    of_parameter,
    of_shape,
)
from tests.reading.operators.asking import Told, message, numbers_of, part
from tests.reading.operators.onnx import _onnx_attribute
from tests.telling import refused

__all__ = ["lengths"]

OF_ONNX = tuple(shape_nodes._BY_OPERATOR)
OF_TENSORFLOW = (*folding._NUMBERS, *folding._ARITHMETIC, "Reshape", "Squeeze", "ExpandDims")


def _some(chance: random.Random) -> Lengths:
    """Numbers that a graph has of a shape, or of a small constant."""
    way = chance.random()
    if way < 0.4:
        shape = tuple(chance.choice((1, 2, 3, 6, 8, None)) for _ in range(chance.randrange(1, 5)))
        start, stop = chance.choice(((None, None), (None, None), (1, None), (-2, None), (0, 1)))
        return of_shape(shape, chance.choice((None, 0, 4)), start, stop)
    if way < 0.5:
        return lengths_of([chance.choice((2.5, None, 3.0, -1.0))], is_scalar=True)
    found = of_parameter(_a_constant(chance))
    return found if found is not None else lengths_of([2, None])


def _a_constant(chance: random.Random, dtype: str = "") -> Parameter:
    kind = dtype or chance.choice(("i8", "i8", "i4", "f4"))
    shape = chance.choice(((), (1,), (1,), (2,), (3,), (4,), (2, 2), (1, 3), (1, 1, 2)))
    values = np.array([chance.choice((-2, -1, 0, 1, 2, 3, 4, 6, 8)) for _ in range(int(np.prod(shape)))])
    if chance.random() < 0.04 and kind == "i8":
        values = values + chance.choice((1 << 30, -(1 << 30), 1 << 31))
    return Parameter.of("n", (values / (2 if kind == "f4" else 1)).astype(kind).reshape(shape), "n")


def _whole(chance: random.Random, n: int, low: int, high: int) -> Lengths:
    values = [chance.randrange(low, high) for _ in range(n)]
    if chance.random() < 0.05:
        values[-1:] = [chance.choice((1 << 30, -(1 << 30), (1 << 31) - 1))]
    return lengths_of(values)


def a_node_of_onnx(n: int) -> tuple[str, str]:
    """A node of ONNX's that is given lengths, and the lengths that it gives."""
    chance = random.Random(f"lengths {n}")
    word = chance.choice(OF_ONNX) if chance.random() < 0.98 else "Dream"
    first, facts = _some(chance), {}
    rank = first.array.ndim
    given: list[Lengths | None] = [first]
    attributes: dict[str, bytes] = {}
    if word in ("Unsqueeze", "Squeeze", "ReduceProd"):
        axes = [chance.randrange(-rank - 1, rank + 2) for _ in range(chance.choice((1, 1, 1, 2)))]
        facts |= {"keepdims": chance.choice((0, 1))} if chance.random() < 0.4 else {}
        if chance.random() < 0.5:
            facts["axes"] = axes
        elif chance.random() < 0.7:
            given.append(lengths_of(axes))
    elif word == "Gather":
        facts |= {"axis": chance.randrange(-rank, rank + 1)} if chance.random() < 0.4 else {}
        given.append(_whole(chance, chance.choice((1, 1, 2, 3)), -3, 4))
        if chance.random() < 0.3:
            given[1] = lengths_of([chance.randrange(-2, 3)], is_scalar=True)
    elif word == "Slice":
        k = chance.choice((1, 1, 1, 2))
        parts = [_whole(chance, k, -4, 5), _whole(chance, k if chance.random() < 0.95 else k + 1, -4, 6)]
        if chance.random() < 0.6:
            parts += [_whole(chance, k, -rank, max(rank, 1))]
            if chance.random() < 0.6:
                parts += [lengths_of([chance.choice((1, 2, -1, -2)) for _ in range(k)])]
        if chance.random() < 0.2:
            names = ("starts", "ends", "axes")
            facts |= {name: one.wholes or [0] for name, one in zip(names, parts, strict=False)}
        else:
            given += parts
    elif word == "Concat":
        given += [_some(chance) for _ in range(chance.choice((0, 1, 2)))]
        facts |= {"axis": chance.choice((0, -1, 1, 2))}
    elif word == "Reshape":
        given.append(_whole(chance, chance.choice((1, 1, 2, 3)), -1, 4))
    elif word == "Transpose":
        facts |= {"perm": chance.sample(range(rank), rank)} if chance.random() < 0.6 else {}
    elif word == "Cast":
        facts |= {"to": chance.choice((1, 6, 7, 8, 9, 10, 16))}
    elif word == "ConstantOfShape":
        given[0] = _whole(chance, chance.choice((1, 1, 2)), -1, 5)
        raw = chance.choice((-1, 2, 7)).to_bytes(8, "little", signed=True)[: chance.choice((8, 8, 8, 4))]
        attributes["value"] = part(5, part(2, chance.choice((7, 7, 1))) + part(9, raw))
    elif word in ("Add", "Sub", "Mul", "Div", "Max", "Min", "Mod", "Equal"):
        given.append(_some(chance))
    elif word == "Where":
        given += [_some(chance), _some(chance)]
    if chance.random() < 0.04:
        given[chance.randrange(len(given))] = None
    attributes |= {name: _onnx_attribute(value) for name, value in facts.items()}
    node = cases.NodeAttributes({name: message(data) for name, data in attributes.items()})
    told = [word, *map(_brief, given), *(f"{name}={value}" for name, value in facts.items())]
    return f"{n} {' '.join(told)}", _brief(shape_nodes.computed(word, node, given))


def a_node_of_tensorflow(n: int) -> tuple[str, str]:
    """A node of TensorFlow's that is given constants and lengths, and what it gives."""
    chance = random.Random(f"numbers {n}")
    word = chance.choice(OF_TENSORFLOW) if chance.random() < 0.98 else "Dream"
    n_inputs = {"StridedSlice": 4, "GatherV2": 3, "Pack": 2}.get(word, chance.choice((1, 2, 2, 2, 3)))
    kind = chance.choice(("", "", "f4", "f4", "i4"))
    constants: list[Parameter | None] = [_a_constant(chance, kind) for _ in range(n_inputs)]
    lengths_: list[Lengths | None] = [None] * n_inputs
    if chance.random() < 0.6 and n_inputs:
        place = 0 if chance.random() < 0.8 else chance.randrange(n_inputs)
        constants[place], lengths_[place] = None, _some(chance)
    if word == "StridedSlice":
        for place in (1, 2, 3):
            constants[place] = _number(
                chance.choice((-2, -1, 0, 1, 2, 1 << 30)) if place < 3 else chance.choice((1, 1, 2, -1))
            )
    elif word in ("GatherV2", "ConcatV2"):
        constants[-1] = _number(chance.choice((0, 0, -1, 1)), ())
        lengths_[-1] = None
    elif word == "ExpandDims" and n_inputs > 1:
        constants[1] = _number(chance.choice((0, 0, -4, 1, -1)), ())
    elif word in ("Squeeze", "Reshape") or (word == "ExpandDims" and chance.random() < 0.5):
        shape = chance.choice(((3, 2, 2), (1, 4, 1, 1), (5,), (1, 1, 3), (1, 2, 3, 1)))
        constants[0] = Parameter.of("n", np.arange(int(np.prod(shape)), dtype="f4").reshape(shape), "big")
        lengths_[0] = None
    facts: dict[str, Any] = {}
    for name in (
        "begin_mask",
        "end_mask",
        "shrink_axis_mask",
        "ellipsis_mask",
        "new_axis_mask",
        "axis",
        "keep_dims",
    ):
        if chance.random() < (0.25 if name.startswith(("begin", "end", "shrink")) else 0.04):
            facts[name] = chance.choice((1, 2, 3))
    attributes = {name: message(part(3, value)) for name, value in facts.items()}
    if word == "Cast" and chance.random() < 0.8:
        facts["DstT"] = chance.choice((1, 2, 3, 9, 14, 19))
        attributes["DstT"] = message(part(6, facts["DstT"]))
    known = {}
    if chance.random() < 0.15:
        made = Parameter.of("p", np.zeros(3, "f4"), "part")
        depth = chance.choice((1, 15, 16))
        known = {"n": folding.Folded(parameter=made, parts=(made,), depth=depth)}
        facts["depth"] = depth
    computing = Computing(0)
    if chance.random() < 0.05:
        computing.left = facts["left"] = chance.choice((39, 40, 79, 80))
    told = [
        word,
        *(
            _brief(one) if one is not None else _brief(other)
            for one, other in zip(constants, lengths_, strict=True)
        ),
    ]
    told += [f"{name}={value}" for name, value in facts.items()]
    try:
        found = folding.folded(word, attributes, constants, lengths_, known, computing)
        return f"{n} {' '.join(told)}", _brief(found)
    except FiltvizError as error:
        return f"{n} {' '.join(told)}", refused(error)


def _number(value: int, shape: tuple[int, ...] = (1,)) -> Parameter:
    return Parameter.of("n", np.array(value, "i4").reshape(shape), "a")


def _brief(found: Any) -> str:
    if found is None:
        return "-"
    if isinstance(found, Parameter):
        with np.errstate(all="ignore"):
            return numbers_of(found.value)
    if isinstance(found, folding.Folded):
        parts = "-".join(one.name for one in found.parts)
        return f"{_brief(found.parameter)} of {parts} depth {found.depth}{' line' if found.is_line else ''}"
    held = [
        f"{'?' if one.value is None else f'{one.value:g}'}{'@{}.{}'.format(*one.axis) if one.axis else ''}"
        for one in found.numbers
    ]
    shape = "x".join(map(str, found.array.shape))
    return f"<{shape}: {' '.join(held)}{' real' if found.is_real else ''}>"


ONNX: tuple[int, ...] = (
    35, 133, 220, 262, 270, 507, 563, 654, 661, 717, 718, 931, 955, 979, 1034, 1051, 1173, 1250, 1261,
    1333, 1339, 1460, 1524, 1596, 1695, 1698, 1718, 1771, 1875, 2029, 2060, 2080, 2473, 2600, 2660,
    2671, 2698, 2872, 2879, 2880, 2898, 2919, 2920,
)  # fmt: skip
TENSORFLOW: tuple[int, ...] = (
    0, 15, 20, 32, 116, 204, 234, 272, 421, 463, 659, 662, 670, 909, 929, 940, 944, 973, 1199, 1244,
    1452, 1484, 1503, 1549, 1565, 1628, 1653, 1958, 2051, 2104, 2244, 2245, 2261, 2358, 2642, 2951,
)  # fmt: skip


def _joined() -> Told:
    """Parts of other shapes, and along axes that they have or have not."""
    held = {"row": (2,), "longer": (3,), "square": (2, 2), "wide": (2, 3), "one": (1, 1), "alone": ()}
    parts = {
        name: of_parameter(_number(7, shape) if shape == () else _numbers(*shape))
        for name, shape in held.items()
    }
    for names in (
        ("row",), ("row", "longer"), ("row", "row", "longer"), ("row", "square"), ("square", "wide"),
        ("wide", "square"),
        ("square", "one"), ("alone",), ("alone", "alone"),
    ):  # fmt: skip
        for axis in (0, 1, -1, -2, 2, -3):
            found = joined([part for name in names if (part := parts[name]) is not None], axis)
            yield f"{' and '.join(names)} along {axis}", _brief(found)


def _rounded() -> Told:
    for values in ((-1.5, 1.5, 2.0), (-2.0, 0.5), (float("nan"), 3.0), (2.0**40, 1.0)):
        held = of_parameter(Parameter.of("n", np.array(values, "f4"), "a"))
        assert held is not None
        for how in (math.floor, math.ceil, math.trunc):
            yield f"{values} by {how.__name__}", _brief(held.rounded(how))
        for is_real in (False, True):
            yield f"{values} as {'real' if is_real else 'whole'}", _brief(held.as_real(is_real=is_real))
    for layer in (None, 1):
        of_one = of_shape((2, None, 3), layer)
        shown = (of_one.rounded(math.floor), of_one.as_real(is_real=False), of_one.as_real(is_real=True))
        yield f"lengths of layer {layer}", " ".join(map(_brief, (*shown, of_one.product())))
    for n in (LARGEST - 1, LARGEST, LARGEST + 1):
        yield f"{n} and below 0", _brief(lengths_of([n, -n]))
    for n in (MOST // 2 - 1, MOST // 2, MOST // 2 + 1):
        column, row = (of_parameter(_numbers(*shape)) for shape in ((n, 1), (1, 2)))
        assert column is not None
        assert row is not None
        for words, found in (("added", combined("add", column, row)), ("chosen", chosen(row, column, row))):
            yield f"{n} rows of 2 {words}", "-" if found is None else f"{found.array.shape}"


def _numbers(*shape: int) -> Parameter:
    return Parameter.of("n", np.arange(int(np.prod(shape)), dtype="i4").reshape(shape), "a")


def lengths() -> Told:
    yield from _joined()
    yield from _rounded()
    yield from map(a_node_of_onnx, (*ONNX, *range(4000, 4500)))
    yield from map(a_node_of_tensorflow, (*TENSORFLOW, *range(4000, 4500)))
