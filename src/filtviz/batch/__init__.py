"""Jobs over many model files: what is to do, who does it, and what became of it; `filtviz.export`."""

from __future__ import annotations

from filtviz.batch.exporting import ExportResult, Failure, ModelResult, Progress, export
from filtviz.batch.planning import ExportOptions

__all__ = ["ExportOptions", "ExportResult", "Failure", "ModelResult", "Progress", "export"]
