"""The convolutions up to a layer as one stack, and the layer that reads it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.building import as_layer, chain, image, pool
from tests.chains import batch_norm, glorot, same_conv

from filtviz.activations import Activation
from filtviz.budget import Account
from filtviz.composition.stacks import composed_size, following_layer, linear_stack
from filtviz.network import Layer, Network
from filtviz.operations import Concatenate, Dense, Identity, LocalResponse, Merge, Pad, Upscale


@pytest.fixture
def mission() -> Network:
    convs = [same_conv(glorot((20, c, 3, 3), i), np.zeros(20)) for i, c in enumerate([1, 20, 20, 20])]
    return chain(*convs[:3], pool(), convs[3])


def test_a_stack_ends_at_the_pooling(mission: Network) -> None:
    first, second, third, fourth = (linear_stack(mission, layer) for layer in mission.conv_layers)
    assert (first.stages, first.reason) == ((), "it is the first convolution")
    assert [len(stack.stages) for stack in (second, third)] == [2, 3]
    assert (fourth.stages, fourth.reason) == ((), "a pooling lies between it and the image")


def test_strides_and_dilations_spread_the_taps_above() -> None:
    strided = same_conv(glorot((4, 1, 3, 3)), stride=(2, 1))
    dilated = same_conv(
        glorot((4, 4, 3, 3)),
        dilation=(3, 3),
    )
    network = chain(strided, dilated)
    assert [stage.spacing for stage in linear_stack(network, network.conv_layers[1]).stages] == [
        (1, 1),
        (6, 3),
    ]


def test_batch_normalisation_scales_the_filters_below_it() -> None:
    gamma = np.array([2.0, -1.0])
    weights = glorot((2, 1, 3, 3), dtype="float64")
    network = chain(
        same_conv(weights, flip_filters=False), batch_norm(2, gamma), same_conv(glorot((3, 2, 3, 3)))
    )
    stages = linear_stack(network, network.conv_layers[1]).stages
    np.testing.assert_array_equal(stages[0].templates, weights * gamma[:, None, None, None])


def test_unknown_geometry_is_not_composed() -> None:
    layers = [same_conv(glorot((4, c, 3, 3)), stride=None) for c in (1, 4)]
    network = chain(*layers)
    assert linear_stack(network, network.conv_layers[1]).reason == (
        "the file does not tell what lies between the convolutions"
    )


def test_a_large_stack_is_refused_before_it_is_read() -> None:
    weights = np.zeros((256, 256, 3, 3), dtype="float16")
    network = chain(same_conv(weights), same_conv(weights))
    assert "would take minutes" in linear_stack(network, network.conv_layers[1]).reason


def test_the_following_layer_is_found_past_a_pooling(mission: Network) -> None:
    convs = mission.conv_layers
    assert [following_layer(mission, layer) for layer in convs] == [*convs[1:], None]


def test_two_readers_are_no_following_layer() -> None:
    start = image(1, 8, 8)
    first = same_conv(glorot((4, 1, 3, 3)), below=0)
    readers = [same_conv(glorot((4, 4, 3, 3)), below=1) for _ in range(2)]
    network = Network.of([start, first, *readers])
    assert following_layer(network, network.conv_layers[0]) is None


def test_layers_in_between_pass_or_stop_a_stack() -> None:
    first, second = same_conv(glorot((4, 1, 3, 3))), same_conv(glorot((3, 4, 3, 3)))
    for passing in (
        as_layer(Identity(what="dropout", rate=0.5)),
        as_layer(Activation(kind="tanh")),
        as_layer(LocalResponse(alpha=1e-4, k=2.0, beta=0.75, n=5)),
    ):
        network = chain(first, passing, second)
        assert len(linear_stack(network, network.conv_layers[1]).stages) == 2
        assert following_layer(network, network.conv_layers[0]) is network.conv_layers[1]
    network = chain(first, as_layer(Upscale(scale=(2, 2)), type="Upscale2DLayer"), second)
    assert linear_stack(network, network.conv_layers[1]).reason == (
        "Upscale2DLayer (layer 2) (Upscale2DLayer) lies below it, which is no filter on the image"
    )
    assert following_layer(network, network.conv_layers[0]) is None


def test_channels_that_are_mixed_or_joined_have_no_following_layer() -> None:
    first = same_conv(glorot((4, 1, 3, 3)))
    joined = as_layer(Concatenate(), below=(1, 1))
    network = Network.of(
        [image(1), same_conv(glorot((4, 1, 3, 3)), below=0), joined, same_conv(glorot((2, 8, 3, 3)), below=2)]
    )
    assert following_layer(network, network.conv_layers[0]) is None
    assert linear_stack(network, network.conv_layers[1]).reason == "several layers feed it"
    dense = chain(first, as_layer(Dense(per_position=True)), same_conv(glorot((2, 4, 3, 3))))
    assert following_layer(dense, dense.conv_layers[0]) is None


def test_what_a_layer_does_besides_its_convolution_lies_between_as_well() -> None:
    first, second = same_conv(glorot((4, 1, 3, 3))), same_conv(glorot((3, 4, 3, 3)))
    for between, follows in ((Identity(), True), (Upscale(scale=(2, 2)), False)):
        ends = replace(first, operations=(*first.operations, between))
        begins = replace(second, operations=(between, *second.operations))
        for network in (chain(ends, second), chain(first, begins)):
            found = following_layer(network, network.conv_layers[0])
            assert found is (network.conv_layers[1] if follows else None)


def test_a_layer_that_takes_other_channels_does_not_follow() -> None:
    network = chain(same_conv(glorot((4, 1, 3, 3))), same_conv(glorot((2, 2, 3, 3))))
    assert following_layer(network, network.conv_layers[0]) is None
    assert linear_stack(network, network.conv_layers[1]).reason == (
        "its channels are not the filters of the layer below"
    )


def test_a_branch_that_is_added_has_no_stack() -> None:
    first = same_conv(glorot((4, 1, 3, 3)), below=0)
    added = as_layer(Merge(kind="add"), below=(1, 2))
    layers: list[Layer] = [image(1), first, same_conv(glorot((4, 4, 3, 3)), below=1), added]
    network = Network.of([*layers, same_conv(glorot((4, 4, 3, 3)), below=3)])
    assert linear_stack(network, network.conv_layers[1]).reason == ""
    assert linear_stack(network, network.conv_layers[2]).reason == "several layers feed it"


def test_only_what_is_too_much_work_was_left_out() -> None:
    shuffled = as_layer(Upscale(scale=(2, 2)))
    network = chain(same_conv(glorot((4, 1, 3, 3))), shuffled, same_conv(glorot((4, 4, 3, 3))))
    stack = linear_stack(network, network.conv_layers[1])
    assert ("no filter on the image" in stack.reason, stack.is_left_out) == (True, False)
    plain = chain(same_conv(glorot((4, 1, 3, 3))), same_conv(glorot((4, 4, 3, 3))))
    stack = linear_stack(plain, plain.conv_layers[1], Account({"work": 1, "pixels": 1}))
    assert (stack.stages, stack.is_left_out) == ((), True)


def test_a_stack_is_as_large_as_all_its_layers() -> None:
    """Each by itself is small enough."""
    half = np.zeros((150, 150, 3, 3), dtype="float16")
    network = chain(same_conv(half), same_conv(half))
    assert linear_stack(network, network.conv_layers[0]).reason == "it is the first convolution"
    assert "would take minutes" in linear_stack(network, network.conv_layers[1]).reason


def test_kernels_that_are_longer_than_wide_have_such_a_field() -> None:
    network = chain(
        same_conv(glorot((4, 1, 3, 1)), stride=(2, 1)), same_conv(glorot((4, 4, 1, 5)), dilation=(1, 3))
    )
    assert composed_size(linear_stack(network, network.conv_layers[1]).stages) == (3, 13)


def test_further_channels_end_what_follows_and_volumes_do_not_follow() -> None:
    padded = as_layer(Pad(pad=((1, 0), (0, 0), (0, 0)), first_axis=1))
    first = same_conv(glorot((4, 1, 3, 3)))
    network = chain(first, padded, same_conv(glorot((4, 4, 3, 3))))
    assert following_layer(network, network.conv_layers[0]) is None
    network = chain(first, as_layer(Pad(pad=((1, 0), (0, 0)))), same_conv(glorot((4, 4, 3, 3))))
    assert following_layer(network, network.conv_layers[0]) is network.conv_layers[1]
    network = chain(first, same_conv(np.zeros((0, 4, 3, 3))))
    assert following_layer(network, network.conv_layers[0]) is None, "it has no filters"
