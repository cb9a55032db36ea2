"""The histogram counts every finite weight, and the null has as many."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import trapezoid

from filtviz.measures.catalogue import rule_named
from filtviz.measures.measure import LayerDiagnosis
from filtviz.reporting.content import draw_histograms
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
    assert trapezoid(y, x) / width == pytest.approx(weights.size, rel=0.01)


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


def test_a_trail_needs_three_values() -> None:
    assert trail_points([1.0, None, 2.0]) == ""
    assert trail_points([0.0, 1.0, 0.5]) == "0.0,22.0 45.0,0.0 90.0,11.0"
    assert trail_points([1.0, 1.0, 1.0]) == "0.0,11.0 45.0,11.0 90.0,11.0"
