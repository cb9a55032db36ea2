"""How jobs are dealt out to processes, what is said of one that ended, and what goes through the pipes.

``python -m tests.telling`` writes ``tests/told/networks/pools.txt`` anew.
"""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from filtviz import processes

__all__ = ["pools"]


@dataclass(frozen=True)
class Times:
    """A job: a number times two, or what it raises."""

    number: int

    def run(self) -> int:
        if self.number < 0:
            raise ValueError(f"{self.number} is below zero")
        return 2 * self.number

    def lost(self, reason: str) -> str:
        return f"{self.number} lost: {reason}"


class Odd(Exception):
    """What cannot be sent to another process."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(one)
        self.held = lambda: other


@dataclass(frozen=True)
class Fails:
    def run(self) -> int:
        raise Odd("it fails", "so")

    def lost(self, reason: str) -> str:
        return reason


class _Process:
    """A process that has ended, with a status, or that has to be killed."""

    def __init__(self, status: int, slow: bool = False) -> None:
        self.stdin, self.status, self.slow, self.killed = io.BytesIO(), status, slow, False

    def wait(self, seconds: float | None = None) -> int:
        if self.slow and not self.killed:
            assert seconds is not None
            raise subprocess.TimeoutExpired("it", seconds)
        return -9 if self.killed else self.status

    def kill(self) -> None:
        self.killed = True


def _worker(*numbers: int, status: int = 0, is_up: bool = True, slow: bool = False) -> Any:
    given = deque((number, Times(number)) for number in numbers)
    return processes._Worker(_Process(status, slow), given, is_up)  # type: ignore[arg-type]


def pools() -> Iterator[tuple[str, str]]:
    for status in (
        0,
        1,
        2,
        127,
        128,
        129,
        130,
        137,
        139,
        143,
        255,
        -1,
        -2,
        -4,
        -6,
        -7,
        -8,
        -9,
        -11,
        -15,
        -31,
        -99,
    ):
        yield f"ended with {status}", processes._reason(status)
    yield from _dealt()
    yield from _piped()
    yield from _alone()


def _dealt() -> Iterator[tuple[str, str]]:
    for most in (0, 1, 2, 3):
        for loads in ((), (0,), (1,), (2,), (1, 2), (2, 2), (2, 1), (2, 0), (3, 2)):
            pool = processes._Pool[Any](iter([Times(7), Times(8)]), most)
            pool._workers = [_worker(*range(n)) for n in loads]
            room = pool._has_room()
            if len(loads) >= most or any(not n for n in loads):
                chosen = pool._choose()
                which = None if chosen is None else pool._workers.index(chosen)
                yield f"loads of {loads}, {most} at most", f"{room} {which}"
    pool = processes._Pool[Any](iter([Times(7), Times(8)]), 1)
    pool._given_back = deque([(5, Times(5))])
    yield "what comes next", str([pool._next() for _ in range(4)])
    for is_up in (False, True):
        for status in (0, 1, -9, 139):
            for numbers in ((), (3,), (3, 4)):
                for most in (1, 3):
                    worker, other = _worker(*numbers, status=status, is_up=is_up), _worker(1)
                    pool = processes._Pool[Any](iter([]), most)
                    pool._workers, pool._given_back = [other, worker], deque([(9, Times(9))])
                    pool._lose(worker)
                    back = [index for index, _ in pool._given_back]
                    facts = f"{pool._outcomes} {back} {pool._most} {len(pool._workers)}"
                    yield (
                        f"lost a worker of {numbers}, up {is_up}, with {status}, {most} at most",
                        f"{facts} {worker.process.stdin.closed}",
                    )
    for slow in (False, True):
        worker = _worker(slow=slow)
        yield f"waited for a worker, slow {slow}", f"{processes._wait(worker, -1.0)} {worker.process.killed}"
    for message in ("up", (6,), None, processes._Raised(KeyError("x"))):
        for is_up in (False, True):
            worker = _worker(3, 4, is_up=is_up, status=1)
            pool = processes._Pool[Any](iter([]), 2)
            pool._workers = [worker]
            pool._heard.put((worker, message))
            try:
                if message == "up" and is_up:
                    continue
                pool._listen()
                said = "heard"
            except KeyError as error:
                said = repr(error)
            facts = f"{pool._outcomes} {[index for index, _ in worker.given]} {worker.is_up} {pool._most}"
            what = "an error" if isinstance(message, processes._Raised) else message
            yield f"heard {what} of one that is up {is_up}", f"{said} {facts}"


def _piped() -> Iterator[tuple[str, str]]:
    stream = io.BytesIO()
    for message in ("up", (1, 2), Times(3)):
        processes._send(stream, message)
    whole = stream.getvalue()
    size = int.from_bytes(whole[: processes.HEADER], "little")
    yield "a message", f"{size + processes.HEADER < len(whole)} {processes.HEADER}"
    for cut in (
        0,
        1,
        processes.HEADER - 1,
        processes.HEADER,
        processes.HEADER + size - 1,
        processes.HEADER + size,
    ):
        held = io.BytesIO(whole[:cut])
        try:
            yield (
                f"a message of which {min(cut, 9)} bytes come, or more",
                str(processes.ForkingPickler.loads(processes._receive(held))),
            )
        except EOFError:
            yield f"a message of which {min(cut, 9)} bytes come", "it ends"

    class Deaf:
        def write(self, content: bytes) -> None:
            raise OSError(9, "it is closed")

    processes._send(Deaf(), "up")
    yield "a message that nobody hears", "is lost"
    for job in (Times(4), Times(-4), Fails()):
        found = processes._do(bytes(processes.ForkingPickler.dumps(job)))
        if isinstance(found, processes._Raised):
            notes = [note.splitlines()[0] for note in getattr(found.error, "__notes__", [])]
            found = f"{type(found.error).__name__} {str(found.error).splitlines()[0]} {notes}"
        yield f"done: {type(job).__name__} {getattr(job, 'number', '')}", str(found)


def _alone() -> Iterator[tuple[str, str]]:
    """Where no process can be started, jobs are done here."""
    executable = sys.executable
    try:
        for path in ("/there/is/no/python", ""):
            sys.executable = path
            yield f"can start {path!r}", str(processes.can_start())
        sys.executable = "/there/is/no/python"
        for most in (1, 3):
            yield (
                f"done here, {most} at most",
                str(list(processes.run_in_processes(iter([Times(n) for n in range(4)]), most))),
            )
        yield "nothing to do", str(list(processes.run_in_processes(iter([]), 2)))
    finally:
        sys.executable = executable
    setattr(sys, "frozen", True)  # noqa: B010  (as programs that are packed have it)
    try:
        yield "can start where it is frozen", str(processes.can_start())
    finally:
        del sys.frozen  # type: ignore[attr-defined]
    yield "can start", str(processes.can_start())
    flags = list(processes._flags())
    utf8 = [one for one in flags if one.startswith("-Xutf8")]
    yield "flags", f"{flags[0]} {utf8 == [f'-Xutf8={int(sys.flags.utf8_mode)}']}"
    with processes.interrupts_held_back():
        held = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield "interrupts held back", f"{held} {signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())}"
