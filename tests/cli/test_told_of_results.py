"""What commands say of each kind of result, on which stream, with which status: results are made up."""

from __future__ import annotations

import html
import json
import logging
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result
from tests.building import conv

import filtviz.api
from filtviz import reading
from filtviz.batch import ExportResult, ModelResult, Progress
from filtviz.cli import console, main, models_text, plot, shared_options
from filtviz.demonstrations import Demonstration
from filtviz.drawing import DrawingOptions
from filtviz.errors import ArgumentError, BudgetError, FiltvizError
from filtviz.measures.comparison import compare_layers
from filtviz.measures.conclusions import noise_of
from filtviz.measures.measure import Diagnosis, LayerDiagnosis
from filtviz.measures.trajectory import LayerTrajectory, Trajectory
from filtviz.network import Network, Origin
from filtviz.reporting.content import PageContent
from filtviz.responses.examining import Examination
from filtviz.results import (
    ComparisonResult,
    Diagnoses,
    FileFailure,
    LayerFailure,
    LayersResult,
    PlotResult,
    PlottedLayer,
    WrittenFile,
)
from filtviz.signals import Stopped
from filtviz.summary import summarize
from filtviz.surveying import SurveyedModel, SurveyFailure, SurveyProgress, SurveyResult

from .any_command import fill

COMPARE = "filtviz.comparing.compare"


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("filled")
    fill(folder)
    return folder


@pytest.fixture(autouse=True)
def here(filled, monkeypatch):
    monkeypatch.chdir(filled)


@pytest.fixture
def run(monkeypatch):
    """Run a command whose function returns what is made up, or raises it."""

    def invoke(function: str, result: Any, *line: str) -> Result:
        def call(*_: Any, **given: Any) -> Any:
            if isinstance(result, BaseException):
                raise result
            return result(given) if callable(result) else result

        monkeypatch.setattr(function, call)
        return CliRunner().invoke(main, line)

    return invoke


LAYER = conv(np.random.default_rng(0).normal(size=(3, 2, 3, 3)), name="one")
SMOOTH = conv(np.ones((3, 2, 3, 3)), name="even")
NETWORK = Network.of([LAYER, *(conv(np.ones((2, 3, 3, 3)), name=f"c{n}") for n in range(2, 4))])
FAILED = (LayerFailure(7, "there is no layer 7", "no-such-layer"),)


def plotted(*layers: Any, n_pictures: int = 1, **fields: Any) -> PlotResult:
    pictures = tuple(object() for _ in range(n_pictures))
    drawn = [PlottedLayer(layer=each, pictures=pictures, cautions=("it misleads",)) for each in layers]
    return PlotResult(network=NETWORK, layers=tuple(drawn), options=DrawingOptions(), **fields)  # type: ignore[arg-type]


FIRST = NETWORK.conv_layers[0]
FILES = (WrittenFile(Path("a.png")), WrittenFile(Path("b.png"), kept=True))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("line", "result", "status", "out", "err"),
    [
        (
            "",
            plotted(FIRST, files=FILES[:1]),
            0,
            [],
            [
                "it misleads",
                "this is layer 0; the model has 2 more",
                "one looks like noise: `filtviz diagnose m.pkl` says why, and --through draws deeper",
            ],
        ),
        ("-l 0", plotted(FIRST, files=FILES[:1]), 0, [], ["it misleads", "one looks like noise"]),
        ("-l 0 -q", plotted(FIRST, files=FILES[:1]), 0, [], []),
        ("-l 0 --through", plotted(FIRST, files=FILES[:1]), 0, [], ["it misleads"]),
        (
            "-l 0",
            plotted(FIRST, FIRST, files=FILES[:1]),
            0,
            [],
            ["it misleads", "it misleads", "one and one look like noise"],
        ),
        (
            "-l 0",
            plotted(FIRST, n_pictures=8, files=FILES[:1]),
            0,
            [],
            ["it misleads", "one: one picture for each of 8 channels; --view sheet", "one looks like noise"],
        ),
        (
            "-l 0",
            plotted(FIRST, n_pictures=7, files=FILES[:1]),
            0,
            [],
            ["it misleads", "one looks like noise"],
        ),
        (
            "-l 0 --view rms",
            plotted(FIRST, n_pictures=8, files=FILES[:1]),
            0,
            [],
            ["it misleads", "one looks like noise"],
        ),
        ("-l 0", plotted(NETWORK.conv_layers[1], files=FILES[:1]), 0, [], ["it misleads"]),
        ("", plotted(failures=FAILED), 1, [], ["filtviz: there is no layer 7"]),
        ("-q", plotted(failures=FAILED), 1, [], ["filtviz: there is no layer 7"]),
        ("-l 0", plotted(FIRST, left_out=("too much",)), 1, [], ["it misleads", "filtviz: too much"]),
        ("-l 0 --show", plotted(files=FILES), 0, ["a.png"], ["kept b.png, which exists"]),
        ("-l 0 --terminal -o x", plotted(files=FILES), 0, ["a.png"], ["kept b.png, which exists"]),
        ("-l 0 --terminal -o x -q", plotted(files=FILES), 0, ["a.png"], []),
        ("-l 0", plotted(files=FILES[:1], stem="m"), 0, [], []),
        (
            "-l 0",
            plotted(files=FILES[:1], stem="runs-m"),
            0,
            [],
            ["what is called m here shows another model: these pictures are called runs-m"],
        ),
    ],
)
def test_what_a_plot_says(line, result, status, out, err, run):
    told = run("filtviz.api.plot", result, "plot", "m.pkl", *line.split())
    assert (told.exit_code, told.stdout.splitlines()) == (status, out), told.output
    lines = told.stderr.splitlines()
    assert len(lines) == len(err), lines
    assert all(own.startswith(begin) for own, begin in zip(lines, err, strict=True)), lines


@pytest.mark.parametrize("n_files", [0, 1])
def test_where_pictures_are_only_shown_nothing_is_said_of_other_files(n_files, run, monkeypatch):
    shown = []
    monkeypatch.setattr("filtviz.drawing.saving.show_pictures", lambda *_, **__: shown.append(1))
    told = run(
        "filtviz.api.plot",
        plotted(FIRST, n_pictures=8, files=FILES[:n_files]),
        "plot",
        "m.pkl",
        "-l",
        "0",
        "--show",
    )
    assert (told.exit_code, shown) == (0, [1])
    assert ("--view sheet" in told.stderr, "looks like noise" in told.stderr) == (n_files > 0, n_files > 0)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("told", "convs", "is_named"),
    [
        ([True, True, True], [0, 1], True),
        ([True, True, False], [0, 1], True),
        ([True, False, True], [0, 1], False),
        ([True, False, True], [0, 2], False),
        ([True, True, False], [0, 2], False),
        ([False, True, True], [0, 2], False),
        ([True, True, True], [0], False),
        ([True, True, True], [], False),
    ],
)
def test_deeper_layers_are_named_where_the_second_could_be_drawn_through(told, convs, is_named):
    network: Any = SimpleNamespace(
        layers=[SimpleNamespace(is_told=each) for each in told],
        conv_layers=[SimpleNamespace(index=index) for index in convs],
    )
    assert plot._has_deeper(network) == is_named


