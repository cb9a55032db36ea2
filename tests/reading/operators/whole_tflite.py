"""Whole models of TensorFlow Lite, made by chance: quantised and sparse weights, what is repeated and spread.

Each case is a number, as in `arrays`; what a model is made of, and how it is written, differs.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from filtviz.reading.formats import tflite
from filtviz.reading.formats.tflite.tflite_operators import OPERATORS
from filtviz.reading.limits import Limits
from tests.attacks.flatbuffer_files import Number, Table, Vector, integers, written
from tests.reading.operators.asking import Told
from tests.reading.operators.wholes import drawn, opened, read_of

__all__ = ["models_of_tflite"]

N_MODELS = 145
_NUMBERS = {name: number for number, name in OPERATORS.items()}
_KINDS = {"f4": 0, "f2": 1, "i4": 2, "u1": 3, "i8": 4, "i1": 9, "f8": 10, "u2": 18, "b1": 6}
_OTHERS = tuple(OPERATORS.values())


class Model:
    """A model that is being made: its tensors, its buffers and its operators."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.tensors: list[Table] = []
        self.buffers: list[Any] = [Table({})]
        self.codes: list[tuple[int, str]] = []
        self.operators: list[Table] = []
        self.words: list[str] = []
        self.lengths: list[tuple[int, ...]] = []
        self.outside = b""
        self.last, self.before = -1, [0]

    def tensor(self, *shape: int, values: np.ndarray | None = None, scale: Any = None, **more: Any) -> int:
        """Add a tensor, of the graph or with numbers, and return which it is."""
        chance, buffer = self.chance, 0
        kind = 0 if values is None else _KINDS[values.dtype.str[1:]]
        if values is not None:
            data, buffer = values.tobytes(), len(self.buffers)
            held: dict[int, Any] = {0: data}
            if chance.random() < 0.1:
                held = {1: Number("Q", len(self.outside)), 2: Number("Q", len(data))}
                self.outside += data
            self.buffers.append(held)
        name = f"t{len(self.tensors)}".encode() if chance.random() < 0.9 else b""
        fields: dict[int, Any] = {0: integers(*shape), 1: Number("b", kind), 2: Number("I", buffer), 3: name}
        if scale is not None:
            numbers, zeros, axis = scale
            fields[4] = Table({2: Vector("f", numbers), 3: Vector("q", zeros), 6: Number("i", axis)})
        if values is None and chance.random() < 0.2:
            fields[7] = integers(*(-1 if chance.random() < 0.5 else n for n in shape))
        fields |= more
        self.tensors.append(Table(fields))
        self.lengths.append(shape)
        return len(self.tensors) - 1

    def held(self, *values: float, kind: str = "i4") -> int:
        """Add some numbers; seldom they are real ones, or none that can be counted with."""
        way = self.chance.random()
        array = np.array(values, "f4" if way < 0.03 else kind)
        if way < 0.012:
            array[:1] = self.chance.choice((np.inf, np.nan))
        shape = () if array.size == 1 and self.chance.random() < 0.4 else array.shape
        return self.tensor(*shape, values=array)

    def weights(self, *shape: int) -> int:
        """Add weights, and what lies between them and where they are used."""
        chance, kind = self.chance, self.chance.choice(("f4", "f4", "f4", "f2", "i1", "i1", "u1", "i4", "u2"))
        array = drawn(chance, *shape, kind=kind)
        scale = None
        if chance.random() < (0.8 if kind[0] != "f" else 0.05):
            axis = chance.choice((0, 0, len(shape) - 1, 1))
            n = (
                shape[axis]
                if 0 <= axis < len(shape) and chance.random() < 0.6
                else chance.choice((1, 1, 2, 0))
            )
            zeros = chance.choice(((), (0,) * n, (1,) * n, (0, 3)))
            scale = ([0.5 + place for place in range(n)], zeros, axis)
        more: dict[str, Any] = {}
        if chance.random() < 0.06 and len(shape) == 1:
            found = Table({0: integers(0), 2: Vector("o", [Table({1: Number("i", shape[0])})])})
            more["sparse"] = found
        made = self.tensor(*shape, values=array, scale=scale)
        if more:
            self.tensors[made].fields[6] = more["sparse"]  # type: ignore[index]
        for _ in range(chance.choice((0, 0, 0, 1, 1, 2))):
            word = chance.choice(("DEQUANTIZE", "DEQUANTIZE", "DENSIFY", "CAST", "QUANTIZE"))
            made = self.add(word, [made], shape, is_layer=False)
        return made

    def add(
        self, word: str, inputs: list[int], *shapes: tuple[int, ...], is_layer: bool = True, **facts: Any
    ) -> int:
        """Add an operator, and return its first result."""
        number = _NUMBERS.get(word, 32 if word == "mine" else 121)
        code = (number, word if number == 32 else "")
        if code not in self.codes:
            self.codes.append(code)
        made = [self.tensor(*shape) for shape in shapes]
        fields = {0: Number("I", self.codes.index(code)), 1: integers(*inputs), 2: integers(*made)}
        if facts or self.chance.random() < 0.1:
            options = {
                int(key[1:]): value if isinstance(value, Number) else Number("i", value)
                for key, value in facts.items()
            }
            fields[4] = Table(options)  # type: ignore[assignment]
        self.operators.append(Table(fields))
        self.words.append(word)
        if is_layer and made:
            self.last = made[0]
            self.before += made
        return made[0] if made else -1


