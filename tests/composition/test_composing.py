"""Composed filters against what they are by definition: a layer's responses to single bright pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filtviz.composition import assume_stacked, compose
from filtviz.composition.linear_map import approximation_of
from filtviz.errors import CompositionError
from filtviz.network import ConvLayer, Layer, Network
from filtviz.operations import (
    Concatenate,
    Crop,
    Dense,
    GlobalPooling,
    Identity,
    Input,
    Merge,
    Normalisation,
    Operation,
    Pad,
    Pooling,
    Untold,
)
from filtviz.parameter import Parameter
from filtviz.running.inference import forward

from .build import as_layer, batch_norm, conv, entrance, margin, network, pool, weights


def assert_predicts_impulses(net: Network, layer: ConvLayer, channels: int, side: int) -> None:
    """Light one pixel after another: each unit must respond with its template's weight at that place."""
    composed = compose(net, layer)
    templates, jump, start = composed.templates, composed.jump, composed.start
    dark = forward(net, layer, np.zeros((1, channels, side, side)))
    impulses = np.eye(channels * side * side).reshape(-1, channels, side, side)
    responses = forward(net, layer, impulses) - dark
    responses = responses.reshape(channels, side, side, *responses.shape[1:])  # (c, i, j, filter, y, x)
    compared = 0
    for y, x in np.ndindex(responses.shape[4:]):
        top, left = start[0] + jump[0] * y, start[1] + jump[1] * x
        bottom, right = top + templates.shape[2], left + templates.shape[3]
        if top < 0 or left < 0 or bottom > side or right > side:
            continue
        expected = np.zeros((channels, side, side, len(templates)))
        expected[:, top:bottom, left:right] = templates.transpose(1, 2, 3, 0)
        np.testing.assert_allclose(responses[..., y, x], expected, atol=1e-12)
        compared += 1
    assert compared > 0


def test_one_layer_is_its_own_template() -> None:
    w = weights(3, 2, 3, 5)
    net = network(entrance(2, 9, 9), conv(0, w, flip=True), conv(0, w, flip=False))
    assert np.array_equal(compose(net, net.conv_layers[0]).templates, w[..., ::-1, ::-1])
    assert np.array_equal(compose(net, net.conv_layers[1]).templates, w)
    assert compose(net, net.conv_layers[0]).approximations == ()


