"""``filtviz report``: files in, one HTML page out that says what their filters are.

::

    networks, diagnoses ─ gathering ─► PageContent ─ rendering ─► HTML (templates/, static/)
                                                  └─ as facts ──► JSON (cli)
"""

from __future__ import annotations

from filtviz.reporting.document import ReportPage
from filtviz.reporting.gathering import ReportOptions, ReportResult, gather, report

__all__ = ["ReportOptions", "ReportPage", "ReportResult", "gather", "report"]
