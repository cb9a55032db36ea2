"""What is asked for reaches what does it: budgets, layers, numbers at their ends, states and places."""

from __future__ import annotations

import shutil
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import filtviz
from filtviz import Budget, Network, notebook
from filtviz.activations import KINDS, Activation, activate
from filtviz.answer_text import answer_text
from filtviz.cli import COMMANDS, diagnose, main
from filtviz.cli.diagnosis_text import describe_trajectory
from filtviz.cli.inputs import models_of
from filtviz.comparing import _Compared, _several_with_states
from filtviz.drawing import DrawingOptions, estimates
from filtviz.drawing.options import SheetOptions
from filtviz.measures.trajectory import LayerTrajectory, Trajectory
from filtviz.network import Origin
from filtviz.paper import Paper
from filtviz.parameter import Parameter
from filtviz.results import Diagnoses
from filtviz.sources import Sources

from .building import conv, kernels, with_curves


@pytest.fixture(scope="module")
def network() -> Network:
    return with_curves()


@pytest.mark.cases("all")
@pytest.mark.parametrize("exponent", [1e30, -1e30, 0.0, np.inf, -np.inf, np.nan])
def test_a_function_of_any_number_gives_one_and_warns_of_none(exponent: float) -> None:
    x = np.array([0.0, -0.0, 1.0, -1.0, 1e30, -1e30, 1e38, 1e-40, np.inf, -np.inf, np.nan], "f4")
    slopes = Parameter.of("slopes", np.full(1, 3e38, "f4"))
    for kind in KINDS:
        if kind == "untold":
            continue
        one = Activation(kind=kind, alpha=exponent, slopes=slopes, along=(0,), low=-1.0, high=1.0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert activate(one, x).shape == x.shape


# A diagnosis


def test_of_layers_that_are_asked_for_also_those_are_told_that_are_not_judged(network: Network) -> None:
    whole = filtviz.diagnose(network)
    assert [each.name for each in whole.unjudged] == ["curves"]
    for wanted, judged, unjudged in (("first", ["first"], []), ("curves", [], ["curves"])):
        found = filtviz.diagnose(network, layers=wanted)
        told = [each.name for each in found.layers], [each.name for each in found.unjudged]
        assert told == (judged, unjudged)


def test_the_size_of_earlier_states_and_of_images_adds_to_the_budget(
    network: Network, tmp_path: Path
) -> None:
    little = Budget(work=1)
    large = replace(network, origin=Origin(size=10**9))
    assert filtviz.diagnose(network, budget=little).left_out
    assert not filtviz.diagnose(network, budget=little, before=[large]).left_out
    assert not filtviz.diagnose(large, budget=little).left_out


def test_a_comparison_is_drawn_as_it_is_asked_for_with_what_misleads_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr("filtviz.comparing.write_pictures", lambda planned, *_: drawn.extend(planned) or [])
    origin = Origin(path=tmp_path / "m.pkl")
    weights = kernels(2, 1, 3, 3)
    models = [Network.of([conv(weights, name="one", flip_filters=one)], origin) for one in (True, False)]
    how = DrawingOptions(sheet=SheetOptions(top=1))
    found = filtviz.compare(models, output=tmp_path, animate=tmp_path / "a.gif", drawing=how)
    sheet = drawn[0].pictures[0].sheet
    assert len(found.cautions) == len([each for each in found.cautions if each in sheet.notes]) > 0
    assert (len(sheet.labels), sheet.facts[0].rpartition(", ")[2]) == (1, "as they match in the image")
    with Image.open(tmp_path / "a.gif") as animation:
        assert animation.info["comment"] == Sources.of(models).mark.encode()


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("models", "others", "states", "found"),
    [
        (["a", "b"], (), None, (["a", "b"], None)),
        (["a", "b"], (["x", "y"],), None, (["a", "b"], ["x", "y"])),
        (("a", "b"), (("x", "y"),), None, (["a", "b"], ("x", "y"))),
        (["a", "b"], (None,), None, (["a", "b"], None)),
        (["a", "b"], ("c",), None, (["a", "b", "c"], None)),
        (["a", "b"], (["x", "y"],), ["p", "q"], (["a", "b", ["x", "y"]], ["p", "q"])),
        (["a", "b"], (["x"], ["y"]), None, (["a", "b", ["x"], ["y"]], None)),
        ("a", (["x", "y"],), None, (["a", ["x", "y"]], None)),
        ("a", ("b",), ["x", "y"], (["a", "b"], ["x", "y"])),
    ],
)
def test_a_second_list_alone_is_what_the_models_of_a_first_are_called(models, others, states, found) -> None:
    assert _several_with_states(models, others, states) == found


