"""`Measure`: what is said of one measure, what it counts as, and how it is taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from filtviz.errors import SelectionError
from filtviz.text import listed, plural, printable, quoted

if TYPE_CHECKING:
    from filtviz.measures.initialiser_catalogue import Draws
    from filtviz.measures.subject import Subject
    from filtviz.responses.examining import Examination

__all__ = [
    "ALPHA",
    "Change",
    "Columns",
    "Diagnosis",
    "FilterChange",
    "FilterDiagnosis",
    "FilterFact",
    "Finding",
    "LayerDiagnosis",
    "Measure",
    "ShownMeasure",
    "Texture",
    "Unjudged",
    "Verdict",
    "filter_facts",
    "qualified",
]

Verdict = Literal["initial", "updated", "structured", "collapsed", "undecided"]

Texture = Literal["smooth", "rough"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one measure gave for one layer.

    ``measure`` is its key in `filtviz.measures.table.MEASURES`, which has its formula and null. ``value`` is
    the statistic as the table names it, ``z`` its standard score and ``p`` its p-value, each None where there
    is none. ``level`` is the p-value under which it counts, ``threshold`` the value beyond which, for
    measures that have one, ``interval`` between what an estimate's truth should lie. ``judges`` tells whether
    it takes part in the layer's verdict, ``found`` whether it came out. ``text`` says it in words; ``reason``
    completes "cannot tell, because …" where a value is None for a reason.
    """

    measure: str
    value: float | None
    text: str
    z: float | None = None
    p: float | None = None
    level: float | None = None
    threshold: float | None = None
    interval: tuple[float, float] | None = None
    judges: bool = False
    found: bool = False
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class FilterFact:
    """What tables are to know of one field of `FilterDiagnosis`.

    Attributes:
        type: Its type in Arrow's words, in a survey's table of filters; empty where that leaves it out.
        meaning: What it is.
        title: Its heading on the page of a report; empty where that leaves it out.
        measure: The measure that explains it.
        ascending: Whether one sorts by it from the smallest.
    """

    type: str
    meaning: str
    title: str = ""
    measure: str | None = None
    ascending: bool = False


def _about(type: str, meaning: str, **page: Any) -> dict[str, FilterFact]:
    return {"fact": FilterFact(type=type, meaning=meaning, **page)}


@dataclass(frozen=True, kw_only=True)
class FilterDiagnosis:
    """One filter. What could not be measured is None.

    ``share`` is the low-frequency share with its ``share_p``; ``texture`` what survives
    Benjamini-Hochberg within the layer at .05. ``composed_texture`` is the same of the filter seen
    through the layers below, ``composed_p`` its two-sided p-value, and ``concentrated`` tells that its
    spectrum is more concentrated than chance. ``classical`` names the classical kernel that it matches
    where that may be named, in channel ``classical_channel``, and ``likeness`` is the cosine with the
    nearest one in any case. ``reliance`` is the weight that the following layer puts on it, 1 being the
    mean. ``duplicates`` are the filters whose |cos| with it is .95 or more. ``muted`` tells that the batch
    normalisation behind it multiplies it by next to nothing, ``ignored`` that the one layer that follows does
    not look at it. Where images were shown, ``fires`` is the share of their places at which it answers more
    than zero, and ``saturated`` that at which it lies at an end of what its function can give.
    """

    index: int = field(metadata=_about("int32", "number of the filter in the layer, from 0"))
    norm: float | None = field(
        metadata=_about("double", "root of the sum of its squared weights", title="norm")
    )
    share: float | None = field(
        default=None,
        metadata=_about(
            "double",
            "low-frequency share; about a half is noise",
            title="low-frequency share",
            measure="low-frequency",
        ),
    )
    share_p: float | None = field(
        default=None,
        metadata=_about(
            "double", "its p-value", title="p-value of that share", measure="low-frequency", ascending=True
        ),
    )
    texture: Texture | None = field(
        default=None,
        metadata=_about("string", "`smooth` or `rough`, where that is significant within the layer"),
    )
    composed_p: float | None = field(
        default=None,
        metadata=_about(
            "double",
            "p-value of the low-frequency share of the composed filter",
            title="p-value when composed",
            measure="composed",
            ascending=True,
        ),
    )
    composed_texture: Texture | None = field(
        default=None, metadata=_about("string", "`smooth` or `rough`, of the same")
    )
    concentrated: bool = field(
        default=False,
        metadata=_about("bool", "whether its composed spectrum is more concentrated than chance"),
    )
    classical: str | None = field(
        default=None, metadata=_about("string", "classical kernel that it matches, where that may be named")
    )
    classical_channel: int | None = field(default=None, metadata=_about("int32", "the channel where it does"))
    likeness: float | None = field(
        default=None,
        metadata=_about(
            "double",
            "cosine with the nearest classical kernel",
            title="cosine with the nearest classical kernel",
            measure="classical",
        ),
    )
    coherence: float | None = field(
        default=None,
        metadata=_about(
            "double",
            "how much its gradients agree on one direction: 0 not at all, 1 all",
            title="orientation coherence",
            measure="orientation",
        ),
    )
    angle: float | None = field(
        default=None,
        metadata=_about(
            "double",
            "that direction, in degrees",
            title="angle in degrees",
            measure="orientation",
            ascending=True,
        ),
    )
    reliance: float | None = field(
        default=None,
        metadata=_about(
            "double",
            "weight that the next layer puts on it; 1 is the mean",
            title="reliance of the following layer",
            measure="coupling",
        ),
    )
    duplicates: tuple[int, ...] = field(
        default=(), metadata=_about("list<int32>", "filters of the layer whose |cos| with it is .95 or more")
    )
    dead: bool = field(default=False, metadata=_about("bool", "whether it never fires"))
    decayed: bool = field(default=False, metadata=_about("bool", "whether it is next to nothing"))
    muted: bool = field(
        default=False,
        metadata=_about("bool", "whether the batch normalisation behind it multiplies it by next to nothing"),
    )
    ignored: bool = field(
        default=False, metadata=_about("bool", "whether the one layer that follows does not look at it")
    )
    nonfinite: bool = field(default=False, metadata=_about("bool", "whether it holds NaN or infinity"))
    fires: float | None = field(
        default=None, metadata=_about("", "share of the images' places at which it answers more than zero")
    )
    saturated: float | None = field(
        default=None,
        metadata=_about("", "share of them at which it lies at an end of what its function gives"),
    )


