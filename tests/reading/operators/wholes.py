"""What is read of a whole file that was made in memory: its layers, what is noted of it, what it spent."""

from __future__ import annotations

import math
import random
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.network import Network
from filtviz.reading.limits import Hints, Inflation, Limits
from filtviz.reading.opened import Opened
from tests.telling import layers_of, origin_of, refused

__all__ = ["Files", "drawn", "in_a_folder", "opened", "outcome", "read_of", "some"]

SHOWN = 160
"""Letters of what is told; of all of it stands a sum behind them."""


Files = dict[str, bytes]
"""The file that is read, first, and those beside it."""


def drawn(chance: random.Random, *shape: int, kind: str = "f4") -> np.ndarray:
    """Halves of small whole numbers, or whole ones, which any type holds as they are."""
    first, step, n = chance.randrange(1 << 20), chance.choice((5, 11, 23)), math.prod(shape)
    found = (first + step * np.arange(n) + np.arange(n) // 3) % 14 - (5 if kind[0] != "u" else 0)
    return (found / (2 if kind[0] == "f" else 1)).astype(kind).reshape(shape)


def some(chance: random.Random, odds: float, **facts: Any) -> dict[str, Any]:
    """Some of the facts, each with these odds."""
    return {name: value for name, value in facts.items() if chance.random() < odds}


def opened(data: bytes, *, name: str = "model", limits: Limits | None = None) -> Opened:
    """A file as formats look at it, without one."""
    allowed = limits or Limits()
    inflation = Inflation(allowed)
    inflation.add_file(Path(name), len(data))
    return Opened(
        path=Path(name),
        data=data,
        around=(),
        members=None,
        limits=allowed,
        hints=Hints(),
        inflation=inflation,
    )


def in_a_folder(make: Callable[[int, Path], tuple[str, str]], n: int) -> Iterator[tuple[str, str]]:
    """The first cases of files that lie in a folder, which is emptied behind each: to make one takes long."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(n):
            yield make(number, Path(folder))
            for left in Path(folder).iterdir():
                left.unlink()


def outcome(make: Callable[[], Any], tell: Callable[[Any], str]) -> str:
    """What is told of what is made, in some letters and a sum; or why it is refused."""
    try:
        with np.errstate(all="ignore"):
            text = tell(make())
    except FiltvizError as error:
        return refused(error)
    plain = " | ".join(line.strip() for line in text.strip().splitlines()).encode("unicode_escape").decode()
    return f"{plain[:SHOWN]} ({zlib.crc32(plain.encode()):08x})"


def read_of(open_: Callable[[Opened], Network | None], file: Opened) -> str:
    """What a format reads of a file: layers and notes, and how many steps that took."""

    def tell(network: Network | None) -> str:
        if network is None:
            return "none of its files"
        versions = {name: one for name, one in network.origin.versions.items() if name != "numpy"}
        origin = replace(network.origin, classes=(), versions=versions)
        return layers_of(network) + origin_of(SimpleNamespace(origin=origin, history=network.history))  # type: ignore[arg-type]

    told = outcome(lambda: open_(file), tell)
    left = (2_000_000_000 + 400 * file.inflation.present - file.computing.left) or ""
    return f"{told} {file.effort.used} steps{f', {left} operations' if left else ''}"