def test_files_are_followed_within_what_they_were_diagnosed_within(tmp_path: Path) -> None:
    model = tmp_path / "m.npz"
    weights = np.ones((2, 2, 3, 3), "f4")
    np.savez(model, **{"one.weight": weights, "two.weight": weights})
    states = [Network.of([conv(np.full((2, 1, 3, 3), n, "f4"))], Origin(epoch=n)) for n in (1, 2)]
    for files, how, error in (
        ([model], {"limits": filtviz.Limits(layers=1)}, filtviz.LimitError),
        ([model], {"hints": filtviz.Hints(convs=("0",))}, filtviz.SelectionError),
        (states, {"budget": Budget(work=1)}, filtviz.BudgetError),
    ):
        with pytest.raises(error):
            filtviz.diagnose([], **how).follow(files)
    assert filtviz.diagnose([]).follow(states).order == (0, 1)


def test_files_of_images_bound_how_often_they_are_shown(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def examine(*_: Any, **how: Any) -> Any:
        asked.append(how["budget"])
        raise filtviz.RunningError("that is enough", layer="first")

    monkeypatch.setattr("filtviz.responses.examining.examine", examine)
    path = tmp_path / "images.npy"
    np.save(path, np.zeros((2, 3, 8, 8), "f4"))
    for images in (path, np.load(path)):
        found = filtviz.diagnose(network, images=images, budget=Budget(work=7_000_000_000))
        assert found.left_out == ("images tell nothing of this network: that is enough",)
    assert [(one.work, one.image_bytes) for one in asked] == [
        (7_000_000_000, path.stat().st_size),
        (7_000_000_000, None),
    ]


def test_a_screen_is_as_wide_as_its_paper(network: Network) -> None:
    """At which widths columns go, and what is left of the last."""
    diagnosis = filtviz.diagnose(network)
    layers = diagnosis.layers * 3
    told: list[tuple[int, str]] = []
    for width in range(30, 100):
        text = answer_text(replace(diagnosis, layers=layers), Paper(width), "")
        head, _, row = next(each for each in text.split("\n\n") if each.startswith("layer")).splitlines()[:3]
        words = [*head.split("  "), f"{len(row.rstrip())}"]
        shown = " ".join(word.strip() for word in words if word.strip())
        if not told or told[-1][1] != shown:
            told.append((width, shown))
    assert told == WIDTHS


WIDTHS = [
    (30, "layer verdict 26"),
    (41, "layer verdict to be seen 41"),
    (42, "layer verdict to be seen 42"),
    (43, "layer verdict to be seen 43"),
    (44, "layer verdict to be seen 44"),
    (45, "layer verdict to be seen 45"),
    (46, "layer verdict to be seen 46"),
    (47, "layer verdict to be seen 47"),
    (48, "layer verdict to be seen 48"),
    (49, "layer verdict to be seen 49"),
    (50, "layer verdict to be seen 50"),
    (51, "layer verdict to be seen 51"),
    (59, "layer filters verdict to be seen 53"),
]


def test_a_step_that_is_not_known_is_no_rest() -> None:
    def told(*steps: float | None) -> str:
        layers = (LayerTrajectory(name="one", steps=steps),)
        states: Any = [SimpleNamespace(file=f"{name}.npz") for name in "abc"]
        return describe_trajectory(Trajectory(order=(0, 1, 2), ordered_by="names", layers=layers), states)

    assert "one did not move at all." in told(0.0, 0.0)
    for steps in ((None, None), (0.0, None), (0.0, 0.5)):
        assert "did not move" not in told(*steps)


def test_states_without_a_place_in_the_order_are_printed_last(
    network: Network, capsys: pytest.CaptureFixture[str]
) -> None:
    found = tuple(replace(filtviz.diagnose(network), file=f"{name}.npz") for name in ("one", "two", "three"))
    moved = (LayerTrajectory(name="first", steps=(0.5,)),)
    trajectory = Trajectory(order=(2, 0), ordered_by="names", layers=moved, apart=(1,))
    several = Diagnoses(outcomes=found, follow=lambda *_: trajectory)
    diagnose._print_text(several, details=True, with_filters=False)
    said = capsys.readouterr().out
    heads = [line.split()[0] for line in said.splitlines() if ".npz ─" in line]
    assert heads == ["three.npz", "one.npz", "two.npz"]


def test_a_sheet_in_a_terminal_is_charged_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("a.npz", W=kernels(2, 1, 3, 3))
    line = ["plot", "--terminal", "a.npz"]
    assert CliRunner().invoke(main, line).exit_code == 0
    monkeypatch.setattr(estimates, "_CHARACTERS", 10**12)
    found = CliRunner().invoke(main, line)
    assert found.exit_code == 1
    assert "filtviz: showing conv1 in a terminal takes" in found.stderr


# A comparison


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("cosine", "turned", "cautions"),
    [
        (0.3, [False, False], []),
        (0.2999, [False, False], ["alike"]),
        (-0.2999, [False, False], ["alike"]),
        (-0.3, [False, False], []),
        (0.9, [False, True], ["b"]),
        (0.0, [True, False], ["a", "alike"]),
    ],
)
def test_what_is_no_more_alike_than_by_chance_is_said_at_three_deviations(cosine, turned, cautions) -> None:
    held = {"states": ("a", "b"), "filters": [np.zeros((4, 1, 5, 5))], "label": "conv1"}
    comparison: Any = SimpleNamespace(total_change=1.0, total_cosine=cosine, **held)
    said = _Compared(comparison, turned).cautions
    assert ["alike" if "by chance" in each else each.split()[3] for each in said] == cautions


