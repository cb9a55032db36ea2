"""How much a function does, counted: growth that a clock would not tell reliably."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

__all__ = ["calls_of"]


def calls_of(work: Callable[[], object], name: str | None = None) -> int:
    """Return how many functions are called: all of Python's, or those of any kind that have a name."""
    calls = 0

    def count(frame: Any, event: str, function: Any) -> None:
        nonlocal calls
        if name is None:
            calls += event == "call"
        elif event == "c_call":
            calls += function.__name__ == name
        elif event == "call":
            calls += frame.f_code.co_name == name

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls
