"""Arguments of what is asked about images: what each can be, and the sentence about what it is not."""

from __future__ import annotations

import inspect
import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz.activations import Activation
from filtviz.errors import ArgumentError, RunningError
from filtviz.network import Network
from filtviz.operations import Dense, Flatten, Identity
from filtviz.parameter import Parameter
from filtviz.responses import activity, asking, coding, occlusion, patching
from filtviz.responses.coding import codes
from filtviz.responses.patching import patches
from tests.building import as_layer, conv, image

LARGEST = 2**31


def refusal(check: Any, given: Any, *more: Any, **named: Any) -> str:
    with pytest.raises(ArgumentError) as caught:
        check(given, "x", *more, **named)
    text = str(caught.value)
    assert text.startswith("x must be ")
    return text.removeprefix("x must be ").partition(", not ")[0]


@pytest.mark.cases("all")
@pytest.mark.parametrize("least", [0, 1, 5, -LARGEST])
def test_whole_numbers_are_within_their_bounds_and_are_none_of_another_kind(least) -> None:
    for given in (least, least + 1, LARGEST - 1, np.int8(7), np.uint64(9)):
        assert type(asking.whole(given, "x", least)) is int
        assert asking.whole(given, "x", least) == given
    said = f"a whole number of {least} or more" if least > -LARGEST else "a whole number that is not so large"
    for given in (least - 1, LARGEST, 7.5, "7", None, [7], math.nan):
        assert refusal(asking.whole, given, least) == said


def test_numbers_are_of_ordinary_size() -> None:
    for given in (0, -1e30, 1e30, np.float32(0.5), np.array(2.0)):
        assert asking.real(given, "x") == float(given)
    for given in (1.1e30, -2e30, math.nan, math.inf, "1", b"1", None, [1.0], np.ones(1), 10**400):
        assert refusal(asking.real, given) == "a number of ordinary size"
    assert asking.real(-100, "x", most=100.0) == -100
    assert refusal(asking.real, 100.5, most=100.0) == "a number of ordinary size"


def test_texts_pairs_and_names_are_what_they_are_called() -> None:
    assert asking.text("a", "x") == "a"
    for given in ("", None, 3, b"a", ["a"]):
        assert refusal(asking.text, given) == "a text"
    assert asking.pair((1, 2.0), "x", asking.real) == (1, 2.0)
    assert asking.pair(np.array([3, 4]), "x", asking.whole) == (3, 4)
    for given in ((1,), (1, 2, 3), 12, "12", {1, 2}, None, np.array(12), [[1, 2], [3, 4]]):
        assert refusal(asking.pair, given, asking.real) == "two numbers"
    assert refusal(asking.pair, [1, [2]], asking.real) == "a number of ordinary size"
    assert refusal(asking.pair, (1, "a"), asking.real) == "a number of ordinary size"
    assert asking.names(("a", 5, np.str_("b")), "x") == ("a", "5", "b")
    assert asking.names(["a", ["b"]], "x") == ("a", "['b']")
    bare = type("Bare", (), {"__array__": lambda *_, **__: np.ones(2)})()
    for given in ("ab", b"ab", 5, None, np.array("a"), {"a"}, bare):
        assert refusal(asking.names, given) == "several texts"


def test_units_are_one_or_several() -> None:
    assert asking.units(3, "x") == asking.units(np.int64(3), "x") == (3,)
    assert asking.units(np.array(3), "x") == asking.units(np.array([3]), "x") == (3,)
    for given in ([0, 4], (0, 4), np.array([0, 4]), range(0, 8, 4)):
        assert asking.units(given, "x") == (0, 4)
    for given in (-1, [1, -1], 2.5, "2", None, [[1]], [1, [2]], {1}, "12"):
        assert refusal(asking.units, given) == "a whole number of 0 or more"
    assert asking.maybe(asking.whole, None, "x") is None
    assert asking.maybe(asking.whole, 4, "x") == 4


