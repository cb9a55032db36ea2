"""What initialisers draw, and how much of it is found to be left in weights, as lines of text.

Each row is unlike its neighbours in one fact. ``python -m tests.telling`` writes ``tests/told/measures/``
anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from tests.building import chain, conv
from tests.chains import glorot

from filtviz.measures import residue, subject
from filtviz.measures.initialiser_catalogue import (
    CATALOGUE,
    DEFAULT,
    TORCH_DEFAULT,
    Draws,
    Fans,
    Fit,
    default_of,
    possible_draws,
    rules_of,
)
from filtviz.measures.kernels import Kernels
from filtviz.measures.mixture import SCALES, bin_magnitudes, fit_changes, fit_smooth
from filtviz.measures.residue import Magnitudes, likeliest_rule
from filtviz.measures.subject import Identified, Provenance, Subject
from filtviz.network import Network, Origin

from .numbers_told import few, noise

__all__ = ["ESTIMATES"]


def draws_of(family: str, *shape: int, seed: int = 0) -> NDArray[np.float64]:
    """Draws of a family, of variance 1."""
    random = np.random.default_rng(seed)
    if family == "uniform":
        return random.uniform(-1, 1, shape) * np.sqrt(3)
    drawn = random.standard_normal((9 * math.prod(shape),))
    if family == "cut normal":
        drawn = drawn[np.abs(drawn) < 2] / 0.87962566
    return np.asarray(drawn[: math.prod(shape)].reshape(shape))


@cache
def trained(family: str) -> tuple[tuple[str, Kernels], ...]:
    """Draws of a family after changes of several kinds."""
    first, other = draws_of(family, 12, 9, 3, 3), noise(12, 9, 3, 3, seed=1)
    signs = np.sign(noise(12, 9, 3, 3, seed=2))
    few_moved = np.where(np.abs(other) > 2, 3.0, 0.05) * other
    cases = {
        "as drawn": first,
        "moved a little": first + 0.1 * other,
        "moved": first + 0.4 * other,
        "replaced": 0.3 * first + 1.5 * other,
        "shrunk": 0.93 * first + 0.05 * other,
        "grown": 1.2 * first,
        "shrunk by half": 0.5 * first,
        "in steps": first + 0.2 * signs * (1 + 0.1 * other),
        "few moved": first + few_moved,
        "one far out": first + 30.0 * (np.arange(972).reshape(first.shape) == 5),
        "few": first[:3, :2],
        "half of zeros": first * (np.arange(12) % 2).reshape(12, 1, 1, 1),
    }
    return tuple((name, Kernels.of(weights)) for name, weights in cases.items())


_MIXED = ("as drawn", "moved", "replaced", "in steps", "few moved", "one far out", "few")


def mixtures_told() -> Iterator[str]:
    """Yield how likely draws and changes are, of layers alone and of all at once."""
    for family in ("uniform", "cut normal"):
        named = [each for each in trained(family) if each[0] in _MIXED]
        bins = [bin_magnitudes(one) for _, one in named]
        units = [1 / one.rms for _, one in named]
        for (name, one), counted, unit in zip(named, bins, units, strict=True):
            ends = few([counted.edges[1], counted.edges[-1], counted.below[9], counted.below[-1]])
            smooth = few(fit_smooth([counted], [unit]))
            yield f"{name} {family}, {few(one.rms)}: {len(counted.edges)} edges {ends} smooth {smooth}"
        for rival in ("uniform", "cut normal"):
            for scaled, stepped in ((True, family == rival), (False, False)):
                fits = fit_changes(rival, bins, units, scaled=scaled, stepped=stepped)
                every = slice(None, None, 8)
                for place, (name, _) in enumerate(named):
                    told = f"{few(fits.likelihoods[place, every])} | {few(fits.variances[place, every], 4)}"
                    yield f"    {name} as {rival}, {scaled} {stepped}: {told}"
            alone = fit_changes(rival, bins[:1], units[:1], scaled=False, stepped=True)
            yield f"    alone as {rival}: {few(alone.likelihoods)} | {few(alone.variances, 4)}"


def estimates_told() -> Iterator[str]:
    """Yield how much noise is found to be left, and at which of its gates an estimate is kept back."""
    questions = []
    for family in ("uniform", "cut normal", "normal"):
        for name, kernels in trained(family):
            layer = Magnitudes.of(kernels)
            for std in (1.0, 1.3, 1.5):
                questions.append((f"{name} {family}, of {std}", (layer, Draws(family, std))))
    random = np.random.default_rng(1)
    order = random.permutation(len(questions)).tolist()
    mixed = residue.estimate_residues([questions[i][1] for i in order])
    for place, told in sorted(zip(order, mixed, strict=True), key=lambda each: each[0]):
        yield f"{questions[place][0]}: {_residue(told)}"
    x = np.log(SCALES)
    for centre in (0.0, 0.07, 0.08, 0.2):
        for sharp in (20.0, 300.0, 9000.0):
            likelihoods = -sharp * (x - centre) ** 2
            for share, n in ((0.97, 9000), (0.8, 300), (0.6, 9000), (0.41, 90_000), (0.39, 90_000)):
                variances = np.full(len(SCALES), 1 / share - 1) * SCALES
                told = residue._weigh(n, np.sqrt(share), likelihoods, variances, likelihoods.max() - 99)
                yield f"{share} of {n} about {centre} by {sharp}: {_residue(told)}"
    flat = np.zeros(len(SCALES))
    for evidence in (7.499, 7.5, 7.501):
        yield f"evidence {evidence}: {_residue(residue._weigh(900, 1.0, flat, flat, -evidence))}"
    for n in (50, 500, 50_000):
        told = [few(residue._observed(np.full(17, 0.3), unit, n)[::4]) for unit in (0.7, 0.95, 1.1)]
        yield f"variance of {n}: {told}"
    yield f"expected: {[few(residue._expected(np.full(17, share))[::4]) for share in (0.0, 0.9, 1.0)]}"


def _residue(one: residue.Residue) -> str:
    told = [one.share, one.low, one.high, one.evidence, one.least]
    return " ".join("-" if each is None else f"{each:.4g}" for each in told) + f" {one.reason}"


def freedom_told() -> Iterator[str]:
    """Yield over how many directions filters spread, and how much of a layer may be noise."""
    plain = noise(6, 4, 3, 3)
    for name, weights in (
        ("wide", plain),
        ("tall", noise(60, 1, 3, 3)),
        ("of 128", noise(128, 1, 1, 5)),
        ("of 129", noise(129, 1, 1, 5)),
        (
            "of 300",
            np.concatenate([noise(1, 2, 3, 3)] * 150 + [noise(150, 2, 3, 3)])[np.arange(300) * 7 % 300],
        ),
        ("alike", np.repeat(plain[:1], 6, axis=0)),
        ("two alike", np.concatenate([plain[:5], plain[:1]])),
        ("one", plain[:1]),
        ("one weight", plain[:, :1, :1, :1]),
    ):
        layer = Magnitudes.of(Kernels.of(weights))
        why = [residue._why_not_tried(layer, Draws(family, std)) for family, std in (
            ("uniform", layer.rms), ("normal", layer.rms), ("cut normal", layer.rms / 0.699),
            ("uniform", layer.rms / 0.701),
        )]  # fmt: skip
        yield f"{name}: freedom {few(layer.freedom)} of {layer.size} {layer.fans}: {why}"
    smooth = np.ones((1, 1, 3, 3)) * noise(6, 4, 1, 1)
    for name, weights in (
        ("noise", plain),
        ("smooth", smooth + 0.1 * plain),
        ("one weight", plain[:, :, :1, :1]),
    ):
        own = replace(_subject(), kernels=Kernels.of(weights))
        yield f"noise in {name}: at most {few(residue._most_noise(own))}"


@cache
def _subject() -> Subject:
    network = chain(conv(glorot((6, 4, 3, 3)), np.zeros(6)))
    return next(subject.gather_subjects(network, network.conv_layers, None))


def rules_told() -> Iterator[str]:
    """Yield what initialisers are called and draw, and which of them is taken to be a network's."""
    ways = Fans(((27, 72), (27, 9), (216, 9)))
    for rule in CATALOGUE:
        called = [rule.name_in(each) for each in ("", "PyTorch", "Keras", "Lasagne", "Flax", "pytorch")]
        stds = [rule.std(ways, way) for way in range(3)]
        near = [rule.draws(ways, rms).std for rms in (stds[0] * 1.1, 0.01, 9.0)]
        told = f"{few(stds)} bound {few(rule.bound(ways))} near {few(near)}"
        yield f"{rule.name}: {list(dict.fromkeys(called))} {told}"
    for framework in ("", "PyTorch", "Keras", "TensorFlow", "TensorFlow Lite", "Darknet", "Caffe", "Flax"):
        names = [rule.name for rule in rules_of(framework)]
        yield f"{framework}: {default_of(framework).name}, {len(names)} from {names[0]} to {names[-1]}"
    for fans in (Fans(((9, 9),)), Fans(((9, 9), (9, 90))), (4, 1, 3, 3)):
        drawn = possible_draws(fans)
        told = [f"{one.family} {few(one.std)}/{few(one.bound)} of {len(one.rules)}" for one in drawn]
        yield f"possible at {fans}: {told}"
    names = tuple("abcd")
    for n in range(1, 5):
        fit = Fit(names[:n], "uniform", 0.1, 0.5)
        own = replace(_subject(), rule=Identified(DEFAULT, known=True))
        yield f"{n} names: {fit.name} called {own.called(fit)}"
    yield from _identified()


