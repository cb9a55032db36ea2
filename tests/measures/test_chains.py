"""Where a layer stands: stacks up to a pooling, the layer that follows, what can reach a rectifier."""

from __future__ import annotations

import numpy as np
import pytest
from tests.building import as_layer, image

from filtviz.activations import Activation
from filtviz.measures.chains import (
    following_layer,
    linear_stack,
    normalisation_moved,
    preactivation_bounds,
)
from filtviz.network import Layer, Network
from filtviz.operations import Normalisation
from filtviz.parameter import Parameter
from filtviz.running.numpy_engine import forward


def batch_norm(
    n: int, gamma: float | np.ndarray = 1.0, beta: float | np.ndarray = 0.0, mean: float = 0.0
) -> Layer:
    values = {"beta": beta, "gamma": gamma, "mean": mean, "inv_std": 1.0}
    found = {k: Parameter.of(k, np.broadcast_to(np.float64(v), (n,)).copy()) for k, v in values.items()}
    normalisation = Normalisation(
        mean=found["mean"], spread=found["inv_std"], gamma=found["gamma"], beta=found["beta"]
    )
    return as_layer(normalisation, type="BatchNormLayer", parameters=tuple(found.values()))


@pytest.fixture
def mission(make_conv, make_chain, make_pool, glorot) -> Network:
    convs = [make_conv(glorot((20, c, 3, 3), i), np.zeros(20)) for i, c in enumerate([1, 20, 20, 20])]
    return make_chain(*convs[:3], make_pool(), convs[3])


def test_a_stack_ends_at_the_pooling(mission) -> None:
    first, second, third, fourth = (linear_stack(mission, layer) for layer in mission.conv_layers)
    assert (first.stages, first.reason) == ((), "it is the first convolution")
    assert [len(stack.stages) for stack in (second, third)] == [2, 3]
    assert (fourth.stages, fourth.reason) == ((), "a pooling lies between it and the image")


def test_strides_and_dilations_spread_the_taps_above(make_conv, make_chain, glorot) -> None:
    strided = make_conv(glorot((4, 1, 3, 3)), stride=(2, 1))
    dilated = make_conv(
        glorot((4, 4, 3, 3)),
        dilation=(3, 3),
    )
    network = make_chain(strided, dilated)
    assert [stage.spacing for stage in linear_stack(network, network.conv_layers[1]).stages] == [
        (1, 1),
        (6, 3),
    ]


def test_batch_normalisation_scales_the_filters_below_it(make_conv, make_chain, glorot) -> None:
    gamma = np.array([2.0, -1.0])
    weights = glorot((2, 1, 3, 3), dtype="float64")
    network = make_chain(
        make_conv(weights, flip_filters=False), batch_norm(2, gamma), make_conv(glorot((3, 2, 3, 3)))
    )
    stages = linear_stack(network, network.conv_layers[1]).stages
    np.testing.assert_array_equal(stages[0].templates, weights * gamma[:, None, None, None])


def test_unknown_geometry_is_not_composed(make_conv, make_chain, glorot) -> None:
    layers = [make_conv(glorot((4, c, 3, 3)), stride=None) for c in (1, 4)]
    network = make_chain(*layers)
    assert linear_stack(network, network.conv_layers[1]).reason == (
        "the file does not tell what lies between the convolutions"
    )


def test_a_large_stack_is_refused_before_it_is_read(make_conv, make_chain) -> None:
    weights = np.zeros((256, 256, 3, 3), dtype="float16")
    network = make_chain(make_conv(weights), make_conv(weights))
    assert "would take minutes" in linear_stack(network, network.conv_layers[1]).reason


def test_the_following_layer_is_found_past_a_pooling(mission) -> None:
    convs = mission.conv_layers
    assert [following_layer(mission, layer) for layer in convs] == [*convs[1:], None]


def test_two_readers_are_no_following_layer(make_conv, glorot) -> None:
    start = image(1, 8, 8)
    first = make_conv(glorot((4, 1, 3, 3)), below=0)
    readers = [make_conv(glorot((4, 4, 3, 3)), below=1) for _ in range(2)]
    network = Network.of([start, first, *readers])
    assert following_layer(network, network.conv_layers[0]) is None


