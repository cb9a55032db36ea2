"""How a command ends before it is done: a signal, or nobody who reads what it prints."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

__all__ = ["INTERRUPTED", "PIPE_CLOSED", "Ended", "Stopped", "ended_by_signals"]

INTERRUPTED = 130
"""The exit status of a program that Ctrl-C has stopped, by the shells' convention: 128 + SIGINT."""

PIPE_CLOSED = 141
"""The exit status where nobody reads any more, by the same convention: 128 + SIGPIPE, on Windows, too."""

PATIENCE = 10.0
"""Seconds that a stopped command may take to remove what is half done."""


class Ended(BaseException):
    """The command ends now, quietly, with this exit status; no ``except Exception`` holds it up."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Stopped(Ended):
    """A signal asks the command to end."""


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let signals that end a program raise `Stopped` in the main thread, so that nothing is left half done.

    One that whoever started the program lets it ignore, as ``nohup`` does, stays ignored.
    """
    names = [name for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    numbers = [number for number in (getattr(signal, name) for name in names) if _would_end(number)]

    def stop(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
        for each in numbers:  # what follows is not to be interrupted by the same wish
            signal.signal(each, _do_nothing)  # SIG_IGN makes Python complain of one that is under way
        _limit_patience(128 + number)
        raise Stopped(128 + number)

    for number in numbers:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            if signal.getsignal(number) == stop:
                signal.signal(number, signal.SIG_DFL)


def _would_end(number: int) -> bool:
    return (
        threading.current_thread() is threading.main_thread() and signal.getsignal(number) == signal.SIG_DFL
    )


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Take note of a signal, and of nothing else."""


def _limit_patience(status: int) -> None:
    """End the process in any case, should the exception be lost on its way or what follows take for ever."""
    timer = threading.Timer(PATIENCE, os._exit, (status,))
    timer.daemon = True
    timer.start()
