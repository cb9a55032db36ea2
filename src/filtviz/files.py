"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from filtviz.errors import OutputError
from filtviz.sources import Sources
from filtviz.text import printable

__all__ = [
    "PART_SUFFIX",
    "Permissions",
    "is_folder",
    "is_regular",
    "is_there",
    "make_folder",
    "reason",
    "remove_file",
    "remove_parts",
    "replace_own",
    "write_together",
    "write_whole",
]

PART_SUFFIX = ".filtviz-part"
"""How the names of files that are being written end; one that is left over belongs to a killed run."""


@dataclass(frozen=True)
class Permissions:
    """Who may do what with a file: its mode, and its owner's and group's numbers."""

    mode: int
    owner: int
    group: int

    @classmethod
    def of(cls, path: Path) -> Permissions | None:
        """Return those of a regular file; None where there is none, and on systems without them."""
        try:
            seen = path.stat()
        except OSError:
            return None
        if os.name != "posix" or not stat.S_ISREG(seen.st_mode):
            return None
        return cls(mode=seen.st_mode & 0o777, owner=seen.st_uid, group=seen.st_gid)

    def give(self, descriptor: int) -> None:
        """Give them to a file that is open; where it cannot get the group, its group gets no rights."""
        own, mode = os.fstat(descriptor), self.mode
        if (own.st_uid, own.st_gid) != (self.owner, self.group):
            try:
                os.fchown(descriptor, self.owner, self.group)
            except OSError:
                mode &= ~stat.S_IRWXG
        if own.st_mode & 0o777 != mode:
            os.fchmod(descriptor, mode)


def write_whole(path: Path, write: Callable[[BinaryIO], object], sources: Sources) -> None:
    """Let ``write`` fill a file beside ``path``, then rename it to ``path``.

    What was at ``path`` is replaced and keeps its permissions; whoever looks sees the old file or the new
    one, never a part. Where ``path`` is a link, that is done to what it leads to. Something at ``path`` that
    is no regular file (``/dev/null``, a pipe) is written to, not replaced.

    Args:
        path: Where the file goes.
        write: Writes its content.
        sources: The files that are read, which are never overwritten.

    Raises:
        OutputError: the file cannot be written, or is one of ``sources``; nothing is left behind.
    """
    write_together({path: write}, sources)


def write_together(files: Mapping[Path, Callable[[BinaryIO], object]], sources: Sources) -> None:
    """Write files that belong together as `write_whole` does: all are filled before any has its name.

    Args:
        files: Where each goes, and what writes its content.
        sources: The files that are read, which are never overwritten.

    Raises:
        OutputError: one of them cannot be written, or is one of ``sources``; then none is.
    """
    for path in files:
        sources.refuse(path)
    parts: dict[Path, tuple[Path, Path]] = {}
    replaced: list[tuple[Path, Path | None]] = []
    try:
        for path, write in files.items():
            with _one_sentence(path):
                if path.exists() and not path.is_file():
                    with path.open("wb") as stream:
                        write(stream)
                    continue
                target = Path(os.path.realpath(path)) if path.is_symlink() else path
                if target.is_symlink():
                    raise OSError(errno.ELOOP, "it leads to itself")
                name = f".{secrets.token_hex(8)}{PART_SUFFIX}"
                parts[path] = _filled(target, write, name, Permissions.of(target)), target
        for path, (part, target) in parts.items():
            with _one_sentence(path):
                kept = _kept(target) if len(parts) > 1 else None
                replaced.append((target, kept))
                part.replace(target)
    except BaseException:
        for target, kept in replaced:
            _put_back(target, kept, parts)
        raise
    finally:
        left = [part for part, _ in parts.values()] + [kept for _, kept in replaced if kept is not None]
        for part in left:
            with suppress(OSError):
                part.unlink()


def _kept(target: Path) -> Path | None:
    """Return another name of what is there before one of several files replaces it; None for nothing."""
    if not os.path.lexists(target):
        return None
    kept = target.with_name(f".{secrets.token_hex(8)}{PART_SUFFIX}")
    try:
        os.link(target, kept)
    except OSError:  # where a file has one name
        shutil.copy2(target, kept)
    return kept


def _put_back(target: Path, kept: Path | None, parts: Mapping[Path, tuple[Path, Path]]) -> None:
    """Undo what one of several files has replaced, where it has: what is left of it has no part any more."""
    if any(part.exists() for part, place in parts.values() if place == target):
        return
    with suppress(OSError):
        if kept is None:
            target.unlink()
        else:
            kept.replace(target)


