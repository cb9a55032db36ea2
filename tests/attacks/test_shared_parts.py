"""What much of a small file refers to counts each time that it is gone through; a little of it is read."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import filtviz
from filtviz import Limits
from filtviz.errors import LimitError
from filtviz.network import Network
from filtviz.reading.formats import mxnet
from tests.attacks import shared_parts as parts

Files = bytes | Mapping[str, bytes]


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Network]:
    def write_and_load(made: Files, **limits: int) -> Network:
        files = {"model.bin": made} if isinstance(made, bytes) else made
        for name, data in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(data)
        return filtviz.load(tmp_path / next(iter(files)), limits=Limits(**limits))

    return write_and_load


MUCH: Mapping[str, tuple[Callable[[int], Files], int]] = {
    "a list that one operation joins again and again": (lambda n: parts.joined(n, n), 300),
    "a symbol of one long name": (lambda n: parts.symbol(100 * n, n, 1), 300),
    "groups in one another under long names": (lambda n: parts.deep_groups(n // 5, 1_000), 300),
    "objects below long names": (lambda n: parts.many_below(3, 40 * n, n), 300),
    "a variable of a long name that is captured again and again": (lambda n: parts.captured(60 * n, n), 300),
    "a shape of many axes that is given again and again": (
        lambda n: parts.called(n, cls="Reshape", target_shape=[1] * 4 * n),
        300,
    ),
    "a wrapped layer that is called again and again": (lambda n: parts.wrapped(4 * n, n), 300),
    "inputs of one shape of many axes": (lambda n: parts.shaped(n, 4 * n), 300),
}


@pytest.mark.cases(2)
@pytest.mark.parametrize("name", MUCH)
def test_what_much_refers_to_counts_each_time_and_a_little_of_it_is_no_matter(read, name):
    make, n = MUCH[name]
    with pytest.raises(LimitError) as raised:
        read(make(n), opcodes=60_000)
    assert raised.value.limit == "opcodes"
    try:
        read(make(n // 50), opcodes=60_000)
    except LimitError:
        raise
    except filtviz.FiltvizError:
        pass  # some hold no weights at all


def test_a_node_of_a_symbol_is_read_once_however_often_it_takes_its_weights(read, monkeypatch):
    asked, facts = [], mxnet._facts
    monkeypatch.setattr(mxnet, "_facts", lambda node: asked.append(node["op"]) or facts(node))
    assert read(parts.symbol(10, 500, 2)).conv_layers
    assert asked == ["null", "Convolution"]


@pytest.mark.parametrize(
    "make",
    [lambda: parts.joined(2_000, 2_000), lambda: parts.many_below(3, 20_000, 300)],
    ids=["a list", "names"],
)
def test_what_is_made_of_what_much_refers_to_is_counted_before_it_is_made(read, make):
    held = make()
    tracemalloc.start()
    with pytest.raises(LimitError):
        read(held, opcodes=60_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000
