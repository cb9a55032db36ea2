"""What the arithmetic below the measures gives, on both sides of each of its switches, as lines of text.

``python -m tests.telling`` writes ``tests/told/measures/`` anew.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.building import as_layer, chain, conv
from tests.standing_in import standing_for

from filtviz.measures import laws
from filtviz.measures.bias import bias_state
from filtviz.measures.classical import classical_kernels, likeness_threshold, nearest_classical
from filtviz.measures.comparison import compare_layers, relative_change, squared_cosine
from filtviz.measures.components import rms_over_channels, shared_components, singular_components
from filtviz.measures.directions import effective_rank, first_component, significant_component
from filtviz.measures.duplicates import pair_threshold
from filtviz.measures.initialiser import _cumulative, fit_free_scale
from filtviz.measures.initialiser_catalogue import CATALOGUE, UNTOLD, Fans, default_of, fans_of, rules_of
from filtviz.measures.kernels import Kernels, largest_of_gram, nonfinite_filters
from filtviz.measures.low_frequency import looks_like_noise, low_band
from filtviz.measures.measure import Change
from filtviz.measures.orientation import filter_orientation
from filtviz.measures.pairs import compare_pairs
from filtviz.measures.sphericity import sign_sphericity
from filtviz.measures.spike import largest_eigenvalue
from filtviz.measures.stored import clipping, is_rounded, quantisation
from filtviz.measures.training import has_moved_bias, signs_of_training, touched_by
from filtviz.measures.trajectory import Trajectory, follow, in_order, number_in
from filtviz.measures.verdicts import why_changed_from
from filtviz.measures.work import work_of_layer
from filtviz.network import Layer, Network, Origin
from filtviz.parameter import Parameter

from . import layers_told

__all__ = ["NUMBERS"]


def few(values: Any, digits: int = 5) -> str:
    """Numbers in a few digits; what is but an error is 0."""
    flat = np.ravel(np.asarray(values, float))
    return " ".join("0" if abs(one) < 1e-11 else f"{one:.{digits}g}" for one in flat)


def noise(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal(shape)


def laws_told() -> Iterator[str]:
    """Yield what laws give."""
    for least in (-1, 0, 1, 3, 10):
        yield f"binomial {least} of 10: {few(laws.binomial_tail(least, 10, 0.2))}"
    for tries, dimension in ((0, 9), (1, 9), (2, 9), (190, 9), (190, 180), (5, 2), (5, 1), (5, 0)):
        told = [laws.random_cosine(tries, dimension, alpha) for alpha in (0.01, 0.05)]
        yield f"cosine of {tries} in {dimension}: {few(told)}"
    yield f"pairs: {few([pair_threshold(n, 9) for n in (1, 2, 3, 20)])}"
    yield f"Tracy-Widom: {few([laws.tracy_widom_tail(s) for s in (-50, -9.9, -1, 0.979, 2.023, 9)])}"
    ranked: tuple[tuple[list[float], list[float]], ...] = (
        ([1, 2, 3, 4], [1, 2, 3, 4]),
        ([1, 2, 3, 4], [4, 3, 2, 1]),
        ([1, 2, 2, 4, 0], [3, 1, 1, 5, 5]),
        ([5, 1, 3], [0, 1, 1]),
    )
    for a, b in ranked:
        yield f"ranks {a} {b}: {few(laws.rank_correlation(np.array(a), np.array(b)))}"
    for ps in (
        [0.05],
        [0.0501],
        [0.025, 0.05, 0.9],
        [0.0251, 0.9],
        [0.02, 0.03, 0.04],
        [0.04, 0.04, np.nan],
        [np.nan],
        [0.03, 0.001, 0.6, 0.02],
    ):
        yield f"significant of {ps}: {laws.is_significant(np.array(ps), 0.05).tolist()}"
    for n in (1, 2, 3, 20, 139, 140, 141, 500, 100_000, 100_001, 2**20):
        scaled = [0.3, 0.5, 0.86, 1.0, 1.2, 1.48, 1.49, 1.6, 1.99, 2.01, 4.0, 19.2, 19.3][
            :: 1 if n < 500 else 3
        ]
        ends = [
            0.5 / n,
            0.51 / n,
            1 - 1 / n,
            0.499,
            0.5,
            1.0,
            0.99 * (1.4 / n) ** (2 / 3),
            1.01 * (1.4 / n) ** (2 / 3),
        ]
        distances = [d for d in (*(each / np.sqrt(n) for each in scaled), *ends) if d <= 1]
        yield f"Kolmogorov of {n}: {few([laws.kolmogorov_tail(n, float(d)) for d in distances])}"
    for values in ([0.5], [0.1, 0.2, 0.3], [0.7, 0.8, 0.9], [0.0, 0.5, 1.0]):
        yield f"Kolmogorov's test of {values}: {few(laws.kolmogorov_p(np.array(values)))}"
    for family in ("uniform", "normal", "cut normal"):
        yield f"distribution of {family}: {few(_cumulative(np.linspace(-3.0, 3.0, 9), family, 0.8))}"
    tails = (
        [laws.gamma_tails(x, 3.0) for x in (0.1, 2.67, 2.68, 9)],
        laws.chi_squared_tail(4.0, 3),
        laws.normal_tails(-2),
    )
    yield f"gamma {few(tails[0])}, χ² {few(tails[1])}, normal {few(tails[2])}"
    yield f"normality: {few([laws.normality_p(noise(n) ** k) for n in (20, 21, 300) for k in (1, 2, 3)])}"


def weights_of_many_kinds() -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield weights, each unlike the others in its type or in what it holds."""
    plain = noise(5, 3, 3, 3).astype("f4")
    yield "plain", plain
    yield "double", noise(5, 3, 3, 3)
    yield "in half precision", plain.astype("f2").astype("f4")
    yield "in half precision, as such", plain.astype("f2")
    yield "of bfloat16", (plain.view("u4") & 0xFFFF0000).view("f4")
    for kind in ("bfloat16", "float8_e4m3fn", "float8_e5m2"):
        import ml_dtypes

        yield kind, plain.astype(getattr(ml_dtypes, kind))
    yield "whole numbers", np.arange(-7, 8).reshape(5, 3, 1, 1)
    yield (
        "the 101st needs more bits",
        np.concatenate([np.ones(100), [1 / 3]]).reshape(101, 1, 1, 1).astype("f4"),
    )
    yield "beyond singles", np.array([1e300, -1, 2]).reshape(3, 1, 1, 1)
    yield "beyond half precision", np.array([70_000.0, 65536, 131072]).reshape(3, 1, 1, 1).astype("f4")
    yield "zeros", np.zeros((2, 1, 3, 3), "f4")
    yield "positive", np.array([0.5, 0.0, 2, 2]).reshape(2, 2, 1, 1).astype("f4")
    yield "negative", -np.array([0.5, 0.25, 2, 2]).reshape(2, 2, 1, 1).astype("f4")
    yield "tall", noise(12, 1, 2, 2)
    for n in (19, 20):
        yield f"{n} weights", noise(n, 1, 1, 1)
    many = np.where(noise(40, 3, 3, 3) > 1, 0, noise(40, 3, 3, 3, seed=1))
    yield "some zeros", many
    yield "some zeros, rounded", np.round(many * 40) / 40
    yield "mostly zeros, rounded", np.where(noise(40, 3, 3, 3) < 1, 0, np.round(many * 40) / 40)
    yield "one filter of zeros", noise(3, 2, 2, 2) * np.array([1, 0, 2]).reshape(3, 1, 1, 1)
    yield "one channel of zeros", noise(3, 2, 2, 2) * np.array([1, 0]).reshape(1, 2, 1, 1)
    own = noise(4, 3, 3, 3)
    own = (own - own.mean(axis=(1, 2, 3), keepdims=True)) / own.std(axis=(1, 2, 3), keepdims=True)
    yield "standardised", own
    yield "means that cancel", own + np.array([0.1, -0.1, 0, 0]).reshape(4, 1, 1, 1)
    yield "one alone", own[:1]
    yield "standardised but for the last of 9", np.concatenate([own, own, own[:1] * 1.01])
    yield "standardised, of two weights", np.tile([1.0, -1.0], 3).reshape(3, 2, 1, 1)
    for off in (0.9e-4, 1.1e-4):
        yield f"mean {off}", own + off
        yield f"spread {off}", own * np.array([1 + off, 1, 1, 1]).reshape(4, 1, 1, 1)


