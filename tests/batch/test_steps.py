"""Each run of an export, and each part of one, gives what it gave, as files of ``tests/told/`` have it."""

from __future__ import annotations

import pytest
from tests import telling

from . import ends_told, parts_told, steps_told

TOLD = {"exports": steps_told, "export_parts": parts_told, "export_ends": ends_told}


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, told in TOLD.items() for name in told.PARTS]
)
def test_each_step_of_an_export_gives_what_it_gave(kind: str, name: str) -> None:
    wanted = (telling.GOLDEN / f"{kind}.txt").read_text(encoding="utf-8")
    own = wanted.partition(f"#### {name}\n")[2].partition("#### ")[0]
    assert list(TOLD[kind].PARTS[name]()) == own.splitlines()
