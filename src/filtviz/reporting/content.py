"""What a report says, before it is a page or JSON: frozen facts about files and their layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.measures.badges import ALL_BADGES, Badge, badges_of
from filtviz.measures.conclusions import difference
from filtviz.measures.initialiser_catalogue import CUT_STD, Draws
from filtviz.measures.measure import Diagnosis, FilterDiagnosis, Finding, LayerDiagnosis, filter_facts
from filtviz.measures.table import MEASURES
from filtviz.network import ConvLayer, Network
from filtviz.reporting.pictures import Glance, PictureSet
from filtviz.reporting.shown import ImageFigure
from filtviz.results import FileFailure
from filtviz.scaling import scale_of
from filtviz.summary import Summary, summarize
from filtviz.text import printable

__all__ = [
    "Histogram",
    "Line",
    "Movement",
    "PageContent",
    "ReportedModel",
    "Section",
    "State",
    "Trail",
    "draw_histograms",
    "filter_data",
    "follow_measures",
    "marked_filters",
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
    limit = min(1.05 * max(largest, *(_reach(each.draws) for each in diagnoses)), WIDEST)
    n_bins = min(MOST_BINS, int(np.ceil(2 * np.cbrt(max(each.size for each in weights)))))
    edges = np.linspace(-limit, limit, n_bins + 1)
    return [
        _count(each, edges, diagnosis) if each.size else None
        for each, diagnosis in zip(weights, diagnoses, strict=True)
    ]


@np.errstate(over="ignore")  # of which numpy 1 warns, too, where numbers are the least there are
def _count(weights: Floats, edges: Floats, diagnosis: LayerDiagnosis) -> Histogram:
    scale = float(scale_of(edges).max())  # the least numbers there are have no others between them
    counts = np.histogram(weights / scale, bins=np.linspace(edges[0] / scale, edges[-1] / scale, len(edges)))[
        0
    ]
    null = None if diagnosis.draws is None else _expected(diagnosis.draws, edges, weights.size)
    return Histogram(edges=edges, counts=counts, initialiser=diagnosis.initialiser, null=null)


def _reach(draws: Draws | None) -> float:
    """Return how far from zero the null is worth drawing."""
    if draws is None:
        return 0.0
    return draws.bound if draws.family != "normal" else 3 * draws.std


@np.errstate(over="ignore")
def _expected(draws: Draws, edges: Floats, n: int) -> Floats:
    """Return the curve of the expected counts; a box for a uniform initialiser, a bell for a normal one."""
    width = float(edges[1] - edges[0])
    if draws.family == "uniform":
        height = n * min(1.0, width / (2 * draws.bound))
        return np.array([[-draws.bound, 0], [-draws.bound, height], [draws.bound, height], [draws.bound, 0]])
    sigma = draws.std / CUT_STD if draws.family == "cut normal" else draws.std
    x = np.linspace(edges[0], edges[-1], CURVE_POINTS)
    z = np.clip(x / sigma, -_FARTHEST, _FARTHEST)
    share = (
        min(width / sigma, _MOST_SIGMAS) * np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * _mass_inside(draws))
    )
    return np.column_stack([x, n * np.where(np.abs(x) <= draws.bound, np.minimum(share, 1.0), 0.0)])


_FARTHEST, _MOST_SIGMAS = 40.0, 1e6
"""In standard deviations: beyond what nothing is expected, and a bin that holds all however wide it is."""


def _mass_inside(draws: Draws) -> float:
    """Return how much of a normal law lies within two standard deviations, where it is cut there."""
    return math.erf(math.sqrt(2)) if draws.family == "cut normal" else 1.0


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
class ReportedModel:
    """One model file: ``label`` is the name by which the page speaks of it, none twice."""

    label: str
    network: Network
    diagnosis: Diagnosis

    @cached_property
    def summary(self) -> Summary:
        """The network as rows."""
        return summarize(self.network)


@dataclass(frozen=True, kw_only=True, eq=False)
class State:
    """A layer as one of the files has it."""

    file: ReportedModel
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

    def state_of(self, file: ReportedModel) -> State | None:
        """Return the layer as ``file`` has it, or None where that has none such."""
        return next((state for state in self.states if state.file is file), None)


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """What is said of a layer in a line: its diagnosis in each of the files, None where it has none there."""

    states: tuple[LayerDiagnosis | None, ...]
    section: Section | None

    @property
    def last(self) -> LayerDiagnosis:
        """What is said of it in the last file that has it."""
        return next(state for state in reversed(self.states) if state is not None)


@dataclass(frozen=True, kw_only=True, eq=False)
class PageContent:
    """All that a page shows.

    It answers for each of ``files`` but the first ``n_before``, which were given to compare with.
    ``glances`` are the pictures beside the answers, each with its file, ``figures`` what each file makes of
    images, where some were given: none for one that cannot be run. ``notes`` say what was left out, and which
    option shows it; ``left_out`` what would have been too much work, ``failures`` which models could
    not be read.
    """

    title: str
    files: tuple[ReportedModel, ...]
    sections: tuple[Section, ...]
    n_before: int = 0
    glances: tuple[tuple[ReportedModel, Glance], ...] = ()
    figures: tuple[tuple[ImageFigure, ...], ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    failures: tuple[FileFailure, ...] = ()

    @property
    def main(self) -> ReportedModel:
        """The last file that the page answers for."""
        return self.files[-1]

    @property
    def answered(self) -> tuple[ReportedModel, ...]:
        """The files that the page answers for."""
        return self.files[self.n_before :]

    @property
    def shown(self) -> tuple[tuple[ReportedModel, tuple[ImageFigure, ...]], ...]:
        """The files that images were shown to, each with what it makes of them."""
        pairs = zip(self.answered, self.figures, strict=False)
        return tuple((file, figures) for file, figures in pairs if file.diagnosis.shown is not None)

    @property
    def difference(self) -> str:
        """In what the files differ that the page answers for."""
        return difference([(file.label, file.diagnosis) for file in self.answered])

    def glances_of(self, file: ReportedModel) -> list[Glance]:
        """Return the pictures beside the answer for a file; of the only one, those of earlier files, too."""
        alone = len(self.answered) == 1
        return [glance for own, glance in self.glances if own is file or alone]

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """A line for each layer of the main file, then for those that only others have."""
        judged = self.main.diagnosis.layers
        here = [Line(states=self._states_of(each), section=self._section(each)) for each in judged]
        alone = [section for section in self.sections if section.state_of(self.main) is None]
        return (*here, *(Line(states=self._diagnoses(section), section=section) for section in alone))

    def _states_of(self, layer: LayerDiagnosis) -> tuple[LayerDiagnosis | None, ...]:
        key = layer.conv_index, layer.shape
        earlier = (
            {(each.conv_index, each.shape): each for each in file.diagnosis.layers}
            for file in self.files[:-1]
        )
        return (*(known.get(key) for known in earlier), layer)

    def _section(self, layer: LayerDiagnosis) -> Section | None:
        return self.section_of(self.main, layer.conv_index)

    def _diagnoses(self, section: Section) -> tuple[LayerDiagnosis | None, ...]:
        states = [section.state_of(file) for file in self.files]
        return tuple(None if state is None else state.diagnosis for state in states)

    @property
    def is_measured(self) -> bool:
        """Whether shares of noise are measured with an earlier file, not estimated."""
        layers = [layer for file in self.answered for layer in file.diagnosis.layers]
        return any(change.cos2 is not None for layer in layers for change in layer.changes)

    def is_open(self, section: Section) -> bool:
        """Whether a section stands open: all of few, else those of the pictures beside the answer."""
        shown = {glance.conv_index for _, glance in self.glances}
        return len(self.sections) <= FEW_SECTIONS or section.layer.conv_index in shown

    def section_of(self, file: ReportedModel, conv_index: int) -> Section | None:
        """Return the section that shows a convolution of a file, or None where it has none."""
        return self._places.get((id(file), conv_index))

    @cached_property
    def _places(self) -> dict[tuple[int, int], Section]:
        return {
            (id(state.file), section.layer.conv_index): section
            for section in reversed(self.sections)
            for state in section.states
        }


FEW_SECTIONS = 2
"""Up to so many layers are all shown at once; of more each opens when it is asked for."""


def filter_data(section: Section) -> dict[str, Any]:
    """Return what the script needs for one section, ready for JSON; texts of the file are harmless."""
    by_index = [_by_index(state) for state in section.states]
    indices = range(section.layer.n_filters)
    columns = [
        {
            "title": fact.title,
            "measure": fact.measure,
            "ascending": fact.ascending,
            "values": [
                [_short(getattr(found[i], name)) if i in found else None for i in indices]
                for found in by_index
            ],
        }
        for name, fact in filter_facts().items()
        if fact.title
    ]
    return {
        "label": printable(section.layer.label, 60),
        "filters": section.layer.n_filters,
        "files": [state.file.label for state in section.states],
        "pictures": [_picture_data(section, pictures) for pictures in section.pictures],
        "columns": [*filter(_is_known, columns), *_change_columns(section)],
        "badges": [
            {"text": badge.word, "meaning": badge.meaning, "measure": badge.measure} for badge in ALL_BADGES
        ],
        "marks": [_marks(state) for state in section.states],
        "remarks": [[_remark(found.get(i)) for i in indices] for found in by_index],
    }


def marked_filters(state: State) -> list[tuple[Badge, list[int]]]:
    """Return the badges that occur in a layer, each with the indices of its filters."""
    found = badges_of(state.diagnosis)
    marked = [(badge, [index for index in sorted(found) if badge in found[index]]) for badge in ALL_BADGES]
    return [(badge, indices) for badge, indices in marked if indices]


def _by_index(state: State) -> dict[int, FilterDiagnosis]:
    return {each.index: each for each in state.diagnosis.filters}


def _picture_data(section: Section, pictures: PictureSet) -> dict[str, Any]:
    layout = pictures.sprites[0].layout
    return {
        "key": pictures.key,
        "title": pictures.title,
        "columns": list(pictures.columns),
        "coloured": pictures.coloured,
        "notes": [printable(note, 500) for note in pictures.notes],
        "rows": layout.rows,
        "cols": layout.cols,
        "across": layout.across,
        "gap": layout.gap,
        "shares": [[[_short(v, 2) for v in row] for row in file] for file in pictures.shares],
        "sprites": [
            {"id": f"{section.anchor}-{pictures.key}-{i}", "zero": sprite.zero, "unit": sprite.unit}
            for i, sprite in enumerate(pictures.sprites)
        ],
        "limit": max(pictures.limits),
    }


def _marks(state: State) -> list[list[int]]:
    """Return the places of each filter's badges among all badges."""
    found = badges_of(state.diagnosis)
    return [[ALL_BADGES.index(badge) for badge in found.get(i, ())] for i in range(state.layer.n_filters)]


