"""Judging filters by their weights: numbers and findings, without drawing and without layout.

`filtviz.diagnose` measures a network and returns a `Diagnosis`; `MEASURES` says of each measure what it is
and what it cannot say. Importing this imports neither numpy nor scipy.
"""

from __future__ import annotations

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
]
