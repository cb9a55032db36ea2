"""Images out of a stranger's files: what they may ask for, and what is never opened."""

from __future__ import annotations

import os
import pickle
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import filtviz
from filtviz.errors import FiltvizError, RunningError
from filtviz.running import images, preparing
from filtviz.running.preparing import read_labels, read_pictures
from tests.attacks.image_files import TO_SHOW, header, png
from tests.attacks.working import alone


@pytest.fixture
def network(tmp_path: Path) -> filtviz.Network:
    (tmp_path / "model.pkl").write_bytes(alone(8, 1, 3, 3))
    return filtviz.load(tmp_path / "model.pkl")


REFUSED = {
    "a picture of eighty million pixels": "too many for its size",
    "a picture of two billion pixels": "too many pixels",
    "a picture in one strip": "too many for its size",
    "a picture with a long text": "it is no picture that can be read",
    "a program in PostScript": "it is no picture that can be read",
    "an npz of five hundred million numbers": "too many for its size",
    "a JPEG of thousands of passes": "goes through its 16,000,000 pixels",
    "pictures of sixteen million pixels by the hundred": "pixels, too many for their size",
    "npz of sixteen million numbers by the dozen": "numbers, too many for their size",
    "an npz of very many members": "no array called images",
    "an npy that is not there": "holds no arrays of numbers",
    "an npy of no numbers": "holds NaN or infinity",
}
SLOW = {"a picture of two billion pixels", "an npz of five hundred million numbers"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "what", [pytest.param(w, marks=[pytest.mark.slow] if w in SLOW else []) for w in TO_SHOW]
)
def test_images_that_ask_for_too_much_are_one_sentence_and_others_are_read(network, tmp_path, what):
    for name, data in TO_SHOW[what]().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    if what in REFUSED:
        with pytest.raises(RunningError, match=REFUSED[what]) as caught:
            read_pictures([tmp_path / "images"], network)
        assert "\n" not in str(caught.value)
    else:
        assert len(read_pictures([tmp_path / "images"], network)) >= 1


def test_pictures_that_stand_for_much_are_counted_together(network, tmp_path, monkeypatch):
    monkeypatch.setattr(preparing, "MOST_DECODED", 64 * 64)
    monkeypatch.setattr(preparing, "DECODED_A_FILE", 0)
    for n in range(40):
        (tmp_path / f"{n}.png").write_bytes(png(64, 64))
    few = [tmp_path / f"{n}.png" for n in range(2)]
    assert len(read_pictures(few, network)) == 2
    monkeypatch.setattr(preparing, "DECODED_A_BYTE", 16)
    with pytest.raises(RunningError, match=r"bytes have [\d,]+ pixels, too many") as caught:
        read_pictures([tmp_path], network)
    assert "\n" not in str(caught.value)


def test_numbers_that_are_kept_are_counted_together(network, tmp_path, monkeypatch):
    monkeypatch.setattr(preparing, "MOST_NUMBERS", 64 * 64)
    monkeypatch.setattr(preparing, "KEPT_A_FILE", 10)
    for n in range(9):
        (tmp_path / f"{n}.png").write_bytes(png(8, 8))
    with pytest.raises(RunningError, match=r"2 files of \d+ bytes become 8,192 numbers, too many for"):
        read_pictures([tmp_path], network)
    assert len(read_pictures([tmp_path / "0.png"], network)) == 1
    sized = preparing.Preparation(size=(64, 64))
    assert len(read_pictures([tmp_path], network, sized)) == 9


def test_a_jpeg_goes_through_its_pixels_a_few_times_only(network, tmp_path, monkeypatch):
    monkeypatch.setattr(preparing, "MOST_NUMBERS", 64 * 64)
    monkeypatch.setattr(preparing, "TIMES", 1)
    path = tmp_path / "a.jpg"
    Image.effect_noise((64, 64), 50).save(path, progressive=True, quality=1)
    assert len(read_pictures([path], network)) == 1
    data = path.read_bytes()
    scan = data[data.rindex(b"\xff\xda") : -2]
    path.write_bytes(data[:-2] + scan * 400 + data[-2:])
    with pytest.raises(RunningError, match=r"a\.jpg goes through its 4,096 pixels 40\d times: save it anew"):
        read_pictures([path], network)


