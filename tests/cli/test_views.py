"""``plot`` with views and ``compare``, on the example networks: files, words, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from filtviz import FiltvizError, Hints, Limits
from filtviz.cli import main

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
UNTRAINED, HALFWAY, TRAINED = (
    str(EXAMPLES / f"mission-{stage}.pkl") for stage in ("untrained", "halfway", "trained")
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Give a function that runs a command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str) -> Result:
        result = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return invoke


@pytest.mark.cases(2)
@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["--view", "sheet"], "mission-trained-conv1-sheet.png"),
        (["--sort", "norm"], "mission-trained-conv1-sheet.png"),
        (["--flip"], "mission-trained-conv1-sheet.png"),
        (["--top", "5"], "mission-trained-conv1-sheet.png"),
        (["--scale", "kernel"], "mission-trained-conv1-sheet.png"),
        (["--no-labels"], "mission-trained-conv1-sheet.png"),
        (["-l", "1", "--view", "rms"], "mission-trained-conv2-rms.png"),
        (["-l", "1", "--view", "components"], "mission-trained-conv2-components.png"),
        (["-l", "conv3", "--through"], "mission-trained-conv3-through.png"),
        (["-l", "5", "--through", "--sort", "similarity"], "mission-trained-conv6-through.png"),
    ],
)
def test_a_view_writes_one_picture_and_says_its_name(run, arguments: list[str], name: str) -> None:
    result = run("plot", TRAINED, *arguments)
    assert (result.exit_code, result.stdout) == (0, f"{name}\n")
    with Image.open(name) as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 200


@pytest.mark.cases(1)
@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
@pytest.mark.parametrize("view", ["sheet", "rms", "components"])
def test_every_view_is_written_in_every_format(run, suffix: str, view: str) -> None:
    result = run("plot", TRAINED, "--view", view, "-l", "1", "-o", f"out.{suffix}")
    assert (result.exit_code, result.stdout) == (0, f"out.{suffix}\n")
    start = Path(f"out.{suffix}").read_bytes()[:5]
    assert start.startswith({"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}[suffix])


def test_nolearns_layout_stays_the_default(run) -> None:
    assert run("plot", TRAINED).stdout == "mission-trained-conv1.png\n"
    with Image.open("mission-trained-conv1.png") as picture:
        assert picture.size == (600, 600)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("option", "field", "value"),
    [
        (["--scale", "filter"], "scale", "filter"),
        (["--sort", "similarity"], "sort", "similarity"),
        (["--top", "3"], "top", 3),
        (["--no-labels"], "labels", False),
        (["--flip"], "flip", True),
        (["--components", "2"], "components", 2),
        (["--view", "sheet", "--cmap", "gray"], "cmap", "gray"),
        (["--view", "sheet", "--figsize", "3", "4"], "figsize", (3.0, 4.0)),
        (["--view", "sheet"], "cmap", None),
        (["--view", "sheet"], "figsize", None),
        (["--channels", "BGR"], "primaries", "bgr"),
    ],
)
def test_an_option_of_sheets_reaches_them(
    run, monkeypatch, option: list[str], field: str, value: object
) -> None:
    seen = []

    def plot(model: str, **given: object) -> None:
        seen.append(given["drawing"])
        raise FiltvizError("that is enough")

    monkeypatch.setattr("filtviz.api.plot", plot)
    assert run("plot", TRAINED, *option).exit_code == 1
    (drawing,) = seen
    assert getattr(drawing.sheet, field) == value
    assert drawing.view == "sheet"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("option", "name", "value"),
    [
        (["--through"], "through", True),
        (["--through", "--assume-stacked"], "assume_stacked", True),
        (["--through", "--images", "a.npy"], "images", "a.npy"),
        (["--badges"], "badges", True),
        (["--no-clobber"], "clobber", False),
        (["--channels", "0,2-5"], "channels", [(0, 0), (2, 5)]),
        ([], "channels", None),
        ([], "through", False),
        ([], "assume_stacked", False),
        ([], "images", None),
        ([], "badges", False),
        ([], "clobber", True),
        ([], "layers", (0,)),
        (["-l", "2", "-l", "conv1"], "layers", ("2", "conv1")),
        (["--terminal"], "output", None),
        (["--show"], "output", None),
        (["--max-memo", "5"], "limits", Limits(memo=5)),
        (["--convs", "0, 2,conv3", "--convs", "5"], "hints", Hints(convs=("0", "2", "conv3", "5"))),
        (["--axes", "oirc", "--axes", "a=iorc"], "hints", Hints(axes={"": "oirc", "a": "iorc"})),
    ],
)
def test_an_option_is_an_argument_of_the_function(
    run, monkeypatch, option: list[str], name: str, value: object
) -> None:
    seen = []

    def plot(model: str, **given: object) -> None:
        seen.append(given)
        raise FiltvizError("that is enough")

    monkeypatch.setattr("filtviz.api.plot", plot)
    assert run("plot", TRAINED, *option).exit_code == 1
    assert seen[0][name] == value


@pytest.mark.slow
def test_a_layer_of_many_channels_is_told_of_the_sheet(run) -> None:
    hint = "conv2: one picture for each of 20 channels; --view sheet draws them all on one"
    assert hint in run("plot", TRAINED, "-l", "1").stderr.splitlines()
    assert hint not in run("plot", TRAINED, "-l", "1", "--channels", "0-6").stderr
    assert hint not in run("plot", TRAINED, "-l", "1", "--view", "sheet").stderr


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--view", "grid", "--flip"], "--flip has no meaning in nolearn's layout: leave out --view grid"),
        (["--view", "grid", "--channels", "rgb"], "--channels rgb has no meaning in nolearn's layout"),
        (["--view", "rms", "--channels", "bgr"], "--view rms is not drawn in the channels' colours"),
        (["--view", "mud"], "'mud' is not one of"),
        (["--channels", "xrgb"], "numbers and ranges such as 0,2-5, not 'xrgb'"),
        (["--channels", "bgra"], "numbers and ranges such as 0,2-5, not 'bgra'"),
        (["--view", "grid", "--sort", "norm", "--top", "3"], "--sort has no meaning in nolearn's layout"),
        (["--view", "grid", "--through"], "--through has no meaning in nolearn's layout"),
        (["--view", "grid", "--terminal"], "--terminal has no meaning in nolearn's layout"),
        (
            ["--view", "nmf", "--channels", "rgb"],
            "--view nmf is not drawn in the channels' colours: leave out",
        ),
        (
            ["--images", "nope.npy"],
            "Error: --images is for filters composed down to the image: add --through, or leave it out",
        ),
        (["--images", "nope.npy", "--view", "sheet"], "--images is for filters composed"),
        (["--assume-stacked"], "--assume-stacked is for filters composed down to the image: add --through"),
        (["--assume-stacked", "--images", "nope.npy"], "--assume-stacked is for filters composed"),
        (["--top", "0"], "0 is not in the range"),
        (["--components", "0"], "0 is not in the range"),
    ],
)
def test_wrong_usage_exits_with_2(run, arguments: list[str], words: str) -> None:
    result = run("plot", TRAINED, *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--channels", "rgb"], "the filters have 1 channel, and rgb colours need 3"),
        (["--through", "--images", "nope.npy"], "cannot read nope.npy: no such file or directory"),
        (["--view", "sheet", "--cmap", "mud"], "matplotlib has no colour map 'mud'"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(run, arguments: list[str], words: str) -> None:
    result = run("plot", TRAINED, *arguments)
    assert result.exit_code in (1, 2)
    assert words in " ".join(result.stderr.split())
    assert list(Path().iterdir()) == []


def test_images_to_check_on_come_from_a_file(run) -> None:
    np.save("images.npy", np.random.default_rng(0).random((5, 31, 31)))
    result = run("plot", TRAINED, "-l", "2", "--through", "--images", "images.npy", "--terminal")
    assert result.exit_code == 0
    assert "r: shown 5 given images" in result.stdout


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "content", [np.array([{}]), np.array(["a"]), np.zeros(3), np.full((1, 2, 2), np.nan)]
)
def test_a_file_without_images_is_refused_and_not_executed(run, content: np.ndarray) -> None:
    np.save("images.npy", content, allow_pickle=True)
    result = run("plot", TRAINED, "--through", "--images", "images.npy")
    assert result.exit_code == 1
    assert "holds no image" in result.stderr


def test_the_terminal_gets_text_and_no_file(run) -> None:
    result = run("plot", TRAINED, "--terminal")
    assert result.exit_code == 0
    assert result.stdout.startswith(
        "mission-trained.pkl · conv1 (convolution 0, Conv2DLayer)\n20 filters x 1 channel"
    )
    assert "\x1b" not in result.stdout  # what is piped is plain
    assert list(Path().iterdir()) == []


def test_the_terminal_and_a_file(run) -> None:
    result = run("plot", TRAINED, "--terminal", "-o", "out.png")
    assert result.stdout.endswith("out.png\n")
    assert Path("out.png").is_file()


def test_compare_says_what_changed_and_draws_it(run) -> None:
    result = run("compare", UNTRAINED, TRAINED, "--layer", "0")
    assert result.exit_code == 0
    first, second = result.stdout.splitlines()
    assert first.startswith(
        "conv1: from mission-untrained.pkl to mission-trained.pkl the weights changed by "
    )
    assert second == "mission-untrained-mission-trained-conv1-compare.png"
    assert Path(second).is_file()


@pytest.mark.slow
def test_compare_draws_what_changed_most_where_it_is_asked_for(run) -> None:
    few = run("compare", UNTRAINED, TRAINED, "--top", "3", "--sort", "change", "-o", "few.svg")
    assert few.stdout.splitlines()[1:] == ["few.svg"]
    shown = json.loads(run("compare", UNTRAINED, TRAINED, "--json", "-o", "x.svg").stdout)
    changes = [each["relative_change"] for each in shown["layers"][0]["filters"]]
    most = sorted(range(20), key=lambda i: -changes[i])[:3]
    drawn = Path("few.svg").read_text()
    found = [drawn.find(f"<!-- {i} -->") for i in most]
    assert -1 not in found
    assert found == sorted(found)
    assert "17 filters that changed less" in drawn


@pytest.mark.slow
def test_compare_says_each_layer_before_the_files(run) -> None:
    lines = run("compare", UNTRAINED, TRAINED, "-l", "1", "-l", "0", "-o", "out/").stdout.splitlines()
    assert [line.split(":")[0] for line in lines[:2]] == ["conv2", "conv1"]
    both = "out/mission-untrained-mission-trained"
    assert lines[2:] == [f"{both}-{name}-compare.png" for name in ("conv2", "conv1")]


@pytest.mark.slow
def test_compare_a_file_with_itself(run) -> None:
    result = run("compare", TRAINED, TRAINED, "-l", "1", "--top", "4")
    assert "nothing changed from" in result.stdout
    assert "all 3,600 weights are the same" in result.stdout


@pytest.mark.slow
def test_compare_checkpoints_and_animate(run) -> None:
    result = run("compare", UNTRAINED, HALFWAY, TRAINED, "--animate", "out.gif", "--format", "svg")
    assert result.stdout.splitlines()[1:] == [
        "mission-untrained-mission-trained-8f65823a68-conv1-compare.svg",
        "out.gif",
    ]
    with Image.open("out.gif") as animation:
        assert animation.n_frames == 3


@pytest.mark.slow
def test_compare_json_is_a_number_for_each_filter(run) -> None:
    result = run("compare", UNTRAINED, TRAINED, "-l", "0", "-l", "conv2", "--json")
    found = json.loads(result.stdout)
    assert found["files"] == [UNTRAINED, TRAINED]
    assert [layer["layer"] for layer in found["layers"]] == ["conv1", "conv2"]
    filters = found["layers"][0]["filters"]
    assert [each["index"] for each in filters] == list(range(20))
    assert all(0 < each["relative_change"] < 2 and 0 < each["cosine"] <= 1 for each in filters)
    assert result.stderr.splitlines() == [
        "mission-untrained-mission-trained-conv1-compare.png",
        "mission-untrained-mission-trained-conv2-compare.png",
    ]


def test_compare_json_says_null_where_there_is_no_number(run) -> None:
    weights = np.random.default_rng(0).standard_normal((3, 1, 3, 3)).astype("f4")
    before = weights.copy()
    before[1] = 0
    np.savez("before.npz", before, np.zeros(3, "f4"))
    np.savez("after.npz", weights, np.zeros(3, "f4"))
    (layer,) = json.loads(run("compare", "before.npz", "after.npz", "--json").stdout)["layers"]
    assert [each["cosine"] for each in layer["filters"]] == [1.0, None, 1.0]
    assert [each["relative_change"] for each in layer["filters"]] == [0.0, None, 0.0]
    assert 0 < layer["relative_change"] < 10


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([TRAINED], 2, "give two files or more"),
        ([TRAINED, UNTRAINED, "--animate", "out.png"], 2, "--animate needs a name that ends in .gif"),
        ([TRAINED, UNTRAINED, "--animate", "out.gif", "-l", "0", "-l", "1"], 2, "--animate needs a name"),
        ([TRAINED, UNTRAINED, "-o", "out.jpg"], 2, ".jpg is no format of pictures"),
        ([TRAINED, UNTRAINED, "--dpi", "-1"], 2, "dpi must be a positive number, not -1"),
        ([TRAINED, "nope.pkl"], 1, "nope.pkl"),
        ([TRAINED, UNTRAINED, "-l", "9"], 1, "there is no convolution '9'"),
    ],
)
def test_compare_refuses_with_a_sentence(run, arguments: list[str], code: int, words: str) -> None:
    result = run("compare", *arguments)
    assert result.exit_code == code
    assert words in result.stderr
    assert list(Path().iterdir()) == []


def test_one_layer_that_cannot_be_compared_does_not_stop_the_others(run) -> None:
    result = run("compare", UNTRAINED, TRAINED, "-l", "9", "-l", "0")
    assert result.exit_code == 1
    assert Path("mission-untrained-mission-trained-conv1-compare.png").is_file()
