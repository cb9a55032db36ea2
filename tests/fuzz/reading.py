"""What a fuzzer does with one file: it is read as a whole and, where it is small, goes through commands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from filtviz.errors import FiltvizError
from filtviz.reading import Limits, load
from tests.fuzz.looking import Look, is_small, look_at, tell

__all__ = ["read_path", "read_whole"]

LIMITS = Limits(inflated=1 << 26, allocation=1 << 26, opcodes=700_000, memo=400_000, layers=3_000)


def read_whole(data: bytes, path: Path, looks: Sequence[Look] = ()) -> bool:
    """Write a file and `read_path` it."""
    path.write_bytes(data)
    return read_path(path, looks)


def read_path(path: Path, looks: Sequence[Look] = ()) -> bool:
    """Read a file, every weight of it and its table; tell whether it was a network.

    Where it is small, ``looks`` are what else is done with it. Whatever is raised but a `FiltvizError` goes
    on.
    """
    try:
        network = load(path, limits=LIMITS)
        tell(network)
        for layer in network.layers:
            for parameter in layer.parameters:
                assert parameter.value.shape == parameter.shape
                assert parameter.value.dtype == parameter.dtype
        if is_small(network):
            look_at(network, looks)
        return True
    except FiltvizError as error:
        sentence = str(error)
    assert sentence
    assert sentence.isprintable(), "a terminal would obey what is in it"
    return False