def test_a_plot_tells_of_each_file_as_soon_as_it_is_there_but_in_windows_terminals_and_json(run):
    given: list[Any] = []
    for line, as_it_goes in (("", True), ("--show", False), ("--terminal -o x", False), ("--json", False)):
        result = lambda keywords: given.append(keywords) or plotted(files=FILES)  # noqa: E731
        told = run("filtviz.api.plot", result, "plot", "m.pkl", "-l", "0", *line.split())
        assert (given[-1]["progress"] is not None) == as_it_goes
        assert (given[-1]["output"] is None) == (line == "--show")
    assert [each["kept"] for each in json.loads(told.stdout)["pictures"]] == [False, True]


COMPARED = compare_layers([NETWORK.conv_layers[0], SMOOTH], ["a", "b"])


def compared(**fields: Any) -> ComparisonResult:
    return ComparisonResult(**{"comparisons": (COMPARED,), **fields})


THE_FIRST = (
    "this is the first convolution; --layer compares others, and `filtviz diagnose before.pkl --before m.pkl`"
)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("line", "result", "status", "out", "err"),
    [
        ("", compared(), 0, [COMPARED.sentence], [THE_FIRST]),
        ("-l 0", compared(), 0, [COMPARED.sentence], []),
        ("-l 0", compared(cautions=("by chance",)), 0, [COMPARED.sentence], ["by chance"]),
        ("-l 0 -q", compared(cautions=("by chance",)), 0, [COMPARED.sentence], []),
        ("-l 0", compared(files=FILES[:1]), 0, [COMPARED.sentence, "a.png"], []),
        ("-l 0", compared(failures=FAILED), 1, [COMPARED.sentence], ["filtviz: there is no layer 7"]),
        ("", compared(comparisons=(), failures=FAILED), 1, [], ["filtviz: there is no layer 7"]),
        ("-l 0", compared(stem="m-before"), 0, [COMPARED.sentence], []),
        (
            "-l 0",
            compared(stem="x"),
            0,
            [COMPARED.sentence],
            ["what is called m-before here shows other models: these pictures are called x"],
        ),
    ],
)
def test_what_a_comparison_says(line, result, status, out, err, run):
    told = run(COMPARE, result, "compare", "m.pkl", "before.pkl", *line.split())
    assert told.exit_code == status, told.output
    assert [line.partition("one: ")[2] or line for line in told.stdout.splitlines()] == out
    lines = told.stderr.splitlines()
    assert len(lines) == len(err), lines
    assert all(own.startswith(begin) for own, begin in zip(lines, err, strict=True)), lines


def test_of_several_files_the_first_and_the_last_are_named(run):
    told = run(COMPARE, compared(), "compare", "m.pkl", "before.pkl", "last.pkl")
    assert "`filtviz diagnose last.pkl --before m.pkl`" in told.stderr


def test_json_of_a_comparison_stands_alone_on_stdout(run):
    told = run(COMPARE, compared(files=FILES[:1]), "compare", "m.pkl", "before.pkl", "--json")
    data = json.loads(told.stdout)
    assert [each["relative_change"] for each in data["layers"]] == [COMPARED.total_change]
    assert [each["cosine"] for each in data["layers"]] == [COMPARED.total_cosine]
    assert "a.png" in told.stderr.splitlines()
    quiet = run(
        COMPARE,
        compared(files=FILES[:1]),
        "compare",
        "m.pkl",
        "before.pkl",
        "--json",
        "-q",
    )
    assert (json.loads(quiet.stdout), quiet.stderr) == (data, "")


@pytest.mark.cases("all")
@pytest.mark.parametrize("line", ["-l 0 -l 1 --animate x.gif", "--animate x.png", "--animate x"])
def test_an_animation_that_is_none_is_wrong_usage(line, run):
    told = run(COMPARE, compared(), "compare", "m.pkl", "before.pkl", *line.split())
    assert told.exit_code == 2
    assert "--animate needs a name that ends in .gif, and one --layer" in told.stderr


# Runs over many models


def model(name: str = "a.pkl", status: Any = "drawn", **fields: Any) -> ModelResult:
    return ModelResult(path=Path(name), place=name, folder=Path("out/a"), status=status, **fields)


def exported(*models: ModelResult, **fields: Any) -> ExportResult:
    return ExportResult(
        folder=Path("out"), manifest=Path("out/manifest.json"), models=models, pictures=(), **fields
    )


BARE = model("b.pkl", "no-filters", reason="it has no convolution", code="no-filters")
BROKEN = model("c.pkl", "failed", reason="c.pkl: it is damaged", code="malformed", names_file=True)
ODD = model("conv1", "failed", reason="conv1: a layer of that name is no picture")
PASSED = (model("x.txt", "no-model"), model("y.bin", "part"), model("z.txt", "no-model"))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("line", "result", "status", "err"),
    [
        ("", exported(model(drawn=2)), 0, ["2 pages drawn, 0 kept"]),
        ("-q", exported(model(drawn=2)), 0, []),
        ("", exported(model(drawn=1, kept=1), BARE), 0, ["1 page drawn, 1 kept, 1 model without filters"]),
        (
            "--strict",
            exported(model(drawn=1), BARE),
            1,
            ["filtviz: b.pkl: it has no convolution", "1 page drawn, 0 kept, 1 model without filters"],
        ),
        ("--strict -q", exported(model(drawn=1), BARE), 1, ["filtviz: b.pkl: it has no convolution"]),
        (
            "",
            exported(model(), BROKEN),
            1,
            ["filtviz: c.pkl: it is damaged", "0 pages drawn, 0 kept, 1 of 2 models failed"],
        ),
        ("-q", exported(BROKEN), 1, ["filtviz: c.pkl: it is damaged"]),
        ("-q", exported(ODD), 1, ["filtviz: conv1: conv1: a layer of that name is no picture"]),
        ("", exported(), 1, ["filtviz: there is no model in what was given", "0 pages drawn, 0 kept"]),
        (
            "",
            exported(model(), passed_over=PASSED),
            0,
            ["0 pages drawn, 0 kept; 2 files passed over, no model"],
        ),
        ("", exported(model(), passed_over=PASSED[1:2]), 0, ["0 pages drawn, 0 kept"]),
    ],
)
def test_what_an_export_says(line, result, status, err, run):
    told = run("filtviz.batch.export", result, "export", "m.pkl", "-o", "out", *line.split())
    assert (told.exit_code, told.stdout.splitlines()) == (status, ["out/manifest.json"]), told.output
    assert [_without_time(line) for line in told.stderr.splitlines()] == err


