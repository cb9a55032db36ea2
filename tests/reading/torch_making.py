"""Bytes of PyTorch's files, made without PyTorch: tensors, and the zip, the stream or the tar around them."""

from __future__ import annotations

import io
import pickle
import struct
import tarfile
import zipfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from tests.reading.making import Named, Thing, _Pickler

__all__ = ["Stored", "dumps", "module", "quantised", "stream_of", "tar_of", "tensor", "zip_of"]

MAGIC = 0x1950A86A20F9469CFC6C
KINDS = {
    "float32": "FloatStorage", "float64": "DoubleStorage", "float16": "HalfStorage", "int8": "CharStorage",
    "int64": "LongStorage", "uint8": "ByteStorage", "complex64": "ComplexFloatStorage",
}  # fmt: skip


View = tuple[str, tuple[int, ...]]


class Stored:
    """A storage: its bytes, the class that names its type, and how many elements it says it has."""

    def __init__(
        self,
        array: np.ndarray,
        kind: str = "",
        n: int | None = None,
        view: Any = None,
        key: str | None = None,
    ) -> None:
        self.array = np.ascontiguousarray(array).ravel()
        self.kind = kind or f"torch.{KINDS[str(self.array.dtype)]}"
        self.n = self.array.size if n is None else n
        self.view = view
        self.key = key


def tensor(
    array: np.ndarray | Stored,
    shape: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
    offset: int = 0,
    *more: Any,
    maker: str = "torch._utils._rebuild_tensor_v2",
) -> Thing:
    """A tensor of an array, or one of any shape that lies in a storage."""
    held = array if isinstance(array, Stored) else Stored(array)
    lengths = tuple(array.shape if shape is None else shape)  # type: ignore[union-attr]
    steps = tuple(int(np.prod(lengths[axis + 1 :])) for axis in range(len(lengths)))
    return Thing(
        maker,
        held,
        offset,
        lengths,
        steps if strides is None else tuple(strides),
        False,
        OrderedDict(),
        *more,
    )


def quantised(numbers: np.ndarray, *told: Any) -> Thing:
    """A quantised tensor: whole numbers, and what they stand for."""
    held = Stored(numbers, "torch.QInt8Storage")
    shape, steps = numbers.shape, tuple(step // numbers.itemsize for step in numbers.strides)
    return Thing("torch._utils._rebuild_qtensor", held, 0, shape, steps, told, False, OrderedDict())


def parameter(array: np.ndarray) -> Thing:
    return Thing("torch._utils._rebuild_parameter", tensor(array), True, OrderedDict())


def module(
    cls: str,
    parameters: Mapping[str, np.ndarray] | None = None,
    parts: Mapping[str, Any] | None = None,
    buffers: Mapping[str, np.ndarray] | None = None,
    **facts: Any,
) -> Thing:
    """An ``nn.Module`` with its parameters, buffers, parts and other attributes."""
    own = {name: parameter(array) for name, array in (parameters or {}).items()}
    held = {name: tensor(array) for name, array in (buffers or {}).items()}
    return Thing(cls, training=False, _parameters=own, _buffers=held, _modules=dict(parts or {}), **facts)


def conv(weight: np.ndarray, bias: np.ndarray | None = None, **facts: Any) -> Thing:
    n = weight.ndim - 2
    told = {
        "stride": (1,) * n, "padding": (0,) * n, "dilation": (1,) * n, "groups": 1, "transposed": False,
        "output_padding": (0,) * n, "padding_mode": "zeros",
    } | facts  # fmt: skip
    cls = f"torch.nn.modules.conv.Conv{'Transpose' * told['transposed']}{n}d"
    return module(cls, {"weight": weight} | ({} if bias is None else {"bias": bias}), **told)


class _Saver(_Pickler):
    """A pickler that keeps storages apart."""

    def __init__(self, file: io.BytesIO, protocol: int, *, is_stream: bool) -> None:
        super().__init__(file, protocol)
        self.is_stream = is_stream
        self.storages: dict[int, tuple[str, Stored]] = {}

    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, Stored):
            return None
        key, _ = self.storages.setdefault(id(obj), (obj.key or str(len(self.storages)), obj))
        told = ("storage", Named(obj.kind), key, "cuda:0", obj.n)
        if self.proto == 0:
            view = ", None" if self.is_stream else ""
            return f"('storage', <class '{obj.kind}'>, '{key}', 'cuda:0', {obj.n}{view})"
        return (*told, obj.view) if self.is_stream else told


