"""Tensors of ONNX's, checkpoints of TensorFlow's and calls of PyTorch's, each with one fact changed."""

from __future__ import annotations

import random
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.network import Network
from filtviz.reading.arrays import AnyArray, stored
from filtviz.reading.formats.onnx.initialisers import array_of, sparse_array_of
from filtviz.reading.formats.tensorflow import _of_checkpoint
from filtviz.reading.formats.tensorflow.checkpoint import (
    Checkpoint,
    Trackable,
    read_checkpoint,
)
from filtviz.reading.protobuf import Message
from filtviz.reading.stretch import view_of
from tests.reading.making import Named, Thing
from tests.reading.operators.asking import Told, numbers_of, part
from tests.reading.operators.torch_tensors import ONES, SMALL, _tensor, called
from tests.reading.operators.whole_saved import table
from tests.reading.operators.wholes import drawn, opened, outcome
from tests.reading.torch_making import Stored, tensor
from tests.reading.variations import _of_value
from tests.telling import layers_of, origin_of, refused

__all__ = ["odd_calls", "odd_tensors"]


def _numbers(read: Callable[[], Any]) -> str:
    try:
        with np.errstate(all="ignore"):
            return numbers_of(read())
    except FiltvizError as error:
        return refused(error)


# ONNX

_PARTS: dict[str, list[tuple[int, Any]]] = {
    "bytes": [(1, 2), (1, 3), (2, 1), (8, "w"), (9, ONES.tobytes())],
    "reals": [(1, 2), (1, 3), (2, 1), (8, "w"), (4, ONES.tobytes()[:8]), (4, ONES.tobytes()[8:])],
    "doubles": [(1, 6), (2, 11), (10, np.arange(6.0).tobytes())],
    "wholes": [(1, 6), (2, 7), (7, b"\x01\x02\x03"), (7, 4), (7, b"\x05\x06")],
    "bytes of numbers": [(1, 3), (2, 3), (5, (1 << 64) - 3), (5, 0), (5, 7)],
    "halves": [(1, 2), (2, 10), (5, 0x3C00), (5, 0xC000)],
    "unsigned": [(1, 2), (2, 13), (11, 5), (11, (1 << 64) - 1)],
    "four bits": [(1, 3), (2, 22), (9, b"\x2f\x07")],
    "four bits as numbers": [(1, 3), (2, 21), (5, 0x2F), (5, 7)],
    "elsewhere": [(1, 2), (2, 1), (14, 1), (13, part(1, "location") + part(2, "none"))],
}


PLACES: tuple[Any, ...] = (
    [1, 5], [5, 1], [6, 1], [-1, 1], [[0, 1], [1, 2]], [[0, 3], [1, 1]], [[1, 0, 0], [0, 0, 0]], [[1], [2]],
    [[[1]], [[2]]], [1], [1, 2, 0],
)  # fmt: skip


def _changed(parts: Sequence[tuple[int, Any]]) -> Iterator[tuple[str, list[tuple[int, Any]]]]:
    yield "as it is", list(parts)
    for at, (field, value) in enumerate(parts):
        before, after = list(parts[:at]), list(parts[at + 1 :])
        yield f"without {field} ({at})", [*before, *after]
        yield f"{field} ({at}) twice", [*before, (field, value), *parts[at:]]
        others: tuple[Any, ...] = (value + 1, 0) if isinstance(value, int) else (value[:-1], value * 2)
        for other in others:
            yield f"{field} ({at}) {len(other) if not isinstance(other, int) else other}", [
                *before, (field, other), *after,
            ]  # fmt: skip


def _onnx() -> Told:
    for name, parts in _PARTS.items():
        for words, fields in _changed(parts):
            data = b"".join(part(field, value) for field, value in fields)
            yield f"{name}, {words}", _numbers(partial(_dense, data))
    values = part(1, part(1, 2) + part(2, 1) + part(9, ONES.tobytes()[4:12]) + part(8, "s"))
    for shape in ((2, 3), (6,), (3,), (2, 3, 1), (), (0,), (1, 1)):
        for where in PLACES:
            held = np.array(where, "i8")
            places = b"".join(part(1, n) for n in held.shape) + part(2, 7) + part(9, held.tobytes())
            data = values + part(2, places) + b"".join(part(3, n) for n in shape)
            yield f"sparse of {shape} at {where}", _numbers(partial(_sparse, data))


def _dense(data: bytes) -> Any:
    file = opened(data)
    return array_of(Message(view_of(data), file.effort), file).read()


def _sparse(data: bytes) -> Any:
    file = opened(data)
    return sparse_array_of(Message(view_of(data), file.effort), file)[1].read()


