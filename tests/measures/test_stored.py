"""Clipping and quantisation: scipy's binomial law, planted cases, precisions that must not look so."""

from __future__ import annotations

import numpy as np
import pytest
import scipy

from filtviz.measures import stored
from filtviz.measures.kernels import Kernels
from filtviz.measures.stored import clipping, is_rounded, quantisation
from filtviz.measures.table import MEASURES


def ratio(weights: np.ndarray) -> float:
    count = quantisation(Kernels.of(weights))
    return count.distinct / count.expected


@pytest.mark.parametrize("levels", [8, 16, 256])
def test_rounding_leaves_zeros_that_are_not_pruned(glorot, levels: int) -> None:
    weights = glorot((20, 20, 3, 3)).astype(float)
    step = 2 * np.abs(weights).max() / levels
    rounded = np.round(weights / step) * step
    assert (rounded == 0).mean() > 0.001
    assert is_rounded(Kernels.of(rounded))
    pruned = np.where(np.abs(weights) < np.median(np.abs(weights)), 0, weights)
    assert not is_rounded(Kernels.of(pruned))
    assert not is_rounded(Kernels.of(pruned.astype("f2")))
    assert not is_rounded(Kernels.of(weights))


def test_clipping_is_the_binomial_law(glorot) -> None:
    weights = glorot((40, 40, 3, 3))
    near = (np.abs(weights.astype(float)) >= 0.98 * np.abs(weights.astype(float)).max()).sum()
    test = clipping(Kernels.of(weights))
    assert test is not None
    assert test.share == near / weights.size
    assert test.p == pytest.approx(scipy.stats.binom.sf(near - 2, weights.size - 1, 0.02))
    assert test.p > 0.001


def test_clipped_weights_pile_up(glorot) -> None:
    assert clipping(Kernels.of(np.clip(glorot((20, 20, 3, 3)), -0.1, 0.1))).p < 1e-10


def test_a_layer_of_zeros_has_no_maximum() -> None:
    assert clipping(Kernels.of(np.zeros((2, 2, 3, 3)))) is None


@pytest.mark.cases("all")
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(20, 1, 3, 3), (64, 64, 3, 3), (128, 256, 3, 3)])
def test_rounding_is_not_taken_for_quantisation(glorot, dtype: str, shape: tuple[int, ...]) -> None:
    assert 0.97 < ratio(glorot(shape, dtype=dtype)) < 1.03


def test_half_precision_is_recognised_in_a_wider_type(glorot) -> None:
    weights = glorot((64, 64, 3, 3), dtype="float16").astype("float32")
    assert Kernels.of(weights).mantissa == np.finfo(np.float16).nmant
    assert ratio(weights) > 0.97


@pytest.mark.parametrize("std", [1e-3, 3e-4, 1e-4])
def test_the_least_numbers_of_half_precision_are_not_taken_for_quantised(std: float) -> None:
    weights = np.random.default_rng(0).normal(0, std, (96, 3, 11, 11)).astype(np.float16)
    assert ratio(weights) > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_few_draws_of_few_bits_are_not_taken_for_quantised(subject_of, dtype: str) -> None:
    import ml_dtypes

    half = ml_dtypes.bfloat16 if dtype == "bfloat16" else np.float16
    random = np.random.default_rng(0)
    found = [
        MEASURES["quantised"].take(subject_of(random.normal(0, 0.1, (16, c, 3, 3)).astype(half))).found
        for c in (1, 4, 16, 64)
        for _ in range(20)
    ]
    assert sum(found) == 0


def test_bfloat16_is_recognised_in_a_wider_type(glorot) -> None:
    import ml_dtypes

    stored = glorot((64, 64, 3, 3)).astype(ml_dtypes.bfloat16)
    for weights in (stored, stored.astype("float32"), stored.astype("float64")):
        kernels = Kernels.of(weights)
        assert (kernels.mantissa, kernels.stored_as, kernels.is_half) == (7, "bfloat16", True)
        assert ratio(weights) > 0.97
    assert not Kernels.of(glorot((64, 64, 3, 3))).is_half


@pytest.mark.parametrize("levels", [2, 16, 256])
def test_planted_levels_are_counted(glorot, levels: int) -> None:
    weights = glorot((64, 64, 3, 3))
    step = 2 * np.abs(weights).max() / levels
    quantised = (np.floor(weights / step) + 0.5) * step
    count = quantisation(Kernels.of(quantised.astype("float32")))
    assert count.distinct in (levels, levels + 1)
    assert count.distinct < 0.95 * count.expected


@pytest.mark.cases("all")
@pytest.mark.parametrize("value", [0.1, 0.25, 0.5, 1.0, 2.0])
def test_few_values_are_few_where_the_largest_is_a_power_of_two(glorot, value: float) -> None:
    """As those of binary and ternary networks are."""
    signs = np.sign(glorot((20, 10, 3, 3)))
    ternary = np.where(np.arange(signs.size).reshape(signs.shape) % 3, signs, 0)
    for weights in (signs, ternary, signs.astype("float16")):
        assert is_rounded(Kernels.of(value * weights))
    one_large = glorot((20, 10, 3, 3)).copy()
    one_large[0, 0, 0, 0] = value
    assert ratio(one_large) > 0.99


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [1, 2])
def test_one_weight_is_no_pile(n) -> None:
    found = clipping(Kernels.of(np.full((n, 1, 1, 1), 0.5)))
    assert (found is None) == (n == 1)


@pytest.mark.parametrize("zeros", [0, 1, 40])
def test_zeros_are_one_value_or_none_of_those_that_are_counted(glorot, zeros: int) -> None:
    weights = glorot((8, 8, 3, 3)).copy()
    weights.flat[:zeros] = 0
    kernels = Kernels.of(weights)
    n = len(np.unique(weights))
    assert quantisation(kernels).distinct == n
    assert quantisation(kernels, without_zeros=True).distinct == n - (zeros > 0)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("n", "expected", "distinct", "chance"),
    [(100, 100, 99, True), (100, 100, 98, False), (200, 100, 49, True), (200, 100, 48, False)],
)
def test_numbers_that_coincide_may_be_chance_up_to_five_errors_and_one(n, expected, distinct, chance) -> None:
    assert stored._is_chance(n, stored.Quantisation(distinct, expected)) is chance
