"""Each command is one call of the function of its name, which has the command's options by their names."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest

import filtviz
from filtviz.batch import ExportOptions
from filtviz.cli import COMMANDS, main

from .any_command import commands

PUBLIC = {name for name in filtviz.__all__ if inspect.isfunction(getattr(filtviz, name))}
NAMES = [name for name in COMMANDS if name != "explain"]
"""`explain` prints the texts of `filtviz.measures`, and asks no model."""

BUNDLES: Mapping[str, tuple[type, ...]] = {
    "hints": (filtviz.Hints,),
    "preparation": (filtviz.Preparation,),
    "drawing": (filtviz.DrawingOptions, filtviz.SheetOptions),
}
"""Parameter → what it holds, each field of which is an option."""

OPTIONS: Mapping[str, type] = {"export": ExportOptions, "report": filtviz.ReportOptions}
"""Of functions whose own options are one object."""

PRINTING = frozenset({
    "all", "check", "csv", "details", "filters", "help", "help_all", "json", "open", "quiet", "show",
    "strict", "terminal", "verbose",
})  # fmt: skip
"""Options of what is printed and shown of a result."""

OTHERWISE: Mapping[str, str] = {
    "layers architecture_template": "it is `filtviz.architecture_template`",
    "survey cluster": "a client of Dask's",
}
"""Options that are no parameter of the function, and what they are."""

READING = ("like", "architecture")
"""What `filtviz.load` takes besides, in a `filtviz.Hints` where other functions read."""


def parameters(name: str) -> Iterator[str]:
    """Yield what a command's function can be told, with the fields of what holds several."""
    function = getattr(filtviz, name)
    for parameter in inspect.signature(function).parameters:
        yield parameter
        for bundle in BUNDLES.get(parameter, ()):
            yield from (field.name for field in fields(bundle))
    if name in OPTIONS:
        for field in fields(OPTIONS[name]):  # type: ignore[arg-type]
            yield field.name
            for bundle in BUNDLES.get(field.name, ()):
                yield from (each.name for each in fields(bundle))


def words_of(option: click.Parameter) -> tuple[str, ...]:
    """Return the names by which an option may be a parameter: its own, and of one that is many the plural."""
    own = max(option.opts, key=len).lstrip("-").replace("-", "_").removeprefix("no_")
    return (own, f"{own}s") if option.multiple else (own,)


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", NAMES)
def test_every_option_is_a_parameter_of_the_same_name(name: str) -> None:
    (command,) = (each for own, each in commands() if own == name)
    takes = {*parameters(name), *READING}
    odd = [
        words_of(option)[0]
        for option in command.params
        if isinstance(option, click.Option)
        and not set(words_of(option)) & (takes | PRINTING)
        and not option.opts[0].startswith("--max-")  # fields of `filtviz.Budget` and `filtviz.Limits`
        and f"{name} {words_of(option)[0]}" not in OTHERWISE
    ]
    assert odd == []


def called_by(name: str) -> set[str]:
    """Return the public functions that a command's module imports."""
    module = import_module(COMMANDS[name])
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    return {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and re.match(r"filtviz\.(?!cli)", node.module)
        for alias in node.names
        if alias.name in PUBLIC
    }


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", NAMES)
def test_a_command_calls_the_function_of_its_name_and_no_other(name: str) -> None:
    besides: dict[str, set[str]] = {"layers": {"architecture_template"}}
    assert called_by(name) - besides.get(name, set()) == {name}


def test_there_is_a_function_for_every_command() -> None:
    assert set(NAMES) <= PUBLIC
    assert set(main.list_commands(click.Context(main))) == {*NAMES, "explain"}


def test_an_option_of_another_name_is_seen() -> None:
    def option(*names: str, **how: Any) -> tuple[str, ...]:
        return words_of(click.Option([*names], **how))

    assert option("-l", "--layer", "layers", multiple=True) == ("layer", "layers")
    assert option("--no-clobber", is_flag=True) == ("clobber",)
    assert not set(option("--format", "suffix")) & {"suffix"}
