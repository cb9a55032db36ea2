"""What is read of a whole file that was made in memory: its layers, what is noted of it, what it spent."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.network import Network
from filtviz.reading.limits import Hints, Inflation, Limits
from filtviz.reading.opened import Opened
from tests.telling import layers_of, origin_of, refused

__all__ = ["SHOWN", "opened", "outcome", "read_of"]

SHOWN = 160
"""Letters of what is told; of all of it stands a sum behind them."""


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
        return "none of its files" if network is None else layers_of(network) + origin_of(network)

    told = outcome(lambda: open_(file), tell)
    left = (2_000_000_000 + 400 * len(file.data) - file.computing.left) or ""
    return f"{told} {file.effort.used} steps{f', {left} operations' if left else ''}"