def _without_time(line: str) -> str:
    return line.partition(" ")[2] if line[:2] == "20" else line


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("finished", "said"),
    [
        (model(drawn=1), ["a.pkl: 1 page drawn"]),
        (model(drawn=2, kept=1), ["a.pkl: 2 pages drawn, 1 was there"]),
        (model(drawn=2, kept=2), ["a.pkl: 2 pages drawn, 2 were there"]),
        (model(drawn=2, notes=("it misleads",)), ["a.pkl: it misleads", "a.pkl: 2 pages drawn"]),
        (model(status="kept", kept=2), []),
        (model(status="failed", drawn=1, reason="r"), ["a.pkl: 1 page drawn, failed"]),
        (BARE, ["b.pkl: no pictures: it has no convolution"]),
        (replace(BARE, path=Path("no pictures")), ["no pictures: no pictures: it has no convolution"]),
        (model("b.pkl", "no-filters", reason="it has no convolution", is_read=False), []),
        (model(status="no-model"), []),
        (None, []),
    ],
)
@pytest.mark.parametrize("quiet", [True, False])
def test_what_is_said_while_an_export_goes_on(finished, said, quiet, run):
    def work(given: dict[str, Any]) -> ExportResult:
        assert (given["progress"] is None) == quiet
        if not quiet:
            given["progress"](Progress(done=1, known=2, finished=finished))
        return exported(model())

    line = ["-q"] if quiet else []
    told = run("filtviz.batch.export", work, "export", "m.pkl", "-o", "out", *line)
    lines = [_without_time(line) for line in told.stderr.splitlines()]
    assert (told.exit_code, lines) == (0, [] if quiet else [*said, "0 pages drawn, 0 kept"])


def surveyed(**fields: Any) -> SurveyResult:
    usual = {"folder": Path("s"), "page": Path("s/survey.html"), "tables": {}, "measured": 1, "kept": 0,
             "passed_over": 0, "layers": 2, "filters": 6, "failures": ()}  # fmt: skip
    return SurveyResult(**{**usual, **fields})


FAILURES = (
    SurveyFailure("c.pkl", "c.pkl: it is damaged", "malformed"),
    SurveyFailure("d.pkl", "d.pkl: gone", "no-access"),
)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("line", "result", "status", "err"),
    [
        ("", surveyed(), 0, ["1 file measured, 0 kept: 2 layers, 6 filters"]),
        ("-q", surveyed(), 0, []),
        ("", surveyed(measured=0, kept=3), 0, ["0 files measured, 3 kept: 2 layers, 6 filters"]),
        (
            "",
            surveyed(measured=0),
            1,
            ["filtviz: there is no model in what was given", "0 files measured, 0 kept: 2 layers, 6 filters"],
        ),
        ("-q", surveyed(failures=FAILURES), 1, ["filtviz: c.pkl: it is damaged", "filtviz: d.pkl: gone"]),
        (
            "",
            surveyed(passed_over=1),
            0,
            ["1 file measured, 0 kept: 2 layers, 6 filters; 1 file passed over"],
        ),
    ],
)
def test_what_a_survey_says(line, result, status, err, run):
    told = run("filtviz.surveying.survey", result, "survey", "m.pkl", "-o", "s", *line.split())
    assert (told.exit_code, told.stdout.splitlines()) == (status, ["s/survey.html"]), told.output
    assert [_without_time(line) for line in told.stderr.splitlines()] == err


def test_json_of_a_survey_says_of_each_model_what_became_of_it(run):
    models = (SurveyedModel("a.pkl", "measured", None, None), SurveyedModel("c.pkl", "failed", "x", "y"))
    result = surveyed(failures=FAILURES, models=models, passed_over=3, kept=4)
    data = json.loads(run("filtviz.surveying.survey", result, "survey", "m.pkl", "-o", "s", "--json").stdout)
    assert [(each["file"], each["status"]) for each in data["models"]] == [
        ("a.pkl", "measured"),
        ("c.pkl", "failed"),
    ]
    assert (data["complete"], data["passed_over"], data["kept"], data["measured"]) == (False, 3, 4, 1)
    assert [each["code"] for each in data["failures"]] == ["malformed", "no-access"]


STOPS = [(KeyboardInterrupt(), 130), (Stopped(143), 143), (Stopped(129), 129)]


@pytest.mark.cases("all")
@pytest.mark.parametrize("line", ["", "-q"])
@pytest.mark.parametrize("command", ["export", "survey"])
def test_progress_is_a_bar_on_a_terminal_unless_it_is_to_be_quiet(command, line, run, monkeypatch):
    """To be quiet counts most; then each thing done moves the bar."""
    monkeypatch.setattr("filtviz.cli.streams.Output.isatty", lambda _: True)

    def work(given: dict[str, Any]) -> Any:
        if progress := given["progress"]:
            for done in (1, 3):
                finished = model(drawn=1) if done == 3 else None
                made = Progress(done=done, known=4, finished=finished)
                progress(made if command == "export" else SurveyProgress(done=done, known=4, file="a.pkl"))
        return exported(model()) if command == "export" else surveyed()

    function = {"export": "filtviz.batch.export", "survey": "filtviz.surveying.survey"}[command]
    told = run(function, work, command, "m.pkl", "-o", "out", *line.split())
    assert told.exit_code == 0, told.output
    unit = {"export": "page", "survey": "file"}[command]
    assert (bool(re.search(rf"75%.*3/4 .*{unit}", told.stderr))) == (not line)
    assert ("a.pkl: 1 page drawn" in told.stderr) == (command == "export" and not line)
    if line:
        assert told.stderr == ""


@pytest.mark.cases("all")
@pytest.mark.parametrize(("stop", "status"), STOPS)
@pytest.mark.parametrize(
    ("function", "line"),
    [
        ("filtviz.batch.export", "export m.pkl -o out"),
        ("filtviz.surveying.survey", "survey m.pkl -o out"),
    ],
)
def test_a_run_that_is_stopped_says_how_to_go_on_and_ends_as_it_was_stopped(
    function, line, stop, status, run
):
    told = run(function, stop, *line.split())
    assert told.exit_code == status, told.output
    assert "filtviz: stopped; the same command goes on from here" in told.stderr
    assert told.stdout == ""


