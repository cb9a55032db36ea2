"""The commands that show a network images: what they print, write and refuse."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from tests import demonstrations_told, telling
from tests.building import as_layer, image
from tests.reading.torch_making import tensor, zip_of

from filtviz import (
    ArgumentError,
    Network,
    Parameter,
    Prediction,
    RunningError,
    activity,
    demonstrations,
    load,
    responses,
)
from filtviz.cli import image_options, main
from filtviz.demonstrations import Demonstration, Request, answering_images, explaining
from filtviz.drawing.colours import NOT_FINITE
from filtviz.drawing.response_pictures import activity_picture
from filtviz.operations import Dense, Flatten
from filtviz.responses import Activity, Patches
from filtviz.running.preparing import Pictures

EXAMPLES = Path(__file__).parents[2] / "examples"
MODEL, DIGITS = str(EXAMPLES / "mission-trained.pkl"), str(EXAMPLES / "digits.npz")
USED_AS_GIVEN = (
    "The file does not tell how its images were prepared: used as given (range 0 to 1); "
    "--mean, --scale, --size, --channels and --layout change it"
)


def test_what_is_said_of_made_up_answers_is_what_was_said() -> None:
    wanted = (telling.GOLDEN / "demonstrations.txt").read_text(encoding="utf-8")
    assert list(demonstrations_told.all_lines()) == wanted.splitlines()


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Ten of the digits, with what they are."""
    path = tmp_path_factory.mktemp("images") / "few.npz"
    with np.load(DIGITS) as held:
        np.savez(path, images=held["images"][:10], labels=held["labels"][:10])
    return str(path)


