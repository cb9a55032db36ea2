"""Lasagne's classes as operations: one row a class, and what a file may say wrongly of it."""

from __future__ import annotations

import numpy as np
import pytest

from filtviz import load
from filtviz.activations import Activation
from filtviz.operations import (
    ChannelPooling,
    Concatenate,
    Dense,
    Flatten,
    GlobalPooling,
    Identity,
    LocallyConnected,
    LocalResponse,
    Merge,
    Normalisation,
    Pad,
    Pooling,
    Recurrent,
    Reshape,
    Slice,
    Softmax,
    Transpose,
    Untold,
    Upscale,
)
from tests.reading.making import Named, Thing, conv, dumps, image, layer, weights


@pytest.fixture
def read(tmp_path):
    def read_object(value):
        path = tmp_path / "model.pkl"
        path.write_bytes(dumps(value))
        return load(path)

    return read_object


def facts(operation) -> dict:
    """What an operation says, without the parameters that it refers to."""
    hidden = ("weights", "bias", "gamma", "beta", "mean", "spread", "slopes")
    names = [name for name in operation.__dataclass_fields__ if name not in hidden]
    return {name: getattr(operation, name) for name in names}


POOL = {"pool_size": (3, 2), "stride": (2, 1), "pad": (1, 0)}


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("cls", "state", "expected"),
    [
        ("DenseLayer", {"num_units": 4, "W": weights(9, 4)}, Dense(units=4)),
        ("Own", {"num_units": 4, "W": weights(9, 4)}, Dense(units=4)),
        ("DenseLayer", {"W": weights(9, 5), "num_leading_axes": -1}, Dense(units=5, leading_axes=-1)),
        ("NINLayer", {"num_units": 4, "W": weights(3, 4)}, Dense(units=4, per_position=True)),
        (
            "MaxPool2DLayer",
            {**POOL, "ignore_border": False},
            Pooling(
                kind="max", name="max", size=(3, 2), stride=(2, 1), pad=((1, 1), (0, 0)), whole_windows=False
            ),
        ),
        (
            "Pool2DLayer",
            {**POOL, "mode": "average_inc_pad"},
            Pooling(
                kind="mean",
                name="average_inc_pad",
                size=(3, 2),
                stride=(2, 1),
                pad=((1, 1), (0, 0)),
                counts_pad=True,
            ),
        ),
        (
            "Pool2DLayer",
            {**POOL, "mode": "average_exc_pad"},
            Pooling(kind="mean", name="average_exc_pad", size=(3, 2), stride=(2, 1), pad=((1, 1), (0, 0))),
        ),
        (
            "Pool2DLayer",
            {**POOL, "mode": "median"},
            Pooling(kind="untold", name="median", size=(3, 2), stride=(2, 1), pad=((1, 1), (0, 0))),
        ),
        (
            "MaxPool2DCCLayer",
            {"pool_size": 2, "stride": 2},
            Pooling(
                kind="max", name="max", size=(2, 2), stride=(2, 2), pad=((0, 0), (0, 0)), whole_windows=False
            ),
        ),
        (
            "GlobalPoolLayer",
            {"pool_function": Named("theano.tensor.basic.max")},
            GlobalPooling(kind="max", name="max"),
        ),
        (
            "GlobalPoolLayer",
            {"pool_function": Named("__main__.max")},
            GlobalPooling(kind="untold", name="max"),
        ),
        (
            "FeaturePoolLayer",
            {"pool_size": 2, "axis": 1, "pool_function": Named("theano.tensor.basic.sum")},
            ChannelPooling(kind="sum", name="sum", size=2),
        ),
        ("PadLayer", {"width": 2, "batch_ndim": 2, "val": 0.5}, Pad(pad=((2, 2), (2, 2)), value=0.5)),
        ("PadLayer", {"width": 1, "batch_ndim": 1}, Pad(pad=((1, 1),) * 3, first_axis=1)),
        ("Upscale2DLayer", {"scale_factor": 2}, Upscale(scale=(2, 2))),
        ("Upscale2DLayer", {"scale_factor": (2, 3), "mode": "dilate"}, Upscale(scale=(2, 3), dilates=True)),
        ("FlattenLayer", {"outdim": 3}, Flatten(keep=2)),
        ("ReshapeLayer", {"shape": ([0], 9, -1)}, Reshape(lengths=((0,), 9, -1))),
        ("DimshuffleLayer", {"pattern": (0, "x", 2, 1)}, Transpose(order=(0, None, 2, 1))),
        ("SliceLayer", {"slice": 2, "axis": -1}, Slice(axis=-1, index=2)),
        (
            "SliceLayer",
            {"slice": Thing("builtins.slice", 1, None, 2), "axis": 1},
            Slice(axis=1, start=1, step=2),
        ),
        ("SliceLayer", {"slice": Thing("m.C"), "axis": 1}, Slice(axis=1, is_told=False)),
        ("ConcatLayer", {"axis": 2}, Concatenate(axis=2)),
        ("ConcatLayer", {}, Concatenate()),
        (
            "LocalResponseNormalization2DLayer",
            {"alpha": 1e-4, "k": 2, "beta": 0.75, "n": 5},
            LocalResponse(alpha=1e-4, k=2.0, beta=0.75, n=5),
        ),
        ("DropoutLayer", {"p": 0.25}, Identity(what="dropout", rate=0.25)),
        ("SpatialDropout2DLayer", {"p": 0.5}, Identity(what="dropout", rate=0.5)),
        ("GaussianNoiseLayer", {"sigma": 0.1}, Identity(what="noise", rate=0.1)),
        ("LSTMLayer", {"num_units": 7}, Recurrent(kind="LSTMLayer", units=7)),
        ("ParametricRectifierLayer", {}, Activation(kind="parametric_rectify", name="ParametricRectifier")),
        (
            "RandomizedRectifierLayer",
            {"lower": 0.1, "upper": 0.3},
            Activation(kind="leaky_rectify", name="RandomizedRectifier", alpha=0.2),
        ),
        ("ScaleLayer", {"scales": weights(3)}, Normalisation(is_batch=False)),
        ("BiasLayer", {"b": weights(3)}, Normalisation(is_batch=False)),
        ("BatchNormLayer", {"std": weights(3), "mean": weights(3)}, Normalisation(spread_is="std")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_row_a_class(read, cls, state, expected):
    found = read(layer(cls, image(3, 12, 10), **state)).layers[1].operations
    assert type(found[0]) is type(expected)
    for name, value in facts(expected).items():
        given = getattr(found[0], name)
        assert given == pytest.approx(value) if isinstance(value, float) else given == value, name


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"coeffs": [1.0, -0.5]}, Merge(kind="add", coefficients=(1.0, -0.5))),
        ({"coeffs": 2}, Merge(kind="add", coefficients=(2.0, 2.0))),
        ({"cropping": [None, "center"]}, Merge(kind="add", cropping=(None, "center"))),
        ({}, Merge(kind="add")),
    ],
)
def test_sums(read, state, expected):
    start = image(3, 12, 10)
    found = read(layer("ElemwiseSumLayer", start, start, **state)).layers[1]
    assert [facts(each) for each in found.operations] == [facts(expected)]
    assert found.inputs == (0, 0)