# What ends any command


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (FiltvizError("it is so"), 1, "filtviz: it is so"),
        (PermissionError(13, "Permission denied", "a\x1bfile"), 1, "filtviz: a\\x1bfile: Permission denied"),
        (MemoryError(), 1, "filtviz: the machine has not enough memory for this"),
        (KeyboardInterrupt(), 130, "filtviz: stopped"),
        (click.UsageError("wrong"), 2, "Error: wrong"),
    ],
)
def test_an_error_of_any_command_is_a_sentence_and_a_status(error, status, sentence, run):
    told = run("filtviz.api.layers", error, "layers", "m.pkl")
    assert (told.exit_code, told.stdout) == (status, "")
    assert sentence in told.stderr
    assert run("filtviz.api.layers", error, "layers", "m.pkl", "-q").stderr == told.stderr


@pytest.mark.cases("all")
@pytest.mark.parametrize("error", [OSError("of no file"), ValueError("a fault of ours")])
def test_a_fault_of_ours_is_not_made_up_as_a_sentence(error, run):
    assert run("filtviz.api.layers", error, "layers", "m.pkl").exception is error


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("function", "line"),
    [
        ("filtviz.api.layers", "layers m.pkl"),
        ("filtviz.api.plot", "plot m.pkl"),
        (COMPARE, "compare m.pkl before.pkl"),
        ("filtviz.api.graph", "graph m.pkl"),
        ("filtviz.batch.export", "export m.pkl -o out"),
    ],
)
def test_what_fails_as_a_whole_is_said_in_json_too(function, line, run):
    words = line.split()
    told = run(function, FiltvizError("it is so"), *words, "--json")
    data = json.loads(told.stdout)
    models = [word for word in words[1:] if word.endswith(".pkl")]
    assert (data["complete"], data["code"], data["reason"]) == (False, FiltvizError.code, "it is so")
    assert [each["file"] for each in data["models"]] == models
    assert run(function, FiltvizError("it is so"), *words).stdout == ""


# What is answered to images


TABLE = (("unit", "fires"), (0, 0.5), (1, None))
ROWS = (("a.png", "3"), ("b.png", "4"))


def shown(**fields: Any) -> Any:
    usual = {"answer": ("it is so",), "data": {"value": 1.0}, "sentences": ("pixels are from 0 to 1",)}
    return SimpleNamespace(demonstration=Demonstration(**{**usual, **fields}))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("line", "result", "out", "err"),
    [
        ("", shown(), ["it is so"], ["Pixels are from 0 to 1"]),
        ("-q", shown(), ["it is so"], []),
        ("", shown(files=FILES[:1]), ["a.png"], ["Pixels are from 0 to 1", "it is so"]),
        ("-q", shown(files=FILES[:1]), ["a.png"], []),
        ("--csv", shown(table=TABLE), ["unit,fires", "0,0.5", "1,"], ["Pixels are from 0 to 1"]),
        (
            "--csv -o x.png",
            shown(table=TABLE, files=FILES[:1]),
            ["unit,fires", "0,0.5", "1,"],
            ["Pixels are from 0 to 1", "a.png"],
        ),
        ("--csv -o x.png -q", shown(table=TABLE, files=FILES[:1]), ["unit,fires", "0,0.5", "1,"], []),
        ("--terminal", shown(picture="P"), ["the picture P"], ["Pixels are from 0 to 1"]),
        (
            "--terminal -o x.png",
            shown(picture="P", files=FILES[:1]),
            ["the picture P"],
            ["Pixels are from 0 to 1", "a.png"],
        ),
        ("--terminal", shown(), ["it is so"], ["Pixels are from 0 to 1"]),
    ],
)
def test_what_is_said_of_what_images_are_answered(line, result, out, err, run, monkeypatch):
    from filtviz.cli import image_options

    monkeypatch.setattr(image_options, "print_sheets", lambda pages: click.echo(f"the picture {pages[0]}"))
    told = run(
        "filtviz.demonstrations.activity", result, "activity", "m.pkl", "--images", "seen", *line.split()
    )
    assert told.exit_code == 0, told.output
    assert (told.stdout.splitlines(), told.stderr.splitlines()) == (out, err)


def test_a_table_stands_below_its_answer_and_its_file_is_a_message(run):
    result = shown(rows=ROWS, headings=("image", "#1"), files=FILES[:1])
    told = run("filtviz.demonstrations.predict", result, "predict", "m.pkl", "--images", "seen")
    lines = told.stdout.splitlines()
    assert lines[0] == "it is so"
    assert [line.split() for line in lines[1:] if "--" not in line] == [["image", "#1"], *map(list, ROWS)]
    assert told.stderr.splitlines() == ["Pixels are from 0 to 1", "a.png"]


