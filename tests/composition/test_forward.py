"""The forward pass against loops that do what the definitions say."""

from __future__ import annotations

import numpy as np
import pytest

from filtviz.activations import Activation, activate
from filtviz.errors import CompositionError
from filtviz.running.inference import forward
from filtviz.shapes import output_shape

from .build import as_layer, conv, entrance, network, pool, weights


def correlate(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return (windows * kernel).sum(axis=(2, 3))


def test_a_convolution_sums_windows_and_adds_the_bias() -> None:
    w, b, images = weights(3, 2, 3, 4), weights(3, seed=1), weights(2, 2, 9, 8, seed=2)
    net = network(entrance(2, 9, 8), conv(0, w, flip=False, bias=b))
    answer = forward(net, net.conv_layers[0], images)
    for n, o in np.ndindex(2, 3):
        expected = sum(correlate(images[n, c], w[o, c]) for c in range(2)) + b[o]
        np.testing.assert_allclose(answer[n, o], expected, atol=1e-12)


def test_the_layers_own_nonlinearity_is_not_applied_but_those_below_are() -> None:
    identity = np.ones((1, 1, 1, 1))
    below, above = conv(0, identity, nonlinearity="rectify"), conv(1, identity, nonlinearity="rectify")
    net = network(entrance(1, 1, 2), below, above)
    image = np.array([[[[-2.0, 3.0]]]])
    assert forward(net, net.conv_layers[0], image).tolist() == [[[[-2.0, 3.0]]]]
    assert forward(net, net.conv_layers[1], image).tolist() == [[[[0.0, 3.0]]]]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("kind", "counts_pad"), [("max", False), ("mean", True), ("mean", False), ("sum", False)]
)
@pytest.mark.parametrize(("pad", "whole"), [(0, True), (1, True), (0, False)])
def test_pooling_is_what_it_says(kind: str, counts_pad: bool, pad: int, whole: bool) -> None:
    image = weights(1, 1, 8, 8)
    net = network(
        entrance(1, 8, 8),
        pool(0, 3, stride=2, pad=pad, kind=kind, counts_pad=counts_pad, whole_windows=whole),
        conv(1, np.ones((1, 1, 1, 1))),
    )
    answer = forward(net, net.conv_layers[0], image)[0, 0]
    begins = [y for y in range(-pad, 8 + pad, 2) if (y + 3 <= 8 + pad if whole else True)]
    if not whole:
        begins = begins[: -(-(8 - 3) // 2) + 1]
    assert answer.shape == (len(begins), len(begins))
    for i, y in enumerate(begins):
        for j, x in enumerate(begins):
            part = image[0, 0, max(y, 0) : y + 3, max(x, 0) : x + 3]
            mean = part.sum() / 9 if counts_pad and whole else part.mean()
            expected = {"max": part.max(), "mean": mean, "sum": part.sum()}[kind]
            assert answer[i, j] == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["max", "mean"])
def test_pooling_over_nothing_but_nan_is_nan_without_a_warning(kind: str) -> None:
    image = weights(1, 1, 4, 4)
    image[0, 0, :2, :2] = np.nan
    net = network(entrance(1, 4, 4), pool(0, 2, kind=kind), conv(1, np.ones((1, 1, 1, 1))))
    answer = forward(net, net.conv_layers[0], image)[0, 0]
    assert np.isnan(answer).tolist() == [[True, False], [False, False]]


@pytest.mark.cases("all")
@pytest.mark.parametrize("kind", ["max", "mean", "sum"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_window_with_gaps_takes_every_other_number(kind: str, whole: bool) -> None:
    image = weights(1, 1, 9, 9)
    dilated = pool(0, 2, stride=3, kind=kind, dilation=(3, 2), whole_windows=whole)
    net = network(entrance(1, 9, 9), dilated, conv(1, np.ones((1, 1, 1, 1))))
    answer = forward(net, net.conv_layers[0], image)[0, 0]
    rows, cols = ([0, 3], [0, 3, 6]) if whole else ([0, 3, 6], [0, 3, 6])
    expected = [
        [{"max": np.max, "mean": np.mean, "sum": np.sum}[kind](image[0, 0, y : y + 4 : 3, x : x + 3 : 2])
         for x in cols]
        for y in rows
    ]  # fmt: skip
    np.testing.assert_allclose(answer, expected)
    assert output_shape(dilated.operations[0], [image.shape]) == (1, 1, *answer.shape)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rectify", [0.0, 2.0]),
        ("elu", [np.expm1(-1.0), 2.0]),
        ("sigmoid", [1 / (1 + np.e), 1 / (1 + np.exp(-2.0))]),
        ("tanh", [np.tanh(-1.0), np.tanh(2.0)]),
        ("softplus", [np.log1p(np.exp(-1.0)), np.log1p(np.exp(2.0))]),
        ("linear", [-1.0, 2.0]),
    ],
)
def test_nonlinearities(name: str | None, expected: list[float]) -> None:
    one = np.ones((1, 1, 1, 1))
    net = network(entrance(1, 1, 2), conv(0, one, nonlinearity=name), conv(1, one))
    answer = forward(net, net.conv_layers[1], np.array([[[[-1.0, 2.0]]]]))
    np.testing.assert_allclose(answer[0, 0, 0], expected, rtol=1e-12)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        (Activation(kind="leaky_rectify", alpha=0.25), [-0.25, 2.0]),
        (Activation(kind="clipped_rectify", alpha=1.5), [0.0, 1.5]),
        (Activation(kind="elu", alpha=2.0), [2 * np.expm1(-1.0), 2.0]),
        (Activation(kind="selu", alpha=1.5, scale=1.1), [1.65 * np.expm1(-1.0), 2.2]),
        (Activation(kind="tanh", scale_in=2 / 3, scale=1.7), [1.7 * np.tanh(-2 / 3), 1.7 * np.tanh(4 / 3)]),
        (Activation(kind="hard_sigmoid"), [0.3, 0.9]),
        (Activation(kind="softsign"), [-0.5, 2 / 3]),
        (Activation(kind="exp"), [np.exp(-1.0), np.exp(2.0)]),
        (Activation(kind="swish"), [-1 / (1 + np.e), 2 / (1 + np.exp(-2.0))]),
        (Activation(kind="hard_swish"), [-1 / 3, 5 / 3]),
    ],
    ids=lambda value: value.kind if isinstance(value, Activation) else "",
)
def test_activations_with_numbers(activation: Activation, expected: list[float]) -> None:
    np.testing.assert_allclose(activate(activation, np.array([-1.0, 2.0])), expected, rtol=1e-12)


