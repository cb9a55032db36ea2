"""``manifest.json``: what became of each model of an export, and what each of its pictures shows.

It is written before the first picture of a model is drawn and once more at the end, each time as a whole. So
a picture that exists and stands in the manifest as it would be described now need not be drawn again: that is
how a run that was stopped goes on. A picture that would be described otherwise is removed before the manifest
describes its successor. A model of which all was drawn, and whose files are what they were, is not even read.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz._version import __version__
from filtviz.batch.locking import hold
from filtviz.errors import OutputError
from filtviz.files import reason, remove_parts, replace_own
from filtviz.naming import DEEPEST
from filtviz.sources import Sources
from filtviz.text import printable

if TYPE_CHECKING:
    from filtviz.drawing import DrawingOptions
    from filtviz.network import ConvLayer

__all__ = [
    "MANIFEST",
    "Contents",
    "Entry",
    "Manifest",
    "Record",
    "describe_options",
    "describe_picture",
    "folder_of",
    "number_options",
    "read_manifest",
    "relative",
    "value_ranges",
    "write_manifest",
]

MANIFEST = "manifest.json"

Entry = Mapping[str, Any]
"""The description of one file: paths are relative to the manifest's folder."""

Record = Mapping[str, Any]
"""What became of one model in the last run that had it: paths are relative to the manifest's folder.

``status`` is a `filtviz.batch.planning.Status`; ``files`` are the files that were read, each with the size
and the times by which a change of it shows (`filtviz.batch.planning.stamp`), ``pictures`` the names of those
in its folder, ``asked`` is a digest of what was asked for.
"""


@dataclass
class Contents:
    """What is in a manifest: ``entries`` by file, ``models`` by where they lie."""

    entries: dict[str, Entry] = field(default_factory=dict)
    models: dict[str, Record] = field(default_factory=dict)


def describe_picture(
    file: str,
    model: Mapping[str, str],
    layer: ConvLayer,
    channels: Sequence[int],
    ranges: NDArray[np.float64],
    options: Mapping[str, Any],
) -> Entry:
    """Return the entry of the file that shows ``channels``.

    ``model`` is what the entries of a model have in common, ``ranges`` ``(channels, 2)`` are the layer's
    value ranges, ``options`` come from `describe_options`. ``channel`` is None where the file shows several
    channels, ``range`` is None where no weight is finite.
    """
    low, high = ranges[channels, 0].min(), ranges[channels, 1].max()
    return {
        "file": file,
        **model,
        "layer": layer.label,
        "type": layer.type,
        "conv_index": layer.conv_index,
        "channel": channels[0] if len(channels) == 1 else None,
        "channels": list(channels),
        "filters": layer.n_filters,
        "kernel_size": list(layer.kernel_size),
        "range": [float(low), float(high)] if low <= high else None,
        "options": options,
        "version": __version__,
    }


def describe_options(options: DrawingOptions) -> Mapping[str, Any]:
    """Return the options as they come back from a manifest, so that they can be compared with one."""
    described: Mapping[str, Any] = json.loads(json.dumps(asdict(options)))
    return described


def value_ranges(layer: ConvLayer) -> NDArray[np.float64]:
    """Return the least and greatest finite weight of each channel ``(channels, 2)``; inf, -inf for none."""
    filters = layer.filters
    over = {"axis": (0, 2, 3), "where": np.isfinite(filters), "dtype": np.float64}
    low = np.minimum.reduce(filters, initial=np.inf, **over)
    high = np.maximum.reduce(filters, initial=-np.inf, **over)
    return np.stack([low, high], axis=-1)


LARGEST = 64 << 20
"""Bytes of a manifest, which are enough for a hundred thousand pictures."""