def test_json_of_what_images_are_answered_names_its_files_and_has_no_nan(run):
    result = shown(data={"value": float("nan"), "most": float("inf")}, files=FILES[:1])
    told = run("filtviz.demonstrations.activity", result, "activity", "m.pkl", "--images", "seen", "--json")
    data = json.loads(told.stdout)
    assert (data["value"], data["most"], data["files"], data["complete"]) == (None, None, ["a.png"], True)
    assert [each["file"] for each in data["models"]] == ["m.pkl"]
    assert told.stderr.splitlines() == ["Pixels are from 0 to 1"]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("n_rows", "lines", "shown_rows"),
    [(20, None, 20), (20, 30, 20), (20, 27, 20), (20, 26, 18), (20, 10, 4), (5, 3, 5), (6, 3, 4)],
)
def test_a_window_shows_as_many_rows_as_it_has_room_for(n_rows, lines, shown_rows, run, monkeypatch):
    from filtviz.cli import image_options

    monkeypatch.setattr(image_options, "window", lambda: (80, lines))
    result = shown(rows=tuple((f"image{n}", "1") for n in range(n_rows)), headings=("image", "#1"))
    told = run("filtviz.demonstrations.predict", result, "predict", "m.pkl", "--images", "seen")
    assert len([line for line in told.stdout.splitlines() if line.startswith("image")]) == 1 + shown_rows
    assert (f"… and {n_rows - shown_rows} more rows" in told.stdout) == (shown_rows < n_rows)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("line", "writes"),
    [
        ("activity", True),
        ("activity --json", False),
        ("activity --csv", False),
        ("activity --terminal", False),
        ("activity --json -o x.png", True),
        ("activity --terminal -o x.png", True),
        ("predict", False),
        ("predict --json", False),
        ("predict -o x.npz", True),
    ],
)
def test_a_picture_is_written_where_nothing_else_is_asked_for_or_a_file_is_named(line, writes, run):
    given = []
    name, *more = line.split()

    def call(**told: Any) -> Any:
        given.append(told)
        return shown()

    with pytest.MonkeyPatch.context() as inside:
        inside.setattr(f"filtviz.demonstrations.{name}", call)
        result = CliRunner().invoke(main, [name, "m.pkl", "--images", "seen", *more])
    assert result.exit_code == 0, result.output
    assert (given[0]["output"] is not None) == writes


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("activity --json --csv", "--json, --csv and --terminal exclude each other"),
        ("activity --csv --terminal", "--json, --csv and --terminal exclude each other"),
        ("activity --json --terminal", "--json, --csv and --terminal exclude each other"),
        ("predict -o x.png", ".png is no format of numbers"),
        ("activity -o x.jpg", ".jpg is no format of pictures"),
        ("activity -o x.png --format svg", "contradicts the name"),
        ("activity --size 0", "is no size: give 31, or 224x320"),
        ("activity --size 3x0", "is no size: give 31, or 224x320"),
        ("activity --size 3x4x5", "is no size: give 31, or 224x320"),
        ("activity --size 65536", "is no size: give 31, or 224x320"),
        ("activity --mean inf", "is not finite"),
        ("activity --scale 1,nan", "is not finite"),
        ("activity --mean one", "is no number, or numbers with commas between"),
        ("activity --batch 0", "0 is not in the range"),
        ("patches --top 0", "0 is not in the range"),
        ("patches --top 25", "25 is not in the range"),
        ("predict --top 0", "0 is not in the range"),
        ("occlusion --square 0", "0 is not in the range"),
        ("occlusion --stride 0", "0 is not in the range"),
        ("occlusion --target -1", "-1 is not in the range"),
        ("saliency --target -1", "-1 is not in the range"),
        ("maximise --unit -1", "-1 is not in the range"),
        ("maximise --steps 0", "0 is not in the range"),
        ("maximise --steps 4097", "4097 is not in the range"),
        ("export -o out --jobs 0", "0 is not in the range"),
        ("survey -o out --jobs 0", "0 is not in the range"),
        ("compare before.pkl --top 0", "0 is not in the range"),
        ("plot --top 0", "0 is not in the range"),
        ("plot --components 0", "0 is not in the range"),
        ("plot --json --terminal", "--json and --terminal exclude each other"),
        ("plot --json --terminal -o out", "--json and --terminal exclude each other"),
        ("plot --badges --no-labels", "--badges are written with the labels: leave out --no-labels"),
        ("plot --images x.npy", "--images is for filters composed down to the image: add --through"),
        ("plot --assume-stacked", "--assume-stacked is for filters composed down to the image"),
        ("plot --view grid --terminal", "--terminal has no meaning in nolearn's layout"),
        ("plot --view grid --badges", "--badges has no meaning in nolearn's layout"),
        ("plot --view rms --channels RGB", "--view rms is not drawn in the channels' colours"),
        ("diagnose --json --csv", "--json and --csv exclude each other"),
        ("diagnose --batch 3", "need --images"),
        ("diagnose --device cuda", "need --images"),
        ("diagnose --mean 0.5", "need --images"),
        ("diagnose --labels labels.txt", "need --images"),
        ("report --size 8", "need --images"),
        ("report --json --open", "with --json there is no page to --open"),
        ("compare", "give two files or more"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(line, sentence):
    name, *more = line.split()
    images = (
        ["--images", "seen"] if name in ("activity", "predict", "patches", "occlusion", "saliency") else []
    )
    told = CliRunner().invoke(main, [name, "m.pkl", *images, *more])
    assert (told.exit_code, told.stdout) == (2, ""), told.output
    assert sentence in " ".join(told.stderr.split()).replace("│ ", "")


def test_a_size_is_rows_and_then_columns():
    from filtviz.cli.image_options import SizeType

    assert [SizeType().convert(text, None, None) for text in ("31", "5x7", "224X320")] == [
        (31, 31),
        (5, 7),
        (224, 320),
    ]


def test_a_graph_prints_its_lines_or_json_alone_and_writes_where_a_file_is_named():
    for line, first, err in (
        (["--terminal", "-o", "net.mmd"], "m.pkl: ", ["net.mmd"]),
        (["--json", "-o", "net.mmd"], "{", ["net.mmd"]),
        (["--terminal", "-o", "net.mmd", "-q"], "m.pkl: ", []),
        (["--terminal"], "m.pkl: ", []),
        (["--json"], "{", []),
    ):
        told = CliRunner().invoke(main, ["graph", "m.pkl", *line])
        assert told.stdout.startswith(first)
        assert told.stderr.splitlines() == err
        Path("net.mmd").unlink(missing_ok=True)
    assert not list(Path().glob("m-graph*"))


# The console


@pytest.fixture
def window(monkeypatch) -> Callable[..., tuple[int, int | None]]:
    def of(*, is_terminal: bool, columns: str | None = None, size: tuple[int, int] = (120, 30)) -> Any:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
        monkeypatch.setattr(
            console.shutil, "get_terminal_size", lambda fallback: console.os.terminal_size(size)
        )
        monkeypatch.delenv("COLUMNS", raising=False)
        if columns is not None:
            monkeypatch.setenv("COLUMNS", columns)
        return console.window()

    return of


def test_a_window_has_its_own_size_and_a_pipe_80_columns_unless_they_are_told(window):
    assert window(is_terminal=True) == (120, 30)
    assert window(is_terminal=False) == (80, None)
    assert window(is_terminal=False, columns="50") == (50, None)
    for wrong in ("", "0", "wide", "-3", "10000", "1" * 30):
        assert window(is_terminal=False, columns=wrong) == (80, None)


def test_what_reading_concludes_is_said_once_however_often_a_file_is_read(capsys):
    logger = logging.getLogger("filtviz")
    before = logger.level, logger.propagate, list(logger.handlers), list(logging.getLogger().handlers)
    with console.conclusions_told():
        for message in ("m.pkl: a", "m.pkl: a", "m.pkl: b", "m.pkl: a"):
            logging.getLogger("filtviz.reading").info(message)
    logging.getLogger("filtviz.reading").info("afterwards")
    assert capsys.readouterr().err.splitlines() == ["m.pkl: a", "m.pkl: b"]
    assert (logger.level, logger.propagate, logger.handlers, logging.getLogger().handlers) == before


def test_a_back_end_of_a_notebooks_is_of_no_effect_on_what_is_drawn(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "of_mine")
    assert CliRunner().invoke(main, ["explain"]).exit_code == 0
    assert "MPLBACKEND" not in os.environ


def test_json_is_strict():
    with pytest.raises(ValueError, match="JSON"):
        console.print_json({"value": float("nan")})


class Screen:
    """A stdout of an encoding, which is a terminal or is none."""

    def __init__(self, encoding: str, *, is_terminal: bool) -> None:
        self.encoding, self.errors, self.is_terminal = encoding, "strict", is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("encoding", "is_terminal", "depth"),
    [("utf-8", True, "256"), ("ascii", True, "plain"), ("utf-8", False, "plain"), ("latin-1", True, "plain")],
)
def test_sheets_are_printed_in_colour_where_the_terminal_has_the_character(
    encoding, is_terminal, depth, monkeypatch
):
    from filtviz.drawing import terminal

    asked, printed = [], []
    monkeypatch.setattr(console, "_print_graphics", lambda _: False)
    monkeypatch.setattr(terminal, "sheet_lines", lambda *given: asked.append(given) or ["line"])
    monkeypatch.setattr(console.click, "echo", lambda *given, **how: printed.append((given, how)))
    monkeypatch.setattr(console, "window", lambda: (77, 33))
    monkeypatch.setattr(console.sys, "stdout", Screen(encoding, is_terminal=is_terminal))
    monkeypatch.setattr(console.os, "environ", {"TERM": "xterm"})

    class Page:
        sheet = "the sheet"

    console.print_sheets([Page()])  # type: ignore[list-item]
    assert asked == [("the sheet", 77, depth, 33)]
    assert printed == [(("line",), {"color": depth != "plain"})]


