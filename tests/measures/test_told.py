"""What is measured and said of layers is what it was: ``tests/told/measures/``."""

from __future__ import annotations

import pytest
from tests import telling

from . import (
    below_told,
    ends_told,
    estimates_told,
    layers_told,
    looks_told,
    near_told,
    nearly_told,
    numbers_told,
    parts_told,
    traces_told,
    words_told,
)

_MADE_UP = {
    **words_told.WORDS,
    **numbers_told.NUMBERS,
    **estimates_told.ESTIMATES,
    **parts_told.PARTS,
    **ends_told.ENDS,
    **below_told.BELOW,
    **near_told.NEAR,
    **nearly_told.NEARLY,
    "looks": looks_told.looks_told,
    "traces": traces_told.traces_told,
}


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "kind",
    telling.tables(layers_told.NETWORKS, ("afforded", "biases", "facts", "states", "surroundings", "values")),
)
def test_all_is_said_of_layers_that_was_said(kind: str) -> None:
    wanted = (telling.GOLDEN / "measures" / f"{kind}.txt").read_text(encoding="utf-8")
    assert list(layers_told.lines(kind)) == wanted.splitlines()


@pytest.mark.cases("all")
@pytest.mark.parametrize("kind", telling.tables(_MADE_UP, ("rules", "verdicts")))
def test_what_is_made_up_gives_the_numbers_verdicts_and_words_that_it_gave(kind: str) -> None:
    wanted = (telling.GOLDEN / "measures" / f"{kind}.txt").read_text(encoding="utf-8")
    assert list(_MADE_UP[kind]()) == wanted.splitlines()