def run(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == status, result.output
    return result


def test_predict_prints_a_table_and_how_many_are_right(few: str) -> None:
    result = run("predict", MODEL, "--images", few)
    lines = result.stdout.splitlines()
    assert lines[0] == "10 of 10 are answered as their file says (100.0%), where an output above 0.5 is a 1"
    assert lines[1].split() == ["image", "given", "output"]
    assert lines[3].split()[0] == "few.npz[0]"
    assert result.stderr.strip() == USED_AS_GIVEN


@pytest.mark.slow
def test_where_the_network_of_the_example_looks_is_not_too_much_work(few: str, tmp_path: Path) -> None:
    done = run("occlusion", MODEL, "--images", few, "-o", str(tmp_path / "looks.png"))
    assert "--max-work" not in done.stderr
    assert (tmp_path / "looks.png").is_file()


@pytest.mark.slow
def test_a_small_network_on_numpy_imports_no_torch_and_a_command_only_its_own_question(
    few: str, tmp_path: Path
) -> None:
    package = tmp_path / "installed" / "torch"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('seconds')\n")
    check = f"""
import sys
from filtviz.cli import main
main(['activity', {MODEL!r}, '--images', {few!r}, '-o', {str(tmp_path)!r}], standalone_mode=False)
others = ('filtviz.measures.measure', 'filtviz.responses.examining', 'filtviz.drawing.layout', 'scipy')
print([name for name in others if name in sys.modules])
"""
    paths = os.pathsep.join([str(package.parent), *sys.path])
    ran = subprocess.run(
        [sys.executable, "-c", check],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert ran.stdout.splitlines()[-1] == "[]"


def test_predict_prints_json(few: str) -> None:
    found = json.loads(run("predict", MODEL, "--images", few, "--json").stdout)
    assert np.shape(found["outputs"]) == (10, 1)
    assert found["given"] == [str(int(value > 0.5)) for (value,) in found["outputs"]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "name", "sentence"),
    [
        (["activity", "--layer", "conv1"], "mission-trained-conv1-activity.png", "never fired on 10 images"),
        (["activity", "--layer", "0", "--nolearn"], "mission-trained-conv1-activity.png", "never fired"),
        pytest.param(
            ["activity", "--layer", "dense2"],
            "mission-trained-dense2-activity.png",
            "dense2: ",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ["patches", "--layer", "0", "--top", "3"],
            "mission-trained-conv1-patches.png",
            "a unit sees 3x3 pixels",
            marks=pytest.mark.slow,
        ),
        (
            ["occlusion", "--stride", "10"],
            "mission-trained-occlusion.png",
            "the output: 1.35e-05 for the whole",
        ),
        (["codes"], "mission-trained-codes.png", "dense2: 10 images as 32 numbers each"),
    ],
)
def test_a_picture_is_written_and_the_answer_is_said(
    few: str, command: list[str], name: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*command, MODEL, "--images", few)
    assert result.stdout.splitlines() == [name]
    assert sentence in result.stderr
    assert USED_AS_GIVEN in result.stderr
    with Image.open(tmp_path / name) as picture:
        colours = picture.convert("RGB").getcolors(1 << 24)
    assert colours is not None
    assert len(colours) > 20


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["pdf", "svg"])
def test_pictures_have_the_format_that_their_name_tells(few: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"out.{suffix}"
    run("occlusion", MODEL, "--images", few, "--stride", "15", "-o", str(path))
    assert path.read_bytes()[:4] in (b"%PDF", b"<?xm")


def test_json_writes_a_picture_only_where_it_is_asked_for(
    few: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = json.loads(run("activity", MODEL, "--images", few, "--json").stdout)
    assert found["files"] == []
    assert not list(tmp_path.iterdir())
    assert found["dead"] == [unit for unit, share in enumerate(found["fires"]) if share == 0]


def test_pictures_and_folders_are_made_as_the_network_takes_them(few: str, tmp_path: Path) -> None:
    with np.load(few) as held:
        for number, image in enumerate(held["images"][:, 0]):
            Image.fromarray(image).convert("RGB").save(tmp_path / f"digit{number}.png")
    expected = json.loads(run("predict", MODEL, "--images", few, "--json").stdout)["outputs"]
    found = json.loads(run("predict", MODEL, "--images", str(tmp_path), "--json").stdout)
    assert found["images"] == [f"digit{number}.png" for number in range(10)]
    np.testing.assert_allclose(found["outputs"], expected, atol=1e-9)
    Image.new("L", (40, 50), 255).save(tmp_path / "large.png")
    assert (
        "Pictures were resized to 31x31"
        in run("predict", MODEL, "--images", str(tmp_path / "large.png")).stderr
    )


def test_mean_and_scale_are_used(few: str) -> None:
    result = run("predict", MODEL, "--images", few, "--mean", "0.5", "--scale", "2")
    assert result.stderr.strip() == "Images were prepared as asked (range -1 to 1)"


@pytest.mark.parametrize("lines", [24, 30, None])
def test_a_table_fits_its_window_and_is_whole_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], lines: int | None
) -> None:
    monkeypatch.setattr(image_options, "window", lambda: (80, lines))
    found = Demonstration(
        sentences=(), data={}, rows=[[str(i), "x"] for i in range(200)], headings=["a", "b"]
    )
    image_options.print_demonstration(found, as_json=False)
    printed = capsys.readouterr().out.splitlines()
    if lines is None:
        assert len(printed) == 202
        return
    assert printed[-1] == f"… and {200 - (lines - 8)} more rows: in a pipe, as in | less, all are printed"
    assert len(printed) == lines - 8 + 3
    few = replace(found, rows=found.rows[: lines - 7])  # one more would take as much room as the hint does
    image_options.print_demonstration(few, as_json=False)
    assert len(capsys.readouterr().out.splitlines()) == lines - 7 + 2


def test_names_of_classes_must_fit(few: str, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("odd\n")
    assert "odd  1.351e-05" in run("predict", MODEL, "--images", few, "--labels", str(labels)).stdout
    labels.write_text("odd\neven\n")
    result = run("predict", MODEL, "--images", few, "--labels", str(labels), status=1)
    assert result.stderr.splitlines()[-1].endswith("the network has 1 output, and is given 2 labels")


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"nothing", "a.png", "cannot read"),
        (b"nothing", "a.npy", "a.npy holds no arrays of numbers that can be read"),
        (b"PK nothing", "a.npz", "a.npz holds no arrays of numbers that can be read"),
        (None, "a.png", "cannot read"),
    ],
)
def test_what_is_no_image_is_one_sentence(
    content: bytes | None, name: str, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    result = run("predict", MODEL, "--images", str(path), status=1)
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.full((1, 1, 31, 31), np.nan), "holds NaN or infinity: nothing can be computed of it"),
        (np.zeros((1, 3, 31, 31)), "the images have 3 channels, the network takes 1"),
        (np.zeros(5), "holds no images: they have the shape (5,)"),
        (np.array([None, 1]), "holds no arrays of numbers that can be read"),
    ],
)
def test_arrays_that_do_not_fit_are_one_sentence(array: np.ndarray, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "images.npy"
    np.save(path, array, allow_pickle=True)
    result = run("predict", MODEL, "--images", str(path), status=1)
    assert sentence in result.stderr.splitlines()[-1]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "wrong", [["--mean", "a"], ["--scale", "1,nan"], ["--size", "0"], ["--size", "1x2x3"], ["--batch", "0"]]
)
def test_options_out_of_range_are_wrong_usage(few: str, wrong: list[str]) -> None:
    run("predict", MODEL, "--images", few, *wrong, status=2)


