"""The page of a report as an object: a text that shows itself in a frame, and saves."""

from __future__ import annotations

from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from filtviz.files import write_whole
from filtviz.given import check_path
from filtviz.sources import Sources

if TYPE_CHECKING:
    from filtviz.reporting.content import PageContent

__all__ = ["ReportPage", "frame_of"]

HEIGHT = 720
"""Of the frame in a notebook, in pixels."""


class ReportPage(str):
    """The HTML document of a report: a text like any other, which a notebook shows in a frame.

    ``content`` is what it says, as facts.
    """

    content: PageContent
    _sources: Sources

    __slots__ = ("_sources", "content")

    @classmethod
    def of(cls, text: str, content: PageContent, sources: Sources) -> ReportPage:
        """Return a page.

        Args:
            text: The document.
            content: What it says.
            sources: The models that it shows, over which it is never saved.
        """
        page = cls(text)
        page.content, page._sources = content, sources
        return page

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what was left out, and which option shows it."""
        return self.content.notes

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the page.

        Args:
            path: Its file; what was there is replaced.

        Returns:
            The file.

        Raises:
            OutputError: it cannot be written, or is one of the models.
        """
        target = Path(check_path(path, "a page"))
        text = self.encode()
        write_whole(target, lambda stream: stream.write(text), self._sources)
        return target

    def _repr_html_(self) -> str:
        return frame_of(self)

    def __repr__(self) -> str:
        return f"<ReportPage of {len(self):,} characters: .save('report.html') writes it>"


def frame_of(page: str) -> str:
    """Return a page in a frame of its own, which reaches nothing of what is around it.

    Args:
        page: An HTML document.
    """
    # Its script runs, without the origin of the notebook: it can neither read it nor its cookies.
    return (
        '<iframe sandbox="allow-scripts" title="report of filtviz" '
        f'style="width:100%;height:{HEIGHT}px;border:1px solid #8884" srcdoc="{escape(page)}"></iframe>'
    )