def _pickled(value: Any, protocol: int, *, is_stream: bool) -> tuple[bytes, list[tuple[str, Stored]]]:
    buffer = io.BytesIO()
    saver = _Saver(buffer, protocol, is_stream=is_stream)
    saver.dump(value)
    return buffer.getvalue(), list(saver.storages.values())


def zip_of(
    value: Any,
    *,
    protocol: int = 2,
    byteorder: str | None = "little",
    method: int = zipfile.ZIP_STORED,
    root: str = "archive/",
    more: Mapping[str, bytes] | None = None,
    without: Sequence[str] = (),
) -> bytes:
    """The file that ``torch.save`` writes today."""
    pickled, storages = _pickled(value, protocol, is_stream=False)
    members = {f"{root}data.pkl": pickled, f"{root}version": b"3\n"}
    if byteorder is not None:
        members[f"{root}byteorder"] = byteorder.encode()
    members |= {f"{root}data/{key}": held.array.tobytes() for key, held in storages} | dict(more or {})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            if name not in without:
                archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return buffer.getvalue()


def stream_of(value: Any, *, protocol: int = 2) -> bytes:
    """The file that ``torch.save`` wrote before 1.6."""
    pickled, storages = _pickled(value, protocol, is_stream=True)
    head = [pickle.dumps(each, protocol) for each in (MAGIC, 1001, {"little_endian": True})]
    keys = pickle.dumps([key for key, _ in storages], protocol)
    memory = [struct.pack("<q", held.array.size) + held.array.tobytes() for _, held in storages]
    return b"".join([*head, pickled, keys, *memory])


def dumps(value: Any, protocol: int = 2) -> bytes:
    """A plain pickle, in which each storage is a stream in a string."""
    buffer = io.BytesIO()
    _PlainSaver(buffer, protocol).dump(value)
    return buffer.getvalue()


class _PlainSaver(_Pickler):
    def save_stored(self, held: Stored) -> None:
        self.save(Thing("torch.storage._load_from_bytes", stream_of(held)))

    dispatch: ClassVar = {**_Pickler.dispatch, Stored: save_stored}


def tar_of(arrays: Mapping[str, np.ndarray], views: Mapping[str, View] | None = None) -> bytes:
    """The file that ``torch.save`` wrote in 2016: tensors by name, some of them views of others'."""
    storages, tensors = [pickle.dumps(len(arrays), 2)], [pickle.dumps(len(arrays) + len(views or {}), 2)]
    names = {name: 1000 + place for place, name in enumerate(arrays)}
    for name, array in arrays.items():
        kind = Named(f"torch.{KINDS[str(array.dtype)]}")
        storages += [_named((names[name], "cpu", kind)), struct.pack("<q", array.size), array.tobytes()]
    storages.append(pickle.dumps([], 2))
    shapes = {name: (name, array.shape) for name, array in arrays.items()} | dict(views or {})
    identities = {name: 5000 + place for place, name in enumerate(shapes)}
    for name, (owner, shape) in shapes.items():
        steps = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
        numbers = struct.pack(f"<i4x{2 * len(shape) + 1}q", len(shape), *shape, *steps, 0)
        tensors += [_named((identities[name], names[owner], Named("torch.FloatTensor"))), numbers]
    root = OrderedDict((name, _Persistent(identity)) for name, identity in identities.items())
    buffer = io.BytesIO()
    _TarSaver(buffer, 2).dump(root)
    members = {
        "sys_info": pickle.dumps({"protocol_version": 1000}, 2),
        "pickle": buffer.getvalue(),
        "tensors": b"".join(tensors),
        "storages": b"".join(storages),
    }
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:", format=tarfile.PAX_FORMAT) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return whole.getvalue()


class _Persistent:
    def __init__(self, identity: int) -> None:
        self.identity = identity


class _TarSaver(_Pickler):
    def persistent_id(self, obj: Any) -> Any:
        return str(obj.identity) if isinstance(obj, _Persistent) else None


def _named(value: Any) -> bytes:
    buffer = io.BytesIO()
    _Pickler(buffer, 2).dump(value)
    return buffer.getvalue()
