"""Pickles written opcode by opcode, since no honest pickler writes what an attack needs."""

from __future__ import annotations

import struct

import numpy as np

KERNELS = np.arange(18, dtype="<f4").reshape(2, 1, 3, 3)
"""The weights that hostile files carry beside the attack, to show that they are read all the same."""

MARK, STOP, POP, DUP, TUPLE, LIST, DICT = b"(", b".", b"0", b"2", b"t", b"l", b"d"
REDUCE, BUILD, APPEND, APPENDS, SETITEM, SETITEMS = b"R", b"b", b"a", b"e", b"s", b"u"
NONE, EMPTY_LIST, EMPTY_DICT, EMPTY_TUPLE = b"N", b"]", b"}", b")"
NEWOBJ, TUPLE1, TUPLE2, TUPLE3, STACK_GLOBAL, MEMOIZE = b"\x81", b"\x85", b"\x86", b"\x87", b"\x93", b"\x94"


def named(module: str, name: str) -> bytes:
    """GLOBAL."""
    return f"c{module}\n{name}\n".encode()


def text(value: str) -> bytes:
    """SHORT_BINUNICODE or BINUNICODE."""
    encoded = value.encode("utf-8", "surrogatepass")
    head = b"\x8c" + bytes([len(encoded)]) if len(encoded) < 256 else b"X" + struct.pack("<I", len(encoded))
    return head + encoded


def whole(value: int) -> bytes:
    """BININT or, where it is larger, LONG1."""
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def real(value: float) -> bytes:
    """BINFLOAT."""
    return b"G" + struct.pack(">d", value)


def raw(value: bytes) -> bytes:
    """BINBYTES."""
    return b"B" + struct.pack("<I", len(value)) + value


def put(place: int) -> bytes:
    """LONG_BINPUT."""
    return b"r" + struct.pack("<I", place)


def get(place: int) -> bytes:
    """LONG_BINGET."""
    return b"j" + struct.pack("<I", place)


def group(*parts: bytes) -> bytes:
    """A tuple."""
    return MARK + b"".join(parts) + TUPLE


def listed(*parts: bytes) -> bytes:
    """A list."""
    return EMPTY_LIST + MARK + b"".join(parts) + APPENDS


def mapped(**entries: bytes) -> bytes:
    """A dictionary whose keys are names."""
    return EMPTY_DICT + MARK + b"".join(text(key) + value for key, value in entries.items()) + SETITEMS


def called(module: str, name: str, *args: bytes) -> bytes:
    """What a file would call, with what."""
    return named(module, name) + group(*args) + REDUCE


def thing(module: str, cls: str, /, **state: bytes) -> bytes:
    """An object with attributes."""
    return named(module, cls) + EMPTY_TUPLE + NEWOBJ + mapped(**state) + BUILD


def shape(*lengths: int) -> bytes:
    return group(*map(whole, lengths))


def dtype(code: str, order: str = "<") -> bytes:
    state = group(whole(3), text(order), NONE, NONE, NONE, whole(-1), whole(-1), whole(0))
    return called("numpy", "dtype", text(code), whole(0), whole(1)) + state + BUILD


def array(lengths: bytes, elements: bytes, data: bytes, fortran: bytes = b"\x89") -> bytes:
    """An array of numpy's with any shape, type and data."""
    made = called("numpy.core.multiarray", "_reconstruct", named("numpy", "ndarray"), shape(0), raw(b"b"))
    return made + group(whole(1), lengths, elements, fortran, data) + BUILD


def weights(values: np.ndarray = KERNELS) -> bytes:
    return array(
        shape(*values.shape), dtype(values.dtype.str[1:], values.dtype.str[0]), raw(values.tobytes())
    )


def pickled(*parts: bytes, protocol: int = 4) -> bytes:
    """A whole pickle."""
    return b"\x80" + bytes([protocol]) + b"".join(parts) + STOP


def beside_weights(*attacks: bytes) -> bytes:
    """A list of the attacks and, behind them, weights."""
    return pickled(listed(*attacks, weights(), weights(np.zeros(2, "<f4"))))


def layer(cls: str, below: bytes | None = None, /, **state: bytes) -> bytes:
    """A layer of Lasagne's."""
    inputs = {} if below is None else {"input_layer": below}
    return thing("lasagne.layers.some", cls, **inputs, **state)


def image(*lengths: int) -> bytes:
    return layer("InputLayer", shape=group(NONE, *map(whole, lengths)))


def convolution(below: bytes, /, **state: bytes) -> bytes:
    """A convolution, every attribute of which may be replaced."""
    facts = {
        "W": weights(),
        "num_filters": whole(2),
        "filter_size": shape(3, 3),
        "stride": shape(1, 1),
        "pad": shape(0, 0),
    }
    return layer("Conv2DLayer", below, **{**facts, **state})
