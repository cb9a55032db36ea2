"""How numbers are said."""

from __future__ import annotations

import pytest

from filtviz.measures.wording import about, listed, p_value, percent, plural


@pytest.mark.parametrize(
    ("share", "said"), [(0, "0%"), (0.001, "under 1%"), (0.456, "46%"), (0.995, "over 99%"), (1, "100%")]
)
def test_percentages(share, said) -> None:
    assert percent(share) == said


def test_estimates() -> None:
    assert [about(0.92), about(0.999), about(0.001)] == ["about 92%", "over 99%", "under 1%"]


@pytest.mark.parametrize(
    ("p", "said"), [(0.5, "p = 0.50"), (0.032, "p = 0.032"), (2e-7, "p = 2e-7"), (0.0, "p < 1e-50")]
)
def test_p_values(p, said) -> None:
    assert p_value(p) == said


def test_lists() -> None:
    assert [listed([]), listed(["a"]), listed(["a", "b"])] == ["none", "a", "a and b"]
    assert listed(list("abcdefghij"), limit=4) == "a, b, c and 7 more"
    assert [plural(1, "filter"), plural(1200, "filter")] == ["1 filter", "1,200 filters"]
