"""What a file asks for is counted where it grows: a little too much is told at once, a little less is read.

Nothing here looks at a clock: the files are small and so are the limits.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from pathlib import Path

import numpy as np
import pytest

from filtviz import Limits, load
from filtviz.errors import LimitError
from filtviz.network import Network
from filtviz.reading import limits as limits_module
from filtviz.reading import zips
from filtviz.reading.formats.bare_arrays import collecting
from filtviz.reading.limits import Spending
from filtviz.reading.pickle.machine import STEPS_OF_A_PICKLE, Pickles, read_pickles
from filtviz.reading.pickle.records import LONGEST_NAME, Global, Items
from tests.attacks import growing
from tests.attacks.assembling import (
    BUILD,
    EMPTY_DICT,
    EMPTY_LIST,
    EMPTY_TUPLE,
    MARK,
    MEMOIZE,
    NEWOBJ,
    NONE,
    POP,
    SETITEM,
    SETITEMS,
    STOP,
    beside_weights,
    convolution,
    dtype,
    get,
    image,
    listed,
    mapped,
    named,
    pickled,
    put,
    shape,
    text,
    thing,
    weights,
)  # fmt: skip
from tests.attacks.containers import header, many, npy, zipped
from tests.attacks.graphs import shared_keys


@pytest.fixture
def read(tmp_path: Path):
    """Write bytes to a file and load it with these limits."""

    def write_and_load(data: bytes, **limits: int) -> Network:
        path = tmp_path / "model.pkl"
        path.write_bytes(data)
        return load(path, limits=Limits(**limits))

    return write_and_load


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> int:
    """Let a file inflate to 64 KiB whatever its size, instead of 64 MiB."""
    monkeypatch.setattr(limits_module, "ALWAYS_INFLATED", 1 << 16)
    return 1 << 16


def refused(read, limit: str, data: bytes, **limits: int) -> str:
    """Return the sentence about a file that is over a limit."""
    with pytest.raises(LimitError) as raised:
        read(data, **limits)
    assert (raised.value.limit, raised.value.option) == (limit, f"--max-{limit}")
    assert raised.value.option in str(raised.value)
    return str(raised.value)


# The memo and the steps of a pickle

PUTS = {
    "PUT": lambda number: b"p%d\n" % number,
    "LONG_BINPUT": put,
    "BINPUT": lambda number: b"q" + bytes([number]),
    "MEMOIZE": lambda number: MEMOIZE,
}


def keeping(one, n: int) -> bytes:
    """Objects kept under the numbers from 0 on, and weights."""
    kept = b"".join(NONE + one(number) + POP for number in range(n))
    return pickled(kept, beside_weights()[2:-1])


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", PUTS)
def test_the_memo_is_looked_at_when_it_grows(read, name):
    assert len(read(keeping(PUTS[name], 100), memo=100).conv_layers) == 1
    refused(read, "memo", keeping(PUTS[name], 102), memo=100)


@pytest.mark.parametrize("name", ["PUT", "LONG_BINPUT"])
def test_a_number_to_which_no_pickler_counts_is_refused_at_once(name):
    """Behind it stands what is no pickle: nobody gets there."""
    data = NONE + PUTS[name](1001) + b"\xff"
    with pytest.raises(LimitError, match="keeps an object as number 1,001, more than the 1,000 that are"):
        read_pickles(data, Spending(Limits(memo=1000), "opcodes", "{}"))


def test_numbers_of_a_memo_that_is_full_are_read(read):
    """Python 2's cPickle counts from 1, other picklers from 0."""
    data = NONE + b"p100\n0" + beside_weights()[2:-1] + b"g100\n0" + STOP
    assert len(read(data, memo=100).conv_layers) == 1


@pytest.mark.parametrize("n", [1_000, 100_000])
def test_steps_are_counted_one_by_one(n):
    """The machine stops where the limit is, also in the middle of what it does between two looks."""
    data = NONE * n + STOP
    took = n + 1 + STEPS_OF_A_PICKLE
    assert read_pickles(data, Spending(Limits(opcodes=took), "opcodes", "{}")).roots == (None,)
    with pytest.raises(LimitError, match=f"^{took}, more than"):
        read_pickles(data, Spending(Limits(opcodes=took - 1), "opcodes", "{}"))


