"""Containers: what is inside a file shows in its bytes, never in its name, and inflates within limits."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import joblib
import numpy as np
import pytest

from filtviz import Limits, load
from filtviz.errors import FileAccessError, LimitError, MalformedFileError, ReadError, UnsupportedFileError
from filtviz.network import Layer, Network
from filtviz.reading import Hints, formats
from filtviz.reading.arrays import parameter_of, stored
from filtviz.reading.opened import Objects, Opened, origin_of
from filtviz.reading.stretch import view_of
from tests.reading.making import Thing, dumps, weights

W, B = weights(8, 3, 5, 5), weights(8)


def old_joblib(data: bytes) -> bytes:
    return b"ZF" + f"{len(data):#x}".ljust(19).encode() + zlib.compress(data)


def in_zip(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("some/model.bin", data)
    return buffer.getvalue()


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("wrap", "container"),
    [
        (lambda data: data, "pickle"),
        (gzip.compress, "gzip > pickle"),
        (bz2.compress, "bz2 > pickle"),
        (lzma.compress, "xz > pickle"),
        (lambda data: lzma.compress(data, lzma.FORMAT_ALONE), "lzma > pickle"),
        (zlib.compress, "zlib > pickle"),
        (old_joblib, "joblib's old zlib > pickle"),
        (lambda data: gzip.compress(bz2.compress(data)), "gzip > bz2 > pickle"),
        (lambda data: gzip.compress(data[:50]) + gzip.compress(data[50:]), "gzip > pickle"),
        (lambda data: gzip.compress(data) + b"\0" * 20, "gzip > pickle"),
        (in_zip, "zip > pickle"),
        (lambda data: gzip.compress(in_zip(data)), "gzip > zip > pickle"),
    ],
)
@pytest.mark.parametrize("name", ["model.pkl", "model.npz", "model.gz", "model"])
def test_compressions_are_undone_whatever_the_name(tmp_path, wrap, container, name):
    path = tmp_path / name
    path.write_bytes(wrap(dumps([W, B])))
    network = load(path)
    assert network.origin.container == container
    assert np.array_equal(network.conv_layers[0].W, W)
    assert np.array_equal(network.conv_layers[0].b, B)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, zlib.compress, in_zip])
def test_what_inflates_too_much_is_stopped(tmp_path, compress):
    path = tmp_path / "bomb"
    path.write_bytes(compress(b"\0" * 1_200_000))
    with pytest.raises(LimitError, match="raise --max-inflated") as caught:
        load(path, limits=Limits(inflated=1_000_000))
    assert str(path) in str(caught.value)


def test_compressions_in_one_another_are_counted(tmp_path):
    data = dumps([W])
    for _ in range(5):
        data = gzip.compress(data)
    path = tmp_path / "model"
    path.write_bytes(data)
    with pytest.raises(LimitError, match="5 compressions lie in one another"):
        load(path)
    assert len(load(path, limits=Limits(nesting=5)).conv_layers) == 1


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_stream_that_is_cut_short_is_malformed(tmp_path, compress):
    path = tmp_path / "model"
    path.write_bytes(compress(os.urandom(100_000))[:50_000])
    with pytest.raises(MalformedFileError, match="stream is damaged or cut short"):
        load(path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_npz_is_in_the_order_of_its_numbers(tmp_path, save):
    values = [weights(8, 3, 5, 5), weights(8)] + [weights(8, 8, 3, 3, seed=i) for i in range(10)]
    path = tmp_path / "model"
    save(path, *values)
    network = load(f"{path}.npz")
    found = [parameter.value for layer in network.layers for parameter in layer.parameters]
    assert [np.array_equal(a, b) for a, b in zip(found, values, strict=True)] == [True] * 12
    assert network.conv_layers[1].weights.source == "arr_2"
    assert network.origin.container == ("npz (stored)" if save is np.savez else "npz (deflated)")


def test_a_stored_member_is_a_view_and_a_pickled_one_is_read_by_the_machine(tmp_path):
    path = tmp_path / "model.npz"
    values = np.empty(2, object)
    values[:] = [W, B]
    np.savez(path, values)
    network = load(path)
    assert np.array_equal(network.conv_layers[0].W, W)
    assert network.conv_layers[0].weights.source == "arr_0/0"
    np.save(tmp_path / "one.npy", W)
    assert np.array_equal(load(tmp_path / "one.npy").conv_layers[0].W, W)
    np.save(tmp_path / "many.npy", values)
    assert np.array_equal(load(tmp_path / "many.npy").conv_layers[0].W, W)


def npy(shape: str, data: bytes, descr: str = "<f4", version: int = 1) -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode() + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + data


@pytest.mark.cases("all")
@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("shape", ["(8, 3, 5, 5)", "(8L, 3L, 5L, 5L)", "(8,3,5,5,)"])
def test_headers_of_npy_files(tmp_path, shape, version):
    path = tmp_path / "x"
    path.write_bytes(npy(shape, W.tobytes(), version=version))
    assert np.array_equal(load(path).conv_layers[0].W, W)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "data",
    [
        npy("(8, 3, 5, 6)", W.tobytes()),
        npy("(99999999999999999999,)", b""),
        npy("(-1, 2)", b""),
        npy("__import__('os').system('x')", b""),
        npy("(8, 3, 5, 5)", W.tobytes(), version=4),
        b"\x93NUMPY\x01\x00\xff\xff",
        b"\x93NUMPY",
    ],
)
def test_a_header_that_cannot_be_is_malformed(tmp_path, data):
    path = tmp_path / "x.npy"
    path.write_bytes(data)
    with pytest.raises(MalformedFileError):
        load(path)


def test_paths_in_a_zip_are_only_names(tmp_path):
    path = tmp_path / "in" / "model.npz"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as file:
        for name in ("../../evil", "/etc/passwd", "C:\\x", "a/../../b"):
            file.writestr(f"{name}.npy", npy("(8, 3, 5, 5)", W.tobytes()))
    network = load(path)
    assert len(network.conv_layers) == 4
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["in", "model.npz"]


@pytest.mark.parametrize("length", [1, 300, 0xFFFF])
def test_a_zip_may_end_in_a_comment_of_any_length(tmp_path, length):
    path = tmp_path / "model.npz"
    np.savez(path, W, B)
    with zipfile.ZipFile(path, "a") as file:
        file.comment = b"c" * length
    assert np.array_equal(load(path).conv_layers[0].W, W)


@pytest.mark.parametrize(("is_utf8", "coding"), [(True, "utf-8"), (False, "cp437")])
def test_names_in_a_zip_are_in_the_coding_that_it_tells(tmp_path, is_utf8, coding):
    """A name that is no ASCII: bit 11 of a member's flags, in both of its headers, says how it is written."""
    path = tmp_path / "model.npz"
    name = "größe.W.npy".encode(coding)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x" * len(name), npy("(8, 3, 5, 5)", W.tobytes()))
    data = bytearray(path.read_bytes().replace(b"x" * len(name), name))
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(header) + flags + 1] = 8 * is_utf8
    path.write_bytes(data)
    assert [one.name for one in load(path).conv_layers] == ["größe"]


