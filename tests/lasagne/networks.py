"""Real Lasagne networks, one for each thing that can go wrong between a network and its file.

Importing this skips the test module where the extra ``lasagne`` is not installed; take ``lasagne``, ``ll``
(its layers), ``theano`` and ``T`` from here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("filtviz.theano_shim", reason="needs the extra lasagne", exc_type=ImportError)
theano = pytest.importorskip("theano")
lasagne = pytest.importorskip("lasagne")
ll, T = lasagne.layers, theano.tensor


class BatchNormLayer(ll.Layer):
    """Batch normalisation as people wrote it before Lasagne had it (github.com/Lasagne/Recipes)."""

    def __init__(self, incoming: Any, epsilon: float = 0.001, **kwargs: Any) -> None:
        super().__init__(incoming, **kwargs)
        self.epsilon = epsilon
        shape = (self.input_shape[1],)
        self.gamma = self.add_param(lasagne.init.Uniform((0.5, 1.5)), shape, "gamma")
        self.beta = self.add_param(lasagne.init.Normal(0.1), shape, "beta", regularizable=False)

    def get_output_for(self, input: Any, **_: Any) -> Any:
        mean, var = input.mean((0, 2, 3), keepdims=True), input.var((0, 2, 3), keepdims=True)
        pattern = ("x", 0, "x", "x")
        scaled = (input - mean) / T.sqrt(var + self.epsilon)
        return scaled * self.gamma.dimshuffle(pattern) + self.beta.dimshuffle(pattern)


class DilatedConv2DLayer(ll.Conv2DLayer):
    """A dilated convolution with the attributes of the one that came with Lasagne 0.2."""

    def __init__(
        self, incoming: Any, num_filters: int, filter_size: Any, dilation: Any, **kwargs: Any
    ) -> None:
        super().__init__(incoming, num_filters, filter_size, **kwargs)
        self.dilation = dilation

    def get_output_shape_for(self, input_shape: Any) -> Any:
        lengths = [
            n - (k - 1) * d for n, k, d in zip(input_shape[2:], self.filter_size, self.dilation, strict=True)
        ]
        return (input_shape[0], self.num_filters, *lengths)

    def get_output_for(self, input: Any, **_: Any) -> Any:
        conved = T.nnet.conv2d(input, self.W, filter_dilation=self.dilation, filter_flip=False)
        return self.nonlinearity(conved + self.b.dimshuffle("x", 0, "x", "x"))


def build_geometry() -> Any:
    """Every padding and stride of Lasagne 0.1's convolutions and pools, some layers without a name."""
    net = ll.InputLayer((None, 2, 33, 29), name="image")
    net = ll.Conv2DLayer(net, 4, (3, 5), name="valid")
    net = ll.Conv2DLayer(net, 5, (4, 3), pad="full")
    net = ll.Conv2DLayer(net, 4, 3, pad="same", name="same")
    net = ll.MaxPool2DLayer(net, (3, 2), stride=(2, 2), pad=(1, 1))
    net = ll.Conv2DLayer(net, 3, (5, 3), stride=(2, 1), pad=(2, 1), name="strided")
    net = ll.Pool2DLayer(net, 2, mode="average_exc_pad", ignore_border=False)
    net = ll.Conv2DLayer(net, 2, 1, b=None, nonlinearity=None, name="point")
    net = ll.FeaturePoolLayer(net, 2)
    return ll.DenseLayer(ll.DropoutLayer(net), 3, nonlinearity=lasagne.nonlinearities.softmax)


def build_branches() -> Any:
    """Branches that meet in a concatenation, a sum and a product, and one layer that is used twice."""
    image = ll.InputLayer((None, 1, 14, 14))
    left = ll.Conv2DLayer(image, 3, 3, pad="same", name="left")
    right = ll.Conv2DLayer(image, 3, 5, pad="same", untie_biases=True, name="right")
    total = ll.ElemwiseSumLayer([left, right], coeffs=[1, -1])
    product = ll.ElemwiseMergeLayer([total, left], T.mul)
    both = ll.ConcatLayer([product, right, left], name="both")
    shared = ll.Conv2DLayer(both, 3, 3, W=lasagne.init.HeNormal(), name="last")
    return ll.GlobalPoolLayer(ll.NonlinearityLayer(shared, lasagne.nonlinearities.tanh))


def build_batch_norm() -> Any:
    """A user's own layer between convolutions without biases."""
    net = ll.InputLayer((8, 1, 12, 12))
    for size in (3, 4):
        net = BatchNormLayer(ll.Conv2DLayer(net, size, 3, b=None, nonlinearity=None))
    return ll.DenseLayer(net, 1)


def build_dilated() -> Any:
    """A user's own convolution."""
    net = DilatedConv2DLayer(ll.InputLayer((None, 1, 16, 15)), 3, (3, 3), dilation=(3, 2), name="dilated")
    return ll.DenseLayer(net, 1)


def build_signal() -> Any:
    """One axis."""
    net = ll.Conv1DLayer(ll.InputLayer((None, 2, 50)), 4, 7, stride=2, pad="same", name="signal")
    net = ll.Conv1DLayer(ll.MaxPool1DLayer(net, 2), 3, 3, pad=1)
    return ll.DenseLayer(ll.FlattenLayer(net), 2)


def build_reshaped() -> Any:
    """Layers that move numbers about, and a recurrent one."""
    net = ll.Conv2DLayer(ll.InputLayer((None, 1, 10, 8)), 4, (3, 3))
    net = ll.DimshuffleLayer(ll.PadLayer(net, 1), (0, 2, 1, 3))
    net = ll.ReshapeLayer(net, ([0], [1], -1))
    return ll.DenseLayer(ll.SliceLayer(ll.LSTMLayer(net, 5), -1, axis=1), 2)


def build_chain(length: int = 2_000) -> Any:
    """As many layers as no one's recursion survives."""
    net = ll.Conv2DLayer(ll.InputLayer((None, 1, 5, 5)), 2, 3, name="first")
    for _ in range(length - 3):
        net = ll.NonlinearityLayer(net, lasagne.nonlinearities.rectify)
    return ll.Conv2DLayer(net, 2, 3, name="last")


BUILDERS: dict[str, Callable[[], Any]] = {
    "geometry": build_geometry,
    "branches": build_branches,
    "batch norm": build_batch_norm,
    "dilated": build_dilated,
    "signal": build_signal,
    "reshaped": build_reshaped,
}


def build(name: str) -> Any:
    """Build one of them from a fixed seed, with biases that are not zero; return its output layer."""
    rng = np.random.RandomState(5)
    lasagne.random.set_rng(rng)
    net = BUILDERS[name]()
    for bias in ll.get_all_params(net, regularizable=False):
        bias.set_value(rng.normal(size=bias.get_value().shape).astype(theano.config.floatX))
    return net
