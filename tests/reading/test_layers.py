"""Layer objects: the graph, the geometry, the parameters, and everything that people wrapped around them."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from filtviz import Limits, load
from filtviz.activations import Activation
from filtviz.errors import LimitError, SelectionError, UnsupportedFileError
from filtviz.network import ConvLayer, Layer
from filtviz.operations import Convolution, Identity, clipped_windows
from filtviz.reading import Hints
from filtviz.reading.layering import make_layer
from filtviz.receptive_field import receptive_fields
from filtviz.shapes import layer_window
from filtviz.windows import Window
from tests import building
from tests.reading.making import Named, Thing, conv, dumps, image, layer, shared, weights, write


@pytest.fixture
def read(tmp_path):
    def read(value, protocol=2, **more):
        return load(write(tmp_path / "model.pkl", value, protocol), **more)

    return read


def small():
    """Return the last layer of input, conv, pool, dense."""
    below = conv(
        image(3, 20, 18),
        weights(8, 3, 5, 3),
        name="conv1",
        nonlinearity=Named("lasagne.nonlinearities.rectify"),
    )
    below = layer(
        "MaxPool2DLayer", below, pool_size=(2, 2), stride=(2, 2), pad=(0, 0), ignore_border=True, mode="max"
    )
    return layer("DenseLayer", below, num_units=4, W=weights(8 * 8 * 8, 4), b=weights(4), name="out")


def test_a_network_in_order_with_its_shapes(read):
    network = read(small())
    assert [one.type for one in network.layers] == [
        "InputLayer",
        "Conv2DLayer",
        "MaxPool2DLayer",
        "DenseLayer",
    ]
    assert [one.inputs for one in network.layers] == [(), (0,), (1,), (2,)]
    assert [one.output_shape for one in network.layers] == [
        (None, 3, 20, 18),
        (None, 8, 16, 16),
        (None, 8, 8, 8),
        (None, 4),
    ]
    assert network.describe() == "a Lasagne network with 1 convolution and 1 dense layer"
    (first,) = network.conv_layers
    assert (first.name, first.flip_filters, first.axes) == ("conv1", True, "oirc")
    assert [type(each) for each in first.operations] == [Convolution, Activation]
    assert np.array_equal(first.W, weights(8, 3, 5, 3))
    assert [each.kind for each in network.layers[2].operations] == ["max"]
    assert [p.name for p in network.layers[3].parameters] == ["W", "b"]


@pytest.mark.cases("all")
@pytest.mark.parametrize("protocol", range(5))
@pytest.mark.parametrize(
    ("wrap", "kind"),
    [
        (lambda net: [net], "a list of Lasagne layers"),
        (lambda net: (net, {"mean": weights(3)}), "a list of Lasagne layers"),
        (lambda net: {"any key": net, "labels": ["a", "b"]}, "a dict of Lasagne layers"),
        (lambda net: OrderedDict(deep={"deeper": [net]}), "a dict of Lasagne layers"),
        (
            lambda net: Thing("nowhere.at.all.Model", net=net, notes="x"),
            "an object of class Model that holds Lasagne layers",
        ),
        (
            lambda net: Thing("nowhere.Model", 1, 2, best=(1, [net])),
            "an object of class Model that holds Lasagne layers",
        ),
    ],
)
def test_whatever_lies_around_the_network(read, wrap, kind, protocol):
    network = read(wrap(small()), protocol)
    assert network.origin.kind == kind
    assert np.array_equal(network.conv_layers[0].W, weights(8, 3, 5, 3))
    assert len(network.layers) == 4


def test_a_layer_is_a_convolution_where_it_begins_with_one():
    convolution, passes = building.conv(np.ones((1, 1, 3, 3))).operations[0], Identity()
    assert type(make_layer((convolution, passes), name="a")) is ConvLayer
    assert type(make_layer((passes, convolution))) is type(make_layer(())) is Layer


def test_keys_of_a_dictionary_of_layers_are_names(read):
    first = image(1, 9, 9)
    second = conv(first, weights(4, 1, 3, 3))
    third = conv(second, weights(5, 4, 3, 3))
    network = read(OrderedDict([("in", first), ("a", second), ("b", third)]))
    assert [one.name for one in network.layers] == ["in", "a", "b"]
    assert [one.label for one in network.conv_layers] == ["a", "b"]


def test_one_layer_under_a_key_has_not_its_name_there(read):
    kernels = conv(image(1, 9, 9), weights(4, 1, 3, 3))
    assert [one.name for one in read({"best": kernels}).layers] == [None, None]
    assert [one.name for one in read({"best": kernels, "epoch": 3}).layers] == [None, None]


def test_branches_come_before_what_merges_them(read):
    source = image(3, 8, 8)
    left = conv(source, weights(4, 3, 3, 3), name="left")
    right = conv(source, weights(6, 3, 3, 3), name="right")
    joined = layer("ConcatLayer", left, right, axis=1, cropping=None)
    network = read(conv(joined, weights(2, 10, 1, 1), name="last"))
    assert [one.name for one in network.conv_layers] == ["left", "right", "last"]
    assert network.layers[3].inputs == (1, 2)
    assert network.layers[3].output_shape == (None, 10, 6, 6)


@pytest.mark.slow
def test_two_thousand_layers_need_no_recursion(read):
    head = b"\x80\x02clasagne.layers.conv\nConv2DLayer\nq\x000clasagne.layers.input\nInputLayer\n"
    head += b")\x81}(U\x05shapeN\x85U\x04nameU\x02inub"
    link = b"r\xe7\x03\x00\x000h\x00)\x81}(U\x0binput_layerj\xe7\x03\x00\x00U\x0bnum_filtersK\x03ub"
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.write(head + link * 2000 + b".")
        file.flush()
        network = load(file.name)
        assert len(network.layers) == 2001
        assert [one.inputs for one in network.layers[1:]] == [(i,) for i in range(2000)]
        with pytest.raises(LimitError, match="--max-layers"):
            load(file.name, limits=Limits(layers=2000))


def test_layers_that_feed_each_other_in_a_circle_end(tmp_path):
    path = tmp_path / "circle"
    path.write_bytes(b"\x80\x02cm\nALayer\n)\x81q\x00}(U\x0binput_layerh\x00ub.")
    network = load(path)
    assert [one.inputs for one in network.layers] == [()]


GEOMETRY = [
    ({"pad": "valid"}, (3, 3), (1, 1), ((0, 0), (0, 0)), (10, 10)),
    ({"pad": (1, 2)}, (3, 3), (1, 1), ((1, 1), (2, 2)), (12, 14)),
    ({"pad": "same"}, (3, 3), (1, 1), ((1, 1), (1, 1)), (12, 12)),
    ({"pad": "same"}, (4, 2), (1, 1), ((2, 1), (1, 0)), (12, 12)),
    ({"pad": "full"}, (3, 5), (1, 1), ((2, 2), (4, 4)), (14, 16)),
    ({"pad": (0, 0), "stride": (2, 3)}, (3, 3), (2, 3), ((0, 0), (0, 0)), (5, 4)),
]


@pytest.mark.cases("all")
@pytest.mark.parametrize(("state", "size", "stride", "pad", "lengths"), GEOMETRY)
def test_windows_of_convolutions(read, state, size, stride, pad, lengths):
    network = read(conv(image(2, 12, 12), weights(4, 2, *size), **state))
    (found,) = network.conv_layers
    assert layer_window(found, network) == Window(size=size, stride=stride, pad=pad)
    assert found.output_shape == (None, 4, *lengths)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_one_number_stands_for_every_axis_however_many_there_are(read, axes):
    many = {"filter_size": (3,) * axes, "stride": (2,) * axes, "pad": (1,) * axes, "dilation": (1,) * axes}
    one = {name: numbers[0] for name, numbers in many.items()}
    windows = []
    for state in (many, one):
        w = weights(4, 2, *(3,) * axes)
        network = read(conv(image(2, *(12,) * axes), w, f"Conv{axes}DLayer", **state))
        (found,) = network.conv_layers
        assert found.output_shape == (None, 4, *(6,) * axes)
        windows.append(layer_window(found, network))
    assert windows == [Window(size=(3,) * axes, stride=(2,) * axes, pad=((1, 1),) * axes)] * 2


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_one_number_stands_for_every_axis_of_a_pooling_too(read, axes):
    pooled = layer(f"MaxPool{axes}DLayer", image(3, *(12,) * axes), pool_size=2, stride=3, pad=0)
    network = read(pooled)
    expected = Window(size=(2,) * axes, stride=(3,) * axes, pad=((0, 0),) * axes)
    assert layer_window(network.layers[1], network) == expected


def test_a_layer_of_an_old_lasagne_has_border_mode_and_strides(read):
    old = layer(
        "Conv2DLayer",
        image(1, 12, 12),
        num_filters=4,
        filter_size=(3, 3),
        strides=(2, 2),
        border_mode="same",
        W=weights(4, 1, 3, 3),
    )
    del old.state["params"]
    network = read(old)
    (found,) = network.conv_layers
    assert layer_window(found, network) == Window(size=(3, 3), stride=(2, 2), pad=((1, 1), (1, 1)))
    assert found.output_shape == (None, 4, 6, 6)
    assert [p.name for p in found.parameters] == ["W"]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("cls", "state", "shape", "axes", "flips", "output"),
    [
        ("Conv2DLayer", {"flip_filters": False}, (4, 2, 3, 3), "oirc", False, (4, 10, 10)),
        ("Conv2DLayer", {}, (4, 2, 3, 3), "oirc", True, (4, 10, 10)),
        ("Conv2DDNNLayer", {}, (4, 2, 3, 3), "oirc", False, (4, 10, 10)),
        ("Conv2DMMLayer", {"flip_filters": True}, (4, 2, 3, 3), "oirc", True, (4, 10, 10)),
        ("nowhere.MyConv", {}, (4, 2, 3, 3), "oirc", None, (4, 10, 10)),
        (
            "TransposedConv2DLayer",
            {"crop": (0, 0), "num_filters": 4},
            (2, 4, 3, 3),
            "iorc",
            True,  # the gradient of a convolution paints them turned
            (4, 14, 14),
        ),
        (
            "TransposedConv2DLayer",
            {"crop": (1, 1), "stride": (2, 2), "num_filters": 4},
            (2, 4, 3, 3),
            "iorc",
            True,  # the gradient of a convolution paints them turned
            (4, 23, 23),
        ),
        (
            "DilatedConv2DLayer",
            {"dilation": (2, 3), "num_filters": 4},
            (2, 4, 3, 3),
            "iorc",
            False,
            (4, 8, 6),
        ),
        ("Conv2DCCLayer", {"dimshuffle": True}, (4, 2, 3, 3), "oirc", False, (4, 10, 10)),
        ("nowhere.Swapped", {"num_filters": 4}, (2, 4, 3, 3), "iorc", None, (4, 10, 10)),
    ],
)
def test_kin_of_convolutions(read, cls, state, shape, axes, flips, output):
    (found,) = read(conv(image(2, 12, 12), weights(*shape), cls, **state)).conv_layers
    assert (found.axes, found.flip_filters) == (axes, flips)
    assert found.output_shape == (None, *output)
    assert (found.n_filters, found.n_channels) == (4, 2)
    assert found.filters.shape == (4, 2, 3, 3)


def test_weights_in_the_order_of_cuda_convnet(read):
    w = weights(3, 5, 5, 16)
    below = layer("InputLayer", shape=(3, 12, 12, None))
    (found,) = read(
        layer("Conv2DCCLayer", below, num_filters=16, filter_size=5, stride=1, pad=0, dimshuffle=False, W=w)
    ).conv_layers
    assert (found.axes, found.n_filters, found.n_channels, found.kernel_size) == ("irco", 16, 3, (5, 5))
    assert np.array_equal(found.filters[7, 2], w[2, :, :, 7])
    assert found.output_shape == (16, 8, 8, None)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("cls", "shape", "state", "axes"),
    [
        ("Conv1DLayer", (4, 2, 5), {}, "oic"),
        ("Conv3DLayer", (4, 2, 3, 3, 3), {}, "oidrc"),
        (
            "LocallyConnected2DLayer",
            (4, 2, 3, 3, 12, 12),
            {"filter_size": (3, 3), "stride": (1, 1), "pad": "same"},
            "oircyx",
        ),
        ("LocallyConnected2DLayer", (4, 3, 3, 12, 12), {"filter_size": (3, 3), "channelwise": True}, "orcyx"),
    ],
)
def test_convolutions_that_are_no_pictures(read, cls, shape, state, axes):
    (found,) = read(conv(image(2, 12, 12), weights(*shape), cls, **state)).conv_layers
    assert found.axes == axes
    assert found.why_not_drawn is not None


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("cls", "state", "window", "shape"),
    [
        (
            "MaxPool2DLayer",
            {"pool_size": (2, 2), "stride": (2, 2), "pad": (0, 0), "ignore_border": True},
            Window(size=(2, 2), stride=(2, 2), pad=((0, 0), (0, 0))),
            (3, 5, 4),
        ),
        (
            "MaxPool2DLayer",
            {"pool_size": (2, 2), "stride": (2, 2), "pad": (0, 0), "ignore_border": False},
            Window(size=(2, 2), stride=(2, 2), pad=((0, 0), (0, 0)), count=clipped_windows),
            (3, 6, 5),
        ),
        (
            "Pool2DLayer",
            {
                "pool_size": (3, 3),
                "stride": (2, 1),
                "pad": (1, 0),
                "mode": "average_inc_pad",
                "ignore_border": True,
            },
            Window(size=(3, 3), stride=(2, 1), pad=((1, 1), (0, 0))),
            (3, 6, 7),
        ),
        (
            "MaxPool2DLayer",
            {"pool_size": (3, 3), "stride": (2, 2), "pad": (0, 0), "ignore_border": False},
            Window(size=(3, 3), stride=(2, 2), pad=((0, 0), (0, 0)), count=clipped_windows),
            (3, 5, 4),
        ),
        (
            "GlobalPoolLayer",
            {"pool_function": Named("theano.tensor.basic.mean")},
            Window(size=(11, 9), stride=(11, 9), pad=((0, 0), (0, 0))),
            (3,),
        ),
        (
            "Upscale2DLayer",
            {"scale_factor": (2, 3)},
            Window(size=(2, 3), stride=(2, 3), pad=((0, 0), (0, 0)), transposed=True),
            (3, 22, 27),
        ),
        (
            "PadLayer",
            {"width": [(1, 2), (0, 3)], "batch_ndim": 2},
            Window(size=(1, 1), stride=(1, 1), pad=((1, 2), (0, 3))),
            (3, 14, 12),
        ),
        ("DropoutLayer", {"p": 0.25}, None, (3, 11, 9)),
        ("NINLayer", {"num_units": 7, "W": weights(3, 7)}, None, (7, 11, 9)),
        ("FeaturePoolLayer", {"pool_size": 3, "axis": 1}, None, (1, 11, 9)),
    ],
)
def test_layers_that_are_no_convolutions(read, cls, state, window, shape):
    network = read(layer(cls, image(3, 11, 9), **state))
    found = network.layers[1]
    assert layer_window(found, network) == window
    assert found.output_shape == (None, *shape)
    assert receptive_fields(network)[1] is not None


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("cls", "state", "shape"),
    [
        ("FlattenLayer", {"outdim": 2}, (None, 297)),
        ("ReshapeLayer", {"shape": ([0], 9, -1)}, (None, 9, 33)),
        ("ReshapeLayer", {"shape": ([], 9, -1)}, (None, 9, None)),
        ("ReshapeLayer", {"shape": ([0, 1], 9, -1)}, (None, 9, None)),
        ("DimshuffleLayer", {"pattern": (0, 2, 3, 1)}, (None, 11, 9, 3)),
        ("DimshuffleLayer", {"pattern": (0, 1, "x", 2, 3)}, (None, 3, 1, 11, 9)),
        ("SliceLayer", {"slice": 2, "axis": -1}, (None, 3, 11)),
        ("nowhere.Own", {}, None),
    ],
)
def test_layers_after_which_the_geometry_is_not_known(read, cls, state, shape):
    network = read(layer(cls, image(3, 11, 9), **state))
    found = network.layers[1]
    assert (found.output_shape, layer_window(found, network)) == (shape, None)
    assert receptive_fields(network)[1] is None


def test_a_shape_that_the_consumer_states_counts(read):
    own = layer("nowhere.Own", image(3, 11, 9))
    network = read(conv(own, weights(2, 5, 3, 3), input_shape=(None, 5, 6, 7)))
    assert [one.output_shape for one in network.layers[1:]] == [(None, 5, 6, 7), (None, 2, 4, 5)]


def test_batch_normalisation(read):
    vectors = {name: weights(3, seed=i) for i, name in enumerate(("beta", "gamma", "mean", "inv_std"))}
    found = read(
        layer("BatchNormLayer", image(3, 5, 5), axes=(0, 2, 3), epsilon=1e-4, alpha=0.1, **vectors)
    ).layers[1]
    assert [p.name for p in found.parameters] == ["beta", "gamma", "mean", "inv_std"]
    assert np.array_equal(found.parameter("gamma").value, vectors["gamma"])
    (normalisation,) = found.operations
    assert (normalisation.spread_is, normalisation.along) == ("inv_std", (1,))
    scale, shift = normalisation.scale_and_shift()
    np.testing.assert_allclose(scale, vectors["gamma"] * vectors["inv_std"])
    np.testing.assert_allclose(shift, vectors["beta"] - vectors["mean"] * scale)


def test_weights_come_from_the_layers_own_variable(read):
    network = read({"velocity": [weights(9, 9, 3, 3)], "best": shared(weights(9, 9, 3, 3)), "net": small()})
    assert [one.weights.shape for one in network.conv_layers] == [(8, 3, 5, 3)]


def test_weights_that_are_computed_make_no_convolution(read):
    symbolic = Thing("theano.tensor.var.TensorVariable", name="W")
    below = layer(
        "Conv2DLayer",
        image(3, 9, 9),
        W=symbolic,
        num_filters=4,
        filter_size=(3, 3),
        stride=(1, 1),
        pad=(0, 0),
    )
    network = read(below)
    assert network.conv_layers == ()
    assert network.layers[1].type == "Conv2DLayer"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "state",
    [
        {"stride": (0, 1)},
        {"stride": (-1, -1)},
        {"stride": "x"},
        {"stride": (2**40, 1)},
        {"stride": None},
        {"stride": (1,)},
        {"filter_size": (3, 3, 3)},
        {"filter_size": (0, 3)},
        {"filter_size": Thing("m.C")},
        {"pad": (1,)},
    ],
    ids=str,
)
def test_numbers_that_cannot_be_are_not_computed_with(read, state):
    network = read(conv(image(3, 9, 9), weights(4, 3, 3, 3), **state))
    (found,) = network.conv_layers
    window = layer_window(found, network)
    assert window is None or window.pad is None
    assert found.output_shape is None or found.output_shape[2:] in ((None, None), (None, None, None))


def neural_net(**state):
    return Thing(
        "nolearn.lasagne.base.NeuralNet", layers=[], update=Named("u.f"), batch_iterator_train=None, **state
    )


def test_a_neural_net_with_names_and_history(read):
    net = small()
    held = OrderedDict([("conv", net.state["input_layer"].state["input_layer"]), ("output", net)])
    history = [
        {"epoch": 1, "train_loss": 0.5, "valid_loss": float("nan"), "secret": Thing("m.C")},
        {"epoch": 2},
    ]
    network = read({"model": neural_net(layers_=held, train_history_=history)})
    assert network.describe() == "a nolearn NeuralNet with 1 convolution and 1 dense layer"
    assert network.conv_layers[0].label == "conv1"  # its own name, and not the one under which it is kept
    assert [set(epoch) for epoch in network.history] == [{"epoch", "train_loss", "valid_loss"}, {"epoch"}]


def test_a_neural_net_by_its_output_layer_only(read):
    network = read(neural_net(_output_layer=small()))
    assert len(network.conv_layers) == 1
    network = read(neural_net(layers_=[small()]))
    assert len(network.conv_layers) == 1


def test_a_neural_net_before_it_is_initialised(read):
    with pytest.raises(UnsupportedFileError, match="was never initialised and has no weights"):
        read(neural_net())


@pytest.mark.parametrize("name", ["mission-trained.pkl", "mission-torch.onnx", "mission-torch.pth"])
def test_a_file_with_one_set_of_weights_takes_no_name_of_another(name):
    path = Path(__file__).parents[2] / "examples" / name
    with pytest.raises(
        SelectionError, match="'ema': the file holds one set of them; leave out --weights"
    ) as caught:
        load(path, hints=Hints(weights="ema"))
    assert caught.value.wanted == "ema"


def test_a_file_with_layers_takes_no_structure(read):
    with pytest.raises(SelectionError, match="leave out --convs and --axes"):
        read(small(), hints=Hints(convs=("0",)))


@pytest.mark.slow
def test_shared_lists_do_not_multiply(tmp_path):
    path = tmp_path / "model"
    many = b"h\x01)\x81}(U\x0cinput_layersh\x00ub" * 5000
    path.write_bytes(b"\x80\x02cm\nXLayer\nq\x010]q\x00(" + many + b"e.")
    with pytest.raises(LimitError, match="to follow what its objects share"):
        load(path, limits=Limits(opcodes=200_000))


def test_a_name_of_any_length_and_content_is_only_text(read):
    name = "a\x1b[31m/../" + "x" * 10_000
    assert read(conv(image(3, 9, 9), weights(4, 3, 3, 3), name=name)).conv_layers[0].name == name
    assert dumps(name)  # it is longer than what the machine reads at once


def test_tied_weights_are_one_parameter_and_told(read):
    tied = shared(weights(2, 2, 3, 3))
    facts = {"num_filters": 2, "filter_size": (3, 3), "stride": (1, 1), "pad": (0, 0)}
    first, second = (conv(image(2, 9, 9), weights(2, 2, 3, 3), name=name, **facts) for name in "ab")
    second.state["input_layer"] = first
    for each in (first, second):
        each.state |= {"W": tied, "params": OrderedDict([(tied, set())])}
    network = read(second)
    one, other = network.conv_layers
    assert one.weights is other.weights
    assert network.origin.notes == ("b has the W of a: they are tied",)
    assert np.array_equal(one.W, other.W)


def test_weights_that_are_equal_and_not_tied_are_two(read):
    first = conv(image(2, 9, 9), weights(2, 2, 3, 3), name="a")
    network = read(conv(first, weights(2, 2, 3, 3), name="b"))
    assert network.conv_layers[0].weights is not network.conv_layers[1].weights
    assert network.origin.notes == ()
