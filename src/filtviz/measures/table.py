"""The table of measures, and what ``--check`` can look for.

A new measure is one file with a subclass of `Measure`, and one entry here; a number that it gives for each
filter is a field of `filtviz.measures.measure.FilterDiagnosis` as well, which says what tables are to know of
it. `filtviz explain` prints an entry,
``docs/measures.md`` holds them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from filtviz.measures.bias import Bias
from filtviz.measures.change import SinceBefore
from filtviz.measures.classical import Classical
from filtviz.measures.cnn_filter_db import FilterOrthogonality, Sparsity, VarianceEntropy
from filtviz.measures.composed import ComposedStructure
from filtviz.measures.coupling import Coupling
from filtviz.measures.dead import Dead, Decayed
from filtviz.measures.directions import EffectiveRank, FirstComponent
from filtviz.measures.duplicates import Duplicates
from filtviz.measures.energies import ChannelEnergy, FilterEnergy
from filtviz.measures.initialiser import Bound, Initialiser
from filtviz.measures.low_frequency import LowFrequency
from filtviz.measures.matrices import Orthogonal
from filtviz.measures.measure import ALPHA, LayerDiagnosis, Measure
from filtviz.measures.moments import Kurtosis, MeanWeight, RootMeanSquare
from filtviz.measures.orientation import Orientation
from filtviz.measures.residue import NoiseResidue
from filtviz.measures.sphericity import Sphericity
from filtviz.measures.spike import Spike
from filtviz.measures.stored import Clipped, Quantised
from filtviz.measures.unused import NormalisationScale, Unused
from filtviz.measures.verdicts import VERDICTS

__all__ = [
    "ALPHA",
    "CHECKS",
    "JUDGING",
    "LEVEL",
    "MEASURES",
    "NULLS",
    "STRENGTH",
    "STRUCTURE",
    "checks_met",
]

_ALL: tuple[type[Measure], ...] = (
    Bias,
    Bound,
    Initialiser,
    Orthogonal,
    NoiseResidue,
    LowFrequency,
    Sphericity,
    FilterEnergy,
    ChannelEnergy,
    Spike,
    Coupling,
    NormalisationScale,
    Unused,
    FirstComponent,
    Duplicates,
    Clipped,
    Quantised,
    RootMeanSquare,
    MeanWeight,
    Kurtosis,
    Sparsity,
    VarianceEntropy,
    FilterOrthogonality,
    EffectiveRank,
    Dead,
    Decayed,
    Classical,
    ComposedStructure,
    Orientation,
    SinceBefore,
)

_N_JUDGING = sum(measure.decides is not None for measure in _ALL)

LEVEL = ALPHA / _N_JUDGING
"""Bonferroni's level for each measure that judges, also where some cannot be taken."""

MEASURES: Mapping[str, Measure] = {measure.key: measure(_N_JUDGING) for measure in _ALL}
"""Key → measure, in the order in which they are taken, shown and explained."""

NULLS: Mapping[str, str] = {
    "KS": "how far draws of a known law lie from it",
    "normal": "a sum of many draws",
    "Pearson III": "a sum of squares of which some count more than others",
    "χ²": "a sum of squares",
    "Tracy-Widom": "the strongest direction in noise",
    "ranks": "two orders that have nothing to do with each other",
    "Beta": "the angle between two random directions",
    "Šidák": "the smallest p-value of as many pairs as there are",
    "binomial": "a count of weights",
    "occupancy": "how many different values rounding leaves of draws",
    "impossible": "no draw of the initialiser gives it",
    "draws": "the same measure of noise of this shape",
    "shuffles": "the same measure of these weights in another order",
    "heuristic": "a limit by experience, and no law",
}
"""What a word of `Measure.short_null` stands for, for someone who has not met the law."""

JUDGING = tuple(key for key, measure in MEASURES.items() if measure.judges)
"""The tests that decide a layer's verdict."""

STRUCTURE = tuple(key for key, measure in MEASURES.items() if measure.decides == "structure")
"""Those of them that look for structure."""

STRENGTH = tuple(key for key, measure in MEASURES.items() if measure.decides == "strength")
"""Those of them that look for filters or channels of unequal strength."""


_RULES = {text.rule: verdict for verdict, text in VERDICTS.items() if text.rule}

CHECKS: Mapping[str, str] = {
    **{text.rule: text.check for text in VERDICTS.values() if text.rule},
    **{key: measure.check for key, measure in MEASURES.items() if measure.check},
    "nonfinite": "a weight or a bias is NaN or infinite",
}
"""What ``--check`` can look for, and what each rule means."""


def checks_met(layers: Sequence[LayerDiagnosis]) -> dict[str, tuple[str, ...]]:
    """Return for each rule of ``--check`` the names of the layers where it is met."""
    return {rule: tuple(layer.name for layer in layers if _is_met(rule, layer)) for rule in CHECKS}


def _is_met(rule: str, layer: LayerDiagnosis) -> bool:
    if rule in _RULES:
        return layer.verdict == _RULES[rule]
    if rule in MEASURES:
        return MEASURES[rule].is_met(layer)
    return any(each.nonfinite for each in layer.filters)
