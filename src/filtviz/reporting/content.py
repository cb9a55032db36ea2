"""What a report says, before it is a page or JSON: frozen facts about files and their layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.measures.catalogue import Rule, rule_named
from filtviz.measures.findings import Diagnosis, Finding, LayerDiagnosis
from filtviz.measures.table import MEASURES
from filtviz.network import ConvLayer, Network
from filtviz.reporting.pictures import PictureSet

__all__ = [
    "Histogram",
    "ModelFile",
    "Movement",
    "PageContent",
    "Section",
    "State",
    "Trail",
    "draw_histograms",
    "follow_measures",
]

MOST_BINS = 64
WIDEST = float(np.finfo(np.float64).max) / 4
"""Up to here the distance between both ends of the axis is a number, too."""

CURVE_POINTS = 129

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Histogram:
    """How the weights are distributed.

    ``edges`` ``(bins + 1,)`` and ``counts`` ``(bins,)`` are of the finite weights. ``null`` is
    ``(points, 2)``, the weight and the number of weights that ``initialiser`` would put into a bin there, or
    None where the initialiser has no distribution that is known beforehand.
    """

    edges: Floats
    counts: NDArray[np.intp]
    initialiser: str
    null: Floats | None

    @property
    def highest(self) -> float:
        """The greatest count, of weights or of the null."""
        expected = 0.0 if self.null is None else float(self.null[:, 1].max())
        return max(float(self.counts.max()), expected)

    @property
    def limit(self) -> float:
        """The end of the axis, which is symmetric about zero."""
        return float(self.edges[-1])


def draw_histograms(
    filters: Sequence[NDArray[Any]], diagnoses: Sequence[LayerDiagnosis]
) -> list[Histogram | None]:
    """Count the finite weights of a layer in several files, in the same bins, symmetric about zero.

    There are 2 n^⅓ bins for n weights (Rice's rule), at most 64. An entry is None where there is nothing to
    count; all are where all weights are zero.

    Args:
        filters: ``(filters, channels, rows, cols)`` for each file.
        diagnoses: Of each file, which name the initialiser.
    """
    weights = [each[np.isfinite(each)].astype(np.float64) for each in filters]
    largest = max(float(np.abs(each).max(initial=0.0)) for each in weights)
    if largest == 0:
        return [None] * len(weights)
    rules = [_rule_of(diagnosis) for diagnosis in diagnoses]
    limit = min(1.05 * max(largest, *map(_reach, rules, diagnoses)), WIDEST)
    n_bins = min(MOST_BINS, int(np.ceil(2 * np.cbrt(max(each.size for each in weights)))))
    edges = np.linspace(-limit, limit, n_bins + 1)
    return [
        _count(each, edges, rule, diagnosis) if each.size else None
        for each, rule, diagnosis in zip(weights, rules, diagnoses, strict=True)
    ]


def _count(weights: Floats, edges: Floats, rule: Rule | None, diagnosis: LayerDiagnosis) -> Histogram:
    counts = np.histogram(weights, bins=edges)[0]
    null = None if rule is None else _expected(rule, diagnosis.shape, edges, weights.size)
    return Histogram(edges=edges, counts=counts, initialiser=diagnosis.initialiser, null=null)


def _rule_of(diagnosis: LayerDiagnosis) -> Rule | None:
    """Return the catalogue's rule for the first weights; of several that coincide the first."""
    return rule_named(diagnosis.rules[0]) if diagnosis.rules else None


def _reach(rule: Rule | None, diagnosis: LayerDiagnosis) -> float:
    """Return how far from zero the null is worth drawing."""
    if rule is None:
        return 0.0
    shape = diagnosis.shape
    return rule.bound(shape) if rule.family == "uniform" else 3 * rule.std(shape)


def _expected(rule: Rule, shape: tuple[int, int, int, int], edges: Floats, n: int) -> Floats:
    """Return the curve of the expected counts; a box for a uniform initialiser, a bell for a normal one."""
    width = float(edges[1] - edges[0])
    if rule.family == "uniform":
        bound = rule.bound(shape)
        height = n * width / (2 * bound)
        return np.array([[-bound, 0], [-bound, height], [bound, height], [bound, 0]])
    std = rule.std(shape)
    x = np.linspace(edges[0], edges[-1], CURVE_POINTS)
    density = np.exp(-0.5 * (x / std) ** 2) / (std * np.sqrt(2 * np.pi))
    return np.column_stack([x, n * width * density])


@dataclass(frozen=True, kw_only=True)
class Trail:
    """One measure through the files: what each gave, None where it was not taken."""

    measure: str
    findings: tuple[Finding | None, ...]

    @property
    def values(self) -> tuple[float | None, ...]:
        """The statistic in each file."""
        return tuple(None if finding is None else finding.value for finding in self.findings)

    @property
    def moved(self) -> float | None:
        """The last value less the first, where both are known."""
        first, last = self.values[0], self.values[-1]
        return None if first is None or last is None else last - first


@dataclass(frozen=True, kw_only=True)
class Movement:
    """All measures of a layer through the files, in the order of the table of measures."""

    trails: tuple[Trail, ...]


def follow_measures(diagnoses: Sequence[LayerDiagnosis]) -> Movement | None:
    """Set the findings of the same layer in several files side by side; None for a single file."""
    if len(diagnoses) < 2:
        return None
    trails = []
    for key in MEASURES:
        findings = tuple(diagnosis.finding(key) for diagnosis in diagnoses)
        if any(finding is not None for finding in findings):
            trails.append(Trail(measure=key, findings=findings))
    return Movement(trails=tuple(trails))


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelFile:
    """One model file: ``label`` is the name by which the page speaks of it, none twice."""

    label: str
    network: Network
    diagnosis: Diagnosis


@dataclass(frozen=True, kw_only=True, eq=False)
class State:
    """A layer as one of the files has it."""

    file: ModelFile
    layer: ConvLayer
    diagnosis: LayerDiagnosis
    histogram: Histogram | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Section:
    """A layer in all files that have it in that place and of that shape.

    ``anchor`` names the section in the page; it is made of numbers only, never of what a file says.
    ``notes`` say what is not shown, and why.
    """

    anchor: str
    states: tuple[State, ...]
    pictures: tuple[PictureSet, ...]
    movement: Movement | None = None
    notes: tuple[str, ...] = ()

    @property
    def layer(self) -> ConvLayer:
        """The layer in the first of the files."""
        return self.states[0].layer

    def state_of(self, file: ModelFile) -> State | None:
        """Return the layer as ``file`` has it, or None where that has none such."""
        return next((state for state in self.states if state.file is file), None)


@dataclass(frozen=True, kw_only=True, eq=False)
class PageContent:
    """All that a page shows. ``notes`` say what was left out, and which option shows it."""

    title: str
    files: tuple[ModelFile, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()

    def section_of(self, file: ModelFile, conv_index: int) -> Section | None:
        """Return the section that shows a convolution of a file, or None where it has none."""
        for section in self.sections:
            if section.layer.conv_index == conv_index and section.state_of(file) is not None:
                return section
        return None
