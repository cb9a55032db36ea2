"""How commands word what was found, one fact varied at a time, in pipes and in windows, as lines of text.

``python -m tests.telling`` writes ``tests/told/wording.txt`` anew.
"""

from __future__ import annotations

import io
import itertools
import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import click
import numpy as np
from tests.building import conv, image
from tests.cli.screens_told import at_width, layer_of, model_of, whole

import filtviz
from filtviz.cli import console, diagnose, diagnosis_text, explain, main, models_text, shared_options
from filtviz.errors import FiltvizError
from filtviz.measures.measure import Change, FilterDiagnosis, Finding
from filtviz.measures.table import MEASURES
from filtviz.network import ConvLayer, Layer, Network
from filtviz.responses.examining import Examination, LayerResponse
from filtviz.results import ComparisonResult, Diagnoses, FileFailure, LayerFailure

__all__ = ["PARTS", "all_lines"]

KEYS = list(MEASURES)


def facts() -> Iterator[str]:
    """Yield what is said of findings, changes and filters."""
    below = next(key for key in KEYS if MEASURES[key].counts_below)
    above = next(key for key in KEYS if not MEASURES[key].counts_below)
    for key, level, threshold in itertools.product((below, above), (None, 0.0, 0.05), (None, 0.0, 1234.5)):
        found = Finding(measure=key, value=1.0, text="", level=level, threshold=threshold)
        yield f"{key} {level} {threshold}: {diagnosis_text._limit(found)!r}"
    usual: dict[str, Any] = {"index": 0, "norm": 1.0}
    for given in (
        {}, {"angle": 0.4}, {"coherence": 0.5}, {"angle": 0.4, "coherence": 0.0},
        {"angle": 179.6, "coherence": 1.0},
        {"composed_texture": "smooth"}, {"composed_texture": "rough"}, {"composed_texture": "odd"},
        {"concentrated": True}, {"composed_texture": "rough", "concentrated": True},
        {"classical": "Sobel x", "classical_channel": 2, "likeness": -0.915}, {"classical": "box"},
        {"nonfinite": True}, {"dead": True}, {"decayed": True}, {"muted": True}, {"ignored": True},
        {"fires": 0.0},
        {"fires": 0.1}, {"saturated": 0.95}, {"saturated": 0.951}, {"duplicates": (1, 2, 3, 4)},
        {"duplicates": (1, 2, 3, 4, 5, 6)}, {"dead": True, "muted": True, "duplicates": (9,)},
    ):  # fmt: skip
        each = FilterDiagnosis(**(usual | given))
        told = [
            getattr(diagnosis_text, f"_{name}")(each)
            for name in ("direction", "through", "nearest", "remarks")
        ]
        yield f"{given}: {told}"
    usual = {"before": "a/m.pkl", "cos2": 0.5, "relative_change": 2.0, "share": 0.25, "share_p": 0.01}
    layer = layer_of(random.Random(0), 0)
    for changes in (
        [{}], [{"cos2": None}], [{"cos2": None, "reason": "of another shape"}], [{"significant": 0.0}],
        [{"significant": 0.055}, {"before": "a/n.pkl"}], [{}, {"before": "b/m.pkl"}], [{"before": "x" * 81}],
        [{"before": "x" * 80, "share": None, "share_p": None}],
    ):  # fmt: skip
        own = tuple(Change(**(usual | each)) for each in changes)
        with at_width(100):
            yield f"changes {changes}: {diagnosis_text._short_names(own)}"
            yield from whole(diagnosis_text._changes(replace(layer, changes=own)))


def tables() -> Iterator[str]:
    """Yield the tables of measures, of responses and of filters, in windows where they change."""
    some = [key for key in KEYS if not MEASURES[key].shown_only][:4]
    alone = [key for key in KEYS if MEASURES[key].shown_only][:2]
    findings = [
        Finding(measure=key, value=10.0**n, text=f"text {n} " * n, p=(None, 0.5, 1e-9, 0.0)[n],
                found=n % 2 == 1,
                level=(None, 0.05)[n % 2], threshold=(None, None, 0.5, 7.0)[n])
        for n, key in enumerate(some)
    ] + [Finding(measure=key, value=0.25, text="so") for key in alone]  # fmt: skip
    for width in (60, 80, 98, 99, 100, 101, 102, 120):
        with at_width(width):
            yield f"measures at {width}:"
            yield from whole(diagnosis_text._measures(findings) if width in (60, 80, 120) else "")
            told = diagnosis_text._measures(findings)
            yield f"  {len(told.splitlines())} lines up to {max(map(len, told.splitlines()))}"
    with at_width(80):
        for own in (findings, findings[:4], findings[4:5], []):
            yield f"beside: {diagnosis_text._shown_only(own)!r}"
        yield from whole(diagnosis_text._nulls_in_words([replace(layer_of_one(), findings=tuple(findings))]))
        yield f"no nulls: {diagnosis_text._nulls_in_words([layer_of_one()])!r}"
        measured = replace(model_of(21, 1), layers=(replace(layer_of_one(), findings=tuple(findings)),))
        for details in (False, True):
            told = diagnosis_text.evidence_of(measured, details=details, with_filters=False)
            yield f"evidence, details {details}: {told.splitlines()[1:]!a}"
        for how in (
            {}, {"layers": ()}, {"before": "runs/start.pkl"}, {"before": "runs/start.pkl", "labelled": 3},
            {"n_images": 1}, {"silent": (), "saturated": ()}, {"silent": tuple(range(13))},
            {"from_start": 0.5, "by_chance": 0.004, "right_with_start": 1.0}, {"fires": (), "at_end": None},
        ):  # fmt: skip
            yield f"responses of {how}:"
            yield from whole(diagnosis_text._responses(examined(**how)))
        for details, with_filters in itertools.product((False, True), repeat=2):
            text = diagnosis_text.describe_each(
                [model_of(21, 2), model_of(22, 1, file=None)], details=details, with_filters=with_filters
            )
            told = [
                line
                for line in text.splitlines()
                if "─" in line or line.startswith(("filter", "Input", "Note"))
            ]
            yield f"each, details {details}, filters {with_filters}: {len(text.splitlines())} {told!a}"
        shown = [
            model_of(seed, 1, shown=examined(answer="It is so.") if seed != 31 else None)
            for seed in (30, 31, 32)
        ]
        yield f"shown of several: {diagnosis_text.shown_of(shown)!a}"