def kernels_told() -> Iterator[str]:
    """Yield all that is counted of weights."""
    for name, weights in weights_of_many_kinds():
        kernels = Kernels.of(weights)
        facts = (
            kernels.mantissa,
            kernels.tiny,
            kernels.n_distinct,
            kernels.n_zeros,
            kernels.largest,
            kernels.smallest,
        )
        told = [
            few(facts),
            kernels.stored_as,
            "half" if kernels.is_half else "",
            str(kernels.ordered.dtype),
            "standard" * kernels.is_standardised,
        ]
        yield f"{name}: {' '.join(filter(None, told))}"
        limits = np.array([0.0, kernels.largest / 2, kernels.largest, 1e-300])
        yield f"    below {few(kernels.count_below(limits))} steps {few(kernels.steps(kernels.flat[:2]))}"
        clipped, count = clipping(kernels), quantisation(kernels)
        bare = quantisation(kernels, without_zeros=True)
        yield f"    rounded {is_rounded(kernels)} clipped {few(clipped or [])}"
        yield f"    distinct {few(count)} without zeros {few(bare)}"
        if kernels.largest < 1e100:
            largest = kernels.balanced_eigenvalue, kernels.largest_shared, effective_rank(kernels) or 0
            yield f"    eigenvalues {few(kernels.eigenvalues[:3])} of {kernels.gram.shape}, {few(largest)}"
            tests = largest_eigenvalue(kernels) or [], sign_sphericity(kernels) or []
            fits = [fit.p for fit in fit_free_scale(kernels)]
            yield f"    moments {few(kernels.raw_moments)}, tests {' / '.join(map(few, tests))} / {few(fits)}"
            yield f"    noise {looks_like_noise(weights.astype(float))}"
    for side in (200, 201):
        rows = noise(side, 230, seed=side)
        yield f"largest of {side} rows: {few([largest_of_gram(rows), largest_of_gram(rows.T)])}"
    yield f"of zeros {few([largest_of_gram(np.zeros((n, 300))) for n in (3, 201)])}"


