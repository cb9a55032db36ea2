"""From the findings of a layer to its verdict and the sentence that says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from filtviz.measures.findings import Finding, Verdict
from filtviz.measures.initialisers import Fit
from filtviz.measures.subject import Subject
from filtviz.measures.table import LEVEL, VERDICTS
from filtviz.measures.wording import p_value, percent

__all__ = ["Judgement", "judge"]

_MIN_WEIGHTS = 50
"""Weights under which nothing found is no evidence of anything."""

_UNTOUCHED_FACTOR = 0.1
"""How much surer structure must be where all else says that a layer was never touched."""

_STRUCTURE = ("low-frequency", "sphericity", "filter-energy", "channel-energy", "spike")


@dataclass(frozen=True)
class Judgement:
    """A verdict and the sentence that says why, without the layer's name."""

    verdict: Verdict
    sentence: str


def judge(subject: Subject, findings: Mapping[str, Finding], standing_out: int) -> Judgement:
    """Weigh the findings of a layer, by measure; ``standing_out`` counts the filters that are marked.

    Structure that passes Bonferroni's level decides (a tenth of it where the biases are still 0 and an
    initialiser fits); without it, whatever moved from its start; without that, whether the weights could be
    an initialiser's.
    """
    level = LEVEL * (_UNTOUCHED_FACTOR if _looks_untouched(subject) else 1)
    tested = [findings[key] for key in _STRUCTURE if key in findings]
    structure = [each for each in tested if each.p is not None and each.p < level]
    component = findings.get("first-component")
    if structure and component is not None and component.found:
        return Judgement("collapsed", _collapsed(findings, component))
    if structure:
        alone = "" if standing_out else "; none of its filters stands out by itself"
        return Judgement("structured", f"{_structured(findings, structure)}{alone}")
    if subject.moved:
        return Judgement("updated", _updated(findings, findings["bias"].reading))
    if subject.rule.traced and "bound" in findings and findings["bound"].found:
        # The largest layers bear the trace of an initialiser that cannot have drawn these weights.
        return Judgement("updated", _updated(findings, findings["bound"].reading))
    return _without_evidence(subject, findings)


def _looks_untouched(subject: Subject) -> bool:
    return subject.bias == "zero" and not subject.moved and subject.origin.p >= LEVEL


def _without_evidence(subject: Subject, findings: Mapping[str, Finding]) -> Judgement:
    """Judge a layer that shows no structure and whose biases tell nothing."""
    fits = [fit for fit in subject.origin.fits if fit.p >= LEVEL]
    free = [fit for fit in subject.origin.free if fit.p >= LEVEL]
    if subject.kernels.size < _MIN_WEIGHTS:
        n = subject.kernels.size
        return Judgement("undecided", f"too few weights to tell ({n}): nothing stands out, but nothing could")
    if fits:
        return Judgement("initial", _initial(findings, fits[0]))
    if free and (subject.bias == "zero" or free[0].name.startswith("uniform")):
        return Judgement("initial", _initial(findings, free[0], of_the_catalogue=False))
    if free:
        why = f"its weights are as {free[0].name}, which no initialiser of the catalogue gives"
        return Judgement(
            "undecided", f"cannot tell, because {why}, and it has no biases that would tell more"
        )
    return Judgement("updated", _updated(findings, "no initialiser of any scale draws such weights"))


def _initial(findings: Mapping[str, Finding], fit: Fit, of_the_catalogue: bool = True) -> str:
    how = "an orthogonal matrix" if fit.name.startswith("Orthogonal") else f"KS {p_value(fit.p)}"
    drawn = f"its weights are as {fit.name} draws them ({how})"
    if not of_the_catalogue:
        drawn = f"its weights are as {fit.name} ({p_value(fit.p)}), a scale that is no default of Lasagne's"
    return f"{VERDICTS['initial']}: {drawn}, {findings['bias'].reading}, {_nothing_found(findings)}"


def _updated(findings: Mapping[str, Finding], evidence: str) -> str:
    return (
        f"was updated ({evidence}), but no filter structure can be detected: {_nothing_found(findings)}"
        f"{_residue(findings)}"
    )


def _structured(findings: Mapping[str, Finding], structure: list[Finding]) -> str:
    first, *others = structure
    n_others = sum(key in findings for key in _STRUCTURE) - 1
    agree = f", and {len(others)} of {n_others} other tests find structure too" if others else ""
    return f"{VERDICTS['structured']}: {_evidence(first)}{agree}{_residue(findings)}"


def _collapsed(findings: Mapping[str, Finding], component: Finding) -> str:
    share = percent(component.value or 0.0)
    shape = findings["low-frequency"].reading if "low-frequency" in findings else ""
    return (
        f"{VERDICTS['collapsed']}: the first principal component holds {share} of its filters "
        f"(random ones: {p_value(component.p or 0.0)}); {shape}"
    ).removesuffix("; ")


def _nothing_found(findings: Mapping[str, Finding]) -> str:
    ps = [findings[key].p for key in _STRUCTURE if key in findings]
    known = [p for p in ps if p is not None]
    if not known:
        return "and it is too small for any test of structure"
    if min(known) < LEVEL:
        return f"which outweighs the strongest of {len(known)} tests of structure ({p_value(min(known))})"
    passes = f"none of {len(known)} tests" if len(known) > 1 else "no test"
    return f"{passes} of structure passes {LEVEL:.4f} (smallest {p_value(min(known))})"


def _evidence(finding: Finding) -> str:
    """Say what a test found, with its p-value; the shares beside what noise has."""
    reading, _, z = finding.reading.partition(" (z = ")
    value = f"z = {z.removesuffix(')')}, " if z else ""
    return f"{reading} ({value}{p_value(finding.p or 0.0)})"


def _residue(findings: Mapping[str, Finding]) -> str:
    """Say how much initial noise is left, where it can be told."""
    return f"; {findings['residue'].reading}" if findings["residue"].value is not None else ""
