"""Folders and patterns on the command line, quiet runs, and models without filters."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.exceptions import Exit
from click.testing import CliRunner
from tests.building import conv
from tests.exported import save_model

from filtviz.cli import COMMANDS, inputs, main
from filtviz.errors import FileAccessError
from filtviz.network import Network

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


@pytest.fixture(autouse=True)
def zoo(tmp_path, monkeypatch):
    """Two models of one name, one without filters, and two files that are no models."""
    monkeypatch.chdir(tmp_path)
    for i in range(2):
        save_model(tmp_path / "zoo" / f"run{i}" / "net.npz", seed=i)
    np.savez(tmp_path / "zoo" / "dense.npz", np.zeros((3, 2)), np.zeros(2))
    (tmp_path / "zoo" / "LICENSE").write_text("MIT License")
    (tmp_path / "zoo" / "run1" / "train.py").write_text("import os")
    return tmp_path / "zoo"


def run(*arguments):
    result = CliRunner().invoke(main, list(map(str, arguments)))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.slow
def test_each_command_that_takes_many_models_walks_a_folder():
    exported = run("export", "zoo", "-o", "out", "--json")
    assert [model["model"] for model in json.loads(exported.stdout)["models"]] == [
        "zoo/dense.npz", "zoo/run0/net.npz", "zoo/run1/net.npz"
    ]  # fmt: skip
    diagnosed = run("diagnose", "zoo", "--json")
    assert [each["file"] for each in json.loads(diagnosed.stdout)["models"]] == [
        "zoo/dense.npz", "zoo/run0/net.npz", "zoo/run1/net.npz"
    ]  # fmt: skip
    assert "2 files in zoo are no model\n" in diagnosed.stderr
    reported = run("report", "zoo", "--json")
    assert len(json.loads(reported.stdout)["models"]) == 3
    assert [each.exit_code for each in (exported, diagnosed, reported)] == [0, 0, 0]


@pytest.mark.slow
def test_files_that_are_no_models_are_counted_and_named_in_json():
    result = run("export", "zoo", "-o", "out", "--json")
    assert result.stderr.splitlines()[-1].endswith("1 model without filters; 2 files passed over, no model")
    assert [each["file"] for each in json.loads(result.stdout)["passed_over"]] == [
        "zoo/LICENSE",
        "zoo/run1/train.py",
    ]


@pytest.mark.parametrize("command", [["export", "-o", "out"], ["diagnose"], ["report"]])
def test_a_folder_without_a_model_is_a_failure(command):
    Path("empty").mkdir()
    Path("empty/notes.txt").write_text("MIT License")
    result = run(command[0], "empty", *command[1:])
    assert result.exit_code == 1
    assert "there is no model in" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", [["export", "-o", "out"], ["diagnose"], ["report"]])
def test_a_model_without_filters_is_a_failure_with_strict_only(command):
    name, *options = command
    for models in (["zoo/dense.npz"], ["zoo"]):
        assert run(name, *models, *options).exit_code == 0
        strict = run(name, *models, *options, "--strict", "-q")
        assert strict.exit_code == 1
        assert "zoo/dense.npz" in strict.stderr
        assert "there is no filter to draw" in strict.stderr
    assert run(name, "zoo/run0/net.npz", *options, "--strict").exit_code == 0
    assert run("plot", "zoo/dense.npz").exit_code == 1


def test_filters_over_one_axis_are_drawn_and_are_not_two_dimensional():
    weights = np.random.default_rng(0).normal(size=(6, 4, 3)).astype(np.float32)
    np.savez("sound.npz", weights, np.zeros(6, np.float32))
    assert run("plot", "sound.npz").exit_code == 0
    assert run("diagnose", "sound.npz").exit_code == 0
    result = run("diagnose", "sound.npz", "--strict")
    assert result.exit_code == 1
    assert "conv1 can be looked at all the same, over its axis:\n  filtviz plot sound.npz --layer 0\n" in (
        result.stdout
    )
    assert result.stderr.endswith("1 convolution: none of its filters is two-dimensional\n")
    assert "no filter to draw" not in result.stderr


def test_strict_says_no_more_of_what_failed_anyway():
    result = run("diagnose", "zoo/run0/net.npz", "gone.npz", "--strict", "-q")
    assert (result.exit_code, result.stderr) == (1, "filtviz: gone.npz: there is no such file\n")


@pytest.mark.slow
@pytest.mark.parametrize("command", [["export", "-o", "out"], ["diagnose"], ["report"]])
def test_a_pattern_that_reaches_the_program_is_expanded_and_said(command):
    result = run(command[0], "zoo/run?/*.npz", *command[1:])
    assert result.exit_code == 0
    assert result.stderr.startswith(
        "zoo/run?/*.npz reached filtviz as a pattern, as in quotes: it takes the 2 paths that it fits\n"
    )
    nothing = run(command[0], "zoo/*.pth", *command[1:])
    assert (nothing.exit_code, nothing.stderr) == (1, "filtviz: zoo/*.pth: no file matches this pattern\n")


def test_two_stars_stand_for_all_folders_below():
    result = run("diagnose", "zoo/**/net.npz", "--json")
    files = [each["file"] for each in json.loads(result.stdout)["models"]]
    assert files == ["zoo/run0/net.npz", "zoo/run1/net.npz"]
    shutil.copy("zoo/run0/net.npz", "zoo/net.npz")
    (Path("zoo") / "deep" / "er").mkdir(parents=True)
    shutil.copy("zoo/run0/net.npz", "zoo/deep/er/net.npz")
    result = run("layers", "zoo/**/net.npz")
    assert (result.exit_code, result.stdout) == (2, "")
    assert (
        "zoo/**/net.npz fits 4 paths, and this command takes one: name it, such as zoo/deep/er/net.npz"
        in (" ".join(result.stderr.split()))
    )


def test_a_pattern_stands_for_one_file_where_one_is_wanted():
    result = run("layers", "zoo/run0/*.npz")
    assert result.exit_code == 0
    assert result.stderr.startswith(
        "zoo/run0/*.npz reached filtviz as a pattern, as in quotes: it takes the 1 path that it fits\n"
    )
    assert result.stdout == run("layers", "zoo/run0/net.npz").stdout
    nothing = run("plot", "zoo/*.pth")
    assert (nothing.exit_code, nothing.stderr) == (1, "filtviz: zoo/*.pth: there is no such file\n")


@pytest.mark.parametrize("given", ["zoo/run?/net.npz", "zoo/run?"])
def test_files_are_compared_that_a_pattern_or_a_folder_stands_for(given):
    result = run("compare", given, "--json")
    assert result.exit_code == 0, result.stderr
    files = [each["file"] for each in json.loads(result.stdout)["models"]]
    assert files == ["zoo/run0/net.npz", "zoo/run1/net.npz"]
    one = run("compare", "zoo/run0")
    assert (one.exit_code, one.stdout) == (2, "")
    assert "give two files or more" in one.stderr


def test_a_file_whose_name_looks_like_a_pattern_is_that_file():
    shutil.copy("zoo/run0/net.npz", "net[1].npz")
    shutil.copy("zoo/run0/net.npz", "net1.npz")
    result = run("export", "net[1].npz", "-o", "out", "--json")
    assert "pattern" not in result.stderr
    assert [model["model"] for model in json.loads(result.stdout)["models"]] == ["net[1].npz"]


def test_a_model_in_several_files_is_diagnosed_once():
    shutil.copytree(FIXTURES / "modern" / "sharded", "parts")
    result = run("diagnose", "parts", "--json")
    models = json.loads(result.stdout)["models"]
    assert [each["file"] for each in models] == ["parts/model.safetensors.index.json"]


EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ON_IMAGES = ("predict", "activity", "patches", "occlusion", "saliency", "maximise", "codes")
NEEDS_TORCH = ("saliency", "maximise")


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, marks=pytest.mark.slow if command in {*ON_IMAGES, "loss", "export"} else ())
        for command in COMMANDS
    ],
)
def test_every_command_can_be_quiet(command):
    if command in NEEDS_TORCH:
        pytest.importorskip("torch", reason="gradients need PyTorch")
    net = str(EXAMPLES / "mission-trained.pkl")
    on_images = {name: [net, "--images", str(EXAMPLES / "digits.npz")] for name in ON_IMAGES}
    arguments = {
        **on_images,
        "maximise": [net],
        "loss": [str(FIXTURES / "py27-nolearn0.6.0" / "nolearn-net.pkl.gz")],
        "compare": ["zoo/run0/net.npz", "zoo/run1/net.npz"],
        "convert": ["zoo/run0/net.npz", "out.safetensors"],
        "explain": ["residue"],
        "export": ["zoo", "-o", "out"],
        "survey": ["zoo", "-o", "out"],
        "diagnose": ["zoo"],
        "report": ["zoo"],
    }.get(command, ["zoo/run0/net.npz"])
    result = run(command, *arguments, "--quiet")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout
    assert re.search(r"-q, --quiet +Say nothing but what failed", run(command, "--help").stdout)


def test_a_plot_prints_json_of_what_it_wrote_and_of_what_failed():
    result = run("plot", "zoo/run0/net.npz", "-l", "0", "-l", "conv9", "-o", "out", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["file"] == "zoo/run0/net.npz"
    assert told["pictures"] == [{"file": str(Path("out", "net-conv1.png")), "kept": False}]
    assert [(each["layer"], each["code"]) for each in told["failures"]] == [("conv9", "no-such-layer")]
    again = run("plot", "zoo/run0/net.npz", "-o", "out", "--json", "--no-clobber", "-q")
    assert [each["kept"] for each in json.loads(again.stdout)["pictures"]] == [True]
    assert run("plot", "zoo/run0/net.npz", "--json", "--terminal").exit_code == 2


def test_a_quiet_command_still_says_what_failed():
    result = run("plot", "zoo/run0/net.npz", "-l", "0", "-l", "9", "-q")
    assert result.exit_code == 1
    assert result.stderr.startswith("filtviz: there is no convolution '9'")


@pytest.mark.slow
def test_the_lines_of_an_export_carry_the_time_where_they_go_to_a_log():
    first = run("export", "zoo", "-o", "out").stderr.splitlines()
    assert len(first) == 4
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} \S", line) for line in first)


@pytest.mark.slow
def test_a_run_that_draws_nothing_says_so_in_one_line():
    rng = np.random.default_rng(0)
    np.savez("zoo/small.npz", rng.standard_normal((4, 9, 1, 1)).astype("f4"), np.zeros(4, "f4"))
    first = run("export", "zoo", "-o", "out")
    assert first.stderr.count("conv1 is 1x1") == 1
    os.utime("out/manifest.json", (2**32, 2**32))
    (line,) = run("export", "zoo", "-o", "out").stderr.splitlines()
    assert line.endswith("0 pages drawn, 17 kept, 1 model without filters; 2 files passed over, no model")


def printed(result):
    return result.exit_code, result.stderr.splitlines()


def test_what_is_found_in_folders_and_is_no_model_is_counted_and_what_is_damaged_is_not():
    Path("some").mkdir()
    shutil.copy("zoo/run0/net.npz", "some/net.npz")
    Path("some/broken.npz").write_bytes(Path("zoo/run0/net.npz").read_bytes()[:-40])
    models = inputs.models_of(["some"], {})
    assert [Path(model).name for model in models] == ["broken.npz", "net.npz"]
    Path("some/readme.txt").write_text("none")
    Path("other").mkdir()
    Path("other/notes.txt").write_text("none")
    said = []
    for given in (["some"], ["some", "other"]):
        with pytest.MonkeyPatch.context() as inside:
            inside.setattr(inputs, "say", said.append)
            inputs.models_of(given, {})
    assert said == ["1 file in some is no model", "2 files in 2 folders are no model"]
    for given, where in ((["other"], "other"), (["other", "other/"], "2 folders")):
        with pytest.raises(FileAccessError, match=f"^there is no model in {where}$"):
            inputs.models_of(given, {})


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_pattern_that_fits_several_is_refused_where_one_is_wanted(n):
    for i in range(n):
        shutil.copy("zoo/run0/net.npz", f"net{i}.npz")
    code, lines = printed(run("graph", "net*.npz", "--json"))
    assert code == (0 if n == 1 else 2)
    said = " ".join(lines)
    assert ("reached filtviz as a pattern" in said) == (n == 1)
    assert (f"fits {n} paths, and this command takes one" in said) == (n > 1)


def test_patterns_give_files_in_order_and_folders_only_where_they_are_asked_for():
    assert inputs.patterns_expanded(["zoo/run*"]) == ["zoo/run0", "zoo/run1"]
    assert inputs.patterns_expanded(["zoo/**"]) == sorted(
        str(p) for p in Path("zoo").rglob("*") if p.is_file()
    )


def test_strict_keeps_the_status_that_a_command_ends_with():
    """A model that has some filters is none without; a failure stays one, and so does what a check finds."""
    mixed = Network.of([conv(np.ones((2, 1, 3))), conv(np.ones((2, 1, 3, 3)))])
    bare = Network.of([])
    for network, own, status in ((mixed, 0, 0), (bare, 0, 1), (bare, 3, 3), (mixed, 3, 3)):
        with pytest.MonkeyPatch.context() as inside:
            inside.setattr("filtviz.reading.load", lambda *_, of=network, **__: of)
            ended = 0
            try:
                with inputs._strictly(["m.pkl"], {}):
                    raise Exit(own)
            except Exit as end:
                ended = end.exit_code
            assert ended == status