def convolve(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    whole = np.zeros(np.add(a.shape, b.shape) - 1)
    for (row, col), factor in np.ndenumerate(b):
        whole[row : row + a.shape[0], col : col + a.shape[1]] += factor * a
    return whole


def test_three_small_layers_are_one_of_seven_by_seven() -> None:
    a, b, c = weights(1, 1, 3, 3), weights(1, 1, 3, 3, seed=1), weights(1, 1, 3, 3, seed=2)
    net = network(entrance(1, 31, 31), conv(0, a, pad=(1, 1)), conv(1, b, pad=(1, 1)), conv(2, c, pad=(1, 1)))
    composed = compose(net, net.conv_layers[2])
    stored = convolve(convolve(a[0, 0], b[0, 0]), c[0, 0])
    np.testing.assert_allclose(composed.templates[0, 0], stored[::-1, ::-1], atol=1e-12)
    assert composed.templates.shape == (1, 1, 7, 7)
    assert (composed.jump, composed.start) == ((1, 1), (-3, -3))


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(
    flips=st.tuples(st.booleans(), st.booleans()),
    strides=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    pads=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilations=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
)
def test_geometry(
    flips: tuple[bool, bool],
    strides: tuple[int, int],
    pads: tuple[int, int],
    dilations: tuple[int, int],
    kernel: tuple[int, int],
) -> None:
    below = conv(0, weights(3, 2, *kernel), flip=flips[0], stride=strides, pad=pads, bias=weights(3, seed=5))
    above = conv(1, weights(2, 3, 3, 2, seed=1), flip=flips[1], stride=(1, 2), dilation=dilations, pad=(1, 1))
    net = network(entrance(2, 14, 14), below, above)
    assert_predicts_impulses(net, net.conv_layers[1], channels=2, side=14)


@pytest.mark.parametrize("kind", ["mean", "sum"])
def test_a_window_with_gaps_is_spread_over_the_strides_below_it(kind: str) -> None:
    net = network(
        entrance(1, 15, 15),
        conv(0, weights(2, 1, 3, 2), stride=(1, 2)),
        pool(1, 2, stride=1, kind=kind, dilation=(3, 2)),
        conv(2, weights(2, 2, 2, 2, seed=3)),
    )
    assert compose(net, net.conv_layers[1]).jump == (1, 2)
    assert compose(net, net.conv_layers[1]).templates.shape == (2, 1, 3 + 3 + 1, 2 + 2 * 2 + 2)
    assert_predicts_impulses(net, net.conv_layers[1], channels=1, side=15)


@pytest.mark.parametrize("counts_pad", [True, False])
def test_mean_pooling_is_a_convolution(counts_pad: bool) -> None:
    net = network(
        entrance(1, 13, 13),
        conv(0, weights(2, 1, 3, 3)),
        pool(1, 3, stride=2, kind="mean", counts_pad=counts_pad),
        conv(2, weights(2, 2, 2, 2, seed=3)),
    )
    assert compose(net, net.conv_layers[1]).approximations == ()
    assert compose(net, net.conv_layers[1]).jump == (2, 2)
    assert_predicts_impulses(net, net.conv_layers[1], channels=1, side=13)


def dense(axes: str) -> Dense:
    """Channels weighed at each position: three from two."""
    return Dense(
        weights=Parameter.of("W", weights(*((2, 3) if axes == "io" else (3, 2)), seed=4)),
        axes=axes,
        units=3,
        per_position=True,
    )


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operation", "channels"),
    [
        (Pooling(kind="mean", size=(2, 3), stride=(2, 1), pad=margin(0)), 2),
        (Pooling(kind="sum", size=(3, 3), stride=(2, 2), pad=margin(0)), 2),
        (Pooling(kind="sum", size=(2, 3), stride=(1, 2), pad=margin(1, 0)), 2),
        (Pooling(kind="sum", size=(1, 2), stride=(3, 1), pad=margin(0)), 2),
        (Pad(pad=((2, 1), (0, 3))), 2),
        (Crop(crop=((2, 1), (0, 3))), 2),
        (dense("io"), 3),
        (dense("oi"), 3),
        (Normalisation(gamma=Parameter.of("gamma", np.array([-2.0, 3.0])), is_batch=False), 2),
        (Merge(kind="add", coefficients=(-0.5,)), 2),
        (Identity(), 2),
    ],
    ids=lambda value: getattr(value, "kind", type(value).__name__),
)
def test_each_linear_operation_is_exact_where_it_lies_between_two_convolutions(
    operation: Operation, channels: int
) -> None:
    net = network(
        entrance(1, 15, 15),
        conv(0, weights(2, 1, 3, 2), stride=(2, 1), pad=(1, 0)),
        as_layer(operation, below=1),
        conv(2, weights(2, channels, 2, 3, seed=3)),
    )
    assert compose(net, net.conv_layers[1]).approximations == ()
    assert_predicts_impulses(net, net.conv_layers[1], channels=1, side=15)


def test_max_pooling_becomes_the_mean_and_says_so() -> None:
    w1, w2 = weights(2, 1, 3, 3), weights(2, 2, 2, 2, seed=3)
    nets = [
        network(entrance(1, 13, 13), conv(0, w1), pool(1, 2, kind=kind), conv(2, w2))
        for kind in ("max", "mean")
    ]
    by_max, by_mean = (compose(net, net.conv_layers[1]) for net in nets)
    assert np.array_equal(by_max.templates, by_mean.templates)
    assert by_max.approximations == ("the maximum of pool was taken as the mean over its window",)


def test_batch_normalisation_scales_each_channel() -> None:
    rng = np.random.default_rng(7)
    values = {"gamma": rng.random(3), "inv_std": rng.random(3), "mean": rng.random(3), "beta": rng.random(3)}
    norm = batch_norm(1, **values)
    w1, w2 = weights(3, 1, 3, 3), weights(2, 3, 3, 3, seed=1)
    net = network(entrance(1, 9, 9), conv(0, w1), norm, conv(2, w2))
    scaled = w1 * (values["gamma"] * values["inv_std"])[:, None, None, None]
    expected = compose(
        other := network(entrance(1, 9, 9), conv(0, scaled), conv(1, w2)), other.conv_layers[1]
    )
    composed = compose(net, net.conv_layers[1])
    np.testing.assert_allclose(composed.templates, expected.templates, atol=1e-12)
    assert composed.approximations == ()
    assert_predicts_impulses(net, net.conv_layers[1], channels=1, side=9)


