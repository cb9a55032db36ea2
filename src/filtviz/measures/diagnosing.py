"""`filtviz.diagnose`: a network in, a `Diagnosis` out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from filtviz.budget import Account, Budget
from filtviz.errors import BudgetError, MeasureError
from filtviz.measures.answering import (
    answer,
    commands_for,
    look_at,
    look_unjudged,
    more_evidence,
    other_evidence,
    seen_in,
)
from filtviz.measures.change import changes_from, is_of_another
from filtviz.measures.composed import why_not_composed
from filtviz.measures.conclusions import may_be_folded, summarise
from filtviz.measures.judging import Judgement, among_trained, changed_since, judge, set_afterwards
from filtviz.measures.kernels import nonfinite_filters
from filtviz.measures.measure import Change, Diagnosis, FilterDiagnosis, LayerDiagnosis, Unjudged
from filtviz.measures.residue import NoiseResidue, at_least, hidden, measured
from filtviz.measures.subject import Subject, gather_subjects
from filtviz.measures.table import MEASURES, checks_met
from filtviz.measures.training import signs_of_training, touched_by
from filtviz.measures.unused import unread_channels
from filtviz.measures.verdicts import (
    ALL_MARKED,
    NOT_NUMBERS,
    ONE_VALUE,
    OUT_OF_RANGE,
    Open,
    cannot_tell,
    why_all_one_value,
    why_not_finite,
    why_out_of_range,
)
from filtviz.measures.work import work_of_layer
from filtviz.network import ConvLayer, Network
from filtviz.running.numpy_engine import one_thread
from filtviz.text import described, name_runs, printable

if TYPE_CHECKING:
    from filtviz.responses.examining import Examination, LayerResponse

__all__ = ["Measured", "diagnose", "first_to_look_at", "measure", "with_images"]

_SMALLEST, _LARGEST = 1e-70, 1e70
"""Magnitudes between which fourth powers can be summed."""

_FEW = 5


def diagnose(
    network: Network,
    *,
    before: Sequence[tuple[str, Network]] = (),
    input_range: tuple[float, float] | None = None,
    first: Collection[int] = (),
    account: Account | None = None,
) -> Diagnosis:
    """Judge each convolution of a network by its weights alone.

    Args:
        network: The network.
        before: Earlier states of it, each with the name by which to speak of it, such as its file's.
        input_range: The lowest and the highest value of an input pixel, for the proof of dead filters.
        first: The numbers of the convolutions to measure before others, where not all can be.
        account: What it may take; None for the default budget.

    Raises:
        MeasureError: ``input_range`` is empty or not finite.
    """
    pixels = _as_range(input_range)
    account = account or Budget().account(network, *(each for _, each in before))
    with one_thread():  # matrices are small and many here
        measured = _Diagnosing(network, before, account).measure(pixels, first)
        return _concluded(network, measured, bool(before), account)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The convolutions of a network, each judged, before anything is said of the whole.

    ``unjudged`` are those that are not, ``left_out`` has a sentence for each thing that would have been too
    much work, and ``training`` a few words for each thing in the file that only a training leaves;
    ``touched`` says what was done to the network all the same, whether it was trained or not.
    """

    layers: tuple[LayerDiagnosis, ...]
    unjudged: tuple[Unjudged, ...]
    left_out: tuple[str, ...]
    training: tuple[str, ...]
    touched: str = ""


def measure(network: Network, account: Account | None = None) -> Measured:
    """Judge each convolution by its weights, and say nothing of the whole: what a survey needs.

    Args:
        network: The network.
        account: What it may take; None for the default budget.
    """
    with one_thread():  # matrices are small and many here
        return _Diagnosing(network, (), account or Budget().account(network)).measure(None, ())


def _as_range(given: tuple[float, float] | None) -> tuple[float, float] | None:
    """Return the lowest and the highest value of a pixel as Python's own numbers."""
    if given is None:
        return None
    try:
        low, high = (nan if isinstance(each, str) else float(each) for each in given)
    except (TypeError, ValueError, OverflowError):
        low, high = nan, nan
    if not (isfinite(low) and isfinite(high) and low <= high):
        said = given if isinstance(given, tuple | list) else described(given)
        raise MeasureError(
            f"the input range must be two finite numbers, the lower first, not {printable(said)}"
        )
    return low, high


