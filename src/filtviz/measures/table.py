"""The table of measures, and what a layer can be called.

A new measure is one file with a subclass of `Measure`, and one entry here. `filtviz explain` prints an entry,
``docs/measures.md`` holds them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from filtviz.errors import MeasureError
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
from filtviz.measures.measure import ALPHA, LayerDiagnosis, Measure, Verdict
from filtviz.measures.moments import Kurtosis, MeanWeight, RootMeanSquare
from filtviz.measures.orientation import Orientation
from filtviz.measures.orthogonal import Orthogonal
from filtviz.measures.residue import NoiseResidue
from filtviz.measures.sphericity import Sphericity
from filtviz.measures.spike import Spike
from filtviz.measures.stored import Clipped, Quantised

__all__ = [
    "ALPHA",
    "CHECKS",
    "JUDGING",
    "LEVEL",
    "MEASURES",
    "STRUCTURE",
    "VERDICTS",
    "VerdictText",
    "checks_met",
    "measure_named",
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

JUDGING = tuple(key for key, measure in MEASURES.items() if measure.judges)
"""The tests that decide a layer's verdict."""

STRUCTURE = tuple(key for key, measure in MEASURES.items() if measure.decides == "structure")
"""Those of them that look for structure."""


@dataclass(frozen=True)
class VerdictText:
    """A verdict in words.

    It ``says`` so of a layer, and ``together`` of several, after "are" or "were"; ``when`` a layer is called
    so; ``letter`` stands for it in a table.
    """

    says: str
    together: str
    when: str
    letter: str


_UPDATED = "updated, but no filter structure can be detected"

VERDICTS: Mapping[Verdict, VerdictText] = {
    "initial": VerdictText(
        says="indistinguishable from initialisation",
        together="indistinguishable from initialisation",
        when="no structure, nothing has moved, and an initialiser fits the weights",
        letter="A",
    ),
    "updated": VerdictText(
        says=f"was {_UPDATED}",
        together=_UPDATED,
        when=(
            "no structure, but the biases (or the batch normalisation) have moved, or weights lie beyond the "
            "bound of the uniform initialiser whose trace the trained layers bear, or no initialiser of any "
            "scale draws such weights"
        ),
        letter="B",
    ),
    "structured": VerdictText(
        says="statistically structured",
        together="statistically structured",
        when="a test of structure passes the level",
        letter="C",
    ),
    "collapsed": VerdictText(
        says="structured, but collapsed to few directions",
        together="structured, but collapsed to few directions",
        when="structured, and over half of the filters is one direction, beyond chance",
        letter="D",
    ),
    "undecided": VerdictText(
        says="cannot tell, and the sentence says why",
        together="not judged (the sentence says why)",
        when=(
            "NaN or infinite weights, one value only, fewer than 50 weights, or draws of a scale that no "
            "initialiser has in a layer without biases"
        ),
        letter="?",
    ),
}
"""The verdicts of a layer, by their keys in JSON."""

_VERDICT_CHECKS: Mapping[str, tuple[Verdict, str]] = {
    "untrained": ("initial", "a layer is indistinguishable from its initialisation"),
    "unstructured": ("updated", "a layer was updated, but no filter structure can be detected in it"),
    "collapsed": ("collapsed", "a layer has collapsed to few directions"),
    "undecided": ("undecided", "a layer cannot be judged"),
}

CHECKS: Mapping[str, str] = {
    **{rule: text for rule, (_, text) in _VERDICT_CHECKS.items()},
    **{key: measure.check for key, measure in MEASURES.items() if measure.check},
    "nonfinite": "a weight or a bias is NaN or infinite",
}
"""What ``--check`` can look for, and what each rule means."""


def checks_met(layers: Sequence[LayerDiagnosis]) -> dict[str, tuple[str, ...]]:
    """Return for each rule of ``--check`` the names of the layers where it is met."""
    return {rule: tuple(layer.name for layer in layers if _is_met(rule, layer)) for rule in CHECKS}


def _is_met(rule: str, layer: LayerDiagnosis) -> bool:
    if rule in _VERDICT_CHECKS:
        return layer.verdict == _VERDICT_CHECKS[rule][0]
    if rule in MEASURES:
        return MEASURES[rule].is_met(layer)
    return any(each.nonfinite for each in layer.filters)


def measure_named(key: str) -> Measure:
    """Return the measure called ``key``.

    Raises:
        MeasureError: there is none; the text lists them.
    """
    if key in MEASURES:
        return MEASURES[key]
    raise MeasureError(f"there is no measure {key!r} (there are: {', '.join(MEASURES)})")
