"""The options of reading: each limit has one, and they reach `load` as its keywords."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from filtviz.cli.shared_options import reading_options
from filtviz.reading import Hints, Limits


def run(*args: str):
    got: list[dict] = []

    @click.command()
    @reading_options
    def command(reading):
        got.append(reading)

    return CliRunner().invoke(command, args), got


def test_without_options_everything_is_as_it_is_for_load():
    result, (reading,) = run()
    assert result.exit_code == 0
    assert reading == {"limits": Limits(), "hints": Hints()}


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", Limits.described())
def test_every_limit_has_an_option(name):
    result, (reading,) = run(f"--max-{name}", "7")
    assert result.exit_code == 0
    assert reading["limits"] == Limits(**{name: 7})
    assert f"--max-{name}" in run("--help")[0].output


def test_convolutions_and_axes():
    result, (reading,) = run("--convs", "5,conv1", "--convs", "arr_2", "--axes", "iorc", "--axes", "5=oirc")
    assert result.exit_code == 0
    assert reading["hints"] == Hints(convs=("5", "conv1", "arr_2"), axes={"": "iorc", "5": "oirc"})


@pytest.mark.parametrize("args", [("--axes", "abc"), ("--max-opcodes", "0"), ("--max-memo", "x")])
def test_wrong_usage(args):
    result, got = run(*args)
    assert (result.exit_code, got) == (2, [])