def pairs_told() -> Iterator[str]:
    """Yield how alike filters are."""
    units = noise(600, 12)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    units[300] = -units[7]
    units[599] = units[300] + 1e-9
    units[255], units[256] = units[254], units[254]
    known = (units @ units.T).astype("f4")
    shear = np.array([[1.0, 0], [0.95, np.sqrt(1 - 0.95**2)], [0, 1.0], [0.0, 0.0]])
    for name, some in (
        ("600", units),
        ("257", units[:257]),
        ("256", units[:256]),
        ("2", units[:2]),
        ("2 alike", units[[7, 300]]),
        ("at the limit", shear),
        ("of zeros", np.zeros((3, 4))),
        ("of one and zeros", shear[[0, 3]]),
        ("three of one cosine", units[[254, 7, 255, 300]]),
    ):
        singles = known[: len(some), : len(some)] if name.isdigit() else (some @ some.T).astype("f4")
        for limit in (0.95, 0.6, 0.99999999):
            for own in (None, singles):
                told = compare_pairs(some, limit, own)
                alike = f"{told.alike.tolist()[:6]} {few(told.cosines[:6])} of {len(told.alike)}"
                yield f"{name} from {limit}: {told.closest} {few([told.cosine, told.total])} {alike}"


def shapes_told() -> Iterator[str]:
    """Yield what depends on shapes alone."""
    for rows, cols in ((1, 1), (1, 5), (5, 1), (2, 2), (3, 3), (4, 4), (5, 5), (7, 7), (3, 5)):
        low = low_band(rows, cols)
        kernels = classical_kernels(rows, cols)
        named = [likeness_threshold(n, rows, cols) for n in (0, 1, 20)]
        yield f"{rows}x{cols}: low {low.astype(int).tolist()} named from {few(named)}"
        if kernels:
            near = nearest_classical(noise(6, rows, cols))
            assert near is not None
            yield f"    {', '.join(f'{key} {few(one.ravel()[: rows + 2])}' for key, one in kernels.items())}"
            yield f"    nearest {[near.name(i) for i in range(6)]} {few(near.cosine)}"
    for shape in (
        (1, 1, 3, 3),
        (8, 4, 3, 3),
        (4, 8, 1, 1),
        (3, 2, 3, 5),
        (3, 2, 4, 4),
        (2, 1, 23, 23),
        (600, 1, 23, 23),
        (1, 1, 65, 65),
    ):
        layer = conv(np.ones(shape, "f4"), np.ones(shape[0], "f4"))
        network = chain(layer, as_layer(parameters=layer.parameters))
        works = [work_of_layer(network, network.conv_layers[0], n) for n in (0, 2)]
        yield f"work of {shape}: {works} {fans_of(layer)}"
    for framework in ("", "PyTorch", "Lasagne", "Keras", "ONNX", "Caffe"):
        own = default_of(framework).name_in(framework)
        yield f"{framework}: {own}, {len(rules_of(framework))} rules, untold {framework in UNTOLD}"
    fans = [Fans(((27, 72),)), Fans(((27, 72), (72, 27)))]
    for rule in CATALOGUE:
        draws = [rule.draws(each, 0.1) for each in fans]
        told = [f"{each.family} {few(each.std)}" for each in draws]
        yield f"{' '.join(name for _, name in rule.names)}: {told}"


