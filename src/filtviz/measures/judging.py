"""Which verdict the findings of a layer make; the words of each are in `filtviz.measures.verdicts`.

Where weights were set to 0 the tests' own nulls do not hold: there structure has to survive shuffling.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from filtviz.budget import Account
from filtviz.measures import verdicts
from filtviz.measures.bias import Bias
from filtviz.measures.directions import FirstComponent
from filtviz.measures.initialiser import Bound
from filtviz.measures.initialiser_catalogue import Fit
from filtviz.measures.kernels import Kernels
from filtviz.measures.low_frequency import LowFrequency, band_energies, layer_share
from filtviz.measures.measure import Change, Finding, Verdict
from filtviz.measures.residue import NoiseResidue, at_least
from filtviz.measures.sphericity import sign_sphericity
from filtviz.measures.spike import largest_eigenvalue
from filtviz.measures.stored import Quantised, is_rounded
from filtviz.measures.subject import Subject, would_show
from filtviz.measures.table import LEVEL, MEASURES, STRENGTH, STRUCTURE

__all__ = ["Judgement", "among_trained", "changed_since", "judge", "set_afterwards", "survives_shuffling"]

_MIN_WEIGHTS = 50
"""Weights under which nothing found is no evidence of anything."""

_UNTOUCHED_FACTOR = 0.1
"""How much surer structure must be where all else says that a layer was never touched."""

_CHANGED_FACTOR = 0.01
"""The same where values were set after they were drawn: the tests' nulls hold only nearly then."""

_FAINT = 0.01
"""How much surer structure must be where all else says that its layer was never touched, to tell that the
others were trained: one of many untrained layers passes a tenth of the level by chance."""

_NEARLY_ALL = 0.97
"""The least share of the initial noise, by its interval, that tells of a layer that has hardly moved."""

_HINT = 0.05
"""The p-value, of all tests together, under which a layer of few weights may have moved after all."""

_ODD = 1e-5
"""The p-value of the network's rule, of all where it is not known, under which a scale that no initialiser
gives tells of training: one of many untrained layers falls under the level of the verdicts by chance."""

_BEST_OF_MANY = 0.01
"""The p-value from which a layer fits the best of many rules, none of which is known to be the network's."""

_MOST_BEYOND = 0.25
"""The share of weights beyond its bound from which another rule is as likely as a training."""

_ZEROS = 0.001
"""The share of weights that are exactly 0 from which they were set to it."""


@dataclass(frozen=True)
class Judgement:
    """A verdict and the sentence that says why, without the layer's name.

    ``open`` says in short why there is none. ``otherwise`` is what holds instead in a network of which other
    things tell that it was trained, and ``tells_of_training`` whether this layer is one of them.
    ``is_faint`` tells that the layer has moved for all that is known, though chance does as much in one of
    many layers. ``is_frozen`` tells that the optimiser in the file never moved it. ``if_folded`` is the
    sentence where a batch normalisation that was folded in explains as much as a training.
    """

    verdict: Verdict
    sentence: str
    otherwise: Judgement | None = None
    is_odd: bool = False
    is_faint: bool = False
    open: verdicts.Open | None = None
    is_frozen: bool = False
    if_folded: str = ""

    @property
    def tells_of_training(self) -> bool:
        """Whether the layer has moved, or surely has a scale that no initialiser gives."""
        return self.is_odd or (self.has_moved and not self.is_faint)

    @property
    def has_moved(self) -> bool:
        """Whether the layer is not as it was drawn."""
        return self.verdict in verdicts.MOVED


def among_trained(judgements: Sequence[Judgement], training: bool) -> list[Judgement]:
    """Return the judgements of a network's layers, each in view of the others.

    A layer that has too few weights to show a short training is not called initial where others have moved,
    unless the optimiser in the file never moved it, nor any other layer that has moved: those that have were
    trained before, as in a pretrained network.

    Args:
        judgements: One for each layer, in the order of the network.
        training: Whether something else in the file tells of training.
    """
    if not training and not any(each.tells_of_training for each in judgements):
        return list(judgements)
    pretrained = any(each.is_frozen and each.has_moved and not each.is_faint for each in judgements)
    return [each if each.is_frozen and not pretrained else each.otherwise or each for each in judgements]


