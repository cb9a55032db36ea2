"""Numbers of a layer that are shown beside the verdict and do not judge."""

from __future__ import annotations

from collections.abc import Callable

from filtviz.measures.description import effective_rank, filter_orthogonality, sparsity, variance_entropy
from filtviz.measures.findings import Finding
from filtviz.measures.subject import Subject
from filtviz.measures.wording import percent

__all__ = ["SHOWN_MEASURES"]


def rms(subject: Subject) -> Finding:
    """How large are the weights, beside the initial ones?"""
    start = subject.rule.rule.std(subject.kernels.shape)
    ratio = subject.kernels.rms / start
    known = subject.rule.rule.name + ("" if subject.rule.known else ", the default")
    return Finding(
        measure="rms",
        value=subject.kernels.rms,
        reading=f"{ratio:.2f} times the initial std {start:.3g} ({known})",
    )


def mean(subject: Subject) -> Finding:
    """Where do the weights centre?"""
    value = subject.kernels.raw_moments[0]
    return Finding(measure="mean", value=value, reading=f"{value / subject.kernels.rms:+.2f} rms")


def kurtosis(subject: Subject) -> Finding:
    """How heavy are the tails?"""
    first, second, third, fourth = subject.kernels.raw_moments
    variance = second - first**2
    value = (fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4) / variance**2
    return Finding(measure="kurtosis", value=value, reading="1.8 for uniform, 3 for normal draws")


def empty_kernels(subject: Subject) -> Finding:
    """How many kernels are next to nothing beside the largest weight?"""
    value = sparsity(subject.kernels)
    return Finding(
        measure="sparsity",
        value=value,
        reading=f"{percent(value)} of the kernels are under 1% of the largest weight",
    )


def entropy(subject: Subject) -> Finding | None:
    """How evenly do the kernels spread over their principal components?"""
    result = variance_entropy(subject.kernels)
    if result is None:
        return None
    value, ratio = result
    reading = f"{ratio:.2f} of CNN Filter DB's threshold for randomness"
    return Finding(measure="variance-entropy", value=value, reading=reading)


def orthogonality(subject: Subject) -> Finding | None:
    """How far are the filters from being parallel?"""
    value = filter_orthogonality(subject.kernels)
    if value is None:
        return None
    return Finding(measure="filter-orthogonality", value=value, reading="1 for filters at right angles")


def rank(subject: Subject) -> Finding | None:
    """How many directions do the filters use?"""
    value = effective_rank(subject.kernels)
    if value is None:
        return None
    most = min(subject.kernels.rows.shape)
    return Finding(measure="effective-rank", value=value, reading=f"of at most {most}")


SHOWN_MEASURES: tuple[Callable[[Subject], Finding | None], ...] = (
    rms,
    mean,
    kurtosis,
    empty_kernels,
    entropy,
    orthogonality,
    rank,
)
"""Each number in the order in which it is shown; None says that it cannot be taken."""
