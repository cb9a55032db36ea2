"""Each step of a survey, and each part of one, gives what it gave, as files of ``tests/told/`` have it."""

from __future__ import annotations

import pytest
from tests import telling

from . import files_told, parts_told, steps_told

TOLD = {"surveys": steps_told, "survey_parts": parts_told, "survey_files": files_told}


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, told in TOLD.items() for name in told.PARTS]
)
def test_each_step_of_a_survey_gives_what_it_gave(kind: str, name: str) -> None:
    if name in ("stores", *parts_told.TABLES, *files_told.TABLES):
        pytest.importorskip("pyarrow", reason="pyarrow is not installed (the extra survey)")
    wanted = (telling.GOLDEN / f"{kind}.txt").read_text(encoding="utf-8")
    own = wanted.partition(f"#### {name}\n")[2].partition("#### ")[0]
    assert list(TOLD[kind].PARTS[name]()) == own.splitlines()
