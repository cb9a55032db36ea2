"""Mutations of model files that keep much of their sense, so that what lies behind the first check is met."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

from filtviz.reading.pickle.machine import OPCODES

__all__ = ["mutate", "seeds"]

LARGEST_SEED = 1 << 21
CODES = bytes(OPCODES)
NUMBERS = [
    struct.pack(form, number)
    for form, numbers in {
        "<B": (0, 1, 0x7F, 0x80, 0xFF),
        "<I": (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 20),
        "<Q": (0, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 1 << 40),
    }.items()
    for number in numbers
]
WORDS = (
    b"input_layer", b"input_layers", b"W", b"filter_size", b"stride", b"pad", b"layers_", b"params", b"shape",
    b"_reconstruct", b"_frombuffer", b"scalar", b"dtype", b"ndarray", b"NumpyArrayWrapper", b"NDArrayWrapper",
    b"NeuralNet", b"Conv2DLayer", b"InputLayer", b"os", b"system", b"O8", b"f4", b"V8", b"<f8", b"-1", b"\n",
    b"cos\nsystem\n", b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\x1f\x8b\x08", b"BZh9", b"\x93NUMPY",
)  # fmt: skip


def _replace_byte(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] = chance.randrange(256)


def _replace_opcode(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] = chance.choice(CODES)


def _replace_number(data: bytearray, chance: random.Random) -> None:
    at, number = chance.randrange(len(data)), chance.choice(NUMBERS)
    data[at : at + len(number)] = number


def _replace_word(data: bytearray, chance: random.Random) -> None:
    found = [(word, data.find(word, chance.randrange(len(data)))) for word in chance.sample(WORDS, 6)]
    for word, at in found:
        if at >= 0:
            data[at : at + len(word)] = chance.choice(WORDS)
            return


def _insert(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    data[at:at] = chance.choice([chance.choice(WORDS), bytes([chance.choice(CODES)]), chance.choice(NUMBERS)])


def _remove(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    del data[at : at + chance.choice([1, 1, 2, 4, 8, 100])]


def _repeat(data: bytearray, chance: random.Random) -> None:
    at, length = chance.randrange(len(data)), chance.choice([1, 2, 5, 20, 200])
    data[at:at] = data[at : at + length] * chance.choice([1, 2, 50])


def _move(data: bytearray, chance: random.Random) -> None:
    start, to, length = (
        chance.randrange(len(data)),
        chance.randrange(len(data)),
        chance.choice([2, 10, 100, 1000]),
    )
    data[to : to + length] = data[start : start + length]


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    *[_replace_byte, _replace_opcode, _replace_number, _replace_word] * 3,
    *[_insert, _remove, _repeat, _move] * 2,
    _cut,
)


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Return ``data`` with some mutations, most of them near its beginning, where the sense is."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 3, 5, 10])):
        if not changed:
            break
        window = changed[: chance.choice([200, 2000, len(changed)])]
        rest = changed[len(window) :]
        chance.choice(MUTATIONS)(window, chance)
        changed = window + rest
    return bytes(changed)


def seeds(folders: Iterable[Path]) -> list[bytes]:
    """Return the files of folders that are not too large, by name."""
    paths = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    small = [path for path in paths if path.stat().st_size <= LARGEST_SEED and "truth" not in path.name]
    return [path.read_bytes() for path in small if path.suffix not in (".json", ".md", ".py")]
