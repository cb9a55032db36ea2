"""The last kind: files that filtviz recognises and does not read, each with what the person can do.

To tell one more: one row in the table of how it is recognised (`_BEGINNINGS`, `_LOOKS`, `_TEXTS`, `_ZIPS`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path, PurePath
from typing import NoReturn

from filtviz.errors import MalformedFileError, ReadError, UnknownFileError, UnsupportedFileError
from filtviz.reading.folders import MOST_ENTRIES
from filtviz.reading.formats import MODEL_SUFFIXES
from filtviz.reading.opened import Opened
from filtviz.text import listed, natural_key, printable

__all__ = ["FOLDERS", "folder_sentence", "open", "sentence_of_inner"]

_SAVE_AGAIN = "load it with its own library and save the arrays with numpy.savez"
_SAVED = "save its arrays with numpy.savez, and name that file"
_UNPACK = "unpack it and name the model file in it"

_BEGINNINGS = (
    (
        (b"\xc2\x80", b"\xef\xbf\xbd", b"\x1f\xef\xbf\xbd", b"\x1f\xc2\x8b"),
        "it was changed on its way, as if it were text (UTF-8); copy or download it again, as binary",
    ),
    (b"MATLAB 5.0 MAT-file", f"it is a MATLAB file; load it with scipy.io.loadmat, {_SAVED}"),
    (b"MATLAB 7.3 MAT-file", f"it is a MATLAB file of version 7.3; load it with h5py, {_SAVED}"),
    (b"B\0C\0N\0\0\0", f"it is a CNTK model; load it with cntk.load_model, {_SAVED}"),
    (
        b"\x04\0\0\0\x01\0\0\0\x03\0\0\0V 1",
        f"it is a Torch 7 file; load it with torchfile.load, {_SAVED}",
    ),
    (
        b"version https://git-lfs",
        "it is a Git LFS pointer, not the model; fetch the model with `git lfs pull`",
    ),
    (b"\x04\x22\x4d\x18", "it is compressed with LZ4, which filtviz does not undo; unpack it with `lz4 -d`"),
    (
        b"\x28\xb5\x2f\xfd",
        "it is compressed with Zstandard, which filtviz does not undo; unpack it with `zstd -d`",
    ),
    (b"7z\xbc\xaf\x27\x1c", f"it is a 7z archive; {_UNPACK}"),
    (b"Rar!\x1a\x07", f"it is a RAR archive; {_UNPACK}"),
    (
        b"\x0c\xdb:*",
        "it is a part of a checkpoint of Orbax; restore it, write it with flax.serialization.to_bytes, and "
        "name that file",
    ),
    (b"PK\x05\x06", "it is an empty zip"),
    (b"\x89PNG\r\n", "it is a PNG picture, not a model"),
    (b"\xff\xd8\xff", "it is a JPEG picture, not a model"),
    (b"%PDF-", "it is a PDF, not a model"),
)
"""What a file begins with → the sentence about it."""

_FOREIGN = re.compile(
    rb"(?P<ONNX>\x08[\x01-\x20]\x12[\x01-\x40][ -~]{2})"
    rb"|(?P<checkpoint>\x00\x00[\x01-\x40]\x08[\x01-\x7f][\x12\x1a])"
    rb"|(?P<CNTK>\x08[\x01-\x0f]\x12[\x80-\xff]{0,2}[\x00-\x7f]\n[\x02-\x20][a-z_]{2})"
    rb"|(?P<CoreML>\x08[\x01-\x0f]\x12.{1,3}\n)"
    rb"|(?P<buffer>\x08\x01\x12[\x80-\xff]|\n.{0,30}?[\x01-\x08\x0e-\x1a\x80-\xff])",
    re.DOTALL,
)
"""What the first bytes of other libraries' models look like."""

_GENERAL = "a protocol buffer"

_LOOKS = {
    "checkpoint": "the index of a TensorFlow checkpoint",
    "CNTK": "a CNTK model",
    "CoreML": "a Core ML model",
    "buffer": "a protocol buffer, as models of Caffe, TensorFlow and CNTK are",
}

_WEB_PAGE = "it is a web page, not a model: the download went wrong; fetch the raw file"

_OPENVINO = "it is an OpenVINO model, which filtviz does not read; name the model from which it was converted"

_NCNN = "it is an ncnn model, of which filtviz reads neither .param nor .bin; name the original"
_TFJS = (
    "it is a TensorFlow.js model, which filtviz does not read; name the model from which it was "
    "converted, or convert it back with tensorflowjs_converter"
)

