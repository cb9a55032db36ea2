"""Directions that filters share: published thresholds, planted duplicates."""

from __future__ import annotations

import numpy as np
import pytest

from filtviz.measures.directions import first_component, significant_component
from filtviz.measures.duplicates import closest_pair, pair_threshold, similar_pairs
from filtviz.measures.kernels import Kernels


@pytest.mark.parametrize(("n", "d", "cosine"), [(20, 9, 0.940), (20, 180, 0.296)])
def test_the_threshold_of_pairs(n: int, d: int, cosine: float) -> None:
    assert pair_threshold(n, d) == pytest.approx(cosine, abs=5e-4)


def test_parallel_filters_of_one_weight_are_no_news() -> None:
    assert pair_threshold(20, 1) == 1


def test_the_closest_pair_of_noise_passes_the_threshold_one_time_in_a_hundred() -> None:
    random = np.random.default_rng(0)
    passed = [
        abs(closest_pair(Kernels.of(random.standard_normal((20, 1, 3, 3)))).cosine) > pair_threshold(20, 9)
        for _ in range(1000)
    ]
    assert 0 < np.mean(passed) < 0.025


@pytest.mark.parametrize(("shape", "quantile"), [((20, 9), 0.311), ((20, 180), 0.091), ((40, 360), 0.045)])
def test_the_first_component_of_noise(shape: tuple[int, int], quantile: float) -> None:
    random = np.random.default_rng(0)
    shares = [first_component(random.standard_normal(shape)) for _ in range(400)]
    assert np.quantile(shares, 0.99) == pytest.approx(quantile, rel=0.05)


def test_the_first_component_is_the_svds(noise) -> None:
    rows = noise((12, 3, 3, 3)).rows
    values = np.linalg.svd(rows / np.linalg.norm(rows, axis=1, keepdims=True), compute_uv=False) ** 2
    assert first_component(rows) == pytest.approx(values[0] / values.sum())


def test_planted_duplicates_are_found_whatever_their_size_and_sign(noise) -> None:
    weights = noise((20, 4, 3, 3)).weights.copy()
    weights[7] = -3 * weights[2]
    weights[11] = weights[2] + 1e-3 * weights[0]
    kernels = Kernels.of(weights)
    pairs = similar_pairs(kernels, 0.95)
    assert {(pair.first, pair.second) for pair in pairs} == {(2, 7), (2, 11), (7, 11)}
    assert closest_pair(kernels) == pairs[0] == (2, 7, pytest.approx(-1))


def test_collapsed_filters_are_told_from_two_that_must_share_a_direction(noise) -> None:
    two = significant_component(noise((2, 4, 3, 3)), over=0.5)
    assert two.share > 0.5
    assert two.p is not None
    assert two.p > 0.05
    weights = 0.3 * noise((20, 1, 3, 3)).weights + np.ones((20, 1, 3, 3))
    collapsed = significant_component(Kernels.of(weights), over=0.5)
    assert collapsed.share > 0.5
    assert collapsed.p == 1 / 200


def test_the_null_is_not_drawn_where_the_share_is_small(noise) -> None:
    assert significant_component(noise((20, 4, 3, 3)), over=0.5).p is None
