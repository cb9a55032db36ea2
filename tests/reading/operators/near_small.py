"""Small things of reading, each nearly another: types, keys, numbers, headers, strings, messages."""

from __future__ import annotations

import pickle
import re
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from filtviz.errors import (
    FileAccessError,
    FiltvizError,
    MalformedFileError,
    ReadError,
    UnknownFileError,
    UnsupportedFileError,
)
from filtviz.reading.arithmetic import padded
from filtviz.reading.arrays import dtype_of_code, dtype_of_record
from filtviz.reading.flatbuffers import root_table
from filtviz.reading.folders import is_no_model
from filtviz.reading.formats import lasagne
from filtviz.reading.formats.bare_arrays import collecting
from filtviz.reading.formats.lasagne.convolutions import convolution_of, is_convolution, pads_of
from filtviz.reading.limits import Limits, effort
from filtviz.reading.msgpack import unpack
from filtviz.reading.npy import NPY_MAGIC, NpyHeader, read_npy_header
from filtviz.reading.opened import origin_of
from filtviz.reading.pickle.attributes import Attributes
from filtviz.reading.pickle.records import Global, Items, Record, pairs, raw_bytes
from filtviz.reading.shape_arithmetic import Lengths, Number, combined, lengths_of, of_shape
from filtviz.reading.sharded import parsed_object
from filtviz.reading.stretch import view_of
from tests.reading.making import Named, Thing, dumps
from tests.reading.operators.asking import Told, array, message, part
from tests.reading.operators.wholes import opened
from tests.telling import refused, told

__all__ = ["near_small"]


def _said(make: Callable[[], Any]) -> str:
    try:
        return str(make())
    except FiltvizError as error:
        return refused(error)


def _types() -> Told:
    for code in (
        *"efdbBhHiIqQ?OlL",
        "f1",
        "f2",
        "f4",
        "f8",
        "f16",
        "u1",
        "u2",
        "i1",
        "i3",
        "i8",
        "b1",
        "O4",
        "U3",
    ):
        yield (
            f"the type {code}",
            " ".join(str(dtype_of_code(f"{order}{code}")) for order in ("", "<", ">", "=", "|")),
        )
    for module in ("ml_dtypes", "ml_dtypes_ext", "ml_dtypes._x", "numpy"):
        kind = Record(Global("numpy", "dtype"), (Global(module, "bfloat16"), 0, 1))
        yield f"bfloat16 of {module}", str(dtype_of_record(kind))
    for code, order in (
        ("f4", "<"),
        ("f4", ">"),
        ("<f4", ">"),
        (">f4", "<"),
        ("f4", "|"),
        ("f4", "x"),
        ("V4", "<"),
    ):
        kind = Record(Global("numpy", "dtype"), (code, 0, 1))
        kind.build((3, order, None))
        yield f"the type {code} {order}", str(dtype_of_record(kind))
    for key in (0, 7, -1, -(1 << 62), 1 << 62, 1 << 63, -(1 << 63), True, None, "", "a", 1.5):
        yield f"the key {key!r}", collecting._key(key, 3)
    for descr in ("'<f4'", "[('a', '<f4')]", "'<f4 '", "''", "'|V4'", '"<f4"', "u'<f4'"):
        for shape in ("(2, 3)", "(2L, 3L)", "()", "(2,)", "(-1,)", "2"):
            text = f"{{'descr': {descr}, 'fortran_order': True, 'shape': {shape}, }}".encode()
            head = NPY_MAGIC + b"\3\0" + struct.pack("<I", len(text)) + text
            yield f"a header of {descr} {shape}", _said(lambda head=head: _header(read_npy_header(head)))
    for flat in (["a", 1, "a", 2], ["a", 1, 5, 6, "b", 2, "a", None], [b"a", 1, "a", 2], ["", 1, "", 2]):
        yield f"the entries {flat}", f"{Items(flat).by_name()} {list(Items(flat).pairs())}"
    for error in (
        FiltvizError,
        ReadError,
        UnsupportedFileError,
        UnknownFileError,
        MalformedFileError,
        FileAccessError,
    ):
        yield f"no model: {error.__name__}", str(is_no_model(error("why")))


