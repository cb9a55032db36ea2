"""How much of what is seen still is the initial noise?

Uniform initial weights leave a mark that training only blurs: w = u + d with u ~ U(-A, A) and the change
d ~ πN(0, s₁²) + (1-π)N(0, s₂²). The residue R² = (A²/3)/(A²/3 + Var d) estimates cos²(w, u).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filtviz.measures.catalogue import CATALOGUE, Rule
from filtviz.measures.kernels import Kernels
from filtviz.measures.measure import Finding, Measure
from filtviz.measures.mixture import (
    USUAL,
    BinnedMagnitudes,
    MixtureFit,
    Search,
    bin_magnitudes,
    fit_mixtures,
)
from filtviz.text import about

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = [
    "Magnitudes",
    "NoiseResidue",
    "Residue",
    "estimate_residues",
    "likeliest_uniform_rule",
    "noise_residue",
]

_MIN_EVIDENCE = 12.0
_MAX_MISFIT = 6.6
_MIN_RMS = 0.97
_MAX_DISAGREEMENT = 0.12
_SMALLEST_BOUND = 0.05

_Start = tuple[float, float, float]

_STARTS: tuple[_Start, ...] = (
    (math.log(0.2), math.log(0.8), 0.0),
    (math.log(0.05), math.log(0.4), math.log(0.7 / 0.3)),
)
"""Where a search begins: log s₁, log s₂ and logit π."""

_STARTS_WITHOUT: tuple[_Start, ...] = (
    (math.log(0.7), math.log(1.1), 0.0),
    (math.log(0.5), math.log(1.5), 1.0),
)
_FREE_BOUND = 1.6


class NoiseResidue(Measure):
    """The share of the visible variance that is what the initialiser drew."""

    key = "residue"
    title = "Noise residue R²"
    formula = (
        "w = u + d, u ~ U(−A, A), d ~ πN(0, s₁²) + (1−π)N(0, s₂²), by binned maximum likelihood; R² = "
        "(A²/3)/(A²/3 + Var d), which estimates cos² between the weights and their initial values"
    )
    null = "none: an estimate, reported only behind a gate"
    short_null = "– (gated)"
    counts_if = (
        "likelihood ratio against A → 0 over 12; free A against the catalogue's under 6.6; rms at least "
        ".97 of the initial one; |R² free − R² fixed| < .12"
    )
    supports = '"about 93% of the visible variance is still the initial noise"'
    cannot_say = (
        "Nothing where the first weights were normal or orthogonal, or shrunk by weight decay: then the "
        "gate stays shut and it says that it cannot tell. Mean absolute error .02 where the gate opens."
    )
    source = "this project: the likelihood of a uniform draw plus a change"

    def take(self, subject: Subject) -> Finding:
        """Say the estimate, or why there is none."""
        residue = subject.residue
        if residue.share is None:
            text = f"cannot tell, because {residue.reason}"
            return self.finding(value=None, text=text, reason=residue.reason)
        text = f"{about(residue.share)} of the visible variance is still the initial noise"
        return self.finding(value=residue.share, found=True, text=text)


@dataclass(frozen=True, eq=False)
class Magnitudes:
    """What an estimate needs of a layer: its shape, its rms, and its magnitudes in bins."""

    shape: tuple[int, int, int, int]
    rms: float
    counted: BinnedMagnitudes

    @classmethod
    def of(cls, kernels: Kernels) -> Magnitudes:
        """Count the magnitudes of a layer; some must not be 0."""
        return cls(kernels.shape, kernels.rms, bin_magnitudes(kernels))


@dataclass(frozen=True)
class Residue:
    """The share of initial noise, or why it cannot be told.

    ``share`` is None where the gate stays shut; ``reason`` then completes "cannot tell, because …".
    ``evidence`` is the likelihood ratio against no uniform part, ``misfit`` that of a free bound against the
    rule's.
    """

    share: float | None
    reason: str = ""
    evidence: float = math.nan
    misfit: float = math.inf


def noise_residue(kernels: Kernels, rule: Rule) -> Residue:
    """Estimate R² of one layer with the bound of ``rule``; see `estimate_residues`."""
    return estimate_residues([(Magnitudes.of(kernels), rule)])[0]


def estimate_residues(questions: Sequence[tuple[Magnitudes, Rule]]) -> list[Residue]:
    """Estimate R² of layers, each with the bound of a rule, and report it only where four conditions hold.

    The likelihood ratio against no uniform part is over 12; that of a free bound against the rule's is under
    6.6 (1 % of χ² with one degree); the rms is at least .97 of the initial one (weight decay shrinks the
    initial weights, which the model does not know); the two estimates differ by less than .12.
    """
    reasons = [_why_not_tried(layer, rule) for layer, rule in questions]
    tried = [question for question, reason in zip(questions, reasons, strict=True) if not reason]
    estimates = iter(_estimate(tried))
    return [Residue(None, reason) if reason else next(estimates) for reason in reasons]


def _why_not_tried(layer: Magnitudes, rule: Rule) -> str:
    if rule.family != "uniform":
        return f"{rule.name} draws normal numbers, which leave no such trace"
    if layer.rms < _MIN_RMS * rule.std(layer.shape):
        return "the weights have shrunk, as under weight decay"
    if rule.bound(layer.shape) / layer.rms < _SMALLEST_BOUND:
        return "the weights have outgrown the initial ones"
    return ""


def _estimate(questions: Sequence[tuple[Magnitudes, Rule]]) -> list[Residue]:
    """Fit with the rule's bound, with none, and with a free one, all layers and rules at once.

    One search with a free bound begins where that with the rule's has ended, so that it is never the worse.
    """
    layers = list({id(layer): layer for layer, _ in questions}.values())
    fixed = _best_fits(
        [
            [
                Search(layer.counted, start, rule.bound(layer.shape) / layer.rms)
                for start in _starts(layer, _STARTS)
            ]
            for layer, rule in questions
        ]
        + [
            [Search(layer.counted, start, 0.0) for start in _starts(layer, _STARTS_WITHOUT)]
            for layer in layers
        ]
    )
    without = dict(zip(map(id, layers), fixed[len(questions) :], strict=True))
    free = _best_fits(
        [
            [
                Search(layer.counted, _STARTS[0], _FREE_BOUND, free=True),
                Search(layer.counted, fit.shape, fit.bound, free=True),
            ]
            for (layer, _), fit in zip(questions, fixed, strict=False)
        ]
    )
    return [
        _weigh(rule, own, loose, without[id(layer)])
        for (layer, rule), own, loose in zip(questions, fixed, free, strict=False)
    ]


def _starts(layer: Magnitudes, usual: tuple[_Start, ...]) -> tuple[_Start, ...]:
    """Return where searches begin; where some weights are far out, one begins with a change as wide."""
    largest = float(layer.counted.edges[-1])
    far_out = (math.log(0.2), math.log(largest / 3), math.log(9))
    return (*usual, far_out) if largest > USUAL else usual


def _best_fits(searches: Sequence[Sequence[Search]]) -> list[MixtureFit]:
    """Return the best fit of each group of searches; all are followed in one batch."""
    fits = iter(fit_mixtures([each for group in searches for each in group]))
    return [min(next(fits) for _ in group) for group in searches]


def _weigh(rule: Rule, fixed: MixtureFit, free: MixtureFit, without: MixtureFit) -> Residue:
    """Open the gate, or say which condition keeps it shut."""
    evidence, misfit = 2 * (without.cost - free.cost), 2 * (fixed.cost - free.cost)
    reason = ""
    if evidence <= _MIN_EVIDENCE:
        reason = "the values show no trace of uniform draws"
    elif misfit >= _MAX_MISFIT:
        reason = f"the trace of uniform draws does not end at {rule.name}'s bound"
    elif abs(free.residue - fixed.residue) >= _MAX_DISAGREEMENT:
        reason = "two ways to estimate it disagree"
    return Residue(None if reason else fixed.residue, reason, evidence, misfit)


def likeliest_uniform_rule(layers: Sequence[Magnitudes]) -> Rule | None:
    """Return the uniform rule whose trace most of the layers bear, or None where none bears any.

    Of rules that serve as many layers, the one under which these are likelier.
    """
    rules = [rule for rule in CATALOGUE if rule.family == "uniform"]
    residues = estimate_residues([(layer, rule) for rule in rules for layer in layers])
    best = (0, 0.0)
    chosen = None
    for place, rule in enumerate(rules):
        own = residues[place * len(layers) : (place + 1) * len(layers)]
        score = sum(each.share is not None for each in own), -sum(each.misfit for each in own)
        if score[0] > 0 and (chosen is None or score > best):
            best, chosen = score, rule
    return chosen
