"""What small files of today's formats share, repeat and leave out is counted; a little of it is read."""

from __future__ import annotations

import gzip
import json
import struct
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import filtviz
from filtviz import Limits
from filtviz.errors import LimitError, ReadError
from filtviz.network import Network
from filtviz.reading import limits as limits_module
from filtviz.reading.flatbuffers import STEPS_OF_A_TABLE, Table
from filtviz.reading.limits import BYTES_OF_JSON, Spending
from filtviz.reading.protobuf import STEPS_OF_A_MESSAGE, Message
from tests.attacks import flatbuffer_files, formats, graph_files
from tests.attacks.formats import (
    expanded,
    message,
    msgpack_array,
    msgpack_map,
    msgpack_text,
    onnx_sparse,
    safetensors,
)
from tests.attacks.torch_files import saved

OPENED = {**formats.TO_OPEN, **flatbuffer_files.TO_LEAD}


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Network]:
    def write_and_load(data: bytes, **limits: int) -> Network:
        path = tmp_path / "model.bin"
        path.write_bytes(data)
        return filtviz.load(path, limits=Limits(**limits))

    return write_and_load


def refused(read, limit: str, data: bytes, **limits: int) -> None:
    with pytest.raises(LimitError) as raised:
        read(data, **limits)
    assert (raised.value.limit, f"raise --max-{limit}" in str(raised.value)) == (limit, True)


def effort() -> Spending:
    return Spending(Limits(), "opcodes", "{}")


def test_messages_and_what_is_kept_of_them_count_each():
    spent = effort()
    whole = Message(memoryview(message((1, b"ab"), (1, b""), (2, 7))), spent)
    assert (whole.texts(1), whole.integer(2)) == (["ab", ""], 7)
    of_texts = 2  # each may be asked for again and again
    assert spent.used == STEPS_OF_A_MESSAGE + 2 * 2 + 1 + of_texts
    assert len(whole.messages(1)) == 2
    assert spent.used == 3 * STEPS_OF_A_MESSAGE + 2 * 2 + 1 + of_texts


def test_a_text_counts_for_each_table_that_has_it():
    text = b"n" * 6_400
    data = struct.pack("<HHHxxiI", 6, 8, 4, 8, 4) + struct.pack("<I", len(text)) + text
    spent = effort()
    tables = [Table(memoryview(data), 8, spent) for _ in range(3)]
    assert spent.used == 3 * STEPS_OF_A_TABLE
    assert {table.text(0) for table in tables} == {text.decode()}
    assert spent.used == 3 * (STEPS_OF_A_TABLE + 400)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("ONNX: nodes by the million", "opcodes"),
        ("TFLite: codes with one long name", "opcodes"),
        ("HDF5: a deep tree", "opcodes"),
        ("MessagePack: arrays below a long key", "opcodes"),
        ("ONNX: a kernel of zeros", "ratio"),
        ("PyTorch: a kernel that repeats one number", "ratio"),
        ("PyTorch: statistics that repeat one number", "ratio"),
        ("PyTorch: a sparse kernel of zeros", "ratio"),
    ],
)
def test_attacks_end_at_a_limit(read, name, limit):
    """With a hundredth of the steps, so that it is soon."""
    refused(read, limit, formats.TO_OPEN[name](), **({"opcodes": 20_000} if limit == "opcodes" else {}))


@pytest.mark.slow
@pytest.mark.parametrize("name", OPENED)
def test_attacks_are_under_a_megabyte_and_end_in_a_network_or_a_sentence(read, name):
    data = OPENED[name]()
    assert len(data) < 1_000_000
    with suppress(ReadError):
        read(data, opcodes=50_000, layers=100)


# What is repeated, and what is zero


def test_repeated_numbers_may_be_so_many_times_what_the_file_has(read, monkeypatch):
    monkeypatch.setattr(limits_module, "ALWAYS_INFLATED", 1000)
    rows = {
        n: saved(**{"big.weight": expanded(n, 1, 3, 3)}) for n in (128, 129)
    }  # the storage has 18 numbers
    assert 128 in [len(layer.W) for layer in read(rows[128], ratio=64).conv_layers]
    refused(read, "ratio", rows[129], ratio=64)
    assert read(rows[129], ratio=65).conv_layers


def test_a_little_is_always_allowed(read):
    assert read(saved(**{"big.weight": expanded(20_000, 1, 3, 3)}), ratio=1).conv_layers
    assert np.count_nonzero(read(onnx_sparse(100), ratio=1).conv_layers[0].W) == 0
    refused(read, "ratio", onnx_sparse(2_000_000), ratio=1)


