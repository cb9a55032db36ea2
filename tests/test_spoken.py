"""What is said of texts, numbers and names is what was said, as ``tests/told/spoken.txt`` has it."""

from __future__ import annotations

import os

import pytest

from . import spoken_told, telling

pytestmark = pytest.mark.skipif(os.name != "posix", reason="tells paths as POSIX has them")


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", spoken_told.PARTS)
def test_what_is_said_is_what_was_said(name: str) -> None:
    wanted = (telling.GOLDEN / "spoken.txt").read_text(encoding="utf-8")
    own = wanted.partition(f"#### {name}\n")[2].partition("#### ")[0]
    assert list(spoken_told.PARTS[name]()) == own.splitlines()