@pytest.mark.parametrize(
    ("function", "kind", "name"),
    [
        (Named("theano.tensor.basic.maximum"), "maximum", "maximum"),
        (Named("theano.tensor.basic.mul"), "multiply", "mul"),
        (Named("__main__.mul"), "untold", "mul"),
    ],
)
def test_merges(read, function, kind, name):
    start = image(3, 12, 10)
    (found,) = read(layer("ElemwiseMergeLayer", start, start, merge_function=function)).layers[1].operations
    assert (found.kind, found.name or kind) == (kind, name if kind == "untold" else found.name or kind)


HOME = "lasagne.nonlinearities"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("value", "kind", "numbers"),
    [
        (Named(f"{HOME}.rectify"), "rectify", {}),
        (Named(f"{HOME}.tanh"), "tanh", {"scale": 1.0, "scale_in": 1.0}),
        (Named(f"{HOME}.elu"), "elu", {"alpha": 1.0}),
        (Named(f"{HOME}.softplus"), "softplus", {}),
        (Thing(f"{HOME}.LeakyRectify", leakiness=0.1), "leaky_rectify", {"alpha": 0.1}),
        (Thing(f"{HOME}.LeakyRectify"), "untold", {}),
        (Thing(f"{HOME}.ScaledTanH", scale_in=0.5, scale_out=1.7), "tanh", {"scale_in": 0.5, "scale": 1.7}),
        (Thing(f"{HOME}.SELU", scale=1.05, scale_neg=1.67), "selu", {"scale": 1.05, "alpha": 1.67}),
        (Named("__main__.elu"), "untold", {}),
        (Named("mine.nonlinearities.rectify"), "untold", {}),
        *(
            (Named(f"{HOME}.{kind}"), kind, {})
            for kind in ("sigmoid", "hard_sigmoid", "softplus", "softsign")
        ),
        (Named("numpy.sin"), "sin", {}),
        *((Named(f"numpy.{needing}"), "untold", {}) for needing in ("clip", "power")),
        (Named(f"{HOME}.leaky_rectify"), "untold", {}),
        (Named(f"{HOME}.untold"), "untold", {}),
        (None, "untold", {}),
    ],
)
def test_nonlinearities(read, value, kind, numbers):
    (found,) = read(layer("NonlinearityLayer", image(3, 5, 5), nonlinearity=value)).layers[1].operations
    assert isinstance(found, Activation)
    assert found.kind == kind
    assert {name: getattr(found, name) for name in numbers} == pytest.approx(numbers)


