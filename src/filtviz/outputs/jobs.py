"""The pieces of work of an export: what goes to another process, and what comes back."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING

from filtviz.drawing.formats import write_pages
from filtviz.errors import FiltvizError
from filtviz.outputs.files import write_whole

if TYPE_CHECKING:
    from filtviz.drawing import DrawingOptions
    from filtviz.outputs.plotting import PlannedFile

__all__ = ["Job", "Outcome", "run_job", "run_jobs"]

FEW_JOBS = 4
"""Up to so many jobs are done sooner here than other processes are started."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """Files of one model to write; ``last`` marks the model's last job, which may have none."""

    model: int
    files: tuple[PlannedFile, ...]
    suffix: str
    options: DrawingOptions
    last: bool = False


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a job: the pages it drew, and the sentence of the error that stopped it, if one did."""

    model: int
    pages: int
    failure: str | None
    last: bool


def run_job(job: Job) -> Outcome:
    """Write a job's files one after another, up to the first that fails."""
    pages = 0
    failure = None
    try:
        for file in job.files:
            write_whole(file.path, partial(write_pages, file.pictures, job.suffix, job.options))
            pages += len(file.pictures)
    except FiltvizError as error:
        failure = str(error)
    except MemoryError:
        failure = "the machine has not enough memory for a page; lower figsize or dpi"
    return Outcome(model=job.model, pages=pages, failure=failure, last=job.last)


def run_jobs(jobs: Iterable[Job], n_jobs: int | None) -> Generator[Outcome]:
    """Run jobs and yield their outcomes in the same order.

    More than a few go to joblib's processes, ``n_jobs`` of them, or to whatever back end the caller has
    chosen with ``joblib.parallel_config``. Jobs are taken as they are worked off, so that few are in memory.
    """
    jobs = iter(jobs)
    first = list(islice(jobs, FEW_JOBS + 1))
    if n_jobs == 1 or len(first) <= FEW_JOBS:
        yield from map(run_job, chain(first, jobs))
        return
    import joblib

    work: Callable[[Job], Outcome] = joblib.delayed(run_job)
    outcomes = iter(_parallel(-1 if n_jobs is None else n_jobs)(work(job) for job in chain(first, jobs)))
    try:
        for outcome in outcomes:  # noqa: UP028  (`yield from` would close it with joblib's warning)
            yield outcome
    finally:
        _stop(outcomes)


def _parallel(n_jobs: int) -> Callable[[Iterator[Outcome]], Iterable[Outcome]]:
    """Return joblib's engine, which yields outcomes as they come or, where it cannot, all at the end."""
    import joblib

    engine: Callable[[Iterator[Outcome]], Iterable[Outcome]]
    try:
        engine = joblib.Parallel(n_jobs=n_jobs, batch_size=1, return_as="generator")
    except ValueError:  # back ends that derive from multiprocessing, such as Ray's, cannot
        engine = joblib.Parallel(n_jobs=n_jobs, batch_size=1)
    return engine


def _stop(outcomes: Iterator[Outcome]) -> None:
    """End work that is under way, of which joblib would warn that it is cancelled."""
    if isinstance(outcomes, Generator):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcomes.close()
