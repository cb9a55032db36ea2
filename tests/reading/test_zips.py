"""Members of zips."""

from __future__ import annotations

import io
import zipfile

import pytest

from filtviz.reading.limits import Inflation, Limits
from filtviz.reading.zips import HEAD, read_members

HELD = bytes(range(256)) * 1024


@pytest.mark.parametrize(("method", "counts"), [(zipfile.ZIP_DEFLATED, True), (zipfile.ZIP_STORED, False)])
def test_what_is_inflated_to_see_how_a_member_begins_counts(method: int, counts: bool) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("a.npy", HELD)
    budget = Inflation(Limits())
    budget.present = len(stream.getvalue())
    (member,) = read_members(stream.getvalue(), budget)
    assert member.head(5) == bytes(range(5))
    assert (budget.streams, budget.inflated) == ((1, 5) if counts else (0, 0))
    assert member.head() == HELD[:HEAD]
    assert (budget.streams, budget.inflated) == ((2, 5 + HEAD) if counts else (0, 0))
    assert bytes(member.open()) == HELD
    assert (budget.streams, budget.inflated) == ((3, 5 + HEAD + len(HELD)) if counts else (0, 0))
