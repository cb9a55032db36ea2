"""What windows of any width show is what they showed, as ``tests/told/screens.txt`` has it."""

from __future__ import annotations

import pytest
from tests import telling

from . import screens_told


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", screens_told.PARTS)
def test_a_window_shows_what_it_showed(name: str) -> None:
    wanted = (telling.GOLDEN / "screens.txt").read_text(encoding="utf-8")
    own = wanted.partition(f"#### {name}\n")[2].partition("#### ")[0]
    assert list(screens_told.PARTS[name]()) == own.splitlines()
