"""`filtviz.survey`: what thousands of models have in common: tables of all layers and filters, and a page."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from filtviz.batch.jobs import run_apart, run_jobs
from filtviz.batch.locking import hold
from filtviz.budget import Budget
from filtviz.errors import ArgumentError, FileAccessError, MissingExtraError, OutputError
from filtviz.files import is_regular, make_folder, remove_parts, replace_own
from filtviz.given import check_path, expect, file_of, several
from filtviz.reading import Hints, Limits
from filtviz.reading.folders import candidates
from filtviz.sources import Sources
from filtviz.surveying.columns import TABLES
from filtviz.surveying.page import render_survey
from filtviz.surveying.parquet import MOST_FILES, RUN, TableStore, arrow, rows_of
from filtviz.surveying.summing import sum_up
from filtviz.surveying.taking import NO_MODEL, FileJob, FileRows, told
from filtviz.text import described, printable

__all__ = ["SurveyFailure", "SurveyProgress", "SurveyResult", "SurveyedModel", "survey"]

PAGE = "survey.html"

MOST_FILTERS = 200_000
"""Rows of filters in a part: so many are in memory together."""

MOST_SECONDS = 30.0
"""Seconds until a part is written, full or not: what a run that is killed loses."""

AHEAD = 3
"""Jobs under way for each thread of a cluster, so that none waits for us."""

WORKER_ENDED = "worker-ended"


@dataclass(frozen=True)
class SurveyFailure:
    """A file that gave no rows of layers: its path, why in a sentence that names it, a word for scripts."""

    file: str
    reason: str
    code: str


@dataclass(frozen=True)
class SurveyedModel:
    """What became of a file: ``measured`` now, ``kept`` as it was, ``no-filters`` or ``failed``, and why."""

    file: str
    status: str
    code: str | None
    reason: str | None

    @classmethod
    def of(cls, row: Mapping[str, Any], read: str) -> SurveyedModel:
        """Return what a row of the table of files tells.

        Args:
            row: It.
            read: What to call one that was read.
        """
        is_read = row["status"] == "read"
        return cls(
            str(row["file"]), read if is_read else row["status"], row["code"] or None, row["reason"] or None
        )


@dataclass(frozen=True)
class SurveyProgress:
    """How far a survey is: files done of all that are to be measured, and the name of the one just done."""

    done: int
    known: int
    file: str


@dataclass(frozen=True, kw_only=True)
class SurveyResult:
    """What a survey did.

    ``page`` is the page, ``tables`` maps each table's name to its folder of Parquet files. ``measured`` files
    were read now, ``kept`` an earlier run had measured, ``passed_over`` are no models; ``layers`` and
    ``filters`` are the rows written now. ``failures`` are those of this run and of earlier ones, ``models``
    say of each file what became of it.
    """

    folder: Path
    page: Path
    tables: dict[str, Path]
    measured: int
    kept: int
    passed_over: int
    layers: int
    filters: int
    failures: tuple[SurveyFailure, ...]
    models: tuple[SurveyedModel, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether there was a model, and none failed."""
        return bool(self.measured or self.kept) and not self.failures


def survey(
    models: str | PathLike[str] | Iterable[str | PathLike[str]],
    output: str | PathLike[str],
    *,
    jobs: int | None = None,
    cluster: str | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
    budget: Budget | None = None,
    progress: Callable[[SurveyProgress], None] | None = None,
) -> SurveyResult:
    """Measure every convolution of many models, and write tables of all layers and filters; print nothing.

    A file that fails is a row with its reason. What an earlier run has measured in the same way, and has not
    changed since, is kept. Memory stays flat, however many files there are.

    Args:
        models: Paths of files and folders. Of a folder all files below it are looked at: what is no model is
            passed over, links are not followed.
        output: The folder of the results; it is made where it is missing.
        jobs: The number of processes; None is one for each core, or for each worker of a cluster.
        cluster: The address of a Dask scheduler, such as ``tcp://host:8786``, whose workers have filtviz
            installed and see the same files under the same paths.
        limits: How much a file may ask for, see `filtviz.load`.
        hints: What a person says about the arrays of files that hold nothing but arrays.
        budget: How much work a file may be; what would be more is left out, and its row says so.
        progress: Called after each file.

    Raises:
        ArgumentError: this is no path, no number of processes or no address.
        MissingExtraError: pyarrow is not installed, or, for a cluster, ``distributed`` is not.
        FileAccessError: a folder cannot be looked into.
        OutputError: ``output`` cannot be written, or holds a survey with other options.
    """
    arrow()
    given = [file_of(each, "a survey reads files, so give paths") for each in several(models)]
    folder = Path(check_path(output, "a folder"))
    _check(jobs, cluster, progress)
    options = {
        "limits": expect(limits, Limits, "limits") or Limits(),
        "hints": expect(hints, Hints, "hints") or Hints(),
        "budget": expect(budget, Budget, "budget") or Budget(),
    }
    make_folder(folder)
    found = list(_jobs(given, folder, options))
    sources = Sources.of([], *given, *_told_graph(hints)).including(*(job.path for job in found))
    page = folder / PAGE
    with hold(folder, sources):
        _refuse_another_page(page, sources)
        store = TableStore(folder, repr(sorted(options.items())))
        store.tidy(sources)
        remove_parts(folder, sources, run=RUN)
        known = _known(store, found, sources)
        todo = [job for job in found if told(job.file) not in known.done]
        named = {os.path.realpath(job.path) for job in found if not job.is_found}
        writing = _Writing(store, sources, known.parts, named)
        try:
            with _cluster(cluster) as client, closing(_outcomes(todo, jobs, client)) as outcomes:
                for n, rows in enumerate(outcomes, 1):
                    writing.take(rows)
                    if progress:
                        progress(SurveyProgress(done=n, known=len(todo), file=str(rows.file["file"])))
        finally:
            writing.flush()
        text = render_survey(sum_up(store)).encode()
        replace_own(page, lambda stream: stream.write(text), writing.sources, run=RUN)
    return SurveyResult(
        folder=folder,
        page=page,
        tables={name: store.path(name) for name in TABLES},
        measured=writing.files,
        kept=len(known.done),
        passed_over=writing.passed_over,
        layers=writing.layers,
        filters=writing.filters,
        failures=(*known.failures, *writing.failures),
        models=(*known.models, *writing.models),
    )


