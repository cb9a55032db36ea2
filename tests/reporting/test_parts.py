"""Each part of a page is what it was, as ``tests/told/page_parts.txt`` has it."""

from __future__ import annotations

import pytest
from tests import telling

from . import parts_told


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", parts_told.PARTS)
def test_a_part_of_a_page_is_what_it_was(name: str) -> None:
    wanted = (telling.GOLDEN / "page_parts.txt").read_text(encoding="utf-8")
    own = wanted.partition(f"#### {name}\n")[2].partition("#### ")[0]
    assert list(parts_told.PARTS[name]()) == own.splitlines()
