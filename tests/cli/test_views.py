"""``plot`` with views and ``compare``, on the example networks: files, words, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

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


def test_a_layer_of_many_channels_is_told_of_the_sheet(run) -> None:
    hint = "conv2: one picture for each of 20 channels; --view sheet draws them all on one"
    assert hint in run("plot", TRAINED, "-l", "1").stderr.splitlines()
    assert hint not in run("plot", TRAINED, "-l", "1", "--channels", "0-6").stderr
    assert hint not in run("plot", TRAINED, "-l", "1", "--view", "sheet").stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--view", "grid", "--flip"], "--flip has no meaning in nolearn's layout: leave out --view grid"),
        (["--view", "grid", "--channels", "rgb"], "--channels rgb has no meaning in nolearn's layout"),
        (["--view", "rms", "--channels", "bgr"], "--view rms is not drawn in the channels' colours"),
        (["--view", "mud"], "'mud' is not one of"),
        (["--top", "0"], "0 is not in the range"),
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
    assert second == "mission-untrained-conv1-compare.png"
    assert Path(second).is_file()


def test_compare_a_file_with_itself(run) -> None:
    result = run("compare", TRAINED, TRAINED, "-l", "1", "--top", "4")
    assert "nothing changed from" in result.stdout
    assert "all 3,600 weights are the same" in result.stdout


def test_compare_checkpoints_and_animate(run) -> None:
    result = run("compare", UNTRAINED, HALFWAY, TRAINED, "--animate", "out.gif", "--format", "svg")
    assert result.stdout.splitlines()[1:] == ["mission-untrained-conv1-compare.svg", "out.gif"]
    with Image.open("out.gif") as animation:
        assert animation.n_frames == 3


def test_compare_json_is_a_number_for_each_filter(run) -> None:
    result = run("compare", UNTRAINED, TRAINED, "-l", "0", "-l", "conv2", "--json")
    found = json.loads(result.stdout)
    assert found["files"] == [UNTRAINED, TRAINED]
    assert [layer["layer"] for layer in found["layers"]] == ["conv1", "conv2"]
    filters = found["layers"][0]["filters"]
    assert [each["index"] for each in filters] == list(range(20))
    assert all(0 < each["relative_change"] < 2 and 0 < each["cosine"] <= 1 for each in filters)
    assert result.stderr.splitlines() == [
        "mission-untrained-conv1-compare.png",
        "mission-untrained-conv2-compare.png",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([TRAINED], 2, "give two files or more"),
        ([TRAINED, UNTRAINED, "--animate", "out.png"], 2, "--animate needs a name that ends in .gif"),
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
    assert Path("mission-untrained-conv1-compare.png").is_file()
