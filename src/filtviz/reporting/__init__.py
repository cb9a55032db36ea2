"""``filtviz report``: files in, one HTML page out that says what their filters are.

::

    networks, diagnoses ─ gathering ─► PageContent ─ rendering ─► HTML (templates/, static/)
                                                  └─ as facts ──► JSON (cli)
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import overload

from filtviz.budget import Budget
from filtviz.errors import OutputError
from filtviz.files import is_folder, make_folder
from filtviz.given import LiveModel, Model, check_path, expect, several
from filtviz.naming import models_stems
from filtviz.network import Network
from filtviz.reading import Hints, Limits
from filtviz.reporting.content import PageContent
from filtviz.reporting.gathering import ReportOptions, gather, load_all, load_some
from filtviz.reporting.rendering import ReportPage, render_page
from filtviz.sources import Sources, paths_among
from filtviz.text import printable

__all__ = ["ReportOptions", "ReportPage", "ReportResult", "gather", "report"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ReportResult:
    """A page that was written: its file, what it says, and the page itself, which a notebook shows."""

    path: Path
    content: PageContent
    page: ReportPage

    def __repr__(self) -> str:
        return f"<ReportResult {printable(self.path, 200)}>"

    def _repr_html_(self) -> str:
        return self.page._repr_html_()

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the page once more, see `ReportPage.save`.

        Args:
            path: Its file.
        """
        return self.page.save(path)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what was left out, and which option shows it."""
        return self.content.notes


@overload
def report(
    models: Model | LiveModel | Iterable[Model | LiveModel],
    options: ReportOptions | None = None,
    *,
    before: Model | LiveModel | Iterable[Model | LiveModel] = (),
    notes: Sequence[str] = (),
    output: None = None,
    budget: Budget | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> ReportPage: ...


@overload
def report(
    models: Model | LiveModel | Iterable[Model | LiveModel],
    options: ReportOptions | None = None,
    *,
    before: Model | LiveModel | Iterable[Model | LiveModel] = (),
    notes: Sequence[str] = (),
    output: str | PathLike[str],
    budget: Budget | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> ReportResult: ...


def report(
    models: Model | LiveModel | Iterable[Model | LiveModel],
    options: ReportOptions | None = None,
    *,
    before: Model | LiveModel | Iterable[Model | LiveModel] = (),
    notes: Sequence[str] = (),
    output: str | PathLike[str] | None = None,
    budget: Budget | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> ReportPage | ReportResult:
    """Make a page on the filters of a model, or of several side by side, as one HTML document.

    Args:
        models: A path, a network or a model in memory, or several of them, of which one that cannot be read
            does not stop the others: it is among the ``failures`` of the content.
        options: Which layers, and how large the page may be.
        before: Earlier files of the same network, to show what changed since.
        notes: Sentences that the page says besides, such as which files could not be read.
        output: The page's file, or a folder for it, which is made where it is missing; None writes nothing.
        budget: How much work it may be; what would be more is left out, and the page says so.
        limits: How much a file may ask for, see `filtviz.load`.
        hints: What a person says about the arrays of a file that holds nothing but arrays.

    Returns:
        The page's text, which a notebook shows in a frame and which saves itself; where it was written, what
        was written and what it says, which does the same.

    Raises:
        ReadError: no file gives a network; what was wrong with the others is in its notes.
        SelectionError: a layer was asked for that a network does not have.
        MeasureError: the input range is none.
        OutputError: the page cannot be written, or would replace one of the models, or the page on others.
        ArgumentError: there is no model.
    """
    options = expect(options, ReportOptions, "options") or ReportOptions()
    networks, failures = load_some(models, limits, hints)
    earlier = load_all(before, limits, hints)
    notes = (*(each.reason for each in failures), *several(() if notes is None else notes))
    sources = Sources.of([*earlier, *networks], *paths_among(options.images, options.file_of_labels))

    def gathered() -> PageContent:
        content = gather(networks, options, before=earlier, notes=notes, budget=budget)
        return replace(content, failures=tuple(failures))

    if output is None:
        content = gathered()
        return ReportPage.of(render_page(content, sources.mark), content, sources)
    path = _choose_path(networks, output, sources)
    content = gathered()
    if path != Path(output):
        make_folder(path.parent)
    page = ReportPage.of(render_page(content, sources.mark), content, sources)
    page.save(path)
    return ReportResult(path=path, content=content, page=page)


def _choose_path(networks: Sequence[Network], output: str | PathLike[str], sources: Sources) -> Path:
    """Return where the page goes: never onto a model, and under a name of ours never onto others' page."""
    path = Path(check_path(output, "a page"))
    if is_folder(path) or str(output).endswith(("/", os.sep)):
        stems = models_stems([each.origin.path or Path("network") for each in networks])
        pages = [path / f"{stem}-report.html" for stem in stems]
        path = next((page for page in pages if not sources.are_not_in(page)), pages[0])
        sources.refuse_others(path)
    sources.refuse(path)
    if path.suffix.lower() in _NO_PAGES:
        raise OutputError(f"{printable(path, 200)}: a page is HTML, end its name in .html", path=path)
    return path


_NO_PAGES = (".png", ".pdf", ".svg", ".gif", ".npz", ".json", ".csv")
"""How names of other results end, of which a page is none."""
