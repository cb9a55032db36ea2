"""What is made ready once for all measures: counts, and eigenvalues of large matrices."""

from __future__ import annotations

import numpy as np
import pytest

from filtviz.measures.kernels import Kernels, largest_of_gram


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_magnitudes_under_limits_are_counted_exactly(dtype) -> None:
    """A limit between two numbers of the stored type counts as in double precision."""
    weights = np.random.default_rng(0).normal(0, 1, (20, 3, 3, 3)).astype(dtype)
    magnitudes = np.abs(weights.astype(np.float64)).ravel()
    limits = np.concatenate([[0.0, 1e300], magnitudes, magnitudes * (1 + 1e-12), magnitudes * (1 - 1e-12)])
    counts = Kernels.of(weights).count_below(limits)
    assert counts.tolist() == [(magnitudes < limit).sum() for limit in limits]


def test_the_largest_eigenvalue_of_large_matrices_is_exact_beyond_single_precision() -> None:
    rows = np.random.default_rng(0).normal(0, 1, (260, 300))
    for each in (rows, rows.T, rows[:50]):
        expected = np.linalg.svd(each, compute_uv=False)[0] ** 2
        assert largest_of_gram(each) == pytest.approx(expected, rel=1e-9)
