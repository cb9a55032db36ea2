"""Small marks for the tiles of a picture: what is known of each filter, as a symbol with its meaning."""

from __future__ import annotations

from dataclasses import dataclass

from filtviz.measures.findings import FilterDiagnosis, LayerDiagnosis

__all__ = ["ALL_BADGES", "Badge", "badges_of"]


@dataclass(frozen=True)
class Badge:
    """A ``symbol`` of one ASCII character, so that every font has it, and what it means."""

    symbol: str
    meaning: str


_NONFINITE = Badge("!", "holds NaN or infinite numbers")
_DEAD = Badge("x", "provably dead")
_DECAYED = Badge("-", "decayed to almost nothing")
_DUPLICATE = Badge("=", "near-duplicate of another filter (|cos| of .95 or more)")
_SMOOTH = Badge("s", "smoother than white noise")
_ROUGH = Badge("r", "rougher than white noise")
_LOW_PASS = Badge("S", "low-pass when seen through the layers below")
_FINE = Badge("R", "fine when seen through the layers below")
_CLASSICAL = Badge("k", "matches a classical kernel")

ALL_BADGES = (_NONFINITE, _DEAD, _DECAYED, _DUPLICATE, _SMOOTH, _ROUGH, _LOW_PASS, _FINE, _CLASSICAL)
"""All badges, the gravest first."""


def badges_of(layer: LayerDiagnosis) -> dict[int, tuple[Badge, ...]]:
    """Return the badges of each filter that has any, by its index, the gravest first.

    A filter without a badge is not known to be well: nothing was found at it beyond chance.
    """
    found = {each.index: _badges(each) for each in layer.filters}
    return {index: badges for index, badges in found.items() if badges}


def _badges(each: FilterDiagnosis) -> tuple[Badge, ...]:
    marks = {
        _NONFINITE: each.nonfinite,
        _DEAD: each.dead,
        _DECAYED: each.decayed,
        _DUPLICATE: bool(each.duplicates),
        _SMOOTH: each.texture == "smooth",
        _ROUGH: each.texture == "rough",
        _LOW_PASS: each.composed_texture == "smooth",
        _FINE: each.composed_texture == "rough",
        _CLASSICAL: each.classical is not None,
    }
    return tuple(badge for badge in ALL_BADGES if marks[badge])
