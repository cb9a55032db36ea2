"""What the page's script is told of a layer: columns to sort by, marks, remarks, pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from filtviz.measures.badges import ALL_BADGES
from filtviz.measures.measure import Change, FilterChange, FilterDiagnosis
from filtviz.reporting import gather
from filtviz.reporting.content import Section, filter_data, marked_filters

from .models import network


@pytest.fixture(scope="module")
def section() -> Section:
    (one,) = gather(
        [network((3, 1, 3, 3), path="a.pkl"), network((3, 1, 3, 3), path="b.pkl", seed=1)]
    ).sections
    return one


def with_filters(section: Section, *of_states: tuple[FilterDiagnosis, ...]) -> Section:
    """The section with other findings at its filters, and no changes."""
    states = tuple(
        replace(state, diagnosis=replace(state.diagnosis, filters=filters, changes=()))
        for state, filters in zip(section.states, of_states, strict=True)
    )
    return replace(section, states=states)


def columns_of(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {column["title"]: column for column in data["columns"]}


def test_each_number_is_a_column_with_its_measure_and_its_better_end(section: Section) -> None:
    known = FilterDiagnosis(
        index=0, norm=1.0, share=2.0, share_p=3.0, composed_p=4.0, likeness=5.0, coherence=6.0, angle=7.0,
        reliance=8.0,
    )  # fmt: skip
    data = filter_data(with_filters(section, (known,), ()))
    told = [
        (column["title"], column["measure"], column["ascending"], column["values"][0][0])
        for column in data["columns"]
    ]
    assert told == [
        ("norm", None, False, 1.0),
        ("low-frequency share", "low-frequency", False, 2.0),
        ("p-value of that share", "low-frequency", True, 3.0),
        ("p-value when composed", "composed", True, 4.0),
        ("cosine with the nearest classical kernel", "classical", False, 5.0),
        ("orientation coherence", "orientation", False, 6.0),
        ("angle in degrees", "orientation", True, 7.0),
        ("reliance of the following layer", "coupling", False, 8.0),
    ]
    assert (data["label"], data["filters"], data["files"]) == ("conv1", 3, ["a.pkl", "b.pkl"])


def test_values_stand_at_their_filter_and_file_and_have_three_digits(section: Section) -> None:
    first = (FilterDiagnosis(index=2, norm=1.23456),)
    second = (FilterDiagnosis(index=0, norm=float("nan")), FilterDiagnosis(index=1, norm=1234.5))
    data = filter_data(with_filters(section, first, second))
    assert columns_of(data)["norm"]["values"] == [[None, None, 1.23], [None, 1230.0, None]]


def test_a_number_that_no_filter_has_is_no_column(section: Section) -> None:
    data = filter_data(with_filters(section, (FilterDiagnosis(index=0, norm=1.0, angle=0.0),), ()))
    assert list(columns_of(data)) == ["norm", "angle in degrees"]


def test_change_is_measured_from_the_first_file(section: Section) -> None:
    def change(name: str, value: float) -> Change:
        filters = tuple(FilterChange(index=i, cos2=value, relative_change=2 * value) for i in range(3))
        return Change(before=name, filters=filters)

    first, second = section.states
    diagnosis = replace(second.diagnosis, changes=(change("a.pkl", 0.5), change("other.pkl", 0.25)))
    data = columns_of(filter_data(replace(section, states=(first, replace(second, diagnosis=diagnosis)))))
    cosines, changes = data["cos² with a.pkl"], data["relative change from a.pkl"]
    assert (cosines["values"], cosines["ascending"]) == ([[None] * 3, [0.5] * 3], True)
    assert (changes["values"], changes["ascending"]) == ([[None] * 3, [1.0] * 3], False)
    assert {cosines["measure"], changes["measure"]} == {"change"}


def test_a_lone_file_has_not_changed() -> None:
    (one,) = gather(network((3, 1, 3, 3))).sections
    assert not [title for title in columns_of(filter_data(one)) if "change" in title or "cos²" in title]


def test_remarks_say_what_no_number_says(section: Section) -> None:
    filters = (
        FilterDiagnosis(index=0, norm=1.0, classical="Sobel", classical_channel=4),
        FilterDiagnosis(index=1, norm=1.0, duplicates=(0, 2)),
        FilterDiagnosis(index=2, norm=1.0, classical="Laplace", classical_channel=0, duplicates=(1,)),
    )
    assert filter_data(with_filters(section, filters, ()))["remarks"] == [
        [
            "like Sobel in channel 4",
            "near-duplicate of 0, 2",
            "like Laplace in channel 0; near-duplicate of 1",
        ],
        ["", "", ""],
    ]


def test_marks_are_places_in_the_table_of_badges(section: Section) -> None:
    filters = (
        FilterDiagnosis(index=0, norm=1.0, texture="rough", dead=True),
        FilterDiagnosis(index=2, norm=1.0, dead=True),
    )
    marked = with_filters(section, filters, ())
    data = filter_data(marked)
    words = [[[data["badges"][i]["text"] for i in marks] for marks in file] for file in data["marks"]]
    assert words == [[["dead", "rough"], [], ["dead"]], [[], [], []]]
    assert len(data["badges"]) == len(ALL_BADGES)
    found = [(badge.word, indices) for badge, indices in marked_filters(marked.states[0])]
    assert found == [("dead", [0, 2]), ("rough", [0])]
    assert marked_filters(marked.states[1]) == []


def test_pictures_are_named_after_section_kind_and_file(section: Section) -> None:
    (kernels,) = filter_data(section)["pictures"]
    assert [sprite["id"] for sprite in kernels["sprites"]] == ["layer-0-kernels-0", "layer-0-kernels-1"]
    assert (kernels["rows"], kernels["cols"], kernels["gap"]) == (3, 3, 1)
    largest = [float(np.abs(state.layer.filters).max()) for state in section.states]
    assert kernels["limit"] == max(largest)
    assert largest[0] != largest[1]
