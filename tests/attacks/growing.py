"""Small files that take all time and memory of a reader who does not count, each of any size.

`ATTACKS` are read by the tests, with small limits. `TO_READ` are the same or more so, under 1 MB and as large
as the limits allow by default: ``benchmarks/attacks.py`` shows what they take.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable, Mapping

import numpy as np

from tests.attacks.assembling import (
    APPEND,
    APPENDS,
    BUILD,
    EMPTY_DICT,
    EMPTY_LIST,
    EMPTY_TUPLE,
    LIST,
    MARK,
    MEMOIZE,
    NEWOBJ,
    NONE,
    POP,
    REDUCE,
    SETITEM,
    SETITEMS,
    STACK_GLOBAL,
    STOP,
    TUPLE1,
    array,
    beside_weights,
    called,
    convolution,
    dtype,
    get,
    group,
    image,
    listed,
    mapped,
    named,
    pickled,
    put,
    raw,
    shape,
    text,
    thing,
    weights,
    whole,
)  # fmt: skip
from tests.attacks.attack import Attack
from tests.attacks.containers import header, many, npy, objects, zipped
from tests.attacks.graphs import chain, shared_keys, shared_state

__all__ = ["ATTACKS", "TO_READ"]

GRIN = "\U0001f600"
"""A character that makes each other one of its text take four bytes."""


# The machine of pickles

ONE_HASH = (1 << 61) - 1
"""Multiples of this hash alike in a Python of 64 bits, whose dictionaries then compare each with each."""


def puts_of_one_hash(n: int) -> bytes:
    return NONE + b"".join(b"p%d\n" % (ONE_HASH * k) for k in range(n)) + STOP


def thrown_away(one: bytes, n: int, *, before: bytes = b"") -> bytes:
    """The same again and again in a list that nobody keeps, and weights."""
    return b"\x80\x04" + before + EMPTY_LIST + MARK + one * n + APPENDS + POP + beside_weights()[2:]


def kept(one: bytes, n: int, *, before: bytes = b"") -> bytes:
    """The same again and again in the list that has the weights."""
    return b"\x80\x04" + before + EMPTY_LIST + MARK + weights() + one * n + APPENDS + STOP


def deep(opening: bytes, closing: bytes, n: int) -> bytes:
    """One in another."""
    return beside_weights(opening * n + NONE + closing * n)


def growing_facts(n: int, n_looks: int) -> bytes:
    """An array of joblib's whose attributes are a large dictionary that grows between two looks at it."""
    entries = b"".join(text(f"{i}") + NONE for i in range(n))
    entries += text("shape") + shape(0) + text("dtype") + dtype("f4")
    facts = EMPTY_DICT + put(1) + MARK + entries + SETITEMS + POP
    wrapper = named("joblib.numpy_pickle", "NumpyArrayWrapper") + EMPTY_TUPLE + NEWOBJ
    look = get(1) + text("more") + NONE + SETITEM + BUILD
    return b"\x80\x04" + facts + wrapper + look * n_looks + POP + beside_weights()[2:]


def long_class(length: int, n: int) -> bytes:
    """Many objects of one class with a long name."""
    cls = named("a", "." + "b" * length) + put(0) + POP
    return kept(get(0) + EMPTY_TUPLE + REDUCE, n, before=cls)


def classes_beside_dictionaries(n_names: int, n: int) -> bytes:
    """Classes of all pairs of names, and dictionaries that are looked at."""
    names = b"".join(text(f"{place}") + put(place) + POP for place in range(n_names))
    places = range(n_names)
    pairs = b"".join(get(a) + get(b) + STACK_GLOBAL + POP for a in places for b in places if a != b)
    return kept(EMPTY_DICT, n, before=names + pairs)


def distinct(n: int, one: Callable[[int], bytes]) -> bytes:
    return beside_weights(listed(b"".join(one(place) for place in range(n))))


# Compressions and zips


def packed(data: bytes) -> bytes:
    return gzip.compress(data, 6)


