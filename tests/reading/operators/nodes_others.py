"""Nodes of TensorFlow's, operators of TensorFlow Lite's and layers of Keras's, with facts drawn by chance.

Each case is a number, as in `arrays`; told is what each of them does.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from filtviz.parameter import Parameter
from filtviz.reading.formats.keras import classes
from filtviz.reading.formats.tensorflow import nodes
from filtviz.reading.formats.tflite import tflite_operators
from filtviz.reading.shape_arithmetic import Lengths, lengths_of
from tests.reading.operators.asking import Told, message, part
from tests.reading.operators.tensorflow import _tf_attribute
from tests.reading.operators.tflite import Fields
from tests.reading.operators.wholes import some
from tests.telling import told

__all__ = ["nodes_of_others"]

N_EACH = 360
Facts = dict[str, Any]


def _image(chance: random.Random) -> Any:
    rank = chance.choice((4, 4, 4, 4, 4, 3, 2, 5, 1, 0))
    shape = tuple(chance.choice((1, 2, 3, 4, 4, 6, 8, None)) for _ in range(rank))
    return None if chance.random() < 0.06 else shape


def _array(*shape: int, kind: str = "f4", name: str = "w") -> Parameter:
    values = np.arange(int(np.prod(shape))).reshape(shape) / (4 if kind == "f4" else 1)
    return Parameter.of(name, np.asarray(values).astype(kind), "there")


def _numbers(values: list[Any], kind: str = "i4") -> Parameter:
    return Parameter.of("n", np.array(values, kind), "there")


def _wholes(chance: random.Random, n: int, low: int, high: int) -> list[int]:
    return [chance.randrange(low, high) for _ in range(n)]


def _brief(one: Any) -> str:
    if isinstance(one, Lengths):
        return f"computed {[each.value for each in one.numbers]}"
    if one is None:
        return "-"
    return f"<{one.value.ravel().tolist()}>" if one.name == "n" else f"<{one.dtype} {one.shape}>"


def _asked(n: int, word: str, shapes: Any, given: Any, facts: Facts, *more: Any) -> str:
    shown = [
        str(n),
        word,
        *map(str, shapes),
        *map(_brief, given),
        *(f"{k}={v}" for k, v in facts.items()),
        *map(str, more),
    ]
    return " ".join(shown).replace("None", "-")


# TensorFlow

_OF_TENSORFLOW = (
    *nodes.BY_OPERATOR,
    *("Conv2D", "Pad", "Reshape", "ResizeBilinear", "ResizeNearestNeighbor", "Mean") * 3,
    *("Conv2DBackpropInput", "Squeeze", "ExpandDims", "ConcatV2", "Gather", "MaxPool") * 2,
)


def _of_tensorflow(chance: random.Random, word: str, shape: Any) -> tuple[list[Any], Facts]:
    """What a node is given behind its input, and its attributes."""
    rank = len(shape or ())
    windows = lambda low=1: [1, *_wholes(chance, 2, low, 4), 1]  # noqa: E731
    facts = some(
        chance,
        0.5,
        strides=windows(),
        dilations=windows(),
        data_format=chance.choice(("NHWC", "NHWC", "NCHW", "NCDHW")),
    )
    facts["padding"] = chance.choice(("SAME", "SAME", "VALID", "EXPLICIT"))
    few = chance.random() < 0.06
    if "Conv" in word:
        n = 3 if "3D" in word else chance.choice((2, 2, 2, 1, 4))
        facts |= {"explicit_paddings": _wholes(chance, 8, 0, 3)} if chance.random() < 0.5 else {}
        facts |= {"strides": windows(0)} if few else {}
        kernel = _array(*_wholes(chance, n, 1, 4), chance.choice((2, 4)), chance.choice((1, 4)))
        return [kernel if chance.random() < 0.95 else None], facts
    if "Pool" in word:
        return [], facts | {"ksize": windows(0 if few else 1)}
    if word in ("Pad", "PadV2", "MirrorPad"):
        pads = [0, 0, *_wholes(chance, 2 * max(rank - 1, 0), -1 if few else 0, 3)]
        pads[-2:] = [0, 0] if chance.random() < 0.7 else pads[-2:]
        value = (
            [_numbers([chance.choice((0.0, 2.5))][: chance.choice((1, 1, 0))], "f4")]
            if chance.random() < 0.8
            else []
        )
        return [_numbers(pads), *value], some(chance, 0.8, mode=chance.choice(("REFLECT", "SYMMETRIC")))
    if word == "Reshape":
        wanted = [chance.choice((-1, -1, 1, 2, 3, 24, 0)) for _ in range(chance.choice((1, 2, 2, 3, 4)))]
        return [lengths_of(wanted) if chance.random() < 0.3 else _numbers(wanted)], {}
    if word.startswith("Resize"):
        sizes = [(n or 2) * chance.choice((1, 2, 3)) + few for n in (shape or ())[2:4]] or [2, 2]
        held = lengths_of([*sizes[:-1], None]) if few else _numbers(sizes[: chance.choice((2, 2, 2, 1))])
        return [held], some(chance, 0.4, align_corners=chance.choice((True, False)), half_pixel_centers=True)
    if word in ("Mean", "Max", "Squeeze", "ExpandDims", "ConcatV2", "Concat"):
        axes = chance.choice(([1, 2], [2, 1], [2, 3], [-3, -2], [1], [-1], [0], [3], [1, 2, 3], [-2]))
        if word == "Squeeze":
            return [], {"squeeze_dims": axes}
        more = [_array(3)] if word.startswith("Concat") and few else []
        return [*more, _numbers(axes, chance.choice(("i4", "i8", "f4")))], some(
            chance, 0.5, keep_dims=chance.choice((True, False))
        )
    if word in nodes._GATHERS:
        return [_numbers([1])], {}
    if word in nodes._MERGES or word in ("Pow", "BiasAdd"):
        n = [m or 2 for m in shape or (1, 6)]
        size = chance.choice(
            ((), (1,), tuple(n[-1:]), tuple(n[1:2]), tuple(n), (1, *n), (1, 1, *n[-1:]), (n[-1], 1))
        )
        held = _array(*size, kind=chance.choice(("f4", "f4", "f4", "i4")))
        return chance.choice(([held], [held], [held], [], [None], [held, held], [lengths_of([2])])), {}
    if word == "MatMul":
        return [_array(*chance.choice(((4, 5), (4, 5), (4,), (2, 4, 5))))], some(
            chance, 0.5, transpose_b=chance.choice((True, False))
        )
    if word.startswith("Fused"):
        return [
            _array(4) if chance.random() < 0.95 else None for _ in range(chance.choice((4, 4, 4, 3)))
        ], some(chance, 0.6, epsilon=0.25)
    return [], some(chance, 0.5, alpha=0.25)


def a_tensorflow(chance: random.Random, n: int) -> tuple[str, str]:
    word, shape = chance.choice(_OF_TENSORFLOW), _image(chance)
    held, facts = _of_tensorflow(chance, word, shape)
    given: list[Any] = [None, *held]
    if word in nodes._GATHERS:
        given[0] = _array(*chance.choice(((5, 3), (5, 3), (5,))), kind=chance.choice(("f4", "f4", "i4")))
    if word in nodes._MERGES and len(given) == 2 and chance.random() < 0.3:
        given.reverse()
    if word in nodes.BACKWARDS:
        sizes = [1, *_wholes(chance, 2, 0, 9), 3][: chance.choice((4, 4, 3))]
        given[0] = chance.choice((_numbers(sizes), lengths_of(sizes), None))
    spread = nodes.Spread(
        gaps=chance.choice(((2, 2), (2, 3), (2,))), before=chance.choice((None, (1, 2), (0, 1), (1,)))
    )
    node = nodes.Node(
        operator=word,
        attributes={name: message(_tf_attribute(value)) for name, value in facts.items()},
        constants=[one if isinstance(one, Parameter) else None for one in given],
        shapes=[shape],
        lengths=[one if isinstance(one, Lengths) else None for one in given],
        channels_first=chance.random() < 0.25,
        is_line=chance.random() < 0.08,
        spread=spread if chance.random() < 0.1 and "Conv" in word else None,
    )
    found = nodes.BY_OPERATOR[word](node)
    more = (
        *["first"] * node.channels_first,
        *["line"] * node.is_line,
        *([node.spread] if node.spread else ()),
    )
    answer = f"{nodes.known_shape(node)} {told(*found) if found else 'nothing'}"
    return _asked(n, word, [shape], given, facts, *more), answer


# TensorFlow Lite

_OF_TFLITE = (
    *tflite_operators._BY_OPERATOR,
    *("STRIDED_SLICE", "SLICE", "SPLIT", "RESHAPE", "PAD", "MEAN", "RESIZE_BILINEAR") * 2,
    *("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "RESIZE_NEAREST_NEIGHBOR", "TRANSPOSE", "SPLIT_V")
    * 2,
)


def _of_tflite(chance: random.Random, word: str, shape: Any) -> list[Any]:
    """What an operator is given behind its input."""
    rank = len(shape or ())
    if "CONV" in word:
        n = 3 if "3D" in word else 2
        size = (chance.choice((1, 4)), *_wholes(chance, n, 1, 4), chance.choice((2, 4)))
        return [_array(*size[: None if chance.random() < 0.95 else 3]), *[_array(4)][: chance.choice((0, 1))]]
    if word == "FULLY_CONNECTED":
        return [_array(5, 4) if chance.random() < 0.9 else _array(5), *[_array(5)][: chance.choice((0, 1))]]
    if word.endswith(("PAD", "PADV2")):
        pads = [0, 0, *_wholes(chance, 2 * max(rank - 1, 0), -1 if chance.random() < 0.1 else 0, 3)]
        pads[-2:] = [0, 0] if chance.random() < 0.7 else pads[-2:]
        return [_numbers(pads), *[_numbers([2.5], "f4")][: chance.choice((0, 1, 1))]]
    if word.endswith("SLICE"):
        n = rank if chance.random() < 0.9 else max(rank - 1, 0)
        ends = [chance.choice((-1, 1, 2, 3, 8)) for _ in range(n)]
        return [
            _numbers(_wholes(chance, n, -1, 3)),
            _numbers(ends),
            _numbers([chance.choice((1, 1, 2, -1)) for _ in range(n)]),
        ]
    if word == "TRANSPOSE":
        return [_numbers(chance.sample(range(max(rank, 1)), max(rank, 1)))]
    if word in tflite_operators._REDUCTIONS:
        return [_numbers(chance.choice(([1, 2], [2, 1], [-2, -3], [1], [-1], [0], [3], [1, 3], [])))]
    if word in tflite_operators._KINDS or word == "PRELU":
        n = [m or 2 for m in shape or (1, 6)]
        size = chance.choice(
            ((), (1,), tuple(n[-1:]), tuple(n[1:2]), (1, 1, *n[1:2]), tuple(n), (1, *n), (n[-1], 1))
        )
        held = _array(*size, kind=chance.choice(("f4", "f4", "f4", "i4")))
        return chance.choice(([held], [held], [held], [], [held, held]))
    return []


def a_tflite(chance: random.Random, n: int) -> tuple[str, str]:
    word, shape = chance.choice(_OF_TFLITE), _image(chance)
    held = _of_tflite(chance, word, shape)
    made: Any = chance.choice(
        (_image(chance), shape, shape and tuple((m or 1) * chance.choice((1, 2)) for m in shape))
    )
    if word in ("MEAN", "STRIDED_SLICE", "SLICE") and shape and chance.random() < 0.5:
        made = tuple(m if chance.random() < 0.6 else 2 for m in shape)[
            : len(shape) - chance.choice((0, 0, 1))
        ]
    if word == "RESHAPE" and shape and chance.random() < 0.5:
        made = chance.choice(
            ((shape[0], 24), (shape[0], None), (1, 3, 8), (shape[0], 2, 3, None), (None, None))
        )
    facts = {f"o{place}": chance.choice((0, 1, 1, 2)) for place in range(7)} if chance.random() < 0.85 else {}
    arrays: dict[int, Any] = {place + 1: one for place, one in enumerate(held)}
    inputs = [0, *arrays]
    if word in ("TRANSPOSE_CONV",):
        inputs = [9, 1, 0, *[2][: len(held) - 1]]
    elif word == "SPLIT":
        arrays[8] = _numbers([chance.choice((0, 1, 2, 3, -1))])
        inputs = [8, 0]
    elif word == "SPLIT_V":
        arrays[8] = _numbers([chance.choice((0, 1, 2, 3, -1))])
        inputs = [0, 9, 8]
    elif word in tflite_operators._KINDS and chance.random() < 0.3:
        inputs.reverse()
    elif word in ("BATCH_MATMUL", "CONCATENATION", *tflite_operators._MERGES) and not held:
        inputs = [0, 0] if chance.random() < 0.8 else [0]
    parts = [
        tuple(m if m is None or place != 3 % len(shape) else max(m // 2, 1) for place, m in enumerate(shape))
        if shape
        else shape
    ] * 2
    outputs = [50, 51] if word.startswith("SPLIT") else [50]
    shapes: dict[int, Any] = {place: one.shape for place, one in arrays.items()} | {0: shape, 50: made}
    if word.startswith("SPLIT"):
        shapes |= {50: parts[0], 51: parts[1] if chance.random() < 0.9 else made}
    case = tflite_operators.Case(
        operator=word,
        options=Fields({int(name[1:]): value for name, value in facts.items()}) if facts else None,  # type: ignore[arg-type]
        inputs=inputs,
        constant=lambda number: (
            None if number not in arrays else [float(one) for one in arrays[number].value.ravel()]
        ),
        parameter=lambda number, name: arrays.get(number),
        shape=shapes.get,
        outputs=outputs,
        place=chance.choice((0, 1)) if len(outputs) > 1 else 0,
    )
    more = (
        f"of {inputs}",
        f"gives {shapes[50]}",
        *([f"and {shapes[51]}", f"place {case.place}"] if len(outputs) > 1 else ()),
    )
    return _asked(n, word, [shape], arrays.values(), facts, *more), told(
        *tflite_operators.operations_of(case)
    )


# Keras


def _of_keras(chance: random.Random, word: str) -> Facts:
    """A configuration of a layer."""
    n = int(word[-2]) if word[-2:-1].isdigit() else 2
    listed = lambda low=1: chance.choice((chance.randrange(low, 4), _wholes(chance, n, low, 4)))  # noqa: E731
    sides = [chance.choice((1, [1, 2], [0, 3])) for _ in range(n)]
    odd = chance.choice((None, True, -1, 0, [1] * 7, "odd", [1, "x"], 2.5))
    facts = some(
        chance,
        0.35,
        strides=listed(),
        dilation_rate=listed(),
        pool_size=listed(),
        size=listed(),
        groups=chance.choice((1, 2)),
        activation=chance.choice(
            ("relu", "linear", "softmax", "hard_sigmoid", "relu6", {"config": "tanh"}, {"class_name": "x"})
        ),
        data_format=chance.choice(("channels_first", "channels_last")),
        axis=chance.choice((-1, 1, 3, [-1], [1, 2], 0, 7)),
        epsilon=chance.choice((0.25, -1.0)),
        rate=chance.choice((0.25, -0.5)),
        alpha=0.5,
        negative_slope=chance.choice((0.25, 0.0)),
        max_value=chance.choice((6.0, 2)),
        threshold=chance.choice((0.0, 1.0)),
        keepdims=True,
        units=7,
        interpolation=chance.choice(("nearest", "bilinear", "area")),
        scale=chance.choice((0.5, [1.0, 2.0], [1], True, 10**400)),
        offset=chance.choice((-1.0, [0.5, 1.0, 2.0], [1.0, 2.0], [])),
        invert=chance.choice((True, False)),
        rms_scaling=True,
    )
    keep = {"axis", "rate", "strides", "activation", "data_format"} if chance.random() < 0.4 else set(facts)
    facts = {name: value for name, value in facts.items() if name in keep}
    facts["padding"] = (
        chance.choice(("same", "valid", "causal", "odd"))
        if "Padding" not in word
        else chance.choice((sides, sides, 2))
    )
    if "Cropping" in word:
        facts["cropping"] = chance.choice((sides, sides, 1, [[1, 2], [3]]))
    if word == "Reshape":
        facts["target_shape"] = chance.choice(([2, 3, -1], [6], [-1], [2, -2], 3, []))
    if facts and chance.random() < 0.12:
        facts[chance.choice(list(facts))] = odd
    return {} if chance.random() < 0.05 else facts


def a_keras(chance: random.Random, n: int) -> tuple[str, str]:
    word, shape = (
        chance.choice((*classes._BY_CLASS, *("Conv2DTranspose", "Conv2D", "Rescaling") * 2)),
        _image(chance),
    )
    facts = _of_keras(chance, word)
    k = int(word[4:5]) if word[4:5].isdigit() else 2
    size = (*_wholes(chance, k if chance.random() < 0.95 else 4, 1, 4), 4, 2)
    held: Facts = {"kernel": _array(*size), "bias": _array(4)}
    if word == "Dense":
        held["kernel"] = _array(*chance.choice(((4, 5), (4, 5), (4,))))
    elif word.startswith("separable"):
        held = {
            "depthwise_kernel": _array(3, 3, 4, 1),
            "pointwise_kernel": _array(1, 1, 4, 4),
            "bias": _array(4),
        }
    elif "Normalization" in word:
        names = ("gamma", "beta", "moving_mean", "moving_variance", "mean", "variance")
        held = {name: _array(*chance.choice(((4,), (4,), (4,), (4, 1)))) for name in names}
    held = {name: one for name, one in held.items() if chance.random() < 0.94}
    case = classes.Case(
        class_name=word,
        config=facts,
        parameters=held,
        inputs=[shape][: chance.choice((1, 1, 1, 1, 0))],
        is_keras_3=chance.random() < 0.7,
        filters_first=chance.random() < 0.15,
        flips=chance.choice((False, False, None, True)),
    )
    more = (f"keras 3 {case.is_keras_3}", f"first {case.filters_first}", f"flips {case.flips}")
    roles = classes.roles_of(word, facts, chance.randrange(1, 5))
    answer = f"{told(*classes.operations_of(case))} ({', '.join(roles)})"
    return _asked(n, word, case.inputs, (), facts, *held, *more).replace(str(10**400), "10**400"), answer


FORMATS = (a_tensorflow, a_tflite, a_keras)


def a_node(n: int) -> tuple[str, str]:
    """What one of them does."""
    return FORMATS[n % len(FORMATS)](random.Random(f"node {n}"), n)


def nodes_of_others() -> Told:
    yield from map(a_node, range(N_EACH * len(FORMATS)))
    for n, shape in enumerate(((1, 8, 9, 3), (1, 8, 9), (-1, 0, 2), (1, 2, 3, 4, 5), ())):
        sizes = b"".join(part(2, part(1, one)) for one in shape)
        for first in (False, True):
            yield (
                f"shape {n} {shape} {first}",
                str(nodes.shape_of_message(message(sizes), channels_first=first)),
            )