# TensorFlow

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
SAVED: dict[str, Any] = {
    "keys": {
        f"net/0{_VALUE}": [3, 3, 2, 4], f"net/1{_VALUE}": [4], f"net/2{_VALUE}": [3, 3, 4, 2],
        f"optimizer/_trainable_variables/0{_VALUE}": [3, 3, 2, 2],
        f"optimizer/_trainable_variables/1{_VALUE}": [2],
        f"optimizer/_trainable_variables/2{_VALUE}": [2],
        f"optimizer/_trainable_variables/3{_VALUE}": [3, 3, 2, 2],
        f"net/0/.OPTIMIZER_SLOT/opt/m{_VALUE}": [3, 3, 2, 4], "plain/kernel": [3, 3, 2, 1],
        "plain/kernel/ExponentialMovingAverage": [3, 3, 2, 1],
    },
    "called": {
        f"net/0{_VALUE}": "m/conv/kernel", f"net/1{_VALUE}": "m/conv/bias", f"net/2{_VALUE}": "m/next/kernel",
        f"optimizer/_trainable_variables/0{_VALUE}": "kernel",
        f"optimizer/_trainable_variables/1{_VALUE}": "bias",
        f"optimizer/_trainable_variables/2{_VALUE}": "bias",
        f"optimizer/_trainable_variables/3{_VALUE}": "kernel",
        "elsewhere": "m/conv/kernel",
    },
    "tree": [
        [{"net": 1, "optimizer": 5, "again": 6}, ""], [{"0": 2, "1": 3, "2": 4}, ""], [{}, f"net/0{_VALUE}"],
        [{}, f"net/1{_VALUE}"], [{}, f"net/2{_VALUE}"], [{"0": 4}, ""], [{"first": 7}, ""],
        [{}, f"net/2{_VALUE}"],
    ],
}  # fmt: skip
_DULL = re.compile(r"_long|in parts\.[1-5]|\d{9}|= (None|{}|'x'|3|2|\[\])|keys\.[^ ]*\[\d\]|renamed")


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _checkpoint(said: Any) -> str:
    chance, arrays = random.Random("checkpoint"), {}
    for key, shape in _dict(_dict(said).get("keys")).items():
        lengths = [n for n in _list(shape) if type(n) is int and 0 <= n < 9]
        arrays[key] = _stored(drawn(chance, *lengths))
    tree = [
        Trackable(
            children={name: one for name, one in _dict([*_list(held), 0][0]).items() if type(one) is int},
            key=str(["", *_list(held)][-1] or ""),
        )
        for held in _list(_dict(said).get("tree"))
    ]
    names = {key: one for key, one in _dict(_dict(said).get("called")).items() if isinstance(one, str)}
    found = Checkpoint(arrays=arrays, names=names, objects=tree)
    file = opened(b"")

    def tell(network: Network) -> str:
        return (
            " ".join(f"{one.name}:{one.type}" for one in network.layers)
            + origin_of(network)
            + layers_of(network)
        )

    told = outcome(lambda: _of_checkpoint(file, found, "a checkpoint", ("others",)), tell)
    return f"{told} {file.effort.used}"


def _stored(array: np.ndarray) -> AnyArray:
    """An array as a checkpoint stores it."""
    data = array.tobytes()
    return stored(array.shape, array.dtype, False, len(data), lambda: data)


INDEX: dict[str, Any] = {
    "header": {"1": 2},
    "entries": {
        "a": {"1": 1, "2": [2, 3], "3": 1, "4": 4, "5": 24},
        "b": {"1": 9, "2": [], "3": 0, "4": 0, "5": 8},
        "in parts": {"1": 1, "2": [2], "3": 1, "4": 4, "5": 8, "7": 0},
    },
}


def _index(said: Any) -> str:
    entries = {b"": _fields(_dict(said).get("header"))}
    entries |= {key.encode(): _fields(one) for key, one in _dict(_dict(said).get("entries")).items()}
    files = {
        "x.data-00000-of-00002": np.arange(2, dtype="i8").tobytes(),
        "x.data-00001-of-00002": bytes(4) + ONES.tobytes(),
    }
    files |= {"x.data-00000-of-00001": files["x.data-00000-of-00002"]}
    file = opened(b"")

    def sibling(name: str) -> bytes:
        return files.get(name, b"")

    def tell(found: Checkpoint) -> str:
        return " ".join(f"{key} {_numbers(one.read)}" for key, one in found.arrays.items())

    data = table(entries, random.Random("index"))
    return f"{outcome(lambda: read_checkpoint(data, file, 'x', sibling), tell)} {file.effort.used}"


