"""``filtviz explain``."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from filtviz.cli import main
from filtviz.measures.table import MEASURES


def run(*arguments: str):
    return CliRunner().invoke(main, ["explain", *arguments])


def test_a_measure_is_told_in_full() -> None:
    result = run("spike")
    assert result.exit_code == 0
    assert result.stdout.startswith(
        "Low-rank spike (spike)\n\nof          layer\nformula     λ₁ of the O x Cp matrix"
    )
    assert "Johnstone 2001" in result.stdout
    assert "cannot say  Silent on first layers trained with Adam." in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


@pytest.mark.parametrize("key", MEASURES)
def test_every_measure_can_be_told(key: str) -> None:
    result = run(key)
    assert result.exit_code == 0
    assert f"({key})" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_without_a_name_all_are_listed() -> None:
    result = run()
    assert result.exit_code == 0
    assert all(f"\n{key} " in result.stdout for key in MEASURES)


def test_json() -> None:
    entry = json.loads(run("dead", "--json").stdout)
    assert entry["measure"] == "dead"
    headings = "measure, title, of, formula, null, counts if, supports, cannot say, in verdict, source"
    assert list(entry) == headings.split(", ")
    assert [each["measure"] for each in json.loads(run("--json").stdout)] == list(MEASURES)


def test_an_unknown_measure_is_one_sentence() -> None:
    result = run("nonsense")
    assert result.exit_code == 1
    assert result.stderr.startswith("filtviz: there is no measure 'nonsense' (there are: bias, ")
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
def test_explaining_stays_light() -> None:
    code = (
        "import sys; from filtviz.cli import main\n"
        "main(['explain', 'spike'], standalone_mode=False)\n"
        "print({'scipy', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("set()\n")
