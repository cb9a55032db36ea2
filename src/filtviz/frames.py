"""Tables for pandas, where it is installed: layers, filters and measures, a row each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from filtviz.errors import ArgumentError, MissingExtraError
from filtviz.measures.comparison import LayerComparison
from filtviz.measures.measure import Diagnosis, FilterDiagnosis, Finding, LayerDiagnosis
from filtviz.network import Network
from filtviz.summary import LayerRow, summarize
from filtviz.text import described, printable

__all__ = ["comparison_frame", "diagnosis_frame", "network_frame"]

LONGEST = 200
"""Characters of a text that comes out of a file."""


def network_frame(network: Network) -> Any:
    """Return a ``pandas.DataFrame`` with a row for each layer, of the columns of ``filtviz layers --json``.

    Args:
        network: The network.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    return _frame([_of_row(row) for row in summarize(network).rows], "index")


def diagnosis_frame(diagnosis: Diagnosis, of: str) -> Any:
    """Return a ``pandas.DataFrame`` with a row for each layer, filter or measure.

    Args:
        diagnosis: Of one model.
        of: ``layers``, ``filters`` or ``measures``.

    Raises:
        ArgumentError: it is none of these.
        MissingExtraError: pandas is not installed.
    """
    tables = {"layers": _layers, "filters": _filters, "measures": _measures}
    if not isinstance(of, str) or of not in tables:
        raise ArgumentError(f"a frame is of 'layers', 'filters' or 'measures', not {described(of)}")
    return _frame([row for layer in diagnosis.layers for row in tables[of](layer)])


def comparison_frame(comparison: LayerComparison) -> Any:
    """Return a ``pandas.DataFrame`` with a row for each filter.

    Args:
        comparison: Of one layer.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    pairs = zip(comparison.relative_change.tolist(), comparison.cosine.tolist(), strict=True)
    rows = [
        {"filter": i, "relative_change": change, "cosine": cosine} for i, (change, cosine) in enumerate(pairs)
    ]
    return _frame(rows, "filter")


def _frame(rows: list[dict[str, Any]], index: str | None = None) -> Any:
    try:
        import pandas
    except ImportError as error:
        raise MissingExtraError("tables need pandas, which is not installed: pip install pandas") from error
    frame = pandas.DataFrame(rows)
    return frame if index is None or frame.empty else frame.set_index(index)


def _of_row(row: LayerRow) -> dict[str, Any]:
    seen = row.receptive_field
    told = {each.name: _plain(getattr(row, each.name)) for each in fields(row)}
    return {
        **told,
        "receptive_field": None if seen is None else seen.size,
        "coverage": None if seen is None else seen.coverage,
    }


def _layers(layer: LayerDiagnosis) -> Iterator[dict[str, Any]]:
    yield {
        **_head(layer),
        "type": _plain(layer.type),
        "shape": layer.shape,
        "dtype": layer.dtype,
        "verdict": layer.verdict,
        "noise": layer.residue,
        "noise_at_least": layer.residue_at_least,
        "seen": layer.seen,
        "initialiser": layer.initialiser,
        "sentence": layer.sentence,
    }


_OF_FILTERS = tuple(each.name for each in fields(FilterDiagnosis) if each.name != "index")


def _filters(layer: LayerDiagnosis) -> Iterator[dict[str, Any]]:
    cos2 = {each.index: each.cos2 for change in layer.changes[:1] for each in change.filters}
    for each in layer.filters:
        own = {name: getattr(each, name) for name in _OF_FILTERS}
        yield {**_head(layer), "filter": each.index, **own, "cos2": cos2.get(each.index)}


_OF_FINDINGS = tuple(each.name for each in fields(Finding) if each.name != "measure")


def _measures(layer: LayerDiagnosis) -> Iterator[dict[str, Any]]:
    for each in layer.findings:
        own = {name: getattr(each, name) for name in _OF_FINDINGS}
        yield {**_head(layer), "measure": each.measure, **own}


def _head(layer: LayerDiagnosis) -> dict[str, Any]:
    return {"conv": layer.conv_index, "layer": _plain(layer.name)}


def _plain(value: Any) -> Any:
    """Return a text as a terminal can show it, whatever a file calls its layers."""
    return printable(value, LONGEST) if isinstance(value, str) else value
