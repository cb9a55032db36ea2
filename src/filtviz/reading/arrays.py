"""`Record` → array, lazily: the only place where bytes of a file become numpy arrays.

An array is known by its shape and type first (`StoredArray`); its bytes are looked at when it is read. It is
rebuilt from a type of a closed table, a shape that is checked against the bytes that are there, and those
bytes: a view of the file where the file holds them as they are. Theano's variables are arrays with a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import MalformedFileError
from filtviz.parameter import Parameter
from filtviz.reading.limits import Limits
from filtviz.reading.pickle.records import (
    Blob,
    Global,
    Record,
    attributes,
    class_name,
    elements,
    name_of,
    raw_bytes,
    string_of,
    text,
)
from filtviz.reading.stretch import Buffer, Stretch, View
from filtviz.text import plural

__all__ = [
    "MOST_AXES",
    "OBJECT",
    "AnyArray",
    "ComputedArray",
    "ElementType",
    "StoredArray",
    "as_array",
    "count",
    "dtype_of_code",
    "dtype_of_record",
    "is_variable",
    "narrow_dtype",
    "number_by_number",
    "object_items",
    "parameter_of",
    "shape_of",
    "stored",
    "strided",
    "value_of",
    "variable_name",
]

ElementType = np.dtype[Any]

OBJECT: ElementType = np.dtype(object)
"""The mark of an array whose items are objects of the pickle; it is never given to numpy as memory."""

_CODES = {
    **{f"f{size}": f"f{size}" for size in (2, 4, 8)},
    **{f"{kind}{size}": f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)},
    **{"b1": "b1", "?": "b1", "O": "O", "O4": "O", "O8": "O"},
    **{"e": "f2", "f": "f4", "d": "f8", "b": "i1", "B": "u1", "h": "i2", "H": "u2", "i": "i4", "I": "u4"},
    **{"q": "i8", "Q": "u8"},
}
"""The code of a type in a file → numpy's own: ``f4`` and its like, and the one-letter codes."""

_ORDERS = {"<": "<", ">": ">", "=": "=", "|": "=", "": "="}
_DESCR = re.compile(r"([<>|=]?)([A-Za-z?]\d{0,2})\Z")


def dtype_of_code(descr: str) -> ElementType | None:
    """Return the type that ``descr`` names (``<f4``, ``|O``), or None where the table has it not."""
    match = _DESCR.match(descr)
    if match is None or match[2] not in _CODES:
        return None
    code = _CODES[match[2]]
    return OBJECT if code == "O" else np.dtype(f"{_ORDERS[match[1]]}{code}")


_NARROW = frozenset(
    {
        "bfloat16", "float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fn", "float8_e4m3fnuz",
        "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu", "int2", "int4", "uint2", "uint4",
    }
)  # fmt: skip
"""Types that numpy has from the package ml_dtypes."""


def narrow_dtype(name: str) -> ElementType | None:
    """Return the type of few bits called ``name`` (``bfloat16``, ``float8_e4m3fn``), or None.

    Each element takes a whole byte or two; numbers of four bits that a file packs must be unpacked.
    """
    if name not in _NARROW:
        return None
    import ml_dtypes

    found = getattr(ml_dtypes, name, None)  # from a closed table, and None before the version that has it
    return None if found is None else np.dtype(found)


def dtype_of_record(value: Any) -> ElementType | None:
    """Return the type that a pickled `numpy.dtype` names, or None where the table has it not.

    The pickle holds ``dtype("f4", 0, 1)`` and, as its state, ``(3, "<", …)``: version and byte order. Types
    of few bits are named by their class, ``dtype(ml_dtypes.bfloat16, 0, 1)``.
    """
    if type(value) is not Record or class_name(value) != "dtype" or not value.args:
        return None
    if type(value.args[0]) is Global and value.args[0].module == "ml_dtypes":
        return narrow_dtype(value.args[0].name)
    code, state = text(value.args[0]), elements(value.state) or []
    order = text(state[1]) if len(state) > 1 else "|"
    if code is None or order not in ("<", ">", "|", "="):
        return None
    return dtype_of_code(order + code.lstrip("<>|="))


