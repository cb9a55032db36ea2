"""What people give, where two readings of it are near: the one that is taken."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz import ArgumentError, Hints, LimitError, Limits, Network, SelectionError
from filtviz.given import check_choice, choose, is_model, load, named
from tests.building import chain, conv

MODEL = Path(__file__).resolve().parents[1] / "examples" / "mission-untrained.pkl"
W = np.ones((4, 2, 3, 3), "f4")


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("given", "choices", "passes"),
    [
        (None, {"a"}, True),
        ("a", {"a"}, True),
        ("b", {"a"}, False),
        (["a"], {"a"}, False),
    ],
)
def test_a_choice_is_one_of_some_words(given: Any, choices: Any, passes: bool) -> None:
    if passes:
        check_choice(given, choices, "view")
    else:
        with pytest.raises(ArgumentError, match=r"^view must be one of a, not "):
            check_choice(given, choices, "view")


def test_what_is_said_of_a_file_counts_with_a_graph_of_another_as_well() -> None:
    other = Network.of([])
    with pytest.raises(SelectionError, match="tells its own structure"):
        load(MODEL, hints=Hints(axes={"": "oihw"}), like=other)
    with pytest.raises(LimitError, match="layers"):
        load(MODEL, limits=Limits(layers=1), like=other)


@pytest.mark.cases("all")
@pytest.mark.parametrize("facts", [{"shape": (1,)}, {"dtype": np.dtype("f4")}])
def test_an_array_has_a_shape_and_a_type(facts: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="is no model that filtviz knows"):
        load(SimpleNamespace(**facts))


def test_a_layer_with_a_shared_variable_is_no_model_though_it_has_a_configuration() -> None:
    held = {"get_weights": list, "get_config": dict}
    assert is_model(SimpleNamespace(**held))
    assert not is_model(SimpleNamespace(**held, W=SimpleNamespace(get_value=lambda: W)))


def test_a_layer_of_another_network_is_known_by_its_label_before_its_name() -> None:
    network = chain(conv(W, name="first"), conv(np.ones((2, 4, 3, 3)), name="second"))
    assert [one.label for one in network.conv_layers] == ["first", "second"]
    first, second = network.conv_layers
    assert choose(network, conv(W, name="second", label="first")) is first
    assert choose(network, conv(second.W, name="second")) is second
    assert named(conv(W, name="second", label="first")) == "first"
    assert named(conv(W, name="second")) == "second"


def test_a_long_name_of_a_layer_of_another_network_is_not_cut() -> None:
    long = "a" * 60
    network = chain(conv(W, name=long))
    for other in (conv(W, name=long), conv(W, label=long)):
        assert choose(network, other) is network[0]
    assert named(network[0]) == long
    with pytest.raises(SelectionError) as caught:
        choose(network, conv(W[:2], label=long))
    assert caught.value.wanted == long


def test_a_layer_that_is_no_convolution_is_called_by_its_name() -> None:
    assert named(filtviz.Layer(name="pool")) == "pool"
