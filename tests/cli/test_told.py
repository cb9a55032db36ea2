"""All that the program prints of small models, right and wrong ones: ``tests/told/commands/``.

A change that is meant is written there by ``python -m tests.telling``, and read before it is committed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from tests import telling
from tests.cli import commands

SLOW = (
    "compare", "comparing", "diagnose", "diagnoses", "diagnosing", "exporting", "images", "plot", "plotting",
    "report", "showing",
)  # fmt: skip
DRAWN = ("comparing", "exporting", "names", "plotting", "reporting", "showing", "telling")
"""Those that tell pixels of letters, or which numpy wrote a pickle."""

LONG_NUMBER = re.compile(r"-?\d+\.\d{9,}(?:e[-+]?\d+)?")


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", telling.tables(commands.COMMANDS, SLOW))
def test_a_command_prints_what_it_printed(name, tmp_path, monkeypatch):
    if name == "survey":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed (the extra survey)")
    if name in DRAWN:
        telling.need_the_same_libraries()
    monkeypatch.chdir(tmp_path)
    commands.fill(tmp_path)
    wanted = (telling.GOLDEN / "commands" / f"{name}.txt").read_text(encoding="utf-8")
    assert rounded(commands.COMMANDS[name]()) == rounded(wanted.splitlines())


def rounded(lines: Iterable[str]) -> list[str]:
    """Leave out the last digits of long numbers, which another processor sums up in another order."""
    return [LONG_NUMBER.sub(lambda number: f"{float(number[0]):.9g}", line) for line in lines]


def test_only_what_no_eye_sees_is_rounded():
    assert rounded(["a 1.23456789012,7"]) == rounded(["a 1.23456789034,7"]) == ["a 1.23456789,7"]
    assert rounded(["1.2345678"]) != rounded(["1.2345679"])
    assert rounded(["1.23456789012"]) != rounded(["1.23456799012"])