def test_an_image_that_is_not_there_and_a_class_that_is_not(few: str) -> None:
    result = run("occlusion", MODEL, "--images", few, "--image", "10", status=1)
    assert "there is no image 10: 10 were given, counted from 0" in result.stderr


def test_no_image_is_overwritten(few: str, tmp_path: Path) -> None:
    path = tmp_path / "digit.png"
    Image.new("L", (31, 31)).save(path)
    before = path.read_bytes()
    run("occlusion", MODEL, "--images", str(path), "--stride", "15", "-o", str(path), status=1)
    assert path.read_bytes() == before


@pytest.mark.slow
def test_an_answer_that_nothing_covers_away_is_said_to_be_so(few: str, tmp_path: Path) -> None:
    options = ["--square", "1", "--stride", "15", "-o", str(tmp_path / "out.png")]
    result = run("occlusion", MODEL, "--images", few, "--image", "3", *options)
    assert "no place of a 1x1 square changes it by 0.001 or more" in result.stderr


@pytest.mark.slow
def test_losses_are_drawn_where_there_are_some(tmp_path: Path) -> None:
    net = Path(__file__).parents[1] / "fixtures" / "py311" / "nolearn-net.pkl.gz"
    result = run("loss", str(net), "-o", str(tmp_path / "loss.png"))
    assert "training: " in result.stderr
    assert (tmp_path / "loss.png").is_file()
    assert "tells no losses of its training" in run("loss", MODEL, status=1).stderr


