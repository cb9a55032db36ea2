"""Every option of every command reaches the function that the command calls, with what a person has said.

What is called is noted and not run: an option that is parsed and not passed on leaves the call as it is
without the option, whatever the models hold.
"""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import click
import pytest
from click.testing import CliRunner
from tests import telling

from filtviz import reading
from filtviz.budget import Budget
from filtviz.cli import main
from filtviz.reading import Limits

from .any_command import CASES, commands, fill, words

CALLS: Mapping[str, str] = {
    "plot": "filtviz.api.plot",
    "diagnose": "filtviz.api.diagnose",
    "compare": "filtviz.comparing.compare",
    "export": "filtviz.batch.export",
    "survey": "filtviz.surveying.survey",
    "report": "filtviz.reporting.report",
    "convert": "filtviz.converting.convert",
    "layers": "filtviz.api.layers",
    "graph": "filtviz.api.graph",
    "predict": "filtviz.demonstrations.predict",
    "activity": "filtviz.demonstrations.activity",
    "patches": "filtviz.demonstrations.patches",
    "occlusion": "filtviz.demonstrations.occlusion",
    "saliency": "filtviz.demonstrations.saliency",
    "maximise": "filtviz.demonstrations.maximise",
    "codes": "filtviz.demonstrations.codes",
    "loss": "filtviz.demonstrations.loss",
}
"""Command → what it calls; `explain` calls nothing."""

SAYING = frozenset({
    "--all", "--architecture-template", "--check", "--csv", "--details", "--filters", "--help", "--help-all",
    "--json", "--open", "--quiet", "--strict", "--verbose",
})  # fmt: skip
"""Options of what is printed, which the function that finds it need not know."""

PRINTING = frozenset({"--architecture-template", "--help", "--help-all"})
"""Those that call something else, or nothing."""

USUAL: Mapping[str, tuple[str, ...]] = {
    "diagnose": ("--images", "seen"),
    "report": ("--images", "seen"),
    "convert": ("out/x.npz",),
    "compare": (),
    "export": ("-o", "out/p"),
    "survey": ("-o", "out/s"),
}
"""What stands on each line, so that an option beside it has a meaning."""

BESIDE: Mapping[str, str] = {"plot --assume-stacked": "--through", "plot --images": "--through"}
"""What an option is refused without."""

VALUES: Mapping[str, str] = {
    "--animate": "out/x.gif", "--architecture": "net.toml", "--axes": "hwio", "--before": "before.pkl",
    "--channels": "0", "--cluster": "tcp://host:8786", "--cmap": "viridis", "--convs": "1,2",
    "--device": "cuda", "--figsize": "3 4", "--images": "seen/a.png", "--input-range": "0.25 0.75",
    "--jobs": "7", "--labels": "right.txt", "--layer": "two", "--like": "like.pkl", "--mean": "0.25",
    "--module": "out/x.py", "--output": "out/there/", "--scale": "2", "--size": "5x7", "--top": "3",
    "--unit": "3", "--weights": "ema",
}  # fmt: skip
"""What is said of options of which the type tells nothing."""


AGAIN: Mapping[str, str] = {"--axes": "1=oihw", "--before": "like.pkl", "--images": "seen/b.png"}
"""What an option that may be repeated is given the second time."""


HINTS = frozenset({"--architecture", "--axes", "--convs", "--like"})
"""What every command passes on beside ``--weights``, as one; two commands are enough."""


class Called(Exception):
    """The function was called."""