IMAGE = (1, 6, 6, 4)


def _layer(m: Model) -> None:
    """Add something behind the last tensor, or behind one of those before it."""
    chance = m.chance
    below = m.last if chance.random() < 0.85 else chance.choice(m.before)
    word = chance.choice(_WAYS)
    fused = chance.choice((0, 0, 1, 2, 3, 4, 5))
    bias = [m.weights(4)] if chance.random() < 0.5 else []
    if word == "CONV_2D":
        facts = {
            "o0": chance.choice((0, 1)),
            "o1": 1,
            "o2": chance.choice((1, 2, 0)),
            "o3": fused,
            "o4": 1,
            "o5": 1,
        }
        m.add(word, [below, m.weights(4, 3, 3, 4), *bias], IMAGE, **facts)
    elif word == "DEPTHWISE_CONV_2D":
        m.add(
            word,
            [below, m.weights(1, 3, 3, 4), *bias],
            IMAGE,
            o0=1,
            o1=1,
            o2=1,
            o3=chance.choice((0, 1, 2)),
            o4=fused,
        )
    elif word == "TRANSPOSE_CONV":
        m.add(
            word,
            [m.held(1, 12, 12, 4), m.weights(4, 3, 2, 4), below, *bias],
            (1, 12, 12, 4),
            o0=fused % 2,
            o1=2,
            o2=2,
        )
    elif word == "FULLY_CONNECTED":
        m.add(word, [below, m.weights(4, 144), *bias], (1, 4), o0=fused)
    elif word == "spread":
        _spread(m, below)
    elif word == "repeat":
        _repeat(m, below)
    elif word == "shapes":
        _shapes(m, below)
    elif word in ("SPLIT", "SPLIT_V"):
        axis = m.held(chance.choice((3, -1, 1, 5)))
        parts = [(1, 6, 6, n) for n in chance.choice(((2, 2), (1, 1, 2), (4,), (3, -1)))]
        held = [axis, below] if word == "SPLIT" else [below, m.held(*(one[3] for one in parts)), axis]
        m.add(word, held, *parts, o0=len(parts))
        m.last = m.before[-1] if chance.random() < 0.5 else m.last
    elif word == "two":
        m.add(
            chance.choice(("ADD", "MUL", "CONCATENATION", "MAXIMUM")),
            [below, chance.choice(m.before)],
            IMAGE,
            o0=3,
        )
    elif word == "with":
        inputs = chance.sample([below, m.weights(*chance.choice(((4,), (), (1, 1, 1, 4), (6, 4))))], 2)
        m.add(chance.choice(("ADD", "SUB", "MUL", "DIV", "MINIMUM", "POW", "PRELU")), inputs, IMAGE, o0=fused)
    elif word == "numbers":
        _numbers(m, below)
    else:
        other = chance.choice((*_OTHERS, "mine", "no number"))
        more = [m.held(*chance.choice(((1, 2), (3,), (0, 3, 1, 2), (-1,))))] if chance.random() < 0.5 else []
        facts = {f"o{place}": chance.choice((0, 1, 2)) for place in range(6)} if chance.random() < 0.7 else {}
        shape = chance.choice((IMAGE, (1, 3, 3, 4), (1, 4), (1, 6, 24), (1, 12, 6, 4), (4,), ()))
        m.add(other, [below, *more], *[shape][: chance.choice((0, 1, 1, 1, 1, 1))], **facts)


