"""What the tables of operators are asked with: arrays, messages, and the line that tells a case."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from filtviz.parameter import Parameter
from filtviz.reading.limits import Limits, Spending
from filtviz.reading.protobuf import Message
from tests.reading.variations import varint

__all__ = ["IMAGE", "Told", "array", "asked", "message", "numbers", "numbers_of", "part"]

IMAGE = (1, 6, 8, 9)
Told = Iterator[tuple[str, str]]


def array(*shape: int, dtype: str = "float32", name: str = "w") -> Parameter:
    """An array of the file."""
    return Parameter.of(name, np.arange(int(np.prod(shape)), dtype=dtype).reshape(shape), "there")


def numbers(*values: float, dtype: str = "int64") -> Parameter:
    """A small constant."""
    return Parameter.of("n", np.array(values, dtype), "there")


def numbers_of(array: Any) -> str:
    """An array in a few words: its shape, its type, and its numbers; of many, two sums."""
    held = np.asarray(array, np.float64).ravel()
    shown = held if held.size <= 8 else np.array([held.sum(), held @ (np.arange(held.size) % 7 + 1)])
    return f"[{'x'.join(map(str, np.shape(array)))} {array.dtype}: {' '.join(f'{n:.4g}' for n in shown)}]"


def asked(name: str, facts: Mapping[str, Any], *more: Any) -> str:
    """One line for what a table is asked."""
    shown = [f"{key}={_plain(value)}" for key, value in facts.items()]
    return " ".join([name, *shown, *(_plain(one) for one in more)])


def _plain(value: Any) -> str:
    if isinstance(value, Parameter):
        if value.shape == (0,) or (value.name == "n" and value.size):
            return f"<{', '.join(f'{one:g}' for one in value.value.ravel())}>"
        return f"<{'x'.join(map(str, value.shape))}>"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}={_plain(one)}' for key, one in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_plain, value))})"
    return str(value)


def part(field: int, value: Any) -> bytes:
    """A field of a protocol buffer: a number, a number in single precision, or bytes."""
    if isinstance(value, float):
        return varint(field << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(field << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


def message(data: bytes) -> Message:
    return Message(memoryview(data), Spending(Limits(), "opcodes", "{:,}"))
