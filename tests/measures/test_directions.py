"""Directions that filters share: how much of them is one, and how many there are."""

from __future__ import annotations

import numpy as np
import pytest

from filtviz.measures.directions import first_component, significant_component
from filtviz.measures.kernels import Kernels
from filtviz.measures.table import MEASURES


@pytest.mark.parametrize(
    ("shape", "quantile"),
    [((20, 9), 0.311), ((20, 180), 0.091), pytest.param((40, 360), 0.045, marks=pytest.mark.slow)],
)
def test_the_first_component_of_noise(shape: tuple[int, int], quantile: float) -> None:
    random = np.random.default_rng(0)
    shares = [first_component(random.standard_normal(shape)) for _ in range(400)]
    assert np.quantile(shares, 0.99) == pytest.approx(quantile, rel=0.05)


def test_the_first_component_is_the_svds(noise) -> None:
    rows = noise((12, 3, 3, 3)).rows
    values = np.linalg.svd(rows / np.linalg.norm(rows, axis=1, keepdims=True), compute_uv=False) ** 2
    assert first_component(rows) == pytest.approx(values[0] / values.sum())


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


@pytest.mark.parametrize(("share", "tested"), [(0.501, True), (0.499, False)])
def test_over_half_is_a_collapse(subject_of, share, tested) -> None:
    cosine = (12 * share - 1) / 11
    weights = np.sqrt(1 - cosine) * np.eye(12, 24)
    weights[:, -1] = np.sqrt(cosine)
    finding = MEASURES["first-component"].take(subject_of(weights.reshape(12, 24, 1, 1)))
    assert finding.value == pytest.approx(share)
    assert (finding.p is not None, finding.found) == (tested, tested)
    directions = "few directions" if tested else "no collapse"
    assert finding.text == f"holds 50% of the filters: {directions}"
    assert (finding.level, finding.threshold) == (0.01, 0.5)


@pytest.mark.parametrize(("spread", "first"), [(0.1, True), (0.55, True), (0.75, False)])
def test_filters_of_one_channel_must_be_alike_and_those_of_depthwise_layers_may_be(
    make_conv, make_chain, subject_of, noise, spread: float, first: bool
) -> None:
    weights = noise((40, 1, 3, 3)).weights * spread + 1
    network = make_chain(make_conv(weights), make_conv(weights))
    found = [MEASURES["first-component"].take(subject_of(network=network, place=i)) for i in range(2)]
    assert all(each.value > 0.5 and each.p < 0.01 for each in found)
    assert [each.found for each in found] == [first, False]


@pytest.mark.parametrize(("n", "found"), [(2, False), (4, False), (5, True)])
def test_a_head_of_few_filters_has_not_collapsed(subject_of, noise, n: int, found: bool) -> None:
    weights = noise((n, 8, 3, 3)).weights * 0.1 + noise((1, 8, 3, 3), seed=1).weights
    finding = MEASURES["first-component"].take(subject_of(weights))
    assert (finding.value > 0.9, finding.p < 0.01, finding.found) == (True, True, found)


def test_two_filters_share_more_than_half_by_chance(subject_of, noise) -> None:
    finding = MEASURES["first-component"].take(subject_of(noise((2, 4, 3, 3)).weights))
    assert finding.value > 0.5
    assert not finding.found


def test_one_filter_and_one_weight_have_no_component(subject_of, noise) -> None:
    component = MEASURES["first-component"]
    assert component.take(subject_of(noise((1, 4, 3, 3)).weights)) is None
    assert component.take(subject_of(noise((8, 1, 1, 1)).weights)) is None
    assert component.take(subject_of(noise((2, 2, 1, 1)).weights)) is not None


def test_filters_of_zeros_do_not_count() -> None:
    rows = np.eye(4, 6)
    rows[3] = 0
    assert first_component(rows) == pytest.approx(1 / 3)
    assert np.isnan(first_component(np.zeros((3, 6))))


def test_the_rank_is_told_with_the_most_that_it_could_be(subject_of) -> None:
    weights = np.eye(6, 20).reshape(6, 20, 1, 1)
    finding = MEASURES["effective-rank"].take(subject_of(weights))
    assert (finding.value, finding.text, finding.found) == (pytest.approx(6), "of at most 6", False)