def replace_own(
    path: Path,
    write: Callable[[BinaryIO], object],
    sources: Sources,
    *,
    run: str,
    permissions: Permissions | None = None,
) -> None:
    """Write a file as `write_whole` does, in a folder of filtviz's own, whose content nobody has chosen.

    A link is replaced and never followed, and what is no regular file is left alone.

    Args:
        path: Where the file goes.
        write: Writes its content.
        sources: The files that are read, which are never overwritten.
        run: What the name of the part begins with, see `remove_parts`.
        permissions: Those of the file that was in its place, if there was one.

    Raises:
        OutputError: the file cannot be written, or is one of ``sources``; nothing is left behind.
    """
    sources.refuse(path)
    with _one_sentence(path):
        if not path.is_symlink() and path.exists() and not path.is_file():
            raise FileExistsError(errno.EEXIST, "it is no file")
        before = None if path.is_symlink() else Permissions.of(path)
        _replace(path, write, f".{run}-{secrets.token_hex(8)}{PART_SUFFIX}", before or permissions)


def _replace(
    path: Path, write: Callable[[BinaryIO], object], name: str, permissions: Permissions | None
) -> None:
    """Write a part under ``name`` and rename it."""
    part = _filled(path, write, name, permissions)
    try:
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _filled(
    path: Path, write: Callable[[BinaryIO], object], name: str, permissions: Permissions | None
) -> Path:
    """Write a part beside ``path`` and return it; before it has its permissions nobody else may read it."""
    part = path.with_name(name)
    creation = 0o666 if permissions is None else 0o600
    try:
        with open(part, "xb", opener=lambda file, flags: os.open(file, flags, creation)) as stream:
            if permissions is not None:
                permissions.give(stream.fileno())
            write(stream)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return part


def is_folder(path: Path) -> bool:
    """Say whether there is a folder at ``path``.

    Raises:
        OutputError: the system does not tell: a folder above may not be searched, the name is too long.
    """
    with _one_sentence(path):
        return path.is_dir()


def is_there(path: Path) -> bool:
    """Say whether there is anything at ``path``.

    Raises:
        OutputError: the system does not tell.
    """
    with _one_sentence(path):
        return path.exists()


def is_regular(path: str | Path) -> bool:
    """Say whether there is a regular file, and no link to one; where nothing can be seen there is none."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are missing.

    Raises:
        OutputError: it cannot be made.
    """
    with _one_sentence(path):
        try:
            path.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:  # "file exists" would not say what is wrong with it
            raise NotADirectoryError(errno.ENOTDIR, "it is a file") from error


def remove_file(path: Path, sources: Sources) -> None:
    """Remove a file, if it is there.

    Args:
        path: The file.
        sources: The files that are read, which are never removed.

    Raises:
        OutputError: it cannot be removed, or is one of ``sources``.
    """
    sources.refuse(path)
    with _one_sentence(path):
        path.unlink(missing_ok=True)


def remove_parts(
    folder: Path, sources: Sources, *, run: str | None = None, spared: Collection[str] = ()
) -> None:
    """Remove parts that `replace_own` has left in ``folder``, since its process was killed.

    Args:
        folder: The folder.
        sources: The files that are read, which are never removed, whatever they are called.
        run: The run whose parts they are; None for all runs.
        spared: Runs whose parts are work in progress.

    Raises:
        OutputError: something there cannot be removed.
    """
    with _one_sentence(folder):
        for part in folder.glob(f".*-*{PART_SUFFIX}"):
            owner = part.name[1 : -len(PART_SUFFIX)].rpartition("-")[0]
            is_left = owner not in spared if run is None else owner == run
            if is_left and not part.is_dir() and not sources.hold(part):
                part.unlink(missing_ok=True)


@contextmanager
def _one_sentence(path: Path) -> Iterator[None]:
    """Turn the system's errors into one sentence that names the path and the reason."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {printable(path, 200)}: {reason(error)}", path=path) from error


def reason(error: OSError) -> str:
    """Say why the system has refused, as the end of a sentence."""
    if error.errno == errno.ELOOP:
        return "it is a link, which is not followed"
    return os.strerror(error.errno).lower() if error.errno else printable(error)
