"""Tensors: what a pickle of PyTorch's would call to rebuild one → an array of the file.

``torch._utils._rebuild_tensor_v2(storage, offset, size, stride, …)`` and its kin are looked up by name in a
table, and only their arguments are read. A tensor whose values cannot be told is `Lost`, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import MalformedFileError
from filtviz.reading.arrays import (
    AnyArray,
    ComputedArray,
    StoredArray,
    as_array,
    count,
    number_by_number,
    shape_of,
)
from filtviz.reading.formats.torch.older_files import load_from_bytes
from filtviz.reading.formats.torch.storages import OldTensor, Storage, element_type
from filtviz.reading.limits import Spending
from filtviz.reading.pickle.opcodes import PERSISTENT
from filtviz.reading.pickle.records import Global, Items, Record, elements, text
from filtviz.reading.quantised import meant_by
from filtviz.text import printable

__all__ = ["QUANTISED", "Lost", "Rebuilder", "dequantised"]

QUANTISED = "quantised weights are shown as the numbers that they stand for, in single precision"

_DEEPEST = 8
"""Calls around a tensor (a parameter of a subclass of a …), up to which it is looked for."""


@dataclass(frozen=True, kw_only=True)
class Lost:
    """A tensor without values that can be read; ``reason`` completes "it …"."""

    reason: str


Found = AnyArray | Lost
Numbers = NDArray[np.float64] | np.float64

_UNINITIALISED = Lost(reason="was never initialised: the model has not seen an input yet")


class Rebuilder:
    """Rebuilds the tensors of one object; those that are dequantised and made dense are told apart."""

    def __init__(
        self, memory: Callable[[Record], Storage | OldTensor | None], steps: Spending, effort: Spending
    ) -> None:
        self.memory = memory
        self.steps = steps
        self.effort = effort
        self.limits = effort.limits
        self._found: dict[int, Found | None] = {}
        self._strings: dict[int, Storage] = {}
        self._depth = 0
        self.quantised: set[int] = set()
        self.sparse: set[int] = set()

    def tensor(self, value: Any) -> Found | None:
        """Return a tensor, or an array of numpy's, or None where ``value`` is neither.

        Raises:
            MalformedFileError: it is a tensor that says of itself what cannot be.
        """
        if type(value) is StoredArray:
            return value
        if type(value) is not Record:
            return None
        key = id(value)
        if key not in self._found:
            if self._depth >= _DEEPEST:
                raise MalformedFileError("a tensor in it is made of tensors that are made of tensors")
            self._depth += 1
            self._found[key] = self._rebuild(value)
            self._depth -= 1
        return self._found[key]

    def requires_grad(self, value: Any) -> bool | None:
        """Return whether a parameter says that training is to move it, None for what does not say."""
        for _ in range(_DEEPEST):
            name = _torchs(value) if type(value) is Record else ""
            if name in _PARAMETERS:
                told = value.args[1] if len(value.args) > 1 else None
                return told if type(told) is bool else None
            if name not in _WRAPPERS:
                return None
            value = _WRAPPERS[name](value)
        return None

    def _rebuild(self, value: Record) -> Found | None:
        inner: Any = value
        for _ in range(_DEEPEST):
            if type(inner) is not Record:
                return None
            if inner.maker is PERSISTENT:
                return self._viewed(inner)
            name = _torchs(inner)
            if name not in _WRAPPERS:
                break
            inner = _WRAPPERS[name](inner)
        reader = _READERS.get(_torchs(inner)) if type(inner) is Record else None
        if reader is not None:
            return reader(self, inner.args)
        return as_array(inner, self.limits)

    def _viewed(self, record: Record) -> Found | None:
        """Return a tensor of the oldest form, to which a pickle only refers."""
        found = self.memory(record)
        if not isinstance(found, OldTensor):
            return None
        return self._lying(found.storage, found.shape, found.strides, found.offset, "")

    def storage(self, value: Any) -> Storage | None:
        """Return the storage that an object stands for, or None."""
        if type(value) is not Record:
            return None
        if value.maker is PERSISTENT:
            found = self.memory(value)
            return found if isinstance(found, Storage) else None
        if _torchs(value) != "_load_from_bytes" or not value.args:
            return None
        key = id(value)
        if key not in self._strings:
            self._strings[key] = load_from_bytes(value.args[0], self.steps)
        return self._strings[key]

    def _stored(self, args: Sequence[Any], dtype: str = "") -> Found:
        """Read ``(storage, offset, size, stride)``, whose type may be another one than the storage's."""
        storage, shape, strides = self.storage(args[0]), shape_of(args[2]), shape_of(args[3])
        if storage is None or shape is None or strides is None or type(args[1]) is not int:
            raise MalformedFileError("a tensor in it has no storage, no size or no strides")
        return self._lying(storage, shape, strides, args[1], dtype)

    def _lying(
        self, storage: Storage, shape: tuple[int, ...], strides: tuple[int, ...], offset: int, dtype: str
    ) -> Found:
        found = element_type(dtype, big_endian=storage.big_endian) if dtype else storage.dtype
        if found is None:
            word = printable(dtype or storage.kind, 40)
            return Lost(reason=f"holds numbers of the type {word}, which filtviz does not read")
        return storage.array(shape, strides, offset, self.limits, found)

    def _plain(self, args: tuple[Any, ...]) -> Found:
        """Read ``_rebuild_tensor`` and ``_rebuild_tensor_v2``, which adds flags that are mostly empty."""
        if len(args) < 4:
            raise MalformedFileError("a tensor in it has no storage, no size or no strides")
        array = self._stored(args)
        return self._flagged(array, args[6]) if len(args) > 6 else array

    def _typed(self, args: tuple[Any, ...]) -> Found:
        """Read ``_rebuild_tensor_v3``, which tells the type beside a storage that counts bytes."""
        if len(args) < 7 or type(args[6]) is not Global:
            raise MalformedFileError("a tensor in it has no type")
        array = self._stored(args, args[6].name)
        return self._flagged(array, args[7]) if len(args) > 7 else array

    def _flagged(self, array: Found, flags: Any) -> Found:
        """Return what a tensor is that is stored with another sign (``neg``)."""
        named = flags.by_name() if type(flags) is Items else {}
        if named.get("neg") is not True or isinstance(array, Lost):
            return array
        if array.dtype.kind in "bu":
            return Lost(reason="says that its sign is to be changed, and has none")
        return ComputedArray(shape=array.shape, dtype=array.dtype, read=lambda: np.negative(array.read()))

    def _quantised(self, args: tuple[Any, ...]) -> Found:
        """Read ``_rebuild_qtensor(storage, offset, size, stride, (scheme, scale, zero point, …), …)``."""
        if len(args) < 5:
            raise MalformedFileError("a quantised tensor in it does not tell its scale")
        array, told = self._stored(args), elements(args[4]) or ()
        if isinstance(array, Lost) or array.dtype.kind not in "iu":
            return array
        scheme = told[0].name if told and type(told[0]) is Global else ""
        if scheme == "per_tensor_affine" and len(told) == 3:
            scale, zero = _number(told[1]), _number(told[2])
            found: Found = dequantised(array, np.float64(scale), np.float64(zero))
        elif scheme.startswith("per_channel_affine") and len(told) == 4:
            found = self._per_channel(array, told)
        else:
            return Lost(reason=f"is quantised by {printable(scheme or 'a rule', 40)}")
        self.quantised.add(id(found))
        return found

    def _per_channel(self, array: AnyArray, told: Sequence[Any]) -> ComputedArray:
        """Return values whose scales and zero points lie along one axis."""
        scales, zeros, axis = self._vector(told[1]), self._vector(told[2]), told[3]
        fits = type(axis) is int and 0 <= axis < len(array.shape)
        if not fits or scales.shape != (array.shape[axis],) or zeros.shape != scales.shape:
            raise MalformedFileError("a quantised tensor in it has scales that do not fit its shape")
        shape = tuple(-1 if place == axis else 1 for place in range(len(array.shape)))
        return dequantised(array, scales.reshape(shape), zeros.reshape(shape))

    def _vector(self, value: Any) -> NDArray[np.float64]:
        """Return a few numbers: a tensor of them, or a list."""
        found = self.tensor(value)
        if found is not None and not isinstance(found, Lost) and found.dtype.kind in "fiu":
            self.effort.spend(count(found.shape))
            return np.asarray(found.read(), np.float64)
        numbers = [_number(part) for part in elements(value) or ()]
        return np.array(numbers, np.float64)

    def _sparse(self, args: tuple[Any, ...]) -> Found:
        """Read ``_rebuild_sparse_tensor(layout, (indices, values, size))``: coordinates, or rows."""
        layout, parts = args[0] if args else None, elements(args[1]) if len(args) > 1 else None
        word = text(layout.args[0]) if type(layout) is Record and layout.args else ""
        name = (word or "").removeprefix("torch.")
        if name == "sparse_coo" and parts and len(parts) >= 3:
            found = self._coordinates(parts[0], parts[1], _size(parts[2]))
        elif name in ("sparse_csr", "sparse_csc") and parts and len(parts) >= 4:
            found = self._compressed(parts[:3], _size(parts[3]), by_rows=name == "sparse_csr")
        else:
            return Lost(reason=f"is sparse in the layout {printable(name or '?', 40)}")
        if not isinstance(found, Lost):
            self.sparse.add(id(found))
        return found

    def _parts(self, *values: Any) -> list[AnyArray] | Lost:
        found = [self.tensor(value) for value in values]
        arrays = [one for one in found if one is not None and not isinstance(one, Lost)]
        if None in found:
            raise MalformedFileError(
                "a sparse tensor in it has no indices or no values: save it dense, with tensor.to_dense()"
            )
        return next((one for one in found if isinstance(one, Lost)), arrays)

    def _coordinates(self, indices: Any, values: Any, shape: tuple[int, ...]) -> Found:
        parts = self._parts(indices, values)
        if isinstance(parts, Lost):
            return parts
        places, numbers = parts
        n_sparse = places.shape[0] if len(places.shape) == 2 and places.dtype.kind in "iu" else -1
        fits = 0 <= n_sparse <= len(shape) and numbers.shape == (*places.shape[1:], *shape[n_sparse:])
        if not fits:
            raise MalformedFileError("a sparse tensor in it has indices that do not fit its shape")

        def read() -> NDArray[Any]:
            dense = np.zeros(shape, numbers.dtype)
            where = _inside(places.read(), shape[:n_sparse])
            first = np.zeros(where.shape[1], np.int64)  # of one axis more: there may be no sparse one
            np.add.at(dense[np.newaxis], (first, *where), numbers.read())
            return dense

        return self._dense(shape, numbers, read)

    def _compressed(self, parts: Sequence[Any], shape: tuple[int, ...], *, by_rows: bool) -> Found:
        held = self._parts(*parts)
        if isinstance(held, Lost):
            return held
        starts, places, numbers = held
        rows = shape if by_rows else shape[::-1]
        if len(shape) != 2 or len(places.shape) != 1 or places.shape != numbers.shape:
            return Lost(reason="is sparse, and has other than two axes")
        if starts.shape != (rows[0] + 1,) or {starts.dtype.kind, places.dtype.kind} - {"i", "u"}:
            raise MalformedFileError("a sparse tensor in it has indices that do not fit its shape")

        def read() -> NDArray[Any]:
            dense = np.zeros(rows, numbers.dtype)
            edges = np.asarray(starts.read(), np.int64)
            lengths = edges[1:] - edges[:-1]
            if lengths.min(initial=0) < 0 or lengths.sum() != len(places.read()):
                raise MalformedFileError("a sparse tensor in it has indices that do not fit its shape")
            (where,) = _inside(places.read()[np.newaxis], rows[1:])
            np.add.at(dense, (np.repeat(np.arange(rows[0]), lengths), where), numbers.read())
            return dense if by_rows else dense.T

        return self._dense(shape, numbers, read)

    def _dense(
        self, shape: tuple[int, ...], numbers: AnyArray, read: Callable[[], NDArray[Any]]
    ) -> ComputedArray:
        found = ComputedArray(shape=shape, dtype=numbers.dtype, read=read)
        present = min(numbers.nbytes, numbers.stop) if isinstance(numbers, StoredArray) else numbers.nbytes
        self.limits.check_growth(found.nbytes, present, "a sparse tensor in it, whose zeros are written,")
        return found

    def _from_numpy(self, args: tuple[Any, ...]) -> Found | None:
        """Read ``_rebuild_device_tensor_from_numpy(array, type, device, …)``."""
        return as_array(args[0], self.limits) if args else None

    def _wrapped(self, args: tuple[Any, ...]) -> Found:
        named = args[0].name if args and type(args[0]) is Global else "?"
        return Lost(reason=f"is of class {printable(named, 40)}, whose values filtviz cannot tell")


