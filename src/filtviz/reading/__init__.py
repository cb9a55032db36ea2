"""Reading model files: a path → bytes → inert records → a network. Nothing in a file is ever executed."""

from __future__ import annotations

from filtviz.reading.limits import Limits
from filtviz.reading.loading import load
from filtviz.reading.structure import Structure

__all__ = ["Limits", "Structure", "load"]
