"""The measures that judge or that can find something: a layer in, a `Finding` with its reading out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from filtviz.measures.channels import coupling, heterogeneity, reliance
from filtviz.measures.diversity import closest_pair, pair_threshold, significant_component, similar_pairs
from filtviz.measures.findings import Finding
from filtviz.measures.initialisers import beyond_bound, gram_deviation
from filtviz.measures.lowfrequency import layer_share
from filtviz.measures.residue import noise_residue
from filtviz.measures.sphericity import sign_sphericity
from filtviz.measures.spike import largest_eigenvalue
from filtviz.measures.stored import clipping, quantisation
from filtviz.measures.subject import Subject
from filtviz.measures.table import ALPHA, LEVEL
from filtviz.measures.wording import about, percent

__all__ = ["DUPLICATE_COSINE", "LAYER_MEASURES", "collapse"]

DUPLICATE_COSINE = 0.95

_COLLAPSED_SHARE = 0.5
_CLIPPED_LEVEL = 0.001
_SUGGESTIVE = 0.05
_DISTINCT_SHARE = 0.95


def _judging(
    measure: str, value: float | None, p: float, found: str, nothing: str, detail: str = ""
) -> Finding:
    """Return what a test gave that takes part in the verdict; ``found`` or ``nothing`` is its reading.

    A small p-value that does not pass is not called nothing, but nothing at the level that counts.
    """
    passed = p < LEVEL
    reading = f"{found if passed else _qualified(nothing, p)}{detail}"
    return Finding(measure=measure, value=value, p=p, level=LEVEL, judges=True, found=passed, reading=reading)


def _qualified(nothing: str, p: float) -> str:
    return f"{nothing} at the level that counts" if p < _SUGGESTIVE else nothing


def bias(subject: Subject) -> Finding:
    """Have the biases, or the batch normalisation in their place, left their start?"""
    reading = {
        "none": "it has no biases",
        "zero": "all biases are 0, as at the start",
        "constant": "all biases are one constant, as an initialiser may set it",
        "moved": "the biases are not the constant that they start as",
    }[subject.bias]
    if subject.normalisation_moved:
        reading += "; the batch normalisation after it has left its start"
    return Finding(measure="bias", value=None, found=subject.moved, reading=reading)


def bound(subject: Subject) -> Finding | None:
    """How many weights lie beyond the initialiser's bound?"""
    rule = subject.rule.rule
    if rule.family != "uniform":
        return None
    share = beyond_bound(subject.kernels, rule.bound(subject.kernels.shape))
    limit = rule.bound(subject.kernels.shape)
    reading = f"{percent(share)} of the weights lie beyond {rule.name}'s ±{limit:.3g}"
    if not subject.rule.known:
        reading += " (the default; the initialiser is not known)"
    return Finding(
        measure="bound", value=share, threshold=0.0, found=subject.rule.known and share > 0, reading=reading
    )


def initialiser(subject: Subject) -> Finding:
    """Could a catalogued initialiser have drawn these weights?"""
    p = subject.origin.p
    if subject.origin.fits:
        best = subject.origin.fits[0]
        reading = f"closest in the catalogue: {best.name}{'' if p >= LEVEL else ', which does not fit'}"
    else:
        reading = "none in the catalogue draws this size and range"
    passed = p < LEVEL
    return Finding(
        measure="initialiser", value=None, p=p, level=LEVEL, judges=True, found=passed, reading=reading
    )


def orthogonal(subject: Subject) -> Finding | None:
    """Is the layer an orthogonal matrix?"""
    deviation = gram_deviation(subject.kernels)
    if np.isnan(deviation):
        return None
    is_one = deviation < 1e-3
    reading = "orthogonal, as an initialiser makes it" if is_one else "not orthogonal"
    return Finding(measure="orthogonal", value=deviation, threshold=1e-3, found=is_one, reading=reading)


def residue(subject: Subject) -> Finding:
    """How much of what is seen still is the initial noise?"""
    estimate = noise_residue(subject.kernels, subject.rule.rule)
    if estimate.share is None:
        return Finding(measure="residue", value=None, reading=f"cannot tell, because {estimate.reason}")
    reading = f"{about(estimate.share)} of the visible variance is still the initial noise"
    return Finding(measure="residue", value=estimate.share, found=True, reading=reading)


def low_frequency(subject: Subject) -> Finding | None:
    """Are the kernels smoother or rougher than white noise?"""
    test = layer_share(subject.kernels, subject.low_energy)
    if test is None:
        return None
    how = "smoother" if test.z > 0 else "rougher"
    return _judging(
        "low-frequency",
        test.mean,
        test.p,
        f"the kernels are {how} than white noise",
        "the kernels are no smoother or rougher than noise",
        f" (z = {test.z:.1f})",
    )


