"""The order in which a person counts: ``conv2`` before ``conv10``."""

from __future__ import annotations

import re

__all__ = ["natural_key"]

_DIGITS = re.compile(r"(\d+)", re.ASCII)

MOST_NUMBERS = 16
"""Numbers of a name that count as such; what is behind them is compared letter by letter."""


def natural_key(text: str) -> list[tuple[int, str]]:
    """Return a key to sort by, in which runs of digits compare as numbers, however long they are."""
    parts = _DIGITS.split(text, maxsplit=MOST_NUMBERS)
    return [
        (len(part.lstrip("0")) if i % 2 else -1, part.lstrip("0") if i % 2 else part)
        for i, part in enumerate(parts)
    ]
