"""The pickle machine's parts: its state, the opcodes in three families, and the table of them all."""

from __future__ import annotations

__all__: list[str] = []