def test_normalisation_that_moved_is_noticed(make_conv, make_chain, glorot) -> None:
    def network(layer: Layer) -> Network:
        return make_chain(make_conv(glorot((4, 1, 3, 3))), layer)

    assert not normalisation_moved(network(batch_norm(4)), network(batch_norm(4)).conv_layers[0])
    moved = network(batch_norm(4, beta=np.arange(4.0)))
    assert normalisation_moved(moved, moved.conv_layers[0])


def test_a_bound_is_that_of_all_images_in_the_range(make_conv, make_chain, glorot) -> None:
    weights, bias = glorot((3, 2, 3, 3), dtype="float64"), np.array([0.1, -0.2, 0.3])
    network = make_chain(make_conv(weights, bias))
    bounds = preactivation_bounds(network, (-1.0, 2.0))[0]
    corners = np.where(weights > 0, 2.0, -1.0)
    np.testing.assert_allclose(bounds.high, (weights * corners).sum(axis=(1, 2, 3)) + bias)
    np.testing.assert_allclose(bounds.low, (weights * (1.0 - corners)).sum(axis=(1, 2, 3)) + bias)


def test_dead_filters_are_proved_dead(make_conv, make_chain, glorot) -> None:
    weights, bias = glorot((8, 1, 3, 3)).copy(), np.zeros(8, dtype="float32")
    weights[3] = -np.abs(weights[3])
    bias[5] = -100
    network = make_chain(make_conv(weights, bias))
    assert np.flatnonzero(preactivation_bounds(network, (0, 1))[0].high <= 0).tolist() == [3, 5]
    assert not (preactivation_bounds(network, (-1, 1))[0].high <= 0)[3]
    assert not (preactivation_bounds(network, None)[0].high <= 0).any()


def test_above_a_rectifier_no_range_is_needed(make_conv, make_chain, glorot) -> None:
    second = glorot((4, 4, 3, 3), 1).copy()
    second[2] = -np.abs(second[2])
    network = make_chain(make_conv(glorot((4, 1, 3, 3))), make_conv(second, np.zeros(4)))
    assert np.flatnonzero(preactivation_bounds(network, None)[1].high <= 0).tolist() == [2]


def test_a_bound_holds_for_the_networks_own_answers(make_conv, make_chain, make_pool, glorot) -> None:
    layers = [make_conv(glorot((6, c, 3, 3), i), np.full(6, 0.05 * (i - 1))) for i, c in enumerate([1, 6, 6])]
    network = make_chain(layers[0], batch_norm(6, gamma=-0.7, beta=0.2), layers[1], make_pool(), layers[2])
    bounds = preactivation_bounds(network, (0.0, 1.0))
    images = np.random.default_rng(0).uniform(0, 1, (4, 1, 31, 31))
    for layer in network.conv_layers[1:]:
        answers = forward(network, layer, images)
        found = bounds[layer.conv_index]
        assert (answers.max(axis=(0, 2, 3)) <= found.high + 1e-9).all()
        assert (answers.min(axis=(0, 2, 3)) >= found.low - 1e-9).all()


def test_only_rectifiers_can_leave_a_filter_dead(make_conv, make_chain, glorot) -> None:
    network = make_chain(make_conv(-np.abs(glorot((4, 1, 3, 3))), np.zeros(4), nonlinearity="tanh"))
    assert preactivation_bounds(network, (0, 1)) == {}


def test_a_rectifier_after_batch_normalisation_counts(make_conv, make_chain, glorot) -> None:
    network = make_chain(
        make_conv(glorot((4, 1, 3, 3)), nonlinearity="linear"),
        batch_norm(4, beta=-100.0),
        as_layer(Activation(kind="rectify")),
    )
    assert (preactivation_bounds(network, (0, 1))[0].high <= 0).all()


def test_what_passes_an_unknown_layer_is_unknown(make_conv, make_chain, glorot) -> None:
    network = make_chain(
        make_conv(glorot((4, 1, 3, 3))), Layer(type="CustomLayer"), make_conv(glorot((4, 4, 3, 3)))
    )
    assert set(preactivation_bounds(network, (0, 1))) == {0}
