"""`Measure`: what is said of one measure."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Measure"]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One measure.

    ``level`` says of what it speaks: a layer, a filter, or both; ``short_null`` is its null in a word or two,
    for a column; ``judges`` whether it takes part in a layer's verdict.
    """

    key: str
    title: str
    level: str
    formula: str
    null: str
    short_null: str
    threshold: str
    supports: str
    cannot_say: str
    source: str
    judges: bool = False

    def as_text(self) -> dict[str, str]:
        """Return all that is said of it, by heading."""
        return {
            "measure": self.key,
            "title": self.title,
            "of": self.level,
            "formula": self.formula,
            "null": self.null,
            "counts if": self.threshold,
            "supports": self.supports,
            "cannot say": self.cannot_say,
            "in verdict": "yes" if self.judges else "no",
            "source": self.source,
        }
