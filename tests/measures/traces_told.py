"""What tells of training beside the convolutions, which rule is voted for, what is a matrix: lines of text.

``python -m tests.telling`` writes ``tests/told/measures/traces.txt`` anew.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from tests.building import conv

from filtviz.measures import stored, subject
from filtviz.measures.initialiser_catalogue import DEFAULT, TORCH_DEFAULT, Fit
from filtviz.measures.kernels import Kernels
from filtviz.measures.matrices import fit_matrix
from filtviz.measures.subject import Provenance
from filtviz.measures.training import has_moved_bias, optimised_by, signs_of_training, touched_by
from filtviz.network import Layer, Origin

from . import layers_told
from .numbers_told import few, noise

__all__ = ["traces_told"]


def traces_told() -> Iterator[str]:
    """Yield all of it."""
    yield from _signs()
    yield from _votes()
    yield from _matrices()
    yield from _values()


@cache
def _kinds() -> dict[str, Layer]:
    heavy = np.random.default_rng(10).standard_t(3, (50, 40))
    plain = np.random.default_rng(11).normal(0, 0.3, (50, 40))
    ramp = np.linspace(0, 1, 40)
    still, seen = layers_told.norm(40), layers_told.norm(40, mean=ramp)
    return {
        "plain": layers_told.dense(plain, np.zeros(40)),
        "moved": layers_told.dense(plain, ramp),
        "strange": layers_told.dense(heavy),
        "strange and moved": layers_told.dense(heavy, ramp),
        "one bias": layers_told.dense(plain[:, :1], np.ones(1)),
        "still": layers_told.norm(40),
        "shifted": layers_told.norm(40, beta=ramp),
        "seen": layers_told.norm(40, mean=ramp),
        "spread": layers_told.norm(40, spread=ramp + 1),
        "cut": layers_told.norm(40, gamma=np.where(ramp < 0.1, 0, 1)),
        "seen and cut": layers_told.norm(40, mean=ramp, gamma=np.where(ramp < 0.1, 0, 1)),
        "still, then seen": replace(still, operations=(*still.operations, *seen.operations)),
        "one shift": layers_told.norm(1, beta=np.ones(1)),
        "one shift of many": layers_told.norm(40, beta=np.ones(1), gamma=ramp + 1),
        "only factors": layers_told.norm(40, beta=None, gamma=ramp + 1),
        "only statistics": layers_told.norm(40, beta=None, gamma=None, mean=ramp),
        "no batch's": layers_told.norm(40, beta=ramp, mean=ramp, is_batch=False),
    }


def _signs() -> Iterator[str]:
    first = conv(noise(2, 1, 3, 3), name="c")
    given: list[tuple[str, ...]] = [(kind,) for kind in _kinds()]
    names = list(_kinds())
    for seed in range(30):
        draw = random.Random(seed)
        given.append(tuple(draw.choices(names, k=draw.choice((2, 3, 6)))))
    given += [("strange", *["plain"] * n) for n in (7, 8)] + [("moved",) * 5, ("seen",) * 5, ("cut",) * 6]
    origins: tuple[dict[str, Any], ...] = (
        {}, {"epoch": 3}, {"epoch": 0}, {"training": ("it holds the state of Adam",)},
        {"framework": "PyTorch"}, {"framework": "ONNX"},
        {"moved": frozenset("c"), "resting": frozenset("cd")}, {"resting": frozenset("c")},
    )  # fmt: skip
    for place, kinds in enumerate(given):
        for facts in origins if len(kinds) == 1 and place < 4 else (origins[place % 5],):
            layers = [replace(_kinds()[kind], name=f"l{i}") for i, kind in enumerate(kinds)]
            network = layers_told.network(first, *layers, origin=Origin(**facts))
            told = signs_of_training(network), has_moved_bias(network), touched_by(network)
            optimised = optimised_by(network, network.conv_layers[0])
            yield f"{', '.join(kinds)} of {sorted(facts)}: {told} {optimised}"


def _votes() -> Iterator[str]:
    own, torch = (DEFAULT,), (TORCH_DEFAULT,)
    for name, origins in (
        ("none", []),
        ("none that fits", [[(own, 0.0099)], []]),
        ("the better of one each", [[(own, 0.2)], [(torch, 0.3)]]),
        ("the better together", [[(own, 0.5), (torch, 0.3)], [(torch, 0.3), (own, 0.02)]]),
        ("more of them", [[(own, 0.9)], [(torch, 0.01)], [(torch, 0.01)]]),
        ("of both", [[((DEFAULT, TORCH_DEFAULT), 0.4)], [(torch, 0.01)]]),
        ("alike", [[((TORCH_DEFAULT, DEFAULT), 0.4)]]),
    ):
        made = [
            Provenance(fits=tuple(Fit(("f",), "uniform", 0.1, p, rules) for rules, p in fits))
            for fits in origins
        ]
        told = [subject._most_fitting(made, among) for among in (None, own, torch, ())]
        yield f"votes, {name}: {[one and one.name for one in told]}"


def _matrices() -> Iterator[str]:
    for rows, cols in ((1, 1), (2, 2), (3, 3), (4, 4), (2, 3), (1, 4), (3, 2)):
        for row in sorted({(rows - 1) // 2, rows // 2}):
            for col in sorted({(cols - 1) // 2, cols // 2}):
                for name, matrix in (
                    ("one", np.eye(4, 3)), ("half", 0.5 * np.eye(4, 4)),
                    ("turned", layers_told.orthogonal(4, 4, 1, 1)[:, :, 0, 0]),
                    ("two", np.eye(4, 3) + np.eye(4, 3, 1)), ("any", noise(4, 3)),
                    ("a filter", noise(1, 3)), ("zeros", np.zeros((4, 3))),
                ):  # fmt: skip
                    weights = np.zeros((*matrix.shape, rows, cols))
                    weights[:, :, row, col] = matrix
                    found = fit_matrix(Kernels.of(weights))
                    yield f"{name} at {row}, {col} of {rows}x{cols}: {found and (found.name, few(found.std))}"
    turned = layers_told.orthogonal(6, 4, 3, 3)
    for gain in (1.0, 1.0009, 1.0011, np.sqrt(2), 1.415, 0.5, 1e-3):
        for dtype in ("f8", "f2"):
            found = fit_matrix(Kernels.of((gain * turned).astype(dtype)))
            yield f"orthogonal by {gain:.4g} in {dtype}: {found and found.name}"


def _values() -> Iterator[str]:
    """Values of many kinds: how many are distinct, how they pile up, what is the smallest."""
    plain = noise(6, 5, 3, 3)
    for name, weights in (
        ("plain", plain), ("single", plain.astype("f4")), ("half", plain.astype("f2")),
        ("steps", np.round(plain * 4) / 4), ("steps of a half", np.round(plain * 4).astype("f2") / 4),
        ("zeros", plain * 0), ("one number", plain * 0 + 0.3), ("pruned", plain * (np.abs(plain) > 1)),
        ("rounded and pruned", np.round(plain)), ("above", np.abs(plain)), ("below", -np.abs(plain)),
        ("clipped", np.clip(plain, -1, 1)), ("tiny halves", (plain * 1e-6).astype("f2")),
        ("copies", np.repeat(plain[:1], 6, axis=0)),
        ("copies of channels", np.repeat(plain[:, :1], 5, axis=1)),
        ("copies of one weight", np.repeat(plain[:3, :, :1, :1], 2, axis=0)),
        ("one weight a filter", plain[:, :1, :1, :1]), ("one", plain[:1, :1, :1, :1]),
        ("two of one", np.full((2, 1, 1, 1), 0.5)), ("huge", plain * 1e300),
        ("nearly half", plain.astype("f2").astype("f4") * np.float32(1 + 2**-20)),
        ("beyond half precision", (plain * 1e5).astype("f4")), ("beyond single", plain * 1e39),
    ):  # fmt: skip
        kernels = Kernels.of(weights)
        count, bare = (stored.quantisation(Kernels.of(weights), without_zeros=how) for how in (False, True))
        piled = stored.clipping(kernels)
        once = stored._without_copies(kernels)
        told = [
            kernels.n_distinct,
            kernels.n_zeros,
            few(kernels.smallest),
            few(kernels.largest),
            kernels.stored_as,
        ]
        few_ = [stored._are_few(kernels.size, count), stored.is_rounded(kernels), once.size]
        below = kernels.count_below(np.array([0, 1e-46, 0.5, 1.0, 1e39, 1e300, np.inf]))
        yield f"{name}: {told} {few([*count, *bare])} {few_} {piled and few(piled)} below {few(below)}"
    for distinct, expected in ((92, 99.0), (93, 99.0), (94, 99.0), (73, 90.0), (74, 90.0), (1, 0.5)):
        are_few = stored._are_few(100, stored.Quantisation(distinct, expected))
        yield f"{distinct} of 100, {expected} expected: {are_few}"
