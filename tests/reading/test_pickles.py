"""The pickle machine: every opcode of every protocol, and what a damaged or greedy pickle gets."""

from __future__ import annotations

import pickle
import struct
from collections import OrderedDict

import numpy as np
import pytest

from filtviz import load
from filtviz.errors import LimitError, MalformedFileError, UnsupportedFileError
from filtviz.reading.limits import Hints, Limits, effort, pickle_steps
from filtviz.reading.opened import Opened, origin_of
from filtviz.reading.pickle.machine import OPCODES, read_pickle, read_pickles
from filtviz.reading.pickle.records import (
    Blob,
    Global,
    Items,
    Record,
    attributes,
    elements,
    pairs,
    raw_bytes,
    text,
)
from tests.reading.making import Named, Thing, dumps


def root(data: bytes, **limits: int):
    (value,) = read_pickles(data, pickle_steps(Limits(**limits))).roots
    return value


def plain(value):
    """Turn what the machine gives into what pickle would give."""
    if type(value) is Items:
        return {plain(key): plain(part) for key, part in value.pairs()}
    if type(value) in (list, tuple):
        return type(value)(plain(part) for part in value)
    return value


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        5,
        255,
        256,
        65535,
        65536,
        -1,
        -(2**31),
        2**31,
        2**70,
        -(2**70),
        0.5,
        -1e300,
        float("inf"),
        "",
        "abc",
        "é\n\\\u2603",
        "\U0001f600",
        [],
        [1],
        [1, [2, [3]]],
        (),
        (1,),
        (1, 2),
        (1, 2, 3),
        (1, 2, 3, 4),
        {},
        {"a": 1},
        {"a": {"b": (1, 2)}, 3: None},
    ],
    ids=repr,
)
def test_plain_values_are_as_pickle_has_them(value, protocol):
    found = plain(root(pickle.dumps(value, protocol)))
    assert (found, type(found)) == (value, type(value))  # 1 equals True, and is no flag
    assert repr(found) == repr(value)


def test_flags_are_flags_and_numbers_are_numbers_in_every_protocol():
    for protocol in range(6):
        found = root(pickle.dumps([True, False, 1, 0, 1.0], protocol))
        assert [repr(value) for value in found] == ["True", "False", "1", "0", "1.0"]


@pytest.mark.cases(1)
@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("length", [0, 1, 255, 256, 1024, 1025, 70_000])
def test_bytes_survive_every_protocol(protocol, length):
    value = bytes(i % 256 for i in range(length))
    found = root(pickle.dumps(value, protocol))
    assert bytes(raw_bytes(found)) == value


@pytest.mark.cases("all")
@pytest.mark.parametrize("protocol", range(6))
def test_long_text_is_read_when_it_is_asked_for(protocol):
    value = "é\n" * 2000
    found = root(pickle.dumps(value, protocol))
    assert type(found) is Blob
    assert text(found) == value


def test_sets_frozensets_and_bytearrays_of_new_protocols():
    assert sorted(root(pickle.dumps({1, 2, 3}, 4))) == [1, 2, 3]
    assert sorted(root(pickle.dumps(frozenset({1, 2}), 4))) == [1, 2]
    assert bytes(raw_bytes(root(pickle.dumps(bytearray(b"abc"), 5)))) == b"abc"
    assert bytes(raw_bytes(root(pickle.dumps(bytearray(b"abc"), 2)))) == b"abc"


@pytest.mark.cases("all")
@pytest.mark.parametrize("protocol", range(6))
def test_ordered_dictionaries_keep_their_entries(protocol):
    found = root(pickle.dumps(OrderedDict(b=1, a=2), protocol))
    assert [(text(key), value) for key, value in pairs(found, effort(Limits()))] == [("b", 1), ("a", 2)]


def test_an_ordered_dictionary_of_python_2_has_its_entries_as_an_argument():
    found = root(b"\x80\x02ccollections\nOrderedDict\n]](U\x01bK\x01ea\x85R.")
    assert pairs(found, effort(Limits())) == [("b", 1)]


