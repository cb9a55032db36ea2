"""One model file → its rows: read, measured and let go of, in whatever process the work goes to."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from filtviz.budget import Budget
from filtviz.errors import FileAccessError, FiltvizError, ReadError
from filtviz.measures.diagnosing import Measured, measure
from filtviz.measures.measure import FilterDiagnosis, LayerDiagnosis
from filtviz.measures.table import MEASURES
from filtviz.measures.trajectory import number_in
from filtviz.network import ConvLayer, Network
from filtviz.operations import Convolution
from filtviz.reading import Hints, Limits, load
from filtviz.reading.folders import is_no_model
from filtviz.surveying.columns import FILES, FILTERS, LAYERS, TableColumn, column_of_measure
from filtviz.text import printable

__all__ = ["LONGEST", "NO_MODEL", "FileJob", "FileRows", "Rows", "told"]

Rows = dict[str, list[Any]]
"""A table by columns."""

NO_MODEL = "no-model"
"""The status of a file that was found in a folder and is no model: it gets no row."""

_CHUNK = 1 << 20
_BEFORE_MOMENTS = 1 << 16
"""Kernels whose moments are summed at a time."""


LONGEST = 4096
"""Characters of a text in the tables: a path may be so long."""


def told(text: str) -> str:
    """Return a text out of a file, or a path, as the tables hold it: on one line, with no control characters.

    Args:
        text: Any text.
    """
    return printable(text, LONGEST)


@dataclass(frozen=True, kw_only=True)
class FileRows:
    """What became of a file: its row, and those of its layers and filters."""

    file: Mapping[str, Any]
    layers: Rows = field(default_factory=dict)
    filters: Rows = field(default_factory=dict)

    @property
    def status(self) -> str:
        """What became of it."""
        return str(self.file["status"])

    @property
    def n_filters(self) -> int:
        """The number of its filters."""
        return len(self.filters.get("filter", ()))


@dataclass(frozen=True, kw_only=True)
class FileJob:
    """A file to measure. ``path`` is where it is from anywhere, ``file`` what it goes by in the tables."""

    path: Path
    file: str
    size: int
    changed: int
    is_found: bool
    limits: Limits | None
    hints: Hints | None
    budget: Budget | None

    def run(self) -> FileRows:
        """Read and measure it; what goes wrong is its row."""
        try:
            return self._measured()
        except ReadError as error:
            no_model = self.is_found and is_no_model(error)
            sentence = error.sentence if error.path == self.path else str(error)
            return self._without(NO_MODEL if no_model else "failed", error.code, sentence)
        except FiltvizError as error:
            return self._without("failed", error.code, str(error))
        except MemoryError:
            return self._without("failed", "memory", "the machine has not enough memory for it")

    def lost(self, reason: str) -> FileRows:
        """Return its row where the process that measured it was ended."""
        return self._without("failed", "worker-ended", reason)

    def _without(self, status: str, code: str, sentence: str) -> FileRows:
        reason = told(f"{printable(self.file, 200)}: {sentence}")
        return FileRows(file=self._row(status=status, code=code, reason=reason))

    def _row(self, **facts: Any) -> dict[str, Any]:
        known = {"file": told(self.file), "size": self.size, "changed": self.changed, "parts": [], **facts}
        return {column.name: known.get(column.name) for column in FILES}

    def _measured(self) -> FileRows:
        started = time.process_time()
        network = load(self.path, limits=self.limits, hints=self.hints)
        digest = _digest([self.path, *network.origin.siblings])
        read = time.process_time()
        budget = self.budget or Budget()
        measured = measure(network, budget.account(network))
        row = self._row(
            digest=digest,
            parts=[told(str(Path(self.file).parent / part)) for part in _beside(network)],
            status="read" if measured.layers or measured.unjudged else "no-filters",
            **_facts(network, measured, Path(self.file)),
            seconds_reading=read - started,
            seconds_measuring=time.process_time() - read,
        )
        head = {"file": row["file"], "digest": digest}
        return FileRows(
            file=row,
            layers=_by_columns(_layers(network, measured, head), LAYERS),
            filters=_by_columns(_filters(measured, head), FILTERS),
        )


def _beside(network: Network) -> Iterator[str]:
    """Yield the paths of a model's other files, as seen from the folder in which its first lies."""
    origin = network.origin
    if origin.path is not None:
        yield from (os.path.relpath(path, origin.path.parent) for path in origin.siblings)


def _digest(paths: Sequence[Path]) -> str:
    whole = hashlib.sha256()
    for path in paths:
        if path.is_dir():
            continue
        try:
            with path.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    whole.update(chunk)
        except OSError as error:
            raise FileAccessError(f"{told(str(path))}: it cannot be read any more", path=path) from error
    return whole.hexdigest()


