"""A worker: how it is started, what it answers through its pipes, and with which status it ends."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest

from filtviz import processes
from filtviz.processes import run_in_processes
from tests.forking import forked

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs processes as POSIX has them")


class Job:
    def __init__(self, act: str) -> None:
        self.act = act

    def run(self) -> Any:
        return getattr(self, self.act)()

    def lost(self, reason: str) -> str:
        return f"{self.act} lost: {reason}"

    def streams(self) -> Any:
        print("to nowhere", flush=True)  # noqa: T201  (it is what is tested)
        os.write(1, b"to nowhere, too")
        return (
            os.read(0, 9),
            os.path.sameopenfile(0, 1),
            os.fstat(0).st_rdev == Path(os.devnull).stat().st_rdev,
        )

    def handlers(self) -> Any:
        return signal.getsignal(signal.SIGTERM) not in (signal.SIG_DFL, signal.SIG_IGN)

    def fails(self) -> Any:
        raise ZeroDivisionError("it fails")

    def ends(self) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)

    def breaks(self) -> Any:
        raise SystemExit(7)

    def waits(self) -> Any:
        signal.pause()


class Worker:
    """A worker that is forked from this process."""

    def __init__(self) -> None:
        reading, self.to = os.pipe()
        self.of, writing = os.pipe()

        def serve() -> None:
            os.dup2(reading, 0)
            os.dup2(writing, 1)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
            os.closerange(3, 1000)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            processes.PATIENCE = 0.2
            processes.serve()

        self.process = forked(serve)
        os.close(reading)
        os.close(writing)
        self.answers = open(self.of, "rb")  # noqa: PTH123, SIM115

    def answer(self, act: str | None = None) -> Any:
        if act is not None:
            with open(self.to, "wb", closefd=False) as stream:
                processes._send(stream, Job(act))
        return processes.ForkingPickler.loads(processes._receive(self.answers))

    def end(self, *, by_itself: bool = False) -> int:
        """Hang up, if it does not end by itself, and return its status; it says nothing more."""
        if not by_itself:
            os.close(self.to)
        assert self.answers.read() == b""
        if by_itself:
            os.close(self.to)
        self.answers.close()
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


def test_a_worker_says_that_it_is_up_and_answers_what_its_jobs_do():
    worker = Worker()
    assert worker.answer() == "up"
    assert worker.answer("streams") == ((b"", True, True),)
    assert worker.answer("handlers") == (True,)
    failed = worker.answer("fails")
    assert (type(failed.error), str(failed.error)) == (ZeroDivisionError, "it fails")
    assert failed.error.__notes__[0].startswith("in a worker process:\nTraceback")
    assert worker.answer("handlers") == (True,)
    assert worker.end() in (0, 143, -15)  # the signal may come when it is done, or nearly so


@pytest.mark.parametrize(("act", "status"), [("ends", 143), ("breaks", 1), ("waits", 143)])
def test_a_worker_that_ends_tells_how(act, status):
    worker = Worker()
    assert worker.answer() == "up"
    with open(worker.to, "wb", closefd=False) as stream:
        processes._send(stream, Job(act))
    assert worker.end(by_itself=act != "waits") == status


# ---- the side that starts it


class Started:
    """What `subprocess.Popen` is asked for, in place of a process that says nothing."""

    def __init__(self, words: list[str], **how: Any) -> None:
        self.words, self.how = words, how
        self.held_back = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self.stdin, self.stdout = io.BytesIO(), io.BytesIO()


@pytest.mark.cases("all")
@pytest.mark.parametrize(("cores", "n", "threads"), [(8, 2, "4"), (8, 3, "2"), (2, 8, "1"), (None, 1, "1")])
def test_a_worker_is_started_as_this_process_was_with_its_share_of_the_cores(monkeypatch, cores, n, threads):
    monkeypatch.setattr(subprocess, "Popen", Started)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.setattr(sys, "path", ["/a", Path("/not/text"), "", "/b"])
    monkeypatch.setattr(os, "environ", {"HOME": "/h", "MKL_NUM_THREADS": "7"})
    heard: SimpleQueue[Any] = SimpleQueue()
    worker = processes._start(heard, n)
    started: Any = worker.process
    assert started.words[:2] == [sys.executable, "-P"]
    assert started.words[-3:-1] == ["-c", processes._SERVE]
    assert json.loads(started.words[-1]) == ["/a", "", "/b"]
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    assert started.how.pop("env") == {
        **dict.fromkeys(names, threads), "MKL_NUM_THREADS": "7", "HOME": "/h"
    }  # fmt: skip
    assert started.how == {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "creationflags": 0}
    assert started.held_back
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert heard.get(timeout=60) == (worker, None)
    assert (list(worker.given), worker.is_up, started.stdout.closed) == ([], False, True)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("set_", "flags"),
    [
        ({}, []),
        ({"isolated": 1}, ["-I"]),
        ({"ignore_environment": 1}, ["-E"]),
        ({"no_user_site": 1}, ["-s"]),
        ({"isolated": 1, "ignore_environment": 1, "no_user_site": 1}, ["-I", "-E", "-s"]),
    ],
)
def test_a_worker_has_the_options_of_this_python(monkeypatch, set_, flags):
    usual = {"isolated": 0, "ignore_environment": 0, "no_user_site": 0, "utf8_mode": 1}
    monkeypatch.setattr(processes, "sys", SimpleNamespace(
        flags=SimpleNamespace(**usual | set_), warnoptions=["error", "default::ImportWarning"]
    ))  # fmt: skip
    found = list(processes._flags())
    assert found == ["-P", *flags, "-Xutf8=1", "-Werror", "-Wdefault::ImportWarning"]


class Scripted:
    """A process in place of `subprocess.Popen`'s: a thread's work, told by a script, without a process."""

    made: list[Scripted]
    script: list[Any]

    def __init__(self, *_: Any, **__: Any) -> None:
        if len(self.made) >= len(self.script):
            raise BlockingIOError(11, "no more processes")
        self.stdin, self.number, self.killed = _Pipe(self), len(self.made), False
        self.dies_at, self.status = self.script[self.number]
        reading, writing = os.pipe()
        self.stdout, self.answers = os.fdopen(reading, "rb"), os.fdopen(writing, "wb")
        self.done = 0
        self.made.append(self)
        if self.dies_at == "at once":
            self.answers.close()
        else:
            processes._send(self.answers, "up")

    def take(self, content: bytes) -> None:
        """Do a job as soon as it comes."""
        if self.answers.closed:
            raise BrokenPipeError
        job = processes.ForkingPickler.loads(content[processes.HEADER :])
        if self.done == self.dies_at:
            self.answers.close()
            return
        self.done += 1
        processes._send(self.answers, ((self.number, job.run()),))

    def wait(self, seconds: float | None = None) -> int:
        if self.status == "stays" and not self.killed:
            assert seconds is not None
            assert 0 <= seconds <= processes.PATIENCE
            raise subprocess.TimeoutExpired("it", seconds)
        return -9 if self.killed else self.status

    def kill(self) -> None:
        self.killed = True


class _Pipe(io.RawIOBase):
    def __init__(self, process: Scripted) -> None:
        self.process = process

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self.process.take(bytes(content))
        return len(content)

    def close(self) -> None:
        if not self.closed:
            super().close()
            if not self.process.answers.closed:
                self.process.answers.close()


class Number:
    def __init__(self, n: int) -> None:
        self.n = n

    def run(self) -> int:
        return self.n * 10

    def lost(self, reason: str) -> str:
        return f"{self.n} {reason.split(';')[0]}"


LOST = "a worker process was ended by the system (SIGKILL), perhaps for lack of memory"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("script", "most", "n", "outcomes", "started"),
    [
        ([(99, 0)] * 2, 2, 0, [], 0),
        ([(99, 0)] * 2, 2, 1, [(0, 0)], 1),
        ([(99, 0)], 1, 5, [(0, 0), (0, 10), (0, 20), (0, 30), (0, 40)], 1),
        ([], 2, 3, [0, 10, 20], 0),
        ([(99, 0)], 3, 3, [(0, 0), (0, 10), (0, 20)], 1),
        ([(1, -9), (99, 0)], 1, 4, [(0, 0), f"1 {LOST}", (1, 20), (1, 30)], 2),
        ([("at once", 3), (99, 0)], 1, 3, [0, 10, 20], 1),
        ([("at once", -9), (99, 0)], 1, 3, [f"0 {LOST}", (1, 10), (1, 20)], 2),
        ([(99, "stays")], 1, 2, [(0, 0), (0, 10)], 1),
    ],
)
def test_outcomes_come_in_the_order_of_the_jobs_whatever_becomes_of_the_workers(
    monkeypatch, script, most, n, outcomes, started
):
    Scripted.made, Scripted.script = [], script
    monkeypatch.setattr(subprocess, "Popen", Scripted)
    assert list(run_in_processes(map(Number, range(n)), most)) == outcomes
    assert len(Scripted.made) == started
    assert all(process.stdin.closed for process in Scripted.made)
    assert [process.killed for process in Scripted.made] == [
        status == "stays" for _, status in script[:started]
    ]


def test_jobs_are_taken_two_ahead_and_no_more(monkeypatch):
    Scripted.made, Scripted.script = [], [(99, 0)]
    monkeypatch.setattr(subprocess, "Popen", Scripted)
    taken = []

    def jobs():
        for n in range(9):
            taken.append(n)
            yield Number(n)

    outcomes = run_in_processes(jobs(), 1)
    assert taken == []
    assert next(outcomes) == (0, 0)
    assert len(taken) == processes.AHEAD + 1
    outcomes.close()
    assert Scripted.made[0].stdin.closed


def test_workers_have_five_seconds_together_to_end(monkeypatch):
    waited = []
    clock = iter([100.0, 101.0, 104.0, 107.0])
    monkeypatch.setattr(processes, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    pool = processes._Pool[Any](iter(()), 3)
    for _ in range(3):
        process: Any = SimpleNamespace(stdin=io.BytesIO(), wait=lambda seconds: waited.append(seconds) or 0)
        pool._workers.append(processes._Worker(process))
    pool.end()
    assert waited == [4.0, 1.0, 0.0]
    assert all(worker.process.stdin.closed for worker in pool._workers)


@pytest.mark.parametrize("was_blocked", [False, True])
def test_interrupts_are_held_back_for_as_long_as_they_were_and_no_less(was_blocked):
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT} if was_blocked else set())
    try:
        with processes.interrupts_held_back():
            assert signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        assert (signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())) == was_blocked
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
