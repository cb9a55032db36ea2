"""Mutations of model files that keep much of their sense, so that what lies behind the first check is met."""

from __future__ import annotations

import io
import random
import re
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from filtviz import FiltvizError, load
from filtviz.reading.pickle.machine import OPCODES

__all__ = ["Seed", "mutate", "mutate_seed", "seeds"]

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
    *(
        b"torch._utils _rebuild_tensor_v2 _rebuild_qtensor storage FloatStorage BFloat16Storage state_dict "
        b"weight_g weight_v original0 module. _modules _parameters weight_map data_offsets dtype F32 BF16 "
        b"F8_E4M3 class_name Conv2D DepthwiseConv2D kernel strides padding same groups dilation_rate "
        b"config layers inbound_nodes Conv ConvTranspose Constant Identity Cast DequantizeLinear group "
        b"kernel_shape pads location offset length TFL3 GGUF TREE SNOD HEAP OHDR filters convolutional "
        b"variables ../ NaN 1e999 null [ { [[[[[[ "
    ).split(),
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


_DIGITS = re.compile(rb"-?\d+")
_WRITTEN = (b"0", b"1", b"-1", b"2", b"3", b"65536", b"4294967296", b"9223372036854775807", b"1" * 30, b"1e9")


def _replace_written_number(data: bytearray, chance: random.Random) -> None:
    """Exchange a number that is written in digits, as in JSON."""
    found = _DIGITS.search(data, chance.randrange(len(data))) or _DIGITS.search(data)
    if found is not None:
        data[found.start() : found.end()] = chance.choice(_WRITTEN)


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
    *[_replace_written_number] * 2,
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


@dataclass(frozen=True)
class Seed:
    """A model's files by their names; ``entry`` is the one that is opened, ``label`` tells the model."""

    label: str
    entry: str
    files: Mapping[str, bytes]

    @property
    def size(self) -> int:
        """The bytes of all its files."""
        return sum(map(len, self.files.values()))

    def write(self, folder: Path) -> Path:
        """Write its files into a folder; return the path of the one that is opened."""
        for name, data in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return folder / self.entry


def mutate_seed(seed: Seed, chance: random.Random) -> Seed:
    """Return a seed with mutations in one of its files, of a zip mostly in one of its members."""
    name = seed.entry if chance.random() < 0.5 else chance.choice(sorted(seed.files))
    data = seed.files[name]
    if data[:4] == b"PK\x03\x04" and chance.random() < 0.7:
        changed = _mutate_member(data, chance)
    else:
        changed = mutate(data, chance)
    return Seed(seed.label, seed.entry, {**seed.files, name: changed})


def _mutate_member(data: bytes, chance: random.Random) -> bytes:
    """Return a zip, written anew, with mutations in a member, mostly one that tells names and sizes."""
    with zipfile.ZipFile(io.BytesIO(data)) as read:
        members = [(entry.filename, read.read(entry)) for entry in read.infolist()]
    told = [place for place, (name, _) in enumerate(members) if not re.search(r"/\d+\Z|weight_\d+\Z", name)]
    chosen = chance.choice(told or range(len(members)))
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for place, (name, held) in enumerate(members):
            file.writestr(name, mutate(held, chance) if place == chosen else held)
    return written.getvalue()


def seeds(folders: Iterable[Path], words: Sequence[str] = ("",)) -> list[Seed]:
    """Return the models of folders that are not too large, by name, with the files that lie beside them.

    Only those whose path has one of some words.
    """
    paths = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    return [seed for path in paths if any(word in str(path) for word in words) for seed in _seed_of(path)]


def _seed_of(path: Path) -> Iterator[Seed]:
    """Yield a file as a seed, and with what it needs beside it as another."""
    if "truth" in path.name or path.name == "kernels.json" or path.suffix in (".md", ".py"):
        return
    if path.stat().st_size > LARGEST_SEED:
        return
    label = f"{path.parent.parent.name}/{path.parent.name}/{path.name}"
    files = {path.name: path.read_bytes()}
    if path.suffix != ".json":
        yield Seed(label, path.name, files)
    try:
        siblings = load(path).origin.siblings
    except FiltvizError:
        return
    if siblings and sum(one.stat().st_size for one in siblings) <= LARGEST_SEED:
        folder = path.parent.resolve()
        files = files | {one.resolve().relative_to(folder).as_posix(): one.read_bytes() for one in siblings}
        yield Seed(f"{label} and what lies beside it", path.name, files)
