"""ONNX's operators, each behind inputs and with attributes that are drawn by chance, and how large they are.

Each case is a number, as in `arrays`.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np

from filtviz.parameter import Parameter
from filtviz.reading.formats.onnx import cases, operators, sizes
from filtviz.reading.quantised import Scale
from filtviz.reading.shape_arithmetic import Lengths, lengths_of, of_shape
from tests.reading.operators.asking import Told, message
from tests.reading.operators.onnx import _onnx_attribute
from tests.telling import told

__all__ = ["nodes_of_onnx"]

N_NODES = 700
_WORDS = (*operators._BY_OPERATOR, *("Resize", "Upsample") * 6, *("Expand", "ConstantOfShape", "Concat") * 2,
          *("MatMul", "DepthToSpace", "Conv", "ConvTranspose", "Pad", "Slice", "Split") * 3)  # fmt: skip
_MODES = ("nearest", "linear", "cubic", "bilinear")
_HOWS = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric", "tf_crop")

Facts = dict[str, Any]


def _some(chance: random.Random, *values: Any) -> Any:
    return chance.choice(values)


def _wholes(chance: random.Random, n: int, low: int, high: int) -> list[int]:
    return [chance.randrange(low, high) for _ in range(n)]


def _image(chance: random.Random) -> Any:
    rank = chance.choice((4, 4, 4, 4, 3, 2, 5, 1, 0))
    shape = tuple(chance.choice((1, 2, 3, 4, 4, 6, 8, None)) for _ in range(rank))
    return None if chance.random() < 0.07 else shape


def _array(chance: random.Random, shape: tuple[int, ...], kind: str = "f4") -> Parameter:
    values = np.arange(int(np.prod(shape))).reshape(shape) / (4 if kind == "f4" else 1)
    return Parameter.of(chance.choice(("w", "n")), np.asarray(values).astype(kind), "there")


def _input(chance: random.Random, values: list[Any], kind: str) -> cases.Constant | Lengths | None:
    """Small numbers that a node is given: an array, numbers computed of shapes, or none of both."""
    way = chance.random()
    if way < 0.07:
        return None
    if way < 0.22 and kind != "f4":
        held = [None if chance.random() < 0.15 else one for one in values]
        return lengths_of(held)
    held = np.array(values, kind)
    if len(values) == 1 and chance.random() < 0.4:
        held = held.reshape(())
    found = cases.Constant(parameter=Parameter.of("n", held, "s"))
    return replace(found, order=(0,)) if way > 0.97 and held.ndim else found


def _resizing(chance: random.Random, word: str, shape: Any, facts: Facts) -> list[Any]:
    rank = len(shape or ()) + (chance.random() < 0.06)
    facts |= {"mode": chance.choice(_MODES)} if chance.random() < 0.7 else {}
    facts |= {"coordinate_transformation_mode": chance.choice(_HOWS)} if chance.random() < 0.6 else {}
    if chance.random() < 0.5:
        facts["nearest_mode"] = _some(chance, "floor", "round_prefer_floor", "round_prefer_ceil", "ceil")
    if chance.random() < 0.12:
        odd = (("antialias", 1), ("axes", [2, 3]), ("keep_aspect_ratio_policy", "not_larger"))
        facts |= dict([chance.choice(odd)])
    scales = [1.0, 1.0, *(chance.choice((1.0, 2.0, 2.0, 3.0, 1.5, 0.5, 2.0**30)) for _ in range(rank - 2))]
    scales = [chance.choice((1.0, 2.0, 0.0, -1.0)) for _ in scales] if chance.random() < 0.1 else scales
    scales = scales[: max(rank, 0)]
    if word == "Upsample":
        if chance.random() < 0.4:
            facts["scales"] = scales
            return []
        return [_input(chance, scales, "f4")]
    if chance.random() < 0.3:
        return [_input(chance, scales, "f4")]
    if chance.random() < 0.4:
        return [None, _input(chance, scales, "f4")]
    wanted = [n if place < 2 else chance.choice((n, 2 * (n or 1), 3 * (n or 1), 5, 0)) for place, n in
              enumerate(shape or ())]  # fmt: skip
    wanted = [chance.choice((1, 2, 3)) if n is None else n for n in wanted]
    wanted = wanted[1:] if chance.random() < 0.05 else wanted
    return [None, chance.choice((None, None, _input(chance, [], "f4"))), _input(chance, wanted, "i8")]


def _windows(chance: random.Random, n: int, facts: Facts, *, transposed: bool = False) -> None:
    for name in ("strides", "dilations"):
        if chance.random() < 0.5:
            facts[name] = _wholes(
                chance, n if chance.random() < 0.93 else n + 1, 0 if chance.random() < 0.08 else 1, 4
            )
    if chance.random() < 0.5:
        facts["pads"] = _wholes(chance, 2 * n, -1 if chance.random() < 0.08 else 0, 3)
    if chance.random() < 0.35:
        facts["auto_pad"] = _some(chance, "SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET")
    if transposed and chance.random() < 0.4:
        facts["output_padding"] = _wholes(chance, n, -1 if chance.random() < 0.1 else 0, 2)
    if transposed and chance.random() < 0.25:
        facts["output_shape"] = _wholes(
            chance, n + chance.choice((0, 0, 2, -1)), 0 if chance.random() < 0.1 else 4, 9
        )
    facts |= {"group": 2} if chance.random() < 0.2 else {}


def _given(chance: random.Random, word: str, shape: Any, facts: Facts) -> list[Any]:
    """What a node is given behind its input, and its attributes."""
    rank = len(shape or ())
    axes = _wholes(chance, chance.choice((1, 1, 2, 3)), -rank - (chance.random() < 0.1), rank + 1)
    if word in ("Resize", "Upsample"):
        return _resizing(chance, word, shape, facts)
    if word in ("Conv", "ConvTranspose", "FusedConv", "ConvInteger", "QLinearConv"):
        n = max(1, rank - 2) if chance.random() < 0.9 else 2
        kernel = cases.Constant(parameter=_array(chance, (4, 2, *_wholes(chance, n, 1, 4))))
        kernel = replace(kernel, order=tuple(reversed(range(n + 2)))) if chance.random() < 0.15 else kernel
        _windows(chance, n, facts, transposed=word == "ConvTranspose")
        if word == "FusedConv":
            facts["activation"] = _some(chance, "Relu", "Clip", "HardSigmoid", "LeakyRelu", "Tanh")
        return [kernel, cases.Constant(parameter=_array(chance, (4,)))][: chance.choice((0, 1, 2, 2))]
    if word in ("MaxPool", "AveragePool"):
        n = max(1, rank - 2)
        facts["kernel_shape"] = _wholes(chance, n, 1, 4)
        _windows(chance, n, facts)
        facts |= {
            name: chance.choice((0, 1))
            for name in ("ceil_mode", "count_include_pad")
            if chance.random() < 0.5
        }
        return []
    if word == "Expand":
        return [
            _input(
                chance,
                [chance.choice((1, 1, n or 2, 5)) for n in (shape or ())[chance.choice((0, 1)) :]],
                "i8",
            )
        ]
    if word in ("MatMul", "Gemm"):
        facts |= {name: 1 for name in ("transA", "transB") if word == "Gemm" and chance.random() < 0.2}
        size = ((shape or (2,))[-1] or 3, 5)[: chance.choice((2, 2, 2, 1))]
        held = cases.Constant(parameter=_array(chance, size))
        held = replace(held, order=(1, 0)) if len(size) > 1 and chance.random() < 0.2 else held
        return [held, cases.Constant(parameter=_array(chance, (5,)))][: 1 + (word == "Gemm")]
    if word == "DepthToSpace":
        facts["blocksize"] = _some(chance, 1, 2, 2, 0, 1 << 30, (1 << 30) - 1)
        facts |= {"mode": _some(chance, "DCR", "CRD")} if chance.random() < 0.6 else {}
    if word == "Pad":
        n = rank if chance.random() < 0.8 else len(axes)
        pads = _wholes(chance, 2 * n, 0, 3)
        pads[: n // 2] = pads[n : n + n // 2] = [0] * (n // 2)
        value = _input(chance, [chance.choice((0.0, 1.5))], "f4") if chance.random() < 0.5 else None
        if chance.random() < 0.3:
            facts |= {"value": 2.5} if chance.random() < 0.5 else {}
            facts["pads" if chance.random() < 0.7 else "paddings"] = pads[
                : len(pads) - (chance.random() < 0.1)
            ]
            return []
        facts |= (
            {"mode": _some(chance, "constant", "reflect", "edge", "wrap")} if chance.random() < 0.4 else {}
        )
        return [_input(chance, pads, "i8"), value, *([_input(chance, axes, "i8")] if n != rank else [])]
    if word == "Slice":
        n = len(axes)
        stops = [chance.choice((-1, 2, 4, 1 << 30, (1 << 30) - 1, -(1 << 30))) for _ in axes]
        parts = [_wholes(chance, n, -3, 5), stops, axes, [chance.choice((1, 1, 2, -1)) for _ in axes]]
        parts[3] += [1] * (chance.random() < 0.05)
        if chance.random() < 0.3:
            facts |= dict(zip(("starts", "ends", "axes"), parts[: chance.choice((2, 3))], strict=False))
            return []
        return [_input(chance, one, "i8") for one in parts[: chance.choice((2, 3, 4))]]
    if word == "Split":
        facts |= {"axis": _some(chance, 0, 1, -1)} if chance.random() < 0.8 else {}
        return [_input(chance, _wholes(chance, 3, -1 if chance.random() < 0.1 else 0, 4), "i8")]
    if word in ("Unsqueeze", "Squeeze", *operators._REDUCTIONS):
        facts |= {"keepdims": chance.choice((0, 1))} if chance.random() < 0.5 else {}
        if word in operators._REDUCTIONS and chance.random() < 0.4:
            axes = list(range(2, rank))
        if chance.random() < 0.5:
            facts["axes"] = axes
            return []
        return [_input(chance, axes, "i8")]
    if word == "Reshape":
        return [_input(chance, [chance.choice((-1, 0, 2, 3, 12, -2)) for _ in axes], "i8")]
    if word == "Transpose":
        facts["perm"] = chance.sample(range(max(rank, 1)), max(rank, 1))
    if word in ("BatchNormalization", "InstanceNormalization", "LayerNormalization", "GroupNormalization"):
        facts |= {"epsilon": _some(chance, 0.25, -0.5)} if chance.random() < 0.5 else {}
        facts |= {"axis": chance.randrange(-2, 3), "num_groups": chance.choice((0, 1, 2))}
        n = (shape or (1, 6))[1:2] or (6,)
        return [cases.Constant(parameter=_array(chance, (n[0] or 4,))) if chance.random() < 0.9 else None
                for _ in range(chance.choice((2, 4, 4)))]  # fmt: skip
    if word == "Gather":
        return [_input(chance, [chance.choice((0, 1, -1))], "i8")]
    if word == "Clip":
        ends = [
            _input(chance, [chance.choice((-1.0, 0.0, 0.0))], "f4"),
            _input(chance, [chance.choice((6.0, 1.0, 0.0))], "f4"),
        ]
        return ends[: chance.choice((0, 1, 2, 2))]
    return _of_one(chance, word, shape, facts)


def _of_one(chance: random.Random, word: str, shape: Any, facts: Facts) -> list[Any]:
    """The same of what combines its input with a constant, and of functions of a unit."""
    rank = len(shape or ())
    if word in operators._MERGES or word in ("Pow", "PRelu"):
        n = [m or 2 for m in shape or (1, 6)]
        of_channels = (n[1], 1, 1)[: rank - 1] if rank > 1 else ()
        size = _some(
            chance, (), (1,), tuple(n[-1:]), tuple(n[1:2]), of_channels, tuple(n), (1, *n), (2, *n[1:])
        )
        held = cases.Constant(parameter=_array(chance, size))
        held = (
            replace(held, order=tuple(reversed(range(len(size))))) if size and chance.random() < 0.1 else held
        )
        facts |= {"axis": chance.randrange(-2, 3)} if chance.random() < 0.2 else {}
        more = [lengths_of([2, 3])] if chance.random() < 0.05 else []
        return [[held], [], [held, held], [None]][chance.choice((0, 0, 0, 0, 1, 2, 3))] + more
    for name in ("alpha", "beta", "gamma", "bias", "ratio", "min", "max"):
        facts |= {name: chance.choice((0.25, 0.5, 2.0))} if chance.random() < 0.2 else {}
    facts |= {"axis": chance.randrange(-rank, max(rank, 1))} if chance.random() < 0.4 else {}
    facts |= (
        {"size": chance.choice((-1, 0, 1, 4)), "hidden_size": chance.choice((0, 7))}
        if chance.random() < 0.5
        else {}
    )
    if word == "Concat" and chance.random() < 0.4:
        return [
            cases.Constant(parameter=_array(chance, tuple(n or 2 for n in shape or (2,)))),
            *[lengths_of([2])][: chance.choice((0, 0, 1))],
        ]
    return []


def a_node(n: int) -> tuple[str, str]:
    """A node that is made by chance: what it does, and the shape that it is told to give."""
    chance = random.Random(f"node of onnx {n}")
    word, facts, shape = chance.choice(_WORDS) if chance.random() < 0.99 else "Dream", {}, _image(chance)
    held = _given(chance, word, shape, facts)
    first, shapes = chance.random(), [shape]
    given: list[Any] = [None, *held]
    if word in (*operators._MERGES, "Gather", "ConstantOfShape", "Expand") and first < 0.25:
        given = [held[0] if held else None, None]
    elif first < 0.03 or word == "ConstantOfShape":
        given[0] = of_shape((2, None, 3), 0)
    if chance.random() < 0.2 or (word in ("MatMul", "Concat") and chance.random() < 0.4):
        other = [chance.choice((n, n, n, 2)) for n in shape] if shape is not None else []
        shapes.append((*other[:-1], 5) if word == "MatMul" else tuple(other))
        given[1:2] = [None]
    scale = Scale(numbers=np.array([0.5]), zeros=np.zeros(1), axis=0)
    given = [replace(one, scale=scale) if isinstance(one, cases.Constant) and one.parameter.size > 4
             and chance.random() < 0.05 else one for one in given]  # fmt: skip
    case = cases.Case(
        operator=word,
        attributes=cases.NodeAttributes({n: message(_onnx_attribute(v)) for n, v in facts.items()}),
        given=[one if isinstance(one, cases.Constant) else None for one in given],
        shapes=shapes,
        opset=chance.choice((6, 7, 9, 10, 11, 12, 13, 18, 20, 21)),
        output=chance.choice((0, 0, 1, 2, 3)) if word == "Split" else 0,
        lengths=[one if isinstance(one, Lengths) else None for one in given],
        layer=0,
    )
    asked = [str(n), word, str(case.opset), *map(str, shapes), *map(_brief, given)]
    asked += [f"{name}={value}" for name, value in facts.items()]
    asked += [f"output {case.output}"] * (case.output > 0)
    return " ".join(asked).replace(
        "None", "-"
    ), f"{sizes.known_shape(case)} {told(*operators.operations_of(case))}"


def _brief(one: Any) -> str:
    if one is None:
        return "-"
    if isinstance(one, Lengths):
        return f"computed {[each.value for each in one.numbers]}"
    few = one.parameter.size <= 10 and one.parameter.name == "n"
    shown = f"<{one.parameter.value.ravel().tolist()}>" if few else f"<{one.parameter.shape}>"
    return shown + (f" turned {one.order}" if one.order else "") + (" scaled" if one.scale else "")


def _enlarged(how: str, rounds: str, factor: int, opset: int) -> tuple[str, str]:
    """What an image does that is enlarged, in one of the ways of the newer and of the older operator."""
    facts = {"coordinate_transformation_mode": how, "nearest_mode": rounds}
    scales = cases.Constant(parameter=Parameter.of("n", np.array([1, 1, factor, 2], "f4"), "s"))
    case = cases.Case(
        operator="Resize",
        attributes=cases.NodeAttributes({n: message(_onnx_attribute(v)) for n, v in facts.items()}),
        given=[None, scales] if opset < 11 else [None, None, scales],
        shapes=[(1, 3, 4, 4)],
        opset=opset,
    )
    return f"{how} {rounds} {factor} {opset}", told(*operators.operations_of(case))


def nodes_of_onnx() -> Told:
    yield from map(a_node, range(N_NODES))
    for how in _HOWS:
        for rounds in ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil"):
            yield from (_enlarged(how, rounds, factor, opset) for factor in (1, 2, 3) for opset in (10, 11))
