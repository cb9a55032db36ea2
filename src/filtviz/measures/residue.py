"""How much of what is seen still is the initial noise?

Initial weights whose law ends at a bound (uniform draws, and normal ones that are cut) leave a mark that
training only blurs: w = λu + d, with u what was drawn and d the change (see `filtviz.measures.mixture`). The
residue R² = λ² Var u/(λ² Var u + Var d) estimates cos² between the weights and their initial values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from filtviz.measures.initialiser_catalogue import Draws, Family, Fans, Rule, possible_draws
from filtviz.measures.kernels import Floats, Kernels
from filtviz.measures.low_frequency import low_band
from filtviz.measures.measure import Change, Finding, Measure
from filtviz.measures.mixture import (
    SCALES,
    BinnedMagnitudes,
    bin_magnitudes,
    fit_changes,
    fit_smooth,
)
from filtviz.text import about, over, percent, printable

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = [
    "Magnitudes",
    "NoiseResidue",
    "Residue",
    "at_least",
    "estimate_residues",
    "hidden",
    "likeliest_rule",
    "measured",
]

_BOUNDED: tuple[Family, ...] = ("uniform", "cut normal")
"""The families of draws that end somewhere."""

_MIN_EVIDENCE = 15.0
_MOST_UNSURE = 0.085
"""The gate: the likelihood ratio against a smooth law, and half the interval."""

_MOSTLY = 0.5
"""From where the lower end of a wider interval is told by itself."""

_TEMPER = 2.0
"""What the log likelihood of λ is divided by: weights of a trained layer are not independent."""

_LOOSE, _FIXED = 0.2, 0.004
_WIDE, _WIDE_SHARE = 0.12, 0.05
"""What is expected of log λ: N(0, (.2(1-R²) + .004)²), and in one layer of twenty N(0, .12²)."""

_UNSURE, _UNSURE_OF_FEW, _ANYHOW = 0.1, 2.0, 0.006
"""The standard error of an estimate beside that of λ: .1(1-R²), 2 √((1-R²)/weights), and .003 in any case."""

_IMPOSSIBLE_SCALE = 0.7
"""Of the initial rms: under it λ is not among those that are tried."""

_NEAR, _RATHER = 0.075, 2.0
"""Where λ beyond ± .075 (its log) are likelier than all within by this log likelihood, the draws were others,
or were shrunk or grown as a whole."""

_FARTHEST, _FIXED_FARTHEST = 0.13, 0.065
"""The log of a layer's likeliest λ beyond which its draws were not those of a rule. One of a fixed scale goes
along with no layer's size, and is met by chance more easily."""

_MANY_ERRORS = 2.5
"""Standard errors by which the estimate may pass what the frequencies allow."""

_LEAST_FREEDOM = 1 / 3
_SOME = 128
"""The share of independent directions under which nothing is estimated, and the filters that tell it."""

_MARGIN = 8.0
"""Log likelihood by which a rule must serve better than every other to be taken for the network's."""


