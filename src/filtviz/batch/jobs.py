"""The pieces of work of an export: files of pictures of one model, which the worker reads by itself."""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from filtviz.drawing import DrawingOptions, draw
from filtviz.drawing.saving import write_pages
from filtviz.errors import FiltvizError, MalformedFileError
from filtviz.files import write_whole
from filtviz.reading import Hints, Limits, load
from filtviz.text import printable

if TYPE_CHECKING:
    from filtviz.drawing import Picture
    from filtviz.network import Network

__all__ = ["Job", "ModelFile", "Outcome", "PictureFile", "PicturesJob", "forget_models", "run_jobs"]

FEW_JOBS = 4
"""Up to so many jobs are done sooner here than other processes are started."""

Result = TypeVar("Result", covariant=True)


class Job(Protocol[Result]):
    """A piece of work."""

    def run(self) -> Result:
        """Do it, and return what became of it: what fails on purpose is an outcome, too."""


def _run(job: Job[Result]) -> Result:
    return job.run()


def run_jobs(jobs: Iterable[Job[Result]], n_jobs: int | None) -> Generator[Result]:
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

    work: Callable[[Job[Result]], Result] = joblib.delayed(_run)
    outcomes = _start((work(job) for job in chain(first, jobs)), -1 if n_jobs is None else n_jobs)
    try:
        for outcome in outcomes:  # noqa: UP028  (`yield from` would close it with joblib's warning)
            yield outcome
    finally:
        _stop(outcomes)


def _start(work: Iterator[Result], n_jobs: int) -> Iterator[Result]:
    """Let joblib do the work; outcomes come as they are ready or, where it cannot do that, all at the end."""
    import joblib

    outcomes: Iterable[Result]
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


def _stop(outcomes: Iterator[Result]) -> None:
    """End work that is under way, of which joblib would warn that it is cancelled."""
    if isinstance(outcomes, Generator):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcomes.close()


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """A model file as it was when its pictures were planned, which a process reads once for many jobs.

    ``path`` is absolute, for whoever reads it may work in another folder. ``size`` in bytes and ``changed``,
    the time of its last change in nanoseconds, tell whether it still is that file.
    """

    path: Path
    limits: Limits | None
    hints: Hints | None
    size: int
    changed: int

    @classmethod
    def of(cls, path: Path, limits: Limits | None, hints: Hints | None) -> ModelFile:
        """Look at a file."""
        seen = path.stat()
        return cls(
            path=path.absolute(), limits=limits, hints=hints, size=seen.st_size, changed=seen.st_mtime_ns
        )

    def remember(self, network: Network) -> None:
        """Let jobs of this process have a network that was read from the file already."""
        _remembered[:] = [(self, network), *_remembered[: REMEMBERED - 1]]

    def load(self) -> Network:
        """Return the network in the file.

        Raises:
            ReadError: it cannot be read any more, or has changed.
        """
        for file, network in tuple(_remembered):  # a copy: the jobs of threads share the list
            if file == self:
                return network
        network = load(self.path, limits=self.limits, hints=self.hints)
        if ModelFile.of(self.path, self.limits, self.hints) != self:
            raise MalformedFileError(
                f"{printable(self.path, 200)}: it was changed while it was exported; export it again",
                path=self.path,
            )
        self.remember(network)
        return network


REMEMBERED = 2
"""So many networks a process holds: that of its jobs, and one whose jobs are about to come or just done."""

_remembered: list[tuple[ModelFile, Network]] = []


def forget_models() -> None:
    """Let go of the files that this process holds open for jobs."""
    _remembered.clear()


@dataclass(frozen=True, kw_only=True)
class PictureFile:
    """A file to write: ``pages`` pictures from the ``first`` on of those of a layer's ``channels``."""

    path: Path
    conv_index: int
    channels: Sequence[int]
    first: int
    pages: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a job: the pages it drew, and the sentence of the error that stopped it, if one did."""

    model: int
    pages: int
    failure: str | None
    last: bool


@dataclass(frozen=True, kw_only=True)
class PicturesJob:
    """Files of one model to write; ``last`` marks the model's last job, which may have none."""

    model: int
    source: ModelFile | None
    files: tuple[PictureFile, ...]
    suffix: str
    options: DrawingOptions
    last: bool = False

    def run(self) -> Outcome:
        """Write the files one after another, up to the first that fails."""
        pages = 0
        failure = None
        try:
            for path, pictures in self._drawn():
                write_whole(path, partial(write_pages, pictures, self.suffix, self.options))
                pages += len(pictures)
        except FiltvizError as error:
            failure = str(error)
        except MemoryError:
            failure = "the machine has not enough memory for a page; lower figsize or dpi"
        return Outcome(model=self.model, pages=pages, failure=failure, last=self.last)

    def _drawn(self) -> Iterator[tuple[Path, list[Picture]]]:
        """Yield each file with its pictures, which are ready to be drawn and hold no pixels yet."""
        if self.source is None or not self.files:
            return
        network = self.source.load()
        for (conv_index, channels), files in groupby(
            self.files, lambda each: (each.conv_index, each.channels)
        ):
            pictures = draw(network.conv_layers[conv_index], channels, self.options)
            place = 0
            for file in files:
                yield file.path, list(islice(pictures, file.first - place, file.first - place + file.pages))
                place = file.first + file.pages
