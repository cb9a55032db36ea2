"""A short run of what `fuzz_reading` does for minutes, the same each time."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.attacks.assembling import KERNELS, beside_weights
from tests.fuzz.mutations import CODES, mutate, seeds
from tests.fuzz.reading import read_whole

TESTS = Path(__file__).resolve().parents[1]
SEEDS = 24
MUTATIONS = 25


@pytest.fixture(scope="module")
def corpus() -> list[bytes]:
    found = sorted(seeds([TESTS / "fixtures"]), key=len)
    assert len(found) > SEEDS
    return found


@pytest.mark.parametrize(
    "number", [pytest.param(n, marks=() if n % 6 == 0 else pytest.mark.slow) for n in range(SEEDS)]
)
def test_mutated_files_end_in_a_network_or_one_sentence(number, corpus, tmp_path):
    read = [
        read_whole(mutate(corpus[number], random.Random(f"{number}/{turn}")), tmp_path / "model.pkl")
        for turn in range(MUTATIONS)
    ]
    assert len(read) == MUTATIONS


def test_the_mutations_leave_some_networks_and_damage_others(corpus, tmp_path):
    seed = next(one for one in corpus if one[:2] == b"\x80\x02")
    read = [read_whole(mutate(seed, random.Random(turn)), tmp_path / "model.pkl") for turn in range(40)]
    assert 0 < sum(read) < 40


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


@pytest.mark.parametrize("examples", FEW_AND_MANY)
def test_any_opcodes_end_in_a_network_or_one_sentence(examples, tmp_path):
    def read(pieces: list[bytes]) -> None:
        read_whole(b"\x80\x04" + b"".join(pieces) + b".", tmp_path / "any.pkl")

    ends_well(st.lists(PIECES, max_size=60), examples, read)


@pytest.mark.parametrize("examples", FEW_AND_MANY)
def test_any_opcodes_beside_weights_end_in_a_network_or_one_sentence(examples, tmp_path):
    def read(pieces: list[bytes]) -> None:
        read_whole(beside_weights(*pieces), tmp_path / "beside.pkl")

    ends_well(st.lists(PIECES, max_size=30), examples, read)


@pytest.mark.parametrize("examples", FEW_AND_MANY)
def test_any_bytes_end_in_a_network_or_one_sentence(examples, tmp_path):
    def read(data: bytes) -> None:
        read_whole(data, tmp_path / "bytes.pkl")

    ends_well(st.binary(max_size=300), examples, read)


def test_what_is_not_mutated_is_a_network(tmp_path):
    assert KERNELS.any()
    assert read_whole(beside_weights(), tmp_path / "model.pkl")
