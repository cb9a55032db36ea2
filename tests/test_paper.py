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