@pytest.mark.parametrize("command", ["saliency", "maximise"])
def test_what_needs_pytorch_says_so(command: str, few: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.delitem(sys.modules, "filtviz.running.gradients", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    result = run(command, MODEL, "--images", few, status=1)
    assert result.stderr.splitlines()[-1].endswith("pip install torch")


@pytest.mark.slow
def test_diagnose_answers_with_images_on_one_screen(few: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = run("diagnose", MODEL, "--images", few, "--before", str(EXAMPLES / "mission-untrained.pkl"))
    words = " ".join(result.stdout.split())
    assert "Of 10 images it answers 100% right (one answer to all: " in words
    assert re.search(r"With conv1 put back to its first weights it (still )?answers \d+% right, with", words)
    assert result.stderr.strip() == USED_AS_GIVEN
    lines = result.stdout.splitlines()
    assert len(lines) + len(USED_AS_GIVEN) // 80 + 1 <= 24
    assert max(map(len, lines[7:14])) <= 80  # a long path may be longer than a line
    assert "never fire" in result.stdout


@pytest.mark.slow
def test_diagnose_tells_scripts_what_images_told(few: str) -> None:
    (model,) = json.loads(run("diagnose", MODEL, "--images", few, "--json").stdout)["models"]
    shown = model["shown"]
    assert (shown["n_images"], shown["right"], shown["labelled"]) == (10, 10, 10)
    assert [each["layer"] for each in shown["layers"]][:2] == ["conv1", "conv2"]
    for layer in shown["layers"][:-1]:
        assert layer["silent"] == [unit for unit, share in enumerate(layer["fires"]) if share == 0]
    (model,) = json.loads(run("diagnose", MODEL, "--json").stdout)["models"]
    assert model["shown"] is None


@pytest.mark.slow
def test_diagnose_shows_tables_of_what_images_told(few: str) -> None:
    text = run("diagnose", MODEL, "--images", few, "--details").stdout
    assert "Shown 10 images, and proof for these alone" in text
    assert "dense2   32       rectify" in text
    assert "Units that never fire: conv1 " in text
    assert "never fires on these images" in run("diagnose", MODEL, "--images", few, "--filters").stdout


@pytest.mark.slow
def test_diagnose_takes_labels_from_a_file(few: str, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("1\n" * 10)
    result = run("diagnose", MODEL, "--images", few, "--labels", str(labels))
    assert "(one answer to all: 100%)" in " ".join(result.stdout.split())
    labels.write_text("1\n" * 9)
    result = run("diagnose", MODEL, "--images", few, "--labels", str(labels), status=1)
    assert "10 images came with 9 labels" in result.stderr


def test_diagnose_goes_on_where_a_network_cannot_be_run(few: str) -> None:
    result = run("diagnose", str(EXAMPLES / "mission-torch-start.pth"), "--images", few, status=1)
    assert "images tell nothing of this network: conv1 cannot be run on these images" in result.stderr
    assert "The filters look random because they are" in result.stdout


def test_options_of_images_need_images() -> None:
    result = run("diagnose", MODEL, "--mean", "1", status=2)
    assert "need --images" in result.stderr


COMMANDS = (
    ("activity", "--layer", "conv1"),
    ("patches", "--layer", "conv1", "--top", "2"),
    ("occlusion", "--stride", "10"),
    ("codes",),
)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_numbers_go_into_an_npz_file(few: str, command: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "out.npz"
    result = run(*command, MODEL, "--images", few, "-o", str(path))
    assert result.stdout.splitlines() == [str(path)]
    expected = {"activity": "maps", "patches": "patches", "occlusion": "map", "codes": "codes"}[command[0]]
    with np.load(path, allow_pickle=False) as held:
        assert held[expected].dtype == np.float64
        assert held[expected].ndim >= 2


def test_predict_writes_its_numbers_too(few: str, tmp_path: Path) -> None:
    path = tmp_path / "out.npz"
    result = run("predict", MODEL, "--images", few, "-o", str(path))
    assert result.stdout.splitlines()[1].split() == ["image", "given", "output"]
    with np.load(path) as held:
        assert held["outputs"].shape == (10, 1)
        assert held["names"][3] == "few.npz[3]"
    assert "no format of numbers: end the name in .npz" in run(
        "predict", MODEL, "--images", few, "-o", str(tmp_path / "a.png"), status=2
    ).output  # fmt: skip


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("command", "heading", "n_rows"),
    [
        (("predict",), "image,given,0", 10),
        (("activity", "--layer", "conv1"), "unit,fires,saturated,strongest,dead", 20),
        (("patches", "--layer", "conv1", "--top", "2"), "filter,place,image,row,column,answer", 40),
        (("codes",), "image,given,x,y,unit 0,", 10),
    ],
)
def test_tables_are_csv(
    few: str,
    command: tuple[str, ...],
    heading: str,
    n_rows: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = run(*command, MODEL, "--images", few, "--csv").stdout.splitlines()
    assert lines[0].startswith(heading)
    assert len(lines) == n_rows + 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_pictures_are_drawn_in_the_terminal(
    few: str, command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    result = run(*command, MODEL, "--images", few, "--terminal")
    lines = result.stdout.splitlines()
    assert len(lines) > 10
    assert max(map(len, lines)) <= 80
    assert any(set(line) <= set(" .+-0123456789?") and line.strip() for line in lines)
    assert not list(tmp_path.iterdir())


def test_one_way_of_printing_at_a_time(few: str) -> None:
    for one, other in (("--json", "--csv"), ("--csv", "--terminal"), ("--terminal", "--json")):
        assert "exclude each other" in run("activity", MODEL, "-i", few, one, other, status=2).stderr


def test_losses_of_a_checkpoint_are_drawn_and_printed(tmp_path: Path) -> None:
    kept = {
        "model": {"conv.weight": tensor(np.ones((2, 1, 3, 3), np.float32))},
        "train_losses": [0.9, 0.5, 0.3],
    }
    model = tmp_path / "net.pt"
    model.write_bytes(zip_of(kept | {"val_losses": [0.8, 0.6]}))
    assert run("loss", str(model), "--csv").stdout.splitlines() == [
        "epoch,training,validation",
        "1,0.9,0.8",
        "2,0.5,0.6",
        "3,0.3,",
    ]
    result = run("loss", str(model), "-o", str(tmp_path / "loss.png"))
    assert "training: 0.9 at first, 0.3 at best (epoch 3), 0.3 at the end" in result.stderr
    assert "the lists are not of one length (training 3 and validation 2)" in result.stderr
    assert run("loss", str(model), "--terminal").stdout
    assert "tells no losses of its training" in run("loss", MODEL, status=1).stderr


@pytest.mark.slow
def test_nan_is_told_and_not_drawn_as_black(few: str) -> None:
    first = load(MODEL).conv_layers[0]
    bias = np.zeros(20, np.float32)
    bias[3] = np.nan
    layer = replace(first, inputs=(0,), operations=(replace(first.convolution, bias=Parameter.of("b", bias)),
                                                    *first.operations[1:]))  # fmt: skip
    network = Network.of([image(1, 31, 31), layer])
    with np.load(few) as held:
        found = activity(network, held["images"] / 255)
    assert 3 not in found.dead
    picture = np.asarray(activity_picture(found, np.zeros((1, 31, 31)), "few").image().convert("RGB"))
    assert (picture == NOT_FINITE).all(axis=2).sum() > 500
    assert (
        "NaN or infinity, drawn green" in activity_picture(found, np.zeros((1, 31, 31)), "few").sheet.notes[0]
    )


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [1, 2, 3, 7])
@pytest.mark.parametrize("labelled", [False, True])
def test_the_table_has_a_column_for_each_class_that_is_shown(monkeypatch, n: int, labelled: bool) -> None:
    kernel = Parameter.of("W", np.arange(4.0 * n).reshape(4, n))
    network = Network.of(
        [image(1, 2, 2), as_layer(Flatten(), Dense(weights=kernel, units=n), below=0, name="last")]
    )
    shown = np.ones((2, 1, 2, 2)) * [[[[0.5]]], [[[1.0]]]]
    pictures = Pictures(
        images=shown, seen=shown, names=("a", "b"), labels=("0", "1") if labelled else None, sentences=("s",)
    )
    monkeypatch.setattr(Request, "network", lambda _: network)
    monkeypatch.setattr(Request, "pictures", lambda *_: pictures)
    found = demonstrations.predict("m", "x", top=5, engine="numpy").demonstration
    given = ("given",) * labelled
    ranks = tuple(f"#{place}" for place in range(1, min(n, 5) + 1)) if n > 1 else ("output",)
    assert found.headings == ("image", *given, *ranks)
    assert [row[0] for row in found.rows] == ["a", "b"]
    assert {len(row) for row in found.rows} == {len(found.headings)}
    outputs = network.run(shown, engine="numpy")
    for row, values in zip(found.rows, outputs, strict=True):
        best = sorted(range(n), key=lambda k: -values[k])[:5]
        assert row[1 + labelled :] == tuple(f"{k}  {values[k]:.4g}" for k in best)
    assert found.table[0] == ("image", "given", *map(str, range(n)))
    assert found.table[1][:2] == ("a", "0" if labelled else "")
    assert found.data["given"] == (["0", "1"] if labelled else None)


@pytest.mark.parametrize(
    ("labels", "said"),
    [(1, None), (2, "the network has 1 output, and is given 2 labels"), (0, None)],
)
def test_as_many_names_as_outputs_are_needed(monkeypatch, labels: int, said: str | None) -> None:
    kernel = Parameter.of("W", np.ones((4, 1)))
    network = Network.of([image(1, 2, 2), as_layer(Flatten(), Dense(weights=kernel, units=1), below=0)])
    shown = np.ones((1, 1, 2, 2))
    pictures = Pictures(images=shown, seen=shown, names=("a",), labels=None, sentences=())
    monkeypatch.setattr(Request, "network", lambda _: network)
    monkeypatch.setattr(Request, "pictures", lambda *_: pictures)
    monkeypatch.setattr(Request, "names", lambda _: ("x", "y")[:labels])
    monkeypatch.setattr(Request, "has_file_of_labels", True)
    if said is None:
        assert demonstrations.predict("m", "x", engine="numpy").demonstration.rows == (
            ("a", f"{'x' if labels else '0'}  4"),
        )
    else:
        with pytest.raises(RunningError, match=said):
            demonstrations.predict("m", "x", engine="numpy")


@pytest.mark.slow
def test_patches_say_how_many_filters_answered_nothing_or_that_all_did_something(
    few: str, tmp_path: Path
) -> None:
    untrained = str(EXAMPLES / "mission-untrained.pkl")
    told = {
        model: run("patches", model, "--images", few, "-o", str(tmp_path)).stderr
        for model in (untrained, MODEL)
    }
    assert "; each of 20 filters answered a piece of 10 images" in told[untrained]
    assert "; 2 of 20 filters answered no piece of 10 images" in told[MODEL]


# What is asked and what is said, of answers that are made up


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a network of three classes on 4x4 images is asked; its answers are those that a test puts here."""
    seen = np.zeros((2, 1, 4, 4))
    held: dict[str, Any] = {"outputs": np.array([[0.2, 0.7, 0.1]] * 2), "asked": []}
    pictures = Pictures(images=seen, seen=seen, names=("a", "b"), labels=None, sentences=())

    def predict(*_: Any, **__: Any) -> Any:
        return Prediction(layer="out", outputs=held["outputs"], labels=())

    def noting(name: str) -> Any:
        def ask(*args: Any, **given: Any) -> Any:
            held["asked"].append((name, args[2:], given))
            return held[name]

        return ask

    monkeypatch.setattr(Request, "network", lambda _: Network.of([image(1, 4, 4)]))
    monkeypatch.setattr(Request, "pictures", lambda _, __: pictures)
    monkeypatch.setattr(responses, "predict", predict)
    for name in ("occlusion", "saliency"):
        monkeypatch.setattr(responses, name, noting(name))
    return held


@pytest.mark.cases("all")
@pytest.mark.parametrize(("target", "asked"), [(None, 1), (0, 0), (1, 1), (2, 2)])
def test_the_class_is_the_one_that_is_asked_for_or_else_the_answer(answers, target, asked) -> None:
    answers["occlusion"] = np.full((2, 2), 0.7)
    answers["saliency"] = np.ones((1, 4, 4))
    occluded = demonstrations.occlusion("m.pkl", "x", target=target).demonstration
    looked = demonstrations.saliency("m.pkl", "x", target=target).demonstration
    assert occluded.data["target"] == looked.data["target"] == asked
    assert [args[0] if name == "occlusion" else args[1] for name, args, _ in answers["asked"]] == [
        asked,
        asked,
    ]
    whole = f"{answers['outputs'][0, asked]:.3g}"
    assert occluded.answer[0].startswith(f"class {asked}: {whole} for the whole image; ")
    assert looked.answer[0].startswith(f"class {asked} is {whole}; ")


def test_where_an_answer_changes_most_is_told_in_pixels_of_the_image(answers) -> None:
    answers["occlusion"] = np.full((3, 4), 0.7)
    still = demonstrations.occlusion("m.pkl", "x", stride=5).demonstration.answer[0]
    assert "no place of a 7x7 square changes it by 0.001 or more" in still
    answers["occlusion"][2, 1] = 0.1
    answers["occlusion"][0, 0] = 0.8
    found = demonstrations.occlusion("m.pkl", "x", stride=5, square=3).demonstration
    assert found.answer[0].endswith("it changes most, to 0.1, with a 3x3 square at row 10, column 5")
    for square, article in {7: "a", 8: "an", 9: "a", 10: "a", 11: "an", 12: "a", 18: "an", 80: "an"}.items():
        told = demonstrations.occlusion("m.pkl", "x", stride=5, square=square).demonstration.answer[0]
        assert told.endswith(f"with {article} {square}x{square} square at row 10, column 5")
    sheet = found.picture.sheet
    assert (sheet.cmap, sheet.signed) == ("RdBu", True)
    assert sheet.values[0, 0, 2, 1] == -1  # lower where it rests on this
    assert sheet.legend.meaning.endswith("red: it rests on this; blue: this speaks against it")


@pytest.mark.cases("all")
@pytest.mark.parametrize("signed", [True, False])
def test_a_sign_of_what_counts_is_kept_where_it_is_asked_for(answers, signed) -> None:
    answers["saliency"] = np.concatenate([-np.ones((1, 4, 4)), np.zeros((1, 4, 4))])
    found = demonstrations.saliency("m.pkl", "x", signed=signed).demonstration
    assert found.data["map"] == (np.full((4, 4), -1.0 if signed else 1.0)).tolist()
    sheet = found.picture.sheet
    assert (sheet.cmap, sheet.signed) == (("RdBu_r", True) if signed else ("magma", False))
    answers["saliency"] = np.zeros((1, 4, 4))
    nothing = demonstrations.saliency("m.pkl", "x", signed=signed).demonstration.answer[0]
    assert "no pixel counts: its units are at an end" in nothing
    nothing = demonstrations.saliency("m.pkl", "x", method="gradcam").demonstration.answer[0]
    assert "Grad-CAM shows nothing else" in nothing


@pytest.mark.cases("all")
@pytest.mark.parametrize(("number", "place"), [(0, 0), (1, 1), (-1, 1), (-2, 0)])
def test_images_are_counted_from_both_ends(answers, number, place) -> None:
    answers["occlusion"] = np.full((2, 2), 0.7)
    assert demonstrations.occlusion("m.pkl", "x", image=number).demonstration.data["image"] == "ab"[place]


@pytest.mark.cases("all")
@pytest.mark.parametrize("number", [2, -3])
def test_an_image_that_is_not_there_is_one_sentence(answers, number) -> None:
    with pytest.raises(RunningError, match=f"there is no image {number}: 2 were given, counted from 0"):
        demonstrations.occlusion("m.pkl", "x", image=number)


@pytest.mark.cases("all")
@pytest.mark.parametrize("n_labels", [2, 4])
def test_names_of_classes_are_as_many_as_the_classes(answers, n_labels, monkeypatch) -> None:
    monkeypatch.setattr(Request, "names", lambda _: ("x",) * n_labels)
    monkeypatch.setattr(Request, "has_file_of_labels", True)
    said = f"the network has 3 outputs, and is given {n_labels} labels"
    with pytest.raises(RunningError, match=said):
        demonstrations.predict("m.pkl", "x")


def test_a_class_is_called_by_its_name_and_a_lone_output_by_none(answers, monkeypatch) -> None:
    answers["occlusion"] = np.full((2, 2), 0.7)
    monkeypatch.setattr(Request, "names", lambda _: ("x", "y", "z"))
    assert demonstrations.occlusion("m.pkl", "x").demonstration.answer[0].startswith("class 1 (y): ")
    answers["outputs"] = np.array([[0.7]] * 2)
    assert demonstrations.occlusion("m.pkl", "x").demonstration.answer[0].startswith("the output: ")


def test_nothing_is_explained_of_what_is_no_number(answers) -> None:
    answers["outputs"] = np.array([[0.2, np.nan, 0.1]] * 2)
    with pytest.raises(RunningError, match="the network answers NaN or infinity to a: there is nothing to"):
        demonstrations.occlusion("m.pkl", "x")


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("training", "validation", "said"),
    [
        ([3.0, 1.0, 2.0], [], ["training: 3 at first, 1 at best (epoch 2), 2 at the end"]),
        ([np.nan, 1.0], [], ["training: nan at first, 1 at best (epoch 2), 1 at the end"]),
        ([3.0, 1.0, None], [], ["training: 3 at first, 1 at best (epoch 2), 1 at the end"]),
        ([3.0, None, 1.0], [], ["training: 3 at first, 1 at best (epoch 3), 1 at the end"]),
        (
            [3.0, 1.0],
            [2.0],
            [
                "training: 3 at first, 1 at best (epoch 2), 1 at the end",
                "validation: 2 at first, 2 at best (epoch 1), 2 at the end",
                "the lists are not of one length (training 2 and validation 1): they were not written at the "
                "same steps",
            ],
        ),
    ],
)
def test_losses_are_told_first_best_and_last(training, validation, said, monkeypatch) -> None:
    history = tuple(
        {"train_loss": one, "valid_loss": other} for one, other in zip_longest(training, validation)
    )
    monkeypatch.setattr(Request, "network", lambda _: replace(Network.of([]), history=history))
    assert demonstrations.loss("m.pkl").demonstration.answer == tuple(said)


def test_a_file_that_tells_no_losses_says_which_do(monkeypatch) -> None:
    monkeypatch.setattr(Request, "network", lambda _: replace(Network.of([]), history=({"train_loss": "x"},)))
    with pytest.raises(
        RunningError, match=r"m\.pkl tells no losses of its training: nolearn's NeuralNet does"
    ):
        demonstrations.loss("m.pkl")


def test_a_file_of_labels_without_a_name_is_said_to_be_one_of_labels() -> None:
    with pytest.raises(ArgumentError, match="an empty text is no path of labels: give"):
        Request(model="m.pkl", images="x", labels=" ").names()
    assert Request(model="m.pkl", images="x", labels=["a", "b"]).names() == ("a", "b")


def test_colours_of_an_answer_that_does_not_change_reach_as_far_as_a_change(answers) -> None:
    answers["occlusion"] = np.full((2, 2), 0.7)
    figure = demonstrations.occlusion("m.pkl", "x").demonstration.picture.figure()
    assert figure.axes[1].images[0].get_clim() == (-explaining.STILL, explaining.STILL)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("outputs", "given", "said"),
    [
        ([[0.2, 0.7, 0.1]] * 2, ("1", "0"), "1 of 2 is answered as their file says (50.0%)"),
        (
            [[0.2, 0.7, 0.1]] * 2,
            ("cat", "dog"),
            "what the file says of its images are no classes of this network",
        ),
        ([[0.2, 0.7, np.inf]] * 2, None, "2 of 2 images are answered with NaN or infinity"),
        ([[0.2, 0.7, 0.1], [0.2, 0.7, np.nan]], None, "1 of 2 images is answered with NaN or infinity"),
        ([[0.2, 0.7, 0.1]] * 2, None, None),
    ],
)
def test_how_many_are_right_is_said_where_images_come_with_their_classes(
    answers, outputs, given, said, monkeypatch
):
    answers["outputs"] = np.array(outputs)
    seen = np.zeros((2, 1, 4, 4))
    pictures = Pictures(images=seen, seen=seen, names=("a", "b"), labels=given, sentences=())
    monkeypatch.setattr(Request, "pictures", lambda _, __: pictures)
    monkeypatch.setattr(
        Request, "network", lambda _: Network.of([image(1), as_layer(below=0, type="DenseLayer")])
    )
    found = demonstrations.predict("m.pkl", "x", top=2).demonstration
    assert found.answer == (() if said is None else (said,))
    assert found.headings == ("image", *(["given"] if given else []), "#1", "#2")
    assert [row[1] for row in found.rows] == (list(given) if given else [row[1] for row in found.rows])
    assert found.table[1][:2] == ("a", given[0] if given else "")


@pytest.mark.cases("all")
@pytest.mark.parametrize(("top", "asked"), [(1, 1), (2, 2), (8, 2)])
def test_no_more_pieces_are_asked_for_than_there_are_images(answers, top, asked, monkeypatch):
    class Enough(Exception):
        pass

    def patches(*args: Any, **_: Any) -> Any:
        assert args[3] == asked
        raise Enough

    monkeypatch.setattr(responses, "patches", patches)
    with pytest.raises(Enough):
        demonstrations.patches("m.pkl", "x", top=top)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("strongest", "rectifies", "said"),
    [
        ([[1.0, 0.0], [2.0, 1.0]], True, "; each of 2 filters answered a piece of 2 images"),
        ([[0.0, -1.0], [2.0, -np.inf]], True, "; 1 of 2 filters answered no piece of 2 images"),
        ([[-1.0, -1.0], [0.0, -1.0]], True, "; 2 of 2 filters answered no piece of 2 images"),
        ([[-1.0, -1.0], [0.0, -1.0]], False, ""),
    ],
)
def test_a_filter_whose_strongest_answer_is_none_answered_no_piece(
    answers, strongest, rectifies, said, monkeypatch
) -> None:
    places = np.zeros((2, 2), dtype=int)
    found = Patches(
        layer="conv1", responses=np.array(strongest), images=places, corners=np.zeros((2, 2, 2), dtype=int),
        size=(3, 2), shown=np.zeros((2, 1, 4, 4)), rectifies=rectifies,
    )  # fmt: skip
    monkeypatch.setattr(responses, "patches", lambda *_, **__: found)
    monkeypatch.setattr(explaining, "layer_stem", lambda *_: "m")
    monkeypatch.setattr(explaining, "_composed", lambda *_: (None, ""))
    told = demonstrations.patches("m.pkl", "x", top=2).demonstration
    text = " ".join(told.answer)
    assert f"conv1: a unit sees 3x2 pixels{said}" in text
    assert ("answered" in text) == rectifies


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("saturated", "said"),
    [
        ([0.95, 0.2], "none of 2 units saturated"),
        ([0.951, 0.2], "1 of 2 units saturated"),
        ([1.0, 0.96], "2 of 2 units saturated"),
        (None, None),
    ],
)
def test_a_unit_is_saturated_nearly_everywhere_above_95_in_a_hundred(
    answers, saturated, said, monkeypatch
) -> None:
    found = Activity(
        layer="c", image=0, n_images=2, function="tanh", maps=np.zeros((2, 4, 4)), fires=np.ones(2),
        saturated=None if saturated is None else np.array(saturated), strongest=np.ones(2),
    )  # fmt: skip
    monkeypatch.setattr(responses, "activity", lambda *_, **__: found)
    monkeypatch.setattr(answering_images, "layer_stem", lambda *_: "m")
    (told,) = demonstrations.activity("m.pkl", "x").demonstration.answer
    if said is None:
        assert told == "c: its units have no function that could die or saturate"
    else:
        assert told == f"c: {said} nearly everywhere"
