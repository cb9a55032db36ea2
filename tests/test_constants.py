"""Thresholds, limits, tables, defaults and words are what they were: ``tests/told/constants/`` and beside it.

A change that is meant is written there by ``python -m tests.telling``, and read before it is committed.
"""

from __future__ import annotations

import ast

import pytest

from tests import telling
from tests.deciding import KINDS, PLACES, _numbers_of, _sentences_of


def check(kind: str, place: str) -> None:
    wanted = (telling.GOLDEN / kind / f"{place}.txt").read_text(encoding="utf-8")
    assert list(KINDS[kind](place)) == wanted.splitlines()


@pytest.mark.cases("all")
@pytest.mark.parametrize("place", PLACES)
def test_what_decides_is_as_before(place):
    check("constants", place)


@pytest.mark.cases("all")
@pytest.mark.parametrize("place", PLACES)
def test_numbers_within_functions_and_sentences_are_as_before(place):
    check("numbers", place)
    check("sentences", place)


@pytest.mark.parametrize("kind", KINDS)
def test_every_place_is_held(kind):
    assert {path.stem for path in (telling.GOLDEN / kind).iterdir()} == set(PLACES)


CODE = '''
"""A text of the module."""

LIMIT = 7


class Thing:
    """A class."""

    def of(self, name, n=5):
        """Say it."""

        def inner():
            return 8.5

        if n > 40 and n != -3:
            return f"it has {len(name):,} of {name!r}" + " or so"
        return "word", f"{n + 1}"
'''


def test_a_sentence_is_told_with_what_stands_in_its_fields():
    assert sorted(_sentences_of(ast.parse(CODE))) == [
        " or so",
        "it has {len name:,} of {name!r}",
        "{n Add 1}",
    ]
    exchanged = CODE.replace("{len(name):,} of {name!r}", "{name!r} of {len(name):,}")
    assert list(_sentences_of(ast.parse(exchanged))) != list(_sentences_of(ast.parse(CODE)))


def test_numbers_are_told_of_the_function_in_which_they_stand():
    assert list(_numbers_of(ast.parse(CODE))) == ["Thing.of: 5, 40, 3", "Thing.of.inner: 8.5"]
