"""`filtviz.export`: every convolution of many models as pictures, and a manifest of them.

`planning` says what is to do, `jobs` who does it, `manifest` what became of it. Pages are drawn by
processes on this machine, or by an engine that joblib has a back end for, such as a Dask cluster whose
workers see the models and the folder under the same paths::

    import joblib
    from dask.distributed import Client

    with Client("tcp://scheduler:8786"), joblib.parallel_config("dask"):
        filtviz.export(paths, "/shared/pngs")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

from filtviz.batch.jobs import Outcome, Reason, forget_models, run_jobs
from filtviz.batch.manifest import MANIFEST
from filtviz.batch.planning import ExportOptions, Planner, Status
from filtviz.errors import ArgumentError, FiltvizError
from filtviz.files import make_folder
from filtviz.given import Model, check_path, expect, file_of, several
from filtviz.network import Network
from filtviz.reading import Hints
from filtviz.text import described, plural

__all__ = ["ExportOptions", "ExportResult", "Failure", "ModelResult", "Progress", "export"]


@dataclass(frozen=True)
class Failure:
    """A model file that gave no pictures, or not all of them, and why, in one sentence.

    ``code`` is that of the error, `filtviz.FiltvizError.code`; ``names_file`` tells that the sentence begins
    with the name of the file.
    """

    path: Path
    reason: str
    code: str = FiltvizError.code
    names_file: bool = False


@dataclass(frozen=True, kw_only=True)
class ModelResult:
    """What became of one model file.

    Attributes:
        path: The path as it was given, or below the folder that was given.
        place: Where it lies as seen from the folder of results.
        folder: The folder of its pictures.
        status: ``drawn``; ``kept``, where all of its pictures were there; ``no-filters``, where it has none
            that could be drawn; ``failed``. What was found in a folder may also be ``no-model``, or a
            ``part`` of another one: these are in `ExportResult.passed_over`.
        drawn: Pages drawn now.
        kept: Pages that were there already.
        is_read: Whether its file was read, which is not needed where nothing has changed.
        notes: Sentences on what its pictures do not show, where any was drawn.
        code: A word for why it failed or has no filters; None where there are pictures of all.
        reason: The same in sentences.
        names_file: Whether these begin with the name of its file.
    """

    path: Path
    place: str
    folder: Path
    status: Status
    drawn: int = 0
    kept: int = 0
    is_read: bool = True
    notes: tuple[str, ...] = ()
    code: str | None = None
    reason: str | None = None
    names_file: bool = False

    @property
    def failure(self) -> str | None:
        """Why it failed; None where it did not."""
        return self.reason if self.status == "failed" else None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is: pages done of those known by now, and the model that is at an end, if one is."""

    done: int
    known: int
    finished: ModelResult | None = None


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True, kw_only=True)
class ExportResult:
    """What a run did.

    ``pictures`` are the manifest's entries of this run, ``manifest`` is its file, ``passed_over`` is what was
    found in folders and is no model.
    """

    folder: Path
    manifest: Path
    models: tuple[ModelResult, ...]
    pictures: tuple[Mapping[str, Any], ...]
    passed_over: tuple[ModelResult, ...] = ()

    def __repr__(self) -> str:
        failed = f", {plural(len(self.failures), 'failure')}" if self.failures else ""
        models = plural(len(self.models), "model")
        return f"<ExportResult of {models}: {self.drawn:,} pages drawn, {self.kept:,} kept{failed}>"

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
        return tuple(
            Failure(model.path, model.reason or "", model.code or FiltvizError.code, model.names_file)
            for model in self.models
            if model.status == "failed"
        )

    @property
    def complete(self) -> bool:
        """Whether there was a model, and none failed."""
        return bool(self.models) and not self.failures