def test_classes_are_only_named():
    found = root(b"cos\nsystem\n(S'touch /tmp/filtviz-was-here'\ntR.")
    assert type(found) is Record
    assert (found.cls.path, found.args) == ("os.system", ("touch /tmp/filtviz-was-here",))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02cmod\nCls\n)\x81}U\x01aK\x07sb.",  # NEWOBJ
        b"\x80\x04\x8c\x03mod\x8c\x03Cls\x93)}\x92}\x8c\x01aK\x07sb.",  # NEWOBJ_EX
        b"(imod\nCls\n(dS'a'\nI7\nsb.",  # INST
        b"(cmod\nCls\no}U\x01aK\x07sb.",  # OBJ
        b"ccopy_reg\n_reconstructor\n(cmod\nCls\nc__builtin__\nobject\nNtR(dS'a'\nI7\nsb.",
        b"\x80\x02ccopyreg\n__newobj__\ncmod\nCls\n\x85R}U\x01aK\x07sb.",
        b"\x80\x02cmod\nCls\n)\x81N}U\x01aK\x07s\x86b.",  # __slots__
    ],
    ids=["NEWOBJ", "NEWOBJ_EX", "INST", "OBJ", "_reconstructor", "__newobj__", "slots"],
)
def test_every_way_to_write_an_object_gives_its_class_and_attributes(data):
    found = root(data)
    assert found.cls.path == "mod.Cls"
    assert dict(attributes(found)) == {"a": 7}


def test_a_list_subclass_and_a_dict_subclass_are_what_they_hold():
    assert elements(root(b"\x80\x02cmod\n_list\n)\x81K\x01aK\x02a.")) == [1, 2]
    assert elements(root(b"ccopy_reg\n_reconstructor\n(cmod\n_list\nc__builtin__\nlist\n(lI1\natR.")) == [1]
    found = root(b"\x80\x02cmod\n_dict\n)\x81(U\x01aK\x01u.")
    assert pairs(found, effort(Limits())) == [("a", 1)]


def test_extensions_persistent_ids_and_buffers_are_records_without_effect():
    assert root(b"\x80\x02\x82\x05.").path == "copyreg extension.5"
    assert root(b"\x80\x02\x83\x05\x00.").path == "copyreg extension.5"
    assert root(b"\x80\x02\x84\x05\x00\x00\x00.").path == "copyreg extension.5"
    assert root(b"Parray 3\n.").args == ("array 3",)
    assert root(b"\x80\x02U\x03abcQ.").args == ("abc",)
    assert type(root(b"\x80\x05\x97\x98.")) is Record


def test_memo_stack_and_marks():
    assert root(b"]p0\ng0\na.")[0] is not None
    assert root(b"\x80\x02]q\x00K\x01ah\x00\x86.") == ([1], [1])
    assert root(b"\x80\x02]r\x00\x01\x00\x00j\x00\x01\x00\x00\x86.") == ([], [])
    assert root(b"\x80\x04K\x05\x94h\x00\x86.") == (5, 5)
    assert root(b"K\x01K\x020.") == 1  # POP
    assert root(b"K\x01(K\x02K\x031.") == 1  # POP_MARK
    assert root(b"K\x01(0.") == 1  # POP of a mark
    assert root(b"K\x012\x86.") == (1, 1)  # DUP
    assert plain(root(b"(K\x01K\x02d.")) == {1: 2}
    assert root(b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00K\x01.") == 1  # FRAME


def test_a_list_that_holds_itself_is_no_problem():
    found = root(b"]q\x00h\x00a.")
    assert found[0] is found


def test_every_opcode_of_pickletools_is_there():
    import pickletools

    assert {ord(op.code): op.name.lower() for op in pickletools.opcodes} == OPCODES


def test_several_pickles_in_one_stream_are_all_read():
    found = read_pickles(
        pickle.dumps(1, 0) + pickle.dumps([2], 2) + pickle.dumps("3", 4), pickle_steps(Limits())
    )
    assert found.roots == (1, [2], "3")
    assert found.protocol == 4


def test_a_text_pickle_with_the_line_ends_of_windows_is_read(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps([np.ones((2, 1, 3, 3))], 0).replace(b"\n", b"\r\n"))
    network = load(path)
    assert np.array_equal(network.conv_layers[0].W, np.ones((2, 1, 3, 3)))
    assert "were changed back" in network.origin.notes[0]


def test_line_ends_that_belong_to_the_data_are_kept(tmp_path):
    """Weights may hold the bytes of a line end of Windows, which are changed only where all are so."""
    values = np.frombuffer(b"\r\n\r\n" * 18, "<f4").reshape(2, 1, 3, 3)
    path = tmp_path / "net.pkl"
    for protocol in range(6):
        path.write_bytes(pickle.dumps({"a\r\nb": values, "c": np.ones((4, 2, 3, 3))}, protocol))
        network = load(path)
        assert network.conv_layers[0].W.tobytes() == values.tobytes()
        assert network.conv_layers[0].weights.source == "a\r\nb"
        assert not any("line ends" in note for note in network.origin.notes)


@pytest.mark.parametrize("key", [b"X\x01\0\0\0a", b"U\x01a"], ids=["unicode", "bytes"])
def test_of_a_key_that_comes_twice_the_later_value_counts(key):
    data = b"\x80\x02cm\nC\n)\x81}(" + key + b"K\x01" + key + b"K\x02u" + key + b"K\x03sb."
    assert pickle.loads(data.replace(b"cm\nC", b"cargparse\nNamespace"), encoding="latin-1").a == 3
    record = root(data)
    assert attributes(record)["a"] == 3
    assert [value for _, value in record.state.pairs()] == [1, 2, 3]


def test_bytes_behind_the_last_pickle_are_told():
    found = read_pickles(pickle.dumps(1, 2) + b"\xff\xff", pickle_steps(Limits()))
    assert found.roots == (1,)
    assert isinstance(found.rest, MalformedFileError)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("data", "protocol", "python2"),
    [
        (b"(lp0\nI1\na.", 0, False),
        (b"]q\x00K\x01a.", 1, False),
        (b"\x80\x02U\x01a.", 2, True),
        (pickle.dumps("a", 5), 5, False),
    ],
)
def test_protocol_and_python(data, protocol, python2):
    found = read_pickles(data, pickle_steps(Limits()))
    assert (found.protocol, found.python2) == (protocol, python2)


