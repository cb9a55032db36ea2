"""GGUF: what each field of its header may say, held against the plainest writer of it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz.errors import LimitError, MalformedFileError, UnsupportedFileError
from tests.building import put

DAMAGED = "it is a GGUF file that is damaged or cut short; copy or download it again"
KERNEL = np.arange(4 * 3 * 2 * 5, dtype="<f4").reshape(4, 3, 2, 5)
TYPES = {0: "<f4", 1: "<f2", 24: "i1", 25: "<i2", 26: "<i4", 27: "<i8", 28: "<f8"}
LETTERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def entry(name: str, shape: tuple[int, ...], code: int = 0, offset: int = 0) -> bytes:
    axes = struct.pack(f"<I{len(shape)}Q", len(shape), *shape[::-1])
    return text(name) + axes + struct.pack("<IQ", code, offset)


def written(
    path: Path, *facts: bytes, entries: list[bytes], data: bytes, version: int = 3, alignment: int = 32
) -> Path:
    head = b"GGUF" + struct.pack("<IQQ", version, len(entries), len(facts)) + b"".join((*facts, *entries))
    path.write_bytes(head + bytes(-len(head) % alignment) + data)
    return path


def fact(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def kernel_in(path: Path, *facts: bytes, **how: Any) -> Path:
    return written(path, *facts, entries=[entry("conv.weight", KERNEL.shape)], data=KERNEL.tobytes(), **how)


def refusal(path: Path, error: type[Exception] = MalformedFileError) -> str:
    with pytest.raises(error) as caught:
        filtviz.load(path)
    return str(caught.value).partition(": ")[2]


@pytest.mark.cases("all")
@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_versions_two_and_three_are_read(tmp_path, version) -> None:
    path = kernel_in(tmp_path / "m.gguf", version=version)
    if version in (2, 3):
        assert np.array_equal(filtviz.load(path).conv_layers[0].W, KERNEL)
    else:
        assert refusal(path, UnsupportedFileError) == (
            f"it is a GGUF file of version {version}, which filtviz does not read"
        )


@pytest.mark.cases("all")
@pytest.mark.parametrize("code", TYPES)
def test_numbers_of_every_type_that_is_not_packed_are_read(tmp_path, code) -> None:
    values = KERNEL.astype(TYPES[code])
    entries = [entry("first.weight", (3,), code), entry("conv.weight", KERNEL.shape, code, 64)]
    data = np.arange(3, dtype=TYPES[code]).tobytes().ljust(64, b"\0") + values.tobytes()
    found = filtviz.load(written(tmp_path / "m.gguf", entries=entries, data=data)).conv_layers[0].W
    assert found.dtype == values.dtype
    assert np.array_equal(found, values)


def test_facts_of_every_kind_are_gone_over(tmp_path) -> None:
    numbers = [fact(f"k{kind}", kind, struct.pack(f"<{letter}", 1)) for kind, letter in LETTERS.items()]
    lists = [
        fact(f"l{kind}", 9, struct.pack(f"<IQ3{letter}", kind, 3, 1, 1, 1))
        for kind, letter in LETTERS.items()
    ]
    texts = fact("texts", 9, struct.pack("<IQ", 8, 2) + text("a") + text("bc"))
    inner = struct.pack("<IQ", 0, 2) + b"ab"
    nested = fact("lists", 9, struct.pack("<IQ", 9, 2) + inner * 2)
    named = fact("general.architecture", 8, text("cnn"))
    network = filtviz.load(kernel_in(tmp_path / "m.gguf", *numbers, *lists, texts, nested, named))
    assert np.array_equal(network.conv_layers[0].W, KERNEL)
    assert (network.origin.producer, network.origin.framework) == ("cnn", "ggml")
    assert (network.origin.kind, network.origin.order) == (
        "a GGUF file",
        "the order of the tensors in the file",
    )
    assert filtviz.load(kernel_in(tmp_path / "n.gguf")).origin.producer == ""


@pytest.mark.cases("all")
@pytest.mark.parametrize("alignment", [8, 64, 1 << 16, 0, 12, 4, 1 << 17])
def test_tensors_lie_where_the_file_says_that_they_are_aligned(tmp_path, alignment) -> None:
    told = fact("general.alignment", 4, struct.pack("<I", alignment))
    path = kernel_in(tmp_path / "m.gguf", told, alignment=max(alignment, 1))
    if alignment in (8, 64, 1 << 16):
        assert np.array_equal(filtviz.load(path).conv_layers[0].W, KERNEL)
    else:
        assert refusal(path) == "it says that its tensors are aligned as they cannot be"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "odd",
    [
        fact("k", 13, b""),
        fact("k", 9, struct.pack("<IQ", 4, 1 << 40)),
        fact("k", 8, struct.pack("<Q", 1 << 40)),
        fact("k", 9, struct.pack("<IQ", 9, 1) * 6),
    ],
)
def test_facts_that_cannot_be_are_damage(tmp_path, odd) -> None:
    assert refusal(kernel_in(tmp_path / "m.gguf", odd)) == DAMAGED


def test_a_file_that_was_cut_short_is_told_wherever_it_was_cut(tmp_path) -> None:
    whole = kernel_in(tmp_path / "m.gguf", fact("k", 4, bytes(4))).read_bytes()
    for end in range(5, 8 + 16 + 21 + 19 + 4 + 32 + 12 - 40):
        put(tmp_path / "cut.gguf", whole[:end])
        assert refusal(tmp_path / "cut.gguf") == DAMAGED
    for length in (4, 5):
        shape = (1,) * length
        path = written(tmp_path / "axes.gguf", entries=[entry("conv.weight", shape)], data=bytes(4))
        if length == 4:
            assert filtviz.load(path).conv_layers[0].W.shape == shape
        else:
            assert refusal(path) == DAMAGED


def test_tensors_that_lie_elsewhere_or_are_packed_are_refused(tmp_path) -> None:
    n = KERNEL.nbytes
    beyond = written(
        tmp_path / "a.gguf", entries=[entry("conv.weight", KERNEL.shape, 0, n + 1)], data=KERNEL.tobytes()
    )
    assert refusal(beyond) == "'conv.weight' lies beyond the end of the file"
    packed = written(tmp_path / "b.gguf", entries=[entry("conv.weight", KERNEL.shape, 8)], data=bytes(n))
    layer = filtviz.load(packed).conv_layers[0]
    with pytest.raises(UnsupportedFileError) as caught:
        layer.parameters[0].value  # noqa: B018
    assert str(caught.value).partition(": ")[2] == (
        "the tensor 'conv.weight' is packed into blocks (ggml's type 8), which filtviz does not read"
    )
    many = written(
        tmp_path / "c.gguf", entries=[entry(f"c{i}.weight", (1,)) for i in range(3)], data=bytes(96)
    )
    with pytest.raises(LimitError, match="it holds 3 tensors"):
        filtviz.load(many, limits=filtviz.Limits(layers=2))
