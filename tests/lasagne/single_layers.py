"""Single layers of Lasagne, each with the numbers that change what it computes, to run beside Theano.

Constants are ones that single precision holds too: newer numpy makes Theano keep Python's floats in it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import lasagne
import numpy as np
import theano
import theano.tensor as T
from lasagne import layers as L
from lasagne import nonlinearities as N

__all__ = ["CASES", "SHAPES", "built", "images_for"]

Build = Callable[[Any], Any]
SHAPES = {1: (4, 7), 2: (4, 7, 6), 0: (12,)}
"""Number of spatial axes → the shape of an image, without the batch."""
NORMAL = lasagne.init.Normal(0.5)

CASES: dict[str, tuple[int, Build]] = {}
"""What is tested → the number of spatial axes of its input, and what makes the layer on top of an input."""


def case(name: str, n_spatial: int = 2) -> Callable[[Build], Build]:
    def keep(build: Build) -> Build:
        CASES[name] = n_spatial, build
        return build

    return keep


def conv(below: Any, size: Any = 3, **how: Any) -> Any:
    how = {"W": NORMAL, "b": NORMAL, "nonlinearity": None} | how
    return L.Conv2DLayer(below, 3, size, **how)


PADS: tuple[Any, ...] = ("valid", "same", "full", 1, (1, 2))
for size, stride, pad in product((3, (2, 3), 4, (1, 5)), (1, (2, 3)), PADS):
    CASES[f"conv {size} stride {stride} pad {pad}"] = (
        2,
        lambda below, how=(size, stride, pad): conv(below, how[0], stride=how[1], pad=how[2]),
    )
for pad, flip in product(PADS, (True, False)):
    CASES[f"conv flip {flip} pad {pad}"] = (
        2,
        lambda below, how=(pad, flip): conv(below, pad=how[0], flip_filters=how[1]),
    )
for size, stride, pad in product((3, 4), (1, 2), ("valid", "same", "full", 2)):
    CASES[f"conv1d {size} stride {stride} pad {pad}"] = (
        1,
        lambda below, how=(size, stride, pad): L.Conv1DLayer(
            below, 3, how[0], stride=how[1], pad=how[2], W=NORMAL, b=NORMAL, nonlinearity=None
        ),
    )
case("conv untied")(lambda below: conv(below, untie_biases=True))
case("conv without bias")(lambda below: conv(below, b=None))
case("conv groups")(lambda below: L.Conv2DLayer(below, 4, 3, num_groups=2, W=NORMAL, nonlinearity=None))
case("conv depthwise")(lambda below: L.Conv2DLayer(below, 4, 3, num_groups=4, W=NORMAL, nonlinearity=None))
for dilation in ((1, 1), (2, 2), (2, 1)):
    CASES[f"dilated {dilation}"] = (
        2,
        lambda below, how=dilation: L.DilatedConv2DLayer(below, 3, 3, how, W=NORMAL, nonlinearity=None),
    )
for stride, crop, flip in product((1, 2, (3, 2)), ("valid", "same", "full", 1), (False, True)):
    CASES[f"transposed stride {stride} crop {crop} flip {flip}"] = (
        2,
        lambda below, how=(stride, crop, flip): L.TransposedConv2DLayer(
            below, 3, 3, how[0], how[1], W=NORMAL, b=NORMAL, flip_filters=how[2], nonlinearity=None
        ),
    )
case("transposed to a size")(
    lambda below: L.TransposedConv2DLayer(
        below, 3, 3, (3, 3), 1, W=NORMAL, output_size=(20, 17), nonlinearity=None
    )
)
case("transposed to a larger size")(
    lambda below: L.TransposedConv2DLayer(
        below, 3, 3, (3, 3), 0, W=NORMAL, output_size=(23, 20), nonlinearity=None
    )
)
for channelwise, flip, untie in product((False, True), (True, False), (False, True)):
    CASES[f"locally connected channelwise {channelwise} flip {flip} untied {untie}"] = (
        2,
        lambda below, how=(channelwise, flip, untie): L.LocallyConnected2DLayer(
            below, 4, 3, W=NORMAL, b=NORMAL, channelwise=how[0], flip_filters=how[1], untie_biases=how[2],
            pad="same", nonlinearity=None,
        ),
    )  # fmt: skip

for mode, size, stride, pad in product(
    ("max", "average_inc_pad", "average_exc_pad"), (2, (3, 2)), (None, 1, (2, 3)), (0, (1, 0))
):
    CASES[f"pool {mode} {size} stride {stride} pad {pad}"] = (
        2,
        lambda below, how=(mode, size, stride, pad): L.Pool2DLayer(
            below, how[1], stride=how[2], pad=how[3], mode=how[0]
        ),
    )
for mode, size, stride in product(
    ("max", "average_inc_pad", "average_exc_pad"), (2, 3, (3, 2), 12), (None, 1, 3, (2, 3))
):
    CASES[f"pool over the border {mode} {size} stride {stride}"] = (
        2,
        lambda below, how=(mode, size, stride): L.Pool2DLayer(
            below, how[1], stride=how[2], ignore_border=False, mode=how[0]
        ),
    )
for size, stride, ignores in product((2, 3), (None, 2), (True, False)):
    CASES[f"pool1d {size} stride {stride} ignores {ignores}"] = (
        1,
        lambda below, how=(size, stride, ignores): L.MaxPool1DLayer(
            below, how[0], stride=how[1], ignore_border=how[2]
        ),
    )
for name, function in {"max": T.max, "mean": T.mean, "sum": T.sum}.items():
    CASES[f"groups of channels {name}"] = (
        2,
        lambda below, f=function: L.FeaturePoolLayer(below, 2, pool_function=f),
    )
    CASES[f"groups of rows {name}"] = (
        2,
        lambda below, f=function: L.FeaturePoolLayer(below, 3, axis=3, pool_function=f),
    )
    CASES[f"global pool {name}"] = 2, lambda below, f=function: L.GlobalPoolLayer(below, f)

case("upscale")(lambda below: L.Upscale2DLayer(below, (2, 3)))
case("upscale with zeros")(lambda below: L.Upscale2DLayer(below, (2, 3), mode="dilate"))
case("upscale1d", 1)(lambda below: L.Upscale1DLayer(below, 3))

for axes in ("auto", (0, 1), (0,), (0, 2, 3)):

    def _batch_norm(below: Any, axes: Any = axes) -> Any:
        layer = L.BatchNormLayer(below, axes, beta=lasagne.init.Normal(1.0), gamma=lasagne.init.Normal(1.0))
        for seed, variable in enumerate((layer.mean, layer.inv_std)):
            shape = variable.get_value().shape
            variable.set_value(np.random.RandomState(seed).rand(*shape).astype(theano.config.floatX))
        return layer

    CASES[f"batch norm {axes}"] = 2, _batch_norm
for axes in ("auto", (0,), (0, 1)):
    CASES[f"scale {axes}"] = 2, lambda below, a=axes: L.ScaleLayer(below, lasagne.init.Normal(1.0), a)
    CASES[f"bias {axes}"] = 2, lambda below, a=axes: L.BiasLayer(below, lasagne.init.Normal(1.0), a)
    CASES[f"parametric rectifier {axes}"] = (
        2,
        lambda below, a=axes: L.ParametricRectifierLayer(below, lasagne.init.Normal(1.0), a),
    )
case("randomized rectifier")(lambda below: L.RandomizedRectifierLayer(below, 0.125, 0.5))
case("local response")(
    lambda below: L.LocalResponseNormalization2DLayer(below, alpha=0.25, k=2, beta=0.75, n=3)
)
case("local response far")(
    lambda below: L.LocalResponseNormalization2DLayer(below, alpha=0.25, k=1, beta=0.5, n=9)
)

for leading in (1, 2, 3, -1):
    CASES[f"dense leading {leading}"] = (
        2,
        lambda below, n=leading: L.DenseLayer(
            below, 5, W=NORMAL, b=NORMAL, num_leading_axes=n, nonlinearity=None
        ),
    )
case("dense")(lambda below: L.DenseLayer(below, 5, W=NORMAL, b=NORMAL, nonlinearity=None))
case("dense softmax")(lambda below: L.DenseLayer(below, 5, W=NORMAL, nonlinearity=N.softmax))
case("dense of a row", 0)(lambda below: L.DenseLayer(below, 5, W=NORMAL, nonlinearity=N.tanh))
case("network in network")(lambda below: L.NINLayer(below, 5, W=NORMAL, b=NORMAL, nonlinearity=N.sigmoid))
case("network in network untied")(
    lambda below: L.NINLayer(below, 5, W=NORMAL, b=NORMAL, untie_biases=True, nonlinearity=None)
)

case("pad")(lambda below: L.PadLayer(below, [(1, 2), (0, 3)], val=0.5))
case("pad from the channels on")(lambda below: L.PadLayer(below, 1, batch_ndim=1))
case("flatten")(lambda below: L.FlattenLayer(below))
case("flatten to three axes")(lambda below: L.FlattenLayer(below, 3))
case("reshape")(lambda below: L.ReshapeLayer(below, ([0], 4, 6, 7)))
case("reshape with a rest")(lambda below: L.ReshapeLayer(below, ([0], -1, [3])))
case("dimshuffle")(lambda below: L.DimshuffleLayer(below, (0, 1, 3, 2)))
case("dimshuffle with a new axis")(lambda below: L.DimshuffleLayer(below, (0, "x", 1, 3, 2)))
for axis, part in product((1, 2, -1), (2, slice(1, None, 2), slice(2, -1), slice(None, None, -1))):
    if not isinstance(part, slice) or part.step != -1:
        CASES[f"slice {part} of axis {axis}"] = (
            2,
            lambda below, how=(part, axis): L.SliceLayer(below, how[0], axis=how[1]),
        )
case("dropout")(lambda below: L.DropoutLayer(below, 0.5))
case("noise")(lambda below: L.GaussianNoiseLayer(below, 0.5))


def cut(below: Any) -> Any:
    return L.SliceLayer(L.SliceLayer(below, slice(1, -2), axis=2), slice(2, None), axis=3)


for how in ("lower", "upper", "center"):
    CASES[f"sum cropped {how}"] = (
        2,
        lambda below, h=how: L.ElemwiseSumLayer([below, cut(below)], cropping=[None, None, h, h]),
    )
    CASES[f"concat cropped {how}"] = (
        2,
        lambda below, h=how: L.ConcatLayer([below, cut(below)], cropping=[None, None, h, h]),
    )
case("sum")(
    lambda below: L.ElemwiseSumLayer([below, below, L.BiasLayer(below, NORMAL)], coeffs=[0.5, -2.0, 1])
)
for name, function in {
    "product": T.mul,
    "maximum": T.maximum,
    "minimum": T.minimum,
    "difference": T.sub,
}.items():
    CASES[name] = 2, lambda below, f=function: L.ElemwiseMergeLayer([below, L.BiasLayer(below, NORMAL)], f)
case("concat")(lambda below: L.ConcatLayer([below, below]))
case("concat of rows")(lambda below: L.ConcatLayer([below, below], axis=2))

FUNCTIONS: dict[str, Callable[[], Any]] = {
    "rectify": lambda: N.rectify,
    "leaky": lambda: N.LeakyRectify(0.25),
    "elu": lambda: N.elu,
    "softplus": lambda: N.softplus,
    "sigmoid": lambda: N.sigmoid,
    "tanh": lambda: N.tanh,
    "scaled tanh": lambda: N.ScaledTanH(0.5, 1.5),
    "theano tanh": lambda: T.tanh,
    "theano sigmoid": lambda: T.nnet.sigmoid,
    "theano softplus": lambda: T.nnet.softplus,
    "theano exp": lambda: T.exp,
    "linear": lambda: N.linear,
}
for name, take in FUNCTIONS.items():
    CASES[f"function {name}"] = 2, lambda below, f=take: L.NonlinearityLayer(below, f())


def built(name: str) -> tuple[Any, Any]:
    """Return the input and the layer of a case.

    Raises:
        AttributeError, TypeError, NotImplementedError: this Lasagne has no such layer.
    """
    lasagne.random.set_rng(np.random.RandomState(3))
    n_spatial, build = CASES[name]
    start = L.InputLayer((None, *SHAPES[n_spatial]))
    return start, build(start)


def images_for(name: str) -> Any:
    return np.random.RandomState(0).randn(1, *SHAPES[CASES[name][0]])
