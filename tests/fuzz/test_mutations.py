"""A short run of what `fuzz_reading` does for minutes, the same each time."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filtviz.network import ConvLayer, Network
from tests.attacks.assembling import KERNELS, beside_weights
from tests.fuzz.looking import LOOKS, is_small, look_at
from tests.fuzz.mutations import CODES, Seed, mutate, mutate_seed, seeds
from tests.fuzz.reading import read_path, read_whole

TESTS = Path(__file__).resolve().parents[1]
SEEDS = 24
MUTATIONS = 25


@pytest.fixture(scope="module")
def corpus() -> list[Seed]:
    found = sorted(seeds([TESTS / "fixtures"]), key=lambda seed: seed.size)
    assert len(found) > SEEDS
    return found


@pytest.mark.slow
@pytest.mark.parametrize("number", range(SEEDS))
def test_mutated_files_end_in_a_network_or_one_sentence(number, corpus, tmp_path):
    data = corpus[number].files[corpus[number].entry]
    read = [
        read_whole(mutate(data, random.Random(f"{number}/{turn}")), tmp_path / "model.pkl")
        for turn in range(MUTATIONS)
    ]
    assert len(read) == MUTATIONS


KINDS = (
    "modern/sd_zip.pth", "modern/sd_legacy.pth", "modern/whole_sequential.pt", "sharded_bin",
    "torch/exported.pt2", "torch/scripted.pt", "modern/sd.safetensors", "sharded/model", "keras/seq.keras",
    "keras/seq.weights.h5", "keras/float16_legacy.h5", "keras_sharded", "onnx/constants.onnx",
    "onnx/function.onnx", "onnx/sparse_init.onnx", "external_one", "tf_f32.tflite", "tf_int8dyn.tflite",
    "tf_ckpt", "tf_frozen.pb", "tf_savedmodel", "flax_model", "jax_params.npz", "net.pdparams",
    "cnn_q8.gguf", "gluon.params", "darknet_new", "pd_infer", "lone.weights", "pd_graph", "dilated.pb",
    "dilated.tflite", "tensorflow/listed", "own_layer",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_mutated_files_of_todays_frameworks_end_in_a_network_or_one_sentence(kind, corpus, tmp_path):
    found = [seed for seed in corpus if kind in seed.label]
    assert found
    for turn in range(MUTATIONS):
        chance = random.Random(f"{kind}/{turn}")
        read_path(mutate_seed(chance.choice(found), chance).write(tmp_path))


def test_the_mutations_leave_some_networks_and_damage_others(tmp_path):
    data = (TESTS / "fixtures" / "py311" / "layer-p2.pkl").read_bytes()
    read = [read_whole(mutate(data, random.Random(turn)), tmp_path / "model.pkl") for turn in range(40)]
    assert 0 < sum(read) < 40


@pytest.mark.slow
@pytest.mark.parametrize("number", range(6))
def test_what_mutations_leave_goes_through_the_commands(number, tmp_path):
    """Each in a network or one sentence, and none with a warning of numpy's."""
    name = (
        "layer-p2.pkl",
        "values-p5.pkl",
        "branches-list.pkl",
        "values.npz",
        "nolearn-params.pkl",
        "variables.pkl",
    )
    data = (TESTS / "fixtures" / "py311" / name[number]).read_bytes()
    for turn in range(6):
        read_whole(mutate(data, random.Random(f"{number}/{turn}")), tmp_path / "model.pkl", LOOKS)


FOUND = sorted((TESTS / "fuzz" / "corpus").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)
def test_what_the_fuzzer_found_is_mended(path, tmp_path):
    if path.is_file():
        read_whole(path.read_bytes(), tmp_path / "model.pkl", LOOKS)
    for part in path.rglob("*"):
        read_path(part, LOOKS)


@pytest.mark.slow
def test_the_commands_go_through_a_small_network_and_leave_out_a_large_one():
    network = Network.of([ConvLayer.of(np.ones((3, 2, 3, 3)), type="Conv2DLayer")])
    assert is_small(network)
    assert look_at(network) == len(LOOKS)
    assert not is_small(Network.of([ConvLayer.of(np.ones((30, 200, 6, 6)), type="Conv2DLayer")]))


PIECES = st.one_of(
    st.sampled_from([bytes([code]) for code in CODES]),
    st.binary(max_size=12),
    st.sampled_from(
        [
            b"cnumpy\ndtype\n",
            b"cnumpy.core.multiarray\n_reconstruct\n",
            b"K\x00",
            b"K\x02",
            b"h\x00",
            b"q\x00",
        ]
    ),
)


def ends_well(strategy: st.SearchStrategy[Any], examples: int, read: Callable[[Any], object]) -> None:
    """Try so many examples, the same each time."""
    settings(max_examples=examples, deadline=None, derandomize=True, database=None)(given(strategy)(read))()


FEW_AND_MANY = [40, pytest.param(400, marks=pytest.mark.slow)]


@pytest.mark.slow
@pytest.mark.parametrize("examples", FEW_AND_MANY)
def test_any_opcodes_end_in_a_network_or_one_sentence(examples, tmp_path):
    def read(pieces: list[bytes]) -> None:
        read_whole(b"\x80\x04" + b"".join(pieces) + b".", tmp_path / "any.pkl")

    ends_well(st.lists(PIECES, max_size=60), examples, read)


@pytest.mark.slow
@pytest.mark.parametrize("examples", FEW_AND_MANY)
def test_any_opcodes_beside_weights_end_in_a_network_or_one_sentence(examples, tmp_path):
    def read(pieces: list[bytes]) -> None:
        read_whole(beside_weights(*pieces), tmp_path / "beside.pkl")

    ends_well(st.lists(PIECES, max_size=30), examples, read)


@pytest.mark.slow
@pytest.mark.parametrize("examples", FEW_AND_MANY)
def test_any_bytes_end_in_a_network_or_one_sentence(examples, tmp_path):
    def read(data: bytes) -> None:
        read_whole(data, tmp_path / "bytes.pkl")

    ends_well(st.binary(max_size=300), examples, read)


def test_what_is_not_mutated_is_a_network(tmp_path):
    assert KERNELS.any()
    assert read_whole(beside_weights(), tmp_path / "model.pkl")
