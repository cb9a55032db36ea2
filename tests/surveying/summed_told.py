"""What a survey makes of layers, runs and kernels that are made up, and its page, as lines of text.

``python -m tests.telling`` writes ``tests/told/summed.txt`` anew.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from filtviz import __version__
from filtviz.surveying import page, summing
from filtviz.surveying.columns import column_of_measure

__all__ = ["all_lines"]

VERDICTS = ("initial", "updated", "structured", "collapsed", "undecided", None)


def few(values: Any) -> str:
    return " ".join("-" if not np.isfinite(one) else f"{one + 0.0:.4g}" for one in np.ravel(values))


def layers_of(seed: int, n: int) -> summing._Layers:
    """Layers of which everything is drawn from a few values."""
    draw = random.Random(seed)

    def drawn(*values: float) -> np.ndarray:
        return np.array([draw.choice(values) for _ in range(n)], float)

    numbers = {name: drawn(np.nan, 0.0, 1.0, 2.0, 3.5, 9.0, np.inf) for name in summing._NUMBERS}
    numbers["depth"] = drawn(0.0, 1 / 3, 0.5, 2 / 3, 1.0)
    numbers["rows"] = drawn(1, 3, 3, 5, np.nan)
    numbers["cols"] = drawn(1, 3, 3, 5)
    numbers["filters"] = drawn(4, 8, np.nan)
    for name in summing._COUNTS:
        numbers[name] = drawn(0, 0, 1, 3, np.nan)
    most = n // draw.choice((1, 2, 3)) or 1
    texts: dict[str, list[Any]] = {
        "file": sorted(f"f{i % most:02}" for i in range(n)),
        "layer": [f"conv{i}" for i in range(n)],
        "framework": [draw.choice(("PyTorch", "Keras", "", None)) for _ in range(n)],
        "verdict": [draw.choice(VERDICTS) for _ in range(n)],
    }
    return summing._Layers(numbers=numbers, texts=texts)


def sums() -> Iterator[str]:
    """Yield what layers have in common."""
    for seed, n in enumerate((0, 1, 2, 3, 7, 20, 40)):
        layers = layers_of(seed, n)
        yield f"== {n} layers of {len(set(layers.texts['file']))} files"
        kinds = summing._kinds(layers)
        for kind, groups in kinds.items():
            yield f"  {kind}: {[(name, places.tolist()[:9], len(places)) for name, places in groups.items()]}"
            for one in summing._shares(layers, groups):
                counts = (one.layers, one.filters, one.dead, one.decayed, one.duplicate, one.nonfinite)
                yield f"    {one.name}: {counts} {sorted(one.verdicts.items())}"
        for measure in summing.MEASURED[:4]:
            told = summing._distribution(layers, kinds, measure)
            yield f"  {measure}: {None if told is None else few([told.low, told.high])}"
            for kind, groups in () if told is None else told.groups.items():
                for group in groups:
                    ends = [
                        [f"{one.file} {one.layer} {one.value:g}" for one in end]
                        for end in (group.lowest, group.highest)
                    ]
                    yield f"    {kind} {group.name} {group.n}: {few(group.quantiles)} {ends}"
        for one in summing._standouts(layers):
            yield f"  stands out: {one.file} {one.measure} {few([one.value, one.median, one.z])}"


def standouts() -> Iterator[str]:
    """Yield which models stand out, on both sides of what counts."""
    column = column_of_measure(summing.MEASURED[0])
    for values in (
        [1.0, 2, 3, 4, 5, 6, 7, 100],
        [1.0, 2, 3, 4, 5, 6, 100],
        [1.0] * 7 + [9],
        [0.0, 1, 2, 3, 4, 5, 6, 13.85],
        [0.0, 1, 2, 3, 4, 5, 6, 13.9],
        [0.0, 1, 2, 3, 4, 5, 6, np.nan, np.inf],
        [-50.0, 0, 1, 2, 3, 4, 5, 6, 50],
    ):
        layers = layers_of(0, len(values))
        for name in summing._NUMBERS:
            layers.numbers[name] = np.full(len(values), np.nan)
        layers.numbers[column] = np.array(values)
        layers.texts["file"] = [f"f{i}" for i in range(len(values))]
        found = [(one.file, few([one.value, one.median, one.z])) for one in summing._standouts(layers)]
        layers.numbers[column_of_measure(summing.MEASURED[2])] = np.arange(float(len(values))) ** 4
        more = [(one.file, one.measure, few(one.z)) for one in summing._standouts(layers)]
        yield f"{values}: {found} then {more}"
    groups = np.array([0, 0, 1, 1, 1, 3])
    yield f"medians: {few(summing._medians(np.array([1.0, 2, 5, np.nan, 3, 7]), groups, 5))}"


def histories() -> list[summing.History]:
    """Return the histories of runs of all kinds."""
    rows, names = [], []
    for run, network, epochs in (
        ("a", "n1", (1, 2, 10)),
        ("a", "n2", (1, 2)),
        ("b", "n1", (3, 1, 2, 2)),
        (None, "n1", (1, 2, 3)),
        ("c", None, (1, 2, 3)),
        ("d", "n1", (0, None, 1, 5)),
    ):
        for i, epoch in enumerate(epochs):
            file = f"{run}-{network}-{i}"
            status = "failed" if (run, i) == ("b", 9) else "read"
            rows.append({"status": status, "epoch": epoch, "run": run, "network": network, "file": file})
            names += [(file, f"conv{k}") for k in range(2 + (i % 2))]
    rows.append({"status": "bare", "epoch": 9, "run": "a", "network": "n1", "file": "a-n1-0"})
    layers = layers_of(5, len(names))
    layers.texts["file"], layers.texts["layer"] = [list(each) for each in zip(*names, strict=True)]
    layers.numbers[column_of_measure(summing.MEASURED[1])][:] = 4.0
    return summing._histories(rows, layers)


def components() -> list[summing.KernelComponents]:
    """Return the components of kernels."""
    rng = np.random.default_rng(0)
    moments = summing._Moments()
    for n in (3, 900):
        kernels = rng.normal(0, 1, (2, n, 9)) + 0.5 * np.arange(9)
        products = np.einsum("lki,lkj->lij", kernels, kernels).reshape(2, 81)
        moments.add(["structured", "initial"], np.array([n, n]), kernels.sum(axis=1), products)
    moments.add(["collapsed"], np.array([1]), np.ones((1, 9)), np.ones((1, 81)))
    moments.add(["undecided"], np.array([2]), np.zeros((1, 9)), np.zeros((1, 81)))
    return list(moments.components())


def pages() -> Iterator[str]:
    """Yield the page of what was summed up."""
    layers = layers_of(6, 40)
    kinds = summing._kinds(layers)
    runs = histories()
    for run in runs:
        yield f"run {run.run} {run.epochs} {run.files}"
        for measure, lines in run.lines.items():
            yield f"  {measure}: {[(line.layer, few(line.values)) for line in lines]}"
    parts = components()
    for one in parts:
        strongest = np.abs(one.basis[0]) * (one.shares[0] > 0)
        yield f"components of {one.name}: {one.kernels} {few(one.shares)} {few(strongest)}"
    failures = tuple(summing.FailedFile(f"bad{i}.pkl", f"bad{i}.pkl: no <model> & no net") for i in range(3))
    for n in (0, 40):
        content = summing.SurveyContent(
            statuses=Counter({"read": n, "failed": 3}),
            parameters=12345,
            layers=n,
            filters=8 * n,
            shares={kind: summing._shares(layers, groups) for kind, groups in kinds.items()} if n else {},
            distributions=tuple(
                filter(None, (summing._distribution(layers, kinds, each) for each in summing.MEASURED[:3]))
            )
            if n
            else (),
            standouts=summing._standouts(layers) if n else (),
            components=tuple(parts) if n else (),
            histories=tuple(runs) if n else (),
            n_histories=25 if n else 0,
            failures=failures,
        )
        yield f"== page of {n}"
        yield from (f"  {line}" for line in page._answer(content))
        text = re.sub(
            r"<style.*?</style>|content=\"default-src[^\"]*\"",
            "",
            page.render_survey(content),
            flags=re.DOTALL,
        )
        text = text.replace(__version__, "VERSION")
        text = re.sub(r'( fill="#[0-9a-f]{6}")', "", text)
        text = re.sub(r"-?\d+\.\d{3,}", lambda found: f"{float(found[0]):.3g}", text)
        yield from (f"  {line.strip()}" for line in text.splitlines() if line.strip())
    layers.texts["framework"] = [f"F{n}" for n in range(40)]
    many = {kind: summing._shares(layers, groups) for kind, groups in summing._kinds(layers).items()}
    yield f"of many frameworks: {[*page._answer(replace(content, shares=many))]}"
    for n, of in ((0, 5), (5, 0), (1, 101), (1, 100), (2, 3), (3, 3)):
        yield f"{n} of {of}: {page.share_of(n, of)}"


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/summed.txt`` holds."""
    for each in (sums, standouts, pages):
        yield from each()