def read_manifest(folder: Path) -> Contents:
    """Return what earlier runs have written down, which is nothing where there were none.

    Whoever has written into the folder may have written the manifest: what is not as filtviz writes it is
    refused, and no path in it leads out of the folder.

    Raises:
        OutputError: there is a ``manifest.json`` that filtviz has not written, or it cannot be read.
    """
    path = folder / MANIFEST
    try:
        text = _read(path)
        return Contents() if text is None else _parse(text)
    except OSError as error:
        raise OutputError(f"cannot read {printable(path, 200)}: {reason(error)}", path=path) from error
    except MemoryError as error:  # also of a small one, where nearly nothing is left
        raise OutputError(
            f"cannot read {printable(path, 200)}: not enough memory is left", path=path
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise OutputError(
            f"{printable(path, 200)} is no manifest of filtviz: export to another folder, or move it away",
            path=path,
        ) from error


def _read(path: Path) -> bytes | None:
    """Return what is in a regular file that is no link, if it is not too large; None where there is none."""
    if path.is_symlink():  # not every system can be told to follow none
        raise OSError(errno.ELOOP, "it is a link")
    flags = os.O_RDONLY
    for name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK"):
        flags |= getattr(os, name, 0)
    try:
        stream = os.fdopen(os.open(path, flags), "rb")
    except FileNotFoundError:
        return None
    with stream:
        seen = os.fstat(stream.fileno())
        if not stat.S_ISREG(seen.st_mode) or seen.st_size > LARGEST:
            raise ValueError
        return stream.read(LARGEST)


def _parse(text: bytes) -> Contents:
    known = json.loads(text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
    entries, models, options = known["pictures"], known["models"], known["options"]
    is_ours = known["program"] == "filtviz" and all(type(each) is list for each in (entries, models, options))
    if not (is_ours and all(map(_is_options, options)) and all(map(_is_record, models))):
        raise ValueError
    for entry in entries:
        if not _is_entry(entry, len(options)):
            raise ValueError
        entry["options"] = options[entry["options"]]
    return Contents({entry["file"]: entry for entry in entries}, {each["model"]: each for each in models})


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of which two readers see the same: no key of it is there twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


_NAME = re.compile(r"(?![.-])[\w.-]+")
_FOLDER = re.compile(rf"{_NAME.pattern}(?:/{_NAME.pattern}){{0,{DEEPEST}}}")
_FILE = re.compile(rf"{_FOLDER.pattern}/{_NAME.pattern}")
"""A picture in a folder below the manifest's; what filtviz never writes leads elsewhere, or is hidden."""

INNERMOST = 5
"""So many lists and objects lie in one another in an entry."""


def _is_entry(value: Any, n_options: int) -> bool:
    """Say whether a value describes a picture; what is too short for that would be too many of them."""
    if not _is_plain(value, INNERMOST):
        return False
    texts = [value[key] for key in ("file", "model", "sha256", "layer", "type", "version")]
    return (
        all(isinstance(text, str) for text in texts)
        and _FILE.fullmatch(value["file"]) is not None
        and len(value["sha256"]) == hashlib.sha256().digest_size * 2
        and type(value["options"]) is int
        and 0 <= value["options"] < n_options
    )


def _is_options(value: Any) -> bool:
    return isinstance(value, dict) and _is_plain(value, INNERMOST)


def _is_record(value: Any) -> bool:
    """Say whether a value is what became of a model."""
    if not _is_plain(value, INNERMOST):
        return False
    texts = [value[key] for key in ("model", "folder", "status", "asked")]
    return (
        all(isinstance(text, str) for text in texts)
        and _FOLDER.fullmatch(value["folder"]) is not None
        and type(value["pages"]) is int
        and type(value["files"]) is type(value["pictures"]) is list
        and all(map(_is_stamped, value["files"]))
        and all(map(_NAME.fullmatch, value["pictures"]))
    )


def _is_stamped(value: Any) -> bool:
    """Say whether a value is a file's path, and the numbers by which a change of it shows."""
    return (
        len(value) == 4
        and isinstance(value[0], str)
        and "\0" not in value[0]
        and all(type(number) is int for number in value[1:])
    )


def _is_plain(value: Any, depth: int) -> bool:
    """Say whether a value can be written as JSON again, and compared, whoever made it."""
    kind = type(value)
    if kind is str or value is None:
        return True
    if kind is float:
        return math.isfinite(value)
    if kind is not dict and kind is not list:
        return bool(abs(value) < 2**63)
    if depth <= 0:
        return False
    for each in value.values() if kind is dict else value:  # no generators: a hundred thousand are checked
        if type(each) is not str and not _is_plain(each, depth - 1):
            return False
    return True


Lines = dict[str, tuple[Entry, str]]
"""Of each file the entry, numbered as `number_options` does it, and its line in the manifest."""


def write_manifest(
    folder: Path, contents: Contents, sources: Sources, *, complete: bool, known: Lines | None = None
) -> Path:
    """Write the manifest as a whole; ``complete`` is False as long as pictures are missing.

    ``known`` are lines that were written before: of thousands of pictures but a few are new each time.

    Raises:
        OutputError: it cannot be written, would be too large, or is one of ``sources``.
    """
    path = folder / MANIFEST
    options, entries = number_options(contents.entries.values())
    head = json.dumps({"program": "filtviz", "version": __version__, "complete": complete})
    models = sorted(contents.models.values(), key=lambda record: record["model"])
    lists = {
        "options": map(json.dumps, options),
        "models": map(json.dumps, models),
        "pictures": _lines_of(entries, {} if known is None else known),
    }
    parts = [f'"{name}": [\n' + ",\n".join(lines) + "\n]" for name, lines in lists.items()]
    text = ", ".join([head[:-1], *parts]) + "}\n"
    if len(text) > LARGEST:
        raise OutputError(
            f"{printable(path, 200)} would describe too many pictures: export to another folder", path=path
        )
    replace_own(path, lambda stream: stream.write(text.encode("ascii")), sources, run=MANIFEST)
    return path


def _lines_of(entries: Iterable[Entry], known: Lines) -> Iterator[str]:
    """Yield the lines of entries, and remember them."""
    for entry in entries:
        file = entry["file"]
        if file not in known or known[file][0] != entry:
            known[file] = entry, json.dumps(entry)
        yield known[file][1]


def number_options(entries: Iterable[Entry]) -> tuple[list[Mapping[str, Any]], list[Entry]]:
    """Return the options of entries, each once, and the entries by file with the number of theirs."""
    options: list[Mapping[str, Any]] = []
    numbers: dict[str, int] = {}
    seen: dict[int, int] = {}  # those of one model are the same object
    numbered: list[Entry] = []
    for entry in sorted(entries, key=lambda entry: entry["file"]):
        one = entry["options"]
        number = seen.get(id(one))
        if number is None:
            number = seen[id(one)] = numbers.setdefault(json.dumps(one, sort_keys=True), len(options))
            options += [one] if number == len(options) else []
        numbered.append({**entry, "options": number})
    return options, numbered


class Manifest:
    """The manifest of a folder in which several runs may be at work.

    While it is changed it is locked, and before it is changed it is read anew. ``contents`` are those of
    other runs, too.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.contents = Contents()
        self._owners: dict[str, str] = {}
        self._seen: tuple[int, ...] | None = None
        self._lines: Lines = {}

    @contextmanager
    def held(self, sources: Sources) -> Iterator[Contents]:
        """Hold the lock, bring `contents` up to date, and hand them over to be changed and written.

        Raises:
            OutputError: the manifest cannot be read, or the folder not be written.
        """
        sources.refuse(self.folder / MANIFEST)
        with hold(self.folder, sources):
            seen = self._look()
            if seen is None or seen != self._seen:
                self.contents = read_manifest(self.folder)
                entries = self.contents.entries.values()
                self._owners = {folder_of(entry["file"]).casefold(): entry["model"] for entry in entries}
                self._seen = seen
                remove_parts(self.folder, sources, run=MANIFEST)
            yield self.contents

    @property
    def written(self) -> int:
        """When it was written as it is in memory, in nanoseconds; 0 where there was none."""
        return self._seen[-1] if self._seen else 0

    def owner(self, folder: str) -> str | None:
        """Return the model whose pictures are in a folder; None where there are none."""
        return self._owners.get(folder.casefold())

    def write(self, sources: Sources, *, complete: bool) -> None:
        """Write `contents`; for who holds the lock.

        Raises:
            OutputError: it cannot be written.
        """
        write_manifest(self.folder, self.contents, sources, complete=complete, known=self._lines)
        self._seen = self._look()

    def _look(self) -> tuple[int, ...] | None:
        try:
            seen = (self.folder / MANIFEST).lstat()
        except OSError:
            return None
        return seen.st_ino, seen.st_size, seen.st_mtime_ns


def folder_of(file: str) -> str:
    """Return the folder of a model's pictures, of which ``file`` is one."""
    return file.rpartition("/")[0]


def relative(path: Path, folder: Path) -> str:
    """Return ``path`` as seen from ``folder``, with slashes; absolute where no way leads (another drive).

    Links in the way to either are followed, a link that the path itself is, is not.
    """
    real = Path(os.path.realpath(path.absolute().parent), path.name)
    try:
        return Path(os.path.relpath(real, os.path.realpath(folder))).as_posix()
    except ValueError:
        return real.as_posix()
