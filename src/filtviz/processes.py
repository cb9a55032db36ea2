"""Processes of this program's own that do jobs, and that never outlive it.

A worker reads jobs from a pipe and answers through another. Where the first ends, because this process is
done, was stopped or was killed, the worker ends as well; where the second ends too early, what is missing
tells which job the worker had. They share nothing else: no lock that a killed process could hold, no file
that it could leave behind. A worker imports what this process imports, and nothing of the folder it works in.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.reduction import ForkingPickler
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO, Generic, NoReturn, Protocol, TypeVar

from filtviz.signals import Stopped, ended_by_signals, signal_main_thread

__all__ = ["Job", "can_start", "interrupts_held_back", "run_in_processes", "serve"]

AHEAD = 2
"""So many jobs a worker is given: the one that it does, and one for when that is done."""

PATIENCE = 5.0
"""Seconds that a worker may take, when it has to end, to leave nothing half done."""

HEADER = 8
"""Bytes before a message that say how long it is."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Variables that keep numpy's libraries from starting threads for all cores in each process."""

Result = TypeVar("Result")
Outcome = TypeVar("Outcome", covariant=True)


class Job(Protocol[Outcome]):
    """A piece of work that can be sent to another process."""

    def run(self) -> Outcome:
        """Do it, and return what became of it: what fails on purpose is an outcome, too."""

    def lost(self, reason: str) -> Outcome:
        """Return what became of it where the process that did it was ended; ``reason`` is a sentence."""


def can_start() -> bool:
    """Say whether there is a Python to start: a program that is frozen, or holds one inside, has none."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


def run_in_processes(jobs: Iterator[Job[Result]], n_processes: int) -> Generator[Result]:
    """Do jobs in processes of their own, and yield their outcomes in the same order.

    Args:
        jobs: They are taken as they are worked off.
        n_processes: So many processes at most, started as there is work for them. One that the system ends is
            replaced only if it was the last, for memory may be short.
    """
    pool = _Pool(jobs, n_processes)
    try:
        yield from pool.outcomes()
    finally:
        pool.end()


@dataclass(eq=False)
class _Worker:
    """A process; the jobs that it was given and has not answered, by number; whether it came up."""

    process: subprocess.Popen[bytes]
    given: deque[tuple[int, Job[Any]]] = field(default_factory=deque)
    is_up: bool = False


@dataclass(frozen=True)
class _Raised:
    """What a job raised, which is a fault of this program."""

    error: BaseException


class _Pool(Generic[Result]):
    """The workers of one run, which this thread feeds, and to each of which a thread listens."""

    def __init__(self, jobs: Iterator[Job[Result]], most: int) -> None:
        self._jobs: Iterator[tuple[int, Job[Result]]] = enumerate(jobs)
        self._given_back: deque[tuple[int, Job[Result]]] = deque()
        self._most = most
        self._workers: list[_Worker] = []
        self._heard: SimpleQueue[tuple[_Worker, Any]] = SimpleQueue()
        self._outcomes: dict[int, Result] = {}

    def outcomes(self) -> Generator[Result]:
        """Yield the outcomes in the order of the jobs."""
        for index in count():
            is_done_here = self._feed()
            while index not in self._outcomes:
                if not is_done_here:
                    if not any(worker.given for worker in self._workers):
                        return
                    self._listen()
                is_done_here = self._feed()
            yield self._outcomes.pop(index)

    def end(self) -> None:
        """End all workers: those that do something stop it, and those that do not are killed."""
        for worker in self._workers:
            _hang_up(worker)
        deadline = time.monotonic() + PATIENCE
        for worker in self._workers:
            _wait(worker, deadline - time.monotonic())

    def _feed(self) -> bool:
        """Give jobs to workers that have room for them; do one here, and say so, if none can be started."""
        while self._has_room() and (task := self._next()) is not None:
            worker = self._choose()
            if worker is None:
                index, job = task
                self._outcomes[index] = job.run()
                return True
            worker.given.append(task)
            _send(worker.process.stdin, task[1])
        return False

    def _has_room(self) -> bool:
        if len(self._workers) < max(1, self._most):
            return True
        return any(len(worker.given) < AHEAD for worker in self._workers)

    def _next(self) -> tuple[int, Job[Result]] | None:
        return self._given_back.popleft() if self._given_back else next(self._jobs, None)

    def _choose(self) -> _Worker | None:
        """Return the worker with the least to do, a new one if all are busy; None if there can be none."""
        idlest = min(self._workers, key=lambda worker: len(worker.given), default=None)
        if (idlest is None or idlest.given) and len(self._workers) < self._most:
            try:
                idlest = _start(self._heard, self._most)
                self._workers.append(idlest)
            except OSError:  # too many processes, too little memory
                self._most = len(self._workers)
        return idlest

    def _listen(self) -> None:
        """Wait for what one of the workers has to say."""
        while True:
            with suppress(Empty):
                worker, message = self._heard.get(timeout=1)  # on Windows nothing interrupts it
                break
        if isinstance(message, _Raised):
            raise message.error
        if message is None:
            self._lose(worker)
        elif not worker.is_up:
            worker.is_up = True
        else:
            index, _ = worker.given.popleft()
            (self._outcomes[index],) = message

    def _lose(self, worker: _Worker) -> None:
        """Do without a worker that has ended: the job it was at is lost, and another one does the rest."""
        self._workers.remove(worker)
        _hang_up(worker)
        status = _wait(worker, PATIENCE)
        if worker.is_up or status < 0:
            if worker.given:
                index, job = worker.given.popleft()
                self._outcomes[index] = job.lost(_reason(status))
            self._most = max(1, self._most - 1)
        else:  # what keeps it from coming up will keep the next one, too
            self._most -= 1
        self._given_back.extendleft(reversed(worker.given))


def _reason(status: int) -> str:
    """Say why a process ended, by its exit status."""
    number = status - 128 if status > 128 else -status
    names = {each.value: each.name for each in signal.Signals} if os.name == "posix" else {}
    told = f" ({names[number]})" if number in names else ""
    crashes = {"SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT"}
    what = "crashed" if names.get(number) in crashes else "was ended by the system"
    why = ", perhaps for lack of memory" if names.get(number, "SIGKILL") == "SIGKILL" else ""
    return f"a worker process {what}{told}{why}; the same command with --jobs 1 goes on from here"


# ---- the side that starts workers

_SERVE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from filtviz.processes import serve; serve()"
)


def _start(heard: SimpleQueue[tuple[_Worker, Any]], n_processes: int) -> _Worker:
    """Start a worker, and a thread that puts down what it says; None is put down when it has ended.

    Raises:
        OSError: the system starts no more processes.
    """
    paths = json.dumps([path for path in sys.path if isinstance(path, str)])
    threads = str(max(1, (os.cpu_count() or 1) // n_processes))
    with interrupts_held_back():
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, *_flags(), "-c", _SERVE, paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**dict.fromkeys(THREADS, threads), **os.environ},
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # Ctrl-C, on Windows
        )
    worker = _Worker(process)
    threading.Thread(target=_hear, args=(worker, heard), daemon=True).start()
    return worker


def _flags() -> Iterator[str]:
    """Yield Python's options of this process, and the one that keeps it from looking into the folder."""
    yield "-P"
    for flag, is_set in (
        ("-I", sys.flags.isolated),
        ("-E", sys.flags.ignore_environment),
        ("-s", sys.flags.no_user_site),
    ):
        if is_set:
            yield flag
    yield f"-Xutf8={int(sys.flags.utf8_mode)}"
    for option in sys.warnoptions:
        yield f"-W{option}"


