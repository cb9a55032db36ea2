"""What the page's script knows of a layer: its pictures, and what was measured of each filter."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from filtviz.measures.badges import ALL_BADGES, Badge, badges_of
from filtviz.measures.findings import FilterDiagnosis
from filtviz.reporting.content import Section, State
from filtviz.reporting.pictures import PictureSet
from filtviz.text import printable

__all__ = ["filter_data", "marked_filters"]


@dataclass(frozen=True)
class _Column:
    """A number of each filter: ``measure`` explains it, ``ascending`` tells how one sorts by it."""

    title: str
    measure: str | None
    take: Callable[[FilterDiagnosis], float | None]
    ascending: bool = False


_COLUMNS = (
    _Column("norm", None, lambda each: each.norm),
    _Column("low-frequency share", "low-frequency", lambda each: each.share),
    _Column("p-value of that share", "low-frequency", lambda each: each.share_p, ascending=True),
    _Column("p-value when composed", "composed", lambda each: each.composed_p, ascending=True),
    _Column("cosine with the nearest classical kernel", "classical", lambda each: each.likeness),
    _Column("orientation coherence", "orientation", lambda each: each.coherence),
    _Column("angle in degrees", "orientation", lambda each: each.angle, ascending=True),
    _Column("reliance of the following layer", "coupling", lambda each: each.reliance),
)


def filter_data(section: Section) -> dict[str, Any]:
    """Return what the script needs for one section, ready for JSON; texts of the file are harmless."""
    by_index = [_by_index(state) for state in section.states]
    indices = range(section.layer.n_filters)
    columns = [
        {
            "title": column.title,
            "measure": column.measure,
            "ascending": column.ascending,
            "values": [
                [_short(column.take(found[i])) if i in found else None for i in indices] for found in by_index
            ],
        }
        for column in _COLUMNS
    ]
    return {
        "label": printable(section.layer.label, 60),
        "filters": section.layer.n_filters,
        "files": [state.file.label for state in section.states],
        "pictures": [_picture_data(section, pictures) for pictures in section.pictures],
        "columns": [*filter(_is_known, columns), *_change_columns(section)],
        "badges": [
            {"text": badge.word, "meaning": badge.meaning, "measure": badge.measure} for badge in ALL_BADGES
        ],
        "marks": [_marks(state) for state in section.states],
        "remarks": [[_remark(found.get(i)) for i in indices] for found in by_index],
    }


def marked_filters(state: State) -> list[tuple[Badge, list[int]]]:
    """Return the badges that occur in a layer, each with the indices of its filters."""
    found = badges_of(state.diagnosis)
    marked = [(badge, [index for index in sorted(found) if badge in found[index]]) for badge in ALL_BADGES]
    return [(badge, indices) for badge, indices in marked if indices]


def _by_index(state: State) -> dict[int, FilterDiagnosis]:
    return {each.index: each for each in state.diagnosis.filters}


def _picture_data(section: Section, pictures: PictureSet) -> dict[str, Any]:
    layout = pictures.sprites[0].layout
    return {
        "key": pictures.key,
        "title": pictures.title,
        "columns": list(pictures.columns),
        "coloured": pictures.coloured,
        "notes": [printable(note, 500) for note in pictures.notes],
        "rows": layout.rows,
        "cols": layout.cols,
        "across": layout.across,
        "gap": layout.gap,
        "shares": [[[_short(v, 2) for v in row] for row in file] for file in pictures.shares],
        "sprites": [
            {"id": f"{section.anchor}-{pictures.key}-{i}", "zero": sprite.zero, "unit": sprite.unit}
            for i, sprite in enumerate(pictures.sprites)
        ],
        "limit": max(pictures.limits),
    }


def _marks(state: State) -> list[list[int]]:
    """Return the places of each filter's badges among all badges."""
    found = badges_of(state.diagnosis)
    return [[ALL_BADGES.index(badge) for badge in found.get(i, ())] for i in range(state.layer.n_filters)]


def _remark(found: FilterDiagnosis | None) -> str:
    """Say what no number says: which classical kernel, which twins."""
    if found is None:
        return ""
    remarks = []
    if found.classical is not None:
        remarks.append(f"like {found.classical} in channel {found.classical_channel}")
    if found.duplicates:
        remarks.append(f"near-duplicate of {', '.join(map(str, found.duplicates))}")
    return "; ".join(remarks)


def _change_columns(section: Section) -> list[dict[str, Any]]:
    """Return how much each filter differs from the first file; nothing where there is one file only."""
    changes = [state.diagnosis.changes[0] if state.diagnosis.changes else None for state in section.states]
    if not any(change is not None and change.filters for change in changes):
        return []
    empty: list[float | None] = [None] * section.layer.n_filters

    def values(name: str) -> list[Sequence[float | None]]:
        return [
            [_short(getattr(each, name)) for each in change.filters]
            if change is not None and change.filters
            else empty
            for change in changes
        ]

    first = section.states[0].file.label
    columns = [
        ("cos2", f"cos² with {first}", True),
        ("relative_change", f"relative change from {first}", False),
    ]
    return [
        {"title": title, "measure": "change", "ascending": ascending, "values": values(name)}
        for name, title, ascending in columns
    ]


def _is_known(column: dict[str, Any]) -> bool:
    return any(value is not None for values in column["values"] for value in values)


def _short(value: float | None, digits: int = 3) -> float | None:
    """Round to the digits that are shown: a page of a deep network holds hundreds of thousands of numbers."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.{digits}g}")
