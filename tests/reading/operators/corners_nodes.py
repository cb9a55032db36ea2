"""What ONNX's nodes do behind an image, at each boundary: what is told alike stands together."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from filtviz.reading.formats.onnx import cases, operators, sizes
from filtviz.reading.shape_arithmetic import Lengths, lengths_of
from tests.reading.operators.asking import Told
from tests.reading.operators.corners_folding import attributes, constants, held, ramp
from tests.reading.operators.small_parts import together
from tests.telling import told

__all__ = ["corners_of_nodes", "does"]

Given = Any
Rows = list[tuple[str, str]]

_SHARES: Any = {"alpha": 0.5}, {"transB": 1, "alpha": 1.0, "beta": 2.0}, {"beta": 0.0}
"""What a product is multiplied by, and what is added to it."""


def does(
    operator: str, *given: Given, shape: Any = (2, 6, 8, 9), opset: int = 13, output: int = 0, **facts: Any
) -> str:
    """What a node does behind an image: `Lengths` stand for numbers computed of shapes, tuples for layers."""
    whole = constants([None if isinstance(one, Lengths | tuple) else one for one in given])
    case = cases.Case(
        operator=operator,
        attributes=attributes(facts),
        given=[None, *whole],
        shapes=[shape, *(one for one in given if isinstance(one, tuple))],
        opset=opset,
        output=output,
        lengths=[None, *(one if isinstance(one, Lengths) else None for one in given)],
        layer=0,
    )
    return f"{sizes.known_shape(case)} {told(*operators.operations_of(case))}"


def _spread() -> Told:
    rows: Rows = []
    for opset, shape, below in itertools.product(
        (6, 7),
        ((), (1,), (6,), (6, 1, 1), (8, 9), (1, 6, 1, 1), (1, 1, 6, 1, 1)),
        ((2, 6, 8, 9), (2, 6), None),
    ):
        for axis in (None, 0, 1, -1, -3):
            facts = {} if axis is None else {"axis": axis}
            asked = f"{opset} {shape} {below} {axis}"
            rows.append((asked, does("Mul", ramp(*shape), shape=below, opset=opset, **facts)))
    yield from together(rows, "beside a constant")
    rows = []
    for operator in ("Add", "Pow", "Mean", "Sub"):
        for given in (
            ((2, 6, 8, 9),),
            (ramp(6, 1, 1), ramp(6, 1, 1)),
            (ramp(6, 1, 1), (2, 6, 8, 9)),
            (None,),
            (lengths_of([2]),),
            (ramp(6, 1, 1, order=(2, 1, 0)),),
            (ramp(3, 6, 8, 9),),
            (ramp(2, 6, 8, 9, 1),),
            (ramp(6, 8, 9),),
            (),
            (None, None),
        ):
            rows.append((f"{operator} {len(given)} {_words(given)}", does(operator, *given)))
    yield from together(rows, "what is joined")


def _words(given: Sequence[Given]) -> str:
    return " ".join(
        str(one.shape if isinstance(one, cases.Constant) else one)
        for one in given
        if not isinstance(one, Lengths)
    )


def _reductions() -> Told:
    for operator in operators._REDUCTIONS:
        rows: Rows = []
        for rank, axes, keeps in itertools.product(
            (2, 3, 4, 5),
            ([], [1], [2], [2, 3], [3, 2], [-1], [-2, -1], [0], [0, 1], [1, 2], [4], [-5], [2, 3, 4]),
            (0, 1),
        ):
            found = does(operator, axes, shape=(2, 6, 8, 9, 7)[:rank], keepdims=keeps)
            rows.append((f"{rank} {axes} {keeps}".replace(", ", ","), found))
        rows += [(f"open {axes}", does(operator, axes, shape=None)) for axes in ([2, 3], [1], [-1, -2], [4])]
        rows += [
            ("said", does(operator, axes=[1])),
            ("all", does(operator)),
            ("unread", does(operator, held([np.inf]))),
        ]
        yield from together(rows, operator)


def _orders() -> Told:
    rows: Rows = []
    for operator, axes, shape in itertools.product(
        ("Unsqueeze", "Squeeze"),
        ([0], [-1], [1, 2], [0, 0], [5], [-6], [4], [-5], [2], [1, 1], []),
        ((2, 1, 8, 1), (3,), (), None),
    ):
        rows.append((f"{operator} {axes} {shape}", does(operator, axes, shape=shape)))
    rows += [(f"{word} of none", does(word)) for word in ("Unsqueeze", "Squeeze", "Transpose", "Reshape")]
    rows += [
        (f"Transpose {order}", does("Transpose", perm=order))
        for order in ([0, 2, 3, 1], [0, 1], [], [1, 1], [1, 2])
    ]
    for wanted in ([0, -1], [-1, -1], [-2, 3], [-1], [0, 0, 72], [2, 432], [], [0], [-3, 1]):
        rows.append((f"Reshape {wanted}", does("Reshape", wanted)))
        rows.append((f"Reshape of lengths {wanted}", does("Reshape", lengths_of(wanted))))
    for axis in (-5, -4, -1, 0, 1, 3, 4, 7):
        for shape in ((2, 6, 8, 9), (2, 6), None, ()):
            rows += [
                (f"{word} {axis} {shape}", does(word, *more, axis=axis, shape=shape))
                for word, more in (
                    ("Concat", ((2, 6, 8, 9),)),
                    ("Flatten", ()),
                    ("Softmax", ()),
                    ("Split", ([3, 3],)),
                    ("Gather", (2,)),
                    ("LayerNormalization", (ramp(9),)),
                )
            ]
    rows += [(f"Softmax {opset}", does("Softmax", opset=opset)) for opset in (12, 13)]
    rows += [(f"{word} and a constant", does(word, ramp(2, 6, 8, 9), axis=1)) for word in ("Concat",)]
    rows += [("Concat and lengths", does("Concat", ramp(2, 6, 8, 9), lengths_of([1]), axis=1))]
    yield from together(rows, "orders")
    rows = []
    for starts, stops, more in (
        ([1], [3], ()),
        ([1], [1 << 30], ()),
        ([1], [(1 << 30) - 1], ()),
        ([-1], [-(1 << 30)], ([3], [-1])),
        ([1], [3], ([-1],)),
        ([1], [3], ([4],)),
        ([1], [3], ([-5],)),
        ([1, 2], [3, 4], ()),
        ([1], [3, 4], ()),
        ([1], [3], ([0, 1],)),
        ([1], [3], ([1], [2, 2])),
        ([], [], ()),
        ([1], [3], (None, [2])),
        ([0, 0], [1, 1], ([3, 1], [2, 1])),
    ):
        for shape in ((2, 6, 8, 9), None):
            rows.append(
                (f"{starts} {stops} {more} {shape}", does("Slice", starts, stops, *more, shape=shape))
            )
    rows += [("said", does("Slice", starts=[1], ends=[2], axes=[3])), ("open", does("Slice", [1]))]
    for sizes_, output in itertools.product(([3, 3], [6], [2, -1], [0, 6], None), (0, 1, 2)):
        rows.append((f"Split {sizes_} {output}", does("Split", sizes_, output=output, axis=1)))
    for index in (2, [2], [1, 2], held(2.0), held(np.zeros((4, 6))), held(np.zeros((4, 6, 1)))):
        rows.append((f"Gather {_words([index])}", does("Gather", index, axis=1)))
    yield from together(rows, "pieces")


def _windows() -> Told:
    rows: Rows = []
    for pads, more in itertools.product(
        (
            [0, 0, 0, 0, 0, 0, 0, 0],
            [0, 0, 1, 2, 0, 0, 3, 4],
            [0, 1, 0, 0, 0, 0, 0, 0],
            [0, 0, -1, 0, 0, 0, 0, 0],
            [1, 2, 3, 4],
            [1, 2, 3],
            [],
        ),
        (
            (),
            (held(2.5),),
            (held([]),),
            (held(np.zeros(65)),),
            (None, [2, 3]),
            (None, [-1, -2]),
            (None, [2]),
            (None, [4, 1]),
            (None, [-5, 1]),
        ),
    ):
        rows.append((f"{pads} {_words(more)}", does("Pad", pads, *more)))
    rows += [
        (f"mode {mode}", does("Pad", [0, 0, 1, 2, 0, 0, 3, 4], mode=mode))
        for mode in ("constant", "reflect", "edge", "wrap")
    ]
    rows += [
        ("said", does("Pad", pads=[0, 0, 1, 1, 0, 0, 1, 1], value=1.5)),
        ("older", does("Pad", paddings=[0, 0, 1, 1, 0, 0, 1, 1])),
        ("nothing below", does("Pad", [1, 2, 3, 4], None, [2, 3], shape=None)),
        ("nothing", does("Pad")),
    ]
    yield from together(rows, "Pad")
    rows = []
    kernel, turned = ramp(4, 3, 2, 3), ramp(3, 2, 3, 4, order=(3, 2, 1, 0))
    for facts in (
        {},
        {"strides": [2, 3]},
        {"strides": [0, 1]},
        {"strides": [2]},
        {"dilations": [2, 1]},
        {"dilations": [1, 1]},
        {"group": 2},
        {"pads": [1, 2, 3, 4]},
        {"pads": [1, 2]},
        {"pads": [-1, 0, 0, 0]},
        {"pads": [0, 0, 0, 1]},
        {"auto_pad": "VALID", "pads": [1, 1, 1, 1]},
        {"auto_pad": "SAME_UPPER", "strides": [2, 3]},
        {"auto_pad": "SAME_LOWER", "strides": [2, 3]},
        {"auto_pad": "SAME_LOWER"},
        {"auto_pad": "odd", "pads": [1, 1, 1, 1]},
        {"output_shape": [15, 27]},
        {"output_shape": [2, 3, 15, 27]},
        {"output_shape": [15]},
        {"auto_pad": "SAME_ODD", "pads": [1, 1, 1, 1]},
        {"output_shape": [0, 3, 15, 27]},
        {"output_shape": [0, 27]},
        {"output_padding": [1, 0]},
        {"output_padding": [0, 0]},
        {"output_padding": [1]},
        {"output_padding": [-1, 1]},
        {"output_padding": [1, 1], "pads": [1, 0, 2, 1], "strides": [2, 3], "dilations": [2, 1]},
        {"output_padding": [1, 0], "auto_pad": "VALID"},
        {"output_padding": [0, 0], "pads": [-1, 0, 0, 0]},
        {"auto_pad": "SAME_UPPER", "strides": [2, 3], "output_padding": [1, 1]},
    ):
        for word, shape in itertools.product(
            ("Conv", "ConvTranspose"), ((2, 6, 8, 9), (2, 6, None, 9), (2, 6, 8), None)
        ):
            found = does(word, kernel, ramp(4, source="b"), shape=shape, **facts)  # type: ignore[arg-type]
            rows.append((f"{word} {facts} {shape}", found))
    for one in (ramp(4, 3), ramp(4, 3, 2), ramp(4, 3, 2, 3, 1), ramp(4, 3, 2, 3, 1, 1), turned, None):
        rows += [
            (f"{word} of {_words([one])}", does(word, one))
            for word in ("Conv", "ConvTranspose", "ConvInteger", "FusedConv")
        ]
    rows += [
        ("turned bias", does("Conv", kernel, ramp(4, order=(0,)))),
        ("activated", does("FusedConv", kernel, activation="Tanh")),
    ]
    one, whole = held(0.5), ramp(4, 3, 2, 3, kind="i1")
    for scale, zero, bias in (
        (one, None, ramp(4, kind="i4")),
        (one, held(1, "i1"), ramp(4, kind="i4")),
        (ramp(4), None, ramp(4, kind="i4")),
        (ramp(4), None, ramp(3, kind="i4")),
        (ramp(3), None, ramp(4, kind="i4")),
        (one, None, ramp(3, kind="i4")),
        (one, None, None),
        (None, None, ramp(4, kind="i4")),
        (ramp(4), ramp(4, kind="i1"), ramp(4, kind="i4")),
    ):
        for first in (one, None, ramp(2)):
            asked = f"QLinearConv {_words([first, scale, zero, bias])}"
            rows.append((asked, does("QLinearConv", first, None, whole, scale, zero, one, None, bias)))
    yield from together(rows, "windows")
    rows = []
    for facts in (
        {"kernel_shape": [2, 3]},
        {},
        {"kernel_shape": [0, 3]},
        {"kernel_shape": [1, 1]},
        {"kernel_shape": [2, 3], "ceil_mode": 1},
        {"kernel_shape": [2, 3], "count_include_pad": 1},
        {"kernel_shape": [2, 3], "dilations": [1, 2]},
        {"kernel_shape": [2, 3], "pads": [1]},
        {"kernel_shape": [2], "strides": [2]},
        {"kernel_shape": [2, 3], "auto_pad": "SAME_LOWER", "dilations": [1, 2]},
    ):
        rows += [(f"{word} {facts}", does(word, **facts)) for word in ("MaxPool", "AveragePool")]  # type: ignore[arg-type]
    for shape in ((2, 6), (2, 6, 8), (2, 6, 8, 9, 7), None):
        rows += [
            (f"{word} {shape}", does(word, shape=shape)) for word in ("GlobalMaxPool", "GlobalAveragePool")
        ]
    rows += [
        (f"DepthToSpace {n} {mode} {shape}", does("DepthToSpace", blocksize=n, mode=mode, shape=shape))
        for n in (-1, 0, 1, 2, 3)
        for mode in ("CRD", "DCR")
        for shape in ((2, 8, 8, 9), (2, 8, 8), (2, None, 8, None), None)
    ]
    yield from together(rows, "pools")


def _others() -> Told:
    rows: Rows = []
    six, vector = ramp(6), ramp(6, source="b")
    for word, groups, opset in itertools.product(
        ("GroupNormalization", "InstanceNormalization"), (None, 0, 1, 2), (20, 21)
    ):
        facts: dict[str, Any] = {} if groups is None else {"num_groups": groups}
        rows.append((f"{word} {groups} {opset}", does(word, six, vector, opset=opset, **facts)))
    for given in (
        (),
        (six,),
        (None, vector),
        (six, None),
        (six, ramp(6, order=(0,))),
        (ramp(6, order=(0,)),),
        (None, None),
    ):
        for facts in ({}, {"epsilon": 0.25}, {"epsilon": -1.0}):
            rows.append((f"norm {_words(given)} {facts}", does("InstanceNormalization", *given, **facts)))
    for axis, shape in itertools.product((-65, -64, -63, -2, -1, 0, 1, 3, 4, 5), ((2, 6, 8, 9), None)):
        rows.append((f"along {axis} {shape}", does("LayerNormalization", ramp(9), axis=axis, shape=shape)))
    for given in ((six,) * 4, (six,) * 3, (None, None, None, six), (six, six, six, ramp(6, order=(0,)))):
        rows += [
            (f"batch {_words(given)} {facts}", does("BatchNormalization", *given, **facts))
            for facts in ({}, {"epsilon": 0.5})
        ]
    yield from together(rows, "norms")
    rows = []
    for shape, more, facts in itertools.product(
        ((5, 6), (6, 5), (5,), (5, 6, 1)),
        ((), (ramp(5),), (ramp(1, 5),), (ramp(),), (ramp(5, 1),), (ramp(1, 1),), ((2, 5),)),
        ({}, {"transB": 1}, {"transA": 1}, *_SHARES),
    ):
        rows.append(
            (f"Gemm {shape} {_words(more)} {facts}", does("Gemm", ramp(*shape), *more, shape=(2, 6), **facts))
        )
    for one in (
        ramp(9, 5),
        ramp(5, 9, order=(1, 0)),
        ramp(9),
        ramp(1, 9, 5),
        (2, 6, 9, 5),
        (3, 6, 9, 5),
        (2, 6, 7, 5),
        (6, 9, 5),
        None,
    ):
        for shape in ((2, 6, 8, 9), (2, 9), (9,), None):
            rows.append((f"MatMul {_words([one])} of {shape}", does("MatMul", one, shape=shape)))
    rows.append(("MatMul of three", does("MatMul", (2, 6, 9, 5), (1,))))
    rows += [
        (f"{word} of no mode", does(word, None, held([1, 1, 2, 2]), mode="")) for word in ("Resize", "Pad")
    ]
    yield from together(rows, "products")
    rows = []
    for low, high in itertools.product(
        (None, held(0.5), held([-1.0, 2]), held(np.zeros(65)), held([])), repeat=2
    ):
        rows.append((f"Clip {_words([low, high])}", does("Clip", low, high)))
    rows += [
        (f"Clip {facts}", does("Clip", **facts))
        for facts in ({}, {"min": 0.0}, {"max": 6.0}, {"min": 0.0, "max": 6.0}, {"min": -1.0, "max": 1.0})
    ]
    rows += [
        ("Clip by lengths", does("Clip", lengths_of([2]))),
        ("Clip by layers", does("Clip", (1,))),
        ("Clip by both", does("Clip", held(0.0), min=1.0, max=2.0)),
    ]
    for alpha, beta in itertools.product((None, 0.2, 0.2000005, 0.25), (None, 0.5, 0.6)):
        facts = {name: n for name, n in (("alpha", alpha), ("beta", beta)) if n is not None}
        rows.append((f"HardSigmoid {facts}", does("HardSigmoid", **facts)))
    for slope, below in itertools.product(
        ((6,), (6, 1, 1), (1,), (), (1, 6, 1, 1), (6, 1), (6, 8, 9)), ((2, 6, 8, 9), (2, 6), (6,), None)
    ):
        rows.append((f"PRelu {slope} {below}", does("PRelu", ramp(*slope), shape=below)))
    rows += [
        ("PRelu turned", does("PRelu", ramp(1, 1, 6, order=(2, 1, 0)))),
        ("PRelu of none", does("PRelu")),
    ]
    for facts in (
        {},
        {"alpha": 0.5},
        {"activation_params": [0.5, 2.0]},
        {"gamma": 2.0},
        {"approximate": "tanh"},
        {"ratio": 0.1},
        {"size": 0},
        {"size": 3, "bias": 2.0},
        {"hidden_size": 3},
    ):
        rows += [
            (f"{word} {facts}", does(word, **facts))
            for word in ("LeakyRelu", "Elu", "Selu", "Gelu", "Dropout", "LRN", "LSTM", "Celu", "Identity")
        ]
    yield from together(rows, "functions")


def corners_of_nodes() -> Told:
    """All of it."""
    for rows in (_spread, _reductions, _orders, _windows, _others):
        yield from rows()
