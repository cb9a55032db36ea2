"""Networks in which each layer reads all that were before: what is done for them grows with the layers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from filtviz import api
from filtviz.cli import main
from filtviz.errors import SelectionError
from filtviz.naming import unique_stems
from filtviz.network import Network
from filtviz.operations import Concatenate, Merge, Operation, Reshape
from filtviz.receptive_field import receptive_fields
from filtviz.shapes import output_shape
from filtviz.summary import MOST_INPUTS, TERMINAL, Table, summarize
from tests.building import as_layer, conv, image, margin
from tests.counting import calls_of


def dense(n: int, operation: Operation | None = None, width: int = 4) -> Network:
    """`n` layers that each add, or join, what all layers before them give."""
    joining = operation or Merge(kind="add")
    first = conv(np.zeros((2, 1, 3, 3)), below=0, pad=margin(1), output_shape=(None, 2, width, width))
    merges = [
        as_layer(joining, below=range(1, i + 2), output_shape=(None, 2, width, width)) for i in range(n)
    ]
    return Network.of([image(1, width, width), first, *merges])


@pytest.mark.slow
@pytest.mark.parametrize("operation", [Merge(kind="add"), Concatenate()])
def test_the_table_takes_steps_with_the_layers_not_with_their_links(operation) -> None:
    small, large = dense(60, operation), dense(240, operation)
    assert calls_of(lambda: summarize(large)) < 5 * calls_of(lambda: summarize(small))


def test_the_field_of_a_sum_is_that_of_all_it_adds() -> None:
    wide = conv(np.zeros((2, 1, 5, 5)), below=0, pad=margin(2))
    narrow = conv(np.zeros((2, 1, 3, 3)), below=0, pad=margin(1))
    network = Network.of([image(1, 9, 9), wide, narrow, as_layer(Merge(kind="add"), below=(2, 1, 2, 1))])
    field = receptive_fields(network)[-1]
    assert field is not None
    assert (field.size, field.start) == ((5, 5), (-2, -2))


def test_an_unknown_input_among_many_leaves_the_field_open() -> None:
    known = [conv(np.zeros((2, 1, 3, 3)), below=0) for _ in range(3)]
    untold = conv(np.zeros((2, 1, 3, 3)), below=0, stride=None)
    merge = as_layer(Merge(kind="add"), below=(1, 2, 3, 4))
    assert receptive_fields(Network.of([image(1), *known, untold, merge]))[-1] is None


def test_readers_are_those_that_name_a_layer_each_once() -> None:
    network = dense(5)
    for layer in network.layers:
        naive = [each for each in network.layers if layer.index in each.inputs]
        assert network.readers(layer) == naive


def test_readers_are_found_without_going_through_the_network_again() -> None:
    network = dense(50)
    network.readers(network.layers[0])
    assert calls_of(lambda: [network.readers(layer) for layer in network.layers]) < 300


def test_a_cell_names_a_dozen_inputs_and_counts_the_others() -> None:
    cells = [row[3] for row in Table.of(summarize(dense(MOST_INPUTS + 1)), TERMINAL).rows]
    named = ", ".join(str(i + 1) for i in range(MOST_INPUTS))
    assert cells[-2] == f"Layer ← {named}"
    assert cells[-1] == f"Layer ← {named} and 1 more"


@pytest.mark.parametrize(("layers", "tells"), [(MOST_INPUTS, False), (MOST_INPUTS + 1, True)])
def test_the_command_says_where_the_other_inputs_are(layers, tells, monkeypatch) -> None:
    network = dense(layers)
    monkeypatch.setattr(api, "load", lambda *_, **__: network)
    sentence = "of more than 12 layers that feed one the first are named; --json lists all"
    assert (sentence in CliRunner().invoke(main, ["layers", "m.pkl"]).stdout) is tells
    rows = json.loads(CliRunner().invoke(main, ["layers", "--json", "m.pkl"]).stdout)["layers"]
    assert rows[-1]["inputs"] == list(range(1, layers + 1))


def test_a_shape_of_more_axes_than_an_array_has_is_none() -> None:
    assert output_shape(Reshape(lengths=(1,) * 32), [None]) == (1,) * 32
    assert output_shape(Reshape(lengths=(1,) * 33), [None]) is None


def test_thousands_of_equal_stems_are_numbered_by_going_on() -> None:
    stems = ["a"] * 400 + ["a-7"] + ["A"] * 3
    names = unique_stems(stems)
    assert names[:7] == ["a", "a-2", "a-3", "a-4", "a-5", "a-6", "a-8"]
    assert names[-4:] == ["a-7", "A-402", "A-403", "A-404"]
    assert len({name.lower() for name in names}) == len(stems)
    assert calls_of(lambda: unique_stems(["a"] * 400), "lower") < 400 * 8


def steps_to_refuse(n: int, length: int) -> int:
    layers = [conv(np.zeros((1, 1, 1, 1)), name=f"{i:04}{'x' * length}") for i in range(n)]
    network = Network.of(layers)

    def refuse() -> None:
        with pytest.raises(SelectionError):
            network.select("5" + "x" * length)

    return calls_of(refuse, "get")


@pytest.mark.slow
def test_a_wrong_name_is_compared_with_the_beginnings_of_a_few_hundred_labels() -> None:
    assert steps_to_refuse(5, 400) == steps_to_refuse(5, 60)
    assert steps_to_refuse(600, 60) == steps_to_refuse(300, 60)
