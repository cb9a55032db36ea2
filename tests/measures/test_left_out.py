"""What of a diagnosis is left out where it would be too much work, and that it is said."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from tests.building import chain, conv, image

from filtviz import api
from filtviz.budget import Account, Budget
from filtviz.cli import main
from filtviz.measures.diagnosing import diagnose
from filtviz.measures.work import work_of_layer
from filtviz.network import Network, Origin

SMALL, LARGE = (16, 1, 3, 3), (400, 1, 3, 3)


def draws(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype("f4")


def side_by_side(*shapes: tuple[int, ...]) -> Network:
    return Network.of([image(1), *(conv(draws(shape), below=0) for shape in shapes)])


def account(work: int) -> Account:
    return Account({"work": work, "pixels": 1})


def work_of(network: Network, *places: int) -> int:
    return sum(work_of_layer(network, network.conv_layers[place]) for place in places)


def test_all_is_measured_where_the_work_is_just_enough() -> None:
    network = side_by_side(SMALL, SMALL)
    found = diagnose(network, account=account(work_of(network, 0, 1) + 10_000_000))
    assert len(found.layers) == 2
    assert (found.unjudged, found.left_out) == ((), ())


def test_each_earlier_file_is_as_much_work_as_the_layers_own_weights() -> None:
    network = side_by_side(SMALL)
    (layer,) = network.conv_layers
    none, one, two = (work_of_layer(network, layer, n) for n in range(3))
    assert 0 < one - none == two - one


def test_a_layer_that_is_too_much_does_not_stop_smaller_ones() -> None:
    network = side_by_side(SMALL, LARGE, SMALL)
    found = diagnose(network, account=account(work_of(network, 0, 2) + 10_000_000))
    assert [layer.name for layer in found.layers] == ["conv1", "conv3"]
    assert [(each.name, each.left_out) for each in found.unjudged] == [("conv2", True)]
    (sentence,) = found.left_out
    assert sentence.startswith("conv2 was not measured: measuring conv2 takes ")
    assert sentence.endswith("raise --max-work")
    assert found.summary.endswith(f"{sentence}.")


def test_weights_of_a_layer_that_is_left_out_are_not_read() -> None:
    network = side_by_side(SMALL)
    unread = replace(network.conv_layers[0].weights, read=lambda: pytest.fail("the weights were read"))
    layers = [image(1), conv(draws(SMALL), below=0)]
    convolution = replace(layers[1].convolution, weights=unread)
    layers[1] = replace(layers[1], operations=(convolution,), parameters=(unread,))
    found = diagnose(Network.of(layers), account=account(1000))
    assert found.summary.startswith("Nothing can be judged here: conv1 is left out because measuring conv1")


def test_layers_that_were_asked_for_are_measured_first() -> None:
    network = side_by_side(*[SMALL] * 5)
    found = diagnose(network, first={4}, account=account(work_of(network, 4) + 9_000_000))
    assert [layer.name for layer in found.layers] == ["conv5"]
    assert found.left_out[0].startswith("conv1 to conv4 were not measured: ")


@pytest.mark.slow
def test_a_stack_that_is_too_much_is_not_composed_and_the_layer_is_judged() -> None:
    network = chain(conv(draws((8, 64, 3, 3))), conv(draws((8, 8, 3, 3))))
    found = diagnose(network, account=account(work_of(network, 0, 1) + 10_000_000))
    assert len(found.layers) == 2
    assert found.layers[1].composed_size is None
    assert found.left_out[0].startswith("conv2 was not composed with the layers below: ")
    assert diagnose(network).layers[1].composed_size == (5, 5)


@pytest.mark.slow
def test_naming_thousands_of_twins_is_work_and_naming_none_is_not() -> None:
    alike = np.broadcast_to(draws((1, 1, 3, 3)), LARGE).copy()
    spent = []
    for weights in (alike, draws(LARGE)):
        network = Network.of([image(1), conv(weights, below=0)])
        own = account(10**12)
        diagnose(network, account=own)
        spent.append(10**12 - own.left["work"] - work_of(network, 0))
    assert spent[0] >= 400 * 399 * 1_000
    assert spent[1] < 10_000_000


@pytest.mark.slow
def test_a_giant_file_has_the_work_for_giant_layers() -> None:
    network = side_by_side(*[(512, 512, 3, 3)] * 13)
    size = 13 * 512 * 512 * 9 * 4
    assert (
        work_of(network, *range(13))
        < Budget().account(replace(network, origin=Origin(size=size))).left["work"] / 5
    )
    pretends = replace(network, origin=Origin(size=600))
    assert work_of(network, *range(13)) > Budget().account(pretends).left["work"]


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    network = replace(side_by_side(SMALL, LARGE), origin=Origin(size=10))
    monkeypatch.setattr(api, "load", lambda *_, **__: network)


@pytest.mark.usefixtures("loaded")
def test_the_command_says_what_it_left_out_and_an_option_measures_it() -> None:
    least = ["diagnose", "m.pkl", "--json", "--max-work", "40000000"]
    short = CliRunner().invoke(main, least)
    (data,) = json.loads(short.stdout)["models"]
    assert short.exit_code == 1
    assert (data["status"], data["code"], data["reason"]) == ("failed", "budget", data["left_out"][0])
    assert [each["name"] for each in data["not_judged"] if each["left_out"]] == ["conv2"]
    assert f"{data['left_out'][0]}\n" in short.stderr
    whole = CliRunner().invoke(main, ["diagnose", "m.pkl", "--json"])
    assert (whole.exit_code, json.loads(whole.stdout)["models"][0]["left_out"], whole.stderr) == (0, [], "")


@pytest.mark.usefixtures("loaded")
def test_the_table_of_models_marks_what_was_not_measured() -> None:
    text = CliRunner().invoke(main, ["diagnose", "a.pkl", "b.pkl", "--max-work", "40000000"]).stdout
    assert "1 layer not measured (--max-work)" in text
    assert "not measured" not in CliRunner().invoke(main, ["diagnose", "a.pkl", "b.pkl"]).stdout


def test_what_was_left_out_before_is_not_told_again() -> None:
    own = account(work_of(network := side_by_side(SMALL), 0) + 10_000_000)
    own.left_out.append("something else")
    assert diagnose(network, account=own).left_out == ()
    assert own.left_out == ["something else"]