def changed_since(judgement: Judgement, change: Change) -> Judgement:
    """Return the judgement of a layer that is as it was drawn, and yet differs from an earlier file."""
    return Judgement("updated", verdicts.why_changed_from(change, judgement.sentence))


def judge(subject: Subject, findings: Mapping[str, Finding], standing_out: int) -> Judgement:
    """Weigh the findings of a layer.

    Structure that passes Bonferroni's level decides (a tenth of it where the biases are as at the start and
    an initialiser fits); without it, whether values were set after they were drawn; without that, whatever
    moved from its start; without that, whether the weights could be an initialiser's.

    Args:
        subject: The layer.
        findings: What was found, by measure.
        standing_out: How many of its filters are smooth or rough by themselves.
    """
    judgement = _judge(subject, findings, standing_out)
    if subject.marked_frozen:
        judgement = _as_marked(judgement)
    return replace(judgement, is_frozen=True) if subject.optimised is False else judgement


def _as_marked(judgement: Judgement) -> Judgement:
    sentence = verdicts.as_marked(judgement.sentence, judgement.verdict)
    otherwise = None if judgement.otherwise is None else _as_marked(judgement.otherwise)
    if_folded = judgement.if_folded and verdicts.as_marked(judgement.if_folded, judgement.verdict)
    return replace(judgement, sentence=sentence, otherwise=otherwise, if_folded=if_folded)


def _judge(subject: Subject, findings: Mapping[str, Finding], standing_out: int) -> Judgement:
    matrix = next((fit for fit in subject.origin.fits if fit.family == "matrix"), None)
    if matrix is not None and not subject.moved and not subject.optimised:
        return _initial(subject, findings, matrix)
    changed = set_afterwards(subject, findings)
    level = LEVEL * (_CHANGED_FACTOR if changed else _UNTOUCHED_FACTOR if _looks_untouched(subject) else 1)
    tested = [findings[key] for key in STRUCTURE if key in findings]
    structure = [each for each in tested if each.p is not None and each.p < level]
    if _share_of_zeros(subject) > _ZEROS:
        structure = [
            each for each in structure if survives_shuffling(subject.kernels, each.measure, subject.account)
        ]
    component = findings.get(FirstComponent.key)
    if structure and component is not None and component.found:
        return _collapsed(component, findings.get(LowFrequency.key))
    if structure:
        is_faint = _looks_untouched(subject) and min(each.p or 0.0 for each in structure) >= _FAINT * LEVEL
        return _structured(structure, len(tested), findings, standing_out, is_faint=is_faint)
    if changed:
        how, short = changed
        return Judgement("undecided", verdicts.cannot_tell(verdicts.why_changed_since(how)), open=short)
    evidence = _evidence_of_change(subject, findings, level)
    if evidence:
        return _updated(findings, evidence, standing_out)
    return _without_evidence(subject, findings, standing_out)


def _looks_untouched(subject: Subject) -> bool:
    fits = LEVEL if subject.bias in ("zero", "drawn") else _BEST_OF_MANY
    return not subject.moved and not subject.optimised and subject.origin.p >= fits


def _structured(
    found: Sequence[Finding],
    n_tested: int,
    findings: Mapping[str, Finding],
    standing_out: int,
    *,
    is_faint: bool,
) -> Judgement:
    first, *agreeing = found
    evidence = MEASURES[first.measure].evidence(first)
    sentence = verdicts.why_structured(
        evidence, len(agreeing), n_tested - 1, _residue(findings), standing_out
    )
    return Judgement("structured", sentence, is_faint=is_faint)


def set_afterwards(subject: Subject, findings: Mapping[str, Finding]) -> tuple[str, verdicts.Open] | None:
    """Say how values were set after they were drawn or trained: pruned, rounded, standardised; or None.

    Args:
        subject: The layer.
        findings: What was found, by measure.
    """
    if not subject.moved and any(fit.family == "matrix" for fit in subject.origin.fits):
        return None
    zeros = _share_of_zeros(subject)
    quantised = findings.get(Quantised.key)
    has_few_values = quantised is not None and quantised.found
    has_zeros = zeros > _ZEROS and zeros * subject.kernels.size > 1
    if has_zeros and not (has_few_values and is_rounded(subject.kernels)):
        return verdicts.of_zeros(zeros), verdicts.PRUNED
    if quantised is not None and has_few_values:
        return quantised.text, verdicts.ROUNDED
    return (verdicts.STANDARDISED, verdicts.RESCALED) if subject.kernels.is_standardised else None