def test_what_goes_to_a_log_carries_the_time_and_what_goes_to_a_terminal_does_not(monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(console, "say", said.append)
    for is_terminal in (True, False):
        monkeypatch.setattr(console.sys, "stderr", Screen("utf-8", is_terminal=is_terminal))
        monkeypatch.setattr(console.sys, "stdout", Screen("utf-8", is_terminal=not is_terminal))
        console.log("done")
    assert said[0] == "done"
    assert said[1][:2] == "20"
    assert said[1].endswith(" done")


# Pages


def page(path: str = "m-report.html", **fields: Any) -> Any:
    content = PageContent(title="t", files=(), sections=(), **fields)
    return SimpleNamespace(path=Path(path), content=content)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("line", "result", "status", "out", "err"),
    [
        ("", page(), 0, "m-report.html", []),
        ("", page(notes=("a note",)), 0, "m-report.html", ["a note"]),
        ("-q", page(notes=("a note",)), 0, "m-report.html", []),
        ("", page(left_out=("too much",)), 1, "m-report.html", ["filtviz: too much"]),
        ("-q", page(left_out=("too much",)), 1, "m-report.html", ["filtviz: too much"]),
        (
            "",
            page(path="runs-m-report.html"),
            0,
            "runs-m-report.html",
            ["what is called m here shows another model: this page is called runs-m"],
        ),
        ("-o x.html", page(path="x.html"), 0, "x.html", []),
    ],
)
def test_what_a_report_says(line, result, status, out, err, run):
    told = run("filtviz.reporting.report", result, "report", "m.pkl", *line.split())
    assert (told.exit_code, told.stdout.splitlines(), told.stderr.splitlines()) == (status, [out], err)


def test_a_file_that_cannot_be_read_is_said_once_on_stderr_and_once_on_the_page(filled, monkeypatch):
    monkeypatch.chdir(filled)
    told = CliRunner().invoke(main, ["report", "m.pkl", "labels.txt", "gone.pkl", "--megabytes", "0.0001"])
    lines = told.stderr.splitlines()
    assert (told.exit_code, told.stdout) == (1, "m-report.html\n")
    assert [line.split(": ")[1] for line in lines[:2]] == ["labels.txt", "gone.pkl"]
    assert [line for line in lines[2:] if "labels.txt" in line or "gone" in line] == []
    text = html.unescape(Path("m-report.html").read_text())
    assert [text.count(line.removeprefix("filtviz: ")) for line in lines[:2]] == [1, 1]


def test_where_no_file_can_be_read_each_is_said_once_and_no_page_is_written(filled, monkeypatch):
    monkeypatch.chdir(filled)
    before = sorted(Path().iterdir())
    told = CliRunner().invoke(main, ["report", "gone.pkl", "labels.txt", "lost.pkl"])
    assert (told.exit_code, told.stdout) == (1, "")
    said = [line.split(": ")[1] for line in told.stderr.splitlines()]
    assert said == ["gone.pkl", "labels.txt", "lost.pkl"]
    lone = CliRunner().invoke(main, ["report", "gone.pkl", "--json"])
    assert json.loads(lone.stdout)["models"][0]["code"] == "no-access"
    assert sorted(Path().iterdir()) == before


@pytest.mark.cases("all")
@pytest.mark.parametrize("opens", [True, False])
def test_a_page_is_opened_by_its_address(opens, run, monkeypatch, filled):
    asked: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: asked.append(address) or opens)
    told = run("filtviz.reporting.report", page(), "report", "m.pkl", "--open")
    assert asked == [(filled / "m-report.html").resolve().as_uri()]
    assert ("no browser could be opened; m-report.html is the page" in told.stderr) == (not opens)
    assert told.exit_code == 0


def test_a_page_that_is_named_can_be_opened_beside_json(run, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: asked.append(address) or True)
    line = ("report", "m.pkl", "--json", "--open", "-o", "x.html")
    told = run("filtviz.reporting.report", page(path="x.html"), *line)
    assert (told.exit_code, json.loads(told.stdout)["complete"]) == (0, True)
    assert [address.rpartition("/")[2] for address in asked] == ["x.html"]


def test_json_of_a_report_writes_no_page_unless_one_is_named(run):
    asked: list[Any] = []

    def made(given: dict[str, Any], **fields: Any) -> Any:
        asked.append(given["output"])
        return page(path="x.html", **fields)

    assert (
        json.loads(run("filtviz.reporting.report", made, "report", "m.pkl", "--json").stdout)["title"] == "t"
    )
    written = run("filtviz.reporting.report", made, "report", "m.pkl", "--json", "-o", "x.html")
    assert json.loads(written.stdout)["complete"] is True
    assert asked == [None, "x.html"]
    left = run("filtviz.reporting.report", page(left_out=("x",)), "report", "m.pkl", "--json")
    assert (json.loads(left.stdout)["complete"], left.exit_code) == (False, 1)
    gone = (FileFailure("gone.pkl", "it is gone", "no-access"),)
    failed = run("filtviz.reporting.report", page(failures=gone), "report", "m.pkl", "gone.pkl", "--json")
    data = json.loads(failed.stdout)
    assert (data["complete"], failed.exit_code) == (False, 1)
    assert [(each["file"], each["code"]) for each in data["models"]] == [("gone.pkl", "no-access")]


# Tables