@pytest.mark.cases("all")
@pytest.mark.parametrize("protocol", range(6))
def test_the_python_that_wrote_a_pickle_is_told_where_that_shows(protocol):
    """Only 3 writes protocol 3 and later ones, and calls that encode; only 2 writes strings of bytes."""
    steps = pickle_steps(Limits())
    number, data = (read_pickles(pickle.dumps(value, protocol), steps) for value in (1, b"a"))
    assert number.python == ("3" if protocol >= 3 else None)
    assert data.python == "3"
    if protocol <= 2:
        old = {0: b"S'a'\n.", 1: b"U\x01a.", 2: b"\x80\x02U\x01a."}[protocol]
        assert read_pickles(old, steps).python == "2"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("named", "versions"),
    [
        (["nolearn.lasagne.base.C"], {"nolearn": "0.6 or later"}),
        (["numpy._core.multiarray.f"], {"numpy": "2 or later"}),
        (["numpy.core.multiarray.f"], {"numpy": "before 2"}),
        (["theano.gpuarray.type.f"], {"theano": "0.9 or later"}),
        (["theano.sandbox.cuda.type.f"], {"theano": "0.10 or earlier"}),
        (["theano.tensor.signal.downsample.f"], {"theano": "before 0.9"}),
        (["nolearn.lasagne.base.C", "nolearn.lasagne.C"], {"nolearn": "0.6 or later"}),
        (["nolearn.lasagne.C"], {"nolearn": "0.5 or earlier"}),
        (["lasagne.layers.local.C"], {"lasagne": "0.2.dev1"}),
        (["joblib.numpy_pickle_compat.C"], {"joblib": "0.10 or later"}),
        (["numpy._core.f", "lasagne.layers.local.C"], {"numpy": "2 or later", "lasagne": "0.2.dev1"}),
        (["numpy._corelike.f", "nolearn.lasagneous.C", "lasagne.layers.C"], {}),
    ],
    ids=str,
)
def test_versions_show_in_the_modules_that_a_file_names(tmp_path, named, versions):
    path = tmp_path / "net.pkl"
    path.write_bytes(dumps([Named(path) for path in named]))
    opened = Opened.of(path, Limits(), Hints())
    assert origin_of(opened, "something").versions == versions


def test_a_python_2_string_of_protocol_0_with_any_byte():
    value = bytes(range(256)) * 8
    quoted = repr(value)[1:].encode()
    found = root(b"S" + quoted + b"\np0\n.")
    assert bytes(raw_bytes(found)) == value


@pytest.mark.cases("all")
@pytest.mark.parametrize("data", [b"Sabc\n.", b"S'abc\n.", b"S\n.", b"S'\n."])
def test_a_string_without_its_quotes_is_damage(data):
    with pytest.raises(MalformedFileError):
        root(data)


def test_a_broken_escape_shows_when_the_bytes_are_asked_for():
    found = root(b"S'" + b"a" * 2000 + b"\\x0'\n.")
    with pytest.raises(MalformedFileError, match="an escape that is none"):
        raw_bytes(found)


SAMPLE = [b"abc", "text", {"k": (1, 2.5, [None, True])}, 2**40, Thing("m.C", 1, a=[Named("m.f")])]


