"""The tables of a survey → what its page says: shares, distributions, models that stand out, histories."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.measures.table import MEASURES
from filtviz.surveying.columns import column_of_measure
from filtviz.surveying.parquet import LENGTHS, TableStore, batches, rows_of, values_of

__all__ = [
    "MEASURED",
    "Distribution",
    "FailedFile",
    "History",
    "KernelComponents",
    "LayerGroup",
    "LayerHistory",
    "Standout",
    "SurveyContent",
    "sum_up",
]

MEASURED = (
    "residue", "low-frequency", "effective-rank", "variance-entropy", "filter-orthogonality", "sparsity",
    "kurtosis", "rms",
)  # fmt: skip
"""Measures whose distributions are shown: those that can be compared from layer to layer."""

_COUNTS = ("dead_filters", "decayed_filters", "duplicate_filters", "nonfinite_filters")

MOST_GROUPS = 12
"""Groups of a kind, the largest first; the tables have the others."""

EXTREMES = 3
"""Layers named at each end of a distribution."""

MOST_STANDOUTS, MOST_HISTORIES, MOST_LINES = 30, 20, 24

STANDS_OUT = 3.5
"""Of the modified z-score (Iglewicz & Hoaglin 1993): .6745 (x − median)/MAD. Where more than half of the
models agree, so that the MAD is 0, it is (x − median)/(1.2533 × mean absolute deviation)."""

DIGITS = 3
"""Significant ones, which the page shows: numbers that agree in them do not differ, and do not change."""

FEWEST_MODELS = 8
"""So many models it takes to say that one of them stands out."""

FEWEST_EPOCHS = 3

FEWEST_KERNELS = 1000
"""Of fewer even noise has components of very different shares."""


@dataclass(frozen=True)
class Place:
    """A layer of a file, with what it has of a measure."""

    file: str
    layer: str
    value: float


@dataclass(frozen=True)
class LayerGroup:
    """Layers that have something in common, and how a measure is distributed over them.

    ``quantiles`` are those of 5, 25, 50, 75 and 95 %; ``lowest`` and ``highest`` the layers at the ends.
    """

    name: str
    n: int
    quantiles: tuple[float, float, float, float, float]
    lowest: tuple[Place, ...]
    highest: tuple[Place, ...]


@dataclass(frozen=True)
class Distribution:
    """One measure by kernel size, depth and framework; ``low`` and ``high`` are the ends of its axis."""

    measure: str
    title: str
    meaning: str
    low: float
    high: float
    groups: Mapping[str, tuple[LayerGroup, ...]]


@dataclass(frozen=True)
class Shares:
    """How many layers of a group are untrained or collapsed, and how many filters dead or repeated."""

    name: str
    layers: int
    filters: int
    verdicts: Mapping[str, int]
    dead: int
    decayed: int
    duplicate: int
    nonfinite: int


@dataclass(frozen=True)
class Standout:
    """A model whose median of a measure lies far from that of the others, with its modified z-score."""

    file: str
    measure: str
    value: float
    median: float
    z: float


@dataclass(frozen=True)
class KernelComponents:
    """The principal components of 3x3 kernels, each kernel brought to a peak of 1, as CNN Filter DB has them.

    ``basis`` is ``(9, 3, 3)``, the strongest first, ``shares`` what part of the variance each explains.
    """

    name: str
    kernels: int
    basis: NDArray[np.float64]
    shares: NDArray[np.float64]


@dataclass(frozen=True)
class LayerHistory:
    """A layer through the epochs of a run; a value that is not known is NaN."""

    layer: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class History:
    """The states of one network in one run: for each measure a line a layer."""

    run: str
    epochs: tuple[int, ...]
    files: tuple[str, ...]
    lines: Mapping[str, tuple[LayerHistory, ...]]


@dataclass(frozen=True)
class FailedFile:
    """A file without rows of layers, and why, in a sentence that names it."""

    file: str
    reason: str


@dataclass(frozen=True)
class SurveyContent:
    """What the page says, as facts."""

    statuses: Mapping[str, int]
    parameters: int
    layers: int
    filters: int
    shares: Mapping[str, tuple[Shares, ...]]
    distributions: tuple[Distribution, ...]
    standouts: tuple[Standout, ...]
    components: tuple[KernelComponents, ...]
    histories: tuple[History, ...]
    n_histories: int
    failures: tuple[FailedFile, ...]


@dataclass
class _Layers:
    """The layers of all parts, a column each: numbers as arrays, texts by number."""

    numbers: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    texts: dict[str, list[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.texts["file"])


_NUMBERS = ("depth", "filters", "rows", "cols", *_COUNTS, *map(column_of_measure, MEASURED))
_TEXTS = ("file", "layer", "framework", "verdict")
_OF_KERNELS = ("verdict", "kernels", *LENGTHS)

_AT_ONCE = 1 << 14
"""Layers whose kernels are summed at a time."""


def sum_up(store: TableStore) -> SurveyContent:
    """Read the tables of files and layers, and sum up what they hold.

    Args:
        store: The survey.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # a stranger's numbers may be near the largest
        return _summed(store)


