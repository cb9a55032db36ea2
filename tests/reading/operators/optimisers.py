"""Which weights optimisers have moved: weights and moments made by chance, and each limit at its border.

Told is which have surely moved, which surely have not, and what comparing took.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from filtviz.errors import MalformedFileError
from filtviz.reading.arrays import ComputedArray, StoredArray, stored, strided
from filtviz.reading.limits import Limits, effort
from filtviz.reading.optimised import (
    Moved,
    _first_of,
    is_one_number,
    moved_among,
    moved_by_name,
    moved_by_shape,
)
from tests.reading.operators.asking import Told

__all__ = ["optimisers"]

SHAPES = ((3,), (2, 3), (4, 2), (3,), ())
NAMES = ("weight", "bias", "running_mean", "num_batches_tracked", "weight", "g")


def _shown(found: Moved) -> str:
    return f"{' '.join(sorted(found.moved)) or '-'} / {' '.join(sorted(found.resting)) or '-'}"


def _a_set(chance: random.Random, n: int) -> list[tuple[str, tuple[int, ...]]]:
    return [(f"l{i}.{chance.choice(NAMES)}", chance.choice(SHAPES)) for i in range(n)]


def _moments(chance: random.Random, held: list[tuple[str, tuple[int, ...]]]) -> Any:
    """Moments of some of the weights, in groups."""
    told = [shape for name, shape in held if shape and not name.endswith(("mean", "tracked"))]
    kept: list[Any] = [None if chance.random() < 0.3 else shape for shape in told]
    way = chance.random()
    if way < 0.3:
        kept = [one for one in kept if chance.random() < 0.6]
    elif way < 0.4:
        kept = kept[::-1]
    elif way < 0.5:
        kept[chance.randrange(len(kept) + 1) :] = [(3,)]
    elif way < 0.55:
        kept = [*kept, ()]
    at = chance.randrange(len(kept) + 1)
    groups = chance.choice(
        ([kept], [kept], [kept[:at], kept[at:]], [kept[at:], kept[:at]], [kept[::2], kept[1::2]])
    )
    return tuple(map(tuple, groups))


def an_optimiser(n: int) -> tuple[str, str]:
    """Some networks and optimisers, and what is told."""
    chance = random.Random(f"optimisers {n}")
    sets = [_a_set(chance, chance.choice((0, 1, 2, 3, 5))) for _ in range(chance.choice((1, 1, 1, 2, 3)))]
    found = [_moments(chance, chance.choice(sets)) for _ in range(chance.choice((0, 1, 1, 1, 2, 3)))]
    if len(sets) == 1 and chance.random() < 0.3:
        found = [(group,) for one in found for group in one]
    spent = effort(Limits())
    told = _shown(moved_among(sets, found, spent))
    asked = " and ".join(
        ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in one) for one in sets
    )
    return f"{n}: {asked} by {found}", f"{told} ({spent.used} steps)"


def _array(values: Any) -> StoredArray:
    held = np.asarray(values, np.float32)
    return stored(held.shape, held.dtype, False, held.nbytes, lambda: memoryview(held.tobytes()))


def _many(n: int, at: int) -> StoredArray:
    values = np.zeros(n, np.float32)
    values[at] = 1
    return _array(values)


def _is_one() -> Told:
    for n in (4095, 4096, 4097):
        for at in (0, 1, 4095, 4096):
            if at < n:
                yield f"one of {n} at {at}", str(is_one_number(_many(n, at)))
    for most in (1, 2, 3):
        yield f"one of three at 1, {most} looked at", str(is_one_number(_many(3, 1), most))
    zeros = np.zeros((4, 3), np.float32)
    zeros[0, 2] = 1
    data = zeros.tobytes()
    for strides in ((3, 1), (1, 4), (0, 1), (0, 0)):
        for offset in (0, 1):
            if offset + 3 * strides[0] + 2 * strides[1] < 12:
                one = strided((4, 3), zeros.dtype, strides, offset, len(data), lambda: data, Limits())
                yield (
                    f"strides {strides} from {offset}",
                    " ".join(str(is_one_number(one, n)) for n in (1, 2, 3, 12)),
                )
    for shape in ((6,), (2, 3), (3, 2, 1), ()):
        for n in (1, 5, 6, 7):
            one = _first_of(_array(np.zeros(shape)), n)
            yield f"the first {n} of {shape}", f"{one.shape} {one.strides} {one.stop}"
    turned = _first_of(strided((3, 4), zeros.dtype, (1, 3), 0, len(data), lambda: data, Limits()), 2)
    yield "the first 2 of a turned one", f"{turned.shape} {turned.strides}"
    yield "none", str(is_one_number(_array([])))
    yield "not a number", str(is_one_number(_array([float("nan")] * 2)))
    whole = np.dtype(np.float32)
    yield "computed", str(is_one_number(ComputedArray(shape=(2,), dtype=whole, read=lambda: np.zeros(2))))

    def gone() -> bytes:
        raise MalformedFileError("it is gone")

    yield "gone", str(is_one_number(StoredArray(shape=(2,), dtype=whole, strides=(1,), bytes=gone)))


def _by_name() -> Told:
    zeros, other = _array(np.zeros((2, 3))), _array(np.arange(6).reshape(2, 3))
    late = _many(6000, 5000)
    huge = StoredArray(shape=((1 << 24) + 1,), dtype=np.dtype("u1"), strides=(0,), bytes=lambda: bytes(1))
    moved = ComputedArray(shape=huge.shape, dtype=huge.dtype, read=lambda: np.zeros(1))
    weights = {"a": (2, 3), "b": (2, 3), "c": (3, 2), "d": (6000,), "e": ((1 << 24) + 1,)}
    for words, moments in (
        ("none", []),
        ("one", [("a", other)]),
        ("zeros", [("a", zeros)]),
        ("zeros and one", [("a", zeros), ("b", other)]),
        ("one twice", [("a", zeros), ("a", other), ("a", zeros)]),
        ("another shape", [("a", other), ("c", other)]),
        ("nobody", [("a", other), ("x", other)]),
        ("a late one", [("d", late)]),
        ("too many to look at", [("a", other), ("e", huge)]),
        ("moved, then too many to look at", [("a", other), ("e", moved), ("e", huge), ("b", zeros)]),
        ("too many, then zeros", [("a", other), ("e", huge), ("b", zeros)]),
    ):
        spent = effort(Limits())
        yield f"by name: {words}", f"{_shown(moved_by_name(weights, moments, spent))} ({spent.used} steps)"


def _by_shape() -> Told:
    held = [("a", (2, 3)), ("b", (2, 3)), ("c", (4,)), ("d", ()), ("running_mean", (4,)), ("x.weight", (5,))]
    for group in (
        (),
        (None,),
        ((4,),),
        ((2, 3),),
        ((2, 3), (2, 3)),
        ((2, 3), (2, 3), (2, 3)),
        ((4,), None, (5,)),
        ((7,),),
        ((),),
        ((4,), (4,)),
    ):
        yield f"by shape: {group}", _shown(moved_by_shape(held, group))


def _limits() -> Told:
    for n in (7, 8, 9):
        yield (
            f"{n} optimisers",
            _shown(
                moved_among(
                    [[("a", (2,)), ("b", (3,))]], [(((9,),),)] * (n - 1) + [(((2,), None),)], effort(Limits())
                )
            ),
        )
    for n in (2000, 2001):
        held = [(f"w{i}", (i + 1,)) for i in range(n)]
        some = tuple((i + 1,) for i in range(1000))
        found = moved_among([held], [(some,)], effort(Limits(opcodes=10**9)))
        yield f"1000 moments for {n} weights", f"{len(found.moved)} {len(found.resting)}"
        halves = [(tuple((i + 1,) for i in range(first, first + 248)),) for first in (0, 248)]
        found = moved_among([held], halves, effort(Limits(opcodes=10**9)))
        yield f"twice 248 moments for {n} weights", f"{len(found.moved)} {len(found.resting)}"


def optimisers() -> Told:
    """What is told of weights and moments, and of arrays that may be one number."""
    yield from map(an_optimiser, range(400))
    yield from _is_one()
    yield from _by_name()
    yield from _by_shape()
    yield from _limits()
