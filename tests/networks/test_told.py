"""What is answered of whole networks is as before."""

from __future__ import annotations

import os
import sys

import pytest

from tests import telling
from tests.networks import TABLES


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", TABLES)
def test_each_question_is_answered_as_before(name, monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)  # which would be taken where it is in use
    if name in ("asked", "files", "moments", "pools") and os.name == "nt":
        pytest.skip("needs links, signals, and paths as POSIX has them")
    wanted = (telling.GOLDEN / "networks" / f"{name}.txt").read_text(encoding="utf-8")
    assert telling.lines_of(TABLES[name]()) == wanted.splitlines()


def test_every_text_is_held():
    assert {path.stem for path in (telling.GOLDEN / "networks").iterdir()} == set(TABLES)