def with_images(diagnosis: Diagnosis, found: Examination) -> Diagnosis:
    """Return a diagnosis with what images told.

    Args:
        diagnosis: From the weights.
        found: From the images.
    """
    layers = tuple(_with_responses(layer, found.of(layer.conv_index)) for layer in diagnosis.layers)
    answer = " ".join(filter(None, [diagnosis.answer, found.answer]))
    return replace(diagnosis, layers=layers, answer=answer, shown=found)


def _with_responses(layer: LayerDiagnosis, answers: LayerResponse | None) -> LayerDiagnosis:
    if answers is None or len(answers.fires) != len(layer.filters):
        return layer
    ends = answers.shares_at_end or (None,) * answers.units
    told = zip(layer.filters, answers.fires, ends, strict=True)
    filters = tuple(replace(each, fires=fires, saturated=end) for each, fires, end in told)
    return replace(layer, filters=filters)


class _Diagnosing:
    """Judges the convolutions of a network one after another, and keeps account of what is left out."""

    def __init__(self, network: Network, before: Sequence[tuple[str, Network]], account: Account) -> None:
        self.network = network
        self.before = before
        self.account = account
        self.judged: dict[int, LayerDiagnosis] = {}
        self.unmeasured: dict[int, str] = {}
        self.uncomposed: dict[int, str] = {}
        self.judgements: dict[int, Judgement] = {}

    def measure(self, input_range: tuple[float, float] | None, first: Collection[int]) -> Measured:
        """Judge what there is to judge, as far as the account goes."""
        network, n_told = self.network, len(self.account.left_out)
        drawn = [layer for layer in network.conv_layers if layer.why_not_drawn is None]
        paid = self._affordable(drawn, first)
        self._judge(paid, input_range)
        training = signs_of_training(network)
        self._reconsider(training)
        judged = [self.judged[index] for index in sorted(self.judged)]
        return Measured(
            layers=tuple(replace(each, seen=seen_in(each)) for each in judged),
            unjudged=tuple(each for layer in network.conv_layers for each in self._unjudged(layer)),
            left_out=(*self._left_out(), *self.account.left_out[n_told:]),
            training=training,
            touched=touched_by(network),
        )

    def _affordable(self, drawn: Sequence[ConvLayer], first: Collection[int]) -> list[ConvLayer]:
        """Return the layers that can be measured, in their order; small ones do not wait for large ones."""
        for layer in sorted(drawn, key=lambda each: each.conv_index not in first):
            work = work_of_layer(self.network, layer, len(self.before))
            try:
                self.account.spend("work", work, f"measuring {layer.title}")
            except BudgetError as error:
                self.unmeasured[layer.conv_index] = str(error)
        return [layer for layer in drawn if layer.conv_index not in self.unmeasured]

    def _is_refused(self, layer: ConvLayer) -> bool:
        """Tell whether a layer holds no numbers to judge, and note what can be said of it."""
        refused = _refuse(layer)
        if refused is not None:
            self.judged[layer.conv_index] = refused
        return refused is not None

    def _judge(self, paid: Sequence[ConvLayer], input_range: tuple[float, float] | None) -> None:
        layers = [layer for layer in paid if not self._is_refused(layer)]
        numbers = frozenset(layer.conv_index for layer in paid)
        for subject in gather_subjects(self.network, layers, input_range, self.account, numbers):
            index = subject.layer.conv_index
            changes = tuple(changes_from(earlier, name, subject.layer) for name, earlier in self.before)
            try:
                self.judged[index], self.judgements[index] = _diagnose_layer(subject, changes)
            except BudgetError as error:
                self.unmeasured[index] = str(error)
            if subject.stack.is_left_out:
                self.uncomposed[index] = subject.stack.reason

    def _reconsider(self, training: Sequence[str]) -> None:
        """See each layer in view of the others, and of what else in the file tells of training."""
        revised = among_trained(list(self.judgements.values()), bool(training))
        final: dict[int, Judgement] = {}
        for index, judgement in zip(self.judgements, revised, strict=True):
            layer = self.judged[index]
            alone = self.judgements[index]
            n = prod(layer.shape)
            own = [each for each in layer.changes if each.cos2 is not None and not is_of_another(each, n)]
            if alone.verdict == "initial" and own:
                # What is measured counts, whatever the other layers let guess.
                changed = next(filter(_has_changed, own), None)
                judgement = changed_since(alone, changed) if changed else alone
            final[index] = judgement
            self.judged[index] = replace(
                layer,
                verdict=judgement.verdict,
                sentence=_sentence(layer.name, judgement),
                why=judgement.open.why if judgement.open else "",
                decides=judgement.open.decides if judgement.open else "",
            )
        if may_be_folded(list(self.judged.values()), training):
            for index, judgement in final.items():
                if judgement.if_folded and self.judged[index].residue is None:
                    layer = self.judged[index]
                    sentence = _sentence(layer.name, replace(judgement, sentence=judgement.if_folded))
                    self.judged[index] = replace(layer, sentence=sentence, residue_at_least=None)

    def _unjudged(self, layer: ConvLayer) -> Iterator[Unjudged]:
        reason = layer.why_not_drawn or self.unmeasured.get(layer.conv_index)
        if reason is not None:
            yield Unjudged(
                conv_index=layer.conv_index,
                name=layer.label,
                type=layer.type,
                reason=reason,
                left_out=layer.why_not_drawn is None,
            )

    def _left_out(self) -> Iterator[str]:
        """Say of all layers together what was too much work, with the reason of the first."""
        for reasons, what in (
            (self.unmeasured, "not measured"),
            (self.uncomposed, "not composed with the layers below"),
        ):
            if reasons:
                labels = [(index, self.network.conv_layers[index].label) for index in sorted(reasons)]
                was = "was" if len(reasons) == 1 else "were"
                yield f"{name_runs(labels)} {was} {what}: {reasons[min(reasons)]}"


