"""Arrays that lie about their shape, their type or their bytes."""

from __future__ import annotations

from tests.attacks.assembling import (
    BUILD,
    EMPTY_LIST,
    EMPTY_TUPLE,
    KERNELS,
    NONE,
    POP,
    REDUCE,
    TUPLE1,
    array,
    beside_weights,
    called,
    dtype,
    get,
    group,
    listed,
    named,
    put,
    raw,
    real,
    shape,
    text,
    whole,
)  # fmt: skip
from tests.attacks.attack import Attack

__all__ = ["ATTACKS"]

FLOAT = dtype("f4")
BYTES = raw(KERNELS.tobytes())
RECONSTRUCT = called("numpy.core.multiarray", "_reconstruct", named("numpy", "ndarray"), shape(0), raw(b"b"))


def from_buffer(*args: bytes) -> bytes:
    return called("numpy.core.numeric", "_frombuffer", *args)


def scalar(*args: bytes) -> bytes:
    return called("numpy.core.multiarray", "scalar", *args)


LIES = (
    # numpy/_core/tests/test_multiarray.py: shapes whose products overflow
    ("a shape whose product overflows to nothing", array(shape(1 << 32, 1 << 32, 1, 1), FLOAT, BYTES)),
    ("a shape larger than the bytes", array(shape(2000, 1, 3, 3), FLOAT, BYTES)),
    ("no bytes for a shape of one", array(shape(1, 1, 1, 1), FLOAT, raw(b""))),
    (
        "an axis map with other axes",
        from_buffer(BYTES, FLOAT, shape(2, 1, 3, 3), text("C"), shape(0, 1, 2, 9)),
    ),
    (
        "an axis map with an axis twice",
        from_buffer(BYTES, FLOAT, shape(2, 1, 3, 3), text("C"), shape(0, 0, 2, 3)),
    ),
    (
        "an axis map with a million axes",
        lambda: from_buffer(BYTES, FLOAT, shape(2, 1, 3, 3), text("C"), group(whole(0) * 300_000)),
    ),
)
"""Arrays that cannot be: each is told."""

