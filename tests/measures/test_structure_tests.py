"""Sphericity, energies, coupling and spike: naive formulas, scipy, planted structure, and the null."""

from __future__ import annotations

import numpy as np
import pytest
import scipy

from filtviz.measures.coupling import coupling, reliance
from filtviz.measures.energies import heterogeneity
from filtviz.measures.kernels import Kernels
from filtviz.measures.laws import tracy_widom_tail
from filtviz.measures.sphericity import _tail, sign_sphericity
from filtviz.measures.spike import largest_eigenvalue


def test_sphericity_is_the_formula(noise) -> None:
    kernels = noise((6, 5, 3, 3))
    scatter = np.zeros((9, 9))
    for kernel in kernels.weights.reshape(-1, 9):
        scatter += np.outer(kernel, kernel) / (kernel @ kernel) / 30
    deviation = scatter - np.eye(9) / 9
    q = 30 * 9 * 11 / 2 * np.trace(deviation @ deviation)
    test = sign_sphericity(kernels)
    assert test is not None
    assert (test.q, test.degrees) == (pytest.approx(q), 44)
    assert test.p == pytest.approx(scipy.stats.chi2.sf(q, 44), abs=0.05)


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_sphericity_of_few_large_kernels_is_that_of_their_positions(n: int) -> None:
    vectors = np.random.default_rng(n).standard_normal((n, 529))
    vectors[0] *= 3
    test = sign_sphericity(Kernels.of(vectors.reshape(n, 1, 23, 23)))
    assert test is not None
    assert (test.q, test.degrees) == (pytest.approx(_statistic(vectors)), 528 * 531 // 2)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("q", "n", "p", "tail"),
    [
        (50, 1, 9, 1.0),
        (0, 2, 9, 1.0),  # below all that the law of three moments gives
        (80, 2, 9, 0.001236794),
        (60, 3, 9, 0.03998696),
        (60, 100, 9, 0.05404552),
        (40, 100, 9, 0.6435918),
        (310, 4, 25, 0.705929),
        (300, 30, 25, 0.8310083),
        (1500, 3, 49, 0.0001480738),
    ],
)
def test_the_tail_of_sphericity_has_three_moments(q: float, n: int, p: int, tail: float) -> None:
    assert _tail(q, n, p) == pytest.approx(tail, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("p", "n"), [(9, 2), (9, 8), (25, 3), (49, 4), (121, 2), (9, 200)])
def test_the_tail_of_sphericity_is_that_of_random_directions(p: int, n: int) -> None:
    random = np.random.default_rng([p, n])
    ps = []
    for _ in range(4000):
        ps.append(_tail(_statistic(random.standard_normal((n, p))), n, p))
    for level in (0.05, 0.01):
        passing = scipy.stats.binom(4000, level)
        assert passing.ppf(0.0005) * 0.7 <= (np.array(ps) < level).sum() <= passing.ppf(0.9995) * 1.2


def _statistic(vectors: np.ndarray) -> float:
    n, p = vectors.shape
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return n * p * (p + 2) / 2 * float(((units.T @ units / n - np.eye(p) / p) ** 2).sum())


def test_sphericity_sees_positions_that_go_together(noise) -> None:
    weights = noise((20, 20, 3, 3)).weights.copy()
    assert sign_sphericity(Kernels.of(weights)).p > 0.01
    weights[..., 1, 1] *= 2
    assert sign_sphericity(Kernels.of(weights)).p < 1e-10


def test_sphericity_does_not_see_the_size_of_kernels(noise) -> None:
    kernels = noise((20, 20, 3, 3))
    sizes = np.random.default_rng(1).uniform(0.1, 10, (20, 20, 1, 1))
    assert sign_sphericity(Kernels.of(kernels.weights * sizes)).q == pytest.approx(sign_sphericity(kernels).q)


@pytest.mark.parametrize(("along", "axes", "n"), [("filters", (1, 2, 3), 12), ("channels", (0, 2, 3), 8)])
def test_heterogeneity_is_the_formula(noise, along, axes, n) -> None:
    kernels = noise((12, 8, 3, 3))
    squares = kernels.weights**2
    sums = squares.sum(axis=axes)
    statistic = ((sums - sums.mean()) ** 2).sum() / (squares.size / n * squares.var())
    test = heterogeneity(kernels, along)
    assert test is not None
    assert (test.statistic, test.degrees) == (pytest.approx(statistic), n - 1)
    assert test.p == pytest.approx(scipy.stats.chi2.sf(statistic, n - 1))


