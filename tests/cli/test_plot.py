"""`filtviz plot`: exact output, exit codes, and what it imports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from tests.drawing.making import as_proven

import filtviz
from filtviz.cli import main
from filtviz.drawing import DrawingOptions, draw


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A parameter file of three smooth convolutions in the current folder; the last is 1x1."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    shapes = [(5, 1, 3, 3), (5,), (4, 5, 3, 3), (4,), (3, 4, 1, 1), (3,), (3, 2), (2,)]
    np.savez("net.npz", *[(9 + rng.standard_normal(shape)).astype("f4") for shape in shapes])
    return "net.npz"


def run(*arguments):
    result = CliRunner().invoke(main, ["plot", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


OTHERS = "this is layer 0; the model has 2 more, which --layer draws: 1 conv2, 2 conv3\n"
ALL = "0 conv1, 1 conv2, 2 conv3"


def test_the_first_convolution_is_drawn_and_the_others_named(model):
    result = run(model)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "net-conv1.png\n", OTHERS)
    (picture,) = draw(filtviz.load(model).conv_layers[0], [0], DrawingOptions())
    assert np.array_equal(np.asarray(Image.open("net-conv1.png")), np.asarray(picture.image()))


def many(n, channels=1):
    rng = np.random.default_rng(0)
    shapes = [(1, channels if i == 0 else 1, 3, 3) for i in range(n)]
    arrays = [
        array
        for shape in shapes
        for array in ((9 + rng.standard_normal(shape)).astype("f4"), np.zeros(1, "f4"))
    ]
    np.savez("many.npz", *arrays)


@pytest.mark.parametrize(("n", "cut"), [(21, False), (22, True)])
def test_of_many_other_layers_some_are_named(model, n, cut):
    many(n)
    (line,) = run("many.npz").stderr.splitlines()
    assert line.startswith(f"this is layer 0; the model has {n - 1} more, which --layer draws: 1 conv2, ")
    assert "20 conv21" in line
    assert "21 conv22" not in line
    assert line.endswith(", … (`filtviz layers` lists them all)") == cut


def noise_and(*smooth: int) -> None:
    rng = np.random.default_rng(0)
    arrays = []
    for place in range(4):
        weights = rng.standard_normal((8, 8 if place else 1, 3, 3)) + 9 * (place in smooth)
        arrays += [weights.astype("f4"), np.zeros(8, "f4")]
    np.savez("my noise.npz", *arrays)


@pytest.mark.slow
def test_layers_that_look_like_noise_are_named_with_what_helps(model):
    noise_and(1)
    why = "`filtviz diagnose 'my noise.npz'` says why"
    assert run("my noise.npz").stderr.splitlines()[-1] == f"conv1 looks like noise: {why}"
    every = [word for place in range(4) for word in ("-l", str(place))]
    for view in ((), ("--view", "sheet")):
        said = run("my noise.npz", *every, *view).stderr.splitlines()
        assert f"conv1, conv3 and conv4 look like noise: {why}" in said
        assert sum("noise:" in line for line in said) == 1


def test_the_image_is_named_where_layers_can_be_composed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    example = Path(__file__).resolve().parents[2] / "examples" / "mission-trained.pkl"
    said = run(example, "-l", "conv1").stderr
    assert said == (
        f"conv1 looks like noise: `filtviz diagnose {example}` says why, and --through draws deeper layers "
        "as "
        "they look on the image\n"
    )
    assert "noise" not in run(example, "-l", "conv3", "--through").stderr


def test_what_does_not_look_like_noise_is_left_alone(model):
    noise_and(0, 1)
    assert "noise:" not in run("my noise.npz", "-l", "0", "-l", "1").stderr
    assert "noise:" not in run("my noise.npz", "-l", "2", "--terminal").stderr


def test_a_lone_layer_is_all_there_is(model):
    many(1)
    assert run("many.npz").stderr == ""


@pytest.mark.parametrize(("channels", "named"), [(7, False), (8, True)])
def test_the_sheet_is_named_where_a_layer_has_many_pictures(model, channels, named):
    many(1, channels)
    hint = f"conv1: one picture for each of {channels} channels; --view sheet draws them all on one\n"
    assert run("many.npz").stderr == hint * named


def test_cautions_and_failures_are_told_together(model):
    result = run(model, "-l", "9", "-l", 2, "--channels", "0")
    assert (result.exit_code, result.stdout) == (1, "net-conv3-ch0.png\n")
    first, second = result.stderr.splitlines()
    assert first.startswith("conv3 is 1x1: ")
    assert second.startswith("filtviz: there is no convolution '9'")


def test_nothing_is_drawn_where_no_layer_can_be(model):
    result = run(model, "-l", "9")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert [path.name for path in Path().iterdir()] == ["net.npz"]


def test_layers_repeat_by_number_and_name_and_each_is_drawn_once(model):
    result = run(model, "--layer", "conv2", "-l", "-2", "-l", "0", "-o", "pics")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [f"pics/net-conv2-ch{c}.png" for c in range(5)] + [
        "pics/net-conv1.png"
    ]


def test_a_1x1_layer_is_said_to_be_one(model):
    result = run(model, "--layer", 2, "--channels", "0")
    assert (result.exit_code, result.stdout) == (0, "net-conv3-ch0.png\n")
    assert result.stderr == (
        "conv3 is 1x1: each kernel is one weight, drawn black whatever it is; this picture says nothing\n"
    )
    assert sorted(np.unique(np.asarray(Image.open("net-conv3-ch0.png")))) == [False, True]


def test_a_wrong_layer_is_said_and_the_others_are_drawn(model):
    result = run(model, "--layer", "conv4", "--layer", "0")
    assert (result.exit_code, result.stdout) == (1, "net-conv1.png\n")
    assert result.stderr == (
        f"filtviz: there is no convolution 'conv4'; did you mean conv3? (there are: {ALL})\n"
    )


def test_a_wrong_channel_is_said(model):
    result = run(model, "--channels", "0,7")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "filtviz: conv1 has no channel 7: it has 1, from 0 on\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        (["-o", "out.svg"], ["out.svg"]),
        (["-o", "out.pdf", "-l", 0, "-l", 1], ["out.pdf"]),
        (["-o", "new/out.png", "-l", 1, "--channels", "1-2"], ["new/out-ch1.png", "new/out-ch2.png"]),
        (["--format", "pdf", "-o", "new", "-l", 1], ["new/net-conv2.pdf"]),
    ],
)
def test_the_output_names_file_folder_and_format(model, arguments, written):
    result = run(model, *arguments)
    assert (result.exit_code, result.stdout.splitlines()) == (0, written)
    assert all(Path(path).stat().st_size > 0 for path in written)


def test_an_existing_picture_is_replaced_or_kept(model):
    Path("net-conv1.png").write_bytes(b"old")
    kept = run(model, "--no-clobber")
    assert (kept.exit_code, kept.stdout) == (0, "")
    assert kept.stderr == f"kept net-conv1.png, which exists\n{OTHERS}"
    assert Path("net-conv1.png").read_bytes() == b"old"
    assert run(model).exit_code == 0
    assert Path("net-conv1.png").read_bytes() != b"old"


def test_size_and_colours_are_options(model):
    result = run(model, "--figsize", 3, 2, "--dpi", 50, "--cmap", "viridis")
    assert result.exit_code == 0
    image = Image.open("net-conv1.png")
    assert image.size == (150, 100)
    assert np.ptp(np.asarray(image.convert("RGB")), axis=2).max() > 0


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--cmap", "viridus"], "Error: matplotlib has no colour map 'viridus'; did you mean viridis?"),
        (["--figsize", "0", "6"], "Error: figsize must be two positive numbers of inches, not 0 and 6"),
        (["--dpi", "nan"], "Error: dpi must be a positive number, not nan"),
        (["--channels", "5-2"], "Error: channels are `all`, or numbers and ranges such as 0,2-5, not '5-2'"),
        (["-o", "x.jpg"], "Error: .jpg is no format of pictures: end the name in .png, .pdf, .svg"),
        (["-o", "x.png", "--format", "svg"], "Error: --format svg contradicts the name x.png"),
        (["--format", "jpg"], "Error: Invalid value for '--format': 'jpg' is not one of"),
    ],
)
def test_wrong_usage_is_status_2_and_writes_nothing(model, arguments, sentence):
    result = run(model, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr
    assert [path.name for path in Path().iterdir()] == ["net.npz"]


def test_a_network_without_convolution_is_status_1(model):
    np.savez("dense.npz", np.zeros((3, 2)), np.zeros(2))
    result = run("dense.npz")
    assert (result.exit_code, result.stdout) == (1, "")
    described = filtviz.load("dense.npz").describe()
    told = f"dense.npz holds {described}: there is no filter to draw; `filtviz graph` shows what there is"
    assert result.stderr == f"filtviz: {told}\n"


def test_a_missing_file_is_one_sentence(model):
    result = run("gone.pkl")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("filtviz: gone.pkl: ")
    assert result.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_one_sentence(model):
    result = run(model, "-o", "net.npz/pics/")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "filtviz: cannot write net.npz/pics: not a directory\n"


def test_a_name_that_the_system_refuses_is_one_sentence(model):
    name = "x" * 300 + ".png"
    result = run(model, "-o", name)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("filtviz: cannot write xxx")
    assert result.stderr.endswith(": file name too long\n")


def test_whether_a_model_may_be_read_is_for_the_reader_to_say(model, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    result = run(model)
    assert (result.exit_code, result.stdout) == (0, "net-conv1.png\n")


def test_show_without_a_display_is_one_sentence(model, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    result = run(model, "--show")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "filtviz: there is no display to show windows on: leave --show out, and the pictures go to files\n"
    )
    assert not Path("net-conv1.png").exists()


@pytest.mark.slow
def test_a_back_end_that_is_not_here_hinders_windows_only(model):
    """A notebook's Python leaves its own in MPLBACKEND to the commands that are run from it."""
    absent = {**os.environ, "MPLBACKEND": "module://of_no_package.backend"}

    def filtviz_with(*options):
        command = [sys.executable, "-c", "from filtviz.cli import main; main()", "plot", model, *options]
        return subprocess.run(command, capture_output=True, text=True, env=absent)

    drawn = filtviz_with("--layer", "0", "-o", "a.pdf", "--cmap", "viridis")
    assert (drawn.returncode, drawn.stdout, drawn.stderr) == (0, "a.pdf\n", "")
    shown = filtviz_with("--layer", "0", "--show")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr.startswith("filtviz: ")
    assert shown.stderr.count("\n") == 1


