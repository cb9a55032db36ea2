"""A pickle machine that executes nothing, and the dialects of what is pickled with it."""

from __future__ import annotations

__all__: list[str] = []
