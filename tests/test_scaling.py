"""Arithmetic on numbers of any magnitude gives what it gives on others, and makes numpy say nothing."""

from __future__ import annotations

import numpy as np
import pytest

from filtviz.drawing.selection import arrange
from filtviz.measures.comparison import relative_change, squared_cosine
from filtviz.measures.components import rms_over_channels, shared_components, singular_components
from filtviz.reading.arrays import ComputedArray
from filtviz.scaling import in_double, scale_of

RNG = np.random.default_rng(0)
FIRST = RNG.standard_normal((6, 4, 3, 3))
LAST = FIRST + 0.3 * RNG.standard_normal(FIRST.shape)
POWERS = [2.0**-900, 2.0**-400, 1.0, 2.0**400, 2.0**900, 2.0**1020]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "value", [5e-324, 1e-310, 1e-300, 0.75, 1.0, 3.0, 65504.0, 1e300, np.finfo(float).max]
)
def test_a_scale_is_a_power_of_two_and_leaves_at_most_two(value):
    (scale,) = scale_of(np.array([value, -value / 2, 0.0]))
    assert np.frexp(scale)[0] == 0.5
    assert 1 <= value / scale < 2


def test_a_scale_is_of_what_is_finite_and_one_where_nothing_is():
    assert scale_of(np.array([np.nan, np.inf, -3.0])) == [2.0]
    assert scale_of(np.array([np.nan, np.inf])) == [1.0]
    assert scale_of(np.zeros(3)) == [1.0]
    assert scale_of(np.zeros((0, 4))).tolist() == [[1.0]]
    assert scale_of(np.array([[1.0, 2.0], [8.0, 0.0]]), 1).tolist() == [[2.0], [8.0]]
    assert scale_of(np.array([-128, 5], "i1")) == [128.0]
    assert scale_of(np.array([True, False])) == [1.0]


@pytest.mark.cases("all")
@pytest.mark.parametrize("power", POWERS)
def test_comparisons_do_not_depend_on_the_magnitude(power):
    assert relative_change(FIRST * power, LAST * power) == relative_change(FIRST, LAST)
    assert squared_cosine(FIRST * power, LAST * power) == squared_cosine(FIRST, LAST)


def test_a_change_of_the_magnitude_itself_is_told():
    assert relative_change(FIRST, FIRST * 2.0**1000) == pytest.approx(2.0**1000)
    assert relative_change(FIRST * 2.0**1000, FIRST) == pytest.approx(1.0)
    assert relative_change(FIRST * 2.0**-1000, FIRST * 2.0**1000) == np.inf
    assert squared_cosine(FIRST * 2.0**-1000, FIRST * 2.0**1000) == pytest.approx(1.0)
    assert relative_change(np.zeros(3), np.ones(3)) is None
    assert relative_change(np.array([np.finfo(float).max]), np.array([-np.finfo(float).max])) == 2.0


@pytest.mark.cases("all")
@pytest.mark.parametrize("power", POWERS)
def test_filters_are_arranged_and_summed_up_at_any_magnitude(power):
    filters = FIRST * power
    for order in ("norm", "similarity"):
        assert arrange(filters, order).tolist() == arrange(FIRST, order).tolist()
    assert np.array_equal(rms_over_channels(filters), rms_over_channels(FIRST) * power)
    found, expected = singular_components(filters, 2), singular_components(FIRST, 2)
    assert found.pictures / power == pytest.approx(expected.pictures)
    assert found.shares == pytest.approx(expected.shares)


def test_filters_of_all_magnitudes_in_one_layer_have_their_own_shares():
    filters = FIRST * np.array([1e-300, 1e-160, 1.0, 1e150, 1e300, 0.0]).reshape(-1, 1, 1, 1)
    shares = singular_components(filters, 2).shares
    assert shares[:5] == pytest.approx(singular_components(FIRST, 2).shares[:5])
    assert not shares[5].any()
    assert arrange(filters, "norm").tolist() == [4, 3, 2, 1, 0, 5]


@pytest.mark.slow
@pytest.mark.parametrize("power", POWERS[::3])
def test_shared_components_do_not_depend_on_the_magnitude(power):
    pytest.importorskip("sklearn", reason="the extra `nmf` has it")
    found, expected = shared_components(FIRST * power, 2), shared_components(FIRST, 2)
    assert found.pictures / power == pytest.approx(expected.pictures)
    assert found.shares == pytest.approx(expected.shares)


@pytest.mark.parametrize(("bits", "kind"), [(0x7D01, "f2"), (0x7FA00001, "f4"), (0x7FF4 << 48, "f8")])
def test_a_nan_that_signals_is_a_nan_that_does_not(bits, kind):
    signalling = np.array([bits, 0], f"u{kind[1]}").view(kind)
    doubles = in_double(signalling)
    assert np.isnan(doubles).tolist() == [True, False]
    assert np.isnan(np.square(doubles / 3)).tolist() == [True, False]  # which would warn otherwise
    assert in_double(np.array([-0.0, 5e-324])).tobytes() == np.array([-0.0, 5e-324]).tobytes()


def test_what_is_computed_of_a_file_overflows_without_a_word():
    def read():
        return np.float32(np.array([1e300, 1.0])) / np.float32(0)

    computed = ComputedArray(shape=(2,), dtype=np.dtype("f4"), read=read)
    assert computed.read().tolist() == [np.inf, np.inf]