def test_a_nonlinearity_that_the_file_does_not_tell_is_not_taken_for_none() -> None:
    one = np.ones((1, 1, 1, 1))
    net = network(entrance(1, 1, 2), conv(0, one, nonlinearity=None), conv(1, one))
    with pytest.raises(CompositionError, match=r"it applies a nonlinearity that the file does not tell$"):
        forward(net, net.conv_layers[1], np.zeros((1, 1, 1, 2)))


@pytest.mark.parametrize(
    ("below", "images", "sentence"),
    [
        (conv(0, weights(1, 1, 3, 3)), np.zeros((1, 2, 9, 9)), "2 channels, the network expects 1"),
        (conv(0, weights(1, 1, 5, 5)), np.zeros((1, 1, 4, 4)), "they are 4x4 there, its window 5x5"),
        (
            as_layer(Activation(kind="untold", name="my_own"), below=0),
            np.zeros((1, 1, 9, 9)),
            "it applies my_own, which is not known here",
        ),
    ],
)
def test_what_cannot_be_run_says_why(below: object, images: np.ndarray, sentence: str) -> None:
    net = network(entrance(1, None, None), below, conv(1, weights(1, 1, 1, 1)))
    with pytest.raises(CompositionError, match=sentence):
        forward(net, net.conv_layers[-1], images)
