"""Moments of all weights of a layer: numbers that do not judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filtviz.measures.measure import Finding, ShownMeasure

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = ["Kurtosis", "MeanWeight", "RootMeanSquare"]


class RootMeanSquare(ShownMeasure):
    """How large the weights are, beside the initial ones."""

    key = "rms"
    title = "Root mean square"
    meaning = (
        "How large the weights are, beside what they began with: 1.2 times means that the layer has grown "
        "by a fifth."
    )
    formula = "√(mean w²), beside the initial std"
    supports = "a number to compare with the initialiser's"
    cannot_say = "Whether a layer learned."
    source = "–"

    def take(self, subject: Subject) -> Finding:
        """Compare the size of the weights with the initial one."""
        start, rule = subject.draws.std, subject.rule
        times = f"{subject.kernels.rms / start:.2f} times the"
        text = f"{times} initial std {start:.3g} ({rule.spoken})"
        if not rule.known:
            text = f"{times} std {start:.3g} of {rule.spoken}; the initialiser is not known"
        return self.finding(value=subject.kernels.rms, text=text)


class MeanWeight(ShownMeasure):
    """Where the weights centre."""

    key = "mean"
    title = "Mean weight"
    meaning = "Whether the weights lean to one side. New ones are balanced about zero."
    formula = "mean of all weights"
    supports = "a number"
    cannot_say = "Whether a layer learned."
    source = "–"

    def take(self, subject: Subject) -> Finding:
        """Average the weights."""
        value = subject.kernels.raw_moments[0]
        return self.finding(value=value, text=f"{value / subject.kernels.rms:+.2f} rms")


class Kurtosis(ShownMeasure):
    """How heavy the tails are."""

    key = "kurtosis"
    title = "Kurtosis"
    meaning = "Whether a few weights are much larger than most. Training tends to make it so."
    formula = "fourth standardised moment of all weights: 1.8 for uniform, 3 for normal draws"
    supports = "a number; training makes tails heavier"
    cannot_say = "Whether a layer learned."
    source = "–"

    def take(self, subject: Subject) -> Finding:
        """Standardise the fourth moment."""
        first, second, third, fourth = subject.kernels.raw_moments
        variance = second - first**2
        value = (fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4) / variance**2
        return self.finding(value=value, text="1.8 for uniform, 3 for normal draws")
