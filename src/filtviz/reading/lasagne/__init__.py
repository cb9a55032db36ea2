"""Lasagne's layers, as their pickles describe them: their graph, their geometry, their parameters."""

from __future__ import annotations

__all__: list[str] = []
