"""How far a network can be looked at where parts of it cannot be run, and what is said of the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from filtviz import RunningError
from filtviz.activations import Activation
from filtviz.network import Layer, Network
from filtviz.operations import Dense, Flatten, GlobalPooling, Untold
from filtviz.parameter import Parameter
from filtviz.responses import activities, coding, examining, looking, patching, predicting
from filtviz.responses.examining import examine
from filtviz.running import inference
from tests.building import as_layer, conv, image

ONE = np.ones((1, 1, 1, 1))
IMAGES = np.arange(8.0).reshape(2, 1, 2, 2)
SLOPES = Parameter.of("alpha", np.ones(7))


def plain(below: int, **how: Any) -> Layer:
    return conv(ONE, below=below, name=f"conv{below}", **{"nonlinearity": "linear"} | how)


def broken(below: int, name: str) -> Layer:
    return as_layer(Untold(reason="it is odd"), below=below, name=name)


def flat(below: int) -> Layer:
    return as_layer(Flatten(), below=below, name="flat")


def misfit(below: int) -> Layer:
    rectify = Activation(kind="parametric_rectify", slopes=SLOPES)
    return as_layer(rectify, below=below, name="misfit")


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("layers", "kept", "odd", "blamed"),
    [
        ([plain(0), broken(1, "b"), plain(2)], [1], "b", None),
        ([plain(0), broken(1, "b")], [1], "b", None),
        ([plain(0), flat(1)], [1], "", None),
        ([broken(0, "b"), plain(0), flat(2)], [2], "", None),  # which feeds nothing
        ([broken(0, "b"), plain(1), plain(0), flat(3)], [3], "b", None),
        ([broken(0, "b"), plain(1), broken(0, "c"), plain(3), plain(0), flat(5)], [5], "b", None),
        ([broken(0, "b"), plain(1), broken(0, "c"), plain(3)], None, "b", 1),
        ([plain(0), misfit(1), flat(2)], None, "misfit", 2),
        ([flat(0)], None, "the network has no layer with weights", None),
    ],
)  # fmt: skip
def test_layers_are_looked_at_as_far_as_they_can_be_run(layers, kept, odd, blamed) -> None:
    network = Network.of([image(1, 2, 2), *layers])
    how: Any = {"engine": None, "device": None, "budget": None}
    if kept is None:
        with pytest.raises(RunningError, match=f"^{odd} ") as caught:
            examining._runnable(network, IMAGES, how)
        assert caught.value.layer == blamed
    else:
        found, reason = examining._runnable(network, IMAGES, how)
        assert [layer.index for layer in found] == kept
        assert reason.partition(" ")[0] == odd


def test_what_is_answered_is_what_the_last_layer_gives_and_may_be_sure() -> None:
    """One map has the strongest place, the other is stronger in the mean."""
    kernels = np.array([1.0, 0.0]).reshape(2, 1, 1, 1)
    maps = conv(kernels, np.array([0.0, 0.4]), below=0, nonlinearity="sigmoid", name="maps")
    strongest, behind = (as_layer(GlobalPooling(kind="max"), below=below) for below in (1, 2))
    shown = np.array([[[[9.0, -9.0], [-9.0, -9.0]]]])
    whole, broken_off = (
        examine(Network.of([image(1, 2, 2), maps, *more]), shown, labels=[0])
        for more in ([strongest], [broken(1, "odd"), behind])
    )
    assert (whole.right, broken_off.right, broken_off.labelled) == (1, None, None)
    assert [found.layers[0].shares_at_end for found in (whole, broken_off)] == [(1, 0)] * 2
    alone = examine(Network.of([image(1, 2, 2), maps]), shown)
    assert alone.layers[0].shares_at_end is None


@pytest.mark.cases("all")
@pytest.mark.parametrize(("calm", "saturated"), [(0, (0,)), (1, ()), (2, ())])
def test_a_unit_is_saturated_where_more_than_nineteen_of_twenty_answers_are(calm, saturated) -> None:
    network = Network.of([image(1, 1, 1), plain(0, nonlinearity="sigmoid"), flat(1)])
    shown = np.where(np.arange(20) < calm, 0.0, 50.0).reshape(20, 1, 1, 1)
    assert examine(network, shown).layers[0].saturated == saturated


class Asked(Exception):
    """Raised where a network would be run, with all that is said of how."""

    def __init__(self, how: dict[str, Any]) -> None:
        self.how = how


QUESTIONS: dict[str, tuple[Any, dict[str, Any]]] = {
    "activity": (activities, {}),
    "codes": (coding, {"layer": 0}),
    "occlusion": (looking, {}),
    "patches": (patching, {}),
    "predict": (predicting, {"dtype": "float32"}),
}


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", QUESTIONS)
def test_how_a_question_runs_a_network_is_as_it_was_asked_for(name, monkeypatch) -> None:
    def ask(*_: Any, **how: Any) -> None:
        raise Asked(how)

    module, more = QUESTIONS[name]
    monkeypatch.setattr(module, "Runner", ask)
    network = Network.of([image(1, 2, 2), plain(0)])
    how = {"engine": "torch", "device": "cuda:1"}
    with pytest.raises(Asked) as caught:
        getattr(module, name)(network, IMAGES[:1], **how, **more)
    assert caught.value.how == how | {"by_image": True} | ({} if name == "codes" else more)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("ask", "more"),
    [
        (inference.run, {"are_kept": True}),
        (predicting.predict, {"are_kept": True}),
        (lambda *given: coding.codes(*given, 0), {"are_kept": True}),
        (activities.activity, {}),
        (patching.patches, {}),
    ],
)  # fmt: skip
def test_who_keeps_what_all_images_are_answered_with_says_so(ask, more, monkeypatch) -> None:
    def outputs(*_: Any, **how: Any) -> None:
        raise Asked(how)

    monkeypatch.setattr(inference.Runner, "outputs", outputs)
    with pytest.raises(Asked) as caught:
        ask(Network.of([image(1, 2, 2), plain(0)]), IMAGES)
    assert caught.value.how == more


def test_how_a_network_is_run_is_as_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_: Any, **how: Any) -> None:
        raise Asked(how)

    monkeypatch.setattr(examining, "Runner", ask)
    network = Network.of([image(1, 2, 2), plain(0)])
    how = {"engine": "torch", "device": "cuda:1"}
    for run in (
        lambda: examining._runnable(network, IMAGES, how | {"budget": None}),
        lambda: examining._parts(network, network.layers[1:], IMAGES, how),
    ):
        with pytest.raises(Asked) as caught:
            run()
        assert caught.value.how == how | {"by_image": True}


def test_an_earlier_dense_layer_is_that_of_the_same_name_or_number_and_no_later_one() -> None:
    def network(**lengths: int) -> Network:
        layers = [
            as_layer(Dense(weights=Parameter.of("W", np.ones((2, n))), units=n), below=0, name=name)
            for name, n in lengths.items()
        ]
        return Network.of([image(2), *layers])

    later = network(a=3, b=4)
    own = later.layers[1:]
    for earlier, found in (
        (network(x=3, y=3), ("x", None)),
        (network(x=4, y=3), (None, None)),  # the second would fit the first
        (network(x=3, y=4, a=3), ("a", "y")),
        (network(b=3, a=4), ("b", "a")),
    ):
        told = [examining._counterpart(layer, earlier, own) for layer in own]
        assert tuple(each and each.name for each in told) == found