@contextmanager
def _factorising() -> Iterator[list[Any]]:
    """Stand for scikit-learn's factorisation, which not everybody has, and note how it is asked for."""
    asked: list[Any] = []

    class NMF:
        def __init__(self, n: int, **how: Any) -> None:
            asked.append((n, *how.items()))
            self.n, self.random = n, np.random.default_rng(how["random_state"])

        def fit_transform(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
            warnings.warn("it has not converged", stacklevel=1)
            groups = self.random.random((len(matrix), self.n)) + 0.1
            self.components_ = self.random.random((self.n, matrix.shape[1])) + 0.1
            for _ in range(9):
                whole = groups @ self.components_ + 1e-9
                groups = groups * (matrix / whole @ self.components_.T) / self.components_.sum(axis=1)
            return groups

    with standing_for("sklearn.decomposition", NMF=NMF):
        yield asked


def filters_told() -> Iterator[str]:
    """Yield what is told of filters by themselves."""
    for name, weights in (
        ("noise", noise(3, 2, 3, 3)),
        (
            "edges",
            np.array(
                [
                    [[[1, 1], [-1, -1]]],
                    [[[1, -1], [1, -1]]],
                    [[[2, 1], [1, 0]]],
                    [[[0, 1], [1, 2]]],
                    [[[1, 1], [1, 1]]],
                ]
            )
            * 1.0,
        ),
        ("one row", noise(2, 1, 1, 4)),
    ):
        tensor = filter_orientation(weights)
        yield f"orientation of {name}: {few(tensor.coherence, 4)} at {few(np.round(tensor.angle, 1) % 180)}"
    for name, filters in (
        ("noise", noise(2, 3, 2, 2)),
        ("tall", noise(1, 6, 1, 2)),
        ("zeros", np.zeros((1, 2, 2, 2))),
        ("huge", noise(2, 2, 2, 2) * 1e200),
    ):
        yield f"rms of {name}: {few(rms_over_channels(filters))}"
        for n in (1, 2, 9):
            parts = singular_components(filters, n)
            shares = f"{few(parts.shares)} {few(parts.total)}"
            yield f"    {n} of {parts.pictures.shape}: {few(parts.pictures[0])} shares {shares}"
            with _factorising() as asked:
                parts = shared_components(filters, n, seed=n)
            told = f"{few(parts.pictures, 4)} shares {few(parts.shares, 4)} {few(parts.total, 4)}"
            yield f"    {n} groups by {asked}: {told}"
    for name, weights in (
        ("noise", noise(8, 3, 3, 3)),
        ("two", noise(2, 3, 3, 3)),
        ("alike", noise(1, 2, 3, 3) + 0.3 * noise(9, 2, 3, 3, seed=1)),
        ("zeros", np.zeros((2, 1, 2, 2))),
    ):
        kernels = Kernels.of(weights)
        flat = weights.reshape(len(weights), -1)
        told = [(one.share, one.p) for one in (significant_component(kernels, over) for over in (0.0, 0.5))]
        shares = [(few(share), p) for share, p in told]
        yield f"first component of {name}: {few(first_component(flat))}, {shares}"


def states_told() -> Iterator[str]:
    """Yield what is said of several states of one layer."""
    start = noise(4, 2, 3, 3)
    for name, end in (
        ("the same", start),
        ("moved", start + 0.1 * noise(4, 2, 3, 3, seed=1)),
        ("turned round", -start),
        ("zeros", start * 0),
        ("one filter of zeros", start * np.array([0, 1, 1, 1]).reshape(4, 1, 1, 1)),
        ("twice", 2 * start),
        ("huge", 1e200 * start),
    ):
        for first, last, how in ((start, end, "to"), (end, start, "from")):
            layers = [chain(conv(each, name="c")).conv_layers[0] for each in (first, last)]
            found = compare_layers(layers, ["a", "b"])
            yield f"{how} {name}: {found.sentence}"
            total = few([found.total_change, found.total_cosine])
            yield f"    {few(found.relative_change)} | {few(found.cosine)} | {total}"
            yield f"    {relative_change(first, last)!r:.8} {squared_cosine(first, last)!r:.8}"
    three = zip((start, 0 * start, start), "xyz", strict=True)
    middle = compare_layers([conv(each, label=name) for each, name in three], ["a", "b", "c"])
    yield f"three: {middle.sentence} {middle!r}"
    for cos2 in (0.0, 0.5, 1.0):
        yield f"changed by {cos2}: {why_changed_from(Change(before='b' * 210, cos2=cos2), 'alone')}"
    broken = start.copy()
    broken[1, 0, 0, 0], broken[3, 1, 0, 0] = np.nan, np.inf
    for bias in (None, np.zeros(4), np.array([0, 0, np.nan, 0]), np.zeros(3), np.zeros((4, 2, 2))):
        yield f"not finite: {[nonfinite_filters(conv(each, bias)).tolist() for each in (start, broken)]}"


NAMES = (
    ("net-1.pkl", "net-2.pkl", "net-10.pkl"),
    ("net-2.pkl", "net-1.pkl"),
    ("net.pkl", "net-1.pkl"),
    ("a1.pkl", "b2.pkl"),
    ("run1-epoch3.pt", "run1-epoch12.pt"),
    ("run1-epoch3.pt", "run2-epoch12.pt"),
    ("run2-epoch3.pt", "run1-epoch12.pt"),
    ("epoch=3-step=200.ckpt", "epoch=4-step=100.ckpt"),
    ("e1_loss0.9.pt", "e2_loss0.5.pt"),
    ("e1_acc90.pt", "e2_acc80.pt"),
    ("e1_width90.pt", "e2_width80.pt"),
    ("step300.pt", "step20.pt"),
    ("it5_x9.pt", "it6_x8.pt"),
    ("m5_step1.pt", "m5_step2.pt"),
    ("x1.5.pt", "x2.5.pt"),
    ("1.pt", "1.pt"),
    ("net-1.pkl", "net-2.pkl", "net-best.pkl"),
    ("net-1.pkl", "best.pkl"),
    ("net-3.pkl", "net-1.pkl", "ema.pkl", "net-2.pkl"),
    ("net-swallow1.pkl", "net-swallow2.pkl"),
)


def orders_told() -> Iterator[str]:
    """Yield in which order states are taken, and how their layers moved."""

    def state(name: str | None, place: int, epoch: int | None = None, **fields: Any) -> Network:
        weights = noise(2, 1, 3, 3) + 0.004 * max(0, 3 - place) * noise(2, 1, 3, 3, seed=1)
        layer = conv(fields.get("weights", weights), name=fields.get("layer", "c"))
        return Network.of([layer], Origin(path=None if name is None else Path(name), epoch=epoch))

    for names in NAMES:
        networks = [state(name, i) for i, name in enumerate(names)]
        found, moved = in_order(networks), follow(networks)
        yield f"{names}: {found}"
        if moved is not None:
            yield f"    {_moved(moved)}"
    broken, flat = noise(2, 1, 3, 3), np.zeros((2, 1, 3, 3))
    broken[0, 0, 0, 0] = np.nan
    for name, networks in (
        ("epochs", [state("b", 1, 5), state("a", 0, 2), state("c", 2, 11)]),
        ("epochs alike", [state("a1", 0, 2), state("a2", 1, 2)]),
        ("epochs of some", [state("a1", 0, 0), state("a2", 1)]),
        ("epoch 0", [state("x", 1, 3), state("y", 0, 0)]),
        ("no paths", [state(None, 0), state(None, 1)]),
        ("one path", [state("a1", 0), state(None, 1)]),
        ("one", [state("a1", 0)]),
        ("another layer", [state("a1", 0), state("a2", 1, layer="d")]),
        ("another shape", [state("a1", 0), state("a2", 1, weights=noise(2, 1, 3, 5))]),
        ("not finite", [state("a1", 0), state("a2", 1, weights=broken), state("a3", 2)]),
        ("zeros", [state("a1", 0, weights=flat), state("a2", 1), state("a3", 2)]),
        ("at rest", [state(f"a{i}", i) for i in range(6)]),
        ("hardly at rest", [state("a1", 3), state("a2", 0)]),
        ("no convolution", [Network.of([as_layer()], Origin(path=Path(f"a{i}"))) for i in range(2)]),
    ):
        moved = follow(networks)
        yield f"{name}: {None if moved is None else _moved(moved)}"
    for name in ("net-12.pkl", "a1b2c", "none", "12", "1234567890123.x", "a\n3b"):
        yield f"number in {name!r}: {number_in(Path(name))}"


def _moved(moved: Trajectory) -> str:
    steps = [
        f"{one.name} {['-' if step is None else few(step, 4) for step in one.steps]} until {one.rests_after}"
        for one in moved.layers
    ]
    return f"{moved.order} by {moved.ordered_by}, apart {moved.apart}: {steps}"


def training_told() -> Iterator[str]:
    """Yield what dense layers tell of training."""
    random, alter, put, dense = layers_told.random, layers_told.alter, layers_told.put, layers_told.dense
    layers: list[tuple[str, Layer]] = []
    for name, bias in (
        ("moved", np.linspace(0, 1, 40)),
        ("drawn", random(9).uniform(-1, 1, 40) / np.sqrt(50)),
        ("zero", np.zeros(40)),
        ("one", np.ones(1)),
        ("two", np.array([0, 1])),
    ):
        layers.append((f"biases {name}", dense(random(10).normal(0, 1, (50, len(bias))), bias)))
    heavy = random(10).standard_t(3, (50, 40))
    cut = np.clip(random(11).normal(0, 1, 4000), -2, 2)
    for name, weights in (
        ("normal", random(10).normal(0, 0.3, (50, 40))),
        ("of many", heavy),
        ("of 999", heavy.ravel()[:999].reshape(27, 37)),
        ("of 1000", heavy.ravel()[:1000].reshape(25, 40)),
        ("with a 0", alter(heavy, put((0, 0), 0))),
        ("cut", cut[np.abs(cut) < 2][:2000].reshape(50, 40)),
        ("in half precision", heavy.astype("f2")),
        ("not finite", alter(heavy, put((0, 0), np.inf))),
        ("of whole numbers", np.ones((50, 40), "i4")),
        ("of zeros", np.zeros((50, 40))),
    ):
        layers.append((name, dense(weights)))
    first = conv(np.ones((2, 1, 3, 3), "f4"), name="c")
    for name, layer in layers:
        for framework in ("", "PyTorch", "Keras"):
            network = layers_told.network(first, layer, origin=Origin(framework=framework))
            yield f"{name} of {framework}: {signs_of_training(network)} {has_moved_bias(network)}"
    even, rounding = np.linspace(-0.5, 0.5, 11), 1 + 2.0**-8
    for name, own in (
        ("no", None),
        ("even", even),
        ("uneven", np.abs(even)),
        ("one of 0", np.zeros(1)),
        ("one not of 0", np.ones(1)),
        ("equal", np.full(3, 0.5)),
        ("all but equal", np.array([0.5, 0.5, 0.4])),
        ("rounded up", even * rounding),
        ("hardly beyond", even * rounding * 1.0001),
        ("far beyond", even * 1.5),
        ("of NaN", even * np.nan),
    ):
        states = [bias_state(own), *(bias_state(own, some) for some in ((0.5,), (9.0,), (9.0, 0.5)))]
        yield f"{name} biases: {' '.join(states)} {'' if own is None else bias_state(own, (0.5,), 0.9)}"
    several = layers_told.network(*(layer for _, layer in layers[5:7] * 6), channels=1)
    yield f"many: {signs_of_training(several)}"
    bn = layers_told.norm(10, mean=np.arange(10.0))  # of 40 numbers
    for n in (2, 9_999_960, 9_999_961):
        long = Parameter.of("b", np.broadcast_to(np.float32(1), (n,)))
        network = layers_told.network(as_layer(parameters=(long,)), layers[0][1], channels=1)
        yield f"behind {n} numbers: {signs_of_training(network)} {has_moved_bias(network)}"
        touched = layers_told.network(as_layer(parameters=(long,)), bn, channels=1)
        yield f"    {touched_by(touched)!r}"
    for name, norm in (
        ("at its start", layers_told.norm(4)),
        ("statistics moved", layers_told.norm(4, mean=np.arange(4.0))),
        ("a gamma of 0", layers_told.norm(4, gamma=np.array([1, 0, 1, 1.0]))),
        ("gammas of 0", layers_told.norm(4, gamma=np.zeros(4))),
        ("both", layers_told.norm(4, gamma=np.array([1, 0, 1, 1.0]), spread=np.arange(4.0))),
        ("betas moved", layers_told.norm(4, beta=np.arange(4.0), mean=np.arange(4.0))),
        ("one", layers_told.norm(1, beta=np.ones(1), mean=np.ones(1))),
        ("no batch's", layers_told.norm(4, beta=np.arange(4.0), mean=np.arange(4.0), is_batch=False)),
    ):
        network = layers_told.network(first, norm)
        yield f"normalisation {name}: {signs_of_training(network)} {touched_by(network)!r}"


NUMBERS: dict[str, Callable[[], Iterator[str]]] = {
    "laws": laws_told,
    "kernels": kernels_told,
    "compared": pairs_told,
    "sizes": shapes_told,
    "filters": filters_told,
    "moved": states_told,
    "orders": orders_told,
    "training": training_told,
}
"""What is told of arithmetic."""
