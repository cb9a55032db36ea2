"""Tiles of a page's pictures of images, as facts: which layers, which colours, what is marked, how large."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from filtviz import BudgetError, MissingExtraError, RunningError
from filtviz.drawing.colours import by_colour_map
from filtviz.reporting import shown
from filtviz.responses import Activity, Patches
from filtviz.responses.examining import Examination, LayerResponse
from filtviz.running.preparing import Pictures

SEEN = np.linspace(0, 1, 2 * 25).reshape(2, 1, 5, 5)
PICTURES = Pictures(images=SEEN, seen=SEEN, names=("a.png", "b.png"), labels=None, sentences=())


@pytest.fixture(autouse=True)
def tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tile is the pixels and the words that it is made of."""
    monkeypatch.setattr(shown, "_tile", lambda pixels, words, *, marked=False: (pixels, words, marked))
    monkeypatch.setattr(shown, "ImageFigure", SimpleNamespace)


def examined(*convs: int | None, reason: str = "") -> Examination:
    layers = tuple(
        LayerResponse(layer="l", index=i, conv_index=conv, units=1, function="", fires=(1.0,))
        for i, conv in enumerate(convs)
    )
    return Examination(n_images=2, layers=layers, reason=reason)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("convs", "look_at", "reason", "drawn"),
    [
        ((0, 1, 2, None), None, "", ["maps 0", "maps 2", "pieces 2", "looks"]),
        ((0, 1, 2, None), 1, "", ["maps 0", "maps 1", "pieces 1", "looks"]),
        ((0, 1, 2), 0, "", ["maps 0", "pieces 0", "looks"]),
        ((0, 1), 7, "", ["maps 0", "maps 1", "pieces 1", "looks"]),
        ((0,), None, "it stops", ["maps 0", "pieces 0"]),
        ((None,), None, "", ["looks"]),
        ((), None, "it stops", []),
    ],
)
def test_the_first_and_the_deepest_layer_are_drawn(monkeypatch, convs, look_at, reason, drawn) -> None:
    monkeypatch.setattr(shown, "_maps", lambda _, __, index, ___: f"maps {index}")
    monkeypatch.setattr(shown, "_pieces", lambda _, __, index, ___: f"pieces {index}")
    monkeypatch.setattr(shown, "_looks", lambda *_: "looks")
    found = shown.draw_images(None, examined(*convs, reason=reason), PICTURES, look_at, None)  # type: ignore[arg-type]
    assert found == (tuple(drawn), ())


@pytest.mark.parametrize(
    "error",
    [
        RunningError("it cannot be run"),
        BudgetError("it cannot be run", share="work", needed=2, allowed=1, option="--max-work"),
    ],
)
def test_what_cannot_be_drawn_is_said_once_and_the_rest_is_drawn(monkeypatch, error) -> None:
    def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr(shown, "_maps", refuse)
    monkeypatch.setattr(shown, "_pieces", refuse)
    monkeypatch.setattr(shown, "_looks", lambda *_: "looks")
    found = shown.draw_images(None, examined(0, 1), PICTURES, None, None)  # type: ignore[arg-type]
    assert found == (("looks",), ("it cannot be run",))


