"""Results that leave the program: names of files, whole files or none, and the batch export."""

from __future__ import annotations

__all__: list[str] = []
