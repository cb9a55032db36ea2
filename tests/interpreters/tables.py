"""What each interpreter makes of each operation, a line each."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from filtviz.activations import UnknownActivationError
from filtviz.composition.linear_map import LinearMap, MapError, approximation_of, identity, push, work_of_push
from filtviz.composition.stacks import following_layer, linear_stack
from filtviz.drawing.graphs.boxes import graph_of
from filtviz.errors import CompositionError
from filtviz.network import ConvLayer, Layer, Network
from filtviz.operations import (
    Convolution,
    Dense,
    Flatten,
    GlobalPooling,
    Input,
    LocallyConnected,
    Operation,
    parameters_of,
)
from filtviz.parameter import Parameter
from filtviz.receptive_field import ReceptiveField, receptive_fields
from filtviz.running.costs import cost_of
from filtviz.running.fitting import MisfitError
from filtviz.running.intervals import preactivation_bounds
from filtviz.running.numpy_engine import NumpyEngine
from filtviz.shapes import output_shape, window_of
from filtviz.summary import NOTEBOOK, PAGE, TERMINAL, Table, summarize
from filtviz.windows import Window
from tests.interpreters.cases import CASES, JOINS, drawn, units
from tests.reading.operators.graphs import written
from tests.reading.operators.modules import printed

__all__ = ["TABLES", "answers", "field_text", "shaped_network"]

Lines = Iterator[tuple[str, str]]

SHAPES: Sequence[tuple[int | None, ...] | None] = (
    (2, 4, 7, 6), (None, 4, None, 6), (None, None, 7, 6), (2, 4, 7, 0), (2, 6), (2, 4, 7), (2, 4, 5, 4, 3),
    (2,), (), None,
)  # fmt: skip
"""Images; open lengths and channels; an empty one; units; one axis, three, none; nothing that is known."""

PAIRS: Sequence[tuple[tuple[int | None, ...] | None, ...]] = (
    ((2, 4, 7, 6), (2, 4, 7, 6)), ((2, 4, 7, 6), (2, 4, 5, 3)), ((2, 4, 7, 6), (2, 1, 1, 6)),
    ((2, 4, 7, 6), (2, 3, 7, 6)),
    ((2, 4, 7, 6), (2, 4, 6, 5)), ((None, 4, 7, None), (2, None, 7, 6)), ((2, 4, 7, 6), (2, 4, 7)),
    ((2, 1, 1, 1), (2, 1, 1, 1)),
    ((None, 1, 7, 1), (None, None, 7, 1)), ((2, 4, 7, 6), None), ((2, 4, 7, 6), (2, 4, 7, 6), (2, 4, 7, 6)),
    ((2, 4, 7, 6), (2, 4, 7, 6), (2, 4, 3, 8)), ((2, 4, 7, 6),), ((2, 6), (2, 6)), ((2, 3, 6), (2, 6, 5)),
    ((2, 4, 7), (7,)), ((7,), (2, 7, 4)),
)  # fmt: skip
"""Inputs of what has several: alike, shorter, of length 1, of other lengths and axes, unknown."""


def number(value: float, digits: int = 5) -> str:
    """Five digits, and 0 for what is only rounding; what lies just between two is always the further one."""
    return f"{0.0 if abs(value) < 1e-9 else float(value) * (1 + 1e-9):.{digits}g}"


def numbers(values: Any, digits: int = 5) -> str:
    return " ".join(number(one, digits) for one in np.ravel(values))


def digits_of(array: Any) -> int:
    """How many digits are the same wherever they are computed."""
    return 3 if np.asarray(array).dtype == np.float32 else 5


def shaped(shape: Sequence[int | None] | None) -> str:
    if shape is None:
        return "-"
    return "x".join("?" if n is None else str(n) for n in shape) or "()"


def told(array: Any, digits: int = 5) -> str:
    """An array: its shape, its sum, a sum in which each place counts otherwise,
    and the first and the last."""
    flat = np.asarray(array, np.float64).ravel()
    with np.errstate(all="ignore"):
        places = np.arange(flat.size) % 11 + 1.0
        shown = numbers([flat.sum(), flat @ places, *flat[:1], *flat[-1:]], digits)
    return f"{shaped(np.shape(array))} {shown}"


def each(cases: Mapping[str, Operation], tell: Callable[[Operation], str]) -> Lines:
    return ((name, tell(operation)) for name, operation in cases.items())


def everything(tell: Callable[[Operation], str]) -> Lines:
    yield from each(CASES | JOINS, tell)


# Shapes and windows


def _window(window: Window | None) -> str:
    if window is None:
        return ""
    pad = "?" if window.pad is None else ",".join(f"{a}+{b}" for a, b in window.pad)
    how = [" backwards"] * window.transposed + [" hanging over"] * (not window.has_whole_ones_only)
    parts = (window.size, window.stride, window.dilation, window.spans)
    return f"[{' '.join(shaped(one) for one in parts)} {pad}{''.join(how)}]"


def shapes() -> Lines:
    def one(operation: Operation) -> str:
        windows = list(dict.fromkeys(_window(window_of(operation, shape)) for shape in SHAPES))
        return " ".join([*(shaped(output_shape(operation, [shape])) for shape in SHAPES), *windows]).strip()

    def several(operation: Operation) -> str:
        return " ".join(shaped(output_shape(operation, pair)) for pair in PAIRS)

    yield "given", " ".join(map(shaped, SHAPES))
    yield from each(CASES, one)
    yield "given", "; ".join(" ".join(map(shaped, pair)) for pair in PAIRS)
    yield from each(JOINS, several)


# Receptive fields, and the rows of the table of layers


def layer_of(*operations: Operation, below: Sequence[int] = (), **facts: Any) -> Layer:
    """A layer that does this: a convolution where it has kernels."""
    kind = ConvLayer if any(isinstance(one, Convolution | LocallyConnected) for one in operations) else Layer
    parameters = tuple(one for each in operations for one in parameters_of(each))
    return kind(operations=operations, inputs=tuple(below), parameters=parameters, **facts)


def start(*shape: int | None) -> Layer:
    return Layer(type="Input", name="in", output_shape=shape, operations=(Input(shape=shape),))


def shaped_network(*layers: Layer) -> Network:
    """A network whose layers tell the shapes that follow from what they do."""
    from dataclasses import replace

    found: list[Layer] = []
    for layer in layers:
        below = [found[i].output_shape for i in layer.inputs]
        for operation in layer.operations:
            below = [output_shape(operation, below)]
        found.append(replace(layer, output_shape=below[0]))
    return Network.of(found)


WEIGHTS = drawn(4, 4, 3, 3, seed=5)
STRIDED = Convolution(weights=WEIGHTS, stride=(2, 2), pad=((1, 1), (1, 0)), flip_filters=False)
DIRECT = Convolution(weights=WEIGHTS, stride=(1, 1), pad=((1, 1), (1, 1)), flip_filters=False)


def field_text(field: ReceptiveField | None) -> str:
    if field is None:
        return "-"
    cover = " ".join("?" if one is None else f"{one:.0%}" for one in field.coverage)
    steps = [" ".join(map(str, one)) for one in (field.jump, field.start)]
    return f"{shaped(field.size)} by {steps[0]} from {steps[1]} of {shaped(field.input_size)}: {cover}"


def receptive() -> Lines:
    flat, whole = (Flatten(),), (GlobalPooling(kind="mean"),)

    def one(operation: Operation) -> str:
        layers = [
            layer_of(STRIDED, below=(0,)),
            *(layer_of(*b, operation, below=(1,)) for b in ((), flat, whole)),
        ]
        after = layer_of(*flat, operation, Dense(units=2), below=(1,))
        known = shaped_network(start(2, 4, 14, 13), *layers, layer_of(operation, below=(0,)), after)
        opened = shaped_network(start(2, 4, None, 13), *layers[:2])
        fields = receptive_fields(known)
        return "; ".join(field_text(field) for field in (fields[2], receptive_fields(opened)[2], *fields[3:]))

    def several(operation: Operation) -> str:
        found = []
        for other in (DIRECT, STRIDED, GlobalPooling(kind="mean"), Flatten(), Input(shape=(2, 4, 14, 13))):
            below = () if isinstance(other, Input) else (0,)
            layers = [start(2, 4, 14, 13), layer_of(other, below=below), layer_of(DIRECT, below=(0,))]
            for inputs in ((1, 2), (2, 1), (2, 2)):
                network = shaped_network(*layers, layer_of(operation, below=inputs))
                found.append(field_text(receptive_fields(network)[3]))
        return "; ".join(dict.fromkeys(found))

    kinds = "Pooling mean", "Pooling sum", "Pooling untold"  # they see what one by the largest sees
    yield from each({name: case for name, case in CASES.items() if not name.startswith(kinds)}, one)
    yield from each(JOINS, several)


def rows() -> Lines:
    def one(operation: Operation) -> str:
        layer = layer_of(operation, below=(1,), type="Some", name="it")
        network = shaped_network(start(None, 4, 15, 12), layer_of(STRIDED, below=(0,)), layer)
        summary = summarize(network)
        row = summary.rows[2]
        left_out = ("name", "type", "inputs", "receptive_field", "output_shape")
        known = ((one.name, getattr(row, one.name)) for one in fields(row) if one.name not in left_out)
        shown = (f"{name} {value}" for name, value in known if value is not None)
        tables = (" | ".join(Table.of(summary, style).rows[2]) for style in (TERMINAL, PAGE, NOTEBOOK))
        return "; ".join([*shown, *tables])

    without = ("Activation", "Reduction", "Resize", "Reshape", "Normalisation", "LocalResponse", "Dense")
    for name, operation in (CASES | JOINS).items():
        if not name.startswith(without) or "=" not in name:
            yield name, one(operation)


# What units give, and what that takes


def answers(engine: Any, operation: Operation, below: Sequence[np.ndarray]) -> str:
    """What an engine gives, or in which words it refuses; another library's own words are not told."""
    with np.errstate(all="ignore"):
        try:
            return told(engine.give(engine.apply(operation, [engine.take(one) for one in below])))
        except (MisfitError, UnknownActivationError) as error:
            return str(error)
        except (ValueError, IndexError, TypeError, RuntimeError):
            return "refused"