class NoiseResidue(Measure):
    """The share of the visible variance that is what the initialiser drew."""

    key = "residue"
    title = "Noise residue R²"
    meaning = (
        "How much of the picture still is the noise that the layer began with? At 90% a filter looks "
        "almost as it did before training, although what it learned may matter most."
    )
    formula = (
        "w = λu + d, u the initial draw, d a mixture of normal changes and of steps of about one size, by "
        "maximum likelihood over bins; "
        "R² = λ² Var u/(λ² Var u + Var d), averaged over λ; it estimates cos² between the weights and their "
        "initial values"
    )
    null = "none: an estimate with an interval that should hold the truth in 95 of 100 layers"
    short_null = "– (interval)"
    counts_if = (
        "likelihood ratio against a smooth law over 15; half the interval at most .085, which takes an "
        "R² of about .6; no more than the high frequencies allow; of a wider interval the lower end, where "
        "it is at least .5"
    )
    supports = '"about 93% (over 75%) of the visible variance is still the initial noise"'
    cannot_say = (
        "Nothing where the first weights were normal or orthogonal, which leave no such mark, nor where the "
        "initialiser is not known: then it says that it cannot tell. docs/calibration.md has its errors."
    )
    source = "this project: the likelihood of a bounded draw plus a change"

    def take(self, subject: Subject) -> Finding:
        """Say the estimate, or why there is none."""
        residue = subject.residue
        # Of what the default draws there need be no trace where it is not known to have drawn.
        reason = residue.reason and (residue.reason if subject.rule.known else "its initialiser is not known")
        told = residue.share is not None or residue.least is not None
        if told and residue.low > _most_noise(subject):
            reason = "its kernels are smoother than so much noise would be"
        elif residue.least is not None and subject.rule.known:
            text = f"{over(residue.least)} of the visible variance is still the initial noise"
            interval = (residue.least, residue.high)
            return self.finding(value=None, interval=interval, text=text, reason=reason, found=True)
        if reason or residue.share is None:
            return self.finding(value=None, text=f"cannot tell, because {reason}", reason=reason)
        between = f" ({percent(residue.low)} to {percent(residue.high)})"
        text = f"{about(residue.share)} of the visible variance is still the initial noise{between}"
        return self.finding(value=residue.share, interval=(residue.low, residue.high), found=True, text=text)


def _most_noise(subject: Subject) -> float:
    """Return how much of a layer can be noise, by the share of the energy that is not in low frequencies.

    Noise has its even part there; by 2.5 standard errors less than that may be chance.
    """
    kernels = subject.kernels
    n_high = int((~low_band(*kernels.shape[2:])).sum())
    if not n_high:
        return 1.0
    high = 1 - float(subject.low_energy.sum() / kernels.energy.sum())
    error = math.sqrt(2 / (n_high * kernels.n_kernels))
    return high * kernels.n_positions / n_high * (1 + _MANY_ERRORS * error)


def at_least(finding: Finding) -> float | None:
    """Return the least that the share can be, where a finding tells that alone."""
    return finding.interval[0] if finding.value is None and finding.interval is not None else None


def hidden() -> Finding:
    """Return that nothing can be said where values were changed after they were drawn or trained."""
    reason = "its values were changed afterwards"
    return Finding(measure=NoiseResidue.key, value=None, text=f"cannot tell, because {reason}", reason=reason)


def measured(change: Change) -> Finding | None:
    """Return what an earlier file measures in the place of the estimate, or None for nothing."""
    if change.cos2 is None:
        return None
    text = f"{percent(change.cos2)} of the visible variance was in {printable(change.before, 200)} already"
    return Finding(measure=NoiseResidue.key, value=change.cos2, found=True, text=text)


@dataclass(frozen=True, eq=False)
class Magnitudes:
    """What an estimate needs of a layer: its size, its rms, and its magnitudes in bins.

    ``freedom`` is how many directions its filters spread over, as a share of those that independent draws do.
    """

    fans: Fans
    size: int
    rms: float
    counted: BinnedMagnitudes
    freedom: float = 1.0

    @classmethod
    def of(cls, kernels: Kernels, fans: Fans | None = None) -> Magnitudes:
        """Count the magnitudes of a layer; some must not be 0."""
        counted = bin_magnitudes(kernels)
        return cls(fans or Fans.of(kernels.shape), kernels.size, kernels.rms, counted, _freedom(kernels))


