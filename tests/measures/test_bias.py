"""Biases that have left their start."""

from __future__ import annotations

import numpy as np
import pytest
import scipy

from filtviz.measures.bias import bias_state


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("bias", "state"),
    [
        ([0.5], "moved"),  # a lone bias is as good as any two: nobody starts it there
        (None, "none"),
        ([], "none"),
        ([0.5, 0.5], "constant"),
        ([0.0], "zero"),
        ([0.0, 0.0], "zero"),
        ([0.5, 0.5, 0.5], "constant"),
        ([0.0, 1e-9], "moved"),
        ([0.5, -0.5], "moved"),
    ],
)
def test_what_biases_tell(bias: list[float] | None, state: str) -> None:
    assert bias_state(None if bias is None else np.array(bias)) == state


def test_biases_within_a_bound_may_be_drawn() -> None:
    drawn = np.random.default_rng(0).uniform(-0.2, 0.2, 64)
    assert bias_state(drawn, [0.2]) == "drawn"
    assert bias_state(drawn, [0.1, 0.2]) == "drawn"  # one way to count the inputs is enough
    assert bias_state(drawn) == "moved"


def test_biases_are_not_drawn_where_one_passes_the_bound_or_all_are_small() -> None:
    drawn = np.random.default_rng(0).uniform(-0.2, 0.2, 64)
    assert bias_state(np.append(drawn, 0.21), [0.2]) == "moved"
    assert bias_state(np.append(drawn, 0.2005), [0.2]) == "drawn"  # rounded to 16 bits
    assert bias_state(0.2 * drawn, [0.2]) == "moved"
    assert bias_state(np.abs(drawn), [0.2]) == "moved"


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 2, 16, 200])
def test_drawn_biases_are_hardly_ever_taken_for_moved(n: int) -> None:
    random = np.random.default_rng(n)
    moved = sum(bias_state(random.uniform(-1, 1, n), [1.0]) == "moved" for _ in range(2000))
    assert moved <= scipy.stats.binom.ppf(0.9999, 2000, 0.001)


def test_biases_that_are_no_numbers_are_no_draws() -> None:
    for odd in (np.nan, np.inf):
        assert bias_state(np.array([0.1, odd, -0.05]), [1.0]) == "moved"
    assert bias_state(np.array([0.1, 0.5, -0.6]), [1.0]) == "drawn"