def _concluded(network: Network, measured: Measured, compared: bool, account: Account) -> Diagnosis:
    """Say what the layers say together, and how to go on."""
    layers, unjudged, training = measured.layers, measured.unjudged, measured.training
    file = None if network.origin.path is None else str(network.origin.path)
    more, more_command = more_evidence(file, layers, compared)
    look = look_at(network, layers, account) if layers else None
    unjudged_look, picture = ("", "") if layers else look_unjudged(network, file)
    return Diagnosis(
        file=file,
        layers=layers,
        unjudged=unjudged,
        answer=answer(layers, unjudged, training, measured.touched),
        look=look.sentence if look else unjudged_look,
        look_at=look.layer.conv_index if look else None,
        look_size=look.size if look else None,
        more=more,
        more_command=more_command,
        others=other_evidence(network, layers, look, compared),
        summary=summarise(layers, unjudged, compared, measured.left_out, training, measured.touched),
        commands=(*filter(None, [picture]), *commands_for(file, look)),
        notes=(*network.origin.inferred, *network.origin.notes, *_all_marked(network)),
        left_out=measured.left_out,
        checks=checks_met(layers),
    )


def _all_marked(network: Network) -> tuple[str, ...]:
    marks = {each.trainable for each in network.layers if each.parameters} - {None}
    return (ALL_MARKED,) if marks == {False} else ()


def _has_changed(change: Change) -> bool:
    return bool(change.relative_change)


def _sentence(label: str, judgement: Judgement) -> str:
    return f"{printable(label, 40)}: {judgement.sentence}."


def _diagnose_layer(subject: Subject, changes: tuple[Change, ...]) -> tuple[LayerDiagnosis, Judgement]:
    """Judge a layer by itself; return what was found, and its judgement."""
    filters = _diagnose_filters(subject)
    taken = [measure.take(subject) or measure.sum_up(subject, filters) for measure in MEASURES.values()]
    by_key = {each.measure: each for each in taken if each is not None}
    if set_afterwards(subject, by_key):
        by_key[NoiseResidue.key] = hidden()
    for known in filter(None, map(measured, reversed(changes))):  # what the first file measures comes last
        by_key[NoiseResidue.key] = known
    judgement = judge(subject, by_key, sum(each.texture is not None for each in filters))
    layer = subject.layer
    why_not = why_not_composed(subject.stack)
    diagnosis = LayerDiagnosis(
        conv_index=layer.conv_index,
        name=layer.label,
        type=layer.type,
        shape=subject.kernels.shape,
        dtype=str(layer.weights.dtype),
        verdict=judgement.verdict,
        sentence=_sentence(layer.label, judgement),
        initialiser=" or ".join(subject.initialisers) or "unknown",
        rules=subject.initialisers,
        draws=subject.draws if subject.rule.known else None,
        residue=by_key[NoiseResidue.key].value,
        residue_at_least=at_least(by_key[NoiseResidue.key]),
        findings=tuple(by_key.values()),
        filters=filters,
        first_filters=first_to_look_at(filters),
        composed_size=None if subject.composed is None else subject.composed.size,
        unread_channels=unread_channels(subject.kernels),
        changes=changes,
        notes=(f"not composed with the layers below: {why_not}",) if why_not else (),
        is_frozen=judgement.is_frozen,
        marked_frozen=subject.marked_frozen,
    )
    return diagnosis, judgement


