"""A file as every format looks at it: what is inside its containers, each part read when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from filtviz.errors import MalformedFileError, ReadError, UnsupportedFileError
from filtviz.network import Origin
from filtviz.reading.arrays import StoredArray, stored
from filtviz.reading.containers import Siblings, open_file, unwrap
from filtviz.reading.limits import Computing, Hints, Inflation, Limits, Spending, effort, pickle_steps
from filtviz.reading.npy import NPY_MAGIC, NpyHeader, read_npy_header
from filtviz.reading.pickle.joblib_arrays import joblib_hooks
from filtviz.reading.pickle.machine import OPCODES, Pickles, read_pickle, read_pickles
from filtviz.reading.pickle.records import Global, Items, Record, walk
from filtviz.reading.stretch import Data, View, view_of
from filtviz.reading.zips import ZIP_MAGIC, Member, read_members
from filtviz.text import names_of_file, quoted

__all__ = ["SEVERAL_NPY", "Objects", "Opened", "origin_of"]

START = 1 << 17
"""Bytes that hold the header of an array, and enough lines to tell how they end."""


@dataclass(frozen=True, kw_only=True)
class Objects:
    """The objects of a file: ``roots`` are its pickles' objects, or one `Items` of named arrays for an npz.

    ``form`` is how they are written, ``pickles`` what shows who wrote them, ``damage`` why bytes that may be
    a pickle, the first or a later one, could not be read.
    """

    roots: tuple[Any, ...] = ()
    form: str = ""
    pickles: Pickles | None = None
    notes: tuple[str, ...] = ()
    damage: ReadError | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Opened:
    """A file whose compressions are undone, and that nobody has understood yet.

    A format looks at what is cheap first: the ``start`` of the bytes, then the names of a zip's ``members``,
    then ``roots`` and ``records``, for which pickles are read. ``data`` is what is inside the containers that
    ``around`` names. ``limits`` and ``hints`` are what the person says; ``inflation``, ``steps`` and
    ``effort`` are what all parts of the file may use of the limits together.
    """

    path: Path
    data: Data
    around: tuple[str, ...]
    members: tuple[Member, ...] | None
    limits: Limits
    hints: Hints
    inflation: Inflation

    @classmethod
    def of(cls, path: Path, limits: Limits, hints: Hints) -> Opened:
        """Open a file and undo what is around it: compressions, and a zip of one file.

        Raises:
            FileAccessError: it is missing or may not be read.
            MalformedFileError: a compression or a zip is damaged or cut short.
            LimitError: it asks for too much.
        """
        budget = Inflation(limits)
        data = open_file(path)
        budget.add_file(path, len(data))
        around: list[str] = []
        while True:
            data, undone = unwrap(data, budget, again=bool(around))
            around += undone
            limits.check("nesting", len(around), f"{len(around)} containers lie in one another in it")
            is_zip = bytes(data[: len(ZIP_MAGIC)]) == ZIP_MAGIC
            members = read_members(data, budget, again=bool(around)) if is_zip else None
            if members is None or len(members) != 1 or _is_npy(members[0]):
                break
            around.append("zip")
            data = members[0].copy(limits)
        return cls(
            path=path,
            data=data,
            around=tuple(around),
            members=members,
            limits=limits,
            hints=hints,
            inflation=budget,
        )

    @cached_property
    def start(self) -> bytes:
        """The first bytes, enough to tell a kind of file."""
        return bytes(self.data[:300])

    @cached_property
    def is_npz(self) -> bool:
        """Whether it is a zip with arrays of numpy's in it."""
        return any(_is_npy(member) for member in self.members or ())

    @cached_property
    def siblings(self) -> Siblings:
        """The files beside it."""
        return Siblings(self.path, self.inflation)

    @cached_property
    def steps(self) -> Spending:
        """What is left of the steps that its pickles may take."""
        return pickle_steps(self.limits)

    @cached_property
    def effort(self) -> Spending:
        """What is left of the steps that understanding the objects may take."""
        return effort(self.limits)

    @cached_property
    def computing(self) -> Computing:
        """What is left of the work that arrays may take which are computed of others."""
        return Computing(self.inflation.present)

    @cached_property
    def objects(self) -> Objects:
        """The objects in it, which may be none; arrays are only described.

        Raises:
            MalformedFileError: what certainly is a pickle, an npy or an npz is damaged or cut short.
            LimitError: it asks for too much.
        """
        if self.members is not None:
            return _of_npz(self) if self.is_npz else Objects()
        if self.start.startswith(NPY_MAGIC):
            return _of_npy(self)
        if self.start.startswith(b"{") and (start := _behind_a_line(self.data)):
            return _of_npy(self, start)
        return _of_pickles(self) if _may_begin_pickle(self.start) else Objects()

    @property
    def roots(self) -> tuple[Any, ...]:
        """The objects in it (`Objects.roots`)."""
        return self.objects.roots

    @cached_property
    def python(self) -> str | None:
        """The Python that wrote its pickle, as far as that shows: ``"2"`` or ``"3"``."""
        return None if self.objects.pickles is None else self.objects.pickles.python

    @property
    def globals(self) -> tuple[Global, ...]:
        """The classes and functions that its pickles name."""
        return () if self.objects.pickles is None else self.objects.pickles.globals

    @cached_property
    def _walk(self) -> tuple[list[Record], Iterator[Record]]:
        return [], (value for value in walk(self.roots, self.effort) if type(value) is Record)

    def records(self) -> Iterator[Record]:
        """Yield every object of a class that the roots hold, the outer ones first.

        The objects are gone through once, and only as far as anyone asks.
        """
        met, more = self._walk
        yield from met
        for record in more:
            met.append(record)
            yield record


