"""Reading model files: a path → bytes → inert records → a network. Nothing in a file is ever executed."""

from __future__ import annotations

from filtviz.reading.limits import Hints, Limits
from filtviz.reading.load import load

__all__ = ["Hints", "Limits", "load"]
