"""Figures: for people's own further work, and for PDF and SVG."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import filtviz
from filtviz.drawing import DrawingOptions, draw
from filtviz.drawing.figures import blank_figure, page_figure, render
from filtviz.drawing.pixelmap import Grid, place_boxes
from filtviz.errors import DrawingError

from .nolearnpage import nolearn_page
from .test_grid import kernels_of, layer_of


def pixels(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


class Shared:
    def __init__(self, value):
        self.value = value

    def get_value(self):
        return self.value


class Conv2DLayer:
    def __init__(self, value):
        self.W = Shared(value)


class TransposedConv2DLayer(Conv2DLayer):
    pass


class Conv2DCCLayer(Conv2DLayer):
    dimshuffle = False


@pytest.mark.slow
def test_a_layer_gives_a_figure_for_each_channel_with_nolearns_axes():
    filters = kernels_of((5, 2, 3, 3))
    figures = filtviz.plot_conv_weights(layer_of(filters))
    assert len(figures) == 2
    assert [len(figure.axes) for figure in figures] == [9, 9]
    for channel, figure in enumerate(figures):
        assert np.array_equal(pixels(figure), nolearn_page(filters[:, channel]))


@pytest.mark.slow
def test_figsize_is_nolearns_second_argument():
    filters = kernels_of((4, 1, 3, 3))
    (figure,) = filtviz.plot_conv_weights(filters, (3, 4))
    assert np.array_equal(pixels(figure), nolearn_page(filters[:, 0], (3, 4)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("live", "order"),
    [(Conv2DLayer, (0, 1, 2, 3)), (TransposedConv2DLayer, (1, 0, 2, 3)), (Conv2DCCLayer, (1, 2, 3, 0))],
)
def test_a_live_layer_is_drawn_by_filters_and_channels_however_it_stores_them(live, order):
    filters = kernels_of((5, 2, 3, 4))
    figures = filtviz.plot_conv_weights(live(np.ascontiguousarray(filters.transpose(order))))
    assert len(figures) == 2
    assert np.array_equal(pixels(figures[1]), nolearn_page(filters[:, 1]))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (np.zeros((3, 3)), "the array has 2 axes, not 4 (filters, channels, rows, cols)"),
        (np.zeros((2, 0, 3, 3)), "the array holds no real numbers to draw: float64 (2, 0, 3, 3)"),
        (object(), "object has no weights to draw"),
        (Conv2DLayer(np.zeros((2, 3, 5))), "the W of Conv2DLayer has 3 axes"),
        (layer_of(np.zeros((2, 1, 5)), axes="oic"), "conv1 is not drawn: its filters are curves"),
    ],
)
def test_what_has_no_kernels_is_refused(given, sentence):
    with pytest.raises(DrawingError) as caught:
        filtviz.plot_conv_weights(given)
    assert sentence in str(caught.value)


def settings():
    # "backend" is resolved, and so changed, by whoever looks at it
    return {name: matplotlib.rcParams[name] for name in matplotlib.rcParams if name != "backend"}


def test_margins_and_gaps_are_matplotlibs_own_whatever_the_settings_say():
    names = ("left", "right", "bottom", "top", "wspace", "hspace")
    shipped = {name: matplotlib.rcParamsDefault[f"figure.subplot.{name}"] for name in names}
    odd = {f"figure.subplot.{name}": value + 0.05 for name, value in shipped.items()}
    with matplotlib.rc_context(odd):
        figure = blank_figure((4, 4), 100)
        assert {name: getattr(figure.subplotpars, name) for name in names} == shipped


@pytest.mark.slow
def test_nobodys_settings_change_a_picture_and_no_setting_is_changed():
    filters = kernels_of((5, 1, 3, 3))
    expected = nolearn_page(filters[:, 0])
    ours = {
        "figure.facecolor": "black",
        "figure.subplot.left": 0.3,
        "figure.autolayout": True,
        "image.origin": "lower",
        "image.aspect": "auto",
        "image.cmap": "jet",
    }
    with matplotlib.rc_context(ours):
        before = settings()
        (figure,) = filtviz.plot_conv_weights(filters)
        (picture,) = draw(layer_of(filters), [0], DrawingOptions())
        assert np.array_equal(pixels(figure), expected)
        assert np.array_equal(np.asarray(picture.image().convert("RGB")), expected)
        assert settings() == before


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("n_filters", "size", "figsize"),
    [
        (5, (3, 3), (6, 6)),
        (64, (3, 3), (6, 6)),
        (20, (5, 5), (4, 4)),
        (10, (5, 3), (6, 6)),
        (10, (3, 3), (5, 8)),
    ],
)
def test_the_one_artist_of_pdf_and_svg_lies_where_the_axes_would(n_filters, size, figsize):
    kernels = kernels_of((n_filters, *size))
    (picture,) = draw(layer_of(kernels[:, None]), [0], DrawingOptions(figsize=figsize))
    figure = picture.figure()
    (axes,) = figure.axes
    (image,) = axes.images
    grid = picture.grid
    boxes = place_boxes(grid)
    drawn = image.get_array()
    box = axes.get_window_extent()
    cell = (boxes.right[0] - boxes.left[0]) / grid.cols
    assert box.x0 == pytest.approx(boxes.left[0])
    assert box.y1 == pytest.approx(boxes.top[0])
    background = (drawn == 255).all(axis=2)
    inked = np.flatnonzero(~background.all(axis=0))
    starts = inked[np.diff(inked, prepend=-9) > 1]
    expected = (boxes.left - boxes.left[0]) / box.width * drawn.shape[1]
    pixel = box.width / drawn.shape[1]
    assert len(starts) == min(grid.n, n_filters)
    assert np.abs(starts - expected).max() * pixel <= 0.05 * cell


@pytest.mark.slow
def test_the_one_artist_shows_the_pages_colours():
    kernels = kernels_of((4, 3, 3))
    (picture,) = draw(layer_of(kernels[:, None]), [0], DrawingOptions(cmap="viridis"))
    small = picture.figure().axes[0].images[0].get_array()[2::5, 2::5]  # the middles of its cells
    page = nolearn_page(kernels, cmap="viridis")
    assert {tuple(c) for c in small.reshape(-1, 3)} == {tuple(c) for c in page.reshape(-1, 3)}


def test_page_figure_resolves_cells_evenly():
    grid = Grid.of(4, (3, 3), (6.0, 6.0), 100.0)
    cells = np.arange(7 * 7 * 3).reshape(7, 7, 3).astype(np.uint8)
    shown = page_figure(cells, grid).axes[0].images[0].get_array()
    assert shown.shape == (33, 33, 3)  # two kernels of 3 x 5 pixels and a gap of 3
    assert np.array_equal(shown[0:15:5, 0:15:5], cells[:3, :3])
    assert np.array_equal(shown[15, 15], cells[-1, -1])


def test_what_agg_refuses_is_one_sentence():
    figure = blank_figure((100_000, 1), 100)
    with pytest.raises(DrawingError, match="matplotlib cannot draw this page"):
        render(figure)