MOST_AXES = 32
LARGEST_ARRAY = 1 << 48
"""Elements that no array has, nor would have if its axes of length 0 had 1."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StoredArray:
    """An array of the file: its ``shape`` and ``dtype``, where its elements lie, and how to get the bytes.

    The first element is number ``offset`` of the bytes, and one step along an axis moves on by that axis's
    number of ``strides``; both count elements.
    """

    shape: tuple[int, ...]
    dtype: ElementType
    strides: tuple[int, ...]
    bytes: Callable[[], Buffer | View]
    offset: int = 0

    @property
    def nbytes(self) -> int:
        """The number of bytes that the array's elements take."""
        return count(self.shape) * self.dtype.itemsize

    @property
    def stop(self) -> int:
        """The number of bytes that the file must have for it: where its last element ends."""
        if 0 in self.shape:
            return 0
        last = sum((length - 1) * step for length, step in zip(self.shape, self.strides, strict=True))
        return (self.offset + last + 1) * self.dtype.itemsize

    def read(self) -> NDArray[Any]:
        """Return the array: its bytes are read here where they are still on disk.

        Raises:
            MalformedFileError: the file has not the bytes that the shape needs.
            FileAccessError: it is no longer the file that was opened.
        """
        buffer = self.bytes()
        if len(buffer) < self.stop:
            raise MalformedFileError(
                f"an array of shape {self.shape} needs {plural(self.stop, 'byte')}; the file has "
                f"{len(buffer):,}"
            )
        if not self.nbytes:
            return np.empty(self.shape, self.dtype)
        size = self.dtype.itemsize
        start = self.offset * size
        if isinstance(buffer, Stretch):
            buffer, start = buffer.held(start, self.stop), 0
        return np.ndarray(self.shape, self.dtype, buffer, start, [step * size for step in self.strides])


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ComputedArray:
    """An array that the file holds in another form, packed or in parts: ``read`` computes it.

    As where the network runs, a number that is too large for its type becomes an infinity.
    """

    shape: tuple[int, ...]
    dtype: ElementType
    read: Callable[[], NDArray[Any]]

    def __post_init__(self) -> None:
        quiet = np.errstate(over="ignore", invalid="ignore", divide="ignore")
        object.__setattr__(self, "read", quiet(self.read))

    @property
    def nbytes(self) -> int:
        """The number of bytes that the array's elements take."""
        return count(self.shape) * self.dtype.itemsize


AnyArray = StoredArray | ComputedArray


def number_by_number(compute: Callable[..., Any], dtype: ElementType, *arrays: NDArray[Any]) -> NDArray[Any]:
    """Return what is computed of the numbers of arrays in double precision, in another type.

    Of few numbers at a time: all those of an array of bytes would take eight times its memory, or more.

    Args:
        compute: Gets a piece of each array, all of one length, and returns as many numbers.
        dtype: The type to round to.
        arrays: The arrays, of shapes that broadcast.
    """
    operands: list[Any] = [*arrays, None]
    ways: Any = [["readonly"]] * len(arrays) + [["writeonly", "allocate"]]
    pieces = np.nditer(
        operands,
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=ways,
        op_dtypes=[np.dtype(np.float64)] * len(arrays) + [dtype],
        casting="unsafe",
        buffersize=_AT_A_TIME,
    )
    with pieces:
        for *parts, found in pieces:
            found[...] = compute(*parts)
        return np.asarray(pieces.operands[-1])


_AT_A_TIME = 1 << 14


def count(shape: Sequence[int]) -> int:
    """Return the number of elements of a shape, exactly."""
    total = 1
    for length in shape:
        total *= length
    return total


def shape_of(value: Any) -> tuple[int, ...] | None:
    """Return an object of the file as a shape, or None where it is none."""
    lengths = elements(value)
    if lengths is None and type(value) is int:
        lengths = [value]
    if lengths is None or len(lengths) > MOST_AXES:
        return None
    sane = all(type(length) is int and 0 <= length <= LARGEST_ARRAY for length in lengths)
    return tuple(lengths) if sane else None


