"""Is a filter dead, by proof, or has it decayed to almost nothing?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from filtviz.measures.measure import Columns, FilterDiagnosis, Finding, LayerDiagnosis, Measure
from filtviz.text import listed

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = ["Dead", "Decayed", "decayed_filters"]

_DECAYED_SHARE = 0.1


class Dead(Measure):
    """Filters whose rectifier gives nothing, whatever the image."""

    key = "dead"
    title = "Provably dead filters"
    meaning = (
        "Filters that can never answer, whatever image is shown: everything that they could give is cut "
        "off by the ReLU. It is proved from the weights, so that none is called dead by mistake; others "
        "may be dead too."
    )
    scope = ("filter",)
    formula = "interval bound of the input to the rectifier: at most 0 for every image in the input range"
    null = "a proof, not a test"
    short_null = "a proof"
    counts_if = "bound ≤ 0"
    supports = '"provably dead"'
    cannot_say = (
        "That any other filter is alive: of 720 units 93 were dead on data, and this saw none of them. It "
        "needs --input-range for most filters."
    )
    source = "interval arithmetic (Moore 1966)"
    check = "a filter is provably dead, or has decayed to almost nothing"

    def each(self, subject: Subject) -> Columns:
        """Tell of each filter whether its bound proves it dead."""
        if subject.bounds is None:
            return {}
        return {"dead": (subject.bounds.high <= 0).tolist()}

    def sum_up(self, subject: Subject, filters: Sequence[FilterDiagnosis]) -> Finding:
        """Name the filters."""
        dead = [each.index for each in filters if each.dead]
        text = "none can be proved dead; others still may be"
        if dead:
            text = f"{_numbered(dead)} provably dead"
        elif subject.bounds is None:
            text = "no bound is known (see `filtviz explain dead`)"
        value = None if subject.bounds is None else float(len(dead))
        return self.finding(value=value, found=bool(dead), text=text)

    def is_met(self, layer: LayerDiagnosis) -> bool:
        """Tell whether a filter is dead or has decayed."""
        return any(each.dead or each.decayed for each in layer.filters)


class Decayed(Measure):
    """Filters that are next to nothing beside the initial ones."""

    key = "decayed"
    title = "Decayed filters"
    meaning = (
        "Filters that have shrunk to almost nothing beside the others, as weight decay leaves those that "
        "are of no use."
    )
    scope = ("filter",)
    formula = "‖w‖ below .1 of the initial norm √(C p)·std"
    null = "heuristic"
    short_null = "heuristic"
    counts_if = ".1"
    supports = '"decayed to almost nothing"'
    cannot_say = "The initial norm is the default initialiser's where none is identified."
    source = "this project's cut"

    def each(self, subject: Subject) -> Columns:
        """Tell of each filter whether it has decayed."""
        return {"decayed": decayed_filters(subject).tolist()}

    def sum_up(self, subject: Subject, filters: Sequence[FilterDiagnosis]) -> Finding:  # noqa: ARG002
        """Name the filters."""
        decayed = [each.index for each in filters if each.decayed]
        text = f"{_numbered(decayed)} decayed to almost nothing" if decayed else "none"
        return self.finding(value=float(len(decayed)), found=bool(decayed), text=text)


def decayed_filters(subject: Subject) -> NDArray[np.bool_]:
    """Return which filters have a tenth of the initial norm or less.

    Where the initialiser is not known, the default's norm or the layer's median, whichever is smaller.
    """
    kernels = subject.kernels
    usual = subject.draws.std * float(np.sqrt(kernels.size / kernels.n_filters))
    if not subject.rule.known:
        usual = min(usual, float(np.median(kernels.norms)))
    return np.asarray(kernels.norms < _DECAYED_SHARE * usual)


def _numbered(indices: Sequence[int]) -> str:
    return f"filter{'s'[: len(indices) > 1]} {listed([str(i) for i in indices])}"
