"""What the commands print for scripts: JSON and CSV, whose keys docs/json.md documents and which stay.

JSON holds nothing but dicts, lists, texts, finite numbers, booleans and null.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, TextIO

from filtviz.measures.measure import Diagnosis, FilterDiagnosis, Finding, LayerDiagnosis
from filtviz.network import Network
from filtviz.summary import LayerRow, Summary, summarize
from filtviz.text import printable

if TYPE_CHECKING:
    from filtviz.batch.exporting import ExportResult
    from filtviz.measures.comparison import LayerComparison
    from filtviz.reporting.content import Histogram, ModelFile, PageContent, Section
    from filtviz.results import ComparisonResult

__all__ = [
    "CSV_COLUMNS",
    "comparison_data",
    "diagnosis_data",
    "export_data",
    "network_data",
    "report_data",
    "write_rows",
]


def network_data(network: Network, summary: Summary) -> dict[str, Any]:
    """Return what ``filtviz layers --json`` prints."""
    origin = network.origin
    return {
        "file": None if origin.path is None else str(origin.path),
        "kind": origin.kind,
        "container": origin.container,
        "protocol": origin.protocol,
        "python": origin.python,
        "versions": dict(origin.versions),
        "classes": list(origin.classes),
        "framework": origin.framework,
        "producer": origin.producer,
        "order": origin.order,
        "left_out": list(origin.left_out),
        "inferred": list(origin.inferred),
        "notes": list(origin.notes),
        "epochs": len(network.history),
        "layers": [_row(row) for row in summary.rows],
        "totals": {
            "layers": len(summary.rows),
            "convolutions": summary.convolutions,
            "parameters": summary.parameters,
            "conv_parameters": summary.conv_parameters,
        },
    }


def _row(row: LayerRow) -> dict[str, Any]:
    seen = row.receptive_field
    return {
        **{each.name: getattr(row, each.name) for each in fields(row)},
        "receptive_field": None if seen is None else list(seen.size),
        "coverage": None if seen is None else list(seen.coverage),
    }


def diagnosis_data(diagnosis: Diagnosis, with_filters: bool) -> dict[str, Any]:
    """Return what ``filtviz diagnose --json`` prints of a model."""
    return {
        "file": diagnosis.file,
        "layers": [_judged_layer(layer, with_filters) for layer in diagnosis.layers],
        "not_judged": [_finite(asdict(each)) for each in diagnosis.unjudged],
        "summary": diagnosis.summary,
        "next": list(diagnosis.commands),
        "notes": list(diagnosis.notes),
        "checks": {rule: list(names) for rule, names in diagnosis.checks.items()},
    }


def _judged_layer(layer: LayerDiagnosis, with_filters: bool) -> dict[str, Any]:
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


_FILTER_COLUMNS = tuple(field.name for field in fields(FilterDiagnosis) if field.name != "index")

CSV_COLUMNS = ("file", "layer", "name", "verdict", "filter", *_FILTER_COLUMNS, "cos2")
"""One row a filter; ``cos2`` is that with the first file of ``--before``."""


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


def comparison_data(files: Sequence[str], result: ComparisonResult) -> dict[str, Any]:
    """Return what ``filtviz compare --json`` prints; null where a number is not defined."""
    return {"files": list(files), "layers": [_compared_layer(each) for each in result.comparisons]}


def _compared_layer(comparison: LayerComparison) -> dict[str, Any]:
    changes, cosines = comparison.relative_change.tolist(), comparison.cosine.tolist()
    return {
        "layer": comparison.label,
        "relative_change": _finite(comparison.total_change),
        "cosine": _finite(comparison.total_cosine),
        "filters": [
            {"index": index, "relative_change": _finite(change), "cosine": _finite(cosine)}
            for index, (change, cosine) in enumerate(zip(changes, cosines, strict=True))
        ],
    }


def export_data(result: ExportResult) -> dict[str, Any]:
    """Return what ``filtviz export --json`` prints: the manifest's entries of this run, and what failed."""
    return {
        "folder": str(result.folder),
        "pictures": list(result.pictures),
        "failures": [{"model": str(each.path), "reason": each.reason} for each in result.failures],
    }


def report_data(content: PageContent) -> dict[str, Any]:
    """Return what ``filtviz report --json`` prints: what the page says, without its pictures."""
    return {
        "title": content.title,
        "files": [_file(file) for file in content.files],
        "layers": [_section(section) for section in content.sections],
        "notes": list(content.notes),
    }


def _file(file: ModelFile) -> dict[str, Any]:
    return {
        "label": file.label,
        "network": network_data(file.network, summarize(file.network)),
        "diagnosis": diagnosis_data(file.diagnosis, with_filters=True),
    }


def _section(section: Section) -> dict[str, Any]:
    layer = section.layer
    moved = section.movement.trails if section.movement else ()
    return {
        "conv_index": layer.conv_index,
        "name": layer.label,
        "shape": [layer.n_filters, layer.n_channels, *layer.kernel_size],
        "files": [state.file.label for state in section.states],
        "histograms": [_histogram(state.histogram) for state in section.states],
        "moved": {trail.measure: {"values": list(trail.values), "moved": trail.moved} for trail in moved},
        "notes": list(section.notes),
    }


def _histogram(histogram: Histogram | None) -> dict[str, Any] | None:
    """Return the counts, and the initialiser's as points ``[weight, weights in a bin there]``."""
    if histogram is None:
        return None
    return {
        "edges": histogram.edges.tolist(),
        "counts": histogram.counts.tolist(),
        "initialiser": histogram.initialiser,
        "initial": None if histogram.null is None else histogram.null.tolist(),
    }