def _told_graph(hints: Hints | None) -> Iterator[Path]:
    """Yield the file that tells the graph of all models, if there is one."""
    for path in () if hints is None else (hints.like, hints.architecture):
        if path is not None:
            yield Path(path)


def _refuse_another_page(page: Path, sources: Sources) -> None:
    """Let no page be written over a file that is no page of filtviz's."""
    sources.refuse(page)
    if page.is_symlink() or not os.path.lexists(page):
        return
    if is_regular(page):
        with page.open("rb") as stream:
            head = stream.read(_HEAD)
        if not head or _GENERATOR in head:
            return
    raise OutputError(
        f"cannot write {printable(page, 200)}: what is there is no page of filtviz; move it away, or "
        "survey to another folder",
        path=page,
    )


_GENERATOR = b'<meta name="generator" content="filtviz '
_HEAD = 1 << 12


def _check(jobs: Any, cluster: Any, progress: Any) -> None:
    if jobs is not None and (not isinstance(jobs, int) or isinstance(jobs, bool) or jobs < 1):
        raise ArgumentError(f"jobs must be a number of processes, not {described(jobs)}")
    if cluster is not None and not (isinstance(cluster, str) and "://" in cluster):
        raise ArgumentError(
            f"a cluster is the address of a Dask scheduler, such as tcp://host:8786, not {described(cluster)}"
        )
    if progress is not None and not callable(progress):
        raise ArgumentError(f"progress must be a function, not {described(progress)}")


def _jobs(given: Sequence[Path], folder: Path, options: dict[str, Any]) -> Iterator[FileJob]:
    """Yield a job for each file, once, whatever names it goes by; what is named and found is named."""
    asked = candidates(given, leave_out=folder)
    named = {os.path.realpath(each.path) for each in asked if not each.is_found}
    seen: set[str] = set()
    for each in asked:
        real = os.path.realpath(each.path)
        if real in seen:
            continue
        seen.add(real)
        try:
            stat = each.path.stat()
        except OSError as error:
            if each.is_found:
                continue
            raise FileAccessError(
                f"{printable(each.path, 200)}: {(os.strerror(error.errno or 0)).lower()}", path=each.path
            ) from error
        yield FileJob(
            path=each.path.absolute(),
            file=str(each.path),
            size=stat.st_size,
            changed=stat.st_mtime_ns,
            is_found=real not in named,
            **options,
        )


_TOLD = ("file", "size", "changed", "status", "code", "reason", "parts")


@dataclass
class _Known:
    """What an earlier run has left that still holds: files, their failures, and what is a part of a model."""

    done: set[str] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)
    failures: list[SurveyFailure] = field(default_factory=list)
    models: list[SurveyedModel] = field(default_factory=list)

    def take(self, row: dict[str, Any], now: Mapping[str, tuple[int, int]]) -> bool:
        """Take a row of the table of files, unless it is out of date."""
        name, seen = row["file"], (row["size"], row["changed"])
        if row["code"] == WORKER_ENDED or name in self.done or now.get(name, seen) != seen:
            return False
        if name in now:
            self.done.add(name)
            self.models.append(SurveyedModel.of(row, "kept"))
            self.parts.update(map(os.path.realpath, row["parts"]))
            if row["status"] == "failed":
                self.failures.append(SurveyFailure(name, row["reason"] or "", row["code"] or ""))
        return True


