"""Everything lies on sheets and figures, and stands in terminals, where it did: ``tests/told/sheets.txt``,
``figures.txt``, ``drawn_parts.txt``, ``drawn_whole.txt`` and ``chosen.txt``."""

from __future__ import annotations

import pytest
from tests import telling

from . import chosen_told, figures_told, parts_told, sheets_told, whole_told


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", ["sheets", "figures", "drawn_parts", "drawn_whole", "chosen"])
def test_sheets_and_figures_hold_what_they_held(name: str) -> None:
    if name == "chosen":
        telling.need_the_same_libraries()
    wanted = (telling.GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    told = {
        "sheets": sheets_told,
        "figures": figures_told,
        "drawn_parts": parts_told,
        "chosen": chosen_told,
        "drawn_whole": whole_told,
    }
    assert list(told[name].all_lines()) == wanted.splitlines()
