"""Judging filters by their weights: numbers and findings, without drawing and without layout.

`filtviz.diagnose` measures a network and returns a `Diagnosis`; `filtviz.measures.table` says of each measure
what it is and what it cannot say, and is where a new one is entered; `filtviz.measures.verdicts` has the
words of each verdict. Importing none of them imports numpy or scipy.
"""

from __future__ import annotations

from filtviz.measures.measure import (
    Change,
    Diagnosis,
    FilterChange,
    FilterDiagnosis,
    Finding,
    LayerDiagnosis,
    Unjudged,
)

__all__ = [
    "Change",
    "Diagnosis",
    "FilterChange",
    "FilterDiagnosis",
    "Finding",
    "LayerDiagnosis",
    "Unjudged",
]
