"""Dead and decayed filters: what is proved, what is not found, and how it is said."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from filtviz.measures.dead import decayed_filters
from filtviz.measures.initialiser_catalogue import DEFAULT
from filtviz.measures.measure import FilterDiagnosis
from filtviz.measures.subject import Identified
from filtviz.measures.table import MEASURES
from filtviz.running.intervals import Interval

DEAD, DECAYED = MEASURES["dead"], MEASURES["decayed"]


def marked(n: int, **which: tuple[int, ...]) -> tuple[FilterDiagnosis, ...]:
    return tuple(
        FilterDiagnosis(index=i, norm=1.0, **{name: i in places for name, places in which.items()})
        for i in range(n)
    )


def test_a_bound_of_exactly_zero_is_dead(subject_of, glorot) -> None:
    subject = subject_of(glorot((3, 1, 3, 3)), np.zeros(3))
    bounded = dataclasses.replace(subject, bounds=Interval(np.full(3, -1.0), np.array([0.0, 1e-12, -1.0])))
    assert DEAD.each(bounded) == {"dead": [True, False, True]}
    assert DEAD.each(dataclasses.replace(subject, bounds=None)) == {}


def test_what_is_said_of_dead_filters(subject_of, glorot) -> None:
    subject = subject_of(glorot((3, 1, 3, 3)), np.zeros(3), input_range=(0, 1))
    none = DEAD.sum_up(subject, marked(3))
    assert (none.value, none.found, none.text) == (0, False, "none can be proved dead; others still may be")
    one = DEAD.sum_up(subject, marked(3, dead=(1,)))
    assert (one.value, one.found, one.text) == (1, True, "filter 1 provably dead")
    two = DEAD.sum_up(subject, marked(3, dead=(0, 2)))
    assert (two.value, two.text) == (2, "filters 0 and 2 provably dead")
    unknown = DEAD.sum_up(dataclasses.replace(subject, bounds=None), marked(3))
    assert (unknown.value, unknown.found) == (None, False)
    assert unknown.text == "no bound is known (see `filtviz explain dead`)"


@pytest.mark.parametrize(("factor", "decayed"), [(0.0999, True), (0.1001, False)])
def test_a_tenth_of_the_initial_norm_is_decayed(subject_of, glorot, factor, decayed) -> None:
    weights = glorot((20, 8, 3, 3), dtype="float64").copy()
    usual = DEFAULT.std(weights.shape) * np.sqrt(8 * 9)
    weights[4] *= factor * usual / np.linalg.norm(weights[4])
    subject = dataclasses.replace(subject_of(weights), rule=Identified(DEFAULT, known=True))
    assert np.flatnonzero(decayed_filters(subject)).tolist() == ([4] if decayed else [])


def test_without_a_known_rule_smaller_layers_are_not_decayed_as_a_whole(subject_of, glorot) -> None:
    weights = 0.05 * glorot((20, 8, 3, 3), dtype="float64")
    weights[4] *= 0.05
    subject = subject_of(weights)
    unknown = dataclasses.replace(subject, rule=Identified(DEFAULT, known=False))
    assert np.flatnonzero(decayed_filters(unknown)).tolist() == [4]
    assert decayed_filters(dataclasses.replace(subject, rule=Identified(DEFAULT, known=True))).all()


def test_without_a_known_rule_large_layers_are_held_against_what_is_usual(subject_of, glorot) -> None:
    weights = 100 * glorot((20, 8, 3, 3), dtype="float64")
    weights[4] *= 0.05
    unknown = dataclasses.replace(subject_of(weights), rule=Identified(DEFAULT, known=False))
    assert not decayed_filters(unknown).any()


def test_what_is_said_of_decayed_filters(subject_of, glorot) -> None:
    subject = subject_of(glorot((3, 1, 3, 3)))
    none = DECAYED.sum_up(subject, marked(3))
    assert (none.value, none.found, none.text) == (0, False, "none")
    two = DECAYED.sum_up(subject, marked(3, decayed=(0, 2)))
    assert (two.value, two.found, two.text) == (2, True, "filters 0 and 2 decayed to almost nothing")