def _remark(found: FilterDiagnosis | None) -> str:
    """Say what no number says: which classical kernel, which twins."""
    if found is None:
        return ""
    remarks = []
    if found.classical is not None:
        remarks.append(f"like {found.classical} in channel {found.classical_channel}")
    if found.duplicates:
        remarks.append(f"near-duplicate of {', '.join(map(str, found.duplicates))}")
    return "; ".join(remarks)


def _change_columns(section: Section) -> list[dict[str, Any]]:
    """Return how much each filter differs from the first file; nothing where there is one file only."""
    changes = [state.diagnosis.changes[0] if state.diagnosis.changes else None for state in section.states]
    if not any(change is not None and change.filters for change in changes):
        return []
    empty: list[float | None] = [None] * section.layer.n_filters

    def values(name: str) -> list[Sequence[float | None]]:
        return [
            [_short(getattr(each, name)) for each in change.filters]
            if change is not None and change.filters
            else empty
            for change in changes
        ]

    first = section.states[0].file.label
    columns = [
        ("cos2", f"cos² with {first}", True),
        ("relative_change", f"relative change from {first}", False),
    ]
    return [
        {"title": title, "measure": "change", "ascending": ascending, "values": values(name)}
        for name, title, ascending in columns
    ]


def _is_known(column: dict[str, Any]) -> bool:
    return any(value is not None for values in column["values"] for value in values)


def _short(value: float | None, digits: int = 3) -> float | None:
    """Round to the digits that are shown: a page of a deep network holds hundreds of thousands of numbers."""
    if value is None or not math.isfinite(value):
        return None
    rounded = float(f"{value:.{digits}g}")
    return rounded if math.isfinite(rounded) else value
