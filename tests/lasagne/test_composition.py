"""Composed filters and the forward pass against the networks' own answers in Theano, to float precision."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz.composition import compose, measure_fidelity
from filtviz.running.inference import forward

pytest.importorskip("filtviz.theano_shim", reason="needs the extra lasagne", exc_type=ImportError)

import lasagne
import theano
import theano.tensor as T
from lasagne import layers as L
from lasagne.nonlinearities import LeakyRectify, linear, rectify, sigmoid, tanh, very_leaky_rectify

# Theano leaves files of C code open when it compiles.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

SIDE = 16
Dump = Callable[[Any, Path], Path]


def conv(below: Any, filters: int, size: Any, **how: Any) -> Any:
    how.setdefault("nonlinearity", linear)
    return L.Conv2DLayer(below, filters, size, b=lasagne.init.Normal(0.1), W=lasagne.init.Normal(0.5), **how)


def image(channels: int = 2) -> Any:
    return L.InputLayer((None, channels, SIDE, SIDE))


def three_by_three() -> Any:
    net = image(1)
    for filters in (4, 3, 5):
        net = conv(net, filters, 3, pad="same")
    return net


def strides_and_means() -> Any:
    net = conv(image(), 3, (3, 2), stride=2, pad=1)
    net = L.Pool2DLayer(net, 2, stride=1, mode="average_inc_pad")
    return conv(L.dropout(net), 4, 2, pad="full")


def network_in_network() -> Any:
    net = L.NINLayer(conv(image(), 3, 2), 4, nonlinearity=None, W=lasagne.init.Normal(1.0))
    return conv(L.GaussianNoiseLayer(net), 2, 3)


def branches() -> Any:
    start = image()
    left, right = conv(start, 3, 3, pad=1), conv(start, 3, 1)
    added = L.ElemwiseSumLayer([left, right], coeffs=[0.5, -2.0])
    return conv(L.PadLayer(L.ConcatLayer([added, start]), 1), 2, 3)


LINEAR = [three_by_three, strides_and_means, network_in_network, branches]


def answers(net: Any, images: np.ndarray) -> np.ndarray:
    variable = T.tensor4()
    inputs = L.get_all_layers(net)[0]
    run = theano.function([variable], L.get_output(net, {inputs: variable}, deterministic=True))
    return run(images.astype(theano.config.floatX))


def read(net: Any, folder: Path, dump: Dump) -> tuple[filtviz.Network, filtviz.ConvLayer]:
    network = filtviz.load(dump(net, folder / "net.pkl"))
    return network, network.conv_layers[-1]


@pytest.mark.parametrize("build", LINEAR)
def test_a_linear_network_answers_to_single_pixels_as_composed(
    build: Callable[[], Any], tmp_path: Path, dump: Dump
) -> None:
    net = build()
    network, layer = read(net, tmp_path, dump)
    composed = compose(network, layer)
    assert composed.approximations == ()
    channels = composed.templates.shape[1]
    impulses = np.eye(channels * SIDE * SIDE).reshape(-1, channels, SIDE, SIDE)
    found = answers(net, impulses) - answers(net, np.zeros((1, channels, SIDE, SIDE)))
    found = found.reshape(channels, SIDE, SIDE, *found.shape[1:])
    rows, cols = composed.templates.shape[2:]
    compared = 0
    for y, x in np.ndindex(found.shape[4:]):
        top, left = composed.start[0] + composed.jump[0] * y, composed.start[1] + composed.jump[1] * x
        if min(top, left) < 0 or top + rows > SIDE or left + cols > SIDE:
            continue
        expected = np.zeros((channels, SIDE, SIDE, len(composed.templates)))
        expected[:, top : top + rows, left : left + cols] = composed.templates.transpose(1, 2, 3, 0)
        np.testing.assert_allclose(found[..., y, x], expected, atol=1e-10)
        compared += 1
    assert compared >= 4


def rectified() -> Any:
    net = conv(image(), 6, 3, nonlinearity=rectify, pad=1)
    net = L.MaxPool2DLayer(net, 3, stride=2, pad=1)
    net = conv(net, 4, 2, nonlinearity=tanh, stride=2)
    return conv(L.NonlinearityLayer(net, sigmoid), 3, 2)


def partial_windows() -> Any:
    net = L.Pool2DLayer(conv(image(), 3, 2), 4, stride=3, ignore_border=False, mode="average_exc_pad")
    return conv(L.MaxPool2DLayer(net, 2, ignore_border=False), 2, 2)


def untied() -> Any:
    return conv(conv(image(), 3, 3, untie_biases=True, nonlinearity=rectify), 2, 3)


def leaky() -> Any:
    net = conv(image(), 3, 3, nonlinearity=LeakyRectify(0.2))
    return conv(L.NonlinearityLayer(net, very_leaky_rectify), 2, 3)


@pytest.mark.parametrize("build", [*LINEAR, rectified, partial_windows, untied, leaky])
def test_the_forward_pass_is_lasagnes(build: Callable[[], Any], tmp_path: Path, dump: Dump) -> None:
    net = build()
    network, layer = read(net, tmp_path, dump)
    images = np.random.default_rng(0).standard_normal((3, L.get_all_layers(net)[0].shape[1], SIDE, SIDE))
    # Theano keeps a slope such as 0.2 in single precision.
    precision = 1e-5 if build is leaky else 1e-10
    np.testing.assert_allclose(forward(network, layer, images), answers(net, images), atol=precision)


def test_fidelity_is_the_correlation_with_lasagnes_own_answers(tmp_path: Path, dump: Dump) -> None:
    net = rectified()
    network, layer = read(net, tmp_path, dump)
    composed = compose(network, layer)
    images = np.random.default_rng(0).standard_normal((40, 2, SIDE, SIDE))
    found = measure_fidelity(network, layer, composed, images)
    assert composed.templates.shape[2:] == (11, 11)
    real = answers(net, images)
    flat = composed.templates.reshape(len(composed.templates), -1)
    # By hand for the one unit of each filter that sees nothing but image.
    assert composed.jump == (4, 4)
    assert -4 <= composed.start[0] == composed.start[1] < 0
    y, x, top, left = 1, 1, composed.start[0] + 4, composed.start[1] + 4
    seen = images[:, :, top : top + 11, left : left + 11].reshape(len(images), -1)
    assert found.responses == len(images)
    for o, template in enumerate(flat):
        expected = np.corrcoef(seen @ template, real[:, o, y, x])[0, 1]
        assert found.correlations[o] == pytest.approx(expected, abs=1e-9)


def test_a_leaky_rectifier_is_left_out_and_said(tmp_path: Path, dump: Dump) -> None:
    net = conv(conv(image(), 3, 3, nonlinearity=LeakyRectify(0.2), name="first"), 2, 3)
    network, layer = read(net, tmp_path, dump)
    assert compose(network, layer).approximations == (
        "LeakyRectify after first was left out, as if every unit were active",
    )