@pytest.mark.cases("all")
@pytest.mark.parametrize("line", ["", "-v", "-a", "-v -a", "-v --json", "-a --json"])
def test_what_a_file_is_stands_before_its_table_where_it_is_asked_for(line, run):
    origin = Origin(path=Path("m.pkl"), kind="a network", framework="nolearn", versions={"numpy": "1.2"})
    network = replace(NETWORK, origin=origin)
    told = run(
        "filtviz.api.layers",
        LayersResult(network=network, summary=summarize(network)),
        "layers",
        "m.pkl",
        *line.split(),
    )
    lines = told.stdout.splitlines()
    assert told.exit_code == 0
    if "--json" in line:
        assert json.loads(told.stdout)["layers"]
        return
    facts = [" ".join(each.split()) for each in lines[:5]]
    named = ["file: m.pkl", "holds: a network", "framework: nolearn", "versions: numpy 1.2"]
    assert [each for each in named if any(each in fact for fact in facts)] == (named if "-v" in line else [])


@pytest.mark.parametrize(("n", "asked"), [(1, False), (2, False), (3, True)])
def test_a_training_is_followed_from_three_files_on_and_only_too_much_work_is_passed_over(n, asked):
    files = [f"{i}.pkl" for i in range(n)]
    seen: list[Any] = []
    outcomes = tuple(map(diagnosed, files))
    trajectory = Trajectory(order=(1, 0, 2), ordered_by="names", layers=())
    followed: Any = Diagnoses(outcomes=outcomes, follow=lambda given: seen.append(given) or trajectory)
    assert followed.trajectory == (trajectory if asked else None)
    assert seen == ([files] if asked else [])

    def fails(_: Any) -> Any:
        raise error

    error: FiltvizError = BudgetError("much", share="work", needed=2, allowed=1, option="--max-work")
    assert Diagnoses(outcomes=outcomes, follow=fails).trajectory is None
    error = FiltvizError("it is damaged")
    if asked:
        with pytest.raises(FiltvizError, match="damaged"):
            Diagnoses(outcomes=outcomes, follow=fails).trajectory  # noqa: B018


# Diagnoses


def diagnosed(file: str, **fields: Any) -> Diagnosis:
    usual = {
        "type": "Conv2d",
        "shape": (2, 1, 3, 3),
        "dtype": "float32",
        "sentence": "So.",
        "initialiser": "?",
    }
    layer = LayerDiagnosis(conv_index=0, name="conv1", verdict="updated", **usual)
    return Diagnosis(file=file, **{"layers": (layer,), "answer": f"The answer for {file}.", **fields})


def answering(**fields: Any) -> Any:
    """Make each model its own diagnosis, or give what stands in its place as why it has none."""

    def call(models: list[str], progress: Any, **how: Any) -> Diagnoses:
        outcomes: list[Any] = []
        for model in models:
            own = fields.get(Path(model).stem, {})
            failed = isinstance(own, FiltvizError)
            outcomes.append(FileFailure(model, str(own), own.code) if failed else diagnosed(model, **own))
            progress(outcomes[-1])
        return Diagnoses(outcomes=tuple(outcomes), follow=lambda files: filtviz.api.follow(files))

    return call


MET = {"checks": {"dead": ("conv1", "conv\x1b"), "untrained": ()}}


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("line", "fields", "status", "err"),
    [
        ("m.pkl", {}, 0, []),
        ("m.pkl before.pkl", {}, 0, []),
        ("m.pkl before.pkl", {"m": FiltvizError("it is so")}, 1, ["filtviz: it is so"]),
        ("m.pkl", {"m": {"left_out": ("too much",)}}, 1, ["filtviz: m.pkl: too much"]),
        ("m.pkl --check untrained", {"m": MET}, 0, []),
        ("m.pkl --check dead", {"m": MET}, 3, ["filtviz: m.pkl: dead: conv1, conv\\x1b ("]),
        ("m.pkl --check dead -q", {"m": MET}, 3, ["filtviz: m.pkl: dead: conv1, conv\\x1b ("]),
        ("m.pkl --check dead --check dead", {"m": MET}, 3, ["filtviz: m.pkl: dead: "]),
        ("m.pkl before.pkl --check dead", {"before": MET}, 3, ["filtviz: before.pkl: dead: "]),
        (
            "m.pkl --check dead",
            {"m": {**MET, "left_out": ("too much",)}},
            1,
            ["filtviz: m.pkl: too much", "filtviz: m.pkl: dead: "],
        ),
    ],
)
def test_what_a_diagnosis_ends_with(line, fields, status, err, monkeypatch):
    monkeypatch.setattr("filtviz.api.diagnose", answering(**fields))
    told = CliRunner().invoke(main, ["diagnose", *line.split()])
    lines = told.stderr.splitlines()
    assert (told.exit_code, len(lines)) == (status, len(err)), told.output
    assert all(own.startswith(begin) for own, begin in zip(lines, err, strict=True)), lines


POINTER = "--details shows every measure"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("line", "there", "not_there"),
    [
        ("m.pkl", ["The answer for m.pkl.", POINTER], ["What it rests on", "So."]),
        ("m.pkl --details", ["The answer for m.pkl.", "So."], [POINTER, "What it rests on"]),
        ("m.pkl --filters", ["The answer for m.pkl.", POINTER, "conv1 2x1x3x3 float32"], ["So."]),
        ("m.pkl before.pkl", ["Both models have the same verdicts"], ["The answer for", POINTER]),
        (
            "m.pkl before.pkl --details",
            ["Both models", "The answer for m.pkl.", "The answer for before.pkl.", "What it rests on", "So."],
            [POINTER],
        ),
        (
            "m.pkl before.pkl --filters",
            ["Both models", "The answer for before.pkl.", "conv1 2x1x3x3 float32"],
            ["So."],
        ),
        ("m.pkl gone.pkl", ["The answer for m.pkl.", POINTER], ["Both models"]),
    ],
)
def test_how_much_of_a_diagnosis_is_shown(line, there, not_there, monkeypatch):
    monkeypatch.setattr("filtviz.api.diagnose", answering(gone=FiltvizError("gone")))
    told = CliRunner().invoke(main, ["diagnose", *line.split()])
    text = " ".join(told.stdout.split())
    assert [each for each in there if each not in text] == []
    assert [each for each in not_there if each in text] == []


def test_what_images_tell_of_several_models_stands_below_their_table(monkeypatch):
    shown = {
        name: {
            "shown": Examination(n_images=2, layers=(), answer=f"Images tell {name}.", sentences=("pixels",))
        }
        for name in ("m", "before")
    }
    monkeypatch.setattr("filtviz.api.diagnose", answering(**shown))
    told = CliRunner().invoke(main, ["diagnose", "m.pkl", "before.pkl", "like.pkl"])
    lines = told.stdout.splitlines()
    assert lines[-3:] == ["m.pkl: Images tell m.", "", "before.pkl: Images tell before."]
    assert told.stderr.splitlines() == ["Pixels"]