_TEXTS = (
    ((b"<!doctype html", b"<html", b"<head"), _WEB_PAGE),
    ((b'<?xml version="1.0"?>\n<net ', b'<?xml version="1.0" ?>\n<net '), _OPENVINO),
    ((b"<?xml", b"<pmml"), "it is an XML file, not a model"),
    (
        (b"404", b"not found"),
        "it is a web server's message and not a model: the download went wrong; fetch the raw file",
    ),
    ((b'{"', b'{ "', b"{\n", b'["', b"[{", b"[["), "it is a JSON file, not a model"),
    (
        (b"node {",),
        "it is a TensorFlow graph written as text; write it as binary (tf.io.write_graph with as_text=False) "
        "and name that file",
    ),
    (
        (b"model_checkpoint_path:",),
        "it is TensorFlow's list of checkpoints; name the .index file of one of them, or the folder",
    ),
    (
        (b"[net]", b"[network]"),
        "it is the configuration of a Darknet network; name the .weights file beside it",
    ),
    ((b"7767517",), _NCNN),
    ((b"import ", b"from ", b"#", b'"""'), "it is a program's source, not a model"),
)
"""What a text begins with, in small letters → the sentence about it."""

_JSON = (
    (
        (b'{"base_code":{"magic":"pir"',),
        "it is the program of a Paddle model, without weights; name the .pdiparams file beside it",
    ),
    (
        (b'{"format":"layers-model"', b'{"format":"graph-model"', b'{"modeltopology"'),
        _TFJS,
    ),
    (
        (b'{"irversion"', b'{"ir_version"'),
        "it is an ONNX model written as JSON; save it as binary with onnx.save, and name that file",
    ),
    (
        (b'{"class_name"', b'{"module":"keras'),
        "it is the configuration of a Keras model; name the file of weights beside it",
    ),
)
"""What JSON begins with, in small letters and without blanks → the sentence about it."""

_TAR_MAGIC_AT = 257

FOLDERS = (
    (
        ("manifest.ocdbt", "_METADATA", "_CHECKPOINT_METADATA"),
        "it is a checkpoint of Orbax; restore it, write it with flax.serialization.to_bytes, and "
        "name that file",
    ),
    (
        ("__0_0.distcp",),
        "it is a distributed checkpoint of PyTorch; join it with `python -m "
        "torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER model.pth`, and name that file",
    ),
    (
        ("zero_to_fp32.py",),
        "it is a checkpoint of DeepSpeed; join it with `python -m deepspeed.utils.zero_to_fp32 FOLDER "
        "OUTPUT`, and name OUTPUT",
    ),
    (
        ("model_index.json",),
        "it is a pipeline of Diffusers, of several models; name the folder of one in it, such as unet or vae",
    ),
    (
        ("Data/com.apple.CoreML",),
        "it is a Core ML package, which filtviz does not read; name the model from which it was converted",
    ),
)
"""Names in a folder, of which one tells what the folder is → the sentence about it."""

_FEW = 100
"""Folders in a folder that are looked into: a manager of Orbax's has one for each step."""


def folder_sentence(folder: Path) -> str | None:
    """Return the sentence about a folder of a kind that is not read, None where none is known.

    Args:
        folder: The folder.
    """
    found = (sentence for marks, sentence in FOLDERS if any((folder / mark).exists() for mark in marks))
    return next(found, None)


def sentence_of_inner(folder: Path) -> str | None:
    """Return the same of the first such folder that lies in a folder.

    Args:
        folder: The folder that holds them.
    """
    inner = islice(sorted(_folders_in(folder), key=natural_key), _FEW)
    return next(filter(None, (folder_sentence(folder / name) for name in inner)), None)


def _folders_in(folder: Path) -> Iterator[str]:
    with suppress(OSError), os.scandir(folder) as entries:
        yield from (one.name for one in islice(entries, MOST_ENTRIES) if one.is_dir(follow_symlinks=False))


_ZIPS = (
    (
        frozenset({"saved_model.pb"}),
        "it is a SavedModel of TensorFlow's in a zip; unpack it and name the folder",
    ),
    (
        frozenset({"coefficients.bin"}),
        "it is a model of Deeplearning4j; write the arrays of its paramTable() with Nd4j.writeAsNumpy, and "
        "name one of these files",
    ),
)
"""Names of members, of which one tells what a zip is → the sentence about it."""

_CONVERTED = {
    ".mnn": "MNN", ".engine": "TensorRT", ".plan": "TensorRT", ".trt": "TensorRT", ".rknn": "Rockchip's RKNN",
    ".om": "Huawei's CANN", ".dlc": "Qualcomm's SNPE", ".hef": "Hailo", ".tnnmodel": "TNN",
    ".tnnproto": "TNN", ".pte": "ExecuTorch", ".kmodel": "Kendryte's nncase", ".xmodel": "Vitis AI",
    ".blob": "OpenVINO",
}  # fmt: skip
"""The suffix of a file of which nothing else is known → whose model it is by its name."""