def _is_npy(member: Member) -> bool:
    return member.head(len(NPY_MAGIC)) == NPY_MAGIC


def _of_pickles(opened: Opened) -> Objects:
    data, limits = opened.data, opened.limits
    notes = []
    if _has_windows_lines(data):
        limits.check("allocation", len(data), f"the pickle has {len(data):,} bytes")
        data = bytes(data).replace(b"\r\n", b"\n")
        notes.append("its line ends had been changed to those of Windows, and were changed back")
    try:
        pickles = read_pickles(data, opened.steps, joblib_hooks(opened.siblings))
    except (MalformedFileError, UnsupportedFileError) as error:
        if data[0] == _PROTO:
            raise
        return Objects(damage=error)  # before protocol 2 a pickle begins like any text
    if len(pickles.roots) > 1:
        notes.append(f"{len(pickles.roots)} pickles, one after another")
    if pickles.rest is not None:
        notes.append("the bytes after the last pickle are none, and were left out")
    return Objects(
        roots=pickles.roots, form="pickle", pickles=pickles, notes=tuple(notes), damage=pickles.rest
    )


_PROTO = 0x80


def _may_begin_pickle(start: bytes) -> bool:
    """Tell by the first opcode; zeros behind a protocol are the length of a safetensors header, as 640 is."""
    return bool(start) and start[0] in OPCODES and not (start[0] == _PROTO and start[3:8] == bytes(5))


def _has_windows_lines(data: Data) -> bool:
    """Tell a pickle of protocol 0 or 1 that was written or copied as text under Windows."""
    start = bytes(data[:START])
    return data[0] != _PROTO and 0 < start.count(b"\n") == start.count(b"\r\n")


def _of_npy(opened: Opened, start: int = 0) -> Objects:
    """Read an npy, or several in a row from ``start`` on."""
    header = read_npy_header(bytes(opened.data[start : start + START]))
    if start:
        return Objects(roots=(list(_in_a_row(opened, start)),), form=SEVERAL_NPY)
    if header.holds_objects:
        pickles = read_pickle(opened.data, header.stop, opened.steps)
        return Objects(roots=pickles.roots, form="npy", pickles=pickles)
    view = view_of(opened.data)[header.stop :]
    if header.dtype is None:
        raise UnsupportedFileError(
            "it is an array whose elements are no numbers; name the file in which the model was saved"
        )
    array = stored(header.shape, header.dtype, header.fortran, len(view), lambda: view)
    if bytes(view[array.nbytes : array.nbytes + len(NPY_MAGIC)]) == NPY_MAGIC:
        return Objects(roots=(list(_in_a_row(opened, start)),), form=SEVERAL_NPY)
    return Objects(roots=(array,), form="npy")


