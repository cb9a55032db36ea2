"""The residue of initial noise: its density against integration, its gradient, what it recovers, its gate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from filtviz.measures.catalogue import CATALOGUE, DEFAULT
from filtviz.measures.kernels import Kernels
from filtviz.measures.mixture import (
    MixtureFit,
    Search,
    _Batch,
    _cost,
    _distribution,
    bin_magnitudes,
    fit_mixtures,
)
from filtviz.measures.residue import Magnitudes, estimate_residues, likeliest_uniform_rule, noise_residue

SHAPE = (40, 40, 3, 3)


def trained(share: float, seed: int = 0, rule=DEFAULT, shape=SHAPE) -> Kernels:
    """Uniform draws plus normal changes: ``share`` of the variance is the draws'."""
    random = np.random.default_rng(seed)
    bound = rule.bound(shape)
    change = rule.std(shape) * np.sqrt((1 - share) / share)
    return Kernels.of(random.uniform(-bound, bound, shape) + random.normal(0, change, shape))


def test_the_distribution_is_the_integral_of_its_density() -> None:
    a, s = 0.7, 0.3
    points = np.array([-1.2, -0.4, 0.0, 0.5, 2.0])

    def density(x: float) -> float:
        return (stats.norm.cdf((x + a) / s) - stats.norm.cdf((x - a) / s)) / (2 * a)

    expected = [integrate.quad(density, -8, x)[0] for x in points]
    np.testing.assert_allclose(_distribution(points, np.array(a), np.array(s))[0], expected, atol=1e-9)
    np.testing.assert_allclose(_distribution(points, None, np.array(s))[0], stats.norm.cdf(points / s))


@pytest.mark.parametrize(("bound", "n"), [(1.5, 4), (0.0, 3)])
def test_slope_and_bend_are_those_of_the_cost(bound, n) -> None:
    data = _Batch.of([Search(bin_magnitudes(trained(0.8)), (0, 0, 0), bound, free=bound > 0)])
    at = np.array([[-1.0, -0.5, 0.3, 0.4]])
    _, slopes, bends = _cost(data, at)
    for place in range(n):
        step = 1e-5 * np.eye(4)[place]
        up, down = _cost(data, at + step), _cost(data, at - step)
        assert slopes[0, place] == pytest.approx((up[0][0] - down[0][0]) / 2e-5, rel=1e-4, abs=0.01)
        np.testing.assert_allclose(bends[0, place, :n], (up[1] - down[1])[0, :n] / 2e-5, rtol=1e-4, atol=0.01)


def scipys_cost(search: Search) -> float:
    """What scipy's quasi-Newton search ends with, from the same start."""
    data = _Batch.of([search])
    log_bound = np.log(search.bound) if search.bound else 0.0
    start = np.array([*search.start, log_bound])
    n = 4 if search.free else 3

    def cost(x: np.ndarray) -> tuple[float, np.ndarray]:
        costs, slopes, _ = _cost(data, np.append(x, start[n:])[np.newaxis])
        return float(costs[0]), slopes[0, :n]

    limits = [(np.log(1e-3), np.log(20))] * 2 + [(-6, 6), (np.log(0.05), np.log(5))]
    found = optimize.minimize(cost, start[:n], jac=True, bounds=limits[:n], method="L-BFGS-B")
    return float(found.fun)


@pytest.mark.parametrize("share", [0.97, 0.8, 0.5])
@pytest.mark.parametrize("shape", [(20, 1, 3, 3), SHAPE])
def test_the_search_ends_no_worse_than_scipys(share, shape) -> None:
    kernels = trained(share, shape=shape, seed=1)
    counted, bound = bin_magnitudes(kernels), DEFAULT.bound(shape) / kernels.rms
    searches = [
        Search(counted, (np.log(0.2), np.log(0.8), 0.0), bound),
        Search(counted, (np.log(0.7), np.log(1.1), 0.0), 0.0),
        Search(counted, (np.log(0.2), np.log(0.8), 0.0), 1.6, free=True),
    ]
    for fit, search in zip(fit_mixtures(searches), searches, strict=True):
        assert fit.cost <= scipys_cost(search) + 1e-3


