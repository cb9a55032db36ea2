"""Pictures of real layers, pixel by pixel against nolearn's own function on the same matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import filtviz

from .networks import lasagne, ll

visualize = pytest.importorskip("nolearn.lasagne.visualize")


@pytest.fixture(autouse=True)
def agg() -> Iterator[None]:
    before = plt.get_backend()
    plt.switch_backend("Agg")
    plt.close("all")
    yield
    plt.close("all")
    plt.switch_backend(before)


def pixels(figure: Figure) -> np.ndarray:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba()).astype(int)


def drawn_by_nolearn(layer: Any, figsize: tuple[float, float]) -> list[np.ndarray]:
    """Return the picture of each channel: the function opens one figure of pyplot's after the other."""
    visualize.plot_conv_weights(layer, figsize=figsize)
    pictures = [pixels(plt.figure(number)) for number in plt.get_fignums()]
    plt.close("all")
    return pictures


def build_layer(channels: int, filters: int, size: tuple[int, int]) -> Any:
    lasagne.random.set_rng(np.random.RandomState(channels + filters))
    return ll.Conv2DLayer(ll.InputLayer((None, channels, 32, 32)), filters, size, name="conv")


@pytest.mark.parametrize(
    ("channels", "filters", "size", "figsize"),
    [(1, 20, (3, 3), (6, 6)), (3, 7, (5, 4), (4, 3)), (2, 1, (7, 7), (6, 6)), (1, 9, (1, 1), (3, 3))],
    ids=["mission", "several channels", "one filter", "1x1"],
)
def test_every_channel_equals_nolearns_picture(
    channels: int,
    filters: int,
    size: tuple[int, int],
    figsize: tuple[float, float],
    tmp_path: Path,
    dump: Callable[..., Path],
) -> None:
    live = build_layer(channels, filters, size)
    read = filtviz.load(dump(live, tmp_path / "net.pkl")).conv_layers[0]
    expected = drawn_by_nolearn(live, figsize)
    assert len(expected) == channels
    assert any(np.ptp(picture[..., 0]) > 200 for picture in expected), "nolearn drew something"
    for layer in (live, live.W.get_value(), read):
        figures = filtviz.plot_conv_weights(layer, figsize=figsize)
        assert len(figures) == channels
        for figure, picture in zip(figures, expected, strict=True):
            drawn = pixels(figure)
            assert drawn.shape == picture.shape
            assert np.abs(drawn - picture).max() <= 1


def test_a_constant_kernel_is_drawn_as_nolearn_draws_it() -> None:
    live = build_layer(1, 4, (3, 3))
    weights = live.W.get_value()
    weights[1] = 0.25
    live.W.set_value(weights)
    (expected,) = drawn_by_nolearn(live, (6, 6))
    (figure,) = filtviz.plot_conv_weights(live)
    assert np.abs(pixels(figure) - expected).max() <= 1


def test_pyplot_never_learns_of_the_figures() -> None:
    filtviz.plot_conv_weights(build_layer(2, 3, (3, 3)))
    assert plt.get_fignums() == []