def filter_facts() -> dict[str, FilterFact]:
    """Return what tables are to know of each field of `FilterDiagnosis`, by its name."""
    return {one.name: one.metadata["fact"] for one in fields(FilterDiagnosis)}


@dataclass(frozen=True, kw_only=True)
class FilterChange:
    """How one filter differs from an earlier state; None where one of them is zero."""

    index: int
    cos2: float | None
    relative_change: float | None


@dataclass(frozen=True, kw_only=True)
class Change:
    """How a layer differs from the same layer of an earlier file.

    ``cos2`` is the squared cosine of the two states, ``relative_change`` ‖after - before‖/‖before‖.
    ``share`` is the low-frequency share of what was added: after, less its projection on before;
    ``share_p`` tests it against white noise, and ``significant`` is the share of filters whose difference
    is smooth or rough by itself (p < .05, about .05 for noise). ``reason`` says why nothing could be
    compared.
    """

    before: str
    cos2: float | None = None
    relative_change: float | None = None
    share: float | None = None
    share_p: float | None = None
    significant: float | None = None
    filters: tuple[FilterChange, ...] = ()
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class LayerDiagnosis:
    """One convolution: its verdict, one sentence that says why, and all that was measured.

    ``conv_index`` is its number among the convolutions; ``shape`` is ``(filters, channels, rows, cols)``.
    ``seen`` says in a few words what is to be seen in it; of one that cannot be judged ``why`` says in short
    why, and ``decides`` which file does. ``rules`` are the names of the initialisers that its first weights
    are taken to be draws of, several where they draw alike at this shape, none where it is not known;
    ``initialiser`` says them in one text.
    ``draws`` are those draws, with their scale at this shape, None where they are not known.
    ``residue`` is the share of the visible variance that still is the initial noise, None where it cannot
    be told; with an earlier file, the share that was there already, measured. ``residue_at_least`` is the
    least that it can be, where that alone can be told. ``first_filters`` are the
    filters to look at first. ``composed_size`` is ``(rows, cols)`` of the filters seen through the layers
    below, None where they were not composed. ``unread_channels`` are the input channels that it does not look
    at. ``is_frozen`` tells that the file's optimiser never moved it, ``marked_frozen`` that the file marks it
    as frozen, and others not: it may have been trained all the same.
    """

    conv_index: int
    name: str
    type: str
    shape: tuple[int, int, int, int]
    dtype: str
    verdict: Verdict
    sentence: str
    initialiser: str
    seen: str = ""
    why: str = ""
    decides: str = ""
    rules: tuple[str, ...] = ()
    draws: Draws | None = None
    residue: float | None = None
    residue_at_least: float | None = None
    findings: tuple[Finding, ...] = ()
    filters: tuple[FilterDiagnosis, ...] = ()
    first_filters: tuple[int, ...] = ()
    composed_size: tuple[int, int] | None = None
    unread_channels: tuple[int, ...] = ()
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    is_frozen: bool = False
    marked_frozen: bool = False

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.shape))
        return f"<LayerDiagnosis of {printable(self.name, 40)}, {shape}: {self.verdict}>"

    @property
    def noise(self) -> float | None:
        """The share of the visible variance that still is the initial noise, or the least that it can be."""
        return self.residue_at_least if self.residue is None else self.residue

    def finding(self, measure: str) -> Finding | None:
        """Return what a measure gave, or None where it was not taken.

        Args:
            measure: The key of the measure, as `filtviz explain` lists them.
        """
        return next((each for each in self.findings if each.measure == measure), None)


