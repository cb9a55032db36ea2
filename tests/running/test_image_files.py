"""Images out of a stranger's files: what they may ask for, and what is never opened."""

from __future__ import annotations

import os
import pickle
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

import filtviz
from filtviz.budget import Budget
from filtviz.errors import FiltvizError, RunningError
from filtviz.network import Network
from filtviz.running import images, preparing
from filtviz.running.images import check_effort
from filtviz.running.preparing import Preparation, read_labels, read_pictures, size_of
from tests.attacks.image_files import TO_SHOW, header, png
from tests.attacks.working import alone
from tests.building import image


@pytest.fixture
def network(tmp_path: Path) -> filtviz.Network:
    (tmp_path / "model.pkl").write_bytes(alone(8, 1, 3, 3))
    return filtviz.load(tmp_path / "model.pkl")


REFUSED = {
    "a picture of eighty million pixels": "too many for its size",
    "a picture of two billion pixels": "too many pixels",
    "a picture in one strip": "too many for its size",
    "a picture with a long text": "it is no picture that can be read",
    "a picture in a tile of its own size": "too many for its size",
    "a picture of numbers and comments": "numbers with 450,000 comments",
    "an npz of images by the million": "too many for its size",
    "a program in PostScript": "it is no picture that can be read",
    "an npz of five hundred million numbers": "too many for its size",
    "a JPEG of thousands of passes": "goes through its 16,000,000 pixels",
    "pictures of sixteen million pixels by the hundred": "pixels, too many for their size",
    "npz of sixteen million numbers by the dozen": "numbers, too many for their size",
    "an npz of very many members": "no array called images",
    "an npy that is not there": "holds no arrays of numbers",
    "an npy of no numbers": "holds NaN or infinity",
}
SLOW = {
    "a picture of two billion pixels",
    "a picture in a tile of its own size",
    "an npz of five hundred million numbers",
}


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
    monkeypatch.setattr(images, "MOST_NUMBERS", 64 * 64)
    monkeypatch.setattr(images, "TIMES", 1)
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


def tiled(cols: int, rows: int, *more: tuple[int, int], order: str = "<", kind: int = 4) -> bytes:
    """A picture of eight by eight greys in a tile of its own size."""
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8)
    facts = ((256, 8), (257, 8), (258, 8), (259, 1), (262, 1), (277, 1), (322, cols), (323, rows), *more)
    entries = [(tag, 3 if tag < 300 else kind, value) for tag, value in facts] + [(324, 4, 0), (325, 4, 0)]
    first = 8 + 2 + 12 * len(entries) + 4
    values = {324: first, 325: min(cols * rows, 1 << 31)}
    made = head + struct.pack(order + "H", len(entries))
    for tag, code, value in entries:
        told = values.get(tag, value)
        made += struct.pack(order + "HHI", tag, code, 1)
        made += struct.pack(order + ("H2x" if code == 3 else "I"), told)
    return made + bytes(4) + bytes(min(cols * rows, 4096))


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiles_larger_than_the_picture_are_counted_as_what_they_are(network, tmp_path, order):
    (tmp_path / "a.tif").write_bytes(tiled(16, 16, order=order))
    assert len(read_pictures([tmp_path / "a.tif"], network)) == 1
    for data in (tiled(40_000, 40_000, order=order), tiled(16, 1 << 28, order=order)):
        (tmp_path / "a.tif").write_bytes(data)
        with pytest.raises(RunningError, match=r"a\.tif has [\d,]+ bytes and holds [\d,]+ numbers, too"):
            read_pictures([tmp_path / "a.tif"], network)
    for data in (tiled(16, 16, (322, 40_000), order=order), tiled(16, 16, order=order, kind=11)):
        (tmp_path / "a.tif").write_bytes(data)
        with pytest.raises(RunningError, match=r"says twice, or wrongly, how large|no picture"):
            read_pictures([tmp_path / "a.tif"], network)


def test_a_picture_of_many_comments_is_refused_and_one_of_some_is_read(network, tmp_path):
    for n, fails in ((1_000, False), (1_001, True)):
        (tmp_path / "a.pgm").write_bytes(b"P2 3 3 255\n" + b"#\n" * n + b"1 " * 9)
        if fails:
            with pytest.raises(RunningError, match="a picture of numbers with 1,001 comments"):
                read_pictures([tmp_path / "a.pgm"], network)
        else:
            assert len(read_pictures([tmp_path / "a.pgm"], network)) == 1


@pytest.mark.filterwarnings("error")
def test_what_is_odd_in_a_picture_warns_nobody(network, tmp_path):
    grey = Image.effect_noise((31, 31), 50)
    grey.convert("P").save(tmp_path / "a.png", transparency=bytes(range(200)))
    grey.save(tmp_path / "b.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff")
    grey.save(tmp_path / "c.tif", tiffinfo=TiffImagePlugin.ImageFileDirectory_v2())
    assert len(read_pictures([tmp_path], network)) == 3


@pytest.mark.skipif(os.name != "posix", reason="needs files with holes")
def test_a_file_that_is_too_large_is_not_read(network, tmp_path):
    for name, read in (("a.png", lambda path: read_pictures([path], network)), ("a.txt", read_labels)):
        (tmp_path / name).touch()
        os.truncate(tmp_path / name, 1 << 36)
        with pytest.raises(
            RunningError, match=r"it has 68,719,476,736 bytes, and [\d,]+ are read at the most"
        ):
            read(tmp_path / name)


