"""Names and sentences of commands at the lengths at which they are cut, as lines of text.

``python -m tests.telling`` writes ``tests/told/lengths.txt`` anew.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
from tests.building import conv, image
from tests.cli.screens_told import model_of
from tests.cli.wording_told import examined, run

from filtviz.batch import ModelResult
from filtviz.cli import console, diagnose, export, layers, models_text, plot, report, streams, survey
from filtviz.errors import FiltvizError, OutputError
from filtviz.network import Network, Origin
from filtviz.results import FileFailure
from filtviz.signals import Ended
from filtviz.summary import summarize
from filtviz.surveying import SurveyFailure, SurveyResult

__all__ = ["PARTS", "all_lines"]


def printed(act: Callable[[], Any]) -> str:
    """What is printed and said, with the time left out and long names short."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            act()
        except (FiltvizError, Ended, SystemExit) as error:
            err.write(f"{type(error).__name__} {error}")
    told = re.sub(r"\d{4}-\d\d-\d\dT\S+ ", "", out.getvalue() + err.getvalue())
    return re.sub(r"x{30,}", "x…x", told)


def of_files(name: str) -> dict[str, tuple[int, Callable[[], Any]]]:
    """What says the name of a file, and at which length that is cut."""
    network = Network.of([image(1, 8, 8), conv(np.ones((2, 1, 3, 3)), below=0)], Origin(path=Path(name)))
    noise = np.random.default_rng(0).normal(size=(8, 1, 5, 5))
    looks: Any = SimpleNamespace(
        layers=[SimpleNamespace(layer=Network.of([conv(noise, name="c")]).conv_layers[0], pictures=())],
        network=network,
    )
    left_out = model_of(1, 1, file=name, left_out=("a measure",))
    checked = replace(left_out, checks={"dead": ("a",)})
    failed = ModelResult(
        path=Path(name), place="m", folder=Path.cwd() / "m", status="failed", code="c", reason="it fails"
    )
    exported: Any = SimpleNamespace(
        models=(failed,),
        drawn=0,
        kept=0,
        failures=(),
        passed_over=(),
        manifest=Path("m.json"),
        complete=False,
    )
    summary = summarize(network)
    return {
        "left out": (200, lambda: diagnose._complain_of_one(left_out)),
        "checked": (200, lambda: diagnose._complain_of([checked], ["dead"])),
        "kept": (200, lambda: plot._tell(SimpleNamespace(path=Path(name), kept=True))),  # type: ignore[arg-type]
        "noise": (1000, lambda: plot._name_noise(looks, name)),
        "exported": (200, lambda: export._print_result(exported, strict=False, as_json=False)),
        "said of": (200, lambda: export._say_result(failed)),
        "origin": (200, lambda: layers._print_origin(network)),
        "no room": (200, lambda: layers._print_table(network, summary, name, whole=False)),
        "no browser": (200, lambda: report._open(Path(name))),
        "by model": (400, lambda: sys.stdout.write("|".join(models_text._by_model([left_out])))),
    }


def of_texts(text: str) -> dict[str, tuple[int, Callable[[], Any]]]:
    """What says a text of a file, and at which length that is cut."""
    names = conv(np.ones((2, 1, 3, 3)), name="c"), conv(np.ones((2, 1, 3, 3)), name=text)
    network = Network.of([image(1, 8, 8), *names])

    def told(**facts: Any) -> Callable[[], Any]:
        return lambda: layers._print_origin(Network.of([], Origin(**facts)))

    def facts(**facts: Any) -> Callable[[], Any]:
        own = Network.of([], Origin(**facts))
        return lambda: sys.stdout.write("|".join(layers._facts(own, summarize(own))))

    surveyed = SurveyResult(
        folder=Path("out"), page=Path("p"), tables={}, measured=1, kept=0, passed_over=0, layers=1, filters=1,
        failures=(SurveyFailure("a", text, "c"),),
    )  # fmt: skip
    pages: Any = SimpleNamespace(layer=SimpleNamespace(label=text, why_not_drawn=None), pictures=range(99))
    return {
        "kind": (400, told(kind=text)), "framework": (400, told(framework=text)),
        "note": (1000, told(notes=(text,))),
        "a class": (120, told(classes=(text,))), "inferred": (1000, facts(inferred=(text,))),
        "left out of it": (1000, facts(left_out=(text,))), "others": (40, lambda: plot._name_others(network)),
        "sheet": (40, lambda: plot._name_sheet(SimpleNamespace(layers=[pages]))),  # type: ignore[arg-type]
        "surveyed": (1000, lambda: survey._print_result(surveyed, as_json=False)),
        "a check": (40, lambda: diagnose._complain_of([model_of(1, 1, checks={"dead": (text,)})], ["dead"])),
        "a page's note": (1000, reported(notes=(text,))), "a page's rest": (1000, reported(left_out=(text,))),
    }  # fmt: skip


