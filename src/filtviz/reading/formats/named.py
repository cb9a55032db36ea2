"""Files that filtviz recognises and does not read, with what the person can do."""

from __future__ import annotations

import re

from filtviz.errors import UnsupportedFileError

__all__ = ["refuse_foreign", "refuse_zip"]

_SAVE_AGAIN = "load it with its own library and save the arrays with numpy.savez"
_UNPACK = "unpack it and name the model file in it"

_BEGINNINGS = (
    *(
        (
            beginning,
            "it was changed on its way, as if it were text (UTF-8); copy or download it again, as binary",
        )
        for beginning in (b"\xc2\x80", b"\xef\xbf\xbd", b"\x1f\xef\xbf\xbd", b"\x1f\xc2\x8b")
    ),
    (b"\x89HDF\r\n\x1a\n", f"it is an HDF5 file (Keras writes its models so), not a pickle; {_SAVE_AGAIN}"),
    (b"\x12\x01\x00\x00\x00\x00\x00\x00", f"it is an MXNet parameter file, not a pickle; {_SAVE_AGAIN}"),
    (b"MATLAB 5.0 MAT-file", f"it is a MATLAB file, not a pickle; {_SAVE_AGAIN}"),
    (b"MATLAB 7.3 MAT-file", f"it is a MATLAB file, not a pickle; {_SAVE_AGAIN}"),
    (b"B\0C\0N\0\0\0", f"it is a CNTK model, not a pickle; {_SAVE_AGAIN}"),
    (b"\x04\0\0\0\x01\0\0\0\x03\0\0\0V 1", f"it is a Torch 7 file, not a pickle; {_SAVE_AGAIN}"),
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
    (b"PK\x05\x06", "it is an empty zip"),
    (b"\x89PNG\r\n", "it is a PNG picture, not a model"),
    (b"\xff\xd8\xff", "it is a JPEG picture, not a model"),
    (b"%PDF-", "it is a PDF, not a model"),
)
"""What a file begins with → the sentence about it."""

_FOREIGN = re.compile(
    rb"(?P<ONNX>\x08[\x01-\x20]\x12[\x01-\x40][ -~]{2})"
    rb"|(?P<safetensors>.{5}\x00{3}\{\")"
    rb"|(?P<TFLite>.{3}\x00TFL3)"
    rb"|(?P<checkpoint>\x00\x00[\x01-\x40]\x08[\x01-\x7f][\x12\x1a])"
    rb"|(?P<buffer>\x08\x01\x12[\x80-\xff]|\n.{0,30}?[\x01-\x08\x0e-\x1a\x80-\xff])",
    re.DOTALL,
)
"""What the first bytes of other libraries' models look like."""

_LOOKS = {
    "ONNX": "an ONNX model",
    "safetensors": "a safetensors file",
    "TFLite": "a TensorFlow Lite model",
    "checkpoint": "the index of a TensorFlow checkpoint",
    "buffer": "a protocol buffer, as models of Caffe, TensorFlow and CNTK are",
}

_WEB_PAGE = "it is a web page, not a model: the download went wrong; fetch the raw file"

_TEXTS = (
    ((b"<!doctype html", b"<html", b"<head"), _WEB_PAGE),
    ((b"<?xml",), "it is an XML file, not a model"),
    (
        (b"404", b"not found"),
        "it is a web server's message and not a model: the download went wrong; fetch the raw file",
    ),
    ((b'{"', b'{ "', b"{\n", b'["', b"[{", b"[["), "it is a JSON file, not a model"),
    ((b"import ", b"from ", b"#", b'"""'), "it is a program's source, not a model"),
)
"""What a text begins with, in small letters → the sentence about it."""

_TAR_MAGIC_AT = 257


def refuse_foreign(start: bytes) -> None:
    """Say what a file is by its first bytes (300 are enough), where it is a known kind that is not read.

    Raises:
        UnsupportedFileError: it is.
    """
    if not start:
        raise UnsupportedFileError("it is empty; the file was not written or not copied")
    for beginning, sentence in _BEGINNINGS:
        if start.startswith(beginning):
            raise UnsupportedFileError(sentence)
    small = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for beginnings, sentence in _TEXTS:
        if small.startswith(beginnings):
            raise UnsupportedFileError(sentence)
    if found := _FOREIGN.match(start):
        raise UnsupportedFileError(
            f"it looks like {_LOOKS[found.lastgroup or '']}, not a pickle; {_SAVE_AGAIN}"
        )
    if start[_TAR_MAGIC_AT:].startswith(b"ustar"):
        raise UnsupportedFileError("it is a tar archive; unpack it and name the model file in it")
    if not start.strip(b"\0"):
        raise UnsupportedFileError("it holds nothing but zeros; it was not copied or downloaded whole")


def refuse_zip(names: list[str]) -> None:
    """Say what a zip without arrays is, by the names of its members.

    Raises:
        UnsupportedFileError: always.
    """
    bare = {name.rpartition("/")[2] for name in names}
    if "data.pkl" in bare and ("version" in bare or "byteorder" in bare):
        raise UnsupportedFileError(
            "it is a file of torch.save, which filtviz does not read; load it with torch.load and save the "
            "weights with numpy.savez"
        )
    if "model.weights.h5" in bare or "saved_model.pb" in bare:
        raise UnsupportedFileError(
            "it is a Keras model; save its weights with numpy.savez and name that file"
        )
    raise UnsupportedFileError(
        "it is a zip without arrays of numpy's in it; unpack it and name the model file"
    )