def _identified() -> Iterator[str]:
    cut = next(rule for rule in CATALOGUE if rule.family == "cut normal")
    normal = next(rule for rule in CATALOGUE if rule.family == "normal")
    kinds = {"own": DEFAULT, "torch": TORCH_DEFAULT, "cut": cut, "normal": normal}

    @cache
    def layer(kind: str, filters: int) -> tuple[Magnitudes, Provenance]:
        rule, shape = kinds[kind.split()[0]], (filters, 6, 3, 3)
        fans = Fans.of(shape)
        weights = draws_of(rule.family, *shape, seed=filters)
        if kind.endswith("moved"):
            weights = weights + 0.15 * noise(*shape, seed=9)
        kernels = Kernels.of((rule.std(fans) * weights).astype("f4"))
        return Magnitudes.of(kernels, fans), subject.trace_provenance(kernels, (), fans)

    for given in (
        "", "own 12", "torch 12", "normal 12", "own moved 12", "torch moved 12", "cut moved 12",
        "own 4, torch 12", "own 12, torch 4", "own moved 12, torch moved 16", "own moved 16, torch moved 12",
        "torch moved 16, torch moved 12, own moved 8, own moved 4",
        "own moved 4, own moved 8, torch moved 12, torch moved 16",
        "normal 16, torch 12, torch 4", "torch moved 4, own 4, own 4, normal 4", "own moved 4",
    ):  # fmt: skip
        layers = [layer(*_kind_and_size(each)) for each in given.split(", ") if each]
        magnitudes, origins = [one for one, _ in layers], [one for _, one in layers]
        for framework in ("", "PyTorch")[: 1 + (len(layers) < 2)]:
            found = subject.identify_rule(magnitudes, origins, framework)
            told = f"{found.spoken} {'known' * found.known} {'traced' * found.traced}"
            yield f"{given!r}, {framework or 'untold'}: {told}"
    magnitudes = [
        layer(kind, n)[0] for kind, n in (("own moved", 12), ("torch moved", 16), ("own moved", 16))
    ]
    for places in ((0,), (0, 1), (1, 0), (0, 1, 2)):
        for rules in (((DEFAULT, cut),), ((DEFAULT,), (cut,)), ((TORCH_DEFAULT,), (DEFAULT,))):
            likeliest = likeliest_rule([magnitudes[place] for place in places], *rules)
            name = likeliest and likeliest.name
            yield f"likeliest of {places} among {[len(each) for each in rules]}: {name}"
    for kind in ("own", "own moved", "torch", "normal"):
        yield f"{kind}: {_provenance(layer(kind, 12)[1])}"
    kernels = Kernels.of(DEFAULT.std((12, 6, 3, 3)) * draws_of("normal", 12, 6, 3, 3) ** 3 / np.sqrt(15))
    for name, rules in (
        ("all", rules_of("")),
        ("PyTorch's", rules_of("PyTorch")),
        ("one", (DEFAULT,)),
        ("no", ()),
    ):
        yield f"{name} rules: {_provenance(subject.trace_provenance(kernels, rules))}"
    yield f"fans as given: {Magnitudes.of(kernels, Fans(((9, 9), (54, 9)))).fans}"


