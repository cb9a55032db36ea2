"""What an export has to do: which files each model gives, and which of them are missing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from time import process_time

from filtviz.batch.jobs import Done, ModelFile, PictureFile, PicturesJob
from filtviz.batch.manifest import Entry, describe_options, describe_picture, relative, value_ranges
from filtviz.batch.workplace import Workplace
from filtviz.budget import Budget
from filtviz.drawing import DrawingOptions, draw
from filtviz.drawing.estimates import pay_for_pages, pay_for_view
from filtviz.drawing.grid import cautions
from filtviz.drawing.saving import FORMATS, Destination, plan_files
from filtviz.drawing.selection import ChannelRanges, choose_channels
from filtviz.drawing.views import SHEET_VIEWS
from filtviz.errors import BudgetError, FiltvizError
from filtviz.naming import layer_stems, model_folder
from filtviz.network import ConvLayer, Network
from filtviz.reading import Hints, Limits, load
from filtviz.sources import Sources
from filtviz.text import name_runs, printable

__all__ = ["ExportOptions", "ModelPlan", "Planner"]

SLOW, SECONDS_A_PAGE, TIMES_READ = 0.5, 0.002, 4
"""Seconds of reading from which others help only where the model is read so many times while it is drawn."""

PAGES_PER_JOB = 32
"""Enough work for a process to be worth the way there, few enough that the pages are spread evenly."""


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What to export and how.

    ``layers`` are numbers or names; none are all convolutions that can be drawn. ``channels`` are pairs of a
    first and a last one, None for all. ``force`` draws again what is there. ``limits`` and ``hints`` go
    to `filtviz.load`. ``budget`` is that of each model; layers that would be more are not drawn, and said.

    Raises:
        ValueError: there is no such format, or ``layers`` is one name and no list.
    """

    layers: Sequence[int | str] = ()
    channels: ChannelRanges = None
    suffix: str = "png"
    drawing: DrawingOptions = field(default_factory=DrawingOptions)
    force: bool = False
    limits: Limits | None = None
    hints: Hints | None = None
    budget: Budget | None = None

    def __post_init__(self) -> None:
        if self.suffix not in FORMATS:
            raise ValueError(
                f"{printable(self.suffix, 20)!r} is no format of pictures: {', '.join(FORMATS)} are"
            )
        if isinstance(self.layers, str):
            raise ValueError(f"layers must be a list of numbers or names, such as [{self.layers!r}]")


