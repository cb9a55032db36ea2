"""Who gets which badge."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from filtviz.drawing.sheet import NOTHING_FOUND, SheetTexts, with_badges
from filtviz.measures.badges import ALL_BADGES, badges_of
from filtviz.measures.measure import FilterDiagnosis

WORDS: list[tuple[str, str, dict[str, Any]]] = [
    ("!", "not finite", {"nonfinite": True}),
    ("x", "dead", {"dead": True}),
    ("-", "decayed", {"decayed": True}),
    ("=", "twin", {"duplicates": (0,)}),
    ("s", "smooth", {"texture": "smooth"}),
    ("r", "rough", {"texture": "rough"}),
    ("S", "low-pass", {"composed_texture": "smooth"}),
    ("R", "fine", {"composed_texture": "rough"}),
    ("k", "classical", {"classical": "edge"}),
]
BARE = FilterDiagnosis(index=3, norm=1.0)


def badges(*filters: FilterDiagnosis) -> dict[int, tuple[str, ...]]:
    layer: Any = SimpleNamespace(filters=filters)
    return {index: tuple(badge.word for badge in found) for index, found in badges_of(layer).items()}


@pytest.mark.cases("all")
@pytest.mark.parametrize(("symbol", "word", "fields"), WORDS)
def test_each_badge_stands_for_what_was_found(symbol, word, fields) -> None:
    assert badges(replace(BARE, **fields), replace(BARE, index=5)) == {3: (word,)}
    assert [badge.symbol for badge in ALL_BADGES if badge.word == word] == [symbol]


def test_the_gravest_badge_stands_first() -> None:
    several = [fields for _, word, fields in WORDS if word not in ("rough", "fine")]
    everything = replace(BARE, **{name: value for fields in several for name, value in fields.items()})
    assert badges(everything) == {3: tuple(word for _, word, _ in WORDS if word not in ("rough", "fine"))}


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("remarks", "marked"), [((), ("", "x", "x=")), (("one", "two", ""), ("one", "two x", "x="))]
)
def test_badges_follow_the_remarks_that_are_there_and_are_explained_after_the_notes(remarks, marked) -> None:
    filters = (
        replace(BARE, index=0),
        replace(BARE, index=1, dead=True),
        replace(BARE, index=2, dead=True, duplicates=(1,)),
    )
    layer: Any = SimpleNamespace(filters=filters)
    texts = with_badges(layer, 3, SheetTexts(remarks=remarks, notes=("a note",)))
    first, second = texts.notes
    assert (texts.remarks, first) == (marked, "a note")
    assert second == (
        "badges: x provably dead; = near-duplicate of another filter (|cos| of .95 or more); "
        "without one nothing was found beyond chance"
    )
    bare: Any = SimpleNamespace(filters=filters[:1])
    assert with_badges(bare, 1, SheetTexts()).notes == (NOTHING_FOUND,)
