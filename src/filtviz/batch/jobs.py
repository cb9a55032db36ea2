"""The pieces of work of an export: files of pictures of one model, which the worker reads by itself."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from filtviz.drawing import DrawingOptions, draw
from filtviz.drawing.saving import write_pages
from filtviz.errors import FiltvizError, MalformedFileError, ReadError
from filtviz.files import Permissions, replace_own
from filtviz.processes import Job, can_start, run_in_processes
from filtviz.reading import Hints, Limits, load
from filtviz.sources import Sources
from filtviz.text import printable

if TYPE_CHECKING:
    from filtviz.drawing import Picture
    from filtviz.network import Network

__all__ = [
    "Done",
    "ModelFile",
    "Outcome",
    "PictureFile",
    "PicturesJob",
    "Reason",
    "forget_models",
    "run_apart",
    "run_jobs",
]

FEW_JOBS = 4
"""Up to so many jobs are done sooner here than other processes are started."""

Result = TypeVar("Result")


def _run(job: Job[Result]) -> Result:
    return job.run()


def run_jobs(jobs: Iterable[Job[Result]], n_jobs: int | None) -> Generator[Result]:
    """Run jobs and yield their outcomes in the same order.

    More than a few go to processes of their own, ``n_jobs`` of them, or to whatever back end the caller has
    chosen with ``joblib.parallel_config``. Jobs are taken as they are worked off, so that few are in memory.

    Args:
        jobs: They may be planned while others run; a back end may take them from a thread of its own.
        n_jobs: The number of processes; None is one for each core, or for each worker of the back end.
    """
    jobs = iter(jobs)
    first: list[Job[Result]] = []
    while len(first) <= FEW_JOBS and (job := next(jobs, None)) is not None:
        if isinstance(job, Done) and not first:  # of a model of which nothing is to be drawn
            yield _run(job)
        else:
            first.append(job)
    jobs = chain(first, jobs)
    if n_jobs == 1 or len(first) <= FEW_JOBS:
        yield from map(_run, jobs)
    else:
        yield from _run_in_engine(jobs, n_jobs, fewest=2)


def run_apart(jobs: Iterator[Job[Result]], n_jobs: int | None) -> Generator[Result]:
    """Run jobs like `run_jobs`, but even a single one in another process, where there can be one.

    Args:
        jobs: They are taken as they are worked off.
        n_jobs: As for `run_jobs`.
    """
    yield from _run_in_engine(jobs, n_jobs, fewest=1)


def _run_in_engine(jobs: Iterator[Job[Result]], n_jobs: int | None, fewest: int) -> Generator[Result]:
    """Run jobs on the caller's back end, or else in processes if there are to be ``fewest`` or more."""
    import joblib
    from joblib.parallel import get_active_backend

    n_jobs = -1 if n_jobs is None else n_jobs
    if type(get_active_backend()[0]).__name__ != "LokyBackend":  # joblib's own, where none was chosen
        yield from _run_elsewhere(jobs, n_jobs)
    elif (n_processes := joblib.effective_n_jobs(n_jobs)) >= fewest and can_start():
        yield from run_in_processes(jobs, n_processes)
    else:
        yield from map(_run, jobs)


def _run_elsewhere(jobs: Iterator[Job[Result]], n_jobs: int) -> Generator[Result]:
    """Let joblib's back end run jobs; outcomes come as they are ready or, where it cannot, all at the end."""
    import joblib

    work: Callable[[Job[Result]], Result] = joblib.delayed(_run)
    try:
        engine = joblib.Parallel(n_jobs=n_jobs, batch_size=1, return_as="generator")
    except ValueError:  # back ends that derive from multiprocessing, such as Ray's, cannot
        engine = joblib.Parallel(n_jobs=n_jobs, batch_size=1)
    outcomes = iter(engine(work(job) for job in jobs))
    try:
        for outcome in outcomes:  # noqa: UP028  (`yield from` would close it with joblib's warning)
            yield outcome
    finally:
        _stop(outcomes)


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
        if not self._is_there():
            raise MalformedFileError(
                f"{printable(self.path, 200)}: it was changed while it was exported; export it again",
                path=self.path,
            )
        self.remember(network)
        return network

    def _is_there(self) -> bool:
        """Say whether the file is still what it was."""
        try:
            return ModelFile.of(self.path, self.limits, self.hints) == self
        except OSError:  # it went away after it was read
            return False


