"""All that is measured and said of small layers, each unlike another in one fact, as lines of text.

``python -m tests.telling`` writes ``tests/told/measures/`` anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.accounts import Counted
from tests.building import as_layer, conv, image, pool

from filtviz.budget import Account
from filtviz.measures.diagnosing import diagnose
from filtviz.measures.measure import Diagnosis, FilterDiagnosis, Finding, LayerDiagnosis
from filtviz.network import ConvLayer, Layer, Network, Origin
from filtviz.operations import Dense, Normalisation
from filtviz.parameter import Parameter

__all__ = ["NETWORKS", "lines"]

Weights = NDArray[np.float64]
SMOOTH = np.outer([1, 2, 1], [1, 2, 1]) / 16
ROUGH = np.outer([1, -2, 1], [1, -2, 1]) / 4


def random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def bound_of(shape: tuple[int, ...]) -> float:
    return float(np.sqrt(6 / ((shape[0] + shape[1]) * shape[2] * shape[3])))


def glorot(*shape: int, seed: int = 0) -> Weights:
    return random(seed).uniform(-1, 1, shape).astype("f4").astype("f8") * bound_of(shape)


def normal(*shape: int, seed: int = 0, std: float | None = None) -> Weights:
    """Draws of HeNormal, or of another scale."""
    std = float(np.sqrt(2 / (shape[1] * shape[2] * shape[3]))) if std is None else std
    return random(seed).normal(0, std, shape)


def orthogonal(*shape: int, seed: int = 0) -> Weights:
    flat = random(seed).standard_normal((shape[0], int(np.prod(shape[1:]))))
    left, _, right = np.linalg.svd(flat, full_matrices=False)
    return (left @ right).reshape(shape)


def middle(matrix: Weights, size: int = 3) -> Weights:
    """Kernels that hold a matrix in their middle, and 0 elsewhere."""
    weights = np.zeros((*matrix.shape, size, size))
    weights[:, :, size // 2, size // 2] = matrix
    return weights


def alter(weights: Weights, change: Callable[[Weights], Any]) -> Weights:
    """A copy to which something was done."""
    copy = weights.copy()
    change(copy)
    return copy


def put(place: Any, value: Any) -> Callable[[Weights], None]:
    return lambda weights: weights.__setitem__(place, value)


def shared(weights: Weights, strength: float, pattern: Weights = SMOOTH, seed: int = 1) -> Weights:
    """Weights beside which every kernel has some of one pattern."""
    scale = bound_of(weights.shape) * strength
    return weights + scale * pattern * random(seed).standard_normal((*weights.shape[:2], 1, 1))


def toward(first: Weights, second: Weights, cosine: float) -> Weights:
    """A filter of the norm of the first whose cosine with it is given."""
    a, b = first.ravel(), second.ravel()
    rest = b - (a @ b) / (a @ a) * a
    rest *= np.linalg.norm(a) / np.linalg.norm(rest)
    return (cosine * a + np.sqrt(1 - cosine**2) * rest).reshape(first.shape)


# What is told


def number(value: float | None, least: float = 2e-7) -> str:
    """Four digits, which every library computes alike; what is but an error is 0."""
    if value is None:
        return "-"
    assert isinstance(value, float | int), type(value)  # Python's own: what is told to scripts as it is
    return "0" if abs(value) < least else f"{value:.4g}"


def chance(p: float) -> str:
    return number(p) if p > 1e-6 else f"{p:.0e}"


@dataclass
class Telling:
    """Tells networks one after another, and long texts once, with a number that stands for them below."""

    seen: dict[str, str] = field(default_factory=dict)

    def once(self, text: str) -> str:
        if len(text) < 30:
            return text
        if text in self.seen:
            return self.seen[text]
        self.seen[text] = f"[{len(self.seen) + 1}]"
        return f"{self.seen[text]} {text}"

    def lines(self, diagnosis: Diagnosis) -> Iterator[str]:
        for name in ("answer", "summary", "look", "more", "more_command", "look_at", "look_size"):
            value = getattr(diagnosis, name)
            if value not in ("", None):
                yield f"  {name}: {self.once(str(value))}"
        for name in ("others", "commands", "notes", "left_out", "unjudged"):
            yield from (f"  {name}: {self.once(str(one))}" for one in getattr(diagnosis, name))
        met = {rule: names for rule, names in diagnosis.checks.items() if names}
        yield f"  met: {' '.join(f'{rule}={len(names)}' for rule, names in met.items()) or 'nothing'}"
        for layer in diagnosis:
            yield from self.layer(layer)

    def layer(self, layer: LayerDiagnosis) -> Iterator[str]:
        shape = "x".join(map(str, layer.shape))
        marks = [name for name in ("is_frozen", "marked_frozen") if getattr(layer, name)]
        least = [f"at least {number(layer.residue_at_least)}"] if layer.residue_at_least is not None else []
        called = f"{layer.conv_index} {layer.name} {layer.type} {shape} {layer.dtype}"
        told = [called, layer.verdict, number(layer.residue), *least, *marks]
        yield f"  {' '.join(told)} first {layer.first_filters}"
        yield f"    {self.once(layer.sentence)}"
        says = (layer.seen, layer.why, layer.decides, layer.initialiser, *layer.notes)
        yield f"    {' | '.join(self.once(one) for one in says)}"
        if layer.draws is not None:
            yield f"    draws {layer.draws.family} {number(layer.draws.std)} {' '.join(layer.rules)}"
        if layer.composed_size or layer.unread_channels:
            yield f"    composed to {layer.composed_size}, does not read {layer.unread_channels}"
        yield from (f"    {self.finding(one)}" for one in layer.findings)
        yield from filter(None, map(filter_line, layer.filters))
        for change in layer.changes:
            numbers = (change.cos2, change.relative_change, change.share, change.share_p, change.significant)
            yield f"    since {change.before}: {' '.join(map(number, numbers))} {change.reason}"
            steps = (f"{number(one.cos2)} {number(one.relative_change)}" for one in change.filters[:4])
            yield f"      {', '.join(steps)}"

    def finding(self, one: Finding) -> str:
        told = (
            ("z", one.z, number),
            ("p", one.p, chance),
            ("from", one.threshold, number),
            ("at", one.level, number),
        )
        numbers = [f"{name} {how(value)}" for name, value, how in told if value is not None]
        if one.interval:
            low, high = one.interval  # of two digits: a fit that ends a step later gives others in the fourth
            numbers.append(f"in {low:.2g} to {high:.2g}")
        marks = "".join(("!" if one.found else "", "j" if one.judges else ""))
        said = [self.once(text) for text in (one.text, one.reason) if text]
        return " ".join([f"{one.measure}{marks} {number(one.value)}", *numbers, *said])


def filter_line(one: FilterDiagnosis) -> str | None:
    """Tell of a filter what is not as usual; of all but a few only what is said in words."""
    usual = FilterDiagnosis(index=0, norm=None)
    parts = []
    for each in fields(one):
        value = getattr(one, each.name)
        if each.name == "index" or value == getattr(usual, each.name):
            continue
        if each.name == "angle" and (one.coherence is None or one.coherence < 1e-6):
            continue  # of nothing
        if isinstance(value, float):
            if one.index < 3:
                value = round(value, 1) % 180 if each.name == "angle" else value
                parts.append(f"{each.name} {number(value)}")
        else:
            parts.append(each.name if value is True else f"{each.name} {value}")
    return f"    #{one.index} {', '.join(parts)}" if parts else None


# What it is told of


@dataclass(frozen=True)
class Case:
    """A network, how to look at it, and what it is."""

    name: str
    network: Network
    options: dict[str, Any] = field(default_factory=dict)
    work: int | None = None


def alone(name: str, weights: Weights, bias: Weights | None = None, dtype: str = "f4", **others: Any) -> Case:
    origin = Origin(framework=others.pop("framework", ""))
    options = {key: others.pop(key) for key in ("input_range", "before") if key in others}
    layer = padded(weights.astype(dtype), None if bias is None else bias.astype("f4"), **others)
    return Case(name, network(layer, origin=origin), options)


def padded(weights: NDArray[Any], bias: NDArray[Any] | None = None, **others: Any) -> ConvLayer:
    same = tuple((n // 2, n // 2) for n in weights.shape[2:])
    return conv(weights, bias, **{"pad": same, "stride": (1, 1)} | others)


def network(*layers: Layer, origin: Origin | None = None, channels: int | None = None) -> Network:
    if channels is None:
        first = next(each for each in layers if isinstance(each, ConvLayer))
        channels = first.n_channels
    wired = [replace(layer, inputs=(i,)) for i, layer in enumerate(layers)]
    return Network.of([image(channels, 15, 15), *wired], origin)


def norm(n: int, **fields: Any) -> Layer:
    """A batch normalisation at its start, but for what is given."""
    usual = {"gamma": np.ones(n), "beta": np.zeros(n), "mean": np.zeros(n), "spread": np.ones(n)} | fields
    arrays = {name: None if value is None else Parameter.of(name, np.asarray(value, "f4"))
              for name, value in usual.items() if name != "is_batch"}  # fmt: skip
    own = {"is_batch": usual["is_batch"]} if "is_batch" in usual else {}
    parameters = tuple(filter(None, arrays.values()))
    return as_layer(Normalisation(**arrays, **own), type="BatchNorm", name="bn", parameters=parameters)


def dense(weights: NDArray[Any], bias: NDArray[Any] | None = None) -> Layer:
    own = Parameter.of("W", weights)
    shift = None if bias is None else Parameter.of("b", bias)
    parameters = (own,) if shift is None else (own, shift)
    return as_layer(Dense(weights=own, bias=shift), type="Dense", name="fc", parameters=parameters)


def shapes() -> Iterator[Case]:
    """The smallest layers, and what differs from others by its shape alone."""
    for shape in (
        (1, 1, 3, 3), (2, 1, 3, 3), (3, 1, 3, 3), (1, 8, 3, 3), (5, 1, 1, 1), (8, 7, 1, 1), (6, 2, 1, 5),
        (6, 2, 5, 1), (4, 3, 2, 2), (7, 4, 4, 3), (10, 4, 5, 5), (4, 2, 12, 12),
    ):  # fmt: skip
        yield alone(f"glorot {shape}", glorot(*shape), np.zeros(shape[0]))
        if shape[0] in (5, 7):
            yield alone(f"normal {shape}", normal(*shape))
    yield alone("49 weights", glorot(7, 7, 1, 1))
    yield alone("50 weights", glorot(10, 5, 1, 1))
    yield alone("depthwise", glorot(6, 1, 3, 3), np.zeros(6), axes="oirc")


def values() -> Iterator[Case]:
    """What is done to the values of one layer."""
    plain, bias = glorot(12, 6, 3, 3), np.zeros(12)
    n = plain.size
    yield alone("as drawn", plain, bias)
    yield alone("as drawn, double", plain, bias, "f8")
    yield alone("torch's", random(0).uniform(-1, 1, (12, 6, 3, 3)) / np.sqrt(54), framework="PyTorch")
    yield alone("he normal", normal(12, 6, 3, 3), bias)
    for framework, weights in (("Keras", plain), ("PyTorch", plain), ("Keras", normal(12, 6, 3, 3))):
        yield alone(f"as drawn by {framework}, {weights[0, 0, 0, 0]:.2f}", weights, bias, framework=framework)
    for dtype in ("f2",):
        yield alone(f"as drawn, {dtype}", plain, bias, dtype)
    upper = (plain.astype("f4").view(np.uint32) & 0xFFFF0000).view("f4").astype("f8")
    yield alone("bfloat16's", upper, bias)
    for zeros in (1, 2, 65, 200):
        places = np.unravel_index(random(5).permutation(n)[:zeros], plain.shape)
        yield alone(f"{zeros} zeros", alter(plain, put(places, 0)), bias)
    yield alone("a small bit smooth", shared(plain, 0.25), bias)
    yield alone("smooth", shared(plain, 0.7), bias)
    yield alone("rough", shared(plain, 0.7, ROUGH), bias)
    yield alone("smooth, of zeros", alter(shared(plain, 0.7), put(np.s_[::2, ::2], 0)), bias)
    yield alone("smooth 5x5", shared(glorot(8, 3, 5, 5), 1, np.outer([1, 2, 3, 2, 1], [1, 2, 3, 2, 1]) / 9))
    yield alone("one smooth filter", alter(plain, put(3, SMOOTH / 2 + plain[3] / 9)), bias)
    yield alone("collapsed", 0.2 * plain + SMOOTH * normal(1, 6, 1, 1, seed=3, std=0.3), bias)
    yield alone("collapsed rough", 0.2 * plain + ROUGH * normal(1, 6, 1, 1, seed=3, std=0.3), bias)
    signs = np.array([1, -1, 2, -1, 1, -2, 1, -1]).reshape(8, 1, 1, 1)
    turned = 0.05 * glorot(8, 1, 3, 3, seed=6) + SMOOTH * signs
    yield alone("collapsed, turned round", turned, np.zeros(8))
    yield alone("collapsed, one half", np.concatenate([turned[:4], glorot(4, 1, 3, 3, seed=7)]), np.zeros(8))
    yield alone("trained with Keras", shared(plain, 0.25), bias, framework="Keras")
    yield alone("half collapsed", alter(plain, put(np.s_[:6], plain[:1])), bias)
    yield alone("rank one", plain[:, :1] * np.linspace(0.5, 1.5, 6).reshape(1, 6, 1, 1), bias)
    for factor in (0.09, 0.12, 4.0):
        yield alone(f"filter 2 times {factor}", alter(plain, lambda w, f=factor: put(2, w[2] * f)(w)), bias)
    yield alone("channel 1 times 5", plain * np.array([1, 5, 1, 1, 1, 1]).reshape(1, 6, 1, 1), bias)
    yield alone("filter 2 of zeros", alter(plain, put(2, 0)), bias)
    yield alone("channel 1 of zeros", alter(plain, put(np.s_[:, 1], 0)), bias)
    yield alone("a tenth of the scale", plain / 10, bias)
    yield alone("another scale", plain * 1.3, bias)
    yield alone("another scale, without biases", normal(30, 20, 3, 3, std=0.07))
    yield alone("uniform of another scale, without biases", glorot(30, 20, 3, 3) * 1.3)
    yield alone("beyond the bound", alter(plain, put((0, 0, 0, 0), 1.1 * bound_of(plain.shape))), bias)
    yield alone("a tenth beyond the bound", alter(plain, put(np.s_[0, :, 0], 0.3)), bias)
    yield alone("a mean", plain + 0.05, bias)
    yield alone("clipped", np.clip(plain, -0.1, 0.1), bias)
    yield alone("two clipped", np.minimum(plain, np.sort(plain.ravel())[-2]), bias)
    yield alone("cauchy", random(2).standard_cauchy(plain.shape) * 0.05, bias)
    yield alone("ternary", np.sign(plain) * (np.abs(plain) > 0.1) * 0.1, bias)
    yield alone("of one magnitude", np.sign(plain) * 0.1, bias)
    yield alone("of 16 steps", np.round(plain * 64) / 64, bias)
    yield alone("of 8 bits", np.round(plain * 700) / 700, bias)
    own = plain - plain.mean(axis=(1, 2, 3), keepdims=True)
    yield alone("standardised", own / own.std(axis=(1, 2, 3), keepdims=True), bias)
    yield alone("nearly standardised", own / own.std(axis=(1, 2, 3), keepdims=True) + 2e-4, bias)


def pairs() -> Iterator[Case]:
    """Filters that are alike, on both sides of what counts."""
    plain = glorot(6, 4, 3, 3, seed=2)
    for cosine in (0.9499, 0.9501, 1.0, -1.0, -0.96, 0.6, 0.4):
        yield alone(f"1 and 4 at {cosine}", alter(plain, put(4, toward(plain[1], plain[4], cosine))))
    yield alone(
        "three alike", alter(plain, put(np.s_[3:], plain[:1] * np.array([1, -2, 3]).reshape(3, 1, 1, 1)))
    )
    exact = np.zeros((2, 4, 3, 3))
    exact[0, 0, 0, 0], exact[1, 0, 0, :2] = 1.0, (0.95, np.sqrt(1 - 0.95**2))
    yield alone("0 and 1 at exactly 0.95", exact, dtype="f8")
    yield alone("two of one weight", glorot(4, 1, 1, 1))
    small = glorot(2, 1, 3, 3, seed=1)
    yield alone("two of two weights", small[:, :, :1, :2])
    flat = np.concatenate(
        [small[:1, :, :1, :2], toward(small[0, :, :1, :2], small[1, :, :1, :2], 0.97)[None]]
    )
    yield alone("two of two weights at 0.97", flat)
    yield alone("two alike", alter(small, put(1, small[0])))
    two = alter(plain, put(1, toward(plain[0], plain[1], 0.97)))
    yield alone("two pairs of one cosine", alter(two, put(np.s_[4:6], two[:2][:, ::-1])))
    yield alone("all alike", np.repeat(plain[:1], 5, axis=0) * np.arange(1, 6).reshape(5, 1, 1, 1))


def matrices() -> Iterator[Case]:
    """What an initialiser makes as a whole, and what it does not."""
    square = orthogonal(6, 6, 1, 1)[:, :, 0, 0]
    yield alone("orthogonal", orthogonal(6, 4, 3, 3), np.zeros(6))
    yield alone("orthogonal, tall", orthogonal(20, 1, 3, 3))
    yield alone("orthogonal, relu", orthogonal(6, 4, 3, 3) * np.sqrt(2))
    yield alone("orthogonal, gain 3", orthogonal(6, 4, 3, 3) * 3)
    yield alone("orthogonal, moved biases", orthogonal(6, 4, 3, 3), np.linspace(0, 1, 6))
    yield alone("orthogonal in half precision", orthogonal(6, 4, 3, 3), dtype="f2")
    for off in (5e-4, 2e-3):
        yield alone(f"orthogonal but for {off}", orthogonal(6, 4, 3, 3) + off * normal(6, 4, 3, 3, std=0.3))
    yield alone("orthogonal 1x1", square[:, :, np.newaxis, np.newaxis])
    yield alone("dirac", middle(np.eye(6, 4)), np.zeros(6))
    yield alone("dirac, and a little", middle(np.eye(6, 4)) + 1e-4 * normal(6, 4, 3, 3))
    yield alone("dirac of 1 in 5x5", middle(np.eye(3), 5))
    yield alone("two channels summed up", middle(np.kron(np.eye(3), [[1, 1]])))
    yield alone("delta-orthogonal", middle(square))
    yield alone("delta, one filter", middle(normal(1, 9, 1, 1)[:, :, 0, 0]))
    yield alone("delta of a matrix", middle(normal(6, 6, 1, 1)[:, :, 0, 0]))
    yield alone("corners", np.roll(middle(square), 1, axis=3))


def refused() -> Iterator[Case]:
    """What holds no numbers to judge."""
    plain = glorot(4, 3, 3, 3)
    yield alone("a NaN", alter(plain, put((1, 0, 0, 0), np.nan)))
    yield alone("infinities", alter(plain, put((np.s_[1:4:2], 0, 0, 0), [np.inf, -np.inf])))
    for value in (np.inf, -np.inf):
        yield alone(f"one of {value}", alter(plain, put((2, 0, 0, 0), value)))
    yield alone("all NaN", plain * np.nan)
    yield alone("a bias of NaN", plain, np.array([0, 0, np.nan, 0]))
    yield alone("zeros", plain * 0)
    yield alone("ones", plain * 0 + 1)
    yield alone("one weight", np.full((1, 1, 1, 1), 0.5))
    for scale in (1e-75, 1e-66, 1e66, 1e75):
        yield alone(f"times {scale}", plain * scale, dtype="f8")
    yield alone("below zero, times 1e75", -np.abs(plain) * 1e75, dtype="f8")
    yield alone("some times 1e75, and zeros", alter(plain * 1e75, put(2, 0)), dtype="f8")


def biases() -> Iterator[Case]:
    """What biases tell."""
    plain, n = glorot(12, 6, 3, 3), 12
    drawn = random(7).uniform(-1, 1, n) / np.sqrt(54)
    small = glorot(4, 2, 3, 3)
    for name, bias in (
        ("no", None), ("equal", np.full(n, 0.1)), ("drawn", drawn), ("moved", np.linspace(0, 0.01, n)),
        ("beyond", drawn * 1.2 + 0.02), ("uneven", np.abs(drawn)), ("one of 12", np.eye(1, n, 3)[0] * 0.01),
    ):  # fmt: skip
        for framework in ("", "PyTorch"):
            yield alone(f"{name} biases, {framework or 'untold'}", plain, bias, framework=framework)
    yield alone("one filter's bias", glorot(1, 20, 3, 3), np.array([0.1]))
    yield alone("one filter's bias of zero", glorot(1, 20, 3, 3), np.zeros(1))
    torch = random(3).uniform(-1, 1, plain.shape) / np.sqrt(54)
    yield alone("torch's of both", torch, drawn)
    yield alone("few weights, drawn biases", small, random(8).uniform(-1, 1, 4) / np.sqrt(18))
    yield alone("few weights, moved biases", small, np.linspace(0, 1, 4))


def dead() -> Iterator[Case]:
    """Filters that are dead by proof, for some ranges of what comes in."""
    plain = np.abs(glorot(4, 2, 3, 3))
    total = plain.sum(axis=(1, 2, 3))
    for name, shift in (("at the bound", -total), ("over it", 0.99 * -total), ("under it", 1.01 * -total)):
        bias = np.array([shift[0], 0, shift[2], -9 * total[3]])
        for span in (None, (0, 1), (-1, 0.5)):
            yield alone(f"dead {name} in {span}", plain, bias, "f8", input_range=span)
    yield alone("no rectifier", plain, -2 * total, input_range=(0, 1), nonlinearity="linear")


def surroundings() -> Iterator[Case]:
    """What lies around a layer."""
    first, second = glorot(12, 3, 3, 3), glorot(5, 12, 3, 3, seed=4)
    ignoring = alter(second, lambda w: (put(np.s_[:, 2], 0)(w), put(np.s_[:, 5], w[:, 5] * 1e-4)(w)))
    energies = (first**2).sum(axis=(1, 2, 3)) ** 2
    relying = second / np.sqrt((second**2).sum(axis=(0, 2, 3), keepdims=True)) * energies.reshape(1, 12, 1, 1)
    for name, later in (
        ("what follows", second), ("it ignores two", ignoring), ("it relies", relying),
        ("it holds NaN", alter(second, put((0, 0, 0, 0), np.nan))), ("it is zero", second * 0),
    ):  # fmt: skip
        layers = [
            padded(each.astype("f4"), np.zeros(len(each), "f4"), name=f"c{i}")
            for i, each in enumerate((first, later))
        ]
        yield Case(name, network(*layers))
    own = padded(first.astype("f4"), None, name="c", nonlinearity="linear")
    scales = np.linspace(0.5, 2, 12)
    for name, behind in (
        ("a normalisation at its start", norm(12)),
        ("gammas moved", norm(12, gamma=scales)),
        ("betas moved", norm(12, beta=scales - 1)),
        ("statistics moved", norm(12, mean=scales, spread=scales)),
        ("a gamma of 0", norm(12, gamma=alter(scales, put(3, 0)))),
        ("a gamma of next to nothing", norm(12, gamma=alter(scales, put(3, 1e-4)))),
        ("gammas of 0", norm(12, gamma=np.zeros(12))),
        ("no betas", norm(12, beta=None)),
        ("no gammas", norm(12, gamma=None)),
        ("not a batch's", norm(12, gamma=scales, is_batch=False)),
        ("gammas of NaN", norm(12, gamma=scales * np.nan)),
        ("another number of gammas", norm(3, gamma=scales[:3])),
        ("a pooling between", pool(2)),
    ):  # fmt: skip
        yield Case(f"{name} behind", network(own, behind))
    yield Case("an exported normalisation", network(own, norm(12), origin=Origin(framework="ONNX")))
    untold = padded(first.astype("f4"), None, name="c", nonlinearity=None)
    yield Case("an untold function before", network(untold, norm(12, gamma=scales)))


def facts() -> Iterator[Case]:
    """What the file tells beside the weights."""

    def pair(**origin: Any) -> Network:
        layers = (first, pool(2, name="p"), second)
        return network(*layers, origin=Origin(**origin))

    first = padded(glorot(8, 3, 3, 3).astype("f4"), np.zeros(8, "f4"), name="a")
    second = padded(glorot(6, 8, 3, 3, seed=1).astype("f4"), np.zeros(6, "f4"), name="b")
    moved = padded(glorot(6, 8, 3, 3, seed=1).astype("f4"), np.linspace(0, 1, 6), name="b")
    yield Case("nothing is told", pair())
    yield Case("a path", pair(path=Path("some model.pkl")))
    yield Case("a path of odd letters", pair(path=Path("x.pk-l")))
    yield Case("an epoch", pair(epoch=7))
    yield Case("the state of an optimiser", pair(training=("it holds the state of Adam",)))
    yield Case("both rest", pair(resting=frozenset("ab"), training=("it holds the state of Adam",)))
    yield Case("one moved", pair(moved=frozenset("b"), resting=frozenset("a")))
    for marks in ((False, True), (False, False), (True, None)):
        layers = [replace(each, trainable=mark) for each, mark in zip((first, second), marks, strict=True)]
        yield Case(f"trainable {marks}", network(*layers))
        layers = [replace(each, trainable=mark) for each, mark in zip((first, moved), marks, strict=True)]
        yield Case(f"trainable {marks}, one moved", network(*layers))
    yield Case("one moved by its biases", network(first, moved))
    small = padded(glorot(4, 3, 2, 2).astype("f4"), name="s")
    yield Case(
        "a small one before one moved",
        network(small, padded(glorot(6, 4, 3, 3).astype("f4"), np.linspace(0, 1, 6), name="b")),
    )
    deep = padded(shared(glorot(12, 8, 3, 3, seed=2), 1.2).astype("f4"), name="deep")
    faint = padded(shared(glorot(12, 8, 3, 3, seed=2), 0.5).astype("f4"), name="deep")
    linear = padded(glorot(8, 3, 3, 3).astype("f4"), name="a", nonlinearity="linear")
    unknown = replace(as_layer(type="Odd", name="odd"), operations=Layer().operations)
    yield Case("structure in the second", network(first, pool(2, name="p"), deep))
    yield Case("faint structure in the second", network(first, pool(2, name="p"), faint))
    path = Origin(path=Path("m.npz"))
    yield Case("structure, a rectifier below", network(replace(first), deep, origin=path))
    yield Case("structure, linear below", network(linear, deep))
    in_steps = padded(glorot(8, 3, 3, 3).astype("f4"), name="a", nonlinearity="linear", stride=(2, 3))
    yield Case("structure, in steps below", network(in_steps, deep))
    yield Case("structure, untold below", network(first, unknown, deep))
    wide = padded(glorot(2, 3, 17, 3).astype("f4"), name="a", nonlinearity="linear")
    for rows in (16, 17):
        above = padded(glorot(2, 2, rows, 3, seed=1).astype("f4"), name="b")
        yield Case(f"{16 + rows} rows seen through", network(wide, above))
    curves = padded(glorot(4, 3, 3, 3).astype("f4"), name="k")
    line = conv(normal(4, 3, 5, 1)[..., 0].astype("f4"), axes="oir", stride=(1,), pad=((2, 2),), name="line")
    yield Case("filters over one axis", network(line, origin=Origin(path=Path("m.npz")), channels=3))
    yield Case(
        "filters over one axis beside others",
        Network.of([image(3), replace(curves, inputs=(0,)), replace(line, inputs=(0,))]),
    )
    yield Case("no convolution", Network.of([image(3), dense(np.ones((3, 3)))]))


def states() -> Iterator[Case]:
    """What earlier files tell."""
    start, bias = glorot(12, 6, 3, 3), np.zeros(12)
    before = network(padded(start.astype("f4"), bias))
    other = network(padded(glorot(12, 6, 3, 3, seed=8).astype("f4"), bias))
    wider = network(padded(glorot(12, 6, 5, 5).astype("f4"), bias))
    broken = network(padded(alter(start, put((0, 0, 0, 0), np.nan)).astype("f4"), bias))
    turned = network(padded(start[..., ::-1, ::-1].astype("f4"), bias, flip_filters=True))
    noise = normal(12, 6, 3, 3, seed=9, std=0.01)
    for name, weights, earlier in (
        ("nothing changed", start, before), ("noise added", start + noise, before),
        ("smooth added", shared(start, 0.3), before),
        ("rough added", shared(start, 0.3, ROUGH), before), ("only another scale", start * 2, before),
        ("one filter changed", alter(start, put(2, 1.5 * start[3])), before),
        ("another network", start, other),
        ("another shape", start, wider), ("not finite before", start, broken),
        ("a filter of zeros now", alter(start, put(1, 0)), before),
        ("a structured one, moved", shared(start, 0.9), before),
    ):  # fmt: skip
        yield alone(name, weights, bias, before=[("before.npz", earlier)])
    yield alone("turned", start + noise, bias, before=[("before.npz", turned)], flip_filters=False)
    replaced = 0.6 * start + normal(12, 6, 3, 3, seed=9, std=0.09)
    yield alone("mostly replaced", replaced, np.linspace(0, 0.1, 12), before=[("before.npz", before)])
    yield alone("two before", shared(start, 0.3), bias, before=[("a.npz", other), ("b.npz", before)])
    yield alone(
        "two before, turned round", shared(start, 0.3), bias, before=[("b.npz", before), ("a.npz", wider)]
    )
    zero = network(padded(alter(start, put(4, 0)).astype("f4"), bias))
    yield alone("a filter of zeros before", start, bias, before=[("before.npz", zero)])


_LINE = (("b", 8), ("c", 6))


def afforded() -> Iterator[Case]:
    """What is measured, and what is left out, where not all can be paid for."""
    first = padded(glorot(8, 3, 3, 3).astype("f4"), np.zeros(8, "f4"), name="a", nonlinearity="linear")
    deep = padded(shared(glorot(12, 8, 3, 3, seed=2), 1.2).astype("f4"), name="deep")
    small = padded(glorot(4, 12, 2, 2).astype("f4"), name="small")
    several = network(first, pool(2, name="p"), deep, small)
    plain = 0.2 * glorot(12, 6, 3, 3) + SMOOTH * normal(1, 6, 1, 1, seed=3, std=0.3)
    alike = network(padded(np.repeat(plain[:1], 12, axis=0).astype("f4"), name="alike"))
    collapsed = network(padded(plain.astype("f4"), name="collapsed"))
    before = {"before": [("before.npz", several)]}
    line = [padded(glorot(6, c, 3, 3, seed=c).astype("f4"), name=n, nonlinearity="linear") for n, c in _LINE]
    for name, one, options, shares, ends in (
        ("several", several, {}, (0.0, 0.4, 0.75), (2_000, 1, 0)),
        ("several, the last first", several, {"first": (2,)}, (0.4, 0.75), ()),
        ("several since before", several, before, (0.75,), (0,)),
        ("in a line", network(first, *line), {}, (0.4,), ()),
        ("alike", alike, {}, (0.1,), (1, 0)),
        ("collapsed", collapsed, {}, (0.75,), ()),
    ):
        counted = Counted()
        diagnose(one, **options, account=counted)
        total = sys.maxsize - counted.left["work"]
        for share in shares:
            yield Case(f"{name} on {share} of the work", one, options, int(total * share))
        for less in ends:
            yield Case(f"{name} on all but {less}", one, options, total - less)


NETWORKS: dict[str, Callable[[], Iterator[Case]]] = {
    each.__name__: each
    for each in (
        shapes,
        values,
        pairs,
        matrices,
        refused,
        biases,
        dead,
        surroundings,
        facts,
        states,
        afforded,
    )
}
"""The kinds of networks that are told."""


def lines(kind: str) -> Iterator[str]:
    """Yield all that is said of a kind of networks."""
    telling = Telling()
    for case in NETWORKS[kind]():
        yield f"== {case.name}"
        account = Counted() if case.work is None else Account({"work": case.work, "pixels": 1})
        diagnosis = diagnose(case.network, **case.options, account=account)
        spent = account if case.work is None else f"{account.left['work']:,} of {case.work:,} left"
        for line in (*telling.lines(diagnosis), f"  {spent}"):
            yield re.sub(r"\d\.\d{6,}(e-\d+)?", lambda found: f"{float(found[0]):.4g}", line).rstrip()
