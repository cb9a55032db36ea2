"""From the findings of a layer to its verdict and the sentence that says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filtviz.measures.bias import Bias
from filtviz.measures.catalogue import Fit
from filtviz.measures.directions import FirstComponent
from filtviz.measures.initialiser import Bound
from filtviz.measures.low_frequency import LowFrequency
from filtviz.measures.measure import Finding, Verdict
from filtviz.measures.residue import NoiseResidue
from filtviz.measures.table import LEVEL, MEASURES, STRUCTURE, VERDICTS
from filtviz.text import p_value, percent

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
        return Judgement("collapsed", _collapsed(findings, component))
    if structure:
        alone = "" if standing_out else "; none of its filters stands out by itself"
        return Judgement("structured", f"{_structured(findings, structure, len(tested))}{alone}")
    if subject.moved:
        return Judgement("updated", _updated(findings, findings[Bias.key].text))
    bound = findings.get(Bound.key)
    if subject.rule.traced and bound is not None and bound.found:
        # The largest layers bear the trace of an initialiser that cannot have drawn these weights.
        return Judgement("updated", _updated(findings, bound.text))
    return _without_evidence(subject, findings)


def _looks_untouched(subject: Subject) -> bool:
    return subject.bias == "zero" and not subject.moved and subject.origin.p >= LEVEL


def _without_evidence(subject: Subject, findings: Mapping[str, Finding]) -> Judgement:
    """Judge a layer that shows no structure and whose biases tell nothing."""
    fits = [fit for fit in subject.origin.fits if fit.p >= LEVEL]
    free = [fit for fit in subject.origin.free if fit.p >= LEVEL]
    n = subject.kernels.size
    if n < _MIN_WEIGHTS:
        return Judgement("undecided", f"too few weights to tell ({n}): nothing stands out, but nothing could")
    if fits:
        return Judgement("initial", _initial(findings, _as_catalogued(fits[0])))
    if free and (subject.bias == "zero" or free[0].family == "uniform"):
        return Judgement("initial", _initial(findings, _as_of_its_own_scale(free[0])))
    if free:
        why = f"its weights are as {free[0].name}, which no initialiser of the catalogue gives"
        return Judgement(
            "undecided", f"cannot tell, because {why}, and it has no biases that would tell more"
        )
    return Judgement("updated", _updated(findings, "no initialiser of any scale draws such weights"))


def _as_catalogued(fit: Fit) -> str:
    how = "an orthogonal matrix" if fit.family == "orthogonal" else f"KS {p_value(fit.p)}"
    return f"its weights are as {fit.name} draws them ({how})"


def _as_of_its_own_scale(fit: Fit) -> str:
    return f"its weights are as {fit.name} ({p_value(fit.p)}), a scale that is no default of Lasagne's"


def _initial(findings: Mapping[str, Finding], drawn: str) -> str:
    return f"{VERDICTS['initial'].says}: {drawn}, {findings[Bias.key].text}, {_nothing_found(findings)}"


def _updated(findings: Mapping[str, Finding], evidence: str) -> str:
    return (
        f"was updated ({evidence}), but no filter structure can be detected: {_nothing_found(findings)}"
        f"{_residue(findings)}"
    )


def _structured(findings: Mapping[str, Finding], structure: Sequence[Finding], n_tests: int) -> str:
    first, *others = structure
    agree = f", and {len(others)} of {n_tests - 1} other tests find structure too" if others else ""
    evidence = MEASURES[first.measure].evidence(first)
    return f"{VERDICTS['structured'].says}: {evidence}{agree}{_residue(findings)}"


def _collapsed(findings: Mapping[str, Finding], component: Finding) -> str:
    share = percent(component.value or 0.0)
    frequency = findings.get(LowFrequency.key)
    shape = "" if frequency is None else f"; {frequency.text}"
    return (
        f"{VERDICTS['collapsed'].says}: the first principal component holds {share} of its filters "
        f"(random ones: {p_value(component.p or 0.0)}){shape}"
    )


def _nothing_found(findings: Mapping[str, Finding]) -> str:
    ps = [findings[key].p for key in STRUCTURE if key in findings]
    known = [p for p in ps if p is not None]
    if not known:
        return "and it is too small for any test of structure"
    if min(known) < LEVEL:
        return f"which outweighs the strongest of {len(known)} tests of structure ({p_value(min(known))})"
    passes = f"none of {len(known)} tests" if len(known) > 1 else "no test"
    return f"{passes} of structure passes {LEVEL:.4f} (smallest {p_value(min(known))})"


def _residue(findings: Mapping[str, Finding]) -> str:
    """Say how much initial noise is left, where it can be told."""
    residue = findings[NoiseResidue.key]
    return f"; {residue.text}" if residue.value is not None else ""
