"""The residue of initial noise: its density against integration, its gradient, what it recovers, its gate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from filtviz.measures.initialisers import CATALOGUE, DEFAULT
from filtviz.measures.kernels import Kernels
from filtviz.measures.residue import (
    _cost,
    _distribution,
    bin_magnitudes,
    fit_noise,
    likeliest_uniform_rule,
    noise_residue,
)

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
    np.testing.assert_allclose(_distribution(points, a, s)[0], expected, atol=1e-9)
    np.testing.assert_allclose(_distribution(points, 0.0, s)[0], stats.norm.cdf(points / s))


@pytest.mark.parametrize("bound", [None, 1.5, 0.0])
def test_the_gradient_is_that_of_the_cost(bound) -> None:
    cost = _cost(bin_magnitudes(trained(0.8)), bound)
    at = np.array([-1.0, -0.5, 0.3, 0.4][: 4 if bound is None else 3])
    numeric = optimize.approx_fprime(at, lambda x: cost(x)[0], 1e-7)
    np.testing.assert_allclose(cost(at)[1], numeric, rtol=1e-3, atol=0.05)


@pytest.mark.parametrize("share", [0.95, 0.8, 0.6])
def test_a_planted_share_is_recovered(share) -> None:
    residue = noise_residue(trained(share), DEFAULT)
    assert residue.reason == ""
    assert residue.share == pytest.approx(share, abs=0.03)


def test_untouched_draws_are_all_noise(glorot) -> None:
    residue = noise_residue(Kernels.of(glorot(SHAPE)), DEFAULT)
    assert residue.share is not None
    assert residue.share > 0.99


def test_the_free_fit_is_never_the_worse() -> None:
    counted = bin_magnitudes(trained(0.5))
    fixed = fit_noise(counted, bound=DEFAULT.bound(SHAPE) / trained(0.5).rms)
    assert fit_noise(counted, near=fixed).cost <= fixed.cost + 1e-9


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
    assert likeliest_uniform_rule(layers) == rule


def test_no_rule_is_told_where_there_is_no_trace(noise) -> None:
    assert likeliest_uniform_rule([noise(SHAPE)]) is None