def _behind_a_line(data: Data) -> int:
    """Return where arrays begin behind one line of JSON, as Equinox's own example writes it; else 0."""
    place = bytes(data[:_LONGEST_LINE]).find(b"\n" + NPY_MAGIC)
    return place + 1


_LONGEST_LINE = 1 << 16

SEVERAL_NPY = "npy, several in a row"
"""How files of Equinox are written, and what `numpy.save` into an open file leaves."""


def _in_a_row(opened: Opened, start: int) -> Iterator[StoredArray]:
    """Yield the arrays of files of numpy's that lie one behind the other."""
    data, n_arrays = view_of(opened.data), 0
    while start < len(data):
        header = read_npy_header(bytes(data[start : start + _LONGEST_HEAD]))
        n_arrays += 1
        opened.limits.check("layers", n_arrays, f"it holds {n_arrays:,} arrays or more")
        opened.effort.spend(_STEPS_OF_AN_ARRAY)
        if header.dtype is None or header.holds_objects:
            raise UnsupportedFileError(
                f"array number {n_arrays} in it has elements that are no numbers; save the arrays with "
                "numpy.savez, and name that file"
            )
        view = data[start + header.stop :]
        array = stored(header.shape, header.dtype, header.fortran, len(view), partial(_itself, view))
        yield array
        start += header.stop + array.nbytes


def _itself(view: View) -> View:
    return view


_STEPS_OF_AN_ARRAY, _LONGEST_HEAD = 16, 1 << 12


def _of_npz(opened: Opened) -> Objects:
    """Read an npz as one `Items`: name → array, or the objects of an object array."""
    flat: list[Any] = []
    left_out: list[str] = []
    pickles: Pickles | None = None
    members = opened.members or ()
    for member in members:
        name = member.name.removesuffix(".npy")
        head = member.head()
        header = read_npy_header(head) if head.startswith(NPY_MAGIC) else None
        if header is None or header.dtype is None:
            left_out.append(name)
        elif header.holds_objects:
            pickles = read_pickle(member.copy(opened.limits, header.stop), 0, opened.steps)
            flat += [name, pickles.roots[0]]
        else:
            flat += [name, _array_of(member, header)]
    method = "deflated" if any(member.deflated for member in members) else "stored"
    notes = [_without_numbers(left_out)] if left_out else []
    return Objects(roots=(Items(flat),), form=f"npz ({method})", pickles=pickles, notes=tuple(notes))


def _without_numbers(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"the member {quoted(names[0], 40)} holds no numbers and was left out"
    return f"these members hold no numbers and were left out: {names_of_file(names)}"


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
    opened: Opened,
    kind: str,
    *,
    objects: Objects | None = None,
    inferred: Sequence[str] = (),
    notes: Sequence[str] = (),
    versions: Mapping[str, str] | None = None,
    **facts: Any,
) -> Origin:
    """Put together what is known about where the file comes from.

    Args:
        opened: the file.
        kind: what it holds, for people.
        objects: what was read of it, where that is not `Opened.objects`: a format that reads its own bytes
            names at least their ``form``.
        inferred: a sentence for each thing that was concluded.
        notes: sentences about what was left out or is odd.
        versions: library → version, where the file tells it in words of its own.
        facts: other fields of `Origin`: ``framework``, ``producer``, ``order``, ``left_out``.
    """
    found = objects or opened.objects
    pickles = found.pickles
    return Origin(
        kind=kind,
        container=" > ".join([*opened.around, found.form]),
        protocol=None if pickles is None else pickles.protocol,
        python=None if pickles is None else pickles.python,
        versions={**_versions(() if pickles is None else pickles.globals), **(versions or {})},
        classes=tuple(one.path for one in (() if pickles is None else pickles.globals)),
        inferred=tuple(inferred),
        notes=(*found.notes, *notes),
        **facts,
    )


def _versions(named: Sequence[Global]) -> dict[str, str]:
    modules = {found.module for found in named}
    versions: dict[str, str] = {}
    for prefix, library, version in _EVIDENCE:
        if any(module == prefix or module.startswith(f"{prefix}.") for module in modules):
            versions.setdefault(library, version)
    return versions