def test_the_linear_one_is_no_operation_and_softmax_one_of_its_own(read):
    linear = read(layer("NonlinearityLayer", image(3, 5, 5), nonlinearity=Named(f"{HOME}.linear")))
    assert linear.layers[1].operations == ()
    assert linear.layers[1].output_shape == (None, 3, 5, 5)
    softmax = read(layer("NonlinearityLayer", image(3, 5, 5), nonlinearity=Named(f"{HOME}.softmax")))
    assert [type(each) for each in softmax.layers[1].operations] == [Softmax]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("cls", "state", "keeps_places"),
    [
        ("nowhere.Own", {}, False),
        ("MaxPool2DLayer", {"pool_size": (2, 2), "stride": (0, 2)}, False),
        ("MaxPool2DLayer", {"pool_size": (2, 2), "stride": (2,)}, False),
        ("Upscale2DLayer", {"scale_factor": (0, 2)}, False),
        ("PadLayer", {"width": "much", "batch_ndim": 2}, False),
        ("PadLayer", {"width": [(1, 2, 3), 1], "batch_ndim": 2}, False),
        ("ReshapeLayer", {"shape": Thing("m.C")}, False),
        ("DimshuffleLayer", {"pattern": ("y", 0)}, False),
        ("SliceLayer", {"slice": 1}, False),
        ("ConcatLayer", {"axis": "x"}, False),
        ("FeaturePoolLayer", {"pool_size": 0, "axis": 1}, True),
        ("FeaturePoolLayer", {"pool_size": 2}, False),
        ("FeatureWTALayer", {"pool_size": 2}, True),
        ("StandardizationLayer", {}, True),
        ("LocalResponseNormalization2DLayer", {"alpha": 1e-4}, True),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_told_says_why(read, cls, state, keeps_places):
    (found,) = read(layer(cls, image(3, 12, 10), **state)).layers[1].operations
    assert isinstance(found, Untold)
    assert found.keeps_places is keeps_places
    assert found.reason


def test_a_locally_connected_layer(read):
    found = read(
        layer(
            "LocallyConnected2DLayer",
            image(2, 6, 6),
            num_filters=3,
            filter_size=(3, 3),
            stride=(1, 1),
            pad="same",
            flip_filters=True,
            W=weights(3, 2, 3, 3, 6, 6),
        )
    ).conv_layers[0]
    assert isinstance(found.convolution, LocallyConnected)
    assert (found.axes, found.kernel_size, found.convolution.pad) == ("oircyx", (3, 3), ((1, 1), (1, 1)))
    assert found.output_shape == (None, 3, 6, 6)


def test_groups_and_dilation_are_kept(read):
    found = read(
        conv(image(4, 12, 12), weights(6, 2, 3, 3), num_groups=2, dilation=(2, 3), pad=(0, 0))
    ).conv_layers[0]
    assert (found.convolution.groups, found.convolution.dilation) == (2, (2, 3))
    assert found.output_shape == (None, 6, 8, 6)


def test_a_transposed_convolution_may_ask_for_a_size(read):
    state = {"crop": "same", "stride": (2, 2), "output_size": (9, 9), "num_filters": 3, "filter_size": (3, 3)}
    found = read(layer("TransposedConv2DLayer", image(2, 5, 5), W=weights(2, 3, 3, 3), **state)).conv_layers[
        0
    ]
    assert found.convolution.transposed
    assert (found.convolution.pad, found.convolution.output_size) == (((1, 1), (1, 1)), (9, 9))
    assert found.output_shape == (None, 3, 9, 9)


def test_half_of_a_kernel_is_cropped_on_both_sides_of_an_even_one_too(read):
    """As Lasagne has it, whose padding is ``filter_size // 2``; a convolution's own is one less above."""
    size = {"num_filters": 3, "filter_size": (4, 3), "stride": (1, 1)}
    spread = read(layer("TransposedConv2DLayer", image(2, 5, 5), W=weights(2, 3, 4, 3), crop="same", **size))
    assert spread.conv_layers[0].convolution.pad == ((2, 2), (1, 1))
    plain = read(conv(image(2, 5, 5), weights(3, 2, 4, 3), pad="same"))
    assert plain.conv_layers[0].convolution.pad == ((2, 1), (1, 1))


def test_cuda_convnets_order_is_a_change_of_layout(read):
    kernels = {"W": weights(3, 5, 5, 16), "num_filters": 16, "filter_size": 5}
    state = {**kernels, "dimshuffle": False, "stride": 1, "pad": 0}
    shuffled = layer("ShuffleBC01ToC01BLayer", image(3, 20, 20))
    network = read(layer("Conv2DCCLayer", shuffled, **state))
    assert [type(each).__name__ for each in network.layers[2].operations][:2] == ["Transpose", "Convolution"]
    assert all(each.is_layout for each in network.layers[1].operations)
    assert network.layers[1].output_shape == (3, 20, 20, None)
    assert network.layers[2].output_shape == (16, 16, 16, None)
    assert np.array_equal(network.conv_layers[0].filters.shape, (16, 3, 5, 5))


def test_how_a_transposed_convolution_is_cut_goes_before_a_padding(read):
    below = image(4, 8, 8)
    for state, pad in (
        ({"crop": (1, 2), "pad": (0, 0)}, ((1, 1), (2, 2))), ({"crop": "same", "pad": 0}, ((1, 1), (1, 1))),
        ({"crop": "full"}, ((2, 2), (2, 2))), ({"crop": "valid", "border_mode": "full"}, ((0, 0), (0, 0))),
    ):  # fmt: skip
        facts = {"filter_size": (3, 3), "stride": (2, 2), "num_filters": 5, "flip_filters": False, **state}
        up = conv(below, weights(4, 5, 3, 3), "TransposedConv2DLayer", **facts)
        assert read(up).conv_layers[0].convolution.pad == pad
    for mode, pad in (("half", ((1, 1), (1, 1))), ("same", ((1, 1), (1, 1))), ("full", ((2, 2), (2, 2)))):
        plain = conv(below, weights(5, 4, 3, 3), pad=mode, filter_size=(3, 3), stride=(1, 1))
        assert read(plain).conv_layers[0].convolution.pad == pad