def _share_of_zeros(subject: Subject) -> float:
    return subject.kernels.n_zeros / subject.kernels.size


def _evidence_of_change(subject: Subject, findings: Mapping[str, Finding], level: float) -> str:
    """Say what no initialiser explains, or nothing."""
    if subject.moved:
        return findings[Bias.key].text
    if subject.optimised:
        return verdicts.OPTIMISED
    own = subject.rule.rule if subject.rule.known else None
    fits_own = any(fit.p >= LEVEL and own in fit.rules for fit in subject.origin.fits)
    bound = findings.get(Bound.key)
    if bound is not None and bound.found and _is_beyond_its_rule(subject, bound.value or 0.0):
        return bound.text
    tested = [findings[key] for key in STRENGTH if key in findings]
    uneven = next((each for each in tested if each.p is not None and each.p < level), None)
    return "" if uneven is None or fits_own else MEASURES[uneven.measure].evidence(uneven)


def _is_beyond_its_rule(subject: Subject, share: float) -> bool:
    """Tell whether weights beyond the bound of the network's rule were moved there, not drawn by another.

    The larger layers are draws of the rule, or bear its mark. Few weights fit one of many rules by chance, so
    that a fit of another says little where the others were trained and few weights lie beyond.
    """
    fits = any(fit.p >= _BEST_OF_MANY for fit in subject.origin.fits)
    return not fits or (subject.rule.traced and share < _MOST_BEYOND)


def _without_evidence(subject: Subject, findings: Mapping[str, Finding], standing_out: int) -> Judgement:
    """Judge a layer that shows no structure and whose biases tell nothing."""
    own = subject.rule.rule if subject.rule.known else None
    fits = [fit for fit in subject.origin.fits if fit.p >= (LEVEL if own in fit.rules else _BEST_OF_MANY)]
    free = [fit for fit in subject.free if fit.p >= LEVEL]
    n = subject.kernels.size
    if n < _MIN_WEIGHTS:
        return Judgement("undecided", verdicts.why_too_few(n), open=verdicts.TOO_FEW)
    if fits:
        return _initial(subject, findings, next((fit for fit in fits if own in fit.rules), fits[0]))
    if free and (subject.bias in ("zero", "drawn") or free[0].family == "uniform"):
        return _initial(subject, findings, free[0])
    if free:
        why = verdicts.why_another_distribution(free[0])
        is_odd = not any(fit.p >= _ODD for fit in subject.origin.fits if own is None or own in fit.rules)
        return Judgement("undecided", verdicts.cannot_tell(why), is_odd=is_odd, open=verdicts.UNKNOWN_SCALE)
    return _updated(findings, verdicts.OF_NO_INITIALISER, standing_out)


def _initial(subject: Subject, findings: Mapping[str, Finding], fit: Fit) -> Judgement:
    bias, ps = findings[Bias.key].text, _tests_of_structure(findings)
    if subject.optimised is False:
        bias = f"{bias}, {verdicts.NEVER_OPTIMISED}"
    sentence = verdicts.why_initial(fit, subject.called(fit), bias, ps, LEVEL)
    is_hinted = _is_hinted(findings, fit)
    if _would_show(subject, fit, is_hinted):
        return Judgement("initial", sentence)
    reason = verdicts.why_too_few_to_see(subject.kernels.size, subject.called(fit))
    otherwise = Judgement("undecided", verdicts.cannot_tell(reason), open=verdicts.TOO_FEW_TO_SEE)
    return Judgement("initial", sentence, otherwise)


def _is_hinted(findings: Mapping[str, Finding], fit: Fit) -> bool:
    """Tell whether the fit, or a test of structure or strength, hints at a change that it does not prove."""
    ps = [findings[key].p for key in (*STRUCTURE, *STRENGTH) if key in findings]
    known = [p for p in ps if p is not None]
    return fit.p < _HINT or (bool(known) and min(known) * len(known) < _HINT)


