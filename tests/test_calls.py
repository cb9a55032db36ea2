"""What functions give back, write and refuse is what it was, as ``tests/told/calls/`` has it."""

from __future__ import annotations

import os

import pytest

from . import calls_told, telling

pytestmark = pytest.mark.skipif(os.name != "posix", reason="tells paths as POSIX has them")


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", calls_told.CALLS)
def test_each_call_is_answered_as_before(name: str) -> None:
    wanted = (telling.GOLDEN / "calls" / f"{name}.txt").read_text(encoding="utf-8")
    assert list(calls_told.calls(name)) == wanted.splitlines()