def test_a_zip_that_lies_about_sizes_is_malformed(tmp_path):
    path = tmp_path / "model.npz"
    np.savez(path, W)
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 20 : entry + 24] = struct.pack("<I", 1 << 30)
    path.write_bytes(data)
    with pytest.raises(MalformedFileError, match="zip that is damaged"):
        load(path)


def test_members_of_a_zip_are_counted(tmp_path):
    path = tmp_path / "model.npz"
    np.savez(path, *[W] * 20)
    with pytest.raises(LimitError, match="raise --max-members"):
        load(path, limits=Limits(members=10))


@pytest.mark.cases("all")
@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)])
def test_joblib_keeps_arrays_behind_the_objects(tmp_path, compress):
    path = tmp_path / "model"
    strange = [
        W,
        B,
        np.asfortranarray(weights(4, 8, 3, 3)),
        np.array(["a", None], object),
        weights(4, dtype=">f8"),
    ]
    joblib.dump(strange, path, compress=compress)
    network = load(path)
    found = [parameter.value for layer in network.layers for parameter in layer.parameters]
    wanted = [strange[0], strange[1], strange[2], strange[4]]
    assert [np.array_equal(a, b) for a, b in zip(found, wanted, strict=True)] == [True] * 4


def old_joblib_file(folder: Path, sibling: str) -> Path:
    path = folder / "model"
    stub = Thing("joblib.numpy_pickle.NDArrayWrapper", filename=sibling, subclass=None)
    path.write_bytes(dumps([stub]))
    return path


