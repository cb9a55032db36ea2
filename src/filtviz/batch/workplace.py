"""The folder of an export: other exports may be at work in it, and strangers may have filled it.

Pictures lie in a folder for each model, whose name comes from where the model lies and from nothing that is
in the folder; the manifest only tells which of them are there, and which of a model's own names it has got.
So nothing in it can lead out.

Before the first picture of a model is drawn, the manifest is locked, read, and written with what is about to
be drawn, and a file of `filtviz.batch.locking` tells other exports that this one is at work there. They may
draw the same at the same time; to draw it in another way they have to wait.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from filtviz.batch.jobs import PictureFile
from filtviz.batch.locking import Lock, announce_run, live_runs
from filtviz.batch.manifest import Entry, Manifest, Record, folder_of
from filtviz.drawing.saving import looks_like_pictures
from filtviz.errors import OutputError
from filtviz.files import Permissions, is_regular, make_folder, remove_file, remove_parts
from filtviz.sources import Sources
from filtviz.text import printable

__all__ = ["Workplace"]

RECENT = 2_000_000_000
"""Nanoseconds within which a second change of a file may leave its size and its times as they were: of a file
that is so new when the manifest is written its times tell nothing."""

Described = Sequence[tuple[PictureFile, Entry]]
"""The files of one model, each with its entry in the manifest."""


class Workplace:
    """The folder of an export, which has to be there.

    ``run`` is the name of this export among others, ``sources`` are the files that it reads.

    Raises:
        OutputError: the folder cannot be written, or holds somebody else's manifest.
    """

    def __init__(self, folder: Path, sources: Sources) -> None:
        self.folder = folder.absolute()  # whoever draws may work in another folder
        self.sources = sources
        self.run = secrets.token_hex(8)
        self._own_files: set[str] = set()
        self._records: dict[str, Record] = {}
        self._locks: dict[Path, Lock] = {}
        self._manifest = Manifest(folder)
        with self._manifest.held(sources):
            pass  # what is wrong with it is said before a model is read

    def protect(self, paths: Iterable[Path]) -> None:
        """Let more files never be written."""
        self.sources = self.sources.including(*paths)

    def folder_of(self, model: str, names: Sequence[str]) -> Path:
        """Return the folder of a model: the one that it has, or the first that is no other model's.

        Args:
            model: Where it lies, as seen from this folder.
            names: What its folder may be called; the first are preferred.
        """
        record = self._manifest.contents.models.get(model)
        if record is not None and record["folder"] in names:
            return self.folder / str(record["folder"])
        free = (name for name in names if self._manifest.owner(name) in (None, model))
        return self.folder / next(free, names[0])

    def done(self, model: str, asked: str) -> Record | None:
        """Return what an earlier run has noted of a model, if that run has drawn all of it and it is there.

        Args:
            model: Where it lies, as seen from this folder.
            asked: What is asked for now, see `note`.
        """
        contents = self._manifest.contents
        record = contents.models.get(model)
        if record is None or record["asked"] != asked or not record["files"]:
            return None
        if record["status"] not in ("drawn", "kept", "no-filters") or record["files"][0][0] != model:
            return None
        newest = max(max(times) for _, _, *times in record["files"])
        if newest > self._manifest.written - RECENT:
            return None
        files = [f"{record['folder']}/{name}" for name in record["pictures"]]
        known = [contents.entries.get(file) for file in files]
        if not all(entry is not None and entry["model"] == model for entry in known) or self._missing(files):
            return None
        return record

    def keep(self, record: Record) -> None:
        """Count the pictures that an earlier run has drawn of a model among those of this one."""
        self._own_files.update(f"{record['folder']}/{name}" for name in record["pictures"])

    def note(self, record: Record) -> None:
        """Take note of what became of a model, for the manifest."""
        self._records[record["model"]] = record

    def announce(self, folder: Path, described: Described, *, force: bool) -> list[PictureFile]:
        """Write into the manifest what is about to be drawn of a model, make room for it, and return it.

        Args:
            folder: The model's folder.
            described: All files of the model.
            force: Whether what an earlier run has drawn is drawn again.

        Raises:
            OutputError: it cannot be drawn there; no picture has changed.
        """
        with self._manifest.held(self.sources) as contents:
            missing = [each for each in described if force or not self._is_drawn(*each)]
            if missing:
                self._refuse(folder, missing)
                self._enter(folder, missing)
                missing = [(self._make_room(*each), each[1]) for each in missing]
                contents.entries.update((entry["file"], entry) for _, entry in described)
                contents.models.pop(described[0][1]["model"], None)
                self._manifest.write(self.sources, complete=False)
            elif self._is_own(folder):
                self._tidy(folder)
        self._own_files.update(entry["file"] for _, entry in described)
        return [file for file, _ in missing]

    def leave(self, folder: Path) -> None:
        """Let other runs know that this one draws no more into a model's folder."""
        lock = self._locks.pop(folder, None)
        if lock is not None:
            lock.release()

    def finish(self, *, complete: bool, failed: bool) -> list[Entry]:
        """Write the manifest as it is at the end, and return the entries of this run's pictures.

        Args:
            complete: Whether all models were gone through.
            failed: Whether one failed, whose worker may have been ended in the midst of a file.

        Raises:
            OutputError: the manifest cannot be written.
        """
        folders = {self.folder / folder_of(file) for file in self._own_files}
        try:
            with self._manifest.held(self.sources) as contents:
                entries = contents.entries
                contents.models.update(self._records)
                if failed or not complete:
                    for folder in folders:
                        remove_parts(folder, self.sources, run=self.run)
                pending = self._pending(self._missing(entries))
                # What was missing, and nobody is drawing any more, may have been drawn since.
                for file in self._missing(entries) - pending:
                    del entries[file]
                self._manifest.write(self.sources, complete=complete and not failed and not pending)
                shown = self._own_files - pending
                return [entry for file, entry in entries.items() if file in shown]
        finally:
            for folder in tuple(self._locks):
                self.leave(folder)

    def _is_drawn(self, file: PictureFile, entry: Entry) -> bool:
        """Say whether an earlier run has drawn the file in the same way."""
        return self._manifest.contents.entries.get(entry["file"]) == entry and is_regular(file.path)

    def _refuse(self, folder: Path, missing: Described) -> None:
        """Let nothing be replaced but pictures, and nothing written that is not in the folder itself.

        A link in a picture's place is no way out: it is replaced, and not followed.
        """
        owner = self._manifest.owner(folder.relative_to(self.folder).as_posix())
        if owner not in (None, missing[0][1]["model"]):
            raise OutputError(
                f"{printable(folder, 200)} holds the pictures of {printable(owner, 200)}: "
                "export to another folder",
                path=folder,
            )
        if not self._is_own(folder):
            raise OutputError(
                f"{printable(folder, 200)} is a link, which is not followed: move it away, "
                "or export to another folder",
                path=folder,
            )
        for file, _ in missing:
            self.sources.refuse(file.path)
            if _is_in_the_way(file.path):
                raise OutputError(
                    f"cannot write {printable(file.path, 200)}: what is there is no picture of filtviz; "
                    "move it away, or export to another folder",
                    path=file.path,
                )

    def _enter(self, folder: Path, missing: Described) -> None:
        """Make a model's folder, and let other runs know that this one draws into it."""
        make_folder(folder)
        others = self._tidy(folder)
        known = self._manifest.contents.entries
        if others and any(known.get(entry["file"], entry) != entry for _, entry in missing):
            raise OutputError(
                f"another export is drawing into {printable(folder, 200)} in another way: "
                "run this one again when that has ended",
                path=folder,
            )
        self._locks[folder] = announce_run(folder, self.run)

    def _tidy(self, folder: Path) -> set[str]:
        """Remove what runs that were killed have left in a folder; return the runs that go on there."""
        alive = live_runs(folder, self.run, self.sources)
        remove_parts(folder, self.sources, spared=alive)
        return alive

    def _make_room(self, file: PictureFile, entry: Entry) -> PictureFile:
        """Remove a picture that the manifest is about to describe otherwise; keep its permissions."""
        if self._manifest.contents.entries.get(entry["file"]) == entry:
            return file
        permissions = None if file.path.is_symlink() else Permissions.of(file.path)
        remove_file(file.path, self.sources)
        return replace(file, permissions=permissions)

    def _is_own(self, folder: Path) -> bool:
        """Say whether what is at a path lies where that says: no link of any kind is on the way."""
        expected = Path(os.path.realpath(self.folder)) / folder.relative_to(self.folder)
        return os.path.normcase(os.path.realpath(folder)) == os.path.normcase(expected)

    def _missing(self, files: Iterable[str]) -> set[str]:
        folder = os.fspath(self.folder)
        return {file for file in files if not is_regular(f"{folder}/{file}")}

    def _pending(self, files: Iterable[str]) -> set[str]:
        """Return those of some files into whose folders other runs are drawing."""
        by_folder: dict[str, list[str]] = {}
        for file in files:
            by_folder.setdefault(folder_of(file), []).append(file)
        return {
            file
            for name, held in by_folder.items()
            if live_runs(self.folder / name, self.run, self.sources)
            for file in held
        }


def _is_in_the_way(path: Path) -> bool:
    """Say whether something is at ``path`` that is neither a link nor begins as a picture does."""
    if path.is_symlink() or not os.path.lexists(path):
        return False
    return not (is_regular(path) and looks_like_pictures(path, path.suffix[1:]))
