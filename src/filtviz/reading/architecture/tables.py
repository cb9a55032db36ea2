"""The tables of a TOML text, whose keys say where they are wrong."""

from __future__ import annotations

import difflib
import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filtviz.errors import FileAccessError, MalformedFileError
from filtviz.operations import Pads
from filtviz.reading.limits import Limits
from filtviz.text import listed, printable, quoted

__all__ = ["OPEN", "Table", "read_tables"]

OPEN = "?"
"""What stands in a template where the file tells nothing, and a person is to write what is true."""

MOST_BYTES = 1 << 20
"""Of a text that a person corrects; a thousand layers have a tenth of that."""

MOST_DOTS, ALL_DOTS = 100, 100_000
"""In a line, and in the text: a key of many parts takes the square of their number to be read, and each part
is a table of its own.
"""

LONGEST = 1 << 16
"""No image, window, stride or padding is as long."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """A table by its ``name``, empty for what stands above all tables, in the text called ``file``."""

    file: str
    name: str
    values: Mapping[str, Any]
    used: set[str] = field(default_factory=set)

    @property
    def where(self) -> str:
        """How to speak of it."""
        return f"[{printable(self.name, 60)}]" if self.name else "above the first table"

    @property
    def kind(self) -> str:
        """What the layer is; empty where the table does not say."""
        found = self.values.get("type", "")
        return found if isinstance(found, str) else ""

    def error(self, sentence: str) -> MalformedFileError:
        """Return the error to raise where the table cannot be followed.

        Args:
            sentence: What is wrong, and what to write.
        """
        return MalformedFileError(f"{self.file}, {self.where}: {sentence}")

    def wrong(self, key: str, wanted: str) -> MalformedFileError:
        """Return the error of a key with another value than it can have.

        Args:
            key: The key.
            wanted: What it can have.
        """
        if key not in self.values:
            return self.error(f"{key} is missing: write {wanted}")
        value = self.values[key]
        if value == OPEN:
            return self.error(f'{key} is still "?": write {wanted}')
        return self.error(f"{key} must be {wanted}, not {_shown(value)}")

    def check_all_used(self) -> None:
        """Pass silently where every key has been read.

        Raises:
            MalformedFileError: there is one that means nothing here.
        """
        for key in self.values:
            if key not in self.used:
                near = difflib.get_close_matches(key[:40], self.used, n=1)
                hint = (
                    f"; did you mean {near[0]}?" if near else f" (there are: {listed(sorted(self.used), 20)})"
                )
                raise self.error(f"{quoted(key, 40)} means nothing here{hint}")

    def get(self, key: str) -> Any:
        """Return the value of a key, None where there is none, and take note that it was read."""
        self.used.add(key)
        return self.values.get(key)

    def word(self, key: str, words: Iterable[str], default: str | None = None) -> str:
        """Return one of some words.

        Args:
            key: The key.
            words: What can be said.
            default: What holds where the table says nothing.
        """
        known = tuple(words)
        found = self.get(key)
        if found is None and default is not None:
            return default
        if not isinstance(found, str) or found not in known:
            said = found[:40] if isinstance(found, str) else ""
            near = difflib.get_close_matches(said, known, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise self.wrong(key, f"one of {', '.join(known)}{hint}")
        return found

    def flag(self, key: str, *, default: bool | None) -> bool:
        """Return true or false."""
        found = self.get(key)
        if found is None and default is not None:
            return default
        if not isinstance(found, bool):
            raise self.wrong(key, "true or false")
        return found

    def number(self, key: str, default: float | None) -> float:
        """Return a number."""
        found = self.get(key)
        if found is None and default is not None:
            return default
        if isinstance(found, bool) or not isinstance(found, int | float) or not _is_finite(found):
            raise self.wrong(key, "a number")
        return float(found)

    def whole(self, key: str, default: int | None, least: int = 1) -> int:
        """Return a whole number."""
        found = self.get(key)
        if found is None and default is not None:
            return default
        if not _is_whole(found, least):
            raise self.wrong(key, f"a whole number from {least} on")
        assert isinstance(found, int)
        return found

    def lengths(self, key: str, n: int, default: int | None, least: int = 1) -> tuple[int, ...]:
        """Return a whole number for each of ``n`` axes; one by itself is for all."""
        found = self.get(key)
        if found is None and default is not None:
            found = default
        if _is_whole(found, least):
            return (found,) * n
        if not isinstance(found, list) or len(found) != n or not all(_is_whole(one, least) for one in found):
            raise self.wrong(key, f"a whole number from {least} on, or {_one_each(n)}")
        return tuple(found)

    def pads(self, key: str, spans: Sequence[int], stride: Sequence[int], *, default: int | None) -> Pads:
        """Return the padding before and after each axis.

        Args:
            key: The key.
            spans: How long the window is along each axis, dilation included.
            stride: How far windows lie apart.
            default: What holds where the table says nothing.
        """
        found, n = self.get(key), len(spans)
        if found is None:
            found = default
        if found in ("valid", "full"):
            return tuple((span - 1, span - 1) if found == "full" else (0, 0) for span in spans)
        if found == "same":
            return self._same(key, spans, stride)
        if _is_whole(found, 0):
            return ((found, found),) * n
        pads = [[one, one] if _is_whole(one, 0) else one for one in found] if isinstance(found, list) else []
        if len(pads) != n or not all(_is_pair(one) for one in pads):
            raise self.wrong(
                key, f'a whole number, "same", "valid", {_one_each(n)}, or [before, after] for each'
            )
        return tuple((before, after) for before, after in pads)

    def _same(self, key: str, spans: Sequence[int], stride: Sequence[int]) -> Pads:
        """Return what "same" means where frameworks agree."""
        if set(stride) != {1} or not all(span % 2 for span in spans):
            numbers = [[span // 2, (span - 1) // 2] for span in spans]
            raise self.error(
                f'{key} = "same" means another thing in each framework where strides are not 1 or kernels '
                f"are even: write the numbers, such as {numbers} (Lasagne's)"
            )
        return tuple((span // 2, span // 2) for span in spans)

    def names(self, key: str) -> tuple[str, ...] | None:
        """Return the names of other tables; None where the table says nothing."""
        found = self.get(key)
        if found is None:
            return None
        found = [found] if isinstance(found, str) else found
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise self.wrong(key, 'the name of a table above, or several (["a", "b"]; [] is the image)')
        return tuple(found)

    def image(self) -> tuple[int, ...]:
        """Return the lengths of an image, its channels first; 0 for what is open."""
        found = self.get("input")
        if not isinstance(found, list) or not 1 <= len(found) <= 4 or not all(_is_whole(n, 0) for n in found):
            raise self.wrong("input", "[channels, rows, columns] of an image, with 0 for any length")
        return tuple(found)


def _shown(value: Any) -> str:
    """Return a value as TOML writes it; Python writes out no number of thousands of digits."""
    try:
        said = value if isinstance(value, float) else json.dumps(value, ensure_ascii=False, default=str)
        return printable(said, 60)
    except ValueError:
        return "a number of thousands of digits"


def _one_each(n: int) -> str:
    return f"one for each of {n} axes" if n > 1 else "[n]"


def _is_whole(value: Any, least: int) -> bool:
    return type(value) is int and least <= value < LONGEST


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(_is_whole(one, 0) for one in value)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def read_tables(path: Path, limits: Limits) -> tuple[Table, list[Table]]:
    """Return what stands above all tables, and the tables in their order.

    Args:
        path: The text.
        limits: How many tables there may be.

    Raises:
        FileAccessError: it is missing or may not be read.
        MalformedFileError: it is no TOML; the sentence tells the line.
        LimitError: it has too many tables.
    """
    name = printable(path.name, 80)
    try:
        held = tomllib.loads(_text(path, name))
    except RecursionError:
        raise MalformedFileError(f"{name}: its brackets lie too deep in one another", path=path) from None
    except tomllib.TOMLDecodeError as error:
        said = printable(_KEYS.sub(r"\1", str(error)), 120)
        raise MalformedFileError(
            f"{name} is no TOML: {said}; a text in quotes and a number are values", path=path
        ) from None
    except ValueError:  # of Python, which makes no whole number of so many digits
        raise MalformedFileError(f"{name}: it has a number of thousands of digits", path=path) from None
    tables = {
        key: value for key, value in held.items() if isinstance(value, dict) and not _is_said(key, value)
    }
    limits.check("layers", len(tables), f"{name} has {len(tables):,} tables")
    above = {key: value for key, value in held.items() if key not in tables}
    found = [Table(file=name, name=key, values=value) for key, value in tables.items()]
    for table in found:
        _check_name(table)
    if not found:
        raise MalformedFileError(f"{name} has no table: write one for each layer, such as [conv1]", path=path)
    return Table(file=name, name="", values=above), found


_KEYS = re.compile(r"\(('[^()]*'),?\)")
"""A key in the words of Python, as a tuple of its parts."""


def _is_said(key: str, value: Mapping[str, Any]) -> bool:
    """Tell an activation with numbers, which holds for all layers, from a layer of that name."""
    return key == "activation" and "type" not in value


def _check_name(table: Table) -> None:
    inner = [key for key, value in table.values.items() if isinstance(value, dict) and key not in _INLINE]
    if inner and "type" not in table.values:
        whole = printable(f"{table.name}.{inner[0]}", 60)
        raise table.error(f'a name with a dot needs quotes: write ["{whole}…"], as the template does')


_INLINE = ("pool", "activation")
"""Keys whose values may be tables."""


def _text(path: Path, name: str) -> str:
    try:
        if not path.is_file():
            raise FileAccessError(f"{printable(path, 200)}: there is no such file", path=path)
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except OSError:
        raise FileAccessError(f"{printable(path, 200)}: it may not be read", path=path) from None
    if len(data) > MOST_BYTES:
        raise MalformedFileError(f"{name} has more than a megabyte, which no architecture has", path=path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedFileError(
            f"{name} is no text: --architecture takes one such as `filtviz layers MODEL "
            "--architecture-template` prints",
            path=path,
        ) from None
    if text.count(".") > ALL_DOTS:
        raise MalformedFileError(
            f"{name} has more than {ALL_DOTS:,} dots, which no architecture has", path=path
        )
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > MOST_DOTS:
            raise MalformedFileError(f"{name}: line {number:,} has more than {MOST_DOTS} dots", path=path)
    return text
