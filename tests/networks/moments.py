"""What happens at odd moments: a file that is interrupted while it gets its name, a signal that comes again.

``python -m tests.telling`` writes ``tests/told/networks/moments.txt`` anew.
"""

from __future__ import annotations

import errno
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

from filtviz import signals
from filtviz.errors import FiltvizError
from filtviz.files import reason, remove_file, replace_own, write_together
from filtviz.sources import ENDS, Sources, _mark

__all__ = ["moments"]


def moments() -> Iterator[tuple[str, str]]:
    yield from _reasons()
    yield from _interrupted()
    yield from _marked()
    yield from _held()
    yield from _again()
    yield from _others()
    yield from _ended()
    yield from _timers()


def _reasons() -> Iterator[tuple[str, str]]:
    for name, error in {
        "without a number": OSError("it is\x1b odd"),
        "of a loop": OSError(errno.ELOOP, "it leads to itself"),
        "of nothing": OSError(),
        "of number 0": OSError(0, "nothing"),
        "of a full disk": OSError(errno.ENOSPC, "other words"),
    }.items():
        yield f"the reason {name}", reason(error)


def _interrupted() -> Iterator[tuple[str, str]]:
    """Yield what is left where one file, or one of two, cannot get its name."""
    replace = Path.replace
    ends: tuple[BaseException, ...] = (KeyboardInterrupt(), OSError(errno.ENOSPC, "full"), ValueError("odd"))
    for end, (names, step) in product(ends, ((1, 0), (2, 0), (2, 1))):
        ends_at = iter([None] * step + [end])

        def once(path: Path, to: Path, ends_at: Iterator[BaseException | None] = ends_at) -> Path:
            if (now := next(ends_at, None)) is not None:
                raise now
            return replace(path, to)

        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "old").write_bytes(b"old")
            files = {folder / each: _writes for each in ("old", "new")}
            act = partial(write_together, files, Sources()) if names > 1 else partial(_own, folder)
            with patch.object(Path, "replace", once):
                said = _said(act).replace(name, "there")
            yield f"name {step} of {names}, {type(end).__name__}", f"{said} | {_listed(folder)}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "old").write_bytes(b"old")
        (folder / "old").chmod(0o640)
        with patch("os.link", side_effect=OSError(errno.EPERM, "no")):
            write_together({folder / each: _writes for each in ("old", "new")}, Sources())
        mode = (folder / "old").stat().st_mode & 0o777
        yield "together, where a file has one name", f"{_listed(folder)} {mode:o}"
        with patch.object(Path, "unlink", side_effect=OSError(errno.EACCES, "no")):
            said = _said(lambda: remove_file(folder / "old", Sources()))
            yield "removed in vain", said.replace(name, "there")
            said = _said(lambda: write_together({folder / each: _writes for each in ("a", "b")}, Sources()))
        yield "written where parts cannot be removed", f"{said} {_listed(folder)}"


def _own(folder: Path) -> None:
    replace_own(folder / "old", _writes, Sources(), run="run")


def _writes(stream: Any) -> None:
    stream.write(b"new")


def _said(act: Callable[[], object]) -> str:
    try:
        return str(act())
    except FiltvizError as error:
        return f"{type(error).__name__}: {error}"
    except BaseException as error:
        return type(error).__name__


def _listed(folder: Path) -> str:
    held = sorted(folder.iterdir())
    names = ["a part" if each.name.endswith("part") else each.name for each in held]
    return ", ".join(f"{name} {each.read_bytes()!r}" for name, each in zip(names, held, strict=True))