def _summed(store: TableStore) -> SurveyContent:
    files = [row for part in batches(store, "files", _OF_FILES) for row in rows_of(part)]
    layers, moments = _read_layers(store)
    kinds = _kinds(layers)
    histories = _histories(files, layers)
    return SurveyContent(
        statuses=Counter(row["status"] for row in files),
        parameters=sum(row["parameters"] or 0 for row in files),
        layers=len(layers),
        filters=int(np.nansum(layers.numbers["filters"])),
        shares={kind: _shares(layers, groups) for kind, groups in kinds.items()},
        distributions=tuple(filter(None, (_distribution(layers, kinds, each) for each in MEASURED))),
        standouts=_standouts(layers),
        components=tuple(each for each in moments.components() if each.kernels >= FEWEST_KERNELS),
        histories=tuple(histories[:MOST_HISTORIES]),
        n_histories=len(histories),
        failures=tuple(
            FailedFile(row["file"], row["reason"] or "") for row in files if row["status"] == "failed"
        ),
    )


_OF_FILES = ("file", "status", "reason", "run", "epoch", "network", "parameters")


class _Moments:
    """Sums up what the components of 3x3 kernels are made of: of all, and by verdict."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[int, NDArray[np.float64], NDArray[np.float64]]] = {}

    def add(
        self, verdicts: Sequence[str], n: NDArray[Any], totals: NDArray[Any], products: NDArray[Any]
    ) -> None:
        """Add layers: how many kernels each has, their sum ``(layers, 9)`` and products ``(layers, 81)``."""
        groups: dict[str, Any] = {"all layers": slice(None), **_places(verdicts)}
        for name, places in groups.items():
            own = self._sums.get(name, (0, np.zeros(9), np.zeros((9, 9))))
            total, product = totals[places].sum(axis=0), products[places].sum(axis=0).reshape(9, 9)
            self._sums[name] = (own[0] + int(n[places].sum()), own[1] + total, own[2] + product)

    def components(self) -> Iterable[KernelComponents]:
        for name, (n, total, products) in sorted(self._sums.items(), key=lambda each: -each[1][0]):
            if n < 2:
                continue
            values, vectors = np.linalg.eigh(products / n - np.outer(total / n, total / n))
            values = np.maximum(values[::-1], 0.0)
            basis = vectors[:, ::-1].T
            basis *= np.sign(basis[np.arange(9), np.abs(basis).argmax(axis=1)])[:, None]
            yield KernelComponents(name, n, basis.reshape(9, 3, 3), values / (values.sum() or 1.0))


def _read_layers(store: TableStore) -> tuple[_Layers, _Moments]:
    numbers: dict[str, list[Any]] = {name: [] for name in _NUMBERS}
    texts: dict[str, list[Any]] = {name: [] for name in _TEXTS}
    moments = _Moments()
    for part in batches(store, "layers", [*_NUMBERS, *_TEXTS, *_OF_KERNELS[1:]]):
        for name in _NUMBERS:
            numbers[name].append(part[name].to_numpy().astype(np.float64))
        for name in _TEXTS:
            texts[name] += values_of(part[name])
        for some in part.select(_OF_KERNELS).to_batches(max_chunksize=_AT_ONCE):
            known = some.filter(some["kernels"].is_valid())
            sums = [known[name].flatten().to_numpy().reshape(-1, n) for name, n in LENGTHS.items()]
            moments.add(values_of(known["verdict"]), known["kernels"].to_numpy(), *sums)
    arrays = {name: np.concatenate(parts) if parts else np.zeros(0) for name, parts in numbers.items()}
    return _Layers(numbers=arrays, texts=texts), moments


def _kinds(layers: _Layers) -> dict[str, dict[str, NDArray[np.intp]]]:
    """Return for each kind of group the groups' names and the places of their layers, the largest first."""
    rows, cols, depth = (layers.numbers[name] for name in ("rows", "cols", "depth"))
    sizes = [
        "not two-dimensional" if np.isnan(row) else f"{int(row)}x{int(col)}"
        for row, col in zip(rows, cols, strict=True)
    ]
    thirds = ["first third" if at < 1 / 3 else "last third" if at > 2 / 3 else "middle" for at in depth]
    frameworks = [name or "not told" for name in layers.texts["framework"]]
    return {
        "kernel size": _grouped(sizes, lambda each: -len(each[1])),
        "depth": _grouped(thirds, lambda each: ("first third", "middle", "last third").index(each[0])),
        "framework": _grouped(frameworks, lambda each: -len(each[1])),
    }