_WAYS = (
    "CONV_2D", "CONV_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED", "spread",
    "spread", "repeat", "repeat", "shapes", "SPLIT", "SPLIT_V", "two", "with", "with", "numbers", "numbers",
    "numbers", "other", "other", "other",
)  # fmt: skip


_BY_NUMBERS = (
    "PAD", "PADV2", "MIRROR_PAD", "SLICE", "STRIDED_SLICE", "TRANSPOSE", "MEAN", "SUM", "REDUCE_MIN",
    "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "RESHAPE", "SQUEEZE",
)  # fmt: skip


def _numbers(m: Model, below: int) -> None:
    """Add what is told by numbers: what is padded, cut, turned, reduced and resized."""
    chance = m.chance
    word = chance.choice(_BY_NUMBERS)
    facts = {f"o{place}": chance.choice((0, 0, 1)) for place in range(5)}
    if word.endswith(("PAD", "PADV2")):
        pads = [0, 0, 1, chance.choice((0, 2)), chance.choice((0, -1)), 2, 0, chance.choice((0, 0, 1))]
        value = [m.held(chance.choice((2.5, -np.inf)), kind="f4")] if word == "PADV2" else []
        m.add(word, [below, m.held(*pads[: chance.choice((8, 8, 8, 4))]), *value], (1, 9, 8, 4), **facts)
    elif word.endswith("SLICE"):
        starts, sizes = m.held(0, 1, 0, chance.choice((0, 2))), m.held(1, -1, chance.choice((3, 6)), 2)
        steps = [m.held(1, chance.choice((1, 2)), 1, 1)] if word == "STRIDED_SLICE" else []
        shape = chance.choice(((1, 5, 3, 2), (1, 5, 3), (1, 5, 3, 2), (5, 2)))
        facts["o4"] = chance.choice((0, 1, 4, 8))
        m.add(word, [below, starts, sizes, *steps], shape, **facts)
    elif word == "TRANSPOSE":
        order = chance.sample(range(4), chance.choice((4, 4, 4, 3)))
        m.add(word, [below, m.held(*order)], (1, 4, 6, 6))
    elif word in ("MEAN", "SUM", "REDUCE_MIN"):
        axes = chance.choice(((1, 2), (2, 1), (-3, -2), (1,), (3,), (0,), (2, 3), (4,), (-5,)))
        m.add(word, [below, m.held(*axes)], chance.choice(((1, 4), (1, 1, 1, 4), (1, 6, 4))), o0=facts["o0"])
    elif word.startswith("RESIZE"):
        sizes = chance.choice(((12, 18), (6, 6), (9, 6), (3, 12)))
        m.add(word, [below, m.held(*sizes)], (1, *sizes, 4), **facts)
    else:
        m.add(word, [below], chance.choice(((1, 144), (1, 12, 12), (36, 4), (1, 12, 3, 4), (4, 6, 6), ())))


def _spread(m: Model, below: int) -> None:
    """Add what puts gaps between taps, and takes them away again: with pads that fit, and that do not."""
    chance = m.chance
    gaps = m.held(*chance.choice(((2, 2), (2, 2), (2, 3), (0, 2), (2,))))
    pads = m.held(*chance.choice(((2, 2, 2, 4), (2, 2, 2, 2), (1, 0, 0, 1), (-1, 0, 0, 0), (1, 2))))
    crops = m.held(*chance.choice(((0, 0, 0, 0), (0, 1, 1, 0), (0, 0, 3, 0), (0, 0, 0, -1))))
    into = m.add("SPACE_TO_BATCH_ND", [below, gaps, pads], (4, 5, 5, 4))
    m.add("CONV_2D", [into, m.weights(4, 3, 3, 4)], chance.choice(((4, 3, 3, 4), (4, 9))), o0=1, o1=1, o2=1)
    if chance.random() < 0.4:
        m.add(chance.choice(("RELU", "ADD")), [m.last, m.weights(4)], (4, 3, 3, 4))
    if chance.random() < 0.9:
        m.add("BATCH_TO_SPACE_ND", [m.last, gaps, crops], chance.choice((IMAGE, IMAGE, (1, 36))))


