"""``manifest.json``: what each picture of an export shows, and how it was made.

It is written before the first picture of a model is drawn and once more at the end, each time as a whole. So
a picture that exists and stands in the manifest as it would be described now need not be drawn again: that is
how a run that was stopped goes on. A picture that would be described otherwise is removed before the manifest
describes its successor.
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
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz._version import __version__
from filtviz.batch.locking import hold
from filtviz.errors import OutputError
from filtviz.files import reason, remove_parts, replace_own
from filtviz.sources import Sources
from filtviz.text import printable

if TYPE_CHECKING:
    from filtviz.drawing import DrawingOptions
    from filtviz.network import ConvLayer

__all__ = [
    "MANIFEST",
    "Entry",
    "Manifest",
    "describe_options",
    "describe_picture",
    "read_manifest",
    "relative",
    "value_ranges",
    "write_manifest",
]

MANIFEST = "manifest.json"

Entry = Mapping[str, Any]
"""The description of one file: paths are relative to the manifest's folder."""


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


def read_manifest(folder: Path) -> list[Entry]:
    """Return the entries of earlier runs; none where there were none.

    Whoever has written into the folder may have written the manifest: what is not as filtviz writes it is
    refused, and no path in it leads out of the folder.

    Raises:
        OutputError: there is a ``manifest.json`` that filtviz has not written, or it cannot be read.
    """
    path = folder / MANIFEST
    try:
        text = _read(path)
        return [] if text is None else _parse(text)
    except OSError as error:
        raise OutputError(f"cannot read {printable(path, 200)}: {reason(error)}", path=path) from error
    except (ValueError, KeyError, TypeError, RecursionError, MemoryError) as error:
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


def _parse(text: bytes) -> list[Entry]:
    known = json.loads(text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
    entries = known["pictures"]
    if known["program"] != "filtviz" or type(entries) is not list or not all(map(_is_entry, entries)):
        raise ValueError
    return entries


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of which two readers see the same: no key of it is there twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


_FILE = re.compile(r"(?![.-])[\w.-]+/(?![.-])[\w.-]+")
"""A picture in a folder of the manifest's; what filtviz never writes leads elsewhere, or is hidden."""

DEEPEST = 5
"""So many lists and objects lie in one another in an entry."""


def _is_entry(value: Any) -> bool:
    """Say whether a value describes a picture; what is too short for that would be too many of them."""
    if not isinstance(value, dict) or not _is_plain(value, DEEPEST):
        return False
    texts = [value[key] for key in ("file", "model", "sha256", "layer", "type", "version")]
    return (
        all(isinstance(text, str) for text in texts)
        and _FILE.fullmatch(value["file"]) is not None
        and len(value["sha256"]) == hashlib.sha256().digest_size * 2
        and isinstance(value["options"], dict)
    )


def _is_plain(value: Any, depth: int) -> bool:
    """Say whether a value can be written as JSON again, and compared, whoever made it."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return depth > 0 and all(_is_plain(each, depth - 1) for each in inner)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str) or abs(value) < 2**63


def write_manifest(folder: Path, entries: Iterable[Entry], sources: Sources, *, complete: bool) -> Path:
    """Write the manifest as a whole; ``complete`` is False as long as pictures are missing.

    Raises:
        OutputError: it cannot be written, would be too large, or is one of ``sources``.
    """
    path = folder / MANIFEST
    head = json.dumps({"program": "filtviz", "version": __version__, "complete": complete})
    lines = [json.dumps(entry) for entry in sorted(entries, key=lambda entry: entry["file"])]
    text = f'{head[:-1]}, "pictures": [\n' + ",\n".join(lines) + "\n]}\n"
    if len(text) > LARGEST:
        raise OutputError(
            f"{printable(path, 200)} would describe too many pictures: export to another folder", path=path
        )
    replace_own(path, lambda stream: stream.write(text.encode("ascii")), sources, run=MANIFEST)
    return path


class Manifest:
    """The manifest of a folder in which several runs may be at work.

    While it is changed it is locked, and before it is changed it is read anew. ``entries`` are the
    descriptions by file, those of other runs included.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: dict[str, Entry] = {}
        self._owners: dict[str, str] = {}
        self._seen: tuple[int, ...] | None = None

    @contextmanager
    def held(self, sources: Sources) -> Iterator[dict[str, Entry]]:
        """Hold the lock, bring `entries` up to date, and hand them over to be changed and written.

        Raises:
            OutputError: the manifest cannot be read, or the folder not be written.
        """
        sources.refuse(self.folder / MANIFEST)
        with hold(self.folder, sources):
            seen = self._look()
            if seen is None or seen != self._seen:
                self.entries = {entry["file"]: entry for entry in read_manifest(self.folder)}
                self._owners = {_folder_of(entry): entry["model"] for entry in self.entries.values()}
                remove_parts(self.folder, sources, run=MANIFEST)
            yield self.entries

    def owner(self, folder: str) -> str | None:
        """Return the model whose pictures are in a folder; None where there are none."""
        return self._owners.get(folder)

    def write(self, sources: Sources, *, complete: bool) -> None:
        """Write `entries`; for who holds the lock.

        Raises:
            OutputError: it cannot be written.
        """
        write_manifest(self.folder, self.entries.values(), sources, complete=complete)
        self._seen = self._look()

    def _look(self) -> tuple[int, ...] | None:
        try:
            seen = (self.folder / MANIFEST).lstat()
        except OSError:
            return None
        return seen.st_ino, seen.st_size, seen.st_mtime_ns


def _folder_of(entry: Entry) -> str:
    folder: str = entry["file"].split("/")[0]
    return folder


def relative(path: Path, folder: Path) -> str:
    """Return ``path`` as seen from ``folder``, with slashes; absolute where no way leads (another drive).

    Links in the way to either are followed, a link that the path itself is, is not.
    """
    real = Path(os.path.realpath(path.absolute().parent), path.name)
    try:
        return Path(os.path.relpath(real, os.path.realpath(folder))).as_posix()
    except ValueError:
        return real.as_posix()
