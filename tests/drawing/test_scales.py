"""Scales and colours: zero is always the middle, equal numbers have equal colours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from matplotlib import colormaps

from filtviz.drawing.colours import (
    DIVERGING,
    DIVERGING_OF_256,
    NOT_FINITE,
    SCALES,
    _ladder,
    by_colour_map,
    by_primaries,
    colour_bar,
    normalise,
    symmetric_limits,
)
from filtviz.drawing.terminal import nearest_of_256
from filtviz.errors import DrawingError


def naive_limit(weights: np.ndarray, o: int, i: int, scale: str) -> float:
    part = {"kernel": weights[o, i], "filter": weights[o], "layer": weights}[scale]
    finite = [abs(float(w)) for w in part.ravel() if np.isfinite(w)]
    return max(finite, default=0.0)


weight_arrays = arrays(
    np.float64, array_shapes(min_dims=4, max_dims=4, max_side=3), elements=st.floats(width=32)
)


@pytest.mark.slow
@settings(deadline=None)
@given(weight_arrays, st.sampled_from(SCALES))
def test_limits_are_the_largest_finite_magnitudes(weights: np.ndarray, scale: str) -> None:
    limits = np.broadcast_to(symmetric_limits(weights, scale), (*weights.shape[:2], 1, 1))
    for o, i in np.ndindex(weights.shape[:2]):
        assert limits[o, i, 0, 0] == naive_limit(weights, o, i, scale)


@pytest.mark.slow
@settings(deadline=None)
@given(weight_arrays, st.sampled_from(SCALES))
def test_normalised_weights_keep_sign_zero_and_what_is_not_finite(weights: np.ndarray, scale: str) -> None:
    values = normalise(weights, symmetric_limits(weights, scale))
    finite = np.isfinite(weights)
    assert np.array_equal(np.isnan(values), ~finite)
    assert (np.abs(values[finite]) <= 1).all()
    assert (values[weights == 0] == 0).all()
    assert (values[finite] * weights[finite] >= 0).all()


def test_the_largest_weight_reaches_the_end_of_the_scale() -> None:
    weights = np.array([[[[0.5, -2.0]]], [[[1.0, 0.0]]]])
    values = normalise(weights, symmetric_limits(weights, "layer"))
    assert values.ravel().tolist() == [0.25, -1.0, 0.5, 0.0]
    values = normalise(weights, symmetric_limits(weights, "filter"))
    assert values.ravel().tolist() == [0.25, -1.0, 1.0, 0.0]


def test_the_colour_map_is_matplotlibs_with_zero_at_its_middle() -> None:
    shown = by_colour_map(np.array([-1.0, 0.0, 1.0]), DIVERGING)
    expected = colormaps[DIVERGING](np.array([0.0, 0.5, 1.0]), bytes=True)[:, :3]
    assert np.array_equal(shown, expected)


def test_opposite_values_are_as_far_from_the_middle() -> None:
    values = np.linspace(0, 1, 200)
    steps = by_colour_map(np.stack([values, -values]), "gray").astype(int)[..., 0]
    assert np.abs(steps[0] + steps[1] - 2 * steps[0, 0]).max() <= 2  # two roundings of the map's own


def test_what_is_not_finite_has_a_colour_of_its_own() -> None:
    shown = by_colour_map(np.array([np.nan, 0.0]), DIVERGING)
    assert tuple(shown[0]) == NOT_FINITE
    assert tuple(by_primaries(np.array([0.0, np.nan, 1.0]))) == NOT_FINITE


def test_an_unknown_colour_map_is_refused() -> None:
    with pytest.raises(DrawingError, match="no colour map 'mud'"):
        by_colour_map(np.zeros(1), "mud")


def test_primaries_put_zero_at_mid_grey() -> None:
    values = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.5]])
    assert by_primaries(values).tolist() == [[128, 128, 128], [255, 128, 128], [128, 0, 191]]


def test_the_bar_runs_from_the_lowest_to_the_highest_colour() -> None:
    bar = colour_bar(DIVERGING)
    assert bar.shape == (1, 255, 3)
    assert np.array_equal(bar[0, [0, 127, 254]], by_colour_map(np.array([-1.0, 0.0, 1.0]), DIVERGING))
    primaries = colour_bar(None)
    assert primaries[:, 0].tolist() == [[0, 128, 128], [128, 0, 128], [128, 128, 0]]
    assert primaries[:, 127].tolist() == [[128] * 3] * 3


def test_the_ladder_for_256_colours_is_on_xterms_palette() -> None:
    levels = {0, 95, 135, 175, 215, 255}
    colours = np.unique(by_colour_map(np.linspace(-1, 1, 401), DIVERGING_OF_256), axis=0)
    assert len(colours) == 19
    assert set(colours.ravel().tolist()) <= levels
    assert by_colour_map(np.zeros(1), DIVERGING_OF_256).tolist() == [[255, 255, 255]]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("colour", "number"),
    [((0, 0, 0), 16), ((255, 255, 255), 231), ((255, 0, 0), 196), ((9, 8, 7), 232), ((95, 135, 175), 67)],
)
def test_the_nearest_of_xterms_256_colours(colour: tuple[int, int, int], number: int) -> None:
    assert nearest_of_256(np.array(colour, np.uint8)) == number


def test_the_colours_of_a_terminal_go_from_blue_over_white_to_red_and_mirror_each_other() -> None:
    ladder = _ladder().astype(int)
    assert ladder[[0, 9, 18]].tolist() == [[0, 0, 95], [255, 255, 255], [95, 0, 0]]
    np.testing.assert_array_equal(ladder[::-1, ::-1], ladder)
    assert (np.diff(ladder[9:].sum(axis=1)) < 0).all()
