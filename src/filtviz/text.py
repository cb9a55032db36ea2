"""Texts: what comes out of a model file made harmless, and how numbers and lists are said in sentences."""

from __future__ import annotations

import hashlib
import math
import re
import sys
import unicodedata
from collections.abc import Sequence
from contextlib import suppress

__all__ = [
    "about",
    "described",
    "digest",
    "every",
    "file_stem",
    "listed",
    "name_runs",
    "names_of_file",
    "natural_key",
    "over",
    "p_value",
    "percent",
    "percents",
    "plural",
    "printable",
    "quoted",
    "spreadsheet_text",
]

_UNPRINTABLE_CATEGORIES = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
_WINDOWS_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?\Z")


def printable(text: object, limit: int = 80) -> str:
    """Return ``text`` on one line, with nothing in it that a terminal would obey.

    Control and format characters (terminal escapes, bidirectional overrides, line breaks) are shown as
    escapes such as ``\\x1b``; what is longer than ``limit`` characters is cut, and says so.
    """
    raw = str(text)
    shown = raw[: limit + 1]
    if not shown.isprintable():
        shown = "".join(map(_escaped, shown))
    if len(raw) <= limit and len(shown) <= 4 * limit:
        return shown
    return f"{shown[:limit]}… ({len(raw)} characters)"


def quoted(text: object, limit: int = 80) -> str:
    """Return `printable` text in quotation marks."""
    shown = printable(text, limit)
    mark = '"' if "'" in shown else "'"
    return f"{mark}{shown}{mark}"


def names_of_file(names: Sequence[str], limit: int = 30, length: int = 40) -> str:
    """Join names that come out of a model file: "a, b, c"; beyond ``limit`` of them "a, b and 5 more".

    Each is made harmless, and cut at ``length``; of those that are only counted nothing is looked at.
    """
    shown = ", ".join(printable(name, length) or "one without a name" for name in names[:limit])
    return f"{shown} and {len(names) - limit:,} more" if len(names) > limit else shown


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in _UNPRINTABLE_CATEGORIES:
        return character
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")


def described(given: object) -> str:
    """Say what was given where something else was expected, for the sentence that refuses it."""
    if given is None:
        return "None"
    plain = next((kind(given) for kind in (bool, int, float, str) if isinstance(given, kind)), None)
    with suppress(ValueError):  # Python writes no whole number of thousands of digits
        if plain is not None:
            return printable(repr(plain), 40)
    return f"an object of class {printable(type(given).__name__, 40)}"


def spreadsheet_text(text: str) -> str:
    """Return a printable text as a cell of CSV that no spreadsheet takes for a formula.

    An apostrophe is put before what would begin one: ``=``, ``+``, ``-`` or ``@``, in any width and behind
    any blanks; behind a semicolon, too, at which spreadsheets of many languages split the line.
    """
    return ";".join(f"'{part}" if _begins_formula(part) else part for part in text.split(";"))


def _begins_formula(text: str) -> bool:
    first = unicodedata.normalize("NFKC", text.lstrip()[:1])[:1]
    return first in {"=", "+", "-", "@"} or text[:1] in {"\t", "\r", "\n"}


