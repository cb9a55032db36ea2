"""Single layers of Lasagne, pickled and read back as operations, run beside Theano: the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz.running.numpy_engine import forward

pytest.importorskip("filtviz.theano_shim", reason="needs the extra lasagne", exc_type=ImportError)

import lasagne
import theano
import theano.tensor as T
from lasagne import layers as L
from lasagne import nonlinearities as N

# Theano leaves files of C code open when it compiles.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

ROWS, COLS, CHANNELS = 9, 8, 4
Dump = Callable[[Any, Path], Path]
Build = Callable[[Any], Any]


def conv(below: Any, **how: Any) -> Any:
    return L.Conv2DLayer(below, 3, 3, W=lasagne.init.Normal(0.5), b=lasagne.init.Normal(0.5), **how)


def batch_norm(below: Any) -> Any:
    layer = L.BatchNormLayer(below, beta=lasagne.init.Normal(1.0), gamma=lasagne.init.Normal(1.0))
    layer.mean.set_value(np.random.RandomState(1).rand(CHANNELS).astype(theano.config.floatX))
    layer.inv_std.set_value(np.random.RandomState(2).rand(CHANNELS).astype(theano.config.floatX))
    return layer


def nonlinearity(take: Callable[[], Any]) -> Build:
    return lambda below: L.NonlinearityLayer(below, take())


CASES: dict[str, Build] = {
    "conv valid": lambda below: conv(below, nonlinearity=None),
    "conv same rectify": lambda below: conv(below, pad="same", nonlinearity=N.rectify),
    "conv full stride": lambda below: conv(below, pad="full", stride=(2, 3), nonlinearity=N.tanh),
    "conv sigmoid": lambda below: conv(below, nonlinearity=N.sigmoid),
    "conv untied": lambda below: conv(below, untie_biases=True, nonlinearity=None),
    "dilated": lambda below: L.DilatedConv2DLayer(below, 3, 3, (2, 2), nonlinearity=None),
    "max pool": lambda below: L.MaxPool2DLayer(below, (3, 2), stride=(2, 1), pad=(1, 0)),
    "max pool over the border": lambda below: L.MaxPool2DLayer(below, 3, stride=2, ignore_border=False),
    "max pool over the border, apart": lambda below: L.MaxPool2DLayer(
        below, 2, stride=3, ignore_border=False
    ),
    "mean pool with pad": lambda below: L.Pool2DLayer(below, 3, stride=2, pad=1, mode="average_inc_pad"),
    "mean pool without pad": lambda below: L.Pool2DLayer(below, 3, stride=2, pad=1, mode="average_exc_pad"),
    "maxout": lambda below: L.FeaturePoolLayer(below, 2),
    "sum of channels": lambda below: L.FeaturePoolLayer(below, 2, pool_function=T.sum),
    "network in network": lambda below: L.NINLayer(below, 5, nonlinearity=N.sigmoid),
    "batch norm": batch_norm,
    "scale": lambda below: L.ScaleLayer(below, scales=lasagne.init.Normal(1.0)),
    "bias": lambda below: L.BiasLayer(below, b=lasagne.init.Normal(1.0)),
    "parametric rectifier": lambda below: L.ParametricRectifierLayer(below, alpha=lasagne.init.Normal(1.0)),
    "randomized rectifier": lambda below: L.RandomizedRectifierLayer(below, 0.1, 0.5),
    "local response": lambda below: L.LocalResponseNormalization2DLayer(below, alpha=0.3, k=2, n=3),
    "pad": lambda below: L.PadLayer(below, [(1, 2), (0, 3)], val=0.5),
    "pad from the channels on": lambda below: L.PadLayer(below, 1, batch_ndim=1),
    "upscale": lambda below: L.Upscale2DLayer(below, (2, 3)),
    "slice of channels": lambda below: L.SliceLayer(below, slice(1, None, 2), axis=1),
    "slice of rows": lambda below: L.SliceLayer(below, slice(2, -1), axis=2),
    "dimshuffle": lambda below: L.DimshuffleLayer(below, (0, 1, 3, 2)),
    "reshape": lambda below: L.ReshapeLayer(below, ([0], CHANNELS, COLS, ROWS)),
    "dropout": lambda below: L.DropoutLayer(below, 0.5),
    "noise": lambda below: L.GaussianNoiseLayer(below, 0.5),
    "sum": lambda below: L.ElemwiseSumLayer([below, below], coeffs=[0.5, -2.0]),
    "product": lambda below: L.ElemwiseMergeLayer([below, below], T.mul),
    "maximum": lambda below: L.ElemwiseMergeLayer([below, L.BiasLayer(below)], T.maximum),
    "concat": lambda below: L.ConcatLayer([below, below]),
    "concat of rows": lambda below: L.ConcatLayer([below, below], axis=2),
    **{
        f"function {name}": nonlinearity(function)
        for name, function in {
            "rectify": lambda: N.rectify,
            "leaky": lambda: N.LeakyRectify(0.25),
            "very leaky": lambda: N.very_leaky_rectify,
            "elu": lambda: N.elu,
            "softplus": lambda: N.softplus,
            "sigmoid": lambda: N.sigmoid,
            "tanh": lambda: N.tanh,
            "theano tanh": lambda: T.tanh,
            "theano sigmoid": lambda: T.nnet.sigmoid,
            "theano softplus": lambda: T.nnet.softplus,
            "theano exp": lambda: T.exp,
            "linear": lambda: N.linear,
        }.items()
    },
}


@pytest.mark.parametrize("name", CASES)
def test_a_layer_gives_what_it_gives_in_theano(name: str, tmp_path: Path, dump: Dump) -> None:
    lasagne.random.set_rng(np.random.RandomState(3))
    start = L.InputLayer((None, CHANNELS, ROWS, COLS))
    try:
        layer = CASES[name](start)
    except AttributeError as error:
        pytest.skip(f"this Lasagne is older than the layer: {error}")
    channels = layer.output_shape[1]
    eye = np.eye(channels, dtype=theano.config.floatX)[:, :, None, None]
    net = L.Conv2DLayer(layer, channels, 1, W=eye, b=None, nonlinearity=None)
    network = filtviz.load(dump(net, tmp_path / "net.pkl"))
    images = np.random.RandomState(0).randn(2, CHANNELS, ROWS, COLS)
    variable = T.tensor4()
    run = theano.function([variable], L.get_output(net, {start: variable}, deterministic=True))
    expected = run(images.astype(theano.config.floatX))
    found = forward(network, network.conv_layers[-1], images)
    double = theano.config.floatX == "float64"
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-7 if double else 1e-4, atol=1e-7 if double else 1e-4)
    assert network.layers[-1].output_shape == (None, *expected.shape[1:])