def zeros(n_bytes: int) -> bytes:
    """A gzip of zeros, made without keeping them."""
    stream = zlib.compressobj(9, wbits=31)
    return b"".join(stream.compress(bytes(1 << 20)) for _ in range(n_bytes >> 20)) + stream.flush()


def empty_joblib(n: int) -> bytes:
    return b"ZF" + b"0x10000000".ljust(20) + zlib.compress(b"") * n


def lzma_alone(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_ALONE)


def xz_parts() -> tuple[bytes, bytes, bytes, bytes]:
    """The header, the block, the index and the footer of a stream of xz (https://tukaani.org/xz/format)."""
    one = lzma.compress(b"N", preset=0)
    footer = one[-12:]
    size = (struct.unpack("<I", footer[4:8])[0] + 1) * 4
    return one[:12], one[12 : -12 - size], one[-12 - size : -12], footer


def xz_blocks(n: int) -> bytes:
    """One stream of xz of many blocks of a byte each."""
    start, block, index, footer = xz_parts()
    body = b"\0" + sevens(n) + index[2:4] * n
    body += bytes(-len(body) % 4)
    body += struct.pack("<I", zlib.crc32(body))
    last = struct.pack("<I", len(body) // 4 - 1) + footer[8:10]
    return start + block * n + body + struct.pack("<I", zlib.crc32(last)) + last + b"YZ"


def sevens(number: int) -> bytes:
    """A number as xz writes it: seven bits a byte."""
    low = bytearray()
    while number > 0x7F:
        low.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*low, number])


def xz_chunks(n: int) -> bytes:
    """One block of xz of many chunks with a dictionary each; it is cut short, which shows at its end."""
    start, block, _, _ = xz_parts()
    return start + block[: (block[0] + 1) * 4] + b"\x01\0\0N" * n


def flushed_blocks(n: int) -> bytes:
    """One gzip of many blocks of nothing that are stored; it is cut short."""
    stream = zlib.compressobj(9, wbits=31)
    return stream.compress(b"N") + stream.flush(zlib.Z_SYNC_FLUSH) + b"\0\0\0\xff\xff" * n


def fixed_blocks(n: int) -> bytes:
    """One gzip of many blocks of nothing in ten bits each; it is cut short."""
    bits = "0100000000" * 4  # not the last, fixed codes, the code of the end; five bytes
    return gzip.compress(b"")[:10] + bytes(int(bits[i : i + 8][::-1], 2) for i in range(0, 40, 8)) * (n // 4)


def bz2_blocks(n: int) -> bytes:
    """One stream of bz2 of many blocks of a byte each, joined bit by bit; it is cut short."""
    one = bz2.compress(b"N", 9)
    bits = "".join(f"{byte:08b}" for byte in one[4:])
    eight = bits[: bits.index(f"{0x177245385090:048b}")] * 8
    return one[:4] + bytes(int(eight[i : i + 8], 2) for i in range(0, len(eight), 8)) * (n // 8)


def object_members(n: int) -> bytes:
    """An npz of arrays of objects, each a pickle of its own."""
    return zipped(*[(f"{place}.npy", objects(pickled(NONE))) for place in range(n)])


def shared_extra(n: int) -> bytes:
    """A zip whose entries share one member, whose long extra field holds fields of no length."""
    extra = b"\x07\0\0\0" * 16_000
    sizes = 0xFFFFFFFF, 0xFFFFFFFF
    local = (
        struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, *sizes, 1, len(extra)) + b"a" + extra
    )
    entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    size = n * len(entry)
    return local + entry * n + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, n, n, size, len(local), 0)


# What is understood


def shared_attributes(n: int, n_objects: int) -> bytes:
    """Objects of a person's own class that share their attributes."""
    state = (
        EMPTY_DICT + MARK + b"".join(text(f"{place}") + NONE for place in range(n)) + SETITEMS + put(0) + POP
    )
    cls = named("mine", "Thing") + put(1) + POP
    return kept(get(1) + EMPTY_TUPLE + NEWOBJ + get(0) + BUILD, n_objects, before=state + cls)