GIVEN = [
    (units(2, 4, 7, 6),),
    (units(2, 6),),
    (units(2, 4, 7),),
    (units(2, 4, 5, 4, 3),),
    (units(1, 2, 1, 6),),
]
JOINED = [
    tuple(units(*(n or 1 for n in shape), seed=place) for place, shape in enumerate(pair))  # type: ignore[union-attr]
    for pair in PAIRS
    if None not in pair
]


def run(engine: Any) -> Lines:
    """What an engine gives."""
    for cases, given in ((CASES, GIVEN), (JOINS, JOINED)):
        for name, one in cases.items():
            yield name, "; ".join(answers(engine, one, below) for below in given)


def numpy_engine() -> Lines:
    yield from run(NumpyEngine("float64"))


def costs() -> Lines:
    def one(operation: Operation) -> str:
        shapes = [tuple(1 if n is None else n for n in shape) for shape in SHAPES[:7] if shape is not None]
        return "; ".join(" ".join(map(str, cost_of(operation, [shape]))) for shape in dict.fromkeys(shapes))

    def several(operation: Operation) -> str:
        return "; ".join(
            " ".join(map(str, cost_of(operation, [one.shape for one in below]))) for below in JOINED
        )

    yield from each(CASES, one)
    yield from each(JOINS, several)
    shape = (4, 64, 40, 50)
    for name, operation in (
        ("large", Convolution(weights=drawn(8, 64, 5, 5), stride=(1, 1), pad=((2, 2), (2, 2)))),
        ("large, of groups", Convolution(weights=drawn(8, 16, 5, 5), stride=(2, 1), pad=((0, 0), (0, 0)))),
    ):
        yield name, " ".join(map(str, cost_of(operation, [shape])))


