"""What is told of small files of every format in which one place is another: ``tests/told/varied/``."""

from __future__ import annotations

import pytest

from tests.reading import varied


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", varied.held())
def test_a_file_with_another_fact_is_told_as_before(name):
    wanted = (varied.FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert varied.lines_of(name) == wanted.splitlines()
