"""What a window shows: diagnoses, models side by side, tables and numbers, at the widths where it changes.

``python -m tests.telling`` writes ``tests/told/screens.txt`` anew.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import click
import numpy as np
from tests.building import conv, image, pool

import filtviz
from filtviz import Network
from filtviz.answer_text import answer_text, printed
from filtviz.cli import console, diagnosis_text, image_options, layers, models_text
from filtviz.errors import BudgetError
from filtviz.measures.measure import (
    Change,
    Diagnosis,
    FilterChange,
    FilterDiagnosis,
    LayerDiagnosis,
    Unjudged,
)
from filtviz.measures.trajectory import LayerTrajectory, Trajectory
from filtviz.network import Origin
from filtviz.paper import Paper
from filtviz.results import ComparisonResult, Diagnoses, FileFailure, GraphResult, LayersResult, PlotResult
from filtviz.summary import NOTEBOOK, PAGE, TERMINAL, Table, summarize

__all__ = ["PARTS", "all_lines"]

VERDICTS = ("initial", "updated", "structured", "collapsed", "undecided")


def filters_of(draw: random.Random, n: int) -> tuple[FilterDiagnosis, ...]:
    """Filters of which everything is drawn from a few values."""
    return tuple(
        FilterDiagnosis(
            index=i,
            norm=draw.choice((0.0, 0.01234, 999.4, 1234.5, None)),
            share=draw.choice((None, 0.5, 0.98765)),
            share_p=draw.choice((None, 0.0, 1e-51, 1e-50, 9.99e-4, 0.001, 0.5)),
            texture=draw.choice((None, "smooth", "rough")),
            composed_p=draw.choice((None, 0.04)),
            composed_texture=draw.choice((None, "smooth", "rough")),
            concentrated=draw.random() < 0.3,
            classical=draw.choice((None, "Sobel x")),
            classical_channel=draw.choice((0, 2)),
            likeness=draw.choice((0.91, -0.95)),
            coherence=draw.choice((None, 0.25)),
            angle=draw.choice((None, 0.4, 89.5, 135.0)),
            reliance=draw.choice((None, 0.02, 1000.0)),
            duplicates=draw.choice(((), (1,), (0, 1, 2, 3), (0, 1, 2, 3, 5))),
            **{name: draw.random() < 0.2 for name in ("dead", "decayed", "muted", "ignored", "nonfinite")},
            fires=draw.choice((None, 0.0, 0.004, 0.5, 0.999, 1.0)),
            saturated=draw.choice((None, 0.0, 0.95, 0.951)),
        )
        for i in range(n)
    )


def layer_of(draw: random.Random, place: int, verdict: Any = None) -> LayerDiagnosis:
    """A layer of which everything is drawn from a few values."""
    changes = tuple(
        Change(
            before=f"runs/{draw.choice('ab')}/start.pkl",
            cos2=draw.choice((None, 0.5, 0.999)),
            relative_change=draw.choice((0.01, 12.5)),
            share=draw.choice((None, 0.7)),
            share_p=draw.choice((None, 0.03)),
            significant=draw.choice((None, 0.055)),
            filters=tuple(FilterChange(index=i, cos2=0.1 * i, relative_change=0.5) for i in range(2)),
            reason=draw.choice(("", "of another shape")),
        )
        for _ in range(draw.choice((0, 0, 1, 2)))
    )
    n = draw.choice((1, 3, 5))
    return LayerDiagnosis(
        conv_index=place,
        name=draw.choice((f"conv{place}", f"stage{place}.block.deep.inside.conv{place}", f"l\x1b{place}")),
        type="Conv2d",
        shape=(n, draw.choice((1, 16)), 3, 3),
        dtype="float32",
        verdict=verdict or draw.choice(VERDICTS),
        sentence="So it is, for several reasons that go on for longer than a line of eighty characters has.",
        initialiser="unknown",
        seen=draw.choice(
            ("noise", "smooth patches in some of the filters, and in others nothing at all", "")
        ),
        why=draw.choice(("", "few weights", "odd")),
        residue=draw.choice((None, 0.004, 0.5, 0.996)),
        residue_at_least=draw.choice((None, 0.76)),
        filters=filters_of(draw, n),
        first_filters=draw.choice(((), (0,), (2, 0, 1))),
        unread_channels=draw.choice(((), (3, 4))),
        changes=changes,
        notes=draw.choice(((), ("the weights are odd", "and more"))),
    )


def model_of(seed: int, n: int, **fields: Any) -> Diagnosis:
    """A diagnosis of which everything is drawn from a few values."""
    draw = random.Random(seed)
    unjudged = tuple(
        Unjudged(conv_index=i, name=f"u{i}", type="Conv1d", reason="a curve", left_out=draw.random() < 0.5)
        for i in range(draw.choice((0, 0, 1, 3)))
    )
    made = Diagnosis(
        file=draw.choice((f"runs/{'deep/' * draw.choice((0, 3))}net{seed}.pkl", None)),
        layers=tuple(layer_of(draw, place) for place in range(n)),
        unjudged=unjudged,
        answer="These filters are what they are, and this says so at some length, for two lines.",
        summary="In short: so.",
        look=draw.choice(("", "The picture shows it:")),
        commands=draw.choice(((), ("filtviz plot net.pkl",))),
        more=draw.choice(("", "More would tell:")),
        more_command=draw.choice(("", "filtviz diagnose net.pkl --before START")),
        others=draw.choice(((), (("Or so:", "filtviz x"), ("Or:", "")))),
        notes=draw.choice(((), ("a note\u202e", "another"))),
    )
    return replace(made, **fields)


def at_width(width: int) -> Any:
    """A window of so many columns."""
    return patch.dict(os.environ, {"COLUMNS": str(width)})


def whole(text: str) -> Iterator[str]:
    """Yield a text line by line."""
    yield from (f"  |{line.rstrip()!a}" for line in text.splitlines())


def changing(act: Callable[[], str], widths: range) -> Iterator[str]:
    """Yield from which width on a text is another, and how long its lines are."""
    last = ""
    for width in widths:
        with at_width(width):
            text = act()
        if text != last:
            last = text
            lines = text.splitlines()
            longest = max(map(len, lines), default=0)
            yield f"  {width}: {len(lines)} lines up to {longest} {zlib.crc32(text.encode()):08x}"


def at_all(act: Callable[[], str], widths: range = range(40, 101)) -> str:
    """A sum of what is shown at every width."""
    total = 0
    for width in widths:
        with at_width(width):
            total = zlib.crc32(act().encode(), total)
    return f"  at all widths: {total:08x}"


def alone() -> Iterator[str]:
    """Yield diagnoses of one model."""
    for seed, n in enumerate((0, 1, 2, 5, 9, 14, 15, 30)):
        made = model_of(seed, n)
        yield f"== {n} layers"
        with at_width(80):
            yield from whole(printed(made))
            yield from changing(lambda m=made: diagnosis_text.answer_of(m), range(39, 102, 3))
    for seed, n in ((20, 1), (21, 2), (22, 3)):
        made = model_of(seed, n)
        for details in (False, True):
            for with_filters in (False, True):
                yield f"== {n} layers, details {details}, filters {with_filters}"
                with at_width(100):
                    text = diagnosis_text.describe_model(made, details=details, with_filters=with_filters)
                    yield from whole(text)

        def whole_of(m: Diagnosis = made) -> str:
            return diagnosis_text.describe_model(m, details=True, with_filters=True)

        yield from changing(whole_of, range(60, 101, 10))
    weights = np.random.default_rng(0).normal(size=(4, 3, 3, 3)).astype("f4")
    measured = filtviz.diagnose(Network.of([image(3, 8, 8), conv(weights, name="first", below=0)]))
    yield "== measured"
    with at_width(100):
        yield from whole(diagnosis_text.evidence_of(measured, details=True, with_filters=True))
    yield from changing(
        lambda: diagnosis_text.evidence_of(measured, details=True, with_filters=False), range(84, 96)
    )
    few = [model_of(seed, 1) for seed in (30, 31)]
    with at_width(70):
        yield from whole(diagnosis_text.describe_each(few, details=True, with_filters=False))
    for n in range(1, 30):
        made = model_of(40, n, look="Look:", others=(("Or so:", "filtviz x"),))
        text = answer_text(made, Paper(80), "A pointer.")
        yield f"  {n} layers: {text.count(chr(10))} lines, others {'Or so' in text}"


def together() -> Iterator[str]:
    """Yield what is said of several models."""
    for seed in range(8):
        draw = random.Random(seed)
        n_models, n = draw.choice((2, 3, 5)), draw.choice((1, 2, 4))
        models = [model_of(100 * seed + i, draw.choice((n, n, n + 1))) for i in range(n_models)]
        if seed % 2:  # of the same layers
            first = models[0].layers
            models = [
                replace(
                    each,
                    file=f"{'a/' * (seed > 4)}net{i}.{'pkl' if seed < 7 else 'pk' + 'lz'[i % 2]}",
                    unjudged=(),
                    layers=tuple(
                        replace(one, verdict=draw.choice(VERDICTS), residue=0.3 * i) for one in first
                    ),
                )
                for i, each in enumerate(models)
            ]
        yield f"== {n_models} models"
        with at_width(80):
            yield from whole(models_text.describe_models(models, "They moved.\n"))
        yield from changing(lambda m=models: models_text.describe_models(m), range(40, 101, 5))
    for n in (2, 3):
        short = [model_of(900 + i, 1 + i, file="abc"[i]) for i in range(n)]
        yield at_all(lambda m=short: models_text.describe_models(m))
        alike = [replace(each, layers=short[0].layers, unjudged=()) for each in short]
        yield at_all(lambda m=alike: models_text.describe_models(m))
    yield f"none: {models_text.describe_models([], 'x')!r}"
    states: Any = [SimpleNamespace(file=f"{name}.npz") for name in "abcde"]
    for steps in (
        [(0.0, 0.0, 0.0)], [(0.5, 0.009, 0.0)], [(0.5, 0.01, 0.0)], [(0.5, 0.5, 0.01)], [(None, None, None)],
        [(0.001, 0.002, 0.003), (0.0, 0.0, 0.0)], [(0.5, 0.5, 0.5), (0.4, 0.2, None), (0.1, 0.0, 0.0)],
        [(0.5, 0.5, None)], [],
    ):  # fmt: skip
        named = tuple(LayerTrajectory(name=f"conv{i}", steps=each) for i, each in enumerate(steps))
        for n in (3, 4, 5):
            moved = Trajectory(
                order=tuple(range(n)), ordered_by="the epoch", layers=named, apart=tuple(range(n, 5))
            )
            with at_width(100):
                told = diagnosis_text.describe_trajectory(moved, states)
            if n == 4 or steps == [(0.5, 0.5, 0.5)]:
                yield f"moved {steps}, {n} states: {' '.join(told.split())}"
    moved = Trajectory(order=(0, 1, 2), ordered_by="names", layers=())
    for n in (3, 4):
        with at_width(100):
            yield " ".join(diagnosis_text.describe_trajectory(moved, states[:n]).split())


def networks() -> Iterator[tuple[str, Network]]:
    """Yield networks of long names and many links."""

    def kernels(*shape: int) -> np.ndarray:
        return np.ones(shape, "f4")

    first = conv(kernels(4, 3, 3, 3), np.zeros(4, "f4"), name="a.long.name.of.a.layer.that.goes.on", below=0)
    second = conv(
        kernels(4, 4, 1, 5), below=1, stride=(1, 2), pad=((0, 1), (2, 2)), name="second", type="T" * 50
    )
    third = conv(kernels(5, 4, 3, 3), below=[0, 1, 2, *([2] * 12)], stride=None)
    inputs = [image(3, 12, 10), first, second, pool(2, below=2), third]
    origin = Origin(
        path=Path("m.pkl"), inferred=("it was concluded that all is so, and that what is not told is not",),
        left_out=("an optimiser",), notes=("odd",), classes=("a.B",), versions={"numpy": "1"}, protocol=2,
        python="3", container="zip", framework="F", producer="P", order="of the file",
    )  # fmt: skip
    yield "long", Network.of(inputs, origin, [{"loss": 1.0}])
    yield "small", Network.of([image(None, None, None), conv(kernels(1, 1, 3, 3), below=0)])
    yield "many", Network.of([image(1, 9, 9), *(conv(kernels(1, 1, 1, 1), below=i) for i in range(30))])


def tables() -> Iterator[str]:
    """Yield the table of layers, at widths and heights where it changes."""
    for name, network in networks():
        summary = summarize(network)
        for style in (TERMINAL, PAGE, NOTEBOOK):
            table = Table.of(summary, style)
            rows = table.rows if len(table.rows) < 9 else table.rows[:2]
            yield f"{name} in {style.place}: {table.headings} {table.numbers} {table.yields} {rows}"
        table, last = Table.of(summary, TERMINAL), ""
        for width in range(20, 200):
            found, missing = layers._fitting(table, width)
            longest = [max(map(len, column)) for column in zip(*found.rows, strict=True)]
            told = f"{missing} {longest}"
            if told != last:
                yield f"  {name} at {width}: {told}"
            last = told
        for window in ((80, None), (80, 24), (80, 12), (60, 38), (60, 37), (200, 6)):
            for is_whole in (False, True):
                said: list[str] = []
                with (
                    patch.object(layers, "window", lambda w=window: w),
                    patch.object(click, "echo", lambda text="", **_: said.append(text)),  # noqa: B023
                ):
                    layers._print_table(network, summary, "m.pkl", whole=is_whole)
                shown = [*said[:1], *said[-6:]] if len(said) > 8 else said
                yield f"{name} in a window of {window}, whole {is_whole}: {len(said)} {shown}"
        said = []
        with patch.object(click, "echo", lambda text="", **_: said.append(text)):  # noqa: B023
            layers._print_origin(network)
        yield f"{name}: {said}"
    rows = [[str(i), "x" * i] for i in range(14)]
    for lines in (None, 0, 11, 12, 13, 20, 21, 22):
        for n in (0, 1, 4, 5, 6, 13, 14):
            said = []
            with (
                patch.object(image_options, "window", lambda height=lines: (80, height)),
                patch.object(click, "echo", lambda text="", **_: said.append(text)),  # noqa: B023
            ):
                image_options._print_table(rows[:n], ["a", "b"])
            if lines in (None, 12, 13, 21):
                yield f"{n} rows in {lines} lines: {said[0].count(chr(10))} {said[1:]}"


def numbers() -> Iterator[str]:
    """Yield how numbers are written, at the ends of each way."""
    values = (None, 0.0, -0.0, 1e-60, 9.9e-51, 1e-50, 1.04e-9, 9.994e-4, 9.996e-4, 0.001, 0.0014, 0.5, 0.9996,
              999.4, 999.6, 999.99, 1000.0, -999.6, -1000.0, 12345.6, float("nan"), float("inf"))  # fmt: skip
    yield f"numbers: {[diagnosis_text._number(each) for each in values]}"
    yield f"p: {[diagnosis_text._p(each) for each in values if each is None or each >= 0]}"
    shares = (None, 0.0, 0.001, 0.0051, 0.5, 0.994, 0.996, 1.0)
    yield f"percent: {[diagnosis_text._percent(each) for each in shares]}"
    for most in (0, 1, 4):
        yield f"few of {most}: {[diagnosis_text._few(range(n), most) for n in (0, 1, 4, 5, 9)]}"
    for width in (12, 20, 79):
        with at_width(width):
            yield f"rule: {[len(diagnosis_text._rule('x' * n)) for n in (0, 1, 38, 39, 40, 90)]}"
    rows = [["a", "bb", "→"], ["ccc", "", "d"]]
    for right in ([False] * 3, [True] * 3, [False, True, False]):
        yield f"columns: {console.format_columns(rows, ['one', 'two', 'x'], right)}"
    yield f"no rows: {console.format_columns([], ['one', 'x'], [True, False])}"
    yield f"no rows: {console.column_widths([], ['one'])}"
    for environment in (
        {}, {"TERM": "xterm"}, {"TERM": "dumb"}, {"TERM": "unknown"}, {"TERM": ""},
        {"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "xterm", "NO_COLOR": ""},
        {"TERM": "xterm", "COLORTERM": "truecolor"}, {"TERM": "xterm", "COLORTERM": "24bit"},
        {"TERM": "xterm", "COLORTERM": "yes"}, {"TERM": "dumb", "COLORTERM": "truecolor"},
    ):  # fmt: skip
        depths = [console.colour_depth(environment, is_it) for is_it in (True, False)]
        yield f"colours of {environment}: {depths}"
    for columns in ("", "0", "1", "39", "9999", "10000", "-5", "x", "٣", " 80"):
        with patch.dict(os.environ, {"COLUMNS": columns}):
            yield f"COLUMNS={columns!a}: {console.window()}"
    for stem in ("", "a", "x-a", "a-b"):
        for models in (["a.pkl"], ["a.pkl", "b.pkl"]):
            said: list[str] = []
            with patch.object(console, "say", said.append):
                console.name_beside(stem, models, "these are")
            yield f"named {stem!r} of {models}: {said}"
    for failures in ((), (("c", "one"),), (("c", "one"), ("d", "two"))):
        yield f"model: {console.model_data('f', failures)} {console.model_data(None, failures, status='x')}"
    done, failed = console.model_data("a"), console.model_data("b", [("c", "d")])
    for models in ([], [done], [done, failed]):
        yield f"answer: {console.answer_data(models)} {console.answer_data(models, {'complete': 1, 'x': 2})}"
    for path in (None, "a", Path("a"), "z", "a/c"):
        error: Any = filtviz.FiltvizError("it fails")
        if path is not None:
            error.path = path
        yield f"failure of {path}: {console.failure_data(error, ['a', 'b'])}"
        yield f"failure of {path} in folders: {console.failure_data(error, ['a/a', 'a', 'a/c', 'b/c'])}"
    yield f"plain: {[console._plain(each) for each in (np.float32(0.5), np.arange(2), Path('a/b'), {1})]}"


def caught(act: Callable[[], Any]) -> str:
    """What is printed, and what is said beside it; times are left out."""
    out, beside = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(beside):
        act()
    said = re.sub(r"\d{4}-\d\d-\d\dT\S+", "NOW", beside.getvalue())
    return f"{out.getvalue()!a} | {said!a}"


@dataclass(frozen=True)
class Verified:
    """What a conversion says of what it has verified."""

    engine: str = "onnx"

    def __str__(self) -> str:
        return "the same to the last bit"


def explained() -> Iterator[str]:
    """Yield what measures and words mean, at widths where it changes."""
    from filtviz.cli import explain
    from filtviz.measures.topics import explained as found

    yield from changing(explain._list_all, range(40, 101))
    for topic in ("random", "spike", "noise", "structured", "residue", "dead"):
        try:
            about = found(topic)
        except filtviz.FiltvizError as error:
            yield f"{topic}: {error}"
            continue
        tell: Any = explain._tell_topic if isinstance(about, explain.Topic) else explain._tell
        yield topic
        yield from changing(lambda t=tell, one=about: t(one), range(40, 101, 4))


def printed_results() -> Iterator[str]:
    """Yield what commands print of results that are made up."""
    from filtviz.batch import ExportResult, ModelResult
    from filtviz.cli import convert, export, survey
    from filtviz.surveying import SurveyedModel, SurveyFailure, SurveyResult

    for as_json in (False, True):
        for verification in (None, Verified()):
            for remarks in ((), ("it is so", "éa")):
                made: Any = SimpleNamespace(remarks=remarks, verification=verification)
                made.files, made.arrays = (Path("a.onnx"), Path("b.py")), ("W",)
                told = caught(lambda m=made, j=as_json: convert._tell(m, "m.pkl", as_json=j))
                yield f"converted, {as_json}, {verification}, {len(remarks)}: {told}"
    here = Path.cwd()

    def model(status: Any, **facts: Any) -> ModelResult:
        usual = {"path": Path("z/m\x1b.pkl"), "place": "../m.pkl", "folder": here / "out" / "m"}
        return ModelResult(status=status, **(usual | facts))

    models = [
        model("drawn", drawn=1), model("drawn", drawn=1234, kept=1, notes=("odd", "and more")),
        model("kept", kept=3),
        model("failed", drawn=2, kept=2, code="c", reason="it fails"),
        model("failed", code="c", reason="z/m.pkl: it fails", names_file=True),
        model("no-filters", code="no-filters", reason="it has none"),
        model("no-filters", code="no-filters", reason="it has none", is_read=False),
    ]  # fmt: skip
    for one in models:
        told = caught(lambda o=one: export._say_result(o))
        yield f"said of {one.status} {one.drawn} {one.kept} {one.is_read}: {told}"
    others = (model("no-model", reason="text"), model("part"))
    for which in ([], models, models[:1], models[3:4], models[5:6]):
        for passed in ((), others):
            result = ExportResult(
                folder=Path("out"), manifest=Path("out/manifest.json"), models=tuple(which), pictures=(),
                passed_over=passed,
            )  # fmt: skip
            for strict, as_json in ((False, False), (True, False), (False, True)):
                told = caught(lambda r=result, s=strict, j=as_json: export._print_result(r, s, j))
                yield f"exported {len(which)}, {len(passed)}, {strict}, {as_json}: {told}"
    for counts in ((0, 0, 0, 0, 0), (1, 0, 1, 1, 1), (2, 3, 0, 1234, 56789)):
        measured, kept, passed_over, n_layers, n_filters = counts
        for failures in ((), (SurveyFailure("a", "a: it\x1b fails", "c"),)):
            found = SurveyResult(
                folder=Path("out"), page=Path("out/survey.html"), tables={"files": Path("out/f")},
                measured=measured,
                kept=kept, passed_over=passed_over, layers=n_layers, filters=n_filters, failures=failures,
                models=(SurveyedModel("a", "failed" if failures else "kept", None, None),),
            )  # fmt: skip
            for as_json in (False, True):
                told = caught(lambda r=found, j=as_json: survey._print_result(r, j))
                yield f"surveyed {counts}, {len(failures)}, {as_json}: {told}"
    rows = [["1", "a"], ["2", "b"]]
    for files in ((), (SimpleNamespace(path=Path("a.png")),)):
        for own_rows in ([], rows):
            demonstration: Any = SimpleNamespace(
                sentences=("it was shown", "Éa"), data={"x": float("nan")}, files=files, table=[["h"], [1.5]],
                picture=None, answer=("the answer",), rows=own_rows, headings=("n", "name"),
            )  # fmt: skip
            for how in ({}, {"as_csv": True}, {"terminal": True}, {"as_json": True}):
                options = {"as_json": False, **how}
                told = caught(lambda d=demonstration, o=options: image_options.print_demonstration(d, **o))
                yield f"shown {len(files)} {len(own_rows)} {how}: {told}"


def results() -> Iterator[str]:
    """Yield what results say of themselves."""
    for name, network in networks():
        graph = SimpleNamespace(boxes=range(3), links=range(1))
        picture: Any = SimpleNamespace(
            image=lambda: SimpleNamespace(save=lambda to, kind: to.write(kind.encode()))
        )
        drawn: Any = GraphResult(network=network, graph=graph, picture=picture, dot="d", mermaid="m")  # type: ignore[arg-type]
        listed = LayersResult(network=network, summary=summarize(network))
        yield f"{name}: {listed!r} {drawn!r} {drawn._repr_png_()!r}"
        layers_drawn: Any = tuple(
            SimpleNamespace(pictures=("p",) * n, cautions=(f"c{n}",) * n) for n in (0, 1, 2)
        )
        plot = PlotResult(network=network, layers=layers_drawn, options=filtviz.DrawingOptions())
        yield f"  {plot!r} {plot.pictures} {plot.cautions}"
    for n in (0, 1, 2, 3):
        compared: Any = tuple(SimpleNamespace(label=f"l{i}") for i in range(n))
        failures: Any = ("f",) * n
        yield f"{n}: {ComparisonResult(comparisons=compared, failures=failures)!r}"
    asked: list[Any] = []

    def follow(files: Any) -> Any:
        asked.append(list(files))
        if "net9.pkl" in files:
            raise _too_much()
        order = tuple(reversed(range(len(files))))
        return None if "net8.pkl" in files else Trajectory(order=order, ordered_by="names", layers=())

    failure = FileFailure("bad", "it is bad")
    for files in (
        ("a", "b"),
        ("a", "b", "c"),
        ("a", None, "b"),
        ("a", None, "b", "c"),
        ("a", "b", "net9.pkl"),
        ("a", "b", "net8.pkl"),
    ):
        outcomes = [model_of(50, 1, file=file) for file in files]
        several = Diagnoses(outcomes=(failure, *outcomes), follow=follow)
        asked.clear()
        told = (several.trajectory, several.trajectory, list(asked))
        yield f"of {files}: {told} {len(several.diagnoses)} {several.failures} {len(repr(several)) > 0}"


def _too_much() -> BudgetError:
    try:
        filtviz.Budget(work=1).account().spend("work", 10**12, "it")
    except BudgetError as error:
        return error
    raise AssertionError


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "alone": alone,
    "together": together,
    "tables": tables,
    "numbers": numbers,
    "results": results,
    "explained": explained,
    "printed": printed_results,
}


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/screens.txt`` holds."""
    for name, lines in PARTS.items():
        yield f"#### {name}"
        yield from lines()
