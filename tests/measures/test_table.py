"""The table of measures: complete, and docs/measures.md is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from filtviz.cli.explain import as_markdown
from filtviz.errors import MeasureError
from filtviz.measures.table import JUDGING, MEASURES, measure_named

DOCS = Path(__file__).resolve().parents[2] / "docs" / "measures.md"


def test_every_entry_says_everything() -> None:
    for entry in MEASURES.values():
        assert all(entry.as_text().values()), entry.key
        assert entry.short_null


def test_those_that_judge_are_named_so() -> None:
    assert {entry.key for entry in MEASURES.values() if entry.judges} == set(JUDGING)


def test_an_unknown_measure_lists_the_known_ones() -> None:
    with pytest.raises(MeasureError, match=r"there is no measure 'x' \(there are: bias, bound, initialiser"):
        measure_named("x")


def test_the_page_is_up_to_date() -> None:
    assert DOCS.read_text() == as_markdown(), "write it anew: filtviz explain --markdown > docs/measures.md"
