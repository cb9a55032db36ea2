"""Which verdict the findings of a layer make; the words of each are in `filtviz.measures.verdicts`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filtviz.measures import verdicts
from filtviz.measures.bias import Bias
from filtviz.measures.directions import FirstComponent
from filtviz.measures.initialiser import Bound
from filtviz.measures.low_frequency import LowFrequency
from filtviz.measures.measure import Finding, Verdict
from filtviz.measures.residue import NoiseResidue
from filtviz.measures.table import LEVEL, MEASURES, STRUCTURE

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = ["Judgement", "judge"]

_MIN_WEIGHTS = 50
"""Weights under which nothing found is no evidence of anything."""

_UNTOUCHED_FACTOR = 0.1
"""How much surer structure must be where all else says that a layer was never touched."""


@dataclass(frozen=True)
class Judgement:
    """A verdict and the sentence that says why, without the layer's name."""

    verdict: Verdict
    sentence: str


def judge(subject: Subject, findings: Mapping[str, Finding], standing_out: int) -> Judgement:
    """Weigh the findings of a layer.

    Structure that passes Bonferroni's level decides (a tenth of it where the biases are still 0 and an
    initialiser fits); without it, whatever moved from its start; without that, whether the weights could be
    an initialiser's.

    Args:
        subject: The layer.
        findings: What was found, by measure.
        standing_out: How many of its filters are smooth or rough by themselves.
    """
    level = LEVEL * (_UNTOUCHED_FACTOR if _looks_untouched(subject) else 1)
    tested = [findings[key] for key in STRUCTURE if key in findings]
    structure = [each for each in tested if each.p is not None and each.p < level]
    component = findings.get(FirstComponent.key)
    if structure and component is not None and component.found:
        return _collapsed(component, findings.get(LowFrequency.key))
    if structure:
        first, *agreeing = structure
        evidence = MEASURES[first.measure].evidence(first)
        sentence = verdicts.why_structured(
            evidence, len(agreeing), len(tested) - 1, _residue(findings), standing_out
        )
        return Judgement("structured", sentence)
    if subject.moved:
        return _updated(findings, findings[Bias.key].text)
    bound = findings.get(Bound.key)
    if subject.rule.traced and bound is not None and bound.found:
        # The largest layers bear the trace of an initialiser that cannot have drawn these weights.
        return _updated(findings, bound.text)
    return _without_evidence(subject, findings)


def _looks_untouched(subject: Subject) -> bool:
    return subject.bias == "zero" and not subject.moved and subject.origin.p >= LEVEL


def _without_evidence(subject: Subject, findings: Mapping[str, Finding]) -> Judgement:
    """Judge a layer that shows no structure and whose biases tell nothing."""
    fits = [fit for fit in subject.origin.fits if fit.p >= LEVEL]
    free = [fit for fit in subject.origin.free if fit.p >= LEVEL]
    n = subject.kernels.size
    if n < _MIN_WEIGHTS:
        return Judgement("undecided", verdicts.why_too_few(n))
    if free and not fits and (subject.bias == "zero" or free[0].family == "uniform"):
        fits = free
    if fits:
        bias, ps = findings[Bias.key].text, _tests_of_structure(findings)
        return Judgement("initial", verdicts.why_initial(fits[0], bias, ps, LEVEL))
    if free:
        return Judgement("undecided", verdicts.cannot_tell(verdicts.why_another_distribution(free[0])))
    return _updated(findings, verdicts.OF_NO_INITIALISER)


def _updated(findings: Mapping[str, Finding], evidence: str) -> Judgement:
    ps = _tests_of_structure(findings)
    return Judgement("updated", verdicts.why_updated(evidence, ps, LEVEL, _residue(findings)))


def _collapsed(component: Finding, frequency: Finding | None) -> Judgement:
    text = "" if frequency is None else frequency.text
    return Judgement("collapsed", verdicts.why_collapsed(component.value or 0.0, component.p or 0.0, text))


def _tests_of_structure(findings: Mapping[str, Finding]) -> list[float]:
    """Return what the tests of structure gave that could be taken."""
    ps = [findings[key].p for key in STRUCTURE if key in findings]
    return [p for p in ps if p is not None]


def _residue(findings: Mapping[str, Finding]) -> str:
    """Say how much initial noise is left; empty where it cannot be told."""
    residue = findings[NoiseResidue.key]
    return residue.text if residue.value is not None else ""
