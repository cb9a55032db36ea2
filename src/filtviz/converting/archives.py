"""Files of named arrays: ``.npz``, ``.safetensors``, and the ``.pt`` that PyTorch loads as weights alone.

Arrays are read, written and forgotten one after another. Nothing of PyTorch or safetensors is imported: both
formats are a few lines each, and what is written is data, of which nobody has to trust us.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import ConversionError
from filtviz.parameter import Parameter, has_few_bits

__all__ = ["FACTS", "write_npz", "write_pt", "write_safetensors"]

FACTS = "filtviz.json"
"""The member of an archive, and the key of metadata, that tells what was converted."""

_DATE = (1980, 1, 1, 0, 0, 0)  # the same network gives the same file
_ZIP64 = 1 << 31


def write_npz(stream: BinaryIO, arrays: Sequence[Parameter], facts: Mapping[str, Any]) -> None:
    """Write arrays as numpy's ``savez`` does; what was converted stands in the comment of the archive.

    Args:
        stream: Where to write.
        arrays: The arrays, whose names are harmless as those of members.
        facts: What was converted.
    """
    _refuse_types(arrays, lambda dtype: not has_few_bits(dtype), ".npz", "take .safetensors or .pt")
    with ZipFile(stream, "w", ZIP_STORED) as archive:
        archive.comment = json.dumps(facts).encode("ascii")[:65535]
        for one in arrays:
            with _member(archive, f"{one.name}.npy", _n_bytes(one)) as member:
                np.lib.format.write_array(member, _plain(one), allow_pickle=False)


def _refuse_types(
    arrays: Iterable[Parameter], holds: Callable[[np.dtype[Any]], object], suffix: str, instead: str
) -> None:
    for one in arrays:
        if not holds(one.dtype):
            raise ConversionError(
                f"{one.name} is of type {one.dtype}, which {suffix} does not have: {instead}"
            )


def _n_bytes(one: Parameter) -> int:
    return one.size * one.dtype.itemsize


def _plain(one: Parameter) -> NDArray[Any]:
    """Return an array in C order and in the order of bytes that all formats here have.

    Raises:
        ConversionError: it is not what the file said that it is.
    """
    array = np.asarray(one.read())
    if array.shape != one.shape or array.dtype.newbyteorder("=") != one.dtype.newbyteorder("="):
        raise ConversionError(f"{one.name} is {array.dtype} {array.shape}, and was said to be {one.shape}")
    array = np.ascontiguousarray(array).reshape(one.shape)
    return array if has_few_bits(array.dtype) else array.astype(array.dtype.newbyteorder("<"), copy=False)


def _bytes(one: Parameter) -> bytes:
    return _plain(one).tobytes()


def _member(archive: ZipFile, name: str, n_bytes: int, *, aligned: int = 0) -> Any:
    """Open a member for writing, whose bytes begin at a multiple of ``aligned``."""
    info = ZipInfo(name, _DATE)
    is_large = n_bytes + 4096 > _ZIP64
    if aligned and archive.fp is not None and not is_large:
        begin = archive.fp.tell() + 30 + len(info.filename.encode()) + 4
        padding = -begin % aligned
        info.extra = struct.pack("<2sH", b"FB", padding) + b"Z" * padding
    return archive.open(info, "w", force_zip64=is_large)


# safetensors

_SAFE = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16",
    "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2",
    "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8",
    "uint64": "U64", "uint32": "U32", "uint16": "U16", "uint8": "U8", "bool": "BOOL",
}  # fmt: skip
"""numpy's word for a type → that of safetensors."""


PICKLES = 0x80
"""What a pickle begins with: a header's length does not, so that nobody takes the file for one."""


def write_safetensors(stream: BinaryIO, arrays: Sequence[Parameter], facts: Mapping[str, Any]) -> None:
    """Write arrays as safetensors: the length of a header in 8 bytes, the header as JSON, then all bytes.

    Args:
        stream: Where to write.
        arrays: The arrays, none of which has the name of another.
        facts: What was converted, a text each or what JSON makes one of.
    """
    _refuse_types(arrays, lambda dtype: dtype.name in _SAFE, ".safetensors", "take another format")
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in facts.items()}
    header: dict[str, Any] = {"__metadata__": texts}
    begin = 0
    for one in arrays:
        end = begin + _n_bytes(one)
        header[one.name] = {
            "dtype": _SAFE[one.dtype.name],
            "shape": list(one.shape),
            "data_offsets": [begin, end],
        }
        begin = end
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)
    if len(text) % 256 == PICKLES:
        text += b" " * 8
    stream.write(struct.pack("<Q", len(text)) + text)
    for one in arrays:
        stream.write(_bytes(one))