_PARTS = (
    (
        re.compile(r"\.data-\d{5}-of-\d{5}\Z"),
        "by its name it is the data of a TensorFlow checkpoint; name the .index file beside it",
    ),
    (
        re.compile(r"\.meta\Z"),
        "by its name it is the graph of a TensorFlow checkpoint, without weights; name the .index file "
        "beside it",
    ),
    (
        re.compile(r"\.prototxt\Z"),
        "by its name it is the description of a Caffe network, without weights; name the .caffemodel file",
    ),
    (
        re.compile(r"\.solverstate\Z"),
        "by its name it is the state of a Caffe solver, not the model; name the .caffemodel file",
    ),
    (
        re.compile(r"\.binaryproto\Z"),
        "by its name it is the mean of Caffe's images, not the model; name the .caffemodel file",
    ),
)
"""The end of a name, where nothing else is known of a file → the sentence about it."""

_BESIDE = (
    (re.compile(r"(?P<stem>.+)\.bin\Z"), "{stem}.xml", _OPENVINO),
    (re.compile(r"(?P<stem>.+)\.bin\Z"), "{stem}.param", _NCNN),
    (re.compile(r"(?P<stem>.+)-shard\d+of\d+(\.bin)?\Z"), "model.json", _TFJS),
)
"""A name → the file beside it that tells what it is, where a sentence is about that."""


def _of_beside(opened: Opened) -> str | None:
    """Return the sentence about numbers that a file beside them describes."""
    for name, described_by, sentence in _BESIDE:
        match = name.fullmatch(opened.path.name)
        beside = match and described_by.format(**match.groupdict())
        with suppress(ReadError):
            if beside and _of_start(bytes(opened.siblings.open(beside, as_it_is=True)[:300])) == sentence:
                what = f"it holds the weights that {printable(beside, 60)} beside it describes"
                return f"{what}: {sentence}"
    return None


_NAME_ANOTHER = "name a pickle, npz, npy or joblib file"


def open(opened: Opened) -> NoReturn:
    """Say what the file is, or that nothing is known of it.

    Raises:
        UnsupportedFileError: it is of a kind that is not read.
        UnknownFileError: it may be a damaged pickle, or anything else.
    """
    of_name = (sentence for end, sentence in _PARTS if end.search(opened.path.name))
    known = _of_start(opened.start) if opened.members is None else None
    if known is None or _GENERAL in known:
        known = _of_beside(opened) or _of_zip(opened) or next(of_name, known)
    if sentence := known:
        raise UnsupportedFileError(sentence)
    converted = _CONVERTED.get(opened.path.suffix.lower())
    if converted is not None:
        raise UnsupportedFileError(
            f"by its name it is a model of {converted}, which filtviz does not read; name the model from "
            "which it was converted"
        )
    damage = opened.objects.damage
    if isinstance(damage, MalformedFileError) and not opened.roots:
        raise UnknownFileError(
            "it is no kind of file that filtviz knows, or a damaged pickle "
            f"(it begins with {opened.start[:8]!r}); {_NAME_ANOTHER}, or copy it again"
        ) from damage
    raise damage or UnsupportedFileError(
        f"it is no kind of file that filtviz knows (it begins with {opened.start[:8]!r}); {_NAME_ANOTHER}"
    )


def _of_zip(opened: Opened) -> str | None:
    if opened.members is None:
        return None
    bare = {member.name.rpartition("/")[2] for member in opened.members}
    models = sorted(name for name in bare if PurePath(name).suffix.lower() in MODEL_SUFFIXES)
    what = "it is a zip without arrays of numpy's in it; unpack it and name the model file"
    if models:
        inside = listed([printable(name, 60) for name in models], 4)
        what = f"it is a zip of several files, {inside} among them; unpack it and name the one that you mean"
    return next((sentence for names, sentence in _ZIPS if not names.isdisjoint(bare)), what)


def _of_start(start: bytes) -> str | None:
    """Return the sentence about a file that begins so (300 bytes are enough), None where none is known."""
    if not start:
        return "it is empty; the file was not written or not copied"
    small = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    dense = b"".join(small.split())
    for text, table in ((start, _BEGINNINGS), (dense, _JSON), (small, _TEXTS)):
        for beginnings, sentence in table:
            if text.startswith(beginnings):
                return sentence
    found = _FOREIGN.match(start)
    if found and found.lastgroup == "ONNX":
        return "it looks like an ONNX model, but is damaged or cut short; copy or download it again"
    if found:
        return f"it looks like {_LOOKS[found.lastgroup or '']}, not a pickle; {_SAVE_AGAIN}"
    if start[_TAR_MAGIC_AT:].startswith(b"ustar"):
        return "it is a tar archive; unpack it and name the model file in it"
    if not start.strip(b"\0"):
        return "it holds nothing but zeros; it was not copied or downloaded whole"
    return None
