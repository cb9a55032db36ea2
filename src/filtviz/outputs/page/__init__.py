"""``filtviz report``: files in, one HTML page out that says what their filters are.

::

    networks, diagnoses ─ gathering ─► PageContent ─ rendering ─► HTML (templates/, static/)
                                                  └─ facts ─────► JSON
"""

from __future__ import annotations

from filtviz.outputs.page.building import gather, report
from filtviz.outputs.page.options import ReportOptions

__all__ = ["ReportOptions", "gather", "report"]
