"""Running the network of a file: interpreters of its operations."""

from __future__ import annotations

__all__: list[str] = []