def test_heterogeneity_sees_strong_filters_and_channels(noise) -> None:
    weights = noise((20, 20, 3, 3)).weights.copy()
    weights[:4] *= 1.5
    assert heterogeneity(Kernels.of(weights), "filters").p < 1e-6
    assert heterogeneity(Kernels.of(weights), "channels").p > 1e-3
    assert heterogeneity(Kernels.of(weights.swapaxes(0, 1)), "channels").p < 1e-6


def test_one_group_or_equal_squares_cannot_be_tested(noise) -> None:
    assert heterogeneity(noise((1, 4, 3, 3)), "filters") is None
    assert heterogeneity(noise((4, 1, 3, 3)), "channels") is None
    signs = np.where(noise((4, 4, 3, 3)).weights > 0, 0.3, -0.3)
    assert heterogeneity(Kernels.of(signs), "filters") is None


def test_coupling_is_spearmans(noise) -> None:
    kernels, following = noise((20, 3, 3, 3)), noise((8, 20, 5, 5), seed=1)
    later = reliance(following.weights)
    np.testing.assert_allclose(later, (following.weights**2).sum(axis=(0, 2, 3)))
    result = coupling(kernels, later)
    expected = scipy.stats.spearmanr((kernels.weights**2).sum(axis=(1, 2, 3)), later, alternative="greater")
    assert result == (pytest.approx(expected.statistic), pytest.approx(expected.pvalue))


def test_coupling_needs_ten_filters(noise) -> None:
    assert coupling(noise((9, 3, 3, 3)), np.arange(9.0)) is None
    assert coupling(noise((10, 3, 3, 3)), np.arange(10.0)) is not None


def test_the_spike_is_johnstones(noise) -> None:
    kernels = noise((30, 8, 3, 3))
    units = kernels.weights
    for _ in range(20):
        units = units / np.sqrt((units**2).sum(axis=(1, 2, 3), keepdims=True))
        units = units / np.sqrt((units**2).sum(axis=(0, 2, 3), keepdims=True))
    matrix = units.reshape(30, 72)
    largest = np.linalg.svd(matrix, compute_uv=False)[0] ** 2 / (matrix**2).mean()
    centre = (np.sqrt(71) + np.sqrt(30)) ** 2
    scale = (np.sqrt(71) + np.sqrt(30)) * (1 / np.sqrt(71) + 1 / np.sqrt(30)) ** (1 / 3)
    test = largest_eigenvalue(kernels)
    assert test is not None
    assert test.s == pytest.approx((largest - centre) / scale, abs=1e-3)


def test_tracy_widom_quantiles() -> None:
    assert tracy_widom_tail(0.979) == pytest.approx(0.05, abs=1e-3)
    assert tracy_widom_tail(2.023) == pytest.approx(0.01, abs=3e-4)
    assert tracy_widom_tail(-20) == 1


def test_the_spike_sees_a_component_of_low_rank(noise) -> None:
    weights = noise((20, 20, 3, 3)).weights
    random = np.random.default_rng(5)
    component = np.multiply.outer(random.standard_normal(20), random.standard_normal((20, 3, 3)))
    assert largest_eigenvalue(Kernels.of(weights)).p > 0.01
    assert largest_eigenvalue(Kernels.of(weights + 0.6 * component)).p < 1e-6


def test_strong_filters_and_channels_are_no_spike(noise) -> None:
    weights = noise((20, 20, 3, 3)).weights.copy()
    expected = largest_eigenvalue(Kernels.of(weights)).s
    weights[3] *= 30
    weights[:, 7] *= 30
    assert largest_eigenvalue(Kernels.of(weights)).s == pytest.approx(expected, abs=0.05)
    weights[4] = 0
    assert np.isfinite(largest_eigenvalue(Kernels.of(weights)).s)


def test_the_spike_does_not_judge_short_sides(noise) -> None:
    assert largest_eigenvalue(noise((4, 20, 3, 3))) is None
    assert largest_eigenvalue(noise((64, 4, 1, 1))) is None