def _grouped(
    names: Sequence[str], order: Callable[[tuple[str, list[int]]], Any]
) -> dict[str, NDArray[np.intp]]:
    found = sorted(_places(names).items(), key=order)[:MOST_GROUPS]
    return {name: np.array(own, np.intp) for name, own in found}


def _shares(layers: _Layers, groups: Mapping[str, NDArray[np.intp]]) -> tuple[Shares, ...]:
    verdicts = np.array([each or "not judged" for each in layers.texts["verdict"]], object)
    counts = {name: layers.numbers[name] for name in _COUNTS}
    found = []
    for name, places in groups.items():
        sums = {each: int(np.nansum(own[places])) for each, own in counts.items()}
        found.append(
            Shares(
                name=name,
                layers=len(places),
                filters=int(np.nansum(layers.numbers["filters"][places])),
                verdicts=Counter(verdicts[places].tolist()),
                **{each.removesuffix("_filters"): n for each, n in sums.items()},
            )
        )
    return tuple(found)


def _distribution(
    layers: _Layers, kinds: Mapping[str, Mapping[str, NDArray[np.intp]]], measure: str
) -> Distribution | None:
    values = layers.numbers[column_of_measure(measure)]
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return None
    low, high = np.quantile(known, (0.01, 0.99)).tolist()
    about = MEASURES[measure]
    groups = {
        kind: tuple(filter(None, (_group(layers, values, name, places) for name, places in own.items())))
        for kind, own in kinds.items()
    }
    return Distribution(measure, about.title, about.meaning, low, high if high > low else low + 1.0, groups)