def test_a_search_ends_the_same_alone_and_in_a_batch() -> None:
    layers = [trained(0.8), trained(0.6, seed=1), trained(0.9, seed=2, shape=(20, 1, 3, 3))]
    questions = [(Magnitudes.of(kernels), DEFAULT) for kernels in layers]
    together = [each.share for each in estimate_residues(questions)]
    alone = [noise_residue(kernels, DEFAULT).share for kernels in layers]
    assert together == [pytest.approx(share, abs=1e-6) for share in alone]


def test_the_magnitudes_are_all_counted() -> None:
    heavy = np.random.default_rng(0).standard_t(2, (40, 10, 3, 3))
    kernels = Kernels.of(heavy)
    edges, counts = bin_magnitudes(kernels)
    assert edges[0] == 0
    assert edges[-1] >= np.abs(heavy).max() / kernels.rms > 4
    expected = np.histogram(np.abs(heavy).ravel() / kernels.rms, edges)[0]
    assert (counts.sum(), counts.tolist()) == (heavy.size, expected.tolist())
    assert (len(edges), edges[192]) == (192 + 8 + 1, 4)


@pytest.mark.parametrize("share", [0.95, 0.8, 0.6])
def test_a_planted_share_is_recovered(share) -> None:
    residue = noise_residue(trained(share), DEFAULT)
    assert residue.reason == ""
    assert residue.share == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("seed", range(3))
def test_a_share_is_recovered_where_few_weights_changed_much(seed) -> None:
    random = np.random.default_rng(seed)
    draws = random.uniform(-1, 1, SHAPE) * DEFAULT.bound(SHAPE)
    sizes = np.where(random.uniform(size=SHAPE) < 0.01, 6.0, 0.1)
    weights = draws + sizes * DEFAULT.std(SHAPE) * random.standard_normal(SHAPE)
    true = np.vdot(draws, weights) ** 2 / np.vdot(draws, draws) / np.vdot(weights, weights)
    residue = noise_residue(Kernels.of(weights), DEFAULT)
    assert np.abs(weights).max() > 8 * np.sqrt((weights**2).mean())
    assert residue.share == pytest.approx(true, abs=0.05)


def test_untouched_draws_are_all_noise(glorot) -> None:
    residue = noise_residue(Kernels.of(glorot(SHAPE)), DEFAULT)
    assert residue.share is not None
    assert residue.share > 0.99


def test_a_search_that_begins_at_a_fit_is_never_the_worse() -> None:
    kernels = trained(0.5)
    counted = bin_magnitudes(kernels)
    bound = DEFAULT.bound(SHAPE) / kernels.rms
    (fixed,) = fit_mixtures([Search(counted, (np.log(0.2), np.log(0.8), 0.0), bound)])
    (free,) = fit_mixtures([Search(counted, fixed.shape, fixed.bound, free=True)])
    assert free.cost <= fixed.cost + 1e-9
    assert fixed.bound == bound
    assert MixtureFit(0.0, 3.0, 1.0, (0.0, 0.0, 0.0)).residue == 3 / 4


def test_normal_draws_have_no_residue() -> None:
    kernels = Kernels.of(np.random.default_rng(0).normal(0, DEFAULT.std(SHAPE) * 1.1, SHAPE))
    assert noise_residue(kernels, DEFAULT).share is None
    normal = next(rule for rule in CATALOGUE if rule.family == "normal")
    assert noise_residue(kernels, normal).share is None


def test_shrunk_weights_shut_the_gate() -> None:
    kernels = Kernels.of(0.8 * trained(0.95).weights)
    assert noise_residue(kernels, DEFAULT).reason == "the weights have shrunk, as under weight decay"


def test_another_bound_shuts_the_gate() -> None:
    kernels = Kernels.of(1.3 * trained(0.97).weights)
    residue = noise_residue(kernels, DEFAULT)
    assert residue.share is None
    assert "does not end at GlorotUniform()'s bound" in residue.reason


@pytest.mark.parametrize(
    "rule", [rule for rule in CATALOGUE if rule.family == "uniform"], ids=lambda r: r.name
)
def test_the_rule_is_told_by_its_trace(rule) -> None:
    layers = [trained(0.8, seed=i, rule=rule, shape=shape) for i, shape in enumerate([(40, 20, 3, 3), SHAPE])]
    assert likeliest_uniform_rule([Magnitudes.of(kernels) for kernels in layers]) == rule


def test_no_rule_is_told_where_there_is_no_trace(noise) -> None:
    assert likeliest_uniform_rule([Magnitudes.of(noise(SHAPE))]) is None
