"""Tables that fit the window: what is too wide is broken, whatever it looks like."""

from __future__ import annotations

import pytest

from filtviz.paper import Paper


@pytest.mark.parametrize("cell", ["1,458,689,133,555,777", "1e5_and_so_on_and_on", "nan_of_all_there_is"])
def test_a_long_cell_is_broken_as_it_stands(cell: str) -> None:
    lines = Paper(14).table([[cell, "a"]], ["n", "m"]).splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= 14
    assert "".join(line.split()[0] for line in lines[2:]) == cell


def test_what_fits_stays_in_its_line() -> None:
    assert Paper(40).table([["1,234", "a b"], ["", "c"]], ["n", "m"]).splitlines()[2:] == [
        "1,234  a b",
        "       c",
    ]
    assert Paper(40).table([], ["n", "m"]).splitlines()[0].split() == ["n", "m"]


def test_the_widest_column_is_broken_first_and_the_others_stay_in_their_lines() -> None:
    cells = ["a name", "a very long sentence that goes on and on", "a middling text"]
    lines = Paper(50).table([cells], ["one", "two", "three"]).splitlines()
    assert max(map(len, lines)) <= 50
    assert cells[0] in lines[2]
    assert cells[2] in lines[2]
    assert cells[1] not in lines[2]


def test_lines_of_a_cell_stay_lines_where_it_is_broken() -> None:
    lines = Paper(20).table([["a b\nc d", "x" * 12]], ["n", "m"], maxcolwidths=[8, 12]).splitlines()
    assert [line.rstrip() for line in lines[2:]] == ["a b  xxxxxxxxxxxx", "c d"]


@pytest.mark.parametrize("width", [24, 10])
def test_a_paragraph_is_broken_at_blanks_alone(width: int) -> None:
    """Names of files and options are read and copied whole."""
    text = "see --very-long-option-name and run1/some-model-file.pkl"
    assert Paper(width).wrapped(text).splitlines() == [
        "see",
        "--very-long-option-name",
        "and",
        "run1/some-model-file.pkl",
    ]


def test_an_empty_paragraph_is_nothing_and_no_empty_line() -> None:
    assert (Paper(24).wrapped(""), Paper(24).wrapped("a b")) == ("", "a b\n")


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("columns", "width"), [("10", 40), ("40", 40), ("77", 77), ("100", 100), ("101", 100), ("400", 100)]
)
def test_lines_are_as_long_as_the_window_between_40_and_100(columns: str, width: int, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert Paper.of_window().width == width
