"""The help fits on screens, limits stand at its end, and shells complete what is typed."""

from __future__ import annotations

import inspect
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from tests.building import conv, image
from tests.cli import any_command

import filtviz
from filtviz.cli import COMMANDS, console, main
from filtviz.cli.helping import RareOption
from filtviz.errors import FileAccessError
from filtviz.network import Layer, Network

ROOT = Path(__file__).resolve().parents[2]
MODEL = str(ROOT / "examples" / "mission-trained.pkl")
SCREEN = 24


def help_of(command, option="--help", columns="80"):
    ran = CliRunner().invoke(main, [command, option], prog_name="filtviz", env={"COLUMNS": columns})
    assert ran.exit_code == 0
    return ran.stdout


@pytest.mark.cases("all")
@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_fits_two_screens_of_80_columns(command):
    lines = help_of(command).splitlines()
    assert len(lines) <= 2 * SCREEN
    assert max(map(len, lines)) <= 80


@pytest.mark.cases("all")
@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "explain"])
def test_limits_and_hints_are_named_at_the_end_and_told_where_they_are_asked_for(command):
    usual, _, rare = help_of(command).partition("\nLimits and hints ")
    assert rare.startswith(f"(`filtviz {command} --help-all` explains them):\n")
    names = rare.split("\n", 1)[1].split()
    assert {"--max-opcodes", "--convs", "--axes"} <= set(names)
    assert not [name for name in names if f" {name} " in usual]
    full = help_of(command, "--help-all")
    assert all(re.search(rf"(?m)^  {name}\b", full) for name in names)
    assert "Limit: steps that the file's pickles take." in " ".join(full.split())


def test_a_command_without_limits_has_no_such_group():
    assert "Limits" not in help_of("explain")


def test_the_help_shows_first_sentences_and_help_all_the_others():
    short, full = (" ".join(help_of("plot", option).split()) for option in ("--help", "--help-all"))
    assert "--flip Turn filters to how they match the image --components" in short
    assert "--flip Turn filters to how they match the image. Some are stored turned by 180 degrees." in full
    assert "`nmf`: the patterns that the channels share" in full


def test_every_option_of_limits_and_hints_is_one():
    context = click.Context(main)
    command = main.get_command(context, "plot")
    assert command is not None
    rare = {one.opts[0] for one in command.params if isinstance(one, RareOption)}
    assert {name for one in command.params for name in one.opts if name.startswith("--max-")} < rare


def test_the_exit_status_is_told_in_the_help_of_the_program():
    told = CliRunner().invoke(main, ["--help"]).stdout
    assert [line.split()[0] for line in told.partition("Exit status:\n")[2].splitlines()[:5]] == [
        "0", "1", "2", "3", "128"
    ]  # fmt: skip


PROGRAM = "import sys; sys.argv[0] = 'filtviz'; from filtviz.cli import main; main()"


def run(environment):
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def completed(*words):
    """What a shell offers for the last of some words."""
    environment = {
        **os.environ,
        "COMP_WORDS": " ".join(("filtviz", *words)),
        "COMP_CWORD": str(len(words)),
        "_FILTVIZ_COMPLETE": "bash_complete",
    }
    run = "import sys; sys.argv[0] = 'filtviz'; from filtviz.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", run], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["ex"], ["plain,export", "plain,explain"]),
        (["plot", "x.pkl", "--view", "s"], ["plain,sheet"]),
        (["plot", "mis"], ["file,mis"]),
        (["export", "mis"], ["file,mis"]),
        (["plot", MODEL, "--layer", "conv"], [f"plain,conv{i}" for i in range(1, 7)]),
        (["diagnose", "gone.pkl", MODEL, "-l", "conv3"], ["plain,conv3"]),
        (["plot", MODEL, "--layer", "dense"], []),
        (["activity", MODEL, "--layer", "dense"], ["plain,dense1", "plain,dense2"]),
        (["codes", MODEL, "-l", "conv3"], ["plain,conv3"]),
        (["plot", "gone.pkl", "-l", "c"], []),
        (["plot", str(ROOT / "LICENSE"), "-l", "c"], []),
    ],
)
def test_a_shell_completes_commands_options_files_and_the_names_of_layers(words, offered):
    assert completed(*words) == offered


