"""`filtviz.export`: every convolution of many models as pictures, and a manifest of them.

Pages are drawn by processes on this machine, or by an engine that joblib has a back end for, such as a Dask
cluster whose workers see the models and the folder under the same paths::

    import joblib
    from dask.distributed import Client

    with Client("tcp://scheduler:8786"), joblib.parallel_config("dask"):
        filtviz.export(paths, "/shared/pngs")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from filtviz.batch.jobs import Outcome, forget_models, run_jobs
from filtviz.batch.manifest import MANIFEST
from filtviz.batch.planning import ExportOptions, Planner
from filtviz.files import make_folder

__all__ = ["ExportResult", "Failure", "ModelResult", "Progress", "ProgressCallback", "export"]


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
class ExportResult:
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


def export(
    models: str | PathLike[str] | Iterable[str | PathLike[str]],
    output: str | PathLike[str],
    options: ExportOptions | None = None,
    *,
    jobs: int | None = None,
    progress: ProgressCallback | None = None,
) -> ExportResult:
    """Draw the convolutions of many model files into a folder, a folder of it for each model; print nothing.

    A file that fails does not stop the others. What an earlier run has drawn in the same way is kept.

    Args:
        models: Paths, or one path; what is given twice counts once.
        output: The folder; it is made where it is missing, and gets a ``manifest.json``.
        options: Which layers and channels, and how they are drawn.
        jobs: The number of processes; None is one for each core, or for each worker of the engine that
            ``joblib.parallel_config`` names. Whatever it is, the same bytes are written.
        progress: Called after each piece of work.

    Raises:
        OutputError: ``output`` cannot be written at all.
    """
    given = [models] if isinstance(models, (str, PathLike)) else models
    folder = Path(output)
    make_folder(folder)
    planner = Planner([Path(path) for path in given], folder, options or ExportOptions())
    results: list[ModelResult] = []
    try:
        tally = _Tally(planner)
        with closing(run_jobs(planner.jobs(), jobs)) as outcomes:
            for outcome in outcomes:
                finished = tally.add(outcome)
                if finished:
                    results.append(finished)
                if progress:
                    progress(Progress(done=tally.pages, known=planner.pages, finished=finished))
    finally:
        forget_models()
        pictures = planner.workplace.finish(
            complete=len(results) == len(planner.models), failed=any(result.failure for result in results)
        )
    return ExportResult(
        folder=folder, manifest=folder / MANIFEST, models=tuple(results), pictures=tuple(pictures)
    )


class _Tally:
    """Adds up outcomes, which come in the order of the models."""

    def __init__(self, planner: Planner) -> None:
        self.planner = planner
        self.pages = 0
        self.drawn = 0
        self.failure: str | None = None

    def add(self, outcome: Outcome) -> ModelResult | None:
        """Count an outcome; return the model's result where it was its last."""
        self.pages += outcome.pages
        self.drawn += outcome.pages
        if outcome.failure:
            self.failure = self.failure or outcome.failure
            self.planner.give_up(outcome.model)
        return self._close(outcome.model) if outcome.last else None

    def _close(self, model: int) -> ModelResult:
        self.planner.close(model)
        plan = self.planner.plans[model]
        failures = [*plan.failures, *([self.failure] if self.failure else [])]
        result = ModelResult(
            path=self.planner.models[model],
            drawn=self.drawn,
            kept=plan.kept,
            notes=tuple(plan.notes),
            failure="; ".join(failures) or None,
        )
        self.drawn, self.failure = 0, None
        return result