def test_old_joblib_keeps_arrays_beside(tmp_path):
    np.save(tmp_path / "model_01.npy", W)
    assert np.array_equal(load(old_joblib_file(tmp_path, "model_01.npy")).conv_layers[0].W, W)


def test_old_joblib_keeps_compressed_arrays_beside_without_their_header(tmp_path):
    state = (1, W.shape, W.dtype, False)
    stub = Thing(
        "joblib.numpy_pickle.ZNDArrayWrapper", filename="model_01.npy.z", init_args=None, state=state
    )
    (tmp_path / "model").write_bytes(old_joblib(dumps([stub])))
    (tmp_path / "model_01.npy.z").write_bytes(old_joblib(W.tobytes()))
    assert np.array_equal(load(tmp_path / "model").conv_layers[0].W, W)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "name",
    [
        "../secret.npy",
        "/etc/passwd",
        "a/b.npy",
        "..",
        ".",
        "",
        "a\\b.npy",
        "C:x.npy",
        "a\0b",
        "a\nb",
        "x" * 300,
    ],
)
def test_a_sibling_is_only_ever_a_plain_name(tmp_path, name):
    np.save(tmp_path / "secret.npy", W)
    (tmp_path / "in").mkdir()
    with pytest.raises(MalformedFileError, match="no plain file name"):
        load(old_joblib_file(tmp_path / "in", name))


def test_a_sibling_that_is_a_link_or_a_folder_is_not_followed(tmp_path):
    np.save(tmp_path / "secret.npy", W)
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "link.npy").symlink_to(tmp_path / "secret.npy")
    (inside / "folder.npy").mkdir()
    with pytest.raises(FileAccessError, match="is a link"):
        load(old_joblib_file(inside, "link.npy"))
    with pytest.raises(FileAccessError, match="folder"):
        load(old_joblib_file(inside, "folder.npy"))


