"""Locks between exports, on one machine or on several that share a folder.

A lock is an empty file that the operating system holds locked for a process, and lets go of when the process
ends, however it ends; so none is ever left over. Who is done with it removes the file, too.

Two things are locked: the manifest, for as long as somebody reads and writes it (`hold`); and the name of a
run in each folder that it draws into (`announce_run`), so that others know what is work in progress
(`live_runs`).

Where a file system has no locks, as some in networks, having made the file counts as holding it.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filtviz.errors import OutputError
from filtviz.files import reason
from filtviz.sources import Sources
from filtviz.text import printable

__all__ = ["LOCK", "RUN_SUFFIX", "Lock", "announce_run", "hold", "live_runs"]

LOCK = ".filtviz-lock"
"""The file that is locked for as long as somebody reads and writes the manifest beside it."""

RUN_SUFFIX = ".filtviz-run"
"""How the name of a run's file ends, which is locked for as long as the run draws into the folder."""

PATIENCE = 120.0
"""Seconds to wait for a lock that is held for fractions of one."""

LONGEST_HOLD = 60.0
LONGEST_RUN = 24 * 3600.0
"""Seconds after which, where the file system has no locks, a file that was made as one counts for nothing."""

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}


@dataclass(frozen=True)
class Lock:
    """A file that is locked by this process."""

    path: Path
    descriptor: int

    def release(self) -> None:
        """Let go of it and remove the file, unless it is somebody's, and not empty."""
        is_ours = os.fstat(self.descriptor).st_size == 0
        if sys.platform == "win32":  # no file that is open can be removed there
            self._close()
        if is_ours:
            with suppress(OSError):
                self.path.unlink()
        if sys.platform != "win32":
            self._close()

    def _close(self) -> None:
        _held.discard(self.descriptor)
        os.close(self.descriptor)


_held: set[int] = set()


def _forget_in_child() -> None:
    """Let a process that is forked off hold none of its parent's locks, which it might outlive."""
    for descriptor in _held:
        with suppress(OSError):
            os.close(descriptor)
    _held.clear()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_forget_in_child)


@contextmanager
def hold(folder: Path, sources: Sources) -> Iterator[None]:
    """Hold the lock of a folder, which one process has at a time; wait while another has it.

    Args:
        folder: The folder.
        sources: The files that are read, of which the lock must be none.

    Raises:
        OutputError: the folder cannot be written, or another process does not let go.
    """
    path = folder / LOCK
    sources.refuse(path)
    deadline, pause = time.monotonic() + PATIENCE, 0.002
    while (lock := _lock_or_complain(path)) is None:
        if time.monotonic() > deadline:
            raise OutputError(
                f"another run of filtviz holds {printable(path, 200)} and does not go on: end that one",
                path=path,
            )
        time.sleep(pause)
        pause = min(2 * pause, 0.1)
    try:
        yield
    finally:
        lock.release()


def announce_run(folder: Path, run: str) -> Lock:
    """Let others know, until the lock is released, that a run draws into a folder.

    Args:
        folder: The folder, which must be there.
        run: The run's name; the parts of its files begin with it, see `filtviz.files.remove_parts`.

    Raises:
        OutputError: the folder cannot be written.
    """
    lock = _lock_or_complain(folder / f".{run}{RUN_SUFFIX}")
    assert lock is not None, "no two runs have one name"
    return lock


def live_runs(folder: Path, own: str, sources: Sources) -> set[str]:
    """Return the names of the other runs that draw into a folder; remove what those left that were killed.

    Args:
        folder: The folder.
        own: The name of this run.
        sources: The files that are read, which are never removed, whatever they are called.
    """
    alive = set()
    for path in folder.glob(f".*{RUN_SUFFIX}"):
        run = path.name[1 : -len(RUN_SUFFIX)]
        if run == own or path.is_symlink() or not path.is_file() or sources.hold(path):
            continue
        try:
            lock = _try_lock(path, LONGEST_RUN)
        except OSError:  # another person's, which says nothing
            lock = None
        if lock is None:
            alive.add(run)
        else:
            lock.release()
    return alive


def _lock_or_complain(path: Path) -> Lock | None:
    try:
        return _try_lock(path, LONGEST_HOLD)
    except OSError as error:
        raise OutputError(f"cannot write {printable(path, 200)}: {reason(error)}", path=path) from error


def _try_lock(path: Path, forgotten: float) -> Lock | None:
    """Make a file, if it is not there, and lock it; return None where another process has it locked.

    ``forgotten`` is after how many seconds it counts for nothing that somebody has made the file, where there
    are no locks.
    """
    while True:
        descriptor, is_new = _open(path)
        lock = None
        try:
            seen = os.fstat(descriptor)
            if not stat.S_ISREG(seen.st_mode):
                raise FileExistsError(errno.EEXIST, "it is no file")
            try:
                if not _lock(descriptor):
                    return None
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
                if not is_new and time.time() - seen.st_mtime < forgotten:
                    return None
                os.utime(path)
            if _is_at(seen, path):
                lock = Lock(path, descriptor)
                _held.add(descriptor)
                return lock
            # Who held it has removed it meanwhile: whoever comes now locks another file of that name.
        finally:
            if lock is None:
                os.close(descriptor)


def _open(path: Path) -> tuple[int, bool]:
    """Open a file, which is made if it is not there; return its descriptor, and whether it was made."""
    if path.is_symlink():  # not every system can be told to follow none
        raise OSError(errno.ELOOP, "it is a link")
    flags = os.O_RDWR
    for name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK"):
        flags |= getattr(os, name, 0)
    while True:
        with suppress(FileExistsError):
            return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666), True
        with suppress(FileNotFoundError):
            try:
                return os.open(path, flags), False
            except PermissionError:  # another person's; on Linux that it can be read is enough
                return os.open(path, flags & ~os.O_RDWR), False


def _is_at(seen: os.stat_result, path: Path) -> bool:
    try:
        return os.path.samestat(seen, path.lstat())
    except OSError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        """Lock the first byte, which need not be there; say whether nobody else has."""
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        """Lock the file; say whether nobody else has."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        return True
