"""What fits what, against counts one by one: windows, crops, groups, means at the rim."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from filtviz import RunningError
from filtviz.budget import Account
from filtviz.network import Layer, Network
from filtviz.operations import Convolution, Identity, Input, Normalisation, Pooling
from filtviz.parameter import Parameter
from filtviz.running import fitting, inference
from filtviz.running.fitting import MisfitError, counted_in_mean, overhang, places_of_pooling
from filtviz.running.preparing import Preparation, read_pictures
from filtviz.shapes import output_shape
from filtviz.windows import Window
from tests.building import conv, image


def test_images_and_channels_count_among_the_units_that_are_too_many() -> None:
    fitting.check_fits((1 << 13, 1 << 14, 1, 1))
    with pytest.raises(MisfitError, match="it makes 268,435,456 units"):
        fitting.check_fits((1 << 14, 1 << 14, 1, 1))


def test_groups_divide_channels_and_filters() -> None:
    for channels, n_filters, seen in product(range(1, 9), (1, 2, 3, 4, 6), (0, 1, 2, 3)):
        fits = [g for g in range(1, channels + 1) if seen and seen * g == channels and n_filters % g == 0]
        if fits:
            assert [fitting.groups_of((1, channels), (n_filters, seen))] == fits
        else:
            with pytest.raises(MisfitError, match=f"looks at {seen} channels? and is given {channels}"):
                fitting.groups_of((1, channels), (n_filters, seen))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("how", "kept"),
    [(None, "abcdefg"), ("None", "abcdefg"), ("lower", "abcd"), ("upper", "defg"), ("center", "bcde")],
)
def test_inputs_are_cut_where_lasagne_cuts_them(how, kept) -> None:
    assert "abcdefg"[fitting._cut(how, 7, 4)] == kept
    assert "abcdef"[fitting._cut("center", 6, 4)] == "bcde"
    assert "abcd"[fitting._cut(how, 4, 4)] == "abcd"


def test_several_inputs_are_cut_to_the_shortest_along_the_axes_that_are_named() -> None:
    below = [SimpleNamespace(shape=shape) for shape in ((2, 3, 8, 9), (2, 3, 6, 9), (2, 3, 7, 4))]
    cuts = fitting.cropped_alike((None, None, "center", "upper"), below)
    kept = [
        tuple(len(range(*cut.indices(n))) for cut, n in zip(cuts[i], below[i].shape, strict=True))
        for i in range(3)
    ]
    assert kept == [(2, 3, 6, 4)] * 3
    assert cuts[0][2:] == (slice(1, 7), slice(5, 9))
    assert fitting.cropped_alike((None, "None"), below) == [()] * 3
    assert fitting.cropped_alike(("lower",), below)[0][1:] == (slice(None),) * 3
    with pytest.raises(MisfitError, match="numbers of axes"):
        fitting.cropped_alike(("lower",), [*below, SimpleNamespace(shape=(2, 3))])
    with pytest.raises(MisfitError, match="a rule that is not known"):
        fitting.cropped_alike(("odd",), below)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("shapes", "merged"),
    [
        ([(2, 3), (2, 3)], (2, 3)), ([(2, 1), (2, 3)], (2, 3)), ([(1, 3), (2, 1)], (2, 3)),
        ([(1, 1)], (1, 1)),
        ([(2, 3), (2, 4)], None), ([(2, 3), (3,)], None), ([(2, 0), (2, 1)], (2, 0)),
    ],
)  # fmt: skip
def test_shapes_fit_each_other_as_numpys_do_but_for_missing_axes(shapes, merged) -> None:
    if merged is None:
        with pytest.raises(MisfitError):
            fitting.shape_of_merged(shapes)
    else:
        assert fitting.shape_of_merged(shapes) == merged == np.broadcast_shapes(*shapes)


MARGINS = ((0, 0), (1, 1), (0, 1), (1, 0))
POOLS = list(product((1, 4, 5), (1, 2, 3), (1, 2), MARGINS, (True, False), (1, 2)))
POOLS = [case for case in POOLS if max(case[3]) * 2 <= case[1]]


def test_windows_of_pooling_are_those_of_counting() -> None:
    for (length, size, stride, margin, whole, gap), counts_pad in product(POOLS, (True, False)):
        before, after = margin
        pooling = Pooling(
            kind="mean", size=(size,), stride=(stride,), pad=(margin,), whole_windows=whole,
            counts_pad=counts_pad, dilation=(gap,) if gap > 1 else (),
        )  # fmt: skip
        shape = output_shape(pooling, [(1, 1, length)])
        if shape is None or not shape[2]:
            continue
        window = fitting.window_of(pooling, (1, 1, length))
        (counts,) = fitting.counts_of(pooling, window, (length,), (shape[2],))
        inside = range(-before, length + after) if counts_pad else range(length)
        starts = [place * stride - before for place in range(shape[2])]
        wanted = [max(sum(start + tap * gap in inside for tap in range(size)), 1) for start in starts]
        assert counts.tolist() == wanted
        (over,) = fitting.overhang(window, (length,))
        last = starts[-1] + (size - 1) * gap + 1
        assert over == max(0, last - (length + after)) if not whole else over == 0


def test_taps_of_windows_look_where_counting_says() -> None:
    for case in product((4, 5, 7), (1, 2, 3), (1, 2, 3), (1, 2)):
        check_taps(*case)


def check_taps(length: int, size: int, stride: int, gap: int) -> None:
    operation = Convolution(
        weights=Parameter.of("W", np.ones((1, 1, size))), axes="oir", stride=(stride,), pad=((0, 0),),
        dilation=(gap,),
    )  # fmt: skip
    window = operation.window((1, 1, length))
    span = (size - 1) * gap + 1
    if span > length:
        with pytest.raises(MisfitError, match=f"they are {length} there, its window {span}"):
            fitting.places_of((1, 1, length), window)
        return
    (n,) = fitting.places_of((1, 1, length), window)
    assert n == len([start for start in range(0, length, stride) if start + span <= length])
    (looks,) = fitting.looks_of(window, (n,))
    for tap, look in enumerate(looks):
        assert [*range(length)[look]] == [place * stride + tap * gap for place in range(n)]
    if n > 1:
        (later,) = fitting.looks_of(window, (n,), slice(1, None))
        assert [*range(length)[later[0]]] == [place * stride for place in range(1, n)]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("stride", "pad", "output_size", "lengths", "kept"),
    [
        (1, (0, 0), None, 7, (0, 7)), (2, (0, 0), None, 11, (0, 11)), (2, (1, 2), None, 11, (1, 9)),
        (2, (1, 0), (9,), 11, (1, 10)), (2, (1, 0), (12,), 13, (1, 13)),
    ],
)  # fmt: skip
def test_a_transposed_convolution_paints_and_is_cut(stride, pad, output_size, lengths, kept) -> None:
    operation = Convolution(
        weights=Parameter.of("W", np.ones((1, 1, 3))), axes="ior", stride=(stride,), pad=(pad,),
        transposed=True, output_size=output_size,
    )  # fmt: skip
    assert fitting.transposed_lengths(operation, (5,)) == ((lengths,), (slice(*kept),))
    with pytest.raises(MisfitError, match="crops"):
        fitting.transposed_lengths(
            Convolution(weights=operation.weights, axes="ior", stride=(1,), pad=((4, 4),), transposed=True),
            (5,),
        )


# Images


def taking(channels: int | None, rows: int | None, cols: int | None, *, last: bool = False) -> Network:
    shape = (None, channels, rows, cols)
    start = Layer(type="Input", output_shape=shape, operations=(Input(shape=shape, channels_last=last),))
    return Network.of([start])


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("network", "shape", "sentence"),
    [
        (
            taking(3, 4, 5),
            (3, 4, 5),
            "(images, channels, rows, columns), these have the shape (3, 4, 5); one image is",
        ),
        (
            taking(3, 4, 5, last=True),
            (4, 5, 3),
            "(images, rows, columns, channels), these have the shape (4, 5, 3); one",
        ),
        (taking(3, 4, 5), (1, 1, 3, 4, 5), "these have the shape (1, 1, 3, 4, 5)"),
        (taking(3, 4, 5), (1, 4, 5, 3), "the images have 4 channels, the network takes 3"),
        (taking(3, 4, 5, last=True), (1, 3, 4, 5), "the images have 5 channels, the network takes 3"),
        (taking(3, 4, 5), (0, 3, 4, 5), "there is no image"),
    ],
)
def test_what_is_wrong_with_images_is_said_with_what_would_help(network, shape, sentence) -> None:
    with pytest.raises(RunningError) as error:
        inference.as_units(network, np.zeros(shape))
    assert sentence in str(error.value)
    assert ("images[None]" in str(error.value)) == (len(shape) == 3)


@pytest.mark.parametrize(("value", "what"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])
def test_numbers_that_are_none_are_named_with_their_image(value, what) -> None:
    images = np.zeros((3, 1, 2, 2))
    images[1, 0, 1, 1], images[2] = value, np.inf if np.isnan(value) else np.nan
    with pytest.raises(RunningError, match=f"image 1 holds {what}"):
        inference.as_units(taking(1, 2, 2), images)


@pytest.mark.cases("all")
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("channels", ["rgb", "bgr"])
def test_a_picture_is_resized_turned_and_scaled_in_this_order(tmp_path, last: bool, channels: str) -> None:
    pixels = np.zeros((2, 4, 3), np.uint8)
    pixels[...] = [255, 51, 0]
    Image.fromarray(pixels).save(tmp_path / "a.png")
    how = Preparation(mean=(0.5, 0.25, 0.0), scale=(2.0, 4.0, 8.0), channels=channels)
    found = read_pictures([tmp_path / "a.png"], taking(3, 6, 9, last=last), how)
    images = np.moveaxis(found.images, -1, 1) if last else found.images
    assert images.shape == found.seen.shape == (1, 3, 6, 9)
    colour = np.array([1, 0.2, 0]) if channels == "rgb" else np.array([0, 0.2, 1])
    assert np.allclose(images[0, :, 2, 3], (colour - [0.5, 0.25, 0]) * [2, 4, 8])
    assert np.allclose(found.seen[0, :, 2, 3], [1, 0.2, 0])
    assert found.names == ("a.png",)
    assert found.sentences[0] == "pictures were resized to 6x9"
    low, high = images.min(), images.max()
    assert found.sentences[1] == f"images were prepared as asked (range {low:.3g} to {high:.3g})"


@pytest.mark.parametrize("n", [1, 2, 11])
def test_arrays_are_named_by_number_where_there_are_several(tmp_path, n: int) -> None:
    arrays = np.linspace(0, 1, n * 4).reshape(n, 1, 2, 2)
    np.savez(tmp_path / "a.npz", images=arrays, labels=np.arange(n))
    found = read_pictures([tmp_path / "a.npz"], taking(1, 2, 2))
    assert found.names == (("a.npz",) if n == 1 else tuple(f"a.npz[{i}]" for i in range(n)))
    assert found.labels == tuple(map(str, range(n)))
    assert np.array_equal(found.images, arrays)
    (said,) = found.sentences
    assert said.startswith(
        "the file does not tell how its images were prepared: used as given (range 0 to 1);"
    )
    np.savez(tmp_path / "rows.npz", images=arrays, labels=np.arange(n)[None])
    assert (read_pictures([tmp_path / "rows.npz"], taking(1, 2, 2)).labels is None) == (n > 1)
    both = read_pictures([tmp_path / "a.npz"] * 2, taking(1, 2, 2))
    assert len(both) == 2 * n == len(both.labels)
    np.save(tmp_path / "b.npy", arrays)
    assert read_pictures([tmp_path / "a.npz", tmp_path / "b.npy"], taking(1, 2, 2)).labels is None


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("dtype", "high"), [(np.uint8, 1.0), (np.int16, 255.0), (np.float32, 255.0), (np.float64, 255.0)]
)
def test_only_bytes_become_shares(tmp_path, dtype, high) -> None:
    np.save(tmp_path / "a.npy", np.full((1, 1, 2, 2), 255, dtype))
    assert read_pictures([tmp_path / "a.npy"], taking(1, 2, 2)).images.max() == high


def test_a_normalisation_at_the_beginning_is_named_and_a_later_one_is_not(tmp_path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((1, 1, 2, 2)))
    vector = Parameter.of("v", np.ones(1))
    norm = Normalisation(mean=vector, spread=vector, spread_is="std")

    def said(*layers: Any) -> int:
        network = Network.of([image(1, 2, 2), *layers])
        return sum("normalisation" in each for each in read_pictures([tmp_path / "a.npy"], network).sentences)

    first = Layer(name="n", inputs=(0,), operations=(norm,))
    assert said(first) == 1
    assert (
        said(Layer(name="d", inputs=(0,), operations=(Identity(),)), Layer(inputs=(1,), operations=(norm,)))
        == 1
    )
    assert said(first, Layer(name="m", inputs=(1,), operations=(norm,))) == 2
    assert said(conv(np.ones((1, 1, 1, 1)), below=0), Layer(inputs=(1,), operations=(norm,))) == 0
    assert said(first, Layer(name="other", inputs=(0,), operations=(Identity(),))) == 1


def test_an_account_grows_with_the_images_from_so_many_on() -> None:
    account = Account({"work": 1000, "pixels": 1})
    assert inference.widened(account, inference.PASSES).left["work"] == 1000
    assert inference.widened(account, 3 * inference.PASSES).left["work"] == 3000


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("counts_pad", "pad", "over", "counted"),
    [
        (False, (0, 0), (0, 0), "all"),
        (False, (1, 1), (0, 0), "inside"),
        (False, (0, 1), (0, 0), "inside"),
        (False, (0, 0), (0, 1), "inside"),
        (True, (1, 1), (0, 0), "all"),
        (True, (0, 0), (1, 0), "padded"),
        (True, (1, 1), (1, 0), "padded"),
    ],
)
def test_a_mean_is_divided_by_what_its_windows_hold(counts_pad, pad, over, counted) -> None:
    pooling = Pooling(kind="mean", size=(2, 2), stride=(2, 2), pad=(pad, pad), counts_pad=counts_pad)
    window = Window(size=(2, 2), stride=(2, 2), pad=(pad, pad))
    assert counted_in_mean(pooling, window, over) == counted


def test_a_pooling_stands_at_as_many_places_as_its_window_counts() -> None:
    window = Window(size=(2,), stride=(2,), pad=((0, 0),), count=lambda length, *_: -(-length // 2))
    assert places_of_pooling((1, 1, 5), window, overhang(window, (5,))) == (3,)
    assert places_of_pooling((1, 1, 4), window, overhang(window, (4,))) == (2,)
    with pytest.raises(MisfitError, match="its window 2"):
        places_of_pooling((1, 1, 1), Window(size=(2,), stride=(2,), pad=((0, 0),)), [0])