def _group(
    layers: _Layers, values: NDArray[np.float64], name: str, places: NDArray[np.intp]
) -> LayerGroup | None:
    places = places[np.isfinite(values[places])]
    if not len(places):
        return None
    order = places[np.argsort(values[places], kind="stable")]
    q = np.quantile(values[places], (0.05, 0.25, 0.5, 0.75, 0.95)).tolist()
    n_low = min(EXTREMES, (len(order) + 1) // 2)
    n_high = min(EXTREMES, len(order) // 2)
    ends = (order[:n_low], order[len(order) - n_high :][::-1])
    lowest, highest = (
        tuple(
            Place(layers.texts["file"][at], layers.texts["layer"][at], float(values[at]))
            for at in end.tolist()
        )
        for end in ends
    )
    return LayerGroup(name, len(places), (q[0], q[1], q[2], q[3], q[4]), lowest, highest)


def _standouts(layers: _Layers) -> tuple[Standout, ...]:
    """Return models whose median of a measure is far from the others', the farthest first."""
    numbers: dict[str, int] = {}
    of_file = np.array([numbers.setdefault(file, len(numbers)) for file in layers.texts["file"]], np.intp)
    names = list(numbers)
    found: list[Standout] = []
    for measure in MEASURED:
        medians = _as_shown(_medians(layers.numbers[column_of_measure(measure)], of_file, len(names)))
        known = medians[np.isfinite(medians)]
        if len(known) < FEWEST_MODELS:
            continue
        middle = float(np.median(known))
        far = np.abs(known - middle)
        spread = float(np.median(far)) / 0.6745 or 1.2533 * float(np.mean(far))
        if spread == 0:
            continue
        z = (medians - middle) / spread
        for place in np.flatnonzero(np.abs(z) > STANDS_OUT).tolist():
            found.append(Standout(names[place], measure, float(medians[place]), middle, float(z[place])))
    return tuple(sorted(found, key=lambda each: -abs(each.z))[:MOST_STANDOUTS])


def _as_shown(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return numbers in as many digits as the page shows, so that rounding alone makes no difference."""
    shown = np.array([float(f"{value:.{DIGITS}g}") for value in values.tolist()])
    return np.where(np.isfinite(shown), shown, values)


def _medians(values: NDArray[np.float64], groups: NDArray[np.intp], n: int) -> NDArray[np.float64]:
    """Return the median of the finite values of each of ``n`` groups, NaN for one that has none."""
    known = np.isfinite(values)
    values, groups = values[known], groups[known]
    order = np.lexsort((values, groups))
    values, counts = values[order], np.bincount(groups, minlength=n)
    starts = np.cumsum(counts) - counts
    medians = np.full(n, np.nan)
    has = counts > 0
    lower, upper = (starts[has] + half for half in ((counts[has] - 1) // 2, counts[has] // 2))
    medians[has] = (values[lower] + values[upper]) / 2
    return medians


def _places(names: Sequence[str]) -> dict[str, list[int]]:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(names):
        places[name].append(place)
    return places


def _histories(files: Sequence[Mapping[str, Any]], layers: _Layers) -> list[History]:
    """Return the runs of which there are several epochs, each with its layers' measures by epoch.

    Files of one network that differ in nothing but a number in their names are no run.
    """
    runs: defaultdict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    for row in files:
        if row["status"] == "read" and None not in (row["epoch"], row["run"], row["network"]):
            runs[row["run"], row["network"]].setdefault(row["epoch"], row["file"])
    of_file = _places(layers.texts["file"])
    found = [
        _history(run, epochs, of_file, layers)
        for (run, _), epochs in sorted(runs.items())
        if len(epochs) >= FEWEST_EPOCHS
    ]
    return [history for history in found if history.lines]


def _history(
    run: str, epochs: Mapping[int, str], of_file: Mapping[str, list[int]], layers: _Layers
) -> History:
    order = sorted(epochs)
    places = [of_file[epochs[epoch]] for epoch in order]
    n_lines = min(MOST_LINES, *map(len, places))
    names = [layers.texts["layer"][place] for place in places[0][:n_lines]]
    lines = {}
    for measure in MEASURED:
        values = layers.numbers[column_of_measure(measure)]
        own = [
            LayerHistory(name, tuple(float(values[at[n]]) for at in places)) for n, name in enumerate(names)
        ]
        if any(_changes(line) for line in own):
            lines[measure] = tuple(own)
    return History(run, tuple(order), tuple(epochs[epoch] for epoch in order), lines)


def _changes(line: LayerHistory) -> bool:
    shown = _as_shown(np.array(line.values))
    return len(set(shown[np.isfinite(shown)].tolist())) > 1
