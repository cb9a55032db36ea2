"""Text that is set in lines and columns: how wide they are, and which characters there are."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Paper", "window_width"]


def window_width() -> int:
    """Return the characters of a line: those of the window, or as many as ``COLUMNS`` says, from 40 to 100.

    Where it goes to no window, it is 80.
    """
    return max(NARROWEST, min(100, shutil.get_terminal_size((80, 24)).columns))


NARROWEST = 40
"""Characters of a line, of which nothing is made to fit into fewer."""

_GUTTER, _LEAST = 2, 8
"""Between columns; what is left of a column in which lines are broken."""


@dataclass(frozen=True)
class Paper:
    """What text is set on: ``width`` characters a line; ``fit`` returns a text in those that it can show."""

    width: int
    fit: Callable[[str], str] = str

    @classmethod
    def of_window(cls, fit: Callable[[str], str] = str) -> Paper:
        """Return paper as wide as the terminal's window.

        Args:
            fit: What turns a text into one that can be shown.
        """
        return cls(window_width(), fit)

    def wrapped(self, text: str) -> str:
        """Return a text in lines, each with its end; nothing for an empty one.

        Args:
            text: A paragraph.
        """
        lines = textwrap.wrap(self.fit(text), self.width, break_long_words=False, break_on_hyphens=False)
        return "".join(f"{line}\n" for line in lines)

    def table(self, rows: Iterable[Sequence[str]], headers: Sequence[str], **layout: Any) -> str:
        """Return a table of texts whose columns are straight; the widest are broken into lines until it fits.

        Args:
            rows: The cells.
            headers: A heading for each column.
            layout: What else `tabulate.tabulate` is to know.
        """
        from tabulate import tabulate

        cells = [[self.fit(cell) for cell in row] for row in rows]
        heads = [self.fit(header) for header in headers]
        # tabulate takes each cell that it breaks for a number first, and fails at 1,234.
        widths = layout.pop("maxcolwidths", None) or self._widths(cells, heads) or [None] * len(heads)
        broken = [[_broken(cell, width) for cell, width in zip(row, widths, strict=True)] for row in cells]
        return tabulate(broken, heads, tablefmt="simple", disable_numparse=True, **layout)

    def has_room(self, rows: Iterable[Sequence[str]], headers: Sequence[str]) -> bool:
        """Tell whether a table fits without a line that is broken.

        Args:
            rows: The cells.
            headers: A heading for each column.
        """
        cells = [[self.fit(cell) for cell in row] for row in rows]
        return self._widths(cells, [self.fit(header) for header in headers]) is None

    def _widths(self, cells: Sequence[Sequence[str]], heads: Sequence[str]) -> list[int | None] | None:
        """Return how wide the columns of a table may be, None for those that stay as they are, or for all."""
        if not cells:
            return None
        # tabulate makes a column two wider than its heading at least.
        least = [len(head) + _GUTTER for head in heads]
        taken = [
            max(low, *map(len, column)) for low, column in zip(least, zip(*cells, strict=True), strict=True)
        ]
        widths = list(taken)
        while sum(widths) + _GUTTER * (len(widths) - 1) > self.width:
            room = [(width, i) for i, width in enumerate(widths) if width > max(least[i], _LEAST)]
            if not room:
                break
            widths[max(room)[1]] -= 1
        if widths == taken:
            return None
        return [None if now == before else now for now, before in zip(widths, taken, strict=True)]


def _broken(cell: str, width: int | None) -> str:
    """Return a cell in lines of at most so many characters."""
    if width is None:
        return cell
    return "\n".join(line for each in cell.splitlines() for line in textwrap.wrap(each, width))
