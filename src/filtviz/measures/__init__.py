"""Judging filters by their weights: numbers and findings, without drawing and without layout.

`diagnose` measures a network; `MEASURES` says of each measure what it is and what it cannot say.
"""

from __future__ import annotations

from filtviz.measures.diagnosing import diagnose
from filtviz.measures.findings import (
    Change,
    Diagnosis,
    FilterChange,
    FilterDiagnosis,
    Finding,
    LayerDiagnosis,
    Unjudged,
)
from filtviz.measures.table import MEASURES, Measure

__all__ = [
    "MEASURES",
    "Change",
    "Diagnosis",
    "FilterChange",
    "FilterDiagnosis",
    "Finding",
    "LayerDiagnosis",
    "Measure",
    "Unjudged",
    "diagnose",
]