def digest(text: str) -> str:
    """Return ten hexadecimal digits that tell ``text`` from others, whatever is in it."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=5).hexdigest()


def file_stem(text: str, limit: int = 60, *, ending: str = "") -> str:
    """Return ``text`` as a part of a file name that is safe on every system.

    Letters and digits of any script, ``.``, ``_`` and ``-`` are kept, each run of others becoming one ``_``;
    leading dots and dashes go, so that the result is no hidden file, no parent folder and no option. An
    empty result becomes ``_``. It has at most ``limit`` characters, and no more than twice as many bytes.

    Args:
        text: Any text.
        limit: How many characters, those of the ending included.
        ending: What the name ends in, behind a dash. Without it a name that has to be cut ends in the
            `digest` of all of ``text``, so that two of one beginning stay two.
    """
    plain = _storable(unicodedata.normalize("NFKC", text[: 4 * limit]))
    kept = re.sub(r"[^\w.-]+", "_", plain).lstrip(".-").encode("utf-8", "ignore").decode("utf-8")
    is_cut = len(text) > 4 * limit or len(kept) > limit or len(kept.encode()) > 2 * limit
    tail = f"-{ending or digest(text)}" if ending or is_cut else ""
    room = limit - len(tail)
    kept = kept[:room].encode()[: 2 * room].decode("utf-8", "ignore").rstrip(".")
    return f"_{kept}{tail}" if not kept or _WINDOWS_DEVICES.match(kept) else f"{kept}{tail}"


def _storable(text: str) -> str:
    """Return a text with blanks for what names of files cannot have here, as under a locale of Latin-1."""
    encoding = sys.getfilesystemencoding()
    return "".join(c if c.isascii() or c == _coded(c, encoding) else " " for c in text)


def _coded(text: str, encoding: str) -> str:
    return text.encode(encoding, "ignore").decode(encoding, "ignore")


_DIGITS = re.compile(r"(\d+)", re.ASCII)

MOST_NUMBERS = 16
"""Numbers of a name that count as such; what is behind them is compared letter by letter."""


def natural_key(text: str) -> list[tuple[int, str]]:
    """Return a key to sort by, in which runs of digits compare as numbers, however long they are."""
    parts = _DIGITS.split(text, maxsplit=MOST_NUMBERS)
    return [(len(part.lstrip("0")) if i % 2 else -1, part.lstrip("0")) for i, part in enumerate(parts)]


def percent(share: float) -> str:
    """Say a share as a percentage: never 0% or 100% for what is not exactly so."""
    if 0 < share < 0.01:
        return "under 1%"
    if 0.99 < share < 1:
        return "over 99%"
    return f"{100 * share:.0f}%"


def about(share: float) -> str:
    """Say an estimated share: "about 92%", "over 99%"."""
    is_bound = 0 < share < 0.01 or 0.99 < share < 1
    return percent(share) if is_bound else f"about {percent(share)}"


def percents(shares: Sequence[float]) -> str:
    """Say between what some shares lie: "1% to 40%"; "12%" where they are as good as one.

    Args:
        shares: At least one.
    """
    low, high = percent(min(shares)), percent(max(shares))
    return low if low == high else f"{low} to {high}"


def over(share: float) -> str:
    """Say the least that a share can be: "over 74%" of .748."""
    return f"over {math.floor(100 * share)}%"


def p_value(p: float) -> str:
    """Say a p-value with its sign: "p = 0.032" or "p < 1e-50"."""
    if p < 1e-50:
        return "p < 1e-50"
    if p < 0.001:
        return f"p = {p:.0e}".replace("e-0", "e-")
    return f"p = {p:.2f}" if p >= 0.1 else f"p = {p:.3f}"


def plural(n: int, thing: str) -> str:
    """Say a number of things: "1 filter", "3 filters", "2 axes"."""
    many = f"{thing[:-2]}es" if thing.endswith("axis") else f"{thing}s"
    return f"{n:,} {thing if n == 1 else many}"


def every(n: int, thing: str) -> str:
    """Say all of several things: "both convolutions", "all 3 convolutions"."""
    return f"both {thing}s" if n == 2 else f"all {n:,} {thing}s"


def listed(names: Sequence[str], limit: int = 8) -> str:
    """Join names: "a", "a and b", "a, b and c"; beyond ``limit`` "a, b and 5 more"; "none" for none."""
    if len(names) > limit:
        names = (*names[: limit - 1], f"{len(names) - limit + 1} more")
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else "none"


def name_runs(places: Sequence[tuple[int, str]]) -> str:
    """Name layers by their places and names: runs of three and more as "conv2 to conv6"."""
    runs: list[list[tuple[int, str]]] = []
    for place, name in places:
        if runs and place == runs[-1][-1][0] + 1:
            runs[-1].append((place, name))
        else:
            runs.append([(place, name)])
    names: list[str] = []
    for run in runs:
        shown = [printable(name, 40) for _, name in (run if len(run) < 3 else (run[0], run[-1]))]
        names += [" to ".join(shown)] if len(run) > 2 else shown
    return listed(names)
