"""What the commands print for scripts: JSON and CSV, whose keys docs/json.md documents and which stay.

JSON holds nothing but dicts, lists, texts, finite numbers, booleans and null.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from filtviz.cli.console import answer_data, model_data
from filtviz.cli.streams import exact
from filtviz.errors import BudgetError
from filtviz.measures.conclusions import difference
from filtviz.measures.measure import Diagnosis, FilterDiagnosis, Finding, LayerDiagnosis
from filtviz.naming import telling_names
from filtviz.network import Network
from filtviz.summary import LayerRow, Summary
from filtviz.text import printable, spreadsheet_text

if TYPE_CHECKING:
    from filtviz.batch import ExportResult, ModelResult
    from filtviz.measures.comparison import LayerComparison
    from filtviz.reporting.content import Histogram, PageContent, ReportedModel, Section
    from filtviz.results import ComparisonResult, FileFailure, LayerFailure, PlotResult

__all__ = [
    "CSV_COLUMNS",
    "comparison_data",
    "diagnoses_data",
    "diagnosis_data",
    "export_data",
    "finite",
    "network_data",
    "plot_data",
    "report_data",
    "write_csv",
    "write_rows",
]


def network_data(network: Network, summary: Summary) -> dict[str, Any]:
    """Return what ``filtviz layers --json`` prints."""
    origin = network.origin
    file = None if origin.path is None else str(origin.path)
    return answer_data([model_data(file)], _network(network, summary))


def _network(network: Network, summary: Summary) -> dict[str, Any]:
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


def diagnoses_data(models: Sequence[Diagnosis | FileFailure], *, with_filters: bool) -> dict[str, Any]:
    """Return what ``filtviz diagnose --json`` prints.

    Args:
        models: Of each model its diagnosis, or why it has none.
        with_filters: Whether every filter is in it.
    """
    done = [each for each in models if isinstance(each, Diagnosis)]
    named = zip(telling_names([Path(each.file or "network") for each in done]), done, strict=True)
    answer = done[0].answer if len(done) == 1 else difference(list(named))
    data = [_model_data(each, with_filters=with_filters) for each in models]
    return answer_data(data, {"answer": answer})


def _model_data(model: Diagnosis | FileFailure, *, with_filters: bool) -> dict[str, Any]:
    """Return what became of a model, and what was found in it."""
    if not isinstance(model, Diagnosis):
        return {**model_data(model.file, [(model.code, model.reason)]), "layers": [], "not_judged": []}
    return {**_outcome(model), **diagnosis_data(model, with_filters)}


def _outcome(model: Diagnosis) -> dict[str, Any]:
    """Return what became of a model that could be read."""
    if not model.layers and not model.left_out:
        bare = {"status": "no-filters", "code": "no-filters", "reason": model.answer}
        return {"file": model.file, **bare}
    left_out = [(BudgetError.code, sentence) for sentence in model.left_out]
    return model_data(model.file, left_out, status="diagnosed")


def diagnosis_data(diagnosis: Diagnosis, with_filters: bool) -> dict[str, Any]:
    """Return what ``filtviz diagnose --json`` prints of a model that could be read."""
    return {
        "file": diagnosis.file,
        "layers": [_judged_layer(layer, with_filters) for layer in diagnosis.layers],
        "not_judged": [finite(each) for each in diagnosis.unjudged],
        "answer": diagnosis.answer,
        "summary": diagnosis.summary,
        "look": diagnosis.look,
        "more": diagnosis.more,
        "more_command": diagnosis.more_command,
        "others": [{"more": told, "command": command} for told, command in diagnosis.others],
        "next": list(diagnosis.commands),
        "notes": list(diagnosis.notes),
        "left_out": list(diagnosis.left_out),
        "checks": {rule: list(names) for rule, names in diagnosis.checks.items()},
        "shown": finite(diagnosis.shown),
    }


def _judged_layer(layer: LayerDiagnosis, with_filters: bool) -> dict[str, Any]:
    if not with_filters:
        layer = replace(layer, filters=(), changes=tuple(replace(each, filters=()) for each in layer.changes))
    data: dict[str, Any] = finite(layer)
    del data["findings"]
    if layer.draws is not None:
        data["draws"] = {"family": layer.draws.family, "std": layer.draws.std}
    data["measures"] = {finding.measure: _measure(finding) for finding in layer.findings}
    if not with_filters:
        del data["filters"]
        for change in data["changes"]:
            del change["filters"]
    return data


def _measure(finding: Finding) -> dict[str, Any]:
    data: dict[str, Any] = finite(finding)
    del data["measure"]
    return data


def finite(value: Any) -> Any:
    """Replace what strict JSON does not have, NaN and infinity, by None, all the way down.

    A dataclass becomes its fields by name; a long tuple of whole numbers is taken as it is.

    Args:
        value: What JSON has, and dataclasses.
    """
    if is_dataclass(value):
        return {one.name: finite(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, tuple) and all(type(each) is int for each in value):
        return list(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return value


_FILTER_COLUMNS = tuple(field.name for field in fields(FilterDiagnosis) if field.name != "index")

CSV_COLUMNS = ("file", "layer", "name", "verdict", "filter", *_FILTER_COLUMNS, "cos2")
"""One row a filter; ``cos2`` is that with the first file of ``--before``."""

LONGEST_CELL = 1000
"""So many characters of a text are in a cell; that there are more is said there."""


def write_rows(diagnoses: Sequence[Diagnosis], stream: TextIO) -> None:
    """Write one row for each filter; an empty cell is what could not be measured."""
    write_csv([CSV_COLUMNS], stream)
    for diagnosis in diagnoses:
        for layer in diagnosis.layers:
            head = [diagnosis.file, layer.conv_index, layer.name, layer.verdict]
            cos2 = {each.index: each.cos2 for change in layer.changes[:1] for each in change.filters}
            for each in layer.filters:
                values = [getattr(each, name) for name in _FILTER_COLUMNS]
                write_csv([[*head, each.index, *values, cos2.get(each.index)]], stream)


def write_csv(rows: Iterable[Sequence[Any]], stream: TextIO) -> None:
    """Write rows as CSV that a spreadsheet may open: no text in it is taken for a formula.

    Args:
        rows: Texts, which may come out of a file, numbers, booleans (1 and 0), tuples of numbers, and None
            or what is not finite for an empty cell.
        stream: A character that its encoding does not have is escaped.
    """
    encoding = getattr(stream, "encoding", None)
    writer = csv.writer(stream, lineterminator="\n")
    for row in rows:
        writer.writerow([exact(str(_cell(value)), encoding) for value in row])


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return spreadsheet_text(printable(value, LONGEST_CELL))
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    if isinstance(value, bool):
        return int(value)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return value


def plot_data(model: str, result: PlotResult) -> dict[str, Any]:
    """Return what ``filtviz plot --json`` prints: the pictures that were written, and what failed."""
    failed = [(each.code, each.reason) for each in result.failures]
    failed += [(BudgetError.code, sentence) for sentence in result.left_out]
    data = {
        "file": model,
        "pictures": [{"file": str(file.path), "kept": file.kept} for file in result.files],
        "cautions": list(result.cautions),
        "failures": _failures(result.failures),
        "left_out": list(result.left_out),
    }
    return answer_data([model_data(model, failed, status="drawn")], data)


def _failures(failures: Iterable[LayerFailure]) -> list[dict[str, Any]]:
    return [{"layer": each.layer, "code": each.code, "reason": each.reason} for each in failures]


def comparison_data(files: Sequence[str], result: ComparisonResult) -> dict[str, Any]:
    """Return what ``filtviz compare --json`` prints; null where a number is not defined."""
    failed = [(each.code, each.reason) for each in result.failures]
    data = {
        "files": list(files),
        "layers": [_compared_layer(each) for each in result.comparisons],
        "cautions": list(result.cautions),
        "failures": _failures(result.failures),
    }
    return answer_data([model_data(file, failed, status="compared") for file in files], data)


def _compared_layer(comparison: LayerComparison) -> dict[str, Any]:
    changes, cosines = comparison.relative_change.tolist(), comparison.cosine.tolist()
    return {
        "layer": comparison.label,
        "relative_change": finite(comparison.total_change),
        "cosine": finite(comparison.total_cosine),
        "filters": [
            {"index": index, "relative_change": finite(change), "cosine": finite(cosine)}
            for index, (change, cosine) in enumerate(zip(changes, cosines, strict=True))
        ],
    }


def export_data(result: ExportResult) -> dict[str, Any]:
    """Return what ``filtviz export --json`` prints: what became of each model, and its pictures."""
    from filtviz.batch.manifest import number_options

    options, pictures = number_options(result.pictures)
    given = {model.place: str(model.path) for model in result.models}
    others = [each for each in result.passed_over if each.status == "no-model"]
    return {
        "folder": str(result.folder),
        "manifest": str(result.manifest),
        "complete": result.complete,
        "options": options,
        "models": [_exported(model, result.folder) for model in result.models],
        "pictures": [{**picture, "model": given[picture["model"]]} for picture in pictures],
        "passed_over": [{"file": str(each.path), "reason": each.reason} for each in others],
    }


def _exported(model: ModelResult, folder: Path) -> dict[str, Any]:
    return {
        "file": str(model.path),
        "model": str(model.path),
        "folder": model.folder.relative_to(folder.absolute()).as_posix(),
        "status": model.status,
        "code": model.code,
        "reason": model.reason,
        "notes": list(model.notes),
        "pages": model.drawn + model.kept,
        "drawn": model.drawn,
    }


def report_data(content: PageContent) -> dict[str, Any]:
    """Return what ``filtviz report --json`` prints: what the page says, without its pictures.

    Args:
        content: What the page shows.
    """
    failed = [model_data(each.file, [(each.code, each.reason)]) for each in content.failures]
    data = answer_data(
        [*map(_reported, content.files), *failed],
        {
            "title": content.title,
            "layers": [_section(section) for section in content.sections],
            "notes": list(content.notes),
            "left_out": list(content.left_out),
        },
    )
    return {**data, "complete": data["complete"] and not content.left_out}


def _reported(file: ReportedModel) -> dict[str, Any]:
    return {
        **_outcome(file.diagnosis),
        "label": file.label,
        "network": _network(file.network, file.summary),
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