# PyTorch

_STORAGES = {
    "float64": "DoubleStorage", "float32": "FloatStorage", "float16": "HalfStorage",
    "bfloat16": "BFloat16Storage", "int64": "LongStorage", "int32": "IntStorage", "int16": "ShortStorage",
    "int8": "CharStorage", "uint8": "ByteStorage", "bool": "BoolStorage",
}  # fmt: skip
"""numpy's word for a type → PyTorch's class of its storage."""

_UNTYPED = ("float8_e4m3fn", "float8_e5m2", "uint16", "uint32", "uint64")
"""Types of which PyTorch has no such class: it stores bytes, and says the type beside them."""


def write_pt(stream: BinaryIO, arrays: Sequence[Parameter], facts: Mapping[str, Any]) -> None:
    """Write arrays as a ``state_dict`` in PyTorch's zip.

    Args:
        stream: Where to write.
        arrays: The arrays.
        facts: What was converted, which stands in a member that PyTorch does not read.
    """
    _refuse_types(
        arrays, lambda dtype: dtype.name in _STORAGES or dtype.name in _UNTYPED, ".pt", "take .safetensors"
    )
    with ZipFile(stream, "w", ZIP_STORED) as archive:
        for name, content in (
            ("data.pkl", b"".join(_state_dict(arrays))),
            ("byteorder", b"little"),
            ("version", b"3\n"),
            (FACTS, json.dumps(facts).encode("ascii")),
        ):
            with _member(archive, f"archive/{name}", len(content)) as member:
                member.write(content)
        for number, one in enumerate(arrays):
            with _member(archive, f"archive/data/{number}", _n_bytes(one), aligned=64) as member:
                member.write(_bytes(one))


def _state_dict(arrays: Sequence[Parameter]) -> Iterator[bytes]:
    """Yield a pickle of ``OrderedDict(name → tensor)`` in protocol 2, in the opcodes that it takes."""
    yield b"\x80\x02" + _global("collections", "OrderedDict") + b")R("
    for number, one in enumerate(arrays):
        yield _text(one.name) + _tensor(number, one)
    yield b"u."


def _tensor(number: int, one: Parameter) -> bytes:
    """Write ``_rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())``, or version 3 of it."""
    typed = _STORAGES.get(one.dtype.name)
    kind = _global("torch", typed) if typed else _global("torch.storage", "UntypedStorage")
    length = one.size if typed else _n_bytes(one)
    storage = _tuple(_text("storage"), kind, _text(str(number)), _text("cpu"), _number(length)) + b"Q"
    shape, strides = (_tuple(*map(_number, numbers)) for numbers in (one.shape, _strides(one.shape)))
    hooks = _global("collections", "OrderedDict") + b")R"
    facts = (storage, _number(0), shape, strides, b"\x89", hooks)
    if typed:
        return _global("torch._utils", "_rebuild_tensor_v2") + _tuple(*facts) + b"R"
    dtype = _global("torch", one.dtype.name)
    return _global("torch._utils", "_rebuild_tensor_v3") + _tuple(*facts, dtype) + b"R"


def _strides(shape: Sequence[int]) -> list[int]:
    strides, step = [], 1
    for length in reversed(shape):
        strides.append(step)
        step *= max(length, 1)
    return strides[::-1]


def _global(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode("ascii")  # our own words alone


def _text(text: str) -> bytes:
    """Write a text with its length in front: nothing in it can end it."""
    raw = text.encode("utf-8")
    return b"X" + struct.pack("<I", len(raw)) + raw


def _number(number: int) -> bytes:
    if 0 <= number < 1 << 31:
        return b"J" + struct.pack("<i", number)
    raw = number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def _tuple(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"