def _repeat(m: Model, below: int) -> None:
    """Add an axis, a tile along it, and its end; some are something else, or are used by others, too."""
    chance = m.chance
    axis = chance.choice((2, 2, 3, 3, 1, 4))
    first = m.add(chance.choice(("EXPAND_DIMS",) * 4 + ("RELU",)), [below, m.held(axis)], (1, 6, 6, 1, 4))
    times = [1] * 5
    times[axis if chance.random() < 0.85 else 0] = chance.choice((2, 3, 3, 0))
    m.add("TILE", [first, m.held(*times[: chance.choice((5, 5, 5, 4))])], (1, 6, 12, 1, 4))
    if chance.random() < 0.2:
        kept = m.last
        m.add("RELU", [chance.choice((first, m.last))], (1, 6, 6, 1, 4))
        m.last = kept
    if chance.random() < 0.1:
        m.add("TILE", [m.last, m.held(*times)], (1, 6, 12, 1, 4))
    word = chance.choice(("RESHAPE",) * 4 + ("SUM",))
    m.add(word, [m.last, m.held(1, 6, 12, 4)], chance.choice(((1, 6, 12, 4), (1, 6, 12, 4), (1, 288))))


def _shapes(m: Model, below: int) -> None:
    """Add what computes with shapes alone, and what does not."""
    chance = m.chance
    shape = m.add("SHAPE", [below], (4,), is_layer=False)
    one = m.add("STRIDED_SLICE", [shape, m.held(0), m.held(1), m.held(1)], (), is_layer=False, o4=1)
    packed = m.add("PACK", [one, m.held(144) if chance.random() < 0.7 else below], (2,), is_layer=False)
    m.add(chance.choice(("RESHAPE", "RESHAPE", "MUL", "SHAPE")), [below, packed], (1, 144))


def a_model(n: int) -> tuple[str, str]:
    """A model made by chance, and what is read of it."""
    chance = random.Random(f"model of tflite {n}")
    m = Model(chance)
    shape = chance.choice((IMAGE, IMAGE, IMAGE, (1, 6, 6), (-1, 6, 6, 4), (1, 144), ()))
    m.last = m.tensor(*shape)
    for _ in range(chance.choice((1, 2, 2, 3, 3, 4))):
        _layer(m)
    codes = [_code(chance, *one) for one in m.codes]
    ends = m.last if chance.random() < 0.97 else 99
    graph = {1: integers(0 if chance.random() < 0.98 else 98), 2: integers(ends), 3: Vector("o", m.operators)}
    graphs = [Table(graph | {0: Vector("o", m.tensors)})] * chance.choice((1,) * 30 + (0, 2, 3))
    if m.operators and chance.random() < 0.03:
        m.operators[-1].fields[0] = Number("I", len(codes))  # type: ignore[index]
    if chance.random() < 0.03:
        m.tensors[-1].fields[2] = Number("I", len(m.buffers) + chance.choice((-1, 0)))  # type: ignore[index]
    parts = {1: Vector("o", codes), 2: Vector("o", graphs), 3: b"ours", 4: Vector("o", _buffers(m, 0))}
    if m.outside:
        parts[4] = Vector("o", _buffers(m, len(written(Table(parts), b"TFL3"))))
    data = written(Table(parts), b"TFL3") + m.outside[: len(m.outside) - (chance.random() < 0.1)]
    limits = Limits(layers=chance.choice((1, 2, 3, 4))) if chance.random() < 0.04 else Limits()
    more = f" layers {limits.layers}" if limits != Limits() else ""
    return f"{n} {shape} {' '.join(m.words)}{more}", read_of(tflite.open, opened(data, limits=limits))


def _code(chance: random.Random, number: int, word: str) -> Table:
    """An operator's kind: in one byte as once, or in four."""
    fields: dict[int, Any] = {0: Number("b", min(number, 127))}
    if number > 127 or chance.random() < 0.7:
        fields[3] = Number("i", number)
    return Table(fields | ({1: word.encode()} if word else {}))


def _buffers(m: Model, size: int) -> list[Table]:
    found = []
    for one in m.buffers:
        if isinstance(one, dict):
            place = {1: Number("Q", one[1].value + size)} if 1 in one else {}
            found.append(Table(one | place))
        else:
            found.append(one)
    return found


def models_of_tflite() -> Told:
    yield from map(a_model, range(N_MODELS))