def sphericity(subject: Subject) -> Finding | None:
    """Are the positions of a kernel exchangeable?"""
    test = sign_sphericity(subject.kernels)
    if test is None:
        return None
    found = "the positions of a kernel are not exchangeable"
    return _judging("sphericity", test.q, test.p, found, "no position stands out")


def filter_energy(subject: Subject) -> Finding | None:
    """Are some filters used more than others?"""
    test = heterogeneity(subject.kernels, "filters")
    if test is None:
        return None
    found = "some filters are used more than others"
    return _judging("filter-energy", test.statistic, test.p, found, "no filter is used more than others")


def channel_energy(subject: Subject) -> Finding | None:
    """Are some input channels used more than others?"""
    test = heterogeneity(subject.kernels, "channels")
    if test is None:
        return None
    found = "some input channels are used more than others"
    return _judging(
        "channel-energy", test.statistic, test.p, found, "no input channel is used more than others"
    )


def coupled(subject: Subject) -> Finding | None:
    """Does the following layer rely on the filters that are strong here?"""
    if subject.following is None:
        return None
    later = reliance(subject.following.filters)
    test = coupling(subject.kernels, later) if np.isfinite(later).all() else None
    if test is None:
        return None
    found = test.p < ALPHA
    relies = "the following layer relies on the strong filters"
    return Finding(
        measure="coupling",
        value=test.rho,
        p=test.p,
        level=ALPHA,
        found=found,
        reading=relies if found else _qualified(f"no sign that {relies}", test.p),
    )


def spike(subject: Subject) -> Finding | None:
    """Does one direction stand out of the noise?"""
    test = largest_eigenvalue(subject.kernels)
    if test is None:
        return None
    found = "a low-rank component beyond noise"
    return _judging("spike", test.s, test.p, found, "no direction stands out of the noise")


def duplicates(subject: Subject) -> Finding | None:
    """Are two filters the same but for their size or sign?"""
    kernels = subject.kernels
    if kernels.n_filters < 2:
        return None
    chance = pair_threshold(kernels.n_filters, kernels.size // kernels.n_filters)
    limit = max(chance, DUPLICATE_COSINE)
    closest = closest_pair(kernels)
    pair = f"{closest.first} and {closest.second} (cos {closest.cosine:.2f})"
    cosine = abs(closest.cosine)
    reading = f"filters {pair} are closest: no more than chance"
    if cosine >= limit and chance < 1:
        n = len(similar_pairs(kernels, limit))
        reading = f"{n} pair{'s'[: n > 1]} of near-duplicates, first {pair}"
    elif cosine >= chance and chance < 1:
        reading = f"filters {pair} are closest: correlated"
    return Finding(
        measure="duplicates",
        value=closest.cosine,
        threshold=limit,
        found=chance < 1 and cosine >= limit,
        reading=reading,
    )


def clipped(subject: Subject) -> Finding | None:
    """Do the values pile up at ±max?"""
    test = clipping(subject.kernels)
    if test is None:
        return None
    found = test.p < _CLIPPED_LEVEL
    largest = float(np.abs(subject.kernels.flat).max())
    return Finding(
        measure="clipped",
        value=test.share,
        p=test.p,
        level=_CLIPPED_LEVEL,
        found=found,
        reading=f"{percent(test.share)} of the values pile up at ±{largest:.3g}"
        if found
        else f"no pile-up at ±{largest:.3g}",
    )


def quantised(subject: Subject) -> Finding:
    """Are there fewer distinct values than the precision allows?"""
    count = quantisation(subject.kernels)
    ratio = count.distinct / max(count.expected, 1.0)
    found = ratio < _DISTINCT_SHARE
    of = f"{count.distinct:,} distinct values in {subject.kernels.size:,} weights"
    half = " in half precision" if subject.kernels.precision == np.float16 else ""
    return Finding(
        measure="quantised",
        value=ratio,
        threshold=_DISTINCT_SHARE,
        found=found,
        reading=f"only {of}{half}" if found else f"{of}{half}",
    )


def collapse(subject: Subject) -> Finding | None:
    """Do the filters share a direction? Judges only where the layer is structured for other reasons."""
    if min(subject.kernels.rows.shape) < 2:
        return None
    component = significant_component(subject.kernels, over=_COLLAPSED_SHARE)
    found = component.p is not None and component.p < ALPHA
    directions = "few directions" if found else "no collapse"
    return Finding(
        measure="first-component",
        value=component.share,
        p=component.p,
        level=ALPHA,
        threshold=_COLLAPSED_SHARE,
        found=found,
        reading=f"holds {percent(component.share)} of the filters: {directions}",
    )


LAYER_MEASURES: tuple[Callable[[Subject], Finding | None], ...] = (
    bias,
    bound,
    initialiser,
    orthogonal,
    residue,
    low_frequency,
    sphericity,
    filter_energy,
    channel_energy,
    spike,
    coupled,
    collapse,
    duplicates,
    clipped,
    quantised,
)
"""Each measure of a whole layer, in the order in which they are shown; None says that it cannot be taken."""