def test_flags_are_true_and_false_and_numbers_that_say_so() -> None:
    for name in ("nolearn", "signed"):
        flag = asking._CHECKS[name]
        assert [flag(given, name) for given in (True, False, 0, 1, 5)] == [True, False, False, True, True]
        with pytest.raises(ArgumentError, match=f"^{name} must be a whole number of 0 or more, not "):
            flag("yes", name)


# Layers and images


def test_a_layer_of_two_of_one_name_is_itself_and_that_of_another_network_the_one_of_its_name() -> None:
    relu = Activation(kind="rectify")
    one, other = (network(*(as_layer(relu, below=0, name="a") for _ in "ab")) for _ in "ab")
    for layer in one.layers:
        assert asking.choose_layer(one, layer) is layer
    entrance = asking.choose_layer(one, other.layers[0])
    assert entrance is one.layers[0]


def test_a_layer_with_a_nonlinearity_among_others_answers_itself() -> None:
    relu = Activation(kind="rectify")
    known = network(
        as_layer(Identity(), relu, below=0),
        as_layer(relu, below=1),
        as_layer(below=2),
        as_layer(relu, below=3),
    )
    assert [asking.answering(known, layer).index for layer in known.layers[1:]] == [1, 2, 4, 4]


def test_images_have_rows_and_columns_and_one_of_a_network_without_an_image_has_a_channel() -> None:
    bare = Network.of([as_layer(Activation(kind="rectify"))])
    assert asking.with_all_axes(bare, [[1.0, 2.0]]).shape == (1, 1, 1, 2)  # type: ignore[arg-type]
    for shape in ((3,), (1, 1, 1, 4, 4)):
        with pytest.raises(RunningError, match=r"^one image is needed, these have the shape"):
            asking.with_all_axes(network(), np.ones(shape))
    with pytest.raises(ArgumentError, match=r"^preparation must be a filtviz.Preparation, not 'x'"):
        asking.pictures_of(network(), np.ones((1, 1, 4, 4)), "x")  # type: ignore[arg-type]


# Codes and patches


def dense(units: int, below: int) -> Any:
    weights = Parameter.of("W", np.ones((below, units)))
    return as_layer(
        Flatten(), Dense(weights=weights, axes="io", units=units), name="dense", type="dense", below=0
    )


def network(*layers: Any) -> Network:
    return Network.of([image(1, 4, 4), *layers])


def failure(call: Any, *args: Any, **named: Any) -> str:
    with pytest.raises(RunningError) as caught:
        call(*args, **named)
    return str(caught.value)


def test_none_is_no_number_that_is_wanted() -> None:
    known, shown = network(conv(np.ones((2, 1, 3, 3)), below=0)), np.zeros((3, 1, 4, 4))
    cases: Any = (
        (activity, {"images": shown, "image": None}, "image must be a whole number that is not so large"),
        (patches, {"images": shown, "top": None}, "top must be a whole number of 1 or more"),
        (occlusion, {"image": shown[:1], "square": None}, "square must be a whole number of 1 or more"),
    )
    for call, how, said in cases:
        with pytest.raises(ArgumentError) as caught:
            call(known, **how)
        assert str(caught.value) == f"{said}, not None"


def test_codes_that_cannot_be_laid_out_are_refused() -> None:
    shown = np.zeros((3, 1, 4, 4))
    known = network(dense(5, 16))
    assert failure(codes, known, shown, plane="plane") == "there is no plane 'plane': take pca or tsne"
    assert failure(codes, known, shown[:1]) == (
        "codes lie near or far from each other: give two images or more"
    )
    bare = network(conv(np.ones((2, 1, 3, 3)), below=0))
    assert (
        failure(codes, bare, shown)
        == "the network has no dense layer: choose the layer whose codes are wanted"
    )
    alone = Network.of([replace(known.layers[-1], inputs=()), *bare.layers])
    assert failure(codes, alone, shown).startswith("the network has no dense layer")
    lost = Parameter.of("W", np.full((16, 2), np.nan))
    dead = as_layer(Flatten(), Dense(weights=lost, axes="io", units=2), name="bad", type="dense", below=0)
    nan = network(dead)
    with np.errstate(invalid="ignore"):
        assert failure(codes, nan, shown, layer="bad").endswith(" gives numbers that are not finite")
    assert codes(known, shown, layer="dense").codes.shape == (3, 5)


