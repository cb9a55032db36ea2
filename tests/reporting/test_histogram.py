"""The histogram counts every finite weight, and the null has as many."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from tests.chains import rule_named

from filtviz.measures.measure import LayerDiagnosis
from filtviz.reporting.content import Histogram, draw_histograms
from filtviz.reporting.rendering import CHART_HEIGHT, CHART_WIDTH, bars, null_curve, trail_points


def diagnosis(shape: tuple[int, int, int, int], *rules: str) -> LayerDiagnosis:
    first = rule_named(rules[0]) if rules else None
    draws = None if first is None else first.draws(shape, first.std(shape))
    return LayerDiagnosis(
        conv_index=0, name="conv1", type="Conv2DLayer", shape=shape, dtype="float32", verdict="initial",
        sentence="", initialiser=" or ".join(rules) or "unknown", rules=rules, draws=draws,
    )  # fmt: skip


def test_counts_and_edges() -> None:
    weights = np.random.default_rng(0).uniform(-1, 1, (20, 20, 3, 3))
    weights[0, 0, 0, 0] = np.nan
    (drawn,) = draw_histograms([weights], [diagnosis(weights.shape)])
    assert drawn is not None
    assert drawn.counts.sum() == weights.size - 1
    np.testing.assert_allclose(drawn.edges, -drawn.edges[::-1])
    assert drawn.null is None
    assert null_curve(drawn) == ""


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "rules",
    [
        ("GlorotUniform()",),
        ("HeNormal(gain=1)",),
        ("GlorotUniform()", "HeUniform(gain=1)"),
        ("Keras's he_normal",),
    ],
    ids=str,
)
def test_the_null_has_as_many_weights(rules: tuple[str, ...]) -> None:
    shape = (20, 20, 3, 3)
    weights = np.random.default_rng(0).uniform(-0.129, 0.129, shape)
    (drawn,) = draw_histograms([weights], [diagnosis(shape, *rules)])
    assert drawn is not None
    assert drawn.null is not None
    x, y = drawn.null.T
    width = drawn.edges[1] - drawn.edges[0]
    area = ((y[1:] + y[:-1]) / 2 * np.diff(x)).sum()
    assert area / width == pytest.approx(weights.size, rel=0.01)


def test_files_share_their_bins() -> None:
    small, large = np.full((2, 1, 3, 3), 0.1), np.full((2, 1, 3, 3), 3.0)
    first, second = draw_histograms([small, large], [diagnosis((2, 1, 3, 3))] * 2)
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.edges, second.edges)
    assert first.limit > 3


def test_nothing_to_count() -> None:
    zeros, broken = np.zeros((2, 1, 3, 3)), np.full((2, 1, 3, 3), np.nan)
    unknown = diagnosis((2, 1, 3, 3))
    assert draw_histograms([zeros], [unknown]) == [None]
    drawn = draw_histograms([broken, np.ones((2, 1, 3, 3))], [unknown] * 2)
    assert drawn[0] is None
    assert drawn[1] is not None


def test_charts_stay_in_their_plane() -> None:
    shape = (20, 1, 3, 3)
    weights = np.random.default_rng(0).uniform(-0.2, 0.2, shape)
    (drawn,) = draw_histograms([weights], [diagnosis(shape, "GlorotUniform()")])
    assert drawn is not None
    assert bars(drawn).count("z") == np.count_nonzero(drawn.counts)
    points = np.array([pair.split(",") for pair in null_curve(drawn).split()], float)
    assert points[:, 0].min() >= 0
    assert points[:, 0].max() <= CHART_WIDTH
    assert points[:, 1].min() >= 0
    assert points[:, 1].max() <= CHART_HEIGHT


@pytest.mark.cases("all")
@pytest.mark.parametrize("counts", [[4], [1, 2], [0, 3, 6, 0], [5, 0, 0, 1, 2]], ids=str)
@pytest.mark.parametrize("highest", [None, 12.0])
def test_each_bar_stands_over_its_bin_as_high_as_its_count(counts, highest) -> None:
    edges = np.linspace(-2, 2, len(counts) + 1)
    null = None if highest is None else np.array([[-2.0, 0.0], [0.0, highest], [1.0, 3.0], [2.0, 0.0]])
    histogram = Histogram(edges=edges, counts=np.array(counts), initialiser="", null=null)
    scale = CHART_HEIGHT / (highest or max(counts))
    drawn = [
        [float(number) for number in re.findall(r"-?[\d.]+", bar)]
        for bar in bars(histogram).split("z")
        if bar
    ]
    wide = CHART_WIDTH / len(counts)
    wanted = [
        [place * wide, CHART_HEIGHT, -count * scale, wide - 0.5, count * scale]
        for place, count in enumerate(counts)
        if count
    ]
    np.testing.assert_allclose(drawn, wanted, atol=0.051)
    if null is not None:
        points = [[float(number) for number in pair.split(",")] for pair in null_curve(histogram).split()]
        np.testing.assert_allclose(points, [[0, 140], [240, 0], [360, 105], [480, 140]], atol=0.051)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("n", "bins"), [(1, 2), (26, 6), (28, 7), (990, 20), (1010, 21), (30_000, 63), (50_000, 64)]
)
def test_there_are_as_many_bins_as_rices_rule_says(n, bins) -> None:
    weights = np.linspace(-1, 0.5, n).reshape(n, 1, 1, 1) if n > 1 else np.ones((1, 1, 1, 1))
    (drawn,) = draw_histograms([weights], [diagnosis(weights.shape)])
    assert drawn is not None
    assert len(drawn.counts) == bins
    assert drawn.limit == pytest.approx(1.05)
    edges = np.linspace(-1.05, 1.05, bins + 1)
    assert drawn.counts.tolist() == [
        int(((weights >= low) & (weights < high)).sum()) for low, high in itertools.pairwise(edges)
    ]


def test_a_trail_needs_three_values() -> None:
    assert trail_points([1.0, None, 2.0]) == ""
    assert trail_points([0.0, 1.0, 0.5]) == "0.0,22.0 45.0,0.0 90.0,11.0"
    assert trail_points([1.0, 1.0, 1.0]) == "0.0,11.0 45.0,11.0 90.0,11.0"