def maps_of(monkeypatch: pytest.MonkeyPatch, maps: np.ndarray, function: str = "rectify") -> Any:
    n = len(maps)
    fires = np.array([1.0] * (n - 1) + [0.0])
    found = Activity(
        layer="c", maps=maps, image=0, n_images=2, fires=fires, saturated=None, strongest=np.ones(n),
        function=function,
    )  # fmt: skip
    monkeypatch.setattr(shown, "activity", lambda *_, **__: found)
    return shown._maps(None, PICTURES, 0, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("low", [0.0, -4.0])
def test_maps_share_a_scale_whose_middle_is_zero_where_some_are_below_it(monkeypatch, low: float) -> None:
    figure = maps_of(monkeypatch, np.array([[[low, 2.0]], [[1.0, 0.0]]]))
    assert (figure.title, [words for _, words, _ in figure.tiles]) == (
        "c: maps",
        ["the image", "0", "1 never fires"],
    )
    assert [marked for *_, marked in figure.tiles] == [False, False, True]
    assert np.array_equal(figure.tiles[0][0], shown._grey(SEEN[0]))
    wanted = np.array([[-1, 0.5]]) if low else np.array([[-1, 1.0]])
    assert np.array_equal(figure.tiles[1][0], by_colour_map(wanted, shown.CHANGES if low else shown.MAPS))
    assert figure.note == "what its units answer to a.png, all on one scale, bright is much"


@pytest.mark.parametrize("n", [shown.MOST_MAPS, shown.MOST_MAPS + 1])
def test_more_maps_than_are_drawn_are_counted(monkeypatch, n: int) -> None:
    figure = maps_of(monkeypatch, np.ones((n, 1, 1)))
    assert len(figure.tiles) == shown.MOST_MAPS + 1
    more = f"; the first {shown.MOST_MAPS} of {n}" if n > shown.MOST_MAPS else ""
    assert figure.note.endswith(f"bright is much{more}")


@pytest.mark.parametrize("beside", [False, True])
def test_pieces_that_answer_stand_behind_their_filter(monkeypatch, beside: bool) -> None:
    found = Patches(
        layer="c", responses=np.array([[2.0, 1.0], [0.0, -np.inf]]), images=np.array([[1, 0], [0, 0]]),
        corners=np.zeros((2, 2, 2), int), size=(2, 2), shown=SEEN, rectifies=True,
    )  # fmt: skip
    templates = np.array([[[[1.0, -2.0]]], [[[0.0, 1.0]]]]) if beside else None
    monkeypatch.setattr(shown, "patches", lambda *_, **__: found)
    monkeypatch.setattr(shown, "_templates", lambda *_: templates)
    monkeypatch.setattr(shown, "_in_a_row", lambda parts, size: (list(parts), size))
    network = SimpleNamespace(conv_layers=[None])
    figure = shown._pieces(network, PICTURES, 0, None)  # type: ignore[arg-type]
    (first, words, marked), (second, other, is_marked) = figure.tiles
    assert (words, marked, other, is_marked) == ("0", False, "1: no answer", True)
    assert (len(first[0]), len(second[0])) == (2 + beside, int(beside))
    assert np.array_equal(first[0][beside], shown._grey(found.of(0)[0]))
    if beside:
        assert np.array_equal(first[0][0], by_colour_map(np.array([[0.5, -1.0]]), shown.CHANGES))
    said = "the filter as it matches in the image, then " if beside else ""
    assert figure.note == f"for each filter {said}the 2×2 pixels that excite it most, the strongest first"


def test_pictures_are_grey_or_in_colours_and_what_lies_outside_is_bluish() -> None:
    grey = shown._grey(np.array([[[0.0, 0.5, 1.0, np.nan]]]))
    assert grey[0].tolist() == [[0] * 3, [128] * 3, [255] * 3, list(shown.EMPTY)]
    colours = shown._grey(np.array([[[1.0]], [[0.5]], [[0.0]]]))
    assert colours[0, 0].tolist() == [255, 128, 0]
    assert shown._grey(np.array([[[-1.0, 1.0]]]))[0, 0].tolist() == [0] * 3
    assert shown._grey(np.array([[[0.0]], [[1.0]]]))[0, 0].tolist() == [128] * 3


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_a_filter_is_the_mean_of_its_channels_and_the_sum_of_three_colours(channels: int) -> None:
    kernel = np.random.default_rng(0).normal(size=(channels, 2, 2))
    flat = kernel.sum(axis=0) if channels == 3 else kernel.mean(axis=0)
    assert np.array_equal(shown._weights(kernel), by_colour_map(flat / np.abs(flat).max(), shown.CHANGES))
    assert np.array_equal(shown._weights(0 * kernel), by_colour_map(0 * flat, shown.CHANGES))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "size", [(1, 1), (shown.LARGEST, 3), (shown.LARGEST + 1, 3), (2 * shown.LARGEST, 2 * shown.LARGEST)]
)
def test_a_picture_is_made_of_the_means_of_blocks_so_that_it_is_no_larger_than_a_tile(size) -> None:
    values = np.random.default_rng(0).random((2, *size))
    found = shown._shrunk(values)
    block = 1 if max(size) <= shown.LARGEST else 2
    assert found.shape == (2, -(-size[0] // block), -(-size[1] // block))
    assert found[1, 0, 0] == pytest.approx(values[1, :block, :block].mean())
    assert max(shown._fitted(np.zeros((*size, 3), np.uint8)).shape[:2]) <= shown.LARGEST


def test_pictures_in_a_row_have_a_white_line_between() -> None:
    parts = [np.zeros((4, 20, 3), np.uint8), np.full((4, 20, 3), 9, np.uint8)]
    row = shown._in_a_row(parts, (4, 20))
    assert row.shape == (4, 42, 3)
    assert row[0, :, 0].tolist() == [0] * 20 + [255] * 2 + [9] * 20
    assert shown._in_a_row([], (4, 20))[0, 0].tolist() == list(shown.EMPTY)
    assert shown._in_a_row(parts[:1], (4, 20)).shape == (4, 20, 3)


def test_what_the_answer_rests_on_is_red_and_what_speaks_against_it_blue(monkeypatch) -> None:
    """Covered at the first place the answer of the best class falls, at the last it rises."""
    answers = np.array([[0.1, 0.6, 0.3]])
    network: Any = SimpleNamespace(run=lambda images, budget: answers)
    asked = []

    def occluded(
        _: Any, image: np.ndarray, target: int, square: int, *, stride: int, budget: Any
    ) -> np.ndarray:
        asked.append((target, square, stride, budget))
        return np.array([[0.2, 0.6, 0.8]])

    monkeypatch.setattr(shown, "occlusion", occluded)
    monkeypatch.setattr(shown, "classes_of", lambda answer: answer)
    drawn = shown._covered(network, np.zeros((1, 64, 70)), 64, None)
    assert asked == [(1, 12, 2, None)]
    assert np.array_equal(drawn, by_colour_map(np.array([[1.0, 0.0, -0.5]]), shown.CHANGES))
    (red, _, red_blue), white, (blue_red, _, blue) = drawn[0].tolist()
    assert red > red_blue
    assert blue > blue_red
    assert min(white) > 200
    shown._covered(network, np.zeros((1, 8, 8)), 8, None)
    assert asked[1] == (1, 3, 1, None)


@pytest.mark.parametrize("has_gradients", [True, False])
def test_where_the_network_looks_is_told_by_gradients_or_else_by_covering(monkeypatch, has_gradients) -> None:
    asked: list[Any] = []
    heat = np.arange(25.0).reshape(1, 5, 5)

    def saliency(_: Any, image: Any, *, signed: bool, budget: Any) -> Any:
        asked.append((image.shape, signed, budget))
        if not has_gradients:
            raise MissingExtraError("no torch")
        return heat if len(asked) == 1 else np.moveaxis(heat, 0, -1)

    monkeypatch.setattr(shown, "saliency", saliency)
    monkeypatch.setattr(shown, "_covered", lambda _, image, square, budget: (image.shape, square, budget))
    monkeypatch.setattr(shown, "_sequential", lambda values: values)
    found = shown._looks(None, PICTURES, "budget")  # type: ignore[arg-type]
    assert [words for _, words, _ in found.tiles] == ["a.png", "where it looks", "b.png", "where it looks"]
    assert len(asked) == (2 if has_gradients else 1)
    assert asked[0] == (SEEN[0].shape, False, "budget")
    for pixels, _, _ in found.tiles[1::2]:
        assert np.array_equal(pixels, heat[0]) if has_gradients else pixels == (SEEN[0].shape, 5, "budget")
    assert found.note.startswith("bright: " if has_gradients else "red: ")
