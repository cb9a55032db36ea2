"""Tensors of ``torch.save``: the calls that make them, each with fewer arguments and with others."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.reading.arrays import AnyArray
from filtviz.reading.formats.torch.rebuilding import Lost, Rebuilder
from filtviz.reading.formats.torch.storages import Storage, id_of
from filtviz.reading.limits import Limits, effort, pickle_steps
from filtviz.reading.pickle.machine import read_pickles
from filtviz.reading.pickle.records import Record
from tests.reading import torch_making
from tests.reading.making import Named, Thing
from tests.reading.operators.asking import Told, numbers_of
from tests.reading.torch_making import Stored, quantised, tensor
from tests.telling import refused

__all__ = ["KERNEL", "ONES", "SMALL", "called", "shown", "tensors", "unpickled"]

U = "torch._utils."
ONES = np.arange(6, dtype="float32").reshape(2, 3)
SMALL = np.array([[-3, 0, 7], [5, 1, -2]], "int8")
KERNEL = np.arange(18, dtype="float32").reshape(2, 1, 3, 3)


def unpickled(value: Any, limits: Limits | None = None) -> tuple[Any, Rebuilder]:
    """What a pickle of an object says, and what rebuilds its tensors: storages lie in memory."""
    data, storages = torch_making._pickled(value, 2, is_stream=False)
    held = dict(storages)

    def memory(record: Record) -> Storage | None:
        ident = id_of(record)
        if ident is None:
            return None
        one = held[ident.key].array
        return Storage(kind=ident.kind, nbytes=one.nbytes, read=partial(bytes, one.tobytes()))

    root = read_pickles(data, pickle_steps(Limits())).roots[0]
    limits = limits or Limits()
    return root, Rebuilder(memory, pickle_steps(limits), effort(limits))


def shown(found: AnyArray | Lost | None) -> str:
    if found is None:
        return "no tensor"
    if isinstance(found, Lost):
        return found.reason
    if found.nbytes > 1 << 20:
        return f"{found.shape} {found.dtype}"
    try:
        held = np.asarray(found.read())
        return numbers_of(held if held.dtype.kind != "c" else np.stack([held.real, held.imag]))
    except FiltvizError as error:
        return refused(error)


def _tensor(value: Any) -> str:
    root, rebuilder = unpickled(value)
    try:
        found = rebuilder.tensor(root)
    except FiltvizError as error:
        return f"{refused(error)} ({rebuilder.effort.used} steps)"
    told = [shown(found)]
    told += ["the same again"] * (rebuilder.tensor(root) is found)
    told += ["dequantised"] * (id(found) in rebuilder.quantised) + ["sparse"] * (
        id(found) in rebuilder.sparse
    )
    grad = rebuilder.requires_grad(root)
    told += [f"gradient {grad}"] * (grad is not None)
    return f"{', '.join(told)} ({rebuilder.effort.used} steps)"


def tensors() -> Told:
    """Every function that makes a tensor, with fewer arguments and with others."""
    for words, value in _cases():
        yield words, _tensor(value)


def called(name: str, *args: Any) -> Thing:
    return Thing(f"{U}{name}", *args)


def _cases() -> Iterator[tuple[str, Any]]:
    for value in (None, 3, "text", [1], {"a": 1}, Thing("mine.Net", 1), Thing("torch.mine.Net", 1)):
        yield f"a {value}", value
    usual = (Stored(ONES), 0, (2, 3), (3, 1), False, OrderedDict())
    for name in ("_rebuild_tensor", "_rebuild_tensor_v2"):
        for n in range(7):
            yield f"{name} of {n} arguments", called(name, *usual[:n])
    for flags in ({"neg": True}, {"neg": False}, {"neg": 1}, {"conj": True}, "neg", [("neg", True)]):
        yield f"flags {flags}", called("_rebuild_tensor_v2", *usual, flags)
        typed = (*usual, Named("torch.float32"), flags)
        yield f"typed flags {flags}", called("_rebuild_tensor_v3", *typed)
    more = (*usual, {"neg": True}, {"neg": False})
    yield "flags and more", called("_rebuild_tensor_v2", *more)
    yield "typed flags and more", called("_rebuild_tensor_v3", *usual, Named("torch.float32"), *more[-2:])
    for n in range(5, 8):
        yield (
            f"_rebuild_tensor_v3 of {n} arguments",
            called("_rebuild_tensor_v3", *usual, Named("torch.int32")),
        )
    for kind in ("float32", "float64", "int32", "bool", "bfloat16", "float8_e5m2", "dream", "qint8"):
        stored = Stored(np.arange(48, dtype="uint8"), "torch.UntypedStorage")
        yield f"bytes as {kind}", called("_rebuild_tensor_v3", stored, *usual[1:], Named(f"torch.{kind}"))
    yield "a type that is text", called("_rebuild_tensor_v3", *usual, "float32")
    for dtype in torch_making.KINDS:
        array = np.array([[1, 2, 3], [4, 5, 6]], dtype)
        yield f"of {dtype}", tensor(array)
        yield f"of {dtype} with another sign", tensor(array, None, None, 0, {"neg": True})
    for kind in ("BoolStorage", "QUInt8Storage", "DreamStorage", "_UntypedStorage"):
        flagged = tensor(Stored(np.arange(6, dtype="uint8"), f"torch.{kind}"), (2, 3), None, 0, {"neg": True})
        yield f"in a {kind}", tensor(Stored(np.arange(6, dtype="uint8"), f"torch.{kind}"), (2, 3))
        yield f"in a {kind} with another sign", flagged
    held = Stored(ONES)
    for shape, strides, offset in (
        ((2, 3), (3, 1), 0),
        ((2, 3), (3, 1), 1),
        ((2, 2), (3, 1), 1),
        ((3, 2), (1, 3), 0),
        ((2,), (5,), 0),
        ((2,), (6,), 0),
        ((2, 3), (0, 1), 0),
        ((), (), 5),
        ((), (), 6),
        ((0, 3), (3, 1), 0),
        ((2,), (-1,), 1),
        ((2,), (1, 1), 0),
        ((-1,), (1,), 0),
        ((2,), (1,), -1),
        ([2], [1], 0),
        ("ab", (1,), 0),
        ((2,), None, 0),
        ((2,), (1,), "0"),
        ((2,), (1,), True),
        ((2,), (1,), None),
    ):
        args = (held, offset, shape, strides)
        yield f"{shape} {strides} from {offset}", called("_rebuild_tensor_v2", *args)
    yield "in no storage", called("_rebuild_tensor_v2", 5, *usual[1:])
    yield "in another object", called("_rebuild_tensor_v2", Thing("mine.Net"), *usual[1:])
    yield (
        "in a storage from no text",
        called("_rebuild_tensor_v2", Thing("torch.storage._load_from_bytes"), *usual[1:]),
    )
    yield from _wrapped()
    yield from _quantised()
    yield from _sparse()


def _wrapped() -> Iterator[tuple[str, Any]]:
    plain = tensor(ONES)
    for name in (
        "_rebuild_parameter",
        "_rebuild_parameter_with_state",
        "_rebuild_device_tensor_from_cpu_tensor",
    ):
        for more in ((), (True,), (False,), (1,), (True, OrderedDict())):
            yield f"{name} {more}", called(name, plain, *more)
        yield f"{name} of nothing", called(name)
        yield f"{name} of a class", called(name, Named("torch.Tensor"), plain, True)
        yield f"{name} of a number", called(name, 5)
    for name in ("Parameter", "Variable", "Buffer", "Dream"):
        yield name, Thing(f"torch.nn.{name}", plain, True)
        yield f"somebody's {name}", Thing(f"mine.{name}", plain, True)
    for depth in range(6, 11):
        value, other = plain, plain
        for _ in range(depth):
            value, other = called("_rebuild_parameter", value, True), Thing("torch.nn.Variable", other, True)
        yield f"{depth} parameters", value
        marked = called("_rebuild_parameter", plain, True)
        for _ in range(depth):
            marked = Thing("torch.nn.Variable", marked)
        yield f"a parameter in {depth} variables", marked
    subclass = (
        Named("torch._utils._rebuild_tensor_v2"),
        Named("mine.Own"),
        (Stored(ONES), 0, (2, 3), (3, 1)),
    )
    for name in ("_rebuild_from_type", "_rebuild_from_type_v2"):
        for n in range(4):
            yield f"{name} of {n} arguments", Thing(f"torch._tensor.{name}", *subclass[:n])
        yield f"{name} of text", Thing(f"torch._tensor.{name}", "text", *subclass[1:])
        yield f"{name} with arguments that are none", Thing(f"torch._tensor.{name}", *subclass[:2], 5)
    inner = (Named("torch._utils._rebuild_wrapper_subclass"), Named("mine.Own"), (Named("mine.DTensor"),))
    for state in ({}, {"_local_tensor": plain}, {"_local_tensor": 5}, "text"):
        yield (
            f"a part {state and 'with ' + str(type(state))} {state == {'_local_tensor': 5}}",
            Thing("torch._tensor._rebuild_from_type_v2", *inner, state),
        )
    yield "no part", Thing("torch._tensor._rebuild_from_type_v2", *inner)
    yield (
        "another's part",
        Thing("torch._tensor._rebuild_from_type_v2", *subclass, {"_local_tensor": tensor(KERNEL)}),
    )
    for name in ("_rebuild_meta_tensor_no_storage", "_rebuild_nested_tensor", "_rebuild_wrapper_subclass"):
        for args in ((), (Named("torch." + "x" * 50),), (1, (2, 3)), (1, 5)):
            yield f"{name} {len(args)} {args[1:]}", called(name, *args)
    for name in ("_rebuild_device_tensor_from_numpy", "_rebuild_xla_tensor", "_rebuild_mlc_tensor"):
        yield f"{name} of an array", called(name, ONES, Named("torch.float32"), "xla:0", False)
        yield f"{name} of a number", called(name, 5)
        yield f"{name} of nothing", called(name)
    for name in ("UninitializedParameter", "UninitializedBuffer"):
        yield name, Thing(f"torch.nn.parameter.{name}", 1)
    yield from (("an array", ONES), ("a number of numpy's", np.float32(2.5)))


def _quantised() -> Iterator[tuple[str, Any]]:
    affine, channels = Named("torch.per_tensor_affine"), Named("torch.per_channel_affine")
    head = (Stored(SMALL, "torch.QInt8Storage"), 0, (2, 3), (3, 1))
    for n in range(5):
        yield f"quantised of {n} arguments", called("_rebuild_qtensor", *head[:n])
    for told in (
        (affine, 0.5, 0),
        (affine, 0.5, 1),
        (affine, 0.5),
        (affine, 0.5, 1, 0),
        (affine, None, 1),
        (affine, 0.5, None),
        (affine, 1e300, 0),
        (affine, -1e300, 0),
        (affine, 9.9e299, 0),
        (affine, True, 0),
        ("per_tensor_affine", 0.5, 1),
        (),
        (Named("torch." + "x" * 50), 0.5, 1),
        5,
        (affine, float("nan"), 0),
    ):
        words = [getattr(one, "path", one) for one in told] if type(told) is tuple else told
        yield f"quantised {words}", called("_rebuild_qtensor", *head, told)
    rest = (False, OrderedDict())
    for kind, array in (
        ("QUInt8Storage", np.array([250, 3, 1, 0, 9, 7], "uint8")),
        ("FloatStorage", ONES),
        ("DreamStorage", ONES),
    ):
        stored = Stored(array, f"torch.{kind}")
        yield f"quantised in a {kind}", called("_rebuild_qtensor", stored, *head[1:], (affine, 0.5, 3), *rest)
    two, three = np.array([0.5, 2.0]), np.array([1.0, 2.0, 4.0])
    for scales, zeros, axis in (
        (two, two, 0),
        (three, three, 1),
        (two, two, 1),
        (two, three, 0),
        (three, two, 0),
        (two, two, 2),
        (two, two, -1),
        (two, two, True),
        (three, three, True),
        (two, two, None),
        (two[:1], two[:1], 0),
    ):
        told = (channels, tensor(scales), tensor(zeros.astype("int64")), axis)
        yield f"channels {scales} {zeros} {axis}", quantised(SMALL, *told)
    yield "channels in lists", quantised(SMALL, channels, [0.5, 2.0], [1, 0], 0)
    wide = Stored(np.array([16_777_219, -9], "int32"), "torch.QInt32Storage")
    told = (channels, [1.0, 1 / 3], [16_777_217, 0], 0)
    yield "channels in lists of many digits", called("_rebuild_qtensor", wide, 0, (2,), (1,), told)
    yield "channels in odd lists", quantised(SMALL, channels, [0.5, None], [1, 0], 0)
    yield "channels in no lists", quantised(SMALL, channels, 0.5, 1, 0)
    yield (
        "channels of complex numbers",
        quantised(SMALL, channels, tensor(two.astype("complex64")), [1, 0], 0),
    )
    yield (
        "channels of unsigned numbers",
        quantised(SMALL, channels, [0.5, 2.0], tensor(np.array([1, 0], "uint8")), 0),
    )
    yield "channels of three facts", quantised(SMALL, channels, [0.5, 2.0], [1, 0])
    yield (
        "float channels",
        quantised(SMALL, Named("torch.per_channel_affine_float_qparams"), [0.5, 2.0], [1.5, 0.0], 0),
    )
    inner: Any = quantised(SMALL, affine, 0.5, 0)
    for depth in range(5, 10):
        value = inner
        for _ in range(depth):
            value = quantised(SMALL, channels, value, [1, 0], 0)
        yield f"{depth} in one another", value


def _sparse() -> Iterator[tuple[str, Any]]:
    def sparse(layout: str, *parts: Any, size: Any = (2, 3)) -> Thing:
        word = Thing("torch.serialization._get_layout", layout)
        return called("_rebuild_sparse_tensor", word, (*parts, size))

    def whole(*values: Any, dtype: str = "int64") -> Thing:
        return tensor(np.array(values, dtype))

    places = whole([0, 1, 1], [2, 0, 0])
    values = tensor(np.array([1.0, 2.0, 4.0], "float32"))
    for layout in (
        "torch.sparse_coo",
        "sparse_coo",
        "torch.sparse_csr",
        "torch.sparse_csc",
        "torch.sparse_bsr",
        "",
    ):
        yield f"layout {layout} of two", sparse(layout, places, values)
        yield f"layout {layout} of three", sparse(layout, whole(0, 1, 3), whole(2, 0, 1), values)
        yield f"layout {layout} of one", sparse(layout, places)
    yield "no layout", called("_rebuild_sparse_tensor")
    yield (
        "a layout alone",
        called("_rebuild_sparse_tensor", Thing("torch.serialization._get_layout", "torch.sparse_coo")),
    )
    yield (
        "a layout that is text",
        called("_rebuild_sparse_tensor", "torch.sparse_coo", (places, values, (2, 3))),
    )
    for size in (
        (2, 3), (1, 3), (2, 2), (3, 3), (2,), (2, 3, 4), 5, [2, 3], Thing("torch.Size", [2, 3]),
        Thing("torch.Size"), (), Thing("torch.Size", ()),
    ):  # fmt: skip
        yield f"size {size}", sparse("torch.sparse_coo", places, values, size=size)
        yield (
            f"rows of size {size}",
            sparse("torch.sparse_csr", whole(0, 1, 3), whole(2, 0, 1), values, size=size),
        )
    for odd in (
        whole([0, 1, 1]),
        whole([0, 1], [2, 0]),
        whole([0, -1, 1], [2, 0, 0]),
        whole([0.0, 1, 1], [2, 0, 0], dtype="float32"),
        whole(0, 1, 1),
        whole([0, 1, 1], [2, 0, 3]),
        whole([0, 1, 1], [1, 0, 1], dtype="uint8"),
        5,
        Stored(ONES),
    ):
        words = odd.args[0].array.tolist() if isinstance(odd, Thing) else type(odd).__name__
        yield f"places {words}", sparse("torch.sparse_coo", odd, values)
    number = tensor(np.array(1.0, "float32"))
    yield "a number", sparse("torch.sparse_coo", tensor(np.zeros((0, 1), "int64"), (0, 1)), number, size=())
    rows = tensor(np.arange(6, dtype="float32").reshape(3, 2))
    yield "a place for each row", sparse("torch.sparse_coo", whole([2, 0, 2]), rows, size=(4, 2))
    yield "a place for no row", sparse("torch.sparse_coo", whole([2, 0, 2]), rows, size=(4, 3))
    yield (
        "no places",
        sparse("torch.sparse_coo", tensor(np.zeros((0, 1), "int64"), (0, 1)), tensor(ONES[:1]), size=(3,)),
    )
    yield (
        "nothing",
        sparse("torch.sparse_coo", tensor(np.zeros((2, 0), "int64")), tensor(np.zeros(0, "float32"))),
    )
    lost = called("_rebuild_meta_tensor_no_storage", 1, (3,))
    yield "lost places", sparse("torch.sparse_coo", lost, values)
    yield "lost values", sparse("torch.sparse_csr", whole(0, 1, 3), whole(2, 0, 1), lost)
    yield "no values", sparse("torch.sparse_csr", whole(0, 1, 3), whole(2, 0, 1), "text")
    for starts, where in (
        ((0, 1, 3), (2, 0, 3)),
        ((0, 1, 3), (2, -1, 1)),
        ((0, 1, 2), (2, 0, 1)),
        ((0, 3, 1), (2, 0, 1)),
        ((0, 4, 3), (2, 0, 1)),
        ((1, 2, 4), (2, 0, 1)),
        ((0, 3), (2, 0, 1)),
        ((0, 1, 2, 3), (1, 0, 1)),
        ((0, 0, 3), (2, 0, 2)),
        ((0, 1, 3), (2, 0)),
    ):
        yield f"rows {starts} {where}", sparse("torch.sparse_csr", whole(*starts), whole(*where), values)
        yield f"columns {starts} {where}", sparse("torch.sparse_csc", whole(*starts), whole(*where), values)
    yield (
        "rows of real numbers",
        sparse("torch.sparse_csr", whole(0, 1, 3, dtype="float32"), whole(2, 0, 1), values),
    )
    yield (
        "places of real numbers",
        sparse("torch.sparse_csr", whole(0, 1, 3), whole(2, 0, 1, dtype="float32"), values),
    )
    yield (
        "rows of none",
        sparse(
            "torch.sparse_csr",
            whole(0),
            tensor(np.zeros(0, "int64")),
            tensor(np.zeros(0, "float32")),
            size=(0, 3),
        ),
    )
    many = tensor(Stored(np.ones(1, "float32")), (1 << 14,), (0,))
    where = tensor(Stored(np.zeros(1, "int64")), (2, 1 << 14), (0, 0))
    yield "zeros for numbers that are one", sparse("torch.sparse_coo", where, many, size=(1 << 12, 4100))
    for n in (4096, 4097, 1 << 15):
        yield (
            f"zeros of {n} times {n}",
            sparse("torch.sparse_coo", whole([0], [0]), tensor(np.ones(1, "float32")), size=(n, n)),
        )