def test_numbers_are_counted_before_they_are_read(network, tmp_path, monkeypatch):
    monkeypatch.setattr(images, "MOST_NUMBERS", 64 * 64)
    read = []
    kept = images.StoredArray.read
    monkeypatch.setattr(images.StoredArray, "read", lambda self: read.append(self.shape) or kept(self))
    np.savez_compressed(
        tmp_path / "a.npz", images=np.zeros((1, 1, 64, 64), np.uint8), other=np.zeros((99, 99))
    )
    assert len(read_pictures([tmp_path / "a.npz"], network)) == 1
    assert read == [(1, 1, 64, 64)]  # and nothing beside it
    np.savez_compressed(tmp_path / "a.npz", images=np.zeros((2, 1, 64, 64), np.uint8))
    with pytest.raises(RunningError, match=r"a\.npz has [\d,]+ bytes and holds 8,192 numbers"):
        read_pictures([tmp_path / "a.npz"], network)
    np.savez(tmp_path / "a.npz", images=np.zeros((2, 1, 64, 64), np.uint8))  # as many bytes as numbers
    assert len(read_pictures([tmp_path / "a.npz"], network)) == 2


def test_a_size_that_only_the_file_asks_for_is_bounded(network, tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(png(32, 32))
    assert read_pictures([tmp_path / "a.png"], network).images.shape == (1, 1, 64, 64)
    monkeypatch.setattr(preparing, "LARGEST", 64 * 64 - 1)
    with pytest.raises(
        RunningError, match=r"takes images of 64x64 pixels: if that is meant, give --size 64x64"
    ):
        read_pictures([tmp_path / "a.png"], network)
    asked = preparing.Preparation(size=(64, 64))
    assert read_pictures([tmp_path / "a.png"], network, asked).images.shape == (1, 1, 64, 64)


def test_no_program_is_started_for_a_picture(network, tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
    )

    def refuse(*_, **__):
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(os, "system", refuse)
    with pytest.raises(RunningError, match="it is no picture that can be read"):
        read_pictures([tmp_path / "a.png"], network)


class Evil:
    def __reduce__(self):
        return os.system, ("touch executed",)


def test_objects_in_arrays_are_not_made(network, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    for name, data in (("a.npy", Path("a.npy").read_bytes()), ("b.npy", pickle.dumps(Evil()))):
        Path(name).write_bytes(data)
        with pytest.raises(FiltvizError):
            read_pictures([name], network)
    assert not Path("executed").exists()


@pytest.mark.skipif(os.name != "posix", reason="needs pipes")
@pytest.mark.parametrize("name", ["a.png", "a.npy"])
def test_pipes_and_devices_are_not_waited_for(network, tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(RunningError, match="not a regular file"):
        read_pictures([tmp_path / name], network)
    with pytest.raises(RunningError, match="not a regular file"):
        read_labels(tmp_path / name)
    with pytest.raises(RunningError, match="not a regular file"):
        read_labels("/dev/zero")


@pytest.mark.parametrize("shape", [(-1, 1, 8, 8), (1 << 70, 1), (10**9, 10**9)])
def test_shapes_that_cannot_be_are_one_sentence(network, tmp_path, shape):
    (tmp_path / "a.npy").write_bytes(header(shape) + bytes(64))
    with pytest.raises(RunningError, match="holds no"):
        read_pictures([tmp_path / "a.npy"], network)


def test_a_picture_that_is_cut_is_one_sentence(network, tmp_path):
    Image.effect_noise((64, 64), 50).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    for stop in (0, 7, 20, 33, 60, len(whole) // 2):
        (tmp_path / "a.png").write_bytes(whole[:stop])
        with pytest.raises(RunningError, match=r"a\.png: it is no picture that can be read"):
            read_pictures([tmp_path / "a.png"], network)
    wrong = whole[:16] + struct.pack(">II", 0, 0) + whole[24:]
    (tmp_path / "a.png").write_bytes(wrong)
    with pytest.raises(RunningError):
        read_pictures([tmp_path / "a.png"], network)
