"""`Measure`: what is said of one measure, what it counts as, and how it is taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from filtviz.measures.findings import FilterDiagnosis, Finding, LayerDiagnosis
from filtviz.text import p_value

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = ["ALPHA", "Columns", "Measure", "ShownMeasure", "qualified"]

ALPHA = 0.01
"""How often a layer of independent draws may be judged to be something else."""

_SUGGESTIVE = 0.05

Columns = Mapping[str, Iterable[Any]]
"""Fields of `FilterDiagnosis` by name, each with a value for every filter of the layer."""


class Measure:
    """One measure: a subclass in a file of its own, with its text, its test and its wording together.

    The table of measures makes one of each, so that it knows the ``level`` of those that judge. A subclass
    sets the texts, and of the methods `take` for a layer, or `each` and `sum_up` for its filters.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    scope: ClassVar[tuple[Literal["layer", "filter", "pair"], ...]] = ("layer",)
    """Of what it speaks."""

    formula: ClassVar[str]
    null: ClassVar[str]
    short_null: ClassVar[str]
    """The null in a word or two, for a column."""

    counts_if: ClassVar[str]
    """When it counts, in words; ``{level}`` stands for Bonferroni's level."""

    supports: ClassVar[str]
    cannot_say: ClassVar[str]
    source: ClassVar[str]

    decides: ClassVar[Literal["origin", "structure"] | None] = None
    """Which question of a layer's verdict it takes part in: could an initialiser have drawn the weights, or
    do they have structure? None where it does not judge."""

    shown_only: ClassVar[bool] = False
    """Whether it is a number beside the verdict, which never counts as found."""

    counts_below: ClassVar[bool] = False
    """Whether a value counts below its threshold, not above it."""

    check: ClassVar[str] = ""
    """What ``--check`` finds with this measure; empty where it cannot be checked."""

    def __init__(self, n_judging: int) -> None:
        self.level = ALPHA / n_judging
        self._level_text = f"{ALPHA:g}/{n_judging}".removeprefix("0")

    @property
    def judges(self) -> bool:
        """Whether it takes part in a layer's verdict."""
        return self.decides is not None

    @property
    def threshold(self) -> str:
        """When it counts, in words."""
        return self.counts_if.format(level=self._level_text)

    @property
    def of(self) -> str:
        """Of what it speaks, in words."""
        return " and ".join(self.scope)

    def as_text(self) -> dict[str, str]:
        """Return all that is said of it, by heading."""
        return {
            "measure": self.key,
            "title": self.title,
            "of": self.of,
            "formula": self.formula,
            "null": self.null,
            "counts if": self.threshold,
            "supports": self.supports,
            "cannot say": self.cannot_say,
            "in verdict": "yes" if self.judges else "no",
            "source": self.source,
        }

    def take(self, subject: Subject) -> Finding | None:  # noqa: ARG002
        """Measure a layer; None says that it cannot be taken there, or speaks of single filters."""
        return None

    def each(self, subject: Subject) -> Columns:  # noqa: ARG002
        """Measure each filter of a layer."""
        return {}

    def sum_up(self, subject: Subject, filters: Sequence[FilterDiagnosis]) -> Finding | None:  # noqa: ARG002
        """Say for the layer what `each` gave for its filters."""
        return None

    def is_met(self, layer: LayerDiagnosis) -> bool:
        """Tell whether a layer has what ``--check`` looks for with this measure."""
        finding = layer.finding(self.key)
        return finding is not None and finding.found

    def evidence(self, finding: Finding) -> str:
        """Say in a verdict's sentence what was found."""
        return f"{finding.text} ({p_value(finding.p or 0.0)})"

    def finding(self, *, value: float | None, text: str, **others: Any) -> Finding:
        """Return a finding of this measure; ``others`` are further fields of `Finding`."""
        return Finding(measure=self.key, judges=self.judges, value=value, text=text, **others)

    def tested(
        self,
        p: float,
        *,
        value: float | None,
        found: str,
        nothing: str,
        detail: str = "",
        z: float | None = None,
    ) -> Finding:
        """Return what a test gave that takes part in the verdict; ``found`` or ``nothing`` says it."""
        passed = p < self.level
        text = f"{found if passed else qualified(nothing, p)}{detail}"
        return self.finding(value=value, text=text, z=z, p=p, level=self.level, found=passed)


class ShownMeasure(Measure):
    """A number that is shown beside the verdict; it has no null, and does not judge."""

    null = "none: shown, does not judge"
    short_null = "–"
    counts_if = "none"
    shown_only = True


def qualified(nothing: str, p: float) -> str:
    """Say that nothing was found; beside a small p-value that does not pass, at the level that counts."""
    return f"{nothing} at the level that counts" if p < _SUGGESTIVE else nothing