def test_where_no_layer_can_be_compared_that_is_what_is_said(tmp_path: Path) -> None:
    paths = [tmp_path / "m.gif", tmp_path / "n.gif"]
    for path in paths:
        with path.open("wb") as stream:
            np.savez(stream, W=kernels(2, 1, 3, 3))
    found = filtviz.compare(paths, layers="none", animate=paths[0])
    assert [each.layer for each in found.failures] == ["none"]
    with pytest.raises(filtviz.OutputError, match="one of the files given"):
        filtviz.compare(paths, animate=paths[0])


@pytest.mark.parametrize(("most", "is_sheet"), [(12, True), (11, False)])
def test_a_layer_of_many_tiles_is_shown_by_its_channels_together(monkeypatch, most, is_sheet) -> None:
    layer = conv(kernels(4, 3, 3, 3), name="one")
    monkeypatch.setattr(notebook, "MOST_TILES", 0)
    together = notebook.layer_png(layer)
    monkeypatch.setattr(notebook, "MOST_TILES", most)
    found = notebook.layer_png(layer)
    assert found is not None
    assert together is not None
    assert (found != together) == is_sheet


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", ["a.gif", "a.GIF", "a.Gif"])
def test_an_animation_is_one_by_the_end_of_its_name_in_any_letters(tmp_path, monkeypatch, name) -> None:
    monkeypatch.chdir(tmp_path)
    for model in ("a", "b"):
        np.savez(f"{model}.npz", W=kernels(2, 1, 3, 3))
    found = CliRunner().invoke(main, ["compare", "a.npz", "b.npz", "-o", "out.png", "--animate", name])
    assert (found.exit_code, found.stdout.splitlines()[1:]) == (0, ["out.png", name])
    assert Path(name).read_bytes().startswith(b"GIF8")


def test_a_limit_holds_for_the_file_that_tells_the_graph_too(tmp_path) -> None:
    paths = [tmp_path / name for name in ("a.npz", "b.npz")]
    np.savez(paths[0], W=kernels(2, 1, 3, 3))
    np.savez(paths[1], **{f"W{i}": kernels(2, 2, 3, 3) for i in range(40)})
    few = filtviz.Limits(layers=20)
    assert len(filtviz.load(paths[0], limits=few)) == 1
    for like in (paths[1], str(paths[1])):
        with pytest.raises(filtviz.LimitError):
            filtviz.load(paths[0], like=like, limits=few)


@pytest.mark.parametrize(("words", "images"), [([], None), (["-i", "a.npy", "-i", "b"], ("a.npy", "b"))])
def test_a_command_that_may_do_without_images_passes_on_none(monkeypatch, words, images) -> None:
    asked: list[Any] = []

    def ask(**how: Any) -> Any:
        asked.append(how)
        raise filtviz.FiltvizError("that is enough")

    monkeypatch.setattr("filtviz.demonstrations.maximise", ask)
    found = CliRunner().invoke(main, ["maximise", "m.pkl", *words])
    assert (found.exit_code, found.stderr) == (1, "filtviz: that is enough\n")
    given = asked[0]["images"]
    assert (None if given is None else tuple(given)) == images
    assert (asked[0]["output"], asked[0]["model"]) == (".", "m.pkl")


def test_commands_whose_results_are_files_go_on_where_nobody_reads(monkeypatch) -> None:
    went_on: list[str] = []
    for name in COMMANDS:
        monkeypatch.setattr("filtviz.cli.helping.go_on_unread", lambda own=name: went_on.append(own))
        assert CliRunner().invoke(main, [name]).exit_code == (0 if name == "explain" else 2)
    assert sorted(went_on) == ["compare", "convert", "export", "report"]


def test_a_part_of_a_model_that_is_named_is_a_model_and_one_that_is_found_is_none(tmp_path) -> None:
    shutil.copytree(Path(__file__).parent / "fixtures" / "modern" / "sharded", tmp_path / "zoo")
    part = str(tmp_path / "zoo" / "model-00001-of-00002.safetensors")
    whole = str(tmp_path / "zoo" / "model.safetensors.index.json")
    for given, found in (([str(tmp_path / "zoo")], [whole]), ([str(tmp_path / "zoo"), part], [whole, part])):
        assert models_of(given, {}) == found
