"""Everything lies on sheets, and stands in terminals, where it did: ``tests/told/sheets.txt``."""

from __future__ import annotations

from tests import telling

from .sheets_told import all_lines


def test_sheets_hold_what_they_held():
    wanted = (telling.GOLDEN / "sheets.txt").read_text(encoding="utf-8")
    assert list(all_lines()) == wanted.splitlines()