def layer_of_one() -> Any:
    return model_of(21, 1).layers[0]


def examined(**how: Any) -> Examination:
    """What images tell of two layers."""
    usual: dict[str, Any] = {"n_images": 1234, "answer": ""}
    layer: dict[str, Any] = {
        "layer": "one\x1b" + "y" * 40, "units": 1234, "function": "relu", "fires": (0.25, 0.75),
        "silent": (1, 5),
        "saturated": None, "at_end": 0.5,
    }  # fmt: skip
    names = set(LayerResponse.__dataclass_fields__)
    layers = tuple(
        LayerResponse(**{**layer, **{name: value for name, value in how.items() if name in names}, **more})
        for more in ({"index": 1, "conv_index": 0}, {"index": 2, "conv_index": None, "layer": "dense"})
    )
    rest = {name: value for name, value in how.items() if name not in names}
    return Examination(**{**usual, "layers": layers, **rest})


class Window(io.StringIO):
    """A terminal."""

    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


@contextmanager
def printing(columns: int | None) -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """Where commands print: a window so wide, or pipes."""
    streams = (io.StringIO(), io.StringIO()) if columns is None else (Window(), Window())
    size = {"COLUMNS": str(columns or 80), "LINES": "30", "TERM": "dumb"}
    with patch.multiple(sys, stdout=streams[0], stderr=streams[1]), patch.dict(os.environ, size):
        yield streams


def run(line: list[str], columns: int | None) -> str:
    """What a command prints, and what it says beside that."""
    with printing(columns) as (out, err):
        try:
            main.main(line, "filtviz")
        except SystemExit as end:
            status = end.code
    return f"{status} {out.getvalue()!a} {err.getvalue()!a}"


def windows() -> Iterator[str]:
    """Yield what comparisons, diagnoses and explanations print into pipes and into windows."""
    changed = SimpleNamespace(
        label="conv1", sentence="it has changed by so much, " * 4, total_change=0.5, total_cosine=0.5,
        relative_change=np.array([0.5]), cosine=np.array([0.5]),
    )  # fmt: skip
    files = (SimpleNamespace(path=Path("conv1.png"), kept=False),)
    failure = LayerFailure(layer=3, reason="there is no layer 3", code="no-layer")
    for found in (
        {"comparisons": (changed,)}, {"comparisons": (changed, changed), "files": files, "stem": "a-b"},
        {"failures": (failure,)}, {"comparisons": (changed,), "cautions": ("take care",)},
        {"comparisons": (changed,), "stem": "other", "files": files},
    ):  # fmt: skip
        made: Any = ComparisonResult(**{"comparisons": (), **found})
        with patch("filtviz.comparing.compare", lambda *_, m=made, **__: m):
            for columns in (None, 40, 100):
                for more in ([], ["-l", "0"], ["--json"]) if columns != 100 else ([],):
                    told = run(["compare", "a.npz", "it's b.npz", *more], columns)
                    yield f"compared {sorted(found)} {more} in {columns}: {told}"
    one = model_of(3, 2, file="a.pkl")
    two = model_of(4, 2, file="b.pkl", left_out=("a measure",))
    checked = replace(one, checks={"dead": ("l\x1b" + "n" * 40, "b"), "unused": ()})
    with_images = replace(one, shown=examined(answer="So.", sentences=("pixels are from 0", "éa")))
    bad = FileFailure("bad.pkl", "bad.pkl: it is bad", "odd")
    for name, outcomes, more in (
        ("one", [one], []), ("filters", [one], ["--filters"]), ("two", [one, two], []),
        ("a bad one", [bad, one], []),
        ("bad ones", [bad], []),
        ("a long one", [replace(bad, reason="it is so, " * 30)], []),
        ("details of two", [one, two], ["--details"]),
        ("images", [with_images] * 2, []),
        ("checks", [checked], ["--check", "dead", "--check", "unused", "--check", "dead"]),
    ):  # fmt: skip
        made = Diagnoses(outcomes=tuple(outcomes), follow=lambda _: None)
        for columns in (None, 70):
            with patch("filtviz.api.diagnose", lambda *_, m=made, **__: m), printing(columns) as (out, err):
                try:
                    main.main(["diagnose", "a.npz", *more], "filtviz")
                except SystemExit as end:
                    status = end.code
            lines = out.getvalue().splitlines()
            told = f"{len(lines)} lines up to {max(map(len, lines), default=0)} {lines[:2]!a} {lines[-2:]!a}"
            yield f"diagnosed, {name} in {columns}: {status} {told} {err.getvalue()!a}"
        with printing(None) as (_, err):
            for outcome in outcomes:
                diagnose._complain_of_one(outcome)
        yield f"  complained: {err.getvalue()!a}"
    for words in ([], ["--json"], ["random"], ["random", "--json"], ["rms"], ["nothing"]):
        told = run(["explain", *words], 60)
        yield f"explained {words}: {len(told)} {told[:60]} {told[-60:]}"
    for text in ("a|b", "", "*x*"):
        yield f"escaped: {explain._escaped(text)}"


