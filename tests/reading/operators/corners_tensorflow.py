"""What TensorFlow's nodes do, at each boundary."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from filtviz.parameter import Parameter
from filtviz.reading.formats.tensorflow import nodes
from filtviz.reading.shape_arithmetic import Lengths, lengths_of
from tests.reading.operators.asking import Told, message, part
from tests.reading.operators.small_parts import together
from tests.reading.operators.whole_tensorflow import attribute
from tests.telling import told

__all__ = ["corners_of_tensorflow", "held", "ramp"]

Rows = list[tuple[str, str]]
IMAGE = (2, 6, 8, 9)
SHAPES: Sequence[Any] = ((2, 6), (2, 6, 8), IMAGE, (2, 6, 4, 8, 9), None)


def held(values: Any, kind: str = "f4", name: str = "w") -> Parameter:
    return Parameter.of(name, np.asarray(values, kind), name)


def ramp(*shape: int, kind: str = "f4", name: str = "w") -> Parameter:
    return held(np.arange(1, 1 + int(np.prod(shape))).reshape(shape), kind, name)


def does(
    operator: str,
    *given: Any,
    shape: Any = IMAGE,
    first: bool = False,
    line: bool = False,
    spread: Any = None,
    **facts: Any,
) -> str:
    """What a node does behind an image: lists are whole numbers, tuples other layers."""
    found = [held(one, "i4", "n") if isinstance(one, list | int) else one for one in (None, *given)]
    if isinstance(given[:1], tuple) and given and given[0] == "first":
        found = [held(one, "i4", "n") if isinstance(one, list | int) else one for one in (*given[1:], None)]
    node = nodes.Node(
        operator=operator,
        attributes={name: message(attribute(value)) for name, value in facts.items()},
        constants=[one if isinstance(one, Parameter) else None for one in found],
        shapes=[] if shape == "none" else [shape, *(one for one in given if isinstance(one, tuple))],
        lengths=[one if isinstance(one, Lengths) else None for one in found],
        channels_first=first,
        is_line=line,
        spread=None if spread is None else nodes.Spread(gaps=spread[0], before=spread[1]),
    )
    done = nodes.BY_OPERATOR[operator](node)
    return f"{nodes.known_shape(node)} {told(*done) if done else 'nothing'}"


def _windows() -> Told:
    rows: Rows = []
    kernel = ramp(3, 2, 3, 4)
    for facts in (
        {},
        {"padding": "VALID"},
        {"padding": "SAME"},
        {"padding": "SAME", "strides": [1, 2, 3, 1]},
        {"padding": "SAME", "strides": [1, 1, 2, 3], "data_format": "NCHW"},
        {"padding": "VALID", "strides": [1, 2, 3]},
        {"padding": "VALID", "strides": [1, 2, 0, 1]},
        {"padding": "VALID", "dilations": [1, 2, 1, 1]},
        {"padding": "VALID", "dilations": [1, 1, 1, 1]},
        {"padding": "EXPLICIT"},
        {"padding": "odd"},
        {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 2, 3, 4, 0, 0]},
        {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 9, 9, 1, 2, 3, 4], "data_format": "NCHW"},
        {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 2, 3, 4, 5, 6], "data_format": "NCDHW"},
        {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 2, 3, 4]},
    ):
        for word in ("Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput"):
            given = ([2, 16, 27, 3], kernel) if "Back" in word else (kernel,)
            for shape in (IMAGE, (2, 6, None, 9), (2, 6, 8), None):
                if "Back" in word:
                    found = does(word, "first", *given, shape=shape, **facts)  # type: ignore[arg-type]
                else:
                    found = does(word, *given, shape=shape, **facts)  # type: ignore[arg-type]
                rows.append((f"{word} {facts} {shape}", found))
    yield from together(rows, "windows")
    rows = []
    for size in (
        (3, 4),
        (2, 3, 4),
        (3, 2, 3, 4),
        (3, 2, 2, 3, 4),
        (2,) * 6,
        (3, 2, 0, 4),
        (3, 2, 6, 4),
        (3, 2, 12, 4),
    ):
        for word, shape in itertools.product(("Conv2D", "Conv3D", "DepthwiseConv2dNative"), SHAPES):
            rows.append(
                (
                    f"{word} {size} {shape}",
                    does(word, ramp(*size), padding="VALID", strides=[1, 2, 3, 1], shape=shape),
                )
            )
    for asked in (
        [2, 16, 27, 3],
        [2, 3, 16, 27],
        [16, 27],
        [2, 0, 27, 3],
        [2, 16, -1, 3],
        lengths_of([2, 16, 27, 3]),
        lengths_of([None, 16, 27, 3]),
        lengths_of([2, None, 27, 3]),
        None,
        held([2, 16, 27, 3]),
        [2, 4, 16, 27, 3],
    ):
        words = (
            asked
            if not isinstance(asked, Lengths | Parameter)
            else [one.value for one in asked.numbers]
            if isinstance(asked, Lengths)
            else "real"
        )
        for facts in ({"padding": "SAME"}, {"padding": "VALID", "data_format": "NCHW"}):
            found = does("Conv2DBackpropInput", "first", asked, kernel, strides=[1, 2, 2, 1], **facts)
            rows.append((f"backwards {words} {facts}", found))
    rows.append(
        (
            "backwards in space",
            does(
                "Conv3DBackpropInputV2",
                "first",
                [2, 4, 16, 27, 3],
                ramp(2, 2, 2, 3, 4),
                strides=[1, 2, 1, 3, 1],
            ),
        )
    )
    for gaps, before in itertools.product(
        ((2, 3), (2,), (1, 2, 3)), (None, (), (1,), (1, 2), (0, 2), (9, 1), (5, 1, 2))
    ):
        for size in ((3, 2, 3, 4), (3, 3, 4)):
            for facts in ({"padding": "VALID"}, {"padding": "SAME", "dilations": [1, 5, 5, 1]}):
                found = does("Conv2D", ramp(*size), spread=(gaps, before), **facts)
                rows.append((f"gaps {gaps} behind {before} {len(size)} {facts['padding']}", found))
    rows += [
        ("without a kernel", does("Conv2D", None)),
        ("without inputs", does("Conv2D")),
        ("alone", does("Conv2D", kernel, shape="none")),
    ]
    yield from together(rows, "kernels")
    rows = []
    for word, facts, shape in itertools.product(
        ("MaxPool", "AvgPool", "MaxPool3D", "AvgPool3D"),
        (
            {"padding": "SAME"},
            {"padding": "VALID", "ksize": [1, 2, 3, 1], "strides": [1, 2, 1, 1]},
            {"padding": "SAME", "ksize": [1, 2, 2, 3, 1]},
            {"padding": "VALID", "ksize": [1, 1, 2, 3], "data_format": "NCHW"},
            {"padding": "SAME", "ksize": [1, 2, 0, 1]},
        ),
        (IMAGE, (2, 6, 4, 8, 9), None),
    ):
        rows.append((f"{word} {facts} {shape}", does(word, shape=shape, **facts)))  # type: ignore[arg-type]
    six = ramp(6)
    for given in ((six,) * 4, (six,) * 3, (six, six, six, None), (None, None, None, six), (six,) * 5, ()):
        for facts in ({}, {"epsilon": 0.5}):
            found = does("FusedBatchNorm", *given, **facts)
            rows.append((f"norm of {['-' if one is None else 6 for one in given]} {facts}", found))
    for given in ((six,), (ramp(6, 1),), (None,), (), (None, six), (ramp(),)):
        rows.append((f"bias of {len(given)} {[one and one.shape for one in given]}", does("BiasAdd", *given)))
    yield from together(rows, "pools")


def _joined() -> Told:
    rows: Rows = []
    for word, first in itertools.product(("AddV2", "Sub", "Pow", "AddN", "Maximum"), (False, True)):
        for given in (
            (IMAGE,),
            (ramp(6),),
            (ramp(9),),
            (ramp(),),
            (ramp(8, 9, 6),),
            (ramp(6, 8, 9),),
            (ramp(2, 6, 8, 9, 1),),
            (ramp(1, 1, 6),),
            (held([1] * 6, "i4"),),
            (ramp(6), ramp(6)),
            (None,),
            (lengths_of([2]),),
            ("first", ramp(6)),
            ("first", ramp()),
            (IMAGE, ramp(6)),
        ):
            words = " ".join(
                str(one.shape if isinstance(one, Parameter) else one)
                for one in given
                if not isinstance(one, Lengths)
            )
            rows.append((f"{word} {words} {len(given)} {'first' * first}", does(word, *given, first=first)))
    for shape, given in itertools.product(SHAPES, (ramp(6), ramp(), ramp(1, 6), ramp(8))):
        rows += [
            (f"Mul {given.shape} of {shape} {'first' * first}", does("Mul", given, shape=shape, first=first))
            for first in (False, True)
        ]
    rows.append(("Mul of none", does("Mul", shape="none")))
    yield from together(rows, "beside a constant")
    rows = []
    for word, axes, shape in itertools.product(
        ("Mean", "Max"),
        ([1, 2], [2, 1], [2, 3], [1], [-1], [-2], [1, 2, 3], [-3, -2], [], [0, 1], [3]),
        SHAPES,
    ):
        for facts in ({}, {"keep_dims": True}, {"keep_dims": False}):
            rows.append((f"{word} {axes} {shape} {facts}", does(word, axes, shape=shape, **facts)))
        rows.append((f"{word} {axes} {shape} first", does(word, axes, shape=shape, first=True)))
    rows += [("unread", does("Mean", held([1.0, 2.0]))), ("of none", does("Mean"))]
    yield from together(rows, "means")
    rows = []
    for axis, shape, first in itertools.product(
        ([0], [1], [3], [-1], [-2], [4], [], [1, 2]), SHAPES, (False, True)
    ):
        rows.append(
            (f"ConcatV2 {axis} {shape} {first}", does("ConcatV2", (1,), axis, shape=shape, first=first))
        )
        rows.append(
            (f"Concat {axis} {shape} {first}", does("Concat", "first", axis, shape=shape, first=first))
        )
    rows += [("and a constant", does("ConcatV2", ramp(6), [1])), ("of nothing", does("ConcatV2"))]
    for size, facts in itertools.product(
        ((5, 6), (6, 5), (5,), (5, 6, 1)),
        ({}, {"transpose_b": True}, {"transpose_b": False}, {"transpose_a": True}),
    ):
        rows.append((f"MatMul {size} {facts}", does("MatMul", ramp(*size), **facts)))
    for size, kind, shape in itertools.product(
        ((5, 6), (5,), (5, 6, 1)), ("f4", "i4"), ((2, 7), (2,), (2, 7, 3), None)
    ):
        rows += [
            (f"{word} {size} {kind} {shape}", does(word, "first", ramp(*size, kind=kind), shape=shape))
            for word in ("GatherV2", "ResourceGather")
        ]
    for axis in ([0], [1], [-1], [-2], [0, 1], held([0.0])):
        words = axis if isinstance(axis, list) else "real"
        rows.append(
            (f"GatherV2 along {words}", does("GatherV2", "first", ramp(5, 6), None, axis, shape=(2,)))
        )
    rows += [("MatMul of none", does("MatMul")), ("Gather of none", does("Gather", shape="none"))]
    yield from together(rows, "joined")


def _orders() -> Told:
    rows: Rows = []
    for pads, shape in itertools.product(
        (
            [0, 0, 1, 2, 3, 4, 0, 0],
            [0, 0, 0, 0, 0, 0, 1, 2],
            [0, 0, 1, 2, 3, 4],
            [0, 0, 1, 2],
            [0, 0, -1, 2, 3, 4, 0, 0],
            [],
        ),
        SHAPES,
    ):
        for word, more, facts in (
            ("Pad", (), {}),
            ("PadV2", (held([2.5]),), {}),
            ("PadV2", (held(2.5),), {}),
            ("PadV2", (), {}),
            ("PadV2", (held([1, 2]),), {}),
            ("Pad", (held(2.5),), {}),
            ("MirrorPad", (), {"mode": "REFLECT"}),
            ("MirrorPad", (), {"mode": "SYMMETRIC"}),
            ("MirrorPad", (), {}),
        ):
            words = f"{word} {len(more)} {[one.size for one in more]} {facts}"
            rows.append((f"{words} {pads} {shape}", does(word, pads, *more, shape=shape, **facts)))
    rows += [
        (f"first {pads}", does("Pad", pads, first=True))
        for pads in ([0, 0, 0, 0, 1, 2, 3, 4], [0, 0, 1, 2, 3, 4, 0, 0])
    ]
    rows += [("of nothing", does("Pad")), ("of real ones", does("Pad", held([0.0] * 8)))]
    yield from together(rows, "pads")
    rows = []
    for wanted, shape in itertools.product(
        (
            [2, 432],
            [-1, 432],
            [2, -1],
            [1, -1],
            [-1, 6],
            [0, 432],
            [3, 144],
            [2, 8, 9, 6],
            [2, 8, 9, -1],
            [-1],
            [2, 4, 2, 9, 6],
            [-1, -1],
            [-2, 3],
            [],
            [2, 6],
            lengths_of([2, None]),
            lengths_of([None, 432]),
            lengths_of([None, None]),
        ),
        (*SHAPES, (None, 6, 8, 9), (None, 6, None, 9), ()),
    ):
        words = wanted if isinstance(wanted, list) else [one.value for one in wanted.numbers]
        rows.append((f"{words} {shape}", does("Reshape", wanted, shape=shape)))
        rows.append((f"{words} {shape} first", does("Reshape", wanted, shape=shape, first=True)))
    rows += [("of a line", does("Reshape", [2, -1], line=True)), ("of nothing", does("Reshape"))]
    yield from together(rows, "Reshape")
    rows = []
    for axes, shape in itertools.product(
        ([1], [-3], [2], [-2], [0], [-1], [3], [], [1, 2]), (*SHAPES, (2, 6, 8, 1))
    ):
        rows.append((f"ExpandDims {axes} {shape}", does("ExpandDims", axes, shape=shape)))
        for facts in ({}, {"line": True}, {"first": True}):
            rows.append(
                (f"Squeeze {axes} {shape} {facts}", does("Squeeze", squeeze_dims=axes, shape=shape, **facts))
            )
    rows += [(f"{word} of nothing", does(word)) for word in ("ExpandDims", "Squeeze")]
    yield from together(rows, "axes")
    rows = []
    for word, sizes, facts, shape in itertools.product(
        ("ResizeNearestNeighbor", "ResizeBilinear", "ResizeBicubic"),
        (
            [16, 27],
            [8, 9],
            [16, 26],
            [4, 9],
            [16],
            [0, 9],
            [-1, 9],
            [16, 27, 1],
            lengths_of([16, None]),
            lengths_of([16, 27]),
        ),
        (
            {},
            {"align_corners": True},
            {"half_pixel_centers": True},
            {"align_corners": True, "half_pixel_centers": True},
        ),
        (IMAGE, (2, 6, None, 9), (2, 6, 8), None),
    ):
        words = sizes if isinstance(sizes, list) else [one.value for one in sizes.numbers]
        rows.append((f"{word} {words} {sorted(facts)} {shape}", does(word, sizes, shape=shape, **facts)))
    rows.append(("of nothing", does("ResizeBilinear")))
    yield from together(rows, "sizes")
    rows = [
        (f"{word} {facts}", does(word, **facts))
        for word in nodes.BY_OPERATOR
        if nodes.BY_OPERATOR[word]
        in (nodes._activation, nodes._softmax, nodes._identity, nodes._keeps_places, nodes._placeholder)
        for facts in ({}, {"alpha": 0.5})
    ]
    for shape in ((2, 8, 9, 6), (-1, 0, 1, 6), (2, 8, 6), (2, 4, 8, 9, 6), (1,) * 6, (), "open"):
        data = part(3, 1) if shape == "open" else b"".join(part(2, part(1, n)) for n in shape)  # type: ignore[arg-type]
        for first in (False, True):
            rows.append(
                (
                    f"Placeholder {shape} {first}",
                    does("Placeholder", shape=IMAGE, first=first, **{"dtype": b""})
                    + str(nodes.shape_of_message(message(data), channels_first=first)),
                )
            )
    yield from together(rows, "others")


def corners_of_tensorflow() -> Told:
    """All of it."""
    for rows in (_windows, _joined, _orders):
        yield from rows()