def test_added_and_joined_branches() -> None:
    net = network(
        entrance(2, 11, 11),
        conv(0, weights(3, 2, 1, 1)),
        conv(0, weights(3, 2, 3, 3, seed=1), pad=(1, 1)),
        as_layer(Merge(kind="add", coefficients=(1.0, -0.5)), below=(1, 2)),
        as_layer(Concatenate(), below=(3, 0)),
        conv(4, weights(2, 5, 2, 2, seed=2)),
    )
    composed = compose(net, net.conv_layers[2])
    assert composed.templates.shape == (2, 2, 4, 4)
    assert composed.approximations == ()
    assert_predicts_impulses(net, net.conv_layers[2], channels=2, side=11)


def test_groups_of_channels() -> None:
    net = network(entrance(1, 9, 9), conv(0, weights(4, 1, 2, 2)), conv(1, weights(6, 2, 3, 3, seed=1)))
    w1, w2 = (layer.filters for layer in net.conv_layers)
    composed = compose(net, net.conv_layers[1]).templates
    first = compose(half := network(entrance(1, 9, 9), conv(0, w1[:2]), conv(1, w2[:3])), half.conv_layers[1])
    np.testing.assert_allclose(composed[:3], first.templates, atol=1e-12)
    assert_predicts_impulses(net, net.conv_layers[1], channels=1, side=9)


def test_nonlinearities_are_left_out_and_named() -> None:
    w = weights(1, 1, 3, 3)
    net = network(
        entrance(1, 31, 31),
        *(conv(i, w, nonlinearity="rectify", name=f"c{i}") for i in range(2)),
        conv(2, w, nonlinearity="tanh"),
    )
    assert compose(net, net.conv_layers[2]).approximations == (
        "rectify after c0 and c1 was left out, as if every unit were active",
    )
    linear = network(entrance(1, 31, 31), *(conv(i, w) for i in range(3)))
    assert np.array_equal(
        compose(net, net.conv_layers[2]).templates, compose(linear, linear.conv_layers[2]).templates
    )


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("n", "named"),
    [
        (1, "c0"),
        (2, "c0 and c1"),
        (3, "c0, c1 and c2"),
        (4, "c0, c1, c2 and c3"),
        (5, "c0, c1, c2 and 2 more"),
        (6, "c0, c1, c2 and 3 more"),
    ],
)
def test_of_many_layers_a_few_are_named_and_the_others_counted(n: int, named: str) -> None:
    one = weights(1, 1, 1, 1)
    net = network(
        entrance(1, 9, 9), *(conv(i, one, nonlinearity="rectify", name=f"c{i}") for i in range(n + 1))
    )
    assert compose(net, net.conv_layers[n]).approximations == (
        f"rectify after {named} was left out, as if every unit were active",
    )


def test_an_unknown_flip_is_said() -> None:
    net = network(entrance(1, 9, 9), conv(0, weights(1, 1, 3, 3), flip=None, name="old"))
    composed = compose(net, net.conv_layers[0])
    assert composed.approximations == (
        "the file does not say whether old convolves or correlates: taken to convolve",
    )
    assert np.array_equal(composed.templates, net.conv_layers[0].W[..., ::-1, ::-1])


def bare_list(*shapes: tuple[int, ...]) -> Network:
    untold = {"flip": None, "stride": None, "nonlinearity": None}
    below = [i - 1 if i else () for i in range(len(shapes))]
    return network(*(conv(below[i], weights(*shape, seed=i), **untold) for i, shape in enumerate(shapes)))


def test_a_bare_list_is_refused_until_its_geometry_is_assumed() -> None:
    net = bare_list((4, 1, 3, 3), (2, 4, 3, 3))
    with pytest.raises(
        CompositionError,
        match="conv2 cannot be composed: the file does not tell the geometry of conv1",
    ):
        compose(net, net.conv_layers[1])
    stacked = assume_stacked(net)
    composed = compose(stacked, stacked.conv_layers[1])
    assert composed.templates.shape == (2, 1, 5, 5)
    assert composed.jump == (1, 1)
    assert composed.approximations == (
        "a nonlinearity that the file does not tell after conv1 was left out, as if every unit were active",
        "the file does not say whether conv1 and conv2 convolve or correlate: taken to convolve",
    )