def stored(
    shape: tuple[int, ...], dtype: ElementType, fortran: bool, present: int, read: Callable[[], Buffer | View]
) -> StoredArray:
    """Describe an array after checking its shape against the ``present`` bytes.

    Raises:
        MalformedFileError: the shape needs more bytes than are there.
    """
    if len(shape) > MOST_AXES:
        raise MalformedFileError(
            f"an array says that it has {len(shape)} axes; none has more than {MOST_AXES}"
        )
    if count([length or 1 for length in shape]) > LARGEST_ARRAY:
        raise MalformedFileError(f"an array says that its shape is {shape}")
    strides = _packed(shape[::-1])[::-1] if fortran else _packed(shape)
    array = StoredArray(shape=shape, dtype=dtype, strides=strides, bytes=read)
    if array.nbytes > present:
        raise MalformedFileError(
            f"an array of shape {shape} and type {dtype} needs {plural(array.nbytes, 'byte')}; there are "
            f"{present:,}"
        )
    return array


def _packed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of an array in C order without gaps."""
    strides, step = [], 1
    for length in reversed(shape):
        strides.append(step)
        step *= length
    return tuple(reversed(strides))


def strided(
    shape: tuple[int, ...],
    dtype: ElementType,
    strides: tuple[int, ...],
    offset: int,
    present: int,
    read: Callable[[], Buffer | View],
    limits: Limits,
) -> StoredArray:
    """Describe an array that lies in the bytes in any way: permuted, cut out of another one, or repeated.

    Args:
        shape: Its lengths.
        dtype: The type of its elements.
        strides: Elements that one step along each axis moves on.
        offset: The number of its first element.
        present: The bytes that are there.
        read: What gets them.
        limits: How much may be copied: elements that are repeated can be more than the file has.

    Raises:
        MalformedFileError: it reaches beyond the bytes that are there.
        LimitError: it repeats its elements too often.
    """
    array = StoredArray(shape=shape, dtype=dtype, strides=strides, bytes=read, offset=offset)
    sane = len(strides) == len(shape) <= MOST_AXES and min((offset, *shape, *strides)) >= 0
    if not sane or count([length or 1 for length in shape]) > LARGEST_ARRAY or array.stop > present:
        raise MalformedFileError(
            f"an array of shape {shape}, strides {strides} and type {dtype} from element {offset} on does "
            f"not lie in the {present:,} bytes that it says it does"
        )
    if array.nbytes > present:
        limits.check_growth(array.nbytes, present, "an array in it, which repeats its elements,")
    return array


def as_array(value: Any, limits: Limits) -> StoredArray | None:
    """Return an object of the file as an array, or None where it is none, or one of objects.

    Raises:
        MalformedFileError: it is an array that says of itself what cannot be.
    """
    for _ in range(limits.nesting):  # an array of a graphics card is wrapped in a call
        if type(value) is StoredArray:
            return value
        if type(value) is not Record:
            return None
        if type(value.state) is StoredArray:
            return value.state
        if not (_name(value) in _GPU_ARRAYS and value.args):
            break
        value = value.args[0]
    reader = _READERS.get(_name(value))
    return None if reader is None else reader(value, limits)


def is_variable(value: Any) -> bool:
    """Tell a variable of Theano's (shared, constant or symbolic) by its class."""
    return type(value) is Record and class_name(value).endswith(("Variable", "Constant"))


def variable_name(value: Any) -> str | None:
    """Return the name that a variable has in its program (``conv1.W``)."""
    return name_of(attributes(value).get("name")) if is_variable(value) else None


def value_of(value: Any, limits: Limits) -> StoredArray | None:
    """Return the array that a variable holds, or that ``value`` is itself, or None where there is none.

    A shared variable keeps it as ``container.storage[0]``, a constant as ``data``; on a graphics card it is
    wrapped once more.
    """
    array = as_array(value, limits)
    if array is not None or not is_variable(value):
        return array
    facts = attributes(value)
    storage = elements(attributes(facts.get("container")).get("storage"))
    return as_array(storage[0] if storage else facts.get("data"), limits)


def object_items(value: Any) -> Sequence[Any] | None:
    """Return the items of a pickled array of objects, in C order, or None where it is none."""
    if type(value) is Record and _name(value) in _RECONSTRUCT:
        state = _array_state(value)
        if state is not None and dtype_of_record(state[1]) is OBJECT:
            return elements(state[3])
    return None


