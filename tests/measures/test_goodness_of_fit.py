"""Kolmogorov and Smirnov's p-values, and D'Agostino and Pearson's, against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
import scipy

from filtviz.measures.laws import kolmogorov_p, kolmogorov_tail, normality_p

SIZES = (1, 2, 3, 9, 20, 139, 140, 141, 180, 1000, 3600, 14_400, 100_000, 100_001, 2**20)
SCALED = (0.05, 0.3, 0.4, 0.5, 0.7, 0.86, 0.87, 1.0, 1.2, 1.48, 1.49, 1.6, 1.9, 1.99, 2.01, 2.5, 4.0, 8.0)
"""Distances times √n: at both sides of each switch from one formula to another."""


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "n", [pytest.param(n, marks=pytest.mark.slow if 1000 < n < 10**6 else ()) for n in SIZES]
)
def test_the_tail_is_scipys_to_ten_digits_and_to_three_where_scipy_sums_a_million_terms(n) -> None:
    digits, least = (2e-3, 1e-16) if 100_000 < n < 10**6 else (1e-10, 1e-300)
    switch = (1.4 / n) ** (2 / 3)
    others = [0.99 * switch] if n >= 100_000 else [0.99 * switch, 1.01 * switch, 0.99, 1.5 / n, 1 - 0.5 / n]
    for d in [*(each / np.sqrt(n) for each in SCALED), *others]:
        if d < 1:
            assert kolmogorov_tail(n, d) == pytest.approx(scipy.stats.kstwo.sf(d, n), rel=digits, abs=least)


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [1, 2, 9, 500])
def test_the_ends_of_the_tail(n) -> None:
    assert kolmogorov_tail(n, 1.0) == kolmogorov_tail(n, 1.5) == 0
    assert kolmogorov_tail(n, 0.5 / n) == 1
    just_above = 0.500001 / n
    assert kolmogorov_tail(n, just_above) == pytest.approx(scipy.stats.kstwo.sf(just_above, n))


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [1, 2, 10, 300])
@pytest.mark.parametrize("shift", [-0.2, 0.0, 0.3])
def test_the_p_value_is_that_of_scipys_test(n, shift) -> None:
    values = np.clip(np.random.default_rng(n).uniform(size=n) + shift, 0, 1)
    expected = scipy.stats.ks_1samp(values, scipy.stats.uniform.cdf).pvalue
    assert kolmogorov_p(np.sort(values)) == pytest.approx(expected, rel=1e-10)


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [20, 21, 180, 5000])
@pytest.mark.parametrize("law", ["normal", "uniform", "exponential"])
def test_normality_is_scipys(n, law) -> None:
    values = getattr(np.random.default_rng(n), law)(size=n) * 0.1 + 3
    assert normality_p(values) == pytest.approx(scipy.stats.normaltest(values).pvalue, rel=1e-9)