# What is computed of others


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "made",
    [
        lambda: saved(**{"big.weight": formats.quantised(256, 16, 16, 16)}),
        lambda: saved(
            **{f"big.weight_{part}": formats.expanded_bytes(256, 16, 16, 16) for part in ("orig", "mask")}
        ),
        lambda: saved(
            **{
                "big.weight_g": formats.expanded_bytes(256, 1, 1, 1),
                "big.weight_v": formats.expanded_bytes(256, 16, 16, 16),
            }
        ),
        lambda: saved(
            **{
                "big.weight_orig": formats.expanded_bytes(256, 16, 16, 16),
                "big.weight_u": formats.expanded_bytes(256),
            }
        ),
    ],
    ids=["quantised", "pruned", "weight norm", "spectral norm"],
)
def test_what_is_computed_takes_little_memory_beside_itself(read, made):
    layer = next(one for one in read(made()).conv_layers if one.name == "big")
    tracemalloc.start()
    size = layer.W.nbytes
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == 4 * 256 * 16**3
    assert peak < 1.3 * size  # in double precision at once: twice as much, or more


@pytest.mark.cases("all")
@pytest.mark.parametrize(("n", "is_computed"), [pytest.param(1, True, marks=pytest.mark.slow), (2, False)])
def test_matrices_that_would_take_minutes_are_shown_as_they_are_stored(read, n, is_computed):
    said = " ".join(read(formats.orthogonal(n, 1, 1_024, 1_024)).origin.inferred)
    assert ("made orthogonal by the exponential of a matrix" in said) is is_computed
    assert ("shown is what it starts from, as stored" in said) is not is_computed


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("always", "filled", "is_computed"),
    [(1 << 30, 1 << 30, True), (9_000, 1 << 30, False), (1 << 30, 900, False)],
)
def test_a_small_kernel_costs_what_it_is_cut_out_of(read, monkeypatch, always, filled, is_computed):
    monkeypatch.setattr(limits_module, "ALWAYS_COMPUTED", always)
    monkeypatch.setattr(limits_module, "COMPUTED_A_BYTE", 0)
    monkeypatch.setattr(limits_module, "ALWAYS_FILLED", filled)
    monkeypatch.setattr(limits_module, "FILLED_A_BYTE", 0)
    network = read(graph_files.cut_out(6, 1, 8))
    assert [layer.filters.shape for layer in network.conv_layers] == [(4, 1, 3, 3)] * is_computed
    said = " ".join(network.origin.notes)
    assert ("y0 are computed from what is stored" in said) is is_computed
    assert ("takes more work than a model of its size may ask for" in said) is not is_computed


@pytest.mark.cases("all")
@pytest.mark.parametrize(("always", "n_untold"), [(1 << 30, 0), (3_500, 4)])
def test_scales_that_are_computed_of_one_another_are_so_many(read, monkeypatch, always, n_untold):
    monkeypatch.setattr(limits_module, "ALWAYS_COMPUTED", always)
    monkeypatch.setattr(limits_module, "COMPUTED_A_BYTE", 0)
    network = read(graph_files.tf_scales(10, 6, 2))
    assert sum(layer.type == "Square" for layer in network.layers) == n_untold


def test_scales_that_are_computed_count_as_layers(read):
    with pytest.raises(LimitError, match="its graph computes 21 constants or more, more than the 20 that"):
        read(graph_files.tf_called(5, 6), layers=20)


def test_each_use_of_a_long_scale_counts(read):
    assert read(graph_files.scaled(10, 65_536), opcodes=60_000).conv_layers
    refused(read, "opcodes", graph_files.scaled(20, 65_536), opcodes=60_000)


# JSON


def test_json_counts_as_the_memory_that_it_may_take(read):
    entry = {"conv.weight": {"dtype": "F32", "shape": [1, 1, 3, 3], "data_offsets": [0, 36]}}
    header = json.dumps(entry).encode()
    data = safetensors(header) + bytes(36)
    assert len(read(data, allocation=BYTES_OF_JSON * len(header)).conv_layers) == 1
    refused(read, "allocation", data, allocation=BYTES_OF_JSON * len(header) - 1)


# MessagePack


@pytest.mark.parametrize("length", [10, 100_000])
def test_a_long_key_counts_for_each_array_below_it(read, length):
    layers = msgpack_map(
        *((msgpack_text(b"conv%d" % i), b"\x81\xa6kernel" + msgpack_array()) for i in range(20))
    )
    data = b"\x81\xa6params" + msgpack_map((msgpack_text(b"k" * length), layers))
    if length == 10:
        assert len(read(data, opcodes=50_000).conv_layers) == 20
    else:
        refused(read, "opcodes", data, opcodes=50_000)


def test_compressed_files_of_these_formats_are_read_all_the_same(read):
    assert read(gzip.compress(onnx_sparse(10))).conv_layers
