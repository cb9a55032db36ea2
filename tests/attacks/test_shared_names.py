"""What nodes, groups and names share is counted each time that something is made of it; a little is read.

Nothing here looks at a clock: the files are small and so are the limits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import filtviz
from filtviz import Limits
from filtviz.errors import LimitError, MalformedFileError, ReadError, UnsupportedFileError
from filtviz.network import Network
from filtviz.reading.formats import trees
from filtviz.reading.formats.bare_arrays.collecting import LONGEST_SOURCE
from filtviz.reading.formats.onnx.graph import GraphReader
from filtviz.reading.formats.torch import weight_sets
from filtviz.reading.limits import Hints, Spending
from filtviz.reading.opened import Opened
from tests.attacks import array_files, graph_files, growing
from tests.attacks.formats import message
from tests.attacks.graph_files import Files, calls, keras, keras_model, onnx_function, sequential
from tests.counting import calls_of

Read = Callable[..., Network]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def write_and_load(files: Files, **limits: int) -> Network:
        held: Mapping[str, bytes] = {"model.bin": files} if isinstance(files, bytes) else files
        for name, data in held.items():
            (tmp_path / name).write_bytes(data)
        return filtviz.load(tmp_path / next(iter(held)), limits=Limits(**limits))

    return write_and_load


def steps_of(read: Read, files: Files) -> int:
    """Return how many steps it takes to understand a file, whatever becomes of it."""
    spent = 0
    usual = Spending.spend

    def spend(self: Spending, amount: int) -> None:
        nonlocal spent
        spent += amount * (self.limit == "opcodes")
        usual(self, amount)

    with pytest.MonkeyPatch.context() as patch, suppress(ReadError):
        patch.setattr(Spending, "spend", spend)
        read(files, layers=100_000)
    return spent


FUNCTION_OF_MANY = onnx_function(b"f", inputs=[b"i"] * 500)
GROWING: dict[str, tuple[Callable[[int], Files], float]] = {
    "branches beside names": (lambda n: graph_files.branches(n, 400), 40),
    "calls of a function of many inputs": (lambda n: calls(b"f", n) + FUNCTION_OF_MANY, 450),
    "calls of a function with long names": (
        lambda n: calls(b"f", n) + onnx_function(b"f", *graph_files.long_named(2, 16_000)),
        2_000,
    ),
    "TensorFlow's functions with long names": (
        lambda n: graph_files.tf_functions(1, 4, b"n" * 16_000, n),
        4_000,
    ),
    "layers of a model with a long name": (lambda n: keras(keras_model(sequential(n, "n" * 16_000))), 1_000),
    "references that wait": (lambda n: graph_files.wrong_order(n, 500), 500),
    "weights of a model within a model": (lambda n: graph_files.inner_weights(n, 600), 600),
    "layers that are listed again": (lambda n: graph_files.weight_names(300, layers=n), 300),
    "names that end alike": (graph_files.overlapping, 100),
    "texts that are one": (lambda n: graph_files.one_text(n, 16_000), 1_000),
    "keys that begin alike": (lambda n: array_files.long_keys(n, 16_000), 1_000),
    "handles of one block": (lambda n: array_files.one_block(n, 100_000), 90),
    "layers under one long key": (lambda n: array_files.layer_sets(n, "n" * 16_000), 1_000),
    "modules below a long name": (lambda n: array_files.path_of(1, 16_000, n), 1_000),
    "TorchScript's tensors below a long name": (lambda n: array_files.script(1, 1_000, n), 90),
}
"""Name → what makes a file of a size, and the steps that each one of what it has more must count as."""


@pytest.mark.cases(1)
@pytest.mark.parametrize("name", GROWING)
def test_what_is_long_counts_each_time_that_it_is_gone_through(read, name):
    make, least = GROWING[name]
    assert steps_of(read, make(60)) - steps_of(read, make(20)) >= 40 * least


def test_what_is_short_takes_few_steps(read):
    for make, _ in GROWING.values():
        short = make(1)
        assert steps_of(read, short) < 100_000


@pytest.mark.parametrize("short", ["layers under one long key", "branches beside names"])
def test_too_much_of_it_ends_at_the_limit_of_steps(read, short):
    make, _ = GROWING[short]
    with pytest.raises(LimitError) as raised:
        read(make(60), opcodes=3_000)
    assert raised.value.limit == "opcodes"


def test_a_constant_that_many_nodes_pass_on_stays_one(read, monkeypatch):
    met: list[Mapping[str, object]] = []
    usual = GraphReader.read

    def kept(graph: GraphReader, *given: object) -> dict[str, object]:
        met.append(usual(graph, *given))
        return met[-1]

    monkeypatch.setattr(GraphReader, "read", kept)
    assert len(read(graph_files.passed_on(300)).conv_layers) == 1
    assert met[0]["w300"] is met[0]["w0"]


def test_a_long_constant_that_fills_nothing_is_not_read(read):
    assert calls_of(lambda: read(graph_files.filled(20, 1_000)), "_nibbles") == 0


def test_as_many_names_as_arrays_or_none(read):
    with pytest.raises(MalformedFileError, match="holds 1 array and 5,000 names"):
        read(array_files.mxnet(1, 5_000))
    assert calls_of(lambda: steps_of(read, array_files.mxnet(1, 5_000)), "text") == 0


def test_the_names_of_groups_are_looked_up_once(read):
    few, many = (calls_of(lambda n=n: read(graph_files.many_layers(n)), "_own_name") for n in (20, 40))
    assert many == 2 * few


def test_dictionaries_of_layers_are_joined_at_once(read, monkeypatch):
    joined: list[int] = []
    usual = weight_sets.replace

    def counted(one: object, **changes: Any) -> object:
        joined.append(len(changes.get("tensors", ())))
        return usual(one, **changes)

    monkeypatch.setattr(weight_sets, "replace", counted)
    read(array_files.layer_sets(100, "n"))
    assert 100 <= sum(joined) <= 300


def test_sets_that_are_left_out_are_named_once_for_all(read):
    few, many = (calls_of(lambda n=n: read(array_files.module_sets(n, "ema"))) for n in (50, 100))
    assert many < 2.2 * few


def test_more_keys_of_a_checkpoint_than_layers_end_where_they_are_met(read):
    with pytest.raises(LimitError, match="holds 21 arrays or more"):
        read(array_files.long_keys(50, 10), layers=20)
    with pytest.raises(UnsupportedFileError):
        read(array_files.long_keys(50, 10), layers=51)


def test_a_model_of_keras_is_still_read_with_its_names(read):
    found = read(keras(keras_model(sequential(3, "inner"))))
    assert [layer.name for layer in found.layers][-3:] == ["inner/0", "inner/1", "inner/2"]


def test_what_a_model_of_keras_is_called_with_counts_for_each_call(read):
    short, long = (graph_files.called_again(60, 2, cls="Aa" * n) for n in (5, 50_000))
    assert len(read(short, opcodes=50_000).layers) == 121
    with pytest.raises(LimitError, match="raise --max-opcodes"):
        read(long, opcodes=50_000)


def test_functions_are_still_put_where_they_are_called(read):
    relu = message((1, b"x"), (2, b"y"), (3, b"r"), (4, b"Relu"))
    found = read(calls(b"f", 3) + onnx_function(b"f", relu))
    assert [layer.type for layer in found.layers] == ["Input", "Relu", "Relu", "Relu"]


def test_no_array_of_a_tree_has_a_longer_name_than_is_kept(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(growing.long_paths(3))
    tensors, *_ = trees._of_objects(Opened.of(path, Limits(), Hints()))
    assert [len(one.name) for one in tensors] == [LONGEST_SOURCE] * 3
    assert [one.name[-2:] for one in tensors] == ["/0", "/1", "/2"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [*graph_files.TO_FOLLOW, *array_files.TO_NAME])
def test_attacks_are_under_a_megabyte_and_end_in_a_network_or_a_sentence(read, name):
    made = {**graph_files.TO_FOLLOW, **array_files.TO_NAME}[name]()
    assert (len(made) if isinstance(made, bytes) else sum(map(len, made.values()))) < 1_000_000
    with suppress(ReadError):
        read(made, opcodes=50_000, layers=100)


def test_keys_of_tensors_are_paid_for_by_their_length(tmp_path):
    """Each is kept twice: as the file has it, and as the name of its layer."""
    from tests.attacks.array_files import GRIN, state_dict

    few = filtviz.Limits(opcodes=3_000)
    (tmp_path / "m.pth").write_bytes(state_dict(20, GRIN + "n" * 8_000))
    with pytest.raises(filtviz.LimitError, match="max-opcodes"):
        filtviz.load(tmp_path / "m.pth", limits=few)
    (tmp_path / "m.pth").write_bytes(state_dict(20, GRIN + "n" * 80))
    assert len(filtviz.load(tmp_path / "m.pth", limits=few).layers) == 20