@dataclass(frozen=True, kw_only=True)
class Unjudged:
    """A convolution that is not judged, and why: its weights are no two-dimensional filters.

    ``left_out`` tells that only the work that it would take stands against it, see `filtviz.Budget`.
    """

    conv_index: int
    name: str
    type: str
    reason: str
    left_out: bool = False


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """A network: its convolutions, what they say together, and the commands to go on with.

    ``file`` is the path as given, or None for a network that was not read from a file. ``answer`` says in two
    or three plain sentences what is the matter, ``summary`` the same with all its reasons. ``look`` says what
    the picture of the first of ``commands`` shows: the convolution of the number ``look_at``, composed to
    ``look_size`` pixels, or as stored where that is None. ``more`` says what would tell more, with a command
    that needs a file of the person's; ``others`` are more such pairs. ``notes`` say what was concluded about
    the file that it does not tell, and what is odd about it. ``left_out`` has a sentence for each thing that
    would have been too much work, with the option that allows it. ``checks`` maps each rule of ``filtviz
    diagnose --check`` to the names of the layers where it is met. ``shown`` is what images told, where some
    were given.
    """

    file: str | None
    layers: tuple[LayerDiagnosis, ...]
    unjudged: tuple[Unjudged, ...] = ()
    answer: str = ""
    summary: str = ""
    look: str = ""
    look_at: int | None = None
    look_size: tuple[int, int] | None = None
    more: str = ""
    more_command: str = ""
    others: tuple[tuple[str, str], ...] = ()
    commands: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    checks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shown: Examination | None = None

    def __str__(self) -> str:
        return str(import_module("filtviz.answer_text").printed(self))

    def __getitem__(self, layer: int | str) -> LayerDiagnosis:
        """Return what was found in a layer.

        Args:
            layer: Its number among the convolutions, counted from the end where it is negative, or its name.

        Raises:
            SelectionError: it was not judged, or there is none such.
        """
        numbers = [each.conv_index for each in self.layers] + [each.conv_index for each in self.unjudged]
        number = max(numbers, default=-1) + 1 + layer if isinstance(layer, int) and layer < 0 else layer
        for each in self.layers:
            if number in (each.conv_index, each.name):
                return each
        judged = listed([f"{each.conv_index} {printable(each.name, 40)}" for each in self.layers])
        raise SelectionError(
            f"no layer {quoted(layer, 40)} was judged (there are: {judged})",
            wanted=layer if isinstance(layer, str) else str(layer),
        )

    def __iter__(self) -> Iterator[LayerDiagnosis]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        where = "a network" if self.file is None else printable(Path(self.file).name, 80)
        return f"<Diagnosis of {where}: {plural(len(self.layers), 'layer')}>"

    def to_frame(self, of: str = "layers") -> Any:
        """Return what was found as a ``pandas.DataFrame``.

        Args:
            of: A row for each of the ``layers``, ``filters`` or ``measures``.

        Raises:
            ArgumentError: it is none of these.
            MissingExtraError: pandas is not installed.
        """
        # Frames and texts know what they are made of, and are not known here: they are found by their names.
        return import_module("filtviz.frames").diagnosis_frame(self, of)


ALPHA = 0.01
"""How often a layer of independent draws may be judged to be something else."""

_SUGGESTIVE = 0.05

