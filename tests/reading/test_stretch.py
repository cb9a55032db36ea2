"""What is on disk is read piece by piece; a file that is cut short or changed meanwhile is one sentence."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import joblib
import numpy as np
import pytest

import filtviz
from filtviz import load
from filtviz.cli.json_data import network_data
from filtviz.errors import FileAccessError, FiltvizError, MalformedFileError, UnsupportedFileError
from filtviz.reading import Limits, containers, protobuf, stretch
from filtviz.reading.containers import READ_BELOW, open_file
from filtviz.reading.limits import pickle_steps
from filtviz.reading.pickle import state
from filtviz.reading.pickle.machine import read_pickles
from filtviz.reading.pickle.records import Blob
from filtviz.reading.stretch import File, Stretch, in_memory, view_of
from filtviz.summary import summarize
from tests.building import put
from tests.conftest import FIXTURES
from tests.reading.making import Thing, conv, dumps, image, weights

DATA = bytes(range(256)) * 8
CUT_SHORT = (
    "it was cut short while it was read, from {:,} bytes to {:,}; wait until the program that writes it"
)
CHANGED = (
    "it was changed while it was read; wait until the program that writes it is done, or read a copy of it"
)


def on_disk(path: Path, data: bytes = DATA) -> Stretch:
    path.write_bytes(data)
    return Stretch.of(os.open(path, os.O_RDONLY))


@pytest.fixture
def nothing_in_memory(monkeypatch):
    """All files stay on disk, and what is seen of them at once is as little as can be."""
    monkeypatch.setattr(containers, "READ_BELOW", 0)
    monkeypatch.setattr(state, "FIRST_WINDOW", state.MARGIN + 20)
    monkeypatch.setattr(state, "LARGEST_WINDOW", state.MARGIN + 300)
    monkeypatch.setattr(stretch, "CHUNK", 50)
    monkeypatch.setattr(protobuf, "SHORT", 30)
    monkeypatch.setattr(stretch, "PAGE", 64)
    monkeypatch.setattr(stretch, "MOST_PAGES", 3)


@pytest.fixture
def asked(monkeypatch):
    """The stretches of files that are read, as pairs of a place and a length."""
    found = []
    read = File._read_once
    monkeypatch.setattr(File, "_read_once", lambda *args: found.append(args[1:]) or read(*args))
    return found


def large(path: Path, n_layers: int = 6) -> Path:
    """A file that is left on disk: a pickle of weights, of a megabyte each."""
    values = [weights(40, 40, 13, 13, seed=seed) for seed in range(n_layers)]
    path.write_bytes(pickle.dumps(values, 3))
    assert path.stat().st_size > READ_BELOW
    return path


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "place",
    [
        slice(3, 9),
        slice(None),
        slice(5, None),
        slice(-7, None),
        slice(9, 3),
        slice(2000, 9000),
        slice(9000, 9001),
    ],
    ids=str,
)
def test_a_stretch_is_sliced_as_bytes_are(tmp_path, place):
    part = on_disk(tmp_path / "a")[100:]
    assert bytes(part[place]) == DATA[100:][place]
    assert len(part[place]) == len(DATA[100:][place])
    assert bytes(part[place][1:3]) == DATA[100:][place][1:3]


def test_a_stretch_has_single_bytes_and_no_more(tmp_path):
    part = on_disk(tmp_path / "a")[100:200]
    assert (part[0], part[-1], part[99]) == (100, 199, 199)
    for place in (100, -101):
        with pytest.raises(IndexError):
            part[place]


@pytest.mark.cases("all")
@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1 << 20])
@pytest.mark.parametrize("wanted", [b"\0", b"\xff", b"\xfe\xff\0\1", b"\1\1", bytes(range(200, 256))])
def test_something_is_found_across_the_pieces_in_which_it_is_looked_for(tmp_path, monkeypatch, chunk, wanted):
    monkeypatch.setattr(stretch, "CHUNK", chunk)
    part = on_disk(tmp_path / "a", DATA[:600])
    for start in (0, 1, 255, 256, 500, 599, 600, 700):
        assert part.find(wanted, start) == DATA[:600].find(wanted, start)
        assert part.rfind(wanted, start) == DATA[:600].rfind(wanted, start)


def test_views_take_no_memory_and_memory_is_asked_for_by_name(tmp_path):
    part = on_disk(tmp_path / "a")
    assert view_of(part) is part
    assert bytes(in_memory(part)) == bytes(in_memory(view_of(DATA))) == DATA
    assert in_memory(memoryview(DATA)).obj is DATA


def test_a_large_file_is_read_in_pieces_that_a_system_gives_at_once(tmp_path, monkeypatch, asked):
    monkeypatch.setattr(stretch, "MOST_AT_ONCE", 1000)
    assert bytes(on_disk(tmp_path / "a")) == DATA
    assert asked == [(0, 1000), (1000, 1000), (2000, 48)]


def test_the_file_is_closed_when_nobody_can_read_it_any_more(tmp_path):
    part = on_disk(tmp_path / "a")
    descriptor, part = part.file.descriptor, part[3:5]
    os.fstat(descriptor)
    del part
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


FILES = sorted(
    path for path in FIXTURES.rglob("*") if path.is_file() and not {"truth", "make", "made"} & set(path.parts)
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_on_disk_gives_what_one_in_memory_gives(path, nothing_in_memory, monkeypatch):
    def everything():
        try:
            network = load(path)
        except FiltvizError as error:
            return str(error), []
        held = [one for layer in network.layers for one in layer.parameters]
        values = [one.value for one in held if one.dtype != np.dtype("V1")]
        return network_data(network, summarize(network)), [(v.dtype, v.shape, v.tobytes()) for v in values]

    on_disk = everything()
    monkeypatch.setattr(containers, "READ_BELOW", READ_BELOW)
    assert on_disk == everything()


@pytest.mark.parametrize("compress", [0, 3])
def test_joblib_keeps_arrays_behind_the_objects_of_a_file_on_disk(tmp_path, nothing_in_memory, compress):
    values = [weights(8, 3, 5, 5), weights(8), np.array(["a" * 3000, None], object), weights(4, dtype=">f8")]
    joblib.dump(values, tmp_path / "model", compress=compress)
    found = [one.value for layer in load(tmp_path / "model").layers for one in layer.parameters]
    assert [a.tobytes() for a in found] == [values[i].tobytes() for i in (0, 1, 3)]


LONG = "x" * (state.MARGIN + 500)
VALUES = [
    list(range(3000)),
    ["name " * 100] * 30,
    {"a" * n: float(n) for n in range(200)},
    [1 << 200, -(1 << 2399), 1 << 2400, 1 << 12_000, 10**290, 10**310],
    [LONG, "y", LONG.encode(), b"z", LONG.upper(), 5],
    ["é\n" * 2000, "\n", "'", "\\"],
    [Thing(f"a.{LONG}", 1), Thing(f"{LONG}.B", 2), Thing("a.C", name=LONG)],
]


def inert(value: object) -> object:
    """What a record holds, so that two can be compared."""
    if isinstance(value, Blob):
        return value.coding, bytes(value.view)
    if isinstance(value, list | tuple):
        return [inert(one) for one in value]
    slots = getattr(type(value), "__slots__", ())
    return [inert(getattr(value, name)) for name in slots if not name.startswith("_")] if slots else value


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_a_pickle_on_disk_is_read_through_windows_as_one_in_memory(
    tmp_path, nothing_in_memory, value, protocol
):
    things = any(isinstance(one, Thing) for one in value)
    data = dumps(value, 2) if things else pickle.dumps(value, protocol)
    several = data + pickle.dumps(None, protocol) + data
    memory = read_pickles(several, pickle_steps(Limits()))
    windows = read_pickles(on_disk(tmp_path / "a", several), pickle_steps(Limits()))
    assert len(windows.roots) == 3
    assert inert(windows.roots) == inert(memory.roots)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_on_disk_that_is_damaged_or_cut_is_told_as_one_in_memory(
    tmp_path, nothing_in_memory, protocol
):
    data = pickle.dumps([list(range(2000)), "x" * 3000, list(range(2000))], protocol)
    for broken in (
        data[:-1],
        data[: len(data) // 2],
        data[:-1] + b"\xff",
        data[:3000] + b"\xff" * 9 + data[3009:],
    ):
        sentences = []
        for source in (broken, on_disk(tmp_path / "a", broken)):
            with pytest.raises(FiltvizError) as caught:
                read_pickles(source, pickle_steps(Limits()))
            sentences.append(str(caught.value))
        assert sentences[0] == sentences[1]


@pytest.mark.slow
def test_many_small_pickles_on_disk_are_not_read_again_for_each(tmp_path, asked):
    source = on_disk(tmp_path / "a", b"N." * 15_000)
    assert len(read_pickles(source, pickle_steps(Limits())).roots) == 15_000
    assert sum(length for _, length in asked) < 4 * len(source)


def test_a_layers_weights_are_read_when_they_are_asked_for_and_no_others(tmp_path, asked):
    network = load(large(tmp_path / "model.pkl"))
    read = sum(length for _, length in asked)
    assert read < 300_000
    first = network.conv_layers[0].W
    assert sum(length for _, length in asked) == read + first.nbytes
    assert np.array_equal(first, weights(40, 40, 13, 13))
    assert not first.flags.writeable
    assert network.conv_layers[0].W is first


def test_arrays_that_share_bytes_share_memory(tmp_path, asked):
    shared = weights(70, 40, 20, 20)
    data = dumps([image(40, 30, 30), *[conv(image(40, 30, 30), shared) for _ in range(6)]])
    path = tmp_path / "model.pkl"
    path.write_bytes(data)
    assert READ_BELOW < len(data) < 2 * shared.nbytes
    arrays = [layer.W for layer in load(path).conv_layers]
    assert len(arrays) == 6
    assert all(np.shares_memory(arrays[0], array) for array in arrays)
    assert sum(length for _, length in asked) < 2 * len(data)


def test_arrays_in_one_file_are_read_apart_and_as_a_whole_once_they_ask_for_more_than_it_has(tmp_path, asked):
    part = on_disk(tmp_path / "a")
    held = [part.held(start, start + 512) for start in (0, 512, 1024, 1536)]
    assert b"".join(held) == DATA
    assert asked == [(0, 512), (512, 512), (1024, 512), (1536, 512)]
    again = [part.held(5, 1000) for _ in range(100)]
    assert {bytes(one) for one in again} == {DATA[5:1000]}
    assert asked[4:] == [(0, 2048)]


@pytest.fixture
def opened(tmp_path):
    """A large file on disk, read as far as its structure."""
    path = large(tmp_path / "model.pkl")
    return path, load(path)


def sentence_of(network) -> str:
    with pytest.raises(FileAccessError) as caught:
        network.conv_layers[-1].W  # noqa: B018
    return str(caught.value)


@pytest.mark.parametrize("to", [0, 100, READ_BELOW])
def test_a_file_cut_short_is_one_sentence(opened, to):
    path, network = opened
    size = path.stat().st_size
    os.truncate(path, to)
    sentence = sentence_of(network)
    assert sentence.startswith(f"{path}: {CUT_SHORT.format(size, to)}")
    with pytest.raises(FileAccessError):
        network.conv_layers[-1].W  # noqa: B018  (a failure is not kept as a value)


def test_a_file_cut_short_and_written_again_is_one_sentence(opened):
    path, network = opened
    data = path.read_bytes()
    os.truncate(path, 0)
    time.sleep(0.02)  # the times of a file system have a grain
    path.write_bytes(data[::-1])
    assert sentence_of(network) == f"{path}: {CHANGED}"


def test_a_file_that_is_written_to_is_one_sentence(opened):
    path, network = opened
    time.sleep(0.02)
    with path.open("r+b") as file:
        file.seek(5_000_000)
        file.write(b"other weights")
    assert sentence_of(network) == f"{path}: {CHANGED}"


def test_a_file_that_grows_is_one_sentence(opened):
    path, network = opened
    with path.open("ab") as file:
        file.write(b"more")
    assert sentence_of(network) == f"{path}: {CHANGED}"


def test_a_file_that_is_replaced_or_removed_is_read_on_as_it_was(opened):
    path, network = opened
    (path.parent / "new").write_bytes(b"another model, written beside and renamed")
    (path.parent / "new").replace(path)
    assert np.array_equal(network.conv_layers[4].W, weights(40, 40, 13, 13, seed=4))
    path.unlink()
    assert np.array_equal(network.conv_layers[5].W, weights(40, 40, 13, 13, seed=5))


def test_a_file_whose_mode_or_name_changes_is_the_same_file(opened):
    path, network = opened
    path.chmod(0o400)
    path.rename(path.with_name("moved.pkl"))
    os.link(path.with_name("moved.pkl"), path)
    assert np.array_equal(network.conv_layers[0].W, weights(40, 40, 13, 13, seed=0))


def test_a_disk_that_fails_is_one_sentence(opened, monkeypatch):
    path, network = opened

    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(File, "_read_once", fail)
    assert sentence_of(network) == f"{path}: it cannot be read (Input/output error)"


def cut_after(monkeypatch, path: Path, n_reads: int) -> None:
    """Let another program cut the file short after so many pieces were read."""
    read, left = File._read_once, [n_reads]

    def read_and_cut(*args):
        if not left[0]:
            os.truncate(path, 50)
        left[0] -= 1
        return read(*args)

    monkeypatch.setattr(File, "_read_once", read_and_cut)


def a_pickle(path: Path) -> None:
    path.write_bytes(b"".join(pickle.dumps(list(range(3000)), protocol) for protocol in (0, 2)))


def an_npz(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, *[weights(3, 3)] * 20)


def a_packed_npz(path: Path) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, *[weights(30, 30)] * 5, np.array([{}, "a" * 300], object))


def a_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("model.pkl", pickle.dumps([weights(8, 3, 5, 5)], 2))


def a_packed_pickle(path: Path) -> None:
    path.write_bytes(__import__("gzip").compress(np.random.default_rng(0).bytes(5000), 0))


@pytest.mark.parametrize("write", [a_pickle, an_npz, a_packed_npz, a_zip, a_packed_pickle])
def test_a_file_cut_short_while_its_structure_is_read_is_never_taken_for_another(
    tmp_path, nothing_in_memory, monkeypatch, asked, write
):
    path = tmp_path / "model"
    write(path)
    data = path.read_bytes()
    size = len(data)
    with suppress(UnsupportedFileError, MalformedFileError):
        load(path)
    n_reads = len(asked)
    for turn in {round(i * (n_reads - 1) / 12) for i in range(13)}:
        with monkeypatch.context() as patched:
            put(path, data)
            cut_after(patched, path, turn)
            with pytest.raises(FileAccessError) as caught:
                load(path)
        assert str(caught.value).startswith(f"{path}: {CUT_SHORT.format(size, 50)}")


def test_a_file_beside_that_is_cut_short_is_named(tmp_path, monkeypatch, nothing_in_memory):
    np.save(tmp_path / "model_01.npy", weights(8, 3, 5, 5))
    stub = Thing("joblib.numpy_pickle.NDArrayWrapper", filename="model_01.npy", subclass=None)
    (tmp_path / "model").write_bytes(dumps([stub]))
    network = load(tmp_path / "model")
    os.truncate(tmp_path / "model_01.npy", 90)
    with pytest.raises(FileAccessError, match=r"model: the file .model_01\.npy. beside it was cut short"):
        network.conv_layers[0].W  # noqa: B018


def test_a_small_file_that_changes_while_it_is_read_is_one_sentence(tmp_path, monkeypatch):
    path = tmp_path / "small.npz"
    np.savez(path, weights(8, 3, 5, 5))
    cut_after(monkeypatch, path, 0)
    with pytest.raises(FileAccessError, match="it was cut short while it was read"):
        load(path)


def test_a_small_file_that_changes_afterwards_is_of_no_account(tmp_path):
    path = tmp_path / "small.npz"
    np.savez(path, weights(8, 3, 5, 5))
    network = load(path)
    os.truncate(path, 0)
    assert np.array_equal(network.conv_layers[0].W, weights(8, 3, 5, 5))
    assert not list(open_file(path))


PROGRAM = "import sys; from filtviz.cli import main; main(sys.argv[1:])"


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="only there can an open file be cut short")
def test_a_model_cut_short_at_any_moment_ends_an_export_in_one_sentence(tmp_path):
    """A signal would end it with a negative status; what is drawn is drawn of what was there."""
    chance = np.random.default_rng(0)
    model, data = tmp_path / "model.pkl", large(tmp_path / "large", n_layers=12).read_bytes()
    ends = []
    for turn in range(12):
        model.write_bytes(data)
        out = tmp_path / f"out{turn}"
        command = [
            sys.executable,
            "-c",
            PROGRAM,
            "export",
            model,
            "-o",
            out,
            "--channels",
            "0-1",
            "--jobs",
            "1",
        ]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        wait_for(process, out, 60)
        time.sleep(chance.uniform(0, 1))
        os.truncate(model, int(chance.integers(len(data))))
        _, stderr = process.communicate(timeout=120)
        assert process.returncode in (0, 1), stderr
        assert "Traceback" not in stderr
        ends.append(process.returncode)
        if process.returncode:
            told = ("while it was read", "changed while it was exported", "end before the pickle does")
            assert any(each in stderr for each in told)
    assert 1 in ends


def wait_for(process: subprocess.Popen[str], path: Path, seconds: float) -> None:
    """Wait until a process has made something, or is over."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and not path.exists() and time.monotonic() < deadline:
        time.sleep(0.005)


