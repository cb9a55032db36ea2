"""All that the program prints of small models, right and wrong ones: ``tests/told/commands/``.

A change that is meant is written there by ``python -m tests.telling``, and read before it is committed.
"""

from __future__ import annotations

import pytest
from tests import telling
from tests.cli import commands

SLOW = (
    "compare",
    "convert",
    "diagnose",
    "diagnoses",
    "export",
    "graph",
    "images",
    "plot",
    "report",
    "survey",
)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in commands.COMMANDS],
)
def test_a_command_prints_what_it_printed(name, tmp_path, monkeypatch):
    if name == "survey":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed (the extra survey)")
    monkeypatch.chdir(tmp_path)
    commands.fill(tmp_path)
    wanted = (telling.GOLDEN / "commands" / f"{name}.txt").read_text(encoding="utf-8")
    assert list(commands.COMMANDS[name]()) == wanted.splitlines()