def _fields(said: Any) -> bytes:
    data = b""
    for field, value in _dict(said).items():
        if isinstance(value, list):
            data += part(2, b"".join(part(2, part(1, n)) for n in value if type(n) is int))
        elif type(value) is int and field.isdigit():
            data += part(int(field), value)
    return data


def _tensorflow() -> Told:
    for n in (-1, 0, 1, 2):
        alone = {"header": {"1": n}, "entries": {"b": {"1": 9, "2": [], "3": 0, "4": 0, "5": 8}}}
        yield f"an index of {n} files", _index(alone)
    for name, whole, read in (("checkpoint", SAVED, _checkpoint), ("index", INDEX, _index)):
        before = read(whole)
        yield name, before
        for words, put in dict(_of_value(whole, "", ("kernel", "m/conv/bias"))).items():
            if not _DULL.search(words):
                told = read(put())
                yield f"{name}{words}", "the same" if told == before else told


def odd_tensors() -> Told:
    yield from _onnx()
    yield from _tensorflow()


# PyTorch

_ROW = OrderedDict[str, Any]()


def _calls() -> dict[str, tuple[Any, ...]]:
    affine, channels = Named("torch.per_tensor_affine"), Named("torch.per_channel_affine")
    usual = (Stored(ONES), 0, (2, 3), (3, 1), False, _ROW)
    small = (Stored(SMALL, "torch.QInt8Storage"), 0, (2, 3), (3, 1))
    three = tensor(np.array([1.0, 2.0, 4.0]))
    values, rows = tensor(np.array([1.0, 2.0, 4.0], "float32")), tensor(np.array([0, 1, 3]))
    places = tensor(np.array([[0, 1, 1], [2, 0, 0]]))
    repeated = tensor(np.array([2.0], "float32"), (3,), (0,))
    layouts = [
        Thing("torch.serialization._get_layout", f"torch.sparse_{one}") for one in ("coo", "csr", "csc")
    ]
    return {
        "_rebuild_tensor_v2": (*usual, {"neg": True}, 3),
        "_rebuild_tensor_v3": (*usual, Named("torch.float32"), {"neg": True}, 3),
        "_rebuild_parameter": (tensor(ONES), True, _ROW),
        "_rebuild_parameter_with_state": (tensor(ONES), True, _ROW, {"a": 1}),
        "_rebuild_qtensor": (*small, (affine, 0.5, 1), False, _ROW),
        "_rebuild_qtensor by channel": (*small, (channels, three, three, 1), False, _ROW),
        "_rebuild_sparse_tensor": (layouts[0], (places, values, (2, 3))),
        "_rebuild_sparse_tensor of repeated numbers": (layouts[0], (places, repeated, (2, 3))),
        "_rebuild_sparse_tensor by rows": (layouts[1], (rows, tensor(np.array([2, 0, 1])), values, (2, 3))),
        "_rebuild_sparse_tensor by columns": (
            layouts[2],
            (rows, tensor(np.array([1, 0, 1])), values, (2, 2)),
        ),
        "_rebuild_device_tensor_from_numpy": (ONES, Named("torch.float32"), "xla:0", False),
        "_rebuild_meta_tensor_no_storage": (Named("torch.float32"), (2, 3), (3, 1), False),
    }


ODD: tuple[Any, ...] = (None, True, -1, "text", (3, 2), Named("torch.int8"), {"conj": True})


def _words(value: Any) -> str:
    return getattr(value, "path", None) or str(value)


def odd_calls() -> Told:
    """Each call that makes a tensor, with each of its arguments another one, missing, and given twice."""
    many = tensor(np.array([2.0], "f4"), (20_000,), (0,))
    layout = Thing("torch.serialization._get_layout", "torch.sparse_coo")
    for n in (4096, 4097):
        whole = (tensor(np.zeros((1, 1), "i8"), (2, 20_000), (0, 0)), many, (n, n))
        yield f"repeated numbers in {n} rows", _tensor(called("_rebuild_sparse_tensor", layout, whole))
    for name, args in _calls().items():
        call = name.partition(" ")[0]
        yield name, _tensor(called(call, *args))
        for at, arg in enumerate(args):
            before, after = args[:at], args[at + 1 :]
            yield f"{name} without {at}", _tensor(called(call, *before, *after))
            yield f"{name} with {at} twice", _tensor(called(call, *before, arg, *args[at:]))
            for one in ODD:
                yield f"{name}, {at} is {_words(one)}", _tensor(called(call, *before, one, *after))
            for place in range(len(arg)) if type(arg) is tuple else ():
                for one in ODD[:4]:
                    held = (*arg[:place], one, *arg[place + 1 :])
                    yield (
                        f"{name}, {at}.{place} is {_words(one)}",
                        _tensor(called(call, *before, held, *after)),
                    )
