"""Every option of every command reaches the function that the command calls, with what a person has said.

What is called is noted and not run: an option that is parsed and not passed on leaves the call as it is
without the option, whatever the models hold.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
import pytest
from click.testing import CliRunner

from filtviz import reading
from filtviz.cli import main

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
    "--json", "--open", "--quiet", "--strict", "--terminal graph", "--verbose",
})  # fmt: skip
"""Options of what is printed, which the function that finds it need not know."""

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


class Called(Exception):
    """The function was called."""


def call_of(name: str, monkeypatch: pytest.MonkeyPatch, *more: str) -> str:
    """Return what a command calls, with all that it was given."""
    home, _, function = CALLS[name].rpartition(".")
    module = import_module(home)
    called = getattr(module, function)
    signature = inspect.signature(called)

    def note(*args: Any, **given: Any) -> Any:
        bound = signature.bind(*args, **given)
        bound.apply_defaults()
        raise Called(repr((*read, bound.arguments)))

    read: list[Any] = []
    really = reading.load

    def load(path: Any, **given: Any) -> Any:
        read.append((path, given))
        return really(path)

    with monkeypatch.context() as inside:
        inside.setattr(module, function, note)
        inside.setattr("filtviz.reading.load", load)
        line = [*words(name), *USUAL.get(name, ()), *more]
        if name in ("export", "survey"):
            line = [word for word in line if word not in ("--jobs", "1", "--force")]
        result = CliRunner().invoke(main, line)
    assert isinstance(result.exception, Called), (line, result.output, result.exception)
    return str(result.exception)


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
def test_what_is_said_reaches_what_a_command_calls(name, filled, monkeypatch):
    with monkeypatch.context() as inside:
        inside.chdir(filled)
        (command,) = (each for own, each in commands() if own == name)
        options = [one for one in command.params if isinstance(one, click.Option)]
        limits = [one for one in options if one.opts[0].startswith("--max-")]
        options = [one for one in options if one not in limits or one in (limits[0], limits[-1])]
        without = {"": call_of(name, inside)}
        unheard = []
        for option in options:
            own = max(option.opts, key=len)
            if {own, f"{own} {name}"} & SAYING:
                continue
            beside = BESIDE.get(f"{name} {own}", "")
            if beside not in without:
                without[beside] = call_of(name, inside, beside)
            once = call_of(name, inside, *beside.split(), *said(option))
            if once == without[beside]:
                unheard.append(own)
            elif (
                option.multiple
                and call_of(name, inside, *beside.split(), *said(option), *again(option)) == once
            ):
                unheard.append(f"{own} the second time")
        assert unheard == []


def test_every_command_calls_something_that_is_looked_at():
    assert set(CALLS) == set(CASES) - {"explain"}
