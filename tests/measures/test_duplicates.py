"""Near-duplicates: from which cosine on, whatever the size and the sign, and not by chance."""

from __future__ import annotations

import numpy as np
import pytest

from filtviz.measures.duplicates import closest_pair, pair_threshold
from filtviz.measures.kernels import Kernels
from filtviz.measures.pairs import compare_pairs
from filtviz.measures.table import MEASURES

DUPLICATES = MEASURES["duplicates"]


def with_cosine(cosine: float, n: int = 20, d: int = 20) -> np.ndarray:
    """Filters of d weights at right angles to one another, but for the last, which has this cosine with 3."""
    weights = np.eye(n, d)
    weights[n - 1] = cosine * weights[3] + np.sqrt(1 - cosine**2) * weights[n - 1]
    return weights.reshape(n, d, 1, 1)


def take(subject_of, weights: np.ndarray):
    subject = subject_of(weights)
    return DUPLICATES.take(subject), DUPLICATES.each(subject)["duplicates"]


@pytest.mark.parametrize(("n", "d", "cosine"), [(20, 9, 0.940), (20, 180, 0.296)])
def test_the_threshold_of_pairs(n: int, d: int, cosine: float) -> None:
    assert pair_threshold(n, d) == pytest.approx(cosine, abs=5e-4)


def test_parallel_filters_of_one_weight_are_no_news(subject_of) -> None:
    assert pair_threshold(20, 1) == 1
    finding, twins = take(subject_of, np.arange(1.0, 6.0).reshape(5, 1, 1, 1))
    assert not finding.found
    assert finding.text == "filters 0 and 1 (cos 1.00) are closest: no more than chance"
    assert twins == [()] * 5


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("cosine", "found"), [(0.9501, True), (-0.9501, True), (0.9499, False), (-0.9499, False)]
)
def test_near_duplicates_begin_at_95(subject_of, cosine, found) -> None:
    finding, twins = take(subject_of, with_cosine(cosine))
    assert (finding.found, finding.value, finding.threshold) == (found, pytest.approx(cosine), 0.95)
    pair = f"3 and 19 (cos {cosine:.2f})"
    assert finding.text == (
        f"1 pair of near-duplicates, first {pair}" if found else f"filters {pair} are closest: correlated"
    )
    expected = {3: (19,), 19: (3,)} if found else {}
    assert twins == [expected.get(i, ()) for i in range(20)]


def test_short_filters_need_more_than_95(subject_of) -> None:
    # Of three weights, some of forty filters nearly repeat one another by chance.
    weights = np.random.default_rng(0).standard_normal((40, 1, 1, 3))
    finding, twins = take(subject_of, weights)
    assert abs(finding.value) > 0.95
    assert finding.threshold > 0.999
    assert not finding.found
    assert not any(twins)


def test_random_filters_are_no_more_alike_than_chance(subject_of, noise) -> None:
    finding, twins = take(subject_of, noise((20, 4, 3, 3)).weights)
    assert not finding.found
    assert finding.text.endswith("are closest: no more than chance")
    assert not any(twins)


def test_pairs_are_counted(subject_of) -> None:
    weights = with_cosine(0.99)
    weights[7], weights[8] = -2 * weights[3], weights[11]
    finding, twins = take(subject_of, weights)
    assert finding.text == "4 pairs of near-duplicates, first 3 and 7 (cos -1.00)"
    assert twins[3] == (7, 19)
    assert twins[7] == (3, 19)
    assert (twins[8], twins[11]) == ((11,), (8,))


def test_one_filter_has_no_pair(subject_of, glorot) -> None:
    finding, twins = take(subject_of, glorot((1, 20, 3, 3)))
    assert (finding, twins) == (None, [()])


def test_two_filters_are_a_pair(subject_of) -> None:
    finding, twins = take(subject_of, np.stack([np.eye(3), -3 * np.eye(3)])[:, np.newaxis])
    assert finding.text == "1 pair of near-duplicates, first 0 and 1 (cos -1.00)"
    assert twins == [(1,), (0,)]


def test_filters_at_right_angles_have_no_closest() -> None:
    assert closest_pair(Kernels.of(np.eye(4).reshape(4, 4, 1, 1))) == (0, 1, 0.0)


@pytest.mark.slow
def test_the_closest_pair_of_noise_passes_the_threshold_one_time_in_a_hundred() -> None:
    random = np.random.default_rng(0)
    passed = [
        abs(closest_pair(Kernels.of(random.standard_normal((20, 1, 3, 3)))).cosine) > pair_threshold(20, 9)
        for _ in range(1000)
    ]
    assert 0 < np.mean(passed) < 0.025


def test_planted_duplicates_are_found_whatever_their_size_and_sign(noise, subject_of) -> None:
    weights = noise((20, 4, 3, 3)).weights.copy()
    weights[7] = -3 * weights[2]
    weights[11] = weights[2] + 1e-3 * weights[0]
    kernels = Kernels.of(weights)
    found = DUPLICATES.each(subject_of(weights))["duplicates"]
    assert {place: each for place, each in enumerate(found) if each} == {2: (7, 11), 7: (2, 11), 11: (2, 7)}
    assert closest_pair(kernels) == (2, 7, pytest.approx(-1))


def test_of_equally_close_pairs_the_first_is_named_whatever_the_last_digits_are(noise) -> None:
    weights = noise((600, 3, 3, 3)).weights.copy()
    weights[[17, 301, 555]] = 0.7 * weights[5], -1.3 * weights[5], 0.3 * weights[5]
    assert closest_pair(Kernels.of(weights)) == (5, 17, pytest.approx(1))


def test_pairs_are_those_of_the_matrix_of_all_cosines(noise) -> None:
    """Of tiles in single precision and of the whole in double: more filters than one tile holds."""
    weights = noise((300, 2, 3, 3)).weights.copy()
    weights[290] = -2 * weights[3]
    weights[299] = 0
    kernels = Kernels.of(weights)
    rows = kernels.rows / np.where(kernels.norms > 0, kernels.norms, 1)[:, np.newaxis]
    cosines = np.triu(rows @ rows.T, 1)
    pairs = compare_pairs(kernels.units, 0.7)
    known = (kernels.units @ kernels.units.T).astype(np.float32)
    before = known.copy()
    assert compare_pairs(kernels.units, 0.7, known).closest == pairs.closest
    assert np.array_equal(known, before)
    assert pairs.total == pytest.approx(np.abs(cosines).sum(), rel=1e-6)
    assert pairs.alike.tolist() == np.argwhere(np.abs(cosines) >= 0.7).tolist()
    assert len(pairs.alike) > 1
    assert pairs.cosines == pytest.approx(cosines[tuple(pairs.alike.T)], abs=1e-12)
    assert pairs.closest == (3, 290)
    assert pairs.cosine == pytest.approx(-1, abs=1e-12)
