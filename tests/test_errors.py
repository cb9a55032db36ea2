"""What errors carry beside their sentence, wherever in the source they are raised."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import filtviz
from filtviz import errors

SOURCE = Path(filtviz.__file__).parent

CARRIES = {"SelectionError": "wanted", "OutputError": "path"}
WITHOUT = {
    "SelectionError": {  # of weights and a graph that do not fit, or of an option where none may be
        "given.py": 1,
        "reading/formats/torch/__init__.py": 1,
        "reading/grafting.py": 5,
        "reading/__init__.py": 1,
    },
    "OutputError": {"cli/streams.py": 2},  # of the standard output, which has no path
}
"""An error → where it is raised without the fact that it carries, and how often."""


def _raised(name: str) -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                yield path.relative_to(SOURCE).as_posix(), node


@pytest.mark.slow  # all of the source is parsed
@pytest.mark.parametrize("name", CARRIES)
def test_an_error_carries_what_it_is_about_wherever_it_is_raised(name) -> None:
    found = list(_raised(name))
    assert len(found) > 10
    without = [place for place, call in found if CARRIES[name] not in {one.arg for one in call.keywords}]
    assert dict(Counter(without)) == WITHOUT[name]


def test_facts_that_are_not_given_are_none_and_those_that_are_stay() -> None:
    for cls in (errors.ReadError, errors.OutputError):
        assert cls("m").path is None
        assert cls("m", path="p").path == "p"
    for cls in (errors.RunningError, errors.ConversionError):
        assert cls("m").layer is None
        assert cls("m", layer=3).layer == 3
    nothing, something = (
        errors.SelectionError("m"),
        errors.SelectionError("m", wanted=2, available=["a", "b"]),
    )
    assert (nothing.wanted, nothing.available) == (None, ())
    assert (something.wanted, something.available, str(something)) == (2, ("a", "b"), "m")
    limit = errors.LimitError("m", limit="layers", allowed=3, option="--max-layers")
    assert (limit.limit, limit.allowed, limit.option) == ("layers", 3, "--max-layers")
    budget = errors.BudgetError("m", share="work", needed=5, allowed=4, option="--max-work")
    assert (budget.share, budget.needed, budget.allowed, budget.option) == ("work", 5, 4, "--max-work")
