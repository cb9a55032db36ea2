"""What a file needs of each limit is enough; one less is refused, as ``tests/told/limits.txt`` says it."""

from __future__ import annotations

import ast
from dataclasses import fields
from pathlib import Path

import pytest

import filtviz
from filtviz.reading.limits import Limits
from tests import telling
from tests.reading.limiting import FILES, answers, needed, refusals


@pytest.fixture(scope="module")
def wanted() -> dict[str, list[str]]:
    """The lines of each file."""
    lines = (telling.GOLDEN / "limits.txt").read_text(encoding="utf-8").splitlines()
    return {name: [line for line in lines if line.startswith(f"{name} ")] for name in FILES}


@pytest.fixture(autouse=True)
def _read_once_before_any_of_its_tests(request: pytest.FixtureRequest) -> None:
    if "name" in request.fixturenames:
        needed(request.getfixturevalue("name"))


@pytest.mark.parametrize("name", FILES)
def test_what_is_needed_is_enough(name):
    whole = answers(name, Limits())
    for limit, n in needed(name).items():
        assert answers(name, Limits(**{limit: n})) == whole


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", FILES)
def test_one_less_than_is_needed_is_refused_in_the_same_words(name, wanted):
    assert list(refusals(name)) == wanted[name]


def test_every_limit_is_needed_by_one_of_the_files(wanted):
    refused = {line.split()[1] for lines in wanted.values() for line in lines}
    assert {one.name for one in fields(Limits)} - refused <= {"ratio", "memo", "nesting", "members"}


@pytest.mark.slow  # all of the source is parsed
def test_what_is_counted_counts_at_least_as_one() -> None:
    counted = [
        node.args[0].value
        for path in sorted(Path(filtviz.__file__).parent.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "spend"
        and isinstance(node.args[0], ast.Constant)
        and not isinstance(node.args[0].value, str)
    ]
    assert len(counted) > 20
    assert min(counted) >= 1
