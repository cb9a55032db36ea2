"""Text that comes out of a model file, made harmless before it reaches a terminal or a file name."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["file_stem", "natural_key", "printable"]

_UNPRINTABLE_CATEGORIES = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
_WINDOWS_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?\Z")


def printable(text: object, limit: int = 80) -> str:
    """Return ``text`` on one line, with nothing in it that a terminal would obey.

    Control and format characters (terminal escapes, bidirectional overrides, line breaks) are shown as
    escapes such as ``\\x1b``; what is longer than ``limit`` characters is cut, and says so.
    """
    raw = str(text)
    shown = "".join(_escaped(c) for c in raw[: limit + 1])
    if len(raw) <= limit and len(shown) <= 4 * limit:
        return shown
    return f"{shown[:limit]}… ({len(raw)} characters)"


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in _UNPRINTABLE_CATEGORIES:
        return character
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")


def file_stem(text: str, limit: int = 60) -> str:
    """Return ``text`` as a part of a file name that is safe on every system.

    Letters and digits of any script, ``.``, ``_`` and ``-`` are kept, each run of others becoming one ``_``;
    leading dots and dashes go, so that the result is no hidden file, no parent folder and no option. An
    empty result becomes ``_``. It has at most ``limit`` characters, and no more than twice as many bytes.
    """
    plain = unicodedata.normalize("NFKC", text[: 4 * limit])
    kept = re.sub(r"[^\w.-]+", "_", plain).lstrip(".-")[:limit]
    kept = kept.encode("utf-8", "ignore")[: 2 * limit].decode("utf-8", "ignore").rstrip(".")
    return f"_{kept}" if not kept or _WINDOWS_DEVICES.match(kept) else kept


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