def _known(store: TableStore, jobs: Sequence[FileJob], sources: Sources) -> _Known:
    """Return what holds, and drop the rows of what has changed."""
    now = {told(job.file): (job.size, job.changed) for job in jobs}
    known = _Known()
    for number in store.parts():
        rows = rows_of(store.read("files", number, list(_TOLD)))
        stale = {row["file"] for row in rows if not known.take(row, now)}
        if stale:
            store.drop(number, stale, sources)
    return known


@contextmanager
def _cluster(address: str | None) -> Iterator[Any]:
    """Connect to a cluster, where one is named, and give its client."""
    if address is None:
        yield None
        return
    try:
        import distributed
    except ImportError as error:
        raise MissingExtraError(
            "a cluster needs Dask, which is not installed: pip install distributed"
        ) from error
    try:
        client = distributed.Client(address, timeout=10)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise ArgumentError(
            f"no Dask scheduler answers at {printable(address, 200)}: start one with `dask scheduler`"
        ) from error
    with client:
        yield client


def _outcomes(jobs: Sequence[FileJob], n_jobs: int | None, client: Any) -> Generator[FileRows]:
    """Yield what became of each file; what a worker that was ended had is tried once more, at the end.

    Args:
        jobs: A file each.
        n_jobs: The number of processes here.
        client: A cluster's client, or None for processes here.
    """
    lost: list[FileJob] = []
    run = partial(_run_on_cluster, client=client) if client else partial(run_jobs, n_jobs=n_jobs)
    with closing(run(jobs)) as outcomes:
        for job, rows in zip(jobs, outcomes, strict=True):
            if rows.file["code"] == WORKER_ENDED:
                lost.append(job)
            else:
                yield rows
    alone = run if client else partial(run_apart, n_jobs=n_jobs)
    for job in lost:
        with closing(alone(iter([job]))) as outcomes:
            yield next(outcomes)


def _run_on_cluster(jobs: Iterable[FileJob], client: Any) -> Generator[FileRows]:
    """Yield what became of jobs that a cluster's workers run, in their order; few are under way at a time.

    Each is asked for by itself, so that one whose workers were ended is known: joblib's back end for Dask
    ends the whole run then, and does not say which it was.
    """
    waiting: deque[tuple[FileJob, Any]] = deque()
    try:
        for job in jobs:
            waiting.append((job, client.submit(FileJob.run, job, pure=False)))
            if len(waiting) > AHEAD * max(1, sum(client.nthreads().values())):
                yield _outcome(*waiting.popleft())
        while waiting:
            yield _outcome(*waiting.popleft())
    finally:
        client.cancel([future for _, future in waiting])


def _outcome(job: FileJob, future: Any) -> FileRows:
    """Wait for what a worker of a cluster makes of a job."""
    try:
        rows: FileRows = future.result()
    except Exception as error:
        if type(error).__name__ != "KilledWorker":  # the package is not imported to know it
            raise
        return job.lost("the workers of the cluster that measured it were ended, one after another")
    return rows


class _Writing:
    """Gathers rows and writes them as parts."""

    def __init__(self, store: TableStore, sources: Sources, parts: set[str], named: set[str]) -> None:
        self._store = store
        self.sources = sources
        self._waiting: list[FileRows] = []
        self._n_filters = 0
        self._since = time.monotonic()
        self._parts, self._named = parts, named
        self.files = self.passed_over = self.layers = self.filters = 0
        self.failures: list[SurveyFailure] = []
        self.models: list[SurveyedModel] = []

    def take(self, rows: FileRows) -> None:
        """Take the rows of a file, unless it is none of its own; what was named is."""
        parts = [Path(part) for part in rows.file["parts"]]
        self._parts.update(map(os.path.realpath, parts))
        self.sources = self.sources.including(*parts)
        is_part = os.path.realpath(str(rows.file["file"])) in self._parts - self._named
        if rows.status == NO_MODEL or is_part:
            self.passed_over += 1
        else:
            self._count(rows)
            self._waiting.append(rows)
        is_full = self._n_filters >= MOST_FILTERS or len(self._waiting) >= MOST_FILES
        if is_full or time.monotonic() - self._since > MOST_SECONDS:
            self.flush()

    def _count(self, rows: FileRows) -> None:
        self.files += 1
        self.models.append(SurveyedModel.of(rows.file, "measured"))
        self.layers += len(rows.layers.get("conv", ()))
        self.filters += rows.n_filters
        self._n_filters += rows.n_filters
        if rows.status == "failed":
            file = rows.file
            self.failures.append(SurveyFailure(file["file"], file["reason"], file["code"]))

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            self._store.add(self._waiting, self.sources)
        self._waiting, self._n_filters, self._since = [], 0, time.monotonic()
