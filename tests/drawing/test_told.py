"""Everything lies on sheets and figures, and stands in terminals, where it did: ``tests/told/sheets.txt``,
``figures.txt`` and ``chosen.txt``."""

from __future__ import annotations

import pytest
from tests import telling

from . import chosen_told, figures_told, sheets_told


@pytest.mark.parametrize("name", ["sheets", "figures", "chosen"])
def test_sheets_and_figures_hold_what_they_held(name: str) -> None:
    if name == "chosen":
        telling.need_the_same_libraries()
    wanted = (telling.GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    told = {"sheets": sheets_told, "figures": figures_told, "chosen": chosen_told}[name]
    assert list(told.all_lines()) == wanted.splitlines()
