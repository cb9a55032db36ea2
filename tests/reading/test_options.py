"""The options of reading: each limit has one, and they reach `load` as its keywords."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from filtviz import ArgumentError
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


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("given", "says"),
    [({}, False), ({"convs": ["0"]}, True), ({"axes": {"": "oihw"}}, True), ({"weights": "ema"}, False)],
)
def test_a_hint_of_arrays_is_known_for_one(given, says):
    assert Hints(**given).says_something is says


def test_axes_of_an_array_go_before_those_of_all_and_letters_may_be_large():
    hints = Hints(axes={"": "OIHW", "a": "HWIO"}, convs="conv1")
    assert (hints.axes_for("a"), hints.axes_for("0", "a"), hints.axes_for("b")) == ("rcio", "rcio", "oirc")
    assert (Hints().axes_for("a"), hints.convs) == (None, ("conv1",))
    for wrong in ("oi", "ihw", "oohw", "oixz", ""):
        with pytest.raises(ArgumentError, match="no order of axes"):
            Hints(axes={"a": wrong})


def test_weights_that_are_not_there_are_told_from_a_file_of_one_set():
    hints = Hints(weights="swa")
    assert "(there are: ema and model)" in str(hints.no_such_weights(["ema", "model", "ema"]))
    assert "(there are: ema)" in str(hints.no_such_weights(["ema"]))
    assert "holds one set of them" in str(hints.no_such_weights([]))