def arrays_alike(n: int) -> bytes:
    """Arrays that share all but their identity."""
    state = group(whole(1), shape(1, 1, 1, 1), dtype("f4"), b"\x89", raw(bytes(4))) + put(0) + POP
    maker = named("numpy.core.multiarray", "_reconstruct") + put(1) + POP
    args = group(named("numpy", "ndarray"), shape(0), raw(b"b")) + put(2) + POP
    return kept(get(1) + get(2) + REDUCE + get(0) + BUILD, n, before=state + maker + args)


def long_paths(n: int) -> bytes:
    """Arrays that lie deep below long keys."""
    key = text(GRIN + "k" * 1000) + put(3) + POP
    inner = EMPTY_DICT + MARK + b"".join(text(f"{place}") + weights() for place in range(n)) + SETITEMS
    return pickled(key, (EMPTY_DICT + get(3)) * 60 + inner + SETITEM * 60)


def keys_alike(n: int) -> bytes:
    """A dictionary of Python 2's with two keys, again and again, that differ at their end only."""
    keys = b"".join(text("1a" * 200 + end) + put(place) + POP for place, end in enumerate("xy"))
    one = get(0) + get(2) + get(1) + get(2)
    entries = EMPTY_DICT + MARK + one * n + SETITEMS
    return pickled(keys, EMPTY_LIST + put(2) + POP + b"U\x010" + POP, listed(weights(), entries))


def keys_of_four_bytes(n: int, n_lists: int) -> bytes:
    """A dictionary of Python 2's with many keys that take much memory, beside lists that do."""
    entries = b"".join(text(f"{GRIN}{place}".ljust(240, "k")) + EMPTY_LIST for place in range(n))
    return kept(EMPTY_DICT, n_lists, before=b"U\x010" + EMPTY_DICT + MARK + entries + SETITEMS)


def wide_shapes(n: int) -> bytes:
    """A merge of many inputs, each said to have thirty-two axes."""
    inputs = convolution(image(1, 8, 8)) + put(0) + POP + listed(get(0) * n) + put(1) + POP
    shapes = shape(*[1] * 32) + put(2) + POP + listed(get(2) * n) + put(3) + POP
    facts = {"input_layers": get(1), "input_shapes": get(3), "axis": whole(1)}
    return pickled(inputs, shapes, thing("lasagne.layers.merge", "ConcatLayer", **facts))


def bound_keywords(n: int, n_layers: int) -> bytes:
    """Layers whose function is bound to keywords that an object with many entries holds."""
    entries = b"".join(text(f"{place}") + NONE for place in range(n))
    keywords = named("a", "Dict") + EMPTY_TUPLE + NEWOBJ + MARK + entries + SETITEMS + put(5) + POP
    function = called("functools", "partial", named("lasagne", "f"))
    bound = function + group(named("lasagne", "f"), EMPTY_TUPLE, get(5), NONE) + BUILD + put(6) + POP
    return b"\x80\x04" + keywords + bound + shared_state(n_layers, nonlinearity=get(6))[2:]


def registered(n: int) -> bytes:
    """A layer that registers its weights again and again."""
    params = EMPTY_DICT + MARK + (get(9) + NONE) * n + SETITEMS
    return pickled(weights(), put(9), POP, convolution(image(1, 8, 8), W=get(9), params=params))


def parameters(n: int) -> bytes:
    """A layer with many parameters of its own."""
    one = named("theano", "TensorSharedVariable") + EMPTY_TUPLE + NEWOBJ + get(8) + BUILD
    params = EMPTY_DICT + MARK + (one + NONE) * n + SETITEMS
    return pickled(mapped(data=weights()), put(8), POP, convolution(image(1, 8, 8), params=params))


def dense_graph(n: int) -> bytes:
    """Layers each of which feeds all that follow."""
    first = weights(np.zeros((2, 2, 3, 3), "<f4")) + put(9) + POP + image(2, 8, 8) + put(11) + POP
    layers = []
    for i in range(n):
        below = b"".join(get(11 + place) for place in range(i + 1))
        one = thing("lasagne.layers.merge", "ElemwiseSumLayer", input_layers=listed(below), coeffs=NONE)
        layers.append(one + put(12 + i) + POP)
    return pickled(first, *layers, convolution(get(11 + n), W=get(9)))