def _freedom(kernels: Kernels) -> float:
    """Return the participation ratio (Σλ)²/Σλ² of some filters over that of noise, nd/(n+d)."""
    rows = kernels.rows[:: -(-kernels.n_filters // _SOME)]
    n, d = rows.shape
    gram = rows @ rows.T if n <= d else rows.T @ rows
    squares = float((gram**2).sum())
    return float(np.trace(gram)) ** 2 / squares * (n + d) / (n * d) if squares > 0 else 0.0


@dataclass(frozen=True)
class Residue:
    """The share of initial noise, or why it cannot be told.

    ``share`` is None where the gate stays shut; ``reason`` then completes "cannot tell, because …". The truth
    should lie between ``low`` and ``high`` in 95 of 100 layers. ``evidence`` is the likelihood ratio against
    a smooth law. ``least`` is the lower end of an interval too wide for an estimate, where it is over a half.
    """

    share: float | None
    reason: str = ""
    low: float = 0.0
    high: float = 1.0
    evidence: float = math.nan
    least: float | None = None


def estimate_residues(questions: Sequence[tuple[Magnitudes, Draws]]) -> list[Residue]:
    """Estimate R² of layers, each with the draws that it began as.

    It is reported where the likelihood ratio against a smooth law is over 15, and where half of its interval
    is at most .085; of a wider interval the lower end, where it is at least .5.
    """
    reasons = [_why_not_tried(layer, draws) for layer, draws in questions]
    found: dict[int, Residue] = {}
    for family in _BOUNDED:
        tried = [
            place
            for place, (_, draws) in enumerate(questions)
            if draws.family == family and not reasons[place]
        ]
        if tried:
            layers = [questions[place][0] for place in tried]
            units = [questions[place][1].std / questions[place][0].rms for place in tried]
            counted = [layer.counted for layer in layers]
            fits = fit_changes(family, counted, units, scaled=True, stepped=True)
            smooth = fit_smooth(counted, units)
            for row, (place, layer, unit) in enumerate(zip(tried, layers, units, strict=True)):
                found[place] = _weigh(
                    layer.size, unit, fits.likelihoods[row], fits.variances[row], float(smooth[row])
                )
    return [Residue(None, reason) if reason else found[place] for place, reason in enumerate(reasons)]


def _why_not_tried(layer: Magnitudes, draws: Draws) -> str:
    if draws.family == "normal":
        return "its initialiser draws normal numbers, which leave no mark"
    if layer.freedom < _LEAST_FREEDOM:
        return "its filters have so much in common that their weights are no separate evidence"
    if layer.rms < _IMPOSSIBLE_SCALE * draws.std:
        return "the weights have shrunk since they were drawn"
    return ""


def _weigh(n: int, unit: float, likelihoods: Floats, variances: Floats, smooth: float) -> Residue:
    """Average R² over λ, and open the gate or say which condition keeps it shut."""
    evidence = float(2 * (likelihoods.max() - smooth))
    if evidence <= _MIN_EVIDENCE:
        return Residue(None, "the values show no trace of the initial draws", evidence=evidence)
    if likelihoods.max() - likelihoods[np.abs(np.log(SCALES)) < _NEAR].max() > _RATHER:
        return Residue(None, "the trace of the draws ends at another bound than theirs", evidence=evidence)
    shares = 1 / (1 + _observed(variances, unit, n))
    weights = np.exp((likelihoods - likelihoods.max()) / _TEMPER) * _expected(shares)
    weights /= weights.sum()
    mean = float(weights @ shares)
    spread = float(weights @ (shares - mean) ** 2)
    rest = 1 - mean
    half = 2 * math.sqrt(spread + (_UNSURE * rest) ** 2 + _UNSURE_OF_FEW**2 * rest / n) + _ANYHOW
    low, high = max(0.0, mean - half), min(1.0, mean + half)
    if half > _MOST_UNSURE:
        least = low if low >= _MOSTLY else None
        return Residue(None, "the estimate is too uncertain", low, high, evidence, least)
    return Residue(mean, "", low, high, evidence)


def _observed(variances: Floats, unit: float, n: int) -> Floats:
    """Return Var d/Var u at each λ, by what is left of the whole variance where that is well known.

    The whole variance of ``n`` weights, of which the draw's is λ²Var u, is known to a standard error of about
    √(1.2/n); a smaller change is known better by how it blurs the bound.
    """
    left = 1 / (unit * SCALES) ** 2 - 1
    error = math.sqrt(1.2 / n)
    trust = 1 / (1 + np.exp(np.clip(-(left - 8 * error) / (1.5 * error), -50, 50)))
    return np.asarray(trust * np.maximum(left, 0.0) + (1 - trust) * variances)


def _expected(shares: Floats) -> Floats:
    """Return how likely each λ is before the layer is looked at."""
    x = np.log(SCALES)
    spread = _FIXED + _LOOSE * (1 - shares)
    usual = np.exp(-(x**2) / (2 * spread**2)) / spread
    unusual = np.exp(-(x**2) / (2 * _WIDE**2)) / _WIDE
    return np.asarray((1 - _WIDE_SHARE) * usual + _WIDE_SHARE * unusual)


def likeliest_rule(
    layers: Sequence[Magnitudes], rules: Sequence[Rule], others: Sequence[Rule] = ()
) -> Rule | None:
    """Return the rule whose draws most of the layers bear the mark of, or None where that is not clear.

    Every layer is held against each rule's draws plus a change, and against a smooth law; one that bears no
    mark says nothing. The rule with the greatest sum of log likelihood ratios is returned if it shows in at
    least half of the layers and every rule that draws otherwise is less likely by 8 at least.

    Args:
        layers: The layers' magnitudes.
        rules: Those of the network's framework.
        others: Rules that may have drawn what was converted since; they are taken where one is clear among
            all.
    """
    layers = [layer for layer in layers if layer.freedom >= _LEAST_FREEDOM]
    every = dict.fromkeys((*rules, *others))
    evidence = {rule: np.zeros(len(layers)) for rule in every if rule.family != "normal"}
    for place, layer in enumerate(layers):
        for draws, ratio in _evidence(layer, tuple(evidence)):
            for rule in draws.rules:
                evidence[rule][place] = max(evidence[rule][place], ratio)
    clear = _clearly_likeliest(layers, evidence)
    if clear is not None:
        return clear
    return _clearly_likeliest(layers, {rule: found for rule, found in evidence.items() if rule in rules})


def _clearly_likeliest(layers: Sequence[Magnitudes], evidence: Mapping[Rule, Floats]) -> Rule | None:
    """Return the rule of most evidence, of which there is some for each layer, where it is clear."""
    ranked = sorted(evidence, key=lambda rule: -evidence[rule].sum())
    if not ranked or not layers:
        return None
    best, *others = ranked
    clear = all(
        evidence[best].sum() - evidence[each].sum() >= _MARGIN
        or np.array_equal(evidence[each], evidence[best])
        for each in others
    )
    shows = evidence[best] > _MIN_EVIDENCE / 2
    if not clear or 2 * shows.sum() < len(layers):
        return None
    marked = [layer for layer, does in zip(layers, shows, strict=True) if does]
    return None if _is_rather_another(best, marked) else best


def _is_rather_another(rule: Rule, layers: Sequence[Magnitudes]) -> bool:
    """Tell whether the rule's draws are only the nearest of the catalogue: another's that have shrunk, say.

    So it is where the other family, at any scale near the rule's, is much likelier, or the rule's own at
    another scale in half of the layers.
    """
    draws = [rule.draws(layer.fans, layer.rms) for layer in layers]
    counted = [layer.counted for layer in layers]
    units = [each.std / layer.rms for each, layer in zip(draws, layers, strict=True)]
    other: Family = "cut normal" if rule.family == "uniform" else "uniform"
    own, rival = (
        fit_changes(family, counted, units, scaled=True, stepped=False).likelihoods
        for family in (rule.family, other)
    )
    likeliest = np.abs(np.log(SCALES[own.argmax(axis=1)]))
    n_off = int((likeliest > (_FIXED_FARTHEST if rule.scheme == "fixed" else _FARTHEST)).sum())
    return bool(rival.max(axis=1).sum() - own.max(axis=1).sum() > _MARGIN) or 2 * n_off >= len(layers)


def _evidence(layer: Magnitudes, rules: Sequence[Rule]) -> list[tuple[Draws, float]]:
    """Return for each of the possible draws the log likelihood ratio against a smooth law."""
    result: list[tuple[Draws, float]] = []
    for family in _BOUNDED:
        tried = [each for each in possible_draws(layer.fans, rules) if each.family == family]
        if tried:
            units, layers = [each.std / layer.rms for each in tried], [layer.counted] * len(tried)
            fits = fit_changes(family, layers, units, scaled=False, stepped=False)
            ratios = fits.likelihoods[:, 0] - fit_smooth(layers, units)
            result += list(zip(tried, ratios.tolist(), strict=True))
    return result