Columns = Mapping[str, Iterable[Any]]
"""Fields of `FilterDiagnosis` by name, each with a value for every filter of the layer."""


class Measure:
    """One measure: a subclass in a file of its own, with its text, its test and its wording together.

    The table of measures makes one of each, so that it knows the ``level`` of those that judge. A subclass
    sets the texts, and of the methods `take` for a layer, or `each` and `sum_up` for its filters.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    scope: ClassVar[tuple[Literal["layer", "filter", "pair"], ...]] = ("layer",)
    """Of what it speaks."""

    meaning: ClassVar[str]
    """What it tells, for someone who has never heard of it."""

    formula: ClassVar[str]
    null: ClassVar[str]
    short_null: ClassVar[str]
    """The null in a word or two, for a column."""

    counts_if: ClassVar[str]
    """When it counts, in words; ``{level}`` stands for Bonferroni's level."""

    supports: ClassVar[str]
    cannot_say: ClassVar[str]
    source: ClassVar[str]

    decides: ClassVar[Literal["origin", "strength", "structure"] | None] = None
    """Which question of a layer's verdict it takes part in: could an initialiser have drawn the weights, are
    they as strong everywhere as draws are, do they have structure? None where it does not judge."""

    shown_only: ClassVar[bool] = False
    """Whether it is a number beside the verdict, which never counts as found."""

    counts_below: ClassVar[bool] = False
    """Whether a value counts below its threshold, not above it."""

    check: ClassVar[str] = ""
    """What ``--check`` finds with this measure; empty where it cannot be checked."""

    def __init__(self, n_judging: int) -> None:
        self.level = ALPHA / n_judging
        self._level_text = f"{ALPHA:g}/{n_judging}".removeprefix("0")

    @property
    def judges(self) -> bool:
        """Whether it takes part in a layer's verdict."""
        return self.decides is not None

    @property
    def threshold(self) -> str:
        """When it counts, in words."""
        return self.counts_if.format(level=self._level_text)

    @property
    def of(self) -> str:
        """Of what it speaks, in words."""
        return " and ".join(self.scope)

    def as_text(self) -> dict[str, str]:
        """Return all that is said of it, by heading: what it means first, where it comes from last."""
        return {
            "measure": self.key,
            "title": self.title,
            "meaning": self.meaning,
            "supports": self.supports,
            "cannot say": self.cannot_say,
            "counts if": self.threshold,
            "of": self.of,
            "in verdict": "yes" if self.judges else "no",
            "formula": self.formula,
            "null": self.null,
            "source": self.source,
        }

    def take(self, subject: Subject) -> Finding | None:  # noqa: ARG002
        """Measure a layer; None says that it cannot be taken there, or speaks of single filters."""
        return None

    def each(self, subject: Subject) -> Columns:  # noqa: ARG002
        """Measure each filter of a layer."""
        return {}

    def sum_up(self, subject: Subject, filters: Sequence[FilterDiagnosis]) -> Finding | None:  # noqa: ARG002
        """Say for the layer what `each` gave for its filters."""
        return None

    def is_met(self, layer: LayerDiagnosis) -> bool:
        """Tell whether a layer has what ``--check`` looks for with this measure."""
        finding = layer.finding(self.key)
        return finding is not None and finding.found

    def evidence(self, finding: Finding) -> str:
        """Say in a verdict's sentence what was found; the numbers are in the table below it."""
        return finding.text

    def finding(self, *, value: float | None, text: str, **others: Any) -> Finding:
        """Return a finding of this measure; ``others`` are further fields of `Finding`."""
        return Finding(measure=self.key, judges=self.judges, value=value, text=text, **others)

    def tested(
        self,
        p: float,
        *,
        value: float | None,
        found: str,
        nothing: str,
        detail: str = "",
        z: float | None = None,
    ) -> Finding:
        """Return what a test gave that takes part in the verdict; ``found`` or ``nothing`` says it."""
        passed = p < self.level
        text = f"{found if passed else qualified(nothing, p)}{detail}"
        return self.finding(value=value, text=text, z=z, p=p, level=self.level, found=passed)


class ShownMeasure(Measure):
    """A number that is shown beside the verdict; it has no null, and does not judge."""

    null = "none: shown, does not judge"
    short_null = "–"
    counts_if = "none"
    shown_only = True


def qualified(nothing: str, p: float) -> str:
    """Say that nothing was found; beside a small p-value that does not pass, at the level that counts."""
    return f"{nothing} at the level that counts" if p < _SUGGESTIVE else nothing