@pytest.mark.parametrize("protocol", range(5))
def test_a_pickle_cut_anywhere_is_malformed(protocol):
    data = dumps(SAMPLE, protocol)
    root(data)
    for stop in range(1, len(data)):
        with pytest.raises(MalformedFileError):
            root(data[:stop])


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "data",
    [
        b".",
        b"a.",
        b"h\x00.",
        b"g5\n.",
        b"\xff.",
        b"NNa.",
        b"Nb.",
        b"}Nb.",
        b"Iabc\n.",
        b"Fabc\n.",
        b"Nt.",
        b"N\x93.",
        b"NN\x93.",
        b"(K\x01d.",
        b"}(K\x01u.",
        b"\x8b\xff\xff\xff\xff.",
        b"T\xff\xff\xff\xff.",
        b"X\x02\x00\x00\x00\xff\xff.",
        b"\x80\x02X\x01\x00\x00\x00\xff.",
        b"p1\n.",
        b"Np" + b"9" * 5000 + b"\n.",
        b"F" + b"1" * 5000 + b"\n.",
    ],
)
def test_what_cannot_be_carried_out_is_malformed(data):
    with pytest.raises(MalformedFileError):
        root(data)


def test_the_sentence_says_where_the_damage_is():
    with pytest.raises(MalformedFileError, match=r"the opcode at byte 3 \(APPEND\) cannot be carried out"):
        root(b"\x80\x02Na.")
    with pytest.raises(MalformedFileError, match="was cut short: its 5 bytes end before the pickle does"):
        root(b"\x80\x02K\x01N")


def test_a_protocol_of_the_future_is_refused():
    with pytest.raises(UnsupportedFileError, match="it declares pickle protocol 6; the newest is 5"):
        root(b"\x80\x06N.")


def test_steps_and_memo_are_limited():
    with pytest.raises(LimitError, match="raise --max-opcodes") as caught:
        root(b"N0" * 100 + b"N.", opcodes=100)
    assert (caught.value.limit, caught.value.allowed) == ("opcodes", 100)
    with pytest.raises(LimitError, match="raise --max-memo"):
        root(b"\x80\x04N" + b"\x94" * 100 + b".", memo=50)
    with pytest.raises(LimitError, match="opcodes"):
        read_pickles(b"N." * 100, pickle_steps(Limits(opcodes=100)))


@pytest.mark.parametrize("n", [30_000, pytest.param(300_000, marks=pytest.mark.slow)], ids=["deep", "deeper"])
@pytest.mark.parametrize(
    "nested",
    [
        lambda n: b"N" + b"\x85" * n + b".",
        lambda n: b"]" * n + b"a" * (n - 1) + b".",
        lambda n: b"}N" + b"\x85" * n + b"Ns.",
        lambda n: b"\x8f(N" + b"\x85" * n + b"\x90.",
        lambda n: b"cm\nf\n" + b")R" * n + b".",
        lambda n: b"N" + b"Q" * n + b".",
    ],
    ids=["tuples", "lists", "key of a dict", "item of a set", "calls", "persistent ids"],
)
def test_depth_that_would_break_recursion_is_only_data(nested, n):
    assert root(nested(n)) is not None


def test_huge_lengths_and_numbers_take_nothing():
    for code, size in ((b"\x8e", 8), (b"\x8d", 8), (b"\x96", 8), (b"X", 4), (b"B", 4)):
        with pytest.raises(MalformedFileError):
            root(code + b"\xff" * (size - 1) + b"\x7f" + b"abc.")
    assert type(root(b"\x8b" + struct.pack("<i", 100_000) + b"\x01" * 100_000 + b".")) is Blob
    assert type(root(b"I" + b"9" * 100_000 + b"\n.")) is Blob


def test_one_pickle_in_the_middle_of_bytes():
    found = read_pickle(b"xxx" + pickle.dumps([1], 2) + b"yyy", 3, pickle_steps(Limits()))
    assert found.roots == ([1],)


def test_names_of_classes_are_not_looked_up():
    found = read_pickles(
        dumps([Named("no.such.module.Cls"), Named("no.such.module.Cls")]), pickle_steps(Limits())
    )
    first, second = found.roots[0]
    assert type(first) is Global
    assert first is second
    assert [one.path for one in found.globals] == ["no.such.module.Cls"]


@pytest.mark.parametrize(("n", "says"), [(1, "its 1 byte ends before"), (3, "its 3 bytes end before")])
def test_a_pickle_that_was_cut_short_says_after_how_many_bytes(tmp_path, n, says):
    path = tmp_path / "m.pkl"
    path.write_bytes(b"\x80\x02}q\0."[:n])
    with pytest.raises(MalformedFileError, match=says):
        load(path)


@pytest.mark.parametrize("protocol", range(1, 6))
def test_half_a_character_is_kept_as_python_keeps_it(protocol):
    assert root(pickle.dumps("a\udcffb", protocol)) == "a\udcffb"
