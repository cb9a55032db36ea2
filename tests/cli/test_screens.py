"""What windows show, streams take and scripts get is what it was, as files of ``tests/told/`` have it."""

from __future__ import annotations

import pytest
from tests import telling

from . import json_told, lengths_told, results_told, saying_told, screens_told, wording_told

TOLD = {
    "screens": screens_told,
    "saying": saying_told,
    "json": json_told,
    "wording": wording_told,
    "lengths": lengths_told,
    "results": results_told,
}


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, told in TOLD.items() for name in told.PARTS]
)
def test_what_is_shown_is_what_was_shown(kind: str, name: str) -> None:
    wanted = (telling.GOLDEN / f"{kind}.txt").read_text(encoding="utf-8")
    own = wanted.partition(f"#### {name}\n")[2].partition("#### ")[0]
    assert list(TOLD[kind].PARTS[name]()) == own.splitlines()