def dequantised(array: AnyArray, scale: Numbers, zero: Numbers) -> ComputedArray:
    """Return the numbers that quantised ones stand for, in single precision.

    Args:
        array: The whole numbers that are stored.
        scale: What one step is, in a shape that broadcasts.
        zero: The whole number that stands for 0, in a shape that broadcasts.
    """

    def read() -> NDArray[Any]:
        return number_by_number(meant_by, single, array.read(), np.asarray(scale), np.asarray(zero))

    single = np.dtype(np.float32)
    return ComputedArray(shape=array.shape, dtype=single, read=read)


def _inside(places: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return indices after checking that they lie within a shape."""
    where = np.asarray(places, np.int64)
    if where.size and ((where < 0).any() or (where.max(axis=1) >= np.array(shape)).any()):
        raise MalformedFileError("a sparse tensor in it has indices that do not fit its shape")
    return where


def _size(value: Any) -> tuple[int, ...]:
    """Return a ``torch.Size``, or a tuple."""
    found = shape_of(value.args[0] if type(value) is Record and value.args else value)
    if found is None:
        raise MalformedFileError("a sparse tensor in it has no size")
    return found


def _number(value: Any) -> float:
    if type(value) in (int, float) and abs(value) < 1e300:
        return float(value)
    raise MalformedFileError("a quantised tensor in it does not tell its scale")


def _torchs(value: Record) -> str:
    """Return the name of the function or class of PyTorch's that makes an object, ``""`` for others."""
    maker = value.cls
    if maker is None or maker.module.partition(".")[0] != "torch":
        return ""
    return maker.name


def _first(value: Record) -> Any:
    """Return what a call is given first, behind the class where that is given too (protocols 0 and 1)."""
    given = [arg for arg in value.args[:2] if type(arg) is not Global]
    return given[0] if given else None


def _of_subclass(value: Record) -> Any:
    """Return the call in ``_rebuild_from_type_v2(function, class, arguments, state)``.

    Of a tensor that is spread over machines, the part that is here.
    """
    if len(value.args) < 3 or type(value.args[0]) is not Global:
        return None
    call = Record(value.args[0], tuple(elements(value.args[2]) or ()))
    if call.maker.name == "_rebuild_wrapper_subclass" and len(value.args) > 3:
        state = value.args[3]
        held = state.by_name() if type(state) is Items else {}
        return held.get("_local_tensor", call)
    return call


_PARAMETERS = frozenset({"_rebuild_parameter", "_rebuild_parameter_with_state"})
"""What is called with a tensor, and with whether it requires a gradient."""

_WRAPPERS: Mapping[str, Callable[[Record], Any]] = {
    "_rebuild_parameter": _first,
    "_rebuild_parameter_with_state": _first,
    "_rebuild_device_tensor_from_cpu_tensor": _first,
    "Parameter": _first,
    "Variable": _first,
    "Buffer": _first,
    "_rebuild_from_type": _of_subclass,
    "_rebuild_from_type_v2": _of_subclass,
}
"""What is called with a tensor → what tells the tensor."""

_READERS: Mapping[str, Callable[[Rebuilder, tuple[Any, ...]], Found | None]] = {
    "_rebuild_tensor": Rebuilder._plain,
    "_rebuild_tensor_v2": Rebuilder._plain,
    "_rebuild_tensor_v3": Rebuilder._typed,
    "_rebuild_qtensor": Rebuilder._quantised,
    "_rebuild_sparse_tensor": Rebuilder._sparse,
    "_rebuild_meta_tensor_no_storage": lambda *_: Lost(
        reason="lies on the meta device: the file has its shape, not its values"
    ),
    "_rebuild_device_tensor_from_numpy": Rebuilder._from_numpy,
    "_rebuild_xla_tensor": Rebuilder._from_numpy,
    "_rebuild_mlc_tensor": Rebuilder._from_numpy,
    "_rebuild_nested_tensor": lambda *_: Lost(reason="is nested: its rows have different lengths"),
    "_rebuild_wrapper_subclass": Rebuilder._wrapped,
    "UninitializedParameter": lambda *_: _UNINITIALISED,
    "UninitializedBuffer": lambda *_: _UNINITIALISED,
}
"""PyTorch's function → what reads its arguments."""
