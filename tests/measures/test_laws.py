"""The null distributions against scipy's, and Benjamini and Hochberg's procedure."""

from __future__ import annotations

import numpy as np
import pytest
import scipy

from filtviz.measures import laws


@pytest.mark.cases("all")
@pytest.mark.parametrize("z", [0.0, 0.3, -1.96, 5.0, -30.0])
def test_both_normal_tails(z) -> None:
    assert laws.normal_tails(z) == pytest.approx(2 * scipy.stats.norm.sf(abs(z)), rel=1e-12)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("statistic", "degrees"), [(0.0, 1), (3.84, 1), (60.0, 44), (900.0, 44), (5000.0, 7259)]
)
def test_the_chi_squared_tail(statistic, degrees) -> None:
    assert laws.chi_squared_tail(statistic, degrees) == pytest.approx(
        scipy.stats.chi2.sf(statistic, degrees), rel=1e-10
    )


@pytest.mark.cases("all")
@pytest.mark.parametrize(("least", "n"), [(0, 179), (1, 179), (4, 179), (20, 179), (350, 14_399), (179, 179)])
def test_the_binomial_tail_counts_the_least(least, n) -> None:
    expected = scipy.stats.binom.sf(least - 1, n, 0.02)
    assert laws.binomial_tail(least, n, 0.02) == pytest.approx(expected, rel=1e-9)


def test_the_smaller_beta_tail_counts_twice() -> None:
    x = np.array([0.0, 0.1, 1 / 3, 0.5, 0.99, 1.0, np.nan])
    a, b = np.full(7, 3.0), np.full(7, 6.0)
    law = scipy.stats.beta(3, 6)
    expected = np.minimum(1, 2 * np.minimum(law.cdf(x), law.sf(x)))
    np.testing.assert_allclose(laws.beta_tails(x, a, b), expected, rtol=1e-12)


@pytest.mark.cases("all")
@pytest.mark.parametrize("tail", [0.5, 0.01, 1e-6, 1e-12])
def test_the_beta_quantile(tail) -> None:
    assert laws.beta_upper_quantile(tail, 0.5, 4.0) == pytest.approx(
        scipy.stats.beta.isf(tail, 0.5, 4.0), rel=1e-9
    )


@pytest.mark.parametrize(("dimension", "expected"), [(1, 1.0), (2, None), (9, None)])
def test_a_random_cosine(dimension, expected) -> None:
    found = laws.random_cosine(190, dimension, 0.01)
    if expected is None:
        each = 1 - 0.99 ** (1 / 190)
        expected = np.sqrt(scipy.stats.beta.isf(each, 0.5, (dimension - 1) / 2))
    assert found == pytest.approx(expected)
    assert laws.random_cosine(0, 9, 0.01) == pytest.approx(laws.random_cosine(1, 9, 0.01))


def test_tracy_widom_quantiles() -> None:
    assert laws.tracy_widom_tail(0.979) == pytest.approx(0.05, abs=1e-3)
    assert laws.tracy_widom_tail(2.023) == pytest.approx(0.01, abs=3e-4)
    assert laws.tracy_widom_tail(-20) == 1


@pytest.mark.cases("all")
@pytest.mark.parametrize("seed", range(4))
def test_rank_correlation_is_spearmans_with_ties_too(seed) -> None:
    random = np.random.default_rng(seed)
    a, b = random.integers(0, 6, 25).astype(float), random.standard_normal(25).round(1)
    expected = scipy.stats.spearmanr(a, b, alternative="greater")
    rho, p = laws.rank_correlation(a, b)
    assert (rho, p) == (
        pytest.approx(expected.statistic, rel=1e-12),
        pytest.approx(expected.pvalue, rel=1e-9),
    )


def test_perfect_order_is_as_sure_as_can_be() -> None:
    order = np.arange(12.0)
    assert laws.rank_correlation(order, order) == (pytest.approx(1), pytest.approx(0, abs=1e-12))
    assert laws.rank_correlation(order, -order) == (pytest.approx(-1), pytest.approx(1))


@pytest.mark.cases("all")
@pytest.mark.parametrize("seed", range(6))
def test_significance_is_benjamini_and_hochbergs(seed) -> None:
    random = np.random.default_rng(seed)
    p = random.uniform(size=40)
    p[:10] /= 200
    p[25] = np.nan
    known = np.isfinite(p)
    expected = np.zeros(40, dtype=bool)
    expected[known] = scipy.stats.false_discovery_control(p[known]) <= 0.05
    assert 0 < expected.sum() < 40
    np.testing.assert_array_equal(laws.is_significant(p, 0.05), expected)


def test_significance_steps_up() -> None:
    # Each alone misses its own step but for the last, which lets all of them through.
    assert laws.is_significant(np.array([0.04, 0.045, 0.05]), 0.05).tolist() == [True] * 3
    assert laws.is_significant(np.array([0.04, 0.045, 0.0501]), 0.05).tolist() == [False] * 3
    assert laws.is_significant(np.array([np.nan, np.nan]), 0.05).tolist() == [False] * 2
    assert laws.is_significant(np.array([]), 0.05).tolist() == []
    assert laws.is_significant(np.array([0.05]), 0.05).tolist() == [True]


@pytest.mark.slow
@pytest.mark.parametrize("spread", [2.3, 3.5, 10, 18])
def test_the_tail_of_many_draws_is_that_of_the_sum_over_all(spread) -> None:
    n = 100_001
    d = np.sqrt(spread / n)
    assert laws.kolmogorov_tail(n, d) == pytest.approx(2 * scipy.special.smirnov(n, d), rel=0.002)
    assert laws.kolmogorov_tail(n - 1, d) == pytest.approx(2 * scipy.special.smirnov(n - 1, d), rel=1e-9)