def offered() -> Iterator[str]:
    """Yield which names a shell offers."""
    layers: list[Layer] = [image(1)]
    for place, name in enumerate(("one", "two words", "", "x/y:z+1-2.w", "$(rm)", "é", "one")):
        layers.append(conv(np.ones((1, 1, 3, 3)), below=place, name=name))
    layers.append(Layer(type="DenseLayer", name="dense", inputs=(7,)))
    layers.append(Layer(type="DenseLayer", name="", inputs=(8,)))
    network = Network.of(layers)
    labels = [each.label for each in network.conv_layers]
    yield f"labels {labels} {[each.shown_name for each in network.layers]}"
    yield f"all {shared_options._all_names(network)}"

    def load(path: str) -> Network:
        if path == "bad":
            raise FiltvizError("it is bad")
        if path == "gone":
            raise OSError("it is gone")
        return network if path == "m" else Network.of([ConvLayer.of(np.ones((1, 1, 1, 1)), name=path)])

    with patch("filtviz.reading.load", load):
        for params, args in (
            ({}, []), ({"model": "m"}, []), ({"model": ""}, ["m"]), ({"models": ("bad", "m")}, []),
            ({"models": ("gone", "n")}, ["m"]), ({"models": ()}, ["bad"]),
            ({"model": "n", "models": ("m",)}, []),
        ):  # fmt: skip
            with click.Context(click.Command("x")) as context:
                context.params, context.args = params, args
                for begin in ("", "o", "z"):
                    found = [
                        complete(context, None, begin)  # type: ignore[arg-type]
                        for complete in (shared_options._complete_layers, shared_options.complete_any_layer)
                    ]
                    yield f"{params} {args} {begin!r}: {found}"
    for texts in ((), ("a,b", " c "), ("", ",")):
        yield f"listed {texts}: {shared_options._listed(texts)}"
    for text in ("oihw", "3=iorc", " a = b ", "a=b=c", "="):
        yield f"axes {text!r}: {shared_options._named_axes(text)}"


def several() -> Iterator[str]:
    """Yield what is said of several models, at the widths where it is set otherwise."""
    for names in (
        [],
        ["a.pkl"],
        ["a.pkl", "b.pkl"],
        ["a.pkl", "b.npz"],
        ["a", "b"],
        ["a.tar.gz", "b.tar.gz"],
    ):
        yield f"without {names}: {models_text._without_suffix(names)}"
    for text, most in itertools.product(("a/b/c.pkl", "x" * 30, "ab"), (2, 9, 20)):
        yield f"end of {text} {most}: {models_text._end(text, most)!a}"
    made = [model_of(seed, 2, file=f"{'runs/' * seed}net{seed}.pkl") for seed in (1, 5, 12)]
    for width in range(30, 121, 10):
        with at_width(width):
            lines = models_text._by_model(made)
        yield f"by model at {width}: {len(lines)} up to {max(map(len, lines))} {lines[2]!a}"
    with at_width(200):
        alike = replace(made[0], unjudged=())
        for own in itertools.product(((), ("a layer",)), repeat=2):
            pair = [replace(alike, unjudged=each) for each in own]
            yield f"by layer, not judged {own}: {len(models_text._by_layer(['a', 'b'], pair))}"
    with at_width(80):
        for some in (made[:1], made[:2], made):
            yield f"how to go on: {models_text._go_on(some, console_paper())!a} {models_text._legend(some)!a}"


def console_paper() -> Any:
    return filtviz.paper.Paper.of_window(console.fit)  # type: ignore[attr-defined]


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "facts": facts,
    "tables": tables,
    "windows": windows,
    "offered": offered,
    "several": several,
}


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/wording.txt`` holds."""
    for name, lines in PARTS.items():
        yield f"#### {name}"
        yield from lines()
