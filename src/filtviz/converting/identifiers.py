"""Names for arrays, nodes and attributes: those of the file where they can do no harm, and none twice.

A name of a model file may hold anything. In an archive it must be no path that leads out of it, in a graph a
text that every program prints, in Python an identifier and never a piece of code.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Callable

from filtviz.text import digest

__all__ = ["Names", "attribute", "identifier", "member", "plain"]

LONGEST = 200
"""Characters of a name; one that is longer ends in digits that tell it from others of the same beginning."""

_UNPRINTABLE = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}


def plain(name: str) -> str:
    """Return a name without what a terminal or a parser would obey: controls, overrides, lone surrogates."""
    kept = "".join("_" if unicodedata.category(c) in _UNPRINTABLE else c for c in name[: 4 * LONGEST])
    return _cut(kept or "_", name)


def member(name: str) -> str:
    """Return a name as that of a member of an archive: no path that leads out of where it is unpacked.

    Slashes inside are kept, as many programs write them, and nothing stands for a folder above, a drive or a
    root. None ends as files of arrays do, which readers take off.
    """
    kept = re.sub(r'[\\:*?"<>|]', "_", plain(name))
    parts = ["_" * max(1, len(part)) if part.strip(". ") == "" else part for part in kept.split("/")]
    joined = "/".join(parts)
    return f"{joined}_" if joined.lower().endswith(".npy") else joined


def identifier(name: str) -> str:
    """Return a name as one of Python's, of letters, digits and ``_``."""
    kept = re.sub(r"[^A-Za-z0-9_]+", "_", name[: 4 * LONGEST]).strip("_") or "_"
    kept = f"layer{kept}" if kept[0].isdigit() or kept == "_" else kept
    return _cut(f"{kept}_" if keyword.iskeyword(kept) or keyword.issoftkeyword(kept) else kept, name)


def attribute(name: str) -> str:
    """Return a name as that of a module in a ``state_dict``: identifiers and numbers, with dots between."""
    parts = re.split(r"[./]+", name[: 4 * LONGEST])
    kept = [re.sub(r"[^A-Za-z0-9_]+", "_", part).strip("_") for part in parts]
    return _cut(".".join(part for part in kept if part) or "layer", name)


def _cut(kept: str, name: str) -> str:
    if len(kept) <= LONGEST and len(name) <= 4 * LONGEST:
        return kept
    return f"{kept[: LONGEST - 11]}_{digest(name)}"


class Names:
    """Gives each thing a name of its own.

    Args:
        make: What makes any text harmless.
        taken: Names that nothing may have.
    """

    def __init__(self, make: Callable[[str], str], taken: frozenset[str] = frozenset()) -> None:
        self.make = make
        self.changed: list[str] = []
        self._taken = {name.lower() for name in taken}
        self._counts: dict[str, int] = {}

    def give(self, wanted: str) -> str:
        """Return a name that nothing else has, not even in other letters' case.

        Args:
            wanted: What it should be.
        """
        kept = self.make(wanted)
        found = kept
        while found.lower() in self._taken:
            self._counts[kept] = self._counts.get(kept, 1) + 1
            found = f"{kept}_{self._counts[kept]}"
        self._taken.add(found.lower())
        if found != wanted:
            self.changed.append(wanted)
        return found
