"""Thresholds, limits, tables and defaults are what they were: ``tests/told/constants/``.

A change that is meant is written there by ``python -m tests.telling``, and read before it is committed.
"""

from __future__ import annotations

import pytest

from tests import telling
from tests.deciding import PLACES, constants


@pytest.mark.cases("all")
@pytest.mark.parametrize("place", PLACES)
def test_what_decides_is_as_before(place):
    wanted = (telling.GOLDEN / "constants" / f"{place}.txt").read_text(encoding="utf-8")
    assert list(constants(place)) == wanted.splitlines()


def test_every_place_is_held():
    assert {path.stem for path in (telling.GOLDEN / "constants").iterdir()} == set(PLACES)
