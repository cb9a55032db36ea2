"""Bounds of what units can be, against the network's own responses and against what they must not claim."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from filtviz.activations import KINDS, Activation, activate
from filtviz.budget import Account
from filtviz.errors import BudgetError
from filtviz.network import Layer, Network
from filtviz.operations import (
    Concatenate,
    Convolution,
    Identity,
    LocalResponse,
    Merge,
    Normalisation,
    Operation,
    Pad,
    Pooling,
    Resize,
)
from filtviz.parameter import Parameter
from filtviz.running import intervals
from filtviz.running.inference import forward
from filtviz.running.intervals import Interval, preactivation_bounds
from tests.building import as_layer, chain, image, margin, pool
from tests.chains import batch_norm, glorot, same_conv


def test_a_bound_is_that_of_all_images_in_the_range() -> None:
    weights, bias = glorot((3, 2, 3, 3), dtype="float64"), np.array([0.1, -0.2, 0.3])
    network = chain(same_conv(weights, bias))
    bounds = preactivation_bounds(network, (-1.0, 2.0))[0]
    corners = np.where(weights > 0, 2.0, -1.0)
    np.testing.assert_allclose(bounds.high, (weights * corners).sum(axis=(1, 2, 3)) + bias)
    np.testing.assert_allclose(bounds.low, (weights * (1.0 - corners)).sum(axis=(1, 2, 3)) + bias)


def test_dead_filters_are_proved_dead() -> None:
    weights, bias = glorot((8, 1, 3, 3)).copy(), np.zeros(8, dtype="float32")
    weights[3] = -np.abs(weights[3])
    bias[5] = -100
    network = chain(same_conv(weights, bias))
    assert np.flatnonzero(preactivation_bounds(network, (0, 1))[0].high <= 0).tolist() == [3, 5]
    assert not (preactivation_bounds(network, (-1, 1))[0].high <= 0)[3]
    assert not (preactivation_bounds(network, None)[0].high <= 0).any()


def test_above_a_rectifier_no_range_is_needed() -> None:
    second = glorot((4, 4, 3, 3), 1).copy()
    second[2] = -np.abs(second[2])
    network = chain(same_conv(glorot((4, 1, 3, 3))), same_conv(second, np.zeros(4)))
    assert np.flatnonzero(preactivation_bounds(network, None)[1].high <= 0).tolist() == [2]


def test_a_bound_holds_for_the_networks_own_responses() -> None:
    layers = [same_conv(glorot((6, c, 3, 3), i), np.full(6, 0.05 * (i - 1))) for i, c in enumerate([1, 6, 6])]
    network = chain(layers[0], batch_norm(6, gamma=-0.7, beta=0.2), layers[1], pool(), layers[2])
    bounds = preactivation_bounds(network, (0.0, 1.0))
    images = np.random.default_rng(0).uniform(0, 1, (4, 1, 31, 31))
    for layer in network.conv_layers[1:]:
        responses = forward(network, layer, images)
        found = bounds[layer.conv_index]
        assert (responses.max(axis=(0, 2, 3)) <= found.high + 1e-9).all()
        assert (responses.min(axis=(0, 2, 3)) >= found.low - 1e-9).all()


def test_only_rectifiers_can_leave_a_filter_dead() -> None:
    network = chain(same_conv(-np.abs(glorot((4, 1, 3, 3))), np.zeros(4), nonlinearity="tanh"))
    assert preactivation_bounds(network, (0, 1)) == {}


def test_a_rectifier_after_batch_normalisation_counts() -> None:
    network = chain(
        same_conv(glorot((4, 1, 3, 3)), nonlinearity="linear"),
        batch_norm(4, beta=-100.0),
        as_layer(Activation(kind="rectify")),
    )
    assert (preactivation_bounds(network, (0, 1))[0].high <= 0).all()


def test_what_passes_an_unknown_layer_is_unknown() -> None:
    network = chain(
        same_conv(glorot((4, 1, 3, 3))), Layer(type="CustomLayer"), same_conv(glorot((4, 4, 3, 3)))
    )
    assert set(preactivation_bounds(network, (0, 1))) == {0}


def branching(*middle: Layer) -> Network:
    """An image, two convolutions side by side, what joins them, and a convolution that reads it."""
    sides = [same_conv(glorot((4, 1, 3, 3), seed), np.full(4, 0.1 * seed), below=0) for seed in (1, 2)]
    last = same_conv(glorot((6, 8 if middle[0].type == "ConcatLayer" else 4, 3, 3), 3), below=2 + len(middle))
    return Network.of([image(1, 12, 12), *sides, *middle, last])


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "joined",
    [
        as_layer(Concatenate(), below=(1, 2), type="ConcatLayer"),
        as_layer(Merge(kind="add"), below=(1, 2)),
        as_layer(Merge(kind="add", coefficients=(1.0, -0.5)), below=(1, 2)),
    ],
    ids=["joined", "added", "subtracted"],
)
@pytest.mark.parametrize("input_range", [(0.0, 1.0), (-2.0, 3.0)])
def test_bounds_hold_where_branches_meet(joined: Layer, input_range: tuple[float, float]) -> None:
    network = branching(joined)
    bounds = preactivation_bounds(network, input_range)
    images = np.random.default_rng(0).uniform(*input_range, (8, 1, 12, 12))
    for layer in network.conv_layers:
        responses = forward(network, layer, images)
        found = bounds[layer.conv_index]
        assert (responses.max(axis=(0, 2, 3)) <= found.high + 1e-9).all()
        assert (responses.min(axis=(0, 2, 3)) >= found.low - 1e-9).all()
        assert (found.low < found.high).all()


def test_the_bounds_of_joined_branches_keep_low_and_high_apart() -> None:
    network = branching(as_layer(Concatenate(), below=(1, 2), type="ConcatLayer"))
    weights = -np.abs(network.conv_layers[2].W)
    live = np.abs(weights)
    for kernels, dead in ((weights, True), (live, False)):
        last = same_conv(kernels, below=3)
        one = Network.of([*network.layers[:4], last])
        assert (preactivation_bounds(one, (0.0, 1.0))[2].high <= 0).all() == dead


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "operation",
    [
        Merge(kind="multiply"),
        Merge(kind="maximum"),
        Merge(kind="add", cropping=(None, "center")),
        Merge(kind="add", coefficients=(1.0,)),
        Concatenate(axis=2),
    ],
    ids=["multiplied", "maximum", "cropped", "one coefficient", "along rows"],
)
def test_what_is_not_followed_bounds_nothing(operation: Operation) -> None:
    assert set(preactivation_bounds(branching(as_layer(operation, below=(1, 2))), (0, 1))) == {0, 1}


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operation", "low", "high"),
    [
        (Activation(kind="rectify"), 0.0, 3.0),
        (Activation(kind="leaky_rectify", alpha=0.5), -1.0, 3.0),
        (Activation(kind="swish"), None, None),
        (Activation(kind="leaky_rectify", alpha=-0.5), None, None),
        (Activation(kind="untold"), None, None),
        (Pooling(kind="max", size=(2, 2), stride=(2, 2), pad=margin(0)), -2.0, 3.0),
        (Pooling(kind="sum", size=(2, 2), stride=(2, 2), pad=margin(0)), None, None),
        (Pad(pad=margin(1), value=7.0), -2.0, 7.0),
        (Pad(pad=margin(1), value=-7.0), -7.0, 3.0),
        (Pad(pad=margin(1), first_axis=1), None, None),
        (Pad(pad=margin(1), mode="reflect"), -2.0, 3.0),
        (Pad(pad=margin(1), mode="edge"), -2.0, 3.0),
        (Resize(scale=(2.0, 2.0)), -2.0, 3.0),
        (LocalResponse(alpha=1.0, k=1.0, beta=1.0, n=1), None, None),
        (Identity(), -2.0, 3.0),
        (Normalisation(gamma=Parameter.of("g", np.array([-2.0])), is_batch=False), -6.0, 4.0),
        (Normalisation(gamma=Parameter.of("g", np.array([-2.0]))), None, None),
    ],
    ids=lambda value: "" if isinstance(value, float | None) else type(value).__name__,
)
def test_what_can_come_out_of_one_operation(
    operation: Operation, low: float | None, high: float | None
) -> None:
    reader = same_conv(np.ones((1, 1, 1, 1)))
    found = preactivation_bounds(chain(as_layer(operation), reader, channels=1), (-2.0, 3.0))
    if low is None or high is None:
        assert found == {}
    else:
        assert (found[0].low.tolist(), found[0].high.tolist()) == ([low], [high])


@pytest.mark.cases("all")
@pytest.mark.parametrize("input_range", [(1.0, 2.0), (-2.0, -1.0), (-1.0, 1.0)], ids=str)
@pytest.mark.parametrize(
    "operation",
    [
        Pooling(kind="mean", size=(2, 2), stride=(2, 2), pad=margin(1), counts_pad=True),
        Pooling(kind="mean", size=(2, 2), stride=(2, 2), pad=margin(1, 0), counts_pad=True),
        Pooling(kind="mean", size=(3, 3), stride=(2, 2), pad=margin(1)),
        Pooling(kind="max", size=(3, 3), stride=(2, 2), pad=margin(0, 1)),
        Pooling(kind="mean", size=(2, 2), stride=(2, 2), pad=margin(0), whole_windows=False),
        Pad(pad=margin(0, 1), value=0.0),
        Pad(pad=margin(1, 0), value=-5.0),
        Normalisation(gamma=Parameter.of("g", np.array([-2.0, 3.0])), is_batch=False),
        Normalisation(beta=Parameter.of("b", np.array([-2.0, 3.0])), is_batch=False),
        Activation(kind="leaky_rectify", alpha=0.5),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "__dataclass_fields__") else "",
)
def test_a_bound_holds_behind_one_operation_whatever_side_of_zero_its_input_is_on(
    operation: Operation, input_range: tuple[float, float]
) -> None:
    """A padding brings zeros in; they must be in the bounds even where no unit comes near zero."""
    reader = same_conv(np.eye(2)[:, :, None, None])
    network = chain(as_layer(operation), reader, channels=2)
    found = preactivation_bounds(network, input_range)[0]
    images = np.random.default_rng(0).uniform(*input_range, (50, 2, 5, 5))
    images[:2] = np.array(input_range)[:, None, None, None]  # the ends themselves
    responses = forward(network, network.conv_layers[0], images)
    assert (responses.max(axis=(0, 2, 3)) <= found.high + 1e-12).all()
    assert (responses.min(axis=(0, 2, 3)) >= found.low - 1e-12).all()
    assert (found.low < found.high).all()


def test_padding_lets_zero_in() -> None:
    ones = np.ones((1, 1, 3, 3))
    padded, bare = (
        preactivation_bounds(chain(same_conv(ones, pad=margin(p))), (1.0, 2.0))[0] for p in (1, 0)
    )
    assert (padded.low.tolist(), padded.high.tolist()) == ([0.0], [18.0])
    assert (bare.low.tolist(), bare.high.tolist()) == ([9.0], [18.0])


def test_zero_weights_of_anything_are_zero() -> None:
    weights = np.zeros((2, 1, 3, 3))
    weights[1] = 1
    found = preactivation_bounds(chain(same_conv(weights, np.array([-1.0, 0.0]))), None)[0]
    assert found.high.tolist() == [-1.0, np.inf]
    assert Interval(np.array([1.0]), np.array([2.0])).with_zero().low.tolist() == [0.0]


@pytest.mark.cases("all")
@pytest.mark.parametrize("kind", [kind for kind, facts in KINDS.items() if facts.is_monotone])
def test_what_is_said_to_be_monotone_is(kind: str) -> None:
    activation = Activation(kind=kind, alpha=0.3, scale=1.2, scale_in=0.7)
    x = np.linspace(-9, 9, 4001)
    assert activation.is_monotone
    assert (np.diff(activate(activation, x)) >= 0).all()


@pytest.mark.parametrize("kind", ["swish", "hard_swish"])
def test_what_is_not_monotone_is_not_said_to_be(kind: str) -> None:
    activation = Activation(kind=kind)
    assert not activation.is_monotone
    assert (np.diff(activate(activation, np.linspace(-9, 9, 4001))) < 0).any()


@pytest.mark.cases("all")
@pytest.mark.parametrize("number", ["alpha", "scale", "scale_in"])
@pytest.mark.parametrize("kind", ["leaky_rectify", "selu", "tanh"])
def test_a_negative_number_makes_no_function_monotone(kind: str, number: str) -> None:
    assert Activation(kind=kind, **{number: 0.0}).is_monotone
    assert not Activation(kind=kind, **{number: -0.5}).is_monotone


def test_a_live_filter_behind_an_unknown_function_is_not_called_dead() -> None:
    negative = -np.abs(glorot((4, 4, 3, 3), 1))
    first = same_conv(glorot((4, 1, 3, 3)), nonlinearity="untold")
    assert set(preactivation_bounds(chain(first, same_conv(negative)), (0, 1))) == set()


def test_an_activation_is_called_monotone_where_a_larger_input_never_gives_less() -> None:
    x = np.linspace(-9.0, 9.0, 4001)
    for kind, facts in KINDS.items():
        said = facts.is_monotone
        if kind in ("parametric_rectify", "gelu", "untold"):  # by its weights, or not known here
            assert not said
            continue
        y = activate(Activation(kind=kind, alpha=0.5), x)
        assert said == bool((np.diff(y) >= 0).all()), kind
        assert facts.rectifies == bool((y[x <= 0] == 0).all() and (y[x > 0] > 0).all()), kind


@pytest.mark.cases("all")
@pytest.mark.parametrize("joining", [Concatenate(), Merge(kind="add")], ids=["joined", "added"])
@pytest.mark.parametrize("below", [(1, 2), (2, 1)])
def test_bounds_end_where_one_of_several_inputs_is_not_known(
    joining: Operation, below: tuple[int, int]
) -> None:
    side = as_layer(Activation(kind="untold"), below=1)
    last = same_conv(np.ones((1, 2 if isinstance(joining, Concatenate) else 1, 1, 1)), below=3)
    first = same_conv(np.ones((1, 1, 1, 1)), below=0)
    network = Network.of([image(1, 9, 9), first, side, as_layer(joining, below=below), last])
    assert set(preactivation_bounds(network, (0, 1))) == {0}


@pytest.mark.cases("all")
@pytest.mark.parametrize(("low", "high"), [(1.0, 2.0), (-2.0, -1.0)])
@pytest.mark.parametrize(
    ("pad", "value"),
    [({"mode": "reflect"}, None), ({"mode": "edge"}, None), ({"value": 0.0}, 0.0), ({"value": 5.0}, 5.0)],
)
def test_a_border_of_the_image_itself_lets_nothing_else_in(
    pad: dict[str, Any], value: float | None, low: float, high: float
) -> None:
    layer = as_layer(Pad(pad=margin(1), **pad))
    found = preactivation_bounds(chain(layer, same_conv(np.ones((1, 1, 1, 1))), channels=1), (low, high))[0]
    ends = [low, high] if value is None else [min(low, value), max(high, value)]
    assert [*found.low.tolist(), *found.high.tolist()] == ends


def test_that_not_all_was_bounded_is_said_once_beside_whatever_else_was_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise BudgetError("too much", share="work", needed=2, allowed=1, option="max_work")

    account = Account.unlimited()
    account.left_out.append("something else")
    monkeypatch.setattr(account, "spend", refuse)
    network = chain(same_conv(np.ones((1, 1, 1, 1))), same_conv(np.ones((1, 1, 1, 1))))
    assert preactivation_bounds(network, (0, 1), account) == {}
    other, said = account.left_out
    assert other == "something else"
    assert said.startswith("not all filters could be examined for being dead, from ")
    assert said.endswith(": too much")


def test_only_a_rectifier_that_follows_alone_is_bounded() -> None:
    ones = np.ones((1, 1, 1, 1))
    others = (Activation(kind="tanh"), Activation(kind="rectify"))
    for kind in ("tanh", "sigmoid", "leaky_rectify"):
        assert preactivation_bounds(chain(same_conv(ones, nonlinearity=kind)), (0, 1)) == {}
    linear = chain(same_conv(ones, nonlinearity="linear"), as_layer(*others))
    assert preactivation_bounds(linear, (0, 1)) == {}
    passed = (Identity(), Activation(kind="linear"), Activation(kind="rectify"))
    assert set(
        preactivation_bounds(chain(same_conv(ones, nonlinearity="linear"), as_layer(*passed)), (0, 1))
    ) == {0}


def test_a_bias_for_each_place_bounds_by_its_least_and_its_most() -> None:
    bias = np.arange(25.0).reshape(1, 5, 5)
    found = preactivation_bounds(chain(same_conv(np.ones((1, 1, 1, 1)), bias)), (1.0, 2.0))[0]
    assert (found.low.tolist(), found.high.tolist()) == ([1.0], [26.0])


def test_what_enlarges_or_has_no_told_padding_bounds_nothing() -> None:
    ones = np.ones((1, 1, 1, 1))
    reader = same_conv(ones)
    for more in ({"transposed": True}, {"pad": None}, {"stride": None}):
        facts = {"stride": (1, 1), "pad": margin(0), **more}
        below = as_layer(Convolution(weights=Parameter.of("W", ones), **facts))
        assert preactivation_bounds(chain(below, reader, channels=1), (0, 1)) == {}


def test_nothing_is_known_of_several_units_that_nothing_puts_together() -> None:
    def one(below: int) -> Layer:
        return same_conv(np.ones((1, 1, 1, 1)), below=below)

    both = as_layer(below=(1, 2))
    network = Network.of([image(1, 9, 9), one(0), one(0), both, one(3), as_layer(), one(5)])
    assert set(preactivation_bounds(network, (0, 1))) == {0, 1}
    known = Network.of([*network.layers[:3], as_layer(below=1), one(3)])
    assert set(preactivation_bounds(known, (0, 1))) == {0, 1, 2}


def test_only_units_of_as_many_channels_are_added() -> None:
    one, two = (Interval(np.zeros(n), np.ones(n)) for n in (1, 2))
    add = Merge(kind="add")
    assert intervals._added(add, [one, two]) is intervals._added(add, [two, one]) is None
    found = intervals._added(add, [two, two, two])
    assert found is not None
    assert (found.low.tolist(), found.high.tolist()) == ([0, 0], [3, 3])
