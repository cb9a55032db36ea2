"""What is made ready once for all measures: counts, and eigenvalues of large matrices."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from filtviz.measures.initialiser import beyond_bound, count_ahead
from filtviz.measures.initialiser_catalogue import CATALOGUE, Fans
from filtviz.measures.kernels import Kernels, largest_of_gram
from filtviz.measures.stored import clipping, quantisation


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_magnitudes_under_limits_are_counted_exactly(dtype) -> None:
    """A limit between two numbers of the stored type counts as in double precision."""
    weights = np.random.default_rng(0).normal(0, 1, (20, 3, 3, 3)).astype(dtype)
    magnitudes = np.abs(weights.astype(np.float64)).ravel()
    limits = np.concatenate([[0.0, 1e300], magnitudes, magnitudes * (1 + 1e-12), magnitudes * (1 - 1e-12)])
    counts = Kernels.of(weights).count_below(limits)
    assert counts.tolist() == [(magnitudes < limit).sum() for limit in limits]


@pytest.mark.parametrize(("largest", "wide"), [(256, False), (256, True), (257, False), (1001, True)])
def test_the_least_numbers_of_half_precision_are_none_of_bfloat16(largest, wide) -> None:
    """Up to 2**-16 they have eight bits or fewer, as those of bfloat16 have."""
    weights = np.arange(-8.0, 8.0)
    weights[0] = -largest
    half = (weights * 2.0**-24).astype("f2").reshape(16, 1, 1, 1)
    kernels = Kernels.of(half.astype("f4") if wide else half)
    assert (kernels.mantissa, kernels.tiny) == (10, 2.0**-24)
    assert kernels.steps(np.array([0.0, 2.0**-24, 2.0**-13])).tolist() == [2.0**-24, 2.0**-24, 2.0**-23]
    fine = Kernels.of((half.astype("f4") / 3).view("u4").__and__(0xFFFF0000).view("f4"))
    assert (fine.mantissa, fine.tiny) == (7, 0.0)
    assert fine.steps(np.array([0.0, 2.0**-24])).tolist() == [0.0, 2.0**-31]


def test_the_largest_eigenvalue_of_large_matrices_is_exact_beyond_single_precision() -> None:
    rows = np.random.default_rng(0).normal(0, 1, (260, 300))
    for each in (rows, rows.T, rows[:50]):
        expected = np.linalg.svd(each, compute_uv=False)[0] ** 2
        assert largest_of_gram(each) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "rows", [np.eye(300), np.outer(np.arange(300.0), np.ones(300)), np.zeros((300, 300))]
)
def test_the_largest_eigenvalue_of_matrices_of_few_directions(rows) -> None:
    assert largest_of_gram(rows) == pytest.approx(np.linalg.norm(rows, 2) ** 2, rel=1e-6)


def test_cosines_of_a_wide_and_a_narrow_layer_are_the_same_pairs() -> None:
    """Whichever side the Gram matrix lies on, the filters are compared."""
    for shape in ((270, 300, 1, 1), (300, 270, 1, 1)):
        weights = np.random.default_rng(0).normal(0, 1, shape)
        weights[7] = weights[3] * 2
        pairs = Kernels.of(weights).pairs
        rows = weights.reshape(len(weights), -1)
        cosines = np.abs(rows @ rows.T)
        cosines /= np.sqrt(np.outer(np.diag(cosines), np.diag(cosines)))
        assert pairs.closest == (3, 7)
        assert pairs.alike.tolist() == [[3, 7]]
        assert pairs.total == pytest.approx(np.triu(cosines, 1).sum(), rel=1e-6)


@pytest.mark.parametrize(
    ("values", "smallest", "largest"), [([-2, 0, 1], 1, 2), ([-3, -2], 2, 3), ([0], np.inf, 0)]
)
def test_the_smallest_magnitude_is_none_of_the_zeros(values, smallest, largest) -> None:
    kernels = Kernels.of(np.array(values, "f4").reshape(-1, 1, 1, 1))
    assert (kernels.smallest, kernels.largest) == (smallest, largest)


def test_weights_that_are_looked_at_again_are_not_sorted_again() -> None:
    weights = np.random.default_rng(0).normal(0, 1, (20, 3, 3, 3)).astype("f4")
    fans = Fans.of(weights.shape)
    first = Kernels.of(weights)
    count_ahead(first, fans, CATALOGUE)
    again, alone = Kernels.of(weights, first.counted), Kernels.of(weights)
    for each in (again, alone):
        assert clipping(each) == clipping(first)
        assert quantisation(each) == quantisation(first)
        for rule in CATALOGUE:
            if np.isfinite(rule.bound(fans)):
                assert beyond_bound(each, rule.bound(fans)) == beyond_bound(first, rule.bound(fans))
    assert "ordered" not in vars(again)
    assert "ordered" in vars(alone)
    again.count_below(np.array([0.123]))  # what was not asked for before
    assert "ordered" in vars(again)


@pytest.mark.parametrize("shape", [(4, 1024, 5, 5), (20, 3, 3, 3)])
@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_filters_of_many_rounded_draws_are_not_standardised_and_rounded_standardised_ones_are(
    shape, name
) -> None:
    draws = np.random.default_rng(0).normal(size=shape)
    flat = draws.reshape(shape[0], -1)
    even = ((flat - flat.mean(axis=1, keepdims=True)) / flat.std(axis=1, keepdims=True)).reshape(shape)
    dtype = np.dtype(getattr(ml_dtypes, name, name))
    assert not Kernels.of(draws.astype(dtype)).is_standardised
    assert Kernels.of(even.astype(dtype)).is_standardised