def reported(*line: str, **facts: Any) -> Callable[[], Any]:
    """Run the command of a page whose content has these facts."""
    usual = {"shown": (), "failures": (), "notes": (), "left_out": ()}
    content = SimpleNamespace(**(usual | facts))
    made = SimpleNamespace(content=content, path=Path("m-report.html"))

    def act() -> None:
        with patch("filtviz.reporting.report", lambda *_, **__: made):
            from filtviz.cli import main

            main.main(["report", "m.npz", *line], "filtviz")

    return act


def cut() -> Iterator[str]:
    """Yield what is said where names and texts just fit, and where they are cut."""
    with patch.dict(os.environ, {"COLUMNS": "80"}), patch("webbrowser.open", lambda *_: False):
        for make in (of_files, of_texts):
            for name, (most, _) in make("x").items():
                told = [printed(make("x" * n)[name][1]) for n in (most, most + 1)]
                yield f"{name} of {most}: {told[0]!a}"
                yield f"  and one more: {told[1]!a}"


def pages() -> Iterator[str]:
    """Yield what the command of a page says."""
    one, other = examined(sentences=("pixels of RGB are", "éa")), examined(sentences=("pixels are", "b"))
    shown = [(SimpleNamespace(diagnosis=SimpleNamespace(shown=each)), ()) for each in (one, other, one, None)]
    bad = FileFailure("bad.npz", "bad.npz: it is bad", "odd")
    for name, facts in {
        "shown": {"shown": shown}, "a failure": {"failures": (bad,), "notes": (bad.reason, "a note")},
        "left out": {"left_out": ("a picture", "another"), "notes": ("a note",)}, "nothing": {},
    }.items():  # fmt: skip
        for line in ([], ["-o", "m-report.html"], ["-q"]):
            yield f"page, {name} {line}: {printed(reported(*line, **facts))!a}"


class Stream(io.StringIO):
    """A stream of an encoding, to a terminal or elsewhere."""

    encoding = ""  # type: ignore[assignment]

    def __init__(self, encoding: str, *, is_terminal: bool) -> None:
        super().__init__()
        self.encoding, self.is_terminal = encoding, is_terminal  # type: ignore[misc]

    def isatty(self) -> bool:
        return self.is_terminal


def sheets() -> Iterator[str]:
    """Yield how sheets are shown on terminals of all kinds, and in pipes."""
    sheet: Any = SimpleNamespace(sheet="a sheet")
    for encoding, is_terminal, colours, graphics in itertools.product(
        ("utf-8", "ascii"), (True, False), ({}, {"COLORTERM": "truecolor"}, {"NO_COLOR": "1"}), (True, False)
    ):
        asked: list[Any] = []

        def lines(*given: Any, a: list[Any] = asked) -> Iterator[str]:
            a.append(given)
            yield "\x1b[31mred\x1b[0m"

        stream = Stream(encoding, is_terminal=is_terminal)
        size = {"COLUMNS": "50", "LINES": "20", "TERM": "xterm", **colours}

        def drawn(pages: Any, a: list[Any] = asked, g: bool = graphics) -> bool:
            a.append(len(pages))
            return g

        with (
            patch.dict(os.environ, size, clear=True), patch.object(sys, "stdout", stream),
            patch("filtviz.drawing.terminal.sheet_lines", lines),
            patch.object(console, "_print_graphics", drawn),
        ):  # fmt: skip
            console.print_sheets([sheet, sheet])
        yield f"{encoding}, terminal {is_terminal}, {colours}, {graphics}: {asked} {stream.getvalue()!a}"


def inputs() -> Iterator[str]:
    """Yield how a command ends of which stdout or stderr is a file that is given."""
    for out, err in itertools.product((None, "m.npz", "x" * 200, "x" * 201), (None, "e.npz")):
        seen: list[Any] = []

        def name_of(descriptor: int, names: Any, o: Any = out, e: Any = err, s: list[Any] = seen) -> Any:
            s.append((descriptor, sorted(names)))
            return e if descriptor == 2 else o

        with patch.object(streams, "_name_of", name_of):
            try:
                told = str(streams.refuse_inputs(["plot", "-lfile", "--like=other", "m.npz", ""]))
            except (OutputError, Ended) as end:
                told = f"{type(end).__name__} {end}"
        yield f"{out and len(out)} {err}: {re.sub('x{30,}', 'x…x', told)} {seen}"
    yield f"explained: {run(['explain', 'rms', '-q'], 60)[:90]}"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "cut": cut,
    "pages": pages,
    "sheets": sheets,
    "inputs": inputs,
}


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/lengths.txt`` holds."""
    for name, lines in PARTS.items():
        yield f"#### {name}"
        yield from lines()