@dataclass(kw_only=True)
class ModelPlan:
    """What is known of a model before its pictures are drawn: pages to draw, pages kept, what to tell.

    ``is_drawn_here`` where each other process would read the model for longer than it draws.
    """

    pages: int = 0
    is_drawn_here: bool = False
    kept: int = 0
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Planner:
    """Plans models one after another, as their jobs are asked for.

    joblib asks for jobs from a thread of its own: until they are done, only there the `Workplace` changes.
    """

    def __init__(self, models: Sequence[Path], folder: Path, options: ExportOptions) -> None:
        self.workplace = Workplace(folder, Sources().including(*models))
        by_place: dict[str, Path] = {}
        for path in models:
            by_place.setdefault(relative(path, folder), path)  # what is given twice counts once
        self.models, self._places = list(by_place.values()), list(by_place)
        self._folders = [self.workplace.folder / model_folder(by_place[each], each) for each in by_place]
        self.options = options
        self.plans = [ModelPlan() for _ in self.models]
        self._given_up: set[int] = set()

    @property
    def pages(self) -> int:
        """The number of pages to draw, as far as is known by now."""
        return sum(plan.pages for plan in self.plans)

    def give_up(self, model: int) -> None:
        """Plan no more jobs for a model whose files cannot be written."""
        self._given_up.add(model)

    def close(self, model: int) -> None:
        """Take note that nothing more is drawn of a model."""
        self.workplace.leave(self._folders[model])

    def jobs(self) -> Iterator[PicturesJob | Done]:
        """Yield the jobs of all models; each model's last one is marked, and has no files."""
        for model, path in enumerate(self.models):
            try:
                for source, files in self._batches(model):
                    if model in self._given_up:
                        break
                    job = self._job(model, source, files)
                    yield Done(job.run()) if self.plans[model].is_drawn_here else job
            except FiltvizError as error:
                self.plans[model].failures.append(str(error))
            except OSError as error:
                reason = os.strerror(error.errno or 0).lower()
                self.plans[model].failures.append(f"{printable(path, 200)}: {reason}")
            yield self._job(model, None, (), last=True)

    def _job(
        self, model: int, source: ModelFile | None, files: tuple[PictureFile, ...], *, last: bool = False
    ) -> PicturesJob:
        return PicturesJob(
            model=model,
            source=source,
            files=files,
            suffix=self.options.suffix,
            options=self.options.drawing,
            sources=self.workplace.sources,
            run_name=self.workplace.run,
            last=last,
        )

    def _batches(self, model: int) -> Iterator[tuple[ModelFile, tuple[PictureFile, ...]]]:
        """Read a model, settle what is missing, write that into the manifest, and yield it in batches."""
        path, plan = self.models[model], self.plans[model]
        limits, hints = self.options.limits, self.options.hints
        begun = process_time()
        network = load(path, limits=limits, hints=hints)
        reading = process_time() - begun
        source = ModelFile.of(path, limits, hints)
        source.remember(network)
        self.workplace.protect(network.origin.siblings)
        described = self._describe(network, model)
        missing = self.workplace.announce(self._folders[model], described, force=self.options.force)
        plan.pages = sum(file.pages for file in missing)
        plan.kept = sum(file.pages for file, _ in described) - plan.pages
        plan.is_drawn_here = reading > max(SLOW, plan.pages * SECONDS_A_PAGE / TIMES_READ)
        for files in _batched(missing):
            yield source, files

    def _describe(self, network: Network, index: int) -> list[tuple[PictureFile, Entry]]:
        """Return the model's files, each with its entry; note what cannot be drawn or would mislead."""
        plan, folder = self.plans[index], self._folders[index]
        model = {"model": self._places[index], "sha256": _sha256(self.models[index], network)}
        options = describe_options(self.options.drawing)
        destination = Destination(folder, None, self.options.suffix)
        stems = layer_stems(network, SHEET_VIEWS)
        described = []
        account = (self.options.budget or Budget()).account(network)
        too_much: dict[int, str] = {}
        for layer in _choose_layers(network, self.options.layers, plan):
            try:
                channels = choose_channels(layer, self.options.channels)
                pay_for_view(layer, channels, self.options.drawing, self.options.suffix, account)
                pictures = list(draw(layer, channels, self.options.drawing))
                pay_for_pages(pictures, self.options.suffix, account, f"drawing {layer.title}")
            except BudgetError as error:
                too_much[layer.conv_index] = str(error)
                continue
            except FiltvizError as error:
                plan.failures.append(str(error))
                continue
            plan.notes.extend(cautions(layer, channels, self.options.drawing))
            ranges = value_ranges(layer)
            first = 0
            for planned in plan_files({stems[layer.conv_index]: pictures}, "", destination):
                pages = len(planned.pictures)
                file = PictureFile(
                    path=planned.path,
                    conv_index=layer.conv_index,
                    channels=channels,
                    first=first,
                    pages=pages,
                )
                first += pages
                shown = [p.channel for p in planned.pictures if p.channel is not None] or channels
                name = f"{folder.name}/{file.path.name}"
                described.append((file, describe_picture(name, model, layer, shown, ranges, options)))
        if too_much:
            plan.failures.append(_left_out(network, too_much))
        return described


def _left_out(network: Network, reasons: Mapping[int, str]) -> str:
    """Say of all layers together what was too much, with the reason of the first."""
    names = name_runs([(index, network.conv_layers[index].label) for index in sorted(reasons)])
    return f"{names} {'was' if len(reasons) == 1 else 'were'} not drawn: {reasons[min(reasons)]}"


def _choose_layers(network: Network, wanted: Sequence[int | str], plan: ModelPlan) -> list[ConvLayer]:
    """Return the layers that are wanted, each once; without any, all that can be drawn."""
    if not network.conv_layers:
        plan.failures.append(f"it holds {network.describe()}: there is no filter to draw")
        return []
    if not wanted:
        drawable = [layer for layer in network.conv_layers if not layer.why_not_drawn]
        told = plan.notes if drawable else plan.failures
        told.extend(
            f"{printable(layer.label, 40)} is not drawn: {layer.why_not_drawn}"
            for layer in network.conv_layers
            if layer.why_not_drawn
        )
        return drawable
    chosen = {}
    for name in wanted:
        try:
            layer = network.select(name)
            chosen[layer.conv_index] = layer
        except FiltvizError as error:
            plan.failures.append(str(error))
    return list(chosen.values())


def _sha256(path: Path, network: Network) -> str:
    """Return the digest of a model's bytes: those of its file, and of the files beside it or in it."""
    found = hashlib.sha256()
    for file in (path, *network.origin.siblings):
        if not file.is_dir():
            with file.open("rb") as stream:
                hashlib.file_digest(stream, lambda: found)
    return found.hexdigest()


def _batched(files: Iterable[PictureFile]) -> Iterator[tuple[PictureFile, ...]]:
    files = iter(files)
    while batch := tuple(islice(files, PAGES_PER_JOB)):
        yield batch