def _binaries() -> Told:
    for n in range(6):
        data = struct.pack("<IHHHHiIIII", 12, 6, 8, 4, 0, 8, 4, 2, 7, 9)
        yield f"two numbers, {n} bytes less", _said(lambda n=n, data=data: _vector(data[: len(data) - n]))
    for first in (*range(0xC0, 0xE0), 0x7F, 0x80, 0x90, 0xA1):
        said = _said(lambda data=bytes((first, 0xFF)) + bytes(9): unpack(view_of(data), effort(Limits())))
        yield f"MessagePack {first:x}", re.sub("<memory at .*?>", "a view", said)
    for key in (b"\x01", b"\xff", b"\xa1a", b"\xc0", b"\xc3", b"\xca" + bytes(4), b"\x90", b"\xc4\x01a"):
        yield (
            f"the key {key!r} of MessagePack",
            _said(lambda data=b"\x81" + key + b"\x05": unpack(view_of(data), effort(Limits()))),
        )
    for text in (
        '{"a": 1, "a": 2}',
        '{"a": {"x": 1, "x": 2}}',
        '{"weight_map": {"x": "1", "x": "2"}}',
        '{"a": [{"b": 1}, {"b": 1}]}',
        "[]",
        "{",
        '{"a": 1} x',
    ):
        yield f"the JSON {text}", _said(lambda text=text: parsed_object(text.encode()))
    for data in (
        part(1, 2.0) + part(1, 3.0),
        part(1, b"12345678"),
        part(1, b"12345"),
        part(1, b"1234"),
        part(1, 5),
        b"",
        part(1, 2.0) + part(1, b"12345678"),
        part(1, 0),
        part(1, 7) + part(1, 0),
        part(1, b"a") + part(1, b"b"),
        part(2, 1),
    ):
        one = message(data)
        held = (
            one.real(1, 0.5),
            one.integer(1, 9),
            one.text(1),
            one.has(1),
            one.reals(1),
            one.reals(1, is_double=True),
        )
        yield f"the message {data!r}", str(held)
    for number in (0, 1 << 61, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1):
        yield f"the number {number}", str(message(part(1, number)).integer(1))


