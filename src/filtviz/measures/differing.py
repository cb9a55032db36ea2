"""In what the verdicts of several models differ, in a few plain sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from filtviz.measures.conclusions import names_of
from filtviz.measures.measure import Diagnosis, LayerDiagnosis
from filtviz.measures.verdicts import VERDICTS
from filtviz.text import every, listed, plural

__all__ = ["difference", "in_brief", "runs_of"]

_MOST_GROUPS = 3
"""Groups of models with the same verdicts that are told one by one; more are counted."""

_LONGEST = 300
"""Characters in which they are told one by one."""

_MOST_NAMES = 4
"""Names of models in a sentence."""


def difference(models: Sequence[tuple[str, Diagnosis]]) -> str:
    """Say which models have which verdicts, so that it shows in what they differ.

    Args:
        models: Two or more, each with the name by which to speak of it.
    """
    groups: dict[str, list[str]] = {}
    for name, diagnosis in models:
        groups.setdefault(in_brief(diagnosis), []).append(name)
    if len(groups) == 1:
        which = "Both models have" if len(models) == 2 else f"All {len(models)} models have"
        return f"{which} the same verdicts: {next(iter(groups))}."
    told = " ".join(f"{listed(names, _MOST_NAMES)}: {said}." for said, names in groups.items())
    if len(groups) <= _MOST_GROUPS and len(told) <= _LONGEST:
        return told
    return _counted([diagnosis for _, diagnosis in models])


def in_brief(diagnosis: Diagnosis) -> str:
    """Say a model's verdicts in a few words: "no pattern in conv1, structured in conv2 to conv6".

    Args:
        diagnosis: Of the model.
    """
    layers = diagnosis.layers
    parts = []
    for verdict, text in VERDICTS.items():
        members = [layer for layer in layers if layer.verdict == verdict]
        if len(members) == len(layers) > 1 and verdict == "updated":
            return f"{text.word} in {every(len(layers), 'convolution')}"
        if len(members) == len(layers) > 1:
            return (
                f"{every(len(layers), 'convolution')} are {text.word}" if verdict != "undecided" else _UNKNOWN
            )
        if members:
            parts.append((members[0].conv_index, f"{text.word} in {names_of(members, layers)}"))
    return ", ".join(said for _, said in sorted(parts)) or "no filters to judge"


_UNKNOWN = "no convolution can be judged"


def runs_of(diagnosis: Diagnosis) -> list[list[LayerDiagnosis]]:
    """Return a model's layers, those of one verdict together, in the order in which they first occur.

    Args:
        diagnosis: Of the model.
    """
    runs: dict[str, list[LayerDiagnosis]] = {}
    for layer in diagnosis.layers:
        runs.setdefault(layer.verdict, []).append(layer)
    return list(runs.values())


_KINDS = (
    ("collapsed", "with filters that have collapsed"),
    ("structured", "with structure in some layer"),
    ("updated", "trained without structure that could be told from noise"),
    ("undecided", "of which nothing can be told"),
    ("initial", "still as drawn throughout"),
)
"""Kinds of models by the verdicts of their layers; the first that one of them has counts."""


def _counted(diagnoses: Sequence[Diagnosis]) -> str:
    """Say how many models are of which kind."""
    counts = Counter(_kind(each) for each in diagnoses)
    if len(counts) == 1:
        return f"{plural(len(diagnoses), 'model')}, all {next(iter(counts))}."
    kinds = (*(said for _, said in _KINDS), _EMPTY)
    told = [f"{counts[said]} {said}" for said in kinds if counts[said]]
    return f"{plural(len(diagnoses), 'model')}: {listed(told)}."


_EMPTY = "without filters to judge"


def _kind(diagnosis: Diagnosis) -> str:
    found = {layer.verdict for layer in diagnosis.layers}
    return next((said for verdict, said in _KINDS if verdict in found), _EMPTY)
