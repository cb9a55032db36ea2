"""What ``torch.save`` writes since PyTorch 1.6: a zip of a pickle and its storages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from filtviz.errors import MalformedFileError
from filtviz.reading.formats.torch.storages import CUT_SHORT, Ident, Saved, Storage, id_of
from filtviz.reading.limits import Spending
from filtviz.reading.pickle.machine import read_pickles
from filtviz.reading.pickle.records import Record
from filtviz.reading.zips import Member
from filtviz.text import plural, quoted

__all__ = ["is_torch_zip", "read_zip"]


def is_torch_zip(members: Sequence[Member]) -> bool:
    """Tell a zip of ``torch.save``; one of TorchScript or of ``torch.export`` is none."""
    names = {member.name for member in members}
    root = _root(members)
    return f"{root}data.pkl" in names and f"{root}constants.pkl" not in names and _is_complete(names, root)


def _is_complete(names: set[str], root: str) -> bool:
    """Tell by what every version writes beside the pickle: an empty object has no storage."""
    data = f"{root}data/"
    return any(
        name in (f"{root}version", f"{root}byteorder", f"{root}.format_version") or name.startswith(data)
        for name in names
    )


def _root(members: Sequence[Member]) -> str:
    """Return the folder in which all of a zip's members lie, with its stroke: that of the first one.

    Where someone packed the folder's content anew there is none.
    """
    if not members or any(member.name == "data.pkl" for member in members):
        return ""
    first, stroke, _ = members[0].name.partition("/")
    return first + stroke if stroke else ""


def read_zip(
    members: Sequence[Member], steps: Spending, *, pickle: str = "data.pkl", folder: str = "data"
) -> Saved:
    """Read a pickle of a zip of PyTorch's.

    Args:
        members: What is in the zip.
        steps: What is left of the steps that the file's pickles may take.
        pickle: The member that holds the pickle.
        folder: The folder of its storages.

    Raises:
        MalformedFileError: there is no such pickle, it is damaged, or two members have one name.
    """
    root = _root(members)
    by_name: dict[str, Member] = {}
    for member in members:
        if by_name.setdefault(member.name, member) is not member:
            raise MalformedFileError("it is a zip with two members of one name, as no program writes them")
    if f"{root}{pickle}" not in by_name:
        raise MalformedFileError(f"it is a zip of PyTorch's without its {pickle}")
    pickles = read_pickles(by_name[f"{root}{pickle}"].copy(steps.limits), steps, most=1)
    order = by_name.get(f"{root}byteorder")
    big_endian = order is not None and order.head(8).strip() == b"big"
    if not pickles.roots:
        raise MalformedFileError(CUT_SHORT)
    method = "deflated" if any(member.deflated for member in members) else "stored"
    return Saved(
        root=pickles.roots[0],
        pickles=pickles,
        memory=_ZipMemory(by_name, f"{root}{folder}/", big_endian=big_endian),
        form=f"zip of torch.save ({method})",
    )


class _ZipMemory:
    """The storages of a zip. One that was deflated is inflated once, however many tensors lie in it."""

    def __init__(self, members: Mapping[str, Member], folder: str, *, big_endian: bool) -> None:
        self._members = members
        self._folder = folder
        self._big_endian = big_endian
        self._found: dict[tuple[str, str, int], Storage] = {}

    def __call__(self, record: Record) -> Storage | None:
        """Return the storage that a persistent id stands for."""
        ident = id_of(record)
        if ident is None:
            return None
        key = (ident.kind, ident.key, ident.n)
        if key not in self._found:
            self._found[key] = self._find(ident)
        return self._found[key]

    def _find(self, ident: Ident) -> Storage:
        wanted, member = ident.nbytes, self._members.get(self._folder + ident.key)
        if wanted == 0:
            return Storage(kind=ident.kind, nbytes=0, read=bytes)
        if member is None or "/" in ident.key or ".." in ident.key:
            raise MalformedFileError(
                f"a tensor in it lies in the storage {quoted(ident.key, 40)}, which is not in the zip"
            )
        if wanted is not None and wanted > member.most_bytes:
            raise MalformedFileError(
                f"the storage {quoted(ident.key, 40)} says that it has "
                f"{plural(wanted, 'byte')}, and has {member.most_bytes:,}"
            )
        nbytes = member.most_bytes if wanted is None else wanted
        read = cache(member.open) if member.deflated else member.open
        return Storage(kind=ident.kind, nbytes=nbytes, read=read, big_endian=self._big_endian)