def test_images_by_the_million_are_too_many_for_a_small_file(network, tmp_path):
    np.savez_compressed(tmp_path / "a.npz", images=np.zeros((70_000, 1, 8, 8), np.uint8)[:, :, :1, :1])
    with pytest.raises(RunningError, match=r"holds 17,920,000 numbers, too many for its size"):
        read_pictures([tmp_path / "a.npz"], network)
    np.savez_compressed(tmp_path / "a.npz", images=np.zeros((7_000, 1, 1, 1), np.uint8))
    assert len(read_pictures([tmp_path / "a.npz"], network)) == 7_000


def test_what_small_files_of_images_ask_for_is_bounded_and_more_is_allowed_for_large_ones(network):
    def allowed(n_bytes: int | None) -> int:
        account = Budget(work=1_000_000, image_bytes=n_bytes).account(network)
        before = account.allowed["work"]
        account.widen(10**6)
        return (account.allowed["work"] - before) // 1_000_000

    assert allowed(0) == 13
    assert allowed(1_000) == 43
    assert allowed(10**8) == 10**6  # as many as are given
    assert allowed(None) == 10**6


def test_the_size_of_images_is_that_of_their_files(tmp_path):
    (tmp_path / "a.png").write_bytes(bytes(7))
    (tmp_path / "b.npy").write_bytes(bytes(5))
    (tmp_path / "c.txt").write_bytes(bytes(3))
    assert size_of(tmp_path) == size_of([str(tmp_path)]) == 12
    assert size_of([tmp_path / "a.png", tmp_path / "none.png"]) == 0
    assert size_of(np.zeros((1, 1, 3, 3))) is None


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiles_of_a_bigtiff_are_counted_too(order):
    def big(cols: int, rows: int) -> bytes:
        entries = [(256, 8), (257, 8), (322, cols), (323, rows)]
        made = {"<": b"II+\0", ">": b"MM\0+"}[order] + struct.pack(order + "HHQ", 8, 0, 16)
        made += struct.pack(order + "Q", len(entries))
        for tag, value in entries:
            made += struct.pack(order + "HHQQ", tag, 16, 1, value)
        return made + bytes(8)

    picture = Image.new("L", (20, 8))
    assert check_effort("a.tif", big(16, 16), picture) == 32 * 16  # two of them across
    with pytest.raises(RunningError, match="too many for its size"):
        check_effort("a.tif", big(40_000, 40_000), picture)
    with pytest.raises(RunningError, match="says twice, or wrongly"):
        check_effort("a.tif", big(0, 16), picture)


@pytest.mark.parametrize("kind", [b"P1", b"P2", b"P3"])
def test_comments_are_counted_in_every_picture_of_numbers(kind):
    picture = Image.new("L", (3, 3))
    assert check_effort("a.pgm", kind + b"\n" + b"#\n" * 1000, picture) == 9
    with pytest.raises(RunningError, match="1,001 comments"):
        check_effort("a.pgm", kind + b"\n" + b"#\n" * 1001, picture)


def test_a_result_of_filtviz_is_shown_where_it_is_named_and_not_where_its_folder_is(network, tmp_path):
    folder = tmp_path / "seen"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        Image.new("L", (3, 3)).save(folder / name)
    with (folder / "a.png").open("ab") as stream:
        stream.write(b"filtviz-models %s:%s" % (b"0" * 10, b"1" * 10))
    assert read_pictures([folder / "a.png"], network).names == ("a.png",)
    found = read_pictures([folder], network)
    assert found.names == ("b.png",)
    assert found.sentences[1] == "a.png is no image but what filtviz wrote: not shown"
    assert len(read_pictures([folder, folder / "a.png"], network)) == 2
    (tmp_path / "none").mkdir()
    with pytest.raises(RunningError, match=r"none holds no picture$"):
        read_pictures([folder, tmp_path / "none"], network)
    (folder / "b.png").unlink()
    with pytest.raises(
        RunningError, match="seen holds no picture but results of filtviz: name the files that"
    ):
        read_pictures([folder], network)


def test_pictures_may_be_as_many_as_they_are_where_their_size_is_said(network, tmp_path, monkeypatch):
    monkeypatch.setattr(preparing, "MOST_NUMBERS", 100)
    monkeypatch.setattr(preparing, "KEPT_A_FILE", 10)
    Image.new("L", (99, 99)).save(tmp_path / "a.png")
    own = Network.of([image(1, 99, 99)])
    assert len(read_pictures([tmp_path / "a.png"], own, Preparation(size=(99, 99)))) == 1
    for how in (None, Preparation(), Preparation(mean=(0.5,))):
        with pytest.raises(RunningError, match="become 9,801 numbers"):
            read_pictures([tmp_path / "a.png"], own, how)


def test_what_pillow_warns_of_is_too_large(network, tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 8)
    for n in (2, 3):
        Image.new("L", (n, n)).save(tmp_path / f"{n}.png")
    assert len(read_pictures([tmp_path / "2.png"], network)) == 1
    with pytest.raises(RunningError, match=r"3\.png has too many pixels: give a smaller picture"):
        read_pictures([tmp_path / "3.png"], network)


def test_arrays_may_hold_as_much_as_their_files_are_large(network, tmp_path, monkeypatch):
    monkeypatch.setattr(preparing, "MOST_NUMBERS", 0)
    monkeypatch.setattr(preparing, "KEPT_A_FILE", 0)
    np.save(tmp_path / "a.npy", np.zeros((1, 1, 200, 200)))
    assert len(read_pictures([tmp_path / "a.npy"], network)) == 1
    np.savez_compressed(tmp_path / "a.npz", images=np.zeros((1, 1, 200, 200)))
    with pytest.raises(RunningError, match="become 40,000 numbers"):
        read_pictures([tmp_path / "a.npz"], network)
