"""Files that hold parameters and no layers: names, order, roles, and a person's corrections."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from filtviz import load
from filtviz.errors import LimitError, MalformedFileError, SelectionError
from filtviz.network import Layer, Network
from filtviz.operations import Dense, Recurrent
from filtviz.parameter import Parameter
from filtviz.reading import Hints, _with_named_errors
from tests.reading.making import Thing, dumps, shared, weights, write


@pytest.fixture
def read(tmp_path):
    def read(value, protocol=2, **more):
        return load(write(tmp_path / "model.pkl", value, protocol), **more)

    return read


def bn(n):
    return [weights(n, seed=i) for i in range(4)]


def kinds(network):
    return [(one.type, [p.name for p in one.parameters]) for one in network.layers]


def test_weights_and_their_biases(read):
    network = read([weights(8, 1, 3, 3), weights(8), weights(4, 8, 5, 5), weights(100, 7), weights(7)])
    assert kinds(network) == [("Conv2DLayer", ["W", "b"]), ("Conv2DLayer", ["W"]), ("DenseLayer", ["W", "b"])]
    assert [one.inputs for one in network.layers] == [(), (0,), (1,)]
    assert network.conv_layers[0].flip_filters is None
    assert not network.conv_layers[0].is_told
    assert network.origin.inferred[0].startswith("the file holds arrays and no layers")


def test_batch_normalisation_between(read):
    values = [
        weights(8, 1, 3, 3),
        *bn(8),
        weights(8, 8, 3, 3),
        weights(8),
        *bn(8),
        *bn(8),
        weights(50, 8),
        *bn(8),
    ]
    norm = ("BatchNormLayer", ["beta", "gamma", "mean", "inv_std"])
    conv, dense = ("Conv2DLayer", ["W"]), ("DenseLayer", ["W"])
    assert kinds(read(values)) == [conv, norm, ("Conv2DLayer", ["W", "b"]), norm, norm, dense, norm]


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", range(1, 10))
def test_of_vectors_behind_weights_all_fours_are_normalisations_and_one_before_them_is_the_bias(read, n):
    """What is left over has no role; no vector is lost, and none is taken twice."""
    vectors = [weights(8, seed=i) for i in range(n)]
    first, *others = kinds(read([weights(8, 1, 3, 3), *vectors]))
    is_biased = n % 4 != 0
    left = n - is_biased
    norm = ("BatchNormLayer", ["beta", "gamma", "mean", "inv_std"])
    rest = [("Layer", [f"param_{i}" for i in range(left % 4)])] if left % 4 else []
    assert first == ("Conv2DLayer", ["W", "b"] if is_biased else ["W"])
    assert others == [norm] * (left // 4) + rest


def test_an_untied_bias(read):
    network = read([weights(8, 1, 3, 3), weights(8, 20, 20), weights(4, 8, 3, 3), weights(4)])
    assert kinds(network) == [("Conv2DLayer", ["W", "b"]), ("Conv2DLayer", ["W", "b"])]


def test_three_axes_are_a_convolution_where_each_filter_has_a_bias_and_five_always_are(read):
    network = read([weights(10, 20, 3), weights(10), weights(10, 10, 3), weights(4, 10, 3, 3, 3)])
    assert kinds(network) == [("Conv1DLayer", ["W", "b"]), ("Layer", ["W"]), ("Conv3DLayer", ["W"])]
    assert [one.axes for one in network.conv_layers] == ["oic", "oidrc"]
    assert any("since each filter has a bias" in sentence for sentence in network.origin.inferred)
    assert "may be the weights of a Conv1DLayer" in network.origin.notes[0]
    assert len(network.origin.thin) == 1


def test_arrays_of_three_axes_alone_are_no_dead_end(read):
    network = read([weights(10, 20, 3), weights(20, 5), weights(5)])
    assert not network.conv_layers
    assert network.why_nothing_to_draw.endswith(
        f"unless arrays of three axes are filters over one axis, as --convs {network.origin.thin[0]} says"
    )
    said = read([weights(10, 20, 3), weights(20, 5), weights(5)], hints=Hints(convs=network.origin.thin))
    assert [one.axes for one in said.conv_layers] == ["oic"]


def some(n, *shape):
    return [weights(*shape, seed=seed) for seed in range(n)]


def gates(n_gates, takes, units):
    return [weights(*shape) for _ in range(n_gates) for shape in ((takes, units), (units, units), (units,))]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("arrays", "kind"),
    [
        ([*gates(4, 20, 30), *some(3, 30), *some(2, 1, 30)], "LSTM"),
        ([*gates(4, 20, 30), *some(2, 1, 30)], "LSTM"),
        (gates(4, 20, 30), "LSTM"),
        ([*gates(4, 30, 30), *some(2, 1, 30)], "LSTM"),
        ([*gates(3, 20, 30), weights(1, 30)], "GRU"),
        ([weights(1, 30), weights(20, 30), weights(30), weights(30, 30)], "Recurrent"),
        ([weights(1, 30), weights(20, 30), weights(30), weights(30, 30), weights(30)], "Recurrent"),
    ],
)
def test_the_matrices_of_a_recurrent_layer_are_no_dense_layers(read, arrays, kind):
    network = read([*arrays, weights(30, 5), weights(5)])
    assert [one.type for one in network.layers] == [f"{kind}Layer", "DenseLayer"]
    assert [one.inputs for one in network.layers] == [(), (0,)]
    assert len(network.layers[0].parameters) == len(arrays)
    (told,) = network.layers[0].operations
    assert isinstance(told, Recurrent)
    assert (told.kind, told.units) == (kind, 30)
    assert "with 1 recurrent layer, 1 dense layer and no convolution" in network.why_nothing_to_draw
    assert any("are recurrent layers" in sentence for sentence in network.origin.inferred)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "arrays",
    [
        gates(4, 30, 30),
        gates(2, 20, 30),
        [weights(1, 30), weights(30, 30), weights(30, 30)],
        [weights(1, 30), weights(30), weights(30, 30), weights(30)],
        [weights(20, 30), weights(30), weights(30, 5), weights(5)],
    ],
)
def test_dense_layers_one_after_another_are_none(read, arrays):
    assert not any(one.type.startswith(("LSTM", "GRU", "Rec")) for one in read(arrays).layers)


def test_a_transposed_convolution_shows_by_its_bias_or_by_the_chain(read):
    by_bias = read([weights(6, 1, 3, 3), weights(6), weights(6, 4, 2, 2), weights(4)])
    assert [one.axes for one in by_bias.conv_layers] == ["oirc", "iorc"]
    by_chain = read([weights(6, 1, 3, 3), weights(6, 4, 2, 2), weights(4, 3, 2, 2)])
    assert [one.axes for one in by_chain.conv_layers] == ["oirc", "iorc", "iorc"]
    assert [one.type for one in by_chain.conv_layers][1:] == ["TransposedConv2DLayer"] * 2
    decoder = read([weights(64, 32, 3, 3), weights(32, 16, 3, 3), weights(16, 1, 3, 3)])
    assert [one.axes for one in decoder.conv_layers] == ["iorc"] * 3


def test_a_list_from_the_output_to_the_input_is_turned_round(read):
    values = [weights(6, 1, 3, 3), weights(6), weights(4, 6, 3, 3), weights(4), weights(80, 5), weights(5)]
    by_layer = [values[4], values[5], values[2], values[3], values[0], values[1]]
    for turned in (by_layer, values[::-1]):
        network = read(turned)
        found = [p.value for one in network.layers for p in one.parameters]
        assert [np.array_equal(a, b) for a, b in zip(found, values, strict=True)] == [True] * 6
        assert any("from the output to the input" in sentence for sentence in network.origin.inferred)
    assert not any("from the output" in sentence for sentence in read(values).origin.inferred)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "value",
    [
        OrderedDict([("z1", [weights(8, 1, 3, 3), weights(8)]), ("pool", []), ("a2", [weights(4, 8, 3, 3)])]),
        OrderedDict(
            [("z1", {"W": weights(8, 1, 3, 3), "b": weights(8)}), ("a2", {"W": weights(4, 8, 3, 3)})]
        ),
        OrderedDict([("z1.W", weights(8, 1, 3, 3)), ("z1.b", weights(8)), ("a2.W", weights(4, 8, 3, 3))]),
        OrderedDict([("z1_W", weights(8, 1, 3, 3)), ("z1_b", weights(8)), ("a2_W", weights(4, 8, 3, 3))]),
        [
            shared(weights(8, 1, 3, 3), "z1.W"),
            shared(weights(8), "z1.b"),
            shared(weights(4, 8, 3, 3), "a2.W"),
        ],
        Thing(
            "nowhere.Net",
            params=[
                shared(weights(8, 1, 3, 3), "z1.W"),
                shared(weights(8), "z1.b"),
                shared(weights(4, 8, 3, 3), "a2.W"),
            ],
        ),
    ],
)
def test_names_are_kept(read, value):
    network = read(value)
    assert [one.name for one in network.conv_layers] == ["z1", "a2"]
    assert np.array_equal(network.conv_layers[0].b, weights(8))


def test_layers_without_parameters_keep_their_place(read):
    value = OrderedDict(
        [
            ("in", []),
            ("c", [weights(8, 1, 3, 3), weights(8)]),
            ("pool", []),
            ("d", [weights(72, 2)]),
            ("x", []),
        ]
    )
    network = read(value)
    assert network.origin.kind == "a nolearn parameter dict"
    assert [one.name for one in network.layers] == ["in", "c", "pool", "d", "x"]
    assert [one.inputs for one in network.layers] == [(), (0,), (1,), (2,), (3,)]


def test_variables_as_keys(read):
    value = {shared(None, "c.W"): weights(8, 1, 3, 3), shared(None, "c.b"): weights(8)}
    (found,) = read(value).conv_layers
    assert (found.name, found.b.shape) == ("c", (8,))


@pytest.mark.cases("all")
@pytest.mark.parametrize("key", ["param values", "param_values", "values", "params", "weights", "net_params"])
def test_parameters_beside_other_things(read, key):
    network = read(
        {key: [weights(8, 3, 3, 3), weights(8)], "synset words": ["cat"], "mean image": weights(3, 9, 9)}
    )
    assert kinds(network) == [("Conv2DLayer", ["W", "b"])]
    assert "beside the parameters lie, and were left out" in network.origin.notes[-1]
    assert "mean image" in network.origin.notes[-1]


@pytest.mark.parametrize("key", ["best_params", "trained weights"])
def test_data_beside_the_parameters_is_left_out(read, key):
    network = read({key: [weights(8, 1, 3, 3), weights(8)], "X": [weights(50, 1, 9, 9)]})
    assert [one.weights.shape for one in network.conv_layers] == [(8, 1, 3, 3)]
    assert network.origin.notes == ("beside the parameters lie, and were left out: X",)


def test_a_usual_key_without_arrays_hides_none(read):
    network = read({"params": {"rate": 0.1, "sizes": [3, 3]}, "layers": [weights(8, 1, 3, 3)]})
    assert [one.weights.source for one in network.conv_layers] == ["layers/0"]


def pickled_one_by_one(path, *values):
    path.write_bytes(b"".join(dumps(value) for value in values))
    return load(path)


def test_variables_pickled_one_by_one_are_one_list(tmp_path):
    values = [weights(8, 1, 3, 3), weights(8), weights(4, 8, 3, 3), weights(4), weights(36, 2)]
    for made in (list, lambda all_: [shared(value) for value in all_], lambda all_: [[v] for v in all_]):
        network = pickled_one_by_one(tmp_path / "model.pkl", *made(values))
        found = [p.value for one in network.layers for p in one.parameters]
        assert [np.array_equal(a, b) for a, b in zip(found, values, strict=True)] == [True] * 5
        assert network.origin.notes == ("5 pickles, one after another",)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_that_a_file_holds_several_pickles_is_told_from_two_on(tmp_path, n):
    network = pickled_one_by_one(tmp_path / "model.pkl", *[weights(8, 8, 3, 3, seed=i) for i in range(n)])
    assert len(network.conv_layers) == n
    assert network.origin.notes == ((f"{n} pickles, one after another",) if n > 1 else ())


def test_the_pickle_with_most_weights_counts_and_the_others_are_told(tmp_path):
    network = pickled_one_by_one(
        tmp_path / "model.pkl",
        weights(9, 9),
        [weights(8, 1, 3, 3), weights(8), weights(4, 8, 3, 3)],
        {"epoch": 3},
    )
    assert [one.weights.source for one in network.conv_layers] == ["#1/0", "#1/2"]
    assert network.origin.notes[-1] == "beside the parameters lie, and were left out: pickle #0"


def test_a_named_tuple_is_searched(read):
    network = read(Thing("mycode.Params", weights(8, 1, 3, 3), weights(8), 3))
    assert kinds(network) == [("Conv2DLayer", ["W", "b"])]


def test_a_dictionary_of_python_2_without_an_order_is_in_that_of_names(tmp_path):
    path = tmp_path / "model.pkl"
    second, first = (dumps(weights(n, m, 3, 3))[2:-1] for n, m in ((4, 8), (8, 1)))
    entries = b"U\x02c2" + second + b"s" + b"U\x02c1" + first + b"s"
    path.write_bytes(b"\x80\x02ccollections\ndefaultdict\n)R" + entries + b".")
    assert [one.weights.source for one in load(path).conv_layers] == ["c1", "c2"]


def test_a_pure_theano_net_of_a_users_own_classes(read):
    def own(*shape):
        w, b = shared(weights(*shape), "W"), shared(weights(shape[0]), "b")
        return Thing(
            "mnist.LeNetConvPoolLayer",
            input=Thing("theano.tensor.var.TensorVariable"),
            W=w,
            b=b,
            params=[w, b],
        )

    network = read([own(20, 1, 5, 5), own(50, 20, 5, 5)])
    assert kinds(network) == [("Conv2DLayer", ["W", "b"])] * 2


def test_lists_in_lists_are_gone_through_in_order(read):
    network = read([[[weights(8, 1, 3, 3), weights(8)]], ([weights(4, 8, 3, 3)], "x", None, 3)])
    assert [one.weights.source for one in network.conv_layers] == ["0/0/0", "1/0/0"]


def test_natural_order_of_a_python_2_dictionary(tmp_path):
    path = tmp_path / "x"
    np.savez(path, **{f"conv{i}/kernel": weights(3, 3, 3, 3, seed=i) for i in (10, 2, 1)})
    network = load(f"{path}.npz")
    assert [one.name for one in network.layers] == ["conv1", "conv2", "conv10"]


def test_chainer(tmp_path):
    path = tmp_path / "x"
    np.savez(
        path,
        **{
            "updater/model:main/predictor/c10/W": weights(4, 8, 3, 3),
            "updater/model:main/predictor/c2/W": weights(8, 1, 3, 3),
            "updater/model:main/predictor/c2/b": weights(8),
            "updater/optimizer:main/predictor/c2/W": weights(8, 1, 3, 3),
            "updater/model:main/predictor/l/W": weights(10, 20),
        },
    )
    network = load(f"{path}.npz")
    assert (network.origin.kind, network.origin.framework) == ("a Chainer npz", "Chainer")
    assert [one.type for one in network.layers] == ["Convolution2D", "Convolution2D", "Linear"]
    assert [one.name.rpartition("/")[2] for one in network.conv_layers] == ["c2", "c10"]
    assert {one.flip_filters for one in network.conv_layers} == {False}
    assert (network.layers[-1].type, network.layers[-1].operations[0].units) == ("Linear", 10)


def test_depthwise_convolutions_of_chainer_are_told_by_their_biases(tmp_path):
    path = tmp_path / "x"
    kernel = weights(2, 8, 3, 3, seed=1)
    arrays = {
        "c1/W": weights(8, 3, 3, 3), "c1/b": weights(8),
        "c2/W": kernel, "c2/b": weights(16),
        "c3/W": weights(1, 16, 3, 3, seed=2), "c3/b": weights(16),
        "c4/W": weights(4, 16, 1, 1), "c4/b": weights(4),
    }  # fmt: skip
    np.savez(path, **arrays)
    plain, twofold, single, last = load(f"{path}.npz").conv_layers
    assert [one.type.removesuffix("2D") for one in (plain, last)] == ["Convolution"] * 2
    assert [one.type for one in (twofold, single)] == ["DepthwiseConvolution2D"] * 2
    assert (twofold.filters.shape, single.filters.shape) == ((16, 1, 3, 3), (16, 1, 3, 3))
    # Chainer's filter 2k + m is the m-th one of channel k.
    assert np.array_equal(twofold.filters[5, 0], kernel[1, 2])
    assert len({one.inputs for one in (twofold, single, last)}) == 3


def test_one_filter_after_other_channels_is_no_depthwise_convolution(tmp_path):
    path = tmp_path / "x"
    np.savez(path, **{"c1/W": weights(1, 3, 3, 3), "c2/W": weights(1, 16, 3, 3), "c2/b": weights(16)})
    assert load(f"{path}.npz").conv_layers[-1].type == "Deconvolution2D"


VALUES = [weights(8, 4, 3, 3), weights(8), weights(4, 8, 3, 3, seed=1), weights(10, 20, 3), weights(7, 7)]


def test_a_person_says_which_arrays_are_convolutions(read):
    network = read(VALUES, hints=Hints(convs=("2", "0")))
    assert [one.weights.source for one in network.conv_layers] == ["2", "0"]
    assert np.array_equal(network.conv_layers[1].b, weights(8))
    network = read(VALUES, hints=Hints(convs=("3",)))
    assert [(one.axes, one.type) for one in network.conv_layers] == [("oic", "Conv1DLayer")]
    assert len(network.layers) == 4


def test_a_person_says_the_order_of_axes(read):
    assert [one.axes for one in read(VALUES, hints=Hints(axes={"": "iorc"})).conv_layers] == ["iorc"] * 2
    network = read(VALUES, hints=Hints(axes={"2": "rcio", "": "oirc"}))
    assert [(one.axes, one.type) for one in network.conv_layers] == [
        ("oirc", "Conv2DLayer"),
        ("rcio", "Conv2D"),
    ]
    named = OrderedDict([("a", [weights(8, 1, 3, 3)]), ("b", [weights(4, 8, 3, 3)])])
    network = read(named, hints=Hints(convs=("b",), axes={"b": "iorc"}))
    assert [(one.name, one.axes) for one in network.conv_layers] == [("b", "iorc")]


def test_what_a_person_says_is_checked(read):
    with pytest.raises(
        SelectionError, match=r"there is no array 'x' .*from number 0 on: 0, 1, 2, 3, 4"
    ) as caught:
        read(VALUES, hints=Hints(convs=("x",)))
    assert caught.value.available == ("0", "1", "2", "3", "4")
    with pytest.raises(
        SelectionError, match="has 4 axes, and an order of 3 is said: write one letter for each"
    ):
        read(VALUES, hints=Hints(axes={"": "oic"}))
    with pytest.raises(SelectionError, match="has 1 axis, as no convolution has"):
        read(VALUES, hints=Hints(convs=("1",)))
    two = {"c.W": weights(8, 1, 3, 3), "c.V": weights(8, 1, 3, 3)}
    with pytest.raises(SelectionError, match="cannot be a convolution beside another one in the same layer"):
        read(two, hints=Hints(convs=("c.W", "c.V")))
    for order in ("abcd", "oo", "oirr", "irc", "o"):
        with pytest.raises(ValueError, match="is no order of axes"):
            Hints(axes={"": order})


def test_of_several_pickles_that_with_most_weights_counts_and_then_that_with_most_arrays(tmp_path):
    def of(*pickles):
        path = tmp_path / "model.pkl"
        path.write_bytes(b"".join(map(dumps, pickles)))
        return load(path)

    few, many = (
        [weights(8, 1, 3, 3), weights(4, 8, 3, 3)],
        [weights(8, 1, 3, 3), weights(4, 8, 3, 3), weights(4)],
    )
    for pickles, n, left in (
        ((few, many), 3, "pickle #0"), ((many, few), 3, "pickle #1"), ((few, many, [1]), 3, "pickle #0"),
    ):  # fmt: skip
        network = of(*pickles)
        assert sum(len(layer.parameters) for layer in network.layers) == n
        assert network.origin.notes[-1] == f"beside the parameters lie, and were left out: {left}"
    lone = of([weights(8, 1, 3, 3)], [1])
    assert not any("left out" in note for note in lone.origin.notes)


def test_arrays_before_damage_are_read(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(dumps([weights(8, 1, 3, 3), weights(8)]) + dumps([weights(4)])[:-30])
    assert kinds(load(path)) == [("Conv2DLayer", ["W", "b"])]


def test_a_key_that_is_no_field_names_no_layer(read):
    network = read({"first": {"odd": weights(8, 1, 3, 3)}, "second": [weights(4, 8, 3, 3), weights(4)]})
    assert [layer.name for layer in network.layers] == [None, "second"]


def test_what_goes_wrong_when_a_weight_is_read_names_the_file_whether_it_is_stored_or_computed() -> None:
    def broken() -> np.ndarray:
        raise MalformedFileError("it is damaged")

    def limited() -> np.ndarray:
        raise LimitError("it is too much", limit="decompressed", allowed=3, option="--max-decompressed")

    stored = Parameter(name="b", shape=(2,), dtype=np.dtype("f4"), read=limited)
    computed = Parameter(name="W", shape=(2, 3), dtype=np.dtype("f4"), read=broken)
    layer = Layer(operations=(Dense(weights=computed, bias=stored),), parameters=(stored,))
    (named,) = _with_named_errors(Network.of([layer]), Path("m.pt")).layers
    (dense,) = named.operations
    assert isinstance(dense, Dense)
    for one, error in ((dense.weights, MalformedFileError), (dense.bias, LimitError)):
        assert one is not None
        with pytest.raises(error, match=r"\Am\.pt: it is ") as caught:
            one.read()
        assert caught.value.path == Path("m.pt")
    assert (caught.value.limit, caught.value.allowed) == ("decompressed", 3)
    assert named.parameters[0] is dense.bias


def test_a_file_is_no_part_beside_itself(tmp_path) -> None:
    np.savez(tmp_path / "net.npz", W=np.ones((2, 1, 3, 3), np.float32))
    assert load(tmp_path / "net.npz").origin.siblings == ()


def test_an_array_of_objects_is_a_list_of_what_it_holds(read):
    held = np.empty(2, object)
    held[:] = [weights(8, 1, 3, 3), weights(8)]
    assert read(held).origin.kind == "a list of parameter values"
    held[:] = [shared(weights(8, 1, 3, 3)), shared(weights(8))]
    assert read(held).origin.kind == "a list of shared variables"