def beside(n: int) -> bytes:
    """Weights under the usual key, and lists beside them."""
    others = b"".join(text(f"beside {place}") + EMPTY_LIST for place in range(n))
    return pickled(EMPTY_DICT, MARK, text("weights"), listed(weights()), others, SETITEMS)


def long_history(n: int) -> bytes:
    """A net whose training had epochs without end, which share what they tell."""
    net = thing(
        "nolearn.lasagne.base",
        "NeuralNet",
        layers_=listed(convolution(image(1, 8, 8))),
        train_history_=listed(get(1) * n),
    )
    return pickled(mapped(loss=whole(1)), put(1), POP, net)


def weights_as(data: bytes, n_bytes: int) -> bytes:
    return pickled(listed(array(shape(n_bytes // 36, 1, 3, 3), dtype("f4"), data)))


SIZES: tuple[tuple[str, Callable[[], bytes], str], ...] = (
    ("text PUTs under keys of one hash", lambda: puts_of_one_hash(40_000), "LimitError"),
    ("strings of whose escapes Python warns", lambda: thrown_away(b"S'\\q'\n", 40_000), "LimitError"),
    ("a few such strings", lambda: thrown_away(b"S'\\q'\n", 1_000), "kernels"),
    ("blanks behind a string", lambda: beside_weights(b"S'a'" + b" " * 4_000_000 + b"\n"), "kernels"),
    ("lists by the hundred thousand", lambda: kept(EMPTY_LIST, 300_000), "LimitError"),
    ("lists by the thousand", lambda: kept(EMPTY_LIST, 30_000), "kernels"),
    ("objects by the hundred thousand", lambda: kept(NONE + EMPTY_TUPLE + REDUCE, 150_000), "LimitError"),
    ("one array that is looked at anew", lambda: growing_facts(50_000, 50_000), "LimitError"),
    ("an array that is looked at a few times", lambda: growing_facts(5_000, 500), "kernels"),
    ("objects of a class of a million letters", lambda: long_class(1_000_000, 20_000), "kernels"),
    ("classes beside dictionaries", lambda: classes_beside_dictionaries(50, 100_000), "LimitError"),
    ("pickles by the thousand", lambda: beside_weights() + b"N." * 5_000, "kernels"),
    ("pickles by the ten thousand", lambda: beside_weights() + b"N." * 10_000, "LimitError"),
    ("empty streams of gzip", lambda: packed(packed(b"") * 50_000), "LimitError"),
    ("empty streams of bz2", lambda: packed(bz2.compress(b"") * 50_000), "LimitError"),
    ("empty streams of xz", lambda: packed(lzma.compress(b"") * 50_000), "LimitError"),
    ("empty streams of lzma", lambda: packed(lzma_alone(b"") * 100_000), "LimitError"),
    ("empty streams of zlib", lambda: packed(zlib.compress(b"") * 300_000), "LimitError"),
    ("empty streams of old joblib", lambda: packed(empty_joblib(300_000)), "LimitError"),
    ("blocks of xz", lambda: packed(xz_blocks(100_000)), "LimitError"),
    ("chunks of xz", lambda: packed(xz_chunks(1_000_000)), "LimitError"),
    ("stored blocks of deflate", lambda: packed(flushed_blocks(1_000_000)), "LimitError"),
    ("fixed blocks of deflate", lambda: packed(fixed_blocks(2_000_000)), "LimitError"),
    ("blocks of bz2", lambda: packed(bz2_blocks(120_000)), "LimitError"),
    ("a gzip in a gzip in a gzip", lambda: packed(packed(zeros(32 << 20))), "LimitError"),
    ("weights in a gzip in a gzip in a gzip", lambda: packed(packed(packed(beside_weights()))), "kernels"),
    ("members that share a long extra field", lambda: shared_extra(18_000), "MalformedFileError"),
    ("arrays of objects in an npz by the thousand", lambda: object_members(10_000), "LimitError"),
    ("attributes that many objects share", lambda: shared_attributes(50_000, 50_000), "LimitError"),
    ("arrays by the ten thousand", lambda: arrays_alike(10_000), "LimitError"),
    ("arrays deep below long keys", lambda: long_paths(1_000), "network"),
    ("keys that differ at their end", lambda: keys_alike(100_000), "LimitError"),
    ("a few keys that differ at their end", lambda: keys_alike(10_000), "network"),
    ("inputs of thirty-two axes", lambda: wide_shapes(30_000), "LimitError"),
    ("a few inputs of thirty-two axes", lambda: wide_shapes(3_000), "network"),
    ("keywords by the hundred thousand", lambda: bound_keywords(50_000, 2_000), "LimitError"),
    ("weights that are registered again", lambda: registered(200_000), "LimitError"),
    ("parameters by the hundred thousand", lambda: parameters(60_000), "LimitError"),
    ("a graph in which each layer feeds all that follow", lambda: dense_graph(500), "LimitError"),
    ("a small such graph", lambda: dense_graph(150), "network"),
    ("lists beside the weights", lambda: beside(100_000), "LimitError"),
    ("a few lists beside the weights", lambda: beside(2_000), "network"),
)
"""Names, files for the limits of the tests, and how reading them ends."""

ATTACKS = tuple(Attack(name=f"growing: {name}", data=make, ends=ends) for name, make, ends in SIZES)

STEPS = 990_000
"""Steps that the limits allow by default, but for those of the weights."""

TO_READ: Mapping[str, Callable[[], bytes]] = {
    "text PUTs under keys of one hash": lambda: packed(puts_of_one_hash(40_000)),
    "a memo without end": lambda: packed(pickled((NONE + MEMOIZE) * (STEPS // 2))),
    "lists kept in the memo": lambda: packed(thrown_away(EMPTY_LIST + MEMOIZE, STEPS // 2)),
    "lists by the million": lambda: packed(kept(EMPTY_LIST, STEPS)),
    "dictionaries by the million": lambda: packed(kept(EMPTY_DICT, STEPS)),
    "lists of marks by the million": lambda: packed(kept(MARK + LIST, STEPS // 2)),
    "marks by the million": lambda: packed(deep(MARK, LIST, STEPS // 2)),
    "objects by the million": lambda: packed(kept(NONE + EMPTY_TUPLE + REDUCE, STEPS // 3)),
    "objects of a class by the million": lambda: packed(
        kept(get(0) + EMPTY_TUPLE + NEWOBJ, STEPS // 3, before=named("mine", "Thing") + put(0) + POP)
    ),
    "objects in one another": lambda: packed(beside_weights(NONE + (EMPTY_TUPLE + REDUCE) * (STEPS // 2))),
    "tuples in one another": lambda: packed(deep(b"", TUPLE1, STEPS)),
    "lists in one another": lambda: packed(deep(EMPTY_LIST, APPEND, STEPS // 2)),
    "dictionaries in one another": lambda: packed(deep(EMPTY_DICT + NONE, SETITEM, STEPS // 3)),
    "an array that is looked at anew": lambda: packed(growing_facts(300_000, 250_000)),
    "objects of a class of a million letters": lambda: packed(long_class(1_000_000, STEPS // 3)),
    "classes beside dictionaries": lambda: packed(classes_beside_dictionaries(100, 1_900_000)),
    "pickles by the million": lambda: packed(beside_weights() + b"N." * (STEPS // 2)),
    "texts of four bytes a character": lambda: packed(
        beside_weights(listed(text(GRIN + "x" * 1000) * 62_000))
    ),
    "keys of four bytes a character": lambda: packed(keys_of_four_bytes(200_000, 1_500_000)),
    "strings of whose escapes Python warns": lambda: packed(thrown_away(b"S'\\q'\n", STEPS)),
    "strings of text": lambda: packed(thrown_away(b"S'a'\n", STEPS)),
    "unicode of text": lambda: packed(thrown_away(b"V\\u0041\n", STEPS)),
    "classes of text": lambda: packed(thrown_away(b"cos\nsystem\n", STEPS)),
    "blanks behind a string": lambda: packed(beside_weights(b"S'a'" + b" " * (60 << 20) + b"\n")),
    "numbers of text": lambda: packed(thrown_away(b"I" + b"7" * 299 + b"\n", 200_000)),
    "floats of text": lambda: packed(thrown_away(b"F" + b"7" * 299 + b"\n", 200_000)),
    "numbers of binary": lambda: packed(thrown_away(b"\x8b\x2c\1\0\0" + b"\x77" * 300, 200_000)),
    "long strings of binary": lambda: packed(thrown_away(raw(bytes(1025)), 62_000)),
    "empty gzip streams": lambda: packed(packed(packed(b"") * 2_000_000)),
    "empty bz2 streams": lambda: packed(bz2.compress(b"") * 2_000_000),
    "empty xz streams": lambda: packed(lzma.compress(b"") * 500_000),
    "empty lzma streams": lambda: packed(lzma_alone(b"") * 1_000_000),
    "empty zlib streams": lambda: packed(zlib.compress(b"") * 4_000_000),
    "empty streams of old joblib": lambda: packed(empty_joblib(4_000_000)),
    "empty gzip streams as they are": lambda: packed(b"") * 49_000,
    "empty xz streams as they are": lambda: lzma.compress(b"") * 31_000,
    "blocks of xz": lambda: packed(xz_blocks(1_000_000)),
    "blocks of xz as they are": lambda: xz_blocks(25_000),
    "chunks of xz": lambda: packed(xz_chunks(10_000_000)),
    "stored blocks of deflate": lambda: packed(flushed_blocks(12_000_000)),
    "fixed blocks of deflate": lambda: packed(fixed_blocks(48_000_000)),
    "blocks of bz2": lambda: packed(bz2_blocks(1_600_000)),
    "blocks of bz2 as they are": lambda: bz2_blocks(26_000),
    "a gzip in a gzip in a gzip": lambda: packed(packed(zeros(2_000 << 20))),
    "a gzip of zeros": lambda: zeros(900 << 20),
    "a bz2 of zeros": lambda: packed(bz2.compress(bytes(500 << 20))),
    "an xz of zeros": lambda: packed(lzma.compress(bytes(500 << 20), preset=0)),
    "members by the thousand": lambda: packed(many(80_000, npy(header()))),
    "stored members by the thousand": lambda: packed(
        zipped(*[(f"{place}.npy", npy(header())) for place in range(60_000)])
    ),
    "members of no numbers by the thousand": lambda: packed(many(80_000, b"nothing")),
    "arrays of objects by the thousand": lambda: packed(object_members(60_000)),
    "members that share a long extra field": lambda: shared_extra(18_000),
    "attributes that many objects share": lambda: packed(shared_attributes(200_000, 250_000)),
    "arrays by the hundred thousand": lambda: packed(arrays_alike(STEPS // 5)),
    "arrays deep below long keys": lambda: packed(long_paths(9_900)),
    "keys of separators": lambda: packed(shared_keys("_" * 16_000, 600_000)),
    "keys that differ at their end": lambda: packed(keys_alike(480_000)),
    "inputs of thirty-two axes": lambda: packed(wide_shapes(600_000)),
    "keywords by the hundred thousand": lambda: packed(bound_keywords(200_000, 9_900)),
    "weights that are registered again": lambda: packed(registered(600_000)),
    "parameters by the hundred thousand": lambda: packed(parameters(300_000)),
    "a graph in which each layer feeds all that follow": lambda: packed(dense_graph(1_300)),
    "a chain of layers": lambda: packed(chain(9_900)),
    "layers that share a long name": lambda: packed(shared_state(9_900, name=text(GRIN + "n" * 16_000))),
    "lists beside the weights": lambda: packed(beside(350_000)),
    "a history without end": lambda: packed(long_history(1_900_000)),
    "text that is no weights": lambda: packed(weights_as(text("\0" * (60 << 20) + GRIN), 60 << 20)),
    "weights as text": lambda: packed(weights_as(b"S'" + b"\\x00" * (15 << 20) + b"'\n", 15 << 20)),
}
"""Attacks on reading: name → what makes the file."""