def test_an_image_of_unknown_depth_has_as_many_channels_as_the_lowest_layer_takes() -> None:
    scale = np.array([1.0, 2.0, 3.0])
    open_image = as_layer(Input(), type="InputLayer")
    for bottom in ((batch_norm(inv_std=scale),), (open_image, batch_norm(0, inv_std=scale))):
        net = network(*bottom, conv(len(bottom) - 1, weights(1, 3, 1, 1)))
        expected = net.conv_layers[0].W * np.array([1.0, 2.0, 3.0])[:, None, None]
        np.testing.assert_allclose(compose(net, net.conv_layers[0]).templates, expected)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ((as_layer(Dense(), below=0, type="DenseLayer"),), "DenseLayer (layer 1) (DenseLayer) lies below it"),
        (
            (as_layer(GlobalPooling(kind="mean"), below=0, type="GlobalPoolLayer", name="gap"),),
            "gap (GlobalPoolLayer) lies below it",
        ),
        ((pool(0, 2, kind="untold"),), "which is not known"),
        ((as_layer(Concatenate(axis=2), below=(0, 0)),), "an axis that is not the channels'"),
        ((as_layer(Merge(kind="multiply", name="mul"), below=(0, 0)),), "merges by mul, which is not linear"),
        ((as_layer(Merge(kind="add", cropping=(None, "center")), below=(0, 0)),), "crops"),
        ((as_layer(Merge(kind="add", coefficients=(1.0,)), below=(0, 0)),), "1 coefficients for 2 inputs"),
        ((Layer(type="Theirs", inputs=(0,)),), "the file does not tell the geometry of Theirs (layer 1)"),
        ((conv(0, weights(3, 1, 1, 1)),), "at conv2, it looks at 2 channels, and the layer below gives 3"),
        ((pool(0, 2), as_layer(Merge(kind="add"), below=(0, 1))), "units lie differently far apart"),
    ],
)
def test_what_is_refused_is_refused_with_its_reason(layers: tuple, sentence: str) -> None:
    last = len(layers)
    net = network(entrance(1, 16, 16), *layers, conv(last, weights(1, 2, 3, 3)))
    with pytest.raises(CompositionError) as caught:
        compose(net, net.conv_layers[-1])
    assert sentence in str(caught.value)


def test_templates_that_would_not_fit_into_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("filtviz.composition.linear_map.MAX_ELEMENTS", 1000)
    net = network(entrance(1, None, None), conv(0, weights(4, 1, 3, 3)), pool(1, 2), pool(2, 16), pool(3, 2))
    net = network(*net.layers, conv(4, weights(2, 4, 3, 3)))
    with pytest.raises(CompositionError, match="4x1x34x34 \\(4,624 numbers\\), more than 1,000"):
        compose(net, net.conv_layers[-1])


def test_volumes_are_refused_in_one_sentence() -> None:
    volumes = ConvLayer.of(np.ones((2, 1, 3, 3, 3)), axes="oidrc", stride=(1, 1, 1), name="deep")
    net = network(volumes)
    with pytest.raises(CompositionError) as caught:
        compose(net, net.conv_layers[0])
    assert str(caught.value) == f"deep cannot be composed: at deep, {volumes.why_not_drawn}"


def test_what_a_file_tells_of_its_links_is_kept_where_the_rest_is_assumed() -> None:
    untold = {"flip": None, "stride": None, "nonlinearity": None}
    layers = [conv((), weights(4, 1, 3, 3), **untold), conv(0, weights(4, 1, 3, 3), **untold),
              conv(0, weights(2, 4, 3, 3), **untold)]  # fmt: skip
    assert [layer.inputs for layer in assume_stacked(network(*layers)).layers] == [(), (0,), (0,)]


@pytest.mark.parametrize(("size", "exact"), [((1, 1), True), ((1, 2), False), ((2, 1), False)])
def test_a_maximum_over_one_number_alone_is_exact(size: tuple[int, int], exact: bool) -> None:
    pooling = Pooling(kind="max", size=size, stride=(1, 1), pad=((0, 0), (0, 0)))
    assert (approximation_of(pooling) is None) == exact


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("of_input", "has_parameters", "passes_on"),
    [(True, True, True), (True, False, True), (False, False, True), (False, True, False)],
)
def test_what_is_not_told_is_passed_on_where_that_is_its_input(of_input, has_parameters, passes_on) -> None:
    held = (Parameter.of("p", np.zeros(3)),) if has_parameters else ()
    odd = Layer(type="Odd", operations=(Untold(reason="x", of_input=of_input),), parameters=held, inputs=(0,))
    (operation,) = (
        assume_stacked(Network.of([Layer(operations=(Input(shape=(None, 1, 9, 9)),)), odd]))
        .layers[1]
        .operations
    )
    assert isinstance(operation, Identity) == passes_on
