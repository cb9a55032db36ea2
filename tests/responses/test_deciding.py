"""What answers are called: ends of functions, thresholds, planes, and the words for none, one and several."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz import RunningError, responses
from filtviz.activations import KINDS, Activation
from filtviz.network import Layer, Network
from filtviz.operations import Convolution, Dense, Flatten, Identity, Input, Merge, Reshape, Softmax
from filtviz.parameter import Parameter
from filtviz.responses import asking, coding, examining, looking
from filtviz.responses.activities import NEAR, Activity, Counted, ends_of, function_of
from filtviz.responses.examining import Examination, LayerResponse
from filtviz.responses.predicting import answered, classes_of, right_answers, threshold_of
from tests.building import as_layer, conv, image

RELU, SIGMOID = Activation(kind="rectify", name="relu"), Activation(kind="sigmoid", name="sigmoid")


# Functions and their ends


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operations", "function"),
    [
        ((), None),
        ((Flatten(),), None),
        ((RELU,), RELU),
        ((RELU, Flatten(), SIGMOID), SIGMOID),
        ((SIGMOID, RELU), RELU),
    ],
)
def test_of_several_nonlinearities_the_last_counts(operations, function) -> None:
    assert function_of(Layer(operations=operations)) == function


def test_every_function_has_the_ends_that_its_values_have() -> None:
    told = {
        "sigmoid": (0, 1),
        "hard_sigmoid": (0, 1),
        "tanh": (-1, 1),
        "softsign": (-1, 1),
        "clipped_rectify": (None, 6),
    }
    for kind in KINDS:
        alpha = 6.0 if kind == "clipped_rectify" else 1.0
        assert ends_of(Activation(kind=kind, name=kind, alpha=alpha)) == told.get(kind, (None, None)), kind
    assert ends_of(Activation(kind="tanh", name="", scale=1.7)) == (-1.7, 1.7)
    assert ends_of(Activation(kind="tanh", name="", scale=-2.0)) == (-2.0, 2.0)
    assert ends_of(Softmax()) == (0, 1)
    assert ends_of(None) == (None, None)


@pytest.mark.cases("all")
@pytest.mark.parametrize("ends", [(0.0, 1.0), (-2.0, 2.0), (None, 6.0), (None, None)])
def test_a_unit_is_at_an_end_within_a_hundredth_of_the_range(ends) -> None:
    low, high = ends
    counted = Counted(low, high)
    span = (high or 1.0) - (low or 0.0)
    near, far = 0.99 * NEAR * span, 1.01 * NEAR * span
    answers = [(high or 1.0) - near, (high or 1.0) - far, (low or 0.0) + near, (low or 0.0) + far]
    counted.add(np.array(answers).reshape(1, 1, 4), 0)
    expected = 0 if high is None else 1 if low is None else 2
    assert int(np.sum(counted.at_end)) == expected
    assert counted.n == 4
    assert counted.strongest.tolist() == [max(answers)]


def test_an_answer_of_zero_is_no_answer_and_counts_go_over_batches() -> None:
    counted = Counted(None, None)
    counted.add(np.array([[0.0, 1.0], [0.0, -1.0]]), 1)
    counted.add(np.array([[0.0, 3.0]]), 1)
    assert (counted.n, counted.seen) == (3, 3)
    assert counted.positive.tolist() == [0, 2]
    assert counted.strongest.tolist() == [0, 3]
    assert counted.maps.tolist() == [0, -1]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("function", "dead"), [("rectify", [1]), ("clipped_rectify", [1]), ("tanh", []), ("", [])]
)
def test_only_behind_rectifiers_a_unit_that_never_fires_is_dead(function, dead) -> None:
    found = Activity(
        layer="l",
        maps=np.zeros((3, 1, 1)),
        image=0,
        n_images=1,
        fires=np.array([0.5, 0, 0]),
        saturated=None,
        strongest=np.array([1, 0, np.nan]),
        function=function,
    )
    assert found.dead.tolist() == dead


# Answers


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operations", "threshold"),
    [
        ((), 0),
        ((SIGMOID,), 0.5),
        ((Softmax(),), 0.5),
        ((RELU,), 0.5),
        ((Activation(kind="tanh", name=""),), 0),
        ((Activation(kind="linear", name=""),), 0),
        ((Activation(kind="softsign", name=""),), 0),
        ((Activation(kind="tanh", name=""), SIGMOID), 0.5),
        ((SIGMOID, Activation(kind="tanh", name="")), 0),
        ((Activation(kind="tanh", name=""), Flatten()), 0),
        ((Flatten(),), 0),
    ],
)
def test_a_lone_output_is_a_one_above_the_middle_of_its_function(operations, threshold) -> None:
    last = Layer(operations=operations)
    assert threshold_of(last) == threshold
    outputs = np.array([[threshold - 0.1], [threshold], [threshold + 0.1]])
    assert answered(outputs, last).tolist() == [0, 0, 1]
    assert answered(np.array([[0.2, 0.1], [0.1, 0.2]]), last).tolist() == [0, 1]


def test_maps_are_averaged_over_their_places_and_one_number_is_one_class() -> None:
    maps = np.arange(24.0).reshape(2, 3, 2, 2)
    assert np.array_equal(classes_of(maps), maps.mean(axis=(2, 3)))
    assert classes_of(np.array([1.0, 2.0])).tolist() == [[1.0], [2.0]]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("labels", "names", "right"),
    [
        ([0, 1, 2], (), [True, True, False]),
        (["cat", "dog", "cat"], ("cat", "dog", "cow"), [True, True, False]),
        ([0.0, 1.0, 0], (), [True, True, False]),
        (np.array([0, 1, 0], "f4"), (), [True, True, False]),
        (["cat", 1, "1"], ("cat", "dog"), [True, True, True]),
        ([0, 1, 3], (), None),
        (["cat", "dog", "cat"], (), None),
        ([0.5, 1, 1], (), None),
    ],
)
def test_answers_are_right_by_number_or_by_name(labels, names, right) -> None:
    outputs = np.array([[0.9, 0, 0.1], [0, 0.9, 0.1], [0.1, 0.5, 0.4]])
    found = right_answers(outputs, labels, names, Layer(operations=(Softmax(),)))
    assert (None if found is None else found.tolist()) == right


def test_the_two_classes_of_a_lone_output_have_no_names_but_numbers() -> None:
    outputs, last = np.array([[0.9], [0.1]]), Layer(operations=(SIGMOID,))
    assert right_answers(outputs, [1, 1], (), last).tolist() == [True, False]
    assert right_answers(outputs, ["1", "0"], ("even",), last).tolist() == [True, True]
    assert right_answers(outputs, [2, 0], (), last) is None
    assert right_answers(outputs, ["odd", "even"], ("even", "odd"), last) is None


# Planes


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("n", "units", "perplexity", "init"),
    [
        (2, 5, 1, "pca"),
        (3, 5, 1, "pca"),
        (4, 5, 1, "pca"),
        (5, 1, 4 / 3, "random"),
        (91, 5, 30, "pca"),
        (92, 2, 30, "pca"),
    ],
)
def test_tsne_is_asked_for_fewer_neighbours_of_few_images(monkeypatch, n, units, perplexity, init) -> None:
    asked: dict[str, Any] = {}

    class TSNE:
        def __init__(self, **given: Any) -> None:
            asked.update(given)

        def fit_transform(self, rows: np.ndarray) -> np.ndarray:
            return rows[:, :1].repeat(2, axis=1)

    monkeypatch.setitem(sys.modules, "sklearn", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "sklearn.manifold", SimpleNamespace(TSNE=TSNE))
    assert coding._tsne(np.ones((n, units)), 7).shape == (n, 2)
    assert asked == {"perplexity": pytest.approx(perplexity), "random_state": 7, "init": init}


@pytest.mark.parametrize("n", [2, 3, 9])
def test_the_largest_place_along_each_axis_is_positive_and_axes_are_those_of_numpy(n: int) -> None:
    for seed in range(6):
        rows = np.random.default_rng(seed).normal(size=(n, 4)) * [3, 2, 1, 1]
        places, explained = coding._pca(rows)
        centred = rows - rows.mean(axis=0)
        values, vectors = np.linalg.eigh(centred.T @ centred)
        for axis in (0, 1):
            along = centred @ vectors[:, -1 - axis]
            assert np.allclose(np.abs(places[:, axis]), np.abs(along), atol=1e-9)
            assert explained[axis] == pytest.approx(values[-1 - axis] / values.sum(), abs=1e-12)
            if explained[axis] > 1e-9:
                assert places[np.abs(places[:, axis]).argmax(), axis] > 0


# Covering


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("how", "is_refused"),
    [
        ({}, False),
        ({"square": 2}, True),
        ({"stride": 2}, True),
        ({"fill": 0.5}, True),
        ({"fill": -1.0}, True),
    ],
)
def test_nolearn_covers_with_squares_of_zeros_of_odd_length_at_each_pixel(how, is_refused) -> None:
    kernel = Dense(weights=Parameter.of("W", np.ones((16, 2))), units=2)
    network = Network.of([image(1, 4, 4), as_layer(Flatten(), kernel, below=0)])
    asked = {"square": 3, "nolearn": True, "target": 0, "engine": "numpy", **how}
    if is_refused:
        with pytest.raises(RunningError, match="nolearn covers"):
            filtviz.occlusion(network, np.ones((4, 4)), **asked)
    else:
        assert filtviz.occlusion(network, np.ones((4, 4)), **asked).values.shape == (4, 4)


@pytest.mark.cases("all")
@pytest.mark.parametrize("square", [1, 2, 3, 4])
@pytest.mark.parametrize("stride", [1, 2])
def test_what_is_covered_is_counted_pixel_by_pixel(square: int, stride: int) -> None:
    """A network that sums its pixels: covering those inside the image takes as many away."""
    kernel = Dense(weights=Parameter.of("W", np.ones((20, 1))), units=1)
    network = Network.of([image(1, 4, 5), as_layer(Flatten(), kernel, below=0)])
    found = filtviz.occlusion(network, np.ones((4, 5)), square=square, stride=stride, engine="numpy").values
    before = square // 2
    for i, row in enumerate(range(0, 4, stride)):
        for j, col in enumerate(range(0, 5, stride)):
            rows = len({*range(row - before, row - before + square)} & {*range(4)})
            cols = len({*range(col - before, col - before + square)} & {*range(5)})
            assert found[i, j] == pytest.approx(20 - rows * cols)


# Words of an examination


def response(name: str = "conv1", units: int = 10, **given: Any) -> LayerResponse:
    usual = {"index": 1, "conv_index": 0, "function": "rectify", "fires": (0.5,) * units}
    return LayerResponse(layer=name, units=units, **{**usual, **given})


def said(*layers: LayerResponse, **given: Any) -> str:
    return examining._answer(Examination(n_images=given.pop("n_images", 5), layers=layers, **given))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("silent", "told"),
    [
        ((), "Each of its 10 units behind rectifiers fires on some of 5 images."),
        ((3,), "1 of 10 units never fires on 5 images."),
        ((3, 4), "2 of 10 units never fire on 5 images, most in conv1 (2 of 10)."),
        (None, ""),
    ],
)
def test_silent_units_are_told_for_none_one_and_two(silent, told) -> None:
    assert said(response(silent=silent)) == told


def test_most_silent_is_the_layer_with_the_largest_share() -> None:
    layers = (
        response("a", 100, silent=(1, 2, 3)),
        response("b", 4, silent=(0, 1)),
        response("c", 9, silent=()),
    )
    assert said(*layers, n_images=1) == "5 of 113 units never fire on 1 image, most in b (2 of 4)."
    assert said(*layers, right=3, labelled=4).endswith(
        "5 of 113 units never fire on them, most in b (2 of 4)."
    )


ALWAYS = "Some are saturated nearly always, "
ONES, ENDS = f"{ALWAYS}a bunch of 1's and 0's", f"{ALWAYS}at an end of what their function can give"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ([((1,), "tanh")], f"{ENDS}: 1 of 10 in l0."),
        ([((1, 2), "sigmoid"), ((), "tanh")], f"{ONES}: 2 of 10 in l0."),
        ([((1,), "sigmoid"), ((2,), "softmax")], f"{ONES}: 1 of 10 in l0 and 1 of 10 in l1."),
        ([((1,), "sigmoid"), ((2,), "tanh")], f"{ENDS}: 1 of 10 in l0 and 1 of 10 in l1."),
        (
            [((1,), "sigmoid"), ((2,), "softmax"), ((3,), "hard_sigmoid")],
            f"{ONES}: 1 of 10 in l0, 1 of 10 in l1 and 1 of 10 in l2.",
        ),
        ([((), "tanh"), ((), "sigmoid")], "None is saturated nearly always (20% of the answers of l1 are)."),
        ([(None, "rectify")], ""),
    ],
)
def test_saturated_units_are_told_for_none_one_and_two_layers(layers, told) -> None:
    made = [
        response(f"l{i}", saturated=saturated, function=function, at_end=0.1 * (i + 1))
        for i, (saturated, function) in enumerate(layers)
    ]
    assert said(*made) == told


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("right", "labelled", "frequent", "told"),
    [
        (1, 1, 1.0, "Of 1 image it answers 100% right (one answer to all: 100%)."),
        (1, 2, 0.5, "Of 2 images it answers 50% right (one answer to all: 50%)."),
        (0, 2, None, "Of 2 images it answers 0% right."),
        (None, 2, None, ""),
        (None, None, None, ""),
    ],
)
def test_right_answers_are_told_beside_what_one_answer_gets(right, labelled, frequent, told) -> None:
    assert said(right=right, labelled=labelled, most_frequent=frequent) == told


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0, "0%"),
        (0.004, "<1%"),
        (0.01, "1%"),
        (0.5, "50%"),
        (0.989, "99%"),
        (0.99, "99.0%"),
        (0.9999, "99.9%"),
        (1, "100%"),
    ],
)
def test_shares_are_nothing_or_all_only_where_they_are(share, told) -> None:
    assert examining._share(share) == told


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("starts", "told"),
    [
        ([0.96], "With l0 put back to its first weights it still answers 96% as now."),
        ([0.94], "With l0 put back to its first weights it answers 94% as now."),
        (
            [0.5, 0.9, 0.3],
            "With l0 put back to its first weights it answers 50% as now, with l2 put back 30%.",
        ),
        ([None, 0.9], "With l1 put back to its first weights it answers 90% as now."),
        ([None], ""),
    ],
)
def test_what_rests_on_learned_weights_is_told_of_the_first_and_the_worst(starts, told) -> None:
    layers = [response(f"l{i}", silent=None, right_with_start=share) for i, share in enumerate(starts)]
    assert said(*layers) == told
    if told:
        assert " right" in said(*layers, right=9, labelled=10)


def test_lost_numbers_are_told_of_the_first_layer_that_has_them() -> None:
    layers = response("a"), response("b", nonfinite=(1, 2)), response("c", nonfinite=(0,))
    assert said(*layers) == "From b on numbers are lost: 2 of its 10 units answer NaN or infinity."
    assert said(reason="it stops", not_compared="no layer").endswith(
        "Of layers from there on nothing can be said: it stops. "
        "What rests on learned weights cannot be told: no layer."
    )


# Earlier weights


@pytest.mark.parametrize("n_parts", [1, 3])
def test_what_a_twin_explains_is_the_squared_correlation_of_its_own_unit_and_by_chance_of_a_neighbours(
    n_parts,
) -> None:
    rng = np.random.default_rng(0)
    units = rng.normal(5, 1, (30, 4, 2, 3))
    twins = units + rng.normal(0, [[[[0.5]], [[1]], [[2]], [[9]]]], units.shape)
    shared = examining._Shared()
    for a, b in zip(np.array_split(units, n_parts), np.array_split(twins, n_parts), strict=True):
        shared.add(a, b)
    own, others = shared.explained()
    flat, twin = (np.moveaxis(each, 1, 0).reshape(4, -1) for each in (units, twins))

    def explained(order: list[int]) -> float:
        r = [np.corrcoef(flat[i], twin[j])[0, 1] ** 2 for i, j in enumerate(order)]
        return float(np.average(r, weights=flat.var(axis=1)))

    assert own == pytest.approx(explained([0, 1, 2, 3]))
    assert others == pytest.approx(explained([3, 0, 1, 2]))
    lone = examining._Shared()
    lone.add(units[:, :1], twins[:, :1])
    assert lone.explained()[1] is None
    flat_one = examining._Shared()
    flat_one.add(np.ones((3, 2)), twins[:3, :2, 0, 0])
    assert flat_one.explained() == (None, None)


@pytest.mark.parametrize(("size", "own"), [(1.0, 1.0), (1e100, 1.0), (1e160, None)])
def test_what_answers_near_the_largest_numbers_explain_is_told_without_a_warning(size, own) -> None:
    units = np.random.default_rng(1).normal(size=(9, 2, 3)) * size
    shared = examining._Shared()
    shared.add(units, 2 * units)
    assert shared.explained()[0] == (own if own is None else pytest.approx(own))


def dense(name: str | None, n: int = 4, below: int = 1) -> Layer:
    return as_layer(Dense(weights=Parameter.of("W", np.ones((n, n))), units=n), below=below, name=name)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("earlier", "wanted", "number"),
    [
        (["a", "b"], "b", 2),
        (["b", "a"], "b", 1),
        (["x", "y"], "b", 2),
        ([None, None], "b", 2),
        (["x"], "b", None),
        ([None, None], None, 2),
        (["x", None, None], None, 2),
    ],
)
def test_a_dense_layer_is_found_by_its_name_and_else_by_its_number(earlier, wanted, number) -> None:
    later = Network.of([image(4), dense("a", below=0), dense(wanted)])
    before = Network.of([image(4), *(dense(name, below=i) for i, name in enumerate(earlier))])
    layer = later.layers[2]
    found = examining._counterpart(layer, before, later.layers)
    assert (None if found is None else found.index) == number
    other = Network.of([image(4), dense("b", 5, below=0), dense("c", 5)])
    assert examining._counterpart(layer, other, later.layers) is None


@pytest.mark.cases("all")
@pytest.mark.parametrize("theirs", [True, False, None])
@pytest.mark.parametrize("own", [True, False, None])
def test_earlier_kernels_are_turned_where_only_one_of_both_is(own, theirs) -> None:
    kernels = np.arange(24.0).reshape(1, 2, 3, 4)

    def of(flip: bool | None) -> Convolution:
        found = conv(kernels, flip_filters=flip).convolution
        assert isinstance(found, Convolution)
        return found

    turned = {own, theirs} == {True, False}
    wanted = kernels[..., ::-1, ::-1] if turned else kernels
    assert np.array_equal(examining._turned(of(theirs), of(own)), wanted)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("labels", "share"), [([], None), (None, None), ([1], 1), ([1, 1, 2], 2 / 3), (["1", 1, 2.5, 3], 0.5)]
)
def test_the_most_frequent_label_is_what_one_answer_to_all_gets(labels, share) -> None:
    assert examining._most_frequent(labels) == (None if share is None else pytest.approx(share))


# Earlier weights


def test_earlier_dense_weights_fit_either_way_round_and_their_biases_by_shape() -> None:
    def of(axes: str, *shape: int, n: int) -> Dense:
        bias = Parameter.of("b", np.ones(n))
        return Dense(weights=Parameter.of("W", np.arange(6.0).reshape(shape)), axes=axes, bias=bias, units=3)

    own, turned, other = of("io", 2, 3, n=3), of("oi", 3, 2, n=3), of("oi", 2, 3, n=3)
    assert (examining._fits(turned, own), examining._fits(own, own)) == (True, True)
    assert (examining._fits(other, own), examining._fits(Dense(), own)) == (False, False)
    assert examining._turned(turned, own).tolist() == turned.weights.value.T.tolist()

    later, before = (
        Network.of([image(2), as_layer(one, below=0, name="a")]) for one in (own, of("io", 2, 3, n=2))
    )
    started = examining._started(later.layers[1], before, later.layers[1:])
    assert started is not None
    assert started[0].bias is own.bias, "a bias of another shape is no earlier one"


def test_layers_are_chosen_by_negative_numbers_as_text_and_by_what_they_are() -> None:
    network = Network.of([image(1, 8, 8), conv(np.ones((1, 1, 3, 3)), below=0, name="a"),
                          conv(np.ones((1, 1, 3, 3)), below=1, name="b")])  # fmt: skip
    for wanted in ("-1", -1, 1, "1", "b", network.layers[2]):
        assert asking.choose_layer(network, wanted) is network.layers[2]
    assert asking.choose_layer(network, network.layers[0]) is network.layers[0]
    for wanted in (["a", "b"], [], {}):
        with pytest.raises(filtviz.ArgumentError, match="is no layer: give one"):
            asking.choose_layer(network, wanted)


def test_a_nonlinearity_is_looked_for_where_nothing_else_is_fed() -> None:
    relu, drop = Activation(kind="rectify"), Identity(what="dropout")

    def layers(*more: Layer) -> Network:
        kernel = conv(np.ones((1, 1, 1, 1)), below=0, nonlinearity="linear", name="c")
        return Network.of([image(1, 4, 4), kernel, *more])

    alone = layers(as_layer(drop, below=1), as_layer(relu, below=2))
    assert asking.answering(alone, alone.layers[1]) is alone.layers[3]
    for network in (
        layers(as_layer(relu, below=1), as_layer(relu, below=1)),  # two read it
        layers(as_layer(Merge(kind="add"), relu, below=(1, 0))),  # with something else
        layers(as_layer(Flatten(), relu, below=1)),
        layers(),
    ):
        assert asking.answering(network, network.layers[1]) is network.layers[1]


def test_one_image_of_two_axes_has_a_channel_where_the_network_has_it() -> None:
    shape = (None, 1, 3, 4)
    for last in (False, True):
        entrance = as_layer(Input(shape=shape, channels_last=last), output_shape=shape)
        assert asking.one_image(Network.of([entrance]), np.ones((3, 4))).shape == (1, 1, 3, 4)
    with pytest.raises(RunningError, match="there is nothing to run"):
        asking.probability_layer(Network.of([]))


# Images to begin with


def test_an_image_to_begin_with_is_as_large_as_the_network_or_a_person_says() -> None:
    open_, told = (Network.of([image(3, *size)]) for size in ((None, None), (5, 6)))
    assert looking._shape(told, None) == (3, 5, 6)
    assert looking._shape(told, (7, 8)) == looking._shape(open_, (7, 8)) == (3, 7, 8)
    with pytest.raises(RunningError, match="does not tell the size of its images"):
        looking._shape(open_, None)
    noise = looking._noise((3, 50, 60), (1.0, 5.0), 0)
    assert noise.shape == (1, 3, 50, 60)
    assert noise.mean() == pytest.approx(3, abs=0.01)
    assert noise.std() == pytest.approx(0.08, rel=0.05)
    assert (noise == looking._noise((3, 50, 60), (1.0, 5.0), 0)).all()


def test_how_much_a_unit_sees_is_the_shorter_side_of_its_field() -> None:
    network = Network.of([image(1, 9, 9), conv(np.ones((1, 1, 3, 5)), below=0), Layer(inputs=(1,))])
    assert [looking._sees(network, layer) for layer in network.layers] == [1, 3, 31]


def test_maps_are_those_of_the_last_convolution_unless_another_is_chosen() -> None:
    layers = [conv(np.ones((1, 1, 1, 1)), below=place, name=name) for place, name in enumerate("ab")]
    network = Network.of([image(1, 4, 4), *layers])
    assert [looking._maps_of(network, layer).name for layer in (None, 0, "a", -1)] == ["b", "a", "a", "b"]
    bare = Network.of([image(1, 4, 4, name="in")])
    with pytest.raises(RunningError, match="no convolution whose maps"):
        looking._maps_of(bare, None)
    assert looking._maps_of(bare, "in") is bare.layers[0]


@pytest.mark.cases("all")
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("channels_last", [False, True])
def test_a_saliency_lies_as_its_image_does_and_keeps_its_sign_where_asked(
    monkeypatch: pytest.MonkeyPatch, signed: bool, channels_last: bool
) -> None:
    found = np.arange(-12.0, 12.0).reshape(1, 2, 3, 4)
    asked: list[Any] = []
    gradients = SimpleNamespace(
        METHODS=("gradient", "gradcam"),
        Saliency=lambda **how: asked.append(how),
        saliency_of=lambda *_: found,
    )
    monkeypatch.setitem(sys.modules, "filtviz.running.gradients", gradients)
    entrance = Input(shape=(None, 2, 3, 4), channels_last=channels_last)
    source = as_layer(entrance, output_shape=entrance.shape)
    network = Network.of([source, conv(np.ones((1, 2, 1, 1)), below=0), conv(np.ones((1, 1, 1, 1)), below=1)])
    shape = (3, 4, 2) if channels_last else (2, 3, 4)
    wanted = found if signed else np.abs(found)
    for given in (np.zeros(shape), np.zeros((1, *shape))):
        got = responses.saliency(network, given, "gradient", signed=signed)
        assert got.shape == given.shape
        lying = np.moveaxis(got.reshape(1, *shape), -1, 1) if channels_last else got.reshape(1, *shape)
        np.testing.assert_array_equal(lying, wanted)
    responses.saliency(network, given, "gradcam", target=3, of="output", seed=7)
    assert (asked[-1]["method"], asked[-1]["target"], asked[-1]["of"], asked[-1]["seed"]) == (
        "gradcam", 3, "output", 7,
    )  # fmt: skip
    assert [how["layer"] for how in asked[:2]] == [None, None]
    assert asked[-1]["layer"] is network.conv_layers[-1]
    alone = Network.of([conv(np.ones((1, 2, 1, 1)))])
    assert responses.saliency(alone, np.zeros((2, 3, 4))).shape == (2, 3, 4)


def folding() -> Network:
    """A network that gives three units for each image, one after another along the axis of images."""
    kernels = np.ones((3, 1, 3, 3), np.float32)
    one = conv(np.ones((1, 1, 1, 1), np.float32), below=2, nonlinearity="sigmoid", name="last")
    folded = as_layer(Reshape(lengths=(-1, 1, 6, 6)), below=1)
    return Network.of([image(1, 8, 8), conv(kernels, below=0), folded, one])


@pytest.mark.parametrize("n", [1, 4])
@pytest.mark.parametrize(
    "ask",
    [
        lambda network, images: filtviz.predict(network, images),
        lambda network, images: filtviz.activity(network, images, layer=1),
        lambda network, images: filtviz.occlusion(network, images[0], stride=4),
        lambda network, images: filtviz.codes(network, np.concatenate([images, images]), layer=1),
    ],
)
def test_units_that_are_no_images_answers_are_taken_for_none(ask, n: int) -> None:
    with pytest.raises(RunningError, match=r"last gives has no axis of images .*cannot be told"):
        ask(folding(), np.ones((n, 1, 8, 8)))


def test_below_what_mixes_images_they_are_told_apart() -> None:
    images = np.random.default_rng(0).uniform(size=(4, 1, 8, 8))
    found = filtviz.activity(folding(), images, layer=0)
    assert (len(found.maps), found.n_images) == (3, 4)


def test_pieces_are_cut_out_of_images_alone() -> None:
    entrance = Input(shape=(None, 1, 9))
    curve = conv(np.ones((2, 1, 3)), below=0, stride=(1,), pad=((0, 0),), axes="oic", name="curve")
    network = Network.of([as_layer(entrance, output_shape=entrance.shape), curve])
    with pytest.raises(RunningError, match="what a unit of curve sees of the image is not known"):
        filtviz.patches(network, np.ones((2, 1, 9)), "curve")