def export(
    models: Model | Iterable[Model],
    output: str | PathLike[str],
    options: ExportOptions | None = None,
    *,
    jobs: int | None = None,
    progress: ProgressCallback | None = None,
) -> ExportResult:
    """Draw the convolutions of many model files into a folder, a folder of it for each model; print nothing.

    A file that fails does not stop the others. What an earlier run has drawn in the same way is kept, and a
    model whose files have not changed since is not even read.

    Args:
        models: Paths of files and of folders, or one path; of a network that was loaded its file is drawn.
            What is given twice counts once. Of a folder, all files in it and below it are looked at: what is
            no model is passed over, links are not followed.
        output: The folder; it is made where it is missing, and gets a ``manifest.json``.
        options: Which layers and channels, and how they are drawn.
        jobs: The number of processes; None is one for each core, or for each worker of the engine that
            ``joblib.parallel_config`` names. Whatever it is, the same bytes are written.
        progress: Called after each piece of work.

    Raises:
        ArgumentError: this is no path, or a network of no file.
        OutputError: ``output`` cannot be written at all.
        FileAccessError: a folder cannot be looked into, or holds too much.
    """
    chosen = expect(options, ExportOptions, "options") or ExportOptions()
    if jobs is not None and (not isinstance(jobs, int) or isinstance(jobs, bool)):
        raise ArgumentError(f"jobs must be a number of processes, not {described(jobs)}")
    if progress is not None and not callable(progress):
        raise ArgumentError(f"progress must be a function, not {described(progress)}")
    asked = several(models)
    given = [file_of(model, IN_NO_FILE) for model in asked]
    graphs = {
        path: hints
        for model, path in zip(asked, given, strict=True)
        if isinstance(model, Network) and (hints := _graph_of(model, chosen.hints)) is not None
    }
    folder = Path(check_path(output, "a folder"))
    make_folder(folder)
    planner = Planner(given, folder, chosen, graphs)
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
        failed = any(result.status == "failed" for result in results)
        pictures = planner.workplace.finish(complete=len(results) == len(planner.models), failed=failed)
    passed_over = tuple(result for result in results if result.status in PASSED_OVER)
    return ExportResult(
        folder=folder,
        manifest=folder / MANIFEST,
        models=tuple(result for result in results if result.status not in PASSED_OVER),
        pictures=tuple(pictures),
        passed_over=passed_over,
    )


def _graph_of(network: Network, hints: Hints | None) -> Hints | None:
    """Return what a person says of a file whose network got its graph elsewhere, so that it is read alike.

    Raises:
        ArgumentError: the graph is in no file.
    """
    origin = network.origin
    if origin.graph and not origin.also_read:
        raise ArgumentError(f"the graph of {network.describe()} is in no file: {IN_NO_FILE}")
    if not origin.also_read or (hints is not None and (hints.like or hints.architecture)):
        return None
    graph = {"like": None, "architecture": origin.described_by}
    if origin.described_by is None:
        graph = {"like": origin.also_read[0], "architecture": None}
    return replace(hints or Hints(), **graph)  # type: ignore[arg-type]


PASSED_OVER = ("no-model", "part")

IN_NO_FILE = "export reads files, so give paths, or draw it with filtviz.plot(model, output='pictures/')"


class _Tally:
    """Adds up outcomes, which come in the order of the models."""

    def __init__(self, planner: Planner) -> None:
        self.planner = planner
        self.pages = 0
        self.drawn = 0
        self.failure: Reason | None = None

    def add(self, outcome: Outcome) -> ModelResult | None:
        """Count an outcome; return the model's result where it was its last."""
        self.pages += outcome.pages
        self.drawn += outcome.pages
        if outcome.failure:
            self.failure = self.failure or outcome.failure
            self.planner.give_up(outcome.model)
        return self._close(outcome.model) if outcome.last else None

    def _close(self, model: int) -> ModelResult:
        plan = self.planner.plans[model]
        failures = [*plan.failures, *([self.failure] if self.failure else [])]
        reason = plan.reason
        if failures:
            sentence = "; ".join(each.sentence for each in failures)
            reason = replace(failures[0], sentence=sentence)
        status = "failed" if failures else plan.status or ("drawn" if self.drawn else "kept")
        is_passed_over = status in PASSED_OVER
        result = ModelResult(
            path=self.planner.models[model],
            place=self.planner.places[model],
            folder=self.planner.workplace.folder if is_passed_over else self.planner.folder(model),
            status=status,
            drawn=self.drawn,
            kept=plan.kept,
            is_read=plan.is_read,
            notes=tuple(dict.fromkeys(plan.notes)) if self.drawn else (),
            code=None if reason is None else reason.code,
            reason=None if reason is None else reason.sentence,
            names_file=reason is not None and reason.names_file,
        )
        self.planner.close(model, status, reason, self.drawn + plan.kept)
        self.drawn, self.failure = 0, None
        return result
