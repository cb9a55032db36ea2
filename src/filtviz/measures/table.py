"""The table of measures: for each its formula, its null, what it supports, what it cannot say, its source.

`filtviz explain` prints an entry, ``docs/measures.md`` holds them all. Pure text: importing this imports
neither numpy nor scipy. The functions that take the measures are in `filtviz.measures.judging` and
`filtviz.measures.showing`.
"""

from __future__ import annotations

from filtviz.errors import MeasureError
from filtviz.measures.entries_filters import FILTER_ENTRIES
from filtviz.measures.entries_layers import LAYER_ENTRIES
from filtviz.measures.measure import Measure

__all__ = ["ALPHA", "CHECKS", "JUDGING", "LEVEL", "MEASURES", "VERDICTS", "measure_named"]

ALPHA = 0.01
"""How often a layer of independent draws may be judged to be something else."""

JUDGING = ("initialiser", "low-frequency", "sphericity", "filter-energy", "channel-energy", "spike")
"""The tests that decide a layer's verdict."""

LEVEL = ALPHA / len(JUDGING)
"""Bonferroni's level for each of them, also where some cannot be taken."""

VERDICTS = {
    "initial": "indistinguishable from initialisation",
    "updated": "was updated, but no filter structure can be detected",
    "structured": "statistically structured",
    "collapsed": "structured, but collapsed to few directions",
    "undecided": "cannot tell, and the sentence says why",
}
"""The verdicts of a layer, as `--json` has them."""

CHECKS = {
    "untrained": "a layer is indistinguishable from its initialisation",
    "unstructured": "a layer was updated, but no filter structure can be detected in it",
    "collapsed": "a layer has collapsed to few directions",
    "undecided": "a layer cannot be judged",
    "dead": "a filter is provably dead, or has decayed to almost nothing",
    "duplicates": "two filters are near-duplicates (|cos| of .95 or more)",
    "clipped": "the values of a layer pile up at ±max",
    "quantised": "a layer has fewer distinct values than its precision allows",
    "nonfinite": "a weight or a bias is NaN or infinite",
}
"""What ``--check`` can look for."""

MEASURES = {entry.key: entry for entry in (*LAYER_ENTRIES, *FILTER_ENTRIES)}
"""Key → `Measure`, in the order in which they are explained."""


def measure_named(key: str) -> Measure:
    """Return the measure called ``key``.

    Raises:
        MeasureError: there is none; the text lists them.
    """
    if key in MEASURES:
        return MEASURES[key]
    raise MeasureError(f"there is no measure {key!r} (there are: {', '.join(MEASURES)})")
