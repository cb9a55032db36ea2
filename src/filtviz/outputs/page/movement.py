"""How each measure of a layer moved from file to file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from filtviz.measures.findings import Finding, LayerDiagnosis
from filtviz.measures.table import MEASURES

__all__ = ["Movement", "Trail", "follow_measures"]


@dataclass(frozen=True, kw_only=True)
class Trail:
    """One measure through the files: what each gave, None where it was not taken."""

    measure: str
    findings: tuple[Finding | None, ...]

    @property
    def values(self) -> tuple[float | None, ...]:
        """The statistic in each file."""
        return tuple(None if finding is None else finding.value for finding in self.findings)

    @property
    def moved(self) -> float | None:
        """The last value less the first, where both are known."""
        first, last = self.values[0], self.values[-1]
        return None if first is None or last is None else last - first


@dataclass(frozen=True, kw_only=True)
class Movement:
    """All measures of a layer through the files, in the order of the table of measures."""

    trails: tuple[Trail, ...]


def follow_measures(diagnoses: Sequence[LayerDiagnosis]) -> Movement | None:
    """Set the findings of the same layer in several files side by side; None for a single file."""
    if len(diagnoses) < 2:
        return None
    trails = []
    for key in MEASURES:
        findings = tuple(diagnosis.finding(key) for diagnosis in diagnoses)
        if any(finding is not None for finding in findings):
            trails.append(Trail(measure=key, findings=findings))
    return Movement(trails=tuple(trails))