def bounds() -> Lines:
    """Between what ends units lie behind an operation, as a convolution sees them that passes all on."""
    none = (0, 0), (0, 0)

    first = Convolution(weights=drawn(4, 4, 1, 1, seed=8), stride=(1, 1), pad=none, flip_filters=False)
    passing = {
        n: Convolution(
            weights=Parameter.of("p", np.eye(n)[:, :, None, None]),
            stride=(1, 1),
            pad=none,
            flip_filters=False,
        )
        for n in range(1, 13)
    }

    def one(operation: Operation, joins: bool = False) -> str:
        shape = output_shape(operation, [(2, 4, 7, 6)] * (1 + joins))
        n = 4 if shape is None or len(shape) < 2 or shape[1] not in passing else shape[1]
        layers = [start(2, 4, 7, 6), layer_of(first, below=(0,))]
        ends = []
        for top in (0, 1):  # behind the first convolution each channel has ends of its own
            layers.append(layer_of(operation, below=(top, 0) if joins else (top,)))
            layers.append(conv_with(passing[n], len(layers) - 1))
            ends.append(sum(isinstance(one, ConvLayer) for one in layers) - 1)
        network = shaped_network(*layers)
        bounds = (preactivation_bounds(network, input_range) for input_range in ((-0.5, 2.0), None))
        found = [known.get(end) for known in bounds for end in ends]
        return "; ".join(
            "-" if one is None else f"{numbers(one.low)} to {numbers(one.high)}" for one in found
        )

    yield from each(CASES, one)
    yield from each(JOINS, lambda operation: one(operation, joins=True))


