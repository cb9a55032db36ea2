"""Every operator of ONNX and of TensorFlow, given whatever can stand before it, each a line for each shape.

What follows ``=>`` is for each kind of arrays beside it what it does, or gives, in a word and a sum of all
that is told. Most of it is nothing that a program writes: it is to be read, said or left, and never to end
otherwise.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.parameter import Parameter, Shape
from filtviz.reading.formats.onnx import cases, operators, sizes
from filtviz.reading.formats.onnx.constant_folding import _BY_OPERATOR as FOLDED
from filtviz.reading.formats.onnx.constant_folding import folded
from filtviz.reading.formats.tensorflow import folding, nodes
from filtviz.reading.limits import Computing
from filtviz.reading.shape_arithmetic import Lengths, lengths_of
from tests.reading.operators.asking import Told, message, numbers_of
from tests.reading.operators.onnx import _onnx_attribute
from tests.reading.operators.whole_tensorflow import attribute
from tests.telling import told

__all__ = ["products"]


def _of(values: Any, kind: str = "f4") -> Parameter:
    held = np.asarray(values, kind)
    return Parameter.of("n", held, f"{kind} {held.shape}")


_SOME = np.arange(36) % 5 - 1.5
HELD: dict[str, Parameter] = {
    "two": _of([2], "i8"),
    "none": _of([], "i8"),
    "four": _of([1, 0, -1, 1], "i8"),
    "number": _of(0.5),
    "six": _of(_SOME[:6]),
    "square": _of(_SOME.reshape(6, 6)),
    "image": _of(_SOME.reshape(6, 1, 3, 2)),
    "narrow": _of(_SOME[:6].reshape(6, 1), "f2"),
    "zero": _of(0, "i4"),
    "flags": _of([True, False, True, True, False, True], "?"),
    "empty": _of(np.zeros((0, 6))),
}
FIRST = ("four", "none", "number", "six", "image")
_ALIKE = (
    "Abs", "Sqrt", "Reciprocal", "Exp", "Log", "Tanh", "Sign", "Floor", "Ceil", "Round", "Sigmoid",
    "Softplus", "Sub", "Mul", "Min", "Sum", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "ReduceMin",
    "ReduceMax", "ReduceL2", "Unsqueeze",
)  # fmt: skip
"""Operators that are read as others are, number by number or along axes."""

GIVEN: tuple[tuple[str | None, ...], ...] = (
    (), ("two",), ("none",), ("four",), ("number",), ("six",), ("square",), ("image",), ("image", "six"),
    (None, "two"), (None, None, "four"), ("six", "six", "six", "six"), ("four", "number"),
)  # fmt: skip
SHAPES: tuple[Sequence[Shape | None], ...] = (
    [None], [(1, 6)], [(2, 6, 4, 3)], [(2, 6, 4, 3), (2, 6, 4, 3)], [(1, None, 3)],
)  # fmt: skip
FACTS: dict[str, Any] = {
    "axis": -1, "axes": [-1], "keepdims": 0, "group": 2, "mode": "CRD", "blocksize": 2, "alpha": 0.25,
    "kernel_shape": [2, 1], "pads": [1, 0, 0, 1], "strides": [2, 1], "perm": [0, 2, 3, 1], "to": 10,
    "auto_pad": "SAME_LOWER", "ceil_mode": 1, "transB": 1, "p": 1,
}  # fmt: skip


def _brief(make: Callable[[], str]) -> str:
    """A word, and a sum of all."""
    try:
        text = make()
    except FiltvizError as error:
        text = f"{type(error).__name__} {error}"
    return f"{text.partition(' ')[0]}:{zlib.crc32(text.encode()) & 0xFFFF:04x}"


def _values(held: Parameter) -> str:
    """An array's type and its numbers, but for digits, and numbers too large, in which processors differ."""
    found = np.asarray(held.value, np.float64)
    return f"{held.dtype} {numbers_of(np.round(np.where(np.abs(found) > 1e6, 1e6, found), 2) + 0.0)}"


