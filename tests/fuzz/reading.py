"""What a fuzzer does with one file: everything that looks at a network without drawing it."""

from __future__ import annotations

from pathlib import Path

from filtviz.cli.json_data import network_data
from filtviz.errors import FiltvizError
from filtviz.reading import Limits, load
from filtviz.summary import summarize

__all__ = ["read_whole"]

LIMITS = Limits(inflated=1 << 26, allocation=1 << 26, opcodes=700_000, memo=400_000, layers=3_000)


def read_whole(data: bytes, path: Path) -> bool:
    """Write a file, read it, every weight of it and its table; tell whether it was a network.

    Whatever is raised but a `FiltvizError` goes on.
    """
    path.write_bytes(data)
    try:
        network = load(path, limits=LIMITS)
        network_data(network, summarize(network))
        for layer in network.layers:
            for parameter in layer.parameters:
                assert parameter.value.shape == parameter.shape
                assert parameter.value.dtype == parameter.dtype
        return True
    except FiltvizError as error:
        sentence = str(error)
    assert sentence
    assert sentence.isprintable(), "a terminal would obey what is in it"
    return False
