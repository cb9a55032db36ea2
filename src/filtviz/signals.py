"""How the program ends before it is done: a signal, or nobody who reads what it prints."""

from __future__ import annotations

import _thread
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType

__all__ = ["INTERRUPTED", "PIPE_CLOSED", "Ended", "Stopped", "ended_by_signals", "signal_main_thread"]

INTERRUPTED = 130
"""The exit status of a program that Ctrl-C has stopped, by the shells' convention: 128 + SIGINT."""

PIPE_CLOSED = 141
"""The exit status where nobody reads any more, by the same convention: 128 + SIGPIPE, on Windows, too."""

PATIENCE = 10.0
"""Seconds that a stopped program may take to remove what is half done."""

PAUSE = 0.02
"""Seconds until a signal that came at a bad moment comes again."""


SAME_WISH = 0.5
"""Seconds within which another Ctrl-C does not disturb what the first has set off, such as removing parts."""


class Ended(BaseException):
    """The program ends now, quietly, with this exit status; no ``except Exception`` holds it up."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Stopped(Ended):
    """A signal asks the program to end."""


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let signals that end a program raise an exception in the main thread: nothing is left half done.

    `Stopped`, or KeyboardInterrupt for Ctrl-C, which may come again. While a module is imported they wait:
    the exception would be lost in the locks of an import, or end in the ImportError, or the crash, of an
    extension module that is being set up. One that is lost elsewhere, in a destructor, comes again. Signals
    that whoever started the program lets it ignore, as ``nohup`` does, stay ignored.

    Raises:
        Stopped: at the end, where a signal came and its exception reached nobody, or was made another one: a
            library that calls Python out of C, as numpy does, may answer with an error of its own.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ending = _Ending()
    before = ending.take_over()
    try:
        yield
    except Exception as error:
        if ending.asked is None:
            raise
        raise Stopped(128 + ending.asked) from error
    finally:
        ending.hand_back(before)
    if ending.asked is not None:
        raise Stopped(128 + ending.asked)


class _Ending:
    """What the main thread does with the signals that end it.

    Attributes:
        asked: The signal that asked for the end, if one did.
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        self._imports = _count_imports(sys._getframe())
        self._is_over = False
        self._raised = -math.inf  # when Ctrl-C last became an exception

    def take_over(self) -> dict[int, object]:
        """Answer the signals that would end the program, and return what answered them before."""
        names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
        answers = {number: signal.getsignal(number) for number in (getattr(signal, name) for name in names)}
        ending = {signal.SIG_DFL, signal.default_int_handler}
        before: dict[int, object] = {number: old for number, old in answers.items() if old in ending}
        for number in before:
            signal.signal(number, self._answer)
        self._hook, sys.unraisablehook = sys.unraisablehook, self._find
        self._numbers = tuple(before)
        return before

    def hand_back(self, before: dict[int, object]) -> None:
        """Leave the signals to what answered them before, but for those that have ended the program."""
        self._is_over = True
        sys.unraisablehook = self._hook
        for number, old in before.items():
            if signal.getsignal(number) == self._answer:
                signal.signal(number, old)  # type: ignore[arg-type]

    def _answer(self, number: int, frame: FrameType | None) -> None:
        self.asked = number
        if _count_imports(frame) > self._imports:
            self._ask_again()
        elif number == signal.SIGINT:
            now, before = time.monotonic(), self._raised
            if now - before >= SAME_WISH:
                self._raised = now
                raise KeyboardInterrupt
        else:
            for each in self._numbers:  # what follows is not to be interrupted by the same wish
                signal.signal(each, _do_nothing)  # SIG_IGN makes Python complain of one that is under way
            _limit_patience(128 + number)
            raise Stopped(128 + number)

    def _find(self, lost: sys.UnraisableHookArgs) -> None:
        """Let a signal come again whose exception was raised where Python has to drop it."""
        if not isinstance(lost.exc_value, (Ended, KeyboardInterrupt)):
            self._hook(lost)
            return
        for each in self._numbers:
            signal.signal(each, self._answer)
        self._raised = -math.inf
        self._ask_again()

    def _ask_again(self) -> None:
        def ask() -> None:
            if not self._is_over and self.asked is not None:
                signal_main_thread(signal.Signals(self.asked))

        _start_timer(PAUSE, ask)


def signal_main_thread(number: signal.Signals) -> None:
    """Let a signal reach the main thread, which stops waiting for what it waits for where the system can.

    Args:
        number: Which signal.
    """
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        _thread.interrupt_main(number)


def _count_imports(frame: FrameType | None) -> int:
    """Count the frames of Python's own import among those that a frame was called from."""
    count = 0
    while frame is not None:
        count += frame.f_code.co_filename.startswith("<frozen importlib")
        frame = frame.f_back
    return count


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Take note of a signal, and of nothing else."""


def _limit_patience(status: int) -> None:
    """End the process in any case, should what follows take for ever."""
    _start_timer(PATIENCE, partial(os._exit, status))


def _start_timer(seconds: float, act: Callable[[], object]) -> None:
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    with suppress(RuntimeError):  # no thread can be started, and the handler of a signal has nobody to tell
        timer.start()
