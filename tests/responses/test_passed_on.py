"""What each demonstration is asked reaches the question of `filtviz.responses` behind it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from filtviz import demonstrations
from filtviz.activations import Activation
from filtviz.budget import Budget
from filtviz.network import Network
from filtviz.operations import Flatten
from tests.building import as_layer, conv, image

KERNELS = np.random.default_rng(0).standard_normal((3, 1, 3, 3))
NETWORK = Network.of(
    [
        image(1, 8, 8),
        conv(KERNELS, below=0, name="low"),
        as_layer(Flatten(), Activation(kind="tanh"), name="flat", below=1, output_shape=(None, 108)),
    ]
)
IMAGES = np.random.default_rng(1).random((5, 1, 8, 8))
BUDGET = Budget(work=7_000_000)
RUN = {"engine": "numpy", "batch": 2, "budget": BUDGET}


class Asked(Exception):
    """Raised where a question is asked, with all that it is given."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self.given, self.named = given, named


def asked(name: str, monkeypatch: pytest.MonkeyPatch, *given: Any, **how: Any) -> Asked:
    def ask(*found: Any, **named: Any) -> None:
        raise Asked(*found, **named)

    monkeypatch.setattr(f"filtviz.responses.{name}", ask)
    with pytest.raises(Asked) as caught:
        getattr(demonstrations, name)(NETWORK, *given, **how)
    return caught.value


@pytest.mark.parametrize(
    ("name", "how", "given", "named"),
    [
        ("predict", {"dtype": "float32", "labels": list("ab")}, (), {"dtype": "float32"}),
        ("activity", {"layer": "low", "image": 3}, ("low", 3), {}),
        ("patches", {"layer": "low", "top": 4}, ("low", 4), {}),
        ("patches", {"layer": "low", "top": 9}, ("low", 5), {}),
        ("codes", {"layer": "low", "plane": "tsne", "seed": 6}, ("low", "tsne"), {"seed": 6}),
    ],
)
def test_a_question_to_many_images_is_asked_as_it_was(name, how, given, named, monkeypatch) -> None:
    found = asked(name, monkeypatch, images=IMAGES, **how, **RUN)
    network, images, *rest = found.given
    assert network is NETWORK
    np.testing.assert_array_equal(images, IMAGES)
    assert tuple(rest) == given
    for word, value in (named | RUN).items():
        assert found.named[word] == value


@pytest.mark.parametrize("nolearn", [False, True])
def test_an_occlusion_is_asked_for_as_it_was(nolearn: bool, monkeypatch) -> None:
    how = {"target": 2, "square": 3, "nolearn": nolearn, "stride": 2, "fill": 0.25}
    found = asked("occlusion", monkeypatch, IMAGES, **how, image=4, **RUN)
    np.testing.assert_array_equal(np.reshape(found.given[1], (8, 8)), IMAGES[4, 0])
    assert found.given[2:] == (2, 3, nolearn)
    assert found.named == {"stride": 2, "fill": 0.25, "device": None, **RUN}


def test_images_are_made_as_they_were_asked_for(monkeypatch) -> None:
    how = {
        "size": (8, 8), "steps": 3, "rate": 0.5, "jitter": 1, "decay": 0.125, "blur": 0.75,
        "bounds": (-1.0, 2.0), "seed": 4, "batch": 2, "device": "cpu", "budget": BUDGET,
    }  # fmt: skip
    found = asked("maximise", monkeypatch, (2, 0), "low", **how)
    assert found.given == (NETWORK, (2, 0), "low", None)
    assert found.named == how
    gently = asked("maximise", monkeypatch, 1, "low", IMAGES, image=-1)
    np.testing.assert_array_equal(np.reshape(gently.given[3], (8, 8)), IMAGES[-1, 0])
    assert {word: gently.named[word] for word in ("jitter", "blur", "decay", "rate")} == {
        "jitter": 0, "blur": 0.0, "decay": 0.0, "rate": 0.004
    }  # fmt: skip


def test_filters_beside_their_pieces_are_composed_within_the_budget(monkeypatch) -> None:
    def compose(*given: Any) -> None:
        raise Asked(*given)

    monkeypatch.setattr("filtviz.composition.compose", compose)
    for budget in (BUDGET, Budget()):
        found = demonstrations.patches(NETWORK, IMAGES, "low", budget=budget)
        with pytest.raises(Asked) as caught:
            _ = found.demonstration
        assert caught.value.given[:2] == (NETWORK, NETWORK.conv_layers[0])
        assert caught.value.given[2].left == budget.account(NETWORK).left
