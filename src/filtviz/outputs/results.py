"""What a batch export did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Failure", "ModelResult", "Progress", "ProgressCallback", "Report"]


@dataclass(frozen=True)
class Failure:
    """A model file that gave no pictures, or not all of them, and why, in one sentence."""

    path: Path
    reason: str


@dataclass(frozen=True, kw_only=True)
class ModelResult:
    """What became of one model file: pages drawn now, and pages that were there already.

    ``notes`` are sentences on what its pictures do not show; ``failure`` is None where all went well.
    """

    path: Path
    drawn: int
    kept: int
    notes: tuple[str, ...] = ()
    failure: str | None = None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is: pages done of those known by now, and the model that is at an end, if one is."""

    done: int
    known: int
    finished: ModelResult | None = None


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a run did. ``pictures`` are the manifest's entries of this run, ``manifest`` is its file."""

    folder: Path
    manifest: Path
    models: tuple[ModelResult, ...]
    pictures: tuple[Mapping[str, Any], ...]

    @property
    def drawn(self) -> int:
        """The number of pages drawn."""
        return sum(model.drawn for model in self.models)

    @property
    def kept(self) -> int:
        """The number of pages that were there already."""
        return sum(model.kept for model in self.models)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The models that failed, in the order in which they were given."""
        return tuple(Failure(model.path, model.failure) for model in self.models if model.failure)