def test_a_limit_of_steps_ends_reading_long_before_the_file_does():
    steps = Spending(Limits(opcodes=500), "opcodes", "{}")
    with pytest.raises(LimitError):
        read_pickles((NONE + POP) * 100_000 + STOP, steps)
    assert steps.used == 501


def test_each_pickle_counts_as_some_steps(read):
    data = beside_weights() + b"N." * 100
    assert len(read(data).conv_layers) == 1
    refused(read, "opcodes", data, opcodes=100 * STEPS_OF_A_PICKLE)


def test_strings_of_whose_escapes_python_would_warn_count_as_more(read):
    plain, odd = (growing.thrown_away(one, 1_000) for one in (b"S'a\\n'\n", b"S'a\\q'\n"))
    assert len(read(plain, opcodes=10_000).conv_layers) == 1
    assert len(read(odd, opcodes=30_000).conv_layers) == 1
    refused(read, "opcodes", odd, opcodes=10_000)


@pytest.mark.cases("all")
@pytest.mark.parametrize("quoted", [rb"\q", rb"\400", rb"\x41\q", rb"\\q", rb"\Users"])
def test_such_strings_are_what_python_2_reads(quoted, recwarn):
    (found,) = read_pickles(b"S'" + quoted + b"'\n.", Spending(Limits(), "opcodes", "{}")).roots
    assert found == {
        rb"\q": r"\q", rb"\400": "\0", rb"\x41\q": r"A\q", rb"\\q": r"\q", rb"\Users": r"\Users"
    }[quoted]  # fmt: skip
    assert len(recwarn) == 0


# What is compressed