def _name(value: Record) -> str:
    return value.maker.name if type(value.maker) is Global else ""


def _array_state(value: Record) -> Sequence[Any] | None:
    """Return ``[shape, dtype, is_fortran, data]``, before which numpy may write a version."""
    of_jax = _name(value) == "_reconstruct_array" and len(value.args) > 2
    state = elements(value.args[2] if of_jax else value.state)
    return state[-4:] if state is not None and len(state) in (4, 5) else None


def _reconstructed(value: Record, limits: Limits) -> StoredArray | None:
    """Read ``_reconstruct(ndarray, (0,), "b")`` and its state, as numpy has written arrays ever since.

    JAX hands the same to a function of its own: ``_reconstruct_array(_reconstruct, (…), state, facts)``.
    """
    state = _array_state(value)
    if state is None:
        return None
    shape, dtype = shape_of(state[0]), dtype_of_record(state[1])
    if shape is None or dtype is None or dtype is OBJECT:
        return None
    return _of_bytes(shape, dtype, state[2] == 1, state[3], limits)


def _from_buffer(value: Record, limits: Limits) -> StoredArray | None:
    """Read ``_frombuffer(data, dtype, shape, order[, axis_order])``, as numpy writes at protocol 5."""
    if len(value.args) not in (4, 5):
        return None
    data, dtype, shape = value.args[0], dtype_of_record(value.args[1]), shape_of(value.args[2])
    if shape is None or dtype is None or dtype is OBJECT:
        return None
    axes = elements(value.args[4]) if len(value.args) == 5 else None
    if axes is None:
        return _of_bytes(shape, dtype, value.args[3] == "F", data, limits)
    if any(type(axis) is not int for axis in axes) or sorted(axes) != list(range(len(shape))):
        raise MalformedFileError(f"an array of {len(shape)} axes says that it has others")
    # numpy stores the transposed array's shape and the axes that turn it back.
    turned = _of_bytes(shape, dtype, False, data, limits)
    return StoredArray(
        shape=tuple(shape[axis] for axis in axes),
        dtype=dtype,
        strides=tuple(turned.strides[axis] for axis in axes),
        bytes=turned.bytes,
    )


def _scalar(value: Record, limits: Limits) -> StoredArray | None:
    """Read ``scalar(dtype, data)``: one number of numpy's."""
    dtype = dtype_of_record(value.args[0]) if len(value.args) == 2 else None
    return None if dtype is None or dtype is OBJECT else _of_bytes((), dtype, False, value.args[1], limits)


def _of_bytes(
    shape: tuple[int, ...], dtype: ElementType, fortran: bool, data: Any, limits: Limits
) -> StoredArray:
    data = string_of(data)
    present = _stretch(data)

    def read() -> Buffer:
        if type(data) is not Blob or data.coding not in ("bytes", "latin-1"):
            limits.check("allocation", present, f"an array in it is written as {present:,} bytes of text")
        found = raw_bytes(data)
        if found is None:
            raise MalformedFileError(f"the bytes of an array of shape {shape} are not in the file")
        return found

    return stored(shape, dtype, fortran, present, read)


def _stretch(data: Any) -> int:
    """Return the most bytes that a string of the file can stand for."""
    if type(data) is Blob:
        return len(data.view)
    return len(data) if type(data) in (str, bytes) else 0


_GPU_ARRAYS = frozenset({"CudaNdarray_unpickler", "GpuArray_unpickler"})
_RECONSTRUCT = frozenset({"_reconstruct"})
_READERS: dict[str, Callable[[Record, Limits], StoredArray | None]] = {
    "_reconstruct": _reconstructed,
    "_reconstruct_array": _reconstructed,
    "_frombuffer": _from_buffer,
    "scalar": _scalar,
}
"""The function that makes an array again → what reads its arguments; numpy's module has had many names."""


def parameter_of(name: str, array: AnyArray, source: str) -> Parameter:
    """Wrap an array of the file as a parameter that is read when it is asked for."""
    return Parameter(name=name, shape=array.shape, dtype=array.dtype, read=array.read, source=source)
