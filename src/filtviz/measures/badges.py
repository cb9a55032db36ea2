"""Small marks for the tiles of a picture: what is known of each filter, as a symbol with its meaning.

To add one: a `Badge`, its place in `ALL_BADGES`, and the line of `_badges` that tells who gets it; terminal,
sheets and report take it from there.
"""

from __future__ import annotations

from dataclasses import dataclass

from filtviz.measures.measure import FilterDiagnosis, LayerDiagnosis

__all__ = ["ALL_BADGES", "Badge", "badges_of"]


@dataclass(frozen=True)
class Badge:
    """A ``symbol`` of one ASCII character, so that every font has it, and what it means.

    ``word`` stands for it where there is room for one; ``measure`` is the key of the measure that tells it,
    None where it takes none.
    """

    symbol: str
    meaning: str
    word: str
    measure: str | None


_NONFINITE = Badge("!", "holds NaN or infinite numbers", "not finite", None)
_DEAD = Badge("x", "provably dead", "dead", "dead")
_DECAYED = Badge("-", "decayed to almost nothing", "decayed", "decayed")
_DUPLICATE = Badge("=", "near-duplicate of another filter (|cos| of .95 or more)", "twin", "duplicates")
_SMOOTH = Badge("s", "smoother than white noise", "smooth", "low-frequency")
_ROUGH = Badge("r", "rougher than white noise", "rough", "low-frequency")
_LOW_PASS = Badge("S", "low-pass when seen through the layers below", "low-pass", "composed")
_FINE = Badge("R", "fine when seen through the layers below", "fine", "composed")
_CLASSICAL = Badge("k", "matches a classical kernel", "classical", "classical")

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
