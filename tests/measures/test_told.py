"""What is measured and said of layers is what it was: ``tests/told/measures/``."""

from __future__ import annotations

import pytest
from tests import telling

from . import layers_told, words_told


@pytest.mark.cases("all")
@pytest.mark.parametrize("kind", layers_told.NETWORKS)
def test_all_is_said_of_layers_that_was_said(kind: str) -> None:
    wanted = (telling.GOLDEN / "measures" / f"{kind}.txt").read_text(encoding="utf-8")
    assert list(layers_told.lines(kind)) == wanted.splitlines()


@pytest.mark.cases("all")
@pytest.mark.parametrize("kind", words_told.WORDS)
def test_made_up_findings_give_the_verdicts_and_words_that_they_gave(kind: str) -> None:
    wanted = (telling.GOLDEN / "measures" / f"{kind}.txt").read_text(encoding="utf-8")
    assert list(words_told.WORDS[kind]()) == wanted.splitlines()
