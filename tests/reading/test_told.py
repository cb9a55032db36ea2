"""All that is told of every model among the fixtures, and of every operator that a format knows.

Both stand in ``tests/told/``. A change that is meant is written there by ``python -m tests.telling``, and
read before it is committed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import telling
from tests.reading.damage import DAMAGED, damaged
from tests.reading.operators import FORMATS

GROUPS = telling.groups()


@pytest.mark.cases("all")
@pytest.mark.parametrize("group", GROUPS)
def test_what_is_told_of_a_file_is_as_before(group):
    wanted = (telling.GOLDEN / f"{group}.txt").read_text(encoding="utf-8")
    assert telling.text_of(GROUPS[group]).splitlines() == wanted.splitlines()


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", FORMATS)
def test_each_operator_does_with_its_attributes_what_it_did(name):
    wanted = (telling.GOLDEN / "operators" / f"{name}.txt").read_text(encoding="utf-8")
    assert telling.lines_of(FORMATS[name]()) == wanted.splitlines()


@pytest.mark.cases(5)
@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_told_in_the_same_words(name):
    wanted = (telling.GOLDEN / "damaged" / f"{Path(name).name}.txt").read_text(encoding="utf-8")
    assert list(damaged(name)) == wanted.splitlines()


def test_every_text_is_held():
    assert {*GROUPS, "attacks", "limits"} <= {path.stem for path in telling.GOLDEN.glob("*.txt")}
    assert {path.stem for path in (telling.GOLDEN / "operators").iterdir()} == set(FORMATS)
    assert {path.stem for path in (telling.GOLDEN / "damaged").iterdir()} == {
        Path(name).name for name in DAMAGED
    }
