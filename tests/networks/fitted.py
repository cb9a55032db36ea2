"""Whether what operations are given fits them, and how: each question at its borders, and by chance.

``python -m tests.telling`` writes ``tests/told/networks/fitted.txt`` anew.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from filtviz.activations import Activation
from filtviz.operations import (
    Convolution,
    Input,
    LocallyConnected,
    MatrixProduct,
    Merge,
    Pad,
    Pooling,
    Resize,
    Standardisation,
)
from filtviz.parameter import Parameter
from filtviz.running import fitting
from tests.interpreters.tables import digits_of

__all__ = ["fitted"]

MOST = fitting.MOST_UNITS


def _tried(ask: Callable[[], Any]) -> str:
    """What is answered, or in which words it is refused."""
    try:
        return _shown(ask())
    except fitting.MisfitError as error:
        return str(error)


def _shown(found: Any) -> str:
    if isinstance(found, Iterator | list):
        return f"[{', '.join(map(_shown, found))}]"
    if isinstance(found, tuple):
        return f"({', '.join(map(_shown, found))})"
    if isinstance(found, slice):
        return f"{found.start}:{found.stop}:{found.step}"
    if isinstance(found, np.ndarray):
        numbers = digits_of(found) if found.size > 9 else np.round(found, 6).tolist()
        return f"{'x'.join(map(str, found.shape))} {numbers}"
    return str(found)


def _zeros(*shape: int) -> Parameter:
    return Parameter.of("W", np.zeros(shape, "f4"))


def _checks() -> Iterator[tuple[str, str]]:
    for shape in ((MOST,), (MOST + 1,), (2, MOST // 2), (2, MOST // 2 + 1), (0, MOST, 9), ()):
        yield f"fits {shape}", _tried(lambda shape=shape: fitting.check_fits(shape))
    for channels in (None, 0, 3, 4):
        one = Input(shape=(None, channels, 4, 4))
        yield f"{channels} channels for 3", _tried(lambda one=one: fitting.check_input(one, (1, 3, 4, 4)))
    for rank in (1, 2, 3, 4):
        yield f"{rank} axes for 2", _tried(lambda rank=rank: fitting.check_lengths((1,) * rank, 2))
        for first in (1, 2):
            for pads in (1, 2, 3):
                pad = ((0, 1),) * pads
                ask = lambda rank=rank, pad=pad, first=first: fitting.check_pads((1,) * rank, pad, first)  # noqa: E731
                yield f"{pads} of {rank} padded from {first}", _tried(ask)
    half = MOST // 2
    for pad in (
        ((half, 0),),
        ((half - 1, 1),),
        ((half, 1),),
        ((0, half),),
        ((1, half),),
        ((-1, 3),),
        ((3, -1),),
        ((0, 0),),
    ):
        yield f"padded {pad}", _tried(lambda pad=pad: fitting.check_pads((1, 1, half), pad))
    for wanted, given in ((3, 3), (3, 4), (1, 0)):
        yield f"{given} for {wanted}", _tried(lambda a=wanted, b=given: fitting.check_units(a, b))
    for axes, shape in (
        ("oircyx", (2, 3, 1, 1, 4, 5)),
        ("orcyx", (2, 1, 1, 4, 5)),
        ("oirc", (2, 3, 1, 1)),
        ("oicx", (2, 3, 1, 5)),
    ):
        one = LocallyConnected(weights=_zeros(*shape), axes=axes)
        for places in ((4, 5), (5, 4), (4,)):
            yield (
                f"{axes} at {places}",
                _tried(lambda one=one, places=places: fitting.check_places(one, places)),
            )
    for kind in ("max", "mean", "sum", "untold"):
        for name in ("", "median\x1b" * 4):
            yield (
                f"{kind} called {name!r}",
                _tried(lambda kind=kind, name=name: fitting.why_not_pooled(kind, name)),
            )


def _groups() -> Iterator[tuple[str, str]]:
    for channels in (0, 2, 3, 4, 6):
        for templates in ((4, 2), (6, 2), (3, 2), (4, 0), (2, 4), (4, 3), (6, 1), (0, 2)):
            yield (
                f"{channels} channels by {templates}",
                _tried(lambda n=channels, t=templates: fitting.groups_of((1, n), t)),
            )
            for groups in (None, 1, 2, 0, -1):
                one = Convolution(weights=_zeros(4, 2, 1, 1), groups=groups, transposed=True)
                ask = lambda one=one, n=channels, t=templates: fitting.groups_of_transposed(one, n, t)  # noqa: E731
                if channels == 4 and templates[1] in (2, 4):
                    yield f"{channels} channels back by {templates} in {groups}", _tried(ask)
    values = np.arange(1.0, 7)
    for shape, held, along in (
        ((2, 6, 4, 4), values, (1,)),
        ((2, 1, 4, 4), values, (1,)),
        ((2, 5, 4, 4), values, (1,)),
        ((2, 6), values, (1,)),
        ((2, 2, 3, 4), values.reshape(2, 3), (1, 2)),
        ((2, 3, 2, 4), values.reshape(2, 3), (1, 2)),
        ((2, 6, 1), values[:1], (1,)),
        ((2, 0, 4, 4), values, (1,)),
        ((2, 6, 4, 4), values[:0], (1,)),
        ((2, 0, 4, 4), values[:0], (1,)),
        ((None, None, 4, 4), values, (1,)),
        ((None, 5, None, 4), values, (1,)),
    ):
        yield (
            f"{held.shape} along {along} of {shape}",
            _tried(lambda h=held, s=shape, a=along: fitting.spread_over(h, s, a)),
        )
    units = SimpleNamespace(shape=(2, 6, 3, 3), reshape=lambda *shape: shape)
    for groups in (None, 0, 1, 2, 4, 6, 7, -1):
        one = Standardisation(groups=groups or 0)
        yield f"standardised in {groups}", _tried(lambda one=one: fitting.own_parts(one, units)[0])
    for axes in ((1,), (-1,), (3, 1), (1, -3), (4,), (-4,), (-5,), (0,)):
        one = Standardisation(axes=axes)
        yield f"standardised over {axes}", _tried(lambda one=one: fitting.own_parts(one, units)[1])


def _lengths() -> Iterator[tuple[str, str]]:
    for coordinates in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"):
        for had in (1, 3):
            for how in (
                {"size": (1,)},
                {"size": (3,)},
                {"size": (5,)},
                {"scale": (2.0,)},
                {"scale": (0.4,)},
                {"scale": (0.2,)},
            ):
                one = Resize(coordinates=coordinates, **how)
                yield (
                    f"{had} by {how} {coordinates}",
                    _tried(lambda one=one, n=had: fitting.interpolated(one, (1, 1, n))),
                )
    for shape, length in (((2, MOST // 8), 4), ((MOST // 8, 2), 5)):
        one = Resize(size=(length,))
        yield (
            f"{(*shape, 4)} by {length}",
            _tried(lambda one=one, s=shape: fitting.interpolated(one, (*s, 4))),
        )
    for mode in ("reflect", "edge", "constant"):
        for length, margin in ((3, (2, 1)), (3, (3, 0)), (3, (0, 3)), (1, (0, 0)), (1, (1, 0)), (0, (0, 0))):
            one = Pad(pad=(margin, (0, 0)), mode=mode)
            yield (
                f"{mode} {length} by {margin}",
                _tried(lambda one=one, n=length: fitting.mirrored(one, (1, 1, n, 2))),
            )
    for n in range(40):
        chance = random.Random(f"painted {n}")
        facts: dict[str, Any] = {
            "stride": (chance.choice((1, 2, 3)),),
            "pad": ((chance.choice((0, 1, 3)), chance.choice((0, 1, 3))),),
            "dilation": (chance.choice((1, 2)),),
            "output_size": chance.choice((None, None, (1,), (9,))),
        }
        taps, length = chance.choice((1, 2, 3)), chance.choice((1, 2, 4))
        one = Convolution(weights=_zeros(1, 1, taps), axes="iok"[:2] + "c", transposed=True, **facts)
        yield (
            f"{length} painted by {taps} {facts}",
            _tried(lambda one=one, n=length: fitting.transposed_lengths(one, (n,))),
        )


def _pooled() -> Iterator[tuple[str, str]]:
    for n in range(120):
        chance = random.Random(f"pooled {n}")
        facts: dict[str, Any] = {
            "size": (chance.choice((1, 2, 3)),),
            "stride": (chance.choice((1, 2, 3)),),
            "whole_windows": chance.random() < 0.5,
            "pad": ((chance.choice((0, 0, 1, 2)), chance.choice((0, 0, 1, 2))),),
            "counts_pad": chance.random() < 0.5,
            "dilation": chance.choice(((), (), (2,))),
        }
        one, length = Pooling(kind="mean", **facts), chance.choice((1, 2, 3, 5, 6))
        yield f"{length} pooled by {list(facts.values())}", _tried(lambda one=one, n=length: _all_of(one, n))
    plain = {"size": (2, 2), "stride": (1, 1), "pad": ((0, 0), (0, 0))}
    for pad, size, rank in ((None, (2, 2), 4), (((0, 0),) * 2, (2, 2), 3), (((0, 0),) * 2, (2, 2), 4)):
        one = Pooling(kind="max", **(plain | {"pad": pad, "size": size}))  # type: ignore[arg-type]
        yield (
            f"window of {pad} at {rank}",
            _tried(lambda one=one, rank=rank: fitting.window_of(one, (1, 1, 4, 4)[:rank]).size),
        )
    for taps in (1, 2):
        one = Pooling(kind="mean", size=(fitting.MOST_COUNTED // 2 + taps - 1,), stride=(1,), pad=((0, 0),))
        window = fitting.window_of(one, (1, 1, 4))
        yield (
            f"counted {taps}",
            _tried(
                lambda one=one, w=window: [found.shape for found in fitting.counts_of(one, w, (4,), (2,))]
            ),
        )


def _all_of(one: Pooling, length: int) -> tuple[Any, ...]:
    window = fitting.window_of(one, (1, 1, length))
    over = fitting.overhang(window, (length,))
    places = fitting.places_of_pooling((1, 1, length), window, over)
    counts = [found.tolist() for found in fitting.counts_of(one, window, (length,), places)]
    looks = fitting.looks_of(window, places, slice(0, 2))
    return over, places, str(counts), fitting.counted_in_mean(one, window, over), looks


def _several() -> Iterator[tuple[str, str]]:
    for n in range(40):
        chance = random.Random(f"several {n}")
        shapes = [
            tuple(chance.choice((1, 1, 2, 3)) for _ in range(chance.choice((3, 3, 3, 2))))
            for _ in range(chance.choice((1, 2, 3)))
        ]
        yield f"merged {shapes}", _tried(lambda shapes=shapes: fitting.shape_of_merged(shapes))
        below = [SimpleNamespace(shape=shape) for shape in shapes]
        how = [
            chance.choice((None, "None", "lower", "upper", "center", "center", "odd"))
            for _ in range(chance.choice((1, 2, 3, 4)))
        ]
        yield f"cut {how} {shapes}", _tried(lambda how=how, below=below: fitting.cropped_alike(how, below))
    for left, right in (
        ((2, 3), (3, 4)),
        ((2, 3), (4, 3)),
        ((5, 2, 3), (1, 3, 4)),
        ((5, 2, 3), (4, 3, 4)),
        ((2, 3), (5, 3, 4)),
        ((400, 1000, 1), (400, 1, 1000)),
        ((3,), (3, 2)),
        ((20000, 1), (1, 20000)),
    ):
        for turned in ((False, False), (True, False), (False, True), (True, True)):
            one = MatrixProduct(turned=turned)
            yield f"{left} by {right} {turned}", _tried(partial(_matrices, one, left, right))
    for coefficients in ((), (2.0,), (2.0, 0.5), (1.0, 1.0, 1.0)):
        one = Merge(kind="add", coefficients=coefficients)
        for n in (1, 2):
            yield f"{coefficients} of {n}", _tried(lambda one=one, n=n: fitting.coefficients_of(one, n))
    for slopes, shape in ((None, (2, 3)), (_zeros(3), (2, 3)), (_zeros(3), (2, 4)), (_zeros(1), (2, 4))):
        rectify = Activation(kind="parametric_rectify", slopes=slopes)
        yield (
            f"slopes {slopes and slopes.shape} of {shape}",
            _tried(lambda a=rectify, s=shape: fitting.check_slopes(a, s)),
        )
    yield "one matrix", _tried(lambda: fitting.two_matrices(MatrixProduct(), [np.zeros((2, 2))]))


def _matrices(one: MatrixProduct, left: tuple[int, ...], right: tuple[int, ...]) -> tuple[Any, ...]:
    return tuple(each.shape for each in fitting.two_matrices(one, [np.empty(left), np.empty(right)]))


def fitted() -> Iterator[tuple[str, str]]:
    yield from _checks()
    yield from _groups()
    yield from _lengths()
    yield from _pooled()
    yield from _several()
