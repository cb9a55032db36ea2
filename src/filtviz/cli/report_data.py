"""A report for scripts: the page's facts, without its pictures."""

from __future__ import annotations

from typing import Any

from filtviz.cli.diagnosis_data import as_data as diagnosis_data
from filtviz.cli.layers import as_data as network_data
from filtviz.reporting.content import Histogram, ModelFile, PageContent, Section
from filtviz.summary import summarize

__all__ = ["as_data"]


def as_data(content: PageContent) -> dict[str, Any]:
    """Return what ``--json`` prints: the files with their tables and diagnoses, the layers across files."""
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
        "index": layer.conv_index,
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