def _onnx(word: str, shapes: Sequence[Shape | None], given: Sequence[str | None], *, full: bool) -> str:
    facts = {name: message(_onnx_attribute(value)) for name, value in (FACTS if full else {}).items()}
    case = cases.Case(
        operator=word,
        attributes=cases.NodeAttributes(facts),
        given=[None] * max(len(shapes), 1)
        + [None if one is None else cases.Constant(parameter=HELD[one]) for one in given],
        shapes=shapes,
        opset=9 if full else 17,
        lengths=[None] * len(shapes),
        layer=0 if shapes else None,
    )
    return _brief(lambda: f"{told(*operators.operations_of(case))} {sizes.known_shape(case)}")


def _constants(word: str, first: str, given: Sequence[str | None], *, full: bool) -> str:
    """What an operator of ONNX makes of constants."""
    facts = {name: message(_onnx_attribute(value)) for name, value in (FACTS if full else {}).items()}
    held = [None if one is None else cases.Constant(parameter=HELD[one]) for one in (first, *given)]

    def made() -> str:
        with np.errstate(all="ignore"):
            case = cases.Case(
                operator=word, attributes=cases.NodeAttributes(facts), given=held, shapes=(), opset=17
            )
            found = folded(case)
            return "-" if found is None else f"{_values(found.parameter)} {found.made}"

    return _brief(made)


def _tensorflow(word: str, shapes: Sequence[Shape | None], given: Sequence[str | None], *, full: bool) -> str:
    facts = {"data_format": "NHWC", "padding": "SAME", "ksize": [1, 2, 1, 1], "strides": [1, 2, 1, 1]}
    facts |= {"keep_dims": True, "epsilon": 0.25, "squeeze_dims": [1, 2], "mode": "REFLECT"}
    computed: list[Lengths | None] = [None] * (1 + len(given))
    if full and given:
        computed[-1], given = lengths_of([2, 1, 0, 1]), (*given[:-1], None)
    case = nodes.Node(
        operator=word,
        attributes={name: message(attribute(value)) for name, value in (facts if full else {}).items()},
        constants=[None, *(None if one is None else HELD[one] for one in given)],
        shapes=shapes,
        lengths=computed,
        channels_first=not full and len(given) == 1,
        is_line=full and len(given) == 2,
    )

    def made() -> str:
        found = nodes.BY_OPERATOR[word](case)
        return f"{'-' if found is None else told(*found)} {nodes.known_shape(case)}"

    return _brief(made)


def _numbers(word: str, first: str, given: Sequence[str | None]) -> str:
    """What an operator of TensorFlow makes of constants."""
    held = [HELD[one] for one in (first, *filter(None, given))]

    def made() -> str:
        found = folding.folded(word, {}, held, [None] * len(held), {}, Computing(1 << 20))
        if isinstance(found, Lengths):
            return f"{[one.value for one in found.numbers]} {found.array.shape}"
        one = found.parameter if isinstance(found, folding.Folded) else found
        with np.errstate(all="ignore"):
            return "-" if one is None else _values(one)

    return _brief(made)


def _distinct(table: Mapping[str, Any]) -> list[str]:
    """The first operator for each function that reads some."""
    return [
        next(word for word in sorted(table) if table[word] is row) for row in dict.fromkeys(table.values())
    ]


def products() -> Told:
    for name, words, asked in (
        ("ONNX", _distinct(operators._BY_OPERATOR), _onnx),
        ("TensorFlow", _distinct(nodes.BY_OPERATOR), _tensorflow),
    ):
        for word in words:
            for shapes in SHAPES:
                cells = [asked(word, shapes, given, full=bool(at % 2)) for at, given in enumerate(GIVEN)]
                yield f"{name} {word} of {shapes}", " ".join(cells)
    for word in FOLDED:
        if word not in _ALIKE:
            for first in FIRST:
                cells = [
                    _constants(word, first, given, full=bool(at % 2)) for at, given in enumerate(GIVEN[:7])
                ]
                yield f"ONNX {word} of the constant {first}", " ".join(cells)
    for word in sorted({*folding._NUMBERS, *folding._ARITHMETIC, "Reshape", "Squeeze", "ExpandDims"}):
        for first in FIRST:
            cells = [_numbers(word, first, given) for given in GIVEN[:6]]
            yield f"TensorFlow {word} of the constant {first}", " ".join(cells)