def test_states_of_a_training_stand_in_its_order_and_are_followed(monkeypatch):
    names = ["m.pkl", "before.pkl", "like.pkl"]
    moved = LayerTrajectory(name="conv1", steps=(0.5, 0.001))
    trajectory = Trajectory(order=(1, 2, 0), ordered_by="the epoch in the files", layers=(moved,))
    monkeypatch.setattr("filtviz.api.diagnose", answering())
    asked: list[Any] = []
    monkeypatch.setattr("filtviz.api.follow", lambda files, **_: asked.append(list(files)) or trajectory)
    told = " ".join(CliRunner().invoke(main, ["diagnose", *names]).stdout.split())
    assert asked == [names]
    assert "Ordered by the epoch in the files. conv1 stopped moving after like.pkl." in told
    assert "layer filters before like m " in told
    CliRunner().invoke(main, ["diagnose", *names[:2]])
    CliRunner().invoke(main, ["diagnose", *names, "--json"])
    assert asked == [names]

    def too_much(*_: Any, **__: Any) -> Any:
        raise BudgetError("much", share="work", needed=2, allowed=1, option="--max-work")

    monkeypatch.setattr("filtviz.api.follow", too_much)
    assert CliRunner().invoke(main, ["diagnose", *names]).exit_code == 0


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("residue", "least", "verdict", "cell"),
    [
        (0.0, None, "updated", "no pattern 0%"), (0.5, None, "updated", "no pattern 50%"),
        (None, None, "updated", "no pattern"), (None, 0.769, "updated", "no pattern over 76%"),
        (0.9, 0.7, "structured", "structured 90%"), (0.5, None, "initial", "as drawn"),
        (None, 0.7, "initial", "as drawn"),
    ],
)  # fmt: skip
def test_a_share_of_noise_is_told_where_it_is_known_and_not_all(residue, least, verdict, cell):
    (layer,) = diagnosed("m").layers
    told = replace(layer, residue=residue, residue_at_least=least, verdict=verdict)
    assert models_text._cell(told) == cell


@pytest.mark.parametrize(
    ("shares", "text"),
    [
        ([], ""), ([(None, None)], ""), ([(0.88, None), (0.91, None)], "88% to 91%"), ([(0.88, None)], "88%"),
        ([(0.88, None), (None, 0.759), (None, None)], "over 75%"), ([(0.7, None), (None, 0.759)], "over 70%"),
    ],
)  # fmt: skip
def test_the_noise_of_several_layers_is_a_span_or_the_least(shares, text):
    (layer,) = diagnosed("m").layers
    layers = [replace(layer, residue=share, residue_at_least=least) for share, least in shares]
    assert noise_of(layers) == text


def test_names_are_listed_by_commas_and_by_repeating_and_blanks_are_none():
    assert shared_options._listed(("a, b", "c", " ", ",d,,e ")) == ("a", "b", "c", "d", "e")


def test_what_a_command_gets_wrong_is_no_wrong_usage():
    @click.command()
    @shared_options.drawing_options
    def broken(drawing):
        raise ValueError("not the user's fault")

    assert isinstance(CliRunner().invoke(broken).exception, ValueError)
    refused = CliRunner().invoke(broken, ["--dpi", "-1"])
    assert (refused.exit_code, "dpi must be a positive number" in refused.stderr) == (2, True)


def test_options_of_sheets_that_are_refused_are_wrong_usage(tmp_path, monkeypatch):
    def refuse(*_):
        raise ArgumentError("gap must be less than that")

    monkeypatch.setattr(shared_options, "_sheet_options", refuse)
    refused = CliRunner().invoke(main, ["plot", "none.pkl"])
    assert (refused.exit_code, "gap must be less" in refused.stderr) == (2, True)


@pytest.mark.parametrize("columns", [0, 80])
def test_no_picture_is_printed_on_a_terminal_without_a_size(columns, monkeypatch):
    class Asked(Exception):
        pass

    class Absent:
        def find_spec(self, name: str, *_: Any) -> None:
            if name.startswith("textual_image"):
                raise Asked

    for name in [name for name in sys.modules if name.startswith("textual_image")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(fileno=lambda: 1))
    monkeypatch.setattr(console.os, "get_terminal_size", lambda _: console.os.terminal_size((columns, 0)))
    if columns:
        with pytest.raises(Asked):
            console._print_graphics([])
    else:
        assert console._print_graphics([]) is False


@pytest.mark.cases("all")
@pytest.mark.parametrize(("line", "has_filters"), [("", False), ("--details", False), ("--filters", True)])
def test_json_of_a_diagnosis_has_filters_only_where_they_are_asked_for(line, has_filters, monkeypatch):
    seen: list[Any] = []
    monkeypatch.setattr("filtviz.cli.json_data.diagnoses_data", lambda _, **how: seen.append(how) or {})
    monkeypatch.setattr("filtviz.api.diagnose", answering())
    told = CliRunner().invoke(main, ["diagnose", "m.pkl", "--json", *line.split()])
    assert (told.exit_code, seen) == (0, [{"with_filters": has_filters}]), told.output


def test_all_earlier_files_reach_a_diagnosis_and_each_is_read_once(filled, monkeypatch):
    read: list[str] = []
    really = reading.load
    monkeypatch.setattr("filtviz.reading.load", lambda path, **how: read.append(path) or really(path, **how))
    monkeypatch.chdir(filled)
    line = ["diagnose", "m.pkl", "like.pkl", "--before", "before.pkl", "--before", "m.pkl", "--json"]
    told = json.loads(CliRunner().invoke(main, line).stdout)
    assert read[:2] == ["before.pkl", "m.pkl"]
    assert read.count("before.pkl") == 1
    changes = [[change["before"] for change in one["layers"][0]["changes"]] for one in told["models"]]
    assert changes == [["before.pkl", "m.pkl"]] * 2


def test_the_file_of_labels_is_told_so_that_no_page_takes_its_place(monkeypatch):
    asked: list[Any] = []

    def report(_: Any, options: Any, **__: Any) -> Any:
        asked.append(options.labels)
        return page()

    monkeypatch.setattr("filtviz.reporting.report", report)
    line = ["report", "m.pkl", "--json", "--images", "m.pkl", "--labels", "labels.txt"]
    assert CliRunner().invoke(main, line).exit_code == 0
    assert list(map(str, asked)) == ["labels.txt"]
