"""Whole networks, built, trained a little and pickled by the real libraries, read back by filtviz."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz.reading import Hints, Limits
from filtviz.reading.opened import Opened
from filtviz.reading.pickle.attributes import Attributes, Function
from filtviz.reading.pickle.records import class_name
from filtviz.shapes import layer_window

from .networks import BUILDERS, T, build, build_chain, lasagne, ll, theano

Dump = Callable[..., Path]


def stored_parameters(layer: Any) -> list[np.ndarray]:
    return [p.get_value() for p in layer.get_params()]


def inputs_of(layer: Any, layers: list[Any]) -> list[int]:
    single = getattr(layer, "input_layer", None)
    return [layers.index(below) for below in getattr(layer, "input_layers", [single] if single else [])]


def is_convolution(layer: Any) -> bool:
    return isinstance(layer, (ll.Conv1DLayer, ll.Conv2DLayer))


def assert_reads(path: Path, output_layer: Any, names: Sequence[str | None] = ()) -> filtviz.Network:
    """Hold everything that the file tells against the live network; ``names`` where they are not its own."""
    layers, network = ll.get_all_layers(output_layer), filtviz.load(path)
    assert [layer.type for layer in network.layers] == [type(layer).__name__ for layer in layers]
    assert [layer.name for layer in network.layers] == (names or [layer.name for layer in layers])
    assert [list(layer.inputs) for layer in network.layers] == [inputs_of(layer, layers) for layer in layers]
    shapes = ll.get_output_shape(layers)
    assert [layer.output_shape for layer in network.layers] == shapes
    for read, live in zip(network.layers, layers, strict=True):
        values = stored_parameters(live)
        assert sum(value.size for value in values) == read.n_parameters
        for parameter in read.parameters:
            assert any(np.array_equal(parameter.value, value) for value in values), parameter.name
    convs = [layer for layer in layers if is_convolution(layer)]
    assert len(network.conv_layers) == len(convs)
    for read_conv, conv in zip(network.conv_layers, convs, strict=True):
        assert read_conv.W.dtype == conv.W.get_value().dtype
        np.testing.assert_array_equal(read_conv.W, conv.W.get_value())
        window = layer_window(read_conv, network)
        assert window is not None
        assert (window.size, window.stride) == (conv.filter_size, conv.stride)
        if conv.b is None:
            assert read_conv.b is None
        else:
            np.testing.assert_array_equal(read_conv.b, conv.b.get_value())
    return network


@pytest.mark.parametrize("protocol", [0, 2, pickle.HIGHEST_PROTOCOL])
@pytest.mark.parametrize("name", BUILDERS)
def test_a_whole_network_reads_back(name: str, protocol: int, tmp_path: Path, dump: Dump) -> None:
    net = build(name)
    assert_reads(dump(net, tmp_path / "net.pkl", protocol), net)


def test_lists_and_dicts_of_layers_are_in_network_order(tmp_path: Path, dump: Dump) -> None:
    net = build("geometry")
    layers = ll.get_all_layers(net)
    assert_reads(dump(layers, tmp_path / "list.pkl"), net)
    reverse = {layer.name or f"number {i}": layer for i, layer in reversed(list(enumerate(layers)))}
    names = list(reverse)[::-1]  # a layer without a name takes its key
    assert_reads(dump(reverse, tmp_path / "dict.pkl"), net, names)


def test_values_alone_give_the_filters(tmp_path: Path, dump: Dump) -> None:
    net = build("geometry")
    values = ll.get_all_param_values(net)
    assert len(values) > 10  # arr_10 comes before arr_2 by name
    expected = [layer.W.get_value() for layer in ll.get_all_layers(net) if is_convolution(layer)]
    np.savez(tmp_path / "values.npz", *values)
    for path in (tmp_path / "values.npz", dump(values, tmp_path / "values.pkl")):
        convs = filtviz.load(path).conv_layers
        assert len(convs) == len(expected) == 5
        for conv, weights in zip(convs, expected, strict=True):
            np.testing.assert_array_equal(conv.W, weights)


def test_a_chain_of_2000_layers_opens(tmp_path: Path, dump: Dump) -> None:
    net = build_chain(2_000)
    network = assert_reads(dump(net, tmp_path / "chain.pkl"), net)
    assert len(network.layers) == 2_000


def train(net: Any, steps: int = 3) -> list[float]:
    """Take some steps of Adam."""
    images, targets = T.tensor4("images"), T.matrix("targets")
    loss = lasagne.objectives.squared_error(ll.get_output(net, images), targets).mean()
    step = theano.function(
        [images, targets], loss, updates=lasagne.updates.adam(loss, ll.get_all_params(net))
    )
    data = np.random.RandomState(1).rand(6, 1, 12, 12).astype(theano.config.floatX)
    return [float(step(data, data[:, 0, :1, 0])) for _ in range(steps)]


def test_a_trained_network_reads_with_the_graph_that_dropout_holds(tmp_path: Path, dump: Dump) -> None:
    lasagne.random.set_rng(np.random.RandomState(5))
    net = ll.Conv2DLayer(ll.InputLayer((None, 1, 12, 12)), 4, 3)
    net = ll.Conv2DLayer(ll.DropoutLayer(ll.MaxPool2DLayer(net, 2)), 3, 2)
    net = ll.DenseLayer(net, 1)
    untrained = dump(net, tmp_path / "untrained.pkl")
    before = assert_reads(untrained, net).conv_layers[0].W
    losses = train(net)
    assert losses[-1] < losses[0]
    trained = dump(net, tmp_path / "trained.pkl")
    assert trained.stat().st_size > 2 * untrained.stat().st_size  # the graph is in it
    after = assert_reads(trained, net).conv_layers[0].W
    assert not np.array_equal(before, after)


def test_a_nolearn_net_reads_with_its_history(tmp_path: Path, dump: Dump) -> None:
    nolearn = pytest.importorskip("nolearn.lasagne")
    net = nolearn.NeuralNet(
        layers=[
            (ll.InputLayer, {"name": "image", "shape": (None, 1, 12, 12)}),
            (ll.Conv2DLayer, {"name": "edges", "num_filters": 4, "filter_size": 3}),
            (ll.MaxPool2DLayer, {"pool_size": 2}),
            (ll.Conv2DLayer, {"num_filters": 3, "filter_size": 2}),
            (ll.DenseLayer, {"num_units": 2, "nonlinearity": lasagne.nonlinearities.softmax}),
        ],
        update_learning_rate=0.01,
        max_epochs=2,
        verbose=0,
    )
    images = np.random.RandomState(1).rand(20, 1, 12, 12).astype(theano.config.floatX)
    net.fit(images, np.arange(20, dtype="int32") % 2)
    network = assert_reads(dump(net, tmp_path / "nolearn.pkl"), list(net.layers_.values())[-1])
    assert network.origin.kind == "a nolearn NeuralNet"
    assert [epoch["train_loss"] for epoch in network.history] == [e["train_loss"] for e in net.train_history_]
    assert len(network.history) == 2

    net.save_params_to(str(tmp_path / "params.pkl"))
    convs = filtviz.load(tmp_path / "params.pkl").conv_layers
    assert convs[0].label == "edges"
    for conv, name in zip(convs, ("edges", "conv2d3"), strict=True):
        np.testing.assert_array_equal(conv.W, net.layers_[name].W.get_value())


@pytest.mark.parametrize(
    ("operator", "scalar_op"),
    [
        (T.tanh, "Tanh"),
        (T.nnet.sigmoid, "ScalarSigmoid"),
        (T.nnet.softplus, "ScalarSoftplus"),
        (T.add, "Add"),
        (T.mul, "Mul"),
        (T.maximum, "Maximum"),
    ],
    ids=str,
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_an_operator_of_theano_is_known_by_what_it_does_with_a_number(
    operator: Any, scalar_op: str, protocol: int, tmp_path: Path
) -> None:
    merged = ll.ElemwiseMergeLayer([ll.InputLayer((1, 2))] * 2, merge_function=operator)
    path = tmp_path / "layer.pkl"
    path.write_bytes(pickle.dumps(merged, protocol))
    opened = Opened.of(path, Limits(), Hints())
    record = next(record for record in opened.records() if class_name(record) == "ElemwiseMergeLayer")
    found = Attributes(record, opened.effort).function("merge_function")
    assert found == Function(module="theano.tensor.elemwise", name="Elemwise", scalar_op=scalar_op)