def _kind_and_size(given: str) -> tuple[str, int]:
    kind, _, n = given.rpartition(" ")
    return kind, int(n)


def _provenance(one: Provenance) -> str:
    fits = [f"{fit.family} {fit.p:.3g} {few(fit.std)}" for fit in one.fits[:3]]
    return f"{len(one.fits)} fit {fits}, p {few(one.p)}, free {one.free}"


def bias_states_told() -> Iterator[str]:
    """Yield what the biases of several layers tell together."""
    shapes = ((12, 6, 3, 3), (8, 9, 3, 3), (4, 2, 1, 1))
    bounds = [1 / np.sqrt(math.prod(shape[1:])) for shape in shapes]
    kinds: dict[str, Callable[[int], NDArray[np.float64] | None]] = {
        "none": lambda _: None,
        "zero": lambda i: np.zeros((shapes[i][0], 2, 2)),
        "drawn": lambda i: np.random.default_rng(i).uniform(-1, 1, shapes[i][0]) * bounds[i],
        "hardly drawn": lambda i: np.linspace(0.4, 0.99, shapes[i][0]) * bounds[i],
        "moved": lambda i: np.linspace(0, 1 + i, shapes[i][0]),
    }
    own = Identified(DEFAULT, known=True)
    rules = {
        "default": Identified(DEFAULT, known=False),
        "known": own,
        "torch": Identified(TORCH_DEFAULT, known=True),
        "perhaps torch": Identified(TORCH_DEFAULT, known=False),
        "ONNX": replace(own, framework="ONNX"),
        "PyTorch": replace(own, framework="PyTorch"),
        "Keras": Identified(TORCH_DEFAULT, known=True, framework="Keras"),
    }
    for biases in (
        ("drawn", "drawn", "drawn"), ("drawn", "moved", "zero"), ("moved", "hardly drawn", "none"),
        ("hardly drawn", "drawn", "zero"),
    ):  # fmt: skip
        layers = [
            conv(noise(*shape), kinds[kind](i))
            for i, (shape, kind) in enumerate(zip(shapes, biases, strict=True))
        ]
        for ps in (
            (0.5, 0.5, 0.5),
            (0.5, 0.0009, 0.5),
            (0.01, 0.001, 0.001),
            (0.0099, 0.02, 0.001),
            (0.0, 0.0, 0.5),
        ):
            fits = [Fit(("fit",), "uniform", 0.1, p, (DEFAULT,)) for p in ps]
            origins = [Provenance(fits=(fit,) if fit.p else ()) for fit in fits]
            told = [
                f"{name} {' '.join(subject._bias_states(layers, origins, rule))}"
                for name, rule in rules.items()
            ]
            yield f"{biases} of {ps}: {', '.join(told)}"
    torch = Fit(("matrix",), "matrix", 0.1, 1.0)
    for family, n in (
        ("uniform", 99),
        ("uniform", 100),
        ("cut normal", 399),
        ("cut normal", 400),
        ("normal", 4999),
        ("normal", 5000),
    ):
        fit = Fit((family,), family, 0.1, 0.5, (DEFAULT,))
        told = [f"{name} {subject.would_show(fit, rule, n)}" for name, rule in rules.items()]
        kept = len(subject._telling(Provenance(fits=(fit, torch)), n).fits)
        shows = subject.would_show(torch, own, n)
        yield f"{n} {family} draws would show: {', '.join(told)}; a matrix {shows}, {kept} tell"
    moved = [noise(*shape, seed=5) ** 3 for shape in shapes[:2]]
    for weights in ((glorot(shapes[0]), moved[1]), (moved[0], glorot(shapes[1]))):
        layers = [conv(each, kinds["drawn"](i)) for i, each in enumerate((*weights, noise(*shapes[2])))]
        network = Network.of([*layers[:2], conv(layers[2].W, np.arange(4.0))])
        states = [one.bias for one in subject.gather_subjects(network, network.conv_layers, None)]
        yield f"of one that is as drawn, one that moved: {states}"
    for weights, others in ((glorot(shapes[0]), 0.0), (glorot(shapes[0]) * 2, 0.3)):
        layers = [
            conv(weights, np.linspace(0, others, 12), name="c"),
            conv(glorot(shapes[1], seed=1), np.zeros(8), name="d", trainable=True),
        ]
        network = Network.of([*layers, replace(layers[0], trainable=False)], Origin(moved=frozenset("c")))
        for one in subject.gather_subjects(network, network.conv_layers, (0, 1)):
            marks = [
                one.bias,
                one.moved,
                one.biases_moved,
                one.marked_frozen,
                one.optimised,
                one.initialisers,
            ]
            yield f"gathered: {marks} {_residue(one.residue)} {_provenance(one.origin)} {few(one.draws.std)}"


ESTIMATES: dict[str, Callable[[], Iterator[str]]] = {
    "mixtures": mixtures_told,
    "estimates": estimates_told,
    "freedom": freedom_told,
    "rules": rules_told,
    "bias_states": bias_states_told,
}
"""What is told of estimates."""