REMEMBERED = 2
"""So many networks a process holds: that of its jobs, and one whose jobs are about to come or just done."""

_remembered: list[tuple[ModelFile, Network]] = []


def forget_models() -> None:
    """Let go of the files that this process holds open for jobs."""
    _remembered.clear()


@dataclass(frozen=True, kw_only=True)
class PictureFile:
    """A file to write: ``pages`` pictures from the ``first`` on of those of a layer's ``channels``.

    ``permissions`` are those of the file in whose place it comes, if there was one.
    """

    path: Path
    conv_index: int
    channels: Sequence[int]
    first: int
    pages: int
    permissions: Permissions | None = None


@dataclass(frozen=True)
class Reason:
    """Why something failed: a word for scripts (`filtviz.errors.FiltvizError.code`), and a sentence.

    ``names_file`` tells that the sentence begins with the name of the model's file.
    """

    code: str
    sentence: str
    names_file: bool = False

    @classmethod
    def of(cls, error: FiltvizError, model: Path) -> Reason:
        """Return that of an error.

        Args:
            error: It.
            model: The model's file.
        """
        return cls(error.code, str(error), isinstance(error, ReadError) and error.path == model)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a job: the pages it drew, and the error that stopped it, if one did."""

    model: int
    pages: int = 0
    failure: Reason | None = None
    last: bool = False


@dataclass(frozen=True)
class Done:
    """A job that was done where it was planned."""

    outcome: Outcome

    def run(self) -> Outcome:
        """Return what became of it."""
        return self.outcome

    def lost(self, reason: str) -> Outcome:  # noqa: ARG002
        """Return what became of it, which no other process can lose."""
        return self.outcome


@dataclass(frozen=True, kw_only=True)
class PicturesJob:
    """Files of one model to write.

    ``sources`` are the files that the export reads, ``run_name`` is what it goes by in the folder.
    """

    model: int
    source: ModelFile
    files: tuple[PictureFile, ...]
    suffix: str
    options: DrawingOptions
    sources: Sources
    run_name: str

    def run(self) -> Outcome:
        """Write the files one after another, up to the first that fails."""
        pages = 0
        failure = None
        try:
            for file, pictures in self._drawn():
                write = partial(write_pages, pictures, self.suffix, self.options)
                replace_own(file.path, write, self.sources, run=self.run_name, permissions=file.permissions)
                pages += len(pictures)
        except FiltvizError as error:
            failure = Reason.of(error, self.source.path)
        except MemoryError:
            failure = Reason("memory", "the machine has not enough memory for a page; lower figsize or dpi")
        return Outcome(model=self.model, pages=pages, failure=failure)

    def lost(self, reason: str) -> Outcome:
        """Say that the process that wrote the files was ended; those that are there are whole."""
        return Outcome(model=self.model, failure=Reason("worker-ended", reason))

    def _drawn(self) -> Iterator[tuple[PictureFile, list[Picture]]]:
        """Yield each file with its pictures, which are ready to be drawn and hold no pixels yet."""
        network = self.source.load()
        for (conv_index, channels), files in groupby(
            self.files, lambda each: (each.conv_index, each.channels)
        ):
            pictures = draw(network.conv_layers[conv_index], channels, self.options)
            place = 0
            for file in files:
                yield file, list(islice(pictures, file.first - place, file.first - place + file.pages))
                place = file.first + file.pages
