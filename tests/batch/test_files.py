"""Files appear whole or not at all, under names that are the same every time."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

import numpy as np
import pytest

from filtviz.errors import OutputError
from filtviz.files import (
    layer_stems,
    make_folder,
    model_stem,
    picture_name,
    remove_parts,
    unique_stems,
    write_whole,
)
from filtviz.network import ConvLayer, Network


def fail(stream):
    stream.write(b"half")
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_is_written_and_replaced_whole(tmp_path):
    path = tmp_path / "a.png"
    for content in (b"first", b"second"):
        write_whole(path, lambda stream, content=content: stream.write(content))
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(OutputError) as caught:
        write_whole(path, fail)
    assert str(caught.value) == f"cannot write {path}: no space left on device"
    assert caught.value.path == path
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interruption_leaves_nothing(tmp_path):
    def interrupt(stream):
        stream.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "a.png", interrupt)
    assert list(tmp_path.iterdir()) == []


def test_while_it_is_written_nobody_sees_the_file(tmp_path):
    path = tmp_path / "a.png"
    seen = []
    write_whole(path, lambda stream: seen.append(path.exists()))
    assert seen == [False]
    assert path.exists()


def test_the_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "usual").write_bytes(b"")
    write_whole(tmp_path / "ours", lambda stream: None)
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual", "ours")}
    assert len(modes) == 1


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(OutputError, match=r"cannot write .*gone/a\.png: no such file or directory"):
        write_whole(tmp_path / "gone" / "a.png", lambda stream: None)


def test_a_file_in_the_place_of_a_folder_is_one_sentence(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=r"cannot write .*file: not a directory"):
        make_folder(tmp_path / "file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, lambda stream: stream.write(b"page"))
    reader.join()
    assert got == [b"page"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_what_a_killed_run_left_is_removed_and_nothing_else(tmp_path):
    for name in (".0123456789abcdef.filtviz-part", ".hidden", "conv1.png"):
        (tmp_path / name).write_bytes(b"")
    remove_parts(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", "conv1.png"]


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("models/net.pkl", "net"),
        ("net.pkl.gz", "net"),
        ("net.v2.npz", "net.v2"),
        ("no-suffix", "no-suffix"),
        ("..", "_"),
        ("a b\x1b[31m.pkl", "a_b_31m"),
        ("con.pkl", "_con"),
    ],
)
def test_a_models_stem_is_safe(path, stem):
    assert model_stem(Path(path)) == stem


def test_empty_parts_of_a_name_are_left_out():
    assert picture_name("model", "conv2", "ch007", "png") == "model-conv2-ch007.png"
    assert picture_name("model", "conv1", "", "svg") == "model-conv1.svg"
    assert picture_name("", "conv1", "", "pdf") == "conv1.pdf"


@pytest.mark.parametrize(
    ("stems", "unique"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "a", "a"], ["a", "a-2", "a-3"]),
        (["a", "A"], ["a", "A-2"]),
        (["a", "a", "a-2"], ["a", "a-3", "a-2"]),
    ],
)
def test_no_two_stems_are_one_file(stems, unique):
    assert unique_stems(stems) == unique


def test_stems_that_are_taken_are_passed_over():
    assert unique_stems(["a", "b"], taken=["A", "a-2"]) == ["a-3", "b"]


def test_layers_whose_hostile_names_look_alike_as_files_do_not_collide():
    weights = np.zeros((1, 1, 3, 3))
    names = ["../x", "..x", "conv/1", "conv:1", None]
    network = Network.of([ConvLayer.of(weights, type="Conv2DLayer", name=name) for name in names])
    assert layer_stems(network) == {0: "_x", 1: "x", 2: "conv_1", 3: "conv_1-2", 4: "conv5"}