def _diagnose_filters(subject: Subject) -> tuple[FilterDiagnosis, ...]:
    """Measure each filter of a layer: a measure gives columns, a filter is a row."""
    columns: dict[str, Iterable[Any]] = {"norm": subject.kernels.norms}
    for measure in MEASURES.values():
        columns |= measure.each(subject)
    rows = zip(*map(_plain, columns.values()), strict=True)
    usual, names = vars(FilterDiagnosis(index=0, norm=None)), tuple(columns)
    return tuple(
        _filter({**usual, "index": index, **dict(zip(names, row, strict=True))})
        for index, row in enumerate(rows)
    )


def _filter(fields: dict[str, Any]) -> FilterDiagnosis:
    """Make a filter of all its fields at once: a frozen class sets one after another, which takes longer."""
    made = object.__new__(FilterDiagnosis)
    vars(made).update(fields)
    return made


def _plain(column: Iterable[Any]) -> list[Any]:
    """Turn numpy's numbers into Python's, and those that are not finite into None."""
    if isinstance(column, np.ndarray):
        plain: list[Any] = column.tolist()
        for place in np.flatnonzero(~np.isfinite(column)).tolist() if column.dtype.kind == "f" else ():
            plain[place] = None
        return plain
    values = list(column)
    if not any(issubclass(kind, float) for kind in set(map(type, values))):
        return values
    return [None if isinstance(value, float) and not isfinite(value) else value for value in values]


def first_to_look_at(filters: Sequence[FilterDiagnosis]) -> tuple[int, ...]:
    """Return a few filters to begin with: the significant ones, surest first, or else the largest."""

    def surest(each: FilterDiagnosis) -> tuple[float, float]:
        ps = [p for p in (each.composed_p, each.share_p) if p is not None]
        return min(ps, default=1.0), -(each.norm or 0.0)

    found = sorted((each for each in filters if each.texture or each.composed_texture), key=surest)
    largest = sorted(filters, key=lambda each: -(each.norm or 0.0))
    return tuple(each.index for each in (found or largest)[:_FEW])


def _refuse(layer: ConvLayer) -> LayerDiagnosis | None:
    """Return the diagnosis of a layer that holds no numbers to judge, or None where it does."""
    broken = nonfinite_filters(layer).tolist()
    if len(broken):
        return _undecided(layer, why_not_finite(broken, layer.n_filters), NOT_NUMBERS, broken)
    low, high = float(layer.filters.min()), float(layer.filters.max())
    if low == high:
        value = float(layer.filters.flat[0])
        return _undecided(layer, why_all_one_value(layer.weights.size, value), ONE_VALUE)
    largest = max(-low, high)
    if not _SMALLEST < largest < _LARGEST:
        return _undecided(layer, why_out_of_range(largest), OUT_OF_RANGE)
    return None


def _undecided(layer: ConvLayer, why: str, short: Open, broken: Sequence[int] = ()) -> LayerDiagnosis:
    filters, channels, rows, cols = layer.filters.shape
    known = frozenset(broken)
    return LayerDiagnosis(
        conv_index=layer.conv_index,
        name=layer.label,
        type=layer.type,
        shape=(filters, channels, rows, cols),
        dtype=str(layer.weights.dtype),
        verdict="undecided",
        sentence=f"{printable(layer.label, 40)}: {cannot_tell(why)}.",
        why=short.why,
        decides=short.decides,
        initialiser="unknown",
        filters=tuple(_unmeasured(layer, index, index in known) for index in range(filters)),
    )


def _unmeasured(layer: ConvLayer, index: int, broken: bool) -> FilterDiagnosis:
    """Return the little that can be said of a filter in a layer that cannot be judged."""
    if broken:
        return FilterDiagnosis(index=index, norm=None, nonfinite=True)
    values = np.asarray(layer.filters[index], dtype=np.float64)
    scale = float(np.abs(values).max(initial=0.0))
    norm = scale * float(np.linalg.norm(values / scale)) if scale > 0 else 0.0
    return FilterDiagnosis(index=index, norm=norm, decayed=scale == 0)
