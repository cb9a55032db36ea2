"""Which of PyTorch's zips is which is told by the names of its members, in every combination of them."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import pytest

from filtviz.errors import MalformedFileError
from filtviz.reading.formats import torchscript
from filtviz.reading.formats.torch.zipped import _ZipMemory, is_torch_zip
from filtviz.reading.pickle.opcodes import PERSISTENT
from filtviz.reading.pickle.records import Global, Record

NAMES = (
    "data.pkl",
    "constants.pkl",
    "version",
    "byteorder",
    ".format_version",
    "data/0",
    "code/a.py",
    "other",
)
SAVED = {"version", "byteorder", ".format_version", "data/0"}


def held(names: tuple[str, ...], root: str) -> list[Any]:
    return [SimpleNamespace(name=root + name) for name in names]


def combinations() -> list[tuple[str, ...]]:
    return [each for n in range(len(NAMES) + 1) for each in itertools.combinations(NAMES, n)]


@pytest.mark.parametrize("root", ["", "archive/"])
def test_a_zip_of_torch_save_has_its_pickle_something_saved_beside_it_and_no_constants(root) -> None:
    for names in combinations():
        wanted = "data.pkl" in names and "constants.pkl" not in names and bool(SAVED & set(names))
        assert is_torch_zip(held(names, root)) == wanted, names


def test_what_lies_in_another_folder_counts_for_nothing() -> None:
    assert not is_torch_zip(held(("a/data.pkl", "b/version"), ""))
    assert is_torch_zip(held(("a/data.pkl", "a/version", "b/constants.pkl"), ""))
    assert not is_torch_zip(held(("a/data.pkl", "a/b/version"), ""))


def test_torchscript_has_its_pickle_its_constants_and_code(monkeypatch) -> None:
    class Read(Exception):
        pass

    def read(*_: Any) -> None:
        raise Read

    monkeypatch.setattr(torchscript, "read_zip", read)
    for names in combinations():
        opened: Any = SimpleNamespace(members=held(names, "archive/"), steps=None)
        if {"data.pkl", "constants.pkl", "code/a.py"} <= set(names):
            with pytest.raises(Read):
                torchscript.open(opened)
        else:
            assert torchscript.open(opened) is None, names


def test_a_storage_is_as_long_as_each_mention_of_it_says() -> None:
    def mentioned(n: int) -> Record:
        return Record(PERSISTENT, (("storage", Global("torch", "FloatStorage"), "0", "cpu", n),))

    member: Any = SimpleNamespace(most_bytes=24, deflated=False, open=lambda: bytes(24))
    memory = _ZipMemory({"data/0": member}, "data/", big_endian=False)
    assert [memory(mentioned(n)).nbytes for n in (3, 6, 3, 0)] == [12, 24, 12, 0]
    assert memory(mentioned(3)) is memory(mentioned(3))
    with pytest.raises(MalformedFileError, match="says that it has 28 bytes, and has 24"):
        memory(mentioned(7))
