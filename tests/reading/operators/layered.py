"""Layers of graphs and of names: whose the biases are, what is known of it, what whole numbers stand for."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from filtviz.activations import Activation
from filtviz.errors import LimitError, SelectionError
from filtviz.network import Layer
from filtviz.operations import (
    Convolution,
    Dense,
    Flatten,
    Identity,
    Normalisation,
    Operation,
    Pooling,
    Untold,
)
from filtviz.parameter import Parameter
from filtviz.reading.arrays import ComputedArray
from filtviz.reading.layering import add_layer, from_depth, make_layer, with_biases
from filtviz.reading.limits import Hints, Limits, Spending
from filtviz.reading.quantised import Scale, meant_in, said_of_meant, scaled
from filtviz.reading.tensor_names import PYTORCH, Tensor
from filtviz.reading.tensors import layers_of
from tests.reading.operators.asking import Told, array, numbers_of
from tests.telling import told

__all__ = ["layered", "quantised"]

BIAS = array(4, name="b")


def _facts(layer: Layer) -> str:
    held = ", ".join(f"{one.name} of {one.source}" for one in layer.parameters)
    below = ", ".join(map(str, layer.inputs))
    return f"{type(layer).__name__} {layer.name} <- {below} {told(*layer.operations)} ({held})"


def _weighing(**facts: Any) -> Convolution:
    return Convolution(**{"weights": array(4, 3, 2, 2), "axes": "oirc"} | facts)


def _shift(**facts: Any) -> Normalisation:
    return Normalisation(**{"beta": BIAS, "is_batch": False} | facts)


BELOW: dict[str, tuple[Operation, ...]] = {
    "kernel": (_weighing(),),
    "biased": (_weighing(bias=array(4, name="own")),),
    "painting": (_weighing(axes="iorc", weights=array(3, 4, 2, 2), transposed=True),),
    "of three": (_weighing(weights=array(3, 3, 2, 2)),),
    "dense": (Dense(weights=array(3, 4), axes="io", units=4),),
    "dense, unknown": (Dense(),),
    "kernel and more": (_weighing(), Identity()),
    "nothing": (),
    "passes": (Identity(),),
}
BEHIND: dict[str, tuple[Operation, ...]] = {
    "bias": (_shift(),),
    "bias of one": (_shift(beta=array(1)),),
    "scale": (_shift(beta=None, gamma=BIAS),),
    "both": (_shift(gamma=BIAS),),
    "mean": (_shift(mean=BIAS),),
    "spread": (_shift(spread=BIAS),),
    "batch": (_shift(is_batch=True),),
    "places": (_shift(along=(2,)),),
    "planes": (_shift(along=(1, 2), beta=array(4, 1)),),
    "bias and more": (_shift(), Activation(kind="rectify")),
}
HELD = {"one": (BIAS,), "none": (), "two": (BIAS, array(4, name="c"))}


def _layer(
    name: str, operations: tuple[Operation, ...], below: Sequence[int], held: Sequence[Parameter]
) -> Layer:
    return make_layer(operations, name=name, inputs=tuple(below), parameters=tuple(held))


def _biases() -> Told:
    for first, below in BELOW.items():
        for second, behind in BEHIND.items():
            if first == "kernel" or second == "bias":
                layers = [_layer("a", below, (), (array(9),)), _layer("b", behind, (0,), HELD["one"])]
                yield f"{second} behind {first}", "; ".join(map(_facts, with_biases(layers)))
    for words, held in HELD.items():
        layers = [_layer("a", BELOW["kernel"], (), ()), _layer("b", BEHIND["bias"], (0,), held)]
        yield f"bias with {words} of its own", "; ".join(map(_facts, with_biases(layers)))
    for n in range(60):
        chance = random.Random(f"biases {n}")
        layers = []
        for i in range(chance.choice((3, 4, 5, 6, 7))):
            kind = chance.choice(("kernel", "kernel", "dense", "passes", "bias", "bias", "bias", "scale"))
            below = chance.sample(range(i)[-3:], min(i, chance.choice((1, 1, 1, 1, 2))))
            unread = [n for n in range(i) if layers[n].name[0] in "kd" and not _is_read(layers, n)]
            if kind == "bias" and unread and chance.random() < 0.8:
                below = [chance.choice(unread)]
            layers.append(_layer(f"{kind[0]}{i}", (BELOW | BEHIND)[kind], below, HELD["one"]))
        links = " ".join(f"{one.name}({','.join(map(str, one.inputs))})" for one in layers)
        found = with_biases(layers)
        kept = " ".join(
            f"{one.name}({','.join(map(str, one.inputs))})"
            + "+" * any(getattr(each, "bias", None) is not None for each in one.operations)
            for one in found
        )
        yield f"biases {n}: {links}", kept


def _is_read(layers: Sequence[Layer], place: int) -> bool:
    return any(place in one.inputs for one in layers)


def _added() -> Told:
    shapes: dict[str, tuple[int | None, ...] | None] = {"image": (None, 3, 8, 9), "unknown": None}
    pooling = Pooling(kind="max", size=(2, 2), stride=(2, 2), pad=((0, 0), (0, 0)))
    for words, operations in (
        ("none", ()), ("one", (pooling,)), ("two", (pooling, Flatten())),
        ("a kernel", (_weighing(stride=(1, 1), pad=((0, 0), (0, 0))),)),
    ):  # fmt: skip
        for known, shape in shapes.items():
            for own in (None, (7, 7)):
                layers = [Layer(output_shape=shape)]
                steps = Spending(Limits(), "opcodes", "{:,}")
                layer = replace(_layer("name", operations, (0,), ()), output_shape=own)
                place = add_layer(layers, layer, steps, "it has {:,} or more")
                said = f"{place} {layers[-1].output_shape} {type(layers[-1]).__name__} for {steps.used}"
                yield f"added {words} to {known}, with {own}", said
    for n in (1, 2, 3):
        for name in (None, "n" * 5, "n" * 5000):
            layers = [Layer(output_shape=(place, 2)) for place in range(n)]
            steps = Spending(Limits(layers=3), "opcodes", "{:,}")
            layer = _layer("", (), tuple(range(n)), ())
            try:
                place = add_layer(layers, replace(layer, name=name), steps, "it has {:,} or more")
                yield (
                    f"added to {n}, {len(name or '')} letters",
                    f"{place} {layers[-1].output_shape} for {steps.used}, {len(layers)} in all",
                )
            except LimitError as error:
                yield f"added to {n}, {len(name or '')} letters", f"{error}; {len(layers)} in all"


def _depths() -> Told:
    for shape in (
        None, (1, 8, 2, 3), (None, 8, 2, 3), (1, 18, 2, 3), (1, 6, 2, 3), (1, None, 2, 3), (1, 8, None, 3),
        (1, 8, 2, None), (1, 8, 2), (1, 8, 2, 3, 4), (1, 4, 1, 1), (1, 0, 2, 3),
    ):  # fmt: skip
        for size in (2, 3, 1, 0, -2):
            for first in (True, False):
                found = from_depth(shape, size, channels_first=first)
                yield f"{shape} in blocks of {size}, {first}", "-" if found is None else told(*found)


KNOWN: tuple[dict[str, Any], ...] = (
    {}, {"groups": 1}, {"groups": 2}, {"transposed": True}, {"transposed": False}, {"type": "Own"},
    {"transposed": True, "groups": 2}, {"axes": "iorc"}, {"axes": "iorc", "transposed": True},
)  # fmt: skip
KERNELS = ((8, 2, 3, 3), (8, 4, 3, 3), (8, 8, 3, 3), (8, 1, 3, 3))


def _known() -> Told:
    """Kernels behind one of eight filters, of which something is known, by the number of their biases."""
    for shape in KERNELS:
        for n_biases in (0, 4, 8, 16):
            held = {"first.weight": (8, 3, 3, 3), "up.weight": shape, "up.bias": (n_biases,)}
            given = [_tensor(name, *of) for name, of in held.items() if 0 not in of]
            answers: dict[str, list[str]] = {}
            for facts in KNOWN:
                found = layers_of(given, PYTORCH, Hints(), known={"up": facts})
                one = found.layers[1]
                answer = (
                    f"{one.type} <- {one.inputs} {told(*one.operations)}; {'; '.join(found.inferred[1:])}"
                )
                answers.setdefault(answer, []).append(str(facts))
            words = "x".join(map(str, shape))
            yield from (
                (f"{words} and {n_biases}, {' or '.join(facts)}", one) for one, facts in answers.items()
            )


def _said() -> Told:
    """What a person says of a kernel of which the file knows something."""
    given = [_tensor("up.weight", 8, 4, 3, 3)]
    for axes in (
        {},
        {"up": "iohw"},
        {"up.weight": "hwio"},
        {"": "hwoi"},
        {"": "oih"},
        {"up": "oih"},
        {"first": "iohw"},
        {"": "oihw", "up": "oih"},
    ):
        for facts in KNOWN[:1] + KNOWN[3:5] + KNOWN[7:]:
            try:
                found = layers_of(given, PYTORCH, Hints(axes=axes), known={"up": facts})
                answer = f"{found.layers[0].type} {told(found.layers[0].operations[0])}; {found.inferred[1:]}"
            except SelectionError as error:
                answer = str(error)
            yield f"{facts} and said {axes}", answer


def _between() -> Told:
    """A kernel between two others: which channels of the three tell that it is a transposed one."""
    answers: dict[str, list[str]] = {}
    for below, filters, channels, behind in product(
        (8, 16), (8, 12, 16), (3, 4, 5, 6, 8, 12), (0, 4, 5, 6, 8, 12)
    ):
        for size in (1, 3):
            held = {
                "one": (below, 3, 3, 3),
                "two": (filters, channels, size, size),
                "three": (4, behind, 3, 3),
            }
            given = [_tensor(f"{name}.weight", *shape) for name, shape in held.items() if 0 not in shape]
            found = layers_of(given, PYTORCH, Hints())
            layers = [f"{one.type}{one.inputs}" for one in found.layers]
            answer = f"{' '.join(layers)} {' '.join(found.inferred[1:])}"
            answers.setdefault(answer, []).append(f"{below}-{filters}x{channels}x{size}-{behind}")
    yield from ((f"between {' '.join(facts)}", answer) for answer, facts in answers.items())


def _tensor(name: str, *shape: int) -> Tensor:
    return Tensor(
        name=name, array=ComputedArray(shape=shape, dtype=np.dtype("f4"), read=partial(np.zeros, shape, "f4"))
    )


def layered() -> Told:
    """What is made of layers one after another."""
    yield from _biases()
    yield from _added()
    yield from _depths()
    yield from _known()
    yield from _said()
    yield from _between()


WEIGHING: dict[str, Convolution | Dense] = {
    "oirc": _weighing(weights=array(4, 3, 2, 2, dtype="int8"), bias=BIAS),
    "rcio": _weighing(weights=array(2, 2, 3, 4, dtype="uint8"), axes="rcio"),
    "in groups": _weighing(weights=array(4, 3, 2, 2, dtype="int8"), groups=2),
    "painting": _weighing(weights=array(3, 4, 2, 2, dtype="int8"), axes="iorc", transposed=True, groups=1),
    "painting in groups": _weighing(
        weights=array(3, 4, 2, 2, dtype="int8"), axes="iorc", transposed=True, groups=2
    ),
    "painting in some": _weighing(weights=array(3, 4, 2, 2, dtype="int8"), axes="iorc", transposed=True),
    "real": _weighing(),
    "dense": Dense(weights=array(3, 4, dtype="int32"), axes="io", units=4, bias=BIAS),
    "dense, turned": Dense(weights=array(4, 3, dtype="int16"), axes="oi", units=4),
    "dense, unknown": Dense(),
}
SCALES: dict[str, tuple[list[float], list[float]]] = {
    "one": ([0.5], [0]),
    "one, shifted": ([0.5], [3]),
    "each": ([1, 2, 4, 8], [0]),
    "each, zeros": ([1, 2, 4, 8], [0] * 4),
    "each, one shifted": ([1, 2, 4, 8], [0, 0, 0, 5]),
    "one, each shifted": ([0.5], [1, 2, 3, 4]),
    "of three": ([1, 2, 4], [0]),
    "none": ([], []),
}


def _done(operations: Sequence[Operation]) -> str:
    found = []
    for one in operations:
        words = "untold" if isinstance(one, Untold) else told(one)
        for held in (getattr(one, "weights", None), getattr(one, "gamma", None)):
            words += "" if held is None else f" {numbers_of(held.value)} of {held.source}"
        found.append(words)
    return "; ".join(found)


def quantised() -> Told:
    """What is made of weights that are stored as whole numbers, by every kind of scale."""
    for words, one in WEIGHING.items():
        without = scaled([one, Identity()], lambda _: None)
        yield f"{words} without a scale", f"{_done(without)} {told(*without[1:2])}"
        for kind, (steps, zeros) in SCALES.items():
            for axis in (0, 1, 3, 4, -1):
                scale = Scale(numbers=np.array(steps, float), zeros=np.array(zeros, float), axis=axis)
                found = scaled([one], lambda _, scale=scale: scale)
                if axis in (0, 1) or kind == "each":
                    meant = [each.stored is one.weights for each in meant_in((Identity(), *found))]
                    yield f"{words} by {kind} along {axis}", f"{_done(found)} {meant}"
    for kind, (steps, zeros) in SCALES.items():
        for axis in (0, 1, 3, 4, -1):
            scale = Scale(numbers=np.array(steps, float), zeros=np.array(zeros, float), axis=axis)
            fits = [
                scale.fits(shape) for shape in ((4, 3, 2, 2), (3, 4), (1, 1, 1, 4), (4,), (), (2, 3, 3, 1))
            ]
            yield f"{kind} along {axis} fits", str(fits)
    for n in (1, 5, 6, 7):
        yield f"said of {n}", said_of_meant([f"weights{i}" for i in range(n)])
