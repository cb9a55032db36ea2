"""What commands print of results that are made up, and which files they find, as lines of text.

``python -m tests.telling`` writes ``tests/told/results.txt`` anew.
"""

from __future__ import annotations

import itertools
import re
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import click
import numpy as np
from click.exceptions import Exit
from tests.building import conv, image
from tests.cli.screens_told import model_of
from tests.cli.wording_told import examined, run

from filtviz.batch import ExportResult, ModelResult
from filtviz.cli import console, diagnosis_text, inputs, main
from filtviz.errors import FiltvizError
from filtviz.network import Network
from filtviz.results import LayerFailure, PlotResult, PlottedLayer, WrittenFile
from filtviz.signals import Stopped
from filtviz.surveying import SurveyedModel, SurveyFailure, SurveyResult

__all__ = ["PARTS", "all_lines"]

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
FAILURES = tuple(LayerFailure(layer=f"l{n}", code=f"c{n}", reason=f"it fails {n}") for n in range(2))


def ended(name: str, made: Any, line: str) -> str:
    """What a command prints, says and ends with, of a result or an error in place of what it does."""

    def act(*_: Any, **__: Any) -> Any:
        if isinstance(made, BaseException):
            raise made
        return made

    with patch(name, act):
        return short(run(line.split(), None))


def networks() -> Iterator[tuple[str, Network]]:
    """Yield networks of some layers, of structure and of noise."""
    rng = np.random.default_rng(0)
    noise, smooth = rng.normal(size=(9, 3, 5, 5)).astype("f4"), np.ones((9, 9, 5, 5), "f4")
    for name, held in (
        ("noise", [noise]), ("noise twice", [noise, noise[:3, :, :3, :3].repeat(3, axis=1)]),
        ("structure", [smooth[:, :3]]),
        ("many", [smooth[:, :3], *[np.ones((9, 9, 1, 1), "f4")] * 20]),
        ("more", [smooth[:, :3], *[np.ones((9, 9, 1, 1), "f4")] * 21]),
    ):  # fmt: skip
        layers = [conv(each, below=n, name=f"c{n}") for n, each in enumerate(held)]
        yield name, Network.of([image(3, 32, 32), *layers])


def plotted() -> Iterator[str]:
    """Yield what is said of pictures, however many layers were drawn, and of what failed."""
    made = dict(networks())
    files = tuple(WrittenFile(Path(f"c{n}.png"), kept=n == 1) for n in range(2))

    def result(
        name: str = "structure", n: int = 1, pictures: int = 1, cautions: tuple[str, ...] = (), **facts: Any
    ) -> PlotResult:
        network = made[name]
        drawn = tuple(
            PlottedLayer(layer=layer, pictures=tuple(range(pictures)), cautions=cautions)  # type: ignore[arg-type]
            for layer in network.conv_layers[:n]
        )
        return PlotResult(**{"network": network, "options": None, "layers": drawn, **facts})

    cases: tuple[dict[str, Any], ...] = (
        {}, {"files": files}, {"files": files, "pictures": 9}, {"files": files, "pictures": 8},
        {"failures": FAILURES, "left_out": ("too much", "more"), "cautions": ("take care", "odd")},
        {"failures": FAILURES[:1], "n": 0}, {"left_out": ("too much",), "n": 0}, {"cautions": ("so",)},
        {"name": "noise", "files": files}, {"name": "noise"},
        {"name": "noise twice", "files": files, "n": 2, "pictures": 9},
        {"name": "many"}, {"name": "more"}, {"files": files, "stem": "other"}, {"files": files, "stem": "m"},
    )  # fmt: skip
    for facts in cases:
        one, is_usual = result(**facts), facts.get("name") == "noise twice"
        lines = ("", "-l 0", "--json", "-q", "--show", "--view sheet")
        for line in lines if is_usual else lines[: 1 + 2 * ("left_out" in facts)]:
            with patch("filtviz.drawing.saving.show_pictures", lambda *_, **__: click.echo("shown")):
                yield f"plotted {[*facts]} {line}: {ended('filtviz.api.plot', one, f'plot m.npz {line}')}"