def _would_show(subject: Subject, fit: Fit, is_hinted: bool) -> bool:
    """Tell whether training would have left a trace, were there any.

    In the batch normalisation behind the layer it would, and in biases that begin at 0. Where the mark of the
    draws can be measured, nearly all of them must still be there. Normal draws have no bound that a weight
    could pass: a hint may be all the trace that they show.
    """
    is_own = subject.rule.known and subject.rule.rule in fit.rules
    if subject.at_start_behind or (subject.bias == "zero" and (is_own or subject.biases_moved)):
        return True
    if is_own and subject.residue.share is not None:
        return subject.residue.low >= _NEARLY_ALL
    may_be_trace = is_hinted and fit.family == "normal"
    return would_show(fit, subject.rule, subject.kernels.size) and not may_be_trace


def _updated(findings: Mapping[str, Finding], evidence: str, standing_out: int) -> Judgement:
    told = evidence, _tests_of_structure(findings), LEVEL
    sentence = verdicts.why_updated(*told, _residue(findings), standing_out)
    if_folded = verdicts.why_updated(*told, "", standing_out, may_be_folded=True)
    return Judgement("updated", sentence, if_folded=if_folded)


def _collapsed(component: Finding, frequency: Finding | None) -> Judgement:
    text = ""
    if frequency is not None and frequency.found:
        text = MEASURES[LowFrequency.key].evidence(frequency)
    return Judgement("collapsed", verdicts.why_collapsed(component.value or 0.0, text))


def _tests_of_structure(findings: Mapping[str, Finding]) -> list[float]:
    """Return what the tests of structure gave that could be taken."""
    ps = [findings[key].p for key in STRUCTURE if key in findings]
    return [p for p in ps if p is not None]


def _residue(findings: Mapping[str, Finding]) -> str:
    """Say how much initial noise is left; empty where it cannot be told."""
    residue = findings[NoiseResidue.key]
    return "" if residue.value is None and at_least(residue) is None else residue.text


_SHUFFLES = 39
_DEVIATIONS = 5.0
"""Standard deviations of the shuffles that a statistic must be off their mean, beyond all of them."""

_FEWEST = 500
"""Weights that are not 0; of fewer a test finds what shuffles seldom have, too often."""

_WORK = 100
"""Of each weight in each shuffle."""


def _share(kernels: Kernels) -> float | None:
    test = layer_share(kernels, band_energies(kernels))
    return None if test is None else test.z


def _sphericity(kernels: Kernels) -> float | None:
    test = sign_sphericity(kernels)
    return None if test is None else test.q


def _spike(kernels: Kernels) -> float | None:
    test = largest_eigenvalue(kernels)
    return None if test is None else test.s


_STATISTICS: dict[str, Callable[[Kernels], float | None]] = {
    "low-frequency": _share,
    "sphericity": _sphericity,
    "spike": _spike,
}


def survives_shuffling(kernels: Kernels, measure: str, account: Account, seed: int = 0) -> bool:
    """Tell whether a test finds more in a layer than in the same weights shuffled within each filter.

    Kernels of which most weights are 0 point along the axes: draws or not, no test of directions expects
    that. Shuffled, and with signs turned at random, they are as sparse and have no structure.

    Args:
        kernels: The layer.
        measure: The key of the test.
        account: What shuffling may take.
        seed: Of the shuffles.

    Raises:
        BudgetError: it would take more.
    """
    statistic = _STATISTICS[measure]
    found = statistic(kernels)
    if found is None or np.count_nonzero(kernels.flat) < _FEWEST:
        return False
    account.spend("work", _WORK * _SHUFFLES * kernels.size, "comparing with shuffled weights")
    random = np.random.default_rng(seed)
    chance = []
    for _ in range(_SHUFFLES):
        rows = random.permuted(kernels.rows, axis=1)
        rows *= random.choice([-1.0, 1.0], rows.shape)
        chance.append(statistic(Kernels(rows.reshape(kernels.shape))) or 0.0)
    spread = float(np.std(chance))
    off = np.abs(np.array(chance) - np.mean(chance)).max()
    return abs(found - float(np.mean(chance))) > max(_DEVIATIONS * spread, float(off))
