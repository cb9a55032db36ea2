"""Images that cannot be shown are refused in a sentence, and what does not fit a layer is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from filtviz.errors import CompositionError, RunningError
from filtviz.network import Network
from filtviz.operations import Convolution, Normalisation, Pooling, Standardisation
from filtviz.parameter import Parameter
from filtviz.running import fitting, numpy_engine, preparing
from filtviz.running.images import read_images
from filtviz.running.inference import as_units
from filtviz.running.preparing import Preparation, read_pictures
from filtviz.windows import Window
from tests.building import as_layer, image


def network(channels: int | None = 3, side: int | None = 4) -> Network:
    return Network.of([image(channels, side, side)])


def picture(path: Path, *size: int) -> Path:
    Image.new("RGB", size or (4, 4), (255, 51, 0)).save(path)
    return path


def array(path: Path, *shape: int, **arrays: Any) -> Path:
    np.savez(path, **arrays) if arrays else np.save(path, np.zeros(shape))
    return path


def refusal(paths: list[Any], of: Network | None = None, **how: Any) -> str:
    with pytest.raises(RunningError) as caught:
        read_pictures(paths, of or network(), Preparation(**how))
    return str(caught.value)


def test_what_is_no_image_is_refused_in_a_sentence(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "notes.txt").write_text("no picture")
    (tmp_path / "text.png").write_text("no picture")
    here = Path
    assert refusal([]) == "there is no image: give pictures, folders, .npy or .npz files"
    assert refusal([""]) == "an empty text is no path of images: give a file or a folder"
    assert refusal([here("empty")]) == "the folder empty holds no picture"
    assert refusal([here("text.png")]) == "cannot read text.png: it is no picture that can be read"
    picture(tmp_path / "a.png")
    assert refusal([here("a.png")], network(5)) == (
        "the network takes 5 channels, which no picture has: give a .npy file"
    )
    array(tmp_path / "b.npz", one=np.zeros((1, 3, 4, 4)), two=np.zeros((2, 3, 4, 4)))
    assert refusal([here("b.npz")]) == "b.npz has no array called images (it has one, two)"
    array(tmp_path / "c.npy", 5)
    assert refusal([here("c.npy")]) == "c.npy holds no images: they have the shape (5,), type float64"
    np.save(tmp_path / "d.npy", np.full((1, 3, 4, 4), np.inf))
    assert refusal([here("d.npy")]) == "d.npy holds NaN or infinity: nothing can be computed of it"
    np.save(tmp_path / "e.npy", np.zeros((0, 3, 4, 4)))
    assert refusal([here("e.npy")]) == "e.npy holds no images: they have the shape (0, 3, 4, 4), type float64"


def test_images_that_do_not_go_together_are_told_by_their_sizes(tmp_path) -> None:
    paths = [array(tmp_path / f"{rows}.npy", 1, 3, rows, 7) for rows in (5, 6, 6, 9)]
    assert refusal(paths, network(3, None)) == (
        "the images have different sizes (5x7, 6x7, 9x7): give one with --size"
    )
    paths = [array(tmp_path / f"{rows}.npy", 1, 3, rows, 2) for rows in range(1, 8)]
    assert refusal(paths, network(3, None)) == (
        "the images have different sizes (1x2, 2x2, 3x2, 4x2): give one with --size"
    )
    assert len(read_pictures(paths[:1] * 2, network(3, None))) == 2


@pytest.mark.parametrize("option", ["mean", "scale"])
def test_a_number_for_each_channel_or_one_for_all(tmp_path, option) -> None:
    path = array(tmp_path / "a.npy", 1, 3, 4, 4)
    for n in (1, 3):
        read_pictures([path], network(), Preparation(**{option: (0.5,) * n}))
    for n in (2, 4):
        assert (
            refusal([path], **{option: (0.5,) * n})
            == f"--{option} has {n} numbers, the images have 3 channels"
        )
    single = array(tmp_path / "b.npy", 1, 1, 4, 4)
    assert refusal([single], network(1), **{option: (0.5,) * 2}) == (
        f"--{option} has 2 numbers, the images have 1 channel"
    )


def test_large_pictures_and_large_networks_ask_for_a_size(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(preparing, "LARGEST", 12)
    path = picture(tmp_path / "a.png", 5, 3)
    assert refusal([path], network(3, None)) == "a.png has 3x5 pixels: give a size with --size"
    assert read_pictures([path], network(3, None), Preparation(size=(2, 6))).images.shape == (1, 3, 2, 6)
    assert refusal([path], network(3, 4)) == (
        "the file says that its network takes images of 4x4 pixels: if that is meant, give --size 4x4"
    )
    assert read_pictures([picture(tmp_path / "b.png", 4, 3)], network(3, None)).images.shape == (1, 3, 3, 4)


def test_how_images_were_prepared_is_said(tmp_path) -> None:
    path = array(tmp_path / "a.npy", 1, 3, 4, 4)
    given = (
        "the file does not tell how its images were prepared: used as given (range 0 to 0); --mean, --scale, "
        "--size, --channels and --layout change it"
    )
    assert read_pictures([path], network()).sentences == (given,)
    asked = read_pictures([path], network(), Preparation(mean=(-0.5,), scale=(3.0,))).sentences
    assert asked == ("images were prepared as asked (range 1.5 to 1.5)",)
    large = picture(tmp_path / "a.png", 8, 8)
    assert read_pictures([large, large], network()).sentences[0] == "pictures were resized to 4x4"
    norm = as_layer(Normalisation(beta=Parameter.of("b", np.zeros(3))), name="norm", type="norm", below=0)
    first = Network.of([*network().layers, norm]).layers[1]
    assert read_pictures([path], Network.of([*network().layers, norm])).sentences == (
        f"the network itself begins with a normalisation ({first.title}), which is done here, too",
        given,
    )


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("shape", "channels", "layout", "own_last", "wanted"),
    [
        ((8, 9), 1, None, False, (1, 1, 8, 9)),
        ((5, 8, 9), 1, None, False, (5, 1, 8, 9)),
        ((5, 8, 9), None, None, False, (5, 1, 8, 9)),
        ((3, 8, 9), 3, None, False, (1, 3, 8, 9)),
        ((8, 9, 3), 3, None, False, (1, 3, 8, 9)),
        ((5, 8, 9), 1, "nchw", False, (1, 5, 8, 9)),
        ((5, 8, 1), 1, "nhwc", False, (1, 1, 5, 8)),
        ((2, 3, 8, 9), 3, None, False, (2, 3, 8, 9)),
        ((2, 8, 9, 3), 3, None, False, (2, 3, 8, 9)),
        ((2, 3, 8, 3), 3, None, False, (2, 3, 8, 3)),
        ((2, 3, 8, 3), 3, None, True, (2, 3, 3, 8)),
        ((2, 8, 9, 3), 5, None, True, (2, 8, 9, 3)),
        ((2, 3, 8, 9), 3, "nhwc", False, (2, 9, 3, 8)),
        ((2, 8, 9, 3), 3, "nchw", True, (2, 8, 9, 3)),
    ],
)
def test_which_axis_holds_the_channels(shape, channels, layout, own_last, wanted) -> None:
    numbers = np.arange(float(np.prod(shape))).reshape(shape)
    found = preparing._with_axes(numbers, layout, channels, own_last)
    assert found.shape == wanted
    assert sorted(found.ravel()) == sorted(numbers.ravel())


# What does not fit a layer


def weights(*shape: int) -> Parameter:
    return Parameter.of("W", np.zeros(shape))


def misfit(call: Any, *args: Any, **named: Any) -> str:
    with pytest.raises(fitting.MisfitError) as caught:
        call(*args, **named)
    return str(caught.value)


def test_what_does_not_fit_a_layer_is_said_with_both_numbers() -> None:
    assert misfit(fitting.groups_of, (1, 5), (4, 2, 3, 3)) == "it looks at 2 channels and is given 5"
    assert misfit(fitting.groups_of, (1, 6), (4, 2, 3, 3)) == "it looks at 2 channels and is given 6"
    assert fitting.groups_of((1, 4), (4, 2, 3, 3)) == 2
    units = np.zeros((1, 6, 4, 4))
    for axes in ((4,), (-5,), (1, 9)):
        assert misfit(fitting.own_parts, Standardisation(axes=axes), units) == (
            "it takes means over axes that units of 4 axes do not have"
        )
    assert fitting.own_parts(Standardisation(axes=(-1, 1)), units)[1] == (1, 3)
    assert misfit(fitting.own_parts, Standardisation(groups=4), units) == "it makes 4 groups of 6 channels"
    assert fitting.own_parts(Standardisation(groups=3), units)[0].shape == (1, 3, 32)
    assert fitting.own_parts(Standardisation(), units)[0].shape == (1, 6, 16)
    turned = Convolution(weights=weights(4, 6, 3, 3), axes="oirc", transposed=True, groups=4)
    assert misfit(fitting.groups_of_transposed, turned, 6, (4, 6, 3, 3)) == "it makes 4 groups of 6 channels"
    assert fitting.groups_of_transposed(turned, 4, (4, 4, 3, 3)) == (4, True)
    assert fitting.groups_of_transposed(turned, 8, (4, 2, 3, 3)) == (4, False)
    assert misfit(numpy_engine._padded, units, ((1, 1),)) == "it pads 1 axis and is given 2"
    assert numpy_engine._padded(units, ((1, 0), (0, 2)), 7.0).shape == (1, 6, 5, 6)
    assert misfit(fitting.why_not_pooled, "untold", "by rank") == (
        "it pools by 'by rank', which is not known here"
    )
    assert misfit(
        fitting.window_of, Pooling(kind="max", size=(2, 2), stride=(1, 1), pad=None), (1, 6, 4, 4)
    ) == ("the file does not tell the window that it pools over")


def test_as_many_numbers_of_a_window_count_as_lie_in_the_image_or_its_padding() -> None:
    """Held against counting one by one."""
    for counts_pad in (False, True):
        operation = Pooling(kind="mean", size=(3, 2), stride=(2, 1), pad=None, counts_pad=counts_pad)
        window = Window(size=(3, 2), stride=(2, 1), pad=((1, 2), (0, 1)), dilation=(1, 2))
        found = list(fitting.counts_of(operation, window, (5, 4), (4, 3)))
        for axis, (length, n) in enumerate(((5, 4), (4, 3))):
            before, after = window.pad[axis]
            low, high = (-before, length + after) if counts_pad else (0, length)
            wanted = [
                max(1, sum(low <= i * window.stride[axis] - before + k * window.dilation[axis] < high
                           for k in range(window.size[axis])))
                for i in range(n)
            ]  # fmt: skip
            assert found[axis].tolist() == wanted


def test_what_was_done_to_all_pictures_is_said_once(tmp_path) -> None:
    large = picture(tmp_path / "a.png", 8, 8)
    said = read_pictures([large, large, large], network()).sentences
    assert len(said) == 2
    assert said[0].startswith("pictures were resized")


def test_pictures_of_a_folder_are_known_by_endings_in_any_case_and_counted_as_people_do(tmp_path) -> None:
    for name in ("10.PNG", "9.png", "b.Npy", "notes.txt"):
        array(tmp_path / "x.npy", 1, 3, 4, 4).rename(tmp_path / name) if name == "b.Npy" else picture(
            tmp_path / "y.png"
        ).rename(tmp_path / name)
    assert read_pictures([tmp_path], network()).names == ("9.png", "10.PNG", "b.Npy")


def test_the_channels_of_a_picture_are_those_of_the_network(tmp_path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGBA", (4, 4), (255, 0, 0, 51)).save(path)
    assert read_pictures([path], network(4)).images[0, :, 0, 0].tolist() == [1.0, 0.0, 0.0, 0.2]
    assert read_pictures([path], network(1)).images.shape == (1, 1, 4, 4)
    assert read_pictures([path], network(None)).images.shape == (1, 3, 4, 4)


def test_the_order_of_colours_is_a_preparation_and_names_of_classes_have_no_empty_lines(tmp_path) -> None:
    path = picture(tmp_path / "a.png")
    turned = read_pictures([path], network(), Preparation(channels="bgr"))
    assert turned.images[0, :, 0, 0].tolist() == [0.0, 0.2, 1.0]
    assert turned.sentences == ("images were prepared as asked (range 0 to 1)",)
    assert turned.seen[0, :, 0, 0].tolist() == [1.0, 0.2, 0.0]
    (tmp_path / "names.txt").write_text("cat\n\n  dog \n")
    assert preparing.read_labels(tmp_path / "names.txt") == ("cat", "dog")


def test_the_mean_is_taken_off_before_the_scale(tmp_path) -> None:
    path = picture(tmp_path / "a.png")
    found = read_pictures([path], network(), Preparation(mean=(0.5,), scale=(2.0, 4.0, 8.0)))
    assert found.images[0, :, 0, 0].tolist() == pytest.approx([1.0, -1.2, -4.0])


@pytest.mark.parametrize("wrong", [np.inf, np.nan])
def test_images_of_a_lone_file_are_finite(tmp_path, wrong: float) -> None:
    np.save(tmp_path / "a.npy", np.full((1, 4, 4), wrong))
    with pytest.raises(CompositionError, match="not finite"):
        read_images(tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", np.ones((4, 4), bool))
    assert read_images(tmp_path / "a.npy").shape == (1, 1, 4, 4)


@pytest.mark.parametrize("dtype", ["complex64", "O", "U1"])
def test_images_are_real_numbers(dtype: str) -> None:
    with pytest.raises(RunningError, match="images must be numbers"):
        as_units(network(), np.ones((1, 3, 4, 4)).astype(dtype))