def call_of(name: str, *more: str) -> dict[str, str]:
    """Return with what a command calls its function, and what was read before."""
    home, _, function = CALLS[name].rpartition(".")
    module = import_module(home)
    called = getattr(module, function)
    signature = inspect.signature(called)
    told: dict[str, str] = {}

    def note(*args: Any, **given: Any) -> Any:
        bound = signature.bind(*args, **given)
        bound.apply_defaults()
        told.update({key: _short(repr(value)) for key, value in bound.arguments.items()})
        told["read"] = _short(repr(read))
        raise Called

    read: list[Any] = []
    really = reading.load

    def load(path: Any, **given: Any) -> Any:
        read.append((path, given))
        return really(path)

    with patch.object(module, function, note), patch("filtviz.reading.load", load):
        usual = words(name)
        if name in ("export", "survey"):
            usual = [word for word in usual if word not in ("--jobs", "1", "--force")]
        line = [*usual, *USUAL.get(name, ()), *more]
        result = CliRunner().invoke(main, line)
    assert isinstance(result.exception, Called), (line, result.output, result.exception)
    return told


def _short(text: str) -> str:
    """A value, but for where functions are, and limits that are as usual."""
    usual = {repr(Limits()): "Limits()", repr(Budget()): "Budget()"}
    for whole, name in usual.items():
        text = text.replace(whole, name)
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def lines_of(name: str) -> Iterator[str]:
    """Yield what a command calls that is told nothing more than it needs, and what each option changes."""
    (command,) = (each for own, each in commands() if own == name)
    options = [one for one in command.params if isinstance(one, click.Option)]
    limits = [one for one in options if one.opts[0].startswith("--max-")]
    usual = {"": call_of(name)}
    yield f"{name}: {usual['']}"
    for option in options:
        own = max(option.opts, key=len)
        if own in PRINTING or (option in limits and option not in (limits[0], limits[-1])):
            continue
        if own in HINTS and name not in ("plot", "survey"):
            continue
        beside = BESIDE.get(f"{name} {own}", "")
        if beside not in usual:
            usual[beside] = call_of(name, beside)
        once = call_of(name, *beside.split(), *said(option))
        yield f"{name} {beside} {' '.join(said(option))}: {_changed(usual[beside], once)}"
        if option.multiple and own not in SAYING:
            twice = call_of(name, *beside.split(), *said(option), *again(option))
            yield f"{name} {beside} {' '.join([*said(option), *again(option)])}: {_changed(once, twice)}"


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> Mapping[str, str] | str:
    """Return the arguments that are others."""
    return {key: value for key, value in after.items() if value != before.get(key)} or NOTHING


NOTHING = "nothing"


def usual_calls(folder: Path) -> Iterator[str]:
    """Yield what ``tests/told/calls.txt`` holds, in a folder that is filled."""
    with contextlib.chdir(folder):
        for name in CALLS:
            yield from lines_of(name)


def said(option: click.Option) -> list[str]:
    """Return the words that set an option to something that it is not without them."""
    name = max(option.opts, key=len)
    if option.is_flag:
        return [max(option.secondary_opts, key=len) if option.default is True else name]
    if isinstance(option.type, click.Choice):
        return [name, next(str(each) for each in reversed(option.type.choices) if each != option.default)]
    if name in VALUES:
        return [name, *VALUES[name].split()]
    if isinstance(option.type, click.types.IntParamType | click.types.FloatParamType):
        return [name, str((option.default if isinstance(option.default, int | float) else 1) + 1)]
    raise AssertionError(f"say in VALUES what {name} may be, or in SAYING that it is about what is printed")


def again(option: click.Option) -> list[str]:
    """Return the words that say something else of an option that may be repeated."""
    name = max(option.opts, key=len)
    return [name, AGAIN.get(name, "0")]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("filled")
    fill(folder)
    return folder


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", CALLS)
def test_what_is_said_reaches_what_a_command_calls(name, filled):
    wanted = (telling.GOLDEN / "calls.txt").read_text(encoding="utf-8").splitlines()
    with contextlib.chdir(filled):
        found = list(lines_of(name))
    unheard = [line.removesuffix(f": {NOTHING}").split() for line in found if line.endswith(f": {NOTHING}")]
    assert {next(word for word in line if word.startswith("--")) for line in unheard} <= SAYING
    assert found == [line for line in wanted if line.startswith((f"{name}:", f"{name} "))]


def test_every_command_calls_something_that_is_looked_at():
    assert set(CALLS) == set(CASES) - {"explain"}
