"""What images tell of a whole network: units that never fire or saturate, answers, what rests on learning."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz import ArgumentError, Budget, BudgetError, RunningError
from filtviz.network import ConvLayer, Layer, Network
from filtviz.operations import Activation, Dense, Flatten, Merge, Softmax
from filtviz.parameter import Parameter
from filtviz.responses.examining import LayerResponse, _Twins, examine
from tests.building import as_layer, conv, image

EXAMPLES = Path(__file__).parents[2] / "examples"
RNG = np.random.default_rng(0)
IMAGES = RNG.random((12, 1, 6, 6))
KERNELS = np.array([[[[-1.0, 1.0]]], [[[1.0, -1.0]]], [[[0.0, 0.0]]]])


def network(
    kernels: Any = KERNELS, bias: Any = (0.0, 0.0, -1.0), kind: str = "rectify", seed: int = 1
) -> Network:
    weights = np.random.default_rng(seed).standard_normal((3 * 6 * 5, 4))
    dense = Dense(weights=Parameter.of("W", weights), units=4)
    edges = conv(
        np.asarray(kernels), np.asarray(bias), below=0, flip_filters=False, nonlinearity=kind, name="edges"
    )
    return Network.of([image(1, 6, 6), edges, as_layer(Flatten(), dense, Softmax(), below=1, name="classes")])


def layer_of(found: Any, place: int = 0) -> LayerResponse:
    return found.layers[place]  # type: ignore[no-any-return]


def test_units_that_never_fire_are_named_and_others_are_not() -> None:
    found = examine(network(), IMAGES, engine="numpy")
    edges = layer_of(found)
    assert edges.silent == (2,)
    rising = IMAGES[..., 1:] - IMAGES[..., :-1]
    np.testing.assert_allclose(edges.fires, [(rising > 0).mean(), (rising < 0).mean(), 0])
    assert "1 of 3 units never fires on 12 images" in found.answer
    alive = examine(network(bias=(0, 0, 1)), IMAGES, engine="numpy")
    assert layer_of(alive).silent == ()
    assert "Each of its 3 units behind rectifiers fires on some of 12 images" in alive.answer


def test_saturated_units_are_told_as_ones_and_zeros() -> None:
    found = examine(network(bias=(90, -90, 0), kind="sigmoid"), IMAGES, engine="numpy")
    edges = layer_of(found)
    assert edges.saturated == (0, 1)
    assert edges.silent is None
    assert edges.at_end == pytest.approx(2 / 3)
    assert "a bunch of 1's and 0's: 2 of 3 in edges" in found.answer
    calm = examine(network(bias=(0, 0, 0), kind="sigmoid"), IMAGES, engine="numpy")
    assert layer_of(calm).saturated == ()
    assert "None is saturated nearly always" in calm.answer


def test_what_the_network_answers_may_be_sure() -> None:
    sure = network()
    dense = sure.layers[2]
    weights = Parameter.of("W", dense.operations[1].weights.value * 1e4)  # type: ignore[union-attr]
    operations = (dense.operations[0], replace(dense.operations[1], weights=weights), dense.operations[2])
    sure = Network.of([*sure.layers[:2], replace(dense, operations=operations)])
    assert layer_of(examine(sure, IMAGES, engine="numpy"), 1).saturated is None


def test_answers_are_counted_beside_what_one_answer_gives() -> None:
    known = network()
    best = known.run(IMAGES, engine="numpy").argmax(axis=1)
    wrong = best.copy()
    wrong[:3] = (wrong[:3] + 1) % 4
    found = examine(known, IMAGES, labels=wrong, engine="numpy")
    assert (found.right, found.labelled) == (9, 12)
    assert found.most_frequent == np.bincount(wrong).max() / 12
    assert "Of 12 images it answers 75% right (one answer to all" in found.answer
    given = {"labels": ["abcd"[k] for k in best], "names": "abcd", "before": ("itself", known)}
    named = examine(known, IMAGES, **given, engine="numpy")
    assert named.right == 12
    assert [each.right_with_start for each in named.layers] == [1, 1]
    cased = examine(known, IMAGES, labels=["aAbB"[k] for k in best], names="aAbB", engine="numpy")
    assert (cased.right, cased.most_frequent) == (12, np.bincount(best).max() / 12)
    assert examine(known, IMAGES, engine="numpy").right is None


def test_labels_that_are_no_classes_count_nothing() -> None:
    found = examine(network(), IMAGES, labels=["cat"] * 12, engine="numpy")
    assert (found.right, found.labelled, found.most_frequent) == (None, None, None)


def test_a_layer_that_did_not_move_costs_nothing_and_one_that_did_does() -> None:
    later, earlier = network(seed=1), network(seed=2)
    found = examine(later, IMAGES, before=("start.pkl", earlier), engine="numpy")
    edges, classes = found.layers
    assert edges.from_start == pytest.approx(1)
    assert edges.right_with_start == 1
    assert classes.right_with_start is not None
    best, first = (each.run(IMAGES, engine="numpy") for each in (later, earlier))
    assert classes.right_with_start == (best.argmax(axis=1) == first.argmax(axis=1)).mean()
    assert classes.from_start == pytest.approx(_explained(best, first))
    assert classes.by_chance == pytest.approx(_explained(best, np.roll(first, 1, axis=1)))


def _explained(units: np.ndarray[Any, Any], twins: np.ndarray[Any, Any]) -> float:
    """The variance that straight lines explain, unit by unit."""
    r = [np.corrcoef(a, b)[0, 1] for a, b in zip(units.T, twins.T, strict=True)]
    return float((np.square(r) * units.var(axis=0)).sum() / units.var(axis=0).sum())


def test_a_layer_is_put_back_alone_with_all_behind_it_learned() -> None:
    later, earlier = network(), network(kernels=KERNELS[::-1], bias=(0.5, 0, 0), seed=3)
    found = examine(later, IMAGES, before=("start", earlier), engine="numpy", batch=5)
    mixed = Network.of([*earlier.layers[:2], later.layers[2]])
    same = later.run(IMAGES, engine="numpy").argmax(axis=1) == mixed.run(IMAGES, engine="numpy").argmax(
        axis=1
    )
    assert layer_of(found).right_with_start == same.mean()


def test_names_of_classes_are_no_labels() -> None:
    earlier, own = network(seed=2), network()
    how = {"before": ("start", earlier), "engine": "numpy"}
    told = layer_of(examine(own, IMAGES, **how), 1).right_with_start
    assert told != 1
    for k in range(4):
        named = examine(own, IMAGES, names=(str(k),) * 4, **how)
        assert layer_of(named, 1).right_with_start == told


def test_other_shapes_before_are_not_compared_and_said() -> None:
    other = network(kernels=np.ones((3, 1, 2, 2)))
    other = Network.of(other.layers[:2])
    found = examine(network(), IMAGES, before=("other.pkl", other), engine="numpy")
    assert layer_of(found).from_start is None
    assert "cannot be told: no layer has the same shape there" in found.answer


def test_turned_filters_are_put_back_as_they_match() -> None:
    turned = KERNELS[..., ::-1, ::-1]
    own = network()
    edges = own.layers[1]
    assert isinstance(edges, ConvLayer)
    convolution = replace(edges.convolution, weights=Parameter.of("W", turned.copy()), flip_filters=True)
    convolves = replace(edges, operations=(convolution, *edges.operations[1:]))
    earlier = Network.of([own.layers[0], convolves, own.layers[2]])
    assert layer_of(examine(own, IMAGES, before=("x", earlier), engine="numpy")).from_start == pytest.approx(
        1
    )


def test_what_lies_below_a_layer_that_cannot_be_run_is_told() -> None:
    untold = Layer(name="odd", inputs=(1,))
    found = examine(Network.of([*network().layers[:2], untold]), IMAGES, engine="numpy")
    assert [each.layer for each in found.layers] == ["edges"]
    dense = Dense(weights=Parameter.of("W", np.ones((90, 2))), units=2)
    end = as_layer(Flatten(), dense, below=2, name="end")
    known = Network.of([*network().layers[:2], untold, end])
    found = examine(known, IMAGES, labels=[0] * 12, engine="numpy")
    assert [each.layer for each in found.layers] == ["edges"]
    assert found.right is None
    assert "odd cannot be run on these images" in found.answer


def test_numbers_that_are_not_finite_are_told_and_no_silence() -> None:
    with np.errstate(invalid="ignore", over="ignore"):
        found = examine(network(bias=(np.nan, 0, 0)), IMAGES, engine="numpy")
    assert layer_of(found).nonfinite == (0,)
    assert layer_of(found).silent == (2,)
    assert "1 of its 3 units answers NaN or infinity" in found.answer


@pytest.mark.parametrize(
    ("function", "answers"), [("sigmoid", [0.2, 0.7]), ("linear", [-1.0, 0.3]), ("tanh", [-0.1, 0.1])]
)
def test_a_lone_output_is_a_one_above_the_middle_of_its_range(function: Any, answers: list[float]) -> None:
    from filtviz.responses.predicting import right_answers

    last = as_layer(Activation(kind=function), below=0)
    found = right_answers(np.array(answers)[:, None], [0.0, 1], (), last)
    assert found is not None
    assert found.all()


def test_labels_must_be_as_many_as_images() -> None:
    with pytest.raises(RunningError, match="12 images came with 3 labels"):
        examine(network(), IMAGES, labels=[1, 2, 3], engine="numpy")


@pytest.mark.slow
def test_a_diagnosis_takes_arrays_and_files() -> None:
    with np.load(EXAMPLES / "digits.npz") as held:
        digits, odd = held["images"][:20] / 255, held["labels"][:20]
    found = filtviz.diagnose(EXAMPLES / "mission-trained.pkl", images=digits, labels=odd)
    assert found.shown is not None
    assert found.shown.labelled == 20
    assert found.shown.answer in found.answer
    conv1 = found.layers[0]
    assert [each.fires for each in conv1.filters] == list(found.shown.layers[0].fires)
    assert "never fire" in str(found)
    assert "<th" in found._repr_html_()  # type: ignore[attr-defined]
    assert "never fire" in found._repr_html_()  # type: ignore[attr-defined]
    alone = filtviz.diagnose(EXAMPLES / "mission-trained.pkl")
    assert alone.shown is None
    assert "never fire" not in str(alone)


@pytest.mark.cases("all")
@pytest.mark.parametrize("given", [object(), "", 3, np.array(["a"])])
def test_what_is_no_image_is_one_sentence(given: Any) -> None:
    with pytest.raises((ArgumentError, RunningError)):
        filtviz.diagnose(network(), images=given)


def test_layers_that_cannot_be_run_are_looked_for_a_bounded_number_of_times() -> None:
    kernels = RNG.normal(size=(2, 9, 3, 3))  # of nine channels, where one is given
    fits = conv(RNG.normal(size=(2, 1, 3, 3)), below=0)
    images = RNG.random((1, 1, 9, 9))
    few = Network.of([image(1, 9, 9), fits, *(conv(kernels, below=0) for _ in range(3))])
    assert [each.index for each in examine(few, images).layers] == [1]
    many = Network.of([image(1, 9, 9), fits, *(conv(kernels, below=0) for _ in range(100))])
    with pytest.raises(BudgetError, match="finding the layers that can be run"):
        examine(many, images, budget=Budget(work=13_000_000))


def test_only_what_lies_behind_a_layer_has_a_twin() -> None:
    own = network()
    beside = conv(KERNELS, below=0, name="beside", nonlinearity="rectify")
    joined = as_layer(Merge(kind="add"), below=(1, 2), name="joined")
    whole = Network.of([*own.layers[:2], beside, joined])
    layer = whole.layers[1]
    twins = _Twins(whole, whole.layers[3])
    twins.add(layer, layer, layer.operations)
    assert [each.name for each in twins.layers[4:]] == ["edges", "joined"]
    assert [each.inputs for each in twins.layers[4:]] == [(0,), (4, 2)]
    assert twins.of == {1: (4, 5)}
