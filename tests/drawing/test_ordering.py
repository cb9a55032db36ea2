"""Orders of filters."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from filtviz.drawing.selection import arrange

from .making import random_weights


def test_the_strongest_are_those_of_the_largest_sum_of_squares() -> None:
    filters = random_weights(50, 3, 2, 4)
    strengths = [float((f.astype("f8") ** 2).sum()) for f in filters]
    assert arrange(filters, "norm").tolist() == np.argsort(strengths)[::-1].tolist()


def test_index_keeps_the_order_and_norm_puts_the_strongest_first() -> None:
    filters = np.array([2.0, -5.0, 1.0, 5.0]).reshape(4, 1, 1, 1)
    assert arrange(filters).tolist() == [0, 1, 2, 3]
    assert arrange(filters, "norm").tolist() == [1, 3, 0, 2]  # of two equals the first


@pytest.mark.parametrize(("order", "expected"), [("index", [0, 1, 3]), ("norm", [1, 3, 0])])
def test_top_keeps_the_strongest(order: str, expected: list[int]) -> None:
    filters = np.array([2.0, -5.0, 1.0, 5.0]).reshape(4, 1, 1, 1)
    assert arrange(filters, order, top=3).tolist() == expected
    assert len(arrange(filters, order, top=9)) == 4


def test_similarity_puts_like_beside_like() -> None:
    rng = np.random.default_rng(0)
    bases = rng.standard_normal((3, 2, 3, 3))
    filters = np.concatenate([bases * scale + 0.01 * rng.standard_normal(bases.shape) for scale in (1, 3, 9)])
    kinds = arrange(filters, "similarity") % 3
    assert sorted(arrange(filters, "similarity").tolist()) == list(range(9))
    assert (np.diff(kinds) != 0).sum() == 2  # three runs of three


def test_similarity_finds_the_best_order_of_a_line() -> None:
    angles = np.array([0.9, 0.1, 0.5, 0.7, 0.3])
    filters = np.stack([np.cos(angles), np.sin(angles)], axis=1).reshape(5, 1, 1, 2)

    def length(order: tuple[int, ...]) -> float:
        ordered = filters[list(order)].reshape(5, 2)
        return float(np.linalg.norm(np.diff(ordered, axis=0), axis=1).sum())

    best = min(length(order) for order in permutations(range(5)))
    assert length(tuple(arrange(filters, "similarity"))) == pytest.approx(best)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_zero_and_broken_filters_do_not_disturb(n: int) -> None:
    filters = np.zeros((n, 1, 2, 2))
    filters[0, 0, 0, 0] = np.nan
    assert sorted(arrange(filters, "similarity").tolist()) == list(range(n))


def test_three_filters_are_enough_to_put_like_beside_like() -> None:
    filters = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]]).reshape(3, 1, 1, 2)
    order = arrange(filters, "similarity").tolist()
    assert abs(order.index(0) - order.index(2)) == 1
    assert arrange(filters[:2], "similarity").tolist() == [0, 1]
