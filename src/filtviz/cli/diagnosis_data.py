"""A diagnosis for scripts: JSON and CSV, whose keys docs/json.md documents and which stay."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, TextIO

from filtviz.measures.findings import Diagnosis, FilterDiagnosis, Finding, LayerDiagnosis
from filtviz.text import printable

__all__ = ["CSV_COLUMNS", "as_data", "write_rows"]

_FILTER_COLUMNS = tuple(field.name for field in fields(FilterDiagnosis) if field.name != "index")

CSV_COLUMNS = ("file", "layer", "name", "verdict", "filter", *_FILTER_COLUMNS, "cos2")
"""One row a filter; ``cos2`` is that with the first file of ``--before``."""


def as_data(diagnosis: Diagnosis, with_filters: bool) -> dict[str, Any]:
    """Return what ``--json`` prints: nothing but dicts, lists, texts, finite numbers, booleans and None."""
    return {
        "file": diagnosis.file,
        "layers": [_layer(layer, with_filters) for layer in diagnosis.layers],
        "not_judged": [_finite(asdict(each)) for each in diagnosis.unjudged],
        "summary": diagnosis.summary,
        "next": list(diagnosis.commands),
        "notes": list(diagnosis.notes),
        "checks": {rule: list(names) for rule, names in diagnosis.checks.items()},
    }


def _layer(layer: LayerDiagnosis, with_filters: bool) -> dict[str, Any]:
    data: dict[str, Any] = _finite(asdict(layer))
    del data["findings"]
    data["measures"] = {finding.measure: _measure(finding) for finding in layer.findings}
    if not with_filters:
        del data["filters"]
        for change in data["changes"]:
            del change["filters"]
    return data


def _measure(finding: Finding) -> dict[str, Any]:
    data: dict[str, Any] = _finite(asdict(finding))
    del data["measure"]
    return data


def _finite(value: Any) -> Any:
    """Replace what strict JSON does not have, NaN and infinity, by None, all the way down."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value


def write_rows(diagnoses: Sequence[Diagnosis], stream: TextIO) -> None:
    """Write one row for each filter; an empty cell is what could not be measured."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for diagnosis in diagnoses:
        for layer in diagnosis.layers:
            head = [
                printable(diagnosis.file or "", 1000),
                layer.conv_index,
                printable(layer.name),
                layer.verdict,
            ]
            cos2 = {each.index: each.cos2 for change in layer.changes[:1] for each in change.filters}
            for each in layer.filters:
                values = [_cell(getattr(each, name)) for name in _FILTER_COLUMNS]
                writer.writerow([*head, each.index, *values, _cell(cos2.get(each.index))])


def _cell(value: Any) -> Any:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    if isinstance(value, bool):
        return int(value)
    return "" if value is None else value