def exported() -> Iterator[str]:
    """Yield what is said of exports: of models of each kind, none of them and one of them."""

    def model(status: Any, place: str, **facts: Any) -> ModelResult:
        return ModelResult(
            path=Path(place), place=place, folder=Path.cwd() / "out" / place, status=status, **facts
        )

    drawn, kept = model("drawn", "a", drawn=2, kept=1, notes=("odd",)), model("kept", "b", kept=3)
    bare = model("no-filters", "c", code="no-filters", reason="it has none")
    seen = model("no-filters", "d", code="no-filters", reason="it has none", is_read=False)
    bad = model("failed", "e", code="c", reason="it fails")
    named = model("failed", "f", code="c", reason="f: it fails", names_file=True)
    other, part = model("no-model", "g", reason="text"), model("part", "h")
    for models, others in (
        ((drawn,), ()), ((drawn, kept), (other,)), ((kept,), (other, other, part)), ((kept,), (part,)),
        ((bare,), ()), ((bare, seen, kept), ()), ((bad, named), ()), ((drawn, bad), ()), ((), (other,)),
        ((), ()),
    ):  # fmt: skip
        made = ExportResult(
            folder=Path("out"), manifest=Path("out/manifest.json"), models=models, pictures=(),
            passed_over=others,
        )  # fmt: skip
        for line in (
            ("", "--strict", "-q") if bare in models or bad in models else ("", "--json")[: 1 + (not models)]
        ):
            words = f"export x -o out {line}"
            told = ended("filtviz.batch.export", made, words)
            yield f"exported {[each.place for each in (*models, *others)]} {line}: {told}"
    for stop in (KeyboardInterrupt(), Stopped(143), FiltvizError("it is so")):
        for words in ("export x -o out", "survey x -o out", "export x -o out -q", "survey x -o out --json"):
            command = "batch.export" if words.startswith("export") else "surveying.survey"
            yield f"stopped by {stop!r}, {words}: {ended(f'filtviz.{command}', stop, words)}"


def short(text: str) -> str:
    """What a command prints, without the time; of much its beginning and a sum."""
    found = re.sub(r"\d{4}-\d\d-\d\dT\S+ ", "NOW ", text)
    return found if len(found) < 500 else f"{found[:120]} … {len(found)} {zlib.crc32(found.encode()):08x}"


def surveyed() -> Iterator[str]:
    """Yield what is said of surveys: of counts of none, one and several."""
    usual: dict[str, Any] = {
        "folder": Path("out"), "page": Path("out/survey.html"), "tables": {"files": Path("out/f")},
        "measured": 2, "kept": 1200, "passed_over": 0, "layers": 1, "filters": 3000, "failures": (),
    }  # fmt: skip
    failed = SurveyFailure("a", "a: it fails\x1b", "c")
    for facts in (
        {}, {"measured": 1, "kept": 0, "passed_over": 1}, {"measured": 0, "kept": 1, "passed_over": 5},
        {"measured": 0, "kept": 0}, {"failures": (failed, failed)},
        {"models": (SurveyedModel("a", "failed", "c", "it fails"), SurveyedModel("b", "kept", None, None)),
         "failures": (failed,)},
    ):  # fmt: skip
        made = SurveyResult(**(usual | facts))
        for line in ("", "--json", "-q"):
            told = ended("filtviz.surveying.survey", made, f"survey x -o out {line}")
            yield f"surveyed {[*facts]} {line}: {told}"


def converted() -> Iterator[str]:
    """Yield what is said of what was converted and drawn as a graph."""

    @dataclass(frozen=True)
    class Verified:
        worst: float = 0.5

        def __str__(self) -> str:
            return "it answers alike, as ONNX Runtime has it"

    for facts in (
        {}, {"remarks": ("the NPZ is one", "éa")}, {"verification": Verified()},
        {"files": (Path("a.pt"), Path("a.py"))},
    ):  # fmt: skip
        made = SimpleNamespace(
            **{"files": (Path("a.npz"),), "arrays": ("W", "b"), "remarks": (), "verification": None, **facts}
        )
        for line in ("", "--json", "-q"):
            told = ended("filtviz.converting.convert", made, f"convert m.npz a.npz {line}")
            yield f"converted {[*facts]} {line}: {told}"
    network = dict(networks())["noise twice"]
    with (
        tempfile.TemporaryDirectory() as folder,
        chdir(folder),
        patch("filtviz.reading.load", lambda *_, **__: network),
    ):
        for line in ("--json", "--terminal", "-o g.mmd", "-o g.mmd --json", "-o g.dot --terminal", "-o g.x",
                     "--json --terminal", "--whole --terminal"):  # fmt: skip
            told = short(run(["graph", "m.npz", *line.split()], None)).replace(" -h'", " --help'")
            yield f"graph {line}: {told} {sorted(path.name for path in Path(folder).iterdir())}"
            for path in Path(folder).iterdir():
                path.unlink()