def _lasagne() -> Told:
    for facts in (
        {"crop": (1, 1)},
        {"pad": (2, 2)},
        {"crop": (1, 1), "pad": (2, 2)},
        {"crop": "same", "pad": 0},
        {"border_mode": "full"},
        {"pad": 1, "border_mode": "full"},
        {},
        {"pad": None},
    ):
        yield f"padding of {facts}", str(pads_of(Attributes(_object(facts), effort(Limits())), (3, 4)))
    for shape in ((4, 3, 2, 2), (4, 3, 2, 2, 2), (4, 3, 2)):
        for name in ("channelwise", "dimshuffle"):
            facts = {name: name == "channelwise", "num_filters": 4}
            found = convolution_of(Attributes(_object(facts), effort(Limits())), array(*shape), None)
            yield f"{name} of {shape}", told(found)
    for cls in (
        "Own", "OwnTransposed", "Conv2DLayers", "Conv2DDNNLayer", "Conv2DDNNLayers", "Deconv2DLayer",
        "Conv3DLayer",
        "TransposedConv2DLayer", "TransposedConv1DLayer", "DilatedConv2DLayer", "Dilated",
    ):  # fmt: skip
        for facts in ({"pad": 1}, {"crop": 1}, {"pad": 1, "num_filters": 4}, {"crop": 1, "num_filters": 4}):
            asked = Attributes(_object({"filter_size": 3, **facts}, cls), effort(Limits()))
            yield f"{cls} with {facts}", told(convolution_of(asked, array(4, 3, 3, 3), None))
    for size in ((3, 3), (4, 4), (3, 4)):
        for facts in (
            {"crop": "same"},
            {"pad": "same"},
            {"crop": "full"},
            {"pad": "full"},
            {"crop": "valid"},
        ):
            asked = Attributes(_object({"filter_size": size, "stride": 2, **facts}), effort(Limits()))
            yield f"{size} with {facts}", told(convolution_of(asked, array(4, 3, *size), None))
    one, other = (Record(Global("lasagne.layers", name), ()) for name in ("InputLayer", "DenseLayer"))
    one.build(Items(["shape", (None, 3)]))
    other.build(Items(["input_layer", one]))
    for facts in (
        {"input_layer": one},
        {"input_layers": [one, other]},
        {"input_layers": []},
        {"input_layers": [], "input_layer": one},
        {"input_layers": [one, (1, 2)]},
        {"input_layer": (1, 2)},
        {"input_layer": None},
        {"input_layers": None, "input_layer": one},
        {},
    ):
        found = lasagne._inputs_of(_object(facts))
        yield (
            f"fed by {list(facts)} {len(found)}",
            str([None if each is None else each.cls for each in found]),
        )
    for n in (None, -1, 0, 1, 2):
        facts = {"num_filters": 4, "filter_size": (3, 3), "num_groups": n, "stride": (1, 1), "pad": 0}
        found = convolution_of(Attributes(_object(facts), effort(Limits())), array(4, 2, 3, 3), None)
        yield f"{n} groups", told(found)
    for shape in ((4, 3), (4, 3, 5), (4, 3, 5, 5)):
        for name in ("filter_size", "num_filters", "W"):
            yield (
                f"{shape} with {name}",
                str(is_convolution(Attributes(_object({name: 4}), effort(Limits())), array(*shape))),
            )


def _lengths() -> Told:
    for pads in (
        [(0, 0), (2, -1)], [(0, 0), (-1, 2)], [(0, 0), (1, 1)], [(0, 0), (0, 0)], [(0, 0)], [(1, 0)], [],
        [(0, 0), (0, 0), (2, -1)], [(0, 0), (1, 0), (-1, 2), (0, 0)], [(0, 0), (0, 0), (-1, 2), (-3, -1)],
    ):  # fmt: skip
        made = padded(pads, 0.5)
        yield f"padded {pads}", "None" if made is None else told(*made)
    for kind in ("add", "subtract", "multiply", "divide", "remainder", "maximum", "minimum", "equal"):
        for second in (0, 1, 2, -1, None):
            right = lengths_of([second])
            found = [
                combined(kind, one, right)
                for one in (of_shape((None,), 3), lengths_of([7]), lengths_of([-7]))
            ]
            found += [
                combined(kind, one.as_real(is_real=True), right)
                for one in (lengths_of([7]), lengths_of([None]))
            ]
            yield (
                f"{kind} {second}",
                " ".join(
                    f"{one.numbers[0].value} {one.numbers[0].axis} {one.is_real}" for one in found if one
                ),
            )
    below = (None, 6, None, 9)
    for wanted in (
        (None, 6),
        (None, -1),
        (-1, None),
        (None, None),
        (-1, -1),
        (0, 6, -1),
        (-2, 6),
        (2, 3, None, 9),
        (6, 9),
        (),
    ):
        held = lengths_of(wanted)
        lengths = of_shape(below, 0).numbers
        own = [lengths[i] if n is None else Number(value=n) for i, n in enumerate(wanted)]
        of_axes = Lengths(array=np.array([*own, None], object)[:-1])
        found = [each.as_reshape(below, layer) for each in (held, of_axes) for layer in (0, 1, None)]
        yield f"to the lengths {wanted}", " ".join(map(str, found))


