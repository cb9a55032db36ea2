"""Choosing layers, labels, and what a convolution says of itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from filtviz.errors import SelectionError
from filtviz.network import ConvLayer, Layer, Network, Origin
from filtviz.operations import Dense, Flatten, Recurrent
from filtviz.parameter import Parameter


def conv(shape: tuple[int, ...] = (4, 1, 3, 3), name: str | None = None, **more: object) -> ConvLayer:
    array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    return ConvLayer.of(array, type="Conv2DLayer", name=name, **more)  # type: ignore[arg-type]


def labels(*names: str | None) -> list[str]:
    return [layer.label for layer in Network.of([conv(name=n) for n in names]).conv_layers]


def test_convolutions_are_counted_without_the_other_layers() -> None:
    network = Network.of([Layer(type="InputLayer"), conv(), Layer(type="MaxPool2DLayer"), conv()])
    assert [(x.index, x.conv_index) for x in network.conv_layers] == [(1, 0), (3, 1)]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([None, None], ["conv1", "conv2"]),
        (["a", None, "c"], ["a", "conv2", "c"]),
        (["a", "a"], ["a-1", "a-2"]),
        (["conv2", None], ["conv2", "conv2_"]),
        (["", "b"], ["conv1", "b"]),
        (["0", "2", "features.4"], ["layer0", "layer2", "features.4"]),
        (["2", "layer2"], ["layer2-1", "layer2-2"]),
    ],
)
def test_labels_are_unique(names: list[str | None], expected: list[str]) -> None:
    assert labels(*names) == expected


@pytest.mark.cases("all")
@pytest.mark.parametrize(("long", "told"), [("layer" * 8, "layer" * 8), ("layer" * 8 + "s", "1")])
def test_a_name_too_long_to_be_shown_is_suggested_by_its_number(long: str, told: str) -> None:
    network = Network.of([conv(name="one"), conv(name=long), conv(name="two")])
    with pytest.raises(SelectionError, match=rf"did you mean {told}\? \(there are"):
        _ = network[long + "x"]
    with pytest.raises(SelectionError, match=r"did you mean one\?"):
        _ = network["ono"]


def test_select_by_number_and_name() -> None:
    network = Network.of([conv(name="first"), conv(), conv(name="1")])
    assert network.select(0).label == "first"
    assert network.select("0").label == "first"
    assert network.select(-1).label == "layer1"
    assert network.select("-1").label == "layer1"
    assert network.select("conv2").conv_index == 1
    assert network.select("1").conv_index == 1
    assert network.select("layer1").conv_index == 2
    with pytest.raises(SelectionError, match="no convolution '7'; did you mean layer7"):
        Network.of([conv(name="7")]).select("7")


@pytest.mark.parametrize("n", [1, 2, 3])
def test_numbers_select_from_the_first_to_the_last_from_either_end_and_no_further(n: int) -> None:
    network = Network.of([conv() for _ in range(n)])
    for number in range(-n, n):
        assert network.select(number).conv_index == network.select(str(number)).conv_index == number % n
    for number in (-n - 1, n):
        with pytest.raises(SelectionError, match=f"no convolution '{number}'; did you mean"):
            network.select(number)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("cnv1", "there is no convolution 'cnv1'; did you mean conv1? (there are: 0 conv1, 1 conv2)"),
        (9, "there is no convolution '9'; did you mean 1? (there are: 0 conv1, 1 conv2)"),
        ("-5", "there is no convolution '-5'; did you mean -2? (there are: 0 conv1, 1 conv2)"),
        ("zzz", "there is no convolution 'zzz' (there are: 0 conv1, 1 conv2)"),
        (0.5, "there is no convolution '0.5' (there are: 0 conv1, 1 conv2)"),
    ],
)
def test_a_wrong_layer_lists_what_there_is(wanted: Any, sentence: str) -> None:
    with pytest.raises(SelectionError) as caught:
        Network.of([conv(), conv()]).select(wanted)
    assert str(caught.value) == sentence
    assert caught.value.available == ("conv1", "conv2")
    assert caught.value.wanted == wanted


def test_weights_are_read_only_and_as_stored() -> None:
    layer = conv((2, 3, 4, 4), axes="iorc")
    assert layer.W.shape == (2, 3, 4, 4)
    assert layer.filters.shape == (3, 2, 4, 4)
    assert (layer.n_filters, layer.n_channels, layer.kernel_size) == (3, 2, (4, 4))
    np.testing.assert_array_equal(layer.filters[2, 1], layer.W[1, 2])
    with pytest.raises(ValueError, match="read-only"):
        layer.W[0, 0, 0, 0] = 1


def test_c01b_weights_come_out_as_filters() -> None:
    layer = conv((3, 5, 5, 16), axes="irco")
    assert layer.filters.shape == (16, 3, 5, 5)
    np.testing.assert_array_equal(layer.filters[7, 1, 2, 3], layer.W[1, 2, 3, 7])


def test_weights_are_read_once_and_only_when_asked_for() -> None:
    reads = []

    def read() -> np.ndarray:
        reads.append(1)
        return np.ones((1, 1, 2, 2), ">f4")

    parameter = Parameter(name="W", shape=(1, 1, 2, 2), dtype=np.dtype(">f4"), read=read)
    layer = Network.of([ConvLayer.of(parameter)]).conv_layers[0]
    assert (layer.n_parameters, reads) == (4, [])
    assert layer.W.dtype == np.dtype(">f4")
    assert layer.filters.dtype == np.dtype("f4")
    assert reads == [1]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("axes", "shape", "why"),
    [
        ("oirc", (4, 1, 3, 3), None),
        ("irco", (1, 3, 3, 4), None),
        ("oic", (4, 1, 3), "its filters are curves over one axis, not two-dimensional pictures"),
        ("oidrc", (4, 1, 3, 3, 3), "its filters are volumes, not two-dimensional pictures"),
        (
            "oircyx",
            (4, 1, 3, 3, 5, 5),
            "its weights are not shared over the image: it has a filter of its own for each position",
        ),
    ],
)
def test_why_not_drawn(axes: str, shape: tuple[int, ...], why: str | None) -> None:
    assert conv(shape, axes=axes).why_not_drawn == why


def test_describe() -> None:
    dense = Layer(type="DenseLayer", operations=(Dense(),))
    origin = Origin(kind="a nolearn NeuralNet")
    assert Network.of([dense] * 3, origin).describe() == (
        "a nolearn NeuralNet with 3 dense layers and no convolution"
    )
    assert Network.of([conv(), dense], origin).describe() == (
        "a nolearn NeuralNet with 1 convolution and 1 dense layer"
    )
    by_position = Layer(operations=(Dense(per_position=True),))
    assert (
        Network.of([conv(), by_position, dense], origin)
        .describe()
        .endswith("1 convolution and 1 dense layer")
    )
    assert Network.of([conv(), conv()], origin).describe() == "a nolearn NeuralNet with 2 convolutions"
    recurrent = Layer(operations=(Flatten(), Recurrent(kind="GRU"), Recurrent(kind="GRU"), Dense()))
    assert Network.of([recurrent, dense], origin).describe() == (
        "a nolearn NeuralNet with 2 recurrent layers, 2 dense layers and no convolution"
    )
    assert Network.of([dense, conv(), recurrent], origin).describe() == (
        "a nolearn NeuralNet with 1 convolution, 2 recurrent layers and 2 dense layers"
    )


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("shape", "size"),
    [((), 1), ((0,), 0), ((3, 0), 0), ((7,), 7), ((2, 3, 4), 24), ((1 << 40, 1 << 40), 1 << 80)],
)
def test_a_parameter_has_as_many_numbers_as_its_shape_says_however_many_these_are(shape, size):
    found = Parameter(name="W", shape=shape, dtype=np.dtype("f4"), read=lambda: np.zeros(1, np.float32))
    assert found.size == size
    assert type(found.size) is int


def test_a_value_cannot_be_changed_and_the_array_that_was_given_can():
    array = np.zeros(3)
    found = Parameter.of("W", array)
    assert not found.value.flags.writeable
    array[0] = 1
    assert found.value[0] == 1


def test_the_counterpart_of_a_layer_has_its_axes_and_shape_and_then_its_name_before_its_number() -> None:
    wanted = Network.of([conv((3, 3, 3, 3), "a")]).conv_layers[0]
    others = [conv((3, 3, 3, 3), "b"), conv((3, 3, 3, 3), "a")]
    assert getattr(Network.of(others).counterpart(wanted), "label", None) == "a"
    assert getattr(Network.of(others[:1]).counterpart(wanted), "label", None) == "b"
    assert Network.of([conv((3, 3, 3, 3), "a", axes="yxio")]).counterpart(wanted) is None
    assert Network.of([conv((3, 1, 3, 3), "a")]).counterpart(wanted) is None
    assert Network.of([conv((4, 1, 3, 3), "c"), conv((3, 3, 3, 3), "d")]).counterpart(wanted) is None


@pytest.mark.parametrize("wanted", [True, False])
def test_true_and_false_are_no_numbers_of_layers(wanted: bool) -> None:
    network = Network.of([conv(), conv()])
    with pytest.raises(SelectionError):
        network.select(wanted)
    with pytest.raises(SelectionError, match="counted from 0"):
        network.layer(wanted)


def test_a_label_that_was_made_up_is_not_made_up_again() -> None:
    assert labels("a", "a-1", "a") == ["a-1_", "a-1", "a-3"]
    assert labels(*["a"] * 2, "a-2", None, "conv4") == ["a-1", "a-2_", "a-2", "conv4_", "conv4"]
    assert labels("x" * 300, "x" * 300, "x" * 250 + "y", "x" * 250 + "y") == [
        f"{'x' * 200}-{n}" for n in (1, 2, 3, 4)
    ]


def test_numbered_layers_are_found_by_all_their_names() -> None:
    network = Network.of([Layer(name="3"), Layer(name="pool"), Layer(name="pool"), conv(name="5")])
    assert network.layer("layer3") is network.layer("3") is network.layers[0]
    assert network.layer("layer5") is network.layer("5") is network.layers[3]
    long = Network.of([Layer(name="3" * 50)])
    assert long.layer(f"layer{'3' * 50}") is long.layers[0]
    with pytest.raises(SelectionError, match=r"2 layers are called 'pool': choose by place \(1, 2\)"):
        network.layer("pool")
    many = Network.of([Layer(name="pool")] * 12)
    with pytest.raises(SelectionError, match=r"12 layers .*\(0, 1, 2, 3, 4, 5, 6, 7, 8, 9\)$"):
        many.layer("pool")
    # A convolution's own label comes before others of that name.
    assert Network.of([Layer(name="a"), conv(name="a")]).layer("a").index == 1


def test_a_layer_of_its_own_and_one_of_another_network_are_told_apart() -> None:
    network, other = (Network.of([Layer(name="pool"), conv(name="a")]) for _ in range(2))
    assert network.select(network.conv_layers[0]) is network.conv_layers[0]
    with pytest.raises(SelectionError, match="a is a layer of another network: give its name or number"):
        network.select(other.conv_layers[0])
    with pytest.raises(SelectionError, match=r"pool is no convolution$"):
        network.select(network.layers[0])


def test_a_layer_that_reads_another_twice_is_one_reader() -> None:
    network = Network.of([Layer(name="a"), Layer(name="b", inputs=(0, 0)), Layer(name="c", inputs=(0,))])
    assert [each.name for each in network.readers(network.layers[0])] == ["b", "c"]
    assert [each.name for each in network.ancestors(network.layers[1])] == ["a", "b"]
    assert (len(network), bool(network), network[:]) == (0, True, ())


@pytest.mark.parametrize(
    ("n", "told"), [(30, "29 conv30)"), (31, "29 conv30, and 1 more"), (33, "and 3 more")]
)
def test_of_many_convolutions_the_first_are_listed_and_the_others_counted(n: int, told: str) -> None:
    with pytest.raises(SelectionError) as caught:
        Network.of([conv((1, 1, 1, 1)) for _ in range(n)]).select("nothing")
    assert told in str(caught.value)


def test_a_layer_by_a_number_is_called_layer_in_sentences() -> None:
    network = Network.of([Layer(name="3", type="Pool"), Layer(type="Pool"), Layer(name="a", type="Pool")])
    assert [layer.title for layer in network.layers] == ["layer3", "Pool (layer 1)", "a"]
    assert repr(network.layers[0]) == "<Pool 0: layer3>"
