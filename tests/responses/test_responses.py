"""What units answer to images, on networks whose answers can be told by hand."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz import FiltvizError, MissingExtraError, RunningError, responses
from filtviz.network import Layer, Network
from filtviz.operations import Activation, Dense, Flatten, GlobalPooling, Input, Softmax
from filtviz.parameter import Parameter
from filtviz.receptive_field import ReceptiveField
from filtviz.responses import coding
from filtviz.responses.patching import _Best
from filtviz.responses.predicting import Prediction
from tests.building import as_layer, conv, image, pool

EXAMPLE = Path(__file__).parents[2] / "examples" / "mission-trained.pkl"
DIGITS = Path(__file__).parents[2] / "examples" / "digits.npz"
RNG = np.random.default_rng(0)
IMAGES = RNG.random((6, 1, 8, 8))


def edges(*more: Layer) -> Network:
    """A filter that likes a step to the right, its opposite, and one that nothing can excite."""
    kernels = np.array([[[[-1.0, 1.0]]], [[[1.0, -1.0]]], [[[0.0, 0.0]]]])
    bias = np.array([0.0, 0.0, -1.0])
    return Network.of([image(1, 8, 8), conv(kernels, bias, below=0, flip_filters=False, name="edges"), *more])


def classes(n: int = 3) -> Network:
    dense = Dense(weights=Parameter.of("W", RNG.standard_normal((3 * 8 * 7, n))), units=n)
    return edges(as_layer(Flatten(), dense, Softmax(), below=1, name="classes"))


# predict


def test_predict_names_the_strongest_classes() -> None:
    found = filtviz.predict(classes(), IMAGES, labels=["cat", "dog"], engine="numpy")
    assert found.outputs.shape == (6, 3)
    best = [row[0] for row in found.top(1)]
    for row, (name, value) in zip(found.outputs, best, strict=True):
        assert value == row.max()
        assert name == ["cat", "dog", "2"][int(row.argmax())]
    assert [len(row) for row in found.top(9)] == [3] * 6


@pytest.mark.slow
def test_a_path_will_do() -> None:
    with np.load(DIGITS) as held:
        digits, odd = held["images"] / 255, held["labels"]
    found = filtviz.predict(EXAMPLE, digits, engine="numpy").outputs[:, 0]
    assert np.mean((found > 0.5) == odd) > 0.95


# activity


def test_units_that_never_fire_are_told() -> None:
    found = filtviz.activity(edges(), IMAGES, 0, 2, engine="numpy")
    assert found.layer == "edges"
    assert found.dead.tolist() == [2]
    rising = IMAGES[:, 0, :, 1:] - IMAGES[:, 0, :, :-1]
    np.testing.assert_allclose(found.maps[0], np.maximum(rising[2], 0))
    np.testing.assert_allclose(found.fires[:2], [(rising > 0).mean(), (rising < 0).mean()])
    np.testing.assert_allclose(found.strongest[:2], [rising.max(), -rising.min()])
    assert found.saturated is None


def test_a_nonlinearity_of_its_own_layer_counts() -> None:
    kernels = np.array([[[[-1.0, 1.0]]], [[[0.0, 0.0]]]])
    network = Network.of(
        [
            image(1, 8, 8),
            conv(kernels, np.array([0.0, 90.0]), below=0, flip_filters=False, nonlinearity="linear"),
            as_layer(Activation(kind="sigmoid"), below=1),
        ]
    )
    found = filtviz.activity(network, IMAGES, engine="numpy")
    assert found.function == "sigmoid"
    assert found.saturated is not None
    assert found.saturated.tolist() == [0.0, 1.0]
    assert found.dead.size == 0


def test_batches_count_as_one() -> None:
    whole, parts = (filtviz.activity(edges(), IMAGES, 0, 5, engine="numpy", batch=n) for n in (6, 2))
    for name in ("maps", "fires", "strongest"):
        np.testing.assert_allclose(getattr(whole, name), getattr(parts, name))


def test_an_image_that_is_not_there_is_told() -> None:
    with pytest.raises(RunningError, match="there is no image 6: 6 were given, counted from 0"):
        filtviz.activity(edges(), IMAGES, 0, 6, engine="numpy")


# occlusion


@pytest.mark.slow
@pytest.mark.parametrize(("square", "stride", "fill"), [(3, 1, 0.0), (4, 1, 0.5), (1, 2, 0.0), (5, 3, 1.0)])
def test_each_place_is_covered_in_turn(square: int, stride: int, fill: float) -> None:
    network = classes()
    found = filtviz.occlusion(network, IMAGES[0], 1, square, stride=stride, fill=fill, engine="numpy").values
    for i, row in enumerate(range(0, 8, stride)):
        for j, col in enumerate(range(0, 8, stride)):
            covered = IMAGES[:1].copy()
            top, left = row - square // 2, col - square // 2
            covered[..., max(top, 0) : top + square, max(left, 0) : left + square] = fill
            assert found[i, j] == pytest.approx(network.run(covered, engine="numpy")[0, 1])


def test_without_a_class_it_is_the_one_that_is_answered() -> None:
    network = classes()
    best = int(network.run(IMAGES[:1], engine="numpy").argmax())
    np.testing.assert_allclose(
        filtviz.occlusion(network, IMAGES[0], engine="numpy"),
        filtviz.occlusion(network, IMAGES[0], best, engine="numpy"),
    )


def test_nolearns_square_lies_one_pixel_before() -> None:
    network = classes()
    found = filtviz.occlusion(network, IMAGES[0], 0, 3, nolearn=True, engine="numpy").values
    covered = IMAGES[:1].copy()
    covered[..., 2:5, 3:6] = 0  # of the pixel 4, 5
    assert found[4, 5] == pytest.approx(network.run(covered, engine="numpy")[0, 0])


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"target": 3}, "there is no class 3: the network has 3, from 0"),
        ({"square": 0}, "square must be a whole number of 1 or more, not 0"),
        ({"square": 4, "nolearn": True}, "nolearn covers with squares of zeros of odd length"),
    ],
)
def test_what_occlusion_cannot_do_is_one_sentence(how: dict[str, Any], sentence: str) -> None:
    with pytest.raises(FiltvizError, match=sentence):
        filtviz.occlusion(classes(), IMAGES[0], engine="numpy", **how)


# patches


def test_the_strongest_patches_are_found_where_they_are() -> None:
    shown = np.zeros((4, 1, 8, 8))
    shown[1, 0, 3, 5] = 2.0
    shown[2, 0, 6, 1] = 1.0
    found = filtviz.patches(edges(), shown, 0, 2, engine="numpy")
    assert found.size == (1, 2)
    assert found.images[0].tolist() == [1, 2]
    assert found.corners[0].tolist() == [[3, 4], [6, 0]]
    np.testing.assert_allclose(found.of(0)[:, 0, 0], [[0, 2], [0, 1]])
    np.testing.assert_allclose(found.of(1)[:, 0, 0], [[2, 0], [1, 0]])


def test_patches_are_cut_at_the_true_receptive_field() -> None:
    deep = Network.of(
        [
            image(1, 12, 12),
            conv(np.ones((1, 1, 3, 3)), below=0, pad=((1, 1), (1, 1))),
            pool(2, below=1),
            conv(np.ones((1, 1, 3, 3)), below=2),
        ]
    )
    shown = RNG.random((3, 1, 12, 12))
    found = filtviz.patches(deep, shown, 1, 3, engine="numpy")
    assert found.size == (8, 8)
    for place, piece in enumerate(found.of(0)):
        # The piece alone, with the padding that it had, excites the filter as it did.
        assert np.nan_to_num(piece).shape == (1, 8, 8)
        row, col = found.corners[0, place]
        inside = shown[found.images[0, place], 0, max(row, 0) : row + 8, max(col, 0) : col + 8]
        np.testing.assert_allclose(piece[~np.isnan(piece)], inside.ravel())


@pytest.mark.parametrize("batch", [1, 2, None])
def test_patches_of_batches_are_those_of_all(batch: int | None) -> None:
    whole = filtviz.patches(edges(), IMAGES, 0, 4, engine="numpy")
    parts = filtviz.patches(edges(), IMAGES, 0, 4, engine="numpy", batch=batch)
    np.testing.assert_array_equal(whole.images[:2], parts.images[:2])
    np.testing.assert_allclose(whole.responses, parts.responses)


def test_of_fewer_images_than_pieces_the_rest_is_empty() -> None:
    assert filtviz.patches(edges(), IMAGES[:2], 0, 4, engine="numpy").responses.shape[1] == 2
    found = responses.patches(edges(), IMAGES[:2], 0, 4, engine="numpy")
    assert np.isneginf(found.responses[0]).tolist() == [False, False, True, True]
    assert np.isnan(found.of(0)[2:]).all()


# codes


def test_codes_are_what_the_last_hidden_layer_gives() -> None:
    network = classes()
    found = filtviz.codes(network, IMAGES, engine="numpy")
    assert found.layer == "edges"
    expected = network.run(IMAGES, ["edges"], engine="numpy")["edges"].mean(axis=(2, 3))
    np.testing.assert_allclose(found.codes, expected)
    centred = expected - expected.mean(axis=0)
    np.testing.assert_allclose((found.places**2).sum(), (centred**2).sum())  # of two directions that vary
    assert found.explained is not None
    assert sum(found.explained) == pytest.approx(1.0)


def test_of_two_dense_layers_the_codes_are_those_that_the_last_one_reads() -> None:
    hidden = Dense(weights=Parameter.of("W", RNG.standard_normal((3 * 8 * 7, 5))), units=5)
    last = Dense(weights=Parameter.of("W", RNG.standard_normal((5, 3))), units=3)
    network = edges(
        as_layer(Flatten(), hidden, below=1, name="hidden"),
        as_layer(last, Softmax(), below=2, name="classes"),
    )
    found = filtviz.codes(network, IMAGES, engine="numpy")
    assert (found.layer, found.codes.shape) == ("hidden", (6, 5))


def test_a_single_image_has_no_neighbours() -> None:
    with pytest.raises(RunningError, match="give two images or more"):
        filtviz.codes(classes(), IMAGES[:1], engine="numpy")


def test_tsne_names_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    with pytest.raises(MissingExtraError, match="t-SNE needs scikit-learn"):
        coding.codes(classes(), IMAGES, plane="tsne", engine="numpy")


# What needs PyTorch


@pytest.mark.parametrize("ask", [filtviz.saliency, lambda network, shown: filtviz.maximise(network, 0)])
def test_gradients_name_what_they_need(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "filtviz.running.gradients", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"pip install torch"):
        ask(classes(), IMAGES[0])


# Which image


@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8), (1, 1, 8, 8)])
def test_one_image_comes_with_or_without_its_axes(shape: tuple[int, ...]) -> None:
    network = classes()
    given = IMAGES[0].reshape(shape)
    found = filtviz.occlusion(network, given, 0, engine="numpy")
    np.testing.assert_allclose(found, filtviz.occlusion(network, IMAGES[:1], 0, engine="numpy"))


@pytest.mark.parametrize("number", [0, 2, -1])
def test_of_several_images_it_is_the_one_of_a_number(number: int) -> None:
    network = classes()
    found = filtviz.occlusion(network, IMAGES, 0, image=number, engine="numpy")
    np.testing.assert_allclose(found, filtviz.occlusion(network, IMAGES[number], 0, engine="numpy"))


def test_several_images_are_not_one() -> None:
    with pytest.raises(RunningError, match=r"one image is needed, these have the shape \(6, 1, 8, 8\)"):
        responses.occlusion(classes(), IMAGES, engine="numpy")


def test_a_network_with_its_channels_behind_is_given_them_so() -> None:
    shape = (None, 3, 8, 8)
    entrance = Layer(type="Input", output_shape=shape, operations=(Input(shape=shape, channels_last=True),))
    dense = Dense(weights=Parameter.of("W", RNG.standard_normal((192, 2))), units=2)
    network = Network.of([entrance, as_layer(Flatten(), dense, Softmax(), below=0)])
    shown = RNG.random((8, 8, 3))
    assert filtviz.occlusion(network, shown, engine="numpy").values.shape == (8, 8)
    with pytest.raises(RunningError, match="the images have 8 channels, the network takes 3"):
        filtviz.occlusion(network, np.moveaxis(shown, -1, 0), engine="numpy")


def test_what_sees_the_whole_image_is_cut_as_large_as_that() -> None:
    kernels = conv(np.ones((2, 1, 1, 1)), below=0, output_shape=(None, 2, 5, 6))
    whole = as_layer(GlobalPooling(kind="max"), below=1, name="all")
    network = Network.of([image(1, 5, 6), kernels, whole])
    for size in ((5, 6), (4, 3), (7, 9)):
        shown = RNG.random((2, 1, *size))
        found = filtviz.patches(network, shown, "all", 2, engine="numpy")
        assert found.size == size
        assert found.corners.tolist() == [[[0, 0]] * 2] * 2
        np.testing.assert_array_equal(found.of(1), shown[found.images[1]])
    assert filtviz.patches(network, RNG.random((1, 1, 7, 9)), 0).size == (1, 1)


def test_of_equal_answers_the_first_excite_most() -> None:
    answers = np.tile([1.0, 2.0], 20)
    equal = Prediction(outputs=np.stack([answers, answers]), layer="l")
    assert equal.top(3) == [[("1", 2.0), ("3", 2.0), ("5", 2.0)]] * 2
    one = Fraction(1)
    best = _Best(3, ReceptiveField(size=(1, 1), jump=(one, one), start=(one, one), input_size=(4, 4)))
    best.add(np.ones((40, 2, 2, 2)) * answers[:, None, None, None], "it")
    assert best.images.tolist() == [[1, 3, 5]] * 2


def test_infinite_answers_excite_nothing_and_half_a_pixel_is_rounded_down() -> None:
    half = Fraction(1, 2)
    best = _Best(2, ReceptiveField(size=(2, 2), jump=(half, half), start=(-half, -half), input_size=(4, 4)))
    units = np.zeros((1, 1, 2, 3))
    units[0, 0, 0, 0], units[0, 0, 1, 2] = np.inf, 1.0
    best.add(units, "it")
    assert (best.responses[0, 0], best.corners[0, 0].tolist()) == (1.0, [0, 0])
    lower = units.copy()
    lower[0, 0, 1, 2], lower[0, 0, 0, 0] = 0.0, 2.0
    best.add(lower, "it")
    assert best.responses[0].tolist() == [2.0, 1.0]
    assert best.images[0].tolist() == [1, 0]
    assert best.corners[0, 0].tolist() == [-1, -1]


def test_images_are_counted_from_the_end_too() -> None:
    last = filtviz.activity(edges(), IMAGES, 0, -1, engine="numpy")
    assert last.image == 5
    np.testing.assert_allclose(last.maps, filtviz.activity(edges(), IMAGES, 0, 5, engine="numpy").maps)
    with pytest.raises(RunningError, match="there is no image -7"):
        filtviz.activity(edges(), IMAGES, 0, -7, engine="numpy")


def test_codes_of_one_unit_lie_on_a_line() -> None:
    found = filtviz.codes(edges(), IMAGES, "edges", engine="numpy")
    assert found.places.shape == (6, 2)
    places, shares = coding._pca(np.arange(4.0)[:, None])
    assert (places[:, 1].tolist(), shares) == ([0.0] * 4, (1.0, 0.0))


def test_of_classes_that_are_answered_alike_the_first_comes_first() -> None:
    from filtviz.responses.predicting import Prediction

    found = Prediction(outputs=np.array([[0.5, 1.0, 0.5, 1.0]]), layer="l", labels=("a", "b"))
    assert found.top(3) == [[("b", 1.0), ("3", 1.0), ("a", 0.5)]]
    assert [found.label(n) for n in (1, 2)] == ["b", "2"]


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_codes_that_are_not_finite_lie_nowhere(lost: float) -> None:
    dense = Dense(weights=Parameter.of("W", np.full((8 * 8, 2), lost)), units=2)
    network = Network.of([image(1, 8, 8), as_layer(Flatten(), dense, below=0, name="it")])
    with pytest.raises(RunningError, match="it gives numbers that are not finite"):
        filtviz.codes(network, np.ones((3, 1, 8, 8)), "it", engine="numpy")


def test_units_whose_mean_is_no_finite_number_do_not_warn() -> None:
    from filtviz.responses.coding import _row

    with np.errstate(all="raise"):
        assert np.isinf(_row(np.full((1, 2, 2, 2), 1e308))).all()
        assert _row(np.ones((1, 2, 2, 2))).tolist() == [[1, 1]]
