"""Jobs over many model files: what is to do, who does it, and what became of it; `filtviz.export`."""

from __future__ import annotations

__all__: list[str] = []