def conv_with(operation: Convolution, below: int) -> ConvLayer:
    from filtviz.activations import Activation

    return ConvLayer(operations=(operation, Activation(kind="rectify")), inputs=(below,))


# Filters on the image


def _map(found: LinearMap) -> str:
    return f"{told(found.templates)} by {shaped(found.jump)} from {found.start}"


def maps() -> Lines:
    source = push(STRIDED, [identity(4)], layer_of(STRIDED))
    direct = push(DIRECT, [identity(4)], layer_of(DIRECT))
    shape = (2, 4, 7, 6)

    def of(operation: Operation, below: Sequence[LinearMap]) -> str:
        layer = layer_of(
            operation, type="Some", name="it", output_shape=output_shape(operation, [shape] * len(below))
        )
        work = work_of_push(operation, below)
        try:
            return f"{work}: {_map(push(operation, below, layer))}"
        except (CompositionError, MapError) as error:
            return f"{work}: {error}"

    def one(operation: Operation) -> str:
        found = [of(operation, [below]) for below in (source, identity(6))]
        how = approximation_of(operation)
        return "; ".join([*found, *([how.sentence("it")] if how else [])])

    def several(operation: Operation) -> str:
        pairs = (
            [source, source],
            [direct, identity(4)],
            [identity(4), direct],
            [source, direct],
            [identity(3), direct],
            [direct] * 3,
            [source],
        )
        return "; ".join(of(operation, pair) for pair in pairs)

    yield from each(CASES, one)
    yield from each(JOINS, several)


def stacks() -> Lines:
    def one(operation: Operation) -> str:
        below = layer_of(STRIDED, below=(0,), name="low")
        layer = layer_of(operation, below=(1,), type="Some", name="it")
        top = layer_of(DIRECT, below=(2,), name="top")
        network = shaped_network(start(2, 4, 14, 13), below, layer, top)
        stack = linear_stack(network, network.conv_layers[-1])
        said = (
            " ".join(f"{told(each.templates)} by {shaped(each.spacing)}" for each in stack.stages)
            or stack.reason
        )
        after = following_layer(network, network.conv_layers[0])
        return f"{said}; followed by {None if after is None else after.title}"

    yield from everything(one)


# What is written and drawn


def boxes() -> Lines:
    def one(operation: Operation) -> str:
        layers = [
            start(2, 4, 14, 13),
            layer_of(STRIDED, below=(0,)),
            layer_of(operation, below=(1,), type="Some"),
        ]
        graph = graph_of(shaped_network(*layers, layer_of(operation, operation, below=(2,), name="two")))
        found = []
        for box in graph.boxes[1:]:
            words = f"{' / '.join(box.lines)} ({box.shape_text}) {box.layers} {box.parameters}"
            found.append(f"{box.kind} {box.title}: {words}")
        return "; ".join([*found, str(graph.links)])

    yield from everything(one)


def _network(operation: Operation, shape: Sequence[int | None], joins: bool) -> Network:
    layers = [start(*shape)]
    if joins:
        layers.append(layer_of(DIRECT, below=(0,), name="low"))
    inputs = (0, 1) if joins else (0,)
    return shaped_network(*layers, layer_of(operation, below=inputs, type="Some", name="it"))


SIZES = ((None, 4, 7, 6), (None, 4, None, None), (None, 6), (None, 4, 7))


def _said(write: Callable[[Network], str]) -> Lines:
    """What is written: whole of an image, and of others what is not the same but for the ends."""

    def one(operation: Operation) -> str:
        found = [_short(write(_network(operation, shape, False))) for shape in SIZES]
        return " || ".join(dict.fromkeys(found))

    yield from each(CASES, one)
    yield from each(JOINS, lambda operation: _short(write(_network(operation, (None, 4, 7, 6), True))))


def _short(text: str, most: int = 420) -> str:
    """A text without what all have, and of a long one only that it is the same."""
    text = re.sub(r"in in float \[[^]]*\]; |; out it float \[[^]]*\]", "", text)
    return text if len(text) <= most else f"{text[:most]}… {zlib.crc32(text.encode()):08x}"


def graphs() -> Lines:
    yield from _said(written)


def modules() -> Lines:
    yield from _said(printed)


TABLES: Mapping[str, Callable[[], Lines]] = {
    "bounds": bounds,
    "boxes": boxes,
    "costs": costs,
    "fields": receptive,
    "graphs": graphs,
    "maps": maps,
    "modules": modules,
    "rows": rows,
    "shapes": shapes,
    "stacks": stacks,
    "units": numpy_engine,
}
