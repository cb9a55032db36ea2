"""Sizes that ONNX's nodes are told, lengths that its graphs compute, and what they say of shapes."""

from __future__ import annotations

import itertools
from typing import Any

from filtviz.reading.formats.onnx import cases, graph, shape_nodes
from filtviz.reading.shape_arithmetic import Lengths, lengths_of
from tests.reading.operators.asking import Told, message, part
from tests.reading.operators.corners_folding import attributes, held
from tests.reading.operators.corners_nodes import does
from tests.reading.operators.small_parts import together

__all__ = ["corners_of_sizes"]

Rows = list[tuple[str, str]]


def _sizes() -> Told:
    for word, opset in (("Resize", 10), ("Resize", 11), ("Upsample", 9)):
        rows: Rows = []
        empty = () if word == "Upsample" or opset < 11 else (None,)
        for mode, scales in itertools.product(
            ("nearest", "linear", "cubic"),
            (
                [1, 1, 2, 3],
                [1, 2, 2, 3],
                [2, 1, 2, 3],
                [1, 1, 2],
                [1, 1, 1.5, 2],
                [1, 1, 0.5, 2],
                [1, 1, 0, 2],
                [1, 1],
                [],
                [1, 1, 2, 3, 1],
                [1, 1, 1, 1],
            ),
        ):
            for shape in ((2, 6, 8, 9), (2, 6, None, 9), None):
                rows.append(
                    (
                        f"{mode} {scales} {shape}",
                        does(word, *empty, held(scales), mode=mode, opset=opset, shape=shape),
                    )
                )
            rows.append(
                (
                    f"{mode} {scales} said",
                    does(word, scales=[float(n) for n in scales], mode=mode, opset=opset),
                )
            )
        yield from together(rows, f"{word} {opset}")
    rows = []
    for mode, wanted in itertools.product(
        ("nearest", "linear"),
        (
            [2, 6, 16, 18],
            [2, 12, 16, 18],
            [1, 6, 16, 18],
            [2, 6, 12, 9],
            [2, 6, 16],
            [16, 18],
            [2, 6, 0, 18],
            [2, 6, None, 18],
            [None, 6, 16, 18],
            [2, 6, 8, 9],
            [2, None, 16, 18],
            [2, 6, -8, 18],
        ),
    ):
        for shape in ((2, 6, 8, 9), (None, 6, 8, 9), (2, 6, 0, 9), None):
            given = (None, None, lengths_of(wanted))
            rows.append((f"{mode} {wanted} {shape} computed", does("Resize", *given, mode=mode, shape=shape)))
            if None not in wanted:
                rows.append(
                    (f"{mode} {wanted} {shape}", does("Resize", None, None, wanted, mode=mode, shape=shape))
                )
    for facts in (
        {"antialias": 1},
        {"axes": [2, 3]},
        {"keep_aspect_ratio_policy": "stretch"},
        {"keep_aspect_ratio_policy": "not_larger"},
        {"coordinate_transformation_mode": "align_corners"},
        {"coordinate_transformation_mode": "odd"},
        {"nearest_mode": "floor"},
        {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
        {"coordinate_transformation_mode": "asymmetric"},
    ):
        for mode, opset, factor in itertools.product(("nearest", "linear"), (10, 11), (2, 3)):
            given = (None,) * (opset > 10)  # type: ignore[assignment]
            rows.append(
                (
                    f"{mode} {opset} {factor} {facts}",
                    does("Resize", *given, held([1, 1, factor, 2]), mode=mode, opset=opset, **facts),
                )
            )  # type: ignore[arg-type]
    yield from together(rows, "sizes")
    rows = []
    for wanted, below in itertools.product(
        ([2, 6, 8, 9], [1], [3, 1, 1, 1], [2], [4, 2, 6, 8, 9], [8, 1], [], [None, 9], [3]),
        ((2, 6, 8, 9), (1, 6, 1, 1), (1,), (), None),
    ):
        rows.append((f"Expand {below} to {wanted}", does("Expand", lengths_of(wanted), shape=below)))
        if None not in wanted:
            rows.append((f"Expand {below} to held {wanted}", does("Expand", wanted, shape=below)))
    yield from together(rows, "Expand")


def _lengths() -> Told:
    """Numbers that a graph computes of shapes."""
    some: dict[str, Lengths] = {
        "three": lengths_of([2, 3, 4]),
        "one": lengths_of([5]),
        "number": lengths_of([5], is_scalar=True),
        "open": lengths_of([2, None]),
        "none": lengths_of([]),
        "half": lengths_of([2.5, -2.5]),
        "zero": lengths_of([0, 1]),
    }
    square = lengths_of([1, 2, 3, 4]).reshaped([2, 2])
    assert square is not None
    some["square"] = square

    def ask(operator: str, *given: Lengths | None, **facts: Any) -> str:
        found = shape_nodes.computed(operator, attributes(facts), given)
        return (
            "nothing"
            if found is None
            else f"{found.array.shape} {[one.value for one in found.numbers]} {'real' * found.is_real}"
        )

    rows: Rows = []
    for name, one in some.items():
        for axis in (-3, -2, -1, 0, 1, 2):
            rows += [
                (f"{word} {name} {axis}", ask(word, one, axes=[axis]))
                for word in ("Unsqueeze", "Squeeze", "ReduceProd")
            ]
            rows += [
                (f"{word} {name} {axis} given", ask(word, one, lengths_of([axis])))
                for word in ("Unsqueeze", "Squeeze", "ReduceProd")
            ]
            rows.append((f"Gather {name} {axis}", ask("Gather", one, lengths_of([1]), axis=axis)))
            rows.append((f"Concat {name} {axis}", ask("Concat", one, one, axis=axis)))
            rows.append(
                (
                    f"Slice {name} {axis}",
                    ask("Slice", one, lengths_of([0]), lengths_of([1]), lengths_of([axis])),
                )
            )
        rows += [
            (f"{word} {name}", ask(word, one, **facts))
            for word, facts in (
                ("Squeeze", {}),
                ("Unsqueeze", {}),
                ("ReduceProd", {}),
                ("ReduceProd", {"keepdims": 0}),
                ("Transpose", {}),
                ("Transpose", {"perm": [0]}),
                ("Transpose", {"perm": [1, 0]}),
                ("Identity", {}),
                ("Floor", {}),
                ("Ceil", {}),
                ("Gather", {}),
                ("Slice", {}),
                ("Reshape", {}),
                ("Add", {}),
                ("Where", {}),
                ("Dream", {}),
            )
        ]
        rows += [
            (f"Cast {name} {code}", ask("Cast", one, to=code))
            for code in (0, 1, 2, 3, 6, 7, 8, 9, 10, 11, 13, 14, 16)
        ]
        rows += [
            (f"Reshape {name} {wanted}", ask("Reshape", one, lengths_of(wanted)))
            for wanted in ([-1], [1], [2, 2], [0], [1, -1, 1], [])
        ]
        rows += [
            (f"Unsqueeze {name} {axes}", ask("Unsqueeze", one, axes=axes))
            for axes in ([0, 1], [0, 0], [0, 1, 2], [0, 1, 2, 3], [])
        ]
        for other, two in some.items():
            rows += [
                (f"{word} {name} {other}", ask(word, one, two))
                for word in ("Add", "Sub", "Mul", "Div", "Mod", "Max", "Equal", "Gather", "Concat")
            ]
    for start, stop, step in itertools.product(
        (-3, 0, 1), (-1, 3, (1 << 30) - 1, 1 << 30, -(1 << 30)), (1, -1, 2)
    ):
        given = [lengths_of([n]) for n in (start, stop, 0, step)]
        rows.append((f"Slice {start}:{stop}:{step}", ask("Slice", some["three"], *given)))
    rows += [
        ("Slice said", ask("Slice", some["three"], starts=[1], ends=[3])),
        ("Slice of axes", ask("Slice", square, lengths_of([0, 1]), lengths_of([1, 2]))),
        (
            "Slice of five",
            ask("Slice", some["three"], lengths_of([0] * 5), lengths_of([1] * 5), lengths_of([0] * 5)),
        ),
        ("Slice, another end", ask("Slice", some["three"], lengths_of([0]), lengths_of([1, 2]))),
        (
            "Slice, more axes",
            ask("Slice", some["three"], lengths_of([0]), lengths_of([1]), lengths_of([0, 0])),
        ),
        ("Where", ask("Where", some["zero"], some["half"], some["open"])),
        ("Where of two", ask("Where", some["zero"], some["half"])),
        ("Add of three", ask("Add", some["one"], some["one"], some["one"])),
        ("of none", ask("Add")),
        ("left out", ask("Add", None, some["one"])),
        ("Concat, left out", ask("Concat", some["one"], None)),
        ("Where, left out", ask("Where", some["zero"], None, some["open"])),
    ]
    for lengths, code, value in itertools.product(
        ([3], [2, 2], [64], [65], [-1], [], [1] * 4, [1] * 5, [0], None), (7, 6), (-2,)
    ):
        raw = part(5, part(2, code) + part(9, value.to_bytes(8, "little", signed=True)))
        node = cases.NodeAttributes({"value": message(raw)})
        found = shape_nodes.computed("ConstantOfShape", node, [lengths_of(lengths or [None])])
        rows.append(
            (
                f"ConstantOfShape {lengths} {code}",
                "nothing" if found is None else f"{found.array.shape} {found.wholes}",
            )
        )
    for n_bytes in (0, 7, 9, 16):
        raw = part(5, part(2, 7) + part(9, bytes(n_bytes)))
        found = shape_nodes.computed(
            "ConstantOfShape", cases.NodeAttributes({"value": message(raw)}), [lengths_of([3])]
        )
        rows.append((f"ConstantOfShape of {n_bytes} bytes", str(found and found.wholes)))
    rows.append(("ConstantOfShape of nothing", ask("ConstantOfShape", some["one"])))
    yield from together(rows, "lengths")


def _shapes_said() -> Told:
    """What is known of a shape and what a file says of it."""
    shapes: tuple[Any, ...] = (None, (), (2,), (None,), (2, 3), (2, None), (None, 3), (4, 3), (2, 3, 4))
    rows = [(f"{found} said {said}", str(graph._agreed(found, said))) for found in shapes for said in shapes]
    yield from together(rows, "agreed")
    rows = []
    names = (
        "c.weight",
        ".weight",
        "c.weight_v",
        "c_W",
        "W",
        "_w",
        "a::b.weight",
        "c/kernel",
        "c.w_0",
        "c.parametrizations.weight.original0",
        "plain",
        "",
    )
    for weights, node, output in itertools.product(names, ("", "n"), ("", "o")):
        rows.append((f"{weights}, {node}, {output}", str(graph._name(weights, node, output))))
    yield from together(rows, "called")


def corners_of_sizes() -> Told:
    """All of it."""
    for rows in (_sizes, _lengths, _shapes_said):
        yield from rows()