@pytest.mark.slow
def test_a_name_that_a_shell_would_take_apart_is_not_offered(tmp_path):
    weights = np.zeros((2, 1, 3, 3), "f4")
    np.savez(
        tmp_path / "net.npz", **{"a b.weight": weights, "$(rm).weight": weights, "plain.weight": weights}
    )
    assert completed("plot", str(tmp_path / "net.npz"), "-l", "")[-1] == "plain,plain"
    assert not [each for each in completed("plot", str(tmp_path / "net.npz"), "-l", "") if "rm" in each]


@pytest.mark.parametrize(
    ("shell", "begins"),
    [("bash", "_filtviz_completion()"), ("zsh", "#compdef filtviz"), ("fish", "function ")],
)
@pytest.mark.slow
def test_the_script_for_a_shell_is_printed(shell, begins):
    assert run({**os.environ, "_FILTVIZ_COMPLETE": f"{shell}_source"}).startswith(begins)


SHELLS = {
    "bash": (
        'eval "$(_FILTVIZ_COMPLETE=bash_source filtviz)"; COMP_WORDS=(filtviz plot "$MODEL" --layer ""); '
        'COMP_CWORD=4; _filtviz_completion filtviz; printf "%s\\n" "${COMPREPLY[@]}"'
    ),
    "zsh": (
        'autoload -Uz compinit; compinit -u -D; eval "$(_FILTVIZ_COMPLETE=zsh_source filtviz)"; '
        "compadd() { print -l -- $completions; }; "  # what it offers, outside of an editor of lines
        'words=(filtviz plot "$MODEL" --layer ""); CURRENT=5; _filtviz_completion'
    ),
    "fish": '_FILTVIZ_COMPLETE=fish_source filtviz | source; complete -C "filtviz plot $MODEL --layer "',
}
"""Shell → what it is told to do as the README says, and to offer for a layer."""


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_a_real_shell_offers_the_names_of_layers(shell, tmp_path):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    program = shutil.which("filtviz", path=path)
    if shutil.which(shell) is None or program is None:
        pytest.skip(f"{shell} or the program itself is not installed here")
    plain = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    done = subprocess.run(
        [shell, *plain, "-c", SHELLS[shell]],
        env={**os.environ, "PATH": path, "MODEL": MODEL, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [f"conv{i}" for i in range(1, 7)]


@pytest.mark.slow
def test_the_module_says_in_its_help_how_it_is_started(monkeypatch):
    ran = subprocess.run([sys.executable, "-m", "filtviz", "layers"], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("Usage: python -m filtviz layers ")
    monkeypatch.delitem(sys.modules, "filtviz.__main__", raising=False)
    runpy.run_module("filtviz.__main__", run_name="imported")  # nothing is run


def test_an_option_is_by_default_what_the_function_takes_by_default() -> None:
    shared = {}
    for name, command in any_command.commands():
        takes = inspect.signature(getattr(filtviz, name, print)).parameters
        for option in command.params:
            usual = takes[option.name].default if option.name in takes else None
            if type(option.default) in (int, float, str) and type(usual) is type(option.default):
                shared[f"{name} {option.name}"] = (option.default, usual)
    assert {key: pair for key, pair in shared.items() if pair[0] != pair[1]} == {}
    assert {"compare sort", "occlusion square", "occlusion stride", "occlusion fill"} <= set(shared)
    assert {"saliency method", "saliency of", "maximise steps", "activity image"} <= set(shared)


def test_numbers_that_count_begin_at_one_and_those_of_a_class_or_unit_at_none() -> None:
    least = {
        (option.name, option.type.min)
        for _, command in any_command.commands()
        for option in command.params
        if isinstance(option.type, click.IntRange)
    }
    assert {name for name, start in least if start == 0} == {"target", "units"}
    assert {start for name, start in least if name not in ("target", "units")} == {1}
    assert {name for name, _ in least} >= {"top", "batch", "jobs", "square", "stride", "steps", "components"}


def test_every_default_that_is_a_number_or_a_word_stands_in_the_help() -> None:
    told = {}
    for name, command in any_command.commands():
        context = click.Context(command, info_name=name)
        for option in command.params:
            if isinstance(option, click.Option) and type(option.default) in (int, float, str):
                record = option.get_help_record(context)
                told[f"{name} {option.name}"] = record is None or str(option.default) in record[1]
    assert [option for option, is_told in told.items() if not is_told] == []
    assert len(told) > 60


@pytest.mark.cases("all")
@pytest.mark.parametrize("command", COMMANDS)
def test_help_that_a_shell_asks_for_while_a_line_is_typed_is_not_printed(command, capsys):
    group = main.make_context("filtviz", [command, "--help-all"], resilient_parsing=True)
    own = main.get_command(group, command)
    own.make_context(command, ["--help-all"], resilient_parsing=True)
    assert capsys.readouterr().out == ""


@pytest.mark.cases("all")
@pytest.mark.parametrize("command", ["layers", "plot"])
def test_the_full_help_ends_the_command_and_the_short_one_names_defaults(command):
    full, brief = (CliRunner().invoke(main, [command, way]) for way in ("--help-all", "--help"))
    assert (full.exit_code, brief.exit_code) == (0, 0)
    assert "Limits and hints, which few files need" in full.stdout
    assert "--help-all` explains them" in brief.stdout
    assert len(full.stdout) > 2 * len(brief.stdout)


@pytest.mark.cases("all")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_whose_results_are_files_goes_on_where_nobody_reads(command, monkeypatch):
    from filtviz.cli import helping

    going_on = []
    monkeypatch.setattr(helping, "go_on_unread", lambda: going_on.append(command))
    group = main.make_context("filtviz", [command])
    own = main.get_command(group, command)
    quiet = next(one for one in own.params if "--quiet" in one.opts)
    with click.Context(own, info_name=command) as context:
        quiet.callback(context, quiet, True)
        assert context.meta[console.QUIET] is True
    assert bool(going_on) == (command in {"compare", "convert", "export", "report"})


@pytest.mark.cases("all")
@pytest.mark.parametrize(("line", "goes_on"), [("", True), ("--terminal", False), ("--terminal -o x", True)])
def test_a_plot_goes_on_unless_it_is_shown_in_the_terminal_alone(line, goes_on, monkeypatch):
    from filtviz.cli import plot

    going_on = []
    monkeypatch.setattr(plot, "go_on_unread", lambda: going_on.append(line))
    CliRunner().invoke(main, ["plot", "gone.pkl", *line.split()])
    assert bool(going_on) == goes_on


@pytest.mark.cases("all")
@pytest.mark.parametrize("whole", [True, False])
def test_layers_of_the_file_on_the_line_are_offered(whole):
    """Convolutions for what draws filters, all layers for what shows answers; nothing that a shell obeys."""
    from filtviz.cli import shared_options

    names = ["conv1", "conv2", "a b", "$(rm)"]
    network = Network.of(
        [image(1), *(conv(np.ones((1, 1, 3, 3)), below=i, name=n) for i, n in enumerate(names))]
    )
    network = Network.of([*network.layers, Layer(type="DenseLayer", name="dense", inputs=(4,))])
    complete = shared_options.complete_any_layer if whole else shared_options._complete_layers
    for params, args in (({"model": "m"}, []), ({"models": ("gone", "m")}, []), ({}, ["m"])):
        with pytest.MonkeyPatch.context() as inside:
            inside.setattr("filtviz.reading.load", loads(network))
            with click.Context(click.Command("x")) as context:
                context.params, context.args = params, args
                found = {begin: complete(context, None, begin) for begin in ("", "conv", "x")}
        assert found == {
            "": ["conv1", "conv2", *(["dense"] if whole else [])],
            "conv": ["conv1", "conv2"],
            "x": [],
        }


def loads(network):
    def load(path):
        if path != "m":
            raise FileAccessError("there is no such file")
        return network

    return load


@pytest.mark.cases("all")
@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_a_short_option_asks_for_help_too(command):
    line = [] if command is None else [command]
    short, long = (CliRunner().invoke(main, [*line, option]) for option in ("-h", "--help"))
    assert (short.exit_code, short.stdout) == (0, long.stdout)
