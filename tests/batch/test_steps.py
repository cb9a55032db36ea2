"""Each run of an export gives what it gave, as ``tests/told/exports.txt`` has it."""

from __future__ import annotations

import pytest
from tests import telling

from . import steps_told


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", steps_told.PARTS)
def test_each_run_of_an_export_gives_what_it_gave(name: str) -> None:
    wanted = (telling.GOLDEN / "exports.txt").read_text(encoding="utf-8")
    own = wanted.partition(f"#### {name}\n")[2].partition("#### ")[0]
    assert list(steps_told.PARTS[name]()) == own.splitlines()
