"""What composing and running take is counted before each step; what is too much is not begun."""

from __future__ import annotations

import numpy as np
import pytest
from tests.building import chain, conv, margin, pool
from tests.composition.build import weights

from filtviz.budget import Account
from filtviz.composition import compose, compose_layer, measure_fidelity
from filtviz.composition.linear_map import identity, work_of_push
from filtviz.errors import BudgetError
from filtviz.network import Network
from filtviz.operations import Merge, Pooling
from filtviz.running import numpy_engine
from filtviz.running.inference import forward

PLENTY = 10**18


def account(work: int = PLENTY) -> Account:
    """Return what has so much work left, and all memory that it wants."""
    own = Account({"work": work, "pixels": 1})
    own.room = PLENTY
    return own


def work_to_compose(network: Network) -> int:
    own = account()
    compose(network, network.conv_layers[-1], own)
    return PLENTY - own.left["work"]


def stack(n: int, *, channels: int = 2, size: int = 3) -> Network:
    return chain(*[conv(weights(channels, channels, size, size)) for _ in range(n)])


def test_composing_just_as_much_as_is_left_is_done_and_no_more():
    network = stack(3)
    enough = work_to_compose(network)
    layer = network.conv_layers[-1]
    assert compose(network, layer, account(enough)).templates.shape == (2, 2, 7, 7)
    with pytest.raises(BudgetError, match=r"^composing conv3 takes .* raise --max-work$"):
        compose(network, layer, account(enough - 1))


@pytest.mark.slow
def test_work_grows_with_channels_with_depth_and_with_what_is_seen():
    least = work_to_compose(stack(3))
    assert work_to_compose(stack(6)) > 2 * least
    assert work_to_compose(stack(3, channels=64)) > 100 * least
    assert work_to_compose(stack(3, size=21)) > 10 * least


@pytest.mark.parametrize("taps", [2, 200])
def test_a_pooling_is_work_for_each_of_its_taps(taps):
    pooling = pool(taps).operations[0]
    assert isinstance(pooling, Pooling)
    work = work_of_push(pooling, [identity(3)])
    assert work >= 60 * 9 * taps**2


def test_a_sum_of_many_is_work_for_each():
    below = [identity(8)] * 10
    assert work_of_push(Merge(kind="add"), below) >= 5 * work_of_push(Merge(kind="add"), below[:1])


def test_nothing_is_run_that_is_too_much(monkeypatch):
    network = stack(2)
    layer, images = network.conv_layers[-1], np.zeros((1, 2, 31, 31))
    own = account()
    forward(network, layer, images, own)
    enough = PLENTY - own.left["work"]
    assert forward(network, layer, images, account(enough)).shape == (1, 2, 27, 27)
    monkeypatch.setattr(numpy_engine.NumpyEngine, "apply", lambda *_: pytest.fail("it was run"))
    with pytest.raises(BudgetError, match=r"^running .* raise --max-work$"):
        forward(network, layer, images, account(1))


@pytest.mark.parametrize("pad", [0, 100])
def test_margins_are_work(pad):
    network = chain(conv(weights(2, 2, 3, 3), pad=margin(pad)))
    own = account()
    forward(network, network.conv_layers[0], np.zeros((1, 2, 31, 31)), own)
    assert PLENTY - own.left["work"] > 20 * 2 * (31 + 2 * pad) ** 2


def test_composed_filters_whose_trust_is_too_much_to_measure_come_without_it():
    network = stack(2)
    layer = network.conv_layers[-1]
    own = account()
    composed = compose(network, layer, own)
    for_composing = PLENTY - own.left["work"]
    measure_fidelity(network, layer, composed, account=own)
    whole = PLENTY - own.left["work"]

    short = account(for_composing)
    found = compose_layer(network, layer, account=short)
    assert found.remarks == ()
    assert short.left_out == [found.sentences[-1]]
    assert found.sentences[-1].startswith(
        "how far the composed filters of conv2 can be trusted was not measured: "
    )

    picture = 30_000_000 + 1_000 * composed.templates.size  # for which work is kept
    enough = account(whole + picture)
    assert compose_layer(network, layer, account=enough).remarks
    assert enough.left_out == []
