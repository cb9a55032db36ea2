"""Does the following layer rely on the filters that are strong here?"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from filtviz.measures.kernels import Floats, Kernels
from filtviz.measures.laws import rank_correlation
from filtviz.measures.measure import ALPHA, Columns, Finding, Measure, qualified
from filtviz.scaling import in_double, scale_of

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject
    from filtviz.network import ConvLayer

__all__ = ["Coupling", "RankTest", "coupling", "reliance"]

_MIN_FILTERS = 10
"""Filters from which the t approximation of the rank correlation's null holds well enough to judge."""

_RELIES = "the following layer relies on the strong filters"


class Coupling(Measure):
    """How the energies of the filters and the weight that the following layer puts on them agree."""

    key = "coupling"
    title = "Coupling with the following layer"
    meaning = (
        "Does the next layer rely on the strong filters? Then strength means something to the network, "
        "beyond the layer itself."
    )
    scope = ("layer", "filter")
    formula = (
        "Spearman's rank correlation of ‖W_l[o]‖² and ‖W_{l+1}[:, o]‖²; reliance of a filter: ‖W_{l+1}[:, "
        "o]‖² over its mean"
    )
    null = "rank null (t approximation), one-sided, from 10 filters on"
    short_null = "ranks"
    counts_if = "p < .01, beside the verdict"
    supports = '"the following layer relies on these filters"'
    cannot_say = "It rises with random labels too. Not taken where the file does not tell what follows."
    source = "Du, Hu & Lee 2018, NeurIPS; scipy.stats.spearmanr"

    def take(self, subject: Subject) -> Finding | None:
        """Correlate both sides by rank."""
        if subject.following is None:
            return None
        later = reliance(_scaled(subject.following))
        test = coupling(subject.kernels, later) if np.isfinite(later).all() else None
        if test is None:
            return None
        found = test.p < ALPHA
        text = _RELIES if found else qualified(f"no sign that {_RELIES}", test.p)
        return self.finding(value=test.rho, p=test.p, level=ALPHA, found=found, text=text)

    def each(self, subject: Subject) -> Columns:
        """Return the reliance on each filter, 1 being the mean."""
        if subject.following is None:
            return {}
        later = reliance(_scaled(subject.following))
        mean = float(later.mean())
        return {"reliance": later / mean} if np.isfinite(mean) and mean > 0 else {}


class RankTest(NamedTuple):
    """Spearman's rank correlation and the one-sided p-value (greater)."""

    rho: float
    p: float


def reliance(following: Floats) -> Floats:
    """Return how much weight the following layer puts on each filter of this one: ‖W[:, o]‖², ``(filters,)``.

    ``following`` is that layer's weights, ``(its filters, filters, rows, cols)``.
    """
    return np.asarray(np.einsum("oirc,oirc->i", following, following))


def _scaled(layer: ConvLayer) -> Floats:
    """Return a layer's weights in a scale in which their squares are numbers: only shares of them count."""
    weights = in_double(layer.filters)
    return weights / scale_of(weights)


def coupling(kernels: Kernels, later: Floats) -> RankTest | None:
    """Correlate the filters' energies with ``later``, the `reliance` of the following layer, by rank.

    Gradient descent keeps the two in step in networks of rectifiers (Du, Hu & Lee 2018); it does so for
    random labels too.

    Returns:
        None where there are too few filters, or where the energies of a layer are all equal.
    """
    own = kernels.energy.sum(axis=1)
    if len(own) < _MIN_FILTERS or np.ptp(own) == 0 or np.ptp(later) == 0:
        return None
    return RankTest(*rank_correlation(own, later))
