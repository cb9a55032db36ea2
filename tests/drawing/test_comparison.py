"""Comparisons: numbers by their definitions, one scale for all states, answers in words."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import filtviz
from filtviz.drawing import DrawingOptions
from filtviz.drawing.kernel_sheets import comparison_pages, frame_pages
from filtviz.drawing.options import SheetOptions
from filtviz.drawing.saving import write_animation
from filtviz.errors import DrawingError
from filtviz.measures.comparison import LayerComparison, compare_layers

from .making import layer_of, random_weights


def comparison_of(*states: np.ndarray) -> LayerComparison:
    return compare_layers([layer_of(weights) for weights in states], [f"{i}.pkl" for i in range(len(states))])


def options(**sheet: object) -> DrawingOptions:
    return DrawingOptions(view="sheet", sheet=SheetOptions(**sheet))


def test_change_and_cosine_of_each_filter() -> None:
    first, last = random_weights(5, 3, 3, 3), random_weights(5, 3, 3, 3, seed=1)
    found = comparison_of(first, random_weights(5, 3, 3, 3, seed=2), last)
    for o in range(5):
        a, b = first[o].ravel().astype("f8"), last[o].ravel().astype("f8")
        assert found.relative_change[o] == pytest.approx(np.sqrt(((b - a) ** 2).sum() / (a**2).sum()))
        assert found.cosine[o] == pytest.approx(a @ b / np.sqrt((a @ a) * (b @ b)))
    a, b = first.ravel().astype("f8"), last.ravel().astype("f8")
    assert found.total_cosine == pytest.approx(np.corrcoef([a, b])[0, 1], abs=0.05)
    assert found.total_change == pytest.approx(np.linalg.norm(b - a) / np.linalg.norm(a))


def test_a_filter_that_was_turned_round_has_the_cosine_of_its_sign() -> None:
    first = random_weights(3, 2, 3, 3)
    found = comparison_of(first, first * np.array([1, -1, -2])[:, None, None, None])
    assert found.cosine == pytest.approx([1, -1, -1])
    (page,) = comparison_pages(found, options())
    beside = [label.partition("after ")[2] for label in page.sheet.labels if "after" in label]
    assert beside == ["cos 1.00", "cos -1.00", "cos -1.00"]
    turned = comparison_of(first, -first)
    assert turned.total_cosine == pytest.approx(-1)
    assert turned.sentence.endswith("; the cosine of first and last is -1.000")


def test_a_sheet_says_whether_its_kernels_were_turned_and_what_would_mislead() -> None:
    found = comparison_of(random_weights(3, 1, 3, 3), random_weights(3, 1, 3, 3, seed=1))
    (page,) = comparison_pages(found, options())
    assert page.sheet.facts[0].endswith(", as stored")
    assert page.sheet.notes == ()
    (page,) = comparison_pages(found, options(), cautions=("be careful",), as_stored=False)
    assert page.sheet.facts[0].endswith(", as they match in the image")
    assert page.sheet.notes == ("be careful",)


def test_no_change_is_said_to_be_none() -> None:
    weights = random_weights(3, 1, 3, 3)
    found = comparison_of(weights, weights)
    assert found.relative_change.tolist() == [0.0] * 3
    assert found.sentence == "nothing changed from 0.pkl to 1.pkl: all 27 weights are the same"


def test_what_became_zero_or_grew_beyond_measure_is_said_in_plain_words() -> None:
    first = random_weights(3, 1, 3, 3).astype("f8")
    assert comparison_of(first, 0 * first).sentence == (
        "from 0.pkl to 1.pkl the weights changed by 100% of their norm (filters: median 100%, 100% to 100%): "
        "all of them are zero now"
    )
    assert comparison_of(first, 1e9 * first).sentence == (
        "from 0.pkl to 1.pkl the weights changed by 1e+09 times their norm (filters: median 1e+09 times, "
        "1e+09 times to 1e+09 times); the cosine of first and last is 1.000"
    )
    assert "by 10000% of their norm" in comparison_of(first, 101 * first).sentence
    assert (
        "by under 1% of their norm (filters: median under 1%, "
        in comparison_of(first, 1.001 * first).sentence
    )


def test_a_filter_that_was_zero_has_no_direction() -> None:
    first, last = np.zeros((2, 1, 2, 2)), np.ones((2, 1, 2, 2))
    last[1] = 0
    found = comparison_of(first, last)
    assert found.relative_change.tolist() == [np.inf, 0.0]
    assert np.isnan(found.cosine).all()
    assert found.sentence == "from 0.pkl to 1.pkl 1 of the 2 filters changed: all weights were zero before"
    everything = comparison_of(first, np.ones_like(first))
    assert everything.sentence == "from 0.pkl to 1.pkl every filter changed: all weights were zero before"
    (page,) = comparison_pages(found, options())
    assert page.sheet.captions[0] == ("", "", "new")


def test_one_channel_makes_a_strip_of_states_on_one_scale() -> None:
    first, last = random_weights(4, 1, 3, 3), random_weights(4, 1, 3, 3, seed=1)
    (page,) = comparison_pages(comparison_of(first, last), options())
    states = np.stack([first, last, last - first], axis=1)[:, :, 0].astype("f8")
    np.testing.assert_allclose(page.sheet.values * np.abs(states).max(), states, atol=1e-6)
    assert page.sheet.headings == ("before", "after", "difference")
    assert page.part == "compare"


@pytest.mark.parametrize("scale", ["kernel", "filter", "layer"])
def test_several_channels_make_a_row_of_each_state(scale: str) -> None:
    first, last = random_weights(2, 3, 2, 2), 3 * random_weights(2, 3, 2, 2, seed=1)
    (page,) = comparison_pages(comparison_of(first, last), options(scale=scale))
    states = np.stack([first, last, last - first], axis=1).astype("f8")
    axes = {"kernel": (1, 3, 4), "filter": (1, 2, 3, 4), "layer": (0, 1, 2, 3, 4)}[scale]
    expected = states / np.abs(states).max(axis=axes, keepdims=True)
    np.testing.assert_allclose(page.sheet.values, expected.reshape(6, 3, 2, 2), atol=1e-6)
    assert page.sheet.labels[0] == "0 before"
    assert page.sheet.labels[4].startswith("1 after cos ")
    assert page.sheet.labels[5].startswith("1 difference ")
    assert page.sheet.headings == ("0", "1", "2")


def test_checkpoints_make_a_strip_each() -> None:
    states = [random_weights(3, 1, 3, 3, seed=s) for s in range(4)]
    (page,) = comparison_pages(comparison_of(*states), options())
    assert page.sheet.headings == ("1", "2", "3", "4", "difference")
    assert page.sheet.values.shape == (3, 5, 3, 3)


def test_top_and_order_go_by_the_change() -> None:
    first = np.ones((3, 1, 2, 2))
    last = first * np.array([1.5, 1.0, 3.0])[:, None, None, None]
    found = comparison_of(first, last)
    (page,) = comparison_pages(found, options(), "change")
    assert page.sheet.labels == ("2", "0", "1")
    (page,) = comparison_pages(found, options(top=2))
    assert page.sheet.labels == ("0", "2")
    assert page.sheet.notes == ("1 filter that changed less not drawn (--top)",)


@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        ([(2, 1, 3, 3)], "there is only one file"),
        ([(2, 1, 3, 3), (2, 1, 5, 5)], "conv1 is 2x1x3x3 in 0.pkl and 2x1x5x5 in 1.pkl"),
    ],
)
def test_what_cannot_be_compared_says_why(states: list[tuple[int, ...]], sentence: str) -> None:
    with pytest.raises(DrawingError, match=sentence):
        comparison_of(*[random_weights(*shape) for shape in states])


def test_weights_that_are_not_finite_cannot_be_compared() -> None:
    broken = np.full((1, 1, 2, 2), np.nan)
    with pytest.raises(DrawingError, match="not finite"):
        comparison_of(broken, broken)


def test_an_animation_has_a_frame_for_each_state_on_one_scale() -> None:
    states = [random_weights(3, 1, 3, 3), 2 * random_weights(3, 1, 3, 3, seed=1)]
    pages = list(frame_pages(comparison_of(*states), options()))
    most = np.abs(states[1]).max()
    for page, weights in zip(pages, states, strict=True):
        np.testing.assert_allclose(page.sheet.values * most, weights, rtol=1e-6)
    stream = BytesIO()
    write_animation([page.image() for page in pages], stream)
    with Image.open(stream) as animation:
        assert animation.format == "GIF"
        assert animation.n_frames == 2
        assert animation.info["loop"] == 0
        for number, page in enumerate(pages):
            animation.seek(number)
            shown = np.asarray(animation.convert("RGB")).astype(int)
            drawn = np.asarray(page.image().convert("RGB")).astype(int)
            assert np.abs(shown - drawn).mean() < 2


def test_frames_of_several_sizes_get_a_margin() -> None:
    stream = BytesIO()
    write_animation([Image.new("RGB", (4, 2), "black"), Image.new("RGB", (3, 5), "red")], stream)
    with Image.open(stream) as animation:
        assert animation.size == (4, 5)
        animation.seek(1)
        assert animation.convert("RGB").getpixel((3, 0)) == (255, 255, 255)


def test_a_frame_that_needs_pages_is_refused() -> None:
    weights = random_weights(200, 150, 3, 3)
    with pytest.raises(DrawingError, match="needs 6 pages: animate fewer filters with --top"):
        list(frame_pages(comparison_of(weights, weights), options()))


@pytest.mark.slow
def test_a_frame_that_needs_pages_leaves_the_comparison_and_its_pictures(tmp_path: Path) -> None:
    def models(n_channels: int) -> list[Path]:
        paths = [tmp_path / f"{name}{n_channels}.npz" for name in ("before", "after")]
        for seed, path in enumerate(paths):
            weights = np.random.default_rng(seed).normal(size=(2, n_channels, 3, 3)).astype("f4")
            np.savez(path, weights, np.zeros(2, "f4"))
        return paths

    gif, picture = tmp_path / "moving.gif", tmp_path / "changed.pdf"
    long = filtviz.compare(models(150), animate=gif, output=picture)
    assert [failure.reason for failure in long.failures] == [
        "a frame of conv1 needs 2 pages: animate fewer filters with --top"
    ]
    assert (len(long.comparisons), gif.exists(), picture.exists()) == (1, False, True)
    short = filtviz.compare(models(3), animate=gif)
    assert (short.failures, gif.exists()) == ((), True)


def test_from_python() -> None:
    states = [random_weights(3, 1, 3, 3, seed=s) for s in range(2)]
    comparison = filtviz.compare(states)
    assert comparison.states == ("1", "2")
    (figure,) = filtviz.plot_comparison(comparison, filtviz.SheetOptions(top=1))
    assert figure.texts[0].get_text() == "array · 1 → 2"
    with pytest.raises(ValueError, match="2 layers and 1 names"):
        filtviz.compare(states, ["before"])