def _pickles() -> Told:
    for text in (b"\xed\xa0\x80", b"\xc3\xa9", b"\xff"):
        for head in (b"\x8c" + bytes([len(text)]), b"X" + struct.pack("<I", len(text))):
            yield (
                f"{head[:1]!r} of {text!r}",
                _said(lambda data=head + text: ascii(opened(b"\x80\x04" + data + b".").roots)),
            )
    for line in (
        "'abc'",
        "'abc\"",
        "\"abc'",
        "'a'b'",
        "''",
        "'",
        "",
        "'a\\'b'",
        "'a\\x41'",
        "abc",
        "'abc' ",
        "'abc'x",
    ):
        yield f"the string {line}", _said(lambda line=line: opened(f"(S{line}\nt.".encode()).objects)
    for line in ("0", "1", "00", "01", "000", "5L", "-7", "5LL", "L", " 3 ", "0x10"):
        for code in "IL":
            yield (
                f"the number {code}{line}",
                _said(lambda made=f"({code}{line}\nt.": opened(made.encode()).objects),
            )
    for name in (
        "OrderedDict",
        "DictLike",
        "MyDict",
        "dict",
        "dicts",
        "Layers",
        "LayersX",
        "_dict",
        "Odd",
        "odict",
    ):
        empty = Record(Global("mine", name), ())
        yield f"nothing in a {name}", str(pairs(empty, effort(Limits())))
    both = Record(Global("collections", "OrderedDict"), ([["a", 1]],))
    both.update(["b", 2])
    yield "what is given and what is set", str(pairs(both, effort(Limits())))
    for maker in ("copy_reg", "copyreg", "copyregs", "mine"):
        for name in ("_reconstructor", "__newobj__", "__newobj_ex__", "_reconstruct", "__newobj"):
            for args in ((Global("a", "B"),), ("a.B",), ()):
                made = Record(Global(maker, name), args)
                yield f"{maker}.{name} of {len(args) and args[0]!r}", str(made.cls)
    inner = Record(Global("_codecs", "encode"), ("ab", "latin1"))
    for module, name in (
        ("__builtin__", "bytearray"),
        ("builtins", "bytes"),
        ("builtins", "bytearrays"),
        ("mine", "bytes"),
        ("_codecs", "encode"),
        ("_codecs", "decode"),
        ("codecs", "encode"),
    ):
        for args in ((inner,), ("ab",), ()):
            held = Record(Global(module, name), args)
            yield f"the bytes of {module}.{name} {len(args)} {args[:1] == (inner,)}", f"{raw_bytes(held)!r}"
    for several in ((2, 4), (4, 2), (0, 2), (2, 0), (1, 0), (0, 0)):
        file = opened(b"".join(pickle.dumps([n], n) for n in several))
        yield f"protocols {several}", str(origin_of(file, "it").protocol)
    inner = dumps(
        Thing("joblib.numpy_pickle.NumpyArrayWrapper", shape=(1,), order="C", dtype=np.dtype(object))
    )
    for behind in ([Named("mine.Inner")], [Named("mine.Inner"), Named("numpy.core.x")], [1]):
        file = opened(inner[:-1] + dumps(behind) + b".")
        roots = file.roots
        yield (
            f"objects in joblib's stream {len(behind)}",
            f"{len(roots)} {[one.path for one in file.globals]} {file.python}",
        )


def _object(facts: Mapping[str, Any], cls: str = "Conv2DLayer") -> Record:
    record = Record(Global("lasagne.layers", cls), ())
    record.build(Items([part for entry in facts.items() for part in entry]))
    return record


def _header(one: NpyHeader) -> str:
    return f"{one.shape} {one.fortran} {one.dtype} {one.holds_objects}"


def _vector(data: bytes) -> Any:
    return root_table(view_of(data), effort(Limits())).numbers(0, "I")


def near_small() -> Told:
    yield from _types()
    yield from _binaries()
    yield from _lasagne()
    yield from _lengths()
    yield from _pickles()