COMPRESSIONS = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": growing.lzma_alone,
    "zlib": zlib.compress,
}


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", COMPRESSIONS)
def test_each_stream_counts_as_some_bytes(read, little, name):
    compress = COMPRESSIONS[name]
    full = compress(beside_weights())
    n = little // limits_module.STREAM
    assert len(read(compress(b"") * (n // 2) + full).conv_layers) == 1
    sentence = refused(read, "ratio", compress(b"") * 2 * n + full, ratio=1)
    assert f"in {n + 1} streams" in sentence


def test_a_file_inflates_to_some_times_its_size_at_most(read, little):
    data = gzip.compress(b"\0" * 4 * little)
    sentence = refused(read, "ratio", data)
    assert f"its {len(data)} bytes inflate to" in sentence
    assert "more than the 64 that are allowed" in sentence


def test_what_inflates_to_more_is_read_where_a_person_raises_the_option(read, little):
    data = gzip.compress(pickled(listed(weights(np.zeros((1000, 4, 9, 9), "<f4")))))
    refused(read, "ratio", data)
    assert read(data, ratio=10_000).conv_layers[0].n_filters == 1000


def test_few_bytes_may_inflate_to_untrained_weights(read):
    data = gzip.compress(pickled(listed(weights(np.zeros((1000, 16, 9, 9), "<f4")))))
    assert len(data) < 10_000
    assert read(data).conv_layers[0].n_filters == 1000


def test_a_file_of_many_streams_that_are_full_is_read(read):
    """As bgzip and pigz write them, 64 KiB in each stream."""
    numbers = np.random.default_rng(0).normal(size=(2000, 16, 5, 5)).astype("<f4")
    data = pickled(listed(weights(numbers)))
    pieces = [data[start : start + (1 << 16)] for start in range(0, len(data), 1 << 16)]
    assert len(pieces) > 40
    assert (
        read(b"".join(gzip.compress(piece, 1) for piece in pieces), ratio=2).conv_layers[0].n_filters == 2000
    )


def test_bytes_that_are_inflated_twice_count_as_more(read, little):
    numbers = np.random.default_rng(0).integers(0, 256, 20_000, np.uint8).tobytes()
    once = gzip.compress(beside_weights(b"B" + len(numbers).to_bytes(4, "little") + numbers))
    assert len(read(once, ratio=1).conv_layers) == 1
    refused(read, "ratio", gzip.compress(once), ratio=1)
    assert len(read(gzip.compress(once)).conv_layers) == 1


def test_files_beside_count_for_what_they_are(tmp_path, little):
    """An old joblib file is small, and its arrays lie in large files beside it."""
    values = np.random.default_rng(0).normal(size=(800, 4, 5, 5)).astype("<f4")
    wrapper = thing(
        "joblib.numpy_pickle", "NDArrayWrapper", filename=text("w.npy"), subclass=named("numpy", "ndarray")
    )
    path = tmp_path / "model.pkl"
    path.write_bytes(pickled(listed(wrapper)))
    beside = tmp_path / "w.npy"
    beside.write_bytes(gzip.compress(npy(header("(800, 4, 5, 5)"), values.tobytes())))
    assert load(path, limits=Limits(ratio=2)).conv_layers[0].n_filters == 800
    beside.write_bytes(gzip.compress(npy(header("(800, 4, 5, 5)"), bytes(values.nbytes))))
    with pytest.raises(LimitError, match="--max-ratio"):
        load(path)


def test_members_of_a_zip_count_as_streams(read, little):
    few, more = (many(n, npy(header())) for n in (3, 300))
    assert len(read(few, ratio=1).conv_layers) == 3
    refused(read, "ratio", more, ratio=1)
    assert len(read(more).conv_layers) == 300


def test_a_header_that_entries_of_a_zip_share_is_read_once_or_twice(read, monkeypatch):
    read_extras = []
    read_extra = zips._zip64
    monkeypatch.setattr(zips, "_zip64", lambda *args: read_extras.append(args) or read_extra(*args))
    with pytest.raises(Exception, match=r"two different things|overlap"):
        read(growing.shared_extra(1_000))
    assert len(read_extras) < 10


def test_members_without_numbers_are_named_up_to_thirty(read):
    data = zipped(("w.npy", npy(header())), *[(f"{n}.txt", b"text") for n in range(200)])
    (note,) = [note for note in read(data).origin.notes if "hold no numbers" in note]
    assert "0.txt, 1.txt" in note
    assert note.endswith("and 170 more")
    one = zipped(("w.npy", npy(header())), ("a.txt", b"text"))
    assert "the member 'a.txt' holds no numbers and was left out" in read(one).origin.notes


# What is understood


def test_a_class_has_a_name_of_bounded_length(read):
    network = read(beside_weights(named("m" * 5000, "n" * 5000), named("short", "n" * 10)))
    long, short = (name for name in network.origin.classes if name.endswith("nnn"))
    assert len(long) == 2 * LONGEST_NAME + 1
    assert short == "short.nnnnnnnnnn"
    assert Global("m", "A.b").bare == "b"


def test_a_dictionary_that_grows_is_indexed_entry_by_entry(monkeypatch):
    items = Items(["a", 1, 5, 2])
    assert items.by_name() == {"a": 1}
    items.update(["b", 3, "a", 4])
    assert items.by_name() is items.by_name()
    assert items.by_name() == {"a": 4, "b": 3}
    assert items._n_indexed == 8


def test_looks_at_an_array_in_a_stream_count(read):
    facts = mapped(shape=shape(0), dtype=dtype("f4")) + put(1) + POP
    wrapper = named("joblib.numpy_pickle", "NumpyArrayWrapper") + EMPTY_TUPLE + NEWOBJ
    look = get(1) + text("more") + NONE + SETITEM + BUILD
    data = pickled(facts, wrapper, look * 200, POP, beside_weights()[2:-1])
    assert len(read(data, opcodes=20_000).conv_layers) == 1
    refused(read, "opcodes", data, opcodes=5_000)


def test_who_wrote_the_file_is_found_out_once(read, monkeypatch):
    asked = []
    python = Pickles.python.fget
    monkeypatch.setattr(Pickles, "python", property(lambda pickles: asked.append(1) or python(pickles)))
    assert len(read(growing.kept(EMPTY_DICT, 500)).conv_layers) == 1
    assert len(asked) < 5


@pytest.mark.parametrize(
    "data",
    [
        growing.kept(EMPTY_LIST, 3_000),
        growing.kept(EMPTY_DICT, 3_000),
        growing.shared_attributes(1_000, 20),
        growing.keys_alike(2_000),
        growing.dense_graph(50),
        growing.wide_shapes(500),
        growing.registered(1_000),
        growing.parameters(500),
        growing.bound_keywords(2_000, 10),
        growing.beside(2_000),
    ],
    ids=[
        "lists", "dictionaries", "shared attributes", "keys", "links", "shapes", "registered", "parameters",
        "keywords", "beside",
    ],
)  # fmt: skip
def test_looking_at_objects_counts(read, data):
    """What is allowed is more than the pickle takes by itself, and too little to understand it."""
    steps = Spending(Limits(), "opcodes", "{}")
    read_pickles(data, steps)
    assert "to follow what its objects share" in refused(read, "opcodes", data, opcodes=steps.used + 100)
    assert read(data).conv_layers


def test_arrays_are_counted_where_they_are_found(read):
    data = growing.arrays_alike(50)
    assert len(read(data, layers=51).layers) == 51
    assert "it holds 50 arrays or more" in refused(read, "layers", data, layers=49)


def test_an_array_below_long_keys_has_a_source_of_bounded_length(read):
    network = read(growing.long_paths(3))
    assert len({layer.weights.source for layer in network.conv_layers}) <= 3
    assert all(len(layer.weights.source) <= LONGEST_NAME for layer in network.conv_layers)


def test_what_lies_beside_the_weights_is_named_up_to_thirty(read):
    (note,) = read(growing.beside(100)).origin.notes
    assert "left out: beside 0, beside 1, " in note
    assert note.endswith("and 70 more")
    (note,) = read(growing.beside(3)).origin.notes
    assert note.endswith("left out: beside 0, beside 1, beside 2")


def tied(n: int) -> bytes:
    facts = {"W": get(9), "params": EMPTY_DICT + MARK + get(9) + NONE + SETITEMS}
    layers = convolution(image(1, 8, 8), **facts) + put(0) + POP
    layers += (convolution(get(0), **facts) + put(0) + POP) * (n - 1)
    return pickled(weights(), put(9), POP, layers, get(0))


def test_ties_are_named_up_to_a_hundred(read):
    notes = read(tied(104)).origin.notes
    assert len([note for note in notes if note.endswith("they are tied")]) == 100
    assert notes[-1] == "tied parameters that are not named here: 3"
    assert len(read(tied(101)).origin.notes) == 100


def test_layers_that_share_a_long_name_have_labels_of_bounded_length(read):
    name = growing.GRIN + "n" * 4_000
    first = convolution(image(1, 8, 8), name=text(name))
    labels = [layer.label for layer in read(pickled(convolution(first, name=text(name)))).conv_layers]
    assert len(set(labels)) == 2
    assert max(map(len, labels)) < 300
    assert read(pickled(first)).conv_layers[0].label == name


def test_a_class_of_text_counts_as_two_steps(read):
    data = b"\x80\x04" + b"cos\nsystem\n0" * 100 + beside_weights()[2:]
    plain = b"\x80\x04" + (NONE + POP) * 100 + beside_weights()[2:]
    steps = [Spending(Limits(), "opcodes", "{}") for _ in range(2)]
    for each, taken in zip((data, plain), steps, strict=True):
        read_pickles(each, taken)
    assert steps[0].used - steps[1].used == 100


def test_of_a_long_key_that_comes_again_one_copy_is_kept(read, monkeypatch):
    made: list[list[tuple[str, object]]] = []
    entries = collecting._Collector._entries

    def noting(self, given, *, ordered):
        made.append(entries(self, given, ordered=ordered))
        return made[-1]

    monkeypatch.setattr(collecting._Collector, "_entries", noting)
    read(shared_keys("_" * 5_000, 50))
    for found in made:
        assert (len(found), len({id(key) for key, _ in found})) == (50, 1)