def _facts(network: Network, measured: Measured, file: Path) -> dict[str, Any]:
    origin, layers = network.origin, network.conv_layers
    numbered = number_in(file)
    run, epoch = file.parent, origin.epoch
    if epoch is None and numbered is not None:
        run, epoch = file.parent / numbered[0], numbered[1]
    shapes = repr([(layer.label, layer.axes, layer.weights.shape) for layer in layers])
    return {
        "kind": told(origin.kind),
        "framework": told(origin.framework) or None,
        "producer": told(origin.producer) or None,
        "run": told(str(run)),
        "epoch": epoch,
        "network": hashlib.sha256(shapes.encode()).hexdigest()[:16],
        "convolutions": len(layers),
        "parameters": sum(layer.weights.size for layer in layers),
        "trained": list(measured.training),
        "left_out": [told(each) for each in measured.left_out],
    }


def _by_columns(rows: Iterator[dict[str, Any]], columns: Sequence[TableColumn]) -> Rows:
    found = list(rows)
    return {column.name: [row.get(column.name) for row in found] for column in columns}


def _layers(network: Network, measured: Measured, head: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    judged = {layer.conv_index: layer for layer in measured.layers}
    reasons = {layer.conv_index: layer.reason for layer in measured.unjudged}
    last = max(len(network.conv_layers) - 1, 1)
    for layer in network.conv_layers:
        found = judged.get(layer.conv_index)
        yield {
            **head,
            "conv": layer.conv_index,
            "layer": told(layer.label),
            "type": told(layer.type),
            "framework": told(network.origin.framework) or None,
            "depth": layer.conv_index / last,
            "dtype": str(layer.weights.dtype),
            "groups": _groups(layer),
            "reason": reasons.get(layer.conv_index),
            **_sizes(layer),
            **({} if found is None else {**_judged(found), **_moments(layer)}),
        }


def _groups(layer: ConvLayer) -> int | None:
    return layer.convolution.groups if isinstance(layer.convolution, Convolution) else None


def _sizes(layer: ConvLayer) -> dict[str, Any]:
    if layer.why_not_drawn is not None:
        return {"filters": layer.n_filters}
    rows, cols = layer.kernel_size
    return {"filters": layer.n_filters, "channels": layer.n_channels, "rows": rows, "cols": cols}


def _judged(layer: LayerDiagnosis) -> dict[str, Any]:
    found: dict[str, Any] = {
        "verdict": layer.verdict,
        "seen": layer.seen,
        "drawn_by": layer.initialiser,
        "residue_at_least": layer.residue_at_least,
        "dead_filters": sum(each.dead for each in layer.filters),
        "decayed_filters": sum(each.decayed for each in layer.filters),
        "duplicate_filters": sum(bool(each.duplicates) for each in layer.filters),
        "nonfinite_filters": sum(each.nonfinite for each in layer.filters),
    }
    for each in layer.findings:
        name = column_of_measure(MEASURES[each.measure].key)
        found |= {name: each.value, f"{name}_p": each.p, f"{name}_found": each.found}
    return found


def _moments(layer: ConvLayer) -> dict[str, Any]:
    """Return what the principal components of all 3x3 kernels are made of, as CNN Filter DB makes them.

    Each kernel is divided by its largest |weight| (Gavrikov & Keuper 2022); kernels of zeros, and
    those that are not finite, are not counted.
    """
    if layer.kernel_size != (3, 3):
        return {}
    kernels = layer.filters.reshape(-1, 9)
    n, total, products = 0, np.zeros(9), np.zeros((9, 9))
    for start in range(0, len(kernels), _BEFORE_MOMENTS):
        some = np.asarray(kernels[start : start + _BEFORE_MOMENTS], np.float64)
        peaks = np.abs(some).max(axis=1)
        kept = np.isfinite(peaks) & (peaks > 0)
        with np.errstate(over="ignore"):  # numpy 1 warns of the least numbers there are
            scaled = some[kept] / peaks[kept, None]
        n, total, products = n + len(scaled), total + scaled.sum(axis=0), products + scaled.T @ scaled
    return {"kernels": n, "kernel_sum": total.tolist(), "kernel_products": products.ravel().tolist()}


_OF_A_FILTER = tuple(each.name for each in fields(FilterDiagnosis) if each.name != "index")


def _filters(measured: Measured, head: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for layer in measured.layers:
        own = {**head, "conv": layer.conv_index, "layer": told(layer.name)}
        for each in layer.filters:
            yield {**own, "filter": each.index, **{name: getattr(each, name) for name in _OF_A_FILTER}}