def _hear(worker: _Worker, heard: SimpleQueue[tuple[_Worker, Any]]) -> None:
    assert worker.process.stdout is not None
    with worker.process.stdout as stream, suppress(EOFError, OSError):
        while True:
            heard.put((worker, ForkingPickler.loads(_receive(stream))))
    heard.put((worker, None))


def _hang_up(worker: _Worker) -> None:
    """Tell a worker to end."""
    assert worker.process.stdin is not None
    with suppress(OSError):
        worker.process.stdin.close()


def _wait(worker: _Worker, seconds: float) -> int:
    """Wait until a worker has ended, so long at most and then kill it; return its exit status."""
    try:
        return worker.process.wait(max(0.0, seconds))
    except subprocess.TimeoutExpired:
        worker.process.kill()
        return worker.process.wait()


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Let Ctrl-C wait, and never reach the processes that are started meanwhile: they inherit that.

    A terminal sends it to all of them, and one that is still importing would answer with a traceback. They
    are ended by this process, which gets it.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# ---- both sides


def _send(stream: BinaryIO | Any, message: Any) -> None:
    """Send a message; who does not listen any more is found out by listening."""
    content = bytes(ForkingPickler.dumps(message))
    with suppress(OSError):
        stream.write(len(content).to_bytes(HEADER, "little") + content)
        stream.flush()


def _receive(stream: BinaryIO | Any) -> bytes:
    """Return the next message.

    Raises:
        EOFError: there is none any more.
    """
    header = stream.read(HEADER)
    size = int.from_bytes(header, "little")
    content: bytes = stream.read(size)
    if len(header) < HEADER or len(content) < size:
        raise EOFError
    return content


# ---- the worker's side


def serve() -> NoReturn:
    """Do the jobs that come through stdin, and answer through stdout; this is all that a worker does."""
    jobs, answers = _take_streams()
    logging.getLogger().addHandler(logging.NullHandler())  # what libraries log has nobody who reads it
    inbox: SimpleQueue[bytes | None] = SimpleQueue()
    status = 1
    try:
        with ended_by_signals():
            threading.Thread(target=_collect, args=(jobs, inbox), daemon=True).start()
            _send(answers, "up")
            while (message := inbox.get()) is not None:
                _send(answers, _do(message))
        status = 0
    except Stopped as end:
        status = end.status
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)  # at once: nothing is left to be put in order


def _take_streams() -> tuple[BinaryIO, BinaryIO]:
    """Take stdin and stdout for messages, and leave the null device to whatever else reads or prints."""
    jobs, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return jobs, answers


def _collect(jobs: BinaryIO, inbox: SimpleQueue[bytes | None]) -> None:
    """Collect jobs; when no more can come, stop the one that is being done, and end the process."""
    with suppress(EOFError, OSError):
        while True:
            inbox.put(_receive(jobs))
    inbox.put(None)
    signal_main_thread(signal.SIGTERM)
    time.sleep(PATIENCE)
    os._exit(1)


def _do(message: bytes) -> Any:
    try:
        return (ForkingPickler.loads(message).run(),)
    except Exception as error:
        error.add_note(f"in a worker process:\n{traceback.format_exc()}")
        try:
            ForkingPickler.dumps(error)
        except Exception:
            return _Raised(RuntimeError(f"{type(error).__name__}: {error}\n{traceback.format_exc()}"))
        return _Raised(error)
