"""Folders of models: what is looked at, what is not, and that a stranger's folder ends."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from filtviz import load
from filtviz.errors import FileAccessError, ReadError
from filtviz.reading import folders
from filtviz.reading.folders import Candidate, candidates, files_in, is_no_model, model_in

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


def fill(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def names_in(folder, **given):
    return [path.relative_to(folder).as_posix() for path in files_in(folder, **given)]


def test_files_come_in_natural_order_with_those_of_a_folder_before_what_is_below_it(tmp_path):
    fill(tmp_path, "epoch10", "epoch2", "b/x", "a/y/z", "a/k")
    assert names_in(tmp_path) == ["epoch2", "epoch10", "a/k", "a/y/z", "b/x"]


def test_an_index_comes_before_the_files_that_it_tells_of(tmp_path):
    fill(tmp_path, "a-1.bin", "z.bin.index.json", "ckpt.data", "ckpt.index")
    assert names_in(tmp_path) == ["ckpt.index", "z.bin.index.json", "a-1.bin", "ckpt.data"]


def test_a_saved_model_is_one_candidate_wherever_it_lies(tmp_path):
    saved = FIXTURES / "modern" / "tensorflow" / "tf_savedmodel"
    shutil.copytree(saved, tmp_path / "zoo" / "net")
    assert names_in(tmp_path / "zoo") == ["net"]
    assert candidates([tmp_path / "zoo" / "net"]) == [Candidate(tmp_path / "zoo" / "net")]
    assert candidates([tmp_path / "zoo"]) == [Candidate(tmp_path / "zoo" / "net", is_found=True)]


def test_what_is_hidden_and_the_folder_of_the_results_is_not_looked_into(tmp_path):
    fill(tmp_path, ".git/x", ".a", "out/y", "b")
    assert names_in(tmp_path, leave_out=tmp_path / "out") == ["b"]
    assert names_in(tmp_path) == ["b", "out/y"]


def test_a_file_that_is_named_is_taken_as_it_is(tmp_path):
    fill(tmp_path, ".hidden", "a")
    given = [tmp_path / ".hidden", tmp_path / "gone"]
    assert candidates(given) == [Candidate(path) for path in given]


@pytest.mark.skipif(os.name != "posix", reason="needs links and pipes")
def test_links_and_pipes_are_not_followed(tmp_path):
    fill(tmp_path, "outside/secret", "zoo/a/net")
    (tmp_path / "zoo" / "out").symlink_to(tmp_path / "outside")
    (tmp_path / "zoo" / "file").symlink_to(tmp_path / "outside" / "secret")
    (tmp_path / "zoo" / "a" / "loop").symlink_to(tmp_path / "zoo")
    (tmp_path / "zoo" / "dead").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "zoo" / "pipe")
    assert names_in(tmp_path / "zoo") == ["a/net"]


def test_the_folder_itself_may_be_a_link(tmp_path):
    fill(tmp_path, "zoo/net")
    (tmp_path / "link").symlink_to(tmp_path / "zoo")
    assert names_in(tmp_path / "link") == ["net"]


@pytest.mark.parametrize("name", ["f{}", "d{}/x"])
def test_a_folder_that_holds_too_much_is_one_sentence(tmp_path, monkeypatch, name):
    monkeypatch.setattr(folders, "MOST_ENTRIES", 10)
    fill(tmp_path, *(name.format(i) for i in range(5)))
    assert len(files_in(tmp_path)) == 5
    fill(tmp_path, *(name.format(i) for i in range(11)))
    with pytest.raises(FileAccessError) as caught:
        files_in(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} holds more than 10 files and folders: name those in it that you mean"
    )


def test_no_more_is_looked_at_than_is_allowed(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "MOST_ENTRIES", 10)
    seen = []

    def endless(*_, **__):
        while True:
            seen.append(1)
            yield from os.scandir(fill(tmp_path, "x"))

    monkeypatch.setattr(folders, "_entries", endless)
    with pytest.raises(FileAccessError, match="more than 10"):
        files_in(tmp_path)
    assert len(seen) == 11


def test_a_folder_that_cannot_be_looked_into_is_one_sentence_and_one_below_is_not(tmp_path, monkeypatch):
    fill(tmp_path, "a/net", "b/net")
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == refused:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    refused = "a"
    assert names_in(tmp_path) == ["b/net"]
    refused = tmp_path.name
    with pytest.raises(FileAccessError, match=r"it cannot be looked into \(permission denied\)$"):
        files_in(tmp_path)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("content", "is_none"),
    [
        (b"MIT License", True),  # as a pickle, it would begin with an opcode
        (b"# README", True),
        (b"import os", True),
        (b"\x89PNG\r\n\x1a\n", True),
        (b"", True),
        (b"\x80\x02}q\x00(U\x01a", False),  # a pickle that ends too early
        (b"\x93NUMPY\x01\x00v", False),
    ],
)
def test_what_is_no_model_is_told_from_a_model_that_is_damaged(tmp_path, content, is_none):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ReadError) as caught:
        load(path)
    assert is_no_model(caught.value) == is_none


def test_a_file_that_went_away_is_a_failure(tmp_path):
    with pytest.raises(ReadError) as caught:
        load(tmp_path / "gone")
    assert not is_no_model(caught.value)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["model.pt", "optimizer.pt"], ["model.pt"]),
        (["optimizer.pt"], ["optimizer.pt"]),
        (["optimizer.pt", "readme.md"], ["optimizer.pt"]),
        (["optimizer.pt", "weights"], ["weights"]),
        (["net.onnx", "net.bin"], ["net.onnx"]),
        (["net.bin"], ["net.bin"]),
        ([], []),
    ],
)
def test_what_may_be_the_model_of_a_folder(tmp_path, names, found) -> None:
    assert folders._may_be_the_model(tmp_path, names) == found


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("names", "found"),
    [
        ((), None),
        (("notes.txt",), None),
        (("net.PTH",), "net.PTH"),
        (("Net.ONNX", "w.bin"), "Net.ONNX"),
        (("net.onnx", "net.pth"), ("net.onnx", "net.pth")),
        (("net.pth", "optimizer.pth"), "net.pth"),
        (("net2.pth", "net10.pth"), ("net2.pth", "net10.pth")),
    ],
)
def test_the_model_of_a_folder_is_found_by_the_names_in_it(tmp_path, names, found):
    for name in names:
        (tmp_path / name).write_bytes(b"")
    if isinstance(found, tuple):
        with pytest.raises(FileAccessError, match=f"may be models: {' and '.join(found)}; name one"):
            model_in(tmp_path)
    else:
        assert model_in(tmp_path) == (None if found is None else tmp_path / found)
