"""Jobs, and the processes that run them: any piece of work that can say what became of it.

A `Job` is pickled on its way to a worker. So it holds paths and options, and no arrays: a model is read
where it is worked on.
"""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import Protocol, TypeVar

__all__ = ["Job", "run_jobs"]

FEW_JOBS = 4
"""Up to so many jobs are done sooner here than other processes are started."""

Outcome = TypeVar("Outcome", covariant=True)


class Job(Protocol[Outcome]):
    """A piece of work."""

    def run(self) -> Outcome:
        """Do it, and return what became of it: what fails on purpose is an outcome, too."""


def _run(job: Job[Outcome]) -> Outcome:
    return job.run()


def run_jobs(jobs: Iterable[Job[Outcome]], n_jobs: int | None) -> Generator[Outcome]:
    """Run jobs and yield their outcomes in the same order.

    More than a few go to joblib's processes, ``n_jobs`` of them, or to whatever back end the caller has
    chosen with ``joblib.parallel_config``. Jobs are taken as they are worked off, so that few are in memory.

    Args:
        jobs: They may be planned while others run; joblib takes them from a thread of its own.
        n_jobs: The number of processes; None is one for each core, or for each worker of the back end.
    """
    jobs = iter(jobs)
    first = list(islice(jobs, FEW_JOBS + 1))
    if n_jobs == 1 or len(first) <= FEW_JOBS:
        yield from map(_run, chain(first, jobs))
        return
    import joblib

    work: Callable[[Job[Outcome]], Outcome] = joblib.delayed(_run)
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