def test_what_is_no_file_is_told(tmp_path):
    with pytest.raises(FileAccessError, match=r"missing\.pkl: there is no such file"):
        load(tmp_path / "missing.pkl")
    with pytest.raises(
        FileAccessError, match="it is a folder without a file that may be a model; name the model file"
    ):
        load(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileAccessError, match="it is not a regular file"):
        load(tmp_path / "pipe")


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "it is empty"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 50, "it is an HDF5 file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "it is a Git LFS pointer"),
        (b"<!DOCTYPE html>\n<html>", "it is a web page, not a model"),
        (b'{"a": 1}', "it is a JSON file"),
        (b"\0" * 100, "it holds nothing but zeros"),
        (b"\x04\x22\x4d\x18abc", "it is compressed with LZ4"),
        (b"PK\x05\x06" + b"\0" * 18, "it is an empty zip"),
        (b"\0" * 257 + b"ustar" + b"\0" * 100, "it is a tar archive"),
        (b"404: Not Found", "it is a web server's message"),
        (b'"""Train."""\nimport lasagne\n', "it is a program's source"),
        (b"\x80\x02clasagne".decode("latin-1").encode(), "as if it were text (UTF-8)"),
        (b"\x08\x03\x12\x07pytorch\x1a\x031.1", "it looks like an ONNX model, but is damaged"),
        (b"\0\0\x06\x08\x01\x1a\x02\x08\x01", "it looks like the index of a TensorFlow checkpoint"),
        (b"\n\x1e\n\x05input\x12\x0bPlaceholder", "as models of Caffe, TensorFlow and CNTK are"),
        (b"\n\x09CaffeNet2\x05dataB\x08", "as models of Caffe, TensorFlow and CNTK are"),
        (b"B\0C\0N\0\0\0B\0V\0", "it is a CNTK model"),
        (b"\x08\x01\x12\x91\x05\n\x06inputs\x12\x06\x08\x01", "it looks like a CNTK model"),
        (b"\x08\x04\x12\x13\n\x11\n\x05image\x1a\x08", "it looks like a Core ML model"),
        (b"MATLAB 7.3 MAT-file", "it is a MATLAB file"),
        (b"~~~~", "it is no kind of file that filtviz knows (it begins with b'~~~~'); name a pickle"),
        (dumps({"a": 1}), "it holds no layers and no weights; name the file in which the model"),
        (dumps([weights(3)]), "it holds one array of shape (3,)"),
        (dumps([Thing("mod.Cls")]), "the classes and functions in it are mod.Cls"),
    ],
)
def test_a_file_that_is_no_model_is_named(tmp_path, data, sentence):
    path = tmp_path / "thing.pkl"
    path.write_bytes(data)
    with pytest.raises(UnsupportedFileError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: it ")
    assert sentence in str(caught.value)
    assert caught.value.path == path


def test_no_pickle_is_read_before_a_format_asks_for_objects(tmp_path):
    path = tmp_path / "model"
    path.write_bytes(gzip.compress(dumps([W, B])))
    opened = Opened.of(path, Limits(), Hints())
    assert (opened.around, opened.members, opened.start[:1]) == (("gzip",), None, b"\x80")
    assert opened.steps.used == 0
    assert [len(root) for root in opened.roots] == [2]
    assert opened.steps.used > 0
    np.savez(path.with_suffix(".npz"), np.array([W, None], object), B)
    opened = Opened.of(path.with_suffix(".npz"), Limits(), Hints())
    assert [member.name for member in opened.members or ()] == ["arr_0.npy", "arr_1.npy"]
    assert opened.is_npz
    assert opened.steps.used == 0
    assert list(opened.roots[0].by_name()) == ["arr_0", "arr_1"]
    assert opened.steps.used > 0


class Letters:
    """A kind of file that no one has: the word LETTERS, and then an array of bytes."""

    def open(self, opened: Opened) -> Network | None:
        if not opened.start.startswith(b"LETTERS"):
            return None
        view = view_of(opened.data)[7:]
        array = stored((len(view),), np.dtype("u1"), False, len(view), lambda: view)
        layer = Layer(type="Letters", parameters=(parameter_of("W", array, "W"),))
        return Network.of([layer], origin_of(opened, "letters", objects=Objects(form="letters")))


def test_a_new_kind_of_file_is_one_entry_and_is_asked_before_anything_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "model"
    path.write_bytes(bz2.compress(b"LETTERSabc"))
    with pytest.raises(MalformedFileError, match="no kind of file that filtviz knows"):
        load(path)
    monkeypatch.setitem(sys.modules, "filtviz.reading.formats.letters", Letters())
    monkeypatch.setattr(formats, "FORMATS", {"letters": (), **formats.FORMATS})
    network = load(path)
    assert network.layers[0].parameters[0].value.tobytes() == b"abc"
    assert (network.origin.kind, network.origin.container) == ("letters", "bz2 > letters")
    path.write_bytes(dumps([W, B]))
    assert np.array_equal(load(path).conv_layers[0].W, W)


def test_zips_of_others_are_named(tmp_path):
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.txt", b"a")
        file.writestr("b.txt", b"b")
    with pytest.raises(UnsupportedFileError, match="it is a zip without arrays"):
        load(path)
    with zipfile.ZipFile(tmp_path / "dl4j.zip", "w") as file:
        file.writestr("configuration.json", b"{}")
        file.writestr("coefficients.bin", b"b")
    with pytest.raises(UnsupportedFileError, match="it is a model of Deeplearning4j; write the arrays"):
        load(tmp_path / "dl4j.zip")
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("hand.tflite", b"b")
    with pytest.raises(UnsupportedFileError, match=r"several files, hand.tflite among them; unpack it"):
        load(path)


def test_an_error_of_a_weight_that_is_read_later_names_the_file_too(tmp_path):
    path = tmp_path / "model.npz"
    np.savez_compressed(path, np.zeros((80, 30, 30, 30), "f4"))
    network = load(path, limits=Limits(inflated=1_000_000))
    with pytest.raises(LimitError, match=r"model\.npz: its compressed parts inflate to"):
        _ = network.conv_layers[0].W


def test_the_name_of_the_file_is_made_printable(tmp_path):
    with pytest.raises(FileAccessError) as caught:
        load(tmp_path / "a\x1b[31m\n.pkl")
    assert "\x1b" not in str(caught.value)
    assert "a\\x1b[31m\\n.pkl" in str(caught.value)


@pytest.mark.cases("all")
@pytest.mark.parametrize("bad", [{"opcodes": 0}, {"memo": -1}, {"members": 2.5}, {"nesting": True}])
def test_limits_check_themselves(bad):
    with pytest.raises(ValueError, match="must be a whole number above zero"):
        Limits(**bad)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("model.ckpt-2.data-00000-of-00001", "name the .index file"),
        ("model.ckpt-2.meta", "name the .index file"),
        ("deploy.prototxt", "name the .caffemodel file"),
        ("net_iter_9.solverstate", "name the .caffemodel file"),
        ("mean.binaryproto", "name the .caffemodel file"),
        ("model.dat", "no kind of file that filtviz knows"),
    ],
)
def test_the_end_of_a_name_tells_parts_of_which_nothing_else_is_known(tmp_path, name, says):
    path = tmp_path / name
    path.write_bytes(b"\xbd\x9f:?\x98;")
    with pytest.raises(ReadError, match=says):
        load(path)


