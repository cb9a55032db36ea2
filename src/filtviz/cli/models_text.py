"""Diagnoses of several models for a person at a terminal: in what they differ, then a table."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Sequence
from pathlib import Path

from filtviz.cli.console import GUTTER, column_widths, fit, format_columns
from filtviz.measures.conclusions import difference, names_of, noise_of, runs_of
from filtviz.measures.measure import Diagnosis, LayerDiagnosis
from filtviz.measures.verdicts import VERDICTS
from filtviz.naming import telling_names
from filtviz.paper import Paper, window_width
from filtviz.text import every, plural, printable

__all__ = ["describe_models"]

_PATH, _LEAST, _SHORTEST = 40, 30, 16
"""Characters of a model's path in a table, of what is said of it, and of the path in a narrow window."""

_LABEL = 24
"""Characters of a model's name above a column."""

_MOST_LAYERS = 24
"""Rows of a table of layers; of more, those of one verdict share a line."""


def describe_models(diagnoses: Sequence[Diagnosis], moved: str = "") -> str:
    """Return in what several models differ, a table of their verdicts, and how to go on.

    Args:
        diagnoses: Of the models, in the order in which they are shown.
        moved: What is said of how they follow one another; empty for nothing.
    """
    if not diagnoses:
        return ""
    paper = Paper.of_window(fit)
    names = [
        printable(each, 60) for each in telling_names([Path(each.file or "network") for each in diagnoses])
    ]
    parts = [paper.wrapped(difference(list(zip(names, diagnoses, strict=True)))), moved]
    lines = _by_layer(names, diagnoses) or _by_model(diagnoses)
    parts += ["\n".join(lines) + "\n", paper.wrapped(_legend(diagnoses)), _go_on(diagnoses, paper)]
    return "\n".join(filter(None, parts))


def _by_layer(names: Sequence[str], diagnoses: Sequence[Diagnosis]) -> list[str]:
    """Return a table of layers by models; nothing where these are of different layers, or it is too wide."""
    layers = {tuple((each.conv_index, each.name, each.shape) for each in own.layers) for own in diagnoses}
    if len(layers) != 1 or any(own.unjudged for own in diagnoses) or not diagnoses[0].layers:
        return []
    headers = ["layer", "filters", *(_end(name, _LABEL) for name in _without_suffix(names))]
    rows = [
        [_end(printable(own[0].name, 200), _LABEL), "x".join(map(str, own[0].shape)), *map(_cell, own)]
        for own in zip(*(each.layers for each in diagnoses), strict=True)
    ]
    width = sum(column_widths(rows, headers)) + len(GUTTER) * (len(headers) - 1)
    if width > window_width() or len(rows) > _MOST_LAYERS:
        return []
    return format_columns(rows, headers, [False] * len(headers))


def _without_suffix(names: Sequence[str]) -> Sequence[str]:
    """Return names without the suffix that all have."""
    suffixes = {Path(name).suffix for name in names}
    return names if len(suffixes) > 1 else [name.removesuffix(*suffixes) for name in names]


def _by_model(diagnoses: Sequence[Diagnosis]) -> list[str]:
    """Return a table with a model in each row, the layers of one verdict together."""
    longest = max(_SHORTEST, min(_PATH, window_width() - _LEAST - len(GUTTER)))
    paths = [_end(printable(each.file or "the network", 400), longest) for each in diagnoses]
    left = window_width() - max(map(len, ["model", *paths])) - len(GUTTER)
    rows: list[list[str]] = []
    for path, diagnosis in zip(paths, diagnoses, strict=True):
        lines = textwrap.wrap(_said(diagnosis), left, break_long_words=False, break_on_hyphens=False)
        rows += [[path if place == 0 else "", line] for place, line in enumerate(lines)]
    return format_columns(rows, ["model", "verdicts"], [False, False])


def _said(diagnosis: Diagnosis) -> str:
    """Say the verdicts of a model's layers, and how much in them is noise."""
    told = [_run_said(run, diagnosis.layers) for run in runs_of(diagnosis)]
    too_much = sum(each.left_out for each in diagnosis.unjudged)
    others = len(diagnosis.unjudged) - too_much
    told += [f"{plural(others, 'layer')} not judged"] if others else []
    told += [f"{plural(too_much, 'layer')} not measured (--max-work)"] if too_much else []
    return "; ".join(told) or "no filters to judge"


def _run_said(run: Sequence[LayerDiagnosis], layers: Sequence[LayerDiagnosis]) -> str:
    who = every(len(layers), "layer") if len(run) == len(layers) > 1 else names_of(run, layers)
    return f"{who} {VERDICTS[run[0].verdict].word} {noise_of(_noisy(run))}".rstrip()


def _cell(layer: LayerDiagnosis) -> str:
    word = VERDICTS[layer.verdict].word
    return f"{word} {noise_of(_noisy([layer]))}".rstrip()


def _noisy(layers: Sequence[LayerDiagnosis]) -> list[LayerDiagnosis]:
    """Return the layers of which it is told how much is noise, and that is not all of it."""
    return [each for each in layers if each.noise is not None and each.verdict != "initial"]


def _legend(diagnoses: Sequence[Diagnosis]) -> str:
    """Say what the percentages are."""
    layers = [layer for each in diagnoses for layer in each.layers]
    if not _noisy(layers):
        return ""
    if any(change.cos2 is not None for each in layers for change in each.changes):
        return "A percentage is how much of what a picture shows was there in the earlier file already."
    return (
        "A percentage is how much of what a picture shows still is the initial noise, where that can be told."
    )


def _go_on(diagnoses: Sequence[Diagnosis], paper: Paper) -> str:
    """Offer one by itself: the last of which there is something to look at."""
    shown = [each for each in diagnoses if each.file and each.look]
    if not shown:
        return ""
    command = f"filtviz diagnose {shlex.quote(printable(shown[-1].file, 1000))}"
    says = "By itself each model gets its answer, and the picture that shows most:"
    return f"{paper.wrapped(says)}  {command}\n"


def _end(text: str, limit: int) -> str:
    """Return the end of a long name or path, which is what tells it from others."""
    return text if len(text) <= limit else f"…{text[1 - limit :]}"