LEFT_OUT = (
    ("a shape whose product overflows to the size", array(shape((1 << 62) + 1, 4, 4, 1), FLOAT, BYTES)),
    ("a shape of numbers with a thousand bits", array(shape(1 << 1000, 1), FLOAT, BYTES)),
    ("nothing along one axis and too much along another", array(shape(0, 1 << 60, 3, 3), FLOAT, raw(b""))),
    ("a shape below zero", array(shape(-2, -1, -3, -3), FLOAT, BYTES)),
    ("a shape of text", array(text("2133"), FLOAT, BYTES)),
    ("a shape of fractions", array(group(real(2.0), real(1.0)), FLOAT, BYTES)),
    ("a shape of truth", array(group(b"\x88", b"\x88"), FLOAT, BYTES)),
    ("a shape of a million axes", lambda: array(group(whole(1) * 300_000), FLOAT, BYTES)),
    ("a shape that holds itself", EMPTY_LIST + put(0) + get(0) + b"a" + POP + array(get(0), FLOAT, BYTES)),
    ("no shape", array(NONE, FLOAT, BYTES)),
    # https://numpy.org/doc/stable/reference/arrays.dtypes.html
    ("objects that are bytes", array(shape(2, 1, 3, 3), dtype("O8", "|"), BYTES)),
    ("objects that are no list", array(shape(2), dtype("O8", "|"), whole(2))),
    ("a structured type", array(shape(1), dtype("V8", "|"), BYTES)),
    (
        "a type with fields",
        array(shape(1), called("numpy", "dtype", listed(group(text("x"), text("O")))), BYTES),
    ),
    ("a type of times", array(shape(1), dtype("M8"), BYTES)),
    ("a type of text", array(shape(1), dtype("S72", "|"), BYTES)),
    ("a type of complex numbers", array(shape(1), dtype("c16"), BYTES)),
    ("a type with a giant item", array(shape(1), dtype("f4000000000"), BYTES)),
    ("a type that is an expression", array(shape(1), dtype("__import__('os').system('id')"), BYTES)),
    ("a type with commas", array(shape(1), dtype("f4,O,(1000000,1000000)f8"), BYTES)),
    ("a type of no text", array(shape(1), called("numpy", "dtype", whole(4)), BYTES)),
    ("a type that is called by another name", array(shape(1), called("os", "dtypes", text("f4")), BYTES)),
    ("a byte order that is none", array(shape(2, 1, 3, 3), dtype("f4", "!"), BYTES)),
    ("a state of one", RECONSTRUCT + group(whole(1)) + BUILD),
    ("a state of a thousand", RECONSTRUCT + group(*[NONE] * 1000) + BUILD),
    ("a state of nothing", RECONSTRUCT + EMPTY_TUPLE + BUILD),
    ("no state", RECONSTRUCT),
    (
        "reconstructing os.system",
        called("numpy.core.multiarray", "_reconstruct", named("os", "system"), shape(0)),
    ),
    ("reconstructing without arguments", called("numpy.core.multiarray", "_reconstruct")),
    ("from a buffer of nothing", from_buffer()),
    ("from a buffer of nonsense", from_buffer(NONE, NONE, NONE, NONE)),
    ("from a buffer with six arguments", from_buffer(BYTES, FLOAT, shape(2), text("C"), NONE, NONE)),
    ("a number of no type", scalar(NONE, raw(b"\0" * 4))),
    ("a number without arguments", scalar()),
    ("a number that is an object", scalar(dtype("O8", "|"), called("os", "system", text("touch PWNED")))),
    (
        "arrays for a graphics card in one another",
        NONE
        + (
            TUPLE1
            + put(1)
            + POP
            + named("theano.sandbox.cuda.type", "CudaNdarray_unpickler")
            + get(1)
            + REDUCE
        )
        * 1000,
    ),
    ("an array for a graphics card of nothing", called("theano.gpuarray.type", "GpuArray_unpickler")),
    ("a memory map", called("numpy", "memmap", text("/etc/passwd"))),
)
"""Objects that have the look of an array and are none: the weights beside them are read."""

UNREADABLE = (
    ("text for bytes that is none", array(shape(2, 1, 3, 3), FLOAT, text("☃" * 72))),
    (
        "a codec for bytes",
        array(shape(2, 1, 3, 3), FLOAT, called("_codecs", "encode", text("☃" * 30), text("zip"))),
    ),
    ("a class for bytes", array(shape(2, 1, 3, 3), FLOAT, called("os", "urandom", whole(72)))),
    ("a number for bytes", array(shape(2, 1, 3, 3), FLOAT, whole(72))),
    ("a list for bytes", array(shape(2, 1, 3, 3), FLOAT, EMPTY_LIST)),
    ("bytes of a giant count", array(shape(2, 1, 3, 3), FLOAT, called("builtins", "bytes", whole(1 << 40)))),
    ("buffers kept elsewhere", from_buffer(b"\x97", FLOAT, shape(2, 1, 3, 3), text("C"))),
)
"""Arrays whose bytes are not there."""


def _data(made: object) -> bytes:
    return made() if callable(made) else made  # type: ignore[return-value]


ATTACKS = (
    *(
        Attack(name=name, data=lambda lie=lie: beside_weights(_data(lie)), ends="MalformedFileError")
        for name, lie in LIES
    ),
    *(Attack(name=name, data=lambda odd=odd: beside_weights(_data(odd))) for name, odd in LEFT_OUT),
    *(
        Attack(name=name, data=lambda odd=odd: beside_weights(odd), ends="MalformedFileError")
        for name, odd in UNREADABLE
    ),
    # https://nvd.nist.gov/vuln/detail/CVE-2021-33430 (arrays of more axes than numpy has)
    Attack(
        name="more axes than numpy has",
        data=lambda: beside_weights(array(shape(*[1] * 40), FLOAT, raw(b"\0" * 4))),
    ),
)
