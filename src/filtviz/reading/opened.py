"""What a file holds before anyone knows what it means: objects, and the facts about how they are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from filtviz.errors import MalformedFileError, ReadError, UnsupportedFileError
from filtviz.network import Origin
from filtviz.reading.arrays import StoredArray, stored
from filtviz.reading.containers import Siblings, open_file, unwrap
from filtviz.reading.formats.named import refuse_foreign, refuse_zip
from filtviz.reading.hints import Hints
from filtviz.reading.limits import Budget, Limits, effort, inflation, pickle_steps
from filtviz.reading.npy import NPY_MAGIC, NpyHeader, read_npy_header
from filtviz.reading.pickle.joblib_arrays import joblib_hooks
from filtviz.reading.pickle.machine import OPCODES, Pickles, read_pickle, read_pickles
from filtviz.reading.pickle.records import Global, Items, Record, walk
from filtviz.reading.pickle.state import Data
from filtviz.reading.zips import ZIP_MAGIC, Member, read_members
from filtviz.text import printable

__all__ = ["Opened", "open_model", "origin_of"]

START = 1 << 17
"""Bytes that are enough to tell a kind of file, and to hold the header of an array."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The objects of a file: ``roots`` are its pickles' objects, or one `Items` of named arrays for an npz.

    ``rest`` is why bytes after the last pickle could not be read, None where there are none. ``limits`` and
    ``hints`` are what the person says; they go on to where the objects are understood.
    """

    roots: tuple[Any, ...]
    limits: Limits
    container: str
    hints: Hints = field(default_factory=Hints)
    is_npz: bool = False
    protocol: int | None = None
    python: str | None = None
    globals: tuple[Global, ...] = ()
    notes: tuple[str, ...] = ()
    rest: ReadError | None = field(default=None, repr=False)

    @cached_property
    def effort(self) -> Budget:
        """What is left of the steps that understanding the objects may take."""
        return effort(self.limits)

    @cached_property
    def _walk(self) -> tuple[list[Record], Iterator[Record]]:
        return [], (value for value in walk(self.roots) if type(value) is Record)

    def records(self) -> Iterator[Record]:
        """Yield every object of a class that the roots hold, the outer ones first.

        The objects are gone through once, and only as far as anyone asks.
        """
        met, more = self._walk
        yield from met
        for record in more:
            met.append(record)
            yield record


def open_model(path: Path, limits: Limits) -> Opened:
    """Open a file and read what it holds; arrays are only described.

    Raises:
        FileAccessError: it is missing or may not be read.
        UnsupportedFileError: it is of a kind that is not read.
        MalformedFileError: it is damaged or cut short.
        LimitError: it asks for too much.
    """
    budget = inflation(limits)
    data = open_file(path)
    around: list[str] = []
    while True:
        data, undone = unwrap(data, budget)
        around += undone
        start = bytes(data[:300])
        refuse_foreign(start)
        if not start.startswith(ZIP_MAGIC):
            break
        members = [member for member in read_members(data, budget) if not member.name.endswith("/")]
        if any(member.head().startswith(NPY_MAGIC) for member in members):
            return _read_npz(members, around, limits)
        if len(members) != 1:
            refuse_zip([member.name for member in members])
        around.append("zip")
        limits.check("nesting", len(around), f"{len(around)} containers lie in one another in it")
        data = _alone(members[0], limits)
    if start.startswith(NPY_MAGIC):
        return _read_npy(data, around, limits)
    return _read_pickled(data, around, Siblings(path, budget), limits)


def _alone(member: Member, limits: Limits) -> bytes:
    view = member.open()
    limits.check("allocation", len(view), f"the file in the zip has {len(view):,} bytes")
    return bytes(view)


def _read_pickled(data: Data, around: list[str], siblings: Siblings, limits: Limits) -> Opened:
    if data[0] not in OPCODES:
        raise UnsupportedFileError(
            f"it is no kind of file that filtviz knows (it begins with {bytes(data[:8])!r}); {_NAME_ANOTHER}"
        )
    notes = []
    if _has_windows_lines(data):
        limits.check("allocation", len(data), f"the pickle has {len(data):,} bytes")
        data = bytes(data).replace(b"\r\n", b"\n")
        notes.append("its line ends had been changed to those of Windows, and were changed back")
    try:
        pickles = read_pickles(data, limits, joblib_hooks(siblings))
    except MalformedFileError as error:
        if data[0] == _PROTO:
            raise
        raise MalformedFileError(
            "it is no kind of file that filtviz knows, or a damaged pickle "
            f"(it begins with {bytes(data[:8])!r}); {_NAME_ANOTHER}, or copy it again"
        ) from error
    if len(pickles.roots) > 1:
        notes.append(f"{len(pickles.roots)} pickles, one after another")
    if pickles.rest is not None:
        notes.append("the bytes after the last pickle are none, and were left out")
    return Opened(
        roots=pickles.roots,
        limits=limits,
        container=" > ".join([*around, "pickle"]),
        protocol=pickles.protocol,
        python=_python_of(pickles),
        globals=pickles.globals,
        notes=tuple(notes),
        rest=pickles.rest,
    )


_PROTO = 0x80
_NAME_ANOTHER = "name a pickle, npz, npy or joblib file"


def _has_windows_lines(data: Data) -> bool:
    """Tell a pickle of protocol 0 or 1 that was written or copied as text under Windows."""
    start = bytes(data[:START])
    return data[0] != _PROTO and 0 < start.count(b"\n") == start.count(b"\r\n")


def _python_of(pickles: Pickles) -> str | None:
    """Tell the Python that wrote a pickle by the strings that only Python 2 writes, and what only 3 does."""
    if pickles.python2:
        return "2"
    encodes = any(found.module == "_codecs" for found in pickles.globals)
    return "3" if pickles.protocol >= 3 or encodes else None


def _read_npy(data: Data, around: list[str], limits: Limits) -> Opened:
    header = read_npy_header(bytes(data[:START]))
    container = " > ".join([*around, "npy"])
    if header.holds_objects:
        pickles = read_pickle(data, header.stop, pickle_steps(limits))
        return _of_pickle(pickles, limits, container)
    view = memoryview(data)[header.stop :]
    if header.dtype is None:
        raise UnsupportedFileError(
            "it is an array whose elements are no numbers; name the file in which the model was saved"
        )
    array = stored(header.shape, header.dtype, header.fortran, len(view), lambda: view)
    return Opened(roots=(array,), limits=limits, container=container)


def _of_pickle(pickles: Pickles, limits: Limits, container: str) -> Opened:
    return Opened(
        roots=pickles.roots,
        limits=limits,
        container=container,
        protocol=pickles.protocol,
        python=_python_of(pickles),
        globals=pickles.globals,
    )


def _read_npz(members: list[Member], around: list[str], limits: Limits) -> Opened:
    """Read an npz as one `Items`: name → array, or the objects of an object array."""
    flat: list[Any] = []
    notes: list[str] = []
    pickled: Pickles | None = None
    steps = pickle_steps(limits)
    for member in members:
        name = member.name.removesuffix(".npy")
        head = member.head()
        header = read_npy_header(head) if head.startswith(NPY_MAGIC) else None
        if header is None or (header.dtype is None and not header.holds_objects):
            notes.append(f"the member {printable(name, 40)!r} holds no numbers and was left out")
        elif header.holds_objects:
            pickled = read_pickle(*member.as_data(limits, header.stop), steps)
            flat += [name, pickled.roots[0]]
        else:
            flat += [name, _array_of(member, header)]
    method = "deflated" if any(member.deflated for member in members) else "stored"
    return Opened(
        roots=(Items(flat),),
        limits=limits,
        container=" > ".join([*around, f"npz ({method})"]),
        is_npz=True,
        protocol=pickled.protocol if pickled else None,
        python=_python_of(pickled) if pickled else None,
        globals=pickled.globals if pickled else (),
        notes=tuple(notes),
    )


def _array_of(member: Member, header: NpyHeader) -> StoredArray:
    assert header.dtype is not None, "the caller has looked"
    present = member.most_bytes - header.stop
    return stored(header.shape, header.dtype, header.fortran, present, lambda: member.open()[header.stop :])


_EVIDENCE = (
    ("numpy._core", "numpy", "2 or later"),
    ("numpy.core", "numpy", "before 2"),
    ("theano.gpuarray", "theano", "0.9 or later"),
    ("theano.sandbox.cuda", "theano", "0.10 or earlier"),
    ("theano.tensor.signal.downsample", "theano", "before 0.9"),
    ("nolearn.lasagne.base", "nolearn", "0.6 or later"),
    ("nolearn.lasagne", "nolearn", "0.5 or earlier"),
    ("lasagne.layers.local", "lasagne", "0.2.dev1"),
    ("joblib.numpy_pickle_compat", "joblib", "0.10 or later"),
)
"""Module → library, and the versions that have the module; the first that a file names counts."""


def origin_of(
    opened: Opened, kind: str, *, inferred: Sequence[str] = (), notes: Sequence[str] = ()
) -> Origin:
    """Put together what is known about where the file comes from."""
    return Origin(
        kind=kind,
        container=opened.container,
        protocol=opened.protocol,
        python=opened.python,
        versions=_versions(opened),
        classes=tuple(found.path for found in opened.globals),
        inferred=tuple(inferred),
        notes=(*opened.notes, *notes),
    )


def _versions(opened: Opened) -> dict[str, str]:
    modules = {found.module for found in opened.globals}
    versions: dict[str, str] = {}
    for prefix, library, version in _EVIDENCE:
        if any(module == prefix or module.startswith(f"{prefix}.") for module in modules):
            versions.setdefault(library, version)
    return versions
