"""``filtviz report``: files in, one HTML page out that says what their filters are.

::

    networks, diagnoses ─ gathering ─► PageContent ─ rendering ─► HTML (templates/, static/)
                                                  └─ as facts ──► JSON (cli)
"""

from __future__ import annotations

from filtviz.reporting.gathering import ReportOptions, ReportResult, gather, report
from filtviz.reporting.rendering import ReportPage

__all__ = ["ReportOptions", "ReportPage", "ReportResult", "gather", "report"]