def test_what_is_shown_is_written_only_where_it_is_said(model, monkeypatch):
    from filtviz.drawing import saving

    shown = []

    def show(pictures, options, backend):
        shown.append((len(pictures), backend))

    monkeypatch.setattr(saving, "show_pictures", show)
    for output, printed in ([], ""), (["-o", "out.pdf"], "out.pdf\n"):
        monkeypatch.setenv("MPLBACKEND", "of_mine")
        assert run(model, "-l", 1, "--show", *output).stdout == printed
        assert "MPLBACKEND" not in os.environ  # nothing else of matplotlib's is to load it
    assert shown == [(5, "of_mine")] * 2
    assert sorted(path.name for path in Path().iterdir()) == ["net.npz", "out.pdf"]


def test_show_opens_no_flood_of_windows(model):
    rng = np.random.default_rng(0)
    np.savez("wide.npz", rng.standard_normal((2, 30, 3, 3)).astype("f4"), np.zeros(2, "f4"))
    result = run("wide.npz", "--show")
    assert result.exit_code == 1
    assert result.stderr == "filtviz: --show would open 30 windows: choose at most 20 with --channels\n"


def test_a_picture_that_is_shown_has_the_pictures_pixels(monkeypatch):
    from matplotlib import pyplot
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from filtviz.drawing.saving import show_pictures

    shown = []

    def show():
        for number in pyplot.get_fignums():
            canvas = pyplot.figure(number).canvas
            canvas.draw()
            shown.append(np.asarray(canvas.buffer_rgba())[..., :3].copy())

    pyplot.switch_backend("agg")
    monkeypatch.setattr(FigureCanvasAgg, "required_interactive_framework", "pretended", raising=False)
    monkeypatch.setattr(pyplot, "show", show)
    filters = np.random.default_rng(0).standard_normal((5, 1, 3, 3)).astype("f4")
    network = filtviz.Network.of([filtviz.ConvLayer.of(filters, type="Conv2DLayer")])
    (picture,) = draw(network.conv_layers[0], [0], DrawingOptions())
    show_pictures([picture], DrawingOptions())
    assert np.array_equal(shown[0], np.asarray(picture.image().convert("RGB")))
    assert pyplot.get_fignums() == []


@pytest.mark.slow
@as_proven
def test_the_usual_picture_needs_no_matplotlib(model):
    program = (
        "import sys; from filtviz.cli import main; main(sys.argv[1:], standalone_mode=False);"
        "print(sorted({'matplotlib', 'scipy', 'joblib', 'theano', 'tqdm'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "plot", model], capture_output=True, text=True, env={**os.environ}
    )
    assert done.stdout.splitlines() == ["net-conv1.png", "[]"]


def test_the_help_holds_an_example():
    result = run("--help")
    assert result.exit_code == 0
    assert "filtviz plot model.pkl --layer 0" in result.stdout
