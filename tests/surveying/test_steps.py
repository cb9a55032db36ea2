"""Each step of a survey gives what it gave, as ``tests/told/surveys.txt`` has it."""

from __future__ import annotations

import pytest
from tests import telling

from . import steps_told


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", steps_told.PARTS)
def test_each_step_of_a_survey_gives_what_it_gave(name: str) -> None:
    if name == "stores":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed (the extra survey)")
    wanted = (telling.GOLDEN / "surveys.txt").read_text(encoding="utf-8")
    own = wanted.partition(f"#### {name}\n")[2].partition("#### ")[0]
    assert list(steps_told.PARTS[name]()) == own.splitlines()
