"""The filters of a layer one by one: what `filtviz diagnose --filters` shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from filtviz.measures.channels import reliance
from filtviz.measures.composed import Composed
from filtviz.measures.description import filter_orientation, likeness_threshold, nearest_classical
from filtviz.measures.diversity import pair_threshold, similar_pairs
from filtviz.measures.findings import FilterDiagnosis
from filtviz.measures.judging import DUPLICATE_COSINE
from filtviz.measures.kernels import Floats, Kernels
from filtviz.measures.lowfrequency import filter_shares, low_band
from filtviz.measures.subject import Subject

__all__ = ["diagnose_filters", "first_to_look_at", "is_significant"]

FILTER_LEVEL = 0.05
"""The false-discovery rate at which a filter is marked, within its layer."""

_DECAYED_SHARE = 0.1
_FEW = 5

Texture = Literal["smooth", "rough"]


def diagnose_filters(subject: Subject, composed: Composed | None) -> tuple[FilterDiagnosis, ...]:
    """Measure each filter of a layer; ``composed`` is the layer seen through those below."""
    kernels = subject.kernels
    shares = filter_shares(kernels, subject.low_energy)
    expected = float(low_band(*kernels.shape[2:]).mean())
    textures = _textures(shares.p, shares.share > expected)
    classical = _classical(kernels)
    tensor = [filter_orientation(kernels.weights[block]) for block in kernels.blocks()]
    coherence = np.concatenate([each.coherence for each in tensor])
    angle = np.concatenate([each.angle for each in tensor])
    relied = _relative_reliance(subject)
    twins = _duplicates(kernels)
    dead = _dead(subject)
    decayed = _decayed(subject)
    through = [_Through()] * kernels.n_filters if composed is None else _through(composed)
    return tuple(
        FilterDiagnosis(
            index=index,
            norm=float(kernels.norms[index]),
            share=_number(shares.share[index]),
            share_p=_number(shares.p[index]),
            texture=textures[index],
            composed_p=through[index].p,
            composed_texture=through[index].texture,
            concentrated=through[index].concentrated,
            classical=classical[index].name,
            classical_channel=classical[index].channel,
            likeness=classical[index].cosine,
            coherence=_number(coherence[index]),
            angle=_number(angle[index]),
            reliance=None if relied is None else float(relied[index]),
            duplicates=twins[index],
            dead=bool(dead[index]),
            decayed=bool(decayed[index]),
        )
        for index in range(kernels.n_filters)
    )


def is_significant(p: Floats, level: float = FILTER_LEVEL) -> NDArray[np.bool_]:
    """Return which p-values Benjamini and Hochberg's procedure lets through; NaN never."""
    known = np.isfinite(p)
    found = np.zeros(len(p), dtype=bool)
    if known.any():
        found[known] = stats.false_discovery_control(p[known]) <= level
    return found


def first_to_look_at(filters: Sequence[FilterDiagnosis]) -> tuple[int, ...]:
    """Return a few filters to begin with: the significant ones, surest first, or else the largest."""

    def surest(each: FilterDiagnosis) -> tuple[float, float]:
        ps = [p for p in (each.composed_p, each.share_p) if p is not None]
        return min(ps, default=1.0), -(each.norm or 0.0)

    found = sorted((f for f in filters if f.texture or f.composed_texture), key=surest)
    largest = sorted(filters, key=lambda each: -(each.norm or 0.0))
    return tuple(each.index for each in (found or largest)[:_FEW])


def _textures(p: Floats, smoother: NDArray[np.bool_]) -> list[Texture | None]:
    found = is_significant(p)
    return [("smooth" if low else "rough") if yes else None for yes, low in zip(found, smoother, strict=True)]


@dataclass(frozen=True)
class _Through:
    """A filter seen through the layers below."""

    p: float | None = None
    texture: Texture | None = None
    concentrated: bool = False


def _through(composed: Composed) -> list[_Through]:
    p = np.minimum(1.0, 2 * np.minimum(composed.low_p, composed.high_p))
    textures = _textures(p, composed.low_p <= composed.high_p)
    concentrated = is_significant(composed.entropy_p)
    return [_Through(_number(p[i]), textures[i], bool(concentrated[i])) for i in range(len(p))]


@dataclass(frozen=True)
class _Likeness:
    """The nearest classical kernel of a filter; named only where chance does not explain it."""

    name: str | None = None
    channel: int | None = None
    cosine: float | None = None


def _classical(kernels: Kernels) -> list[_Likeness]:
    """Find for each filter the channel that is nearest to a classical kernel."""
    threshold = likeness_threshold(kernels.n_kernels, *kernels.shape[2:])
    found: list[_Likeness] = []
    for block in kernels.blocks():
        some = kernels.weights[block]
        nearest = nearest_classical(some.reshape(-1, *kernels.shape[2:]))
        if nearest is None:
            return [_Likeness()] * kernels.n_filters
        cosines = nearest.cosine.reshape(some.shape[:2])
        for row, channel in enumerate(np.abs(cosines).argmax(axis=1).tolist()):
            cosine = float(cosines[row, channel])
            name = nearest.names[row * kernels.n_channels + channel] if abs(cosine) >= threshold else None
            found.append(_Likeness(name, channel if name else None, cosine))
    return found


def _relative_reliance(subject: Subject) -> Floats | None:
    if subject.following is None:
        return None
    later = reliance(subject.following.filters)
    return later / later.mean() if np.isfinite(later.mean()) and later.mean() > 0 else None


def _duplicates(kernels: Kernels) -> list[tuple[int, ...]]:
    """List for each filter those that are the same but for size and sign, beyond chance."""
    twins: list[list[int]] = [[] for _ in range(kernels.n_filters)]
    chance = pair_threshold(kernels.n_filters, kernels.size // kernels.n_filters)
    if kernels.n_filters > 1 and chance < 1:
        for first, second, _ in similar_pairs(kernels, max(chance, DUPLICATE_COSINE)):
            twins[first].append(second)
            twins[second].append(first)
    return [tuple(sorted(each)) for each in twins]


def _dead(subject: Subject) -> NDArray[np.bool_]:
    if subject.bounds is None:
        return np.zeros(subject.kernels.n_filters, dtype=bool)
    return np.asarray(subject.bounds.high <= 0)


def _decayed(subject: Subject) -> NDArray[np.bool_]:
    kernels = subject.kernels
    usual = subject.rule.rule.std(kernels.shape) * float(np.sqrt(kernels.size / kernels.n_filters))
    if not subject.rule.known:
        usual = min(usual, float(np.median(kernels.norms)))
    return np.asarray(kernels.norms < _DECAYED_SHARE * usual)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