def test_an_export_whose_model_is_cut_short_fails_it_alone(tmp_path, monkeypatch):
    bad, good = large(tmp_path / "bad.pkl"), tmp_path / "good.npz"
    np.savez(good, weights(4, 1, 3, 3))
    options = filtviz.ExportOptions(channels=((0, 0),))
    planned = filtviz.batch.planning.draw

    def draw_and_cut(layer, *args):
        if layer.conv_index == 3:
            os.truncate(bad, 1000)
        return planned(layer, *args)

    monkeypatch.setattr("filtviz.batch.planning.draw", draw_and_cut)
    result = filtviz.export([bad, good], tmp_path / "out", options, jobs=1)
    assert [one.path for one in result.failures] == [bad]
    assert "it was cut short while it was read" in result.failures[0].reason
    assert len(list((tmp_path / "out").glob("good*/*.png"))) == 1


def test_pages_that_are_kept_are_few(tmp_path, monkeypatch):
    monkeypatch.setattr(stretch, "PAGE", 16)
    monkeypatch.setattr(stretch, "MOST_PAGES", 3)
    held = on_disk(tmp_path / "f")
    for _ in range(2):
        for place in range(0, len(DATA), 16):
            assert held[place] == DATA[place]
            assert len(held.file._pages) <= 3


def test_a_slice_that_ends_before_it_begins_is_empty(tmp_path):
    part = on_disk(tmp_path / "f")[10:20]
    for first, last in ((5, 2), (8, 8), (30, 3), (-1, -4)):
        assert (len(part[first:last]), bytes(part[first:last])) == (0, b"")
