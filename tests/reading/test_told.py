"""All that is told of every model among the fixtures: origin, layers, operations, and the bytes of arrays."""

from __future__ import annotations

import pytest

from tests import telling

GROUPS = telling.groups()


@pytest.mark.parametrize("group", GROUPS)
def test_what_is_told_of_a_file_is_as_before(group):
    """A change that is meant is written by ``python -m tests.telling``, and read before it is committed."""
    wanted = (telling.GOLDEN / f"{group}.txt").read_text(encoding="utf-8")
    assert telling.text_of(GROUPS[group]).splitlines() == wanted.splitlines()


def test_every_text_is_held():
    assert {path.stem for path in telling.GOLDEN.iterdir()} == set(GROUPS)