def passed() -> Iterator[str]:
    """Yield what is passed on beside the calls of commands, and how stdout shows what it does not have."""

    def template(model: str, **how: Any) -> str:
        return f"{model} {sorted(how)} {how['hints']}"

    with patch("filtviz.api.architecture_template", template):
        yield f"template: {run(['layers', 'm.npz', '--architecture-template', '--weights', 'ema'], None)}"
    for encoding, errors in (("ascii", "strict"), ("ascii", "ignore"), ("cp437", None), (None, None)):
        with patch.object(sys, "stdout", SimpleNamespace(encoding=encoding, errors=errors)):
            yield f"shown in {encoding}, {errors}: {console._stdout_encoding()} {console.fit('é→日')!a}"
    for n in (60, 61):
        one = model_of(21, 1, file="x" * n, shown=examined(answer="It is so."))
        text = diagnosis_text.shown_of([one])
        yield f"shown of a name of {n}: {text.count('x')} {text.split()[-3:]}"


# ---- which files there are


def found() -> Iterator[str]:
    """Yield which files of folders, links and patterns are models, and what is said of the others."""
    with tempfile.TemporaryDirectory() as name, chdir(name):
        for place in ("zoo/a.npz", "zoo/deep/b.npz", "c.npz", "[d].npz"):
            Path(place).parent.mkdir(parents=True, exist_ok=True)
            np.savez(place, w=np.ones((2, 1, 3, 3), "f4"))
        shutil.copytree(FIXTURES / "modern" / "sharded", "zoo/parts")
        for place, content in (("zoo/t.txt", b"text"), ("zoo/cut.pkl", b"\x80\x02}q\x00(U\x01a")):
            Path(place).write_bytes(content)
        Path("texts/more").mkdir(parents=True)
        for n in range(2):
            Path(f"texts/more/{n}.txt").write_text("text")
        Path("way").symlink_to("zoo")
        Path("link.npz").symlink_to("c.npz")
        Path("texts/link.npz").symlink_to(Path("c.npz").absolute())
        shards = [f"zoo/parts/model-0000{n}-of-00002.safetensors" for n in (1, 2)]
        for given in (
            ["zoo"], ["way"], ["way", "zoo"], ["zoo/parts"], ["way/parts", *shards], [*shards, "zoo/parts"],
            [str(Path("way/parts").absolute())], ["c.npz", "link.npz", "c.npz"], ["texts", "c.npz"],
            ["texts"], ["texts", "texts/more"], ["gone"], ["zoo/t.txt"], ["*.npz"], ["zoo/**"], ["zoo/*"],
            ["g*"], ["[d].npz"], ["[c].npz"], ["zoo/**/*.npz", "c.npz"], ["x" * 199 + "*"], ["x" * 200 + "*"],
        ):  # fmt: skip
            said: list[str] = []
            with patch.object(inputs, "say", said.append):
                told = refused(partial(inputs.models_of, given, {}))
                context: Any = click.Context(main)
                one = [refused(partial(inputs.one_expanded, context, context, text)) for text in given]
            yield f"found of {given}: {told} {one} {said}".replace(name, "HERE")
        context.resilient_parsing = True
        yield f"while a shell asks: {inputs.one_expanded(context, context, '[c].npz')}"
        with patch.object(inputs, "MOST_MATCHES", 2):
            yield f"of many: {len(inputs._matches('*'))}"


def refused(act: Callable[[], Any]) -> str:
    try:
        return str(act())
    except (FiltvizError, click.UsageError) as error:
        return f"{type(error).__name__}: {error} {getattr(error, 'path', '')}"


def strict() -> Iterator[str]:
    """Yield how a command ends that is strict, whatever it ended with before."""
    bare, some = Network.of([image(3, 8, 8)]), Network.of([conv(np.ones((2, 1, 3, 3), "f4"))])
    volume = conv(np.ones((2, 1, 3, 3, 3), "f4"), axes="oidrc")
    solid, deep = Network.of([volume, conv(np.ones((2, 2, 3, 3), "f4"))]), Network.of([volume])
    held = {"bare": bare, "some": some, "solid": solid, "deep": deep, "x" * 200: bare, "x" * 201: bare}
    names = list(held)
    with patch("filtviz.reading.load", lambda path, **_: held[path]):
        for end, models in itertools.product(
            (None, Exit(0), Exit(1), Exit(3), ValueError("so")),
            ([], names[1:3], names[:2] + names[3:4], names[4:]),
        ):
            said: list[str] = []
            told = "as before"
            with patch.object(inputs, "complain", said.append):
                try:
                    with inputs._strictly(models, {}):
                        if end is not None:
                            raise end
                except (Exit, ValueError) as error:
                    told = f"{type(error).__name__} {getattr(error, 'exit_code', '')}"
            found = f"strict, {end!r} {models}: {told} {list(map(len, said))} {said}"
            yield found.replace("x" * 99, "…")


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "plotted": plotted,
    "exported": exported,
    "surveyed": surveyed,
    "converted": converted,
    "passed": passed,
    "found": found,
    "strict": strict,
}


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/results.txt`` holds."""
    for name, lines in PARTS.items():
        yield f"#### {name}"
        yield from lines()