@pytest.mark.cases("all")
@pytest.mark.parametrize("shape", [(2, 3), (3, 1), (9, 4), (4, 9)])
def test_the_plane_is_that_of_the_two_largest_directions(shape) -> None:
    """Held against the eigenvectors of the covariance."""
    rows = np.random.default_rng(0).normal(size=shape) * np.arange(1, shape[1] + 1)
    places, explained = coding._pca(rows)
    centred = rows - rows.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    values, vectors = values[::-1][:2], vectors[:, ::-1][:, :2]
    n = min(2, *shape)
    wanted = np.zeros((shape[0], 2))
    wanted[:, :n] = (centred @ vectors)[:, :n]
    np.testing.assert_allclose(np.abs(places), np.abs(wanted), atol=1e-9)
    for place in range(n):
        largest = places[np.abs(places[:, place]).argmax(), place]
        assert largest >= 0
    total = np.square(centred).sum()
    assert explained == pytest.approx([*(np.maximum(values, 0) / total), 0.0][:2], abs=1e-9)


def test_codes_of_one_place_lie_at_zero() -> None:
    places, explained = coding._pca(np.ones((3, 4)))
    assert not places.any()
    assert explained == (0.0, 0.0)


def test_maps_are_averaged_over_their_places() -> None:
    maps = np.arange(48.0).reshape(2, 3, 4, 2)
    assert coding._row(maps).tolist() == [[float(m.mean()) for m in each] for each in maps]
    assert coding._row(maps[:, :, 0, 0]).tolist() == maps[:, :, 0, 0].tolist()
    assert coding._row(np.array([1.0, 2.0])).tolist() == [[1.0], [2.0]]


def test_pieces_that_cannot_be_found_are_refused() -> None:
    known = network(conv(np.ones((2, 1, 3, 3)), below=0))
    shown = np.zeros((2, 1, 4, 4))
    for top in (0, -3):
        with pytest.raises(ArgumentError, match=r"^top must be a whole number of 1 or more"):
            patches(known, shown, 0, top=top)
    untold = network(conv(np.ones((2, 1, 3, 3)), below=0, stride=None, name="open"))
    said = failure(patches, untold, shown, 0)
    assert "open" in said
    best = patching._Best(1, None)  # type: ignore[arg-type]
    assert (
        failure(best.add, np.zeros((2, 3, 4)), "it") == "it has no maps over the image: choose a convolution"
    )


def test_only_what_speaks_of_classes_takes_their_names_and_only_what_works_a_budget() -> None:
    for name in ("predict", "occlusion", "saliency", "activity", "codes", "patches", "maximise", "loss"):
        taken = inspect.signature(getattr(filtviz, name)).parameters
        assert ("labels" in taken) == (name in ("predict", "occlusion", "saliency"))
        assert ("budget" in taken) == (name != "loss")


def test_a_piece_is_cut_pixel_by_pixel_wherever_it_lies() -> None:
    shown = np.arange(24.0).reshape(1, 2, 3, 4)
    corners = [(row, col) for row in (-5, -2, -1, 0, 2, 3, 5) for col in (-7, -3, -1, 0, 1, 3, 4, 6)]
    found = patching.Patches(
        layer="l",
        responses=np.zeros((1, len(corners))),
        images=np.zeros((1, len(corners)), int),
        corners=np.array([corners]),
        size=(2, 3),
        shown=shown,
    )
    found.responses[0, 7] = -np.inf
    for place, ((row, col), piece) in enumerate(zip(corners, found.of(0), strict=True)):
        wanted = np.full((2, 2, 3), np.nan)
        for i, j in itertools.product(range(2), range(3)):
            if 0 <= row + i < 3 and 0 <= col + j < 4 and place != 7:
                wanted[:, i, j] = shown[0, :, row + i, col + j]
        np.testing.assert_array_equal(piece, wanted)