def test_a_part_of_an_orbax_checkpoint_is_named(tmp_path):
    (tmp_path / "manifest.ocdbt").write_bytes(b"\x0c\xdb:*q\0\0\0")
    with pytest.raises(UnsupportedFileError, match="Orbax"):
        load(tmp_path / "manifest.ocdbt")


@pytest.mark.parametrize("flags", [1, 1 | 8, 1 | 0x800])
def test_a_zip_with_a_password_is_named(tmp_path, flags):
    data = bytearray(in_zip(b"some bytes"))
    own, listed = data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8
    for place in (own, listed):
        struct.pack_into("<H", data, place, flags)
    (tmp_path / "m").write_bytes(data)
    with pytest.raises(UnsupportedFileError, match="a zip with a password; unpack it"):
        load(tmp_path / "m")


def test_a_zip_is_told_from_one_that_has_what_no_zip_has(tmp_path):
    whole = in_zip(b"some bytes")
    end = whole.index(b"PK\x05\x06")
    for place, number, sentence in (
        (end + 16, 1 << 20, "damaged or cut short"),  # a directory beyond its end
        (end + 12, 1, "damaged or cut short"),
        (whole.index(b"PK\x01\x02") + 20, 1 << 20, "damaged or cut short|overlap"),
        (whole.index(b"PK\x01\x02") + 24, 7, "says two different things"),
    ):
        data = bytearray(whole)
        struct.pack_into("<I", data, place, number)
        (tmp_path / "m").write_bytes(data)
        with pytest.raises(ReadError, match=sentence):
            load(tmp_path / "m")
    (tmp_path / "m").write_bytes(whole[: end + 20] + struct.pack("<H", 60_000) + b"c" * 60_000)
    with pytest.raises(ReadError, match="name a pickle"):
        load(tmp_path / "m")


def test_a_model_beside_a_folder_of_another_kind_is_found(tmp_path):
    np.savez(tmp_path / "m.npz", W, B)
    inner = tmp_path / "inner"
    inner.mkdir()
    for mark in ("Manifest.json", "__model__", "model.mlmodel"):
        (inner / mark).write_text("{}")
    assert len(load(tmp_path).conv_layers) == 1
