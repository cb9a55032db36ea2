"""The pieces of work of an export: what goes to another process, and what comes back."""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING

from filtviz.drawing.saving import write_pages
from filtviz.errors import FiltvizError
from filtviz.files import write_whole

if TYPE_CHECKING:
    from filtviz.drawing import DrawingOptions
    from filtviz.drawing.saving import PlannedFile

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
    outcomes = _start((work(job) for job in chain(first, jobs)), -1 if n_jobs is None else n_jobs)
    try:
        for outcome in outcomes:  # noqa: UP028  (`yield from` would close it with joblib's warning)
            yield outcome
    finally:
        _stop(outcomes)


def _start(work: Iterator[Outcome], n_jobs: int) -> Iterator[Outcome]:
    """Let joblib do the work; outcomes come as they are ready or, where it cannot do that, all at the end."""
    import joblib

    outcomes: Iterable[Outcome]
    try:
        engine = joblib.Parallel(n_jobs=n_jobs, batch_size=1, return_as="generator")
    except ValueError:  # back ends that derive from multiprocessing, such as Ray's, cannot
        outcomes = joblib.Parallel(n_jobs=n_jobs, batch_size=1)(work)
    else:
        with _interrupts_held_back():
            outcomes = engine(work)
    return iter(outcomes)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Let Ctrl-C wait, and never reach the processes that are started meanwhile: they inherit that.

    A terminal sends it to all of them, and one that is still importing would answer with a traceback. They
    are ended by this process, which gets it.
    """
    if sys.platform == "win32":
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # in most Pythons its start lets signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stop(outcomes: Iterator[Outcome]) -> None:
    """End work that is under way, of which joblib would warn that it is cancelled."""
    if isinstance(outcomes, Generator):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcomes.close()