def _marked() -> Iterator[tuple[str, str]]:
    """Yield the marks of models by their content: their sizes, and what they begin and end with."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "model")
        for n in (0, 1, ENDS - 1, ENDS, ENDS + 1, 2 * ENDS - 1, 2 * ENDS, 2 * ENDS + 1, 3 * ENDS):
            path.write_bytes((bytes(range(251)) * 800)[:n])
            yield f"the mark of {n} bytes", _mark([[path]]).rpartition(":")[2]
        other = Path(name, "other")
        other.write_bytes(b"other")
        Path(name, "link").symlink_to("model")
        Path(name, "within").mkdir()
        same = [
            _mark([[Path(name, place)]]) == _mark([[path]]) for place in ("within/../model", "link", "other")
        ]
        yield "the marks of one model", str(same)
        several = {"two": [[path], [other]], "two of one": [[path, other]], "nowhere": [[Path(name, "x")]]}
        for what, models in several.items():
            yield f"the mark of {what}", _mark(models).rpartition(":")[2]


def _held() -> Iterator[tuple[str, str]]:
    """Yield whether places are those of files that are given, by whatever way they lead there."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        (folder / "old").write_bytes(b"old")
        (folder / "other").write_bytes(b"other")
        (folder / "within").mkdir()
        (folder / "link").symlink_to("old")
        (folder / "broken").symlink_to("late")
        (folder / "twin").hardlink_to(folder / "old")
        by_name = Sources().including(folder / "old", folder / "late")
        by_link = Sources().including(folder / "link")
        for late in (False, True):
            if late:
                (folder / "late").write_bytes(b"late")
            for place in (
                "old", "other", "within/../old", "nowhere/../old", "nowhere/old", "link", "twin", "within",
                "within/../link", "nowhere/../link", "late", "nowhere/../late", "broken", "nowhere/../broken",
            ):  # fmt: skip
                found = [each.hold(folder / place) for each in (by_name, by_link, Sources())]
                yield f"{place} held{', later' * late}", str(found)


def _again() -> Iterator[tuple[str, str]]:
    """Yield what Ctrl-C does that comes again after so many seconds, and other signals."""
    wish = signals.SAME_WISH
    for after in (0.0, wish / 2, wish - 0.01, wish, wish + 0.01, 2 * wish):
        ending = signals._Ending()
        found = []
        for now in (100.0, 100.0 + after, 100.0 + 1.5 * after):
            with patch("time.monotonic", lambda now=now: now):
                found.append(_said(lambda e=ending: e._answer(signal.SIGINT, None)))
        yield f"Ctrl-C again after {after:g} s", f"{found} {ending.asked}"


def _others() -> Iterator[tuple[str, str]]:
    """Yield what other signals do, alone and after Ctrl-C; no timer is started."""
    numbers = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}
    for first, second in product(numbers, repeat=2):
        ending = signals._Ending()
        before = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
        ending.take_over()
        timers: list[Any] = []
        with patch.object(threading.Timer, "start", lambda timer, timers=timers: timers.append(timer)):
            found = [_said(lambda e=ending, n=n: e._answer(n, None)) for n in (first, second)]
            kept = [signal.getsignal(number) == signals._do_nothing for number in numbers]
        for number, old in before.items():
            signal.signal(number, old)
        ending.hand_back({})
        asked = [f"{timer.interval:g} s {timer.function.args}" for timer in timers]
        yield f"{numbers[first]}, then {numbers[second]}", f"{found} {ending.asked} {kept} {asked}"


def _ended() -> Iterator[tuple[str, str]]:
    """Yield how what signals may end comes to its end: by itself, by an error, and by a signal, too."""
    errors: tuple[BaseException | None, ...] = (None, ValueError("odd"), KeyError("x"), SystemExit(3))
    for number, error in product((None, signal.SIGINT, signal.SIGTERM), errors):
        before = {each: signal.signal(each, signal.SIG_DFL) for each in (signal.SIGINT, signal.SIGTERM)}

        def act(number: Any = number, error: BaseException | None = error) -> str:
            with signals.ended_by_signals():
                if number is not None:
                    with suppress(BaseException):  # as a library would that answers with an error of its own
                        signal.raise_signal(number)
                        time.sleep(1)
                if error is not None:
                    raise error
            return "it is done"

        with patch.object(threading.Timer, "start"):
            try:
                said = act()
            except BaseException as end:
                said = f"{type(end).__name__} {getattr(end, 'status', '')} of {type(end.__cause__).__name__}"
        kept = [signal.getsignal(each) == signal.SIG_DFL for each in before]
        for each, old in before.items():
            signal.signal(each, old)
        what = "nothing" if number is None else number.name
        yield f"ended by {what} and {type(error).__name__}", f"{said} {kept}"


def _timers() -> Iterator[tuple[str, str]]:
    signals._start_timer(1000, int)
    (timer,) = (each for each in threading.enumerate() if isinstance(each, threading.Timer))
    timer.cancel()
    timer.join()
    yield "a timer", f"{timer.daemon} {timer.interval}"
    with patch.object(threading.Timer, "start", side_effect=RuntimeError("no thread")):
        yield "a timer where there is no thread", _said(lambda: signals._start_timer(1000, int))
