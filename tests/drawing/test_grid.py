"""The fast page is the page of a matplotlib figure with n x n axes, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filtviz.drawing import DrawingOptions, colours, draw, pixelmap
from filtviz.drawing.grid import ask_matplotlib, find_pixel_map
from filtviz.drawing.pixelmap import Grid, compute_pixel_map, kernels_in_doubt
from filtviz.errors import DrawingError
from filtviz.network import ConvLayer, Network

from .making import as_proven
from .nolearnpage import nolearn_page


def layer_of(filters, **fields):
    weights = ConvLayer.of(filters, type="Conv2DLayer", **fields)
    return Network.of([weights]).conv_layers[0]


def fast_page(kernels, **options):
    (picture,) = draw(layer_of(kernels[:, None]), [0], DrawingOptions(**options))
    return np.asarray(picture.image().convert("RGB"))


def kernels_of(shape, dtype="f4", seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "n_filters", [1, 2, 4, 5, pytest.param(20, marks=SLOW), pytest.param(36, marks=SLOW)]
)
@pytest.mark.parametrize("size", [(1, 1), (3, 3), (4, 4), (5, 3), (2, 7), (11, 11)])
def test_every_grid_and_kernel_size_equals_matplotlib(n_filters, size):
    kernels = kernels_of((n_filters, *size))
    assert np.array_equal(fast_page(kernels), nolearn_page(kernels))


@pytest.mark.cases(1)
@pytest.mark.parametrize("figsize", [(6, 6), (3, 8), (10.5, 8.5), (0.7, 0.9), (6.5, 4.5)])
@pytest.mark.parametrize("dpi", [33.3, pytest.param(50, marks=SLOW), pytest.param(72, marks=SLOW), 150])
@pytest.mark.parametrize("shape", [(5, 3, 3), (10, 4, 2)])
def test_every_page_size_equals_matplotlib(figsize, dpi, shape):
    kernels = kernels_of(shape)
    expected = nolearn_page(kernels, figsize, dpi)
    assert np.array_equal(fast_page(kernels, figsize=figsize, dpi=dpi), expected)


@pytest.mark.parametrize("cmap", ["gray", "gray_r", "viridis", "RdBu", "tab10", "twilight", "Set3", "flag"])
@pytest.mark.parametrize("shape", [(3, 3, 3), pytest.param((20, 5, 5), marks=SLOW)])
def test_every_colour_map_equals_matplotlib(cmap, shape):
    kernels = kernels_of(shape)
    kernels[0, 1, 1] = np.nan
    assert np.array_equal(fast_page(kernels, cmap=cmap), nolearn_page(kernels, cmap=cmap))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "u1", "i4", "i8", "?"])
def test_every_type_of_weights_equals_matplotlib(dtype):
    kernels = (kernels_of((5, 3, 3)) * 40).astype(dtype)
    assert np.array_equal(fast_page(kernels), nolearn_page(kernels))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("weights", "precision"),
    [
        (np.zeros(3, "f2"), "f4"),
        (np.zeros(3, "f4"), "f4"),
        (np.array([0, 1e30], "f4"), "f4"),
        (np.zeros(3, "f8"), "f8"),
        (np.zeros(3, "u1"), "f4"),
        (np.zeros(3, "?"), "f4"),
        (np.zeros(0, "i8"), "f4"),
        (np.array([-5e7, 5e7], "i8"), "f4"),
        (np.array([-5e7, 5e7 + 1], "i8"), "f8"),
    ],
)
def test_weights_are_scaled_in_the_precision_that_imshow_takes(weights, precision):
    assert np.dtype(colours._working_dtype(weights)) == precision


@pytest.mark.slow
def test_integers_too_far_apart_for_single_precision_equal_matplotlib():
    kernels = (kernels_of((20, 3, 3)) * 1e12).astype("i8")
    assert np.array_equal(fast_page(kernels), nolearn_page(kernels))


@pytest.mark.slow
def test_weights_without_a_shade_of_their_own_equal_matplotlib():
    kernels = kernels_of((8, 3, 3))
    kernels[0] = 7  # constant
    kernels[1, 0] = np.nan
    kernels[2, 1, 2] = np.inf
    kernels[3, 1, 2] = -np.inf
    kernels[4] = np.nan
    kernels[5, 0] = np.nan
    kernels[5, 1:] = 1  # constant but for its holes
    assert np.array_equal(fast_page(kernels), nolearn_page(kernels))


def test_weights_at_the_ends_of_their_type_are_drawn_without_a_warning():
    kernels = np.array([[[1e308, -1e308], [0, 1]], [[np.finfo("f8").max, 0], [1, 2]]])
    page = fast_page(kernels)
    assert page.shape == (600, 600, 3)
    assert page.min() == 0


@SLOW
@pytest.mark.parametrize("n", [16, 23])
def test_large_layers_equal_matplotlib(n):
    kernels = kernels_of((n * n - 3, 3, 3))
    assert np.array_equal(fast_page(kernels), nolearn_page(kernels))


sizes = st.integers(1, 9)
inches = st.one_of(st.sampled_from([6.0, 3.5, 8.0]), st.floats(0.4, 9.0))


@SLOW
@settings(max_examples=40, deadline=None)
@given(sizes, sizes, sizes, inches, inches, st.sampled_from([40.0, 72.0, 96.0, 100.0, 33.3]))
def test_whatever_is_computed_is_what_matplotlib_draws(n, rows, cols, width, height, dpi):
    grid = Grid(n, rows, cols, (width, height), dpi)
    doubtful = kernels_in_doubt(grid)
    if doubtful.all():
        return
    computed, asked = compute_pixel_map(grid), ask_matplotlib(grid)
    some = ask_matplotlib(grid, doubtful) if doubtful.any() else computed
    assert np.array_equal(some.corrected, asked.corrected)
    assert np.array_equal(some.sources, asked.sources)
    assert np.array_equal(computed.rows, asked.rows)
    assert np.array_equal(computed.cols, asked.cols)


@as_proven
def test_a_border_in_the_middle_of_a_pixel_is_left_to_matplotlib():
    grid = Grid(5, 4, 4, (6.0, 6.0), 100.0)  # rounding errors decide five of its pixels
    assert np.count_nonzero(kernels_in_doubt(grid)) == 13
    assert find_pixel_map(grid).corrected.size > 0


@as_proven
def test_the_common_grid_needs_no_matplotlib():
    grid = Grid.of(20, (3, 3), (6.0, 6.0), 100.0)
    assert grid.n == 5
    assert not kernels_in_doubt(grid).any()


def test_another_version_of_matplotlib_is_asked(monkeypatch):
    monkeypatch.setattr(pixelmap, "PROVEN_VERSIONS", ("0.",))
    pixelmap.is_proven_version.cache_clear()
    find_pixel_map.cache_clear()
    asked = []
    monkeypatch.setattr(
        "filtviz.drawing.grid.ask_matplotlib", lambda grid, places: asked.append(places.copy())
    )
    find_pixel_map(Grid.of(20, (3, 3), (6.0, 6.0), 100.0))
    assert len(asked) == 1
    assert asked[0].all()
    pixelmap.is_proven_version.cache_clear()
    find_pixel_map.cache_clear()


@as_proven
def test_a_page_that_computation_gets_wrong_is_corrected(monkeypatch):
    shifted = compute_pixel_map(Grid.of(5, (3, 3), (6.0, 6.0), 100.0))
    wrong = pixelmap.PixelMap.separable(np.roll(shifted.rows, 1), shifted.cols)
    monkeypatch.setattr("filtviz.drawing.grid.compute_pixel_map", lambda grid: wrong)
    asked = ask_matplotlib(Grid.of(5, (3, 3), (6.0, 6.0), 100.0))
    cells = np.random.default_rng(0).integers(0, 255, (10, 10)).astype(np.uint8)
    cells[-1], cells[:, -1] = 255, 255  # the background
    assert asked.corrected.size > 0
    assert np.array_equal(asked.spread(cells), shifted.spread(cells))


@pytest.mark.slow
def test_a_translucent_colour_map_is_drawn_by_matplotlib():
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    colormaps.register(ListedColormap([(1, 0, 0, 0.5), (0, 0, 1, 1)], name="half-clear"))
    try:
        kernels = kernels_of((5, 3, 3))
        assert np.array_equal(fast_page(kernels, cmap="half-clear"), nolearn_page(kernels, cmap="half-clear"))
    finally:
        colormaps.unregister("half-clear")


@pytest.mark.slow
def test_each_channel_has_its_page_and_its_part_of_a_name():
    filters = kernels_of((4, 12, 3, 3))
    pictures = list(draw(layer_of(filters), [0, 7, 11], DrawingOptions()))
    assert [p.channel for p in pictures] == [0, 7, 11]
    assert [p.part for p in pictures] == ["ch00", "ch07", "ch11"]
    for picture in pictures:
        page = np.asarray(picture.image().convert("RGB"))
        assert np.array_equal(page, nolearn_page(filters[:, picture.channel]))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("n", "first", "last"),
    [(2, "ch0", "ch1"), (10, "ch0", "ch9"), (11, "ch00", "ch10"), (101, "ch000", "ch100")],
)
def test_numbers_of_channels_are_as_wide_as_the_last_and_no_wider(n, first, last):
    layer = layer_of(np.zeros((1, n, 1, 1)))
    parts = [picture.part for picture in draw(layer, range(n), DrawingOptions())]
    assert (parts[0], parts[-1]) == (first, last)
    assert sorted(parts) == parts


def test_a_lone_channel_needs_no_part():
    (picture,) = draw(layer_of(kernels_of((4, 1, 3, 3))), [0], DrawingOptions())
    assert picture.part == ""


@pytest.mark.parametrize(
    ("kernels", "mode"),
    [
        (np.array([[[0, 1]], [[1, 0]]]), "1"),
        (np.arange(9).reshape(1, 3, 3), "P"),  # nine greys: four bits a pixel
        (kernels_of((20, 3, 3)), "L"),
    ],
)
def test_the_smallest_mode_that_holds_the_page(kernels, mode):
    (picture,) = draw(layer_of(kernels[:, None]), [0], DrawingOptions())
    assert picture.image().mode == mode


@pytest.mark.parametrize(("n_filters", "mode"), [(5, "P"), (400, "RGB")])
def test_colours_are_a_palette_as_long_as_one_holds_them(n_filters, mode):
    kernels = kernels_of((n_filters, 5, 5))
    (picture,) = draw(layer_of(kernels[:, None]), [0], DrawingOptions(cmap="twilight"))
    assert picture.image().mode == mode


@pytest.mark.parametrize(
    ("filters", "axes", "sentence"),
    [
        (np.zeros((0, 1, 3, 3)), "oirc", "conv1 (Conv2DLayer) is not drawn: its weights are empty"),
        (np.zeros((1, 1, 3, 3), complex), "oirc", "are of type complex128, not real numbers"),
    ],
)
def test_what_is_no_picture_of_filters_is_refused(filters, axes, sentence):
    with pytest.raises(DrawingError) as caught:
        draw(layer_of(filters, axes=axes), [0], DrawingOptions())
    assert sentence in str(caught.value)


def test_swapped_axes_are_drawn_as_filters_and_channels():
    stored = kernels_of((3, 5, 4, 4))  # (channels, filters, rows, cols) of a transposed convolution
    pictures = list(draw(layer_of(stored, axes="iorc"), [0, 1, 2], DrawingOptions()))
    page = np.asarray(pictures[2].image().convert("RGB"))
    assert np.array_equal(page, nolearn_page(stored[2]))


@pytest.mark.parametrize(("n_greys", "mode"), [(16, "P"), (17, "L")])
def test_sixteen_greys_are_a_palette_of_half_a_byte_and_more_are_greys(n_greys, mode):
    kernel = np.linspace(0, 1, n_greys)[None, :]  # its white is the page's
    (picture,) = draw(layer_of(kernel[None, None]), [0], DrawingOptions())
    image = picture.image()
    assert len(image.convert("RGB").getcolors()) == n_greys
    assert image.mode == mode
